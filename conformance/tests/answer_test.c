/* SPDX-License-Identifier: MIT */
/* answer_test.c - lines of JSON to answers and declarations, and what is wrong with others. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"

static int parse(enum pmk_ask ask, const char *line, struct pmk_answer *ret, struct pmk_error *err)
{
	*err = (struct pmk_error){ .line = 0 };
	return pmk_answer_parse(ask, line, strlen(line), ret, err);
}

/* The one sheet, field by field, as reports show it. */
static void assert_field(const struct pmk_answer *a, enum pmk_field field, const char *expected)
{
	char buf[256] = "";
	struct pmk_text text = PMK_TEXT(buf);

	assert_int_equal(a->nsheets, 1);
	pmk_sheet_print(a->sheet, field, &text);
	assert_string_equal(buf, expected);
}

static void page(void **state)
{
	struct pmk_answer a;
	struct pmk_error err;

	(void)state;
	assert_int_equal(
		parse(PMK_ASK_PAGE,
		      "{\"state\":\"swapped\",\"pfn\":null,\"soft-dirty\":true,\"guard\":false,"
		      "\"swap-kind\":\"marker\",\"marker\":[\"guard\",\"uffd-wp\"],\"phys\":"
		      "\"0xffffffffffffffff\",\"swap-type\":31,\"count\":\"258\","
		      "\"flags\":[\"LRU\",\"BIT63\"]}",
		      &a, &err),
		0);
	assert_int_equal(a.error, 0);
	assert_field(&a, PMK_FIELD_STATE, "swapped");
	assert_field(&a, PMK_FIELD_PFN, "null");
	assert_field(&a, PMK_FIELD_SOFT_DIRTY, "true");
	assert_field(&a, PMK_FIELD_GUARD, "false");
	assert_field(&a, PMK_FIELD_SWAP_KIND, "marker");
	assert_field(&a, PMK_FIELD_MARKER, "[uffd-wp guard]");
	assert_field(&a, PMK_FIELD_PHYS, "0xffffffffffffffff");
	assert_field(&a, PMK_FIELD_SWAP_TYPE, "0x1f");
	assert_field(&a, PMK_FIELD_COUNT, "0x102");
	assert_field(&a, PMK_FIELD_FLAGS, "[LRU BIT63]");
	assert_field(&a, PMK_FIELD_CGROUP, "null");
	pmk_answer_deinit(&a);
}

static void others(void **state)
{
	struct pmk_answer a;
	struct pmk_error err;

	(void)state;
	assert_int_equal(parse(PMK_ASK_FRAME, "{\"flags\":\"0x20\",\"count\":0}\n", &a, &err), 0);
	assert_field(&a, PMK_FIELD_FLAGS, "[LRU]");
	pmk_answer_deinit(&a);

	assert_int_equal(parse(PMK_ASK_PAGE, "{\"error\":\"EOF\"}", &a, &err), 0);
	assert_int_equal(a.error, PMK_ERROR_EOF);
	assert_int_equal(a.nsheets, 0);
	pmk_answer_deinit(&a);

	assert_int_equal(
		parse(PMK_ASK_RANGE, "{\"pages\":[{},{\"pfn\":5}],\"error\":\"EIO\"}", &a, &err),
		0);
	assert_int_equal(a.error, EIO);
	assert_int_equal(a.nsheets, 2);
	assert_int_equal(a.sheet[1].value[PMK_FIELD_PFN], 5);
	pmk_answer_deinit(&a);

	assert_int_equal(parse(PMK_ASK_SCAN, "{\"skip\":\"no ioctl here\"}", &a, &err), 0);
	assert_string_equal(a.skip, "no ioctl here");
	pmk_answer_deinit(&a);
}

/* Regions that touch and agree are one, however the kernel's vector cut them. */
static void regions(void **state)
{
	struct pmk_answer a;
	struct pmk_error err;

	(void)state;
	assert_int_equal(
		parse(PMK_ASK_SCAN,
		      "{\"regions\":[{\"start\":4096,\"end\":8192,\"categories\":[\"PRESENT\"]},"
		      "{\"start\":\"0x2000\",\"end\":\"0x3000\",\"categories\":\"0x8\"},"
		      "{\"start\":\"0x4000\",\"end\":\"0x5000\",\"categories\":8}]}",
		      &a, &err),
		0);
	assert_int_equal(a.nregions, 2);
	assert_int_equal(a.region[0].start, 0x1000);
	assert_int_equal(a.region[0].end, 0x3000);
	assert_int_equal(a.region[1].categories, PMK_SCAN_PRESENT_MASK);
	pmk_answer_deinit(&a);
}

static void wrong_answers(void **state)
{
	static const struct {
		enum pmk_ask ask;
		const char *line, *error;
	} cases[] = {
		{ PMK_ASK_PAGE, "", "not JSON at byte 0" },
		{ PMK_ASK_PAGE, "[]", "expected an object" },
		{ PMK_ASK_PAGE, "{} {}", "not JSON at byte" },
		{ PMK_ASK_PAGE, "{\"pfn\":1,\"pfn\":1}", "not JSON at byte" },
		{ PMK_ASK_PAGE, "{\"pfm\":1}", "unknown field 'pfm'; did you mean 'pfn'?" },
		{ PMK_ASK_PAGE, "{\"pfn\":-1}", "pfn: expected a number" },
		{ PMK_ASK_PAGE, "{\"pfn\":1.5}", "pfn: expected a number" },
		{ PMK_ASK_PAGE, "{\"pfn\":\"12x\"}", "pfn: expected a number" },
		{ PMK_ASK_PAGE, "{\"pfn\":\"0x10000000000000000\"}", "pfn: expected a number" },
		{ PMK_ASK_PAGE, "{\"state\":\"gone\"}", "state: expected" },
		{ PMK_ASK_PAGE, "{\"file\":1}", "file: expected true or false" },
		{ PMK_ASK_PAGE, "{\"flags\":[\"LRU\",\"FOO\"]}", "flags: expected" },
		{ PMK_ASK_PAGE, "{\"flags\":[3]}", "flags: expected" },
		{ PMK_ASK_PAGE, "{\"marker\":[\"swap\"]}", "marker: expected" },
		{ PMK_ASK_PAGE, "{\"error\":\"EWHAT\"}", "'EWHAT' is neither EOF nor" },
		{ PMK_ASK_PAGE, "{\"error\":5}", "error: expected a text" },
		{ PMK_ASK_RANGE, "{\"state\":\"absent\"}", "expected \"pages\"" },
		{ PMK_ASK_RANGE, "{\"pages\":{}}", "pages: expected an array" },
		{ PMK_ASK_RANGE, "{\"pages\":[1]}", "pages[0]: expected an object" },
		{ PMK_ASK_RANGE, "{\"pages\":[],\"pfn\":1}", "unknown field 'pfn'" },
		{ PMK_ASK_SCAN, "{\"regions\":[{\"start\":1}]}", "regions[0]: expected" },
		{ PMK_ASK_SCAN, "{\"regions\":[[]]}", "regions[0]: expected" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pmk_answer a;
		struct pmk_error err;

		if (!parse(cases[i].ask, cases[i].line, &a, &err))
			fail_msg("%s is taken", cases[i].line);
		if (!strstr(err.text, cases[i].error))
			fail_msg("%s: '%s', expected '%s'", cases[i].line, err.text,
				 cases[i].error);
		pmk_answer_deinit(&a);
	}
}

static void declarations(void **state)
{
	static const struct {
		const char *line, *error; /* NULL: it is right */
	} cases[] = {
		{ "{\"adapter\":\"x\",\"page\":[\"pfn\",\"flags\"],\"scan\":[\"regions\"]}\n",
		  NULL },
		{ "{\"adapter\":\"x\",\"range\":[]}", NULL },
		{ "{\"page\":[\"pfn\"]}", "expected \"adapter\"" },
		{ "{\"adapter\":\"x\"}", "expected at least one of" },
		{ "{\"adapter\":\"x\",\"page\":[\"pfm\"]}",
		  "unknown field 'pfm'; did you mean 'pfn'?" },
		{ "{\"adapter\":\"x\",\"page\":[1]}", "page[0]: expected the name" },
		{ "{\"adapter\":\"x\",\"page\":true}", "page: expected an array" },
		{ "{\"adapter\":\"x\",\"frame\":[\"pfn\"]}", "'pfn' is no field of a frame" },
		{ "{\"adapter\":\"x\",\"scan\":[\"pfn\"]}", "unknown field 'pfn'" },
		{ "{\"adapter\":\"x\",\"pages\":[]}", "unknown member 'pages'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pmk_declaration d;
		struct pmk_error err = { .line = 0 };
		int rc = pmk_declaration_parse(cases[i].line, strlen(cases[i].line), &d, &err);

		if (!rc != !cases[i].error)
			fail_msg("%s: %s", cases[i].line, rc ? err.text : "is taken");
		if (rc && !strstr(err.text, cases[i].error))
			fail_msg("%s: '%s', expected '%s'", cases[i].line, err.text,
				 cases[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(page), cmocka_unit_test(others),
					    cmocka_unit_test(regions),
					    cmocka_unit_test(wrong_answers),
					    cmocka_unit_test(declarations) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
