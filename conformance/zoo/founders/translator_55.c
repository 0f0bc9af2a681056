/* SPDX-License-Identifier: MIT */
/*
 * Virtual to physical in five lines, from an article: the mask is right, "present" and "swapped" are
 * computed, but the physical address does not ask for them; open() and pread() are not looked at.
 */
#include <unistd.h>

#include "zoo.h"

static size_t read_once(int fd, uint64_t index, uint64_t *words, size_t n, int *ret_error)
{
	ssize_t ignored = pread(fd, words, n * 8, (off_t)(index * 8));

	(void)ignored;
	*ret_error = 0;
	return n;
}

static const char *no_error(int error)
{
	(void)error;
	return NULL;
}

static bool has_frame(bool present, uint64_t pfn)
{
	(void)present, (void)pfn;
	return true;
}

const struct zoo_habits zoo_translator_55 = {
	.page = "\"state\",\"pfn\",\"phys\"",
	.frame = "",
	.no_range = true,
	.no_scan = true,
	.read = read_once,
	.error = no_error,
	.has_frame = has_frame,
};
