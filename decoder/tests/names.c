/* names.c: the tables say what the header says, hold each bit and name once, and names round-trip. */
#include <stdio.h>
#include <ctype.h>

#include "test.h"

typedef const struct pmk_bit *describe_fn(unsigned bit);
typedef int from_fn(const char *text, size_t len, uint64_t *ret);
typedef size_t to_fn(uint64_t word, char *buf, size_t size);

static const struct {
	describe_fn *describe;
	from_fn *from;
	to_fn *to;
	uint64_t kept; /* bits that names are for */
	unsigned count;
} tables[] = {
	{ pmk_pagemap_bit, pmk_pagemap_from_names, pmk_pagemap_to_names, PMK_PAGEMAP_FLAGS_MASK,
	  7 },
	{ pmk_kpageflags_bit, pmk_kpageflags_from_names, pmk_kpageflags_to_names, UINT64_MAX, 38 },
	{ pmk_scan_category, pmk_scan_from_names, pmk_scan_to_names, UINT64_MAX, 10 },
};

/* The header's numbers and masks, held against the lines they came from. */
static void header_agrees(void **state)
{
	(void)state;
#define PMK_PAGEMAP_BIT(id, number, text, since, until, meaning, clause)  \
	assert_int_equal(PMK_PAGEMAP_##id##_BIT, number);                 \
	assert_int_equal(PMK_PAGEMAP_##id##_MASK, UINT64_C(1) << number); \
	assert_string_equal(pmk_pagemap_bit(number)->name, text);
#define PMK_KPF_BIT(id, number, text, since, until, meaning, clause)  \
	assert_int_equal(PMK_KPF_##id##_BIT, number);                 \
	assert_int_equal(PMK_KPF_##id##_MASK, UINT64_C(1) << number); \
	assert_string_equal(pmk_kpageflags_bit(number)->name, text);
#define PMK_SCAN_CATEGORY(id, number, text, since, until, meaning, clause) \
	assert_int_equal(PMK_SCAN_##id##_BIT, number);                     \
	assert_int_equal(PMK_SCAN_##id##_MASK, UINT64_C(1) << number);     \
	assert_string_equal(pmk_scan_category(number)->name, text);
#define PMK_SCAN_FLAG(id, number, text, since, until, meaning, clause) \
	assert_int_equal(PMK_SCAN_##id##_BIT, number);                 \
	assert_int_equal(PMK_SCAN_##id, UINT64_C(1) << number);        \
	assert_string_equal(pmk_scan_flag(number)->name, text);
#include "bits.def"
}

/* The kernel's own numbers, from its ABI and not from our table. */
static void kernel_numbers(void **state)
{
	(void)state;
	assert_int_equal(PMK_PAGEMAP_SOFT_DIRTY_BIT, 55);
	assert_int_equal(PMK_PAGEMAP_EXCLUSIVE_BIT, 56);
	assert_int_equal(PMK_PAGEMAP_UFFD_WP_BIT, 57);
	assert_int_equal(PMK_PAGEMAP_GUARD_BIT, 58);
	assert_int_equal(PMK_PAGEMAP_FILE_BIT, 61);
	assert_int_equal(PMK_PAGEMAP_SWAP_BIT, 62);
	assert_int_equal(PMK_PAGEMAP_PRESENT_BIT, 63);
	assert_int_equal(PMK_PAGEMAP_FRAME_MASK, UINT64_C(0x7fffffffffffff));
	assert_int_equal(PMK_KPF_LOCKED_BIT, 0);
	assert_int_equal(PMK_KPF_BUDDY_BIT, 10);
	assert_int_equal(PMK_KPF_COMPOUND_TAIL_BIT, 16);
	assert_int_equal(PMK_KPF_HUGE_BIT, 17);
	assert_int_equal(PMK_KPF_NOPAGE_BIT, 20);
	assert_int_equal(PMK_KPF_THP_BIT, 22);
	assert_int_equal(PMK_KPF_PGTABLE_BIT, 26);
	assert_int_equal(PMK_KPF_RESERVED_BIT, 32);
	assert_int_equal(PMK_KPF_ARCH_3_BIT, 42);
	assert_int_equal(PMK_SCAN_SOFT_DIRTY_BIT, 7);
	assert_int_equal(PMK_SCAN_ACCESSED_BIT, 9);
	assert_int_equal(PMK_SCAN_WP_MATCHING, 1);
	assert_int_equal(PMK_SCAN_CHECK_WPASYNC, 2);
}

static void tables_hold_each_once(void **state)
{
	(void)state;
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		unsigned count = 0;

		for (unsigned bit = 0; bit < 200; bit++) {
			const struct pmk_bit *b = tables[t].describe(bit);

			if (!b)
				continue;
			count++;
			assert_int_equal(b->bit, bit);
			assert_true(b->name[0] && b->meaning[0] && b->clause[0]);
			assert_true(b->until == 0 || b->until > b->since);
			assert_true(strlen(b->meaning) <= (t == 1 ? 40 : 64));
			for (unsigned other = 0; other < bit; other++) {
				const struct pmk_bit *o = tables[t].describe(other);

				assert_true(!o || strcmp(o->name, b->name) != 0);
			}
		}
		assert_int_equal(count, tables[t].count);
	}
}

static void round_trip(size_t t, uint64_t word)
{
	char text[1024];
	uint64_t back = ~word;
	size_t len = tables[t].to(word, text, sizeof(text));

	assert_true(len < sizeof(text));
	assert_int_equal(strlen(text), len);
	assert_int_equal(tables[t].from(text, len, &back), 0);
	assert_int_equal(back, word & tables[t].kept);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	assert_int_equal(tables[t].from(text, len, &back), 0);
	assert_int_equal(back, word & tables[t].kept);
}

static void names_round_trip(void **state)
{
	uint64_t random = 1234567;

	(void)state;
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		round_trip(t, 0);
		round_trip(t, UINT64_MAX);
		for (unsigned bit = 0; bit < 64; bit++)
			round_trip(t, UINT64_C(1) << bit);
		for (unsigned i = 0; i < 2000; i++)
			round_trip(t, next_random(&random));
	}
}

static void from_names(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t word;
	} rows[] = {
		{ "", 0, 0 },
		{ " ,|\t\n", 0, 0 },
		{ "LRU", 0, 0x20 },
		{ "lru|Dirty,  uptodate", 0, 0x38 },
		{ "MAPPEDTODISK", 0, UINT64_C(1) << 34 },
		{ "balloon", 0, 1 << 23 },
		{ "compound-head", 0, 1 << 15 },
		{ "BIT27 bit0 BIT63", 0, UINT64_C(1) << 63 | 1 << 27 | 1 },
		{ "LRU,FOO", PMK_ERR_NAME, 0 },
		{ "LR", PMK_ERR_NAME, 0 },
		{ "LRUX", PMK_ERR_NAME, 0 },
		{ "BIT64", PMK_ERR_NAME, 0 },
		{ "BIT07", PMK_ERR_NAME, 0 },
		{ "BIT", PMK_ERR_NAME, 0 },
		{ "BIT1x", PMK_ERR_NAME, 0 },
		{ "BIT100", PMK_ERR_NAME, 0 },
		{ "0x20", PMK_ERR_NAME, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t word = UINT64_C(0xdead);

		assert_int_equal(
			pmk_kpageflags_from_names(rows[i].text, strlen(rows[i].text), &word),
			rows[i].result);
		assert_int_equal(word, rows[i].result ? UINT64_C(0xdead) : rows[i].word);
	}
}

/* Cut text has its NUL, and the length of the whole. */
static void cut_short(void **state)
{
	char text[32];

	(void)state;
	assert_int_equal(pmk_kpageflags_to_names(0x28, NULL, 0), 12);
	memset(text, '#', sizeof(text));
	assert_int_equal(pmk_kpageflags_to_names(0x28, text, 5), 12);
	assert_string_equal(text, "UPTO");
	assert_int_equal(text[5], '#');
	memset(text, '#', sizeof(text));
	assert_int_equal(pmk_kpageflags_to_names(0x28, text, 12), 12);
	assert_string_equal(text, "UPTODATE LR");
	assert_int_equal(text[12], '#');
	assert_int_equal(pmk_kpageflags_to_names(0x28, text, 13), 12);
	assert_string_equal(text, "UPTODATE LRU");
	assert_int_equal(pmk_pagemap_to_names(UINT64_C(0x8800000000000007), text, sizeof(text)),
			 13);
	assert_string_equal(text, "BIT59 present");
}

static void other_texts(void **state)
{
	char version[32];

	(void)state;
	for (int i = 0; i < PMK_INV_COUNT; i++) {
		assert_non_null(pmk_invariant_text((enum pmk_invariant)i));
		assert_non_null(pmk_invariant_clause((enum pmk_invariant)i));
	}
	assert_string_equal(pmk_invariant_text(PMK_INV_COUNT), "?");
	for (int i = 0; i < PMK_SWAP_KINDS; i++)
		assert_string_not_equal(pmk_swap_kind_name((enum pmk_swap_kind)i), "?");
	for (int i = 0; i < PMK_MAPS_KINDS; i++)
		assert_string_not_equal(pmk_maps_kind_name((enum pmk_maps_kind)i), "?");
	for (int i = PMK_ERR_SPACE; i <= 0; i++)
		assert_string_not_equal(pmk_error_text(i), "unknown error");
	assert_string_equal(pmk_error_text(1), "unknown error");
	snprintf(version, sizeof(version), "%d.%d.%d", PMK_VERSION_MAJOR, PMK_VERSION_MINOR,
		 PMK_VERSION_PATCH);
	assert_string_equal(pmk_version(), version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_agrees),    cmocka_unit_test(kernel_numbers),
		cmocka_unit_test(names_round_trip), cmocka_unit_test(tables_hold_each_once),
		cmocka_unit_test(from_names),	    cmocka_unit_test(cut_short),
		cmocka_unit_test(other_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
