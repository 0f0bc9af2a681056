/* SPDX-License-Identifier: MIT */
/* suite.c - finds and parses scripts, and picks those that somebody asks for. */
#include "suite.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "alloc.h"
#include "clauses.h"
#include "scenario.h"
#include "text.h"

#define ABOUT_MAX 400

/* ---- one script ---------------------------------------------------------------------------------- */

/* Appends a comment line; true: the sentence has ended. */
static bool about_add(struct pmk_text *text, const char *line)
{
	const char *dot;

	line += strspn(line, "# \t");
	dot = strstr(line, ". ");
	pmk_text_add(text, "%s", text->len ? " " : "");
	if (dot) {
		pmk_text_add(text, "%.*s", (int)(dot - line + 1), line);
		return true;
	}
	pmk_text_add(text, "%s", line);
	return *line && line[strlen(line) - 1] == '.';
}

/* The first sentence of the comments above the first statements. */
static char *about_of(const struct pmk_script *script)
{
	char buf[ABOUT_MAX] = "";
	struct pmk_text text = PMK_TEXT(buf);

	for (size_t i = 0; i < script->nstmts && i < 2 && !text.len; i++) {
		const struct pmk_stmt *stmt = &script->stmt[i];

		for (size_t j = 0; j < stmt->nabove; j++) {
			if (stmt->above[j][0] != '#') {
				if (text.len)
					break;
				continue;
			}
			if (about_add(&text, stmt->above[j]))
				break;
		}
	}
	return pmk_strdup(buf);
}

static void case_clauses(struct pmk_case *c)
{
	for (size_t i = 0; i < c->script->nstmts; i++) {
		const struct pmk_stmt *stmt = &c->script->stmt[i];

		if (stmt->id != PMK_STMT_CLAUSE)
			continue;
		c->clause = pmk_realloc(c->clause, c->nclauses + stmt->arg[0].nwords,
					sizeof(*c->clause));
		for (size_t j = 0; j < stmt->arg[0].nwords; j++)
			c->clause[c->nclauses++] = stmt->arg[0].words[j];
	}
}

static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = pmk_strdup(slash ? slash + 1 : path);
	size_t len = strlen(name);

	if (len > 4 && !strcmp(name + len - 4, ".pmk"))
		name[len - 4] = '\0';
	return name;
}

static void suite_add(struct pmk_suite *suite, const char *file, struct pmk_script *script,
		      const struct pmk_error *error)
{
	struct pmk_case *c;

	suite->cases = pmk_realloc(suite->cases, suite->n + 1, sizeof(*suite->cases));
	c = &suite->cases[suite->n++];
	*c = (struct pmk_case){ .name = name_of(file), .script = script };
	if (!script) {
		c->error = *error;
		c->about = pmk_strdup("");
		return;
	}
	c->about = about_of(script);
	case_clauses(c);
}

static void case_deinit(struct pmk_case *c)
{
	pmk_script_destroy(c->script);
	free(c->clause);
	free(c->about);
	free(c->name);
}

void pmk_suite_deinit(struct pmk_suite *suite)
{
	for (size_t i = 0; i < suite->n; i++)
		case_deinit(&suite->cases[i]);
	free(suite->cases);
	*suite = (struct pmk_suite){ 0 };
}

/* ---- all scripts --------------------------------------------------------------------------------- */

static int is_script(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && entry->d_name[0] != '.' && !strcmp(entry->d_name + len - 4, ".pmk");
}

static int suite_folder(struct pmk_suite *suite, const char *dir, struct pmk_error *err)
{
	struct dirent **entry;
	int n = scandir(dir, &entry, is_script, alphasort);

	if (n < 0)
		return pmk_error_set(err, dir, 0, 0, "%s", strerror(errno));
	for (int i = 0; i < n; i++) {
		char path[4096];
		struct pmk_error error = { .line = 0 };

		snprintf(path, sizeof(path), "%s/%s", dir, entry[i]->d_name);
		suite_add(suite, path, pmk_script_load(path, &error), &error);
		free(entry[i]);
	}
	free(entry);
	return 0;
}

static void suite_embedded(struct pmk_suite *suite, const struct pmk_embedded *e, size_t n)
{
	*suite = (struct pmk_suite){ 0 };
	for (; n--; e++) {
		struct pmk_error error = { .line = 0 };

		suite_add(suite, e->name, pmk_script_parse(e->name, e->text, e->len, &error),
			  &error);
	}
}

int pmk_suite_init(struct pmk_suite *suite, struct pmk_error *err)
{
	const char *dir = getenv("PMKIT_SCRIPTS");

	*suite = (struct pmk_suite){ 0 };
	if (dir && *dir)
		return suite_folder(suite, dir, err);
	suite_embedded(suite, pmk_scripts, pmk_scripts_count);
	return 0;
}

void pmk_suite_questions(struct pmk_suite *suite)
{
	suite_embedded(suite, pmk_questions, pmk_questions_count);
}

/* ---- selection ----------------------------------------------------------------------------------- */

static bool case_matches(const struct pmk_case *c, const char *word)
{
	char *name = name_of(word);
	bool match = !strcmp(name, c->name);

	free(name);
	for (size_t i = 0; i < c->nclauses && !match; i++)
		match = !strncmp(c->clause[i], word, strlen(word));
	return match;
}

static bool ledger_has(const char *prefix)
{
	size_t n;
	const struct pmk_clause *clause = pmk_clauses(&n);

	for (size_t i = 0; i < n; i++)
		if (!strncmp(clause[i].id, prefix, strlen(prefix)))
			return true;
	return false;
}

static int unknown(const struct pmk_suite *suite, const char *word, struct pmk_error *err)
{
	size_t n;
	const struct pmk_clause *clause = pmk_clauses(&n);
	const char *near = NULL;

	if (strchr(word, '/') || strstr(word, ".pmk"))
		return pmk_error_set(err, word, 0, 0, "%s", strerror(ENOENT));
	if (suite->n)
		near = pmk_text_nearest(word, (const char *const *)&suite->cases[0].name, suite->n,
					sizeof(*suite->cases));
	if (!near)
		near = pmk_text_nearest(word, &clause[0].id, n, sizeof(*clause));
	return pmk_error_set(err, NULL, 0, 0, "no script, clause or file '%s'%s%s%s", word,
			     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static bool is_path(const char *word)
{
	struct stat st;

	return strchr(word, '/') || stat(word, &st) == 0;
}

static int select_word(struct pmk_suite *suite, struct pmk_suite *ret, bool *keep, const char *word,
		       struct pmk_error *err)
{
	bool found = false;

	if (is_path(word) || pmk_scenario_find(word)) {
		struct pmk_script *script = pmk_script_load(word, err);

		if (!script)
			return -1;
		suite_add(ret, word, script, NULL);
		return 0;
	}
	for (size_t i = 0; i < suite->n; i++) {
		if (!*word || !case_matches(&suite->cases[i], word))
			continue;
		keep[i] = found = true;
	}
	return found || (*word && ledger_has(word)) ? 0 : unknown(suite, word, err);
}

int pmk_suite_select(struct pmk_suite *suite, char *const *words, size_t n, struct pmk_error *err)
{
	struct pmk_suite selected = { 0 };
	bool *keep = pmk_calloc(suite->n + 1, sizeof(*keep));
	int result = 0;

	for (size_t i = 0; i < n && !result; i++)
		result = select_word(suite, &selected, keep, words[i], err);
	for (size_t i = 0; i < suite->n; i++) {
		if (!keep[i]) {
			case_deinit(&suite->cases[i]);
			continue;
		}
		selected.cases =
			pmk_realloc(selected.cases, selected.n + 1, sizeof(*selected.cases));
		selected.cases[selected.n++] = suite->cases[i];
	}
	free(suite->cases);
	*suite = selected;
	free(keep);
	return result;
}

bool pmk_case_proves(const struct pmk_case *c, const char *clause)
{
	for (size_t i = 0; i < c->nclauses; i++)
		if (!strcmp(c->clause[i], clause))
			return true;
	return false;
}
