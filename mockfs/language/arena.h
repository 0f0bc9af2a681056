/*
 * arena.h - memory that is given back all at once.
 *
 * The parser keeps a statement's texts and lists in one: for a stream it is reset before each
 * statement, for a script it lives as long as the script.
 */
#ifndef PMK_ARENA_H
#define PMK_ARENA_H

#include <stddef.h>

struct pmk_arena_chunk;

struct pmk_arena {
	struct pmk_arena_chunk *chunk; /* the newest; older ones behind it */
	size_t used; /* of the newest */
};

/* A zeroed struct pmk_arena is an empty one. */
void pmk_arena_deinit(struct pmk_arena *arena);
/* Gives everything back, but keeps one chunk for what comes next. */
void pmk_arena_reset(struct pmk_arena *arena);
/* `size` bytes, not cleared, for any type; NULL when there is no memory. */
void *pmk_arena_alloc(struct pmk_arena *arena, size_t size);
/* The same for chars only: without the padding. */
char *pmk_arena_text(struct pmk_arena *arena, size_t size);
/* `list`, which holds `n` elements of `size` bytes, with room for one more; it grows by doubling, so
 * the room follows from n alone.  NULL when there is no memory. */
void *pmk_arena_push(struct pmk_arena *arena, const void *list, size_t n, size_t size);

#endif /* PMK_ARENA_H */
