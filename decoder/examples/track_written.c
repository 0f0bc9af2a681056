/*
 * track_written.c - which pages were written to since I last asked?  With PAGEMAP_SCAN: copy tracker_*().
 *
 * userfaultfd protects the pages and the kernel lifts the protection by itself when one is written to
 * (UFFD_FEATURE_WP_ASYNC).  One PAGEMAP_SCAN reports what is not protected and protects it again, page by page
 * in one step: no write is lost, and nobody has to stop (SCAN-WP, SCAN-NOLOST).
 *
 * Linux 6.7 and newer with CONFIG_HAVE_ARCH_USERFAULTFD_WP: x86-64, arm64, riscv64 and others.  No privileges.
 * It over-reports, never under-reports: a page given back by MADV_DONTNEED counts as written.  What replaces the
 * mapping (mmap, mremap) is not tracked and makes tracker_collect() fail with EPERM.  A child of fork(2) is not
 * tracked either.  Memory of hugetlb must be tracked by whole huge pages (SCAN-HUGETLB-PARTIAL-WP).
 *
 * Exit status: 0, 1 an error, 77 this kernel cannot.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pagemapkit.h"

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

struct tracker {
	int pagemap, uffd;
	uint64_t start, end;
	unsigned page_shift;
};

typedef void tracker_seen(void *ctx, uint64_t start, uint64_t end);

static int64_t call(void *ctx, struct pmk_scan_arg *arg)
{
	int n = ioctl(((struct tracker *)ctx)->pagemap, PMK_SCAN_IOCTL, arg);

	return n < 0 ? -errno : n;
}

/* All pages of these categories: `seen` is told of each region.  0, or -errno. */
static int scan(struct tracker *t, uint64_t flags, uint64_t categories, tracker_seen *seen,
		void *ctx)
{
	struct pmk_scan_arg query = { .start = t->start,
				      .end = t->end,
				      .flags = flags,
				      .category_mask = categories,
				      .return_mask = categories };
	struct pmk_scan_region vec[64], region;
	struct pmk_scan_iter it;
	int more;

	pmk_scan_iter_init(&it, &query, t->page_shift, vec, 64, call, NULL, t);
	while ((more = pmk_scan_iter_next(&it, &region)) > 0)
		seen(ctx, region.start, region.end);
	return more;
}

static void add(void *ctx, uint64_t start, uint64_t end)
{
	*(uint64_t *)ctx += end - start;
}

/* Writes to [start, start + len) count from now on.  0; -ENOTTY, -EINVAL or -ENOSYS: the kernel cannot;
 * -EXDEV: the pagemap that is open shows other memory than ours. */
static int tracker_begin(struct tracker *t, void *start, size_t len)
{
	struct uffdio_api api = { .api = UFFD_API,
				  .features = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED };
	struct uffdio_register reg = { .range = { (uintptr_t)start, len },
				       .mode = UFFDIO_REGISTER_MODE_WP };
	struct uffdio_writeprotect protect = { .range = reg.range,
					       .mode = UFFDIO_WRITEPROTECT_MODE_WP };
	uint64_t allowed = 0;
	int err;

	t->start = (uintptr_t)start;
	t->end = t->start + len;
	for (t->page_shift = 0; 1L << t->page_shift < sysconf(_SC_PAGESIZE);)
		t->page_shift++;
	t->uffd = -1;
	t->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (t->pagemap < 0)
		return -errno;
	/* the scan first: on a kernel without it nothing shall be left protected */
	err = scan(t, 0, PMK_SCAN_WPALLOWED_MASK, add, &allowed);
	if (err < 0)
		return err;
	/* only faults of user space: what needs no privileges */
	t->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	if (t->uffd < 0 || ioctl(t->uffd, UFFDIO_API, &api) ||
	    ioctl(t->uffd, UFFDIO_REGISTER, &reg) || ioctl(t->uffd, UFFDIO_WRITEPROTECT, &protect))
		return -errno;
	allowed = 0;
	err = scan(t, 0, PMK_SCAN_WPALLOWED_MASK, add, &allowed);
	return err < 0 ? err : allowed == len ? 0 : -EXDEV;
}

/* Tells `seen` of all that was written to since the last call, or since tracker_begin(), and begins anew. */
static int tracker_collect(struct tracker *t, tracker_seen *seen, void *ctx)
{
	return scan(t, PMK_SCAN_WP_MATCHING | PMK_SCAN_CHECK_WPASYNC, PMK_SCAN_WRITTEN_MASK, seen,
		    ctx);
}

static void tracker_end(struct tracker *t)
{
	if (t->uffd >= 0)
		close(t->uffd); /* which lifts all protection */
	if (t->pagemap >= 0)
		close(t->pagemap);
}

/* ---- how it looks ------------------------------------------------------------------------------- */

#define PAGES 16

static void print(void *ctx, uint64_t start, uint64_t end)
{
	const struct tracker *t = ctx;

	for (; start < end; start += UINT64_C(1) << t->page_shift)
		printf(" %" PRIu64, (start - t->start) >> t->page_shift);
}

static int report(struct tracker *t, const char *what)
{
	int err;

	printf("%s:", what);
	err = tracker_collect(t, print, t);
	puts("");
	if (err)
		fprintf(stderr, "track_written: error %d\n", -err);
	return err;
}

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct tracker t;
	int err;

	if (p == MAP_FAILED)
		return 1;
	p[5 * page] = 1; /* before: does not count */
	err = tracker_begin(&t, (void *)p, PAGES * page);
	if (err) {
		fprintf(stderr, "track_written: %s\n",
			err == -EXDEV
				? "/proc/self/pagemap shows other memory than this process has"
				: "this kernel has no PAGEMAP_SCAN or no asynchronous protection");
		tracker_end(&t);
		return err == -EXDEV || err == -ENOTTY || err == -EINVAL || err == -ENOSYS ? 77 : 1;
	}
	p[3 * page] = p[9 * page] = 1;
	(void)p[4 * page];
	err = report(&t, "3 and 9");
	p[5 * page] = 2;
	err = err ? err : report(&t, "5");
	err = err ? err : report(&t, "none");
	tracker_end(&t);
	return err ? 1 : 0;
}
