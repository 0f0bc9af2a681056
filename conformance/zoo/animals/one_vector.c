/* SPDX-License-Identifier: MIT */
/*
 * M23: one call with a vector of 32 regions, and no look at walk_end.
 * wasmtime vm/sys/unix/pagemap.rs, #14357.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "zoo.h"

static int scan(int fd, struct pmk_scan_arg *query, struct zoo_regions *ret)
{
	struct pmk_scan_region vec[32];
	int n;

	query->size = sizeof(*query);
	query->vec = (uintptr_t)vec;
	query->vec_len = 32;
	n = ioctl(fd, PMK_SCAN_IOCTL, query);
	for (int i = 0; i < n; i++)
		zoo_add_region(ret, &vec[i]);
	return n < 0 ? errno : 0;
}

const struct zoo_habits zoo_one_vector = { .scan = scan };
