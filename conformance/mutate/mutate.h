/* SPDX-License-Identifier: MIT */
/*
 * mutate.h - scripts changed at random, statement by statement: for pmkit fuzz and for the fuzz targets that read
 * scripts (LLVMFuzzerCustomMutator).
 *
 * Statements come from statements.def and words.def, so a new one is tried without a line here.  A text that
 * is no script stays a text: lines are lines.
 */
#ifndef PMK_MUTATE_H
#define PMK_MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PMK_MUTATE_LINES 128 /* what a script grows to, at most */

/*
 * Changes the text of `len` bytes in a buffer of `max`, by a few statements, page lists, numbers, words or
 * the profile; the same seed does the same.  faults: also those of the mock (fault).  The new length.
 */
size_t pmk_mutate(char *text, size_t len, size_t max, uint64_t seed, bool faults);

#endif
