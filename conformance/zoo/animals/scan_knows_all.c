/* SPDX-License-Identifier: MIT */
/*
 * M21: PAGEMAP_SCAN is there, so every category is; a refusal looks like nothing found.
 * criu#2334: "criu check" said supported, and the dump failed with EINVAL on 6.7.
 */
#include <errno.h>

#include "zoo.h"

static int scan(int fd, struct pmk_scan_arg *query, struct zoo_regions *ret)
{
	int error = zoo_right.scan(fd, query, ret);

	return error == EINVAL ? 0 : error;
}

const struct zoo_habits zoo_scan_knows_all = { .scan = scan };
