/*
 * Whatever requests come from /dev/fuse, each gets one reply that is well formed; an open file answers what
 * the core answers (procfs.h), whoever opens it and however often the machine behind it is exchanged.
 *
 * Input: whom openers count as, how the mount is set; then operations of a byte each with what they need.
 * The session is libfuse's own, fed by hand: no mount, no thread, no /dev/fuse.  As from a kernel, nodes
 * and handles are those that were given out before; everything else can be anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <unistd.h>

#include "fuse_impl.h"
#include "fuzz.h"
#include "pagemapkit.h"
#include "world.h"

#define NODES	16
#define FILES	4
#define OPS_MAX 64
#define ARENA	100u /* pages */
#define REPLY	(1u << 17)

static struct pmk_mount *mount;
static struct pmk_world *world;
static struct pmk_machine *machine;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pmk_cred cred;
static const struct pmk_cred *opener;

static struct {
	struct fuse_out_header head;
	char body[REPLY];
	size_t size; /* of the body */
	unsigned n; /* how many came */
} reply;

struct open_file {
	bool open, dir;
	uint64_t fh, nodeid;
	struct pmk_handle
		*twin; /* the same file, opened in the core; NULL: nothing to compare with */
};
static struct open_file file[FILES];
static uint64_t node[NODES];
static unsigned nnodes;
static uint64_t requests;

/* ---- the device ---------------------------------------------------------------------------------- */

static ssize_t take_reply(int fd, struct iovec *iov, int count, void *data)
{
	size_t all = 0, at = 0;

	(void)fd;
	(void)data;
	struct fuse_out_header head;

	CHECK(count && iov[0].iov_len == sizeof(head), "a reply begins with its header");
	memcpy(&head, iov[0].iov_base, sizeof(head));
	for (int i = 0; i < count; i++)
		all += iov[i].iov_len;
	CHECK(head.len == all, "a reply is as long as it says");
	if (!head.unique) /* a notice */
		return (ssize_t)all;
	reply.n++;
	reply.head = head;
	for (int i = 1; i < count && at + iov[i].iov_len <= REPLY; at += iov[i++].iov_len)
		memcpy(reply.body + at, iov[i].iov_base, iov[i].iov_len);
	reply.size = all - sizeof(reply.head);
	return (ssize_t)all;
}

static ssize_t no_read(int fd, void *buf, size_t len, void *data)
{
	(void)fd, (void)buf, (void)len, (void)data;
	return -EIO;
}

/* Sends a request, and has its reply: 0 or -errno. */
static int send(unsigned opcode, uint64_t nodeid, unsigned pid, const void *body, size_t size)
{
	static char buf[sizeof(struct fuse_in_header) + 8192];
	struct fuse_in_header head = { .len = (uint32_t)(sizeof(head) + size),
				       .opcode = opcode,
				       .unique = ++requests,
				       .nodeid = nodeid,
				       .pid = pid };
	struct fuse_buf in = { .mem = buf, .size = head.len };

	memcpy(buf, &head, sizeof(head));
	memcpy(buf + sizeof(head), body, size);
	memset(buf + head.len, 0, 64); /* a name ends */
	reply.n = 0;
	reply.size = 0;
	fuse_session_process_buf(mount->session, &in);
	SAY("%u of %#jx, %zu bytes: %d, %zu bytes, %u replies\n", opcode, (uintmax_t)nodeid, size,
	    reply.head.error, reply.size, reply.n);
	CHECK(reply.n == (opcode != FUSE_FORGET), "a request has one reply");
	CHECK(!reply.n || reply.head.unique == head.unique, "a reply names its request");
	CHECK(!reply.n || (reply.head.error <= 0 && reply.head.error > -1000),
	      "an error is an errno");
	CHECK(!reply.n || !reply.head.error || !reply.size, "an error has nothing behind it");
	return reply.n ? reply.head.error : 0;
}

static void say_count(void)
{
	fprintf(stderr, "stat::requests: %ju\n", (uintmax_t)requests);
}

static void connect_once(void)
{
	static const struct fuse_custom_io io = { .writev = take_reply, .read = no_read };
	struct fuse_init_in init = { .major = 7, .minor = 34, .max_readahead = 65536 };
	struct pmk_mount_options options = { .dir = "nowhere",
					     .null_file = true,
					     .opener = &opener };
	struct pmk_error err;

	if (mount)
		return;
	mount = pmk_mount_create(&machine, &lock, &options, &err);
	CHECK(mount && !fuse_session_custom_io(mount->session, &io, open("/dev/null", O_RDWR)),
	      "libfuse makes a session");
	CHECK(!send(FUSE_INIT, 0, 0, &init, sizeof(init)), "INIT is answered");
	if (getenv("PMK_FUZZ_COUNT"))
		atexit(say_count);
}

/* ---- the machine --------------------------------------------------------------------------------- */

static int64_t ask(struct pmk_request q)
{
	return pmk_world_request(world, &q);
}

static void set_up(uint8_t kernel)
{
	static const char *const kernels[] = { "6.18/x86_64", "7.3/arm64-64k", "5.10/i386",
					       "6.1/x86_64" };
	struct pmk_profile profile;
	struct pmk_error err;
	uint64_t page;

	CHECK(!pmk_profile_parse(kernels[kernel & 3], &profile, &err), "a kernel of the list");
	world = pmk_world_model_create();
	world->ops->reset(world, &profile, &err);
	machine = world->ops->machine(world);
	page = world->ops->fact(world, PMK_FACT_PAGE_SIZE);
	mount->opt.first_pid = (int)ask((struct pmk_request){ .code = PMK_REQ_SPAWN });
	ask((struct pmk_request){ .code = PMK_REQ_MMAP,
				  .addr = page * ARENA,
				  .len = page * 9,
				  .a = { -1 },
				  .prot = PMK_PERM_R | PMK_PERM_W });
	ask((struct pmk_request){
		.code = PMK_REQ_WRITE, .addr = page * (ARENA + 2), .len = page * 5 });
	ask((struct pmk_request){ .code = PMK_REQ_OBJECT,
				  .proc = PMK_OBSERVER,
				  .a = { 0, PMK_BACKING_FILE },
				  .len = page * 4 });
	ask((struct pmk_request){
		.code = PMK_REQ_MMAP, .addr = page * 200, .len = page * 4, .prot = PMK_PERM_R });
	ask((struct pmk_request){ .code = PMK_REQ_FORK, .a = { 1 } });
	node[0] = FUSE_ROOT_ID;
	nnodes = 1;
}

static void tear_down(void)
{
	for (int i = 0; i < FILES; i++) {
		struct fuse_release_in in = { .fh = file[i].fh };

		if (file[i].twin)
			pmk_handle_close(file[i].twin);
		if (file[i].open)
			CHECK(!send(file[i].dir ? FUSE_RELEASEDIR : FUSE_RELEASE, file[i].nodeid, 0,
				    &in, sizeof(in)),
			      "a file can be closed, also when its machine is gone");
		file[i] = (struct open_file){ .open = false };
		if (i == 1) { /* half of them outlive the machine */
			for (int k = 2; k < FILES; k++) {
				if (file[k].twin)
					pmk_handle_close(file[k].twin);
				file[k].twin = NULL;
			}
			pmk_mount_forget(mount);
			world->ops->destroy(world);
		}
	}
}

/* ---- operations ---------------------------------------------------------------------------------- */

static void do_lookup(struct fuzz_input *in, uint64_t parent)
{
	static const char *const names[] = {
		"1000",	       "1001",	     "pagemap", "maps",	       "kpagecount", "kpageflags",
		"kpagecgroup", "clear_refs", "self",	"thread-self", "task",	     "null",
		"map_files",   "comm",	     "status",	"smaps"
	};
	uint8_t which = fuzz_byte(in);
	char name[64] = "";
	const struct fuse_entry_out *out = (const void *)reply.body;
	size_t len;

	if (which & 0x80) {
		len = which & 31;
		for (size_t i = 0; i < len; i++)
			name[i] = (char)fuzz_byte(in);
	} else {
		snprintf(name, sizeof(name), "%s", names[which & 15]);
	}
	if (send(FUSE_LOOKUP, parent, 0, name, strlen(name) + 1))
		return;
	CHECK(reply.size >= sizeof(*out), "LOOKUP gives an entry");
	if (out->nodeid)
		node[nnodes < NODES ? nnodes++ : which % NODES] = out->nodeid;
}

static void open_twin(struct open_file *f, int flags, int error)
{
	struct pmk_node n = pmk_node_of(f->nodeid);
	int want;

	if (!opener || !pmk_node_is_file(n))
		return;
	want = pmk_handle_open(machine, pmk_node_file(n), n.pid, flags, &cred, false, &f->twin);
	if (want)
		f->twin = NULL;
	CHECK(want == error, "OPEN says what the core says");
}

static void do_open(struct fuzz_input *in, struct open_file *f, uint64_t nodeid)
{
	static const int extra[] = { 0, O_DIRECT, O_NONBLOCK, O_SYNC };
	uint8_t how = fuzz_byte(in);
	struct fuse_open_in arg = { .flags = (how & 3u) % 3 | (unsigned)extra[how >> 2 & 3] };
	const struct fuse_open_out *out = (const void *)reply.body;
	unsigned dir = how & 16;
	int error;

	if (f->open)
		return;
	*f = (struct open_file){ .dir = dir, .nodeid = nodeid };
	error = send(dir ? FUSE_OPENDIR : FUSE_OPEN, nodeid,
		     opener || how & 32 ? 0 : (unsigned)getpid(), &arg, sizeof(arg));
	if (!dir)
		open_twin(f, (int)arg.flags, error);
	if (error)
		return;
	CHECK(reply.size >= sizeof(*out), "OPEN gives a handle");
	f->open = true;
	f->fh = out->fh;
}

static uint64_t position(struct fuzz_input *in)
{
	static const uint64_t around[] = { 0, ARENA * 8, 0x1000 * 8, INT64_MAX & ~7ull };
	uint8_t how = fuzz_byte(in);

	if (how & 0x80)
		return fuzz_u64(in) & INT64_MAX;
	return around[how & 3] + (how & 4 ? (how >> 3) : (how >> 3) * 8u) % 64;
}

static void do_read(struct fuzz_input *in, struct open_file *f)
{
	static char want[REPLY];
	struct fuse_read_in arg = { .fh = f->fh,
				    .offset = position(in),
				    .read_flags = FUSE_READ_LOCKOWNER,
				    .lock_owner = 1 };
	int64_t n;

	arg.size = fuzz_u16(in);
	if (!f->open)
		return;
	send(f->dir ? FUSE_READDIR : FUSE_READ, f->nodeid, 0, &arg, sizeof(arg));
	CHECK(reply.size <= arg.size, "a read gives at most what was asked for");
	if (!f->twin)
		return;
	n = pmk_handle_read(f->twin, arg.offset, arg.size, want);
	CHECK(n < 0 ? reply.head.error == n : (!reply.head.error && reply.size == (size_t)n),
	      "READ gives as much as the core");
	CHECK(n <= 0 || !memcmp(want, reply.body, (size_t)n), "READ gives the core's bytes");
}

static void do_write(struct fuzz_input *in, struct open_file *f)
{
	struct {
		struct fuse_write_in arg;
		char text[32];
	} w = { .arg = { .fh = f->fh, .offset = position(in), .size = fuzz_byte(in) & 31 } };
	const struct fuse_write_out *out = (const void *)reply.body;

	for (unsigned i = 0; i < w.arg.size; i++)
		w.text[i] = (char)fuzz_byte(in);
	if (!f->open || f->dir)
		return;
	if (!send(FUSE_WRITE, f->nodeid, 0, &w, sizeof(w.arg) + w.arg.size))
		CHECK(reply.size == sizeof(*out) && out->size <= w.arg.size,
		      "a write takes at most what it was given");
}

static void do_ioctl(struct fuzz_input *in, struct open_file *f)
{
	static const uint32_t cmds[] = { (uint32_t)PMK_PAGEMAP_SCAN, (uint32_t)PMK_PROCMAP_QUERY,
					 0x5401, 0 };
	uint8_t how = fuzz_byte(in);
	struct {
		struct fuse_ioctl_in arg;
		uint64_t in[16];
	} w = { .arg = { .fh = f->fh, .cmd = cmds[how & 3], .out_size = 128 } };

	w.arg.in_size = how & 4 ? fuzz_byte(in) & 127 : how & 3 ? 104 : 96;
	for (int i = 0; i < 16; i++)
		w.in[i] = how & 8 ? fuzz_u64(in) : fuzz_byte(in);
	if (how & 16) {
		w.in[0] = how & 3 ? 104 : 96;
		w.in[how & 3 ? 1 : 2] &= ~0xfffull;
	}
	if (f->open && !f->dir)
		send(FUSE_IOCTL, f->nodeid, 0, &w, sizeof(w.arg) + w.arg.in_size);
}

static void do_release(struct open_file *f)
{
	struct fuse_release_in in = { .fh = f->fh };

	if (!f->open)
		return;
	CHECK(!send(f->dir ? FUSE_RELEASEDIR : FUSE_RELEASE, f->nodeid, 0, &in, sizeof(in)),
	      "a file can be closed");
	if (f->twin)
		pmk_handle_close(f->twin);
	*f = (struct open_file){ .open = false };
}

/* What has a fixed size and no handle: names and numbers are whatever comes. */
static void do_other(struct fuzz_input *in, uint64_t nodeid)
{
	static const uint16_t opcodes[] = { FUSE_GETATTR,  FUSE_READLINK,  FUSE_STATFS,
					    FUSE_GETXATTR, FUSE_LISTXATTR, FUSE_MKDIR,
					    FUSE_UNLINK,   FUSE_RMDIR,	   FUSE_MKNOD,
					    FUSE_ACCESS,   FUSE_SETATTR,   FUSE_FORGET,
					    FUSE_SYMLINK,  FUSE_LINK,	   FUSE_RENAME2,
					    FUSE_SETXATTR };
	char body[160] = "";
	unsigned n = fuzz_byte(in) & 63;
	uint16_t opcode = opcodes[fuzz_byte(in) & 15];

	for (unsigned i = 0; i < n; i++)
		body[i] = (char)fuzz_byte(in);
	send(opcode, nodeid, 0, body, sizeof(body));
}

static void step(struct fuzz_input *in)
{
	uint8_t op = fuzz_byte(in), which = fuzz_byte(in);
	struct open_file *f = &file[which % FILES];
	uint64_t nodeid = node[(which >> 2) % nnodes];
	struct fuse_lseek_in seek = { .fh = f->fh, .whence = which >> 4 };

	switch (op % 12) {
	case 0:
	case 1:
		do_lookup(in, nodeid);
		break;
	case 2:
	case 3:
		do_open(in, f, nodeid);
		break;
	case 4:
	case 5:
	case 6:
		do_read(in, f);
		break;
	case 7:
		do_write(in, f);
		break;
	case 8:
		do_ioctl(in, f);
		break;
	case 9:
		do_release(f);
		break;
	case 10:
		if (f->open && !f->dir && which & 0x80)
			send(FUSE_LSEEK, f->nodeid, 0, &seek, sizeof(seek));
		else if (which & 0x40)
			ask((struct pmk_request){ .code = PMK_REQ_EXIT, .proc = which & 1 });
		break;
	default:
		do_other(in, nodeid);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	uint8_t who = fuzz_byte(&in), how = fuzz_byte(&in);

	connect_once();
	cred = (struct pmk_cred){ .uid = who & 1 ? 1000 : 0, .caps = who & 2 ? PMK_CAP_ALL : 0 };
	opener = who & 4 ? NULL : &cred;
	mount->opt.strict = how & 1;
	mount->opt.privilege = (enum pmk_privilege)((how >> 1) % PMK_PRIVILEGE_COUNT);
	mount->opt.self = how & 8 ? PMK_SELF_CALLER : PMK_SELF_FIRST;
	set_up(how >> 4);
	for (int i = 0; in.size && i < OPS_MAX; i++)
		step(&in);
	tear_down();
	return 0;
}
