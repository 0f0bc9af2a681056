/* SPDX-License-Identifier: MIT */
/*
 * M22: whether frames can be seen is decided by one page, which may just be swapped out.
 * CRIU until b56a9cef3: once in some million runs "no PFNs"; of the same kind: writing 4 to clear_refs succeeds
 * without soft-dirty support (CubeSandbox#1115).
 */
#include "zoo.h"

static bool sees_frames(const uint64_t *words, size_t n)
{
	return n && words[0] >> 63 && words[0] << 9;
}

const struct zoo_habits zoo_one_page_probe = { .sees_frames = sees_frames };
