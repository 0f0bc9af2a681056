/*
 * scan_brute.h - PAGEMAP_SCAN once more, by the ledger alone: a page at a time, from what pagemap shows.
 *
 * It knows nothing of how the model or the kernel walk; it asks for pagemap's words, the VMAs and which page
 * tables there are, and has the rules of section 5 in their plainest form.
 */
#ifndef PMK_SCAN_BRUTE_H
#define PMK_SCAN_BRUTE_H

#include "machine.h"
#include "pagemapkit.h"

#define BRUTE_PAGES 4096 /* of a scan, at most */

struct scan_brute {
	int64_t result;
	uint64_t walk_end;
	size_t n; /* regions that a caller gets to see, also when the result is an error */
	struct pmk_scan_region region[BRUTE_PAGES];
	size_t npages;
	uint64_t word[BRUTE_PAGES]; /* pagemap of the range after the call */
};

/* What pmk_mm_scan() must give for an argument that has passed all checks, where room_for regions can be
 * written to the vector before it turns out bad. */
void scan_brute(const struct pmk_machine *m, const struct pmk_mm *mm,
		const struct pmk_scan_arg *arg, size_t room_for, struct scan_brute *ret);

#endif /* PMK_SCAN_BRUTE_H */
