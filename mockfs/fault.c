/*
 * fault.c - page faults: what a load or a store does to the entries, run by run.
 *
 * Follows mm/memory.c: do_anonymous_page, do_read_fault with fault-around, do_cow_fault, do_shared_fault,
 * do_wp_page, do_swap_page.
 */
#include "touch.h"

#include <errno.h>
#include <signal.h>

#include "pagemapkit.h"
#include "world.h"

#define ANON_FLAGS \
	(PMK_KPF_UPTODATE_MASK | PMK_KPF_LRU_MASK | PMK_KPF_ANON_MASK | PMK_KPF_SWAPBACKED_MASK)
#define FILE_FLAGS  (PMK_KPF_UPTODATE_MASK | PMK_KPF_LRU_MASK | PMK_FRAME_CACHED)
#define SHMEM_FLAGS (FILE_FLAGS | PMK_KPF_SWAPBACKED_MASK)

uint64_t pmk_touch_written(const struct touch *t)
{
	return pmk_profile_has(&t->m->profile, PMK_Q_SOFT_DIRTY)
		       ? PMK_PTE_DIRTY | PMK_PTE_SOFT_DIRTY
		       : PMK_PTE_DIRTY;
}

static void set_entries(struct touch *t, uint64_t start, uint64_t n, uint64_t base, uint64_t tag)
{
	pmk_mm_set_entries(t->m, t->mm, start, start + n, (struct pmk_value){ base, tag });
}

/* The VMA's first page of its own: it gets an anon_vma, a neighbour's if it can (rule 4). */
void pmk_touch_anon_vma(struct touch *t)
{
	static const int sides[] = { 1, -1 };
	struct pmk_run run;

	if (t->vma.anon_vma)
		return;
	for (int i = 0; i < 2 && !t->vma.anon_vma; i++) {
		uint64_t at = sides[i] > 0 ? t->run.end : t->run.start - 1;
		const struct pmk_vma *v = pmk_vma_at(t->m, t->mm, at, &run);
		uint64_t mine =
			sides[i] > 0 ? t->run.v.base + (t->run.end - t->run.start) : t->run.v.base;
		uint64_t other = sides[i] > 0 ? run.v.base : run.v.base + (run.end - run.start);

		if (v && v->anon_vma && !(v->anon_vma >> 31) && v->object == t->vma.object &&
		    v->flags == t->vma.flags && mine == other)
			t->vma.anon_vma = v->anon_vma;
	}
	if (!t->vma.anon_vma)
		t->vma.anon_vma = t->m->anon_vma_next++;
	t->run.v.tag = pmk_vma_intern(t->m, &t->vma) | PMK_RUN_LINEAR;
	pmk_runs_set(&t->mm->vma, t->run.start, t->run.end, t->run.v);
}

/* New anonymous frames at [start, start + n), written by this process alone. */
static int64_t new_anon(struct touch *t, uint64_t start, uint64_t n)
{
	pmk_touch_anon_vma(t);
	while (n) {
		uint64_t pfn, got;

		got = pmk_frame_alloc(t->m, n, ANON_FLAGS | PMK_FRAME_ANONEXCL, &pfn);
		if (!got)
			return -ENOMEM;
		pmk_frame_map(t->m, pfn, got, 1);
		set_entries(t, start, got, pfn,
			    PMK_PTE_FRAME | PMK_PTE_ANON | PMK_RUN_LINEAR | pmk_touch_written(t) |
				    t->armed);
		start += got;
		n -= got;
	}
	return 0;
}

/* ---- files and shared memory -------------------------------------------------------------------- */

static struct pmk_object *object_of(const struct touch *t)
{
	return &t->m->object[t->vma.object];
}

static uint64_t offset_of(const struct touch *t, uint64_t page)
{
	return t->run.v.base + (page - t->run.start);
}

/* Maps what the cache has for the none entries of [start, end). */
static void map_cached(struct touch *t, uint64_t start, uint64_t end, uint64_t flags)
{
	struct pmk_piece none = { .end = start };

	while (pmk_runs_piece(&t->mm->pte, end, &none)) {
		uint64_t off = offset_of(t, none.start);
		struct pmk_piece c = { .end = off };

		if (none.run)
			continue;
		while (pmk_runs_piece(&object_of(t)->cache, off + (none.end - none.start), &c)) {
			if (!c.run || PMK_PTE_KIND(c.v.tag) != PMK_PTE_FRAME)
				continue;
			pmk_frame_map(t->m, c.v.base, c.end - c.start, 1);
			set_entries(t, none.start + (c.start - off), c.end - c.start, c.v.base,
				    PMK_PTE_FRAME | PMK_RUN_LINEAR | flags);
		}
	}
}

static uint64_t cache_flags(enum pmk_object_kind kind)
{
	if (kind == PMK_OBJECT_SECRET) /* its mappings are locked, and nothing is ever evicted */
		return FILE_FLAGS | PMK_KPF_MLOCKED_MASK | PMK_KPF_UNEVICTABLE_MASK;
	return kind == PMK_OBJECT_SHMEM ? SHMEM_FLAGS : FILE_FLAGS;
}

/* Gives every page of [off, end) of the object a frame in its cache. */
static int64_t fill_cache(struct touch *t, uint64_t off, uint64_t end)
{
	struct pmk_object *o = object_of(t);
	struct pmk_piece c = { .end = off };

	while (pmk_runs_piece(&o->cache, end, &c)) {
		bool swapped = c.run && PMK_PTE_KIND(c.v.tag) == PMK_PTE_SWAP;
		uint64_t pfn, got;

		if (c.run && !swapped)
			continue;
		got = pmk_frame_alloc(t->m, c.end - c.start, cache_flags(o->kind), &pfn);
		if (!got)
			return -ENOMEM;
		if (swapped)
			pmk_slot_count(t->m, c.v.base, got, -1);
		c.end = c.start + got;
		pmk_runs_set(&o->cache, c.start, c.end,
			     (struct pmk_value){ pfn, PMK_PTE_FRAME | PMK_RUN_LINEAR });
	}
	return 0;
}

/* page_mkwrite() of a file system. */
static void dirty_cached(struct touch *t, uint64_t off, uint64_t end)
{
	struct pmk_piece c = { .end = off };

	while (pmk_runs_piece(&object_of(t)->cache, end, &c))
		if (c.run && PMK_PTE_KIND(c.v.tag) == PMK_PTE_FRAME)
			pmk_frame_flags(t->m, c.v.base, c.end - c.start, 0, PMK_KPF_DIRTY_MASK);
}

/* Fault-around: what is cached in the 64 KiB windows of [start, end), as far as VMA and file go. */
static void fault_around(struct touch *t, uint64_t start, uint64_t end)
{
	uint64_t window = (64 << 10) >> t->m->profile.arch->page_shift;
	uint64_t eof = t->run.start + object_of(t)->pages - t->run.v.base;

	if (window <= 1 || object_of(t)->kind == PMK_OBJECT_SPECIAL ||
	    t->vma.flags & PMK_VMA_UFFD_WP) /* uffd_disable_fault_around() */
		return;
	start &= ~(window - 1);
	end = (end + window - 1) & ~(window - 1);
	if (start < t->run.start)
		start = t->run.start;
	if (end > t->run.end)
		end = t->run.end;
	if (object_of(t)->pages < t->run.v.base)
		return;
	if (end > eof)
		end = eof;
	map_cached(t, start, end, 0);
}

/* None entries of a mapping of an object are touched. */
static int64_t touch_object(struct touch *t, uint64_t start, uint64_t end)
{
	bool shared = t->vma.flags & PMK_VMA_SHARED;
	uint64_t off = offset_of(t, start), size = object_of(t)->pages;
	uint64_t good = off >= size ? start : end - start < size - off ? end : start + (size - off);
	int64_t err = 0;

	if (!t->write)
		fault_around(t, start, end); /* also when it ends in SIGBUS (rule 14) */
	if (good > start)
		err = fill_cache(t, off, off + (good - start));
	if (!err && good > start && (!t->write || shared))
		pmk_huge_map_cached(t, start, good);
	if (!err && good > start) {
		if (t->write && !shared)
			err = new_anon(t, start, good - start);
		else
			map_cached(t, start, good, (t->write ? pmk_touch_written(t) : 0) | t->armed);
		if (t->write && shared && object_of(t)->kind == PMK_OBJECT_FILE)
			dirty_cached(t, off, off + (good - start));
	}
	if (!err && good < end)
		return PMK_SIGNAL(SIGBUS);
	return err;
}

/* ---- write-protected and swapped pages ---------------------------------------------------------- */

/* A store meets the protection of userfaultfd: nobody waits for it in synchronous mode, so the process
 * gets SIGBUS (UFFD_FEATURE_SIGBUS); in asynchronous mode it goes on. */
static bool stopped_by_uffd(const struct touch *t, uint64_t tag)
{
	return tag & PMK_PTE_UFFD_WP && t->vma.flags & PMK_VMA_UFFD_WP &&
	       !(t->vma.flags & PMK_VMA_UFFD_ASYNC);
}

/* Whether all that is mapped of a large folio is mapped here, around the page `at` of frame pfn. */
static bool folio_is_mine(const struct touch *t, uint64_t at, uint64_t pfn)
{
	uint64_t size = pmk_pmd_pages(t->m), head = pfn & ~(size - 1), mine = 0, all = 0;
	struct pmk_piece f = { .end = head };
	struct pmk_piece p = { .end = at > pfn - head ? at - (pfn - head) : 0 };
	uint64_t end = p.end + size;

	while (pmk_runs_piece(&t->m->frame, head + size, &f))
		all += f.run ? PMK_FRAME_MAPCOUNT(f.v) * (f.end - f.start) : 0;
	while (pmk_runs_piece(&t->mm->pte, end, &p))
		if (p.run && PMK_PTE_KIND(p.v.tag) == PMK_PTE_FRAME && p.v.base >= head &&
		    p.v.base < head + size)
			mine += p.end - p.start;
	return all == mine;
}

/* May a store go to the frame as it is?  (wp_can_reuse_anon_folio) */
static bool can_reuse(const struct touch *t, uint64_t at, const struct pmk_piece *f)
{
	if (!f->run || PMK_FRAME_MAPCOUNT(f->v) != 1 || f->v.tag & PMK_KPF_KSM_MASK)
		return false;
	if (!(f->v.tag & PMK_FRAME_LARGE) || f->v.tag & PMK_FRAME_ANONEXCL)
		return true;
	return pmk_profile_has(&t->m->profile, PMK_Q_THP_REUSE) && folio_is_mine(t, at, f->start);
}

/* A store to present frames with one state each (do_wp_page). */
int64_t pmk_touch_store(struct touch *t, const struct pmk_piece *p)
{
	struct pmk_piece f = { .end = p->v.base };
	uint64_t pfn_end = p->v.base + (p->end - p->start);

	if (stopped_by_uffd(t, p->v.tag))
		return PMK_SIGNAL(SIGBUS);
	if (!(p->v.tag & PMK_PTE_ANON) && t->vma.flags & PMK_VMA_SHARED) {
		set_entries(t, p->start, p->end - p->start, p->v.base,
			    (p->v.tag | pmk_touch_written(t)) & ~PMK_PTE_UFFD_WP);
		if (t->vma.object >= 0 && object_of(t)->kind == PMK_OBJECT_FILE)
			pmk_frame_flags(t->m, p->v.base, p->end - p->start, 0, PMK_KPF_DIRTY_MASK);
		return 0;
	}
	while (pmk_runs_piece(&t->m->frame, pfn_end, &f)) {
		uint64_t at = p->start + (f.start - p->v.base), n = f.end - f.start;
		bool alone = p->v.tag & PMK_PTE_ANON && can_reuse(t, at, &f);
		int64_t err;

		if (alone && f.v.tag & PMK_KPF_SWAPCACHE_MASK && !(f.v.tag & PMK_FRAME_ANONEXCL)) {
			struct pmk_value slot, count;
			/* reuse takes the slot away; other entries that need it forbid that */
			f.end = f.start + 1;
			n = 1;
			pmk_runs_get(&t->m->cached_by, f.start, &slot);
			pmk_runs_get(&t->m->slot, slot.base, &count);
			alone = !count.base;
			if (alone)
				pmk_slot_uncache(t->m, f.start, 1);
		}
		if (!alone) {
			pmk_runs_clear(&t->mm->pte, at, at + n);
			pmk_frame_map(t->m, f.start, n, -1);
			err = new_anon(t, at, n);
			if (err)
				return err;
			continue;
		}
		pmk_frame_flags(t->m, f.start, n, 0, PMK_FRAME_ANONEXCL | PMK_KPF_SWAPBACKED_MASK);
		set_entries(t, at, n, f.start, (p->v.tag | pmk_touch_written(t)) & ~PMK_PTE_UFFD_WP);
	}
	return 0;
}

/* Swap entries become present; then a store sees to the rest (do_swap_page). */
static int64_t swap_in(struct touch *t, const struct pmk_piece *p)
{
	struct pmk_piece c = { .end = p->v.base };
	uint64_t slot_end = p->v.base + (p->end - p->start);
	int64_t err = 0;

	if (t->write && stopped_by_uffd(t, p->v.tag))
		slot_end = p->v.base + 1; /* the first is as far as it comes */
	while (!err && pmk_runs_piece(&t->m->cached, slot_end, &c)) {
		uint64_t at = p->start + (c.start - p->v.base), pfn, n = c.end - c.start;
		bool exclusive = p->v.tag & PMK_PTE_EXCLUSIVE;
		uint64_t keep = p->v.tag & (PMK_PTE_SOFT_DIRTY | PMK_PTE_UFFD_WP);

		if (c.run) {
			pfn = c.v.base;
		} else {
			n = pmk_frame_alloc(t->m, n, ANON_FLAGS | PMK_FRAME_CACHED, &pfn);
			if (!n)
				return -ENOMEM;
			c.end = c.start + n;
			pmk_slot_cache(t->m, c.start, pfn, n);
		}
		pmk_frame_map(t->m, pfn, n, 1);
		if (exclusive)
			pmk_frame_flags(t->m, pfn, n, 0, PMK_FRAME_ANONEXCL);
		set_entries(t, at, n, pfn, PMK_PTE_FRAME | PMK_PTE_ANON | PMK_RUN_LINEAR | keep);
		pmk_slot_count(t->m, c.start, n, -1);
		if (t->vma.flags & PMK_VMA_LOCKED || (t->write && exclusive))
			pmk_slot_uncache(t->m, pfn, n); /* should_try_to_free_swap() */
		if (t->write) {
			struct pmk_piece now = { .end = at };

			while (!err && pmk_runs_piece(&t->mm->pte, at + n, &now))
				err = pmk_touch_store(t, &now);
		}
	}
	return err;
}

/* ---- touching ----------------------------------------------------------------------------------- */

int64_t pmk_touch_anon(struct touch *t, uint64_t start, uint64_t end)
{
	uint64_t zero;

	if (t->write)
		return new_anon(t, start, end - start);
	zero = pmk_frame_zero(t->m);
	if (!zero)
		return -ENOMEM;
	set_entries(t, start, end - start, zero, PMK_PTE_ZERO | t->armed);
	return 0;
}

static int64_t touch_none(struct touch *t, uint64_t start, uint64_t end)
{
	return t->vma.object >= 0 ? touch_object(t, start, end)
				  : pmk_huge_touch_none(t, start, end);
}

/* pte_marker_handle_uffd_wp(): the page comes in protected (E-B57-READFAULT); a store then goes on as to
 * any protected page. */
static int64_t touch_marker(struct touch *t, const struct pmk_piece *p)
{
	bool armed = t->vma.flags & PMK_VMA_UFFD_WP;
	bool stops = t->write && stopped_by_uffd(t, PMK_PTE_UFFD_WP);
	uint64_t end = stops ? p->start + 1 : p->end;
	int64_t err;

	pmk_runs_clear(&t->mm->pte, p->start, end);
	t->armed = armed && (!t->write || stops) ? PMK_PTE_UFFD_WP : 0;
	err = touch_none(t, p->start, end);
	t->armed = 0;
	return err || !stops ? err : PMK_SIGNAL(SIGBUS);
}

static int64_t touch_entry(struct touch *t, struct pmk_piece *p)
{
	uint64_t n = p->end - p->start;

	if (!p->run)
		return touch_none(t, p->start, p->end);
	if (t->write && p->v.tag & PMK_PTE_HUGE && !stopped_by_uffd(t, p->v.tag))
		return pmk_huge_store(t, p);
	switch (PMK_PTE_KIND(p->v.tag)) {
	case PMK_PTE_FRAME:
		return t->write ? pmk_touch_store(t, p) : 0;
	case PMK_PTE_ZERO:
		if (t->write && stopped_by_uffd(t, p->v.tag))
			return PMK_SIGNAL(SIGBUS);
		return t->write ? new_anon(t, p->start, n) : 0;
	case PMK_PTE_SWAP:
		return swap_in(t, p);
	case PMK_PTE_MARKER:
		if (p->v.base & PMK_MARKER_GUARD)
			return PMK_SIGNAL(SIGSEGV);
		if (p->v.base & PMK_MARKER_POISON)
			return PMK_SIGNAL(SIGBUS);
		return touch_marker(t, p);
	case PMK_PTE_GIVEN: /* scripted entries stay as they are */
	case PMK_PTE_GIVEN_SWAP:
	case PMK_PTE_RAW:
		break;
	}
	return 0;
}

/* All of [start, end), which is in one VMA. */
static int64_t touch_vma(struct touch *t, uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = start };
	int64_t err = 0;

	if (t->vma.flags & PMK_VMA_HUGETLB)
		return pmk_hugetlb_touch(t, start, end);
	while (!err && pmk_runs_piece(&t->mm->pte, end, &p))
		err = touch_entry(t, &p);
	return err;
}

/* The next stretch of [*at, end) that has a VMA; false: a hole at *at. */
static bool next_stretch(struct touch *t, uint64_t at, uint64_t end, uint64_t *ret_end)
{
	const struct pmk_vma *vma = pmk_vma_at(t->m, t->mm, at, &t->run);

	if (!vma)
		return false;
	t->vma = *vma;
	*ret_end = t->run.end < end ? t->run.end : end;
	return true;
}

int64_t pmk_mm_touch(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		     bool write)
{
	struct touch t = { .m = m, .mm = mm, .write = write };
	uint64_t end = start + n, stop;
	unsigned need = write ? PMK_PERM_W : PMK_PERM_R | PMK_PERM_W | PMK_PERM_X;
	int64_t err = 0;

	for (; !err && start < end; start = stop) {
		if (!next_stretch(&t, start, end, &stop) || !(t.vma.prot & need))
			return PMK_SIGNAL(SIGSEGV);
		err = touch_vma(&t, start, stop);
	}
	return err;
}

int64_t pmk_mm_populate(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
			bool write)
{
	struct touch t = { .m = m, .mm = mm, .write = write };
	unsigned need = write ? PMK_PERM_W : PMK_PERM_R | PMK_PERM_W | PMK_PERM_X;
	uint64_t stop;
	int64_t err = 0;

	for (; !err && start < end; start = stop) {
		if (!next_stretch(&t, start, end, &stop))
			return -ENOMEM;
		if (!(t.vma.prot & need) || t.vma.flags & PMK_VMA_PFNMAP)
			return -EINVAL;
		err = touch_vma(&t, start, stop);
		if (pmk_is_signal(err))
			err = -EFAULT;
	}
	return err;
}

/* ---- zapping ------------------------------------------------------------------------------------ */

/* Cached frames that nothing maps and whose slots nothing refers to go at once. */
static void free_swap_cache(struct pmk_machine *m, uint64_t pfn, uint64_t n)
{
	struct pmk_piece c = { .end = pfn };

	while (m->cached_by.n && pmk_runs_piece(&m->cached_by, pfn + n, &c)) {
		struct pmk_piece s = { .end = c.v.base };
		uint64_t slot = c.v.base;

		if (!c.run)
			continue;
		while (pmk_runs_piece(&m->slot, slot + (c.end - c.start), &s)) {
			uint64_t at = c.start + (s.start - slot);
			struct pmk_piece f = { .end = at };

			while (s.run && !s.v.base &&
			       pmk_runs_piece(&m->frame, at + (s.end - s.start), &f))
				if (f.run && !PMK_FRAME_MAPCOUNT(f.v))
					pmk_slot_uncache(m, f.start, f.end - f.start);
		}
	}
}

void pmk_mm_zap(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = start };

	pmk_huge_split_at(m, mm, start);
	pmk_huge_split_at(m, mm, end);
	while (pmk_runs_piece(&mm->pte, end, &p)) {
		uint64_t n = p.end - p.start;

		if (!p.run)
			continue;
		if (PMK_PTE_KIND(p.v.tag) == PMK_PTE_FRAME) {
			pmk_frame_map(m, p.v.base, n, -1);
			free_swap_cache(m, p.v.base, n);
		} else if (PMK_PTE_KIND(p.v.tag) == PMK_PTE_SWAP) {
			pmk_slot_count(m, p.v.base, n, -1);
		}
	}
	pmk_runs_clear(&mm->pte, start, end);
}

/* zap_install_uffd_wp_if_needed() */
static bool stays_armed(const struct pmk_vma *vma, const struct pmk_value *v)
{
	bool marker = PMK_PTE_KIND(v->tag) == PMK_PTE_MARKER;

	return vma->object >= 0 && vma->flags & PMK_VMA_UFFD_WP &&
	       (v->tag & PMK_PTE_UFFD_WP || (marker && v->base & PMK_MARKER_UFFD_WP));
}

void pmk_mm_zap_pages(struct pmk_machine *m, struct pmk_mm *mm, const struct pmk_vma *vma,
		      uint64_t start, uint64_t end, bool cows)
{
	struct pmk_piece p = { .end = start };

	while (pmk_runs_piece(&mm->pte, end, &p)) {
		enum pmk_pte_kind kind = PMK_PTE_KIND(p.v.tag);
		bool armed = stays_armed(vma, &p.v);

		if (!p.run || (kind == PMK_PTE_MARKER && p.v.base & PMK_MARKER_GUARD))
			continue; /* rule 27 */
		if (!cows && (kind == PMK_PTE_SWAP || p.v.tag & PMK_PTE_ANON))
			continue; /* should_zap_cows() */
		pmk_mm_zap(m, mm, p.start, p.end);
		if (armed)
			pmk_runs_set(&mm->pte, p.start, p.end,
				     (struct pmk_value){ PMK_MARKER_UFFD_WP, PMK_PTE_MARKER });
	}
}
