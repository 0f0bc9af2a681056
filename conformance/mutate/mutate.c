/* SPDX-License-Identifier: MIT */
/* mutate.c - scripts changed at random: see mutate.h. */
#include "mutate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "pagemapkit.h"
#include "words.h"

#define LINE_MAX_ 512

struct mutation {
	uint64_t random;
	bool faults;
	char *line[PMK_MUTATE_LINES + 1];
	size_t n;
};

/* splitmix64 */
static uint64_t next(struct mutation *m)
{
	uint64_t z = m->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned below(struct mutation *m, unsigned n)
{
	return (unsigned)(next(m) % n);
}

/* ---- a line that is being written ----------------------------------------------------------------- */

struct out {
	char buf[LINE_MAX_];
	size_t len;
};

static void add(struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct out *o, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(o->buf + o->len, sizeof(o->buf) - o->len, format, args);
	va_end(args);
	o->len += n > 0 ? (size_t)n : 0;
	if (o->len >= sizeof(o->buf))
		o->len = sizeof(o->buf) - 1;
}

/* Small numbers mostly; else next to a power of two. */
static void add_number(struct mutation *m, struct out *o)
{
	uint64_t n = below(m, 3) ? below(m, 32) : UINT64_C(1) << below(m, 64);

	if (n > 32)
		n += below(m, 3) - 1u;
	add(o, below(m, 2) ? "%" PRIu64 : "%#" PRIx64, n);
}

static const char *const names[] = { "a", "b", "c", "d" };
#define NAMES (sizeof(names) / sizeof(*names))
static const char *const procs[] = { "p", "p", "p", "p", "q", "s" };
#define PROCS (sizeof(procs) / sizeof(*procs))

static void add_range(struct mutation *m, struct out *o)
{
	unsigned first = below(m, 16);

	add(o, "%s", names[below(m, NAMES)]);
	if (!below(m, 3))
		return;
	add(o, "[%u", first);
	if (below(m, 2))
		add(o, "-%u", first + below(m, 8));
	if (!below(m, 4))
		add(o, ",%u", below(m, 16));
	add(o, "]");
}

static bool add_word(struct mutation *m, struct out *o, enum pmk_arg_type type)
{
	size_t seen = 0;
	const char *word = NULL;

	for (size_t i = 0; i < pmk_nwords; i++)
		if (pmk_word[i].type == type && !below(m, (unsigned)++seen))
			word = pmk_word[i].word;
	if (word)
		add(o, "%s", word);
	return word != NULL;
}

static void add_frame_flags(struct mutation *m, struct out *o)
{
	char buf[640];

	for (unsigned i = below(m, 3) + 1; i--;) {
		pmk_kpageflags_to_names(UINT64_C(1) << below(m, 40), buf, sizeof(buf));
		add(o, "%s%s", buf, i ? " " : "");
	}
}

/* False: nothing is known of such arguments, so the statement is not made. */
static bool add_arg(struct mutation *m, struct out *o, enum pmk_arg_type type)
{
	static const char *const flags[] = { "none",	     "present",
					     "swap",	     "present exclusive",
					     "swap guard",   "present file",
					     "soft-dirty",   "present uffd-wp",
					     "swap uffd-wp", "present exclusive soft-dirty" };

	switch (type) {
	case PMK_ARG_NUMBER:
		add_number(m, o);
		return true;
	case PMK_ARG_PAGES:
		add(o, "%u", below(m, 16) + 1);
		return true;
	case PMK_ARG_NEWNAME:
		add(o, "%s", names[below(m, NAMES)]);
		return true;
	case PMK_ARG_NEWPROC:
		add(o, "%s", procs[below(m, PROCS)]);
		return true;
	case PMK_ARG_RANGE:
	case PMK_ARG_EXTENT:
	case PMK_ARG_FRAMES:
		add_range(m, o);
		return true;
	case PMK_ARG_PFNS:
		add(o, "%#x", below(m, 64));
		return true;
	case PMK_ARG_PERMS:
		add(o, "%s", ((const char *const[]){ "rw", "r", "rx", "w", "none" })[below(m, 5)]);
		return true;
	case PMK_ARG_POSITION:
	case PMK_ARG_ADDRESS:
		add(o, "%s[%u]", names[below(m, NAMES)], below(m, 16));
		return true;
	case PMK_ARG_HANDLE:
		return add_word(m, o, PMK_ARG_FILENAME);
	case PMK_ARG_FAILURE:
		add(o, "%s",
		    ((const char *const[]){ "short", "exit", "EIO", "EINTR" })[below(m, 4)]);
		return true;
	case PMK_ARG_ENTRYWORDS:
		add(o, "%s", flags[below(m, sizeof(flags) / sizeof(*flags))]);
		return true;
	case PMK_ARG_FRAMEWORDS:
		add_frame_flags(m, o);
		return true;
	default:
		return add_word(m, o, type);
	}
}

static void add_opts(struct mutation *m, struct out *o, const struct pmk_stmt_info *info)
{
	for (const uint8_t *opt = info->opts; *opt != PMK_OPT_NONE; opt++) {
		enum pmk_value_type type = pmk_opt_info[*opt].type;

		if (below(m, 4) || *opt == PMK_OPT_PID || *opt == PMK_OPT_AT)
			continue;
		if (type == PMK_VALUE_FLAG)
			add(o, " %s", pmk_opt_info[*opt].key);
		if (type != PMK_VALUE_NUMBER && type != PMK_VALUE_SYMBOL)
			continue;
		add(o, " %s=", pmk_opt_info[*opt].key);
		if (type == PMK_VALUE_NUMBER && *opt == PMK_OPT_TYPE)
			add(o, "%u", below(m, 32));
		else
			add_number(m, o);
	}
}

static bool wanted(const struct mutation *m, const struct pmk_stmt_info *info)
{
	return info->kind == PMK_OP || info->kind == PMK_GIVEN || info->kind == PMK_CALL ||
	       info->kind == PMK_EXPECT || (info->kind == PMK_FAULT && m->faults);
}

/* Most statements are about a region, so one comes first. */
static bool has_region(const struct mutation *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (strstr(m->line[i], ": map ") || strstr(m->line[i], ": given-vma "))
			return true;
	return false;
}

/* A statement of which nothing is known but its row in statements.def. */
static char *make_line(struct mutation *m)
{
	for (int tries = 0; tries < 50; tries++) {
		enum pmk_stmt_id id = !has_region(m) && below(m, 4) ? PMK_STMT_MAP
				      : below(m, 2)		    ? below(m, PMK_STMT_COUNT)
				      : below(m, 4)		    ? PMK_STMT_G_ENTRY
								    : PMK_STMT_MAP;
		const struct pmk_stmt_info *info = &pmk_stmt_info[id];
		struct out o = { .len = 0 };
		bool ok = wanted(m, info);

		if (info->subject == PMK_PROCESS)
			add(&o, "%s: ", procs[below(m, PROCS)]);
		add(&o, "%s", info->word);
		for (const uint8_t *arg = info->args; ok && *arg != PMK_ARG_NONE; arg++) {
			add(&o, " ");
			ok = add_arg(m, &o, (enum pmk_arg_type) * arg);
		}
		if (!ok)
			continue;
		add_opts(m, &o, info);
		return pmk_strdup(o.buf);
	}
	return pmk_strdup("p: map a 8 anon private rw");
}

/* ---- lines that are there --------------------------------------------------------------------------- */

static void insert(struct mutation *m, size_t at, char *line)
{
	if (m->n >= PMK_MUTATE_LINES) {
		free(line);
		return;
	}
	memmove(&m->line[at + 1], &m->line[at], (m->n - at) * sizeof(*m->line));
	m->line[at] = line;
	m->n++;
}

static void take(struct mutation *m, size_t at)
{
	free(m->line[at]);
	memmove(&m->line[at], &m->line[at + 1], (--m->n - at) * sizeof(*m->line));
}

static void set_kernel(struct mutation *m)
{
	static const char *const kernels[] = { "6.18/x86_64-soft-dirty",
					       "6.18/x86_64+soft-dirty",
					       "6.1/x86_64",
					       "6.12/arm64",
					       "6.12/ppc64el-64k",
					       "5.10/x86_64",
					       "4.1/x86_64",
					       "3.10/x86_64",
					       "7.3/arm64-64k",
					       "4.19/i386",
					       "7.3/x86_64",
					       "6.7/x86_64" };
	struct out o = { .len = 0 };

	add(&o, "kernel %s", kernels[below(m, sizeof(kernels) / sizeof(*kernels))]);
	for (size_t i = 0; i < m->n; i++)
		if (!strncmp(m->line[i], "kernel ", 7)) {
			free(m->line[i]);
			m->line[i] = pmk_strdup(o.buf);
			return;
		}
	insert(m, m->n ? 1 : 0, pmk_strdup(o.buf));
}

/* Another number where there is one. */
static void change_number(struct mutation *m, size_t at)
{
	char *s = m->line[at], *where = NULL;
	struct out o = { .len = 0 };
	unsigned seen = 0;

	for (char *p = s; *p; p++)
		if (*p >= '0' && *p <= '9' && (p == s || strchr("[-, =", p[-1])) &&
		    !below(m, ++seen))
			where = p;
	if (!where)
		return;
	add(&o, "%.*s", (int)(where - s), s);
	add_number(m, &o);
	add(&o, "%s", where + strspn(where, "0123456789abcdefx"));
	free(s);
	m->line[at] = pmk_strdup(o.buf);
}

/* Another word of the same kind. */
static void change_word(struct mutation *m, size_t at)
{
	char *s = m->line[at];
	struct out o = { .len = 0 };

	for (char *p = s, *end; *p; p = end + strspn(end, " ")) {
		const struct pmk_word *known = NULL;
		size_t len = strcspn(p, " ");

		end = p + len;
		for (size_t i = 0; i < pmk_nwords && !known; i++)
			if (pmk_word_is(p, len, pmk_word[i].word))
				known = &pmk_word[i];
		if (o.len)
			add(&o, " ");
		if (known && !below(m, 2))
			add_word(m, &o, known->type);
		else
			add(&o, "%.*s", (int)len, p);
	}
	free(s);
	m->line[at] = pmk_strdup(o.buf);
}

static void change(struct mutation *m)
{
	size_t at = m->n > 1 ? 1 + below(m, (unsigned)m->n - 1) : m->n;
	char *line;

	switch (m->n > 1 ? below(m, 12) : 0) {
	case 0:
	case 1:
	case 2:
	case 3:
		insert(m, at < m->n && below(m, 2) ? at : m->n, make_line(m));
		break;
	case 4:
		insert(m, m->n, pmk_strdup(m->line[at]));
		break;
	case 5:
		line = m->line[at];
		m->line[at] = m->line[m->n - 1];
		m->line[m->n - 1] = line;
		break;
	case 6:
		take(m, at);
		break;
	case 7:
		set_kernel(m);
		break;
	case 8:
		change_word(m, at);
		break;
	default:
		change_number(m, at);
		break;
	}
}

size_t pmk_mutate(char *text, size_t len, size_t max, uint64_t seed, bool faults)
{
	struct mutation m = { .random = seed, .faults = faults };
	size_t used = 0;

	for (const char *s = text, *end; s < text + len && m.n < PMK_MUTATE_LINES; s = end + 1) {
		end = memchr(s, '\n', (size_t)(text + len - s));
		if (!end)
			end = text + len;
		/* not strndup(): the sanitizer's looks at one byte more, which an engine's buffer may not have */
		m.line[m.n] = pmk_calloc((size_t)(end - s) + 1, 1);
		memcpy(m.line[m.n++], s, (size_t)(end - s));
	}
	if (!m.n)
		insert(&m, 0, pmk_strdup("scenario 1"));
	for (unsigned i = below(&m, 4) + 1; i--;)
		change(&m);
	for (size_t i = 0; i < m.n; i++) {
		size_t n = strlen(m.line[i]);

		if (used + n + 1 <= max) {
			memcpy(text + used, m.line[i], n);
			text[used + n] = '\n';
			used += n + 1;
		}
		free(m.line[i]);
	}
	return used;
}
