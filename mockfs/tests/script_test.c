/*
 * script_test.c - the script language: every statement, every option, every error, any bytes.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "pagemapkit.h"
#include "script.h"

#define S	      "scenario 1\n"

/* clang-format off */

/* What is written, and its canonical form; behind "scenario 1" where it is not that itself. */
static const struct sample {
	enum pmk_stmt_id id;
	const char *written, *canonical;
} samples[] = {
#define SAMPLE(id, written, canonical) {PMK_STMT_##id, written, canonical},
#include "script_samples.def"
};

/* A script with an error, and the message. */
static const struct wrong {
	const char *text, *message;
} wrongs[] = {
#define WRONG(text, message) {text, message},
#include "script_errors.def"
};

/* clang-format on */

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static struct pmk_script *parse(const char *text, size_t len)
{
	struct pmk_error err = { .text = "" };
	struct pmk_script *script = pmk_script_parse("x.pmk", text, len, &err);

	if (!script)
		fail_msg("%u:%u: %s in: %.200s", err.line, err.col, err.text, text);
	return script;
}

static char *print(const struct pmk_script *script, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	assert_non_null(out);
	assert_int_equal(pmk_script_print(script, out), 0);
	fclose(out);
	return text;
}

/* Prints a script; the caller frees both. */
static char *canonical(const char *text, size_t len, size_t *ret_len)
{
	struct pmk_script *script = parse(text, len);
	char *ret = print(script, ret_len);

	pmk_script_destroy(script);
	return ret;
}

static void with_scenario(char *buf, size_t size, const struct sample *sample, const char *line)
{
	snprintf(buf, size, "%s%s\n", sample->id == PMK_STMT_SCENARIO ? "" : S, line);
}

static void check_canonical(const char *text, const char *expected)
{
	size_t len;
	char *got = canonical(text, strlen(text), &len);

	assert_string_equal(got, expected);
	free(got);
}

static void test_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(samples); i++) {
		char written[512], expected[512];
		struct pmk_script *script;

		with_scenario(written, sizeof(written), &samples[i], samples[i].written);
		with_scenario(expected, sizeof(expected), &samples[i], samples[i].canonical);
		check_canonical(written, expected);
		check_canonical(expected, expected);
		script = parse(written, strlen(written));
		assert_int_equal(script->stmt[script->nstmts - 1].id, samples[i].id);
		pmk_script_destroy(script);
	}
}

/* Every row of the table, and every option of it, is in a sample that needed to be tidied. */
static void test_samples_complete(void **state)
{
	static bool said[PMK_STMT_COUNT][PMK_OPTS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < LENGTH(samples); i++) {
		const struct pmk_stmt_info *info = &pmk_stmt_info[samples[i].id];
		const struct pmk_stmt *stmt;
		struct pmk_script *script;
		char text[512];

		if (strcmp(samples[i].written, samples[i].canonical) != 0)
			said[samples[i].id][PMK_OPTS_MAX] = true;
		with_scenario(text, sizeof(text), &samples[i], samples[i].written);
		script = parse(text, strlen(text));
		stmt = &script->stmt[script->nstmts - 1];
		for (unsigned o = 0; info->opts[o]; o++)
			if (pmk_stmt_opt(stmt, (enum pmk_opt_id)info->opts[o]))
				said[samples[i].id][o] = true;
		pmk_script_destroy(script);
	}
	for (unsigned s = 0; s < PMK_STMT_COUNT; s++) {
		const struct pmk_stmt_info *info = &pmk_stmt_info[s];

		if (!said[s][PMK_OPTS_MAX])
			fail_msg("no untidy sample of '%s'", info->word);
		for (unsigned o = 0; info->opts[o]; o++)
			if (!said[s][o])
				fail_msg("no sample of '%s' with '%s'", info->word,
					 pmk_opt_info[info->opts[o]].key);
	}
}

static void test_errors(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < LENGTH(wrongs); i++) {
		char got[512] = "accepted";
		struct pmk_error err;
		struct pmk_script *script =
			pmk_script_parse("x.pmk", wrongs[i].text, strlen(wrongs[i].text), &err);

		if (!script)
			pmk_error_format(&err, got, sizeof(got));
		pmk_script_destroy(script);
		if (strncmp(got, "x.pmk:", 6) != 0 || strcmp(got + 6, wrongs[i].message) != 0) {
			print_error("%s\n  gives  %s\n  not    x.pmk:%s\n", wrongs[i].text, got,
				    wrongs[i].message);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

/* ---- what the fields hold ------------------------------------------------------------------- */

/* The last statement of S and the line; valid until the next call. */
static const struct pmk_stmt *one(const char *line)
{
	static struct pmk_script *script;
	char text[512];

	pmk_script_destroy(script);
	script = NULL;
	if (!line)
		return NULL;
	snprintf(text, sizeof(text), S "%s\n", line);
	script = parse(text, strlen(text));
	return &script->stmt[script->nstmts - 1];
}

static void test_fields(void **state)
{
	const struct pmk_stmt *stmt;

	(void)state;
	stmt = one("p:  map heap 0x10 file shared r-x at=4096 when a.b,!c #x");
	assert_string_equal(stmt->subject, "p");
	assert_int_equal(stmt->line, 2);
	assert_int_equal(stmt->nargs, 5);
	assert_string_equal(stmt->arg[0].text, "heap");
	assert_int_equal(stmt->arg[0].col, 9);
	assert_int_equal(stmt->arg[1].n, 16);
	assert_null(stmt->arg[1].text);
	assert_int_equal(stmt->arg[2].n, PMK_BACKING_FILE);
	assert_int_equal(stmt->arg[3].n, 1);
	assert_int_equal(stmt->arg[4].n, PMK_PERM_R | PMK_PERM_X);
	assert_int_equal(pmk_stmt_opt(stmt, PMK_OPT_AT)->n, 4096);
	assert_null(pmk_stmt_opt(stmt, PMK_OPT_FILE));
	assert_null(pmk_stmt_opt(stmt, PMK_OPT_RAW));
	assert_int_equal(stmt->nwhen, 2);
	assert_string_equal(stmt->when[1], "!c");
	assert_string_equal(stmt->comment, "x");
	assert_int_equal(stmt->result.kind, PMK_RESULT_NONE);

	stmt = one("p: writefd h \"a\\0\\xffb\"");
	assert_int_equal(stmt->arg[1].text_len, 4);
	assert_memory_equal(stmt->arg[1].text,
			    "a\0\xff"
			    "b",
			    5);
	assert_int_equal(stmt->arg[0].n, PMK_FILE_COUNT);
	stmt = one("p: fault kpageflags lseek exit bytes=3");
	assert_int_equal(stmt->arg[0].n, PMK_FILE_KPAGEFLAGS);
	assert_int_equal(stmt->arg[1].n, PMK_FILEOP_LSEEK);
	assert_int_equal(stmt->arg[2].n, PMK_FAILURE_EXIT);
	assert_int_equal(one("p: fault maps read ESRCH")->arg[2].n, ESRCH);
	assert_int_equal(one("p: madvise a guard-install")->arg[1].n, 102);
	one(NULL);
}

static void test_positions(void **state)
{
	const struct pmk_stmt *stmt;

	(void)state;
	stmt = one("p: pread pagemap -8 0x10 -> -1");
	assert_int_equal(stmt->arg[0].n, PMK_FILE_PAGEMAP);
	assert_true(stmt->arg[1].negative);
	assert_int_equal(stmt->arg[1].n, 8);
	assert_int_equal(stmt->result.kind, PMK_RESULT_VALUE);
	assert_int_equal(stmt->result.value, -1);
	stmt = one("p: pread h eof-8 8 -> -9223372036854775808");
	assert_int_equal(stmt->arg[1].base, PMK_BASE_EOF);
	assert_int_equal(stmt->arg[1].delta, -8);
	assert_true(stmt->result.value == INT64_MIN);
	stmt = one("p: pread h heap-2[7]+4 8 -> EINVAL");
	assert_int_equal(stmt->arg[1].base, PMK_BASE_REGION);
	assert_string_equal(stmt->arg[1].text, "heap-2");
	assert_int_equal(stmt->arg[1].span[0].first, 7);
	assert_int_equal(stmt->arg[1].delta, 4);
	assert_int_equal(stmt->result.kind, PMK_RESULT_ERRNO);
	assert_int_equal(stmt->result.value, EINVAL);
	stmt = one("p: pread h hole+0x8 8");
	assert_int_equal(stmt->arg[1].base, PMK_BASE_HOLE);
	assert_int_equal(stmt->arg[1].delta, 8);
	/* A region may begin with a word that means something alone. */
	stmt = one("p: pread h eof-x[1] 8");
	assert_string_equal(stmt->arg[1].text, "eof-x");
	stmt = one("p: read heap -> SIGSEGV");
	assert_int_equal(stmt->result.kind, PMK_RESULT_SIGNAL);
	assert_int_equal(stmt->result.value, SIGSEGV);
	assert_int_equal(stmt->arg[0].base, PMK_BASE_REGION);
	assert_int_equal(stmt->arg[0].nspans, 0);
	/* A thousand million pages are one span. */
	stmt = one("p: read heap[0-1000000000,0xffffffffffffffff]");
	assert_int_equal(stmt->arg[0].nspans, 2);
	assert_int_equal(stmt->arg[0].span[0].last, 1000000000);
	assert_true(stmt->arg[0].span[1].first == UINT64_MAX);
	stmt = one("frame hole NOPAGE");
	assert_int_equal(stmt->arg[0].base, PMK_BASE_HOLE);
	stmt = one("frame 0-9 NOPAGE");
	assert_int_equal(stmt->arg[0].base, PMK_BASE_NUMBER);
	assert_int_equal(stmt->arg[0].span[0].last, 9);
	one(NULL);
}

#define KNOWN                                                                                  \
	(PMK_PAGEMAP_SOFT_DIRTY_MASK | PMK_PAGEMAP_EXCLUSIVE_MASK | PMK_PAGEMAP_UFFD_WP_MASK | \
	 PMK_PAGEMAP_GUARD_MASK | PMK_PAGEMAP_FILE_MASK | PMK_PAGEMAP_SWAP_MASK |              \
	 PMK_PAGEMAP_PRESENT_MASK)

static void check_masks(const char *line, uint64_t set, uint64_t clear, uint64_t free)
{
	const struct pmk_arg *arg = &one(line)->arg[1];

	if (arg->set != set || arg->clear != clear || arg->free != free)
		fail_msg("%s: set %llx clear %llx free %llx", line, (unsigned long long)arg->set,
			 (unsigned long long)arg->clear, (unsigned long long)arg->free);
}

static void test_masks(void **state)
{
	const uint64_t dirty = PMK_PAGEMAP_SOFT_DIRTY_MASK, present = PMK_PAGEMAP_PRESENT_MASK,
		       file = PMK_PAGEMAP_FILE_MASK;

	(void)state;
	check_masks("p: entry a none", 0, KNOWN & ~dirty, dirty);
	check_masks("p: entry a none soft-dirty", dirty, KNOWN & ~dirty, 0);
	check_masks("p: entry a !soft-dirty none", 0, KNOWN, 0);
	check_masks("p: entry a present", present, KNOWN & ~dirty & ~present, dirty);
	check_masks("p: entry a present ?file", present, KNOWN & ~dirty & ~present & ~file,
		    dirty | file);
	check_masks("p: entry a !present", 0, KNOWN & ~dirty, dirty);
	check_masks("p: entry a raw=5", 0, 0, KNOWN);
	check_masks("p: given-entry a present", present, KNOWN & ~present, 0);
	check_masks("frame a ANON !LRU", PMK_KPF_ANON_MASK, PMK_KPF_LRU_MASK, 0);
	check_masks("frame a BALLOON BIT30", PMK_KPF_OFFLINE_MASK | UINT64_C(1) << 30, 0, 0);
	check_masks("frame a count=1", 0, 0, 0);
	assert_true(pmk_stmt_opt(one("p: entry a present pfn>0"), PMK_OPT_PFN)->greater);
	one(NULL);
}

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(pmk_errno_value("EINVAL", 6), EINVAL);
	assert_int_equal(pmk_errno_value("EINVALX", 6), EINVAL);
	assert_int_equal(pmk_errno_value("EINVAL", 5), -1);
	assert_string_equal(pmk_errno_name(ESRCH), "ESRCH");
	assert_null(pmk_errno_name(9999));
	assert_int_equal(pmk_signal_value("SIGBUS", 6), SIGBUS);
	assert_string_equal(pmk_signal_name(SIGSEGV), "SIGSEGV");
	assert_null(pmk_signal_name(0));
	for (unsigned i = 0; i < PMK_FILE_COUNT; i++)
		assert_non_null(pmk_file_name[i]);
}

/* ---- whole scripts -------------------------------------------------------------------------- */

static void test_comments(void **state)
{
	(void)state;
	check_canonical("\n\n# one \n\t#two\n\n\n#\nscenario 1 # three\t \r\n\n  \n# four\n"
			"p: exit\t#\n\n\n# end\n\n",
			"# one\n#two\n\n#\nscenario 1 # three\n\n# four\np: exit #\n\n# end\n");
	check_canonical("scenario 1", "scenario 1\n");
}

static void test_crlf(void **state)
{
	(void)state;
	check_canonical("\r\nscenario 1\r\n# a\r\n\r\np: exit \r\nnot-last: exit",
			"scenario 1\n# a\n\np: exit\nnot-last: exit\n");
	check_canonical("scenario 1\np: exit # b\r", "scenario 1\np: exit # b\n");
}

static void check_error(const char *text, size_t len, const char *expected)
{
	struct pmk_error err;
	char got[512];

	assert_null(pmk_script_parse("x.pmk", text, len, &err));
	pmk_error_format(&err, got, sizeof(got));
	assert_string_equal(got, expected);
}

static void test_nul(void **state)
{
	(void)state;
	check_error("scenario 1\np: \0exit", 19, "x.pmk:2:4: the control character 0x00");
	check_error("\0", 1, "x.pmk:1:1: the control character 0x00");
	check_error("# \0", 3, "x.pmk:1:3: the control character 0x00");
	check_error("", 0, "x.pmk:1:1: the first statement must be 'scenario 1'");
}

/* S, then `start`, items and `end`, padded with blanks to a line of `len` bytes. */
static char *long_line(size_t len, const char *start, const char *item, const char *end)
{
	char *text = malloc(strlen(S) + len + 1);
	size_t at = (size_t)sprintf(text, S "%s", start);

	len += strlen(S);
	while (at + strlen(item) + strlen(end) <= len)
		at += (size_t)sprintf(text + at, "%s", item);
	at += (size_t)sprintf(text + at, "%s", end);
	memset(text + at, ' ', len - at);
	text[len] = '\0';
	return text;
}

static void test_long_lines(void **state)
{
	char *text = long_line(PMK_LINE_MAX, "p: read heap[", "7,", "7]"), *printed, *again;
	size_t len, len2;

	(void)state;
	printed = canonical(text, strlen(text), &len);
	again = canonical(printed, len, &len2);
	assert_string_equal(printed, again);
	free(printed);
	free(again);
	free(text);
	text = long_line(PMK_LINE_MAX + 1, "p: read heap[", "7,", "7]");
	check_error(text, strlen(text), "x.pmk:2:65537: the line is longer than 65536 bytes");
	free(text);
	text = long_line(PMK_LINE_MAX, "clause", " A", "");
	pmk_script_destroy(parse(text, strlen(text)));
	free(text);
	text = malloc(1 << 20);
	memset(text, '#', 1 << 20);
	check_error(text, 1 << 20, "x.pmk:1:65537: the line is longer than 65536 bytes");
	free(text);
}

/* Tabs in a text become two characters, PFNs four: what parsed must not become too long to parse. */
static void test_growing_line(void **state)
{
	static const char grown[] =
		"x.pmk:2: the line is longer than 65536 bytes in its canonical form";
	char *text = long_line(40000, "p: writefd h \"", "\t", "\"");

	(void)state;
	check_error(text, strlen(text), grown);
	free(text);
	text = long_line(32700, "p: writefd h \"", "\t", "\"");
	pmk_script_destroy(parse(text, strlen(text)));
	free(text);
	text = long_line(60000, "ram ", "10,", "10");
	check_error(text, strlen(text), grown);
	free(text);
	text = long_line(49000, "ram ", "10,", "10");
	pmk_script_destroy(parse(text, strlen(text)));
	free(text);
}

/* Reading one by one gives what reading all gives. */
static void test_stream(void **state)
{
	char text[] = "# c\n" S "p: map heap 4 anon private rw at=16\n\np: exit # d\n# e\n";
	struct pmk_parser *parser = pmk_parser_create("x.pmk", text, strlen(text));
	struct pmk_script *script = parse(text, strlen(text));
	const char *const *trailer;
	struct pmk_error err;
	struct pmk_stmt stmt;
	char one_buf[256], all_buf[256];

	(void)state;
	for (size_t i = 0; i < script->nstmts; i++) {
		assert_int_equal(pmk_parser_next(parser, &stmt, &err), 1);
		assert_true(pmk_stmt_print(&stmt, one_buf, sizeof(one_buf)) < sizeof(one_buf));
		pmk_stmt_print(&script->stmt[i], all_buf, sizeof(all_buf));
		assert_string_equal(one_buf, all_buf);
	}
	assert_int_equal(pmk_parser_next(parser, &stmt, &err), 0);
	assert_int_equal(pmk_parser_next(parser, &stmt, &err), 0);
	assert_int_equal(pmk_parser_trailer(parser, &trailer), 1);
	assert_string_equal(trailer[0], "# e");
	pmk_parser_destroy(parser);
	pmk_script_destroy(script);
}

static void test_print_sizes(void **state)
{
	const struct pmk_stmt *stmt = one("p: exit # abc");
	const char whole[] = "p: exit # abc\n";
	char buf[32];

	(void)state;
	assert_int_equal(pmk_stmt_print(stmt, NULL, 0), strlen(whole));
	for (size_t size = 1; size < sizeof(buf); size++) {
		memset(buf, '~', sizeof(buf));
		assert_int_equal(pmk_stmt_print(stmt, buf, size), strlen(whole));
		assert_int_equal(strlen(buf), size - 1 < strlen(whole) ? size - 1 : strlen(whole));
		assert_memory_equal(buf, whole, strlen(buf));
	}
	one(NULL);
}

/* Who makes statements sets values, and need not spell the words. */
static void test_print_made(void **state)
{
	const struct pmk_arg args[] = {
		{ .base = PMK_BASE_REGION, .text = "heap" },
		{ .n = 102 },
	};
	const struct pmk_stmt stmt = {
		.id = PMK_STMT_MADVISE, .subject = "p", .nargs = 2, .arg = args
	};
	char buf[64];

	(void)state;
	pmk_stmt_print(&stmt, buf, sizeof(buf));
	assert_string_equal(buf, "p: madvise heap guard-install\n");
}

static void test_files(void **state)
{
	char path[] = "/tmp/pmk_script_test_XXXXXX";
	int fd = mkstemp(path);
	struct pmk_error err;
	struct pmk_script *script;
	size_t len;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, S "p: exit\n", 19), 19);
	close(fd);
	script = pmk_script_load(path, &err);
	assert_non_null(script);
	assert_int_equal(script->nstmts, 2);
	assert_string_equal(script->file, path);
	pmk_script_destroy(script);
	assert_null(pmk_file_read(path, 18, &len, &err));
	assert_string_equal(err.text, "the file is larger than 18 bytes");
	unlink(path);
	assert_null(pmk_script_load(path, &err));
	assert_string_equal(err.text, strerror(ENOENT));
	assert_null(pmk_script_load("/", &err));
	assert_string_equal(err.text, strerror(EISDIR));
	assert_null(pmk_script_load(path, NULL));
}

static void test_error_format(void **state)
{
	struct pmk_error err;
	char buf[600], name[400];

	(void)state;
	assert_int_equal(pmk_error_set(NULL, "f", 1, 1, "x"), -1);
	pmk_error_set(&err, "a\nb", 0, 0, "c\n%d", 1);
	assert_int_equal(pmk_error_format(&err, buf, sizeof(buf)), 8);
	assert_string_equal(buf, "a?b: c?1");
	pmk_error_set(&err, NULL, 0, 0, "c");
	pmk_error_format(&err, buf, sizeof(buf));
	assert_string_equal(buf, "c");
	memset(name, 'd', sizeof(name));
	strcpy(name + sizeof(name) - 6, "e.pmk");
	pmk_error_set(&err, name, 7, 0, "c");
	pmk_error_format(&err, buf, sizeof(buf));
	assert_memory_equal(buf, "...dd", 5);
	assert_string_equal(buf + strlen(buf) - 11, "de.pmk:7: c");
}

/* ---- any bytes ------------------------------------------------------------------------------ */

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* If it parses, print and parse is a fixpoint; if not, the error is one line with a place. */
static void check_any(const char *text, size_t len)
{
	struct pmk_error err;
	struct pmk_script *script = pmk_script_parse("x.pmk", text, len, &err);
	size_t first_len, second_len;
	char *first, *second;

	if (!script) {
		assert_true(err.line > 0 && err.text[0] && !strchr(err.text, '\n'));
		return;
	}
	first = print(script, &first_len);
	pmk_script_destroy(script);
	second = canonical(first, first_len, &second_len);
	assert_int_equal(first_len, second_len);
	assert_memory_equal(first, second, first_len);
	free(first);
	free(second);
}

static size_t mutate(char *text, size_t len, size_t room, uint64_t *seed)
{
	static const char bytes[] = " \t\n\r#\"\\:=>-+[],!?xX0189azEZ_.\xff\x7f";
	uint64_t r = random_next(seed);
	size_t at = (size_t)(r >> 8) % len;
	char byte = bytes[(r >> 40) % sizeof(bytes)];

	if (r % 4 == 0 && len > 1) {
		memmove(text + at, text + at + 1, len - at - 1);
		return len - 1;
	}
	if (r % 4 == 1 && len < room) {
		memmove(text + at + 1, text + at, len - at);
		len++;
	}
	text[at] = r % 4 == 2 ? (char)(r >> 32) : byte;
	return len;
}

static void test_mutations(void **state)
{
	uint64_t seed = 20240607;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		const struct sample *sample = &samples[i % LENGTH(samples)];
		char text[600];
		/* The bytes alone, so that a read behind them is seen. */
		char *exact;
		size_t len;

		with_scenario(text, sizeof(text), sample, sample->written);
		len = strlen(text);
		for (uint64_t n = 1 + random_next(&seed) % 4; n; n--)
			len = mutate(text, len, sizeof(text), &seed);
		exact = malloc(len ? len : 1);
		memcpy(exact, text, len);
		check_any(exact, len);
		free(exact);
	}
}

/* Every prefix of all samples in a row. */
static void test_prefixes(void **state)
{
	static char text[32768];
	size_t len = (size_t)sprintf(text, S);

	(void)state;
	for (size_t i = 0; i < LENGTH(samples); i++)
		if (samples[i].id != PMK_STMT_SCENARIO)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\n",
						samples[i].written);
	assert_true(len < sizeof(text));
	for (size_t i = 0; i < len; i++) {
		char *exact = malloc(i ? i : 1);

		memcpy(exact, text, i);
		check_any(exact, i);
		free(exact);
	}
}

static void test_speed(void **state)
{
	static const char *const forms[] = {
		"p: map heap%u 16 anon private rw\n",
		"p: write heap%u[0-7]\n",
		"p: entry heap%u[0-7] present exclusive pfn>0\n",
		"p: pread pagemap heap%u[0] 12 -> EINVAL\n",
	};
	const unsigned count = 200000;
	char *text = malloc(count * 64 + 64);
	size_t len = (size_t)sprintf(text, S);
	struct pmk_parser *parser;
	struct pmk_stmt stmt;
	unsigned got = 0;
	clock_t start;

	(void)state;
	for (unsigned i = 0; i < count; i++)
		len += (size_t)sprintf(text + len, forms[i % 4], i);
	start = clock();
	parser = pmk_parser_create("x.pmk", text, len);
	while (pmk_parser_next(parser, &stmt, NULL) == 1)
		got++;
	pmk_parser_destroy(parser);
	assert_int_equal(got, count + 1);
	print_message("%u statements in %.3f s\n", got, (double)(clock() - start) / CLOCKS_PER_SEC);
	free(text);
}

static void test_manual(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(pmk_manual_print(out), 0);
	fclose(out);
	assert_non_null(strstr(text, "\n.TH PMK 5"));
	for (unsigned i = 0; i < PMK_ARG_COUNT; i++)
		assert_non_null(pmk_arg_info[i].expected);
	for (unsigned i = 0; i < PMK_STMT_COUNT; i++) {
		char bold[64];
		size_t at = (size_t)sprintf(bold, "\\fB");

		for (const char *s = pmk_stmt_info[i].word; *s; s++)
			at += (size_t)sprintf(bold + at, *s == '-' ? "\\-" : "%c", *s);
		if (!strstr(text, bold))
			fail_msg("pmk(5) has no '%s'", pmk_stmt_info[i].word);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),	     cmocka_unit_test(test_samples_complete),
		cmocka_unit_test(test_errors),	     cmocka_unit_test(test_fields),
		cmocka_unit_test(test_positions),    cmocka_unit_test(test_masks),
		cmocka_unit_test(test_words),	     cmocka_unit_test(test_comments),
		cmocka_unit_test(test_crlf),	     cmocka_unit_test(test_nul),
		cmocka_unit_test(test_long_lines),   cmocka_unit_test(test_growing_line),
		cmocka_unit_test(test_stream),	     cmocka_unit_test(test_print_sizes),
		cmocka_unit_test(test_print_made),   cmocka_unit_test(test_files),
		cmocka_unit_test(test_error_format), cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_prefixes),     cmocka_unit_test(test_speed),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
