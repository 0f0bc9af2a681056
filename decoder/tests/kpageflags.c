/* kpageflags.c: words seen on real kernels pass the check, and each rule catches its own. */
#include "test.h"

#define K(a, b) PMK_KERNEL(a, b, 0)

static const struct {
	const char *names;
	uint32_t kernel;
	enum pmk_invariant broken;
} rows[] = {
	/* legal, however odd (KPF-INV-NO) */
	{ "", 0, PMK_INV_OK },
	{ "UPTODATE MMAP ANON SWAPBACKED OWNER_2", 0, PMK_INV_OK },
	{ "REFERENCED PGTABLE", 0, PMK_INV_OK },
	{ "UPTODATE BUDDY", 0, PMK_INV_OK },
	{ "SLAB ANON", 0, PMK_INV_OK },
	{ "SLAB ANON KSM", 0, PMK_INV_OK },
	{ "COMPOUND_TAIL", 0, PMK_INV_OK },
	{ "ZERO_PAGE RESERVED", 0, PMK_INV_OK },
	{ "ZERO_PAGE THP COMPOUND_TAIL", 0, PMK_INV_OK },
	{ "COMPOUND_HEAD HUGE MMAP", 0, PMK_INV_OK },
	{ "NOPAGE", K(6, 12), PMK_INV_OK },
	{ "NOPAGE", 0, PMK_INV_OK },
	{ "ERROR", K(6, 11), PMK_INV_OK },
	{ "UNCACHED", K(6, 11), PMK_INV_OK },
	{ "SWAPCACHE", K(4, 9), PMK_INV_OK },
	{ "ARCH_3", K(6, 2), PMK_INV_OK },
	/* each rule */
	{ "BIT27", 0, PMK_INV_KPF_REST },
	{ "BIT31", 0, PMK_INV_KPF_REST },
	{ "BIT43", 0, PMK_INV_KPF_REST },
	{ "BIT63", 0, PMK_INV_KPF_REST },
	{ "ERROR", K(6, 12), PMK_INV_KPF_KERNEL },
	{ "UNCACHED", K(6, 12), PMK_INV_KPF_KERNEL },
	{ "SOFTDIRTY", 0, PMK_INV_KPF_KERNEL },
	{ "ARCH_3", K(6, 1), PMK_INV_KPF_KERNEL },
	{ "NOPAGE LRU", 0, PMK_INV_KPF_NOPAGE },
	{ "COMPOUND_HEAD COMPOUND_TAIL", 0, PMK_INV_KPF_HEAD_TAIL },
	{ "COMPOUND_HEAD HUGE THP", 0, PMK_INV_KPF_HUGE_THP },
	{ "HUGE", 0, PMK_INV_KPF_HUGE_COMPOUND },
	{ "THP", 0, PMK_INV_KPF_THP_COMPOUND },
	{ "KSM", 0, PMK_INV_KPF_KSM_ANON },
	{ "SWAPCACHE", 0, PMK_INV_KPF_SWAPCACHE },
	{ "SWAPCACHE", K(4, 10), PMK_INV_KPF_SWAPCACHE },
	{ "SLAB BUDDY", 0, PMK_INV_KPF_TYPES },
	{ "OFFLINE PGTABLE", 0, PMK_INV_KPF_TYPES },
	{ "COMPOUND_HEAD HUGE SLAB", 0, PMK_INV_KPF_TYPES },
	{ "MMAP BUDDY", 0, PMK_INV_KPF_MAPPED },
	{ "MMAP PGTABLE", 0, PMK_INV_KPF_MAPPED },
	{ "MMAP OFFLINE", 0, PMK_INV_KPF_MAPPED },
	{ "ZERO_PAGE LRU", 0, PMK_INV_KPF_ZERO },
	{ "ZERO_PAGE ANON", 0, PMK_INV_KPF_ZERO },
};

static void invariants(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t word;

		assert_int_equal(
			pmk_kpageflags_from_names(rows[i].names, strlen(rows[i].names), &word), 0);
		if (pmk_kpageflags_check(rows[i].kernel, word) != rows[i].broken)
			fail_msg("%s: %s", rows[i].names,
				 pmk_invariant_text(pmk_kpageflags_check(rows[i].kernel, word)));
	}
}

static void small_accessors(void **state)
{
	(void)state;
	assert_true(pmk_kpageflags_is_anon(PMK_KPF_ANON_MASK | PMK_KPF_LRU_MASK));
	assert_false(pmk_kpageflags_is_anon(PMK_KPF_ANON_MASK | PMK_KPF_SLAB_MASK));
	assert_false(pmk_kpageflags_is_anon(0));
	assert_int_equal(pmk_kpagecount_mappings(3), 3);
	assert_true(pmk_kpagecount_valid(INT32_MAX));
	assert_false(pmk_kpagecount_valid(UINT64_C(0xfffffffff0000001)));
	assert_int_equal(pmk_kpagecount_mappings(UINT64_C(0xfffffffff0000001)), 0);
	assert_true(pmk_kpagecgroup_charged(1));
	assert_false(pmk_kpagecgroup_charged(0));
	assert_int_equal(pmk_kpageflags_known(K(2, 6)), 0);
	assert_int_equal(pmk_kpageflags_known(PMK_KERNEL(2, 6, 25)), 0x7ff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invariants),
		cmocka_unit_test(small_accessors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
