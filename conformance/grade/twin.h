/* SPDX-License-Identifier: MIT */
/*
 * twin.h - a script in two models at once: `key`, where right answers are looked up in process, and
 * `shown`, which the mount serves.
 *
 * They are played statement by statement, so that what a look changes (a fault that is used up, a
 * process that dies of being read) happens to the consumer as it happened to the key.
 */
#ifndef PMK_TWIN_H
#define PMK_TWIN_H

#include <pthread.h>

#include "fuse.h"
#include "question.h"
#include "stage.h"

struct pmk_twin_world {
	struct pmk_world world; /* first: a struct pmk_world is one of these */
	struct pmk_world *model;
	pthread_mutex_t *lock; /* around the model */
	bool listening; /* calls are noted, not done */
	struct pmk_request heard;
	struct pmk_twin_file {
		enum pmk_file file;
		int proc; /* whose */
	} * handle; /* by number: what scripts have opened */
	int nhandles;
};

struct pmk_twin {
	struct pmk_twin_world key, shown;
	struct pmk_stage *key_stage, *shown_stage;
	struct pmk_machine *machine; /* the one that is shown, for the server */
	struct pmk_mount *mount;
	pthread_mutex_t lock;
	const struct pmk_cred *opener; /* whom the consumer counts as, for the server; NULL: root */
	struct pmk_cred opener_is;
	int proc_fd; /* the real proc */
};

/* Mounts what is shown over /proc.  0, or what pmk_mount_start() says. */
int pmk_twin_init(struct pmk_twin *twin, struct pmk_error *err);
void pmk_twin_deinit(struct pmk_twin *twin);
/* Another script begins. */
int pmk_twin_begin(struct pmk_twin *twin, const struct pmk_profile *profile, struct pmk_error *err);
/* Does a statement that is no question in both.  0, or -1 and *err. */
int pmk_twin_do(struct pmk_twin *twin, const char *file, const struct pmk_stmt *stmt,
		struct pmk_error *err);
/*
 * The numbers that a call would be made with; it is not made.  ret->file and ret->a[3], the process whose
 * it is, are also there for calls on a handle.  0, or -1 and *err.
 */
int pmk_twin_hear(struct pmk_twin *twin, const char *file, const struct pmk_stmt *stmt,
		  struct pmk_request *ret, struct pmk_error *err);
struct pmk_machine *pmk_twin_key(struct pmk_twin *twin);
/* From now on the consumer counts as the one who asks the question. */
void pmk_twin_play_opener(struct pmk_twin *twin, const struct pmk_question *q);

#endif
