/* SPDX-License-Identifier: MIT */
/* swapfile.h - a swap area in a file of our own. */
#ifndef PMK_SWAPFILE_H
#define PMK_SWAPFILE_H

#include "script.h"

/* Whether any swap area is in use. */
bool pmk_swap_active(void);
/* Makes a swap file at path and turns it on: 0 or -errno, and then nothing is left of it. */
int pmk_swapfile_on(const char *path, uint64_t size);
/* Turns it off and removes it; nothing there is fine. */
void pmk_swapfile_off(const char *path);

#endif /* PMK_SWAPFILE_H */
