/* SPDX-License-Identifier: MIT */
/* probe.c - the probes, one function each, and the table of what each tells. */
#define _GNU_SOURCE 1
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actor_uffd.h"
#include "cgroup.h"
#include "live.h"
#include "object.h"
#include "pagemapkit.h"
#include "scan.h"

/* Values of newer headers; names of our own, for the kernel owns the others. */
#define ADVICE_FREE	     8
#define ADVICE_PAGEOUT	     21
#define ADVICE_POPULATE_READ 22
#define ADVICE_GUARD	     102
#define REMAP_DONTUNMAP	     4
#define UFFD_USER_ONLY	     1
#define UFFD_FEATURE_WP	     1u
#define SCAN_COMMAND	     _IOWR('f', 16, uint64_t[12])
#define NO_COMMAND	     _IO('f', 250)

struct lab {
	const struct pmk_profile *profile;
	const struct pmk_host *host;
	int pagemap, kpageflags; /* -1: not to be had */
	char *page; /* one page, anonymous, private, read-write, written to */
};

static enum pmk_answer answer(bool yes)
{
	return yes ? PMK_ANSWER_YES : PMK_ANSWER_NO;
}

static bool entry_at(const struct lab *lab, const void *at, uint64_t *ret)
{
	return pmk_host_word(lab->pagemap, (uintptr_t)at / lab->host->page_size, ret);
}

static char *new_page(const struct lab *lab)
{
	char *p = mmap(NULL, lab->host->page_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	*(volatile char *)p = 1;
	return p;
}

/* ---- pagemap ---- */

static enum pmk_answer exclusive_bit(const struct lab *lab)
{
	uint64_t e;

	if (!entry_at(lab, lab->page, &e) || !(e & PMK_PAGEMAP_PRESENT_MASK))
		return PMK_ANSWER_UNKNOWN;
	return answer(e & PMK_PAGEMAP_EXCLUSIVE_MASK);
}

/* The zero page is nobody's alone; a page of one's own is. */
static enum pmk_answer zero_page(const struct lab *lab)
{
	const size_t size = lab->host->page_size;
	char *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	enum pmk_answer a = PMK_ANSWER_UNKNOWN;
	uint64_t e;

	if (p == MAP_FAILED)
		return a;
	if (!*(volatile char *)p && entry_at(lab, p, &e) && e & PMK_PAGEMAP_PRESENT_MASK)
		a = answer(!(e & PMK_PAGEMAP_EXCLUSIVE_MASK));
	munmap(p, size);
	return a;
}

static bool clear_soft_dirty(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, "4", 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

/* Runs f in a child that answers by its exit status. */
static enum pmk_answer in_child(const struct lab *lab, enum pmk_answer (*f)(const struct lab *))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(f(lab));
	if (pid < 0)
		return PMK_ANSWER_UNKNOWN;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return PMK_ANSWER_UNKNOWN;
	return WIFEXITED(status) ? (enum pmk_answer)WEXITSTATUS(status) : PMK_ANSWER_UNKNOWN;
}

/* Set for a new page, clear after "4", set again after a store (E-B55). */
static enum pmk_answer soft_dirty_of(const struct lab *own, char *page)
{
	uint64_t before, cleared, after;

	if (!entry_at(own, page, &before))
		return PMK_ANSWER_UNKNOWN;
	if (!(before & PMK_PAGEMAP_SOFT_DIRTY_MASK))
		return PMK_ANSWER_NO;
	if (!clear_soft_dirty() || !entry_at(own, page, &cleared))
		return PMK_ANSWER_UNKNOWN;
	*(volatile char *)page = 2;
	if (!entry_at(own, page, &after))
		return PMK_ANSWER_UNKNOWN;
	return answer((before & after & ~cleared) & PMK_PAGEMAP_SOFT_DIRTY_MASK);
}

static enum pmk_answer soft_dirty_works(const struct lab *lab)
{
	struct lab own = *lab;
	char *page = new_page(lab);

	own.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	return page && own.pagemap >= 0 ? soft_dirty_of(&own, page) : PMK_ANSWER_UNKNOWN;
}

/* In a child: "4" is for all of a process's memory, and actors, being forked, would have it from us. */
static enum pmk_answer soft_dirty(const struct lab *lab)
{
	return in_child(lab, soft_dirty_works);
}

static enum pmk_answer uffd_wp_with(const struct lab *lab, int fd, char *page)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_WP };
	struct uffdio_register reg = { .range = { (uintptr_t)page, lab->host->page_size },
				       .mode = UFFDIO_REGISTER_MODE_WP };
	struct uffdio_writeprotect wp = { .range = reg.range, .mode = UFFDIO_WRITEPROTECT_MODE_WP };
	uint64_t e;

	if (ioctl(fd, UFFDIO_API, &api))
		return PMK_ANSWER_NO;
	if (ioctl(fd, UFFDIO_REGISTER, &reg) || ioctl(fd, UFFDIO_WRITEPROTECT, &wp) ||
	    !entry_at(lab, page, &e))
		return PMK_ANSWER_UNKNOWN;
	return answer(e & PMK_PAGEMAP_UFFD_WP_MASK);
}

static enum pmk_answer uffd_wp_bit(const struct lab *lab)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_ONLY);
	enum pmk_answer a = PMK_ANSWER_UNKNOWN;
	char *page;

	if (fd < 0 && errno == EINVAL)
		fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0)
		return a; /* forbidden, or not configured: the bit cannot be seen, nor denied */
	page = new_page(lab);
	if (page) {
		a = uffd_wp_with(lab, fd, page);
		munmap(page, lab->host->page_size);
	}
	close(fd);
	return a;
}

static bool guard_entry(const struct lab *lab, uint64_t *ret)
{
	char *page = new_page(lab);
	bool done = page && !madvise(page, lab->host->page_size, ADVICE_GUARD) &&
		    entry_at(lab, page, ret);

	if (page)
		munmap(page, lab->host->page_size);
	return done;
}

static enum pmk_answer guard_bit(const struct lab *lab)
{
	uint64_t e;

	return guard_entry(lab, &e) ? answer(e & PMK_PAGEMAP_GUARD_MASK) : PMK_ANSWER_UNKNOWN;
}

/* Only who may see frames sees the type. */
static enum pmk_answer marker_31(const struct lab *lab)
{
	uint64_t e;

	if (lab->kpageflags < 0 || !guard_entry(lab, &e))
		return PMK_ANSWER_UNKNOWN;
	return answer((e & 31) == 31);
}

static enum pmk_answer frame_is_hidden(const struct lab *lab)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	int fd;
	uint64_t e;

	if (syscall(SYS_capset, &head, none))
		return PMK_ANSWER_UNKNOWN;
	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	*(volatile char *)lab->page = 3;
	if (fd < 0 || !pmk_host_word(fd, (uintptr_t)lab->page / lab->host->page_size, &e) ||
	    !(e & PMK_PAGEMAP_PRESENT_MASK))
		return PMK_ANSWER_UNKNOWN;
	return answer(!(e & PMK_PAGEMAP_FRAME_MASK));
}

static enum pmk_answer pfn_hidden(const struct lab *lab)
{
	return in_child(lab, frame_is_hidden);
}

static enum pmk_answer nomm_esrch(const struct lab *lab)
{
	enum pmk_answer a = PMK_ANSWER_UNKNOWN;
	pid_t pid = fork();
	siginfo_t info;
	char path[64];
	int fd;

	(void)lab;
	if (!pid)
		_exit(0);
	if (pid < 0)
		return a;
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) && errno == EINTR)
		;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 || errno == ESRCH)
		a = answer(fd < 0);
	if (fd >= 0)
		close(fd);
	while (waitid(P_PID, (id_t)pid, &info, WEXITED) && errno == EINTR)
		;
	return a;
}

static enum pmk_answer ioctl_einval(const struct lab *lab)
{
	if (ioctl(lab->pagemap, NO_COMMAND, 0) >= 0)
		return PMK_ANSWER_UNKNOWN;
	return errno == EINVAL	 ? PMK_ANSWER_YES
	       : errno == ENOTTY ? PMK_ANSWER_NO
				 : PMK_ANSWER_UNKNOWN;
}

/* An empty range is valid wherever the command is known (PM-PROBE-SCAN). */
static enum pmk_answer scan(const struct lab *lab)
{
	uint64_t args[12] = { sizeof(args) };

	if (!ioctl(lab->pagemap, SCAN_COMMAND, args))
		return PMK_ANSWER_YES;
	return errno == ENOTTY ? PMK_ANSWER_NO : PMK_ANSWER_UNKNOWN;
}

/* A category is known when an empty range may ask for it (SCAN-CATS). */
static enum pmk_answer scan_category(const struct lab *lab, uint64_t category)
{
	struct pmk_scan_arg arg = { .size = sizeof(arg), .return_mask = category };

	if (!ioctl(lab->pagemap, PMK_PAGEMAP_SCAN, &arg))
		return PMK_ANSWER_YES;
	return errno == EINVAL || errno == ENOTTY ? PMK_ANSWER_NO : PMK_ANSWER_UNKNOWN;
}

static enum pmk_answer scan_soft_dirty(const struct lab *lab)
{
	return scan_category(lab, PMK_SCAN_SOFT_DIRTY_MASK);
}

static enum pmk_answer scan_guard(const struct lab *lab)
{
	return scan_category(lab, PMK_SCAN_GUARD_MASK);
}

static enum pmk_answer scan_accessed(const struct lab *lab)
{
	return scan_category(lab, PMK_SCAN_ACCESSED_MASK);
}

/* A written page of memory that is registered nowhere: is it WRITTEN? (SCAN-WRITTEN-MEANS) */
static enum pmk_answer scan_written_uffd(const struct lab *lab)
{
	struct pmk_scan_region region;
	struct pmk_scan_arg arg = { .size = sizeof(arg),
				    .vec = (uintptr_t)&region,
				    .vec_len = 1,
				    .return_mask = PMK_SCAN_WRITTEN_MASK };

	*(volatile char *)lab->page = 1;
	arg.start = (uintptr_t)lab->page;
	arg.end = arg.start + lab->host->page_size;
	if (ioctl(lab->pagemap, PMK_PAGEMAP_SCAN, &arg) != 1)
		return PMK_ANSWER_UNKNOWN;
	return answer(!region.categories);
}

static enum pmk_answer procmap_query(const struct lab *lab)
{
	struct pmk_procmap_query query = { .size = sizeof(query),
					   .query_addr = (uintptr_t)lab->page };
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC), result;

	if (fd < 0)
		return PMK_ANSWER_UNKNOWN;
	result = ioctl(fd, PMK_PROCMAP_QUERY, &query);
	close(fd);
	return answer(!result);
}

/* Without the right to a userfaultfd nothing can be said, and nothing protected. */
static enum pmk_answer uffd_feature(unsigned bit)
{
	return answer(pmk_uffd_features() >> bit & 1);
}

static enum pmk_answer uffd_wp(const struct lab *lab)
{
	(void)lab;
	return uffd_feature(0);
}

static enum pmk_answer uffd_wp_file(const struct lab *lab)
{
	(void)lab;
	return uffd_feature(12);
}

static enum pmk_answer uffd_wp_unpopulated(const struct lab *lab)
{
	(void)lab;
	return uffd_feature(13);
}

static enum pmk_answer uffd_wp_async(const struct lab *lab)
{
	(void)lab;
	return uffd_feature(15);
}

static enum pmk_answer uffd_poison(const struct lab *lab)
{
	(void)lab;
	return uffd_feature(14);
}

static enum pmk_answer mode_0444(const struct lab *lab)
{
	struct stat st;

	(void)lab;
	return stat("/proc/self/pagemap", &st) ? PMK_ANSWER_UNKNOWN : answer(st.st_mode & 044);
}

/* ---- kpage* ---- */

/* A flag of the frame of a new page; the lab's own has been through fork. */
static enum pmk_answer frame_flag(const struct lab *lab, uint64_t flag)
{
	char *page = new_page(lab);
	enum pmk_answer a = PMK_ANSWER_UNKNOWN;
	uint64_t e, flags;

	if (!page)
		return a;
	if (lab->kpageflags >= 0 && entry_at(lab, page, &e) && e & PMK_PAGEMAP_PRESENT_MASK &&
	    e & PMK_PAGEMAP_FRAME_MASK &&
	    pmk_host_word(lab->kpageflags, e & PMK_PAGEMAP_FRAME_MASK, &flags))
		a = answer(flags & flag);
	munmap(page, lab->host->page_size);
	return a;
}

static enum pmk_answer ksm_on_anon(const struct lab *lab)
{
	return frame_flag(lab, PMK_KPF_KSM_MASK);
}

static enum pmk_answer anon_exclusive(const struct lab *lab)
{
	return frame_flag(lab, 1ull << 34);
}

static enum pmk_answer hole_nopage(const struct lab *lab)
{
	uint64_t flags;

	if (lab->host->hole == UINT64_MAX || lab->kpageflags < 0 ||
	    !pmk_host_word(lab->kpageflags, lab->host->hole, &flags))
		return PMK_ANSWER_UNKNOWN;
	return answer(flags & PMK_KPF_NOPAGE_MASK);
}

/* A limit inside a section refutes; one on its border may be chance. */
static enum pmk_answer limit_section(const struct lab *lab)
{
	unsigned shift = lab->profile->arch->section_shift;
	uint64_t bytes = lab->host->kpage_limit * lab->host->page_size;

	if (!bytes || !shift || !(bytes & ((1ull << shift) - 1)))
		return PMK_ANSWER_UNKNOWN;
	return PMK_ANSWER_NO;
}

static enum pmk_answer kpagecgroup(const struct lab *lab)
{
	(void)lab;
	return answer(!access("/proc/kpagecgroup", F_OK));
}

/* ---- maps ---- */

/* The first line of /proc/self/<file> that contains word, and the one that begins with next behind it. */
static bool find_line(const char *file, const char *word, const char *next, char *ret, int size)
{
	FILE *f = fopen(file, "re");
	bool found = false, done = false;

	if (!f)
		return false;
	while (!done && fgets(ret, size, f)) {
		if (!found && !strstr(ret, word))
			continue;
		done = !next || (found && !strncmp(ret, next, strlen(next)));
		found = true;
	}
	fclose(f);
	return done;
}

/* VM_PFNMAP is "pf" among the flags. */
static enum pmk_answer vvar_pfnmap(const struct lab *lab)
{
	char line[512];

	(void)lab;
	if (!find_line("/proc/self/smaps", "[vvar]", "VmFlags:", line, sizeof(line)))
		return PMK_ANSWER_UNKNOWN;
	return answer(strstr(line, " pf"));
}

static enum pmk_answer vsyscall(const struct lab *lab)
{
	char line[512];

	(void)lab;
	return answer(find_line("/proc/self/maps", "[vsyscall]", NULL, line, sizeof(line)));
}

static enum pmk_answer vsyscall_xonly(const struct lab *lab)
{
	char line[512];

	(void)lab;
	if (!find_line("/proc/self/maps", "[vsyscall]", NULL, line, sizeof(line)))
		return PMK_ANSWER_NO;
	return answer(strstr(line, " --xp "));
}

/* ---- calls on memory ---- */

static enum pmk_answer advice(const struct lab *lab, int what)
{
	char *page = new_page(lab);
	enum pmk_answer a = PMK_ANSWER_UNKNOWN;

	if (!page)
		return a;
	if (!madvise(page, lab->host->page_size, what))
		a = PMK_ANSWER_YES;
	else if (errno == EINVAL)
		a = PMK_ANSWER_NO;
	munmap(page, lab->host->page_size);
	return a;
}

static enum pmk_answer advice_free(const struct lab *lab)
{
	return advice(lab, ADVICE_FREE);
}

static enum pmk_answer advice_pageout(const struct lab *lab)
{
	return advice(lab, ADVICE_PAGEOUT);
}

static enum pmk_answer advice_populate(const struct lab *lab)
{
	return advice(lab, ADVICE_POPULATE_READ);
}

static enum pmk_answer advice_guard(const struct lab *lab)
{
	return advice(lab, ADVICE_GUARD);
}

static enum pmk_answer mremap_dontunmap(const struct lab *lab)
{
	size_t size = lab->host->page_size;
	char *page = new_page(lab);
	enum pmk_answer a;
	long moved;

	if (!page)
		return PMK_ANSWER_UNKNOWN;
	/* libc passes whatever lies around as the fifth argument, and the kernel looks at it */
	moved = syscall(SYS_mremap, page, size, size, MREMAP_MAYMOVE | REMAP_DONTUNMAP, 0l);
	a = moved != -1 ? PMK_ANSWER_YES : errno == EINVAL ? PMK_ANSWER_NO : PMK_ANSWER_UNKNOWN;
	if (moved != -1)
		munmap((void *)moved, size);
	munmap(page, size);
	return a;
}

/* ---- facilities ---- */

/* Seeing a frame is the proof; that kpageflags opens alone may be CAP_DAC_READ_SEARCH. */
static enum pmk_answer root(const struct lab *lab)
{
	uint64_t e;

	return answer(lab->kpageflags >= 0 && entry_at(lab, lab->page, &e) &&
		      e & PMK_PAGEMAP_FRAME_MASK);
}

static enum pmk_answer change_user(const struct lab *lab)
{
	unsigned other = getuid() == 65534 ? 65533 : 65534;

	(void)lab;
	return answer(!syscall(SYS_setresgid, other, other, other) &&
		      !syscall(SYS_setresuid, other, other, other));
}

static enum pmk_answer may_setuid(const struct lab *lab)
{
	return in_child(lab, change_user);
}

static enum pmk_answer has_hole(const struct lab *lab)
{
	return answer(lab->host->hole != UINT64_MAX);
}

static enum pmk_answer page_idle(const struct lab *lab)
{
	(void)lab;
	return answer(!access("/sys/kernel/mm/page_idle/bitmap", F_OK));
}

static enum pmk_answer has_odd_end(const struct lab *lab)
{
	return answer(lab->host->max_pfn % 64);
}

static enum pmk_answer may_mount_proc(const struct lab *lab)
{
	struct pmk_live live = { .mount = 0 };
	bool can = !pmk_live_mount(&live, PMK_PROC_PTRACEABLE);

	(void)lab;
	if (can)
		close(live.mount);
	return answer(can);
}

static enum pmk_answer has_files(const struct lab *lab)
{
	(void)lab;
	return answer(pmk_object_directory());
}

static enum pmk_answer has_vdso(const struct lab *lab)
{
	char line[512];

	(void)lab;
	return answer(find_line("/proc/self/maps", "[vdso]", NULL, line, sizeof(line)));
}

static enum pmk_answer has_kernel_thread(const struct lab *lab)
{
	(void)lab;
	return answer(pmk_host_kernel_thread(0));
}

static enum pmk_answer has_vvar(const struct lab *lab)
{
	char line[512];

	(void)lab;
	return answer(find_line("/proc/self/maps", "[vvar]", NULL, line, sizeof(line)));
}

static enum pmk_answer file_says(const char *path, const char *format, unsigned long want)
{
	FILE *f = fopen(path, "re");
	unsigned long value = 0;
	char line[128];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		found = sscanf(line, format, &value) == 1;
#pragma GCC diagnostic pop
	if (f)
		fclose(f);
	return answer(found && (!want || value == want));
}

/* Scripts count in huge pages of this many base pages. */
#define HUGE_PAGES 512

static enum pmk_answer has_hugetlb(const struct lab *lab)
{
	return file_says("/proc/meminfo", "Hugepagesize: %lu",
			 HUGE_PAGES * lab->host->page_size / 1024);
}

static enum pmk_answer has_thp(const struct lab *lab)
{
	return file_says("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "%lu",
			 HUGE_PAGES * lab->host->page_size);
}

static enum pmk_answer has_page_4k(const struct lab *lab)
{
	return answer(lab->host->page_size == 4096);
}

static enum pmk_answer has_table_512(const struct lab *lab)
{
	const struct pmk_arch *arch = lab->profile->arch;

	return answer(arch->pmd_shift - arch->page_shift == 9);
}

static enum pmk_answer has_memory_failure(const struct lab *lab)
{
	(void)lab;
	return file_says("/proc/meminfo", "HardwareCorrupted: %lu", 0);
}

static enum pmk_answer has_ksm(const struct lab *lab)
{
	(void)lab;
	return answer(!access("/sys/kernel/mm/ksm/run", W_OK));
}

static enum pmk_answer has_secret(const struct lab *lab)
{
	int fd = pmk_object_open(PMK_BACKING_SECRET, lab->host->page_size);

	if (fd >= 0)
		close(fd);
	return answer(fd >= 0);
}

static enum pmk_answer has_cgroup(const struct lab *lab)
{
	char home[4096];

	(void)lab;
	return answer(pmk_cgroup_home(getpid(), home, sizeof(home)) &&
		      !access("/proc/kpagecgroup", R_OK));
}

/* ---- all ---- */

static const struct probe {
	enum pmk_feature feature;
	enum pmk_answer (*ask)(const struct lab *lab);
} probes[] = {
	{ PMK_Q_EXCLUSIVE_BIT, exclusive_bit },
	{ PMK_Q_ZERO_PAGE, zero_page },
	{ PMK_Q_SOFT_DIRTY, soft_dirty },
	{ PMK_Q_UFFD_WP_BIT, uffd_wp_bit },
	{ PMK_Q_GUARD_BIT, guard_bit },
	{ PMK_Q_PFN_HIDDEN, pfn_hidden },
	{ PMK_Q_MODE_0444, mode_0444 },
	{ PMK_Q_NOMM_ESRCH, nomm_esrch },
	{ PMK_Q_IOCTL_EINVAL, ioctl_einval },
	{ PMK_Q_SCAN, scan },
	{ PMK_Q_SCAN_SOFT_DIRTY, scan_soft_dirty },
	{ PMK_Q_SCAN_GUARD, scan_guard },
	{ PMK_Q_SCAN_ACCESSED, scan_accessed },
	{ PMK_Q_SCAN_WRITTEN_UFFD, scan_written_uffd },
	{ PMK_Q_UFFD_WP, uffd_wp },
	{ PMK_Q_UFFD_WP_FILE, uffd_wp_file },
	{ PMK_Q_UFFD_WP_UNPOPULATED, uffd_wp_unpopulated },
	{ PMK_Q_UFFD_WP_ASYNC, uffd_wp_async },
	{ PMK_Q_UFFD_POISON, uffd_poison },
	{ PMK_Q_PROCMAP_QUERY, procmap_query },
	{ PMK_Q_MARKER_31, marker_31 },
	{ PMK_Q_VVAR_PFNMAP, vvar_pfnmap },
	{ PMK_Q_HOLE_NOPAGE, hole_nopage },
	{ PMK_Q_LIMIT_SECTION, limit_section },
	{ PMK_Q_KPAGECGROUP, kpagecgroup },
	{ PMK_Q_PAGE_IDLE, page_idle },
	{ PMK_Q_KSM_ON_ANON, ksm_on_anon },
	{ PMK_Q_ANON_EXCLUSIVE, anon_exclusive },
	{ PMK_Q_MADV_FREE, advice_free },
	{ PMK_Q_MADV_PAGEOUT, advice_pageout },
	{ PMK_Q_MADV_POPULATE, advice_populate },
	{ PMK_Q_MADV_GUARD, advice_guard },
	{ PMK_Q_MREMAP_DONTUNMAP, mremap_dontunmap },
	{ PMK_Q_VSYSCALL, vsyscall },
	{ PMK_Q_VSYSCALL_XONLY, vsyscall_xonly },
	{ PMK_F_ROOT, root },
	{ PMK_F_SETUID, may_setuid },
	{ PMK_F_HUGETLB, has_hugetlb },
	{ PMK_F_THP, has_thp },
	{ PMK_F_KSM, has_ksm },
	{ PMK_F_PAGE_4K, has_page_4k },
	{ PMK_F_TABLE_512, has_table_512 },
	{ PMK_F_MEMORY_FAILURE, has_memory_failure },
	{ PMK_F_SECRET, has_secret },
	{ PMK_F_CGROUP, has_cgroup },
	{ PMK_F_HOLE, has_hole },
	{ PMK_F_PROC_MOUNT, may_mount_proc },
	{ PMK_F_ODD_END, has_odd_end },
	{ PMK_F_FILES, has_files },
	{ PMK_F_VDSO, has_vdso },
	{ PMK_F_VVAR, has_vvar },
	{ PMK_F_KTHREAD, has_kernel_thread },
};

size_t pmk_probe_all(struct pmk_profile *profile, const struct pmk_host *host,
		     struct pmk_probe_result *ret)
{
	struct lab lab = { .profile = profile, .host = host };
	size_t n = 0;

	lab.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	lab.kpageflags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	lab.page = new_page(&lab);
	for (size_t i = 0; lab.page && i < sizeof(probes) / sizeof(*probes); i++) {
		enum pmk_feature f = probes[i].feature;
		enum pmk_answer a = probes[i].ask(&lab);
		bool yes = a == PMK_ANSWER_YES;

		if (a == PMK_ANSWER_UNKNOWN)
			continue;
		/* the table cannot know a configuration, nor a facility */
		ret[n++] = (struct pmk_probe_result){ f,
						      pmk_quirk[f].arches && !pmk_quirk[f].config
							      ? pmk_profile_has(profile, f)
							      : yes,
						      yes };
		pmk_profile_set(profile, f, yes);
	}
	if (lab.page)
		munmap(lab.page, host->page_size);
	if (lab.pagemap >= 0)
		close(lab.pagemap);
	if (lab.kpageflags >= 0)
		close(lab.kpageflags);
	return n;
}
