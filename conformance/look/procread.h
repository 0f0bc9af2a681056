/* SPDX-License-Identifier: MIT */
/*
 * procread.h - the files of a /proc, the real one or a mock's, as arrays of words and as text.
 */
#ifndef PMK_PROCREAD_H
#define PMK_PROCREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pagemapkit.h"

/* Opens ROOT/NAME, or ROOT/PID/NAME when pid is not 0, for reading: a descriptor or -errno. */
int pmk_proc_open(const char *root, pid_t pid, const char *name);
/* Reads n words from word number `at` on: how many there were before the end, or -errno. */
int64_t pmk_proc_words(int fd, uint64_t at, size_t n, uint64_t *ret);
/*
 * The parts of a pagemap whose words may be something else than 0, by PAGEMAP_SCAN, so that what a process has only
 * reserved costs nothing.
 */
struct pmk_proc_extents {
	int fd; /* of the pagemap */
	bool usable;
	uint64_t page_size,
		walked; /* walked: the pages before are in region[at..n-1] or are holes */
	size_t at, n;
	struct pmk_scan_region region[512];
};
/* Not usable where PAGEMAP_SCAN is missing, or holes may be soft-dirty: of the kernel behind `root`. */
void pmk_proc_extents_init(struct pmk_proc_extents *e, const char *root, int fd,
			   uint64_t page_size);
/* The next such part in the pages [page, end): where it starts, and *ret_end; `end`: there is none. */
uint64_t pmk_proc_extents_next(struct pmk_proc_extents *e, uint64_t page, uint64_t end,
			       uint64_t *ret_end);
/* The whole file; free() it.  NULL and *ret_len -errno on failure. */
char *pmk_proc_text(int fd, int64_t *ret_len);

#endif
