/*
 * do_scan_all.c - scan-all: what a consumer gets that goes over a range with the decoder's iterator.
 *
 * The iterator knows nothing of worlds, nor a world of it: each of its two callbacks is one request.
 */
#include "act.h"

#include <errno.h>
#include <string.h>

#include "alloc.h"
#include "pagemapkit.h"

#define VEC_USUAL   64
#define REGIONS_MAX 65536

struct walker {
	struct pmk_act *a;
	struct pmk_request r; /* with the handle, and room for an answer */
};

static int64_t call(void *ctx, struct pmk_scan_arg *arg)
{
	struct walker *w = ctx;
	struct pmk_scan_region *vec = (struct pmk_scan_region *)(uintptr_t)arg->vec;
	struct pmk_scan_arg after;
	int64_t n;

	if (pmk_act_opt(w->a, PMK_OPT_NO_IOCTL))
		return -ENOTTY;
	w->r.code = PMK_REQ_SCAN;
	w->r.scan = *arg;
	memcpy(w->r.buf, arg, sizeof(*arg));
	n = pmk_world_request(w->a->s->world, &w->r);
	memcpy(&after, w->r.buf, sizeof(after));
	arg->walk_end = after.walk_end;
	if (n > 0)
		memcpy(vec, (char *)w->r.buf + sizeof(after), (size_t)n * sizeof(*vec));
	return n;
}

static int64_t read_words(void *ctx, uint64_t index, uint64_t *words, size_t n)
{
	const struct walker *w = ctx;
	struct pmk_request r = { .code = PMK_REQ_PREAD,
				 .proc = w->r.proc,
				 .handle = w->r.handle,
				 .pos = (int64_t)(index * sizeof(*words)),
				 .len = n * sizeof(*words),
				 .buf = words };
	int64_t got = pmk_world_request(w->a->s->world, &r);

	return got < 0 ? got : got / (int64_t)sizeof(*words);
}

static unsigned shift_of(uint64_t page)
{
	unsigned shift = 0;

	while (page >> shift > 1)
		shift++;
	return shift;
}

int64_t pmk_do_scan_all(struct pmk_act *a)
{
	const struct pmk_arg *arg = pmk_act_opt(a, PMK_OPT_VEC);
	size_t room = arg ? (size_t)arg->n : VEC_USUAL, n = 0;
	struct walker w = { .a = a };
	struct pmk_scan_region *vec;
	struct pmk_scan_arg query;
	struct pmk_scan_iter it;
	int more;

	if (arg && (!arg->n || arg->n > REGIONS_MAX))
		return pmk_act_fail(a, arg->col, "a vector of 1 to 65536 regions%s", "");
	if (pmk_act_ioctl(a, &w.r) || pmk_act_scan_argument(a, &query))
		return -EINVAL;
	vec = pmk_calloc(room, sizeof(*vec));
	a->s->all = pmk_realloc(a->s->all, REGIONS_MAX, sizeof(*a->s->all));
	pmk_scan_iter_init(&it, &query, shift_of(pmk_stage_page_size(a->s)), vec, room, call,
			   read_words, &w);
	while (n < REGIONS_MAX && (more = pmk_scan_iter_next(&it, &a->s->all[n])) > 0)
		n++;
	free(vec);
	a->s->scan = (struct pmk_stage_scan){ .proc = a->proc, .region = a->s->all, .n = n };
	return more < 0 ? more : (int64_t)n;
}
