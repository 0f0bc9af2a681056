/* SPDX-License-Identifier: MIT */
/* live.h - what the kernel world and the mock world share: processes and their calls on files. */
#ifndef PMK_LIVE_H
#define PMK_LIVE_H

#include "crew.h"
#include "world_live.h"

/* A growing table of descriptors by number: the observer's handles, a script's objects. */
struct pmk_fds {
	int *fd; /* -1: none */
	int n;
};
int pmk_fds_get(const struct pmk_fds *fds, int64_t index); /* -1: none */
void pmk_fds_set(struct pmk_fds *fds, int64_t index, int fd);
void pmk_fds_close(struct pmk_fds *fds);

struct pmk_live {
	struct pmk_world world;
	struct pmk_crew *crew;
	const char *root,
		*sys; /* "/proc" and "/sys", or where the mock is mounted, and its sysfs */
	int mount; /* a proc that processes open their files in instead, mounted nowhere; 0: none */
	bool apart; /* the observer is a process of the crew; otherwise the runner itself */
	struct pmk_fds observer;
	/* The PID that root shows for a process, where it is not the process's real one; may be NULL. */
	int (*shown_pid)(const struct pmk_live *live, int proc);
};

int pmk_live_init(struct pmk_live *live, const char *root, const char *sys, struct pmk_error *err);
void pmk_live_deinit(struct pmk_live *live);
/* Processes and handles are gone. */
int pmk_live_reset(struct pmk_live *live, struct pmk_error *err);

/* Processes open their files in a proc mounted so (enum pmk_procopt): 0 or -errno. */
int64_t pmk_live_mount(struct pmk_live *live, unsigned options);

/* A call on a file (OPEN .. MAP_FILE), by an actor or by the observer. */
int64_t pmk_live_call(struct pmk_live *live, const struct pmk_request *request);
static inline bool pmk_request_is_call(enum pmk_request_code code)
{
	return code >= PMK_REQ_OPEN && code <= PMK_REQ_MAP_FILE;
}

#endif /* PMK_LIVE_H */
