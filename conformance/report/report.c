/* SPDX-License-Identifier: MIT */
/* report.c - KTAP, the summary, and files that are there completely or not at all. */
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clauses.h"
#include "save.h"

/* ---- KTAP ---------------------------------------------------------------------------------------- */

void pmk_ktap_begin(FILE *out, const struct pmk_report *report)
{
	fprintf(out, "KTAP version 1\n1..%zu\n", report->ncolumns);
	fflush(out);
}

void pmk_ktap_world(FILE *out, const struct pmk_report *report, size_t column)
{
	fprintf(out, "  KTAP version 1\n  # Subtest: %s\n  1..%zu\n", report->column[column].name,
		report->suite->n);
	fflush(out);
}

/* Text on one line; '#' would start a directive in a reason. */
static void put_line(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(*text == '\n' || *text == '\r' ? ' ' : *text, out);
}

static void put_diagnostic(FILE *out, const char *before, const char *text)
{
	fprintf(out, "  # %s", before);
	put_line(out, text);
	fputc('\n', out);
}

/* What the script is to prove, from the ledger. */
static void put_clauses(FILE *out, const struct pmk_case *c)
{
	for (size_t i = 0; i < c->nclauses; i++) {
		const struct pmk_clause *clause = pmk_clause_find(c->clause[i]);

		if (!clause)
			continue;
		fprintf(out, "  # %s: ", clause->id);
		put_line(out, clause->text);
		fputc('\n', out);
	}
}

void pmk_ktap_result(FILE *out, const struct pmk_report *report, size_t column, size_t script)
{
	const struct pmk_result *r = &report->column[column].result[script];
	const struct pmk_case *c = &report->suite->cases[script];
	bool ok = r->verdict == PMK_VERDICT_PASS || r->verdict == PMK_VERDICT_SKIP;

	if (!ok) {
		put_diagnostic(out, "", r->reason);
		put_clauses(out, c);
	}
	fprintf(out, "  %sok %zu %s", ok ? "" : "not ", script + 1, c->name);
	if (r->verdict == PMK_VERDICT_SKIP) {
		fputs(" # SKIP ", out);
		put_line(out, r->reason);
	} else if (r->verdict == PMK_VERDICT_BROKEN) {
		fputs(" # BROKEN", out);
	}
	fputc('\n', out);
	fflush(out);
}

void pmk_ktap_world_end(FILE *out, const struct pmk_report *report, size_t column)
{
	const struct pmk_column *w = &report->column[column];
	const unsigned *n = w->count;
	bool ok = !n[PMK_VERDICT_FAIL] && !n[PMK_VERDICT_BROKEN];

	fprintf(out, "  # pass:%u fail:%u skip:%u broken:%u\n", n[PMK_VERDICT_PASS],
		n[PMK_VERDICT_FAIL], n[PMK_VERDICT_SKIP], n[PMK_VERDICT_BROKEN]);
	fprintf(out, "%sok %zu %s", ok ? "" : "not ", column + 1, w->name);
	if (!w->world) {
		fputs(" # SKIP ", out);
		put_line(out, w->why);
	}
	fputc('\n', out);
	fflush(out);
}

/* ---- files --------------------------------------------------------------------------------------- */

struct writing {
	const struct pmk_report *report;
	pmk_report_write *write;
};

static int write_report(FILE *out, const void *data)
{
	const struct writing *w = data;

	return w->write(out, w->report);
}

int pmk_report_save(const char *path, const struct pmk_report *report, pmk_report_write *write,
		    struct pmk_error *err)
{
	return pmk_save(path, write_report, &(struct writing){ report, write }, err);
}

/* ---- the summary --------------------------------------------------------------------------------- */

struct reason {
	const char *text;
	unsigned count;
};

static int most_first(const void *a, const void *b)
{
	const struct reason *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->text, y->text);
}

static void reason_count(struct reason *reason, size_t *n, const char *text)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(reason[i].text, text)) {
			reason[i].count++;
			return;
		}
	reason[(*n)++] = (struct reason){ text, 1 };
}

static void summarize_reasons(FILE *out, const struct pmk_report *report,
			      const struct pmk_column *column)
{
	struct reason *reason = pmk_calloc(report->suite->n + 1, sizeof(*reason));
	size_t n = 0;

	for (size_t i = 0; i < report->suite->n; i++)
		if (column->result[i].verdict == PMK_VERDICT_SKIP)
			reason_count(reason, &n, column->result[i].reason);
	qsort(reason, n, sizeof(*reason), most_first);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "  %5u skipped: %s\n", reason[i].count, reason[i].text);
	free(reason);
}

void pmk_report_summary(FILE *out, const struct pmk_report *report)
{
	for (size_t i = 0; i < report->ncolumns; i++) {
		const struct pmk_column *c = &report->column[i];

		fprintf(out, "%-6s  %u passed, %u failed, %u skipped, %u broken\n", c->name,
			c->count[PMK_VERDICT_PASS], c->count[PMK_VERDICT_FAIL],
			c->count[PMK_VERDICT_SKIP], c->count[PMK_VERDICT_BROKEN]);
		summarize_reasons(out, report, c);
	}
}

int pmk_report_status(const struct pmk_report *report)
{
	unsigned count[PMK_VERDICT_COUNT] = { 0 };

	for (size_t i = 0; i < report->ncolumns; i++)
		for (int v = 0; v < PMK_VERDICT_COUNT; v++)
			count[v] += report->column[i].count[v];
	if (count[PMK_VERDICT_FAIL] || count[PMK_VERDICT_BROKEN])
		return 1;
	return count[PMK_VERDICT_PASS] ? 0 : 77;
}
