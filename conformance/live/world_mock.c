/* SPDX-License-Identifier: MIT */
/* world_mock.c - the world whose memory is a model and whose files are a FUSE mount of it. */
#define _GNU_SOURCE 1
#include "world_live.h"

#ifdef PMK_FUSE

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "actor_memory.h"
#include "alloc.h"
#include "fuse.h"
#include "live.h"
#include "mock_place.h"

struct mock {
	struct pmk_live live; /* first: a struct pmk_world is one of these */
	struct pmk_world *model;
	struct pmk_machine *machine; /* the model's, for the server */
	pthread_mutex_t lock; /* around the model */
	struct pmk_mount *mount;
	struct pmk_mock_place place;
	int *shown; /* the model's PID of a process, where it is not the real one; 0: the same */
	int nshown;
};

static struct mock *mock_of(struct pmk_world *world)
{
	return (struct mock *)world;
}

static void mock_lock(struct pmk_world *world, bool on)
{
	if (on)
		pthread_mutex_lock(&mock_of(world)->lock);
	else
		pthread_mutex_unlock(&mock_of(world)->lock);
}

/* ---- PIDs: a script may ask for one that the kernel will not give ---- */

static int shown_pid(const struct pmk_live *live, int proc)
{
	const struct mock *m = (const struct mock *)live;

	if (proc >= 0 && proc < m->nshown && m->shown[proc])
		return m->shown[proc];
	return pmk_crew_pid(live->crew, proc);
}

/* The server asks while the runner waits for the one who asks the server. */
static int identify(void *data, int real_pid)
{
	const struct mock *m = data;
	int proc = pmk_crew_find(m->live.crew, real_pid);

	return proc < 0 ? 0 : shown_pid(&m->live, proc);
}

static void show_as(struct mock *m, int proc, int pid)
{
	if (proc >= m->nshown) {
		m->shown = pmk_realloc(m->shown, (size_t)proc + 16, sizeof(*m->shown));
		while (m->nshown < proc + 16)
			m->shown[m->nshown++] = 0;
	}
	m->shown[proc] = pid;
}

/* ---- requests ---- */

static int64_t ask_model(struct mock *m, const struct pmk_request *r)
{
	int64_t result;

	pthread_mutex_lock(&m->lock);
	result = pmk_world_request(m->model, r);
	pthread_mutex_unlock(&m->lock);
	return result;
}

/* A process that is real and has a counterpart in the model under the same PID. */
static int64_t begin_process(struct mock *m, const struct pmk_request *r)
{
	bool spawned = r->code == PMK_REQ_SPAWN;
	int64_t pid = pmk_crew_ask(m->live.crew, r, -1, spawned ? r->in : NULL);
	struct pmk_request both = *r;
	int64_t result;

	if (pid < 0)
		return pid;
	if (!spawned) {
		both.a[1] = pid;
	} else if (!r->a[0]) {
		both.a[0] = pid;
	}
	result = ask_model(m, &both);
	if (result > 0)
		show_as(m, spawned ? r->proc : (int)r->a[0], result == pid ? 0 : (int)result);
	return result;
}

/* Nobody real stands for it. */
static int64_t kernel_thread(struct mock *m, const struct pmk_request *r)
{
	int64_t pid = ask_model(m, r);

	if (pid > 0)
		show_as(m, r->proc, (int)pid);
	return pid;
}

/* First for real, then in the model. */
static int64_t change_process(struct mock *m, const struct pmk_request *r)
{
	int64_t result = pmk_crew_ask(m->live.crew, r, -1, NULL);

	return result < 0 ? result : ask_model(m, r);
}

static int64_t mock_request(struct pmk_world *world, const struct pmk_request *r)
{
	struct mock *m = mock_of(world);

	if (pmk_request_is_call(r->code))
		return pmk_live_call(&m->live, r);
	if (r->code == PMK_REQ_OBJECT ||
	    (r->code >= PMK_REQ_KSM && r->code <= PMK_REQ_CGROUP_ENTER) ||
	    pmk_request_is_memory(r->code))
		return ask_model(m, r);
	if (r->code == PMK_REQ_KTHREAD)
		return kernel_thread(m, r);
	if (r->code == PMK_REQ_SPAWN || r->code == PMK_REQ_FORK)
		return begin_process(m, r);
	return change_process(m, r);
}

static int mock_reset(struct pmk_world *world, const struct pmk_profile *profile,
		      struct pmk_error *err)
{
	struct mock *m = mock_of(world);
	int r;

	if (pmk_live_reset(&m->live, err))
		return -1;
	m->nshown = 0;
	pthread_mutex_lock(&m->lock);
	pmk_mount_forget(m->mount);
	r = m->model->ops->reset(m->model, profile, err);
	m->machine = m->model->ops->machine(m->model);
	pthread_mutex_unlock(&m->lock);
	return r;
}

/* ---- what there is ---- */

static bool mock_has(struct pmk_world *world, enum pmk_feature feature, const char **why)
{
	struct mock *m = mock_of(world);
	const char *ignored;

	if (!why)
		why = &ignored;
	if (feature == PMK_F_SETUID) {
		*why = "the mock's processes are real and change their user only with root's "
		       "rights";
		return pmk_mock_rights() != PMK_MOCK_USERNS && !geteuid();
	}
	return m->model->ops->has(m->model, feature, why);
}

static uint64_t mock_fact(struct pmk_world *world, int fact)
{
	struct mock *m = mock_of(world);

	return m->model->ops->fact(m->model, fact);
}

static struct pmk_machine *mock_machine(struct pmk_world *world)
{
	return mock_of(world)->machine;
}

/* ---- life ---- */

static void mock_destroy(struct pmk_world *world)
{
	struct mock *m = mock_of(world);

	pmk_live_deinit(&m->live);
	if (m->mount)
		pmk_mount_stop(m->mount);
	pmk_mock_place_deinit(&m->place);
	if (m->model)
		m->model->ops->destroy(m->model);
	pthread_mutex_destroy(&m->lock);
	free(m->shown);
	free(m);
}

static const struct pmk_world_ops mock_ops = {
	.name = "mock",
	.id = PMK_WORLD_MOCK,
	.reset = mock_reset,
	.request = mock_request,
	.has = mock_has,
	.fact = mock_fact,
	.machine = mock_machine,
	.lock = mock_lock,
	.destroy = mock_destroy,
};

/* Who may see frames: with real root, who really may; in a namespace of our own, its root plays the
 * initial one's; where all are one plain user, everybody. */
static void set_policy(struct pmk_mount_options *o)
{
	switch (pmk_mock_rights()) {
	case PMK_MOCK_ROOT:
		o->privilege = PMK_PRIVILEGE_REAL;
		o->owner = PMK_OWNER_SCRIPT;
		break;
	case PMK_MOCK_USERNS:
		o->privilege = PMK_PRIVILEGE_USERNS;
		o->owner = PMK_OWNER_SCRIPT;
		break;
	case PMK_MOCK_SHARED:
		o->privilege = geteuid() ? PMK_PRIVILEGE_ALWAYS : PMK_PRIVILEGE_REAL;
		o->owner = geteuid() ? PMK_OWNER_MOUNTER : PMK_OWNER_SCRIPT;
		break;
	}
	o->allow_other = pmk_mock_rights() != PMK_MOCK_SHARED || !geteuid();
}

/* The nursery is forked before the server's thread starts and /dev/fuse is open. */
static int mock_start(struct mock *m, const struct pmk_mock_options *options, struct pmk_error *err)
{
	struct pmk_mount_options o = {
		.strict = true, .self = PMK_SELF_CALLER, .identify = identify, .identify_data = m
	};

	if (pmk_mock_rights() == PMK_MOCK_SHARED && !(options && options->dir))
		pmk_world_mock_prepare(
			NULL); /* without it the mount is seen by all, which is no error */
	if (pmk_mock_place_init(&m->place, options ? options->dir : NULL, err))
		return -1;
	if (pmk_live_init(&m->live, m->place.dir, m->place.sys, err))
		return -1;
	m->model = pmk_world_model_create();
	if (options && options->profile && m->model->ops->reset(m->model, options->profile, err))
		return -1;
	m->machine = m->model->ops->machine(m->model);
	o.dir = m->place.dir;
	set_policy(&o);
	return pmk_mount_start(&m->machine, &m->lock, &o, &m->mount, err) ? -1 : 0;
}

struct pmk_world *pmk_world_mock_create(const struct pmk_mock_options *options,
					struct pmk_error *err)
{
	struct mock *m = pmk_calloc(1, sizeof(*m));

	m->live.world.ops = &mock_ops;
	m->live.shown_pid = shown_pid;
	/* A process that waits for its own server cannot be killed: what it waits for does not come, and
	 * the connection ends with the last of its threads (request_wait_answer, forced FLUSH). */
	m->live.apart = true;
	pthread_mutex_init(&m->lock, NULL);
	if (!mock_start(m, options, err))
		return &m->live.world;
	m->mount = NULL;
	mock_destroy(&m->live.world);
	return NULL;
}

#else

struct pmk_world *pmk_world_mock_create(const struct pmk_mock_options *options,
					struct pmk_error *err)
{
	(void)options;
	pmk_error_set(err, NULL, 0, 0, "this program was built without FUSE");
	return NULL;
}

#endif
