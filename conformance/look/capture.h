/* SPDX-License-Identifier: MIT */
/*
 * capture.h - a script that shows what the files of processes show now.
 *
 * Three steps: every process is added (its maps and its pagemap, as runs of entries), then the frames that they
 * have are read, then the script is written.  All of it works on bytes that the caller brings; who reads them, and
 * from where, is the caller's business (cmd_capture.c: a /proc).  Cost follows the number of runs, but for the
 * reading of pagemap itself, which is left out where the caller knows of holes.
 *
 * PFNs are renumbered: those that follow one another still do, and each keeps its place within 512 pages, so
 * that folios stay aligned; all else of the machine's physical memory is left out.
 */
#ifndef PMK_CAPTURE_H
#define PMK_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "pagemapkit.h"
#include "script.h"

struct pmk_capture;

/* Reads n words of `file` from word `at` on: how many there were before the end, or -errno. */
typedef int64_t pmk_capture_words(void *ctx, enum pmk_file file, uint64_t at, size_t n,
				  uint64_t *ret);

struct pmk_capture_process {
	int pid;
	uint32_t uid;
	const char *comm;
	const char *maps; /* the text */
	size_t maps_len;
	const char *root; /* for messages */
	bool beside; /* as a process of which the one that looks is no part: given-process beside */
	/* The next pages in [page, end) whose words may not be 0: start and *ret_end, `end` for none.  NULL: all may. */
	uint64_t (*next)(void *ctx, uint64_t page, uint64_t end, uint64_t *ret_end);
};

/* page_size in bytes; keep_pfns: PFNs stay what they are. */
struct pmk_capture *pmk_capture_create(uint64_t page_size, bool keep_pfns);
void pmk_capture_destroy(struct pmk_capture *c);

/* 0, or -1 and *err: "maps:3: not a line of maps ...", "pagemap: Permission denied". */
int pmk_capture_add(struct pmk_capture *c, const struct pmk_capture_process *process,
		    pmk_capture_words *words, void *ctx, struct pmk_error *err);
/* kpageflags, kpagecount and kpagecgroup of all frames so far.  What cannot be read is left out. */
void pmk_capture_frames(struct pmk_capture *c, pmk_capture_words *words, void *ctx);
/* The script.  kernel: what its kernel statement says.  0, or -1 on a write error. */
int pmk_capture_write(const struct pmk_capture *c, const char *kernel, FILE *out);

struct pmk_capture_counts {
	uint64_t processes, mappings, pages, runs, frames;
};
struct pmk_capture_counts pmk_capture_count(const struct pmk_capture *c);

#endif /* PMK_CAPTURE_H */
