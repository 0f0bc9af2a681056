/* SPDX-License-Identifier: MIT */
/*
 * M16: a word is an unsigned long, which has 4 bytes on 32-bit machines: EINVAL for every page.
 * dwks/pagemap#1 (ARM), ixy (uintptr_t).
 */
#include <errno.h>
#include <unistd.h>

#include "zoo.h"

static size_t read_longs(int fd, uint64_t index, uint64_t *words, size_t n, int *ret_error)
{
	size_t got = 0;

	for (*ret_error = 0; got < n; got++) {
		uint32_t word;

		if (pread(fd, &word, sizeof(word), (off_t)((index + got) * 8)) < 0) {
			*ret_error = errno;
			break;
		}
		words[got] = word;
	}
	return got;
}

const struct zoo_habits zoo_reads_a_long = { .read = read_longs };
