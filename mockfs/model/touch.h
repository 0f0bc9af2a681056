/*
 * touch.h - what the files of page faults share: a stretch of one VMA that is being touched.
 *
 *   fault.c  small pages: anonymous memory, files, swap
 *   huge.c   what a PMD maps: transparent huge pages, the huge zero page, hugetlb
 */
#ifndef PMK_TOUCH_H
#define PMK_TOUCH_H

#include "machine.h"

struct touch {
	struct pmk_machine *m;
	struct pmk_mm *mm;
	struct pmk_run run; /* of the VMA */
	struct pmk_vma vma;
	bool write;
	bool gup; /* by the kernel for somebody: a page that need not fault is only looked up */
	bool poisoned; /* it has met a poison marker */
	bool copies; /* new pages get what frames from `source` on hold */
	uint64_t source;
	/* PMK_PTE_UFFD_WP when a marker is being resolved: the new entry keeps it */
	uint64_t armed;
};

/* ---- fault.c ---- */
/* The tag bits of an entry that has been written to. */
uint64_t pmk_touch_written(const struct touch *t);
/* A store meets the protection of userfaultfd: nobody waits for it in synchronous mode, so the process
 * gets SIGBUS (UFFD_FEATURE_SIGBUS); in asynchronous mode it goes on. */
bool pmk_touch_stopped(const struct touch *t, uint64_t tag);
/* The VMA's first page of its own: it gets an anon_vma, a neighbour's if it can. */
void pmk_touch_anon_vma(struct touch *t);
/* Frames come into a locked VMA, or leave it. */
void pmk_touch_lock(const struct touch *t, uint64_t pfn, uint64_t n, bool on);
/* A store meets the protection of a userfaultfd that nobody serves. */
bool pmk_touch_stopped(const struct touch *t, uint64_t tag);
/* None entries of anonymous memory get small pages. */
int64_t pmk_touch_anon(struct touch *t, uint64_t start, uint64_t end);
/* Maps what the object's cache has for the none entries of [start, end); flags: of their tags. */
void pmk_touch_cached(struct touch *t, uint64_t start, uint64_t end, uint64_t flags);
/* All entries of [start, end), which is in one VMA, not of hugetlb. */
int64_t pmk_touch_entries(struct touch *t, uint64_t start, uint64_t end);

/* ---- huge.c ---- */
/* None entries of anonymous memory: huge pages where the VMA wants them and they fit, else small ones. */
int64_t pmk_huge_touch_none(struct touch *t, uint64_t start, uint64_t end);
/* A store to entries that PMDs map. */
int64_t pmk_huge_store(struct touch *t, const struct pmk_piece *p);
/* A load from or a store to [start, end) of a hugetlb VMA. */
int64_t pmk_hugetlb_touch(struct touch *t, uint64_t start, uint64_t end);
/* Maps by PMDs what of [start, end) the object's cache has as huge pages, where nothing is mapped. */
void pmk_huge_map_cached(struct touch *t, uint64_t start, uint64_t end);
/* A load: a PMD maps the object's huge page, or all of it is mapped entry by entry.  False: neither can be. */
bool pmk_huge_around(struct touch *t, uint64_t page);
/* A store to shared memory maps all of a huge page, entry by entry, where a PMD cannot (finish_fault()). */
void pmk_huge_map_whole(struct touch *t, uint64_t start, uint64_t end);
bool pmk_huge_is_mapped(const struct pmk_mm *mm, uint64_t at);

#endif /* PMK_TOUCH_H */
