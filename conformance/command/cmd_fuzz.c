/* SPDX-License-Identifier: MIT */
/* cmd_fuzz.c - pmkit fuzz --consumer: can a consumer be broken by what a kernel may show? */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hunt.h"
#include "commands.h"
#include "fuse.h"
#include "namespace.h"
#include "number.h"

static int report(const struct pmk_hunt *sum)
{
	printf("%" PRIu64 " runs%s in %.1f s, %.0f/s; %" PRIu64 " questions; %" PRIu64
	       " scripts no kernel shows and %" PRIu64 " broken ones left out; found %u\n",
	       sum->runs, sum->forks ? " by fork server" : "", sum->seconds,
	       (double)sum->runs / (sum->seconds > 0 ? sum->seconds : 1), sum->questions,
	       sum->illegal, sum->broken, sum->found);
	return sum->found ? PMK_EXIT_FAILED : sum->runs ? 0 : PMK_EXIT_CANNOT;
}

/* In the namespace, as its init: what dies with it is everything that the consumer has started. */
static int run(const struct pmk_hunt_options *o)
{
	struct pmk_hunt sum;
	struct pmk_error err;
	int rc = pmk_hunt_run(o, isatty(STDERR_FILENO), &sum, &err);

	if (rc < 0) {
		pmk_error_report(&err);
		return rc == PMK_MOUNT_CANNOT ? PMK_EXIT_CANNOT : PMK_EXIT_FAILED;
	}
	return report(&sum);
}

static pid_t inside;

/* An interrupted campaign ends as one whose time is up. */
static void hand_on(int sig)
{
	kill(inside, sig);
}

static int in_namespace(const struct pmk_hunt_options *o)
{
	struct pmk_error err;
	pid_t self = getpid(), pid;
	int status;
	bool user;

	fflush(NULL);
	pid = pmk_namespace_fork(true, false, &user, &err);
	if (pid < 0) {
		pmk_error_report(&err);
		if (getpid() != self)
			_exit(PMK_EXIT_CANNOT);
		return PMK_EXIT_CANNOT;
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		status = run(o);
		if (fflush(stdout))
			status = PMK_EXIT_FAILED;
		_exit(status);
	}
	inside = pid;
	signal(SIGTERM, hand_on);
	signal(SIGINT, hand_on);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : PMK_EXIT_FAILED;
}

static int split(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--"))
			return i;
	return argc;
}

static bool take_seconds(const char *text, double *ret)
{
	char *end;

	if (!text)
		return true;
	*ret = strtod(text, &end);
	return !*end && *ret > 0 && *ret < 1e8;
}

int pmk_cmd_fuzz(int argc, char **argv)
{
	struct pmk_hunt_options o = { .timeout = 2, .seed = 1 };
	const char *seed = NULL, *runs = NULL, *seconds = NULL, *timeout = NULL, *enough = NULL;
	bool consumer = false;
	uint64_t n = 0;
	const struct pmk_option options[] = {
		{ "--consumer", .flag = &consumer }, { "--adapter", .flag = &o.adapter },
		{ "--beyond", .flag = &o.beyond },   { "--keep", .value = &o.dir },
		{ "--seed", .value = &seed },	     { "--runs", .value = &runs },
		{ "--seconds", .value = &seconds },  { "--timeout", .value = &timeout },
		{ "--enough", .value = &enough }
	};
	int at = split(argc, argv), left;

	left = pmk_options(options, sizeof(options) / sizeof(*options), at, argv);
	if (left < 0)
		return PMK_EXIT_USAGE;
	if (!consumer || at + 1 >= argc)
		return pmk_usage("fuzz", "expected --consumer, -- and the consumer's command");
	if ((seed && !pmk_number_parse(seed, &o.seed)) ||
	    (runs && !pmk_number_parse(runs, &o.runs)) ||
	    (enough && (!pmk_number_parse(enough, &n) || n > 1000)))
		return pmk_usage("fuzz", "--seed, --runs, --enough: expected a number");
	if (!take_seconds(seconds, &o.seconds) || !take_seconds(timeout, &o.timeout))
		return pmk_usage("fuzz", "--seconds, --timeout: expected seconds, more than 0");
	o.enough = (unsigned)n;
	o.seeds = argv + 1;
	o.nseeds = (size_t)left;
	o.argv = argv + at + 1;
	return in_namespace(&o);
}
