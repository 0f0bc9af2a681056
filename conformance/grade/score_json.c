/* SPDX-License-Identifier: MIT */
/* score_json.c - the score as JSON: the clauses, and a record a question. */
#include "grade.h"
#include "json.h"

static void put_fields(struct pmk_json *j, const struct pmk_declaration *says, enum pmk_ask ask)
{
	pmk_json_open(j, pmk_ask_name[ask], '[');
	for (int f = 0; f < PMK_FIELDS; f++)
		if (says->fields[ask] >> f & 1)
			pmk_json_string(j, NULL, pmk_field_info[f].name);
	if (ask == PMK_ASK_SCAN)
		pmk_json_string(j, NULL, "regions");
	pmk_json_close(j, ']');
}

static void put_clause(struct pmk_json *j, const struct pmk_graded_clause *c)
{
	pmk_json_open(j, NULL, '{');
	pmk_json_string(j, "clause", c->id);
	pmk_json_number(j, "asked", c->asked);
	pmk_json_number(j, "right", c->right);
	pmk_json_number(j, "not_asked", c->unasked);
	pmk_json_string(j, "waiver", c->waiver ? c->waiver->reason : NULL);
	pmk_json_close(j, '}');
}

static void put_question(struct pmk_json *j, const struct pmk_graded *q)
{
	pmk_json_open(j, NULL, '{');
	pmk_json_string(j, "script", q->c->name);
	pmk_json_number(j, "line", q->line);
	pmk_json_open(j, "clauses", '[');
	for (size_t i = 0; i < q->c->nclauses; i++)
		pmk_json_string(j, NULL, q->c->clause[i]);
	pmk_json_close(j, ']');
	pmk_json_string(j, "question", q->question);
	pmk_json_string(j, "grade", pmk_grade_name[q->grade]);
	pmk_json_bool(j, "waived", q->waived);
	pmk_json_string(j, "shown", *q->shown ? q->shown : NULL);
	pmk_json_string(j, "why", *q->why ? q->why : NULL);
	pmk_json_seconds(j, "seconds", q->seconds);
	pmk_json_close(j, '}');
}

int pmk_score_json(FILE *out, const struct pmk_score *s)
{
	struct pmk_json j = { .out = out };

	pmk_json_open(&j, NULL, '{');
	pmk_json_string(&j, "format", "pmkit-grade-1");
	pmk_json_string(&j, "adapter", s->says.name);
	pmk_json_seconds(&j, "percent", pmk_score_percent(s));
	pmk_json_seconds(&j, "seconds", s->seconds);
	pmk_json_open(&j, "supports", '{');
	for (int ask = 0; ask < PMK_ASK_COUNT; ask++)
		if (s->says.asks[ask])
			put_fields(&j, &s->says, (enum pmk_ask)ask);
	pmk_json_close(&j, '}');
	pmk_json_open(&j, "count", '{');
	for (int g = 0; g < PMK_GRADE_COUNT; g++)
		pmk_json_number(&j, pmk_grade_name[g], s->count[g]);
	pmk_json_number(&j, "waived", s->waived);
	pmk_json_number(&j, "not_asked", s->unasked);
	pmk_json_close(&j, '}');
	pmk_json_open(&j, "clauses", '[');
	for (size_t i = 0; i < s->nclauses; i++)
		put_clause(&j, &s->clause[i]);
	pmk_json_close(&j, ']');
	pmk_json_open(&j, "questions", '[');
	for (size_t i = 0; i < s->n; i++)
		put_question(&j, &s->graded[i]);
	pmk_json_close(&j, ']');
	pmk_json_close(&j, '}');
	return ferror(out) ? -1 : 0;
}
