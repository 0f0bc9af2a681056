/* SPDX-License-Identifier: MIT */
/*
 * translate.h - where a virtual address is: the page, its frame, and what the kernel says of it.
 */
#ifndef PMK_TRANSLATE_H
#define PMK_TRANSLATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The open files of one process. */
struct pmk_translator {
	int pagemap, kpageflags, kpagecount, kpagecgroup; /* descriptors or -errno */
	unsigned page_shift;
};

/* 0, or -errno of opening pagemap; the kpage* files may be missing. */
int pmk_translator_init(struct pmk_translator *ret, const char *root, pid_t pid);
void pmk_translator_deinit(struct pmk_translator *t);

/* A word of a kpage file, or why there is none. */
struct pmk_kword {
	bool known;
	int error; /* -errno; 0: there is no frame to ask about */
	uint64_t word;
};

struct pmk_translation {
	uint64_t address, word;
	bool beyond; /* pagemap ends before this address: it is no user address */
	bool frame; /* the PFN is known */
	uint64_t pfn, phys;
	struct pmk_kword flags, count, cgroup;
};

/* 0, or -errno of reading pagemap. */
int pmk_translate(const struct pmk_translator *t, uint64_t address, struct pmk_translation *ret);

#endif
