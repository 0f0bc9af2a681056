/* embedded.h - scripts that are built into the binary: what embed.cmake writes. */
#ifndef PMK_EMBEDDED_H
#define PMK_EMBEDDED_H

#include <stddef.h>

struct pmk_embedded {
	const char *name, *stem; /* the file's, with .pmk and without */
	const char *text;
	size_t len;
};

extern const struct pmk_embedded pmk_scenarios[];
extern const size_t pmk_scenarios_count;

#endif
