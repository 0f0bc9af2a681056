/* diagram.c: pictures and JSON of any word are whole, fit their width and say what they should. */
#include <stdlib.h>

#include "test.h"

enum { SIZE = 32768, WIDTH = 100 };

static char text[SIZE], other[SIZE];

/* Columns of a line: bytes that are neither an escape nor the rest of a UTF-8 character. */
static void check_lines(const char *at)
{
	unsigned columns = 0;

	for (; *at; at++) {
		if (*at == '\033') {
			while (*at != 'm')
				at++;
		} else if (*at == '\n') {
			assert_true(columns <= WIDTH);
			assert_true(at[-1] != ' ');
			columns = 0;
		} else if (((unsigned char)*at & 0xc0) != 0x80) {
			columns++;
		}
	}
	assert_int_equal(columns, 0);
}

static void strip_colour(char *at)
{
	char *to = at;

	for (; *at; at++) {
		if (*at != '\033') {
			*to++ = *at;
			continue;
		}
		while (*at != 'm')
			at++;
	}
	*to = '\0';
}

static size_t draw(bool kpageflags, const struct pmk_layout *layout, uint64_t word, unsigned flags,
		   char *buf, size_t size)
{
	if (kpageflags)
		return pmk_kpageflags_diagram(layout ? layout->kernel : 0, word, flags, buf, size);
	return pmk_pagemap_diagram(layout, word, flags, buf, size);
}

static void check_word(bool kpageflags, const struct pmk_layout *layout, uint64_t word)
{
	size_t plain = draw(kpageflags, layout, word, 0, text, SIZE);

	assert_true(plain < SIZE / 2);
	assert_int_equal(strlen(text), plain);
	check_lines(text);
	for (size_t i = 0; i < plain; i++)
		assert_true((unsigned char)text[i] < 0x80 && text[i] != '\033');
	/* colour adds colour and nothing else */
	assert_true(draw(kpageflags, layout, word, PMK_DIAGRAM_COLOUR, other, SIZE) < SIZE / 2);
	check_lines(other);
	strip_colour(other);
	assert_string_equal(other, text);
	assert_true(draw(kpageflags, layout, word, PMK_DIAGRAM_COLOUR | PMK_DIAGRAM_UNICODE, other,
			 SIZE) <= SIZE / 2);
	check_lines(other);
	/* cut anywhere, nothing past the end */
	memset(other, '#', plain / 2 + 1);
	assert_int_equal(draw(kpageflags, layout, word, 0, other, plain / 2), plain);
	assert_int_equal(other[plain / 2], '#');
	assert_int_equal(strlen(other), plain / 2 - 1);
	assert_int_equal(draw(kpageflags, layout, word, 0, NULL, 0), plain);
}

static void check_both(const struct pmk_layout *layout, uint64_t word)
{
	check_word(false, layout, word);
	check_word(true, layout, word);
}

static void any_word(void **state)
{
	uint64_t random = 99;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(test_kernels); k++) {
		struct pmk_layout layout;

		pmk_layout_init(&layout, test_kernels[k], PMK_CONFIG_ALL);
		check_both(&layout, 0);
		check_both(&layout, UINT64_MAX);
		for (unsigned bit = 0; bit < 64; bit++)
			check_both(&layout, UINT64_C(1) << bit);
		for (unsigned i = 0; i < 40; i++)
			check_both(&layout, next_random(&random));
	}
	for (uint64_t flags = 0; flags < 512; flags++)
		check_both(NULL, flags << 55 | 0x9f);
}

static void pictures(void **state)
{
	(void)state;
	pmk_pagemap_diagram(NULL, UINT64_C(0x440000000000009f), 0, text, SIZE);
	assert_string_equal(
		text,
		"0x440000000000009f  guard page: swap-like, no page, only a marker\n"
		"\n"
		"  63   59   55   51   47   43   39   35   31   27   23   19   15   11   7    3\n"
		"  0100 0100 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 1001 "
		"1111\n"
		"   |    |    "
		"'----------------------------------------------------+-------''---+'\n"
		"   |    |         5-54  swap offset 0x4, guard -------------------'            |\n"
		"   |    |         0-4   swap type   31, a marker ------------------------------'\n"
		"   |    '-------- 58    guard       guard region: any access is SIGSEGV\n"
		"   '------------- 62    swap        swap-like: neither absent nor present, not "
		"always in swap\n");
	pmk_kpageflags_diagram(0, 0x10020, PMK_DIAGRAM_UNICODE, text, SIZE);
	assert_string_equal(text, "0x0000000000010020  page of a file\n"
				  "\n"
				  "  31   27   23   19   15   11   7    3\n"
				  "  0000 0000 0000 0001 0000 0000 0010 0000\n"
				  "                    │             │\n"
				  "                    │             ╰─────── 5  LRU           on "
				  "an LRU list, not yet when fresh\n"
				  "                    ╰───────────────────── 16 COMPOUND_TAIL "
				  "later page of any compound page\n");
}

static void json(void **state)
{
	static const struct {
		uint64_t word;
		const char *text;
	} rows[] = {
		{ UINT64_C(0x8180000000012345),
		  "{\"word\":\"0x8180000000012345\",\"state\":\"present\",\"pfn\":74565,"
		  "\"flags\":[\"soft-dirty\",\"exclusive\",\"present\"],\"unknown\":\"0x0\","
		  "\"invariant\":null}" },
		{ UINT64_C(0x440000000000009f),
		  "{\"word\":\"0x440000000000009f\",\"state\":\"swapped\","
		  "\"swap\":{\"kind\":\"marker\",\"type\":31,\"offset\":4,\"marker\":[\"guard\"]},"
		  "\"flags\":[\"guard\",\"swap\"],\"unknown\":\"0x0\",\"invariant\":null}" },
		{ 1, "{\"word\":\"0x1\",\"state\":\"absent\",\"flags\":[],\"unknown\":\"0x1\","
		     "\"invariant\":"
		     "\"an absent page has no frame: bits 0 to 54 imply bit 62 or 63\"}" },
	};
	uint64_t random = 5;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(pmk_pagemap_json(NULL, rows[i].word, text, SIZE),
				 strlen(rows[i].text));
		assert_string_equal(text, rows[i].text);
	}
	pmk_kpageflags_json(0, 0x100000, text, SIZE);
	assert_string_equal(text, "{\"word\":\"0x100000\",\"flags\":[\"NOPAGE\"],\"unknown\":"
				  "\"0x0\",\"invariant\":null}");
	for (unsigned i = 0; i < 5000; i++) {
		size_t len = pmk_pagemap_json(NULL, next_random(&random), text, 600);

		assert_true(len < 600 && strlen(text) == len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_word),
		cmocka_unit_test(pictures),
		cmocka_unit_test(json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
