/* SPDX-License-Identifier: MIT */
/*
 * A reader of pages and of flags with the semantics of the Rust crate procfs: PageMap and KPageFlags, by
 * ranges, all or nothing: whatever ends before the range does is an error.  Every word has the flags of the
 * newest kernel; a page is swapped if bit 62 is set, else "memory", also when it is absent; unknown flags
 * of a frame are dropped.
 */
#include "zoo.h"

static size_t keep(size_t got, int error)
{
	return error ? 0 : got;
}

static bool present(const struct zoo_page *page)
{
	return page->word >> 62 == 2;
}

static bool swapped(const struct zoo_page *page)
{
	return page->word >> 62 & 1;
}

static bool has_frame(bool is_present, uint64_t pfn)
{
	(void)pfn;
	return is_present;
}

static bool soft_dirty(const struct zoo_page *page)
{
	return page->word >> 55 & 1;
}

static bool exclusive(const struct zoo_page *page)
{
	return page->word >> 56 & 1;
}

static bool file(const struct zoo_page *page)
{
	return page->word >> 61 & 1;
}

static enum pmk_swap_kind swap_kind(const struct zoo_page *page)
{
	(void)page;
	return PMK_SWAP_REAL; /* SwapPage: "a swapped page" */
}

static uint64_t flags(uint64_t word)
{
	return word & ((UINT64_C(1) << 27) - 1); /* from_bits_truncate */
}

const struct zoo_habits zoo_procfs_reader = {
	.page = "\"state\",\"pfn\",\"soft-dirty\",\"exclusive\",\"file\",\"swap-kind\"",
	.frame = "\"flags\"",
	.no_scan = true,
	.keep = keep,
	.present = present,
	.swapped = swapped,
	.has_frame = has_frame,
	.soft_dirty = soft_dirty,
	.exclusive = exclusive,
	.file = file,
	.swap_kind = swap_kind,
	.flags = flags,
};
