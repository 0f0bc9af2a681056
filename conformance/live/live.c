/* SPDX-License-Identifier: MIT */
/* live.c - processes and calls on files, for the worlds that have real ones. */
#define _GNU_SOURCE 1
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc.h"
#include "filecall.h"
#include "procfs.h"

/* ---- descriptors by number ---- */

int pmk_fds_get(const struct pmk_fds *fds, int64_t index)
{
	return index >= 0 && index < fds->n ? fds->fd[index] : -1;
}

void pmk_fds_set(struct pmk_fds *fds, int64_t index, int fd)
{
	if (index >= fds->n) {
		int n = (int)index + 16;

		fds->fd = pmk_realloc(fds->fd, (size_t)n, sizeof(*fds->fd));
		while (fds->n < n)
			fds->fd[fds->n++] = -1;
	}
	if (fds->fd[index] >= 0)
		close(fds->fd[index]);
	fds->fd[index] = fd;
}

void pmk_fds_close(struct pmk_fds *fds)
{
	for (int i = 0; i < fds->n; i++)
		if (fds->fd[i] >= 0)
			close(fds->fd[i]);
	free(fds->fd);
	*fds = (struct pmk_fds){ 0 };
}

/* ---- a proc of one's own ---- */

/* Newer than some headers; the numbers are the same on every architecture. */
#define SYS_FSOPEN    430
#define SYS_FSCONFIG  431
#define SYS_FSMOUNT   432
#define CONFIG_STRING 1
#define CONFIG_CREATE 6

static const struct {
	const char *key, *value;
} mounts[] = {
	[PMK_PROC_NOACCESS] = { "hidepid", "noaccess" },
	[PMK_PROC_INVISIBLE] = { "hidepid", "invisible" },
	[PMK_PROC_PTRACEABLE] = { "hidepid", "ptraceable" },
	[PMK_PROC_SUBSET] = { "subset", "pid" },
};

static void unmount(struct pmk_live *live)
{
	if (live->mount)
		close(live->mount);
	live->mount = 0;
}

/* Not attached to any directory: it goes with its last descriptor. */
int64_t pmk_live_mount(struct pmk_live *live, unsigned option)
{
	int fs = (int)syscall(SYS_FSOPEN, "proc", 1l);
	long mount = -1;
	int64_t result;

	if (fs >= 0 &&
	    !syscall(SYS_FSCONFIG, fs, CONFIG_STRING, mounts[option].key, mounts[option].value,
		     0l) &&
	    !syscall(SYS_FSCONFIG, fs, CONFIG_CREATE, NULL, NULL, 0l))
		mount = syscall(SYS_FSMOUNT, fs, 1l, 0l);
	result = mount < 0 ? -errno : 0;
	if (fs >= 0)
		close(fs);
	if (result)
		return result;
	unmount(live);
	live->mount = (int)mount;
	return 0;
}

/* ---- life ---- */

int pmk_live_init(struct pmk_live *live, const char *root, const char *sys, struct pmk_error *err)
{
	live->root = root;
	live->sys = sys;
	live->crew = pmk_crew_create(err);
	return live->crew ? 0 : -1;
}

int pmk_live_reset(struct pmk_live *live, struct pmk_error *err)
{
	unmount(live);
	pmk_fds_close(&live->observer);
	return pmk_crew_reset(live->crew, err);
}

void pmk_live_deinit(struct pmk_live *live)
{
	unmount(live);
	pmk_fds_close(&live->observer);
	pmk_crew_destroy(live->crew);
}

/* ---- calls on files ---- */

static int pid_shown(const struct pmk_live *live, int proc)
{
	return proc != PMK_OBSERVER && live->shown_pid ? live->shown_pid(live, proc)
						       : pmk_crew_pid(live->crew, proc);
}

/* The path to open.  A process opens its own files as "self". */
static int64_t path_of(const struct pmk_live *live, const struct pmk_request *r, char *ret,
		       size_t size)
{
	const char *name = pmk_file_name[r->file];
	int owner = r->a[3] == PMK_OBSERVER ? r->proc : (int)r->a[3], n;
	int pid = pid_shown(live, owner), real = pmk_crew_pid(live->crew, owner);

	if (pmk_proc_file[r->file].sysfs)
		n = snprintf(ret, size, "%s/%s/%s", live->sys, pmk_proc_file[r->file].sysfs,
			     pmk_proc_file[r->file].name);
	else if (!pmk_proc_file[r->file].per_pid)
		n = snprintf(ret, size, "%s/%s", live->root, name);
	else if (r->a[2])
		n = snprintf(ret, size, "%s/%d/task/%d/%s", live->root, pid, pid, name);
	else if (owner == r->proc && pid == real)
		n = snprintf(ret, size, "%s/self/%s", live->root, name);
	else
		n = snprintf(ret, size, "%s/%d/%s", live->root, pid, name);
	return n < (int)size ? 0 : -ENAMETOOLONG;
}

/* The runner's own reads go straight to where the stage wants them. */
static int64_t observer_call(struct pmk_live *live, const struct pmk_request *r)
{
	int slot = pmk_handle_slot(r->handle);
	int fd = pmk_fds_get(&live->observer, slot);
	uint64_t size = r->len;
	void *room = r->buf;

	if (fd < 0)
		return -EBADF;
	if (r->code == PMK_REQ_CLOSE) {
		pmk_fds_set(&live->observer, slot, -1);
		return 0;
	}
	if (r->code == PMK_REQ_WRITEFD)
		room = (void *)(uintptr_t)r->in;
	for (unsigned i = 0; i < r->nseg; i++)
		size = i ? size + r->seg[i] : r->seg[i];
	return pmk_filecall(r, fd, room, room ? (size_t)size : 0);
}

static int64_t observer_open(struct pmk_live *live, const struct pmk_request *r, const char *path)
{
	int64_t fd = pmk_filecall_open(AT_FDCWD, path, r->a[0] | O_CLOEXEC);

	if (fd < 0)
		return fd;
	pmk_fds_set(&live->observer, pmk_handle_slot(r->handle), (int)fd);
	return 0;
}

int64_t pmk_live_call(struct pmk_live *live, const struct pmk_request *r)
{
	char path[4096];
	int64_t result;

	if (r->code == PMK_REQ_MAP_FILE) {
		snprintf(path, sizeof(path), "%s/%d/map_files/%llx-%llx", live->root,
			 pid_shown(live, (int)r->a[3]), (unsigned long long)r->addr,
			 (unsigned long long)(r->addr + r->len));
		return pmk_crew_ask(live->crew, r, -1, path);
	}
	if (pmk_handle_slot(r->handle) < 0)
		return r->code == PMK_REQ_OPEN ? -EMFILE : -EBADF;
	if (r->code == PMK_REQ_OPEN) {
		result = path_of(live, r, path, sizeof(path));
		if (result)
			return result;
		if (r->proc == PMK_OBSERVER && !live->apart)
			return observer_open(live, r, path);
		if (live->mount && r->proc != PMK_OBSERVER && !pmk_proc_file[r->file].sysfs) {
			struct pmk_request in = *r;

			in.a[1] = 1; /* a descriptor comes with it, and the path is below that */
			return pmk_crew_ask(live->crew, &in, live->mount,
					    path + strlen(live->root) + 1);
		}
		return pmk_crew_ask(live->crew, r, -1, path);
	}
	if (r->proc == PMK_OBSERVER && !live->apart)
		return observer_call(live, r);
	return pmk_crew_ask(live->crew, r, -1, NULL);
}
