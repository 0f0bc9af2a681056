/* SPDX-License-Identifier: MIT */
/* report_json.c - results as JSON and as JUnit XML: one record a script and a world. */
#include "json.h"
#include "report.h"

static void put_result(struct pmk_json *j, const struct pmk_case *c, const char *world,
		       const struct pmk_result *r)
{
	pmk_json_open(j, NULL, '{');
	pmk_json_string(j, "script", c->name);
	pmk_json_string(j, "world", world);
	pmk_json_string(j, "verdict", pmk_verdict_name[r->verdict]);
	pmk_json_string(j, "reason", *r->reason ? r->reason : NULL);
	pmk_json_string(j, "seen", r->seen && *r->seen ? r->seen : NULL);
	pmk_json_open(j, "clauses", '[');
	for (size_t i = 0; i < c->nclauses; i++)
		pmk_json_string(j, NULL, c->clause[i]);
	pmk_json_close(j, ']');
	pmk_json_number(j, "line", r->line);
	pmk_json_number(j, "checked", r->checks);
	pmk_json_number(j, "unchecked", r->unchecked);
	pmk_json_seconds(j, "seconds", r->seconds);
	pmk_json_close(j, '}');
}

static void put_worlds(struct pmk_json *j, const struct pmk_report *report)
{
	pmk_json_open(j, "worlds", '{');
	for (size_t i = 0; i < report->ncolumns; i++) {
		const struct pmk_column *c = &report->column[i];

		pmk_json_open(j, c->name, '{');
		pmk_json_bool(j, "available", c->world != NULL);
		pmk_json_string(j, "reason", c->world ? NULL : c->why);
		for (int v = 0; v < PMK_VERDICT_COUNT; v++)
			pmk_json_number(j, pmk_verdict_name[v], c->count[v]);
		pmk_json_close(j, '}');
	}
	pmk_json_close(j, '}');
}

/* What a probe found, and what quirks.def says of this kernel: where they differ, one of them is wrong. */
static void put_probes(struct pmk_json *j, const struct pmk_report *report)
{
	pmk_json_open(j, "probes", '{');
	for (size_t i = 0; i < report->nprobes; i++) {
		pmk_json_open(j, pmk_quirk[report->probe[i].feature].name, '{');
		pmk_json_bool(j, "kernel", report->probe[i].probe);
		pmk_json_bool(j, "table", report->probe[i].table);
		pmk_json_close(j, '}');
	}
	pmk_json_close(j, '}');
}

int pmk_report_json(FILE *out, const struct pmk_report *report)
{
	struct pmk_json j = { .out = out };

	pmk_json_open(&j, NULL, '{');
	pmk_json_string(&j, "format", "pmkit-test-1");
	pmk_json_string(&j, "profile", report->profile);
	pmk_json_open(&j, "uname", '{');
	pmk_json_string(&j, "sysname", report->uts.sysname);
	pmk_json_string(&j, "release", report->uts.release);
	pmk_json_string(&j, "version", report->uts.version);
	pmk_json_string(&j, "machine", report->uts.machine);
	pmk_json_close(&j, '}');
	put_worlds(&j, report);
	put_probes(&j, report);
	pmk_json_open(&j, "results", '[');
	for (size_t i = 0; i < report->suite->n; i++)
		for (size_t w = 0; w < report->ncolumns; w++)
			put_result(&j, &report->suite->cases[i], report->column[w].name,
				   &report->column[w].result[i]);
	pmk_json_close(&j, ']');
	pmk_json_close(&j, '}');
	return ferror(out) ? -1 : 0;
}
