/* SPDX-License-Identifier: MIT */
/*
 * M33: a bit that means something else in other kinds of page is taken literally.
 * Nearly everybody: on a running 6.18, 15,073 of 168,515 slab pages had the ANON bit.  page-types knows better.
 */
#include "zoo.h"

static bool anonymous(uint64_t flags)
{
	return flags & PMK_KPF_ANON_MASK;
}

const struct zoo_habits zoo_slab_is_anon = { .anonymous = anonymous };
