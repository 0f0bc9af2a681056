/* SPDX-License-Identifier: MIT */
/* reader.c - every habit done right. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "zoo.h"

static unsigned page_shift(uint64_t page_size)
{
	return (unsigned)__builtin_ctzll(page_size);
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static size_t read_words(int fd, uint64_t index, uint64_t *words, size_t n, int *ret_error)
{
	size_t got = 0;

	*ret_error = 0;
	while (got < n) {
		ssize_t bytes = pread(fd, words + got, (n - got) * 8, (off_t)((index + got) * 8));

		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes <= 0) {
			*ret_error = bytes ? errno : ZOO_EOF;
			break;
		}
		got += (size_t)bytes / 8;
	}
	return got;
}

static const char *error_name(int error)
{
	return error == ZOO_EOF ? "EOF" : strerrorname_np(error);
}

static size_t keep(size_t got, int error)
{
	(void)error;
	return got;
}

static bool sees_frames(const uint64_t *words, size_t n)
{
	(void)words, (void)n;
	return true;
}

static bool valid(const struct zoo_page *page)
{
	(void)page;
	return true;
}

static bool present(const struct zoo_page *page)
{
	return page->word >> 63;
}

static bool swapped(const struct zoo_page *page)
{
	return page->word >> 62 == 1;
}

static uint64_t pfn(const struct zoo_page *page)
{
	return page->word & ((UINT64_C(1) << 55) - 1);
}

static bool has_frame(bool is_present, uint64_t frame)
{
	return is_present && frame;
}

static uint64_t phys(uint64_t frame, uint64_t address, unsigned shift)
{
	return frame << shift | (address & ((UINT64_C(1) << shift) - 1));
}

/* CONFIG_MEM_SOFT_DIRTY: of these architectures, unless the kernel says otherwise. */
static bool tracks(const char *kernel)
{
	return (strstr(kernel, "/x86_64") || strstr(kernel, "/s390x") ||
		strstr(kernel, "/ppc64")) &&
	       !strstr(kernel, "-soft-dirty");
}

static bool soft_dirty(const struct zoo_page *page)
{
	return page->right.soft_dirty;
}

static bool exclusive(const struct zoo_page *page)
{
	return page->right.exclusive;
}

static bool file(const struct zoo_page *page)
{
	return page->right.file;
}

static enum pmk_swap_kind swap_kind(const struct zoo_page *page)
{
	return page->right.kind;
}

static uint64_t swap_offset(const struct zoo_page *page)
{
	return page->right.swap_offset;
}

static int written(int fd, const struct zoo_page *page, uint64_t start, uint64_t end)
{
	struct pmk_scan_region region;
	struct pmk_scan_arg arg = { .size = sizeof(arg),
				    .start = start,
				    .end = end,
				    .vec = (uintptr_t)&region,
				    .vec_len = 1,
				    .category_mask = PMK_SCAN_WPALLOWED_MASK,
				    .return_mask = PMK_SCAN_WRITTEN_MASK };

	(void)page;
	if (ioctl(fd, PMK_SCAN_IOCTL, &arg) != 1)
		return -1;
	return !!(region.categories & PMK_SCAN_WRITTEN_MASK);
}

static bool has_word(uint64_t frame)
{
	(void)frame;
	return true;
}

static bool goes_on(int error)
{
	(void)error;
	return true;
}

static uint64_t whole(uint64_t word)
{
	return word;
}

static bool anonymous(uint64_t flags)
{
	return pmk_kpageflags_is_anon(flags);
}

static int scan(int fd, struct pmk_scan_arg *query, struct zoo_regions *ret)
{
	struct pmk_scan_region vec[32];
	struct pmk_scan_arg arg = *query;

	do {
		arg.size = sizeof(arg);
		arg.vec = (uintptr_t)vec;
		arg.vec_len = 32;
		int n = ioctl(fd, PMK_SCAN_IOCTL, &arg);
		if (n < 0)
			return errno;
		for (int i = 0; i < n; i++)
			zoo_add_region(ret, &vec[i]);
		/* walk_end can lie below what was reported (SCAN-WALKEND-BATCH) */
		arg.start = n && vec[n - 1].end > arg.walk_end ? vec[n - 1].end : arg.walk_end;
	} while (arg.start < arg.end);
	return 0;
}

const struct zoo_habits zoo_right = {
	.page_shift = page_shift,
	.open = open_file,
	.read = read_words,
	.error = error_name,
	.keep = keep,
	.sees_frames = sees_frames,
	.valid = valid,
	.present = present,
	.swapped = swapped,
	.pfn = pfn,
	.has_frame = has_frame,
	.phys = phys,
	.tracks = tracks,
	.soft_dirty = soft_dirty,
	.exclusive = exclusive,
	.file = file,
	.swap_kind = swap_kind,
	.swap_offset = swap_offset,
	.written = written,
	.has_word = has_word,
	.goes_on = goes_on,
	.flags = whole,
	.anonymous = anonymous,
	.count = whole,
	.scan = scan,
};

void zoo_add_region(struct zoo_regions *r, const struct pmk_scan_region *region)
{
	struct pmk_scan_region *more = realloc(r->region, (r->n + 1) * sizeof(*more));

	if (!more)
		abort();
	r->region = more;
	r->region[r->n++] = *region;
}

struct zoo_habits zoo_complete(const struct zoo_habits *animal)
{
	struct zoo_habits h = *animal;

#define HABIT(returns, name, arguments, right) \
	if (!h.name)                           \
		h.name = zoo_right.name;
#include "habits.def"
	return h;
}
