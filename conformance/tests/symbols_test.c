/* SPDX-License-Identifier: MIT */
/* symbols_test.c - names and values are a bijection, and what was tried can be undone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "symbols.h"

static char buf[160];

static bool bind(struct pmk_symbols *s, const char *name, uint64_t index, uint64_t value,
		 uint64_t n)
{
	struct pmk_text why = PMK_TEXT(buf);

	pmk_text_clear(&why);
	return pmk_symbols_bind(s, PMK_SYMBOL_PFN, name, index, value, n, &why);
}

static void test_bijection(void **state)
{
	struct pmk_symbols *s = pmk_symbols_create();
	struct pmk_text why = PMK_TEXT(buf);

	(void)state;
	assert_true(bind(s, "A", 0, 100, 4));
	assert_true(bind(s, "A", 2, 102, 1));
	assert_true(bind(s, "A", 2, 102, 6)); /* the rest is new */
	assert_true(bind(s, "A", 7, 107, 1));
	assert_false(bind(s, "A", 7, 108, 1));
	assert_string_equal(buf, "pfn A[7] is 0x6c here and was 0x6b");
	assert_false(bind(s, "B", 0, 98, 3));
	assert_string_equal(buf, "pfn B[2] is 0x64, which is A[0]");
	assert_true(bind(s, "B", 10, 108, 1));
	assert_true(pmk_symbols_bind(s, PMK_SYMBOL_OFFSET, "B", 0, 100, 4, &why));
	pmk_symbols_destroy(s);
}

static void test_rollback(void **state)
{
	struct pmk_symbols *s = pmk_symbols_create();

	(void)state;
	assert_true(bind(s, "A", 0, 100, 2));
	pmk_symbols_commit(s);
	assert_true(bind(s, "A", 0, 100, 3));
	assert_true(bind(s, "B", 0, 200, 1));
	pmk_symbols_rollback(s);
	assert_true(bind(s, "C", 0, 102, 1));
	assert_true(bind(s, "B", 0, 201, 1));
	assert_false(bind(s, "C", 1, 100, 1));
	pmk_symbols_destroy(s);
}

static void test_billion(void **state)
{
	struct pmk_symbols *s = pmk_symbols_create();

	(void)state;
	assert_true(bind(s, "A", 0, 1, 1ull << 40));
	assert_true(bind(s, "A", 1ull << 39, (1ull << 39) + 1, 1));
	assert_false(bind(s, "A", 1ull << 39, 1ull << 39, 1));
	pmk_symbols_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bijection),
		cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_billion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
