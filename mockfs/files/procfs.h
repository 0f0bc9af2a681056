/*
 * procfs.h - the files of the model by the operations on them: one core for all transports.
 *
 * The model world (vfs.h), the FUSE mount (fuse.c) and whatever comes later ask here.  A call gives bytes
 * or an errno as the kernel's own file would, from the point on where the VFS hands over to the file:
 * rules 1 to 5 of PM-READ-ORDER are the VFS's (vfs.h, or the real one above FUSE), 6 and on are here.
 *
 * A handle is bound at open to an address space, not to a PID (PM-MM-PIN), and to the opener's rights
 * (PM-CRED-OPENER).  Not thread-safe: the owner of the machine locks.
 */
#ifndef PMK_PROCFS_H
#define PMK_PROCFS_H

#include <sys/types.h>

#include "companion.h"
#include "machine.h"
#include "scan.h"

/* What a mount shows of a real process that stands for one of the script. */
enum pmk_proc_of {
	PMK_OF_SCRIPT, /* the script's */
	PMK_OF_MAPS, /* the script's or the real one, as maps is */
	PMK_OF_PROCESS, /* its own: the script's only of processes that are not real */
};
/* The directory of a mount that is its sysfs. */
#define PMK_SYSFS "sysfs"
/* One row a file; indexed by enum pmk_file. */
struct pmk_proc_file {
	const char *name;
	unsigned mode; /* permission bits; pagemap's depend on the kernel: pmk_proc_stat() */
	bool per_pid; /* under PID/ and PID/task/TID/, otherwise at the root */
	enum pmk_proc_of of;
	pmk_text_show *show; /* a text: seq_file */
	bool of_task; /* a text about the task, not about its memory: readable while there is a task */
	const char
		*sysfs; /* of a file of sysfs: its directory below the mount point; NULL: of proc */
};
extern const struct pmk_proc_file pmk_proc_file[PMK_FILE_COUNT];

struct pmk_proc_stat {
	unsigned mode; /* permission bits */
	uint32_t uid, gid;
	bool beside; /* of a process for which no real one stands */
};
/* 0, -ENOENT (no such process, no such file on this kernel). */
int pmk_proc_stat(const struct pmk_machine *m, enum pmk_file file, int pid,
		  struct pmk_proc_stat *ret);

/* Whether the way a proc is mounted (hidepid=) hides the process from somebody: 0, -ENOENT or -EPERM. */
int pmk_proc_hidden(const struct pmk_machine *m, int pid, const struct pmk_cred *opener, bool self);

struct pmk_handle; /* an open file */
/*
 * Opens `file` (of `pid`, when it is one of a process) with the opener's rights.
 * flags: O_ACCMODE, O_DIRECT.  self: the opener is the process itself.
 * 0, -ENOENT, -EACCES, -EPERM, -ESRCH, -EINVAL (O_DIRECT), or what a fault says.
 */
int pmk_handle_open(struct pmk_machine *m, enum pmk_file file, int pid, int flags,
		    const struct pmk_cred *opener, bool self, struct pmk_handle **ret);
void pmk_handle_close(struct pmk_handle *h);
enum pmk_file pmk_handle_file(const struct pmk_handle *h);
/* Mode and owner as they are now; -ENOENT: the process is gone. */
int pmk_handle_stat(const struct pmk_handle *h, struct pmk_proc_stat *ret);

/* Reads `count` bytes at pos into buf: the bytes read, or -errno.  buf has room for count, but no
 * more than that is ever touched; a NULL buf with count 0 is fine. */
int64_t pmk_handle_read(struct pmk_handle *h, uint64_t pos, size_t count, void *buf);
int64_t pmk_handle_write(struct pmk_handle *h, uint64_t pos, size_t count, const void *buf);
/* The new position (any 64-bit value, as mem_lseek stores it) in *pos; 0 or -EINVAL. */
int pmk_handle_lseek(struct pmk_handle *h, int64_t *pos, int64_t offset, int whence);
/* Any command but the two that follow. */
int64_t pmk_handle_ioctl(struct pmk_handle *h, unsigned cmd);

/*
 * PAGEMAP_SCAN (SCAN-ABI).  arg: the caller's, in the host's byte order, or NULL when it cannot be read; walk_end of it is changed where
 * the kernel writes it, which is also so after an error of the walk.  The regions come to put() batch by
 * batch; the carrier counts how many it has put at arg->vec, untagged.  A put() that fails is EFAULT, and
 * what the walk has protected stays protected.
 * The number of regions, or -errno: -ENOTTY or -EINVAL where the file or the kernel has no such command.
 */
int64_t pmk_handle_scan(struct pmk_handle *h, struct pmk_scan_arg *arg, pmk_scan_put *put,
			void *ctx);

/* What PROCMAP_QUERY writes to the caller, in this order: the name, then the first q.size bytes of q. */
#define PMK_NAME_MAX 4096 /* PATH_MAX */
struct pmk_procmap_answer {
	struct pmk_procmap_query q;
	size_t size; /* how much of q */
	size_t name_len; /* with its NUL; 0: nothing is written to q.vma_name_addr */
	char name[PMK_NAME_MAX];
	size_t id_len; /* likewise, for q.build_id_addr */
	unsigned char id[20];
};
/*
 * PROCMAP_QUERY (PQ-ABI).  The first `len` bytes at `arg` are what is known of the caller's argument: as
 * many as its size says, or fewer where the carrier cannot see more, and then the rest counts as zero.
 * 0 and the answer, or -errno: -EFAULT (len < 8), -E2BIG, -EINVAL, -ESRCH, -ENOENT, -ENAMETOOLONG,
 * -ENOTTY.
 */
int64_t pmk_handle_procmap_query(struct pmk_handle *h, const void *arg, size_t len,
				 struct pmk_procmap_answer *ret);

/*
 * map_files (MAPFILES): the mappings of files by their addresses.  The mapping from page `start` to page
 * `end`, just so, and its place among all of the process: 0 .., or -ENOENT, or -EACCES and -ESRCH as for
 * opening pagemap.  And the other way round; false: there is no mapping of a file at this place.
 */
int64_t pmk_map_file_find(const struct pmk_machine *m, int pid, const struct pmk_cred *asker,
			  bool self, uint64_t start, uint64_t end);
bool pmk_map_file_is(const struct pmk_machine *m, const struct pmk_run *run);
bool pmk_map_file_at(const struct pmk_machine *m, int pid, int64_t place,
		     struct pmk_maps_line *ret);

/* PIDs in ascending order: the first above `after`, or 0. */
int pmk_proc_next_pid(const struct pmk_machine *m, int after);

#endif /* PMK_PROCFS_H */
