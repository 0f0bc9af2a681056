/* SPDX-License-Identifier: MIT */
/*
 * The ledger of clauses: every rule that the suite holds a consumer, the model or a kernel to.
 *
 * The entries stand in clauses.def. All data is constant and lives as long as the program; every
 * function is pure and may be called from any thread. No pointer in it is NULL: what is not said
 * is "".
 */
#ifndef PMK_CLAUSES_H
#define PMK_CLAUSES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The sections, in ledger order: PMK_SECTION_OPEN, PMK_SECTION_READ ... */
enum pmk_section_id {
#define SECTION(token, number, title, subject) PMK_##token,
#include "clauses.def"
	PMK_SECTION_COUNT
};

struct pmk_section {
	const char *number; /* "3.1" */
	const char *title; /* "pagemap entry by kind of page" */
	const char *subject; /* the file or call it is about: "/proc/PID/pagemap" */
};

struct pmk_clause {
	const char *id; /* "PM-READ-ALIGN"; stable */
	enum pmk_section_id section;
	const char *since; /* first release that the rule is about: "4.3", "6.18.44" */
	const char *until; /* last one, included */
	const char *evidence; /* "S O": S source, O observed, D inferred, M from memory */
	const char *text; /* what a consumer sees */
	const char *correction; /* what documentation or an earlier reading said, what was seen */
	/*
	 * Why a world cannot show it: "WORLD: reason", several joined by "; ". WORLD is model, mock,
	 * kernel or all, with "-part" if only part of the rule is out of reach, as in
	 * "kernel-part: device memory needs a device; mock: FUSE never sends a zero-length read".
	 * A reason has no "; " of its own.
	 */
	const char *why;
};

/* All clauses in ledger order, grouped by section; their number in *n. */
const struct pmk_clause *pmk_clauses(size_t *n);

/* The clause of exactly this id, or NULL: pmk_clause_find("pm-read-align") is NULL. */
const struct pmk_clause *pmk_clause_find(const char *id);

/* The section that a clause stands in. */
const struct pmk_section *pmk_clause_section(const struct pmk_clause *clause);

#ifdef __cplusplus
}
#endif

#endif
