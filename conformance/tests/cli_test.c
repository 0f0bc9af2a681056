/* SPDX-License-Identifier: MIT */
/* cli_test.c - what pmkit says to its caller: cli_cases.def; and that its JSON is JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct test_case {
	const char *arguments;
	int status;
	const char *err, *out;
} cases[] = {
#define CASE(arguments, status, err, out) { arguments, status, err, out },
#include "cli_cases.def"
#undef CASE
};

/* Whatever writes JSON; python3 reads it. */
static const char *const json[] = {
	"test --on model --json -",
	"test --list --json -",
	"test --coverage --json -",
	"test --on model --json - must-fail/entry-none.pmk",
	"decode --json 0 0x8000000000001234 0x4000000000000000",
	"decode --json --kpageflags 0x20 0x100000",
	"decode --json --kpagecount 3",
	"translate --json $$ 0 0x400000",
	"kernels --json",
	"kernels --json --diff 5.10 6.12",
};

static char text[1 << 20], errors[1 << 16];

static void read_all(FILE *f, char *buf, size_t size)
{
	buf[fread(buf, 1, size - 1, f)] = '\0';
	while (fgetc(f) != EOF)
		;
}

/* Runs a line of sh; what it prints is in text. */
static int run(const char *line)
{
	FILE *f = popen(line, "r");
	int status;

	if (!f)
		return -1;
	read_all(f, text, sizeof(text));
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Once for both outputs: every start of a sanitized binary costs. */
static int check(const char *pmkit, const struct test_case *c)
{
	FILE *err = tmpfile();
	char line[4096];
	int status;

	if (!err)
		return 1;
	snprintf(line, sizeof(line), "{ '%s' %s; } 2>&%d", pmkit, c->arguments, fileno(err));
	status = run(line);
	rewind(err);
	read_all(err, errors, sizeof(errors));
	fclose(err);
	if (status == c->status && strstr(text, c->out) && strstr(errors, c->err))
		return 0;
	printf("pmkit %s: exit %d, expected %d with '%s' and on standard error '%s'; saw\n%.2000s\n"
	       "and\n%.2000s\n",
	       c->arguments, status, c->status, c->out, c->err, text, errors);
	return 1;
}

static int check_json(const char *pmkit, const char *arguments)
{
	char line[4096];

	snprintf(line, sizeof(line), "'%s' %s 2>/dev/null | python3 -m json.tool 2>&1 >/dev/null",
		 pmkit, arguments);
	if (run(line) == 0 && !*text)
		return 0;
	printf("pmkit %s: no JSON: %s\n", arguments, text);
	return 1;
}

int main(int argc, char **argv)
{
	size_t n = sizeof(cases) / sizeof(*cases);
	int wrong = 0;

	if (argc != 3 || chdir(argv[2]) != 0 || setenv("PMKIT", argv[1], 1) != 0)
		return 2;
	for (size_t i = 0; i < n; i++)
		wrong += check(argv[1], &cases[i]);
	if (run("python3 -c '' 2>&1") == 0)
		for (size_t i = 0; i < sizeof(json) / sizeof(*json); i++)
			wrong += check_json(argv[1], json[i]);
	printf("%zu command lines, %d not as expected\n", n, wrong);
	return wrong != 0;
}
