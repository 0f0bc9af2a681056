/*
 * model_check.h - what holds for a machine after any operation, whatever it was.
 *
 * Everything is counted again by brute force, a page at a time, from the entries of all address spaces; so a
 * machine may have FUZZ_RAM frames and FUZZ_SLOTS slots at most.
 */
#ifndef PMK_MODEL_CHECK_H
#define PMK_MODEL_CHECK_H

#include "machine.h"

#define FUZZ_RAM   1024 /* PFNs */
#define FUZZ_SLOTS 128

/* Aborts with the name of the property that is broken. */
void model_check(const struct pmk_machine *m);
/* The run maps alone: in order, apart, merged where they merge. */
void model_check_runs(const struct pmk_machine *m);
/* maps of a process: every line parses, they ascend, there is one for each VMA. */
void model_check_maps(struct pmk_machine *m, const struct pmk_task *task);
/* What the files show of each process's pages [first, first + n), n at most 256, through handles with and
 * without rights, against each other. */
void model_check_files(struct pmk_machine *m, uint64_t first, uint64_t n);
/* The same when every process is gone: frames and slots are those of objects alone. */
void model_check_empty(const struct pmk_machine *m);

#endif /* PMK_MODEL_CHECK_H */
