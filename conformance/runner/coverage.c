/* SPDX-License-Identifier: MIT */
/* coverage.c - the ledger against the scripts: what is proven where, what is not and why. */
#include "coverage.h"

#include <string.h>

#include "clauses.h"
#include "json.h"

static const char *const world_name[PMK_WORLD_COUNT] = { "model", "mock", "kernel" };

bool pmk_case_is_for(const struct pmk_case *c, enum pmk_world_id world)
{
	if (!c->script)
		return false;
	for (size_t i = 0; i < c->script->nstmts; i++) {
		const struct pmk_stmt *stmt = &c->script->stmt[i];
		enum pmk_stmt_kind kind = pmk_stmt_info[stmt->id].kind;

		if (stmt->id == PMK_STMT_NOT && (enum pmk_world_id)stmt->arg[0].n == world)
			return false;
		if (world == PMK_WORLD_KERNEL && (kind == PMK_GIVEN || kind == PMK_FAULT))
			return false;
	}
	return true;
}

/* ---- one clause ---------------------------------------------------------------------------------- */

struct cover {
	unsigned scripts, world[PMK_WORLD_COUNT];
};

enum state { PROVEN, EXCUSED, MISSING, STATES };
static const char *const state_name[STATES] = { "proven", "excused", "missing" };

static struct cover cover_of(const struct pmk_suite *suite, const struct pmk_clause *clause)
{
	struct cover cover = { 0 };

	for (size_t i = 0; i < suite->n; i++) {
		if (!pmk_case_proves(&suite->cases[i], clause->id))
			continue;
		cover.scripts++;
		for (int w = 0; w < PMK_WORLD_COUNT; w++)
			cover.world[w] += pmk_case_is_for(&suite->cases[i], (enum pmk_world_id)w);
	}
	return cover;
}

/* Whether the ledger says why this world cannot show it: "kernel: ...", "kernel-part: ...", "all: ...". */
static bool has_reason(const struct pmk_clause *clause, const char *world)
{
	size_t len = strlen(world);

	for (const char *at = clause->why; *at; at += strspn(at, "; ")) {
		if (!strncmp(at, "all", 3) ||
		    (!strncmp(at, world, len) && (at[len] == ':' || at[len] == '-')))
			return true;
		at += strcspn(at, ";");
	}
	return false;
}

/* Missing is a clause for which one world has neither a script nor a reason. */
static enum state state_of(const struct cover *cover, const struct pmk_clause *clause)
{
	for (int w = 0; w < PMK_WORLD_COUNT; w++)
		if (!cover->world[w] && !has_reason(clause, world_name[w]))
			return MISSING;
	return cover->scripts ? PROVEN : EXCUSED;
}

static void print_clause(FILE *out, const struct pmk_suite *suite, const struct pmk_clause *clause)
{
	struct cover cover = cover_of(suite, clause);

	fprintf(out, "  %-24s ", clause->id);
	if (state_of(&cover, clause) == MISSING)
		fputs("MISSING ", out);
	if (!cover.scripts) {
		fprintf(out, "%s\n", clause->why);
		return;
	}
	for (int w = 0; w < PMK_WORLD_COUNT; w++)
		fprintf(out, "%s:%u ", world_name[w], cover.world[w]);
	for (size_t i = 0; i < suite->n; i++)
		if (pmk_case_proves(&suite->cases[i], clause->id))
			fprintf(out, " %s", suite->cases[i].name);
	fputc('\n', out);
}

/* ---- all clauses ---------------------------------------------------------------------------------- */

static bool is_asked(const struct pmk_coverage *c, const struct pmk_clause *clause)
{
	bool asked = !c->nwords;

	for (size_t i = 0; i < c->nwords && !asked; i++)
		asked = !strncmp(clause->id, c->word[i], strlen(c->word[i]));
	return asked;
}

const char *pmk_coverage_stranger(const struct pmk_coverage *c)
{
	size_t n, k;
	const struct pmk_clause *clause = pmk_clauses(&n);

	for (size_t i = 0; i < c->nwords; i++) {
		const struct pmk_coverage one = { c->suite, c->word + i, 1 };

		for (k = 0; k < n && !is_asked(&one, &clause[k]); k++)
			;
		if (k == n)
			return c->word[i];
	}
	return NULL;
}

/* Counts the states of a section's clauses; section -1: of all. */
static void count(const struct pmk_coverage *c, int section, unsigned ret[STATES])
{
	size_t n;
	const struct pmk_clause *clause = pmk_clauses(&n);

	memset(ret, 0, STATES * sizeof(*ret));
	for (size_t i = 0; i < n; i++) {
		struct cover cover = cover_of(c->suite, &clause[i]);

		if (is_asked(c, &clause[i]) && (section < 0 || (int)clause[i].section == section))
			ret[state_of(&cover, &clause[i])]++;
	}
}

static void print_total(FILE *out, const char *number, const char *title, const unsigned n[STATES])
{
	fprintf(out, "%-4s %-48s %3u clauses: %u proven, %u with a reason, %u missing\n", number,
		title, n[PROVEN] + n[EXCUSED] + n[MISSING], n[PROVEN], n[EXCUSED], n[MISSING]);
}

/* Scripts that name a clause which the ledger has not. */
static void print_strangers(FILE *out, const struct pmk_suite *suite)
{
	for (size_t i = 0; i < suite->n; i++)
		for (size_t j = 0; j < suite->cases[i].nclauses; j++)
			if (!pmk_clause_find(suite->cases[i].clause[j]))
				fprintf(out, "%s: no clause %s in the ledger\n",
					suite->cases[i].name, suite->cases[i].clause[j]);
}

int pmk_coverage_print(FILE *out, const struct pmk_coverage *c)
{
	int section = -1;
	unsigned states[STATES];
	size_t n;
	const struct pmk_clause *clause = pmk_clauses(&n);

	for (size_t i = 0; i < n; i++) {
		if (!is_asked(c, &clause[i]))
			continue;
		if ((int)clause[i].section != section) {
			const struct pmk_section *s = pmk_clause_section(&clause[i]);

			section = (int)clause[i].section;
			count(c, section, states);
			print_total(out, s->number, s->title, states);
		}
		print_clause(out, c->suite, &clause[i]);
	}
	count(c, -1, states);
	print_strangers(out, c->suite);
	print_total(out, "", "all", states);
	return ferror(out) ? -1 : 0;
}

static void json_clause(struct pmk_json *j, const struct pmk_suite *suite,
			const struct pmk_clause *clause)
{
	struct cover cover = cover_of(suite, clause);

	pmk_json_open(j, NULL, '{');
	pmk_json_string(j, "id", clause->id);
	pmk_json_string(j, "section", pmk_clause_section(clause)->number);
	pmk_json_string(j, "text", clause->text);
	pmk_json_string(j, "state", state_name[state_of(&cover, clause)]);
	pmk_json_string(j, "reason", *clause->why ? clause->why : NULL);
	for (int w = 0; w < PMK_WORLD_COUNT; w++)
		pmk_json_number(j, world_name[w], cover.world[w]);
	pmk_json_open(j, "scripts", '[');
	for (size_t i = 0; i < suite->n; i++)
		if (pmk_case_proves(&suite->cases[i], clause->id))
			pmk_json_string(j, NULL, suite->cases[i].name);
	pmk_json_close(j, ']');
	pmk_json_close(j, '}');
}

int pmk_coverage_json(FILE *out, const struct pmk_coverage *c)
{
	struct pmk_json j = { .out = out };
	unsigned states[STATES];
	size_t n;
	const struct pmk_clause *clause = pmk_clauses(&n);

	pmk_json_open(&j, NULL, '{');
	count(c, -1, states);
	for (int s = 0; s < STATES; s++)
		pmk_json_number(&j, state_name[s], states[s]);
	pmk_json_open(&j, "clauses", '[');
	for (size_t i = 0; i < n; i++)
		if (is_asked(c, &clause[i]))
			json_clause(&j, c->suite, &clause[i]);
	pmk_json_close(&j, ']');
	pmk_json_close(&j, '}');
	return ferror(out) ? -1 : 0;
}

/* ---- scripts -------------------------------------------------------------------------------------- */

int pmk_list_print(FILE *out, const struct pmk_suite *suite)
{
	for (size_t i = 0; i < suite->n; i++) {
		const struct pmk_case *c = &suite->cases[i];

		fprintf(out, "%s\n", c->name);
		if (*c->about)
			fprintf(out, "    %s\n", c->about);
		fputs("    clauses:", out);
		for (size_t k = 0; k < c->nclauses; k++)
			fprintf(out, " %s", c->clause[k]);
		fputs("\n    worlds:", out);
		for (int w = 0; w < PMK_WORLD_COUNT; w++)
			if (pmk_case_is_for(c, (enum pmk_world_id)w))
				fprintf(out, " %s", world_name[w]);
		fputc('\n', out);
	}
	return ferror(out) ? -1 : 0;
}

int pmk_list_json(FILE *out, const struct pmk_suite *suite)
{
	struct pmk_json j = { .out = out };

	pmk_json_open(&j, NULL, '[');
	for (size_t i = 0; i < suite->n; i++) {
		const struct pmk_case *c = &suite->cases[i];

		pmk_json_open(&j, NULL, '{');
		pmk_json_string(&j, "script", c->name);
		pmk_json_string(&j, "about", c->about);
		pmk_json_open(&j, "clauses", '[');
		for (size_t k = 0; k < c->nclauses; k++)
			pmk_json_string(&j, NULL, c->clause[k]);
		pmk_json_close(&j, ']');
		pmk_json_open(&j, "worlds", '[');
		for (int w = 0; w < PMK_WORLD_COUNT; w++)
			if (pmk_case_is_for(c, (enum pmk_world_id)w))
				pmk_json_string(&j, NULL, world_name[w]);
		pmk_json_close(&j, ']');
		pmk_json_close(&j, '}');
	}
	pmk_json_close(&j, ']');
	return ferror(out) ? -1 : 0;
}
