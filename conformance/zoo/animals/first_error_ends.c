/* SPDX-License-Identifier: MIT */
/*
 * M29: the first frame that cannot be read ends the walk, and what comes behind is lost.
 * pholasek/libpagemap (run: RES 6 of 8), procrank_linux (run: drops the process), libmeminfo.
 */
#include "zoo.h"

static bool goes_on(int error)
{
	return !error;
}

const struct zoo_habits zoo_first_error_ends = { .goes_on = goes_on };
