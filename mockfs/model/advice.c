/*
 * advice.c - madvise(2) and clear_refs: what advice does to entries, frames and swap.
 *
 * Follows mm/madvise.c.  Each advice is a row: what it does to one piece of one VMA.  Holes are passed
 * over and make ENOMEM at the end; an error of a VMA stops there (diverge.md, rule 9).
 */
#include "machine.h"

#include <errno.h>

#include "pagemapkit.h"

/* A piece [start, end) of one VMA. */
struct stretch {
	struct pmk_machine *m;
	struct pmk_mm *mm;
	struct pmk_vma vma;
	struct pmk_run run;
	uint64_t start, end;
};

/* ---- dropping ----------------------------------------------------------------------------------- */

static int64_t dontneed(struct stretch *s)
{
	if (s->vma.flags & (PMK_VMA_LOCKED | PMK_VMA_PFNMAP))
		return -EINVAL;
	if (s->vma.flags & PMK_VMA_HUGETLB) {
		if (!pmk_profile_has(&s->m->profile, PMK_Q_HUGETLB_DONTNEED) ||
		    pmk_hugetlb_cut(s->m, s->mm, s->start))
			return -EINVAL;
		s->end &= ~(pmk_pmd_pages(s->m) - 1);
		if (s->start >= s->end)
			return 0;
	}
	pmk_mm_zap_pages(s->m, s->mm, &s->vma, s->start, s->end, true);
	pmk_mm_table_reclaim(s->m, s->mm, s->start, s->end);
	return 0;
}

/* folio_free_swap() of one frame: false when entries still need the slot. */
static bool free_slot(struct pmk_machine *m, uint64_t pfn)
{
	struct pmk_value slot, count;

	if (!pmk_runs_get(&m->cached_by, pfn, &slot) || !pmk_runs_get(&m->slot, slot.base, &count))
		return true;
	if (count.base)
		return false;
	pmk_slot_uncache(m, pfn, 1);
	return true;
}

/* Of a huge page that others map, too?  f may become less: what belongs to one. */
static bool is_shared_folio(struct pmk_machine *m, struct pmk_piece *f)
{
	uint64_t next = (f->start | (pmk_pmd_pages(m) - 1)) + 1;
	bool shared;

	if (!(f->v.tag & PMK_FRAME_LARGE))
		return false;
	if (f->end > next)
		f->end = next;
	pmk_folio_mapped(m, f->start, &shared);
	return shared;
}

/* MADV_FREE of frames: shared ones only if they are clean and not in the swap cache (rule 24). */
static void free_frames(struct stretch *s, const struct pmk_piece *p)
{
	struct pmk_piece f = { .end = p->v.base };

	while (pmk_runs_piece(&s->m->frame, p->v.base + (p->end - p->start), &f)) {
		uint64_t at = p->start + (f.start - p->v.base);
		bool cached = f.v.tag & PMK_KPF_SWAPCACHE_MASK;

		if (!f.run)
			continue;
		if (cached)
			f.end = f.start + 1;
		if (is_shared_folio(s->m, &f))
			continue; /* madvise_free_huge_pmd() */
		if ((cached || f.v.tag & PMK_FRAME_DIRTY) && !pmk_mutant(s->m, FREE_SHARED)) {
			if (PMK_FRAME_MAPCOUNT(f.v) != 1 || (cached && !free_slot(s->m, f.start)))
				continue;
			pmk_frame_flags(s->m, f.start, f.end - f.start, PMK_FRAME_DIRTY, 0);
		}
		pmk_runs_set(&s->mm->pte, at, at + (f.end - f.start),
			     (struct pmk_value){ f.start, p->v.tag & ~PMK_PTE_DIRTY });
		if (f.v.tag & PMK_KPF_UNEVICTABLE_MASK)
			continue; /* folio_mark_lazyfree() */
		pmk_cover(s->m, LAZY_FREE);
		pmk_frame_flags(s->m, f.start, f.end - f.start, PMK_KPF_SWAPBACKED_MASK, 0);
	}
}

static int64_t lazy_free(struct stretch *s)
{
	struct pmk_piece p = { .end = s->start };

	if (s->vma.object >= 0 || s->vma.flags & (PMK_VMA_LOCKED | PMK_VMA_PFNMAP))
		return -EINVAL;
	pmk_folio_split_cut(s->m, s->mm, s->start, s->end);
	pmk_mm_age(s->m, s->mm, s->start, s->end);
	while (pmk_runs_piece(&s->mm->pte, s->end, &p)) {
		if (p.run &&
		    (PMK_PTE_KIND(p.v.tag) == PMK_PTE_SWAP ||
		     (PMK_PTE_KIND(p.v.tag) == PMK_PTE_MARKER && p.v.base & PMK_MARKER_POISON)))
			pmk_mm_zap(s->m, s->mm, p.start, p.end);
		else if (p.run && PMK_PTE_KIND(p.v.tag) == PMK_PTE_FRAME && p.v.tag & PMK_PTE_ANON)
			free_frames(s, &p);
	}
	return 0;
}

/* MADV_REMOVE: a hole in the file, gone from every mapping of it. */
static int64_t remove_pages(struct stretch *s)
{
	uint64_t off = s->run.v.base + (s->start - s->run.start), n = s->end - s->start;
	uint64_t huge = pmk_pmd_pages(s->m) - 1;
	struct pmk_object *o;

	if (s->vma.flags & PMK_VMA_LOCKED || s->vma.object < 0)
		return -EINVAL;
	if (!(s->vma.flags & PMK_VMA_SHARED) ||
	    (!(s->vma.prot & PMK_PERM_W) &&
	     !pmk_profile_has(&s->m->profile, PMK_Q_REMOVE_READONLY)))
		return -EACCES;
	if (s->vma.flags &
	    PMK_VMA_HUGETLB) { /* hugetlbfs_punch_hole(): whole pages go, parts become zeros */
		n = ((off + n) & ~huge) > ((off + huge) & ~huge)
			    ? ((off + n) & ~huge) - ((off + huge) & ~huge)
			    : 0;
		off = (off + huge) & ~huge;
	}
	pmk_object_unmap(s->m, s->vma.object, off, n, false);
	o = &s->m->object[s->vma.object];
	for (struct pmk_piece c = { .end = off }; pmk_runs_piece(&o->cache, off + n, &c);) {
		if (c.run && PMK_PTE_KIND(c.v.tag) == PMK_PTE_FRAME)
			pmk_frame_flags(s->m, c.v.base, c.end - c.start, PMK_FRAME_CACHED, 0);
		else if (c.run)
			pmk_slot_count(s->m, c.v.base, c.end - c.start, -1);
	}
	pmk_runs_clear(&o->cache, off, off + n);
	return 0;
}

/* ---- reclaim ------------------------------------------------------------------------------------ */

/* Anonymous frames f, mapped once, go to swap; without room they stay. */
static void swap_out(struct stretch *s, uint64_t at, struct pmk_piece f, uint64_t tag)
{
	uint64_t n = f.end - f.start, slot;
	uint64_t flags = PMK_PTE_SWAP | PMK_RUN_LINEAR |
			 (tag & (PMK_PTE_SOFT_DIRTY | PMK_PTE_UFFD_WP)) |
			 (f.v.tag & PMK_FRAME_ANONEXCL && !pmk_mutant(s->m, SWAP_FORGETS) &&
					  !pmk_profile_has(&s->m->profile, PMK_Q_SWAP_FORGETS)
				  ? PMK_PTE_EXCLUSIVE
				  : 0);
	struct pmk_value old;

	if (!(f.v.tag & PMK_KPF_SWAPBACKED_MASK)) {
		/* lazily freed: clean ones vanish, rewritten ones are swap-backed again (rule 25) */
		if ((tag & PMK_PTE_DIRTY || f.v.tag & PMK_FRAME_DIRTY) &&
		    !pmk_mutant(s->m, FREE_DROPS_WRITTEN))
			pmk_frame_flags(s->m, f.start, n, 0,
					PMK_KPF_SWAPBACKED_MASK | PMK_FRAME_DIRTY);
		else
			pmk_mm_zap(s->m, s->mm, at, at + n);
		pmk_cover(s->m, LAZY_RECLAIM);
		return;
	}
	while (n) {
		uint64_t got = 1;

		if (pmk_runs_get(&s->m->cached_by, f.start, &old) &&
		    !pmk_mutant(s->m, PAGEOUT_NEW_SLOT)) {
			pmk_cover(s->m, PAGEOUT_OLD_SLOT);
			slot = old.base; /* still has its slot (rule 20) */
			pmk_slot_count(s->m, slot, 1, 1);
		} else {
			got = pmk_slot_alloc(s->m, n, &slot);
			if (!got)
				return;
		}
		pmk_content_out(s->m, f.start, slot, got);
		pmk_runs_set(&s->mm->pte, at, at + got, (struct pmk_value){ slot, flags });
		pmk_frame_map(s->m, f.start, got, -1);
		pmk_slot_uncache(s->m, f.start, got);
		f.start += got;
		at += got;
		n -= got;
	}
}

/* Pages of a file or of shared memory that only this mapping maps leave the cache. */
static void drop_cached(struct stretch *s, uint64_t at, struct pmk_piece f)
{
	struct pmk_object *o = &s->m->object[s->vma.object];
	uint64_t off = s->run.v.base + (at - s->run.start), n = f.end - f.start, slot;

	pmk_mm_zap_pages(s->m, s->mm, &s->vma, at, at + n, true);
	while (n) {
		uint64_t got = n;

		if (o->kind == PMK_OBJECT_SHMEM) {
			got = pmk_slot_alloc(s->m, n, &slot);
			if (!got)
				return;
			pmk_content_out(s->m, f.start, slot, got);
			pmk_runs_set(&o->cache, off, off + got,
				     (struct pmk_value){ slot, PMK_PTE_SWAP | PMK_RUN_LINEAR });
		} else {
			pmk_runs_clear(&o->cache, off, off + n);
		}
		pmk_frame_flags(s->m, f.start, got, PMK_FRAME_CACHED, 0);
		f.start += got;
		off += got;
		n -= got;
	}
}

/* Part of a huge page cools apart from the rest. */
static int64_t cold(struct stretch *s)
{
	if (s->vma.flags & (PMK_VMA_LOCKED | PMK_VMA_PFNMAP | PMK_VMA_HUGETLB))
		return -EINVAL;
	pmk_folio_split_cut(s->m, s->mm, s->start, s->end);
	pmk_mm_age(s->m, s->mm, s->start, s->end);
	return 0;
}

/* A locked page was taken off its list, and comes back: how often it was locked is known no more (lru_add()). */
static void forget_locks(struct pmk_machine *m, const struct pmk_piece *f)
{
	uint64_t pfn = f->start, n = f->end - f->start;

	if (!(f->v.tag & PMK_KPF_MLOCKED_MASK) || pmk_mutant(m, LOCKS_REMEMBERED))
		return;
	pmk_cover(m, LOCKS_FORGOTTEN);
	if (f->v.tag & PMK_FRAME_LARGE)
		pmk_folio_widen(m, &pfn, &n);
	pmk_frame_flags(m, pfn, n, PMK_FRAME_LOCKS, 0);
}

static int64_t pageout(struct stretch *s)
{
	struct pmk_piece p = { .end = s->start };

	if (cold(s))
		return -EINVAL;
	while (pmk_runs_piece(&s->mm->pte, s->end, &p)) {
		struct pmk_piece f = { .end = p.v.base };

		if (!p.run || PMK_PTE_KIND(p.v.tag) != PMK_PTE_FRAME)
			continue;
		while (pmk_runs_piece(&s->m->frame, p.v.base + (p.end - p.start), &f)) {
			uint64_t at = p.start + (f.start - p.v.base);

			if (!f.run ||
			    (PMK_FRAME_MAPCOUNT(f.v) != 1 && !pmk_mutant(s->m, PAGEOUT_SHARED)) ||
			    (f.v.tag & PMK_FRAME_LARGE && !pmk_mutant(s->m, HUGE_SHARED) &&
			     pmk_folio_shared(s->m, s->mm, at, f.start)))
				continue; /* rule 17 */
			if (f.v.tag & (PMK_KPF_MLOCKED_MASK | PMK_KPF_RESERVED_MASK) &&
			    !pmk_mutant(s->m, PAGEOUT_LOCKED)) {
				forget_locks(s->m, &f);
				continue;
			}
			pmk_cover(s->m, PAGEOUT);
			if (p.v.tag & PMK_PTE_ANON)
				swap_out(s, at, f, p.v.tag);
			else if (s->vma.object >= 0 &&
				 s->m->object[s->vma.object].kind != PMK_OBJECT_SPECIAL)
				drop_cached(s, at, f);
		}
	}
	return 0;
}

/* Swapped anonymous pages are read into the swap cache, unmapped (rule 22). */
static int64_t willneed(struct stretch *s)
{
	struct pmk_piece p = { .end = s->start };

	if (s->vma.object >= 0 || pmk_mutant(s->m, WILLNEED_NOTHING))
		return 0;
	while (pmk_runs_piece(&s->mm->pte, s->end, &p)) {
		struct pmk_piece c = { .end = p.v.base };

		if (!p.run || PMK_PTE_KIND(p.v.tag) != PMK_PTE_SWAP)
			continue;
		while (pmk_runs_piece(&s->m->cached, p.v.base + (p.end - p.start), &c)) {
			uint64_t pfn, got;

			if (c.run)
				continue;
			got = pmk_frame_alloc(s->m, c.end - c.start,
					      PMK_FRAME_CACHED | PMK_KPF_UPTODATE_MASK |
						      PMK_KPF_LRU_MASK | PMK_KPF_SWAPBACKED_MASK,
					      &pfn);
			if (!got)
				return 0;
			c.end = c.start + got;
			pmk_cover(s->m, WILLNEED);
			pmk_content_in(s->m, c.start, pfn, got);
			pmk_slot_cache(s->m, c.start, pfn, got);
		}
	}
	return 0;
}

/* ---- guards and population ---------------------------------------------------------------------- */

/* is_valid_guard_vma() */
static bool guards_no_file(const struct stretch *s)
{
	return s->vma.object >= 0 && !pmk_profile_has(&s->m->profile, PMK_Q_GUARD_FILE);
}

static int64_t guard_install(struct stretch *s)
{
	struct pmk_piece p = { .end = s->start };
	bool flagged = pmk_profile_has(&s->m->profile, PMK_Q_SMAPS_GUARD); /* VM_MAYBE_GUARD */
	struct pmk_vma vma;

	if (guards_no_file(s) ||
	    s->vma.flags & (PMK_VMA_LOCKED | PMK_VMA_PFNMAP | PMK_VMA_SPECIAL | PMK_VMA_HUGETLB))
		return -EINVAL;
	pmk_cover(s->m, GUARD_INSTALL);
	if ((s->vma.object < 0 || !flagged) &&
	    !pmk_mutant(s->m, GUARD_NO_ANON)) /* so that fork copies the markers */
		pmk_vma_need_anon(s->m, s->mm, s->start);
	vma = *pmk_vma_at(s->m, s->mm, s->start, &s->run);
	vma.flags |= flagged ? PMK_VMA_MAYBE_GUARD : 0;
	s->run.v.tag = pmk_vma_intern(s->m, &vma) | PMK_RUN_LINEAR;
	pmk_runs_set(&s->mm->vma, s->run.start, s->run.end, s->run.v);
	while (pmk_runs_piece(&s->mm->pte, s->end, &p)) {
		if (p.run && PMK_PTE_KIND(p.v.tag) == PMK_PTE_MARKER && p.v.base & PMK_MARKER_GUARD)
			continue; /* stays as it is, its uffd bit too (rule 26) */
		pmk_mm_zap(s->m, s->mm, p.start, p.end);
		pmk_mm_set_entries(s->m, s->mm, p.start, p.end,
				   (struct pmk_value){ PMK_MARKER_GUARD, PMK_PTE_MARKER });
	}
	return 0;
}

static int64_t guard_remove(struct stretch *s)
{
	struct pmk_piece p = { .end = s->start };

	if (guards_no_file(s) ||
	    s->vma.flags & (PMK_VMA_PFNMAP | PMK_VMA_SPECIAL | PMK_VMA_HUGETLB))
		return -EINVAL;
	while (pmk_runs_piece(&s->mm->pte, s->end, &p))
		if (p.run && PMK_PTE_KIND(p.v.tag) == PMK_PTE_MARKER && p.v.base & PMK_MARKER_GUARD)
			pmk_runs_clear(&s->mm->pte, p.start, p.end);
	return 0;
}

static int64_t populate_read(struct stretch *s)
{
	return pmk_mm_populate(s->m, s->mm, s->start, s->end, PMK_POPULATE_READ);
}

static int64_t populate_write(struct stretch *s)
{
	return pmk_mm_populate(s->m, s->mm, s->start, s->end, PMK_POPULATE_WRITE);
}

static int64_t collapse(struct stretch *s)
{
	return pmk_huge_collapse(s->m, s->mm, s->start, s->end);
}

static int64_t unmerge(struct stretch *s)
{
	if (!(s->vma.flags & PMK_VMA_MERGEABLE))
		return 0;
	return pmk_mm_unmerge(s->m, s->mm, s->start, s->end);
}

static int64_t private_anon_only(struct stretch *s)
{
	return s->vma.object >= 0 || s->vma.flags & PMK_VMA_SHARED ? -EINVAL : 0;
}

/* soft_offline_page(): the contents move, and the frame is used no more (K-HWP-LIFE). */
static int64_t soft_offline(struct stretch *s)
{
	struct pmk_piece p = { .end = s->start };

	while (pmk_runs_piece(&s->mm->pte, s->end, &p)) {
		struct pmk_value f;
		uint64_t pfn;

		if (!p.run || PMK_PTE_KIND(p.v.tag) != PMK_PTE_FRAME || !(p.v.tag & PMK_PTE_ANON) ||
		    !pmk_runs_get(&s->m->frame, p.v.base, &f) || PMK_FRAME_MAPCOUNT(f) != 1 ||
		    f.tag & (PMK_FRAME_GIVEN | PMK_FRAME_LARGE))
			continue;
		if (!pmk_frame_alloc_mapped(s->m, 1, f.tag, &pfn))
			return -ENOMEM;
		pmk_content_copy(s->m, pfn, p.v.base, 1);
		pmk_runs_set(&s->mm->pte, p.start, p.start + 1, (struct pmk_value){ pfn, p.v.tag });
		pmk_runs_set(&s->m->frame, p.v.base, p.v.base + 1,
			     (struct pmk_value){ 0, PMK_KPF_HWPOISON_MASK | PMK_FRAME_GIVEN });
		p.end = p.start + 1;
	}
	return 0;
}

/* ---- the table ---------------------------------------------------------------------------------- */

static const struct advice {
	unsigned number;
	int feature; /* the quirk it needs, or -1 */
	int64_t (*act)(struct stretch *s);
	unsigned clear, set; /* flags of the VMA, after act() */
	bool stops_at_hole;
} advices[] = {
	{ 0, -1, NULL, PMK_VMA_RANDOM | PMK_VMA_SEQUENTIAL, 0, false },
	{ 1, -1, NULL, PMK_VMA_SEQUENTIAL, PMK_VMA_RANDOM, false },
	{ 2, -1, NULL, PMK_VMA_RANDOM, PMK_VMA_SEQUENTIAL, false },
	{ 3, -1, willneed, 0, 0, false },
	{ 4, -1, dontneed, 0, 0, false },
	{ 8, PMK_Q_MADV_FREE, lazy_free, 0, 0, false },
	{ 9, -1, remove_pages, 0, 0, false },
	{ 10, -1, NULL, 0, PMK_VMA_DONTFORK, false },
	{ 11, -1, NULL, PMK_VMA_DONTFORK, 0, false },
	{ 12, PMK_Q_MADV_MERGEABLE, NULL, 0, PMK_VMA_MERGEABLE, false },
	{ 13, PMK_Q_MADV_MERGEABLE, unmerge, PMK_VMA_MERGEABLE, 0, false },
	{ 14, PMK_Q_MADV_HUGEPAGE, NULL, PMK_VMA_NOHUGEPAGE, PMK_VMA_HUGEPAGE, false },
	{ 15, PMK_Q_MADV_HUGEPAGE, NULL, PMK_VMA_HUGEPAGE, PMK_VMA_NOHUGEPAGE, false },
	{ 18, -1, private_anon_only, 0, PMK_VMA_WIPEONFORK, false },
	{ 19, -1, NULL, PMK_VMA_WIPEONFORK, 0, false },
	{ 20, PMK_Q_MADV_PAGEOUT, cold, 0, 0, false },
	{ 21, PMK_Q_MADV_PAGEOUT, pageout, 0, 0, false },
	{ 22, PMK_Q_MADV_POPULATE, populate_read, 0, 0, true },
	{ 23, PMK_Q_MADV_POPULATE, populate_write, 0, 0, true },
	{ 25, PMK_Q_MADV_COLLAPSE, collapse, 0, 0, false },
	{ 101, -1, soft_offline, 0, 0, false },
	{ 102, PMK_Q_MADV_GUARD, guard_install, 0, 0, false },
	{ 103, PMK_Q_MADV_GUARD, guard_remove, 0, 0, false },
};

static const struct advice *find_advice(const struct pmk_machine *m, unsigned number)
{
	for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++)
		if (advices[i].number == number)
			return advices[i].feature < 0 ||
					       pmk_profile_has(&m->profile, advices[i].feature)
				       ? &advices[i]
				       : NULL;
	return NULL;
}

/* What the advice does to the VMA itself; a part of a huge page cannot be told apart (hugetlb_vm_op_split()). */
static int64_t change_flags(const struct stretch *s, const struct advice *advice)
{
	if (s->vma.flags == ((s->vma.flags & ~advice->clear) | advice->set) ||
	    (advice->set & PMK_VMA_MERGEABLE &&
	     s->vma.flags & (PMK_VMA_SHARED | PMK_VMA_HUGETLB))) /* rule 30 */
		return 0;
	if (pmk_vma_cannot_split(s->m, s->mm, s->start, s->end))
		return -EINVAL;
	if (advice->set & PMK_VMA_MERGEABLE)
		pmk_mm_ksm_enter(s->m, s->mm);
	pmk_mm_vma_change(s->m, s->mm, s->start, s->end, advice->clear, advice->set);
	return 0;
}

int64_t pmk_mm_advise(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		      unsigned number)
{
	const struct advice *advice = find_advice(m, number);
	struct pmk_piece p = { .end = start };
	int64_t err = 0, hole = 0;

	if (!advice)
		return -EINVAL;
	while (!err && pmk_runs_piece(&mm->vma, start + n, &p)) {
		struct stretch s = { m, mm, { 0 }, { 0 }, p.start, p.end };
		const struct pmk_vma *vma = pmk_vma_at(m, mm, p.start, &s.run);

		if (!vma) {
			hole = -ENOMEM;
			if (advice->stops_at_hole &&
			    pmk_profile_has(&m->profile, PMK_Q_POPULATE_STOPS))
				break;
			continue;
		}
		s.vma = *vma;
		if (advice->act)
			err = advice->act(&s);
		if (!err)
			err = change_flags(&s, advice);
	}
	return err ? err : hole;
}

int64_t pmk_mm_sync(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n)
{
	struct pmk_piece p = { .end = start };
	int64_t hole = 0;

	while (pmk_runs_piece(&mm->vma, start + n, &p)) {
		const struct pmk_vma *vma = p.run ? pmk_vma_at(m, mm, p.start, NULL) : NULL;
		struct pmk_piece e = { .end = p.start };

		if (!vma)
			hole = -ENOMEM;
		if (!vma || vma->object < 0 || m->object[vma->object].kind != PMK_OBJECT_FILE)
			continue; /* shared memory has no disk to be equal to */
		while (pmk_runs_piece(&mm->pte, p.end, &e))
			if (e.run && PMK_PTE_KIND(e.v.tag) == PMK_PTE_FRAME &&
			    !(e.v.tag & PMK_PTE_ANON))
				pmk_frame_flags(m, e.v.base, e.end - e.start, PMK_KPF_DIRTY_MASK,
						0);
	}
	return hole;
}

/* CR-1-2-3: of all memory, of what has no file, of what has one. */
static void clear_accessed(struct pmk_machine *m, struct pmk_mm *mm, unsigned what)
{
	struct pmk_piece p = { .end = 0 };

	while (m->idle_used && pmk_runs_piece(&mm->vma, UINT64_MAX, &p)) {
		const struct pmk_vma *vma = p.run ? pmk_vma_at(m, mm, p.start, NULL) : NULL;

		if (vma && (what == 1 || (what == 3) == (vma->object >= 0)))
			pmk_mm_age(m, mm, p.start, p.end);
	}
}

void pmk_mm_clear_refs(struct pmk_machine *m, struct pmk_mm *mm, unsigned what)
{
	struct pmk_piece p = { .end = 0 };

	if (what <= 3)
		clear_accessed(m, mm, what);
	if (what != 4) /* 5 is the peak: no file of ours shows it */
		return;
	m->soft_dirty_used = true;
	if (!pmk_profile_has(&m->profile, PMK_Q_SOFT_DIRTY))
		return;
	pmk_cover(m, CLEAR_REFS);
	pmk_mm_vma_soft_clean(m, mm);
	while (pmk_runs_piece(&mm->pte, UINT64_MAX, &p))
		if (p.run && p.v.tag & PMK_PTE_SOFT_DIRTY) {
			p.v.tag &= ~PMK_PTE_SOFT_DIRTY;
			pmk_runs_set(&mm->pte, p.start, p.end, p.v);
		}
}
