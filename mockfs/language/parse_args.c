/* parse_args.c - a statement's arguments and options: one small parser a type. */
#include "parse.h"

#include <string.h>

#include "pagemapkit.h"
#include "words.h"

/* ---- pieces of a token: each skips what it has read ------------------------------------------ */

static int take_number(struct pmk_parser *parser, struct pmk_token *tok, const char *what,
		       uint64_t *ret)
{
	bool overflow;
	size_t n = pmk_lex_number(tok->s, pmk_token_plain(tok), ret, &overflow);

	if (!n)
		return pmk_parse_expected(parser, tok, what, NULL);
	if (overflow)
		return pmk_parse_fail(parser, tok->col, "the number does not fit in 64 bits");
	pmk_token_skip(tok, n);
	return 0;
}

/* With a '-' the number must fit in a signed one. */
static int take_signed(struct pmk_parser *parser, struct pmk_token *tok, const char *what,
		       struct pmk_arg *ret)
{
	struct pmk_token rest = *tok;
	bool negative = rest.len && rest.s[0] == '-';

	if (negative)
		pmk_token_skip(&rest, 1);
	if (!rest.len || !pmk_is_digit(rest.s[0]))
		return pmk_parse_expected(parser, tok, what, NULL);
	if (take_number(parser, &rest, what, &ret->n))
		return -1;
	if (negative && ret->n > UINT64_C(1) << 63)
		return pmk_parse_fail(parser, tok->col, "the number does not fit in 64 bits");
	ret->negative = negative && ret->n;
	*tok = rest;
	return 0;
}

static bool take_char(struct pmk_token *tok, char c)
{
	if (!tok->len || tok->s[0] != c)
		return false;
	pmk_token_skip(tok, 1);
	return true;
}

static int take_end(struct pmk_parser *parser, const struct pmk_token *tok, const char *what)
{
	return tok->len ? pmk_parse_expected(parser, tok, what, NULL) : 0;
}

static int take_name(struct pmk_parser *parser, struct pmk_token *tok, const char *what,
		     const char **ret, size_t *ret_len)
{
	size_t n = pmk_lex_name(tok->s, pmk_token_plain(tok));

	if (!n)
		return pmk_parse_expected(parser, tok, what, NULL);
	*ret = pmk_parse_copy(parser, tok->s, n);
	*ret_len = n;
	pmk_token_skip(tok, n);
	return *ret ? 0 : pmk_parse_no_memory(parser);
}

/* A list like 0-3,8; where `single`, of numbers only. */
static int take_spans(struct pmk_parser *parser, struct pmk_token *tok, const char *what,
		      bool single, struct pmk_arg *ret)
{
	struct pmk_span *list = NULL;
	size_t n = 0;

	do {
		const struct pmk_token start = *tok;
		struct pmk_span span;

		if (take_number(parser, tok, what, &span.first))
			return -1;
		span.last = span.first;
		if (!single && take_char(tok, '-') && take_number(parser, tok, what, &span.last))
			return -1;
		if (span.last < span.first)
			return pmk_parse_fail(parser, start.col, "'%.*s' runs backwards",
					      (int)(tok->s - start.s), start.s);
		list = pmk_arena_push(&parser->arena, list, n, sizeof(*list));
		if (!list)
			return pmk_parse_no_memory(parser);
		list[n++] = span;
	} while (take_char(tok, ','));
	ret->span = list;
	ret->nspans = n;
	return 0;
}

/* ---- arguments ------------------------------------------------------------------------------ */

typedef int parse_fn(struct pmk_parser *, const char *what, struct pmk_token, struct pmk_arg *);

static int parse_unsigned(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			  struct pmk_arg *ret)
{
	struct pmk_token rest = tok;

	if (rest.len && !pmk_is_digit(rest.s[0]))
		return pmk_parse_expected(parser, &tok, what, NULL);
	if (take_number(parser, &rest, what, &ret->n))
		return -1;
	return rest.len ? pmk_parse_expected(parser, &tok, what, NULL) : 0;
}

static int parse_number(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			struct pmk_arg *ret)
{
	struct pmk_token rest = tok;

	if (take_signed(parser, &rest, what, ret))
		return -1;
	return rest.len ? pmk_parse_expected(parser, &tok, what, NULL) : 0;
}

static int parse_numbers(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			 struct pmk_arg *ret)
{
	if (take_spans(parser, &tok, what, true, ret))
		return -1;
	return take_end(parser, &tok, "',' or a blank after the number");
}

static int parse_pfns(struct pmk_parser *parser, const char *what, struct pmk_token tok,
		      struct pmk_arg *ret)
{
	if (take_spans(parser, &tok, what, false, ret))
		return -1;
	return take_end(parser, &tok, "',', '-' or a blank after the PFN");
}

static int parse_range(struct pmk_parser *parser, const char *what, struct pmk_token tok,
		       struct pmk_arg *ret)
{
	ret->base = PMK_BASE_REGION;
	if (take_name(parser, &tok, what, &ret->text, &ret->text_len))
		return -1;
	if (!tok.len)
		return 0;
	if (!take_char(&tok, '['))
		return pmk_parse_expected(parser, &tok, "'[' or a blank after the name", NULL);
	if (take_spans(parser, &tok, "a page number", false, ret))
		return -1;
	if (!take_char(&tok, ']'))
		return pmk_parse_expected(parser, &tok, "',', '-' or ']' after the page number",
					  NULL);
	return take_end(parser, &tok, "a blank after ']'");
}

static int parse_frames(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			struct pmk_arg *ret)
{
	if (tok.len && pmk_is_digit(tok.s[0]))
		return parse_pfns(parser, what, tok, ret);
	if (pmk_word_is(tok.s, tok.len, "hole")) {
		ret->base = PMK_BASE_HOLE;
		return 0;
	}
	return parse_range(parser, what, tok, ret);
}

/* "eof" or "hole", alone or before a + or -: a name could go on with a '-'. */
static bool take_landmark(struct pmk_token *tok, const char *word)
{
	size_t n = strlen(word);

	if (tok->len < n || memcmp(tok->s, word, n))
		return false;
	if (tok->len > n &&
	    (memchr(tok->s, '[', tok->len) || (tok->s[n] != '+' && tok->s[n] != '-')))
		return false;
	pmk_token_skip(tok, n);
	return true;
}

static int take_page(struct pmk_parser *parser, struct pmk_token *tok, const char *what,
		     struct pmk_arg *ret)
{
	struct pmk_token start = *tok;

	ret->base = PMK_BASE_REGION;
	if (take_name(parser, tok, what, &ret->text, &ret->text_len))
		return -1;
	if (!take_char(tok, '['))
		return pmk_parse_expected(parser, &start, what, NULL);
	if (take_spans(parser, tok, "a page number", true, ret))
		return -1;
	if (ret->nspans != 1 || !take_char(tok, ']'))
		return pmk_parse_fail(parser, start.col, "a position is at one page: region[page]");
	return 0;
}

static int parse_position(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			  struct pmk_arg *ret)
{
	bool minus;
	unsigned col;
	uint64_t delta;

	if (tok.len && (pmk_is_digit(tok.s[0]) || tok.s[0] == '-')) {
		if (take_signed(parser, &tok, what, ret))
			return -1;
	} else if (take_landmark(&tok, "eof")) {
		ret->base = PMK_BASE_EOF;
	} else if (take_landmark(&tok, "hole")) {
		ret->base = PMK_BASE_HOLE;
	} else if (take_page(parser, &tok, what, ret)) {
		return -1;
	}
	if (!tok.len)
		return 0;
	col = tok.col;
	minus = take_char(&tok, '-');
	if (!minus && !take_char(&tok, '+'))
		return pmk_parse_expected(parser, &tok, "'+', '-' or a blank after the position",
					  NULL);
	if (take_number(parser, &tok, "a number", &delta))
		return -1;
	if (delta > INT64_MAX)
		return pmk_parse_fail(parser, col, "the number does not fit in 63 bits");
	ret->delta = minus ? -(int64_t)delta : (int64_t)delta;
	return take_end(parser, &tok, "a blank after the position");
}

static int parse_address(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			 struct pmk_arg *ret)
{
	if (parse_position(parser, what, tok, ret))
		return -1;
	return ret->base == PMK_BASE_HOLE ? pmk_parse_expected(parser, &tok, what, NULL) : 0;
}

/* Where ".." stands in the token; its length: nowhere. */
static size_t find_dots(const struct pmk_token *tok)
{
	size_t n = 0;

	while (n < tok->len && (n + 1 == tok->len || tok->s[n] != '.' || tok->s[n + 1] != '.'))
		n++;
	return n;
}

static int parse_extent(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			struct pmk_arg *ret)
{
	size_t dots = find_dots(&tok);
	struct pmk_token from = tok;
	struct pmk_arg *to;

	if (dots == tok.len) {
		if (parse_range(parser, what, tok, ret))
			return -1;
		return ret->nspans > 1 ? pmk_parse_expected(parser, &tok, what, NULL) : 0;
	}
	to = pmk_arena_alloc(&parser->arena, sizeof(*to));
	if (!to)
		return pmk_parse_no_memory(parser);
	from.len = dots;
	if (from.quote > dots)
		from.quote = dots;
	pmk_token_skip(&tok, dots + 2);
	*to = (struct pmk_arg){ .col = tok.col };
	ret->to = to;
	return parse_address(parser, what, from, ret) || parse_address(parser, what, tok, to) ? -1
											      : 0;
}

/* Three places as in maps (r--, rw-, --x), or the letters alone in that order. */
static int parse_perms(struct pmk_parser *parser, const char *what, struct pmk_token tok,
		       struct pmk_arg *ret)
{
	static const char letters[] = "rwx";
	size_t at = 0;

	ret->n = 0;
	if (pmk_word_is(tok.s, tok.len, "none"))
		return 0;
	for (size_t i = 0; i < tok.len; i++) {
		const char *letter = strchr(letters, tok.s[i]);
		bool placed = tok.len == 3 && (tok.s[i] == letters[i] || tok.s[i] == '-');

		if (placed && tok.s[i] == '-') {
			at = i + 1;
			continue;
		}
		if (!letter || (size_t)(letter - letters) < at)
			return pmk_parse_expected(parser, &tok, what, NULL);
		at = (size_t)(letter - letters) + 1;
		ret->n |= 1u << (letter - letters);
	}
	return tok.len ? 0 : pmk_parse_expected(parser, &tok, what, NULL);
}

static int parse_any_name(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			  struct pmk_arg *ret)
{
	struct pmk_token rest = tok;

	if (take_name(parser, &rest, what, &ret->text, &ret->text_len))
		return -1;
	return rest.len ? pmk_parse_expected(parser, &tok, what, NULL) : 0;
}

/* Names that mean something else where a name may stand. */
static int parse_new_name(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			  struct pmk_arg *ret)
{
	if (pmk_word_is(tok.s, tok.len, "eof") || pmk_word_is(tok.s, tok.len, "hole") ||
	    pmk_word_find(PMK_ARG_FILENAME, tok.s, tok.len))
		return pmk_parse_fail(parser, tok.col,
				      "'%.*s' is a word of the language, not a name", (int)tok.len,
				      tok.s);
	return parse_any_name(parser, what, tok, ret);
}

static int parse_handle(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			struct pmk_arg *ret)
{
	const struct pmk_word *file = pmk_word_find(PMK_ARG_FILENAME, tok.s, tok.len);

	ret->n = file ? file->value : PMK_FILE_COUNT;
	return parse_any_name(parser, what, tok, ret);
}

static int parse_any_word(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			  struct pmk_arg *ret)
{
	if (!tok.len || tok.quote < tok.len)
		return pmk_parse_expected(parser, &tok, what, NULL);
	ret->text = pmk_parse_copy(parser, tok.s, tok.len);
	ret->text_len = tok.len;
	return ret->text ? 0 : pmk_parse_no_memory(parser);
}

/* Reads what follows a backslash; returns how many bytes it took, 0: no such escape. */
static size_t unescape(const char *s, size_t len, char *ret)
{
	static const char from[] = "\"\\nt0", to[] = "\"\\\n\t";
	const char *at = len ? strchr(from, s[0]) : NULL;

	if (at && *at) {
		*ret = to[at - from];
		return 1;
	}
	if (len < 3 || s[0] != 'x' || pmk_hex_value(s[1]) < 0 || pmk_hex_value(s[2]) < 0)
		return 0;
	*ret = (char)(pmk_hex_value(s[1]) << 4 | pmk_hex_value(s[2]));
	return 3;
}

static int parse_string(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			struct pmk_arg *ret)
{
	char *out;
	size_t n = 0;

	if (!tok.len || tok.quote)
		return pmk_parse_expected(parser, &tok, what, NULL);
	out = pmk_arena_text(&parser->arena, tok.len);
	if (!out)
		return pmk_parse_no_memory(parser);
	for (size_t i = 1; i < tok.len - 1; i++) {
		size_t took;

		out[n] = tok.s[i];
		if (tok.s[i] == '\\') {
			took = unescape(tok.s + i + 1, tok.len - 1 - (i + 1), &out[n]);
			if (!took)
				return pmk_parse_fail(
					parser, tok.col + (unsigned)i,
					"unknown escape: only \\\" \\\\ \\n \\t \\0 and \\xHH");
			i += took;
		}
		n++;
	}
	out[n] = '\0';
	ret->text = out;
	ret->text_len = n;
	return 0;
}

static int parse_enumerated(struct pmk_parser *parser, enum pmk_arg_type type,
			    const struct pmk_token *tok, struct pmk_arg *ret)
{
	const struct pmk_word *word = pmk_word_find(type, tok->s, tok->len);
	int value = type == PMK_ARG_FAILURE ? pmk_errno_value(tok->s, tok->len) : -1;

	if (word) {
		ret->n = word->value;
		ret->text = word->word;
	} else if (value > 0) {
		ret->n = (uint64_t)value;
		ret->text = pmk_errno_name(value);
	} else {
		return pmk_parse_expected(parser, tok, pmk_arg_info[type].expected,
					  pmk_guess_word(type, tok->s, pmk_token_plain(tok)));
	}
	ret->text_len = tok->len;
	return 0;
}

int pmk_parse_arg(struct pmk_parser *parser, enum pmk_arg_type type, const struct pmk_token *tok,
		  struct pmk_arg *ret)
{
	static parse_fn *const table[PMK_ARG_COUNT] = {
		[PMK_ARG_NUMBER] = parse_number,    [PMK_ARG_NUMBERS] = parse_numbers,
		[PMK_ARG_PAGES] = parse_unsigned,   [PMK_ARG_WORD] = parse_any_word,
		[PMK_ARG_STRING] = parse_string,    [PMK_ARG_NEWNAME] = parse_new_name,
		[PMK_ARG_NEWPROC] = parse_new_name, [PMK_ARG_HANDLE] = parse_handle,
		[PMK_ARG_RANGE] = parse_range,	    [PMK_ARG_FRAMES] = parse_frames,
		[PMK_ARG_PFNS] = parse_pfns,	    [PMK_ARG_POSITION] = parse_position,
		[PMK_ARG_PERMS] = parse_perms,	    [PMK_ARG_ADDRESS] = parse_address,
		[PMK_ARG_EXTENT] = parse_extent,
	};

	*ret = (struct pmk_arg){ .col = tok->col };
	if (!tok->len)
		return pmk_parse_expected(parser, tok, pmk_arg_info[type].expected, NULL);
	if (!table[type])
		return parse_enumerated(parser, type, tok, ret);
	return table[type](parser, pmk_arg_info[type].expected, *tok, ret);
}

/* ---- flags ---------------------------------------------------------------------------------- */

static const struct pmk_word *category(const char *text, size_t len)
{
	return pmk_word_find(PMK_ARG_CATEGORYWORDS, text, len);
}

static int flag_mask(struct pmk_parser *parser, enum pmk_arg_type type, const struct pmk_token *tok,
		     uint64_t *ret)
{
	size_t len = pmk_token_plain(tok);

	*ret = 0;
	if (len == tok->len && type == PMK_ARG_CATEGORYWORDS)
		*ret = category(tok->s, len) ? category(tok->s, len)->value : 0;
	else if (len == tok->len)
		*ret = type == PMK_ARG_ENTRYWORDS ? pmk_entry_flag(tok->s, len)
						  : pmk_frame_flag(tok->s, len);
	if (*ret)
		return 0;
	return pmk_parse_expected(parser, tok, pmk_arg_info[type].expected,
				  pmk_guess_word(type, tok->s, len));
}

static int parse_none(struct pmk_parser *parser, const struct pmk_token *tok)
{
	if (parser->none_said)
		return pmk_parse_fail(parser, tok->col, "'none' was given twice");
	parser->none_said = true;
	return 0;
}

static int parse_flag(struct pmk_parser *parser, enum pmk_arg_type type,
		      const struct pmk_token *tok, struct pmk_arg *arg)
{
	struct pmk_token name = *tok;
	uint64_t *into = &arg->set, mask;

	if (type != PMK_ARG_CATEGORYWORDS && take_char(&name, '!'))
		into = &arg->clear;
	else if (type == PMK_ARG_ENTRYWORDS && parser->info->kind == PMK_EXPECT &&
		 take_char(&name, '?'))
		into = &arg->free;
	if (flag_mask(parser, type, &name, &mask))
		return -1;
	if (*into & mask)
		return pmk_parse_fail(parser, tok->col, "'%.*s' was given twice", (int)tok->len,
				      tok->s);
	*into |= mask;
	return 0;
}

static int parse_state(struct pmk_parser *parser, enum pmk_arg_type type,
		       const struct pmk_token *tok, struct pmk_arg *arg)
{
	bool none = type != PMK_ARG_FRAMEWORDS && pmk_word_is(tok->s, tok->len, "none");
	uint64_t with_none = type == PMK_ARG_ENTRYWORDS ? PMK_PAGEMAP_SOFT_DIRTY_MASK : 0;

	if (none ? parse_none(parser, tok) : parse_flag(parser, type, tok, arg))
		return -1;
	if (!(arg->set & arg->clear) && !((arg->set | arg->clear) & arg->free) &&
	    !(parser->none_said && ((arg->set | arg->free) & ~with_none)))
		return 0;
	return pmk_parse_fail(parser, tok->col, "'%.*s' contradicts an earlier word", (int)tok->len,
			      tok->s);
}

int pmk_parse_word(struct pmk_parser *parser, enum pmk_arg_type type, const struct pmk_token *tok,
		   struct pmk_arg *arg)
{
	const char **words = (const char **)(uintptr_t)arg->words;

	if (type == PMK_ARG_WORDS) {
		if (tok->quote < tok->len)
			return pmk_parse_expected(parser, tok, pmk_arg_info[type].expected, NULL);
	} else if (parse_state(parser, type, tok, arg)) {
		return -1;
	}
	if (pmk_parse_push_text(parser, &words, &arg->nwords, tok->s, tok->len))
		return -1;
	arg->words = words;
	return 0;
}

int pmk_parse_words_end(struct pmk_parser *parser, enum pmk_arg_type type, struct pmk_arg *arg)
{
	uint64_t known = pmk_entry_flags_known();
	unsigned enough = parser->nopts;

	/* via= says where to look, not what to see. */
	if (pmk_parse_option_said(parser, PMK_OPT_VIA))
		enough--;
	if (!arg->nwords && (!enough || type == PMK_ARG_CATEGORYWORDS))
		return pmk_parse_expected(parser, &parser->tok, pmk_arg_info[type].expected, NULL);
	if (type != PMK_ARG_ENTRYWORDS)
		return 0;
	if (!arg->nwords) {
		arg->free = known;
		return 0;
	}
	if (parser->info->kind == PMK_EXPECT &&
	    !((arg->set | arg->clear) & PMK_PAGEMAP_SOFT_DIRTY_MASK))
		arg->free |= PMK_PAGEMAP_SOFT_DIRTY_MASK;
	arg->clear = known & ~arg->set & ~arg->free;
	return 0;
}

/* ---- options -------------------------------------------------------------------------------- */

static size_t key_length(const struct pmk_token *tok)
{
	size_t n = 0;

	while (n < pmk_token_plain(tok) && tok->s[n] != '=' && tok->s[n] != '>')
		n++;
	return n;
}

/* The place of the option in info->opts, or PMK_OPTS_MAX. */
static unsigned option_find(const struct pmk_stmt_info *info, const char *key, size_t len)
{
	for (unsigned i = 0; info->opts[i]; i++)
		if (pmk_word_is(key, len, pmk_opt_info[info->opts[i]].key))
			return i;
	return PMK_OPTS_MAX;
}

bool pmk_parse_option_said(const struct pmk_parser *parser, enum pmk_opt_id id)
{
	for (unsigned i = 0; parser->info->opts[i]; i++)
		if (parser->info->opts[i] == id)
			return parser->opt[i].col != 0;
	return false;
}

void pmk_parse_list_options(const struct pmk_stmt_info *info, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned i = 0; info->opts[i] && len < size; i++) {
		const struct pmk_opt_info *opt = &pmk_opt_info[info->opts[i]];
		const char *between = !i ? "" : info->opts[i + 1] ? ", " : " or ";

		len += (size_t)snprintf(buf + len, size - len, "%s%s%s", between, opt->key,
					opt->type == PMK_VALUE_FLAG ? "" : "=");
	}
}

bool pmk_parse_is_option(const struct pmk_parser *parser, const struct pmk_token *tok)
{
	size_t len = key_length(tok);
	unsigned i;

	if (len < pmk_token_plain(tok))
		return true;
	i = option_find(parser->info, tok->s, tok->len);
	return i < PMK_OPTS_MAX && pmk_opt_info[parser->info->opts[i]].type == PMK_VALUE_FLAG;
}

static int option_unknown(struct pmk_parser *parser, const struct pmk_token *tok, size_t len)
{
	char list[160];
	int shown = len < 32 ? (int)len : 32;

	if (!parser->info->opts[0])
		return pmk_parse_fail(parser, tok->col, "unknown option '%.*s'; '%s' takes none",
				      shown, tok->s, parser->info->word);
	pmk_parse_list_options(parser->info, list, sizeof(list));
	return pmk_parse_fail(parser, tok->col, "unknown option '%.*s'; '%s' takes %s", shown,
			      tok->s, parser->info->word, list);
}

static int parse_symbol(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			struct pmk_arg *ret)
{
	if (tok.len && pmk_is_digit(tok.s[0]))
		return parse_unsigned(parser, what, tok, ret);
	return parse_any_name(parser, what, tok, ret);
}

/* Categories and numbers joined by '+'. */
static int parse_categories(struct pmk_parser *parser, const char *what, struct pmk_token tok,
			    struct pmk_arg *ret)
{
	const struct pmk_word *word;
	struct pmk_token rest = tok;
	uint64_t bits;

	do {
		struct pmk_token one = rest;

		one.len = 0;
		while (one.len < pmk_token_plain(&rest) && one.s[one.len] != '+')
			one.len++;
		pmk_token_skip(&rest, one.len);
		one.quote = one.len;
		word = category(one.s, one.len);
		if (word)
			bits = word->value;
		else if (!one.len || !pmk_is_digit(one.s[0]))
			return pmk_parse_expected(
				parser, &one, what,
				pmk_guess_word(PMK_ARG_CATEGORYWORDS, one.s, one.len));
		else if (take_number(parser, &one, what, &bits) || take_end(parser, &one, what))
			return -1;
		ret->n |= bits;
	} while (take_char(&rest, '+'));
	if (rest.len)
		return pmk_parse_expected(parser, &rest, what, NULL);
	ret->text = pmk_parse_copy(parser, tok.s, tok.len);
	ret->text_len = tok.len;
	return ret->text ? 0 : pmk_parse_no_memory(parser);
}

static int option_value(struct pmk_parser *parser, enum pmk_value_type type, struct pmk_token tok,
			struct pmk_arg *ret)
{
	static const struct {
		parse_fn *parse;
		const char *what;
	} table[] = {
		[PMK_VALUE_NUMBER] = { parse_unsigned, "a number, decimal or 0x hexadecimal" },
		[PMK_VALUE_SYMBOL] = { parse_symbol, "a number or a name" },
		[PMK_VALUE_NAME] = { parse_any_name, "a name" },
		[PMK_VALUE_PROC] = { parse_any_name, "a process" },
		[PMK_VALUE_HANDLE] = { parse_handle, "a handle or the name of a file" },
		[PMK_VALUE_WORD] = { parse_any_word, "a word" },
		[PMK_VALUE_STRING] = { parse_string, "a text in double quotes" },
		[PMK_VALUE_CATEGORIES] = { parse_categories,
					   "categories of PAGEMAP_SCAN or numbers joined by +" },
		[PMK_VALUE_ADDRESS] = { parse_address, "an address: a number, region[page] or eof, "
						       "with +N or -N" },
	};

	return table[type].parse(parser, table[type].what, tok, ret);
}

/* What stands behind the key: nothing for a switch, else = or > and a value. */
static int option_rest(struct pmk_parser *parser, enum pmk_opt_id id, const struct pmk_token *tok,
		       size_t key_len, struct pmk_arg *ret)
{
	const struct pmk_opt_info *opt = &pmk_opt_info[id];
	char sign = key_len < tok->len ? tok->s[key_len] : '\0';
	struct pmk_token value = *tok;

	if (opt->type == PMK_VALUE_FLAG) {
		ret->n = 1;
		return sign ? pmk_parse_fail(parser, tok->col, "'%s' takes no value", opt->key) : 0;
	}
	ret->greater = sign == '>';
	if (ret->greater && (id != PMK_OPT_PFN || parser->info->kind != PMK_EXPECT))
		return pmk_parse_fail(parser, tok->col, "only pfn of an expectation takes '>'");
	if (sign != '=' && sign != '>')
		return pmk_parse_fail(parser, tok->col, "'%s' needs a value: %s=...", opt->key,
				      opt->key);
	pmk_token_skip(&value, key_len + 1);
	if (option_value(parser, ret->greater ? PMK_VALUE_NUMBER : opt->type, value, ret))
		return -1;
	if (id == PMK_OPT_TYPE && ret->n > 31)
		return pmk_parse_fail(parser, value.col, "a swap type is 0 to 31");
	return 0;
}

int pmk_parse_option(struct pmk_parser *parser, const struct pmk_token *tok)
{
	size_t len = key_length(tok);
	unsigned at = option_find(parser->info, tok->s, len);
	struct pmk_arg ret = { .col = tok->col };
	enum pmk_opt_id id;

	if (at == PMK_OPTS_MAX)
		return option_unknown(parser, tok, len);
	id = (enum pmk_opt_id)parser->info->opts[at];
	if (parser->opt[at].col)
		return pmk_parse_fail(parser, tok->col, "'%s' was given twice",
				      pmk_opt_info[id].key);
	if (option_rest(parser, id, tok, len, &ret))
		return -1;
	parser->opt[at] = ret;
	parser->nopts++;
	return 0;
}
