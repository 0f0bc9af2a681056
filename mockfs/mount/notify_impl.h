/*
 * notify_impl.h - what the parts of the seccomp transport share.
 *
 *   notify.c       the filter, the thread, one function a system call
 *   notify_open.c  which file a path means, and who opens it
 */
#ifndef PMK_NOTIFY_IMPL_H
#define PMK_NOTIFY_IMPL_H

#include "caller.h"
#include "notify.h"

/* An open file description of the command's: a pipe. */
struct pmk_notify_file {
	struct pmk_handle *handle;
	int flags; /* of open(2) */
	int64_t pos;
	int pipe; /* our end: an error on it says that all of theirs are closed */
	ino_t ino; /* of the pipe */
	uid_t uid; /* whose the file is */
	struct pmk_notify_file *next;
};

struct pmk_notify {
	struct pmk_mount_options opt;
	struct pmk_machine **machine;
	pthread_mutex_t *lock;
	pthread_t thread;
	int listener, epoll, stop_fd, proc_fd;
	uint64_t userns;
	uid_t uid;
	dev_t pipes; /* the device of all pipes */
	struct pmk_notify_file *file;
	char *buf; /* PMK_NOTIFY_CHUNK */
	bool told_no_ptrace;
};
#define PMK_NOTIFY_CHUNK ((size_t)1 << 20)

/*
 * The file that a path of the caller means, opened with its rights: 1 and *ret, 0 when it is none of ours, or
 * what the kernel would say, -errno.  ret: handle, flags and uid are set.
 */
int pmk_notify_open(struct pmk_notify *n, int tid, int dir_fd, const char *path, int flags,
		    struct pmk_notify_file *ret);

#endif /* PMK_NOTIFY_IMPL_H */
