// header.cpp: the public header is C++, needs nothing before it, and defines none of the kernel's names.
#include "pagemapkit.h"

#if defined(PM_PFRAME_MASK) || defined(KPF_LOCKED) || defined(PAGE_IS_PRESENT) || \
	defined(PAGEMAP_SCAN)
#error "a name of the kernel's"
#endif

int main()
{
	pmk_pagemap page{};

	pmk_pagemap_decode(nullptr, pmk_swap_frame(31, 4) | PMK_PAGEMAP_SWAP_MASK, &page);
	return page.kind == PMK_SWAP_MARKER && pmk_phys(1, 2, 12) == 0x1002 ? 0 : 1;
}
