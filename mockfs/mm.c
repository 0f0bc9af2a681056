/*
 * mm.c - address spaces: VMAs and the system calls that change them.
 *
 * Follows the kernel's mm/mmap.c, mprotect.c, mremap.c and mlock.c as far as maps and pagemap show it.
 */
#include "machine.h"

#include <errno.h>

#include "alloc.h"
#include "pagemapkit.h"
#include "world.h"

/* An anon_vma made by fork has more than one link: such a VMA does not merge with one without. */
#define ANON_VMA_FORKED (1u << 31)

/* ---- attributes, interned ----------------------------------------------------------------------- */

static size_t hash_vma(const struct pmk_vma *v)
{
	uint64_t h = v->prot | (uint64_t)v->flags << 3 | (uint64_t)(unsigned)v->object << 24;

	h = (h ^ v->anon_vma * 0xff51afd7ed558ccdull) * 0x9e3779b97f4a7c15ull;
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
	       a->anon_vma == b->anon_vma;
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
static bool common_anon_vma(unsigned a, unsigned b, unsigned *ret)
{
	*ret = a ? a : b;
	return a == b || ((!a || !b) && !(*ret & ANON_VMA_FORKED));
}

/* Makes the VMAs that meet at `at` one where vma_merge() would. */
static void merge_at(struct pmk_machine *m, struct pmk_mm *mm, uint64_t at)
{
	struct pmk_run left, right;
	struct pmk_vma l, r;
	unsigned anon_vma;
	struct pmk_value v;

	if (!at || !pmk_vma_at(m, mm, at - 1, &left) || left.end != at ||
	    !pmk_vma_at(m, mm, at, &right))
		return;
	l = *vma_of(m, left.v);
	r = *vma_of(m, right.v);
	if (l.prot != r.prot || (l.flags ^ r.flags) & ~PMK_VMA_SOFT_DIRTY || l.object != r.object ||
	    (l.flags & (PMK_VMA_PFNMAP | PMK_VMA_SPECIAL)) ||
	    left.v.base + (left.end - left.start) != right.v.base ||
	    !common_anon_vma(l.anon_vma, r.anon_vma, &anon_vma))
		return;
	l.anon_vma = anon_vma;
	l.flags |= r.flags; /* VM_SOFTDIRTY sticks (E-B55-MERGE) */
	v = vma_value(m, &l, left.v.base);
	pmk_runs_set(&mm->vma, left.start, right.end, v);
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
		replace(m, mm, p.start, p.end, &vma);
		merge_at(m, mm, p.start);
	}
	merge_at(m, mm, end);
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

/* No VMA of hugetlb ends inside a huge page. */
static bool hugetlb_cut(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t start,
			uint64_t n)
{
	return pmk_hugetlb_cut(m, mm, start) || pmk_hugetlb_cut(m, mm, start + n);
}

int64_t pmk_mm_map(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
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
	merge_at(m, mm, start);
	merge_at(m, mm, start + n);
	return 0;
}

int64_t pmk_mm_unmap(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n)
{
	if (!in_range(m, start, n) || hugetlb_cut(m, mm, start, n))
		return -EINVAL;
	pmk_mm_zap(m, mm, start, start + n);
	pmk_runs_clear(&mm->vma, start, start + n);
	pmk_mm_table_unmapped(m, mm, start, start + n);
	return 0;
}

void pmk_mm_destroy(struct pmk_machine *m, struct pmk_mm *mm)
{
	pmk_mm_zap(m, mm, 0, UINT64_MAX);
	pmk_runs_clear(&mm->vma, 0, UINT64_MAX);
	pmk_runs_clear(&mm->table, 0, UINT64_MAX);
}

/* ---- mprotect and mlock ------------------------------------------------------------------------- */

static void protect_piece(struct pmk_machine *m, struct pmk_mm *mm, const struct pmk_piece *p,
			  unsigned prot)
{
	struct pmk_vma vma = *vma_of(m, p->v);
	bool locked_private = vma.flags & PMK_VMA_LOCKED && !(vma.flags & PMK_VMA_SHARED);

	if (vma.prot == prot)
		return;
	if (prot & PMK_PERM_W && !(vma.flags & PMK_VMA_SHARED))
		vma.flags |=
			PMK_VMA_ACCOUNT; /* and keeps it (rule 5), unless it never had a page */
	else if (!(prot & PMK_PERM_W) && vma.object < 0 && !vma.anon_vma)
		vma.flags &= ~PMK_VMA_ACCOUNT;
	vma.prot = prot;
	replace(m, mm, p->start, p->end, &vma);
	merge_at(m, mm, p->start);
	if (locked_private && prot & PMK_PERM_W)
		pmk_mm_populate(m, mm, p->start, p->end, true);
}

int64_t pmk_mm_protect(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		       unsigned prot)
{
	struct pmk_piece p = { .end = start };

	if (!in_range(m, start, n))
		return -ENOMEM;
	if (hugetlb_cut(m, mm, start, n))
		return -EINVAL;
	while (pmk_runs_piece(&mm->vma, start + n, &p)) {
		if (!p.run) {
			merge_at(m, mm, p.start);
			return -ENOMEM; /* what came before stays changed */
		}
		protect_piece(m, mm, &p, prot);
	}
	merge_at(m, mm, start + n);
	return 0;
}

/* MLOCKED and UNEVICTABLE of the frames that [start, end) maps. */
static void mark_locked(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
			bool on)
{
	const uint64_t flags = PMK_KPF_MLOCKED_MASK | PMK_KPF_UNEVICTABLE_MASK;
	struct pmk_piece p = { .end = start };

	while (pmk_runs_piece(&mm->pte, end, &p)) {
		uint64_t pfn = p.v.base, n = p.end - p.start;

		if (!p.run || PMK_PTE_KIND(p.v.tag) != PMK_PTE_FRAME || p.v.tag & PMK_PTE_HUGETLB)
			continue;
		pmk_folio_widen(m, &pfn, &n);
		if (n == p.end - p.start) /* a part of a folio does not lock it */
			pmk_frame_flags(m, pfn, n, on ? 0 : flags, on ? flags : 0);
	}
}

static bool fixed(const struct pmk_machine *m, const struct pmk_vma *vma)
{
	return vma->flags & PMK_VMA_HUGETLB ||
	       (vma->object >= 0 && m->object[vma->object].kind == PMK_OBJECT_SECRET);
}

int64_t pmk_mm_lock(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n, bool on)
{
	struct pmk_piece p = { .end = start };
	int64_t err = 0;

	if (!in_range(m, start, n))
		return -ENOMEM;
	while (!err && pmk_runs_piece(&mm->vma, start + n, &p)) {
		if (!p.run) {
			err = -ENOMEM;
			break;
		}
		if (!fixed(m, vma_of(m, p.v))) /* mlock_fixup() passes them over */
			pmk_mm_vma_change(m, mm, p.start, p.end, on ? 0 : PMK_VMA_LOCKED,
					  on ? PMK_VMA_LOCKED : 0);
		if (!on && !fixed(m, vma_of(m, p.v)))
			mark_locked(m, mm, p.start, p.end, false);
	}
	for (p.end = start; on && !err && pmk_runs_piece(&mm->vma, start + n, &p);) {
		const struct pmk_vma *vma = vma_of(m, p.v);
		bool write = vma->prot & PMK_PERM_W && !(vma->flags & PMK_VMA_SHARED);

		if (pmk_mm_populate(m, mm, p.start, p.end, write))
			err = -ENOMEM; /* VM_LOCKED stays (rule 9) */
		mark_locked(m, mm, p.start, p.end, true);
	}
	return err;
}

/* ---- mremap ------------------------------------------------------------------------------------- */

static void move_entries(struct pmk_machine *m, struct pmk_mm *mm, uint64_t from, uint64_t to,
			 uint64_t n)
{
	struct pmk_piece p = { .end = from };
	bool soft_dirty = pmk_profile_has(&m->profile, PMK_Q_SOFT_DIRTY);

	while (pmk_runs_piece(&mm->pte, from + n, &p)) {
		uint64_t at = to + (p.start - from);

		if (!p.run)
			continue;
		if (soft_dirty && PMK_PTE_KIND(p.v.tag) <= PMK_PTE_SWAP)
			p.v.tag |= PMK_PTE_SOFT_DIRTY; /* move_soft_dirty_pte() */
		if (PMK_PTE_KIND(p.v.tag) == PMK_PTE_MARKER)
			p.v.base &= ~(uint64_t)PMK_MARKER_UFFD_WP;
		p.v.tag &= ~PMK_PTE_UFFD_WP; /* E-B57-MREMAP */
		if (PMK_PTE_KIND(p.v.tag) != PMK_PTE_MARKER || p.v.base)
			pmk_mm_set_entries(m, mm, at, at + (p.end - p.start), p.v);
	}
	pmk_runs_clear(&mm->pte, from, from + n);
}

/* One VMA piece [start, end) goes to `to`; new_n pages there, at least as many. */
static void move_piece(struct pmk_machine *m, struct pmk_mm *mm, struct pmk_piece p, uint64_t to,
		       uint64_t new_n, bool dontunmap)
{
	struct pmk_vma vma = *vma_of(m, p.v), old = vma;
	uint64_t n = p.end - p.start, pgoff = p.v.base;
	struct pmk_run whole = { 0 };

	pmk_vma_at(m, mm, p.start, &whole);
	if (vma.object < 0 && !vma.anon_vma)
		pgoff = to;
	if (pmk_profile_has(&m->profile, PMK_Q_SOFT_DIRTY))
		vma.flags |= PMK_VMA_SOFT_DIRTY;
	vma.flags &= ~PMK_VMA_UFFD; /* mremap_userfaultfd_prep() */
	pmk_runs_set(&mm->vma, to, to + new_n, vma_value(m, &vma, pgoff));
	pmk_mm_table_move(m, mm, p.start, to, n, !(old.flags & PMK_VMA_UFFD_WP));
	move_entries(m, mm, p.start, to, n);
	if (!dontunmap) {
		pmk_runs_clear(&mm->vma, p.start, p.end);
		pmk_mm_table_unmapped(m, mm, p.start, p.end);
	} else { /* rule 10: LOCKED goes from all of the old VMA, anon_vma only if all of it moved */
		old.flags &= ~PMK_VMA_LOCKED;
		if (whole.start == p.start && whole.end == p.end)
			old.anon_vma = 0;
		replace(m, mm, whole.start, whole.end, &old);
	}
	merge_at(m, mm, to);
	merge_at(m, mm, to + new_n);
}

static int64_t grow(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		    uint64_t new_n)
{
	struct pmk_run run;
	const struct pmk_vma *vma = pmk_vma_at(m, mm, start, &run);
	uint64_t gap;

	if (!vma || run.end < start + n)
		return -EFAULT;
	if (run.end != start + n || !in_range(m, start, new_n) ||
	    pmk_runs_gap(&mm->vma, run.end, start + new_n, &gap) != new_n - n || gap != run.end)
		return -ENOMEM;
	pmk_runs_set(&mm->vma, run.start, start + new_n, run.v);
	merge_at(m, mm, start + new_n);
	if (vma->flags & PMK_VMA_LOCKED)
		pmk_mm_populate(m, mm, start + n, start + new_n, vma->prot & PMK_PERM_W);
	return 0;
}

int64_t pmk_mm_remap(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		     uint64_t new_n, uint64_t new_start, bool dontunmap)
{
	struct pmk_piece p = { .end = start };
	struct pmk_run run;

	if (!in_range(m, start, n) || !new_n || (dontunmap && new_n != n))
		return -EINVAL;
	if (!pmk_vma_at(m, mm, start, &run))
		return -EFAULT;
	if (vma_of(m, run.v)->flags & PMK_VMA_HUGETLB) {
		uint64_t mask = pmk_pmd_pages(m) - 1;

		if ((start | new_start) & mask || new_n > n || dontunmap)
			return -EINVAL;
		n = (n + mask) & ~mask;
		new_n = (new_n + mask) & ~mask;
	}
	pmk_huge_split_at(m, mm, start);
	pmk_huge_split_at(m, mm, start + n);
	if (new_start && (start ^ new_start) & (pmk_pmd_pages(m) - 1))
		pmk_huge_split(m, mm, start, start + n);
	if (!new_start && new_n > n)
		return grow(m, mm, start, n, new_n);
	if (!new_start) {
		if (new_n < n)
			pmk_mm_unmap(m, mm, start + new_n, n - new_n);
		return 0;
	}
	if (!in_range(m, new_start, new_n) || (new_start < start + n && start < new_start + new_n))
		return -EINVAL;
	if (new_n != n && run.end < start + (n < new_n ? n : new_n))
		return -EFAULT;
	pmk_mm_unmap(m, mm, new_start, new_n);
	if (new_n < n) {
		pmk_mm_unmap(m, mm, start + new_n, n - new_n);
		n = new_n;
	}
	while (pmk_runs_piece(&mm->vma, start + n, &p)) {
		uint64_t to = new_start + (p.start - start);
		uint64_t size = p.end == start + n ? new_start + new_n - to : p.end - p.start;

		if (p.run)
			move_piece(m, mm, p, to, size, dontunmap);
	}
	return 0;
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
		v.tag &= ~PMK_PTE_UFFD_WP; /* E-B57-FORK */
		if (kind == PMK_PTE_FRAME) {
			pmk_frame_map(m, v.base, n, 1);
			if (v.tag & PMK_PTE_ANON)
				pmk_frame_flags(m, v.base, n, PMK_FRAME_ANONEXCL, 0);
		} else if (kind == PMK_PTE_SWAP) {
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
		bool all = vma.anon_vma || (vma.object >= 0 && vma.flags & PMK_VMA_PFNMAP);

		if (vma.flags & PMK_VMA_DONTFORK)
			continue;
		vma.flags &= ~(PMK_VMA_LOCKED | PMK_VMA_UFFD);
		if (vma.flags & PMK_VMA_WIPEONFORK)
			vma.anon_vma = 0;
		else
			fork_entries(m, parent, child, next, all);
		if (all && !(vma.flags & PMK_VMA_WIPEONFORK))
			pmk_mm_table_fork(m, parent, child, next->start, next->end);
		if (vma.anon_vma)
			vma.anon_vma = m->anon_vma_next++ | ANON_VMA_FORKED;
		pmk_runs_set(&child->vma, next->start, next->end, vma_value(m, &vma, next->v.base));
	}
}
