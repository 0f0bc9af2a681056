/*
 * runs.h - the one container: an ordered map of runs [start, end) -> value.
 *
 * VMAs over page numbers, page-table entries over page numbers, frames over PFNs, slots over a swap
 * area, RAM over PFNs, processes over PIDs: all are run maps, so that cost follows the number of
 * runs and never the number of pages.
 *
 * A value is two words.  When tag has PMK_RUN_LINEAR, base advances by one a unit: unit start + i has
 * base + i.  Neighbouring runs whose values continue each other are one run in a map that merges.
 * Units are whatever the map counts in; ends are exclusive; UINT64_MAX is no valid unit.
 *
 * Not thread-safe.  Memory: 32 bytes a run plus at most half as much slack and one block.  When memory runs out
 * the process aborts (pmk_alloc.h): a map is never half changed.
 */
#ifndef PMK_RUNS_H
#define PMK_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PMK_RUN_LINEAR (1ull << 63)

struct pmk_value {
	uint64_t base, tag;
};

struct pmk_run {
	uint64_t start, end;
	struct pmk_value v;
};

struct pmk_runs_block;
struct pmk_runs {
	struct pmk_runs_block **block, *spare; /* spare: the last one that was emptied, or NULL */
	uint32_t nblocks, cap;
	size_t n; /* runs in the map */
	bool merge;
};

/* A place between runs; any change of the map but through it makes it void. */
struct pmk_cursor {
	const struct pmk_runs *map;
	uint32_t block, index;
};

void pmk_runs_init(struct pmk_runs *map, bool merge);
void pmk_runs_deinit(struct pmk_runs *map);
void pmk_runs_copy(struct pmk_runs *ret, const struct pmk_runs *map);

/* The run that holds `at`, or NULL. */
const struct pmk_run *pmk_runs_find(const struct pmk_runs *map, uint64_t at);
/* The value at `at`, advanced to it.  False: nothing there, *ret untouched. */
bool pmk_runs_get(const struct pmk_runs *map, uint64_t at, struct pmk_value *ret);

/* The first run that ends after `at`, and the one after it; NULL at the end. */
const struct pmk_run *pmk_runs_seek(const struct pmk_runs *map, uint64_t at,
				    struct pmk_cursor *cur);
const struct pmk_run *pmk_runs_next(struct pmk_cursor *cur);
/* The last run of the map, or NULL. */
const struct pmk_run *pmk_runs_last(const struct pmk_runs *map);

/* One piece of [start, end): a run clipped to it with its value advanced, or a gap (run false).
 * Walk: p.end = start; while (pmk_runs_piece(map, end, &p)) ...; the map may change between steps. */
struct pmk_piece {
	uint64_t start, end;
	struct pmk_value v;
	bool run;
};
bool pmk_runs_piece(const struct pmk_runs *map, uint64_t end, struct pmk_piece *piece);

/* Sets [start, end), replacing whatever is there. */
void pmk_runs_set(struct pmk_runs *map, uint64_t start, uint64_t end, struct pmk_value v);
/* Empties [start, end). */
void pmk_runs_clear(struct pmk_runs *map, uint64_t start, uint64_t end);
/* Makes `at` a border of whatever run holds it. */
void pmk_runs_split(struct pmk_runs *map, uint64_t at);
/* Makes the two runs that meet at `at` one, if their values continue each other. */
void pmk_runs_merge_at(struct pmk_runs *map, uint64_t at);

/* The lowest gap at or above `from` that ends at or below `limit`: its length, 0: none. */
uint64_t pmk_runs_gap(const struct pmk_runs *map, uint64_t from, uint64_t limit, uint64_t *ret);

static inline struct pmk_value pmk_value_at(struct pmk_value v, uint64_t by)
{
	if (v.tag & PMK_RUN_LINEAR)
		v.base += by;
	return v;
}

#endif /* PMK_RUNS_H */
