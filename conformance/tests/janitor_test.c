/* SPDX-License-Identifier: MIT */
/* janitor_test.c - a run leaves nothing behind: when it ends, when it is killed, when all is killed. */
#define _GNU_SOURCE 1
#include "janitor.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "actor.h"
#include "object.h"
#include "swapfile.h"
#include "world_live.h"

static void nap(void)
{
	nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
}

/* The PIDs of the children of a process; how many. */
static int children(pid_t parent, pid_t *ret, int max)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	int n = 0;

	while ((d = readdir(dir)) && n < max) {
		char path[300], line[512];
		int ppid = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/stat", d->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(line, sizeof(line), f) && strrchr(line, ')'))
			sscanf(strrchr(line, ')') + 1, " %*c %d", &ppid);
		fclose(f);
		if (ppid == parent)
			ret[n++] = atoi(d->d_name);
	}
	closedir(dir);
	return n;
}

static bool swap_file_left(void)
{
	DIR *dir = opendir(pmk_object_directory());
	struct dirent *d;
	bool left = false;

	while ((d = readdir(dir)))
		left = left || !strncmp(d->d_name, "pmkit-swap-", 11);
	closedir(dir);
	return left;
}

static bool within_10_s(bool (*f)(void))
{
	for (int i = 0; i < 1000; i++, nap())
		if (f())
			return true;
	return false;
}

static bool nothing_left(void)
{
	return !pmk_swap_active() && !swap_file_left();
}

static long page_cluster(void)
{
	FILE *f = fopen("/proc/sys/vm/page-cluster", "re");
	long n = -1;

	if (f && fscanf(f, "%ld", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

static struct pmk_world *mock_create(struct pmk_error *err)
{
	return pmk_world_mock_create(NULL, err);
}

/* A runner with swap and a process, that waits; 0: there is no such world here. */
static pid_t runner_start(struct pmk_world *(*create)(struct pmk_error *err))
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		struct pmk_world *w = create(NULL);
		struct pmk_request r = { .code = PMK_REQ_SPAWN };
		/* a mock must die also with its own files open */
		struct pmk_request o = { .code = PMK_REQ_OPEN, .proc = PMK_OBSERVER };
		const char *why;

		if (w && w->ops->has(w, PMK_F_SWAP, &why) && pmk_world_request(w, &r) > 0 &&
		    !pmk_world_request(w, &o) && write(ready[1], "y", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		waitpid(pid, NULL, 0);
		pid = 0;
	}
	close(ready[0]);
	return pid;
}

static pid_t family[64];
static int nfamily;

static bool family_gone(void)
{
	for (int i = 0; i < nfamily; i++)
		if (waitpid(family[i], NULL, WNOHANG) >= 0 || !kill(family[i], 0))
			return false;
	return true;
}

static void test_killed(void **state)
{
	long cluster = page_cluster();
	pid_t pid = runner_start(pmk_world_kernel_create);

	(void)state;
	assert_true(pmk_swap_active());
	assert_int_equal(page_cluster(), 0);
	nfamily = children(pid, family, 64);
	assert_int_equal(nfamily, 3); /* janitor, nursery, actor */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(within_10_s(nothing_left));
	assert_true(within_10_s(family_gone));
	assert_int_equal(page_cluster(), cluster);
}

static int mounts(void)
{
	FILE *f = fopen("/proc/self/mounts", "re");
	int n = 0;

	for (int c; (c = fgetc(f)) != EOF;)
		n += c == '\n';
	fclose(f);
	return n;
}

static void test_mock_killed(void **state)
{
	int before = mounts();
	pid_t pid = runner_start(mock_create);

	(void)state;
	if (!pid)
		skip();
	assert_int_equal(mounts(), before);
	nfamily = children(pid, family, 64);
	assert_int_equal(nfamily, 3); /* nursery, actor, observer */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(within_10_s(family_gone));
	assert_int_equal(mounts(), before);
}

/* Everything killed at once: the next run puts back what is left. */
static void test_all_killed(void **state)
{
	long cluster = page_cluster();
	struct pmk_janitor *janitor;
	struct pmk_error err;
	pid_t pid = runner_start(pmk_world_kernel_create);

	(void)state;
	nfamily = children(pid, family, 64);
	kill(pid, SIGSTOP);
	for (int i = 0; i < nfamily; i++)
		kill(family[i], SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(within_10_s(family_gone));
	assert_true(pmk_swap_active());
	janitor = pmk_janitor_create(&err);
	assert_non_null(janitor);
	assert_int_equal(pmk_janitor_ask(janitor, PMK_JANITOR_SWAP, &err), 0);
	assert_true(pmk_swap_active());
	pmk_janitor_destroy(janitor);
	assert_true(nothing_left());
	assert_int_equal(page_cluster(), cluster);
}

/* A second run waits until the first has put the machine back. */
static void test_one_at_a_time(void **state)
{
	pid_t first = runner_start(pmk_world_kernel_create), second = fork();
	int status;

	(void)state;
	if (!second) {
		struct pmk_janitor *janitor = pmk_janitor_create(NULL);
		int r = pmk_janitor_ask(janitor, PMK_JANITOR_SWAP, NULL);

		pmk_janitor_destroy(janitor);
		_exit(r ? 1 : 0);
	}
	nanosleep(&(struct timespec){ 0, 300000000 }, NULL);
	assert_int_equal(waitpid(second, &status, WNOHANG), 0);
	kill(first, SIGKILL);
	waitpid(first, NULL, 0);
	assert_int_equal(waitpid(second, &status, 0), second);
	assert_int_equal(status, 0);
	assert_true(within_10_s(nothing_left));
}

static void test_orderly(void **state)
{
	struct pmk_janitor *janitor = pmk_janitor_create(NULL);

	(void)state;
	assert_non_null(janitor);
	assert_false(pmk_swap_active());
	assert_int_equal(pmk_janitor_ask(janitor, PMK_JANITOR_SWAP, NULL), 0);
	assert_int_equal(pmk_janitor_ask(janitor, PMK_JANITOR_SWAP, NULL), 0);
	assert_true(pmk_swap_active());
	pmk_janitor_destroy(janitor);
	assert_true(nothing_left());
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orderly),	      cmocka_unit_test(test_killed),
		cmocka_unit_test(test_mock_killed),   cmocka_unit_test(test_all_killed),
		cmocka_unit_test(test_one_at_a_time),
	};

	pmk_actor_main_if_asked(argc, argv);
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphans come to us, not to an init that may be slow */
	if (geteuid() || !pmk_object_directory() || pmk_swap_active()) {
		puts("takes root, a disk and a machine without swap");
		return 77;
	}
	/* what others mount meanwhile is none of mounts() */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		perror("janitor_test: a mount namespace");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
