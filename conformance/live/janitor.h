/* SPDX-License-Identifier: MIT */
/*
 * janitor.h - what a run changes on the machine, and how that is put back whatever happens.
 *
 * A process apart, forked early, makes the changes: swap in a file, huge pages in their pool, a cgroup to
 * make others in, and the settings of vm that would make results depend on chance.  It holds one end of a socket; when the runner's end closes, for whatever
 * reason, it undoes everything and ends.  One run at a time changes a machine: a lock says who.  What is to
 * be undone stands in a state file before it is done, so that the next run mends what a run and janitor
 * that were both killed have left.
 */
#ifndef PMK_JANITOR_H
#define PMK_JANITOR_H

#include "script.h"

#define PMK_POOL_PAGES 16 /* hugetlb pages more than there were: as many as a script may hold */

struct pmk_janitor;

/* Forks the janitor; it changes nothing yet.  NULL and *err on failure. */
struct pmk_janitor *pmk_janitor_create(struct pmk_error *err);
/* Undoes everything and waits for that. */
void pmk_janitor_destroy(struct pmk_janitor *janitor);
enum pmk_janitor_what {
	PMK_JANITOR_SWAP,
	PMK_JANITOR_HUGETLB,
	PMK_JANITOR_THP,
	PMK_JANITOR_KSM,
	PMK_JANITOR_CGROUP,
	PMK_JANITOR_COUNT
};
/* Makes sure that it is there, and the machine quiet.  May wait for another run, and says so on stderr.
 * 0, or -1 and *err. The first answer stays. */
int pmk_janitor_ask(struct pmk_janitor *janitor, enum pmk_janitor_what what, struct pmk_error *err);

#endif /* PMK_JANITOR_H */
