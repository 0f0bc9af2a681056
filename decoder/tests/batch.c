/* batch.c: what a batch says of an array is what single calls say of its words. */
#include <stdlib.h>

#include "test.h"

enum { MAX = 5000 };

static uint64_t room[MAX + 8];

/* Words that look like a kernel's, and any words. */
static void fill(uint64_t *words, size_t n, uint64_t *random, bool any)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t r = next_random(random);

		words[i] = r;
		if (!any)
			words[i] = r % 3 == 0 ? 0 : (r & ~(PMK_PAGEMAP_SWAP_MASK >> (r % 3 - 1)));
	}
}

static struct pmk_histogram count_singly(const uint64_t *words, size_t n)
{
	struct pmk_histogram h = { .pages = n };

	for (size_t i = 0; i < n; i++) {
		struct pmk_pagemap page;

		pmk_pagemap_decode(NULL, words[i], &page);
		h.absent += page.state == PMK_PAGE_ABSENT;
		h.swapped += page.state == PMK_PAGE_SWAPPED;
		h.present += page.state == PMK_PAGE_PRESENT;
		h.soft_dirty += page.soft_dirty;
		h.exclusive += page.exclusive;
		h.uffd_wp += page.uffd_wp;
		h.guard += page.guard;
		h.file += page.file;
	}
	return h;
}

static uint8_t classify_singly(uint64_t word)
{
	struct pmk_pagemap page;

	pmk_pagemap_decode(NULL, word, &page);
	return (uint8_t)((page.soft_dirty ? PMK_CLASS_SOFT_DIRTY : 0) |
			 (page.exclusive ? PMK_CLASS_EXCLUSIVE : 0) |
			 (page.uffd_wp ? PMK_CLASS_UFFD_WP : 0) |
			 (page.guard ? PMK_CLASS_GUARD : 0) | (page.file ? PMK_CLASS_FILE : 0) |
			 (word & PMK_PAGEMAP_SWAP_MASK ? PMK_CLASS_SWAP : 0) |
			 (word & PMK_PAGEMAP_PRESENT_MASK ? PMK_CLASS_PRESENT : 0));
}

static void check(const uint64_t *words, size_t n)
{
	struct pmk_histogram singly = count_singly(words, n), batch = { 0 };
	uint64_t *pfns = malloc((n + 1) * sizeof(*pfns));
	uint8_t *classes = malloc(n + 1);
	size_t found, k = 0;

	pmk_batch_histogram(words, n, &batch);
	assert_memory_equal(&batch, &singly, sizeof(batch));
	classes[n] = 0xa5;
	pmk_batch_classify(words, n, classes);
	assert_int_equal(classes[n], 0xa5);
	pfns[n] = 0xa5a5;
	found = pmk_batch_pfns(words, n, pfns);
	assert_int_equal(pfns[n], 0xa5a5);
	assert_int_equal(found, singly.present);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(classes[i], classify_singly(words[i]));
		if (words[i] & PMK_PAGEMAP_PRESENT_MASK)
			assert_int_equal(pfns[k++], words[i] & PMK_PAGEMAP_FRAME_MASK);
	}
	free(pfns);
	free(classes);
}

/* Exactly as long as said, so that a sanitizer sees a read or write too far. */
static void lengths(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (size_t n = 0; n < 1200; n += n < 70 ? 1 : 31) {
		uint64_t *words = malloc(n * sizeof(*words) + 1);

		for (int any = 0; any < 2; any++) {
			fill(words, n, &random, any);
			check(words, n);
		}
		free(words);
	}
	for (unsigned shift = 0; shift < 8; shift++) {
		fill(room, MAX + 8, &random, shift & 1);
		check(room + shift, MAX - shift);
	}
}

/* Every field of the packed sums full: all bits in all words. */
static void all_ones(void **state)
{
	(void)state;
	memset(room, 0xff, sizeof(room));
	for (size_t n = 0; n < MAX; n += 251)
		check(room, n);
}

/* Counts are added to what is there. */
static void histogram_adds(void **state)
{
	const uint64_t words[] = { 0, PMK_PAGEMAP_PRESENT_MASK, PMK_PAGEMAP_SWAP_MASK };
	struct pmk_histogram h = { 0 };

	(void)state;
	pmk_batch_histogram(words, 3, &h);
	pmk_batch_histogram(words, 2, &h);
	assert_int_equal(h.pages, 5);
	assert_int_equal(h.absent, 2);
	assert_int_equal(h.present, 2);
	assert_int_equal(h.swapped, 1);
}

/* More than the inner sums hold at a time; untouched memory costs nothing. */
static void many_words(void **state)
{
	size_t n = ((size_t)1 << 25) + 3;
	uint64_t *words = calloc(n, sizeof(*words));
	struct pmk_histogram h = { 0 };

	(void)state;
	if (!words)
		skip();
	words[0] = words[n / 2] = words[n - 1] = PMK_PAGEMAP_PRESENT_MASK;
	pmk_batch_histogram(words, n, &h);
	assert_int_equal(h.pages, n);
	assert_int_equal(h.present, 3);
	assert_int_equal(h.absent, n - 3);
	free(words);
}

static void runs(void **state)
{
	static const uint64_t states[] = { 0, PMK_PAGEMAP_SWAP_MASK, PMK_PAGEMAP_PRESENT_MASK };

	(void)state;
	assert_int_equal(pmk_batch_run(room, 0), 0);
	for (size_t run = 1; run < 400; run++) {
		for (unsigned a = 0; a < 3; a++) {
			for (unsigned b = 0; b < 3; b++) {
				for (size_t i = 0; i < 400; i++)
					room[i] = states[i < run ? a : b] | i;
				assert_int_equal(pmk_batch_run(room, 400), a == b ? 400 : run);
				assert_int_equal(pmk_batch_run(room, run), run);
			}
		}
	}
	/* present is present, whatever bit 62 says */
	room[0] = PMK_PAGEMAP_PRESENT_MASK;
	room[1] = PMK_PAGEMAP_PRESENT_MASK | PMK_PAGEMAP_SWAP_MASK;
	assert_int_equal(pmk_batch_run(room, 2), 2);
	assert_int_equal(pmk_batch_run_mask(room, 2, UINT64_MAX), 1);
	assert_int_equal(pmk_batch_run_mask(room, 2, 0), 2);
}

static void pfns_in_place(void **state)
{
	uint64_t words[] = { 5, PMK_PAGEMAP_PRESENT_MASK | 6, PMK_PAGEMAP_SWAP_MASK | 7,
			     UINT64_MAX };

	(void)state;
	assert_int_equal(pmk_batch_pfns(words, 4, words), 2);
	assert_int_equal(words[0], 6);
	assert_int_equal(words[1], PMK_PAGEMAP_FRAME_MASK);
}

static void byte_order(void **state)
{
	const uint8_t big[] = { 0x81, 0x80, 0, 0, 0, 1, 0x23, 0x45 };
	const uint8_t little[] = { 0x45, 0x23, 1, 0, 0, 0, 0x80, 0x81 };
	uint64_t words[3];

	(void)state;
	memcpy(&words[0], big, 8);
	memcpy(&words[1], big, 8);
	memcpy(&words[2], little, 8);
	pmk_words_from_be(words, 2);
	pmk_words_from_le(words + 2, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(words[i], UINT64_C(0x8180000000012345));
	pmk_words_swap(words, 3);
	assert_int_equal(words[2], UINT64_C(0x4523010000008081));
	assert_int_equal(pmk_word_swap(words[0]), UINT64_C(0x8180000000012345));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),	  cmocka_unit_test(all_ones),
		cmocka_unit_test(histogram_adds), cmocka_unit_test(runs),
		cmocka_unit_test(pfns_in_place),  cmocka_unit_test(byte_order),
		cmocka_unit_test(many_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
