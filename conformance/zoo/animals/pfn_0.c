/* SPDX-License-Identifier: MIT */
/*
 * M12: a present page has a frame, be it 0: no look at the rights of the reader.
 * google/rowhammer-test, rowhammerjs, dwks/pagemap#2, ixy, tinygrad, pagemap-rs; DPDK until cdc242f260,
 * QATzip#14, CRIU#101, stress-ng until 04c3bb27c.
 */
#include "zoo.h"

static bool has_frame(bool present, uint64_t pfn)
{
	(void)pfn;
	return present;
}

const struct zoo_habits zoo_pfn_0 = { .has_frame = has_frame };
