/* SPDX-License-Identifier: MIT */
/* The ledger is well formed: ids unique, order kept, every field of the form that clauses.h says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "clauses.h"

static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

/* Parts of capitals, digits and underscores joined by single hyphens. */
static int id_ok(const char *id)
{
	for (;; id++) {
		size_t len = strspn(id, upper);

		if (!len)
			return 0;
		id += len;
		if (*id != '-')
			return *id == '\0';
	}
}

/* "" or two or three decimal numbers joined by dots. */
static int version_ok(const char *version)
{
	int numbers = 0;

	if (!*version)
		return 1;
	for (;; version++) {
		size_t len = strspn(version, "0123456789");

		if (!len)
			return 0;
		numbers++;
		version += len;
		if (*version != '.')
			return *version == '\0' && (numbers == 2 || numbers == 3);
	}
}

/* One or more of S, O, D, M, each at most once, joined by blanks. */
static int evidence_ok(const char *evidence)
{
	for (const char *p = evidence;; p++) {
		if (!*p || !strchr("SODM", *p) || strchr(p + 1, *p))
			return 0;
		p++;
		if (*p != ' ')
			return *p == '\0';
	}
}

/* "" or "WORLD: reason" joined by "; ". */
static int why_ok(const char *why)
{
	static const char *const worlds[] = { "model", "mock", "kernel", "all" };

	if (!*why)
		return 1;
	for (;;) {
		size_t len = strcspn(why, ":");
		size_t name = len;
		int known = 0;

		if (len > 5 && !strncmp(why + len - 5, "-part", 5))
			name -= 5;
		for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++)
			known |= strlen(worlds[i]) == name && !strncmp(why, worlds[i], name);
		if (!known || strncmp(why + len, ": ", 2))
			return 0;
		why += len + 2;
		len = strcspn(why, ";");
		if (!len)
			return 0;
		why += len;
		if (!*why)
			return 1;
		if (strncmp(why, "; ", 2))
			return 0;
		why += 2;
	}
}

static int text_ok(const char *text)
{
	size_t len = strlen(text);

	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~' || (p[0] == ' ' && p[1] == ' '))
			return 0;
	return !len || (text[0] != ' ' && text[len - 1] != ' ');
}

static void test_fields(void **state)
{
	size_t n;
	const struct pmk_clause *c = pmk_clauses(&n);

	(void)state;
	assert_true(n > 0);
	for (const struct pmk_clause *end = c + n; c < end; c++) {
		if (!id_ok(c->id) || !version_ok(c->since) || !version_ok(c->until) ||
		    !evidence_ok(c->evidence) || !*c->text || !text_ok(c->text) ||
		    !text_ok(c->correction) || !why_ok(c->why) || !text_ok(c->why))
			fail_msg("%s: a field is malformed", c->id);
	}
}

/* find() returns the first of its id, so that finding oneself means that no earlier one has it. */
static void test_unique(void **state)
{
	size_t n;
	const struct pmk_clause *c = pmk_clauses(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		if (pmk_clause_find(c[i].id) != &c[i])
			fail_msg("%s stands twice", c[i].id);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(c[i].text, c[j].text))
				fail_msg("%s says what %s says", c[i].id, c[j].id);
	}
}

static void test_sections(void **state)
{
	size_t n, used = 1;
	const struct pmk_clause *c = pmk_clauses(&n);

	(void)state;
	assert_int_equal(c[0].section, 0);
	for (size_t i = 0; i < n; i++) {
		const struct pmk_section *section = pmk_clause_section(&c[i]);

		assert_true(*section->number && *section->title && *section->subject);
		if (!i || c[i].section == c[i - 1].section)
			continue;
		if (c[i].section != c[i - 1].section + 1)
			fail_msg("%s is out of order", c[i].id);
		used++;
	}
	assert_int_equal(used, PMK_SECTION_COUNT);
}

static void test_find(void **state)
{
	const struct pmk_clause *c = pmk_clause_find("K-THP");

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->section, PMK_SECTION_KIND);
	assert_string_equal(pmk_clause_section(c)->number, "3.1");
	assert_null(pmk_clause_find("k-thp"));
	assert_null(pmk_clause_find("K-TH"));
	assert_null(pmk_clause_find(""));
}

/* What the checks above refuse. */
static void test_checks(void **state)
{
	(void)state;
	assert_false(id_ok("") || id_ok("A-") || id_ok("-A") || id_ok("A--B") || id_ok("a"));
	assert_false(version_ok("4") || version_ok("4.") || version_ok("v4.3") ||
		     version_ok("1.2.3.4"));
	assert_false(evidence_ok("") || evidence_ok("SO") || evidence_ok("S ") ||
		     evidence_ok("S S"));
	assert_false(why_ok("fuse: x") || why_ok("mock") || why_ok("mock:") || why_ok("mock: "));
	assert_false(why_ok("mock: x; y") || why_ok("mock: x;") || why_ok("-part: x"));
	assert_true(why_ok("mock-part: x; all: y"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),	 cmocka_unit_test(test_unique),
		cmocka_unit_test(test_sections), cmocka_unit_test(test_find),
		cmocka_unit_test(test_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
