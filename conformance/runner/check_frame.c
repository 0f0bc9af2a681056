/* SPDX-License-Identifier: MIT */
/* check_frame.c - `frame`: kpageflags, kpagecount and kpagecgroup of frames. */
#include "check_internal.h"

/* One `frame` statement being checked. */
struct frame {
	struct pmk_check *c;
	const struct pmk_stmt *stmt;
	const struct pmk_arg *count, *cgroup, *idle, *raw;
	uint64_t set, clear;
	char where[64]; /* "heap[3] (pfn 0x12)" */
	struct pmk_text *why;
};

/* ---- one frame, one file ------------------------------------------------------------------------ */

static void expected(const struct frame *f)
{
	char words[256] = "";
	struct pmk_text text = PMK_TEXT(words);

	pmk_check_expected(f->stmt, 1, &text);
	pmk_text_add(f->why, "frame %s: expected '%s', ", f->where, words);
}

static enum pmk_outcome wrong_flags(const struct frame *f, uint64_t word)
{
	uint64_t wrong = (~word & f->set) | (word & f->clear);
	const char *separator = "";
	char names[512];

	expected(f);
	pmk_kpageflags_to_names(word, names, sizeof(names));
	pmk_text_add(f->why, "saw '%s' %#llx (", names, (unsigned long long)word);
	for (unsigned bit = 0; bit < 64; bit++) {
		const struct pmk_bit *known = pmk_kpageflags_bit(bit);

		if (!(wrong >> bit & 1))
			continue;
		pmk_text_add(f->why, "%s%s is %s", separator, known ? known->name : "a bit",
			     word >> bit & 1 ? "set" : "clear");
		separator = ", ";
	}
	pmk_text_add(f->why, "%s)", wrong ? "" : "the word is another");
	return PMK_WRONG;
}

static enum pmk_outcome check_flags(const struct frame *f, uint64_t word, uint64_t index)
{
	(void)index;
	if ((word & f->set) == f->set && !(word & f->clear) && (!f->raw || word == f->raw->n))
		return PMK_DONE;
	return wrong_flags(f, word);
}

static enum pmk_outcome check_count(const struct frame *f, uint64_t word, uint64_t index)
{
	(void)index;
	if (pmk_check_number(f->count, 0, word))
		return PMK_DONE;
	expected(f);
	pmk_text_add(f->why, "saw count %lld", (long long)word);
	return PMK_WRONG;
}

/* A symbol of a cgroup is one value for all frames. */
static enum pmk_outcome check_cgroup(const struct frame *f, uint64_t word, uint64_t index)
{
	char reason[160] = "";
	struct pmk_text text = PMK_TEXT(reason);
	uint64_t made = f->cgroup->text ? pmk_stage_cgroup(f->c->stage, f->cgroup->text) : 0;

	(void)index;
	if (made) {
		if (word == made)
			return PMK_DONE;
		pmk_text_add(&text, "its inode is %llu", (unsigned long long)made);
	} else if (!f->cgroup->text) {
		if (pmk_check_number(f->cgroup, 0, word))
			return PMK_DONE;
	} else if (pmk_symbols_bind(f->c->symbols, PMK_SYMBOL_CGROUP, f->cgroup->text, 0, word, 1,
				    &text)) {
		return PMK_DONE;
	}
	expected(f);
	pmk_text_add(f->why, "saw cgroup %llu%s%s%s", (unsigned long long)word, *reason ? " (" : "",
		     reason, *reason ? ")" : "");
	return PMK_WRONG;
}

/* ---- frames -------------------------------------------------------------------------------------- */

typedef enum pmk_outcome check_word(const struct frame *f, uint64_t word, uint64_t index);

static enum pmk_outcome unreadable(const struct frame *f, enum pmk_file file, int64_t result)
{
	pmk_text_add(f->why, "frame %s: %s: ", f->where, pmk_file_name[file]);
	pmk_check_result(result, f->why);
	return PMK_WRONG;
}

/* n consecutive frames; `region` and `page`: whose and which page the first is, or NULL. */
static enum pmk_outcome check_file(struct frame *f, enum pmk_file file, check_word *check,
				   uint64_t pfn, size_t n, const char *region, uint64_t page)
{
	struct pmk_check_source source = { PMK_OBSERVER, (int)file };
	struct pmk_text where = PMK_TEXT(f->where);
	int64_t result = pmk_check_open(f->c, file, 0);
	enum pmk_outcome outcome = PMK_DONE;

	if (result == 0)
		result = pmk_check_read(f->c, source, pfn, n, f->c->frames);
	if (result > 0 && file == PMK_FILE_KPAGEFLAGS)
		pmk_seen_flags(&f->c->seen, f->c->frames, (size_t)result);
	if (result > 0 && file == PMK_FILE_KPAGECOUNT)
		pmk_seen_counts(&f->c->seen, f->c->frames, (size_t)result);
	for (size_t i = 0; i < n && outcome == PMK_DONE; i++) {
		pmk_text_clear(&where);
		if (region)
			pmk_text_add(&where, "%s[%llu] (", region, (unsigned long long)(page + i));
		pmk_text_add(&where, "pfn %#llx%s", (unsigned long long)(pfn + i),
			     region ? ")" : "");
		if (result <= (int64_t)i)
			return unreadable(f, file, result < 0 ? result : 0);
		outcome = check(f, f->c->frames[i], i);
	}
	return outcome;
}

/* The bits of n frames, each word read once: looking has an effect, on all 64 frames of a word. */
static enum pmk_outcome check_idle(struct frame *f, uint64_t pfn, size_t n)
{
	struct pmk_check_source source = { PMK_OBSERVER, PMK_FILE_PAGE_IDLE };
	int64_t result = pmk_check_open(f->c, PMK_FILE_PAGE_IDLE, 0);
	uint64_t word;

	for (size_t i = 0; i < n; i++) {
		if (result >= 0 && (!i || !((pfn + i) % 64)))
			result = pmk_check_read(f->c, source, (pfn + i) / 64, 1, &word);
		if (result <= 0)
			return unreadable(f, PMK_FILE_PAGE_IDLE, result);
		if (pmk_check_number(f->idle, 0, word >> (pfn + i) % 64 & 1))
			continue;
		expected(f);
		pmk_text_add(f->why, "saw idle %d of pfn %#llx", (int)(word >> (pfn + i) % 64 & 1),
			     (unsigned long long)(pfn + i));
		return PMK_WRONG;
	}
	return PMK_DONE;
}

static enum pmk_outcome check_frames(struct frame *f, uint64_t pfn, size_t n, const char *region,
				     uint64_t page)
{
	enum pmk_outcome outcome = PMK_DONE;

	if (f->set || f->clear || f->raw)
		outcome = check_file(f, PMK_FILE_KPAGEFLAGS, check_flags, pfn, n, region, page);
	if (outcome == PMK_DONE && f->count)
		outcome = check_file(f, PMK_FILE_KPAGECOUNT, check_count, pfn, n, region, page);
	if (outcome == PMK_DONE && f->cgroup)
		outcome = check_file(f, PMK_FILE_KPAGECGROUP, check_cgroup, pfn, n, region, page);
	if (outcome == PMK_DONE && f->idle)
		outcome = check_idle(f, pfn, n);
	return outcome;
}

static enum pmk_outcome check_pfns(struct frame *f, uint64_t first, uint64_t last)
{
	enum pmk_outcome outcome = PMK_DONE;

	while (outcome == PMK_DONE && first <= last) {
		size_t n = PMK_CHECK_WORDS;

		if (last - first < n)
			n = (size_t)(last - first + 1);
		outcome = check_frames(f, first, n, NULL, 0);
		first += n;
	}
	return outcome;
}

static enum pmk_outcome no_frame(const struct frame *f, const char *region, uint64_t page,
				 uint64_t word)
{
	bool hidden = word & PMK_PAGEMAP_PRESENT_MASK;

	pmk_text_add(f->why, "%s[%llu]: expected a frame, saw '", region, (unsigned long long)page);
	pmk_check_entry_words(word, f->why);
	pmk_text_add(
		f->why, "' 0x%016llx%s", (unsigned long long)word,
		hidden ? ": the observer may not see frames; the script should say 'needs root'"
		       : "");
	return hidden ? PMK_BROKEN : PMK_WRONG;
}

/* The frames of the pages whose words have been read: stretches of consecutive PFNs at a time. */
static enum pmk_outcome check_pages(struct frame *f, const char *region, uint64_t page, size_t n)
{
	const uint64_t *words = f->c->words;
	enum pmk_outcome outcome = PMK_DONE;
	size_t start, end;

	for (start = 0; start < n && outcome == PMK_DONE; start = end) {
		uint64_t pfn = words[start] & PMK_PAGEMAP_FRAME_MASK;

		if (!(words[start] & PMK_PAGEMAP_PRESENT_MASK) || !pfn)
			return no_frame(f, region, page + start, words[start]);
		for (end = start + 1; end < n; end++)
			if (!(words[end] & PMK_PAGEMAP_PRESENT_MASK) ||
			    (words[end] & PMK_PAGEMAP_FRAME_MASK) != pfn + (end - start))
				break;
		outcome = check_frames(f, pfn, end - start, region, page + start);
	}
	return outcome;
}

static enum pmk_outcome check_span(struct frame *f, const struct pmk_region *region,
				   struct pmk_span span)
{
	struct pmk_check_source source = { PMK_OBSERVER, PMK_FILE_PAGEMAP };
	uint64_t base = region->addr / f->c->page_size, page = span.first;
	enum pmk_outcome outcome = PMK_DONE;

	while (outcome == PMK_DONE && page <= span.last) {
		size_t n = PMK_CHECK_WORDS;
		int64_t got;

		if (span.last - page < n)
			n = (size_t)(span.last - page + 1);
		got = pmk_check_read(f->c, source, base + page, n, f->c->words);
		if (got <= 0) {
			pmk_text_add(f->why, "%s[%llu]: reading pagemap: ", region->name,
				     (unsigned long long)page);
			pmk_check_result(got, f->why);
			return PMK_WRONG;
		}
		outcome = check_pages(f, region->name, page, (size_t)got);
		page += (uint64_t)got;
	}
	return outcome;
}

/* ---- what the statement names -------------------------------------------------------------------- */

static enum pmk_outcome check_region(struct frame *f)
{
	const struct pmk_span *span = NULL;
	enum pmk_outcome outcome;
	struct pmk_region region;
	struct pmk_span whole;
	int64_t result;
	size_t n;
	int proc;

	outcome = pmk_check_region(f->c, f->stmt, &f->stmt->arg[0], &proc, &region, f->why);
	if (outcome != PMK_DONE)
		return outcome;
	result = pmk_check_open(f->c, PMK_FILE_PAGEMAP, proc);
	if (result < 0) {
		pmk_text_add(f->why, "opening pagemap of %s: ", f->stmt->subject);
		pmk_check_result(result, f->why);
		return PMK_WRONG;
	}
	n = pmk_check_spans(&f->stmt->arg[0], &region, &whole, &span);
	for (size_t i = 0; i < n && outcome == PMK_DONE; i++)
		outcome = check_span(f, &region, span[i]);
	pmk_check_close(f->c, PMK_FILE_PAGEMAP);
	return outcome;
}

static enum pmk_outcome check_hole(struct frame *f)
{
	uint64_t pfn = f->c->world->ops->fact(f->c->world, PMK_FACT_HOLE);

	if (pfn != UINT64_MAX)
		return check_pfns(f, pfn, pfn);
	pmk_text_add(f->why, "no hole here; the script should say 'needs ram.hole'");
	return PMK_BROKEN;
}

enum pmk_outcome pmk_check_frame(struct pmk_check *c, const struct pmk_stmt *stmt,
				 struct pmk_text *why)
{
	struct frame f = { .c = c, .stmt = stmt, .why = why };
	enum pmk_outcome outcome = PMK_DONE;

	f.count = pmk_stmt_opt(stmt, PMK_OPT_COUNT);
	f.cgroup = pmk_stmt_opt(stmt, PMK_OPT_CGROUP);
	f.idle = pmk_stmt_opt(stmt, PMK_OPT_IDLE);
	f.raw = pmk_stmt_opt(stmt, PMK_OPT_FLAGS_RAW);
	if (stmt->nargs > 1) {
		f.set = stmt->arg[1].set;
		f.clear = stmt->arg[1].clear;
	}
	if (stmt->arg[0].base == PMK_BASE_REGION)
		return check_region(&f);
	if (stmt->arg[0].base == PMK_BASE_HOLE)
		return check_hole(&f);
	for (size_t i = 0; i < stmt->arg[0].nspans && outcome == PMK_DONE; i++)
		outcome = check_pfns(&f, stmt->arg[0].span[i].first, stmt->arg[0].span[i].last);
	return outcome;
}
