/* SPDX-License-Identifier: MIT */
/*
 * commands.h - the subcommands of pmkit and what they share: options and messages.
 *
 * A command prints and returns an exit code; nothing below it does either.
 */
#ifndef PMK_CONFORMANCE_COMMANDS_H
#define PMK_CONFORMANCE_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "script.h"

#define PMK_EXIT_FAILED 1
#define PMK_EXIT_USAGE	2
#define PMK_EXIT_CANNOT 77

struct pmk_command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *usage, *help;
};
extern const struct pmk_command pmk_command[];
extern const size_t pmk_command_count;

#define COMMAND(name, function, usage, help) int pmk_cmd_##function(int argc, char **argv);
#include "commands.def"
#undef COMMAND
/* In the place of a command that this build has not: says so. */
int pmk_cmd_absent(int argc, char **argv);

/* An option of a command: a flag, or one with a value; "--json FILE" or "--json=FILE". */
struct pmk_option {
	const char *name; /* with its dashes */
	bool *flag;
	const char **value;
};
/*
 * Takes the options out of argv, up to "--"; what is left stands in argv[1] and on.
 * How many are left, or -1 and a message on stderr: exit 2.
 */
int pmk_options(const struct pmk_option *option, size_t n, int argc, char **argv);

/* "pmkit decode: message" on stderr; returns 2. */
int pmk_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "pmkit: file:line:col: message" on stderr; returns 1. */
int pmk_error_report(const struct pmk_error *err);

#endif
