/*
 * track_soft_dirty.c - which pages were written to since I last asked?  With soft-dirty: copy tracker_*().
 *
 * Writing 4 to clear_refs clears bit 55 of every page of a process; the next write to a page sets it (CR-4,
 * E-B55).  Between the collecting and the clearing a write can be lost: nobody may write in between.  Here that is
 * so because there is one thread; another process must be stopped (SIGSTOP, the freezer) around collect.
 *
 * Linux 3.11 and newer with CONFIG_MEM_SOFT_DIRTY: x86-64, s390x, ppc64, and riscv64 with Svrsw60t59b; not arm64.  Where it
 * is missing writing 4 succeeds all the same and bit 55 is always 0, so tracker_begin() tries it out.
 * A mapping made or grown since the last clearing is dirty as a whole (E-B55-VMA).  Up to 6.18 two mappings that
 * merge may lose what was known of one (E-B55-MERGE); pages of shared memory lose it when they are reclaimed
 * (E-B55-SHMEM): for either use track_written.c.
 *
 * Exit status: 0, 1 an error, 77 this kernel cannot.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pagemapkit.h"

struct tracker {
	int pagemap, clear_refs;
	uint64_t start, end, page;
};

typedef void tracker_seen(void *ctx, uint64_t start, uint64_t end);

static int clear(const struct tracker *t)
{
	return pwrite(t->clear_refs, "4", 1, 0) == 1 ? 0 : -errno;
}

/* Calls `seen` for each dirty page of [start, end). */
static int read_dirty(const struct tracker *t, uint64_t start, uint64_t end, tracker_seen *seen,
		      void *ctx)
{
	uint64_t word[512];

	while (start < end) {
		size_t want = (size_t)((end - start) / t->page);
		ssize_t got;

		if (want > sizeof(word) / sizeof(*word))
			want = sizeof(word) / sizeof(*word);
		got = pread(t->pagemap, word, want * 8, (off_t)(start / t->page * 8));
		if (got <= 0)
			return got ? -errno : -ESRCH; /* 0: no memory any more */
		for (size_t i = 0; i < (size_t)got / 8; i++, start += t->page)
			if (word[i] & PMK_PAGEMAP_SOFT_DIRTY_MASK)
				seen(ctx, start, start + t->page);
	}
	return 0;
}

static void count(void *ctx, uint64_t start, uint64_t end)
{
	(void)start;
	(void)end;
	++*(unsigned *)ctx;
}

/* Of two pages one is written to after a clearing: does just that one show? */
static bool works(const struct tracker *t)
{
	volatile char *probe =
		mmap(NULL, 2 * t->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t at = (uintptr_t)probe;
	unsigned clean = 0, dirty = 0;
	bool is;

	if (probe == MAP_FAILED)
		return false;
	probe[0] = probe[t->page] = 1;
	is = !clear(t);
	probe[0] = 2;
	is = is && !read_dirty(t, at, at + t->page, count, &dirty) &&
	     !read_dirty(t, at + t->page, at + 2 * t->page, count, &clean);
	munmap((void *)probe, 2 * t->page);
	return is && dirty == 1 && clean == 0;
}

/* Writes to [start, start + len) count from now on.  0, -errno; -ENOTSUP: this kernel does not track them. */
static int tracker_begin(struct tracker *t, void *start, size_t len)
{
	t->start = (uintptr_t)start;
	t->end = t->start + len;
	t->page = (uint64_t)sysconf(_SC_PAGESIZE);
	t->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	t->clear_refs = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	if (t->pagemap < 0 || t->clear_refs < 0)
		return -errno;
	return works(t) ? clear(t) : -ENOTSUP;
}

/* Tells `seen` of all that was written to since the last call, or since tracker_begin(), and begins anew.
 * Clears every page of the process, not of the range alone. */
static int tracker_collect(struct tracker *t, tracker_seen *seen, void *ctx)
{
	int err = read_dirty(t, t->start, t->end, seen, ctx);

	return err ? err : clear(t);
}

static void tracker_end(struct tracker *t)
{
	if (t->pagemap >= 0)
		close(t->pagemap);
	if (t->clear_refs >= 0)
		close(t->clear_refs);
}

/* ---- how it looks ------------------------------------------------------------------------------- */

#define PAGES 16

static void print(void *ctx, uint64_t start, uint64_t end)
{
	const struct tracker *t = ctx;

	(void)end;
	printf(" %" PRIu64, (start - t->start) / t->page);
}

static int report(struct tracker *t, const char *what)
{
	int err;

	printf("%s:", what);
	err = tracker_collect(t, print, t);
	puts("");
	if (err)
		fprintf(stderr, "track_soft_dirty: error %d\n", -err);
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
		fprintf(stderr, "track_soft_dirty: %s\n",
			err == -ENOTSUP ? "this kernel keeps no soft-dirty bits"
					: "/proc/self/pagemap or clear_refs cannot be opened");
		tracker_end(&t);
		return err == -ENOTSUP ? 77 : 1;
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
