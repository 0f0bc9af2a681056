/* SPDX-License-Identifier: MIT */
/*
 * wrong.h - the model world, except that one thing in it is wrong: what the suite must notice.
 *
 * Each row of wrong.def names clauses and one way to break them: an answer that is changed on its way to
 * the script (an errno, words of a file, text, regions of a scan), a quirk of another kernel, or a rule of the
 * model (mutants.def).  The script is asked what it needs as if nothing were wrong, so it cannot step aside.
 */
#ifndef PMK_WRONG_H
#define PMK_WRONG_H

#include "world.h"

enum pmk_wrong_kind {
	PMK_WRONG_RESULT, /* a request gives another result */
	PMK_WRONG_WORDS, /* words of a file */
	PMK_WRONG_TEXT, /* text of a file */
	PMK_WRONG_REGIONS, /* what a scan reports */
	PMK_WRONG_QUERY, /* a member of PROCMAP_QUERY's answer */
	PMK_WRONG_QUIRK, /* a quirk holds where it does not, and the other way round */
	PMK_WRONG_RULE, /* a mutant of the model */
};

#define PMK_WRONG_KPAGE (-2) /* for file: each of kpage* */
/* For from: any result, any error, any value, any value but 0. */
#define PMK_WRONG_ANY	INT64_MIN
#define PMK_WRONG_ERROR (INT64_MIN + 1)
#define PMK_WRONG_VALUE (INT64_MIN + 2)
#define PMK_WRONG_COUNT (INT64_MIN + 3)

struct pmk_wrong {
	const char *clauses,
		*text; /* ids with blanks between, "" when any script may notice; what is wrong */
	enum pmk_wrong_kind kind;
	uint64_t codes; /* RESULT: bits of enum pmk_request_code */
	int file; /* enum pmk_file, PMK_WRONG_KPAGE, or -1: any */
	int arg; /* RESULT: which of a[] must be `value`; -1: none */
	int64_t from, to; /* RESULT */
	uint64_t mask, value; /* WORDS: those that are `value` under the mask */
	uint64_t clear, set; /* WORDS, REGIONS (categories) */
	int64_t add; /* WORDS, QUERY; REGIONS: to the end of each, in pages */
	int64_t walk_end; /* REGIONS: to walk_end, in pages */
	const char *old, *new; /* TEXT: of one length */
	size_t offset, size; /* QUERY: the member */
	int id; /* QUIRK: enum pmk_feature; RULE: enum pmk_mutant */
};

/* All of them: the rows of wrong.def, then each quirk that names clauses, then each mutant of the model. */
size_t pmk_wrong_count(void);
void pmk_wrong_at(size_t i, struct pmk_wrong *ret);
/* The reason why a clause that has scripts, or what is wrong by its text, is not caught here, or NULL. */
const char *pmk_wrong_excuse(const char *what);
/* The excuses one by one: for what the i-th is; NULL: there are no more. */
const char *pmk_wrong_excused(size_t i);

enum pmk_wrong_how {
	PMK_WRONG_IN, /* what the script is told is the kernel of the script, the machine is wrong */
	PMK_WRONG_OTHER, /* of a quirk: the script is told of the other kernel, and so is the machine */
	PMK_WRONG_OTHER_IN, /* the script is told of the other kernel, the machine is wrong about that */
};

/* The model world, with nothing wrong until pmk_world_wrong_set(), which keeps `wrong` by reference (NULL: none). */
struct pmk_world *pmk_world_wrong_create(void);
void pmk_world_wrong_set(struct pmk_world *world, const struct pmk_wrong *wrong,
			 enum pmk_wrong_how how);

#endif /* PMK_WRONG_H */
