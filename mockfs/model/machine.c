/* machine.c - the machine as a whole, its tasks and objects. */
#include "machine.h"

#include <errno.h>
#include <stdio.h>

#include "alloc.h"
#include "pagemapkit.h"

#define MIB_PAGES(m, mib) (((uint64_t)(mib) << 20) >> (m)->profile.arch->page_shift)

/* 4 GiB with the hole below 4 GiB that PCs have: enough for scripts that say nothing of RAM. */
static void default_ram(struct pmk_machine *m)
{
	const struct pmk_span span[] = {
		{ 0, MIB_PAGES(m, 3072) - 1 },
		{ MIB_PAGES(m, 4096), MIB_PAGES(m, 5120) - 1 },
	};

	pmk_machine_set_ram(m, span, 2);
}

struct pmk_machine *pmk_machine_create(const struct pmk_profile *profile)
{
	struct pmk_machine *m = pmk_calloc(1, sizeof(*m));

	m->profile = *profile;
	pmk_runs_init(&m->ram, true);
	pmk_runs_init(&m->frame, true);
	pmk_runs_init(&m->high, true);
	pmk_runs_init(&m->slot, true);
	pmk_runs_init(&m->content, true);
	pmk_runs_init(&m->slot_content, true);
	pmk_runs_init(&m->cached, true);
	pmk_runs_init(&m->cached_by, true);
	pmk_runs_init(&m->by_pid, false);
	m->swap_pages = MIB_PAGES(m, 64);
	m->slot_next = 1;
	m->pid_next = 1000;
	m->vdso_object = m->vvar_object = -1;
	default_ram(m);
	return m;
}

void pmk_mm_get(struct pmk_mm *mm)
{
	mm->refs++;
}

void pmk_mm_put(struct pmk_mm *mm)
{
	if (--mm->refs)
		return;
	pmk_runs_deinit(&mm->vma);
	pmk_runs_deinit(&mm->pte);
	pmk_runs_deinit(&mm->table);
	free(mm);
}

void pmk_machine_destroy(struct pmk_machine *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->ntasks; i++) {
		if (m->task[i]->mm)
			pmk_mm_put(m->task[i]->mm);
		free(m->task[i]);
	}
	free(m->task);
	for (size_t i = 0; i < m->nobjects; i++) {
		pmk_runs_deinit(&m->object[i].cache);
		free(m->object[i].name);
	}
	free(m->object);
	free(m->vma);
	free(m->vma_hash);
	free(m->cgroup);
	free(m->fault);
	pmk_runs_deinit(&m->ram);
	pmk_runs_deinit(&m->frame);
	pmk_runs_deinit(&m->high);
	pmk_runs_deinit(&m->slot);
	pmk_runs_deinit(&m->content);
	pmk_runs_deinit(&m->slot_content);
	pmk_runs_deinit(&m->cached);
	pmk_runs_deinit(&m->cached_by);
	pmk_runs_deinit(&m->by_pid);
	free(m);
}

int pmk_object_create(struct pmk_machine *m, enum pmk_object_kind kind, uint64_t pages,
		      const char *name)
{
	struct pmk_object *o;

	m->object = pmk_realloc(m->object, m->nobjects + 1, sizeof(*m->object));
	o = &m->object[m->nobjects];
	*o = (struct pmk_object){ .kind = kind, .pages = pages, .inode = 100 + m->nobjects };
	o->major = kind == PMK_OBJECT_FILE ? 254 : 0;
	o->minor = kind == PMK_OBJECT_FILE ? 0 : 1;
	o->name = pmk_strdup(name);
	pmk_runs_init(&o->cache, true);
	return (int)m->nobjects++;
}

/* ---- tasks -------------------------------------------------------------------------------------- */

/* The frames behind [vdso] and [vvar] belong to the kernel: reserved, one set for everybody. */
static int special_object(struct pmk_machine *m, const char *name, uint64_t pages)
{
	int object = pmk_object_create(m, PMK_OBJECT_SPECIAL, pages, name);
	uint64_t pfn, got;

	m->object[object].major = m->object[object].minor = 0;
	m->object[object].inode = 0;
	got = pmk_frame_alloc(m, pages,
			      PMK_FRAME_CACHED | PMK_KPF_RESERVED_MASK | PMK_KPF_REFERENCED_MASK |
				      PMK_KPF_UPTODATE_MASK,
			      &pfn);
	if (!got)
		return object;
	pmk_runs_set(&m->object[object].cache, 0, got,
		     (struct pmk_value){ pfn, PMK_PTE_FRAME | PMK_RUN_LINEAR });
	pmk_frame_map(m, pfn, got, 1); /* by init, that no script sees: never exclusive (K-VDSO) */
	return object;
}

/* What every process has from its birth on: [stack], [vvar], [vdso] (MAPS-NAME-PREC). */
static void furnish(struct pmk_machine *m, struct pmk_mm *mm)
{
	uint64_t top = (m->profile.task_size >> m->profile.arch->page_shift);
	uint64_t stack = 33;

	if (top > 1ull << 35) /* far below any task size that could count, near the usual places */
		top = 0x7fff00000ull;
	if (m->vdso_object < 0) {
		m->vvar_object = special_object(m, "[vvar]", 4);
		m->vdso_object = special_object(m, "[vdso]", 2);
	}
	top -= 0x1000;
	pmk_mm_map(m, mm, top - 0x40 - stack, stack,
		   (struct pmk_vma){ .prot = PMK_PERM_R | PMK_PERM_W,
				     .flags = PMK_VMA_STACK | PMK_VMA_ACCOUNT,
				     .object = -1 },
		   top - 0x40 - stack);
	pmk_mm_map(m, mm, top - 6, 4,
		   (struct pmk_vma){ .prot = PMK_PERM_R,
				     .flags = PMK_VMA_SPECIAL |
					      (pmk_profile_has(&m->profile, PMK_Q_VVAR_PFNMAP)
						       ? PMK_VMA_PFNMAP
						       : 0),
				     .object = m->vvar_object },
		   0);
	pmk_mm_map(m, mm, top - 2, 2,
		   (struct pmk_vma){ .prot = PMK_PERM_R | PMK_PERM_X,
				     .flags = PMK_VMA_SPECIAL,
				     .object = m->vdso_object },
		   0);
}

static struct pmk_mm *mm_create(void)
{
	struct pmk_mm *mm = pmk_calloc(1, sizeof(*mm));

	mm->refs = mm->users = 1;
	mm->anon_vma_next = 1;
	pmk_runs_init(&mm->vma, false); /* VMAs merge only where the kernel merges them */
	pmk_runs_init(&mm->pte, true);
	pmk_runs_init(&mm->table, true);
	return mm;
}

static struct pmk_task *task_create(struct pmk_machine *m, int pid)
{
	struct pmk_task *task;

	if (!pid) {
		while (pmk_runs_find(&m->by_pid, (uint64_t)m->pid_next))
			m->pid_next++;
		pid = m->pid_next++;
	}
	if (pid < 0 || pmk_runs_find(&m->by_pid, (uint64_t)pid))
		return NULL;
	task = pmk_calloc(1, sizeof(*task));
	task->pid = pid;
	task->dumpable = true;
	if (!(m->ntasks & (m->ntasks + 1))) /* grows by doubling, at every power of two less one */
		m->task = pmk_realloc(m->task, m->ntasks ? (m->ntasks + 1) * 2 : 2,
				      sizeof(struct pmk_task *));
	pmk_runs_set(&m->by_pid, (uint64_t)pid, (uint64_t)pid + 1,
		     (struct pmk_value){ m->ntasks, 0 });
	m->task[m->ntasks++] = task;
	return task;
}

struct pmk_task *pmk_task_spawn(struct pmk_machine *m, int pid, uint32_t uid, const char *comm)
{
	struct pmk_task *task = task_create(m, pid);

	if (!task)
		return NULL;
	task->ppid = 1;
	task->cgroup = pmk_machine_cgroup(m, 1); /* the topmost directory */
	task->cred = (struct pmk_cred){ uid, uid ? 0 : PMK_CAP_ALL };
	task->caps_saved = task->cred.caps;
	snprintf(task->comm, sizeof(task->comm), "%s", comm);
	task->mm = mm_create();
	furnish(m, task->mm);
	return task;
}

/* kthreadd is 2; the others are its children. */
struct pmk_task *pmk_task_kernel(struct pmk_machine *m, const char *comm)
{
	struct pmk_task *task;
	int pid = 2;

	while (pmk_runs_find(&m->by_pid, (uint64_t)pid))
		pid++;
	task = task_create(m, pid);
	task->ppid = pid == 2 ? 0 : 2;
	task->cgroup = pmk_machine_cgroup(m, 1);
	task->state = PMK_TASK_KERNEL;
	task->beside = true;
	task->cred.caps = task->caps_saved = PMK_CAP_ALL;
	snprintf(task->comm, sizeof(task->comm), "%s", comm);
	return task;
}

struct pmk_task *pmk_task_find(const struct pmk_machine *m, int pid)
{
	struct pmk_value v;

	if (pid <= 0 || !pmk_runs_get(&m->by_pid, (uint64_t)pid, &v))
		return NULL;
	return m->task[v.base];
}

struct pmk_task *pmk_task_fork(struct pmk_machine *m, struct pmk_task *parent, int pid)
{
	struct pmk_task *task = task_create(m, pid);

	if (!task)
		return NULL;
	task->ppid = parent->pid;
	task->cred = parent->cred;
	task->cgroup = parent->cgroup;
	task->caps_saved = parent->caps_saved;
	task->dumpable = parent->dumpable;
	memcpy(task->comm, parent->comm, sizeof(task->comm));
	task->mm = mm_create();
	task->mm->thp = parent->mm->thp;
	if (parent->mm->ksm)
		pmk_mm_ksm_enter(m, task->mm);
	pmk_mm_fork(m, parent->mm, task->mm);
	return task;
}

static void drop_mm(struct pmk_machine *m, struct pmk_task *task)
{
	struct pmk_mm *mm = task->mm;

	task->mm = NULL;
	if (!mm)
		return;
	if (!--mm->users)
		pmk_mm_destroy(m, mm);
	pmk_mm_put(mm);
}

void pmk_task_exec(struct pmk_machine *m, struct pmk_task *task)
{
	drop_mm(m, task);
	task->mm = mm_create();
	task->dumpable = true;
	furnish(m, task->mm);
}

void pmk_task_exit(struct pmk_machine *m, struct pmk_task *task)
{
	drop_mm(m, task);
	task->state = PMK_TASK_ZOMBIE;
}

void pmk_task_reap(struct pmk_machine *m, struct pmk_task *task)
{
	drop_mm(m, task);
	task->state = PMK_TASK_GONE;
	pmk_runs_clear(&m->by_pid, (uint64_t)task->pid, (uint64_t)task->pid + 1);
}
