/* SPDX-License-Identifier: MIT */
/* procread.c - reads the files of a /proc. */
#include "procread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
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

/* ---- extents ------------------------------------------------------------------------------------ */

#define WORTH_A_SCAN 512 /* pages: fewer are read as fast */
#define SOMETHING    (PMK_SCAN_PRESENT_MASK | PMK_SCAN_SWAPPED_MASK)

/* The first few regions of [start, end) that are there: how many, or -1. */
static int scan(int fd, uint64_t start, uint64_t end, struct pmk_scan_region *ret, size_t n,
		uint64_t *ret_walked)
{
	struct pmk_scan_arg arg = { .size = sizeof(arg),
				    .start = start,
				    .end = end,
				    .vec = (uintptr_t)ret,
				    .vec_len = n,
				    .category_anyof_mask = SOMETHING,
				    .return_mask = SOMETHING };
	int found = ioctl(fd, PMK_SCAN_IOCTL, &arg);

	*ret_walked = arg.walk_end;
	return found;
}

/*
 * Whether a page that nobody has touched shows nothing at all.  In a new mapping of a kernel with soft-dirty bits it
 * does.  A page that was touched must show: where it does not, this is no /proc of ours, and nothing is known.
 */
static bool holes_are_zero(const char *root, uint64_t page_size)
{
	int fd = pmk_proc_open(root, 0, "self/pagemap");
	char *map = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	uint64_t word[2] = { 0, 1 };

	if (map != MAP_FAILED) {
		*(volatile char *)map = 1;
		if (fd >= 0)
			pmk_proc_words(fd, (uintptr_t)map / page_size, 2, word);
		munmap(map, 2 * page_size);
	}
	if (fd >= 0)
		close(fd);
	return word[0] & PMK_PAGEMAP_PRESENT_MASK && !word[1];
}

void pmk_proc_extents_init(struct pmk_proc_extents *e, const char *root, int fd, uint64_t page_size)
{
	uint64_t walked;

	*e = (struct pmk_proc_extents){ .fd = fd, .page_size = page_size };
	e->usable = scan(fd, 0, page_size, e->region, 1, &walked) >= 0 &&
		    holes_are_zero(root, page_size);
}

uint64_t pmk_proc_extents_next(struct pmk_proc_extents *e, uint64_t page, uint64_t end,
			       uint64_t *ret_end)
{
	*ret_end = end;
	if (!e->usable || end - page <= WORTH_A_SCAN)
		return page;
	for (;;) {
		for (; e->at < e->n; e->at++) {
			uint64_t first = e->region[e->at].start / e->page_size,
				 last = e->region[e->at].end / e->page_size;

			if (last <= page)
				continue;
			if (first >= end)
				return end;
			*ret_end = last < end ? last : end;
			return first > page ? first : page;
		}
		if (e->walked >= end)
			return end;
		uint64_t from = e->walked > page ? e->walked : page, walked;
		int n = scan(e->fd, from * e->page_size, end * e->page_size, e->region,
			     sizeof(e->region) / sizeof(*e->region), &walked);
		if (n < 0)
			return e->usable = false, page;
		e->at = 0;
		e->n = (size_t)n;
		e->walked = walked / e->page_size;
	}
}

/* ---- texts -------------------------------------------------------------------------------------- */

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
