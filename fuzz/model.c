/*
 * After any sequence of operations of a few processes on a few regions the machine is one that a kernel
 * could be (model_check.h), an operation has done what it is for, and when all processes have gone so has
 * their memory.
 *
 * Input: kernel, RAM, swap; then six bytes an operation: what, who, first page, pages, two more.
 */
#include <errno.h>
#include <fcntl.h>

#include "fuzz.h"
#include "machine.h"
#include "model_check.h"
#include "pagemapkit.h"
#include "world.h"

#define PROCS	 4
#define ARENA	 0x20000 /* pages */
#define PAGES	 96
#define OPS_MAX	 100
#define VMAS_MAX 40

static const char *const kernels[] = { "6.18/x86_64-soft-dirty",
				       "7.3/x86_64",
				       "6.12/arm64",
				       "6.1/ppc64el-64k",
				       "5.10/x86_64",
				       "3.10/x86_64",
				       "4.0/i386",
				       "4.19/riscv64" };

struct op {
	uint8_t code, who, first, pages, x, y;
};

struct run {
	struct pmk_world *w;
	struct pmk_machine *m;
	uint64_t page; /* bytes */
	int objects, procs; /* made so far */
	int pid[256];
};

static int64_t ask(struct run *r, struct pmk_request q)
{
	static const char *const names[PMK_REQ_COUNT] = {
		[PMK_REQ_SPAWN] = "spawn",	 [PMK_REQ_OBJECT] = "object",
		[PMK_REQ_MMAP] = "mmap",	 [PMK_REQ_READ] = "read",
		[PMK_REQ_WRITE] = "write",	 [PMK_REQ_MUNMAP] = "munmap",
		[PMK_REQ_MPROTECT] = "mprotect", [PMK_REQ_MADVISE] = "madvise",
		[PMK_REQ_MREMAP] = "mremap",	 [PMK_REQ_MLOCK] = "mlock",
		[PMK_REQ_MUNLOCK] = "munlock",	 [PMK_REQ_UFFD] = "uffd",
		[PMK_REQ_FORK] = "fork",	 [PMK_REQ_EXEC] = "exec",
		[PMK_REQ_EXIT] = "exit",	 [PMK_REQ_REAP] = "reap",
		[PMK_REQ_OPEN] = "open",	 [PMK_REQ_CLOSE] = "close",
		[PMK_REQ_PREAD] = "pread",	 [PMK_REQ_READFD] = "readfd",
		[PMK_REQ_WRITEFD] = "writefd",
	};
	int64_t result = pmk_world_request(r->w, &q);
	uint64_t page = r->page ? r->page : 1;

	SAY("%2d: %-8s [%3jd +%2ju] prot %u%s a %jd %jd %jd %jd -> %jd\n", q.proc, names[q.code],
	    (intmax_t)(q.addr / page) - ARENA, (uintmax_t)(q.len / page), q.prot,
	    q.shared ? " shared" : "", (intmax_t)q.a[0], (intmax_t)q.a[1], (intmax_t)q.a[2],
	    (intmax_t)q.a[3], (intmax_t)result);
	return result;
}

static struct pmk_task *task_of(const struct run *r, int proc)
{
	return proc < r->procs ? pmk_task_find(r->m, r->pid[proc]) : NULL;
}

static void set_up(struct run *r, struct fuzz_input *in)
{
	const char *kernel = kernels[fuzz_byte(in) % (sizeof(kernels) / sizeof(*kernels))];
	struct pmk_profile profile;
	struct pmk_error err;
	struct pmk_span ram[2];
	unsigned frames = fuzz_byte(in);

	CHECK(!pmk_profile_parse(kernel, &profile, &err), "a kernel of the target's own list");
	*r = (struct run){ .w = pmk_world_model_create() };
	CHECK(!r->w->ops->reset(r->w, &profile, &err), "the model takes any kernel");
	r->m = r->w->ops->machine(r->w);
	r->page = r->w->ops->fact(r->w, PMK_FACT_PAGE_SIZE);
	ram[0] = (struct pmk_span){ 0, 15 };
	ram[1] = (struct pmk_span){ 20, 20 + 3 * frames };
	CHECK(!pmk_machine_set_ram(r->m, ram, 2), "a fresh machine takes any RAM");
	r->m->swap_pages = fuzz_byte(in) % FUZZ_SLOTS + 1;
}

/* ---- operations ---------------------------------------------------------------------------------- */

/* Whatever it merged with: the mapping is of the part of the file that was asked for. */
static void check_mapped(struct run *r, const struct pmk_request *q)
{
	struct pmk_task *task = task_of(r, q->proc);
	uint64_t first = q->addr / r->page, pages = q->len / r->page;

	for (uint64_t i = 0; i < pages; i++) {
		struct pmk_run area = { 0 };
		const struct pmk_vma *vma = pmk_vma_at(r->m, task->mm, first + i, &area);

		CHECK(vma && vma->prot == q->prot && !(vma->flags & PMK_VMA_SHARED) == !q->shared,
		      "what was mapped is mapped");
		CHECK(q->a[0] < 0 || area.v.base + (first + i - area.start) ==
					     (uint64_t)q->a[1] / r->page + i,
		      "a mapping is of the pages asked for");
	}
}

static int64_t do_map(struct run *r, const struct op *op, struct pmk_request q)
{
	int64_t result;

	q.code = PMK_REQ_MMAP;
	q.prot = op->x & 7;
	q.shared = op->x & 8;
	q.a[0] = -1;
	if (op->x & 16 && r->objects < 6) { /* an object of its own */
		q.a[0] = r->objects;
		if (!ask(r,
			 (struct pmk_request){ .code = PMK_REQ_OBJECT,
					       .proc = PMK_OBSERVER,
					       .a = { r->objects, op->x & 32 ? PMK_BACKING_FILE
									     : PMK_BACKING_MEMFD },
					       .len = (op->y & 31u) * r->page }))
			r->objects++;
	} else if (op->x & 16) {
		q.a[0] = op->y % r->objects;
	} else if (op->x & 32 && r->objects) {
		q.a[0] = op->y % r->objects;
		q.a[1] = (op->x >> 6) * (int64_t)r->page * 3;
	}
	if (op->y & 64)
		ask(r,
		    (struct pmk_request){
			    .code = PMK_REQ_MUNMAP, .proc = q.proc, .addr = q.addr, .len = q.len });
	result = ask(r, q);
	if (!result)
		check_mapped(r, &q);
	return result;
}

static int64_t do_fork(struct run *r, struct pmk_request q)
{
	int64_t pid;

	if (r->procs >= 12)
		return -EAGAIN;
	q.code = PMK_REQ_FORK;
	q.a[0] = r->procs;
	pid = ask(r, q);
	if (pid > 0)
		r->pid[r->procs++] = (int)pid;
	return pid;
}

static int64_t do_spawn(struct run *r)
{
	int64_t pid =
		r->procs < 12
			? ask(r, (struct pmk_request){ .code = PMK_REQ_SPAWN, .proc = r->procs })
			: -EAGAIN;

	if (pid > 0)
		r->pid[r->procs++] = (int)pid;
	return pid;
}

/* Handles outlive what they look at: opened here, read later, closed at the end. */
static int64_t do_file(struct run *r, const struct op *op, struct pmk_request q)
{
	static uint64_t buf[64];

	q.handle = op->x & 7;
	q.file = (enum pmk_file)(op->y % PMK_FILE_MAIN_COUNT);
	q.a[3] = op->first % (r->procs ? r->procs : 1);
	q.buf = buf;
	switch (op->x >> 4 & 3) {
	case 0:
		q.code = PMK_REQ_OPEN;
		q.a[0] = op->x & 8 ? O_RDWR : O_RDONLY;
		break;
	case 1:
		q.code = PMK_REQ_PREAD;
		q.pos = (int64_t)(op->y & 1 ? ARENA * 8 + op->first * 8u : op->pages * 8u);
		q.len = op->first * 2u;
		break;
	case 2:
		q.code = PMK_REQ_READFD;
		q.len = op->first * 2u;
		break;
	default:
		q.code = PMK_REQ_CLOSE;
		break;
	}
	return ask(r, q);
}

static int64_t do_clear_refs(struct run *r, const struct op *op, struct pmk_request q)
{
	char what[2] = { (char)('0' + op->x % 7), 0 };
	int64_t n;

	q.code = PMK_REQ_OPEN;
	q.handle = 100;
	q.file = PMK_FILE_CLEAR_REFS;
	q.a[0] = O_WRONLY;
	q.a[3] = q.proc;
	if (ask(r, q))
		return -EACCES;
	q.code = PMK_REQ_WRITEFD;
	q.in = op->x & 128 ? "4" : what;
	q.len = 1;
	n = ask(r, q);
	q.code = PMK_REQ_CLOSE;
	ask(r, q);
	return n;
}

static int64_t do_mremap(struct run *r, const struct op *op, struct pmk_request q)
{
	q.code = PMK_REQ_MREMAP;
	q.a[0] = (int64_t)(r->page * (op->x & 64 ? q.len / r->page : 1 + (op->x & 31u)));
	q.a[1] = op->x & 128 ? (int64_t)(r->page * (ARENA + op->y % PAGES)) : 0;
	q.a[2] = op->x >> 5 & 1;
	return ask(r, q);
}

static const uint8_t advices[] = { 0,  3,  4,  8,  9,  10, 11, 12, 13, 14,  15,
				   18, 19, 20, 21, 21, 21, 22, 23, 25, 102, 103 };

static int64_t do_op(struct run *r, struct op *op)
{
	static const enum pmk_request_code simple[] = {
		PMK_REQ_READ,	 PMK_REQ_WRITE,	  PMK_REQ_WRITE, PMK_REQ_MUNMAP,  PMK_REQ_MPROTECT,
		PMK_REQ_MADVISE, PMK_REQ_MADVISE, PMK_REQ_MLOCK, PMK_REQ_MUNLOCK, PMK_REQ_EXIT,
		PMK_REQ_REAP,	 PMK_REQ_EXEC,	  PMK_REQ_READ,	 PMK_REQ_UFFD,	  PMK_REQ_UFFD
	};
	struct pmk_request q = { .proc = op->who % PROCS };
	unsigned first = op->first % PAGES, pages = 1 + op->pages % 24;

	q.addr = r->page * (ARENA + first);
	q.len = r->page * (pages < PAGES - first ? pages : PAGES - first);
	switch (op->code &= 31) {
	case 0:
	case 1:
	case 2:
		return do_map(r, op, q);
	case 3:
		return do_mremap(r, op, q);
	case 4:
		return do_fork(r, q);
	case 5:
		return do_spawn(r);
	case 6:
		return do_file(r, op, q);
	case 7:
		return do_clear_refs(r, op, q);
	default:
		q.code = simple[(op->code - 8u) % (sizeof(simple) / sizeof(*simple))];
		q.prot = op->x & 7;
		if (q.code == PMK_REQ_MADVISE)
			q.a[0] = advices[op->x % sizeof(advices)];
		if (q.code == PMK_REQ_UFFD) {
			q.a[0] = op->x & 3;
			q.a[1] = op->x >> 2 & 3;
		}
		op->code = (uint8_t)(128 + q.code);
		return ask(r, q);
	}
}

/* ---- what an operation is for -------------------------------------------------------------------- */

/* Private anonymous memory is the same on both sides (K-ANON, K-SWAP, K-GUARD); zero pages may be left out. */
static void check_fork(struct run *r, int who)
{
	const uint64_t free_bits = PMK_PAGEMAP_SOFT_DIRTY_MASK | PMK_PAGEMAP_UFFD_WP_MASK;
	struct pmk_task *parent = task_of(r, who), *child = task_of(r, r->procs - 1);
	bool legacy = pmk_profile_has(&r->m->profile, PMK_Q_PAGE_SHIFT);
	uint64_t was[PAGES], is[PAGES];

	pmk_show_pagemap(r->m, parent->mm, ARENA, PAGES, true, was);
	pmk_show_pagemap(r->m, child->mm, ARENA, PAGES, true, is);
	for (unsigned i = 0; i < PAGES && !legacy; i++) {
		const struct pmk_vma *vma = pmk_vma_at(r->m, parent->mm, ARENA + i, NULL);
		struct pmk_value marker;

		if (pmk_runs_get(&parent->mm->pte, ARENA + i, &marker) &&
		    PMK_PTE_KIND(marker.tag) == PMK_PTE_MARKER && marker.base != PMK_MARKER_GUARD)
			continue; /* loses what userfaultfd put into it (E-B57-FORK) */
		if (!vma || vma->object >= 0 ||
		    vma->flags & (PMK_VMA_DONTFORK | PMK_VMA_WIPEONFORK))
			CHECK(!(is[i] & ~free_bits) || (vma && vma->object >= 0),
			      "a child has no page where it has no mapping, or a wiped one");
		else
			CHECK(!((is[i] ^ was[i]) & ~free_bits) ||
				      (!(is[i] & ~free_bits) && was[i] >> 63 &&
				       (was[i] & PMK_PAGEMAP_FRAME_MASK) == r->m->zero_pfn),
			      "a child has its parent's private pages");
	}
}

static void check_done(struct run *r, const struct op *op, int64_t result)
{
	struct pmk_task *task = task_of(r, op->who % PROCS);
	unsigned first = op->first % PAGES, n = 1 + op->pages % 24;
	uint64_t word[PAGES];

	if (result < 0 || !task || !task->mm)
		return;
	if (op->code == 4)
		check_fork(r, op->who % PROCS);
	n = n < PAGES - first ? n : PAGES - first;
	pmk_show_pagemap(r->m, task->mm, ARENA + first, n, true, word);
	for (unsigned i = 0; i < n; i++) {
		const struct pmk_vma *vma = pmk_vma_at(r->m, task->mm, ARENA + first + i, NULL);

		switch (op->code) {
		case 128 + PMK_REQ_READ:
		case 128 + PMK_REQ_WRITE:
			CHECK(word[i] >> 63, "what was touched is present");
			CHECK(op->code != 128 + PMK_REQ_WRITE || vma->flags & PMK_VMA_SHARED ||
				      ((word[i] & PMK_PAGEMAP_FRAME_MASK) != r->m->zero_pfn &&
				       !(word[i] >> 61 & 1)),
			      "a private page that was written is a copy of its own (K-ANON, "
			      "K-COW)");
			CHECK(op->code != 128 + PMK_REQ_WRITE || word[i] >> 55 & 1 ||
				      !pmk_profile_has(&r->m->profile, PMK_Q_SOFT_DIRTY),
			      "what was written is soft-dirty (E-B55)");
			break;
		case 128 + PMK_REQ_MUNMAP:
			CHECK(!vma && !pmk_runs_find(&task->mm->pte, ARENA + first + i),
			      "what was unmapped is a hole");
			break;
		case 128 + PMK_REQ_MLOCK:
			CHECK(vma->flags & PMK_VMA_LOCKED && word[i] >> 63,
			      "what was locked is present");
			break;
		case 7:
			CHECK(result != 1 || !(op->x & 128) || !(word[i] >> 55 & 1) ||
				      !pmk_profile_has(&r->m->profile, PMK_Q_SOFT_DIRTY),
			      "after clear_refs 4 nothing is soft-dirty (CR-4)");
			break;
		default:
			break;
		}
	}
}

static bool too_much(const struct run *r)
{
	for (int i = 0; i < r->procs; i++) {
		struct pmk_task *task = task_of(r, i);

		if (task && task->mm && task->mm->vma.n > VMAS_MAX)
			return true;
	}
	return false;
}

static void tear_down(struct run *r)
{
	for (int i = 0; i < r->procs; i++) {
		ask(r, (struct pmk_request){ .code = PMK_REQ_EXIT, .proc = i });
		ask(r, (struct pmk_request){ .code = PMK_REQ_REAP, .proc = i });
	}
	model_check_empty(r->m);
	r->w->ops->destroy(r->w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct run r;

	set_up(&r, &in);
	for (int i = 0; in.size && i < OPS_MAX && !too_much(&r); i++) {
		struct op op;
		int64_t result;

		op.code = fuzz_byte(&in);
		op.who = fuzz_byte(&in);
		op.first = fuzz_byte(&in);
		op.pages = fuzz_byte(&in);
		op.x = fuzz_byte(&in);
		op.y = fuzz_byte(&in);
		if (!r.procs)
			do_spawn(&r);
		result = do_op(&r, &op);
		CHECK(result >= -4095 || pmk_is_signal(result),
		      "a result is a value, an errno or a signal");
		model_check(r.m);
		check_done(&r, &op, result);
		model_check_files(r.m, ARENA, PAGES);
	}
	tear_down(&r);
	return 0;
}
