/*
 * idle.c - idle page tracking: which frames are marked, and which of them were accessed since.
 *
 * Follows mm/page_idle.c.  The kernel keeps "accessed" in each entry and gathers it when somebody looks; here a frame has
 * it, and only a frame that is marked.  What access does without an entry (mark_page_accessed()) is not modelled.
 */
#include "machine.h"

#include <string.h>

#include "pagemapkit.h"

#define WORD_BITS 64

/* page_idle_get_folio(): on an LRU list, and no tail. */
static bool is_tracked(const struct pmk_machine *m, struct pmk_value v)
{
	if (pmk_mutant(m, IDLE_ANY))
		return true;
	return v.tag & PMK_KPF_LRU_MASK && !(v.tag & PMK_FRAME_GIVEN) &&
	       (!(v.tag & PMK_KPF_COMPOUND_TAIL_MASK) || pmk_mutant(m, IDLE_TAILS));
}

/* Of frames [pfn, end), all of which shall be marked. */
static void mark(struct pmk_machine *m, uint64_t pfn, uint64_t end)
{
	struct pmk_piece f = { .end = pfn };

	while (pmk_runs_piece(&m->frame, end, &f))
		if (f.run && is_tracked(m, f.v))
			pmk_frame_flags(m, f.start, f.end - f.start, PMK_FRAME_YOUNG,
					PMK_KPF_IDLE_MASK);
}

void pmk_machine_mark_idle(struct pmk_machine *m, uint64_t pfn, uint64_t n, const uint64_t *bits)
{
	uint64_t start = 0, i;

	m->idle_used = true;
	for (i = 0; i < n; i++) { /* runs of ones */
		if (bits[i / WORD_BITS] >> i % WORD_BITS & 1)
			continue;
		if (i > start)
			mark(m, pfn + start, pfn + i);
		start = i + 1;
	}
	if (i > start)
		mark(m, pfn + start, pfn + i);
}

void pmk_machine_look_idle(struct pmk_machine *m, uint64_t pfn, uint64_t n, uint64_t *bits)
{
	struct pmk_piece f = { .end = pfn };

	memset(bits, 0, (n + WORD_BITS - 1) / WORD_BITS * 8);
	while (pmk_runs_piece(&m->frame, pfn + n, &f)) {
		if (!f.run || !(f.v.tag & PMK_KPF_IDLE_MASK) || !is_tracked(m, f.v))
			continue;
		if (f.v.tag & PMK_FRAME_YOUNG) {
			pmk_frame_flags(m, f.start, f.end - f.start,
					PMK_FRAME_YOUNG | PMK_KPF_IDLE_MASK, 0);
			continue;
		}
		for (uint64_t i = f.start - pfn; i < f.end - pfn; i++)
			bits[i / WORD_BITS] |= 1ull << i % WORD_BITS;
	}
}

void pmk_frame_access(struct pmk_machine *m, uint64_t pfn, uint64_t n)
{
	struct pmk_piece f = { .end = pfn };

	if (pmk_mutant(m, IDLE_STAYS))
		return;
	while (m->idle_used && pmk_runs_piece(&m->frame, pfn + n, &f))
		if (f.run && f.v.tag & PMK_KPF_IDLE_MASK && !(f.v.tag & PMK_FRAME_GIVEN))
			pmk_frame_flags(m, f.start, f.end - f.start,
					pmk_mutant(m, IDLE_EAGER) ? PMK_KPF_IDLE_MASK : 0,
					PMK_FRAME_YOUNG);
}

void pmk_mm_age(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = start };

	if (pmk_mutant(m, IDLE_AGELESS))
		return;
	while (m->idle_used && pmk_runs_piece(&mm->pte, end, &p)) {
		struct pmk_piece f = { .end = p.v.base };

		if (!p.run || PMK_PTE_KIND(p.v.tag) != PMK_PTE_FRAME)
			continue;
		while (pmk_runs_piece(&m->frame, p.v.base + (p.end - p.start), &f))
			if (f.run && PMK_FRAME_MAPCOUNT(f.v) == 1)
				pmk_frame_flags(m, f.start, f.end - f.start, PMK_FRAME_YOUNG, 0);
	}
}
