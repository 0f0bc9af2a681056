/* SPDX-License-Identifier: MIT */
/* actor_rights.h - what an actor does to its own credentials. */
#ifndef PMK_ACTOR_RIGHTS_H
#define PMK_ACTOR_RIGHTS_H

#include <sys/types.h>

#include "world.h"

/* DROP, SETUID, SETEUID, DUMPABLE: 0 or -errno. */
int64_t pmk_actor_rights(const struct pmk_request *request, pid_t runner);
/* A spawned process of another user, whose proc files are its own all the same. */
int64_t pmk_actor_become(uint32_t uid);
/* The runner's death is the actor's; fork and a change of credentials (commit_creds) forget that. */
void pmk_actor_die_with_runner(pid_t runner);

#endif /* PMK_ACTOR_RIGHTS_H */
