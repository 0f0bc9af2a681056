/* SPDX-License-Identifier: MIT */
/* world_kernel.c - the world that is the running kernel. */
#define _GNU_SOURCE 1
#include "world_live.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actor_memory.h"
#include "actor_rights.h"
#include "alloc.h"
#include "cgroup.h"
#include "host.h"
#include "janitor.h"
#include "live.h"
#include "object.h"
#include "swapfile.h"

#define CGROUP_PATIENCE_MS 2000
#define KSM_ROUNDS	   3
#define KSM_PATIENCE_MS	   10000

struct kernel {
	struct pmk_live live; /* first: a struct pmk_world is one of these */
	struct pmk_fds object;
	struct pmk_janitor *janitor; /* NULL: no right to change the machine */
	struct pmk_profile profile; /* quirks and facilities, as probed */
	struct pmk_host host;
	struct pmk_probe_result probe[PMK_FEATURE_COUNT];
	size_t nprobes;
	struct pmk_error no_facility[PMK_JANITOR_COUNT];
	bool ksm_asked, ksm_ours;
	char cgroup_home[4096];
	char (*cgroup)[4352]; /* directories by the stage's number */
	size_t ncgroups;
	cpu_set_t cpus; /* as before */
	bool pinned;
};

static struct kernel *kernel_of(struct pmk_world *world)
{
	return (struct kernel *)world;
}

/* ---- requests ---- */

static int64_t make_object(struct kernel *k, const struct pmk_request *r)
{
	int fd, err;

	if (r->a[0] < 0 || r->a[0] > INT32_MAX)
		return -EINVAL;
	fd = pmk_object_open((enum pmk_backing)r->a[1], r->len);
	if (fd < 0)
		return fd;
	err = r->a[2] ? pmk_object_make_elf(fd) : 0;
	if (err) {
		close(fd);
		return err;
	}
	pmk_fds_set(&k->object, r->a[0], fd);
	return 0;
}

/* ---- KSM and cgroups: what the runner itself does to the machine, janitor permitting ---- */

static int64_t put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int64_t result = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		result = -errno;
	close(fd);
	return result;
}

#define KSM(file) "/sys/kernel/mm/ksm/" file

static long ksm_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtol(text, NULL, 10) : -1;
}

/* ksmd makes its rounds only if somebody has mergeable memory: so somebody always has, a page like no other. */
static void *ksm_bait(size_t page_size)
{
	char *page =
		mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	snprintf(page, page_size, "pmkit %d", (int)getpid());
	madvise(page, page_size, MADV_MERGEABLE);
	return page;
}

/* A page is looked at in one round, tried in the next, and with luck its twin comes only then. */
static int64_t ksm_rounds(bool zero_pages)
{
	long start = ksm_number(KSM("full_scans"));
	int64_t result = put(KSM("use_zero_pages"), zero_pages ? "1" : "0");

	if (start < 0 || result || (result = put(KSM("run"), "1")))
		return result ? result : -ENOSYS;
	for (int i = 0; i < KSM_PATIENCE_MS && ksm_number(KSM("full_scans")) < start + KSM_ROUNDS;
	     i++)
		usleep(1000);
	if (ksm_number(KSM("full_scans")) < start + KSM_ROUNDS)
		result = -ETIMEDOUT;
	put(KSM("run"), "0");
	put(KSM("use_zero_pages"), "0");
	return result;
}

static int64_t ksm_merge(size_t page_size, bool zero_pages)
{
	void *bait = ksm_bait(page_size);
	int64_t result = bait ? ksm_rounds(zero_pages) : -ENOMEM;

	if (bait)
		munmap(bait, page_size);
	return result;
}

/* Others' mergeable memory, as of a virtual machine, has pages of zeros like ours and would be counted with
 * them: so nobody but us may have any. */
static bool ksm_only_mine(size_t page_size)
{
	void *bait = ksm_bait(page_size);
	bool mine = false;

	if (!bait)
		return false;
	if (!ksm_rounds(false))
		mine = ksm_number(KSM("pages_shared")) == 0 &&
		       ksm_number(KSM("pages_unshared")) <= 1 &&
		       ksm_number(KSM("pages_volatile")) == 0;
	munmap(bait, page_size);
	return mine;
}

static bool ksm_is_ours(struct kernel *k)
{
	if (!k->ksm_asked)
		k->ksm_ours = ksm_only_mine(k->host.page_size);
	k->ksm_asked = true;
	return k->ksm_ours;
}

static int64_t make_cgroup(struct kernel *k, const struct pmk_request *r)
{
	const char *parent = r->a[1] < 0 ? k->cgroup_home : k->cgroup[r->a[1]];
	size_t n = k->ncgroups;
	int64_t inode;

	if (r->a[0] != (int64_t)n || r->a[1] >= (int64_t)n ||
	    (!*k->cgroup_home &&
	     !pmk_cgroup_home(getpid(), k->cgroup_home, sizeof(k->cgroup_home))))
		return -EINVAL;
	k->cgroup = pmk_realloc(k->cgroup, n + 1, sizeof(*k->cgroup));
	parent = r->a[1] < 0 ? k->cgroup_home : k->cgroup[r->a[1]];
	if (snprintf(k->cgroup[n], sizeof(*k->cgroup), "%s/%zu", parent, n) >=
	    (int)sizeof(*k->cgroup))
		return -ENAMETOOLONG;
	inode = pmk_cgroup_make(k->cgroup[n]);
	k->ncgroups += inode >= 0;
	return inode;
}

/* A page of a process that was in the cgroup for a moment. */
struct witness {
	pid_t pid;
	int kpagecgroup;
	uint64_t pfn, was;
};

/* It leaves for where the runner is: in v2 a directory that has given controllers takes no processes. */
static _Noreturn void witness_main(const char *dir, const char *home, void *page, int done)
{
	char c = pmk_cgroup_enter(dir, getpid()) ? 1 : 0, outside[4096];

	*(volatile char *)page = 1;
	snprintf(outside, sizeof(outside), "%.*s", (int)(strrchr(home, '/') - home), home);
	if (pmk_cgroup_enter(outside, getpid()))
		c = 1;
	if (write(done, &c, 1) == 1)
		pause();
	_exit(0);
}

/* The PFN of the child's page; 0: cannot be told. */
static uint64_t witness_pfn(pid_t pid, const void *page, uint64_t page_size)
{
	char path[64];
	uint64_t word = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !pmk_host_word(fd, (uintptr_t)page / page_size, &word))
		word = 0;
	if (fd >= 0)
		close(fd);
	return word & PMK_PAGEMAP_FRAME_MASK;
}

static void witness_start(struct kernel *k, const char *dir, struct witness *w)
{
	size_t size = k->host.page_size;
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t runner = getpid();
	int line[2];
	char c = 1;

	*w = (struct witness){ .pid = -1, .kpagecgroup = -1 };
	if (page == MAP_FAILED || pipe2(line, O_CLOEXEC))
		return;
	w->pid = fork();
	if (!w->pid) {
		pmk_actor_die_with_runner(runner);
		witness_main(dir, k->cgroup_home, page, line[1]);
	}
	close(line[1]);
	w->kpagecgroup = open("/proc/kpagecgroup", O_RDONLY | O_CLOEXEC);
	if (read(line[0], &c, 1) == 1 && !c)
		w->pfn = witness_pfn(w->pid, page, size);
	close(line[0]);
	munmap(page, size);
	if (!w->pfn || !pmk_host_word(w->kpagecgroup, w->pfn, &w->was))
		w->pfn = 0;
}

/* A removed cgroup goes offline a little later, and only then kpagecgroup names another. */
static int64_t remove_cgroup(struct kernel *k, const char *dir)
{
	struct witness w;
	uint64_t now;
	int64_t result;

	witness_start(k, dir, &w);
	result = pmk_cgroup_remove(dir);
	for (int ms = 0; !result && w.pfn && ms < CGROUP_PATIENCE_MS; ms++) {
		if (!pmk_host_word(w.kpagecgroup, w.pfn, &now) || now != w.was)
			break;
		usleep(1000);
	}
	if (w.kpagecgroup >= 0)
		close(w.kpagecgroup);
	if (w.pid > 0) {
		kill(w.pid, SIGKILL);
		waitpid(w.pid, NULL, 0);
	}
	return result;
}

static int64_t machine_request(struct kernel *k, const struct pmk_request *r)
{
	if (r->code == PMK_REQ_PROC_MOUNT)
		return pmk_live_mount(&k->live, (unsigned)r->a[0]);
	if (r->code == PMK_REQ_KSM)
		return ksm_merge(k->host.page_size, r->a[0]);
	if (r->code == PMK_REQ_CGROUP)
		return make_cgroup(k, r);
	if (r->a[0] < 0 || r->a[0] >= (int64_t)k->ncgroups)
		return -ENOENT;
	if (r->code == PMK_REQ_CGROUP_REMOVE)
		return remove_cgroup(k, k->cgroup[r->a[0]]);
	return pmk_cgroup_enter(k->cgroup[r->a[0]], pmk_crew_pid(k->live.crew, r->proc));
}

/* The first that no process of the script is yet. */
static int64_t kernel_thread(struct kernel *k, const struct pmk_request *r)
{
	int pid = 0, i;

	do {
		pid = pmk_host_kernel_thread(pid);
		for (i = 0; pid && i < r->proc && pmk_crew_pid(k->live.crew, i) != pid; i++)
			;
	} while (pid && i < r->proc);
	return pid ? pmk_crew_adopt(k->live.crew, r->proc, pid) : -ESRCH;
}

static int64_t kernel_request(struct pmk_world *world, const struct pmk_request *r)
{
	struct kernel *k = kernel_of(world);
	int object = -1;

	if (r->code == PMK_REQ_KTHREAD)
		return kernel_thread(k, r);
	if (r->code == PMK_REQ_OBJECT)
		return make_object(k, r);
	if (r->code >= PMK_REQ_KSM && r->code <= PMK_REQ_CGROUP_ENTER)
		return machine_request(k, r);
	if (pmk_request_is_call(r->code))
		return pmk_live_call(&k->live, r);
	if (r->code == PMK_REQ_MMAP && r->a[0] >= 0) {
		object = pmk_fds_get(&k->object, r->a[0]);
		if (object < 0)
			return -EBADF;
	}
	return pmk_crew_ask(k->live.crew, r, object, r->code == PMK_REQ_SPAWN ? r->in : NULL);
}

static int kernel_reset(struct pmk_world *world, const struct pmk_profile *profile,
			struct pmk_error *err)
{
	struct kernel *k = kernel_of(world);
	int result;

	(void)profile; /* the kernel is what it is */
	pmk_fds_close(&k->object);
	result = pmk_live_reset(&k->live, err);
	if (k->ncgroups)
		pmk_cgroup_empty(k->cgroup_home);
	k->ncgroups = 0;
	return result;
}

/* ---- what there is ---- */

/* Made when first asked for: most scripts do without. */
static bool has_made(struct kernel *k, enum pmk_janitor_what what, const char **why)
{
	if (!k->janitor) {
		*why = "it is not there, and we have no right to make it";
		return what == PMK_JANITOR_SWAP && pmk_swap_active();
	}
	*why = k->no_facility[what].text;
	if (pmk_janitor_ask(k->janitor, what, &k->no_facility[what]))
		return false;
	if (what != PMK_JANITOR_KSM || ksm_is_ours(k))
		return true;
	*why = "other processes have mergeable memory";
	return false;
}

/* Facilities that are there once the janitor has made them. */
static const struct {
	enum pmk_feature feature;
	enum pmk_janitor_what what;
} made[] = {
	{ PMK_F_SWAP, PMK_JANITOR_SWAP },     { PMK_F_HUGETLB, PMK_JANITOR_HUGETLB },
	{ PMK_F_THP, PMK_JANITOR_THP },	      { PMK_F_KSM, PMK_JANITOR_KSM },
	{ PMK_F_CGROUP, PMK_JANITOR_CGROUP },
};

static bool kernel_has(struct pmk_world *world, enum pmk_feature feature, const char **why)
{
	struct kernel *k = kernel_of(world);
	const char *ignored;

	if (!why)
		why = &ignored;
	if (feature >= PMK_FEATURE_COUNT)
		return false;
	*why = pmk_quirk[feature].text;
	if (feature != PMK_F_SWAP && !pmk_profile_has(&k->profile, feature))
		return false;
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		if (made[i].feature == feature)
			return has_made(k, made[i].what, why);
	return true;
}

static uint64_t kernel_fact(struct pmk_world *world, int fact)
{
	const struct pmk_host *host = &kernel_of(world)->host;

	switch (fact) {
	case PMK_FACT_PAGE_SIZE:
		return host->page_size;
	case PMK_FACT_TASK_SIZE:
		return host->task_size;
	case PMK_FACT_KPAGE_LIMIT:
		return host->kpage_limit;
	case PMK_FACT_MAX_PFN:
		return host->max_pfn;
	case PMK_FACT_HOLE:
		return host->hole;
	}
	return 0;
}

const struct pmk_probe_result *pmk_world_kernel_probes(struct pmk_world *world, size_t *ret)
{
	*ret = kernel_of(world)->nprobes;
	return kernel_of(world)->probe;
}

/* ---- life ---- */

static void kernel_destroy(struct pmk_world *world)
{
	struct kernel *k = kernel_of(world);

	pmk_fds_close(&k->object);
	pmk_live_deinit(&k->live);
	if (k->ncgroups)
		pmk_cgroup_empty(k->cgroup_home);
	free(k->cgroup);
	pmk_janitor_destroy(k->janitor);
	if (k->pinned)
		sched_setaffinity(0, sizeof(k->cpus), &k->cpus);
	free(k);
}

static const struct pmk_world_ops kernel_ops = {
	.name = "kernel",
	.id = PMK_WORLD_KERNEL,
	.reset = kernel_reset,
	.request = kernel_request,
	.has = kernel_has,
	.fact = kernel_fact,
	.destroy = kernel_destroy,
};

/* Everybody on one CPU: pages wait in per-CPU batches before they get to the LRU, and only those of one's
 * own CPU can be drained (actor_memory.c). */
static void pin(struct kernel *k)
{
	int cpu = sched_getcpu();
	cpu_set_t one;

	if (cpu < 0 || sched_getaffinity(0, sizeof(k->cpus), &k->cpus))
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	k->pinned = !sched_setaffinity(0, sizeof(one), &one);
}

static void ask_kernel(struct kernel *k)
{
	pmk_profile_host(&k->profile);
	pmk_host_init(&k->host, &k->profile);
	k->profile.task_size = k->host.task_size;
	k->nprobes = pmk_probe_all(&k->profile, &k->host, k->probe);
	pmk_profile_set(&k->profile, PMK_F_GIVENS, false);
	pmk_profile_set(&k->profile, PMK_F_FAULTS, false);
}

struct pmk_world *pmk_world_kernel_create(struct pmk_error *err)
{
	struct kernel *k = pmk_calloc(1, sizeof(*k));

	k->live.world.ops = &kernel_ops;
	ask_kernel(k);
	if (pmk_profile_has(&k->profile, PMK_F_ROOT)) {
		k->janitor = pmk_janitor_create(err);
		if (!k->janitor) {
			free(k);
			return NULL;
		}
	}
	pin(k);
	if (pmk_live_init(&k->live, "/proc", "/sys", err)) {
		kernel_destroy(&k->live.world);
		return NULL;
	}
	return &k->live.world;
}
