/* SPDX-License-Identifier: MIT */
/*
 * sweep.h - every word of kpage* and of every process's pagemap, held against the invariants.
 *
 * On a running kernel words change while they are read (KP-RACE): a word that breaks an invariant
 * is read again a few times before it counts.
 */
#ifndef PMK_SWEEP_H
#define PMK_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pagemapkit.h"

/* A word that breaks an invariant. */
struct pmk_breach {
	pid_t pid; /* 0: of kpageflags */
	uint64_t at; /* the address, or the PFN */
	uint64_t word;
	enum pmk_invariant invariant;
};

struct pmk_sweep {
	struct pmk_layout layout;
	unsigned page_shift;
	/* what was seen: */
	uint64_t frames, counted; /* words of kpageflags; words of kpagecount */
	uint64_t flag[64]; /* how many frames have the bit */
	uint64_t mapped; /* frames with a count above 0 */
	uint64_t invalid; /* words of kpagecount that are no count */
	uint64_t processes, unreadable; /* processes read; those that may not be */
	uint64_t cut; /* pages of very large mappings that were not read */
	struct pmk_histogram pages;
	uint64_t breaches;
	int kpageflags_error, kpagecount_error; /* -errno of opening */
	double kpage_seconds, pagemap_seconds;
	/* who is told: */
	void (*breach)(void *data, const struct pmk_breach *breach);
	void (*progress)(void *data, const struct pmk_sweep *sweep);
	void *data;
};

/* 0, or -errno when `root` is no /proc. */
int pmk_sweep_run(struct pmk_sweep *sweep, const char *root);

#endif
