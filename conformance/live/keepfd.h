/* SPDX-License-Identifier: MIT */
/* keepfd.h - what a forked process keeps open. */
#ifndef PMK_KEEPFD_H
#define PMK_KEEPFD_H

/* Closes every descriptor from 3 on but a and b (equal: one): neither the runner's output nor a FUSE device,
 * which would keep a mount alive, shall live on in a child. */
void pmk_keep_only(int a, int b);

#endif /* PMK_KEEPFD_H */
