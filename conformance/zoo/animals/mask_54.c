/* SPDX-License-Identifier: MIT */
/*
 * M1: a PFN of 54 bits, from "bits 0-54" misread.
 * google/rowhammer-test (5 programs, double_sided_rowhammer.cc among them), IAIK/drama re/measure.cpp,
 * IAIK/rowhammerjs native/rowhammer.cc, stress-ng stress-physpage.c, drgn tests/linux_kernel/helpers/test_mm.py.
 */
#include "zoo.h"

static uint64_t pfn(const struct zoo_page *page)
{
	return page->word & ((UINT64_C(1) << 54) - 1);
}

const struct zoo_habits zoo_mask_54 = { .pfn = pfn };
