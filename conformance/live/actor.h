/* SPDX-License-Identifier: MIT */
/*
 * actor.h - the processes of a script that are real: what they are told, and how.
 *
 * An actor is a child of the runner.  It waits for a request in its mailbox, does it by system calls of
 * its own, and puts the result there; nothing else of it is ever seen.  Mailboxes and one area for bytes
 * lie in a board, a memfd that runner and actors map; both sides sleep on a futex and never spin, for they
 * share one CPU in the kernel world.  One request is under way at a time, so one area is enough for all.
 *
 * The first actor is the nursery: forked while the runner has one thread, and executed anew, so that it has
 * nothing of the runner's memory, which every birth would have to copy.  All others are clones of it (SPAWN)
 * or of each other (FORK) made with CLONE_PARENT, so that the runner is the parent of all and can wait for
 * each.
 *
 * A handle is the file descriptor PMK_ACTOR_FD + its slot, so fork and exec inherit it without a table.
 */
#ifndef PMK_ACTOR_H
#define PMK_ACTOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "world.h"

#define PMK_ACTOR_FD   128
#define PMK_BOARD_ROOM (64u << 20) /* bytes of the area; of longer reads it keeps the beginning */

enum pmk_turn {
	PMK_TURN_RUNNER, /* the actor waits for a request */
	PMK_TURN_ACTOR, /* it is at work */
	PMK_TURN_STARTING, /* it does not exist yet */
};

struct pmk_mailbox {
	_Atomic uint32_t turn; /* a futex */
	int64_t result;
	struct pmk_request request; /* its pointers mean nothing here: bytes go through the room */
};

/* Mailbox 0 is the nursery's, 1 that of an observer apart (crew.h), p + 2 that of process p.  The pages
 * nobody uses cost nothing. */
struct pmk_board {
	struct pmk_mailbox box[PMK_PROCS_MAX + 2];
	char room[PMK_BOARD_ROOM];
};

/* A handle's place in a table.  A stage numbers from 0 up, and its own few handles from INT32_MAX down:
 * those come first.  -1: no such number. */
#define PMK_HANDLES_HIGH 64
#define PMK_HANDLES_MAX	 (1 << 20)
static inline int pmk_handle_slot(int64_t handle)
{
	if (handle > INT32_MAX - PMK_HANDLES_HIGH && handle <= INT32_MAX)
		return (int)(INT32_MAX - handle);
	return handle >= 0 && handle < PMK_HANDLES_MAX ? (int)handle + PMK_HANDLES_HIGH : -1;
}

static inline unsigned pmk_mailbox_index(int proc)
{
	return (unsigned)(proc + 2); /* PMK_OBSERVER is -1 */
}

/* What an actor needs to know to serve; survives exec as arguments. */
struct pmk_actor {
	int board_fd, post_fd; /* post: a socket over which object descriptors come (SCM_RIGHTS) */
	unsigned index; /* of its mailbox */
	pid_t runner; /* whose child it must be */
	struct pmk_board *board;
};

/* To be called first in main(): when the program was started as an actor (pmk_actor_exec()), it becomes one
 * and never returns. */
void pmk_actor_main_if_asked(int argc, char **argv);

/* The program anew as this actor, which says in its mailbox that it is there. Negative errno if that cannot be. */
int64_t pmk_actor_exec(const struct pmk_actor *actor);

/* Serves requests until told to exit.  The process must be a fresh fork of the runner. */
_Noreturn void pmk_actor_serve(const struct pmk_actor *actor);

/* Either side of the futex. */
void pmk_turn_pass(struct pmk_mailbox *box, enum pmk_turn turn);
/* Waits until *box is no longer at `turn`; false: still so after ms milliseconds (-1: for ever). */
bool pmk_turn_wait(struct pmk_mailbox *box, enum pmk_turn turn, int ms);

#endif /* PMK_ACTOR_H */
