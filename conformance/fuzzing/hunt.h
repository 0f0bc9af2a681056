/* SPDX-License-Identifier: MIT */
/*
 * hunt.h - scripts changed at random until a consumer crashes, hangs, or answers wrongly; what it found is
 * shrunk and kept.
 *
 * A folder holds the campaign: DIR/queue has what reached something new, and DIR/found what broke the consumer, with what
 * happened in the comment on top.  Files are written whole or not at all; another campaign with the same folder goes
 * on where this one ended.
 */
#ifndef PMK_HUNT_H
#define PMK_HUNT_H

#include "grade.h"
#include "target.h"

struct pmk_hunt_options {
	char *const *argv; /* the consumer, or the adapter */
	bool adapter; /* it speaks the grade protocol: answers are compared */
	bool beyond; /* also states that no kernel shows, and faults */
	const char *dir; /* NULL: nothing is kept */
	uint64_t seed, runs; /* runs 0: no limit */
	double seconds, timeout; /* seconds 0: no limit */
	unsigned enough; /* ends after so many findings; 0: no limit */
	char *const *seeds; /* scripts to begin with; none: "scenario 1" */
	size_t nseeds;
};

struct pmk_hunt {
	uint64_t runs, questions, illegal, broken;
	unsigned found, queue;
	double seconds;
	bool forks; /* through a fork server */
};

/*
 * As the init of a namespace of its own (namespace.h).  progress: a live line on stderr.  0; -1 and *err; or
 * PMK_MOUNT_CANNOT and *err.
 */
int pmk_hunt_run(const struct pmk_hunt_options *options, bool progress, struct pmk_hunt *ret,
		 struct pmk_error *err);

#endif
