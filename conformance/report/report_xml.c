/* SPDX-License-Identifier: MIT */
/* report_xml.c - JUnit XML, and a page for people: scripts down, worlds across. */
#include "report.h"

#include <string.h>

#include "clauses.h"
#include "report_html.h"
#include "xml.h"

/* ---- JUnit --------------------------------------------------------------------------------------- */

static void junit_case(FILE *out, const struct pmk_case *c, const char *world,
		       const struct pmk_result *r)
{
	/* the element that holds the reason */
	static const char *const element[PMK_VERDICT_COUNT] = { NULL, "failure", "skipped",
								"error" };

	fprintf(out, "    <testcase classname=\"pmkit.%s\" name=\"", world);
	pmk_xml_put(out, c->name);
	fprintf(out, "\" time=\"%.6f\"", r->seconds);
	if (!element[r->verdict]) {
		fputs("/>\n", out);
		return;
	}
	fprintf(out, ">\n      <%s message=\"", element[r->verdict]);
	pmk_xml_put(out, r->reason);
	fputs("\"/>\n    </testcase>\n", out);
}

int pmk_report_junit(FILE *out, const struct pmk_report *report)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"pmkit\">\n", out);
	for (size_t w = 0; w < report->ncolumns; w++) {
		const struct pmk_column *c = &report->column[w];

		fprintf(out,
			"  <testsuite name=\"%s\" tests=\"%zu\" failures=\"%u\" errors=\"%u\" "
			"skipped=\"%u\">\n",
			c->name, report->suite->n, c->count[PMK_VERDICT_FAIL],
			c->count[PMK_VERDICT_BROKEN], c->count[PMK_VERDICT_SKIP]);
		for (size_t i = 0; i < report->suite->n; i++)
			junit_case(out, &report->suite->cases[i], c->name, &c->result[i]);
		fputs("  </testsuite>\n", out);
	}
	fputs("</testsuites>\n", out);
	return ferror(out) ? -1 : 0;
}

/* ---- HTML ---------------------------------------------------------------------------------------- */

static void html_counts(FILE *out, const struct pmk_report *report)
{
	fputs("<table class=\"counts\"><tr><th></th>", out);
	for (int v = 0; v < PMK_VERDICT_COUNT; v++)
		fprintf(out, "<th>%s</th>", pmk_verdict_name[v]);
	fputs("</tr>\n", out);
	for (size_t w = 0; w < report->ncolumns; w++) {
		const struct pmk_column *c = &report->column[w];

		fprintf(out, "<tr><th>%s</th>", c->name);
		for (int v = 0; v < PMK_VERDICT_COUNT; v++)
			fprintf(out, "<td class=\"%s\">%u</td>",
				c->count[v] ? pmk_verdict_name[v] : "zero", c->count[v]);
		fputs("<td class=\"why\">", out);
		pmk_xml_put(out, c->world ? "" : c->why);
		fputs("</td></tr>\n", out);
	}
	fputs("</table>\n", out);
}

/* The clauses of a script with their sentences on hover. */
static void html_clauses(FILE *out, const struct pmk_case *c)
{
	for (size_t i = 0; i < c->nclauses; i++) {
		const struct pmk_clause *clause = pmk_clause_find(c->clause[i]);

		fputs("<span class=\"clause\" title=\"", out);
		pmk_xml_put(out, clause ? clause->text : "not in the ledger");
		fputs("\">", out);
		pmk_xml_put(out, c->clause[i]);
		fputs("</span> ", out);
	}
}

/* What a click on the row shows: each clause's sentence, each world's reason. */
static void html_details(FILE *out, const struct pmk_report *report, size_t script)
{
	const struct pmk_case *c = &report->suite->cases[script];

	fprintf(out, "<tr class=\"details\" hidden><td colspan=\"%zu\">", report->ncolumns + 1);
	for (size_t i = 0; i < c->nclauses; i++) {
		const struct pmk_clause *clause = pmk_clause_find(c->clause[i]);

		fputs("<p><b>", out);
		pmk_xml_put(out, c->clause[i]);
		fputs("</b> ", out);
		pmk_xml_put(out, clause ? clause->text : "");
		fputs("</p>", out);
	}
	for (size_t w = 0; w < report->ncolumns; w++) {
		const struct pmk_result *r = &report->column[w].result[script];

		fprintf(out, "<p><b class=\"%s\">%s: %s</b> <code>", pmk_verdict_name[r->verdict],
			report->column[w].name, pmk_verdict_name[r->verdict]);
		pmk_xml_put(out, r->reason);
		fprintf(out, "</code> <i>%u checked, %u left out</i></p>", r->checks, r->unchecked);
	}
	fputs("</td></tr>\n", out);
}

static void html_row(FILE *out, const struct pmk_report *report, size_t script)
{
	const struct pmk_case *c = &report->suite->cases[script];

	fputs("<tr class=\"row\" tabindex=\"0\"><td><b>", out);
	pmk_xml_put(out, c->name);
	fputs("</b> ", out);
	html_clauses(out, c);
	fputs("<div class=\"about\">", out);
	pmk_xml_put(out, c->about);
	fputs("</div></td>", out);
	for (size_t w = 0; w < report->ncolumns; w++) {
		const struct pmk_result *r = &report->column[w].result[script];

		fprintf(out, "<td class=\"cell %s\" title=\"", pmk_verdict_name[r->verdict]);
		pmk_xml_put(out, r->reason);
		fprintf(out, "\">%s</td>", pmk_verdict_name[r->verdict]);
	}
	fputs("</tr>\n", out);
	html_details(out, report, script);
}

int pmk_report_html(FILE *out, const struct pmk_report *report)
{
	fputs(pmk_html_head, out);
	fputs("<p class=\"kernel\">kernel ", out);
	pmk_xml_put(out, report->uts.release);
	fputs(" ", out);
	pmk_xml_put(out, report->uts.machine);
	fputs("; model and mock as ", out);
	pmk_xml_put(out, report->profile);
	fputs("</p>\n", out);
	html_counts(out, report);
	fputs(pmk_html_filter, out);
	fputs("<table id=\"matrix\"><thead><tr><th>script</th>", out);
	for (size_t w = 0; w < report->ncolumns; w++)
		fprintf(out, "<th>%s</th>", report->column[w].name);
	fputs("</tr></thead><tbody>\n", out);
	for (size_t i = 0; i < report->suite->n; i++)
		html_row(out, report, i);
	fputs("</tbody></table>\n", out);
	fputs(pmk_html_tail, out);
	return ferror(out) ? -1 : 0;
}
