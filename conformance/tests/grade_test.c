/* SPDX-License-Identifier: MIT */
/* grade_test.c - pmkit grade with adapters that misbehave (grade_cases.def): grade_test PMKIT BAD_ADAPTER FOLDER. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIP 77

static const struct {
	const char *options, *adapter;
	int status;
	const char *text;
} cases[] = {
#define GRADE(options, adapter, status, text) { options, adapter, status, text },
#include "grade_cases.def"
};

/* Runs the command; its exit status, and what it has said. */
static int run(const char *command, char *ret, size_t size)
{
	FILE *out = popen(command, "r");
	size_t len = out ? fread(ret, 1, size - 1, out) : 0;
	char rest[512];

	ret[len] = '\0';
	while (out && fread(rest, 1, sizeof(rest), out) > 0)
		;
	int status = out ? pclose(out) : -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
	static char said[1 << 16], command[4096];
	int failed = 0;

	if (argc != 4 || chdir(argv[3]))
		return 2;
	snprintf(command, sizeof(command), "'%s' grade K-MIG -- '%s' wrong 2>&1", argv[1], argv[2]);
	if (run(command, said, sizeof(said)) == SKIP) {
		printf("skip: %s", said);
		return SKIP;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool path = cases[i].adapter[0] == ' ';

		snprintf(command, sizeof(command), "'%s' grade %s %s -- %s%s%s %s 2>&1", argv[1],
			 cases[i].options, strstr(cases[i].options, "K-") ? "" : "K-MIG",
			 path ? "" : "'", path ? "" : argv[2], path ? "" : "'", cases[i].adapter);
		int status = run(command, said, sizeof(said));
		if (status == cases[i].status && strstr(said, cases[i].text))
			continue;
		printf("grade %s -- %s: status %d, expected %d and \"%s\":\n%s\n", cases[i].options,
		       cases[i].adapter, status, cases[i].status, cases[i].text, said);
		failed++;
	}
	printf("%zu cases, %d failed\n", sizeof(cases) / sizeof(*cases), failed);
	return failed ? 1 : 0;
}
