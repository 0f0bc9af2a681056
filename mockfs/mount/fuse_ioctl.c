/*
 * fuse_ioctl.c - PAGEMAP_SCAN and PROCMAP_QUERY through FUSE.
 *
 * FUSE copies the argument itself in and out, as its size in the command's number says.  What it points
 * to, the vector and the name, is written straight into the caller's memory by process_vm_writev, which
 * fails where the kernel's copy_to_user would: /proc/PID/mem would write to read-only pages.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuse_impl.h"
#include "scan.h"

/* Where the regions of a scan go. */
struct vector {
	struct pmk_mount *m;
	int tid;
	uint64_t at;
	const struct pmk_scan_arg *arg;
	bool begun;
};

/* Writes all or says false; a caller whose memory is not ours to write to is told once. */
static bool put_bytes(struct pmk_mount *m, int tid, uint64_t addr, const void *from, size_t size)
{
	ssize_t n = pmk_caller_write(tid, addr, from, size);

	if (n < 0 && errno == EPERM && !m->told_no_ptrace) {
		fprintf(stderr,
			"pmkit: the memory of thread %d cannot be written to: ptrace rights are "
			"missing (another user's, not dumpable, or yama); its ioctls give EFAULT\n",
			tid);
		m->told_no_ptrace = true;
	}
	return n == (ssize_t)size;
}

static bool put_regions(void *ctx, const struct pmk_scan_region *regions, size_t n)
{
	struct vector *v = ctx;

	if (!v->begun)
		v->at = v->arg->vec; /* by now without its tag */
	v->begun = true;
	if (!put_bytes(v->m, v->tid, v->at, regions, n * sizeof(*regions)))
		return false;
	v->at += n * sizeof(*regions);
	return true;
}

static void reply(fuse_req_t req, int64_t n, const void *out, size_t size)
{
	if (n < 0 && !out)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_ioctl(req, (int)n, out, size);
}

/* The kernel writes back walk_end alone, FUSE the whole argument: what regions were put onto it must stay. */
static void keep_regions(const struct vector *v, const void *at, struct pmk_scan_arg *out)
{
	uint64_t start = (uintptr_t)at, end = start + sizeof(*out);

	if (v->begun && v->arg->vec < end && v->at > start)
		pmk_caller_read(v->tid, start, out, sizeof(*out));
}

static void scan(fuse_req_t req, struct pmk_handle *h, const void *at, const void *in, size_t size)
{
	struct pmk_mount *m = pmk_mount_of(req);
	struct pmk_scan_arg arg, out;
	struct vector v = { .m = m, .tid = fuse_req_ctx(req)->pid, .arg = &arg };
	int64_t n;

	if (size < sizeof(arg)) {
		reply(req, pmk_handle_scan(h, NULL, put_regions, &v), NULL, 0);
		return;
	}
	memcpy(&arg, in, sizeof(arg));
	n = pmk_handle_scan(h, &arg, put_regions, &v);
	memcpy(&out, in, sizeof(out));
	keep_regions(&v, at, &out);
	out.walk_end = arg.walk_end;
	reply(req, n, &out, sizeof(out)); /* walk_end counts after an error, too */
}

/* FUSE brings the 104 bytes of the struct; what a longer one has behind them is fetched. */
static size_t whole_query(int tid, const void *arg, const void *in, size_t size, char *ret,
			  size_t room)
{
	uint64_t wanted;
	ssize_t more;

	memcpy(ret, in, size);
	if (size < sizeof(struct pmk_procmap_query))
		return size;
	memcpy(&wanted, ret, sizeof(wanted));
	if (wanted <= size || wanted > room)
		return size;
	more = pmk_caller_read(tid, (uint64_t)(uintptr_t)arg + size, ret + size, wanted - size);
	return more > 0 ? size + (size_t)more : size;
}

static void procmap_query(fuse_req_t req, struct pmk_handle *h, const void *arg, const void *in,
			  size_t size)
{
	struct pmk_mount *m = pmk_mount_of(req);
	int tid = fuse_req_ctx(req)->pid;
	struct pmk_procmap_answer answer;
	char bytes[8192];
	int64_t n;

	size = whole_query(tid, arg, in, size < sizeof(bytes) ? size : 0, bytes, sizeof(bytes));
	n = pmk_handle_procmap_query(h, bytes, size, &answer);
	if (!n && answer.name_len &&
	    !put_bytes(m, tid, answer.q.vma_name_addr, answer.name, answer.name_len))
		n = -EFAULT;
	if (!n && answer.id_len &&
	    !put_bytes(m, tid, answer.q.build_id_addr, answer.id, answer.id_len))
		n = -EFAULT;
	if (!n)
		memcpy(bytes, &answer.q, answer.size);
	reply(req, n, n ? NULL : bytes, sizeof(answer.q));
}

bool pmk_fuse_ioctl_answered(fuse_req_t req, struct pmk_handle *h, unsigned cmd, const void *arg,
			     const void *in, size_t in_size)
{
	if (cmd == (unsigned)PMK_PAGEMAP_SCAN)
		scan(req, h, arg, in, in_size);
	else if (cmd == (unsigned)PMK_PROCMAP_QUERY)
		procmap_query(req, h, arg, in, in_size);
	else
		return false;
	return true;
}
