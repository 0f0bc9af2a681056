/* SPDX-License-Identifier: MIT */
/*
 * M22: the probe is too shallow: writing 4 to clear_refs succeeds on kernels without soft-dirty bits, too.
 * CubeSandbox#1115; bdwgc before d654f40d (Power9), libTAS before 4a7a614e.
 */
#include "zoo.h"

static bool tracks(const char *kernel)
{
	(void)kernel;
	return true;
}

const struct zoo_habits zoo_accepts_is_tracks = { .tracks = tracks };
