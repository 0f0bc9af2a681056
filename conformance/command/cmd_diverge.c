/* SPDX-License-Identifier: MIT */
/* cmd_diverge.c - `pmkit diverge`: random operations on model and kernel until they differ. */
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "alloc.h"
#include "commands.h"
#include "diverge.h"
#include "number.h"

#define OPS_DEFAULT  100000
#define OPS_MUTANT   UINT64_C(200000) /* within so many each mutant must be found */
#define SET_MUTANT   "5" /* of the mutants that do not say where they show */
#define STOP_DEFAULT 10

struct diverge {
	const char *seed, *ops, *seconds, *keep, *only, *replay, *mutant, *as, *every;
	bool mutants, list;
	uint64_t nseed, nops, nseconds, nevery;
	struct pmk_world *model, *kernel;
	struct pmk_pair *pair;
};

/* The running kernel as probed: the model must have the quirks that it shows, not those of its version. */
static void probed_profile(struct pmk_world *kernel, struct pmk_profile *ret)
{
	size_t n;
	const struct pmk_probe_result *probe = pmk_world_kernel_probes(kernel, &n);

	pmk_profile_host(ret);
	for (size_t i = 0; i < n; i++)
		if (probe[i].feature < PMK_QUIRK_COUNT)
			pmk_profile_set(ret, probe[i].feature, probe[i].probe);
}

/* --as: the model of that kernel against itself, which finds mutants wherever it runs. */
static int open_models(struct diverge *d, struct pmk_error *err)
{
	struct pmk_profile profile;

	if (pmk_profile_parse(d->as, &profile, err))
		return -1;
	d->kernel = pmk_world_model_create();
	d->model = pmk_world_model_create();
	d->pair = pmk_pair_create(d->model, d->kernel, &profile);
	return 0;
}

static int open_pair(struct diverge *d, struct pmk_error *err)
{
	struct pmk_profile profile;
	const char *why = "";

	if (d->as)
		return open_models(d, err);
	d->kernel = pmk_world_kernel_create(err);
	if (!d->kernel)
		return -1;
	if (!d->kernel->ops->has(d->kernel, PMK_F_SWAP, &why))
		fprintf(stderr, "pmkit diverge: no swap: %s\n", why);
	probed_profile(d->kernel, &profile);
	d->model = pmk_world_model_create();
	d->pair = pmk_pair_create(d->model, d->kernel, &profile);
	return 0;
}

static void close_pair(struct diverge *d)
{
	pmk_pair_destroy(d->pair);
	if (d->model)
		d->model->ops->destroy(d->model);
	if (d->kernel)
		d->kernel->ops->destroy(d->kernel);
}

/* ---- verdicts ----------------------------------------------------------------------------------- */

static void print_rules(const struct pmk_campaign *c)
{
	unsigned unused = 0;

	for (int i = 0; i < PMK_RULE_COUNT; i++) {
		printf("# rule %-18s %10" PRIu64 "  %s\n", pmk_rule_info[i].word, c->cover[i],
		       pmk_rule_info[i].text);
		unused += !c->cover[i];
	}
	printf("# %u of %u rules were at work\n", PMK_RULE_COUNT - unused,
	       (unsigned)PMK_RULE_COUNT);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Of the runner and of the actors that it has buried. */
static double cpu_seconds(void)
{
	struct rusage self, children;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	return seconds(self.ru_utime) + seconds(self.ru_stime) + seconds(children.ru_utime) +
	       seconds(children.ru_stime);
}

static void print_verdict(const struct pmk_campaign *c, double cpu)
{
	print_rules(c);
	for (int i = 0; i < PMK_ASPECT_COUNT; i++)
		if (c->flaky[i])
			printf("# flaky %s: %u\n", pmk_aspect_word[i], c->flaky[i]);
	printf("# %u swap areas were in use\n", pmk_pair_areas(c->pair));
	printf("%s: seed %" PRIu64 ": %" PRIu64 " operations in %" PRIu64
	       " scripts, %u differences, %u flaky, "
	       "%.1f s, %.0f operations a second (%.1f s of CPU, %.0f a second of CPU)\n",
	       c->real ? "FAIL" : "ok", c->seed, c->done, c->scripts, c->real, c->nflaky,
	       c->seconds, c->seconds > 0 ? (double)c->done / c->seconds : 0, cpu,
	       cpu > 0 ? (double)c->done / cpu : 0);
}

static int campaign(struct diverge *d)
{
	struct pmk_campaign c = { .pair = d->pair,
				  .only = d->only,
				  .keep = d->keep,
				  .seed = d->nseed,
				  .ops = d->nops,
				  .every = (unsigned)d->nevery,
				  .limit = (double)d->nseconds,
				  .stop = d->mutant ? 1 : STOP_DEFAULT };
	struct pmk_error err;
	double cpu = cpu_seconds();

	if (pmk_campaign_run(&c, &err))
		return pmk_error_report(&err);
	print_verdict(&c, cpu_seconds() - cpu);
	return c.real ? PMK_EXIT_FAILED : 0;
}

/* ---- mutants ------------------------------------------------------------------------------------ */

static int try_mutant(struct diverge *d, int mutant, struct pmk_error *err)
{
	const char *ops = pmk_mutant_info[mutant].ops;
	struct pmk_campaign c = { .pair = d->pair,
				  .only = d->only ? d->only
					  : *ops  ? ops
						  : SET_MUTANT,
				  .seed = d->nseed,
				  .ops = d->ops ? d->nops : OPS_MUTANT,
				  .stop = 1,
				  .quiet = true };
	int result;

	pmk_pair_profile(d->pair)->mutant = (unsigned)mutant;
	result = pmk_campaign_run(&c, err);
	pmk_pair_profile(d->pair)->mutant = PMK_MUTANT_NONE;
	if (result)
		return -1;
	if (c.real)
		printf("found   %-24s after %8" PRIu64 " operations  %s\n",
		       pmk_mutant_info[mutant].word, c.first, pmk_mutant_info[mutant].text);
	else
		printf("MISSED  %-24s in    %8" PRIu64 " operations  %s\n",
		       pmk_mutant_info[mutant].word, c.done, pmk_mutant_info[mutant].text);
	fflush(stdout);
	return c.real ? 0 : 1;
}

static int all_mutants(struct diverge *d)
{
	struct pmk_error err;
	int missed = 0, tried = 0;

	for (int i = 1; i < PMK_MUTANT_COUNT; i++) {
		int result;

		if (!strcmp(pmk_mutant_info[i].ops, "-"))
			continue; /* none of our operations shows it; pmkit test --mutants does */
		result = try_mutant(d, i, &err);
		if (result < 0)
			return pmk_error_report(&err);
		missed += result;
		tried++;
	}
	printf("%s: %d of %d mutants found within %" PRIu64 " operations\n", missed ? "FAIL" : "ok",
	       tried - missed, tried, d->ops ? d->nops : OPS_MUTANT);
	return missed ? PMK_EXIT_FAILED : 0;
}

/* ---- the command -------------------------------------------------------------------------------- */

static int replay(struct diverge *d)
{
	struct pmk_difference difference;
	struct pmk_error err;
	unsigned line;
	int result = pmk_pair_replay(d->pair, d->replay, &difference, &line, &err);

	if (result < 0)
		return pmk_error_report(&err);
	if (!result) {
		printf("ok: %s: model and kernel agree\n", d->replay);
		return 0;
	}
	printf("FAIL: %s:%u: %s of process %d, page %#" PRIx64 ": %s\n", d->replay, line,
	       pmk_aspect_word[difference.aspect], difference.proc, difference.page,
	       difference.text);
	return PMK_EXIT_FAILED;
}

/* What no kernel promises, or the reason why it is not asked for (diverge_masks.def). */
static void list_untold(void)
{
#define NOT(what, reason) printf("     %s: %s\n", what, reason);
#define DEMAND(name, reason)
#define MEMORY(name, reason)
#define IGNORE(name, reason) NOT("kpageflags " #name, reason)
	printf("not compared\n");
#define KPAGEFLAG(name, verdict, reason) verdict(name, reason)
#define RENAMES(request, reason)	 NOT("which frame it is, after " #request, reason)
#define UNSCANNED(category, reason)	 NOT("PAGEMAP_SCAN's " #category, reason)
#define UNTOLD(flag, quirk, reason) \
	printf("     kpageflags %s where %s: %s\n", #flag, pmk_quirk[PMK_Q_##quirk].name, reason);
#include "diverge_masks.def"
	printf("not asked for\n");
#define UNASKED(what, reason) NOT(what, reason)
#include "diverge_masks.def"
#undef DEMAND
#undef MEMORY
#undef IGNORE
#undef NOT
}

/* The sets, their operations and what these need. */
static int list(void)
{
	for (unsigned set = 1; set <= 9; set++) {
		printf("%u  %s\n", set, pmk_op_set[set]);
		for (int i = 0; i < PMK_OP_COUNT; i++) {
			const struct pmk_op_info *op = &pmk_op_info[i];

			if (op->set == set && op->needs == PMK_ANY)
				printf("     %s\n", op->word);
			else if (op->set == set)
				printf("     %-17s needs %s\n", op->word,
				       pmk_quirk[op->needs].name);
		}
	}
	list_untold();
	return 0;
}

static int act(struct diverge *d)
{
	if (d->mutants)
		return all_mutants(d);
	return d->replay ? replay(d) : campaign(d);
}

static int parse(struct diverge *d)
{
	struct pmk_gen gen;
	struct pmk_error err;

	d->nseed = 1;
	d->nops = d->seconds ? UINT64_MAX : OPS_DEFAULT;
	if (d->seconds && !pmk_number_parse(d->seconds, &d->nseconds))
		return pmk_usage("diverge", "--seconds %s: expected a number", d->seconds);
	if (d->seed && !pmk_number_parse(d->seed, &d->nseed))
		return pmk_usage("diverge", "--seed %s: expected a number", d->seed);
	if (d->ops && !pmk_number_parse(d->ops, &d->nops))
		return pmk_usage("diverge", "--ops %s: expected a number", d->ops);
	d->nevery = 1;
	if (d->every && (!pmk_number_parse(d->every, &d->nevery) || !d->nevery || d->nevery > 1000))
		return pmk_usage("diverge", "--every %s: expected a number from 1 to 1000",
				 d->every);
	if (pmk_gen_init(&gen, d->nseed, d->only, &err))
		return pmk_usage("diverge", "--only %s: %s", d->only, err.text);
	if (d->mutant && pmk_mutant_find(d->mutant) < 0)
		return pmk_usage("diverge", "--mutant %s: there is none of that name", d->mutant);
	if (d->mutant && !strcmp(pmk_mutant_info[pmk_mutant_find(d->mutant)].ops, "-"))
		return pmk_usage("diverge", "--mutant %s: no operation of diverge shows it",
				 d->mutant);
	return 0;
}

int pmk_cmd_diverge(int argc, char **argv)
{
	struct diverge d = { 0 };
	const struct pmk_option options[] = {
		{ "--seed", NULL, &d.seed },	   { "--ops", NULL, &d.ops },
		{ "--keep", NULL, &d.keep },	   { "--only", NULL, &d.only },
		{ "--replay", NULL, &d.replay },   { "--mutant", NULL, &d.mutant },
		{ "--seconds", NULL, &d.seconds }, { "--mutants", &d.mutants, NULL },
		{ "--list", &d.list, NULL },	   { "--as", NULL, &d.as },
		{ "--every", NULL, &d.every },
	};
	int n = pmk_options(options, sizeof(options) / sizeof(*options), argc, argv), result;
	struct pmk_error err;

	if (n < 0)
		return PMK_EXIT_USAGE;
	if (n)
		return pmk_usage("diverge", "unexpected '%s'", argv[1]);
	result = parse(&d);
	if (result || d.list)
		return result ? result : list();
	if (open_pair(&d, &err)) {
		pmk_error_report(&err);
		close_pair(&d);
		return PMK_EXIT_CANNOT;
	}
	if (d.mutant) {
		int mutant = pmk_mutant_find(d.mutant);

		pmk_pair_profile(d.pair)->mutant = (unsigned)mutant;
		if (!d.only && *pmk_mutant_info[mutant].ops)
			d.only = pmk_mutant_info[mutant].ops;
	}
	result = act(&d);
	close_pair(&d);
	return result;
}
