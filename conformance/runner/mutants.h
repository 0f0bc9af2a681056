/* SPDX-License-Identifier: MIT */
/* mutants.h - whether the suite can fail: each wrong rule of the model must be caught by a script. */
#ifndef PMK_MUTANTS_H
#define PMK_MUTANTS_H

#include <stdio.h>

#include "suite.h"

/*
 * Runs the scripts in the model world, once as it is and once for each mutant (rules.h), and says on `out`
 * which script catches it.  How many mutants no script caught.
 */
int pmk_mutants_run(const struct pmk_suite *suite, FILE *out);

#endif
