/* SPDX-License-Identifier: MIT */
/* filecall.c - system calls on the proc files, raw, with good and with bad buffers. */
#define _GNU_SOURCE	  1
#define _FILE_OFFSET_BITS 64
#include "filecall.h"
#include "filesyscall.h"
#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* More the kernel never transfers at once (MAX_RW_COUNT), so no buffer need be longer; on a 32-bit kernel no file here
 * has as much. */
#define LONGEST (sizeof(long) == 4 ? (size_t)1 << 28 : (size_t)INT_MAX + 1)

int64_t pmk_raw_result(long libc_result)
{
	return libc_result == -1 ? -errno : libc_result;
}

/* Memory that a call reads to. */
struct place {
	char *at; /* what the call is given */
	char *map; /* what was mapped for it; MAP_FAILED: nothing */
	size_t length;
};

static size_t page_round(uint64_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return ((size_t)n + page - 1) & ~(page - 1);
}

/* NORESERVE: the call may fill only its beginning. */
static int place_map(struct place *p, size_t length, int prot)
{
	p->length = length;
	p->map = mmap(NULL, length, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	p->at = p->map;
	return p->map == MAP_FAILED ? -errno : 0;
}

/* The first half of len bytes ends where nothing is mapped. */
static int place_half(struct place *p, size_t len)
{
	size_t first = len / 2, lower = page_round(first ? first : 1);
	int r = place_map(p, lower + page_round(len - first) + page_round(1),
			  PROT_READ | PROT_WRITE);

	if (r)
		return r;
	munmap(p->map + lower, p->length - lower);
	p->length = lower;
	p->at = p->map + lower - first;
	return 0;
}

static int place_unmapped(struct place *p, size_t len)
{
	int r = place_map(p, page_round(len) + page_round(1), PROT_NONE);

	if (r)
		return r;
	munmap(p->map, p->length);
	p->map = MAP_FAILED;
	return 0;
}

static int place_odd(struct place *p, size_t len)
{
	int r = place_map(p, page_round((uint64_t)len + 1), PROT_READ | PROT_WRITE);

	p->at++;
	return r;
}

/* An address of the kernel's half, or, where user and kernel have separate spaces, beyond the user's. */
static char *kernel_address(void)
{
	return (char *)(uintptr_t)(UINTPTR_MAX - 0xffffff);
}

static int place_make(struct place *p, enum pmk_buf kind, uint64_t count, void *room, size_t size)
{
	size_t len = count < LONGEST ? (size_t)count : LONGEST;

	*p = (struct place){ .at = room, .map = MAP_FAILED };
	switch (kind) {
	case PMK_BUF_NULL:
		p->at = NULL;
		return 0;
	case PMK_BUF_KERNEL:
		p->at = kernel_address();
		return 0;
	case PMK_BUF_UNMAPPED:
		return place_unmapped(p, len);
	case PMK_BUF_HALF:
		return place_half(p, len);
	case PMK_BUF_READONLY:
		return place_map(p, page_round(len ? len : 1), PROT_READ);
	case PMK_BUF_ODD:
		return place_odd(p, len);
	case PMK_BUF_OK:
		break;
	}
	return len <= size ? 0 : place_map(p, page_round(len), PROT_READ | PROT_WRITE);
}

/* Brings what was read to the room and gives the memory back. */
static void place_drop(struct place *p, int64_t result, void *room, size_t size)
{
	if (result > 0 && p->at != room && room)
		memcpy(room, p->at, (uint64_t)result < size ? (size_t)result : size);
	if (p->map != MAP_FAILED)
		munmap(p->map, p->length);
}

static int64_t read_at(int fd, void *buf, uint64_t count, int64_t pos)
{
#if __SIZEOF_LONG__ == 8
	return pmk_raw_result(syscall(SYS_pread64, fd, buf, count, pos));
#else
	return pmk_raw_result(pread(fd, buf, (size_t)count, pos));
#endif
}

static int64_t call_read(const struct pmk_request *r, int fd, void *room, size_t size)
{
	struct place p;
	int64_t result = place_make(&p, (enum pmk_buf)r->a[0], r->len, room, size);

	if (result)
		return result;
	if (r->code == PMK_REQ_PREAD)
		result = read_at(fd, p.at, r->len, r->pos);
	else
		result = pmk_raw_result(syscall(SYS_read, fd, p.at, (size_t)r->len));
	place_drop(&p, result, room, size);
	return result;
}

/* Segments lie one behind the other, so that the bytes come out as one piece. */
static int64_t call_readv(const struct pmk_request *r, int fd, void *room, size_t size)
{
	struct iovec iov[PMK_SEGMENTS_MAX];
	uint64_t total = 0;
	struct place p;
	int64_t result;

	for (unsigned i = 0; i < r->nseg && i < PMK_SEGMENTS_MAX; i++)
		total += r->seg[i] < LONGEST ? r->seg[i] : LONGEST;
	result = place_make(&p, PMK_BUF_OK, total, room, size);
	if (result)
		return result;
	total = 0;
	for (unsigned i = 0; i < r->nseg && i < PMK_SEGMENTS_MAX; i++) {
		iov[i] = (struct iovec){ p.at + total, (size_t)r->seg[i] };
		total += r->seg[i];
	}
	if (r->code == PMK_REQ_READV)
		result = syscall(SYS_readv, fd, iov, (unsigned long)r->nseg);
	else /* the upper half counts where a long has 32 bits, and is shifted out elsewhere */
		result = syscall(SYS_preadv, fd, iov, (unsigned long)r->nseg, (long)r->pos,
				 (long)(r->pos >> 32));
	result = pmk_raw_result((long)result);
	place_drop(&p, result, room, size);
	return result;
}

static int64_t call_lseek(const struct pmk_request *r, int fd)
{
#if __SIZEOF_LONG__ == 8
	return pmk_raw_result(syscall(SYS_lseek, fd, r->pos, (int)r->a[0]));
#else
	int64_t at = 0;
	long result = syscall(SYS__llseek, fd, (unsigned long)((uint64_t)r->pos >> 32),
			      (unsigned long)r->pos, &at, (unsigned)r->a[0]);

	return result ? pmk_raw_result(result) : at;
#endif
}

/* ---- ioctls with an argument -------------------------------------------------------------------- */

/* Puts an argument there, as far as one can be. */
static void place_fill(const struct place *p, enum pmk_buf kind, const void *from, size_t n)
{
	if (kind == PMK_BUF_READONLY)
		mprotect(p->map, p->length, PROT_READ | PROT_WRITE);
	if (kind == PMK_BUF_OK || kind == PMK_BUF_ODD || kind == PMK_BUF_READONLY)
		memcpy(p->at, from, n);
	if (kind == PMK_BUF_READONLY)
		mprotect(p->map, p->length, PROT_READ);
}

/* Takes what can be seen of it now, and gives the memory back. */
static void place_take(struct place *p, enum pmk_buf kind, void *to, size_t n)
{
	if (kind == PMK_BUF_ODD || kind == PMK_BUF_READONLY)
		memcpy(to, p->at, n);
	if (p->map != MAP_FAILED)
		munmap(p->map, p->length);
}

/* The buffer of a vector or a name: in the room where it is good and fits. */
static int place_answer(struct place *p, enum pmk_buf kind, uint64_t count, void *room, size_t size)
{
	return place_make(p, kind, count, room, room ? size : 0);
}

static int64_t call_scan(const struct pmk_request *r, int fd, char *room, size_t size)
{
	const size_t one = sizeof(struct pmk_scan_region);
	enum pmk_buf vec_kind = (enum pmk_buf)r->a[0], arg_kind = (enum pmk_buf)r->a[1];
	uint64_t bytes = r->scan.vec_len > UINT64_MAX / one ? UINT64_MAX : r->scan.vec_len * one;
	size_t head = sizeof(r->scan), left = size > head ? size - head : 0;
	struct pmk_scan_arg arg = r->scan, own;
	struct place vec = { .map = MAP_FAILED }, at;
	int64_t result = 0;

	if (arg.vec)
		result = place_answer(&vec, vec_kind, bytes, left ? room + head : NULL, left);
	if (result)
		return result;
	arg.vec = (uintptr_t)vec.at;
	result = place_make(&at, arg_kind, sizeof(arg), &own, sizeof(own));
	if (!result) {
		place_fill(&at, arg_kind, &arg, sizeof(arg));
		result = pmk_raw_result(syscall(SYS_ioctl, fd, PMK_PAGEMAP_SCAN, at.at));
		if (arg_kind == PMK_BUF_OK)
			arg = own;
		place_take(&at, arg_kind, &arg, sizeof(arg));
	}
	if (arg.vec)
		place_drop(&vec, result > 0 ? result * (int64_t)one : 0, left ? room + head : NULL,
			   left);
	if (size >= head)
		memcpy(room, &arg, head);
	return result;
}

static int64_t call_procmap_query(const struct pmk_request *r, int fd, char *room, size_t size)
{
	enum pmk_buf name_kind = (enum pmk_buf)r->a[0], arg_kind = (enum pmk_buf)r->a[1];
	size_t head = sizeof(r->query), left = size > head ? size - head : 0;
	struct pmk_procmap_query query = r->query;
	struct place name = { .map = MAP_FAILED }, at;
	char arg[8192], own[8192], id[8192] = { 0 };
	int64_t result = 0;

	if (query.vma_name_addr)
		result = place_answer(&name, name_kind,
				      query.vma_name_size < sizeof(arg) ? query.vma_name_size
									: sizeof(arg),
				      left ? room + head : NULL, left);
	if (result)
		return result;
	query.vma_name_addr = (uintptr_t)name.at;
	query.build_id_addr = query.build_id_addr ? (uintptr_t)id : 0;
	memset(arg, (int)r->a[2], sizeof(arg));
	memcpy(arg, &query, sizeof(query));
	result = place_make(&at, arg_kind, sizeof(arg), own, sizeof(own));
	if (!result) {
		place_fill(&at, arg_kind, arg, sizeof(arg));
		result = pmk_raw_result(syscall(SYS_ioctl, fd, PMK_PROCMAP_QUERY, at.at));
		memcpy(arg, arg_kind == PMK_BUF_OK ? own : arg, sizeof(arg));
		place_take(&at, arg_kind, arg, sizeof(arg));
	}
	if (query.vma_name_addr)
		place_drop(&name,
			   result ? 0 : ((struct pmk_procmap_query *)(void *)arg)->vma_name_size,
			   left ? room + head : NULL, left);
	if (size >= head)
		memcpy(room, arg, head);
	if (size >= PMK_QUERY_ANSWER)
		memcpy(room + PMK_QUERY_ID_AT, id, PMK_QUERY_ANSWER - PMK_QUERY_ID_AT);
	return result;
}

int64_t pmk_filecall(const struct pmk_request *r, int fd, void *room, size_t size)
{
	char link[PATH_MAX];

	switch (r->code) {
	case PMK_REQ_PREAD:
	case PMK_REQ_READFD:
		return call_read(r, fd, room, size);
	case PMK_REQ_READV:
	case PMK_REQ_PREADV:
		return call_readv(r, fd, room, size);
	case PMK_REQ_LSEEK:
		return call_lseek(r, fd);
	case PMK_REQ_WRITEFD:
		return pmk_raw_result(syscall(SYS_write, fd, room, (size_t)r->len));
	case PMK_REQ_IOCTL:
		return pmk_raw_result(syscall(SYS_ioctl, fd, (unsigned)r->a[0], 0l));
	case PMK_REQ_SCAN:
		return call_scan(r, fd, room, size);
	case PMK_REQ_MAP_FILE: /* the path is in the room */
		return readlink(room, link, sizeof(link)) < 0 ? -errno : 0;
	case PMK_REQ_SYSCALL:
		return pmk_filesyscall((enum pmk_syscall)r->a[0], fd, (size_t)r->a[1]);
	case PMK_REQ_PROCMAP_QUERY:
		return call_procmap_query(r, fd, room, size);
	case PMK_REQ_CLOSE:
		return pmk_raw_result(syscall(SYS_close, fd));
	default:
		return -ENOSYS;
	}
}

int64_t pmk_filecall_open(int dir, const char *path, int64_t flags)
{
	return pmk_raw_result(syscall(SYS_openat, dir, path, (int)flags | O_LARGEFILE, 0600));
}
