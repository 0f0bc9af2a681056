/* SPDX-License-Identifier: MIT */
/*
 * M20: bit 62 is "in swap", though the kernel sets it for every entry that is neither absent nor present.
 * page-types 7.3, pagemon and procfs (run), memcr, DMTCP, YARA; criu#2626, libTAS#651, dmtcp#1294.
 */
#include "zoo.h"

static enum pmk_swap_kind swap_kind(const struct zoo_page *page)
{
	return page->right.kind == PMK_SWAP_HIDDEN ? PMK_SWAP_HIDDEN : PMK_SWAP_REAL;
}

const struct zoo_habits zoo_marker_is_swap = { .swap_kind = swap_kind };
