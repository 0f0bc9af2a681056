/* SPDX-License-Identifier: MIT */
/* mutants.c - the suite against a model in which one thing is wrong, for each thing that can be. */
#include "mutants.h"

#include <string.h>

#include "alloc.h"
#include "clauses.h"
#include "runner.h"
#include "wrong.h"

struct campaign {
	const struct pmk_suite *suite;
	struct pmk_world *world;
	const struct pmk_clause *clause;
	size_t nclauses;
	bool *passes; /* by script: in the model as it is */
	bool *guarded; /* by clause: something wrong was caught by a script of it */
	bool *needed; /* by excuse: something would be missed without it */
	size_t nexcuses;
	FILE *out;
	unsigned n, caught;
};

static enum pmk_verdict verdict(const struct campaign *g, size_t script)
{
	const struct pmk_run_options options = { .timeout = 0 };
	struct pmk_result result = { 0 };
	enum pmk_verdict v;

	pmk_case_run(&g->suite->cases[script], g->world, &options, &result);
	v = result.verdict;
	pmk_result_deinit(&result);
	return v;
}

/* Whether the script passes as long as nothing is wrong, and does not when `x` is: on the kernel that it is about, or
 * on one that has the quirk just the other way. */
static bool catches(const struct campaign *g, size_t script, const struct pmk_wrong *x)
{
	pmk_world_wrong_set(g->world, x, PMK_WRONG_IN);
	if (g->passes[script] && verdict(g, script) != PMK_VERDICT_PASS)
		return true;
	if (x->kind != PMK_WRONG_QUIRK)
		return false;
	pmk_world_wrong_set(g->world, x, PMK_WRONG_OTHER);
	if (verdict(g, script) != PMK_VERDICT_PASS)
		return false;
	pmk_world_wrong_set(g->world, x, PMK_WRONG_OTHER_IN);
	return verdict(g, script) != PMK_VERDICT_PASS;
}

/* The first script of the clause, or of all (NULL), that catches it; NULL: none. */
static const struct pmk_case *catcher(const struct campaign *g, const char *clause,
				      const struct pmk_wrong *x)
{
	for (size_t i = 0; i < g->suite->n; i++)
		if ((!clause || pmk_case_proves(&g->suite->cases[i], clause)) && catches(g, i, x))
			return &g->suite->cases[i];
	return NULL;
}

/* The excuse for what is not caught; NULL: there is none. */
static const char *excuse(struct campaign *g, const char *what)
{
	const char *why = pmk_wrong_excuse(what);

	for (size_t i = 0; why && i < g->nexcuses; i++)
		g->needed[i] |= !strcmp(pmk_wrong_excused(i), what);
	return why;
}

static void say(struct campaign *g, const struct pmk_wrong *x, const char *clause,
		const struct pmk_case *c)
{
	const char *why = c ? NULL : excuse(g, x->text);

	g->n += !why;
	g->caught += c != NULL;
	fprintf(g->out, "%s  %-18s %s%s: %s\n",
		c     ? "caught"
		: why ? "excuse"
		      : "MISSED",
		clause, c ? "by " : "",
		c     ? c->name
		: why ? why
		      : "no script",
		x->text);
}

static void mark(struct campaign *g, const char *clause)
{
	for (size_t i = 0; i < g->nclauses; i++)
		g->guarded[i] |= !strcmp(g->clause[i].id, clause);
}

/*
 * Of a row of the table, a script of each clause that it names must notice.  Quirks and mutants of the model are about
 * what they are about: of all the clauses of a quirk one script is enough, and any script for a mutant.
 */
static void try_wrong(struct campaign *g, const struct pmk_wrong *x)
{
	bool each = x->kind != PMK_WRONG_QUIRK;
	const struct pmk_case *c, *first = NULL;
	char clause[64] = "-";
	int len;

	if (!*x->clauses) {
		say(g, x, "-", catcher(g, NULL, x));
		return;
	}
	for (const char *at = x->clauses; sscanf(at, " %63s%n", clause, &len) == 1; at += len) {
		c = catcher(g, clause, x);
		if (c)
			mark(g, clause);
		if (each)
			say(g, x, clause, c);
		else if (!first)
			first = c;
	}
	if (!each)
		say(g, x, clause, first);
}

static bool has_script(const struct campaign *g, const char *clause)
{
	for (size_t i = 0; i < g->suite->n; i++)
		if (g->passes[i] && pmk_case_proves(&g->suite->cases[i], clause))
			return true;
	return false;
}

/* The clauses whose scripts were never seen to fail; how many of them have no excuse. */
static int unguarded(struct campaign *g, unsigned *ret_guarded, unsigned *ret_excused)
{
	int missing = 0;

	for (size_t i = 0; i < g->nclauses; i++) {
		const char *id = g->clause[i].id, *why;

		if (!has_script(g, id))
			continue;
		if (g->guarded[i]) {
			++*ret_guarded;
			continue;
		}
		why = excuse(g, id);
		*ret_excused += why != NULL;
		missing += !why;
		fprintf(g->out, "%s  %-18s %s\n", why ? "excuse" : "MISSED", id,
			why ? why : "nothing wrong with it is caught by its scripts");
	}
	return missing;
}

/* Excuses that excuse nothing: what they are for is caught, or there is no such thing any more. */
static int stale(const struct campaign *g)
{
	int n = 0;

	for (size_t i = 0; i < g->nexcuses; i++) {
		if (g->needed[i])
			continue;
		fprintf(g->out, "STALE   %s: an excuse that nothing needs\n", pmk_wrong_excused(i));
		n++;
	}
	return n;
}

int pmk_mutants_run(const struct pmk_suite *suite, FILE *out)
{
	struct campaign g = { .suite = suite, .world = pmk_world_wrong_create(), .out = out };
	unsigned guarded = 0, excused = 0;
	int missed, spare;

	g.clause = pmk_clauses(&g.nclauses);
	g.passes = pmk_calloc(suite->n + 1, sizeof(*g.passes));
	g.guarded = pmk_calloc(g.nclauses, sizeof(*g.guarded));
	while (pmk_wrong_excused(g.nexcuses))
		g.nexcuses++;
	g.needed = pmk_calloc(g.nexcuses + 1, sizeof(*g.needed));
	for (size_t i = 0; i < suite->n; i++)
		g.passes[i] = verdict(&g, i) == PMK_VERDICT_PASS;
	for (size_t i = 0; i < pmk_wrong_count(); i++) {
		struct pmk_wrong x;

		pmk_wrong_at(i, &x);
		try_wrong(&g, &x);
	}
	missed = unguarded(&g, &guarded, &excused);
	spare = stale(&g);
	fprintf(out, "%u clauses guarded, %u excused, %d not; %u of %u mutants caught", guarded,
		excused, missed, g.caught, g.n);
	if (spare)
		fprintf(out, "; %d excuses are stale", spare);
	fputc('\n', out);
	missed += (int)(g.n - g.caught) + spare;
	free(g.needed);
	free(g.passes);
	free(g.guarded);
	g.world->ops->destroy(g.world);
	return missed;
}
