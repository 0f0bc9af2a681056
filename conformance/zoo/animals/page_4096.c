/* SPDX-License-Identifier: MIT */
/*
 * M5: pages are 4096 bytes.
 * dwks/pagemap, IAIK/drama, google/rowhammer-test, vusec/trrespass; TencentCloud/CubeSandbox until #902, where
 * arm64 hosts with pages of 64 KiB got wrong snapshots.
 */
#include "zoo.h"

static unsigned page_shift(uint64_t page_size)
{
	(void)page_size;
	return 12;
}

const struct zoo_habits zoo_page_4096 = { .page_shift = page_shift };
