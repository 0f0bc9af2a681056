/* SPDX-License-Identifier: MIT */
/* actor_rights.c - user ids, capabilities and dumpability of an actor. */
#define _GNU_SOURCE 1
#include "actor_rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filecall.h"

#define ALL_CAPABILITIES 64

void pmk_actor_die_with_runner(pid_t runner)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != runner) /* it died before that */
		_exit(1);
}

/* Raw calls: an actor has one thread, and libc's own would ask its non-existing others. */
static int64_t set_ids(uint32_t uid)
{
	int64_t r;

	syscall(SYS_setgroups, 0, NULL); /* without CAP_SETGID there is nothing to give away */
	r = pmk_raw_result(syscall(SYS_setresgid, uid, uid, uid));
	if (r)
		return r;
	return pmk_raw_result(syscall(SYS_setresuid, uid, uid, uid));
}

int64_t pmk_actor_become(uint32_t uid)
{
	int64_t r = set_ids(uid);

	if (r)
		return r;
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return 0;
}

/* The bounding set too, so that exec as root does not bring it back. */
static int64_t drop(unsigned cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct set[2];
	unsigned first = cap == ALL_CAPABILITIES ? 0 : cap;
	unsigned last = cap == ALL_CAPABILITIES ? 63 : cap;
	int64_t r = pmk_raw_result(syscall(SYS_capget, &head, set));

	if (r)
		return r;
	for (unsigned c = first; c <= last; c++) {
		uint32_t mask = ~(1u << (c % 32));

		prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
		set[c / 32].effective &= mask;
		set[c / 32].permitted &= mask;
		set[c / 32].inheritable &= mask;
	}
	return pmk_raw_result(syscall(SYS_capset, &head, set));
}

int64_t pmk_actor_rights(const struct pmk_request *r, pid_t runner)
{
	int64_t result;

	switch (r->code) {
	case PMK_REQ_DROP:
		result = r->a[0] < 0 || r->a[0] > 64 ? -EINVAL : drop((unsigned)r->a[0]);
		break;
	case PMK_REQ_SETUID:
		result = set_ids((uint32_t)r->a[0]);
		break;
	case PMK_REQ_SETEUID:
		result = pmk_raw_result(syscall(SYS_setresuid, -1, (uint32_t)r->a[0], -1));
		break;
	case PMK_REQ_UNSHARE:
		result = pmk_raw_result(syscall(SYS_unshare, CLONE_NEWUSER));
		break;
	case PMK_REQ_DUMPABLE:
		result = pmk_raw_result(prctl(PR_SET_DUMPABLE, (unsigned long)r->a[0], 0, 0, 0));
		break;
	default:
		result = -ENOSYS;
	}
	pmk_actor_die_with_runner(runner);
	return result;
}
