/* rules.c - the names of rules and mutants. */
#include "rules.h"

#include <string.h>

const struct pmk_rule_info pmk_rule_info[PMK_RULE_COUNT] = {
#define RULE(id, text) { #id, text, "", "" },
#include "rules.def"
};

const struct pmk_rule_info pmk_mutant_info[PMK_MUTANT_COUNT] = {
	{ "none", "every rule as it should be", "-", "" },
#define MUTANT(id, word, text, ops, clauses) { word, text, ops, clauses },
#include "mutants.def"
};

int pmk_mutant_find(const char *word)
{
	for (int i = 1; i < PMK_MUTANT_COUNT; i++)
		if (!strcmp(pmk_mutant_info[i].word, word))
			return i;
	return -1;
}
