/* SPDX-License-Identifier: MIT */
/*
 * M14: the present bit is not tested, so that swap type and offset are a PFN.
 * DPDK rte_mem_virt2phy() and SPDK on top of it, travisdowns/page-info, dwks/pagemap, wss, LTP msync04, ixy, pigpio.
 */
#include "zoo.h"

static bool has_frame(bool present, uint64_t pfn)
{
	(void)present;
	return pfn;
}

const struct zoo_habits zoo_not_present = { .has_frame = has_frame };
