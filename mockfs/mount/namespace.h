/*
 * namespace.h - a user, mount and PID namespace for pmkit run.
 */
#ifndef PMK_NAMESPACE_H
#define PMK_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "script.h"

/*
 * fork() with the child in a new mount namespace, whose mounts the old one does not see, and (pids) as the init
 * of a new PID namespace.  Who may not do that gets a user namespace first, in which the user is root,
 * or itself (keep_uid), and has all capabilities.
 * The child's PID in the parent; 0 in the child (*ret_user: it has a user namespace); -1 and *err,
 * which names the obstacle, in either.
 */
pid_t pmk_namespace_fork(bool pids, bool keep_uid, bool *ret_user, struct pmk_error *err);
/* Adds to *err what on this machine is known to forbid user namespaces or mounts in them. */
void pmk_namespace_explain(struct pmk_error *err);

#endif /* PMK_NAMESPACE_H */
