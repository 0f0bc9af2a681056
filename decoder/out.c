/* out.c: text into a bounded buffer, and the length it would have had. */
#include "internal.h"

void pmk_out_char(struct pmk_out *out, char c)
{
	if (out->len < out->size)
		out->buf[out->len] = c;
	out->len++;
}

void pmk_out_bytes(struct pmk_out *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		pmk_out_char(out, text[i]);
}

void pmk_out_text(struct pmk_out *out, const char *text)
{
	while (*text)
		pmk_out_char(out, *text++);
}

void pmk_out_repeat(struct pmk_out *out, const char *text, unsigned times)
{
	while (times-- > 0)
		pmk_out_text(out, text);
}

static void out_number(struct pmk_out *out, uint64_t value, unsigned base, unsigned min_digits)
{
	char digits[20]; /* 2^64 has 20 decimal digits */
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (min_digits-- > n)
		pmk_out_char(out, '0');
	while (n > 0)
		pmk_out_char(out, digits[--n]);
}

void pmk_out_hex(struct pmk_out *out, uint64_t value, unsigned min_digits)
{
	out_number(out, value, 16, min_digits);
}

void pmk_out_dec(struct pmk_out *out, uint64_t value)
{
	out_number(out, value, 10, 1);
}

/* Puts the final NUL, over the last character if the text was too long. */
size_t pmk_out_end(struct pmk_out *out)
{
	if (out->size > 0)
		out->buf[out->len < out->size ? out->len : out->size - 1] = '\0';
	return out->len;
}
