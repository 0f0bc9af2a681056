/*
 * fuse_tree.c - the directories of the mount: which names there are, what they are, where links lead.
 *
 *   /                 kpage*, self, thread-self, PIDs; real: links to all else
 *   /sysfs            kernel/mm/page_idle/bitmap; proc has no such name, so it is not listed
 *   /PID              pagemap, maps, clear_refs, smaps, task; mocked: comm, stat, status; real: links to all else
 *   /PID/task/TID     the same without task
 *
 * Mocked names have no timeout: a process may go, and the size trick (fill_attr) needs fresh lookups.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "fuse_impl.h"

#define FOREVER	    1e6 /* seconds */
#define MOMENT	    1.0

/*
 * The size that the kernel shall believe in, while stat shows 0.  With an i_size of 0 io_uring, sendfile
 * and splice end at once: fuse_direct_IO() and filemap_splice_read() stop at i_size.
 */
#define KERNEL_SIZE ((off_t)1 << 62)
#define KERNEL_SIZE_32 \
	INT32_MAX /* as much as a file may have for who opens it without O_LARGEFILE: generic_file_open() */

/* Where the entries that are there of their own are. */
enum where { NOWHERE, ROOT, PROCESS, SYSFS };
static const struct {
	const char *name;
	enum where where;
} own_entry[PMK_ENTRY_FILE] = {
	[PMK_ENTRY_TASK] = { "task", PROCESS },
	[PMK_ENTRY_SELF] = { "self", ROOT },
	[PMK_ENTRY_THREAD_SELF] = { "thread-self", ROOT },
	[PMK_ENTRY_NULL] = { "null", ROOT },
	[PMK_ENTRY_MAP_FILES] = { "map_files", PROCESS },
	[PMK_ENTRY_SYSFS] = { PMK_SYSFS, SYSFS },
	[PMK_ENTRY_SYSFS_KERNEL] = { "kernel", SYSFS },
	[PMK_ENTRY_SYSFS_MM] = { "mm", SYSFS },
	[PMK_ENTRY_PAGE_IDLE] = { "page_idle", SYSFS },
};

/* ---- names and paths ------------------------------------------------------------------------ */

/* The node number of a pass-through name; 0: too many of them. */
static unsigned intern(struct pmk_mount *m, const char *name)
{
	for (unsigned i = 0; i < m->nnames; i++)
		if (!strcmp(m->name[i], name))
			return PMK_ENTRY_NAME + i;
	if (m->nnames == PMK_NAMES_MAX)
		return 0;
	m->name[m->nnames] = pmk_strdup(name);
	return PMK_ENTRY_NAME + m->nnames++;
}

/* A PID as the kernel takes it for one: decimal, no leading zero; 0: it is none. */
static int parse_pid(const char *name)
{
	long pid = 0;

	if (name[0] == '0')
		return 0;
	for (; *name; name++) {
		if (!isdigit((unsigned char)*name) || pid > PMK_NODE_PID_MAX)
			return 0;
		pid = pid * 10 + *name - '0';
	}
	return pid > PMK_NODE_PID_MAX ? 0 : (int)pid;
}

/* The name of the node in its directory. */
static const char *node_name(const struct pmk_mount *m, struct pmk_node node, char buf[16])
{
	if (node.entry >= PMK_ENTRY_NAME)
		return m->name[node.entry - PMK_ENTRY_NAME];
	if (pmk_node_is_file(node))
		return pmk_proc_file[pmk_node_file(node)].name;
	if (node.entry == PMK_ENTRY_HIDDEN)
		return m->real_proc;
	if (node.entry != PMK_ENTRY_DIR)
		return own_entry[node.entry].name;
	snprintf(buf, 16, "%d", node.tid ? node.tid : node.pid);
	return buf;
}

/* The path in a proc of `name` in the node's directory. */
static void real_path(struct pmk_node node, const char *name, char *buf, size_t size)
{
	if (!node.pid)
		snprintf(buf, size, "%s", name);
	else if (!node.tid)
		snprintf(buf, size, "%d/%s", node.pid, name);
	else
		snprintf(buf, size, "%d/task/%d/%s", node.pid, node.tid, name);
}

static bool real_exists(const struct pmk_mount *m, struct pmk_node node, const char *name)
{
	char path[NAME_MAX + 64];
	struct stat st;

	if (!m->real_proc)
		return false;
	real_path(node, name, path, sizeof(path));
	return fstatat(m->proc_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- processes ------------------------------------------------------------------------------ */

static int machine_stat(struct pmk_mount *m, enum pmk_file file, int pid, struct pmk_proc_stat *ret)
{
	pthread_mutex_lock(m->lock);
	int rc = pmk_proc_stat(*m->machine, file, pid, ret);
	pthread_mutex_unlock(m->lock);
	return rc;
}

static bool scripted(struct pmk_mount *m, int pid)
{
	struct pmk_proc_stat st;

	return pid > 0 && machine_stat(m, PMK_FILE_MAPS, pid, &st) == 0;
}

/* Also where a real one has its PID. */
static bool scripted_beside(struct pmk_mount *m, int pid)
{
	struct pmk_proc_stat st;

	return machine_stat(m, PMK_FILE_MAPS, pid, &st) == 0 && st.beside;
}

bool pmk_place_find(struct pmk_mount *m, int pid, struct pmk_place *ret)
{
	struct pmk_node dir = { pid, 0, PMK_ENTRY_DIR };

	if (!pid) {
		*ret = (struct pmk_place){ m->real_proc != NULL, 0 };
		return true;
	}
	if (real_exists(m, dir, "") && !scripted_beside(m, pid)) {
		*ret = (struct pmk_place){ true, m->opt.first_pid };
		return true;
	}
	*ret = (struct pmk_place){ false, pid };
	return scripted(m, pid);
}

int pmk_place_of_caller(struct pmk_mount *m, int real_pid)
{
	if (m->opt.identify && real_pid)
		return m->opt.identify(m->opt.identify_data, real_pid);
	if (m->real_proc)
		return real_pid ? m->opt.first_pid : 0;
	if (scripted(m, real_pid))
		return real_pid;
	return m->opt.self == PMK_SELF_FIRST ? m->opt.first_pid : 0;
}

/* ---- lookup --------------------------------------------------------------------------------- */

/* Whether a real process shows its own file, not the script's: all of them when it stands for nobody. */
static bool is_real(const struct pmk_mount *m, enum pmk_file file)
{
	return (pmk_proc_file[file].per_pid && !m->opt.first_pid) ||
	       pmk_proc_file[file].of == PMK_OF_PROCESS ||
	       (pmk_proc_file[file].of == PMK_OF_MAPS && m->opt.real_maps);
}

static bool is_sysfs(struct pmk_node dir)
{
	return dir.entry >= PMK_ENTRY_SYSFS && dir.entry <= PMK_ENTRY_PAGE_IDLE;
}

/* Whether the machine shows an entry of its own, or a file, in a directory. */
static bool entry_is_here(struct pmk_mount *m, struct pmk_node dir, struct pmk_place place,
			  unsigned entry)
{
	struct pmk_proc_stat st;

	if (entry >= PMK_ENTRY_FILE) {
		enum pmk_file file = (enum pmk_file)(entry - PMK_ENTRY_FILE);

		return pmk_proc_file[file].per_pid == (dir.pid != 0) &&
		       dir.entry ==
			       (pmk_proc_file[file].sysfs ? PMK_ENTRY_PAGE_IDLE : PMK_ENTRY_DIR) &&
		       !(place.real && is_real(m, file)) &&
		       machine_stat(m, file, place.pid, &st) == 0;
	}
	switch (own_entry[entry].where) {
	case SYSFS:
		return (entry == PMK_ENTRY_SYSFS ? !dir.pid && dir.entry == PMK_ENTRY_DIR
						 : dir.entry == entry - 1) &&
		       machine_stat(m, PMK_FILE_PAGE_IDLE, 0, &st) == 0;
	case ROOT:
		return !dir.pid && dir.entry == PMK_ENTRY_DIR &&
		       (entry != PMK_ENTRY_NULL || m->opt.null_file);
	case PROCESS:
		return dir.pid && !dir.tid &&
		       !(entry == PMK_ENTRY_MAP_FILES && place.real &&
			 (m->opt.real_maps || !m->opt.first_pid));
	default:
		return false;
	}
}

/* The entry of this name that the machine shows; 0: none. */
static unsigned find_mocked(struct pmk_mount *m, struct pmk_node dir, struct pmk_place place,
			    const char *name)
{
	for (unsigned e = 0; e < PMK_ENTRY_FILE; e++)
		if (own_entry[e].name && !strcmp(own_entry[e].name, name) &&
		    entry_is_here(m, dir, place, e))
			return e;
	for (unsigned e = PMK_ENTRY_FILE; e < PMK_ENTRY_FILE + PMK_FILE_COUNT; e++)
		if (!strcmp(pmk_proc_file[e - PMK_ENTRY_FILE].name, name) &&
		    entry_is_here(m, dir, place, e))
			return e;
	return 0;
}

/* Whether a real entry shows: not one of the files, which a script's kernel may lack. */
static bool shows_through(const struct pmk_mount *m, struct pmk_node dir, const char *name)
{
	for (enum pmk_file file = 0; file < PMK_FILE_COUNT; file++)
		if (pmk_proc_file[file].per_pid == (dir.pid != 0) && !pmk_proc_file[file].sysfs &&
		    !strcmp(pmk_proc_file[file].name, name))
			return is_real(m, file);
	return true;
}

/* The entry of this name of a real directory: a link; 0: none. */
static unsigned find_real(struct pmk_mount *m, struct pmk_node dir, const char *name)
{
	if (!shows_through(m, dir, name))
		return 0;
	if (!dir.pid && m->real_proc[0] != '/' && !strcmp(m->real_proc, name))
		return PMK_ENTRY_HIDDEN;
	return real_exists(m, dir, name) ? intern(m, name) : 0;
}

/* dname_to_vma_addr(): two hexadecimal numbers without a leading zero, in either case. */
static bool parse_map_file(const char *name, uint64_t *ret_start, uint64_t *ret_end)
{
	uint64_t *const ret[2] = { ret_start, ret_end };

	for (int i = 0; i < 2; i++) {
		size_t digits = strspn(name, "0123456789abcdefABCDEF");

		if (!digits || digits > 16 || (name[0] == '0' && digits > 1) ||
		    name[digits] != (i ? '\0' : '-'))
			return false;
		*ret[i] = strtoull(name, NULL, 16);
		name += digits + 1;
	}
	return true;
}

static struct pmk_node find_map_file(struct pmk_mount *m, struct pmk_node dir,
				     struct pmk_place place, const char *name)
{
	struct pmk_node none = { 0, 0, 0 };
	uint64_t start, end;
	int64_t n;

	if (!parse_map_file(name, &start, &end))
		return none;
	pthread_mutex_lock(m->lock);
	uint64_t page = pmk_profile_page_size(&(*m->machine)->profile);
	n = start % page || end % page ? -ENOENT
				       : pmk_map_file_find(*m->machine, place.pid, NULL, true,
							   start / page, end / page);
	pthread_mutex_unlock(m->lock);
	if (n < 0 || n >= PMK_NODE_PID_MAX)
		return (struct pmk_node){ 0, n < 0 ? (int)-n : ENOENT, 0 };
	return (struct pmk_node){ dir.pid, (int)n + 1, PMK_ENTRY_MAP_FILE };
}

/* The mapping of a link in map_files; its name is as long as the line that holds it. */
static bool map_file_of(struct pmk_mount *m, struct pmk_node node, struct pmk_maps_line *ret,
			char *name, size_t size)
{
	struct pmk_place place;

	if (!pmk_place_find(m, node.pid, &place))
		return false;
	pthread_mutex_lock(m->lock);
	bool there = pmk_map_file_at(*m->machine, place.pid, node.tid - 1, ret);
	if (there)
		snprintf(name, size, "%.*s", (int)ret->name_len, ret->name);
	pthread_mutex_unlock(m->lock);
	return there;
}

/* The node of `name` in a directory; entry 0: there is none, for the errno in tid if that is not 0. */
static struct pmk_node find(struct pmk_mount *m, struct pmk_node dir, const char *name)
{
	const struct pmk_node none = { 0, 0, 0 };
	struct pmk_node node = { dir.pid, 0, PMK_ENTRY_DIR };
	struct pmk_place place;
	int id = parse_pid(name);

	if (dir.entry == PMK_ENTRY_DIR && !dir.pid && id) {
		node.pid = id;
		return pmk_place_find(m, id, &place) ? node : none;
	}
	if (!pmk_place_find(m, dir.pid, &place))
		return none;
	if (dir.entry == PMK_ENTRY_TASK) {
		node.tid = id;
		if (!id || !(place.real ? real_exists(m, node, "") : id == dir.pid))
			return none;
		return node;
	}
	if (dir.entry == PMK_ENTRY_MAP_FILES)
		return find_map_file(m, dir, place, name);
	if (dir.entry != PMK_ENTRY_DIR && !is_sysfs(dir))
		return none;
	node.tid = dir.tid;
	node.entry = find_mocked(m, dir, place, name);
	if (!node.entry && place.real && dir.entry == PMK_ENTRY_DIR)
		node.entry = find_real(m, dir, name);
	return node;
}

/* ---- attributes ----------------------------------------------------------------------------- */

/* Who owns a node, by the policy; script: what the script says. */
static void set_owner(struct pmk_mount *m, struct pmk_node node, struct pmk_place place,
		      const struct pmk_proc_stat *script, struct stat *ret)
{
	bool root = !node.pid && m->opt.owner != PMK_OWNER_MOUNTER;
	struct stat st;
	char path[64];

	ret->st_uid = root || m->opt.owner == PMK_OWNER_SCRIPT ? script->uid : m->uid;
	ret->st_gid = root || m->opt.owner == PMK_OWNER_SCRIPT ? script->gid : m->gid;
	if (!node.pid || !place.real)
		return;
	/* Not the same: files of a process that is not dumpable are root's, its directory is not. */
	real_path(node, node.entry == PMK_ENTRY_DIR ? "" : "maps", path, sizeof(path));
	if (fstatat(m->proc_fd, path, &st, 0) == 0) {
		ret->st_uid = st.st_uid;
		ret->st_gid = st.st_gid;
	}
}

uint32_t pmk_node_user(struct pmk_mount *m, struct pmk_node node, uint32_t caller)
{
	struct pmk_proc_stat script = { 0 };
	struct pmk_place place;
	struct stat shown;

	if (!pmk_place_find(m, node.pid, &place) ||
	    machine_stat(m, pmk_node_file(node), place.pid, &script))
		return caller;
	set_owner(m, node, place, &script, &shown);
	if (shown.st_uid == script.uid)
		return caller;
	/* The kernel has compared the caller with the owner we show; the machine must find the same. */
	if (caller == shown.st_uid)
		return script.uid;
	return caller == script.uid ? UINT32_MAX - 1 : caller;
}

static mode_t node_type(struct pmk_node node)
{
	switch (node.entry) {
	case PMK_ENTRY_DIR:
	case PMK_ENTRY_TASK:
	case PMK_ENTRY_HIDDEN:
		return S_IFDIR | 0555;
	case PMK_ENTRY_SYSFS:
	case PMK_ENTRY_SYSFS_KERNEL:
	case PMK_ENTRY_SYSFS_MM:
	case PMK_ENTRY_PAGE_IDLE:
		return S_IFDIR | 0755;
	case PMK_ENTRY_MAP_FILES:
		return S_IFDIR | 0500;
	case PMK_ENTRY_MAP_FILE:
		return S_IFLNK | 0500;
	case PMK_ENTRY_NULL:
		return S_IFREG | 0444;
	default:
		return pmk_node_is_file(node) ? S_IFREG : S_IFLNK | 0777;
	}
}

/* What the machine says of a node; a directory's owner is that of what everybody may read in it. */
static int node_script(struct pmk_mount *m, struct pmk_node node, struct pmk_place place,
		       struct pmk_proc_stat *ret)
{
	*ret = (struct pmk_proc_stat){ 0 };
	if (pmk_node_is_file(node))
		return -machine_stat(m, pmk_node_file(node), place.pid, ret);
	if (node.pid && !place.real)
		machine_stat(m, PMK_FILE_MAPS, place.pid, ret);
	ret->mode = 0;
	return 0;
}

int pmk_node_stat(struct pmk_mount *m, struct pmk_node node, struct stat *ret)
{
	struct pmk_proc_stat script;
	struct pmk_place place;
	struct timespec now;

	if (!pmk_place_find(m, node.pid, &place))
		return ENOENT;
	int error = node_script(m, node, place, &script);
	if (error)
		return error;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	*ret = (struct stat){
		.st_ino = pmk_node_ino(node),
		.st_mode = node_type(node) | script.mode,
		.st_nlink = S_ISDIR(node_type(node)) ? 2 : 1,
		/* PM-STAT, IDLE-EXIST */
		.st_blksize = node.entry == PMK_ENTRY_FILE + PMK_FILE_PAGE_IDLE ? 4096 : 1024,
		.st_atim = now,
		.st_mtim = now,
		.st_ctim = now,
	};
	set_owner(m, node, place, &script, ret);
	return 0;
}

/* Whether the kernel shall believe in KERNEL_SIZE.  Not of clear_refs: noop_llseek, so SEEK_END is 0; nor of sysfs, where
 * it is the size. */
static bool takes_size_trick(struct pmk_node node, const struct stat *st)
{
	return S_ISREG(st->st_mode) && node.entry != PMK_ENTRY_FILE + PMK_FILE_CLEAR_REFS &&
	       node.entry != PMK_ENTRY_FILE + PMK_FILE_PAGE_IDLE;
}

static double node_timeout(struct pmk_node node)
{
	switch (node.entry) {
	case PMK_ENTRY_HIDDEN: /* has a mount on it */
	case PMK_ENTRY_SELF:
	case PMK_ENTRY_THREAD_SELF:
		return FOREVER;
	default:
		return node.entry >= PMK_ENTRY_NAME ? MOMENT : 0;
	}
}

/* A proc with hidepid= lets nobody into the directory of a process that he may not trace; 0 or an errno. */
static int hidden(struct pmk_mount *m, struct pmk_node node, const struct fuse_ctx *ctx)
{
	struct pmk_node file = { node.pid, 0, PMK_ENTRY_FILE + PMK_FILE_MAPS };
	struct pmk_place place;
	bool self;

	pthread_mutex_lock(m->lock);
	bool any = (*m->machine)->procopt;
	pthread_mutex_unlock(m->lock);
	if (!any || !node.pid || !pmk_place_find(m, node.pid, &place))
		return 0;
	const struct pmk_cred cred = pmk_caller_cred(m, file, place, ctx, &self);
	pthread_mutex_lock(m->lock);
	int rc = pmk_proc_hidden(*m->machine, place.pid, &cred, self);
	pthread_mutex_unlock(m->lock);
	return -rc;
}

void pmk_fuse_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct pmk_mount *m = pmk_mount_of(req);
	struct pmk_node node = find(m, pmk_node_of(parent), name);
	struct fuse_entry_param entry = { .ino = pmk_node_ino(node) };
	int error = node.entry ? pmk_node_stat(m, node, &entry.attr) : node.tid ? node.tid : ENOENT;

	if (!error)
		error = hidden(m, node, fuse_req_ctx(req));
	if (error) {
		fuse_reply_err(req, error);
		return;
	}
	entry.attr_timeout = entry.entry_timeout = node_timeout(node);
	if (takes_size_trick(node, &entry.attr))
		entry.attr.st_size = pmk_caller_is_32bit(m->proc_fd, fuse_req_ctx(req)->pid)
					     ? KERNEL_SIZE_32
					     : KERNEL_SIZE;
	fuse_reply_entry(req, &entry);
}

void pmk_fuse_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct pmk_mount *m = pmk_mount_of(req);
	struct pmk_node node = pmk_node_of(ino);
	struct stat st;
	int error = pmk_node_stat(m, node, &st);

	if (!error && takes_size_trick(node, &st)) {
		/*
		 * Only lseek(SEEK_END) asks with a file handle; mem_lseek() refuses that (PM-LSEEK).
		 * The notice makes our own answer too old to change the inode, so that its size stays
		 * KERNEL_SIZE, while stat shows the 0 (fuse_change_attributes(), attr_version).
		 */
		if (fi)
			error = EINVAL;
		else
			fuse_lowlevel_notify_inval_inode(m->session, ino, -1, 0);
	}
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_attr(req, &st, node_timeout(node));
}

void pmk_fuse_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		      struct fuse_file_info *fi)
{
	struct pmk_mount *m = pmk_mount_of(req);
	struct pmk_node node = pmk_node_of(ino);
	struct stat st;
	int error = pmk_node_stat(m, node, &st);

	(void)attr;
	(void)fi;
	if (!error && node.pid && (to_set & FUSE_SET_ATTR_MODE))
		error = EPERM; /* proc_setattr(); all else changes nothing that lasts */
	if (error) {
		fuse_reply_err(req, error);
		return;
	}
	if (takes_size_trick(node, &st))
		st.st_size = KERNEL_SIZE;
	fuse_reply_attr(req, &st, 0);
}

/* ---- links ---------------------------------------------------------------------------------- */

static int self_link(struct pmk_mount *m, int tid, bool thread, char *buf, size_t size)
{
	int pid = pmk_caller_process(m->proc_fd, tid);

	if (!m->real_proc) {
		int mocked = pmk_place_of_caller(m, pid);

		pid = tid = mocked ? mocked : m->opt.self == PMK_SELF_CALLER ? pid : 0;
	}
	if (!pid)
		return ENOENT;
	if (thread)
		snprintf(buf, size, "%d/task/%d", pid, tid);
	else
		snprintf(buf, size, "%d", pid);
	return 0;
}

/* A link into the real proc.  exe, cwd and root are magic: what they say is their target's name. */
static int real_link(struct pmk_mount *m, struct pmk_node node, char *buf, size_t size)
{
	const char *name = m->name[node.entry - PMK_ENTRY_NAME];
	const char *up = node.tid ? "../../../" : node.pid ? "../" : "";
	char path[NAME_MAX + 64];

	real_path(node, name, path, sizeof(path));
	if (node.pid && (!strcmp(name, "exe") || !strcmp(name, "cwd") || !strcmp(name, "root"))) {
		ssize_t n = readlinkat(m->proc_fd, path, buf, size - 1);

		if (n < 0)
			return errno;
		buf[n] = '\0';
		return 0;
	}
	snprintf(buf, size, "%s%s/%s", m->real_proc[0] == '/' ? "" : up, m->real_proc, path);
	return 0;
}

void pmk_fuse_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct pmk_mount *m = pmk_mount_of(req);
	struct pmk_node node = pmk_node_of(ino);
	int tid = fuse_req_ctx(req)->pid;
	struct pmk_maps_line line;
	char target[PATH_MAX];
	int error = EINVAL;

	if (node.entry == PMK_ENTRY_MAP_FILE)
		error = map_file_of(m, node, &line, target, sizeof(target)) ? 0 : ENOENT;
	else if (node.entry == PMK_ENTRY_SELF || node.entry == PMK_ENTRY_THREAD_SELF)
		error = self_link(m, tid, node.entry == PMK_ENTRY_THREAD_SELF, target,
				  sizeof(target));
	else if (node.entry >= PMK_ENTRY_NAME)
		error = real_link(m, node, target, sizeof(target));
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_readlink(req, target);
}

/* ---- listing -------------------------------------------------------------------------------- */

/* A directory's nodes as of opendir or the last rewind. */
struct pmk_listing {
	struct pmk_node *node;
	size_t n, size;
	struct pmk_maps_line
		*mapping; /* of map_files: a node each; what names point to may be gone */
	struct pmk_listing **at, *next; /* in mount->listing */
};

static void add(struct pmk_listing *list, struct pmk_node node)
{
	if (!node.entry)
		return;
	if (list->n == list->size) {
		list->size = list->size ? list->size * 2 : 64;
		list->node = pmk_realloc(list->node, list->size, sizeof(*list->node));
	}
	list->node[list->n++] = node;
}

static void add_mocked(struct pmk_mount *m, struct pmk_node dir, struct pmk_place place,
		       struct pmk_listing *list)
{
	for (unsigned e = 0; e < PMK_ENTRY_FILE + PMK_FILE_COUNT; e++)
		if ((e >= PMK_ENTRY_FILE || (own_entry[e].name && e != PMK_ENTRY_SYSFS)) &&
		    entry_is_here(m, dir, place, e))
			add(list, (struct pmk_node){ dir.pid, dir.tid, e });
}

/* The entries of a real directory that are not mocked; numbers are directories. */
static void add_real(struct pmk_mount *m, struct pmk_node dir, struct pmk_place place,
		     struct pmk_listing *list)
{
	char path[64];

	real_path(dir, dir.entry == PMK_ENTRY_TASK ? "task" : ".", path, sizeof(path));
	int fd = openat(m->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(d));) {
		struct pmk_node node = dir;
		int id = parse_pid(e->d_name);

		if (e->d_name[0] == '.' || !shows_through(m, dir, e->d_name))
			continue;
		if (id && dir.entry == PMK_ENTRY_TASK)
			node = (struct pmk_node){ dir.pid, id, PMK_ENTRY_DIR };
		else if (id && !dir.pid)
			node = (struct pmk_node){ id, 0, PMK_ENTRY_DIR };
		else if (find_mocked(m, dir, place, e->d_name))
			continue;
		else
			node.entry = intern(m, e->d_name);
		add(list, node);
	}
	closedir(d);
}

/* All mappings of files, whose bounds are the names. */
static void add_map_files(struct pmk_mount *m, struct pmk_node dir, struct pmk_place place,
			  struct pmk_listing *list)
{
	struct pmk_task *task;
	struct pmk_cursor c;
	int n = 0;

	pthread_mutex_lock(m->lock);
	task = pmk_task_find(*m->machine, place.pid);
	for (const struct pmk_run *run = task && task->mm ? pmk_runs_seek(&task->mm->vma, 0, &c)
							  : NULL;
	     run && n < PMK_NODE_PID_MAX; run = pmk_runs_next(&c), n++) {
		if (!pmk_map_file_is(*m->machine, run))
			continue;
		add(list, (struct pmk_node){ dir.pid, n + 1, PMK_ENTRY_MAP_FILE });
		list->mapping = pmk_realloc(list->mapping, list->size, sizeof(*list->mapping));
		pmk_show_vma(*m->machine, run, &list->mapping[list->n - 1]);
	}
	pthread_mutex_unlock(m->lock);
}

static int by_pid(const void *a, const void *b)
{
	const struct pmk_node *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Adds the scripted processes to the real ones, in ascending order as the kernel lists them. */
static void add_scripted(struct pmk_mount *m, struct pmk_listing *list)
{
	size_t n = 0;

	pthread_mutex_lock(m->lock);
	for (int pid = 0; (pid = pmk_proc_next_pid(*m->machine, pid)) && pid <= PMK_NODE_PID_MAX;)
		add(list, (struct pmk_node){ pid, 0, PMK_ENTRY_DIR });
	pthread_mutex_unlock(m->lock);
	qsort(list->node, list->n, sizeof(*list->node), by_pid);
	for (size_t i = 0; i < list->n; i++)
		if (!i || !list->node[i].pid || list->node[i].pid != list->node[i - 1].pid)
			list->node[n++] = list->node[i];
	list->n = n;
}

static void fill(struct pmk_mount *m, struct pmk_node dir, struct pmk_listing *list)
{
	struct pmk_place place;

	list->n = 0;
	if (!pmk_place_find(m, dir.pid, &place))
		return;
	if (dir.entry == PMK_ENTRY_DIR || is_sysfs(dir))
		add_mocked(m, dir, place, list);
	if (is_sysfs(dir))
		return;
	if (dir.entry == PMK_ENTRY_MAP_FILES)
		add_map_files(m, dir, place, list);
	else if (place.real)
		add_real(m, dir, place, list);
	else if (dir.entry == PMK_ENTRY_TASK)
		add(list, (struct pmk_node){ dir.pid, dir.pid, PMK_ENTRY_DIR });
	if (!dir.pid)
		add_scripted(m, list);
}

static void listing_free(struct pmk_listing *list)
{
	*list->at = list->next;
	if (list->next)
		list->next->at = list->at;
	free(list->node);
	free(list->mapping);
	free(list);
}

void pmk_tree_deinit(struct pmk_mount *m)
{
	while (m->listing)
		listing_free(m->listing);
	for (unsigned i = 0; i < m->nnames; i++)
		free(m->name[i]);
}

void pmk_fuse_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct pmk_mount *m = pmk_mount_of(req);
	struct pmk_listing *list = pmk_calloc(1, sizeof(*list));

	(void)ino;
	list->next = m->listing;
	list->at = &m->listing;
	if (list->next)
		list->next->at = &list->next;
	m->listing = list;
	fi->fh = (uintptr_t)list;
	if (fuse_reply_open(req, fi))
		listing_free(list);
}

static const char *listed_name(struct pmk_mount *m, const struct pmk_listing *list, size_t i,
			       char buf[40])
{
	if (list->node[i].entry != PMK_ENTRY_MAP_FILE)
		return node_name(m, list->node[i], buf);
	snprintf(buf, 40, "%llx-%llx", (unsigned long long)list->mapping[i].start,
		 (unsigned long long)list->mapping[i].end);
	return buf;
}

/* Positions are: 0 and 1 for "." and "..", then the list. */
void pmk_fuse_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	struct pmk_mount *m = pmk_mount_of(req);
	struct pmk_listing *list = (struct pmk_listing *)(uintptr_t)fi->fh;
	char name[40];
	size_t used = 0;

	if (off == 0)
		fill(m, pmk_node_of(ino), list);
	if (size > m->max_read)
		size = m->max_read;
	for (size_t i = (size_t)off; i < list->n + 2; i++) {
		struct pmk_node node = i < 2 ? pmk_node_of(ino) : list->node[i - 2];
		const char *s = i == 0 ? "." : i == 1 ? ".." : listed_name(m, list, i - 2, name);
		struct stat attr = { .st_ino = pmk_node_ino(node), .st_mode = node_type(node) };
		size_t n =
			fuse_add_direntry(req, m->buf + used, size - used, s, &attr, (off_t)i + 1);
		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, m->buf, used);
}

void pmk_fuse_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct pmk_listing *list = (struct pmk_listing *)(uintptr_t)fi->fh;

	(void)ino;
	listing_free(list);
	fuse_reply_err(req, 0);
}
