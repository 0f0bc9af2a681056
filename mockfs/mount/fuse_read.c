/*
 * fuse_read.c - what a FUSE READ (or WRITE) was part of.
 *
 * FUSE cuts a read into requests of max_read bytes and merges the segments of a readv.  procfs files
 * have no read_iter, so the kernel calls them once a segment with its whole length (PM-READV), and
 * they refuse an odd count as a whole (PM-READ-ALIGN).  The caller sleeps in its system call
 * meanwhile, so /proc/TID/syscall still says what it asked for.
 *
 * Where the call cannot be seen (ptrace rights, io_uring) the request is taken at its word.
 */
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuse_impl.h"

#define UNKNOWN UINT64_MAX

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Where the call began to read: a read without a position moves the file's only when it is done. */
static uint64_t call_start(struct pmk_mount *m, int tid, const struct pmk_call *call)
{
	bool has_pos = call->nr == SYS_pread64 || call->nr == SYS_preadv || call->nr == SYS_preadv2;

	if (sizeof(long) < 8)
		return UNKNOWN; /* positions are split, differently on each architecture */
	if (has_pos && (int64_t)call->arg[3] != -1)
		return call->arg[3];
	return (uint64_t)pmk_caller_position(m->proc_fd, tid, (int)call->arg[0]);
}

/* MAX_RW_COUNT of the kernel: PM-READ-CLIP */
static uint64_t clip(uint64_t count)
{
	uint64_t max = (uint64_t)INT_MAX & ~(page_size() - 1);

	return count > max ? max : count;
}

/* Whether all pages of the caller's buffer can be read, which is as near as one gets to "written". */
static bool is_there(int tid, uint64_t addr, uint64_t len)
{
	struct iovec remote[IOV_MAX];
	char bytes[IOV_MAX];
	uint64_t page = page_size(), end = addr + len;

	while (addr < end) {
		struct iovec local = { bytes, 0 };

		for (; addr < end && local.iov_len < IOV_MAX; addr = (addr | (page - 1)) + 1)
			remote[local.iov_len++] = (struct iovec){ (void *)(uintptr_t)addr, 1 };
		if (process_vm_readv(tid, &local, 1, remote, local.iov_len, 0) !=
		    (ssize_t)local.iov_len)
			return false;
	}
	return true;
}

/*
 * read and pread: one segment.  A request of less than was asked for, and less than it could be, shows
 * that the buffer ends there; of a buffer that ends in a later request one has to ask (PM-READ-EFAULT).
 */
static struct pmk_window of_read(struct pmk_mount *m, int tid, const struct pmk_call *call,
				 uint64_t off, size_t size)
{
	uint64_t count = clip(call->arg[2]), start = off;

	if (count % 8)
		return (struct pmk_window){ PMK_WINDOW_ODD, size };
	if (count > m->max_read && (m->opt.strict || size < m->max_read))
		start = call_start(m, tid, call);
	if (start <= off && count - (off - start) > size) {
		if (size < m->max_read || (m->opt.strict && start == off &&
					   !is_there(tid, call->arg[1] + size, count - size)))
			return (struct pmk_window){ PMK_WINDOW_FAULT, size };
	}
	return (struct pmk_window){ PMK_WINDOW_BYTES, size };
}

/* The pages that the kernel pins for a piece of a buffer; a request holds PMK_FUSE_PAGES of them. */
static uint64_t pages_of(uint64_t addr, uint64_t len)
{
	uint64_t size = page_size();

	return len ? (addr + len - 1) / size - addr / size + 1 : 0;
}

/*
 * readv: goes through the segments as vfs_readv() would, until one is refused, and gives as much of the
 * request, [skip, skip + size) of the call, as lies before.  A refusal of the first one is the call's.
 */
static struct pmk_window of_segments(int tid, const struct iovec *seg, size_t nseg, uint64_t skip,
				     size_t size, bool full)
{
	enum pmk_window_kind kind = PMK_WINDOW_BYTES;
	uint64_t at = 0, end = skip + size, stop = end, pages = 0;

	for (size_t i = 0; i < nseg && kind == PMK_WINDOW_BYTES; i++) {
		uint64_t base = (uintptr_t)seg[i].iov_base, len = seg[i].iov_len;
		uint64_t next = at + len;
		uint64_t from = at > skip ? at : skip, to = next < end ? next : end;

		if (to > from)
			pages += pages_of(base + (from - at), to - from);
		if (len % 8)
			kind = PMK_WINDOW_ODD;
		else if (next <= end)
			at = next;
		else if ((full || pages >= PMK_FUSE_PAGES) &&
			 (at < skip || is_there(tid, base + (end - at), next - end)))
			break;
		else /* the request could hold more of this segment, or a later one cannot */
			kind = PMK_WINDOW_FAULT;
	}
	if (kind != PMK_WINDOW_BYTES) {
		if (at == 0)
			return (struct pmk_window){ kind, size };
		stop = at < end ? at : end;
	}
	return (struct pmk_window){ PMK_WINDOW_BYTES, stop > skip ? stop - skip : 0 };
}

/* Copies the call's segments; 0: it cannot be done. */
static size_t segments_of(int tid, const struct pmk_call *call, struct iovec seg[IOV_MAX])
{
	size_t n = call->arg[2], bytes = n * sizeof(seg[0]);

	if (n > IOV_MAX || pmk_caller_read(tid, call->arg[1], seg, bytes) != (ssize_t)bytes)
		return 0;
	return n;
}

size_t pmk_window_segments(struct pmk_mount *m, int tid, struct iovec seg[IOV_MAX])
{
	struct pmk_call call;

	if (!pmk_caller_syscall(m->proc_fd, tid, &call) ||
	    (call.nr != SYS_writev && call.nr != SYS_pwritev && call.nr != SYS_pwritev2))
		return 0;
	return segments_of(tid, &call, seg);
}

static struct pmk_window of_readv(struct pmk_mount *m, int tid, const struct pmk_call *call,
				  uint64_t off, size_t size)
{
	struct iovec seg[IOV_MAX];
	uint64_t start = call_start(m, tid, call);
	size_t n = segments_of(tid, call, seg);

	if (!n || start > off)
		return (struct pmk_window){ PMK_WINDOW_BYTES, size };
	return of_segments(tid, seg, n, off - start, size, size >= m->max_read);
}

struct pmk_window pmk_window_find(struct pmk_mount *m, int tid, uint64_t off, size_t size)
{
	struct pmk_window window = { PMK_WINDOW_BYTES, size };
	struct pmk_call call;

	if (!pmk_caller_syscall(m->proc_fd, tid, &call))
		return window;
	switch (call.nr) {
	case SYS_read:
	case SYS_pread64:
		return of_read(m, tid, &call, off, size);
	case SYS_readv:
	case SYS_preadv:
	case SYS_preadv2:
		return of_readv(m, tid, &call, off, size);
	case SYS_io_submit:
	case SYS_io_getevents:
	case SYS_io_pgetevents:
		/* aio_read() in fs/aio.c refuses files without read_iter, at submission: we, later. */
		window.kind = PMK_WINDOW_ODD;
		return window;
	default:
		return window;
	}
}
