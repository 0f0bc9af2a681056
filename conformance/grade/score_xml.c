/* SPDX-License-Identifier: MIT */
/* score_xml.c - the score as JUnit XML: a test case a question, a class a clause. */
#include "grade.h"
#include "xml.h"

/* The element that says what became of a question; NULL: all is well. */
static const char *element(const struct pmk_graded *q)
{
	if (q->grade == PMK_GRADE_RIGHT)
		return NULL;
	if (q->grade == PMK_GRADE_SKIP || q->waived)
		return "skipped";
	return q->grade == PMK_GRADE_MISS ? "failure" : "error";
}

static void put_case(FILE *out, const struct pmk_graded *q)
{
	const char *name = element(q);

	fprintf(out, "    <testcase classname=\"%s\" name=\"%s:%u ",
		q->c->nclauses ? q->c->clause[0] : "none", q->c->name, q->line);
	pmk_xml_put(out, q->question);
	fprintf(out, "\" time=\"%.6f\"", q->seconds);
	if (!name) {
		fputs("/>\n", out);
		return;
	}
	fprintf(out, ">\n      <%s message=\"%s%s%s%s%s", name, q->waived ? "waived: " : "",
		pmk_grade_name[q->grade], *q->shown ? " (shown " : "", q->shown,
		*q->shown ? "): " : ": ");
	pmk_xml_put(out, q->why);
	fputs("\"/>\n    </testcase>\n", out);
}

int pmk_score_junit(FILE *out, const struct pmk_score *s)
{
	unsigned failures = 0, errors = 0, skipped = 0;

	for (size_t i = 0; i < s->n; i++) {
		const char *name = element(&s->graded[i]);

		failures += name && *name == 'f';
		errors += name && *name == 'e';
		skipped += name && *name == 's';
	}
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"pmkit grade\">\n",
	      out);
	fputs("  <testsuite name=\"", out);
	pmk_xml_put(out, s->says.name);
	fprintf(out,
		"\" tests=\"%zu\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.6f\">\n",
		s->n, failures, errors, skipped, s->seconds);
	for (size_t i = 0; i < s->n; i++)
		put_case(out, &s->graded[i]);
	fputs("  </testsuite>\n</testsuites>\n", out);
	return ferror(out) ? -1 : 0;
}
