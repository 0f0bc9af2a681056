/* notify.c - the files of a machine by seccomp user notification: see notify.h. */
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "alloc.h"
#include "notify_impl.h"

/* The architectures whose struct stat is the C library's, with positions in one register. */
#if defined(__x86_64__) && defined(__LP64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCH AUDIT_ARCH_PPC64LE
#endif

#ifndef ARCH
int pmk_notify_install(void)
{
	return -ENOSYS;
}

int pmk_notify_start(int listener, struct pmk_machine **machine, pthread_mutex_t *lock,
		     const struct pmk_mount_options *options, struct pmk_notify **ret)
{
	(void)listener, (void)machine, (void)lock, (void)options, (void)ret;
	return -ENOSYS;
}

void pmk_notify_stop(struct pmk_notify *notify)
{
	(void)notify;
}
#else

/* What a function returns for a call that the kernel shall do itself: no errno is that large. */
#define GO_ON ((int64_t)INT64_MIN)

struct call {
	struct pmk_notify *n;
	uint64_t id;
	int tid;
	const __u64 *arg;
};

/* ---- files -------------------------------------------------------------------------------------- */

static void file_free(struct pmk_notify *n, struct pmk_notify_file *f)
{
	struct pmk_notify_file **at = &n->file;

	while (*at && *at != f)
		at = &(*at)->next;
	if (*at)
		*at = f->next;
	pthread_mutex_lock(n->lock);
	if (f->handle)
		pmk_handle_close(f->handle);
	pthread_mutex_unlock(n->lock);
	if (f->pipe >= 0)
		close(f->pipe);
	free(f);
}

/* The file behind a descriptor of the caller, or NULL: none of ours. */
static struct pmk_notify_file *file_of(const struct call *c, uint64_t fd)
{
	char path[48];
	struct stat st;

	if (!c->n->file)
		return NULL;
	snprintf(path, sizeof(path), "%d/fd/%d", c->tid, (int)fd);
	if (fstatat(c->n->proc_fd, path, &st, 0) < 0 || st.st_dev != c->n->pipes)
		return NULL;
	for (struct pmk_notify_file *f = c->n->file; f; f = f->next)
		if (f->ino == st.st_ino)
			return f;
	return NULL;
}

/* ---- open --------------------------------------------------------------------------------------- */

/*
 * Gives the caller the reading end of a pipe with a byte in it, so that whatever is done to it that is not
 * looked at here finds something instead of waiting.
 */
static int64_t give(const struct call *c, struct pmk_notify_file *f)
{
	struct seccomp_notif_addfd add = { .id = c->id, .flags = SECCOMP_ADDFD_FLAG_SEND };
	struct epoll_event event = { .data.ptr = f };
	struct stat st;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		return -errno;
	f->pipe = fd[1];
	if (fstat(fd[0], &st) < 0 || write(fd[1], "", 1) != 1 ||
	    epoll_ctl(c->n->epoll, EPOLL_CTL_ADD, fd[1], &event) < 0) {
		close(fd[0]);
		return -ENFILE;
	}
	f->ino = st.st_ino;
	c->n->pipes = st.st_dev;
	add.srcfd = (__u32)fd[0];
	add.newfd_flags = f->flags & O_CLOEXEC;
	int rc = ioctl(c->n->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	int error = errno;
	close(fd[0]);
	return rc < 0 ? -error : rc;
}

/* The caller's text; false: it is none, or longer than any path. */
static bool read_path(const struct call *c, uint64_t addr, char path[PATH_MAX])
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = 0;

	while (len < PATH_MAX) {
		size_t room = page - (size_t)((addr + len) % page);
		ssize_t n;

		if (room > PATH_MAX - len)
			room = PATH_MAX - len;
		n = pmk_caller_read(c->tid, addr + len, path + len, room);
		if (n <= 0)
			return false;
		if (memchr(path + len, '\0', (size_t)n))
			return true;
		len += (size_t)n;
	}
	return false;
}

/* Answered already by giving the descriptor, unless it is an error. */
static int64_t open_path(const struct call *c, int dir_fd, uint64_t path_addr, uint64_t flags,
			 bool *ret_answered)
{
	struct pmk_notify_file *f, found = { .pipe = -1 };
	char path[PATH_MAX];
	int64_t rc;

	if (!read_path(c, path_addr, path))
		return GO_ON;
	rc = pmk_notify_open(c->n, c->tid, dir_fd, path, (int)flags, &found);
	if (rc <= 0)
		return rc ? rc : GO_ON;
	f = pmk_calloc(1, sizeof(*f));
	*f = found;
	f->next = c->n->file;
	c->n->file = f;
	rc = give(c, f);
	*ret_answered = rc >= 0;
	if (rc < 0)
		file_free(c->n, f);
	return rc;
}

static int64_t call_openat(const struct call *c, bool *answered)
{
	return open_path(c, (int)c->arg[0], c->arg[1], c->arg[2], answered);
}

#ifdef SYS_open
static int64_t call_open(const struct call *c, bool *answered)
{
	return open_path(c, AT_FDCWD, c->arg[0], c->arg[1], answered);
}
#endif

#ifdef SYS_openat2
static int64_t call_openat2(const struct call *c, bool *answered)
{
	uint64_t flags; /* the first of struct open_how */

	if (pmk_caller_read(c->tid, c->arg[2], &flags, sizeof(flags)) != sizeof(flags))
		return GO_ON;
	return open_path(c, (int)c->arg[0], c->arg[1], flags, answered);
}
#endif

/* ---- read and write ------------------------------------------------------------------------------- */

static bool put_bytes(const struct call *c, uint64_t addr, const void *from, size_t size)
{
	return pmk_caller_put(c->tid, addr, from, size, &c->n->told_no_ptrace);
}

static int64_t put_some(const struct call *c, uint64_t addr, const void *from, size_t size)
{
	ssize_t n = size ? pmk_caller_write(c->tid, addr, from, size) : 0;

	return n > 0 || !size || put_bytes(c, addr, from, size) ? n : -EFAULT;
}

/* One file_operations.read: text comes as much as it comes, words as many as there are. */
static int64_t read_segment(const struct call *c, struct pmk_notify_file *f, int64_t pos,
			    uint64_t addr, uint64_t count)
{
	const struct pmk_proc_file *info = &pmk_proc_file[pmk_handle_file(f->handle)];
	uint64_t max = (uint64_t)INT_MAX & ~((uint64_t)sysconf(_SC_PAGESIZE) - 1), done = 0;

	if ((f->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	if ((int64_t)addr < 0)
		return -EFAULT; /* access_ok() comes before all else: the kernel's half */
	if (count > max)
		count = max; /* PM-READ-CLIP */
	do {
		size_t want = PMK_NOTIFY_CHUNK;

		if (count - done < want)
			want = (size_t)(count - done);
		if (!info->show && !info->sysfs && count % 8)
			want = 7; /* the whole count is refused, not its last part: PM-READ-ALIGN */
		pthread_mutex_lock(c->n->lock);
		int64_t got = pmk_handle_read(f->handle, (uint64_t)pos + done, want, c->n->buf);
		pthread_mutex_unlock(c->n->lock);
		if (got < 0)
			return done ? (int64_t)done : got;
		if (info->show) /* seq_read_iter() copies what it can */
			return put_some(c, addr, c->n->buf, (size_t)got);
		if (!put_bytes(c, addr + done, c->n->buf, (size_t)got))
			return -EFAULT; /* PM-READ-EFAULT */
		done += (uint64_t)got;
		if ((size_t)got < want)
			break;
	} while (done < count);
	return (int64_t)done;
}

static int64_t write_segment(const struct call *c, struct pmk_notify_file *f, int64_t pos,
			     uint64_t addr, uint64_t count)
{
	size_t max = pmk_proc_file[pmk_handle_file(f->handle)].sysfs ? PMK_NOTIFY_CHUNK : 4096;
	size_t len = count < max ? (size_t)count : max;

	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (pmk_caller_read(c->tid, addr, c->n->buf, len) != (ssize_t)len)
		return -EFAULT;
	pthread_mutex_lock(c->n->lock);
	int64_t n = pmk_handle_write(f->handle, (uint64_t)pos, (size_t)count, c->n->buf);
	pthread_mutex_unlock(c->n->lock);
	return n;
}

typedef int64_t segment(const struct call *c, struct pmk_notify_file *f, int64_t pos, uint64_t addr,
			uint64_t count);

/* Without a position it is the file's own that moves. */
static int64_t transfer(const struct call *c, segment *one, const struct iovec *seg, size_t nseg,
			const int64_t *at)
{
	struct pmk_notify_file *f = file_of(c, c->arg[0]);
	uint64_t room = INT64_MAX;
	int64_t pos, done = 0;

	if (!f)
		return GO_ON;
	if (at && *at < 0)
		return -EINVAL;
	pos = at ? *at : f->pos;
	for (size_t i = 0; i < nseg; i++)
		room -= seg[i].iov_len < room ? seg[i].iov_len : room;
	if (nseg && (uint64_t)pos > room)
		return -EINVAL; /* rw_verify_area(): the position would become negative */
	for (size_t i = 0; i < nseg; i++) {
		int64_t n = one(c, f, pos + done, (uintptr_t)seg[i].iov_base, seg[i].iov_len);

		if (n < 0 && !done)
			return n;
		if (n < 0)
			break;
		done += n;
		if ((size_t)n < seg[i].iov_len)
			break;
	}
	if (!at && one == read_segment) /* clear_refs, which alone can be written, leaves it */
		f->pos = pos + done;
	return done;
}

static int64_t transfer_flat(const struct call *c, segment *one, const int64_t *at)
{
	struct iovec seg = { (void *)(uintptr_t)c->arg[1], (size_t)c->arg[2] };

	return transfer(c, one, &seg, 1, at);
}

static int64_t transfer_vector(const struct call *c, segment *one, const int64_t *at)
{
	struct iovec seg[IOV_MAX];
	size_t bytes = (size_t)c->arg[2] * sizeof(seg[0]);

	if (!file_of(c, c->arg[0]))
		return GO_ON;
	if (c->arg[2] > IOV_MAX)
		return -EINVAL;
	if (pmk_caller_read(c->tid, c->arg[1], seg, bytes) != (ssize_t)bytes)
		return -EFAULT;
	return transfer(c, one, seg, (size_t)c->arg[2], at);
}

static int64_t call_read(const struct call *c, bool *answered)
{
	(void)answered;
	return transfer_flat(c, read_segment, NULL);
}

static int64_t call_pread(const struct call *c, bool *answered)
{
	(void)answered;
	return transfer_flat(c, read_segment, &(int64_t){ (int64_t)c->arg[3] });
}

static int64_t call_readv(const struct call *c, bool *answered)
{
	(void)answered;
	return transfer_vector(c, read_segment, NULL);
}

/* preadv2 takes a position of -1 for the file's own. */
static int64_t call_preadv(const struct call *c, bool *answered)
{
	(void)answered;
	return transfer_vector(c, read_segment, &(int64_t){ (int64_t)c->arg[3] });
}

static int64_t call_preadv2(const struct call *c, bool *answered)
{
	const struct pmk_notify_file *f = file_of(c, c->arg[0]);

	if (f && c->arg[5] & ~(uint64_t)RWF_HIPRI && (f->flags & O_ACCMODE) != O_WRONLY)
		return -EOPNOTSUPP; /* do_loop_readv_writev() knows no RWF flag but HIPRI */
	return (int64_t)c->arg[3] == -1 ? call_readv(c, answered) : call_preadv(c, answered);
}

static int64_t call_write(const struct call *c, bool *answered)
{
	(void)answered;
	return transfer_flat(c, write_segment, NULL);
}

static int64_t call_pwrite(const struct call *c, bool *answered)
{
	const struct pmk_notify_file *f = file_of(c, c->arg[0]);

	(void)answered;
	if (f && pmk_proc_file[pmk_handle_file(f->handle)].show)
		return -ESPIPE; /* seq_open() takes FMODE_PWRITE away */
	return transfer_flat(c, write_segment, &(int64_t){ (int64_t)c->arg[3] });
}

static int64_t call_writev(const struct call *c, bool *answered)
{
	(void)answered;
	return transfer_vector(c, write_segment, NULL);
}

/* ---- all else ------------------------------------------------------------------------------------- */

static int64_t call_lseek(const struct call *c, bool *answered)
{
	struct pmk_notify_file *f = file_of(c, c->arg[0]);

	(void)answered;
	if (!f)
		return GO_ON;
	if (c->arg[2] > SEEK_HOLE)
		return -EINVAL; /* whatever the file's own says: ksys_lseek() */
	int64_t rc = pmk_handle_lseek(f->handle, &f->pos, (int64_t)c->arg[1], (int)c->arg[2]);
	return rc < 0 ? rc : f->pos;
}

/* Of the file system: PM-STAT, IDLE-EXIST. */
static int block_size(const struct pmk_notify_file *f)
{
	return pmk_proc_file[pmk_handle_file(f->handle)].sysfs ? 4096 : 1024;
}

/* What do_vfs_ioctl() answers for every file: of blocks there are none, of bytes as many as a size of 0 leaves. */
static int64_t ioctl_of_any_file(const struct call *c, const struct pmk_notify_file *f,
				 bool *ret_is)
{
	int n;

	*ret_is = true;
	switch ((unsigned)c->arg[1]) {
	case FIBMAP:
		return pmk_caller_caps(c->tid) >> CAP_SYS_RAWIO & 1 ? -EINVAL : -EPERM;
	case FIONREAD:
		n = (int)-f->pos;
		break;
	case FIGETBSZ:
		n = block_size(f);
		break;
	default:
		*ret_is = false;
		return 0;
	}
	return put_bytes(c, c->arg[2], &n, sizeof(n)) ? 0 : -EFAULT;
}

static int64_t call_ioctl(const struct call *c, bool *answered)
{
	struct pmk_notify_file *f = file_of(c, c->arg[0]);
	bool any;
	int64_t n;

	(void)answered;
	if (!f || (unsigned)c->arg[1] == FIOCLEX || (unsigned)c->arg[1] == FIONCLEX)
		return GO_ON;
	n = ioctl_of_any_file(c, f, &any);
	if (any)
		return n;
	pthread_mutex_lock(c->n->lock);
	n = pmk_caller_ioctl(c->tid, f->handle, (unsigned)c->arg[1], c->arg[2],
			     &c->n->told_no_ptrace);
	pthread_mutex_unlock(c->n->lock);
	return n;
}

static bool stat_of(const struct call *c, uint64_t fd, struct stat *ret)
{
	struct pmk_notify_file *f = file_of(c, fd);
	struct pmk_proc_stat st = { 0 };
	struct timespec now;

	if (!f)
		return false;
	pthread_mutex_lock(c->n->lock);
	pmk_handle_stat(f->handle, &st); /* of a process that is gone: nothing */
	pthread_mutex_unlock(c->n->lock);
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	*ret = (struct stat){ .st_ino = f->ino,
			      .st_mode = S_IFREG | st.mode,
			      .st_nlink = 1,
			      .st_uid = f->uid,
			      .st_blksize = block_size(f),
			      .st_atim = now,
			      .st_mtim = now,
			      .st_ctim = now };
	return true;
}

static int64_t call_fstat(const struct call *c, bool *answered)
{
	struct stat st;

	(void)answered;
	if (!stat_of(c, c->arg[0], &st))
		return GO_ON;
	return put_bytes(c, c->arg[1], &st, sizeof(st)) ? 0 : -EFAULT;
}

/* Whether the path is "", so that the call is about the descriptor. */
static bool is_about_fd(const struct call *c, uint64_t path, uint64_t flags)
{
	char byte = 'x';

	return flags & AT_EMPTY_PATH &&
	       (!path || (pmk_caller_read(c->tid, path, &byte, 1) == 1 && !byte));
}

#ifdef SYS_newfstatat
static int64_t call_fstatat(const struct call *c, bool *answered)
{
	struct stat st;

	(void)answered;
	if (!is_about_fd(c, c->arg[1], c->arg[3]) || !stat_of(c, c->arg[0], &st))
		return GO_ON;
	return put_bytes(c, c->arg[2], &st, sizeof(st)) ? 0 : -EFAULT;
}
#endif

static int64_t call_statx(const struct call *c, bool *answered)
{
	struct stat st;
	struct statx x;

	(void)answered;
	if (!is_about_fd(c, c->arg[1], c->arg[2]) || !stat_of(c, c->arg[0], &st))
		return GO_ON;
	x = (struct statx){ .stx_mask = STATX_BASIC_STATS,
			    .stx_blksize = (uint32_t)st.st_blksize,
			    .stx_nlink = 1,
			    .stx_uid = st.st_uid,
			    .stx_mode = (uint16_t)st.st_mode,
			    .stx_ino = st.st_ino };
	x.stx_atime.tv_sec = x.stx_mtime.tv_sec = x.stx_ctime.tv_sec = st.st_mtim.tv_sec;
	return put_bytes(c, c->arg[4], &x, sizeof(x)) ? 0 : -EFAULT;
}

static int64_t call_fstatfs(const struct call *c, bool *answered)
{
	struct statfs st = { .f_type = PROC_SUPER_MAGIC,
			     .f_bsize = (__typeof__(st.f_bsize))sysconf(_SC_PAGESIZE),
			     .f_namelen = NAME_MAX };

	(void)answered;
	st.f_frsize = st.f_bsize;
	if (!file_of(c, c->arg[0]))
		return GO_ON;
	return put_bytes(c, c->arg[1], &st, sizeof(st)) ? 0 : -EFAULT;
}

/* PM-SETATTR: a size is taken and changes nothing. */
static int64_t call_ftruncate(const struct call *c, bool *answered)
{
	const struct pmk_notify_file *f = file_of(c, c->arg[0]);

	(void)answered;
	if (!f)
		return GO_ON;
	return (f->flags & O_ACCMODE) == O_RDONLY || (int64_t)c->arg[1] < 0 ? -EINVAL : 0;
}

static int64_t call_fallocate(const struct call *c, bool *answered)
{
	const struct pmk_notify_file *f = file_of(c, c->arg[0]);

	(void)answered;
	if (!f)
		return GO_ON;
	return (f->flags & O_ACCMODE) == O_RDONLY ? -EBADF : -EOPNOTSUPP;
}

/* Only files of no process have a mode that can be changed (proc_setattr()); here nobody will see it. */
static int64_t call_fchmod(const struct call *c, bool *answered)
{
	const struct pmk_notify_file *f = file_of(c, c->arg[0]);

	(void)answered;
	if (!f)
		return GO_ON;
	return pmk_proc_file[pmk_handle_file(f->handle)].per_pid || f->uid != c->n->uid ? -EPERM
											: 0;
}

/* Advice that is taken. */
static int64_t call_fadvise(const struct call *c, bool *answered)
{
	(void)answered;
	return file_of(c, c->arg[0]) ? 0 : GO_ON;
}

static int64_t call_fsync(const struct call *c, bool *answered)
{
	(void)answered;
	return file_of(c, c->arg[0]) ? -EINVAL : GO_ON;
}

/* What only reads: of files opened for writing EBADF, else this. */
static int64_t reading(const struct call *c, uint64_t fd, int64_t result)
{
	const struct pmk_notify_file *f = file_of(c, fd);

	if (!f)
		return GO_ON;
	return (f->flags & O_ACCMODE) == O_WRONLY ? -EBADF : result;
}

static int64_t call_readahead(const struct call *c, bool *answered)
{
	(void)answered;
	return reading(c, c->arg[0], 0);
}

static int64_t call_splice(const struct call *c, bool *answered)
{
	(void)answered;
	return reading(c, c->arg[0], -EINVAL);
}

static int64_t call_sendfile(const struct call *c, bool *answered)
{
	(void)answered;
	return reading(c, c->arg[1], -EINVAL);
}

/* From one file system to another. */
static int64_t call_copy_file_range(const struct call *c, bool *answered)
{
	(void)answered;
	return reading(c, c->arg[0], -EXDEV);
}

/* ---- the table ------------------------------------------------------------------------------------ */

static const struct {
	long nr;
	int64_t (*function)(const struct call *c, bool *ret_answered);
} calls[] = {
#define CALL(name, nr, function) { nr, function },
#include "notify_calls.def"
#undef CALL
};
#define NCALLS (sizeof(calls) / sizeof(calls[0]))

static bool no_privilege_needed(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

int pmk_notify_install(void)
{
	/* Signals may interrupt a call only before we have taken it, where the kernel can do that (5.19). */
	static const unsigned flags[] = { SECCOMP_FILTER_FLAG_NEW_LISTENER |
						  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
					  SECCOMP_FILTER_FLAG_NEW_LISTENER };
	struct sock_filter code[NCALLS + 6];
	struct sock_fprog program = { .filter = code };
	unsigned n = 0;
	long fd = -1;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 0, NCALLS + 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < NCALLS; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (__u32)calls[i].nr, (__u8)(NCALLS - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	program.len = (unsigned short)n;
	for (int tries = 0; fd < 0 && tries < 4; tries++) {
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags[tries / 2], &program);
		/* Root goes without no_new_privs, so that programs that gain rights still do. */
		if (fd < 0 && errno == EACCES && !no_privilege_needed())
			return -EACCES;
		if (fd < 0 && errno != EACCES && errno != EINVAL)
			return -errno;
	}
	return fd < 0 ? -errno : (int)fd;
}

/* ---- the thread ----------------------------------------------------------------------------------- */

static int64_t handle(struct pmk_notify *n, const struct seccomp_notif *asked, bool *ret_answered)
{
	struct call c = { n, asked->id, (int)asked->pid, asked->data.args };

	for (size_t i = 0; i < NCALLS; i++)
		if (calls[i].nr == asked->data.nr)
			return calls[i].function(&c, ret_answered);
	return GO_ON;
}

static void serve_one(struct pmk_notify *n)
{
	struct seccomp_notif asked = { 0 };
	struct seccomp_notif_resp answer = { 0 };
	bool answered = false;

	if (ioctl(n->listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
		return; /* it was killed or interrupted meanwhile */
	int64_t rc = handle(n, &asked, &answered);
	if (answered)
		return;
	answer.id = asked.id;
	if (rc == GO_ON)
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (rc < 0)
		answer.error = (int)rc;
	else
		answer.val = rc;
	ioctl(n->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static void *serve(void *data)
{
	struct pmk_notify *n = data;
	struct epoll_event event[16];

	for (;;) {
		int got = epoll_wait(n->epoll, event, 16, -1);

		for (int i = 0; i < got; i++) {
			if (event[i].data.ptr == n)
				return NULL;
			if (event[i].data.ptr)
				file_free(n, event[i].data.ptr);
			else
				serve_one(n);
		}
	}
}

/* Everything but the thread: 0 or -errno. */
static int prepare(struct pmk_notify *n)
{
	struct epoll_event asked = { .events = EPOLLIN },
			   stop = { .events = EPOLLIN, .data.ptr = n };

	n->uid = geteuid();
	n->buf = pmk_alloc(PMK_NOTIFY_CHUNK);
	n->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	n->epoll = epoll_create1(EPOLL_CLOEXEC);
	n->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (n->proc_fd < 0 || n->epoll < 0 || n->stop_fd < 0 ||
	    epoll_ctl(n->epoll, EPOLL_CTL_ADD, n->listener, &asked) < 0 ||
	    epoll_ctl(n->epoll, EPOLL_CTL_ADD, n->stop_fd, &stop) < 0)
		return -errno;
	n->userns = pmk_caller_userns(n->proc_fd, 0);
	return 0;
}

static void notify_destroy(struct pmk_notify *n)
{
	const int fds[] = { n->listener, n->epoll, n->stop_fd, n->proc_fd };

	while (n->file)
		file_free(n, n->file);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(n->buf);
	free(n);
}

int pmk_notify_start(int listener, struct pmk_machine **machine, pthread_mutex_t *lock,
		     const struct pmk_mount_options *options, struct pmk_notify **ret)
{
	struct pmk_notify *n = pmk_calloc(1, sizeof(*n));

	n->opt = *options;
	n->machine = machine;
	n->lock = lock;
	n->listener = listener;
	int rc = prepare(n);
	if (!rc)
		rc = -pthread_create(&n->thread, NULL, serve, n);
	if (rc)
		notify_destroy(n);
	else
		*ret = n;
	return rc;
}

void pmk_notify_stop(struct pmk_notify *n)
{
	eventfd_write(n->stop_fd, 1);
	pthread_join(n->thread, NULL);
	notify_destroy(n);
}
#endif
