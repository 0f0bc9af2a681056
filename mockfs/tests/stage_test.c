/* SPDX-License-Identifier: MIT */
/* stage_test.c - what a script cannot do is said, at its place: a script that parses, played on the model, and the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profile.h"
#include "stage.h"

#define S "scenario 1\nkernel 6.18\n"

/* clang-format off */
static const struct wrong {
	const char *text, *message;
} wrongs[] = {
#define WRONG(text, message) {text, message},
#include "stage_errors.def"
};
/* clang-format on */

/* The message for a script in a file, or "" when all of it can be done. */
static void play(struct pmk_stage *stage, const char *path, const char *text, char *ret,
		 size_t size)
{
	struct pmk_error err = { .line = 0 };
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
	*ret = '\0';
	if (pmk_stage_play(stage, path, NULL, &err))
		snprintf(ret, size, "%u:%u: %s", err.line, err.col, err.text);
}

static void test_errors(void **state)
{
	char path[] = "/tmp/pmk-stage-test-XXXXXX", said[512];
	int fd = mkstemp(path);
	unsigned wrong = 0;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		struct pmk_world *world = pmk_world_model_create();
		struct pmk_stage *stage = pmk_stage_create(world);

		play(stage, path, wrongs[i].text, said, sizeof(said));
		if (strcmp(said, wrongs[i].message) != 0) {
			print_error("%s\n    says '%s'\nexpected '%s'\n", wrongs[i].text, said,
				    wrongs[i].message);
			wrong++;
		}
		pmk_stage_destroy(stage);
		world->ops->destroy(world);
	}
	unlink(path);
	assert_int_equal(wrong, 0);
}

/* A script that is not there, with and without somebody to tell. */
static void test_no_file(void **state)
{
	struct pmk_world *world = pmk_world_model_create();
	struct pmk_stage *stage = pmk_stage_create(world);
	struct pmk_error err;

	(void)state;
	assert_int_equal(pmk_stage_play(stage, "/nonexistent.pmk", NULL, &err), -1);
	assert_string_equal(err.file, "/nonexistent.pmk");
	assert_int_equal(pmk_stage_play(stage, "/nonexistent.pmk", NULL, NULL), -1);
	pmk_stage_destroy(stage);
	world->ops->destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
