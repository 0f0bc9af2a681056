/* show.c - what the files show of a machine: words made by the run, straight into the reader's buffer. */
#include "machine.h"

#include <string.h>

#include "pagemapkit.h"

#define PTE_FLAGS_LOW 55 /* the lowest flag bit of a pagemap entry */

static void fill(uint64_t *out, uint64_t n, uint64_t word, uint64_t step)
{
	for (uint64_t i = 0; i < n; i++, word += step)
		out[i] = word;
}

static void or_all(uint64_t *out, uint64_t n, uint64_t bits)
{
	for (uint64_t i = 0; i < n; i++)
		out[i] |= bits;
}

/* ---- pagemap ------------------------------------------------------------------------------------ */

/* A view on a machine for one read: what its quirks make of the flags. */
struct view {
	const struct pmk_machine *m;
	uint64_t present, file, exclusive, soft_dirty, uffd_wp, guard; /* the bit, or 0 */
	uint64_t frames; /* FRAME_MASK, or 0 for those who must not see them */
	uint64_t always; /* page-shift bits */
	unsigned marker_type;
	bool huge_file, huge_zero_file, huge_exclusive; /* quirks of PMDs */
};

static uint64_t bit_if(const struct pmk_machine *m, enum pmk_feature quirk, uint64_t mask)
{
	return pmk_profile_has(&m->profile, quirk) ? mask : 0;
}

static struct view view_of(const struct pmk_machine *m, bool privileged)
{
	bool legacy = pmk_profile_has(&m->profile, PMK_Q_PAGE_SHIFT) && !m->soft_dirty_used;
	struct view v = {
		.m = m,
		.present = PMK_PAGEMAP_PRESENT_MASK,
		.file = bit_if(m, PMK_Q_FILE_BIT, PMK_PAGEMAP_FILE_MASK),
		.exclusive = bit_if(m, PMK_Q_EXCLUSIVE_BIT, PMK_PAGEMAP_EXCLUSIVE_MASK),
		.soft_dirty = bit_if(m, PMK_Q_SOFT_DIRTY, PMK_PAGEMAP_SOFT_DIRTY_MASK),
		.uffd_wp = bit_if(m, PMK_Q_UFFD_WP_BIT, PMK_PAGEMAP_UFFD_WP_MASK),
		.guard = bit_if(m, PMK_Q_GUARD_BIT, PMK_PAGEMAP_GUARD_MASK),
		.frames = privileged || !pmk_profile_has(&m->profile, PMK_Q_PFN_HIDDEN)
				  ? PMK_PAGEMAP_FRAME_MASK
				  : 0,
		.marker_type = pmk_profile_has(&m->profile, PMK_Q_MARKER_31) ? 31 : 30,
		.huge_file = pmk_profile_has(&m->profile, PMK_Q_HUGE_FILE),
		.huge_zero_file = pmk_profile_has(&m->profile, PMK_Q_HUGE_ZERO_FILE),
		.huge_exclusive = pmk_profile_has(&m->profile, PMK_Q_HUGE_EXCLUSIVE),
	};

	if (legacy) { /* E-PSHIFT: the size stands where the flags will be */
		v.soft_dirty = v.exclusive = v.uffd_wp = v.guard = 0;
		v.always = (uint64_t)m->profile.arch->page_shift << PTE_FLAGS_LOW;
	}
	return v;
}

static uint64_t common_flags(const struct view *v, uint64_t tag)
{
	return v->always | (tag & PMK_PTE_SOFT_DIRTY ? v->soft_dirty : 0) |
	       (tag & PMK_PTE_UFFD_WP ? v->uffd_wp : 0);
}

/* A PMD: of each huge page the head alone may say whether all of it is mapped once (E-B56-PMD). */
static void show_huge(const struct view *v, const struct pmk_piece *p, uint64_t *out)
{
	uint64_t size = pmk_pmd_pages(v->m), next;
	bool zero = v->m->huge_zero_pfn && (p->v.base & ~(size - 1)) == v->m->huge_zero_pfn;
	uint64_t file = (zero ? v->huge_zero_file : v->huge_file) ? v->file : 0;
	uint64_t flags = v->present | common_flags(v, p->v.tag);

	if (p->v.tag & PMK_PTE_HUGETLB) { /* E-B55-HUGETLB */
		flags &= ~v->soft_dirty;
		file = v->file;
	}
	for (uint64_t at = p->start; at < p->end; at = next) {
		uint64_t pfn = p->v.base + (at - p->start), word = pfn & v->frames;

		next = (at & ~(size - 1)) + size < p->end ? (at & ~(size - 1)) + size : p->end;
		if (pmk_mutant(v->m, HUGE_EXCLUSIVE) ||
		    (PMK_PTE_KIND(p->v.tag) == PMK_PTE_FRAME &&
		     PMK_FRAME_MAPCOUNT(pmk_folio_head(v->m, pfn)) == 1))
			word |= v->exclusive;
		fill(out + (at - p->start), next - at,
		     word | flags | (p->v.tag & PMK_PTE_ANON ? 0 : file), v->frames ? 1 : 0);
	}
}

static void show_frames(const struct view *v, const struct pmk_piece *p, uint64_t *out)
{
	uint64_t flags =
		v->present | common_flags(v, p->v.tag) | (p->v.tag & PMK_PTE_ANON ? 0 : v->file);
	uint64_t pfn_end = p->v.base + (p->end - p->start);
	struct pmk_piece f = { .end = p->v.base };

	while (pmk_runs_piece(&v->m->frame, pfn_end, &f)) {
		bool once = f.run && PMK_FRAME_MAPCOUNT(f.v) == 1; /* E-B56 */

		fill(out + (f.start - p->v.base), f.end - f.start,
		     flags | (once ? v->exclusive : 0) | (f.start & v->frames), v->frames ? 1 : 0);
	}
}

static void show_entry(const struct view *v, const struct pmk_piece *p, uint64_t *out)
{
	uint64_t n = p->end - p->start, tag = p->v.tag, base = p->v.base;
	uint64_t flags = common_flags(v, tag);
	uint64_t given = (tag >> PMK_PTE_FLAGS_SHIFT & 0x1ff) << PTE_FLAGS_LOW;
	unsigned step = v->frames ? 1 : 0;

	if (tag & PMK_PTE_HUGETLB && PMK_PTE_KIND(tag) == PMK_PTE_MARKER) {
		/* pagemap_hugetlb_range(): the bit, and nothing that could have it */
		fill(out, n, v->always | (base & PMK_MARKER_UFFD_WP ? v->uffd_wp : 0), 0);
		return;
	}
	if (tag & PMK_PTE_HUGE && (!v->huge_exclusive || !(tag & PMK_PTE_ANON))) {
		show_huge(v, p, out);
		return;
	}
	switch (PMK_PTE_KIND(tag)) {
	case PMK_PTE_FRAME:
		show_frames(v, p, out);
		break;
	case PMK_PTE_ZERO:
		if (pmk_mutant(v->m, ZERO_EXCLUSIVE))
			flags |= v->exclusive;
		fill(out, n, flags | v->present | (base & v->frames), 0);
		break;
	case PMK_PTE_SWAP:
		fill(out, n,
		     flags | PMK_PAGEMAP_SWAP_MASK |
			     (pmk_swap_frame(PMK_PTE_TYPE(tag), base) & v->frames),
		     step << PMK_SWAP_TYPE_BITS);
		break;
	case PMK_PTE_MARKER:
		fill(out, n,
		     flags | PMK_PAGEMAP_SWAP_MASK | (base & PMK_MARKER_GUARD ? v->guard : 0) |
			     (base & PMK_MARKER_UFFD_WP ? v->uffd_wp : 0) |
			     (pmk_swap_frame(v->marker_type, base) & v->frames),
		     0);
		break;
	case PMK_PTE_GIVEN:
		/* without a PFN of its own every page reads alike */
		fill(out, n, v->always | given | (base & v->frames),
		     tag & PMK_RUN_LINEAR ? step : 0);
		break;
	case PMK_PTE_GIVEN_SWAP:
		fill(out, n,
		     v->always | given | (pmk_swap_frame(PMK_PTE_TYPE(tag), base) & v->frames),
		     step << PMK_SWAP_TYPE_BITS);
		break;
	case PMK_PTE_RAW:
		fill(out, n, base & (v->frames | ~PMK_PAGEMAP_FRAME_MASK), 0);
		break;
	}
}

void pmk_show_pagemap(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t start,
		      uint64_t n, bool privileged, uint64_t *out)
{
	struct view v = view_of(m, privileged);
	struct pmk_piece p = { .end = start };
	struct pmk_cursor c;

	while (pmk_runs_piece(&mm->pte, start + n, &p)) {
		if (p.run)
			show_entry(&v, &p, out + (p.start - start));
		else
			fill(out + (p.start - start), p.end - p.start, v.always, 0);
	}
	for (const struct pmk_run *run = pmk_runs_seek(&mm->vma, start, &c);
	     run && run->start < start + n; run = pmk_runs_next(&c)) {
		const struct pmk_vma *vma = &m->vma[run->v.tag & ~PMK_RUN_LINEAR];
		uint64_t from = run->start > start ? run->start : start;
		uint64_t to = run->end < start + n ? run->end : start + n;

		if (vma->flags & PMK_VMA_PFNMAP &&
		    !pmk_mutant(m, PFNMAP_SHOWN)) /* K-PFNMAP: whatever is mapped reads as none */
			fill(out + (from - start), to - from, v.always, 0);
		if (vma->flags & PMK_VMA_SOFT_DIRTY) /* E-B55-VMA */
			or_all(out + (from - start), to - from, v.soft_dirty);
	}
}

/* ---- kpageflags, kpagecount, kpagecgroup -------------------------------------------------------- */

/* The word of `file` for frame pfn, whose state is v. */
static uint64_t frame_word(const struct pmk_machine *m, enum pmk_file file, uint64_t pfn,
			   struct pmk_value v)
{
	uint64_t flags = v.tag & PMK_FRAME_FLAGS;
	uint32_t cgroup = PMK_FRAME_CGROUP(v);

	if (file == PMK_FILE_KPAGECOUNT)
		return pmk_mutant(m, COUNT_ONE) ? !!PMK_FRAME_MAPCOUNT(v) : PMK_FRAME_MAPCOUNT(v);
	if (file == PMK_FILE_KPAGECGROUP)
		return cgroup ? m->cgroup[cgroup - 1] : 0;
	if (v.tag & PMK_FRAME_GIVEN)
		return flags;
	if (PMK_FRAME_MAPCOUNT(v) || (v.tag & PMK_FRAME_LARGE && pmk_folio_mapped(m, pfn, NULL)))
		flags |= PMK_KPF_MMAP_MASK;
	if (v.tag & PMK_FRAME_LARGE) { /* KPF-TAIL */
		if (pmk_profile_has(&m->profile, PMK_Q_FOLIO_FLAGS))
			v.tag = pmk_folio_head(m, pfn).tag;
		else if (flags & PMK_KPF_COMPOUND_TAIL_MASK)
			flags &= PMK_KPF_MMAP_MASK | PMK_KPF_ANON_MASK | PMK_KPF_HUGE_MASK |
				 PMK_KPF_THP_MASK | PMK_KPF_COMPOUND_TAIL_MASK;
	}
	if (flags & PMK_KPF_ANON_MASK && v.tag & PMK_FRAME_ANONEXCL)
		flags |= bit_if(m, PMK_Q_ANON_EXCLUSIVE, PMK_KPF_OWNER_2_MASK);
	if (flags & PMK_KPF_ANON_MASK)
		flags |= bit_if(m, PMK_Q_KSM_ON_ANON, PMK_KPF_KSM_MASK);
	return flags;
}

/* What kpageflags say of no memory, section by section: a section with memory in it has a memmap for
 * all its PFNs, and those that are none read as RESERVED (KP-SUBHOLE); else KP-HOLE-FLAGS. */
static void show_hole(const struct pmk_machine *m, uint64_t pfn, uint64_t n, uint64_t *out)
{
	unsigned shift = m->profile.arch->section_shift;
	uint64_t section = shift ? 1ull << (shift - m->profile.arch->page_shift) : 1;

	for (uint64_t next; n; pfn = next) {
		const struct pmk_run *ram = pmk_runs_seek(&m->ram, pfn & ~(section - 1), NULL);
		uint64_t len;

		next = (pfn & ~(section - 1)) + section;
		if (section == 1)
			next = pfn + n;
		len = next - pfn < n ? next - pfn : n;
		fill(out, len,
		     ram && section > 1 && ram->start < next && !pmk_mutant(m, SUBHOLE_HOLE)
			     ? PMK_KPF_RESERVED_MASK
			     : bit_if(m, PMK_Q_HOLE_NOPAGE, PMK_KPF_NOPAGE_MASK),
		     0);
		out += len;
		n -= len;
	}
}

/* PFNs that no run of frames covers: free memory, or none. */
static void show_rest(const struct pmk_machine *m, enum pmk_file file, uint64_t start, uint64_t end,
		      uint64_t *out)
{
	struct pmk_piece p = { .end = start };

	if (file != PMK_FILE_KPAGEFLAGS) {
		fill(out, end - start, 0, 0);
		return;
	}
	while (pmk_runs_piece(&m->ram, end, &p)) {
		if (p.run)
			fill(out + (p.start - start), p.end - p.start, PMK_KPF_BUDDY_MASK, 0);
		else
			show_hole(m, p.start, p.end - p.start, out + (p.start - start));
	}
}

void pmk_show_kpage(const struct pmk_machine *m, enum pmk_file file, uint64_t pfn, uint64_t n,
		    uint64_t *out)
{
	struct pmk_piece p = { .end = pfn };

	while (pmk_runs_piece(&m->frame, pfn + n, &p)) {
		if (p.run)
			fill(out + (p.start - pfn), p.end - p.start,
			     frame_word(m, file, p.start, p.v), 0);
		else
			show_rest(m, file, p.start, p.end, out + (p.start - pfn));
	}
	if (file != PMK_FILE_KPAGEFLAGS)
		return;
	for (p = (struct pmk_piece){ .end = pfn }; pmk_runs_piece(&m->high, pfn + n, &p);)
		for (uint64_t i = p.start; p.run && p.v.tag && i < p.end; i++)
			out[i - pfn] |= p.v.tag << PMK_FRAME_FLAGS_BITS;
}

/* ---- maps --------------------------------------------------------------------------------------- */

#define GATE_ADDRESS 0xffffffffff600000ull

static size_t gate_line(const struct pmk_machine *m, char *buf, size_t size)
{
	struct pmk_maps_line line = {
		.start = GATE_ADDRESS,
		.end = GATE_ADDRESS + 4096,
		.perms = PMK_MAPS_EXEC,
		.name = "[vsyscall]",
		.name_len = 10,
	};

	if (!pmk_profile_has(&m->profile, PMK_Q_VSYSCALL_XONLY))
		line.perms |= PMK_MAPS_READ;
	return pmk_maps_format(&line, 8, buf, size);
}

void pmk_show_vma(const struct pmk_machine *m, const struct pmk_run *run, struct pmk_maps_line *ret)
{
	const struct pmk_vma *vma = &m->vma[run->v.tag & ~PMK_RUN_LINEAR];
	unsigned shift = m->profile.arch->page_shift;
	struct pmk_maps_line line = {
		.start = run->start << shift,
		.end = run->end << shift,
		.perms = (vma->prot & PMK_PERM_R ? PMK_MAPS_READ : 0) |
			 (vma->prot & PMK_PERM_W ? PMK_MAPS_WRITE : 0) |
			 (vma->prot & PMK_PERM_X ? PMK_MAPS_EXEC : 0) |
			 (vma->flags & PMK_VMA_SHARED ? PMK_MAPS_SHARED : 0),
		.name = "",
	};

	if (vma->object >= 0) {
		const struct pmk_object *o = &m->object[vma->object];

		line.major = o->major;
		line.minor = o->minor;
		line.inode = o->inode;
		line.name = o->name;
		if (o->kind != PMK_OBJECT_SPECIAL || o->inode)
			line.offset = run->v.base << shift;
	} else if (vma->flags & PMK_VMA_STACK) {
		line.name = "[stack]";
	}
	line.name_len = strlen(line.name);
	*ret = line;
}

static size_t vma_line(const struct pmk_machine *m, const struct pmk_run *run, char *buf,
		       size_t size)
{
	struct pmk_maps_line line;

	pmk_show_vma(m, run, &line);
	return pmk_maps_format(&line, m->profile.arch->long_bits / 8, buf, size);
}

size_t pmk_show_maps(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t *from,
		     char *buf, size_t size)
{
	struct pmk_cursor c;
	const struct pmk_run *run;
	size_t done = 0, n;

	if (*from == UINT64_MAX)
		return 0;
	for (run = pmk_runs_seek(&mm->vma, *from, &c); run; run = pmk_runs_next(&c)) {
		n = vma_line(m, run, buf + done, size - done);
		if (n >= size - done)
			return done;
		done += n;
		*from = run->end;
	}
	if (pmk_profile_has(&m->profile, PMK_Q_VSYSCALL)) {
		n = gate_line(m, buf + done, size - done);
		if (n >= size - done)
			return done;
		done += n;
	}
	*from = UINT64_MAX;
	return done;
}
