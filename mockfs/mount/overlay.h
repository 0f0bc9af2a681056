/*
 * overlay.h - the mock as the /proc of a mount and PID namespace of one's own (namespace.h).
 *
 * /proc is the FUSE mount; all that is not mocked leads through links to the namespace's real proc,
 * mounted on a directory of that same mount, so that nothing of the file system is hidden or made for it.
 */
#ifndef PMK_OVERLAY_H
#define PMK_OVERLAY_H

#include "fuse.h"

/*
 * Mounts a new proc at /proc and the mock over it, and serves: pmk_mount_start(), whose dir, real_proc and
 * proc_fd are set here.  The caller is the init of its namespace; with its last process the mounts go.
 * 0 and *ret_proc_fd, the real proc; or what pmk_mount_start() says, and *err.
 */
int pmk_overlay_start(struct pmk_machine **machine, pthread_mutex_t *lock,
		      struct pmk_mount_options *options, struct pmk_mount **ret, int *ret_proc_fd,
		      struct pmk_error *err);

#endif /* PMK_OVERLAY_H */
