/*
 * The batch calls say of an array what the single calls say of its words: of any length, also one no vector
 * divides, and at any place in memory.
 *
 * Input: how many words of the array to leave out at the front, a mask, the words.
 */
#include "fuzz.h"
#include "pagemapkit.h"

static unsigned state(uint64_t word)
{
	return word >> 63 ? 2 : word >> 62;
}

static void check_words(const uint64_t *word, size_t n, uint64_t mask, uint8_t *class,
			uint64_t *pfn)
{
	struct pmk_histogram sum = { .pages = 1000 }, one = { .pages = 1000 };
	size_t run = n ? 1 : 0, same = run, present = 0;

	pmk_batch_classify(word, n, class);
	for (size_t i = 0; i < n; i++) {
		struct pmk_pagemap page;

		pmk_pagemap_decode(NULL, word[i], &page);
		one.pages++;
		one.absent += page.state == PMK_PAGE_ABSENT;
		one.swapped += page.state == PMK_PAGE_SWAPPED;
		one.present += page.state == PMK_PAGE_PRESENT;
		one.soft_dirty += page.soft_dirty;
		one.exclusive += page.exclusive;
		one.uffd_wp += page.uffd_wp;
		one.guard += page.guard;
		one.file += page.file;
		CHECK(class[i] == (page.soft_dirty | page.exclusive << 1 | page.uffd_wp << 2 |
				   page.guard << 3 | page.file << 4 | (word[i] >> 62 & 1) << 5 |
				   (word[i] >> 63) << 6),
		      "classify() agrees with decode()");
		if (page.state == PMK_PAGE_PRESENT)
			pfn[present++] = page.frame;
	}
	pmk_batch_histogram(word, n, &sum);
	CHECK(!memcmp(&sum, &one, sizeof(sum)), "histogram() counts what decode() says");
	while (run && run < n && state(word[run]) == state(word[0]))
		run++;
	while (same && same < n && !((word[same] ^ word[0]) & mask))
		same++;
	CHECK(pmk_batch_run(word, n) == run, "run() is of one state");
	CHECK(pmk_batch_run_mask(word, n, mask) == same, "run_mask() agrees in the mask");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	size_t skip = fuzz_byte(&in) & 7, all, n;
	uint64_t mask = fuzz_u64(&in), *block, *word, *pfn, *copy;
	uint8_t *class;

	all = in.size / 8;
	skip = skip < all ? skip : all;
	n = all - skip;
	block = malloc(all * 8 + 8);
	pfn = malloc(n * 8 + 8);
	copy = malloc(n * 8 + 8);
	class = malloc(n + 1);
	if (!block || !pfn || !copy || !class)
		abort();
	for (size_t i = 0; i < all; i++)
		block[i] = fuzz_u64(&in);
	word = block + skip;
	memcpy(copy, word, n * 8);
	memset(pfn, 0, n * 8);
	check_words(word, n, mask, class, pfn);
	CHECK(!memcmp(copy, word, n * 8), "words are only read");

	pmk_words_swap(copy, n);
	for (size_t i = 0; i < n; i++)
		CHECK(copy[i] == pmk_word_swap(word[i]), "words_swap() swaps each");
	pmk_words_from_be(copy, n);
	pmk_words_from_le(copy, n);
	CHECK(!memcmp(copy, word, n * 8), "big-endian words are the swapped ones, or the host is");
	n = pmk_batch_pfns(word, n, copy);
	CHECK(!memcmp(copy, pfn, n * 8), "pfns() are those of the present pages");
	all -= skip;
	CHECK(pmk_batch_pfns(word, all, word) == n && !memcmp(word, pfn, n * 8),
	      "pfns() in place are the same");
	free(block);
	free(pfn);
	free(copy);
	free(class);
	return 0;
}
