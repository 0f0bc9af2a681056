/* SPDX-License-Identifier: MIT */
/* mutants.c - the suite against a model with one rule turned wrong, for each rule that can be. */
#include "mutants.h"

#include "alloc.h"
#include "rules.h"
#include "runner.h"

/* The model world, except that every profile is given the mutant. */
struct mutated {
	struct pmk_world world;
	struct pmk_world *model;
	unsigned mutant;
};

static struct pmk_world *model_of(struct pmk_world *world)
{
	return ((struct mutated *)world)->model;
}

static int mutated_reset(struct pmk_world *world, const struct pmk_profile *profile,
			 struct pmk_error *err)
{
	struct pmk_profile p = *profile;

	p.mutant = ((struct mutated *)world)->mutant;
	return model_of(world)->ops->reset(model_of(world), &p, err);
}

static int64_t mutated_request(struct pmk_world *world, const struct pmk_request *request)
{
	return model_of(world)->ops->request(model_of(world), request);
}

static bool mutated_has(struct pmk_world *world, enum pmk_feature feature, const char **why)
{
	return model_of(world)->ops->has(model_of(world), feature, why);
}

static uint64_t mutated_fact(struct pmk_world *world, int fact)
{
	return model_of(world)->ops->fact(model_of(world), fact);
}

static struct pmk_machine *mutated_machine(struct pmk_world *world)
{
	return model_of(world)->ops->machine(model_of(world));
}

static void mutated_lock(struct pmk_world *world, bool on)
{
	model_of(world)->ops->lock(model_of(world), on);
}

static const struct pmk_world_ops mutated_ops = {
	.name = "model",
	.id = PMK_WORLD_MODEL,
	.reset = mutated_reset,
	.request = mutated_request,
	.has = mutated_has,
	.fact = mutated_fact,
	.machine = mutated_machine,
	.lock = mutated_lock,
};

static enum pmk_verdict verdict(const struct pmk_case *c, struct mutated *m)
{
	const struct pmk_run_options options = { .timeout = 0 };
	struct pmk_result result = { 0 };
	enum pmk_verdict v;

	pmk_case_run(c, &m->world, &options, &result);
	v = result.verdict;
	pmk_result_deinit(&result);
	return v;
}

/* The first script that passes as long as the rule is right, and not when it is wrong; NULL: none. */
static const struct pmk_case *catcher(const struct pmk_suite *suite, const bool *passes,
				      struct mutated *m)
{
	for (size_t i = 0; i < suite->n; i++)
		if (passes[i] && verdict(&suite->cases[i], m) != PMK_VERDICT_PASS)
			return &suite->cases[i];
	return NULL;
}

int pmk_mutants_run(const struct pmk_suite *suite, FILE *out)
{
	struct mutated m = { .world = { &mutated_ops }, .model = pmk_world_model_create() };
	bool *passes = pmk_calloc(suite->n + 1, sizeof(*passes));
	int missed = 0;

	for (size_t i = 0; i < suite->n; i++)
		passes[i] = verdict(&suite->cases[i], &m) == PMK_VERDICT_PASS;
	for (m.mutant = 1; m.mutant < PMK_MUTANT_COUNT; m.mutant++) {
		const struct pmk_rule_info *info = &pmk_mutant_info[m.mutant];
		const struct pmk_case *c = catcher(suite, passes, &m);

		missed += !c;
		fprintf(out, "%s %-20s %s%s: %s\n", c ? "caught" : "MISSED", info->word,
			c ? "by " : "", c ? c->name : "no script", info->text);
	}
	fprintf(out, "%d of %d mutants caught\n", PMK_MUTANT_COUNT - 1 - missed,
		PMK_MUTANT_COUNT - 1);
	free(passes);
	m.model->ops->destroy(m.model);
	return missed;
}
