/* lex.c - one line of a script cut into tokens. */
#include "lex.h"

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

unsigned pmk_lexer_start(struct pmk_lexer *lexer, const char *line, size_t len)
{
	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
		len--;
	*lexer = (struct pmk_lexer){ .line = line, .p = line, .end = line + len };
	for (size_t i = 0; i < len; i++)
		if (is_control(line[i]) && line[i] != '\t')
			return (unsigned)i + 1;
	return 0;
}

/* The byte after the closing quote, or NULL. */
static const char *skip_text(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		else if (*p == '"')
			return p + 1;
	}
	return NULL;
}

static int token_error(const struct pmk_lexer *lexer, const char *at, struct pmk_token *ret,
		       const char **why, const char *what)
{
	ret->col = pmk_lexer_col(lexer, at);
	*why = what;
	return -1;
}

int pmk_lexer_next(struct pmk_lexer *lexer, struct pmk_token *ret, const char **why)
{
	const char *p = lexer->p, *end = lexer->end, *start, *quote = NULL;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	lexer->p = start = p;
	if (p == end || *p == '#')
		return 0;
	while (p<end && * p> ' ' && *p < 0x7f && *p != '#' && *p != '"')
		p++;
	if (p < end && *p == '"') {
		quote = p;
		p = skip_text(p, end);
		if (!p)
			return token_error(lexer, quote, ret, why, "the text has no closing '\"'");
		if (p < end && *p != ' ' && *p != '\t' && *p != '#')
			return token_error(lexer, p, ret, why, "expected a blank after the text");
	}
	if (p < end && (unsigned char)*p > 0x7e)
		return token_error(lexer, p, ret, why,
				   "a byte outside ASCII: only texts and comments may have it");
	*ret = (struct pmk_token){
		.s = start,
		.len = (size_t)(p - start),
		.quote = (size_t)((quote ? quote : p) - start),
		.col = pmk_lexer_col(lexer, start),
	};
	lexer->p = p;
	return 1;
}

size_t pmk_lex_name(const char *s, size_t len)
{
	size_t i = 0;

	if (!len || !pmk_is_letter(s[0]))
		return 0;
	while (i < len && (pmk_is_letter(s[i]) || pmk_is_digit(s[i]) || s[i] == '-' || s[i] == '_'))
		i++;
	return i;
}

size_t pmk_lex_number(const char *s, size_t len, uint64_t *ret, bool *ret_overflow)
{
	size_t i = 0;
	uint64_t n = 0;
	bool overflow = false;

	if (len > 2 && s[0] == '0' && s[1] == 'x' && pmk_hex_value(s[2]) >= 0) {
		for (i = 2; i < len && pmk_hex_value(s[i]) >= 0; i++) {
			overflow |= n >> 60 != 0;
			n = n << 4 | (unsigned)pmk_hex_value(s[i]);
		}
	} else {
		for (; i < len && pmk_is_digit(s[i]); i++) {
			unsigned digit = (unsigned)(s[i] - '0');

			overflow |= n > (UINT64_MAX - digit) / 10;
			n = n * 10 + digit;
		}
	}
	*ret = n;
	*ret_overflow = overflow;
	return i;
}
