/* SPDX-License-Identifier: MIT */
/*
 * M15: every page is looked up in kpage*, absent ones as frame 0.
 * thommyj/parse_pagemap; run on a mocked /proc: it printed kpageflags[0] for absent pages.
 */
#include "zoo.h"

static bool has_frame(bool present, uint64_t pfn)
{
	return present ? pfn : !pfn;
}

const struct zoo_habits zoo_absent_is_pfn_0 = { .has_frame = has_frame };
