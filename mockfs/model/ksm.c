/*
 * ksm.c - same-page merging, as far as ksmd has got once it has been round often enough.
 *
 * Follows mm/ksm.c.  Pages of a script hold nothing but zeros, so all pages of mergeable mappings are equal
 * and become one page, or with use_zero_pages the shared zero page (K-KSM, K-KSM-ZERO).
 */
#include "machine.h"

#include <errno.h>

#include "pagemapkit.h"

/* What is done to each stretch of entries that ksmd can merge. */
struct merge {
	struct pmk_machine *m;
	bool zero_pages; /* they become the zero page */
	uint64_t first; /* the first page that ksmd comes to */
	uint64_t pfn; /* the page that all become; 0: none yet */
	bool merged; /* it is one already */
	bool act; /* else look only */
};

void pmk_mm_ksm_enter(struct pmk_machine *m, struct pmk_mm *mm)
{
	if (!mm->ksm)
		mm->ksm = ++m->ksm_next;
}

/* An entry at a time: merged pages have one PFN, so they make no run. */
static void merge_page(struct merge *g, struct pmk_mm *mm, uint64_t at, const struct pmk_value *v)
{
	const uint64_t lost = PMK_PTE_DIRTY | PMK_PTE_EXCLUSIVE | PMK_PTE_SOFT_DIRTY;
	struct pmk_value new = { g->pfn, v->tag & ~lost };

	if (v->base == g->pfn)
		return;
	if (g->zero_pages)
		new = (struct pmk_value){ pmk_frame_zero(g->m), PMK_PTE_ZERO | PMK_PTE_DIRTY };
	else
		pmk_frame_map(g->m, g->pfn, 1, 1);
	pmk_runs_set(&mm->pte, at, at + 1, new);
	pmk_frame_map(g->m, v->base, 1, -1);
}

/* try_to_merge_two_pages(): of the first two that are equal the second stays, as it is the one at hand, unless
 * there is a merged page already. */
static void look(struct merge *g, const struct pmk_piece *p, bool merged)
{
	uint64_t second = p->v.base;

	if (!g->first)
		g->first = second++;
	if (merged && !g->merged) {
		g->pfn = p->v.base;
		g->merged = true;
	} else if (!g->pfn && pmk_mutant(g->m, KSM_FIRST)) {
		g->pfn = g->first;
	} else if (!g->pfn && second != g->first && second < p->v.base + (p->end - p->start)) {
		g->pfn = second; /* the same frame again, by fork, does not count */
	}
}

/* Entries [p->start, p->end), whose frames are in one state. */
static void visit_frames(struct merge *g, struct pmk_mm *mm, const struct pmk_piece *p,
			 const struct pmk_piece *f)
{
	bool merged = f->v.tag & PMK_KPF_KSM_MASK;

	if (!f->run || f->v.tag & (PMK_FRAME_GIVEN | PMK_FRAME_LARGE))
		return;
	if (!g->act)
		look(g, p, merged);
	for (uint64_t at = p->start; g->act && !merged && at < p->end; at++) {
		struct pmk_value v = pmk_value_at(p->v, at - p->start);

		merge_page(g, mm, at, &v);
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
			uint64_t at = p.start + (f.start - p.v.base);
			struct pmk_piece part = { .start = at,
						  .end = at + (f.end - f.start),
						  .v = pmk_value_at(p.v, f.start - p.v.base),
						  .run = true };

			visit_frames(g, mm, &part, &f);
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

	visit_machine(&g);
	if (g.merged && !pmk_profile_has(&m->profile, PMK_Q_KSM_ZERO_FIRST))
		g.zero_pages = false; /* it finds what is merged first */
	if (!g.first || (!g.zero_pages && !g.pfn))
		return; /* a page alone stays what it is */
	pmk_cover(m, KSM_MERGE);
	g.act = true;
	if (g.zero_pages)
		g.pfn = 0;
	visit_machine(&g);
	if (!g.zero_pages)
		pmk_frame_flags(m, g.pfn, 1, PMK_FRAME_ANONEXCL,
				PMK_KPF_KSM_MASK | PMK_FRAME_DIRTY); /* lest reclaim drop it */
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
