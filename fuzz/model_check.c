/* model_check.c - the invariants of a machine, recounted by brute force. */
#include "model_check.h"

#include <fcntl.h>

#include "fuzz.h"
#include "pagemapkit.h"
#include "procfs.h"

/* What was counted: by PFN and by slot. */
struct census {
	uint32_t mapped[FUZZ_RAM], anon[FUZZ_RAM], cached[FUZZ_RAM], swap_cached[FUZZ_RAM];
	uint32_t slot[FUZZ_SLOTS], slot_cached[FUZZ_SLOTS];
};

/* ---- run maps ------------------------------------------------------------------------------------ */

static void check_runs(const struct pmk_runs *map)
{
	struct pmk_cursor c;
	const struct pmk_run *run = pmk_runs_seek(map, 0, &c);
	struct pmk_run last = { 0, 0, { 0, 0 } };
	size_t n = 0;

	for (; run; run = pmk_runs_next(&c), n++) {
		struct pmk_value next = pmk_value_at(last.v, last.end - last.start);

		CHECK(run->start < run->end, "a run is not empty");
		CHECK(!n || run->start >= last.end, "runs ascend and do not overlap");
		CHECK(!n || !map->merge || run->start > last.end || next.base != run->v.base ||
			      next.tag != run->v.tag,
		      "neighbours that continue each other are one run");
		last = *run;
	}
	CHECK(n == map->n, "a map knows how many runs it has");
}

void model_check_runs(const struct pmk_machine *m)
{
	const struct pmk_runs *maps[] = { &m->ram,    &m->frame,     &m->slot,
					  &m->cached, &m->cached_by, &m->by_pid };

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		check_runs(maps[i]);
	for (size_t i = 0; i < m->nobjects; i++)
		check_runs(&m->object[i].cache);
	for (size_t i = 0; i < m->ntasks; i++) {
		if (!m->task[i]->mm)
			continue;
		check_runs(&m->task[i]->mm->vma);
		check_runs(&m->task[i]->mm->pte);
		check_runs(&m->task[i]->mm->table);
	}
}

/* ---- counting ------------------------------------------------------------------------------------ */

static void count_entry(const struct pmk_machine *m, struct census *c, const struct pmk_vma *vma,
			struct pmk_value v, uint64_t offset)
{
	struct pmk_value held;

	CHECK(v.tag & 15 && (v.tag & 15) <= PMK_PTE_RAW, "an entry is of a known kind");
	switch (PMK_PTE_KIND(v.tag)) {
	case PMK_PTE_FRAME:
		CHECK(v.base && v.base < FUZZ_RAM, "an entry's frame is memory");
		c->mapped[v.base]++;
		c->anon[v.base] += v.tag & PMK_PTE_ANON ? 1 : 0;
		CHECK(!(v.tag & PMK_PTE_ANON) || !(vma->flags & PMK_VMA_SHARED),
		      "a shared mapping has no anonymous page");
		if (v.tag & PMK_PTE_ANON)
			break;
		CHECK(vma->object >= 0, "anonymous memory has anonymous pages only");
		CHECK(pmk_runs_get(&m->object[vma->object].cache, offset, &held) &&
			      PMK_PTE_KIND(held.tag) == PMK_PTE_FRAME && held.base == v.base,
		      "an entry of a file is the page that the file has there");
		break;
	case PMK_PTE_SWAP:
		CHECK(v.base && v.base < m->swap_pages, "an entry's slot is in the swap area");
		c->slot[v.base]++;
		CHECK(vma->object < 0 || !(vma->flags & PMK_VMA_SHARED),
		      "a shared mapping has no swap entry (K-SHM-SWAP)");
		break;
	case PMK_PTE_ZERO:
		CHECK(vma->object < 0 && v.base == m->zero_pfn,
		      "the zero page is of anonymous memory");
		break;
	default:
		break;
	}
}

static void count_mm(const struct pmk_machine *m, struct census *c, const struct pmk_mm *mm)
{
	struct pmk_cursor cursor;
	const struct pmk_run *run = pmk_runs_seek(&mm->pte, 0, &cursor);

	for (; run; run = pmk_runs_next(&cursor)) {
		struct pmk_piece table = { .end = run->start };

		while (pmk_mm_table_piece(m, mm, run->end, &table))
			CHECK(table.run, "an entry is in a page table");
		for (uint64_t page = run->start; page < run->end; page++) {
			struct pmk_run area = { 0 };
			const struct pmk_vma *vma = pmk_vma_at(m, mm, page, &area);

			CHECK(vma, "an entry lies in a VMA");
			count_entry(m, c, vma, pmk_value_at(run->v, page - run->start),
				    area.v.base + (page - area.start));
		}
	}
	for (run = pmk_runs_seek(&mm->vma, 0, &cursor); run; run = pmk_runs_next(&cursor)) {
		CHECK(run->v.tag & PMK_RUN_LINEAR && (run->v.tag & ~PMK_RUN_LINEAR) < m->nvmas,
		      "a VMA has attributes");
		CHECK(m->vma[run->v.tag & ~PMK_RUN_LINEAR].object < (int)m->nobjects,
		      "a VMA's object exists");
	}
}

static void count_object(const struct pmk_machine *m, struct census *c, const struct pmk_object *o)
{
	/* init, that is not there, maps [vdso] and [vvar] */
	bool everywhere = o == m->object + m->vdso_object || o == m->object + m->vvar_object;
	struct pmk_cursor cursor;
	const struct pmk_run *run = pmk_runs_seek(&o->cache, 0, &cursor);

	for (; run; run = pmk_runs_next(&cursor))
		for (uint64_t i = 0; i < run->end - run->start; i++) {
			CHECK(run->end <= o->pages, "an object caches nothing beyond its end");
			if (PMK_PTE_KIND(run->v.tag) == PMK_PTE_FRAME) {
				CHECK(run->v.base + i < FUZZ_RAM, "a cached frame is memory");
				c->cached[run->v.base + i]++;
				c->mapped[run->v.base + i] += everywhere;
			} else {
				CHECK(run->v.base + i < m->swap_pages,
				      "a cached slot is in the area");
				c->slot[run->v.base + i]++;
			}
		}
}

static void count_swap_cache(const struct pmk_machine *m, struct census *c)
{
	struct pmk_cursor cursor;
	const struct pmk_run *run = pmk_runs_seek(&m->cached, 0, &cursor);
	uint64_t n = 0, inverse = 0;

	for (; run; run = pmk_runs_next(&cursor))
		for (uint64_t slot = run->start; slot < run->end; slot++, n++) {
			uint64_t pfn = run->v.base + (slot - run->start);
			struct pmk_value v;

			CHECK(pmk_runs_get(&m->cached_by, pfn, &v) && v.base == slot,
			      "the swap cache and its inverse agree");
			CHECK(pfn < FUZZ_RAM && slot < m->swap_pages,
			      "the swap cache holds slots and frames");
			c->swap_cached[pfn]++;
			c->slot_cached[slot]++;
		}
	for (run = pmk_runs_seek(&m->cached_by, 0, &cursor); run; run = pmk_runs_next(&cursor))
		inverse += run->end - run->start;
	CHECK(n == inverse, "the swap cache and its inverse agree");
}

static void take_census(const struct pmk_machine *m, struct census *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < m->ntasks; i++)
		if (m->task[i]->mm)
			count_mm(m, c, m->task[i]->mm);
	for (size_t i = 0; i < m->nobjects; i++)
		count_object(m, c, &m->object[i]);
	count_swap_cache(m, c);
}

/* ---- frames and slots ---------------------------------------------------------------------------- */

static void check_frame(const struct census *c, uint64_t pfn, struct pmk_value v)
{
	bool anon = v.tag & PMK_KPF_ANON_MASK, cached = v.tag & PMK_FRAME_CACHED;

	CHECK(PMK_FRAME_MAPCOUNT(v) == c->mapped[pfn], "the mapcount is how many entries map it");
	CHECK(c->mapped[pfn] || v.tag & (PMK_FRAME_CACHED | PMK_FRAME_GIVEN),
	      "a frame that nobody holds is free");
	if (v.tag & PMK_FRAME_GIVEN)
		return;
	CHECK(c->anon[pfn] == (anon ? c->mapped[pfn] : 0), "all entries say the same of ANON");
	CHECK(c->cached[pfn] + c->swap_cached[pfn] == cached, "a cached frame is in one cache");
	CHECK(!c->cached[pfn] || !anon, "the page cache has no anonymous page");
	CHECK(!c->swap_cached[pfn] || anon || !c->mapped[pfn],
	      "the swap cache has pages that are anonymous, or will be");
	CHECK(!(v.tag & PMK_KPF_SWAPCACHE_MASK) == !c->swap_cached[pfn], "SWAPCACHE tells so");
	CHECK(!(v.tag & PMK_FRAME_ANONEXCL) || (anon && c->mapped[pfn] <= 1),
	      "an exclusive page is mapped once");
}

static void check_frames(const struct pmk_machine *m, const struct census *c)
{
	struct pmk_piece p = { .end = 0 };

	while (pmk_runs_piece(&m->frame, m->max_pfn, &p))
		for (uint64_t pfn = p.start; pfn < p.end; pfn++) {
			CHECK(p.run || (!c->mapped[pfn] && !c->cached[pfn] && !c->swap_cached[pfn]),
			      "a free frame is nowhere mapped or cached");
			CHECK(!p.run || pmk_runs_find(&m->ram, pfn), "a frame in use is memory");
			if (p.run)
				check_frame(c, pfn, p.v);
		}
	CHECK(!pmk_runs_seek(&m->frame, m->max_pfn, NULL), "a frame in use is memory");
}

static void check_slots(const struct pmk_machine *m, const struct census *c)
{
	struct pmk_piece p = { .end = 0 };

	while (pmk_runs_piece(&m->slot, m->swap_pages, &p))
		for (uint64_t slot = p.start; slot < p.end; slot++) {
			CHECK(p.run == (c->slot[slot] || c->slot_cached[slot]),
			      "a slot that nobody refers to is free");
			CHECK(!p.run || p.v.base == c->slot[slot],
			      "a slot's count is how many entries refer to it");
		}
	CHECK(!pmk_runs_seek(&m->slot, m->swap_pages, NULL), "a slot is in the swap area");
}

void model_check(const struct pmk_machine *m)
{
	static struct census c;

	model_check_runs(m);
	take_census(m, &c);
	check_frames(m, &c);
	check_slots(m, &c);
}

void model_check_empty(const struct pmk_machine *m)
{
	static struct census c;
	struct pmk_cursor cursor;
	const struct pmk_run *run;

	model_check(m);
	take_census(m, &c);
	CHECK(!m->cached.n, "without processes the swap cache is empty");
	for (run = pmk_runs_seek(&m->frame, 0, &cursor); run; run = pmk_runs_next(&cursor)) {
		CHECK(PMK_FRAME_MAPCOUNT(run->v) == !!(run->v.tag & PMK_KPF_REFERENCED_MASK),
		      "without processes no frame is mapped but the kernel's own");
		for (uint64_t pfn = run->start; pfn < run->end; pfn++)
			CHECK(run->v.tag & PMK_FRAME_GIVEN || c.cached[pfn],
			      "without processes only files hold frames");
	}
}

/* ---- files --------------------------------------------------------------------------------------- */

static struct pmk_handle *open_as(struct pmk_machine *m, enum pmk_file file, int pid, uint64_t caps)
{
	const struct pmk_cred cred = { 0, caps };
	struct pmk_handle *h = NULL;

	if (pmk_handle_open(m, file, pid, O_RDONLY, &cred, true, &h))
		return NULL;
	return h;
}

/* What a process's files are held against. */
struct view {
	struct pmk_machine *m;
	struct pmk_layout layout;
	struct pmk_handle *flags, *count;
};

static uint64_t read_word(struct pmk_handle *h, uint64_t pfn)
{
	uint64_t word = 0;

	CHECK(pmk_handle_read(h, pfn * 8, 8, &word) == 8, "a kpage file has the frame's entry");
	return word;
}

/* One entry against what kpage* say of its frame (E-B56, KPF-CROSS, KPF-INV-OK). */
static void check_entry(const struct view *v, uint64_t word)
{
	const struct pmk_profile *profile = &v->m->profile;
	uint64_t pfn = word & PMK_PAGEMAP_FRAME_MASK, flags, count;
	struct pmk_pagemap page;
	bool zero;

	CHECK(!pmk_pagemap_check(&v->layout, word), "a kernel can show the entry (E-INV)");
	pmk_pagemap_decode(&v->layout, word, &page);
	if (page.state != PMK_PAGE_PRESENT)
		return;
	CHECK(pfn && pmk_runs_find(&v->m->ram, pfn), "a present page is in RAM");
	flags = read_word(v->flags, pfn);
	count = read_word(v->count, pfn);
	zero = pfn == v->m->zero_pfn;
	SAY("    %016jx: flags %jx, count %ju\n", (uintmax_t)word, (uintmax_t)flags,
	    (uintmax_t)count);
	CHECK(!pmk_kpageflags_check(v->layout.kernel, flags),
	      "kpageflags are possible (KPF-INV-OK)");
	CHECK(!(flags & PMK_KPF_BUDDY_MASK), "a present page is not free");
	CHECK(!(flags & PMK_KPF_ZERO_PAGE_MASK) ==
		      !(zero && pmk_kpageflags_known(v->layout.kernel) & PMK_KPF_ZERO_PAGE_MASK),
	      "ZERO_PAGE is the zero page");
	CHECK(zero ? !count : count >= 1, "a present page is mapped, the zero page never");
	if (pmk_profile_has(profile, PMK_Q_EXCLUSIVE_BIT))
		CHECK(page.exclusive == (count == 1), "exclusive is kpagecount 1 (KC-VS-B56)");
	CHECK(zero || flags & PMK_KPF_MMAP_MASK, "a present page is MMAP (KPF-CROSS)");
	if (pmk_profile_has(profile, PMK_Q_FILE_BIT) && !zero)
		CHECK(page.file == !(flags & PMK_KPF_ANON_MASK), "file is not ANON (KPF-CROSS)");
}

static void layout_of(const struct pmk_machine *m, struct pmk_layout *ret)
{
	unsigned config = PMK_CONFIG_ALL;

	if (!pmk_profile_has(&m->profile, PMK_Q_SOFT_DIRTY))
		config &= ~PMK_CONFIG_SOFT_DIRTY;
	if (!pmk_profile_has(&m->profile, PMK_Q_UFFD_WP_BIT))
		config &= ~PMK_CONFIG_UFFD_WP;
	pmk_layout_init(ret, m->profile.kernel, config);
}

static void check_pagemap(const struct view *v, const struct pmk_task *task, uint64_t first,
			  uint64_t n)
{
	struct pmk_machine *m = v->m;
	struct pmk_handle *h = open_as(m, PMK_FILE_PAGEMAP, task->pid, PMK_CAP_ALL);
	struct pmk_handle *weak = open_as(m, PMK_FILE_PAGEMAP, task->pid, 0);
	uint64_t word[256], seen[256];
	bool hidden = pmk_profile_has(&m->profile, PMK_Q_PFN_HIDDEN);

	CHECK(h && pmk_handle_read(h, first * 8, n * 8, word) == (int64_t)n * 8,
	      "a read below the task size is complete (PM-READ-FULL)");
	for (uint64_t i = 0; i < n; i++) {
		check_entry(v, word[i]);
		CHECK(pmk_runs_find(&task->mm->vma, first + i) ||
			      !(word[i] & ~PMK_PAGEMAP_SHIFT_MASK),
		      "a hole is 0 (K-HOLE)");
	}
	CHECK(weak || pmk_profile_has(&m->profile, PMK_Q_OPEN_SYS_ADMIN), "the owner may look");
	CHECK(!weak || pmk_handle_read(weak, first * 8, n * 8, seen) == (int64_t)n * 8,
	      "a read below the task size is complete (PM-READ-FULL)");
	for (uint64_t i = 0; weak && i < n; i++)
		CHECK(seen[i] == (hidden ? word[i] & PMK_PAGEMAP_FLAGS_MASK : word[i]),
		      "who may not see frames sees the flags (PM-CRED-WHAT)");
	pmk_handle_close(h);
	pmk_handle_close(weak);
}

/* maps: every line parses, they ascend, and there is one for each VMA. */
void model_check_maps(struct pmk_machine *m, const struct pmk_task *task)
{
	struct pmk_handle *h = open_as(m, PMK_FILE_MAPS, task->pid, PMK_CAP_ALL);
	char buf[4096];
	uint64_t pos = 0, last = 0;
	size_t lines = 0;
	int64_t n;

	CHECK(h, "maps opens");
	while ((n = pmk_handle_read(h, pos, sizeof(buf), buf)) > 0) {
		for (char *at = buf, *end; at < buf + n; at = end + 1, lines++) {
			struct pmk_maps_line line;

			end = memchr(at, '\n', (size_t)(buf + n - at));
			CHECK(end, "a read of maps gives whole lines (MAPS-READ)");
			CHECK(!pmk_maps_parse(at, (size_t)(end - at), &line), "a line parses");
			CHECK(line.start >= last && line.start < line.end, "lines ascend");
			last = line.end;
		}
		pos += (uint64_t)n;
	}
	CHECK(!n, "maps ends");
	CHECK(lines == task->mm->vma.n + pmk_profile_has(&m->profile, PMK_Q_VSYSCALL),
	      "a line a VMA");
	pmk_handle_close(h);
}

void model_check_files(struct pmk_machine *m, uint64_t first, uint64_t n)
{
	struct view v = { .m = m,
			  .flags = open_as(m, PMK_FILE_KPAGEFLAGS, 0, PMK_CAP_ALL),
			  .count = open_as(m, PMK_FILE_KPAGECOUNT, 0, PMK_CAP_ALL) };

	CHECK(v.flags && v.count, "kpage* open");
	layout_of(m, &v.layout);
	for (size_t i = 0; i < m->ntasks; i++) {
		if (!m->task[i]->mm)
			continue;
		check_pagemap(&v, m->task[i], first, n);
		model_check_maps(m, m->task[i]);
	}
	pmk_handle_close(v.flags);
	pmk_handle_close(v.count);
}
