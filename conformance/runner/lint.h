/* SPDX-License-Identifier: MIT */
/*
 * lint.h - what is wrong with a script that parses: names of features, clauses, kernels, regions, handles.
 */
#ifndef PMK_LINT_H
#define PMK_LINT_H

#include "script.h"

/* Calls tell() with each error, in the order of lines. */
void pmk_lint(const struct pmk_script *script,
	      void (*tell)(void *data, const struct pmk_error *err), void *data);

#endif
