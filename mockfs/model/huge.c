/*
 * huge.c - what a PMD maps: transparent huge pages, the huge zero page, hugetlb.
 *
 * Follows mm/huge_memory.c, mm/khugepaged.c and mm/hugetlb.c.  A folio here has the size of a PMD and is
 * aligned to it (K-THP-ALIGN): a run of frames for its head and one or more for its tails.  Every frame has
 * a mapcount of its own, as a PMD counts for each of them (KC-THP), so kpagecount needs nothing else.
 */
#include "touch.h"

#include <errno.h>
#include <signal.h>

#include "pagemapkit.h"

#define ANON_FLAGS \
	(PMK_KPF_UPTODATE_MASK | PMK_KPF_LRU_MASK | PMK_KPF_ANON_MASK | PMK_KPF_SWAPBACKED_MASK)

static uint64_t unit_of(const struct pmk_machine *m, uint64_t page)
{
	return page & ~(pmk_pmd_pages(m) - 1);
}

/* ---- folios ------------------------------------------------------------------------------------- */

/* A free, aligned block of RAM at or after `from`. */
static bool find_block(const struct pmk_machine *m, uint64_t from, uint64_t *ret)
{
	uint64_t size = pmk_pmd_pages(m), gap, got;
	struct pmk_cursor c;
	const struct pmk_run *ram;

	for (ram = pmk_runs_seek(&m->ram, from, &c); ram; ram = pmk_runs_next(&c)) {
		uint64_t at = ram->start > from ? ram->start : from;

		for (; (got = pmk_runs_gap(&m->frame, at, ram->end, &gap)); at = gap + got) {
			*ret = (gap + size - 1) & ~(size - 1);
			if (*ret + size <= gap + got)
				return true;
		}
	}
	return false;
}

uint64_t pmk_folio_alloc(struct pmk_machine *m, uint64_t flags, uint64_t *ret_pfn)
{
	uint64_t size = pmk_pmd_pages(m), charge = 0, pfn;

	if (m->frame.n >= PMK_MACHINE_RUNS_MAX ||
	    (!find_block(m, m->frame_next, &pfn) && !find_block(m, 1, &pfn)))
		return 0;
	if (!(flags & (PMK_KPF_HUGE_MASK | PMK_KPF_ZERO_PAGE_MASK)))
		charge = (uint64_t)m->charge << 32; /* the others are nobody's */
	flags |= PMK_FRAME_LARGE;
	m->frame_next = pfn + size;
	pmk_content_new(m, pfn, size);
	pmk_runs_set(&m->frame, pfn, pfn + 1,
		     (struct pmk_value){ charge, flags | PMK_KPF_COMPOUND_HEAD_MASK });
	pmk_runs_set(&m->frame, pfn + 1, pfn + size,
		     (struct pmk_value){ charge, flags | PMK_KPF_COMPOUND_TAIL_MASK });
	*ret_pfn = pfn;
	return size;
}

static bool is_large(const struct pmk_machine *m, uint64_t pfn)
{
	struct pmk_value v;

	return pmk_runs_get(&m->frame, pfn, &v) && v.tag & PMK_FRAME_LARGE;
}

void pmk_folio_widen(const struct pmk_machine *m, uint64_t *pfn, uint64_t *n)
{
	uint64_t end = *pfn + *n;

	if (*n && is_large(m, end - 1))
		end = unit_of(m, end - 1) + pmk_pmd_pages(m);
	if (*n && is_large(m, *pfn))
		*pfn = unit_of(m, *pfn);
	*n = end - *pfn;
}

struct pmk_value pmk_folio_head(const struct pmk_machine *m, uint64_t pfn)
{
	struct pmk_value v = { 0, 0 };

	pmk_runs_get(&m->frame, unit_of(m, pfn), &v);
	return v;
}

bool pmk_folio_mapped(const struct pmk_machine *m, uint64_t pfn, bool *ret_shared)
{
	struct pmk_piece f = { .end = unit_of(m, pfn) };
	uint64_t end = f.end + pmk_pmd_pages(m);
	bool mapped = false, shared = false;

	while (pmk_runs_piece(&m->frame, end, &f)) {
		mapped |= f.run && PMK_FRAME_MAPCOUNT(f.v);
		shared |= f.run && PMK_FRAME_MAPCOUNT(f.v) > 1;
	}
	if (ret_shared)
		*ret_shared = shared;
	return mapped;
}

/* Entries of [start, end) that map a page of the folio. */
static uint64_t mapped_here(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t head,
			    uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = start };
	uint64_t n = 0;

	while (pmk_runs_piece(&mm->pte, end, &p))
		if (p.run && PMK_PTE_KIND(p.v.tag) == PMK_PTE_FRAME && p.v.base >= head &&
		    p.v.base < head + pmk_pmd_pages(m))
			n += p.end - p.start;
	return n;
}

bool pmk_folio_shared(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t at,
		      uint64_t pfn)
{
	uint64_t size = pmk_pmd_pages(m), head = unit_of(m, pfn), all = 0;
	uint64_t start = at > pfn - head ? at - (pfn - head) : 0;
	struct pmk_piece f = { .end = head };
	bool shared;

	if (!pmk_profile_has(&m->profile, PMK_Q_THP_REUSE)) { /* it does not know who */
		pmk_folio_mapped(m, pfn, &shared);
		return shared;
	}
	while (pmk_runs_piece(&m->frame, head + size, &f))
		all += f.run ? PMK_FRAME_MAPCOUNT(f.v) * (f.end - f.start) : 0;
	/* the rest may be elsewhere, by mremap */
	return all != mapped_here(m, mm, head, start, start + size) &&
	       all != mapped_here(m, mm, head, 0, UINT64_MAX);
}

void pmk_folio_settle(struct pmk_machine *m, uint64_t pfn, uint64_t n)
{
	uint64_t size = pmk_pmd_pages(m);

	for (uint64_t at = unit_of(m, pfn), next; at < pfn + n; at = next) {
		const struct pmk_run *run = pmk_runs_seek(&m->frame, at, NULL);

		if (!run)
			return;
		next = run->start > at + size ? unit_of(m, run->start) : at + size;
		if (run->start == at && run->v.tag & PMK_FRAME_LARGE &&
		    !(run->v.tag & PMK_FRAME_CACHED) && !pmk_folio_mapped(m, at, NULL))
			pmk_runs_clear(&m->frame, at, at + size);
	}
}

/* One run of entries, whose pages hold zeros, gets the zero page. */
static void map_zeros(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
		      struct pmk_value v)
{
	const uint64_t keep = PMK_PTE_SOFT_DIRTY | PMK_PTE_UFFD_WP;

	pmk_runs_set(&mm->pte, start, end,
		     (struct pmk_value){ pmk_frame_zero(m), PMK_PTE_ZERO | (v.tag & keep) });
	pmk_frame_map(m, v.base, end - start, -1);
}

static void map_zeros_here(struct pmk_machine *m, struct pmk_mm *mm, uint64_t head, uint64_t start,
			   uint64_t end)
{
	uint64_t size = pmk_pmd_pages(m);
	struct pmk_piece p = { .end = start };

	while (pmk_runs_piece(&mm->pte, end, &p)) {
		struct pmk_piece c = { .end = p.v.base };
		struct pmk_run run;
		const struct pmk_vma *vma;

		if (!p.run || PMK_PTE_KIND(p.v.tag) != PMK_PTE_FRAME || p.v.base < head ||
		    p.v.base >= head + size)
			continue;
		vma = pmk_vma_at(m, mm, p.start, &run);
		if (vma && p.end > run.end)
			p.end = run.end;
		if (vma && vma->flags & PMK_VMA_LOCKED)
			continue;
		while (pmk_runs_piece(&m->content, p.v.base + (p.end - p.start), &c)) {
			uint64_t at = p.start + (c.start - p.v.base);

			if (!c.run || pmk_mutant(m, SPLIT_DROPS_ALL))
				map_zeros(m, mm, at, at + (c.end - c.start),
					  pmk_value_at(p.v, c.start - p.v.base));
		}
	}
}

/* try_to_map_unused_to_zeropage(): a split looks at what is in the pages. */
static void map_zero_pages(struct pmk_machine *m, struct pmk_mm *mm, uint64_t at, uint64_t pfn)
{
	uint64_t head = unit_of(m, pfn), start = at > pfn - head ? at - (pfn - head) : 0;

	if (!pmk_profile_has(&m->profile, PMK_Q_SPLIT_ZEROS) ||
	    pmk_folio_head(m, pfn).tag & PMK_KPF_MLOCKED_MASK)
		return;
	map_zeros_here(m, mm, head, start, start + pmk_pmd_pages(m));
	if (pmk_folio_mapped(m, pfn, NULL))
		map_zeros_here(m, mm, head, 0, UINT64_MAX); /* by mremap */
}

/* Nobody shares it and no PMD maps it any more: 2^n small pages (split_folio). */
static void split_folio(struct pmk_machine *m, uint64_t pfn)
{
	const uint64_t gone = PMK_FRAME_LARGE | PMK_KPF_COMPOUND_HEAD_MASK |
			      PMK_KPF_COMPOUND_TAIL_MASK | PMK_KPF_THP_MASK;
	struct pmk_piece f = { .end = unit_of(m, pfn) };
	uint64_t end = f.end + pmk_pmd_pages(m);

	pmk_cover(m, FOLIO_SPLIT);
	while (pmk_runs_piece(&m->frame, end, &f)) {
		struct pmk_value v = { f.v.base, f.v.tag & ~gone };

		if (f.run && (PMK_FRAME_MAPCOUNT(v) || v.tag & PMK_FRAME_CACHED))
			pmk_runs_set(&m->frame, f.start, f.end, v);
		else
			pmk_runs_clear(&m->frame, f.start, f.end);
	}
}

/* ---- PMDs become page tables -------------------------------------------------------------------- */

/* __split_huge_pmd(): the entries of an object are dropped, they come back by faults. */
static void split_unit(struct pmk_machine *m, struct pmk_mm *mm, uint64_t unit)
{
	struct pmk_piece p = { .end = unit };

	pmk_cover(m, HUGE_SPLIT);
	while (pmk_runs_piece(&mm->pte, unit + pmk_pmd_pages(m), &p)) {
		struct pmk_value v = { p.v.base, p.v.tag & ~PMK_PTE_HUGE };
		bool zero = PMK_PTE_KIND(v.tag) == PMK_PTE_ZERO;

		if (!p.run || !(p.v.tag & PMK_PTE_HUGE))
			continue;
		if (zero)
			v = (struct pmk_value){ pmk_frame_zero(m), v.tag & ~PMK_RUN_LINEAR };
		if (zero || v.tag & PMK_PTE_ANON) {
			pmk_mm_set_entries(m, mm, p.start, p.end, v);
			continue;
		}
		pmk_runs_clear(&mm->pte, p.start, p.end);
		pmk_frame_map(m, v.base, p.end - p.start, -1);
	}
}

bool pmk_huge_is_mapped(const struct pmk_mm *mm, uint64_t at)
{
	const struct pmk_run *run = pmk_runs_find(&mm->pte, at);

	return run && run->v.tag & PMK_PTE_HUGE && !(run->v.tag & PMK_PTE_HUGETLB);
}

void pmk_huge_split_at(struct pmk_machine *m, struct pmk_mm *mm, uint64_t at)
{
	if (unit_of(m, at) != at && pmk_huge_is_mapped(mm, at))
		split_unit(m, mm, unit_of(m, at));
}

void pmk_huge_split(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = start };

	while (pmk_runs_piece(&mm->pte, end, &p)) {
		if (!p.run || !(p.v.tag & PMK_PTE_HUGE) || p.v.tag & PMK_PTE_HUGETLB)
			continue;
		for (uint64_t at = unit_of(m, p.start); at < p.end; at += pmk_pmd_pages(m))
			split_unit(m, mm, at);
	}
}

/* retract_page_tables(): an empty table makes room for the huge page, except where private copies or markers may
 * come to be in it. */
static void retract_table(struct pmk_machine *m, struct pmk_mm *mm, const struct pmk_run *run,
			  uint64_t at)
{
	const struct pmk_vma *vma = &m->vma[run->v.tag & ~PMK_RUN_LINEAR];
	uint64_t size = pmk_pmd_pages(m);

	if (at != unit_of(m, at) || run->end < at + size || vma->anon_vma ||
	    vma->flags & (PMK_VMA_UFFD_WP | PMK_VMA_MAYBE_GUARD))
		return;
	pmk_cover(m, COLLAPSE_RETRACTS);
	pmk_runs_clear(&mm->table, at / size, at / size + 1);
}

void pmk_object_unmap(struct pmk_machine *m, int object, uint64_t off, uint64_t n, bool retract)
{
	for (size_t i = 0; i < m->ntasks; i++) {
		struct pmk_mm *mm = m->task[i]->mm;
		struct pmk_cursor c;
		const struct pmk_run *run = mm ? pmk_runs_seek(&mm->vma, 0, &c) : NULL;

		for (; run; run = pmk_runs_next(&c)) {
			uint64_t first = run->v.base, last = first + (run->end - run->start);
			uint64_t from = off > first ? off : first,
				 to = off + n < last ? off + n : last;

			const struct pmk_vma *vma = &m->vma[run->v.tag & ~PMK_RUN_LINEAR];

			if (vma->object != object || from >= to)
				continue;
			pmk_mm_zap_pages(m, mm, vma, run->start + (from - first),
					 run->start + (to - first), false);
			if (retract && first <= off && last > off)
				retract_table(m, mm, run, run->start + (off - first));
		}
	}
}

/* An object's folio, page `off` of it at pfn: split, its pages are mapped by nobody, and those beyond the end go. */
static void split_cached(struct pmk_machine *m, int object, uint64_t off, uint64_t pfn)
{
	uint64_t size = pmk_pmd_pages(m), first = off - (pfn - unit_of(m, pfn));
	struct pmk_object *o = &m->object[object];
	uint64_t end = o->pages > first ? o->pages : first;

	pmk_object_unmap(m, object, first, size, false);
	split_folio(m, pfn);
	if (end >= first + size)
		return;
	pmk_runs_clear(&o->cache, end, first + size);
	pmk_frame_flags(m, unit_of(m, pfn) + (end - first), first + size - end, PMK_FRAME_CACHED,
			0);
}

/* madvise_cold_or_pageout_pte_range(), madvise_free_pte_range(): of a folio, part of which is inside. */
static void split_cut_folio(struct pmk_machine *m, struct pmk_mm *mm, uint64_t at, uint64_t pfn)
{
	struct pmk_run run;
	const struct pmk_vma *vma = pmk_vma_at(m, mm, at, &run);
	struct pmk_value v;

	if (pmk_folio_shared(m, mm, at, pfn))
		return;
	pmk_runs_get(&mm->pte, at, &v);
	if (!(v.tag & PMK_PTE_ANON)) {
		split_cached(m, vma->object, run.v.base + (at - run.start), pfn);
		return;
	}
	if (pmk_huge_is_mapped(mm, at))
		split_unit(m, mm, unit_of(m, at));
	map_zero_pages(m, mm, at, pfn);
	split_folio(m, pfn);
}

void pmk_folio_split_cut(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end)
{
	uint64_t size = pmk_pmd_pages(m);
	struct pmk_piece p = { .end = start };

	while (pmk_runs_piece(&mm->pte, end, &p)) {
		uint64_t last;

		if (p.end > unit_of(m, p.start) + size)
			p.end = unit_of(m, p.start) + size; /* table by table */
		last = p.v.base + (p.end - p.start);
		if (!p.run || PMK_PTE_KIND(p.v.tag) != PMK_PTE_FRAME || p.v.tag & PMK_PTE_HUGETLB)
			continue;
		if (is_large(m, p.v.base) &&
		    (unit_of(m, p.v.base) < p.v.base || unit_of(m, p.v.base) + size > last))
			split_cut_folio(m, mm, p.start, p.v.base);
		if (is_large(m, last - 1) && unit_of(m, last - 1) + size > last)
			split_cut_folio(m, mm, p.end - 1, last - 1);
	}
}

/* ---- transparent huge pages --------------------------------------------------------------------- */

static bool vma_wants(const struct touch *t)
{
	return t->mm->thp && t->vma.flags & PMK_VMA_HUGEPAGE;
}

/* A PMD that is empty and all of one VMA. */
static bool unit_is_free(const struct touch *t, uint64_t unit)
{
	uint64_t size = pmk_pmd_pages(t->m);
	const struct pmk_run *next = pmk_runs_seek(&t->mm->pte, unit, NULL);
	struct pmk_piece table = { .end = unit };

	if (unit < t->run.start || unit + size > t->run.end || (next && next->start < unit + size))
		return false;
	return pmk_mm_table_piece(t->m, t->mm, unit + size, &table) && !table.run;
}

static void map_unit(struct touch *t, uint64_t unit, uint64_t pfn, uint64_t tag)
{
	uint64_t size = pmk_pmd_pages(t->m);

	if (PMK_PTE_KIND(tag) == PMK_PTE_FRAME)
		pmk_frame_map(t->m, pfn, size, 1);
	if (PMK_PTE_KIND(tag) == PMK_PTE_FRAME && !(tag & PMK_PTE_HUGETLB))
		pmk_touch_lock(t, pfn, size, true);
	pmk_mm_set_entries(t->m, t->mm, unit, unit + size,
			   (struct pmk_value){ pfn, tag | PMK_PTE_HUGE | PMK_RUN_LINEAR });
}

static bool new_huge(struct touch *t, uint64_t unit)
{
	uint64_t pfn;

	if (!pmk_folio_alloc(t->m, ANON_FLAGS | PMK_KPF_THP_MASK | PMK_FRAME_ANONEXCL, &pfn))
		return false;
	pmk_cover(t->m, HUGE_NEW);
	pmk_touch_anon_vma(t);
	map_unit(t, unit, pfn, PMK_PTE_FRAME | PMK_PTE_ANON | pmk_touch_written(t) | t->armed);
	return true;
}

static bool map_huge_zero(struct touch *t, uint64_t unit)
{
	struct pmk_machine *m = t->m;
	uint64_t pfn = m->huge_zero_pfn, size = pmk_pmd_pages(m);

	if (!pfn) {
		if (!pmk_folio_alloc(m, PMK_KPF_ZERO_PAGE_MASK | PMK_KPF_THP_MASK | PMK_FRAME_GIVEN,
				     &pfn))
			return false;
		for (struct pmk_piece f = { .end = pfn };
		     pmk_runs_piece(&m->frame, pfn + size, &f);) {
			f.v.tag &= ~PMK_FRAME_LARGE; /* nobody counts it */
			pmk_runs_set(&m->frame, f.start, f.end, f.v);
		}
		m->huge_zero_pfn = pfn;
	}
	pmk_cover(m, HUGE_ZERO);
	pmk_touch_anon_vma(t); /* do_huge_pmd_anonymous_page() prepares first */
	map_unit(t, unit, pfn, PMK_PTE_ZERO | t->armed);
	return true;
}

int64_t pmk_huge_touch_none(struct touch *t, uint64_t start, uint64_t end)
{
	bool zero = !t->write && pmk_profile_has(&t->m->profile, PMK_Q_ZERO_PAGE);
	int64_t err = 0;

	if (!vma_wants(t))
		return pmk_touch_anon(t, start, end);
	for (uint64_t at = start, next; !err && at < end; at = next) {
		uint64_t unit = unit_of(t->m, at);

		next = unit + pmk_pmd_pages(t->m) < end ? unit + pmk_pmd_pages(t->m) : end;
		if (unit_is_free(t, unit) && (zero ? map_huge_zero(t, unit) : new_huge(t, unit)))
			continue;
		err = pmk_touch_anon(t, at, next);
	}
	return err;
}

/* do_huge_pmd_wp_page(): may the whole unit be written to? */
static bool reuse_unit(struct touch *t, uint64_t unit, const struct pmk_value *v)
{
	uint64_t size = pmk_pmd_pages(t->m), pfn = unit_of(t->m, v->base);
	bool shared;

	if (v->tag & PMK_PTE_UFFD_WP)
		return false; /* asynchronous protection ends for the one page */
	if (PMK_PTE_KIND(v->tag) == PMK_PTE_FRAME && !(v->tag & PMK_PTE_ANON) &&
	    !(t->vma.flags & PMK_VMA_SHARED))
		return false; /* wp_huge_pmd(): a private copy, page by page */
	if (PMK_PTE_KIND(v->tag) == PMK_PTE_ZERO) {
		if (!pmk_profile_has(&t->m->profile, PMK_Q_THP_ZERO_WRITE))
			return false;
		pmk_runs_clear(&t->mm->pte, unit, unit + size);
		if (new_huge(t, unit))
			return true;
		map_unit(t, unit, t->m->huge_zero_pfn, v->tag);
		return false;
	}
	if (v->tag & PMK_PTE_ANON) {
		pmk_folio_mapped(t->m, pfn, &shared);
		if (shared)
			return false;
		pmk_frame_flags(t->m, pfn, size, 0, PMK_FRAME_ANONEXCL);
	}
	pmk_cover(t->m, HUGE_REUSE);
	pmk_frame_access(t->m, pfn, size);
	pmk_runs_set(&t->mm->pte, unit, unit + size,
		     (struct pmk_value){ pfn, v->tag | pmk_touch_written(t) });
	return true;
}

int64_t pmk_huge_store(struct touch *t, const struct pmk_piece *p)
{
	uint64_t size = pmk_pmd_pages(t->m), next;
	int64_t err = 0;

	for (uint64_t at = p->start; !err && at < p->end; at = next) {
		uint64_t unit = unit_of(t->m, at);
		struct pmk_value v = pmk_value_at(p->v, at - p->start);

		next = unit + size < p->end ? unit + size : p->end;
		if (reuse_unit(t, unit, &v))
			continue;
		split_unit(t->m, t->mm, unit);
		err = pmk_touch_entries(t, at, next);
	}
	return err;
}

/* Whether the cache has a huge page for the unit: its first frame. */
static bool cached_unit(const struct touch *t, uint64_t unit, uint64_t *ret_pfn)
{
	uint64_t off = t->run.v.base + (unit - t->run.start);
	struct pmk_value v;

	if (off != unit_of(t->m, off) ||
	    !pmk_runs_get(&t->m->object[t->vma.object].cache, off, &v) ||
	    PMK_PTE_KIND(v.tag) != PMK_PTE_FRAME || !is_large(t->m, v.base))
		return false;
	*ret_pfn = v.base;
	return true;
}

static bool has_any(const struct pmk_runs *map, uint64_t start, uint64_t end)
{
	const struct pmk_run *run = pmk_runs_seek(map, start, NULL);

	return run && run->start < end;
}

void pmk_huge_map_cached(struct touch *t, uint64_t start, uint64_t end)
{
	uint64_t size = pmk_pmd_pages(t->m), pfn;

	if (!t->mm->thp || t->vma.flags & PMK_VMA_NOHUGEPAGE ||
	    t->m->object[t->vma.object].kind != PMK_OBJECT_SHMEM)
		return;
	for (uint64_t unit = unit_of(t->m, start); unit < end; unit += size)
		if (unit_is_free(t, unit) && cached_unit(t, unit, &pfn))
			map_unit(t, unit, pfn, PMK_PTE_FRAME | t->armed);
}

bool pmk_huge_around(struct touch *t, uint64_t page)
{
	uint64_t size = pmk_pmd_pages(t->m), unit = unit_of(t->m, page), pfn;

	pmk_huge_map_cached(t, page, page + 1); /* filemap_map_pmd() */
	if (pmk_huge_is_mapped(t->mm, page))
		return true;
	if (!pmk_profile_has(&t->m->profile, PMK_Q_AROUND_WHOLE) || unit < t->run.start ||
	    unit + size > t->run.end || !cached_unit(t, unit, &pfn))
		return false;
	pmk_cover(t->m, AROUND_WHOLE);
	pmk_touch_cached(t, unit, unit + size, 0);
	return true;
}

void pmk_huge_map_whole(struct touch *t, uint64_t start, uint64_t end)
{
	uint64_t size = pmk_pmd_pages(t->m), pfn;

	if (!pmk_profile_has(&t->m->profile, PMK_Q_SHMEM_WHOLE) || t->vma.flags & PMK_VMA_UFFD_WP ||
	    t->m->object[t->vma.object].kind != PMK_OBJECT_SHMEM)
		return;
	for (uint64_t unit = unit_of(t->m, start); unit < end; unit += size) {
		if (unit < t->run.start || unit + size > t->run.end ||
		    has_any(&t->mm->pte, unit, unit + size) || !cached_unit(t, unit, &pfn))
			continue;
		pmk_cover(t->m, SHMEM_WHOLE);
		pmk_frame_map(t->m, pfn, size, 1);
		pmk_touch_lock(t, pfn, size, true);
		pmk_mm_set_entries(t->m, t->mm, unit, unit + size,
				   (struct pmk_value){ pfn, PMK_PTE_FRAME | PMK_RUN_LINEAR |
								    pmk_touch_written(t) });
	}
}

/* ---- MADV_COLLAPSE ------------------------------------------------------------------------------ */

/* What madvise_collapse() does with one unit: done, go on with the next and fail at the end, or fail at once. */
enum collapsed { COLLAPSED, COLLAPSE_FAILS, COLLAPSE_ENDS };

/* hpage_collapse_scan_pmd() and __collapse_huge_page_swapin(): is everything of the unit present, or can be made so?
 * *ret_err: the error, if it cannot. */
static enum collapsed look_at_unit(struct touch *t, uint64_t unit, int64_t *ret_err)
{
	struct pmk_piece p = { .end = unit }, table = { .end = unit };
	uint64_t stop = 0;

	if (!pmk_mm_table_piece(t->m, t->mm, unit + 1, &table) || !table.run)
		return COLLAPSE_ENDS; /* SCAN_PMD_NONE */
	while (pmk_runs_piece(&t->mm->pte, unit + pmk_pmd_pages(t->m), &p)) {
		enum pmk_pte_kind kind = p.run ? PMK_PTE_KIND(p.v.tag) : PMK_PTE_ZERO;

		if (kind == PMK_PTE_ZERO && t->vma.flags & PMK_VMA_UFFD_WP) {
			*ret_err = -EBUSY; /* somebody may wait for it */
			return COLLAPSE_ENDS;
		}
		if (p.run && (p.v.tag & PMK_PTE_UFFD_WP ||
			      (kind == PMK_PTE_MARKER && p.v.base & PMK_MARKER_UFFD_WP)))
			return COLLAPSE_FAILS;
		if (kind == PMK_PTE_MARKER && !stop)
			stop = p.start;
	}
	if (!stop)
		return COLLAPSED;
	for (p.end = unit; pmk_runs_piece(&t->mm->pte, stop, &p);) /* as far as it comes */
		if (p.run && PMK_PTE_KIND(p.v.tag) == PMK_PTE_SWAP)
			pmk_mm_populate(t->m, t->mm, p.start, p.end, PMK_POPULATE_READ);
	return COLLAPSE_ENDS;
}

static enum collapsed collapse_anon(struct touch *t, uint64_t unit, int64_t *ret_err)
{
	uint64_t size = pmk_pmd_pages(t->m), pfn;
	enum collapsed how = look_at_unit(t, unit, ret_err);

	if (how != COLLAPSED)
		return how;
	if (!pmk_folio_alloc(t->m, ANON_FLAGS | PMK_KPF_THP_MASK | PMK_FRAME_ANONEXCL, &pfn)) {
		*ret_err = -ENOMEM;
		return COLLAPSE_ENDS;
	}
	pmk_cover(t->m, COLLAPSE_ANON);
	pmk_content_gather(t->m, &t->mm->pte, unit, unit + size, pfn);
	pmk_mm_zap(t->m, t->mm, unit, unit + size);
	pmk_runs_clear(&t->mm->table, unit / size, unit / size + 1);
	pmk_touch_anon_vma(t);
	map_unit(t, unit, pfn, PMK_PTE_FRAME | PMK_PTE_ANON | pmk_touch_written(t));
	return COLLAPSED;
}

/* collapse_file(): the object's pages become one huge one, where there are any. */
static bool collapse_cache(struct pmk_machine *m, int object, uint64_t off, uint64_t *ret_pfn)
{
	uint64_t size = pmk_pmd_pages(m);
	struct pmk_object *o = &m->object[object];
	struct pmk_piece c = { .end = off };

	if (!has_any(&o->cache, off, off + size)) /* SCAN_TRUNCATED: nothing but a hole */
		return false;
	if (!pmk_folio_alloc(m,
			     PMK_KPF_UPTODATE_MASK | PMK_KPF_LRU_MASK | PMK_KPF_SWAPBACKED_MASK |
				     PMK_FRAME_CACHED | PMK_KPF_THP_MASK,
			     ret_pfn))
		return false;
	pmk_cover(m, COLLAPSE_SHMEM);
	pmk_content_gather(m, &o->cache, off, off + size, *ret_pfn);
	pmk_object_unmap(m, object, off, size, true);
	while (pmk_runs_piece(&o->cache, off + size, &c)) {
		if (c.run && PMK_PTE_KIND(c.v.tag) == PMK_PTE_FRAME)
			pmk_frame_flags(m, c.v.base, c.end - c.start, PMK_FRAME_CACHED, 0);
		else if (c.run)
			pmk_slot_count(m, c.v.base, c.end - c.start, -1);
	}
	pmk_runs_set(&o->cache, off, off + size,
		     (struct pmk_value){ *ret_pfn, PMK_PTE_FRAME | PMK_RUN_LINEAR });
	return true;
}

/* collapse_pte_mapped_thp(): a PMD takes the place of a table that has nothing but pages of the huge one. */
static enum collapsed map_collapsed(struct touch *t, uint64_t unit, uint64_t pfn)
{
	uint64_t size = pmk_pmd_pages(t->m);
	struct pmk_piece p = { .end = unit };

	if (unit + size > t->run.end)
		return COLLAPSE_ENDS;
	if (t->vma.flags & PMK_VMA_UFFD_WP) /* keeps the table for its markers */
		return COLLAPSE_FAILS;
	while (pmk_runs_piece(&t->mm->pte, unit + size, &p)) {
		if (p.run && PMK_PTE_KIND(p.v.tag) >= PMK_PTE_SWAP)
			return COLLAPSE_FAILS;
		if (p.run && (p.v.tag & PMK_PTE_ANON || p.v.base != pfn + (p.start - unit)))
			return COLLAPSE_ENDS; /* a private copy */
	}
	pmk_mm_zap(t->m, t->mm, unit, unit + size);
	pmk_runs_clear(&t->mm->table, unit / size, unit / size + 1);
	map_unit(t, unit, pfn, PMK_PTE_FRAME);
	return COLLAPSED;
}

static enum collapsed collapse_shmem(struct touch *t, uint64_t unit)
{
	uint64_t off = t->run.v.base + (unit - t->run.start), pfn;

	if (off != unit_of(t->m, off) ||
	    (!cached_unit(t, unit, &pfn) && !collapse_cache(t->m, t->vma.object, off, &pfn)))
		return COLLAPSE_ENDS;
	return map_collapsed(t, unit, pfn);
}

/* thp_vma_suitable_order(): the last PMD that could fit is all inside. */
static bool has_unit(const struct pmk_machine *m, const struct pmk_run *vma)
{
	uint64_t size = pmk_pmd_pages(m);

	return vma->end - vma->start >= size && unit_of(m, vma->end - size) >= vma->start;
}

int64_t pmk_huge_collapse(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end)
{
	struct touch t = { .m = m, .mm = mm, .write = true };
	const struct pmk_vma *vma = pmk_vma_at(m, mm, start, &t.run);
	uint64_t size = pmk_pmd_pages(m), at = unit_of(m, start + size - 1);
	int64_t err = 0;

	if (!vma || !mm->thp || !has_unit(m, &t.run) ||
	    (vma->object < 0 && !vma->anon_vma && !pmk_mutant(m, COLLAPSE_EMPTY)) ||
	    vma->flags & (PMK_VMA_NOHUGEPAGE | PMK_VMA_HUGETLB | PMK_VMA_PFNMAP))
		return -EINVAL;
	t.vma = *vma;
	if (vma->object >= 0 && (m->object[vma->object].kind != PMK_OBJECT_SHMEM ||
				 (t.run.start - t.run.v.base) & (size - 1)))
		return -EINVAL;
	if (at >
	    unit_of(m,
		    end)) /* madvise_collapse() counts fewer than no huge pages, and has found none */
		return -EINVAL;
	for (; at + size <= end; at += size) {
		int64_t e = -EINVAL;
		enum collapsed how = pmk_huge_is_mapped(mm, at) ? COLLAPSED
				     : t.vma.object >= 0	? collapse_shmem(&t, at)
								: collapse_anon(&t, at, &e);

		if (how != COLLAPSED)
			err = e;
		if (how == COLLAPSE_ENDS)
			break;
	}
	return err;
}

/* ---- hugetlb ------------------------------------------------------------------------------------ */

bool pmk_hugetlb_cut(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t at)
{
	const struct pmk_vma *vma;

	if (unit_of(m, at) == at)
		return false;
	vma = pmk_vma_at(m, mm, at, NULL);
	return vma && vma->flags & PMK_VMA_HUGETLB;
}

/* hugetlb_no_page() for a private mapping, and hugetlb_wp(): a page of its own, for a load too. */
static int64_t hugetlb_anon(struct touch *t, uint64_t unit)
{
	uint64_t pfn;

	if (!pmk_folio_alloc(t->m,
			     PMK_KPF_UPTODATE_MASK | PMK_KPF_ANON_MASK | PMK_KPF_HUGE_MASK |
				     PMK_FRAME_ANONEXCL,
			     &pfn))
		return PMK_SIGNAL(SIGBUS); /* as when the pool is empty */
	pmk_touch_anon_vma(t);
	map_unit(t, unit, pfn,
		 PMK_PTE_FRAME | PMK_PTE_HUGETLB | PMK_PTE_ANON | pmk_touch_written(t));
	return 0;
}

static int64_t hugetlb_shared(struct touch *t, uint64_t unit)
{
	struct pmk_object *o = &t->m->object[t->vma.object];
	uint64_t off = t->run.v.base + (unit - t->run.start), pfn, size = pmk_pmd_pages(t->m);
	struct pmk_value v;

	if (pmk_runs_get(&o->cache, off, &v)) {
		pfn = v.base;
	} else {
		if (!pmk_folio_alloc(t->m,
				     PMK_KPF_UPTODATE_MASK | PMK_KPF_HUGE_MASK | PMK_FRAME_CACHED,
				     &pfn))
			return PMK_SIGNAL(SIGBUS);
		pmk_runs_set(&o->cache, off, off + size,
			     (struct pmk_value){ pfn, PMK_PTE_FRAME | PMK_RUN_LINEAR });
	}
	map_unit(t, unit, pfn,
		 PMK_PTE_FRAME | PMK_PTE_HUGETLB | (t->write ? pmk_touch_written(t) : 0));
	return 0;
}

static int64_t hugetlb_store(struct touch *t, uint64_t unit, const struct pmk_value *v)
{
	uint64_t size = pmk_pmd_pages(t->m);
	struct pmk_value head = pmk_folio_head(t->m, v->base), new;
	int64_t err;

	if (!(v->tag & PMK_PTE_ANON))
		return 0;
	if (PMK_FRAME_MAPCOUNT(head) == 1) {
		pmk_frame_flags(t->m, v->base, size, 0, PMK_FRAME_ANONEXCL);
		return 0;
	}
	pmk_cover(t->m, HUGETLB_COPY);
	pmk_runs_clear(&t->mm->pte, unit, unit + size);
	pmk_frame_map(t->m, v->base, size, -1);
	err = hugetlb_anon(t, unit);
	if (!err && pmk_runs_get(&t->mm->pte, unit, &new))
		pmk_content_copy(t->m, new.base, v->base, size);
	return err;
}

/* hugetlb_no_page(): of a page that userfaultfd has armed before it came, the entry is armed as well. */
static int64_t hugetlb_new(struct touch *t, uint64_t unit, bool armed)
{
	uint64_t size = pmk_pmd_pages(t->m);
	int64_t err;
	struct pmk_value v;

	pmk_cover(t->m, HUGETLB_NEW);
	pmk_runs_clear(&t->mm->pte, unit, unit + size); /* a marker */
	err = t->vma.flags & PMK_VMA_SHARED ? hugetlb_shared(t, unit) : hugetlb_anon(t, unit);
	if (!armed)
		return err;
	if (err)
		v = (struct pmk_value){ PMK_MARKER_UFFD_WP,
					PMK_PTE_MARKER | PMK_PTE_HUGE | PMK_PTE_HUGETLB };
	else
		pmk_runs_get(&t->mm->pte, unit, &v);
	if (!err)
		v.tag |= PMK_PTE_UFFD_WP;
	pmk_runs_set(&t->mm->pte, unit, unit + size, v);
	return err;
}

/* hugetlb_fault(): protection by userfaultfd is looked at once there is a page. */
static int64_t hugetlb_touch(struct touch *t, uint64_t unit)
{
	uint64_t size = pmk_pmd_pages(t->m);
	struct pmk_value v;
	int64_t err = 0;
	bool new = !pmk_runs_get(&t->mm->pte, unit, &v), marker, armed;

	marker = !new &&PMK_PTE_KIND(v.tag) == PMK_PTE_MARKER;
	armed = !new && t->vma.flags &PMK_VMA_UFFD_WP &&
		(v.tag & PMK_PTE_UFFD_WP || (marker && v.base & PMK_MARKER_UFFD_WP));
	if (marker && v.base & PMK_MARKER_POISON)
		return PMK_SIGNAL(SIGBUS);
	if (new || marker)
		err = hugetlb_new(t, unit, armed);
	if (err || !t->write || (!armed && (new || marker)))
		return err;
	pmk_runs_get(&t->mm->pte, unit, &v);
	if (PMK_PTE_KIND(v.tag) != PMK_PTE_FRAME)
		return 0;
	if (pmk_touch_stopped(t, v.tag))
		return PMK_SIGNAL(SIGBUS);
	if (armed) {
		v.tag &= ~PMK_PTE_UFFD_WP;
		pmk_runs_set(&t->mm->pte, unit, unit + size, v);
	}
	return hugetlb_store(t, unit, &v);
}

int64_t pmk_hugetlb_touch(struct touch *t, uint64_t start, uint64_t end)
{
	uint64_t size = pmk_pmd_pages(t->m);
	int64_t err = 0;

	for (uint64_t unit = unit_of(t->m, start); !err && unit < end; unit += size)
		err = hugetlb_touch(t, unit);
	return err;
}
