/* SPDX-License-Identifier: MIT */
/* actor.c - the life of an actor: wait for a request, do it, answer; fork, exec and exit. */
#define _GNU_SOURCE	  1
#define _FILE_OFFSET_BITS 64
#include "actor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "actor_memory.h"
#include "actor_rights.h"
#include "actor_uffd.h"
#include "filecall.h"

#define ACTOR_NAME "pmkit-actor"

/* ---- the futex ---- */

void pmk_turn_pass(struct pmk_mailbox *box, enum pmk_turn turn)
{
	atomic_store(&box->turn, turn);
	syscall(SYS_futex, &box->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

bool pmk_turn_wait(struct pmk_mailbox *box, enum pmk_turn turn, int ms)
{
	struct timespec limit = { ms / 1000, ms % 1000 * 1000000l };

	while (atomic_load(&box->turn) == turn)
		if (syscall(SYS_futex, &box->turn, FUTEX_WAIT, turn, ms < 0 ? NULL : &limit, NULL,
			    0) &&
		    errno == ETIMEDOUT)
			return false;
	return true;
}

/* ---- birth ---- */

struct clone_args_v1 {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size;
};

/* Flags alone: the order of clone's other arguments differs between architectures.  CLONE_PARENT: the
 * runner can wait for the child.  pid != 0: with this PID, which takes CAP_CHECKPOINT_RESTORE and 5.5. */
static long clone_actor(int pid)
{
	struct clone_args_v1 args = { .flags = CLONE_PARENT, .set_tid_size = 1 };
	pid_t tid = pid;

	/* The exit signal of a CLONE_PARENT child is its creator's, so it must not be given here. */
	args.set_tid = (uint64_t)(uintptr_t)&tid;
	if (pid) {
		long r = syscall(SYS_clone3, &args, sizeof(args));

		if (r >= 0)
			return r;
	}
#ifdef __s390x__
	return syscall(SYS_clone, 0l, CLONE_PARENT | SIGCHLD, NULL, NULL, 0l);
#else
	return syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0l, NULL, NULL, 0l);
#endif
}

/* What a new actor is before its first request; the result is the first thing in its mailbox. */
static int64_t settle(const struct pmk_actor *actor, const struct pmk_request *r, const char *name)
{
	int64_t result = 0;

	if (r->code == PMK_REQ_SPAWN) {
		if (*name)
			prctl(PR_SET_NAME, name, 0, 0, 0);
		if (r->a[1])
			result = pmk_actor_become((uint32_t)r->a[1]);
	}
	pmk_actor_die_with_runner(actor->runner);
	return result;
}

/* FORK by any actor, SPAWN by the nursery: returns twice, in the child as the child. */
static int64_t birth(struct pmk_actor *actor, const struct pmk_request *request)
{
	struct pmk_request r = *request;
	char name[16] = "";
	long pid;

	if (r.code == PMK_REQ_SPAWN)
		memcpy(name, actor->board->room, sizeof(name) - 1);
	pid = clone_actor(r.code == PMK_REQ_SPAWN ? (int)r.a[0] : 0);
	if (pid)
		return pmk_raw_result(pid);
	actor->index = pmk_mailbox_index(r.code == PMK_REQ_SPAWN ? r.proc : (int)r.a[0]);
	return settle(actor, &r, name);
}

/* ---- death and rebirth ---- */

int64_t pmk_actor_exec(const struct pmk_actor *actor)
{
	char board[16], post[16], index[16], runner[16];
	char *argv[] = { (char *)ACTOR_NAME, board, post, index, runner, NULL };
	char *envp[] = { NULL };

	snprintf(board, sizeof(board), "%d", actor->board_fd);
	snprintf(post, sizeof(post), "%d", actor->post_fd);
	snprintf(index, sizeof(index), "%u", actor->index);
	snprintf(runner, sizeof(runner), "%d", (int)actor->runner);
	syscall(SYS_execve, "/proc/self/exe", argv, envp);
	return -errno;
}

static void settings(pid_t runner)
{
	struct rlimit files;

	pmk_actor_die_with_runner(runner);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* huge pages come to who asks for them ("thp on") */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	pmk_actor_memory_init();
}

void pmk_actor_main_if_asked(int argc, char **argv)
{
	struct pmk_actor actor;

	if (argc != 5 || strcmp(argv[0], ACTOR_NAME))
		return;
	actor.board_fd = atoi(argv[1]);
	actor.post_fd = atoi(argv[2]);
	actor.index = (unsigned)atoi(argv[3]);
	actor.runner = atoi(argv[4]);
	actor.board = mmap(NULL, sizeof(*actor.board), PROT_READ | PROT_WRITE, MAP_SHARED,
			   actor.board_fd, 0);
	if (actor.board == MAP_FAILED || actor.index > PMK_PROCS_MAX + 1)
		_exit(1);
	actor.board->box[actor.index].result = 0;
	if (actor.index == 0)
		prctl(PR_SET_NAME, ACTOR_NAME, 0, 0,
		      0); /* the nursery's, and so of whom it bears */
	settings(actor.runner);
	pmk_turn_pass(&actor.board->box[actor.index], PMK_TURN_RUNNER);
	pmk_actor_serve(&actor);
}

/* ---- requests ---- */

/* The object that the runner put into the post before a MMAP. */
static int receive_object(int post)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.room,
			      .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c;
	int fd = -1;

	if (recvmsg(post, &msg, MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -EBADF;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static int64_t memory(const struct pmk_actor *actor, const struct pmk_request *r)
{
	int64_t result;
	int fd = -1;

	if (r->code == PMK_REQ_UFFD)
		return pmk_actor_uffd(r);
	if (r->code == PMK_REQ_MMAP && r->a[0] >= 0) {
		fd = receive_object(actor->post_fd);
		if (fd < 0)
			return fd;
	}
	result = pmk_actor_memory(r, fd);
	if (fd >= 0)
		close(fd);
	return result;
}

/* Opens the path in the room as the handle. */
static int64_t open_handle(const struct pmk_actor *actor, const struct pmk_request *r)
{
	int dir = r->a[1] ? receive_object(actor->post_fd) : AT_FDCWD;
	int64_t fd, result;

	if (r->a[1] && dir < 0)
		return dir;
	fd = pmk_filecall_open(dir, actor->board->room, r->a[0]);
	if (r->a[1])
		close(dir);
	if (fd < 0)
		return fd;
	result = pmk_raw_result(
		syscall(SYS_dup3, (int)fd, PMK_ACTOR_FD + pmk_handle_slot(r->handle), 0));
	close((int)fd);
	return result < 0 ? -EMFILE : 0;
}

static int64_t perform(struct pmk_actor *actor, const struct pmk_request *r)
{
	if (pmk_request_is_memory(r->code))
		return memory(actor, r);
	switch (r->code) {
	case PMK_REQ_SPAWN:
	case PMK_REQ_FORK:
		return birth(actor, r);
	case PMK_REQ_EXEC:
		return pmk_actor_exec(actor);
	case PMK_REQ_EXIT:
		syscall(SYS_exit_group, 0);
		return -EINVAL;
	case PMK_REQ_DROP:
	case PMK_REQ_SETUID:
	case PMK_REQ_SETEUID:
	case PMK_REQ_DUMPABLE:
	case PMK_REQ_UNSHARE:
		return pmk_actor_rights(r, actor->runner);
	case PMK_REQ_OPEN:
		return open_handle(actor, r);
	default:
		return pmk_filecall(r, PMK_ACTOR_FD + pmk_handle_slot(r->handle),
				    actor->board->room, PMK_BOARD_ROOM);
	}
}

_Noreturn void pmk_actor_serve(const struct pmk_actor *start)
{
	struct pmk_actor actor = *start;

	settings(actor.runner);
	for (;;) {
		/* The mailbox is looked up each time: a child goes on here with its own. */
		struct pmk_mailbox *box = &actor.board->box[actor.index];
		struct pmk_request r;
		int64_t result;

		pmk_turn_wait(box, PMK_TURN_RUNNER, -1);
		r = box->request;
		result = perform(&actor, &r);
		box = &actor.board->box[actor.index];
		box->result = result;
		pmk_turn_pass(box, PMK_TURN_RUNNER);
	}
}
