/* script.c - the tables of the language, errors, and whole scripts in memory. */
#include "script.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "scenario.h"

/* ---- tables: LIST(prefix, A, B) is {prefixA, prefixB} ---------------------------------------- */

#define LIST_1(p, a)	   p##a
#define LIST_2(p, a, ...)  p##a, LIST_1(p, __VA_ARGS__)
#define LIST_3(p, a, ...)  p##a, LIST_2(p, __VA_ARGS__)
#define LIST_4(p, a, ...)  p##a, LIST_3(p, __VA_ARGS__)
#define LIST_5(p, a, ...)  p##a, LIST_4(p, __VA_ARGS__)
#define LIST_6(p, a, ...)  p##a, LIST_5(p, __VA_ARGS__)
#define LIST_7(p, a, ...)  p##a, LIST_6(p, __VA_ARGS__)
#define LIST_8(p, a, ...)  p##a, LIST_7(p, __VA_ARGS__)
#define LIST_9(p, a, ...)  p##a, LIST_8(p, __VA_ARGS__)
#define LIST_10(p, a, ...) p##a, LIST_9(p, __VA_ARGS__)
#define LIST_11(p, a, ...) p##a, LIST_10(p, __VA_ARGS__)
#define LIST_12(p, a, ...) p##a, LIST_11(p, __VA_ARGS__)
#define LIST_13(p, a, ...) p##a, LIST_12(p, __VA_ARGS__)
#define LIST_14(p, a, ...) p##a, LIST_13(p, __VA_ARGS__)
/* clang-format off */
#define LIST_PICK(a, b, c, d, e, f, g, h, i, j, k, l, m, n, list, ...) list
#define LIST(p, ...)                                                                              \
	{                                                                                         \
		LIST_PICK(__VA_ARGS__, LIST_14, LIST_13, LIST_12, LIST_11, LIST_10, LIST_9, LIST_8, \
			  LIST_7, LIST_6, LIST_5, LIST_4, LIST_3, LIST_2, LIST_1, 0)              \
		(p, __VA_ARGS__)                                                                  \
	}
/* clang-format on */
#define ARGS(...)	   LIST(PMK_ARG_, __VA_ARGS__)
#define OPTS(...)	   LIST(PMK_OPT_, __VA_ARGS__)

const struct pmk_stmt_info pmk_stmt_info[PMK_STMT_COUNT] = {
#define STATEMENT(id, kind, subject, word, args, opts, summary) \
	{ word, PMK_##kind, PMK_##subject, args, opts, summary },
#include "statements.def"
#undef STATEMENT
};

#define STATEMENT(id, kind, subject, word, args, opts, summary)

const struct pmk_arg_info pmk_arg_info[PMK_ARG_COUNT] = {
#define ARGUMENT(type, grammar, expected) { grammar, expected },
#include "statements.def"
};

const struct pmk_opt_info pmk_opt_info[PMK_OPT_TOTAL] = {
#define OPTION(id, key, type, meaning) { key, PMK_VALUE_##type, meaning },
#include "statements.def"
};

const struct pmk_arg *pmk_stmt_opt(const struct pmk_stmt *stmt, enum pmk_opt_id id)
{
	const uint8_t *opts = pmk_stmt_info[stmt->id].opts;

	for (unsigned i = 0; stmt->opt && opts[i]; i++)
		if (opts[i] == id)
			return stmt->opt[i].col ? &stmt->opt[i] : NULL;
	return NULL;
}

/* ---- errors --------------------------------------------------------------------------------- */

/* A message is one line, whatever a file's name or a text holds. */
static void flatten(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

int pmk_error_set(struct pmk_error *err, const char *file, unsigned line, unsigned col,
		  const char *format, ...)
{
	struct pmk_error made = { .line = line, .col = col };
	size_t len = file ? strlen(file) : 0;
	va_list args;

	if (!err)
		return -1;
	/* Of a long path the end says more than the start. */
	if (len >= sizeof(made.file))
		snprintf(made.file, sizeof(made.file), "...%s", file + len - sizeof(made.file) + 4);
	else if (file)
		memcpy(made.file, file, len);
	va_start(args, format);
	vsnprintf(made.text, sizeof(made.text), format, args);
	va_end(args);
	flatten(made.file);
	flatten(made.text);
	*err = made;
	return -1;
}

size_t pmk_error_format(const struct pmk_error *err, char *buf, size_t size)
{
	char place[sizeof(err->file) + 32] = "";
	size_t len = 0;

	if (err->file[0])
		len += (size_t)snprintf(place, sizeof(place), "%s:", err->file);
	if (err->line)
		len += (size_t)snprintf(place + len, sizeof(place) - len, "%u:", err->line);
	if (err->line && err->col)
		snprintf(place + len, sizeof(place) - len, "%u:", err->col);
	return (size_t)snprintf(buf, size, "%s%s%s", place, place[0] ? " " : "", err->text);
}

/* ---- whole scripts -------------------------------------------------------------------------- */

static int add_statement(struct pmk_script *script, size_t *room, const struct pmk_stmt *stmt)
{
	if (script->nstmts == *room) {
		size_t more = *room ? 2 * *room : 16;
		struct pmk_stmt *grown = realloc(script->stmt, more * sizeof(*grown));

		if (!grown)
			return -1;
		script->stmt = grown;
		*room = more;
	}
	script->stmt[script->nstmts++] = *stmt;
	return 0;
}

/* The script's texts and lists stay in its parser's arena. */
struct pmk_script *pmk_script_parse(const char *file, const char *text, size_t len,
				    struct pmk_error *err)
{
	struct pmk_script *script = calloc(1, sizeof(*script));
	struct pmk_parser *parser = pmk_parser_create(file, text, len);
	struct pmk_stmt stmt;
	size_t room = 0;
	int status;

	if (!script || !parser)
		goto no_memory;
	script->memory = parser;
	script->file = parser->file;
	parser->keep = true;
	while ((status = pmk_parser_next(parser, &stmt, err)) > 0)
		if (add_statement(script, &room, &stmt))
			goto no_memory;
	if (status < 0)
		goto fail;
	script->ntrailer = pmk_parser_trailer(parser, &script->trailer);
	return script;

no_memory:
	pmk_error_set(err, file, 0, 0, "out of memory");
fail:
	pmk_parser_destroy(parser);
	if (script)
		free(script->stmt);
	free(script);
	return NULL;
}

void pmk_script_destroy(struct pmk_script *script)
{
	if (!script)
		return;
	pmk_parser_destroy(script->memory);
	free(script->stmt);
	free(script);
}

/* Grows by doubling: pipes and files of /proc do not say their size. */
static int read_all(FILE *in, size_t max, char **buf, size_t *ret_len)
{
	size_t room = 0, len = 0, got;

	do {
		char *grown;

		if (len + 1 >= room) {
			room = room ? 2 * room : 65536;
			grown = realloc(*buf, room);
			if (!grown)
				return ENOMEM;
			*buf = grown;
		}
		got = fread(*buf + len, 1, room - 1 - len, in);
		len += got;
		if (len > max)
			return EFBIG;
	} while (got);
	if (ferror(in))
		return errno ? errno : EIO;
	(*buf)[len] = '\0';
	*ret_len = len;
	return 0;
}

char *pmk_file_read(const char *path, size_t max, size_t *ret_len, struct pmk_error *err)
{
	bool standard = !strcmp(path, "-");
	FILE *in = standard ? stdin : fopen(path, "rbe");
	char *buf = NULL;
	size_t len;
	int error;

	if (!in) {
		pmk_error_set(err, path, 0, 0, "%s", strerror(errno));
		return NULL;
	}
	errno = 0;
	error = read_all(in, max, &buf, &len);
	if (!standard)
		fclose(in);
	if (!error) {
		*ret_len = len;
		return buf;
	}
	free(buf);
	if (error == ENOMEM)
		pmk_error_set(err, path, 0, 0, "out of memory");
	else if (error == EFBIG)
		pmk_error_set(err, path, 0, 0, "the file is larger than %zu bytes", max);
	else
		pmk_error_set(err, path, 0, 0, "%s", strerror(error));
	return NULL;
}

struct pmk_script *pmk_script_load(const char *path, struct pmk_error *err)
{
	struct pmk_script *script;
	size_t len;
	char *text = pmk_script_read(path, &len, err);

	if (!text)
		return NULL;
	script = pmk_script_parse(path, text, len, err);
	free(text);
	return script;
}
