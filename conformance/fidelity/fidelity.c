/* SPDX-License-Identifier: MIT */
/*
 * fidelity.c - performs the operations in processes of their own and collects what they gave.
 *
 * Each is this program again: `pmkit fidelity --perform FILE`, alone for the real file, under `pmkit run`
 * for the mock.  That mocks the whole of /proc in namespaces that end with it, so that nothing is left
 * behind, and no process reads a mount that it serves itself.
 */
#define _GNU_SOURCE 1
#include "fidelity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "mock_place.h"
#include "operations.h"
#include "world_live.h"

#define NOBODY	 65534
#define NOTHING	 INT64_MIN /* no result has come */
#define FUSE_DEV makedev(10, 229)

/* By which way of pmkit run, and with which rights, a place is looked at. */
static const struct {
	const char *options[2];
	bool rootless;
	int by;
} place[PMK_AT_COUNT] = {
	[PMK_AT_SECCOMP] = { { "--by=seccomp" }, false, PMK_BY_SECCOMP },
	[PMK_AT_BIND] = { { "--by=bind" }, false, PMK_BY_BIND },
	[PMK_AT_BIND_ROOTLESS] = { { "--by=bind" }, true, PMK_BY_BIND },
	[PMK_AT_ROOT] = { { "--by=fuse" }, false, PMK_BY_FUSE },
	[PMK_AT_ROOT_STRICT] = { { "--by=fuse", "--strict" }, false, PMK_BY_FUSE_STRICT },
	[PMK_AT_ROOTLESS] = { { "--by=fuse" }, true, PMK_BY_FUSE },
	[PMK_AT_ROOTLESS_STRICT] = { { "--by=fuse", "--strict" }, true, PMK_BY_FUSE_STRICT },
};

const char *const pmk_at_name[PMK_AT_COUNT] = {
	[PMK_AT_REAL] = "real",
	[PMK_AT_ROOT] = "root",
	[PMK_AT_ROOT_STRICT] = "root --strict",
	[PMK_AT_ROOTLESS] = "rootless",
	[PMK_AT_ROOTLESS_STRICT] = "rootless --strict",
	[PMK_AT_SECCOMP] = "--by seccomp",
	[PMK_AT_BIND] = "root --by bind",
	[PMK_AT_BIND_ROOTLESS] = "rootless --by bind",
};

/* ---- the process that performs ---- */

static void print_result(void *ctx, size_t operation, int64_t result)
{
	fprintf(ctx, "%zu %" PRId64 "\n", operation, result);
}

int pmk_fidelity_perform(const char *file, FILE *out)
{
	int err = pmk_operations_perform(file, print_result, out);

	if (err)
		fprintf(out, "! %s\n", strerror(-err));
	fflush(out);
	return err;
}

/* /dev/fuse is everybody's where udev rules; elsewhere such a node takes its place, for this process. */
static int open_fuse_to_all(void)
{
	char dir[] = "/tmp/pmkit-fuse-XXXXXX", node[64];
	struct stat st;
	int r;

	if (stat("/dev/fuse", &st))
		return -1;
	if ((st.st_mode & 06) == 06)
		return 0;
	if (!mkdtemp(dir) || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("pmkit", dir, "tmpfs", 0, NULL))
		return -1;
	snprintf(node, sizeof(node), "%s/fuse", dir);
	umask(0);
	r = mknod(node, S_IFCHR | 0666, FUSE_DEV) || mount(node, "/dev/fuse", NULL, MS_BIND, NULL);
	umount2(dir, MNT_DETACH);
	rmdir(dir);
	return r ? -1 : 0;
}

static int become_nobody(void)
{
	if (open_fuse_to_all())
		return -1;
	return setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
			       setresuid(NOBODY, NOBODY, NOBODY)
		       ? -1
		       : 0;
}

/* The rights under which a place is looked at. */
static int take_rights(int at)
{
	if ((at == PMK_AT_REAL || at == PMK_AT_SECCOMP) &&
	    geteuid()) /* what the mock gives: root of a namespace of one's own */
		return pmk_world_mock_prepare(NULL);
	if (place[at].rootless && !geteuid())
		return become_nobody();
	return 0;
}

/* Descriptors that survive exec and changes of user: the program and the script. */
static char *own_program(char buf[32])
{
	snprintf(buf, 32, "/proc/self/fd/%d", open("/proc/self/exe", O_RDONLY));
	return buf;
}

static char *own_script(char buf[32])
{
	int fd = memfd_create("pmkit-operations", 0);
	char text[256];
	size_t n = pmk_operations_script(text, sizeof(text));

	if (fd < 0 || write(fd, text, n) < 0)
		fd = -1;
	snprintf(buf, 32, "/proc/self/fd/%d", fd);
	return buf;
}

static _Noreturn void perform_at(int at, const char *file, int out)
{
	char program[32], script[32];
	char *argv[14], **a = argv;

	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO); /* reasons are taken from there */
	*a++ = own_program(program);
	if (at != PMK_AT_REAL) {
		*a++ = (char *)"run";
		for (int i = 0; i < 2 && place[at].options[i]; i++)
			*a++ = (char *)(uintptr_t)place[at].options[i];
		*a++ = own_script(script);
		*a++ = (char *)"--";
		*a++ = program;
	}
	*a++ = (char *)"fidelity";
	*a++ = (char *)"--perform";
	*a++ = (char *)(uintptr_t)file;
	*a = NULL;
	/* Only now: a plain user cannot see how large the machine is. */
	if (take_rights(at))
		dprintf(STDOUT_FILENO, "! no such rights: %s\n", strerror(errno));
	else
		execv(program, argv);
	_exit(1);
}

/* ---- the one that collects ---- */

static void take_line(struct pmk_fidelity *f, int at, const char *line)
{
	size_t operation;
	int64_t result;

	if (sscanf(line, "%zu %" SCNd64, &operation, &result) == 2 &&
	    operation < pmk_operation_count)
		f->result[at][operation] = result;
	else
		snprintf(f->why[at], sizeof(f->why[at]), "%.*s", (int)strcspn(line, "\n"),
			 line + 2 * (*line == '!'));
}

static bool is_complete(const struct pmk_fidelity *f, int at)
{
	for (size_t i = 0; i < pmk_operation_count; i++)
		if (pmk_operation_is_for(i, f->file) && f->result[at][i] == NOTHING)
			return false;
	return true;
}

static void perform(struct pmk_fidelity *f, int at)
{
	char line[512];
	int fd[2];
	pid_t pid;
	FILE *in;

	f->result[at] = pmk_calloc(pmk_operation_count, sizeof(*f->result[at]));
	for (size_t i = 0; i < pmk_operation_count; i++)
		f->result[at][i] = NOTHING;
	fflush(NULL);
	pid = pipe2(fd, O_CLOEXEC) < 0 ? -1 : fork();
	if (pid == 0)
		perform_at(at, f->file, fd[1]);
	if (pid > 0) {
		close(fd[1]);
		in = fdopen(fd[0], "r");
		while (in && fgets(line, sizeof(line), in))
			take_line(f, at, line);
		if (in)
			fclose(in);
		waitpid(pid, NULL, 0);
	}
	if (is_complete(f, at))
		return;
	if (!*f->why[at])
		snprintf(f->why[at], sizeof(f->why[at]), "not all operations came to an end");
	free(f->result[at]);
	f->result[at] = NULL;
}

const char *pmk_fidelity_reason(const struct pmk_fidelity *f, size_t i, bool *ret_differs)
{
	const char *reason = NULL;
	bool explained = true;

	*ret_differs = false;
	for (int at = PMK_AT_REAL + 1; at < PMK_AT_COUNT; at++) {
		if (!f->result[at] || f->result[at][i] == f->result[PMK_AT_REAL][i])
			continue;
		*ret_differs = true;
		reason = pmk_operation_difference(i, f->file, place[at].by);
		explained &= reason != NULL;
	}
	return explained ? reason : NULL;
}

static void compare(struct pmk_fidelity *f)
{
	for (size_t i = 0; i < pmk_operation_count; i++) {
		bool differs;

		if (!pmk_operation_is_for(i, f->file))
			continue;
		f->total++;
		for (int at = PMK_AT_REAL; at < PMK_AT_COUNT; at++)
			f->same[at] +=
				f->result[at] && f->result[at][i] == f->result[PMK_AT_REAL][i];
		if (!pmk_fidelity_reason(f, i, &differs) && differs)
			f->unexplained++;
	}
}

void pmk_fidelity_init(struct pmk_fidelity *f, const char *file)
{
	*f = (struct pmk_fidelity){ .file = file };
	for (int at = PMK_AT_REAL; at < PMK_AT_COUNT; at++) {
		if (geteuid() && at > PMK_AT_SECCOMP && !place[at].rootless)
			snprintf(f->why[at], sizeof(f->why[at]), "pmkit does not run as root");
		else if (at == PMK_AT_REAL || f->result[PMK_AT_REAL])
			perform(f, at);
	}
	if (f->result[PMK_AT_REAL])
		compare(f);
}

void pmk_fidelity_deinit(struct pmk_fidelity *f)
{
	for (int at = PMK_AT_REAL; at < PMK_AT_COUNT; at++)
		free(f->result[at]);
}
