/* SPDX-License-Identifier: MIT */
/* cgroup.c - finds the memory hierarchy (v1, or v2 with the controller), makes and removes directories. */
#define _GNU_SOURCE 1
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 2000

/* Where the hierarchy is mounted. */
static bool find_mount(bool v2, char *ret, size_t size)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	const struct mntent *m;
	bool found = false;

	while (f && !found && (m = getmntent(f))) {
		found = v2 ? !strcmp(m->mnt_type, "cgroup2")
			   : !strcmp(m->mnt_type, "cgroup") && hasmntopt(m, "memory");
		if (found)
			snprintf(ret, size, "%s", m->mnt_dir);
	}
	if (f)
		endmntent(f);
	return found;
}

/* The path of this process in it: "4:memory:/a" or "0::/a". */
static bool find_own(bool v2, char *ret, size_t size)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[4096], names[256], path[3072];
	unsigned id;
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (v2)
			found = sscanf(line, "0::%3071[^\n]", path) == 1;
		else
			found = sscanf(line, "%u:%255[^:]:%3071[^\n]", &id, names, path) == 3 &&
				!strcmp(names, "memory");
		if (found)
			snprintf(ret, size, "%s", path);
	}
	if (f)
		fclose(f);
	return found;
}

bool pmk_cgroup_home(pid_t owner, char *ret, size_t size)
{
	char mount[1024], own[3072];

	for (int v2 = 0; v2 < 2; v2++)
		if (find_mount(v2, mount, sizeof(mount)) && find_own(v2, own, sizeof(own)))
			return snprintf(ret, size, "%s%s/pmkit-%d", mount,
					strcmp(own, "/") ? own : "", (int)owner) < (int)size;
	return false;
}

/* In v2 the controllers are the parent's to give: to children of ours, whose parent is a directory of ours.  Not
 * sooner: who has given them takes no processes any more (EBUSY). */
static void take_memory(const char *dir)
{
	const char *ours = strstr(dir, "/pmkit-"), *last = strrchr(dir, '/');
	char path[4352];
	int fd;

	if (!ours || ours == last)
		return;
	snprintf(path, sizeof(path), "%.*s/cgroup.subtree_control", (int)(last - dir), dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "+memory", 7) < 0)
		errno = 0; /* no such controller: pmk_cgroup_make() will see */
	close(fd);
}

int64_t pmk_cgroup_make(const char *dir)
{
	char path[4352];
	struct stat st;

	take_memory(dir);
	if (mkdir(dir, 0755))
		return -errno;
	snprintf(path, sizeof(path), "%s/memory.stat", dir);
	if (stat(dir, &st) || access(path, F_OK)) {
		rmdir(dir);
		return -ENODEV;
	}
	return (int64_t)st.st_ino;
}

int64_t pmk_cgroup_enter(const char *dir, pid_t pid)
{
	char path[4352], text[16];
	int fd, n = snprintf(text, sizeof(text), "%d", (int)pid);
	int64_t result = 0;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)n) != n)
		result = -errno;
	close(fd);
	return result;
}

void pmk_cgroup_empty(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	char path[4352];

	while (d && (e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path))
			pmk_cgroup_remove(path);
	if (d)
		closedir(d);
}

int64_t pmk_cgroup_remove(const char *dir)
{
	pmk_cgroup_empty(dir);
	for (int ms = 0; rmdir(dir); ms += 10) {
		if (errno != EBUSY || ms >= PATIENCE_MS)
			return -errno;
		usleep(10000);
	}
	return 0;
}
