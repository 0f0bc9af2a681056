/* SPDX-License-Identifier: MIT */
/*
 * init.c - process 1 of a guest of ci/kernels: makes a machine of the bare kernel, runs the suite, powers off.
 *
 * The initrd holds
 *	/pmkit		the program under test
 *	/words		the names of the scripts to run, one a line, in the order of `pmkit test --list`
 *	/command	instead of the suite: the words of a pmkit command, or a program's path and its arguments, one a
 *			line; what it leaves in /keep is sent
 *	/modules.list	files of /modules, in the order to load them
 *	/disk.img	a file system to be put on a RAM disk, so that files have a page cache; optional
 *
 * The kernel's command line may say PMK_WORLD=mock, where the suite is run, and PMK_UID=1000, by whom.
 *
 * What it says on the console are lines of one write(2) each:
 *	@@ START kernel release | uname -v | machine | page size | seconds since boot
 *	@@ NOTE text			a facility that could not be made
 *	@@ MODULE name ok|error
 *	@@ T text			what pmkit prints: KTAP, as the run goes
 *	@@ LOST script reason		pmkit ended in this script; it is started again with the next one
 *	@@ J text			pmkit's JSON, in pieces
 *	@@ EXIT status seconds		how the command ended, if there was one
 *	@@ F name text			a line of a file that it left in /keep
 *	@@ K text			the kernel's own warnings and worse
 *	@@ DONE lines seconds		how many such lines came before this one: all there, or something is missing
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/loop.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define QUIET_SECONDS 60 /* pmkit stops a script after 30: who says nothing for longer is stuck */
#define WORDS_MAX     4096
#define RESULTS	      "/tmp/results.json"
#define KERNEL_LINES  200
#define SWAP_SIZE     "256M"

static unsigned said;

static double uptime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	char line[4096] = "@@ ";
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line + 3, sizeof(line) - 4, format, args);
	va_end(args);
	if (n > (int)sizeof(line) - 5)
		n = (int)sizeof(line) - 5;
	line[n + 3] = '\n';
	for (ssize_t done = 0; done < n + 4;) {
		ssize_t w = write(STDOUT_FILENO, line + done, (size_t)(n + 4 - done));

		if (w < 0 && errno != EINTR && errno != EAGAIN)
			break;
		done += w > 0 ? w : 0;
	}
	said++;
}

/* ---- the machine ---------------------------------------------------------------------------------- */

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static void mount_all(void)
{
	static const struct {
		const char *type, *dir, *options;
	} mounts[] = {
		{ "devtmpfs", "/dev", NULL },
		{ "proc", "/proc", NULL },
		{ "sysfs", "/sys", NULL },
		{ "tmpfs", "/tmp", "mode=1777" },
		{ "tmpfs", "/dev/shm", "mode=1777" },
		{ "debugfs", "/sys/kernel/debug", NULL },
		{ "cgroup2", "/sys/fs/cgroup", NULL },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		mkdir(mounts[i].dir, 0755);
		if (mount(mounts[i].type, mounts[i].dir, mounts[i].type, 0, mounts[i].options))
			say("NOTE no %s: %s", mounts[i].type, strerror(errno));
	}
	put("/sys/fs/cgroup/cgroup.subtree_control",
	    "+memory"); /* else no cgroup has the controller */
}

static void load_modules(void)
{
	FILE *list = fopen("/modules.list", "re");
	char name[256], path[300];

	while (list && fscanf(list, "%255s", name) == 1) {
		/* a RAM disk of 16 MiB, and one */
		const char *options = strcmp(name, "brd.ko") ? "" : "rd_nr=1 rd_size=16384";
		int fd, r;

		snprintf(path, sizeof(path), "/modules/%s", name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? -1 : (int)syscall(SYS_finit_module, fd, options, 0);
		say("MODULE %s %s", name, r && errno != EEXIST ? strerror(errno) : "ok");
		if (fd >= 0)
			close(fd);
	}
	if (list)
		fclose(list);
}

/* A loop device on top of another, or the other if there is none: what is swapped out to a RAM disk directly
 * never is in the swap cache (SWP_SYNCHRONOUS_IO), unlike what is swapped out to a disk. */
static void loop_over(const char *path, char *ret, size_t size)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), loop, fd;
	int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);

	snprintf(ret, size, "/dev/loop%d", number);
	loop = open(ret, O_RDWR | O_CLOEXEC);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (loop < 0 || fd < 0 || ioctl(loop, LOOP_SET_FD, fd))
		snprintf(ret, size, "%s", path);
	if (fd >= 0)
		close(fd);
	if (loop >= 0)
		close(loop);
	if (control >= 0)
		close(control);
}

/* What mkswap(8) writes (union swap_header). */
static bool write_swap_header(const char *path)
{
	long page = sysconf(_SC_PAGESIZE);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	uint32_t info[3] = { 1, (uint32_t)(size / page - 1), 0 };
	bool ok = size > 0 && pwrite(fd, info, sizeof(info), 1024) == sizeof(info) &&
		  pwrite(fd, "SWAPSPACE2", 10, page - 10) == 10 && !fsync(fd);

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool make_swap(void)
{
	char path[32];

	if (!put("/sys/block/zram0/disksize", SWAP_SIZE))
		return false;
	loop_over("/dev/zram0", path, sizeof(path));
	return write_swap_header(path) && !swapon(path, 0);
}

static bool is_zero(const char *p, ssize_t n)
{
	return !*p && !memcmp(p, p + 1, (size_t)n - 1);
}

/* To a device that is still empty: what is zero need not be written. */
static bool copy(const char *from, const char *to)
{
	static char buffer[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CLOEXEC);
	off_t at = 0;
	ssize_t n = -1;

	for (; in >= 0 && out >= 0 && (n = read(in, buffer, sizeof(buffer))) > 0; at += n)
		if (!is_zero(buffer, n) && pwrite(out, buffer, (size_t)n, at) != n)
			break;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return n == 0;
}

static bool make_disk(void)
{
	mkdir("/disk", 0755);
	if (access("/disk.img", R_OK) || !copy("/disk.img", "/dev/ram0") ||
	    mount("/dev/ram0", "/disk", "ext4", 0, NULL))
		return false;
	unlink("/disk.img");
	return !chmod("/disk", 01777) && !setenv("TMPDIR", "/disk", 1);
}

static void make_machine(void)
{
	mount_all();
	put("/proc/sys/kernel/printk", "1 1 1 1");
	load_modules();
	chmod("/dev/fuse", 0666); /* a module's is there only now */
	if (!make_swap())
		say("NOTE no swap: /dev/zram0: %s", strerror(errno));
	if (!make_disk())
		say("NOTE no disk: /dev/ram0: %s", strerror(errno));
	setenv("PATH", "/", 1);
	setenv("HOME", "/tmp", 1);
	setenv("PMKIT_DANGER", "1", 1); /* whatever a script breaks here goes with the guest */
}

/* ---- the suite ------------------------------------------------------------------------------------ */

static char *words[WORDS_MAX + 1]; /* of /command, or the names of /words */
static size_t nwords;

static bool read_words(const char *path)
{
	FILE *list = fopen(path, "re");
	char word[256];

	while (list && nwords < WORDS_MAX && fscanf(list, "%255s", word) == 1)
		words[nwords++] = strdup(word);
	if (list)
		fclose(list);
	return list;
}

/* PMK_UID: an ordinary user, who has nothing but user namespaces. */
static void become_user(void)
{
	const char *uid = getenv("PMK_UID");
	unsigned n = uid ? (unsigned)strtoul(uid, NULL, 10) : 0;

	if (n && (setgroups(0, NULL) || setgid(n) || setuid(n)))
		_exit(126);
}

/* pmkit with the words of head and those from the first on; what it says can be read from *ret. */
static pid_t start(char *const *head, size_t n, size_t first, int *ret)
{
	char **argv = calloc(n + nwords - first + 1, sizeof(*argv));
	int fds[2];
	pid_t pid;

	if (!argv || pipe2(fds, O_CLOEXEC))
		return -1;
	memcpy(argv, head, n * sizeof(*argv));
	memcpy(argv + n, words + first, (nwords - first) * sizeof(*argv));
	pid = fork();
	if (!pid) {
		setsid();
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		become_user();
		execv(argv[0], argv);
		_exit(127);
	}
	close(fds[1]);
	free(argv);
	*ret = fds[0];
	return pid;
}

/* A line of KTAP: is it the result of the script? */
static bool is_result(const char *line, const char *name)
{
	unsigned number;
	char word[256];

	line += strspn(line, " ");
	if (!strncmp(line, "not ", 4))
		line += 4;
	return sscanf(line, "ok %u %255s", &number, word) == 2 && !strcmp(word, name);
}

/* A line of pmkit's output: passed on, and counted if it is the next script's result. */
static void heard(const char *line, size_t *next)
{
	if (*line)
		say("T %s", line);
	if (next && *next < nwords && is_result(line, words[*next]))
		++*next;
}

/* Until pmkit closes its end.  False: it was silent for so many milliseconds; -1 is for ever. */
static bool listen_to(int fd, int patience, size_t *next)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	static char buffer[3072]; /* a line that is longer is passed on in pieces */
	size_t len = 0;

	for (;;) {
		char *line = buffer, *end;
		ssize_t n;

		if (poll(&p, 1, patience) == 0)
			return false;
		n = read(fd, buffer + len, sizeof(buffer) - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		len += n > 0 ? (size_t)n : 0;
		buffer[len] = 0;
		while ((end = strchr(line, '\n'))) {
			*end = 0;
			heard(line, next);
			line = end + 1;
		}
		if (n <= 0 || (line == buffer && len == sizeof(buffer) - 1)) {
			heard(line, next);
			line = buffer + len;
		}
		if (n <= 0)
			return true;
		len -= (size_t)(line - buffer);
		memmove(buffer, line, len);
	}
}

/* Takes in every child there is until pid is among them, or a few seconds have passed. */
static void reap(pid_t pid, int *ret)
{
	for (int i = 0; i < 100; i++) {
		int status;
		pid_t who = waitpid(-1, &status, WNOHANG);

		if (who == pid) {
			*ret = status;
			return;
		}
		if (who <= 0)
			usleep(50 * 1000);
	}
}

static bool starts(const char *text, const char *word)
{
	return !strncmp(text, word, strlen(word));
}

/* What ci/matrix does not look at: clauses, which have lines of their own, and what is nothing. */
static bool is_dull(const char *text, bool *in_clauses)
{
	if (*in_clauses || starts(text, "\"clauses\": [")) {
		*in_clauses = text[0] != ']';
		return true;
	}
	return starts(text, "\"world\":") || strstr(text, ": null,\n") || strstr(text, ": 0,\n");
}

/* Lines lose their indentation and are sent several at a time: a console is slow. */
static void send_results(void)
{
	bool in_clauses = false;
	FILE *f = fopen(RESULTS, "re");
	static char line[3072], packed[3072];
	size_t len = 0;

	while (f && fgets(line, sizeof(line), f)) {
		const char *text = line + strspn(line, " \t");
		size_t n = strcspn(text, "\n");

		if (is_dull(text, &in_clauses))
			continue;
		if (len + n >= sizeof(packed)) {
			say("J %.*s", (int)len, packed);
			len = 0;
		}
		memcpy(packed + len, text, n);
		len += n;
	}
	if (f)
		fclose(f);
	say("J %.*s", (int)len, packed);
}

static void describe(char *ret, size_t size, int status, bool silent)
{
	if (silent)
		snprintf(ret, size, "nothing for %d s", QUIET_SECONDS);
	else if (WIFSIGNALED(status))
		snprintf(ret, size, "pmkit was killed by signal %d", WTERMSIG(status));
	else
		snprintf(ret, size, "pmkit ended with status %d", WEXITSTATUS(status));
}

/* From the first script; again from the one after that in which pmkit was lost. */
static void run_suite(void)
{
	char *world = getenv("PMK_WORLD");
	char *const head[] = {
		"/pmkit", "test", "--on", world ? world : "kernel", "--json", RESULTS
	};
	size_t next = 0;

	do {
		size_t first = next;
		int out = -1, status = 0;
		pid_t pid;
		bool silent;
		char why[80];

		unlink(RESULTS);
		pid = start(head, sizeof(head) / sizeof(*head), first, &out);
		if (pid < 0) {
			say("NOTE pmkit cannot be started: %s", strerror(errno));
			return;
		}
		silent = !listen_to(out, QUIET_SECONDS * 1000, &next);
		close(out);
		if (silent)
			kill(-pid, SIGKILL);
		reap(pid, &status);
		if (next < nwords) {
			describe(why, sizeof(why), status, silent);
			say("LOST %s %s", words[next++], why);
		} else {
			send_results();
		}
	} while (next < nwords);
}

/* ---- a command ------------------------------------------------------------------------------------ */

static void send_file(const char *name)
{
	static char line[3072];
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "/keep/%s", name);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		say("F %s %.*s", name, (int)strcspn(line, "\n"), line);
	if (f)
		fclose(f);
}

static void send_kept(void)
{
	DIR *dir = opendir("/keep");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			send_file(entry->d_name);
	if (dir)
		closedir(dir);
}

/* As long as it takes: ci/kernels stops the guest. */
static void run_command(void)
{
	static char *const head[] = { "/pmkit" };
	bool other = nwords && *words[0] == '/';
	double began = uptime();
	int out = -1, status = 0;
	pid_t pid;

	mkdir("/keep", 0755);
	pid = start(head, other ? 0 : 1, 0, &out);
	if (pid < 0) {
		say("NOTE %s cannot be started: %s", other ? words[0] : "pmkit", strerror(errno));
		return;
	}
	listen_to(out, -1, NULL);
	close(out);
	reap(pid, &status);
	send_kept();
	say("EXIT %d %.2f", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
	    uptime() - began);
}

/* ---- the end -------------------------------------------------------------------------------------- */

/* The kernel's messages since the start that are warnings (<4>) or worse. */
static void send_messages(void)
{
	int size = klogctl(10, NULL, 0), n; /* SYSLOG_ACTION_SIZE_BUFFER */
	char *text = size > 0 ? malloc((size_t)size + 1) : NULL, *rest = text, *line;

	n = text ? klogctl(3, text, size) : -1; /* SYSLOG_ACTION_READ_ALL */
	if (n < 0)
		return;
	text[n] = 0;
	for (int lines = 0; lines < KERNEL_LINES && (line = strsep(&rest, "\n"));)
		if (line[0] == '<' && strtoul(line + 1, NULL, 10) % 8 <= 4) {
			say("K %s", line);
			lines++;
		}
}

static void say_start(void)
{
	struct utsname u;

	uname(&u);
	/* what firmware or kernel printed may have left the line open */
	if (write(STDOUT_FILENO, "\n", 1) == 1)
		say("START %s | %s | %s | %ld | %.2f", u.release, u.version, u.machine,
		    sysconf(_SC_PAGESIZE), uptime());
}

int main(void)
{
	if (getpid() != 1) {
		fputs("init: only for a guest of ci/kernels: it powers the machine off\n", stderr);
		return 2;
	}
	say_start();
	make_machine();
	klogctl(5, NULL, 0); /* SYSLOG_ACTION_CLEAR: what comes now is ours */
	if (read_words("/command"))
		run_command();
	else if (read_words("/words") && nwords)
		run_suite();
	send_messages();
	say("DONE %u %.2f", said, uptime());
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
