/* SPDX-License-Identifier: MIT */
/* undo.c - lock, list and restoration of what a run changes on the machine. */
#define _GNU_SOURCE 1
#include "undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "swapfile.h"

#define PATIENCE_S 2 /* before saying who is waited for */

/* A directory of ours that others cannot write to: there a name can be trusted. */
static bool own_directory(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0700) && errno != EEXIST)
		return false;
	return !lstat(dir, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 022);
}

static bool find_directory(char *ret, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	snprintf(ret, size, "/run/pagemapkit");
	if (!geteuid() && own_directory(ret))
		return true;
	if (runtime && *runtime == '/') {
		snprintf(ret, size, "%s/pagemapkit", runtime);
		if (own_directory(ret))
			return true;
	}
	snprintf(ret, size, "/tmp/pagemapkit-%u", (unsigned)geteuid());
	return own_directory(ret);
}

static void name_holder(int fd)
{
	char holder[32] = "another";
	ssize_t n = pread(fd, holder, sizeof(holder) - 1, 0);

	if (n > 0)
		holder[strcspn(holder, "\n")] = 0;
	fprintf(stderr, "pmkit: waiting for process %s, which has changed this machine\n", holder);
}

static int take_lock(int fd, pid_t owner)
{
	char text[32];
	int n;

	for (int i = 0; i < PATIENCE_S * 20 && flock(fd, LOCK_EX | LOCK_NB); i++)
		usleep(50000);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		name_holder(fd);
		while (flock(fd, LOCK_EX))
			if (errno != EINTR)
				return -errno;
	}
	n = snprintf(text, sizeof(text), "%d\n", (int)owner);
	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
		return -errno;
	return 0;
}

int pmk_undo_open(struct pmk_undo *undo, pid_t owner, struct pmk_error *err)
{
	char dir[200], path[256];
	int r;

	undo->lock = -1;
	if (!find_directory(dir, sizeof(dir)))
		return pmk_error_set(err, NULL, 0, 0, "%s: %s", dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/lock", dir);
	undo->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (undo->lock < 0)
		return pmk_error_set(err, NULL, 0, 0, "%s: %s", path, strerror(errno));
	r = take_lock(undo->lock, owner);
	if (r) {
		close(undo->lock);
		undo->lock = -1;
		return pmk_error_set(err, NULL, 0, 0, "%s: %s", path, strerror(-r));
	}
	snprintf(undo->state, sizeof(undo->state), "%s/state", dir);
	pmk_undo_all(undo);
	return 0;
}

int pmk_undo_note(struct pmk_undo *undo, const char *what, const char *path, const char *value)
{
	char line[4608];
	int fd = open(undo->state, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	int n = snprintf(line, sizeof(line), "%s %s %s\n", what, path, value), r = 0;

	if (fd < 0)
		return -errno;
	if (n >= (int)sizeof(line))
		r = -ENAMETOOLONG;
	else if (write(fd, line, (size_t)n) != n)
		r = -EIO;
	close(fd);
	return r;
}

static void put_back(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		fprintf(stderr, "pmkit: %s could not be set back to %s\n", path, value);
	close(fd);
}

/* The file first, the line's own later: the last change is undone first. */
static void undo_lines(FILE *f)
{
	char line[4608], what[8], path[4352], value[128] = "";

	if (!fgets(line, sizeof(line), f))
		return;
	undo_lines(f);
	if (sscanf(line, "%7s %4351s %127[^\n]", what, path, value) < 2)
		return;
	if (!strcmp(what, "swap"))
		pmk_swapfile_off(path);
	else if (!strcmp(what, "set"))
		put_back(path, value);
	else if (!strcmp(what, "cgroup"))
		pmk_cgroup_remove(path);
}

void pmk_undo_all(struct pmk_undo *undo)
{
	FILE *f = fopen(undo->state, "re");

	if (!f)
		return;
	undo_lines(f);
	fclose(f);
	unlink(undo->state);
}

void pmk_undo_close(struct pmk_undo *undo)
{
	if (undo->lock < 0)
		return;
	pmk_undo_all(undo);
	close(undo->lock);
	undo->lock = -1;
}
