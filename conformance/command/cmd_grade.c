/* SPDX-License-Identifier: MIT */
/* cmd_grade.c - pmkit grade: a consumer's score, clause by clause. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "fuse.h"
#include "grade.h"
#include "namespace.h"
#include "save.h"

#define SECONDS 5.0 /* that an adapter may take for an answer */

struct options {
	const char *json, *junit, *html, *waivers, *timeout;
	double seconds;
};

/* Everything that takes no namespace, so that wrong usage is seen first. */
static int prepare(const struct options *o, char **words, size_t n, struct pmk_suite *suite,
		   struct pmk_waivers *waivers)
{
	struct pmk_error err;

	pmk_suite_questions(suite);
	if ((n && pmk_suite_select(suite, words, n, &err)) ||
	    pmk_waivers_load(o->waivers, waivers, &err)) {
		pmk_error_report(&err);
		return PMK_EXIT_USAGE;
	}
	return 0;
}

struct writing {
	const struct pmk_score *score;
	pmk_score_write *write;
};

static int write_score(FILE *out, const void *data)
{
	const struct writing *w = data;

	return w->write(out, w->score);
}

static int save(const struct options *o, const struct pmk_score *score)
{
	const struct {
		const char *path;
		pmk_score_write *write;
	} forms[] = { { o->json, pmk_score_json },
		      { o->junit, pmk_score_junit },
		      { o->html, pmk_score_html } };
	int status = 0;

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		const struct writing w = { score, forms[i].write };
		struct pmk_error err;

		if (forms[i].path && pmk_save(forms[i].path, write_score, &w, &err))
			status = pmk_error_report(&err);
	}
	return status;
}

static int report(const struct options *o, const struct pmk_score *score,
		  const struct pmk_waivers *waivers)
{
	int status = pmk_score_status(score, waivers), saved = save(o, score);

	pmk_score_text(stdout, score);
	for (const struct pmk_waiver *w = NULL; (w = pmk_waiver_unneeded(waivers, w));)
		fprintf(stderr, "pmkit: %s:%u:1: %s is waived, but has no miss: remove the line\n",
			waivers->file, w->line, w->clause);
	return saved ? saved : status;
}

/* In the namespace, as its init: what dies with it is everything that the adapter has started. */
static int grade(const struct options *o, char *const *command, struct pmk_suite *suite,
		 struct pmk_waivers *waivers)
{
	struct pmk_adapter adapter;
	struct pmk_score score;
	struct pmk_error err;
	int rc, status;

	signal(SIGPIPE, SIG_IGN);
	pmk_adapter_init(&adapter, command, o->seconds);
	rc = pmk_grade_run(suite, &adapter, waivers, &score, &err);
	if (rc < 0)
		pmk_error_report(&err);
	status = rc == PMK_MOUNT_CANNOT ? PMK_EXIT_CANNOT
		 : rc < 0		? PMK_EXIT_FAILED
					: report(o, &score, waivers);
	pmk_adapter_deinit(&adapter);
	pmk_score_deinit(&score);
	return status;
}

static int in_namespace(const struct options *o, char *const *command, struct pmk_suite *suite,
			struct pmk_waivers *waivers)
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
		status = grade(o, command, suite, waivers);
		if (fflush(stdout))
			status = PMK_EXIT_FAILED;
		_exit(status);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : PMK_EXIT_FAILED;
}

/* Where the adapter's own words begin: behind "--". */
static int split(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--"))
			return i;
	return argc;
}

int pmk_cmd_grade(int argc, char **argv)
{
	struct options o = { .seconds = SECONDS };
	const struct pmk_option options[] = { { "--json", .value = &o.json },
					      { "--junit", .value = &o.junit },
					      { "--html", .value = &o.html },
					      { "--waivers", .value = &o.waivers },
					      { "--timeout", .value = &o.timeout } };
	int at = split(argc, argv), n, status;
	struct pmk_suite suite = { .n = 0 };
	struct pmk_waivers waivers = { .n = 0 };
	char *end = NULL;

	n = pmk_options(options, sizeof(options) / sizeof(*options), at, argv);
	if (n < 0)
		return PMK_EXIT_USAGE;
	if (at + 1 >= argc)
		return pmk_usage("grade", "expected -- and the adapter's command");
	if (o.timeout)
		o.seconds = strtod(o.timeout, &end);
	if (o.timeout && (*end || !(o.seconds > 0) || o.seconds > 3600))
		return pmk_usage("grade", "--timeout: expected seconds, more than 0");
	status = prepare(&o, argv + 1, (size_t)n, &suite, &waivers);
	if (!status)
		status = in_namespace(&o, argv + at + 1, &suite, &waivers);
	pmk_suite_deinit(&suite);
	pmk_waivers_deinit(&waivers);
	return status;
}
