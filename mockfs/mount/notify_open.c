/* notify_open.c - which mocked file a path means, in the eyes of the caller: see notify_impl.h. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "notify_impl.h"

/* A directory of a proc: / (pid 0) or PID, with or without task/TID. */
struct place {
	int pid;
	bool task;
};

/* "", "PID" or "PID/task/TID", what follows proc's mount point; false: another directory. */
static bool parse_place(const char *s, struct place *ret)
{
	int pid = 0, tid = 0, end = 0;

	*ret = (struct place){ 0, false };
	if (!*s)
		return true;
	if (sscanf(s, "%d%n", &pid, &end) == 1 && pid > 0 && !s[end]) {
		ret->pid = pid;
		return true;
	}
	if (sscanf(s, "%d/task/%d%n", &pid, &tid, &end) != 2 || pid <= 0 || tid <= 0 || s[end])
		return false;
	*ret = (struct place){ pid, true };
	return true;
}

/* Follows the directory as the kernel would, links, ".." and all, and asks where that has led. */
static bool follow(struct pmk_notify *n, int tid, int dir_fd, const char *dir, long magic,
		   char where[PATH_MAX])
{
	char path[PATH_MAX + 160], link[64];
	struct statfs fs;

	if (dir[0] == '/')
		snprintf(path, sizeof(path), "%d/root%s", tid, dir);
	else if (dir_fd == AT_FDCWD)
		snprintf(path, sizeof(path), "%d/cwd/%s", tid, dir);
	else
		snprintf(path, sizeof(path), "%d/fd/%d/%s", tid, dir_fd, dir);
	int fd = openat(n->proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	snprintf(link, sizeof(link), "self/fd/%d", fd);
	ssize_t len = readlinkat(n->proc_fd, link, where, PATH_MAX - 1);
	bool there = fstatfs(fd, &fs) == 0 && fs.f_type == magic;
	close(fd);
	if (len < 0 || !there)
		return false;
	where[len] = '\0';
	return true;
}

/* A directory of proc; "self" has led to ourselves, who stand for the caller. */
static bool follow_proc(struct pmk_notify *n, int tid, int caller, int dir_fd, const char *dir,
			struct place *ret)
{
	char where[PATH_MAX];

	if (!follow(n, tid, dir_fd, dir, PROC_SUPER_MAGIC, where))
		return false;
	if (strncmp(where, "/proc", 5) || !parse_place(where + 5 + (where[5] == '/'), ret))
		return false;
	if (ret->pid == getpid())
		ret->pid = caller;
	return true;
}

/* "self" and "thread-self" under /proc are the caller's own; PIDs that only the script has are no directories. */
static bool find_place(struct pmk_notify *n, int tid, int caller, int dir_fd, const char *dir,
		       struct place *ret)
{
	static const char self[] = "/proc/self", thread[] = "/proc/thread-self";
	char own[PATH_MAX + 64];

	if (!strncmp(dir, self, sizeof(self) - 1) && strchr("/", dir[sizeof(self) - 1])) {
		snprintf(own, sizeof(own), "/proc/%d%s", caller, dir + sizeof(self) - 1);
		dir = own;
	} else if (!strcmp(dir, thread)) {
		snprintf(own, sizeof(own), "/proc/%d/task/%d", caller, tid);
		dir = own;
	}
	return follow_proc(n, tid, caller, dir_fd, dir, ret) ||
	       (!strncmp(dir, "/proc/", 6) && parse_place(dir + 6, ret));
}

/* Whether it is this directory of sysfs, which need not be there. */
static bool is_of_sysfs(struct pmk_notify *n, int tid, int dir_fd, const char *dir,
			const char *sysfs)
{
	static const char sys[] = "/sys/";
	char where[PATH_MAX];

	return (!strncmp(dir, sys, sizeof(sys) - 1) && !strcmp(dir + sizeof(sys) - 1, sysfs)) ||
	       (follow(n, tid, dir_fd, dir, SYSFS_MAGIC, where) &&
		!strncmp(where, sys, sizeof(sys) - 1) && !strcmp(where + sizeof(sys) - 1, sysfs));
}

static bool find_file(const char *name, enum pmk_file *ret)
{
	for (enum pmk_file file = 0; file < PMK_FILE_COUNT; file++)
		if (!strcmp(pmk_proc_file[file].name, name)) {
			*ret = file;
			return true;
		}
	return false;
}

/* A number of /proc/PID/status: the parent (PPid) or the user (Uid, the effective one). */
static long status_number(struct pmk_notify *n, int pid, const char *key, const char *format)
{
	char path[32], text[1024], *at;
	long value = -1;

	snprintf(path, sizeof(path), "%d/status", pid);
	int fd = openat(n->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	at = strstr(text, key);
	return at && sscanf(at + strlen(key), format, &value) == 1 ? value : -1;
}

/* Whether it is one of the command's processes: we take those that have lost their parent (subreaper). */
static bool is_ours(struct pmk_notify *n, int pid)
{
	while (pid > 1 && pid != getpid())
		pid = (int)status_number(n, pid, "\nPPid:", "%ld");
	return pid == getpid();
}

/* The machine's process that is shown at a real PID, or 0: what is there is the kernel's. */
static int shown_at(struct pmk_notify *n, int pid, bool *ret_real)
{
	struct pmk_proc_stat st;

	*ret_real = pid != getpid() && is_ours(n, pid);
	if (*ret_real)
		return n->opt.first_pid;
	pthread_mutex_lock(n->lock);
	bool scripted = pmk_proc_stat(*n->machine, PMK_FILE_MAPS, pid, &st) == 0;
	pthread_mutex_unlock(n->lock);
	return scripted ? pid : 0;
}

static bool is_the_kernels(const struct pmk_notify *n, enum pmk_file file, bool real)
{
	enum pmk_proc_of of = pmk_proc_file[file].of;

	return real && (of == PMK_OF_PROCESS || (of == PMK_OF_MAPS && n->opt.real_maps));
}

/* Our own user stands for the user of scripted processes, "always" for root; others are who they are. */
static struct pmk_cred cred_of(struct pmk_notify *n, int tid, int caller, enum pmk_file file,
			       int pid)
{
	struct pmk_cred cred = { 0 };
	struct pmk_proc_stat st;

	cred.uid = (uint32_t)status_number(n, caller, "\nUid:", "%*d %ld");
	cred.caps = pmk_caller_rights(n->proc_fd, tid, n->userns, n->opt.privilege);
	if (n->opt.privilege == PMK_PRIVILEGE_ALWAYS)
		cred = (struct pmk_cred){ 0, PMK_CAP_ALL };
	else if (pmk_proc_file[file].per_pid && cred.uid == n->uid &&
		 pmk_proc_stat(*n->machine, file, pid, &st) == 0 && st.uid != cred.uid)
		cred = (struct pmk_cred){ st.uid, cred.caps | PMK_CAP_SYS_PTRACE };
	return cred;
}

int pmk_notify_open(struct pmk_notify *n, int tid, int dir_fd, const char *path, int flags,
		    struct pmk_notify_file *ret)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char dir[PATH_MAX];
	struct place place = { 0, false };
	enum pmk_file file;
	bool real = true;
	int pid = 0;

	if (!find_file(name, &file) || (flags & (O_PATH | O_DIRECTORY)))
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", (int)(name - path), path);
	for (size_t len = strlen(dir); len > 1 && dir[len - 1] == '/'; len--)
		dir[len - 1] = '\0';
	int caller = pmk_caller_process(n->proc_fd, tid);
	if (pmk_proc_file[file].sysfs) {
		if (!is_of_sysfs(n, tid, dir_fd, dir[0] ? dir : ".", pmk_proc_file[file].sysfs))
			return 0;
	} else if (!find_place(n, tid, caller, dir_fd, dir[0] ? dir : ".", &place) ||
		   pmk_proc_file[file].per_pid != (place.pid != 0)) {
		return 0;
	}
	if (place.pid && !(pid = shown_at(n, place.pid, &real)))
		return 0;
	if (is_the_kernels(n, file, real))
		return 0;
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	ret->flags = flags;
	pthread_mutex_lock(n->lock);
	struct pmk_cred cred = cred_of(n, tid, caller, file, pid);
	int rc = pmk_handle_open(*n->machine, file, pid, flags & (O_ACCMODE | O_DIRECT), &cred,
				 place.pid == caller, &ret->handle);
	pthread_mutex_unlock(n->lock);
	ret->uid = place.pid ? n->uid : 0;
	return rc < 0 ? rc : 1;
}
