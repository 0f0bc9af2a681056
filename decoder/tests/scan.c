/* scan.c: matching as in the table of SCAN-MATCH, validation in the kernel's order. */
#include "test.h"

#define P PMK_SCAN_PRESENT_MASK
#define F PMK_SCAN_FILE_MASK
#define W PMK_SCAN_WRITTEN_MASK
#define S PMK_SCAN_SWAPPED_MASK
#define H PMK_SCAN_HUGE_MASK

enum { EFAULT_ = 14, EINVAL_ = 22, ENOTTY_ = 25 };

#define LIMIT UINT64_C(0x7ffffffff000)

_Static_assert(sizeof(struct pmk_scan_arg) == 96, "SCAN-ABI");
_Static_assert(offsetof(struct pmk_scan_arg, vec) == 40, "SCAN-ABI");
_Static_assert(offsetof(struct pmk_scan_arg, return_mask) == 88, "SCAN-ABI");
_Static_assert(sizeof(struct pmk_scan_region) == 24, "SCAN-ABI");
_Static_assert(sizeof(struct pmk_procmap_query) == 104, "PQ-ABI");
_Static_assert(offsetof(struct pmk_procmap_query, inode) == 64, "PQ-ABI");
_Static_assert(offsetof(struct pmk_procmap_query, vma_name_size) == 80, "PQ-ABI");
_Static_assert(offsetof(struct pmk_procmap_query, build_id_addr) == 96, "PQ-ABI");

static void match(void **state)
{
	static const struct {
		uint64_t seen, inverted, mask, anyof;
		bool result;
	} rows[] = {
		{ P | F, 0, P, 0, true },      { P | F, F, P | F, 0, false },
		{ P, F, P | F, 0, true },      { S, 0, 0, P | H, false },
		{ S, 0, 0, 0, true },	       { 0, P, P, 0, true },
		{ P | W, W, 0, W | F, false }, { P, W, 0, W | F, true },
		{ 0, F, 0, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pmk_scan_arg arg = { .category_inverted = rows[i].inverted,
					    .category_mask = rows[i].mask,
					    .category_anyof_mask = rows[i].anyof };

		assert_int_equal(pmk_scan_match(&arg, rows[i].seen), rows[i].result);
	}
}

static void validate(void **state)
{
	static const struct {
		uint32_t kernel;
		struct pmk_scan_arg arg;
		int result;
	} rows[] = {
		{ 0, { .size = 96 }, 0 },
		{ PMK_KERNEL(6, 6, 0), { .size = 96 }, ENOTTY_ },
		{ PMK_KERNEL(6, 7, 0), { .size = 96 }, 0 },
		{ 0, { .size = 95 }, EINVAL_ },
		{ 0, { .size = 104 }, EINVAL_ },
		{ 0, { .size = 96, .flags = 3 }, 0 },
		{ 0, { .size = 96, .flags = 4 }, EINVAL_ },
		{ PMK_KERNEL(6, 7, 0), { .size = 96, .return_mask = 1 << 7 }, EINVAL_ },
		{ PMK_KERNEL(6, 8, 0), { .size = 96, .return_mask = 1 << 7 }, 0 },
		{ PMK_KERNEL(6, 15, 0), { .size = 96, .category_mask = 1 << 8 }, EINVAL_ },
		{ PMK_KERNEL(6, 16, 0), { .size = 96, .category_anyof_mask = 1 << 8 }, 0 },
		{ PMK_KERNEL(7, 2, 0), { .size = 96, .category_inverted = 1 << 9 }, EINVAL_ },
		{ 0, { .size = 96, .return_mask = 1 << 9 }, 0 },
		{ 0, { .size = 96, .start = 0x1800, .end = 0x3000 }, EINVAL_ },
		{ 0, { .size = 96, .start = 0x1000, .end = 0x3001 }, 0 },
		{ 0, { .size = 96, .start = 0x3000, .end = 0x1000 }, EFAULT_ },
		{ 0, { .size = 96, .start = 0, .end = LIMIT }, 0 },
		{ 0, { .size = 96, .start = 0, .end = LIMIT + 1 }, EFAULT_ },
		{ 0, { .size = 96, .vec_len = 1 }, EINVAL_ },
		{ 0, { .size = 96, .vec = 1, .vec_len = 0 }, 0 },
		{ 0, { .size = 96, .vec = LIMIT + 1, .vec_len = 0 }, EFAULT_ },
		{ 0, { .size = 96, .vec = LIMIT - 24, .vec_len = 1 }, 0 },
		{ 0, { .size = 96, .vec = LIMIT - 24, .vec_len = 2 }, EFAULT_ },
		{ 0, { .size = 96, .vec = 8, .vec_len = UINT64_MAX / 8 }, EFAULT_ },
		/* the order: flags, categories and start before the range, the range before vec */
		{ 0, { .size = 96, .start = 0x3800, .end = 0x1000 }, EINVAL_ },
		{ 0, { .size = 96, .start = 0x3000, .end = 0x1000, .flags = 8 }, EINVAL_ },
		{ 0, { .size = 96, .start = 0x3000, .end = 0x1000, .vec_len = 1 }, EFAULT_ },
	};
	struct pmk_scan_arg backwards = { .size = 96, .start = 0x3000, .end = 0x1000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (pmk_scan_validate(rows[i].kernel, &rows[i].arg, 12, LIMIT) != rows[i].result)
			fail_msg("row %zu", i);
	}
	assert_int_equal(pmk_scan_validate(0, &backwards, 12, UINT64_MAX), 0);
	assert_int_equal(pmk_scan_validate(0, &backwards, 16, UINT64_MAX), EINVAL_);
}

static void categories(void **state)
{
	(void)state;
	assert_int_equal(pmk_scan_categories(PMK_KERNEL(6, 6, 0)), 0);
	assert_int_equal(pmk_scan_categories(PMK_KERNEL(6, 7, 0)), 0x7f);
	assert_int_equal(pmk_scan_categories(PMK_KERNEL(6, 12, 107)), 0xff);
	assert_int_equal(pmk_scan_categories(PMK_KERNEL(6, 18, 44)), 0x1ff);
	assert_int_equal(pmk_scan_categories(0), 0x3ff);
}

/* ---- the iterator, on a kernel of a few pages ------------------------------------------------ */

#define PAGES 64

/* A kernel as it may be: what the pages are, and what is odd about it. */
struct fake {
	uint64_t category[PAGES], word[PAGES];
	int64_t refuse; /* what the call answers */
	unsigned huge; /* a huge page that begins here; with WP a part of it is backed out */
	bool stuck; /* ... and walk_end says so */
	unsigned calls, reads;
};

static int64_t fake_scan(void *ctx, struct pmk_scan_arg *arg)
{
	struct fake *k = ctx;
	struct pmk_scan_region *vec = (struct pmk_scan_region *)(uintptr_t)arg->vec;
	uint64_t pages = 0, at;
	size_t n = 0;

	k->calls++;
	assert_true(k->calls < 200);
	assert_int_equal(pmk_scan_validate(0, arg, 12, UINT64_MAX), 0);
	if (k->refuse)
		return k->refuse;
	arg->walk_end = arg->end;
	for (at = arg->start; at < arg->end; at += 4096) {
		uint64_t c = k->category[at >> 12];

		if (k->stuck && at >> 12 == k->huge) {
			arg->walk_end = at;
			continue;
		}
		if (!pmk_scan_match(arg, c))
			continue;
		if (arg->max_pages && pages == arg->max_pages)
			break;
		c &= arg->return_mask;
		if (n && vec[n - 1].end == at && vec[n - 1].categories == c) {
			vec[n - 1].end += 4096;
		} else if (n == arg->vec_len) {
			break;
		} else {
			vec[n++] = (struct pmk_scan_region){ at, at + 4096, c };
		}
		pages++;
	}
	if (at < arg->end)
		arg->walk_end = at;
	return (int64_t)n;
}

static int64_t fake_read(void *ctx, uint64_t index, uint64_t *words, size_t n)
{
	struct fake *k = ctx;
	size_t i;

	k->reads++;
	for (i = 0; i < n && index + i < PAGES; i++)
		words[i] = k->word[index + i];
	return (int64_t)i;
}

/* Present, swapped or nothing, as the bits of a number say; every third present page is a file's. */
static void fake_fill(struct fake *k, uint64_t pattern)
{
	*k = (struct fake){ .huge = PAGES };
	for (unsigned i = 0; i < PAGES; i++) {
		bool file = i % 3 == 0;

		if (!(pattern >> i & 1))
			continue;
		k->category[i] = i % 5 ? P | (file ? F : 0) : S;
		k->word[i] = i % 5 ? PMK_PAGEMAP_PRESENT_MASK | (file ? PMK_PAGEMAP_FILE_MASK : 0)
				   : PMK_PAGEMAP_SWAP_MASK;
	}
}

static void query_init(struct pmk_scan_arg *query)
{
	*query = (struct pmk_scan_arg){ .start = 0,
					.end = PAGES * 4096,
					.category_anyof_mask = P | S,
					.return_mask = P | S | F };
}

/* All regions into ret; the last result. */
static int collect(struct fake *k, const struct pmk_scan_arg *query, size_t vec_len,
		   struct pmk_scan_region *ret, size_t *ret_n, struct pmk_scan_iter *it)
{
	struct pmk_scan_region vec[PAGES];
	int result;

	*ret_n = 0;
	pmk_scan_iter_init(it, query, 12, vec, vec_len, fake_scan, fake_read, k);
	while ((result = pmk_scan_iter_next(it, &ret[*ret_n])) > 0) {
		assert_true(!*ret_n || ret[*ret_n].start >= ret[*ret_n - 1].end);
		assert_true(++*ret_n < PAGES);
	}
	return result;
}

/* A vector of any length, and pagemap, give what one call with room for all gives. */
static void iterate(void **state)
{
	static const uint64_t patterns[] = { 0,
					     1,
					     UINT64_MAX,
					     UINT64_C(0x8000000000000001),
					     UINT64_C(0xaaaaaaaaaaaaaaaa),
					     UINT64_C(0x00ffff00f0f03c3c) };
	struct pmk_scan_region all[PAGES], some[PAGES];
	struct pmk_scan_arg query;
	struct pmk_scan_iter it;
	struct fake k;
	size_t n, m;

	(void)state;
	query_init(&query);
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		fake_fill(&k, patterns[i]);
		assert_int_equal(collect(&k, &query, PAGES, all, &n, &it), 0);
		assert_int_equal(k.calls, 1);
		for (size_t len = 1; len < 8; len++) {
			fake_fill(&k, patterns[i]);
			assert_int_equal(collect(&k, &query, len, some, &m, &it), 0);
			assert_int_equal(m, n);
			assert_memory_equal(all, some, n * sizeof(*all));
			fake_fill(&k, patterns[i]);
			k.refuse = -ENOTTY_;
			assert_int_equal(collect(&k, &query, len, some, &m, &it), 0);
			assert_true(it.from_pagemap);
			assert_int_equal(m, n);
			assert_memory_equal(all, some, n * sizeof(*all));
		}
	}
}

static void iterate_limit(void **state)
{
	struct pmk_scan_region r[PAGES];
	struct pmk_scan_arg query;
	struct pmk_scan_iter it;
	struct fake k;
	size_t n;

	(void)state;
	query_init(&query);
	query.return_mask = 0;
	for (query.max_pages = 1; query.max_pages < PAGES; query.max_pages++)
		for (int old = 0; old < 2; old++) {
			uint64_t pages = 0;

			fake_fill(&k, UINT64_C(0xff00ff00ff00ffff));
			k.refuse = old ? -ENOTTY_ : 0;
			assert_int_equal(collect(&k, &query, 2, r, &n, &it), 0);
			for (size_t i = 0; i < n; i++)
				pages += (r[i].end - r[i].start) >> 12;
			assert_int_equal(pages, query.max_pages < 40 ? query.max_pages : 40);
		}
}

/* walk_end below what was reported, for ever: SCAN-HUGETLB-PARTIAL-WP. */
static void iterate_partial(void **state)
{
	struct pmk_scan_region r[PAGES];
	struct pmk_scan_arg query;
	struct pmk_scan_iter it;
	struct fake k;
	size_t n;

	(void)state;
	query_init(&query);
	query.return_mask = 0;
	query.flags = PMK_SCAN_WP_MATCHING;
	for (size_t len = 1; len < 20; len++)
		for (unsigned huge = 1; huge < PAGES; huge++) {
			fake_fill(&k, UINT64_C(0xf0f0f0f0f0f0f0f3));
			k.huge = huge;
			k.stuck = true;
			assert_int_equal(collect(&k, &query, len, r, &n, &it), 0);
			assert_true(!it.partial || it.partial == huge * 4096u);
			assert_true(it.partial || len < 16);
			assert_true(n && r[n - 1].end >= (PAGES - 1) * 4096);
		}
}

static void iterate_errors(void **state)
{
	struct pmk_scan_region r[PAGES];
	struct pmk_scan_arg query;
	struct pmk_scan_iter it;
	struct fake k;
	size_t n;

	(void)state;
	query_init(&query);
	fake_fill(&k, 3);
	k.refuse = -EINVAL_; /* nothing newer than 6.7 is asked: our own mistake */
	assert_int_equal(collect(&k, &query, 4, r, &n, &it), -EINVAL_);
	assert_int_equal(k.reads, 0);
	query.return_mask |= PMK_SCAN_GUARD_MASK; /* maybe the kernel does not know it */
	assert_int_equal(collect(&k, &query, 4, r, &n, &it), 0);
	assert_int_equal(n, 2);
	query.category_mask = PMK_SCAN_HUGE_MASK; /* pagemap cannot tell */
	assert_int_equal(collect(&k, &query, 4, r, &n, &it), -95);
	query_init(&query);
	query.flags = PMK_SCAN_WP_MATCHING; /* nor protect */
	k.refuse = -ENOTTY_;
	assert_int_equal(collect(&k, &query, 4, r, &n, &it), -ENOTTY_);
	query.flags = 0;
	query.start = query.end; /* nothing to do, nobody asked */
	k.calls = 0;
	assert_int_equal(collect(&k, &query, 4, r, &n, &it), 0);
	assert_int_equal(k.calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(match),	  cmocka_unit_test(validate),
		cmocka_unit_test(categories),	  cmocka_unit_test(iterate),
		cmocka_unit_test(iterate_limit),  cmocka_unit_test(iterate_partial),
		cmocka_unit_test(iterate_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
