/*
 * What the files of a script's processes show, captured (look/capture.h), is a script again: it parses, the model does
 * every statement of it, and its files show the same: maps byte for byte, pagemap word for word, and of each frame
 * its flags that have a name, its count and its cgroup.
 *
 * Input: the script.  Processes of many pages are left out: a capture reads each.
 */
#include <errno.h>
#include <fcntl.h>

#include "capture.h"
#include "fuzz.h"
#include "machine.h"
#include "procfs.h"
#include "stage.h"

#define STATEMENTS_MAX 300
#define PAGES_MAX      8192
#define PROCESSES_MAX  8
#define WORDS	       512
#define TEXT_MAX       (1u << 20)

static const struct pmk_cred all = { 0, PMK_CAP_ALL };

/* ---- scripts ------------------------------------------------------------------------------------- */

static struct pmk_machine *machine_of(struct pmk_stage *stage)
{
	struct pmk_world *w = pmk_stage_world(stage);

	return w->ops->machine(w);
}

/* Does the statements; whole: each must be done.  False: there was nothing to do. */
static bool play(struct pmk_stage *stage, const char *text, size_t len, bool whole)
{
	struct pmk_world *w = pmk_stage_world(stage);
	struct pmk_parser *parser = pmk_parser_create("f", text, len);
	struct pmk_profile profile;
	struct pmk_error err;
	struct pmk_stmt stmt;
	bool ready = false;
	int left = STATEMENTS_MAX, status = 0;

	pmk_profile_parse("6.18/x86_64", &profile, &err);
	while ((whole || left--) && (status = pmk_parser_next(parser, &stmt, &err)) > 0) {
		enum pmk_outcome outcome;

		if (stmt.id == PMK_STMT_KERNEL &&
		    pmk_profile_parse(stmt.arg[0].text, &profile, &err))
			CHECK(!whole, "the kernel of a capture is one that we know");
		if (pmk_stmt_info[stmt.id].kind == PMK_META ||
		    pmk_stmt_info[stmt.id].kind == PMK_EXPECT)
			continue;
		if (profile.kernel < PMK_KERNEL(4, 3, 0))
			break; /* its words may have other bits */
		if (!ready)
			w->ops->reset(w, &profile, &err);
		ready = true;
		if (!pmk_stage_holds(stage, "f", &stmt, &err))
			continue;
		outcome = pmk_stage_do(stage, "f", &stmt, &err);
		if (whole && outcome != PMK_DONE)
			SAY("f:%u: %s\n", err.line, err.text);
		CHECK(!whole || outcome == PMK_DONE, "the model does what was captured");
	}
	if (whole && status < 0)
		SAY("f:%u:%u: %s\n", err.line, err.col, err.text);
	CHECK(!whole || !status, "what was captured parses");
	pmk_parser_destroy(parser);
	return ready;
}

/* ---- files --------------------------------------------------------------------------------------- */

struct source {
	struct pmk_machine *m;
	int pid;
};

static int64_t read_file(const struct source *s, enum pmk_file file, uint64_t pos, size_t size,
			 void *buf)
{
	struct pmk_handle *h;
	int64_t got = pmk_handle_open(s->m, file, s->pid, O_RDONLY, &all, false, &h);

	if (got < 0)
		return got;
	got = pmk_handle_read(h, pos, size, buf);
	pmk_handle_close(h);
	return got;
}

static int64_t words(void *ctx, enum pmk_file file, uint64_t at, size_t n, uint64_t *ret)
{
	int64_t got = read_file(ctx, file, at * 8, n * 8, ret);

	return got < 0 ? got : got / 8;
}

static size_t maps_of(const struct source *s, char *text)
{
	int64_t got = 0, len = 0;

	do
		got = read_file(s, PMK_FILE_MAPS, (uint64_t)len, TEXT_MAX - (size_t)len,
				text + len);
	while (got > 0 && (len += got) < TEXT_MAX);
	return (size_t)len;
}

static uint64_t pages_of(const struct pmk_task *task)
{
	struct pmk_cursor c;
	uint64_t n = 0;

	for (const struct pmk_run *run = pmk_runs_seek(&task->mm->vma, 0, &c); run;
	     run = pmk_runs_next(&c))
		n += run->end - run->start;
	return n;
}

/* ---- there and back ------------------------------------------------------------------------------ */

static uint64_t named_flags(uint64_t flags)
{
	uint64_t named = 0;

	for (unsigned bit = 0; bit < 64; bit++)
		named |= pmk_kpageflags_bit(bit) ? UINT64_C(1) << bit : 0;
	return flags & named;
}

static void check_frame(struct pmk_machine *a, struct pmk_machine *b, uint64_t pfn)
{
	for (int file = PMK_FILE_KPAGECOUNT; file <= PMK_FILE_KPAGECGROUP; file++) {
		uint64_t x = 0, y = 0;

		if (words(&(struct source){ a, 0 }, (enum pmk_file)file, pfn, 1, &x) != 1)
			continue;
		words(&(struct source){ b, 0 }, (enum pmk_file)file, pfn, 1, &y);
		if (file == PMK_FILE_KPAGEFLAGS)
			x = named_flags(x);
		if (x != y)
			SAY("%s of frame %#jx: %#jx, then %#jx\n", pmk_file_name[file],
			    (uintmax_t)pfn, (uintmax_t)x, (uintmax_t)y);
		CHECK(x == y, "kpage* of a frame is the same");
	}
}

static void check_pages(const struct source *a, const struct source *b, uint64_t first,
			uint64_t end)
{
	uint64_t x[WORDS], y[WORDS];

	for (uint64_t at = first; at < end; at += WORDS) {
		size_t n = end - at < WORDS ? (size_t)(end - at) : WORDS;
		int64_t got = words((void *)(uintptr_t)a, PMK_FILE_PAGEMAP, at, n, x);

		CHECK(words((void *)(uintptr_t)b, PMK_FILE_PAGEMAP, at, n, y) == got,
		      "pagemap is as long");
		for (int64_t i = 0; i < got; i++) {
			if (x[i] != y[i])
				SAY("page %#jx: %#jx, then %#jx\n", (uintmax_t)(at + (uint64_t)i),
				    (uintmax_t)x[i], (uintmax_t)y[i]);
			CHECK(x[i] == y[i], "pagemap is the same");
			if (x[i] & PMK_PAGEMAP_PRESENT_MASK && x[i] & PMK_PAGEMAP_FRAME_MASK)
				check_frame(a->m, b->m, x[i] & PMK_PAGEMAP_FRAME_MASK);
		}
	}
}

static char before[TEXT_MAX], after[TEXT_MAX];

static void check_process(const struct source *a, const struct source *b,
			  const struct pmk_task *task)
{
	size_t len = maps_of(a, before);
	struct pmk_cursor c;

	if (maps_of(b, after) != len || memcmp(before, after, len))
		SAY("%.*s---\n%s", (int)len, before, after);
	CHECK(maps_of(b, after) == len && !memcmp(before, after, len), "maps is the same");
	for (const struct pmk_run *run = pmk_runs_seek(&task->mm->vma, 0, &c); run;
	     run = pmk_runs_next(&c))
		check_pages(a, b, run->start, run->end);
}

static bool taken(const struct pmk_task *task)
{
	return task->mm && task->mm->users && pages_of(task) <= PAGES_MAX;
}

/* The script of all processes; free() it.  NULL: there is none to capture. */
static char *capture(struct pmk_machine *m, size_t *ret_len)
{
	struct pmk_capture *c = pmk_capture_create(pmk_profile_page_size(&m->profile), true);
	struct pmk_error err = { .line = 0 };
	char *text = NULL;
	int n = 0;

	for (size_t i = 0; i < m->ntasks && n < PROCESSES_MAX; i++) {
		struct source s = { m, m->task[i]->pid };
		struct pmk_capture_process p = { .pid = s.pid,
						 .uid = m->task[i]->cred.uid,
						 .comm = m->task[i]->comm,
						 .maps = before,
						 .root = "f" };

		if (!taken(m->task[i]))
			continue;
		p.maps_len = maps_of(&s, before);
		if (pmk_capture_add(c, &p, words, &s, &err))
			SAY("f:%u: %s\n", err.line, err.text);
		CHECK(!err.text[0], "what the files show can be captured");
		n++;
	}
	if (n) {
		FILE *out = open_memstream(&text, ret_len);

		pmk_capture_frames(c, words, &(struct source){ m, 0 });
		CHECK(out && !pmk_capture_write(c, m->profile.name, out) && !fclose(out),
		      "a capture is written");
	}
	pmk_capture_destroy(c);
	return text;
}

static void there_and_back(struct pmk_machine *m)
{
	struct pmk_world *w;
	struct pmk_stage *again;
	size_t len = 0;
	char *text;
	int n = 0;

	m->nfaults = 0;
	text = capture(m, &len);
	if (!text)
		return;
	SAY("%s", text);
	w = pmk_world_model_create();
	again = pmk_stage_create(w);
	CHECK(play(again, text, len, true), "a capture does something");
	for (size_t i = 0; i < m->ntasks && n < PROCESSES_MAX; i++) {
		struct source a = { m, m->task[i]->pid }, b = { machine_of(again), a.pid };

		if (taken(m->task[i])) {
			check_process(&a, &b, m->task[i]);
			n++;
		}
	}
	pmk_stage_destroy(again);
	w->ops->destroy(w);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pmk_world *w = pmk_world_model_create();
	struct pmk_stage *stage = pmk_stage_create(w);

	if (play(stage, (const char *)data, size, false))
		there_and_back(machine_of(stage));
	pmk_stage_destroy(stage);
	w->ops->destroy(w);
	return 0;
}
