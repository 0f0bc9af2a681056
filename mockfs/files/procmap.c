/* procmap.c - PROCMAP_QUERY: one mapping by address, after do_procmap_query() in fs/proc/task_mmu.c. */
#include "procmap.h"

#include <errno.h>
#include <string.h>

#define MIN_SIZE offsetof(struct pmk_procmap_query, vma_start)
#define PERMS \
	(PMK_PROCMAP_READABLE | PMK_PROCMAP_WRITABLE | PMK_PROCMAP_EXECUTABLE | PMK_PROCMAP_SHARED)
#define FLAGS (PERMS | PMK_PROCMAP_COVERING_OR_NEXT | PMK_PROCMAP_FILE_BACKED)

int pmk_procmap_check(const struct pmk_machine *m, const void *arg, size_t len,
		      struct pmk_procmap_answer *ret)
{
	struct pmk_procmap_query *q = &ret->q;
	const unsigned char *bytes = arg;
	uint64_t size;

	if (len < sizeof(size))
		return -EFAULT;
	memcpy(&size, arg, sizeof(size));
	if (size > pmk_profile_page_size(&m->profile))
		return -E2BIG;
	if (size < MIN_SIZE)
		return -EINVAL;
	memset(q, 0, sizeof(*q));
	memcpy(q, arg, len < sizeof(*q) ? len : sizeof(*q));
	if (size < sizeof(*q))
		memset((char *)q + size, 0, sizeof(*q) - (size_t)size);
	for (size_t i = sizeof(*q); i < len && i < size; i++)
		if (bytes[i])
			return -E2BIG;
	ret->size = size < sizeof(*q) ? (size_t)size : sizeof(*q);
	ret->name_len = ret->id_len = 0;
	if (q->query_flags & ~(uint64_t)FLAGS)
		return -EINVAL;
	if (!q->vma_name_size != !q->vma_name_addr || !q->build_id_size != !q->build_id_addr)
		return -EINVAL;
	return 0;
}

/* Whether vm_file is set: everything that has an inode to show. */
static bool has_file(const struct pmk_machine *m, const struct pmk_vma *vma)
{
	const struct pmk_object *o = vma->object < 0 ? NULL : &m->object[vma->object];

	return o && (o->kind != PMK_OBJECT_SPECIAL || o->inode);
}

/* query_matching_vma() (PQ-FLAGS). */
static const struct pmk_run *find(const struct pmk_machine *m, const struct pmk_mm *mm,
				  uint64_t addr, uint64_t flags, struct pmk_cursor *c)
{
	uint64_t page = addr >> m->profile.arch->page_shift;
	const struct pmk_run *run = pmk_runs_seek(&mm->vma, page, c);

	for (; run; run = pmk_runs_next(c)) {
		const struct pmk_vma *vma = &m->vma[run->v.tag & ~PMK_RUN_LINEAR];
		struct pmk_maps_line line;
		bool next = flags & PMK_PROCMAP_COVERING_OR_NEXT;

		pmk_show_vma(m, run, &line); /* its perms are the same bits */
		if ((!(flags & PMK_PROCMAP_FILE_BACKED) || has_file(m, vma)) &&
		    !(flags & PERMS & ~(uint64_t)line.perms) && (next || run->start <= page))
			return run;
		if (!next)
			break;
	}
	return NULL;
}

/* PQ-BUILDID: of files that have one. */
static int put_build_id(const struct pmk_machine *m, const struct pmk_vma *vma,
			struct pmk_procmap_answer *ret)
{
	bool elf = vma->object >= 0 && m->object[vma->object].elf;

	if (!ret->q.build_id_size)
		return 0;
	ret->id_len = elf ? sizeof(ret->id) : 0;
	for (size_t i = 0; i < ret->id_len; i++)
		ret->id[i] = (unsigned char)(i + 1);
	if (ret->id_len > ret->q.build_id_size)
		return -ENAMETOOLONG;
	ret->q.build_id_size = (uint32_t)ret->id_len;
	return 0;
}

int pmk_procmap_query(const struct pmk_machine *m, const struct pmk_mm *mm,
		      struct pmk_procmap_answer *ret)
{
	struct pmk_procmap_query *q = &ret->q;
	struct pmk_maps_line line;
	struct pmk_cursor c;
	const struct pmk_run *run = find(m, mm, q->query_addr, q->query_flags, &c);
	size_t room = q->vma_name_size < PMK_NAME_MAX ? q->vma_name_size : PMK_NAME_MAX;

	if (!run)
		return -ENOENT;
	pmk_show_vma(m, run, &line);
	q->vma_start = line.start;
	q->vma_end = line.end;
	q->vma_flags = line.perms;
	q->vma_page_size = pmk_profile_page_size(&m->profile);
	q->vma_offset = line.offset;
	q->inode = line.inode;
	q->dev_major = line.major;
	q->dev_minor = line.minor;
	if (put_build_id(m, &m->vma[run->v.tag & ~PMK_RUN_LINEAR], ret))
		return -ENAMETOOLONG;
	if (!room)
		return 0;
	ret->name_len = line.name_len ? line.name_len + 1 : 0;
	if (ret->name_len > room)
		return -ENAMETOOLONG; /* PQ-NAME */
	memcpy(ret->name, line.name_len ? line.name : "", line.name_len + 1);
	q->vma_name_size = (uint32_t)ret->name_len;
	return 0;
}
