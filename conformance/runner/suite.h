/* SPDX-License-Identifier: MIT */
/*
 * suite.h - the scripts that can be run: those built into the binary, a folder's, or files.
 */
#ifndef PMK_SUITE_H
#define PMK_SUITE_H

#include "embedded.h"
#include "script.h"

/* A script, parsed or found malformed. */
struct pmk_case {
	char *name; /* "entry-anon": the file's name without folder and .pmk */
	struct pmk_script *script; /* NULL: see error */
	struct pmk_error error;
	char *about; /* the first sentence of its first comment, or "" */
	const char **clause; /* as its clause statements name them */
	size_t nclauses;
};

struct pmk_suite {
	struct pmk_case *cases;
	size_t n;
};

/*
 * All scripts: of the folder that the environment's PMKIT_SCRIPTS names, else those built in.
 * 0, or -1 and *err: "scripts: No such file or directory".
 */
int pmk_suite_init(struct pmk_suite *suite, struct pmk_error *err);
/* The scripts that pmkit grade asks by: those built in. */
void pmk_suite_questions(struct pmk_suite *suite);
void pmk_suite_deinit(struct pmk_suite *suite);

/*
 * Keeps what the words select: files (read here), names of scripts, prefixes of clauses' ids.
 * 0, or -1 and *err for a word that is none of these or a file that cannot be read.
 */
int pmk_suite_select(struct pmk_suite *suite, char *const *words, size_t n, struct pmk_error *err);

/* Whether the script says that it is about this clause. */
bool pmk_case_proves(const struct pmk_case *c, const char *clause);

extern const struct pmk_embedded pmk_scripts[], pmk_questions[];
extern const size_t pmk_scripts_count, pmk_questions_count;

#endif
