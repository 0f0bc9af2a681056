/* SPDX-License-Identifier: MIT */
/*
 * M8: what is not among the 27 flags that have a name is dropped.
 * eminence/procfs PhysicalPageFlags::from_bits_truncate(), ckatsak/pagemap-rs likewise; kernels do set bits 32 and up.
 */
#include "zoo.h"

static uint64_t flags(uint64_t word)
{
	return word & ((UINT64_C(1) << 27) - 1);
}

const struct zoo_habits zoo_drops_unknown = { .flags = flags };
