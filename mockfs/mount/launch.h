/*
 * launch.h - what the parts of pmkit run share.
 *
 *   launch.c          the command line; which way to go
 *   launch_fuse.c     the mock mounted over /proc, in namespaces of its own
 *   launch_bind.c     the mock's files mounted over those of the one process
 *   launch_seccomp.c  the command's system calls answered, without mounts or namespaces
 *   attend.c          signals and stops, to and fro
 */
#ifndef PMK_LAUNCH_H
#define PMK_LAUNCH_H

#include <time.h>

#include "attend.h"
#include "play.h"

struct pmk_launch_way;
struct pmk_launch {
	bool verbose, keep_uid;
	const struct pmk_launch_way *by; /* NULL: the first that can be gone */
	const char *as, *script;
	char **command;
	struct pmk_mount_options mount;
	struct timespec began;
};

/* Ways to go: runs the command, which gets the signal mask, to its end.  The last news of it, or `cannot`. */
typedef struct pmk_news pmk_launch_run(struct pmk_launch *l, struct pmk_play *play,
				       const sigset_t *mask);
pmk_launch_run pmk_launch_by_fuse, pmk_launch_by_seccomp, pmk_launch_by_bind;

/*
 * The frame of ways that mount: forks into a mount namespace, and a PID namespace, of its own; what is served there
 * dies with pmkit, tells its news to tell_fd, and returns an exit status.
 */
typedef int pmk_launch_serve(struct pmk_launch *l, struct pmk_play *play, int tell_fd,
			     const sigset_t *mask);
struct pmk_news pmk_launch_in_namespaces(struct pmk_launch *l, struct pmk_play *play,
					 const sigset_t *mask, bool pids, pmk_launch_serve *serve);
/* Becomes the command, or says why not and ends. */
_Noreturn void pmk_launch_exec(const struct pmk_launch *l, const sigset_t *mask);
/* With -v: by which way, and how long it took. */
void pmk_launch_ready(const struct pmk_launch *l, const char *way);
/* News that it cannot be done: "WHAT: what errno says". */
struct pmk_news pmk_launch_cannot(const char *what);

#endif /* PMK_LAUNCH_H */
