/* batch.c: arrays of pagemap words at the speed of memory.
 *
 * No branch per word. The two busiest loops spell out their SIMD with the vector types of gcc and
 * clang, which name no instruction set and work on any machine; the others are left to -O3. */
#include <string.h>

#include "internal.h"

#define STATE_MASK (PMK_PAGEMAP_SWAP_MASK | PMK_PAGEMAP_PRESENT_MASK)

typedef uint32_t vec __attribute__((vector_size(16)));

/* i386 without SSE passes vectors in another way than with it: of no matter to inline functions. */
#pragma GCC diagnostic ignored "-Wpsabi"

enum {
	VEC_WORDS = 2,
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	HIGH = 0,
#else
	HIGH = 1, /* which half of a word has the flags */
#endif
};

static inline vec load(const uint64_t *words)
{
	vec v;

	memcpy(&v, words, sizeof(v));
	return v;
}

/* A row is a cache line: ask for that of a page ahead, which may lie past the array and then is not
 * fetched. The machine's own prefetch alone leaves a sixth of the speed. */
static inline void prefetch(const uint64_t *words)
{
	__builtin_prefetch((const void *)((uintptr_t)words + 4096));
}

/* The high halves of four words: two from a, two from b. */
static inline vec high_halves(vec a, vec b)
{
	return (vec){ a[HIGH], a[HIGH + 2], b[HIGH], b[HIGH + 2] };
}

/* The high 16 bits of four words and of four more in one vector. */
static inline vec high_quarters(vec high, vec low)
{
	return (high & UINT32_C(0xffff0000)) | low >> 16;
}

/* Where a flag is in 16 bits, and that in both halves of 32. */
#define FLAG(name)    (PMK_PAGEMAP_##name##_BIT - 48)
#define BOTH(name)    (UINT32_C(0x00010001) << FLAG(name))
#define PAIR(one, up) (BOTH(one) | BOTH(up))

/* To count several flags in one addition, words are moved down to bit 0 and cut to bits that lie six
 * apart: 63 such sums fit before one field runs over into the next. Four masks cover the seven flags. */
enum {
	DOWN = FLAG(SOFT_DIRTY),
	FIELD_MASK = 0x3f,
	ROWS = FIELD_MASK, /* a block is at most this many rows */
	CHUNK = 1 << 24,
	STEP = 4 * VEC_WORDS, /* of so many words */
};

/* Sums of the seven flags, eight of each. */
struct totals {
	vec soft_dirty, exclusive, uffd_wp, guard, file, swapped, present;
};

static inline vec field(vec sums, unsigned at)
{
	return (sums >> at & FIELD_MASK) + (sums >> (at + 16) & FIELD_MASK);
}

static void add_rows(const uint64_t *words, size_t rows, struct totals *totals)
{
	vec a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };

	for (size_t row = 0; row < rows; row++, words += STEP) {
		vec high = high_halves(load(words), load(words + VEC_WORDS));
		vec low = high_halves(load(words + 2 * VEC_WORDS), load(words + 3 * VEC_WORDS));
		vec flags = high_quarters(high, low);

		prefetch(words);
		/* A word with bits 62 and 63 is present, and not swapped. */
		flags &= ~(flags >> 1 & BOTH(SWAP));
		flags >>= DOWN;
		a += flags & PAIR(SOFT_DIRTY, FILE) >> DOWN;
		b += flags & PAIR(EXCLUSIVE, SWAP) >> DOWN;
		c += flags & PAIR(UFFD_WP, PRESENT) >> DOWN;
		d += flags & BOTH(GUARD) >> DOWN;
	}
	totals->soft_dirty += field(a, FLAG(SOFT_DIRTY) - DOWN);
	totals->file += field(a, FLAG(FILE) - DOWN);
	totals->exclusive += field(b, FLAG(EXCLUSIVE) - DOWN);
	totals->swapped += field(b, FLAG(SWAP) - DOWN);
	totals->uffd_wp += field(c, FLAG(UFFD_WP) - DOWN);
	totals->present += field(c, FLAG(PRESENT) - DOWN);
	totals->guard += field(d, FLAG(GUARD) - DOWN);
}

static uint64_t total(vec sums)
{
	return (uint64_t)sums[0] + sums[1] + sums[2] + sums[3];
}

/* Words of a number that 32-bit sums hold. */
static void add_words(const uint64_t *words, size_t n, struct pmk_histogram *ret)
{
	struct totals totals = { 0 };
	uint64_t last[STEP] = { 0 };
	size_t i = 0;

	for (; n - i >= ROWS * STEP; i += ROWS * STEP)
		add_rows(words + i, ROWS, &totals);
	add_rows(words + i, (n - i) / STEP, &totals);
	i += (n - i) / STEP * STEP;
	if (i < n)
		memcpy(last, words + i, (n - i) * sizeof(*words));
	add_rows(last, 1, &totals);

	ret->pages += n;
	ret->absent += n - total(totals.swapped) - total(totals.present);
	ret->swapped += total(totals.swapped);
	ret->present += total(totals.present);
	ret->soft_dirty += total(totals.soft_dirty);
	ret->exclusive += total(totals.exclusive);
	ret->uffd_wp += total(totals.uffd_wp);
	ret->guard += total(totals.guard);
	ret->file += total(totals.file);
}

void pmk_batch_histogram(const uint64_t *words, size_t n, struct pmk_histogram *ret)
{
	for (; n > CHUNK; n -= CHUNK, words += CHUNK)
		add_words(words, CHUNK, ret);
	add_words(words, n, ret);
}

/* Class bits 0 to 3 are bits 55 to 58, class bits 4 to 6 are bits 61 to 63. */
static inline uint8_t class_of(uint64_t word)
{
	return (uint8_t)((word >> 55 & 0x0f) | (word >> 57 & 0x70));
}

/* The same in 16-bit halves. */
static inline vec classes_of(vec quarters)
{
	return (quarters >> 7 & UINT32_C(0x000f000f)) | (quarters >> 9 & UINT32_C(0x00700070));
}

/* Sixteen words to sixteen bytes. Byte k of lane j is to be word 4 * j + k, so the words of one k are
 * gathered first; then no byte has to move. */
static inline void classify_16(const uint64_t *words, uint8_t *ret)
{
	vec w01_45 = high_halves(load(words), load(words + 4));
	vec w23_67 = high_halves(load(words + 2), load(words + 6));
	vec w89_cd = high_halves(load(words + 8), load(words + 12));
	vec wab_ef = high_halves(load(words + 10), load(words + 14));
	vec byte0 = { w01_45[0], w01_45[2], w89_cd[0], w89_cd[2] };
	vec byte1 = { w01_45[1], w01_45[3], w89_cd[1], w89_cd[3] };
	vec byte2 = { w23_67[0], w23_67[2], wab_ef[0], wab_ef[2] };
	vec byte3 = { w23_67[1], w23_67[3], wab_ef[1], wab_ef[3] };
	vec out = classes_of(high_quarters(byte2, byte0)) | classes_of(high_quarters(byte3, byte1))
								    << 8;

	memcpy(ret, &out, sizeof(out));
}

void pmk_batch_classify(const uint64_t *words, size_t n, uint8_t *ret)
{
	size_t i = 0;

	if (HIGH == 1) {
		for (; n - i >= 16; i += 16)
			classify_16(words + i, ret + i);
	}
	for (; i < n; i++)
		ret[i] = class_of(words[i]);
}

size_t pmk_batch_run_mask(const uint64_t *words, size_t n, uint64_t mask)
{
	enum { BLOCK = 64 };
	size_t i = 0;

	for (; n - i >= BLOCK; i += BLOCK) {
		uint64_t differ = 0;

		for (size_t k = 0; k < BLOCK; k++)
			differ |= words[i + k] ^ words[0];
		if (differ & mask)
			break;
	}
	while (i < n && !((words[i] ^ words[0]) & mask))
		i++;
	return i;
}

/* The state is bit 63, and bit 62 only where bit 63 is not set. */
size_t pmk_batch_run(const uint64_t *words, size_t n)
{
	if (n > 0 && words[0] & PMK_PAGEMAP_PRESENT_MASK)
		return pmk_batch_run_mask(words, n, PMK_PAGEMAP_PRESENT_MASK);
	return pmk_batch_run_mask(words, n, STATE_MASK);
}

size_t pmk_batch_pfns(const uint64_t *words, size_t n, uint64_t *ret)
{
	size_t found = 0;

	/* Always stored, only sometimes kept: found never passes i. */
	for (size_t i = 0; i < n; i++) {
		uint64_t word = words[i];

		ret[found] = word & PMK_PAGEMAP_FRAME_MASK;
		found += word >> PMK_PAGEMAP_PRESENT_BIT;
	}
	return found;
}

void pmk_words_swap(uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		words[i] = pmk_word_swap(words[i]);
}

void pmk_words_from_be(uint64_t *words, size_t n)
{
	if (HIGH == 1)
		pmk_words_swap(words, n);
}

void pmk_words_from_le(uint64_t *words, size_t n)
{
	if (HIGH == 0)
		pmk_words_swap(words, n);
}
