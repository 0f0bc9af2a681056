/* SPDX-License-Identifier: MIT */
/* symbols.c - two run maps a name and a kind: index to value, and back. */
#include "symbols.h"

#include <string.h>

#include "alloc.h"
#include "runs.h"

static const char *const kind_name[PMK_SYMBOL_KINDS] = { "pfn", "offset", "cgroup" };

struct symbol {
	char *name;
	enum pmk_symbol_kind kind;
	struct pmk_runs value; /* index -> value, linear */
};

/* One binding, to be undone. */
struct binding {
	size_t symbol;
	uint64_t index, value, n;
};

struct pmk_symbols {
	struct symbol *symbol;
	size_t nsymbols;
	struct pmk_runs owner[PMK_SYMBOL_KINDS]; /* value -> index, linear; tag is the symbol */
	struct binding *journal;
	size_t njournal, journal_cap;
};

struct pmk_symbols *pmk_symbols_create(void)
{
	struct pmk_symbols *s = pmk_calloc(1, sizeof(*s));

	for (int kind = 0; kind < PMK_SYMBOL_KINDS; kind++)
		pmk_runs_init(&s->owner[kind], true);
	return s;
}

void pmk_symbols_destroy(struct pmk_symbols *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nsymbols; i++) {
		free(s->symbol[i].name);
		pmk_runs_deinit(&s->symbol[i].value);
	}
	for (int kind = 0; kind < PMK_SYMBOL_KINDS; kind++)
		pmk_runs_deinit(&s->owner[kind]);
	free(s->symbol);
	free(s->journal);
	free(s);
}

static size_t symbol_find(struct pmk_symbols *s, enum pmk_symbol_kind kind, const char *name)
{
	struct symbol *added;

	for (size_t i = 0; i < s->nsymbols; i++)
		if (s->symbol[i].kind == kind && !strcmp(s->symbol[i].name, name))
			return i;
	s->symbol = pmk_realloc(s->symbol, s->nsymbols + 1, sizeof(*s->symbol));
	added = &s->symbol[s->nsymbols];
	added->name = pmk_strdup(name);
	added->kind = kind;
	pmk_runs_init(&added->value, true);
	return s->nsymbols++;
}

static void journal_add(struct pmk_symbols *s, struct binding binding)
{
	if (s->njournal == s->journal_cap) {
		s->journal_cap = s->journal_cap ? s->journal_cap * 2 : 16;
		s->journal = pmk_realloc(s->journal, s->journal_cap, sizeof(*s->journal));
	}
	s->journal[s->njournal++] = binding;
}

static void bind_new(struct pmk_symbols *s, struct binding b)
{
	struct symbol *symbol = &s->symbol[b.symbol];

	pmk_runs_set(&symbol->value, b.index, b.index + b.n,
		     (struct pmk_value){ b.value, PMK_RUN_LINEAR });
	pmk_runs_set(&s->owner[symbol->kind], b.value, b.value + b.n,
		     (struct pmk_value){ b.index, PMK_RUN_LINEAR | b.symbol });
	journal_add(s, b);
}

/* Whether nobody has the values yet; says who has. */
static bool values_free(const struct pmk_symbols *s, const struct binding *b, struct pmk_text *why)
{
	const struct symbol *symbol = &s->symbol[b->symbol];
	struct pmk_piece p = { .end = b->value };

	while (pmk_runs_piece(&s->owner[symbol->kind], b->value + b->n, &p)) {
		const char *other;

		if (!p.run)
			continue;
		other = s->symbol[p.v.tag & ~PMK_RUN_LINEAR].name;
		pmk_text_add(why, "%s %s[%llu] is %#llx, which is %s[%llu]",
			     kind_name[symbol->kind], symbol->name,
			     (unsigned long long)(b->index + (p.start - b->value)),
			     (unsigned long long)p.start, other, (unsigned long long)p.v.base);
		return false;
	}
	return true;
}

bool pmk_symbols_bind(struct pmk_symbols *s, enum pmk_symbol_kind kind, const char *name,
		      uint64_t index, uint64_t value, uint64_t n, struct pmk_text *why)
{
	size_t symbol = symbol_find(s, kind, name);
	struct pmk_piece p = { .end = index };

	while (pmk_runs_piece(&s->symbol[symbol].value, index + n, &p)) {
		struct binding b = { symbol, p.start, value + (p.start - index), p.end - p.start };

		if (p.run && p.v.base != b.value) {
			pmk_text_add(why, "%s %s[%llu] is %#llx here and was %#llx",
				     kind_name[kind], name, (unsigned long long)p.start,
				     (unsigned long long)b.value, (unsigned long long)p.v.base);
			return false;
		}
		if (p.run)
			continue;
		if (!values_free(s, &b, why))
			return false;
		bind_new(s, b);
	}
	return true;
}

void pmk_symbols_rollback(struct pmk_symbols *s)
{
	while (s->njournal) {
		const struct binding *b = &s->journal[--s->njournal];
		struct symbol *symbol = &s->symbol[b->symbol];

		pmk_runs_clear(&symbol->value, b->index, b->index + b->n);
		pmk_runs_clear(&s->owner[symbol->kind], b->value, b->value + b->n);
	}
}

void pmk_symbols_commit(struct pmk_symbols *s)
{
	s->njournal = 0;
}
