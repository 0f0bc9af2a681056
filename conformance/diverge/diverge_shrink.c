/* SPDX-License-Identifier: MIT */
/* diverge_shrink.c - shorter scripts that still show the same difference: ddmin, then smaller operations. */
#include "diverge.h"

#include <string.h>

struct shrink {
	struct pmk_pair *pair;
	struct pmk_ops *best; /* differs after its last operation */
	const struct pmk_difference *difference;
	unsigned runs;
};

#define RUNS_MAX 800

/* Whether the candidate shows it too; then it becomes the best, cut behind where it differs. */
static bool try(struct shrink *s, struct pmk_ops *candidate)
{
	struct pmk_difference d;
	int at;

	if (s->runs++ >= RUNS_MAX)
		return false;
	at = pmk_ops_run(s->pair, candidate, &d);
	if (at < 0 || !pmk_difference_alike(&d, s->difference))
		return false;
	candidate->n = (unsigned)at + 1;
	*s->best = *candidate;
	return true;
}

static bool try_without(struct shrink *s, unsigned first, unsigned n)
{
	static struct pmk_ops c;

	c = *s->best;
	memmove(&c.op[first], &c.op[first + n], (c.n - first - n) * sizeof(*c.op));
	c.n -= n;
	return try(s, &c);
}

/* Leaves out ever smaller chunks. */
static void drop_operations(struct shrink *s)
{
	for (unsigned chunk = s->best->n / 2; chunk; chunk /= 2)
		for (unsigned at = 0; at + chunk <= s->best->n;)
			if (!try_without(s, at, chunk))
				at += chunk;
}

/* One operation replaced. */
static bool try_op(struct shrink *s, unsigned i, const struct pmk_op *op)
{
	static struct pmk_ops c;

	if (!memcmp(op, &s->best->op[i], sizeof(*op)))
		return false;
	c = *s->best;
	c.op[i] = *op;
	return try(s, &c);
}

/* Fewer pages: from either end, by halves and by one. */
static bool smaller(struct shrink *s, unsigned i)
{
	bool any = false, again = true;

	while (again && i < s->best->n) {
		unsigned n = s->best->op[i].n;
		unsigned by[] = { n / 2, 1 };

		again = false;
		for (unsigned k = 0; k < 4 && !again && i < s->best->n; k++) {
			struct pmk_op op = s->best->op[i];

			if (op.n <= by[k / 2] || !by[k / 2])
				continue;
			op.n -= by[k / 2];
			if (k & 1)
				op.page += by[k / 2];
			if (op.new_n == n)
				op.new_n = op.n;
			any |= again = try_op(s, i, &op);
		}
	}
	return any;
}

/* The plainest form of each field that can have one. */
static bool plainer(struct shrink *s, unsigned i)
{
	bool any = false;

	for (int field = 0; field < 4 && i < s->best->n; field++) {
		struct pmk_op op = s->best->op[i];

		if (field == 0)
			op.prot = PMK_PERM_R | PMK_PERM_W;
		else if (field == 1)
			op.shared = false;
		else if (field == 2 && op.id == PMK_OP_MMAP)
			op.object = -1, op.to = 0;
		else if (field == 3)
			op.dontunmap = false;
		any |= try_op(s, i, &op);
	}
	return any;
}

unsigned pmk_ops_shrink(struct pmk_pair *pair, struct pmk_ops *ops,
			const struct pmk_difference *difference)
{
	const struct pmk_difference wanted = *difference;
	struct shrink s = { .pair = pair, .best = ops, .difference = &wanted };
	bool again = true;

	while (again && s.runs < RUNS_MAX) {
		unsigned before = ops->n;

		drop_operations(&s);
		again = ops->n < before;
		for (unsigned i = 0; i < ops->n; i++) {
			again |= smaller(&s, i);
			again |= plainer(&s, i);
		}
	}
	return s.runs;
}
