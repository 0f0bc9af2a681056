/* stage_names.c - the names of a script: its processes, regions and handles, as numbers. */
#include "act.h"

#include <errno.h>
#include <fcntl.h>

#include "alloc.h"

uint64_t pmk_stage_page_size(struct pmk_stage *s)
{
	if (!s->page)
		s->page = s->world->ops->fact(s->world, PMK_FACT_PAGE_SIZE);
	return s->page;
}

int pmk_stage_proc(const struct pmk_stage *s, const char *name)
{
	return (int)pmk_names_find(&s->names, PMK_SCOPE_PROC, name);
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

void pmk_stage_add_region(struct pmk_stage *s, int proc, const char *name, uint64_t addr,
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

int pmk_stage_add_handle(struct pmk_stage *s, int proc, const char *name, enum pmk_file file)
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

int pmk_stage_add_proc(struct pmk_stage *s, const char *name, int pid)
{
	if (!(s->nprocs & (s->nprocs - 1)))
		s->proc = pmk_realloc(s->proc, s->nprocs ? s->nprocs * 2 : 1, sizeof(*s->proc));
	memset(&s->proc[s->nprocs], 0, sizeof(*s->proc));
	s->proc[s->nprocs].pid = pid;
	pmk_names_set(&s->names, PMK_SCOPE_PROC, name, (uint32_t)s->nprocs);
	return (int)s->nprocs++;
}

void pmk_stage_inherit(struct pmk_stage *s, int parent, int child)
{
	for (size_t i = 0; i < s->proc[parent].nregions; i++) {
		struct pmk_region region = s->region[s->proc[parent].region[i]];

		pmk_stage_add_region(s, child, region.name, region.addr, region.pages);
	}
	for (size_t i = 0; i < s->proc[parent].nhandles; i++) {
		uint32_t handle = s->proc[parent].handle[i];

		pmk_names_set(&s->names, 2 * child + 1, s->handle[handle].name, handle);
		append(&s->proc[child].handle, &s->proc[child].nhandles, handle);
	}
}

int64_t pmk_stage_spawn(struct pmk_stage *s, const char *name, int pid, uint32_t uid,
			const char *comm)
{
	struct pmk_request r = {
		.code = PMK_REQ_SPAWN, .proc = (int)s->nprocs, .a = { pid, uid }, .in = comm
	};
	int64_t result;

	if (s->nprocs >= PMK_PROCS_MAX)
		return -EAGAIN;
	result = pmk_world_request(s->world, &r);
	return result < 0 ? result : pmk_stage_add_proc(s, name, (int)result);
}
