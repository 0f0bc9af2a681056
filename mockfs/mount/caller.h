/*
 * caller.h - who makes a request, and with which system call: by its thread ID, from /proc.
 *
 * A caller is blocked in its system call until it gets its answer, even SIGKILL has to wait, so neither
 * its ID nor what is read about it here can change meanwhile.  (Not so for asynchronous I/O, where the
 * ID is a helper thread's: nothing here is then found, or of no harm.)
 * proc_fd is a directory: a proc of the PID namespace that the IDs are of.
 */
#ifndef PMK_CALLER_H
#define PMK_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "fuse.h"

/* The process of a thread; 0: no such thread. */
int pmk_caller_process(int proc_fd, int tid);
/* Its effective capabilities; 0 if there is no such thread. */
uint64_t pmk_caller_caps(int tid);
/* Whether its program is a 32-bit one; false where that cannot be seen. */
bool pmk_caller_is_32bit(int proc_fd, int tid);
/* The number of its user namespace; 0: it cannot be seen.  tid 0: the server's own. */
#define PMK_USERNS_INIT 0xEFFFFFFDu /* PROC_USER_INIT_INO of include/uapi/linux/nsfs.h */
uint64_t pmk_caller_userns(int proc_fd, int tid);
/*
 * Its capabilities where they count: in the user namespace `userns`, which plays the initial one, and that of
 * SYS_ADMIN by the policy.  In another namespace nobody has any over the files.
 */
uint64_t pmk_caller_rights(int proc_fd, int tid, uint64_t userns, enum pmk_privilege policy);

struct pmk_call {
	long nr;
	uint64_t arg[6];
};
/* The system call it is blocked in.  False: cannot be seen (ptrace rights), or it is in none. */
bool pmk_caller_syscall(int proc_fd, int tid, struct pmk_call *ret);
/* The position of its file descriptor; -1: unknown. */
int64_t pmk_caller_position(int proc_fd, int tid, int fd);
/* Copies from its memory; the bytes copied, or -1. */
ssize_t pmk_caller_read(int tid, uint64_t addr, void *buf, size_t size);
/* Copies to its memory; the bytes copied, or -1 and errno: EFAULT as copy_to_user() would, or EPERM. */
ssize_t pmk_caller_write(int tid, uint64_t addr, const void *buf, size_t size);
/* Writes all or says false; a caller whose memory is not ours to write to is told of once (*told). */
bool pmk_caller_put(int tid, uint64_t addr, const void *from, size_t size, bool *told);

/*
 * The ioctls of a file whose arguments lie in the caller's memory: what functions of procfs.h return.
 * *ret_end: the regions of a scan were put from arg->vec to there; 0: none.
 */
int64_t pmk_caller_scan(int tid, struct pmk_handle *h, struct pmk_scan_arg *arg, bool *told,
			uint64_t *ret_end);
int64_t pmk_caller_query(int tid, struct pmk_handle *h, const void *arg, size_t size,
			 struct pmk_procmap_answer *ret, bool *told);
/* Any ioctl, with its argument at `arg`. */
int64_t pmk_caller_ioctl(int tid, struct pmk_handle *h, unsigned cmd, uint64_t arg, bool *told);

#endif /* PMK_CALLER_H */
