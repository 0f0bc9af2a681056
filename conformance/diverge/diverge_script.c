/* SPDX-License-Identifier: MIT */
/*
 * diverge_script.c - operations as a script of the language, with what the kernel shows; and scripts of the
 * language played in both worlds at once.
 */
#include "diverge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "pagemapkit.h"
#include "stage.h"

/* ---- writing: operations ------------------------------------------------------------------------ */

/* The whole arena as one region: a name for every page of it, mapped or not. */
static void write_arena(FILE *out, int proc, uint64_t addr, unsigned pages)
{
	const char *p = pmk_op_proc_name[proc];

	fprintf(out, "%s: map arena %u anon private rw at=%#llx\n%s: munmap arena\n", p, pages,
		(unsigned long long)addr, p);
}

static void write_result(FILE *out, int64_t result)
{
	if (pmk_is_signal(result))
		fprintf(out, " -> %s", pmk_signal_name((int)(-100000 - result)));
	else if (result < 0)
		fprintf(out, " -> %s", pmk_errno_name((int)-result));
	fputc('\n', out);
}

static bool write_op(struct pmk_pair *pair, unsigned pages, const struct pmk_op *op, FILE *out,
		     struct pmk_difference *d)
{
	uint64_t arena = pmk_ops_arena(pair, pages);
	bool alive = pmk_op_info[op->id].request == PMK_REQ_OBJECT
			     ? op->object == pmk_pair_objects(pair)
			     : pmk_pair_alive(pair, op->proc);
	bool agree = pmk_ops_step(pair, pages, op, d);
	char text[200];

	if (!alive)
		return true;
	pmk_op_text(op, arena, pmk_profile_page_size(pmk_pair_profile(pair)), text, sizeof(text));
	fputs(text, out);
	write_result(out, op->id == PMK_OP_EXIT || op->id == PMK_OP_SCAN_PROTECT
				  ? 0
				  : d->result[PMK_SIDE_KERNEL]);
	if (op->id == PMK_OP_EXIT)
		fprintf(out, "%s: reap\n", pmk_op_proc_name[op->proc]);
	if (op->id == PMK_OP_EXEC)
		write_arena(out, op->proc, arena, pages);
	return agree;
}

/* ---- writing: what is seen ---------------------------------------------------------------------- */

static void write_range(FILE *out, int proc, const char *word, uint64_t first, uint64_t n)
{
	fprintf(out, "%s: %s arena[%" PRIu64, pmk_op_proc_name[proc], word, first);
	if (n > 1)
		fprintf(out, "-%" PRIu64, first + n - 1);
	fputc(']', out);
}

static void write_flags(FILE *out, uint64_t word)
{
	char names[80] = "";
	size_t n = pmk_pagemap_to_names(word & ~PMK_PAGEMAP_SOFT_DIRTY_MASK, names, sizeof(names));

	for (size_t i = 0; i < n && i < sizeof(names); i++)
		if (names[i] == ',' || names[i] == '|')
			names[i] = ' ';
	fprintf(out, " %s", *names ? names : "none");
}

/* The entries of a process, run by run; with frames or slots by name when the difference is about these. */
static void write_entries(struct pmk_pair *pair, int proc, uint64_t arena, unsigned pages,
			  bool names, FILE *out)
{
	for (uint64_t i = 0, n; i < pages; i += n) {
		uint64_t word = pmk_pair_entry(pair, proc, arena + i);
		uint64_t frame = word & PMK_PAGEMAP_FRAME_MASK;
		bool name = names && word >> 62 && (word >> 63 || (frame & 31) < 24);

		for (n = 1; !name && i + n < pages; n++)
			if (pmk_pair_entry(pair, proc, arena + i + n) >> 55 != word >> 55)
				break;
		if (!word)
			continue;
		write_range(out, proc, "entry", i, n);
		write_flags(out, word);
		if (name && word >> 63)
			fprintf(out, " pfn=f%" PRIx64, frame);
		else if (name)
			fprintf(out, " offset=s%" PRIx64, frame >> 5);
		fputc('\n', out);
	}
}

/* Lines that meet and look alike, so that it can be told that they have not merged. */
struct stretch {
	uint64_t first, end, lines;
	unsigned perms;
};

static void write_stretch(FILE *out, int proc, const struct stretch *s)
{
	if (!s->lines)
		return;
	write_range(out, proc, "maps", s->first, s->end - s->first);
	fprintf(out, " %s%s%s%s lines=%" PRIu64 "\n", s->perms & PMK_MAPS_READ ? "r" : "-",
		s->perms & PMK_MAPS_WRITE ? "w" : "-", s->perms & PMK_MAPS_EXEC ? "x" : "-",
		s->perms & PMK_MAPS_SHARED ? " shared" : "", s->lines);
}

static void write_maps(struct pmk_pair *pair, int proc, uint64_t arena, unsigned pages,
		       uint64_t page, FILE *out)
{
	const char *line = pmk_pair_maps(pair, proc), *nl;
	struct stretch s = { .lines = 0 };

	for (; (nl = strchr(line, '\n')); line = nl + 1) {
		struct pmk_maps_line m;
		uint64_t first;

		if (pmk_maps_parse(line, (size_t)(nl - line), &m) < 0)
			continue;
		first = m.start / page - arena;
		if (first >= pages)
			continue;
		if (!s.lines || s.end != first || s.perms != m.perms) {
			write_stretch(out, proc, &s);
			s = (struct stretch){ .first = first, .perms = m.perms };
		}
		s.end = m.end / page - arena;
		s.lines++;
	}
	write_stretch(out, proc, &s);
}

static void write_frame(struct pmk_pair *pair, const struct pmk_difference *d, uint64_t arena,
			FILE *out)
{
	uint64_t pfn = pmk_pair_entry(pair, d->proc, d->page) & PMK_PAGEMAP_FRAME_MASK;
	uint64_t flags = pmk_pair_kpage(pair, PMK_FILE_KPAGEFLAGS, pfn);

	write_range(out, d->proc, "frame", d->page - arena, 1);
	for (unsigned i = 0; i < 64; i++)
		if (d->bits >> i & 1 && pmk_kpageflags_bit(i))
			fprintf(out, " %s%s", flags >> i & 1 ? "" : "!",
				pmk_kpageflags_bit(i)->name);
	if (d->aspect == PMK_ASPECT_MAPCOUNT)
		fprintf(out, " count=%" PRIu64, pmk_pair_kpage(pair, PMK_FILE_KPAGECOUNT, pfn));
	fputc('\n', out);
}

static void write_sight(struct pmk_pair *pair, unsigned pages, const struct pmk_difference *d,
			FILE *out)
{
	uint64_t page = pmk_profile_page_size(pmk_pair_profile(pair));
	uint64_t arena = pmk_ops_arena(pair, pages) / page;
	bool names = d->aspect == PMK_ASPECT_FRAME || d->aspect == PMK_ASPECT_SLOT;

	pmk_pair_look(pair);
	fputc('\n', out);
	if (d->aspect == PMK_ASPECT_MAPS) {
		write_maps(pair, d->proc, arena, pages, page, out);
		return;
	}
	for (int p = 0; p < PMK_PAIR_PROCS; p++)
		if (pmk_pair_alive(pair, p) && (names || p == d->proc))
			write_entries(pair, p, arena, pages, names, out);
	if (d->aspect == PMK_ASPECT_ENTRY && !pmk_pair_entry(pair, d->proc, d->page)) {
		write_range(out, d->proc, "entry", d->page - arena, 1);
		fprintf(out, " none\n");
	}
	if (d->aspect == PMK_ASPECT_FLAGS || d->aspect == PMK_ASPECT_MAPCOUNT)
		write_frame(pair, d, arena, out);
}

/* In canonical form, which also proves that it can be parsed. */
static int print(const char *text, size_t len, FILE *out, struct pmk_error *err)
{
	struct pmk_script *script = pmk_script_parse("diverge", text, len, err);
	int result;

	if (!script) {
		fwrite(text, 1, len, out);
		return -1;
	}
	result = pmk_script_print(script, out);
	pmk_script_destroy(script);
	return result;
}

int pmk_ops_write(struct pmk_pair *pair, const struct pmk_ops *ops,
		  const struct pmk_difference *difference, FILE *out, struct pmk_error *err)
{
	uint64_t page = pmk_profile_page_size(pmk_pair_profile(pair));
	uint64_t arena = pmk_ops_arena(pair, ops->pages);
	struct pmk_difference d = *difference;
	char *text = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&text, &len);
	int result;

	if (!memory || pmk_ops_begin(pair, ops->pages, err))
		return -1;
	fprintf(memory, "# %s, %s, arena[%" PRIu64 "]: %s.\nscenario 1\nneeds root swap\n\n",
		pmk_aspect_word[d.aspect], pmk_op_proc_name[d.proc < 0 ? 0 : d.proc],
		d.page ? d.page - arena / page : 0, d.text);
	write_arena(memory, 0, arena, ops->pages);
	for (unsigned i = 0; i < ops->n; i++)
		if (!write_op(pair, ops->pages, &ops->op[i], memory, &d))
			break;
	write_sight(pair, ops->pages, &d, memory);
	fclose(memory);
	result = print(text, len, out, err);
	free(text);
	return result;
}

/* ---- replaying: a world that is two ------------------------------------------------------------- */

struct tee {
	struct pmk_world world;
	struct pmk_pair *pair;
	struct pmk_difference difference;
	bool differs;
};

static int tee_reset(struct pmk_world *w, const struct pmk_profile *profile, struct pmk_error *err)
{
	struct tee *tee = (struct tee *)w;

	(void)profile; /* the running kernel's */
	return pmk_pair_reset(tee->pair, err);
}

static int64_t tee_request(struct pmk_world *w, const struct pmk_request *r)
{
	struct tee *tee = (struct tee *)w;
	uint64_t page = pmk_profile_page_size(pmk_pair_profile(tee->pair));

	if (r->code == PMK_REQ_MMAP)
		pmk_pair_watch(tee->pair, r->addr / page, r->len / page);
	if (r->code == PMK_REQ_MREMAP && r->a[1])
		pmk_pair_watch(tee->pair, (uint64_t)r->a[1] / page, (uint64_t)r->a[0] / page);
	if (r->code >= PMK_REQ_OPEN) /* the two worlds' files are compared anyway */
		return -ENOSYS;
	if (!tee->differs)
		tee->differs = !pmk_pair_do(tee->pair, r, &tee->difference);
	return tee->difference.result[PMK_SIDE_KERNEL];
}

static bool tee_has(struct pmk_world *w, enum pmk_feature feature, const char **why)
{
	struct pmk_world *kernel = pmk_pair_world(((struct tee *)w)->pair, PMK_SIDE_KERNEL);

	return kernel->ops->has(kernel, feature, why);
}

static uint64_t tee_fact(struct pmk_world *w, int fact)
{
	struct pmk_world *kernel = pmk_pair_world(((struct tee *)w)->pair, PMK_SIDE_KERNEL);

	return kernel->ops->fact(kernel, fact);
}

static const struct pmk_world_ops tee_ops = {
	.name = "tee",
	.id = PMK_WORLD_KERNEL,
	.reset = tee_reset,
	.request = tee_request,
	.has = tee_has,
	.fact = tee_fact,
};

/* What a statement of a replay is for; the others are passed over. */
static bool plays(const struct pmk_stmt *stmt)
{
	return pmk_stmt_info[stmt->id].kind == PMK_OP && stmt->id != PMK_STMT_CLEAR_REFS;
}

int pmk_pair_replay(struct pmk_pair *pair, const char *path, struct pmk_difference *ret,
		    unsigned *ret_line, struct pmk_error *err)
{
	struct tee tee = { .world = { &tee_ops }, .pair = pair };
	struct pmk_script *script = pmk_script_load(path, err);
	struct pmk_stage *stage;
	int result = -1;

	if (!script)
		return -1;
	stage = pmk_stage_create(&tee.world);
	if (pmk_pair_reset(pair, err))
		goto out;
	for (size_t i = 0; i < script->nstmts; i++) {
		const struct pmk_stmt *stmt = &script->stmt[i];

		*ret_line = stmt->line;
		if (!plays(stmt) || !pmk_stage_holds(stage, path, stmt, err))
			continue;
		if (pmk_stage_do(stage, path, stmt, err) == PMK_BROKEN && !tee.differs)
			goto out;
		if (tee.differs)
			break;
	}
	*ret = tee.difference;
	result = tee.differs;
out:
	pmk_stage_destroy(stage);
	pmk_script_destroy(script);
	return result;
}
