/* SPDX-License-Identifier: MIT */
/* capture.c - maps, pagemap and kpage* as runs, and those as the givens of a script. */
#include "capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define CHUNK	     65536 /* words read at once */
#define FOLIO_PAGES  512 /* PFNs keep their place within so many */
#define RAM_MULTIPLE 32768 /* of pages: a memory section of x86-64, so that nothing is rounded */
#define PFN_END	     (UINT64_C(1) << 51) /* no physical memory is beyond: such a word is shown raw */
#define SHOWN_ALONE  256 /* so many pages of one frame are said page by page */

/* What the next page of a run has: the same word, the next frame, the next offset of a swap area. */
enum step { SAME, FRAME, OFFSET };
static const uint64_t step_size[] = { 0, 1, 1u << PMK_SWAP_TYPE_BITS };

struct run {
	uint64_t page, n, word; /* page: from the start of the mapping */
	enum step step;
};

struct mapping {
	struct pmk_maps_line line; /* its name is ours */
	size_t first, nruns;
};

struct process {
	int pid;
	uint32_t uid;
	bool beside;
	char *comm;
	size_t first, nmappings;
};

struct span {
	uint64_t first, last, renamed;
};

struct frames {
	uint64_t pfn, n, flags, count, cgroup;
};

struct pmk_capture {
	uint64_t page_size;
	bool keep;
	struct process *process;
	struct mapping *mapping;
	struct run *run;
	struct span *span; /* of PFNs; sorted and merged by settle() */
	struct frames *frames;
	size_t nprocesses, nmappings, nruns, nspans, nframes;
	uint64_t *chunk[3];
};

struct pmk_capture *pmk_capture_create(uint64_t page_size, bool keep_pfns)
{
	struct pmk_capture *c = pmk_calloc(1, sizeof(*c));

	c->page_size = page_size;
	c->keep = keep_pfns;
	for (size_t i = 0; i < 3; i++)
		c->chunk[i] = pmk_alloc(CHUNK * sizeof(uint64_t));
	return c;
}

void pmk_capture_destroy(struct pmk_capture *c)
{
	for (size_t i = 0; i < c->nprocesses; i++)
		free(c->process[i].comm);
	for (size_t i = 0; i < c->nmappings; i++)
		free((char *)c->mapping[i].line.name);
	for (size_t i = 0; i < 3; i++)
		free(c->chunk[i]);
	free(c->process);
	free(c->mapping);
	free(c->run);
	free(c->span);
	free(c->frames);
	free(c);
}

/* Room for one more at the end of an array that grows at powers of two. */
static void *grown(void *array, size_t n, size_t size)
{
	return n & (n - 1) ? array : pmk_realloc(array, n ? n * 2 : 1, size);
}

/* ---- entries to runs ---------------------------------------------------------------------------- */

static bool has_frame(uint64_t word)
{
	uint64_t pfn = word & PMK_PAGEMAP_FRAME_MASK;

	return word & PMK_PAGEMAP_PRESENT_MASK && pfn && pfn < PFN_END;
}

/* How the word goes on from the last one of the run; false: it does not. */
static bool goes_on(struct run *r, uint64_t word)
{
	enum step first = has_frame(r->word) && has_frame(word) ? FRAME
			  : word & PMK_PAGEMAP_SWAP_MASK	? OFFSET
								: SAME;

	if (r->n > 1)
		return word == r->word + r->n * step_size[r->step];
	if (first != SAME && word == r->word + step_size[first])
		r->step = first;
	else if (word == r->word)
		r->step = SAME;
	else
		return false;
	return true;
}

static void add_word(struct pmk_capture *c, struct mapping *m, uint64_t page, uint64_t word)
{
	struct run *last = m->nruns ? &c->run[c->nruns - 1] : NULL;

	if (last && last->page + last->n == page && goes_on(last, word)) {
		last->n++;
		return;
	}
	c->run = grown(c->run, c->nruns, sizeof(*c->run));
	c->run[c->nruns++] = (struct run){ page, 1, word, SAME };
	m->nruns++;
}

/* Entries that are nothing at all are not kept: a new mapping has none. */
static int64_t add_entries(struct pmk_capture *c, struct mapping *m,
			   const struct pmk_capture_process *process, pmk_capture_words *words,
			   void *ctx)
{
	uint64_t first = m->line.start / c->page_size, end = m->line.end / c->page_size;

	for (uint64_t at = first, part_end = at; at < end;) {
		if (at == part_end)
			at = process->next ? process->next(ctx, at, end, &part_end)
					   : (part_end = end, at);
		if (at >= end)
			break;
		size_t want = part_end - at < CHUNK ? (size_t)(part_end - at) : CHUNK;
		int64_t got = words(ctx, PMK_FILE_PAGEMAP, at, want, c->chunk[0]);

		if (got <= 0)
			return got; /* beyond TASK_SIZE: the gate (K-VSYSCALL) */
		for (int64_t i = 0; i < got; i++)
			if (c->chunk[0][i])
				add_word(c, m, at + (uint64_t)i - first, c->chunk[0][i]);
		at += (uint64_t)got;
	}
	return 0;
}

static void add_span(struct pmk_capture *c, const struct run *r)
{
	uint64_t pfn = r->word & PMK_PAGEMAP_FRAME_MASK;

	if (!has_frame(r->word))
		return;
	c->span = grown(c->span, c->nspans, sizeof(*c->span));
	c->span[c->nspans++] = (struct span){ pfn, r->step == FRAME ? pfn + r->n - 1 : pfn, 0 };
}

/* A name as it is, of a line in which a newline is "\012" (MAPS-ESC). */
static char *unescaped(const char *name, size_t len)
{
	char *ret = pmk_alloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bool newline = len - i >= 4 && !memcmp(name + i, "\\012", 4);

		ret[n++] = newline ? '\n' : name[i];
		i += newline ? 3 : 0;
	}
	ret[n] = '\0';
	return ret;
}

static int add_mapping(struct pmk_capture *c, const struct pmk_maps_line *line,
		       const struct pmk_capture_process *process, pmk_capture_words *words,
		       void *ctx)
{
	struct mapping m = { .line = *line, .first = c->nruns };
	int64_t result;

	m.line.name = unescaped(line->name, line->name_len);
	result = add_entries(c, &m, process, words, ctx);
	for (size_t i = 0; i < m.nruns; i++)
		add_span(c, &c->run[m.first + i]);
	c->mapping = grown(c->mapping, c->nmappings, sizeof(*c->mapping));
	c->mapping[c->nmappings++] = m;
	return (int)result;
}

int pmk_capture_add(struct pmk_capture *c, const struct pmk_capture_process *process,
		    pmk_capture_words *words, void *ctx, struct pmk_error *err)
{
	struct process p = { process->pid,    process->uid,
			     process->beside, pmk_strdup(process->comm),
			     c->nmappings,    0 };
	const char *at = process->maps, *end = at + process->maps_len, *next;
	unsigned number = 1;

	c->process = grown(c->process, c->nprocesses, sizeof(*c->process));
	for (; at < end; at = next, number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		struct pmk_maps_line line;
		int result;

		next = newline ? newline + 1 : end;
		result = pmk_maps_parse(at, (size_t)(next - at), &line);
		if (!result && (line.start >= line.end || line.start % c->page_size ||
				line.end % c->page_size))
			result = PMK_ERR_RANGE;
		if (result) {
			c->process[c->nprocesses++] = p;
			return pmk_error_set(err, process->root, number, 0, "maps: %s",
					     pmk_error_text(result));
		}
		if (line.kind == PMK_MAPS_VSYSCALL)
			continue; /* the kernel's, not the process's: the profile has it */
		result = add_mapping(c, &line, process, words, ctx);
		p.nmappings++;
		if (result < 0) {
			c->process[c->nprocesses++] = p;
			return pmk_error_set(err, process->root, 0, 0, "pagemap: %s",
					     strerror(-result));
		}
	}
	c->process[c->nprocesses++] = p;
	return 0;
}

/* ---- frames ------------------------------------------------------------------------------------- */

static int by_pfn(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Sorts and merges the spans, and says what their PFNs become. */
static void settle(struct pmk_capture *c)
{
	uint64_t free_pfn = 1; /* PFN 0 means that nothing is known */
	size_t n = 0;

	if (c->nspans)
		qsort(c->span, c->nspans, sizeof(*c->span), by_pfn);
	for (size_t i = 0; i < c->nspans; i++) {
		if (n && c->span[i].first <= c->span[n - 1].last + 1) {
			if (c->span[i].last > c->span[n - 1].last)
				c->span[n - 1].last = c->span[i].last;
			continue;
		}
		c->span[n++] = c->span[i];
	}
	c->nspans = n;
	for (size_t i = 0; i < n; i++) {
		uint64_t place = c->span[i].first % FOLIO_PAGES;

		free_pfn += (place - free_pfn) % FOLIO_PAGES;
		c->span[i].renamed = c->keep ? c->span[i].first : free_pfn;
		free_pfn = c->span[i].renamed + (c->span[i].last - c->span[i].first) + 1;
	}
}

static uint64_t renamed(const struct pmk_capture *c, uint64_t pfn)
{
	size_t low = 0, high = c->nspans;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (c->span[middle].first <= pfn)
			low = middle;
		else
			high = middle;
	}
	return c->nspans ? c->span[low].renamed + (pfn - c->span[low].first) : pfn;
}

static void add_frame(struct pmk_capture *c, const struct frames *f)
{
	struct frames *last = c->nframes ? &c->frames[c->nframes - 1] : NULL;

	if (last && last->pfn + last->n == f->pfn && last->flags == f->flags &&
	    last->count == f->count && last->cgroup == f->cgroup) {
		last->n++;
		return;
	}
	c->frames = grown(c->frames, c->nframes, sizeof(*c->frames));
	c->frames[c->nframes++] = *f;
}

void pmk_capture_frames(struct pmk_capture *c, pmk_capture_words *words, void *ctx)
{
	static const enum pmk_file files[] = { PMK_FILE_KPAGEFLAGS, PMK_FILE_KPAGECOUNT,
					       PMK_FILE_KPAGECGROUP };

	settle(c);
	for (size_t s = 0; s < c->nspans; s++)
		for (uint64_t at = c->span[s].first, n; at <= c->span[s].last; at += n) {
			uint64_t left = c->span[s].last - at + 1;
			int64_t got[3];

			n = left < CHUNK ? left : CHUNK;
			for (size_t f = 0; f < 3; f++)
				got[f] = words(ctx, files[f], at, (size_t)n, c->chunk[f]);
			if (got[0] <= 0)
				return; /* without flags there is nothing to say of a frame */
			for (uint64_t i = 0; i < n && i < (uint64_t)got[0]; i++)
				add_frame(c, &(struct frames){
						     at + i, 1, c->chunk[0][i],
						     (int64_t)i < got[1] ? c->chunk[1][i] : 0,
						     (int64_t)i < got[2] ? c->chunk[2][i] : 0 });
		}
}

/* ---- the script --------------------------------------------------------------------------------- */

static void put_string(FILE *out, const char *key, const char *text)
{
	fprintf(out, " %s=\"", key);
	for (; *text; text++) {
		unsigned char ch = (unsigned char)*text;

		if (ch == '"' || ch == '\\')
			fprintf(out, "\\%c", ch);
		else if (ch < 0x20 || ch >= 0x7f)
			fprintf(out, "\\x%02x", ch);
		else
			fputc(ch, out);
	}
	fputc('"', out);
}

/* Every word but a bit without a name; and what those are, as a comment. */
static void write_frames(const struct pmk_capture *c, const struct frames *f, FILE *out)
{
	uint64_t first = renamed(c, f->pfn);
	char names[1024], unknown[1024] = "";
	uint64_t named = 0;

	for (unsigned bit = 0; bit < 64; bit++) {
		pmk_kpageflags_to_names(f->flags & 1ull << bit, names, sizeof(names));
		if (*names && strncmp(names, "BIT", 3) != 0)
			named |= 1ull << bit;
	}
	pmk_kpageflags_to_names(named, names, sizeof(names));
	if (named != f->flags)
		pmk_kpageflags_to_names(f->flags & ~named, unknown, sizeof(unknown));
	fprintf(out, "given-frame %#" PRIx64, first);
	if (f->n > 1)
		fprintf(out, "-%#" PRIx64, first + f->n - 1);
	fprintf(out, "%s%s", *names ? " " : " !LOCKED", names);
	if (f->count)
		fprintf(out, " count=%" PRIu64, f->count);
	if (f->cgroup)
		fprintf(out, " cgroup=%" PRIu64, f->cgroup);
	fprintf(out, "%s%s\n", *unknown ? " # without " : "", unknown);
}

/* The words of the language for an entry of which these flags can be said; false: it takes raw. */
static bool entry_words(uint64_t word, char *ret, size_t size)
{
	static const struct {
		uint64_t mask;
		const char *word;
	} words[] = {
		{ PMK_PAGEMAP_PRESENT_MASK, "present" },
		{ PMK_PAGEMAP_SWAP_MASK, "swap" },
		{ PMK_PAGEMAP_FILE_MASK, "file" },
		{ PMK_PAGEMAP_EXCLUSIVE_MASK, "exclusive" },
		{ PMK_PAGEMAP_SOFT_DIRTY_MASK, "soft-dirty" },
		{ PMK_PAGEMAP_UFFD_WP_MASK, "uffd-wp" },
		{ PMK_PAGEMAP_GUARD_MASK, "guard" },
	};
	bool present = word & PMK_PAGEMAP_PRESENT_MASK, swap = word & PMK_PAGEMAP_SWAP_MASK;
	uint64_t left = word & PMK_PAGEMAP_FLAGS_MASK;
	size_t len = 0;

	*ret = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (word & words[i].mask) {
			len += (size_t)snprintf(ret + len, size - len, " %s", words[i].word);
			left &= ~words[i].mask;
		}
	return !left && present != swap &&
	       (!present || !(word & PMK_PAGEMAP_FRAME_MASK) || has_frame(word));
}

static void write_run(const struct pmk_capture *c, const char *who, size_t mapping,
		      const struct run *r, FILE *out)
{
	uint64_t field = r->word & PMK_PAGEMAP_FRAME_MASK, n = r->n;
	bool alone = r->step == SAME && has_frame(r->word) && n > 1;
	char words[128];
	bool said = entry_words(r->word, words, sizeof(words));

	/* one frame, as the zero page, or words that count up but have to be said raw: page by page */
	if ((alone && said && n <= SHOWN_ALONE) || (!said && n > 1 && r->step != SAME)) {
		for (uint64_t i = 0; i < n; i++)
			write_run(c, who, mapping,
				  &(struct run){ r->page + i, 1, r->word + i * step_size[r->step],
						 SAME },
				  out);
		return;
	}
	fprintf(out, "%s: given-entry m%zu[%" PRIu64, who, mapping, r->page);
	if (n > 1)
		fprintf(out, "-%" PRIu64, r->page + n - 1);
	fputc(']', out);
	if (!said || alone || (r->word & PMK_PAGEMAP_SWAP_MASK && r->step == SAME && n > 1)) {
		if (has_frame(r->word))
			field = renamed(c, field);
		fprintf(out, " raw=%#" PRIx64 "\n", (r->word & PMK_PAGEMAP_FLAGS_MASK) | field);
		return;
	}
	fputs(words, out);
	if (has_frame(r->word))
		fprintf(out, " pfn=%#" PRIx64, renamed(c, field));
	else if (r->word & PMK_PAGEMAP_SWAP_MASK)
		fprintf(out, " type=%" PRIu64 " offset=%" PRIu64,
			field & ((1u << PMK_SWAP_TYPE_BITS) - 1), field >> PMK_SWAP_TYPE_BITS);
	fputc('\n', out);
}

static void write_mapping(const struct pmk_capture *c, const char *who, size_t number,
			  const struct mapping *m, FILE *out)
{
	const struct pmk_maps_line *line = &m->line;
	char perms[] = "---";

	for (unsigned i = 0; i < 3; i++)
		if (line->perms >> i & 1)
			perms[i] = "rwx"[i];
	fprintf(out, "%s: given-vma m%zu %" PRIu64 " %s at=%#" PRIx64, who, number,
		(line->end - line->start) / c->page_size, perms, line->start);
	if (line->offset)
		fprintf(out, " offset=%" PRIu64, line->offset / c->page_size);
	if (line->major || line->minor)
		fprintf(out, " dev=\"%02x:%02x\"", line->major, line->minor);
	if (line->inode)
		fprintf(out, " inode=%" PRIu64, line->inode);
	if (*line->name)
		put_string(out, "name", line->name);
	if (line->perms & PMK_MAPS_SHARED)
		fputs(" shared", out);
	fputc('\n', out);
}

static void write_process(const struct pmk_capture *c, size_t number, FILE *out)
{
	const struct process *p = &c->process[number];
	char who[32];

	snprintf(who, sizeof(who), "p%zu", number);
	fprintf(out, "\n%s: given-process pid=%d uid=%" PRIu32, who, p->pid, p->uid);
	put_string(out, "comm", p->comm);
	fprintf(out, " bare%s\n", p->beside ? " beside" : "");
	for (size_t i = 0; i < p->nmappings; i++) {
		const struct mapping *m = &c->mapping[p->first + i];

		write_mapping(c, who, i, m, out);
	}
	/* the mappings are new, hence soft-dirty; the entries say which really are */
	fprintf(out, "%s: clear-refs 4 when pagemap.soft-dirty\n", who);
	for (size_t i = 0; i < p->nmappings; i++) {
		const struct mapping *m = &c->mapping[p->first + i];

		for (size_t k = 0; k < m->nruns; k++)
			write_run(c, who, i, &c->run[m->first + k], out);
	}
}

int pmk_capture_write(const struct pmk_capture *c, const char *kernel, FILE *out)
{
	uint64_t end = RAM_MULTIPLE;

	for (size_t i = 0; i < c->nspans; i++) {
		uint64_t last = c->span[i].renamed + (c->span[i].last - c->span[i].first);

		if (last >= end)
			end = last / RAM_MULTIPLE * RAM_MULTIPLE + RAM_MULTIPLE;
	}
	fprintf(out,
		"# What %zu process%s showed%s.\nscenario 1\nkernel %s\n\nram 0-%#" PRIx64 "\n",
		c->nprocesses, c->nprocesses == 1 ? "" : "es",
		c->keep ? "" : "; PFNs are renumbered", kernel, end - 1);
	for (size_t i = 0; i < c->nframes; i++)
		write_frames(c, &c->frames[i], out);
	for (size_t i = 0; i < c->nprocesses; i++)
		write_process(c, i, out);
	return ferror(out) ? -1 : 0;
}

struct pmk_capture_counts pmk_capture_count(const struct pmk_capture *c)
{
	struct pmk_capture_counts n = { .processes = c->nprocesses,
					.mappings = c->nmappings,
					.runs = c->nruns };

	for (size_t i = 0; i < c->nmappings; i++)
		n.pages += (c->mapping[i].line.end - c->mapping[i].line.start) / c->page_size;
	for (size_t i = 0; i < c->nspans; i++)
		n.frames += c->span[i].last - c->span[i].first + 1;
	return n;
}
