/* SPDX-License-Identifier: MIT */
/* actor_memory.h - what an actor does to its own memory. */
#ifndef PMK_ACTOR_MEMORY_H
#define PMK_ACTOR_MEMORY_H

#include "world.h"

/* Installs the handlers that turn SIGSEGV and SIGBUS of a touch into results. */
void pmk_actor_memory_init(void);

static inline bool pmk_request_is_memory(enum pmk_request_code code)
{
	return code >= PMK_REQ_MMAP && code <= PMK_REQ_UFFD;
}

/* Does MMAP .. UFFD; fd: the object to map, or -1.  0, -errno or PMK_SIGNAL(n). */
int64_t pmk_actor_memory(const struct pmk_request *request, int fd);

#endif /* PMK_ACTOR_MEMORY_H */
