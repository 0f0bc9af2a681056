/* SPDX-License-Identifier: MIT */
/* cmd_fidelity.c - `pmkit fidelity`: the real files and the mocked ones, operation by operation. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "fidelity.h"
#include "json.h"
#include "operations.h"
#include "script.h"

static const char *const default_files[] = { "pagemap", "kpageflags", "clear_refs", "maps" };
static const char *const known_files[] = { "pagemap",	 "maps",       "clear_refs",
					   "kpagecount", "kpageflags", "kpagecgroup" };

static const char *result_text(int64_t result, char *buf, size_t size)
{
	const char *name = result < 0 && result > -4096 ? pmk_errno_name((int)-result) : NULL;

	snprintf(buf, size, name ? "%s" : "%s%" PRId64, name ? name : "", result);
	return buf;
}

/* ---- the table ---- */

static void print_row(const struct pmk_fidelity *f, size_t i)
{
	char real[32], mock[32];
	bool differs;
	const char *reason = pmk_fidelity_reason(f, i, &differs);
	int64_t shown = f->result[PMK_AT_REAL][i];

	/* What is shown of the mocks is the one that is most like the kernel, which they mostly agree on. */
	for (int at = PMK_AT_REAL; at < PMK_AT_COUNT; at++)
		if (f->result[at])
			shown = f->result[at][i];
	printf("%-44s %-12s %-12s %s\n", pmk_operation_name(i),
	       result_text(f->result[PMK_AT_REAL][i], real, sizeof(real)),
	       result_text(shown, mock, sizeof(mock)), differs ? "no" : "yes");
	if (!differs)
		return;
	for (int at = PMK_AT_REAL + 1; at < PMK_AT_COUNT; at++)
		if (f->result[at] && f->result[at][i] != shown)
			printf("    %s: %s\n", pmk_at_name[at],
			       result_text(f->result[at][i], mock, sizeof(mock)));
	printf("    because %s\n", reason ? reason : "of something that nobody has explained");
}

static void print_totals(const struct pmk_fidelity *f)
{
	for (int at = PMK_AT_REAL + 1; at < PMK_AT_COUNT; at++) {
		if (f->result[at])
			printf("%s %u of %u the same (%s)\n", f->file, f->same[at], f->total,
			       pmk_at_name[at]);
		else
			printf("%s not compared (%s): %s\n", f->file, pmk_at_name[at], f->why[at]);
	}
	putchar('\n');
}

static void print_file(const struct pmk_fidelity *f)
{
	if (!f->result[PMK_AT_REAL]) {
		printf("%s not compared: the real one: %s\n\n", f->file, f->why[PMK_AT_REAL]);
		return;
	}
	printf("%-44s %-12s %-12s same?\n", f->file, "real", "mock");
	for (size_t i = 0; i < pmk_operation_count; i++)
		if (pmk_operation_is_for(i, f->file))
			print_row(f, i);
	print_totals(f);
}

/* ---- JSON ---- */

static void write_results(struct pmk_json *j, const struct pmk_fidelity *f, size_t i)
{
	char buf[32];

	for (int at = PMK_AT_REAL; at < PMK_AT_COUNT; at++)
		if (f->result[at])
			pmk_json_string(j, pmk_at_name[at],
					result_text(f->result[at][i], buf, sizeof(buf)));
}

static void write_file(struct pmk_json *j, const struct pmk_fidelity *f)
{
	pmk_json_open(j, NULL, '{');
	pmk_json_string(j, "file", f->file);
	pmk_json_open(j, "operations", '[');
	for (size_t i = 0; f->result[PMK_AT_REAL] && i < pmk_operation_count; i++) {
		bool differs;
		const char *reason;

		if (!pmk_operation_is_for(i, f->file))
			continue;
		reason = pmk_fidelity_reason(f, i, &differs);
		pmk_json_open(j, NULL, '{');
		pmk_json_string(j, "operation", pmk_operation_name(i));
		write_results(j, f, i);
		pmk_json_bool(j, "same", !differs);
		if (reason)
			pmk_json_string(j, "reason", reason);
		pmk_json_close(j, '}');
	}
	pmk_json_close(j, ']');
	pmk_json_number(j, "total", f->total);
	for (int at = PMK_AT_REAL; at < PMK_AT_COUNT; at++)
		if (f->result[at] && at != PMK_AT_REAL)
			pmk_json_number(j, pmk_at_name[at], f->same[at]);
	pmk_json_close(j, '}');
}

static int save(const char *path, const struct pmk_fidelity *f, size_t n)
{
	struct pmk_json j = { .out = strcmp(path, "-") ? fopen(path, "we") : stdout };
	int status = 0;

	if (!j.out) {
		perror(path);
		return PMK_EXIT_FAILED;
	}
	pmk_json_open(&j, NULL, '{');
	pmk_json_open(&j, "files", '[');
	for (size_t i = 0; i < n; i++)
		write_file(&j, &f[i]);
	pmk_json_close(&j, ']');
	pmk_json_close(&j, '}');
	if (j.out == stdout ? fflush(stdout) : fclose(j.out)) {
		perror(path);
		status = PMK_EXIT_FAILED;
	}
	return status;
}

/* ---- the command ---- */

static int exit_code(const struct pmk_fidelity *f, size_t n)
{
	bool compared = false;

	for (size_t i = 0; i < n; i++) {
		if (f[i].unexplained)
			return PMK_EXIT_FAILED;
		for (int at = PMK_AT_REAL + 1; at < PMK_AT_COUNT; at++)
			compared |= f[i].result[at] != NULL;
	}
	return compared ? 0 : PMK_EXIT_CANNOT;
}

static bool is_known(const char *file)
{
	for (size_t i = 0; i < sizeof(known_files) / sizeof(*known_files); i++)
		if (!strcmp(known_files[i], file))
			return true;
	return false;
}

static int compare_files(const char *const *file, size_t n, const char *json)
{
	struct pmk_fidelity f[sizeof(known_files) / sizeof(*known_files)];
	int status;

	for (size_t i = 0; i < n; i++) {
		pmk_fidelity_init(&f[i], file[i]);
		if (!json || strcmp(json, "-"))
			print_file(&f[i]);
	}
	status = json ? save(json, f, n) : 0;
	if (!status)
		status = exit_code(f, n);
	for (size_t i = 0; i < n; i++)
		pmk_fidelity_deinit(&f[i]);
	return status;
}

int pmk_cmd_fidelity(int argc, char **argv)
{
	const char *json = NULL, *perform = NULL;
	const struct pmk_option options[] = { { "--json", NULL, &json },
					      { "--perform", NULL, &perform } };
	int n = pmk_options(options, sizeof(options) / sizeof(*options), argc, argv);

	if (n < 0)
		return PMK_EXIT_USAGE;
	if (perform)
		return pmk_fidelity_perform(perform, stdout) ? PMK_EXIT_FAILED : 0;
	for (int i = 1; i <= n; i++)
		if (!is_known(argv[i]))
			return pmk_usage("fidelity",
					 "'%s': expected pagemap, maps, clear_refs, kpagecount, "
					 "kpageflags or kpagecgroup",
					 argv[i]);
	if (n > (int)(sizeof(known_files) / sizeof(*known_files)))
		return pmk_usage("fidelity", "each file once");
	if (n)
		return compare_files((const char *const *)argv + 1, (size_t)n, json);
	return compare_files(default_files, sizeof(default_files) / sizeof(*default_files), json);
}
