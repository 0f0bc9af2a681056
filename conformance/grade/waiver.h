/* SPDX-License-Identifier: MIT */
/*
 * waiver.h - misses that a maintainer knows of: a line a clause, with the reason.
 *
 *	# until we drop 6.12
 *	K-GUARD   guard regions are shown as swapped, see our issue 12
 */
#ifndef PMK_WAIVER_H
#define PMK_WAIVER_H

#include <stdbool.h>
#include <stddef.h>

#include "script.h"

struct pmk_waiver {
	char *clause, *reason;
	unsigned line;
	bool needed; /* its clause has a miss */
	bool asked;
};

struct pmk_waivers {
	char *file;
	struct pmk_waiver *waiver;
	size_t n;
};

/* path NULL: none.  0, or -1 and *err: "w.txt:2:1: unknown clause 'K-GARD'; did you mean 'K-GUARD'?". */
int pmk_waivers_load(const char *path, struct pmk_waivers *ret, struct pmk_error *err);
void pmk_waivers_deinit(struct pmk_waivers *waivers);
struct pmk_waiver *pmk_waiver_find(const struct pmk_waivers *waivers, const char *clause);
/* One that was asked about and is not needed any more: the next after `after`, or NULL. */
const struct pmk_waiver *pmk_waiver_unneeded(const struct pmk_waivers *waivers,
					     const struct pmk_waiver *after);

#endif
