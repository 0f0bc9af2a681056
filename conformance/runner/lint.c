/* SPDX-License-Identifier: MIT */
/*
 * lint.c - errors that a parser cannot see.  Regions and handles are looked up by name alone, whoever made
 * them: what a process really has at that moment is the stage's business.
 */
#include "lint.h"

#include <string.h>

#include "alloc.h"
#include "clauses.h"
#include "names.h"
#include "profile.h"
#include "text.h"

struct names {
	struct pmk_names known;
	const char **name; /* in order, to say which is near */
	size_t n;
};

struct lint {
	const struct pmk_script *script;
	const struct pmk_stmt *stmt;
	struct names region, handle; /* made so far */
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

static void names_deinit(struct names *names)
{
	pmk_names_deinit(&names->known);
	free(names->name);
}

static void add_name(struct names *names, const char *name)
{
	if (pmk_names_find(&names->known, 0, name) >= 0)
		return;
	pmk_names_set(&names->known, 0, name, 0);
	if (!(names->n & (names->n - 1)))
		names->name =
			pmk_realloc(names->name, names->n ? names->n * 2 : 1, sizeof(*names->name));
	names->name[names->n++] = name;
}

static void look_up(struct lint *l, const struct names *names, const char *what,
		    const struct pmk_arg *arg)
{
	if (pmk_names_find(&names->known, 0, arg->text) >= 0)
		return;
	tell(l, arg->col, what, arg->text,
	     names->n ? pmk_text_nearest(arg->text, names->name, names->n, sizeof(*names->name))
		      : NULL);
}

/* HANDLE: a file's name stands for the process's own file, and needs no open. */
static void lint_handle(struct lint *l, const struct pmk_arg *arg)
{
	if (arg->text && arg->n == PMK_FILE_COUNT)
		look_up(l, &l->handle, "unknown handle", arg);
}

static void lint_arg(struct lint *l, enum pmk_arg_type type, const struct pmk_arg *arg)
{
	switch (type) {
	case PMK_ARG_NEWNAME:
		add_name(l->stmt->id == PMK_STMT_OPEN ? &l->handle : &l->region, arg->text);
		break;
	case PMK_ARG_HANDLE:
		lint_handle(l, arg);
		break;
	case PMK_ARG_RANGE:
	case PMK_ARG_FRAMES:
	case PMK_ARG_POSITION:
	case PMK_ARG_ADDRESS:
	case PMK_ARG_EXTENT:
		if (arg->text && arg->base == PMK_BASE_REGION)
			look_up(l, &l->region, "unknown region", arg);
		break;
	default:
		break;
	}
	if (arg->to)
		lint_arg(l, PMK_ARG_ADDRESS, arg->to);
}

static void lint_args(struct lint *l)
{
	const struct pmk_stmt_info *info = &pmk_stmt_info[l->stmt->id];
	const struct pmk_arg *to = pmk_stmt_opt(l->stmt, PMK_OPT_TO);
	const struct pmk_arg *via = pmk_stmt_opt(l->stmt, PMK_OPT_VIA);
	const struct pmk_arg *walk_end = pmk_stmt_opt(l->stmt, PMK_OPT_WALK_END);

	for (unsigned i = 0; i < l->stmt->nargs; i++)
		lint_arg(l, (enum pmk_arg_type)info->args[i], &l->stmt->arg[i]);
	if (to)
		add_name(&l->region, to->text);
	if (via)
		lint_handle(l, via);
	if (walk_end)
		lint_arg(l, PMK_ARG_ADDRESS, walk_end);
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
	names_deinit(&l.region);
	names_deinit(&l.handle);
}
