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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(match),
		cmocka_unit_test(validate),
		cmocka_unit_test(categories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
