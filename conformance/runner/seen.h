/* SPDX-License-Identifier: MIT */
/*
 * seen.h - what the expectations of a script looked at, in the words of the language.
 *
 * A line a statement: "7: present exclusive x8, none x8".  Without what differs by chance (PFNs, swap
 * offsets, flags of the LRU), so that two kernels, or a kernel and the model, can be compared.
 */
#ifndef PMK_SEEN_H
#define PMK_SEEN_H

#include <stdint.h>

#include "text.h"

#define PMK_SEEN_MAX 2048 /* more is cut, at the end of an item */

struct pmk_seen {
	char buf[PMK_SEEN_MAX], item[160]; /* the item that may still repeat */
	struct pmk_text text;
	size_t line_start;
	uint64_t times; /* of the item; 0: there is none */
};

void pmk_seen_init(struct pmk_seen *seen);
/* A statement begins (again): what the last try of it saw goes. */
void pmk_seen_line(struct pmk_seen *seen, unsigned line);
void pmk_seen_again(struct pmk_seen *seen);
/* n pages or frames that show the same. */
void pmk_seen_item(struct pmk_seen *seen, const char *words, uint64_t n);
/* n words of pagemap, or of kpageflags and kpagecount. */
void pmk_seen_entries(struct pmk_seen *seen, const uint64_t *words, size_t n);
void pmk_seen_flags(struct pmk_seen *seen, const uint64_t *words, size_t n);
void pmk_seen_counts(struct pmk_seen *seen, const uint64_t *words, size_t n);
/* All of it; good until the next call. */
const char *pmk_seen_text(struct pmk_seen *seen);

#endif
