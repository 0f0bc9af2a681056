/* test.h: what the tests of the decoder share. */
#ifndef PMK_TEST_H
#define PMK_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pagemapkit.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* xorshift64: the same numbers in every run. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Kernels on either side of every change of the layout. */
static const uint32_t test_kernels[] = {
	PMK_KERNEL(2, 6, 25), PMK_KERNEL(2, 6, 32), PMK_KERNEL(3, 4, 0),  PMK_KERNEL(3, 5, 0),
	PMK_KERNEL(3, 10, 0), PMK_KERNEL(3, 11, 0), PMK_KERNEL(4, 2, 0),  PMK_KERNEL(4, 3, 0),
	PMK_KERNEL(4, 14, 0), PMK_KERNEL(5, 10, 0), PMK_KERNEL(5, 14, 0), PMK_KERNEL(5, 19, 0),
	PMK_KERNEL(6, 0, 0),  PMK_KERNEL(6, 1, 0),  PMK_KERNEL(6, 2, 0),  PMK_KERNEL(6, 3, 0),
	PMK_KERNEL(6, 12, 0), PMK_KERNEL(6, 13, 0), PMK_KERNEL(6, 15, 0), PMK_KERNEL(7, 3, 0),
};

#endif
