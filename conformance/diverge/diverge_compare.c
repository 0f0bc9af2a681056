/* SPDX-License-Identifier: MIT */
/*
 * diverge_compare.c - two worlds in step: each request goes to both, then all that can be seen is compared.
 *
 * Frames, swap slots and inodes have other numbers in each world: a number of the one must always go with
 * the same number of the other, as long as an entry refers to it (a bijection).
 */
#define _GNU_SOURCE 1
#include "diverge.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc.h"
#include "machine.h"
#include "pagemapkit.h"

#define WINDOWS_MAX 32
#define FRAMES_MAX  (4 * PMK_ARENA_WIDE)
#define MAPS_SIZE   16384
#define MAPS_MORE   256 /* bytes that are read once more */
#define SPAN	    1024 /* frames of one read */
#define FLAGS_MASK  (~0ull << 55)

const char *const pmk_aspect_word[PMK_ASPECT_COUNT] = {
#define ASPECT(id, word, text) [PMK_ASPECT_##id] = word,
#include "diverge_masks.def"
};

/* Requests after which frames go by other names. */
static bool renames(enum pmk_request_code code)
{
	switch (code) {
#define RENAMES(request, reason) case PMK_REQ_##request:
#include "diverge_masks.def"
		return true;
	default:
		return false;
	}
}

/* Masks of one verdict: KPAGEFLAG(name, IGNORE, reason) counts where IGNORE does. */
#define KPAGEFLAG(name, verdict, reason) verdict(PMK_KPF_##name##_MASK) |
#define DEMAND(mask)			 0
#define MEMORY(mask)			 0
#define IGNORE(mask)			 (mask)
static const uint64_t kpageflags_ignored =
#include "diverge_masks.def"
	0;
#undef MEMORY
#undef IGNORE
#define KPAGEFLAG(name, verdict, reason) verdict(PMK_KPF_##name##_MASK) |
#define MEMORY(mask)			 (mask)
#define IGNORE(mask)			 0
static const uint64_t kpageflags_of_memory =
#include "diverge_masks.def"
	0;
#undef DEMAND
#undef MEMORY
#undef IGNORE

/* ---- bijections --------------------------------------------------------------------------------- */

#define TABLE_SIZE 32768u /* more than a round can name; a power of two */

struct pairing {
	uint64_t key, other;
	uint32_t round; /* when it was last seen; 0: never used */
};

struct bijection {
	struct pairing side[PMK_SIDES][TABLE_SIZE];
	unsigned used; /* places that are not empty, at most */
};

/* The place of the key: its own, or a free or stale one. */
static struct pairing *pairing_at(struct pairing *table, uint64_t key, uint32_t round)
{
	size_t at = (size_t)(key * 0x9e3779b97f4a7c15ull >> 40) & (TABLE_SIZE - 1);
	struct pairing *stale = NULL;

	for (size_t i = 0; i < TABLE_SIZE; i++, at = (at + 1) & (TABLE_SIZE - 1)) {
		struct pairing *p = &table[at];

		if (!p->round)
			return stale ? stale : p;
		if (p->key == key)
			return p;
		if (!stale && p->round + 1 < round)
			stale = p;
	}
	return stale ? stale : &table[at];
}

/* Whether the two numbers may go together in this round. The model's keeps its partner from one round to the
 * next; the kernel may give a number that was freed meanwhile to another. */
static bool pair_up(struct bijection *b, uint64_t model, uint64_t kernel, uint32_t round)
{
	struct pairing *m = pairing_at(b->side[PMK_SIDE_MODEL], model, round);
	struct pairing *k = pairing_at(b->side[PMK_SIDE_KERNEL], kernel, round);
	bool known = m->round && m->key == model && m->round + 1 >= round;

	if (known && m->other != kernel)
		return false;
	if (k->round == round && k->key == kernel && k->other != model)
		return false;
	b->used += !m->round + !k->round;
	*m = (struct pairing){ model, kernel, round };
	*k = (struct pairing){ kernel, model, round };
	return true;
}

/* Between scripts: stale names make for long ways. */
static void tidy(struct bijection *b)
{
	if (b->used > TABLE_SIZE / 8)
		memset(b, 0, sizeof(*b));
}

/* ---- the pair ----------------------------------------------------------------------------------- */

struct window {
	uint64_t page, n, first; /* first: index into the words of a process */
};

struct proc {
	bool alive;
	int pid; /* in the model */
	char maps[PMK_SIDES][MAPS_SIZE];
	int64_t maps_len[PMK_SIDES];
	uint64_t *word[PMK_SIDES];
};

/* Frames that follow one another on both sides, and in a process. */
struct frames {
	uint64_t pfn[PMK_SIDES], n;
	int proc;
	uint64_t page;
};

/* What the model said of a frame when the kernel was last asked, and said the same. */
struct known {
	uint64_t pfn[PMK_SIDES], flags, count;
	uint32_t script;
};
#define KNOWN_SIZE 8192 /* a power of two */

struct pmk_pair {
	struct pmk_world *world[PMK_SIDES];
	struct pmk_profile profile;
	struct window window[WINDOWS_MAX];
	unsigned nwindows;
	uint64_t nwords, page_size;
	struct proc proc[PMK_PAIR_PROCS];
	int nprocs, nobjects;
	uint64_t flags_ignored; /* pagemap bits that are not compared */
	uint64_t untold; /* likewise of kpageflags */
	bool scans; /* whether there is PAGEMAP_SCAN */
	bool frames_shown; /* whether the kernel lets us see PFNs */
	struct bijection frames, slots, inodes;
	uint32_t round,
		script; /* script: the round of inodes, which keep their names all through a script */
	uint32_t areas; /* swap areas that have been seen, a bit each */
	struct frames frame[FRAMES_MAX];
	size_t nframes;
	bool hasty;
	unsigned every,
		unseen; /* in haste: requests from one look to the next, and since the last */
	struct known known[KNOWN_SIZE];
};

/* Of the observer: three for each process. */
enum { HANDLE_KPAGEFLAGS, HANDLE_KPAGECOUNT, HANDLE_PROC };
enum { OF_PAGEMAP, OF_MAPS, OF_CLEAR_REFS, OF_COUNT };

static int handle_of(int proc, int which)
{
	return HANDLE_PROC + OF_COUNT * proc + which;
}

struct pmk_pair *pmk_pair_create(struct pmk_world *model, struct pmk_world *kernel,
				 const struct pmk_profile *profile)
{
	struct pmk_pair *pair = pmk_calloc(1, sizeof(*pair));

	pair->world[PMK_SIDE_MODEL] = model;
	pair->world[PMK_SIDE_KERNEL] = kernel;
	pair->profile = *profile;
	pair->page_size = pmk_profile_page_size(profile);
	pair->scans = pmk_profile_has(profile, PMK_Q_SCAN);
	pair->frames_shown = kernel->ops->has(kernel, PMK_F_ROOT, NULL);
	pair->round = pair->script = 2;
#define UNTOLD(name, quirk, reason)                  \
	if (pmk_profile_has(profile, PMK_Q_##quirk)) \
		pair->untold |= PMK_KPF_##name##_MASK;
#include "diverge_masks.def"
	return pair;
}

void pmk_pair_destroy(struct pmk_pair *pair)
{
	if (!pair)
		return;
	for (int p = 0; p < PMK_PAIR_PROCS; p++)
		for (int side = 0; side < PMK_SIDES; side++)
			free(pair->proc[p].word[side]);
	free(pair);
}

unsigned pmk_pair_areas(const struct pmk_pair *pair)
{
	return (unsigned)__builtin_popcount(pair->areas);
}

bool pmk_pair_has(const struct pmk_pair *pair, int feature)
{
	struct pmk_world *kernel = pair->world[PMK_SIDE_KERNEL];

	if (feature == PMK_ANY)
		return true;
	if (feature < PMK_QUIRK_COUNT)
		return pmk_profile_has(&pair->profile, (enum pmk_feature)feature);
	return kernel->ops->has(kernel, (enum pmk_feature)feature, NULL);
}

bool pmk_pair_alive(const struct pmk_pair *pair, int proc)
{
	return proc >= 0 && proc < pair->nprocs && pair->proc[proc].alive;
}

struct pmk_world *pmk_pair_world(const struct pmk_pair *pair, int side)
{
	return pair->world[side];
}

struct pmk_profile *pmk_pair_profile(struct pmk_pair *pair)
{
	return &pair->profile;
}

struct pmk_machine *pmk_pair_machine(const struct pmk_pair *pair)
{
	struct pmk_world *w = pair->world[PMK_SIDE_MODEL];

	return w->ops->machine(w);
}

int pmk_pair_objects(const struct pmk_pair *pair)
{
	return pair->nobjects;
}

struct pmk_mm *pmk_pair_mm(const struct pmk_pair *pair, int proc)
{
	return pmk_task_find(pmk_pair_machine(pair), pair->proc[proc].pid)->mm;
}

void pmk_pair_hurry(struct pmk_pair *pair, bool on)
{
	pair->hasty = on;
}

void pmk_pair_look_every(struct pmk_pair *pair, unsigned n)
{
	pair->every = n;
}

void pmk_pair_watch(struct pmk_pair *pair, uint64_t page, uint64_t n)
{
	for (unsigned i = 0; i < pair->nwindows; i++)
		if (page >= pair->window[i].page &&
		    page + n <= pair->window[i].page + pair->window[i].n)
			return;
	if (pair->nwindows == WINDOWS_MAX || n > 4096)
		return;
	pair->window[pair->nwindows++] = (struct window){ page, n, pair->nwords };
	pair->nwords += n;
	for (int p = 0; p < PMK_PAIR_PROCS; p++)
		for (int side = 0; side < PMK_SIDES; side++)
			pair->proc[p].word[side] =
				pmk_realloc(pair->proc[p].word[side], pair->nwords, 8);
}

uint64_t pmk_pair_entry(const struct pmk_pair *pair, int proc, uint64_t page)
{
	for (unsigned i = 0; i < pair->nwindows; i++)
		if (page - pair->window[i].page < pair->window[i].n)
			return pair->proc[proc].word[PMK_SIDE_KERNEL][pair->window[i].first + page -
								      pair->window[i].page];
	return 0;
}

/* ---- files -------------------------------------------------------------------------------------- */

static int64_t call(struct pmk_pair *pair, int side, struct pmk_request *r)
{
	r->proc = PMK_OBSERVER;
	return pmk_world_request(pair->world[side], r);
}

static int64_t open_file(struct pmk_pair *pair, int handle, enum pmk_file file, int flags, int proc)
{
	for (int side = 0; side < PMK_SIDES; side++) {
		struct pmk_request r = { .code = PMK_REQ_OPEN,
					 .handle = handle,
					 .file = file,
					 .a = { flags, 0, 0, proc } };
		int64_t err = call(pair, side, &r);

		if (err)
			return err;
	}
	return 0;
}

static void close_file(struct pmk_pair *pair, int handle)
{
	for (int side = 0; side < PMK_SIDES; side++) {
		struct pmk_request r = { .code = PMK_REQ_CLOSE, .handle = handle };

		call(pair, side, &r);
	}
}

static int64_t read_file(struct pmk_pair *pair, int side, int handle, uint64_t pos, void *buf,
			 uint64_t len)
{
	struct pmk_request r = {
		.code = PMK_REQ_PREAD, .handle = handle, .pos = (int64_t)pos, .buf = buf, .len = len
	};

	return call(pair, side, &r);
}

static void proc_open(struct pmk_pair *pair, int proc)
{
	struct proc *p = &pair->proc[proc];

	open_file(pair, handle_of(proc, OF_PAGEMAP), PMK_FILE_PAGEMAP, O_RDONLY, proc);
	open_file(pair, handle_of(proc, OF_MAPS), PMK_FILE_MAPS, O_RDONLY, proc);
	open_file(pair, handle_of(proc, OF_CLEAR_REFS), PMK_FILE_CLEAR_REFS, O_WRONLY, proc);
	p->maps_len[0] = p->maps_len[1] = -1;
}

static void proc_close(struct pmk_pair *pair, int proc)
{
	for (int which = 0; which < OF_COUNT; which++)
		close_file(pair, handle_of(proc, which));
}

int pmk_pair_reset(struct pmk_pair *pair, struct pmk_error *err)
{
	struct pmk_profile right = pair->profile;

	right.mutant = 0; /* where the other side is a model, too */
	if (pair->world[PMK_SIDE_MODEL]->ops->reset(pair->world[PMK_SIDE_MODEL], &pair->profile,
						    err) ||
	    pair->world[PMK_SIDE_KERNEL]->ops->reset(pair->world[PMK_SIDE_KERNEL], &right, err))
		return -1;
	for (int p = 0; p < pair->nprocs; p++)
		pair->proc[p].alive = false;
	pair->nprocs = pair->nobjects = 0;
	pair->nwindows = 0;
	pair->nwords = 0;
	pair->round += 2; /* whatever had a name has none any more */
	pair->script += 2;
	tidy(&pair->frames);
	tidy(&pair->slots);
	tidy(&pair->inodes);
	pair->flags_ignored = 0;
	if (!pmk_profile_has(&pair->profile, PMK_Q_SOFT_DIRTY))
		pair->flags_ignored |= PMK_PAGEMAP_SOFT_DIRTY_MASK;
	if (pair->frames_shown &&
	    (open_file(pair, HANDLE_KPAGEFLAGS, PMK_FILE_KPAGEFLAGS, O_RDONLY, 0) ||
	     open_file(pair, HANDLE_KPAGECOUNT, PMK_FILE_KPAGECOUNT, O_RDONLY, 0)))
		return pmk_error_set(err, NULL, 0, 0, "kpageflags or kpagecount: cannot be opened");
	return 0;
}

static int64_t read_maps(struct pmk_pair *pair, int side, int proc, char text[MAPS_SIZE]);

void pmk_pair_look(struct pmk_pair *pair)
{
	for (int i = 0; i < pair->nprocs; i++) {
		struct proc *p = &pair->proc[i];

		if (!p->alive)
			continue;
		for (unsigned w = 0; w < pair->nwindows; w++)
			read_file(pair, PMK_SIDE_KERNEL, handle_of(i, OF_PAGEMAP),
				  pair->window[w].page * 8,
				  p->word[PMK_SIDE_KERNEL] + pair->window[w].first,
				  pair->window[w].n * 8);
		read_maps(pair, PMK_SIDE_KERNEL, i, p->maps[PMK_SIDE_KERNEL]);
	}
}

const char *pmk_pair_maps(const struct pmk_pair *pair, int proc)
{
	return pair->proc[proc].maps[PMK_SIDE_KERNEL];
}

uint64_t pmk_pair_kpage(struct pmk_pair *pair, enum pmk_file file, uint64_t pfn)
{
	uint64_t word = 0;

	read_file(pair, PMK_SIDE_KERNEL,
		  file == PMK_FILE_KPAGEFLAGS ? HANDLE_KPAGEFLAGS : HANDLE_KPAGECOUNT, pfn * 8,
		  &word, 8);
	return word;
}

/* ---- comparing ---------------------------------------------------------------------------------- */

/* One comparison: where it is, and the difference that it finds. */
struct look {
	struct pmk_pair *pair;
	struct pmk_difference *ret;
	int proc;
	uint64_t page;
};

static bool differ(const struct look *look, enum pmk_aspect aspect, uint64_t bits,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));
static bool differ(const struct look *look, enum pmk_aspect aspect, uint64_t bits,
		   const char *format, ...)
{
	struct pmk_difference *d = look->ret;
	int64_t result[PMK_SIDES] = { d->result[0], d->result[1] };
	va_list args;

	*d = (struct pmk_difference){
		.aspect = aspect, .bits = bits, .proc = look->proc, .page = look->page
	};
	memcpy(d->result, result, sizeof(result));
	va_start(args, format);
	vsnprintf(d->text, sizeof(d->text), format, args);
	va_end(args);
	return false;
}

static bool flags_differ(const struct look *look, uint64_t model, uint64_t kernel)
{
	char names[PMK_SIDES][80];

	pmk_pagemap_to_names(model, names[0], sizeof(names[0]));
	pmk_pagemap_to_names(kernel, names[1], sizeof(names[1]));
	return differ(look, PMK_ASPECT_ENTRY, (model ^ kernel) & FLAGS_MASK,
		      "model '%s' %#" PRIx64 ", kernel '%s' %#" PRIx64, names[0], model, names[1],
		      kernel);
}

static void note_frame(const struct look *look, uint64_t model, uint64_t kernel)
{
	struct pmk_pair *pair = look->pair;
	struct frames *last = pair->nframes ? &pair->frame[pair->nframes - 1] : NULL;

	if (last && last->n < SPAN && last->pfn[PMK_SIDE_MODEL] + last->n == model &&
	    last->pfn[PMK_SIDE_KERNEL] + last->n == kernel && last->proc == look->proc &&
	    last->page + last->n == look->page)
		last->n++;
	else if (pair->nframes < FRAMES_MAX)
		pair->frame[pair->nframes++] =
			(struct frames){ { model, kernel }, 1, look->proc, look->page };
}

static bool seen_already(const struct pmk_pair *pair, uint64_t model)
{
	struct pmk_pair *p = (struct pmk_pair *)(uintptr_t)pair;
	const struct pairing *at = pairing_at(p->frames.side[PMK_SIDE_MODEL], model, pair->round);

	return at->key == model && at->round == pair->round;
}

static bool compare_word(const struct look *look, uint64_t model, uint64_t kernel)
{
	struct pmk_pair *pair = look->pair;
	uint64_t m = model & PMK_PAGEMAP_FRAME_MASK, k = kernel & PMK_PAGEMAP_FRAME_MASK;

	if ((model ^ kernel) & FLAGS_MASK & ~pair->flags_ignored)
		return flags_differ(look, model, kernel);
	if (!pair->frames_shown || !(model & (PMK_PAGEMAP_PRESENT_MASK | PMK_PAGEMAP_SWAP_MASK)))
		return true;
	if (model & PMK_PAGEMAP_PRESENT_MASK) {
		if (!seen_already(pair, m))
			note_frame(look, m, k);
		if (m == pmk_pair_machine(pair)->zero_pfn &&
		    !pmk_profile_has(&pair->profile, PMK_Q_ZERO_PAGE_SINGLE))
			return true; /* one of several */
		return pair_up(&pair->frames, m, k, pair->round) ||
		       differ(look, PMK_ASPECT_FRAME, 0,
			      "model's frame %#" PRIx64 " goes with another than %#" PRIx64
			      " of the kernel",
			      m, k);
	}
	if ((m & 31) >= 24 || (k & 31) >= 24) /* a marker, not a slot */
		return m == k || flags_differ(look, model, kernel);
	pair->areas |= 1u << (k & 31);
	return pair_up(&pair->slots, m, k, pair->round) ||
	       differ(look, PMK_ASPECT_SLOT, 0,
		      "model's slot %#" PRIx64 " goes with another than %#" PRIx64 " of the kernel",
		      m >> 5, k >> 5);
}

static bool compare_entries(struct look *look)
{
	struct pmk_pair *pair = look->pair;
	struct proc *p = &pair->proc[look->proc];

	for (unsigned i = 0; i < pair->nwindows; i++) {
		const struct window *w = &pair->window[i];

		for (int side = 0; side < PMK_SIDES; side++)
			if (read_file(pair, side, handle_of(look->proc, OF_PAGEMAP), w->page * 8,
				      p->word[side] + w->first, w->n * 8) != (int64_t)w->n * 8)
				return differ(look, PMK_ASPECT_DEATH, (uint64_t)side,
					      "pagemap cannot be read");
		for (uint64_t j = 0; j < w->n; j++) {
			uint64_t model = p->word[PMK_SIDE_MODEL][w->first + j];
			uint64_t kernel = p->word[PMK_SIDE_KERNEL][w->first + j];

			look->page = w->page + j;
			if ((model | kernel) && !compare_word(look, model, kernel))
				return false;
		}
	}
	return true;
}

/* ---- frames ------------------------------------------------------------------------------------- */

static bool compare_flags(const struct look *look, uint64_t pfn, uint64_t model, uint64_t kernel)
{
	bool file = !(model & (PMK_KPF_ANON_MASK | PMK_KPF_SWAPBACKED_MASK));
	uint64_t ignored =
		kpageflags_ignored | look->pair->untold | (file ? kpageflags_of_memory : 0);
	uint64_t bits = (model ^ kernel) & ~ignored;
	char names[PMK_SIDES][80];

	if (!bits)
		return true;
	pmk_kpageflags_to_names(model & ~ignored, names[0], sizeof(names[0]));
	pmk_kpageflags_to_names(kernel & ~ignored, names[1], sizeof(names[1]));
	return differ(look, PMK_ASPECT_FLAGS, bits, "frame %#" PRIx64 ": model %s, kernel %s", pfn,
		      names[0], names[1]);
}

/* What kpageflags and kpagecount say of consecutive frames. */
struct kpages {
	uint64_t flags[SPAN], count[SPAN];
};

static bool read_kpages(struct pmk_pair *pair, int side, uint64_t pfn, uint64_t n,
			struct kpages *ret)
{
	return read_file(pair, side, HANDLE_KPAGEFLAGS, pfn * 8, ret->flags, n * 8) >= 0 &&
	       read_file(pair, side, HANDLE_KPAGECOUNT, pfn * 8, ret->count, n * 8) >= 0;
}

static struct known *known_at(struct pmk_pair *pair, uint64_t model)
{
	return &pair->known[model & (KNOWN_SIZE - 1)];
}

/* flags and count: the kernel's, of the first frame of f and those after it. */
static bool compare_run(struct look *look, const struct frames *f, const uint64_t *flags,
			const uint64_t *count)
{
	static struct kpages model;

	look->proc = f->proc;
	look->page = f->page;
	if (!read_kpages(look->pair, PMK_SIDE_MODEL, f->pfn[PMK_SIDE_MODEL], f->n, &model))
		return differ(look, PMK_ASPECT_FLAGS, 0, "kpage* of the model cannot be read");
	for (uint64_t i = 0; i < f->n; i++) {
		uint64_t pfn = f->pfn[PMK_SIDE_KERNEL] + i;

		look->page = f->page + i;
		if (model.count[i] != count[i])
			return differ(look, PMK_ASPECT_MAPCOUNT, 0,
				      "frame %#" PRIx64 ": model %" PRIu64 ", kernel %" PRIu64, pfn,
				      model.count[i], count[i]);
		if (!compare_flags(look, pfn, model.flags[i], flags[i]))
			return false;
		*known_at(look->pair, f->pfn[PMK_SIDE_MODEL] + i) =
			(struct known){ { f->pfn[PMK_SIDE_MODEL] + i, pfn },
					model.flags[i],
					model.count[i],
					look->pair->script };
	}
	return true;
}

/* Whether the model says of all of them what it said before. */
static bool are_known(struct pmk_pair *pair, const struct frames *f)
{
	static struct kpages model;
	const uint64_t *pfn = f->pfn;

	if (!read_kpages(pair, PMK_SIDE_MODEL, pfn[PMK_SIDE_MODEL], f->n, &model))
		return false;
	for (uint64_t i = 0; i < f->n; i++) {
		const struct known *k = known_at(pair, pfn[PMK_SIDE_MODEL] + i);

		if (k->script != pair->script || k->pfn[0] != pfn[0] + i ||
		    k->pfn[1] != pfn[1] + i || k->flags != model.flags[i] ||
		    k->count != model.count[i])
			return false;
	}
	return true;
}

/* In haste: frames of which the model says nothing new are left out, most times. */
#define THOROUGH 8 /* rounds from one in which they are not to the next */

static void leave_out_known(struct pmk_pair *pair)
{
	size_t n = 0;

	if (!pair->hasty || pair->round % THOROUGH == 0)
		return;
	for (size_t i = 0; i < pair->nframes; i++)
		if (!are_known(pair, &pair->frame[i]))
			pair->frame[n++] = pair->frame[i];
	pair->nframes = n;
}

static int by_kernel(const void *a, const void *b)
{
	uint64_t x = ((const struct frames *)a)->pfn[PMK_SIDE_KERNEL];
	uint64_t y = ((const struct frames *)b)->pfn[PMK_SIDE_KERNEL];

	return (x > y) - (x < y);
}

/* A call of the kernel costs as much as some words that nobody needs. */
#define GAP 24

/* How many from i on are near enough together for one read of each file: of *ret_n words. */
static size_t together(const struct pmk_pair *pair, size_t i, uint64_t *ret_n)
{
	const struct frames *f = &pair->frame[i];
	uint64_t first = f->pfn[PMK_SIDE_KERNEL], end = first + f->n;
	size_t n = 1;

	for (; i + n < pair->nframes; n++) {
		uint64_t next = f[n].pfn[PMK_SIDE_KERNEL], next_end = next + f[n].n;

		if (next > end + GAP || next_end > first + SPAN)
			break;
		if (next_end > end)
			end = next_end;
	}
	*ret_n = end - first;
	return n;
}

static bool compare_frames(struct look *look)
{
	static struct kpages kernel;
	struct pmk_pair *pair = look->pair;

	leave_out_known(pair);
	qsort(pair->frame, pair->nframes, sizeof(*pair->frame), by_kernel);
	for (size_t i = 0, n; i < pair->nframes; i += n) {
		uint64_t first = pair->frame[i].pfn[PMK_SIDE_KERNEL], words;

		n = together(pair, i, &words);
		if (!read_kpages(pair, PMK_SIDE_KERNEL, first, words, &kernel))
			return differ(look, PMK_ASPECT_FLAGS, 0, "kpage* cannot be read");
		for (size_t j = i; j < i + n; j++) {
			const struct frames *f = &pair->frame[j];
			uint64_t at = f->pfn[PMK_SIDE_KERNEL] - first;

			if (!compare_run(look, f, kernel.flags + at, kernel.count + at))
				return false;
		}
	}
	return true;
}

/* ---- maps --------------------------------------------------------------------------------------- */

struct lines {
	const char *at, *end;
};

/* The next line that touches a window. */
static bool next_line(const struct pmk_pair *pair, struct lines *l, struct pmk_maps_line *ret)
{
	while (l->at < l->end) {
		const char *nl = memchr(l->at, '\n', (size_t)(l->end - l->at));
		size_t len = (size_t)((nl ? nl : l->end) - l->at);
		bool bad = pmk_maps_parse(l->at, len, ret) < 0;

		l->at += len + 1;
		for (unsigned i = 0; !bad && i < pair->nwindows; i++)
			if (ret->start <
				    (pair->window[i].page + pair->window[i].n) * pair->page_size &&
			    ret->end > pair->window[i].page * pair->page_size)
				return true;
	}
	return false;
}

static bool same_line(struct pmk_pair *pair, const struct pmk_maps_line *m,
		      const struct pmk_maps_line *k)
{
	if (m->start != k->start || m->end != k->end || m->perms != k->perms ||
	    m->offset != k->offset || !m->inode != !k->inode)
		return false;
	return !m->inode || pair_up(&pair->inodes, m->inode, k->inode, pair->script);
}

static bool compare_lines(const struct look *look)
{
	struct pmk_pair *pair = look->pair;
	const struct proc *p = &pair->proc[look->proc];
	struct lines l[PMK_SIDES];
	struct pmk_maps_line line[PMK_SIDES];
	bool more[PMK_SIDES];

	for (int side = 0; side < PMK_SIDES; side++)
		l[side] = (struct lines){ p->maps[side], p->maps[side] + p->maps_len[side] };
	for (;;) {
		struct lines before[PMK_SIDES] = { l[0], l[1] };

		for (int side = 0; side < PMK_SIDES; side++)
			more[side] = next_line(pair, &l[side], &line[side]);
		if (!more[0] && !more[1])
			return true;
		if (more[0] && more[1] && same_line(pair, &line[0], &line[1]))
			continue;
		for (int side = 0; side < PMK_SIDES; side++)
			if (!more[side])
				before[side] = (struct lines){ "none\n", NULL };
		return differ(look, PMK_ASPECT_MAPS, 0, "model '%.*s', kernel '%.*s'",
			      (int)strcspn(before[0].at, "\n"), before[0].at,
			      (int)strcspn(before[1].at, "\n"), before[1].at);
	}
}

/* Whether the lines go beyond all windows, so that nothing of interest follows. */
static bool covers_windows(const struct pmk_pair *pair, const char *text, int64_t len)
{
	struct pmk_maps_line line;
	int64_t last = len - 1;

	while (last > 0 && text[last - 1] != '\n')
		last--;
	if (len <= 0 || pmk_maps_parse(text + last, (size_t)(len - last), &line) < 0)
		return false;
	for (unsigned i = 0; i < pair->nwindows; i++)
		if (line.start < (pair->window[i].page + pair->window[i].n) * pair->page_size)
			return false;
	return true;
}

/* As far as the windows go, little by little: what is not asked for is not made. */
static int64_t read_maps(struct pmk_pair *pair, int side, int proc, char text[MAPS_SIZE])
{
	int64_t len = 0, n, last = pair->proc[proc].maps_len[side];

	do {
		int64_t room = MAPS_SIZE - 1 - len, want = last > len ? last - len : MAPS_MORE;

		n = read_file(pair, side, handle_of(proc, OF_MAPS), (uint64_t)len, text + len,
			      (uint64_t)(want < room ? want : room));
		if (n < 0)
			return n;
		len += n;
	} while (n && len < MAPS_SIZE - 1 && !covers_windows(pair, text, len));
	text[len] = 0;
	return len;
}

static bool compare_maps(struct look *look)
{
	struct pmk_pair *pair = look->pair;
	struct proc *p = &pair->proc[look->proc];
	bool changed = false;

	for (int side = 0; side < PMK_SIDES; side++) {
		char text[MAPS_SIZE];
		int64_t len = read_maps(pair, side, look->proc, text);

		if (len <= 0)
			return differ(look, PMK_ASPECT_DEATH, (uint64_t)side,
				      "maps cannot be read");
		if (len == p->maps_len[side] && !memcmp(text, p->maps[side], (size_t)len))
			continue;
		memcpy(p->maps[side], text, (size_t)len + 1);
		p->maps_len[side] = len;
		changed = true;
	}
	return !changed || compare_lines(look);
}

/* ---- scans -------------------------------------------------------------------------------------- */

#define REGIONS 128

struct scanned {
	struct pmk_scan_arg arg;
	struct pmk_scan_region region[REGIONS];
};

/* GUARD came with 6.16, and where it is not known the whole call fails: so it is asked for by quirk. */
static uint64_t categories(const struct pmk_profile *p)
{
	uint64_t known = pmk_scan_categories(p->kernel);

	known &= ~(PMK_SCAN_GUARD_MASK | PMK_SCAN_SOFT_DIRTY_MASK | PMK_SCAN_ACCESSED_MASK);
	return known | (pmk_profile_has(p, PMK_Q_SCAN_GUARD) ? PMK_SCAN_GUARD_MASK : 0);
}

static int64_t scan(struct pmk_pair *pair, int side, int proc, const struct window *w,
		    struct scanned *ret)
{
	struct pmk_request r = { .code = PMK_REQ_SCAN,
				 .handle = handle_of(proc, OF_PAGEMAP),
				 .buf = ret,
				 .len = sizeof(*ret),
				 .scan = { .size = sizeof(r.scan),
					   .start = w->page * pair->page_size,
					   .end = (w->page + w->n) * pair->page_size,
					   .vec = 1,
					   .vec_len = REGIONS,
					   .return_mask = categories(&pair->profile) } };

	return call(pair, side, &r);
}

#define SEEN_CATEGORIES (PMK_SCAN_PRESENT_MASK | PMK_SCAN_SWAPPED_MASK | PMK_SCAN_WRITTEN_MASK)

/* Regions without what is not compared, neighbours joined: how many. */
static int64_t simplify(struct scanned *s, int64_t n)
{
	int64_t to = 0;

	for (int64_t i = 0; i < n; i++) {
		struct pmk_scan_region r = s->region[i];

#define UNSCANNED(category, reason)            \
	if (!(r.categories & SEEN_CATEGORIES)) \
		r.categories &= ~(uint64_t)PMK_SCAN_##category##_MASK;
#include "diverge_masks.def"
		if (to && s->region[to - 1].end == r.start &&
		    s->region[to - 1].categories == r.categories)
			s->region[to - 1].end = r.end;
		else
			s->region[to++] = r;
	}
	return n < 0 ? n : to;
}

static bool compare_regions(struct look *look, const struct scanned s[PMK_SIDES],
			    int64_t n[PMK_SIDES])
{
	struct pmk_pair *pair = look->pair;
	char names[PMK_SIDES][80] = { "none", "none" };
	int64_t i = 0;

	while (i < n[0] && i < n[1] &&
	       !memcmp(&s[0].region[i], &s[1].region[i], sizeof(s->region[i])))
		i++;
	if (n[0] == n[1] && (n[0] < 0 || i == n[0]))
		return true;
	for (int side = 0; side < PMK_SIDES; side++) {
		const struct pmk_scan_region *r = &s[side].region[i];

		if (i >= n[side])
			continue;
		look->page = r->start / pair->page_size;
		snprintf(names[side], sizeof(names[side]), "[%" PRIx64 "-%" PRIx64 ") ",
			 r->start / pair->page_size, r->end / pair->page_size);
		pmk_scan_to_names(r->categories, names[side] + strlen(names[side]), 50);
	}
	return differ(look, PMK_ASPECT_SCAN, 0, "model %s, kernel %s (%d and %d)", names[0],
		      names[1], (int)n[0], (int)n[1]);
}

static bool compare_scans(struct look *look)
{
	struct pmk_pair *pair = look->pair;

	for (unsigned i = 0; i < pair->nwindows; i++) {
		struct scanned s[PMK_SIDES];
		int64_t n[PMK_SIDES];

		for (int side = 0; side < PMK_SIDES; side++)
			n[side] = simplify(
				&s[side], scan(pair, side, look->proc, &pair->window[i], &s[side]));
		if (!compare_regions(look, s, n))
			return false;
	}
	return true;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

/* Which lines of maps a request can change: those of who does it, and of a child. */
static bool changes_vmas(const struct pmk_request *r, int proc)
{
	if (r->code == PMK_REQ_READ || r->code == PMK_REQ_WRITE)
		return false;
	return r->proc == proc || (r->code == PMK_REQ_FORK && r->a[0] == proc);
}

static bool compare_all(struct pmk_pair *pair, const struct pmk_request *r,
			struct pmk_difference *ret)
{
	struct look look = { .pair = pair, .ret = ret };
	bool anybody = pair->every > 1; /* may have changed unseen */

	pair->round += renames(r->code) || anybody ? 2 : 1;
	pair->nframes = 0;
	pair->unseen = 0;
	for (int p = 0; p < pair->nprocs; p++) {
		look.proc = p;
		look.page = 0;
		if (!pair->proc[p].alive)
			continue;
		if (!compare_entries(&look))
			return false;
		look.page = 0;
		if ((anybody || changes_vmas(r, p)) && !compare_maps(&look))
			return false;
		if (pair->scans && (anybody || r->proc == p || changes_vmas(r, p)) &&
		    !compare_scans(&look))
			return false;
	}
	return !pair->frames_shown || compare_frames(&look);
}

/* Fresh pages leave this CPU's batches, so that they are on the LRU and nobody holds them (actor_memory.c). */
static void drain(const struct pmk_pair *pair)
{
	static _Alignas(
		65536) char own[65536]; /* untouched: no entry whose cooling flushes a TLB */

	if (pair->world[PMK_SIDE_KERNEL]->ops->id == PMK_WORLD_KERNEL)
		madvise(own, (size_t)sysconf(_SC_PAGESIZE), MADV_COLD);
}

/* Keeps the list of the living up to date. */
static void follow(struct pmk_pair *pair, const struct pmk_request *r,
		   const int64_t result[PMK_SIDES])
{
	int child = r->code == PMK_REQ_FORK ? (int)r->a[0] : r->proc;

	switch (r->code) {
	case PMK_REQ_SPAWN:
	case PMK_REQ_FORK:
		if (child >= PMK_PAIR_PROCS)
			break;
		if (child >= pair->nprocs)
			pair->nprocs = child + 1;
		pair->proc[child].alive = true;
		pair->proc[child].pid = (int)result[PMK_SIDE_MODEL];
		proc_open(pair, child);
		break;
	case PMK_REQ_EXEC:
		proc_close(pair, r->proc);
		proc_open(pair, r->proc);
		break;
	case PMK_REQ_EXIT:
		proc_close(pair, r->proc);
		pair->proc[r->proc].alive = false;
		break;
	case PMK_REQ_OBJECT:
		pair->nobjects++;
		break;
	default:
		break;
	}
}

static bool results_agree(const struct pmk_request *r, const int64_t result[PMK_SIDES])
{
	bool pid = r->code == PMK_REQ_SPAWN || r->code == PMK_REQ_FORK;

	return result[0] == result[1] || (pid && result[0] > 0 && result[1] > 0);
}

static const char *result_text(int64_t result, char *buf, size_t size)
{
	if (pmk_is_signal(result))
		return pmk_signal_name((int)(-100000 - result));
	if (result < 0)
		return pmk_errno_name((int)-result);
	snprintf(buf, size, "%" PRId64, result);
	return buf;
}

/* A call on a process's own file is done by the observer, who has them all open. */
static int64_t ask(struct pmk_pair *pair, int side, const struct pmk_request *r)
{
	struct pmk_request own = *r;
	struct scanned ignored;

	if (r->code == PMK_REQ_SCAN) {
		own.handle = handle_of(r->proc, OF_PAGEMAP);
		own.buf = &ignored;
		own.len = sizeof(ignored);
		return call(pair, side, &own);
	}
	if (r->code != PMK_REQ_WRITEFD)
		return pmk_world_request(pair->world[side], r);
	own.handle = handle_of(r->proc, OF_CLEAR_REFS);
	return call(pair, side, &own);
}

bool pmk_pair_do(struct pmk_pair *pair, const struct pmk_request *r, struct pmk_difference *ret)
{
	struct look look = { .pair = pair, .ret = ret, .proc = r->proc };
	int64_t *result = ret->result;
	char text[PMK_SIDES][24];

	for (int side = 0; side < PMK_SIDES; side++)
		result[side] = ask(pair, side, r);
	drain(pair);
	if (!results_agree(r, result))
		return differ(&look, PMK_ASPECT_RESULT, (uint64_t)(result[0] ^ result[1]),
			      "model %s, kernel %s", result_text(result[0], text[0], 24),
			      result_text(result[1], text[1], 24));
	if (result[0] >= 0)
		follow(pair, r, result);
	if (pair->hasty && ++pair->unseen < pair->every)
		return true;
	return compare_all(pair, r, ret);
}
