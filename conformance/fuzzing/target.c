/* SPDX-License-Identifier: MIT */
/* target.c - a consumer, run once a script: see target.h. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"

/*
 * AFL++'s protocol (instrumentation/README.md there): the server says hello, 4 bytes, and for each 4 bytes from us, which
 * say whether we killed the last one, forks, says the PID and then the status.  In persistent mode the child stops itself
 * after a run, and goes on with the next one instead of a fork.
 */
#define SERVER_FD	198
#define HELLO_MS	3000
#define OUTPUT_MAX	(1u << 20)
#define SANITIZER_EXITS 99
#define MAP_ROOM	(1u << 23) /* instrumented programs may have larger maps than we look at */

static int text_of(int n, char *buf, size_t size)
{
	return snprintf(buf, size, "%d", n);
}

/* What a consumer may use up: it may not fill the disk, nor leave cores. */
static void set_limits(void)
{
	struct rlimit no_core = { 0, 0 }, file = { OUTPUT_MAX, OUTPUT_MAX };

	setrlimit(RLIMIT_CORE, &no_core);
	setrlimit(RLIMIT_FSIZE, &file);
	signal(SIGXFSZ, SIG_IGN); /* its write(2) gets EFBIG */
}

/* In the child: the consumer, in a group of its own, so that what it starts ends with it. */
static void exec(struct pmk_target *t, bool serve, const int to[2], const int from[2])
{
	char shm[16];
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, 0);
	dup2(t->out, 1);
	dup2(t->out, 2);
	if (serve) {
		text_of(t->shm, shm, sizeof(shm));
		setenv("__AFL_SHM_ID", shm, 1);
		setenv("__AFL_PERSISTENT", "1", 1); /* no others look at it */
		if (dup2(to[0], SERVER_FD) < 0 || dup2(from[1], SERVER_FD + 1) < 0)
			_exit(126);
	}
	setenv("ASAN_OPTIONS", "abort_on_error=1:symbolize=0:detect_leaks=0", 0);
	setenv("UBSAN_OPTIONS", "halt_on_error=1:abort_on_error=1", 0);
	set_limits();
	execvp(t->argv[0], t->argv);
	_exit(127);
}

/* True: `size` bytes came within the time. */
static bool take(int fd, void *buf, size_t size, double seconds)
{
	struct pollfd p = { fd, POLLIN, 0 };
	int rc;

	do
		rc = poll(&p, 1, (int)(seconds * 1000));
	while (rc < 0 && errno == EINTR);
	return rc > 0 && read(fd, buf, size) == (ssize_t)size;
}

static void end_group(pid_t pid)
{
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
}

/* ---- the fork server -------------------------------------------------------------------------------- */

static void server_stop(struct pmk_target *t)
{
	if (!t->server)
		return;
	end_group(t->server);
	waitpid(t->server, NULL, 0);
	close(t->to);
	close(t->from);
	t->server = 0;
}

static bool server_start(struct pmk_target *t)
{
	int to[2], from[2];
	uint32_t hello;

	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		return false;
	t->server = fork();
	if (t->server == 0)
		exec(t, true, to, from);
	close(to[0]);
	close(from[1]);
	t->to = to[1];
	t->from = from[0];
	if (t->server > 0 && take(t->from, &hello, sizeof(hello), HELLO_MS / 1000.0))
		return true;
	server_stop(t);
	return false;
}

/* The child's status; -1: it hangs; -2: the server is gone. */
static int server_run(struct pmk_target *t)
{
	const uint32_t killed = t->killed;
	int32_t pid, status;

	t->killed = false;
	if (write(t->to, &killed, sizeof(killed)) != sizeof(killed) ||
	    !take(t->from, &pid, sizeof(pid), 5) || pid <= 0)
		return -2;
	if (take(t->from, &status, sizeof(status), t->seconds))
		return status;
	kill(pid, SIGKILL);
	t->killed = true;
	return take(t->from, &status, sizeof(status), 5) ? -1 : -2;
}

/* ---- a run ------------------------------------------------------------------------------------------ */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Likewise for one that is started anew. */
static int exec_run(struct pmk_target *t)
{
	struct timespec until = { (time_t)t->seconds,
				  (long)((t->seconds - (double)(time_t)t->seconds) * 1e9) };
	sigset_t child, before;
	double end = now() + t->seconds;
	int status = -1;
	pid_t pid;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		exec(t, false, NULL, NULL);
	}
	while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
		if (sigtimedwait(&child, NULL, &until) < 0 && errno == EAGAIN && now() >= end) {
			end_group(pid);
			waitpid(pid, NULL, 0);
			status = -1;
			break;
		}
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid > 0)
		kill(-pid, SIGKILL); /* what it has left behind */
	return pid > 0 ? status : -2;
}

static bool is_fresh(struct pmk_target *t)
{
	bool fresh = false;

	for (size_t i = 0; i < PMK_TARGET_MAP; i += 8) {
		uint64_t word;

		memcpy(&word, t->map + i, sizeof(word));
		if (!word)
			continue;
		for (size_t k = i; k < i + 8; k++) {
			uint8_t n = t->map[k];
			uint8_t class = n == 0 ? 0 : n == 1 ? 1 : n < 4 ? 2 : n < 16 ? 4 : 8;

			fresh |= class & ~t->seen[k];
			t->seen[k] |= class;
		}
	}
	return fresh;
}

/* A sanitizer's own line about it, if there is one among what was written. */
static bool sanitizer_says(struct pmk_target *t, char *why, size_t size)
{
	static const char *const marks[] = { "SUMMARY: ", "ERROR: AddressSanitizer",
					     "runtime error: " };
	char buf[16384];
	ssize_t n = pread(t->out, buf, sizeof(buf) - 1, 0);

	if (n <= 0)
		return false;
	buf[n] = '\0';
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		const char *at = strstr(buf, marks[i]);

		if (!at)
			continue;
		snprintf(why, size, "%.*s", (int)strcspn(at, "\n"), at);
		return true;
	}
	return false;
}

enum pmk_verdict pmk_target_run(struct pmk_target *t, char *why, size_t size, bool *fresh)
{
	int status;

	*fresh = false;
	*why = '\0';
	if (ftruncate(t->out, 0) < 0 || lseek(t->out, 0, SEEK_SET) < 0)
		return PMK_VERDICT_FINE;
	if (t->server) {
		memset(t->map, 0, PMK_TARGET_MAP);
		status = server_run(t);
		*fresh = is_fresh(t);
		if (status == -2) { /* the server died: of us, or of the consumer's own doing */
			server_stop(t);
			server_start(t);
			return PMK_VERDICT_FINE;
		}
	} else {
		status = exec_run(t);
	}
	if (status == -1) {
		snprintf(why, size, "no end within %g s", t->seconds);
		return PMK_VERDICT_HANG;
	}
	if (sanitizer_says(t, why, size))
		return PMK_VERDICT_CRASH;
	if (status < 0 || !WIFSIGNALED(status))
		return PMK_VERDICT_FINE;
	snprintf(why, size, "%s",
		 pmk_signal_name(WTERMSIG(status)) ? pmk_signal_name(WTERMSIG(status))
						   : "a signal");
	return PMK_VERDICT_CRASH;
}

int pmk_target_init(struct pmk_target *t, char *const *argv, double seconds, struct pmk_error *err)
{
	bool fresh;
	char why[160];

	*t = (struct pmk_target){ .argv = argv, .seconds = seconds, .shm = -1, .out = -1 };
	if (strchr(argv[0], '/') && access(argv[0], X_OK) < 0)
		return pmk_error_set(err, argv[0], 0, 0, "%s", strerror(errno));
	t->out = memfd_create("consumer", MFD_CLOEXEC);
	t->seen = pmk_calloc(1, PMK_TARGET_MAP);
	t->shm = shmget(IPC_PRIVATE, MAP_ROOM, IPC_CREAT | IPC_EXCL | 0600);
	t->map = t->shm < 0 ? (void *)-1 : shmat(t->shm, NULL, 0);
	if (t->out < 0 || t->map == (void *)-1)
		return pmk_error_set(err, argv[0], 0, 0, "%s", strerror(errno));
	shmctl(t->shm, IPC_RMID,
	       NULL); /* goes with the last who has it; until then others may join */
	server_start(t);
	pmk_target_run(t, why, sizeof(why), &fresh);
	return 0;
}

void pmk_target_deinit(struct pmk_target *t)
{
	server_stop(t);
	if (t->map && t->map != (void *)-1)
		shmdt(t->map);
	if (t->out >= 0)
		close(t->out);
	free(t->seen);
}
