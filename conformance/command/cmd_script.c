/* SPDX-License-Identifier: MIT */
/* cmd_script.c - `pmkit fmt` and `pmkit check`: scripts as text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "commands.h"
#include "lint.h"

/* ---- fmt ------------------------------------------------------------------------------------------ */

/* Writes the script over its file, by way of a new one that is renamed. */
static int write_back(const char *path, const struct pmk_script *script)
{
	size_t size = strlen(path) + 32;
	char *temporary = pmk_alloc(size);
	struct stat st;
	int result = -1;
	FILE *out;

	if (access(path, F_OK) < 0) { /* a scenario, which has no file here */
		free(temporary);
		return pmk_usage("fmt", "%s is built in; 'pmkit fmt %s >FILE' copies it", path,
				 path);
	}
	snprintf(temporary, size, "%s.%ld.tmp", path, (long)getpid());
	out = fopen(temporary, "we");
	if (out) {
		if (stat(path, &st) == 0)
			fchmod(fileno(out), st.st_mode & 0777);
		result = pmk_script_print(script, out);
		if (fclose(out) != 0)
			result = -1;
		if (!result)
			result = rename(temporary, path);
	}
	if (result) {
		fprintf(stderr, "pmkit fmt: %s: %s\n", path, strerror(errno));
		unlink(temporary);
	}
	free(temporary);
	return result ? PMK_EXIT_FAILED : 0;
}

int pmk_cmd_fmt(int argc, char **argv)
{
	bool write = false;
	const struct pmk_option options[] = { { "-w", &write, NULL } };
	int n = pmk_options(options, 1, argc, argv), status = 0;

	if (n < 0)
		return PMK_EXIT_USAGE;
	if (!n)
		return pmk_usage("fmt", "expected SCRIPT...");
	for (int i = 1; i <= n; i++) {
		struct pmk_error err = { .line = 0 };
		struct pmk_script *script = pmk_script_load(argv[i], &err);

		if (!script)
			status = pmk_error_report(&err);
		else if (write && strcmp(argv[i], "-") != 0)
			status |= write_back(argv[i], script);
		else if (pmk_script_print(script, stdout) < 0)
			status = PMK_EXIT_FAILED;
		pmk_script_destroy(script);
	}
	return status;
}

/* ---- check ---------------------------------------------------------------------------------------- */

static void complain(void *data, const struct pmk_error *err)
{
	*(int *)data = pmk_error_report(err);
}

int pmk_cmd_check(int argc, char **argv)
{
	int n = pmk_options(NULL, 0, argc, argv), status = 0;

	if (n < 0)
		return PMK_EXIT_USAGE;
	if (!n)
		return pmk_usage("check", "expected SCRIPT...");
	for (int i = 1; i <= n; i++) {
		struct pmk_error err = { .line = 0 };
		struct pmk_script *script = pmk_script_load(argv[i], &err);

		if (script)
			pmk_lint(script, complain, &status);
		else
			status = pmk_error_report(&err);
		pmk_script_destroy(script);
	}
	return status;
}
