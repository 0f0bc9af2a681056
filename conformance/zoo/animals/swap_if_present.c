/* SPDX-License-Identifier: MIT */
/*
 * M18: the test for swap stands inside that for present, and the two are never set together.
 * procrank_linux pm_map_usage_flags(): the swap column is always 0.
 */
#include "zoo.h"

static bool swapped(const struct zoo_page *page)
{
	return page->word >> 62 == 3;
}

const struct zoo_habits zoo_swap_if_present = { .swapped = swapped };
