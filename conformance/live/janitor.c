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
#include "cgroup.h"
#include "keepfd.h"
#include "object.h"
#include "swapfile.h"
#include "undo.h"

#define SWAP_BYTES \
	(64ull << 20) /* far more than a script pages out: full swap frees slots eagerly */

struct pmk_janitor {
	pid_t pid;
	int line; /* our end */
	bool asked[PMK_JANITOR_COUNT];
	struct pmk_error answer[PMK_JANITOR_COUNT]; /* text "": it is there */
};

/* ---- in the janitor ---- */

/* Settings that a facility takes.  What would make results depend on chance: readahead that fills the swap
 * cache with neighbours, and daemons that move, merge or collapse pages on their own. */
struct setting {
	const char *path, *value;
	bool changes; /* during the run: so it is put back even if it is right now */
};

static const struct setting quiet[] = {
	{ "/proc/sys/vm/page-cluster", "0", false },
	{ "/proc/sys/vm/compaction_proactiveness", "0", false },
	{ "/sys/kernel/mm/ksm/run", "0", false },
	{ NULL, NULL, false },
};
static const struct setting thp[] = {
	{ "/sys/kernel/mm/transparent_hugepage/enabled", "madvise", false },
	{ "/sys/kernel/mm/transparent_hugepage/defrag", "madvise", false },
	{ "/sys/kernel/mm/transparent_hugepage/use_zero_page", "1", false },
	/* khugepaged looks at once at the first process that wants huge pages */
	{ "/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none", "0", false },
	{ "/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_shared", "0", false },
	{ "/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_swap", "0", false },
	/* and later at what is all there */
	{ "/sys/kernel/mm/transparent_hugepage/khugepaged/pages_to_scan", "1", false },
	{ "/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs", "600000", false },
	{ NULL, NULL, false },
};
static const struct setting ksm[] = {
	{ "/sys/kernel/mm/ksm/run", "0", true },
	{ "/sys/kernel/mm/ksm/use_zero_pages", "0", true },
	{ "/sys/kernel/mm/ksm/advisor_mode", "none", false },
	{ "/sys/kernel/mm/ksm/smart_scan", "0", false },
	{ "/sys/kernel/mm/ksm/max_page_sharing", "1000000", false },
	{ "/sys/kernel/mm/ksm/pages_to_scan", "10000", false },
	{ "/sys/kernel/mm/ksm/sleep_millisecs", "0", false },
	{ NULL, NULL, false },
};

#define POOL_FILE "/proc/sys/vm/nr_hugepages"

/* The value in a file, of several "a [b] c" the one in brackets. */
static bool get_setting(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[256] = "", *from = text;
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	if (strchr(text, '['))
		from = strchr(text, '[') + 1;
	from[strcspn(from, "]\n")] = 0;
	snprintf(ret, size, "%.*s", (int)size - 1, from);
	return true;
}

static void change_setting(struct pmk_undo *undo, const struct setting *s)
{
	char old[128];
	bool same;
	int fd;

	if (!get_setting(s->path, old, sizeof(old)))
		return;
	same = !strcmp(old, s->value);
	if ((same && !s->changes) || pmk_undo_note(undo, "set", s->path, old) || same)
		return;
	fd = open(s->path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, s->value, strlen(s->value)) < 0)
		same = true; /* a kernel that refuses is left as it is */
	close(fd);
}

static int no_settings(struct pmk_undo *undo, pid_t owner, struct pmk_error *err)
{
	(void)undo;
	(void)owner;
	(void)err;
	return 0;
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

/* Huge pages of the pool that are spoken for.  6.18 loses some reservations of private mappings for
 * good, so that a pool may be full and of no use. */
static unsigned long reserved_pages(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long n = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "HugePages_Rsvd: %lu", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

static int fill_pool(struct pmk_undo *undo, pid_t owner, struct pmk_error *err)
{
	char old[32], want[32], now[32] = "0";
	struct setting pool = { POOL_FILE, want, false };

	(void)owner;
	if (!get_setting(POOL_FILE, old, sizeof(old)))
		return pmk_error_set(err, NULL, 0, 0, "no hugetlb in this kernel");
	snprintf(want, sizeof(want), "%lu",
		 strtoul(old, NULL, 10) + reserved_pages() + PMK_POOL_PAGES);
	change_setting(undo, &pool);
	get_setting(POOL_FILE, now, sizeof(now));
	if (strtoul(now, NULL, 10) < strtoul(want, NULL, 10))
		return pmk_error_set(err, NULL, 0, 0, "only %s of %s huge pages could be had", now,
				     want);
	return 0;
}

static int make_cgroup(struct pmk_undo *undo, pid_t owner, struct pmk_error *err)
{
	char home[4096];
	int64_t r;

	if (!pmk_cgroup_home(owner, home, sizeof(home)) || strpbrk(home, " \t\n"))
		return pmk_error_set(err, NULL, 0, 0, "no memory cgroups here");
	r = pmk_undo_note(undo, "cgroup", home, "-");
	if (!r)
		r = pmk_cgroup_make(home);
	if (r < 0)
		return pmk_error_set(err, NULL, 0, 0, "cgroup %.150s: %s", home, strerror((int)-r));
	return 0;
}

static const struct {
	int (*make)(struct pmk_undo *undo, pid_t owner, struct pmk_error *err);
	const struct setting *settings;
} facilities[PMK_JANITOR_COUNT] = {
	[PMK_JANITOR_SWAP] = { make_swap, quiet },     [PMK_JANITOR_HUGETLB] = { fill_pool, quiet },
	[PMK_JANITOR_THP] = { no_settings, thp },      [PMK_JANITOR_KSM] = { no_settings, ksm },
	[PMK_JANITOR_CGROUP] = { make_cgroup, quiet },
};

static int change_machine(struct pmk_undo *undo, enum pmk_janitor_what what, pid_t owner,
			  struct pmk_error *err)
{
	if (undo->lock < 0 && pmk_undo_open(undo, owner, err))
		return -1;
	if (facilities[what].make(undo, owner, err))
		return -1;
	for (const struct setting *s = facilities[what].settings; s->path; s++)
		change_setting(undo, s);
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

		if ((unsigned char)byte < PMK_JANITOR_COUNT)
			change_machine(&undo, (enum pmk_janitor_what)byte, owner, &answer);
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

int pmk_janitor_ask(struct pmk_janitor *janitor, enum pmk_janitor_what what, struct pmk_error *err)
{
	struct pmk_error *answer = &janitor->answer[what];
	char byte = (char)what;

	if (!janitor->asked[what]) {
		janitor->asked[what] = true;
		if (send(janitor->line, &byte, 1, MSG_NOSIGNAL) != 1 ||
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
	bool asked = false;

	for (int i = 0; i < PMK_JANITOR_COUNT; i++)
		asked |= janitor->asked[i];
	if (asked && !pmk_undo_open(&undo, getpid(), NULL))
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
