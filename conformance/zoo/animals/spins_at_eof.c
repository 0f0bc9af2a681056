/* SPDX-License-Identifier: MIT */
/*
 * M11: a read of 0 bytes is tried again, for ever.
 * CRIU criu/pagemap-cache.c pmc_fill(): when the target exits between open and read.
 */
#include <errno.h>
#include <unistd.h>

#include "zoo.h"

static size_t read_all(int fd, uint64_t index, uint64_t *words, size_t n, int *ret_error)
{
	size_t got = 0;

	for (*ret_error = 0; got < n;) {
		ssize_t bytes = pread(fd, words + got, (n - got) * 8, (off_t)((index + got) * 8));

		if (bytes < 0) {
			*ret_error = errno;
			break;
		}
		got += (size_t)bytes / 8;
	}
	return got;
}

const struct zoo_habits zoo_spins_at_eof = { .read = read_all };
