/* SPDX-License-Identifier: MIT */
/* cmd_test.c - `pmkit test`: the suite in the worlds, and its reports. */
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "commands.h"
#include "coverage.h"
#include "mutants.h"
#include "number.h"
#include "report.h"
#include "world_live.h"

#define SCRIPT_SECONDS 30
#define QUIET_SECONDS  2 /* how long a run may take before progress is shown */

/* The command line. */
struct test {
	const char *on, *as, *json, *junit, *html;
	bool list, coverage, mutants;
	struct pmk_profile profile;
	FILE *ktap; /* standard output, unless a report goes there */
};

/* ---- worlds --------------------------------------------------------------------------------------- */

typedef struct pmk_world *create_world(const struct test *t, struct pmk_error *err);

static struct pmk_world *create_model(const struct test *t, struct pmk_error *err)
{
	(void)t;
	(void)err;
	return pmk_world_model_create();
}

static struct pmk_world *create_mock(const struct test *t, struct pmk_error *err)
{
	struct pmk_mock_options options = { .profile = t->as ? &t->profile : NULL };

	return pmk_world_mock_create(&options, err);
}

static struct pmk_world *create_kernel(const struct test *t, struct pmk_error *err)
{
	(void)t;
	return pmk_world_kernel_create(err);
}

static const struct {
	const char *name;
	create_world *create;
} worlds[PMK_WORLD_COUNT] = {
	[PMK_WORLD_MODEL] = { "model", create_model },
	[PMK_WORLD_MOCK] = { "mock", create_mock },
	[PMK_WORLD_KERNEL] = { "kernel", create_kernel },
};

/* Kernel before mock: without root the mock's own mounts take a user namespace, in which the kernel
 * would show less. */
static const enum pmk_world_id run_order[] = { PMK_WORLD_MODEL, PMK_WORLD_KERNEL, PMK_WORLD_MOCK };

static int find_world(const char *name, size_t len)
{
	for (int w = 0; w < PMK_WORLD_COUNT; w++)
		if (strlen(worlds[w].name) == len && !strncmp(name, worlds[w].name, len))
			return w;
	return -1;
}

/* The worlds of --on, in the order in which they run; -1: a name is none. */
static int parse_worlds(const char *on, enum pmk_world_id ret[PMK_WORLD_COUNT])
{
	bool chosen[PMK_WORLD_COUNT] = { false };
	int n = 0;

	while (*on) {
		size_t len = strcspn(on, ",");
		int w = find_world(on, len);

		if (w < 0)
			return -1;
		chosen[w] = true;
		on += len + (on[len] == ',');
	}
	for (int i = 0; i < PMK_WORLD_COUNT; i++)
		if (chosen[run_order[i]])
			ret[n++] = run_order[i];
	return n ? n : -1;
}

/* ---- the run -------------------------------------------------------------------------------------- */

static void show_progress(const struct pmk_column *column, const struct pmk_report *report,
			  size_t script, time_t start)
{
	if (!isatty(STDERR_FILENO) || isatty(STDOUT_FILENO) || time(NULL) - start < QUIET_SECONDS)
		return;
	fprintf(stderr, "\r\033[K%s: %zu of %zu: %s", column->name, script + 1, report->suite->n,
		report->suite->cases[script].name);
	if (script + 1 == report->suite->n)
		fputs("\r\033[K", stderr);
}

/* A world that is not to be had: everything is skipped, for its reason. */
static void no_world(const struct pmk_column *column, struct pmk_result *ret)
{
	char reason[300];

	snprintf(reason, sizeof(reason), "no %s world: %s", column->name, column->why);
	*ret = (struct pmk_result){ .verdict = PMK_VERDICT_SKIP, .reason = pmk_strdup(reason) };
}

/* PMKIT_TIMEOUT: an emulated machine may need longer; 0: no limit. */
static unsigned time_limit(void)
{
	const char *text = getenv("PMKIT_TIMEOUT");
	uint64_t seconds;

	if (text && pmk_number_parse(text, &seconds) && seconds < UINT_MAX)
		return (unsigned)seconds;
	return SCRIPT_SECONDS;
}

static void run_column(struct pmk_report *report, size_t index, const struct test *t)
{
	const char *danger = getenv("PMKIT_DANGER");
	const struct pmk_run_options options = {
		.as = t->as ? &t->profile : NULL,
		.danger = danger && !strcmp(danger, "1"),
		.timeout = time_limit(),
		.bail = t->ktap == stdout ? STDOUT_FILENO : 0,
	};
	struct pmk_column *column = &report->column[index];
	time_t start = time(NULL);

	pmk_ktap_world(t->ktap, report, index);
	for (size_t i = 0; i < report->suite->n; i++) {
		show_progress(column, report, i, start);
		if (column->world)
			pmk_case_run(&report->suite->cases[i], column->world, &options,
				     &column->result[i]);
		else
			no_world(column, &column->result[i]);
		column->count[column->result[i].verdict]++;
		pmk_ktap_result(t->ktap, report, index, i);
	}
	pmk_ktap_world_end(t->ktap, report, index);
}

static void run_world(struct pmk_report *report, size_t index, enum pmk_world_id id,
		      const struct test *t)
{
	struct pmk_column *column = &report->column[index];
	struct pmk_error err = { .line = 0 };

	column->name = worlds[id].name;
	column->result = pmk_calloc(report->suite->n + 1, sizeof(*column->result));
	column->world = worlds[id].create(t, &err);
	if (!column->world)
		pmk_error_format(&err, column->why, sizeof(column->why));
	if (column->world && id == PMK_WORLD_KERNEL) {
		const struct pmk_probe_result *probe =
			pmk_world_kernel_probes(column->world, &report->nprobes);

		memcpy(report->probe, probe, report->nprobes * sizeof(*probe));
	}
	run_column(report, index, t);
	if (column->world)
		column->world->ops->destroy(column->world);
}

static int save_reports(const struct test *t, const struct pmk_report *report)
{
	const struct {
		const char *path;
		pmk_report_write *write;
	} forms[] = {
		{ t->json, pmk_report_json },
		{ t->junit, pmk_report_junit },
		{ t->html, pmk_report_html },
	};
	int status = 0;

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct pmk_error err;

		if (forms[i].path &&
		    pmk_report_save(forms[i].path, report, forms[i].write, &err) < 0)
			status = pmk_error_report(&err);
	}
	return status;
}

static int run_all(const struct pmk_suite *suite, const struct test *t,
		   const enum pmk_world_id *ids, int n)
{
	struct pmk_report report = { .suite = suite, .ncolumns = (size_t)n };
	int saved;

	report.profile = t->profile.name;
	uname(&report.uts);
	pmk_ktap_begin(t->ktap, &report);
	for (int i = 0; i < n; i++)
		run_world(&report, (size_t)i, ids[i], t);
	fflush(t->ktap);
	saved = save_reports(t, &report);
	pmk_report_summary(stderr, &report);
	for (int i = 0; i < n; i++) {
		for (size_t k = 0; k < suite->n; k++)
			pmk_result_deinit(&report.column[i].result[k]);
		free(report.column[i].result);
	}
	return saved ? saved : pmk_report_status(&report);
}

/* ---- the command ---------------------------------------------------------------------------------- */

/* --list and --coverage; with --json FILE as JSON there. */
static int show(const struct pmk_suite *suite, const struct test *t,
		const struct pmk_coverage *coverage)
{
	FILE *out = stdout;
	int result;

	if (t->json && strcmp(t->json, "-") != 0)
		out = fopen(t->json, "we");
	if (!out) {
		perror(t->json);
		return PMK_EXIT_FAILED;
	}
	if (coverage)
		result = (t->json ? pmk_coverage_json : pmk_coverage_print)(out, coverage);
	else
		result = (t->json ? pmk_list_json : pmk_list_print)(out, suite);
	if (out != stdout && fclose(out) != 0)
		result = -1;
	return result ? PMK_EXIT_FAILED : 0;
}

/* Where KTAP goes: a JSON document on standard output stands alone. */
static FILE *open_ktap(const struct test *t)
{
	const char *const reports[] = { t->json, t->junit, t->html };

	for (size_t i = 0; i < 3; i++)
		if (reports[i] && !strcmp(reports[i], "-"))
			return fopen("/dev/null", "we");
	return stdout;
}

/* All scripts count, whatever clauses are asked for. */
static int show_coverage(const struct pmk_suite *suite, const struct test *t, char **words, int n)
{
	const struct pmk_coverage coverage = { suite, words, (size_t)n };
	const char *stranger = pmk_coverage_stranger(&coverage);

	if (stranger)
		return pmk_usage("test", "--coverage %s: no clause begins like that", stranger);
	return show(suite, t, &coverage);
}

static int test_suite(struct pmk_suite *suite, struct test *t, char **words, int n)
{
	enum pmk_world_id ids[PMK_WORLD_COUNT];
	struct pmk_error err = { .line = 0 };
	int nworlds = parse_worlds(t->on, ids);

	if (nworlds < 0)
		return pmk_usage("test",
				 "--on %s: expected model, mock, kernel or some of them, "
				 "separated by commas",
				 t->on);
	if (t->coverage)
		return show_coverage(suite, t, words, n);
	if (n && pmk_suite_select(suite, words, (size_t)n, &err) < 0) {
		pmk_error_report(&err);
		return PMK_EXIT_USAGE;
	}
	if (t->mutants)
		return pmk_mutants_run(suite, stdout) ? PMK_EXIT_FAILED : 0;
	if (t->list)
		return show(suite, t, NULL);
	t->ktap = open_ktap(t);
	if (!t->ktap)
		return pmk_usage("test", "/dev/null: cannot be opened");
	return run_all(suite, t, ids, nworlds);
}

int pmk_cmd_test(int argc, char **argv)
{
	struct test t = { .on = "model,mock,kernel" };
	const struct pmk_option options[] = {
		{ "--on", NULL, &t.on },     { "--as", NULL, &t.as },
		{ "--list", &t.list, NULL }, { "--coverage", &t.coverage, NULL },
		{ "--json", NULL, &t.json }, { "--junit", NULL, &t.junit },
		{ "--html", NULL, &t.html }, { "--mutants", &t.mutants, NULL },
	};
	int n = pmk_options(options, sizeof(options) / sizeof(*options), argc, argv), status;
	struct pmk_suite suite;
	struct pmk_error err;

	if (n < 0)
		return PMK_EXIT_USAGE;
	pmk_profile_host(&t.profile);
	if (t.as && pmk_profile_parse(t.as, &t.profile, &err) < 0)
		return pmk_usage("test", "--as %s: %s", t.as, err.text);
	if (pmk_suite_init(&suite, &err) < 0)
		return pmk_error_report(&err);
	status = test_suite(&suite, &t, argv + 1, n);
	pmk_suite_deinit(&suite);
	return status;
}
