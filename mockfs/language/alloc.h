/*
 * alloc.h - memory for the model: these return memory or end the process.
 *
 * Linux overcommits: a failing malloc() is not an event that a model of a few megabytes can handle
 * usefully, and half-changed page tables would be worse.  Input that asks for too much is refused
 * by the limits of machine.h and by the parser, long before.
 */
#ifndef PMK_ALLOC_H
#define PMK_ALLOC_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *pmk_alloc_check(void *p)
{
	if (!p) {
		fputs("pmkit: out of memory\n", stderr);
		abort();
	}
	return p;
}

static inline void *pmk_alloc(size_t size)
{
	return pmk_alloc_check(malloc(size));
}

static inline void *pmk_calloc(size_t n, size_t size)
{
	return pmk_alloc_check(calloc(n, size));
}

static inline void *pmk_realloc(void *p, size_t n, size_t size)
{
	return pmk_alloc_check(reallocarray(p, n, size));
}

static inline char *pmk_strdup(const char *s)
{
	return pmk_alloc_check(strdup(s));
}

#endif /* PMK_ALLOC_H */
