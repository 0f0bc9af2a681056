/* SPDX-License-Identifier: MIT */
/* cmd_script.c - `pmkit fmt` and `pmkit check`: scripts as text. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "lint.h"
#include "save.h"

/* ---- fmt ------------------------------------------------------------------------------------------ */

static int print_script(FILE *out, const void *data)
{
	return pmk_script_print(data, out);
}

/* Writes the script over its file. */
static int write_back(const char *path, const struct pmk_script *script)
{
	struct pmk_error err;

	if (access(path, F_OK) < 0) /* a scenario, which has no file here */
		return pmk_usage("fmt", "%s is built in; 'pmkit fmt %s >FILE' copies it", path,
				 path);
	if (!pmk_save(path, print_script, script, &err))
		return 0;
	fprintf(stderr, "pmkit fmt: %s: %s\n", path, err.text);
	return PMK_EXIT_FAILED;
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
