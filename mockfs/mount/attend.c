/* attend.c - while a command runs: see attend.h. */
#include "attend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* What somebody may send to pmkit and mean for the command. */
static const int forwarded[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
				 SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT };
#define NFORWARDED (sizeof(forwarded) / sizeof(forwarded[0]))

static sigset_t attended(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < NFORWARDED; i++)
		sigaddset(&set, forwarded[i]);
	return set;
}

void pmk_attend_begin(sigset_t *ret_before)
{
	sigset_t set = attended();

	sigprocmask(SIG_BLOCK, &set, ret_before);
}

bool pmk_news_tell(int fd, const struct pmk_news *news)
{
	ssize_t n;

	do
		n = write(fd, news, sizeof(*news));
	while (n < 0 && errno == EINTR);
	return n == sizeof(*news);
}

/* Signals from the terminal (SI_KERNEL) go to the whole foreground group, so the command has them already. */
static void hand_on(int signal_fd, pid_t child)
{
	struct signalfd_siginfo info;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL)
			kill(child, (int)info.ssi_signo);
}

static void stopped(const struct pmk_news *news, int tell_fd)
{
	if (tell_fd < 0)
		raise(SIGSTOP); /* SIGCONT comes here, too, and is handed on */
	else
		pmk_news_tell(tell_fd, news);
}

/* The next of the child's news; false: there are no more. */
static bool take(int news_fd, int tell_fd, struct pmk_news *ret)
{
	struct pmk_news news;

	if (read(news_fd, &news, sizeof(news)) != sizeof(news))
		return false;
	*ret = news;
	if (!news.cannot && WIFSTOPPED(news.status))
		stopped(&news, tell_fd);
	return true;
}

/* Reaps; true: the child has ended. */
static bool reap(pid_t child, int tell_fd, struct pmk_news *own)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;) {
		if (pid != child)
			continue;
		own->status = status;
		if (!WIFSTOPPED(status))
			return true;
		stopped(own, tell_fd);
	}
	return false;
}

struct pmk_news pmk_attend(pid_t child, int news_fd, int tell_fd)
{
	struct pmk_news own = { 0 }, last = { 0 };
	sigset_t set = attended();
	struct pollfd p[] = { { .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
				.events = POLLIN },
			      { .fd = news_fd, .events = POLLIN } };
	bool told = false;

	while (!reap(child, tell_fd, &own)) {
		if (poll(p, 2, -1) < 0)
			continue;
		hand_on(p[0].fd, child);
		if (p[1].revents && !take(p[1].fd, tell_fd, &last))
			p[1].fd = -1;
		else if (p[1].revents)
			told = true;
	}
	close(p[0].fd);
	while (p[1].fd >= 0 && take(p[1].fd, tell_fd, &last))
		told = true;
	return told && (last.cannot || !WIFSTOPPED(last.status)) ? last : own;
}

void pmk_attend_kill_rest(void)
{
	char text[4096], *at, *end;

	for (;;) {
		int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

		if (fd >= 0)
			close(fd);
		text[n > 0 ? n : 0] = '\0';
		at = text;
		for (long pid; (pid = strtol(at, &end, 10)) > 0; at = end)
			kill((pid_t)pid, SIGKILL);
		if (n <= 0 || waitpid(-1, NULL, 0) < 0)
			return;
	}
}

int pmk_attend_end(int status)
{
	struct rlimit no_core = { 0, 0 };
	sigset_t all;
	int sig;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &no_core); /* the command has dumped its own */
	signal(sig, SIG_DFL);
	kill(getpid(), sig);
	sigfillset(&all);
	sigdelset(&all, sig);
	sigprocmask(SIG_SETMASK, &all, NULL);
	return 128 + sig;
}
