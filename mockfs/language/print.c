/* print.c - statements in their canonical form: one blank between tokens, options in table order. */
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "words.h"

static const char digits[] = "0123456789abcdef";

/* Into a file, or into a buffer of which only the first `size` bytes are there. */
struct sink {
	FILE *file;
	char *buf;
	size_t size, len;
};

static void put(struct sink *sink, const char *s, size_t n)
{
	if (sink->file)
		fwrite(s, 1, n, sink->file);
	else if (sink->len < sink->size)
		memcpy(sink->buf + sink->len, s,
		       n < sink->size - sink->len ? n : sink->size - sink->len);
	sink->len += n;
}

static void put_text(struct sink *sink, const char *s)
{
	put(sink, s, strlen(s));
}

/* PFNs, addresses and raw words read best in hexadecimal, but 0 is 0.  By hand: most of a script is numbers. */
static void put_number(struct sink *sink, uint64_t n, bool hex)
{
	unsigned base = hex && n > 9 ? 16 : 10;
	char text[24], *end = text + sizeof(text), *at = end;

	do
		*--at = digits[n % base];
	while (n /= base);
	if (base == 16) {
		*--at = 'x';
		*--at = '0';
	}
	put(sink, at, (size_t)(end - at));
}

static void put_signed(struct sink *sink, int64_t n)
{
	if (n < 0)
		put(sink, "-", 1);
	put_number(sink, n < 0 ? -(uint64_t)n : (uint64_t)n, false);
}

static void put_spans(struct sink *sink, const struct pmk_arg *arg, bool hex)
{
	for (size_t i = 0; i < arg->nspans; i++) {
		if (i)
			put_text(sink, ",");
		put_number(sink, arg->span[i].first, hex);
		if (arg->span[i].last == arg->span[i].first)
			continue;
		put_text(sink, "-");
		put_number(sink, arg->span[i].last, hex);
	}
}

static void put_range(struct sink *sink, const struct pmk_arg *arg)
{
	put_text(sink, arg->text);
	if (!arg->nspans)
		return;
	put_text(sink, "[");
	put_spans(sink, arg, false);
	put_text(sink, "]");
}

static void put_string(struct sink *sink, const struct pmk_arg *arg)
{
	static const char from[] = "\"\\\n\t", to[] = "\"\\nt0";

	put_text(sink, "\"");
	for (size_t i = 0; i < arg->text_len; i++) {
		char c = arg->text[i];
		unsigned char byte = (unsigned char)c;
		/* The NUL that ends from[] is one of its characters. */
		const char *at = byte < 0x20 || c == '"' || c == '\\' ? strchr(from, c) : NULL;

		if (at) {
			put(sink, "\\", 1);
			put(sink, &to[at - from], 1);
		} else if (byte < 0x20 || byte == 0x7f) {
			put(sink, "\\x", 2);
			put(sink, &digits[byte >> 4], 1);
			put(sink, &digits[byte & 15], 1);
		} else {
			put(sink, &c, 1);
		}
	}
	put_text(sink, "\"");
}

static void put_perms(struct sink *sink, uint64_t perms)
{
	if (!perms)
		put_text(sink, "none");
	if (perms & PMK_PERM_R)
		put_text(sink, "r");
	if (perms & PMK_PERM_W)
		put_text(sink, "w");
	if (perms & PMK_PERM_X)
		put_text(sink, "x");
}

static void put_position(struct sink *sink, const struct pmk_arg *arg)
{
	if (arg->base == PMK_BASE_NUMBER) {
		put_text(sink, arg->negative ? "-" : "");
		put_number(sink, arg->n, false);
	} else if (arg->base == PMK_BASE_REGION) {
		put_range(sink, arg);
	} else {
		put_text(sink, arg->base == PMK_BASE_EOF ? "eof" : "hole");
	}
	if (arg->delta > 0)
		put(sink, "+", 1);
	if (arg->delta)
		put_signed(sink, arg->delta);
}

static void put_extent(struct sink *sink, const struct pmk_arg *arg)
{
	if (!arg->to) {
		put_range(sink, arg);
		return;
	}
	put_position(sink, arg);
	put_text(sink, "..");
	put_position(sink, arg->to);
}

static void put_frames(struct sink *sink, const struct pmk_arg *arg)
{
	if (arg->base == PMK_BASE_HOLE)
		put_text(sink, "hole");
	else if (arg->base == PMK_BASE_REGION)
		put_range(sink, arg);
	else
		put_spans(sink, arg, true);
}

static void put_words(struct sink *sink, const struct pmk_arg *arg)
{
	for (size_t i = 0; i < arg->nwords; i++) {
		put_text(sink, i ? " " : "");
		put_text(sink, arg->words[i]);
	}
}

/* A name or a word of a table, which who makes statements may give by its value alone. */
static void put_word(struct sink *sink, enum pmk_arg_type type, const struct pmk_arg *arg)
{
	const char *word = arg->text ? arg->text : pmk_word_name(type, arg->n);

	if (!word && type == PMK_ARG_FAILURE)
		word = pmk_errno_name((int)arg->n);
	put_text(sink, word ? word : "?");
}

static void put_arg(struct sink *sink, enum pmk_arg_type type, const struct pmk_arg *arg)
{
	switch (type) {
	case PMK_ARG_NUMBER:
	case PMK_ARG_PAGES:
		put_text(sink, arg->negative ? "-" : "");
		put_number(sink, arg->n, false);
		break;
	case PMK_ARG_NUMBERS:
		put_spans(sink, arg, false);
		break;
	case PMK_ARG_PFNS:
		put_spans(sink, arg, true);
		break;
	case PMK_ARG_WORDS:
	case PMK_ARG_ENTRYWORDS:
	case PMK_ARG_FRAMEWORDS:
	case PMK_ARG_CATEGORYWORDS:
		put_words(sink, arg);
		break;
	case PMK_ARG_STRING:
		put_string(sink, arg);
		break;
	case PMK_ARG_RANGE:
		put_range(sink, arg);
		break;
	case PMK_ARG_FRAMES:
		put_frames(sink, arg);
		break;
	case PMK_ARG_EXTENT:
		put_extent(sink, arg);
		break;
	case PMK_ARG_POSITION:
	case PMK_ARG_ADDRESS:
		put_position(sink, arg);
		break;
	case PMK_ARG_PERMS:
		put_perms(sink, arg->n);
		break;
	default:
		put_word(sink, type, arg);
		break;
	}
}

static bool in_hex(enum pmk_opt_id id)
{
	return id == PMK_OPT_PFN || id == PMK_OPT_AT || id == PMK_OPT_RAW ||
	       id == PMK_OPT_FLAGS_RAW;
}

static void put_option(struct sink *sink, enum pmk_opt_id id, const struct pmk_arg *arg)
{
	const struct pmk_opt_info *info = &pmk_opt_info[id];

	put_text(sink, " ");
	put_text(sink, info->key);
	if (info->type == PMK_VALUE_FLAG)
		return;
	put_text(sink, arg->greater ? ">" : "=");
	if (info->type == PMK_VALUE_STRING)
		put_string(sink, arg);
	else if (info->type == PMK_VALUE_ADDRESS)
		put_position(sink, arg);
	else if (arg->text)
		put_text(sink, arg->text);
	else
		put_number(sink, arg->n, in_hex(id));
}

static void put_result(struct sink *sink, const struct pmk_stmt *stmt)
{
	const char *name = NULL;

	if (stmt->result.kind == PMK_RESULT_NONE)
		return;
	if (stmt->result.kind == PMK_RESULT_ERRNO)
		name = pmk_errno_name((int)stmt->result.value);
	else if (stmt->result.kind == PMK_RESULT_SIGNAL)
		name = pmk_signal_name((int)stmt->result.value);
	put_text(sink, " -> ");
	if (name)
		put_text(sink, name);
	else
		put_signed(sink, stmt->result.value);
}

static void put_lines(struct sink *sink, const char *const *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put_text(sink, line[i]);
		put_text(sink, "\n");
	}
}

static void put_stmt(struct sink *sink, const struct pmk_stmt *stmt)
{
	const struct pmk_stmt_info *info = &pmk_stmt_info[stmt->id];

	put_lines(sink, stmt->above, stmt->nabove);
	if (stmt->subject) {
		put_text(sink, stmt->subject);
		put_text(sink, ": ");
	}
	put_text(sink, info->word);
	for (unsigned i = 0; i < stmt->nargs; i++) {
		enum pmk_arg_type type = (enum pmk_arg_type)info->args[i];

		/* Entry and frame words may be none at all. */
		if ((type == PMK_ARG_ENTRYWORDS || type == PMK_ARG_FRAMEWORDS) &&
		    !stmt->arg[i].nwords)
			continue;
		put_text(sink, " ");
		put_arg(sink, type, &stmt->arg[i]);
	}
	for (unsigned i = 0; stmt->opt && info->opts[i]; i++)
		if (stmt->opt[i].col)
			put_option(sink, (enum pmk_opt_id)info->opts[i], &stmt->opt[i]);
	put_result(sink, stmt);
	for (size_t i = 0; i < stmt->nwhen; i++) {
		put_text(sink, i ? "," : " when ");
		put_text(sink, stmt->when[i]);
	}
	if (stmt->comment) {
		put_text(sink, " #");
		put_text(sink, stmt->comment);
	}
	put_text(sink, "\n");
}

size_t pmk_stmt_print(const struct pmk_stmt *stmt, char *buf, size_t size)
{
	struct sink sink = { .buf = buf, .size = size ? size - 1 : 0 };

	put_stmt(&sink, stmt);
	if (size)
		buf[sink.len < sink.size ? sink.len : sink.size] = '\0';
	return sink.len;
}

int pmk_script_print(const struct pmk_script *script, FILE *out)
{
	struct sink sink = { .file = out };

	for (size_t i = 0; i < script->nstmts; i++)
		put_stmt(&sink, &script->stmt[i]);
	put_lines(&sink, script->trailer, script->ntrailer);
	return ferror(out) || fflush(out) ? -1 : 0;
}
