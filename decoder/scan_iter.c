/* scan_iter.c: all regions of a range, call by call, or from pagemap where there is no such call. */
#include "internal.h"

/* As in scan.c; and what a kernel answers that lacks the call or a category. */
enum {
	KERNEL_EINVAL = 22,
	KERNEL_ENOTTY = 25,
	KERNEL_EOPNOTSUPP = 95,
};

/* One batch of the kernel's: a longer vector makes walk_end unreliable (SCAN-WALKEND-BATCH). */
#define BATCH_REGIONS 512

#define CATEGORIES_67 UINT64_C(0x7f)

/* What pagemap cannot show. */
#define INVISIBLE                                                               \
	(PMK_SCAN_WPALLOWED_MASK | PMK_SCAN_PFNZERO_MASK | PMK_SCAN_HUGE_MASK | \
	 PMK_SCAN_ACCESSED_MASK)

void pmk_scan_iter_init(struct pmk_scan_iter *it, const struct pmk_scan_arg *query,
			unsigned page_shift, struct pmk_scan_region *vec, size_t vec_len,
			pmk_scan_call_fn *call, pmk_scan_read_fn *read, void *ctx)
{
	uint64_t page = UINT64_C(1) << (page_shift & 63);

	*it = (struct pmk_scan_iter){ .query = *query,
				      .page_shift = page_shift & 63,
				      .vec = vec,
				      .vec_len = vec_len,
				      .call = call,
				      .read = read,
				      .ctx = ctx,
				      .at = query->start,
				      .end = (query->end + page - 1) & ~(page - 1),
				      .left = query->max_pages ? query->max_pages : UINT64_MAX };
	it->done = it->at >= it->end || !vec_len;
}

/* ---- by the call -------------------------------------------------------------------------------- */

/* The kernel lacks the call, or may lack a category: pagemap shall do. */
static bool may_fall_back(const struct pmk_scan_iter *it, int64_t result)
{
	const struct pmk_scan_arg *q = &it->query;
	uint64_t asked =
		q->category_mask | q->category_anyof_mask | q->category_inverted | q->return_mask;

	if (!it->read || q->flags)
		return false;
	return result == -KERNEL_ENOTTY || (result == -KERNEL_EINVAL && asked & ~CATEGORIES_67);
}

static int fall_back(struct pmk_scan_iter *it)
{
	if ((it->query.category_mask | it->query.category_anyof_mask) & INVISIBLE)
		return -KERNEL_EOPNOTSUPP;
	it->from_pagemap = true;
	return 0;
}

/* Where to go on after n regions. */
static void advance(struct pmk_scan_iter *it, const struct pmk_scan_arg *arg, size_t n)
{
	uint64_t seen = n ? it->vec[n - 1].end : it->at;

	for (size_t i = 0; i < n; i++)
		it->left -= (it->vec[i].end - it->vec[i].start) >> it->page_shift;
	if (arg->walk_end < seen || (n < arg->vec_len && arg->walk_end < it->end && it->left)) {
		/* SCAN-HUGETLB-PARTIAL-WP: the walk did not end there, it went on */
		if (!it->partial)
			it->partial = arg->walk_end;
		it->at = n < arg->vec_len ? it->end : seen;
	} else {
		it->at = arg->walk_end;
	}
	it->done = it->at >= it->end || !it->left;
}

static int refill_by_call(struct pmk_scan_iter *it)
{
	struct pmk_scan_arg arg = it->query;
	int64_t n;

	arg.size = sizeof(arg);
	arg.start = it->at;
	arg.end = it->end;
	arg.walk_end = 0;
	arg.vec = (uintptr_t)it->vec;
	arg.vec_len = it->vec_len < BATCH_REGIONS ? it->vec_len : BATCH_REGIONS;
	arg.max_pages = it->query.max_pages ? it->left : 0;
	n = it->call(it->ctx, &arg);
	if (n < 0 && !it->begun && may_fall_back(it, n))
		return fall_back(it);
	if (n < 0)
		return (int)n;
	it->begun = true;
	it->next = 0;
	it->n = (uint64_t)n < arg.vec_len ? (size_t)n : (size_t)arg.vec_len;
	advance(it, &arg, it->n);
	return 0;
}

/* ---- from pagemap ------------------------------------------------------------------------------- */

/* The vector's memory holds the words, too. */
static uint64_t *words(const struct pmk_scan_iter *it)
{
	return &it->vec->start;
}

static int refill_by_read(struct pmk_scan_iter *it)
{
	const size_t each = sizeof(*it->vec) / sizeof(uint64_t);
	uint64_t want = (it->end - it->at) >> it->page_shift;
	size_t room = it->vec_len > SIZE_MAX / each ? SIZE_MAX : it->vec_len * each;
	int64_t n;

	n = it->read(it->ctx, it->at >> it->page_shift, words(it),
		     want < room ? (size_t)want : room);
	if (n < 0)
		return (int)n;
	it->base = it->at;
	it->next = 0;
	it->n = (uint64_t)n < want ? (size_t)n : (size_t)want;
	it->at += (uint64_t)it->n << it->page_shift;
	it->done = !n || it->at >= it->end;
	return 0;
}

/* The categories of a word; false: nothing is mapped there, or nobody can tell. */
static bool word_categories(uint64_t word, uint64_t *ret)
{
	struct pmk_pagemap page;
	uint64_t c = 0;

	pmk_pagemap_decode(NULL, word, &page);
	if (page.state == PMK_PAGE_ABSENT)
		return false;
	c |= page.state == PMK_PAGE_PRESENT ? PMK_SCAN_PRESENT_MASK : PMK_SCAN_SWAPPED_MASK;
	if (!(word & PMK_PAGEMAP_UFFD_WP_MASK))
		c |= PMK_SCAN_WRITTEN_MASK;
	if (word & PMK_PAGEMAP_FILE_MASK)
		c |= PMK_SCAN_FILE_MASK;
	if (word & PMK_PAGEMAP_SOFT_DIRTY_MASK)
		c |= PMK_SCAN_SOFT_DIRTY_MASK;
	if (word & PMK_PAGEMAP_GUARD_MASK)
		c |= PMK_SCAN_GUARD_MASK;
	*ret = c;
	return true;
}

static bool take_word(struct pmk_scan_iter *it, struct pmk_scan_region *ret)
{
	uint64_t page = UINT64_C(1) << it->page_shift, c;

	while (it->left && it->next < it->n) {
		size_t i = it->next++;

		if (!word_categories(words(it)[i], &c) || !pmk_scan_match(&it->query, c))
			continue;
		ret->start = it->base + i * page;
		ret->end = ret->start + page;
		ret->categories = c & it->query.return_mask;
		it->left--;
		return true;
	}
	it->done |= !it->left;
	return false;
}

/* ---- both --------------------------------------------------------------------------------------- */

static bool take(struct pmk_scan_iter *it, struct pmk_scan_region *ret)
{
	if (it->from_pagemap)
		return take_word(it, ret);
	if (it->next >= it->n)
		return false;
	*ret = it->vec[it->next++];
	return true;
}

int pmk_scan_iter_next(struct pmk_scan_iter *it, struct pmk_scan_region *ret)
{
	struct pmk_scan_region r, *held = &it->held;
	int err;

	for (;;) {
		while (take(it, &r)) {
			if (held->end == r.start && held->categories == r.categories && held->end) {
				held->end = r.end;
				continue;
			}
			*ret = *held;
			*held = r;
			if (ret->end)
				return 1;
		}
		if (it->done)
			break;
		err = it->from_pagemap ? refill_by_read(it) : refill_by_call(it);
		if (err < 0)
			return err;
	}
	*ret = *held;
	held->start = held->end = 0;
	return ret->end != 0;
}
