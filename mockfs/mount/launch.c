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
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "attend.h"
#include "commands.h"
#include "namespace.h"
#include "overlay.h"
#include "play.h"
#include "scenario.h"

static const char usage[] =
	"usage: pmkit run [-v] [--as KERNEL] [--strict] [--privilege real|always|never|userns]\n"
	"                 [--maps script|real] [--keep-uid] SCRIPT -- COMMAND [ARGUMENT...]\n"
	"       pmkit run --list   (SCRIPT is a file or one of these scenarios)\n";

struct arguments {
	bool verbose, keep_uid;
	const char *as, *script;
	char **command;
	struct pmk_mount_options mount;
	struct timespec began;
};

enum { OPT_AS = 256, OPT_STRICT, OPT_PRIVILEGE, OPT_MAPS, OPT_KEEP_UID, OPT_LIST };
static const struct option options[] = {
	{ "verbose", no_argument, NULL, 'v' },
	{ "as", required_argument, NULL, OPT_AS },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "privilege", required_argument, NULL, OPT_PRIVILEGE },
	{ "maps", required_argument, NULL, OPT_MAPS },
	{ "keep-uid", no_argument, NULL, OPT_KEEP_UID },
	{ "list", no_argument, NULL, OPT_LIST },
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

/* init: mounts, runs the command, tells its status; with its end everything in the namespace dies. */
static int init(struct arguments *a, struct pmk_play *play, int tell_fd, const sigset_t *mask)
{
	struct pmk_news news = { .cannot = true };
	struct pmk_mount *mount;
	int proc_fd;

	if (!tie_to_parent(tell_fd))
		return PMK_EXIT_FAILED;
	prctl(PR_SET_NAME, "pmkit-init");
	int rc = pmk_overlay_start(&play->machine, &play->lock, &a->mount, &mount, &proc_fd,
				   &news.err);
	if (rc == PMK_MOUNT_CANNOT)
		return pmk_news_tell(tell_fd, &news) ? PMK_EXIT_CANNOT : PMK_EXIT_FAILED;
	if (rc < 0)
		return pmk_play_complain("run", &news.err, PMK_EXIT_FAILED);
	report_ready(a);
	pid_t pid = fork_as(play, proc_fd);
	if (pid == 0)
		exec_command(a, mask);
	if (pid < 0)
		return PMK_EXIT_FAILED;
	news = pmk_attend(pid, -1, tell_fd);
	pmk_news_tell(tell_fd, &news);
	return 0;
}

/* ---- pmkit -------------------------------------------------------------------------------------- */

static int run(struct arguments *a, struct pmk_play *play)
{
	struct pmk_news news = { .cannot = true };
	sigset_t mask;
	bool user;
	int fd[2];

	a->mount.first_pid = pmk_play_first_pid(play);
	if (pipe2(fd, O_CLOEXEC) < 0)
		return PMK_EXIT_FAILED;
	pmk_attend_begin(&mask);
	fflush(NULL);
	pid_t self = getpid();
	pid_t pid = pmk_namespace_fork(a->keep_uid, &user, &news.err);
	if (pid == 0) {
		close(fd[0]);
		a->mount.owner = owner_policy(a, user);
		_exit(init(a, play, fd[1], &mask));
	}
	if (pid < 0 && getpid() != self)
		_exit(pmk_news_tell(fd[1], &news) ? PMK_EXIT_CANNOT : PMK_EXIT_FAILED);
	close(fd[1]);
	if (pid > 0)
		news = pmk_attend(pid, fd[0], -1);
	close(fd[0]);
	if (news.cannot)
		return pmk_play_complain("run", &news.err, PMK_EXIT_CANNOT);
	return pmk_attend_end(news.status);
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
		if (opt == OPT_LIST) {
			pmk_scenarios_print(stdout);
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
