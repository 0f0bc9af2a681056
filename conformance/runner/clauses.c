/* SPDX-License-Identifier: MIT */
/* The tables of clauses.def as data, and looking up in them. */
#include "clauses.h"

#include <string.h>

static const struct pmk_section sections[] = {
#define SECTION(token, number, title, subject) [PMK_##token] = { number, title, subject },
#include "clauses.def"
};

static const struct pmk_clause clauses[] = {
#define CLAUSE(id, section, since, until, evidence, text, correction, why) \
	{ id, PMK_##section, since, until, evidence, text, correction, why },
#include "clauses.def"
};

#define CLAUSE_COUNT (sizeof(clauses) / sizeof(clauses[0]))

const struct pmk_clause *pmk_clauses(size_t *n)
{
	*n = CLAUSE_COUNT;
	return clauses;
}

/* Linear: some 300 entries, and most differ in the first few bytes. */
const struct pmk_clause *pmk_clause_find(const char *id)
{
	for (size_t i = 0; i < CLAUSE_COUNT; i++)
		if (!strcmp(clauses[i].id, id))
			return &clauses[i];
	return NULL;
}

const struct pmk_section *pmk_clause_section(const struct pmk_clause *clause)
{
	return &sections[clause->section];
}
