/* SPDX-License-Identifier: MIT */
/*
 * text.h - text of a fixed capacity that is cut, never overrun; and a text that grows.
 */
#ifndef PMK_TEXT_H
#define PMK_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* The caller's buffer; always ends in NUL. */
struct pmk_text {
	char *buf;
	size_t size, len;
};

#define PMK_TEXT(array)                                         \
	{                                                       \
		.buf = (array), .size = sizeof(array), .len = 0 \
	}

void pmk_text_clear(struct pmk_text *text);
/* Appends; what does not fit is cut. */
void pmk_text_add(struct pmk_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A list of words with a separator between them: adds the separator unless nothing is there yet. */
void pmk_text_join(struct pmk_text *text, const char *separator, const char *word);

/* How many letters one must change, insert or drop to make a of b; at most 99. */
unsigned pmk_text_distance(const char *a, const char *b);

/* Of names[0..n), `stride` bytes apart, the one most like `word`, or NULL when none is alike. */
const char *pmk_text_nearest(const char *word, const char *const *names, size_t n, size_t stride);

#endif
