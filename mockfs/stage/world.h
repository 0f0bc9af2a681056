/*
 * world.h - where a script happens: a small table of functions.
 *
 * A stage (stage.h) resolves every name of a script to numbers and asks a world to do one request at a
 * time.  Three worlds stand behind this table:
 *   model   mockfs/stage/world_model.c        the in-process model alone
 *   mock    conformance/live/world_mock.c     the model's memory, but files read by real calls through FUSE
 *   kernel  conformance/live/world_kernel.c   real processes, real memory, the real /proc
 *
 * Processes are small numbers that the stage gives out, 0 for the first.  PMK_OBSERVER stands for the
 * runner itself, which looks on with whatever rights it has.
 * Results are as a process sees them: result.h.
 */
#ifndef PMK_WORLD_H
#define PMK_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pagemapkit.h"
#include "profile.h"
#include "result.h"
#include "script.h"

#define PMK_OBSERVER  (-1)
#define PMK_PROCS_MAX 20000 /* processes a stage gives out */

/*
 * What a world can be asked.  Addresses and lengths in bytes, page-aligned unless said otherwise.
 * OBJECT n: a file or memfd, numbered by the stage.  HANDLE n: an open file of one process, numbered
 * by the stage; a forked child has its parent's.
 */
enum pmk_request_code {
	/* memory and processes */
	PMK_REQ_SPAWN, /* a new process without relatives; a[0] pid (0: any), a[1] uid; in: name */
	PMK_REQ_KTHREAD, /* a kernel thread, which makes no requests: its PID */
	PMK_REQ_OBJECT, /* a[0] object, a[1] enum pmk_backing, a[2] 1: an ELF file with a build id (PMK_BUILD_ID),
			 * len: its size */
	PMK_REQ_KSM, /* ksmd runs until nothing changes any more, then stops; a[0] use_zero_pages */
	PMK_REQ_PROC_MOUNT, /* a[0] enum pmk_procopt: OPEN by processes is in such a proc from now on */
	PMK_REQ_CGROUP, /* a[0] number of a new memory cgroup, a[1] that of its parent or -1: its inode */
	PMK_REQ_CGROUP_REMOVE, /* a[0] */
	PMK_REQ_CGROUP_ENTER, /* a[0] */
	PMK_REQ_MMAP, /* addr, len, a[0] object or -1 (anonymous), a[1] offset, a[2] MAP_HUGETLB, prot, shared */
	PMK_REQ_READ, /* touches every page of addr, len */
	PMK_REQ_WRITE,
	PMK_REQ_FILL, /* stores all of every page; a[0] enum pmk_content, a[1] the number of the first distinct one */
	PMK_REQ_MUNMAP,
	PMK_REQ_MPROTECT, /* prot */
	PMK_REQ_MADVISE, /* a[0] the advice */
	PMK_REQ_MREMAP, /* addr, len -> a[0] the new length, a[1] the new address (0: in place),
			   * a[2] 1: DONTUNMAP */
	PMK_REQ_MLOCK,
	PMK_REQ_MUNLOCK,
	PMK_REQ_MSYNC,
	PMK_REQ_THP, /* a[0] 0: PR_SET_THP_DISABLE */
	PMK_REQ_UFFD, /* addr, len, a[0] enum pmk_uffd_op, a[1] PMK_UFFD_SYNC ...: see below */
	PMK_REQ_FORK, /* a[0] the child's number, a[1] its PID (0: any; the mock world knows it) */
	PMK_REQ_EXEC,
	PMK_REQ_EXIT,
	PMK_REQ_REAP,
	PMK_REQ_DROP, /* a[0] the capability, 64: all */
	PMK_REQ_SETUID, /* a[0] */
	PMK_REQ_SETEUID, /* a[0] */
	PMK_REQ_DUMPABLE, /* a[0] */
	PMK_REQ_UNSHARE, /* into a user namespace of its own */
	/* calls on the files; file and a[3] (process whose file it is, or PMK_OBSERVER: own) for OPEN */
	PMK_REQ_OPEN, /* handle, file, a[0] open flags, a[2] 1: below task/TID, a[3] */
	PMK_REQ_CLOSE, /* handle */
	PMK_REQ_PREAD, /* handle, pos, len, buf or a[0] (enum pmk_buf) */
	PMK_REQ_READFD, /* handle, len, buf or a[0] */
	PMK_REQ_READV, /* handle, segment lengths in a seg[nseg] */
	PMK_REQ_PREADV, /* the same and pos */
	PMK_REQ_LSEEK, /* handle, pos, a[0] whence */
	PMK_REQ_WRITEFD, /* handle, in, len */
	PMK_REQ_IOCTL, /* handle, a[0] command, no argument */
	PMK_REQ_SCAN, /* handle, scan, a[0] enum pmk_buf of the vector, a[1] that of the argument;
		       * buf, len: where a struct pmk_scan_arg and the regions shall be put */
	PMK_REQ_PROCMAP_QUERY, /* handle, query, a[0] enum pmk_buf of the name, a[1] that of the
				* argument, a[2] the byte that fills it up beyond 104 bytes;
				* buf, len: where a struct pmk_procmap_query, the name and, at
				* PMK_QUERY_ID_AT, the build id shall be put */
	PMK_REQ_SYSCALL, /* handle, a[0] enum pmk_syscall, a[1] how many bytes */
	PMK_REQ_MAP_FILE, /* addr, len, a[3] the process that has it: readlink of its map_files entry */
	PMK_REQ_COUNT
};

/* Where a read's bytes go when the script asks for a bad place. */
enum pmk_buf {
	PMK_BUF_OK,
	PMK_BUF_NULL, /* address 0 */
	PMK_BUF_KERNEL, /* an address that no user has */
	PMK_BUF_UNMAPPED, /* a user address with nothing there */
	PMK_BUF_HALF, /* the second half of the buffer is not mapped */
	PMK_BUF_READONLY,
	PMK_BUF_ODD, /* fine, but at an odd address */
};

/*
 * UFFD.  Register makes or uses the process's one userfaultfd with just these features: WP_ASYNC, or
 * with PMK_UFFD_SYNC SIGBUS instead, and with PMK_UFFD_UNPOPULATED WP_UNPOPULATED; mode WP.  -EINVAL
 * where the kernel has no such feature.  Unregister tries all userfaultfds of the process and gives the
 * last error when none will.  Protect and unprotect are UFFDIO_WRITEPROTECT on any of them, poison is UFFDIO_POISON (one without
 * a registration is made when there is none): which one does not matter to the kernel.  They are closed
 * by exec and exit; a forked child begins without.
 *
 * SCAN.  `scan` has all numbers of the argument; walk_end is 0, and vec is 0 for a null pointer, else
 * any other number: the world has a buffer of vec_len regions, as many as memory can hold, where a[0]
 * says, and puts its address there.  The argument goes where a[1] says.  Back come, whatever the result,
 * the argument as it is after the call, and behind it as many regions as the result says.
 *
 * PROCMAP_QUERY.  Likewise: query.size bytes of argument (at least 8); vma_name_addr and build_id_addr
 * are 0 for null pointers, else buffers of as many bytes as their sizes say, at most 8192.
 */
#define PMK_UFFD_SYNC	     1
#define PMK_UFFD_UNPOPULATED 2

#define PMK_BUILD_ID                                                                  \
	{                                                                             \
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 \
	}
#define PMK_QUERY_ID_AT	 (sizeof(struct pmk_procmap_query) + 4096)
#define PMK_QUERY_ANSWER (PMK_QUERY_ID_AT + 20)

#define PMK_SEGMENTS_MAX 16

struct pmk_request {
	enum pmk_request_code code;
	int proc; /* who does it */
	uint64_t addr, len;
	unsigned prot; /* PMK_PERM_* */
	bool shared;
	int handle;
	enum pmk_file file;
	int64_t pos;
	int64_t a[4];
	struct pmk_scan_arg scan;
	struct pmk_procmap_query query;
	void *buf; /* SCAN, PROCMAP_QUERY; PREAD, READFD, READV, PREADV: where the bytes shall be put; may be NULL */
	const void *in; /* WRITEFD: bytes; SPAWN: name */
	uint64_t seg[PMK_SEGMENTS_MAX];
	unsigned nseg;
};

struct pmk_machine;
struct pmk_world;

struct pmk_world_ops {
	const char *name;
	enum pmk_world_id id;
	/* Forgets all processes, objects and handles; the next script starts with nothing.
	 * The profile of model and mock becomes `profile`. */
	int (*reset)(struct pmk_world *world, const struct pmk_profile *profile,
		     struct pmk_error *err);
	int64_t (*request)(struct pmk_world *world, const struct pmk_request *request);
	/* Whether a quirk holds or a facility is there; *why (static text; may be NULL) says what is missing. */
	bool (*has)(struct pmk_world *world, enum pmk_feature feature, const char **why);
	/* PMK_HOLE_PFN ..: facts the stage needs for eof, hole and names of mappings. */
	uint64_t (*fact)(struct pmk_world *world, int fact);
	/* Givens and faults are put here directly; NULL: the world takes none. */
	struct pmk_machine *(*machine)(struct pmk_world *world);
	/* Around direct use of the machine, where another thread serves it. */
	void (*lock)(struct pmk_world *world, bool on);
	void (*destroy)(struct pmk_world *world);
};

enum pmk_fact {
	PMK_FACT_PAGE_SIZE,
	PMK_FACT_TASK_SIZE, /* bytes: where pagemap ends */
	PMK_FACT_KPAGE_LIMIT, /* PFNs: where kpage* end */
	PMK_FACT_MAX_PFN, /* where memory ends, and page_idle/bitmap; within 64 */
	PMK_FACT_HOLE, /* a PFN without memory, below the limit; UINT64_MAX: none */
};

struct pmk_world {
	const struct pmk_world_ops *ops;
};

static inline int64_t pmk_world_request(struct pmk_world *w, const struct pmk_request *r)
{
	return w->ops->request(w, r);
}

/* The model alone.  Never fails. */
struct pmk_world *pmk_world_model_create(void);

#endif /* PMK_WORLD_H */
