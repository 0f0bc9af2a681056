/*
 * mount_test.c - pmkit mount and pmkit run, seen from outside: by programs that know nothing of them.
 *
 * The binary is its own pmkit: called as "mount_test mount ..." or "mount_test run ..." it is that
 * subcommand.  Skipped (77) where no FUSE mount can be made.  Nothing waits by sleeping: the end of a
 * mount is awaited by poll() on mountinfo, that of a process by waitpid() or the end of a pipe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "fuse.h"
#include "play.h"

static char self[PATH_MAX], here[PATH_MAX], work[] = "/tmp/mount_test.XXXXXX", dir[64], script[64];

/* 8 written pages at 0x20000000, a guard page at page 12; a second process; a frame of its own. */
static const char text[] = "scenario 1\n"
			   "p: map heap 16 anon private rw at=0x20000000\n"
			   "p: write heap[0-7]\n"
			   "p: madvise heap[12] guard-install\n"
			   "q: map heap 4 anon private rw at=0x30000000\n"
			   "q: write heap\n";
#define HEAP_PAGE 0x20000

/* Runs what follows, up to a quote, as a user who owns nothing but may open /dev/fuse. */
#define AS_NOBODY                                                                \
	"chmod 755 $WORK && unshare -m --propagation private sh -c '"            \
	"mount -t tmpfs -o dev none /mnt && mknod -m 666 /mnt/fuse c 10 229 && " \
	"mount --bind /mnt/fuse /dev/fuse && "                                   \
	"exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all sh -c \"$0\"' '"
#define PRESENT	 (1ull << 63)
#define PFN_MASK ((1ull << 55) - 1)

static void write_script(const char *path, const char *content)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(content, f);
	assert_int_equal(fclose(f), 0);
}

/*
 * Runs a shell command in which $PMKIT, $PROBE, $SCRIPT and $DIR are set, its output (both kinds) in out:
 * its exit status, 128 + N for a signal.
 */
static int shell(const char *command, char *out, size_t size)
{
	char full[4096];
	size_t n = 0;

	snprintf(full, sizeof(full), "exec 2>&1; %s", command);
	FILE *f = popen(full, "r");
	assert_non_null(f);
	if (out) {
		n = fread(out, 1, size - 1, f);
		out[n] = '\0';
	}
	for (char rest[4096]; fread(rest, 1, sizeof(rest), f) > 0;)
		;
	int status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void expect(const char *command, int status, const char *output)
{
	char out[4096];
	int got = shell(command, out, sizeof(out));

	if (got != status || !strstr(out, output))
		fail_msg("%s\n  exit %d, expected %d; output: %s\n  expected: %s", command, got,
			 status, out, output);
}

static bool is_mounted(void)
{
	char line[512];
	bool found = false;
	FILE *f = fopen("/proc/self/mountinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, dir) != NULL;
	if (f)
		fclose(f);
	return found;
}

/* Waits until nothing is mounted at dir. */
static void await_unmount(void)
{
	struct pollfd p = { .fd = open("/proc/self/mountinfo", O_RDONLY), .events = POLLPRI };
	char bytes[4096];

	while (is_mounted()) {
		assert_int_equal(poll(&p, 1, 10000), 1);
		lseek(p.fd, 0, SEEK_SET);
		while (read(p.fd, bytes, sizeof(bytes)) > 0)
			;
	}
	close(p.fd);
}

/* ---- mount ------------------------------------------------------------------------------------ */

static void mounts_and_unmounts(void **state)
{
	(void)state;
	expect("$PMKIT mount $SCRIPT $DIR && ls $DIR", 0, "1000\n1001\nkpage");
	expect("ls $DIR/self/task/1000", 0,
	       "clear_refs\ncomm\nmaps\npagemap\nsmaps\nstat\nstatus\n");
	expect("ls $DIR/1000/map_files; readlink $DIR/1000/map_files/1-2", 1, "");
	expect("cat $DIR/1001/maps", 0, "30000000-30004000 rw-p 00000000 00:00 0 \n");
	expect("cat $DIR/1000/comm; readlink $DIR/self $DIR/thread-self", 0,
	       "\n1000\n1000/task/1000\n");
	expect("ls $DIR/1002; ls $DIR/01000; ls $DIR/1000/task/1001; ls $DIR/nothing", 2,
	       "No such");
	expect("$UMOUNT $DIR", 0, "");
	await_unmount();
}

/* Whether a process has this name. */
static bool is_called(pid_t pid, const char *name)
{
	char path[64], comm[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return false;
	if (fscanf(f, "%31s", comm) != 1)
		comm[0] = '\0';
	fclose(f);
	return !strcmp(comm, name);
}

/* A server in the foreground, and its watcher, once they serve. */
static pid_t start_server(pid_t *ret_watcher)
{
	char path[64];
	pid_t pid = fork();

	if (pid == 0) {
		execl(self, self, "mount", "-f", script, dir, NULL);
		_exit(126);
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	for (*ret_watcher = 0; !is_called(*ret_watcher, "pmkit-watch"); sched_yield()) {
		FILE *f = fopen(path, "r");

		assert_non_null(f);
		if (fscanf(f, "%d", ret_watcher) != 1)
			*ret_watcher = 0;
		fclose(f);
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	}
	assert_true(is_mounted());
	return pid;
}

static void foreground_ends_by_signal(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	pid_t watcher;
	int status;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		pid_t pid = start_server(&watcher);

		kill(pid, signals[i]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		assert_false(is_mounted());
		assert_int_equal(kill(watcher, 0), -1);
	}
}

static void bad_uses_say_why(void **state)
{
	(void)state;
	expect("$PMKIT mount", 2, "usage: pmkit mount");
	expect("$PMKIT mount --nonsense $SCRIPT $DIR", 2, "usage:");
	expect("$PMKIT mount --privilege some $SCRIPT $DIR", 2, "unknown privilege 'some'");
	expect("$PMKIT mount $SCRIPT /no/such", 1, "/no/such: No such file");
	expect("$PMKIT mount $SCRIPT $SCRIPT", 1, "not a directory");
	expect("$PMKIT mount $SCRIPT /", 1, "/: not empty");
	expect("$PMKIT mount /no/script $DIR", 1, "/no/script");
	expect("echo bad > $DIR.pmk; $PMKIT mount $DIR.pmk $DIR", 1, ".pmk:1:");
	expect("$PMKIT mount --as 6.x $SCRIPT $DIR", 1, "6.x");
	expect("$PMKIT mount $SCRIPT $DIR && $PMKIT mount $SCRIPT $DIR", 1,
	       "in use: a mock is mounted there");
	expect("$UMOUNT $DIR", 0, "");
	expect("$PMKIT run", 2, "usage: pmkit run");
	expect("$PMKIT run $SCRIPT", 2, "usage:");
	expect("$PMKIT run --maps some $SCRIPT -- true", 2, "usage:");
	expect("$PMKIT run /no/script -- true", 1, "/no/script");
	expect("$PMKIT run $SCRIPT -- /no/command", 127, "/no/command: No such file");
	expect("$PMKIT run $SCRIPT -- /etc/passwd", 126, "/etc/passwd: Permission denied");
	await_unmount();
}

static void killed_server_leaves_no_mount(void **state)
{
	pid_t watcher, pid = start_server(&watcher);

	(void)state;
	kill(pid, SIGKILL);
	await_unmount();
	waitpid(pid, NULL, 0);
}

static void dead_mount_is_mended(void **state)
{
	struct stat st;
	pid_t watcher, pid = start_server(&watcher);

	(void)state;
	kill(watcher, SIGKILL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(stat(dir, &st), -1);
	assert_int_equal(errno, ENOTCONN);
	expect("$PMKIT mount $SCRIPT $DIR/ && ls $DIR && $UMOUNT $DIR", 0, "kpageflags");
	await_unmount();
}

/* ---- run -------------------------------------------------------------------------------------- */

static void run_shows_the_script(void **state)
{
	static const char od[] = "dd bs=8 skip=131072 count=1 status=none if=";
	char command[512];

	(void)state;
	static const char *const files[] = { "/proc/self/pagemap", "/proc/thread-self/pagemap",
					     "/proc/$$/pagemap", "/proc/$$/task/$$/pagemap",
					     "/proc/1/pagemap" };
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(command, sizeof(command),
			 "$PMKIT run $SCRIPT -- sh -c '%s%s | od -An -tx8'", od, files[i]);
		expect(command, 0, " 810000000000"); /* present, exclusive, a frame */
	}
	expect("$PMKIT run $SCRIPT -- sh -c 'sh -c \"cat /proc/self/maps\"'", 0,
	       "20000000-20010000 rw-p");
	expect("$PMKIT run $SCRIPT -- cat /proc/1001/maps", 0, "30000000-30004000 rw-p");
	expect("$PMKIT run --maps real $SCRIPT -- cat /proc/self/maps", 0, "/cat");
	expect("$PMKIT run --as 6.18/x86_64-memcg $SCRIPT -- ls /proc/kpagecgroup", 2,
	       "No such file");
}

/* Processes of the script that no real one stands for. */
static void run_shows_processes_beside_the_real_ones(void **state)
{
	static const char *const ways[] = { "fuse", "seccomp" }; /* bind shows no others */
	char command[512];

	(void)state;
	expect("(echo 'scenario 1'; echo 'p: given-process pid=777 beside'; tail -n +2 $SCRIPT) "
	       ">$DIR.beside; sed -i '/^q/d' $DIR.beside",
	       0, "");
	for (size_t i = 0; i < 2; i++) {
		snprintf(command, sizeof(command),
			 "$PMKIT run --by %s $DIR.beside -- sh -c 'cat /proc/self/maps'", ways[i]);
		expect(command, 0, "/cat");
		snprintf(command, sizeof(command),
			 "$PMKIT run --by %s $DIR.beside -- cat /proc/777/maps", ways[i]);
		expect(command, 0, "20000000-20010000 rw-p");
		/* PID 2 is also that of a thread of ours in the namespace, and of a real kernel thread */
		snprintf(command, sizeof(command),
			 "$PMKIT run --by %s process-kernel-thread -- "
			 "cut -d' ' -f2,3,9 /proc/2/stat",
			 ways[i]);
		expect(command, 0, "(kthreadd) S 2097152\n");
	}
}

static void run_passes_the_rest_through(void **state)
{
	(void)state;
	expect("$PMKIT run $SCRIPT -- readlink /proc/self/exe", 0, "/readlink\n");
	expect("cd /usr && $PMKIT run $SCRIPT -- readlink /proc/self/cwd /proc/self/root", 0,
	       "/usr\n/\n");
	expect("echo in | $PMKIT run $SCRIPT -- cat /dev/stdin", 0, "in\n");
	expect("$PMKIT run $SCRIPT -- bash -c 'cat <(echo substituted)'", 0, "substituted\n");
	expect("$PMKIT run $SCRIPT -- sh -c 'test $$ = $(readlink /proc/self/../self | wc -l) ||"
	       " sh -c \"exec readlink /proc/self\"; echo $$'",
	       0, "\n1000\n");
	expect("$PMKIT run $SCRIPT -- cat /proc/sys/kernel/ostype", 0, "Linux\n");
	expect("$PMKIT run $SCRIPT -- cat /proc/self/comm /proc/mounts", 0, "cat\n");
	expect("$PMKIT run $SCRIPT -- ps -o comm= -p 1", 0, "pmkit-init");
	expect("$PMKIT run $SCRIPT -- ls /proc", 0, "1\n1000\n1001\n");
}

static void run_exits_as_the_command(void **state)
{
	(void)state;
	expect("$PMKIT run $SCRIPT -- true", 0, "");
	expect("$PMKIT run $SCRIPT -- sh -c 'exit 7'", 7, "");
	expect("$PMKIT run $SCRIPT -- sh -c 'kill -TERM $$'", 143, "");
	expect("$PMKIT run $SCRIPT -- sh -c 'kill -KILL $$'", 137, "");
	expect("$PMKIT run $SCRIPT -- sh -c 'sleep 100 & exit 3'", 3, "");
}

/* Starts `run` of a command that says "ready" and waits; out is its standard output. */
static pid_t start_run(const char *command, int *out)
{
	char word[6] = "";
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0,
			0); /* a job of its own: one whose parent is in another group can be stopped */
		dup2(fd[1], 1);
		close(fd[0]);
		close(fd[1]);
		execl(self, self, "run", script, "--", "sh", "-c", command, NULL);
		_exit(126);
	}
	close(fd[1]);
	assert_int_equal(read(fd[0], word, 6), 6);
	assert_memory_equal(word, "ready\n", 6);
	*out = fd[0];
	return pid;
}

static void run_hands_signals_on(void **state)
{
	char word[6];
	int out, status;

	(void)state;
	pid_t pid = start_run("trap 'echo usr1; exit 9' USR1; echo ready; "
			      "while :; do sleep 0.01; done",
			      &out);
	kill(pid, SIGUSR1);
	assert_int_equal(read(out, word, 5), 5);
	assert_memory_equal(word, "usr1\n", 5);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 9);
	close(out);
}

/* A shell sees pmkit stop when the command stops, for whatever reason, and go on with it. */
static void run_stops_as_the_command(void **state)
{
	char word[3];
	int out, status;

	(void)state;
	pid_t pid = start_run("echo ready; kill -STOP $$; echo on; exec sleep 1000", &out);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	kill(pid, SIGCONT);
	assert_int_equal(read(out, word, 3), 3);
	assert_memory_equal(word, "on\n", 3);
	kill(pid, SIGTSTP);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	kill(pid, SIGCONT);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	close(out);
}

/* All processes of the namespace hold the pipe: its end is their end. */
static void killed_run_leaves_nothing(void **state)
{
	char byte;
	int out, status;

	(void)state;
	pid_t pid = start_run("(setsid sh -c 'trap \"\" TERM HUP; sleep 1000' &); echo ready; "
			      "exec sleep 1000",
			      &out);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	struct pollfd p = { .fd = out, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(read(out, &byte, 1), 0);
	close(out);
}

static void runs_in_parallel(void **state)
{
	(void)state;
	expect("for i in $(seq 100); do $PMKIT run $SCRIPT -- sh -c 'wc -l < /proc/self/maps' & "
	       "done; "
	       "wait",
	       0, "5\n5\n5\n5\n");
}

/* ---- run without /dev/fuse ------------------------------------------------------------------------ */

/* The same, but for directories: what a script has and the machine has not can be opened, not listed. */
static void seccomp_shows_the_script(void **state)
{
	static const char *const files[] = { "/proc/self/pagemap", "/proc/thread-self/pagemap",
					     "/proc/$$/pagemap", "/proc/$$/task/$$/pagemap",
					     "/proc/../proc/self/task/../pagemap" };
	char command[512];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(command, sizeof(command),
			 "$PMKIT run --by seccomp $SCRIPT -- sh -c 'dd bs=8 skip=131072 count=1 "
			 "status=none if=%s | od -An -tx8'",
			 files[i]);
		expect(command, 0, " 810000000000");
	}
	expect("cd /proc && $PMKIT run --by seccomp $SCRIPT -- sh -c 'cd self; exec 7<maps; "
	       "read line <&7; echo $line; cat <&7'",
	       0, "20000000-20010000 rw-p 00000000 00:00 0\n7ffff");
	expect("$PMKIT run --by seccomp $SCRIPT -- sh -c 'sh -c \"cat /proc/self/maps\"'", 0,
	       "20000000-20010000 rw-p");
	expect("$PMKIT run --by seccomp $SCRIPT -- cat /proc/1001/maps", 0, "30000000-30004000");
	expect("$PMKIT run --by seccomp --maps real $SCRIPT -- cat /proc/self/maps", 0, "/cat");
	expect("$PMKIT run --by seccomp $SCRIPT -- stat -Lc '%F %s %a' - </proc/self/pagemap", 0,
	       "regular empty file 0 400");
	expect("$PMKIT run --by seccomp --privilege never $SCRIPT -- sh -c 'od -An -tx8 -j1048576 "
	       "-N8 /proc/self/pagemap; echo 4 >/proc/self/clear_refs && echo cleared'",
	       0, " 8100000000000000\ncleared\n");
}

static void seccomp_ends_as_the_command(void **state)
{
	(void)state;
	expect("$PMKIT run --by seccomp $SCRIPT -- sh -c 'exit 7'", 7, "");
	expect("$PMKIT run --by seccomp $SCRIPT -- sh -c 'kill -KILL $$'", 137, "");
	expect("$PMKIT run --by seccomp $SCRIPT -- /no/command", 127, "/no/command: No such file");
	/* what is left behind would keep the pipe of our shell */
	expect("$PMKIT run --by seccomp $SCRIPT -- sh -c 'setsid sleep 1000 & exit 3'", 3, "");
	expect("$PMKIT run --by seccomp --maps real $SCRIPT -- $PMKIT run --by seccomp $SCRIPT -- "
	       "true",
	       77, "somebody else listens");
	expect("$PMKIT run --by magic $SCRIPT -- true", 2, "unknown way 'magic'");
}

/* Nobody has to ask for it. */
static void no_fuse_is_no_obstacle(void **state)
{
	(void)state;
	if (shell("unshare -Urm true", NULL, 0))
		skip();
	expect("unshare -Urm sh -c 'mount -t tmpfs none /dev && $PMKIT run -v $SCRIPT -- cat "
	       "/proc/self/maps'",
	       0, "mocked by seccomp");
	expect("unshare -Urm sh -c 'mount -t tmpfs none /dev && $PMKIT run $SCRIPT -- cat "
	       "/proc/self/maps'",
	       0, "20000000-20010000 rw-p");
	expect("unshare -Urm sh -c 'mount -t tmpfs none /dev && $PMKIT run --by fuse $SCRIPT -- "
	       "true'",
	       77, "/dev/fuse: not there");
}

/* Whoever has no rights at all, nor a /dev/fuse, has this. */
static void seccomp_needs_no_rights(void **state)
{
	static const char *const nobody =
		"setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "
		"--bounding-set=-all sh -c ";
	char command[1024];

	(void)state;
	if (geteuid())
		skip();
	snprintf(command, sizeof(command),
		 "chmod 755 $WORK && unshare -m --propagation private sh -c 'mount -t tmpfs none "
		 "/mnt && touch /mnt/fuse && chmod 600 /mnt/fuse && mount --bind /mnt/fuse "
		 "/dev/fuse && exec %s\"$0\"' '",
		 nobody);
	size_t len = strlen(command);
	static const struct {
		const char *what;
		int status;
		const char *output;
	} cases[] = {
		{ "$PMKIT run -v $SCRIPT -- true'", 0, "mocked by seccomp" },
		{ "$PMKIT run --by fuse $SCRIPT -- true'", 77, "/dev/fuse: Permission denied" },
		{ "$PMKIT run --by bind $SCRIPT -- true'", 77, "/dev/fuse: Permission denied" },
		{ "$PMKIT run $SCRIPT -- cat /proc/self/maps'", 0, "20000000-20010000 rw-p" },
		/* PFNs are hidden, and kpage* root's, as they are from nobody. */
		{ "$PMKIT run $SCRIPT -- od -An -tx8 -j1048576 -N8 /proc/self/pagemap'", 0,
		  " 8100000000000000\n" },
		{ "$PMKIT run $SCRIPT -- cat /proc/kpageflags'", 1, "Permission denied" },
		{ "$PMKIT run --privilege always $SCRIPT -- sh -c \"od -An -tx8 -j1048576 -N8 "
		  "/proc/self/pagemap; head -c 8 /proc/kpageflags | wc -c\"'",
		  0, "8\n" },
		{ "$PMKIT run $SCRIPT -- sh -c \"echo 4 >/proc/self/clear_refs && echo cleared\"'",
		  0, "cleared\n" },
		{ "$PMKIT run $SCRIPT -- cat /proc/1/pagemap'", 1, "Permission denied" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(command + len, sizeof(command) - len, "%s", cases[i].what);
		expect(command, cases[i].status, cases[i].output);
	}
}

/* ---- run without a proc of one's own -------------------------------------------------------------- */

/* The files of the command, by whatever name; of its children, their own. */
static void bind_shows_the_script(void **state)
{
	static const char *const files[] = { "/proc/self/pagemap", "/proc/thread-self/pagemap",
					     "/proc/self/task/../pagemap" };
	char command[512];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(command, sizeof(command),
			 "$PMKIT run --by bind $SCRIPT -- dd bs=8 skip=131072 count=1 status=none "
			 "if=%s | od -An -tx8",
			 files[i]);
		expect(command, 0, " 810000000000");
	}
	expect("$PMKIT run --by bind $SCRIPT -- sh -c 'exec cat /proc/$$/task/$$/maps'", 0,
	       "20000000-20010000 rw-p");
	expect("$PMKIT run --by bind $SCRIPT -- sh -c 'cat /proc/self/maps; cat /proc/$$/maps'", 0,
	       "/cat\n");
	expect("$PMKIT run --by bind --maps real $SCRIPT -- cat /proc/self/maps", 0, "/cat");
	expect("$PMKIT run --by bind $SCRIPT -- sh -c 'exec >/proc/self/clear_refs; echo 4'", 0,
	       "");
	expect("$PMKIT run --by bind $SCRIPT -- sh -c 'head -c 16 /proc/kpageflags | wc -c'", 0,
	       "16\n");
	expect("$PMKIT run -v --by bind $SCRIPT -- pwd; pwd", 0, "mocked by bind");
	expect("cd /usr && $PMKIT run --by bind $SCRIPT -- pwd", 0, "/usr\n");
	expect("$PMKIT run --by bind $SCRIPT -- cat /proc/self/comm /proc/sys/kernel/ostype", 0,
	       "cat\nLinux\n");
	if (!geteuid())
		expect(AS_NOBODY "$PMKIT run --by bind $SCRIPT -- cat /proc/self/maps'", 0,
		       "20000000-20010000 rw-p");
}

static void bind_ends_as_the_command(void **state)
{
	(void)state;
	expect("$PMKIT run --by bind $SCRIPT -- sh -c 'exit 7'", 7, "");
	expect("$PMKIT run --by bind $SCRIPT -- sh -c 'kill -KILL $$'", 137, "");
	expect("$PMKIT run --by bind $SCRIPT -- /no/command", 127, "/no/command: No such file");
	expect("$PMKIT run --by bind $SCRIPT -- sh -c 'setsid sleep 1000 & exit 3'", 3, "");
	/* what is killed: its pipe ends with the last of them, and nothing is mounted here */
	expect("($PMKIT run --by bind $SCRIPT -- sh -c 'kill -KILL $(ps -o ppid= -p $PPID); "
	       "exec sleep 1000'); ! grep fuse.pmkit.*pagemap /proc/self/mountinfo",
	       0, "");
}

/* Where neither a new proc nor a listener can be had: a part of proc is covered for good, and somebody listens. */
static void bind_is_the_last_way(void **state)
{
	static const char where[] = "unshare -Urm sh -c 'mount -t tmpfs none /proc/fs && "
				    "exec unshare -Urm sh -c \"$0\"' ";
	char command[1024];

	(void)state;
	snprintf(command, sizeof(command), "%s 'test -w /dev/fuse'", where);
	if (shell(command, NULL, 0))
		skip();
	snprintf(command, sizeof(command),
		 "$PMKIT run --by seccomp --maps real $SCRIPT -- %s '$PMKIT run -v $SCRIPT -- cat "
		 "/proc/self/maps'",
		 where);
	expect(command, 0, "cannot mount a new proc");
	expect(command, 0, "somebody else listens");
	expect(command, 0, "mocked by bind");
	expect(command, 0, "20000000-20010000 rw-p");
}

/* ---- operation by operation ----------------------------------------------------------------------- */

static void answers_like_the_kernel(void **state)
{
	static const char *const files[] = { "pagemap", "maps", "clear_refs", "kpageflags" };
	char command[512];

	(void)state;
	if (geteuid())
		skip();
	expect("$PROBE --script >$DIR.pmk", 0, "");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(command, sizeof(command),
			 "$PROBE %s >$DIR.real && test -s $DIR.real && "
			 "$PMKIT run --strict $DIR.pmk -- $PROBE %s >$DIR.mock && "
			 "diff $DIR.real $DIR.mock",
			 files[i], files[i]);
		expect(command, 0, "");
	}
}

/* ---- hostile ioctls: what the real /proc answers, the mock does ---------------------------------- */

/* $IOCTLS with the mock as its /proc; where the kernel's own has no such calls, nobody can say. */
static void expect_ioctls(const char *mode, const char *how)
{
	char command[1024];
	int status;

	snprintf(command, sizeof(command), "$IOCTLS %s", mode);
	status = shell(command, NULL, 0);
	if (status == 77)
		skip();
	expect(command, 0, "");
	snprintf(command, sizeof(command), how, mode);
	expect(command, 0, "");
}

static void hostile_ioctls(void **state)
{
	(void)state;
	expect_ioctls("", "$PMKIT run $SCRIPT -- $IOCTLS %s");
}

static void hostile_ioctls_without_root(void **state)
{
	(void)state;
	if (geteuid() ||
	    shell(AS_NOBODY "test -w /dev/fuse && $PMKIT run $SCRIPT -- true'", NULL, 0))
		skip();
	expect_ioctls("", AS_NOBODY "$PMKIT run $SCRIPT -- $IOCTLS %s'");
}

/*
 * A 32-bit program of i386 that opens its pagemap without O_LARGEFILE, and exits with 0 if it may.  The kernel asks
 * the size that it believes the file to have (KERNEL_SIZE).
 */
#define AT_32	0x08048000u
#define HEAD_32 (sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr))
static void write_program_32(const char *path)
{
	static const unsigned char code[] = {
		0xb8, 5,    0,	  0,	0, /* mov $__NR_open, %eax */
		0xbb, 0,    0,	  0,	0, /* mov $the path, %ebx */
		0x31, 0xc9, 0xcd, 0x80, /* xor %ecx, %ecx; int $0x80 */
		0xc1, 0xe8, 0x1f, 0x89, 0xc3, /* shr $31, %eax; mov %eax, %ebx */
		0xb8, 1,    0,	  0,	0,    0xcd, 0x80, /* mov $__NR_exit, %eax; int $0x80 */
	};
	static const char name[] = "/proc/self/pagemap";
	const Elf32_Ehdr head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB,
					       EV_CURRENT },
				  .e_type = ET_EXEC,
				  .e_machine = EM_386,
				  .e_version = EV_CURRENT,
				  .e_entry = AT_32 + HEAD_32,
				  .e_phoff = sizeof(head),
				  .e_ehsize = sizeof(head),
				  .e_phentsize = sizeof(Elf32_Phdr),
				  .e_phnum = 1 };
	const Elf32_Phdr segment = { .p_type = PT_LOAD,
				     .p_vaddr = AT_32,
				     .p_filesz = HEAD_32 + sizeof(code) + sizeof(name),
				     .p_memsz = HEAD_32 + sizeof(code) + sizeof(name),
				     .p_flags = PF_R | PF_X,
				     .p_align = 4096 };
	const uint32_t name_at = AT_32 + HEAD_32 + sizeof(code);
	unsigned char text_32[sizeof(code)];
	FILE *f = fopen(path, "w");

	memcpy(text_32, code, sizeof(code));
	memcpy(text_32 + 6, &name_at, sizeof(name_at));
	assert_non_null(f);
	fwrite(&head, sizeof(head), 1, f);
	fwrite(&segment, sizeof(segment), 1, f);
	fwrite(text_32, sizeof(text_32), 1, f);
	fwrite(name, sizeof(name), 1, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void files_of_32_bit_programs(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s.32", dir);
	write_program_32(path);
	if (shell("$DIR.32", NULL, 0)) /* not x86, or without CONFIG_IA32_EMULATION */
		skip();
	expect("$PMKIT run --by fuse $SCRIPT -- $DIR.32", 0, "");
	expect("$PMKIT run --by fuse $SCRIPT -- sh -c '$DIR.32 && cat /proc/self/maps && $DIR.32'",
	       0, "20000000-20010000 rw-p");
}

static void ioctls_of_32_bit_programs(void **state)
{
	(void)state;
	expect_ioctls("--compat", "$PMKIT run $SCRIPT -- $IOCTLS %s");
}

/* A server that may not write to its caller says so, once, and gives EFAULT. */
static void ioctls_without_ptrace_rights(void **state)
{
	static const char *const with =
		"setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace ";
	char command[1024];

	(void)state;
	snprintf(command, sizeof(command), "%s true", with);
	if (geteuid() || shell(command, NULL, 0) || shell("$IOCTLS --hidden", NULL, 0))
		skip();
	snprintf(command, sizeof(command),
		 "%s$PMKIT run $SCRIPT -- sh -c '$IOCTLS --hidden; $IOCTLS --hidden'", with);
	expect(command, 0, "ptrace rights are missing");
	expect(command, 0, "scan: -14\n");
}

/* ---- the library ---------------------------------------------------------------------------------- */

static struct pmk_mount *start(struct pmk_play *play, struct pmk_mount_options options)
{
	struct pmk_mount *mount = NULL;
	struct pmk_error err = { 0 };

	options.dir = dir;
	options.first_pid = pmk_play_first_pid(play);
	options.allow_other = geteuid() == 0;
	if (pmk_mount_start(&play->machine, &play->lock, &options, &mount, &err))
		fail_msg("%s", err.text);
	return mount;
}

static int open_in(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return open(path, O_RDONLY);
}

static void privilege_policies(void **state)
{
	struct pmk_play play;
	struct pmk_error err;
	uint64_t entry;

	(void)state;
	assert_int_equal(pmk_play_init(&play, script, NULL, &err), 0);
	for (int p = 0; p < PMK_PRIVILEGE_COUNT; p++) {
		struct pmk_mount_options options = { .privilege = (enum pmk_privilege)p,
						     .owner = PMK_OWNER_MOUNTER };
		struct pmk_mount *mount = start(&play, options);
		int fd = open_in("self/pagemap");

		assert_int_equal(pread(fd, &entry, 8, HEAP_PAGE * 8), 8);
		assert_true(entry & PRESENT);
		if (p == PMK_PRIVILEGE_ALWAYS || p == PMK_PRIVILEGE_NEVER || geteuid())
			assert_int_equal(!!(entry & PFN_MASK), p == PMK_PRIVILEGE_ALWAYS);
		close(fd);
		pmk_mount_stop(mount);
		assert_false(is_mounted());
	}
	pmk_play_deinit(&play);
}

/* Files that stay open outlive neither the mount's end nor the machine's exchange badly. */
static void stops_with_files_open(void **state)
{
	struct pmk_mount_options options = { .owner = PMK_OWNER_MOUNTER, .null_file = true };
	struct pmk_play play, other;
	struct pmk_error err;
	uint64_t entry;

	(void)state;
	assert_int_equal(pmk_play_init(&play, script, NULL, &err), 0);
	assert_int_equal(pmk_play_init(&other, script, "6.15", &err), 0);
	struct pmk_mount *mount = start(&play, options);
	int file = open_in("1000/pagemap"), null = open_in("null"), list = open_in("1000");
	assert_int_equal(pread(null, &entry, 8, 1 << 20), 8);
	assert_int_equal(entry, 0);

	pthread_mutex_lock(&play.lock);
	struct pmk_machine *first = play.machine;
	pmk_mount_forget(mount);
	play.machine = other.machine;
	pthread_mutex_unlock(&play.lock);
	assert_int_equal(pread(file, &entry, 8, HEAP_PAGE * 8), -1);
	assert_int_equal(errno, ESRCH);
	int again = open_in("1000/pagemap");
	assert_int_equal(pread(again, &entry, 8, HEAP_PAGE * 8), 8);

	pmk_mount_stop(mount);
	assert_int_equal(pread(again, &entry, 8, 0), -1);
	assert_true(errno == ENOTCONN || errno == ECONNABORTED);
	close(file);
	close(null);
	close(list);
	close(again);
	play.machine = first;
	pmk_play_deinit(&other);
	pmk_play_deinit(&play);
}

static void many_processes(void **state)
{
	char path[80];

	(void)state;
	snprintf(path, sizeof(path), "%s.many", dir);
	FILE *f = fopen(path, "w");
	fputs("scenario 1\n", f);
	for (int i = 0; i < 10000; i++)
		fprintf(f, "p%d: map heap 1 anon private rw\n", i);
	fclose(f);
	expect("$PMKIT mount $DIR.many $DIR && ls $DIR | grep -c '^[0-9]'", 0, "10000\n");
	expect("wc -l < $DIR/10999/maps; ls $DIR/11000", 2, "5\n");
	expect("$UMOUNT $DIR", 0, "");
	await_unmount();
}

/* ---- all of them -------------------------------------------------------------------------------- */

static int unmount(void **state)
{
	(void)state;
	return is_mounted() && shell("$UMOUNT $DIR", NULL, 0); /* what a failed test has left */
}

static int remove_all(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf --one-file-system %s", work);
	return system(command);
}

#define TEST(f) cmocka_unit_test_teardown(f, unmount)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(mounts_and_unmounts),
		TEST(foreground_ends_by_signal),
		TEST(bad_uses_say_why),
		TEST(killed_server_leaves_no_mount),
		TEST(dead_mount_is_mended),
		TEST(run_shows_the_script),
		TEST(run_shows_processes_beside_the_real_ones),
		TEST(run_passes_the_rest_through),
		TEST(run_exits_as_the_command),
		TEST(run_hands_signals_on),
		TEST(run_stops_as_the_command),
		TEST(killed_run_leaves_nothing),
		TEST(runs_in_parallel),
		TEST(seccomp_shows_the_script),
		TEST(seccomp_ends_as_the_command),
		TEST(no_fuse_is_no_obstacle),
		TEST(seccomp_needs_no_rights),
		TEST(bind_shows_the_script),
		TEST(bind_ends_as_the_command),
		TEST(bind_is_the_last_way),
		TEST(answers_like_the_kernel),
		TEST(hostile_ioctls),
		TEST(hostile_ioctls_without_root),
		TEST(files_of_32_bit_programs),
		TEST(ioctls_of_32_bit_programs),
		TEST(ioctls_without_ptrace_rights),
		TEST(privilege_policies),
		TEST(stops_with_files_open),
		TEST(many_processes),
	};
	char path[PATH_MAX];

	if (argc > 1 && !strcmp(argv[1], "mount"))
		return pmk_cmd_mount(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "run"))
		return pmk_cmd_run(argc - 1, argv + 1);
	if (!realpath("/proc/self/exe", self) || !mkdtemp(work))
		return 1;
	snprintf(dir, sizeof(dir), "%s/mnt", work);
	snprintf(script, sizeof(script), "%s/a.pmk", work);
	mkdir(dir, 0755);
	write_script(script, text);
	memcpy(here, self, sizeof(here));
	snprintf(path, sizeof(path), "%.4000s/mount_probe", dirname(here));
	setenv("PMKIT", self, 1);
	setenv("PROBE", path, 1);
	snprintf(path, sizeof(path), "%.4000s/ioctl_probe", here);
	setenv("IOCTLS", path, 1);
	setenv("WORK", work, 1);
	setenv("SCRIPT", script, 1);
	setenv("DIR", dir, 1);
	setenv("UMOUNT", geteuid() ? "fusermount3 -uz" : "umount", 1);
	if (shell("$PMKIT run --by fuse $SCRIPT -- true", NULL, 0) == PMK_EXIT_CANNOT ||
	    shell("$PMKIT mount $SCRIPT $DIR && $UMOUNT $DIR", NULL, 0) == PMK_EXIT_CANNOT) {
		remove_all(NULL);
		return PMK_EXIT_CANNOT;
	}
	return cmocka_run_group_tests_name("mount", tests, NULL, remove_all);
}
