/* SPDX-License-Identifier: MIT */
/* cmd_manual.c - `pmkit manual` and `pmkit completion`: what the table of commands says of itself. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "pagemapkit.h"
#include "scenario.h"

/* ---- pmkit(1) ------------------------------------------------------------------------------------- */

/* Text for roff: no hyphen becomes a minus, no line starts a request. */
static void put_roff(const char *text)
{
	for (; *text; text++) {
		if (*text == '-' || *text == '\\')
			putchar('\\');
		putchar(*text == '\\' ? 'e' : *text);
	}
}

static int manual_pmkit(void)
{
	static const char *const before[] = {
		".SH NAME",
		"pmkit \\- conformance suite and mock for /proc/PID/pagemap and /proc/kpage*",
		".SH SYNOPSIS",
		".B pmkit",
		".I COMMAND",
		"[\\fIARGUMENT\\fR...]",
		".SH DESCRIPTION",
		"A script, pmk(5), says what processes do to memory and what the files of /proc "
		"must then",
		"show. pmkit runs scripts in three worlds: a model of the kernel, the model behind "
		"a mount",
		"seen through real system calls, and the running kernel.",
		".PP",
		"\\fIKERNEL\\fR is VERSION[/ARCH][+CONFIG|\\-CONFIG...], as in 6.1, 6.12/arm64 or",
		"7.3/x86_64\\-soft\\-dirty.",
		".SH COMMANDS",
	};
	static const char *const after[] = {
		".SH EXIT STATUS",
		"0: all well. 1: something failed. 2: wrong usage. 77: nothing could be run.",
		".SH ENVIRONMENT",
		".TP",
		"PMKIT_SCRIPTS",
		"a folder of scripts instead of those built in",
		".TP",
		"PMKIT_DANGER",
		"1: also run scripts that may harm the running kernel; in a virtual machine only",
		".TP",
		"PMKIT_TIMEOUT",
		"seconds that a script may take, 30 if not set; 0: no limit",
		".TP",
		"NO_COLOR",
		"not empty: no colour",
		".SH SEE ALSO",
		"pmk(5), proc_pid_pagemap(5)",
	};

	printf(".TH PMKIT 1 \"\" \"pagemapkit %s\" \"User Commands\"\n", pmk_version());
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++)
		puts(before[i]);
	for (size_t i = 0; i < pmk_command_count; i++) {
		printf(".TP\n\\fBpmkit %s\\fR ", pmk_command[i].name);
		put_roff(pmk_command[i].usage);
		putchar('\n');
		put_roff(pmk_command[i].help);
		putchar('\n');
	}
	for (size_t i = 0; i < sizeof(after) / sizeof(*after); i++)
		puts(after[i]);
	return 0;
}

int pmk_cmd_manual(int argc, char **argv)
{
	int n = pmk_options(NULL, 0, argc, argv);

	if (n < 0)
		return PMK_EXIT_USAGE;
	if (n == 0 || (n == 1 && !strcmp(argv[1], "pmk")))
		return pmk_manual_print(stdout) ? PMK_EXIT_FAILED : 0;
	if (n == 1 && !strcmp(argv[1], "pmkit"))
		return manual_pmkit();
	return pmk_usage("manual", "no page '%s': expected pmk or pmkit", argv[1]);
}

/* ---- completion ----------------------------------------------------------------------------------- */

/* The words of a usage that start with '-', blanks between. */
static void put_options(const char *usage)
{
	const char *separator = "";

	while (*usage) {
		size_t len = strcspn(usage, " []|");

		if (usage[0] == '-' && len > 1 && strncmp(usage, "--", len) != 0) {
			printf("%s%.*s", separator, (int)len, usage);
			separator = " ";
		}
		usage += len;
		usage += strspn(usage, " []|");
	}
}

/* For each option that takes one of some words, a case of the shell: `SUBCOMMAND:OPTION) values="WORD WORD" ;;`. */
static void put_values(const char *subcommand, const char *usage)
{
	for (; (usage = strstr(usage, "--")); usage += strcspn(usage, " []|")) {
		size_t len = strcspn(usage, " []|");
		const char *value = usage + len + (usage[len] == ' ');

		if (usage[len] != ' ' || len < 3 || *value < 'a' || *value > 'z')
			continue;
		printf("%s:%.*s) values=\"", subcommand, (int)len, usage);
		for (; *value && !strchr(" ]", *value); value++)
			putchar(strchr("|,", *value) ? ' ' : *value);
		puts("\" ;;");
	}
}

static void put_all_values(const char *subcommand, const char *option)
{
	printf("local values=\ncase %s:%s in\n", subcommand, option);
	for (size_t i = 0; i < pmk_command_count; i++)
		put_values(pmk_command[i].name, pmk_command[i].usage);
	puts("esac");
}

/* What stands for KERNEL and SCRIPT: the kernels that have a scenario, and the scenarios. */
static void put_names(const char *subcommand)
{
	static const char kernel[] = "kernel-";

	fputs("local kernels='", stdout);
	for (size_t i = 0; i < pmk_scenarios_count; i++)
		if (!strncmp(pmk_scenarios[i].stem, kernel, strlen(kernel)))
			printf(" %s", pmk_scenarios[i].stem + strlen(kernel));
	printf("' scripts=\ncase %s in run|mount|fmt|check|test) scripts='", subcommand);
	for (size_t i = 0; i < pmk_scenarios_count; i++)
		printf(" %s", pmk_scenarios[i].stem);
	puts("' ;; esac");
}

static void complete_bash(void)
{
	puts("# bash completion for pmkit, made by 'pmkit completion bash'\n"
	     "_pmkit() {\n"
	     "\tlocal word=${COMP_WORDS[COMP_CWORD]} options=\n"
	     "\tCOMPREPLY=()\n"
	     "\tif [ \"$COMP_CWORD\" -eq 1 ]; then");
	fputs("\t\tCOMPREPLY=($(compgen -W \"--help --version", stdout);
	for (size_t i = 0; i < pmk_command_count; i++)
		printf(" %s", pmk_command[i].name);
	puts("\" -- \"$word\"))\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in");
	for (size_t i = 0; i < pmk_command_count; i++) {
		printf("\t%s) options=\"--help ", pmk_command[i].name);
		put_options(pmk_command[i].usage);
		puts("\" ;;");
	}
	puts("\tesac");
	put_names("${COMP_WORDS[1]}");
	put_all_values("${COMP_WORDS[1]}", "${COMP_WORDS[COMP_CWORD-1]}");
	puts("\tif [[ -n $values ]]; then\n"
	     "\t\tCOMPREPLY=($(compgen -W \"$values\" -- \"$word\"))\n"
	     "\telif [[ $word == -* ]]; then\n"
	     "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
	     "\telif [[ ${COMP_WORDS[COMP_CWORD-1]} == --as ]]; then\n"
	     "\t\tCOMPREPLY=($(compgen -W \"$kernels\" -- \"$word\"))\n"
	     "\telse\n"
	     "\t\tCOMPREPLY=($(compgen -W \"$scripts\" -- \"$word\") $(compgen -f -- \"$word\"))\n"
	     "\tfi\n"
	     "}\n"
	     "complete -o filenames -F _pmkit pmkit");
}

static void complete_zsh(void)
{
	puts("#compdef pmkit\n# zsh completion for pmkit, made by 'pmkit completion zsh'\n"
	     "local -a commands\ncommands=(");
	for (size_t i = 0; i < pmk_command_count; i++) {
		printf("\t'%s:", pmk_command[i].name);
		for (const char *s = pmk_command[i].help; *s; s++)
			fputs(*s == '\'' ? "'\\''" : (char[]){ *s, '\0' }, stdout);
		puts("'");
	}
	puts(")\nif (( CURRENT == 2 )); then\n\t_describe command commands\n\treturn\nfi\n"
	     "local -a options\ncase ${words[2]} in");
	for (size_t i = 0; i < pmk_command_count; i++) {
		printf("%s) options=(--help ", pmk_command[i].name);
		put_options(pmk_command[i].usage);
		puts(") ;;");
	}
	puts("esac");
	put_names("${words[2]}");
	put_all_values("${words[2]}", "${words[CURRENT-1]}");
	puts("if [[ -n $values ]]; then\n\tcompadd -- ${=values}\n"
	     "elif [[ $PREFIX == -* ]]; then\n\tcompadd -- $options\n"
	     "elif [[ ${words[CURRENT-1]} == --as ]]; then\n\tcompadd -- ${=kernels}\n"
	     "else\n\tcompadd -- ${=scripts}\n\t_files\nfi");
}

int pmk_cmd_completion(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*complete)(void);
	} shells[] = { { "bash", complete_bash }, { "zsh", complete_zsh } };
	int n = pmk_options(NULL, 0, argc, argv);

	if (n < 0)
		return PMK_EXIT_USAGE;
	for (size_t i = 0; i < 2 && n == 1; i++)
		if (!strcmp(argv[1], shells[i].name)) {
			shells[i].complete();
			return 0;
		}
	return pmk_usage("completion", "expected bash or zsh");
}
