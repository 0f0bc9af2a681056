/* SPDX-License-Identifier: MIT */
/* filesyscall.c - system calls on an open file, one function each, in the order of syscalls.def. */
#define _GNU_SOURCE	  1
#define _FILE_OFFSET_BITS 64
#include "filesyscall.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "filecall.h"

#ifndef RWF_HIPRI
#define RWF_HIPRI 1
#endif
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

static char buffer[1 << 16]; /* reads put here what they read, and no more than fits */

static size_t cut(size_t n)
{
	return n < sizeof(buffer) ? n : sizeof(buffer);
}

/* The result, after what was opened for the call is closed. */
static int64_t result_and_close(long result, int one, int two)
{
	int64_t r = pmk_raw_result(result);

	close(one);
	if (two >= 0)
		close(two);
	return r;
}

/* ---- copies ---- */

static int64_t call_splice(int fd, size_t n)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	return result_and_close(splice(fd, NULL, pipes[1], NULL, n, 0), pipes[0], pipes[1]);
}

static int target(void)
{
	return memfd_create("pmkit-copy", MFD_CLOEXEC);
}

static int64_t call_sendfile(int fd, size_t n)
{
	int to = target();

	return result_and_close(sendfile(to, fd, NULL, n), to, -1);
}

static int64_t call_copy(int fd, size_t n)
{
	int to = target();

	return result_and_close(syscall(SYS_copy_file_range, fd, NULL, to, NULL, n, 0), to, -1);
}

/* ---- waiting, mapping, flags ---- */

static int64_t call_poll(int fd, size_t n)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };

	(void)n;
	return poll(&p, 1, 0) < 0 ? -errno : p.revents;
}

static int64_t call_epoll(int fd, size_t n)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	(void)n;
	return result_and_close(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), epoll, -1);
}

static int64_t map(int fd, int flags)
{
	void *p = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, flags, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, (size_t)sysconf(_SC_PAGESIZE));
	return 0;
}

static int64_t call_mmap(int fd, size_t n)
{
	(void)n;
	return map(fd, MAP_PRIVATE);
}

static int64_t call_mmap_shared(int fd, size_t n)
{
	(void)n;
	return map(fd, MAP_SHARED);
}

static int64_t set_flag(int fd, int flag)
{
	int before = fcntl(fd, F_GETFL);
	int64_t r = pmk_raw_result(fcntl(fd, F_SETFL, before | flag));

	if (!r)
		fcntl(fd, F_SETFL, before);
	return r;
}

static int64_t call_direct(int fd, size_t n)
{
	(void)n;
	return set_flag(fd, O_DIRECT);
}

static int64_t call_nonblock(int fd, size_t n)
{
	(void)n;
	return set_flag(fd, O_NONBLOCK);
}

/* ---- attributes ---- */

#define STAT_CALL(name, value)                                   \
	static int64_t call_##name(int fd, size_t n)             \
	{                                                        \
		struct stat st;                                  \
		(void)n;                                         \
		return fstat(fd, &st) ? -errno : (int64_t)value; \
	}
STAT_CALL(mode, (st.st_mode & 07777))
STAT_CALL(uid, st.st_uid)
STAT_CALL(type, (st.st_mode & S_IFMT) >> 12)
STAT_CALL(size, st.st_size)
STAT_CALL(blocks, st.st_blocks)
STAT_CALL(blksize, st.st_blksize)
STAT_CALL(nlink, st.st_nlink)
STAT_CALL(chmod, pmk_raw_result(fchmod(fd, st.st_mode & 07777)))
STAT_CALL(chown, pmk_raw_result(fchown(fd, st.st_uid, st.st_gid)))

static int64_t call_statfs(int fd, size_t n)
{
	struct statfs fs;

	(void)n;
	return fstatfs(fd, &fs) ? -errno : (int64_t)fs.f_type;
}

static int64_t call_utimes(int fd, size_t n)
{
	(void)n;
	return pmk_raw_result(futimens(fd, NULL));
}

static int64_t call_truncate(int fd, size_t n)
{
	return pmk_raw_result(ftruncate(fd, (off_t)n));
}

static int64_t call_fallocate(int fd, size_t n)
{
	return pmk_raw_result(fallocate(fd, 0, 0, (off_t)n));
}

static int64_t call_fsync(int fd, size_t n)
{
	(void)n;
	return pmk_raw_result(fsync(fd));
}

static int64_t call_fdatasync(int fd, size_t n)
{
	(void)n;
	return pmk_raw_result(fdatasync(fd));
}

static int64_t call_readahead(int fd, size_t n)
{
	return pmk_raw_result(readahead(fd, 0, n));
}

static int64_t call_fadvise(int fd, size_t n)
{
	return -posix_fadvise(fd, 0, (off_t)n, POSIX_FADV_WILLNEED);
}

static int64_t call_flock(int fd, size_t n)
{
	int64_t r = pmk_raw_result(flock(fd, LOCK_SH | LOCK_NB));

	(void)n;
	return r ? r : pmk_raw_result(flock(fd, LOCK_UN));
}

static int64_t call_getdents(int fd, size_t n)
{
	(void)n;
	return pmk_raw_result(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)));
}

static int64_t call_fchdir(int fd, size_t n)
{
	(void)n;
	return pmk_raw_result(fchdir(fd));
}

/* ---- reads ---- */

static int64_t read_flagged(int fd, size_t n, int64_t pos, int flags)
{
	struct iovec iov = { buffer, cut(n) };

	return pmk_raw_result(preadv2(fd, &iov, 1, pos, flags));
}

static int64_t call_nowait(int fd, size_t n)
{
	return read_flagged(fd, n, 0, RWF_NOWAIT);
}

static int64_t call_hipri(int fd, size_t n)
{
	return read_flagged(fd, n, 0, RWF_HIPRI);
}

static int64_t call_here(int fd, size_t n)
{
	return read_flagged(fd, n, -1, 0);
}

static int64_t call_fionread(int fd, size_t n)
{
	int available = 0;

	(void)n;
	return ioctl(fd, FIONREAD, &available) ? -errno : -(int64_t)available;
}

static int64_t call_aio(int fd, size_t n)
{
	aio_context_t ctx = 0;
	struct iocb iocb = { .aio_fildes = (unsigned)fd,
			     .aio_lio_opcode = IOCB_CMD_PREAD,
			     .aio_buf = (uintptr_t)buffer,
			     .aio_nbytes = cut(n) };
	struct iocb *list[1] = { &iocb };
	struct io_event event = { .res = 0 };
	int64_t r;

	if (syscall(SYS_io_setup, 1, &ctx))
		return -errno;
	r = pmk_raw_result(syscall(SYS_io_submit, ctx, 1, list));
	if (r == 1 && syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL) == 1)
		r = event.res;
	syscall(SYS_io_destroy, ctx);
	return r;
}

static int64_t ring_read(int ring, const struct io_uring_params *p, int fd, size_t n)
{
	char *sq = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *sqe =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	int64_t r;

	if (sq == MAP_FAILED || sqe == MAP_FAILED)
		return -ENOMEM;
	*sqe = (struct io_uring_sqe){ .opcode = IORING_OP_READ,
				      .fd = fd,
				      .addr = (uintptr_t)buffer,
				      .len = (unsigned)cut(n) };
	((unsigned *)(void *)(sq + p->sq_off.array))[0] = 0;
	__atomic_store_n((unsigned *)(void *)(sq + p->sq_off.tail), 1, __ATOMIC_RELEASE);
	r = pmk_raw_result(
		syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	if (r == 1)
		r = ((struct io_uring_cqe *)(void *)(sq + p->cq_off.cqes))->res;
	munmap(sq, 8192);
	munmap(sqe, 4096);
	return r;
}

static int64_t call_uring(int fd, size_t n)
{
	struct io_uring_params p = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &p);
	int64_t r;

	if (ring < 0)
		return -errno;
	r = ring_read(ring, &p, fd, n);
	close(ring);
	return r;
}

/* ---- the table ---- */

int64_t pmk_filesyscall(enum pmk_syscall call, int fd, size_t n)
{
	static int64_t (*const table[PMK_SYSCALL_COUNT])(int fd, size_t n) = {
		[PMK_SYSCALL_SPLICE] = call_splice,
		[PMK_SYSCALL_SENDFILE] = call_sendfile,
		[PMK_SYSCALL_COPY] = call_copy,
		[PMK_SYSCALL_POLL] = call_poll,
		[PMK_SYSCALL_EPOLL] = call_epoll,
		[PMK_SYSCALL_MMAP] = call_mmap,
		[PMK_SYSCALL_MMAP_SHARED] = call_mmap_shared,
		[PMK_SYSCALL_DIRECT] = call_direct,
		[PMK_SYSCALL_NONBLOCK] = call_nonblock,
		[PMK_SYSCALL_MODE] = call_mode,
		[PMK_SYSCALL_UID] = call_uid,
		[PMK_SYSCALL_TYPE] = call_type,
		[PMK_SYSCALL_SIZE] = call_size,
		[PMK_SYSCALL_BLOCKS] = call_blocks,
		[PMK_SYSCALL_BLKSIZE] = call_blksize,
		[PMK_SYSCALL_NLINK] = call_nlink,
		[PMK_SYSCALL_STATFS] = call_statfs,
		[PMK_SYSCALL_CHMOD] = call_chmod,
		[PMK_SYSCALL_CHOWN] = call_chown,
		[PMK_SYSCALL_UTIMES] = call_utimes,
		[PMK_SYSCALL_TRUNCATE] = call_truncate,
		[PMK_SYSCALL_FALLOCATE] = call_fallocate,
		[PMK_SYSCALL_FSYNC] = call_fsync,
		[PMK_SYSCALL_FDATASYNC] = call_fdatasync,
		[PMK_SYSCALL_READAHEAD] = call_readahead,
		[PMK_SYSCALL_FADVISE] = call_fadvise,
		[PMK_SYSCALL_FLOCK] = call_flock,
		[PMK_SYSCALL_GETDENTS] = call_getdents,
		[PMK_SYSCALL_FCHDIR] = call_fchdir,
		[PMK_SYSCALL_NOWAIT] = call_nowait,
		[PMK_SYSCALL_HIPRI] = call_hipri,
		[PMK_SYSCALL_HERE] = call_here,
		[PMK_SYSCALL_FIONREAD] = call_fionread,
		[PMK_SYSCALL_AIO] = call_aio,
		[PMK_SYSCALL_URING] = call_uring,
	};

	return (unsigned)call < PMK_SYSCALL_COUNT ? table[call](fd, n) : -ENOSYS;
}
