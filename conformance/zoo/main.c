/* SPDX-License-Identifier: MIT */
/* main.c - zoo NAME: that animal as an adapter of pmkit grade; zoo right: the one that does all right; zoo table: README.md's. */
#include <string.h>

#include "zoo.h"

static const struct {
	const char *name;
	const struct zoo_habits *habits;
} animals[] = {
	{ "right", &zoo_right },
#define ANIMAL(row, name, clause, who, mistake) { #name, &zoo_##name },
#define FOUNDER(name, what)			{ #name, &zoo_##name },
#include "zoo.def"
};

static void table(void)
{
	puts("| row | mistake | made by | caught at |\n|---|---|---|---|");
#define ANIMAL(row, name, clause, who, mistake) \
	printf("| %s `%s` | %s | %s | %s |\n", #row, #name, mistake, who, clause);
#define NO_ANIMAL(row, mistake, why) printf("| %s | %s | %s | - |\n", #row, mistake, why);
#include "zoo.def"
}

int main(int argc, char **argv)
{
	char line[4096];

	if (argc == 2 && !strcmp(argv[1], "table")) {
		table();
		return 0;
	}
	for (size_t i = 0; argc == 2 && i < sizeof(animals) / sizeof(*animals); i++) {
		if (strcmp(animals[i].name, argv[1]) != 0)
			continue;
		struct zoo_habits habits = zoo_complete(animals[i].habits);
		zoo_introduce(argv[1], &habits, stdout);
		while (fflush(stdout), fgets(line, sizeof(line), stdin))
			zoo_answer(&habits, line, stdout);
		return 0;
	}
	fputs("usage: zoo ANIMAL|table\n", stderr);
	return 2;
}
