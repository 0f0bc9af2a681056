/* SPDX-License-Identifier: MIT */
/*
 * diverge.h - random operations on the model and on the kernel, until they differ.
 *
 *   pair      diverge_compare.c  two worlds in step: each request goes to both, then all that can be seen
 *			          is compared.  What no kernel promises is data: diverge_masks.def
 *   generator diverge_gen.c      the next operation, made from the model's state: diverge_ops.def
 *   runner    diverge.c          scripts of operations, replays, the campaign and its counts
 *   shrinker  diverge_shrink.c   a script that still shows the same difference, as short as it gets
 *   writer    diverge_script.c   a script in the language, with what the kernel shows; and back again
 *
 * Operations are plain data about pages of one arena, so any part of a script is a script.
 */
#ifndef PMK_DIVERGE_H
#define PMK_DIVERGE_H

#include "rules.h"
#include "world_live.h"

/* The arena: below every binary's own mappings, so first in maps.  A narrow one lies across a border of PMDs, so
 * of page tables; a wide one begins there and is four of them. */
#define PMK_ARENA_BORDER ((uint64_t)0x20000000)
#define PMK_ARENA_NARROW 96u
#define PMK_ARENA_WIDE	 2048u
#define PMK_PAIR_PROCS	 24 /* processes of one script, dead ones included */

enum { PMK_SIDE_MODEL, PMK_SIDE_KERNEL, PMK_SIDES };

/* ---- differences -------------------------------------------------------------------------------- */

enum pmk_aspect {
#define ASPECT(id, word, text) PMK_ASPECT_##id,
#include "diverge_masks.def"
	PMK_ASPECT_COUNT
};
extern const char *const pmk_aspect_word[PMK_ASPECT_COUNT];

struct pmk_difference {
	enum pmk_aspect aspect;
	uint64_t bits; /* which flags differ: two differences are alike when aspect and bits are */
	int proc;
	uint64_t page; /* of the address space */
	int64_t result[PMK_SIDES]; /* of the request */
	char text[200];
};

static inline bool pmk_difference_alike(const struct pmk_difference *a,
					const struct pmk_difference *b)
{
	return a->aspect == b->aspect && a->bits == b->bits;
}

/* ---- the pair ----------------------------------------------------------------------------------- */

struct pmk_pair;
/* Owns neither world. */
struct pmk_pair *pmk_pair_create(struct pmk_world *model, struct pmk_world *kernel,
				 const struct pmk_profile *profile);
void pmk_pair_destroy(struct pmk_pair *pair);
/* Whether the kernel has a feature, -1: none (PMK_ANY). */
bool pmk_pair_has(const struct pmk_pair *pair, int feature);
/* Both worlds forget everything; nothing is watched. 0, or -1 and *err. */
int pmk_pair_reset(struct pmk_pair *pair, struct pmk_error *err);
/* These pages of every process are compared from now on. */
void pmk_pair_watch(struct pmk_pair *pair, uint64_t page, uint64_t n);
/* Does the request in both worlds and compares.  True: they agree; false: *ret says where not. */
bool pmk_pair_do(struct pmk_pair *pair, const struct pmk_request *request,
		 struct pmk_difference *ret);
/* In haste kpageflags and kpagecount are asked for what the model says something new of, and now and then for all. */
void pmk_pair_hurry(struct pmk_pair *pair, bool on);
/* In haste all is looked at after every n requests only; results are compared always. */
void pmk_pair_look_every(struct pmk_pair *pair, unsigned n);
bool pmk_pair_alive(const struct pmk_pair *pair, int proc);
int pmk_pair_objects(const struct pmk_pair *pair); /* how many have been made */
struct pmk_machine *pmk_pair_machine(const struct pmk_pair *pair);
/* The address space of a living process in the model. */
struct pmk_mm *pmk_pair_mm(const struct pmk_pair *pair, int proc);
struct pmk_world *pmk_pair_world(const struct pmk_pair *pair, int side);
struct pmk_profile *pmk_pair_profile(struct pmk_pair *pair);
/* Reads all entries and maps of the kernel anew, for the three below. */
void pmk_pair_look(struct pmk_pair *pair);
/* The kernel's entry of a watched page; 0 when it is not watched. */
uint64_t pmk_pair_entry(const struct pmk_pair *pair, int proc, uint64_t page);
const char *pmk_pair_maps(const struct pmk_pair *pair, int proc);
uint64_t pmk_pair_kpage(struct pmk_pair *pair, enum pmk_file file, uint64_t pfn);
/* How many swap areas have been seen. */
unsigned pmk_pair_areas(const struct pmk_pair *pair);

/* ---- operations --------------------------------------------------------------------------------- */

enum pmk_op_id {
#define OPERATION(id, word, set, weight, request, advice, needs) PMK_OP_##id,
#include "diverge_ops.def"
	PMK_OP_COUNT
};

struct pmk_op {
	enum pmk_op_id id;
	int proc;
	unsigned page, n; /* of the arena; OBJECT: n is its size */
	unsigned prot;
	bool shared, dontunmap, on; /* on: THP; KSM: with zero pages; UFFD_SYNC: UNPOPULATED, too */
	int object; /* MMAP: -1 anonymous; OBJECT: its number */
	int to; /* MREMAP: where to, -1: in place; MMAP: the offset; FORK: the child; FILL: the first content's number */
	/* MREMAP; MMAP: 1: the object is a file; FILL: enum pmk_content; CLEAR_REFS: what is written */
	unsigned new_n;
};

struct pmk_op_info {
	const char *word;
	unsigned set, weight;
	int request; /* enum pmk_request_code */
	int advice; /* of madvise, or -1 */
	int needs; /* enum pmk_feature, or -1 */
};
#define PMK_ANY (-1)
extern const struct pmk_op_info pmk_op_info[PMK_OP_COUNT];
extern const char *const pmk_op_set[10]; /* what the sets 1 to 9 are about */

struct pmk_theme {
	const char *word;
	bool wide; /* the arena that it takes */
	const char *ops; /* with commas between them */
};
extern const struct pmk_theme pmk_theme[];
extern const size_t pmk_theme_count;

/* The request that an operation is; arena: the address of its first page. */
struct pmk_request pmk_op_request(const struct pmk_op *op, uint64_t arena, uint64_t page_size);
/* "p: mprotect arena[3-4] r--" */
void pmk_op_text(const struct pmk_op *op, uint64_t arena, uint64_t page_size, char *buf,
		 size_t size);
extern const char *const pmk_op_proc_name[PMK_PAIR_PROCS];

/* ---- the generator ------------------------------------------------------------------------------ */

#define PMK_OPS_MAX 400 /* of a script */

struct pmk_gen {
	uint64_t state; /* of the random numbers */
	bool allowed[PMK_OP_COUNT];
	bool files; /* there is a file system for them */
	bool danger; /* what may harm the kernel may be asked for, too */
	unsigned weight[PMK_OP_COUNT], total;
	int nprocs, nobjects;
	unsigned pages; /* of this script's arena */
	struct pmk_op last; /* what was made last, */
	bool wanted; /* and is to be of huge pages */
	unsigned rounds; /* of ksmd */
	bool patterns; /* pages get contents other than zeros */
	int content; /* the next distinct one */
	struct {
		unsigned pages;
		bool file;
	} object[8];
};

/* only: "1" .. "9" for the sets up to it, or operations separated by commas; NULL: all. 0, -1 and *err. */
int pmk_gen_init(struct pmk_gen *gen, uint64_t seed, const char *only, struct pmk_error *err);
/* Leaves out what the kernel has not. */
void pmk_gen_limit(struct pmk_gen *gen, const struct pmk_pair *pair);
/* A new script with weights of its own: how many operations it shall have. */
unsigned pmk_gen_script(struct pmk_gen *gen);
void pmk_gen_next(struct pmk_gen *gen, const struct pmk_pair *pair, struct pmk_op *ret);

/* ---- running, shrinking, writing ---------------------------------------------------------------- */

struct pmk_ops {
	struct pmk_op op[PMK_OPS_MAX];
	unsigned n;
	unsigned pages; /* of the arena: PMK_ARENA_NARROW or PMK_ARENA_WIDE */
};

/* Starts a script: one process, an arena of so many pages. 0 or -1 and *err. */
int pmk_ops_begin(struct pmk_pair *pair, unsigned pages, struct pmk_error *err);
/* The address of the arena that was begun. */
uint64_t pmk_ops_arena(const struct pmk_pair *pair, unsigned pages);
/* Does one operation, unless who shall do it is not alive.  False: *ret. */
bool pmk_ops_step(struct pmk_pair *pair, unsigned pages, const struct pmk_op *op,
		  struct pmk_difference *ret);
/* Runs all from the start: the index of the operation after which the worlds differ, or -1. */
int pmk_ops_run(struct pmk_pair *pair, const struct pmk_ops *ops, struct pmk_difference *ret);
/* Makes the script as short as it gets while the difference stays alike. How many runs that took. */
unsigned pmk_ops_shrink(struct pmk_pair *pair, struct pmk_ops *ops,
			const struct pmk_difference *difference);
/* The script in the language, with what the kernel shows after the last operation. */
int pmk_ops_write(struct pmk_pair *pair, const struct pmk_ops *ops,
		  const struct pmk_difference *difference, FILE *out, struct pmk_error *err);
/* Plays a script of the language in both worlds.  0: they agree; 1: *ret; -1: *err. */
int pmk_pair_replay(struct pmk_pair *pair, const char *path, struct pmk_difference *ret,
		    unsigned *ret_line, struct pmk_error *err);

struct pmk_campaign {
	struct pmk_pair *pair;
	const char *only, *keep;
	uint64_t seed, ops;
	double limit; /* seconds after which no script is begun; 0: none */
	unsigned stop; /* after so many real differences */
	unsigned every; /* operations from one look to the next; 0: 1 */
	bool quiet;
	/* what came of it */
	uint64_t done, scripts, runs;
	unsigned real, flaky[PMK_ASPECT_COUNT], nflaky;
	uint64_t first; /* operations until the first real difference */
	double seconds;
	uint64_t cover[PMK_RULE_COUNT];
};
/* 0, or -1 and *err. */
int pmk_campaign_run(struct pmk_campaign *campaign, struct pmk_error *err);

#endif
