/*
 * Reads and seeks give what the ledger's order of checks says (PM-READ-ORDER, PM-READV, PM-LSEEK,
 * KP-READ-ORDER, PM-MM-PIN, CR-OPEN, MAPS-READ): held against a second reading of the ledger, below, which
 * shares nothing with the model's.
 *
 * Input: kernel, then operations of a byte each with what they need.
 */
#include <errno.h>
#include <fcntl.h>

#include "fuzz.h"
#include "pagemapkit.h"
#include "world.h"

#define HANDLES	 4
#define BUFFER	 4096
#define OBSERVER .proc = PMK_OBSERVER

static const char *const kernels[] = { "6.18/x86_64",	   "7.3/arm64-64k", "6.1/ppc64el-64k",
				       "5.10/x86_64+la57", "5.10/i386",	    "7.3/arm64" };

struct fd {
	bool open, dead;
	int flags;
	enum pmk_file file;
	int64_t pos;
};

struct ledger {
	struct pmk_world *w;
	struct pmk_profile profile;
	uint64_t page, limit; /* bytes; PFNs of kpage* */
	struct fd fd[HANDLES];
	bool exited, reaped;
	uint64_t ref[BUFFER / 8]; /* of pagemap, from page 0 on */
	char maps[BUFFER * 2];
	int64_t maps_len;
	char buf[BUFFER];
};

/* ---- what the ledger says ------------------------------------------------------------------------ */

/* Rules 6 and on: what the file itself answers. */
static int64_t file_read(const struct ledger *l, const struct fd *fd, uint64_t pos, uint64_t count)
{
	uint64_t end = l->limit;

	if (l->profile.arch->long_bits == 32)
		pos &= UINT32_MAX; /* A-32BIT-POS */
	if (fd->file == PMK_FILE_PAGEMAP && fd->dead)
		return 0;
	if (pos % 8 || count % 8)
		return -EINVAL;
	pos /= 8;
	if (fd->file == PMK_FILE_PAGEMAP) {
		end = l->profile.task_size / l->page;
		if (pos > UINT64_MAX / l->page)
			return 0;
		if (!strncmp(l->profile.arch->name, "arm64", 5))
			pos &= (1ull << 56) / l->page - 1; /* A-TAG */
	}
	if (pos >= end)
		return 0;
	return (int64_t)((count / 8 < end - pos ? count / 8 : end - pos) * 8);
}

static uint64_t ssize_max(const struct ledger *l)
{
	return l->profile.arch->long_bits == 32 ? INT32_MAX : INT64_MAX;
}

static uint64_t max_rw(const struct ledger *l)
{
	return INT32_MAX / l->page * l->page;
}

/* Rules 2 to 5 for the whole call; count is the total of a readv. */
static int64_t check_call(const struct fd *fd, bool fault)
{
	if (!fd->open || fd->flags & O_PATH || (fd->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	if (fd->file == PMK_FILE_CLEAR_REFS)
		return -EINVAL; /* it has no read */
	return fault ? -EFAULT : 0;
}

static int64_t check_range(const struct ledger *l, int64_t pos, uint64_t count)
{
	if (count > ssize_max(l) || pos < 0 || count > (uint64_t)(INT64_MAX - pos))
		return -EINVAL;
	return 0;
}

static int64_t read_once(const struct ledger *l, const struct fd *fd, int64_t pos, uint64_t count,
			 enum pmk_buf where)
{
	int64_t n = check_call(fd, where == PMK_BUF_KERNEL || count > l->profile.task_size);
	uint64_t good = where == PMK_BUF_OK || where == PMK_BUF_ODD ? UINT64_MAX
			: where == PMK_BUF_HALF			    ? count / 2
								    : 0;

	if (!n)
		n = check_range(l, pos, count);
	if (n)
		return n;
	n = file_read(l, fd, (uint64_t)pos, count < max_rw(l) ? count : max_rw(l));
	return n > 0 && (uint64_t)n > good ? -EFAULT : n;
}

/* PM-READV: one check of all, then a read a segment. */
static int64_t read_segments(const struct ledger *l, const struct fd *fd, int64_t pos,
			     const struct pmk_request *r)
{
	uint64_t left = max_rw(l), total = 0;
	int64_t n = check_call(fd, false), done = 0;

	if (n)
		return n;
	for (unsigned i = 0; i < r->nseg; i++)
		if (r->seg[i] > ssize_max(l))
			return -EINVAL;
	for (unsigned i = 0; i < r->nseg; i++) {
		if (r->seg[i] > l->profile.task_size)
			return -EFAULT;
		total += r->seg[i] < left - total ? r->seg[i] : left - total;
	}
	if (!total)
		return 0;
	n = check_range(l, pos, total);
	if (n)
		return n;
	for (unsigned i = 0; i < r->nseg && left; i++) {
		uint64_t count = r->seg[i] < left ? r->seg[i] : left;

		n = file_read(l, fd, (uint64_t)(pos + done), count);
		if (n < 0)
			return done ? done : n;
		done += n;
		left -= count;
		if ((uint64_t)n < count)
			break;
	}
	return done;
}

static int64_t seek(struct fd *fd, int64_t offset, int64_t whence)
{
	int64_t to = offset;

	if (!fd->open || fd->flags & O_PATH)
		return -EBADF;
	if (whence < SEEK_SET || whence > SEEK_HOLE)
		return -EINVAL;
	if (fd->file == PMK_FILE_CLEAR_REFS)
		return 0;
	if (whence == SEEK_CUR)
		to = (int64_t)((uint64_t)fd->pos + (uint64_t)offset);
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (fd->file == PMK_FILE_MAPS && to < 0)
		return -EINVAL;
	return fd->pos = to;
}

/* PM-OPEN-GONE, PM-OPEN-FLAGS, PM-OPEN-NOMM. */
static int64_t open_file(const struct ledger *l, int flags, enum pmk_file file)
{
	if (!pmk_file_is_kpage(file) && l->reaped)
		return -ENOENT;
	if (flags & O_PATH)
		return 0;
	if (flags & O_CREAT && flags & O_EXCL)
		return -EEXIST;
	if (file == PMK_FILE_PAGEMAP && l->exited && l->profile.kernel >= PMK_KERNEL(6, 16, 0))
		return -ESRCH;
	return flags & O_DIRECT ? -EINVAL : 0;
}

/* ---- what the model does ------------------------------------------------------------------------- */

static int64_t ask(struct ledger *l, struct pmk_request r)
{
	return pmk_world_request(l->w, &r);
}

/* What pagemap and maps are from now on. */
static void snapshot(struct ledger *l, bool written)
{
	ask(l, (struct pmk_request){
		       .code = PMK_REQ_OPEN, .handle = 99, .file = PMK_FILE_PAGEMAP, OBSERVER });
	CHECK(ask(l, (struct pmk_request){ .code = PMK_REQ_PREAD,
					   .handle = 99,
					   .len = BUFFER,
					   .buf = l->ref,
					   OBSERVER }) == BUFFER,
	      "a read below the task size is complete (PM-READ-FULL)");
	for (unsigned i = 0; i < BUFFER / 8; i++)
		CHECK((l->ref[i] >> 63) == (written && i >= 102 && i < 107),
		      "what was written is present");
	ask(l, (struct pmk_request){
		       .code = PMK_REQ_OPEN, .handle = 98, .file = PMK_FILE_MAPS, OBSERVER });
	l->maps_len = ask(l, (struct pmk_request){ .code = PMK_REQ_READFD,
						   .handle = 98,
						   .len = sizeof(l->maps),
						   .buf = l->maps,
						   OBSERVER });
	CHECK(l->maps_len > 0 && l->maps_len <= BUFFER, "maps fits into a page");
	ask(l, (struct pmk_request){ .code = PMK_REQ_CLOSE, .handle = 98, OBSERVER });
	ask(l, (struct pmk_request){ .code = PMK_REQ_CLOSE, .handle = 99, OBSERVER });
}

static void set_up(struct ledger *l, const char *kernel)
{
	struct pmk_error err;

	CHECK(!pmk_profile_parse(kernel, &l->profile, &err), "a kernel of the target's own list");
	l->w = pmk_world_model_create();
	CHECK(!l->w->ops->reset(l->w, &l->profile, &err), "the model takes any kernel");
	l->page = l->w->ops->fact(l->w, PMK_FACT_PAGE_SIZE);
	l->limit = l->w->ops->fact(l->w, PMK_FACT_KPAGE_LIMIT);
	ask(l, (struct pmk_request){ .code = PMK_REQ_SPAWN });
	ask(l, (struct pmk_request){ .code = PMK_REQ_MMAP,
				     .addr = l->page * 100,
				     .len = l->page * 9,
				     .a = { -1 },
				     .prot = PMK_PERM_R | PMK_PERM_W });
	ask(l, (struct pmk_request){
		       .code = PMK_REQ_WRITE, .addr = l->page * 102, .len = l->page * 5 });
	snapshot(l, true);
}

/* The bytes that came are those that came at first. */
static void check_bytes(const struct ledger *l, const struct fd *fd, uint64_t pos, uint64_t n)
{
	if (l->profile.arch->long_bits == 32)
		pos &= UINT32_MAX;
	if (fd->file == PMK_FILE_PAGEMAP && pos < BUFFER)
		CHECK(!memcmp(l->buf, (const char *)l->ref + pos,
			      n < BUFFER - pos ? n : BUFFER - pos),
		      "an entry is the same in every read");
}

/* A read of maps: not aligned, and as long as the seq_file likes (MAPS-READ, MAPS-DEAD). */
static void check_maps(const struct ledger *l, const struct fd *fd, int64_t pos, uint64_t count,
		       int64_t got)
{
	int64_t left = fd->dead || pos >= l->maps_len ? 0 : l->maps_len - pos;

	if (l->reaped) {
		CHECK(got == (count ? -ESRCH : 0), "maps of a reaped process (MAPS-DEAD)");
		return;
	}
	CHECK(got >= 0 && got <= left && (uint64_t)got <= count, "maps gives what there is");
	CHECK(got || !left || !count, "maps gives something while there is more");
	CHECK(count > BUFFER || !memcmp(l->buf, l->maps + (left ? pos : 0), (size_t)got),
	      "maps is the same in every read");
}

static uint64_t number(const struct ledger *l, struct fuzz_input *in)
{
	uint8_t how = fuzz_byte(in), small = fuzz_byte(in);
	uint64_t around[] = { 0,
			      (l->profile.task_size / l->page) * 8,
			      l->limit * 8,
			      1ull << 63,
			      INT32_MAX,
			      1ull << 32,
			      l->profile.task_size,
			      100 * 8 };

	if (how & 0x80)
		return fuzz_u64(in);
	return around[how & 7] + (how & 8 ? 0 - (uint64_t)small : small) * (how & 16 ? 1 : 8);
}

static void do_open(struct ledger *l, struct fuzz_input *in, int handle)
{
	static const int extra[] = { 0, O_DIRECT, O_PATH, O_CREAT | O_EXCL, O_PATH | O_DIRECT,
				     0, 0,	  0 };
	uint8_t how = fuzz_byte(in);
	int flags = (how & 3) % 3 | extra[how >> 2 & 7];
	enum pmk_file file = (how >> 5) % PMK_FILE_MAIN_COUNT;
	struct fd *fd = &l->fd[handle];
	int64_t want = fd->open ? -EEXIST : open_file(l, flags, file);

	CHECK(ask(l, (struct pmk_request){ .code = PMK_REQ_OPEN,
					   .proc = PMK_OBSERVER,
					   .handle = handle,
					   .file = file,
					   .a = { flags, 0, 0, 0 } }) == want,
	      "open: PM-OPEN-FLAGS, PM-OPEN-NOMM, PM-OPEN-GONE");
	if (!want)
		*fd = (struct fd){ .open = true, .dead = l->exited, .flags = flags, .file = file };
}

static void do_read(struct ledger *l, struct fuzz_input *in, int handle, enum pmk_request_code code)
{
	struct fd *fd = &l->fd[handle];
	struct pmk_request r = { .code = code, .proc = PMK_OBSERVER, .handle = handle };
	bool at = code == PMK_REQ_PREAD || code == PMK_REQ_PREADV;
	bool segments = code == PMK_REQ_READV || code == PMK_REQ_PREADV, maps;
	uint64_t total = 0;
	int64_t want, got, pos;

	if (at)
		r.pos = (int64_t)number(l, in);
	pos = at ? r.pos : fd->pos;
	if (segments) {
		r.nseg = fuzz_byte(in) & 3;
		for (unsigned i = 0; i < r.nseg; i++)
			total += r.seg[i] = number(l, in);
		if (l->profile.arch->long_bits == 32)
			for (unsigned i = 0; i < r.nseg; i++)
				r.seg[i] &= UINT32_MAX;
		for (unsigned i = 0; i < r.nseg; i++)
			if (r.seg[i] > BUFFER)
				total = BUFFER + 1;
	} else {
		r.len = number(l, in);
		if (l->profile.arch->long_bits == 32)
			r.len &= UINT32_MAX;
		r.a[0] = fuzz_byte(in) % 7;
		total = r.len;
	}
	memset(l->buf, 0xa5, sizeof(l->buf));
	if (total <= BUFFER)
		r.buf = l->buf;
	if (at && pos < 0)
		want = -EINVAL; /* rule 1 */
	else
		want = segments ? read_segments(l, fd, pos, &r)
				: read_once(l, fd, pos, r.len, (enum pmk_buf)r.a[0]);
	got = ask(l, r);
	SAY("%d: read %d at %jx len %jx buf %jd seg %u: %jx %jx %jx -> %jd, want %jd\n", handle,
	    code, (uintmax_t)pos, (uintmax_t)r.len, (intmax_t)r.a[0], r.nseg, (uintmax_t)r.seg[0],
	    (uintmax_t)r.seg[1], (uintmax_t)r.seg[2], (intmax_t)got, (intmax_t)want);
	maps = fd->open && fd->file == PMK_FILE_MAPS;
	if (maps && (want >= 0 || !check_call(fd, false))) {
		if (!segments && r.a[0] == PMK_BUF_OK && r.buf && pos >= 0 && pos < BUFFER)
			check_maps(l, fd, pos, r.len, got);
	} else {
		CHECK(got == want, "a read gives what the ledger says (PM-READ-ORDER)");
		if (got > 0 && r.buf && (segments || r.a[0] == PMK_BUF_OK))
			check_bytes(l, fd, (uint64_t)pos, (uint64_t)got);
	}
	if (got > 0 && !at)
		fd->pos += got;
}

static void step(struct ledger *l, struct fuzz_input *in)
{
	static const enum pmk_request_code reads[] = { PMK_REQ_PREAD, PMK_REQ_READFD, PMK_REQ_READV,
						       PMK_REQ_PREADV };
	uint8_t op = fuzz_byte(in);
	int handle = op >> 4 & (HANDLES - 1);
	struct fd *fd = &l->fd[handle];
	int64_t offset, whence;

	switch (op & 15) {
	case 0:
	case 1:
		do_open(l, in, handle);
		break;
	case 2:
		CHECK(ask(l, (struct pmk_request){ .code = PMK_REQ_CLOSE,
						   .proc = PMK_OBSERVER,
						   .handle = handle }) == (fd->open ? 0 : -EBADF),
		      "close");
		fd->open = false;
		break;
	case 3:
		l->exited |= op >> 6 == 3;
		if (op >> 6 == 3)
			ask(l, (struct pmk_request){ .code = PMK_REQ_EXIT });
		else if (op >> 6 == 2 && !l->exited)
			ask(l, (struct pmk_request){ .code = PMK_REQ_EXEC });
		else if (op >> 6 == 1 && l->exited && !l->reaped)
			l->reaped = !ask(l, (struct pmk_request){ .code = PMK_REQ_REAP });
		for (int i = 0; op >> 6 > 1 && i < HANDLES; i++)
			l->fd[i].dead = true; /* PM-MM-PIN */
		if (op >> 6 == 2 && !l->exited)
			snapshot(l, false);
		break;
	case 4:
	case 5:
		offset = (int64_t)number(l, in);
		whence = fuzz_byte(in) % 6;
		CHECK(ask(l, (struct pmk_request){ .code = PMK_REQ_LSEEK,
						   .proc = PMK_OBSERVER,
						   .handle = handle,
						   .pos = offset,
						   .a = { whence } }) == seek(fd, offset, whence),
		      "lseek: PM-LSEEK, PM-SEEK-DEAD");
		break;
	default:
		do_read(l, in, handle, reads[op & 3]);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size < 512 ? size : 512 };
	static struct ledger l;

	memset(&l, 0, sizeof(l));
	set_up(&l, kernels[fuzz_byte(&in) % (sizeof(kernels) / sizeof(*kernels))]);
	while (in.size)
		step(&l, &in);
	l.w->ops->destroy(l.w);
	return 0;
}
