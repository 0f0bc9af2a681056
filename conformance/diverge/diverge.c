/* SPDX-License-Identifier: MIT */
/* diverge.c - scripts of operations: run, replayed, and a campaign of them. */
#include "diverge.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "machine.h"

#define REPLAYS		5 /* a real difference repeats each time */
#define PAGE_SIZE(pair) pmk_profile_page_size(pmk_pair_profile(pair))

const struct pmk_op_info pmk_op_info[PMK_OP_COUNT] = {
#define OPERATION(id, word, set, weight, request, advice, needs) \
	{ word, set, weight, PMK_REQ_##request, advice, PMK_##needs },
#include "diverge_ops.def"
};

const char *const pmk_op_set[10] = {
#define SET(number, text) [number] = text,
#include "diverge_ops.def"
};

const struct pmk_theme pmk_theme[] = {
#define WIDE			       true
#define NARROW			       false
#define THEME(word, arena, operations) { word, arena, operations },
#include "diverge_ops.def"
};
const size_t pmk_theme_count = sizeof(pmk_theme) / sizeof(*pmk_theme);

const char *const pmk_op_proc_name[PMK_PAIR_PROCS] = {
	"p",   "q",   "r",   "s",   "t",   "u",	  "v",	 "w",	"p8",  "p9",  "p10", "p11",
	"p12", "p13", "p14", "p15", "p16", "p17", "p18", "p19", "p20", "p21", "p22", "p23",
};

/* ---- one operation ------------------------------------------------------------------------------ */

/* All of the range: what has been written is protected (PM_SCAN_WP_MATCHING), nothing is reported. */
static struct pmk_scan_arg protecting(uint64_t start, uint64_t len)
{
	return (struct pmk_scan_arg){ .size = sizeof(struct pmk_scan_arg),
				      .flags = PMK_SCAN_WP_MATCHING,
				      .start = start,
				      .end = start + len,
				      .category_mask = PMK_SCAN_WRITTEN_MASK };
}

static const char *const clear_refs_text[] = { "0", "1", "2", "3", "4", "5", "6" };

static const char *const content_word[] = { [PMK_CONTENT_ZEROS] = "zeros",
					    [PMK_CONTENT_SAME] = "same",
					    [PMK_CONTENT_DISTINCT] = "distinct" };

struct pmk_request pmk_op_request(const struct pmk_op *op, uint64_t arena, uint64_t page_size)
{
	struct pmk_request r = { .code = (enum pmk_request_code)pmk_op_info[op->id].request,
				 .proc = op->proc,
				 .addr = arena + op->page * page_size,
				 .len = op->n * page_size,
				 .prot = op->prot,
				 .shared = op->shared };

	switch (r.code) {
	case PMK_REQ_MMAP:
		r.a[0] = op->object;
		r.a[1] = op->to < 0 ? 0 : (int64_t)((uint64_t)op->to * page_size);
		r.a[2] = op->id == PMK_OP_HUGETLB;
		break;
	case PMK_REQ_OBJECT:
		r.proc = PMK_OBSERVER;
		r.a[0] = op->object;
		r.a[1] = op->shared ? PMK_BACKING_FILE : PMK_BACKING_MEMFD;
		break;
	case PMK_REQ_MADVISE:
		r.a[0] = pmk_op_info[op->id].advice;
		break;
	case PMK_REQ_MREMAP:
		r.a[0] = (int64_t)(op->new_n * page_size);
		r.a[1] = op->to < 0 ? 0 : (int64_t)(arena + (uint64_t)op->to * page_size);
		r.a[2] = op->dontunmap;
		break;
	case PMK_REQ_FORK:
		r.a[0] = op->to;
		break;
	case PMK_REQ_UFFD:
		r.a[0] = op->id == PMK_OP_UFFD_POISON
				 ? PMK_UFFD_POISON
				 : (int64_t)(op->id - PMK_OP_UFFD_REGISTER + PMK_UFFD_REGISTER);
		if (op->id != PMK_OP_UFFD_SYNC)
			break;
		r.a[0] = PMK_UFFD_REGISTER;
		r.a[1] = PMK_UFFD_SYNC | (op->on ? PMK_UFFD_UNPOPULATED : 0);
		break;
	case PMK_REQ_KSM:
		r.proc = PMK_OBSERVER;
		r.a[0] = op->on;
		break;
	case PMK_REQ_THP:
		r.a[0] = op->on;
		break;
	case PMK_REQ_SCAN:
		r.scan = protecting(r.addr, r.len);
		break;
	case PMK_REQ_FILL:
		r.a[0] = op->new_n;
		r.a[1] = op->to;
		break;
	case PMK_REQ_WRITEFD:
		r.in = clear_refs_text[op->new_n];
		r.len = 1;
		break;
	default:
		break;
	}
	return r;
}

static void perms_text(unsigned prot, char ret[5])
{
	snprintf(ret, 5, "%s%s%s", prot & PMK_PERM_R ? "r" : "", prot & PMK_PERM_W ? "w" : "",
		 prot & PMK_PERM_X ? "x" : "");
	if (!prot)
		snprintf(ret, 5, "none");
}

void pmk_op_text(const struct pmk_op *op, uint64_t arena, uint64_t page_size, char *buf,
		 size_t size)
{
	const char *p = pmk_op_proc_name[op->proc], *word = pmk_op_info[op->id].word;
	char pages[24], perms[5];

	snprintf(pages, sizeof(pages), op->n > 1 ? "[%u-%u]" : "[%u]", op->page,
		 op->page + op->n - 1);
	perms_text(op->prot, perms);
	switch (pmk_op_info[op->id].request) {
	case PMK_REQ_MMAP:
		snprintf(buf, size, "%s: map m%u %u %s %s %s at=%#llx", p, op->page, op->n,
			 op->id == PMK_OP_HUGETLB ? "hugetlb"
			 : op->object < 0	  ? "anon"
			 : op->new_n		  ? "file"
						  : "memfd",
			 op->shared ? "shared" : "private", perms,
			 (unsigned long long)(arena + op->page * page_size));
		if (op->object >= 0)
			snprintf(buf + strlen(buf), size - strlen(buf), " file=f%d offset=%d",
				 op->object, op->to);
		break;
	case PMK_REQ_OBJECT:
		snprintf(buf, size, "%s f%d %u", op->shared ? "file" : "memfd", op->object, op->n);
		break;
	case PMK_REQ_MADVISE:
		snprintf(buf, size, "%s: madvise arena%s %s", p, pages, word);
		break;
	case PMK_REQ_MPROTECT:
		snprintf(buf, size, "%s: mprotect arena%s %s", p, pages, perms);
		break;
	case PMK_REQ_MREMAP:
		snprintf(buf, size, "%s: mremap arena%s %u", p, pages, op->new_n);
		if (op->to >= 0)
			snprintf(buf + strlen(buf), size - strlen(buf), " to=m%d at=%#llx%s",
				 op->to, (unsigned long long)(arena + (uint64_t)op->to * page_size),
				 op->dontunmap ? " dontunmap" : "");
		break;
	case PMK_REQ_FORK:
		snprintf(buf, size, "%s: fork %s", p, pmk_op_proc_name[op->to]);
		break;
	case PMK_REQ_EXIT:
	case PMK_REQ_EXEC:
		snprintf(buf, size, "%s: %s", p, word);
		break;
	case PMK_REQ_KSM:
		snprintf(buf, size, "ksm merge%s", op->on ? "-zeros" : "");
		break;
	case PMK_REQ_THP:
		snprintf(buf, size, "%s: thp %s", p, op->on ? "on" : "off");
		break;
	case PMK_REQ_WRITEFD:
		snprintf(buf, size, "%s: clear-refs %s", p, clear_refs_text[op->new_n]);
		break;
	case PMK_REQ_FILL:
		snprintf(buf, size, "%s: fill arena%s %s", p, pages, content_word[op->new_n]);
		break;
	case PMK_REQ_SCAN:
		snprintf(buf, size, "%s: scan pagemap arena%s mask=written novec wp -> 0", p,
			 pages);
		break;
	case PMK_REQ_UFFD:
		if (op->id == PMK_OP_UFFD_SYNC) {
			snprintf(buf, size, "%s: uffd arena%s register sync%s", p, pages,
				 op->on ? " unpopulated" : "");
			break;
		}
		if (op->id <= PMK_OP_UFFD_UNREGISTER)
			snprintf(buf, size, "%s: uffd arena%s %s", p, pages,
				 word + strlen("uffd-"));
		else
			snprintf(buf, size, "%s: %s arena%s", p, word, pages);
		break;
	default:
		snprintf(buf, size, "%s: %s arena%s", p, word, pages);
		break;
	}
}

/* ---- scripts ------------------------------------------------------------------------------------ */

uint64_t pmk_ops_arena(const struct pmk_pair *pair, unsigned pages)
{
	uint64_t before = pages == PMK_ARENA_NARROW ? pages / 2 : 0;

	return PMK_ARENA_BORDER -
	       before * pmk_profile_page_size(pmk_pair_profile((struct pmk_pair *)(uintptr_t)pair));
}

int pmk_ops_begin(struct pmk_pair *pair, unsigned pages, struct pmk_error *err)
{
	struct pmk_request spawn = { .code = PMK_REQ_SPAWN, .in = "p" };
	struct pmk_difference ignored;

	if (pmk_pair_reset(pair, err))
		return -1;
	pmk_pair_watch(pair, pmk_ops_arena(pair, pages) / PAGE_SIZE(pair), pages);
	if (!pmk_pair_do(pair, &spawn, &ignored))
		return pmk_error_set(err, NULL, 0, 0, "a fresh process: %s: %s",
				     pmk_aspect_word[ignored.aspect], ignored.text);
	return 0;
}

/* Whether there is somebody to do it; objects have to be numbered one by one. */
static bool applies(const struct pmk_pair *pair, const struct pmk_request *r)
{
	if (r->code == PMK_REQ_OBJECT)
		return r->a[0] == pmk_pair_objects(pair);
	if (r->code == PMK_REQ_KSM)
		return true;
	return pmk_pair_alive(pair, r->proc);
}

bool pmk_ops_step(struct pmk_pair *pair, unsigned pages, const struct pmk_op *op,
		  struct pmk_difference *ret)
{
	struct pmk_request r = pmk_op_request(op, pmk_ops_arena(pair, pages), PAGE_SIZE(pair));

	if (!applies(pair, &r))
		return true;
	if (!pmk_pair_do(pair, &r, ret))
		return false;
	if (r.code != PMK_REQ_EXIT)
		return true;
	r.code = PMK_REQ_REAP;
	return pmk_pair_do(pair, &r, ret);
}

int pmk_ops_run(struct pmk_pair *pair, const struct pmk_ops *ops, struct pmk_difference *ret)
{
	if (pmk_ops_begin(pair, ops->pages, NULL))
		return -1;
	for (unsigned i = 0; i < ops->n; i++)
		if (!pmk_ops_step(pair, ops->pages, &ops->op[i], ret))
			return (int)i;
	return -1;
}

/* ---- the campaign ------------------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The model forgets its counts with each script. */
static void gather(struct pmk_campaign *c)
{
	const struct pmk_machine *m = pmk_pair_machine(c->pair);

	for (int i = 0; i < PMK_RULE_COUNT; i++)
		c->cover[i] += m->cover[i];
}

/* Each time the same after the same operation. */
static bool repeats(struct pmk_campaign *c, const struct pmk_ops *ops,
		    const struct pmk_difference *difference)
{
	for (int i = 0; i < REPLAYS; i++) {
		struct pmk_difference d;

		c->runs++;
		if (pmk_ops_run(c->pair, ops, &d) != (int)ops->n - 1 ||
		    !pmk_difference_alike(&d, difference))
			return false;
	}
	return true;
}

static int keep(struct pmk_campaign *c, const struct pmk_ops *ops, const struct pmk_difference *d,
		struct pmk_error *err)
{
	char path[4096];
	FILE *out;
	int result;

	if (!c->keep)
		return 0;
	snprintf(path, sizeof(path), "%s/diverge-%" PRIu64 "-%u.pmk", c->keep, c->seed, c->real);
	out = fopen(path, "we");
	if (!out)
		return pmk_error_set(err, path, 0, 0, "cannot be written");
	result = pmk_ops_write(c->pair, ops, d, out, err);
	if (fclose(out) && !result)
		result = pmk_error_set(err, path, 0, 0, "cannot be written");
	if (!result)
		printf("# kept as %s\n", path);
	return result;
}

static int flaky(struct pmk_campaign *c, const struct pmk_difference *d)
{
	c->flaky[d->aspect]++;
	c->nflaky++;
	printf("# flaky: %s: %s\n", pmk_aspect_word[d->aspect], d->text);
	return 0;
}

/* A difference after the last operation: is it real, and what is the shortest way to it? */
static int judge(struct pmk_campaign *c, struct pmk_ops *ops, struct pmk_difference *d,
		 struct pmk_error *err)
{
	unsigned before = ops->n, runs;
	int at;

	pmk_pair_hurry(c->pair, false);
	pmk_pair_look_every(c->pair, 1);
	at = pmk_ops_run(c->pair, ops, d); /* who looks closely may find it earlier */
	c->runs++;
	if (at >= 0)
		ops->n = (unsigned)at + 1;
	if (at < 0 || !repeats(c, ops, d))
		return flaky(c, d);
	if (!c->real++)
		c->first = c->done;
	if (c->quiet)
		return 0;
	runs = pmk_ops_shrink(c->pair, ops, d);
	c->runs += runs;
	if (pmk_ops_run(c->pair, ops, d) < 0) {
		c->real--;
		return flaky(c, d);
	}
	printf("# difference after %" PRIu64 " operations; %u shrunk to %u in %u runs\n", c->done,
	       before, ops->n, runs);
	if (pmk_ops_write(c->pair, ops, d, stdout, err) || keep(c, ops, d, err))
		return -1;
	fflush(stdout);
	return 0;
}

static int run_script(struct pmk_campaign *c, struct pmk_gen *gen, struct pmk_error *err)
{
	static struct pmk_ops ops;
	unsigned n = pmk_gen_script(gen);
	struct pmk_difference d;

	ops.pages = gen->pages;
	pmk_pair_hurry(c->pair, true);
	pmk_pair_look_every(c->pair, c->every);
	if (pmk_ops_begin(c->pair, ops.pages, err))
		return -1;
	for (ops.n = 0; ops.n < n && c->done < c->ops;) {
		struct pmk_op *op = &ops.op[ops.n++];

		pmk_gen_next(gen, c->pair, op);
		c->done++;
		pmk_pair_hurry(c->pair,
			       ops.n < n && c->done < c->ops); /* all is looked at in the end */
		if (pmk_ops_step(c->pair, ops.pages, op, &d))
			continue;
		gather(c);
		return judge(c, &ops, &d, err);
	}
	gather(c);
	return 0;
}

int pmk_campaign_run(struct pmk_campaign *c, struct pmk_error *err)
{
	double start = now();
	struct pmk_gen gen;

	if (pmk_gen_init(&gen, c->seed, c->only, err))
		return -1;
	pmk_gen_limit(&gen, c->pair);
	while (c->done < c->ops && c->real < c->stop &&
	       (c->limit <= 0 || now() - start < c->limit)) {
		c->scripts++;
		if (run_script(c, &gen, err))
			return -1;
	}
	c->seconds = now() - start;
	return 0;
}
