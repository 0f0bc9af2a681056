/*
 * commands.h - the subcommands of pmkit that live here, for its table of subcommands.
 *
 * argv[0] is the subcommand's name.  They print their own messages and return an exit code: 0 well,
 * 1 something failed, 2 wrong usage, 77 cannot run here (no /dev/fuse, no permission ...).
 * pmk_cmd_run() exits as its command did.
 */
#ifndef PMK_COMMANDS_H
#define PMK_COMMANDS_H

int pmk_cmd_mount(int argc, char **argv);
int pmk_cmd_run(int argc, char **argv);

#define PMK_EXIT_FAILED 1
#define PMK_EXIT_USAGE	2
#define PMK_EXIT_CANNOT 77

#endif /* PMK_COMMANDS_H */
