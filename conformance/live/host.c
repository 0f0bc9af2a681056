/* SPDX-License-Identifier: MIT */
/* host.c - where pagemap and kpage* end, and a PFN without memory. */
#define _GNU_SOURCE	  1
#define _FILE_OFFSET_BITS 64
#include "host.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "companion.h"
#include "pagemapkit.h"

bool pmk_host_word(int fd, uint64_t index, uint64_t *ret)
{
	uint64_t word;

	if (index > INT64_MAX / 8 || pread(fd, &word, 8, (off_t)(index * 8)) != 8)
		return false;
	*ret = word;
	return true;
}

/* Kernel threads that stay are made first; what a container has under these PIDs is none. */
int pmk_host_kernel_thread(int after)
{
	for (int pid = after + 1; pid < 64; pid++) {
		char path[32];
		unsigned flags = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		f = fopen(path, "re");
		if (f && fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %u", &flags) != 1)
			flags = 0;
		if (f)
			fclose(f);
		if (flags & PMK_PF_KTHREAD)
			return pid;
	}
	return 0;
}

/* The first index in [0, end) that has no word, where all below have one; end: all have. */
static uint64_t end_of_file(int fd, uint64_t end)
{
	uint64_t low = 0, word;

	while (low < end) {
		uint64_t middle = low + (end - low) / 2;

		if (pmk_host_word(fd, middle, &word))
			low = middle + 1;
		else
			end = middle;
	}
	return low;
}

/* Above this no address is tried: on arm64 the top byte is a tag, and a tagged address reads as the
 * address (A-TAG). */
static uint64_t highest_page(uint64_t page_size)
{
#ifdef __aarch64__
	return (1ull << 56) / page_size;
#else
	return (uint64_t)(UINTPTR_MAX / page_size) + 1;
#endif
}

static uint64_t find_task_size(const struct pmk_profile *profile, uint64_t page_size)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t end;

	if (fd < 0)
		return profile->task_size;
	end = end_of_file(fd, highest_page(page_size));
	close(fd);
	return end ? end * page_size : profile->task_size;
}

static uint64_t find_limit(void)
{
	int fd = open("/proc/kpagecount", O_RDONLY | O_CLOEXEC);
	uint64_t end = 0;

	if (fd < 0)
		return 0;
	/* 32-bit kernels cut positions to 32 bits (A-32BIT-POS): further on the file would repeat */
	end = end_of_file(fd, sizeof(long) == 4 ? 1ull << 29 : 1ull << 48);
	close(fd);
	return end;
}

/* Words that count; behind them a write of nothing tells one that is not full from none (IDLE-LASTWORD). */
static uint64_t find_max_pfn(uint64_t limit)
{
	int fd = open("/sys/kernel/mm/page_idle/bitmap", O_RDWR | O_CLOEXEC);
	uint64_t words, none = 0;

	if (fd < 0)
		return 0;
	words = end_of_file(fd, limit / 64 + 1);
	if (pwrite(fd, &none, 8, (off_t)(words * 8)) == 0)
		none = 1;
	close(fd);
	return words * 64 + none;
}

/* A memory section with no System RAM in it.  A smaller gap has a memmap and is not a hole to kpage*
 * (KP-SUBHOLE).  iomem shows addresses to root only. */
static uint64_t gap_in_iomem(uint64_t section, uint64_t end)
{
	FILE *f = fopen("/proc/iomem", "re");
	uint64_t at = 0, hole = UINT64_MAX;
	unsigned long long first, last;
	char line[256];
	bool known = false;

	if (!f)
		return UINT64_MAX;
	while (hole == UINT64_MAX && fgets(line, sizeof(line), f)) {
		char name[32];

		if (sscanf(line, "%llx-%llx : %31[^\n]", &first, &last, name) != 3 ||
		    line[0] == ' ' || __builtin_strcmp(name, "System RAM"))
			continue;
		known = known || last;
		at = (at + section - 1) & ~(section - 1);
		if (known && at + section <= first && at + section <= end)
			hole = at;
		at = last + 1;
	}
	fclose(f);
	return hole;
}

static uint64_t find_hole(const struct pmk_host *host, const struct pmk_profile *profile)
{
	unsigned shift = profile->arch->section_shift;
	uint64_t addr, flags;
	int fd;

	if (!shift || !host->kpage_limit)
		return UINT64_MAX;
	addr = gap_in_iomem(1ull << shift, host->kpage_limit * host->page_size);
	fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return UINT64_MAX;
	if (addr != UINT64_MAX && (!pmk_host_word(fd, addr / host->page_size, &flags) ||
				   (flags && flags != PMK_KPF_NOPAGE_MASK)))
		addr = UINT64_MAX;
	close(fd);
	return addr == UINT64_MAX ? UINT64_MAX : addr / host->page_size;
}

void pmk_host_init(struct pmk_host *host, const struct pmk_profile *profile)
{
	host->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	host->task_size = find_task_size(profile, host->page_size);
	host->kpage_limit = find_limit();
	host->max_pfn = find_max_pfn(host->kpage_limit);
	host->hole = find_hole(host, profile);
}
