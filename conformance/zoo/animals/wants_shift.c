/* SPDX-License-Identifier: MIT */
/*
 * M7: bits 55 to 60 must hold the page shift, as they did up to 4.2; any other word is no page.
 * RPIO c_pwm/pwm.c and servod.c ("(pfn >> 55) & 0x1bf != 0x10c"), metachris/RPIO#88; stressapptest until
 * c8ce5af (2018).
 */
#include "zoo.h"

static bool valid(const struct zoo_page *page)
{
	return (page->word >> 55 & 0x3f) == 12;
}

const struct zoo_habits zoo_wants_shift = { .valid = valid };
