/* SPDX-License-Identifier: MIT */
/*
 * target.h - a consumer that is run once a script: started anew, or, when it was built with afl-clang-fast,
 * forked off by the fork server in it, which also says what code was reached.
 */
#ifndef PMK_TARGET_H
#define PMK_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "script.h"

#define PMK_TARGET_MAP (1u << 16) /* bytes of AFL++'s coverage map that are looked at */

struct pmk_target {
	char *const *argv;
	double seconds; /* that a run may take */
	pid_t server; /* AFL++'s fork server; 0: none, each run is an exec */
	int to, from; /* its pipes */
	bool killed; /* we ended the last run */
	int shm;
	uint8_t *map; /* PMK_TARGET_MAP bytes, and room */
	uint8_t *seen;
	int out; /* what it writes, a file in memory; cut at 1 MiB */
};

enum pmk_verdict {
	PMK_VERDICT_FINE,
	PMK_VERDICT_CRASH, /* ended by a signal, or by a sanitizer */
	PMK_VERDICT_HANG,
};

/* Looks for a fork server, too.  0, or -1 and *err: "./reader: No such file or directory". */
int pmk_target_init(struct pmk_target *target, char *const *argv, double seconds,
		    struct pmk_error *err);
void pmk_target_deinit(struct pmk_target *target);
/* Runs it; why: "SIGSEGV", or the sanitizer's summary; *fresh: it reached code no run before did. */
enum pmk_verdict pmk_target_run(struct pmk_target *target, char *why, size_t size, bool *fresh);

#endif
