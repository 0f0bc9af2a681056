/*
 * script.h - the script language: text to statements and back.
 *
 * A script is a sequence of lines, one statement a line; pmk(5) is its manual, statements.def its
 * grammar.  The parser knows shapes and words, not whether a region exists: that is the stage's
 * business (stage.h).  It reads statement by statement, so a script of any length costs the memory of
 * one line.
 *
 * Ownership: a statement's texts and lists live in its parser until the next pmk_parser_next(), or
 * in the script that pmk_script_parse() made until pmk_script_destroy().
 * Errors: functions return 0 or -1 and fill a struct pmk_error: what, where, and what was expected.
 */
#ifndef PMK_SCRIPT_H
#define PMK_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What went wrong and where.  line and col count from 1; 0: not about a line. */
struct pmk_error {
	char file[128];
	unsigned line, col;
	char text[256];
};
/* Fills *err; a NULL err is fine.  Returns -1, so that callers can return it. */
int pmk_error_set(struct pmk_error *err, const char *file, unsigned line, unsigned col,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));
/* "file:line:col: text", without the parts that are not there. snprintf-like. */
size_t pmk_error_format(const struct pmk_error *err, char *buf, size_t size);

enum pmk_stmt_kind { PMK_META, PMK_GIVEN, PMK_OP, PMK_CALL, PMK_FAULT, PMK_EXPECT };
enum pmk_subject { PMK_NOBODY, PMK_PROCESS, PMK_ANYBODY };

enum pmk_stmt_id {
#define STATEMENT(id, kind, subject, word, args, opts, summary) PMK_STMT_##id,
#include "statements.def"
#undef STATEMENT
	PMK_STMT_COUNT
};

enum pmk_arg_type {
#define STATEMENT(id, kind, subject, word, args, opts, summary)
#define ARGUMENT(type, grammar, expected) PMK_ARG_##type,
#include "statements.def"
#undef STATEMENT
	PMK_ARG_COUNT
};

enum pmk_opt_id {
#define STATEMENT(id, kind, subject, word, args, opts, summary)
#define OPTION(id, key, type, meaning) PMK_OPT_##id,
#include "statements.def"
#undef STATEMENT
	PMK_OPT_TOTAL /* PMK_OPT_COUNT is the option count= */
};

/* How an option's value is written. */
enum pmk_value_type {
	PMK_VALUE_NONE,
	PMK_VALUE_FLAG,
	PMK_VALUE_NUMBER,
	PMK_VALUE_SYMBOL,
	PMK_VALUE_NAME,
	PMK_VALUE_PROC,
	PMK_VALUE_HANDLE,
	PMK_VALUE_WORD,
	PMK_VALUE_STRING,
	PMK_VALUE_CATEGORIES, /* n is the mask; text as written */
	PMK_VALUE_ADDRESS,
};

#define PMK_ARGS_MAX 5
#define PMK_OPTS_MAX 14

/* One row of statements.def, for the parser, the printer and the manual. */
struct pmk_stmt_info {
	const char *word;
	enum pmk_stmt_kind kind;
	enum pmk_subject subject;
	uint8_t args[PMK_ARGS_MAX + 1]; /* enum pmk_arg_type, ends with PMK_ARG_NONE */
	uint8_t opts[PMK_OPTS_MAX + 1]; /* enum pmk_opt_id, ends with PMK_OPT_NONE */
	const char *summary;
};
extern const struct pmk_stmt_info pmk_stmt_info[PMK_STMT_COUNT];

struct pmk_arg_info {
	const char *grammar, *expected;
};
extern const struct pmk_arg_info pmk_arg_info[PMK_ARG_COUNT];

struct pmk_opt_info {
	const char *key;
	enum pmk_value_type type;
	const char *meaning;
};
extern const struct pmk_opt_info pmk_opt_info[PMK_OPT_TOTAL];

/* [first, last], both inclusive: of pages in a page list, of PFNs in a PFN list. */
struct pmk_span {
	uint64_t first, last;
};

enum pmk_base {
	PMK_BASE_NUMBER, /* POSITION: n.  FRAMES: a PFN list in spans */
	PMK_BASE_REGION, /* text is the region; spans its pages, none: all of it */
	PMK_BASE_EOF,
	PMK_BASE_HOLE,
};

/* An argument or an option's value.  Which fields mean something follows from the type. */
struct pmk_arg {
	enum pmk_base base;
	unsigned col;
	const char *text; /* names, words, strings; NULL when a number was written */
	size_t text_len; /* strings may hold NUL bytes ("\0") */
	uint64_t n; /* numbers; enumerated words (PERMS, ADVICE, ...): their value;
				      * HANDLE: enum pmk_file, or PMK_FILE_COUNT for a handle */
	bool negative; /* a number with '-': n is its magnitude */
	bool greater; /* an option written "key>value" */
	int64_t delta; /* POSITION, ADDRESS: what +N or -N adds */
	const struct pmk_arg *to; /* EXTENT written ADDRESS..ADDRESS: its end; else NULL */
	const struct pmk_span *span; /* RANGE, FRAMES, PFNS, NUMBERS (first only) */
	size_t nspans;
	/* ENTRYWORDS (masks of PMK_PAGEMAP_*), FRAMEWORDS (masks of PMK_KPF_*).  Entry words of an
	 * EXPECT put every known flag into exactly one of the three; without a word (only options) all
	 * are free.  Of a GIVEN: what is not set is clear.  Frame words: only what was named.
	 * CATEGORYWORDS (masks of PMK_SCAN_*): set. */
	uint64_t set, clear, free;
	const char *const *words; /* of the types that end in WORDS: as written, for the printer */
	size_t nwords;
};

enum pmk_result_kind { PMK_RESULT_NONE, PMK_RESULT_VALUE, PMK_RESULT_ERRNO, PMK_RESULT_SIGNAL };

struct pmk_stmt {
	enum pmk_stmt_id id;
	unsigned line;
	const char *subject; /* NULL: none */
	unsigned subject_col;
	unsigned nargs;
	const struct pmk_arg *arg; /* nargs of them */
	const struct pmk_arg
		*opt; /* indexed like info->opts; col 0: not written; NULL: no options */
	struct {
		enum pmk_result_kind kind;
		int64_t value; /* the value, the errno, the signal number */
		unsigned col;
	} result;
	const char *const *when; /* conditions: feature or !feature */
	size_t nwhen;
	unsigned when_col;
	const char *comment; /* the comment at the end of the line, without '#'; or NULL */
	const char *const *above; /* comment ("#...") and blank ("") lines right above, in order */
	size_t nabove;
};

/* The option `id` of the statement, or NULL when it was not written. */
const struct pmk_arg *pmk_stmt_opt(const struct pmk_stmt *stmt, enum pmk_opt_id id);

/* ---- reading -------------------------------------------------------------------------------- */

struct pmk_parser; /* one pass over a text that the caller keeps alive */
struct pmk_parser *pmk_parser_create(const char *file, const char *text, size_t len);
void pmk_parser_destroy(struct pmk_parser *parser);
/* 1: *ret is the next statement; 0: the end; -1: error.  After an error the parser has ended: 0. */
int pmk_parser_next(struct pmk_parser *parser, struct pmk_stmt *ret, struct pmk_error *err);
/* The comment and blank lines after the last statement, once next() has returned 0. */
size_t pmk_parser_trailer(struct pmk_parser *parser, const char *const **ret);

/* A line may be so long, in the canonical form too: whatever was parsed can be printed and parsed. */
#define PMK_LINE_MAX 65536u

/* A whole script in memory. */
struct pmk_script {
	char *file;
	struct pmk_stmt *stmt;
	size_t nstmts;
	const char *const *trailer;
	size_t ntrailer;
	void *memory;
};
/* NULL and *err on failure.  E.g. "x.pmk:3:4: unknown statement 'mpa'; did you mean 'map'?" */
struct pmk_script *pmk_script_parse(const char *file, const char *text, size_t len,
				    struct pmk_error *err);
/* Reads the file (at most PMK_SCRIPT_SIZE_MAX bytes) or the scenario (scenario.h), then as above. */
struct pmk_script *pmk_script_load(const char *path, struct pmk_error *err);
void pmk_script_destroy(struct pmk_script *script);
#define PMK_SCRIPT_SIZE_MAX (256u << 20)
/* The bytes of a file, NUL-terminated; free() them.  "-" is standard input. */
char *pmk_file_read(const char *path, size_t max, size_t *ret_len, struct pmk_error *err);

/* ---- writing -------------------------------------------------------------------------------- */

/* The canonical form of one statement with the comments above it, newline included. snprintf-like. */
size_t pmk_stmt_print(const struct pmk_stmt *stmt, char *buf, size_t size);
/* The canonical form of the script; parse, print, parse is a fixpoint. 0, or -1 on a write error. */
int pmk_script_print(const struct pmk_script *script, FILE *out);
/* The manual page pmk(5) as roff, from the tables. 0, or -1 on a write error. */
int pmk_manual_print(FILE *out);

/* ---- words ---------------------------------------------------------------------------------- */

/* Names and values of errnos and signals ("EINVAL", "SIGSEGV"): value, or -1 / NULL if unknown. */
int pmk_errno_value(const char *name, size_t len);
const char *pmk_errno_name(int value);
int pmk_signal_value(const char *name, size_t len);
const char *pmk_signal_name(int value);

#define PMK_PERM_R 1u
#define PMK_PERM_W 2u
#define PMK_PERM_X 4u

enum pmk_backing {
	PMK_BACKING_ANON,
	PMK_BACKING_FILE,
	PMK_BACKING_MEMFD,
	PMK_BACKING_HUGETLB, /* anonymous, MAP_HUGETLB */
	PMK_BACKING_SECRET, /* memfd_secret(2) */
};
enum pmk_file {
	PMK_FILE_PAGEMAP,
	PMK_FILE_MAPS,
	PMK_FILE_CLEAR_REFS,
	PMK_FILE_KPAGECOUNT,
	PMK_FILE_KPAGEFLAGS,
	PMK_FILE_KPAGECGROUP,
	PMK_FILE_MAIN_COUNT, /* the files that all this is about; companions follow */
	PMK_FILE_SMAPS = PMK_FILE_MAIN_COUNT,
	PMK_FILE_STATUS,
	PMK_FILE_STAT,
	PMK_FILE_COMM,
	PMK_FILE_SWAPS,
	PMK_FILE_PAGE_IDLE, /* of sysfs: kernel/mm/page_idle/bitmap */
	PMK_FILE_COUNT
};
extern const char *const pmk_file_name[PMK_FILE_COUNT];
static inline bool pmk_file_is_kpage(enum pmk_file file)
{
	return file >= PMK_FILE_KPAGECOUNT && file <= PMK_FILE_KPAGECGROUP;
}
/* enum pmk_advice: words.def has the advice words with the values of madvise(2); other enumerated
 * words (FILEOP, FAILURE, WHENCE, CAPABILITY, WORLD, SHARING) have theirs there too. */
/* How a proc is mounted: hidepid= of proc(5) by its names, and subset=pid. */
enum pmk_procopt {
	PMK_PROC_NOACCESS = 1,
	PMK_PROC_INVISIBLE = 2,
	PMK_PROC_PTRACEABLE = 4,
	PMK_PROC_SUBSET = 8,
};
enum pmk_content { PMK_CONTENT_ZEROS, PMK_CONTENT_SAME, PMK_CONTENT_DISTINCT };
enum pmk_fileop {
	PMK_FILEOP_OPEN,
	PMK_FILEOP_READ,
	PMK_FILEOP_LSEEK,
	PMK_FILEOP_WRITE,
	PMK_FILEOP_IOCTL
};
/* System calls by name: what they do stands in syscalls.def. */
enum pmk_syscall {
#define SYSCALL(id, ...) PMK_SYSCALL_##id,
#include "syscalls.def"
#undef SYSCALL
	PMK_SYSCALL_COUNT
};
enum pmk_uffd_op {
	PMK_UFFD_REGISTER,
	PMK_UFFD_UNREGISTER,
	PMK_UFFD_PROTECT,
	PMK_UFFD_UNPROTECT,
	PMK_UFFD_POISON,
};
#define PMK_FAILURE_SHORT 1000u
#define PMK_FAILURE_EXIT  1001u
enum pmk_world_id { PMK_WORLD_MODEL, PMK_WORLD_MOCK, PMK_WORLD_KERNEL, PMK_WORLD_COUNT };

#endif /* PMK_SCRIPT_H */
