/*
 * launch_fuse.c - pmkit run by FUSE.
 *
 *   pmkit run          waits, hands signals on, exits as the command did
 *     └─ init (PID 1)  mounts, serves /proc, reaps; dies with pmkit and takes everything with it
 *          └─ command  and its children: the namespaces' processes
 *
 * init is the server because nothing in its PID namespace can kill it, not even with SIGKILL, and
 * because the thread IDs it is told are those that it and its callers know.  When init dies, so do all
 * processes of the namespace, and with the last one the mounts: nothing can be left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "commands.h"
#include "launch.h"
#include "namespace.h"
#include "overlay.h"

/*
 * The command gets the PID of the script's first process, which it plays, and what it starts gets PIDs
 * above all scripted ones.  Where that cannot be had (Linux before 5.5, a PID above the limit), any will do.
 */
static pid_t fork_as(const struct pmk_play *play, int proc_fd)
{
	pid_t want = pmk_play_first_pid(play);
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .set_tid = (uintptr_t)&want,
				   .set_tid_size = 1 };
	char text[16];
	pid_t pid = -1;
	int fd = openat(proc_fd, "sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		int n = snprintf(text, sizeof(text), "%d", pmk_play_last_pid(play));

		if (write(fd, text, (size_t)n) < 0)
			want = 0;
		close(fd);
	}
	if (want > 1 && fd >= 0)
		pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	return pid < 0 ? fork() : pid;
}

/* init: mounts, runs the command, tells its status; with its end everything in the namespace dies. */
static int init(struct pmk_launch *l, struct pmk_play *play, int tell_fd, const sigset_t *mask)
{
	struct pmk_news news = { .cannot = true };
	struct pmk_mount *mount;
	int proc_fd;

	prctl(PR_SET_NAME, "pmkit-init");
	int rc = pmk_overlay_start(&play->machine, &play->lock, &l->mount, &mount, &proc_fd,
				   &news.err);
	if (rc == PMK_MOUNT_CANNOT)
		return pmk_news_tell(tell_fd, &news) ? PMK_EXIT_CANNOT : PMK_EXIT_FAILED;
	if (rc < 0)
		return pmk_play_complain("run", &news.err, PMK_EXIT_FAILED);
	pmk_launch_ready(l, "fuse");
	pid_t pid = fork_as(play, proc_fd);
	if (pid == 0)
		pmk_launch_exec(l, mask);
	if (pid < 0)
		return PMK_EXIT_FAILED;
	news = pmk_attend(pid, -1, tell_fd);
	pmk_news_tell(tell_fd, &news);
	return 0;
}

struct pmk_news pmk_launch_by_fuse(struct pmk_launch *l, struct pmk_play *play,
				   const sigset_t *mask)
{
	return pmk_launch_in_namespaces(l, play, mask, true, init);
}
