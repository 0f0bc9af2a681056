/*
 * A run map is an array: set, clear, split, merge, find, gap and piece do to [start, end) -> value what
 * they would do to an array of units, and the runs are sorted, apart, and merged where the map merges.
 *
 * Input: bit 0 merges, bit 1 puts the array at the top of the numbers; then five bytes an operation.
 */
#include "fuzz.h"
#include "runs.h"

#define UNITS 400

struct model {
	uint64_t base; /* the unit that is number 0 of the array */
	bool merge;
	bool full[UNITS], border[UNITS + 1]; /* border: a run starts here */
	struct pmk_value v[UNITS];
};

static bool continues(const struct model *a, unsigned at)
{
	struct pmk_value v;

	if (!at || at >= UNITS || !a->full[at - 1] || !a->full[at])
		return false;
	v = pmk_value_at(a->v[at - 1], 1);
	return v.base == a->v[at].base && v.tag == a->v[at].tag;
}

static void merge(struct model *a, unsigned at)
{
	if (continues(a, at))
		a->border[at] = false;
}

static void clear(struct model *a, unsigned start, unsigned end)
{
	if (start >= end)
		return;
	for (unsigned i = start; i < end; i++)
		a->full[i] = a->border[i] = false;
	if (end < UNITS && a->full[end])
		a->border[end] = true;
}

static void set(struct model *a, unsigned start, unsigned end, struct pmk_value v)
{
	if (start >= end)
		return;
	clear(a, start, end);
	for (unsigned i = start; i < end; i++) {
		a->full[i] = true;
		a->v[i] = pmk_value_at(v, i - start);
	}
	a->border[start] = true;
	if (a->merge) {
		merge(a, end);
		merge(a, start);
	}
}

static unsigned run_end(const struct model *a, unsigned at)
{
	do
		at++;
	while (at < UNITS && a->full[at] && !a->border[at]);
	return at;
}

/* The runs of the map, one by one, are those of the array. */
static void check_all(const struct pmk_runs *map, const struct model *a)
{
	struct pmk_cursor c;
	const struct pmk_run *run = pmk_runs_seek(map, 0, &c), *last = NULL;
	size_t n = 0;

	for (unsigned i = 0, end; i < UNITS; i = end) {
		end = i + 1;
		if (!a->full[i])
			continue;
		end = run_end(a, i);
		CHECK(run, "a run for each run of the array");
		CHECK(run->start == a->base + i && run->end == a->base + end, "a run's range");
		CHECK(run->v.base == a->v[i].base && run->v.tag == a->v[i].tag, "a run's value");
		last = run;
		run = pmk_runs_next(&c);
		n++;
	}
	CHECK(!run && map->n == n, "no run more");
	run = pmk_runs_last(map);
	CHECK((run && last && run->start == last->start) || (!run && !last), "the last run");
}

static void check_at(const struct pmk_runs *map, const struct model *a, unsigned from, unsigned to)
{
	struct pmk_piece p = { .end = a->base + from };
	struct pmk_value v = { 1, 2 };
	uint64_t gap = 0, n;
	unsigned i = from, len = 0;

	CHECK(pmk_runs_get(map, a->base + from, &v) == a->full[from], "get() finds what is there");
	CHECK(a->full[from] ? v.base == a->v[from].base && v.tag == a->v[from].tag
			    : v.base == 1 && v.tag == 2,
	      "get() gives the unit's value or leaves it");
	for (; pmk_runs_piece(map, a->base + to, &p); i += (unsigned)(p.end - p.start)) {
		CHECK(p.start == a->base + i && p.end > p.start && p.end <= a->base + to,
		      "pieces follow each other");
		CHECK(p.run == a->full[i], "a piece is a run or a gap");
		CHECK(!p.run || (p.v.base == a->v[i].base && p.v.tag == a->v[i].tag),
		      "a piece has its value");
		for (unsigned k = i + 1; k < p.end - a->base; k++)
			CHECK(a->full[k] == p.run && !a->border[k], "a piece is of one run");
	}
	CHECK(from >= to || i == to, "pieces cover the range");
	for (i = from; i < to && a->full[i];)
		i++;
	while (i + len < to && !a->full[i + len])
		len++;
	n = pmk_runs_gap(map, a->base + from, a->base + to, &gap);
	CHECK(n == len && (!n || gap == a->base + i), "gap() is the lowest");
}

static void check_copy(const struct pmk_runs *map, const struct model *a)
{
	struct pmk_runs copy;

	pmk_runs_copy(&copy, map);
	check_all(&copy, a);
	pmk_runs_set(&copy, a->base, a->base + UNITS, (struct pmk_value){ 0, 0 });
	pmk_runs_deinit(&copy);
	check_all(map, a);
}

static void step(struct pmk_runs *map, struct model *a, struct fuzz_input *in)
{
	uint8_t op = fuzz_byte(in), x = fuzz_byte(in), y = fuzz_byte(in), z = fuzz_byte(in);
	unsigned start = (x | (op & 16u) << 4) % UNITS, n = y & 128 ? y & 127u : y & 7u;
	unsigned end = start + n < UNITS ? start + n : UNITS;
	struct pmk_value v = { z & 64 ? start : z & 3, (z & 32 ? PMK_RUN_LINEAR : 0) | (z & 4u) };

	switch (op & 7) {
	case 0:
	case 1:
		set(a, start, end, v);
		pmk_runs_set(map, a->base + start, a->base + end, v);
		break;
	case 2: /* many runs, so that there are many blocks */
		for (unsigned i = start; i < end; i++) {
			v.base = i * (1 + (z & 1u));
			set(a, i, i + 1, v);
			pmk_runs_set(map, a->base + i, a->base + i + 1, v);
		}
		break;
	case 3:
		clear(a, start, end);
		pmk_runs_clear(map, a->base + start, a->base + end);
		break;
	case 4:
		if (a->full[start])
			a->border[start] = true;
		pmk_runs_split(map, a->base + start);
		break;
	case 5:
		merge(a, start);
		pmk_runs_merge_at(map, a->base + start);
		break;
	case 6:
		check_copy(map, a);
		break;
	default:
		break;
	}
	check_all(map, a);
	check_at(map, a, start, end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size < 1024 ? size : 1024 };
	uint8_t how = fuzz_byte(&in);
	struct model a = { .base = how & 2 ? UINT64_MAX - UNITS : 0, .merge = how & 1 };
	struct pmk_runs map;

	pmk_runs_init(&map, a.merge);
	while (in.size)
		step(&map, &a, &in);
	pmk_runs_deinit(&map);
	return 0;
}
