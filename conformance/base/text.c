/* SPDX-License-Identifier: MIT */
/* text.c - text of a fixed capacity, and which word was meant. */
#include "text.h"

#include <string.h>

void pmk_text_clear(struct pmk_text *text)
{
	text->len = 0;
	if (text->size)
		text->buf[0] = '\0';
}

void pmk_text_add(struct pmk_text *text, const char *format, ...)
{
	va_list args;
	int n;

	if (text->len + 1 >= text->size)
		return;
	va_start(args, format);
	n = vsnprintf(text->buf + text->len, text->size - text->len, format, args);
	va_end(args);
	if (n < 0)
		return;
	text->len += (size_t)n;
	if (text->len >= text->size)
		text->len = text->size - 1;
}

void pmk_text_join(struct pmk_text *text, const char *separator, const char *word)
{
	pmk_text_add(text, "%s%s", text->len ? separator : "", word);
}

#define WORD_MAX 64

unsigned pmk_text_distance(const char *a, const char *b)
{
	unsigned row[WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > WORD_MAX || lb > WORD_MAX)
		return 99;
	for (j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= la; i++) {
		unsigned before = row[0];

		row[0] = (unsigned)i;
		for (j = 1; j <= lb; j++) {
			unsigned best = before + (a[i - 1] != b[j - 1]);

			before = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *pmk_text_nearest(const char *word, const char *const *names, size_t n, size_t stride)
{
	unsigned best = (unsigned)strlen(word) / 3 + 2;
	const char *nearest = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		const char *name = *(const char *const *)((const char *)names + i * stride);
		unsigned d = name ? pmk_text_distance(word, name) : 99;

		if (d < best && d < strlen(word)) {
			best = d;
			nearest = name;
		}
	}
	return nearest;
}
