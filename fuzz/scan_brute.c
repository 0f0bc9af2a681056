/* scan_brute.c - the rules of section 5 of the ledger, a page at a time. */
#include "scan_brute.h"

#include <errno.h>

#include "pagemapkit.h"

#define BATCH  512
#define MARKER UINT64_C(0x420000000000003f)

struct brute {
	const struct pmk_machine *m;
	const struct pmk_mm *mm;
	const struct pmk_scan_arg *arg;
	struct scan_brute *ret;
	size_t room_for;
	uint64_t page_size, pages, stale; /* pages reported; where the last full batch ended */
	size_t seen; /* regions that have left the kernel */
	/* A hole is one step of a walk: what it is was settled at its first page, in this mapping and PMD,
	 * and protecting it makes a table that later mappings meet. */
	uint64_t mapping, pmd, made; /* its first page */
	bool table;
};

static bool has(const struct brute *b, enum pmk_feature quirk)
{
	return pmk_profile_has(&b->m->profile, quirk);
}

static bool wp_allowed(const struct pmk_vma *vma)
{
	unsigned need = PMK_VMA_UFFD_WP | PMK_VMA_UFFD_ASYNC;

	if (vma->object < 0)
		need |= PMK_VMA_UFFD_NONE;
	return (vma->flags & need) == need;
}

/* SCAN-CAT, by the word that pagemap shows; table: there is a page table. */
static uint64_t categories(const struct brute *b, const struct pmk_vma *vma, uint64_t word,
			   bool table)
{
	bool uffd = vma->flags & PMK_VMA_UFFD_WP, novec = !b->arg->vec_len;
	bool only_written = b->arg->category_mask == PMK_SCAN_WRITTEN_MASK &&
			    b->arg->return_mask == PMK_SCAN_WRITTEN_MASK &&
			    !b->arg->category_anyof_mask && !b->arg->category_inverted;
	bool fast = only_written || (novec && b->arg->flags & PMK_SCAN_WP_MATCHING);
	bool present = word & PMK_PAGEMAP_PRESENT_MASK, swap = word & PMK_PAGEMAP_SWAP_MASK;
	uint64_t c = wp_allowed(vma) ? PMK_SCAN_WPALLOWED_MASK : 0;
	bool written = !(word & PMK_PAGEMAP_UFFD_WP_MASK);

	if (!present && !swap)
		written = table ? has(b, PMK_Q_SCAN_NONE_WRITTEN) || fast
				: has(b, PMK_Q_SCAN_NONE_WRITTEN) && uffd;
	if (has(b, PMK_Q_SCAN_WRITTEN_UFFD) && !uffd)
		written = false;
	if (written)
		c |= PMK_SCAN_WRITTEN_MASK;
	if (present)
		c |= PMK_SCAN_PRESENT_MASK;
	if (swap)
		c |= PMK_SCAN_SWAPPED_MASK;
	if (word & PMK_PAGEMAP_FILE_MASK)
		c |= PMK_SCAN_FILE_MASK;
	if (swap && (word & 31) == 31 && word >> 5 & PMK_MARKER_GUARD)
		c |= PMK_SCAN_GUARD_MASK;
	if (word & PMK_PAGEMAP_SOFT_DIRTY_MASK || vma->flags & PMK_VMA_SOFT_DIRTY)
		c |= PMK_SCAN_SOFT_DIRTY_MASK;
	if (present && b->m->zero_pfn && (word & PMK_PAGEMAP_FRAME_MASK) == b->m->zero_pfn)
		c |= PMK_SCAN_PFNZERO_MASK;
	return c;
}

/* SCAN-MATCH, in the words of its table. */
static bool matches(const struct pmk_scan_arg *arg, uint64_t c)
{
	bool any = !arg->category_anyof_mask;

	for (uint64_t bit = 1; bit <= PMK_SCAN_ACCESSED_MASK; bit <<= 1) {
		bool is = !(c & bit) != !(arg->category_inverted & bit);

		if (arg->category_mask & bit && !is)
			return false;
		any |= arg->category_anyof_mask & bit && is;
	}
	return any;
}

/* The regions up to now leave the kernel; false: the vector was bad (SCAN-EFAULT-VEC). */
static bool leave(struct brute *b)
{
	if (b->ret->n > b->room_for && b->ret->n > b->seen) {
		b->ret->n = b->seen;
		return false;
	}
	b->seen = b->ret->n;
	return true;
}

enum report { REPORTED, STOP, BAD_VECTOR };

/* Reports one page (SCAN-MERGE, SCAN-MAXPAGES, SCAN-VEC-FULL, SCAN-WALKEND-BATCH). */
static enum report report(struct brute *b, uint64_t addr, uint64_t c)
{
	struct scan_brute *r = b->ret;
	struct pmk_scan_region *last = r->n ? &r->region[r->n - 1] : NULL;
	bool merges;

	c &= b->arg->return_mask;
	if (!b->arg->vec_len)
		return REPORTED;
	if (b->arg->max_pages && b->pages == b->arg->max_pages) {
		r->walk_end = addr;
		return leave(b) ? STOP : BAD_VECTOR;
	}
	/* what has left the kernel merges with nothing any more */
	merges = last && last->end == addr && last->categories == c && r->n > b->seen;
	if (!merges &&
	    r->n - b->seen ==
		    (b->arg->vec_len - b->seen < BATCH ? b->arg->vec_len - b->seen : BATCH)) {
		r->walk_end = b->stale = addr;
		if (!leave(b))
			return BAD_VECTOR;
		if (r->n == b->arg->vec_len)
			return STOP;
	}
	if (merges)
		last->end += b->page_size;
	else
		r->region[r->n++] = (struct pmk_scan_region){ addr, addr + b->page_size, c };
	b->pages++;
	return REPORTED;
}

/* What the page's entry becomes by protection. */
static void protect(struct brute *b, size_t i)
{
	uint64_t *word = &b->ret->word[i];

	if (*word & (PMK_PAGEMAP_PRESENT_MASK | PMK_PAGEMAP_SWAP_MASK))
		*word |= PMK_PAGEMAP_UFFD_WP_MASK;
	else
		*word |= MARKER; /* a VMA's soft-dirty bit stays */
}

/* One page of a VMA that is walked: true to go on. */
static enum report page(struct brute *b, const struct pmk_vma *vma, uint64_t mapping, uint64_t addr,
			size_t i)
{
	uint64_t pmd = addr / b->page_size / pmk_pmd_pages(b->m), word = b->ret->word[i];
	bool entry = word & (PMK_PAGEMAP_PRESENT_MASK | PMK_PAGEMAP_SWAP_MASK);
	bool wp = b->arg->flags & PMK_SCAN_WP_MATCHING;
	enum report how = REPORTED;
	uint64_t c;
	bool hole;

	if (mapping != b->mapping || pmd != b->pmd)
		b->table = pmk_runs_find(&b->mm->table, pmd) || b->made == pmd + 1;
	b->mapping = mapping;
	b->pmd = pmd;
	c = categories(b, vma, word, b->table);
	hole = !entry && !b->table;
	if (wp && !b->arg->vec_len && !hole) { /* SCAN-WP-FASTPATH */
		if (!(word & PMK_PAGEMAP_UFFD_WP_MASK))
			protect(b, i);
		return REPORTED;
	}
	if (!matches(b->arg, c))
		return REPORTED;
	how = report(b, addr, c);
	if (how == REPORTED && wp && (hole || c & PMK_SCAN_WRITTEN_MASK))
		protect(b, i);
	if (how == REPORTED && wp && hole)
		b->made = pmd + 1;
	return how;
}

/* 0: the VMA is walked; 1: passed over; -EPERM. */
static int test(const struct brute *b, const struct pmk_vma *vma)
{
	bool allowed = wp_allowed(vma);

	if (!allowed && b->arg->flags & PMK_SCAN_CHECK_WPASYNC)
		return -EPERM;
	if (!allowed && b->arg->flags & PMK_SCAN_WP_MATCHING)
		return 1;
	if (vma->flags & PMK_VMA_PFNMAP)
		return 1;
	if (b->arg->category_mask & PMK_SCAN_WPALLOWED_MASK &&
	    allowed == !!(b->arg->category_inverted & PMK_SCAN_WPALLOWED_MASK))
		return 1;
	return 0;
}

static int64_t walk(struct brute *b, uint64_t end)
{
	struct pmk_run run = { .end = 0 };
	const struct pmk_vma *vma = NULL;

	for (size_t i = 0; i < b->ret->npages; i++) {
		uint64_t addr = b->arg->start + i * b->page_size;
		int how;

		if (!vma || addr / b->page_size >= run.end)
			vma = pmk_vma_at(b->m, b->mm, addr / b->page_size, &run);
		how = vma ? test(b, vma) : 1;
		b->ret->walk_end = b->stale ? b->stale : end; /* of whatever may end here */
		if (how < 0)
			return leave(b) ? how : -EFAULT;
		if (!how)
			how = (int)page(b, vma, run.start, addr, i);
		else
			how = REPORTED;
		if (how == BAD_VECTOR)
			return -EFAULT;
		if (how == STOP)
			return (int64_t)b->ret->n;
	}
	b->ret->walk_end = b->stale && has(b, PMK_Q_SCAN_STALE_END) ? b->stale : end;
	if (leave(b))
		return (int64_t)b->ret->n;
	b->ret->walk_end = b->stale ? b->stale : end;
	return -EFAULT;
}

void scan_brute(const struct pmk_machine *m, const struct pmk_mm *mm,
		const struct pmk_scan_arg *arg, size_t room_for, struct scan_brute *ret)
{
	struct brute b = { .m = m, .mm = mm, .arg = arg, .ret = ret, .room_for = room_for };
	uint64_t end;

	b.page_size = pmk_profile_page_size(&m->profile);
	ret->npages = (size_t)((arg->end - arg->start + b.page_size - 1) / b.page_size);
	end = arg->start + ret->npages * b.page_size;
	ret->n = 0;
	pmk_show_pagemap(m, mm, arg->start / b.page_size, ret->npages, true, ret->word);
	ret->walk_end = end;
	ret->result = walk(&b, end);
	if (!ret->walk_end)
		ret->walk_end = end;
}
