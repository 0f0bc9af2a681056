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

/* The process of a thread; 0: no such thread. */
int pmk_caller_process(int proc_fd, int tid);
/* Its effective capabilities; 0 if there is no such thread. */
uint64_t pmk_caller_caps(int tid);
/* The number of its user namespace; 0: it cannot be seen.  tid 0: the server's own. */
#define PMK_USERNS_INIT 0xEFFFFFFDu /* PROC_USER_INIT_INO of include/uapi/linux/nsfs.h */
uint64_t pmk_caller_userns(int proc_fd, int tid);

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

#endif /* PMK_CALLER_H */
