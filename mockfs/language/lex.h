/*
 * lex.h - one line of a script cut into tokens.
 *
 * A token is a run of printable ASCII up to a blank or '#'; a text in quotes, which may hold both,
 * can only be its end: name="a b".  What the parts of a token mean is the parser's business.
 */
#ifndef PMK_LEX_H
#define PMK_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pmk_token {
	const char *s;
	size_t len;
	size_t quote; /* where the text in quotes starts; len: there is none */
	unsigned col;
};

struct pmk_lexer {
	const char *line, *p, *end;
};

/* Starts on a line (without its newline) and trims it.  0, or the column of a byte that may not be
 * in a script. */
unsigned pmk_lexer_start(struct pmk_lexer *lexer, const char *line, size_t len);
static inline unsigned pmk_lexer_col(const struct pmk_lexer *lexer, const char *at)
{
	return (unsigned)(at - lexer->line) + 1;
}
/* 1: *ret is the next token.  0: the line ended; p is at its end, or at the '#' of a comment.
 * -1: *why says what is wrong at ret->col. */
int pmk_lexer_next(struct pmk_lexer *lexer, struct pmk_token *ret, const char **why);

static inline bool pmk_is_digit(char c)
{
	return c >= '0' && c <= '9';
}
static inline bool pmk_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/* The value of a hexadecimal digit, or -1. */
static inline int pmk_hex_value(char c)
{
	if (pmk_is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
/* The length of the name that s starts with: a letter, then letters, digits, '-' and '_'. */
size_t pmk_lex_name(const char *s, size_t len);
/* The length of the number that s starts with, 0 if none.  *ret_overflow: it does not fit. */
size_t pmk_lex_number(const char *s, size_t len, uint64_t *ret, bool *ret_overflow);

#endif /* PMK_LEX_H */
