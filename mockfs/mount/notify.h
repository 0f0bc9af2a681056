/*
 * notify.h - the files of a machine for a command and its children, by seccomp user notification: procfs.h where
 * there is no /dev/fuse and no namespace, for whoever may trace its own children.
 *
 * The kernel stops the command at the system calls of notify_calls.def and asks here.  An open of a mocked file gives it
 * the end of a pipe of its own, by which the file is known again, whoever inherits or duplicates it, and whose
 * closing is noticed; all that is done to it is answered here.  Every other call goes on in the kernel.
 *
 * Not shown: directories (a scripted PID that is not real can be opened, not listed), path names of open files,
 * io_uring, mmap; programs of another word size are not looked at.
 */
#ifndef PMK_NOTIFY_H
#define PMK_NOTIFY_H

#include "fuse.h"

struct pmk_notify;

/*
 * In the command before exec: installs the filter.  The listener, or -errno: -EBUSY (there is one already),
 * -ENOSYS, -EINVAL (the kernel, or this architecture, has no such thing).
 */
int pmk_notify_install(void);
/*
 * Serves a listener, which it closes at the end, in a thread.  Of the options: privilege, first_pid, real_maps.
 * 0 or -errno.
 */
int pmk_notify_start(int listener, struct pmk_machine **machine, pthread_mutex_t *lock,
		     const struct pmk_mount_options *options, struct pmk_notify **ret);
/* Whoever is left whom the filter is about gets ENOSYS from now on. */
void pmk_notify_stop(struct pmk_notify *notify);

#endif /* PMK_NOTIFY_H */
