/* SPDX-License-Identifier: MIT */
/* check_scan.c - `scanned` and `queried`: what PAGEMAP_SCAN and PROCMAP_QUERY brought. */
#include <inttypes.h>
#include <string.h>

#include "check_internal.h"
#include "words.h"

/* The process and the bytes that the statement names. */
static enum pmk_outcome subject(struct pmk_check *c, const struct pmk_stmt *stmt, int *ret_proc,
				uint64_t *ret_start, uint64_t *ret_end, struct pmk_text *why)
{
	struct pmk_error err = { .text = "" };

	*ret_proc = pmk_stage_proc(c->stage, stmt->subject);
	if (*ret_proc < 0) {
		pmk_text_add(why, "no process '%s'", stmt->subject);
		return PMK_BROKEN;
	}
	if (pmk_stage_extent(c->stage, *ret_proc, "", stmt, &stmt->arg[0], ret_start, ret_end,
			     &err)) {
		pmk_text_add(why, "%s", err.text);
		return PMK_BROKEN;
	}
	return PMK_DONE;
}

/* "0x20000000..0x20004000 (+0..+4 pages) present+written" */
static void add_region(const struct pmk_check *c, uint64_t start, uint64_t end, uint64_t base,
		       const char *categories, struct pmk_text *why)
{
	int64_t page = (int64_t)c->page_size;

	pmk_text_add(why, "%#" PRIx64 "..%#" PRIx64 " (pages %+" PRId64 "..%+" PRId64 ") %s", start,
		     end, (int64_t)(start - base) / page, (int64_t)(end - base) / page, categories);
}

enum pmk_outcome pmk_check_scanned(struct pmk_check *c, const struct pmk_stmt *stmt,
				   struct pmk_text *why)
{
	struct pmk_stage_scan *scan = pmk_stage_last_scan(c->stage);
	char words[256], want[256];
	uint64_t start, end;
	int proc;
	enum pmk_outcome outcome = subject(c, stmt, &proc, &start, &end, why);
	const struct pmk_scan_region *r;

	if (outcome != PMK_DONE)
		return outcome;
	if (scan->proc != proc) {
		pmk_text_add(why, "the last scan was not by '%s'", stmt->subject);
		return PMK_BROKEN;
	}
	if (scan->next >= scan->n) {
		pmk_text_add(why, "there is no region number %zu", scan->next + 1);
		return PMK_WRONG;
	}
	r = &scan->region[scan->next];
	if (r->start == start && r->end == end && r->categories == stmt->arg[1].set) {
		scan->next++;
		return PMK_DONE;
	}
	pmk_categories_print(stmt->arg[1].set, ' ', want, sizeof(want));
	pmk_categories_print(r->categories, ' ', words, sizeof(words));
	pmk_text_add(why, "region number %zu: expected ", scan->next + 1);
	add_region(c, start, end, start, want, why);
	pmk_text_add(why, ", saw ");
	add_region(c, r->start, r->end, start, words, why);
	return PMK_WRONG;
}

static const char *query_fault(const struct pmk_check *c, const struct pmk_stmt *stmt,
			       const struct pmk_stage_query *found)
{
	const struct pmk_procmap_query *q = &found->query;
	const struct pmk_arg *offset = pmk_stmt_opt(stmt, PMK_OPT_OFFSET),
			     *inode = pmk_stmt_opt(stmt, PMK_OPT_INODE),
			     *name = pmk_stmt_opt(stmt, PMK_OPT_NAME),
			     *id = pmk_stmt_opt(stmt, PMK_OPT_BUILD_ID);
	static const unsigned char wanted_id[] = PMK_BUILD_ID;
	bool shared = pmk_stmt_opt(stmt, PMK_OPT_SHARED);

	if (q->vma_flags != (stmt->arg[1].n | (shared ? PMK_PROCMAP_SHARED : 0u)))
		return "permissions";
	if (q->vma_page_size != c->page_size)
		return "page size";
	if (offset && q->vma_offset != offset->n * c->page_size)
		return "offset";
	if (inode && q->inode != inode->n)
		return "inode";
	if (id && (q->build_id_size != id->n ||
		   memcmp(found->build_id, wanted_id, id->n < 20 ? id->n : 20) != 0))
		return "build id";
	if (name &&
	    (!found->name || q->vma_name_size != (name->text_len ? name->text_len + 1 : 0) ||
	     memcmp(found->name, name->text, name->text_len)))
		return "name";
	return NULL;
}

enum pmk_outcome pmk_check_queried(struct pmk_check *c, const struct pmk_stmt *stmt,
				   struct pmk_text *why)
{
	const struct pmk_stage_query *found = pmk_stage_last_query(c->stage);
	const struct pmk_procmap_query *q = &found->query;
	const char *fault;
	uint64_t start, end;
	int proc;
	enum pmk_outcome outcome = subject(c, stmt, &proc, &start, &end, why);

	if (outcome != PMK_DONE)
		return outcome;
	if (found->proc != proc) {
		pmk_text_add(why, "the last procmap-query was not by '%s', or found nothing",
			     stmt->subject);
		return PMK_BROKEN;
	}
	fault = query_fault(c, stmt, found);
	if (q->vma_start == start && q->vma_end == end && !fault)
		return PMK_DONE;
	pmk_text_add(why, "%s: expected ", fault ? fault : "pages");
	add_region(c, start, end, start, "", why);
	pmk_text_add(why, ", saw ");
	add_region(c, q->vma_start, q->vma_end, start, "", why);
	pmk_text_add(why,
		     "flags=%#" PRIx64 " offset=%#" PRIx64 " inode=%" PRIu64 " build_id=%u "
		     "name='%.*s'",
		     q->vma_flags, q->vma_offset, q->inode, q->build_id_size,
		     found->name ? (int)q->vma_name_size : 0, found->name ? found->name : "");
	return PMK_WRONG;
}
