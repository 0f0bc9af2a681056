/*
 * fuse_impl.h - what the parts of the FUSE transport share.
 *
 *   fuse.c       the session: mounting, the server thread, the table of operations
 *   fuse_tree.c  directories: nodes, lookup, attributes, links
 *   fuse_file.c  open files
 *   fuse_ioctl.c PAGEMAP_SCAN and PROCMAP_QUERY
 *   fuse_read.c  what a read's system call said before FUSE cut and merged it
 */
#ifndef PMK_FUSE_IMPL_H
#define PMK_FUSE_IMPL_H

#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>
#include <limits.h>
#include <semaphore.h>

#include "caller.h"
#include "fuse.h"

/* Pages a request carries: libfuse's own limit up to 3.16, the kernel's unless root raises it. */
#define PMK_FUSE_PAGES 256
#define PMK_NAMES_MAX  1024 /* names of pass-through entries; a real proc has some 120 */

struct pmk_open;
struct pmk_listing;

struct pmk_mount {
	struct pmk_mount_options opt;
	char *dir, *real_proc;
	struct pmk_machine **machine;
	pthread_mutex_t *lock;
	int proc_fd;
	bool own_proc_fd;
	uint64_t userns; /* the mounter's user namespace: caller.h */
	uid_t uid;
	gid_t gid;

	struct fuse_session *session;
	dev_t dev;
	bool direct; /* mounted by mount(2), not by fusermount3 */
	pthread_t thread;
	sem_t ready; /* posted after INIT, or when the thread ends before */
	int end_fd; /* an eventfd: the thread has ended */
	struct fuse_buf request;

	size_t max_read;
	char *buf; /* the reply that is being made: max_read and a page, page-aligned */
	bool told_no_ptrace;
	const char *zero; /* max_read zeros: one page of memory, many times */
	struct pmk_open *open; /* all open files, for pmk_mount_forget() */
	struct pmk_listing *listing; /* all open directories */
	char *name[PMK_NAMES_MAX];
	unsigned nnames;
};

static inline struct pmk_mount *pmk_mount_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/*
 * A mount that is mounted nowhere and served by nobody: who makes it feeds requests to its session
 * (fuzz/fuse_requests.c).  NULL and *err: libfuse would not.
 */
struct pmk_mount *pmk_mount_create(struct pmk_machine **machine, pthread_mutex_t *lock,
				   const struct pmk_mount_options *options, struct pmk_error *err);

/* ---- nodes --------------------------------------------------------------------------------- */

/* What a node is in its directory; the directory is / or PID (tid 0) or PID/task/TID. */
enum pmk_entry {
	PMK_ENTRY_DIR = 1, /* the directory itself */
	PMK_ENTRY_TASK, /* PID/task */
	PMK_ENTRY_HIDDEN, /* where the real proc is mounted */
	PMK_ENTRY_SELF,
	PMK_ENTRY_THREAD_SELF,
	PMK_ENTRY_NULL,
	PMK_ENTRY_MAP_FILES, /* PID/map_files */
	PMK_ENTRY_MAP_FILE, /* ... and a link in it: tid is its mapping's place and 1 */
	PMK_ENTRY_SYSFS, /* /sysfs, and from here on to page_idle each in the one before */
	PMK_ENTRY_SYSFS_KERNEL,
	PMK_ENTRY_SYSFS_MM,
	PMK_ENTRY_PAGE_IDLE,
	PMK_ENTRY_FILE = 16, /* + enum pmk_file */
	PMK_ENTRY_NAME = 64, /* + index of a name: a link into the real proc */
};

/*
 * Inode numbers say it all, so that 10,000 processes need no table: the entry in 12 bits, TID and PID in
 * 26 each (the kernel's PID_MAX_LIMIT takes 22).  The root comes out as 1, as FUSE wants it.
 */
struct pmk_node {
	int pid, tid;
	unsigned entry;
};
#define PMK_NODE_PID_MAX ((1 << 26) - 1)

static inline fuse_ino_t pmk_node_ino(struct pmk_node node)
{
	return (fuse_ino_t)node.pid << 38 | (fuse_ino_t)node.tid << 12 | node.entry;
}
static inline struct pmk_node pmk_node_of(fuse_ino_t ino)
{
	return (struct pmk_node){ (int)(ino >> 38), (int)(ino >> 12 & PMK_NODE_PID_MAX),
				  ino & 4095 };
}
static inline bool pmk_node_is_file(struct pmk_node node)
{
	return node.entry >= PMK_ENTRY_FILE && node.entry < PMK_ENTRY_NAME;
}
static inline enum pmk_file pmk_node_file(struct pmk_node node)
{
	return (enum pmk_file)(node.entry - PMK_ENTRY_FILE);
}

/* What /PID is: a real process that looks like a process of the machine, or that process alone. */
struct pmk_place {
	bool real;
	int pid; /* of the machine */
};
/* False: there is no such PID. */
bool pmk_place_find(struct pmk_mount *m, int pid, struct pmk_place *ret);
/* The machine's process that a real one stands for; 0: none. */
int pmk_place_of_caller(struct pmk_mount *m, int real_pid);
/* Who asks about a file, or about PID: by the machine's users, and whether it is the process itself. */
struct pmk_cred pmk_caller_cred(struct pmk_mount *m, struct pmk_node node, struct pmk_place place,
				const struct fuse_ctx *ctx, bool *ret_self);
/* Owner and mode of a file; 0 or an errno. */
int pmk_node_stat(struct pmk_mount *m, struct pmk_node node, struct stat *ret);
/* Translates the caller's user into the machine's users, for files whose owner is not the script's. */
uint32_t pmk_node_user(struct pmk_mount *m, struct pmk_node node, uint32_t caller);
void pmk_tree_deinit(struct pmk_mount *m);
void pmk_files_deinit(struct pmk_mount *m);

/* ---- operations, for the table in fuse.c ------------------------------------------------------ */

void pmk_fuse_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void pmk_fuse_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void pmk_fuse_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		      struct fuse_file_info *fi);
void pmk_fuse_readlink(fuse_req_t req, fuse_ino_t ino);
void pmk_fuse_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void pmk_fuse_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		      struct fuse_file_info *fi);
void pmk_fuse_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

void pmk_fuse_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void pmk_fuse_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi);
void pmk_fuse_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		    struct fuse_file_info *fi);
void pmk_fuse_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
		    struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_size,
		    size_t out_size);
/* Answers one of the two that have an argument; the machine is locked.  False: it is another one. */
bool pmk_fuse_ioctl_answered(fuse_req_t req, struct pmk_handle *h, unsigned cmd, const void *arg,
			     const void *in, size_t in_size);
void pmk_fuse_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		    struct fuse_file_info *fi);
void pmk_fuse_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void pmk_fuse_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* ---- reads ------------------------------------------------------------------------------------ */

/* What to answer to a FUSE READ of `size` bytes at `off`. */
enum pmk_window_kind {
	PMK_WINDOW_BYTES, /* `bytes` of it */
	PMK_WINDOW_ODD, /* what the file says to a count that is no multiple of 8 */
	PMK_WINDOW_FAULT, /* what it says to a buffer that ends after `bytes` */
};
struct pmk_window {
	enum pmk_window_kind kind;
	size_t bytes;
};
/* The segments of the writev that the thread is in; 0: it is in no such call. */
size_t pmk_window_segments(struct pmk_mount *m, int tid, struct iovec seg[IOV_MAX]);
struct pmk_window pmk_window_find(struct pmk_mount *m, int tid, uint64_t off, size_t size);

#endif /* PMK_FUSE_IMPL_H */
