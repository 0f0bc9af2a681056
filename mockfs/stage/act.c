/* act.c - what the arguments of a statement mean. */
#include "act.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

int pmk_act_fail(struct pmk_act *a, unsigned col, const char *format, const char *what)
{
	a->broken = true;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return pmk_error_set(a->err, a->file, a->stmt->line, col, format, what);
#pragma GCC diagnostic pop
}

const struct pmk_arg *pmk_act_opt(const struct pmk_act *a, enum pmk_opt_id id)
{
	return pmk_stmt_opt(a->stmt, id);
}

uint64_t pmk_act_number(const struct pmk_act *a, enum pmk_opt_id id)
{
	const struct pmk_arg *o = pmk_act_opt(a, id);

	return o ? o->n : 0;
}

/* The region of a RANGE; every page of it must exist. */
const struct pmk_region *pmk_act_region(struct pmk_act *a, const struct pmk_arg *arg)
{
	const struct pmk_region *r = pmk_stage_region(a->s, a->proc, arg->text);

	if (!r) {
		pmk_act_fail(a, arg->col, "this process has no region '%s'", arg->text);
		return NULL;
	}
	for (size_t i = 0; i < arg->nspans; i++)
		if (arg->span[i].last >= r->pages) {
			pmk_act_fail(a, arg->col, "a page that region '%s' does not have",
				     arg->text);
			return NULL;
		}
	return r;
}

/* Does the request for each span of the RANGE in arg; stops at the first that fails. */
int64_t pmk_act_spans(struct pmk_act *a, const struct pmk_arg *arg, struct pmk_request *r)
{
	const struct pmk_region *region = pmk_act_region(a, arg);
	uint64_t page = pmk_stage_page_size(a->s);
	struct pmk_span whole;
	int64_t result = -EINVAL;

	if (!region)
		return result;
	whole = (struct pmk_span){ 0, region->pages - 1 };
	for (size_t i = 0; i < (arg->nspans ? arg->nspans : 1); i++) {
		const struct pmk_span *span = arg->nspans ? &arg->span[i] : &whole;

		r->addr = region->addr + span->first * page;
		r->len = (span->last - span->first + 1) * page;
		if (r->code == PMK_REQ_FILL) {
			r->a[1] = (int64_t)a->s->next_content;
			a->s->next_content += span->last - span->first + 1;
		}
		result = pmk_world_request(a->s->world, r);
		if (result < 0)
			break;
	}
	return result;
}

/* The number of a handle that is closed at once.  Worlds keep handles in tables, so it is a small one:
 * of the observer behind those that check.c numbers by file, of a process the next that is free. */
int pmk_stage_passing_handle(const struct pmk_stage *s, int proc)
{
	return proc == PMK_OBSERVER ? PMK_FILE_COUNT : (int)s->nhandles;
}

int64_t pmk_stage_pread(struct pmk_stage *s, int proc, enum pmk_file file, uint64_t pos, void *buf,
			uint64_t len)
{
	struct pmk_request r = { .code = PMK_REQ_OPEN,
				 .proc = PMK_OBSERVER,
				 .handle = pmk_stage_passing_handle(s, PMK_OBSERVER),
				 .file = file,
				 .a = { O_RDONLY, 0, 0, proc } };
	int64_t n = pmk_world_request(s->world, &r);

	if (n < 0)
		return n;
	r = (struct pmk_request){ .code = PMK_REQ_PREAD,
				  .proc = PMK_OBSERVER,
				  .handle = pmk_stage_passing_handle(s, PMK_OBSERVER),
				  .pos = (int64_t)pos,
				  .len = len,
				  .buf = buf };
	n = pmk_world_request(s->world, &r);
	r.code = PMK_REQ_CLOSE;
	pmk_world_request(s->world, &r);
	return n;
}

/* The file position of region[page]: its entry in pagemap, or its frame's in kpage* and page_idle. */
static int region_position(struct pmk_act *a, const struct pmk_arg *arg, enum pmk_file file,
			   uint64_t *ret)
{
	const struct pmk_region *region = pmk_act_region(a, arg);
	uint64_t page, word;

	if (!region)
		return -1;
	page = region->addr / pmk_stage_page_size(a->s) + (arg->nspans ? arg->span[0].first : 0);
	*ret = page * 8;
	if (!pmk_file_is_kpage(file) && file != PMK_FILE_PAGE_IDLE)
		return 0;
	if (pmk_stage_pread(a->s, a->proc, PMK_FILE_PAGEMAP, page * 8, &word, 8) != 8 ||
	    !(word & PMK_PAGEMAP_PRESENT_MASK) || !(word & PMK_PAGEMAP_FRAME_MASK))
		return pmk_act_fail(a, arg->col, "'%s' has no frame to be seen there", arg->text);
	*ret = (word & PMK_PAGEMAP_FRAME_MASK) * 8;
	if (file == PMK_FILE_PAGE_IDLE)
		*ret = *ret / 64 & ~7ull; /* a bit each */
	return 0;
}

int pmk_act_position(struct pmk_act *a, const struct pmk_arg *arg, int handle, int64_t *ret)
{
	struct pmk_world *w = a->s->world;
	enum pmk_file file = a->s->handle[handle].file;
	uint64_t pos = 0, task = w->ops->fact(w, PMK_FACT_TASK_SIZE);

	switch (arg->base) {
	case PMK_BASE_NUMBER:
		pos = arg->negative ? 0 - arg->n : arg->n;
		break;
	case PMK_BASE_REGION:
		if (region_position(a, arg, file, &pos))
			return -1;
		break;
	case PMK_BASE_EOF:
		if (file == PMK_FILE_PAGEMAP)
			pos = task / pmk_stage_page_size(a->s) * 8;
		else if (pmk_file_is_kpage(file))
			pos = w->ops->fact(w, PMK_FACT_KPAGE_LIMIT) * 8;
		else if (file == PMK_FILE_PAGE_IDLE)
			pos = w->ops->fact(w, PMK_FACT_MAX_PFN) / 64 * 8;
		else
			return pmk_act_fail(a, arg->col, "'%s' has no eof that is known beforehand",
					    pmk_file_name[file]);
		break;
	case PMK_BASE_HOLE:
		if (!pmk_file_is_kpage(file))
			return pmk_act_fail(a, arg->col, "holes are in kpage*, not in '%s'",
					    pmk_file_name[file]);
		pos = w->ops->fact(w, PMK_FACT_HOLE) * 8;
		break;
	}
	*ret = (int64_t)(pos + (uint64_t)arg->delta);
	return 0;
}

/* Where the next region of so many pages goes. */
uint64_t pmk_stage_place(struct pmk_stage *s, uint64_t pages)
{
	uint64_t align = pmk_stage_page_size(s) * (pmk_stage_page_size(s) / 8),
		 addr = s->next_addr; /* a PMD's */

	addr = (addr + align - 1) & ~(align - 1);
	if (pages > UINT64_MAX / 4 / pmk_stage_page_size(s))
		return UINT64_MAX & ~(align - 1); /* no world has room for it */
	s->next_addr =
		addr + pages * pmk_stage_page_size(s) + align; /* a gap, so that nothing merges */
	return addr;
}

uint64_t pmk_act_place(struct pmk_act *a, uint64_t pages)
{
	const struct pmk_arg *at = pmk_act_opt(a, PMK_OPT_AT),
			     *after = pmk_act_opt(a, PMK_OPT_AFTER);
	const struct pmk_region *r;

	if (at)
		return at->n;
	if (!after)
		return pmk_stage_place(a->s, pages);
	r = pmk_stage_region(a->s, a->proc, after->text);
	if (!r) {
		pmk_act_fail(a, after->col, "this process has no region '%s'", after->text);
		return 0;
	}
	if (r->addr + (r->pages + pages) * pmk_stage_page_size(a->s) > a->s->next_addr)
		a->s->next_addr = r->addr + (r->pages + pages) * pmk_stage_page_size(a->s);
	return r->addr + r->pages * pmk_stage_page_size(a->s);
}

/* Pages behind the region have addresses, too. */
int pmk_act_address(struct pmk_act *a, const struct pmk_arg *arg, uint64_t *ret)
{
	struct pmk_world *w = a->s->world;
	uint64_t addr = arg->negative ? 0 - arg->n : arg->n;
	const struct pmk_region *region;

	if (arg->base == PMK_BASE_REGION) {
		region = pmk_stage_region(a->s, a->proc, arg->text);
		if (!region)
			return pmk_act_fail(a, arg->col, "this process has no region '%s'",
					    arg->text);
		addr = region->addr +
		       (arg->nspans ? arg->span[0].first : 0) * pmk_stage_page_size(a->s);
	} else if (arg->base == PMK_BASE_EOF) {
		addr = w->ops->fact(w, PMK_FACT_TASK_SIZE);
	}
	*ret = addr + (uint64_t)arg->delta;
	return 0;
}

int pmk_act_extent(struct pmk_act *a, const struct pmk_arg *arg, uint64_t *ret_start,
		   uint64_t *ret_end)
{
	const struct pmk_region *region;

	if (arg->to)
		return pmk_act_address(a, arg, ret_start) || pmk_act_address(a, arg->to, ret_end)
			       ? -1
			       : 0;
	region = pmk_act_region(a, arg);
	if (!region)
		return -1;
	*ret_start =
		region->addr + (arg->nspans ? arg->span[0].first : 0) * pmk_stage_page_size(a->s);
	*ret_end = region->addr + (arg->nspans ? arg->span[0].last + 1 : region->pages) *
					  pmk_stage_page_size(a->s);
	return 0;
}

int pmk_stage_extent(struct pmk_stage *s, int proc, const char *file, const struct pmk_stmt *stmt,
		     const struct pmk_arg *arg, uint64_t *ret_start, uint64_t *ret_end,
		     struct pmk_error *err)
{
	struct pmk_act a = { .s = s, .file = file, .stmt = stmt, .err = err, .proc = proc };

	return pmk_act_extent(&a, arg, ret_start, ret_end);
}

int pmk_act_buffer(struct pmk_act *a, enum pmk_opt_id id, int64_t *ret)
{
	static const char *const words[] = {
		[PMK_BUF_OK] = "ok",	     [PMK_BUF_NULL] = "null",
		[PMK_BUF_KERNEL] = "kernel", [PMK_BUF_UNMAPPED] = "unmapped",
		[PMK_BUF_HALF] = "half",     [PMK_BUF_READONLY] = "readonly",
		[PMK_BUF_ODD] = "odd",
	};
	const struct pmk_arg *buf = pmk_act_opt(a, id);

	*ret = PMK_BUF_OK;
	if (!buf)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i], buf->text)) {
			*ret = (int64_t)i;
			return 0;
		}
	return pmk_act_fail(a, buf->col,
			    "%s: expected ok, null, kernel, unmapped, half, readonly or odd",
			    buf->text);
}
