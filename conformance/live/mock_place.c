/* SPDX-License-Identifier: MIT */
/* mock_place.c - namespaces for the mock's mount, and a directory in them. */
#define _GNU_SOURCE 1
#include "mock_place.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "procfs.h"
#include "world_live.h"

static enum pmk_mock_rights rights;

enum pmk_mock_rights pmk_mock_rights(void)
{
	return rights;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -errno : 0;
}

/* The user becomes root of the namespace: scripts' processes are root's unless they say otherwise. */
static int map_user(uid_t uid, gid_t gid)
{
	char map[64];
	int r;

	write_text("/proc/self/setgroups", "deny"); /* not there before 3.19, nor needed */
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
	r = write_text("/proc/self/uid_map", map);
	if (r)
		return r;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
	return write_text("/proc/self/gid_map", map);
}

static int own_mounts(void)
{
	if (unshare(CLONE_NEWNS))
		return -errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	return 0;
}

static int own_user_and_mounts(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int r;

	if (unshare(CLONE_NEWUSER))
		return -errno;
	/* New rights make a process undumpable (commit_creds), and its proc files root's. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	r = map_user(uid, gid);
	return r ? r : own_mounts();
}

int pmk_world_mock_prepare(struct pmk_error *err)
{
	int r = own_mounts();

	if (!r)
		rights = PMK_MOCK_ROOT;
	else if (!(r = own_user_and_mounts()))
		rights = PMK_MOCK_USERNS;
	return r ? pmk_error_set(err, NULL, 0, 0, "namespaces for the mock: %s", strerror(-r)) : 0;
}

/* Any directory will do in a namespace of one's own; best one whose contents nobody needs. */
static bool find_directory(char *ret, size_t size)
{
	static const char *const dirs[] = { "/proc/fs", "/mnt", "/media", "/srv", "/opt" };
	struct stat st;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (!stat(dirs[i], &st) && S_ISDIR(st.st_mode)) {
			snprintf(ret, size, "%s", dirs[i]);
			return true;
		}
	return false;
}

static int find_place(struct pmk_mock_place *place, const char *dir, struct pmk_error *err)
{
	const char *tmp = getenv("TMPDIR");

	*place = (struct pmk_mock_place){ .made = false };
	if (dir) {
		snprintf(place->dir, sizeof(place->dir), "%s", dir);
		return 0;
	}
	if (rights != PMK_MOCK_SHARED && find_directory(place->dir, sizeof(place->dir)))
		return 0;
	snprintf(place->dir, sizeof(place->dir), "%s/pmkit-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(place->dir))
		return pmk_error_set(err, NULL, 0, 0, "%.200s: %s", place->dir, strerror(errno));
	place->made = true;
	return 0;
}

int pmk_mock_place_init(struct pmk_mock_place *place, const char *dir, struct pmk_error *err)
{
	int r = find_place(place, dir, err);

	snprintf(place->sys, sizeof(place->sys), "%s/" PMK_SYSFS, place->dir);
	return r;
}

void pmk_mock_place_deinit(struct pmk_mock_place *place)
{
	if (place->made)
		rmdir(place->dir);
}
