/*
 * fuse_ioctl.c - PAGEMAP_SCAN and PROCMAP_QUERY through FUSE.
 *
 * FUSE copies the argument itself in and out, as its size in the command's number says; what it points to is
 * caller_ioctl.c's business.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuse_impl.h"
#include "scan.h"

static void reply(fuse_req_t req, int64_t n, const void *out, size_t size)
{
	if (n < 0 && !out)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_ioctl(req, (int)n, out, size);
}

/* The kernel writes back walk_end alone, FUSE the whole argument: what regions were put onto it must stay. */
static void keep_regions(int tid, uint64_t put_from, uint64_t put_to, const void *at,
			 struct pmk_scan_arg *out)
{
	uint64_t start = (uintptr_t)at, end = start + sizeof(*out);

	if (put_from < end && put_to > start)
		pmk_caller_read(tid, start, out, sizeof(*out));
}

static void scan(fuse_req_t req, struct pmk_handle *h, const void *at, const void *in, size_t size)
{
	struct pmk_mount *m = pmk_mount_of(req);
	struct pmk_scan_arg arg, out;
	int tid = fuse_req_ctx(req)->pid;
	uint64_t end = 0;
	int64_t n;

	if (size < sizeof(arg)) {
		reply(req, pmk_caller_scan(tid, h, NULL, &m->told_no_ptrace, &end), NULL, 0);
		return;
	}
	memcpy(&arg, in, sizeof(arg));
	n = pmk_caller_scan(tid, h, &arg, &m->told_no_ptrace, &end);
	memcpy(&out, in, sizeof(out));
	keep_regions(tid, arg.vec, end, at, &out);
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
	n = pmk_caller_query(tid, h, bytes, size, &answer, &m->told_no_ptrace);
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
