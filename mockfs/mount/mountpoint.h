/*
 * mountpoint.h - mounting, and what is mounted where.
 */
#ifndef PMK_MOUNTPOINT_H
#define PMK_MOUNTPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/mount.h>

#include "script.h"

#define PMK_MOUNT_TYPE "fuse.pmkit"

/*
 * Mounts at dir with mount(2): the /dev/fuse of it; -EPERM where only fusermount3 may; another
 * -errno and *err.
 */
int pmk_mountpoint_mount(const char *dir, size_t max_read, bool allow_other, struct pmk_error *err);

enum pmk_mountpoint {
	PMK_MOUNTPOINT_FREE,
	PMK_MOUNTPOINT_OURS, /* a mock that lives */
	PMK_MOUNTPOINT_DEAD, /* a mock whose server is gone */
};
/* What is at dir; dir must be absolute and without links. */
enum pmk_mountpoint pmk_mountpoint_state(const char *dir);
/* Whether the mock with device number dev is mounted at dir, dead or alive. */
bool pmk_mountpoint_has(const char *dir, dev_t dev);
/* Takes a mock off, whether anybody uses it or not; 0 or an errno. */
int pmk_mountpoint_detach(const char *dir);

#endif /* PMK_MOUNTPOINT_H */
