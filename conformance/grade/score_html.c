/* SPDX-License-Identifier: MIT */
/* score_html.c - the score as a page: the figure, a bar, a row a clause that opens to its misses. */
#include <string.h>

#include "clauses.h"
#include "grade.h"
#include "xml.h"

/* clang-format off */
static const char head[] =
"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>pmkit grade</title>\n<style>\n"
":root { --paper: #fff; --ink: #1a1a1a; --soft: #666; --line: #ddd; --good: #1a7f37; --bad: #c5221f; --waived: #9a6700; }\n"
"@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e6e6e6; --soft: #999; --line: #3a3d42;\n"
" --good: #4ac26b; --bad: #ff7b72; --waived: #d4a72c; } }\n"
"body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2em auto;\n"
" max-width: 72em; padding: 0 1em; }\n"
"h1 { font-size: 1.3em; margin: 0; } .score { font-size: 3em; font-weight: 650; line-height: 1.2; }\n"
".bar { display: flex; height: .6em; border-radius: .3em; overflow: hidden; background: var(--line); margin: .6em 0; }\n"
".bar span { display: block; } .bar .good { background: var(--good); } .bar .bad { background: var(--bad); }\n"
".bar .waived { background: var(--waived); }\n"
".good { color: var(--good); } .bad { color: var(--bad); } .waived { color: var(--waived); } .soft { color: var(--soft); }\n"
"details, .row { border-top: 1px solid var(--line); padding: .35em 0; }\n"
"summary { cursor: pointer; list-style: none; }\n"
"summary > span:first-child::before { content: \"\\25b8\\a0\"; } [open] > summary > span:first-child::before { content: \"\\25be\\a0\"; }\n"
"summary, .row { display: grid; grid-template-columns: 5em 11em 5em 1fr; gap: .8em; }\n"
"details p { margin: .4em 0 .4em 5.8em; } code { overflow-wrap: anywhere; }\n"
"</style>\n</head>\n<body>\n";
/* clang-format on */

static const char *class_of(const struct pmk_graded_clause *c)
{
	if (!c->asked)
		return "soft";
	return c->right == c->asked ? "good" : c->waiver ? "waived" : "bad";
}

static bool has_clause(const struct pmk_graded *q, const char *id)
{
	for (size_t i = 0; i < q->c->nclauses; i++)
		if (!strcmp(q->c->clause[i], id))
			return true;
	return false;
}

static void put_miss(FILE *out, const struct pmk_graded *q)
{
	fprintf(out, "<p><b>%s</b> <span class=\"soft\">%s:%u</span> ", pmk_grade_name[q->grade],
		q->c->name, q->line);
	pmk_xml_put(out, q->question);
	if (*q->shown)
		fprintf(out, ", shown <code>%s</code>", q->shown);
	fputs("<br><code>", out);
	pmk_xml_put(out, q->why);
	fputs("</code></p>\n", out);
}

static void put_clause(FILE *out, const struct pmk_score *s, const struct pmk_graded_clause *c)
{
	const struct pmk_clause *clause = pmk_clause_find(c->id);
	const char *class = class_of(c);
	bool open = c->right < c->asked;

	fprintf(out,
		"%s<span class=\"%s\">%s</span><b>%s</b><span>%u of %u</span><span class=\"soft\">",
		open ? "<details><summary>" : "<div class=\"row\">", class,
		!c->asked ? "not asked"
		: open	  ? (c->waiver ? "waived" : "miss")
			  : "ok",
		c->id, c->right, c->asked);
	pmk_xml_put(out, clause ? clause->text : "");
	fputs(open ? "</span></summary>\n" : "</span></div>\n", out);
	if (!open)
		return;
	if (c->waiver) {
		fputs("<p class=\"waived\">waived: ", out);
		pmk_xml_put(out, c->waiver->reason);
		fputs("</p>\n", out);
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct pmk_graded *q = &s->graded[i];

		if (q->grade != PMK_GRADE_RIGHT && q->grade != PMK_GRADE_SKIP &&
		    has_clause(q, c->id))
			put_miss(out, q);
	}
	fputs("</details>\n", out);
}

int pmk_score_html(FILE *out, const struct pmk_score *s)
{
	unsigned asked = (unsigned)s->n - s->count[PMK_GRADE_SKIP];
	unsigned bad = asked - s->count[PMK_GRADE_RIGHT] - s->waived;

	fputs(head, out);
	fputs("<h1>pmkit grade: ", out);
	pmk_xml_put(out, s->says.name);
	fprintf(out, "</h1>\n<div class=\"score\">%.1f&thinsp;%%</div>\n", pmk_score_percent(s));
	fprintf(out,
		"<div class=\"bar\"><span class=\"good\" style=\"flex:%u\"></span><span "
		"class=\"waived\" "
		"style=\"flex:%u\"></span><span class=\"bad\" style=\"flex:%u\"></span></div>\n",
		s->count[PMK_GRADE_RIGHT], s->waived, bad);
	fprintf(out,
		"<p>%u of %u questions right, %u waived, %u not asked; %.2f s. A row with a miss "
		"opens.</p>\n",
		s->count[PMK_GRADE_RIGHT], asked, s->waived, s->unasked, s->seconds);
	for (int open = 1; open >= 0; open--)
		for (size_t i = 0; i < s->nclauses; i++)
			if ((s->clause[i].right < s->clause[i].asked) == open)
				put_clause(out, s, &s->clause[i]);
	fputs("</body>\n</html>\n", out);
	return ferror(out) ? -1 : 0;
}
