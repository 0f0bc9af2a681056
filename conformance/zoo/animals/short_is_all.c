/* SPDX-License-Identifier: MIT */
/*
 * M10: one read, of which only -1 is looked at; what it did not fill reads as absent.
 * YARA libyara/proc/linux.c (run: a match is lost without an error), pagemon, wss; DPDK until fe7b933b7a, CRIU
 * until e7276cf63.
 */
#include <errno.h>
#include <unistd.h>

#include "zoo.h"

static size_t read_once(int fd, uint64_t index, uint64_t *words, size_t n, int *ret_error)
{
	ssize_t got = pread(fd, words, n * 8, (off_t)(index * 8));

	*ret_error = got < 0 ? errno : 0;
	return got < 0 ? 0 : n;
}

const struct zoo_habits zoo_short_is_all = { .read = read_once };
