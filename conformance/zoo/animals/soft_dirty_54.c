/* SPDX-License-Identifier: MIT */
/*
 * M1b: everything one bit too low, as in a snippet that went round.
 * zhuyuhui97/cache_side_channel_poc physmap.h ("pfn:54; soft_dirty:1"), and at least 8 copies of
 * "entry->soft_dirty = (data >> 54) & 1"; one stands among the founding documents of this project.
 */
#include "zoo.h"

static uint64_t pfn(const struct zoo_page *page)
{
	return page->word & ((UINT64_C(1) << 54) - 1);
}

static bool soft_dirty(const struct zoo_page *page)
{
	return page->word >> 54 & 1;
}

const struct zoo_habits zoo_soft_dirty_54 = { .pfn = pfn, .soft_dirty = soft_dirty };
