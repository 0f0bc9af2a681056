/* SPDX-License-Identifier: MIT */
/* hunt.c - a consumer under scripts that change at random: see hunt.h. */
#include "hunt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "mutate.h"
#include "pagemapkit.h"
#include "procfs.h"
#include "save.h"

#define TEXT_MAX  16384
#define QUEUE_MAX 1024
#define FOUND_MAX 64
#define WHY_MAX	  256
#define WORDS	  64 /* of a mapping, that are held against the invariants */

struct hunt {
	const struct pmk_hunt_options *o;
	struct pmk_hunt *sum;
	struct pmk_grader *grader;
	struct pmk_adapter adapter;
	struct pmk_target target;
	struct pmk_error *err;
	uint64_t random;
	char *queue[QUEUE_MAX];
	/* what happened, now or in an earlier campaign, without numbers: each kind once */
	char *known[FOUND_MAX];
	unsigned nknown;
	unsigned last[2]; /* number of the last file, by enum folder */
	bool lost;
	bool hung; /* once and again: then it is the consumer */
};

enum folder { FOLDER_QUEUE, FOLDER_FOUND };
static const char *const folder_name[] = { "queue", "found" };

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t next(struct hunt *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	return c->random ^= c->random << 17;
}

/* ---- scripts ---------------------------------------------------------------------------------------- */

/* The script with its questions: each region and some frames, whatever it expected itself. */
static size_t with_questions(const char *text, char *ret)
{
	size_t len = (size_t)snprintf(ret, TEXT_MAX, "%s", text);
	char asked[32][96];
	size_t nasked = 0;

	if (len >= TEXT_MAX)
		return 0;
	for (const char *s = text; *s && nasked < 32; s += strcspn(s, "\n"), s += *s == '\n') {
		char proc[16], word[16], name[32], line[96];
		bool again = false;

		if (sscanf(s, "%15[a-z]: %15[a-z-] %31[a-z0-9]", proc, word, name) == 3 &&
		    (!strcmp(word, "map") || !strcmp(word, "given-vma")))
			snprintf(line, sizeof(line), "%s: entry %s none\n", proc, name);
		else if (sscanf(s, "given-frame %31[0-9a-fx]", name) == 1)
			snprintf(line, sizeof(line), "frame %s LRU\n", name);
		else
			continue;
		for (size_t i = 0; i < nasked; i++)
			again |= !strcmp(asked[i], line);
		if (again || len + strlen(line) >= TEXT_MAX)
			continue;
		snprintf(asked[nasked++], sizeof(asked[0]), "%s", line);
		len += (size_t)snprintf(ret + len, TEXT_MAX - len, "%s", line);
	}
	return len;
}

/* Whether a kernel may show what the machine now shows: every word keeps to the invariants. */
static bool is_legal(struct pmk_machine *m)
{
	static const struct pmk_cred all = { 0, PMK_CAP_ALL };
	uint64_t word[WORDS];
	struct pmk_layout layout;
	struct pmk_handle *h;
	bool legal = true;
	struct pmk_cursor c;
	int64_t n;

	pmk_layout_init(&layout, m->profile.kernel, PMK_CONFIG_ALL);
	for (size_t i = 0; i < m->ntasks && legal; i++) {
		const struct pmk_task *t = m->task[i];

		if (!t->mm || !t->mm->users ||
		    pmk_handle_open(m, PMK_FILE_PAGEMAP, t->pid, O_RDONLY, &all, false, &h))
			continue;
		for (const struct pmk_run *r = pmk_runs_seek(&t->mm->vma, 0, &c); r;
		     r = pmk_runs_next(&c)) {
			n = pmk_handle_read(h, r->start * 8, sizeof(word), word);
			for (int64_t k = 0; k < n / 8; k++)
				legal &= !pmk_pagemap_check(&layout, word[k]);
		}
		pmk_handle_close(h);
	}
	if (!legal || pmk_handle_open(m, PMK_FILE_KPAGEFLAGS, 0, O_RDONLY, &all, false, &h))
		return legal;
	for (const struct pmk_run *r = pmk_runs_seek(&m->frame, 0, &c); r; r = pmk_runs_next(&c)) {
		n = pmk_handle_read(h, r->start * 8, sizeof(word), word);
		for (int64_t k = 0; k < n / 8; k++)
			legal &= !pmk_kpageflags_check(m->profile.kernel, word[k]);
	}
	pmk_handle_close(h);
	return legal;
}

/* ---- one run ---------------------------------------------------------------------------------------- */

/* Numbers say which page, not what is wrong. */
static void signature(const char *why, char *ret, size_t size)
{
	size_t n = 0;

	for (; *why && n + 1 < size; why++)
		if (!(*why >= '0' && *why <= '9'))
			ret[n++] = *why;
	ret[n] = '\0';
}

/* What an answer that is wrong says: the first one. */
static bool judge_answers(const struct pmk_score *s, char *why)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct pmk_graded *g = &s->graded[i];
		const char *field = g->why;

		if (g->grade == PMK_GRADE_RIGHT || g->grade == PMK_GRADE_SKIP)
			continue;
		snprintf(why, WHY_MAX, "%s: %s", pmk_grade_name[g->grade], field);
		return true;
	}
	return false;
}

enum outcome { OUTCOME_DULL, OUTCOME_FRESH, OUTCOME_BROKEN, OUTCOME_ILLEGAL, OUTCOME_FOUND };

/* Shows the script to the consumer; why: what happened, when something did. */
static enum outcome try(struct hunt *c, const char *text, char why[WHY_MAX])
{
	char whole[TEXT_MAX];
	size_t len = with_questions(text, whole);
	struct pmk_score score = { .n = 0 };
	struct pmk_case pmk_case = { .name = (char *)(uintptr_t) "fuzz" };
	enum outcome outcome = OUTCOME_DULL;
	struct pmk_adapter asked = c->adapter;
	bool fresh = false;
	int rc;

	pmk_case.script = len ? pmk_script_parse("fuzz", whole, len, c->err) : NULL;
	if (!pmk_case.script)
		return OUTCOME_BROKEN;
	/* first without a question: is it a script, and a state that a kernel may show? */
	memset(c->adapter.says.asks, 0, sizeof(c->adapter.says.asks));
	rc = pmk_grader_play(c->grader, &pmk_case, &score, c->err);
	memcpy(c->adapter.says.asks, asked.says.asks, sizeof(asked.says.asks));
	if (rc)
		outcome = OUTCOME_BROKEN;
	else if (!c->o->beyond && !is_legal(pmk_grader_machine(c->grader)))
		outcome = OUTCOME_ILLEGAL;
	if (outcome == OUTCOME_DULL && c->o->adapter) {
		rc = pmk_grader_play(c->grader, &pmk_case, &score, c->err);
		c->lost = rc == PMK_GRADER_LOST;
		c->sum->questions += score.n;
		if (judge_answers(&score, why))
			outcome = OUTCOME_FOUND;
	} else if (outcome == OUTCOME_DULL) {
		enum pmk_verdict verdict = pmk_target_run(&c->target, why, WHY_MAX, &fresh);

		if (verdict == PMK_VERDICT_HANG &&
		    !c->hung) { /* was it that the machine was busy? */
			bool again;

			verdict = pmk_target_run(&c->target, why, WHY_MAX, &again);
			fresh |= again;
			c->hung = verdict == PMK_VERDICT_HANG;
		}
		outcome = verdict != PMK_VERDICT_FINE ? OUTCOME_FOUND
			  : fresh		      ? OUTCOME_FRESH
						      : OUTCOME_DULL;
	}
	c->sum->runs += outcome != OUTCOME_BROKEN && outcome != OUTCOME_ILLEGAL;
	c->sum->broken += outcome == OUTCOME_BROKEN;
	c->sum->illegal += outcome == OUTCOME_ILLEGAL;
	pmk_score_deinit(&score);
	pmk_script_destroy(pmk_case.script);
	return outcome;
}

/* Takes the line that could not be done out of a broken script; false: none of its own. */
static bool repair(const struct hunt *c, char *text)
{
	char *s = text;

	if (c->err->line < 2)
		return false;
	for (unsigned line = 1; line < c->err->line; line++) {
		s = strchr(s, '\n');
		if (!s)
			return false;
		s++;
	}
	if (!*s)
		return false;
	char *rest = s + strcspn(s, "\n");

	rest += *rest == '\n';
	memmove(s, rest, strlen(rest) + 1);
	return true;
}

static enum outcome try_repaired(struct hunt *c, char *text, char why[WHY_MAX])
{
	enum outcome outcome;

	do {
		c->err->line = 0;
		outcome = try(c, text, why);
	} while (outcome == OUTCOME_BROKEN && repair(c, text));
	return outcome;
}

/* ---- what is kept ----------------------------------------------------------------------------------- */

struct writing {
	const char *why, *text;
};

static int write_script(FILE *out, const void *data)
{
	const struct writing *w = data;

	if (*w->why)
		fprintf(out, "# %s\n", w->why);
	fputs(w->text, out);
	return ferror(out) ? -1 : 0;
}

/* Under the next number that is free: what an earlier campaign has left stays. */
static int keep(struct hunt *c, enum folder folder, const char *why, const char *text)
{
	const struct writing w = { why, text };
	char path[4096];

	if (!c->o->dir)
		return 0;
	do
		snprintf(path, sizeof(path), "%s/%s/%06u.pmk", c->o->dir, folder_name[folder],
			 ++c->last[folder]);
	while (access(path, F_OK) == 0);
	return pmk_save(path, write_script, &w, c->err);
}

static void enqueue(struct hunt *c, const char *text)
{
	size_t at = c->sum->queue < QUEUE_MAX ? c->sum->queue : next(c) % QUEUE_MAX;

	free(c->queue[at]);
	c->queue[at] = pmk_strdup(text);
	c->sum->queue += c->sum->queue < QUEUE_MAX;
}

/* Drops lines as long as the same happens. */
static void shrink(struct hunt *c, char *text, const char *want)
{
	char less[TEXT_MAX], why[WHY_MAX], kind[WHY_MAX];
	bool smaller = true;

	while (smaller && !stop && !c->lost) {
		smaller = false;
		for (char *s = strchr(text, '\n'); s && s[1] && !stop && !c->lost;) {
			size_t line = strcspn(s + 1, "\n") + 1;

			snprintf(less, sizeof(less), "%.*s%s", (int)(s - text), text, s + line);
			if (try(c, less, why) == OUTCOME_FOUND) {
				signature(why, kind, sizeof(kind));
				if (!strcmp(kind, want)) {
					memcpy(text, less, strlen(less) + 1);
					smaller = true;
					continue;
				}
			}
			s = strchr(s + 1, '\n');
		}
	}
}

/* False: it was, or there is no room for more. */
static bool is_new(struct hunt *c, const char *kind)
{
	for (unsigned i = 0; i < c->nknown; i++)
		if (!strcmp(c->known[i], kind))
			return false;
	return c->nknown < FOUND_MAX;
}

static int found(struct hunt *c, char *text, const char *why)
{
	char kind[WHY_MAX];

	signature(why, kind, sizeof(kind));
	if (!is_new(c, kind))
		return 0;
	shrink(c, text, kind);
	c->known[c->nknown++] = pmk_strdup(kind);
	printf("found %u, run %" PRIu64 ": %s\n", ++c->sum->found, c->sum->runs, why);
	for (const char *s = text; *s; s += strcspn(s, "\n"), s += *s == '\n')
		printf("    %.*s\n", (int)strcspn(s, "\n"), s);
	fflush(stdout);
	return keep(c, FOLDER_FOUND, why, text);
}

/* ---- the campaign ----------------------------------------------------------------------------------- */

static int load_seed(struct hunt *c, const char *path)
{
	size_t len;
	char *text = pmk_file_read(path, TEXT_MAX - 1, &len, c->err);

	if (!text)
		return -1;
	enqueue(c, text);
	free(text);
	return 0;
}

/* What happened stands in the comment on top. */
static int load_finding(struct hunt *c, const char *path)
{
	char *text, kind[WHY_MAX];
	size_t len;

	text = pmk_file_read(path, TEXT_MAX, &len, c->err);
	if (!text)
		return -1;
	if (strncmp(text, "# ", 2) != 0) {
		free(text);
		return pmk_error_set(c->err, path, 1, 1, "expected '# ' and what happened");
	}
	text[strcspn(text, "\n")] = '\0';
	signature(text + 2, kind, sizeof(kind));
	if (is_new(c, kind))
		c->known[c->nknown++] = pmk_strdup(kind);
	free(text);
	return 0;
}

/* A file of an earlier campaign that cannot be read is said, and left alone. */
static void load_folder(struct hunt *c, enum folder folder)
{
	char path[4096], text[512];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", c->o->dir, folder_name[folder]);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", c->o->dir, folder_name[folder], e->d_name);
		if (folder == FOLDER_QUEUE ? load_seed(c, path) : load_finding(c, path)) {
			pmk_error_format(c->err, text, sizeof(text));
			fprintf(stderr, "pmkit fuzz: left out: %s\n", text);
		}
	}
	if (d)
		closedir(d);
}

static int make_folder(struct hunt *c, const char *path)
{
	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return pmk_error_set(c->err, path, 0, 0, "%s", strerror(errno));
	return 0;
}

/* What an earlier campaign left in the folder, and the seeds that were named. */
static int resume(struct hunt *c)
{
	char path[4096];

	if (c->o->dir && make_folder(c, c->o->dir))
		return -1;
	for (enum folder f = FOLDER_QUEUE; c->o->dir && f <= FOLDER_FOUND; f++) {
		snprintf(path, sizeof(path), "%s/%s", c->o->dir, folder_name[f]);
		if (make_folder(c, path))
			return -1;
		load_folder(c, f);
	}
	if (c->nknown)
		fprintf(stderr, "pmkit fuzz: %u found before, in %s/%s\n", c->nknown, c->o->dir,
			folder_name[FOLDER_FOUND]);
	for (size_t i = 0; i < c->o->nseeds; i++)
		if (load_seed(c, c->o->seeds[i]))
			return -1;
	if (!c->sum->queue)
		enqueue(c, "scenario 1\n");
	return 0;
}

static void show(const struct hunt *c, double start)
{
	double seconds = now() - start;

	fprintf(stderr,
		"\r\033[K%" PRIu64 " runs, %.0f/s, %" PRIu64 " questions, queue %u, found %u",
		c->sum->runs, (double)c->sum->runs / (seconds > 0 ? seconds : 1), c->sum->questions,
		c->sum->queue, c->sum->found);
}

static bool is_over(const struct hunt *c, double start)
{
	const struct pmk_hunt_options *o = c->o;

	return stop || c->lost || (o->runs && c->sum->runs >= o->runs) ||
	       (o->seconds > 0 && now() - start >= o->seconds) ||
	       (o->enough && c->sum->found >= o->enough);
}

static int loop(struct hunt *c, bool progress)
{
	double start = now(), shown = start;
	char text[TEXT_MAX], why[WHY_MAX];
	int rc = 0;

	while (!rc && !is_over(c, start)) {
		const char *from = c->queue[next(c) % c->sum->queue];
		size_t len = (size_t)snprintf(text, sizeof(text), "%s", from);
		enum outcome outcome;

		len = pmk_mutate(text, len, sizeof(text) - 1, next(c), c->o->beyond);
		text[len] = '\0';
		outcome = try_repaired(c, text, why);
		if (outcome == OUTCOME_FOUND)
			rc = found(c, text, why);
		/* without coverage, what works is worth going on from, now and then */
		else if (outcome == OUTCOME_FRESH ||
			 (outcome == OUTCOME_DULL && !c->target.server && next(c) % 16 == 0)) {
			enqueue(c, text);
			if (outcome == OUTCOME_FRESH)
				rc = keep(c, FOLDER_QUEUE, "", text);
		}
		if (progress && now() - shown > 1) {
			shown = now();
			show(c, start);
		}
	}
	if (progress)
		fprintf(stderr, "\r\033[K");
	c->sum->seconds = now() - start;
	return rc;
}

int pmk_hunt_run(const struct pmk_hunt_options *o, bool progress, struct pmk_hunt *ret,
		 struct pmk_error *err)
{
	static char *const nobody[] = { NULL };
	struct hunt c = { .o = o, .sum = ret, .err = err };
	int rc;

	*ret = (struct pmk_hunt){ .runs = 0 };
	c.random = o->seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, SIG_IGN);
	rc = resume(&c);
	if (rc)
		return rc;
	pmk_adapter_init(&c.adapter, o->adapter ? o->argv : nobody, o->timeout);
	rc = pmk_grader_create(&c.adapter, &c.grader, err);
	if (rc < 0)
		goto out;
	if (!o->adapter) {
		rc = pmk_target_init(&c.target, o->argv, o->timeout, err);
		ret->forks = c.target.server > 0;
	}
	if (!rc)
		rc = loop(&c, progress);
	if (!rc && c.lost)
		rc = -1;
	if (!o->adapter)
		pmk_target_deinit(&c.target);
	pmk_grader_destroy(c.grader);
out:
	pmk_adapter_deinit(&c.adapter);
	for (unsigned i = 0; i < QUEUE_MAX; i++)
		free(c.queue[i]);
	for (unsigned i = 0; i < c.nknown; i++)
		free(c.known[i]);
	return rc;
}
