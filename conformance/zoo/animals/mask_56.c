/* SPDX-License-Identifier: MIT */
/*
 * M2: 0x00ffffffffffffff, so that bit 55, soft-dirty, is part of the PFN and of the swap offset.
 * pagemon pagemon.c, at three places; run: swap offset 0x1234 shown as 0x0004000000001234.
 */
#include "zoo.h"

static uint64_t pfn(const struct zoo_page *page)
{
	return page->word & ((UINT64_C(1) << 56) - 1);
}

static uint64_t swap_offset(const struct zoo_page *page)
{
	return pfn(page) >> 5;
}

const struct zoo_habits zoo_mask_56 = { .pfn = pfn, .swap_offset = swap_offset };
