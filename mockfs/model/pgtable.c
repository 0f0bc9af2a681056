/*
 * pgtable.c - which page tables an address space has, PMD by PMD.
 *
 * No file shows them, but PAGEMAP_SCAN does: an empty entry of a table that exists and memory without a
 * table are different things to it (SCAN-CAT).  A table comes with its first entry, by fork and by
 * mremap; it goes with the last VMA of its PMD (free_pgtables) and, since 6.14 on x86, with a zap of all
 * of it (CONFIG_PT_RECLAIM).
 */
#include "machine.h"

static uint64_t pmd_of(const struct pmk_machine *m, uint64_t page)
{
	return page >> pmk_pmd_order(m);
}

/* One past the PMD that holds the last page before `end`. */
static uint64_t pmd_end(const struct pmk_machine *m, uint64_t end)
{
	return end ? pmd_of(m, end - 1) + 1 : 0;
}

void pmk_mm_table_make(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end)
{
	uint64_t first = pmd_of(m, start), last = pmd_end(m, end);
	const struct pmk_run *run = pmk_runs_find(&mm->table, first);

	if (start < end && (!run || run->end < last))
		pmk_runs_set(&mm->table, first, last, (struct pmk_value){ 0, 0 });
}

bool pmk_mm_table_piece(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t end,
			struct pmk_piece *piece)
{
	struct pmk_piece t = { .end = pmd_of(m, piece->end) };

	piece->start = piece->end;
	if (piece->start >= end || !pmk_runs_piece(&mm->table, pmd_end(m, end), &t))
		return false;
	piece->run = t.run;
	piece->end = t.end << pmk_pmd_order(m) < end ? t.end << pmk_pmd_order(m) : end;
	return true;
}

void pmk_mm_set_entries(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
			struct pmk_value v)
{
	pmk_runs_set(&mm->pte, start, end, v);
	if (!(v.tag & PMK_PTE_HUGE)) /* a huge page is mapped where the table would hang */
		pmk_mm_table_make(m, mm, start, end);
}

/* Whether any VMA has a page of the PMD. */
static bool pmd_used(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t pmd)
{
	const struct pmk_run *run = pmk_runs_seek(&mm->vma, pmd << pmk_pmd_order(m), NULL);

	return run && run->start < (pmd + 1) << pmk_pmd_order(m);
}

void pmk_mm_table_unmapped(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end)
{
	uint64_t first = pmd_of(m, start), last = pmd_end(m, end);

	if (pmk_mutant(m, TABLE_STAYS))
		return;
	if (first < last && pmd_used(m, mm, first))
		first++;
	if (first < last && pmd_used(m, mm, last - 1))
		last--;
	if (first < last)
		pmk_cover(m, TABLE_GONE);
	pmk_runs_clear(&mm->table, first, last);
}

void pmk_mm_table_reclaim(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = (start + pmk_pmd_pages(m) - 1) & ~(pmk_pmd_pages(m) - 1) };

	end &= ~(pmk_pmd_pages(m) - 1);
	if (!pmk_profile_has(&m->profile, PMK_Q_PT_RECLAIM) || p.end >= end)
		return;
	while (pmk_runs_piece(&mm->pte, end, &p))
		if (!p.run) /* whole tables only: what else has an entry in them keeps them */
			pmk_runs_clear(&mm->table, pmd_end(m, p.start), pmd_of(m, p.end));
}

void pmk_mm_table_fork(struct pmk_machine *m, const struct pmk_mm *parent, struct pmk_mm *child,
		       uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = start };

	while (pmk_mm_table_piece(m, parent, end, &p))
		if (p.run)
			pmk_mm_table_make(m, child, p.start, p.end);
}

void pmk_mm_table_move(struct pmk_machine *m, struct pmk_mm *mm, uint64_t from, uint64_t to,
		       uint64_t n, bool whole)
{
	uint64_t mask = pmk_pmd_pages(m) - 1;
	struct pmk_piece p = { .end = from };

	while (pmk_mm_table_piece(m, mm, from + n, &p))
		if (p.run)
			pmk_mm_table_make(m, mm, to + (p.start - from), to + (p.end - from));
	if (whole && !((from ^ to) & mask)) /* move_normal_pmd() takes the table along */
		pmk_runs_clear(&mm->table, pmd_end(m, from), pmd_of(m, from + n));
}
