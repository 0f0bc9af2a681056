/* frame.c - frames and swap slots: who holds them, what kpage* remember of them. */
#include "machine.h"

#include <errno.h>

#include "alloc.h"
#include "pagemapkit.h"

/* ---- frames ------------------------------------------------------------------------------------- */

/* A run of free RAM at or after `from`, at most n long. */
static uint64_t find_free(const struct pmk_machine *m, uint64_t from, uint64_t n, uint64_t *ret)
{
	struct pmk_cursor c;
	const struct pmk_run *ram;

	for (ram = pmk_runs_seek(&m->ram, from, &c); ram; ram = pmk_runs_next(&c)) {
		uint64_t start = ram->start > from ? ram->start : from;
		uint64_t got = pmk_runs_gap(&m->frame, start, ram->end, ret);

		if (got)
			return got < n ? got : n;
	}
	return 0;
}

static uint64_t take(struct pmk_machine *m, uint64_t n, struct pmk_value v, uint64_t *ret_pfn)
{
	uint64_t got = find_free(m, m->frame_next, n, ret_pfn);

	if (!got)
		got = find_free(m, 1, n, ret_pfn); /* PFN 0 is never given out: it means "hidden" */
	if (!got || m->frame.n >= PMK_MACHINE_RUNS_MAX)
		return 0;
	m->frame_next = *ret_pfn + got;
	pmk_content_new(m, *ret_pfn, got);
	v.base |= (uint64_t)m->charge << 32;
	pmk_runs_set(&m->frame, *ret_pfn, *ret_pfn + got, v);
	return got;
}

uint64_t pmk_frame_alloc(struct pmk_machine *m, uint64_t n, uint64_t flags, uint64_t *ret_pfn)
{
	return take(m, n, (struct pmk_value){ 0, flags }, ret_pfn);
}

uint64_t pmk_frame_alloc_mapped(struct pmk_machine *m, uint64_t n, uint64_t flags,
				uint64_t *ret_pfn)
{
	return take(m, n, (struct pmk_value){ 1, flags }, ret_pfn);
}

static bool frame_is_held(struct pmk_value v)
{
	/* a large folio goes as a whole: pmk_folio_settle() */
	return PMK_FRAME_MAPCOUNT(v) ||
	       v.tag & (PMK_FRAME_CACHED | PMK_FRAME_GIVEN | PMK_FRAME_LARGE);
}

void pmk_frame_map(struct pmk_machine *m, uint64_t pfn, uint64_t n, int by)
{
	struct pmk_piece p = { .end = pfn };
	bool large = false;

	while (pmk_runs_piece(&m->frame, pfn + n, &p)) {
		struct pmk_value v = p.v;

		/* a scripted entry may point at nothing; a scripted frame stays as it was said */
		if (!p.run || v.tag & PMK_FRAME_GIVEN)
			continue;
		v.base += (uint64_t)by; /* the mapcount is the low half and never below 0 */
		if (frame_is_held(v))
			pmk_runs_set(&m->frame, p.start, p.end, v);
		else
			pmk_runs_clear(&m->frame, p.start, p.end);
		large |= p.v.tag & PMK_FRAME_LARGE;
	}
	if (large && by < 0)
		pmk_folio_settle(m, pfn, n);
}

void pmk_frame_flags(struct pmk_machine *m, uint64_t pfn, uint64_t n, uint64_t clear, uint64_t set)
{
	struct pmk_piece p;

	if ((clear | set) &
	    ~PMK_FRAME_ANONEXCL) /* that one is a page's, all others are a folio's */
		pmk_folio_widen(m, &pfn, &n);
	p.end = pfn;
	while (pmk_runs_piece(&m->frame, pfn + n, &p)) {
		struct pmk_value v = { p.v.base, (p.v.tag & ~clear) | set };

		if (!p.run)
			continue;
		if (frame_is_held(v))
			pmk_runs_set(&m->frame, p.start, p.end, v);
		else
			pmk_runs_clear(&m->frame, p.start, p.end);
	}
	if (clear & PMK_FRAME_CACHED)
		pmk_folio_settle(m, pfn, n);
}

/* __mlock_folio(), __munlock_folio() */
void pmk_frame_lock(struct pmk_machine *m, uint64_t pfn, uint64_t n, bool on)
{
	const uint64_t flags = PMK_KPF_MLOCKED_MASK | PMK_KPF_UNEVICTABLE_MASK,
		       one = 1ull << PMK_FRAME_LOCKS_SHIFT;
	struct pmk_piece p = { .end = pfn };

	while (pmk_runs_piece(&m->frame, pfn + n, &p)) {
		uint64_t locks = p.v.tag & PMK_FRAME_LOCKS, set;

		if (p.run && p.v.tag & PMK_FRAME_LARGE) {
			uint64_t size = pmk_pmd_pages(m), head = p.start & ~(size - 1);
			bool whole = head >= pfn && head + size <= pfn + n;

			p.end = head +
				size; /* once; a part of a folio does not lock it, but unlocks it */
			if (on && !whole)
				continue;
		}
		if (!p.run || p.v.tag & (PMK_FRAME_GIVEN | PMK_KPF_RESERVED_MASK))
			continue;
		if (on)
			locks += locks < PMK_FRAME_LOCKS ? one : 0;
		else
			locks -= locks ? one : 0;
		if (pmk_mutant(m, MUNLOCK_ALL) && !on)
			locks = 0;
		set = locks ? flags | locks : 0;
		pmk_cover(m, FRAME_LOCK);
		if (!on && locks)
			pmk_cover(m, FRAME_STILL_LOCKED);
		pmk_frame_flags(m, p.start, p.end - p.start, flags | PMK_FRAME_LOCKS, set);
	}
}

uint64_t pmk_frame_zero(struct pmk_machine *m)
{
	const uint64_t flags = PMK_KPF_ZERO_PAGE_MASK | PMK_KPF_RESERVED_MASK;
	uint32_t charge = m->charge;

	/* PMK_KPF_ZERO_PAGE came later than the page (KPF-ZERO) */
	m->charge = 0; /* nobody's */
	if (!m->zero_pfn &&
	    pmk_frame_alloc(m, 1,
			    PMK_FRAME_GIVEN | (flags & pmk_kpageflags_known(m->profile.kernel)),
			    &m->zero_pfn) == 0)
		m->zero_pfn = 0;
	m->charge = charge;
	return m->zero_pfn;
}

int pmk_machine_set_ram(struct pmk_machine *m, const struct pmk_span *span, size_t n)
{
	uint64_t low = UINT64_MAX;

	if (m->frame.n)
		return -EBUSY;
	for (size_t i = 0; i < n; i++)
		if (span[i].last >= 1ull << 51 || (i && span[i].first <= span[i - 1].last))
			return -EINVAL;
	pmk_runs_clear(&m->ram, 0, UINT64_MAX);
	for (size_t i = 0; i < n; i++) {
		pmk_runs_set(&m->ram, span[i].first, span[i].last + 1, (struct pmk_value){ 0, 0 });
		m->max_pfn = span[i].last + 1;
		/* the first megabytes are the firmware's and the kernel's, when there is more */
		if (low == UINT64_MAX && span[i].last >= 0x2000)
			low = span[i].first > 0x1000 ? span[i].first : 0x1000;
	}
	m->frame_next = low == UINT64_MAX ? 1 : low;
	return 0;
}

uint64_t pmk_machine_kpage_limit(const struct pmk_machine *m)
{
	unsigned shift = m->profile.arch->section_shift;
	uint64_t section;

	if (!pmk_profile_has(&m->profile, PMK_Q_LIMIT_SECTION) || !shift)
		return m->max_pfn;
	section = 1ull << (shift - m->profile.arch->page_shift);
	return (m->max_pfn + section - 1) & ~(section - 1);
}

uint32_t pmk_machine_cgroup(struct pmk_machine *m, uint64_t inode)
{
	if (!inode)
		return 0;
	for (size_t i = 0; i < m->ncgroups; i++)
		if (m->cgroup[i] == inode)
			return (uint32_t)i + 1;
	m->cgroup = pmk_realloc(m->cgroup, m->ncgroups + 1, sizeof(*m->cgroup));
	m->cgroup[m->ncgroups++] = inode;
	return (uint32_t)m->ncgroups;
}

int pmk_machine_given_frame(struct pmk_machine *m, uint64_t first, uint64_t last, uint64_t flags,
			    uint64_t count, uint64_t cgroup_inode)
{
	struct pmk_value v = { (uint32_t)count | (uint64_t)pmk_machine_cgroup(m, cgroup_inode)
							 << 32,
			       (flags & PMK_FRAME_FLAGS) | PMK_FRAME_GIVEN };
	struct pmk_value high = { 0, flags >> PMK_FRAME_FLAGS_BITS };
	struct pmk_piece ram = { .end = first };

	if (last >= m->max_pfn)
		return -EINVAL;
	while (pmk_runs_piece(&m->ram, last + 1, &ram))
		if (!ram.run)
			return -EINVAL;
	pmk_runs_set(&m->frame, first, last + 1, v);
	pmk_runs_clear(&m->high, first, last + 1);
	if (high.tag)
		pmk_runs_set(&m->high, first, last + 1, high);
	return 0;
}

/* ---- swap --------------------------------------------------------------------------------------- */

uint64_t pmk_slot_alloc(struct pmk_machine *m, uint64_t n, uint64_t *ret_slot)
{
	uint64_t got = pmk_runs_gap(&m->slot, m->slot_next, m->swap_pages, ret_slot);

	if (!got) /* slot 0 is the area's header */
		got = pmk_runs_gap(&m->slot, 1, m->swap_pages, ret_slot);
	if (!got)
		return 0;
	if (got > n)
		got = n;
	pmk_runs_set(&m->slot, *ret_slot, *ret_slot + got, (struct pmk_value){ 1, 0 });
	m->slot_next = *ret_slot + got;
	return got;
}

/* A slot is free when no entry and no cached frame refers to it. */
static void slot_settle(struct pmk_machine *m, uint64_t start, uint64_t end, struct pmk_value v)
{
	struct pmk_piece c = { .end = start };

	if (v.base) {
		pmk_runs_set(&m->slot, start, end, v);
		return;
	}
	while (pmk_runs_piece(&m->cached, end, &c)) {
		if (c.run)
			pmk_runs_set(&m->slot, c.start, c.end, v);
		else
			pmk_runs_clear(&m->slot, c.start, c.end);
	}
}

void pmk_slot_count(struct pmk_machine *m, uint64_t slot, uint64_t n, int by)
{
	struct pmk_piece p = { .end = slot };

	while (pmk_runs_piece(&m->slot, slot + n, &p)) {
		struct pmk_value v = { p.v.base + (uint64_t)by, 0 };
		struct pmk_piece c = { .end = p.start };

		if (!p.run)
			continue;
		slot_settle(m, p.start, p.end, v);
		if (v.base)
			continue;
		while (pmk_runs_piece(&m->cached, p.end, &c))
			if (c.run) /* nobody refers to the slot: what only the cache held goes */
				pmk_swap_cache_free(m, c.v.base, c.end - c.start);
	}
}

void pmk_slot_cache(struct pmk_machine *m, uint64_t slot, uint64_t pfn, uint64_t n)
{
	pmk_runs_set(&m->cached, slot, slot + n, (struct pmk_value){ pfn, PMK_RUN_LINEAR });
	pmk_runs_set(&m->cached_by, pfn, pfn + n, (struct pmk_value){ slot, PMK_RUN_LINEAR });
	pmk_frame_flags(m, pfn, n, 0, PMK_FRAME_CACHED | PMK_KPF_SWAPCACHE_MASK);
}

void pmk_slot_uncache(struct pmk_machine *m, uint64_t pfn, uint64_t n)
{
	struct pmk_piece p = { .end = pfn };

	while (pmk_runs_piece(&m->cached_by, pfn + n, &p)) {
		uint64_t len = p.end - p.start;
		struct pmk_piece s = { .end = p.v.base };

		if (!p.run)
			continue;
		pmk_runs_clear(&m->cached_by, p.start, p.end);
		pmk_runs_clear(&m->cached, p.v.base, p.v.base + len);
		while (pmk_runs_piece(&m->slot, p.v.base + len, &s))
			if (s.run)
				slot_settle(m, s.start, s.end, s.v);
		pmk_frame_flags(m, p.start, len, PMK_FRAME_CACHED | PMK_KPF_SWAPCACHE_MASK,
				PMK_FRAME_DIRTY);
	}
}
