/* vfs.c - what the VFS does around a file: order of checks, positions, segments, bad buffers. */
#include "vfs.h"

#include <errno.h>
#include <fcntl.h>

#include "alloc.h"

struct pmk_fd {
	struct pmk_handle *h;
	struct pmk_machine *m;
	unsigned refs;
	int flags;
	int64_t pos;
};

int64_t pmk_fd_open(struct pmk_machine *m, const struct pmk_request *request, int pid,
		    const struct pmk_cred *opener, bool self, struct pmk_fd **ret)
{
	int flags = (int)request->a[0];
	struct pmk_handle *h = NULL; /* of O_PATH: never asked */
	struct pmk_proc_stat st;
	struct pmk_fd *fd;
	int err = pmk_proc_stat(m, request->file, pid, &st);

	/* PM-OPEN-FLAGS; O_PATH neither opens the file nor heeds the other flags */
	if (!err && !(flags & O_PATH) && flags & O_CREAT && flags & O_EXCL)
		err = -EEXIST;
	if (!err && !(flags & O_PATH))
		err = pmk_handle_open(m, request->file, pid, flags, opener, self, &h);
	if (err)
		return err;
	fd = pmk_calloc(1, sizeof(*fd));
	*fd = (struct pmk_fd){ .h = h, .m = m, .refs = 1, .flags = flags };
	*ret = fd;
	return 0;
}

void pmk_fd_get(struct pmk_fd *fd)
{
	fd->refs++;
}

void pmk_fd_put(struct pmk_fd *fd)
{
	if (!fd || --fd->refs)
		return;
	pmk_handle_close(fd->h);
	free(fd);
}

static uint64_t max_rw_count(const struct pmk_machine *m)
{
	return INT32_MAX & ~(pmk_profile_page_size(&m->profile) - 1);
}

static uint64_t ssize_max(const struct pmk_machine *m)
{
	return m->profile.arch->long_bits == 32 ? INT32_MAX : INT64_MAX;
}

/* access_ok(): rule 3 of PM-READ-ORDER.  A good buffer is taken to begin low. */
static bool access_ok(const struct pmk_fd *fd, enum pmk_buf where, uint64_t count)
{
	if (!pmk_profile_has(&fd->m->profile, PMK_Q_RANGE_CHECKED))
		return true;
	return where != PMK_BUF_KERNEL && count <= fd->m->profile.task_size;
}

/* Rule 2, and that clear_refs has no read at all. */
static int may_read(const struct pmk_fd *fd)
{
	if ((fd->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	return pmk_handle_file(fd->h) == PMK_FILE_CLEAR_REFS ? -EINVAL : 0;
}

/* rw_verify_area(): rule 4. */
static int check_range(const struct pmk_fd *fd, int64_t pos, uint64_t count)
{
	if (count > ssize_max(fd->m) || pos < 0 || (uint64_t)pos + count > INT64_MAX)
		return -EINVAL;
	return 0;
}

/* How many bytes from the start of the buffer can be written. */
static uint64_t writable(enum pmk_buf where, uint64_t count)
{
	switch (where) {
	case PMK_BUF_OK:
	case PMK_BUF_ODD:
		return UINT64_MAX;
	case PMK_BUF_HALF:
		return count / 2;
	default:
		return 0;
	}
}

/* One read(2) of the file at *pos: rules 2 to 5, then the file's own. */
static int64_t read_once(struct pmk_fd *fd, int64_t *pos, uint64_t count, void *buf,
			 enum pmk_buf where)
{
	uint64_t asked = count;
	int64_t n = may_read(fd);

	if (!n && !count && pmk_mutant(fd->m, NOTHING_IS_ZERO))
		return 0;
	if (!n && !access_ok(fd, where, count) && !pmk_mutant(fd->m, BUFFER_LATE))
		n = -EFAULT;
	if (!n)
		n = check_range(fd, *pos, count);
	if (n)
		return n;
	if (count > max_rw_count(fd->m) && !pmk_mutant(fd->m, NEVER_CLIPPED))
		count = max_rw_count(fd->m); /* PM-READ-CLIP */
	n = pmk_handle_read(fd->h, (uint64_t)*pos, count, where == PMK_BUF_OK ? buf : NULL);
	if (n > 0 && (uint64_t)n > writable(where, asked) && pmk_mutant(fd->m, FAULT_SHORT))
		n = (int64_t)writable(where, asked);
	if (n > 0 && (uint64_t)n > writable(where, asked))
		return -EFAULT; /* and the position stays: PM-READ-EFAULT */
	if (n > 0)
		*pos += n;
	return n;
}

/* import_iovec(): the lengths of all segments, cut to what one call may read in all. */
static int64_t import_segments(const struct pmk_fd *fd, const struct pmk_request *r,
			       uint64_t ret[PMK_SEGMENTS_MAX], uint64_t *ret_total)
{
	uint64_t left = max_rw_count(fd->m);

	for (unsigned i = 0; i < r->nseg; i++)
		if (r->seg[i] > ssize_max(fd->m))
			return -EINVAL;
	for (unsigned i = 0; i < r->nseg; i++) {
		if (!access_ok(fd, PMK_BUF_OK, r->seg[i]))
			return -EFAULT;
		ret[i] = r->seg[i] < left ? r->seg[i] : left;
		left -= ret[i];
	}
	*ret_total = max_rw_count(fd->m) - left;
	return 0;
}

/* One check of all segments, then each is a read of its own; a total of 0 never reaches the file
 * (PM-READV; vfs_readv, do_loop_readv_writev). */
static int64_t read_segments(struct pmk_fd *fd, int64_t *pos, const struct pmk_request *r)
{
	uint64_t seg[PMK_SEGMENTS_MAX], total = 0;
	int64_t done = 0, n = may_read(fd);

	if (!n)
		n = import_segments(fd, r, seg, &total);
	if (!n && total)
		n = check_range(fd, *pos, total);
	if (n)
		return n;
	/* kernfs has read_iter */
	if (total &&
	    (pmk_handle_file(fd->h) == PMK_FILE_PAGE_IDLE || pmk_mutant(fd->m, SEGMENTS_MERGED))) {
		n = pmk_handle_read(fd->h, (uint64_t)*pos, total, r->buf);
		*pos += n > 0 ? n : 0;
		return n;
	}
	for (unsigned i = 0; total && i < r->nseg; i++) {
		char *buf = r->buf ? (char *)r->buf + done : NULL;

		n = pmk_handle_read(fd->h, (uint64_t)*pos, seg[i], buf);
		if (n < 0)
			return done ? done : n;
		done += n;
		*pos += n;
		if ((uint64_t)n < seg[i])
			break;
	}
	return done;
}

static int64_t seek(struct pmk_fd *fd, const struct pmk_request *r)
{
	int err;

	if (r->a[0] < SEEK_SET || r->a[0] > SEEK_HOLE)
		return -EINVAL; /* whatever the file */
	err = pmk_handle_lseek(fd->h, &fd->pos, r->pos, (int)r->a[0]);
	return err ? err : fd->pos; /* raw: negative positions look like errors (PM-LSEEK-NEG) */
}

static int64_t write_once(struct pmk_fd *fd, const struct pmk_request *r)
{
	enum pmk_file file = pmk_handle_file(fd->h);
	bool can_write = file == PMK_FILE_CLEAR_REFS || file == PMK_FILE_PAGE_IDLE ||
			 pmk_file_is_kpage(file);
	int64_t n;

	if ((fd->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (!can_write)
		return -EINVAL; /* no write op, even for nothing */
	n = pmk_handle_write(fd->h, (uint64_t)fd->pos, r->len, r->in);
	if (n > 0 && file == PMK_FILE_PAGE_IDLE)
		fd->pos += n; /* clear_refs stays at 0 */
	return n;
}

/* ---- ioctls with an argument -------------------------------------------------------------------- */

/* Whether the kernel can read an argument that lies there, and write to it. */
static bool readable(enum pmk_buf where)
{
	return where == PMK_BUF_OK || where == PMK_BUF_ODD || where == PMK_BUF_READONLY;
}

/* Where a script's vector goes: the caller's memory, of which only a part may be good. */
struct vector {
	struct pmk_scan_region *out; /* NULL: nobody wants to see them */
	uint64_t room, done; /* regions */
	uint64_t good; /* bytes */
};

static bool put_regions(void *ctx, const struct pmk_scan_region *regions, size_t n)
{
	struct vector *v = ctx;

	if ((v->done + n) * sizeof(*regions) > v->good)
		return false;
	for (size_t i = 0; i < n && v->done + i < v->room; i++)
		v->out[v->done + i] = regions[i];
	v->done += n;
	return true;
}

#define GOOD_ADDRESS   0x10000u
#define KERNEL_ADDRESS (UINT64_MAX - 0xffffff)

static int64_t scan(struct pmk_fd *fd, const struct pmk_request *r)
{
	const uint64_t untouched = UINT64_MAX; /* no walk ends there */
	enum pmk_buf vec = (enum pmk_buf)r->a[0], where = (enum pmk_buf)r->a[1];
	struct pmk_scan_arg arg = r->scan;
	bool room = r->buf && r->len >= sizeof(arg);
	struct vector v = { .good = writable(vec, arg.vec_len * sizeof(struct pmk_scan_region)) };
	int64_t n;

	if (room) {
		v.out = (struct pmk_scan_region *)((char *)r->buf + sizeof(arg));
		v.room = (r->len - sizeof(arg)) / sizeof(*v.out);
		memcpy(r->buf, &arg, sizeof(arg));
	}
	arg.walk_end = untouched;
	if (arg.vec)
		arg.vec = vec == PMK_BUF_KERNEL ? KERNEL_ADDRESS : GOOD_ADDRESS;
	n = pmk_handle_scan(fd->h, readable(where) ? &arg : NULL, put_regions, &v);
	if (arg.walk_end == untouched)
		return n;
	if (!writable(where, 0))
		return -EFAULT; /* pagemap_scan_writeback_args(), after all else */
	if (room)
		memcpy(r->buf, &arg, sizeof(arg));
	return n;
}

static int64_t procmap_query(struct pmk_fd *fd, const struct pmk_request *r)
{
	enum pmk_buf name = (enum pmk_buf)r->a[0], where = (enum pmk_buf)r->a[1];
	unsigned char arg[8192];
	size_t len = r->query.size < sizeof(arg) ? (size_t)r->query.size : sizeof(arg);
	struct pmk_procmap_answer answer;
	int64_t err;

	memset(arg, (int)r->a[2], sizeof(arg));
	memcpy(arg, &r->query, sizeof(r->query));
	if (len < sizeof(r->query.size))
		len = sizeof(r->query.size);
	err = pmk_handle_procmap_query(fd->h, arg, readable(where) ? len : 0, &answer);
	if (err)
		return err;
	if (answer.name_len > writable(name, r->query.vma_name_size) || !writable(where, 0))
		return -EFAULT;
	memcpy(arg, &answer.q, answer.size);
	if (r->buf && r->len >= sizeof(answer.q) + answer.name_len) {
		memcpy(r->buf, arg, sizeof(answer.q));
		memcpy((char *)r->buf + sizeof(answer.q), answer.name, answer.name_len);
	}
	if (r->buf && r->len >= PMK_QUERY_ANSWER)
		memcpy((char *)r->buf + PMK_QUERY_ID_AT, answer.id, answer.id_len);
	return 0;
}

/* ---- the calls of syscalls.def ------------------------------------------------------------------ */

static int64_t mode(struct pmk_fd *fd, size_t n)
{
	struct pmk_proc_stat st;
	int err = pmk_handle_stat(fd->h, &st);

	(void)n;
	return err ? err : (int64_t)st.mode;
}

static int64_t uid(struct pmk_fd *fd, size_t n)
{
	struct pmk_proc_stat st;
	int err = pmk_handle_stat(fd->h, &st);

	(void)n;
	return err ? err : (int64_t)st.uid;
}

static int64_t read_at_0(struct pmk_fd *fd, size_t n)
{
	int64_t pos = 0;

	return read_once(fd, &pos, n, NULL, PMK_BUF_OK);
}

static int64_t read_here(struct pmk_fd *fd, size_t n)
{
	return read_once(fd, &fd->pos, n, NULL, PMK_BUF_OK);
}

/* ioctl_fionread(): an int */
static int64_t beyond(struct pmk_fd *fd, size_t n)
{
	(void)n;
	return (int)fd->pos;
}

/* What a call on a kind of file gives: a constant, or what a function says. */
struct answer {
	int64_t is;
	int64_t (*by)(struct pmk_fd *fd, size_t n);
};

enum needs { ANY, READ, WRITE, MAP, TRUNC };
static const struct {
	enum needs needs;
	struct answer pagemap, maps, clear_refs, kpage, page_idle;
} answers[PMK_SYSCALL_COUNT] = {
#define DONE_BY(function) 0, .by = function
#define SYSCALL(id, word, needs, pagemap, maps, clear_refs, kpage, page_idle, meaning) \
	[PMK_SYSCALL_##id] = { needs,		{ .is = pagemap },                     \
			       { .is = maps },	{ .is = clear_refs },                  \
			       { .is = kpage }, { .is = page_idle } },
#include "syscalls.def"
#undef SYSCALL
#undef DONE_BY
};

static int64_t check_access(const struct pmk_fd *fd, enum needs needs)
{
	int access = fd->flags & O_ACCMODE;
	bool reads = access != O_WRONLY, writes = access != O_RDONLY;

	switch (needs) {
	case READ:
		return reads ? 0 : -EBADF;
	case WRITE:
		return writes ? 0 : -EBADF;
	case MAP:
		return reads ? 0 : -EACCES;
	case TRUNC:
		return writes ? 0 : -EINVAL;
	default:
		return 0;
	}
}

static int64_t other_call(struct pmk_fd *fd, enum pmk_syscall call, size_t n)
{
	enum pmk_file file = pmk_handle_file(fd->h);
	const struct answer *answer = pmk_file_is_kpage(file)	    ? &answers[call].kpage
				      : file == PMK_FILE_PAGEMAP    ? &answers[call].pagemap
				      : file == PMK_FILE_CLEAR_REFS ? &answers[call].clear_refs
				      : file == PMK_FILE_PAGE_IDLE  ? &answers[call].page_idle
								    : &answers[call].maps;
	int64_t err = check_access(fd, answers[call].needs);

	if (err)
		return err;
	return answer->by ? answer->by(fd, n) : answer->is;
}

int64_t pmk_fd_request(struct pmk_fd *fd, const struct pmk_request *r)
{
	int64_t pos = r->pos;

	if ((r->code == PMK_REQ_PREAD || r->code == PMK_REQ_PREADV) && pos < 0)
		return -EINVAL; /* rule 1 */
	if (fd->flags & O_PATH)
		return -EBADF;
	switch (r->code) {
	case PMK_REQ_PREAD:
		return read_once(fd, &pos, r->len, r->buf, (enum pmk_buf)r->a[0]);
	case PMK_REQ_READFD:
		return read_once(fd, &fd->pos, r->len, r->buf, (enum pmk_buf)r->a[0]);
	case PMK_REQ_READV:
		return read_segments(fd, &fd->pos, r);
	case PMK_REQ_PREADV:
		return read_segments(fd, &pos, r);
	case PMK_REQ_LSEEK:
		return seek(fd, r);
	case PMK_REQ_WRITEFD:
		return write_once(fd, r);
	case PMK_REQ_IOCTL:
		return pmk_handle_ioctl(fd->h, (unsigned)r->a[0]);
	case PMK_REQ_SCAN:
		return scan(fd, r);
	case PMK_REQ_SYSCALL:
		return other_call(fd, (enum pmk_syscall)r->a[0], (size_t)r->a[1]);
	case PMK_REQ_PROCMAP_QUERY:
		return procmap_query(fd, r);
	default:
		return -ENOSYS;
	}
}
