/* SPDX-License-Identifier: MIT */
/* answer.c - questions of pmkit grade, answered by somebody's habits. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zoo.h"

#define PAGES_MAX 4096

struct question {
	const struct zoo_habits *habit;
	const char *text;
	const char *proc;
	FILE *out;
	int pid;
	unsigned shift;
	struct pmk_layout layout;
};

static const char page_fields[] =
	"\"state\",\"pfn\",\"phys\",\"soft-dirty\",\"exclusive\",\"uffd-wp\",\"guard\","
	"\"file\",\"swap-kind\",\"swap-type\",\"swap-offset\",\"marker\",\"page-shift\","
	"\"written\",\"clean\",\"flags\",\"anon\",\"count\",\"cgroup\"";
static const char frame_fields[] = "\"flags\",\"anon\",\"count\",\"cgroup\"";

void zoo_introduce(const char *name, const struct zoo_habits *habits, FILE *out)
{
	const char *page = habits->page ? habits->page : page_fields;
	const char *frame = habits->frame ? habits->frame : frame_fields;

	fprintf(out, "{\"adapter\":\"%s\",\"page\":[%s]", name, page);
	if (!habits->no_range)
		fprintf(out, ",\"range\":[%s]", page);
	if (*frame)
		fprintf(out, ",\"frame\":[%s]", frame);
	fputs(habits->no_scan ? "}\n" : ",\"scan\":[\"regions\"]}\n", out);
}

/* ---- questions: members are in the order and without the blanks that the protocol promises ------------ */

static const char *member(const char *text, const char *key)
{
	char quoted[40];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = strstr(text, quoted);
	return at ? at + strlen(quoted) : NULL;
}

static uint64_t number(const struct question *q, const char *key)
{
	const char *at = member(q->text, key);

	return at ? strtoull(at + (*at == '"'), NULL, 0) : 0;
}

static void begin(struct question *q)
{
	unsigned major = 0, minor = 0, patch = 0xffff;
	uint64_t page_size = number(q, "page_size");
	const char *kernel = member(q->text, "kernel");

	if (kernel)
		sscanf(kernel, "\"%u.%u.%u", &major, &minor, &patch);
	pmk_layout_init(&q->layout, PMK_KERNEL(major & 0xff, minor & 0xff, patch & 0xffff),
			PMK_CONFIG_ALL);
	q->shift = q->habit->page_shift(page_size ? page_size : 4096);
	q->pid = (int)number(q, "pid");
}

/* ---- files ------------------------------------------------------------------------------------------- */

static int open_of(const struct question *q, const char *name, bool of_process)
{
	char path[256];

	if (of_process)
		snprintf(path, sizeof(path), "%s/%d/%s", q->proc, q->pid, name);
	else
		snprintf(path, sizeof(path), "%s/%s", q->proc, name);
	return q->habit->open(path);
}

static void put_error(const struct question *q, int error, const char *comma)
{
	const char *name = error ? q->habit->error(error) : NULL;

	if (name)
		fprintf(q->out, "%s\"error\":\"%s\"", comma, name);
}

/* ---- frames ------------------------------------------------------------------------------------------ */

static int frame_word(const struct question *q, const char *name, uint64_t pfn, uint64_t *ret)
{
	int error, fd;

	*ret = 0;
	if (!q->habit->has_word(pfn))
		return ZOO_EOF;
	fd = open_of(q, name, false);
	if (fd < 0)
		return -fd;
	q->habit->read(fd, pfn, ret, 1, &error);
	close(fd);
	return error;
}

/* The members of a frame, or why kpageflags has none. */
static int put_frame(const struct question *q, uint64_t pfn, const char *comma)
{
	uint64_t flags, count, cgroup;
	int error = frame_word(q, "kpageflags", pfn, &flags);

	if (error)
		return error;
	fprintf(q->out, "%s\"flags\":\"%#" PRIx64 "\",\"anon\":%s", comma, q->habit->flags(flags),
		q->habit->anonymous(flags) ? "true" : "false");
	if (!frame_word(q, "kpagecount", pfn, &count))
		fprintf(q->out, ",\"count\":\"%#" PRIx64 "\"", q->habit->count(count));
	if (!frame_word(q, "kpagecgroup", pfn, &cgroup))
		fprintf(q->out, ",\"cgroup\":\"%#" PRIx64 "\"", cgroup);
	return 0;
}

/* ---- pages ------------------------------------------------------------------------------------------- */

static void put_bool(const struct question *q, const char *name, bool value)
{
	fprintf(q->out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void put_swap(const struct question *q, const struct zoo_page *page)
{
	enum pmk_swap_kind kind = q->habit->swap_kind(page);
	const char *comma = "";

	fprintf(q->out, ",\"swap-kind\":\"%s\"", pmk_swap_kind_name(kind));
	if (page->right.kind == PMK_SWAP_HIDDEN)
		return;
	fprintf(q->out, ",\"swap-type\":%u,\"swap-offset\":\"%#" PRIx64 "\"", page->right.swap_type,
		q->habit->swap_offset(page));
	if (kind != PMK_SWAP_MARKER)
		return;
	fputs(",\"marker\":[", q->out);
	for (unsigned mask = 1; mask <= PMK_MARKER_GUARD; mask <<= 1)
		if (page->right.marker & mask) {
			fprintf(q->out, "%s\"%s\"", comma, pmk_marker_name(mask));
			comma = ",";
		}
	fputc(']', q->out);
}

/* One page as an object; why its frame could not be read. */
static int put_page(const struct question *q, int fd, uint64_t address, uint64_t word, bool frames)
{
	const struct zoo_habits *h = q->habit;
	struct zoo_page page = { .word = word };
	uint64_t start = address >> q->shift << q->shift;
	int written, error = 0;

	pmk_pagemap_decode(&q->layout, word, &page.right);
	if (!h->valid(&page))
		page.word = 0;
	bool present = h->present(&page), swapped = h->swapped(&page);
	uint64_t pfn = h->pfn(&page);
	fprintf(q->out, "{\"state\":\"%s\"", present ? "present" : swapped ? "swapped" : "absent");
	put_bool(q, "soft-dirty", h->soft_dirty(&page));
	put_bool(q, "exclusive", h->exclusive(&page));
	put_bool(q, "uffd-wp", page.right.uffd_wp);
	put_bool(q, "guard", page.right.guard);
	put_bool(q, "file", h->file(&page));
	if (page.right.page_shift)
		fprintf(q->out, ",\"page-shift\":%u", page.right.page_shift);
	if (swapped && !present)
		put_swap(q, &page);
	written = h->written(fd, &page, start, start + (UINT64_C(1) << q->shift));
	if (written >= 0)
		put_bool(q, "written", written);
	put_bool(q, "clean",
		 present && !page.right.page_shift && !h->soft_dirty(&page) &&
			 h->tracks(member(q->text, "kernel")));
	if (frames && h->has_frame(present, pfn)) {
		fprintf(q->out, ",\"pfn\":\"%#" PRIx64 "\",\"phys\":\"%#" PRIx64 "\"", pfn,
			h->phys(pfn, address, q->shift));
		error = put_frame(q, pfn, ",");
	}
	fputc('}', q->out);
	return error;
}

static void put_pages(const struct question *q, int fd, uint64_t start, const uint64_t *words,
		      size_t n)
{
	bool frames = q->habit->sees_frames(words, n);

	for (size_t i = 0; i < n; i++) {
		int error;

		if (i)
			fputc(',', q->out);
		error = put_page(q, fd, start + ((uint64_t)i << q->shift), words[i], frames);
		if (!q->habit->goes_on(error))
			return;
	}
}

static void answer_range(const struct question *q)
{
	uint64_t start = number(q, "start"), n = (number(q, "end") - start) >> q->shift;
	uint64_t *words = calloc(PAGES_MAX, 8);
	int error = 0, fd = open_of(q, "pagemap", true);
	size_t got = 0;

	if (!words)
		abort();
	if (fd >= 0)
		got = q->habit->read(fd, start >> q->shift, words, n < PAGES_MAX ? n : PAGES_MAX,
				     &error);
	fputs("{\"pages\":[", q->out);
	put_pages(q, fd, start, words, q->habit->keep(got, error));
	fputc(']', q->out);
	put_error(q, fd < 0 ? -fd : error, ",");
	fputs("}\n", q->out);
	if (fd >= 0)
		close(fd);
	free(words);
}

static void answer_page(const struct question *q)
{
	uint64_t address = number(q, "address"), word = 0;
	int error, fd = open_of(q, "pagemap", true);

	if (fd >= 0)
		q->habit->read(fd, address >> q->shift, &word, 1, &error);
	else
		error = -fd;
	if (error && q->habit->error(error)) {
		fputc('{', q->out);
		put_error(q, error, "");
		fputc('}', q->out);
	} else {
		put_page(q, fd, address, word, q->habit->sees_frames(&word, 1));
	}
	fputc('\n', q->out);
	if (fd >= 0)
		close(fd);
}

static void answer_frame(const struct question *q)
{
	fputc('{', q->out);
	put_error(q, put_frame(q, number(q, "pfn"), ""), "");
	fputs("}\n", q->out);
}

/* ---- scans ------------------------------------------------------------------------------------------- */

static void answer_scan(const struct question *q)
{
	struct pmk_scan_arg arg = {
		.start = number(q, "start"),
		.end = number(q, "end"),
		.category_inverted = number(q, "category_inverted"),
		.category_mask = number(q, "category_mask"),
		.category_anyof_mask = number(q, "category_anyof_mask"),
		.return_mask = number(q, "return_mask"),
	};
	struct zoo_regions found = { .n = 0 };
	int fd = open_of(q, "pagemap", true);
	int error = fd < 0 ? -fd : q->habit->scan(fd, &arg, &found);

	fputs("{\"regions\":[", q->out);
	for (size_t i = 0; i < found.n && !error; i++)
		fprintf(q->out,
			"%s{\"start\":\"%#" PRIx64 "\",\"end\":\"%#" PRIx64
			"\",\"categories\":\"%#" PRIx64 "\"}",
			i ? "," : "", found.region[i].start, found.region[i].end,
			found.region[i].categories);
	fputc(']', q->out);
	put_error(q, error, ",");
	fputs("}\n", q->out);
	if (fd >= 0)
		close(fd);
	free(found.region);
}

void zoo_answer(const struct zoo_habits *habits, const char *question, FILE *out)
{
	static const struct {
		const char *ask;
		void (*answer)(const struct question *q);
	} kinds[] = { { "\"page\"", answer_page },
		      { "\"range\"", answer_range },
		      { "\"frame\"", answer_frame },
		      { "\"scan\"", answer_scan } };
	struct question q = { .habit = habits, .text = question, .proc = "/proc", .out = out };
	const char *ask = member(question, "ask");

	begin(&q);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (ask && !strncmp(ask, kinds[i].ask, strlen(kinds[i].ask))) {
			kinds[i].answer(&q);
			return;
		}
	fputs("{\"skip\":\"unknown question\"}\n", out);
}
