/* SPDX-License-Identifier: MIT */
/*
 * M3: only bit 63 masked off; "assert(pfn != 0)" then never fires, for exclusive is bit 56.
 * vusec/trrespass hammersuite/src/memory.c get_pfn().
 */
#include "zoo.h"

static uint64_t pfn(const struct zoo_page *page)
{
	return page->word & ((UINT64_C(1) << 63) - 1);
}

const struct zoo_habits zoo_mask_63 = { .pfn = pfn };
