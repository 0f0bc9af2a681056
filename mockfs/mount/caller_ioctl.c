/*
 * caller_ioctl.c - PAGEMAP_SCAN and PROCMAP_QUERY of a caller: see caller.h.
 *
 * What their arguments point to, the vector, the name and the build id, is written straight into the caller's memory by
 * process_vm_writev, which fails where the kernel's copy_to_user would: /proc/PID/mem would write to read-only
 * pages.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "caller.h"

/* Where the regions of a scan go. */
struct vector {
	int tid;
	uint64_t at;
	const struct pmk_scan_arg *arg;
	bool begun, *told;
};

bool pmk_caller_put(int tid, uint64_t addr, const void *from, size_t size, bool *told)
{
	ssize_t n = pmk_caller_write(tid, addr, from, size);

	if (n < 0 && errno == EPERM && !*told) {
		fprintf(stderr,
			"pmkit: the memory of thread %d cannot be written to: ptrace rights are "
			"missing (another user's, not dumpable, or yama); its ioctls give EFAULT\n",
			tid);
		*told = true;
	}
	return n == (ssize_t)size;
}

static bool put_regions(void *ctx, const struct pmk_scan_region *regions, size_t n)
{
	struct vector *v = ctx;

	if (!v->begun)
		v->at = v->arg->vec; /* by now without its tag */
	v->begun = true;
	if (!pmk_caller_put(v->tid, v->at, regions, n * sizeof(*regions), v->told))
		return false;
	v->at += n * sizeof(*regions);
	return true;
}

int64_t pmk_caller_scan(int tid, struct pmk_handle *h, struct pmk_scan_arg *arg, bool *told,
			uint64_t *ret_end)
{
	struct vector v = { .tid = tid, .arg = arg, .told = told };
	int64_t n = pmk_handle_scan(h, arg, put_regions, &v);

	*ret_end = v.at;
	return n;
}

int64_t pmk_caller_query(int tid, struct pmk_handle *h, const void *arg, size_t size,
			 struct pmk_procmap_answer *ret, bool *told)
{
	int64_t n = pmk_handle_procmap_query(h, arg, size, ret);

	if (!n && ret->name_len &&
	    !pmk_caller_put(tid, ret->q.vma_name_addr, ret->name, ret->name_len, told))
		n = -EFAULT;
	if (!n && ret->id_len &&
	    !pmk_caller_put(tid, ret->q.build_id_addr, ret->id, ret->id_len, told))
		n = -EFAULT;
	return n;
}

/* walk_end counts after an error, too. */
static int64_t scan(int tid, struct pmk_handle *h, uint64_t addr, bool *told)
{
	struct pmk_scan_arg arg;
	bool there = pmk_caller_read(tid, addr, &arg, sizeof(arg)) == sizeof(arg);
	uint64_t end;
	int64_t n = pmk_caller_scan(tid, h, there ? &arg : NULL, told, &end);

	if (there && !pmk_caller_put(tid, addr + offsetof(struct pmk_scan_arg, walk_end),
				     &arg.walk_end, sizeof(arg.walk_end), told))
		return -EFAULT;
	return n;
}

static int64_t query(int tid, struct pmk_handle *h, uint64_t addr, bool *told)
{
	struct pmk_procmap_answer answer;
	char bytes[8192];
	uint64_t size = 0;

	/* copy_struct_from_user(): as many bytes as the first 8 say. */
	if (pmk_caller_read(tid, addr, &size, sizeof(size)) != sizeof(size))
		return -EFAULT;
	ssize_t got =
		pmk_caller_read(tid, addr, bytes, size < sizeof(bytes) ? size : sizeof(bytes));
	int64_t n = pmk_caller_query(tid, h, bytes, got > 0 ? (size_t)got : 0, &answer, told);
	if (!n && !pmk_caller_put(tid, addr, &answer.q, answer.size, told))
		return -EFAULT;
	return n;
}

int64_t pmk_caller_ioctl(int tid, struct pmk_handle *h, unsigned cmd, uint64_t arg, bool *told)
{
	if (cmd == (unsigned)PMK_PAGEMAP_SCAN)
		return scan(tid, h, arg, told);
	if (cmd == (unsigned)PMK_PROCMAP_QUERY && pmk_handle_file(h) == PMK_FILE_MAPS)
		return query(tid, h, arg, told);
	return pmk_handle_ioctl(h, cmd);
}
