/* SPDX-License-Identifier: MIT */
/*
 * procread.h - the files of a /proc, the real one or a mock's, as arrays of words and as text.
 */
#ifndef PMK_PROCREAD_H
#define PMK_PROCREAD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Opens ROOT/NAME, or ROOT/PID/NAME when pid is not 0, for reading: a descriptor or -errno. */
int pmk_proc_open(const char *root, pid_t pid, const char *name);
/* Reads n words from word number `at` on: how many there were before the end, or -errno. */
int64_t pmk_proc_words(int fd, uint64_t at, size_t n, uint64_t *ret);
/* The whole file; free() it.  NULL and *ret_len -errno on failure. */
char *pmk_proc_text(int fd, int64_t *ret_len);

#endif
