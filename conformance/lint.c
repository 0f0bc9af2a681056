/* SPDX-License-Identifier: MIT */
/*
 * lint.c - errors that a parser cannot see.  Regions are looked up by name alone, whoever made them:
 * what a process really has at that moment is the stage's business.
 */
#include "lint.h"

#include <string.h>

#include "alloc.h"
#include "clauses.h"
#include "profile.h"
#include "text.h"

struct lint {
	const struct pmk_script *script;
	const struct pmk_stmt *stmt;
	const char **name; /* regions made so far */
	size_t n;
	void (*tell)(void *data, const struct pmk_error *err);
	void *data;
};

static void tell(struct lint *l, unsigned col, const char *what, const char *word, const char *near)
{
	struct pmk_error err;

	pmk_error_set(&err, l->script->file, l->stmt->line, col, "%s '%s'%s%s%s", what, word,
		      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	l->tell(l->data, &err);
}

static void lint_features(struct lint *l, const char *const *words, size_t n, unsigned col)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = words[i] + (words[i][0] == '!');

		if (pmk_feature_find(name) < 0)
			tell(l, col, "unknown feature", name,
			     pmk_text_nearest(name, &pmk_quirk[0].name, PMK_FEATURE_COUNT,
					      sizeof(*pmk_quirk)));
	}
}

static void lint_clauses(struct lint *l, const struct pmk_arg *arg)
{
	size_t n;
	const struct pmk_clause *clause = pmk_clauses(&n);

	for (size_t i = 0; i < arg->nwords; i++)
		if (!pmk_clause_find(arg->words[i]))
			tell(l, arg->col, "unknown clause", arg->words[i],
			     pmk_text_nearest(arg->words[i], &clause[0].id, n, sizeof(*clause)));
}

static void lint_kernel(struct lint *l, const struct pmk_arg *arg)
{
	struct pmk_profile profile;
	struct pmk_error why, err;

	if (pmk_profile_parse(arg->text, &profile, &why) == 0)
		return;
	pmk_error_set(&err, l->script->file, l->stmt->line, arg->col, "%s", why.text);
	l->tell(l->data, &err);
}

static void add_name(struct lint *l, const char *name)
{
	l->name = pmk_realloc(l->name, l->n + 1, sizeof(*l->name));
	l->name[l->n++] = name;
}

static void lint_region(struct lint *l, const struct pmk_arg *arg)
{
	if (!arg->text || arg->base != PMK_BASE_REGION)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->name[i], arg->text))
			return;
	tell(l, arg->col, "unknown region", arg->text,
	     l->n ? pmk_text_nearest(arg->text, l->name, l->n, sizeof(*l->name)) : NULL);
}

static void lint_args(struct lint *l)
{
	const struct pmk_stmt_info *info = &pmk_stmt_info[l->stmt->id];
	const struct pmk_arg *to = pmk_stmt_opt(l->stmt, PMK_OPT_TO);
	const struct pmk_arg *walk_end = pmk_stmt_opt(l->stmt, PMK_OPT_WALK_END);

	for (unsigned i = 0; i < l->stmt->nargs; i++) {
		const struct pmk_arg *arg = &l->stmt->arg[i];

		if (info->args[i] == PMK_ARG_NEWNAME)
			add_name(l, arg->text);
		if (info->args[i] == PMK_ARG_RANGE || info->args[i] == PMK_ARG_FRAMES ||
		    info->args[i] == PMK_ARG_POSITION || info->args[i] == PMK_ARG_ADDRESS ||
		    info->args[i] == PMK_ARG_EXTENT)
			lint_region(l, arg);
		if (arg->to)
			lint_region(l, arg->to);
	}
	if (to)
		add_name(l, to->text);
	if (walk_end)
		lint_region(l, walk_end);
}

void pmk_lint(const struct pmk_script *script, void (*tell_error)(void *, const struct pmk_error *),
	      void *data)
{
	struct lint l = { .script = script, .tell = tell_error, .data = data };

	for (size_t i = 0; i < script->nstmts; i++) {
		const struct pmk_stmt *stmt = l.stmt = &script->stmt[i];

		if (stmt->id == PMK_STMT_NEEDS)
			lint_features(&l, stmt->arg[0].words, stmt->arg[0].nwords,
				      stmt->arg[0].col);
		if (stmt->id == PMK_STMT_CLAUSE)
			lint_clauses(&l, &stmt->arg[0]);
		if (stmt->id == PMK_STMT_KERNEL)
			lint_kernel(&l, &stmt->arg[0]);
		lint_features(&l, stmt->when, stmt->nwhen, stmt->when_col);
		lint_args(&l);
	}
	free(l.name);
}
