/* SPDX-License-Identifier: MIT */
/* swapfile.c - mkswap(8), swapon(8) and swapoff(8), as far as a run needs them. */
#define _GNU_SOURCE 1
#include "swapfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/swap.h>
#include <unistd.h>

#include "object.h"

bool pmk_swap_active(void)
{
	FILE *f = fopen("/proc/swaps", "re");
	char line[512];
	int lines = 0;

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		lines++;
	fclose(f);
	return lines > 1; /* the first is a heading */
}

/* union swap_header of the kernel: version, last page and number of bad pages at 1024, the magic at the
 * end of the first page, all in the machine's byte order. */
static int write_header(int fd, uint64_t size)
{
	long page = sysconf(_SC_PAGESIZE);
	uint32_t info[3] = { 1, (uint32_t)(size / (uint64_t)page - 1), 0 };

	if (pwrite(fd, info, sizeof(info), 1024) != sizeof(info) ||
	    pwrite(fd, "SWAPSPACE2", 10, page - 10) != 10 || fsync(fd))
		return errno ? -errno : -EIO;
	return 0;
}

/* Btrfs swaps only to files that it does not copy on write; other file systems refuse the flag. */
static void no_copy_on_write(int fd)
{
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return;
	flags |= FS_NOCOW_FL;
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

int pmk_swapfile_on(const char *path, uint64_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	no_copy_on_write(fd);
	r = pmk_object_fill(fd, size, 0);
	if (!r)
		r = write_header(fd, size);
	close(fd);
	if (!r && swapon(path, 0))
		r = -errno;
	if (r)
		unlink(path);
	return r;
}

void pmk_swapfile_off(const char *path)
{
	swapoff(path);
	unlink(path);
}
