/*
 * The diagram and the JSON of any word under any layout keep the contract of text calls and their own form.
 *
 * Input: kernel (index), configuration, what to write (bits 0 and 1 flags of the diagram, 4 the diagram,
 * 8 JSON), size of the cut text, word.
 */
#include "fuzz.h"
#include "layouts.h"

struct word {
	const struct pmk_layout *layout;
	uint64_t word;
	unsigned flags;
};

static size_t diagram(const void *what, char *buf, size_t size)
{
	const struct word *w = what;

	return pmk_pagemap_diagram(w->layout, w->word, w->flags, buf, size);
}

static size_t json(const void *what, char *buf, size_t size)
{
	const struct word *w = what;

	return pmk_pagemap_json(w->layout, w->word, buf, size);
}

static void check_diagram(const struct word *w, size_t cut)
{
	size_t len;
	char *text = fuzz_text(diagram, w, cut, &len);

	CHECK(len < 16384, "16 KiB holds any diagram");
	for (char *line = text, *end; !w->flags && (end = strchr(line, '\n')); line = end + 1)
		CHECK(end - line <= 100, "a line has at most 100 columns");
}

static void check_json(const struct word *w, size_t cut)
{
	size_t len;
	char *text = fuzz_text(json, w, cut, &len);

	CHECK(text[0] == '{' && text[len - 1] == '}' && !strchr(text, '\n'), "JSON is an object");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct word w;
	uint8_t what;
	size_t cut;

	w.layout = fuzz_layout(&in);
	what = fuzz_byte(&in);
	cut = fuzz_u16(&in);
	w.flags = what & (PMK_DIAGRAM_COLOUR | PMK_DIAGRAM_UNICODE);
	w.word = fuzz_u64(&in);
	if (what & 4)
		check_diagram(&w, cut);
	if (what & 8)
		check_json(&w, cut);
	return 0;
}
