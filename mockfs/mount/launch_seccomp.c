/*
 * launch_seccomp.c - pmkit run by seccomp.
 *
 *   pmkit run     waits, hands signals on; answers in a thread; takes whoever loses its parent
 *     └─ command  and its children
 *
 * Without a PID namespace nothing but pmkit ends what the command leaves behind: where pmkit is killed, the
 * command dies with it, and what it has started gets ENOSYS.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "launch.h"
#include "notify.h"

/* The descriptor goes by a socket, whose calls the filter lets pass. */
static void send_listener(int socket, int listener)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct iovec data = { &listener, sizeof(listener) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (listener >= 0) {
		memcpy(CMSG_DATA(&control.header), &listener, sizeof(listener));
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
	}
	sendmsg(socket, &message, MSG_NOSIGNAL);
}

/* The listener, or what installing it has returned. */
static int receive_listener(int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	int fd = -EPIPE;
	struct iovec data = { &fd, sizeof(fd) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == sizeof(fd) && fd >= 0)
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

struct pmk_news pmk_launch_by_seccomp(struct pmk_launch *l, struct pmk_play *play,
				      const sigset_t *mask)
{
	struct pmk_news news;
	struct pmk_notify *notify;
	pid_t self = getpid();
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		return pmk_launch_cannot("cannot make a socket");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int listener = getppid() == self ? pmk_notify_install() : -ESRCH;
		send_listener(fd[1], listener);
		if (listener < 0)
			_exit(PMK_EXIT_CANNOT);
		pmk_launch_exec(l, mask);
	}
	close(fd[1]);
	int listener = pid < 0 ? -errno : receive_listener(fd[0]);
	close(fd[0]);
	int rc = listener < 0 ? listener
			      : pmk_notify_start(listener, &play->machine, &play->lock, &l->mount,
						 &notify);
	if (rc < 0) {
		if (pid > 0)
			kill(pid, SIGKILL), waitpid(pid, NULL, 0);
		errno = -rc;
		return pmk_launch_cannot(
			rc == -EBUSY ? "seccomp: somebody else listens to our system calls"
				     : "seccomp: no user notification");
	}
	pmk_launch_ready(l, "seccomp");
	news = pmk_attend(pid, -1, -1);
	pmk_attend_kill_rest();
	pmk_notify_stop(notify);
	return news;
}
