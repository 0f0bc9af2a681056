/*
 * ksm.c - same-page merging, as far as ksmd has got once it has been round often enough.
 *
 * Follows mm/ksm.c.  Of the pages of mergeable mappings those that are equal become one page, or those of zeros, with
 * use_zero_pages, the shared zero page (K-KSM, K-KSM-ZERO).
 */
#include "machine.h"

#include <errno.h>

#include "alloc.h"
#include "pagemapkit.h"

/* The pages with one content. */
struct group {
	uint64_t first; /* the first page that ksmd comes to */
	uint64_t pfn; /* the page that all become; 0: none yet */
	bool merged; /* it is one already */
};

/* What is done to each stretch of entries that ksmd can merge. */
struct merge {
	struct pmk_machine *m;
	bool zero_pages;
	struct pmk_runs index; /* content -> group */
	struct group *group;
	size_t ngroups;
	bool act; /* else look only */
};

void pmk_mm_ksm_enter(struct pmk_machine *m, struct pmk_mm *mm)
{
	if (!mm->ksm)
		mm->ksm = ++m->ksm_next;
}

static struct group *group_of(struct merge *g, uint64_t content)
{
	struct pmk_value v;

	if (pmk_runs_get(&g->index, content, &v))
		return &g->group[v.base];
	if (!(g->ngroups & (g->ngroups + 1))) /* grows by doubling */
		g->group = pmk_realloc(g->group, g->ngroups ? (g->ngroups + 1) * 2 : 2,
				       sizeof(*g->group));
	g->group[g->ngroups] = (struct group){ 0, 0, false };
	pmk_runs_set(&g->index, content, content + 1, (struct pmk_value){ g->ngroups, 0 });
	return &g->group[g->ngroups++];
}

/* An entry at a time: merged pages have one PFN, so they make no run. */
static void merge_page(struct merge *g, struct pmk_mm *mm, uint64_t at, const struct pmk_value *v,
		       uint64_t content)
{
	const uint64_t lost = PMK_PTE_DIRTY | PMK_PTE_EXCLUSIVE | PMK_PTE_SOFT_DIRTY;
	bool zero = !content && g->zero_pages && !group_of(g, content)->merged;
	uint64_t pfn = zero ? 0 : group_of(g, content)->pfn;
	struct pmk_value new = { pfn, v->tag & ~lost };

	if (v->base == pfn || (!zero && !pfn)) /* a page alone stays what it is */
		return;
	if (zero)
		new = (struct pmk_value){ pmk_frame_zero(g->m), PMK_PTE_ZERO | PMK_PTE_DIRTY };
	else
		pmk_frame_map(g->m, pfn, 1, 1);
	pmk_runs_set(&mm->pte, at, at + 1, new);
	pmk_frame_map(g->m, v->base, 1, -1);
}

/* try_to_merge_two_pages(): of the first two that are equal the second stays, as it is the one at hand, unless
 * there is a merged page already. */
static void look(struct merge *g, uint64_t content, uint64_t base, uint64_t n, bool merged)
{
	struct group *group = group_of(g, content);
	uint64_t second = base;

	if (!content && g->zero_pages &&
	    (!merged || pmk_profile_has(&g->m->profile, PMK_Q_KSM_ZERO_FIRST)))
		return; /* else what is merged already is found first */

	if (!group->first)
		group->first = second++;
	if (merged && !group->merged) {
		group->pfn = base;
		group->merged = true;
	} else if (!group->pfn && pmk_mutant(g->m, KSM_FIRST)) {
		group->pfn = group->first;
	} else if (!group->pfn && second != group->first && second < base + n) {
		group->pfn = second; /* the same frame again, by fork, does not count */
	}
}

/* Entries of frames with contents that continue each other; v is the first. */
static void visit_pages(struct merge *g, struct pmk_mm *mm, uint64_t start, uint64_t n,
			struct pmk_value v, const struct pmk_piece *c, bool merged)
{
	if (!g->act && !c->run) {
		look(g, 0, v.base, n, merged);
		return;
	}
	for (uint64_t i = 0; i < n; i++) {
		struct pmk_value one = pmk_value_at(v, i);
		uint64_t content =
			c->run && !pmk_mutant(g->m, KSM_UNEQUAL) ? pmk_value_at(c->v, i).base : 0;

		if (g->act)
			merge_page(g, mm, start + i, &one, content);
		else
			look(g, content, one.base, 1, merged);
	}
}

/* Entries p, whose frames are in one state. */
static void visit_frames(struct merge *g, struct pmk_mm *mm, const struct pmk_piece *p,
			 const struct pmk_value *frame)
{
	struct pmk_piece c = { .end = p->v.base };
	bool merged = frame->tag & PMK_KPF_KSM_MASK;

	if (frame->tag & (PMK_FRAME_GIVEN | PMK_FRAME_LARGE) || (g->act && merged))
		return;
	while (pmk_runs_piece(&g->m->content, p->v.base + (p->end - p->start), &c)) {
		uint64_t by = c.start - p->v.base;

		visit_pages(g, mm, p->start + by, c.end - c.start, pmk_value_at(p->v, by), &c,
			    merged);
	}
}

static void visit_entries(struct merge *g, struct pmk_mm *mm, const struct pmk_run *vma)
{
	struct pmk_piece p = { .end = vma->start };

	while (pmk_runs_piece(&mm->pte, vma->end, &p)) {
		struct pmk_piece f = { .end = p.v.base };

		if (!p.run || PMK_PTE_KIND(p.v.tag) != PMK_PTE_FRAME || !(p.v.tag & PMK_PTE_ANON))
			continue;
		while (pmk_runs_piece(&g->m->frame, p.v.base + (p.end - p.start), &f)) {
			uint64_t by = f.start - p.v.base;
			struct pmk_piece part = { p.start + by, p.start + by + (f.end - f.start),
						  pmk_value_at(p.v, by), true };

			if (f.run)
				visit_frames(g, mm, &part, &f.v);
		}
	}
}

/* False: nothing of it is mergeable any more. */
static bool visit_mm(struct merge *g, struct pmk_mm *mm)
{
	struct pmk_cursor c;
	bool any = false;

	for (const struct pmk_run *run = pmk_runs_seek(&mm->vma, 0, &c); run;
	     run = pmk_runs_next(&c)) {
		unsigned flags = g->m->vma[run->v.tag & ~PMK_RUN_LINEAR].flags;

		if (!(flags & PMK_VMA_MERGEABLE) || flags & PMK_VMA_SHARED)
			continue;
		any = true;
		visit_entries(g, mm, run);
	}
	return any;
}

/* Address spaces in the order in which they came to the list. */
static void visit_machine(struct merge *g)
{
	for (unsigned last = 0, next; last != UINT32_MAX; last = next) {
		struct pmk_mm *mm = NULL;

		next = UINT32_MAX;
		for (size_t i = 0; i < g->m->ntasks; i++) {
			struct pmk_mm *other = g->m->task[i]->mm;

			if (other && other->ksm > last && other->ksm < next) {
				mm = other;
				next = other->ksm;
			}
		}
		if (mm && !visit_mm(g, mm))
			mm->ksm = 0;
	}
}

void pmk_machine_ksm(struct pmk_machine *m, bool zero_pages)
{
	struct merge g = { .m = m, .zero_pages = zero_pages };

	pmk_runs_init(&g.index, true);
	visit_machine(&g);
	if (g.ngroups)
		pmk_cover(m, KSM_MERGE);
	g.act = true;
	visit_machine(&g);
	for (size_t i = 0; i < g.ngroups; i++)
		if (g.group[i].pfn)
			pmk_frame_flags(m, g.group[i].pfn, 1, PMK_FRAME_ANONEXCL,
					/* dirty lest reclaim drop it */
					PMK_KPF_KSM_MASK | PMK_FRAME_DIRTY);
	free(g.group);
	pmk_runs_deinit(&g.index);
}

/* break_ksm(): a new frame for one page. */
static int64_t unmerge_page(struct pmk_machine *m, struct pmk_mm *mm, uint64_t at,
			    const struct pmk_value *v)
{
	const uint64_t flags = PMK_KPF_UPTODATE_MASK | PMK_KPF_LRU_MASK | PMK_KPF_ANON_MASK |
			       PMK_KPF_SWAPBACKED_MASK | PMK_FRAME_ANONEXCL;
	uint64_t pfn;

	pmk_cover(m, KSM_UNMERGE);
	if (!pmk_frame_alloc(m, 1, flags, &pfn))
		return -ENOMEM;
	pmk_frame_map(m, pfn, 1, 1);
	if (PMK_PTE_KIND(v->tag) == PMK_PTE_FRAME)
		pmk_content_copy(m, pfn, v->base, 1);
	pmk_runs_set(&mm->pte, at, at + 1,
		     (struct pmk_value){ pfn, PMK_PTE_FRAME | PMK_PTE_ANON | PMK_PTE_DIRTY |
						      PMK_RUN_LINEAR });
	if (PMK_PTE_KIND(v->tag) == PMK_PTE_FRAME)
		pmk_frame_map(m, v->base, 1, -1);
	return 0;
}

static bool is_merged(const struct pmk_machine *m, const struct pmk_value *v)
{
	struct pmk_value f;

	if (PMK_PTE_KIND(v->tag) == PMK_PTE_ZERO)
		return v->tag & PMK_PTE_DIRTY &&
		       pmk_profile_has(&m->profile, PMK_Q_KSM_UNMERGE_ZERO);
	return PMK_PTE_KIND(v->tag) == PMK_PTE_FRAME && v->tag & PMK_PTE_ANON &&
	       pmk_runs_get(&m->frame, v->base, &f) && f.tag & PMK_KPF_KSM_MASK &&
	       !(f.tag & PMK_FRAME_GIVEN);
}

int64_t pmk_mm_unmerge(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = start };
	int64_t err = 0;

	while (!err && pmk_runs_piece(&mm->pte, end, &p))
		for (uint64_t at = p.start; !err && at < p.end && p.run && is_merged(m, &p.v); at++)
			err = unmerge_page(m, mm, at, &p.v);
	return err;
}
