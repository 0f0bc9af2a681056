/*
 * attend.h - what is done while a command runs: signals are handed on to it, and when it stops, so does pmkit,
 * so that a shell's job control takes the two for one.
 */
#ifndef PMK_ATTEND_H
#define PMK_ATTEND_H

#include <signal.h>
#include <sys/types.h>

#include "script.h"

/* What init tells pmkit of the command; less than PIPE_BUF, so each comes as a whole. */
struct pmk_news {
	int status; /* as of waitpid(): it has stopped or ended */
	bool cannot; /* there will be no command here, for the reason in err */
	struct pmk_error err;
};
/* False: there is nobody to tell. */
bool pmk_news_tell(int fd, const struct pmk_news *news);

/* Blocks all that pmk_attend() waits for.  The command gets *ret_before. */
void pmk_attend_begin(sigset_t *ret_before);
/*
 * Waits for the child and reaps whatever else ends.  news_fd: what the child, an init, tells of the command;
 * -1: the child is the command.  tell_fd: whom to tell of its stops; -1: then the caller stops.
 * The last news: of a child that has told nothing, its own status.
 */
struct pmk_news pmk_attend(pid_t child, int news_fd, int tell_fd);
/*
 * Kills and reaps what the command has left running, of which the caller, a subreaper, has become the parent: it
 * has lost its /proc, and goes as it would with a PID namespace.
 */
void pmk_attend_kill_rest(void);
/* Ends as the status says: with its code, which is returned, or by its signal. */
int pmk_attend_end(int status);

#endif /* PMK_ATTEND_H */
