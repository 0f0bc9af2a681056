/* caller.c - who makes a request: see caller.h. */
#include "caller.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The file's text in buf, NUL-terminated; -1 if it cannot be read. */
static ssize_t slurp(int proc_fd, const char *path, char *buf, size_t size)
{
	int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t n = read(fd, buf, size - 1);
	close(fd);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

int pmk_caller_process(int proc_fd, int tid)
{
	char path[32], text[512];
	int tgid;

	if (tid <= 0)
		return 0;
	/* Most callers are the only thread, and this costs a tenth of reading `status`. */
	if (syscall(SYS_tgkill, tid, tid, 0) == 0)
		return tid;
	snprintf(path, sizeof(path), "%d/status", tid);
	if (slurp(proc_fd, path, text, sizeof(text)) < 0)
		return 0;
	const char *line = strstr(text, "\nTgid:");
	if (!line || sscanf(line, "\nTgid: %d", &tgid) != 1)
		return 0;
	return tgid;
}

uint64_t pmk_caller_caps(int tid)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, tid };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	/* capget(0) would be about ourselves.  Of others it says what CapEff of `status` says. */
	if (tid <= 0 || syscall(SYS_capget, &header, data) < 0)
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

bool pmk_caller_is_32bit(int proc_fd, int tid)
{
	unsigned char head[EI_NIDENT] = { 0 };
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "%d/exe", tid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, head, sizeof(head)) != sizeof(head))
		head[EI_CLASS] = ELFCLASSNONE;
	close(fd);
	return head[EI_CLASS] == ELFCLASS32;
}

uint64_t pmk_caller_userns(int proc_fd, int tid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), tid ? "%d/ns/user" : "self/ns/user", tid);
	return fstatat(proc_fd, path, &st, 0) == 0 ? st.st_ino : 0;
}

uint64_t pmk_caller_rights(int proc_fd, int tid, uint64_t userns, enum pmk_privilege policy)
{
	uint64_t caps = pmk_caller_caps(tid), own = pmk_caller_userns(proc_fd, tid);
	bool admin;

	if (own != userns)
		caps = 0;
	switch (policy) {
	case PMK_PRIVILEGE_ALWAYS:
		admin = true;
		break;
	case PMK_PRIVILEGE_NEVER:
		admin = false;
		break;
	case PMK_PRIVILEGE_USERNS:
		admin = caps & PMK_CAP_SYS_ADMIN;
		break;
	default:
		/* file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN) in pagemap_read() */
		admin = caps & PMK_CAP_SYS_ADMIN && own == PMK_USERNS_INIT;
	}
	return (caps & ~PMK_CAP_SYS_ADMIN) | (admin ? PMK_CAP_SYS_ADMIN : 0);
}

bool pmk_caller_syscall(int proc_fd, int tid, struct pmk_call *ret)
{
	char path[32], text[256];
	unsigned long long a[6];
	long nr;

	if (tid <= 0)
		return false;
	snprintf(path, sizeof(path), "%d/syscall", tid);
	/*
	 * "running" as long as the caller has not gone to sleep: the request reaches us a little earlier
	 * than that, when it runs on another CPU.
	 */
	for (int tries = 0; tries < 10000; tries++) {
		if (slurp(proc_fd, path, text, sizeof(text)) < 0)
			return false;
		if (strncmp(text, "running", 7))
			break;
		sched_yield();
	}
	if (sscanf(text, "%ld %llx %llx %llx %llx %llx %llx", &nr, &a[0], &a[1], &a[2], &a[3],
		   &a[4], &a[5]) != 7)
		return false;
	ret->nr = nr;
	for (int i = 0; i < 6; i++)
		ret->arg[i] = a[i];
	return true;
}

int64_t pmk_caller_position(int proc_fd, int tid, int fd)
{
	char path[48], text[256];
	long long pos;

	snprintf(path, sizeof(path), "%d/fdinfo/%d", tid, fd);
	if (slurp(proc_fd, path, text, sizeof(text)) < 0 || sscanf(text, "pos: %lld", &pos) != 1)
		return -1;
	return pos;
}

ssize_t pmk_caller_read(int tid, uint64_t addr, void *buf, size_t size)
{
	struct iovec local = { buf, size };
	struct iovec remote = { (void *)(uintptr_t)addr, size };

	return process_vm_readv(tid, &local, 1, &remote, 1, 0);
}

ssize_t pmk_caller_write(int tid, uint64_t addr, const void *buf, size_t size)
{
	struct iovec local = { (void *)(uintptr_t)buf, size };
	struct iovec remote = { (void *)(uintptr_t)addr, size };

	return process_vm_writev(tid, &local, 1, &remote, 1, 0);
}
