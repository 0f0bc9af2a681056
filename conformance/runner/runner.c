/* SPDX-License-Identifier: MIT */
/*
 * runner.c - plays a script in a world: what it is about first (META), then line by line until
 * something is not as it should be.
 */
#include "runner.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "check.h"

const char *const pmk_verdict_name[PMK_VERDICT_COUNT] = { "pass", "fail", "skip", "broken" };

#define REASON_MAX 2048

/* A script being run. */
struct run {
	const struct pmk_case *c;
	struct pmk_world *world;
	const struct pmk_run_options *options;
	struct pmk_stage *stage;
	struct pmk_check *check;
	struct pmk_result *result;
	struct pmk_text reason;
};

static bool verdict(struct run *r, enum pmk_verdict verdict)
{
	r->result->verdict = verdict;
	return false;
}

void pmk_result_deinit(struct pmk_result *result)
{
	free(result->reason);
	free(result->seen);
	*result = (struct pmk_result){ 0 };
}

/* ---- the time limit ------------------------------------------------------------------------------ */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOWNESS 4 /* a sanitizer makes a script of a billion pages ten times as slow */
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SLOWNESS 4
#endif
#ifndef SLOWNESS
#define SLOWNESS 1
#endif

static char watched[128];
static int bail;

static void say(int fd, const char *before)
{
	static const char after[] = ": no end within the time limit\n";
	ssize_t ignored = write(fd, before, strlen(before));

	ignored = write(fd, watched, strlen(watched));
	ignored = write(fd, after, sizeof(after) - 1);
	(void)ignored;
}

/* Says which script it was, and ends: the worlds' own guards put the machine right. */
static void on_alarm(int sig)
{
	(void)sig;
	say(STDERR_FILENO, "pmkit: ");
	if (bail)
		say(bail, "Bail out! ");
	_exit(1);
}

/* `times` the time limit from now on. */
static void watch(const char *name, const char *world, const struct pmk_run_options *options,
		  unsigned times)
{
	struct sigaction action = { .sa_handler = on_alarm };

	if (!options->timeout)
		return;
	snprintf(watched, sizeof(watched), "%s in the %s world", name, world);
	bail = options->bail;
	sigaction(SIGALRM, &action, NULL);
	alarm(options->timeout * times * SLOWNESS);
}

/* ---- conditions ---------------------------------------------------------------------------------- */

static int unknown_feature(const char *name, char *why, size_t size)
{
	const char *near =
		pmk_text_nearest(name, &pmk_quirk[0].name, PMK_FEATURE_COUNT, sizeof(*pmk_quirk));

	snprintf(why, size, "unknown feature '%s'%s%s%s", name, near ? "; did you mean '" : "",
		 near ? near : "", near ? "'?" : "");
	return -1;
}

int pmk_conditions_hold(struct pmk_world *world, const char *const *words, size_t n, char *why,
			size_t size)
{
	for (size_t i = 0; i < n; i++) {
		bool want = words[i][0] != '!';
		const char *name = words[i] + !want, *missing = NULL;
		int feature = pmk_feature_find(name);

		if (feature < 0)
			return unknown_feature(name, why, size);
		if (world->ops->has(world, (enum pmk_feature)feature, &missing) == want)
			continue;
		if (want)
			snprintf(why, size, "needs %s: %s", name,
				 missing ? missing : pmk_quirk[feature].text);
		else
			snprintf(why, size, "needs !%s", name);
		return 0;
	}
	return 1;
}

/* ---- META: is the script for this world, and for this kernel? ------------------------------------- */

typedef bool meta(struct run *r, const struct pmk_stmt *stmt);

static bool meta_not(struct run *r, const struct pmk_stmt *stmt)
{
	if ((enum pmk_world_id)stmt->arg[0].n != r->world->ops->id)
		return true;
	pmk_text_add(&r->reason, "%s", stmt->arg[1].text);
	return verdict(r, PMK_VERDICT_SKIP);
}

static bool meta_danger(struct run *r, const struct pmk_stmt *stmt)
{
	if (r->world->ops->id != PMK_WORLD_KERNEL || r->options->danger)
		return true;
	pmk_text_add(&r->reason, "danger: %s", stmt->arg[0].text);
	return verdict(r, PMK_VERDICT_SKIP);
}

/* Kernels are of one kind when a script cannot tell them apart. */
static bool same_kind(const struct pmk_profile *a, const struct pmk_profile *b)
{
	return a->arch == b->arch && a->task_size == b->task_size &&
	       !memcmp(a->quirk, b->quirk, sizeof(a->quirk));
}

static bool meta_kernel(struct run *r, const struct pmk_stmt *stmt)
{
	struct pmk_profile about, here;
	struct pmk_error err;

	if (pmk_profile_parse(stmt->arg[0].text, &about, &err) < 0) {
		pmk_text_add(&r->reason, "%s:%u: %s", r->c->script->file, stmt->line, err.text);
		return verdict(r, PMK_VERDICT_BROKEN);
	}
	if (r->world->ops->id == PMK_WORLD_KERNEL)
		pmk_profile_host(&here);
	else if (r->options->as)
		here = *r->options->as;
	else
		return true;
	if (same_kind(&about, &here))
		return true;
	pmk_text_add(&r->reason, "is about kernel %s", stmt->arg[0].text);
	return verdict(r, PMK_VERDICT_SKIP);
}

static bool meta_needs(struct run *r, const struct pmk_stmt *stmt)
{
	char why[256];
	int holds = pmk_conditions_hold(r->world, stmt->arg[0].words, stmt->arg[0].nwords, why,
					sizeof(why));

	if (holds > 0)
		return true;
	if (holds < 0)
		pmk_text_add(&r->reason, "%s:%u: ", r->c->script->file, stmt->line);
	pmk_text_add(&r->reason, "%s", why);
	return verdict(r, holds ? PMK_VERDICT_BROKEN : PMK_VERDICT_SKIP);
}

/* Before and after the world has become the kernel that the script is about. */
static meta *const meta_before[PMK_STMT_COUNT] = {
	[PMK_STMT_NOT] = meta_not,
	[PMK_STMT_DANGER] = meta_danger,
	[PMK_STMT_KERNEL] = meta_kernel,
};
static meta *const meta_after[PMK_STMT_COUNT] = {
	[PMK_STMT_NEEDS] = meta_needs,
};

static bool ask_meta(struct run *r, meta *const table[PMK_STMT_COUNT])
{
	for (size_t i = 0; i < r->c->script->nstmts; i++) {
		const struct pmk_stmt *stmt = &r->c->script->stmt[i];

		if (table[stmt->id] && !table[stmt->id](r, stmt))
			return false;
	}
	return true;
}

/* --as, the script's kernel, or the host's as it usually is. */
static void profile_of(const struct run *r, struct pmk_profile *ret)
{
	pmk_profile_usual(ret);
	if (r->options->as) {
		*ret = *r->options->as;
		return;
	}
	for (size_t i = 0; i < r->c->script->nstmts; i++)
		if (r->c->script->stmt[i].id == PMK_STMT_KERNEL)
			pmk_profile_parse(r->c->script->stmt[i].arg[0].text, ret, NULL);
}

/* ---- statements ---------------------------------------------------------------------------------- */

static const enum pmk_verdict verdict_of[] = {
	[PMK_DONE] = PMK_VERDICT_PASS,
	[PMK_WRONG] = PMK_VERDICT_FAIL,
	[PMK_BROKEN] = PMK_VERDICT_BROKEN,
	[PMK_CANNOT] = PMK_VERDICT_SKIP,
};

static bool is_check(const struct pmk_stmt *stmt)
{
	return pmk_stmt_info[stmt->id].kind == PMK_EXPECT || stmt->result.kind != PMK_RESULT_NONE;
}

static const char *cannot(enum pmk_stmt_kind kind)
{
	return kind == PMK_FAULT ? "faults: only the mock makes calls go wrong"
				 : "givens: no process can cause this state";
}

static enum pmk_outcome do_statement(struct run *r, const struct pmk_stmt *stmt)
{
	const char *file = r->c->script->file;
	struct pmk_error err = { .line = 0 };
	enum pmk_outcome outcome;
	char text[1024] = "";

	if (pmk_stmt_info[stmt->id].kind == PMK_EXPECT) {
		struct pmk_text why = PMK_TEXT(text);

		outcome = pmk_check_do(r->check, stmt, &why);
		pmk_text_add(&r->reason, "%s:%u: %s", file, stmt->line, text);
	} else {
		outcome = pmk_stage_do(r->stage, file, stmt, &err);
		pmk_error_format(&err, text, sizeof(text));
		pmk_text_add(&r->reason, "%s",
			     outcome == PMK_CANNOT ? cannot(pmk_stmt_info[stmt->id].kind) : text);
	}
	if (outcome == PMK_DONE)
		pmk_text_clear(&r->reason);
	return outcome;
}

/* False: the script ends here. */
static bool run_statement(struct run *r, const struct pmk_stmt *stmt)
{
	enum pmk_outcome outcome;
	char why[256];
	int holds;

	if (pmk_stmt_info[stmt->id].kind == PMK_META)
		return true;
	holds = pmk_conditions_hold(r->world, stmt->when, stmt->nwhen, why, sizeof(why));
	if (holds < 0) {
		pmk_text_add(&r->reason, "%s:%u:%u: %s", r->c->script->file, stmt->line,
			     stmt->when_col, why);
		r->result->line = stmt->line;
		return verdict(r, PMK_VERDICT_BROKEN);
	}
	if (!holds) {
		r->result->unchecked += is_check(stmt);
		return true;
	}
	outcome = do_statement(r, stmt);
	if (outcome == PMK_DONE) {
		r->result->checks += is_check(stmt);
		return true;
	}
	r->result->line = stmt->line;
	return verdict(r, verdict_of[outcome]);
}

static void run_script(struct run *r)
{
	const struct pmk_script *script = r->c->script;

	r->stage = pmk_stage_create(r->world);
	r->check = pmk_check_create(r->stage);
	for (size_t i = 0; i < script->nstmts; i++)
		if (!run_statement(r, &script->stmt[i]))
			break;
	if (r->result->verdict == PMK_VERDICT_PASS && !r->result->checks) {
		r->result->verdict = r->result->unchecked ? PMK_VERDICT_SKIP : PMK_VERDICT_BROKEN;
		pmk_text_add(&r->reason, r->result->unchecked
						 ? "no expectation holds for this kernel"
						 : "the script expects nothing: it cannot fail");
	}
	r->result->seen = pmk_strdup(pmk_check_seen(r->check));
	pmk_check_destroy(r->check);
	pmk_stage_destroy(r->stage);
}

static void prepare_and_run(struct run *r)
{
	struct pmk_error err = { .line = 0 };
	struct pmk_profile profile;
	char text[512];

	if (!r->c->script) {
		pmk_error_format(&r->c->error, text, sizeof(text));
		pmk_text_add(&r->reason, "%s", text);
		r->result->line = r->c->error.line;
		r->result->verdict = PMK_VERDICT_BROKEN;
		return;
	}
	if (!ask_meta(r, meta_before))
		return;
	profile_of(r, &profile);
	if (r->world->ops->reset(r->world, &profile, &err) < 0) {
		pmk_error_format(&err, text, sizeof(text));
		pmk_text_add(&r->reason, "resetting the %s world: %s", r->world->ops->name, text);
		r->result->verdict = PMK_VERDICT_BROKEN;
		return;
	}
	if (!ask_meta(r, meta_after))
		return;
	watch(r->c->name, r->world->ops->name, r->options, 1);
	run_script(r);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void pmk_case_run(const struct pmk_case *c, struct pmk_world *world,
		  const struct pmk_run_options *options, struct pmk_result *ret)
{
	char reason[REASON_MAX] = "";
	struct run r = { .c = c, .world = world, .options = options, .result = ret };
	double start = now();

	*ret = (struct pmk_result){ .verdict = PMK_VERDICT_PASS };
	r.reason = (struct pmk_text)PMK_TEXT(reason);
	/* Asking what a machine offers may have to wait for another run that is changing it. */
	watch(c->name, world->ops->name, options, 20);
	prepare_and_run(&r);
	alarm(0);
	ret->seconds = now() - start;
	ret->reason = pmk_strdup(reason);
}
