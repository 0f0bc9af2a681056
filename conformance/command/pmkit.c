/* SPDX-License-Identifier: MIT */
/* pmkit.c - the command: a table of subcommands. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actor.h"
#include "commands.h"
#include "pagemapkit.h"
#include "text.h"

const struct pmk_command pmk_command[] = {
#define COMMAND(name, function, usage, help) { name, pmk_cmd_##function, usage, help },
#include "commands.def"
#undef COMMAND
};
const size_t pmk_command_count = sizeof(pmk_command) / sizeof(*pmk_command);

/* ---- what commands share ------------------------------------------------------------------------- */

int pmk_usage(const char *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "pmkit %s: ", command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return PMK_EXIT_USAGE;
}

int pmk_error_report(const struct pmk_error *err)
{
	char text[512];

	pmk_error_format(err, text, sizeof(text));
	fprintf(stderr, "pmkit: %s\n", text);
	return PMK_EXIT_FAILED;
}

static int unknown_option(const struct pmk_option *option, size_t n, const char *command,
			  const char *word)
{
	const char *near = n ? pmk_text_nearest(word, &option[0].name, n, sizeof(*option)) : NULL;

	pmk_usage(command, "unknown option '%s'%s%s%s", word, near ? "; did you mean '" : "",
		  near ? near : "", near ? "'?" : "");
	return -1;
}

/* The option that the word names, with or without "=value". */
static const struct pmk_option *find_option(const struct pmk_option *option, size_t n,
					    const char *word)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; i < n; i++)
		if (!strncmp(option[i].name, word, len) && !option[i].name[len])
			return &option[i];
	return NULL;
}

int pmk_options(const struct pmk_option *option, size_t n, int argc, char **argv)
{
	int left = 0;

	for (int i = 1; i < argc; i++) {
		const struct pmk_option *o;
		char *equals = strchr(argv[i], '=');

		if (!strcmp(argv[i], "--")) {
			while (++i < argc)
				argv[++left] = argv[i];
			break;
		}
		if (argv[i][0] != '-' || !argv[i][1]) {
			argv[++left] = argv[i];
			continue;
		}
		o = find_option(option, n, argv[i]);
		if (!o)
			return unknown_option(option, n, argv[0], argv[i]);
		if (o->flag && !equals) {
			*o->flag = true;
			continue;
		}
		if (o->flag || (!equals && i + 1 == argc)) {
			pmk_usage(argv[0], "%s takes %s value", o->name, o->flag ? "no" : "a");
			return -1;
		}
		*o->value = equals ? equals + 1 : argv[++i];
	}
	return left;
}

int pmk_cmd_absent(int argc, char **argv)
{
	(void)argc;
	fprintf(stderr, "pmkit %s: not in this build: it takes libfuse3 and jansson\n", argv[0]);
	return PMK_EXIT_CANNOT;
}

/* ---- main ---------------------------------------------------------------------------------------- */

static int help(void)
{
	fputs("pmkit: a conformance suite and a mock for /proc/PID/pagemap and /proc/kpage*\n\n",
	      stdout);
	for (size_t i = 0; i < pmk_command_count; i++)
		printf("  pmkit %-10s %s\n", pmk_command[i].name, pmk_command[i].help);
	fputs("\n'pmkit COMMAND --help' shows the usage of a command; 'pmkit manual' the language "
	      "of "
	      "scripts.\nKERNEL is VERSION[/ARCH][+CONFIG|-CONFIG...], e.g. 6.1 or 6.12/arm64.\n"
	      "Exit status: 0 all well, 1 something failed, 2 usage, 77 nothing could be run.\n",
	      stdout);
	return 0;
}

static int usage(const struct pmk_command *command)
{
	printf("usage: pmkit %s %s\n\n%s\n", command->name, command->usage, command->help);
	return 0;
}

static bool asks_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

static int unknown_command(const char *name)
{
	const char *near = pmk_text_nearest(name, &pmk_command[0].name, pmk_command_count,
					    sizeof(*pmk_command));

	fprintf(stderr, "pmkit: unknown command '%s'%s%s%s\n", name, near ? "; did you mean '" : "",
		near ? near : "", near ? "'?" : "; 'pmkit --help' lists them");
	return PMK_EXIT_USAGE;
}

/* What was written to standard output must have arrived. */
static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	perror("pmkit: standard output");
	return status ? status : PMK_EXIT_FAILED;
}

int main(int argc, char **argv)
{
	pmk_actor_main_if_asked(argc, argv);
	if (argc < 2) {
		fputs("pmkit: expected a command; 'pmkit --help' lists them\n", stderr);
		return PMK_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version"))
		return printf("pmkit %s\n", pmk_version()) < 0;
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return finish(help());
	for (size_t i = 0; i < pmk_command_count; i++) {
		if (strcmp(argv[1], pmk_command[i].name) != 0)
			continue;
		if (asks_help(argc - 1, argv + 1))
			return finish(usage(&pmk_command[i]));
		return finish(pmk_command[i].main(argc - 1, argv + 1));
	}
	return unknown_command(argv[1]);
}
