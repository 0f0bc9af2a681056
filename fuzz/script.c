/*
 * A script that parses prints, its print parses, and prints as itself; the parser that goes statement by
 * statement and the one that keeps the whole script agree; an error names a place inside the text.
 *
 * Input: the script.
 */
#include "fuzz.h"
#include "script.h"

struct text {
	char *s; /* NULL: did not parse */
	size_t len, room;
};
/* Of the three texts that are compared; they stay for the next input. */
enum { STREAM, WHOLE, AGAIN, TEXTS };
static struct text made[TEXTS];

static size_t print(const void *what, char *buf, size_t size)
{
	return pmk_stmt_print(what, buf, size);
}

static char *more(struct text *text, size_t len)
{
	if (text->room - text->len <= len) {
		text->room = 2 * (text->len + len) + 1024;
		text->s = realloc(text->s, text->room);
		if (!text->s)
			abort();
	}
	return text->s + text->len;
}

static void add(struct text *text, const char *s, size_t len)
{
	memcpy(more(text, len), s, len);
	text->len += len;
}

static void add_stmt(struct text *text, const struct pmk_stmt *stmt)
{
	size_t room = text->room - text->len, len = pmk_stmt_print(stmt, more(text, 0), room);

	if (len >= room)
		pmk_stmt_print(stmt, more(text, len), len + 1);
	text->len += len;
}

static void add_trailer(struct text *text, const char *const *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add(text, line[i], strlen(line[i]));
		add(text, "\n", 1);
	}
}

/* The print of a text, statement by statement, each of which keeps the contract of text calls. */
static struct text stream(const char *s, size_t len, struct pmk_error *err)
{
	struct pmk_parser *parser = pmk_parser_create("f", s, len);
	struct text *text = &made[STREAM];
	const char *const *trailer = NULL;
	struct pmk_stmt stmt;
	size_t n = 0;
	int status;

	text->len = 0;
	more(text, 0);
	while ((status = pmk_parser_next(parser, &stmt, err)) > 0) {
		char *one = fuzz_text(print, &stmt, text->len, &n);

		add(text, one, n);
	}
	CHECK(!pmk_parser_next(parser, &stmt, err), "after the end there is nothing");
	n = status ? 0 : pmk_parser_trailer(parser, &trailer);
	add_trailer(text, trailer, n);
	pmk_parser_destroy(parser);
	return status < 0 ? (struct text){ 0 } : *text;
}

static struct text whole(struct text *text, const char *s, size_t len, struct pmk_error *err)
{
	struct pmk_script *script = pmk_script_parse("f", s, len, err);

	if (!script)
		return (struct text){ 0 };
	text->len = 0;
	more(text, 0);
	for (size_t i = 0; i < script->nstmts; i++)
		add_stmt(text, &script->stmt[i]);
	add_trailer(text, script->trailer, script->ntrailer);
	pmk_script_destroy(script);
	return *text;
}

/* The place of an error is a line of the text, or the one after it, and a column of that line. */
static void check_place(const char *s, size_t len, const struct pmk_error *err)
{
	const char *end = s + len, *newline;
	unsigned line = 1;

	CHECK(err->line, "an error has a line");
	CHECK(err->text[0] && !strchr(err->text, '\n'), "an error says what, in one line");
	for (; line < err->line && s < end; line++) {
		newline = memchr(s, '\n', (size_t)(end - s));
		s = newline ? newline + 1 : end;
	}
	CHECK(line == err->line, "an error's line is in the text");
	newline = s < end ? memchr(s, '\n', (size_t)(end - s)) : NULL;
	CHECK(err->col <= (size_t)((newline ? newline : end) - s) + 1,
	      "an error's column is in its line");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_room printed;
	struct pmk_error err = { .line = 0 }, err2 = { .line = 0 };
	struct text a = stream((const char *)data, size, &err), b, c;
	char *exact;

	b = whole(&made[WHOLE], (const char *)data, size, &err2);
	CHECK(!a.s == !b.s, "both parsers take the same scripts");
	if (!a.s) {
		CHECK(!memcmp(&err, &err2, sizeof(err)), "both parsers find the same error");
		check_place((const char *)data, size, &err);
		return 0;
	}
	CHECK(a.len == b.len && !memcmp(a.s, b.s, a.len), "both parsers see the same statements");
	exact = memcpy(fuzz_room(&printed, a.len), a.s, a.len);
	c = whole(&made[AGAIN], exact, a.len, &err);
	CHECK(c.s, "what is printed parses");
	CHECK(a.len == c.len && !memcmp(a.s, c.s, a.len), "parse, print, parse is a fixpoint");
	return 0;
}
