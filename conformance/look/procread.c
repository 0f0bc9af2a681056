/* SPDX-License-Identifier: MIT */
/* procread.c - reads the files of a /proc. */
#include "procread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "alloc.h"

int pmk_proc_open(const char *root, pid_t pid, const char *name)
{
	char path[4096];
	int fd;

	if (pid)
		snprintf(path, sizeof(path), "%s/%ld/%s", root, (long)pid, name);
	else
		snprintf(path, sizeof(path), "%s/%s", root, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int64_t pmk_proc_words(int fd, uint64_t at, size_t n, uint64_t *ret)
{
	size_t got = 0;

	while (got < n * 8) {
		ssize_t result = pread(fd, (char *)ret + got, n * 8 - got, (off_t)(at * 8 + got));

		if (result < 0 && errno == EINTR)
			continue;
		if (result < 0)
			return got >= 8 ? (int64_t)(got / 8) : -errno;
		if (result == 0)
			break;
		got += (size_t)result;
	}
	return (int64_t)(got / 8);
}

char *pmk_proc_text(int fd, int64_t *ret_len)
{
	size_t size = 65536, len = 0;
	char *text = pmk_alloc(size);
	ssize_t result;

	while ((result = read(fd, text + len, size - len)) != 0) {
		if (result < 0 && errno == EINTR)
			continue;
		if (result < 0) {
			*ret_len = -errno;
			free(text);
			return NULL;
		}
		len += (size_t)result;
		if (len == size)
			text = pmk_realloc(text, size *= 2, 1);
	}
	*ret_len = (int64_t)len;
	return text;
}
