/* SPDX-License-Identifier: MIT */
/* actor_uffd.h - an actor's userfaultfds. */
#ifndef PMK_ACTOR_UFFD_H
#define PMK_ACTOR_UFFD_H

#include "world.h"

/* UFFD, as world.h says. */
int64_t pmk_actor_uffd(const struct pmk_request *request);
/* What UFFDIO_API says the kernel has (UFFD_FEATURE_*), or 0: no userfaultfd for us. */
uint64_t pmk_uffd_features(void);

#endif /* PMK_ACTOR_UFFD_H */
