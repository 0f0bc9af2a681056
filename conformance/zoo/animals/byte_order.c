/* SPDX-License-Identifier: MIT */
/*
 * M26: the words of kpagecount in one byte order, those of pagemap and kpageflags in another.
 * eminence/procfs kpagecount.rs uses from_le_bytes(), the others from_ne_bytes(): this is what it shows on s390x.
 */
#include "zoo.h"

static uint64_t count(uint64_t word)
{
	return pmk_word_swap(word);
}

const struct zoo_habits zoo_byte_order = { .count = count };
