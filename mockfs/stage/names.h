/*
 * names.h - names of a script to numbers: one hash table for processes, regions, objects and handles.
 *
 * A name lives in a scope, a number that the owner chooses; the same name in two scopes is two names.
 */
#ifndef PMK_NAMES_H
#define PMK_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct pmk_name {
	char *text;
	int scope;
	uint32_t value;
	uint32_t hash; /* of scope and text, so that a probe need not look at the text */
};

struct pmk_names {
	struct pmk_name *slot; /* open addressing; text NULL: free */
	size_t n, size;
};

void pmk_names_deinit(struct pmk_names *names);
/* The value of a name, or -1. */
int64_t pmk_names_find(const struct pmk_names *names, int scope, const char *text);
/* Adds a name or changes its value; returns the text that is kept. */
const char *pmk_names_set(struct pmk_names *names, int scope, const char *text, uint32_t value);

#endif /* PMK_NAMES_H */
