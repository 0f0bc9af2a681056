/*
 * play.h - a script played in the model, for the commands that show what came of it.
 */
#ifndef PMK_PLAY_H
#define PMK_PLAY_H

#include <pthread.h>

#include "fuse.h"
#include "stage.h"

struct pmk_play {
	struct pmk_world *world;
	struct pmk_stage *stage;
	struct pmk_machine *machine;
	pthread_mutex_t lock;
};
/* as: --as KERNEL, or NULL.  0, or -1 and *err; _deinit in either case. */
int pmk_play_init(struct pmk_play *play, const char *script, const char *as, struct pmk_error *err);
void pmk_play_deinit(struct pmk_play *play);
/* The script's first process that real ones stand for, as given-process may deny; 0: it has none. */
int pmk_play_first_pid(const struct pmk_play *play);
/* The highest PID of all its processes; 0: it has none. */
int pmk_play_last_pid(const struct pmk_play *play);

/* Prints "pmkit COMMAND: file:line:col: text" and returns code. */
int pmk_play_complain(const char *command, const struct pmk_error *err, int code);

#endif /* PMK_PLAY_H */
