/*
 * procfs.h - the files of the model by the operations on them: one core for all transports.
 *
 * The model world (vfs.h), the FUSE mount (fuse.c) and whatever comes later ask here.  A call gives bytes
 * or an errno as the kernel's own file would, from the point on where the VFS hands over to the file:
 * rules 1 to 5 of PM-READ-ORDER are the VFS's (vfs.h, or the real one above FUSE), 6 and on are here.
 *
 * A handle is bound at open to an address space, not to a PID (PM-MM-PIN), and to the opener's rights
 * (PM-CRED-OPENER).  Not thread-safe: the owner of the machine locks.
 */
#ifndef PMK_PROCFS_H
#define PMK_PROCFS_H

#include <sys/types.h>

#include "machine.h"

/* One row a file; indexed by enum pmk_file. */
struct pmk_proc_file {
	const char *name;
	unsigned mode; /* permission bits; pagemap's depend on the kernel: pmk_proc_stat() */
	bool per_pid; /* under PID/ and PID/task/TID/, otherwise at the root */
};
extern const struct pmk_proc_file pmk_proc_file[PMK_FILE_COUNT];

struct pmk_proc_stat {
	unsigned mode; /* permission bits */
	uint32_t uid, gid;
};
/* 0, -ENOENT (no such process, no such file on this kernel). */
int pmk_proc_stat(const struct pmk_machine *m, enum pmk_file file, int pid,
		  struct pmk_proc_stat *ret);

struct pmk_handle; /* an open file */
/*
 * Opens `file` (of `pid`, when it is one of a process) with the opener's rights.
 * flags: O_ACCMODE, O_DIRECT.  self: the opener is the process itself.
 * 0, -ENOENT, -EACCES, -EPERM, -ESRCH, -EINVAL (O_DIRECT), or what a fault says.
 */
int pmk_handle_open(struct pmk_machine *m, enum pmk_file file, int pid, int flags,
		    const struct pmk_cred *opener, bool self, struct pmk_handle **ret);
void pmk_handle_close(struct pmk_handle *h);
enum pmk_file pmk_handle_file(const struct pmk_handle *h);

/* Reads `count` bytes at pos into buf: the bytes read, or -errno.  buf has room for count, but no
 * more than that is ever touched; a NULL buf with count 0 is fine. */
int64_t pmk_handle_read(struct pmk_handle *h, uint64_t pos, size_t count, void *buf);
int64_t pmk_handle_write(struct pmk_handle *h, uint64_t pos, size_t count, const void *buf);
/* The new position (any 64-bit value, as mem_lseek stores it) in *pos; 0 or -EINVAL. */
int pmk_handle_lseek(struct pmk_handle *h, int64_t *pos, int64_t offset, int whence);
int64_t pmk_handle_ioctl(struct pmk_handle *h, unsigned cmd);

/* PIDs in ascending order: the first above `after`, or 0. */
int pmk_proc_next_pid(const struct pmk_machine *m, int after);

#endif /* PMK_PROCFS_H */
