/*
 * Whatever a script says, the model does it or says in which line it cannot; its run maps stay in order, and
 * every file can be read from end to end: complete pagemap, kpage* of every frame, maps that parses.
 *
 * Input: the script.  Givens may make states that no kernel has, so nothing is said of the words.
 */
#include <fcntl.h>

#include "fuzz.h"
#include "machine.h"
#include "model_check.h"
#include "pagemapkit.h"
#include "procfs.h"
#include "stage.h"

#define STATEMENTS_MAX 300
#define WORDS	       512

static void check_outcome(enum pmk_outcome outcome, const struct pmk_stmt *stmt,
			  const struct pmk_error *err)
{
	if (outcome == PMK_DONE)
		return;
	CHECK(outcome == PMK_WRONG || outcome == PMK_BROKEN, "the model takes every statement");
	CHECK(err->line == stmt->line && err->text[0],
	      "what cannot be done is said, with the line");
}

/* The statements of a script, as pmk_stage_play() does them, for a text in memory. */
static void play(struct pmk_stage *stage, const char *text, size_t len)
{
	struct pmk_world *w = pmk_stage_world(stage);
	struct pmk_parser *parser = pmk_parser_create("f", text, len);
	struct pmk_profile profile;
	struct pmk_error err;
	struct pmk_stmt stmt;
	bool ready = false;
	int left = STATEMENTS_MAX;

	pmk_profile_parse("6.12/x86_64", &profile, &err);
	while (left-- && pmk_parser_next(parser, &stmt, &err) > 0) {
		if (stmt.id == PMK_STMT_KERNEL)
			pmk_profile_parse(stmt.arg[0].text, &profile, &err);
		if (pmk_stmt_info[stmt.id].kind == PMK_META ||
		    pmk_stmt_info[stmt.id].kind == PMK_EXPECT)
			continue;
		if (!ready)
			w->ops->reset(w, &profile, &err);
		ready = true;
		err = (struct pmk_error){ .line = 0 };
		if (!pmk_stage_holds(stage, "f", &stmt, &err))
			continue;
		check_outcome(pmk_stage_do(stage, "f", &stmt, &err), &stmt, &err);
		model_check_runs(w->ops->machine(w));
	}
	pmk_parser_destroy(parser);
}

static void read_frames(struct pmk_machine *m)
{
	static const struct pmk_cred all = { 0, PMK_CAP_ALL };
	uint64_t word[WORDS], limit = pmk_machine_kpage_limit(m);

	m->nfaults = 0;
	for (int file = PMK_FILE_KPAGECOUNT; file < PMK_FILE_MAIN_COUNT; file++) {
		struct pmk_handle *h;
		struct pmk_cursor c;
		const struct pmk_run *run;

		if (pmk_handle_open(m, (enum pmk_file)file, 0, O_RDONLY, &all, false, &h))
			continue;
		for (run = pmk_runs_seek(&m->frame, 0, &c); run; run = pmk_runs_next(&c)) {
			uint64_t n = limit - run->start < WORDS ? limit - run->start : WORDS;

			CHECK(run->end <= limit, "frames are below the end of kpage* (KP-LIMIT)");
			CHECK(pmk_handle_read(h, run->start * 8, sizeof(word), word) ==
				      (int64_t)n * 8,
			      "kpage* is complete (KP-SHORT-END)");
		}
		pmk_handle_close(h);
	}
}

static void read_process(struct pmk_machine *m, const struct pmk_task *task)
{
	const struct pmk_cred all = { 0, PMK_CAP_ALL };
	uint64_t word[WORDS], end = m->profile.task_size >> m->profile.arch->page_shift;
	struct pmk_handle *h;
	struct pmk_cursor c;

	if (pmk_handle_open(m, PMK_FILE_PAGEMAP, task->pid, O_RDONLY, &all, false, &h))
		return;
	for (const struct pmk_run *run = pmk_runs_seek(&task->mm->vma, 0, &c); run;
	     run = pmk_runs_next(&c)) {
		uint64_t n = end - run->start < WORDS ? end - run->start : WORDS;

		CHECK(run->end <= end, "a mapping is below the task size");
		CHECK(pmk_handle_read(h, run->start * 8, sizeof(word), word) == (int64_t)n * 8,
		      "pagemap is complete (PM-READ-FULL)");
	}
	pmk_handle_close(h);
}

static void read_all(struct pmk_machine *m)
{
	read_frames(m);
	for (size_t i = 0; i < m->ntasks; i++) {
		if (!m->task[i]->mm || !m->task[i]->mm->users)
			continue;
		read_process(m, m->task[i]);
		model_check_maps(m, m->task[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pmk_world *w = pmk_world_model_create();
	struct pmk_stage *stage = pmk_stage_create(w);

	play(stage, (const char *)data, size);
	read_all(w->ops->machine(w));
	pmk_stage_destroy(stage);
	w->ops->destroy(w);
	return 0;
}
