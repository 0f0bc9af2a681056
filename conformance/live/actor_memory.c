/* SPDX-License-Identifier: MIT */
/* actor_memory.c - mmap and its relatives, and touches that survive their signals. */
#define _GNU_SOURCE	  1
#define _FILE_OFFSET_BITS 64
#include "actor_memory.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filecall.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#endif

/* Beyond this a mapping is not charged: the kernel's overcommit heuristic would refuse one that is
 * larger than RAM and swap, and scripts map terabytes that they hardly touch. */
#define UNCHARGED (1ull << 30)

/* A sanitizer has no shadow for memory it does not know, and would report the signals we ask for. */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined"), noinline))

static sigjmp_buf touched;
static volatile sig_atomic_t touching;

static void on_signal(int sig)
{
	if (touching)
		siglongjmp(touched, sig);
	signal(sig, SIG_DFL); /* our own mistake: the instruction is repeated and kills */
}

void pmk_actor_memory_init(void)
{
	/* NODEFER: the mask need not be restored, so a touch costs no system call. */
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_NODEFER };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

static UNCHECKED int64_t touch(uint64_t addr, uint64_t len, bool write)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int sig = sigsetjmp(touched, 0);

	touching = !sig;
	if (sig)
		return PMK_SIGNAL(sig);
	for (uint64_t at = 0; at < len; at += page) {
		volatile char *p = (volatile char *)(uintptr_t)(addr + at);

		/* Zeros: since 6.12 a page of zeros is swapped out without I/O, so that nothing depends
		 * on when a write ends. */
		if (write)
			*p = 0;
		else
			(void)*p;
	}
	touching = 0;
	return 0;
}

/* No page that was only touched has anything here. */
#define CONTENT_AT 16

static UNCHECKED int64_t fill(const struct pmk_request *r)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int sig = sigsetjmp(touched, 0);

	touching = !sig;
	if (sig)
		return PMK_SIGNAL(sig);
	for (uint64_t at = 0; at < r->len; at += page) {
		volatile uint64_t *p = (volatile uint64_t *)(uintptr_t)(r->addr + at);

		for (uint64_t i = 0; i < page / sizeof(*p); i++)
			p[i] = 0;
		if (r->a[0] == PMK_CONTENT_SAME)
			p[CONTENT_AT] = UINT64_MAX;
		else if (r->a[0] == PMK_CONTENT_DISTINCT)
			p[CONTENT_AT] = 1 + (uint64_t)r->a[1] + at / page;
	}
	touching = 0;
	return 0;
}

static int native_prot(unsigned prot)
{
	return (prot & PMK_PERM_R ? PROT_READ : 0) | (prot & PMK_PERM_W ? PROT_WRITE : 0) |
	       (prot & PMK_PERM_X ? PROT_EXEC : 0);
}

static int64_t map(const struct pmk_request *r, int fd)
{
	int flags = MAP_FIXED_NOREPLACE | (r->shared ? MAP_SHARED : MAP_PRIVATE);
	void *want = (void *)(uintptr_t)r->addr, *at;

	if (fd < 0)
		flags |= MAP_ANONYMOUS | (r->a[2] ? MAP_HUGETLB : 0);
	if (r->len > UNCHARGED)
		flags |= MAP_NORESERVE;
	at = mmap(want, (size_t)r->len, native_prot(r->prot), flags, fd, (off_t)r->a[1]);
	if (at == MAP_FAILED)
		return -errno;
	if (at == want)
		return 0;
	munmap(at, (size_t)r->len); /* before 4.17 the flag is unknown and the address a hint */
	return -EEXIST;
}

static int64_t remap(const struct pmk_request *r)
{
	unsigned long flags = 0;
	long at;

	if (r->a[1])
		flags = MREMAP_MAYMOVE | MREMAP_FIXED | (r->a[2] ? MREMAP_DONTUNMAP : 0);
	at = syscall(SYS_mremap, (unsigned long)r->addr, (unsigned long)r->len,
		     (unsigned long)r->a[0], flags, (unsigned long)r->a[1]);
	return at == -1 ? -errno : 0;
}

static int64_t perform(const struct pmk_request *r, int fd)
{
	void *addr = (void *)(uintptr_t)r->addr;
	size_t len = (size_t)r->len;

	switch (r->code) {
	case PMK_REQ_MMAP:
		return map(r, fd);
	case PMK_REQ_READ:
		return touch(r->addr, r->len, false);
	case PMK_REQ_WRITE:
		return touch(r->addr, r->len, true);
	case PMK_REQ_FILL:
		return fill(r);
	case PMK_REQ_MUNMAP:
		return pmk_raw_result(syscall(SYS_munmap, addr, len));
	case PMK_REQ_MPROTECT:
		return pmk_raw_result(syscall(SYS_mprotect, addr, len, native_prot(r->prot)));
	case PMK_REQ_MADVISE:
		return pmk_raw_result(syscall(SYS_madvise, addr, len, (int)r->a[0]));
	case PMK_REQ_MREMAP:
		return remap(r);
	case PMK_REQ_MLOCK:
		return pmk_raw_result(syscall(SYS_mlock, addr, len));
	case PMK_REQ_MUNLOCK:
		return pmk_raw_result(syscall(SYS_munlock, addr, len));
	case PMK_REQ_MSYNC:
		return pmk_raw_result(syscall(SYS_msync, addr, len, MS_SYNC));
	case PMK_REQ_THP:
		return pmk_raw_result(prctl(PR_SET_THP_DISABLE, !r->a[0], 0l, 0l, 0l));
	default:
		return -ENOSYS;
	}
}

/* madvise_cold() begins with lru_add_drain(): pages in this CPU's batches hold a reference that would
 * make a later copy-on-write copy where it should reuse, and have no LRU flag yet. */
static void drain(void)
{
	static _Alignas(65536) char own[65536];
	static bool used;

	if (!used)
		*(volatile char *)own = 0;
	used = true;
	madvise(own, (size_t)sysconf(_SC_PAGESIZE), MADV_COLD);
}

int64_t pmk_actor_memory(const struct pmk_request *r, int fd)
{
	int64_t result = perform(r, fd);

	drain();
	return result;
}
