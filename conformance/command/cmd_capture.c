/* SPDX-License-Identifier: MIT */
/* cmd_capture.c - `pmkit capture`: a script that shows what live processes show now. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"
#include "commands.h"
#include "number.h"
#include "procread.h"
#include "profile.h"
#include "save.h"

#define TRIES 5 /* a process that maps and unmaps all the time cannot be captured */

/* The open files of one process; of pagemap its own, of kpage* those of all. */
struct source {
	const char *root;
	bool beside;
	int fd[PMK_FILE_COUNT]; /* -1: not open */
	struct pmk_proc_extents extents; /* of the pagemap */
};

static int64_t read_words(void *ctx, enum pmk_file file, uint64_t at, size_t n, uint64_t *ret)
{
	const struct source *s = ctx;

	return s->fd[file] < 0 ? s->fd[file] : pmk_proc_words(s->fd[file], at, n, ret);
}

static uint64_t next_part(void *ctx, uint64_t page, uint64_t end, uint64_t *ret_end)
{
	struct source *s = ctx;

	return pmk_proc_extents_next(&s->extents, page, end, ret_end);
}

/* The whole of a text file of the process, or NULL and *err. */
static char *text_of(const char *root, pid_t pid, const char *name, size_t *ret_len,
		     struct pmk_error *err)
{
	int fd = pmk_proc_open(root, pid, name);
	int64_t len = fd;
	char *text = fd < 0 ? NULL : pmk_proc_text(fd, &len);

	if (fd >= 0)
		close(fd);
	if (!text)
		pmk_error_set(err, NULL, 0, 0, "%s/%d/%s: %s", root, (int)pid, name,
			      strerror((int)-len));
	else
		*ret_len = (size_t)len;
	return text;
}

/* Once; 1: the mappings changed meanwhile.  What was added then is of no use. */
static int capture_once(struct pmk_capture *c, struct source *s, pid_t pid, struct pmk_error *err)
{
	size_t maps_len, after_len, comm_len;
	char *maps = text_of(s->root, pid, "maps", &maps_len, err), *after = NULL, *comm = NULL;
	struct pmk_capture_process p = { .pid = (int)pid, .root = s->root, .beside = s->beside };
	struct stat st;
	int result = -1;

	if (maps)
		comm = text_of(s->root, pid, "comm", &comm_len, err);
	if (!comm)
		goto out;
	comm[comm_len ? comm_len - 1 : 0] = '\0'; /* its newline */
	if (!maps_len) { /* MAPS-DEAD */
		result = pmk_error_set(
			err, NULL, 0, 0,
			"process %d has no memory: it has ended, or is a kernel thread", (int)pid);
		goto out;
	}
	s->fd[PMK_FILE_PAGEMAP] = pmk_proc_open(s->root, pid, "pagemap");
	if (s->fd[PMK_FILE_PAGEMAP] >= 0 && !fstat(s->fd[PMK_FILE_PAGEMAP], &st))
		p.uid = st.st_uid;
	pmk_proc_extents_init(&s->extents, s->root, s->fd[PMK_FILE_PAGEMAP],
			      (uint64_t)sysconf(_SC_PAGESIZE));
	p.next = next_part;
	p.comm = comm;
	p.maps = maps;
	p.maps_len = maps_len;
	result = pmk_capture_add(c, &p, read_words, s, err);
	if (s->fd[PMK_FILE_PAGEMAP] >= 0)
		close(s->fd[PMK_FILE_PAGEMAP]);
	if (result)
		goto out;
	after = text_of(s->root, pid, "maps", &after_len, err);
	if (!after || (!after_len && maps_len)) { /* MAPS-DEAD */
		result = pmk_error_set(err, NULL, 0, 0, "process %d ended while it was captured",
				       (int)pid);
		goto out;
	}
	result = after_len != maps_len || memcmp(after, maps, maps_len) != 0;
out:
	free(maps);
	free(after);
	free(comm);
	return result;
}

struct job {
	struct pmk_capture *c;
	const char *kernel;
};

static int write_script(FILE *out, const void *data)
{
	const struct job *job = data;

	return pmk_capture_write(job->c, job->kernel, out);
}

/* All processes into a new capture: 0, 1 (try again), -1 and *err. */
static int capture_all(struct pmk_capture *c, struct source *s, const pid_t *pids, int n,
		       struct pmk_error *err)
{
	int result = 0;

	for (int i = 0; !result && i < n; i++)
		result = capture_once(c, s, pids[i], err);
	if (!result)
		pmk_capture_frames(c, read_words, s);
	return result;
}

static int capture(struct source *s, const pid_t *pids, int n, bool keep, const char *path)
{
	struct pmk_profile profile;
	struct pmk_error err = { .line = 0 };
	struct pmk_capture *c = NULL;
	struct pmk_capture_counts counts;
	int result = 1;

	pmk_profile_host(&profile);
	for (int try = 0; result > 0 && try < TRIES; try++) {
		if (c)
			pmk_capture_destroy(c);
		c = pmk_capture_create(pmk_profile_page_size(&profile), keep);
		result = capture_all(c, s, pids, n, &err);
	}
	if (result > 0)
		result = pmk_error_set(&err, NULL, 0, 0,
				       "the mappings changed while they were captured, %d times; "
				       "stop the process (kill -STOP) for so long",
				       TRIES);
	if (!result)
		result = pmk_save(path, write_script, &(struct job){ c, profile.name }, &err);
	counts = pmk_capture_count(c);
	pmk_capture_destroy(c);
	if (result)
		return pmk_error_report(&err);
	fprintf(stderr,
		"pmkit capture: %llu process%s, %llu mappings, %llu pages in %llu runs, %llu "
		"frames%s\n",
		(unsigned long long)counts.processes, counts.processes == 1 ? "" : "es",
		(unsigned long long)counts.mappings, (unsigned long long)counts.pages,
		(unsigned long long)counts.runs, (unsigned long long)counts.frames,
		s->fd[PMK_FILE_KPAGEFLAGS] < 0 ? "; kpageflags: not readable" : "");
	return 0;
}

int pmk_cmd_capture(int argc, char **argv)
{
	struct source s = { .root = "/proc" };
	const char *path = "-";
	bool keep = false;
	const struct pmk_option options[] = {
		{ "--proc-root", NULL, &s.root },
		{ "--keep-pfns", &keep, NULL },
		{ "--beside", &s.beside, NULL },
		{ "-o", NULL, &path },
	};
	int n = pmk_options(options, sizeof(options) / sizeof(*options), argc, argv), status;
	pid_t *pids;

	if (n < 0)
		return PMK_EXIT_USAGE;
	if (!n)
		return pmk_usage("capture", "expected PID...");
	pids = calloc((size_t)n, sizeof(*pids));
	for (int i = 0; pids && i < n; i++) {
		uint64_t pid;

		if (!pmk_number_parse(argv[i + 1], &pid) || !pid || pid > INT32_MAX) {
			free(pids);
			return pmk_usage("capture", "PID '%s': expected a number", argv[i + 1]);
		}
		pids[i] = (pid_t)pid;
	}
	for (int file = 0; file < PMK_FILE_COUNT; file++)
		s.fd[file] = pmk_file_is_kpage((enum pmk_file)file)
				     ? pmk_proc_open(s.root, 0, pmk_file_name[file])
				     : -1;
	status = pids ? capture(&s, pids, n, keep, path) : PMK_EXIT_FAILED;
	for (int file = 0; file < PMK_FILE_COUNT; file++)
		if (pmk_file_is_kpage((enum pmk_file)file) && s.fd[file] >= 0)
			close(s.fd[file]);
	free(pids);
	return status;
}
