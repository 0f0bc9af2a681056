/* SPDX-License-Identifier: MIT */
/* operations.c - the operations of operations.def: what their expressions call, and performing them. */
#define _GNU_SOURCE	  1
#define _FILE_OFFSET_BITS 64
#include "operations.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "pagemapkit.h"
#include "scan.h"

/* What the expressions of the table name. */
static char path[128], new_name[128], below[160];
static char *b; /* a buffer of ROOM bytes */
static int64_t end; /* where pagemap or kpage* ends */
static char *volatile nowhere; /* NULL, which the compiler need not know */
#define ROOM	       (80u << 20)
#define HEAP	       0x20000000ull
#define HEAP_END       (HEAP + 16ull * (uint64_t)sysconf(_SC_PAGESIZE))
#define kernel_address ((void *)~(UINTPTR_MAX >> 1)) /* the upper half */

/* ---- reads ---- */

static ssize_t read_from(int fd, int64_t pos, size_t count)
{
	lseek(fd, pos, SEEK_SET);
	return read(fd, b, count);
}

static off_t position_after(int fd, int64_t pos, size_t count)
{
	if (read_from(fd, pos, count) < 0)
		errno = 0;
	return lseek(fd, 0, SEEK_CUR);
}

#define SIZES(...) \
	(const size_t[]){ __VA_ARGS__ }, sizeof((const size_t[]){ __VA_ARGS__ }) / sizeof(size_t)

static int segments(struct iovec iov[8], const size_t *size, size_t n)
{
	for (size_t i = 0; i < n; i++)
		iov[i] = (struct iovec){ b + i * (4u << 20), size[i] };
	return (int)n;
}

static ssize_t preadv_of(int fd, const size_t *size, size_t n)
{
	struct iovec iov[8];

	return preadv(fd, iov, segments(iov, size, n), 0);
}

static ssize_t readv_of(int fd, const size_t *size, size_t n)
{
	struct iovec iov[8];

	lseek(fd, 8, SEEK_SET);
	return readv(fd, iov, segments(iov, size, n));
}

static off_t position_after_readv(int fd, const size_t *size, size_t n)
{
	readv_of(fd, size, n);
	return lseek(fd, 0, SEEK_CUR);
}

/* 1024 segments of 8 bytes, one of them of `odd`. */
static ssize_t many_segments(int fd, size_t odd)
{
	static struct iovec many[1024];

	for (size_t i = 0; i < 1024; i++)
		many[i] = (struct iovec){ b + i * 8192 + 1, 8 };
	many[700].iov_len = odd;
	return preadv(fd, many, 1024, 0);
}

enum fault { PREAD, READ, SECOND_SEGMENT, READ_ONLY };

/* A buffer of which the first `good` bytes are there. */
static ssize_t faulty(enum fault how, int fd, size_t good, size_t count)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = (good + page - 1) / page * page;
	char *p = mmap(NULL, len + page * 8, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov[2] = { { b, 64 }, { p + len - good, count } };
	ssize_t n;

	if (p == MAP_FAILED)
		return -1;
	if (len)
		mprotect(p, len, how == READ_ONLY ? PROT_READ : PROT_READ | PROT_WRITE);
	if (how == SECOND_SEGMENT)
		n = preadv(fd, iov, 2, 0);
	else if (how == READ)
		n = read(fd, p + len - good, count);
	else
		n = pread(fd, p + len - good, count, 0);
	int error = errno;
	munmap(p, len + page * 8);
	errno = error;
	return n;
}

/* 1: the read gives whole lines, at most a page of them. */
static int whole_lines(int fd, size_t count)
{
	ssize_t n = read(fd, b, count);

	return n > 0 && n <= sysconf(_SC_PAGESIZE) && b[n - 1] == '\n';
}

static uint64_t entry_flags(int fd, uint64_t addr)
{
	uint64_t entry = 0, page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (pread(fd, &entry, 8, (off_t)(addr / page * 8)) != 8)
		return UINT64_MAX;
	return entry >> 55;
}

/* ---- writes ---- */

static ssize_t write_text(int fd, const char *text)
{
	return write(fd, text, strlen(text));
}

static off_t position_after_write(int fd, const char *text)
{
	write_text(fd, text);
	return lseek(fd, 0, SEEK_CUR);
}

static ssize_t write_segments(int fd, const char *one, const char *two)
{
	struct iovec iov[2] = { { (void *)(uintptr_t)one, strlen(one) },
				{ (void *)(uintptr_t)two, strlen(two) } };

	return writev(fd, iov, 2);
}

/* ---- names and attributes ---- */

static int try_open(const char *name, int flags)
{
	int fd = open(name, flags, 0600);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static struct stat stat_of(int fd)
{
	struct stat st = { .st_nlink = 99 };

	fstat(fd, &st);
	return st;
}

static struct statfs statfs_of(int fd)
{
	struct statfs fs = { .f_namelen = -99 };

	fstatfs(fd, &fs);
	return fs;
}

/* 1: made when it was first looked up. */
static int is_recent(int fd)
{
	return time(NULL) - stat_of(fd).st_mtime < 60;
}

static int name_to_handle(const char *name)
{
	struct {
		struct file_handle h;
		char bytes[128];
	} handle = { .h.handle_bytes = 128 };
	int mount_id;

	return name_to_handle_at(AT_FDCWD, name, &handle.h, &mount_id, 0);
}

/* ---- waiting, descriptors, copies ---- */

static int poll_for(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = (short)events };
	int n = poll(&p, 1, 0);

	return n < 0 ? -1 : p.revents;
}

static int select_readable(int fd)
{
	struct timeval none = { 0, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, &none);
}

static int epoll_add(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0), n = epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	int error = errno;

	close(epoll);
	errno = error;
	return n;
}

static int set_lock(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETFL) & O_WRONLY)
		lock.l_type = F_WRLCK;
	return fcntl(fd, F_SETLK, &lock);
}

static ssize_t pread_and_close(int fd)
{
	ssize_t n = pread(fd, b, 8, 0);
	int error = errno;

	close(fd);
	errno = error;
	return n;
}

static ssize_t pread_dup(int fd)
{
	return pread_and_close(dup(fd));
}

static ssize_t reopened(int fd)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return pread_and_close(open(name, O_RDONLY));
}

static ssize_t copy_range(int fd)
{
	int to = memfd_create("to", 0);
	ssize_t n = copy_file_range(fd, NULL, to, NULL, 8, 0);
	int error = errno;

	close(to);
	errno = error;
	return n;
}

static ssize_t send_from(int fd)
{
	int to = memfd_create("to", 0);
	ssize_t n = sendfile(to, fd, NULL, 4096);
	int error = errno;

	close(to);
	errno = error;
	return n;
}

static ssize_t splice_from(int fd)
{
	int pipes[2];

	if (pipe(pipes) < 0)
		return -1;
	ssize_t n = splice(fd, NULL, pipes[1], NULL, 4096, 0);
	int error = errno;
	close(pipes[0]);
	close(pipes[1]);
	errno = error;
	return n;
}

static ssize_t read_flagged(int fd, int64_t pos, int flags)
{
	struct iovec iov = { b, 8 };

	return preadv2(fd, &iov, 1, pos, flags);
}

static int try_exec(int fd)
{
	return fexecve(fd, (char *[]){ b, NULL }, (char *[]){ NULL });
}

static int map_of(int fd, int flags)
{
	void *p = mmap(NULL, 4096, PROT_READ, flags, fd, 0);

	if (p == MAP_FAILED)
		return -1;
	munmap(p, 4096);
	return 0;
}

/* ---- ioctls ---- */

static int available(int fd, int64_t pos)
{
	int n = -99;

	lseek(fd, pos, SEEK_SET);
	return ioctl(fd, FIONREAD, &n) < 0 ? -1 : n == -1 ? INT_MIN : n;
}

enum { NO_VECTOR = 1, BAD_VECTOR, READ_ONLY_VECTOR, SMALL, UNKNOWN_FLAG };

static int scan_with(int fd, uint64_t from, uint64_t to, int how, struct pmk_scan_arg *arg)
{
	char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int n;

	*arg = (struct pmk_scan_arg){ .size = how == SMALL ? 88 : sizeof(*arg),
				      .flags = how == UNKNOWN_FLAG ? 8 : 0,
				      .start = from,
				      .end = to,
				      .vec = (uintptr_t)b,
				      .vec_len = 64,
				      .category_anyof_mask = PMK_SCAN_PRESENT_MASK,
				      .return_mask = PMK_SCAN_PRESENT_MASK };
	if (how == NO_VECTOR)
		arg->vec = arg->vec_len = 0;
	if (how == BAD_VECTOR)
		arg->vec = 64 * 1024; /* nothing is there */
	if (how == READ_ONLY_VECTOR)
		arg->vec = (uintptr_t)p;
	n = ioctl(fd, PMK_PAGEMAP_SCAN, arg);
	int error = errno;
	munmap(p, 4096);
	errno = error;
	return n;
}

static int scan(int fd, uint64_t from, uint64_t to, int how)
{
	struct pmk_scan_arg arg;

	return scan_with(fd, from, to, how, &arg);
}

static uint64_t scan_end(int fd, uint64_t from, uint64_t to, int how)
{
	struct pmk_scan_arg arg;

	return scan_with(fd, from, to, how, &arg) < 0 ? UINT64_MAX : arg.walk_end;
}

/* The mapping's bytes, which is what a query finds. */
static int64_t query(int fd, uint64_t addr, uint64_t size)
{
	struct pmk_procmap_query *q = memset(b, 0, 8192);

	q->size = size;
	q->query_addr = addr;
	return ioctl(fd, PMK_PROCMAP_QUERY, q) < 0 ? -1 : (int64_t)(q->vma_end - q->vma_start);
}

/* ---- asynchronous reads ---- */

static ssize_t aio_read_of(int fd, size_t count)
{
	aio_context_t ctx = 0;
	struct iocb iocb = { .aio_fildes = (unsigned)fd,
			     .aio_lio_opcode = IOCB_CMD_PREAD,
			     .aio_buf = (uintptr_t)b,
			     .aio_nbytes = count };
	struct iocb *list[1] = { &iocb };
	struct io_event event = { .res = 0 };

	if (syscall(SYS_io_setup, 1, &ctx) < 0)
		return -1;
	long n = syscall(SYS_io_submit, ctx, 1, list);
	int error = errno;
	if (n == 1 && syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL) == 1)
		n = event.res < 0 ? -1 : (long)event.res, error = (int)-event.res;
	syscall(SYS_io_destroy, ctx);
	errno = error;
	return n;
}

/* One request of a ring. */
static ssize_t uring(const struct io_uring_sqe *request)
{
	struct io_uring_params p = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &p);

	if (ring < 0)
		return -1;
	char *sq = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *sqe =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	int result = -ENOMEM;
	if (sq != MAP_FAILED && sqe != MAP_FAILED) {
		*sqe = *request;
		((unsigned *)(void *)(sq + p.sq_off.array))[0] = 0;
		__atomic_store_n((unsigned *)(void *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
		syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
		result = ((struct io_uring_cqe *)(void *)(sq + p.cq_off.cqes))->res;
		munmap(sq, 8192);
		munmap(sqe, 4096);
	}
	close(ring);
	errno = result < 0 ? -result : 0;
	return result < 0 ? -1 : result;
}

static ssize_t uring_read(int fd, unsigned count, uint64_t pos)
{
	const struct io_uring_sqe sqe = {
		.opcode = IORING_OP_READ, .fd = fd, .addr = (uintptr_t)b, .len = count, .off = pos
	};

	return uring(&sqe);
}

static ssize_t uring_readv(int fd, size_t one, size_t two)
{
	struct iovec iov[2] = { { b, one }, { b + 4096, two } };
	const struct io_uring_sqe sqe = {
		.opcode = IORING_OP_READV, .fd = fd, .addr = (uintptr_t)iov, .len = 2
	};

	return uring(&sqe);
}

/* ---- the table ---- */

enum { P = 1, M = 2, C = 4, K = 8, W = P | K, ALL = P | M | C | K };
#define DEF	    (-1)

#define GLUE(a, b)  a##b
#define NAMED(a, b) GLUE(a, b)
#define OP(files, flags, ...)                       \
	static int64_t NAMED(op_, __LINE__)(int fd) \
	{                                           \
		(void)fd;                           \
		return (int64_t)(__VA_ARGS__);      \
	}
#include "operations.def"
#undef OP

static const struct {
	int files, flags;
	const char *name;
	int64_t (*perform)(int fd);
} operation[] = {
#define OP(files, flags, ...) { files, flags, #__VA_ARGS__, NAMED(op_, __LINE__) },
#include "operations.def"
#undef OP
};
const size_t pmk_operation_count = sizeof(operation) / sizeof(operation[0]);

enum {
	LAX = PMK_BY_FUSE | PMK_BY_BIND,
	FUSE = LAX | PMK_BY_FUSE_STRICT,
	BIND = PMK_BY_BIND,
	SECCOMP = PMK_BY_SECCOMP,
};
static const struct {
	int files;
	const char *start;
	int by;
	const char *reason;
} difference[] = {
#define DIFFERENCE(files, start, by, reason) { files, start, by, reason },
#include "operations.def"
#undef DIFFERENCE
};

static int file_bit(const char *file)
{
	if (!strncmp(file, "kpage", 5))
		return K;
	return !strcmp(file, "pagemap") ? P : !strcmp(file, "maps") ? M : C;
}

const char *pmk_operation_name(size_t i)
{
	return operation[i].name;
}

bool pmk_operation_is_for(size_t i, const char *file)
{
	return operation[i].files & file_bit(file);
}

const char *pmk_operation_difference(size_t i, const char *file, int by)
{
	for (size_t d = 0; d < sizeof(difference) / sizeof(difference[0]); d++)
		if (difference[d].files & file_bit(file) && difference[d].by & by &&
		    !strncmp(operation[i].name, difference[d].start, strlen(difference[d].start)))
			return difference[d].reason;
	return NULL;
}

/* ---- performing them ---- */

/* Where reads of 8 bytes begin to give nothing. */
static int64_t find_end(int fd)
{
	int64_t low = 0, high = 1ll << 47, word; /* in words */

	while (low < high) {
		int64_t middle = low + (high - low) / 2;

		if (pread(fd, &word, 8, middle * 8) == 8)
			low = middle + 1;
		else
			high = middle;
	}
	return low * 8;
}

size_t pmk_operations_script(char *buf, size_t size)
{
	int fd = open("/proc/kpageflags", O_RDONLY);
	unsigned long long frames = fd < 0 ? 0 : (unsigned long long)find_end(fd) / 8;

	if (fd >= 0)
		close(fd);
	if (!frames)
		frames = 1 << 20;
	return (size_t)snprintf(buf, size,
				"scenario 1\nram 0-%llu\n"
				"p: map heap 16 anon private rw at=%#llx\np: write heap[0-7]\n",
				frames - 1, HEAP);
}

static int open_for(size_t i, const char *file)
{
	int flags = operation[i].flags;

	if (flags == DEF)
		flags = file_bit(file) == C ? O_WRONLY : O_RDONLY;
	return open(path, flags);
}

/* The region that the script has, too. */
static int make_heap(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *heap = mmap((void *)(uintptr_t)HEAP, 16 * page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (heap == MAP_FAILED)
		return -errno;
	madvise(heap, 16 * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < 8; i++)
		heap[i * page] = 1;
	return 0;
}

int pmk_operations_perform(const char *file, pmk_operation_tell *tell, void *ctx)
{
	const char *dir = file_bit(file) == K ? "/proc" : "/proc/self";
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	snprintf(new_name, sizeof(new_name), "%s/new", dir);
	snprintf(below, sizeof(below), "%s/below", path);
	err = make_heap();
	b = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (err || b == MAP_FAILED)
		return err ? err : -errno;
	fd = open(path, O_RDONLY);
	if (fd < 0 && file_bit(file) != C)
		return -errno;
	end = file_bit(file) & W ? find_end(fd) : 0;
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < pmk_operation_count; i++) {
		int64_t n = -1;

		if (!pmk_operation_is_for(i, file))
			continue;
		errno = 0;
		fd = open_for(i, file);
		if (fd >= 0)
			n = operation[i].perform(fd);
		tell(ctx, i, n == -1 ? -errno : n);
		if (fd >= 0)
			close(fd);
	}
	munmap(b, ROOM);
	munmap((void *)(uintptr_t)HEAP, (size_t)(HEAP_END - HEAP));
	return 0;
}
