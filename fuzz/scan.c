/*
 * Whatever memory looks like and whatever is asked, PAGEMAP_SCAN gives what a walk a page at a time gives by
 * the same rules (scan_brute.h): result, walk_end, regions, and what is protected afterwards.
 *
 * Input: kernel; then four bytes a piece of memory: what, first page, pages, more; 255 begins the
 * arguments of a scan, so that scans see what scans did before.
 */
#include "fuzz.h"
#include "machine.h"
#include "scan.h"
#include "scan_brute.h"

#ifndef PAGES
#define PAGES 64
#endif
#define ARENA	      (0x20000u - PAGES / 2) /* a PMD ends in it */
#define OPS_MAX	      24
#define UNIT	      8u /* pages that a PMD maps: so few that many are whole */
#define ZERO_PFN      7
#define HUGE_ZERO_PFN (64 * UNIT)
#define MANY	      512 /* where there are more pages, an operation makes many regions */

static const char *const kernels[] = { "6.18.44/x86_64+soft-dirty", "6.7/x86_64", "6.17/x86_64",
				       "7.3/x86_64", "7.2/x86_64" };

struct run {
	struct pmk_machine *m;
	struct pmk_mm mm;
	struct pmk_arch arch;
	int object, hugetlb;
	bool soft_dirty;
	bool whole; /* there may be hugetlb or huge pages: borders matter */
	unsigned shift;
	uint64_t known; /* categories */
};

/* The vector of a caller: room regions, of which only some can be written to. */
struct vector {
	struct pmk_scan_region *region;
	size_t n, room_for;
};

static bool put(void *ctx, const struct pmk_scan_region *regions, size_t n)
{
	struct vector *v = ctx;

	if (v->n + n > v->room_for)
		return false;
	memcpy(v->region + v->n, regions, n * sizeof(*regions));
	v->n += n;
	return true;
}

/* ---- what memory looks like ---------------------------------------------------------------------- */

/* Nothing ends inside a page of hugetlb, and what ends inside a THP cuts it. */
static void borders(struct run *r, uint64_t *start, uint64_t *end)
{
	if (!r->whole)
		return;
	if (pmk_hugetlb_cut(r->m, &r->mm, *start))
		*start &= ~(uint64_t)(UNIT - 1);
	if (pmk_hugetlb_cut(r->m, &r->mm, *end))
		*end = (*end + UNIT - 1) & ~(uint64_t)(UNIT - 1);
	pmk_huge_split_at(r->m, &r->mm, *start);
	pmk_huge_split_at(r->m, &r->mm, *end);
}

static bool has_hugetlb(const struct run *r, uint64_t start, uint64_t end)
{
	struct pmk_piece p = { .end = start };

	while (r->whole && pmk_runs_piece(&r->mm.vma, end, &p))
		if (p.run && r->m->vma[p.v.tag & ~PMK_RUN_LINEAR].flags & PMK_VMA_HUGETLB)
			return true;
	return false;
}

/* VMAs of which a registration is one attribute among others. */
static void put_vma(struct run *r, uint64_t start, uint64_t end, uint8_t x)
{
	static const unsigned uffd[] = { 0,
					 PMK_VMA_UFFD,
					 PMK_VMA_UFFD,
					 PMK_VMA_UFFD_WP,
					 PMK_VMA_UFFD_WP | PMK_VMA_UFFD_ASYNC,
					 PMK_VMA_UFFD_WP | PMK_VMA_UFFD_NONE,
					 0,
					 PMK_VMA_UFFD };
	struct pmk_vma vma = { .prot = PMK_PERM_R | PMK_PERM_W,
			       .flags = uffd[x & 7],
			       .object = x & 8 ? r->object : -1 };

	if ((x & 0x30) == 0x30)
		vma.flags |= PMK_VMA_PFNMAP;
	if (x & 0x40 && r->soft_dirty)
		vma.flags |= PMK_VMA_SOFT_DIRTY;
	if (x & 0x80) {
		r->whole = true;
		start &= ~(uint64_t)(UNIT - 1);
		end = (end + UNIT - 1) & ~(uint64_t)(UNIT - 1);
		vma.flags = (vma.flags & ~PMK_VMA_PFNMAP) | PMK_VMA_HUGETLB;
		vma.object = r->hugetlb;
	}
	borders(r, &start, &end);
	if (x & 0x80 || has_hugetlb(r, start, end))
		pmk_runs_clear(&r->mm.pte, start, end);
	pmk_runs_set(&r->mm.vma, start, end,
		     (struct pmk_value){ start, pmk_vma_intern(r->m, &vma) | PMK_RUN_LINEAR });
}

/* Every kind of entry that there is. */
static void put_entries(struct run *r, uint64_t start, uint64_t end, uint8_t x)
{
	static const uint64_t raw[] = { 0,
					UINT64_C(0x440000000000009f),
					UINT64_C(0x460000000000009f),
					UINT64_C(0x420000000000003f),
					UINT64_C(0xa100000000001234),
					UINT64_C(0x4000000000000fa0) };
	static const uint64_t given = UINT64_C(1)
				      << (63 - PMK_PAGEMAP_FRAME_BITS + PMK_PTE_FLAGS_SHIFT);
	static const struct pmk_value kinds[] = {
		{ 0x1000, PMK_PTE_FRAME | PMK_PTE_ANON | PMK_RUN_LINEAR },
		{ 0x2000, PMK_PTE_FRAME | PMK_RUN_LINEAR },
		{ ZERO_PFN, PMK_PTE_ZERO },
		{ 100, PMK_PTE_SWAP | PMK_RUN_LINEAR },
		{ PMK_MARKER_UFFD_WP, PMK_PTE_MARKER },
		{ PMK_MARKER_GUARD, PMK_PTE_MARKER },
		{ PMK_MARKER_POISON, PMK_PTE_MARKER },
		{ 0x3000, PMK_PTE_GIVEN | PMK_RUN_LINEAR | given },
		{ 0x3000, PMK_PTE_GIVEN | PMK_RUN_LINEAR | given | given >> 2 },
		{ 200, PMK_PTE_GIVEN_SWAP | PMK_RUN_LINEAR | given >> 1 },
		{ 0, PMK_PTE_RAW },
	};
	struct pmk_value v = kinds[(x & 31) % (sizeof(kinds) / sizeof(*kinds))];

	if (v.tag == PMK_PTE_RAW)
		v.base = raw[(x >> 5) % (sizeof(raw) / sizeof(*raw))];
	if (x & 32)
		pmk_pte_set_uffd_wp(&v, true);
	if (x & 64 && r->soft_dirty && PMK_PTE_KIND(v.tag) <= PMK_PTE_SWAP)
		v.tag |= PMK_PTE_SOFT_DIRTY;
	pmk_mm_set_entries(r->m, &r->mm, start, end, v);
}

/* Huge pages wherever whole ones fit: in hugetlb, and where one VMA has them. */
static void put_huge(struct run *r, uint64_t start, uint64_t end, uint8_t x)
{
	static const uint64_t linear = PMK_PTE_HUGE | PMK_RUN_LINEAR;
	static const struct pmk_value thp[] = { { 0x8000, PMK_PTE_FRAME | PMK_PTE_ANON | linear },
						{ HUGE_ZERO_PFN, PMK_PTE_ZERO | linear } };
	static const struct pmk_value hugetlb[] = {
		{ 0x8000, PMK_PTE_FRAME | PMK_PTE_ANON | linear },
		{ 0x8000, PMK_PTE_FRAME | linear },
		{ PMK_MARKER_UFFD_WP, PMK_PTE_MARKER | PMK_PTE_HUGE },
	};

	for (uint64_t at = start & ~(UNIT - 1ull); at + UNIT <= end; at += UNIT) {
		struct pmk_run run;
		const struct pmk_vma *vma = pmk_vma_at(r->m, &r->mm, at, &run);
		struct pmk_value v = thp[x & 1];

		if (!vma || run.start > at || run.end < at + UNIT)
			continue;
		r->whole = true;
		if (vma->flags & PMK_VMA_HUGETLB)
			v = hugetlb[(x & 31) % (sizeof(hugetlb) / sizeof(*hugetlb))];
		if (vma->flags & PMK_VMA_HUGETLB)
			v.tag |= PMK_PTE_HUGETLB;
		if (PMK_PTE_KIND(v.tag) == PMK_PTE_FRAME)
			v.base += start & ~(UNIT - 1ull);
		if (x & 32)
			pmk_pte_set_uffd_wp(&v, true);
		pmk_runs_clear(&r->mm.table, at / UNIT,
			       at / UNIT + 1); /* a PMD is one or the other */
		pmk_mm_set_entries(r->m, &r->mm, at, at + UNIT, v);
	}
}

static void do_op(struct run *r, uint8_t code, uint64_t start, uint64_t end, uint8_t x)
{
	borders(r, &start, &end);
	switch (code % 8) {
	case 0:
	case 1:
		put_vma(r, start, end, x);
		break;
	case 2:
		pmk_runs_clear(&r->mm.vma, start, end);
		pmk_runs_clear(&r->mm.pte, start, end);
		break;
	case 3:
		pmk_runs_clear(&r->mm.pte, start, end);
		break;
	case 4:
		put_huge(r, start, end, x);
		break;
	case 5: /* tables; many regions */
		if (r->whole)
			pmk_huge_split(r->m, &r->mm, start, end);
		if (PAGES <= MANY && !has_hugetlb(r, start, end))
			pmk_mm_table_make(r->m, &r->mm, start, end);
		for (; start < end && PAGES > MANY && !has_hugetlb(r, start, end); start += 2)
			put_entries(r, start, start + 1, x);
		break;
	default:
		if (r->whole)
			pmk_huge_split(r->m, &r->mm, start, end);
		if (has_hugetlb(r, start, end))
			put_huge(r, start, end, x);
		else
			put_entries(r, start, end, x);
		break;
	}
}

/* ---- what is asked ------------------------------------------------------------------------------- */

static struct pmk_scan_arg argument(const struct run *r, struct fuzz_input *in)
{
	struct pmk_scan_arg arg = { .size = sizeof(arg), .vec = 4096 };
	uint8_t flags = fuzz_byte(in);
	uint64_t known = r->known, first = fuzz_u16(in) % PAGES;

	arg.flags = flags & 3;
	arg.start = (uint64_t)(ARENA + first) << r->shift;
	arg.end = arg.start + ((1 + fuzz_u16(in) % (PAGES - first)) << r->shift) -
		  (flags & 4 ? 1 : 0);
	arg.category_mask = fuzz_byte(in) & fuzz_byte(in) & known;
	arg.category_anyof_mask = flags & 8 ? 0 : fuzz_u16(in) & known;
	arg.category_inverted = flags & 16 ? 0 : fuzz_u16(in) & known;
	arg.return_mask = flags & 32 ? arg.category_mask : fuzz_u16(in) & known;
	arg.max_pages = flags & 64 ? 0 : fuzz_byte(in);
	arg.vec_len = flags & 128 ? BRUTE_PAGES : fuzz_byte(in) % 16;
	return arg;
}

static void scan(struct run *r, struct fuzz_input *in)
{
	static struct pmk_scan_region region[BRUTE_PAGES];
	static uint64_t word[BRUTE_PAGES];
	static struct scan_brute want;
	struct pmk_scan_arg arg = argument(r, in), probe = arg;
	uint8_t bad = fuzz_byte(in);
	struct vector v = { region, 0, bad & 1 ? bad : BRUTE_PAGES };
	int64_t result;

	CHECK(!pmk_scan_check(r->m, &probe), "the argument is one that is walked");
	CHECK(pmk_scan_validate(r->m->profile.kernel, &arg, r->shift, r->m->profile.task_size) == 0,
	      "the decoder says so, too (SCAN-VALID-ORDER)");
	scan_brute(r->m, &r->mm, &arg, v.room_for, &want);
	result = pmk_mm_scan(r->m, &r->mm, &arg, put, &v);
	SAY("scan flags %u %+jd +%zu inv %#jx mask %#jx any %#jx ret %#jx max %ju vec %ju: %jd, "
	    "%ju "
	    "regions, walk_end %+jd; brute force %jd, %zu, %+jd\n",
	    (unsigned)arg.flags, (intmax_t)(arg.start >> r->shift) - ARENA, want.npages,
	    (uintmax_t)arg.category_inverted, (uintmax_t)arg.category_mask,
	    (uintmax_t)arg.category_anyof_mask, (uintmax_t)arg.return_mask,
	    (uintmax_t)arg.max_pages, (uintmax_t)arg.vec_len, (intmax_t)result, (uintmax_t)v.n,
	    (intmax_t)(arg.walk_end >> r->shift) - ARENA, (intmax_t)want.result, want.n,
	    (intmax_t)(want.walk_end >> r->shift) - ARENA);
	CHECK(result == want.result, "the result is that of brute force");
	CHECK(arg.walk_end == want.walk_end, "walk_end is that of brute force");
	CHECK(v.n == want.n && !memcmp(region, want.region, v.n * sizeof(*region)),
	      "the regions are those of brute force");
	pmk_show_pagemap(r->m, &r->mm, arg.start >> r->shift, want.npages, true, word);
	CHECK(!memcmp(word, want.word, want.npages * sizeof(*word)),
	      "what is protected is what brute force protects");
}

/* A machine for each kernel, made once: to make one costs more than all that is done with it.  Only what
 * attributes of VMAs have which number outlives an input, and nothing shows that. */
static struct run *machine(uint8_t kernel)
{
	static struct run run[sizeof(kernels) / sizeof(*kernels)];
	struct run *r = &run[kernel % (sizeof(kernels) / sizeof(*kernels))];
	struct pmk_profile profile;
	struct pmk_error err;

	if (r->m)
		return r;
	CHECK(!pmk_profile_parse(kernels[r - run], &profile, &err),
	      "a kernel of the target's own list");
	r->arch = *profile.arch;
	r->arch.pmd_shift = r->arch.page_shift + 3; /* UNIT */
	profile.arch = &r->arch;
	r->m = pmk_machine_create(&profile);
	r->m->zero_pfn = ZERO_PFN;
	r->m->huge_zero_pfn = HUGE_ZERO_PFN;
	r->object = pmk_object_create(r->m, PMK_OBJECT_SHMEM, PAGES, "m");
	r->hugetlb = pmk_object_create(r->m, PMK_OBJECT_HUGETLB, PAGES, "h");
	r->soft_dirty = pmk_profile_has(&profile, PMK_Q_SOFT_DIRTY);
	r->shift = profile.arch->page_shift;
	r->known = pmk_scan_categories(profile.kernel);
	pmk_runs_init(&r->mm.vma, false);
	pmk_runs_init(&r->mm.pte, true);
	pmk_runs_init(&r->mm.table, true);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct run *r = machine(fuzz_byte(&in));

	for (int i = 0; in.size && i < OPS_MAX; i++) {
		uint8_t code = fuzz_byte(&in);
		uint64_t first, n;

		if (code == 255 || in.size < 3) {
			scan(r, &in);
			continue;
		}
		first = (PAGES / 64) * fuzz_byte(&in) % PAGES;
		n = 1 + (PAGES / 64) * fuzz_byte(&in) % (PAGES - first);
		do_op(r, code, ARENA + first, ARENA + first + n, fuzz_byte(&in));
	}
	pmk_runs_clear(&r->mm.vma, 0, UINT64_MAX);
	pmk_runs_clear(&r->mm.pte, 0, UINT64_MAX);
	pmk_runs_clear(&r->mm.table, 0, UINT64_MAX);
	r->whole = false;
	return 0;
}
