/* SPDX-License-Identifier: MIT */
/* save.h - a file that appears complete or not at all. */
#ifndef PMK_SAVE_H
#define PMK_SAVE_H

#include <stdio.h>

#include "script.h"

/* Writes `data`: 0, or -1 when writing failed (errno). */
typedef int pmk_save_fn(FILE *out, const void *data);
/* "-" is standard output; a file is written beside its place and renamed, with the mode of
 * the one that it replaces.  0, or -1 and *err. */
int pmk_save(const char *path, pmk_save_fn *write, const void *data, struct pmk_error *err);

#endif
