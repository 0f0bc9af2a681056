/*
 * scenario.h - the ready scripts of mockfs/scenarios, built in and known by name.
 *
 * A name's first word is its theme: "swap-full" is about swap.  The first line of a scenario says what
 * a consumer meets there.
 */
#ifndef PMK_SCENARIO_H
#define PMK_SCENARIO_H

#include <stdio.h>

#include "embedded.h"
#include "script.h"

/* "swap-full" or "swap-full.pmk"; NULL: there is none of that name. */
const struct pmk_embedded *pmk_scenario_find(const char *name);

/*
 * The text of a script: of the file, "-" for standard input, or else of the scenario of that name.  A file
 * wins, so that nobody's script is hidden by one of ours.  free() it; NULL and *err as pmk_file_read() has it:
 * "swap-ful: No such file or directory, and no scenario; did you mean 'swap-full'?"
 */
char *pmk_script_read(const char *path, size_t *ret_len, struct pmk_error *err);

/* All of them by theme, a line each. */
void pmk_scenarios_print(FILE *out);

#endif
