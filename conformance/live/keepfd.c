/* SPDX-License-Identifier: MIT */
/* keepfd.c - closes what a child has inherited for no purpose. */
#define _GNU_SOURCE 1
#include "keepfd.h"

#include <sys/syscall.h>
#include <unistd.h>

/* Without close_range(2), before 5.9, as many as a runner might ever have. */
#define MANY 65536

void pmk_keep_only(int a, int b)
{
	long max = sysconf(_SC_OPEN_MAX);
	int last = a > b ? a : b;

	if (max < 0 || max > MANY)
		max = MANY;
#ifdef SYS_close_range
	if (!syscall(SYS_close_range, last + 1, ~0u, 0))
		max = last + 1;
#endif
	for (int fd = 3; fd < max; fd++)
		if (fd != a && fd != b)
			close(fd);
}
