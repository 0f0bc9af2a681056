/* SPDX-License-Identifier: MIT */
/* filesyscall.h - the system calls of mockfs/language/syscalls.def, done for real on an open file. */
#ifndef PMK_FILESYSCALL_H
#define PMK_FILESYSCALL_H

#include <stddef.h>
#include <stdint.h>

#include "script.h"

/* What the call returns, -errno as such, as syscalls.def says; n: bytes, for those that take a number. */
int64_t pmk_filesyscall(enum pmk_syscall call, int fd, size_t n);

#endif /* PMK_FILESYSCALL_H */
