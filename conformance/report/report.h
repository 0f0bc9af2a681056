/* SPDX-License-Identifier: MIT */
/*
 * report.h - the results of a run of the suite, and the forms they are written in.
 *
 * KTAP is written as the run goes; JSON, JUnit XML and HTML at its end, into a file that appears
 * complete or not at all.
 */
#ifndef PMK_REPORT_H
#define PMK_REPORT_H

#include <sys/utsname.h>

#include "probe.h"
#include "runner.h"

/* One world's results. */
struct pmk_column {
	const char *name;
	struct pmk_world *world; /* NULL: it is not to be had here */
	char why[256]; /* why not */
	struct pmk_result *result; /* one a script of the suite */
	unsigned count[PMK_VERDICT_COUNT];
};

struct pmk_report {
	const struct pmk_suite *suite;
	struct pmk_column column[PMK_WORLD_COUNT];
	size_t ncolumns;
	const char *profile; /* of model and mock: --as, or the host's */
	struct utsname uts;
	/* what the running kernel was asked, when its world was there */
	struct pmk_probe_result probe[PMK_FEATURE_COUNT];
	size_t nprobes;
};

/* ---- KTAP ---- */
void pmk_ktap_begin(FILE *out, const struct pmk_report *report);
void pmk_ktap_world(FILE *out, const struct pmk_report *report, size_t column);
void pmk_ktap_result(FILE *out, const struct pmk_report *report, size_t column, size_t script);
void pmk_ktap_world_end(FILE *out, const struct pmk_report *report, size_t column);

/* ---- whole reports: 0, or -1 when writing failed (errno) ---- */
typedef int pmk_report_write(FILE *out, const struct pmk_report *report);
pmk_report_write pmk_report_json, pmk_report_junit, pmk_report_html;
/* "-" is standard output; a file is written beside its place and renamed.  0, or -1 and *err. */
int pmk_report_save(const char *path, const struct pmk_report *report, pmk_report_write *write,
		    struct pmk_error *err);

/* Counts by world, and why scripts were skipped: for people. */
void pmk_report_summary(FILE *out, const struct pmk_report *report);
/* 0 all well; 1 something failed or broke; 77 nothing could be run. */
int pmk_report_status(const struct pmk_report *report);

#endif
