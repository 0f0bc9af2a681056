/*
 * act.h - inside the stage: its state, one statement being done, and what the handlers share.
 *
 *   stage.c        the table of handlers, verdicts on results, whole scripts
 *   stage_names.c  names to numbers          act.c        arguments to numbers
 *   do_given.c  do_memory.c  do_call.c  do_idle.c  do_ioctl.c  do_scan_all.c        the handlers
 */
#ifndef PMK_ACT_H
#define PMK_ACT_H

#include "names.h"
#include "stage.h"

/* The scopes of names.  Regions of a process are in 2 * proc, its handles in 2 * proc + 1. */
enum {
	PMK_SCOPE_PROC = -1,
	PMK_SCOPE_OBJECT = -2,
	PMK_SCOPE_CGROUP = -3,
};

struct pmk_stage {
	struct pmk_world *world;
	struct pmk_names names;
	struct {
		int pid;
		bool kernel; /* a kernel thread */
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
	uint64_t next_content; /* number of the next page unlike all others */
	uint64_t page; /* bytes; 0 until the world is asked */
	char *answer; /* of the last scan or procmap-query: do_ioctl.c */
	struct pmk_stage_scan scan;
	struct pmk_scan_region *all; /* of the last scan-all: do_scan_all.c */
	struct pmk_stage_query query;
};

/* One statement being done. */
struct pmk_act {
	struct pmk_stage *s;
	const char *file;
	const struct pmk_stmt *stmt;
	struct pmk_error *err;
	int proc;
	bool broken; /* err says why */
	bool wrong; /* likewise: not what the script expects, though the result may be */
};

/* ---- names (stage_names.c) ---- */
uint64_t pmk_stage_page_size(struct pmk_stage *s);
void pmk_stage_add_region(struct pmk_stage *s, int proc, const char *name, uint64_t addr,
			  uint64_t pages);
int pmk_stage_add_handle(struct pmk_stage *s, int proc, const char *name, enum pmk_file file);
int pmk_stage_add_proc(struct pmk_stage *s, const char *name, int pid);
/* A child knows its parent's regions and handles by the same names and numbers. */
void pmk_stage_inherit(struct pmk_stage *s, int parent, int child);
/* A new process without relatives: its number, or -errno. */
int64_t pmk_stage_spawn(struct pmk_stage *s, const char *name, int pid, uint32_t uid,
			const char *comm);

/* ---- arguments (act.c) ---- */

/* The statement is broken: *err gets the place and the text, `what` being the one %s of `format`.  -1. */
int pmk_act_fail(struct pmk_act *a, unsigned col, const char *format, const char *what);
const struct pmk_arg *pmk_act_opt(const struct pmk_act *a, enum pmk_opt_id id);
uint64_t pmk_act_number(const struct pmk_act *a, enum pmk_opt_id id); /* 0: not written */
const struct pmk_region *pmk_act_region(struct pmk_act *a, const struct pmk_arg *arg);
int64_t pmk_act_spans(struct pmk_act *a, const struct pmk_arg *arg, struct pmk_request *r);
int pmk_act_position(struct pmk_act *a, const struct pmk_arg *arg, int handle, int64_t *ret);
int pmk_act_address(struct pmk_act *a, const struct pmk_arg *arg, uint64_t *ret);
int pmk_act_extent(struct pmk_act *a, const struct pmk_arg *arg, uint64_t *ret_start,
		   uint64_t *ret_end);
/* The argument of PAGEMAP_SCAN that the options say. */
int pmk_act_scan_argument(struct pmk_act *a, struct pmk_scan_arg *ret);
/* The handle that the statement names and the room for an ioctl's answer; what the last one brought is gone. */
int pmk_act_ioctl(struct pmk_act *a, struct pmk_request *r);
/* The enum pmk_buf of an option buf= or arg=. */
int pmk_act_buffer(struct pmk_act *a, enum pmk_opt_id id, int64_t *ret);
/* Where a new region of so many pages goes: at=, after=, or wherever there is room. */
uint64_t pmk_act_place(struct pmk_act *a, uint64_t pages);
uint64_t pmk_stage_place(struct pmk_stage *s, uint64_t pages);
/* A look at a file of `proc` that leaves nothing open. */
int64_t pmk_stage_pread(struct pmk_stage *s, int proc, enum pmk_file file, uint64_t pos, void *buf,
			uint64_t len);
/* The number of a handle that is closed at once. */
int pmk_stage_passing_handle(const struct pmk_stage *s, int proc);

/* ---- handlers: a result as a process sees it; a->broken, a->wrong and a->err when it is none ---- */
typedef int64_t pmk_do(struct pmk_act *a); /* operations and calls */
typedef int64_t pmk_given(struct pmk_act *a, struct pmk_machine *m); /* givens and faults */

pmk_given pmk_given_entry, pmk_given_fault, pmk_given_frame, pmk_given_process, pmk_given_ram,
	pmk_given_vma;
pmk_do pmk_do_call, pmk_do_cgroup, pmk_do_cgroup_remove, pmk_do_clear_refs, pmk_do_fork,
	pmk_do_kernel_thread, pmk_do_machine, pmk_do_map, pmk_do_map_file, pmk_do_mark_idle,
	pmk_do_mremap, pmk_do_object, pmk_do_open, pmk_do_plain, pmk_do_procmap_query, pmk_do_range,
	pmk_do_region, pmk_do_scan, pmk_do_scan_all, pmk_do_syscall, pmk_do_uffd;

#endif /* PMK_ACT_H */
