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
		    v->moved == t->vma.moved && !((v->flags ^ t->vma.flags) & ~PMK_VMA_STICKY) &&
		    mine == other &&
		    (sides[i] > 0 ? run.start == t->run.end : run.end == t->run.start) &&
		    !pmk_mutant(t->m, ANON_VMA_OWN)) {
			pmk_cover(t->m, ANON_VMA_BORROWED);
			t->vma.anon_vma = v->anon_vma;
		}
	}
	if (!t->vma.anon_vma)
		t->vma.anon_vma = t->mm->anon_vma_next++;
	t->run.v.tag = pmk_vma_intern(t->m, &t->vma) | PMK_RUN_LINEAR;
	pmk_runs_set(&t->mm->vma, t->run.start, t->run.end, t->run.v);
}

void pmk_vma_need_anon(struct pmk_machine *m, struct pmk_mm *mm, uint64_t page)
{
	struct touch t = { .m = m, .mm = mm };
	const struct pmk_vma *vma = pmk_vma_at(m, mm, page, &t.run);

	if (!vma)
		return;
	t.vma = *vma;
	pmk_touch_anon_vma(&t);
}

/* mlock_vma_folio(), munlock_vma_folio(): a frame comes into a locked VMA, or leaves it. */
void pmk_touch_lock(const struct touch *t, uint64_t pfn, uint64_t n, bool on)
{
	if (t->vma.flags & PMK_VMA_LOCKED && !(t->vma.flags & (PMK_VMA_SPECIAL | PMK_VMA_PFNMAP)))
		pmk_frame_lock(t->m, pfn, n, on);
}

/* New anonymous frames at [start, start + n), this process's alone.  A load that gets them, where there is no
 * zero page, leaves them as a store does if stores are allowed (do_anonymous_page()). */
static int64_t new_anon(struct touch *t, uint64_t start, uint64_t n)
{
	uint64_t written = t->write || t->vma.prot & PMK_PERM_W ? pmk_touch_written(t) : 0;

	pmk_touch_anon_vma(t);
	while (n) {
		uint64_t pfn, got;

		got = pmk_frame_alloc_mapped(t->m, n, ANON_FLAGS | PMK_FRAME_ANONEXCL, &pfn);
		if (!got)
			return -ENOMEM;
		if (t->copies)
			pmk_content_copy(t->m, pfn, t->source, got);
		t->source += got;
		pmk_touch_lock(t, pfn, got, true);
		set_entries(t, start, got, pfn,
			    PMK_PTE_FRAME | PMK_PTE_ANON | PMK_RUN_LINEAR | written | t->armed);
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

void pmk_touch_cached(struct touch *t, uint64_t start, uint64_t end, uint64_t flags)
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
			pmk_frame_access(t->m, c.v.base, c.end - c.start);
			pmk_touch_lock(t, c.v.base, c.end - c.start, true);
			set_entries(t, none.start + (c.start - off), c.end - c.start, c.v.base,
				    PMK_PTE_FRAME | PMK_RUN_LINEAR | flags);
		}
	}
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
		got = pmk_frame_alloc(t->m, c.end - c.start,
				      o->kind == PMK_OBJECT_SHMEM ? SHMEM_FLAGS : FILE_FLAGS, &pfn);
		if (!got)
			return -ENOMEM;
		if (swapped) {
			pmk_content_in(t->m, c.v.base, pfn, got);
			pmk_slot_count(t->m, c.v.base, got, -1);
		}
		c.end = c.start + got;
		pmk_runs_set(&o->cache, c.start, c.end,
			     (struct pmk_value){ pfn, PMK_PTE_FRAME | PMK_RUN_LINEAR });
	}
	return 0;
}

#define AROUND_BYTES (64u << 10) /* fault_around_bytes */

/* filemap_map_pages() since it cares for the file's end: the page table is made on the way to mapping a
 * large folio, which is not tried when the first page found is the file's last.  Then nothing is mapped. */
static bool stops_at_last_page(const struct touch *t, uint64_t start, uint64_t end)
{
	const struct pmk_object *o = object_of(t);
	uint64_t off = offset_of(t, start);
	const struct pmk_run *first = pmk_runs_seek(&o->cache, off, NULL);
	struct pmk_piece table = { .end = start };

	if (o->kind != PMK_OBJECT_FILE ||
	    !pmk_profile_has(&t->m->profile, PMK_Q_AROUND_LAST_PAGE) || !first ||
	    first->start >= off + (end - start))
		return false;
	if ((first->start > off ? first->start : off) != o->pages - 1)
		return false;
	pmk_mm_table_piece(t->m, t->mm, start + 1, &table);
	return !table.run;
}

/* do_fault_around(): a read fault in the aligned window that holds `page` maps what is cached from there, or
 * from the VMA's start in it, up to a window's length, as far as VMA, file and page table go. */
static void fault_around(struct touch *t, uint64_t page, uint64_t window)
{
	uint64_t start = page & ~(window - 1), end;
	uint64_t table = (page | (pmk_pmd_pages(t->m) - 1)) + 1;

	if (start < t->run.start)
		start = t->run.start;
	end = start + window;
	if (end > t->run.end)
		end = t->run.end;
	if (end > table)
		end = table;
	end = pmk_object_reach(object_of(t), offset_of(t, start), start, end);
	if (end == start || stops_at_last_page(t, start, end))
		return;
	if (pmk_huge_around(t, start))
		return;
	pmk_cover(t->m, FAULT_AROUND);
	pmk_touch_cached(t, start, end, 0);
}

/* Read faults of the none entries of [start, end), one in each window, or of all windows at once where they
 * cannot overlap. Returns how far it came. */
static uint64_t around_all(struct touch *t, uint64_t start, uint64_t end)
{
	uint64_t window = AROUND_BYTES >> t->m->profile.arch->page_shift;

	if (window <= 1 || object_of(t)->kind == PMK_OBJECT_SPECIAL ||
	    t->vma.flags & PMK_VMA_UFFD_WP || /* uffd_disable_fault_around() */
	    pmk_mutant(t->m, NO_FAULT_AROUND))
		return end;
	fault_around(t, start, window);
	if (end <= (start | (window - 1)) + 1)
		return end;
	return (start | (window - 1)) + 1;
}

/* page_mkwrite() of a file system. */
static void dirty_cached(struct touch *t, uint64_t off, uint64_t end)
{
	struct pmk_piece c = { .end = off };

	while (pmk_runs_piece(&object_of(t)->cache, end, &c))
		if (c.run && PMK_PTE_KIND(c.v.tag) == PMK_PTE_FRAME)
			pmk_frame_flags(t->m, c.v.base, c.end - c.start, 0, PMK_KPF_DIRTY_MASK);
}

/* Private copies of what is in the cache for [start, end) (do_cow_fault()). */
static int64_t copy_cached(struct touch *t, uint64_t start, uint64_t end)
{
	uint64_t off = offset_of(t, start);
	struct pmk_piece c = { .end = off };
	int64_t err = 0;

	while (!err && pmk_runs_piece(&object_of(t)->cache, off + (end - start), &c)) {
		t->copies = c.run;
		t->source = c.v.base;
		err = new_anon(t, start + (c.start - off), c.end - c.start);
	}
	t->copies = false;
	return err;
}

/* None entries of a mapping of an object are touched, from start on: *ret_end is how far. */
static int64_t touch_object(struct touch *t, uint64_t start, uint64_t end, uint64_t *ret_end)
{
	bool shared = t->vma.flags & PMK_VMA_SHARED;
	uint64_t off = offset_of(t, start), good;
	const struct pmk_run *around;
	int64_t err = 0;

	if (!t->write)
		end = around_all(t, start, end); /* also when it ends in SIGBUS (rule 14) */
	*ret_end = end;
	around = t->write ? NULL : pmk_runs_find(&t->mm->pte, start);
	if (around) { /* it has come, though it be beyond the end of the file */
		*ret_end = around->end < end ? around->end : end;
		return 0;
	}
	good = pmk_object_reach(object_of(t), off, start, end);
	if (good > start)
		err = fill_cache(t, off, off + (good - start));
	if (!err && good > start && (!t->write || shared))
		pmk_huge_map_cached(t, start, good);
	if (!err && good > start && t->write && shared)
		pmk_huge_map_whole(t, start, good);
	if (!err && good > start) {
		if (t->write && !shared)
			err = copy_cached(t, start, good);
		else
			pmk_touch_cached(t, start, good,
					 (t->write ? pmk_touch_written(t) : 0) | t->armed);
		if (t->write && shared && object_of(t)->kind == PMK_OBJECT_FILE)
			dirty_cached(t, off, off + (good - start));
	}
	if (err || good == end)
		return err;
	if (t->write && !shared && !pmk_mutant(t->m, SIGBUS_NO_ANON)) {
		pmk_cover(t->m, SIGBUS_ANON_VMA);
		pmk_touch_anon_vma(t); /* do_cow_fault() prepares first */
	}
	return PMK_SIGNAL(SIGBUS);
}

/* ---- write-protected and swapped pages ---------------------------------------------------------- */

bool pmk_touch_stopped(const struct touch *t, uint64_t tag)
{
	if (!(tag & PMK_PTE_UFFD_WP) || !(t->vma.flags & PMK_VMA_UFFD_WP) ||
	    t->vma.flags & PMK_VMA_UFFD_ASYNC)
		return false;
	pmk_cover(t->m, UFFD_STOP);
	return true;
}

/* wp_can_reuse_anon_folio() of the frames f, which may become fewer.  A slot is taken away for it, unless
 * other entries need it. */
static bool can_reuse(const struct touch *t, uint64_t at, struct pmk_piece *f)
{
	struct pmk_value slot, count;

	if (f->v.tag & PMK_KPF_SWAPCACHE_MASK &&
	    pmk_profile_has(&t->m->profile, PMK_Q_SWAPCACHE_COPIES))
		return false;
	if (f->v.tag & PMK_FRAME_ANONEXCL)
		return true;
	if (PMK_FRAME_MAPCOUNT(f->v) != 1 || pmk_mutant(t->m, REUSE_NEVER) ||
	    f->v.tag & PMK_KPF_KSM_MASK)
		return false;
	if (f->v.tag & PMK_FRAME_LARGE)
		return pmk_profile_has(&t->m->profile, PMK_Q_THP_REUSE) &&
		       !pmk_folio_shared(t->m, t->mm, at, f->start);
	if (!(f->v.tag & PMK_KPF_SWAPCACHE_MASK))
		return true;
	f->end = f->start + 1;
	pmk_runs_get(&t->m->cached_by, f->start, &slot);
	pmk_runs_get(&t->m->slot, slot.base, &count);
	if (count.base)
		return false;
	pmk_slot_uncache(t->m, f->start, 1);
	return true;
}

/* What a store takes from an entry: its protection, if the VMA is still registered. */
static uint64_t resolved(const struct touch *t)
{
	return t->vma.flags & PMK_VMA_UFFD_WP && !pmk_mutant(t->m, UFFD_STAYS) ? PMK_PTE_UFFD_WP
									       : 0;
}

static void reuse_frames(struct touch *t, const struct pmk_piece *p, const struct pmk_piece *f,
			 uint64_t at)
{
	uint64_t n = f->end - f->start, tag = p->v.tag & ~resolved(t);

	pmk_cover(t->m, COW_REUSE);
	if (t->gup && f->v.tag & PMK_FRAME_ANONEXCL && !(tag & PMK_PTE_DIRTY)) {
		/* writable already: no fault, FOLL_TOUCH marks the page and not the entry */
		pmk_frame_flags(t->m, f->start, n, 0, PMK_FRAME_DIRTY);
		set_entries(t, at, n, f->start, tag);
		return;
	}
	pmk_frame_access(t->m, f->start, n);
	pmk_frame_flags(t->m, f->start, n, 0, PMK_FRAME_ANONEXCL);
	if (p->v.tag & PMK_PTE_UFFD_WP)
		pmk_cover(t->m, UFFD_WRITTEN);
	set_entries(t, at, n, f->start, tag | pmk_touch_written(t));
}

/* The frames f were copied.  wp_page_copy() used to call munlock_vma_page() after it had unmapped the page here;
 * when one mapping was left, nobody asked whether that had it locked. */
static void unlock_copied(const struct touch *t, const struct pmk_piece *f)
{
	uint64_t n = f->end - f->start;

	if (PMK_FRAME_MAPCOUNT(f->v) == 2 && pmk_profile_has(&t->m->profile, PMK_Q_COW_UNLOCKS))
		for (unsigned i = 0; i < PMK_FRAME_LOCKS >> PMK_FRAME_LOCKS_SHIFT; i++)
			pmk_touch_lock(t, f->start, n, false);
	else
		pmk_touch_lock(t, f->start, n, false);
}

/* A store to present frames with one state each (do_wp_page). */
static int64_t touch_store(struct touch *t, const struct pmk_piece *p)
{
	struct pmk_piece f = { .end = p->v.base };
	uint64_t pfn_end = p->v.base + (p->end - p->start);

	if (pmk_touch_stopped(t, p->v.tag))
		return PMK_SIGNAL(SIGBUS);
	if (!(p->v.tag & PMK_PTE_ANON) && t->vma.flags & PMK_VMA_SHARED) {
		set_entries(t, p->start, p->end - p->start, p->v.base,
			    (p->v.tag | pmk_touch_written(t)) & ~resolved(t));
		pmk_frame_access(t->m, p->v.base, p->end - p->start);
		if (t->vma.object >= 0 && object_of(t)->kind == PMK_OBJECT_FILE)
			pmk_frame_flags(t->m, p->v.base, p->end - p->start, 0, PMK_KPF_DIRTY_MASK);
		return 0;
	}
	while (pmk_runs_piece(&t->m->frame, pfn_end, &f)) {
		uint64_t at = p->start + (f.start - p->v.base);
		int64_t err;

		if (f.run && p->v.tag & PMK_PTE_ANON && can_reuse(t, at, &f)) {
			reuse_frames(t, p, &f, at);
			continue;
		}
		pmk_cover(t->m, COW_COPY);
		pmk_runs_clear(&t->mm->pte, at, at + (f.end - f.start));
		unlock_copied(t, &f);
		pmk_frame_map(t->m, f.start, f.end - f.start, -1);
		pmk_swap_cache_free(t->m, f.start, f.end - f.start);
		t->copies = true;
		t->source = f.start;
		err = new_anon(t, at, f.end - f.start);
		t->copies = false;
		if (err)
			return err;
	}
	return 0;
}

/* A run of swap entries whose slots and frames are in one state. */
struct arrival {
	uint64_t at, slot, pfn, n;
	bool fresh; /* just read from swap: it waits in a batch of the LRU unless a store drains it */
	bool exclusive;
	uint64_t keep; /* of the entry's tag */
};

/* do_swap_page() with the folio at hand. */
static int64_t map_swapped(struct touch *t, const struct arrival *a)
{
	struct pmk_value frame = { 0, 0 }, slot = { 0, 0 };
	bool alone, tries, freed, exclusive;

	pmk_runs_get(&t->m->frame, a->pfn, &frame);
	alone = !PMK_FRAME_MAPCOUNT(frame);
	pmk_frame_map(t->m, a->pfn, a->n, 1);
	pmk_frame_access(t->m, a->pfn, a->n);
	pmk_slot_count(t->m, a->slot, a->n, -1);
	pmk_runs_get(&t->m->slot, a->slot, &slot);
	tries = t->vma.flags & PMK_VMA_LOCKED || frame.tag & PMK_KPF_MLOCKED_MASK ||
		(t->write && alone && /* should_try_to_free_swap() */
		 pmk_profile_has(&t->m->profile, PMK_Q_SWAPIN_FREES));
	if (pmk_mutant(t->m, SWAPIN_KEEPS_SLOT))
		tries = false;
	freed = tries && !slot.base;
	if (!alone)
		pmk_cover(t->m, SWAPIN_SHARED);
	if (slot.base)
		pmk_cover(t->m, SWAPIN_COUNTED);
	if (freed) {
		pmk_cover(t->m, SWAPIN_FREES);
		pmk_slot_uncache(t->m, a->pfn, a->n);
	}
	exclusive = a->exclusive || (freed && alone && (!a->fresh || t->write) &&
				     pmk_profile_has(&t->m->profile, PMK_Q_SWAPIN_LONE));
	if (freed && alone && a->fresh && !t->write)
		pmk_cover(t->m, SWAPIN_BATCHED);
	if (pmk_mutant(t->m, SWAPIN_ALWAYS_OWN))
		exclusive = true;
	/* else it takes the way of new memory, which locks nothing */
	if (frame.tag & PMK_KPF_ANON_MASK || !pmk_profile_has(&t->m->profile, PMK_Q_SWAPIN_NEW))
		pmk_touch_lock(t, a->pfn, a->n, true);
	pmk_frame_flags(t->m, a->pfn, a->n, 0,
			PMK_KPF_ANON_MASK | (exclusive ? PMK_FRAME_ANONEXCL : 0));
	set_entries(t, a->at, a->n, a->pfn,
		    PMK_PTE_FRAME | PMK_PTE_ANON | PMK_RUN_LINEAR | a->keep);
	if (!t->write)
		return 0;
	return touch_store(t,
			   &(struct pmk_piece){ .start = a->at,
						.end = a->at + a->n,
						.v = { a->pfn, PMK_PTE_FRAME | PMK_PTE_ANON |
								       PMK_RUN_LINEAR | a->keep },
						.run = true });
}

/* The longest beginning of the arrival that is in one state. */
static void same_state(const struct touch *t, struct arrival *a)
{
	struct pmk_piece f = { .end = a->pfn }, s = { .end = a->slot };

	if (pmk_runs_piece(&t->m->frame, a->pfn + a->n, &f))
		a->n = f.end - f.start;
	if (pmk_runs_piece(&t->m->slot, a->slot + a->n, &s))
		a->n = s.end - s.start;
}

/* Swap entries become present; then a store sees to the rest. */
static int64_t swap_in(struct touch *t, const struct pmk_piece *p)
{
	struct pmk_piece c = { .end = p->v.base };
	uint64_t slot_end = p->v.base + (p->end - p->start);
	int64_t err = 0;

	if (t->write && pmk_touch_stopped(t, p->v.tag))
		slot_end = p->v.base + 1; /* the first is as far as it comes */
	while (!err && pmk_runs_piece(&t->m->cached, slot_end, &c)) {
		struct arrival a = {
			.at = p->start + (c.start - p->v.base),
			.slot = c.start,
			.pfn = c.v.base,
			.n = c.end - c.start,
			.fresh = !c.run,
			.exclusive = p->v.tag & PMK_PTE_EXCLUSIVE,
			.keep = p->v.tag & (PMK_PTE_SOFT_DIRTY | PMK_PTE_UFFD_WP),
		};

		pmk_cover(t->m, SWAPIN);
		if (a.fresh) {
			a.n = pmk_frame_alloc(t->m, a.n,
					      (ANON_FLAGS & ~PMK_KPF_ANON_MASK) | PMK_FRAME_CACHED,
					      &a.pfn);
			if (!a.n)
				return -ENOMEM;
			pmk_content_in(t->m, a.slot, a.pfn, a.n);
			pmk_slot_cache(t->m, a.slot, a.pfn, a.n);
		}
		same_state(t, &a);
		c.end = c.start + a.n;
		err = map_swapped(t, &a);
	}
	return err;
}

/* ---- touching ----------------------------------------------------------------------------------- */

int64_t pmk_touch_anon(struct touch *t, uint64_t start, uint64_t end)
{
	uint64_t zero;

	if (t->write || !pmk_profile_has(&t->m->profile, PMK_Q_ZERO_PAGE))
		return new_anon(t, start, end - start);
	zero = pmk_frame_zero(t->m);
	if (!zero)
		return -ENOMEM;
	pmk_cover(t->m, ZERO_PAGE);
	set_entries(t, start, end - start, zero, PMK_PTE_ZERO | t->armed);
	return 0;
}

/* None entries, from start on: *ret_end is how far. */
static int64_t touch_none(struct touch *t, uint64_t start, uint64_t end, uint64_t *ret_end)
{
	*ret_end = end;
	return t->vma.object >= 0 ? touch_object(t, start, end, ret_end)
				  : pmk_huge_touch_none(t, start, end);
}

/* What has not come in keeps its marker. */
static void keep_markers(struct touch *t, uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = start };

	while (pmk_runs_piece(&t->mm->pte, end, &p))
		if (!p.run)
			set_entries(t, p.start, p.end - p.start, PMK_MARKER_UFFD_WP,
				    PMK_PTE_MARKER);
}

/* pte_marker_handle_uffd_wp(): the page comes in protected (E-B57-READFAULT); a store then goes on as to
 * any protected page. */
static int64_t touch_marker(struct touch *t, struct pmk_piece *p)
{
	bool armed = t->vma.flags & PMK_VMA_UFFD_WP;
	bool stops = t->write && pmk_touch_stopped(t, PMK_PTE_UFFD_WP);
	uint64_t end = stops ? p->start + 1 : p->end;
	int64_t err;

	pmk_cover(t->m, UFFD_MARKER);
	pmk_runs_clear(&t->mm->pte, p->start, end);
	t->armed = armed && (!t->write || stops) ? PMK_PTE_UFFD_WP : 0;
	err = touch_none(t, p->start, end, &p->end);
	t->armed = 0;
	if (err && armed)
		keep_markers(t, p->start, end);
	else if (!err && p->end < end)
		keep_markers(t, p->end, end);
	return err || !stops ? err : PMK_SIGNAL(SIGBUS);
}

static int64_t touch_entry(struct touch *t, struct pmk_piece *p)
{
	uint64_t n = p->end - p->start;

	if (!p->run)
		return touch_none(t, p->start, p->end, &p->end);
	if (t->write && p->v.tag & PMK_PTE_HUGE && !pmk_touch_stopped(t, p->v.tag))
		return pmk_huge_store(t, p);
	switch (PMK_PTE_KIND(p->v.tag)) {
	case PMK_PTE_FRAME:
		if (t->write)
			return touch_store(t, p);
		pmk_frame_access(t->m, p->v.base, n);
		return 0;
	case PMK_PTE_ZERO:
		if (t->write && pmk_touch_stopped(t, p->v.tag))
			return PMK_SIGNAL(SIGBUS);
		return t->write ? new_anon(t, p->start, n) : 0;
	case PMK_PTE_SWAP:
		return swap_in(t, p);
	case PMK_PTE_MARKER:
		if (p->v.base & PMK_MARKER_GUARD) {
			pmk_cover(t->m, GUARD_HIT);
			return PMK_SIGNAL(SIGSEGV);
		}
		if (p->v.base & PMK_MARKER_POISON) {
			t->poisoned = true;
			return PMK_SIGNAL(pmk_mutant(t->m, POISON_SEGV) ? SIGSEGV : SIGBUS);
		}
		return touch_marker(t, p);
	case PMK_PTE_GIVEN: /* scripted entries stay as they are */
	case PMK_PTE_GIVEN_SWAP:
	case PMK_PTE_RAW:
		break;
	}
	return 0;
}

int64_t pmk_touch_entries(struct touch *t, uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = start };
	int64_t err = 0;

	while (!err && pmk_runs_piece(&t->mm->pte, end, &p))
		err = touch_entry(t, &p);
	return err;
}

/* All of [start, end), which is in one VMA. */
static int64_t touch_vma(struct touch *t, uint64_t start, uint64_t end)
{
	return t->vma.flags & PMK_VMA_HUGETLB ? pmk_hugetlb_touch(t, start, end)
					      : pmk_touch_entries(t, start, end);
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

/* Whether __mm_populate() or madvise_populate() can touch the VMA; sets how. */
static bool can_populate(struct touch *t, enum pmk_populate how)
{
	unsigned any = PMK_PERM_R | PMK_PERM_W | PMK_PERM_X;

	t->gup = true;
	t->write = how == PMK_POPULATE_WRITE;
	if (how == PMK_POPULATE_LOCKED)
		t->write = t->vma.prot & PMK_PERM_W && !(t->vma.flags & PMK_VMA_SHARED);
	return t->vma.prot & (t->write ? PMK_PERM_W : any) && !(t->vma.flags & PMK_VMA_PFNMAP);
}

int64_t pmk_mm_populate(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
			enum pmk_populate how)
{
	struct touch t = { .m = m, .mm = mm };
	uint64_t stop;
	int64_t err = 0;

	for (; !err && start < end; start = stop) {
		if (!next_stretch(&t, start, end, &stop))
			return -ENOMEM;
		if (how == PMK_POPULATE_LOCKED && t.vma.flags & PMK_VMA_PFNMAP)
			continue;
		if (!can_populate(&t, how))
			return -EINVAL;
		err = touch_vma(&t, start, stop);
		if (pmk_is_signal(err)) /* vm_fault_to_errno(); mlock() does not ask which */
			err = t.poisoned ? -EHWPOISON : -EFAULT;
	}
	return err;
}

/* ---- zapping ------------------------------------------------------------------------------------ */

/* Cached frames that nothing maps and whose slots nothing refers to go at once. */
void pmk_swap_cache_free(struct pmk_machine *m, uint64_t pfn, uint64_t n)
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
			pmk_swap_cache_free(m, p.v.base, n);
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
		uint64_t huge = p.v.tag & PMK_PTE_HUGETLB ? PMK_PTE_HUGETLB | PMK_PTE_HUGE : 0;

		if (!p.run || (kind == PMK_PTE_MARKER && p.v.base & PMK_MARKER_GUARD &&
			       !pmk_mutant(m, DONTNEED_GUARDS)))
			continue; /* rule 27 */
		pmk_cover(m, ZAP);
		if (!cows && (kind == PMK_PTE_SWAP || p.v.tag & PMK_PTE_ANON))
			continue; /* should_zap_cows() */
		pmk_mm_zap(m, mm, p.start, p.end);
		if (armed)
			pmk_runs_set(
				&mm->pte, p.start, p.end,
				(struct pmk_value){ PMK_MARKER_UFFD_WP, PMK_PTE_MARKER | huge });
	}
}
