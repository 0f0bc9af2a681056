/*
 * uffd.c - userfaultfd's write-protect mode: registration of VMAs, and UFFDIO_WRITEPROTECT.
 *
 * Follows mm/userfaultfd.c and the uffd-wp cases of change_pte_range() in mm/mprotect.c.  A process has
 * one userfaultfd for each set of features, so neighbours with the same flags may merge (diverge.md,
 * rule 1).  None has the fork, remap or unmap events (E-B57-FORK, E-B57-MREMAP).
 */
#include "touch.h"

#include <errno.h>

#include "pagemapkit.h"

static bool file_backed(const struct pmk_machine *m, const struct pmk_vma *vma)
{
	return vma->object >= 0 && m->object[vma->object].kind != PMK_OBJECT_SHMEM &&
	       m->object[vma->object].kind != PMK_OBJECT_HUGETLB;
}

static bool range_ok(const struct pmk_machine *m, uint64_t start, uint64_t n)
{
	uint64_t top = m->profile.task_size >> m->profile.arch->page_shift;

	return n && start + n > start && start + n <= top; /* validate_range() */
}

/* vma_can_userfault(): asynchronous protection goes with any memory that can be written to. */
static int64_t can_register(const struct pmk_machine *m, const struct pmk_vma *vma, unsigned flags)
{
	const unsigned all = PMK_VMA_UFFD;

	if (!(flags & PMK_VMA_UFFD_ASYNC) && file_backed(m, vma))
		return -EINVAL;
	if (vma->object >= 0 && !pmk_profile_has(&m->profile, PMK_Q_UFFD_WP_FILE))
		return -EINVAL;
	if (vma->flags & PMK_VMA_SPECIAL && vma->flags & PMK_VMA_PFNMAP)
		return -EPERM; /* [vvar] has no VM_MAYWRITE */
	if (vma->flags & PMK_VMA_UFFD_WP && (vma->flags & all) != flags)
		return -EBUSY; /* another userfaultfd's */
	return 0;
}

/* The first VMA is made of huge pages, and the range does not begin with one, even if in the hole before. */
static bool first_is_cut(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t start)
{
	const struct pmk_run *run = pmk_runs_seek(&mm->vma, start, NULL);

	return run && m->vma[run->v.tag & ~PMK_RUN_LINEAR].flags & PMK_VMA_HUGETLB &&
	       start & (pmk_pmd_pages(m) - 1);
}

bool pmk_vma_wp_markers(const struct pmk_vma *vma)
{
	if (!(vma->flags & PMK_VMA_UFFD_WP))
		return false;
	return vma->object >= 0 || vma->flags & PMK_VMA_UFFD_NONE;
}

bool pmk_vma_wp_allowed(const struct pmk_vma *vma)
{
	return vma->flags & PMK_VMA_UFFD_ASYNC && pmk_vma_wp_markers(vma);
}

int64_t pmk_mm_uffd_register(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
			     unsigned flags)
{
	struct pmk_piece p = { .end = start };
	bool found = false;

	flags |= PMK_VMA_UFFD_WP;
	if (!pmk_profile_has(&m->profile,
			     flags & PMK_VMA_UFFD_ASYNC ? PMK_Q_UFFD_WP_ASYNC : PMK_Q_UFFD_WP))
		return -EINVAL; /* UFFDIO_API knows no such feature */
	if (flags & PMK_VMA_UFFD_NONE && !pmk_profile_has(&m->profile, PMK_Q_UFFD_WP_UNPOPULATED))
		return -EINVAL;
	if (flags & PMK_VMA_UFFD_ASYNC)
		flags |= PMK_VMA_UFFD_NONE; /* userfaultfd_api() */
	mm->uffd = true;
	if (!range_ok(m, start, n) || first_is_cut(m, mm, start))
		return -EINVAL;
	while (pmk_runs_piece(&mm->vma, start + n, &p)) {
		int64_t err =
			p.run ? can_register(m, &m->vma[p.v.tag & ~PMK_RUN_LINEAR], flags) : 0;

		if (p.end == start + n && pmk_hugetlb_cut(m, mm, start + n))
			return -EINVAL;
		if (err)
			return err;
		found |= p.run;
	}
	if (!found)
		return -EINVAL;
	pmk_cover(m, UFFD_REGISTER);
	pmk_mm_vma_change(m, mm, start, start + n, 0, flags);
	return 0;
}

/* ---- the bits ----------------------------------------------------------------------------------- */

#define NOT_NONE (PMK_PAGEMAP_PRESENT_MASK | PMK_PAGEMAP_SWAP_MASK)

bool pmk_pte_set_uffd_wp(struct pmk_value *v, bool on)
{
	unsigned down =
		PMK_PAGEMAP_FRAME_BITS - PMK_PTE_FLAGS_SHIFT; /* flags of GIVEN: bit 55 is 32 */
	uint64_t *where = &v->tag, bit = PMK_PTE_UFFD_WP, not_none = UINT64_MAX;

	switch (PMK_PTE_KIND(v->tag)) {
	case PMK_PTE_GIVEN:
	case PMK_PTE_GIVEN_SWAP:
		bit = PMK_PAGEMAP_UFFD_WP_MASK >> down;
		not_none = NOT_NONE >> down;
		break;
	case PMK_PTE_RAW:
		where = &v->base;
		bit = PMK_PAGEMAP_UFFD_WP_MASK;
		not_none = NOT_NONE;
		break;
	default:
		break;
	}
	if (!(*where & not_none))
		return false;
	*where = on ? *where | bit : *where & ~bit;
	return true;
}

/* Empty entries get markers; one of hugetlb is as large as its page. */
static void put_markers(struct pmk_machine *m, struct pmk_mm *mm, const struct pmk_vma *vma,
			uint64_t start, uint64_t end)
{
	struct pmk_value v = { PMK_MARKER_UFFD_WP, PMK_PTE_MARKER };
	uint64_t size = pmk_pmd_pages(m);

	if (vma->flags & PMK_VMA_HUGETLB) {
		v.tag |= PMK_PTE_HUGE | PMK_PTE_HUGETLB;
		start &= ~(size - 1);
		end = (end + size - 1) & ~(size - 1);
	}
	pmk_mm_set_entries(m, mm, start, end, v);
}

/* uffd_wp_range(): change_protection() with MM_CP_UFFD_WP or MM_CP_UFFD_WP_RESOLVE, in one VMA. */
void pmk_mm_uffd_wp_range(struct pmk_machine *m, struct pmk_mm *mm, const struct pmk_vma *vma,
			  uint64_t start, uint64_t end, bool on)
{
	uint64_t mask = pmk_pmd_pages(m) - 1;
	struct pmk_piece p;

	if (vma->flags & PMK_VMA_HUGETLB) { /* entry by entry, and these are large */
		start &= ~mask;
		end = (end + mask) & ~mask;
	}
	p.end = start;
	if (on && vma->object >= 0 &&
	    !pmk_mutant(m, UFFD_KEEPS_HUGE)) /* pgtable_split_needed(): markers take a table */
		pmk_huge_split(m, mm, start, end);
	pmk_huge_split_at(m, mm, start);
	pmk_huge_split_at(m, mm, end);
	if (on && pmk_vma_wp_markers(vma) && !(vma->flags & PMK_VMA_HUGETLB))
		pmk_mm_table_make(m, mm, start, end);
	while (pmk_runs_piece(&mm->pte, end, &p)) {
		struct pmk_value v = p.v;
		bool marker = p.run && PMK_PTE_KIND(v.tag) == PMK_PTE_MARKER;

		if (!p.run && on && pmk_vma_wp_markers(vma))
			put_markers(m, mm, vma, p.start, p.end);
		else if (marker && !on && v.base == PMK_MARKER_UFFD_WP)
			pmk_runs_clear(&mm->pte, p.start, p.end);
		else if (p.run && !marker && pmk_pte_set_uffd_wp(&v, on)) /* guards stay */
			pmk_runs_set(&mm->pte, p.start, p.end, v);
	}
}

int64_t pmk_mm_uffd_unregister(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n)
{
	struct pmk_piece p = { .end = start };
	bool found = false;
	unsigned kind = 0;

	if (!mm->uffd || !range_ok(m, start, n) || first_is_cut(m, mm, start))
		return -EINVAL;
	while (pmk_runs_piece(&mm->vma, start + n, &p)) {
		const struct pmk_vma *vma = p.run ? &m->vma[p.v.tag & ~PMK_RUN_LINEAR] : NULL;

		found |= p.run;
		if (vma && file_backed(m, vma) && !(vma->flags & PMK_VMA_UFFD_WP))
			return -EINVAL; /* vma_can_userfault() asks for a mode: there is none */
		if (!vma || !(vma->flags & PMK_VMA_UFFD_WP))
			continue;
		if (kind && kind != (vma->flags & PMK_VMA_UFFD) &&
		    pmk_profile_has(&m->profile, PMK_Q_UFFD_OWN))
			return -EINVAL; /* one is another's, whichever tries */
		kind = vma->flags & PMK_VMA_UFFD;
	}
	p.end = start;
	while (pmk_runs_piece(&mm->vma, start + n, &p)) {
		const struct pmk_vma *vma = p.run ? &m->vma[p.v.tag & ~PMK_RUN_LINEAR] : NULL;

		if (!vma || !(vma->flags & PMK_VMA_UFFD_WP))
			continue;
		pmk_mm_uffd_wp_range(m, mm, vma, p.start, p.end, false); /* E-B57-END */
		if (pmk_vma_cannot_split(m, mm, p.start, p.end))
			return -EINVAL; /* comes too late for the bits */
		pmk_mm_vma_change(m, mm, p.start, p.end, PMK_VMA_UFFD, 0);
	}
	return found ? 0 : -EINVAL;
}

int64_t pmk_mm_uffd_protect(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
			    bool on)
{
	struct pmk_piece p = { .end = start };
	int64_t err = -ENOENT;

	mm->uffd = true; /* one is made when there is none (world.h) */
	if (!range_ok(m, start, n))
		return -EINVAL;
	while (pmk_runs_piece(&mm->vma, start + n, &p)) {
		const struct pmk_vma *vma = p.run ? &m->vma[p.v.tag & ~PMK_RUN_LINEAR] : NULL;

		if (!vma)
			continue;
		if (!(vma->flags & PMK_VMA_UFFD_WP))
			return -ENOENT; /* what came before stays protected */
		if (vma->flags & PMK_VMA_HUGETLB && (start | n) & (pmk_pmd_pages(m) - 1))
			return -EINVAL;
		pmk_mm_uffd_wp_range(m, mm, vma, p.start, p.end, on);
		err = 0;
	}
	return err;
}

/* mfill_file_over_size(): how much of [start, end) the object has. */
static uint64_t end_of_object(const struct pmk_machine *m, const struct pmk_vma *vma,
			      const struct pmk_run *run, uint64_t start, uint64_t end)
{
	if (vma->object < 0 || vma->flags & PMK_VMA_HUGETLB)
		return end;
	return pmk_object_reach(&m->object[vma->object], run->v.base + (start - run->start), start,
				end);
}

/* mfill_atomic(): one VMA, and no entry is overwritten, not even a marker. */
int64_t pmk_mm_uffd_poison(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n)
{
	struct pmk_value v = { PMK_MARKER_POISON, PMK_PTE_MARKER };
	uint64_t mask = pmk_pmd_pages(m) - 1, end = start + n;
	struct pmk_piece p = { .end = start };
	struct pmk_run run;
	const struct pmk_vma *vma;
	bool early = pmk_profile_has(&m->profile, PMK_Q_UFFD_PREPARES), is_private;

	mm->uffd = true;
	if (!pmk_profile_has(&m->profile, PMK_Q_UFFD_POISON) || !range_ok(m, start, n))
		return -EINVAL;
	vma = pmk_vma_at(m, mm, start, NULL);
	is_private = vma && !(vma->flags & PMK_VMA_SHARED);
	if (early && is_private) /* before it is known whose mapping that is (uffd_lock_vma()) */
		pmk_vma_need_anon(m, mm, start);
	vma = pmk_vma_at(m, mm, start, &run);
	if (!vma || run.end < end || !(vma->flags & PMK_VMA_UFFD_WP))
		return -ENOENT;
	if (file_backed(m, vma))
		return -EINVAL;
	if (vma->flags & PMK_VMA_HUGETLB) {
		if ((start | n) & mask)
			return -EINVAL;
		v.tag |= PMK_PTE_HUGE | PMK_PTE_HUGETLB;
	}
	if (!early && is_private)
		pmk_vma_need_anon(m, mm, start);
	end = end_of_object(m, vma, &run, start, end);
	if (end == start) {
		if (pmk_huge_is_mapped(mm, start))
			return -EEXIST;
		pmk_mm_table_make(m, mm, start, start + 1);
		return -EFAULT;
	}
	pmk_runs_piece(&mm->pte, end, &p);
	if (p.run && !pmk_mutant(m, POISON_OVER))
		return -EEXIST;
	pmk_cover(m, UFFD_POISONED);
	pmk_mm_set_entries(m, mm, p.start, p.end, v);
	if (p.end == end && end < start + n && !pmk_huge_is_mapped(mm, end))
		pmk_mm_table_make(m, mm, end, end + 1);
	return p.end < start + n ? -EAGAIN : 0;
}
