/* SPDX-License-Identifier: MIT */
/*
 * M27: "1 << KPF_x" is an int; x86 shifts by x modulo 32, so that bit 32 is tested as bit 0.
 * libmeminfo, where the highest flag in use is 22 still; libpagemap shifts 1LL into the sign.
 */
#include "zoo.h"

static uint64_t flags(uint64_t word)
{
	uint64_t seen = 0;

	for (unsigned bit = 0; bit < 64; bit++)
		seen |= (uint64_t)(word >> bit % 32 & 1) << bit;
	return seen;
}

const struct zoo_habits zoo_int_shift = { .flags = flags };
