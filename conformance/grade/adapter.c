/* SPDX-License-Identifier: MIT */
/* adapter.c - runs the adapter: see adapter.h. */
#include "adapter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"

const char *const pmk_grade_name[PMK_GRADE_COUNT] = { "right",	 "miss",  "crash", "hang",
						      "garbage", "flood", "skip" };

#define START_SECONDS 30 /* that it may take to begin: interpreters are slow on a busy machine */

void pmk_adapter_init(struct pmk_adapter *a, char *const *argv, double seconds)
{
	*a = (struct pmk_adapter){ .argv = argv, .seconds = seconds };
	a->buf = pmk_alloc(PMK_ANSWER_MAX + 1);
}

void pmk_adapter_deinit(struct pmk_adapter *a)
{
	pmk_adapter_stop(a);
	free(a->buf);
}

/* ---- the process ---------------------------------------------------------------------------------- */

static void run(const struct pmk_adapter *a, int in, int out)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
		_exit(126);
	execvp(a->argv[0], a->argv);
	fprintf(stderr, "pmkit grade: %s: %s\n", a->argv[0], strerror(errno));
	_exit(127);
}

static int launch(struct pmk_adapter *a, struct pmk_error *err)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return pmk_error_set(err, NULL, 0, 0, "pipe: %s", strerror(errno));
	fflush(NULL);
	a->pid = fork();
	if (a->pid == 0)
		run(a, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	a->to = in[1];
	a->from = out[0];
	if (a->pid > 0)
		return 0;
	pmk_adapter_stop(a);
	a->pid = 0;
	return pmk_error_set(err, NULL, 0, 0, "fork: %s", strerror(errno));
}

/* Everything in this namespace but ourselves; outside of one the adapter alone. */
static void kill_all(const struct pmk_adapter *a)
{
	if (getpid() == 1)
		kill(-1, SIGKILL);
	else
		kill(a->pid, SIGKILL);
}

void pmk_adapter_stop(struct pmk_adapter *a)
{
	if (a->pid <= 0)
		return;
	close(a->to);
	close(a->from);
	kill_all(a);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	a->pid = 0;
}

/* How it ended, if it has: it is given a moment to, once its standard output is closed. */
static void say_end(struct pmk_adapter *a, struct pmk_text *why)
{
	int status = 0;
	pid_t pid = 0;

	for (int i = 0; i < 100 && !pid; i++) {
		pid = waitpid(a->pid, &status, WNOHANG);
		if (!pid)
			poll(NULL, 0, 1);
	}
	if (pid <= 0)
		pmk_text_add(why, "it closed its standard output");
	else if (WIFSIGNALED(status))
		pmk_text_add(why, "it died of %s",
			     pmk_signal_name(WTERMSIG(status)) ? pmk_signal_name(WTERMSIG(status))
							       : strsignal(WTERMSIG(status)));
	else
		pmk_text_add(why, "it exited with status %d", WEXITSTATUS(status));
}

/* ---- lines ---------------------------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Reads until there is a newline, which must be the last thing there is. */
static enum pmk_grade read_line(struct pmk_adapter *a, double seconds, struct pmk_text *why)
{
	struct pollfd from = { .fd = a->from, .events = POLLIN };
	double until = now() + seconds;

	a->len = 0;
	for (;;) {
		double left = until - now();
		ssize_t n;

		if (left <= 0 || poll(&from, 1, (int)(left * 1e3) + 1) == 0) {
			pmk_text_add(why, "no answer in %g seconds", seconds);
			return PMK_GRADE_HANG;
		}
		n = read(a->from, a->buf + a->len, PMK_ANSWER_MAX - a->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			say_end(a, why);
			return PMK_GRADE_CRASH;
		}
		char *newline = memchr(a->buf + a->len, '\n', (size_t)n);
		a->len += (size_t)n;
		if (newline && newline + 1 == a->buf + a->len)
			return PMK_GRADE_RIGHT;
		if (newline) {
			pmk_text_add(why, "more than one line");
			return PMK_GRADE_GARBAGE;
		}
		if (a->len == PMK_ANSWER_MAX) {
			pmk_text_add(why, "no end of line in %u bytes", PMK_ANSWER_MAX);
			return PMK_GRADE_FLOOD;
		}
	}
}

/* What it has said since its last answer, of which nobody asked. */
static bool is_silent(struct pmk_adapter *a)
{
	struct pollfd from = { .fd = a->from, .events = POLLIN };

	return poll(&from, 1, 0) <= 0 || !(from.revents & POLLIN);
}

enum pmk_grade pmk_adapter_ask(struct pmk_adapter *a, const char *line, size_t len,
			       struct pmk_text *why)
{
	enum pmk_grade grade;

	if (!is_silent(a)) {
		pmk_text_add(why, "it spoke before it was asked");
		return PMK_GRADE_GARBAGE;
	}
	/* Never more than a pipe holds: no wait.  What a dead one does not read shows when it is read from. */
	if (write(a->to, line, len) < 0 && errno != EPIPE)
		pmk_text_add(why, "write: %s; ", strerror(errno));
	grade = read_line(a, a->seconds, why);
	a->buf[a->len] = '\0';
	return grade;
}

int pmk_adapter_start(struct pmk_adapter *a, struct pmk_error *err)
{
	char text[256] = "";
	struct pmk_text why = PMK_TEXT(text);
	struct pmk_declaration says;
	struct pmk_error wrong = { .line = 0 };

	if (a->pid)
		return 0;
	if (launch(a, err))
		return -1;
	if (read_line(a, START_SECONDS, &why) != PMK_GRADE_RIGHT) {
		pmk_adapter_stop(a);
		return pmk_error_set(err, a->argv[0], 0, 0, "it does not introduce itself: %s",
				     text);
	}
	if (pmk_declaration_parse(a->buf, a->len, &says, &wrong)) {
		pmk_adapter_stop(a);
		return pmk_error_set(err, a->argv[0], 0, 0, "its first line: %s", wrong.text);
	}
	a->says = says;
	return 0;
}
