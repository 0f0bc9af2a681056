/* SPDX-License-Identifier: MIT */
/* check_entry.c - `entry`: the pagemap words of a range of pages, flag by flag. */
#include "check_internal.h"

#define KNOWN_FLAGS                                                                            \
	(PMK_PAGEMAP_SOFT_DIRTY_MASK | PMK_PAGEMAP_EXCLUSIVE_MASK | PMK_PAGEMAP_UFFD_WP_MASK | \
	 PMK_PAGEMAP_GUARD_MASK | PMK_PAGEMAP_FILE_MASK | PMK_PAGEMAP_SWAP_MASK |              \
	 PMK_PAGEMAP_PRESENT_MASK)
#define RESERVED_BITS (PMK_PAGEMAP_FLAGS_MASK & ~KNOWN_FLAGS)

/* One `entry` statement being checked. */
struct entry {
	struct pmk_check *c;
	const struct pmk_stmt *stmt;
	uint64_t care, want; /* bits that are compared, and what they must be */
	const struct pmk_arg *pfn, *type, *offset, *raw;
	struct pmk_text *why;
};

/*
 * "exactly": with words every known flag is in set, clear or free, and bits 59 and 60 are clear.
 * A page that is neither present nor swap has nothing in its frame either (E-INV).  Up to 4.2 bits
 * 55 to 60 are the page shift, so only what is named of them counts (E-PSHIFT).
 */
static void entry_init(struct entry *e, struct pmk_check *c, const struct pmk_stmt *stmt,
		       struct pmk_text *why)
{
	const struct pmk_arg *words = &stmt->arg[1];
	uint64_t state = PMK_PAGEMAP_PRESENT_MASK | PMK_PAGEMAP_SWAP_MASK;
	const char *missing;

	*e = (struct entry){ .c = c, .stmt = stmt, .why = why };
	e->pfn = pmk_stmt_opt(stmt, PMK_OPT_PFN);
	e->type = pmk_stmt_opt(stmt, PMK_OPT_TYPE);
	e->offset = pmk_stmt_opt(stmt, PMK_OPT_OFFSET);
	e->raw = pmk_stmt_opt(stmt, PMK_OPT_RAW);
	if (stmt->nargs < 2)
		return;
	e->want = words->set;
	e->care = words->set | words->clear;
	if (words->nwords)
		e->care |= RESERVED_BITS;
	if ((words->clear & state) == state)
		e->care |= PMK_PAGEMAP_FRAME_MASK;
	if (c->world->ops->has(c->world, PMK_Q_PAGE_SHIFT, &missing))
		e->care &= ~PMK_PAGEMAP_SHIFT_MASK | words->set;
}

/* ---- what is wrong with one word; empty: nothing ------------------------------------------------ */

static void explain_flags(const struct entry *e, uint64_t word, struct pmk_text *text)
{
	uint64_t wrong = (word ^ e->want) & e->care;

	for (int bit = 63; bit >= PMK_PAGEMAP_FRAME_BITS; bit--) {
		const struct pmk_bit *known = pmk_pagemap_bit((unsigned)bit);

		if (!(wrong >> bit & 1))
			continue;
		pmk_text_add(text, "%s", text->len ? ", " : "");
		if (known)
			pmk_text_add(text, "%s", known->name);
		else
			pmk_text_add(text, "bit %d", bit);
		pmk_text_add(text, " is %s", word >> bit & 1 ? "set" : "clear");
	}
	if (wrong & PMK_PAGEMAP_FRAME_MASK && !text->len)
		pmk_text_add(text, "%sthe frame of an absent page is not 0", text->len ? ", " : "");
}

/* A field that is not there, as the swap type of a present page, or has another value. */
static void explain_field(const struct pmk_arg *opt, const char *key, bool there, uint64_t value,
			  uint64_t index, struct pmk_text *text)
{
	if (!opt)
		return;
	if (!there)
		pmk_text_add(text, "%sthere is no %s", text->len ? ", " : "", key);
	else if (!opt->text && !pmk_check_number(opt, index, value))
		pmk_text_add(text, "%s%s is %#llx", text->len ? ", " : "", key,
			     (unsigned long long)value);
}

/* Slots advance page by page; the offset of a marker is its bits, the same on every page. */
static uint64_t offset_index(uint64_t frame, uint64_t index)
{
	return pmk_swap_type(frame) >= 30 ? 0 : index; /* 30: 6.0 to 6.2 (SWAP-TYPE) */
}

static void explain(const struct entry *e, uint64_t word, uint64_t index, struct pmk_text *text)
{
	bool present = word & PMK_PAGEMAP_PRESENT_MASK, swap = word & PMK_PAGEMAP_SWAP_MASK;
	uint64_t frame = word & PMK_PAGEMAP_FRAME_MASK;

	explain_flags(e, word, text);
	explain_field(e->pfn, "pfn", present, frame, index, text);
	if (e->pfn && e->pfn->text && present && !frame)
		pmk_text_add(text, "%sno pfn is shown", text->len ? ", " : "");
	explain_field(e->type, "type", swap, pmk_swap_type(frame), 0, text);
	explain_field(e->offset, "offset", swap, pmk_swap_offset(frame), offset_index(frame, index),
		      text);
	if (e->raw && word != e->raw->n)
		pmk_text_add(text, "%sthe word is another", text->len ? ", " : "");
}

/* The same question as explain(), for every word of a billion. */
static bool fields_right(const struct entry *e, uint64_t word, uint64_t index)
{
	uint64_t frame = word & PMK_PAGEMAP_FRAME_MASK;
	bool present = word & PMK_PAGEMAP_PRESENT_MASK, swap = word & PMK_PAGEMAP_SWAP_MASK;

	if (e->pfn &&
	    !(present && (e->pfn->text ? frame != 0 : pmk_check_number(e->pfn, index, frame))))
		return false;
	if (e->type && !(swap && pmk_check_number(e->type, 0, pmk_swap_type(frame))))
		return false;
	if (e->offset &&
	    !(swap && (e->offset->text || pmk_check_number(e->offset, offset_index(frame, index),
							   pmk_swap_offset(frame)))))
		return false;
	return !e->raw || word == e->raw->n;
}

static enum pmk_outcome wrong(const struct entry *e, uint64_t page, uint64_t word,
			      const char *reason)
{
	char words[256] = "";
	struct pmk_text text = PMK_TEXT(words);

	pmk_check_expected(e->stmt, 1, &text);
	pmk_text_add(e->why, "%s[%llu]: expected '%s', saw '", e->stmt->arg[0].text,
		     (unsigned long long)page, words);
	pmk_check_entry_words(word, e->why);
	pmk_text_add(e->why, "' 0x%016llx (%s)", (unsigned long long)word, reason);
	return PMK_WRONG;
}

/* ---- many words -------------------------------------------------------------------------------- */

/* The number of leading words that are as expected, symbols aside. */
static size_t right_words(const struct entry *e, const uint64_t *words, size_t n, uint64_t index)
{
	size_t right = n, i;

	if (e->care && n) {
		if ((words[0] ^ e->want) & e->care)
			return 0;
		right = pmk_batch_run_mask(words, n, e->care);
	}
	if (!e->pfn && !e->type && !e->offset && !e->raw)
		return right;
	for (i = 0; i < right; i++)
		if (!fields_right(e, words[i], index + i))
			return i;
	return right;
}

/* Binds a symbol to the values of the words, a stretch of consecutive values at a time. */
static enum pmk_outcome bind(const struct entry *e, const struct pmk_arg *opt,
			     enum pmk_symbol_kind kind, unsigned shift, uint64_t page,
			     uint64_t index, size_t n)
{
	const uint64_t *words = e->c->words;
	size_t start = 0, i;
	char reason[160] = "";
	struct pmk_text text = PMK_TEXT(reason);

	if (!opt || !opt->text)
		return PMK_DONE;
	for (i = 1; i <= n; i++) {
		uint64_t first = (words[start] & PMK_PAGEMAP_FRAME_MASK) >> shift;

		if (i < n && (words[i] & PMK_PAGEMAP_FRAME_MASK) >> shift == first + (i - start))
			continue;
		if (!pmk_symbols_bind(e->c->symbols, kind, opt->text, index + start, first,
				      i - start, &text))
			return wrong(e, page + start, words[start], reason);
		start = i;
	}
	return PMK_DONE;
}

static enum pmk_outcome check_words(const struct entry *e, uint64_t page, uint64_t index, size_t n)
{
	const uint64_t *words = e->c->words;
	size_t right = right_words(e, words, n, index);
	enum pmk_outcome outcome;

	if (right < n) {
		char reason[256] = "";
		struct pmk_text text = PMK_TEXT(reason);

		explain(e, words[right], index + right, &text);
		return wrong(e, page + right, words[right], reason);
	}
	outcome = bind(e, e->pfn, PMK_SYMBOL_PFN, 0, page, index, n);
	if (outcome == PMK_DONE)
		outcome = bind(e, e->offset, PMK_SYMBOL_OFFSET, PMK_SWAP_TYPE_BITS, page, index, n);
	return outcome;
}

static enum pmk_outcome check_span(const struct entry *e, const struct pmk_region *region,
				   struct pmk_check_source source, struct pmk_span span,
				   uint64_t index)
{
	uint64_t base = region->addr / e->c->page_size, left = span.last - span.first + 1;
	uint64_t page = span.first;

	while (left) {
		size_t n = left < PMK_CHECK_WORDS ? (size_t)left : PMK_CHECK_WORDS;
		int64_t got = pmk_check_read(e->c, source, base + page, n, e->c->words);
		enum pmk_outcome outcome;

		if (got <= 0) {
			pmk_text_add(e->why, "%s[%llu]: reading pagemap: ", region->name,
				     (unsigned long long)page);
			pmk_check_result(got, e->why);
			return PMK_WRONG;
		}
		pmk_seen_entries(&e->c->seen, e->c->words, (size_t)got);
		outcome = check_words(e, page, index, (size_t)got);
		if (outcome != PMK_DONE)
			return outcome;
		page += (uint64_t)got;
		index += (uint64_t)got;
		left -= (uint64_t)got;
	}
	return PMK_DONE;
}

/* Where the words come from: the observer's own handle, or via=. */
static enum pmk_outcome find_source(struct pmk_check *c, const struct pmk_stmt *stmt, int proc,
				    struct pmk_check_source *ret, struct pmk_text *why)
{
	const struct pmk_arg *via = pmk_stmt_opt(stmt, PMK_OPT_VIA);
	int64_t result;

	if (via) {
		*ret = (struct pmk_check_source){ proc,
						  pmk_stage_handle(c->stage, proc, via->text) };
		if (ret->handle >= 0)
			return PMK_DONE;
		pmk_text_add(why, "no handle '%s' in %s", via->text, stmt->subject);
		return PMK_BROKEN;
	}
	result = pmk_check_open(c, PMK_FILE_PAGEMAP, proc);
	if (result < 0) {
		pmk_text_add(why, "opening pagemap of %s: ", stmt->subject);
		pmk_check_result(result, why);
		return PMK_WRONG;
	}
	*ret = (struct pmk_check_source){ PMK_OBSERVER, PMK_FILE_PAGEMAP };
	return PMK_DONE;
}

enum pmk_outcome pmk_check_entry(struct pmk_check *c, const struct pmk_stmt *stmt,
				 struct pmk_text *why)
{
	const struct pmk_span *span = NULL;
	struct pmk_check_source source = { 0, 0 };
	struct pmk_region region;
	struct pmk_span whole;
	struct entry e;
	enum pmk_outcome outcome;
	uint64_t index = 0;
	size_t n, i;
	int proc;

	outcome = pmk_check_region(c, stmt, &stmt->arg[0], &proc, &region, why);
	if (outcome == PMK_DONE)
		outcome = find_source(c, stmt, proc, &source, why);
	if (outcome != PMK_DONE)
		return outcome;
	entry_init(&e, c, stmt, why);
	n = pmk_check_spans(&stmt->arg[0], &region, &whole, &span);
	for (i = 0; i < n && outcome == PMK_DONE; i++) {
		outcome = check_span(&e, &region, source, span[i], index);
		index += span[i].last - span[i].first + 1;
	}
	pmk_check_close(c, PMK_FILE_PAGEMAP);
	return outcome;
}
