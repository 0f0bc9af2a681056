/*
 * rules.h - the model's rules by name: how often each was applied, and which one shall be wrong.
 *
 * A campaign that finds nothing says little unless each rule was at work: pmk_cover() counts.  A test that
 * passes says little unless it can fail: a profile may name a mutant, one rule that is turned wrong.
 */
#ifndef PMK_RULES_H
#define PMK_RULES_H

enum pmk_rule {
#define RULE(id, text) PMK_RULE_##id,
#include "rules.def"
	PMK_RULE_COUNT
};

enum pmk_mutant {
	PMK_MUTANT_NONE,
#define MUTANT(id, word, text, ops, clauses) PMK_MUTANT_##id,
#include "mutants.def"
	PMK_MUTANT_COUNT
};

struct pmk_rule_info {
	const char *word, *text;
	const char *
		ops; /* of a mutant: the operations of pmkit diverge that find it; "" all, "-" none */
	const char *clauses; /* of a mutant: what it breaks */
};
extern const struct pmk_rule_info pmk_rule_info[PMK_RULE_COUNT];
extern const struct pmk_rule_info pmk_mutant_info[PMK_MUTANT_COUNT]; /* the first: none */

/* The mutant of this name, or -1. */
int pmk_mutant_find(const char *word);

/* In the model's code, where machine.h is known. */
#define pmk_cover(m, rule)   ((m)->cover[PMK_RULE_##rule]++)
#define pmk_mutant(m, which) ((m)->profile.mutant == PMK_MUTANT_##which)

#endif /* PMK_RULES_H */
