/* maps.c: lines of /proc/PID/maps parse, and print as the kernel prints them. */
#include "test.h"

static const struct {
	unsigned long_bytes;
	const char *line;
	enum pmk_maps_kind kind;
	bool deleted;
	const char *name;
} lines[] = {
#define LINE(long_bytes, line, kind, deleted, name) \
	{ long_bytes, line, PMK_MAPS_##kind, deleted, name },
#include "maps.def"
};

/* What no kernel writes, and why it is refused. */
static const struct {
	const char *line;
	int error;
} bad[] = {
	{ "", PMK_ERR_FIELD },
	{ "\n", PMK_ERR_FIELD },
	{ "1000", PMK_ERR_FIELD },
	{ "1000-", PMK_ERR_FIELD },
	{ "1000-2000", PMK_ERR_SPACE },
	{ "0x1000-2000 r--p 0 0:0 0", PMK_ERR_FIELD },
	{ "1000-2000 rwxq 00000000 00:00 0 ", PMK_ERR_FIELD },
	{ "1000-2000 rwx", PMK_ERR_FIELD },
	{ "1000-2000  r--p 00000000 00:00 0 ", PMK_ERR_SPACE },
	{ "2000-1000 r--p 00000000 00:00 0 ", PMK_ERR_RANGE },
	{ "10000000000000000-1 r--p 00000000 00:00 0 ", PMK_ERR_RANGE },
	{ "1000-2000 r--p 00000000 100000000:00 0 ", PMK_ERR_RANGE },
	{ "1000-2000 r--p 00000000 00:00 18446744073709551616 ", PMK_ERR_RANGE },
	{ "1000-2000 r--p 00000000 00-00 0 ", PMK_ERR_FIELD },
	{ "1000-2000 r--p 00000000 00:00 -1 ", PMK_ERR_FIELD },
	{ "1000-2000 r--p 00000000 00:00 0x/a", PMK_ERR_FIELD },
	{ "ABCD-FFFF r--p 00000000 00:00 0 ", PMK_ERR_FIELD },
};

static void kernel_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct pmk_maps_line line;
		char text[512];
		size_t len = strlen(lines[i].line);

		assert_int_equal(pmk_maps_parse(lines[i].line, len, &line), 0);
		if (line.kind != lines[i].kind || line.deleted != lines[i].deleted ||
		    line.name_len != strlen(lines[i].name) ||
		    (line.name_len && memcmp(line.name, lines[i].name, line.name_len)))
			fail_msg("line %zu: %s", i, lines[i].line);
		assert_int_equal(pmk_maps_format(&line, lines[i].long_bytes, text, sizeof(text)),
				 len);
		assert_string_equal(text, lines[i].line);
		/* without its newline, and followed by the next line */
		assert_int_equal(pmk_maps_parse(lines[i].line, len - 1, &line), 0);
		assert_int_equal(line.name_len, strlen(lines[i].name));
	}
}

static void bad_lines(void **state)
{
	struct pmk_maps_line line, before;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	line = before;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (pmk_maps_parse(bad[i].line, strlen(bad[i].line), &line) != bad[i].error)
			fail_msg("line %zu: %s", i, bad[i].line);
		assert_memory_equal(&line, &before, sizeof(line));
	}
}

static void fields(void **state)
{
	static const char text[] = "7fff00000000-7fff00021000 rwxs 123456789abc 103:ff "
				   "18446744073709551615 /x\nnext line";
	struct pmk_maps_line line;

	(void)state;
	assert_int_equal(pmk_maps_parse(text, sizeof(text) - 1, &line), 0);
	assert_int_equal(line.start, UINT64_C(0x7fff00000000));
	assert_int_equal(line.end, UINT64_C(0x7fff00021000));
	assert_int_equal(line.perms,
			 PMK_MAPS_READ | PMK_MAPS_WRITE | PMK_MAPS_EXEC | PMK_MAPS_SHARED);
	assert_int_equal(line.offset, UINT64_C(0x123456789abc));
	assert_int_equal(line.major, 0x103);
	assert_int_equal(line.minor, 0xff);
	assert_int_equal(line.inode, UINT64_MAX);
	assert_int_equal(line.name_len, 2);
}

static void newline_in_name(void **state)
{
	struct pmk_maps_line line = {
		.start = 0x1000, .end = 0x2000, .name = "/a\nb\\012 (deleted)", .name_len = 18
	};
	char text[200], again[200];
	size_t len = pmk_maps_format(&line, 8, text, sizeof(text));

	(void)state;
	assert_non_null(strstr(text, " /a\\012b\\012 (deleted)\n"));
	assert_int_equal(pmk_maps_parse(text, len, &line), 0);
	assert_true(line.deleted);
	assert_int_equal(pmk_maps_format(&line, 8, again, sizeof(again)), len);
	assert_string_equal(again, text);
	assert_int_equal(pmk_maps_format(&line, 8, NULL, 0), len);
	assert_int_equal(pmk_maps_format(&line, 8, again, 9), len);
	assert_string_equal(again, "00001000");
}

/* parse(format(line)) == line for any fields. */
static void random_lines(void **state)
{
	uint64_t random = 42;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct pmk_maps_line line = { 0 }, back;
		char name[40], text[300];
		size_t len;

		line.start = next_random(&random) >> (next_random(&random) & 63);
		line.end = line.start + (UINT64_MAX - line.start) / 2;
		line.perms = next_random(&random) & 15;
		line.offset = next_random(&random) >> (next_random(&random) & 63);
		line.major = (uint32_t)(next_random(&random) >> 40);
		line.minor = (uint32_t)(next_random(&random) >> 32);
		line.inode = next_random(&random) >> (next_random(&random) & 63);
		line.name_len = next_random(&random) % sizeof(name);
		for (size_t k = 0; k < line.name_len; k++)
			name[k] = (char)(next_random(&random) & 0xff);
		name[0] = '/';
		line.name = name;
		len = pmk_maps_format(&line, i & 1 ? 4 : 8, text, sizeof(text));
		assert_int_equal(pmk_maps_parse(text, len, &back), 0);
		assert_int_equal(back.start, line.start);
		assert_int_equal(back.end, line.end);
		assert_int_equal(back.perms, line.perms);
		assert_int_equal(back.offset, line.offset);
		assert_int_equal(back.major, line.major);
		assert_int_equal(back.minor, line.minor);
		assert_int_equal(back.inode, line.inode);
		if (!memchr(name, '\n', line.name_len)) {
			assert_int_equal(back.name_len, line.name_len);
			assert_true(!line.name_len || !memcmp(back.name, name, line.name_len));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_lines), cmocka_unit_test(bad_lines),
		cmocka_unit_test(fields),	cmocka_unit_test(newline_in_name),
		cmocka_unit_test(random_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
