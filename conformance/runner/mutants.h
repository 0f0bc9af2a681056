/* SPDX-License-Identifier: MIT */
/* mutants.h - whether the suite can fail: what is wrong must be caught by a script of the clause that it breaks. */
#ifndef PMK_MUTANTS_H
#define PMK_MUTANTS_H

#include <stdio.h>

#include "suite.h"

/*
 * Runs the scripts in the model world, once as it is and once for each thing that can be wrong (wrong.h), and says
 * on `out` which script of which clause catches it, which clauses nothing guards, and the score.  How many
 * mutants no script caught and how many clauses that have scripts are not guarded.
 */
int pmk_mutants_run(const struct pmk_suite *suite, FILE *out);

#endif
