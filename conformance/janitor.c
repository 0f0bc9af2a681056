/* SPDX-License-Identifier: MIT */
/* janitor.c - the janitor's process, and the runner's line to it. */
#define _GNU_SOURCE 1
#include "janitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "keepfd.h"
#include "object.h"
#include "swapfile.h"
#include "undo.h"

#define SWAP_BYTES \
	(64ull << 20) /* far more than a script pages out: full swap frees slots eagerly */

struct pmk_janitor {
	pid_t pid;
	int line; /* our end */
	bool asked;
	struct pmk_error answer; /* text "": there is swap */
};

/* ---- in the janitor ---- */

/* What would make results depend on chance: readahead that fills the swap cache with neighbours, and
 * daemons that move or merge pages on their own. */
static const struct setting {
	const char *path, *value;
} settings[] = {
	{ "/proc/sys/vm/page-cluster", "0" },
	{ "/proc/sys/vm/compaction_proactiveness", "0" },
	{ "/sys/kernel/mm/ksm/run", "0" },
};

static void change_setting(struct pmk_undo *undo, const struct setting *s)
{
	char old[128] = "";
	int fd = open(s->path, O_RDWR | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, old, sizeof(old) - 1);
	old[n > 0 ? strcspn(old, "\n") : 0] = 0;
	if (*old && strcmp(old, s->value) && !pmk_undo_note(undo, "set", s->path, old)) {
		lseek(fd, 0, SEEK_SET);
		if (write(fd, s->value, strlen(s->value)) < 0)
			n = 0; /* a kernel that refuses is left as it is */
	}
	close(fd);
}

static int make_swap(struct pmk_undo *undo, pid_t owner, struct pmk_error *err)
{
	const char *dir = pmk_object_directory();
	char path[4096];
	int r;

	if (pmk_swap_active())
		return 0;
	if (!dir)
		return pmk_error_set(err, NULL, 0, 0, "no directory on a disk for a swap file");
	/* the state file separates words by blanks */
	if (strpbrk(dir, " \t\n") ||
	    snprintf(path, sizeof(path), "%s/pmkit-swap-%d", dir, (int)owner) >= (int)sizeof(path))
		return pmk_error_set(err, NULL, 0, 0, "no swap file in a directory of that name");
	r = pmk_undo_note(undo, "swap", path, "-");
	if (!r)
		r = pmk_swapfile_on(path, SWAP_BYTES);
	if (r)
		return pmk_error_set(err, NULL, 0, 0, "swap file %.100s: %s", path, strerror(-r));
	return 0;
}

static int change_machine(struct pmk_undo *undo, pid_t owner, struct pmk_error *err)
{
	if (undo->lock < 0 && pmk_undo_open(undo, owner, err))
		return -1;
	if (make_swap(undo, owner, err))
		return -1;
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		change_setting(undo, &settings[i]);
	return 0;
}

static void ignore_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
}

/* Its own session: what ends the runner's terminal or group shall not end it.  It keeps stderr alone, so
 * that who reads the runner's output is not kept waiting. */
static _Noreturn void janitor_main(int line, pid_t owner)
{
	struct pmk_undo undo = { .lock = -1 };
	char byte;
	int null;

	setsid();
	pmk_keep_only(line, line);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ignore_signals();
	dup2(null, 0);
	dup2(null, 1);
	while (recv(line, &byte, 1, 0) == 1) {
		struct pmk_error answer = { .line = 0 };

		change_machine(&undo, owner, &answer);
		if (send(line, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	pmk_undo_close(&undo);
	_exit(0);
}

/* ---- in the runner ---- */

struct pmk_janitor *pmk_janitor_create(struct pmk_error *err)
{
	struct pmk_janitor *janitor;
	pid_t runner = getpid(), pid;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		pmk_error_set(err, NULL, 0, 0, "socketpair: %s", strerror(errno));
		return NULL;
	}
	pid = fork();
	if (!pid) {
		close(pair[0]);
		janitor_main(pair[1], runner);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		pmk_error_set(err, NULL, 0, 0, "fork: %s", strerror(errno));
		return NULL;
	}
	janitor = pmk_calloc(1, sizeof(*janitor));
	janitor->pid = pid;
	janitor->line = pair[0];
	return janitor;
}

int pmk_janitor_swap(struct pmk_janitor *janitor, struct pmk_error *err)
{
	struct pmk_error *answer = &janitor->answer;

	if (!janitor->asked) {
		janitor->asked = true;
		if (send(janitor->line, "s", 1, MSG_NOSIGNAL) != 1 ||
		    recv(janitor->line, answer, sizeof(*answer), 0) != sizeof(*answer))
			pmk_error_set(answer, NULL, 0, 0, "the janitor has died");
	}
	if (!answer->text[0])
		return 0;
	if (err)
		*err = *answer;
	return -1;
}

/* What a janitor that was killed itself has left. */
static void mend(const struct pmk_janitor *janitor)
{
	struct pmk_undo undo;

	if (janitor->asked && !pmk_undo_open(&undo, getpid(), NULL))
		pmk_undo_close(&undo);
}

void pmk_janitor_destroy(struct pmk_janitor *janitor)
{
	int status = 0;

	if (!janitor)
		return;
	close(janitor->line);
	while (waitpid(janitor->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status))
		mend(janitor);
	free(janitor);
}
