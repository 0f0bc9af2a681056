/* fuse.c - the session: mounting, the server thread, the table of operations.  See fuse.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "fuse_impl.h"
#include "mountpoint.h"

#define ANSWER_SECONDS 10 /* a kernel that has not sent INIT by then will not */

const char *const pmk_privilege_name[PMK_PRIVILEGE_COUNT] = {
	[PMK_PRIVILEGE_REAL] = "real",
	[PMK_PRIVILEGE_ALWAYS] = "always",
	[PMK_PRIVILEGE_NEVER] = "never",
	[PMK_PRIVILEGE_USERNS] = "userns",
};

int pmk_privilege_find(const char *name)
{
	for (int i = 0; i < PMK_PRIVILEGE_COUNT; i++)
		if (!strcmp(pmk_privilege_name[i], name))
			return i;
	return -1;
}

/* ---- operations on what cannot be changed ---------------------------------------------------- */

/*
 * proc's directories look a name up before they refuse to make it, and proc_lookup() says ENOENT; the
 * names that are there cannot be taken away for want of an operation: EPERM.
 */
static void refuse_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			 dev_t dev)
{
	(void)parent, (void)name, (void)mode, (void)dev;
	fuse_reply_err(req, ENOENT);
}

static void refuse_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)parent, (void)name, (void)mode;
	fuse_reply_err(req, ENOENT);
}

static void refuse_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			  struct fuse_file_info *fi)
{
	(void)parent, (void)name, (void)mode, (void)fi;
	fuse_reply_err(req, ENOENT);
}

static void refuse_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	(void)link, (void)parent, (void)name;
	fuse_reply_err(req, ENOENT);
}

static void refuse_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	(void)ino, (void)parent, (void)name;
	fuse_reply_err(req, ENOENT);
}

static void refuse_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
			  fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	(void)parent, (void)name, (void)new_parent, (void)new_name, (void)flags;
	fuse_reply_err(req, ENOENT);
}

static void refuse_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent, (void)name;
	fuse_reply_err(req, EPERM);
}

static void answer_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	(void)ino;
	if (size)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_xattr(req, 0);
}

static void answer_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	(void)ino, (void)name, (void)size;
	fuse_reply_err(req, EOPNOTSUPP);
}

static void answer_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = { .f_bsize = (unsigned long)sysconf(_SC_PAGESIZE),
			      .f_frsize = (unsigned long)sysconf(_SC_PAGESIZE),
			      .f_namemax = 255 };

	(void)ino;
	fuse_reply_statfs(req, &st);
}

/* ---- the session ----------------------------------------------------------------------------- */

static void answer_init(void *userdata, struct fuse_conn_info *conn)
{
	struct pmk_mount *m = userdata;

	/*
	 * A request carries max_pages pages, and a buffer that does not begin at a page takes one more than
	 * its size says.  With max_read one page less all pieces of a read but the last are max_read bytes,
	 * a multiple of 8; otherwise legal reads would arrive in odd pieces.
	 */
	conn->max_read = (unsigned)m->max_read;
	conn->max_write = (unsigned)m->max_read + (unsigned)sysconf(_SC_PAGESIZE);
	/* As a SETATTR, O_TRUNC leaves the size that the kernel believes in (KERNEL_SIZE). */
	conn->want &=
		~(unsigned)(FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
			    FUSE_CAP_SPLICE_MOVE | FUSE_CAP_AUTO_INVAL_DATA);
	sem_post(&m->ready);
}

/* Without poll (the kernel then says always ready, as proc does), flush, access and locks. */
static const struct fuse_lowlevel_ops operations = {
	.init = answer_init,
	.lookup = pmk_fuse_lookup,
	.getattr = pmk_fuse_getattr,
	.setattr = pmk_fuse_setattr,
	.readlink = pmk_fuse_readlink,
	.mknod = refuse_mknod,
	.mkdir = refuse_mkdir,
	.unlink = refuse_unlink,
	.rmdir = refuse_unlink,
	.symlink = refuse_symlink,
	.rename = refuse_rename,
	.link = refuse_link,
	.create = refuse_create,
	.open = pmk_fuse_open,
	.read = pmk_fuse_read,
	.write = pmk_fuse_write,
	.release = pmk_fuse_release,
	.fsync = pmk_fuse_fsync,
	.lseek = pmk_fuse_lseek,
	.ioctl = pmk_fuse_ioctl,
	.opendir = pmk_fuse_opendir,
	.readdir = pmk_fuse_readdir,
	.releasedir = pmk_fuse_releasedir,
	.statfs = answer_statfs,
	.listxattr = answer_listxattr,
	.getxattr = answer_getxattr,
};

/* What libfuse has to say about a failure, for the error. */
static _Thread_local char complaint[160];

static void note_complaint(enum fuse_log_level level, const char *format, va_list args)
{
	if (level > FUSE_LOG_ERR)
		return;
	vsnprintf(complaint, sizeof(complaint), format, args);
	complaint[strcspn(complaint, "\n")] = '\0';
}

/*
 * One thread: it tends to wake on its caller's CPU, which is five times faster than to wake another one.
 * Like libfuse's own workers it can be cancelled while it waits for a request, and only then.
 */
static void *serve(void *arg)
{
	struct pmk_mount *m = arg;
	int rc;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	while (!fuse_session_exited(m->session)) {
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
		rc = fuse_session_receive_buf(m->session, &m->request);
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		if (rc == -EINTR || rc == -EAGAIN)
			continue;
		if (rc <= 0)
			break;
		fuse_session_process_buf(m->session, &m->request);
	}
	sem_post(&m->ready);
	eventfd_write(m->end_fd, 1);
	return NULL;
}

static int session_create(struct pmk_mount *m, struct pmk_error *err)
{
	char *argv[] = { (char *)"pmkit", NULL, NULL };
	char options[160];

	snprintf(options, sizeof(options),
		 "-ofsname=pmkit,subtype=pmkit,default_permissions,max_read=%zu%s", m->max_read,
		 m->opt.allow_other ? ",allow_other" : "");
	argv[1] = options;
	struct fuse_args args = FUSE_ARGS_INIT(2, argv);
	m->session = fuse_session_new(&args, &operations, sizeof(operations), m);
	fuse_opt_free_args(&args);
	return m->session ? 0 : pmk_error_set(err, m->dir, 0, 0, "libfuse: %s", complaint);
}

/* By mount(2), or where that is not allowed by the setuid helper fusermount3 that libfuse runs. */
static int session_mount(struct pmk_mount *m, struct pmk_error *err)
{
	char place[32];
	int fd = m->opt.fuse_fd;

	m->direct = true;
	if (!fd)
		fd = pmk_mountpoint_mount(m->dir, m->max_read, m->opt.allow_other, err);
	if (fd == -EPERM) {
		m->direct = false;
		if (fuse_session_mount(m->session, m->dir) == 0)
			return 0;
		pmk_error_set(err, m->dir, 0, 0,
			      "cannot mount: not as root, nor by fusermount3%s%s",
			      *complaint ? ": " : "", complaint);
		return PMK_MOUNT_CANNOT;
	}
	if (fd < 0)
		return PMK_MOUNT_CANNOT;
	snprintf(place, sizeof(place), "/dev/fd/%d", fd);
	if (fuse_session_mount(m->session, place) == 0)
		return 0;
	pmk_error_set(err, m->dir, 0, 0, "libfuse: %s", complaint);
	umount2(m->dir, MNT_DETACH);
	close(fd);
	return PMK_MOUNT_FAILED;
}

static void session_unmount(struct pmk_mount *m)
{
	if (m->direct)
		umount2(m->dir, MNT_DETACH);
	else
		fuse_session_unmount(m->session);
}

static int thread_start(struct pmk_mount *m)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&m->thread, NULL, serve, m);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* Waits for INIT and asks once for something. */
static int answers(struct pmk_mount *m)
{
	struct timespec until;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ANSWER_SECONDS;
	while (sem_timedwait(&m->ready, &until) < 0)
		if (errno != EINTR)
			return -1;
	if (stat(m->dir, &st) < 0)
		return -1;
	m->dev = st.st_dev;
	return 0;
}

static struct pmk_mount *mount_create(struct pmk_machine **machine, pthread_mutex_t *lock,
				      const struct pmk_mount_options *options)
{
	struct pmk_mount *m = pmk_calloc(1, sizeof(*m));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	m->opt = *options;
	m->machine = machine;
	m->lock = lock;
	m->dir = pmk_strdup(options->dir);
	m->real_proc = options->real_proc ? pmk_strdup(options->real_proc) : NULL;
	m->uid = geteuid();
	m->gid = getegid();
	m->max_read = (PMK_FUSE_PAGES - 1) * page;
	m->buf = pmk_alloc_check(aligned_alloc(page, m->max_read + page));
	/* Never written, so all of it is the kernel's one zero page, which stays in the CPU's cache. */
	m->zero = mmap(NULL, m->max_read, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pmk_alloc_check(m->zero == MAP_FAILED ? NULL : m->buf);
	madvise((void *)(uintptr_t)m->zero, m->max_read, MADV_NOHUGEPAGE);
	sem_init(&m->ready, 0, 0);
	m->end_fd = eventfd(0, EFD_CLOEXEC);
	m->proc_fd = options->proc_fd;
	if (!m->proc_fd) {
		m->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
		m->own_proc_fd = true;
	}
	m->userns = pmk_caller_userns(m->proc_fd, 0);
	return m;
}

static void mount_free(struct pmk_mount *m)
{
	if (m->session)
		fuse_session_destroy(m->session);
	pthread_mutex_lock(m->lock);
	pmk_mount_forget(m);
	pthread_mutex_unlock(m->lock);
	pmk_files_deinit(m);
	pmk_tree_deinit(m);
	if (m->own_proc_fd)
		close(m->proc_fd);
	close(m->end_fd);
	sem_destroy(&m->ready);
	free(m->request.mem);
	munmap((void *)(uintptr_t)m->zero, m->max_read);
	free(m->buf);
	free(m->real_proc);
	free(m->dir);
	free(m);
}

struct pmk_mount *pmk_mount_create(struct pmk_machine **machine, pthread_mutex_t *lock,
				   const struct pmk_mount_options *options, struct pmk_error *err)
{
	struct pmk_mount *m = mount_create(machine, lock, options);

	fuse_set_log_func(note_complaint);
	if (!session_create(m, err))
		return m;
	mount_free(m);
	return NULL;
}

int pmk_mount_start(struct pmk_machine **machine, pthread_mutex_t *lock,
		    const struct pmk_mount_options *options, struct pmk_mount **ret,
		    struct pmk_error *err)
{
	struct pmk_mount *m = pmk_mount_create(machine, lock, options, err);
	int rc;

	if (!m)
		return PMK_MOUNT_FAILED;
	rc = session_mount(m, err);
	if (rc < 0)
		goto fail;
	if (thread_start(m)) {
		pmk_error_set(err, m->dir, 0, 0, "cannot start the server thread");
		session_unmount(m);
		goto fail;
	}
	if (answers(m) < 0) {
		pmk_error_set(err, m->dir, 0, 0, "the mount does not answer: %s", strerror(errno));
		pmk_mount_stop(m);
		return PMK_MOUNT_FAILED;
	}
	*ret = m;
	return 0;
fail:
	mount_free(m);
	return rc;
}

/*
 * Whether what is at the mount point is this mount: it may have been unmounted, and another one made
 * there.  Asked while the thread still answers; a dead connection fails at once.
 */
static bool is_at_its_place(struct pmk_mount *m)
{
	struct stat st;

	return stat(m->dir, &st) < 0 ? errno != ENOENT : st.st_dev == m->dev;
}

void pmk_mount_stop(struct pmk_mount *m)
{
	bool mounted = is_at_its_place(m);

	/* Who still has a file open keeps the connection alive: the thread may wait for ever. */
	fuse_session_exit(m->session);
	if (mounted && m->direct)
		session_unmount(m);
	pthread_cancel(m->thread);
	pthread_join(m->thread, NULL);
	if (mounted && !m->direct) /* closes the connection, so only now */
		session_unmount(m);
	mount_free(m);
}

int pmk_mount_end_fd(const struct pmk_mount *m)
{
	return m->end_fd;
}
