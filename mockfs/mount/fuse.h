/*
 * fuse.h - the files of a machine as a mounted file system: procfs.h behind FUSE.
 *
 * What stays different from a real proc however careful the server is (the kernel never asks it):
 * statfs says FUSE_SUPER_MAGIC; a count of 0 never gives EINVAL; lseek to a negative position fails;
 * mmap MAP_PRIVATE succeeds and the access gets SIGBUS; epoll takes pagemap.
 *
 * Threads: one server thread a mount; it takes `lock` around every use of the machine.
 */
#ifndef PMK_FUSE_H
#define PMK_FUSE_H

#include <pthread.h>
#include <stdbool.h>

#include "procfs.h"

/* Whether an opener counts as having CAP_SYS_ADMIN in the initial user namespace (PM-CRED-OPENER). */
enum pmk_privilege {
	PMK_PRIVILEGE_REAL, /* it has it */
	PMK_PRIVILEGE_ALWAYS, /* yes */
	PMK_PRIVILEGE_NEVER, /* no */
	PMK_PRIVILEGE_USERNS, /* it has it in the mounter's user namespace, which plays the initial one */
	PMK_PRIVILEGE_COUNT
};
extern const char *const pmk_privilege_name[PMK_PRIVILEGE_COUNT];
/* The policy of this name, or -1. */
int pmk_privilege_find(const char *name);

/* Where `self` and `thread-self` lead. */
enum pmk_self {
	PMK_SELF_FIRST, /* to the script's first process, for everybody */
	PMK_SELF_CALLER, /* to the caller's own PID */
};

/* Whose the files are, where no real process says it. */
enum pmk_owner {
	PMK_OWNER_SCRIPT, /* the script's users', kpage* root's; only root can mount that usefully */
	PMK_OWNER_MOUNTER, /* the user's who mounts */
	PMK_OWNER_PROCESSES, /* of the processes, likewise; kpage* are root's */
};

struct pmk_mount_options {
	const char *dir; /* the mount point */
	bool strict; /* look at every read's system call: readv by segments, EFAULT; half as fast */
	bool allow_other; /* users other than the mounter may look */
	bool null_file; /* a file `null` at the root answers reads with zeros: the floor to measure by */
	enum pmk_privilege privilege;
	enum pmk_self self;
	enum pmk_owner owner;
	int first_pid; /* the script's first process; real processes are shown as it.  0: none */
	/*
	 * Which process of the machine a real process stands for, by its PID; 0: none.  NULL: the one
	 * that has the same PID.  Called by the server without the lock.
	 */
	int (*identify)(void *data, int real_pid);
	void *identify_data;
	/* Whom every opener counts as, looked at under the lock; NULL, or *opener NULL: who it is. */
	const struct pmk_cred *const *opener;
	/*
	 * A path, as consumers see it, of the real proc.  All that is not mocked then leads there through
	 * symbolic links, and every real process shows first_pid's files.  A path that does not start
	 * with a slash is a directory that the mount makes at its root, for the caller to mount on.
	 * NULL: nothing but the machine's processes.
	 */
	const char *real_proc;
	bool real_maps; /* maps of real processes is the real one */
	int proc_fd; /* the real proc for the server's own use, left open; 0: /proc */
	int fuse_fd; /* an open /dev/fuse already mounted at dir; 0: mounts itself */
};

struct pmk_mount;

/*
 * Mounts at options->dir and serves in a thread; returns once the mount answers.  The server reads the
 * machine through *machine, under the lock, each time: it may be exchanged (see pmk_mount_forget()).
 * 0, or *err and PMK_MOUNT_FAILED ("/tmp/x: not a directory") or PMK_MOUNT_CANNOT, where no mount could
 * be made ("cannot open /dev/fuse: Permission denied ...").
 */
#define PMK_MOUNT_FAILED (-1)
#define PMK_MOUNT_CANNOT (-2)
int pmk_mount_start(struct pmk_machine **machine, pthread_mutex_t *lock,
		    const struct pmk_mount_options *options, struct pmk_mount **ret,
		    struct pmk_error *err);
/* Unmounts, lazily if need be, and ends the thread.  Files still open give ENOTCONN from now on. */
void pmk_mount_stop(struct pmk_mount *mount);
/* A descriptor that becomes readable when somebody else has unmounted it; for poll(). */
int pmk_mount_end_fd(const struct pmk_mount *mount);
/*
 * Closes the machine's side of all files that are still open; reads give ESRCH from now on.  Call it,
 * with the lock held, before the machine is destroyed or exchanged: the kernel tells of a close()
 * only some time after it has happened.
 */
void pmk_mount_forget(struct pmk_mount *mount);

#endif /* PMK_FUSE_H */
