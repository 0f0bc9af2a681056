/* SPDX-License-Identifier: MIT */
/*
 * M25: a page that is present and not protected is dirty, though nobody has protected it ever.
 * e2b-dev/firecracker#8, in review: all resident pages were reported dirty.
 */
#include "zoo.h"

static int written(int fd, const struct zoo_page *page, uint64_t start, uint64_t end)
{
	(void)fd, (void)start, (void)end;
	return page->word >> 63 && !(page->word >> 57 & 1);
}

const struct zoo_habits zoo_unprotected_is_dirty = { .written = written };
