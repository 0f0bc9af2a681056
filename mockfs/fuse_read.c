/*
 * fuse_read.c - what a FUSE READ was part of.
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

/* read and pread: one segment. */
static struct pmk_window of_read(struct pmk_mount *m, int tid, const struct pmk_call *call,
				 uint64_t off, size_t size)
{
	struct pmk_window window = { PMK_WINDOW_BYTES, size };
	uint64_t count = clip(call->arg[2]);

	if (count % 8) {
		window.kind = PMK_WINDOW_ODD;
	} else if (m->opt.strict && size < m->max_read) {
		/* Less than was asked for: the buffer ends here (PM-READ-EFAULT). */
		uint64_t start = count > size ? call_start(m, tid, call) : off;

		if (start <= off && count - (off - start) > size && count >= off - start)
			window.kind = PMK_WINDOW_FAULT;
	}
	return window;
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
static struct pmk_window of_segments(const struct iovec *seg, size_t nseg, uint64_t skip,
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
		else if (full || pages >= PMK_FUSE_PAGES)
			break;
		else /* the request could have held more of this segment */
			kind = PMK_WINDOW_FAULT;
	}
	if (kind != PMK_WINDOW_BYTES) {
		if (at == 0)
			return (struct pmk_window){ kind, size };
		stop = at < end ? at : end;
	}
	return (struct pmk_window){ PMK_WINDOW_BYTES, stop > skip ? stop - skip : 0 };
}

static struct pmk_window of_readv(struct pmk_mount *m, int tid, const struct pmk_call *call,
				  uint64_t off, size_t size)
{
	struct pmk_window window = { PMK_WINDOW_BYTES, size };
	struct iovec seg[IOV_MAX];
	size_t bytes = call->arg[2] * sizeof(seg[0]);
	uint64_t start = call_start(m, tid, call);

	if (call->arg[2] > IOV_MAX || start > off ||
	    pmk_caller_read(tid, call->arg[1], seg, bytes) != (ssize_t)bytes)
		return window;
	return of_segments(seg, call->arg[2], off - start, size, size >= m->max_read);
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
		/* aio_read() in fs/aio.c: no read_iter, no asynchronous reads */
		window.kind = PMK_WINDOW_ODD;
		return window;
	default:
		return window;
	}
}
