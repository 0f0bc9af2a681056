/* fuse_file.c - open files of the mount: FUSE's operations handed to the core's (procfs.h). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "alloc.h"
#include "fuse_impl.h"

/* An open file: one of the machine's, or `null`. */
struct pmk_open {
	struct pmk_handle *handle; /* NULL: none, or forgotten */
	bool mocked; /* it had a handle */
	bool words; /* 8 bytes each: counts must be multiples */
	struct pmk_open **at, *next; /* in mount->open */
};

static struct pmk_open *open_of(struct fuse_file_info *fi)
{
	return (struct pmk_open *)(uintptr_t)fi->fh;
}

/* ---- open and release ----------------------------------------------------------------------- */

struct pmk_cred pmk_caller_cred(struct pmk_mount *m, struct pmk_node node, struct pmk_place place,
				const struct fuse_ctx *ctx, bool *ret_self)
{
	struct pmk_cred cred = { .uid = pmk_node_user(m, node, ctx->uid) };
	int caller = pmk_caller_process(m->proc_fd, ctx->pid);

	cred.caps = pmk_caller_rights(m->proc_fd, ctx->pid, m->userns, m->opt.privilege);
	/* Who stands for the script's user has no capabilities to compare with those of its processes. */
	if (cred.uid != ctx->uid)
		cred.caps |= PMK_CAP_SYS_PTRACE;
	*ret_self =
		node.pid && (place.real ? caller == node.pid
					: caller && pmk_place_of_caller(m, caller) == place.pid);
	return cred;
}

static int open_file(struct pmk_mount *m, struct pmk_node node, const struct fuse_ctx *ctx,
		     int flags, struct pmk_handle **ret)
{
	struct pmk_place place;
	struct pmk_cred cred;
	bool self;

	if (!pmk_place_find(m, node.pid, &place))
		return -ENOENT;
	cred = pmk_caller_cred(m, node, place, ctx, &self);
	pthread_mutex_lock(m->lock);
	if (m->opt.opener && *m->opt.opener)
		cred = **m->opt.opener;
	int rc = pmk_handle_open(*m->machine, pmk_node_file(node), place.pid, flags, &cred, self,
				 ret);
	pthread_mutex_unlock(m->lock);
	return rc;
}

static void open_free(struct pmk_mount *m, struct pmk_open *o)
{
	pthread_mutex_lock(m->lock);
	if (o->handle)
		pmk_handle_close(o->handle);
	if (o->at) {
		*o->at = o->next;
		if (o->next)
			o->next->at = o->at;
	}
	pthread_mutex_unlock(m->lock);
	free(o);
}

static void open_link(struct pmk_mount *m, struct pmk_open *o)
{
	pthread_mutex_lock(m->lock);
	o->next = m->open;
	o->at = &m->open;
	if (o->next)
		o->next->at = &o->next;
	m->open = o;
	pthread_mutex_unlock(m->lock);
}

void pmk_mount_forget(struct pmk_mount *m)
{
	for (struct pmk_open *o = m->open; o; o = o->next) {
		if (o->handle)
			pmk_handle_close(o->handle);
		o->handle = NULL;
	}
}

void pmk_files_deinit(struct pmk_mount *m)
{
	while (m->open)
		open_free(m, m->open);
}

void pmk_fuse_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct pmk_mount *m = pmk_mount_of(req);
	struct pmk_node node = pmk_node_of(ino);
	struct pmk_open *o = pmk_calloc(1, sizeof(*o));
	int rc = 0;

	if (pmk_node_is_file(node)) {
		o->mocked = true;
		o->words = pmk_node_file(node) == PMK_FILE_PAGEMAP ||
			   pmk_file_is_kpage(pmk_node_file(node));
		rc = open_file(m, node, fuse_req_ctx(req), fi->flags, &o->handle);
	}
	if (rc < 0) {
		open_free(m, o);
		fuse_reply_err(req, -rc);
		return;
	}
	open_link(m, o);
	fi->fh = (uintptr_t)o;
	fi->direct_io = 1; /* positions and counts arrive as they are */
	if (fuse_reply_open(req, fi))
		open_free(m, o); /* the caller was killed meanwhile: there will be no release */
}

void pmk_fuse_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	open_free(pmk_mount_of(req), open_of(fi));
	fuse_reply_err(req, 0);
}

/* ---- read ----------------------------------------------------------------------------------- */

static int64_t core_read(struct pmk_mount *m, struct pmk_open *o, uint64_t pos, size_t count)
{
	int64_t n = -ESRCH;

	pthread_mutex_lock(m->lock);
	if (o->handle)
		n = pmk_handle_read(o->handle, pos, count, m->buf);
	pthread_mutex_unlock(m->lock);
	return n;
}

static int64_t read_words(struct pmk_mount *m, struct pmk_open *o, int tid, uint64_t pos,
			  size_t size)
{
	struct pmk_window window = { PMK_WINDOW_BYTES, size };

	/* Only a full request or an odd one can be a piece of something else than it seems. */
	if (m->opt.strict || size >= m->max_read || size % 8)
		window = pmk_window_find(m, tid, pos, size);
	switch (window.kind) {
	case PMK_WINDOW_ODD:
		return core_read(m, o, pos, 7);
	case PMK_WINDOW_FAULT: {
		/* A fault shows only if the file has more than the buffer takes. */
		int64_t n = core_read(m, o, pos, (window.bytes & ~(size_t)7) + 8);

		return n > (int64_t)window.bytes ? -EFAULT : n;
	}
	default:
		return core_read(m, o, pos, window.bytes);
	}
}

void pmk_fuse_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi)
{
	struct pmk_mount *m = pmk_mount_of(req);
	struct pmk_open *o = open_of(fi);
	uint64_t pos = (uint64_t)off;
	int64_t n;

	(void)ino;
	if (size > m->max_read)
		size = m->max_read;
	if (!fi->lock_owner) { /* for the page cache: sendfile, splice, a fault in a mapping */
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (!o->mocked) {
		fuse_reply_buf(req, m->zero, size);
		return;
	}
	n = o->words ? read_words(m, o, fuse_req_ctx(req)->pid, pos, size)
		     : core_read(m, o, pos, size);
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_buf(req, m->buf, (size_t)n);
}

/* ---- the rest ------------------------------------------------------------------------------- */

/*
 * FUSE merges the segments of a writev; the kernel hands them to the file one by one, as long as each is
 * taken as a whole.
 */
static int64_t write_segments(struct pmk_open *o, uint64_t pos, const char *buf, size_t size,
			      const struct iovec *seg, size_t nseg)
{
	int64_t done = 0, n = 0;

	for (size_t i = 0; i < nseg && (size_t)done < size; i++) {
		size_t len = seg[i].iov_len;

		if (len > size - (size_t)done)
			len = size - (size_t)done;
		n = pmk_handle_write(o->handle, pos + (uint64_t)done, len, buf + done);
		if (n < 0)
			return done ? done : n;
		done += n;
		if ((size_t)n < len)
			break;
	}
	return done;
}

void pmk_fuse_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	struct pmk_mount *m = pmk_mount_of(req);
	struct pmk_open *o = open_of(fi);
	int64_t n = o->mocked ? -ESRCH : -EIO;
	struct iovec seg[IOV_MAX] = { { NULL, size } };
	size_t nseg = m->opt.strict ? pmk_window_segments(m, fuse_req_ctx(req)->pid, seg) : 0;

	(void)ino;
	pthread_mutex_lock(m->lock);
	if (o->handle)
		n = write_segments(o, (uint64_t)off, buf, size, seg, nseg ? nseg : 1);
	pthread_mutex_unlock(m->lock);
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_write(req, (size_t)n);
}

/* A command comes with its argument copied in, as its _IOC_SIZE says; memory that this points to
 * is the caller's: pmk_caller_*. */
void pmk_fuse_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
		    struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_size,
		    size_t out_size)
{
	struct pmk_mount *m = pmk_mount_of(req);
	struct pmk_open *o = open_of(fi);
	int64_t n = -ENOTTY;
	bool answered = false;

	(void)ino;
	(void)flags;
	(void)out_size;
	pthread_mutex_lock(m->lock);
	if (o->handle)
		answered = pmk_fuse_ioctl_answered(req, o->handle, cmd, arg, in, in_size);
	if (o->handle && !answered)
		n = pmk_handle_ioctl(o->handle, cmd);
	pthread_mutex_unlock(m->lock);
	if (answered)
		return;
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_ioctl(req, (int)n, NULL, 0);
}

/* Asked for SEEK_DATA and SEEK_HOLE only: mem_lseek() and seq_lseek() know neither, noop_llseek() any. */
void pmk_fuse_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		    struct fuse_file_info *fi)
{
	(void)off;
	(void)whence;
	(void)fi;
	switch (pmk_node_of(ino).entry) {
	case PMK_ENTRY_FILE + PMK_FILE_CLEAR_REFS:
		fuse_reply_lseek(req, 0);
		break;
	case PMK_ENTRY_FILE + PMK_FILE_PAGE_IDLE: /* generic_file_llseek(): behind its size */
		fuse_reply_err(req, ENXIO);
		break;
	default:
		fuse_reply_err(req, EINVAL);
	}
}

/* vfs_fsync_range() without an fsync operation; kernfs has noop_fsync(). */
void pmk_fuse_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)datasync;
	(void)fi;
	fuse_reply_err(req,
		       pmk_node_of(ino).entry == PMK_ENTRY_FILE + PMK_FILE_PAGE_IDLE ? 0 : EINVAL);
}
