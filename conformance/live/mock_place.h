/* SPDX-License-Identifier: MIT */
/* mock_place.h - a place to mount the mock at that no other process sees. */
#ifndef PMK_MOCK_PLACE_H
#define PMK_MOCK_PLACE_H

#include "script.h"

struct pmk_mock_place {
	char dir[4096], sys[4096 + 8]; /* the mount point, and its sysfs */
	bool made; /* a directory of our own, to be removed */
};

/* Which rights the process has over its mounts. */
enum pmk_mock_rights {
	PMK_MOCK_SHARED, /* none of its own: the mount is everybody's, fusermount3 makes it */
	PMK_MOCK_ROOT, /* root, with mounts of its own */
	PMK_MOCK_USERNS, /* root in a user namespace of its own, with one user */
};
enum pmk_mock_rights pmk_mock_rights(void);

/* Finds or makes the directory: 0 or -1. */
int pmk_mock_place_init(struct pmk_mock_place *place, const char *dir, struct pmk_error *err);
void pmk_mock_place_deinit(struct pmk_mock_place *place);

#endif /* PMK_MOCK_PLACE_H */
