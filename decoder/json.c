/* json.c: a word as one line of JSON. Words are strings, for readers whose numbers are doubles. */
#include "internal.h"

static void put_string(struct pmk_out *out, const char *text)
{
	pmk_out_char(out, '"');
	pmk_out_text(out, text);
	pmk_out_char(out, '"');
}

static void put_key(struct pmk_out *out, const char *key)
{
	pmk_out_char(out, ',');
	put_string(out, key);
	pmk_out_char(out, ':');
}

static void put_word(struct pmk_out *out, uint64_t word)
{
	pmk_out_text(out, "\"0x");
	pmk_out_hex(out, word, 1);
	pmk_out_char(out, '"');
}

static void put_flags(struct pmk_out *out, pmk_bit_fn *describe, uint64_t word)
{
	const char *comma = "";

	put_key(out, "flags");
	pmk_out_char(out, '[');
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(word >> bit & 1))
			continue;
		pmk_out_text(out, comma);
		pmk_out_char(out, '"');
		pmk_out_bit_name(out, describe, bit);
		pmk_out_char(out, '"');
		comma = ",";
	}
	pmk_out_char(out, ']');
}

static void put_end(struct pmk_out *out, uint64_t unknown, enum pmk_invariant broken)
{
	put_key(out, "unknown");
	put_word(out, unknown);
	put_key(out, "invariant");
	if (broken)
		put_string(out, pmk_invariant_text(broken));
	else
		pmk_out_text(out, "null");
	pmk_out_char(out, '}');
}

static void put_markers(struct pmk_out *out, unsigned marker)
{
	const char *comma = "";

	pmk_out_char(out, '[');
	for (unsigned mask = 1; mask <= PMK_MARKER_GUARD; mask <<= 1) {
		if (!(marker & mask))
			continue;
		pmk_out_text(out, comma);
		put_string(out, pmk_marker_name(mask));
		comma = ",";
	}
	pmk_out_char(out, ']');
}

static void put_swap(struct pmk_out *out, const struct pmk_pagemap *page)
{
	put_key(out, "swap");
	pmk_out_text(out, "{\"kind\":");
	put_string(out, pmk_swap_kind_name(page->kind));
	put_key(out, "type");
	pmk_out_dec(out, page->swap_type);
	put_key(out, "offset");
	pmk_out_dec(out, page->swap_offset);
	if (page->kind == PMK_SWAP_MARKER) {
		put_key(out, "marker");
		put_markers(out, page->marker);
	}
	pmk_out_char(out, '}');
}

size_t pmk_pagemap_json(const struct pmk_layout *layout, uint64_t word, char *buf, size_t size)
{
	struct pmk_out out = { buf, size, 0 };
	struct pmk_pagemap page;

	pmk_pagemap_decode(layout, word, &page);
	pmk_out_text(&out, "{\"word\":");
	put_word(&out, word);
	put_key(&out, "state");
	put_string(&out, pmk_page_state_name(page.state));
	if (page.state == PMK_PAGE_PRESENT) {
		put_key(&out, "pfn");
		pmk_out_dec(&out, page.frame);
	}
	if (page.state == PMK_PAGE_SWAPPED)
		put_swap(&out, &page);
	if (page.page_shift) {
		put_key(&out, "page_shift");
		pmk_out_dec(&out, page.page_shift);
	}
	put_flags(&out, pmk_pagemap_bit, pmk_pagemap_known_bits(&page));
	put_end(&out, page.unknown, pmk_pagemap_check(layout, word));
	return pmk_out_end(&out);
}

size_t pmk_kpageflags_json(uint32_t kernel, uint64_t word, char *buf, size_t size)
{
	struct pmk_out out = { buf, size, 0 };
	uint64_t known = pmk_kpageflags_known(kernel);

	pmk_out_text(&out, "{\"word\":");
	put_word(&out, word);
	put_flags(&out, pmk_kpageflags_bit, word & known);
	put_end(&out, word & ~known, pmk_kpageflags_check(kernel, word));
	return pmk_out_end(&out);
}
