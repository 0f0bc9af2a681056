/* do_ioctl.c - userfaultfd, PAGEMAP_SCAN and PROCMAP_QUERY. */
#include "act.h"

#include <errno.h>
#include <inttypes.h>

#include "alloc.h"
#include "pagemapkit.h"

#define SCAN_REGIONS 65536 /* so many of a scan are kept */
#define ANSWER_ROOM  (sizeof(struct pmk_scan_arg) + SCAN_REGIONS * sizeof(struct pmk_scan_region))

int64_t pmk_do_uffd(struct pmk_act *a)
{
	struct pmk_request r = { .code = PMK_REQ_UFFD, .proc = a->proc };

	if (a->stmt->id == PMK_STMT_UFFD)
		r.a[0] = (int64_t)a->stmt->arg[1].n;
	else
		r.a[0] = a->stmt->id == PMK_STMT_UFFD_PROTECT  ? PMK_UFFD_PROTECT
			 : a->stmt->id == PMK_STMT_UFFD_POISON ? PMK_UFFD_POISON
							       : PMK_UFFD_UNPROTECT;
	r.a[1] = (pmk_act_opt(a, PMK_OPT_SYNC) ? PMK_UFFD_SYNC : 0) |
		 (pmk_act_opt(a, PMK_OPT_UNPOPULATED) ? PMK_UFFD_UNPOPULATED : 0);
	return pmk_act_spans(a, &a->stmt->arg[0], &r);
}

struct pmk_stage_scan *pmk_stage_last_scan(struct pmk_stage *s)
{
	return &s->scan;
}

const struct pmk_stage_query *pmk_stage_last_query(const struct pmk_stage *s)
{
	return &s->query;
}

int pmk_act_ioctl(struct pmk_act *a, struct pmk_request *r)
{
	const struct pmk_arg *handle = &a->stmt->arg[0];

	r->proc = a->proc;
	r->handle = pmk_stage_handle(a->s, a->proc, handle->text);
	if (r->handle < 0)
		return pmk_act_fail(a, handle->col, "this process has no handle '%s'",
				    handle->text);
	if (pmk_act_buffer(a, PMK_OPT_BUF, &r->a[0]) || pmk_act_buffer(a, PMK_OPT_ARG, &r->a[1]))
		return -1;
	if (!a->s->answer)
		a->s->answer = pmk_alloc(ANSWER_ROOM);
	r->buf = a->s->answer;
	r->len = ANSWER_ROOM;
	a->s->scan = (struct pmk_stage_scan){ .proc = PMK_OBSERVER };
	a->s->query = (struct pmk_stage_query){ .proc = PMK_OBSERVER };
	return 0;
}

int pmk_act_scan_argument(struct pmk_act *a, struct pmk_scan_arg *ret)
{
	const struct pmk_arg *size = pmk_act_opt(a, PMK_OPT_SIZE),
			     *vec = pmk_act_opt(a, PMK_OPT_VEC),
			     *returned = pmk_act_opt(a, PMK_OPT_RETURN);

	*ret = (struct pmk_scan_arg){
		.size = size ? size->n : sizeof(*ret),
		.flags = pmk_act_number(a, PMK_OPT_SCAN_FLAGS) |
			 (pmk_act_opt(a, PMK_OPT_WP) ? PMK_SCAN_WP_MATCHING : 0) |
			 (pmk_act_opt(a, PMK_OPT_CHECK) ? PMK_SCAN_CHECK_WPASYNC : 0),
		.vec = !pmk_act_opt(a, PMK_OPT_NOVEC),
		.vec_len = vec				   ? vec->n
			   : pmk_act_opt(a, PMK_OPT_NOVEC) ? 0
							   : 4096,
		.max_pages = pmk_act_number(a, PMK_OPT_MAX),
		.category_inverted = pmk_act_number(a, PMK_OPT_INVERTED),
		.category_mask = pmk_act_number(a, PMK_OPT_MASK),
		.category_anyof_mask = pmk_act_number(a, PMK_OPT_ANYOF),
	};
	ret->return_mask = returned ? returned->n : ret->category_mask | ret->category_anyof_mask;
	return pmk_act_extent(a, &a->stmt->arg[1], &ret->start, &ret->end);
}

/* walk_end= holds whatever the result is. */
static int64_t check_walk_end(struct pmk_act *a, const struct pmk_scan_arg *after, int64_t result)
{
	const struct pmk_arg *want = pmk_act_opt(a, PMK_OPT_WALK_END);
	int64_t off;
	uint64_t addr;

	if (!want || pmk_act_address(a, want, &addr) || addr == after->walk_end)
		return result;
	off = (int64_t)(after->walk_end - addr);
	a->wrong = true;
	pmk_error_set(a->err, a->file, a->stmt->line, want->col,
		      "scan: walk_end is %#" PRIx64 ", expected %#" PRIx64 " (%+" PRId64
		      " pages); the result is %" PRId64,
		      after->walk_end, addr, off / (int64_t)pmk_stage_page_size(a->s), result);
	return result;
}

int64_t pmk_do_scan(struct pmk_act *a)
{
	struct pmk_request r = { .code = PMK_REQ_SCAN };
	struct pmk_scan_arg after;
	int64_t result;

	if (pmk_act_ioctl(a, &r) || pmk_act_scan_argument(a, &r.scan))
		return -EINVAL;
	memcpy(a->s->answer, &r.scan, sizeof(r.scan));
	result = pmk_world_request(a->s->world, &r);
	memcpy(&after, a->s->answer, sizeof(after));
	a->s->scan = (struct pmk_stage_scan){
		.proc = a->proc,
		.region = (struct pmk_scan_region *)(a->s->answer + sizeof(after)),
		.n = result < 0		     ? 0
		     : result < SCAN_REGIONS ? (size_t)result
					     : SCAN_REGIONS,
	};
	if (r.a[0] != PMK_BUF_OK || !r.scan.vec)
		a->s->scan.n = 0;
	return check_walk_end(a, &after, result);
}

static int query_flags(struct pmk_act *a, uint64_t *ret)
{
	static const struct {
		const char *word;
		unsigned flag;
	} words[] = {
		{ "readable", PMK_PROCMAP_READABLE },	  { "writable", PMK_PROCMAP_WRITABLE },
		{ "executable", PMK_PROCMAP_EXECUTABLE }, { "shared", PMK_PROCMAP_SHARED },
		{ "next", PMK_PROCMAP_COVERING_OR_NEXT }, { "file", PMK_PROCMAP_FILE_BACKED },
	};
	const struct pmk_arg *arg = pmk_act_opt(a, PMK_OPT_QUERY);

	*ret = 0;
	for (const char *at = arg ? arg->text : "", *next; *at; at = next) {
		size_t len = strcspn(at, "+"), i;
		char *end;

		next = at + len + (at[len] == '+');
		for (i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (strlen(words[i].word) == len && !memcmp(words[i].word, at, len))
				break;
		*ret |= i < sizeof(words) / sizeof(*words) ? words[i].flag : strtoull(at, &end, 0);
		if (i == sizeof(words) / sizeof(*words) && end != at + len)
			return pmk_act_fail(
				a, arg->col,
				"flags=%s: expected readable, writable, executable, shared, "
				"next, file or numbers, joined by +",
				arg->text);
	}
	return 0;
}

int64_t pmk_do_procmap_query(struct pmk_act *a)
{
	const struct pmk_arg *size = pmk_act_opt(a, PMK_OPT_SIZE),
			     *name = pmk_act_opt(a, PMK_OPT_NAME_SIZE),
			     *id = pmk_act_opt(a, PMK_OPT_BUILD_ID);
	struct pmk_request r = { .code = PMK_REQ_PROCMAP_QUERY };
	struct pmk_procmap_query *q = &r.query;
	int64_t result;

	if (pmk_act_ioctl(a, &r) || query_flags(a, &q->query_flags) ||
	    pmk_act_address(a, &a->stmt->arg[1], &q->query_addr))
		return -EINVAL;
	q->size = size ? size->n : sizeof(*q);
	q->vma_name_addr = !pmk_act_opt(a, PMK_OPT_NONAME);
	q->vma_name_size = (uint32_t)(name ? name->n : q->vma_name_addr ? 4096 : 0);
	q->build_id_addr = id != NULL;
	q->build_id_size = (uint32_t)(id ? id->n : 0);
	r.a[2] = (int64_t)pmk_act_number(a, PMK_OPT_TAIL);
	result = pmk_world_request(a->s->world, &r);
	if (result < 0)
		return result;
	a->s->query.proc = a->proc;
	memcpy(&a->s->query.query, a->s->answer, sizeof(*q));
	if (q->vma_name_addr && q->size >= offsetof(struct pmk_procmap_query, build_id_addr))
		a->s->query.name = a->s->answer + sizeof(*q);
	a->s->query.build_id = a->s->answer + PMK_QUERY_ID_AT;
	return result;
}
