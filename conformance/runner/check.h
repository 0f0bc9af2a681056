/* SPDX-License-Identifier: MIT */
/*
 * check.h - a script's expectations, held against what a world's files say.
 *
 * The same code in all worlds: it opens and reads files with the world's own requests, as the
 * observer or through a handle of the subject, and takes the words apart with the decoder.
 * On the running kernel a frame can change hands between two reads (KP-RACE): what does not fit is
 * read again a few times before it is called wrong.
 *
 * Memory is bounded however long a range is, but for symbols: one run for each stretch of
 * consecutive values.
 */
#ifndef PMK_CHECK_H
#define PMK_CHECK_H

#include "stage.h"
#include "text.h"

struct pmk_check;
/* For one script; the stage outlives it. */
struct pmk_check *pmk_check_create(struct pmk_stage *stage);
void pmk_check_destroy(struct pmk_check *check);

/*
 * Checks a statement of kind EXPECT.
 * PMK_DONE: it holds.  PMK_WRONG: it does not, and *why says what was expected and what was seen:
 * "heap[3]: expected 'present exclusive', saw 'present' 0x8000000000001234 (exclusive is clear)".
 * PMK_BROKEN: it cannot be asked, e.g. "no region 'heep' in p".
 */
enum pmk_outcome pmk_check_do(struct pmk_check *check, const struct pmk_stmt *stmt,
			      struct pmk_text *why);

/* What the expectations so far looked at (seen.h); good until the next call. */
const char *pmk_check_seen(struct pmk_check *check);

#endif
