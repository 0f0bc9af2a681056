/* SPDX-License-Identifier: MIT */
/*
 * filecall.h - the system calls on the proc files, done by whoever asks: an actor or the runner itself.
 *
 * Results are what the kernel returned, -errno as such; nothing of libc comes in between, because a raw
 * result such as that of lseek(fd, -8) is a position and an errno to libc (PM-LSEEK-NEG).
 */
#ifndef PMK_FILECALL_H
#define PMK_FILECALL_H

#include "world.h"

/* PREAD, READFD, READV, PREADV, LSEEK, WRITEFD, IOCTL, CLOSE on the descriptor fd.  Bytes read are put
 * to room, at most `size` of them (more are read and counted); bytes to write are taken from there.
 * SCAN and PROCMAP_QUERY put there what world.h says, whatever the result. */
int64_t pmk_filecall(const struct pmk_request *request, int fd, void *room, size_t size);
/* OPEN of the path: a descriptor, close-on-exec or not. */
int64_t pmk_filecall_open(int dir, const char *path, int64_t flags);

/* A result as libc gives it, turned back to the kernel's. */
int64_t pmk_raw_result(long libc_result);

#endif /* PMK_FILECALL_H */
