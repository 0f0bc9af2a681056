/* arena.c - memory that is given back all at once. */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MIN 16384u
#define CHUNK_MAX (1u << 20)

struct pmk_arena_chunk {
	struct pmk_arena_chunk *older;
	size_t size;
	max_align_t data[];
};

void pmk_arena_deinit(struct pmk_arena *arena)
{
	while (arena->chunk) {
		struct pmk_arena_chunk *older = arena->chunk->older;

		free(arena->chunk);
		arena->chunk = older;
	}
	arena->used = 0;
}

void pmk_arena_reset(struct pmk_arena *arena)
{
	struct pmk_arena keep = { .chunk = arena->chunk };

	if (keep.chunk) {
		arena->chunk = keep.chunk->older;
		keep.chunk->older = NULL;
		pmk_arena_deinit(arena);
	}
	*arena = keep;
}

static void *chunk_add(struct pmk_arena *arena, size_t size)
{
	size_t room = arena->chunk ? 2 * arena->chunk->size : CHUNK_MIN;
	struct pmk_arena_chunk *chunk;

	if (room > CHUNK_MAX)
		room = CHUNK_MAX;
	if (room < size)
		room = size;
	if (room > SIZE_MAX - sizeof(*chunk))
		return NULL;
	chunk = malloc(sizeof(*chunk) + room);
	if (!chunk)
		return NULL;
	chunk->older = arena->chunk;
	chunk->size = room;
	arena->chunk = chunk;
	arena->used = size;
	return chunk->data;
}

char *pmk_arena_text(struct pmk_arena *arena, size_t size)
{
	char *ret;

	if (!arena->chunk || size > arena->chunk->size - arena->used)
		return chunk_add(arena, size);
	ret = (char *)arena->chunk->data + arena->used;
	arena->used += size;
	return ret;
}

void *pmk_arena_alloc(struct pmk_arena *arena, size_t size)
{
	size_t mask = _Alignof(max_align_t) - 1;
	size_t at = (arena->used + mask) & ~mask;

	if (!arena->chunk || at > arena->chunk->size || size > arena->chunk->size - at)
		return chunk_add(arena, size);
	arena->used = at + size;
	return (char *)arena->chunk->data + at;
}

void *pmk_arena_push(struct pmk_arena *arena, const void *list, size_t n, size_t size)
{
	void *ret;

	/* Lists have room for 4, 8, 16, ... elements: full when n is 0, 4, 8, 16, ... */
	if (n && (n < 4 || (n & (n - 1))))
		return (void *)(uintptr_t)list;
	ret = pmk_arena_alloc(arena, (n ? 2 * n : 4) * size);
	if (ret && n)
		memcpy(ret, list, n * size);
	return ret;
}
