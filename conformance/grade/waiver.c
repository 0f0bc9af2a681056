/* SPDX-License-Identifier: MIT */
/* waiver.c - reads waivers: see waiver.h. */
#include "waiver.h"

#include <string.h>

#include "alloc.h"
#include "clauses.h"
#include "text.h"

#define WAIVERS_MAX (1u << 20) /* bytes of a file */
#define BLANKS	    " \t\r"

static int unknown(const char *file, unsigned line, const char *id, struct pmk_error *err)
{
	size_t n;
	const struct pmk_clause *clause = pmk_clauses(&n);
	const char *near = pmk_text_nearest(id, &clause[0].id, n, sizeof(*clause));

	return pmk_error_set(err, file, line, 1, "unknown clause '%.40s'%s%s%s", id,
			     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int add(struct pmk_waivers *w, char *text, unsigned line, struct pmk_error *err)
{
	size_t len = strcspn(text, BLANKS);
	char *reason = text + len + strspn(text + len, BLANKS);

	text[len] = '\0';
	if (!pmk_clause_find(text))
		return unknown(w->file, line, text, err);
	if (!*reason)
		return pmk_error_set(err, w->file, line, (unsigned)len + 1,
				     "a waiver needs a reason: %s REASON", text);
	if (pmk_waiver_find(w, text))
		return pmk_error_set(err, w->file, line, 1, "%s is waived already", text);
	w->waiver = pmk_realloc(w->waiver, w->n + 1, sizeof(*w->waiver));
	w->waiver[w->n++] = (struct pmk_waiver){ .clause = pmk_strdup(text),
						 .reason = pmk_strdup(reason),
						 .line = line };
	return 0;
}

int pmk_waivers_load(const char *path, struct pmk_waivers *ret, struct pmk_error *err)
{
	size_t len;
	char *text, *rest, *line;
	int rc = 0;

	*ret = (struct pmk_waivers){ .n = 0 };
	if (!path)
		return 0;
	text = pmk_file_read(path, WAIVERS_MAX, &len, err);
	if (!text)
		return -1;
	ret->file = pmk_strdup(path);
	rest = text;
	for (unsigned n = 1; !rc && (line = strsep(&rest, "\n")); n++) {
		line += strspn(line, BLANKS);
		if (*line && *line != '#')
			rc = add(ret, line, n, err);
	}
	free(text);
	return rc;
}

void pmk_waivers_deinit(struct pmk_waivers *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->waiver[i].clause);
		free(w->waiver[i].reason);
	}
	free(w->waiver);
	free(w->file);
}

struct pmk_waiver *pmk_waiver_find(const struct pmk_waivers *w, const char *clause)
{
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->waiver[i].clause, clause))
			return &w->waiver[i];
	return NULL;
}

const struct pmk_waiver *pmk_waiver_unneeded(const struct pmk_waivers *w,
					     const struct pmk_waiver *after)
{
	for (size_t i = after ? (size_t)(after - w->waiver) + 1 : 0; i < w->n; i++)
		if (w->waiver[i].asked && !w->waiver[i].needed)
			return &w->waiver[i];
	return NULL;
}
