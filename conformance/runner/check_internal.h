/* SPDX-License-Identifier: MIT */
/* check_internal.h - what the kinds of expectation share: one file each, check_*.c. */
#ifndef PMK_CHECK_INTERNAL_H
#define PMK_CHECK_INTERNAL_H

#include "pagemapkit.h"

#include "check.h"
#include "seen.h"
#include "symbols.h"

#define PMK_CHECK_WORDS 8192 /* how many words are read at once */

struct pmk_check {
	struct pmk_stage *stage;
	struct pmk_world *world;
	struct pmk_symbols *symbols;
	struct pmk_seen seen;
	uint64_t page_size;
	uint64_t *words, *frames; /* PMK_CHECK_WORDS each */
	bool open[PMK_FILE_COUNT]; /* the observer's handles: the number is the file's */
};

/* A stretch of pages or frames that a statement names, and how to read their words. */
struct pmk_check_source {
	int proc, handle;
};

enum pmk_outcome pmk_check_entry(struct pmk_check *c, const struct pmk_stmt *stmt,
				 struct pmk_text *why);
enum pmk_outcome pmk_check_frame(struct pmk_check *c, const struct pmk_stmt *stmt,
				 struct pmk_text *why);
enum pmk_outcome pmk_check_maps(struct pmk_check *c, const struct pmk_stmt *stmt,
				struct pmk_text *why);
enum pmk_outcome pmk_check_field(struct pmk_check *c, const struct pmk_stmt *stmt,
				 struct pmk_text *why);
enum pmk_outcome pmk_check_scanned(struct pmk_check *c, const struct pmk_stmt *stmt,
				   struct pmk_text *why);
enum pmk_outcome pmk_check_queried(struct pmk_check *c, const struct pmk_stmt *stmt,
				   struct pmk_text *why);

/* The subject and its region: PMK_DONE, or PMK_BROKEN. */
enum pmk_outcome pmk_check_region(struct pmk_check *c, const struct pmk_stmt *stmt,
				  const struct pmk_arg *range, int *ret_proc,
				  struct pmk_region *ret, struct pmk_text *why);
/* The spans of a range; a region without a list is one span, put into *whole. */
size_t pmk_check_spans(const struct pmk_arg *range, const struct pmk_region *region,
		       struct pmk_span *whole, const struct pmk_span **ret);

/* Opens the observer's handle of a file (of `proc`, when it is a process's): -errno or 0. */
int64_t pmk_check_open(struct pmk_check *c, enum pmk_file file, int proc);
void pmk_check_close(struct pmk_check *c, enum pmk_file file);
/* Reads n words from word number `at` on: how many there were before the end, or -errno. */
int64_t pmk_check_read(struct pmk_check *c, struct pmk_check_source source, uint64_t at, size_t n,
		       uint64_t *words);

/* The whole of a text file, by reading until the end, as everybody must; free() it. 0 or -errno. */
int64_t pmk_check_read_text(struct pmk_check *c, enum pmk_file file, int proc, char **ret,
			    size_t *ret_len);

/* What the statement expects, in the script's own words: "present exclusive pfn=A". */
void pmk_check_expected(const struct pmk_stmt *stmt, unsigned arg, struct pmk_text *text);
/* A pagemap word in the words of the language: "present exclusive". */
void pmk_check_entry_words(uint64_t word, struct pmk_text *text);
/* "EPERM", "end of file" for 0, "SIGSEGV", or the number. */
void pmk_check_result(int64_t result, struct pmk_text *text);
/* Whether a value is what an option with a number says (=, >). */
bool pmk_check_number(const struct pmk_arg *opt, uint64_t index, uint64_t value);

#endif
