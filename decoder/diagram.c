/* diagram.c: stub */
#include "internal.h"

size_t pmk_pagemap_diagram(const struct pmk_layout *layout, uint64_t word, unsigned flags,
			   char *buf, size_t size)
{
	(void)flags;
	return pmk_pagemap_json(layout, word, buf, size);
}

size_t pmk_kpageflags_diagram(uint32_t kernel, uint64_t word, unsigned flags, char *buf,
			      size_t size)
{
	(void)flags;
	return pmk_kpageflags_json(kernel, word, buf, size);
}
