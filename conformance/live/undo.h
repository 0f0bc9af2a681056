/* SPDX-License-Identifier: MIT */
/*
 * undo.h - the list of what has to be put back, in a file, so that it outlives who made it.
 *
 * Lines, each written before the change it undoes: "swap PATH", "cgroup PATH" (both to be removed) and
 * "set PATH VALUE" (to be written back).
 * The lock lies next to it; whoever holds it may change the machine.
 */
#ifndef PMK_UNDO_H
#define PMK_UNDO_H

#include <sys/types.h>

#include "script.h"

struct pmk_undo {
	int lock; /* held while open; -1: not */
	char state[256]; /* path of the list */
};

/* Takes the lock, waiting for it, and undoes what an earlier run has left.  owner: whose run it is. */
int pmk_undo_open(struct pmk_undo *undo, pid_t owner, struct pmk_error *err);
/* Notes that `what` ("swap", "cgroup" or "set") has to be put back: 0 or -errno. */
int pmk_undo_note(struct pmk_undo *undo, const char *what, const char *path, const char *value);
/* Puts everything back, the last change first. */
void pmk_undo_all(struct pmk_undo *undo);
/* The same, and gives the lock back. */
void pmk_undo_close(struct pmk_undo *undo);

#endif /* PMK_UNDO_H */
