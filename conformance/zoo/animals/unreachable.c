/* SPDX-License-Identifier: MIT */
/*
 * M9: present and swapped at once is "unreachable!".
 * ckatsak/pagemap-rs, Display of an entry.
 */
#include <stdlib.h>

#include "zoo.h"

static bool present(const struct zoo_page *page)
{
	if (page->word >> 62 == 3)
		abort();
	return page->word >> 63;
}

const struct zoo_habits zoo_unreachable = { .present = present };
