/*
 * stage.h - a script's givens, operations and calls, done in a world.
 *
 * The stage resolves names to numbers: processes, regions (to addresses it picks itself), objects and
 * handles.  It knows nothing of expectations: who checks (conformance/runner/check.h) asks it what a name means.
 */
#ifndef PMK_STAGE_H
#define PMK_STAGE_H

#include "world.h"

struct pmk_stage;
struct pmk_stage *pmk_stage_create(struct pmk_world *world);
void pmk_stage_destroy(struct pmk_stage *stage);
struct pmk_world *pmk_stage_world(const struct pmk_stage *stage);

enum pmk_outcome {
	PMK_DONE, /* as the script says */
	PMK_WRONG, /* a result other than the one after "->" : a failed expectation */
	PMK_BROKEN, /* an operation that must succeed did not; a name is unknown; see err */
	PMK_CANNOT, /* this world takes no such statement (givens, faults): the script is skipped */
};
/* Does one statement of kind GIVEN, OP, CALL or FAULT.  `file` is for messages. */
enum pmk_outcome pmk_stage_do(struct pmk_stage *stage, const char *file,
			      const struct pmk_stmt *stmt, struct pmk_error *err);

/* ---- what names mean; NULL or -1 when there is no such name ---- */
int pmk_stage_proc(const struct pmk_stage *stage, const char *name);
struct pmk_region {
	const char *name;
	uint64_t addr, pages; /* bytes; pages */
};
const struct pmk_region *pmk_stage_region(const struct pmk_stage *stage, int proc,
					  const char *name);
/* The handle's number; a file's name opens the process's own file at the first use. -1: unknown. */
int pmk_stage_handle(struct pmk_stage *stage, int proc, const char *name);
/* The bytes that an EXTENT of a process means; -1: a name is unknown, and *err set. */
int pmk_stage_extent(struct pmk_stage *stage, int proc, const char *file,
		     const struct pmk_stmt *stmt, const struct pmk_arg *arg, uint64_t *ret_start,
		     uint64_t *ret_end, struct pmk_error *err);
/* What the last scan and the last procmap-query of the stage brought, for who checks it. */
struct pmk_stage_scan {
	int proc; /* whose; PMK_OBSERVER: there was none */
	const struct pmk_scan_region *region;
	size_t n, next; /* next: which one comes next, for who checks to count up */
};
struct pmk_stage_scan *pmk_stage_last_scan(struct pmk_stage *stage);
struct pmk_stage_query {
	int proc;
	struct pmk_procmap_query query;
	const char *name; /* NULL: none came */
	const void *build_id; /* as many bytes as the query says */
};
const struct pmk_stage_query *pmk_stage_last_query(const struct pmk_stage *stage);
/* Whether all the statement's `when` conditions hold; false and *err set: a name is unknown. */
bool pmk_stage_holds(const struct pmk_stage *stage, const char *file, const struct pmk_stmt *stmt,
		     struct pmk_error *err);
/* Resets the world to the kernel `as` (NULL: what the script says, else the running one) and does every
 * statement of the script file that is not an expectation: for mount and run.  0, or -1 and *err. */
int pmk_stage_play(struct pmk_stage *stage, const char *path, const struct pmk_profile *as,
		   struct pmk_error *err);
/* The PID of a process of the script; 0 is the first that it mentions. 0: there is none. */
int pmk_stage_pid(const struct pmk_stage *stage, int proc);

/* The inode of a cgroup that the script has made, or 0. */
uint64_t pmk_stage_cgroup(const struct pmk_stage *s, const char *name);

#endif /* PMK_STAGE_H */
