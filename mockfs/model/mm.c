/*
 * mm.c - address spaces: VMAs and the system calls that change them.
 *
 * Follows the kernel's mm/mmap.c, mprotect.c, mremap.c and mlock.c as far as maps and pagemap show it.
 */
#include "machine.h"

#include <errno.h>

#include "alloc.h"
#include "pagemapkit.h"

/* An anon_vma made by fork has more than one link: such a VMA does not merge with one without. */
#define ANON_VMA_FORKED (1u << 31)

/* ---- attributes, interned ----------------------------------------------------------------------- */

static size_t hash_vma(const struct pmk_vma *v)
{
	uint64_t h = v->prot | (uint64_t)v->flags << 3 | (uint64_t)(unsigned)v->object << 24;

	h = (h ^ (v->anon_vma + (uint64_t)v->moved) * 0xff51afd7ed558ccdull) *
	    0x9e3779b97f4a7c15ull;
	return (size_t)(h ^ h >> 32);
}

static void rehash(struct pmk_machine *m)
{
	m->vma_hash_size = m->vma_hash_size ? m->vma_hash_size * 2 : 32;
	free(m->vma_hash);
	m->vma_hash = pmk_calloc(m->vma_hash_size, sizeof(*m->vma_hash));
	m->vma = pmk_realloc(m->vma, m->vma_hash_size, sizeof(*m->vma));
	for (size_t i = 0; i < m->nvmas; i++) {
		size_t at = hash_vma(&m->vma[i]);

		while (m->vma_hash[at & (m->vma_hash_size - 1)])
			at++;
		m->vma_hash[at & (m->vma_hash_size - 1)] = (uint32_t)i + 1;
	}
}

static bool same_vma(const struct pmk_vma *a, const struct pmk_vma *b)
{
	return a->prot == b->prot && a->flags == b->flags && a->object == b->object &&
	       a->anon_vma == b->anon_vma && a->moved == b->moved;
}

unsigned pmk_vma_intern(struct pmk_machine *m, const struct pmk_vma *vma)
{
	struct pmk_vma copy = *vma; /* may point into the table that grows */
	size_t at = hash_vma(&copy);
	uint32_t i;

	if (m->nvmas * 2 >= m->vma_hash_size)
		rehash(m);
	for (; (i = m->vma_hash[at & (m->vma_hash_size - 1)]); at++)
		if (same_vma(&m->vma[i - 1], &copy))
			return i - 1;
	m->vma[m->nvmas] = copy;
	m->vma_hash[at & (m->vma_hash_size - 1)] = (uint32_t)m->nvmas + 1;
	return (unsigned)m->nvmas++;
}

static struct pmk_value vma_value(struct pmk_machine *m, const struct pmk_vma *vma, uint64_t pgoff)
{
	return (struct pmk_value){ pgoff, pmk_vma_intern(m, vma) | PMK_RUN_LINEAR };
}

static const struct pmk_vma *vma_of(const struct pmk_machine *m, struct pmk_value v)
{
	return &m->vma[v.tag & ~PMK_RUN_LINEAR];
}

const struct pmk_vma *pmk_vma_at(const struct pmk_machine *m, const struct pmk_mm *mm,
				 uint64_t page, struct pmk_run *ret_run)
{
	const struct pmk_run *run = pmk_runs_find(&mm->vma, page);

	if (!run)
		return NULL;
	if (ret_run)
		*ret_run = *run;
	return vma_of(m, run->v);
}

/* ---- merging ------------------------------------------------------------------------------------ */

/* Which anon_vma two neighbours can share; false: none (diverge.md, rule 3). */
static bool common_anon_vma(unsigned a, unsigned b, bool any, unsigned *ret)
{
	*ret = a ? a : b;
	return a == b || ((!a || !b) && !(*ret & ANON_VMA_FORKED && !any));
}

/* Two VMAs that meet, as vma_merge() looks at them. */
struct neighbours {
	struct pmk_run left, right;
	struct pmk_vma l, r;
};

/* Whether the two at `at` could be one, but for their anon_vmas. */
static bool are_alike(struct pmk_machine *m, const struct pmk_mm *mm, uint64_t at,
		      struct neighbours *ret)
{
	if (!at || !pmk_vma_at(m, mm, at - 1, &ret->left) || ret->left.end != at ||
	    !pmk_vma_at(m, mm, at, &ret->right) || pmk_mutant(m, MERGE_NEVER))
		return false;
	ret->l = *vma_of(m, ret->left.v);
	ret->r = *vma_of(m, ret->right.v);
	return ret->l.prot == ret->r.prot && !((ret->l.flags ^ ret->r.flags) & ~PMK_VMA_STICKY) &&
	       ret->l.object == ret->r.object && ret->l.moved == ret->r.moved &&
	       !(ret->l.flags & (PMK_VMA_PFNMAP | PMK_VMA_SPECIAL)) &&
	       (!(ret->l.flags & PMK_VMA_HUGETLB) || pmk_mutant(m, HUGETLB_MERGES)) &&
	       ret->left.v.base + (ret->left.end - ret->left.start) == ret->right.v.base;
}

static void join(struct pmk_machine *m, struct pmk_mm *mm, const struct neighbours *n)
{
	struct pmk_vma whole = n->l;

	if (!whole.anon_vma)
		whole.anon_vma = n->r.anon_vma;
	whole.flags |=
		n->r.flags & (pmk_profile_has(&m->profile, PMK_Q_SOFT_DIRTY_MERGE)
				      ? ~0u
				      : ~PMK_VMA_SOFT_DIRTY); /* what is sticky (E-B55-MERGE) */
	pmk_cover(m, MERGE);
	pmk_runs_set(&mm->vma, n->left.start, n->right.end, vma_value(m, &whole, n->left.v.base));
}

/* Of which of two VMAs nobody asks whether it is a fork's child. */
enum unasked { UNASKED_NONE, UNASKED_LEFT, UNASKED_RIGHT };

/* Makes the VMAs that meet at `at` one where vma_merge() would, since 6.16. */
static void merge_sides(struct pmk_machine *m, struct pmk_mm *mm, uint64_t at, enum unasked unasked)
{
	struct neighbours n;
	unsigned anon_vma;
	bool any = pmk_mutant(m, MERGE_FORKED);

	if (!are_alike(m, mm, at, &n))
		return;
	if (!common_anon_vma(n.l.anon_vma, n.r.anon_vma, any, &anon_vma)) {
		if ((unasked != UNASKED_LEFT || n.r.anon_vma) &&
		    (unasked != UNASKED_RIGHT || n.l.anon_vma))
			return;
		pmk_cover(m, MERGE_UNASKED);
	}
	join(m, mm, &n);
}

/* is_mergeable_anon_vma() before 6.16: `area` changes, and `target`, beside it, takes it in if it has as many links
 * as one that nobody has inherited, which is more than none. */
static bool takes_in(const struct pmk_machine *m, unsigned area, unsigned target)
{
	return area == target ||
	       (!area && (!(target & ANON_VMA_FORKED) || pmk_mutant(m, MERGE_FORKED)));
}

/* vma_merge() before 6.16, and mmap_region() of 6.1 to 6.11, which asked the next VMA first and then whether the
 * one before could take both in. */
static void merge_as_before(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
			    bool prev, bool next, bool fresh)
{
	struct neighbours before, after;

	prev = prev && are_alike(m, mm, start, &before) &&
	       takes_in(m, before.r.anon_vma, before.l.anon_vma);
	next = next && are_alike(m, mm, end, &after) &&
	       takes_in(m, after.l.anon_vma, after.r.anon_vma);
	if (prev && next && fresh && pmk_profile_has(&m->profile, PMK_Q_MMAP_EXPANDS))
		prev = takes_in(m, after.r.anon_vma, before.l.anon_vma);
	else if (prev && next)
		next = !before.l.anon_vma || !after.r.anon_vma ||
		       before.l.anon_vma == after.r.anon_vma;
	if (prev)
		join(m, mm, &before);
	if (next && are_alike(m, mm, end, &after))
		join(m, mm, &after);
}

/* [start, end) is all of a VMA that has come or changed: it merges with those beside it. fresh: by mmap. */
static void merge(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
		  bool fresh)
{
	if (!pmk_profile_has(&m->profile, PMK_Q_FAULTED_MERGES) ||
	    (fresh && pmk_profile_has(&m->profile, PMK_Q_MMAP_EXPANDS))) {
		merge_as_before(m, mm, start, end, true, true, fresh);
		return;
	}
	merge_sides(m, mm, start, UNASKED_NONE);
	merge_sides(m, mm, end, UNASKED_NONE);
}

/* Replaces the attributes of [start, end), which lies in one VMA. */
static void replace(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
		    const struct pmk_vma *vma)
{
	struct pmk_value old;

	pmk_huge_split_at(m, mm, start); /* vma_adjust_trans_huge() */
	pmk_huge_split_at(m, mm, end);
	pmk_runs_get(&mm->vma, start, &old);
	pmk_runs_set(&mm->vma, start, end, vma_value(m, vma, old.base));
}

bool pmk_vma_cannot_split(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end)
{
	struct pmk_run run;
	const struct pmk_vma *vma = pmk_vma_at(m, mm, start, &run);

	if (pmk_hugetlb_cut(m, mm, start))
		return true;
	if (!vma || !pmk_hugetlb_cut(m, mm, end))
		return false;
	pmk_cover(m, HUGETLB_UNSPLIT);
	replace(m, mm, start, run.end, vma); /* it has begun to */
	return true;
}

/* vma_modify(): the piece gets its attributes and merges with its neighbours at once. */
static void change(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
		   const struct pmk_vma *vma)
{
	replace(m, mm, start, end, vma);
	merge(m, mm, start, end, false);
}

void pmk_mm_vma_change(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
		       unsigned clear, unsigned set)
{
	struct pmk_piece p = { .end = start };

	while (pmk_runs_piece(&mm->vma, end, &p)) {
		struct pmk_vma vma;

		if (!p.run)
			continue;
		vma = *vma_of(m, p.v);
		if (vma.flags == ((vma.flags & ~clear) | set))
			continue; /* no change, no merge (rule 6) */
		vma.flags = (vma.flags & ~clear) | set;
		change(m, mm, p.start, p.end, &vma);
	}
}

void pmk_mm_vma_soft_clean(struct pmk_machine *m, struct pmk_mm *mm)
{
	struct pmk_piece p = { .end = 0 };

	while (pmk_runs_piece(&mm->vma, UINT64_MAX, &p)) {
		struct pmk_vma vma;

		if (!p.run || !(vma_of(m, p.v)->flags & PMK_VMA_SOFT_DIRTY))
			continue;
		vma = *vma_of(m, p.v);
		vma.flags &= ~PMK_VMA_SOFT_DIRTY;
		replace(m, mm, p.start, p.end, &vma);
	}
}

/* ---- mmap and munmap ---------------------------------------------------------------------------- */

static uint64_t top_page(const struct pmk_machine *m)
{
	return m->profile.task_size >> m->profile.arch->page_shift;
}

static bool in_range(const struct pmk_machine *m, uint64_t start, uint64_t n)
{
	return n && start + n > start && start + n <= top_page(m);
}

/* Each frame that [start, end) maps is locked once more, or once less (mlock_vma_pages_range()). */
static void mark_locked(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
			bool on)
{
	struct pmk_piece p = { .end = start };

	while (pmk_runs_piece(&mm->pte, end, &p))
		if (p.run && PMK_PTE_KIND(p.v.tag) == PMK_PTE_FRAME)
			pmk_frame_lock(m, p.v.base, p.end - p.start, on);
}

/* What leaves a locked VMA is unlocked (munlock_vma_folio()). */
static void unlock_frames(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = start };

	while (pmk_runs_piece(&mm->vma, end, &p))
		if (p.run && vma_of(m, p.v)->flags & PMK_VMA_LOCKED)
			mark_locked(m, mm, p.start, p.end, false);
}

int64_t pmk_mm_place(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		     struct pmk_vma vma, uint64_t pgoff)
{
	if (!in_range(m, start, n) || mm->vma.n >= PMK_MACHINE_RUNS_MAX)
		return -ENOMEM;
	pmk_mm_unmap(m, mm, start, n);
	if (pmk_profile_has(&m->profile, PMK_Q_SOFT_DIRTY))
		vma.flags |= PMK_VMA_SOFT_DIRTY; /* E-B55-VMA */
	if (!(vma.flags & PMK_VMA_SHARED) && vma.prot & PMK_PERM_W)
		vma.flags |= PMK_VMA_ACCOUNT;
	if (vma.object < 0)
		pgoff = start; /* anonymous memory: hidden, but it decides what may merge (rule 2) */
	pmk_runs_set(&mm->vma, start, start + n, vma_value(m, &vma, pgoff));
	return 0;
}

int64_t pmk_mm_map(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		   struct pmk_vma vma, uint64_t pgoff)
{
	int64_t err = pmk_mm_place(m, mm, start, n, vma, pgoff);

	if (err)
		return err;
	merge(m, mm, start, start + n, true);
	return 0;
}

int64_t pmk_mm_unmap(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n)
{
	if (!in_range(m, start, n) || pmk_hugetlb_cut(m, mm, start))
		return -EINVAL;
	if (pmk_hugetlb_cut(m, mm,
			    start + n)) { /* found when the beginning has been split already */
		pmk_cover(m, HUGETLB_UNSPLIT);
		pmk_runs_split(&mm->vma, start);
		pmk_huge_split_at(m, mm, start);
		return -EINVAL;
	}
	unlock_frames(m, mm, start, start + n);
	pmk_mm_zap(m, mm, start, start + n);
	pmk_runs_clear(&mm->vma, start, start + n);
	pmk_mm_table_unmapped(m, mm, start, start + n);
	return 0;
}

void pmk_mm_destroy(struct pmk_machine *m, struct pmk_mm *mm)
{
	unlock_frames(m, mm, 0, UINT64_MAX);
	pmk_mm_zap(m, mm, 0, UINT64_MAX);
	pmk_runs_clear(&mm->vma, 0, UINT64_MAX);
	pmk_runs_clear(&mm->table, 0, UINT64_MAX);
}

/* ---- mprotect and mlock ------------------------------------------------------------------------- */

static int64_t protect_piece(struct pmk_machine *m, struct pmk_mm *mm, const struct pmk_piece *p,
			     unsigned prot)
{
	struct pmk_vma vma = *vma_of(m, p->v), old = vma;
	bool shared = vma.flags & PMK_VMA_SHARED;

	if (vma.prot == prot && !pmk_mutant(m, MERGE_UNCHANGED))
		return 0;
	if (pmk_vma_cannot_split(m, mm, p->start, p->end))
		return -EINVAL; /* only who changes something splits */
	vma.prot = prot;
	if (prot & PMK_PERM_W && !(old.prot & PMK_PERM_W) && !shared) {
		vma.flags |= PMK_VMA_ACCOUNT;
	} else if (!(prot & PMK_PERM_W) && vma.object < 0 && !vma.anon_vma &&
		   old.flags & PMK_VMA_ACCOUNT && !pmk_mutant(m, ACCOUNT_STAYS) &&
		   pmk_profile_has(&m->profile, PMK_Q_ACCOUNT_DROPS)) {
		pmk_cover(m, ACCOUNT_DROPPED); /* rule 5: else it is kept */
		vma.flags &= ~PMK_VMA_ACCOUNT;
	}
	change(m, mm, p->start, p->end, &vma);
	if (vma.flags & PMK_VMA_LOCKED && !shared && prot & PMK_PERM_W &&
	    !(old.prot & PMK_PERM_W)) {
		pmk_cover(m, PROTECT_POPULATES);
		pmk_mm_populate(m, mm, p->start, p->end, PMK_POPULATE_LOCKED);
	}
	return 0;
}

int64_t pmk_mm_protect(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		       unsigned prot)
{
	struct pmk_piece p = { .end = start };
	int64_t err = 0;

	if (!in_range(m, start, n))
		return -ENOMEM;
	while (!err && pmk_runs_piece(&mm->vma, start + n, &p))
		err = p.run ? protect_piece(m, mm, &p, prot)
			    : -ENOMEM; /* what came before stays changed */
	return err;
}

/* mlock_fixup(): the flag, then the pages that are there already. */
static void lock_piece(struct pmk_machine *m, struct pmk_mm *mm, const struct pmk_piece *p, bool on)
{
	const struct pmk_vma *vma = vma_of(m, p->v);

	if (!(vma->flags & PMK_VMA_LOCKED) == !on ||
	    vma->flags & (PMK_VMA_SPECIAL | PMK_VMA_PFNMAP | PMK_VMA_HUGETLB) ||
	    (vma->object >= 0 && m->object[vma->object].kind == PMK_OBJECT_SECRET))
		return;
	pmk_mm_vma_change(m, mm, p->start, p->end, on ? 0 : PMK_VMA_LOCKED,
			  on ? PMK_VMA_LOCKED : 0);
	mark_locked(m, mm, p->start, p->end, on);
}

int64_t pmk_mm_lock(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n, bool on)
{
	struct pmk_piece p = { .end = start };

	if (!in_range(m, start, n))
		return -ENOMEM;
	while (pmk_runs_piece(&mm->vma, start + n, &p)) {
		if (!p.run)
			return -ENOMEM;
		lock_piece(m, mm, &p, on);
	}
	if (!on)
		return 0;
	/* VM_LOCKED stays whatever comes of it (rule 9) */
	return pmk_mm_populate(m, mm, start, start + n, PMK_POPULATE_LOCKED) ? -ENOMEM : 0;
}

/* ---- mremap ------------------------------------------------------------------------------------- */

static void move_entries(struct pmk_machine *m, struct pmk_mm *mm, uint64_t from, uint64_t to,
			 uint64_t n, bool registered)
{
	struct pmk_piece p = { .end = from };
	bool soft_dirty = pmk_profile_has(&m->profile, PMK_Q_SOFT_DIRTY);

	while (pmk_runs_piece(&mm->pte, from + n, &p)) {
		uint64_t at = to + (p.start - from);

		if (!p.run)
			continue;
		if (soft_dirty && PMK_PTE_KIND(p.v.tag) <= PMK_PTE_SWAP)
			p.v.tag |= PMK_PTE_SOFT_DIRTY; /* move_soft_dirty_pte() */
		/* E-B57-MREMAP; what was left by another VMA that is registered no more stays */
		if (registered && PMK_PTE_KIND(p.v.tag) == PMK_PTE_MARKER)
			p.v.base &= ~(uint64_t)PMK_MARKER_UFFD_WP;
		if (registered)
			p.v.tag &= ~PMK_PTE_UFFD_WP;
		if (PMK_PTE_KIND(p.v.tag) != PMK_PTE_MARKER || p.v.base)
			pmk_mm_set_entries(m, mm, at, at + (p.end - p.start), p.v);
	}
	pmk_runs_clear(&mm->pte, from, from + n);
}

/* mremap_userfaultfd_prep(): the new VMA, and whatever it has merged with, is no longer registered. */
static void drop_uffd(struct pmk_machine *m, struct pmk_mm *mm, uint64_t page)
{
	struct pmk_run whole;
	struct pmk_vma vma = *pmk_vma_at(m, mm, page, &whole);

	if (!(vma.flags & PMK_VMA_UFFD))
		return;
	vma.flags &= ~PMK_VMA_UFFD;
	replace(m, mm, whole.start, whole.end, &vma);
}

/* dontunmap_complete(): the old VMA is no longer LOCKED, at first all of it and since 7.2 what has moved; it
 * has no anon_vma if all of it moved (rule 10). */
static void leave_old(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end)
{
	struct pmk_run whole;
	struct pmk_vma old = *pmk_vma_at(m, mm, start, &whole);

	if (!pmk_profile_has(&m->profile, PMK_Q_DONTUNMAP_UNLOCKS) && old.flags & PMK_VMA_LOCKED &&
	    (whole.start < start || whole.end > end)) {
		old.flags &= ~PMK_VMA_LOCKED;
		replace(m, mm, start, end, &old); /* which merges with nothing */
		old = *pmk_vma_at(m, mm, start, &whole);
	}

	pmk_cover(m, REMAP_DONTUNMAP);
	old.flags &= ~PMK_VMA_LOCKED;
	if (pmk_profile_has(&m->profile, PMK_Q_DONTUNMAP_UNACCOUNTS))
		old.flags &= ~PMK_VMA_ACCOUNT;
	if (whole.start == start && whole.end == end && !pmk_mutant(m, DONTUNMAP_KEEPS) &&
	    pmk_profile_has(&m->profile, PMK_Q_DONTUNMAP_FRESH)) {
		old.anon_vma = 0;
		/* and, since 7.2, is as if it had always been here */
		if (old.object < 0 && !pmk_profile_has(&m->profile, PMK_Q_MOVED_MERGES))
			pmk_runs_set(&mm->vma, start, end, vma_value(m, &old, start));
	}
	replace(m, mm, whole.start, whole.end, &old);
}

/* Whether both pages are in one VMA. */
static bool is_in(const struct pmk_mm *mm, uint64_t page, uint64_t other)
{
	const struct pmk_run *run = pmk_runs_find(&mm->vma, page);

	return run && other - run->start < run->end - run->start;
}

/* move_page_tables(): a PMD moves whole, to where another can be. */
static void split_moving(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
			 uint64_t to)
{
	pmk_huge_split_at(m, mm, start);
	pmk_huge_split_at(m, mm, end);
	if ((start ^ to) & (pmk_pmd_pages(m) - 1))
		pmk_huge_split(m, mm, start, end);
}

/* copy_vma() of [start, end); prev, next: whether it may merge with what is beside it. */
static void merge_moved(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
			bool prev, bool next)
{
	bool unasked = pmk_profile_has(&m->profile, PMK_Q_FORKED_MERGES);

	if (!pmk_profile_has(&m->profile, PMK_Q_FAULTED_MERGES)) {
		merge_as_before(m, mm, start, end, prev, next, false);
		return;
	}
	if (prev)
		merge_sides(m, mm, start, unasked ? UNASKED_RIGHT : UNASKED_NONE);
	if (next)
		merge_sides(m, mm, end, unasked ? UNASKED_LEFT : UNASKED_NONE);
}

/* One VMA piece [start, end) goes to `to`; new_n pages there, at least as many. */
static void move_piece(struct pmk_machine *m, struct pmk_mm *mm, struct pmk_piece p, uint64_t to,
		       uint64_t new_n, bool dontunmap)
{
	struct pmk_vma vma = *vma_of(m, p.v), old = vma;
	uint64_t n = p.end - p.start, pgoff = p.v.base;
	bool own = !dontunmap || pmk_profile_has(&m->profile, PMK_Q_MOVED_MERGES);
	bool prev, next,
		may = !(old.flags & PMK_VMA_UFFD) ||
		      pmk_profile_has(&m->profile, PMK_Q_UFFD_MERGES);

	if (vma.flags & PMK_VMA_MERGEABLE)
		pmk_mm_unmerge(m, mm, p.start, p.end); /* move_vma(): lest they turn up elsewhere */
	if (vma.object < 0 && !vma.anon_vma && !pmk_mutant(m, REMAP_KEEPS_OFFSET))
		pgoff = to;
	if (vma.object >= 0 && vma.anon_vma && pmk_profile_has(&m->profile, PMK_Q_FILE_MOVED))
		vma.moved += (int64_t)(to - p.start);
	if (pmk_profile_has(&m->profile, PMK_Q_SOFT_DIRTY))
		vma.flags |= PMK_VMA_SOFT_DIRTY;
	pmk_runs_set(&mm->vma, to, to + new_n, vma_value(m, &vma, pgoff));
	/* copy_vma() comes first: even with the old VMA it may merge, or might before 7.2 */
	next = own || !is_in(mm, p.start, to + new_n);
	prev = own || (!is_in(mm, p.start, to - 1) &&
		       (next || !pmk_profile_has(&m->profile, PMK_Q_MMAP_EXPANDS)));
	if (may)
		merge_moved(m, mm, to, to + new_n, prev, next);
	drop_uffd(m, mm, to);
	split_moving(m, mm, p.start, p.end, to);
	pmk_mm_table_move(m, mm, p.start, to, n, !(old.flags & PMK_VMA_UFFD_WP));
	move_entries(m, mm, p.start, to, n, old.flags & PMK_VMA_UFFD_WP);
	if (dontunmap) {
		leave_old(m, mm, p.start, p.end);
		return;
	}
	pmk_runs_clear(&mm->vma, p.start, p.end);
	pmk_mm_table_unmapped(m, mm, p.start, p.end);
}

/* vma_merge_extend() and what came before: a VMA has grown to `at`. */
static void merge_grown(struct pmk_machine *m, struct pmk_mm *mm, uint64_t at)
{
	struct neighbours n;

	if (!pmk_profile_has(&m->profile, PMK_Q_GROWN_MERGES))
		return;
	if (pmk_profile_has(&m->profile, PMK_Q_FAULTED_MERGES))
		merge_sides(m, mm, at, UNASKED_LEFT);
	else if (are_alike(m, mm, at, &n) && takes_in(m, n.l.anon_vma, n.r.anon_vma))
		join(m, mm, &n);
}

static int64_t grow(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		    uint64_t new_n)
{
	struct pmk_run run;
	const struct pmk_vma *vma = pmk_vma_at(m, mm, start, &run);
	bool locked = vma && vma->flags & PMK_VMA_LOCKED;
	uint64_t gap;

	if (!vma || run.end < start + n)
		return -EFAULT;
	if (run.end != start + n || !in_range(m, start, new_n) ||
	    pmk_runs_gap(&mm->vma, run.end, start + new_n, &gap) != new_n - n || gap != run.end)
		return -ENOMEM;
	pmk_cover(m, REMAP_GROW);
	pmk_runs_set(&mm->vma, run.start, start + new_n, run.v);
	merge_grown(m, mm, start + new_n);
	if (locked)
		pmk_mm_populate(m, mm, start + n, start + new_n, PMK_POPULATE_LOCKED);
	return 0;
}

/* Whether the VMA at the page ends before `end`. */
static bool ends_before(const struct pmk_mm *mm, uint64_t page, uint64_t end)
{
	const struct pmk_run *run = pmk_runs_find(&mm->vma, page);

	return run && run->end < end;
}

/* Hugetlb moves whole or not at all (align_hugetlb()). */
static int64_t align_hugetlb(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t *n,
			     uint64_t *new_n, uint64_t new_start, bool dontunmap)
{
	uint64_t mask = pmk_pmd_pages(m) - 1;
	const struct pmk_vma *vma = pmk_vma_at(m, mm, start, NULL);

	if (vma && vma->flags & PMK_VMA_HUGETLB) {
		*n = (*n + mask) & ~mask;
		*new_n = (*new_n + mask) & ~mask;
		if ((start | new_start) & mask || *new_n > *n || dontunmap ||
		    !pmk_profile_has(&m->profile, PMK_Q_HUGETLB_MREMAP))
			return -EINVAL;
	}
	return 0;
}

/* Whether MREMAP_DONTUNMAP takes it: once only private anonymous memory. */
static bool may_stay(const struct pmk_machine *m, const struct pmk_vma *vma)
{
	return (vma->object < 0 && !(vma->flags & PMK_VMA_SHARED)) ||
	       pmk_profile_has(&m->profile, PMK_Q_DONTUNMAP_FILE);
}

/* MREMAP_FIXED with one length: VMA by VMA, with the holes between them (remap_move()). */
static int64_t remap_move(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
			  uint64_t new_start, bool dontunmap)
{
	struct pmk_piece p = { .end = start };

	while (pmk_runs_piece(&mm->vma, start + n, &p)) {
		uint64_t to = new_start + (p.start - start), len = p.end - p.start, new_len = len;

		if (!p.run && p.start == start)
			return -EFAULT;
		if (!p.run)
			continue;
		if (vma_of(m, p.v)->flags & PMK_VMA_UFFD && len < n &&
		    (p.start > start || ends_before(mm, start, start + n)))
			return -EFAULT; /* vma_multi_allowed(): such a VMA moves alone */
		if ((dontunmap && !may_stay(m, vma_of(m, p.v))) ||
		    align_hugetlb(m, mm, p.start, &len, &new_len, to, dontunmap) ||
		    pmk_mm_unmap(m, mm, to, len))
			return -EINVAL;
		p.end = p.start + len;
		pmk_cover(m, REMAP_MOVE);
		move_piece(m, mm, p, to, len, dontunmap);
	}
	return 0;
}

/* The other moves: of one VMA, to another length. */
static int64_t remap_resize(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
			    uint64_t new_n, uint64_t new_start)
{
	struct pmk_run run;
	struct pmk_piece p = { .end = start };
	bool locked;

	if (!pmk_vma_at(m, mm, start, &run) || run.end < start + (n < new_n ? n : new_n))
		return -EFAULT;
	if (pmk_mm_unmap(m, mm, new_start, new_n))
		return -EINVAL;
	pmk_cover(m, REMAP_RESIZE);
	if (new_n < n && pmk_mm_unmap(m, mm, start + new_n, n - new_n))
		return -EINVAL;
	pmk_runs_piece(&mm->vma, start + (new_n < n ? new_n : n), &p);
	locked = vma_of(m, p.v)->flags & PMK_VMA_LOCKED;
	move_piece(m, mm, p, new_start, new_n, false);
	if (locked && new_n > n)
		pmk_mm_populate(m, mm, new_start + n, new_start + new_n, PMK_POPULATE_LOCKED);
	return 0;
}

/* mremap_to() before 6.17: the target is unmapped first, and then it is one VMA or nothing. */
static int64_t remap_single(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
			    uint64_t new_n, uint64_t new_start, bool dontunmap)
{
	struct pmk_run run;
	struct pmk_piece p = { .end = start };
	const struct pmk_vma *vma;
	bool locked;

	if (pmk_mm_unmap(m, mm, new_start, new_n))
		return -EINVAL;
	if (new_n < n) {
		if (pmk_mm_unmap(m, mm, start + new_n, n - new_n))
			return -EINVAL;
		n = new_n;
	}
	vma = pmk_vma_at(m, mm, start, &run);
	if (!vma)
		return -EFAULT;
	if (dontunmap && !may_stay(m, vma))
		return -EINVAL;
	if (run.end < start + n)
		return -EFAULT;
	pmk_cover(m, REMAP_MOVE);
	pmk_runs_piece(&mm->vma, start + n, &p);
	locked = vma_of(m, p.v)->flags & PMK_VMA_LOCKED;
	move_piece(m, mm, p, new_start, new_n, dontunmap);
	if (locked && new_n > n)
		pmk_mm_populate(m, mm, new_start + n, new_start + new_n, PMK_POPULATE_LOCKED);
	return 0;
}

int64_t pmk_mm_remap(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		     uint64_t new_n, uint64_t new_start, bool dontunmap)
{
	bool multi = pmk_profile_has(&m->profile, PMK_Q_MREMAP_MULTI);

	if (!in_range(m, start, n) || !new_n || (dontunmap && new_n != n))
		return -EINVAL;
	if (dontunmap && !pmk_profile_has(&m->profile, PMK_Q_MREMAP_DONTUNMAP))
		return -EINVAL;
	if (pmk_profile_has(&m->profile, PMK_Q_MREMAP_LOOKS) && !pmk_vma_at(m, mm, start, NULL))
		return -EFAULT;
	if (new_start && (!in_range(m, new_start, new_n) ||
			  (new_start < start + n && start < new_start + new_n)))
		return -EINVAL;
	if (new_start && n == new_n && multi)
		return remap_move(m, mm, start, n, new_start, dontunmap);
	if (align_hugetlb(m, mm, start, &n, &new_n, new_start, dontunmap))
		return -EINVAL;
	if (new_start && !multi)
		return remap_single(m, mm, start, n, new_n, new_start, dontunmap);
	if (new_start)
		return remap_resize(m, mm, start, n, new_n, new_start);
	if (new_n > n)
		return grow(m, mm, start, n, new_n);
	if (multi && !pmk_vma_at(m, mm, start, NULL))
		return -EFAULT;
	/* over VMAs and holes alike */
	return new_n < n ? pmk_mm_unmap(m, mm, start + new_n, n - new_n) : 0;
}

/* ---- fork --------------------------------------------------------------------------------------- */

/* Copies the entries of one VMA: frames are mapped once more and nobody's alone (rule 16). */
static void fork_entries(struct pmk_machine *m, struct pmk_mm *parent, struct pmk_mm *child,
			 const struct pmk_run *run, bool all)
{
	struct pmk_piece p = { .end = run->start };

	while (pmk_runs_piece(&parent->pte, run->end, &p)) {
		uint64_t n = p.end - p.start;
		struct pmk_value v = p.v;
		enum pmk_pte_kind kind = PMK_PTE_KIND(v.tag);

		if (!p.run || (!all && !(kind == PMK_PTE_MARKER && v.base & PMK_MARKER_GUARD)))
			continue;
		if (v.tag & PMK_PTE_HUGE && !(v.tag & (PMK_PTE_ANON | PMK_PTE_HUGETLB)) &&
		    kind == PMK_PTE_FRAME)
			continue; /* copy_huge_pmd(): an object's comes back by a fault */
		if (v.tag & PMK_PTE_UFFD_WP)
			pmk_cover(m, FORK_UFFD);
		if (!pmk_mutant(m, UFFD_FORK))
			v.tag &= ~PMK_PTE_UFFD_WP; /* E-B57-FORK */
		if (kind == PMK_PTE_FRAME) {
			pmk_frame_map(m, v.base, n, 1);
			pmk_cover(m, FORK_COPY);
			if (v.tag & PMK_PTE_ANON && !pmk_mutant(m, FORK_KEEPS_OWN))
				pmk_frame_flags(m, v.base, n, PMK_FRAME_ANONEXCL, 0);
		} else if (kind == PMK_PTE_SWAP) {
			pmk_cover(m, FORK_SWAP);
			pmk_slot_count(m, v.base, n, 1);
			v.tag &= ~PMK_PTE_EXCLUSIVE;
			p.v.tag &= ~PMK_PTE_EXCLUSIVE;
			pmk_runs_set(&parent->pte, p.start, p.end, p.v);
		} else if (kind == PMK_PTE_MARKER) {
			v.base &= ~(uint64_t)PMK_MARKER_UFFD_WP;
			if (!v.base)
				continue;
		}
		pmk_mm_set_entries(m, child, p.start, p.end, v);
	}
}

void pmk_mm_fork(struct pmk_machine *m, struct pmk_mm *parent, struct pmk_mm *child)
{
	struct pmk_cursor c;
	const struct pmk_run *next = pmk_runs_seek(&parent->vma, 0, &c);

	for (; next; next = pmk_runs_next(&c)) {
		struct pmk_vma vma = *vma_of(m, next->v);
		bool all = vma.anon_vma || pmk_mutant(m, FORK_COPIES_ALL) ||
			   vma.flags & PMK_VMA_MAYBE_GUARD ||
			   (vma.flags & PMK_VMA_HUGETLB &&
			    !pmk_profile_has(&m->profile, PMK_Q_HUGETLB_FORK_LAZY)) ||
			   (vma.object >= 0 && vma.flags & PMK_VMA_PFNMAP);

		if (vma.flags & PMK_VMA_DONTFORK) {
			pmk_cover(m, FORK_DONTFORK);
			continue;
		}
		vma.flags &= ~(PMK_VMA_LOCKED | PMK_VMA_UFFD);
		if (vma.flags & PMK_VMA_WIPEONFORK && !pmk_mutant(m, WIPE_NOTHING))
			vma.anon_vma = 0;
		else
			fork_entries(m, parent, child, next, all);
		if (all && !(vma.flags & PMK_VMA_WIPEONFORK))
			pmk_mm_table_fork(m, parent, child, next->start, next->end);
		if (vma.anon_vma)
			vma.anon_vma = child->anon_vma_next++ | ANON_VMA_FORKED;
		pmk_runs_set(&child->vma, next->start, next->end, vma_value(m, &vma, next->v.base));
	}
}
