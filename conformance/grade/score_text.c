/* SPDX-License-Identifier: MIT */
/* score_text.c - the score for people: what went wrong, then the clauses, then a line. */
#include "grade.h"

static void put_miss(FILE *out, const struct pmk_graded *q)
{
	fprintf(out, "%s%s  %s:%u  %s\n", q->waived ? "waived " : "", pmk_grade_name[q->grade],
		q->c->name, q->line, q->question);
	for (size_t i = 0; i < q->c->nclauses; i++)
		fprintf(out, "%s%s", i ? " " : "      ", q->c->clause[i]);
	fprintf(out, "%s%s%s: %s\n", *q->shown ? " (shown " : "", q->shown, *q->shown ? ")" : "",
		q->why);
}

static void put_clauses(FILE *out, const struct pmk_score *s)
{
	for (size_t i = 0; i < s->nclauses; i++) {
		const struct pmk_graded_clause *c = &s->clause[i];
		const char *state = !c->asked		   ? "-"
				    : c->right == c->asked ? "ok"
				    : c->waiver		   ? "waived"
							   : "MISS";

		fprintf(out, "%-7s%-22s", state, c->id);
		if (c->asked)
			fprintf(out, "%5u of %u", c->right, c->asked);
		if (c->unasked)
			fprintf(out, "%s%u not asked", c->asked ? ", " : "    ", c->unasked);
		if (c->waiver && c->right < c->asked)
			fprintf(out, "  (%s)", c->waiver->reason);
		fputc('\n', out);
	}
}

int pmk_score_text(FILE *out, const struct pmk_score *s)
{
	unsigned asked = 0, right = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->graded[i].grade != PMK_GRADE_RIGHT && s->graded[i].grade != PMK_GRADE_SKIP)
			put_miss(out, &s->graded[i]);
	put_clauses(out, s);
	for (size_t i = 0; i < s->nclauses; i++) {
		asked += s->clause[i].asked > 0;
		right += s->clause[i].asked > 0 && s->clause[i].right == s->clause[i].asked;
	}
	fprintf(out,
		"\n%s: %.1f %%, %u of %u clauses, %u of %zu questions; %u waived, %u not asked; "
		"%.2f s\n",
		s->says.name, pmk_score_percent(s), right, asked, s->count[PMK_GRADE_RIGHT],
		s->n - s->count[PMK_GRADE_SKIP], s->waived, s->unasked, s->seconds);
	return ferror(out) ? -1 : 0;
}
