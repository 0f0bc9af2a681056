/* SPDX-License-Identifier: MIT */
/*
 * M28: frames are numbered from 0 to MemTotal / page size.
 * pholasek/libpagemap phys_p_count: pages above holes are never visited.
 */
#include <unistd.h>

#include "zoo.h"

static bool has_word(uint64_t pfn)
{
	return pfn < (uint64_t)sysconf(_SC_PHYS_PAGES);
}

const struct zoo_habits zoo_mem_total = { .has_word = has_word };
