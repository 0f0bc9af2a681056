/* SPDX-License-Identifier: MIT */
/* world_kernel.c - the world that is the running kernel. */
#define _GNU_SOURCE 1
#include "world_live.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "actor_memory.h"
#include "alloc.h"
#include "host.h"
#include "janitor.h"
#include "live.h"
#include "object.h"
#include "swapfile.h"

struct kernel {
	struct pmk_live live; /* first: a struct pmk_world is one of these */
	struct pmk_fds object;
	struct pmk_janitor *janitor; /* NULL: no right to change the machine */
	struct pmk_profile profile; /* quirks and facilities, as probed */
	struct pmk_host host;
	struct pmk_probe_result probe[PMK_FEATURE_COUNT];
	size_t nprobes;
	struct pmk_error no_swap;
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
	int fd;

	if (r->a[0] < 0 || r->a[0] > INT32_MAX)
		return -EINVAL;
	fd = pmk_object_open((enum pmk_backing)r->a[1], r->len);
	if (fd < 0)
		return fd;
	pmk_fds_set(&k->object, r->a[0], fd);
	return 0;
}

static int64_t kernel_request(struct pmk_world *world, const struct pmk_request *r)
{
	struct kernel *k = kernel_of(world);
	int object = -1;

	if (r->code == PMK_REQ_OBJECT)
		return make_object(k, r);
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

	(void)profile; /* the kernel is what it is */
	pmk_fds_close(&k->object);
	return pmk_live_reset(&k->live, err);
}

/* ---- what there is ---- */

/* Made when first asked for: most scripts do without. */
static bool has_swap(struct kernel *k, const char **why)
{
	if (!k->janitor) {
		*why = "no swap area, and no right to make one";
		return pmk_swap_active();
	}
	if (!pmk_janitor_swap(k->janitor, &k->no_swap))
		return true;
	*why = k->no_swap.text;
	return false;
}

static bool kernel_has(struct pmk_world *world, enum pmk_feature feature, const char **why)
{
	struct kernel *k = kernel_of(world);
	const char *ignored;

	if (!why)
		why = &ignored;
	if (feature >= PMK_FEATURE_COUNT)
		return false;
	*why = pmk_quirk[feature].text;
	if (feature == PMK_F_SWAP)
		return has_swap(k, why);
	return pmk_profile_has(&k->profile, feature);
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
	if (pmk_live_init(&k->live, "/proc", err)) {
		kernel_destroy(&k->live.world);
		return NULL;
	}
	return &k->live.world;
}
