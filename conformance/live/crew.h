/* SPDX-License-Identifier: MIT */
/*
 * crew.h - the runner's side of the actors (actor.h): who lives, who does what, who is buried.
 *
 * A crew belongs to one thread, the one that made it: its actors die when that thread does.
 */
#ifndef PMK_CREW_H
#define PMK_CREW_H

#include "actor.h"

struct pmk_crew;

/* Starts the nursery.  NULL and *err on failure.  The program's main() must begin with
 * pmk_actor_main_if_asked(). */
struct pmk_crew *pmk_crew_create(struct pmk_error *err);
void pmk_crew_destroy(struct pmk_crew *crew);
/* Kills and buries all actors but the nursery. 0 or -1. */
int pmk_crew_reset(struct pmk_crew *crew, struct pmk_error *err);

/* Asks process request->proc, which may be PMK_OBSERVER: a process apart with the runner's rights, there
 * once asked, for a runner that must not make the calls itself (world_mock.c).  object: the descriptor
 * to map, or -1; text: the path to open.  SPAWN, FORK: the result is the new PID.  -ESRCH: there is no such process any more. */
int64_t pmk_crew_ask(struct pmk_crew *crew, const struct pmk_request *request, int object,
		     const char *text);
/* The PID that a process has or had; 0: there was none. */
pid_t pmk_crew_pid(const struct pmk_crew *crew, int proc);
/* Process `proc` is one that is there anyway: only a PID, neither asked nor ended. */
int64_t pmk_crew_adopt(struct pmk_crew *crew, int proc, pid_t pid);
/* The living process with this PID, or -1. */
int pmk_crew_find(const struct pmk_crew *crew, pid_t pid);

#endif /* PMK_CREW_H */
