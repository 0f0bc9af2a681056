/*
 * content.c - what is in pages, as far as anybody sees it: KSM merges those that are equal, and a huge page that is
 * split loses those of zeros.
 *
 * Contents are numbers; 0, which is not kept, is a page of zeros.  A frame that is freed keeps its number until it is given
 * out again.  In a machine where nobody has filled a page all this costs nothing.
 */
#include "machine.h"

#include "pagemapkit.h"

static void copy(struct pmk_runs *to, uint64_t at, const struct pmk_runs *from, uint64_t from_at,
		 uint64_t n)
{
	struct pmk_piece p = { .end = from_at };

	if (!to->n && !from->n)
		return;
	while (pmk_runs_piece(from, from_at + n, &p)) {
		uint64_t start = at + (p.start - from_at), end = at + (p.end - from_at);

		if (p.run)
			pmk_runs_set(to, start, end, p.v);
		else
			pmk_runs_clear(to, start, end);
	}
}

void pmk_content_copy(struct pmk_machine *m, uint64_t pfn, uint64_t from, uint64_t n)
{
	if (pfn != from)
		copy(&m->content, pfn, &m->content, from, n);
}

void pmk_content_out(struct pmk_machine *m, uint64_t pfn, uint64_t slot, uint64_t n)
{
	copy(&m->slot_content, slot, &m->content, pfn, n);
}

void pmk_content_in(struct pmk_machine *m, uint64_t slot, uint64_t pfn, uint64_t n)
{
	copy(&m->content, pfn, &m->slot_content, slot, n);
}

void pmk_content_new(struct pmk_machine *m, uint64_t pfn, uint64_t n)
{
	if (m->content.n)
		pmk_runs_clear(&m->content, pfn, pfn + n);
}

/* Frames of the entries e, or slots, to frames from pfn on. */
static void copy_entries(struct pmk_machine *m, uint64_t pfn, const struct pmk_piece *e)
{
	uint64_t n = e->end - e->start;

	if (e->run && PMK_PTE_KIND(e->v.tag) == PMK_PTE_FRAME)
		pmk_content_copy(m, pfn, e->v.base, n);
	else if (e->run && PMK_PTE_KIND(e->v.tag) == PMK_PTE_SWAP)
		pmk_content_in(m, e->v.base, pfn, n);
}

void pmk_content_gather(struct pmk_machine *m, const struct pmk_runs *from, uint64_t start,
			uint64_t end, uint64_t pfn)
{
	struct pmk_piece p = { .end = start };

	while ((m->content.n || m->slot_content.n) && pmk_runs_piece(from, end, &p))
		copy_entries(m, pfn + (p.start - start), &p);
}

/* Sets the contents of the frames that [start, start + n) maps. */
static void set_contents(struct pmk_machine *m, const struct pmk_mm *mm, uint64_t start, uint64_t n,
			 struct pmk_value content)
{
	struct pmk_piece p = { .end = start };

	while (pmk_runs_piece(&mm->pte, start + n, &p)) {
		if (!p.run || PMK_PTE_KIND(p.v.tag) != PMK_PTE_FRAME)
			continue;
		if (content.base)
			pmk_runs_set(&m->content, p.v.base, p.v.base + (p.end - p.start),
				     pmk_value_at(content, p.start - start));
		else
			pmk_content_new(m, p.v.base, p.end - p.start);
	}
}

int64_t pmk_mm_fill(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		    enum pmk_content what, uint64_t number)
{
	static const uint64_t same = 1, distinct = 2; /* from there on */
	struct pmk_value content = { 0, 0 };
	int64_t err = pmk_mm_touch(m, mm, start, n, true);

	if (what == PMK_CONTENT_SAME)
		content.base = same;
	else if (what == PMK_CONTENT_DISTINCT)
		content = (struct pmk_value){ distinct + number, PMK_RUN_LINEAR };
	/* as far as it has come; what was there before a signal is not told apart */
	if (!err)
		set_contents(m, mm, start, n, content);
	return err;
}
