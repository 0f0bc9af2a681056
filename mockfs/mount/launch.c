/*
 * launch.c - pmkit run: a command whose /proc is the mock.
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
#include <getopt.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "namespace.h"
#include "overlay.h"
#include "play.h"

static const char usage[] =
	"usage: pmkit run [-v] [--as KERNEL] [--strict] [--privilege real|always|never|userns]\n"
	"                 [--maps script|real] [--keep-uid] SCRIPT -- COMMAND [ARGUMENT...]\n";

struct arguments {
	bool verbose, keep_uid;
	const char *as, *script;
	char **command;
	struct pmk_mount_options mount;
	struct timespec began;
};

enum { OPT_AS = 256, OPT_STRICT, OPT_PRIVILEGE, OPT_MAPS, OPT_KEEP_UID };
static const struct option options[] = {
	{ "verbose", no_argument, NULL, 'v' },
	{ "as", required_argument, NULL, OPT_AS },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "privilege", required_argument, NULL, OPT_PRIVILEGE },
	{ "maps", required_argument, NULL, OPT_MAPS },
	{ "keep-uid", no_argument, NULL, OPT_KEEP_UID },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int wrong_usage(void)
{
	fputs(usage, stderr);
	return PMK_EXIT_USAGE;
}

static bool take_option(struct arguments *a, int opt)
{
	int n;

	switch (opt) {
	case 'v':
		return a->verbose = true;
	case OPT_AS:
		a->as = optarg;
		return true;
	case OPT_STRICT:
		return a->mount.strict = true;
	case OPT_KEEP_UID:
		return a->keep_uid = true;
	case OPT_MAPS:
		a->mount.real_maps = !strcmp(optarg, "real");
		return a->mount.real_maps || !strcmp(optarg, "script");
	case OPT_PRIVILEGE:
		n = pmk_privilege_find(optarg);
		if (n < 0)
			fprintf(stderr, "pmkit run: unknown privilege '%s'\n", optarg);
		a->mount.privilege = (enum pmk_privilege)n;
		return n >= 0;
	default:
		return false;
	}
}

/* ---- signals ---------------------------------------------------------------------------------- */

/* What somebody may send to pmkit and mean for the command. */
static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };
#define NFORWARDED (sizeof(forwarded) / sizeof(forwarded[0]))

static void block_signals(sigset_t *ret_before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < NFORWARDED; i++)
		sigaddset(&set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, ret_before);
}

/*
 * Waits for `child`, handing signals on; reaps whatever else ends.  Signals from the terminal
 * (SI_KERNEL) go to the whole foreground group, so the command has them already.
 */
static int wait_for(pid_t child)
{
	siginfo_t info;
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < NFORWARDED; i++)
		sigaddset(&set, forwarded[i]);
	for (;;) {
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid == child)
			return status;
		if (pid > 0)
			continue;
		int sig = sigwaitinfo(&set, &info);
		if (sig > 0 && sig != SIGCHLD && info.si_code != SI_KERNEL)
			kill(child, sig);
	}
}

/* Ends as the command did: with its code, or by its signal. */
static int end_as(int status)
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

/* ---- the command -------------------------------------------------------------------------------- */

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

static void exec_command(const struct arguments *a, const sigset_t *mask)
{
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(a->command[0], a->command);
	int error = errno;
	fprintf(stderr, "pmkit run: %s: %s\n", a->command[0], strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

/* ---- init ----------------------------------------------------------------------------------------- */

static void report_ready(const struct arguments *a)
{
	struct timespec now;

	if (!a->verbose)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(stderr, "pmkit run: /proc mocked after %.1f ms\n",
		(double)(now.tv_sec - a->began.tv_sec) * 1e3 +
			(double)(now.tv_nsec - a->began.tv_nsec) / 1e6);
}

/* Dies with pmkit; false: that is dead already. */
static bool tie_to_parent(int status_fd)
{
	struct pollfd reader = { .fd = status_fd };

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* cleared by changes of credentials: so only now */
	return poll(&reader, 1, 0) == 0;
}

/* As proc has it: processes own their files, root the rest.  "always" gives all to the user. */
static enum pmk_owner owner_policy(const struct arguments *a, bool user_namespace)
{
	if (!user_namespace)
		return PMK_OWNER_SCRIPT;
	return a->mount.privilege == PMK_PRIVILEGE_ALWAYS ? PMK_OWNER_MOUNTER : PMK_OWNER_PROCESSES;
}

/* init: mounts, runs the command, reports its status; with its end everything in the namespace dies. */
static int init(struct arguments *a, struct pmk_play *play, int status_fd, const sigset_t *mask)
{
	struct pmk_mount *mount;
	struct pmk_error err;
	int proc_fd;

	if (!tie_to_parent(status_fd))
		return PMK_EXIT_FAILED;
	prctl(PR_SET_NAME, "pmkit-init");
	int rc = pmk_overlay_start(&play->machine, &play->lock, &a->mount, &mount, &proc_fd, &err);
	if (rc < 0)
		return pmk_play_complain(
			"run", &err, rc == PMK_MOUNT_CANNOT ? PMK_EXIT_CANNOT : PMK_EXIT_FAILED);
	report_ready(a);
	pid_t pid = fork_as(play, proc_fd);
	if (pid == 0)
		exec_command(a, mask);
	if (pid < 0)
		return PMK_EXIT_FAILED;
	int status = wait_for(pid);
	while (write(status_fd, &status, sizeof(status)) < 0 && errno == EINTR)
		;
	return 0;
}

/* ---- pmkit -------------------------------------------------------------------------------------- */

static int run(struct arguments *a, struct pmk_play *play)
{
	struct pmk_error err;
	sigset_t mask;
	bool user;
	int fd[2], status;

	a->mount.first_pid = pmk_play_first_pid(play);
	if (pipe2(fd, O_CLOEXEC) < 0)
		return PMK_EXIT_FAILED;
	block_signals(&mask);
	fflush(NULL);
	pid_t self = getpid();
	pid_t pid = pmk_namespace_fork(a->keep_uid, &user, &err);
	if (pid == 0) {
		close(fd[0]);
		a->mount.owner = owner_policy(a, user);
		_exit(init(a, play, fd[1], &mask));
	}
	if (pid < 0)
		pmk_play_complain("run", &err, PMK_EXIT_CANNOT);
	if (pid < 0 && getpid() != self)
		_exit(PMK_EXIT_CANNOT);
	close(fd[1]);
	int init_status = pid < 0 ? PMK_EXIT_CANNOT << 8 : wait_for(pid);
	ssize_t n = read(fd[0], &status, sizeof(status));
	close(fd[0]);
	return end_as(n == sizeof(status) ? status : init_status);
}

int pmk_cmd_run(int argc, char **argv)
{
	struct arguments a = { .mount = { .self = PMK_SELF_CALLER,
					  .privilege = PMK_PRIVILEGE_USERNS,
					  .allow_other = true } };
	struct pmk_error err;
	struct pmk_play play;
	int opt, rc;

	clock_gettime(CLOCK_MONOTONIC, &a.began);
	optind = 1;
	while ((opt = getopt_long(argc, argv, "+vh", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (!take_option(&a, opt))
			return wrong_usage();
	}
	if (optind >= argc)
		return wrong_usage();
	a.script = argv[optind++];
	if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	if (optind >= argc)
		return wrong_usage();
	a.command = argv + optind;
	rc = pmk_play_init(&play, a.script, a.as, &err);
	if (rc < 0)
		rc = pmk_play_complain("run", &err, PMK_EXIT_FAILED);
	else
		rc = run(&a, &play);
	pmk_play_deinit(&play);
	return rc;
}
