/* do_idle.c - mark-idle: from pages to their frames to bits of page_idle/bitmap. */
#include "act.h"

#include <errno.h>
#include <fcntl.h>

#include "pagemapkit.h"

#define CHUNK 512 /* pages at a time */

/* One word of the bitmap at its place. */
static int64_t put_word(struct pmk_stage *s, uint64_t index, uint64_t word)
{
	struct pmk_request r = { .code = PMK_REQ_LSEEK,
				 .proc = PMK_OBSERVER,
				 .handle = pmk_stage_passing_handle(s, PMK_OBSERVER),
				 .pos = (int64_t)(index * 8),
				 .a = { SEEK_SET } };
	int64_t n = pmk_world_request(s->world, &r);

	if (n < 0)
		return n;
	r = (struct pmk_request){ .code = PMK_REQ_WRITEFD,
				  .proc = PMK_OBSERVER,
				  .handle = pmk_stage_passing_handle(s, PMK_OBSERVER),
				  .in = &word,
				  .len = sizeof(word) };
	n = pmk_world_request(s->world, &r);
	return n < 0 ? n : 0; /* 0: a last word that is not full */
}

/* The frames of n pages, whose entries are given; those of one word at a time. */
static int64_t put_frames(struct pmk_stage *s, const uint64_t *entry, uint64_t n)
{
	struct pmk_request r = { .code = PMK_REQ_OPEN,
				 .proc = PMK_OBSERVER,
				 .handle = pmk_stage_passing_handle(s, PMK_OBSERVER),
				 .file = PMK_FILE_PAGE_IDLE,
				 .a = { O_WRONLY, 0, 0, PMK_OBSERVER } };
	int64_t err = pmk_world_request(s->world, &r);

	if (err < 0)
		return err;
	for (uint64_t i = 0; !err && i < n;) {
		uint64_t index = (entry[i] & PMK_PAGEMAP_FRAME_MASK) / 64, word = 0;

		for (; i < n && (entry[i] & PMK_PAGEMAP_FRAME_MASK) / 64 == index; i++)
			word |= 1ull << (entry[i] & PMK_PAGEMAP_FRAME_MASK) % 64;
		err = put_word(s, index, word);
	}
	r.code = PMK_REQ_CLOSE;
	pmk_world_request(s->world, &r);
	return err;
}

static int64_t mark_pages(struct pmk_act *a, uint64_t page, uint64_t n)
{
	const struct pmk_arg *arg = &a->stmt->arg[0];
	uint64_t entry[CHUNK];
	int64_t err;

	if (pmk_stage_pread(a->s, a->proc, PMK_FILE_PAGEMAP, page * 8, entry, n * 8) !=
	    (int64_t)n * 8)
		return -EIO;
	for (uint64_t i = 0; i < n; i++)
		if (!(entry[i] & PMK_PAGEMAP_PRESENT_MASK) || !(entry[i] & PMK_PAGEMAP_FRAME_MASK))
			return pmk_act_fail(a, arg->col, "'%s' has no frame to be seen there",
					    arg->text);
	err = put_frames(a->s, entry, n);
	if (err == -ENOENT)
		return pmk_act_fail(a, 0, "this kernel has no page_idle/bitmap%s", "");
	return err;
}

int64_t pmk_do_mark_idle(struct pmk_act *a)
{
	const struct pmk_arg *arg = &a->stmt->arg[0];
	const struct pmk_region *region = pmk_act_region(a, arg);
	struct pmk_span whole;
	int64_t err = 0;

	if (!region)
		return -EINVAL;
	whole = (struct pmk_span){ 0, region->pages - 1 };
	for (size_t i = 0; i < (arg->nspans ? arg->nspans : 1); i++) {
		const struct pmk_span *span = arg->nspans ? &arg->span[i] : &whole;
		uint64_t first = region->addr / pmk_stage_page_size(a->s);

		for (uint64_t at = span->first; !err && at <= span->last; at += CHUNK) {
			uint64_t n = span->last - at + 1;

			err = mark_pages(a, first + at, n < CHUNK ? n : CHUNK);
		}
	}
	return err;
}
