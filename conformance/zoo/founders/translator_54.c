/* SPDX-License-Identifier: MIT */
/*
 * Virtual to physical, a function that went from article to article: a loop of pread() and its errors are
 * right, but the PFN has 54 bits, and soft-dirty is read from bit 54.
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

static bool file(const struct zoo_page *page)
{
	return page->word >> 61 & 1;
}

const struct zoo_habits zoo_translator_54 = {
	.page = "\"state\",\"pfn\",\"phys\",\"soft-dirty\",\"file\"",
	.frame = "",
	.no_range = true,
	.no_scan = true,
	.pfn = pfn,
	.soft_dirty = soft_dirty,
	.file = file,
};
