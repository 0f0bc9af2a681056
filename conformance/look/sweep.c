/* SPDX-License-Identifier: MIT */
/* sweep.c - reads it all. */
#include "sweep.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "procread.h"

#define CHUNK	    65536u /* words read at once */
#define REREADS	    5
#define MAPPING_MAX (1ull << 24) /* pages of one mapping: sanitizers reserve terabytes */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum pmk_invariant check(const struct pmk_sweep *s, pid_t pid, uint64_t word)
{
	return pid ? pmk_pagemap_check(&s->layout, word)
		   : pmk_kpageflags_check(s->layout.kernel, word);
}

/* A suspect is read again; still there, it is a breach. */
static void suspect(struct pmk_sweep *s, int fd, pid_t pid, uint64_t at, uint64_t word)
{
	struct pmk_breach breach = { .pid = pid, .at = at, .word = word };

	for (int i = 0; i < REREADS; i++) {
		if (pmk_proc_words(fd, at, 1, &breach.word) != 1)
			return;
		breach.invariant = check(s, pid, breach.word);
		if (breach.invariant == PMK_INV_OK)
			return;
	}
	if (pid)
		breach.at = at << s->page_shift;
	s->breaches++;
	s->breach(s->data, &breach);
}

/* ---- kpage* --------------------------------------------------------------------------------------- */

static void count_flags(struct pmk_sweep *s, const uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (uint64_t left = words[i]; left; left &= left - 1)
			s->flag[__builtin_ctzll(left)]++;
}

static void sweep_kpageflags(struct pmk_sweep *s, const char *root, uint64_t *words)
{
	int fd = pmk_proc_open(root, 0, "kpageflags");
	int64_t n;

	s->kpageflags_error = fd < 0 ? fd : 0;
	if (fd < 0)
		return;
	while ((n = pmk_proc_words(fd, s->frames, CHUNK, words)) > 0) {
		count_flags(s, words, (size_t)n);
		for (int64_t i = 0; i < n; i++)
			if (check(s, 0, words[i]) != PMK_INV_OK)
				suspect(s, fd, 0, s->frames + (uint64_t)i, words[i]);
		s->frames += (uint64_t)n;
		s->progress(s->data, s);
	}
	close(fd);
}

static void sweep_kpagecount(struct pmk_sweep *s, const char *root, uint64_t *words)
{
	int fd = pmk_proc_open(root, 0, "kpagecount");
	int64_t n;

	s->kpagecount_error = fd < 0 ? fd : 0;
	if (fd < 0)
		return;
	while ((n = pmk_proc_words(fd, s->counted, CHUNK, words)) > 0) {
		for (int64_t i = 0; i < n; i++) {
			s->mapped += pmk_kpagecount_mappings(words[i]) > 0;
			s->invalid += !pmk_kpagecount_valid(words[i]);
		}
		s->counted += (uint64_t)n;
		s->progress(s->data, s);
	}
	close(fd);
}

/* ---- processes ------------------------------------------------------------------------------------ */

static void sweep_mapping(struct pmk_sweep *s, int fd, pid_t pid, const struct pmk_maps_line *line,
			  uint64_t *words)
{
	uint64_t page = line->start >> s->page_shift, end = line->end >> s->page_shift;
	int64_t got;

	if (end - page > MAPPING_MAX) {
		s->cut += end - page - MAPPING_MAX;
		end = page + MAPPING_MAX;
	}
	while (page < end) {
		size_t n = end - page < CHUNK ? (size_t)(end - page) : CHUNK;

		got = pmk_proc_words(fd, page, n, words);
		if (got <= 0)
			return;
		pmk_batch_histogram(words, (size_t)got, &s->pages);
		for (int64_t i = 0; i < got; i++)
			if (check(s, pid, words[i]) != PMK_INV_OK)
				suspect(s, fd, pid, page + (uint64_t)i, words[i]);
		page += (uint64_t)got;
	}
}

static void sweep_maps(struct pmk_sweep *s, int fd, pid_t pid, const char *maps, int64_t len,
		       uint64_t *words)
{
	const char *end = maps + len;

	while (maps < end) {
		const char *newline = memchr(maps, '\n', (size_t)(end - maps));
		size_t n = (size_t)((newline ? newline : end) - maps);
		struct pmk_maps_line line;

		if (pmk_maps_parse(maps, n, &line) == 0)
			sweep_mapping(s, fd, pid, &line, words);
		maps += n + 1;
	}
}

static void sweep_process(struct pmk_sweep *s, const char *root, pid_t pid, uint64_t *words)
{
	int maps = pmk_proc_open(root, pid, "maps"), pagemap = pmk_proc_open(root, pid, "pagemap");
	char *text = NULL;
	int64_t len;

	if (maps >= 0 && pagemap >= 0)
		text = pmk_proc_text(maps, &len);
	if (text) {
		s->processes++;
		sweep_maps(s, pagemap, pid, text, len, words);
	} else if (maps == -EACCES || maps == -EPERM || pagemap == -EACCES || pagemap == -EPERM) {
		s->unreadable++;
	}
	free(text);
	if (maps >= 0)
		close(maps);
	if (pagemap >= 0)
		close(pagemap);
	s->progress(s->data, s);
}

int pmk_sweep_run(struct pmk_sweep *s, const char *root)
{
	DIR *dir = opendir(root);
	struct dirent *entry;
	uint64_t *words;
	double start = now();

	if (!dir)
		return -errno;
	words = pmk_alloc(CHUNK * sizeof(*words));
	sweep_kpageflags(s, root, words);
	sweep_kpagecount(s, root, words);
	s->kpage_seconds = now() - start;
	start = now();
	while ((entry = readdir(dir))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (isdigit((unsigned char)entry->d_name[0]) && !*end && pid > 0 && pid < INT_MAX)
			sweep_process(s, root, (pid_t)pid, words);
	}
	s->pagemap_seconds = now() - start;
	closedir(dir);
	free(words);
	return 0;
}
