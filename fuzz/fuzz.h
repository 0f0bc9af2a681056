/*
 * fuzz.h - what the targets share: a check that is always on, numbers out of the input, and the contract of
 * calls that write text.
 *
 * A target states one property in its first comment and asserts it with CHECK(); it does no I/O and keeps
 * nothing from one input to the next.
 */
#ifndef PMK_FUZZ_H
#define PMK_FUZZ_H

#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The target: libFuzzer's, AFL++'s and replay.c's way in.  Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run with the name of the property when the condition does not hold. */
#define CHECK(condition, property)                                                                \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: property broken: %s\n  %s\n", __FILE__, __LINE__, \
				property, #condition);                                            \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

/* Says what the target does, when somebody reads a crash with PMK_FUZZ_VERBOSE set. */
static inline bool fuzz_is_verbose(void)
{
	static int on = -1;

	if (on < 0)
		on = getenv("PMK_FUZZ_VERBOSE") != NULL;
	return on;
}
#define SAY(...) ((void)(fuzz_is_verbose() && fprintf(stderr, __VA_ARGS__)))

/* The input, taken from the front; zeros when there is no more. */
struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *in)
{
	uint16_t low = fuzz_byte(in);

	return (uint16_t)(low | fuzz_byte(in) << 8);
}

/* Little-endian, so that a seed means the same on every host. */
static inline uint64_t fuzz_u64(struct fuzz_input *in)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < 64; i += 8)
		n |= (uint64_t)fuzz_byte(in) << i;
	return n;
}

/* A buffer that is used again; ASan sees a byte before it and a byte behind it as if it had been allocated. */
struct fuzz_room {
	char *block;
	size_t size, last; /* of the block without the fences; what fuzz_room() gave last */
};
#define FUZZ_FENCE 64

/* `size` bytes, not cleared. */
static inline char *fuzz_room(struct fuzz_room *room, size_t size)
{
	char *start = room->block ? room->block + FUZZ_FENCE : NULL;

	if (start)
		ASAN_UNPOISON_MEMORY_REGION(start + room->last, FUZZ_FENCE);
	if (!start || size > room->size) {
		if (start)
			ASAN_UNPOISON_MEMORY_REGION(room->block, FUZZ_FENCE);
		free(room->block);
		room->size = 2 * size + 4096;
		room->block = malloc(room->size + 2 * FUZZ_FENCE);
		if (!room->block)
			abort();
		start = room->block + FUZZ_FENCE;
		ASAN_POISON_MEMORY_REGION(room->block, FUZZ_FENCE);
	}
	room->last = size;
	ASAN_POISON_MEMORY_REGION(start + size, FUZZ_FENCE);
	return start;
}

/* A call that writes text about `what`, as snprintf(3) does. */
typedef size_t fuzz_text_call(const void *what, char *buf, size_t size);

/*
 * The whole text, which stays until the call after the next.  Checks that the length does not depend on the
 * size, that the text ends in NUL, and that with room for `cut` bytes alone it is a prefix.
 */
static inline char *fuzz_text(fuzz_text_call *call, const void *what, size_t cut, size_t *ret_len)
{
	static struct fuzz_room whole_room[2], part_room;
	static unsigned turn;
	size_t len = call(what, NULL, 0);
	char *whole = fuzz_room(&whole_room[turn++ % 2], len + 1), *part;

	cut %= len + 2;
	part = fuzz_room(&part_room, cut);
	CHECK(call(what, whole, len + 1) == len, "the length does not depend on the size");
	CHECK(!whole[len], "the text ends in NUL");
	CHECK(call(what, part, cut) == len, "the length does not depend on the size");
	if (cut) {
		size_t kept = cut - 1 < len ? cut - 1 : len;

		CHECK(!part[kept], "a text cut short ends in NUL");
		CHECK(!memcmp(part, whole, kept), "a text cut short is a prefix");
	}
	if (ret_len)
		*ret_len = len;
	return whole;
}

#endif /* PMK_FUZZ_H */
