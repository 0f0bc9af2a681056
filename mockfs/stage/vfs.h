/*
 * vfs.h - what the kernel's VFS does around a file's own operations, for the world without a kernel:
 * the order of checks 1 to 5 of PM-READ-ORDER, file positions, readv a segment at a time (PM-READV),
 * bad buffers.  Through FUSE the real VFS does this.
 */
#ifndef PMK_VFS_H
#define PMK_VFS_H

#include "procfs.h"
#include "world.h"

struct pmk_fd; /* a file descriptor: a handle, its flags and position; shared after fork */
int64_t pmk_fd_open(struct pmk_machine *m, const struct pmk_request *request, int pid,
		    const struct pmk_cred *opener, bool self, struct pmk_fd **ret);
void pmk_fd_get(struct pmk_fd *fd);
void pmk_fd_put(struct pmk_fd *fd);
/* PREAD, READFD, READV, PREADV, LSEEK, WRITEFD, IOCTL, SCAN, PROCMAP_QUERY, SYSCALL. */
int64_t pmk_fd_request(struct pmk_fd *fd, const struct pmk_request *request);

#endif /* PMK_VFS_H */
