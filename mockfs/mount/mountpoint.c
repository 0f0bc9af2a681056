/* mountpoint.c - mounting, and what is mounted where: see mountpoint.h. */
#include "mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int open_device(struct pmk_error *err)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	fd = -errno;
	if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
		pmk_error_set(err, "/dev/fuse", 0, 0,
			      "not there: the fuse module is not loaded, or the container has no "
			      "such device");
	else
		pmk_error_set(err, "/dev/fuse", 0, 0,
			      "%s; it should be readable and writable for all", strerror(-fd));
	return fd;
}

int pmk_mountpoint_mount(const char *dir, size_t max_read, bool allow_other, struct pmk_error *err)
{
	char options[200];
	int fd = open_device(err);

	if (fd < 0)
		return fd == -EPERM ? -EACCES : fd;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40555,user_id=%u,group_id=%u,default_permissions,max_read=%zu%s",
		 fd, geteuid(), getegid(), max_read, allow_other ? ",allow_other" : "");
	if (mount("pmkit", dir, PMK_MOUNT_TYPE, MS_NOSUID | MS_NODEV | MS_NOEXEC, options) == 0)
		return fd;
	int error = errno;
	pmk_error_set(err, dir, 0, 0, "cannot mount: %s", strerror(error));
	close(fd);
	return -error;
}

/* mountinfo writes blanks, tabs, newlines and backslashes as \ooo. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* The device of the mock that is mounted last at dir; 0: something else is, or nothing. */
static dev_t mounted(const char *dir)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	dev_t dev = 0;

	while (f && getline(&line, &size, f) > 0) {
		unsigned major, minor;
		int at = 0, end = 0;

		/* ID parent major:minor root mountpoint options fields... - type source options */
		if (sscanf(line, "%*s %*s %u:%u %*s %n%*s%n", &major, &minor, &at, &end) < 2 ||
		    !end)
			continue;
		line[end] = '\0';
		unescape(line + at);
		if (strcmp(line + at, dir))
			continue;
		dev = strstr(line + end + 1, " - " PMK_MOUNT_TYPE " ") ? makedev(major, minor) : 0;
	}
	free(line);
	if (f)
		fclose(f);
	return dev;
}

enum pmk_mountpoint pmk_mountpoint_state(const char *dir)
{
	struct stat st;

	if (!mounted(dir))
		return PMK_MOUNTPOINT_FREE;
	if (stat(dir, &st) < 0 && (errno == ENOTCONN || errno == ECONNABORTED))
		return PMK_MOUNTPOINT_DEAD;
	return PMK_MOUNTPOINT_OURS;
}

bool pmk_mountpoint_has(const char *dir, dev_t dev)
{
	return dev && mounted(dir) == dev;
}

int pmk_mountpoint_detach(const char *dir)
{
	char *argv[] = { (char *)"fusermount3", (char *)"-uzq", (char *)"--", (char *)dir, NULL };
	pid_t pid;
	int status;

	if (umount2(dir, MNT_DETACH) == 0)
		return 0;
	if (errno != EPERM)
		return errno;
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ))
		return EPERM;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EPERM;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EPERM;
}
