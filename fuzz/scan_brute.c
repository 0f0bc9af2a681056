/* scan_brute.c - the rules of section 5 of the ledger, a page at a time. */
#include "scan_brute.h"

#include <errno.h>

#include "pagemapkit.h"

#define MARKER UINT64_C(0x420000000000003f)

struct brute {
	const struct pmk_machine *m;
	const struct pmk_mm *mm;
	const struct pmk_scan_arg *arg;
	struct scan_brute *ret;
	size_t room_for;
	uint64_t pmd_pages, page_size;
	uint64_t pages, stale; /* pages reported; where the last full batch ended */
	size_t seen; /* regions that have left the kernel */
	/* A hole is one step of a walk: what it is was settled at its first page, in this mapping and PMD,
	 * and protecting it makes a table that later mappings meet. */
	uint64_t mapping, pmd, made; /* its first page */
	bool table;
	uint64_t unit; /* the one, plus 1, of which we know: */
	bool huge;
	uint64_t cut; /* the huge page, plus 1, that the walk has cut into pages */
	bool apart; /* the last region was taken back: the next one merges with none before it */
};

/* What a PMD maps is a unit; there is an upper table, of the PMDs, for so many pages. */
static uint64_t unit_of(const struct brute *b, uint64_t page)
{
	return page / b->pmd_pages * b->pmd_pages;
}

/* Settled once for a unit: a huge page is all of it. */
static bool is_huge(struct brute *b, uint64_t page)
{
	const struct pmk_run *run;

	if (b->unit != unit_of(b, page) + 1) {
		run = pmk_runs_find(&b->mm->pte, page);
		b->unit = unit_of(b, page) + 1;
		b->huge = run && run->v.tag & PMK_PTE_HUGE;
	}
	return b->huge && b->cut != b->unit;
}

static bool has_upper_table(const struct brute *b, uint64_t page)
{
	uint64_t unit = b->pmd_pages, reach = unit * (b->page_size / 8);
	uint64_t first = page / reach * reach;
	const struct pmk_run *run;
	struct pmk_cursor c;

	if (b->made && (b->made - 1) * unit / reach == page / reach)
		return true;
	run = pmk_runs_seek(&b->mm->table, first / unit, &c);
	if (run && run->start < (first + reach) / unit)
		return true;
	run = pmk_runs_seek(&b->mm->pte, first, &c);
	for (; run && run->start < first + reach; run = pmk_runs_next(&c))
		if (run->v.tag & PMK_PTE_HUGE)
			return true;
	return false;
}

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

static bool is_zero(const struct brute *b, uint64_t word)
{
	uint64_t pfn = word & PMK_PAGEMAP_FRAME_MASK, huge = b->m->huge_zero_pfn;

	return word & PMK_PAGEMAP_PRESENT_MASK &&
	       (pfn == b->m->zero_pfn || pfn - huge < b->pmd_pages);
}

/* SCAN-CAT of an empty page; table: there is one that would have its entry. */
static uint64_t empty_categories(const struct brute *b, const struct pmk_vma *vma, bool table)
{
	bool only_written = b->arg->category_mask == PMK_SCAN_WRITTEN_MASK &&
			    b->arg->return_mask == PMK_SCAN_WRITTEN_MASK &&
			    !b->arg->category_anyof_mask && !b->arg->category_inverted;
	bool fast = only_written || (!b->arg->vec_len && b->arg->flags & PMK_SCAN_WP_MATCHING);
	bool written = table ? has(b, PMK_Q_SCAN_NONE_WRITTEN) || fast
			     : has(b, PMK_Q_SCAN_NONE_WRITTEN) && vma->flags & PMK_VMA_UFFD_WP;

	if (vma->flags & PMK_VMA_HUGETLB)
		return table ? PMK_SCAN_HUGE_MASK : 0;
	return written ? PMK_SCAN_WRITTEN_MASK : 0;
}

/* SCAN-CAT, by the word that pagemap shows. */
static uint64_t categories(const struct brute *b, const struct pmk_vma *vma, uint64_t word,
			   bool table, bool huge)
{
	bool present = word & PMK_PAGEMAP_PRESENT_MASK, swap = word & PMK_PAGEMAP_SWAP_MASK;
	bool armed = word & PMK_PAGEMAP_UFFD_WP_MASK;
	uint64_t c = wp_allowed(vma) ? PMK_SCAN_WPALLOWED_MASK : 0;

	if (vma->flags & PMK_VMA_HUGETLB && armed && !present)
		swap = true; /* a marker, of which pagemap shows bit 57 alone */
	if (!present && !swap)
		c |= empty_categories(b, vma, table);
	else if (!armed)
		c |= PMK_SCAN_WRITTEN_MASK;
	if (has(b, PMK_Q_SCAN_WRITTEN_UFFD) && !(vma->flags & PMK_VMA_UFFD_WP))
		c &= ~PMK_SCAN_WRITTEN_MASK;
	if (present)
		c |= PMK_SCAN_PRESENT_MASK;
	if (swap)
		c |= PMK_SCAN_SWAPPED_MASK;
	if (huge)
		c |= PMK_SCAN_HUGE_MASK;
	if (word & PMK_PAGEMAP_FILE_MASK && !(huge && is_zero(b, word)))
		c |= PMK_SCAN_FILE_MASK;
	if (swap && (word & 31) == 31 && word >> 5 & PMK_MARKER_GUARD)
		c |= PMK_SCAN_GUARD_MASK;
	if (word & PMK_PAGEMAP_SOFT_DIRTY_MASK || vma->flags & PMK_VMA_SOFT_DIRTY)
		c |= PMK_SCAN_SOFT_DIRTY_MASK;
	return is_zero(b, word) ? c | PMK_SCAN_PFNZERO_MASK : c;
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
	uint64_t batch = b->pmd_pages; /* regions: as many as a page table has entries */
	bool merges;

	c &= b->arg->return_mask;
	if (!b->arg->vec_len)
		return REPORTED;
	if (b->arg->max_pages && b->pages == b->arg->max_pages) {
		r->walk_end = addr;
		return leave(b) ? STOP : BAD_VECTOR;
	}
	/* what has left the kernel merges with nothing any more */
	merges = last && last->end == addr && last->categories == c && r->n > b->seen && !b->apart;
	if (!merges &&
	    r->n - b->seen ==
		    (b->arg->vec_len - b->seen < batch ? b->arg->vec_len - b->seen : batch)) {
		r->walk_end = b->stale = addr;
		if (!leave(b))
			return BAD_VECTOR;
		if (r->n == b->arg->vec_len)
			return STOP;
	}
	b->apart = false;
	if (merges)
		last->end += b->page_size;
	else
		r->region[r->n++] = (struct pmk_scan_region){ addr, addr + b->page_size, c };
	b->pages++;
	return REPORTED;
}

/* What the page's entry becomes by protection. */
static void protect(struct brute *b, const struct pmk_vma *vma, size_t i)
{
	uint64_t *word = &b->ret->word[i];

	if (*word & (PMK_PAGEMAP_PRESENT_MASK | PMK_PAGEMAP_SWAP_MASK) ||
	    vma->flags & PMK_VMA_HUGETLB)
		*word |= PMK_PAGEMAP_UFFD_WP_MASK;
	else
		*word |= MARKER; /* a VMA's soft-dirty bit stays */
}

/* Where the walk is: a page, or the first of n that a PMD maps or could map. */
struct here {
	const struct pmk_vma *vma;
	uint64_t mapping, addr; /* the mapping's first page; in bytes */
	size_t i, n;
};

/* One page of a VMA that is walked. */
static enum report page(struct brute *b, const struct here *h, bool huge)
{
	uint64_t unit = h->addr / b->page_size / b->pmd_pages, word = b->ret->word[h->i];
	bool entry = word & (PMK_PAGEMAP_PRESENT_MASK | PMK_PAGEMAP_SWAP_MASK);
	bool wp = b->arg->flags & PMK_SCAN_WP_MATCHING;
	enum report how = REPORTED;
	uint64_t c;
	bool hole;

	if (h->mapping != b->mapping || unit != b->pmd)
		b->table = h->vma->flags & PMK_VMA_HUGETLB
				   ? has_upper_table(b, h->addr / b->page_size)
				   : pmk_runs_find(&b->mm->table, unit) || b->made == unit + 1;
	b->mapping = h->mapping;
	b->pmd = unit;
	c = categories(b, h->vma, word, b->table, huge);
	hole = !entry && !b->table;
	if (wp && !b->arg->vec_len && !hole && !huge &&
	    !(h->vma->flags & PMK_VMA_HUGETLB)) { /* SCAN-WP-FASTPATH */
		if (!(word & PMK_PAGEMAP_UFFD_WP_MASK))
			protect(b, h->vma, h->i);
		return REPORTED;
	}
	if (!matches(b->arg, c))
		return REPORTED;
	how = report(b, h->addr, c);
	if (how == REPORTED && wp && (hole || c & PMK_SCAN_WRITTEN_MASK))
		protect(b, h->vma, h->i);
	if (how == REPORTED && wp && hole)
		b->made = unit + 1;
	return how;
}

/* What has just been reported, from addr on, is not so. */
static void take_back(struct brute *b, uint64_t addr, size_t n)
{
	struct scan_brute *r = b->ret;

	if (!b->arg->vec_len)
		return;
	b->apart = r->region[r->n - 1].start == addr;
	if (b->apart)
		r->n--;
	else
		r->region[r->n - 1].end = addr;
	b->pages -= n;
}

/* A THP becomes pages; the huge zero page so many zero pages. */
static void cut(struct brute *b, const struct here *h)
{
	for (size_t i = h->i; i < h->i + h->n; i++)
		if (is_zero(b, b->ret->word[i]))
			b->ret->word[i] = (b->ret->word[i] &
					   ~(PMK_PAGEMAP_FRAME_MASK | PMK_PAGEMAP_FILE_MASK)) |
					  b->m->zero_pfn;
	b->made = h->addr / b->page_size / b->pmd_pages + 1;
	b->cut = unit_of(b, h->addr / b->page_size) + 1;
}

/*
 * Pages that a PMD maps, or could map in hugetlb, under PM_SCAN_WP_MATCHING: all or nothing (SCAN-THP-WP,
 * SCAN-HUGETLB-PARTIAL-WP, SCAN-WP-HOLE).  *ret_n: how many are done with; of 0 each is looked at alone.
 */
static enum report unit(struct brute *b, const struct here *h, size_t *ret_n)
{
	bool hugetlb = h->vma->flags & PMK_VMA_HUGETLB, empty = !is_huge(b, h->addr / b->page_size);
	bool table = empty && has_upper_table(b, h->addr / b->page_size);
	uint64_t c = categories(b, h->vma, b->ret->word[h->i], table, !empty);
	uint64_t left = b->arg->max_pages ? b->arg->max_pages - b->pages : UINT64_MAX;
	size_t fit = b->arg->vec_len && left < h->n ? left : h->n;
	enum report how = REPORTED;

	*ret_n = h->n;
	if (!matches(b->arg, c))
		return REPORTED;
	for (size_t j = 0; how == REPORTED && j < fit; j++)
		how = report(b, h->addr + j * b->page_size, c);
	if (how != REPORTED || (!fit && (how = report(b, h->addr, c)) != REPORTED))
		return how;
	if (!(empty && !table) && c & PMK_SCAN_WRITTEN_MASK && fit < b->pmd_pages) {
		take_back(b, h->addr, fit);
		if (hugetlb || fit < h->n)
			b->stale = h->addr + (hugetlb ? 0 : fit * b->page_size);
		if (!hugetlb) {
			cut(b, h);
			*ret_n = 0;
		}
		return REPORTED;
	}
	if (c & PMK_SCAN_WRITTEN_MASK || (empty && !table))
		for (size_t j = 0; j < h->n; j++)
			protect(b, h->vma, h->i + j);
	if (empty && !table)
		b->made = h->addr / b->page_size / b->pmd_pages + 1;
	return fit < h->n ? report(b, h->addr + fit * b->page_size, c) : REPORTED;
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

/* At h, h->n being the pages that are left: how many of them are done with. */
static enum report step(struct brute *b, struct here *h, uint64_t vma_end)
{
	uint64_t at = h->addr / b->page_size, end = unit_of(b, at) + b->pmd_pages;
	bool huge = is_huge(b, at), wp = b->arg->flags & PMK_SCAN_WP_MATCHING;
	enum report how;
	size_t n;

	if (end > vma_end)
		end = vma_end;
	if (h->n > end - at)
		h->n = (size_t)(end - at);
	if (wp && (huge || h->vma->flags & PMK_VMA_HUGETLB)) {
		how = unit(b, h, &n);
		if (n) {
			h->n = n;
			return how;
		}
		huge = false;
	}
	h->n = 1;
	return page(b, h, huge);
}

static int64_t walk(struct brute *b, uint64_t end)
{
	struct pmk_run run = { .end = 0 };
	struct here h = { .vma = NULL };

	for (h.i = 0; h.i < b->ret->npages; h.i += h.n) {
		enum report done = REPORTED;
		int how;

		h.addr = b->arg->start + h.i * b->page_size;
		h.n = 1;
		if (!h.vma || h.addr / b->page_size >= run.end)
			h.vma = pmk_vma_at(b->m, b->mm, h.addr / b->page_size, &run);
		how = h.vma ? test(b, h.vma) : 1;
		b->ret->walk_end = b->stale ? b->stale : end; /* of whatever may end here */
		if (how < 0)
			return leave(b) ? how : -EFAULT;
		if (!how) {
			h.mapping = run.start;
			h.n = b->ret->npages - h.i;
			done = step(b, &h, run.end);
		}
		if (done == BAD_VECTOR)
			return -EFAULT;
		if (done == STOP)
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

	b.pmd_pages = pmk_pmd_pages(m);
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
