/* SPDX-License-Identifier: MIT */
/* crew.c - starts actors, passes requests to them, and buries them. */
#define _GNU_SOURCE	  1
#define _FILE_OFFSET_BITS 64
#include "crew.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "filecall.h"
#include "keepfd.h"

/* How often a waiting runner looks whether the actor still lives. */
#define LOOK_MS 100

enum member_state { MEMBER_NONE, MEMBER_ALIVE, MEMBER_ZOMBIE, MEMBER_GONE, MEMBER_NOT_OURS };

struct member {
	pid_t pid;
	enum member_state state;
};

struct pmk_crew {
	struct pmk_actor nursery; /* what it knows, and so do all others */
	int post; /* our end */
	pid_t nursery_pid;
	struct member observer;
	struct member *member; /* by process number */
	int nmembers, cap;
};

/* ---- the dead ---- */

/* Whether the process has become a zombie, by looking only. */
static bool has_died(pid_t pid, int flags)
{
	siginfo_t info = { .si_pid = 0 };

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | flags))
		if (errno != EINTR)
			return true;
	return info.si_pid == pid;
}

static void bury(pid_t pid)
{
	siginfo_t info;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED) && errno == EINTR)
		;
}

/* Waits until the turn is no longer `turn`; false: the actor died instead. */
static bool wait_for(struct pmk_mailbox *box, enum pmk_turn turn, pid_t pid)
{
	while (!pmk_turn_wait(box, turn, LOOK_MS))
		if (has_died(pid, WNOHANG))
			return atomic_load(&box->turn) != turn;
	return true;
}

/* ---- the nursery ---- */

static int nursery_start(struct pmk_crew *crew, struct pmk_error *err)
{
	struct pmk_mailbox *box = &crew->nursery.board->box[0];
	pid_t pid;

	atomic_store(&box->turn, PMK_TURN_STARTING);
	crew->nursery.runner = getpid();
	pid = fork();
	if (pid < 0)
		return pmk_error_set(err, NULL, 0, 0, "fork: %s", strerror(errno));
	if (!pid) {
		setpgid(0, 0); /* an interrupt at the terminal is the runner's business */
		pmk_keep_only(crew->nursery.board_fd, crew->nursery.post_fd);
		/* exec keeps them; the runner's own other children do not get them */
		fcntl(crew->nursery.board_fd, F_SETFD, 0);
		fcntl(crew->nursery.post_fd, F_SETFD, 0);
		pmk_actor_exec(&crew->nursery);
		/* no /proc to find the program by: as it is, then, only larger */
		pmk_turn_pass(box, PMK_TURN_RUNNER);
		pmk_actor_serve(&crew->nursery);
	}
	crew->nursery_pid = pid;
	if (wait_for(box, PMK_TURN_STARTING, pid))
		return 0;
	bury(pid);
	crew->nursery_pid = 0;
	return pmk_error_set(err, NULL, 0, 0,
			     "the first process of the scripts died as it started");
}

static int board_create(struct pmk_actor *actor, int *ret_post)
{
	int fd = memfd_create("pmkit-board", MFD_CLOEXEC), pair[2];

	if (fd < 0 || ftruncate(fd, sizeof(struct pmk_board)))
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	actor->board_fd = fd;
	actor->post_fd = pair[0];
	*ret_post = pair[1];
	actor->board = mmap(NULL, sizeof(struct pmk_board), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_NORESERVE, fd, 0);
	return actor->board == MAP_FAILED ? -1 : 0;
}

struct pmk_crew *pmk_crew_create(struct pmk_error *err)
{
	struct pmk_crew *crew = pmk_calloc(1, sizeof(*crew));

	crew->post = crew->nursery.board_fd = crew->nursery.post_fd = -1;
	if (board_create(&crew->nursery, &crew->post)) {
		pmk_error_set(err, NULL, 0, 0, "memory for actors: %s", strerror(errno));
	} else if (!nursery_start(crew, err)) {
		return crew;
	}
	pmk_crew_destroy(crew);
	return NULL;
}

/* ---- reset and end ---- */

int pmk_crew_reset(struct pmk_crew *crew, struct pmk_error *err)
{
	/* All at once, then one by one: they die while we wait. */
	for (int i = 0; i < crew->nmembers; i++)
		if (crew->member[i].state == MEMBER_ALIVE)
			kill(crew->member[i].pid, SIGKILL);
	for (int i = 0; i < crew->nmembers; i++)
		if (crew->member[i].state == MEMBER_ALIVE || crew->member[i].state == MEMBER_ZOMBIE)
			bury(crew->member[i].pid);
	crew->nmembers = 0;
	if (crew->nursery_pid && !has_died(crew->nursery_pid, WNOHANG))
		return 0;
	if (crew->nursery_pid)
		bury(crew->nursery_pid);
	crew->nursery_pid = 0;
	return nursery_start(crew, err);
}

void pmk_crew_destroy(struct pmk_crew *crew)
{
	if (!crew)
		return;
	if (crew->nursery_pid) {
		pmk_crew_reset(crew, NULL);
		kill(crew->nursery_pid, SIGKILL);
		bury(crew->nursery_pid);
	}
	if (crew->nursery.board && crew->nursery.board != MAP_FAILED)
		munmap(crew->nursery.board, sizeof(*crew->nursery.board));
	if (crew->nursery.board_fd >= 0)
		close(crew->nursery.board_fd);
	if (crew->nursery.post_fd >= 0)
		close(crew->nursery.post_fd);
	if (crew->post >= 0)
		close(crew->post);
	free(crew->member);
	free(crew);
}

/* ---- the living ---- */

static struct member *member_at(struct pmk_crew *crew, int proc)
{
	if (proc == PMK_OBSERVER)
		return &crew->observer;
	return proc >= 0 && proc < crew->nmembers ? &crew->member[proc] : NULL;
}

pid_t pmk_crew_pid(const struct pmk_crew *crew, int proc)
{
	return proc >= 0 && proc < crew->nmembers ? crew->member[proc].pid : 0;
}

int pmk_crew_find(const struct pmk_crew *crew, pid_t pid)
{
	for (int i = 0; i < crew->nmembers; i++)
		if (crew->member[i].pid == pid && crew->member[i].state == MEMBER_ALIVE)
			return i;
	return -1;
}

static struct member *member_new(struct pmk_crew *crew, int proc)
{
	if (proc == PMK_OBSERVER)
		return &crew->observer;
	if (proc < 0 || proc >= PMK_PROCS_MAX)
		return NULL;
	if (proc >= crew->cap) {
		crew->cap = proc + 64;
		crew->member = pmk_realloc(crew->member, (size_t)crew->cap, sizeof(*crew->member));
	}
	while (crew->nmembers <= proc)
		crew->member[crew->nmembers++] = (struct member){ 0 };
	return &crew->member[proc];
}

int64_t pmk_crew_adopt(struct pmk_crew *crew, int proc, pid_t pid)
{
	struct member *m = proc == PMK_OBSERVER ? NULL : member_new(crew, proc);

	if (!m || m->state != MEMBER_NONE)
		return -EAGAIN;
	*m = (struct member){ pid, MEMBER_NOT_OURS };
	return pid;
}

static int post_object(int post, int object)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (char[]){ 'o' }, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.room,
			      .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &object, sizeof(object));
	return sendmsg(post, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static bool is_read(enum pmk_request_code code)
{
	return code >= PMK_REQ_PREAD && code <= PMK_REQ_PREADV;
}

/* Bytes that go with a request. */
static int64_t load_room(struct pmk_board *board, const struct pmk_request *r, const char *text)
{
	if (r->code == PMK_REQ_WRITEFD) {
		if (r->len > sizeof(board->room))
			return -EINVAL;
		if (r->len)
			memcpy(board->room, r->in, (size_t)r->len);
	} else if (text) {
		size_t n = strlen(text);

		if (n >= 4096)
			return -ENAMETOOLONG;
		memcpy(board->room, text, n + 1);
	}
	return 0;
}

/* Bytes that come back. */
static void unload_room(const struct pmk_board *board, const struct pmk_request *r, int64_t result)
{
	if (r->code == PMK_REQ_SCAN)
		result = (int64_t)sizeof(r->scan) +
			 (result > 0 ? result : 0) * (int64_t)sizeof(struct pmk_scan_region);
	else if (r->code == PMK_REQ_PROCMAP_QUERY)
		result = PMK_QUERY_ANSWER;
	else if (!is_read(r->code))
		return;
	if (!is_read(r->code) && result > (int64_t)r->len)
		result = (int64_t)r->len;
	if (result <= 0 || !r->buf)
		return;
	if (result > (int64_t)sizeof(board->room))
		result = sizeof(board->room);
	memcpy(r->buf, board->room, (size_t)result);
}

static int64_t exchange(struct pmk_crew *crew, struct pmk_mailbox *box, pid_t pid,
			const struct pmk_request *r)
{
	box->request = *r;
	pmk_turn_pass(box, PMK_TURN_ACTOR);
	if (!wait_for(box, PMK_TURN_ACTOR, pid))
		return -ESRCH;
	unload_room(crew->nursery.board, r, box->result);
	return box->result;
}

/* SPAWN and FORK: the new one is there when it has said so in its own mailbox. */
static int64_t beget(struct pmk_crew *crew, struct pmk_mailbox *box, pid_t pid,
		     const struct pmk_request *r)
{
	int proc = r->code == PMK_REQ_SPAWN ? r->proc : (int)r->a[0];
	struct member *m = member_new(crew, proc);
	struct pmk_mailbox *child;
	int64_t result;

	if (!m || m->state != MEMBER_NONE)
		return -EAGAIN;
	child = &crew->nursery.board->box[pmk_mailbox_index(proc)];
	atomic_store(&child->turn, PMK_TURN_STARTING);
	result = exchange(crew, box, pid, r);
	if (result < 0)
		return result;
	*m = (struct member){ (pid_t)result, MEMBER_ALIVE };
	if (!wait_for(child, PMK_TURN_STARTING, m->pid))
		child->result = -ESRCH;
	if (!child->result)
		return result;
	kill(m->pid, SIGKILL);
	bury(m->pid);
	*m = (struct member){ 0 };
	return child->result;
}

static int64_t let_exit(struct pmk_mailbox *box, struct member *m, const struct pmk_request *r)
{
	box->request = *r;
	pmk_turn_pass(box, PMK_TURN_ACTOR);
	has_died(m->pid, 0);
	m->state = MEMBER_ZOMBIE;
	return 0;
}

static int64_t reap(struct member *m)
{
	if (m->state != MEMBER_ZOMBIE)
		return -ECHILD;
	bury(m->pid);
	m->state = MEMBER_GONE;
	return 0;
}

static int64_t observer_start(struct pmk_crew *crew)
{
	struct pmk_request r = { .code = PMK_REQ_SPAWN, .proc = PMK_OBSERVER };

	crew->nursery.board->room[0] = 0; /* no name */
	return beget(crew, &crew->nursery.board->box[0], crew->nursery_pid, &r);
}

/* What only one that lives can do. */
static int64_t ask_member(struct pmk_crew *crew, struct member *m, const struct pmk_request *r,
			  int object)
{
	struct pmk_mailbox *box = &crew->nursery.board->box[pmk_mailbox_index(r->proc)];
	int64_t result = object >= 0 ? post_object(crew->post, object) : 0;

	if (result)
		return result;
	result = exchange(crew, box, m->pid, r);
	if (result == -ESRCH && has_died(m->pid, WNOHANG))
		m->state = MEMBER_ZOMBIE;
	return result;
}

int64_t pmk_crew_ask(struct pmk_crew *crew, const struct pmk_request *r, int object,
		     const char *text)
{
	struct member *m = member_at(crew, r->proc);
	struct pmk_board *board = crew->nursery.board;
	int64_t result;

	if (r->proc == PMK_OBSERVER && m->state != MEMBER_ALIVE) {
		result = observer_start(crew);
		if (result < 0)
			return result;
	}
	result = load_room(board, r, text);
	if (result)
		return result;
	if (r->code == PMK_REQ_SPAWN)
		return beget(crew, &board->box[0], crew->nursery_pid, r);
	if (m && r->code == PMK_REQ_REAP)
		return reap(m);
	if (!m || m->state != MEMBER_ALIVE)
		return -ESRCH;
	if (r->code == PMK_REQ_FORK)
		return beget(crew, &board->box[pmk_mailbox_index(r->proc)], m->pid, r);
	if (r->code == PMK_REQ_EXIT)
		return let_exit(&board->box[pmk_mailbox_index(r->proc)], m, r);
	return ask_member(crew, m, r, object);
}
