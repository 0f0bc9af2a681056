/* SPDX-License-Identifier: MIT */
/* coverage.h - which clauses of the ledger have scripts, in which worlds, and what there is. */
#ifndef PMK_COVERAGE_H
#define PMK_COVERAGE_H

#include <stdio.h>

#include "suite.h"

/* Whether nothing in the script itself keeps it out of the world: `not`, givens, faults. */
bool pmk_case_is_for(const struct pmk_case *c, enum pmk_world_id world);

/* What is asked of the ledger: the clauses whose ids begin with one of the words; without words, all. */
struct pmk_coverage {
	const struct pmk_suite *suite;
	char *const *word;
	size_t nwords;
};

/* The first word with which no clause begins; NULL: each does. */
const char *pmk_coverage_stranger(const struct pmk_coverage *coverage);
/* Every clause by section: its scripts by world, or the reason why there are none, or MISSING.
 * 0, or -1 on a write error. */
int pmk_coverage_print(FILE *out, const struct pmk_coverage *coverage);
int pmk_coverage_json(FILE *out, const struct pmk_coverage *coverage);

/* Every script: its sentence, its clauses, its worlds. */
int pmk_list_print(FILE *out, const struct pmk_suite *suite);
int pmk_list_json(FILE *out, const struct pmk_suite *suite);

#endif
