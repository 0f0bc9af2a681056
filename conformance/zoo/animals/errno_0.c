/* SPDX-License-Identifier: MIT */
/*
 * M13: "return errno" after a short read, which is no error: 0, success, and the value never set.
 * procrank_linux pm_kernel_count() and pm_kernel_flags().
 */
#include <errno.h>
#include <unistd.h>

#include "zoo.h"

static size_t read_words(int fd, uint64_t index, uint64_t *words, size_t n, int *ret_error)
{
	errno = 0;
	if (pread(fd, words, n * 8, (off_t)(index * 8)) < (ssize_t)(n * 8)) {
		*ret_error = errno;
		return errno ? 0 : n;
	}
	*ret_error = 0;
	return n;
}

const struct zoo_habits zoo_errno_0 = { .read = read_words };
