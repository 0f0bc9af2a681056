/* SPDX-License-Identifier: MIT */
/* fidelity.h - the operations of operations.h on the real files and on the mocked ones, side by side. */
#ifndef PMK_FIDELITY_H
#define PMK_FIDELITY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Who performs them, and on what: the last is the most like the kernel. */
enum pmk_place_of_performance {
	PMK_AT_REAL,
	PMK_AT_SECCOMP, /* a `pmkit run --by seccomp`, with the rights of the real one */
	PMK_AT_BIND, /* by bind mounts */
	PMK_AT_BIND_ROOTLESS,
	PMK_AT_ROOT, /* by FUSE, the usual way */
	PMK_AT_ROOT_STRICT,
	PMK_AT_ROOTLESS, /* without any rights, in a user namespace */
	PMK_AT_ROOTLESS_STRICT,
	PMK_AT_COUNT
};
extern const char *const pmk_at_name[PMK_AT_COUNT];

/* What one file gave, by place and operation. */
struct pmk_fidelity {
	const char *file;
	int64_t *
		result[PMK_AT_COUNT]; /* NULL: nothing could be performed there, for this reason: */
	char why[PMK_AT_COUNT][160];
	unsigned total, same[PMK_AT_COUNT];
	unsigned unexplained;
};

/* Performs and compares; without a mock only result[PMK_AT_REAL] may be there. */
void pmk_fidelity_init(struct pmk_fidelity *f, const char *file);
void pmk_fidelity_deinit(struct pmk_fidelity *f);
/* Why the results of an operation differ somewhere; NULL: they do not, or nobody knows (*ret_differs). */
const char *pmk_fidelity_reason(const struct pmk_fidelity *f, size_t operation, bool *ret_differs);

/* What the processes that do the work do: performs, and prints a number and a result a line. */
int pmk_fidelity_perform(const char *file, FILE *out);

#endif /* PMK_FIDELITY_H */
