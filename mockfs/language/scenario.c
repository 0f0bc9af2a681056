/* scenario.c - scripts by name: see scenario.h. */
#include "scenario.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "alloc.h"
#include "words.h"

const struct pmk_embedded *pmk_scenario_find(const char *name)
{
	for (size_t i = 0; i < pmk_scenarios_count; i++)
		if (!strcmp(pmk_scenarios[i].stem, name) || !strcmp(pmk_scenarios[i].name, name))
			return &pmk_scenarios[i];
	return NULL;
}

/* Neither a file nor a scenario: says so, and which scenario is near. */
static void nothing_there(const char *path, struct pmk_error *err)
{
	struct pmk_guess guess = { .text = path, .len = strlen(path) };

	for (size_t i = 0; i < pmk_scenarios_count; i++)
		pmk_guess_try(&guess, pmk_scenarios[i].stem);
	pmk_error_set(err, path, 0, 0, "%s, and no scenario ('pmkit run --list')%s%s%s",
		      strerror(ENOENT), guess.best ? "; did you mean '" : "",
		      guess.best ? guess.best : "", guess.best ? "'?" : "");
}

char *pmk_script_read(const char *path, size_t *ret_len, struct pmk_error *err)
{
	const struct pmk_embedded *scenario;
	struct stat st;
	char *text;

	if (!strcmp(path, "-") || strchr(path, '/') || stat(path, &st) == 0 || errno != ENOENT)
		return pmk_file_read(path, PMK_SCRIPT_SIZE_MAX, ret_len, err);
	scenario = pmk_scenario_find(path);
	if (!scenario) {
		nothing_there(path, err);
		return NULL;
	}
	text = pmk_alloc(scenario->len + 1);
	memcpy(text, scenario->text, scenario->len + 1);
	*ret_len = scenario->len;
	return text;
}

void pmk_scenarios_print(FILE *out)
{
	const char *last = "";
	int width = 0;

	for (size_t i = 0; i < pmk_scenarios_count; i++)
		if ((int)strlen(pmk_scenarios[i].stem) > width)
			width = (int)strlen(pmk_scenarios[i].stem);
	for (size_t i = 0; i < pmk_scenarios_count; i++) {
		const struct pmk_embedded *s = &pmk_scenarios[i];
		const char *about = s->text + strspn(s->text, "# ");
		size_t theme = strcspn(s->stem, "-");

		if (strncmp(last, s->stem, theme + 1) != 0)
			fprintf(out, "%s%.*s\n", i ? "\n" : "", (int)theme, s->stem);
		last = s->stem;
		fprintf(out, "  %-*s  %.*s\n", width, s->stem, (int)strcspn(about, "\n"), about);
	}
}
