/* overlay.c - the mock over /proc: see overlay.h. */
#include "overlay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "namespace.h"

#define REAL_PROC ".pmkit" /* in the mount, not listed */

/* The real proc of the new PID namespace at /proc: its directory, or -1 and *err. */
static int mount_real_proc(struct pmk_error *err)
{
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
		pmk_error_set(err, "/proc", 0, 0, "cannot mount a new proc: %s%s", strerror(errno),
			      errno == EPERM ? "; the present one may be partly hidden" : "");
		pmk_namespace_explain(err);
		return -1;
	}
	return open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

#define BIND_TRIES 10

/*
 * Shows the real proc, which /proc now covers, in the mock's own directory.  Not recursively: what
 * covers it is a mount on it.  mount(2) says ENOENT if the directory's dentry was dropped between its lookup
 * and the mounting (d_set_mounted()): seen once in some thousand runs on a machine short of everything.
 */
static int bind_real_proc(int proc_fd, struct pmk_error *err)
{
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = fchdir(proc_fd);

	for (int tries = 0; rc == 0 && tries < BIND_TRIES; tries++) {
		rc = mount(".", "/proc/" REAL_PROC, NULL, MS_BIND, NULL);
		if (rc == 0 || errno != ENOENT || tries == BIND_TRIES - 1)
			break;
		rc = 0;
	}
	if (rc < 0)
		pmk_error_set(err, "/proc", 0, 0, "cannot bind the real proc: %s", strerror(errno));
	if (here >= 0 && fchdir(here) < 0 && rc == 0)
		rc = pmk_error_set(err, "/proc", 0, 0, "cannot go back: %s", strerror(errno));
	if (here >= 0)
		close(here);
	return rc;
}

#define MM	  "/sys/kernel/mm"
#define PAGE_IDLE MM "/page_idle"

/* A writable copy of /sys/kernel/mm, which is a mount with what was in it mounted in it. */
static bool copy_mm(void)
{
	DIR *old = opendir(MM);
	bool ok = old && fchdir(dirfd(old)) == 0 &&
		  mount("none", MM, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755") == 0;

	for (struct dirent *e; ok && (e = readdir(old));) {
		char path[sizeof(MM) + NAME_MAX + 1];

		if (e->d_name[0] == '.' || e->d_type != DT_DIR)
			continue;
		snprintf(path, sizeof(path), MM "/%s", e->d_name);
		if (mkdir(path, 0755) == 0)
			mount(e->d_name, path, NULL, MS_BIND, NULL);
	}
	if (old)
		closedir(old);
	return ok && mkdir(PAGE_IDLE, 0755) == 0;
}

/*
 * The page_idle of the script's kernel over the real one, or beside what else is in /sys/kernel/mm, or, where the
 * script's kernel has none, nothing there.  Without a /sys, or the right, it is in the mount alone.
 */
static void show_page_idle(void)
{
	static const char ours[] = "/proc/" PMK_SYSFS "/kernel/mm/page_idle";
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool there = access(PAGE_IDLE, F_OK) == 0;

	if (access(ours, F_OK) == 0) {
		if (there || copy_mm())
			mount(ours, PAGE_IDLE, NULL, MS_BIND, NULL);
	} else if (there) {
		mount("none", PAGE_IDLE, "tmpfs", MS_RDONLY, "mode=0755");
	}
	if (here >= 0 && fchdir(here) == 0)
		close(here);
}

int pmk_overlay_start(struct pmk_machine **machine, pthread_mutex_t *lock,
		      struct pmk_mount_options *options, struct pmk_mount **ret, int *ret_proc_fd,
		      struct pmk_error *err)
{
	int proc_fd = mount_real_proc(err);

	if (proc_fd < 0)
		return PMK_MOUNT_CANNOT;
	options->dir = "/proc";
	options->real_proc = REAL_PROC;
	options->proc_fd = proc_fd;
	int rc = pmk_mount_start(machine, lock, options, ret, err);
	if (rc == PMK_MOUNT_CANNOT)
		pmk_namespace_explain(err);
	if (rc < 0)
		return rc;
	if (bind_real_proc(proc_fd, err) < 0)
		return PMK_MOUNT_FAILED;
	show_page_idle();
	*ret_proc_fd = proc_fd;
	return 0;
}
