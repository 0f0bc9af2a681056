/*
 * launch.c - pmkit run: a command whose /proc is the mock.  See launch.h for its parts.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "commands.h"
#include "launch.h"
#include "namespace.h"
#include "scenario.h"

static const char usage[] =
	"usage: pmkit run [-v] [--as KERNEL] [--strict] [--privilege real|always|never|userns]\n"
	"                 [--maps script|real] [--keep-uid] [--by fuse|seccomp|bind] SCRIPT -- "
	"COMMAND "
	"[ARGUMENT...]\n"
	"       pmkit run --list   (SCRIPT is a file or one of these scenarios)\n";

/* How the command gets to see the script, in the order in which they are tried. */
struct pmk_launch_way {
	const char *name;
	pmk_launch_run *run;
};
static const struct pmk_launch_way ways[] = {
	{ "fuse", pmk_launch_by_fuse },
	{ "seccomp", pmk_launch_by_seccomp },
	{ "bind", pmk_launch_by_bind },
};
#define NWAYS (sizeof(ways) / sizeof(ways[0]))

enum { OPT_AS = 256, OPT_STRICT, OPT_PRIVILEGE, OPT_MAPS, OPT_KEEP_UID, OPT_BY, OPT_LIST };
static const struct option options[] = {
	{ "verbose", no_argument, NULL, 'v' },
	{ "as", required_argument, NULL, OPT_AS },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "privilege", required_argument, NULL, OPT_PRIVILEGE },
	{ "maps", required_argument, NULL, OPT_MAPS },
	{ "keep-uid", no_argument, NULL, OPT_KEEP_UID },
	{ "by", required_argument, NULL, OPT_BY },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int wrong_usage(void)
{
	fputs(usage, stderr);
	return PMK_EXIT_USAGE;
}

static const struct pmk_launch_way *find_way(const char *name)
{
	for (size_t i = 0; i < NWAYS; i++)
		if (!strcmp(ways[i].name, name))
			return &ways[i];
	fprintf(stderr, "pmkit run: unknown way '%s'\n", name);
	return NULL;
}

static bool take_option(struct pmk_launch *l, int opt)
{
	int n;

	switch (opt) {
	case 'v':
		return l->verbose = true;
	case OPT_AS:
		l->as = optarg;
		return true;
	case OPT_STRICT:
		return l->mount.strict = true;
	case OPT_KEEP_UID:
		return l->keep_uid = true;
	case OPT_MAPS:
		l->mount.real_maps = !strcmp(optarg, "real");
		return l->mount.real_maps || !strcmp(optarg, "script");
	case OPT_BY:
		l->by = find_way(optarg);
		return l->by;
	case OPT_PRIVILEGE:
		n = pmk_privilege_find(optarg);
		if (n < 0)
			fprintf(stderr, "pmkit run: unknown privilege '%s'\n", optarg);
		l->mount.privilege = (enum pmk_privilege)n;
		return n >= 0;
	default:
		return false;
	}
}

_Noreturn void pmk_launch_exec(const struct pmk_launch *l, const sigset_t *mask)
{
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(l->command[0], l->command);
	int error = errno;
	fprintf(stderr, "pmkit run: %s: %s\n", l->command[0], strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

void pmk_launch_ready(const struct pmk_launch *l, const char *way)
{
	struct timespec now;

	if (!l->verbose)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(stderr, "pmkit run: /proc mocked by %s after %.1f ms\n", way,
		(double)(now.tv_sec - l->began.tv_sec) * 1e3 +
			(double)(now.tv_nsec - l->began.tv_nsec) / 1e6);
}

struct pmk_news pmk_launch_cannot(const char *what)
{
	struct pmk_news news = { .cannot = true };

	pmk_error_set(&news.err, NULL, 0, 0, "%s: %s", what, strerror(errno));
	return news;
}

/* Dies with pmkit; false: that is dead already. */
static bool tie_to_parent(int status_fd)
{
	struct pollfd reader = { .fd = status_fd };

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* cleared by changes of credentials: so only now */
	return poll(&reader, 1, 0) == 0;
}

/* As proc has it: processes own their files, root the rest.  "always" gives all to the user. */
static enum pmk_owner owner_policy(const struct pmk_launch *l, bool user_namespace)
{
	if (!user_namespace)
		return PMK_OWNER_SCRIPT;
	return l->mount.privilege == PMK_PRIVILEGE_ALWAYS ? PMK_OWNER_MOUNTER : PMK_OWNER_PROCESSES;
}

struct pmk_news pmk_launch_in_namespaces(struct pmk_launch *l, struct pmk_play *play,
					 const sigset_t *mask, bool pids, pmk_launch_serve *serve)
{
	struct pmk_news news = { .cannot = true };
	bool user;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		return pmk_launch_cannot("cannot make a pipe");
	pid_t self = getpid();
	pid_t pid = pmk_namespace_fork(pids, l->keep_uid, &user, &news.err);
	if (pid == 0) {
		close(fd[0]);
		l->mount.owner = owner_policy(l, user);
		_exit(tie_to_parent(fd[1]) ? serve(l, play, fd[1], mask) : PMK_EXIT_FAILED);
	}
	if (pid < 0 && getpid() != self)
		_exit(pmk_news_tell(fd[1], &news) ? PMK_EXIT_CANNOT : PMK_EXIT_FAILED);
	close(fd[1]);
	if (pid > 0)
		news = pmk_attend(pid, fd[0], -1);
	close(fd[0]);
	return news;
}

/* Goes the first way that can be gone; only if there is none are the reasons worth a word. */
static int run(struct pmk_launch *l, struct pmk_play *play)
{
	const struct pmk_launch_way *first = l->by ? l->by : ways,
				    *end = l->by ? l->by + 1 : ways + NWAYS;
	struct pmk_news news[NWAYS];
	sigset_t mask;

	l->mount.first_pid = pmk_play_first_pid(play);
	pmk_attend_begin(&mask);
	fflush(NULL);
	for (const struct pmk_launch_way *way = first; way < end; way++) {
		struct pmk_news *n = &news[way - first];

		*n = way->run(l, play, &mask);
		if (!n->cannot)
			return pmk_attend_end(n->status);
		if (l->verbose || way == end - 1)
			for (const struct pmk_news *why = l->verbose ? n : news; why <= n; why++)
				pmk_play_complain("run", &why->err, PMK_EXIT_CANNOT);
	}
	return PMK_EXIT_CANNOT;
}

int pmk_cmd_run(int argc, char **argv)
{
	struct pmk_launch l = { .mount = { .self = PMK_SELF_CALLER,
					   .privilege = PMK_PRIVILEGE_USERNS,
					   .allow_other = true } };
	struct pmk_error err;
	struct pmk_play play;
	int opt, rc;

	clock_gettime(CLOCK_MONOTONIC, &l.began);
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
		if (!take_option(&l, opt))
			return wrong_usage();
	}
	if (optind >= argc)
		return wrong_usage();
	l.script = argv[optind++];
	if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	if (optind >= argc)
		return wrong_usage();
	l.command = argv + optind;
	rc = pmk_play_init(&play, l.script, l.as, &err);
	if (rc < 0)
		rc = pmk_play_complain("run", &err, PMK_EXIT_FAILED);
	else
		rc = run(&l, &play);
	pmk_play_deinit(&play);
	return rc;
}
