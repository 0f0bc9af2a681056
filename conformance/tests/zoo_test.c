/* SPDX-License-Identifier: MIT */
/* zoo_test.c - every animal is caught at its clause, and who does all right is not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define SKIP 77

/* The exit status of pmkit grade; all questions, or those of a clause. */
static int grade(const char *pmkit, const char *clause, const char *zoo, const char *animal)
{
	char command[4096];

	snprintf(command, sizeof(command), "'%s' grade --timeout 2 %s -- '%s' %s >/dev/null", pmkit,
		 clause, zoo, animal);
	int status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *row, *name, *clause;
	} animals[] = {
#define ANIMAL(row, name, clause, who, mistake) { #row, #name, clause },
#include "zoo.def"
	};
	int missing = 0;

	if (argc != 3)
		return 2;
	int status = grade(argv[1], "", argv[2], "right");
	if (status) {
		printf("%s: the one that does all right: status %d\n",
		       status == SKIP ? "skip" : "FAIL", status);
		return status == SKIP ? SKIP : 1;
	}
	for (size_t i = 0; i < sizeof(animals) / sizeof(*animals); i++) {
		status = grade(argv[1], animals[i].clause, argv[2], animals[i].name);
		printf("%s %-4s %-20s %s\n", status == 1 ? "caught" : "MISSED", animals[i].row,
		       animals[i].name, animals[i].clause);
		missing += status != 1;
	}
	return missing ? 1 : 0;
}
