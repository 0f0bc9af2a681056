/* do_given.c - givens and faults, put into the machine of a world that has one. */
#include "act.h"

#include <errno.h>
#include <stdio.h>

#include "alloc.h"
#include "machine.h"
#include "pagemapkit.h"

int64_t pmk_given_ram(struct pmk_act *a, struct pmk_machine *m)
{
	return pmk_machine_set_ram(m, a->stmt->arg[0].span, a->stmt->arg[0].nspans);
}

int64_t pmk_given_frame(struct pmk_act *a, struct pmk_machine *m)
{
	const struct pmk_arg *pfns = &a->stmt->arg[0];
	int64_t err = 0;

	for (size_t i = 0; !err && i < pfns->nspans; i++)
		err = pmk_machine_given_frame(m, pfns->span[i].first, pfns->span[i].last,
					      a->stmt->arg[1].set, pmk_act_number(a, PMK_OPT_COUNT),
					      pmk_act_number(a, PMK_OPT_CGROUP));
	if (err)
		pmk_act_fail(a, pfns->col, "frames must be inside the RAM of the scenario%s", "");
	return err;
}

/* Spawning is the world's business and takes its own lock; this is not. */
static void unmap_all(struct pmk_act *a, struct pmk_machine *m, int proc)
{
	const struct pmk_world_ops *ops = a->s->world->ops;
	struct pmk_mm *mm;

	ops->lock(a->s->world, true);
	mm = pmk_task_find(m, pmk_stage_pid(a->s, proc))->mm;
	pmk_mm_unmap(m, mm, 0, m->profile.task_size >> m->profile.arch->page_shift);
	ops->lock(a->s->world, false);
}

int64_t pmk_given_process(struct pmk_act *a, struct pmk_machine *m)
{
	const struct pmk_arg *comm = pmk_act_opt(a, PMK_OPT_COMM);
	int64_t proc;

	if (pmk_stage_proc(a->s, a->stmt->subject) >= 0)
		return pmk_act_fail(a, a->stmt->subject_col, "process '%s' is there already",
				    a->stmt->subject);
	proc = pmk_stage_spawn(a->s, a->stmt->subject, (int)pmk_act_number(a, PMK_OPT_PID),
			       (uint32_t)pmk_act_number(a, PMK_OPT_UID), comm ? comm->text : NULL);
	if (proc >= 0 && pmk_act_opt(a, PMK_OPT_BESIDE))
		pmk_task_find(m, pmk_stage_pid(a->s, (int)proc))->beside = true;
	if (proc >= 0 && pmk_act_opt(a, PMK_OPT_BARE))
		unmap_all(a, m, (int)proc);
	if (proc < 0)
		pmk_act_fail(a, a->stmt->subject_col, "process '%s': its PID is taken",
			     a->stmt->subject);
	return proc < 0 ? proc : 0;
}

static int given_object(struct pmk_act *a, struct pmk_machine *m, uint64_t pages)
{
	const struct pmk_arg *name = pmk_act_opt(a, PMK_OPT_NAME),
			     *dev = pmk_act_opt(a, PMK_OPT_DEV);
	unsigned major = 0, minor = 0;
	int object;

	if (!name && !dev && !pmk_act_opt(a, PMK_OPT_INODE))
		return -1;
	if (dev && sscanf(dev->text, "%x:%x", &major, &minor) != 2) {
		pmk_act_fail(a, dev->col, "'%s' is not MAJOR:MINOR in hexadecimal", dev->text);
		return -1;
	}
	object = pmk_object_create(m, PMK_OBJECT_SPECIAL, pmk_act_number(a, PMK_OPT_OFFSET) + pages,
				   name ? name->text : "");
	m->object[object].major = major;
	m->object[object].minor = minor;
	m->object[object].inode = pmk_act_number(a, PMK_OPT_INODE);
	return object;
}

static struct pmk_mm *mm_of(struct pmk_act *a, struct pmk_machine *m)
{
	struct pmk_task *task = pmk_task_find(m, pmk_stage_pid(a->s, a->proc));

	if (!task || !task->mm)
		pmk_act_fail(a, a->stmt->subject_col, "process '%s' has no memory any more",
			     a->stmt->subject);
	return task ? task->mm : NULL;
}

int64_t pmk_given_vma(struct pmk_act *a, struct pmk_machine *m)
{
	const struct pmk_arg *arg = a->stmt->arg;
	struct pmk_mm *mm = mm_of(a, m);
	uint64_t pages = arg[1].n, addr = pmk_act_place(a, pages), gap;
	unsigned shift = m->profile.arch->page_shift;
	struct pmk_vma vma = { .prot = (unsigned)arg[2].n };
	int64_t err;

	if (!mm || a->broken)
		return -EINVAL;
	vma.object = given_object(a, m, pages);
	if (a->broken)
		return -EINVAL;
	vma.flags = (pmk_act_opt(a, PMK_OPT_SHARED) ? PMK_VMA_SHARED : 0) |
		    (pmk_act_opt(a, PMK_OPT_PFNMAP) ? PMK_VMA_PFNMAP : 0);
	if (addr & (pmk_stage_page_size(a->s) - 1))
		return pmk_act_fail(a, pmk_act_opt(a, PMK_OPT_AT)->col,
				    "at= must be a multiple of the page size%s", "");
	if (!pages)
		return pmk_act_fail(a, arg[1].col, "'%s' needs at least one page", arg[0].text);
	if (pmk_runs_gap(&mm->vma, addr >> shift, (addr >> shift) + pages, &gap) != pages)
		return pmk_act_fail(a, arg[0].col, "'%s' overlaps another mapping", arg[0].text);
	/* a given is as it is said: it merges with no neighbour */
	err = pmk_mm_place(m, mm, addr >> shift, pages, vma, pmk_act_number(a, PMK_OPT_OFFSET));
	if (err)
		pmk_act_fail(a, arg[0].col, "'%s' does not fit below the task size", arg[0].text);
	else
		pmk_stage_add_region(a->s, a->proc, arg[0].text, addr, pages);
	return err;
}

/* The run value that a given-entry statement stands for. */
static struct pmk_value given_value(const struct pmk_act *a)
{
	const struct pmk_arg *words = &a->stmt->arg[1];
	const struct pmk_arg *raw = pmk_act_opt(a, PMK_OPT_RAW), *pfn = pmk_act_opt(a, PMK_OPT_PFN);
	uint64_t flags = (words->set >> 55 & 0x1ff) << PMK_PTE_FLAGS_SHIFT;

	if (raw)
		return (struct pmk_value){ raw->n, PMK_PTE_RAW };
	if (words->set & PMK_PAGEMAP_SWAP_MASK)
		return (struct pmk_value){ pmk_act_number(a, PMK_OPT_OFFSET),
					   PMK_PTE_GIVEN_SWAP | PMK_RUN_LINEAR | flags |
						   (pmk_act_number(a, PMK_OPT_TYPE) & 31)
							   << PMK_PTE_TYPE_SHIFT };
	return (struct pmk_value){ pfn ? pfn->n : 0,
				   PMK_PTE_GIVEN | flags | (pfn ? PMK_RUN_LINEAR : 0) };
}

int64_t pmk_given_entry(struct pmk_act *a, struct pmk_machine *m)
{
	const struct pmk_arg *range = &a->stmt->arg[0];
	const struct pmk_region *region = pmk_act_region(a, range);
	struct pmk_mm *mm = mm_of(a, m);
	struct pmk_value v = given_value(a);
	const struct pmk_arg *named = pmk_act_opt(a, PMK_OPT_PFN);
	struct pmk_span whole;

	if (named && named->text)
		return pmk_act_fail(a, named->col, "a given needs a number, not the name '%s'",
				    named->text);
	if (!region || !mm)
		return -EINVAL;
	whole = (struct pmk_span){ 0, region->pages - 1 };
	for (size_t i = 0; i < (range->nspans ? range->nspans : 1); i++) {
		const struct pmk_span *span = range->nspans ? &range->span[i] : &whole;
		uint64_t first = region->addr / pmk_stage_page_size(a->s) + span->first;
		uint64_t n = span->last - span->first + 1;

		pmk_mm_zap(m, mm, first, first + n);
		pmk_mm_set_entries(m, mm, first, first + n, v);
		v = pmk_value_at(v, n);
	}
	return 0;
}

int64_t pmk_given_fault(struct pmk_act *a, struct pmk_machine *m)
{
	const struct pmk_arg *arg = a->stmt->arg, *nth = pmk_act_opt(a, PMK_OPT_NTH);

	m->fault = pmk_realloc(m->fault, m->nfaults + 1, sizeof(*m->fault));
	m->fault[m->nfaults++] = (struct pmk_fault){
		.pid = pmk_stage_pid(a->s, a->proc),
		.file = (enum pmk_file)arg[0].n,
		.op = (enum pmk_fileop)arg[1].n,
		.failure = (unsigned)arg[2].n,
		.after = nth && nth->n ? nth->n - 1 : 0,
		.bytes = pmk_act_number(a, PMK_OPT_BYTES),
	};
	return 0;
}
