/* SPDX-License-Identifier: MIT */
/*
 * runner.h - a script in a world gives a verdict.
 */
#ifndef PMK_RUNNER_H
#define PMK_RUNNER_H

#include "suite.h"
#include "world.h"

enum pmk_verdict {
	PMK_VERDICT_PASS,
	PMK_VERDICT_FAIL, /* an expectation does not hold */
	PMK_VERDICT_SKIP, /* this world cannot show it; the reason says what is missing */
	PMK_VERDICT_BROKEN, /* the set-up failed: nothing is known */
	PMK_VERDICT_COUNT
};
extern const char *const pmk_verdict_name[PMK_VERDICT_COUNT];

struct pmk_result {
	enum pmk_verdict verdict;
	char *reason; /* "" for pass; for fail "x.pmk:7: heap[3]: expected ... saw ..." */
	char *seen; /* what its expectations looked at (seen.h); NULL: it did not run */
	unsigned line; /* where; 0: nowhere */
	unsigned checks, unchecked; /* expectations that held; that `when` left out */
	double seconds;
};
void pmk_result_deinit(struct pmk_result *result);

struct pmk_run_options {
	const struct pmk_profile *as; /* --as, or NULL: the script's kernel, else the host's */
	bool danger; /* scripts that may harm the running kernel are welcome */
	unsigned timeout; /* seconds a script may take; 0: no limit */
	int bail; /* where a run that is cut off says so in KTAP; 0: nowhere */
};

/*
 * Runs one script.  The world is reset first and left as the script left it.
 * A script that does not end within the time limit ends the program with status 1, and its name is said:
 * a world that hangs in a system call cannot be taken back, and the worlds' guards clean up.
 */
void pmk_case_run(const struct pmk_case *c, struct pmk_world *world,
		  const struct pmk_run_options *options, struct pmk_result *ret);

/* Whether all of the conditions (feature or !feature) hold in the world.
 * 1; 0 and *why: "needs swap: a swap area ..."; -1 and *why: "unknown feature 'swop' ...". */
int pmk_conditions_hold(struct pmk_world *world, const char *const *words, size_t n, char *why,
			size_t size);

#endif
