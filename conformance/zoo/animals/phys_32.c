/* SPDX-License-Identifier: MIT */
/*
 * M4: the physical address in 32 bits.
 * pigpio pigpio.c ("pa & 0xFFFFFFFF"), RPIO ("(uint32_t)pfn << 12"); stress-ng until 20158b17e (2023).
 */
#include "zoo.h"

static uint64_t phys(uint64_t pfn, uint64_t address, unsigned shift)
{
	return (uint32_t)(zoo_right.phys(pfn, address, shift));
}

const struct zoo_habits zoo_phys_32 = { .phys = phys };
