/* SPDX-License-Identifier: MIT */
/* wrong.c - the table of what can be wrong, and the world in which it is. */
#include "wrong.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "alloc.h"
#include "pagemapkit.h"
#include "rules.h"

/* ---- the table ---- */

#define C(code)	      (UINT64_C(1) << PMK_REQ_##code)
#define READS	      (C(PREAD) | C(READFD) | C(READV) | C(PREADV))
#define FILE_ANY      (-1)
#define FILE_KPAGE    PMK_WRONG_KPAGE
#define FILE_(name)   PMK_FILE_##name
#define P(name)	      PMK_PAGEMAP_##name##_MASK
#define F(name)	      PMK_KPF_##name##_MASK
#define ALL	      UINT64_MAX
#define NO_ARG	      -1, 0
#define A0(value)     0, value
#define A2(value)     2, value
#define SYSCALL(name) 0, PMK_SYSCALL_##name
#define ANY_ERROR     PMK_WRONG_ERROR
#define ANY_VALUE     PMK_WRONG_VALUE
#define ANY_COUNT     PMK_WRONG_COUNT
#define MEMBER(member) \
	offsetof(struct pmk_procmap_query, member), sizeof(((struct pmk_procmap_query *)0)->member)

static const struct pmk_wrong rows[] = {
/* RESULT takes NO_ARG, A0() or SYSCALL() as two arguments at once, hence the dots */
#define RESULT(clauses, text, codes, file, ...) RESULT_(clauses, text, codes, file, __VA_ARGS__)
#define RESULT_(clauses_, text_, codes_, file_, arg_, value_, from_, to_) \
	{ .clauses = clauses_,                                            \
	  .text = text_,                                                  \
	  .kind = PMK_WRONG_RESULT,                                       \
	  .codes = codes_,                                                \
	  .file = file_,                                                  \
	  .arg = arg_,                                                    \
	  .value = (uint64_t)(value_),                                    \
	  .from = from_,                                                  \
	  .to = to_ },
#define WORDS(clauses_, text_, file_, mask_, value_, clear_, set_, add_) \
	{ .clauses = clauses_,                                           \
	  .text = text_,                                                 \
	  .kind = PMK_WRONG_WORDS,                                       \
	  .file = file_,                                                 \
	  .mask = mask_,                                                 \
	  .value = value_,                                               \
	  .clear = clear_,                                               \
	  .set = set_,                                                   \
	  .add = add_ },
#define TEXT(clauses_, text_, file_, old_, new_) \
	{ .clauses = clauses_,                   \
	  .text = text_,                         \
	  .kind = PMK_WRONG_TEXT,                \
	  .file = file_,                         \
	  .old = old_,                           \
	  .new = new_ },
#define REGIONS(clauses_, text_, clear_, set_, add_, walk_end_) \
	{ .clauses = clauses_,                                  \
	  .text = text_,                                        \
	  .kind = PMK_WRONG_REGIONS,                            \
	  .clear = clear_,                                      \
	  .set = set_,                                          \
	  .add = add_,                                          \
	  .walk_end = walk_end_ },
#define QUERY(clauses, text, ...) QUERY_(clauses, text, __VA_ARGS__)
#define QUERY_(clauses_, text_, offset_, size_, add_) \
	{ .clauses = clauses_,                        \
	  .text = text_,                              \
	  .kind = PMK_WRONG_QUERY,                    \
	  .offset = offset_,                          \
	  .size = size_,                              \
	  .add = add_ },
#define EXCUSE(clause, why)
#include "wrong.def"
#undef EXCUSE
};

static const struct {
	const char *what, *why;
} excuses[] = {
#define RESULT(...)
#define WORDS(...)
#define TEXT(...)
#define REGIONS(...)
#define QUERY(...)
#define EXCUSE(what, why) { what, why },
#include "wrong.def"
#undef EXCUSE
	{ NULL, NULL },
};

#define ROWS (sizeof(rows) / sizeof(*rows))

size_t pmk_wrong_count(void)
{
	size_t quirks = 0;

	for (int i = 0; i < PMK_QUIRK_COUNT; i++)
		quirks += *pmk_quirk[i].clauses != '\0';
	return ROWS + quirks + PMK_MUTANT_COUNT - 1;
}

void pmk_wrong_at(size_t i, struct pmk_wrong *ret)
{
	if (i < ROWS) {
		*ret = rows[i];
		return;
	}
	i -= ROWS;
	for (int q = 0; q < PMK_QUIRK_COUNT; q++) {
		if (!*pmk_quirk[q].clauses || i--)
			continue;
		*ret = (struct pmk_wrong){ .clauses = pmk_quirk[q].clauses,
					   .text = pmk_quirk[q].name,
					   .kind = PMK_WRONG_QUIRK,
					   .id = q };
		return;
	}
	*ret = (struct pmk_wrong){ .clauses = pmk_mutant_info[i + 1].clauses,
				   .text = pmk_mutant_info[i + 1].text,
				   .kind = PMK_WRONG_RULE,
				   .id = (int)i + 1 };
}

const char *pmk_wrong_excuse(const char *what)
{
	for (size_t i = 0; excuses[i].what; i++)
		if (!strcmp(excuses[i].what, what))
			return excuses[i].why;
	return NULL;
}

const char *pmk_wrong_excused(size_t i)
{
	return i < sizeof(excuses) / sizeof(*excuses) ? excuses[i].what : NULL;
}

/* ---- the world ---- */

struct wrong_world {
	struct pmk_world world;
	struct pmk_world *model;
	const struct pmk_wrong *wrong;
	enum pmk_wrong_how how;
	struct pmk_profile right; /* what the script is told */
	int *file[2]; /* by handle: of processes, of the observer; -1: none */
	int nfiles[2];
};

static struct wrong_world *self(struct pmk_world *world)
{
	return (struct wrong_world *)world;
}

static void toggle(struct pmk_profile *p, int quirk)
{
	pmk_profile_set(p, (enum pmk_feature)quirk, !pmk_profile_has(p, (enum pmk_feature)quirk));
}

static int wrong_reset(struct pmk_world *world, const struct pmk_profile *profile,
		       struct pmk_error *err)
{
	struct wrong_world *w = self(world);
	struct pmk_profile p = *profile;

	w->right = *profile;
	w->nfiles[0] = w->nfiles[1] = 0;
	if (w->wrong && w->wrong->kind == PMK_WRONG_RULE)
		p.mutant = (unsigned)w->wrong->id;
	if (w->wrong && w->wrong->kind == PMK_WRONG_QUIRK) {
		if (w->how != PMK_WRONG_IN)
			toggle(&w->right, w->wrong->id);
		if (w->how != PMK_WRONG_OTHER_IN)
			toggle(&p, w->wrong->id);
	}
	return w->model->ops->reset(w->model, &p, err);
}

static void remember_file(struct wrong_world *w, const struct pmk_request *r)
{
	int of = r->proc == PMK_OBSERVER;

	if (r->code != PMK_REQ_OPEN || r->handle < 0)
		return;
	if (r->handle >= w->nfiles[of]) {
		w->file[of] = pmk_realloc(w->file[of], (size_t)r->handle + 1, sizeof(int));
		while (w->nfiles[of] <= r->handle)
			w->file[of][w->nfiles[of]++] = -1;
	}
	w->file[of][r->handle] = (int)r->file;
}

static bool is_about(const struct wrong_world *w, const struct pmk_request *r)
{
	int of = r->proc == PMK_OBSERVER, file = -1;

	if (w->wrong->file == -1)
		return true;
	if (r->handle >= 0 && r->handle < w->nfiles[of])
		file = w->file[of][r->handle];
	return w->wrong->file == PMK_WRONG_KPAGE
		       ? file >= 0 && pmk_file_is_kpage((enum pmk_file)file)
		       : file == w->wrong->file;
}

static bool result_is(int64_t result, int64_t from)
{
	switch (from) {
	case PMK_WRONG_ANY:
		return true;
	case PMK_WRONG_ERROR:
		return result < 0;
	case PMK_WRONG_VALUE:
		return result >= 0;
	case PMK_WRONG_COUNT:
		return result > 0;
	default:
		return result == from;
	}
}

static void break_words(const struct pmk_wrong *x, char *buf, int64_t n)
{
	for (int64_t i = 0; i + 8 <= n; i += 8) {
		uint64_t word;

		memcpy(&word, buf + i, 8);
		if ((word & x->mask) != x->value)
			continue;
		word = ((word & ~x->clear) | x->set) + (uint64_t)x->add;
		memcpy(buf + i, &word, 8);
	}
}

static void break_text(const struct pmk_wrong *x, char *buf, int64_t n)
{
	size_t len = strlen(x->old);
	char *at = buf;

	while ((at = memmem(at, (size_t)(buf + n - at), x->old, len))) {
		memcpy(at, x->new, len);
		at += len;
	}
}

static void break_regions(const struct wrong_world *w, char *buf, int64_t n)
{
	const struct pmk_wrong *x = w->wrong;
	int64_t page = (int64_t)pmk_profile_page_size(&w->right);
	struct pmk_scan_arg arg;

	memcpy(&arg, buf, sizeof(arg));
	arg.walk_end += (uint64_t)(x->walk_end * page);
	memcpy(buf, &arg, sizeof(arg));
	for (int64_t i = 0; arg.vec && i < n; i++) {
		struct pmk_scan_region region;
		char *at = buf + sizeof(arg) + (size_t)i * sizeof(region);

		memcpy(&region, at, sizeof(region));
		region.categories = (region.categories & ~x->clear) | x->set;
		region.end += (uint64_t)(x->add * page);
		memcpy(at, &region, sizeof(region));
	}
}

static void break_query(const struct pmk_wrong *x, char *buf)
{
	uint64_t n = 0;
	uint32_t half;

	memcpy(&half, buf + x->offset, sizeof(half));
	memcpy(&n, buf + x->offset, x->size);
	n += (uint64_t)x->add;
	half += (uint32_t)x->add;
	memcpy(buf + x->offset, x->size == sizeof(half) ? (void *)&half : (void *)&n, x->size);
}

static int64_t wrong_request(struct pmk_world *world, const struct pmk_request *r)
{
	struct wrong_world *w = self(world);
	const struct pmk_wrong *x = w->wrong;
	int64_t result = w->model->ops->request(w->model, r);
	bool reads = READS >> r->code & 1;

	remember_file(w, r);
	if (!x)
		return result;
	switch (x->kind) {
	case PMK_WRONG_RESULT:
		if (x->codes >> r->code & 1 && is_about(w, r) && result_is(result, x->from) &&
		    (x->arg < 0 || r->a[x->arg] == (int64_t)x->value))
			return x->to;
		break;
	case PMK_WRONG_WORDS:
		if (reads && r->buf && is_about(w, r))
			break_words(x, r->buf, result);
		break;
	case PMK_WRONG_TEXT:
		if (reads && r->buf && result > 0 && is_about(w, r))
			break_text(x, r->buf, result);
		break;
	case PMK_WRONG_REGIONS:
		if (r->code == PMK_REQ_SCAN && r->buf)
			break_regions(w, r->buf, result);
		break;
	case PMK_WRONG_QUERY:
		if (r->code == PMK_REQ_PROCMAP_QUERY && r->buf && result >= 0)
			break_query(x, r->buf);
		break;
	case PMK_WRONG_QUIRK:
	case PMK_WRONG_RULE:
		break;
	}
	return result;
}

static bool wrong_has(struct pmk_world *world, enum pmk_feature feature, const char **why)
{
	struct wrong_world *w = self(world);
	bool has = w->model->ops->has(w->model, feature, why);

	return (int)feature < PMK_QUIRK_COUNT ? pmk_profile_has(&w->right, feature) : has;
}

static uint64_t wrong_fact(struct pmk_world *world, int fact)
{
	return self(world)->model->ops->fact(self(world)->model, fact);
}

static struct pmk_machine *wrong_machine(struct pmk_world *world)
{
	return self(world)->model->ops->machine(self(world)->model);
}

static void wrong_lock(struct pmk_world *world, bool on)
{
	self(world)->model->ops->lock(self(world)->model, on);
}

static void wrong_destroy(struct pmk_world *world)
{
	struct wrong_world *w = self(world);

	w->model->ops->destroy(w->model);
	free(w->file[0]);
	free(w->file[1]);
	free(w);
}

static const struct pmk_world_ops wrong_ops = {
	.name = "model",
	.id = PMK_WORLD_MODEL,
	.reset = wrong_reset,
	.request = wrong_request,
	.has = wrong_has,
	.fact = wrong_fact,
	.machine = wrong_machine,
	.lock = wrong_lock,
	.destroy = wrong_destroy,
};

struct pmk_world *pmk_world_wrong_create(void)
{
	struct wrong_world *w = pmk_calloc(1, sizeof(*w));

	w->world.ops = &wrong_ops;
	w->model = pmk_world_model_create();
	return &w->world;
}

void pmk_world_wrong_set(struct pmk_world *world, const struct pmk_wrong *wrong,
			 enum pmk_wrong_how how)
{
	self(world)->wrong = wrong;
	self(world)->how = how;
}
