/* procmap.h - ioctl PROCMAP_QUERY on the model: the PQ-* clauses of the ledger. */
#ifndef PMK_PROCMAP_H
#define PMK_PROCMAP_H

#include "procfs.h"

/* Takes the argument over into *ret: 0 or -errno (PQ-SIZE, the first part of PQ-VALID). */
int pmk_procmap_check(const struct pmk_machine *m, const void *arg, size_t len,
		      struct pmk_procmap_answer *ret);
/* Answers it: 0, -ENOENT or -ENAMETOOLONG. */
int pmk_procmap_query(const struct pmk_machine *m, const struct pmk_mm *mm,
		      struct pmk_procmap_answer *ret);

#endif /* PMK_PROCMAP_H */
