/* SPDX-License-Identifier: MIT */
/*
 * diverge_gen.c - the next operation, made from the model's state.
 *
 * Ranges mostly follow the VMAs that are there: all of one, its beginning, its end, one page, a little too
 * much.  Each script has weights of its own, so that rare operations meet often somewhere.
 */
#include "diverge.h"

#include <stdlib.h>
#include <string.h>

#include "janitor.h"
#include "machine.h"

/* ---- chance ------------------------------------------------------------------------------------- */

static uint64_t next(struct pmk_gen *g) /* splitmix64 */
{
	uint64_t z = g->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static unsigned below(struct pmk_gen *g, unsigned n)
{
	return (unsigned)((next(g) >> 32) * n >> 32);
}

static bool one_in(struct pmk_gen *g, unsigned n)
{
	return !below(g, n);
}

/* ---- what is there ------------------------------------------------------------------------------ */

struct stretch {
	unsigned page, n;
	const struct pmk_vma *vma; /* NULL: a hole */
};

/* VMAs and holes of the arena, in order. */
static unsigned survey(const struct pmk_gen *g, const struct pmk_pair *pair, int proc,
		       struct stretch ret[PMK_ARENA_WIDE])
{
	const struct pmk_machine *m = pmk_pair_machine(pair);
	const struct pmk_mm *mm = pmk_pair_mm(pair, proc);
	uint64_t base = pmk_ops_arena(pair, g->pages) >> m->profile.arch->page_shift;
	struct pmk_piece p = { .end = base };
	unsigned n = 0;

	while (pmk_runs_piece(&mm->vma, base + g->pages, &p))
		ret[n++] =
			(struct stretch){ (unsigned)(p.start - base), (unsigned)(p.end - p.start),
					  p.run ? &m->vma[p.v.tag & ~PMK_RUN_LINEAR] : NULL };
	return n;
}

static const struct stretch *pick(struct pmk_gen *g, const struct stretch *s, unsigned n,
				  bool mapped)
{
	unsigned fit = 0, chosen;

	for (unsigned i = 0; i < n; i++)
		fit += !s[i].vma != mapped;
	if (!fit)
		return NULL;
	chosen = below(g, fit);
	for (unsigned i = 0; i < n; i++)
		if (!s[i].vma != mapped && !chosen--)
			return &s[i];
	return NULL;
}

static bool is_wide(const struct pmk_gen *g)
{
	return g->pages == PMK_ARENA_WIDE;
}

static unsigned small(struct pmk_gen *g)
{
	return 1 + below(g, one_in(g, 4) ? 24 : 6);
}

/* As many pages as a PMD maps: the step of what is huge. */
#define UNIT 512u

/* Pages to map: in a wide arena mostly huge ones, and some that only nearly are. */
static unsigned amount(struct pmk_gen *g)
{
	if (!is_wide(g) || one_in(g, 4))
		return small(g);
	return UNIT * (1 + below(g, 3)) + (one_in(g, 4) ? small(g) : 0);
}

/* In a wide arena: whole units mostly. */
static void snap(struct pmk_gen *g, struct pmk_op *op)
{
	unsigned end = op->page + op->n;

	if (!is_wide(g) || one_in(g, 2))
		return;
	op->page -= op->page % UNIT;
	end += UNIT - 1 - (end + UNIT - 1) % UNIT;
	op->n = (end < g->pages ? end : g->pages) - op->page;
}

/* Some of a stretch, or a bit more. */
static void part_of(struct pmk_gen *g, const struct stretch *s, struct pmk_op *op)
{
	unsigned n = 1 + below(g, s->n), kind = below(g, 8);

	op->page = s->page;
	op->n = s->n;
	if (kind == 2) {
		op->n = n; /* its beginning */
	} else if (kind == 3) {
		op->page += s->n - n; /* its end */
		op->n = n;
	} else if (kind == 4 || kind == 5) {
		op->page += below(g, s->n); /* one page */
		op->n = 1;
	} else if (kind == 6) {
		op->page += below(g, s->n); /* the middle */
		op->n = 1 + below(g, s->page + s->n - op->page);
	} else if (kind == 7) {
		op->page -= op->page && one_in(g, 2); /* over it */
		op->n = s->page + s->n - op->page + below(g, 4);
	}
	if (op->page + op->n > g->pages)
		op->n = g->pages - op->page;
}

static void range(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	struct stretch s[PMK_ARENA_WIDE];
	unsigned n = survey(g, pair, op->proc, s);
	const struct stretch *vma = pick(g, s, n, true);

	if (vma && !one_in(g, 8)) {
		part_of(g, vma, op);
	} else {
		op->page = below(g, g->pages);
		op->n = small(g);
		if (op->page + op->n > g->pages)
			op->n = g->pages - op->page;
	}
	snap(g, op);
}

/* Where n pages are to go: into a hole, next to a neighbour or not, or just anywhere. */
static unsigned target(struct pmk_gen *g, const struct pmk_pair *pair, int proc, unsigned *n)
{
	struct stretch s[PMK_ARENA_WIDE];
	const struct stretch *hole = pick(g, s, survey(g, pair, proc, s), false);
	unsigned at;

	if (!hole || one_in(g, 10))
		return below(g, g->pages - (*n < g->pages ? *n : 1) + 1) % g->pages;
	if (*n > hole->n)
		*n = hole->n;
	at = below(g, 3);
	at = hole->page + (at == 0 ? 0 : at == 1 ? hole->n - *n : below(g, hole->n - *n + 1));
	if (is_wide(g) && !one_in(g, 4) && at - at % UNIT >= hole->page)
		at -= at % UNIT;
	return at;
}

/* Mostly writable, lest everything rot to what faults. */
static unsigned permissions(struct pmk_gen *g)
{
	static const unsigned some[] = { PMK_PERM_R | PMK_PERM_W,
					 PMK_PERM_R | PMK_PERM_W,
					 PMK_PERM_R | PMK_PERM_W,
					 PMK_PERM_R | PMK_PERM_W,
					 PMK_PERM_R,
					 PMK_PERM_R,
					 0,
					 PMK_PERM_R | PMK_PERM_X };

	return some[below(g, 8)];
}

/* ---- operations --------------------------------------------------------------------------------- */

static bool is_file(const struct pmk_machine *m, const struct pmk_vma *vma)
{
	return m->object[vma->object].kind == PMK_OBJECT_FILE;
}

static bool is_registered(const struct pmk_machine *m, const struct pmk_vma *vma)
{
	(void)m;
	return vma->flags & PMK_VMA_UFFD_WP;
}

static bool is_hugetlb(const struct pmk_machine *m, const struct pmk_vma *vma)
{
	(void)m;
	return vma->flags & PMK_VMA_HUGETLB;
}

/* Whether the range has pages of a mapped object that is so. */
static bool meets(const struct pmk_gen *g, const struct pmk_pair *pair, const struct pmk_op *op,
		  bool (*so)(const struct pmk_machine *, const struct pmk_vma *))
{
	const struct pmk_machine *m = pmk_pair_machine(pair);
	struct stretch s[PMK_ARENA_WIDE];
	unsigned n = survey(g, pair, op->proc, s);

	for (unsigned i = 0; i < n; i++)
		if (s[i].vma && s[i].vma->object >= 0 && s[i].page < op->page + op->n &&
		    s[i].page + s[i].n > op->page && so(m, s[i].vma))
			return true;
	return false;
}

/* Whether a whole huge page is in the range.  It goes out as a whole where the swap area has as many free slots in a
 * row; else it is split first, and its zeros become the zero page.  What is free in a row is history. */
static bool holds_huge(const struct pmk_gen *g, const struct pmk_pair *pair,
		       const struct pmk_op *op)
{
	const struct pmk_machine *m = pmk_pair_machine(pair);
	const struct pmk_mm *mm = pmk_pair_mm(pair, op->proc);
	uint64_t base = pmk_ops_arena(pair, g->pages) >> m->profile.arch->page_shift;
	unsigned first = (op->page + UNIT - 1) / UNIT, last = (op->page + op->n) / UNIT;
	struct pmk_piece p = { .end = base + first * UNIT };
	struct pmk_value v;

	while (is_wide(g) && first < last && pmk_runs_piece(&mm->pte, base + last * UNIT, &p))
		if (p.run && PMK_PTE_KIND(p.v.tag) == PMK_PTE_FRAME &&
		    pmk_runs_get(&m->frame, p.v.base, &v) && v.tag & PMK_FRAME_LARGE)
			return true;
	return false;
}

/* Whether the huge page that holds the page of an object is cut there. */
static bool cut_at(const struct pmk_machine *m, int object, uint64_t off)
{
	struct pmk_value v;

	return off % UNIT && pmk_runs_get(&m->object[object].cache, off, &v) &&
	       PMK_PTE_KIND(v.tag) == PMK_PTE_FRAME && pmk_runs_get(&m->frame, v.base, &v) &&
	       v.tag & PMK_FRAME_LARGE;
}

/* Whether a hole would cut a huge page of an object.  It is split then, if nobody holds it, and into how many pieces
 * is the kernel's affair. */
static bool cuts_huge(const struct pmk_gen *g, const struct pmk_pair *pair, const struct pmk_op *op)
{
	const struct pmk_machine *m = pmk_pair_machine(pair);
	const struct pmk_mm *mm = pmk_pair_mm(pair, op->proc);
	uint64_t base = pmk_ops_arena(pair, g->pages) >> m->profile.arch->page_shift;
	struct pmk_piece p = { .end = base + op->page };

	while (pmk_runs_piece(&mm->vma, base + op->page + op->n, &p)) {
		int object = p.run ? m->vma[p.v.tag & ~PMK_RUN_LINEAR].object : -1;

		if (object >= 0 && (cut_at(m, object, p.v.base) ||
				    cut_at(m, object, p.v.base + (p.end - p.start))))
			return true;
	}
	return false;
}

/* A file's pages that have left the cache come back in company: what readahead chooses to bring depends on
 * its history, and writing dirty ones takes its time.  So they are never made to leave. */
static void make_reclaim(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	range(g, pair, op);
	if (meets(g, pair, op, is_file) || holds_huge(g, pair, op) ||
	    (op->id == PMK_OP_REMOVE && cuts_huge(g, pair, op)))
		op->id = PMK_OP_READ;
}

/* MADV_GUARD_INSTALL over a marker of userfaultfd in a mapping of an object never returns: it zaps, finds the
 * marker again, for only anonymous memory loses it, and restarts for ever (6.18.44). */
static void make_guard(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	range(g, pair, op);
	if (meets(g, pair, op, is_registered))
		op->id = PMK_OP_READ;
}

/* Whether an empty hugetlb entry gets a marker depends on what else is in its gigabyte (diverge_masks.def). */
static void make_scan(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	range(g, pair, op);
	if (meets(g, pair, op, is_hugetlb))
		op->id = PMK_OP_READ;
}

static void make_mmap(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	op->n = amount(g);
	op->page = target(g, pair, op->proc, &op->n);
	op->prot = one_in(g, 3) ? permissions(g) : PMK_PERM_R | PMK_PERM_W;
	op->object = -1;
	if (op->page + op->n > g->pages)
		op->n = g->pages - op->page;
	g->wanted = is_wide(g) && g->weight[PMK_OP_HUGEPAGE] && op->n >= UNIT && one_in(g, 2);
	if (!g->allowed[PMK_OP_OBJECT] || one_in(g, 2))
		return;
	op->shared = one_in(g, 2);
	if (!g->nobjects || one_in(g, 5))
		return;
	op->object = (int)below(g, (unsigned)g->nobjects);
	op->new_n = g->object[op->object].file;
	op->to = (int)below(g, g->object[op->object].pages + 1);
	if (one_in(g, 2)) /* the same pages at the same place, so that neighbours may merge */
		op->to = (int)(op->page % g->object[op->object].pages);
}

/* Units of hugetlb that a process maps, each of which may come to need a page of the pool. */
static unsigned hugetlb_units(const struct pmk_pair *pair, int proc)
{
	const struct pmk_machine *m = pmk_pair_machine(pair);
	struct pmk_cursor c;
	const struct pmk_run *run = pmk_runs_seek(&pmk_pair_mm(pair, proc)->vma, 0, &c);
	uint64_t n = 0;

	for (; run; run = pmk_runs_next(&c))
		if (m->vma[run->v.tag & ~PMK_RUN_LINEAR].flags & PMK_VMA_HUGETLB)
			n += (run->end - run->start) / UNIT;
	return (unsigned)n;
}

/* When the pool is empty is told by reservations, which the model does not count. */
static bool fits_pool(const struct pmk_gen *g, const struct pmk_pair *pair, unsigned more)
{
	for (int p = 0; p < g->nprocs; p++)
		if (pmk_pair_alive(pair, p))
			more += hugetlb_units(pair, p);
	return more <= PMK_POOL_PAGES;
}

/* Whole units, where no other mapping is. */
static void make_hugetlb(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	op->n = UNIT * (1 + below(g, 2));
	op->page = target(g, pair, op->proc, &op->n);
	op->page -= op->page % UNIT;
	op->n = op->n < UNIT ? UNIT : op->n - op->n % UNIT;
	if (op->page + op->n > g->pages)
		op->n = g->pages - op->page;
	op->prot = one_in(g, 4) ? permissions(g) : PMK_PERM_R | PMK_PERM_W;
	op->shared = one_in(g, 2);
	if (!fits_pool(g, pair, op->n / UNIT))
		op->id = PMK_OP_READ;
}

static void make_mprotect(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	range(g, pair, op);
	op->prot = permissions(g);
}

static void make_object(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	(void)pair;
	op->n = is_wide(g) && one_in(g, 2) ? UNIT * (1 + below(g, 2)) : 4 + below(g, 28);
	op->object = g->nobjects;
	op->shared = op->n < UNIT && one_in(g, 12) && g->files; /* a file: slow to make */
	g->object[g->nobjects].file = op->shared;
	g->object[g->nobjects++].pages = op->n;
}

static void move(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	unsigned kind = below(g, 8);

	range(g, pair, op);
	op->new_n = op->n;
	if (kind < 2)
		op->new_n = op->n + small(g);
	else if (kind == 2)
		op->new_n = 1 + below(g, op->n);
	if (op->new_n > g->pages)
		op->new_n = g->pages;
	op->to = -1;
	if (kind < 2 && one_in(g, 2)) {
		if (op->page + op->new_n > g->pages)
			op->new_n = g->pages - op->page;
		return;
	}
	op->to = (int)target(g, pair, op->proc, &op->new_n);
	op->dontunmap = op->new_n == op->n ? one_in(g, 3) : one_in(g, 30);
	if ((unsigned)op->to + op->new_n > g->pages)
		op->new_n = g->pages - (unsigned)op->to;
}

/* Each move of part of a private hugetlb mapping costs the pool a reservation until the machine boots again
 * (K-HTLB). */
static void make_mremap(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	move(g, pair, op);
	if (!g->danger && meets(g, pair, op, is_hugetlb))
		*op = (struct pmk_op){ .id = PMK_OP_READ,
				       .proc = op->proc,
				       .page = op->page,
				       .n = op->n,
				       .object = -1,
				       .to = -1 };
}

/* Whether the process has a huge page of which another has a part: the kernel keeps count of two who map one, and of
 * what a third had it says forever after that it may be shared (folio_maybe_mapped_shared()). */
static bool shares_huge(const struct pmk_gen *g, const struct pmk_pair *pair, int proc)
{
	const struct pmk_machine *m = pmk_pair_machine(pair);
	const struct pmk_mm *mm = pmk_pair_mm(pair, proc);
	struct pmk_piece p = { .end = 0 };
	struct pmk_value v;

	while (is_wide(g) && pmk_runs_piece(&mm->pte, UINT64_MAX, &p))
		if (p.run && PMK_PTE_KIND(p.v.tag) == PMK_PTE_FRAME && p.v.tag & PMK_PTE_ANON &&
		    !(p.v.tag & PMK_PTE_HUGETLB) && pmk_runs_get(&m->frame, p.v.base, &v) &&
		    v.tag & PMK_FRAME_LARGE && pmk_folio_shared(m, mm, p.start, p.v.base))
			return true;
	return false;
}

static void make_fork(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	if (is_wide(g) && (shares_huge(g, pair, op->proc) ||
			   !fits_pool(g, pair, hugetlb_units(pair, op->proc)))) {
		op->id = PMK_OP_READ;
		range(g, pair, op);
		return;
	}
	op->to = g->nprocs++;
}

/* What only a switch says more about. */
static void make_switch(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	(void)pair;
	g->rounds += op->id == PMK_OP_KSM;
	op->on = op->id == PMK_OP_THP ? !one_in(g, 4) : one_in(g, 2);
}

/* Mostly soft-dirty bits, where there are such; 0 and 6 it does not know. */
static void make_clear_refs(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	(void)pair;
	op->new_n = one_in(g, 2) ? 4 : below(g, 7);
}

static void make_fill(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	static const enum pmk_content some[] = { PMK_CONTENT_ZEROS, PMK_CONTENT_SAME,
						 PMK_CONTENT_DISTINCT };

	range(g, pair, op);
	op->new_n = g->patterns ? some[below(g, 3)] : PMK_CONTENT_ZEROS;
	op->to = g->content;
	g->content += (int)op->n;
}

/* Registered in the other way than UFFD_REGISTER does. */
static void make_uffd(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	range(g, pair, op);
	op->on = one_in(g, 2);
}

static void make_whole(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *op)
{
	(void)g;
	(void)pair;
	(void)op;
}

static void (*maker_of(enum pmk_op_id id))(struct pmk_gen *, const struct pmk_pair *,
					   struct pmk_op *)
{
	switch (id) {
	case PMK_OP_MMAP:
		return make_mmap;
	case PMK_OP_MPROTECT:
		return make_mprotect;
	case PMK_OP_OBJECT:
		return make_object;
	case PMK_OP_MREMAP:
		return make_mremap;
	case PMK_OP_FORK:
		return make_fork;
	case PMK_OP_PAGEOUT:
	case PMK_OP_REMOVE:
		return make_reclaim;
	case PMK_OP_GUARD_INSTALL:
		return make_guard;
	case PMK_OP_SCAN_PROTECT:
		return make_scan;
	case PMK_OP_HUGETLB:
		return make_hugetlb;
	case PMK_OP_UFFD_SYNC:
		return make_uffd;
	case PMK_OP_THP:
	case PMK_OP_KSM:
		return make_switch;
	case PMK_OP_EXIT:
	case PMK_OP_EXEC:
		return make_whole;
	case PMK_OP_CLEAR_REFS:
		return make_clear_refs;
	case PMK_OP_FILL:
		return make_fill;
	default:
		return range;
	}
}

/* ---- scripts ------------------------------------------------------------------------------------ */

static int allow(struct pmk_gen *g, const char *only, struct pmk_error *err)
{
	while (*only) {
		size_t len = strcspn(only, ",");
		bool known = false;

		for (int i = 0; i < PMK_OP_COUNT; i++)
			if (strlen(pmk_op_info[i].word) == len &&
			    !strncmp(pmk_op_info[i].word, only, len))
				known = g->allowed[i] = true;
		if (!known)
			return pmk_error_set(err, NULL, 0, 0, "unknown operation '%.*s'", (int)len,
					     only);
		only += len + (only[len] == ',');
	}
	return 0;
}

int pmk_gen_init(struct pmk_gen *g, uint64_t seed, const char *only, struct pmk_error *err)
{
	unsigned set = only && strlen(only) == 1 && *only >= '1' && *only <= '9'
			       ? (unsigned)(*only - '0')
			       : 9;

	*g = (struct pmk_gen){ .state = seed };
	if (only && set == 9)
		return allow(g, only, err);
	for (int i = 0; i < PMK_OP_COUNT; i++)
		g->allowed[i] = pmk_op_info[i].set <= set;
	return 0;
}

#define SET_DANGER 9

void pmk_gen_limit(struct pmk_gen *g, const struct pmk_pair *pair)
{
	g->files = pmk_pair_has(pair, PMK_F_FILES);
	g->danger = getenv("PMKIT_DANGER");
	for (int i = 0; i < PMK_OP_COUNT; i++)
		if (g->allowed[i] && ((pmk_op_info[i].set == SET_DANGER && !g->danger) ||
				      !pmk_pair_has(pair, pmk_op_info[i].needs)))
			g->allowed[i] = false;
}

/* Whether there is something huge to be made: only then it takes a wide arena. */
static bool has_huge(const struct pmk_gen *g)
{
	return g->allowed[PMK_OP_THP] || g->allowed[PMK_OP_HUGETLB];
}

static bool is_listed(const char *ops, const char *word)
{
	size_t len = strlen(word);

	for (; *ops; ops += strcspn(ops, ","), ops += *ops == ',')
		if (strcspn(ops, ",") == len && !strncmp(ops, word, len))
			return true;
	return false;
}

/* Whether the theme is about what can be done: its first operation is what it is about. */
static bool is_possible(const struct pmk_gen *g, const struct pmk_theme *theme)
{
	for (int i = 0; i < PMK_OP_COUNT; i++)
		if (is_listed(theme->ops, pmk_op_info[i].word) && !g->allowed[i] &&
		    !strncmp(theme->ops, pmk_op_info[i].word, strlen(pmk_op_info[i].word)))
			return false;
	return !theme->wide || has_huge(g);
}

/* NULL: none, now and then. */
static const struct pmk_theme *choose_theme(struct pmk_gen *g)
{
	const struct pmk_theme *theme;

	if (one_in(g, 4))
		return NULL;
	do
		theme = &pmk_theme[below(g, (unsigned)pmk_theme_count)];
	while (!is_possible(g, theme));
	return theme;
}

static bool wants_wide(enum pmk_op_id id)
{
	return id == PMK_OP_THP || id == PMK_OP_COLLAPSE || id == PMK_OP_HUGETLB;
}

static unsigned weigh(struct pmk_gen *g, const struct pmk_theme *theme, int id)
{
	static const unsigned factor[] = { 0, 1, 2, 2, 2, 4, 8 };
	unsigned f = factor[below(g, 7)];

	if (!g->allowed[id] || (wants_wide((enum pmk_op_id)id) && !is_wide(g)))
		return 0;
	if (theme)
		f = is_listed(theme->ops, pmk_op_info[id].word) ? 4 * (f ? f : 1) : (f + 2) / 4;
	if (!f && pmk_op_info[id].set == 1)
		f = 1;
	return pmk_op_info[id].weight * f;
}

unsigned pmk_gen_script(struct pmk_gen *g)
{
	const struct pmk_theme *theme = choose_theme(g);
	bool wide = theme ? theme->wide : has_huge(g) && one_in(g, 3);

	g->nprocs = 1;
	g->nobjects = 0;
	g->wanted = false;
	g->rounds = 0;
	g->content = 0;
	g->total = 0;
	g->pages = wide ? PMK_ARENA_WIDE : PMK_ARENA_NARROW;
	for (int i = 0; i < PMK_OP_COUNT; i++) {
		g->weight[i] = weigh(g, theme, i);
		g->total += g->weight[i];
	}
	g->patterns = g->weight[PMK_OP_FILL] && one_in(g, 2);
	if (g->patterns) { /* writing them to swap takes its time (WRITEBACK in diverge_masks.def) */
		g->total -= g->weight[PMK_OP_PAGEOUT];
		g->weight[PMK_OP_PAGEOUT] = 0;
	}
	return 100 + below(g, 201);
}

#define KSM_MAX 2 /* of a script: ksmd takes its time */

static bool possible(const struct pmk_gen *g, const struct pmk_pair *pair, enum pmk_op_id id)
{
	int living = 0;

	for (int p = 0; p < g->nprocs; p++)
		living += pmk_pair_alive(pair, p);
	if (id == PMK_OP_EXIT)
		return living > 1;
	if (id == PMK_OP_FORK)
		return living < 4 && g->nprocs < PMK_PAIR_PROCS;
	if (id == PMK_OP_KSM)
		return g->rounds < KSM_MAX;
	return id != PMK_OP_OBJECT || g->nobjects < 4;
}

void pmk_gen_next(struct pmk_gen *g, const struct pmk_pair *pair, struct pmk_op *ret)
{
	int id, proc;

	if (g->wanted && pmk_pair_alive(pair, g->last.proc)) { /* before there are small pages */
		*ret = g->last;
		ret->id = PMK_OP_HUGEPAGE;
		ret->object = ret->to = -1;
		ret->shared = g->wanted = false;
		ret->new_n = 0;
		return;
	}
	do {
		unsigned at = below(g, g->total);

		for (id = 0; at >= g->weight[id]; id++)
			at -= g->weight[id];
	} while (!possible(g, pair, (enum pmk_op_id)id));
	do
		proc = (int)below(g, (unsigned)g->nprocs);
	while (!pmk_pair_alive(pair, proc));
	*ret = (struct pmk_op){ .id = (enum pmk_op_id)id, .proc = proc, .object = -1, .to = -1 };
	if (id == PMK_OP_MMAP)
		ret->to = 0;
	maker_of(ret->id)(g, pair, ret);
	g->last = *ret;
}
