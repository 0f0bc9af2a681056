/* SPDX-License-Identifier: MIT */
/* grade.c - plays the scripts, asks their questions, keeps the score: see grade.h. */
#include "grade.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "runner.h"
#include "twin.h"

#define PAGES_MAX 4096 /* of one statement */
#define IN_PAGE	  0x7b4 /* addresses are asked about inside their page */

struct grader {
	struct pmk_twin twin;
	struct pmk_adapter *adapter;
	struct pmk_score *score;
	const struct pmk_case *c; /* the script, at */
	const struct pmk_stmt *stmt; /* its statement */
	struct pmk_error *err;
	uint64_t page; /* bytes */
	const struct pmk_profile *profile;
	bool lost; /* the adapter cannot be started any more */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the score ------------------------------------------------------------------------------------ */

static struct pmk_graded_clause *clause_of(struct pmk_score *score, const char *id)
{
	for (size_t i = 0; i < score->nclauses; i++)
		if (!strcmp(score->clause[i].id, id))
			return &score->clause[i];
	score->clause = pmk_realloc(score->clause, score->nclauses + 1, sizeof(*score->clause));
	score->clause[score->nclauses] = (struct pmk_graded_clause){ .id = id };
	return &score->clause[score->nclauses++];
}

static void note_unasked(struct grader *g)
{
	g->score->unasked++;
	for (size_t i = 0; i < g->c->nclauses; i++)
		clause_of(g->score, g->c->clause[i])->unasked++;
}

static void note(struct grader *g, const struct pmk_graded *graded)
{
	struct pmk_score *s = g->score;

	if (graded->grade == PMK_GRADE_SKIP)
		note_unasked(g);
	for (size_t i = 0; i < g->c->nclauses && graded->grade != PMK_GRADE_SKIP; i++) {
		struct pmk_graded_clause *clause = clause_of(s, g->c->clause[i]);

		clause->asked++;
		clause->right += graded->grade == PMK_GRADE_RIGHT;
	}
	s->count[graded->grade]++;
	s->graded = pmk_realloc(s->graded, s->n + 1, sizeof(*s->graded));
	s->graded[s->n++] = *graded;
}

/* Which misses are waived, once all is known. */
static void apply_waivers(struct pmk_score *s, struct pmk_waivers *waivers)
{
	for (size_t i = 0; i < s->nclauses; i++) {
		struct pmk_waiver *w = pmk_waiver_find(waivers, s->clause[i].id);

		s->clause[i].waiver = w;
		if (!w)
			continue;
		w->asked |= s->clause[i].asked > 0;
		w->needed |= s->clause[i].right < s->clause[i].asked;
	}
	for (size_t i = 0; i < s->n; i++) {
		struct pmk_graded *q = &s->graded[i];

		if (q->grade == PMK_GRADE_RIGHT || q->grade == PMK_GRADE_SKIP)
			continue;
		q->waived = q->c->nclauses > 0;
		for (size_t k = 0; k < q->c->nclauses; k++)
			q->waived &= pmk_waiver_find(waivers, q->c->clause[k]) != NULL;
		s->waived += q->waived;
	}
}

/* ---- one question --------------------------------------------------------------------------------- */

/* What came from an adapter can be anything; reports cannot hold it. */
static void make_printable(struct pmk_text *text)
{
	for (size_t i = 0; i < text->len; i++)
		if (text->buf[i] < ' ' || text->buf[i] > '~')
			text->buf[i] = '?';
}

static enum pmk_grade judge(struct grader *g, const struct pmk_question *q,
			    const struct pmk_key *key, struct pmk_text *why, struct pmk_text *shown)
{
	const struct pmk_adapter *a = g->adapter;
	struct pmk_error err = { .line = 0 };
	struct pmk_answer answer;
	enum pmk_grade grade = PMK_GRADE_MISS;

	if (pmk_answer_parse(q->ask, a->buf, a->len, &answer, &err)) {
		pmk_text_add(why, "%.120s: ", err.text);
		for (size_t i = 0; i < a->len && i < 80 && a->buf[i] != '\n'; i++)
			pmk_text_add(why, "%c", a->buf[i]);
		make_printable(why);
		grade = PMK_GRADE_GARBAGE;
	} else if (*answer.skip) {
		pmk_text_add(why, "%s", answer.skip);
		make_printable(why);
		grade = PMK_GRADE_SKIP;
	} else if (pmk_key_matches(key, q, a->says.fields[q->ask], &answer, why, shown)) {
		pmk_text_clear(shown);
		grade = PMK_GRADE_RIGHT;
	}
	pmk_answer_deinit(&answer);
	return grade;
}

static int ask(struct grader *g, const struct pmk_question *q)
{
	char line[1024] = "", about[160] = "", why_buf[1024] = "", shown_buf[64] = "";
	struct pmk_text json = PMK_TEXT(line), print = PMK_TEXT(about), why = PMK_TEXT(why_buf),
			shown = PMK_TEXT(shown_buf);
	struct pmk_graded graded = { .c = g->c, .ask = q->ask, .line = q->line };
	double start = now();
	struct pmk_key key;

	g->lost = pmk_adapter_start(g->adapter, g->err);
	if (g->lost)
		return -1;
	pmk_key_init(&key, pmk_twin_key(&g->twin), q);
	pmk_twin_play_opener(&g->twin, q);
	pmk_question_json(q, g->profile, &json);
	pmk_question_print(q, &print);
	graded.grade = pmk_adapter_ask(g->adapter, line, json.len, &why);
	if (graded.grade == PMK_GRADE_RIGHT)
		graded.grade = judge(g, q, &key, &why, &shown);
	else
		pmk_adapter_stop(g->adapter);
	pmk_key_deinit(&key);
	graded.question = pmk_strdup(about);
	graded.why = pmk_strdup(why_buf);
	graded.shown = pmk_strdup(shown_buf);
	graded.seconds = now() - start;
	note(g, &graded);
	return 0;
}

/* The process whose line it is, or whose handle the line looks through: whom the consumer counts as. */
static void as_process(struct grader *g, const char *name, struct pmk_question *q)
{
	int pid = pmk_stage_pid(g->twin.key_stage, pmk_stage_proc(g->twin.key_stage, name));
	const struct pmk_task *task = pmk_task_find(pmk_twin_key(&g->twin), pid);

	q->as_process = task != NULL;
	if (task)
		q->opener = task->cred;
}

static bool takes(const struct grader *g, enum pmk_ask ask)
{
	return g->adapter->says.asks[ask];
}

/* ---- statements that are questions ---------------------------------------------------------------- */

/* n pages from an address on: as one range, or page by page, as the adapter takes it. */
static int ask_pages(struct grader *g, struct pmk_question *q, uint64_t start, uint64_t n)
{
	int rc = 0;

	n = n < PAGES_MAX ? n : PAGES_MAX;
	if (takes(g, PMK_ASK_RANGE) && (n > 1 || !takes(g, PMK_ASK_PAGE))) {
		q->ask = PMK_ASK_RANGE;
		q->start = start;
		q->end = start + n * g->page;
		return ask(g, q);
	}
	if (!takes(g, PMK_ASK_PAGE)) {
		note_unasked(g);
		return 0;
	}
	q->ask = PMK_ASK_PAGE;
	for (uint64_t i = 0; i < n && !rc; i++) {
		q->start = start + i * g->page + IN_PAGE;
		rc = ask(g, q);
	}
	return rc;
}

static int ask_entry(struct grader *g, struct pmk_question *q)
{
	const struct pmk_arg *range = &g->stmt->arg[0];
	struct pmk_stage *stage = g->twin.key_stage;
	const struct pmk_region *region =
		pmk_stage_region(stage, pmk_stage_proc(stage, g->stmt->subject), range->text);
	struct pmk_span whole;
	int rc = 0;

	if (!region)
		return pmk_error_set(g->err, g->c->script->file, q->line, range->col,
				     "no region '%s'", range->text);
	q->pid = pmk_stage_pid(stage, pmk_stage_proc(stage, g->stmt->subject));
	if (pmk_stmt_opt(g->stmt, PMK_OPT_VIA))
		as_process(g, g->stmt->subject, q);
	whole = (struct pmk_span){ 0, region->pages - 1 };
	for (size_t i = 0; i < (range->nspans ? range->nspans : 1) && !rc; i++) {
		const struct pmk_span *span = range->nspans ? &range->span[i] : &whole;

		rc = ask_pages(g, q, region->addr + span->first * g->page,
			       span->last - span->first + 1);
	}
	return rc;
}

static int ask_frame(struct grader *g, struct pmk_question *q, uint64_t first, uint64_t last)
{
	int rc = 0;

	if (!takes(g, PMK_ASK_FRAME)) {
		note_unasked(g);
		return 0;
	}
	q->ask = PMK_ASK_FRAME;
	for (uint64_t pfn = first; pfn <= last && pfn - first < PAGES_MAX && !rc; pfn++) {
		q->start = pfn;
		rc = ask(g, q);
	}
	return rc;
}

/* PFNs and holes; of a region's pages the frames are asked about with the pages (entry). */
static int ask_frames(struct grader *g, struct pmk_question *q)
{
	const struct pmk_arg *frames = &g->stmt->arg[0];
	struct pmk_world *world = &g->twin.key.world;
	uint64_t hole;
	int rc = 0;

	switch (frames->base) {
	case PMK_BASE_REGION:
		return ask_entry(g, q);
	case PMK_BASE_HOLE:
		hole = world->ops->fact(world, PMK_FACT_HOLE);
		return ask_frame(g, q, hole, hole);
	default:
		for (size_t i = 0; i < frames->nspans && !rc; i++)
			rc = ask_frame(g, q, frames->span[i].first, frames->span[i].last);
		return rc;
	}
}

static int ask_read(struct grader *g, struct pmk_question *q, const struct pmk_request *r)
{
	uint64_t first = (uint64_t)r->pos / 8, n = (r->len + 7) / 8;

	if (r->file == PMK_FILE_PAGEMAP)
		return ask_pages(g, q, first * g->page, n);
	return ask_frame(g, q, first, first + n - 1);
}

static int ask_scan(struct grader *g, struct pmk_question *q, const struct pmk_request *r)
{
	if (!takes(g, PMK_ASK_SCAN)) {
		note_unasked(g);
		return 0;
	}
	q->ask = PMK_ASK_SCAN;
	q->start = r->scan.start;
	q->end = r->scan.end;
	q->scan = r->scan;
	return ask(g, q);
}

/* Calls that a consumer would make, too: a read, an open that must fail, a scan that changes nothing. */
static bool is_asking_call(const struct pmk_stmt *stmt)
{
	switch (stmt->id) {
	case PMK_STMT_PREAD:
		return true;
	case PMK_STMT_OPEN:
		return stmt->result.kind == PMK_RESULT_ERRNO;
	case PMK_STMT_SCAN:
		return !pmk_stmt_opt(stmt, PMK_OPT_WP);
	default:
		return false;
	}
}

static int ask_call(struct grader *g, struct pmk_question *q)
{
	struct pmk_request r;

	if (pmk_twin_hear(&g->twin, g->c->script->file, g->stmt, &r, g->err))
		return -1;
	if (r.file != PMK_FILE_PAGEMAP && !pmk_file_is_kpage(r.file))
		return 0;
	q->pid = pmk_stage_pid(g->twin.key_stage, (int)r.a[3]);
	as_process(g, g->stmt->subject, q);
	if (r.code == PMK_REQ_OPEN)
		r.len = 8; /* the first word will do */
	return r.code == PMK_REQ_SCAN ? ask_scan(g, q, &r) : ask_read(g, q, &r);
}

static int do_statement(struct grader *g)
{
	struct pmk_question q = { .line = g->stmt->line };

	if (g->stmt->id == PMK_STMT_ENTRY)
		return ask_entry(g, &q);
	if (g->stmt->id == PMK_STMT_FRAME)
		return ask_frames(g, &q);
	if (pmk_stmt_info[g->stmt->id].kind == PMK_EXPECT)
		return 0;
	if (is_asking_call(g->stmt))
		return ask_call(g, &q);
	return pmk_twin_do(&g->twin, g->c->script->file, g->stmt, g->err);
}

/* ---- scripts -------------------------------------------------------------------------------------- */

static int profile_of(const struct pmk_script *script, struct pmk_profile *ret,
		      struct pmk_error *err)
{
	pmk_profile_usual(ret);
	for (size_t i = 0; i < script->nstmts; i++)
		if (script->stmt[i].id == PMK_STMT_KERNEL &&
		    pmk_profile_parse(script->stmt[i].arg[0].text, ret, err))
			return -1;
	return 0;
}

/* 1: the script is for this kernel and these worlds; 0: it is not; -1 and *err. */
static int wanted(struct grader *g)
{
	char why[256];

	for (size_t i = 0; i < g->c->script->nstmts; i++) {
		const struct pmk_stmt *stmt = &g->c->script->stmt[i];
		int holds;

		if (stmt->id == PMK_STMT_NOT && stmt->arg[0].n == PMK_WORLD_MOCK)
			return 0;
		if (stmt->id != PMK_STMT_NEEDS)
			continue;
		holds = pmk_conditions_hold(&g->twin.key.world, stmt->arg[0].words,
					    stmt->arg[0].nwords, why, sizeof(why));
		if (holds < 0)
			pmk_error_set(g->err, g->c->script->file, stmt->line, 0, "%s", why);
		if (holds <= 0)
			return holds;
	}
	return 1;
}

static int play(struct grader *g)
{
	const struct pmk_script *script = g->c->script;
	struct pmk_profile profile;
	int rc;

	if (profile_of(script, &profile, g->err) || pmk_twin_begin(&g->twin, &profile, g->err))
		return -1;
	g->profile = &profile;
	g->page = pmk_profile_page_size(&profile);
	rc = wanted(g);
	for (size_t i = 0; i < script->nstmts && rc > 0; i++) {
		g->stmt = &script->stmt[i];
		*g->err->text = '\0';
		if (pmk_stmt_info[g->stmt->id].kind == PMK_META)
			continue;
		if (pmk_stage_holds(g->twin.key_stage, script->file, g->stmt, g->err))
			rc = do_statement(g) ? -1 : 1;
		else if (*g->err->text)
			rc = -1;
	}
	return rc < 0 ? -1 : 0;
}

/* ---- all ------------------------------------------------------------------------------------------ */

/* PIDs of real processes beyond those that scripts give out, 1000 and on; before 3.3 they may meet. */
static void leave_room_for_pids(const struct grader *g)
{
	static const char last[] = "12000";
	int fd = openat(g->twin.proc_fd, "sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, last, sizeof(last) - 1) < 0)
		errno = 0;
	close(fd);
}

static int play_all(struct grader *g)
{
	struct pmk_suite *suite = (struct pmk_suite *)(uintptr_t)g->score->suite;

	for (size_t i = 0; i < suite->n; i++) {
		g->c = &suite->cases[i];
		if (g->c->script && !play(g))
			continue;
		if (!g->c->script)
			*g->err = g->c->error;
		if (g->lost)
			return -1;
		char text[512];
		pmk_error_format(g->err, text, sizeof(text));
		fprintf(stderr, "pmkit grade: %s\n", text);
		g->score->broken++;
	}
	return 0;
}

int pmk_grade_run(struct pmk_suite *suite, struct pmk_adapter *adapter, struct pmk_waivers *waivers,
		  struct pmk_score *ret, struct pmk_error *err)
{
	struct grader g = { .adapter = adapter, .score = ret, .err = err };
	double start = now();
	int rc;

	*ret = (struct pmk_score){ .suite = suite };
	rc = pmk_twin_init(&g.twin, err);
	if (rc < 0)
		goto out;
	leave_room_for_pids(&g);
	rc = pmk_adapter_start(adapter, err);
	if (rc < 0)
		goto out;
	rc = play_all(&g);
	ret->says = adapter->says;
	ret->seconds = now() - start;
	apply_waivers(ret, waivers);
out:
	pmk_adapter_stop(adapter);
	pmk_twin_deinit(&g.twin);
	return rc;
}

void pmk_score_deinit(struct pmk_score *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->graded[i].question);
		free(s->graded[i].shown);
		free(s->graded[i].why);
	}
	free(s->graded);
	free(s->clause);
}

static unsigned asked(const struct pmk_score *s)
{
	return (unsigned)s->n - s->count[PMK_GRADE_SKIP];
}

double pmk_score_percent(const struct pmk_score *s)
{
	return asked(s) ? 100.0 * s->count[PMK_GRADE_RIGHT] / asked(s) : 100.0;
}

int pmk_score_status(const struct pmk_score *s, const struct pmk_waivers *waivers)
{
	if (s->broken || asked(s) - s->count[PMK_GRADE_RIGHT] > s->waived ||
	    pmk_waiver_unneeded(waivers, NULL))
		return 1;
	return asked(s) ? 0 : 77;
}
