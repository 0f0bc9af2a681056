/* SPDX-License-Identifier: MIT */
/*
 * operations.h - system calls on an open file of proc, of every kind, and what they return: the same rows for
 * the real file and for the mocked one (operations.def).
 *
 * Values that are a process's own (frames, inode numbers) are not among the results, so two processes of the
 * same shape must get the same.
 */
#ifndef PMK_OPERATIONS_H
#define PMK_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const size_t pmk_operation_count;
/* Its text, as it stands in the table. */
const char *pmk_operation_name(size_t operation);
/* Whether it is one for this file ("pagemap", "kpageflags", ...). */
bool pmk_operation_is_for(size_t operation, const char *file);
/* How a mock is seen (pmkit run --by). */
enum {
	PMK_BY_FUSE = 1,
	PMK_BY_FUSE_STRICT = 2,
	PMK_BY_BIND = 4,
	PMK_BY_SECCOMP = 8,
};
/* Why the mock, seen so, cannot answer as the kernel does; NULL: it can. */
const char *pmk_operation_difference(size_t operation, const char *file, int by);

/* result: of the call, or -errno. */
typedef void pmk_operation_tell(void *ctx, size_t operation, int64_t result);
/* Performs all of them on the caller's own file in /proc, and tells of each. 0, or -errno. */
int pmk_operations_perform(const char *file, pmk_operation_tell *tell, void *ctx);

/* A script of a process that looks to a mock as this one does, on a machine of this one's size. snprintf-like. */
size_t pmk_operations_script(char *buf, size_t size);

#endif /* PMK_OPERATIONS_H */
