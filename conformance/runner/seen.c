/* SPDX-License-Identifier: MIT */
/* seen.c - collects what expectations looked at. */
#include "seen.h"

#include <stdbool.h>
#include <string.h>

#include "check_internal.h"

#define ENTRY_FLAGS (PMK_PAGEMAP_FLAGS_MASK)
#define SWAP_TYPE   ((UINT64_C(1) << PMK_SWAP_TYPE_BITS) - 1)

/* Flags that say what a frame is.  The others come and go with the LRU, writeback and the buddy system. */
#define LASTING_FLAGS                                                                          \
	(PMK_KPF_MMAP_MASK | PMK_KPF_ANON_MASK | PMK_KPF_SWAPBACKED_MASK | PMK_KPF_HUGE_MASK | \
	 PMK_KPF_COMPOUND_HEAD_MASK | PMK_KPF_COMPOUND_TAIL_MASK | PMK_KPF_UNEVICTABLE_MASK |  \
	 PMK_KPF_HWPOISON_MASK | PMK_KPF_NOPAGE_MASK | PMK_KPF_KSM_MASK | PMK_KPF_THP_MASK |   \
	 PMK_KPF_OFFLINE_MASK | PMK_KPF_ZERO_PAGE_MASK | PMK_KPF_PGTABLE_MASK |                \
	 PMK_KPF_MLOCKED_MASK)

void pmk_seen_init(struct pmk_seen *seen)
{
	*seen = (struct pmk_seen){ .times = 0 };
	seen->text = (struct pmk_text)PMK_TEXT(seen->buf);
}

/* There is no use in looking any further. */
static bool full(const struct pmk_seen *seen)
{
	return seen->text.len >= 3 && !strcmp(seen->text.buf + seen->text.len - 3, "...");
}

static void flush(struct pmk_seen *seen)
{
	struct pmk_text *text = &seen->text;
	bool first = text->len && text->buf[text->len - 1] == ' ';

	if (!seen->times)
		return;
	if (text->len + sizeof(seen->item) + 24 > text->size) {
		if (!full(seen))
			pmk_text_add(text, "...");
	} else {
		pmk_text_add(text, "%s%s", first ? "" : ", ", seen->item);
		if (seen->times > 1)
			pmk_text_add(text, " x%llu", (unsigned long long)seen->times);
	}
	seen->times = 0;
}

/* A line that has no item is none. */
static void drop_empty_line(struct pmk_seen *seen)
{
	struct pmk_text *text = &seen->text;

	flush(seen);
	if (text->len && text->buf[text->len - 1] == ' ')
		text->len = seen->line_start;
	text->buf[text->len] = 0;
}

void pmk_seen_line(struct pmk_seen *seen, unsigned line)
{
	drop_empty_line(seen);
	seen->line_start = seen->text.len;
	if (seen->text.len + 32 < seen->text.size)
		pmk_text_add(&seen->text, "%s%u: ", seen->text.len ? "\n" : "", line);
}

void pmk_seen_again(struct pmk_seen *seen)
{
	const char *colon = strstr(seen->buf + seen->line_start, ": ");

	seen->times = 0;
	if (!colon)
		return;
	seen->text.len = (size_t)(colon + 2 - seen->buf);
	seen->buf[seen->text.len] = 0;
}

void pmk_seen_item(struct pmk_seen *seen, const char *words, uint64_t n)
{
	if (seen->times && strcmp(seen->item, words) != 0)
		flush(seen);
	if (!seen->times)
		snprintf(seen->item, sizeof(seen->item), "%s", words);
	seen->times += n;
}

/* What of a pagemap word lasts: the flags, and what kind of swap-like entry it is. */
static uint64_t lasting_mask(uint64_t word)
{
	bool swap = word & PMK_PAGEMAP_SWAP_MASK && !(word & PMK_PAGEMAP_PRESENT_MASK);

	return ENTRY_FLAGS | (swap ? SWAP_TYPE : 0);
}

void pmk_seen_entries(struct pmk_seen *seen, const uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n && !full(seen);) {
		uint64_t mask = lasting_mask(words[i]);
		size_t run = pmk_batch_run_mask(words + i, n - i, mask);
		char item[sizeof(seen->item)] = "";
		struct pmk_text text = PMK_TEXT(item);

		pmk_check_entry_words(words[i], &text);
		if (mask & SWAP_TYPE && words[i] & SWAP_TYPE)
			pmk_text_add(&text, " type=%llu",
				     (unsigned long long)(words[i] & SWAP_TYPE));
		pmk_seen_item(seen, item, run);
		i += run;
	}
}

void pmk_seen_flags(struct pmk_seen *seen, const uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n && !full(seen);) {
		size_t run = pmk_batch_run_mask(words + i, n - i, LASTING_FLAGS);
		char item[sizeof(seen->item)];

		pmk_kpageflags_to_names(words[i] & LASTING_FLAGS, item, sizeof(item));
		pmk_seen_item(seen, *item ? item : "0", run);
		i += run;
	}
}

void pmk_seen_counts(struct pmk_seen *seen, const uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n && !full(seen);) {
		size_t run = pmk_batch_run_mask(words + i, n - i, UINT64_MAX);
		char item[32];

		snprintf(item, sizeof(item), "count=%lld", (long long)words[i]);
		pmk_seen_item(seen, item, run);
		i += run;
	}
}

const char *pmk_seen_text(struct pmk_seen *seen)
{
	drop_empty_line(seen);
	seen->line_start = seen->text.len;
	return seen->buf;
}
