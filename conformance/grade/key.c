/* SPDX-License-Identifier: MIT */
/* key.c - the right answer to a question: the decoder over the model's words.  See question.h. */
#include <errno.h>
#include <fcntl.h>

#include "alloc.h"
#include "procfs.h"
#include "question.h"

static const struct pmk_cred root = { .uid = 0, .caps = PMK_CAP_ALL };

struct reader {
	struct pmk_machine *m;
	const struct pmk_question *q;
	struct pmk_layout layout;
	struct pmk_key *key;
};

/* Opens as the question says; NULL: *ret_error says why not. */
static struct pmk_handle *open_file(const struct reader *r, enum pmk_file file, int *ret_error)
{
	struct pmk_handle *h = NULL;

	*ret_error = -pmk_handle_open(r->m, file, r->q->pid, O_RDONLY,
				      r->q->as_process ? &r->q->opener : &root, false, &h);
	return h;
}

/* n words from the index on, however many reads it takes: how many there are, and why no more. */
static size_t read_words(struct pmk_handle *h, uint64_t index, uint64_t *words, size_t n,
			 int *ret_error)
{
	size_t got = 0;

	*ret_error = 0;
	while (got < n) {
		int64_t bytes = pmk_handle_read(h, (index + got) * 8, (n - got) * 8, words + got);

		if (bytes <= 0) {
			*ret_error = bytes ? (int)-bytes : PMK_ERROR_EOF;
			break;
		}
		got += (size_t)bytes / 8;
	}
	return got;
}

/* ---- frames --------------------------------------------------------------------------------------- */

/* One word of a kpage file; false: *ret_error says why not. */
static bool frame_word(const struct reader *r, enum pmk_file file, uint64_t pfn, uint64_t *ret,
		       int *ret_error)
{
	struct pmk_handle *h = open_file(r, file, ret_error);
	bool there = h && read_words(h, pfn, ret, 1, ret_error);

	pmk_handle_close(h);
	return there;
}

/* What the kpage files say of a frame: 0, or why kpageflags says nothing. */
static int frame_sheet(const struct reader *r, uint64_t pfn, struct pmk_sheet *ret)
{
	uint64_t word;
	int error, ignored;

	if (frame_word(r, PMK_FILE_KPAGEFLAGS, pfn, &word, &error)) {
		pmk_sheet_set(ret, PMK_FIELD_FLAGS, word);
		pmk_sheet_set(ret, PMK_FIELD_ANON, pmk_kpageflags_is_anon(word));
	}
	if (frame_word(r, PMK_FILE_KPAGECOUNT, pfn, &word, &ignored))
		pmk_sheet_set(ret, PMK_FIELD_COUNT, word);
	if (frame_word(r, PMK_FILE_KPAGECGROUP, pfn, &word, &ignored))
		pmk_sheet_set(ret, PMK_FIELD_CGROUP, word);
	return error;
}

static void answer_frame(struct reader *r)
{
	struct pmk_answer *a = &r->key->answer;

	a->sheet = pmk_calloc(1, sizeof(*a->sheet));
	r->key->word = pmk_calloc(1, sizeof(*r->key->word));
	a->error = frame_sheet(r, r->q->start, a->sheet);
	a->nsheets = !a->error;
	r->key->word[0] = a->sheet->value[PMK_FIELD_FLAGS];
}

/* ---- pages ---------------------------------------------------------------------------------------- */

static void page_flags(const struct pmk_pagemap *page, struct pmk_sheet *ret)
{
	pmk_sheet_set(ret, PMK_FIELD_SOFT_DIRTY, page->soft_dirty);
	pmk_sheet_set(ret, PMK_FIELD_EXCLUSIVE, page->exclusive);
	pmk_sheet_set(ret, PMK_FIELD_UFFD_WP, page->uffd_wp);
	pmk_sheet_set(ret, PMK_FIELD_GUARD, page->guard);
	pmk_sheet_set(ret, PMK_FIELD_FILE, page->file);
	if (page->page_shift)
		pmk_sheet_set(ret, PMK_FIELD_PAGE_SHIFT, page->page_shift);
}

static void page_swap(const struct pmk_pagemap *page, struct pmk_sheet *ret)
{
	pmk_sheet_set(ret, PMK_FIELD_SWAP_KIND, page->kind);
	if (page->kind == PMK_SWAP_HIDDEN)
		return;
	pmk_sheet_set(ret, PMK_FIELD_SWAP_TYPE, page->swap_type);
	pmk_sheet_set(ret, PMK_FIELD_SWAP_OFFSET, page->swap_offset);
	if (page->kind == PMK_SWAP_MARKER)
		pmk_sheet_set(ret, PMK_FIELD_MARKER, page->marker);
}

static bool put_region(void *ctx, const struct pmk_scan_region *region, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pmk_answer_add_region(ctx, region[i]);
	return true;
}

/* Only a scan tells whether the mapping is registered, without which "not protected" says nothing. */
static void page_written(struct pmk_handle *h, uint64_t start, uint64_t size, struct pmk_sheet *ret)
{
	struct pmk_answer found = { .error = 0 };
	struct pmk_scan_arg arg = { .size = sizeof(arg),
				    .start = start,
				    .end = start + size,
				    .vec = 1,
				    .vec_len = 1,
				    .category_mask = PMK_SCAN_WPALLOWED_MASK,
				    .return_mask = PMK_SCAN_WRITTEN_MASK };

	if (pmk_handle_scan(h, &arg, put_region, &found) == 1)
		pmk_sheet_set(ret, PMK_FIELD_WRITTEN,
			      found.region[0].categories & PMK_SCAN_WRITTEN_MASK);
	pmk_answer_deinit(&found);
}

static void page_sheet(const struct reader *r, struct pmk_handle *h, uint64_t address,
		       uint64_t word, struct pmk_sheet *ret)
{
	unsigned shift = r->m->profile.arch->page_shift;
	struct pmk_pagemap page;

	pmk_pagemap_decode(&r->layout, word, &page);
	pmk_sheet_set(ret, PMK_FIELD_STATE, page.state);
	page_flags(&page, ret);
	pmk_sheet_set(ret, PMK_FIELD_CLEAN,
		      page.state == PMK_PAGE_PRESENT && !page.soft_dirty && !page.page_shift &&
			      pmk_profile_has(&r->m->profile, PMK_Q_SOFT_DIRTY));
	if (page.state == PMK_PAGE_SWAPPED)
		page_swap(&page, ret);
	page_written(h, address >> shift << shift, UINT64_C(1) << shift, ret);
	if (page.state != PMK_PAGE_PRESENT || !page.frame)
		return;
	pmk_sheet_set(ret, PMK_FIELD_PFN, page.frame);
	pmk_sheet_set(ret, PMK_FIELD_PHYS, pmk_phys(page.frame, address, shift));
	frame_sheet(r, page.frame, ret);
}

static void answer_pages(struct reader *r)
{
	struct pmk_answer *a = &r->key->answer;
	unsigned shift = r->m->profile.arch->page_shift;
	uint64_t first = r->q->start >> shift;
	size_t n = r->q->ask == PMK_ASK_PAGE ? 1 : (size_t)((r->q->end >> shift) - first);
	struct pmk_handle *h = open_file(r, PMK_FILE_PAGEMAP, &a->error);

	if (!h)
		return;
	r->key->word = pmk_calloc(n, sizeof(*r->key->word));
	a->sheet = pmk_calloc(n, sizeof(*a->sheet));
	a->nsheets = read_words(h, first, r->key->word, n, &a->error);
	for (size_t i = 0; i < a->nsheets; i++)
		page_sheet(r, h, r->q->start + ((uint64_t)i << shift), r->key->word[i],
			   &a->sheet[i]);
	pmk_handle_close(h);
}

/* ---- scans ---------------------------------------------------------------------------------------- */

static int64_t no_call(void *ctx, struct pmk_scan_arg *arg)
{
	(void)ctx, (void)arg;
	return -ENOTTY;
}

static int64_t read_call(void *ctx, uint64_t index, uint64_t *words, size_t n)
{
	int error;
	size_t got = read_words(ctx, index, words, n, &error);

	return got || error == PMK_ERROR_EOF ? (int64_t)got : -error;
}

/* What a consumer finds that reads pagemap where the kernel has no such scan. */
static void answer_without_scan(struct reader *r, struct pmk_handle *h)
{
	struct pmk_scan_region vec[512], region;
	struct pmk_scan_iter it;
	int result;

	pmk_scan_iter_init(&it, &r->q->scan, r->m->profile.arch->page_shift, vec, 512, no_call,
			   read_call, h);
	while ((result = pmk_scan_iter_next(&it, &region)) > 0)
		pmk_answer_add_region(&r->key->other, region);
	r->key->has_other = !result;
}

static void answer_scan(struct reader *r)
{
	struct pmk_answer *a = &r->key->answer;
	struct pmk_handle *h = open_file(r, PMK_FILE_PAGEMAP, &a->error);
	struct pmk_scan_arg arg = r->q->scan;

	if (!h)
		return;
	arg.size = sizeof(arg);
	arg.vec = 1;
	arg.vec_len = 1u << 20;
	int64_t n = pmk_handle_scan(h, &arg, put_region, a);
	if (n < 0) {
		pmk_answer_deinit(a);
		a->error = (int)-n;
		answer_without_scan(r, h);
	}
	pmk_handle_close(h);
}

/* ---- all ------------------------------------------------------------------------------------------ */

void pmk_key_init(struct pmk_key *key, struct pmk_machine *machine, const struct pmk_question *q)
{
	static void (*const answer[PMK_ASK_COUNT])(struct reader *) = {
		[PMK_ASK_PAGE] = answer_pages,
		[PMK_ASK_RANGE] = answer_pages,
		[PMK_ASK_FRAME] = answer_frame,
		[PMK_ASK_SCAN] = answer_scan,
	};
	struct reader r = { .m = machine, .q = q, .key = key };

	*key = (struct pmk_key){ .has_other = false };
	pmk_layout_init(&r.layout, machine->profile.kernel, PMK_CONFIG_ALL);
	answer[q->ask](&r);
}

void pmk_key_deinit(struct pmk_key *key)
{
	pmk_answer_deinit(&key->answer);
	pmk_answer_deinit(&key->other);
	free(key->word);
}
