/*
 * scan.c - PAGEMAP_SCAN: which pages match, what is reported of them, and what gets protected.
 *
 * Follows do_pagemap_scan() and below in fs/proc/task_mmu.c function by function, except that its unit is
 * a run of equal entries where the kernel's is a page.
 */
#include "scan.h"

#include <errno.h>

#include "pagemapkit.h"

#define BATCH \
	2048 /* PAGEMAP_WALK_SIZE >> PAGE_SHIFT: what a PMD maps, 2048 on arm64 with 16K pages */

/* What lies at an address. */
enum place { PLACE_HOLE, PLACE_NONE, PLACE_ENTRY };

struct scan {
	struct pmk_machine *m;
	struct pmk_mm *mm;
	struct pmk_scan_arg arg;
	unsigned shift;
	bool none_written, uffd_only; /* quirks */
	bool fast; /* a fast path of pagemap_scan_pmd_entry(): it takes empty entries for written */
	struct pmk_vma vma; /* at which the walk is */
	uint64_t vma_categories;
	uint64_t found; /* pages in regions */
	struct pmk_scan_region batch[BATCH];
	uint64_t room, last; /* of the batch: how many fit, the one being filled */
	pmk_scan_put *put;
	void *ctx;
};

/* ---- the argument ------------------------------------------------------------------------------- */

static uint64_t known_categories(const struct pmk_profile *p)
{
	return PMK_SCAN_WPALLOWED_MASK | PMK_SCAN_WRITTEN_MASK | PMK_SCAN_FILE_MASK |
	       PMK_SCAN_PRESENT_MASK | PMK_SCAN_SWAPPED_MASK | PMK_SCAN_PFNZERO_MASK |
	       PMK_SCAN_HUGE_MASK |
	       (pmk_profile_has(p, PMK_Q_SCAN_SOFT_DIRTY) ? PMK_SCAN_SOFT_DIRTY_MASK : 0) |
	       (pmk_profile_has(p, PMK_Q_SCAN_GUARD) ? PMK_SCAN_GUARD_MASK : 0) |
	       (pmk_profile_has(p, PMK_Q_SCAN_ACCESSED) ? PMK_SCAN_ACCESSED_MASK : 0);
}

static bool access_ok(const struct pmk_profile *p, uint64_t start, uint64_t size)
{
	if (!pmk_profile_has(p, PMK_Q_RANGE_CHECKED))
		return true;
	return start + size >= start && start + size <= p->task_size;
}

/* size_mul(): as much as there can be when it is more. */
static uint64_t vec_size(const struct pmk_scan_arg *arg)
{
	uint64_t one = sizeof(struct pmk_scan_region);

	return arg->vec_len > UINT64_MAX / one ? UINT64_MAX : arg->vec_len * one;
}

static uint64_t untagged(const struct pmk_profile *p, uint64_t addr)
{
	if (p->arch->long_bits == 32)
		return (uint32_t)addr; /* an unsigned long */
	return pmk_profile_has(p, PMK_Q_UNTAG) ? (uint64_t)((int64_t)(addr << 8) >> 8) : addr;
}

int pmk_scan_check(const struct pmk_machine *m, struct pmk_scan_arg *arg)
{
	const struct pmk_profile *p = &m->profile;
	uint64_t categories = arg->category_inverted | arg->category_mask |
			      arg->category_anyof_mask | arg->return_mask;

	if (arg->size != sizeof(*arg))
		return -EINVAL; /* SCAN-SIZE */
	if (arg->flags & ~(uint64_t)(PMK_SCAN_WP_MATCHING | PMK_SCAN_CHECK_WPASYNC))
		return -EINVAL;
	if (categories & ~known_categories(p))
		return -EINVAL; /* SCAN-CATS */
	arg->start = untagged(p, arg->start);
	arg->end = untagged(p, arg->end);
	arg->vec = untagged(p, arg->vec);
	if (arg->start & (pmk_profile_page_size(p) - 1))
		return -EINVAL;
	if (!access_ok(p, arg->start, arg->end - arg->start))
		return -EFAULT;
	if (!arg->vec && arg->vec_len)
		return -EINVAL;
	if (p->arch->long_bits == 32 && arg->vec_len > UINT32_MAX)
		return -EINVAL;
	if (arg->vec && !access_ok(p, arg->vec, vec_size(arg)))
		return -EFAULT;
	return 0;
}

/* ---- categories (SCAN-CAT) ---------------------------------------------------------------------- */

/* Of a pagemap word: what a scripted entry looks like. */
static uint64_t word_categories(uint64_t word)
{
	uint64_t c = word & PMK_PAGEMAP_SOFT_DIRTY_MASK ? PMK_SCAN_SOFT_DIRTY_MASK : 0;

	if (word & PMK_PAGEMAP_PRESENT_MASK)
		c |= PMK_SCAN_PRESENT_MASK;
	else if (word & PMK_PAGEMAP_SWAP_MASK)
		c |= PMK_SCAN_SWAPPED_MASK;
	if (word & PMK_PAGEMAP_FILE_MASK)
		c |= PMK_SCAN_FILE_MASK;
	if (word & PMK_PAGEMAP_GUARD_MASK)
		c |= PMK_SCAN_GUARD_MASK;
	return word & PMK_PAGEMAP_UFFD_WP_MASK ? c : c | PMK_SCAN_WRITTEN_MASK;
}

/* pagemap_page_category() */
static uint64_t entry_categories(struct pmk_value v)
{
	uint64_t c = v.tag & PMK_PTE_UFFD_WP ? 0 : PMK_SCAN_WRITTEN_MASK;

	if (v.tag & PMK_PTE_SOFT_DIRTY)
		c |= PMK_SCAN_SOFT_DIRTY_MASK;
	if (v.tag & PMK_PTE_HUGE)
		c |= PMK_SCAN_HUGE_MASK;
	switch (PMK_PTE_KIND(v.tag)) {
	case PMK_PTE_FRAME:
		return c | PMK_SCAN_PRESENT_MASK | (v.tag & PMK_PTE_ANON ? 0 : PMK_SCAN_FILE_MASK);
	case PMK_PTE_ZERO:
		return c | PMK_SCAN_PRESENT_MASK | PMK_SCAN_PFNZERO_MASK;
	case PMK_PTE_SWAP:
		return c | PMK_SCAN_SWAPPED_MASK;
	case PMK_PTE_MARKER:
		if (v.base & PMK_MARKER_UFFD_WP)
			c &= ~PMK_SCAN_WRITTEN_MASK;
		return c | PMK_SCAN_SWAPPED_MASK |
		       (v.base & PMK_MARKER_GUARD ? PMK_SCAN_GUARD_MASK : 0);
	case PMK_PTE_GIVEN:
	case PMK_PTE_GIVEN_SWAP:
		return word_categories((v.tag >> PMK_PTE_FLAGS_SHIFT & 0x1ff)
				       << PMK_PAGEMAP_FRAME_BITS);
	case PMK_PTE_RAW:
		return word_categories(v.base);
	}
	return 0;
}

/* A scripted entry can stand for none. */
static bool is_none(struct pmk_value v)
{
	return PMK_PTE_KIND(v.tag) >= PMK_PTE_GIVEN && !pmk_pte_set_uffd_wp(&v, true);
}

static uint64_t categories(const struct scan *s, enum place place, struct pmk_value v)
{
	bool uffd = s->vma.flags & PMK_VMA_UFFD_WP;
	uint64_t c = 0;

	if (place == PLACE_ENTRY)
		c = entry_categories(v);
	else if (s->vma.flags & PMK_VMA_HUGETLB) /* pagemap_hugetlb_category(), or a hole */
		c = place == PLACE_NONE ? PMK_SCAN_HUGE_MASK : 0;
	else if (place == PLACE_NONE)
		c = s->none_written || s->fast ? PMK_SCAN_WRITTEN_MASK : 0;
	else
		c = s->none_written && uffd && !(s->vma.flags & PMK_VMA_HUGETLB)
			    ? PMK_SCAN_WRITTEN_MASK
			    : 0;
	if (s->uffd_only && !uffd)
		c &= ~PMK_SCAN_WRITTEN_MASK;
	return c | s->vma_categories;
}

/* ---- output ------------------------------------------------------------------------------------- */

/* pagemap_scan_push_range(): false: no room for a new region. */
static bool push(struct scan *s, uint64_t c, uint64_t start, uint64_t end)
{
	struct pmk_scan_region *r = &s->batch[s->last];

	if (start == r->end && c == r->categories) {
		r->end = end;
		return true;
	}
	if (r->end) {
		if (s->last >= s->room - 1)
			return false;
		r = &s->batch[++s->last];
	}
	*r = (struct pmk_scan_region){ start, end, c };
	return true;
}

/* pagemap_scan_output(): reports pages [start, *end), as many as may be: *end comes nearer. */
static int output(struct scan *s, uint64_t c, uint64_t start, uint64_t *end)
{
	int err = 0;

	if (!s->room)
		return 0; /* SCAN-NOVEC */
	if (*end - start > s->arg.max_pages - s->found) {
		*end = start + (s->arg.max_pages - s->found);
		err = -ENOSPC;
	}
	if (!push(s, c & s->arg.return_mask, start << s->shift, *end << s->shift)) {
		*end = start;
		err = -ENOSPC;
	}
	s->found += *end - start;
	if (err)
		s->arg.walk_end = *end << s->shift;
	return err;
}

/* pagemap_scan_backout_range(): what output() has just reported is not so. */
static void backout(struct scan *s, uint64_t start, uint64_t end)
{
	struct pmk_scan_region *r = &s->batch[s->last];

	if (!s->room)
		return;
	if (r->start == start << s->shift)
		r->start = r->end = 0;
	else
		r->end = start << s->shift;
	s->found -= end - start;
}

/* pagemap_scan_flush_buffer(): how many regions left, or -EFAULT. */
static int64_t flush(struct scan *s)
{
	uint64_t n = s->last;

	if (!s->room)
		return 0;
	if (s->batch[n].end != s->batch[n].start)
		n++;
	if (!n)
		return 0;
	if (!s->put(s->ctx, s->batch, n))
		return -EFAULT;
	s->arg.vec_len -= n;
	s->last = 0;
	if (s->room > s->arg.vec_len)
		s->room = s->arg.vec_len;
	s->batch[0].start = s->batch[0].end = 0;
	return (int64_t)n;
}

/* ---- the walk ----------------------------------------------------------------------------------- */

/* make_uffd_wp_pte(), or, where there is no table, uffd_wp_range(). */
static void protect(struct scan *s, enum place place, uint64_t start, uint64_t end,
		    struct pmk_value v)
{
	const struct pmk_value marker = { PMK_MARKER_UFFD_WP, PMK_PTE_MARKER };

	if (place == PLACE_HOLE)
		pmk_mm_uffd_wp_range(s->m, s->mm, &s->vma, start, end, true);
	else if (place == PLACE_ENTRY && pmk_pte_set_uffd_wp(&v, true))
		pmk_runs_set(&s->mm->pte, start, end, v);
	else
		pmk_mm_set_entries(s->m, s->mm, start, end, marker);
}

/* A run of pages of one kind. */
static int visit(struct scan *s, enum place place, const struct pmk_piece *p)
{
	bool wp = s->arg.flags & PMK_SCAN_WP_MATCHING;
	uint64_t c = categories(s, place, p->v), end = p->end;
	int err = 0;

	if (!wp || s->room || place == PLACE_HOLE) { /* else SCAN-WP-FASTPATH: no mask counts */
		if (!pmk_scan_match(&s->arg, c))
			return 0;
		err = output(s, c, p->start, &end);
	}
	if (!wp || end == p->start || !(c & PMK_SCAN_WRITTEN_MASK || place == PLACE_HOLE))
		return err;
	pmk_cover(s->m, SCAN_PROTECT);
	protect(s, place, p->start, end, p->v);
	return err;
}

/*
 * pagemap_scan_thp_entry(), pagemap_scan_hugetlb_entry(): of what PMDs map.  To be protected in part a THP is
 * cut and looked at once more, page by page (SCAN-THP-WP); a hugetlb page stays as it was, and walk_end says
 * so while the walk goes on (SCAN-HUGETLB-PARTIAL-WP).
 */
static int visit_huge(struct scan *s, struct pmk_piece *p)
{
	uint64_t size = pmk_pmd_pages(s->m), unit = p->start & ~(size - 1), end;
	uint64_t c = categories(s, PLACE_ENTRY, p->v);
	int err;

	if (!(s->arg.flags & PMK_SCAN_WP_MATCHING))
		return visit(s, PLACE_ENTRY, p);
	end = p->end = p->end < unit + size ? p->end : unit + size;
	if (!pmk_scan_match(&s->arg, c))
		return 0;
	err = output(s, c, p->start, &end);
	if (end == p->start || !(c & PMK_SCAN_WRITTEN_MASK))
		return err;
	if (end == p->start + size) {
		protect(s, PLACE_ENTRY, p->start, end, p->v);
		return err;
	}
	backout(s, p->start, end);
	if (p->v.tag & PMK_PTE_HUGETLB) {
		s->arg.walk_end = p->start << s->shift;
	} else {
		pmk_huge_split(s->m, s->mm, unit, unit + size);
		p->end = p->start;
	}
	return 0;
}

/* hugetlb_walk() finds an entry, if an empty one, once the process has mapped anything in the reach of the
 * table above: so to protect one hole makes others none. */
static bool has_upper_table(const struct scan *s, uint64_t page)
{
	uint64_t reach = pmk_pmd_pages(s->m) << (s->shift - 3), first = page & ~(reach - 1);
	struct pmk_piece t = { .end = first };

	while (pmk_mm_table_piece(s->m, s->mm, first + reach, &t))
		if (t.run)
			return true;
	for (t.end = first; pmk_runs_piece(&s->mm->pte, first + reach, &t);)
		if (t.run && t.v.tag & PMK_PTE_HUGE)
			return true;
	return false;
}

/* A gap in a hugetlb VMA, by huge pages. */
static int walk_hugetlb_gap(struct scan *s, uint64_t start, uint64_t end)
{
	uint64_t size = pmk_pmd_pages(s->m);
	struct pmk_piece p = { .end = start };
	int err = 0;

	while (!err && p.end < end) {
		p.start = p.end;
		p.end = (p.start & ~(size - 1)) + size < end ? (p.start & ~(size - 1)) + size : end;
		err = visit(s, has_upper_table(s, p.start) ? PLACE_NONE : PLACE_HOLE, &p);
	}
	return err;
}

static int walk_gap(struct scan *s, uint64_t start, uint64_t end)
{
	struct pmk_piece t = { .end = start };
	int err = 0;

	while (!err && pmk_mm_table_piece(s->m, s->mm, end, &t))
		err = visit(s, t.run ? PLACE_NONE : PLACE_HOLE, &t);
	return err;
}

static int walk_vma(struct scan *s, uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = start };
	int err = 0;

	while (!err && pmk_runs_piece(&s->mm->pte, end, &p)) {
		if (!p.run && s->vma.flags & PMK_VMA_HUGETLB)
			err = walk_hugetlb_gap(s, p.start, p.end);
		else if (!p.run)
			err = walk_gap(s, p.start, p.end);
		else if (p.v.tag & PMK_PTE_HUGE)
			err = visit_huge(s, &p);
		else
			err = visit(s, is_none(p.v) ? PLACE_NONE : PLACE_ENTRY, &p);
	}
	return err;
}

/* pagemap_scan_test_walk(): 0 to walk the VMA, 1 to pass it over, -EPERM. */
static int test_vma(struct scan *s, const struct pmk_vma *vma)
{
	bool allowed = pmk_vma_wp_allowed(vma);
	uint64_t c = allowed ? PMK_SCAN_WPALLOWED_MASK : 0;

	if (!allowed && s->arg.flags & PMK_SCAN_CHECK_WPASYNC)
		return -EPERM; /* SCAN-CHECK */
	if (!allowed && s->arg.flags & PMK_SCAN_WP_MATCHING)
		return 1;
	if (vma->flags & PMK_VMA_PFNMAP)
		return 1; /* SCAN-PFNMAP */
	if (vma->flags & PMK_VMA_SOFT_DIRTY)
		c |= PMK_SCAN_SOFT_DIRTY_MASK;
	if (s->arg.category_mask & PMK_SCAN_WPALLOWED_MASK &&
	    !((c ^ s->arg.category_inverted) & PMK_SCAN_WPALLOWED_MASK))
		return 1; /* SCAN-VMAFILTER */
	s->vma = *vma;
	s->vma_categories = c;
	return 0;
}

/* walk_page_range(): 0, -ENOSPC when something is full, -EPERM. */
static int walk(struct scan *s, uint64_t start, uint64_t end)
{
	struct pmk_cursor c;
	const struct pmk_run *run = pmk_runs_seek(&s->mm->vma, start, &c);

	for (; run && run->start < end; run = pmk_runs_next(&c)) {
		uint64_t from = run->start > start ? run->start : start;
		uint64_t to = run->end < end ? run->end : end;
		int err = test_vma(s, &s->m->vma[run->v.tag & ~PMK_RUN_LINEAR]);

		if (!err)
			err = walk_vma(s, from, to);
		if (err < 0)
			return err;
	}
	return 0;
}

static void begin(struct scan *s, const struct pmk_scan_arg *arg)
{
	const struct pmk_profile *p = &s->m->profile;
	uint64_t page = pmk_profile_page_size(p);

	s->arg = *arg;
	s->arg.end = (arg->end + page - 1) & ~(page - 1); /* SCAN-END-ALIGN */
	s->arg.walk_end = 0;
	if (!arg->max_pages)
		s->arg.max_pages = UINT64_MAX;
	s->shift = p->arch->page_shift;
	s->none_written = pmk_profile_has(p, PMK_Q_SCAN_NONE_WRITTEN);
	s->uffd_only = pmk_profile_has(p, PMK_Q_SCAN_WRITTEN_UFFD);
	s->room = pmk_pmd_pages(s->m) < BATCH ? pmk_pmd_pages(s->m) : BATCH;
	if (s->room > arg->vec_len)
		s->room = arg->vec_len;
	s->batch[0].start = s->batch[0].end = 0;
	s->fast = (arg->flags & PMK_SCAN_WP_MATCHING && !s->room) ||
		  (!arg->category_anyof_mask && !arg->category_inverted &&
		   arg->category_mask == PMK_SCAN_WRITTEN_MASK &&
		   arg->return_mask == PMK_SCAN_WRITTEN_MASK);
}

int64_t pmk_mm_scan(struct pmk_machine *m, struct pmk_mm *mm, struct pmk_scan_arg *arg,
		    pmk_scan_put *put, void *ctx)
{
	struct scan s;
	int64_t regions = 0, n;
	uint64_t at;
	int err = 0;

	s.m = m;
	s.mm = mm;
	s.put = put;
	s.ctx = ctx;
	s.found = s.last = 0;
	begin(&s, arg);
	for (at = s.arg.start; at < s.arg.end; at = s.arg.walk_end) {
		err = walk(&s, at >> s.shift, s.arg.end >> s.shift);
		n = flush(&s);
		if (n < 0)
			err = (int)n;
		else
			regions += n;
		if (err != -ENOSPC || !s.arg.vec_len || s.found == s.arg.max_pages)
			break;
	}
	/* SCAN-WALKEND-BATCH: who came to the end after a full batch forgets to say so */
	if (!s.arg.walk_end || (!err && !pmk_profile_has(&m->profile, PMK_Q_SCAN_STALE_END)))
		s.arg.walk_end = s.arg.end;
	arg->walk_end = s.arg.walk_end;
	return err && err != -ENOSPC ? err : regions;
}
