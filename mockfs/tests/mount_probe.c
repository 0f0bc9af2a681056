/*
 * mount_probe.c - one line an operation on pagemap, maps, clear_refs or kpage*: what it returned.
 *
 * Run on a real file and on a mocked one, the lines must be the same, but for those that fuse.h
 * names; mount_test.c compares.  Values that are the process's own (entries, inode numbers) are not
 * shown.
 *
 *   mount_probe FILE     FILE in /proc/self, or kpage* in /proc
 */
#include <aio.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <stdbool.h>
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
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static char path[128], dir[64];
static const char *file;
static char *memory; /* 80 MiB */
static char *volatile nowhere; /* NULL, which the compiler need not know */

static const char *name_of(int error)
{
	const char *s = strerrorname_np(error);

	return s ? s : "?";
}

static void show(const char *what, long long result)
{
	if (result < 0)
		printf("%s -> %s\n", what, name_of(errno));
	else
		printf("%s -> %lld\n", what, result);
}

#define SHOW(call) (errno = 0, show(#call, (long long)(call)))

/* ---- reads -------------------------------------------------------------------------------------- */

static const size_t counts[] = { 0,	  1,	   4,	    7,	     8,	      12,	16,
				 4092,	  4096,	   65536,   65540,   1044480, 1044484,	1044488,
				 1048576, 1048580, 2097152, 2097156, 4194304, 67108864, 67108865 };
static const int64_t offsets[] = { 0,
				   4,
				   8,
				   0x20000 * 8ll,
				   0x7ffffffffll * 8 - 64, /* near the end of x86-64's user space */
				   0x7ffffffffll * 8 - 8,
				   0x7ffffffffll * 8,
				   0x7ffffffffll * 8 + 8,
				   0xffffffffff600ll * 8,
				   1ll << 53,
				   1ll << 62,
				   INT64_MAX - 7,
				   -8 };

static void reads(int fd)
{
	char what[80];

	for (int odd = 0; odd < 2; odd++)
		for (size_t o = 0; o < sizeof(offsets) / sizeof(offsets[0]); o++)
			for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
				snprintf(what, sizeof(what), "pread(buf+%d, %zu, %lld)", odd,
					 counts[c], (long long)offsets[o]);
				errno = 0;
				show(what, pread(fd, memory + odd, counts[c], offsets[o]));
			}
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		lseek(fd, 16, SEEK_SET);
		snprintf(what, sizeof(what), "read(%zu)", counts[c]);
		errno = 0;
		show(what, read(fd, memory, counts[c]));
		SHOW(lseek(fd, 0, SEEK_CUR));
	}
}

static void segments(int fd, const char *what, const size_t *len, int n)
{
	struct iovec iov[8];
	char *at = memory;

	for (int i = 0; i < n; i++) {
		iov[i] = (struct iovec){ at, len[i] };
		at += 4 << 20;
	}
	errno = 0;
	printf("preadv ");
	show(what, preadv(fd, iov, n, 0));
	lseek(fd, 8, SEEK_SET);
	errno = 0;
	printf("readv ");
	show(what, readv(fd, iov, n));
	SHOW(lseek(fd, 0, SEEK_CUR));
}
#define SEGMENTS(fd, ...)                                           \
	segments(fd, #__VA_ARGS__, (const size_t[]){ __VA_ARGS__ }, \
		 sizeof((const size_t[]){ __VA_ARGS__ }) / sizeof(size_t))

static void readvs(int fd)
{
	SEGMENTS(fd, 8, 8);
	SEGMENTS(fd, 4, 4);
	SEGMENTS(fd, 8, 4);
	SEGMENTS(fd, 12, 4);
	SEGMENTS(fd, 8, 8, 7);
	SEGMENTS(fd, 4096, 4092, 4);
	SEGMENTS(fd, 0, 8);
	SEGMENTS(fd, 8, 0, 8, 4);
	SEGMENTS(fd, 1048576, 8);
	SEGMENTS(fd, 1048576, 4);
	SEGMENTS(fd, 1048576, 1048576, 12);
	SEGMENTS(fd, 2097152, 2097156, 4);

	static struct iovec many[1024];
	for (int i = 0; i < 1024; i++)
		many[i] = (struct iovec){ memory + i * 8192 + 1, 8 };
	SHOW(preadv(fd, many, 1024, 0));
	many[700].iov_len = 4;
	SHOW(preadv(fd, many, 1024, 0));
}

/* A buffer of which the first `good` bytes are there. */
static void fault(int fd, size_t good, size_t count)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t len = (good + (size_t)page - 1) / (size_t)page * (size_t)page;
	char *p = mmap(NULL, len + (size_t)page * 8, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char what[80];

	if (len)
		mprotect(p, len, PROT_READ | PROT_WRITE);
	snprintf(what, sizeof(what), "pread(%zu of %zu bytes are there)", good, count);
	errno = 0;
	show(what, pread(fd, p + len - good, count, 0));
	lseek(fd, 0, SEEK_SET);
	errno = 0;
	show("  read", read(fd, p + len - good, count));
	struct iovec iov[2] = { { memory, 64 }, { p + len - good, count } };
	errno = 0;
	show("  as second segment", preadv(fd, iov, 2, 0));
	mprotect(p, len, PROT_READ);
	errno = 0;
	show("  read-only", pread(fd, p + len - good, count, 0));
	munmap(p, len + (size_t)page * 8);
}

static void faults(int fd)
{
	fault(fd, 0, 8);
	fault(fd, 4, 8);
	fault(fd, 4096, 4104);
	fault(fd, 4096, 8192);
	fault(fd, 100, 8192);
	fault(fd, 40960, 65536);
	fault(fd, 1044480, 1048576);
	SHOW(pread(fd, nowhere, 8, 0));
	SHOW(pread(fd, nowhere, 7, 0));
	SHOW(pread(fd, (void *)(uintptr_t)(1ull << 63), 8, 0));
}

static void seeks(int fd)
{
	SHOW(lseek(fd, 4, SEEK_SET));
	SHOW(read(fd, memory, 8));
	SHOW(lseek(fd, 8, SEEK_SET));
	SHOW(read(fd, memory, 8));
	SHOW(lseek(fd, 8, SEEK_CUR));
	SHOW(lseek(fd, 1ll << 62, SEEK_SET));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(lseek(fd, -8, SEEK_END));
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(lseek(fd, 0, SEEK_HOLE));
	SHOW(lseek(fd, 0, 9));
	SHOW(lseek(fd, 0, SEEK_SET));
}

/* ---- everything else ---------------------------------------------------------------------------- */

static void flags(void)
{
	SHOW(open(path, O_RDONLY | O_DIRECT) < 0 ? -1 : 0);
	SHOW(open(path, O_RDWR) < 0 ? -1 : 0);
	SHOW(open(path, O_WRONLY) < 0 ? -1 : 0);
	SHOW(open(path, O_RDWR | O_TRUNC) < 0 ? -1 : 0);
	SHOW(open(path, O_RDWR | O_APPEND) < 0 ? -1 : 0);
	SHOW(open(path, O_RDONLY | O_CREAT, 0600) < 0 ? -1 : 0);
	SHOW(open(path, O_RDONLY | O_CREAT | O_EXCL, 0600) < 0 ? -1 : 0);
	SHOW(open(path, O_RDONLY | O_DIRECTORY) < 0 ? -1 : 0);
	SHOW(open(path, O_RDONLY | O_NOFOLLOW) < 0 ? -1 : 0);
	SHOW(open(path, O_RDONLY | O_NONBLOCK) < 0 ? -1 : 0);
	SHOW(open(path, O_PATH) < 0 ? -1 : 0);
	SHOW(open(path, O_TMPFILE | O_RDWR, 0600) < 0 ? -1 : 0);
}

static void writes(void)
{
	int fd = open(path, O_RDWR);

	SHOW(write(fd, "12345678", 8));
	SHOW(pwrite(fd, "12345678", 8, 8));
	SHOW(ftruncate(fd, 0));
	SHOW(fallocate(fd, 0, 0, 8));
	SHOW(pread(fd, memory, 8, 0));
	SHOW(fsync(fd));
	SHOW(fdatasync(fd));
	close(fd);
}

static void attributes(int fd)
{
	struct stat st;
	char text[64];
	struct statfs fs;

	SHOW(fstat(fd, &st));
	printf("mode %o size %lld blocks %lld blksize %ld nlink %lu uid %u gid %u rdev %lu\n",
	       st.st_mode, (long long)st.st_size, (long long)st.st_blocks, (long)st.st_blksize,
	       (unsigned long)st.st_nlink, st.st_uid, st.st_gid, (unsigned long)st.st_rdev);
	SHOW(fstatfs(fd, &fs));
	printf("f_bsize %ld f_namelen %ld f_blocks %lu\n", (long)fs.f_bsize, (long)fs.f_namelen,
	       (unsigned long)fs.f_blocks);
	printf("f_type %lx\n", (unsigned long)fs.f_type);
	if (!strncmp(file, "kpage", 5)) /* there chmod lasts */
		SHOW(chmod(path, 0400));
	else
		SHOW(chmod(path, 0444));
	SHOW(chown(path, 0, 0));
	SHOW(truncate(path, 0));
	SHOW(utimensat(AT_FDCWD, path, NULL, 0));
	SHOW(listxattr(path, text, sizeof(text)));
	SHOW(listxattr(path, NULL, 0));
	SHOW(getxattr(path, "user.x", text, sizeof(text)));
	SHOW(getxattr(path, "security.selinux", text, sizeof(text)));
	SHOW(setxattr(path, "user.x", "1", 1, 0));
	SHOW(access(path, R_OK));
	SHOW(access(path, X_OK));
	SHOW(faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS));
}

static const char *in_dir(const char *name)
{
	static char buf[128];

	snprintf(buf, sizeof(buf), "%s/%s", dir, name);
	return buf;
}

static void names(void)
{
	char link_to[64];

	SHOW(mkdir(in_dir("new"), 0700));
	SHOW(mknod(in_dir("new"), S_IFREG | 0600, 0));
	SHOW(symlink("x", in_dir("new")));
	SHOW(link(path, in_dir("new")));
	SHOW(rename(path, in_dir("new")));
	SHOW(unlink(path));
	SHOW(rmdir(path));
	SHOW(unlink(in_dir("new")));
	SHOW(mkdir(path, 0700));
	SHOW(open(in_dir("new"), O_RDWR | O_CREAT, 0600));
	SHOW(open(in_dir("new"), O_RDWR));
	SHOW(readlink(path, link_to, sizeof(link_to)));
	SHOW(opendir(path) ? 0 : -1);
	SHOW(chdir(path));
	SHOW(open(in_dir("00"), O_RDONLY));
	SHOW(open(in_dir("4194305"), O_RDONLY));
}

static void waits(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);
	fd_set set;

	SHOW(poll(&p, 1, 0));
	printf("revents %x\n", p.revents);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	SHOW(select(fd + 1, &set, NULL, NULL, NULL));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	close(epoll);
}

static void misc(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int other = memfd_create("x", 0), pipes[2];
	struct iovec iov = { memory, 8 };
	char fd_path[32];
	struct {
		struct file_handle h;
		char bytes[128];
	} handle = { .h.handle_bytes = 128 };
	int mount_id;

	SHOW(flock(fd, LOCK_SH));
	SHOW(flock(fd, LOCK_UN));
	SHOW(fcntl(fd, F_SETLK, &lock));
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
	SHOW(pread(dup(fd), memory, 8, 0));
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", fd);
	SHOW(pread(open(fd_path, O_RDONLY), memory, 8, 0));
	SHOW(getdents64(fd, memory, 4096));
	SHOW(fchdir(fd));
	SHOW(copy_file_range(fd, NULL, other, NULL, 8, 0));
	SHOW(readahead(fd, 0, 4096));
	SHOW(posix_fadvise(fd, 0, 4096, POSIX_FADV_WILLNEED));
	SHOW(preadv2(fd, &iov, 1, 0, RWF_NOWAIT));
	SHOW(preadv2(fd, &iov, 1, 0, RWF_HIPRI));
	lseek(fd, 0, SEEK_SET);
	SHOW(preadv2(fd, &iov, 1, -1, 0));
	SHOW(sendfile(other, fd, NULL, 4096));
	if (pipe(pipes) == 0)
		SHOW(splice(fd, NULL, pipes[1], NULL, 4096, 0));
	SHOW(ioctl(fd, _IOC(_IOC_READ, 'x', 1, 8), memory));
	SHOW(ioctl(fd, _IO('f', 99)));
	SHOW(ioctl(fd, TCGETS, memory));
	SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
	SHOW(fcntl(fd, F_SETFL, O_DIRECT));
	SHOW(name_to_handle_at(AT_FDCWD, path, &handle.h, &mount_id, 0));
	SHOW(fexecve(fd, (char *[]){ memory, NULL }, (char *[]){ NULL }));
}

/* ---- asynchronous reads --------------------------------------------------------------------------- */

static void libaio(int fd, size_t count)
{
	aio_context_t ctx = 0;
	struct iocb iocb = { .aio_fildes = (unsigned)fd,
			     .aio_lio_opcode = IOCB_CMD_PREAD,
			     .aio_buf = (uintptr_t)memory,
			     .aio_nbytes = count };
	struct iocb *list[1] = { &iocb };
	struct io_event event;

	syscall(SYS_io_setup, 1, &ctx);
	long n = syscall(SYS_io_submit, ctx, 1, list);
	printf("libaio pread %zu: ", count);
	show("submit", n);
	if (n == 1 && syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL) == 1)
		printf("  -> %lld\n", (long long)event.res);
	syscall(SYS_io_destroy, ctx);
}

static void uring(int fd, size_t count, uint64_t pos)
{
	struct io_uring_params p = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &p);

	if (ring < 0) {
		printf("no io_uring\n");
		return;
	}
	char *sq = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *sqe =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	*sqe = (struct io_uring_sqe){ .opcode = IORING_OP_READ,
				      .fd = fd,
				      .addr = (uintptr_t)memory,
				      .len = (unsigned)count,
				      .off = pos };
	((unsigned *)(sq + p.sq_off.array))[0] = 0;
	__atomic_store_n((unsigned *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	struct io_uring_cqe *cqe = (void *)(sq + p.cq_off.cqes);
	printf("io_uring read(%zu, %llu) -> %d\n", count, (unsigned long long)pos, cqe->res);
	munmap(sq, 8192);
	munmap(sqe, 4096);
	close(ring);
}

static void asynchronous(int fd)
{
	libaio(fd, 8);
	uring(fd, 8, 0);
	uring(fd, 7, 0);
	uring(fd, 8, 4);
	uring(fd, 1 << 20, 0);
	uring(fd, (1 << 20) + 4, 0);
	uring(fd, (2 << 20) + 4, 0);
}

/* ---- clear_refs and maps -------------------------------------------------------------------------- */

static void clear_refs(void)
{
	static const char *const texts[] = { "1",
					     "2",
					     "3",
					     "4",
					     "5",
					     "0",
					     "6",
					     "-1",
					     "1x",
					     " 1",
					     "1\n",
					     "+1",
					     "01",
					     "0x1",
					     "99999999999",
					     " 3 ",
					     "\n",
					     "00000000000004",
					     "4 trailing words",
					     "1                    " };
	int fd = open(path, O_WRONLY);
	char text[32];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		printf("[%s] ", texts[i]);
		SHOW(write(fd, texts[i], strlen(texts[i])));
	}
	SHOW(write(fd, nowhere, 1));
	SHOW(write(fd, "1", 0));
	SHOW(pwrite(fd, "1", 1, 100));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(lseek(fd, 5, SEEK_SET));
	struct iovec two[2] = { { (char *)"1", 1 }, { (char *)"4", 1 } };
	SHOW(writev(fd, two, 2));
	SHOW(read(fd, text, 8));
	close(fd);
	fd = open(path, O_RDWR);
	SHOW(read(fd, text, 8));
	SHOW(pread(fd, text, 7, 3));
	close(fd);
}

static void maps(int fd)
{
	ssize_t n = read(fd, memory, 1 << 20);

	printf("maps: %s\n", n > 0 && n <= 4096 && memory[n - 1] == '\n' ? "whole lines" : "?");
	SHOW(pread(fd, memory, 10, 0));
	SHOW(pread(fd, memory, 1, 3));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(lseek(fd, -1, SEEK_SET));
	SHOW(lseek(fd, 5, SEEK_SET));
	SHOW(read(fd, memory, 5));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(pread(fd, memory, 10, 1 << 30));
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	file = argv[1];
	bool words = !strcmp(file, "pagemap") || !strncmp(file, "kpage", 5);
	snprintf(dir, sizeof(dir), "/proc%s", strncmp(file, "kpage", 5) ? "/self" : "");
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	memory = mmap(NULL, 80 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	setvbuf(stdout, NULL, _IONBF, 0);
	int fd = open(path, strcmp(file, "clear_refs") ? O_RDONLY : O_WRONLY);
	SHOW(fd < 0 ? -1 : 0);
	if (fd < 0)
		return 1;
	if (words) {
		reads(fd);
		readvs(fd);
		faults(fd);
		seeks(fd);
		writes();
		asynchronous(fd);
	}
	if (!strcmp(file, "clear_refs"))
		clear_refs();
	if (!strcmp(file, "maps"))
		maps(fd);
	flags();
	attributes(fd);
	names();
	waits(fd);
	misc(fd);
	return 0;
}
