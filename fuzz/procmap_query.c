/*
 * Whatever is mapped and whatever is asked, PROCMAP_QUERY gives the line of maps that a walk over its text
 * finds by the ledger's rules (PQ-SIZE, PQ-VALID, PQ-FLAGS, PQ-NAME); the walk shares nothing with the model's.
 *
 * Input: kernel; then four bytes an operation: what, first page, pages, more; 192 and more begins a query: its
 * size, flags, address and sizes of the buffers.
 */
#include <errno.h>
#include <fcntl.h>

#include "fuzz.h"
#include "pagemapkit.h"
#include "procfs.h"
#include "world.h"

#define ARENA	 0x20000u /* pages */
#define PAGES	 64
#define OPS_MAX	 32
#define TEXT_MAX 32768
#define LINES	 400

static const char *const kernels[] = { "6.18/x86_64", "7.3/arm64-64k", "6.11/x86_64", "6.10/x86_64",
				       "7.3/i386" };

struct run {
	struct pmk_world *w;
	struct pmk_machine *m;
	uint64_t page; /* bytes */
	int pid, objects;
	struct pmk_handle *maps;
	char text[TEXT_MAX];
	struct pmk_maps_line line[LINES];
	size_t nlines;
};

static int64_t ask(struct run *r, struct pmk_request q)
{
	return pmk_world_request(r->w, &q);
}

static void set_up(struct run *r, uint8_t kernel)
{
	static const struct pmk_cred all = { 0, PMK_CAP_ALL };
	struct pmk_profile profile;
	struct pmk_error err;

	CHECK(!pmk_profile_parse(kernels[kernel % (sizeof(kernels) / sizeof(*kernels))], &profile,
				 &err),
	      "a kernel of the target's own list");
	r->w = pmk_world_model_create();
	r->w->ops->reset(r->w, &profile, &err);
	r->m = r->w->ops->machine(r->w);
	r->page = r->w->ops->fact(r->w, PMK_FACT_PAGE_SIZE);
	r->objects = 0;
	r->pid = (int)ask(r, (struct pmk_request){ .code = PMK_REQ_SPAWN });
	CHECK(!pmk_handle_open(r->m, PMK_FILE_MAPS, r->pid, O_RDONLY, &all, false, &r->maps),
	      "root may open maps");
}

/* ---- what is mapped ------------------------------------------------------------------------------ */

static void do_map(struct run *r, struct pmk_request q, uint8_t x)
{
	q.code = PMK_REQ_MMAP;
	q.prot = x & 7;
	q.shared = x & 8;
	q.a[0] = -1;
	if (x & 16 && r->objects < 4 &&
	    !ask(r, (struct pmk_request){
			    .code = PMK_REQ_OBJECT,
			    .proc = PMK_OBSERVER,
			    .a = { r->objects, x & 32 ? PMK_BACKING_FILE : PMK_BACKING_MEMFD },
			    .len = PAGES * r->page }))
		r->objects++;
	if (x & 16 && r->objects) {
		q.a[0] = x % r->objects;
		q.a[1] = (x >> 6) * (int64_t)r->page;
	}
	ask(r, q);
}

static void do_op(struct run *r, uint8_t code, struct pmk_request q, uint8_t x)
{
	switch (code & 3) {
	case 0:
	case 1:
		do_map(r, q, x);
		return;
	case 2:
		q.code = PMK_REQ_MUNMAP;
		break;
	default:
		q.code = PMK_REQ_MPROTECT;
		q.prot = x & 7;
		break;
	}
	ask(r, q);
}

/* ---- what maps says ------------------------------------------------------------------------------ */

static void read_maps(struct run *r)
{
	size_t len = 0;
	int64_t n;

	while ((n = pmk_handle_read(r->maps, len, TEXT_MAX - len, r->text + len)) > 0)
		len += (size_t)n;
	CHECK(!n && len < TEXT_MAX, "maps can be read to its end");
	r->nlines = 0;
	for (char *s = r->text, *end; s < r->text + len; s = end + 1) {
		end = memchr(s, '\n', (size_t)(r->text + len - s));
		CHECK(end && r->nlines < LINES, "maps are lines");
		CHECK(!pmk_maps_parse(s, (size_t)(end - s), &r->line[r->nlines++]),
		      "every line parses");
	}
}

/* PQ-FLAGS, line by line. */
static const struct pmk_maps_line *walk(const struct run *r, uint64_t addr, uint64_t flags)
{
	for (size_t i = 0; i < r->nlines; i++) {
		const struct pmk_maps_line *l = &r->line[i];
		bool covers = l->start <= addr && addr < l->end;

		if (!covers && !(flags & PMK_PROCMAP_COVERING_OR_NEXT && l->start > addr))
			continue;
		if ((flags & 15 & ~(uint64_t)l->perms) ||
		    (flags & PMK_PROCMAP_FILE_BACKED && !l->inode))
			continue;
		return l;
	}
	return NULL;
}

static int64_t expect(const struct run *r, const struct pmk_procmap_query *q, size_t len,
		      const struct pmk_maps_line **ret)
{
	*ret = NULL;
	if (!pmk_profile_has(&r->m->profile, PMK_Q_PROCMAP_QUERY))
		return -ENOTTY;
	if (len < 8)
		return -EFAULT;
	if (q->size > r->page)
		return -E2BIG;
	if (q->size < 24)
		return -EINVAL;
	if (q->query_flags & ~UINT64_C(0x3f) || !q->vma_name_size != !q->vma_name_addr ||
	    !q->build_id_size != !q->build_id_addr)
		return -EINVAL;
	*ret = walk(r, q->query_addr, q->query_flags);
	if (!*ret)
		return -ENOENT;
	if (q->vma_name_size && (*ret)->name_len + 1 > q->vma_name_size && (*ret)->name_len)
		return -ENAMETOOLONG;
	return 0;
}

static void check_answer(const struct run *r, const struct pmk_procmap_query *q,
			 const struct pmk_maps_line *l, const struct pmk_procmap_answer *a)
{
	CHECK(a->size == (q->size < sizeof(*q) ? q->size : sizeof(*q)),
	      "as much is written as was asked for");
	CHECK(a->q.vma_start == l->start && a->q.vma_end == l->end && a->q.vma_flags == l->perms &&
		      a->q.vma_offset == l->offset && a->q.inode == l->inode &&
		      a->q.dev_major == l->major && a->q.dev_minor == l->minor,
	      "the answer is the line of maps");
	CHECK(a->q.vma_page_size == r->page && !a->q.build_id_size, "pages; no build id");
	CHECK(a->name_len == (q->vma_name_size && l->name_len ? l->name_len + 1 : 0),
	      "the name's length");
	CHECK(!a->name_len || (!memcmp(a->name, l->name, l->name_len) && !a->name[l->name_len]),
	      "the name is that of maps");
}

static void query(struct run *r, struct fuzz_input *in)
{
	static struct pmk_procmap_answer answer;
	const struct pmk_maps_line *line = NULL;
	struct pmk_procmap_query q = { .size = sizeof(q) }, known;
	uint8_t how = fuzz_byte(in), size = fuzz_byte(in);
	size_t len;
	int64_t want, got;

	q.query_flags = fuzz_byte(in) & (how & 1 ? 0xff : 0x3f);
	q.query_addr =
		(ARENA + fuzz_byte(in) % (PAGES + 8)) * r->page + (how & 2 ? r->page - 1 : 0);
	if (how & 4)
		q.size = size;
	if (how & 8)
		q.vma_name_size = how & 16 ? fuzz_byte(in) : PMK_NAME_MAX;
	q.vma_name_addr = how & 32 ? fuzz_byte(in) : q.vma_name_size;
	q.build_id_size = how & 64 ? 20 : 0;
	q.build_id_addr = how & 128 ? 4096 : q.build_id_size;
	len = q.size < sizeof(q) ? (size_t)q.size : sizeof(q);
	/* what lies beyond its size counts as zero */
	known = (struct pmk_procmap_query){ 0 };
	memcpy(&known, &q, len);
	known.size = q.size;
	if (len >= 8 || !(how & 4))
		want = expect(r, &known, len, &line);
	else
		want = pmk_profile_has(&r->m->profile, PMK_Q_PROCMAP_QUERY) ? -EFAULT : -ENOTTY;
	got = pmk_handle_procmap_query(r->maps, &q, len, &answer);
	SAY("query size %ju flags %#jx addr %#jx name %u: %jd, want %jd\n", (uintmax_t)q.size,
	    (uintmax_t)q.query_flags, (uintmax_t)q.query_addr, q.vma_name_size, (intmax_t)got,
	    (intmax_t)want);
	CHECK(got == want, "the result is that of the walk over maps");
	if (!got)
		check_answer(r, &known, line, &answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	static struct run r;
	bool fresh = false;

	set_up(&r, fuzz_byte(&in));
	for (int i = 0; in.size && i < OPS_MAX; i++) {
		uint8_t code = fuzz_byte(&in);
		uint64_t first, n;

		if (code >= 192) {
			if (!fresh)
				read_maps(&r);
			fresh = true;
			query(&r, &in);
			continue;
		}
		fresh = false;
		first = fuzz_byte(&in) % PAGES;
		n = 1 + fuzz_byte(&in) % (PAGES - first);
		do_op(&r, code,
		      (struct pmk_request){ .addr = (ARENA + first) * r.page, .len = n * r.page },
		      fuzz_byte(&in));
	}
	pmk_handle_close(r.maps);
	r.w->ops->destroy(r.w);
	return 0;
}
