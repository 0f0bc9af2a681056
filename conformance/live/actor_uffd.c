/* SPDX-License-Identifier: MIT */
/* actor_uffd.c - write protection by userfaultfd, for real. */
#define _GNU_SOURCE 1
#include "actor_uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filecall.h"

/* Newer than some headers. */
#define FEATURE_SIGBUS	       (1ull << 7)
#define FEATURE_WP_UNPOPULATED (1ull << 13)
#define FEATURE_WP_ASYNC       (1ull << 15)
#define USER_MODE_ONLY	       1

#define KINDS		       4 /* sets of features: PMK_UFFD_SYNC, PMK_UFFD_UNPOPULATED or both or none */

static int uffd[KINDS]; /* 0: none yet */
static pid_t owner; /* a forked child has its parent's, which are of no use to it */

static void forget_inherited(void)
{
	if (owner == getpid())
		return;
	for (int i = 0; i < KINDS; i++) {
		if (uffd[i])
			close(uffd[i]);
		uffd[i] = 0;
	}
	owner = getpid();
}

static int64_t open_with(uint64_t features, uint64_t *ret_features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	long fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY);
	int64_t result;

	if (fd < 0 && errno == EINVAL) /* before 5.11 */
		fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	result = pmk_raw_result(ioctl((int)fd, UFFDIO_API, &api));
	if (result) {
		close((int)fd);
		return result;
	}
	*ret_features = api.features;
	return fd;
}

uint64_t pmk_uffd_features(void)
{
	uint64_t features = 0;
	int64_t fd = open_with(0, &features);

	if (fd >= 0)
		close((int)fd);
	return features;
}

/* The userfaultfd of a kind, made at its first use. */
static int64_t of_kind(int64_t kind)
{
	uint64_t ignored, features = kind & PMK_UFFD_SYNC ? FEATURE_SIGBUS : FEATURE_WP_ASYNC;
	int64_t fd;

	if (kind & PMK_UFFD_UNPOPULATED)
		features |= FEATURE_WP_UNPOPULATED;
	if (uffd[kind])
		return uffd[kind];
	fd = open_with(features, &ignored);
	if (fd > 0)
		uffd[kind] = (int)fd;
	return fd;
}

static int64_t register_range(const struct pmk_request *r)
{
	struct uffdio_register reg = { .range = { r->addr, r->len },
				       .mode = UFFDIO_REGISTER_MODE_WP };
	int64_t fd = of_kind(r->a[1] & (KINDS - 1));

	return fd < 0 ? fd : pmk_raw_result(ioctl((int)fd, UFFDIO_REGISTER, &reg));
}

/* Since 6.17 only the one that a range was registered with can unregister it. */
static int64_t unregister_range(const struct pmk_request *r)
{
	struct uffdio_range range = { r->addr, r->len };
	int64_t result = -EINVAL;

	for (int i = 0; i < KINDS && result; i++)
		if (uffd[i])
			result = pmk_raw_result(ioctl(uffd[i], UFFDIO_UNREGISTER, &range));
	return result;
}

/* struct uffdio_poison and UFFDIO_POISON, newer than some headers. */
struct poison {
	struct uffdio_range range;
	uint64_t mode;
	int64_t updated;
};
#define POISON_COMMAND _IOWR(UFFDIO, 0x08, struct poison)

/* Which one does not matter here either. */
static int64_t any_uffd(void)
{
	for (int i = 0; i < KINDS; i++)
		if (uffd[i])
			return uffd[i];
	return of_kind(PMK_UFFD_SYNC);
}

static int64_t poison_range(const struct pmk_request *r)
{
	struct poison poison = { .range = { r->addr, r->len } };
	int64_t fd = any_uffd();

	return fd < 0 ? fd : pmk_raw_result(ioctl((int)fd, POISON_COMMAND, &poison));
}

static int64_t protect_range(const struct pmk_request *r)
{
	struct uffdio_writeprotect wp = {
		.range = { r->addr, r->len },
		.mode = r->a[0] == PMK_UFFD_PROTECT ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};
	int64_t fd = any_uffd();

	return fd < 0 ? fd : pmk_raw_result(ioctl((int)fd, UFFDIO_WRITEPROTECT, &wp));
}

int64_t pmk_actor_uffd(const struct pmk_request *r)
{
	forget_inherited();
	switch ((enum pmk_uffd_op)r->a[0]) {
	case PMK_UFFD_REGISTER:
		return register_range(r);
	case PMK_UFFD_UNREGISTER:
		return unregister_range(r);
	case PMK_UFFD_PROTECT:
	case PMK_UFFD_UNPROTECT:
		return protect_range(r);
	case PMK_UFFD_POISON:
		return poison_range(r);
	}
	return -EINVAL;
}
