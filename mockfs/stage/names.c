/* names.c - an open-addressing hash table from (scope, text) to a number. */
#include "names.h"

#include "alloc.h"

static uint32_t hash(int scope, const char *text)
{
	uint64_t h = 0xcbf29ce484222325ull ^ (unsigned)scope;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3ull;
	return (uint32_t)(h ^ h >> 32);
}

/* The slot of the name, or the free one where it would go. */
static struct pmk_name *slot_of(const struct pmk_names *names, int scope, const char *text,
				uint32_t h)
{
	for (size_t at = h;; at++) {
		struct pmk_name *slot = &names->slot[at & (names->size - 1)];

		if (!slot->text ||
		    (slot->hash == h && slot->scope == scope && !strcmp(slot->text, text)))
			return slot;
	}
}

void pmk_names_deinit(struct pmk_names *names)
{
	for (size_t i = 0; i < names->size; i++)
		free(names->slot[i].text);
	free(names->slot);
	*names = (struct pmk_names){ 0 };
}

static void grow(struct pmk_names *names)
{
	struct pmk_names bigger = { .size = names->size ? names->size * 2 : 16, .n = names->n };

	bigger.slot = pmk_calloc(bigger.size, sizeof(*bigger.slot));
	for (size_t i = 0; i < names->size; i++)
		if (names->slot[i].text)
			*slot_of(&bigger, names->slot[i].scope, names->slot[i].text,
				 names->slot[i].hash) = names->slot[i];
	free(names->slot);
	*names = bigger;
}

int64_t pmk_names_find(const struct pmk_names *names, int scope, const char *text)
{
	const struct pmk_name *slot =
		names->size ? slot_of(names, scope, text, hash(scope, text)) : NULL;

	return slot && slot->text ? (int64_t)slot->value : -1;
}

const char *pmk_names_set(struct pmk_names *names, int scope, const char *text, uint32_t value)
{
	uint32_t h = hash(scope, text);
	struct pmk_name *slot;

	if (names->n * 4 >= names->size * 3)
		grow(names);
	slot = slot_of(names, scope, text, h);
	if (!slot->text) {
		*slot = (struct pmk_name){ pmk_strdup(text), scope, value, h };
		names->n++;
	}
	slot->value = value;
	return slot->text;
}
