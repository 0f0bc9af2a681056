/* batch.c: arrays of pagemap words at the speed of memory.
 *
 * Loops over blocks without a branch per word, written so that gcc and clang turn them into SIMD on
 * any machine; nothing here names an instruction set. Built with -O3. */
#include "internal.h"

#define FLAGS_SHIFT PMK_PAGEMAP_FRAME_BITS
#define STATE_MASK  (PMK_PAGEMAP_SWAP_MASK | PMK_PAGEMAP_PRESENT_MASK)

/* The flags of a word are its nine top bits. To count several of them in one addition, a word is
 * shifted down and cut to bits that lie six apart: 63 such sums fit before one field runs over into
 * the next. Four masks cover the seven flags. */
enum {
	FIELD_BITS = 6,
	FIELD_MASK = (1 << FIELD_BITS) - 1,
	LANES = 8, /* independent sums */
	ROWS = 63, /* a block is this many rows of LANES words */
};

#define SUM_MASK(low) (UINT64_C(0x41) << (low))

/* Bits of a word shifted down by FLAGS_SHIFT. */
#define FLAG(name)    (PMK_PAGEMAP_##name##_BIT - FLAGS_SHIFT)

static uint64_t field_sum(const uint64_t sums[LANES], unsigned shift, uint64_t mask)
{
	uint64_t sum = 0;

	for (unsigned lane = 0; lane < LANES; lane++)
		sum += sums[lane] >> shift & mask;
	return sum;
}

/* Counts up to ROWS rows. A word with bits 62 and 63 is present, and not swapped. */
static void add_rows(const uint64_t *words, size_t rows, struct pmk_histogram *ret)
{
	uint64_t a[LANES] = { 0 }, b[LANES] = { 0 }, c[LANES] = { 0 }, d[LANES] = { 0 };

	for (size_t row = 0; row < rows; row++, words += LANES) {
		for (unsigned lane = 0; lane < LANES; lane++) {
			uint64_t flags = words[lane] >> FLAGS_SHIFT;

			flags &= ~(flags >> 1 & UINT64_C(1) << FLAG(SWAP));
			a[lane] += flags & SUM_MASK(FLAG(SOFT_DIRTY));
			b[lane] += flags & SUM_MASK(FLAG(EXCLUSIVE));
			c[lane] += flags & SUM_MASK(FLAG(UFFD_WP));
			d[lane] += flags & UINT64_C(1) << FLAG(GUARD);
		}
	}
	ret->soft_dirty += field_sum(a, FLAG(SOFT_DIRTY), FIELD_MASK);
	ret->file += field_sum(a, FLAG(FILE), FIELD_MASK);
	ret->exclusive += field_sum(b, FLAG(EXCLUSIVE), FIELD_MASK);
	ret->swapped += field_sum(b, FLAG(SWAP), FIELD_MASK);
	ret->uffd_wp += field_sum(c, FLAG(UFFD_WP), FIELD_MASK);
	ret->present += field_sum(c, FLAG(PRESENT), FIELD_MASK);
	ret->guard += field_sum(d, FLAG(GUARD), FIELD_MASK);
}

void pmk_batch_histogram(const uint64_t *words, size_t n, struct pmk_histogram *ret)
{
	struct pmk_histogram sum = { 0 };
	uint64_t last[LANES] = { 0 };
	size_t i = 0;

	for (; n - i >= ROWS * LANES; i += ROWS * LANES)
		add_rows(words + i, ROWS, &sum);
	add_rows(words + i, (n - i) / LANES, &sum);
	i += (n - i) / LANES * LANES;
	for (unsigned lane = 0; i < n; i++, lane++)
		last[lane] = words[i];
	add_rows(last, 1, &sum);

	ret->pages += n;
	ret->absent += n - sum.swapped - sum.present;
	ret->swapped += sum.swapped;
	ret->present += sum.present;
	ret->soft_dirty += sum.soft_dirty;
	ret->exclusive += sum.exclusive;
	ret->uffd_wp += sum.uffd_wp;
	ret->guard += sum.guard;
	ret->file += sum.file;
}

static inline uint8_t class_of(uint64_t word)
{
	/* Added to a frame that is not 0, the mask carries into bit 55. */
	uint64_t frame = (word & PMK_PAGEMAP_FRAME_MASK) + PMK_PAGEMAP_FRAME_MASK;

	return (uint8_t)((word >> 55 & 0x0f) | (word >> 57 & 0x70) | (frame >> 48 & 0x80));
}

void pmk_batch_classify(const uint64_t *restrict words, size_t n, uint8_t *restrict ret)
{
	for (size_t i = 0; i < n; i++)
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

static bool host_is_big_endian(void)
{
	const union {
		uint16_t number;
		uint8_t first;
	} probe = { 1 };

	return probe.first == 0;
}

void pmk_words_from_be(uint64_t *words, size_t n)
{
	if (!host_is_big_endian())
		pmk_words_swap(words, n);
}

void pmk_words_from_le(uint64_t *words, size_t n)
{
	if (host_is_big_endian())
		pmk_words_swap(words, n);
}
