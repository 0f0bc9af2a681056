/*
 * mount.c - pmkit mount: the mock at a directory until somebody unmounts it.
 *
 *   pmkit mount ── starter: plays the script, forks, waits for the word, exits
 *                    └─ server: mounts, serves, unmounts when it is asked to end
 *                         └─ watcher: unmounts when the server cannot, having been killed
 *
 * With -f the starter is the server.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "mountpoint.h"
#include "play.h"

static const char usage[] =
	"usage: pmkit mount [-f] [--as KERNEL] [--strict] [--privilege real|always|never|userns]\n"
	"                   [--self first|caller] [--allow-other] SCRIPT DIR\n";

struct arguments {
	bool foreground;
	const char *as, *script;
	char dir[PATH_MAX]; /* absolute, without links */
	struct pmk_mount_options mount;
};

enum { OPT_AS = 256, OPT_STRICT, OPT_PRIVILEGE, OPT_SELF, OPT_OTHER, OPT_NULL };
static const struct option options[] = {
	{ "foreground", no_argument, NULL, 'f' },
	{ "as", required_argument, NULL, OPT_AS },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "privilege", required_argument, NULL, OPT_PRIVILEGE },
	{ "self", required_argument, NULL, OPT_SELF },
	{ "allow-other", no_argument, NULL, OPT_OTHER },
	{ "null", no_argument, NULL, OPT_NULL },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int wrong_usage(void)
{
	fputs(usage, stderr);
	return PMK_EXIT_USAGE;
}

/* Takes one option; false: it is wrong. */
static bool take_option(struct arguments *a, int opt)
{
	int n;

	switch (opt) {
	case 'f':
		a->foreground = true;
		return true;
	case OPT_AS:
		a->as = optarg;
		return true;
	case OPT_STRICT:
		return a->mount.strict = true;
	case OPT_OTHER:
		return a->mount.allow_other = true;
	case OPT_NULL:
		return a->mount.null_file = true;
	case OPT_SELF:
		a->mount.self = !strcmp(optarg, "caller") ? PMK_SELF_CALLER : PMK_SELF_FIRST;
		return !strcmp(optarg, "caller") || !strcmp(optarg, "first");
	case OPT_PRIVILEGE:
		n = pmk_privilege_find(optarg);
		if (n < 0)
			fprintf(stderr, "pmkit mount: unknown privilege '%s'\n", optarg);
		a->mount.privilege = (enum pmk_privilege)n;
		return n >= 0;
	default:
		return false;
	}
}

/* ---- the mount point -------------------------------------------------------------------------- */

static bool is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	bool empty = true;

	for (struct dirent *e; d && (e = readdir(d));)
		empty = empty && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."));
	if (d)
		closedir(d);
	return empty;
}

/* realpath() of a directory whose last part may be a dead mount, of which nothing can be asked. */
static int absolute(const char *dir, char ret[PATH_MAX])
{
	char copy[PATH_MAX], parent[PATH_MAX];

	if (realpath(dir, ret))
		return 0;
	if (errno != ENOTCONN || strlen(dir) >= sizeof(copy))
		return -1;
	strcpy(copy, dir);
	size_t len = strlen(copy);
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	char *slash = strrchr(copy, '/');
	const char *name = slash ? slash + 1 : copy;
	if (slash)
		*slash = '\0';
	if (!realpath(!slash ? "." : *copy ? copy : "/", parent))
		return -1;
	int n = snprintf(ret, PATH_MAX, "%s/%s", strcmp(parent, "/") ? parent : "", name);
	errno = ENAMETOOLONG;
	return n < PATH_MAX ? 0 : -1;
}

/* Whether the mock can be mounted at dir, once what a killed server has left there is taken away. */
static int check_dir(const char *name, char dir[PATH_MAX], struct pmk_error *err)
{
	struct stat st;
	int error;

	if (absolute(name, dir) < 0)
		return pmk_error_set(err, name, 0, 0, "%s", strerror(errno));
	switch (pmk_mountpoint_state(dir)) {
	case PMK_MOUNTPOINT_OURS:
		return pmk_error_set(err, name, 0, 0, "in use: a mock is mounted there");
	case PMK_MOUNTPOINT_DEAD:
		error = pmk_mountpoint_detach(dir);
		if (error)
			return pmk_error_set(err, name, 0, 0, "a dead mock is mounted there: %s",
					     strerror(error));
		break;
	default:
		break;
	}
	if (stat(dir, &st) < 0)
		return pmk_error_set(err, name, 0, 0, "%s", strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return pmk_error_set(err, name, 0, 0, "not a directory");
	if (!is_empty(dir))
		return pmk_error_set(err, name, 0, 0, "not empty");
	return 0;
}

/* ---- the watcher ------------------------------------------------------------------------------ */

/*
 * A server that is killed with SIGKILL leaves its mount behind, where every access gives ENOTCONN.  So a
 * small process in a session of its own, where no signal to the server's group finds it, waits
 * for the end of a pipe that only the server holds, and takes the mount away.  A server that ends
 * well says so first.
 */
static void watch(int pipe_end, const char *dir, dev_t dev)
{
	char word;
	ssize_t n;

	setsid();
	prctl(PR_SET_NAME, "pmkit-watch");
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* for waiting on fusermount3 */
	do {
		n = read(pipe_end, &word, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 0 && pmk_mountpoint_has(dir, dev))
		pmk_mountpoint_detach(dir);
	_exit(0);
}

struct watcher {
	pid_t pid;
	int fd;
};

/* Closes everything but one descriptor: whoever waits for an end of file must not wait for the watcher. */
static void close_all_but(int keep)
{
	if (keep > 3)
		close_range(3, (unsigned)keep - 1, 0);
	close_range((unsigned)keep + 1, ~0u, 0);
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

static int watcher_start(struct watcher *w, const char *dir)
{
	struct stat st;
	int fd[2];

	if (stat(dir, &st) < 0 || pipe2(fd, O_CLOEXEC) < 0)
		return -1;
	w->fd = fd[1];
	w->pid = fork();
	if (w->pid == 0) {
		if (chdir("/") < 0)
			_exit(1);
		/* Among others its copy of /dev/fuse: with that open, the server's death would not end
		 * the connection, and callers would hang. */
		close_all_but(fd[0]);
		watch(fd[0], dir, st.st_dev);
	}
	close(fd[0]);
	return w->pid < 0 ? -1 : 0;
}

static void watcher_stop(struct watcher *w)
{
	while (write(w->fd, "", 1) < 0 && errno == EINTR)
		;
	close(w->fd);
	while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* ---- the server ------------------------------------------------------------------------------- */

/* Tells the starter that all is well; it then lets go of the terminal. */
static void say_ready(int starter)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	while (write(starter, "", 1) < 0 && errno == EINTR)
		;
	close(starter);
}

/* Waits for a signal to end, or for the mount's end by umount. */
static void wait_for_end(const struct pmk_mount *mount, const sigset_t *set)
{
	struct pollfd fds[] = { { .fd = pmk_mount_end_fd(mount), .events = POLLIN },
				{ .fd = signalfd(-1, set, SFD_CLOEXEC), .events = POLLIN } };

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	close(fds[1].fd);
}

/* Mounts, says so to the starter (-1: there is none), serves. */
static int serve(struct arguments *a, struct pmk_play *play, int starter)
{
	struct pmk_error err;
	struct pmk_mount *mount;
	struct watcher watcher;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int rc = pmk_mount_start(&play->machine, &play->lock, &a->mount, &mount, &err);
	if (rc < 0)
		return pmk_play_complain(
			"mount", &err, rc == PMK_MOUNT_CANNOT ? PMK_EXIT_CANNOT : PMK_EXIT_FAILED);
	if (watcher_start(&watcher, a->dir) < 0) {
		pmk_error_set(&err, NULL, 0, 0, "cannot start the watcher: %s", strerror(errno));
		pmk_mount_stop(mount);
		return pmk_play_complain("mount", &err, PMK_EXIT_FAILED);
	}
	if (starter >= 0)
		say_ready(starter);
	wait_for_end(mount, &set);
	pmk_mount_stop(mount);
	watcher_stop(&watcher);
	return 0;
}

/* Runs the server in the background; returns once it is ready, or has failed. */
static int daemonise(struct arguments *a, struct pmk_play *play)
{
	int fd[2], status;
	char word;
	ssize_t n;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return PMK_EXIT_FAILED;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		close(fd[0]);
		setsid();
		if (chdir("/") < 0)
			_exit(PMK_EXIT_FAILED);
		_exit(serve(a, play, fd[1]));
	}
	close(fd[1]);
	do {
		n = read(fd[0], &word, 1);
	} while (n < 0 && errno == EINTR);
	close(fd[0]);
	if (n == 1)
		return 0;
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return PMK_EXIT_FAILED;
	return WEXITSTATUS(status);
}

int pmk_cmd_mount(int argc, char **argv)
{
	struct arguments a = { .mount = { .self = PMK_SELF_FIRST } };
	struct pmk_error err;
	struct pmk_play play;
	int opt, rc;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "fh", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (!take_option(&a, opt))
			return wrong_usage();
	}
	if (argc - optind != 2)
		return wrong_usage();
	a.script = argv[optind];
	if (check_dir(argv[optind + 1], a.dir, &err) < 0)
		return pmk_play_complain("mount", &err, PMK_EXIT_FAILED);
	a.mount.dir = a.dir;
	/* Root shows the script's users to everybody, as proc does; others can show only themselves. */
	a.mount.allow_other |= geteuid() == 0;
	a.mount.owner = geteuid() == 0 ? PMK_OWNER_SCRIPT : PMK_OWNER_MOUNTER;
	rc = pmk_play_init(&play, a.script, a.as, &err);
	if (rc < 0) {
		rc = pmk_play_complain("mount", &err, PMK_EXIT_FAILED);
	} else {
		a.mount.first_pid = pmk_play_first_pid(&play);
		rc = a.foreground ? serve(&a, &play, -1) : daemonise(&a, &play);
	}
	pmk_play_deinit(&play);
	return rc;
}
