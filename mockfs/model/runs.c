/* runs.c - run maps: a sorted list of blocks of sorted runs, so that a change moves one block. */
#include "runs.h"

#include "alloc.h"

#define BLOCK_MAX 64

struct pmk_runs_block {
	uint16_t n, cap;
	struct pmk_run run[];
};

void pmk_runs_init(struct pmk_runs *map, bool merge)
{
	*map = (struct pmk_runs){ .merge = merge };
}

void pmk_runs_deinit(struct pmk_runs *map)
{
	for (uint32_t i = 0; i < map->nblocks; i++)
		free(map->block[i]);
	free(map->block);
	free(map->spare);
	*map = (struct pmk_runs){ .merge = map->merge };
}

static struct pmk_runs_block *block_resize(struct pmk_runs_block *block, unsigned cap)
{
	block = pmk_alloc_check(realloc(block, sizeof(*block) + cap * sizeof(block->run[0])));
	block->cap = (uint16_t)cap;
	return block;
}

void pmk_runs_copy(struct pmk_runs *ret, const struct pmk_runs *map)
{
	*ret = *map;
	ret->cap = map->nblocks;
	ret->block = map->nblocks ? pmk_calloc(map->nblocks, sizeof(*ret->block)) : NULL;
	ret->spare = NULL;
	for (uint32_t i = 0; i < map->nblocks; i++) {
		const struct pmk_runs_block *from = map->block[i];

		ret->block[i] = block_resize(NULL, from->n);
		ret->block[i]->n = from->n;
		memcpy(ret->block[i]->run, from->run, from->n * sizeof(from->run[0]));
	}
}

/* The first block whose last run ends after `at`. */
static uint32_t find_block(const struct pmk_runs *map, uint64_t at)
{
	uint32_t lo = 0, hi = map->nblocks;

	if (hi &&
	    map->block[hi - 1]->run[0].start <= at) { /* growing at the end is the usual case */
		const struct pmk_runs_block *b = map->block[hi - 1];

		return b->run[b->n - 1].end > at ? hi - 1 : hi;
	}
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct pmk_runs_block *b = map->block[mid];

		if (b->run[b->n - 1].end > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static uint32_t find_index(const struct pmk_runs_block *b, uint64_t at)
{
	uint32_t lo = 0, hi = b->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (b->run[mid].end > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

const struct pmk_run *pmk_runs_seek(const struct pmk_runs *map, uint64_t at, struct pmk_cursor *cur)
{
	struct pmk_cursor c = { .map = map, .block = find_block(map, at) };

	if (c.block < map->nblocks)
		c.index = find_index(map->block[c.block], at);
	if (cur)
		*cur = c;
	return c.block < map->nblocks ? &map->block[c.block]->run[c.index] : NULL;
}

const struct pmk_run *pmk_runs_next(struct pmk_cursor *cur)
{
	const struct pmk_runs *map = cur->map;

	if (cur->block >= map->nblocks)
		return NULL;
	if (++cur->index >= map->block[cur->block]->n) {
		cur->index = 0;
		if (++cur->block >= map->nblocks)
			return NULL;
	}
	return &map->block[cur->block]->run[cur->index];
}

const struct pmk_run *pmk_runs_last(const struct pmk_runs *map)
{
	const struct pmk_runs_block *b;

	if (!map->nblocks)
		return NULL;
	b = map->block[map->nblocks - 1];
	return &b->run[b->n - 1];
}

const struct pmk_run *pmk_runs_find(const struct pmk_runs *map, uint64_t at)
{
	const struct pmk_run *run = pmk_runs_seek(map, at, NULL);

	return run && run->start <= at ? run : NULL;
}

bool pmk_runs_get(const struct pmk_runs *map, uint64_t at, struct pmk_value *ret)
{
	const struct pmk_run *run = pmk_runs_find(map, at);

	if (!run)
		return false;
	*ret = pmk_value_at(run->v, at - run->start);
	return true;
}

bool pmk_runs_piece(const struct pmk_runs *map, uint64_t end, struct pmk_piece *piece)
{
	uint64_t at = piece->end;
	const struct pmk_run *run;

	if (at >= end)
		return false;
	run = pmk_runs_seek(map, at, NULL);
	piece->start = at;
	piece->run = run && run->start <= at;
	if (piece->run) {
		piece->v = pmk_value_at(run->v, at - run->start);
		piece->end = run->end < end ? run->end : end;
	} else {
		piece->end = run && run->start < end ? run->start : end;
	}
	return true;
}

static struct pmk_run *at_cursor(const struct pmk_cursor *c)
{
	return &c->map->block[c->block]->run[c->index];
}

/* Inserts before the cursor's place, which afterwards is the new run. */
static void insert(struct pmk_runs *map, struct pmk_cursor *c, struct pmk_run run)
{
	struct pmk_runs_block *b;

	if (c->block == map->nblocks && map->nblocks) { /* at the very end: append to the last */
		c->block--;
		c->index = map->block[c->block]->n;
	}
	if (!map->nblocks || map->block[c->block]->n == BLOCK_MAX) {
		if (map->nblocks == map->cap) {
			map->cap = map->cap ? map->cap * 2 : 1;
			map->block = pmk_realloc(map->block, map->cap, sizeof(*map->block));
		}
		if (!map->nblocks) {
			map->block[map->nblocks++] = b =
				map->spare ? map->spare : block_resize(NULL, 2);
			map->spare = NULL;
			b->n = 0;
		} else { /* split; appending leaves the left one nearly full */
			unsigned left = c->index == BLOCK_MAX ? BLOCK_MAX - 2 : BLOCK_MAX / 2;

			b = block_resize(NULL, BLOCK_MAX);
			b->n = (uint16_t)(BLOCK_MAX - left);
			memcpy(b->run, map->block[c->block]->run + left, b->n * sizeof(run));
			map->block[c->block]->n = (uint16_t)left;
			memmove(map->block + c->block + 2, map->block + c->block + 1,
				(map->nblocks - c->block - 1) * sizeof(*map->block));
			map->block[c->block + 1] = b;
			map->nblocks++;
			if (c->index > left) {
				c->block++;
				c->index -= left;
			}
		}
	}
	b = map->block[c->block];
	if (b->n == b->cap)
		map->block[c->block] = b =
			block_resize(b, b->cap * 2 < BLOCK_MAX ? b->cap * 2u : BLOCK_MAX);
	memmove(b->run + c->index + 1, b->run + c->index, (b->n - c->index) * sizeof(run));
	b->run[c->index] = run;
	b->n++;
	map->n++;
}

/* Removes `count` runs from the cursor on; the cursor ends on the run after them. */
static void erase(struct pmk_runs *map, struct pmk_cursor *c, size_t count)
{
	map->n -= count;
	while (count) {
		struct pmk_runs_block *b = map->block[c->block];
		size_t here = b->n - c->index < count ? b->n - c->index : count;

		memmove(b->run + c->index, b->run + c->index + here,
			(b->n - c->index - here) * sizeof(b->run[0]));
		b->n = (uint16_t)(b->n - here);
		count -= here;
		if (!b->n) { /* removing many blocks one by one is rare: whole-range unmaps */
			free(map->spare);
			map->spare = b; /* what was emptied is often filled again */
			memmove(map->block + c->block, map->block + c->block + 1,
				(map->nblocks - c->block - 1) * sizeof(*map->block));
			map->nblocks--;
			c->index = 0;
		} else if (c->index == b->n) {
			c->block++;
			c->index = 0;
		}
	}
}

/* Cuts the cursor's run in two; the cursor stays on the left one. */
static void cut(struct pmk_runs *map, struct pmk_cursor *c, uint64_t at)
{
	struct pmk_run *right = at_cursor(c), left = *right;

	left.end = at;
	right->v = pmk_value_at(left.v, at - left.start);
	right->start = at;
	insert(map, c, left);
}

void pmk_runs_split(struct pmk_runs *map, uint64_t at)
{
	struct pmk_cursor c;
	const struct pmk_run *run = pmk_runs_seek(map, at, &c);

	if (run && run->start < at)
		cut(map, &c, at);
}

static bool continues(const struct pmk_run *left, const struct pmk_run *right)
{
	struct pmk_value v = pmk_value_at(left->v, right->start - left->start);

	return left->end == right->start && v.base == right->v.base && v.tag == right->v.tag;
}

void pmk_runs_merge_at(struct pmk_runs *map, uint64_t at)
{
	struct pmk_cursor c;
	const struct pmk_run *left, *right;
	struct pmk_run whole;

	if (!at)
		return;
	left = pmk_runs_seek(map, at - 1, &c);
	if (!left || left->end != at)
		return;
	whole = *left;
	right = pmk_runs_next(&c);
	if (!right || !continues(&whole, right))
		return;
	whole.end = right->end;
	erase(map, &c, 1);
	pmk_runs_seek(map, at - 1, &c);
	*at_cursor(&c) = whole;
}

void pmk_runs_clear(struct pmk_runs *map, uint64_t start, uint64_t end)
{
	const struct pmk_run *run;
	struct pmk_cursor c, from;
	size_t count = 0;

	if (start >= end)
		return;
	run = pmk_runs_seek(map, start, &c);
	if (!run || run->start >= end)
		return;
	if (run->start < start) {
		cut(map, &c, start);
		run = pmk_runs_next(&c);
	}
	for (from = c; run && run->end <= end; run = pmk_runs_next(&c))
		count++;
	if (run && run->start < end) { /* the last one loses its beginning */
		at_cursor(&c)->v = pmk_value_at(run->v, end - run->start);
		at_cursor(&c)->start = end;
	}
	if (count)
		erase(map, &from, count);
}

/* The run before the cursor's place, or NULL. */
static struct pmk_run *before(const struct pmk_cursor *c)
{
	struct pmk_cursor left = *c;

	if (left.index) {
		left.index--;
	} else if (left.block) {
		left.block--;
		left.index = c->map->block[left.block]->n - 1u;
	} else {
		return NULL;
	}
	return at_cursor(&left);
}

void pmk_runs_set(struct pmk_runs *map, uint64_t start, uint64_t end, struct pmk_value v)
{
	struct pmk_run run = { start, end, v }, *left, *right;
	struct pmk_cursor c;

	if (start >= end)
		return;
	pmk_runs_clear(map, start, end);
	right = pmk_runs_seek(map, start, &c) && map->merge ? at_cursor(&c) : NULL;
	left = map->merge ? before(&c) : NULL;
	if (right && !continues(&run, right))
		right = NULL;
	if (left && continues(left, &run)) {
		left->end = right ? right->end : end;
		if (right)
			erase(map, &c, 1);
	} else if (right) {
		run.end = right->end;
		*right = run;
	} else {
		insert(map, &c, run);
	}
}

uint64_t pmk_runs_gap(const struct pmk_runs *map, uint64_t from, uint64_t limit, uint64_t *ret)
{
	struct pmk_cursor c;
	const struct pmk_run *run = pmk_runs_seek(map, from, &c);

	while (run && run->start <= from && from < limit) {
		from = run->end;
		run = pmk_runs_next(&c);
	}
	if (from >= limit)
		return 0;
	*ret = from;
	return (run && run->start < limit ? run->start : limit) - from;
}
