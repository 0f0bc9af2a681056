/* SPDX-License-Identifier: MIT */
/*
 * probe.h - what the running kernel can do, asked of it and not guessed from its version.
 *
 * Each probe is a few harmless calls on memory of its own, where necessary in a child.  Where a probe
 * cannot tell, the table of quirks decides; where the two differ, the kernel has a patch that the table
 * does not know, or a regression: whoever runs the suite reports that.
 */
#ifndef PMK_PROBE_H
#define PMK_PROBE_H

#include "host.h"

struct pmk_probe_result {
	enum pmk_feature feature;
	bool table; /* what quirks.def says; the same as the probe where it cannot know: of facilities
		     * and of what hangs on the configuration */
	bool probe; /* what the kernel did */
};

enum pmk_answer { PMK_ANSWER_NO, PMK_ANSWER_YES, PMK_ANSWER_UNKNOWN };

/* Corrects the profile's quirks by what the kernel does and answers the facilities but SWAP.  The process
 * must have one thread.  *ret: results of what could be told, at most PMK_FEATURE_COUNT; their number. */
size_t pmk_probe_all(struct pmk_profile *profile, const struct pmk_host *host,
		     struct pmk_probe_result *ret);

#endif /* PMK_PROBE_H */
