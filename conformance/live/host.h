/* SPDX-License-Identifier: MIT */
/* host.h - facts of the running machine that scripts refer to (enum pmk_fact), found by asking it. */
#ifndef PMK_HOST_H
#define PMK_HOST_H

#include "profile.h"

struct pmk_host {
	uint64_t page_size;
	uint64_t task_size; /* where the runner's own pagemap ends */
	uint64_t kpage_limit; /* 0: kpagecount cannot be read */
	uint64_t max_pfn; /* where page_idle/bitmap ends, within 64; 0: there is none */
	uint64_t hole; /* UINT64_MAX: none known */
};

/* profile: for the size of a memory section, and where the kernel does not say. */
void pmk_host_init(struct pmk_host *host, const struct pmk_profile *profile);

/* The first kernel thread whose PID is above `after`; 0: none is seen, as in a container. */
int pmk_host_kernel_thread(int after);

/* The word at index of an open file; false: there is none. */
bool pmk_host_word(int fd, uint64_t index, uint64_t *ret);

#endif /* PMK_HOST_H */
