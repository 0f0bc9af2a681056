/*
 * scan.h - ioctl PAGEMAP_SCAN on the model: section 5 of the ledger.
 *
 * Cost follows the runs of entries, not the pages.  Regions leave in batches of at most 512, as the
 * kernel copies them out; whoever carries the call (vfs.c, fuse.c) puts them into the caller's memory.
 */
#ifndef PMK_SCAN_H
#define PMK_SCAN_H

#include <sys/ioctl.h>

#include "machine.h"
#include "pagemapkit.h"

/* The commands; their numbers depend on the architecture. */
#define PMK_PAGEMAP_SCAN  _IOWR('f', 16, struct pmk_scan_arg)
#define PMK_PROCMAP_QUERY _IOWR('f', 17, struct pmk_procmap_query)

/* Takes the next n regions; false: they could not be written (EFAULT). */
typedef bool pmk_scan_put(void *ctx, const struct pmk_scan_region *regions, size_t n);

/* The errno of an argument before any walk, negative, or 0 (SCAN-VALID-ORDER 2 to 9).  Takes the tags
 * off start, end and vec where the kernel does (SCAN-TAGS). */
int pmk_scan_check(const struct pmk_machine *m, struct pmk_scan_arg *arg);
/* Walks; arg must have passed.  How many regions were put, -EPERM or -EFAULT; arg->walk_end is set in
 * any case. */
int64_t pmk_mm_scan(struct pmk_machine *m, struct pmk_mm *mm, struct pmk_scan_arg *arg,
		    pmk_scan_put *put, void *ctx);

#endif /* PMK_SCAN_H */
