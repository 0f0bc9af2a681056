/* SPDX-License-Identifier: MIT */
/*
 * must_fail_test.c - every kind of expectation can fail, and says so in the words it should.
 *
 * Each script of the folder begins with "# expect: TEXT": it must fail in the model world with a
 * reason that holds TEXT.  "# expect: BROKEN TEXT", "SKIP TEXT" and "PASS" are the other verdicts.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

#define EXPECT "# expect: "

static const struct {
	const char *word;
	enum pmk_verdict verdict;
} verdicts[] = {
	{ "BROKEN ", PMK_VERDICT_BROKEN },
	{ "SKIP ", PMK_VERDICT_SKIP },
	{ "PASS", PMK_VERDICT_PASS },
};

/* 0: as it should be. */
static int run(const char *path, const char *name, struct pmk_world *world)
{
	const struct pmk_run_options options = { .timeout = 30 };
	enum pmk_verdict verdict = PMK_VERDICT_FAIL;
	struct pmk_error err = { .line = 0 };
	struct pmk_result result;
	char *text = pmk_file_read(path, 65536, &(size_t){ 0 }, &err);
	struct pmk_case c = { .name = (char *)(size_t)name };
	char *expect;
	int wrong;

	if (!text || strncmp(text, EXPECT, strlen(EXPECT)) != 0) {
		printf("%s: no '" EXPECT "'\n", name);
		free(text);
		return 1;
	}
	expect = text + strlen(EXPECT);
	expect[strcspn(expect, "\n")] = '\0';
	for (size_t i = 0; i < 3; i++)
		if (!strncmp(expect, verdicts[i].word, strlen(verdicts[i].word))) {
			verdict = verdicts[i].verdict;
			expect += strlen(verdicts[i].word);
		}
	c.script = pmk_script_load(path, &c.error);
	pmk_case_run(&c, world, &options, &result);
	wrong = result.verdict != verdict || !strstr(result.reason, expect);
	if (wrong)
		printf("%s: expected %s '%s',\n    saw %s '%s'\n", name, pmk_verdict_name[verdict],
		       expect, pmk_verdict_name[result.verdict], result.reason);
	pmk_result_deinit(&result);
	pmk_script_destroy(c.script);
	free(text);
	return wrong;
}

static int is_script(const struct dirent *entry)
{
	return strstr(entry->d_name, ".pmk") != NULL;
}

int main(int argc, char **argv)
{
	struct pmk_world *world = pmk_world_model_create();
	struct dirent **entry = NULL;
	int n = argc == 2 ? scandir(argv[1], &entry, is_script, alphasort) : -1, wrong = 0;

	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", argv[1], entry[i]->d_name);
		wrong += run(path, entry[i]->d_name, world);
		free(entry[i]);
	}
	free(entry);
	world->ops->destroy(world);
	printf("%d scripts, %d not as expected\n", n, wrong);
	return n <= 0 || wrong;
}
