/* SPDX-License-Identifier: MIT */
/*
 * M6: hugetlb pages counted by bit 16, which is COMPOUND_TAIL, instead of 17.
 * pholasek/libpagemap set_flags(); run on a mocked /proc: 2 hugetlb pages and 1 tail counted as 1 HUGE.
 */
#include "zoo.h"

static uint64_t flags(uint64_t word)
{
	bool tail = word & PMK_KPF_COMPOUND_TAIL_MASK;

	return (word & ~PMK_KPF_HUGE_MASK) | (tail ? PMK_KPF_HUGE_MASK : 0);
}

const struct zoo_habits zoo_huge_from_16 = { .flags = flags };
