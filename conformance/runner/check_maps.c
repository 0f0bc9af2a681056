/* SPDX-License-Identifier: MIT */
/* check_maps.c - `maps`: the lines of /proc/PID/maps that cover a range. */
#include "check_internal.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define MAPS_SIZE_MAX (256u << 20)

/* One `maps` statement being checked. */
struct maps {
	struct pmk_check *c;
	const struct pmk_stmt *stmt;
	unsigned perms; /* PMK_MAPS_* */
	const struct pmk_arg *offset, *inode, *dev, *name;
	struct pmk_text *why;
};

int64_t pmk_check_read_text(struct pmk_check *c, enum pmk_file file, int proc, char **ret,
			    size_t *ret_len)
{
	struct pmk_request read = { .code = PMK_REQ_READFD, .proc = PMK_OBSERVER };
	int64_t result = pmk_check_open(c, file, proc);
	size_t size = 0, len = 0;
	char *text = NULL;

	if (result < 0)
		return result;
	read.handle = (int)file;
	do {
		if (size - len < 4096) {
			size = size ? size * 2 : 16384;
			text = pmk_realloc(text, size, 1);
		}
		read.buf = text + len;
		read.len = size - len;
		result = pmk_world_request(c->world, &read);
		if (result > 0)
			len += (size_t)result;
	} while (result > 0 && len < MAPS_SIZE_MAX);
	pmk_check_close(c, file);
	if (result < 0) {
		free(text);
		return result;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

/* ---- one line ------------------------------------------------------------------------------------ */

static enum pmk_outcome wrong(const struct maps *m, uint64_t addr, const char *line, size_t len,
			      const char *reason)
{
	static const char letters[] = "rwxs";
	char words[128] = "";
	struct pmk_text text = PMK_TEXT(words);
	char perms[] = "---p";

	for (unsigned i = 0; i < 4; i++)
		if (m->perms >> i & 1)
			perms[i] = letters[i];
	pmk_text_add(&text, "%s", perms);
	pmk_check_expected(m->stmt, m->stmt->nargs, &text);
	pmk_text_add(m->why, "%s at %#llx: expected '%s', saw '%.*s' (%s)", m->stmt->arg[0].text,
		     (unsigned long long)addr, words, (int)len, line, reason);
	return PMK_WRONG;
}

/* The offset that the first page of the range has, told from any of its lines. */
static uint64_t offset_of(const struct maps *m, const struct pmk_maps_line *line, uint64_t start)
{
	return (line->offset + (start - line->start)) / m->c->page_size;
}

/* What is wrong with a line that covers some of the range from `start` on; NULL: nothing. */
static const char *line_fault(const struct maps *m, const struct pmk_maps_line *line,
			      uint64_t start)
{
	unsigned major, minor;

	if (line->perms != m->perms)
		return (line->perms ^ m->perms) & PMK_MAPS_SHARED ? "shared or private"
								  : "permissions";
	if (m->offset && !pmk_check_number(m->offset, 0, offset_of(m, line, start)))
		return "offset";
	if (m->inode && !pmk_check_number(m->inode, 0, line->inode))
		return "inode";
	if (m->dev && (sscanf(m->dev->text, "%x:%x", &major, &minor) != 2 || major != line->major ||
		       minor != line->minor))
		return "device";
	if (m->name && (m->name->text_len != line->name_len ||
			(line->name_len && memcmp(m->name->text, line->name, line->name_len) != 0)))
		return "name";
	return NULL;
}

/* ---- the lines of a range ------------------------------------------------------------------------ */

/* A walk over the lines that overlap [start, end). */
struct walk {
	uint64_t start, end, covered; /* covered: up to where without a hole */
	uint64_t lines;
};

static enum pmk_outcome check_line(const struct maps *m, struct walk *w, const char *line,
				   size_t len)
{
	const char *fault;
	struct pmk_maps_line parsed;
	int error = pmk_maps_parse(line, len, &parsed);

	if (error < 0) {
		pmk_text_add(m->why, "a line of maps: %s: '%.*s'", pmk_error_text(error), (int)len,
			     line);
		return PMK_WRONG;
	}
	if (parsed.end <= w->start || parsed.start >= w->end)
		return PMK_DONE;
	w->lines++;
	if (parsed.start <= w->covered)
		w->covered = parsed.end;
	fault = line_fault(m, &parsed, w->start);
	if (fault)
		return wrong(m, parsed.start, line, len, fault);
	return PMK_DONE;
}

static enum pmk_outcome check_text(const struct maps *m, struct walk *w, const char *text,
				   size_t len)
{
	const char *end = text + len;
	enum pmk_outcome outcome = PMK_DONE;

	while (text < end && outcome == PMK_DONE) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);

		outcome = check_line(m, w, text, n);
		text += n + 1;
	}
	return outcome;
}

static enum pmk_outcome check_span(const struct maps *m, const struct pmk_region *region,
				   struct pmk_span span, const char *text, size_t len)
{
	const struct pmk_arg *lines = pmk_stmt_opt(m->stmt, PMK_OPT_LINES);
	struct walk w = { .start = region->addr + span.first * m->c->page_size };
	enum pmk_outcome outcome;

	w.end = region->addr + (span.last + 1) * m->c->page_size;
	w.covered = w.start;
	outcome = check_text(m, &w, text, len);
	if (outcome != PMK_DONE)
		return outcome;
	if (lines && !pmk_check_number(lines, 0, w.lines)) {
		pmk_text_add(m->why, "%s: expected %llu lines of maps, saw %llu", region->name,
			     (unsigned long long)lines->n, (unsigned long long)w.lines);
		return PMK_WRONG;
	}
	if (w.covered < w.end && !(lines && lines->n == 0)) {
		pmk_text_add(m->why, "%s[%llu]: maps has no line", region->name,
			     (unsigned long long)((w.covered - region->addr) / m->c->page_size));
		return PMK_WRONG;
	}
	return PMK_DONE;
}

static void maps_init(struct maps *m, struct pmk_check *c, const struct pmk_stmt *stmt,
		      struct pmk_text *why)
{
	*m = (struct maps){ .c = c, .stmt = stmt, .why = why };
	m->perms = (unsigned)stmt->arg[1].n; /* PMK_PERM_* are PMK_MAPS_* */
	if (pmk_stmt_opt(stmt, PMK_OPT_SHARED))
		m->perms |= PMK_MAPS_SHARED;
	m->offset = pmk_stmt_opt(stmt, PMK_OPT_OFFSET);
	m->inode = pmk_stmt_opt(stmt, PMK_OPT_INODE);
	m->dev = pmk_stmt_opt(stmt, PMK_OPT_DEV);
	m->name = pmk_stmt_opt(stmt, PMK_OPT_NAME);
}

enum pmk_outcome pmk_check_maps(struct pmk_check *c, const struct pmk_stmt *stmt,
				struct pmk_text *why)
{
	const struct pmk_span *span = NULL;
	enum pmk_outcome outcome;
	struct pmk_region region;
	struct pmk_span whole;
	struct maps m;
	char *text = NULL;
	size_t len = 0, n;
	int64_t result;
	int proc;

	outcome = pmk_check_region(c, stmt, &stmt->arg[0], &proc, &region, why);
	if (outcome != PMK_DONE)
		return outcome;
	result = pmk_check_read_text(c, PMK_FILE_MAPS, proc, &text, &len);
	if (result < 0) {
		pmk_text_add(why, "maps of %s: ", stmt->subject);
		pmk_check_result(result, why);
		return PMK_WRONG;
	}
	maps_init(&m, c, stmt, why);
	n = pmk_check_spans(&stmt->arg[0], &region, &whole, &span);
	for (size_t i = 0; i < n && outcome == PMK_DONE; i++)
		outcome = check_span(&m, &region, span[i], text, len);
	free(text);
	return outcome;
}
