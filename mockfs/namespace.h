/*
 * namespace.h - a user, mount and PID namespace for pmkit run.
 */
#ifndef PMK_NAMESPACE_H
#define PMK_NAMESPACE_H

#include <stdbool.h>

#include "script.h"

/*
 * Puts the calling, single-threaded process into a new mount namespace, whose mounts the old one does not
 * see, and its next child into a new PID namespace.  Who may not do that gets a user namespace first, in
 * which the user is root, or itself (keep_uid), but has all capabilities.
 * 0 (*ret_user: a user namespace was made), or -1 and *err, which names the obstacle.
 */
int pmk_namespace_enter(bool keep_uid, bool *ret_user, struct pmk_error *err);
/* Adds to *err what on this machine is known to forbid user namespaces or mounts in them. */
void pmk_namespace_explain(struct pmk_error *err);

#endif /* PMK_NAMESPACE_H */
