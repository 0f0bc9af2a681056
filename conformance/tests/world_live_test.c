/* SPDX-License-Identifier: MIT */
/*
 * world_live_test.c - the worlds with real processes, asked directly: what a script would ask, and what must
 * come back.  "kernel" or "mock" names the world.
 */
#define _GNU_SOURCE 1
#include "world_live.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "actor.h"
#include "pagemapkit.h"

#define HEAP 0x20000000ull

static struct pmk_world *world;
static uint64_t page;
static struct pmk_profile profile;

/* ---- requests in short ---- */

static int64_t ask(struct pmk_request r)
{
	return pmk_world_request(world, &r);
}

/* ASK(WHAT, process, .field = value ...) */
#define ASK(request, ...) \
	ask((struct pmk_request){ .code = PMK_REQ_##request, .proc = __VA_ARGS__ })

static int64_t spawn(int proc, int64_t uid)
{
	return ASK(SPAWN, proc, .a = { 0, uid }, .in = "test");
}

static int64_t map_anon(int proc, uint64_t at, uint64_t pages)
{
	return ASK(MMAP, proc, .addr = at, .len = pages * page, .a = { -1 },
		   .prot = PMK_PERM_R | PMK_PERM_W);
}

static int64_t open_of(int who, int handle, enum pmk_file file, int whose)
{
	return ASK(OPEN, who, .handle = handle, .file = file, .a = { O_RDONLY, 0, 0, whose });
}

static uint64_t word(int who, int handle, uint64_t index)
{
	uint64_t w = 0;

	assert_int_equal(
		ASK(PREAD, who, .handle = handle, .pos = (int64_t)(index * 8), .len = 8, .buf = &w),
		8);
	return w;
}

static uint64_t entry(int who, int handle, uint64_t addr)
{
	return word(who, handle, addr / page);
}

static bool has(enum pmk_feature feature)
{
	const char *why;

	return world->ops->has(world, feature, &why);
}

static int set_up(void **state)
{
	struct pmk_error err;

	(void)state;
	return world->ops->reset(world, &profile, &err);
}

/* ---- tests ---- */

static void test_present(void **state)
{
	uint64_t e;

	(void)state;
	assert_true(spawn(0, 0) > 0);
	assert_int_equal(map_anon(0, HEAP, 4), 0);
	assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = page), 0);
	assert_int_equal(ASK(READ, 0, .addr = HEAP + page, .len = page), 0);
	assert_int_equal(open_of(PMK_OBSERVER, 0, PMK_FILE_PAGEMAP, 0), 0);
	assert_int_equal(open_of(0, 1, PMK_FILE_PAGEMAP, 0), 0);
	e = entry(PMK_OBSERVER, 0, HEAP);
	assert_true(e & PMK_PAGEMAP_PRESENT_MASK);
	assert_true(e & PMK_PAGEMAP_EXCLUSIVE_MASK);
	assert_int_equal(entry(0, 1, HEAP), e);
	if (has(PMK_F_ROOT))
		assert_true(e & PMK_PAGEMAP_FRAME_MASK);
	e = entry(PMK_OBSERVER, 0, HEAP + page);
	assert_true(e & PMK_PAGEMAP_PRESENT_MASK);
	assert_int_equal(!(e & PMK_PAGEMAP_EXCLUSIVE_MASK), has(PMK_Q_ZERO_PAGE));
	e = entry(PMK_OBSERVER, 0, HEAP + 2 * page);
	assert_false(e & (PMK_PAGEMAP_PRESENT_MASK | PMK_PAGEMAP_SWAP_MASK));
}

/* A stage's own handles are numbered from the top. */
static void test_high_handle(void **state)
{
	(void)state;
	assert_true(spawn(0, 0) > 0);
	for (int who = PMK_OBSERVER; who <= 0; who++) {
		assert_int_equal(open_of(who, INT32_MAX, PMK_FILE_PAGEMAP, 0), 0);
		assert_int_equal(open_of(who, 0, PMK_FILE_PAGEMAP, 0), 0);
		assert_int_equal(entry(who, INT32_MAX, HEAP), 0);
		assert_int_equal(ASK(CLOSE, who, .handle = INT32_MAX), 0);
		assert_int_equal(entry(who, 0, HEAP), 0);
		assert_int_equal(open_of(who, 1 << 20, PMK_FILE_PAGEMAP, 0), -EMFILE);
	}
}

static void test_fork(void **state)
{
	(void)state;
	assert_true(spawn(0, 0) > 0);
	assert_int_equal(map_anon(0, HEAP, 1), 0);
	assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = page), 0);
	assert_int_equal(open_of(0, 0, PMK_FILE_PAGEMAP, 0), 0);
	assert_true(entry(0, 0, HEAP) & PMK_PAGEMAP_EXCLUSIVE_MASK);
	assert_true(ASK(FORK, 0, .a = { 1 }) > 0);
	assert_false(entry(0, 0, HEAP) & PMK_PAGEMAP_EXCLUSIVE_MASK);
	/* the child inherits the handle, which still shows the parent */
	assert_int_equal(entry(1, 0, HEAP), entry(0, 0, HEAP));
	assert_int_equal(ASK(EXIT, 1), 0);
	assert_true(entry(0, 0, HEAP) & PMK_PAGEMAP_EXCLUSIVE_MASK);
}

/* After fork and exit of the other side a write reuses the page: nothing hangs in a per-CPU batch. */
static void test_reuse(void **state)
{
	uint64_t before, after;

	(void)state;
	if (!has(PMK_F_ROOT))
		skip();
	assert_true(spawn(0, 0) > 0);
	assert_int_equal(open_of(PMK_OBSERVER, 0, PMK_FILE_PAGEMAP, 0), 0);
	assert_int_equal(map_anon(0, HEAP, 1), 0);
	for (int i = 1; i < 200; i++) {
		assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = page), 0);
		before = entry(PMK_OBSERVER, 0, HEAP);
		assert_true(ASK(FORK, 0, .a = { i }) > 0);
		assert_int_equal(ASK(EXIT, i), 0);
		assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = page), 0);
		after = entry(PMK_OBSERVER, 0, HEAP);
		assert_int_equal(before, after);
		assert_int_equal(ASK(REAP, i), 0);
	}
}

static void test_guard(void **state)
{
	uint64_t e;

	(void)state;
	if (!has(PMK_Q_MADV_GUARD))
		skip();
	assert_true(spawn(0, 0) > 0);
	assert_int_equal(map_anon(0, HEAP, 2), 0);
	assert_int_equal(ASK(MADVISE, 0, .addr = HEAP, .len = page, .a = { 102 }), 0);
	assert_int_equal(open_of(0, 0, PMK_FILE_PAGEMAP, 0), 0);
	e = entry(0, 0, HEAP);
	assert_true(e & PMK_PAGEMAP_SWAP_MASK);
	assert_int_equal(!!(e & PMK_PAGEMAP_GUARD_MASK), has(PMK_Q_GUARD_BIT));
	assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = page), PMK_SIGNAL(SIGSEGV));
	assert_int_equal(ASK(WRITE, 0, .addr = HEAP + page, .len = page), 0);
}

static void test_swap(void **state)
{
	uint64_t e;

	(void)state;
	if (!has(PMK_F_SWAP))
		skip();
	assert_true(spawn(0, 0) > 0);
	assert_int_equal(map_anon(0, HEAP, 3), 0);
	assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = 2 * page), 0);
	assert_int_equal(ASK(MADVISE, 0, .addr = HEAP, .len = 3 * page, .a = { 21 }), 0);
	assert_int_equal(open_of(PMK_OBSERVER, 0, PMK_FILE_PAGEMAP, 0), 0);
	e = entry(PMK_OBSERVER, 0, HEAP);
	assert_true(e & PMK_PAGEMAP_SWAP_MASK);
	assert_false(e & PMK_PAGEMAP_PRESENT_MASK);
	if (has(PMK_F_ROOT))
		assert_true((e & PMK_PAGEMAP_FRAME_MASK) >> 5);
	assert_int_equal(ASK(READ, 0, .addr = HEAP, .len = page), 0);
	assert_true(entry(PMK_OBSERVER, 0, HEAP) & PMK_PAGEMAP_PRESENT_MASK);
}

/* Frames are shown by the right of who opened (PM-CRED-OPENER). */
static void test_opener(void **state)
{
	(void)state;
	if (!has(PMK_F_ROOT) || !has(PMK_F_SETUID))
		skip();
	assert_true(spawn(0, 0) > 0);
	assert_int_equal(map_anon(0, HEAP, 1), 0);
	assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = page), 0);
	assert_int_equal(open_of(0, 0, PMK_FILE_PAGEMAP, 0), 0);
	assert_int_equal(ASK(SETEUID, 0, .a = { 65534 }), 0);
	assert_int_equal(open_of(0, 1, PMK_FILE_PAGEMAP, 0), -EACCES);
	assert_int_equal(ASK(DUMPABLE, 0, .a = { 1 }), 0);
	assert_int_equal(open_of(0, 1, PMK_FILE_PAGEMAP, 0), 0);
	assert_true(entry(0, 0, HEAP) & PMK_PAGEMAP_FRAME_MASK);
	assert_int_equal(ASK(SETEUID, 0, .a = { 0 }), 0);
	assert_false(entry(0, 1, HEAP) & PMK_PAGEMAP_FRAME_MASK);
	assert_int_equal(open_of(0, 2, PMK_FILE_PAGEMAP, 0), 0);
	assert_true(entry(0, 2, HEAP) & PMK_PAGEMAP_FRAME_MASK);
}

static void test_drop(void **state)
{
	(void)state;
	if (!has(PMK_F_ROOT))
		skip();
	assert_true(spawn(0, 0) > 0);
	assert_int_equal(ASK(DROP, 0, .a = { 21 }), 0);
	assert_int_equal(map_anon(0, HEAP, 1), 0);
	assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = page), 0);
	assert_int_equal(open_of(0, 0, PMK_FILE_PAGEMAP, 0), 0);
	assert_false(entry(0, 0, HEAP) & PMK_PAGEMAP_FRAME_MASK);
	assert_int_equal(open_of(0, 1, PMK_FILE_KPAGEFLAGS, PMK_OBSERVER), 0);
	/* exec as root must not bring it back */
	assert_int_equal(ASK(EXEC, 0), 0);
	assert_int_equal(map_anon(0, HEAP, 1), 0);
	assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = page), 0);
	assert_int_equal(open_of(0, 2, PMK_FILE_PAGEMAP, 0), 0);
	assert_false(entry(0, 2, HEAP) & PMK_PAGEMAP_FRAME_MASK);
}

static void test_other_user(void **state)
{
	(void)state;
	if (!has(PMK_F_SETUID))
		skip();
	assert_true(spawn(0, 1234) > 0);
	assert_true(spawn(1, 0) > 0);
	assert_int_equal(open_of(0, 0, PMK_FILE_PAGEMAP, 0), 0);
	assert_int_equal(open_of(0, 1, PMK_FILE_PAGEMAP, 1), -EACCES);
	assert_int_equal(open_of(0, 2, PMK_FILE_KPAGECOUNT, PMK_OBSERVER), -EACCES);
	assert_int_equal(ASK(EXEC, 0), 0);
	assert_int_equal(open_of(0, 3, PMK_FILE_PAGEMAP, 0), 0);
	assert_int_equal(ASK(SETUID, 0, .a = { 0 }), -EPERM);
}

static void test_death(void **state)
{
	uint64_t w;

	(void)state;
	assert_true(spawn(0, 0) > 0);
	assert_true(spawn(1, 0) > 0);
	assert_int_equal(open_of(1, 0, PMK_FILE_PAGEMAP, 0), 0);
	assert_int_equal(open_of(PMK_OBSERVER, 1, PMK_FILE_PAGEMAP, 0), 0);
	assert_int_equal(ASK(REAP, 0), -ECHILD);
	assert_int_equal(ASK(EXIT, 0), 0);
	assert_int_equal(ASK(READ, 0, .addr = HEAP, .len = page), -ESRCH);
	assert_int_equal(ASK(PREAD, 1, .handle = 0, .pos = 1, .len = 3, .buf = &w), 0);
	assert_int_equal(ASK(PREAD, PMK_OBSERVER, .handle = 1, .len = 8, .buf = &w), 0);
	/* the files of a zombie are root's: it has no memory that could be dumpable */
	assert_int_equal(open_of(1, 2, PMK_FILE_PAGEMAP, 0), !has(PMK_F_ROOT)	     ? -EACCES
							     : has(PMK_Q_NOMM_ESRCH) ? -ESRCH
										     : 0);
	assert_int_equal(ASK(REAP, 0), 0);
	assert_int_equal(open_of(1, 3, PMK_FILE_PAGEMAP, 0), -ENOENT);
	assert_int_equal(ASK(REAP, 0), -ECHILD);
}

static void test_exec(void **state)
{
	(void)state;
	assert_true(spawn(0, 0) > 0);
	assert_int_equal(map_anon(0, HEAP, 1), 0);
	assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = page), 0);
	assert_int_equal(open_of(0, 0, PMK_FILE_PAGEMAP, 0), 0);
	assert_int_equal(ASK(EXEC, 0), 0);
	/* the handle is bound to the old address space, which is gone (PM-MM-PIN) */
	assert_int_equal(ASK(PREAD, 0, .handle = 0, .len = 8), 0);
	assert_int_equal(open_of(0, 1, PMK_FILE_PAGEMAP, 0), 0);
	assert_int_equal(entry(0, 1, HEAP), 0);
	assert_int_equal(ASK(READ, 0, .addr = HEAP, .len = page), PMK_SIGNAL(SIGSEGV));
	assert_int_equal(map_anon(0, HEAP, 1), 0);
	assert_int_equal(map_anon(0, HEAP, 1), -EEXIST);
	assert_true(ASK(FORK, 0, .a = { 1 }) > 0);
	assert_int_equal(ASK(WRITE, 1, .addr = HEAP, .len = page), 0);
}

static void test_signals(void **state)
{
	(void)state;
	assert_true(spawn(0, 0) > 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = page), PMK_SIGNAL(SIGSEGV));
	assert_int_equal(ASK(OBJECT, 0, .a = { 0, PMK_BACKING_MEMFD }, .len = page), 0);
	assert_int_equal(ASK(MMAP, 0, .addr = HEAP, .len = 2 * page, .a = { 0, 0 },
			     .prot = PMK_PERM_R | PMK_PERM_W, .shared = true),
			 0);
	assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = 2 * page), PMK_SIGNAL(SIGBUS));
	assert_int_equal(ASK(MPROTECT, 0, .addr = HEAP, .len = page, .prot = PMK_PERM_R), 0);
	assert_int_equal(ASK(READ, 0, .addr = HEAP, .len = page), 0);
	assert_int_equal(ASK(WRITE, 0, .addr = HEAP, .len = page), PMK_SIGNAL(SIGSEGV));
	assert_int_equal(
		ASK(MREMAP, 0, .addr = HEAP, .len = page, .a = { 2 * (int64_t)page, HEAP * 2 }), 0);
	assert_int_equal(ASK(MUNMAP, 0, .addr = HEAP * 2, .len = 2 * page), 0);
}

static void test_objects(void **state)
{
	uint64_t e;

	(void)state;
	assert_true(spawn(0, 0) > 0);
	assert_true(spawn(1, has(PMK_F_SETUID) ? 1234 : 0) > 0);
	assert_int_equal(ASK(OBJECT, 0,
			     .a = { 0, has(PMK_F_FILES) ? PMK_BACKING_FILE : PMK_BACKING_MEMFD },
			     .len = 40 * page),
			 0);
	for (int p = 0; p < 2; p++)
		assert_int_equal(ASK(MMAP, p, .addr = HEAP, .len = page,
				     .a = { 0, 3 * (int64_t)page }, .prot = PMK_PERM_R),
				 0);
	assert_int_equal(ASK(READ, 0, .addr = HEAP, .len = page), 0);
	assert_int_equal(open_of(PMK_OBSERVER, 0, PMK_FILE_PAGEMAP, 0), 0);
	e = entry(PMK_OBSERVER, 0, HEAP);
	assert_true(e & PMK_PAGEMAP_FILE_MASK);
	assert_true(e & PMK_PAGEMAP_EXCLUSIVE_MASK);
	assert_int_equal(ASK(READ, 1, .addr = HEAP, .len = page), 0);
	assert_false(entry(PMK_OBSERVER, 0, HEAP) & PMK_PAGEMAP_EXCLUSIVE_MASK);
	assert_int_equal(ASK(MMAP, 1, .addr = HEAP, .len = page, .a = { 8 }), -EBADF);
}

static void test_buffers(void **state)
{
	uint64_t w[4] = { 0 };

	(void)state;
	assert_true(spawn(0, 0) > 0);
	assert_int_equal(open_of(0, 0, PMK_FILE_PAGEMAP, 0), 0);
	assert_int_equal(open_of(PMK_OBSERVER, 0, PMK_FILE_PAGEMAP, 0), 0);
	for (int who = PMK_OBSERVER; who <= 0; who++) {
		for (int buf = PMK_BUF_NULL; buf <= PMK_BUF_READONLY; buf++)
			assert_int_equal(ASK(PREAD, who, .len = 16, .a = { buf }), -EFAULT);
		assert_int_equal(ASK(PREAD, who, .len = 0, .a = { PMK_BUF_KERNEL }), -EFAULT);
		assert_int_equal(ASK(PREAD, who, .len = 0, .a = { PMK_BUF_NULL }), 0);
		assert_int_equal(ASK(PREAD, who, .len = 16, .a = { PMK_BUF_ODD }, .buf = w), 16);
		assert_int_equal(ASK(PREAD, who, .len = 16, .pos = 4), -EINVAL);
		assert_int_equal(ASK(PREAD, who, .len = 16, .pos = -8), -EINVAL);
		assert_int_equal(ASK(READV, who, .seg = { 8, 16 }, .nseg = 2, .buf = w), 24);
		assert_int_equal(ASK(READV, who, .seg = { 8, 4 }, .nseg = 2, .buf = w), 8);
		assert_int_equal(ASK(PREADV, who, .seg = { 4, 4 }, .nseg = 2, .buf = w), -EINVAL);
		if (world->ops->id == PMK_WORLD_KERNEL) { /* FUSE's own lseek refuses */
			assert_int_equal(ASK(LSEEK, who, .pos = -8), -8);
			assert_int_equal(ASK(READFD, who, .len = 8), -EINVAL);
		}
		assert_int_equal(ASK(LSEEK, who, .pos = 64), 64);
		assert_int_equal(ASK(READFD, who, .len = 8, .buf = w), 8);
		assert_int_equal(ASK(LSEEK, who, .pos = 0, .a = { SEEK_CUR }), 72);
		assert_int_equal(ASK(LSEEK, who, .pos = 0, .a = { SEEK_END }), -EINVAL);
		assert_int_equal(ASK(WRITEFD, who, .in = "12345678", .len = 8), -EBADF);
		assert_int_equal(ASK(IOCTL, who, .a = { 0x1234 }),
				 has(PMK_Q_IOCTL_EINVAL) ? -EINVAL : -ENOTTY);
		assert_int_equal(ASK(CLOSE, who), 0);
		assert_int_equal(ASK(CLOSE, who), -EBADF);
	}
}

/* Counts beyond what the kernel transfers at once are clipped to 0x7ffff000 (PM-READ-CLIP). */
static void test_large(void **state)
{
	uint64_t end = world->ops->fact(world, PMK_FACT_TASK_SIZE) / page * 8;
	size_t n = 80u << 20;
	char *buf = malloc(n);

	(void)state;
	assert_true(spawn(0, 0) > 0);
	assert_int_equal(open_of(0, 0, PMK_FILE_PAGEMAP, 0), 0);
	assert_int_equal(ASK(PREAD, 0, .pos = (int64_t)end - 64, .len = 0x7ffff001), 64);
	assert_int_equal(ASK(PREAD, 0, .pos = (int64_t)end - 64, .len = 0x7fffeff9), -EINVAL);
	assert_int_equal(ASK(PREAD, 0, .pos = (int64_t)end, .len = 64), 0);
	assert_int_equal(ASK(PREAD, 0, .pos = 0, .len = UINT64_MAX), -EFAULT);
	memset(buf, 1, n);
	assert_int_equal(ASK(PREAD, 0, .pos = 0, .len = n, .buf = buf), n);
	assert_int_equal(buf[0], 0);
	assert_int_equal(buf[PMK_BOARD_ROOM - 1], 0);
	free(buf);
}

static void test_facts(void **state)
{
	size_t n = 0;
	const struct pmk_probe_result *r = NULL;

	(void)state;
	if (world->ops->id == PMK_WORLD_KERNEL)
		r = pmk_world_kernel_probes(world, &n);
	for (size_t i = 0; i < n; i++)
		if (r[i].table != r[i].probe)
			print_message("%s: table %d, probe %d\n", pmk_quirk[r[i].feature].name,
				      r[i].table, r[i].probe);
	for (int i = 0; i < 4; i++)
		print_message("fact %d: 0x%llx\n", i,
			      (unsigned long long)world->ops->fact(world, i));
	for (int f = PMK_FACILITY_FIRST; f < PMK_FEATURE_COUNT; f++)
		if (!has((enum pmk_feature)f))
			print_message("no %s\n", pmk_quirk[f].name);
	assert_int_equal(world->ops->fact(world, PMK_FACT_PAGE_SIZE), page);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_facts, set_up),
		cmocka_unit_test_setup(test_present, set_up),
		cmocka_unit_test_setup(test_high_handle, set_up),
		cmocka_unit_test_setup(test_fork, set_up),
		cmocka_unit_test_setup(test_reuse, set_up),
		cmocka_unit_test_setup(test_guard, set_up),
		cmocka_unit_test_setup(test_swap, set_up),
		cmocka_unit_test_setup(test_opener, set_up),
		cmocka_unit_test_setup(test_drop, set_up),
		cmocka_unit_test_setup(test_other_user, set_up),
		cmocka_unit_test_setup(test_death, set_up),
		cmocka_unit_test_setup(test_exec, set_up),
		cmocka_unit_test_setup(test_signals, set_up),
		cmocka_unit_test_setup(test_objects, set_up),
		cmocka_unit_test_setup(test_buffers, set_up),
		cmocka_unit_test_setup(test_large, set_up),
	};
	bool mock = argc > 1 && !strcmp(argv[1], "mock");
	struct pmk_error err;
	int failed;

	pmk_actor_main_if_asked(argc, argv);
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	pmk_profile_host(&profile);
	if (mock)
		pmk_world_mock_prepare(NULL);
	world = mock ? pmk_world_mock_create(NULL, &err) : pmk_world_kernel_create(&err);
	if (!world) {
		puts(err.text);
		return mock ? 77 : 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	world->ops->destroy(world);
	return failed;
}
