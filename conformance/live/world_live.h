/* SPDX-License-Identifier: MIT */
/*
 * world_live.h - the two worlds with real processes (world.h).
 *
 *   kernel	actors use real memory and the real /proc; whoever looks on is the runner itself
 *   mock	the same actors make the same calls on files, below a FUSE mount that shows a model; what
 *		they do to memory happens in the model
 *
 * A program that makes one must call pmk_actor_main_if_asked() (actor.h) first of all in main().
 */
#ifndef PMK_WORLD_LIVE_H
#define PMK_WORLD_LIVE_H

#include "probe.h"
#include "world.h"

/* NULL and *err on failure.  With the calling thread the world's processes die.  Pins the calling thread
 * and its processes to one CPU until the world is destroyed. */
struct pmk_world *pmk_world_kernel_create(struct pmk_error *err);
/* What the kernel was asked at the start, and what quirks.def says of it; *ret: how many. */
const struct pmk_probe_result *pmk_world_kernel_probes(struct pmk_world *world, size_t *ret);

struct pmk_mock_options {
	const struct pmk_profile *profile; /* NULL: that of the running kernel */
	const char *dir; /* where to mount; NULL: a place of the private namespace */
};
/* Gives the process mounts (and, without root, a user namespace) of its own, so that whatever ends it leaves
 * no mount behind.  Takes a process of one thread.  pmk_world_mock_create() does it unless told where to
 * mount; main() may do it before that.  0 or -1. */
int pmk_world_mock_prepare(struct pmk_error *err);
/* NULL and *err on failure, e.g. "no FUSE: /dev/fuse: Permission denied". */
struct pmk_world *pmk_world_mock_create(const struct pmk_mock_options *options,
					struct pmk_error *err);

#endif /* PMK_WORLD_LIVE_H */
