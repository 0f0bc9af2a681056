/*
 * companion.h - what the text files of proc show: maps, smaps, and those by which a consumer finds its way.
 *
 * Each makes whole lines, or whole entries of several lines, from *from on into buf, as many as fit and at
 * most 4096 bytes, and says how many bytes; *from, 0 at first, becomes where to go on, UINT64_MAX at the end.
 * task: whose file it is, NULL for a file of the root; mm: the address space the file was opened on.
 */
#ifndef PMK_COMPANION_H
#define PMK_COMPANION_H

/* Field 9 of stat, `flags`: PF_KTHREAD, a kernel thread. */
#define PMK_PF_KTHREAD 0x00200000u

#include "machine.h"

typedef size_t pmk_text_show(const struct pmk_machine *m, const struct pmk_task *task,
			     const struct pmk_mm *mm, uint64_t *from, char *buf, size_t size);
pmk_text_show pmk_text_maps, pmk_text_smaps, pmk_text_comm, pmk_text_status, pmk_text_stat,
	pmk_text_swaps;

#endif /* PMK_COMPANION_H */
