/* SPDX-License-Identifier: MIT */
/*
 * grade.h - asks an adapter every question of the scripts and keeps the score, clause by clause.
 */
#ifndef PMK_GRADE_H
#define PMK_GRADE_H

#include "adapter.h"
#include "question.h"
#include "suite.h"
#include "waiver.h"

/* A question and what became of it. */
struct pmk_graded {
	const struct pmk_case *c;
	enum pmk_ask ask;
	unsigned line;
	enum pmk_grade grade;
	bool waived; /* not right, but every clause of it is waived */
	char *question, *shown, *why; /* for people; shown and why may be "" */
	double seconds;
};

/* A clause of the scripts, in order of its first question. */
struct pmk_graded_clause {
	const char *id;
	unsigned asked, right, unasked; /* unasked: the adapter does not take such questions */
	struct pmk_waiver *waiver; /* NULL: none */
};

struct pmk_score {
	const struct pmk_suite *suite;
	struct pmk_declaration says;
	struct pmk_graded *graded;
	size_t n;
	struct pmk_graded_clause *clause;
	size_t nclauses;
	unsigned count[PMK_GRADE_COUNT], waived, unasked;
	unsigned broken; /* scripts that could not be played */
	double seconds;
};

/*
 * Enters a namespace whose /proc is the mock and asks.  Must be the init of that namespace
 * (namespace.h).  0; -1 and *err when the adapter cannot be used; PMK_MOUNT_CANNOT and *err where nothing
 * can be mounted.
 */
int pmk_grade_run(struct pmk_suite *suite, struct pmk_adapter *adapter, struct pmk_waivers *waivers,
		  struct pmk_score *ret, struct pmk_error *err);
void pmk_score_deinit(struct pmk_score *score);

/* Questions asked, of them right, as a percentage; 100 if none was. */
double pmk_score_percent(const struct pmk_score *score);
/* 0: all right or waived; 1: not, or a waiver that is not needed, or a broken script; 77: nothing was asked. */
int pmk_score_status(const struct pmk_score *score, const struct pmk_waivers *waivers);

/* ---- reports: 0, or -1 when writing failed ---- */
typedef int pmk_score_write(FILE *out, const struct pmk_score *score);
pmk_score_write pmk_score_text, pmk_score_json, pmk_score_junit, pmk_score_html;

#endif
