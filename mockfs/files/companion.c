/* companion.c - the text files of proc.  smaps costs by the runs of entries, as everything here. */
#include "companion.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pagemapkit.h"

/* What smap_gather_stats() and get_mm_counter() count, in pages; pss in pages << PSS_SHIFT. */
#define PSS_SHIFT 12
struct sums {
	uint64_t anon, file, shmem; /* their sum is Rss */
	uint64_t pss, pss_dirty, pss_anon;
	uint64_t shared_clean, shared_dirty, private_clean, private_dirty;
	uint64_t swap, swap_pss;
	uint64_t huge; /* anonymous, mapped by PMDs */
	uint64_t shared_hugetlb, private_hugetlb; /* not in Rss: smaps_hugetlb_range() */
};

static uint64_t rss(const struct sums *s)
{
	return s->anon + s->file + s->shmem;
}

static uint64_t kib(const struct pmk_machine *m, uint64_t pages)
{
	return pages << (m->profile.arch->page_shift - 10);
}

/* ---- counting ----------------------------------------------------------------------------------- */

static void add_present(struct sums *s, bool shmem, uint64_t n, uint64_t tag, uint32_t mapcount)
{
	if (tag & PMK_PTE_HUGETLB) {
		*(mapcount > 1 ? &s->shared_hugetlb : &s->private_hugetlb) += n;
		return;
	}
	bool anon = tag & PMK_PTE_ANON, dirty = tag & PMK_PTE_DIRTY;
	uint64_t pss = (n << PSS_SHIFT) / (mapcount ? mapcount : 1);

	s->huge += anon && tag & PMK_PTE_HUGE ? n : 0;
	*(anon ? &s->anon : shmem ? &s->shmem : &s->file) += n;
	s->pss += pss;
	s->pss_anon += anon ? pss : 0;
	s->pss_dirty += dirty ? pss : 0;
	if (mapcount > 1)
		*(dirty ? &s->shared_dirty : &s->shared_clean) += n;
	else
		*(dirty ? &s->private_dirty : &s->private_clean) += n;
}

/* The frames of a run of entries, by how often they are mapped. */
static void add_frames(const struct pmk_machine *m, struct sums *s, bool shmem,
		       const struct pmk_piece *entries)
{
	uint64_t first = entries->v.base, end = first + (entries->end - entries->start);
	struct pmk_piece p = { .end = first };

	while (pmk_runs_piece(&m->frame, end, &p))
		add_present(s, shmem, p.end - p.start, entries->v.tag,
			    p.run ? PMK_FRAME_MAPCOUNT(p.v) : 1);
}

static void add_slots(const struct pmk_machine *m, struct sums *s, const struct pmk_piece *entries)
{
	uint64_t first = entries->v.base, end = first + (entries->end - entries->start);
	struct pmk_piece p = { .end = first };

	while (pmk_runs_piece(&m->slot, end, &p)) {
		uint64_t n = p.end - p.start, count = p.run ? (uint32_t)p.v.base : 1;

		s->swap += pmk_mutant(m, SUMS_NO_SWAP) ? 0 : n;
		s->swap_pss += (n << PSS_SHIFT) / (count ? count : 1);
	}
}

/* A scripted entry, by what its flags say it is. */
static void add_word(struct sums *s, uint64_t n, uint64_t flags)
{
	if (flags & PMK_PAGEMAP_SWAP_MASK && !(flags & PMK_PAGEMAP_GUARD_MASK))
		s->swap += n, s->swap_pss += n << PSS_SHIFT;
	else if (flags & PMK_PAGEMAP_PRESENT_MASK)
		add_present(s, false, n, flags & PMK_PAGEMAP_FILE_MASK ? 0 : PMK_PTE_ANON,
			    flags & PMK_PAGEMAP_EXCLUSIVE_MASK ? 1 : 2);
}

/* The zero page is nobody's, markers and the entries of PFNMAP mappings neither (vm_normal_page()). */
static void add_entries(const struct pmk_machine *m, struct sums *s, const struct pmk_vma *vma,
			const struct pmk_piece *p)
{
	bool shmem = vma->object >= 0 && m->object[vma->object].kind == PMK_OBJECT_SHMEM;
	uint64_t n = p->end - p->start;

	switch (PMK_PTE_KIND(p->v.tag)) {
	case PMK_PTE_FRAME:
		if (!(vma->flags & PMK_VMA_PFNMAP))
			add_frames(m, s, shmem, p);
		break;
	case PMK_PTE_SWAP:
		add_slots(m, s, p);
		break;
	case PMK_PTE_GIVEN:
	case PMK_PTE_GIVEN_SWAP:
		if (!(vma->flags & PMK_VMA_PFNMAP))
			add_word(s, n, p->v.tag >> PMK_PTE_FLAGS_SHIFT << 55);
		break;
	case PMK_PTE_RAW:
		add_word(s, n, p->v.base);
		break;
	default:
		break;
	}
}

static void add_vma(const struct pmk_machine *m, const struct pmk_mm *mm, struct sums *s,
		    const struct pmk_run *run)
{
	const struct pmk_vma *vma = &m->vma[run->v.tag & ~PMK_RUN_LINEAR];
	struct pmk_piece p = { .end = run->start };

	while (pmk_runs_piece(&mm->pte, run->end, &p))
		if (p.run)
			add_entries(m, s, vma, &p);
}

/* ---- smaps -------------------------------------------------------------------------------------- */

/* show_smap_vma_flags(): in the order of the VMA's bits. */
struct flag {
	char name[3];
	bool on;
};

static size_t print_flags(const struct pmk_machine *m, const struct pmk_vma *vma, char *buf,
			  size_t size)
{
	bool shared = vma->flags & PMK_VMA_SHARED;
	const struct flag flags[] = {
		{ "rd", vma->prot & PMK_PERM_R },
		{ "wr", vma->prot & PMK_PERM_W },
		{ "ex", vma->prot & PMK_PERM_X },
		{ "sh", shared },
		{ "mr", true },
		{ "mw", true },
		{ "me", true },
		{ "ms", shared },
		{ "gd", vma->flags & PMK_VMA_STACK },
		{ "pf", vma->flags & PMK_VMA_PFNMAP },
		{ "gu", vma->flags & PMK_VMA_MAYBE_GUARD &&
				pmk_profile_has(&m->profile, PMK_Q_SMAPS_GUARD) },
		{ "uw", vma->flags & PMK_VMA_UFFD_WP },
		{ "lo", vma->flags & PMK_VMA_LOCKED },
		{ "sr", vma->flags & PMK_VMA_SEQUENTIAL },
		{ "rr", vma->flags & PMK_VMA_RANDOM },
		{ "dc", vma->flags & PMK_VMA_DONTFORK },
		{ "ac", vma->flags & PMK_VMA_ACCOUNT },
		{ "ht", vma->flags & PMK_VMA_HUGETLB },
		{ "wf", vma->flags & PMK_VMA_WIPEONFORK },
		{ "sd", vma->flags & PMK_VMA_SOFT_DIRTY &&
				pmk_profile_has(&m->profile, PMK_Q_SOFT_DIRTY) },
		{ "hg", vma->flags & PMK_VMA_HUGEPAGE },
		{ "nh", vma->flags & PMK_VMA_NOHUGEPAGE },
		{ "mg", vma->flags & PMK_VMA_MERGEABLE },
	};
	size_t n = (size_t)snprintf(buf, size, "VmFlags: ");

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].on)
			n += (size_t)snprintf(buf + n, size - n, "%s ", flags[i].name);
	return n + (size_t)snprintf(buf + n, size - n, "\n");
}

/* The lines below the one that maps has, too: __show_smap(). */
static size_t print_sums(const struct pmk_machine *m, const struct pmk_run *run,
			 const struct sums *s, char *buf, size_t size)
{
	const struct pmk_vma *vma = &m->vma[run->v.tag & ~PMK_RUN_LINEAR];
	bool locked = vma->flags & PMK_VMA_LOCKED;
	uint64_t page = vma->flags & PMK_VMA_HUGETLB ? pmk_pmd_pages(m) : 1;
	const struct {
		const char *name;
		uint64_t pages;
	} line[] = {
		{ "Size:", run->end - run->start },
		{ "KernelPageSize:", page },
		{ "MMUPageSize:", page },
		{ "Rss:", rss(s) },
		{ "Pss:", s->pss >> PSS_SHIFT },
		{ "Pss_Dirty:", s->pss_dirty >> PSS_SHIFT },
		{ "Shared_Clean:", s->shared_clean },
		{ "Shared_Dirty:", s->shared_dirty },
		{ "Private_Clean:", s->private_clean },
		{ "Private_Dirty:", s->private_dirty },
		{ "Referenced:", rss(s) },
		{ "Anonymous:", s->anon },
		{ "KSM:", 0 },
		{ "LazyFree:", 0 },
		{ "AnonHugePages:", s->huge },
		{ "ShmemPmdMapped:", 0 },
		{ "FilePmdMapped:", 0 },
		{ "Shared_Hugetlb:", s->shared_hugetlb },
		{ "Private_Hugetlb:", s->private_hugetlb },
		{ "Swap:", s->swap },
		{ "SwapPss:", s->swap_pss >> PSS_SHIFT },
		{ "Locked:", locked ? s->pss >> PSS_SHIFT : 0 },
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++)
		n += (size_t)snprintf(buf + n, size - n, "%-16s%8" PRIu64 " kB\n", line[i].name,
				      kib(m, line[i].pages));
	n += (size_t)snprintf(buf + n, size - n, "%-16s%8d\n", "THPeligible:", 0);
	return n + print_flags(m, vma, buf + n, size - n);
}

size_t pmk_text_maps(const struct pmk_machine *m, const struct pmk_task *task,
		     const struct pmk_mm *mm, uint64_t *from, char *buf, size_t size)
{
	(void)task;
	return pmk_show_maps(m, mm, from, buf, size);
}

size_t pmk_text_smaps(const struct pmk_machine *m, const struct pmk_task *task,
		      const struct pmk_mm *mm, uint64_t *from, char *buf, size_t size)
{
	struct pmk_cursor c;
	const struct pmk_run *run = pmk_runs_seek(&mm->vma, *from, &c);
	struct pmk_maps_line line;
	struct sums s = { 0 };
	char name[4096];
	size_t n;

	(void)task;
	if (!run) {
		*from = UINT64_MAX;
		return 0;
	}
	pmk_show_vma(m, run, &line);
	n = pmk_maps_format(&line, m->profile.arch->long_bits / 8, name, sizeof(name));
	if (n >= sizeof(name) || n + 1024 > size) { /* a name of nearly PATH_MAX: its end is cut */
		n = size - 1024;
		name[n - 1] = '\n';
	}
	memcpy(buf, name, n);
	add_vma(m, mm, &s, run);
	n += print_sums(m, run, &s, buf + n, size - n);
	*from = run->end;
	return n;
}

/* ---- the process -------------------------------------------------------------------------------- */

static char state_of(const struct pmk_task *task)
{
	return task->state == PMK_TASK_ZOMBIE ? 'Z' : 'S';
}

/* All of the process, by counters in the kernel, by adding up here. */
static uint64_t count_all(const struct pmk_machine *m, const struct pmk_mm *mm, struct sums *ret,
			  uint64_t *ret_locked)
{
	struct pmk_cursor c;
	uint64_t pages = 0;

	*ret = (struct sums){ 0 };
	*ret_locked = 0;
	for (const struct pmk_run *run = mm ? pmk_runs_seek(&mm->vma, 0, &c) : NULL; run;
	     run = pmk_runs_next(&c)) {
		pages += run->end - run->start;
		if (m->vma[run->v.tag & ~PMK_RUN_LINEAR].flags & PMK_VMA_LOCKED)
			*ret_locked += run->end - run->start;
		add_vma(m, mm, ret, run);
	}
	return pages;
}

size_t pmk_text_comm(const struct pmk_machine *m, const struct pmk_task *task,
		     const struct pmk_mm *mm, uint64_t *from, char *buf, size_t size)
{
	(void)m, (void)mm;
	*from = UINT64_MAX;
	return (size_t)snprintf(buf, size, "%s\n", task->comm);
}

static size_t print_memory(const struct pmk_machine *m, const struct pmk_task *task, char *buf,
			   size_t size)
{
	uint64_t locked;
	struct sums s;
	uint64_t pages = count_all(m, task->mm, &s, &locked);
	const struct {
		const char *name;
		uint64_t pages;
	} line[] = {
		{ "VmSize", pages },   { "VmLck", locked },   { "VmRSS", rss(&s) },
		{ "RssAnon", s.anon }, { "RssFile", s.file }, { "RssShmem", s.shmem },
		{ "VmSwap", s.swap },
	};
	size_t n = 0;

	for (size_t i = 0; task->mm && i < sizeof(line) / sizeof(line[0]); i++)
		n += (size_t)snprintf(buf + n, size - n, "%s:\t%8" PRIu64 " kB\n", line[i].name,
				      kib(m, line[i].pages));
	return n;
}

size_t pmk_text_status(const struct pmk_machine *m, const struct pmk_task *task,
		       const struct pmk_mm *mm, uint64_t *from, char *buf, size_t size)
{
	uint32_t uid = task->cred.uid;
	size_t n;

	(void)mm;
	*from = UINT64_MAX;
	n = (size_t)snprintf(buf, size,
			     "Name:\t%s\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n"
			     "TracerPid:\t0\nUid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n",
			     task->comm, state_of(task) == 'S' ? "S (sleeping)" : "Z (zombie)",
			     task->pid, task->pid, task->ppid, uid, uid, uid, uid, uid, uid, uid,
			     uid);
	n += print_memory(m, task, buf + n, size - n);
	return n + (size_t)snprintf(buf + n, size - n,
				    "Threads:\t1\nCapPrm:\t%016" PRIx64 "\nCapEff:\t%016" PRIx64
				    "\n",
				    task->caps_saved, task->cred.caps);
}

size_t pmk_text_stat(const struct pmk_machine *m, const struct pmk_task *task,
		     const struct pmk_mm *mm, uint64_t *from, char *buf, size_t size)
{
	uint64_t locked;
	struct sums s;
	uint64_t pages = count_all(m, task->mm, &s, &locked);

	(void)mm;
	*from = UINT64_MAX;
	/* 52 fields; 23 and 24 are the sizes, what the model does not know is 0: do_task_stat() */
	return (size_t)snprintf(
		buf, size,
		"%d (%s) %c %d %d %d 0 -1 %u 0 0 0 0 0 0 0 0 20 0 1 0 0 %" PRIu64 " %" PRIu64
		" 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
		task->pid, task->comm, state_of(task), task->ppid, task->pid, task->pid,
		task->state == PMK_TASK_KERNEL ? PMK_PF_KTHREAD : 0u,
		pages << m->profile.arch->page_shift, rss(&s));
}

/* ---- the machine -------------------------------------------------------------------------------- */

/* swap_show(): one area, a file, which is type 0 (SWAPS-LINK); its size is without the header. */
size_t pmk_text_swaps(const struct pmk_machine *m, const struct pmk_task *task,
		      const struct pmk_mm *mm, uint64_t *from, char *buf, size_t size)
{
	static const char path[] = "/swapfile";
	uint64_t used = 0, total = kib(m, m->swap_pages ? m->swap_pages - 1 : 0);
	struct pmk_cursor c;
	size_t n;

	(void)task, (void)mm;
	*from = UINT64_MAX;
	n = (size_t)snprintf(buf, size, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	if (!m->swap_pages)
		return n;
	for (const struct pmk_run *run = pmk_runs_seek(&m->slot, 0, &c); run;
	     run = pmk_runs_next(&c))
		used += run->end - run->start;
	return n + (size_t)snprintf(
			   buf + n, size - n, "%s%*sfile\t\t%" PRIu64 "\t%s%" PRIu64 "\t%s%d\n",
			   path, (int)(40 - strlen(path)), " ", total, total < 10000000 ? "\t" : "",
			   kib(m, used), used < 10000000 ? "\t" : "", -2);
}
