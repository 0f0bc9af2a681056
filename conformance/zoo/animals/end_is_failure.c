/* SPDX-License-Identifier: MIT */
/*
 * M17: a range that goes beyond the end of pagemap, as [vsyscall] and [vectors] do, fails as a whole.
 * libmeminfo until 70663b1 and bef9540; procfs: UnexpectedEof.
 */
#include "zoo.h"

static size_t keep(size_t got, int error)
{
	return error ? 0 : got;
}

const struct zoo_habits zoo_end_is_failure = { .keep = keep };
