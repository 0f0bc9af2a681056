/* SPDX-License-Identifier: MIT */
/* json_test.c - commas, indents and escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "json.h"

static void assert_json(void (*write)(struct pmk_json *j), const char *expect)
{
	char *text = NULL;
	size_t len = 0;
	struct pmk_json j = { .out = open_memstream(&text, &len) };

	write(&j);
	fclose(j.out);
	assert_string_equal(text, expect);
	free(text);
}

static void write_nested(struct pmk_json *j)
{
	pmk_json_open(j, NULL, '{');
	pmk_json_open(j, "empty", '[');
	pmk_json_close(j, ']');
	pmk_json_open(j, "list", '[');
	pmk_json_number(j, NULL, UINT64_MAX);
	pmk_json_hex(j, NULL, 0x12);
	pmk_json_close(j, ']');
	pmk_json_bool(j, "yes", true);
	pmk_json_string(j, "nothing", NULL);
	pmk_json_raw(j, "raw", "{}");
	pmk_json_close(j, '}');
}

static void test_nested(void **state)
{
	(void)state;
	assert_json(write_nested, "{\n  \"empty\": [],\n  \"list\": [\n    18446744073709551615,\n"
				  "    \"0x12\"\n  ],\n  \"yes\": true,\n  \"nothing\": null,\n"
				  "  \"raw\": {}\n}\n");
}

static void write_text(struct pmk_json *j)
{
	pmk_json_open(j, NULL, '[');
	pmk_json_string(j, NULL, "a\"b\\c\nd\te\x7f");
	pmk_json_string(j, NULL, "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
	pmk_json_string(j, NULL, "\xff \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82");
	pmk_json_close(j, ']');
}

static void test_text(void **state)
{
	(void)state;
	assert_json(write_text, "[\n  \"a\\\"b\\\\c\\nd\\u0009e\\u007f\",\n"
				"  \"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\",\n"
				"  \"\\ufffd \\ufffd\\ufffd \\ufffd\\ufffd\\ufffd "
				"\\ufffd\\ufffd\\ufffd\\ufffd \\ufffd\\ufffd\"\n]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
