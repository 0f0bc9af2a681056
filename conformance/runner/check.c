/* SPDX-License-Identifier: MIT */
/* check.c - expectations: what they have in common, and trying again on a live kernel. */
#include "check_internal.h"

#include <sched.h>
#include <string.h>

#include "alloc.h"

/* How often an expectation is tried on a running kernel (KP-RACE). */
#define ATTEMPTS 5

static const struct checker {
	enum pmk_stmt_id id;
	enum pmk_outcome (*check)(struct pmk_check *c, const struct pmk_stmt *stmt,
				  struct pmk_text *why);
} checkers[] = {
	{ PMK_STMT_ENTRY, pmk_check_entry },	 { PMK_STMT_FRAME, pmk_check_frame },
	{ PMK_STMT_MAPS, pmk_check_maps },	 { PMK_STMT_SCANNED, pmk_check_scanned },
	{ PMK_STMT_QUERIED, pmk_check_queried }, { PMK_STMT_FIELD, pmk_check_field },
};

struct pmk_check *pmk_check_create(struct pmk_stage *stage)
{
	struct pmk_check *c = pmk_calloc(1, sizeof(*c));

	c->stage = stage;
	c->world = pmk_stage_world(stage);
	c->symbols = pmk_symbols_create();
	pmk_seen_init(&c->seen);
	c->page_size = c->world->ops->fact(c->world, PMK_FACT_PAGE_SIZE);
	c->words = pmk_alloc(PMK_CHECK_WORDS * sizeof(*c->words));
	c->frames = pmk_alloc(PMK_CHECK_WORDS * sizeof(*c->frames));
	return c;
}

void pmk_check_destroy(struct pmk_check *c)
{
	if (!c)
		return;
	for (int file = 0; file < PMK_FILE_COUNT; file++)
		pmk_check_close(c, (enum pmk_file)file);
	pmk_symbols_destroy(c->symbols);
	free(c->words);
	free(c->frames);
	free(c);
}

static const struct checker *checker_of(enum pmk_stmt_id id)
{
	for (size_t i = 0; i < sizeof(checkers) / sizeof(*checkers); i++)
		if (checkers[i].id == id)
			return &checkers[i];
	return NULL;
}

enum pmk_outcome pmk_check_do(struct pmk_check *c, const struct pmk_stmt *stmt,
			      struct pmk_text *why)
{
	int attempts = c->world->ops->id == PMK_WORLD_KERNEL ? ATTEMPTS : 1;
	const struct checker *checker = checker_of(stmt->id);
	enum pmk_outcome outcome = PMK_BROKEN;

	if (!checker) {
		pmk_text_add(why, "nobody checks '%s'", pmk_stmt_info[stmt->id].word);
		return PMK_BROKEN;
	}
	pmk_seen_line(&c->seen, stmt->line);
	while (attempts--) {
		pmk_text_clear(why);
		pmk_seen_again(&c->seen);
		outcome = checker->check(c, stmt, why);
		if (outcome != PMK_WRONG)
			break;
		pmk_symbols_rollback(c->symbols);
		if (attempts)
			sched_yield();
	}
	pmk_symbols_commit(c->symbols);
	return outcome;
}

const char *pmk_check_seen(struct pmk_check *c)
{
	return pmk_seen_text(&c->seen);
}

/* ---- what the statement names ----------------------------------------------------------------- */

enum pmk_outcome pmk_check_region(struct pmk_check *c, const struct pmk_stmt *stmt,
				  const struct pmk_arg *range, int *ret_proc,
				  struct pmk_region *ret, struct pmk_text *why)
{
	const struct pmk_region *region;
	int proc;

	if (!stmt->subject) {
		pmk_text_add(why, "%s: whose? expected a process in front", range->text);
		return PMK_BROKEN;
	}
	proc = pmk_stage_proc(c->stage, stmt->subject);
	if (proc < 0) {
		pmk_text_add(why, "no process '%s'", stmt->subject);
		return PMK_BROKEN;
	}
	region = pmk_stage_region(c->stage, proc, range->text);
	if (!region) {
		pmk_text_add(why, "no region '%s' in %s", range->text, stmt->subject);
		return PMK_BROKEN;
	}
	*ret_proc = proc;
	*ret = *region;
	return PMK_DONE;
}

size_t pmk_check_spans(const struct pmk_arg *range, const struct pmk_region *region,
		       struct pmk_span *whole, const struct pmk_span **ret)
{
	if (range->nspans) {
		*ret = range->span;
		return range->nspans;
	}
	*whole = (struct pmk_span){ 0, region->pages - 1 };
	*ret = whole;
	return region->pages ? 1 : 0;
}

/* ---- files ------------------------------------------------------------------------------------ */

int64_t pmk_check_open(struct pmk_check *c, enum pmk_file file, int proc)
{
	struct pmk_request open = { .code = PMK_REQ_OPEN, .proc = PMK_OBSERVER };
	int64_t result;

	if (c->open[file] && pmk_file_is_kpage(file))
		return 0;
	pmk_check_close(c, file);
	open.handle = (int)file;
	open.file = file;
	open.a[3] = proc;
	result = pmk_world_request(c->world, &open);
	if (result < 0)
		return result;
	c->open[file] = true;
	return 0;
}

void pmk_check_close(struct pmk_check *c, enum pmk_file file)
{
	struct pmk_request close = { .code = PMK_REQ_CLOSE, .proc = PMK_OBSERVER };

	if (!c->open[file])
		return;
	close.handle = (int)file;
	pmk_world_request(c->world, &close);
	c->open[file] = false;
}

int64_t pmk_check_read(struct pmk_check *c, struct pmk_check_source source, uint64_t at, size_t n,
		       uint64_t *words)
{
	size_t got = 0;

	while (got < n * 8) {
		struct pmk_request read = {
			.code = PMK_REQ_PREAD,
			.proc = source.proc,
			.handle = source.handle,
			.pos = (int64_t)(at * 8 + got),
			.len = n * 8 - got,
			.buf = (char *)words + got,
		};
		int64_t result = pmk_world_request(c->world, &read);

		if (result < 0)
			return result;
		if (result == 0)
			break;
		got += (size_t)result;
	}
	return (int64_t)(got / 8);
}

/* ---- words ------------------------------------------------------------------------------------ */

static void add_option(const char *key, const struct pmk_arg *opt, struct pmk_text *text)
{
	pmk_text_add(text, "%s%s%s", text->len ? " " : "", key, opt->greater ? ">" : "=");
	if (opt->text)
		pmk_text_add(text, "%.*s", (int)opt->text_len, opt->text);
	else
		pmk_text_add(text, opt->n > 9 ? "%#llx" : "%llu", (unsigned long long)opt->n);
}

void pmk_check_expected(const struct pmk_stmt *stmt, unsigned arg, struct pmk_text *text)
{
	const struct pmk_stmt_info *info = &pmk_stmt_info[stmt->id];

	if (arg < stmt->nargs)
		for (size_t i = 0; i < stmt->arg[arg].nwords; i++)
			pmk_text_join(text, " ", stmt->arg[arg].words[i]);
	for (size_t i = 0; info->opts[i] != PMK_OPT_NONE; i++) {
		const struct pmk_arg *opt = pmk_stmt_opt(stmt, (enum pmk_opt_id)info->opts[i]);

		/* how it is read is not expected, and maps shows `shared` as an s */
		if (opt && info->opts[i] != PMK_OPT_VIA && info->opts[i] != PMK_OPT_SHARED)
			add_option(pmk_opt_info[info->opts[i]].key, opt, text);
	}
}

void pmk_check_entry_words(uint64_t word, struct pmk_text *text)
{
	/* in the order in which scripts write them */
	static const unsigned char bits[] = { 63, 62, 61, 56, 55, 57, 58 };
	size_t before = text->len;

	for (size_t i = 0; i < sizeof(bits); i++)
		if (word >> bits[i] & 1)
			pmk_text_add(text, "%s%s", text->len > before ? " " : "",
				     pmk_pagemap_bit(bits[i])->name);
	if (text->len == before)
		pmk_text_add(text, "none");
}

void pmk_check_result(int64_t result, struct pmk_text *text)
{
	const char *name = NULL;

	if (pmk_is_signal(result))
		name = pmk_signal_name((int)(-100000 - result));
	else if (result < 0)
		name = pmk_errno_name((int)-result);
	else if (result == 0)
		name = "end of file";
	if (name)
		pmk_text_add(text, "%s", name);
	else
		pmk_text_add(text, "%lld", (long long)result);
}

bool pmk_check_number(const struct pmk_arg *opt, uint64_t index, uint64_t value)
{
	return opt->greater ? value > opt->n : value == opt->n + index;
}
