/*
 * parse.h - the parser's own state: shared by parse.c (lines and statements), parse_args.c
 * (arguments and options) and script.c (whole scripts), for nobody else.
 */
#ifndef PMK_PARSE_H
#define PMK_PARSE_H

#include "arena.h"
#include "lex.h"
#include "script.h"

struct pmk_parser {
	char *file;
	const char *next, *end; /* of the text: what is still to read */
	unsigned line;
	bool keep; /* statements stay, for a struct pmk_script: never reset the arena */
	bool ended; /* at the end, or after an error */
	bool begun; /* the scenario statement is behind us */
	bool body; /* ... and all META statements */
	bool kernel_said;
	struct pmk_arena arena;
	const char **above;
	size_t nabove;

	/* The line at hand. */
	struct pmk_lexer lexer;
	struct pmk_token tok; /* len 0: the end of the line */
	const struct pmk_stmt_info *info;
	struct pmk_error *err;
	struct pmk_arg arg[PMK_ARGS_MAX], opt[PMK_OPTS_MAX];
	unsigned nopts; /* how many were written */
	bool none_said; /* the entry word "none" */
};

/* All return -1. */
int pmk_parse_fail(struct pmk_parser *parser, unsigned col, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int pmk_parse_no_memory(struct pmk_parser *parser);
/* "expected WHAT, not 'TOKEN'; did you mean 'GUESS'?"; guess may be NULL. */
int pmk_parse_expected(struct pmk_parser *parser, const struct pmk_token *tok, const char *what,
		       const char *guess);

/* Makes tok the line's next token. */
int pmk_parse_advance(struct pmk_parser *parser);
/* How much of a token is not a text in quotes. */
static inline size_t pmk_token_plain(const struct pmk_token *tok)
{
	return tok->quote < tok->len ? tok->quote : tok->len;
}
static inline void pmk_token_skip(struct pmk_token *tok, size_t n)
{
	tok->s += n;
	tok->len -= n;
	tok->quote = tok->quote > n ? tok->quote - n : 0;
	tok->col += (unsigned)n;
}
/* A NUL-terminated copy in the arena; NULL when there is no memory. */
const char *pmk_parse_copy(struct pmk_parser *parser, const char *s, size_t len);
/* Appends one text to a list in the arena. */
int pmk_parse_push_text(struct pmk_parser *parser, const char ***list, size_t *n, const char *s,
			size_t len);

/* One positional argument; not one that takes all that follow. */
int pmk_parse_arg(struct pmk_parser *parser, enum pmk_arg_type type, const struct pmk_token *tok,
		  struct pmk_arg *ret);
/* Does the type take all words that follow? */
static inline bool pmk_arg_is_list(enum pmk_arg_type type)
{
	return type == PMK_ARG_WORDS || type == PMK_ARG_ENTRYWORDS || type == PMK_ARG_FRAMEWORDS ||
	       type == PMK_ARG_CATEGORYWORDS;
}
/* One more word of such an argument, and what follows from all of them once the line has ended. */
int pmk_parse_word(struct pmk_parser *parser, enum pmk_arg_type type, const struct pmk_token *tok,
		   struct pmk_arg *arg);
int pmk_parse_words_end(struct pmk_parser *parser, enum pmk_arg_type type, struct pmk_arg *arg);
/* Is it an option of this statement, or does it look like one? */
bool pmk_parse_is_option(const struct pmk_parser *parser, const struct pmk_token *tok);
int pmk_parse_option(struct pmk_parser *parser, const struct pmk_token *tok);
bool pmk_parse_option_said(const struct pmk_parser *parser, enum pmk_opt_id id);
/* "a=, b= or c" in buf: the options that the statement takes. */
void pmk_parse_list_options(const struct pmk_stmt_info *info, char *buf, size_t size);

#endif /* PMK_PARSE_H */
