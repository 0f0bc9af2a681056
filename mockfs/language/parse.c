/* parse.c - lines of a script into statements. */
#include "parse.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

#define FIRST "the first statement must be 'scenario 1'"

/* ---- errors and pieces ---------------------------------------------------------------------- */

int pmk_parse_fail(struct pmk_parser *parser, unsigned col, const char *format, ...)
{
	char text[sizeof(parser->err->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return pmk_error_set(parser->err, parser->file, parser->line, col, "%s", text);
}

int pmk_parse_no_memory(struct pmk_parser *parser)
{
	return pmk_parse_fail(parser, 0, "out of memory");
}

int pmk_parse_expected(struct pmk_parser *parser, const struct pmk_token *tok, const char *what,
		       const char *guess)
{
	size_t len = pmk_token_plain(tok);
	const char *more = len > 40 ? "..." : "";

	if (len > 40)
		len = 40;
	if (!tok->len && (tok->s == parser->lexer.end || *tok->s == '#'))
		return pmk_parse_fail(parser, tok->col, "expected %s, not the end of the line",
				      what);
	if (!tok->len)
		return pmk_parse_fail(parser, tok->col, "expected %s, not a blank", what);
	if (!len)
		return pmk_parse_fail(parser, tok->col, "expected %s, not a text in quotes", what);
	if (guess)
		return pmk_parse_fail(parser, tok->col,
				      "expected %s, not '%.*s%s'; did you mean '%s'?", what,
				      (int)len, tok->s, more, guess);
	return pmk_parse_fail(parser, tok->col, "expected %s, not '%.*s%s'", what, (int)len, tok->s,
			      more);
}

int pmk_parse_advance(struct pmk_parser *parser)
{
	const char *why;
	int status = pmk_lexer_next(&parser->lexer, &parser->tok, &why);

	if (status < 0)
		return pmk_parse_fail(parser, parser->tok.col, "%s", why);
	if (!status)
		parser->tok = (struct pmk_token){
			.s = parser->lexer.p,
			.col = pmk_lexer_col(&parser->lexer, parser->lexer.p),
		};
	return 0;
}

const char *pmk_parse_copy(struct pmk_parser *parser, const char *s, size_t len)
{
	char *ret = pmk_arena_text(&parser->arena, len + 1);

	if (ret) {
		memcpy(ret, s, len);
		ret[len] = '\0';
	}
	return ret;
}

int pmk_parse_push_text(struct pmk_parser *parser, const char ***list, size_t *n, const char *s,
			size_t len)
{
	const char *copy = pmk_parse_copy(parser, s, len);
	const char **grown = pmk_arena_push(&parser->arena, *list, *n, sizeof(**list));

	if (!copy || !grown)
		return pmk_parse_no_memory(parser);
	grown[(*n)++] = copy;
	*list = grown;
	return 0;
}

/* ---- the parts of a statement --------------------------------------------------------------- */

/* Splits "p:" off the first token; the statement may follow without a blank. */
static int parse_subject(struct pmk_parser *parser, struct pmk_stmt *stmt)
{
	const struct pmk_token tok = parser->tok;
	const char *colon = memchr(tok.s, ':', pmk_token_plain(&tok));
	size_t len;

	if (!colon)
		return 0;
	len = (size_t)(colon - tok.s);
	if (!len || pmk_lex_name(tok.s, len) != len)
		return pmk_parse_expected(parser, &tok, "a process's name before ':'", NULL);
	stmt->subject = pmk_parse_copy(parser, tok.s, len);
	stmt->subject_col = tok.col;
	if (!stmt->subject)
		return pmk_parse_no_memory(parser);
	parser->lexer.p = colon + 1;
	return pmk_parse_advance(parser);
}

static int unknown_statement(struct pmk_parser *parser)
{
	const struct pmk_token *tok = &parser->tok;
	size_t len = pmk_token_plain(tok);
	const char *guess;

	if (!len)
		return pmk_parse_expected(parser, tok, "a statement", NULL);
	guess = pmk_guess_stmt(tok->s, len);
	if (guess)
		return pmk_parse_fail(parser, tok->col,
				      "unknown statement '%.*s'; did you mean '%s'?", (int)len,
				      tok->s, guess);
	return pmk_parse_fail(parser, tok->col, "unknown statement '%.*s%s'",
			      len > 40 ? 40 : (int)len, tok->s, len > 40 ? "..." : "");
}

/* Who may do it, and where in the script it may stand. */
static int check_place(struct pmk_parser *parser, const struct pmk_stmt *stmt)
{
	const struct pmk_stmt_info *info = parser->info;
	unsigned col = parser->tok.col;

	if (info->subject == PMK_PROCESS && !stmt->subject)
		return pmk_parse_fail(parser, col, "'%s' needs a process before it: p: %s",
				      info->word, info->word);
	if (info->subject == PMK_NOBODY && stmt->subject)
		return pmk_parse_fail(parser, stmt->subject_col, "'%s' takes no process before it",
				      info->word);
	if (!parser->begun && stmt->id != PMK_STMT_SCENARIO)
		return pmk_parse_fail(parser, col, FIRST);
	if (parser->begun && stmt->id == PMK_STMT_SCENARIO)
		return pmk_parse_fail(parser, col, "'scenario' was given twice");
	if (info->kind == PMK_META && parser->body)
		return pmk_parse_fail(parser, col,
				      "'%s' must come before all that is done, given or seen",
				      info->word);
	if (stmt->id == PMK_STMT_KERNEL && parser->kernel_said)
		return pmk_parse_fail(parser, col, "'kernel' was given twice");
	parser->begun = true;
	parser->body = info->kind != PMK_META;
	parser->kernel_said |= stmt->id == PMK_STMT_KERNEL;
	return 0;
}

static bool at_tail(const struct pmk_parser *parser)
{
	const struct pmk_token *tok = &parser->tok;

	return !tok->len || (tok->len >= 2 && tok->s[0] == '-' && tok->s[1] == '>') ||
	       pmk_word_is(tok->s, tok->len, "when");
}

static int unexpected_token(struct pmk_parser *parser)
{
	char list[128], what[200];

	if (!parser->info->opts[0])
		return pmk_parse_expected(parser, &parser->tok, "nothing more", NULL);
	pmk_parse_list_options(parser->info, list, sizeof(list));
	snprintf(what, sizeof(what), "nothing more or an option (%s)", list);
	return pmk_parse_expected(parser, &parser->tok, what, NULL);
}

/* Options, and among them the words of a list argument. */
static int parse_rest(struct pmk_parser *parser, enum pmk_arg_type list_type, struct pmk_arg *list)
{
	while (!at_tail(parser)) {
		const struct pmk_token *tok = &parser->tok;
		int status;

		if (list_type != PMK_ARG_WORDS && pmk_parse_is_option(parser, tok))
			status = pmk_parse_option(parser, tok);
		else if (list)
			status = pmk_parse_word(parser, list_type, tok, list);
		else
			status = unexpected_token(parser);
		if (status || pmk_parse_advance(parser))
			return -1;
	}
	return 0;
}

static int parse_args(struct pmk_parser *parser, struct pmk_stmt *stmt)
{
	const struct pmk_stmt_info *info = parser->info;
	enum pmk_arg_type type = PMK_ARG_NONE;
	struct pmk_arg *list = NULL;
	unsigned n;
	char what[128];

	for (unsigned i = 0; info->opts[i]; i++)
		parser->opt[i].col = 0;
	parser->nopts = 0;
	parser->none_said = false;
	for (n = 0; info->args[n]; n++) {
		type = (enum pmk_arg_type)info->args[n];
		if (pmk_arg_is_list(type)) {
			list = &parser->arg[n++];
			*list = (struct pmk_arg){ .col = parser->tok.col };
			break;
		}
		if (pmk_parse_arg(parser, type, &parser->tok, &parser->arg[n]) ||
		    pmk_parse_advance(parser))
			return -1;
	}
	stmt->nargs = n;
	if (parse_rest(parser, type, list))
		return -1;
	if (list)
		return pmk_parse_words_end(parser, type, list);
	if (!n && info->opts[0] && !parser->nopts) {
		pmk_parse_list_options(info, what, sizeof(what));
		return pmk_parse_expected(parser, &parser->tok, what, NULL);
	}
	return 0;
}

static int result_number(struct pmk_parser *parser, const struct pmk_token *tok, struct pmk_arg *n)
{
	if (pmk_parse_arg(parser, PMK_ARG_NUMBER, tok, n))
		return -1;
	if (!n->negative && n->n > INT64_MAX)
		return pmk_parse_fail(parser, tok->col, "the result does not fit in 63 bits");
	return 0;
}

static int result_value(struct pmk_parser *parser, const struct pmk_token *tok,
			struct pmk_stmt *stmt)
{
	int error = pmk_errno_value(tok->s, tok->len);
	int signal = pmk_signal_value(tok->s, tok->len);
	struct pmk_arg number = { 0 };

	stmt->result.col = tok->col;
	if (tok->len && (pmk_is_digit(tok->s[0]) || tok->s[0] == '-')) {
		stmt->result.kind = PMK_RESULT_VALUE;
		if (result_number(parser, tok, &number))
			return -1;
		/* Unsigned first: the magnitude may be 2^63. */
		stmt->result.value = (int64_t)(number.negative ? 0 - number.n : number.n);
	} else if (error > 0) {
		stmt->result.kind = PMK_RESULT_ERRNO;
		stmt->result.value = error;
	} else if (signal == SIGSEGV || signal == SIGBUS) {
		stmt->result.kind = PMK_RESULT_SIGNAL;
		stmt->result.value = signal;
	} else {
		return pmk_parse_expected(
			parser, tok, "a number, an errno's name, SIGSEGV or SIGBUS",
			pmk_guess_word(PMK_ARG_FAILURE, tok->s, pmk_token_plain(tok)));
	}
	return 0;
}

static int parse_result(struct pmk_parser *parser, struct pmk_stmt *stmt)
{
	enum pmk_stmt_kind kind = parser->info->kind;
	struct pmk_token value;

	if (parser->tok.len < 2 || memcmp(parser->tok.s, "->", 2))
		return 0;
	if (kind != PMK_OP && kind != PMK_CALL)
		return pmk_parse_fail(parser, parser->tok.col, "'%s' has no result",
				      parser->info->word);
	if (parser->tok.len == 2 && pmk_parse_advance(parser))
		return -1;
	value = parser->tok;
	if (value.len > 2 && value.s[0] == '-' && value.s[1] == '>')
		pmk_token_skip(&value, 2);
	if (result_value(parser, &value, stmt))
		return -1;
	return pmk_parse_advance(parser);
}

/* The length of "feature" or "!feature" at s, 0 if there is none. */
static size_t condition_length(const char *s, size_t len)
{
	size_t start = len && s[0] == '!', i = start;

	while (i < len &&
	       ((s[i] >= 'a' && s[i] <= 'z') || pmk_is_digit(s[i]) || s[i] == '.' || s[i] == '-'))
		i++;
	return i > start ? i : 0;
}

static int parse_when(struct pmk_parser *parser, struct pmk_stmt *stmt)
{
	const char **list = NULL;
	struct pmk_token tok;
	bool more;

	if (!pmk_word_is(parser->tok.s, parser->tok.len, "when"))
		return 0;
	if (parser->info->kind == PMK_META)
		return pmk_parse_fail(parser, parser->tok.col, "'%s' takes no condition",
				      parser->info->word);
	stmt->when_col = parser->tok.col;
	if (pmk_parse_advance(parser))
		return -1;
	tok = parser->tok;
	do {
		size_t n = condition_length(tok.s, pmk_token_plain(&tok));

		if (!n)
			return pmk_parse_expected(parser, &tok,
						  "a feature, or !feature for its absence", NULL);
		if (pmk_parse_push_text(parser, &list, &stmt->nwhen, tok.s, n))
			return -1;
		pmk_token_skip(&tok, n);
		more = tok.len && tok.s[0] == ',';
		pmk_token_skip(&tok, more);
	} while (more);
	if (tok.len)
		return pmk_parse_expected(parser, &tok, "',' or a blank after the feature", NULL);
	stmt->when = list;
	return pmk_parse_advance(parser);
}

static int parse_end(struct pmk_parser *parser, struct pmk_stmt *stmt)
{
	const struct pmk_lexer *lexer = &parser->lexer;

	if (parser->tok.len)
		return pmk_parse_expected(parser, &parser->tok, "nothing more", NULL);
	if (lexer->p == lexer->end)
		return 0;
	stmt->comment = pmk_parse_copy(parser, lexer->p + 1, (size_t)(lexer->end - lexer->p - 1));
	return stmt->comment ? 0 : pmk_parse_no_memory(parser);
}

/* What is printed must be parsed again: a long line may not grow beyond the limit. */
static int check_length(struct pmk_parser *parser, struct pmk_stmt *stmt)
{
	size_t written = (size_t)(parser->lexer.end - parser->lexer.line);

	stmt->arg = parser->arg;
	stmt->opt = parser->opt;
	stmt->nabove = 0;
	/* Nothing grows to more than twice its length: "\t" in a text. */
	if (written > PMK_LINE_MAX / 2 - 64 && pmk_stmt_print(stmt, NULL, 0) - 1 > PMK_LINE_MAX)
		return pmk_parse_fail(parser, 0,
				      "the line is longer than %u bytes in its canonical form",
				      PMK_LINE_MAX);
	return 0;
}

static int check_version(struct pmk_parser *parser)
{
	const struct pmk_arg *arg = &parser->arg[0];

	if (arg->n == 1 && !arg->negative)
		return 0;
	return pmk_parse_fail(parser, arg->col,
			      "this version of the language is not supported, only 'scenario 1'");
}

static int parse_statement(struct pmk_parser *parser, struct pmk_stmt *stmt)
{
	*stmt = (struct pmk_stmt){ .line = parser->line };
	if (pmk_parse_advance(parser) || parse_subject(parser, stmt))
		return -1;
	stmt->id = pmk_stmt_find(parser->tok.s, parser->tok.len);
	if (stmt->id == PMK_STMT_COUNT)
		return unknown_statement(parser);
	parser->info = &pmk_stmt_info[stmt->id];
	if (check_place(parser, stmt) || pmk_parse_advance(parser) || parse_args(parser, stmt))
		return -1;
	if (stmt->id == PMK_STMT_SCENARIO && check_version(parser))
		return -1;
	if (parse_result(parser, stmt) || parse_when(parser, stmt) || parse_end(parser, stmt) ||
	    check_length(parser, stmt))
		return -1;
	stmt->above = parser->above;
	stmt->nabove = parser->nabove;
	return 0;
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* 1: a line is in the lexer; 0: the end of the text. */
static int next_line(struct pmk_parser *parser)
{
	const char *start = parser->next, *newline;
	size_t left = (size_t)(parser->end - start), len;
	unsigned col;

	if (!left)
		return 0;
	parser->line++;
	newline = memchr(start, '\n', left);
	len = newline ? (size_t)(newline - start) : left;
	parser->next = newline ? newline + 1 : parser->end;
	if (len > PMK_LINE_MAX)
		return pmk_parse_fail(parser, PMK_LINE_MAX + 1, "the line is longer than %u bytes",
				      PMK_LINE_MAX);
	col = pmk_lexer_start(&parser->lexer, start, len);
	if (col)
		return pmk_parse_fail(parser, col, "the control character 0x%02x",
				      (unsigned)(unsigned char)start[col - 1]);
	return 1;
}

/* Keeps a comment or blank line; of blank lines one a run, none at the start of the script. */
static int keep_above(struct pmk_parser *parser)
{
	const struct pmk_lexer *lexer = &parser->lexer;
	size_t n = parser->nabove, len = (size_t)(lexer->end - lexer->p);

	if (!len && (n ? !parser->above[n - 1][0] : !parser->begun))
		return 0;
	return pmk_parse_push_text(parser, &parser->above, &parser->nabove, lexer->p, len);
}

/* 1: the lexer stands at a statement. */
static int find_statement(struct pmk_parser *parser)
{
	int status;

	while ((status = next_line(parser)) > 0) {
		struct pmk_lexer *lexer = &parser->lexer;

		while (lexer->p < lexer->end && (*lexer->p == ' ' || *lexer->p == '\t'))
			lexer->p++;
		if (lexer->p < lexer->end && *lexer->p != '#')
			return 1;
		if (keep_above(parser))
			return -1;
	}
	return status;
}

static int at_end(struct pmk_parser *parser)
{
	size_t n = parser->nabove;

	parser->ended = true;
	if (!parser->begun) {
		parser->line += !parser->line;
		return pmk_parse_fail(parser, 1, FIRST);
	}
	if (n && !parser->above[n - 1][0])
		parser->nabove--;
	return 0;
}

/* Arguments and options out of the parser's own arrays, as many as there are. */
static int keep_args(struct pmk_parser *parser, struct pmk_stmt *stmt)
{
	static const struct pmk_arg none[PMK_OPTS_MAX];
	size_t nopts = 0;
	struct pmk_arg *copy;

	while (parser->nopts && parser->info->opts[nopts])
		nopts++;
	copy = pmk_arena_alloc(&parser->arena, (stmt->nargs + nopts) * sizeof(*copy));
	if (!copy)
		return pmk_parse_no_memory(parser);
	memcpy(copy, parser->arg, stmt->nargs * sizeof(*copy));
	memcpy(copy + stmt->nargs, parser->opt, nopts * sizeof(*copy));
	stmt->arg = copy;
	stmt->opt = nopts ? copy + stmt->nargs : none;
	return 0;
}

int pmk_parser_next(struct pmk_parser *parser, struct pmk_stmt *ret, struct pmk_error *err)
{
	struct pmk_stmt stmt;
	int status;

	if (parser->ended)
		return 0;
	parser->err = err;
	parser->above = NULL;
	parser->nabove = 0;
	if (!parser->keep)
		pmk_arena_reset(&parser->arena);
	status = find_statement(parser);
	if (!status)
		return at_end(parser);
	if (status < 0 || parse_statement(parser, &stmt) ||
	    (parser->keep && keep_args(parser, &stmt))) {
		parser->ended = true;
		return -1;
	}
	*ret = stmt;
	return 1;
}

size_t pmk_parser_trailer(struct pmk_parser *parser, const char *const **ret)
{
	*ret = parser->above;
	return parser->ended ? parser->nabove : 0;
}

struct pmk_parser *pmk_parser_create(const char *file, const char *text, size_t len)
{
	struct pmk_parser *parser = calloc(1, sizeof(*parser));

	if (!parser)
		return NULL;
	parser->file = strdup(file ? file : "");
	if (!parser->file) {
		free(parser);
		return NULL;
	}
	parser->next = text;
	parser->end = text + len;
	return parser;
}

void pmk_parser_destroy(struct pmk_parser *parser)
{
	if (!parser)
		return;
	pmk_arena_deinit(&parser->arena);
	free(parser->file);
	free(parser);
}
