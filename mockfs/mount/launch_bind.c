/*
 * launch_bind.c - pmkit run by bind mounts.
 *
 *   pmkit run      waits, hands signals on, exits as the command did
 *     └─ server    mounts the mock over /proc, binds its files over those of the command, takes the mock away again
 *          └─ command
 *
 * No PID namespace and no new proc, which containers may forbid: /proc stays the one that is there.  A mount over a file
 * of /proc/PID is there for that PID only, so children, and threads but the first, see their real files.  It stays over
 * exec, and goes when the process does; the others go with the mount namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "launch.h"
#include "namespace.h"

/* One file of the mock, at `path` in /proc, over the real one; of those that either lacks there is nothing to show. */
static int bind_file(int proc_fd, const char *path, struct pmk_error *err)
{
	char source[64];
	struct stat st;

	snprintf(source, sizeof(source), "/proc/%s", path);
	if (lstat(source, &st) < 0 || !S_ISREG(st.st_mode) || faccessat(proc_fd, path, F_OK, 0) < 0)
		return 0;
	if (mount(source, path, NULL, MS_BIND, NULL) == 0)
		return 0;
	return pmk_error_set(err, source, 0, 0, "cannot bind the mock's file: %s", strerror(errno));
}

/* All files of a process, and those of nobody's, while the mock covers /proc; the working directory is the real one. */
static int bind_files(int proc_fd, pid_t pid, struct pmk_error *err)
{
	char path[64];
	int rc = 0;

	for (int file = 0; file < PMK_FILE_COUNT && rc == 0; file++) {
		const char *name = pmk_proc_file[file].name;

		if (!pmk_proc_file[file].per_pid) {
			rc = bind_file(proc_fd, name, err);
			continue;
		}
		snprintf(path, sizeof(path), "%d/%s", pid, name);
		rc = bind_file(proc_fd, path, err);
		snprintf(path, sizeof(path), "%d/task/%d/%s", pid, pid, name);
		rc = rc ? rc : bind_file(proc_fd, path, err);
	}
	return rc;
}

/* The command, which waits until it is told to go. */
static pid_t fork_waiting(const struct pmk_launch *l, const sigset_t *mask, int *ret_go)
{
	char byte;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		close(fd[1]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(fd[0], &byte, 1) != 1)
			_exit(PMK_EXIT_FAILED);
		pmk_launch_exec(l, mask);
	}
	close(fd[0]);
	*ret_go = fd[1];
	return pid;
}

/*
 * Mounts /proc over itself, so that the server has one that shows nothing of the mock: asking itself it would wait for
 * ever.  *ret_lower is that one, *ret_upper the one that everybody else sees.
 */
static int double_proc(int *ret_lower, int *ret_upper, struct pmk_error *err)
{
	*ret_lower = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_lower < 0 || mount("/proc", "/proc", NULL, MS_BIND | MS_REC, NULL) < 0)
		return pmk_error_set(err, "/proc", 0, 0, "cannot bind: %s", strerror(errno));
	*ret_upper = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_upper < 0 ? pmk_error_set(err, "/proc", 0, 0, "%s", strerror(errno)) : 0;
}

/* Covers /proc with the mock for as long as its files are bound from there. */
static int show(const struct pmk_launch *l, struct pmk_play *play, pid_t pid, struct pmk_error *err)
{
	struct pmk_mount_options options = l->mount;
	struct pmk_mount *mount;
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), upper = -1, rc;

	options.dir = options.real_proc = "/proc";
	if (double_proc(&options.proc_fd, &upper, err) < 0)
		return -1;
	rc = pmk_mount_start(&play->machine, &play->lock, &options, &mount, err);
	if (rc < 0)
		return rc;
	rc = fchdir(upper) < 0 ? -1 : bind_files(upper, pid, err);
	if ((umount2("/proc", MNT_DETACH) < 0 || fchdir(here) < 0) && rc == 0)
		rc = pmk_error_set(err, "/proc", 0, 0, "cannot take the mock away: %s",
				   strerror(errno));
	close(here);
	close(upper);
	return rc;
}

static int serve(struct pmk_launch *l, struct pmk_play *play, int tell_fd, const sigset_t *mask)
{
	struct pmk_news news = { .cannot = true };
	int go = -1;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = fork_waiting(l, mask, &go);
	if (pid < 0)
		return PMK_EXIT_FAILED;
	if (show(l, play, pid, &news.err) < 0) {
		pmk_namespace_explain(&news.err);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return pmk_news_tell(tell_fd, &news) ? PMK_EXIT_CANNOT : PMK_EXIT_FAILED;
	}
	pmk_launch_ready(l, "bind");
	if (write(go, "", 1) != 1)
		kill(pid, SIGKILL);
	close(go);
	news = pmk_attend(pid, -1, tell_fd);
	pmk_attend_kill_rest();
	pmk_news_tell(tell_fd, &news);
	return 0;
}

struct pmk_news pmk_launch_by_bind(struct pmk_launch *l, struct pmk_play *play,
				   const sigset_t *mask)
{
	return pmk_launch_in_namespaces(l, play, mask, false, serve);
}
