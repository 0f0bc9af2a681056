/*
 * machine.h - the model: a small kernel's memory management, as far as the proc files can show it.
 *
 * A machine has RAM, frames, swap, objects (files, memfds: page caches) and tasks; a task has an
 * address space (mm) of VMAs and page-table entries.  All are run maps (runs.h); nothing here costs
 * by the page.  It knows nothing of scripts, of files' system-call rules (procfs.h) or of FUSE.
 *
 * Units: addresses in pages ("page numbers"), lengths in pages, PFNs, swap offsets in pages.
 * Results of operations: 0, or -errno, or PMK_SIGNAL(n) (result.h), as a process would see them.
 * Not thread-safe: the owner locks.
 *
 * Sources of the rules: the ledger (conformance/runner/clauses.def), the kernel's mm/, and observation;
 * each function names what it follows.
 */
#ifndef PMK_MACHINE_H
#define PMK_MACHINE_H

#include "profile.h"
#include "result.h"
#include "rules.h"
#include "runs.h"

/* ---- page-table entries: tags of an mm's `pte` map ---------------------------------------------- */

enum pmk_pte_kind {
	PMK_PTE_FRAME = 1, /* present, base is the PFN; linear */
	PMK_PTE_ZERO, /* present, the shared zero page; HUGE: the huge one, linear.  DIRTY: put there by KSM */
	PMK_PTE_SWAP, /* base is the slot; linear; type in bits 16-20 */
	PMK_PTE_MARKER, /* base is the marker's bits: uffd-wp 1, poison 2, guard 4 */
	PMK_PTE_GIVEN, /* a scripted entry: flag bits 55-63 in tag bits 32-40 and base as PFN, linear */
	PMK_PTE_GIVEN_SWAP, /* likewise with base as swap offset, type in bits 16-20; linear */
	PMK_PTE_RAW, /* base is the whole word */
};
#define PMK_PTE_KIND(tag)   ((enum pmk_pte_kind)((tag)&15))
#define PMK_PTE_ANON	    (1ull << 4) /* the frame is anonymous memory */
#define PMK_PTE_EXCLUSIVE   (1ull << 5) /* PageAnonExclusive, also kept by a swap entry */
#define PMK_PTE_SOFT_DIRTY  (1ull << 6)
#define PMK_PTE_UFFD_WP	    (1ull << 7)
#define PMK_PTE_DIRTY	    (1ull << 8)
#define PMK_PTE_HUGE	    (1ull << 9) /* a PMD maps it: a huge page or a hugetlb one, whole */
#define PMK_PTE_HUGETLB	    (1ull << 10)
#define PMK_PTE_TYPE_SHIFT  16
#define PMK_PTE_TYPE(tag)   ((unsigned)((tag) >> PMK_PTE_TYPE_SHIFT & 31))
#define PMK_PTE_FLAGS_SHIFT 32 /* of GIVEN: pagemap bits 55-63 */
#define PMK_MARKER_UFFD_WP  1u
#define PMK_MARKER_POISON   2u
#define PMK_MARKER_GUARD    4u

/* ---- VMAs: base of an mm's `vma` map is the page offset (linear), tag an index of attributes ------ */

#define PMK_VMA_SHARED	    0x0001u
#define PMK_VMA_LOCKED	    0x0002u
#define PMK_VMA_SOFT_DIRTY  0x0004u
#define PMK_VMA_PFNMAP	    0x0008u
#define PMK_VMA_ACCOUNT	    0x0010u
#define PMK_VMA_HUGEPAGE    0x0020u
#define PMK_VMA_NOHUGEPAGE  0x0040u
#define PMK_VMA_DONTFORK    0x0080u
#define PMK_VMA_WIPEONFORK  0x0100u
#define PMK_VMA_MERGEABLE   0x0200u
#define PMK_VMA_SPECIAL	    0x0400u /* [vdso], [vvar]: no mprotect games modelled */
#define PMK_VMA_STACK	    0x0800u
#define PMK_VMA_RANDOM	    0x1000u
#define PMK_VMA_SEQUENTIAL  0x2000u
#define PMK_VMA_UFFD_WP	    0x4000u /* registered with a userfaultfd for write protection */
#define PMK_VMA_UFFD_ASYNC  0x8000u /* ... with UFFD_FEATURE_WP_ASYNC */
#define PMK_VMA_UFFD_NONE   0x10000u /* ... with UFFD_FEATURE_WP_UNPOPULATED */
#define PMK_VMA_HUGETLB	    0x40000u
#define PMK_VMA_MAYBE_GUARD 0x20000u /* had a guard region once */
/* Neighbours that differ only in these may merge, and the whole has them then. */
#define PMK_VMA_STICKY	    (PMK_VMA_SOFT_DIRTY | PMK_VMA_MAYBE_GUARD)
#define PMK_VMA_UFFD	    (PMK_VMA_UFFD_WP | PMK_VMA_UFFD_ASYNC | PMK_VMA_UFFD_NONE)

struct pmk_vma {
	unsigned prot; /* PMK_PERM_* */
	unsigned flags; /* PMK_VMA_* */
	int object; /* index of the machine's objects; -1: anonymous memory */
	unsigned anon_vma; /* 0: none yet.  Decides what fork copies and what may merge */
	int64_t moved; /* of a private mapping of an object: from where its first own page was to where it is */
};

/* ---- objects: files, memfds, shared anonymous memory, special mappings --------------------------- */

enum pmk_object_kind {
	PMK_OBJECT_FILE,
	PMK_OBJECT_SHMEM,
	PMK_OBJECT_SPECIAL,
	PMK_OBJECT_HUGETLB,
	PMK_OBJECT_SECRET, /* memfd_secret(2) */
};

struct pmk_object {
	enum pmk_object_kind kind;
	uint64_t pages; /* its size; beyond it SIGBUS */
	struct pmk_runs cache; /* page offset -> frame (PMK_PTE_FRAME) or slot (PMK_PTE_SWAP) */
	unsigned major, minor;
	uint64_t inode;
	bool elf; /* has a build id: bytes 1 to 20 */
	char *name; /* as maps shows it */
};

/* How far [start, end), of which the first is page `off` of the object, lies within its size. */
static inline uint64_t pmk_object_reach(const struct pmk_object *o, uint64_t off, uint64_t start,
					uint64_t end)
{
	if (o->pages <= off)
		return start;
	return end - start > o->pages - off ? start + (o->pages - off) : end;
}

/* ---- frames: base is mapcount | cgroup index << 32, tag the kpageflags that last and hidden ones - */

#define PMK_FRAME_FLAGS_BITS  43
#define PMK_FRAME_FLAGS	      ((1ull << PMK_FRAME_FLAGS_BITS) - 1) /* kpageflags bits */
#define PMK_FRAME_CACHED      (1ull << 48) /* held by an object's page cache or by the swap cache */
#define PMK_FRAME_GIVEN	      (1ull << 49) /* the script said what kpage* show; never freed */
#define PMK_FRAME_ANONEXCL    (1ull << 50)
#define PMK_FRAME_LARGE	      (1ull << 60) /* of a folio that a PMD can map, aligned to its size */
#define PMK_FRAME_DIRTY	      (1ull << 51) /* PG_dirty of anonymous memory */
#define PMK_FRAME_YOUNG	      (1ull << 61) /* idle, and accessed since: nobody has looked yet (idle.c) */
#define PMK_FRAME_LOCKS_SHIFT 52 /* mlock_count of an unevictable frame: 8 bits */
#define PMK_FRAME_LOCKS	      (0xffull << PMK_FRAME_LOCKS_SHIFT)
#define PMK_FRAME_MAPCOUNT(v) ((uint32_t)(v).base)
#define PMK_FRAME_CGROUP(v)   ((uint32_t)((v).base >> 32))

/* ---- the machine -------------------------------------------------------------------------------- */

/* An address space.  A file handle holds a reference; it is dead when no task uses it. */
struct pmk_mm {
	unsigned refs, users;
	struct pmk_runs vma, pte;
	bool uffd; /* has made a userfaultfd */
	struct pmk_runs table; /* PMDs that have a page table (pgtable.c) */
	unsigned ksm; /* when it came to ksmd's list; 0: is not on it */
	bool thp; /* PR_SET_THP_DISABLE is off; a new process has it on (actor.c) */
	unsigned anon_vma_next; /* numbers are the mm's own, so that attributes can be shared */
};

struct pmk_cred {
	uint32_t uid;
	uint64_t caps; /* effective capabilities relative to the initial user namespace */
};
#define PMK_CAP_DAC_OVERRIDE	(1ull << 1)
#define PMK_CAP_DAC_READ_SEARCH (1ull << 2)
#define PMK_CAP_SETUID		(1ull << 7)
#define PMK_CAP_SYS_PTRACE	(1ull << 19)
#define PMK_CAP_SYS_ADMIN	(1ull << 21)
#define PMK_CAP_PERFMON		(1ull << 38)
#define PMK_CAP_ALL		((1ull << 41) - 1)

enum pmk_task_state { PMK_TASK_RUNNING, PMK_TASK_KERNEL, PMK_TASK_ZOMBIE, PMK_TASK_GONE };

struct pmk_task {
	int pid, ppid;
	enum pmk_task_state state;
	struct pmk_mm *mm; /* NULL once it has exited, and of a kernel thread */
	struct pmk_cred cred;
	bool dumpable;
	bool beside; /* no real process stands for it */
	uint32_t cgroup; /* of memory: an index */
	uint64_t caps_saved; /* what seteuid(0) brings back */
	char comm[16];
};

/* A fault that a script asked for (procfs.h applies it). */
struct pmk_fault {
	int pid;
	enum pmk_file file;
	enum pmk_fileop op;
	unsigned failure; /* an errno, PMK_FAILURE_SHORT or PMK_FAILURE_EXIT */
	uint64_t after, bytes;
};

struct pmk_machine {
	struct pmk_profile profile;
	struct pmk_runs ram; /* PFNs that are memory */
	uint64_t max_pfn; /* one past the last */
	struct pmk_runs frame; /* PFN -> state; frames not in it are free */
	struct pmk_runs
		high; /* PFN -> bits of kpageflags that no kernel has (tag), of given frames */
	uint64_t frame_next; /* where the allocator goes on */
	struct pmk_runs slot; /* the swap area: slot -> count of entries (base) */
	struct pmk_runs cached; /* slot -> PFN in the swap cache; linear */
	struct pmk_runs cached_by; /* PFN -> slot, the inverse; linear */
	struct pmk_runs content, slot_content; /* PFN or slot -> what is in it: content.c */
	uint64_t swap_pages; /* size of the area */
	uint64_t slot_next;
	struct pmk_object *object;
	size_t nobjects;
	struct pmk_vma *vma; /* interned attributes; tag of a VMA run is an index */
	size_t nvmas;
	uint32_t *vma_hash;
	size_t vma_hash_size;
	struct pmk_task **task; /* in order of creation */
	size_t ntasks;
	struct pmk_runs by_pid; /* PID -> index of task */
	int pid_next;
	uint64_t *cgroup; /* inode numbers; frames refer to them by index */
	size_t ncgroups;
	uint32_t charge; /* the index that new frames are charged to; 0: none */
	struct pmk_fault *fault;
	size_t nfaults;
	uint64_t zero_pfn, huge_zero_pfn; /* 0: not needed yet */
	int vdso_object, vvar_object;
	uint64_t cover[PMK_RULE_COUNT]; /* how often each rule was applied */
	unsigned ksm_next;
	unsigned procopt; /* enum pmk_procopt */
	bool idle_used; /* somebody has marked frames idle */
	bool soft_dirty_used; /* 3.11 .. 4.2: somebody has written to clear_refs */
};

/* Limits, so that no script can make the model eat the host. */
#define PMK_MACHINE_RUNS_MAX (8u << 20) /* runs of one map; beyond: ENOMEM */

struct pmk_machine *pmk_machine_create(const struct pmk_profile *profile);
void pmk_machine_destroy(struct pmk_machine *machine);

/* RAM is these PFN ranges; EINVAL when frames are in use already or the list is not ascending. */
int pmk_machine_set_ram(struct pmk_machine *m, const struct pmk_span *span, size_t n);
/* One past the last PFN that kpage* have an entry for (KP-LIMIT). */
uint64_t pmk_machine_kpage_limit(const struct pmk_machine *m);
/* What kpage* show for PFNs: flags, count and cgroup inode; a frame outside RAM: EINVAL. */
int pmk_machine_given_frame(struct pmk_machine *m, uint64_t first, uint64_t last, uint64_t flags,
			    uint64_t count, uint64_t cgroup_inode);
/* The index of a cgroup by its inode; index 0 is "none". */
uint32_t pmk_machine_cgroup(struct pmk_machine *m, uint64_t inode);

/* ---- tasks ---- */
/* pid 0: the next free one.  NULL when the PID is taken. The new task has an address space with a
 * stack, [vvar] and [vdso]. */
struct pmk_task *pmk_task_spawn(struct pmk_machine *m, int pid, uint32_t uid, const char *comm);
struct pmk_task *pmk_task_kernel(struct pmk_machine *m, const char *comm); /* a kernel thread */
struct pmk_task *pmk_task_find(const struct pmk_machine *m, int pid);
struct pmk_task *pmk_task_fork(struct pmk_machine *m, struct pmk_task *parent, int pid);
void pmk_task_exec(struct pmk_machine *m, struct pmk_task *task);
void pmk_task_exit(struct pmk_machine *m, struct pmk_task *task); /* a zombie */
void pmk_task_reap(struct pmk_machine *m, struct pmk_task *task); /* gone */
void pmk_mm_get(struct pmk_mm *mm);
void pmk_mm_put(struct pmk_mm *mm);

/* ---- objects ---- */
int pmk_object_create(struct pmk_machine *m, enum pmk_object_kind kind, uint64_t pages,
		      const char *name);

/* ---- address spaces: mm.c ---- */
/* The VMA at a page, or NULL; *ret_run: its run. */
const struct pmk_vma *pmk_vma_at(const struct pmk_machine *m, const struct pmk_mm *mm,
				 uint64_t page, struct pmk_run *ret_run);
int64_t pmk_mm_map(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		   struct pmk_vma vma, uint64_t pgoff);
/* The same, and it merges with no neighbour. */
int64_t pmk_mm_place(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		     struct pmk_vma vma, uint64_t pgoff);
int64_t pmk_mm_unmap(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n);
int64_t pmk_mm_protect(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		       unsigned prot);
int64_t pmk_mm_remap(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		     uint64_t new_n, uint64_t new_start, bool dontunmap);
int64_t pmk_mm_lock(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n, bool on);
/* Changes the flags of the VMA pieces in [start, end), splitting and merging as the kernel would. */
void pmk_mm_vma_change(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
		       unsigned clear, unsigned set);
/* No VMA is soft-dirty any more; nothing merges by it (vm_flags_clear()). */
void pmk_mm_vma_soft_clean(struct pmk_machine *m, struct pmk_mm *mm);
void pmk_mm_destroy(struct pmk_machine *m, struct pmk_mm *mm); /* unmaps everything */
void pmk_mm_fork(struct pmk_machine *m, struct pmk_mm *parent, struct pmk_mm *child);
unsigned pmk_vma_intern(struct pmk_machine *m, const struct pmk_vma *vma);

/* ---- faults: fault.c ---- */
/* Loads from or stores to each page in order: 0, or PMK_SIGNAL(SIGSEGV or SIGBUS), or -ENOMEM. */
int64_t pmk_mm_touch(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		     bool write);
/* Populates as mlock and MADV_POPULATE_* do: -EFAULT, -ENOMEM as madvise(2) says. */
enum pmk_populate {
	PMK_POPULATE_READ,
	PMK_POPULATE_WRITE,
	PMK_POPULATE_LOCKED, /* as mlock does: writes where the VMA is private and writable */
};
int64_t pmk_mm_populate(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
			enum pmk_populate how);
/* The VMA at the page gets an anon_vma, if it has none (anon_vma_prepare()). */
void pmk_vma_need_anon(struct pmk_machine *m, struct pmk_mm *mm, uint64_t page);
/* Of the frames, those in the swap cache that nothing maps and whose slots nothing refers to go. */
void pmk_swap_cache_free(struct pmk_machine *m, uint64_t pfn, uint64_t n);
/* Drops the entries of [start, end). */
void pmk_mm_zap(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end);

/* Drops the pages of [start, end), in one VMA; guards stay, and so does, in a mapping of an object, what
 * is armed by userfaultfd, as a marker (E-B57-DONTNEED).  cows: private copies go as well. */
void pmk_mm_zap_pages(struct pmk_machine *m, struct pmk_mm *mm, const struct pmk_vma *vma,
		      uint64_t start, uint64_t end, bool cows);

/* ---- page tables: pgtable.c ---- */
static inline unsigned pmk_pmd_order(const struct pmk_machine *m)
{
	return m->profile.arch->pmd_shift - m->profile.arch->page_shift;
}
static inline uint64_t pmk_pmd_pages(const struct pmk_machine *m)
{
	return UINT64_C(1) << pmk_pmd_order(m);
}

/* Sets entries: every new entry is made by this, so that its page table exists. */
void pmk_mm_set_entries(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end,
			struct pmk_value v);
void pmk_mm_table_make(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end);
/* Walks [start, end) as pmk_runs_piece() does, in pages; run: there is a table. */
bool pmk_mm_table_piece(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t end,
			struct pmk_piece *piece);
/* The VMAs of [start, end) are gone. */
void pmk_mm_table_unmapped(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end);
/* MADV_DONTNEED of [start, end): whole tables that it left empty go. */
void pmk_mm_table_reclaim(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end);
void pmk_mm_table_fork(struct pmk_machine *m, const struct pmk_mm *parent, struct pmk_mm *child,
		       uint64_t start, uint64_t end);
/* mremap: tables for the target; whole: tables of whole PMDs change their place. */
void pmk_mm_table_move(struct pmk_machine *m, struct pmk_mm *mm, uint64_t from, uint64_t to,
		       uint64_t n, bool whole);

/* ---- userfaultfd: uffd.c ---- */
/* flags: PMK_VMA_UFFD_ASYNC, PMK_VMA_UFFD_NONE.  -EINVAL, -EPERM, -EBUSY as UFFDIO_REGISTER. */
int64_t pmk_mm_uffd_register(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
			     unsigned flags);
int64_t pmk_mm_uffd_unregister(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start,
			       uint64_t n);
/* UFFDIO_WRITEPROTECT; -ENOENT: a VMA that is not registered, or none at all. */
int64_t pmk_mm_uffd_protect(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
			    bool on);
/* UFFDIO_POISON; -ENOENT: not all in one VMA that is registered; -EEXIST: the first page has an entry, -EAGAIN: a later
 * one. */
int64_t pmk_mm_uffd_poison(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n);
/* Protects [start, end) of one VMA, empty entries by markers, or lifts the protection. */
void pmk_mm_uffd_wp_range(struct pmk_machine *m, struct pmk_mm *mm, const struct pmk_vma *vma,
			  uint64_t start, uint64_t end, bool on);
/* Sets or clears the bit of an entry; false: it is a scripted one that stands for none. */
bool pmk_pte_set_uffd_wp(struct pmk_value *v, bool on);
/* userfaultfd_wp_use_markers(): are empty entries protected, too? */
bool pmk_vma_wp_markers(const struct pmk_vma *vma);
/* SCAN-WPALLOWED */
bool pmk_vma_wp_allowed(const struct pmk_vma *vma);

/* ---- huge pages: huge.c ---- */
/* A frame for a whole PMD; flags are those of the head.  0: none left. */
uint64_t pmk_folio_alloc(struct pmk_machine *m, uint64_t flags, uint64_t *ret_pfn);
/* Makes [*pfn, *pfn + *n) cover the large folios that it cuts. */
void pmk_folio_widen(const struct pmk_machine *m, uint64_t *pfn, uint64_t *n);
/* Frees the large folios among [pfn, pfn + n) that nobody holds any more. */
void pmk_folio_settle(struct pmk_machine *m, uint64_t pfn, uint64_t n);
/* The state of the head of the folio of a large frame. */
struct pmk_value pmk_folio_head(const struct pmk_machine *m, uint64_t pfn);
/* Whether any page of the folio is mapped; *ret_shared (may be NULL): any more than once. */
bool pmk_folio_mapped(const struct pmk_machine *m, uint64_t pfn, bool *ret_shared);
/* Nothing maps pages [off, off + n) of an object any more; retract: nor, where it can go, has a table for them. */
void pmk_object_unmap(struct pmk_machine *m, int object, uint64_t off, uint64_t n, bool retract);
/* The huge page that a PMD maps across `at` becomes mapped by entries of its own; hugetlb stays. */
void pmk_huge_split_at(struct pmk_machine *m, struct pmk_mm *mm, uint64_t at);
/* Likewise all of [start, end). */
void pmk_huge_split(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end);
/* Folios that reach beyond [start, end) and that this mm alone maps become small pages: what advice to
 * reclaim or free part of a huge page does first (K-THP-SPLIT). */
void pmk_folio_split_cut(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end);
/* MADV_COLLAPSE of [start, end), in one VMA. */
int64_t pmk_huge_collapse(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end);
/* Of the large folio of frame pfn, which is mapped at `at`: does another address space map any of it, as far as the
 * kernel can tell (folio_maybe_mapped_shared())? */
bool pmk_folio_shared(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t at,
		      uint64_t pfn);
/* [start, end) of one VMA cannot become one of its own, for that would cut a huge page in two; what can be split
 * off has been (hugetlb_vm_op_split()). */
bool pmk_vma_cannot_split(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end);
/* Whether `at` is inside a huge page of a hugetlb VMA, where no VMA can end. */
bool pmk_hugetlb_cut(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t at);

/* ---- KSM: ksm.c ---- */
/* ksmd has been round often enough: equal pages of mergeable VMAs (content.c) are one.  zero_pages: use_zero_pages. */
void pmk_machine_ksm(struct pmk_machine *m, bool zero_pages);
/* The address space comes to ksmd's list, if it is not there (__ksm_enter()). */
void pmk_mm_ksm_enter(struct pmk_machine *m, struct pmk_mm *mm);
/* MADV_UNMERGEABLE: every page of [start, end) has a frame of its own again. */
int64_t pmk_mm_unmerge(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end);

/* ---- advice: advice.c ---- */
int64_t pmk_mm_advise(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		      unsigned advice);
/* msync(2) with MS_SYNC: files become clean. */
int64_t pmk_mm_sync(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n);
/* What a write of "1" .. "5" to clear_refs does. */
void pmk_mm_clear_refs(struct pmk_machine *m, struct pmk_mm *mm, unsigned what);

/* ---- frames and swap: frame.c ---- */
/* A run of at most n free frames, marked with flags; 0: none left. */
uint64_t pmk_frame_alloc(struct pmk_machine *m, uint64_t n, uint64_t flags, uint64_t *ret_pfn);
/* Adds `by` to the mapcount of [pfn, pfn + n); frames that nobody holds any more become free. */
void pmk_frame_map(struct pmk_machine *m, uint64_t pfn, uint64_t n, int by);
/* Changes the flags of [pfn, pfn + n). */
void pmk_frame_flags(struct pmk_machine *m, uint64_t pfn, uint64_t n, uint64_t clear, uint64_t set);
/* The frames are locked once more, or once less: MLOCKED, UNEVICTABLE and the count. */
void pmk_frame_lock(struct pmk_machine *m, uint64_t pfn, uint64_t n, bool on);
/* The same, mapped once already. */
uint64_t pmk_frame_alloc_mapped(struct pmk_machine *m, uint64_t n, uint64_t flags,
				uint64_t *ret_pfn);
uint64_t pmk_frame_zero(struct pmk_machine *m);
/* Swap: a run of at most n slots with count 1 each; 0: none left. */
uint64_t pmk_slot_alloc(struct pmk_machine *m, uint64_t n, uint64_t *ret_slot);
void pmk_slot_count(struct pmk_machine *m, uint64_t slot, uint64_t n, int by);
/* The swap cache: slots [slot, slot + n) hold frames [pfn, pfn + n). */
void pmk_slot_cache(struct pmk_machine *m, uint64_t slot, uint64_t pfn, uint64_t n);
void pmk_slot_uncache(struct pmk_machine *m, uint64_t pfn, uint64_t n);

/* ---- contents: content.c ---- */
/* Stores to [start, start + n), all of each page.  number: of the first page of distinct ones. */
int64_t pmk_mm_fill(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t n,
		    enum pmk_content what, uint64_t number);
/* n frames get what others hold, what is swapped out, nothing; slots get what frames hold. */
void pmk_content_copy(struct pmk_machine *m, uint64_t pfn, uint64_t from, uint64_t n);
void pmk_content_in(struct pmk_machine *m, uint64_t slot, uint64_t pfn, uint64_t n);
void pmk_content_new(struct pmk_machine *m, uint64_t pfn, uint64_t n);
void pmk_content_out(struct pmk_machine *m, uint64_t pfn, uint64_t slot, uint64_t n);
/* Frames from pfn on get what the entries of [start, end) hold, of an address space or of a cache. */
void pmk_content_gather(struct pmk_machine *m, const struct pmk_runs *from, uint64_t start,
			uint64_t end, uint64_t pfn);

/* ---- idle page tracking: idle.c ---- */
/* Marks the frames that are 1 in n bits, from pfn on, which is a multiple of 64: those on an LRU list. */
void pmk_machine_mark_idle(struct pmk_machine *m, uint64_t pfn, uint64_t n, const uint64_t *bits);
/* Fills in n bits from pfn on; what was accessed since it was marked loses its mark (IDLE-READ). */
void pmk_machine_look_idle(struct pmk_machine *m, uint64_t pfn, uint64_t n, uint64_t *bits);
/* Entries that map frames [pfn, pfn + n) were used. */
void pmk_frame_access(struct pmk_machine *m, uint64_t pfn, uint64_t n);
/* The entries of [start, end) that alone map their frames forget it (MADV_COLD, clear_refs 1). */
void pmk_mm_age(struct pmk_machine *m, struct pmk_mm *mm, uint64_t start, uint64_t end);

/* ---- what the files show: show.c ---- */
/* Fills out[0..n) with the pagemap entries from page `start` on; privileged: with frames. */
void pmk_show_pagemap(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t start,
		      uint64_t n, bool privileged, uint64_t *out);
/* Fills out[0..n) with the entries of a kpage file from pfn on, all below the limit. */
void pmk_show_kpage(const struct pmk_machine *m, enum pmk_file file, uint64_t pfn, uint64_t n,
		    uint64_t *out);
/* The lines of maps from the first VMA that ends after page `from`, whole lines only, at most size
 * bytes; *from becomes where to go on (UINT64_MAX: the end). */
size_t pmk_show_maps(const struct pmk_machine *m, const struct pmk_mm *mm, uint64_t *from,
		     char *buf, size_t size);
/* What the line of the VMA `run` says, as maps and PROCMAP_QUERY have it. */
struct pmk_maps_line;
void pmk_show_vma(const struct pmk_machine *m, const struct pmk_run *run,
		  struct pmk_maps_line *ret);

#endif /* PMK_MACHINE_H */
