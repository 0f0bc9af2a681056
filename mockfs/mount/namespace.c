/* namespace.c - a user, mount and PID namespace: see namespace.h. */
#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sysctls that forbid user namespaces, or what is needed in them, at a value. */
static const struct {
	const char *path, *name;
	long forbids;
} obstacle[] = {
	{ "/proc/sys/user/max_user_namespaces", "user.max_user_namespaces", 0 },
	{ "/proc/sys/kernel/unprivileged_userns_clone", "kernel.unprivileged_userns_clone", 0 },
	{ "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
	  "kernel.apparmor_restrict_unprivileged_userns", 1 },
};

static bool sysctl_is(const char *path, long value)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 && strtol(text, NULL, 10) == value;
}

void pmk_namespace_explain(struct pmk_error *err)
{
	size_t len = strlen(err->text);

	for (size_t i = 0; i < sizeof(obstacle) / sizeof(obstacle[0]); i++) {
		if (!sysctl_is(obstacle[i].path, obstacle[i].forbids))
			continue;
		snprintf(err->text + len, sizeof(err->text) - len, "; sysctl %s is %ld",
			 obstacle[i].name, obstacle[i].forbids);
		return;
	}
	if (access("/.dockerenv", F_OK) == 0)
		snprintf(err->text + len, sizeof(err->text) - len,
			 "; in Docker it takes --device /dev/fuse --cap-add SYS_ADMIN "
			 "--security-opt systempaths=unconfined");
}

static int write_file(const char *path, const char *format, ...)
{
	char text[64];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t written = write(fd, text, (size_t)n);
	int error = errno;
	close(fd);
	errno = error;
	return written == n ? 0 : -1;
}

/* One user and one group, which is what anybody may map. */
static int map_ids(bool keep_uid, uid_t uid, gid_t gid)
{
	/* setgroups() must be off before a group can be mapped (user_namespaces(7)). */
	if (write_file("/proc/self/setgroups", "deny") < 0 && errno != ENOENT)
		return -1;
	if (write_file("/proc/self/uid_map", "%u %u 1", keep_uid ? uid : 0, uid) < 0)
		return -1;
	return write_file("/proc/self/gid_map", "%u %u 1", keep_uid ? gid : 0, gid);
}

static int fail(struct pmk_error *err, const char *what)
{
	pmk_error_set(err, NULL, 0, 0, "%s: %s", what, strerror(errno));
	pmk_namespace_explain(err);
	return -1;
}

/*
 * The system call itself: a parent that unshared instead would be left in the namespaces.  The C library
 * is not told, but the parent has one thread and the child nothing to repair.
 */
static pid_t raw_clone(unsigned long flags)
{
#if defined(__s390x__)
	return (pid_t)syscall(SYS_clone, NULL, flags | SIGCHLD, NULL, NULL, NULL);
#else
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
#endif
}

pid_t pmk_namespace_fork(bool pids, bool keep_uid, bool *ret_user, struct pmk_error *err)
{
	unsigned long spaces = CLONE_NEWNS | (pids ? CLONE_NEWPID : 0);
	uid_t uid = geteuid();
	gid_t gid = getegid();
	pid_t pid = raw_clone(spaces);

	*ret_user = false;
	if (pid < 0 && errno != EPERM)
		return fail(err, "cannot make namespaces");
	if (pid < 0) {
		*ret_user = true;
		pid = raw_clone(CLONE_NEWUSER | spaces);
	}
	if (pid < 0)
		return fail(err, "cannot make a user namespace");
	if (pid > 0)
		return pid;
	if (*ret_user && map_ids(keep_uid, uid, gid) < 0)
		return fail(err, "cannot map the user into the user namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(err, "cannot make the mounts private");
	return 0;
}
