/* do_memory.c - operations: what processes do to memory and to themselves. */
#include "act.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "alloc.h"
#include "pagemapkit.h"

#define LINE_BUFFER 65536
#define HUGE_PAGES  512 /* facilities hugetlb and thp promise it */

static int64_t new_object(struct pmk_act *a, const char *name, enum pmk_backing backing,
			  uint64_t pages, bool elf)
{
	struct pmk_request r = { .code = PMK_REQ_OBJECT,
				 .proc = PMK_OBSERVER,
				 .a = { (int64_t)a->s->nobjects, backing, elf },
				 .len = pages * pmk_stage_page_size(a->s) };
	int64_t result = pmk_world_request(a->s->world, &r);

	if (result < 0)
		return result;
	if (name)
		pmk_names_set(&a->s->names, PMK_SCOPE_OBJECT, name, (uint32_t)a->s->nobjects);
	return (int64_t)a->s->nobjects++;
}

int64_t pmk_do_object(struct pmk_act *a)
{
	enum pmk_backing backing =
		a->stmt->id == PMK_STMT_FILE ? PMK_BACKING_FILE : PMK_BACKING_MEMFD;
	int64_t object = new_object(a, a->stmt->arg[0].text, backing, a->stmt->arg[1].n,
				    pmk_act_opt(a, PMK_OPT_ELF));

	return object < 0 ? object : 0;
}

/* hugetlb takes whole huge pages; the kernel would round up, and the script not know it. */
static int check_hugetlb(struct pmk_act *a, uint64_t pages)
{
	if (a->stmt->arg[2].n == PMK_BACKING_HUGETLB && pages % HUGE_PAGES)
		return pmk_act_fail(a, a->stmt->arg[1].col, "hugetlb pages are of 512 pages each%s",
				    "");
	return 0;
}

static bool has_object(enum pmk_backing backing)
{
	return backing != PMK_BACKING_ANON && backing != PMK_BACKING_HUGETLB;
}

int64_t pmk_do_map(struct pmk_act *a)
{
	const struct pmk_arg *arg = a->stmt->arg, *file = pmk_act_opt(a, PMK_OPT_FILE);
	enum pmk_backing backing = (enum pmk_backing)arg[2].n;
	uint64_t page = pmk_stage_page_size(a->s), pages = arg[1].n;
	struct pmk_request r = { .code = PMK_REQ_MMAP,
				 .proc = a->proc,
				 .prot = (unsigned)arg[4].n,
				 .shared = arg[3].n,
				 .a = { -1, (int64_t)(pmk_act_number(a, PMK_OPT_OFFSET) * page),
					backing == PMK_BACKING_HUGETLB } };
	int64_t result;

	if (check_hugetlb(a, pages))
		return -EINVAL;
	if (file)
		r.a[0] = pmk_names_find(&a->s->names, PMK_SCOPE_OBJECT, file->text);
	if (file && r.a[0] < 0)
		return pmk_act_fail(a, file->col, "there is no file or memfd '%s'", file->text);
	r.addr = pmk_act_place(a, pages);
	if (a->broken)
		return -EINVAL;
	if (has_object(backing) && !file)
		r.a[0] = new_object(a, NULL, backing, pages + pmk_act_number(a, PMK_OPT_OFFSET),
				    false);
	if (has_object(backing) && r.a[0] < 0)
		return r.a[0];
	r.len = pages > UINT64_MAX / page ? UINT64_MAX & ~(page - 1) : pages * page;
	result = pmk_world_request(a->s->world, &r);
	if (result >= 0)
		pmk_stage_add_region(a->s, a->proc, arg[0].text, r.addr, pages);
	return result < 0 ? result : 0;
}

/* Gives a name to the mapping that maps shows under the text. */
int64_t pmk_do_region(struct pmk_act *a)
{
	const struct pmk_arg *want = &a->stmt->arg[1];
	char *buf = pmk_alloc(LINE_BUFFER);
	uint64_t pos = 0;
	int64_t n, found = -ENOENT;

	while (found < 0 &&
	       (n = pmk_stage_pread(a->s, a->proc, PMK_FILE_MAPS, pos, buf, LINE_BUFFER)) > 0) {
		char *line = buf, *nl;

		for (; (nl = memchr(line, '\n', (size_t)(buf + n - line))); line = nl + 1) {
			struct pmk_maps_line m;

			if (pmk_maps_parse(line, (size_t)(nl - line), &m) ||
			    m.name_len != want->text_len || memcmp(m.name, want->text, m.name_len))
				continue;
			pmk_stage_add_region(a->s, a->proc, a->stmt->arg[0].text, m.start,
					     (m.end - m.start) / pmk_stage_page_size(a->s));
			found = 0;
			break;
		}
		pos += (uint64_t)n;
	}
	free(buf);
	return found;
}

int64_t pmk_do_range(struct pmk_act *a)
{
	static const enum pmk_request_code codes[PMK_STMT_COUNT] = {
		[PMK_STMT_READ] = PMK_REQ_READ,	      [PMK_STMT_WRITE] = PMK_REQ_WRITE,
		[PMK_STMT_MUNMAP] = PMK_REQ_MUNMAP,   [PMK_STMT_MPROTECT] = PMK_REQ_MPROTECT,
		[PMK_STMT_MADVISE] = PMK_REQ_MADVISE, [PMK_STMT_MLOCK] = PMK_REQ_MLOCK,
		[PMK_STMT_MUNLOCK] = PMK_REQ_MUNLOCK, [PMK_STMT_MSYNC] = PMK_REQ_MSYNC,
		[PMK_STMT_FILL] = PMK_REQ_FILL,
	};
	struct pmk_request r = { .code = codes[a->stmt->id], .proc = a->proc };

	if (a->stmt->id == PMK_STMT_MPROTECT)
		r.prot = (unsigned)a->stmt->arg[1].n;
	if (a->stmt->id == PMK_STMT_MADVISE || a->stmt->id == PMK_STMT_FILL)
		r.a[0] = (int64_t)a->stmt->arg[1].n;
	return pmk_act_spans(a, &a->stmt->arg[0], &r);
}

int64_t pmk_do_mremap(struct pmk_act *a)
{
	const struct pmk_arg *arg = a->stmt->arg, *to = pmk_act_opt(a, PMK_OPT_TO),
			     *at = pmk_act_opt(a, PMK_OPT_AT);
	uint64_t page = pmk_stage_page_size(a->s), addr = at   ? at->n
							  : to ? pmk_stage_place(a->s, arg[1].n)
							       : 0;
	struct pmk_request r = { .code = PMK_REQ_MREMAP,
				 .proc = a->proc,
				 .a = { (int64_t)(arg[1].n * page), (int64_t)addr,
					pmk_act_opt(a, PMK_OPT_DONTUNMAP) != NULL } };
	const struct pmk_region *region;
	int64_t result;

	if (arg[0].nspans > 1)
		return pmk_act_fail(a, arg[0].col, "mremap takes one range of '%s'", arg[0].text);
	result = pmk_act_spans(a, &arg[0], &r);
	if (result < 0)
		return result;
	region = pmk_stage_region(a->s, a->proc, arg[0].text);
	if (to)
		pmk_stage_add_region(a->s, a->proc, to->text, addr, arg[1].n);
	else if (!arg[0].nspans && arg[1].n > region->pages)
		pmk_stage_add_region(a->s, a->proc, arg[0].text, region->addr, arg[1].n);
	return 0;
}

/* The process that the statement names and the request makes: its number, or -errno. */
static int64_t new_process(struct pmk_act *a, const struct pmk_request *r)
{
	const struct pmk_arg *name = &a->stmt->arg[0];
	struct pmk_stage *s = a->s;
	int64_t pid;

	if (pmk_stage_proc(s, name->text) >= 0)
		return pmk_act_fail(a, name->col, "process '%s' is there already", name->text);
	pid = s->nprocs < PMK_PROCS_MAX ? pmk_world_request(s->world, r) : -EAGAIN;
	return pid < 0 ? pid : pmk_stage_add_proc(s, name->text, (int)pid);
}

int64_t pmk_do_fork(struct pmk_act *a)
{
	struct pmk_request r = { .code = PMK_REQ_FORK,
				 .proc = a->proc,
				 .a = { (int64_t)a->s->nprocs } };
	int64_t child = new_process(a, &r);

	if (child < 0)
		return child;
	pmk_stage_inherit(a->s, a->proc, (int)child);
	return 0;
}

int64_t pmk_do_kernel_thread(struct pmk_act *a)
{
	struct pmk_request r = { .code = PMK_REQ_KTHREAD, .proc = (int)a->s->nprocs };
	int64_t proc = new_process(a, &r);

	if (proc < 0)
		return proc;
	a->s->proc[proc].kernel = true;
	return 0;
}

int64_t pmk_do_plain(struct pmk_act *a)
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

/* Of the machine, not of a process: ksm and proc-mount. */
int64_t pmk_do_machine(struct pmk_act *a)
{
	bool ksm = a->stmt->id == PMK_STMT_KSM;
	struct pmk_request r = { .code = ksm ? PMK_REQ_KSM : PMK_REQ_PROC_MOUNT,
				 .proc = PMK_OBSERVER,
				 .a = { (int64_t)a->stmt->arg[0].n } };

	return pmk_world_request(a->s->world, &r);
}

static int64_t find_cgroup(struct pmk_act *a, const struct pmk_arg *name)
{
	int64_t cgroup = pmk_names_find(&a->s->names, PMK_SCOPE_CGROUP, name->text);

	return cgroup < 0 ? pmk_act_fail(a, name->col, "there is no cgroup '%s'", name->text)
			  : cgroup;
}

static int64_t make_cgroup(struct pmk_act *a)
{
	const struct pmk_arg *in = pmk_act_opt(a, PMK_OPT_IN);
	struct pmk_stage *s = a->s;
	struct pmk_request r = { .code = PMK_REQ_CGROUP,
				 .proc = PMK_OBSERVER,
				 .a = { (int64_t)s->ncgroups, in ? find_cgroup(a, in) : -1 } };
	int64_t inode = a->broken ? -EINVAL : pmk_world_request(s->world, &r);

	if (inode < 0)
		return inode;
	s->cgroup = pmk_realloc(s->cgroup, s->ncgroups + 1, sizeof(*s->cgroup));
	s->cgroup[s->ncgroups] = (uint64_t)inode;
	pmk_names_set(&s->names, PMK_SCOPE_CGROUP, a->stmt->arg[0].text, (uint32_t)s->ncgroups);
	return (int64_t)s->ncgroups++;
}

int64_t pmk_do_cgroup(struct pmk_act *a)
{
	int64_t cgroup = pmk_names_find(&a->s->names, PMK_SCOPE_CGROUP, a->stmt->arg[0].text);
	struct pmk_request r = { .code = PMK_REQ_CGROUP_ENTER, .proc = a->proc };

	r.a[0] = cgroup < 0 ? make_cgroup(a) : cgroup;
	return r.a[0] < 0 ? r.a[0] : pmk_world_request(a->s->world, &r);
}

int64_t pmk_do_cgroup_remove(struct pmk_act *a)
{
	struct pmk_request r = { .code = PMK_REQ_CGROUP_REMOVE,
				 .proc = PMK_OBSERVER,
				 .a = { find_cgroup(a, &a->stmt->arg[0]) } };

	return a->broken ? -EINVAL : pmk_world_request(a->s->world, &r);
}

uint64_t pmk_stage_cgroup(const struct pmk_stage *s, const char *name)
{
	int64_t cgroup = pmk_names_find(&s->names, PMK_SCOPE_CGROUP, name);

	return cgroup < 0 ? 0 : s->cgroup[cgroup];
}

int64_t pmk_do_clear_refs(struct pmk_act *a)
{
	struct pmk_request r = { .code = PMK_REQ_OPEN,
				 .proc = a->proc,
				 .handle = pmk_stage_passing_handle(a->s, a->proc),
				 .file = PMK_FILE_CLEAR_REFS,
				 .a = { O_WRONLY, 0, 0, a->proc } };
	int64_t result = pmk_world_request(a->s->world, &r);
	char text[24];

	if (result < 0)
		return result;
	r = (struct pmk_request){ .code = PMK_REQ_WRITEFD,
				  .proc = a->proc,
				  .handle = pmk_stage_passing_handle(a->s, a->proc),
				  .in = text,
				  .len = (uint64_t)snprintf(text, sizeof(text), "%" PRIu64,
							    a->stmt->arg[0].n) };
	result = pmk_world_request(a->s->world, &r);
	r.code = PMK_REQ_CLOSE;
	pmk_world_request(a->s->world, &r);
	return result;
}
