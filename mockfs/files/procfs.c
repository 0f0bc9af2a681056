/* procfs.c - the files of the model: who may open them, and what each operation answers. */
#include "procfs.h"

#include <errno.h>
#include <fcntl.h>

#include "alloc.h"
#include "pagemapkit.h"
#include "procmap.h"

const struct pmk_proc_file pmk_proc_file[PMK_FILE_COUNT] = {
	[PMK_FILE_PAGEMAP] = { .name = "pagemap", .mode = 0400, .per_pid = true },
	[PMK_FILE_MAPS] = { "maps", 0444, true, PMK_OF_MAPS, pmk_text_maps, false, NULL },
	[PMK_FILE_CLEAR_REFS] = { .name = "clear_refs", .mode = 0200, .per_pid = true },
	[PMK_FILE_KPAGECOUNT] = { .name = "kpagecount", .mode = 0400 },
	[PMK_FILE_KPAGEFLAGS] = { .name = "kpageflags", .mode = 0400 },
	[PMK_FILE_KPAGECGROUP] = { .name = "kpagecgroup", .mode = 0400 },
	[PMK_FILE_SMAPS] = { "smaps", 0444, true, PMK_OF_MAPS, pmk_text_smaps, false, NULL },
	[PMK_FILE_STATUS] = { "status", 0444, true, PMK_OF_PROCESS, pmk_text_status, true, NULL },
	[PMK_FILE_STAT] = { "stat", 0444, true, PMK_OF_PROCESS, pmk_text_stat, true, NULL },
	[PMK_FILE_COMM] = { "comm", 0644, true, PMK_OF_PROCESS, pmk_text_comm, true, NULL },
	[PMK_FILE_SWAPS] = { "swaps", 0444, false, PMK_OF_SCRIPT, pmk_text_swaps, true, NULL },
	[PMK_FILE_PAGE_IDLE] = { .name = "bitmap", .mode = 0600, .sysfs = "kernel/mm/page_idle" },
};

#define MAPS_BUFFER 4096 /* seq_file's: one page, grown only for a longer line */

struct pmk_handle {
	struct pmk_machine *m;
	enum pmk_file file;
	struct pmk_task *task; /* NULL: a kpage file */
	struct pmk_mm *mm; /* PM-MM-PIN; NULL: there was none */
	bool privileged;
	/* maps: the lines made but not yet read, and what comes after them (seq_file) */
	char *text;
	size_t text_off, text_len;
	uint64_t text_pos, text_next;
};

/* ---- faults ------------------------------------------------------------------------------------- */

/* The failure that the script wants for this call now; 0: none. */
static unsigned fault_now(struct pmk_machine *m, enum pmk_file file, const struct pmk_task *task,
			  enum pmk_fileop op, uint64_t *ret_bytes)
{
	for (size_t i = 0; i < m->nfaults; i++) {
		struct pmk_fault *f = &m->fault[i];
		unsigned failure = f->failure;

		if (!failure || f->file != file || f->op != op || (task && f->pid != task->pid))
			continue;
		if (f->after) {
			f->after--;
			continue;
		}
		*ret_bytes = f->bytes;
		f->failure = 0; /* once */
		if (failure != PMK_FAILURE_EXIT)
			return failure;
		task = pmk_task_find(m, f->pid);
		if (task && task->state == PMK_TASK_RUNNING)
			pmk_task_exit(m, (struct pmk_task *)(uintptr_t)task);
	}
	return 0;
}

/* ---- existence, attributes, access -------------------------------------------------------------- */

static unsigned mode_of(const struct pmk_machine *m, enum pmk_file file)
{
	if (file == PMK_FILE_PAGEMAP && pmk_profile_has(&m->profile, PMK_Q_MODE_0444))
		return 0444;
	return pmk_proc_file[file].mode;
}

int pmk_proc_stat(const struct pmk_machine *m, enum pmk_file file, int pid,
		  struct pmk_proc_stat *ret)
{
	const struct pmk_task *task = NULL;

	if (file == PMK_FILE_KPAGECGROUP && !pmk_profile_has(&m->profile, PMK_Q_KPAGECGROUP))
		return -ENOENT;
	if (file == PMK_FILE_PAGE_IDLE && !pmk_profile_has(&m->profile, PMK_Q_PAGE_IDLE))
		return -ENOENT;
	if (pmk_proc_file[file].per_pid) {
		task = pmk_task_find(m, pid);
		if (!task)
			return -ENOENT;
	}
	ret->mode = mode_of(m, file);
	ret->beside = task && task->beside;
	/* PM-OWNER: task_dump_owner(), which knew a zombie for root's until its dumpability outlived its mm */
	ret->uid = ret->gid = 0;
	if (task && (task->dumpable || pmk_mutant(m, OWNER_ALWAYS)) &&
	    (task->mm || !pmk_profile_has(&m->profile, PMK_Q_ZOMBIE_ROOT)))
		ret->uid = ret->gid = task->cred.uid;
	return 0;
}

/* The mode bits, as inode_permission() reads them, and the capabilities that go past them. */
static int check_mode(const struct pmk_machine *m, const struct pmk_proc_stat *st,
		      const struct pmk_cred *opener, int flags)
{
	unsigned bits = opener->uid == st->uid ? st->mode >> 6 : st->mode;
	int access = flags & O_ACCMODE;
	bool read = access != O_WRONLY, write = access != O_RDONLY || flags & O_TRUNC;

	if (((!read || bits & 4) && (!write || bits & 2)) || pmk_mutant(m, MODE_IGNORED))
		return 0;
	if (opener->caps & PMK_CAP_DAC_OVERRIDE)
		return 0;
	if (!write && opener->caps & PMK_CAP_DAC_READ_SEARCH)
		return 0;
	return -EACCES;
}

/* mm_access(PTRACE_MODE_READ): PM-OPEN-ACCESS.  caps_saved: what the task may make effective. */
static int check_ptrace(const struct pmk_machine *m, const struct pmk_task *task,
			const struct pmk_cred *opener)
{
	if (opener->caps & PMK_CAP_SYS_PTRACE || pmk_mutant(m, PTRACE_IGNORED))
		return 0;
	if (opener->caps & (PMK_CAP_PERFMON | PMK_CAP_SYS_ADMIN) &&
	    pmk_profile_has(&m->profile, PMK_Q_PERFMON))
		return 0; /* PM-OPEN-PERFMON: perfmon_capable() */
	if (opener->uid != task->cred.uid || !task->dumpable)
		return -EACCES;
	return task->caps_saved & ~opener->caps ? -EACCES : 0; /* cap_ptrace_access_check() */
}

static int check_pagemap(const struct pmk_machine *m, const struct pmk_task *task,
			 const struct pmk_cred *opener)
{
	if (pmk_profile_has(&m->profile, PMK_Q_OPEN_SYS_ADMIN) &&
	    !(opener->caps & PMK_CAP_SYS_ADMIN))
		return -EPERM; /* PM-OPEN-40 */
	if (!task->mm && pmk_profile_has(&m->profile, PMK_Q_NOMM_ESRCH))
		return -ESRCH; /* PM-OPEN-NOMM */
	return 0;
}

/* A text about an address space: it takes the rights that pagemap takes. */
static bool of_memory(enum pmk_file file)
{
	return pmk_proc_file[file].show && !pmk_proc_file[file].of_task;
}

/* proc_pid_permission(), proc_pid_lookup() */
int pmk_proc_hidden(const struct pmk_machine *m, int pid, const struct pmk_cred *opener, bool self)
{
	const struct pmk_task *task = pmk_task_find(m, pid);

	if (!m->procopt || m->procopt == PMK_PROC_SUBSET || self || !task ||
	    !check_ptrace(m, task, opener))
		return 0;
	return m->procopt == PMK_PROC_NOACCESS ? -EPERM : -ENOENT;
}

/* What the mount hides, of subset=pid all that is no process. */
static int check_mount(const struct pmk_machine *m, enum pmk_file file, int pid,
		       const struct pmk_cred *opener, bool self)
{
	if (pmk_proc_file[file].per_pid)
		return pmk_proc_hidden(m, pid, opener, self);
	return m->procopt == PMK_PROC_SUBSET && !pmk_proc_file[file].sysfs ? -ENOENT : 0;
}

int pmk_handle_open(struct pmk_machine *m, enum pmk_file file, int pid, int flags,
		    const struct pmk_cred *opener, bool self, struct pmk_handle **ret)
{
	struct pmk_task *task = pmk_proc_file[file].per_pid ? pmk_task_find(m, pid) : NULL;
	struct pmk_proc_stat st;
	struct pmk_handle *h;
	uint64_t bytes;
	unsigned failure;
	int err = pmk_proc_stat(m, file, pid, &st);

	if (err)
		return err;
	err = check_mount(m, file, pid, opener, self);
	if (err)
		return err;
	failure = fault_now(m, file, task, PMK_FILEOP_OPEN, &bytes);
	if (failure)
		return failure < PMK_FAILURE_SHORT ? -(int)failure : -EIO;
	err = check_mode(m, &st, opener, flags);
	if (!err && (file == PMK_FILE_PAGEMAP || of_memory(file)) && task && task->mm && !self)
		err = check_ptrace(m, task, opener);
	if (!err && file == PMK_FILE_PAGEMAP)
		err = check_pagemap(m, task, opener);
	if (!err && flags & O_DIRECT)
		err = -EINVAL; /* PM-OPEN-FLAGS */
	if (err)
		return err;
	h = pmk_calloc(1, sizeof(*h));
	h->m = m;
	h->file = file;
	h->task = task;
	h->privileged = opener->caps & PMK_CAP_SYS_ADMIN || /* PM-CRED-OPENER */
			pmk_mutant(m, FRAMES_FOR_ALL);
	if (task && task->mm && file != PMK_FILE_CLEAR_REFS) {
		h->mm = task->mm;
		pmk_mm_get(h->mm);
	}
	*ret = h;
	return 0;
}

void pmk_handle_close(struct pmk_handle *h)
{
	if (!h)
		return;
	if (h->mm)
		pmk_mm_put(h->mm);
	free(h->text);
	free(h);
}

int pmk_handle_stat(const struct pmk_handle *h, struct pmk_proc_stat *ret)
{
	return pmk_proc_stat(h->m, h->file, h->task ? h->task->pid : 0, ret);
}

enum pmk_file pmk_handle_file(const struct pmk_handle *h)
{
	return h->file;
}

/* ---- read --------------------------------------------------------------------------------------- */

/* How many of n pages from `page` on are mapped without a gap. */
static uint64_t mapped_from(const struct pmk_handle *h, uint64_t page, uint64_t n)
{
	uint64_t at = page;
	const struct pmk_run *run;

	while (at < page + n && (run = pmk_runs_find(&h->mm->vma, at)))
		at = run->end;
	return at < page + n ? at - page : n;
}

/* The address space of a handle: that of its opening (PM-MM-PIN). */
static struct pmk_mm *mm_of(const struct pmk_handle *h)
{
	return pmk_mutant(h->m, PIN_FOLLOWS) ? h->task->mm : h->mm;
}

/* Rules 6 to 11 of PM-READ-ORDER. */
static int64_t read_pagemap(struct pmk_handle *h, uint64_t pos, size_t count, uint64_t *out)
{
	const struct pmk_profile *p = &h->m->profile;
	uint64_t page = pos / 8, end = p->task_size >> p->arch->page_shift, n = count / 8;
	struct pmk_mm *mm = mm_of(h);

	if ((pos % 8 || count % 8) && pmk_mutant(h->m, ALIGN_FIRST))
		return -EINVAL;
	if (!mm || !mm->users)
		return 0; /* PM-READ-DEADMM */
	if (pos % 8 || count % 8)
		return -EINVAL;
	if (page > (p->arch->long_bits == 32 ? UINT32_MAX : UINT64_MAX) >> p->arch->page_shift)
		return 0;
	if (pmk_profile_has(p, PMK_Q_UNTAG))
		page &= (1ull << (56 - p->arch->page_shift)) - 1; /* A-TAG */
	if (page >= end)
		return 0;
	if (n > end - page)
		n = pmk_mutant(h->m, END_WHOLE) ? 0 : end - page; /* PM-READ-STRADDLE */
	if (pmk_mutant(h->m, READ_POPULATES))
		pmk_mm_touch(h->m, mm, page, n, true);
	if (pmk_mutant(h->m, HOLE_STOPS))
		n = mapped_from(h, page, n);
	if (out)
		pmk_show_pagemap(h->m, mm, page, n, h->privileged, out);
	return (int64_t)(n * 8);
}

/* KP-READ-ORDER. */
static int64_t read_kpage(struct pmk_handle *h, uint64_t pos, size_t count, uint64_t *out)
{
	uint64_t pfn = pos / 8, n = count / 8, limit = pmk_machine_kpage_limit(h->m);

	if (pos % 8 || count % 8)
		return -EINVAL;
	if (pfn >= limit)
		return 0;
	if (n > limit - pfn)
		n = limit - pfn;
	if (out)
		pmk_show_kpage(h->m, h->file, pfn + pmk_mutant(h->m, KPAGE_SHIFTED), n, out);
	return (int64_t)(n * 8);
}

/*
 * How much one call on page_idle/bitmap does: kernfs cuts it to a page, page_idle_bitmap_read() to the end of memory.
 * *ret_pfn: where it begins; a position of 2^61 comes round to 0.  Frames, or -errno.
 */
static int64_t idle_frames(const struct pmk_handle *h, uint64_t pos, size_t count,
			   uint64_t *ret_pfn)
{
	const struct pmk_profile *p = &h->m->profile;
	uint64_t pfn = pos * 8, page = pmk_profile_page_size(p);

	if (count > page)
		count = (size_t)page; /* IDLE-PAGE */
	if (pos % 8 || count % 8)
		return -EINVAL;
	if (p->arch->long_bits == 32)
		pfn = (uint32_t)pfn;
	*ret_pfn = pfn;
	if (pfn >= h->m->max_pfn)
		return 0; /* IDLE-MAX */
	return (int64_t)(count * 8 < h->m->max_pfn - pfn ? count * 8 : h->m->max_pfn - pfn);
}

/* IDLE-ORDER, IDLE-LASTWORD: a last word that is not full does not count. */
static int64_t read_idle(struct pmk_handle *h, uint64_t pos, size_t count, uint64_t *out)
{
	uint64_t pfn, last, *bits;
	int64_t n = count ? idle_frames(h, pos, count, &pfn) : 0;

	if (n <= 0)
		return n;
	bits = pmk_calloc((size_t)n / 64 + 1, sizeof(*bits));
	pmk_machine_look_idle(h->m, pfn, (uint64_t)n, bits);
	last = (uint64_t)n / 64 * 8;
	if (out && last)
		memcpy(out, bits, (size_t)last);
	free(bits);
	return (int64_t)last;
}

static int64_t write_idle(struct pmk_handle *h, uint64_t pos, size_t count, const void *in)
{
	uint64_t pfn, *bits;
	int64_t n = count ? idle_frames(h, pos, count, &pfn) : 0;

	if (n < 0 || !count)
		return n;
	if (!n)
		return -ENXIO;
	bits = pmk_calloc((size_t)n / 64 + 1, sizeof(*bits));
	memcpy(bits, in, ((size_t)n + 63) / 64 * 8);
	pmk_machine_mark_idle(h->m, pfn, (uint64_t)n, bits);
	free(bits);
	return n / 64 * 8;
}

/* More lines behind text_off; false: there are none. */
static bool text_refill(struct pmk_handle *h)
{
	if (!h->text)
		h->text = pmk_alloc(MAPS_BUFFER);
	if (h->text_off < h->text_len)
		return true;
	h->text_off = 0;
	h->text_len = h->text_next == UINT64_MAX
			      ? 0
			      : pmk_proc_file[h->file].show(h->m, h->task, h->mm, &h->text_next,
							    h->text, MAPS_BUFFER);
	return h->text_len > 0;
}

/* Whole lines up to a page; part of one if the reader asks for less (MAPS-READ). */
static int64_t read_text(struct pmk_handle *h, uint64_t pos, size_t count, char *out)
{
	if (!count)
		return 0; /* seq_read() asks for nothing then */
	if (h->task && h->task->state == PMK_TASK_GONE)
		return -ESRCH; /* MAPS-DEAD */
	if (of_memory(h->file) && (!h->mm || !h->mm->users))
		return 0;
	if (pos != h->text_pos) { /* seq_file starts over and skips */
		h->text_off = h->text_len = 0;
		h->text_pos = h->text_next = 0;
		while (h->text_pos < pos) {
			uint64_t skip;

			if (!text_refill(h))
				return 0;
			skip = h->text_len - h->text_off;
			if (skip > pos - h->text_pos)
				skip = pos - h->text_pos;
			h->text_off += skip;
			h->text_pos += skip;
		}
	}
	if (!text_refill(h))
		return 0;
	if (count > h->text_len - h->text_off)
		count = h->text_len - h->text_off;
	if (out)
		memcpy(out, h->text + h->text_off, count);
	h->text_off += count;
	h->text_pos += count;
	return (int64_t)count;
}

int64_t pmk_handle_read(struct pmk_handle *h, uint64_t pos, size_t count, void *buf)
{
	uint64_t bytes;
	unsigned failure = fault_now(h->m, h->file, h->task, PMK_FILEOP_READ, &bytes);

	if (failure && failure < PMK_FAILURE_SHORT)
		return -(int64_t)failure;
	if (failure == PMK_FAILURE_SHORT && bytes < count)
		count = bytes;
	if (h->file == PMK_FILE_PAGE_IDLE)
		return read_idle(h, pos, count, buf);
	if (pmk_profile_has(&h->m->profile, PMK_Q_POS_32BIT) && !pmk_proc_file[h->file].show)
		pos &= UINT32_MAX; /* A-32BIT-POS */
	if (pmk_proc_file[h->file].show)
		return read_text(h, pos, count, buf);
	switch (h->file) {
	case PMK_FILE_PAGEMAP:
		return read_pagemap(h, pos, count, buf);
	case PMK_FILE_CLEAR_REFS:
		return -EINVAL;
	default:
		return read_kpage(h, pos, count, buf);
	}
}

/* ---- write, lseek, ioctl ------------------------------------------------------------------------ */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* kstrtoint() of the stripped text: CR-PARSE. */
static int parse_int(const char *text, size_t len, int *ret)
{
	bool minus = false;
	int64_t n = 0;

	while (len && is_space(*text))
		text++, len--;
	while (len && is_space(text[len - 1]))
		len--;
	if (len && (*text == '+' || *text == '-')) {
		minus = *text == '-';
		text++, len--;
	}
	if (!len)
		return -EINVAL;
	for (; len; text++, len--) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (*text - '0'); /* 12 digits at most: no overflow */
	}
	n = minus ? -n : n;
	if (n != (int)n)
		return -ERANGE;
	*ret = (int)n;
	return 0;
}

static int64_t write_clear_refs(struct pmk_handle *h, size_t count, const char *text)
{
	int what, err;

	if (count > 12)
		count = 12; /* CR-RET: and that is the result */
	err = parse_int(text, strnlen(text, count), &what);
	if (err)
		return err;
	if (what < 1 || what > 5)
		return -EINVAL; /* CR-RANGE */
	if (h->task->state == PMK_TASK_GONE && !pmk_mutant(h->m, CLEARS_GONE))
		return -ESRCH;
	if (h->task->mm)
		pmk_mm_clear_refs(h->m, h->task->mm, (unsigned)what);
	return (int64_t)count;
}

int64_t pmk_handle_write(struct pmk_handle *h, uint64_t pos, size_t count, const void *buf)
{
	uint64_t bytes;
	unsigned failure = fault_now(h->m, h->file, h->task, PMK_FILEOP_WRITE, &bytes);

	if (failure && failure < PMK_FAILURE_SHORT)
		return -(int64_t)failure;
	if (h->file == PMK_FILE_PAGE_IDLE)
		return write_idle(h, pos, count, buf);
	if (h->file == PMK_FILE_CLEAR_REFS)
		return write_clear_refs(h, count, buf);
	return pmk_file_is_kpage(h->file) ? -EIO : -EINVAL; /* PM-OPEN-WRITE */
}

int pmk_handle_lseek(struct pmk_handle *h, int64_t *pos, int64_t offset, int whence)
{
	uint64_t bytes;
	unsigned failure = fault_now(h->m, h->file, h->task, PMK_FILEOP_LSEEK, &bytes);
	int64_t to = offset;

	if (failure && failure < PMK_FAILURE_SHORT)
		return -(int)failure;
	if (h->file == PMK_FILE_CLEAR_REFS)
		return 0; /* noop_llseek */
	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return h->file == PMK_FILE_PAGE_IDLE ? -ENXIO : -EINVAL; /* its size is 0 */
	if (whence == SEEK_CUR)
		to = (int64_t)((uint64_t)*pos + (uint64_t)offset); /* wraps: PM-LSEEK */
	else if (whence != SEEK_SET && h->file != PMK_FILE_PAGE_IDLE)
		return -EINVAL;
	if ((pmk_proc_file[h->file].show || h->file == PMK_FILE_PAGE_IDLE) && to < 0)
		return -EINVAL; /* seq_lseek() and generic_file_llseek(), unlike mem_lseek() */
	*pos = to;
	return 0;
}

static int64_t no_command(const struct pmk_handle *h)
{
	if (h->file == PMK_FILE_PAGEMAP && pmk_profile_has(&h->m->profile, PMK_Q_IOCTL_EINVAL))
		return -EINVAL; /* PM-OTHER-OPS */
	return -ENOTTY;
}

/* The errno that a fault asks of an ioctl, or 0. */
static int64_t ioctl_fault(struct pmk_handle *h)
{
	uint64_t bytes;
	unsigned failure = fault_now(h->m, h->file, h->task, PMK_FILEOP_IOCTL, &bytes);

	return failure < PMK_FAILURE_SHORT ? -(int64_t)failure : 0;
}

int64_t pmk_handle_ioctl(struct pmk_handle *h, unsigned cmd)
{
	int64_t err = ioctl_fault(h);

	(void)cmd;
	return err ? err : no_command(h);
}

int64_t pmk_handle_scan(struct pmk_handle *h, struct pmk_scan_arg *arg, pmk_scan_put *put,
			void *ctx)
{
	int64_t err = ioctl_fault(h);
	bool dead = !h->mm || !h->mm->users;

	if (err)
		return err;
	if (h->file != PMK_FILE_PAGEMAP || !pmk_profile_has(&h->m->profile, PMK_Q_SCAN))
		return no_command(h);
	if (!h->privileged && pmk_mutant(h->m, SCAN_ADMIN))
		return -EPERM;
	if (!h->mm || (dead && pmk_profile_has(&h->m->profile, PMK_Q_SCAN_DEAD_ESRCH)))
		return -ESRCH; /* SCAN-DEADMM; without any mm older kernels oops */
	if (!arg)
		return -EFAULT;
	err = pmk_scan_check(h->m, arg);
	return err ? err : pmk_mm_scan(h->m, h->mm, arg, put, ctx);
}

int64_t pmk_handle_procmap_query(struct pmk_handle *h, const void *arg, size_t len,
				 struct pmk_procmap_answer *ret)
{
	int64_t err = ioctl_fault(h);

	if (err)
		return err;
	if (h->file != PMK_FILE_MAPS || !pmk_profile_has(&h->m->profile, PMK_Q_PROCMAP_QUERY))
		return no_command(h);
	err = pmk_procmap_check(h->m, arg, len, ret);
	if (err)
		return err;
	return h->mm && h->mm->users ? pmk_procmap_query(h->m, h->mm, ret) : -ESRCH;
}

/* ---- map_files ---------------------------------------------------------------------------------- */

bool pmk_map_file_is(const struct pmk_machine *m, const struct pmk_run *run)
{
	const struct pmk_vma *vma = &m->vma[run->v.tag & ~PMK_RUN_LINEAR];

	return vma->object >= 0 &&
	       (m->object[vma->object].kind != PMK_OBJECT_SPECIAL || m->object[vma->object].inode);
}

/* proc_map_files_lookup() */
int64_t pmk_map_file_find(const struct pmk_machine *m, int pid, const struct pmk_cred *asker,
			  bool self, uint64_t start, uint64_t end)
{
	const struct pmk_task *task = pmk_task_find(m, pid);
	struct pmk_cursor c;
	int64_t place = 0;

	if (!task)
		return -ENOENT;
	if (!task->mm)
		return pmk_profile_has(&m->profile, PMK_Q_MAP_FILES_ESRCH) ? -ESRCH : -ENOENT;
	if (asker && !self && check_ptrace(m, task, asker))
		return -EACCES;
	for (const struct pmk_run *run = pmk_runs_seek(&task->mm->vma, 0, &c);
	     run && run->start <= start; run = pmk_runs_next(&c), place++)
		if (run->start == start)
			return run->end == end && pmk_map_file_is(m, run) ? place : -ENOENT;
	return -ENOENT;
}

bool pmk_map_file_at(const struct pmk_machine *m, int pid, int64_t place, struct pmk_maps_line *ret)
{
	const struct pmk_task *task = pmk_task_find(m, pid);
	struct pmk_cursor c;
	const struct pmk_run *run = task && task->mm ? pmk_runs_seek(&task->mm->vma, 0, &c) : NULL;

	while (run && place--)
		run = pmk_runs_next(&c);
	if (!run || !pmk_map_file_is(m, run))
		return false;
	pmk_show_vma(m, run, ret);
	return true;
}

int pmk_proc_next_pid(const struct pmk_machine *m, int after)
{
	const struct pmk_run *run = pmk_runs_seek(&m->by_pid, (uint64_t)after + 1, NULL);

	return run ? (int)run->start : 0;
}
