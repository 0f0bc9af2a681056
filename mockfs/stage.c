/* stage.c - does a script's givens, operations, calls and faults in a world: names become numbers. */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "alloc.h"
#include "machine.h"
#include "names.h"
#include "pagemapkit.h"

/* Where regions go: each in page tables of its own, low, but beyond where the heap of a static binary may be
 * (up to 1 GiB behind its end) and below the libraries of 32-bit processes. */
#define FIRST_ADDRESS 0x60000000ull
#define LINE_BUFFER   65536
#define HUGE_PAGES    512 /* facilities hugetlb and thp promise it */

enum {
	SCOPE_PROC = -1,
	SCOPE_OBJECT = -2,
	SCOPE_CGROUP = -3
}; /* regions: 2 * proc, handles: 2 * proc + 1 */

struct object {
	enum pmk_backing backing;
};

struct pmk_stage {
	struct pmk_world *world;
	struct pmk_names names;
	struct {
		int pid;
		uint32_t *region; /* indexes of its regions, for fork */
		size_t nregions;
		uint32_t *handle;
		size_t nhandles;
	} * proc;
	size_t nprocs;
	struct pmk_region *region;
	size_t nregions;
	struct {
		const char *name;
		enum pmk_file file;
	} * handle; /* by number */
	size_t nhandles;
	size_t nobjects;
	uint64_t *cgroup; /* inodes by number */
	size_t ncgroups;
	uint64_t next_addr;
	uint64_t page; /* bytes; 0 until the world is asked */
	char *answer; /* of the last scan or procmap-query, by ANSWER_ROOM */
	struct pmk_stage_scan scan;
	struct pmk_stage_query query;
};

#define SCAN_REGIONS 65536 /* so many of a scan are kept */
#define ANSWER_ROOM  (sizeof(struct pmk_scan_arg) + SCAN_REGIONS * sizeof(struct pmk_scan_region))

/* What a handler works on. */
struct act {
	struct pmk_stage *s;
	const char *file;
	const struct pmk_stmt *stmt;
	struct pmk_error *err;
	int proc;
	bool broken; /* err says why */
	bool wrong; /* likewise: not what the script expects, though the result may be */
};

struct pmk_stage *pmk_stage_create(struct pmk_world *world)
{
	struct pmk_stage *s = pmk_calloc(1, sizeof(*s));

	s->world = world;
	s->next_addr = FIRST_ADDRESS;
	s->scan.proc = s->query.proc = PMK_OBSERVER;
	return s;
}

void pmk_stage_destroy(struct pmk_stage *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nprocs; i++) {
		free(s->proc[i].region);
		free(s->proc[i].handle);
	}
	free(s->proc);
	free(s->region);
	free(s->handle);
	free(s->answer);
	free(s->cgroup);
	pmk_names_deinit(&s->names);
	free(s);
}

struct pmk_world *pmk_stage_world(const struct pmk_stage *s)
{
	return s->world;
}

static uint64_t page_size(struct pmk_stage *s)
{
	if (!s->page)
		s->page = s->world->ops->fact(s->world, PMK_FACT_PAGE_SIZE);
	return s->page;
}

/* ---- names -------------------------------------------------------------------------------------- */

int pmk_stage_proc(const struct pmk_stage *s, const char *name)
{
	return (int)pmk_names_find(&s->names, SCOPE_PROC, name);
}

int pmk_stage_pid(const struct pmk_stage *s, int proc)
{
	return proc >= 0 && (size_t)proc < s->nprocs ? s->proc[proc].pid : 0;
}

const struct pmk_region *pmk_stage_region(const struct pmk_stage *s, int proc, const char *name)
{
	int64_t i = pmk_names_find(&s->names, 2 * proc, name);

	return i < 0 ? NULL : &s->region[i];
}

/* Indexes in a list that grows at powers of two. */
static void append(uint32_t **list, size_t *n, uint32_t value)
{
	if (!(*n & (*n - 1)))
		*list = pmk_realloc(*list, *n ? *n * 2 : 1, sizeof(**list));
	(*list)[(*n)++] = value;
}

static void add_region(struct pmk_stage *s, int proc, const char *name, uint64_t addr,
		       uint64_t pages)
{
	int64_t old = pmk_names_find(&s->names, 2 * proc, name);
	struct pmk_region r = { .addr = addr, .pages = pages };

	if (old >= 0) { /* the name of an unmapped region may be used again */
		r.name = s->region[old].name;
		s->region[old] = r;
		return;
	}
	if (!(s->nregions & (s->nregions - 1)))
		s->region = pmk_realloc(s->region, s->nregions ? s->nregions * 2 : 1,
					sizeof(*s->region));
	r.name = pmk_names_set(&s->names, 2 * proc, name, (uint32_t)s->nregions);
	append(&s->proc[proc].region, &s->proc[proc].nregions, (uint32_t)s->nregions);
	s->region[s->nregions++] = r;
}

static int add_handle(struct pmk_stage *s, int proc, const char *name, enum pmk_file file)
{
	if (!(s->nhandles & (s->nhandles - 1)))
		s->handle = pmk_realloc(s->handle, s->nhandles ? s->nhandles * 2 : 1,
					sizeof(*s->handle));
	s->handle[s->nhandles].file = file;
	s->handle[s->nhandles].name =
		pmk_names_set(&s->names, 2 * proc + 1, name, (uint32_t)s->nhandles);
	append(&s->proc[proc].handle, &s->proc[proc].nhandles, (uint32_t)s->nhandles);
	return (int)s->nhandles++;
}

static int add_proc(struct pmk_stage *s, const char *name, int pid)
{
	if (!(s->nprocs & (s->nprocs - 1)))
		s->proc = pmk_realloc(s->proc, s->nprocs ? s->nprocs * 2 : 1, sizeof(*s->proc));
	memset(&s->proc[s->nprocs], 0, sizeof(*s->proc));
	s->proc[s->nprocs].pid = pid;
	pmk_names_set(&s->names, SCOPE_PROC, name, (uint32_t)s->nprocs);
	return (int)s->nprocs++;
}

static int64_t spawn(struct pmk_stage *s, const char *name, int pid, uint32_t uid, const char *comm)
{
	struct pmk_request r = {
		.code = PMK_REQ_SPAWN, .proc = (int)s->nprocs, .a = { pid, uid }, .in = comm
	};
	int64_t result;

	if (s->nprocs >= PMK_PROCS_MAX)
		return -EAGAIN;
	result = pmk_world_request(s->world, &r);
	return result < 0 ? result : add_proc(s, name, (int)result);
}

/* ---- what arguments mean ------------------------------------------------------------------------ */

static int fail(struct act *a, unsigned col, const char *format, const char *what)
{
	a->broken = true;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return pmk_error_set(a->err, a->file, a->stmt->line, col, format, what);
#pragma GCC diagnostic pop
}

static const struct pmk_arg *opt(const struct act *a, enum pmk_opt_id id)
{
	return pmk_stmt_opt(a->stmt, id);
}

/* The region of a RANGE; every page of it must exist. */
static const struct pmk_region *range_region(struct act *a, const struct pmk_arg *arg)
{
	const struct pmk_region *r = pmk_stage_region(a->s, a->proc, arg->text);

	if (!r) {
		fail(a, arg->col, "this process has no region '%s'", arg->text);
		return NULL;
	}
	for (size_t i = 0; i < arg->nspans; i++)
		if (arg->span[i].last >= r->pages) {
			fail(a, arg->col, "a page that region '%s' does not have", arg->text);
			return NULL;
		}
	return r;
}

/* Does the request for each span of the RANGE in arg; stops at the first that fails. */
static int64_t each_span(struct act *a, const struct pmk_arg *arg, struct pmk_request *r)
{
	const struct pmk_region *region = range_region(a, arg);
	uint64_t page = page_size(a->s);
	struct pmk_span whole;
	int64_t result = -EINVAL;

	if (!region)
		return result;
	whole = (struct pmk_span){ 0, region->pages - 1 };
	for (size_t i = 0; i < (arg->nspans ? arg->nspans : 1); i++) {
		const struct pmk_span *span = arg->nspans ? &arg->span[i] : &whole;

		r->addr = region->addr + span->first * page;
		r->len = (span->last - span->first + 1) * page;
		result = pmk_world_request(a->s->world, r);
		if (result < 0)
			break;
	}
	return result;
}

/* The number of a handle that is closed at once.  Worlds keep handles in tables, so it is a small one:
 * of the observer behind those that check.c numbers by file, of a process the next that is free. */
static int passing_handle(const struct pmk_stage *s, int proc)
{
	return proc == PMK_OBSERVER ? PMK_FILE_COUNT : (int)s->nhandles;
}

static int64_t pread_observer(struct pmk_stage *s, int proc, enum pmk_file file, uint64_t pos,
			      void *buf, uint64_t len)
{
	struct pmk_request r = { .code = PMK_REQ_OPEN,
				 .proc = PMK_OBSERVER,
				 .handle = passing_handle(s, PMK_OBSERVER),
				 .file = file,
				 .a = { O_RDONLY, 0, 0, proc } };
	int64_t n = pmk_world_request(s->world, &r);

	if (n < 0)
		return n;
	r = (struct pmk_request){ .code = PMK_REQ_PREAD,
				  .proc = PMK_OBSERVER,
				  .handle = passing_handle(s, PMK_OBSERVER),
				  .pos = (int64_t)pos,
				  .len = len,
				  .buf = buf };
	n = pmk_world_request(s->world, &r);
	r.code = PMK_REQ_CLOSE;
	pmk_world_request(s->world, &r);
	return n;
}

/* The file position of region[page]: its entry in pagemap, or its frame's in kpage*. */
static int region_position(struct act *a, const struct pmk_arg *arg, enum pmk_file file,
			   uint64_t *ret)
{
	const struct pmk_region *region = range_region(a, arg);
	uint64_t page, word;

	if (!region)
		return -1;
	page = region->addr / page_size(a->s) + (arg->nspans ? arg->span[0].first : 0);
	*ret = page * 8;
	if (!pmk_file_is_kpage(file))
		return 0;
	if (pread_observer(a->s, a->proc, PMK_FILE_PAGEMAP, page * 8, &word, 8) != 8 ||
	    !(word & PMK_PAGEMAP_PRESENT_MASK) || !(word & PMK_PAGEMAP_FRAME_MASK))
		return fail(a, arg->col, "'%s' has no frame to be seen there", arg->text);
	*ret = (word & PMK_PAGEMAP_FRAME_MASK) * 8;
	return 0;
}

static int position(struct act *a, const struct pmk_arg *arg, int handle, int64_t *ret)
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
			pos = task / page_size(a->s) * 8;
		else if (pmk_file_is_kpage(file))
			pos = w->ops->fact(w, PMK_FACT_KPAGE_LIMIT) * 8;
		else
			return fail(a, arg->col, "'%s' has no eof that is known beforehand",
				    pmk_file_name[file]);
		break;
	case PMK_BASE_HOLE:
		if (!pmk_file_is_kpage(file))
			return fail(a, arg->col, "holes are in kpage*, not in '%s'",
				    pmk_file_name[file]);
		pos = w->ops->fact(w, PMK_FACT_HOLE) * 8;
		break;
	}
	*ret = (int64_t)(pos + (uint64_t)arg->delta);
	return 0;
}

/* ---- givens ------------------------------------------------------------------------------------- */

static int64_t given_ram(struct act *a, struct pmk_machine *m)
{
	return pmk_machine_set_ram(m, a->stmt->arg[0].span, a->stmt->arg[0].nspans);
}

static uint64_t opt_number(const struct act *a, enum pmk_opt_id id)
{
	const struct pmk_arg *o = opt(a, id);

	return o ? o->n : 0;
}

static int64_t given_frame(struct act *a, struct pmk_machine *m)
{
	const struct pmk_arg *pfns = &a->stmt->arg[0];
	int64_t err = 0;

	for (size_t i = 0; !err && i < pfns->nspans; i++)
		err = pmk_machine_given_frame(m, pfns->span[i].first, pfns->span[i].last,
					      a->stmt->arg[1].set, opt_number(a, PMK_OPT_COUNT),
					      opt_number(a, PMK_OPT_CGROUP));
	if (err)
		fail(a, pfns->col, "frames must be inside the RAM of the scenario%s", "");
	return err;
}

static int64_t given_process(struct act *a, struct pmk_machine *m)
{
	const struct pmk_arg *comm = opt(a, PMK_OPT_COMM);
	int64_t proc;

	(void)m;
	if (pmk_stage_proc(a->s, a->stmt->subject) >= 0)
		return fail(a, a->stmt->subject_col, "process '%s' is there already",
			    a->stmt->subject);
	proc = spawn(a->s, a->stmt->subject, (int)opt_number(a, PMK_OPT_PID),
		     (uint32_t)opt_number(a, PMK_OPT_UID), comm ? comm->text : NULL);
	if (proc < 0)
		fail(a, a->stmt->subject_col, "process '%s': its PID is taken", a->stmt->subject);
	return proc < 0 ? proc : 0;
}

/* Where the next region of so many pages goes. */
static uint64_t place(struct pmk_stage *s, uint64_t pages)
{
	uint64_t align = page_size(s) * (page_size(s) / 8), addr = s->next_addr; /* a PMD's */

	addr = (addr + align - 1) & ~(align - 1);
	if (pages > UINT64_MAX / 4 / page_size(s))
		return UINT64_MAX & ~(align - 1); /* no world has room for it */
	s->next_addr = addr + pages * page_size(s) + align; /* a gap, so that nothing merges */
	return addr;
}

static uint64_t chosen_address(struct act *a, uint64_t pages)
{
	const struct pmk_arg *at = opt(a, PMK_OPT_AT), *after = opt(a, PMK_OPT_AFTER);
	const struct pmk_region *r;

	if (at)
		return at->n;
	if (!after)
		return place(a->s, pages);
	r = pmk_stage_region(a->s, a->proc, after->text);
	if (!r) {
		fail(a, after->col, "this process has no region '%s'", after->text);
		return 0;
	}
	if (r->addr + (r->pages + pages) * page_size(a->s) > a->s->next_addr)
		a->s->next_addr = r->addr + (r->pages + pages) * page_size(a->s);
	return r->addr + r->pages * page_size(a->s);
}

static int given_object(struct act *a, struct pmk_machine *m, uint64_t pages)
{
	const struct pmk_arg *name = opt(a, PMK_OPT_NAME), *dev = opt(a, PMK_OPT_DEV);
	unsigned major = 0, minor = 0;
	int object;

	if (!name && !dev && !opt(a, PMK_OPT_INODE))
		return -1;
	if (dev && sscanf(dev->text, "%x:%x", &major, &minor) != 2) {
		fail(a, dev->col, "'%s' is not MAJOR:MINOR in hexadecimal", dev->text);
		return -1;
	}
	object = pmk_object_create(m, PMK_OBJECT_SPECIAL, opt_number(a, PMK_OPT_OFFSET) + pages,
				   name ? name->text : "");
	m->object[object].major = major;
	m->object[object].minor = minor;
	m->object[object].inode = opt_number(a, PMK_OPT_INODE);
	return object;
}

static struct pmk_mm *mm_of(struct act *a, struct pmk_machine *m)
{
	struct pmk_task *task = pmk_task_find(m, pmk_stage_pid(a->s, a->proc));

	if (!task || !task->mm)
		fail(a, a->stmt->subject_col, "process '%s' has no memory any more",
		     a->stmt->subject);
	return task ? task->mm : NULL;
}

static int64_t given_vma(struct act *a, struct pmk_machine *m)
{
	const struct pmk_arg *arg = a->stmt->arg;
	struct pmk_mm *mm = mm_of(a, m);
	uint64_t pages = arg[1].n, addr = chosen_address(a, pages), gap;
	unsigned shift = m->profile.arch->page_shift;
	struct pmk_vma vma = { .prot = (unsigned)arg[2].n };
	int64_t err;

	if (!mm || a->broken)
		return -EINVAL;
	vma.object = given_object(a, m, pages);
	vma.flags = (opt(a, PMK_OPT_SHARED) ? PMK_VMA_SHARED : 0) |
		    (opt(a, PMK_OPT_PFNMAP) ? PMK_VMA_PFNMAP : 0);
	if (addr & (page_size(a->s) - 1))
		return fail(a, opt(a, PMK_OPT_AT)->col, "at= must be a multiple of the page size%s",
			    "");
	if (!pages || pmk_runs_gap(&mm->vma, addr >> shift, (addr >> shift) + pages, &gap) != pages)
		return fail(a, arg[0].col, "'%s' overlaps another mapping", arg[0].text);
	err = pmk_mm_map(m, mm, addr >> shift, pages, vma, opt_number(a, PMK_OPT_OFFSET));
	if (err)
		fail(a, arg[0].col, "'%s' does not fit below the task size", arg[0].text);
	else
		add_region(a->s, a->proc, arg[0].text, addr, pages);
	return err;
}

/* The run value that a given-entry statement stands for. */
static struct pmk_value given_value(const struct act *a)
{
	const struct pmk_arg *words = &a->stmt->arg[1];
	const struct pmk_arg *raw = opt(a, PMK_OPT_RAW), *pfn = opt(a, PMK_OPT_PFN);
	uint64_t flags = (words->set >> 55 & 0x1ff) << PMK_PTE_FLAGS_SHIFT;

	if (raw)
		return (struct pmk_value){ raw->n, PMK_PTE_RAW };
	if (words->set & PMK_PAGEMAP_SWAP_MASK)
		return (struct pmk_value){ opt_number(a, PMK_OPT_OFFSET),
					   PMK_PTE_GIVEN_SWAP | PMK_RUN_LINEAR | flags |
						   (opt_number(a, PMK_OPT_TYPE) & 31)
							   << PMK_PTE_TYPE_SHIFT };
	return (struct pmk_value){ pfn ? pfn->n : 0,
				   PMK_PTE_GIVEN | flags | (pfn ? PMK_RUN_LINEAR : 0) };
}

static int64_t given_entry(struct act *a, struct pmk_machine *m)
{
	const struct pmk_arg *range = &a->stmt->arg[0];
	const struct pmk_region *region = range_region(a, range);
	struct pmk_mm *mm = mm_of(a, m);
	struct pmk_value v = given_value(a);
	const struct pmk_arg *named = opt(a, PMK_OPT_PFN);
	struct pmk_span whole;

	if (named && named->text)
		return fail(a, named->col, "a given needs a number, not the name '%s'",
			    named->text);
	if (!region || !mm)
		return -EINVAL;
	whole = (struct pmk_span){ 0, region->pages - 1 };
	for (size_t i = 0; i < (range->nspans ? range->nspans : 1); i++) {
		const struct pmk_span *span = range->nspans ? &range->span[i] : &whole;
		uint64_t first = region->addr / page_size(a->s) + span->first;
		uint64_t n = span->last - span->first + 1;

		pmk_mm_zap(m, mm, first, first + n);
		pmk_mm_set_entries(m, mm, first, first + n, v);
		v = pmk_value_at(v, n);
	}
	return 0;
}

static int64_t given_fault(struct act *a, struct pmk_machine *m)
{
	const struct pmk_arg *arg = a->stmt->arg, *nth = opt(a, PMK_OPT_NTH);

	m->fault = pmk_realloc(m->fault, m->nfaults + 1, sizeof(*m->fault));
	m->fault[m->nfaults++] = (struct pmk_fault){
		.pid = pmk_stage_pid(a->s, a->proc),
		.file = (enum pmk_file)arg[0].n,
		.op = (enum pmk_fileop)arg[1].n,
		.failure = (unsigned)arg[2].n,
		.after = nth && nth->n ? nth->n - 1 : 0,
		.bytes = opt_number(a, PMK_OPT_BYTES),
	};
	return 0;
}

/* ---- operations --------------------------------------------------------------------------------- */

static int64_t new_object(struct act *a, const char *name, enum pmk_backing backing, uint64_t pages)
{
	struct pmk_request r = { .code = PMK_REQ_OBJECT,
				 .proc = PMK_OBSERVER,
				 .a = { (int64_t)a->s->nobjects, backing },
				 .len = pages * page_size(a->s) };
	int64_t result = pmk_world_request(a->s->world, &r);

	if (result < 0)
		return result;
	if (name)
		pmk_names_set(&a->s->names, SCOPE_OBJECT, name, (uint32_t)a->s->nobjects);
	return (int64_t)a->s->nobjects++;
}

static int64_t do_object(struct act *a)
{
	enum pmk_backing backing =
		a->stmt->id == PMK_STMT_FILE ? PMK_BACKING_FILE : PMK_BACKING_MEMFD;
	int64_t object = new_object(a, a->stmt->arg[0].text, backing, a->stmt->arg[1].n);

	return object < 0 ? object : 0;
}

/* hugetlb takes whole huge pages; the kernel would round up, and the script not know it. */
static int check_hugetlb(struct act *a, uint64_t pages)
{
	if (a->stmt->arg[2].n == PMK_BACKING_HUGETLB && pages % HUGE_PAGES)
		return fail(a, a->stmt->arg[1].col, "hugetlb pages are of 512 pages each%s", "");
	return 0;
}

static bool has_object(enum pmk_backing backing)
{
	return backing != PMK_BACKING_ANON && backing != PMK_BACKING_HUGETLB;
}

static int64_t do_map(struct act *a)
{
	const struct pmk_arg *arg = a->stmt->arg, *file = opt(a, PMK_OPT_FILE);
	enum pmk_backing backing = (enum pmk_backing)arg[2].n;
	uint64_t page = page_size(a->s), pages = arg[1].n;
	struct pmk_request r = { .code = PMK_REQ_MMAP,
				 .proc = a->proc,
				 .prot = (unsigned)arg[4].n,
				 .shared = arg[3].n,
				 .a = { -1, (int64_t)(opt_number(a, PMK_OPT_OFFSET) * page),
					backing == PMK_BACKING_HUGETLB } };
	int64_t result;

	if (check_hugetlb(a, pages))
		return -EINVAL;
	if (file)
		r.a[0] = pmk_names_find(&a->s->names, SCOPE_OBJECT, file->text);
	if (file && r.a[0] < 0)
		return fail(a, file->col, "there is no file or memfd '%s'", file->text);
	r.addr = chosen_address(a, pages);
	if (a->broken)
		return -EINVAL;
	if (has_object(backing) && !file)
		r.a[0] = new_object(a, NULL, backing, pages + opt_number(a, PMK_OPT_OFFSET));
	if (has_object(backing) && r.a[0] < 0)
		return r.a[0];
	r.len = pages > UINT64_MAX / page ? UINT64_MAX & ~(page - 1) : pages * page;
	result = pmk_world_request(a->s->world, &r);
	if (result >= 0)
		add_region(a->s, a->proc, arg[0].text, r.addr, pages);
	return result < 0 ? result : 0;
}

/* Gives a name to the mapping that maps shows under the text. */
static int64_t do_region(struct act *a)
{
	const struct pmk_arg *want = &a->stmt->arg[1];
	char *buf = pmk_alloc(LINE_BUFFER);
	uint64_t pos = 0;
	int64_t n, found = -ENOENT;

	while (found < 0 &&
	       (n = pread_observer(a->s, a->proc, PMK_FILE_MAPS, pos, buf, LINE_BUFFER)) > 0) {
		char *line = buf, *nl;

		for (; (nl = memchr(line, '\n', (size_t)(buf + n - line))); line = nl + 1) {
			struct pmk_maps_line m;

			if (pmk_maps_parse(line, (size_t)(nl - line), &m) ||
			    m.name_len != want->text_len || memcmp(m.name, want->text, m.name_len))
				continue;
			add_region(a->s, a->proc, a->stmt->arg[0].text, m.start,
				   (m.end - m.start) / page_size(a->s));
			found = 0;
			break;
		}
		pos += (uint64_t)n;
	}
	free(buf);
	return found;
}

static int64_t do_range(struct act *a)
{
	static const enum pmk_request_code codes[PMK_STMT_COUNT] = {
		[PMK_STMT_READ] = PMK_REQ_READ,	      [PMK_STMT_WRITE] = PMK_REQ_WRITE,
		[PMK_STMT_MUNMAP] = PMK_REQ_MUNMAP,   [PMK_STMT_MPROTECT] = PMK_REQ_MPROTECT,
		[PMK_STMT_MADVISE] = PMK_REQ_MADVISE, [PMK_STMT_MLOCK] = PMK_REQ_MLOCK,
		[PMK_STMT_MUNLOCK] = PMK_REQ_MUNLOCK, [PMK_STMT_MSYNC] = PMK_REQ_MSYNC,
	};
	struct pmk_request r = { .code = codes[a->stmt->id], .proc = a->proc };

	if (a->stmt->id == PMK_STMT_MPROTECT)
		r.prot = (unsigned)a->stmt->arg[1].n;
	if (a->stmt->id == PMK_STMT_MADVISE)
		r.a[0] = (int64_t)a->stmt->arg[1].n;
	return each_span(a, &a->stmt->arg[0], &r);
}

static int64_t do_mremap(struct act *a)
{
	const struct pmk_arg *arg = a->stmt->arg, *to = opt(a, PMK_OPT_TO),
			     *at = opt(a, PMK_OPT_AT);
	uint64_t page = page_size(a->s), addr = at ? at->n : to ? place(a->s, arg[1].n) : 0;
	struct pmk_request r = { .code = PMK_REQ_MREMAP,
				 .proc = a->proc,
				 .a = { (int64_t)(arg[1].n * page), (int64_t)addr,
					opt(a, PMK_OPT_DONTUNMAP) != NULL } };
	const struct pmk_region *region;
	int64_t result;

	if (arg[0].nspans > 1)
		return fail(a, arg[0].col, "mremap takes one range of '%s'", arg[0].text);
	result = each_span(a, &arg[0], &r);
	if (result < 0)
		return result;
	region = pmk_stage_region(a->s, a->proc, arg[0].text);
	if (to)
		add_region(a->s, a->proc, to->text, addr, arg[1].n);
	else if (!arg[0].nspans && arg[1].n > region->pages)
		add_region(a->s, a->proc, arg[0].text, region->addr, arg[1].n);
	return 0;
}

static int64_t do_fork(struct act *a)
{
	const struct pmk_arg *name = &a->stmt->arg[0];
	struct pmk_stage *s = a->s;
	struct pmk_request r = { .code = PMK_REQ_FORK,
				 .proc = a->proc,
				 .a = { (int64_t)s->nprocs } };
	int64_t pid;
	int child;

	if (pmk_stage_proc(s, name->text) >= 0)
		return fail(a, name->col, "process '%s' is there already", name->text);
	pid = s->nprocs < PMK_PROCS_MAX ? pmk_world_request(s->world, &r) : -EAGAIN;
	if (pid < 0)
		return pid;
	child = add_proc(s, name->text, (int)pid);
	for (size_t i = 0; i < s->proc[a->proc].nregions; i++) {
		struct pmk_region region = s->region[s->proc[a->proc].region[i]];

		add_region(s, child, region.name, region.addr, region.pages);
	}
	for (size_t i = 0; i < s->proc[a->proc].nhandles; i++) { /* same numbers in the child */
		uint32_t handle = s->proc[a->proc].handle[i];

		pmk_names_set(&s->names, 2 * child + 1, s->handle[handle].name, handle);
		append(&s->proc[child].handle, &s->proc[child].nhandles, handle);
	}
	return 0;
}

static int64_t do_plain(struct act *a)
{
	static const enum pmk_request_code codes[PMK_STMT_COUNT] = {
		[PMK_STMT_EXEC] = PMK_REQ_EXEC,		[PMK_STMT_EXIT] = PMK_REQ_EXIT,
		[PMK_STMT_REAP] = PMK_REQ_REAP,		[PMK_STMT_DROP] = PMK_REQ_DROP,
		[PMK_STMT_SETUID] = PMK_REQ_SETUID,	[PMK_STMT_SETEUID] = PMK_REQ_SETEUID,
		[PMK_STMT_DUMPABLE] = PMK_REQ_DUMPABLE, [PMK_STMT_UNSHARE] = PMK_REQ_UNSHARE,
		[PMK_STMT_THP] = PMK_REQ_THP,
	};
	struct pmk_request r = { .code = codes[a->stmt->id], .proc = a->proc };

	if (a->stmt->nargs)
		r.a[0] = (int64_t)a->stmt->arg[0].n;
	return pmk_world_request(a->s->world, &r);
}

static int64_t do_ksm(struct act *a)
{
	struct pmk_request r = { .code = PMK_REQ_KSM,
				 .proc = PMK_OBSERVER,
				 .a = { (int64_t)a->stmt->arg[0].n } };

	return pmk_world_request(a->s->world, &r);
}

static int64_t find_cgroup(struct act *a, const struct pmk_arg *name)
{
	int64_t cgroup = pmk_names_find(&a->s->names, SCOPE_CGROUP, name->text);

	return cgroup < 0 ? fail(a, name->col, "there is no cgroup '%s'", name->text) : cgroup;
}

static int64_t make_cgroup(struct act *a)
{
	const struct pmk_arg *in = opt(a, PMK_OPT_IN);
	struct pmk_stage *s = a->s;
	struct pmk_request r = { .code = PMK_REQ_CGROUP,
				 .proc = PMK_OBSERVER,
				 .a = { (int64_t)s->ncgroups, in ? find_cgroup(a, in) : -1 } };
	int64_t inode = a->broken ? -EINVAL : pmk_world_request(s->world, &r);

	if (inode < 0)
		return inode;
	s->cgroup = pmk_realloc(s->cgroup, s->ncgroups + 1, sizeof(*s->cgroup));
	s->cgroup[s->ncgroups] = (uint64_t)inode;
	pmk_names_set(&s->names, SCOPE_CGROUP, a->stmt->arg[0].text, (uint32_t)s->ncgroups);
	return (int64_t)s->ncgroups++;
}

static int64_t do_cgroup(struct act *a)
{
	int64_t cgroup = pmk_names_find(&a->s->names, SCOPE_CGROUP, a->stmt->arg[0].text);
	struct pmk_request r = { .code = PMK_REQ_CGROUP_ENTER, .proc = a->proc };

	r.a[0] = cgroup < 0 ? make_cgroup(a) : cgroup;
	return r.a[0] < 0 ? r.a[0] : pmk_world_request(a->s->world, &r);
}

static int64_t do_cgroup_remove(struct act *a)
{
	struct pmk_request r = { .code = PMK_REQ_CGROUP_REMOVE,
				 .proc = PMK_OBSERVER,
				 .a = { find_cgroup(a, &a->stmt->arg[0]) } };

	return a->broken ? -EINVAL : pmk_world_request(a->s->world, &r);
}

uint64_t pmk_stage_cgroup(const struct pmk_stage *s, const char *name)
{
	int64_t cgroup = pmk_names_find(&s->names, SCOPE_CGROUP, name);

	return cgroup < 0 ? 0 : s->cgroup[cgroup];
}

static int64_t do_clear_refs(struct act *a)
{
	struct pmk_request r = { .code = PMK_REQ_OPEN,
				 .proc = a->proc,
				 .handle = passing_handle(a->s, a->proc),
				 .file = PMK_FILE_CLEAR_REFS,
				 .a = { O_WRONLY, 0, 0, a->proc } };
	int64_t result = pmk_world_request(a->s->world, &r);
	char text[24];

	if (result < 0)
		return result;
	r = (struct pmk_request){ .code = PMK_REQ_WRITEFD,
				  .proc = a->proc,
				  .handle = passing_handle(a->s, a->proc),
				  .in = text,
				  .len = (uint64_t)snprintf(text, sizeof(text), "%" PRIu64,
							    a->stmt->arg[0].n) };
	result = pmk_world_request(a->s->world, &r);
	r.code = PMK_REQ_CLOSE;
	pmk_world_request(a->s->world, &r);
	return result;
}

/* ---- calls on files ----------------------------------------------------------------------------- */

/* "rdonly+direct" to O_RDONLY | O_DIRECT. */
static int open_flags(struct act *a, const struct pmk_arg *arg)
{
	static const struct {
		const char *word;
		int flag;
	} words[] = {
		{ "rdonly", O_RDONLY },	    { "wronly", O_WRONLY },   { "rdwr", O_RDWR },
		{ "direct", O_DIRECT },	    { "append", O_APPEND },   { "trunc", O_TRUNC },
		{ "path", O_PATH },	    { "creat", O_CREAT },     { "excl", O_EXCL },
		{ "nonblock", O_NONBLOCK }, { "cloexec", O_CLOEXEC },
	};
	int flags = 0;

	for (const char *at = arg->text, *next; *at; at = next) {
		size_t len = strcspn(at, "+"), i;

		next = at + len + (at[len] == '+');
		for (i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (strlen(words[i].word) == len && !memcmp(words[i].word, at, len))
				break;
		if (i == sizeof(words) / sizeof(*words))
			return fail(a, arg->col,
				    "flags=%s: expected rdonly, wronly, rdwr, direct, append, "
				    "trunc, path, creat, excl, nonblock or cloexec, joined by +",
				    arg->text);
		flags |= words[i].flag;
	}
	return flags;
}

static int64_t open_file(struct act *a, const char *name, enum pmk_file file, int target, int flags,
			 bool task)
{
	struct pmk_request r = { .code = PMK_REQ_OPEN,
				 .proc = a->proc,
				 .handle = (int)a->s->nhandles,
				 .file = file,
				 .a = { flags, 0, task, target } };
	int64_t result = pmk_world_request(a->s->world, &r);

	return result < 0 ? result : add_handle(a->s, a->proc, name, file);
}

static int64_t do_open(struct act *a)
{
	const struct pmk_arg *arg = a->stmt->arg, *of = opt(a, PMK_OPT_OF),
			     *flags = opt(a, PMK_OPT_FLAGS);
	int target = of ? pmk_stage_proc(a->s, of->text) : a->proc;
	int bits = O_RDONLY;
	int64_t result;

	if (target < 0)
		return fail(a, of->col, "there is no process '%s'", of->text);
	if (flags)
		bits = open_flags(a, flags);
	else if (arg[1].n == PMK_FILE_CLEAR_REFS)
		bits = O_WRONLY;
	if (a->broken)
		return -EINVAL;
	result = open_file(a, arg[0].text, (enum pmk_file)arg[1].n, target, bits,
			   opt(a, PMK_OPT_TASK) != NULL);
	return result < 0 ? result : 0;
}

int pmk_stage_handle(struct pmk_stage *s, int proc, const char *name)
{
	int64_t handle = pmk_names_find(&s->names, 2 * proc + 1, name);
	struct act a = { .s = s, .proc = proc };

	for (int file = 0; handle < 0 && file < PMK_FILE_COUNT; file++)
		if (!strcmp(pmk_file_name[file], name))
			handle =
				open_file(&a, name, (enum pmk_file)file, proc,
					  file == PMK_FILE_CLEAR_REFS ? O_WRONLY : O_RDONLY, false);
	return (int)handle;
}

static int buffer_kind(struct act *a, enum pmk_opt_id id, int64_t *ret)
{
	static const char *const words[] = {
		[PMK_BUF_OK] = "ok",	     [PMK_BUF_NULL] = "null",
		[PMK_BUF_KERNEL] = "kernel", [PMK_BUF_UNMAPPED] = "unmapped",
		[PMK_BUF_HALF] = "half",     [PMK_BUF_READONLY] = "readonly",
		[PMK_BUF_ODD] = "odd",
	};
	const struct pmk_arg *buf = opt(a, id);

	*ret = PMK_BUF_OK;
	if (!buf)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i], buf->text)) {
			*ret = (int64_t)i;
			return 0;
		}
	return fail(a, buf->col, "%s: expected ok, null, kernel, unmapped, half, readonly or odd",
		    buf->text);
}

static int segments(struct act *a, const struct pmk_arg *arg, struct pmk_request *r)
{
	if (arg->nspans > PMK_SEGMENTS_MAX)
		return fail(a, arg->col, "at most 16 segments%s", "");
	for (r->nseg = 0; r->nseg < arg->nspans; r->nseg++)
		r->seg[r->nseg] = arg->span[r->nseg].first;
	return 0;
}

static int64_t do_call(struct act *a)
{
	static const enum pmk_request_code codes[PMK_STMT_COUNT] = {
		[PMK_STMT_CLOSE] = PMK_REQ_CLOSE,     [PMK_STMT_PREAD] = PMK_REQ_PREAD,
		[PMK_STMT_READFD] = PMK_REQ_READFD,   [PMK_STMT_READV] = PMK_REQ_READV,
		[PMK_STMT_PREADV] = PMK_REQ_PREADV,   [PMK_STMT_LSEEK] = PMK_REQ_LSEEK,
		[PMK_STMT_WRITEFD] = PMK_REQ_WRITEFD, [PMK_STMT_IOCTL] = PMK_REQ_IOCTL,
	};
	const struct pmk_arg *arg = a->stmt->arg;
	struct pmk_request r = { .code = codes[a->stmt->id], .proc = a->proc };

	r.handle = pmk_stage_handle(a->s, a->proc, arg[0].text);
	if (r.handle < 0)
		return fail(a, arg[0].col, "this process has no handle '%s'", arg[0].text);
	for (unsigned i = 1; i < a->stmt->nargs; i++) {
		int err = 0;

		switch (pmk_stmt_info[a->stmt->id].args[i]) {
		case PMK_ARG_POSITION:
			err = position(a, &arg[i], r.handle, &r.pos);
			break;
		case PMK_ARG_NUMBERS:
			err = segments(a, &arg[i], &r);
			break;
		case PMK_ARG_STRING:
			r.in = arg[i].text;
			r.len = arg[i].text_len;
			break;
		case PMK_ARG_NUMBER: /* a length; of an ioctl the command */
			r.len = arg[i].negative ? 0 - arg[i].n : arg[i].n;
			r.a[0] = r.code == PMK_REQ_IOCTL ? (int64_t)arg[i].n : 0;
			break;
		case PMK_ARG_WHENCE:
			r.a[0] = (int64_t)arg[i].n;
			break;
		default:
			break;
		}
		if (err)
			return -EINVAL;
	}
	if ((r.code == PMK_REQ_PREAD || r.code == PMK_REQ_READFD) &&
	    buffer_kind(a, PMK_OPT_BUF, &r.a[0]))
		return -EINVAL;
	return pmk_world_request(a->s->world, &r);
}

/* The pages are those of the subject's own region, which is where the other one has its mapping, too. */
static int64_t do_map_file(struct act *a)
{
	const struct pmk_arg *of = opt(a, PMK_OPT_OF);
	int target = of ? pmk_stage_proc(a->s, of->text) : a->proc;
	struct pmk_request r = { .code = PMK_REQ_MAP_FILE,
				 .proc = a->proc,
				 .a = { 0, 0, 0, target } };
	int asker = a->proc;
	int64_t result;

	if (target < 0)
		return fail(a, of->col, "there is no process '%s'", of->text);
	a->proc = target; /* whose region it is */
	result = each_span(a, &a->stmt->arg[0], &r);
	a->proc = asker;
	return result;
}

static int64_t do_syscall(struct act *a)
{
	const struct pmk_arg *arg = a->stmt->arg, *n = opt(a, PMK_OPT_N);
	struct pmk_request r = { .code = PMK_REQ_SYSCALL,
				 .proc = a->proc,
				 .handle = pmk_stage_handle(a->s, a->proc, arg[1].text),
				 .a = { (int64_t)arg[0].n, n ? (int64_t)n->n : 8 } };

	if (r.handle < 0)
		return fail(a, arg[1].col, "this process has no handle '%s'", arg[1].text);
	return pmk_world_request(a->s->world, &r);
}

/* ---- userfaultfd, PAGEMAP_SCAN, PROCMAP_QUERY --------------------------------------------------- */

static int64_t do_uffd(struct act *a)
{
	struct pmk_request r = { .code = PMK_REQ_UFFD, .proc = a->proc };

	if (a->stmt->id == PMK_STMT_UFFD)
		r.a[0] = (int64_t)a->stmt->arg[1].n;
	else
		r.a[0] = a->stmt->id == PMK_STMT_UFFD_PROTECT ? PMK_UFFD_PROTECT
							      : PMK_UFFD_UNPROTECT;
	r.a[1] = (opt(a, PMK_OPT_SYNC) ? PMK_UFFD_SYNC : 0) |
		 (opt(a, PMK_OPT_UNPOPULATED) ? PMK_UFFD_UNPOPULATED : 0);
	return each_span(a, &a->stmt->arg[0], &r);
}

/* Pages behind the region have addresses, too. */
static int address(struct act *a, const struct pmk_arg *arg, uint64_t *ret)
{
	struct pmk_world *w = a->s->world;
	uint64_t addr = arg->negative ? 0 - arg->n : arg->n;
	const struct pmk_region *region;

	if (arg->base == PMK_BASE_REGION) {
		region = pmk_stage_region(a->s, a->proc, arg->text);
		if (!region)
			return fail(a, arg->col, "this process has no region '%s'", arg->text);
		addr = region->addr + (arg->nspans ? arg->span[0].first : 0) * page_size(a->s);
	} else if (arg->base == PMK_BASE_EOF) {
		addr = w->ops->fact(w, PMK_FACT_TASK_SIZE);
	}
	*ret = addr + (uint64_t)arg->delta;
	return 0;
}

static int extent(struct act *a, const struct pmk_arg *arg, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct pmk_region *region;

	if (arg->to)
		return address(a, arg, ret_start) || address(a, arg->to, ret_end) ? -1 : 0;
	region = range_region(a, arg);
	if (!region)
		return -1;
	*ret_start = region->addr + (arg->nspans ? arg->span[0].first : 0) * page_size(a->s);
	*ret_end = region->addr +
		   (arg->nspans ? arg->span[0].last + 1 : region->pages) * page_size(a->s);
	return 0;
}

int pmk_stage_extent(struct pmk_stage *s, int proc, const char *file, const struct pmk_stmt *stmt,
		     const struct pmk_arg *arg, uint64_t *ret_start, uint64_t *ret_end,
		     struct pmk_error *err)
{
	struct act a = { .s = s, .file = file, .stmt = stmt, .err = err, .proc = proc };

	return extent(&a, arg, ret_start, ret_end);
}

struct pmk_stage_scan *pmk_stage_last_scan(struct pmk_stage *s)
{
	return &s->scan;
}

const struct pmk_stage_query *pmk_stage_last_query(const struct pmk_stage *s)
{
	return &s->query;
}

/* The handle and the bad places of an ioctl with an argument; the room for its answer. */
static int begin_ioctl(struct act *a, struct pmk_request *r)
{
	const struct pmk_arg *handle = &a->stmt->arg[0];

	r->proc = a->proc;
	r->handle = pmk_stage_handle(a->s, a->proc, handle->text);
	if (r->handle < 0)
		return fail(a, handle->col, "this process has no handle '%s'", handle->text);
	if (buffer_kind(a, PMK_OPT_BUF, &r->a[0]) || buffer_kind(a, PMK_OPT_ARG, &r->a[1]))
		return -1;
	if (!a->s->answer)
		a->s->answer = pmk_alloc(ANSWER_ROOM);
	r->buf = a->s->answer;
	r->len = ANSWER_ROOM;
	a->s->scan = (struct pmk_stage_scan){ .proc = PMK_OBSERVER };
	a->s->query = (struct pmk_stage_query){ .proc = PMK_OBSERVER };
	return 0;
}

static int scan_argument(struct act *a, struct pmk_scan_arg *ret)
{
	const struct pmk_arg *size = opt(a, PMK_OPT_SIZE), *vec = opt(a, PMK_OPT_VEC),
			     *returned = opt(a, PMK_OPT_RETURN);

	*ret = (struct pmk_scan_arg){
		.size = size ? size->n : sizeof(*ret),
		.flags = opt_number(a, PMK_OPT_SCAN_FLAGS) |
			 (opt(a, PMK_OPT_WP) ? PMK_SCAN_WP_MATCHING : 0) |
			 (opt(a, PMK_OPT_CHECK) ? PMK_SCAN_CHECK_WPASYNC : 0),
		.vec = !opt(a, PMK_OPT_NOVEC),
		.vec_len = vec			   ? vec->n
			   : opt(a, PMK_OPT_NOVEC) ? 0
						   : 4096,
		.max_pages = opt_number(a, PMK_OPT_MAX),
		.category_inverted = opt_number(a, PMK_OPT_INVERTED),
		.category_mask = opt_number(a, PMK_OPT_MASK),
		.category_anyof_mask = opt_number(a, PMK_OPT_ANYOF),
	};
	ret->return_mask = returned ? returned->n : ret->category_mask | ret->category_anyof_mask;
	return extent(a, &a->stmt->arg[1], &ret->start, &ret->end);
}

/* walk_end= holds whatever the result is. */
static int64_t check_walk_end(struct act *a, const struct pmk_scan_arg *after, int64_t result)
{
	const struct pmk_arg *want = opt(a, PMK_OPT_WALK_END);
	int64_t off;
	uint64_t addr;

	if (!want || address(a, want, &addr) || addr == after->walk_end)
		return result;
	off = (int64_t)(after->walk_end - addr);
	a->wrong = true;
	pmk_error_set(a->err, a->file, a->stmt->line, want->col,
		      "scan: walk_end is %#" PRIx64 ", expected %#" PRIx64 " (%+" PRId64
		      " pages); the result is %" PRId64,
		      after->walk_end, addr, off / (int64_t)page_size(a->s), result);
	return result;
}

static int64_t do_scan(struct act *a)
{
	struct pmk_request r = { .code = PMK_REQ_SCAN };
	struct pmk_scan_arg after;
	int64_t result;

	if (begin_ioctl(a, &r) || scan_argument(a, &r.scan))
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

static int query_flags(struct act *a, uint64_t *ret)
{
	static const struct {
		const char *word;
		unsigned flag;
	} words[] = {
		{ "readable", PMK_PROCMAP_READABLE },	  { "writable", PMK_PROCMAP_WRITABLE },
		{ "executable", PMK_PROCMAP_EXECUTABLE }, { "shared", PMK_PROCMAP_SHARED },
		{ "next", PMK_PROCMAP_COVERING_OR_NEXT }, { "file", PMK_PROCMAP_FILE_BACKED },
	};
	const struct pmk_arg *arg = opt(a, PMK_OPT_QUERY);

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
			return fail(a, arg->col,
				    "flags=%s: expected readable, writable, executable, shared, "
				    "next, file or numbers, joined by +",
				    arg->text);
	}
	return 0;
}

static int64_t do_procmap_query(struct act *a)
{
	const struct pmk_arg *size = opt(a, PMK_OPT_SIZE), *name = opt(a, PMK_OPT_NAME_SIZE),
			     *id = opt(a, PMK_OPT_BUILD_ID);
	struct pmk_request r = { .code = PMK_REQ_PROCMAP_QUERY };
	struct pmk_procmap_query *q = &r.query;
	int64_t result;

	if (begin_ioctl(a, &r) || query_flags(a, &q->query_flags) ||
	    address(a, &a->stmt->arg[1], &q->query_addr))
		return -EINVAL;
	q->size = size ? size->n : sizeof(*q);
	q->vma_name_addr = !opt(a, PMK_OPT_NONAME);
	q->vma_name_size = (uint32_t)(name ? name->n : q->vma_name_addr ? 4096 : 0);
	q->build_id_addr = id != NULL;
	q->build_id_size = (uint32_t)(id ? id->n : 0);
	r.a[2] = (int64_t)opt_number(a, PMK_OPT_TAIL);
	result = pmk_world_request(a->s->world, &r);
	if (result < 0)
		return result;
	a->s->query.proc = a->proc;
	memcpy(&a->s->query.query, a->s->answer, sizeof(*q));
	if (q->vma_name_addr && q->size >= offsetof(struct pmk_procmap_query, build_id_addr))
		a->s->query.name = a->s->answer + sizeof(*q);
	return result;
}

/* ---- the table ---------------------------------------------------------------------------------- */

static const struct {
	int64_t (*act)(struct act *a); /* OP and CALL */
	int64_t (*given)(struct act *a, struct pmk_machine *m); /* GIVEN and FAULT */
} handlers[PMK_STMT_COUNT] = {
	[PMK_STMT_RAM] = { .given = given_ram },
	[PMK_STMT_G_FRAME] = { .given = given_frame },
	[PMK_STMT_G_PROCESS] = { .given = given_process },
	[PMK_STMT_G_VMA] = { .given = given_vma },
	[PMK_STMT_G_ENTRY] = { .given = given_entry },
	[PMK_STMT_FAULT] = { .given = given_fault },
	[PMK_STMT_FILE] = { .act = do_object },
	[PMK_STMT_MEMFD] = { .act = do_object },
	[PMK_STMT_MAP] = { .act = do_map },
	[PMK_STMT_REGION] = { .act = do_region },
	[PMK_STMT_READ] = { .act = do_range },
	[PMK_STMT_WRITE] = { .act = do_range },
	[PMK_STMT_MUNMAP] = { .act = do_range },
	[PMK_STMT_MPROTECT] = { .act = do_range },
	[PMK_STMT_MADVISE] = { .act = do_range },
	[PMK_STMT_MREMAP] = { .act = do_mremap },
	[PMK_STMT_MLOCK] = { .act = do_range },
	[PMK_STMT_MUNLOCK] = { .act = do_range },
	[PMK_STMT_MSYNC] = { .act = do_range },
	[PMK_STMT_THP] = { .act = do_plain },
	[PMK_STMT_KSM] = { .act = do_ksm },
	[PMK_STMT_CGROUP] = { .act = do_cgroup },
	[PMK_STMT_CGROUP_REMOVE] = { .act = do_cgroup_remove },
	[PMK_STMT_FORK] = { .act = do_fork },
	[PMK_STMT_EXEC] = { .act = do_plain },
	[PMK_STMT_EXIT] = { .act = do_plain },
	[PMK_STMT_REAP] = { .act = do_plain },
	[PMK_STMT_DROP] = { .act = do_plain },
	[PMK_STMT_SETUID] = { .act = do_plain },
	[PMK_STMT_SETEUID] = { .act = do_plain },
	[PMK_STMT_DUMPABLE] = { .act = do_plain },
	[PMK_STMT_UNSHARE] = { .act = do_plain },
	[PMK_STMT_CLEAR_REFS] = { .act = do_clear_refs },
	[PMK_STMT_OPEN] = { .act = do_open },
	[PMK_STMT_CLOSE] = { .act = do_call },
	[PMK_STMT_PREAD] = { .act = do_call },
	[PMK_STMT_READFD] = { .act = do_call },
	[PMK_STMT_READV] = { .act = do_call },
	[PMK_STMT_PREADV] = { .act = do_call },
	[PMK_STMT_LSEEK] = { .act = do_call },
	[PMK_STMT_WRITEFD] = { .act = do_call },
	[PMK_STMT_IOCTL] = { .act = do_call },
	[PMK_STMT_UFFD] = { .act = do_uffd },
	[PMK_STMT_UFFD_PROTECT] = { .act = do_uffd },
	[PMK_STMT_UFFD_UNPROTECT] = { .act = do_uffd },
	[PMK_STMT_MAP_FILE] = { .act = do_map_file },
	[PMK_STMT_SYSCALL] = { .act = do_syscall },
	[PMK_STMT_SCAN] = { .act = do_scan },
	[PMK_STMT_PROCMAP_QUERY] = { .act = do_procmap_query },
};

/* "EINVAL", "SIGSEGV" or a number, for messages. */
static const char *result_name(int64_t result, char *buf, size_t size)
{
	const char *name = NULL;

	if (pmk_is_signal(result))
		name = pmk_signal_name((int)(-100000 - result));
	else if (result < 0 && result > -4096)
		name = pmk_errno_name((int)-result);
	if (name)
		return name;
	snprintf(buf, size, "%" PRId64, result);
	return buf;
}

static int64_t wanted(const struct pmk_stmt *stmt)
{
	switch (stmt->result.kind) {
	case PMK_RESULT_ERRNO:
		return -stmt->result.value;
	case PMK_RESULT_SIGNAL:
		return PMK_SIGNAL(stmt->result.value);
	default:
		return stmt->result.value;
	}
}

static enum pmk_outcome judge(struct act *a, int64_t result)
{
	const struct pmk_stmt *stmt = a->stmt;
	const struct pmk_stmt_info *info = &pmk_stmt_info[stmt->id];
	char got[32], want[32];

	if (stmt->result.kind == PMK_RESULT_NONE) {
		if (result >= 0)
			return PMK_DONE;
		pmk_error_set(a->err, a->file, stmt->line, 0, "%s: %s, expected success",
			      info->word, result_name(result, got, sizeof(got)));
		return info->kind == PMK_CALL ? PMK_WRONG : PMK_BROKEN;
	}
	if (result == wanted(stmt))
		return PMK_DONE;
	pmk_error_set(a->err, a->file, stmt->line, stmt->result.col, "%s: %s, expected %s",
		      info->word, result_name(result, got, sizeof(got)),
		      result_name(wanted(stmt), want, sizeof(want)));
	return PMK_WRONG;
}

/* The process that the line is about; an operation brings a new one to life. */
static int find_subject(struct act *a)
{
	const struct pmk_stmt *stmt = a->stmt;
	int64_t proc;

	a->proc = PMK_OBSERVER;
	if (!stmt->subject || stmt->id == PMK_STMT_G_PROCESS)
		return 0;
	proc = pmk_stage_proc(a->s, stmt->subject);
	if (proc < 0)
		proc = spawn(a->s, stmt->subject, 0, 0, stmt->subject);
	if (proc < 0)
		return fail(a, stmt->subject_col, "process '%s' could not be made", stmt->subject);
	a->proc = (int)proc;
	return 0;
}

enum pmk_outcome pmk_stage_do(struct pmk_stage *s, const char *file, const struct pmk_stmt *stmt,
			      struct pmk_error *err)
{
	struct act a = { .s = s, .file = file, .stmt = stmt, .err = err };
	struct pmk_world *w = s->world;
	char got[32];
	int64_t result;

	if (handlers[stmt->id].act) {
		if (find_subject(&a))
			return PMK_BROKEN;
		result = handlers[stmt->id].act(&a);
		if (a.broken || a.wrong)
			return a.broken ? PMK_BROKEN : PMK_WRONG;
		return judge(&a, result);
	}
	if (!handlers[stmt->id].given)
		return PMK_DONE;
	if (!w->ops->machine || !w->ops->machine(w))
		return PMK_CANNOT;
	if (find_subject(&a))
		return PMK_BROKEN;
	/* spawning is the world's business and takes its own lock */
	if (stmt->id != PMK_STMT_G_PROCESS)
		w->ops->lock(w, true);
	result = handlers[stmt->id].given(&a, w->ops->machine(w));
	if (stmt->id != PMK_STMT_G_PROCESS)
		w->ops->lock(w, false);
	if (result < 0 && !a.broken)
		pmk_error_set(err, file, stmt->line, 0, "%s: %s", pmk_stmt_info[stmt->id].word,
			      result_name(result, got, sizeof(got)));
	return result < 0 ? PMK_BROKEN : PMK_DONE;
}

/* ---- whole scripts ------------------------------------------------------------------------------ */

bool pmk_stage_holds(const struct pmk_stage *s, const char *file, const struct pmk_stmt *stmt,
		     struct pmk_error *err)
{
	for (size_t i = 0; i < stmt->nwhen; i++) {
		const char *name = stmt->when[i];
		bool negated = *name == '!';
		int feature = pmk_feature_find(name + negated);
		const char *why;

		if (feature < 0) {
			pmk_error_set(err, file, stmt->line, stmt->when_col,
				      "unknown feature '%s'; 'pmkit kernels' lists them",
				      name + negated);
			return false;
		}
		if (s->world->ops->has(s->world, (enum pmk_feature)feature, &why) == negated)
			return false;
	}
	return true;
}

static int play_statement(struct pmk_stage *s, const char *path, const struct pmk_stmt *stmt,
			  struct pmk_error *err)
{
	enum pmk_stmt_kind kind = pmk_stmt_info[stmt->id].kind;

	if (kind == PMK_META || kind == PMK_EXPECT)
		return 0;
	if (!pmk_stage_holds(s, path, stmt, err))
		return *err->text ? -1 : 0;
	switch (pmk_stage_do(s, path, stmt, err)) {
	case PMK_BROKEN:
		return -1;
	case PMK_WRONG: /* an expectation about a call: not ours to judge */
		*err->text = 0;
		return 0;
	default:
		return 0;
	}
}

int pmk_stage_play(struct pmk_stage *s, const char *path, const struct pmk_profile *as,
		   struct pmk_error *err)
{
	struct pmk_error ignored;
	struct pmk_profile profile;
	struct pmk_parser *parser;
	struct pmk_stmt stmt;
	bool ready = false;
	size_t len;
	char *text;
	int got, result = -1;

	if (!err)
		err = &ignored;
	*err->text = 0;
	text = pmk_file_read(path, PMK_SCRIPT_SIZE_MAX, &len, err);
	if (!text)
		return -1;
	if (as)
		profile = *as;
	else
		pmk_profile_host(&profile);
	parser = pmk_parser_create(path, text, len);
	while ((got = pmk_parser_next(parser, &stmt, err)) > 0) {
		if (stmt.id == PMK_STMT_KERNEL && !as &&
		    pmk_profile_parse(stmt.arg[0].text, &profile, err))
			goto out;
		if (pmk_stmt_info[stmt.id].kind == PMK_META)
			continue;
		if (!ready && s->world->ops->reset(s->world, &profile, err))
			goto out;
		ready = true;
		if (play_statement(s, path, &stmt, err))
			goto out;
	}
	if (!got)
		result = ready ? 0 : s->world->ops->reset(s->world, &profile, err);
out:
	pmk_parser_destroy(parser);
	free(text);
	return result;
}
