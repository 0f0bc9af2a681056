/*
 * ioctl_probe.c - a program with hostile arguments for PAGEMAP_SCAN and PROCMAP_QUERY.
 *
 * It knows nothing of mocks: what it wants is what the kernel answers, so it must be content with the real
 * /proc and with a mocked one alike.  A process of the mock has 16 pages at 0x20000000, of which 8 are written;
 * where the process has none there, it makes them itself.
 *
 *   ioctl_probe            all of it; what is wrong, line by line
 *   ioctl_probe --compat   the calls of a 32-bit program (int 0x80)
 *   ioctl_probe --hidden   as a process that may not be traced: prints what its one scan gave
 *
 * Exit status: 0 as it should be, 1 not, 77 the kernel has no such calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pagemapkit.h"

#define HEAP	UINT64_C(0x20000000)
#define PAGES	16
#define WRITTEN 8
#define KERNEL	UINT64_C(0xffff800000000000)
#define SCAN	((unsigned long)PMK_SCAN_IOCTL)
#define QUERY	((unsigned long)PMK_PROCMAP_QUERY_IOCTL)

static int pagemap, maps, wrong;
static size_t page;
static char *readable, *hole; /* a read-only page; one that is not mapped, behind a writable one */
static int (*do_ioctl)(int fd, unsigned long command, void *arg) = NULL;

static int plain_ioctl(int fd, unsigned long command, void *arg)
{
	return ioctl(fd, command, arg) < 0 ? -errno : 0;
}

static int scan_ioctl(int fd, unsigned long command, void *arg)
{
	int n = ioctl(fd, command, arg);

	return n < 0 ? -errno : n;
}

static void want(const char *what, int64_t got, int64_t expected)
{
	if (got == expected)
		return;
	printf("%s: %" PRId64 ", expected %" PRId64 "\n", what, got, expected);
	wrong = 1;
}

/* ---- PAGEMAP_SCAN ------------------------------------------------------------------------------- */

static struct pmk_scan_region region[64];

static struct pmk_scan_arg good(void)
{
	return (struct pmk_scan_arg){ .size = sizeof(struct pmk_scan_arg),
				      .start = HEAP,
				      .end = HEAP + PAGES * page,
				      .vec = (uintptr_t)region,
				      .vec_len = 64,
				      .category_mask = PMK_SCAN_PRESENT_MASK,
				      .return_mask = PMK_SCAN_PRESENT_MASK };
}

/* Each a field of the argument, what it is, and what the call gives. */
static const struct {
	size_t field;
	uint64_t value;
	int result;
} fields[] = {
#define FIELD(name, value, result) { offsetof(struct pmk_scan_arg, name), value, result },
	FIELD(size, 0, -EINVAL) FIELD(size, 88, -EINVAL) FIELD(size, 104, -EINVAL) FIELD(
		size, UINT64_MAX, -EINVAL) FIELD(size, (UINT64_C(1) << 32) + 96, -EINVAL)
		FIELD(flags, 4, -EINVAL) FIELD(flags, UINT64_C(1) << 63, -EINVAL) FIELD(
			start, HEAP + 1, -EINVAL) FIELD(start, KERNEL, -EFAULT)
			FIELD(start, UINT64_MAX - 4095, -EFAULT) FIELD(end, 0, -EFAULT) FIELD(
				end, KERNEL, -EFAULT) FIELD(end, UINT64_MAX,
							    -EFAULT) FIELD(walk_end, UINT64_MAX,
									   1) FIELD(vec, 0, -EINVAL)
				FIELD(vec, KERNEL, -EFAULT) FIELD(vec, UINT64_MAX, -EFAULT) FIELD(
					vec_len, UINT64_C(1) << 60,
					-EFAULT) FIELD(vec_len, UINT64_MAX,
						       -EFAULT) FIELD(vec_len, UINT64_C(1) << 32, 1)
					FIELD(vec_len, 0, 0) FIELD(max_pages, UINT64_MAX, 1)
						FIELD(category_inverted, UINT64_C(1) << 63, -EINVAL)
							FIELD(category_mask, UINT64_C(1) << 32,
							      -EINVAL) FIELD(category_anyof_mask,
									     UINT64_MAX, -EINVAL)
								FIELD(return_mask,
								      UINT64_C(1) << 16, -EINVAL)
#undef FIELD
};

static void scan_fields(void)
{
	char what[64];

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct pmk_scan_arg arg = good();
		const uint64_t before = UINT64_MAX - 1;

		arg.walk_end = before;
		memcpy((char *)&arg + fields[i].field, &fields[i].value, sizeof(uint64_t));
		snprintf(what, sizeof(what), "scan, %#" PRIx64 " at byte %zu", fields[i].value,
			 fields[i].field);
		want(what, do_ioctl(pagemap, SCAN, &arg), fields[i].result);
		if (fields[i].result < 0)
			want("scan, walk_end after a refusal", (int64_t)arg.walk_end,
			     (int64_t)before);
	}
}

/* The vector and the argument in every kind of memory, also in each other's. */
static void scan_places(void)
{
	struct pmk_scan_arg arg = good(), *edge = (struct pmk_scan_arg *)(void *)(hole - 48);
	struct pmk_scan_arg *odd = (struct pmk_scan_arg *)(void *)(hole - 97);
	uint64_t *words = (uint64_t *)(void *)&arg;

	arg.vec = (uintptr_t)readable;
	want("scan, vec is read-only", do_ioctl(pagemap, SCAN, &arg), -EFAULT);
	want("scan, walk_end after that", (int64_t)arg.walk_end, (int64_t)arg.end);
	arg = good();
	arg.vec = (uintptr_t)hole;
	want("scan, vec is not mapped", do_ioctl(pagemap, SCAN, &arg), -EFAULT);
	arg = good();
	arg.vec = (uintptr_t)hole - 12;
	want("scan, half a region is mapped", do_ioctl(pagemap, SCAN, &arg), -EFAULT);
	arg = good();
	arg.vec = (uintptr_t)hole - 24;
	want("scan, one region is mapped", do_ioctl(pagemap, SCAN, &arg), 1);
	arg = good();
	arg.vec = (uintptr_t)hole - 25;
	want("scan, vec at an odd address", do_ioctl(pagemap, SCAN, &arg), 1);
	want("scan, its region", memcmp(hole - 25, &(uint64_t){ HEAP }, 8), 0);

	want("scan, no argument", do_ioctl(pagemap, SCAN, NULL), -EFAULT);
	want("scan, argument not mapped", do_ioctl(pagemap, SCAN, hole), -EFAULT);
	want("scan, argument in the kernel",
	     do_ioctl(pagemap, SCAN, (void *)(uintptr_t)(sizeof(void *) == 8 ? KERNEL : 0)),
	     -EFAULT);
	memcpy(edge, &arg, 48);
	want("scan, half an argument", do_ioctl(pagemap, SCAN, edge), -EFAULT);
	arg = good();
	memcpy(odd, &arg, sizeof(arg));
	want("scan, argument at an odd address", do_ioctl(pagemap, SCAN, odd), 1);

	arg = good();
	arg.vec = (uintptr_t)&arg;
	arg.vec_len = 1;
	want("scan, vec is the argument", do_ioctl(pagemap, SCAN, &arg), 1);
	want("scan, the region on it", words[0] == HEAP && words[2] == PMK_SCAN_PRESENT_MASK, 1);
	want("scan, walk_end behind it", (int64_t)words[4], (int64_t)(HEAP + PAGES * page));
	arg = good();
	arg.vec = (uintptr_t)&arg.end;
	arg.vec_len = 1;
	want("scan, vec is in the argument", do_ioctl(pagemap, SCAN, &arg), 1);
	want("scan, end", (int64_t)arg.end, (int64_t)HEAP);
	want("scan, walk_end comes last", (int64_t)arg.walk_end, (int64_t)(HEAP + PAGES * page));
}

/* ---- PROCMAP_QUERY ------------------------------------------------------------------------------ */

static char name[8192];

static struct pmk_procmap_query question(void)
{
	return (struct pmk_procmap_query){ .size = sizeof(struct pmk_procmap_query),
					   .query_addr = HEAP,
					   .vma_name_addr = (uintptr_t)name,
					   .vma_name_size = sizeof(name) };
}

static int query(struct pmk_procmap_query *q)
{
	return plain_ioctl(maps, QUERY, q);
}

/* The first mapping that has a name. */
static struct pmk_procmap_query named(void)
{
	struct pmk_procmap_query q = question();

	q.query_addr = 0;
	q.query_flags = PMK_PROCMAP_COVERING_OR_NEXT;
	while (!query(&q) && !q.vma_name_size) {
		q.query_addr = q.vma_end;
		q.vma_name_size = sizeof(name);
	}
	q.query_addr = q.vma_start;
	return q;
}

static void query_fields(void)
{
	static const struct {
		uint64_t size;
		int result;
	} sizes[] = { { 0, -EINVAL },	{ 23, -EINVAL },	{ 24, 0 },
		      { 4096, -E2BIG }, { UINT64_MAX, -E2BIG }, { UINT64_C(1) << 40, -E2BIG } };
	struct {
		struct pmk_procmap_query q;
		char rest[4096];
	} big = { .rest = { 0 } };
	struct pmk_procmap_query q = question();

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		big.q = question();
		big.q.size = sizes[i].size;
		big.rest[0] = 1;
		want("query, size", query(&big.q), sizes[i].result);
	}
	q.query_flags = 0x40;
	want("query, unknown flag", query(&q), -EINVAL);
	q = question();
	q.query_addr = UINT64_MAX;
	want("query, no such address", query(&q), -ENOENT);
	q = question();
	q.query_addr = KERNEL;
	q.query_flags = PMK_PROCMAP_COVERING_OR_NEXT;
	want("query, an address of the kernel", query(&q), -ENOENT);
}

static void query_places(void)
{
	struct pmk_procmap_query q = named(), has_name = q;
	size_t len = q.vma_name_size;

	want("query, a mapping with a name", len > 1 && len == strlen(name) + 1, 1);
#define NAMED(address, size, result, what)               \
	do {                                             \
		q = has_name;                            \
		q.vma_name_addr = (uintptr_t)(address);  \
		q.vma_name_size = (uint32_t)(size);      \
		want("query, " what, query(&q), result); \
	} while (0)
	NAMED(readable, sizeof(name), -EFAULT, "name is read-only");
	NAMED(hole, sizeof(name), -EFAULT, "name is not mapped");
	NAMED(hole - 1, sizeof(name), -EFAULT, "one byte of the name is mapped");
	NAMED(hole - len, sizeof(name), 0, "name up to the last byte that is mapped");
	want("query, that name", strcmp(hole - len, name), 0);
	NAMED(name, UINT32_MAX, 0, "name as long as can be");
	NAMED(name, len - 1, -ENAMETOOLONG, "name too short by one");
	NAMED(NULL, len, -EINVAL, "size without a name");
	NAMED(name, 0, -EINVAL, "name without a size");
	NAMED(&q, sizeof(q), len > sizeof(q) ? -ENAMETOOLONG : 0, "name is the argument");
	want("query, which comes last", (int64_t)q.vma_start, (int64_t)has_name.vma_start);
	if (sizeof(void *) == 8)
		NAMED(KERNEL, sizeof(name), -EFAULT, "name in the kernel");
	q = has_name;
	q.build_id_addr = (uintptr_t)hole;
	want("query, build id without a size", query(&q), -EINVAL);
	q = question();
	q.build_id_addr = (uintptr_t)hole;
	q.build_id_size = 20;
	want("query, memory without a build id leaves its buffer alone", query(&q), 0);
	want("query, size of that build id", q.build_id_size, 0);
	want("query, no argument", plain_ioctl(maps, QUERY, NULL), -EFAULT);
	want("query, argument not mapped", plain_ioctl(maps, QUERY, hole), -EFAULT);
}

/* ---- many, and callers that die ----------------------------------------------------------------- */

static void *caller(void *ret)
{
	struct pmk_scan_region own[4];

	for (int i = 0; i < 250; i++) {
		struct pmk_scan_arg arg = good();
		struct pmk_procmap_query q = question();

		arg.vec = (uintptr_t)own;
		arg.vec_len = 4;
		q.vma_name_addr = q.vma_name_size = 0;
		if (scan_ioctl(pagemap, SCAN, &arg) != 1 || own[0].start != HEAP || query(&q))
			*(bool *)ret = false;
	}
	return NULL;
}

static void many(void)
{
	pthread_t thread[32];
	bool ok[32];
	size_t n = 0;

	for (; n < 32; n++) {
		ok[n] = true;
		if (pthread_create(&thread[n], NULL, caller, &ok[n]))
			break;
	}
	want("threads", (int64_t)n, 32);
	for (size_t i = 0; i < n; i++) {
		pthread_join(thread[i], NULL);
		want("16000 calls at once", ok[i], true);
	}
}

/* Children are killed while they call: each says that it has begun, then scans for ever. */
static void dying(void)
{
	for (int i = 0; i < 40; i++) {
		int begun[2], status;
		char byte;
		pid_t pid;

		if (pipe(begun) || (pid = fork()) < 0) {
			want("fork", -errno, 0);
			return;
		}
		if (!pid) {
			if (write(begun[1], "", 1) != 1)
				_exit(1);
			for (;;) {
				struct pmk_scan_arg arg = good();

				arg.start = 0;
				arg.end = HEAP << 8;
				scan_ioctl(pagemap, SCAN, &arg);
			}
		}
		close(begun[1]);
		want("a child that calls", read(begun[0], &byte, 1), 1);
		close(begun[0]);
		kill(pid, SIGKILL);
		want("waitpid", waitpid(pid, &status, 0), pid);
		want("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGKILL);
	}
}

/* ---- 32-bit programs ---------------------------------------------------------------------------- */

#ifdef __x86_64__
static int compat_ioctl(int fd, unsigned long command, void *arg)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(54L), "b"((long)fd), "c"(command), "d"(arg)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

/* Without CONFIG_IA32_EMULATION the instruction is a SIGSEGV. */
static bool has_compat(void)
{
	pid_t pid = fork();
	int status = 1;

	if (!pid)
		_exit(compat_ioctl(-1, 0, NULL) == -EBADF ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int compat(void)
{
	struct pmk_scan_arg *arg = mmap(NULL, page, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct pmk_scan_region *vec = (struct pmk_scan_region *)(void *)(arg + 4);
	struct pmk_procmap_query *q = (struct pmk_procmap_query *)(void *)(vec + 4);

	if (arg == MAP_FAILED || !has_compat()) {
		puts("no 32-bit system calls");
		return 77;
	}
	*arg = good();
	arg->vec = (uintptr_t)vec;
	arg->vec_len = 4;
	want("32-bit scan", compat_ioctl(pagemap, SCAN, arg), 1);
	want("32-bit scan, walk_end", (int64_t)arg->walk_end, (int64_t)(HEAP + PAGES * page));
	want("32-bit scan, start", (int64_t)vec->start, (int64_t)HEAP);
	want("32-bit scan, end", (int64_t)vec->end, (int64_t)(HEAP + WRITTEN * page));
	*arg = good();
	arg->size = 88;
	want("32-bit scan, size", compat_ioctl(pagemap, SCAN, arg), -EINVAL);
	*arg = good();
	arg->vec_len = UINT64_C(1) << 60;
	want("32-bit scan, vec_len", compat_ioctl(pagemap, SCAN, arg), -EFAULT);
	*q = question();
	q->vma_name_addr = q->vma_name_size = 0;
	want("32-bit query", compat_ioctl(maps, QUERY, q), 0);
	want("32-bit query, start", (int64_t)q->vma_start, (int64_t)HEAP);
	return wrong;
}
#else
static int compat(void)
{
	puts("int 0x80 is of x86-64");
	return 77;
}
#endif

/* ---- main --------------------------------------------------------------------------------------- */

/* The pages of the script, if this is no process of a script. */
static void furnish(void)
{
	uint64_t word = 0;
	char *heap;

	if (pread(pagemap, &word, 8, (off_t)(HEAP / page * 8)) == 8 && word)
		return;
	heap = mmap((void *)(uintptr_t)HEAP, PAGES * page, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (heap == MAP_FAILED)
		want("mmap", -errno, 0);
	else
		for (size_t i = 0; i < WRITTEN; i++)
			heap[i * page] = 1;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	struct pmk_scan_arg probe = { .size = sizeof(probe) };

	page = (size_t)sysconf(_SC_PAGESIZE);
	do_ioctl = scan_ioctl;
	if (!strcmp(mode, "--hidden"))
		prctl(PR_SET_DUMPABLE, 0);
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	maps = open("/proc/self/maps", O_RDONLY);
	readable = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hole = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pagemap < 0 || maps < 0 || readable == MAP_FAILED || hole == MAP_FAILED) {
		perror("/proc/self");
		return 1;
	}
	hole += page;
	munmap(hole, page);
	if (scan_ioctl(pagemap, SCAN, &probe) == -ENOTTY ||
	    plain_ioctl(maps, QUERY, NULL) == -ENOTTY) {
		puts("no PAGEMAP_SCAN or no PROCMAP_QUERY");
		return 77;
	}
	furnish();
	if (!strcmp(mode, "--compat"))
		return compat();
	if (!strcmp(mode, "--hidden")) {
		struct pmk_scan_arg arg = good();

		printf("scan: %d\n", scan_ioctl(pagemap, SCAN, &arg));
		return 0;
	}
	scan_fields();
	scan_places();
	query_fields();
	query_places();
	many();
	dying();
	return wrong;
}
