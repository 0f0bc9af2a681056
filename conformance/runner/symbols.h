/* SPDX-License-Identifier: MIT */
/*
 * symbols.h - names that a script gives to values it cannot know: PFNs, swap offsets, cgroups.
 *
 * A name stands for the same value wherever the script says it, and for another one than every other
 * name of its kind: a bijection.  Over a list of pages a name stands for one value a page, so
 * that page i of A here is page i of A there; indices count from 0.
 */
#ifndef PMK_SYMBOLS_H
#define PMK_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

enum pmk_symbol_kind { PMK_SYMBOL_PFN, PMK_SYMBOL_OFFSET, PMK_SYMBOL_CGROUP, PMK_SYMBOL_KINDS };

struct pmk_symbols;
struct pmk_symbols *pmk_symbols_create(void);
void pmk_symbols_destroy(struct pmk_symbols *symbols);

/*
 * Name's [index, index + n) are value, value + 1 ... : binds what is not bound yet.
 * False when that is not so, and *why then says it, e.g. "pfn A[1] is 0x12 here and was 0x11".
 */
bool pmk_symbols_bind(struct pmk_symbols *symbols, enum pmk_symbol_kind kind, const char *name,
		      uint64_t index, uint64_t value, uint64_t n, struct pmk_text *why);

/* What was bound since commit() is forgotten, for an expectation that is tried again; or kept. */
void pmk_symbols_rollback(struct pmk_symbols *symbols);
void pmk_symbols_commit(struct pmk_symbols *symbols);

#endif
