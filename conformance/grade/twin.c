/* SPDX-License-Identifier: MIT */
/* twin.c - a script in two models: see twin.h. */
#include "twin.h"

#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "overlay.h"

/* ---- a model behind a lock, which can listen ------------------------------------------------------ */

static struct pmk_twin_world *twin_of(struct pmk_world *world)
{
	return (struct pmk_twin_world *)world;
}

static void twin_lock(struct pmk_world *world, bool on)
{
	if (on)
		pthread_mutex_lock(twin_of(world)->lock);
	else
		pthread_mutex_unlock(twin_of(world)->lock);
}

static int twin_reset(struct pmk_world *world, const struct pmk_profile *profile,
		      struct pmk_error *err)
{
	struct pmk_world *model = twin_of(world)->model;

	return model->ops->reset(model, profile, err);
}

/* What a handle will be of, whether or not it comes to be. */
static void note_handle(struct pmk_twin_world *t, const struct pmk_request *r)
{
	if (r->handle >= t->nhandles) {
		t->handle = pmk_realloc(t->handle, (size_t)r->handle + 1, sizeof(*t->handle));
		memset(t->handle + t->nhandles, 0,
		       (size_t)(r->handle + 1 - t->nhandles) * sizeof(*t->handle));
		t->nhandles = r->handle + 1;
	}
	t->handle[r->handle] =
		(struct pmk_twin_file){ .file = r->file,
					.proc = r->a[3] == PMK_OBSERVER ? r->proc : (int)r->a[3] };
}

static int64_t twin_request(struct pmk_world *world, const struct pmk_request *request)
{
	struct pmk_twin_world *t = twin_of(world);
	int64_t result;

	if (request->code == PMK_REQ_OPEN)
		note_handle(t, request);
	if (t->listening) {
		t->heard = *request;
		return 0;
	}
	twin_lock(world, true);
	result = pmk_world_request(t->model, request);
	twin_lock(world, false);
	return result;
}

static bool twin_has(struct pmk_world *world, enum pmk_feature feature, const char **why)
{
	return twin_of(world)->model->ops->has(twin_of(world)->model, feature, why);
}

static uint64_t twin_fact(struct pmk_world *world, int fact)
{
	return twin_of(world)->model->ops->fact(twin_of(world)->model, fact);
}

static struct pmk_machine *twin_machine(struct pmk_world *world)
{
	return twin_of(world)->model->ops->machine(twin_of(world)->model);
}

static const struct pmk_world_ops twin_ops = {
	.name = "grade",
	.id = PMK_WORLD_MOCK, /* faults are taken */
	.reset = twin_reset,
	.request = twin_request,
	.has = twin_has,
	.fact = twin_fact,
	.machine = twin_machine,
	.lock = twin_lock,
};

static void world_init(struct pmk_twin_world *t, pthread_mutex_t *lock)
{
	*t = (struct pmk_twin_world){ .world.ops = &twin_ops,
				      .model = pmk_world_model_create(),
				      .lock = lock };
}

/* ---- both ----------------------------------------------------------------------------------------- */

/* No real process stands for one of the script. */
static int nobody(void *data, int real_pid)
{
	(void)data, (void)real_pid;
	return 0;
}

int pmk_twin_init(struct pmk_twin *t, struct pmk_error *err)
{
	struct pmk_mount_options options = { .self = PMK_SELF_CALLER,
					     .privilege = PMK_PRIVILEGE_ALWAYS,
					     .owner = PMK_OWNER_MOUNTER,
					     .allow_other = true,
					     .real_maps = true,
					     .identify = nobody,
					     .opener = &t->opener };

	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
	world_init(&t->key, &t->lock);
	world_init(&t->shown, &t->lock);
	t->machine = twin_machine(&t->shown.world);
	return pmk_overlay_start(&t->machine, &t->lock, &options, &t->mount, &t->proc_fd, err);
}

void pmk_twin_deinit(struct pmk_twin *t)
{
	pmk_stage_destroy(t->key_stage);
	pmk_stage_destroy(t->shown_stage);
	if (t->mount)
		pmk_mount_stop(t->mount);
	if (t->proc_fd > 0)
		close(t->proc_fd);
	free(t->key.handle);
	free(t->shown.handle);
	t->key.model->ops->destroy(t->key.model);
	t->shown.model->ops->destroy(t->shown.model);
	pthread_mutex_destroy(&t->lock);
}

int pmk_twin_begin(struct pmk_twin *t, const struct pmk_profile *profile, struct pmk_error *err)
{
	int rc = twin_reset(&t->key.world, profile, err);

	pmk_stage_destroy(t->key_stage);
	pmk_stage_destroy(t->shown_stage);
	pthread_mutex_lock(&t->lock);
	pmk_mount_forget(t->mount);
	if (twin_reset(&t->shown.world, profile, err))
		rc = -1;
	t->machine = twin_machine(&t->shown.world);
	pthread_mutex_unlock(&t->lock);
	t->key_stage = pmk_stage_create(&t->key.world);
	t->shown_stage = pmk_stage_create(&t->shown.world);
	return rc;
}

int pmk_twin_do(struct pmk_twin *t, const char *file, const struct pmk_stmt *stmt,
		struct pmk_error *err)
{
	if (pmk_stage_do(t->key_stage, file, stmt, err) == PMK_BROKEN)
		return -1;
	return pmk_stage_do(t->shown_stage, file, stmt, err) == PMK_BROKEN ? -1 : 0;
}

int pmk_twin_hear(struct pmk_twin *t, const char *file, const struct pmk_stmt *stmt,
		  struct pmk_request *ret, struct pmk_error *err)
{
	struct pmk_twin_world *key = &t->key;
	enum pmk_outcome outcome;

	key->heard = (struct pmk_request){ .code = PMK_REQ_COUNT };
	key->listening = true;
	outcome = pmk_stage_do(t->key_stage, file, stmt, err);
	key->listening = false;
	*ret = key->heard;
	if (outcome == PMK_BROKEN || ret->handle >= key->nhandles)
		return -1;
	ret->file = key->handle[ret->handle].file;
	ret->a[3] = key->handle[ret->handle].proc;
	return 0;
}

struct pmk_machine *pmk_twin_key(struct pmk_twin *t)
{
	return twin_machine(&t->key.world);
}

void pmk_twin_play_opener(struct pmk_twin *t, const struct pmk_question *q)
{
	static const struct pmk_cred root = { .uid = 0, .caps = PMK_CAP_ALL };

	pthread_mutex_lock(&t->lock);
	t->opener_is = q->as_process ? q->opener : root;
	t->opener = &t->opener_is;
	pthread_mutex_unlock(&t->lock);
}
