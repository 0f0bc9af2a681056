/* SPDX-License-Identifier: MIT */
/* check_field.c - `field`: a number behind a name in a text file of proc, as in "Rss:  32 kB", or how many lines
 * of the name have a word: "VmFlags gu". */
#include "check_internal.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

struct field {
	const char *name;
	size_t name_len;
	const char *word; /* to be counted; NULL: numbers are */
	uint64_t page_size;
	uint64_t start, end; /* of smaps: only entries that overlap this; else 0 and UINT64_MAX */
	bool inside, found;
	uint64_t sum;
};

/* kB come as pages, so that a script holds for every page size. */
static void add_value(struct field *f, const char *text, size_t len)
{
	char number[32];
	uint64_t value;
	char *rest;

	if (len >= sizeof(number))
		len = sizeof(number) - 1;
	memcpy(number, text, len);
	number[len] = '\0';
	value = strtoull(number, &rest, 10);
	if (!strcmp(rest, " kB"))
		value = value * 1024 / f->page_size;
	f->sum += value;
	f->found = true;
}

static void count_word(struct field *f, const char *text, size_t len)
{
	size_t word_len = strlen(f->word);
	const char *end = text + len;

	f->found = true;
	while (text < end) {
		const char *blank = memchr(text, ' ', (size_t)(end - text));

		if (!blank)
			blank = end;
		f->sum += (size_t)(blank - text) == word_len && !memcmp(text, f->word, word_len);
		text = blank + 1;
	}
}

static void take_line(struct field *f, const char *line, size_t len)
{
	struct pmk_maps_line vma;

	if (len > f->name_len && !memcmp(line, f->name, f->name_len) && line[f->name_len] == ':') {
		if (f->inside)
			(f->word ? count_word : add_value)(f, line + f->name_len + 1,
							   len - f->name_len - 1);
		return;
	}
	if (f->end != UINT64_MAX && pmk_maps_parse(line, len, &vma) == 0)
		f->inside = vma.start < f->end && vma.end > f->start;
}

static void take_text(struct field *f, const char *text, size_t len)
{
	const char *end = text + len, *next;

	for (; text < end; text = next + 1) {
		next = memchr(text, '\n', (size_t)(end - text));
		if (!next)
			next = end;
		take_line(f, text, (size_t)(next - text));
	}
}

static enum pmk_outcome find_extent(struct pmk_check *c, const struct pmk_stmt *stmt,
				    struct field *f, struct pmk_text *why)
{
	const struct pmk_arg *in = pmk_stmt_opt(stmt, PMK_OPT_IN);
	const struct pmk_region *region;

	f->end = UINT64_MAX;
	f->inside = !in;
	if (!in)
		return PMK_DONE;
	region = pmk_stage_region(c->stage, pmk_stage_proc(c->stage, stmt->subject), in->text);
	if (!region) {
		pmk_text_add(why, "this process has no region '%s'", in->text);
		return PMK_BROKEN;
	}
	f->start = region->addr;
	f->end = region->addr + region->pages * c->page_size;
	return PMK_DONE;
}

enum pmk_outcome pmk_check_field(struct pmk_check *c, const struct pmk_stmt *stmt,
				 struct pmk_text *why)
{
	const struct pmk_arg *arg = stmt->arg;
	struct field f = { .name = arg[1].text,
			   .name_len = arg[1].text_len,
			   .page_size = c->page_size };
	enum pmk_file file = (enum pmk_file)arg[0].n;
	const char *blank = strchr(f.name, ' ');
	int64_t result;
	char *text;
	size_t len;

	if (blank) {
		f.name_len = (size_t)(blank - f.name);
		f.word = blank + 1;
	}
	if (find_extent(c, stmt, &f, why) != PMK_DONE)
		return PMK_BROKEN;
	result = pmk_check_read_text(c, file, pmk_stage_proc(c->stage, stmt->subject), &text, &len);
	if (result < 0) {
		pmk_text_add(why, "%s of %s: ", pmk_file_name[file], stmt->subject);
		pmk_check_result(result, why);
		return PMK_WRONG;
	}
	take_text(&f, text, len);
	free(text);
	if (f.found && f.sum == arg[2].n)
		return PMK_DONE;
	if (f.found)
		pmk_text_add(why, "%s: %s is %llu, expected %llu", pmk_file_name[file], f.name,
			     (unsigned long long)f.sum, (unsigned long long)arg[2].n);
	else
		pmk_text_add(why, "%s has no field %s there", pmk_file_name[file], f.name);
	return PMK_WRONG;
}
