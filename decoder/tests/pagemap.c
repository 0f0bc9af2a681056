/* pagemap.c: every word decodes, encodes to itself, and means what the vectors say. */
#include "test.h"

struct vector {
	const char *clause;
	uint64_t word;
	uint32_t kernel;
	enum pmk_page_state state;
	uint64_t frame;
	uint32_t swap_type;
	uint64_t swap_offset;
	enum pmk_swap_kind kind;
	unsigned marker;
	uint64_t flags, unknown;
	enum pmk_invariant broken;
	const char *remark;
};

static const struct vector vectors[] = {
#define VECTOR(clause, word, kernel, state, frame, type, offset, kind, marker, flags, unknown, \
	       inv, remark)                                                                    \
	{ clause,	   word,   kernel, PMK_PAGE_##state, frame,	    type,  offset,     \
	  PMK_SWAP_##kind, marker, flags,  unknown,	     PMK_INV_##inv, remark },
#include "vectors.def"
};

static uint64_t flags_of(const struct pmk_pagemap *page)
{
	return (uint64_t)page->soft_dirty << 55 | (uint64_t)page->exclusive << 56 |
	       (uint64_t)page->uffd_wp << 57 | (uint64_t)page->guard << 58 |
	       (uint64_t)page->file << 61;
}

static void vectors_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct pmk_layout layout;
		struct pmk_pagemap page;

		pmk_layout_init(&layout, v->kernel, PMK_CONFIG_ALL);
		pmk_pagemap_decode(&layout, v->word, &page);
		if (page.state != v->state || page.frame != v->frame ||
		    page.swap_type != v->swap_type || page.swap_offset != v->swap_offset ||
		    page.kind != v->kind || page.marker != v->marker ||
		    flags_of(&page) != v->flags || page.unknown != v->unknown)
			fail_msg("vector %zu (%s) %#llx %s", i, v->clause,
				 (unsigned long long)v->word, v->remark);
		if (pmk_pagemap_check(&layout, v->word) != v->broken)
			fail_msg("vector %zu (%s) %#llx: %s", i, v->clause,
				 (unsigned long long)v->word,
				 pmk_invariant_text(pmk_pagemap_check(&layout, v->word)));
		assert_int_equal(pmk_pagemap_encode(&layout, &page), v->word);
	}
}

/* encode(decode(w)) == w, decode(encode(decode(w))) == decode(w), and no flag is both known and not. */
static void check_word(const struct pmk_layout *layout, uint64_t word)
{
	struct pmk_pagemap page, again;
	uint64_t back;

	memset(&page, 0xa5, sizeof(page));
	memset(&again, 0x5a, sizeof(again));
	pmk_pagemap_decode(layout, word, &page);
	back = pmk_pagemap_encode(layout, &page);
	if (back != word)
		fail_msg("%#llx encodes to %#llx", (unsigned long long)word,
			 (unsigned long long)back);
	pmk_pagemap_decode(layout, back, &again);
	assert_int_equal(again.state, page.state);
	assert_int_equal(again.frame, page.frame);
	assert_int_equal(again.unknown, page.unknown);
	assert_int_equal(flags_of(&again), flags_of(&page));
	assert_int_equal(flags_of(&page) & page.unknown, 0);
	assert_true(page.state == PMK_PAGE_PRESENT || page.frame == 0);
	assert_true((page.state == PMK_PAGE_SWAPPED) == (page.kind != PMK_SWAP_NONE));
	assert_int_equal(page.unknown & ~word, 0);
}

static void check_layout(const struct pmk_layout *layout)
{
	static const uint64_t frames[] = { 0, 1, 0x3f, 0x9f, 0x12345, PMK_PAGEMAP_FRAME_MASK };
	uint64_t random = 88172645463325252u;

	for (uint64_t flags = 0; flags < 512; flags++) {
		for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
			check_word(layout, flags << 55 | frames[i]);
	}
	for (unsigned bit = 0; bit < 64; bit++)
		check_word(layout, UINT64_C(1) << bit);
	for (unsigned i = 0; i < 5000; i++)
		check_word(layout, next_random(&random));
}

static void lossless(void **state)
{
	(void)state;
	check_layout(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(test_kernels); i++) {
		for (unsigned config = 0; config < 32; config++) {
			struct pmk_layout layout;

			pmk_layout_init(&layout, test_kernels[i], config);
			check_layout(&layout);
		}
	}
}

/* Members that no kernel's word could give: encode cuts them to their width. */
static void encode_cuts(void **state)
{
	struct pmk_pagemap page = { .state = PMK_PAGE_PRESENT, .frame = UINT64_MAX };
	struct pmk_layout old;

	(void)state;
	assert_int_equal(pmk_pagemap_encode(NULL, &page),
			 PMK_PAGEMAP_PRESENT_MASK | PMK_PAGEMAP_FRAME_MASK);
	page = (struct pmk_pagemap){ .state = PMK_PAGE_SWAPPED,
				     .swap_type = UINT32_MAX,
				     .swap_offset = UINT64_MAX };
	assert_int_equal(pmk_pagemap_encode(NULL, &page),
			 PMK_PAGEMAP_SWAP_MASK | PMK_PAGEMAP_FRAME_MASK);
	page = (struct pmk_pagemap){ .guard = true, .uffd_wp = true };
	pmk_layout_init(&old, PMK_KERNEL(6, 1, 0), PMK_CONFIG_ALL & ~PMK_CONFIG_UFFD_WP);
	assert_int_equal(pmk_pagemap_encode(&old, &page), 0);
	page = (struct pmk_pagemap){ .page_shift = 255 };
	assert_int_equal(pmk_pagemap_encode(NULL, &page), 0);
	pmk_layout_init(&old, PMK_KERNEL(3, 10, 0), PMK_CONFIG_ALL);
	assert_int_equal(pmk_pagemap_encode(&old, &page), PMK_PAGEMAP_SHIFT_MASK);
}

/* SWAP-TYPE, kernel by kernel. */
static void swap_types(void **state)
{
	static const struct {
		uint32_t kernel;
		unsigned config;
		int hwpoison, migration, device, marker, error;
	} rows[] = {
		{ PMK_KERNEL(5, 10, 0), PMK_CONFIG_ALL, 27, 28, 30, -1, -1 },
		{ PMK_KERNEL(6, 1, 0), PMK_CONFIG_ALL, 22, 23, 26, 30, 31 },
		{ PMK_KERNEL(6, 12, 0), PMK_CONFIG_ALL, 23, 24, 27, 31, -1 },
		{ PMK_KERNEL(7, 3, 0), PMK_CONFIG_ALL, 24, 25, 28, 31, -1 },
		{ PMK_KERNEL(7, 3, 0), 0, -1, -1, -1, 31, -1 },
		{ PMK_KERNEL(7, 3, 0), PMK_CONFIG_MIGRATION, -1, 28, -1, 31, -1 },
		{ PMK_KERNEL(7, 3, 0), PMK_CONFIG_ALL & ~PMK_CONFIG_DEVICE_PRIVATE, 27, 28, -1, 31,
		  -1 },
		{ PMK_KERNEL(2, 6, 25), PMK_CONFIG_ALL, -1, 30, -1, -1, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pmk_layout layout;

		pmk_layout_init(&layout, rows[i].kernel, rows[i].config);
		assert_int_equal(pmk_layout_swap_type(&layout, PMK_SWAP_HWPOISON),
				 rows[i].hwpoison);
		assert_int_equal(pmk_layout_swap_type(&layout, PMK_SWAP_MIGRATION),
				 rows[i].migration);
		assert_int_equal(pmk_layout_swap_type(&layout, PMK_SWAP_DEVICE), rows[i].device);
		assert_int_equal(pmk_layout_swap_type(&layout, PMK_SWAP_MARKER), rows[i].marker);
		assert_int_equal(pmk_layout_swap_type(&layout, PMK_SWAP_SWAPIN_ERROR),
				 rows[i].error);
		assert_int_equal(pmk_layout_swap_type(&layout, PMK_SWAP_REAL), 0);
	}
}

static void current_layout(void **state)
{
	struct pmk_layout layout;

	(void)state;
	pmk_layout_init(&layout, 0, PMK_CONFIG_ALL);
	assert_int_equal(layout.kernel, pmk_layout_current.kernel);
	assert_int_equal(layout.config, pmk_layout_current.config);
	assert_int_equal(layout.era, pmk_layout_current.era);
	assert_int_equal(layout.markers, pmk_layout_current.markers);
	assert_int_equal(layout.flags, pmk_layout_current.flags);
	assert_memory_equal(layout.swap_kind, pmk_layout_current.swap_kind,
			    sizeof(layout.swap_kind));
}

static void offsets(void **state)
{
	(void)state;
	assert_int_equal(pmk_pagemap_offset(UINT64_C(0x7fffffffe000), 12),
			 UINT64_C(0x7fffffffe) * 8);
	assert_int_equal(pmk_pagemap_offset(UINT64_C(0x7fffffffe000), 16),
			 UINT64_C(0x7fffffff) * 8);
	assert_int_equal(pmk_pagemap_offset(UINT64_MAX, 12), UINT64_C(0xfffffffffffff) * 8);
	assert_int_equal(pmk_pagemap_address(pmk_pagemap_offset(UINT64_C(0xffff12345678), 14), 14),
			 UINT64_C(0xffff12344000));
	assert_int_equal(pmk_kpage_offset(UINT64_C(0x123456789)), UINT64_C(0x123456789) * 8);
	assert_int_equal(pmk_kpage_pfn(0x808), 0x101);
	assert_int_equal(pmk_phys(UINT64_C(0x12345678), UINT64_C(0x7ffff0000fff), 12),
			 UINT64_C(0x12345678fff));
	assert_int_equal(pmk_phys(UINT64_C(0x12345678), UINT64_C(0x7fff1234abcd), 16),
			 UINT64_C(0x12345678abcd));
	assert_int_equal(pmk_swap_frame(31, 4), 0x9f);
	assert_int_equal(pmk_swap_type(0x9f), 31);
	assert_int_equal(pmk_swap_offset(0x9f), 4);
	assert_int_equal(pmk_swap_offset(UINT64_MAX), UINT64_C(0x3ffffffffffff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_decode), cmocka_unit_test(lossless),
		cmocka_unit_test(encode_cuts),	  cmocka_unit_test(swap_types),
		cmocka_unit_test(current_layout), cmocka_unit_test(offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
