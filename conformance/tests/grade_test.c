/* SPDX-License-Identifier: MIT */
/* grade_test.c - pmkit grade with adapters that misbehave (grade_cases.def): grade_test PMKIT BAD_ADAPTER FOLDER. */
#include <signal.h>
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

/* What a kill leaves: nothing, for the adapter's end of the pipe is closed when all are gone. */
static int killed(const char *pmkit, const char *adapter, int sig)
{
	char byte;
	int fd[2];

	if (pipe(fd))
		return 1;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fd[1], 2);
		close(fd[0]);
		close(fd[1]);
		execl(pmkit, pmkit, "grade", "--timeout", "3600", "K-MIG", "--", adapter, "told",
		      (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	bool asked = read(fd[0], &byte, 1) == 1; /* told: it says so before it hangs */
	kill(pid, sig);
	bool gone = read(fd[0], &byte, 1) == 0;
	close(fd[0]);
	waitpid(pid, NULL, 0);
	if (!asked || !gone)
		printf("killed by %d: asked %d, gone %d\n", sig, asked, gone);
	return !asked || !gone;
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
	failed += killed(argv[1], argv[2], SIGKILL);
	failed += killed(argv[1], argv[2], SIGTERM);
	printf("%zu cases, %d failed\n", sizeof(cases) / sizeof(*cases), failed);
	return failed ? 1 : 0;
}
