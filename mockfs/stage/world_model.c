/* world_model.c - the world without a kernel: requests to a machine and to its files. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "alloc.h"
#include "pagemapkit.h"
#include "vfs.h"

struct fd_slot {
	int number;
	struct pmk_fd *fd;
};

struct proc {
	struct pmk_task *task; /* NULL: not spawned */
	struct fd_slot *fd;
	size_t nfds;
};

struct model {
	struct pmk_world world;
	struct pmk_machine *m;
	struct proc *proc; /* by the stage's number */
	size_t nprocs;
	struct proc observer;
	int *object; /* the machine's index by the stage's number */
	size_t nobjects;
	uint32_t *cgroup, *cgroup_parent; /* the machine's indexes by the stage's number; 0: root */
	size_t ncgroups;
};

#define ROOT_CGROUP 1 /* the inode of the topmost directory */

/* ---- processes and their files ------------------------------------------------------------------ */

static void close_all(struct proc *p)
{
	for (size_t i = 0; i < p->nfds; i++)
		pmk_fd_put(p->fd[i].fd);
	free(p->fd);
	p->fd = NULL;
	p->nfds = 0;
}

static struct fd_slot *find_fd(struct proc *p, int number)
{
	for (size_t i = 0; i < p->nfds; i++)
		if (p->fd[i].number == number)
			return &p->fd[i];
	return NULL;
}

static void add_fd(struct proc *p, int number, struct pmk_fd *fd)
{
	p->fd = pmk_realloc(p->fd, p->nfds + 1, sizeof(*p->fd));
	p->fd[p->nfds++] = (struct fd_slot){ number, fd };
}

static struct proc *proc_at(struct model *w, int proc)
{
	if (proc == PMK_OBSERVER)
		return &w->observer;
	if (proc < 0 || proc >= PMK_PROCS_MAX)
		return NULL;
	if ((size_t)proc >= w->nprocs) {
		size_t n = w->nprocs ? w->nprocs * 2 : 4;

		while (n <= (size_t)proc)
			n *= 2;
		w->proc = pmk_realloc(w->proc, n, sizeof(*w->proc));
		memset(w->proc + w->nprocs, 0, (n - w->nprocs) * sizeof(*w->proc));
		w->nprocs = n;
	}
	return &w->proc[proc];
}

static int64_t spawn(struct model *w, struct proc *p, const struct pmk_request *r)
{
	if (p->task)
		return -EEXIST;
	p->task = pmk_task_spawn(w->m, (int)r->a[0], (uint32_t)r->a[1], r->in ? r->in : "process");
	return p->task ? p->task->pid : -EEXIST;
}

static int64_t kernel_thread(struct model *w, struct proc *p)
{
	if (p->task)
		return -EEXIST;
	p->task = pmk_task_kernel(w->m, "kthreadd");
	return p->task->pid;
}

/* a[1]: the PID that the child gets, 0: any.  (The mock world knows it, scripts do not say it.) */
static int64_t fork_proc(struct model *w, struct proc *p, const struct pmk_request *r)
{
	struct pmk_task *child = pmk_task_fork(w->m, p->task, (int)r->a[1]);
	size_t parent = (size_t)(p - w->proc);
	struct proc *c;

	if (!child)
		return -EAGAIN;
	c = proc_at(w, (int)r->a[0]); /* may move the table */
	p = &w->proc[parent];
	c->task = child;
	for (size_t i = 0; i < p->nfds; i++) {
		pmk_fd_get(p->fd[i].fd);
		add_fd(c, p->fd[i].number, p->fd[i].fd);
	}
	return child->pid;
}

/* ---- memory ------------------------------------------------------------------------------------- */

static int64_t object(struct model *w, const struct pmk_request *r)
{
	uint64_t pages = r->len >> w->m->profile.arch->page_shift;
	bool file = r->a[1] == PMK_BACKING_FILE, secret = r->a[1] == PMK_BACKING_SECRET;
	char name[64];
	int index;

	snprintf(name, sizeof(name),
		 file	  ? "/tmp/pmk-%d"
		 : secret ? "/secretmem (deleted)"
			  : "/memfd:pmkit (deleted)",
		 (int)r->a[0]);
	if (r->a[0] != (int64_t)w->nobjects)
		return -EINVAL;
	index = pmk_object_create(w->m,
				  file	   ? PMK_OBJECT_FILE
				  : secret ? PMK_OBJECT_SECRET
					   : PMK_OBJECT_SHMEM,
				  pages, name);
	w->object = pmk_realloc(w->object, w->nobjects + 1, sizeof(*w->object));
	w->object[w->nobjects++] = index;
	w->m->object[index].elf = r->a[2];
	if (file) { /* written, so cached as far as RAM goes */
		struct pmk_object *o = &w->m->object[index];
		uint64_t off = 0, pfn, n;

		while (off < pages &&
		       (n = pmk_frame_alloc(w->m, pages - off,
					    PMK_FRAME_CACHED | PMK_KPF_UPTODATE_MASK |
						    PMK_KPF_LRU_MASK,
					    &pfn))) {
			pmk_runs_set(&o->cache, off, off + n,
				     (struct pmk_value){ pfn, PMK_PTE_FRAME | PMK_RUN_LINEAR });
			off += n;
		}
	}
	return 0;
}

static int64_t map(struct model *w, struct pmk_mm *mm, const struct pmk_request *r)
{
	unsigned shift = w->m->profile.arch->page_shift;
	uint64_t start = r->addr >> shift, n = r->len >> shift, gap;
	struct pmk_vma vma = { .prot = r->prot,
			       .flags = r->shared ? PMK_VMA_SHARED : 0,
			       .object = -1 };

	if (!n)
		return -EINVAL;
	if (r->a[0] >= (int64_t)w->nobjects)
		return -EBADF;
	if (r->a[0] < 0 && r->a[2]) /* ksys_mmap_pgoff(): whole huge pages */
		n = (n + pmk_pmd_pages(w->m) - 1) & ~(pmk_pmd_pages(w->m) - 1);
	if (pmk_runs_gap(&mm->vma, start, start + n, &gap) != n)
		return -EEXIST; /* MAP_FIXED_NOREPLACE */
	if (r->a[0] >= 0)
		vma.object = w->object[r->a[0]];
	if (r->a[0] >= 0 && w->m->object[vma.object].kind == PMK_OBJECT_SECRET) {
		if (!r->shared)
			return -EINVAL;
		if (pmk_profile_has(&w->m->profile, PMK_Q_SECRET_LOCKED))
			vma.flags |= PMK_VMA_LOCKED;
	} else if (r->a[0] < 0 && r->a[2]) {
		if (start & (pmk_pmd_pages(w->m) - 1))
			return -EINVAL;
		vma.flags |= PMK_VMA_HUGETLB;
		vma.object =
			pmk_object_create(w->m, PMK_OBJECT_HUGETLB, n, "/anon_hugepage (deleted)");
	} else if (r->a[0] < 0 && r->shared)
		vma.object = pmk_object_create(w->m, PMK_OBJECT_SHMEM, n, "/dev/zero (deleted)");
	return pmk_mm_map(w->m, mm, start, n, vma, (uint64_t)r->a[1] >> shift);
}

static int64_t uffd(struct model *w, struct pmk_mm *mm, const struct pmk_request *r)
{
	unsigned shift = w->m->profile.arch->page_shift;
	uint64_t start = r->addr >> shift, n = r->len >> shift;

	switch ((enum pmk_uffd_op)r->a[0]) {
	case PMK_UFFD_REGISTER:
		return pmk_mm_uffd_register(
			w->m, mm, start, n,
			(r->a[1] & PMK_UFFD_SYNC ? 0 : PMK_VMA_UFFD_ASYNC) |
				(r->a[1] & PMK_UFFD_UNPOPULATED ? PMK_VMA_UFFD_NONE : 0));
	case PMK_UFFD_UNREGISTER:
		return pmk_mm_uffd_unregister(w->m, mm, start, n);
	case PMK_UFFD_PROTECT:
	case PMK_UFFD_UNPROTECT:
		return pmk_mm_uffd_protect(w->m, mm, start, n, r->a[0] == PMK_UFFD_PROTECT);
	case PMK_UFFD_POISON:
		return pmk_mm_uffd_poison(w->m, mm, start, n);
	}
	return -EINVAL;
}

/* Requests to a living process's memory. */
static int64_t memory(struct model *w, struct pmk_mm *mm, const struct pmk_request *r)
{
	unsigned shift = w->m->profile.arch->page_shift;
	uint64_t start = r->addr >> shift, n = r->len >> shift;

	switch (r->code) {
	case PMK_REQ_MMAP:
		return map(w, mm, r);
	case PMK_REQ_READ:
	case PMK_REQ_WRITE:
		return pmk_mm_touch(w->m, mm, start, n, r->code == PMK_REQ_WRITE);
	case PMK_REQ_FILL:
		return pmk_mm_fill(w->m, mm, start, n, (enum pmk_content)r->a[0],
				   (uint64_t)r->a[1]);
	case PMK_REQ_MUNMAP:
		return pmk_mm_unmap(w->m, mm, start, n);
	case PMK_REQ_MPROTECT:
		return pmk_mm_protect(w->m, mm, start, n, r->prot);
	case PMK_REQ_MADVISE:
		return pmk_mm_advise(w->m, mm, start, n, (unsigned)r->a[0]);
	case PMK_REQ_MREMAP:
		return pmk_mm_remap(w->m, mm, start, n, (uint64_t)r->a[0] >> shift,
				    (uint64_t)r->a[1] >> shift, r->a[2]);
	case PMK_REQ_UFFD:
		return uffd(w, mm, r);
	case PMK_REQ_MSYNC:
		return pmk_mm_sync(w->m, mm, start, n);
	case PMK_REQ_THP:
		mm->thp = r->a[0];
		return 0;
	case PMK_REQ_MLOCK:
	case PMK_REQ_MUNLOCK:
		return pmk_mm_lock(w->m, mm, start, n, r->code == PMK_REQ_MLOCK);
	default:
		return -ENOSYS;
	}
}

/* ---- credentials -------------------------------------------------------------------------------- */

static int64_t set_uid(struct pmk_task *task, uint32_t uid, bool effective)
{
	if (uid != task->cred.uid && !(task->cred.caps & PMK_CAP_SETUID) &&
	    !(effective && task->caps_saved))
		return -EPERM;
	if (uid != task->cred.uid)
		task->dumpable = false; /* PM-OWNER */
	task->cred.uid = uid;
	if (uid)
		task->cred.caps = 0;
	else if (effective)
		task->cred.caps = task->caps_saved;
	if (!effective && uid)
		task->caps_saved = 0;
	return 0;
}

static int64_t drop(struct pmk_task *task, int64_t cap)
{
	uint64_t mask = cap >= 64 ? ~0ull : 1ull << cap;

	task->cred.caps &= ~mask;
	task->caps_saved &= ~mask;
	return 0;
}

/* ---- files -------------------------------------------------------------------------------------- */

static int64_t open_file(struct model *w, struct proc *p, const struct pmk_request *r)
{
	static const struct pmk_cred all = { 0, PMK_CAP_ALL };
	struct proc *target = r->a[3] >= 0 ? proc_at(w, (int)r->a[3]) : p;
	struct pmk_fd *fd;
	int64_t err;

	if (find_fd(p, r->handle))
		return -EEXIST;
	err = pmk_fd_open(w->m, r, target->task ? target->task->pid : 0,
			  p->task ? &p->task->cred : &all, target == p && p->task, &fd);
	if (!err)
		add_fd(p, r->handle, fd);
	return err;
}

static int64_t map_file(struct model *w, struct proc *p, const struct pmk_request *r)
{
	unsigned shift = w->m->profile.arch->page_shift;
	int asker = r->proc;
	struct proc *target = proc_at(w, (int)r->a[3]); /* may move the table */
	int64_t place;

	p = proc_at(w, asker);
	if (!target || !target->task || !p->task)
		return -ENOENT;
	place = pmk_map_file_find(w->m, target->task->pid, &p->task->cred, target == p,
				  r->addr >> shift, (r->addr + r->len) >> shift);
	return place < 0 ? place : 0;
}

static int64_t file_call(struct proc *p, const struct pmk_request *r)
{
	struct fd_slot *slot = find_fd(p, r->handle);

	if (!slot) /* rule 1 of PM-READ-ORDER is before the rest */
		return (r->code == PMK_REQ_PREAD || r->code == PMK_REQ_PREADV) && r->pos < 0
			       ? -EINVAL
			       : -EBADF;
	if (r->code != PMK_REQ_CLOSE)
		return pmk_fd_request(slot->fd, r);
	pmk_fd_put(slot->fd);
	*slot = p->fd[--p->nfds];
	return 0;
}

/* ---- the table ---------------------------------------------------------------------------------- */

/* A directory of the memory cgroups: inodes of cgroupfs are small and rise. */
static int64_t make_cgroup(struct model *w, const struct pmk_request *r)
{
	uint64_t inode = 100 + w->ncgroups;

	if (r->a[0] != (int64_t)w->ncgroups || r->a[1] >= (int64_t)w->ncgroups)
		return -EINVAL;
	w->cgroup = pmk_realloc(w->cgroup, w->ncgroups + 1, sizeof(*w->cgroup));
	w->cgroup_parent =
		pmk_realloc(w->cgroup_parent, w->ncgroups + 1, sizeof(*w->cgroup_parent));
	w->cgroup_parent[w->ncgroups] = r->a[1] < 0 ? 0 : w->cgroup[r->a[1]];
	w->cgroup[w->ncgroups++] = pmk_machine_cgroup(w->m, inode);
	return (int64_t)inode;
}

/* What was charged to it shows as its parent's from now on (KG-MEANING). */
static int64_t remove_cgroup(struct model *w, const struct pmk_request *r)
{
	uint32_t parent;

	if (r->a[0] < 0 || r->a[0] >= (int64_t)w->ncgroups)
		return -ENOENT;
	for (size_t i = 0; i < w->m->ntasks; i++)
		if (w->m->task[i]->cgroup == w->cgroup[r->a[0]] && w->m->task[i]->mm)
			return -EBUSY;
	parent = w->cgroup_parent[r->a[0]];
	w->m->cgroup[w->cgroup[r->a[0]] - 1] = parent ? w->m->cgroup[parent - 1] : ROOT_CGROUP;
	return 0;
}

static int64_t task_request(struct model *w, struct proc *p, const struct pmk_request *r)
{
	int64_t result;

	switch (r->code) {
	case PMK_REQ_FORK:
		return fork_proc(w, p, r);
	case PMK_REQ_EXEC:
		pmk_task_exec(w->m, p->task);
		return 0;
	case PMK_REQ_EXIT:
		pmk_task_exit(w->m, p->task);
		close_all(p);
		return 0;
	case PMK_REQ_DROP:
		return drop(p->task, r->a[0]);
	case PMK_REQ_SETUID:
	case PMK_REQ_SETEUID:
		return set_uid(p->task, (uint32_t)r->a[0], r->code == PMK_REQ_SETEUID);
	case PMK_REQ_UNSHARE: /* what it has now counts in a namespace that rules nothing here */
		return drop(p->task, 64);
	case PMK_REQ_DUMPABLE:
		p->task->dumpable = r->a[0];
		return 0;
	case PMK_REQ_CGROUP_ENTER: /* the topmost one has no number */
		if (r->a[0] < 0 || r->a[0] >= (int64_t)w->ncgroups)
			return -ENOENT;
		p->task->cgroup = w->cgroup[r->a[0]];
		return 0;
	default:
		w->m->charge = p->task->cgroup;
		result = memory(w, p->task->mm, r);
		w->m->charge = 0;
		return result;
	}
}

static int64_t model_request(struct pmk_world *world, const struct pmk_request *r)
{
	struct model *w = (struct model *)world;
	struct proc *p = proc_at(w, r->proc);

	if (!p)
		return -EAGAIN;
	switch (r->code) {
	case PMK_REQ_SPAWN:
		return spawn(w, p, r);
	case PMK_REQ_KTHREAD:
		return kernel_thread(w, p);
	case PMK_REQ_OBJECT:
		return object(w, r);
	case PMK_REQ_KSM:
		pmk_machine_ksm(w->m, r->a[0]);
		return 0;
	case PMK_REQ_PROC_MOUNT:
		w->m->procopt = (unsigned)r->a[0];
		return 0;
	case PMK_REQ_CGROUP:
		return make_cgroup(w, r);
	case PMK_REQ_CGROUP_REMOVE:
		return remove_cgroup(w, r);
	case PMK_REQ_REAP:
		if (!p->task || p->task->state != PMK_TASK_ZOMBIE)
			return -ECHILD;
		pmk_task_reap(w->m, p->task);
		return 0;
	default:
		break;
	}
	if (r->proc != PMK_OBSERVER && (!p->task || p->task->state != PMK_TASK_RUNNING))
		return -ESRCH;
	if (r->code == PMK_REQ_MAP_FILE)
		return map_file(w, p, r);
	if (r->code == PMK_REQ_OPEN)
		return open_file(w, p, r);
	if (r->code > PMK_REQ_OPEN)
		return file_call(p, r);
	return p->task ? task_request(w, p, r) : -ESRCH;
}

static void forget(struct model *w)
{
	for (size_t i = 0; i < w->nprocs; i++)
		close_all(&w->proc[i]);
	close_all(&w->observer);
	if (w->nprocs)
		memset(w->proc, 0, w->nprocs * sizeof(*w->proc));
	w->nobjects = w->ncgroups = 0;
	pmk_machine_destroy(w->m);
	w->m = NULL;
}

static int model_reset(struct pmk_world *world, const struct pmk_profile *profile,
		       struct pmk_error *err)
{
	struct model *w = (struct model *)world;

	(void)err;
	forget(w);
	w->m = pmk_machine_create(profile);
	return 0;
}

static bool model_has(struct pmk_world *world, enum pmk_feature feature, const char **why)
{
	struct model *w = (struct model *)world;

	if (why)
		*why = "the model's kernel does not have it";
	if (feature < PMK_QUIRK_COUNT)
		return pmk_profile_has(&w->m->profile, feature);
	if (feature == PMK_F_PAGE_4K)
		return pmk_profile_page_size(&w->m->profile) == 4096;
	if (feature == PMK_F_HUGETLB || feature == PMK_F_THP || feature == PMK_F_TABLE_512)
		return pmk_pmd_pages(w->m) == 512;
	if (feature == PMK_F_ODD_END)
		return w->m->max_pfn % 64;
	if (feature == PMK_F_PROC_MOUNT)
		return w->m->profile.kernel >= PMK_KERNEL(5, 8, 0);
	if (feature == PMK_F_CGROUP)
		return pmk_profile_has(&w->m->profile, PMK_Q_KPAGECGROUP);
	return true;
}

static uint64_t model_fact(struct pmk_world *world, int fact)
{
	struct model *w = (struct model *)world;
	uint64_t limit = pmk_machine_kpage_limit(w->m), hole;

	switch (fact) {
	case PMK_FACT_PAGE_SIZE:
		return pmk_profile_page_size(&w->m->profile);
	case PMK_FACT_TASK_SIZE:
		return w->m->profile.task_size;
	case PMK_FACT_KPAGE_LIMIT:
		return limit;
	case PMK_FACT_MAX_PFN:
		return w->m->max_pfn;
	default: /* not merely reserved: at least a section of nothing */
		return pmk_runs_gap(&w->m->ram, 0, limit, &hole) ? hole : UINT64_MAX;
	}
}

static struct pmk_machine *model_machine(struct pmk_world *world)
{
	return ((struct model *)world)->m;
}

static void model_lock(struct pmk_world *world, bool on)
{
	(void)world;
	(void)on;
}

static void model_destroy(struct pmk_world *world)
{
	struct model *w = (struct model *)world;

	forget(w);
	free(w->proc);
	free(w->object);
	free(w->cgroup);
	free(w->cgroup_parent);
	free(w);
}

static const struct pmk_world_ops model_ops = {
	.name = "model",
	.id = PMK_WORLD_MODEL,
	.reset = model_reset,
	.request = model_request,
	.has = model_has,
	.fact = model_fact,
	.machine = model_machine,
	.lock = model_lock,
	.destroy = model_destroy,
};

struct pmk_world *pmk_world_model_create(void)
{
	struct model *w = pmk_calloc(1, sizeof(*w));
	struct pmk_profile profile;

	w->world.ops = &model_ops;
	pmk_profile_host(&profile);
	w->m = pmk_machine_create(&profile);
	return &w->world;
}
