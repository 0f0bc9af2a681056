/* SPDX-License-Identifier: MIT */
/* object.h - the files and memfds that a script maps, on the real machine. */
#ifndef PMK_LIVE_OBJECT_H
#define PMK_LIVE_OBJECT_H

#include "script.h"

/* A descriptor of a file that nobody else can find: written, in the page cache and clean; or of a memfd
 * never written.  -errno; -ENOENT: no directory for files (pmk_object_directory). */
int pmk_object_open(enum pmk_backing backing, uint64_t size);
/* The file begins with an ELF header of this machine's kind and a note with PMK_BUILD_ID: 0 or -errno. */
int pmk_object_make_elf(int fd);

/* The first of $TMPDIR, /var/tmp and /tmp, or "/", that takes files and is not memory itself: there
 * file pages are page cache.  NULL: none. */
const char *pmk_object_directory(void);

/* Writes size zeros, chunk bytes at a time (0: many), and brings them to the disk: 0 or -errno. */
int pmk_object_fill(int fd, uint64_t size, size_t chunk);

#endif /* PMK_LIVE_OBJECT_H */
