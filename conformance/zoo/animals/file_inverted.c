/* SPDX-License-Identifier: MIT */
/*
 * M19: bit 61 says private where it says file or shared anonymous memory.
 * ckatsak/pagemap-rs shared_anonymous().
 */
#include "zoo.h"

static bool file(const struct zoo_page *page)
{
	return !(page->word >> 61 & 1);
}

const struct zoo_habits zoo_file_inverted = { .file = file };
