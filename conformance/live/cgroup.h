/* SPDX-License-Identifier: MIT */
/* cgroup.h - memory cgroups below the one that a run is in. */
#ifndef PMK_CGROUP_H
#define PMK_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The directory of all cgroups that a run makes, in the memory hierarchy and below the cgroup of this
 * process; false: there is no such hierarchy, or it is not ours to change. */
bool pmk_cgroup_home(pid_t owner, char *ret, size_t size);
/* mkdir(2) of one with a memory controller: its inode or -errno. */
int64_t pmk_cgroup_make(const char *dir);
/* Moves a process into it: 0 or -errno. */
int64_t pmk_cgroup_enter(const char *dir, pid_t pid);
/* rmdir(2) of it and of what is in it, waiting a little for processes that are dying: 0 or -errno. */
int64_t pmk_cgroup_remove(const char *dir);
/* The same of what is in it alone. */
void pmk_cgroup_empty(const char *dir);

#endif /* PMK_CGROUP_H */
