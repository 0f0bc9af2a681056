/*
 * Any word decodes under any layout and encodes to itself; check() agrees with the ledger (E-INV) and with
 * what decode() calls unknown; diagram and JSON keep the contract of text calls.
 *
 * Input: kernel (index), configuration, what to write (bits 0 and 1 flags of the diagram, 4 the diagram,
 * 8 JSON; texts cost a hundred times what words do), size of the cut text, word.
 */
#include "fuzz.h"
#include "pagemapkit.h"

static const uint32_t kernels[] = {
	0,
	PMK_KERNEL(2, 6, 25),
	PMK_KERNEL(3, 10, 0),
	PMK_KERNEL(4, 2, 0),
	PMK_KERNEL(5, 10, 0),
	PMK_KERNEL(6, 1, 0),
	PMK_KERNEL(6, 10, 0),
	PMK_KERNEL(6, 11, 0),
	PMK_KERNEL(6, 14, 0),
	PMK_KERNEL(6, 15, 0),
};

struct word {
	struct pmk_layout layout;
	uint64_t word;
	unsigned flags;
};

static size_t diagram(const void *what, char *buf, size_t size)
{
	const struct word *w = what;

	return pmk_pagemap_diagram(&w->layout, w->word, w->flags, buf, size);
}

static size_t json(const void *what, char *buf, size_t size)
{
	const struct word *w = what;

	return pmk_pagemap_json(&w->layout, w->word, buf, size);
}

/* E-INV, as it stands in the ledger; for kernels since 4.3. */
static bool allowed(const struct word *w)
{
	uint64_t word = w->word;
	bool swap = word >> 62 & 1, present = word >> 63, exclusive = word >> 56 & 1;

	return !(swap && present) && !(word >> 59 & 3) && (!(word >> 58 & 1) || swap) &&
	       (!exclusive || present || (swap && w->layout.kernel < PMK_KERNEL(6, 11, 0))) &&
	       (!(word >> 61 & 1) || swap || present) &&
	       (!(word & PMK_PAGEMAP_FRAME_MASK) || swap || present) &&
	       !(word & PMK_PAGEMAP_FLAGS_MASK & ~w->layout.flags);
}

static void check_parts(const struct word *w)
{
	enum pmk_invariant broken = pmk_pagemap_check(&w->layout, w->word);
	struct pmk_pagemap page;
	uint8_t class;

	memset(&page, 0xa5, sizeof(page));
	pmk_pagemap_decode(&w->layout, w->word, &page);
	CHECK(pmk_pagemap_encode(&w->layout, &page) == w->word, "encode(decode(w)) == w");
	CHECK(!page.unknown || broken, "what is unknown breaks an invariant");
	CHECK(page.state == PMK_PAGE_PRESENT || !page.frame, "only a present page has a frame");
	CHECK((page.state == PMK_PAGE_SWAPPED) == (page.kind != PMK_SWAP_NONE),
	      "a swap-like page has a kind");
	CHECK(broken < PMK_INV_COUNT, "check() gives an invariant");
	if (w->layout.era == PMK_ERA_FLAGS)
		CHECK((broken == PMK_INV_OK) == allowed(w), "check() agrees with E-INV");
	pmk_pagemap_decode(NULL, w->word, &page);
	pmk_batch_classify(&w->word, 1, &class);
	CHECK(class ==
		      (page.soft_dirty | page.exclusive << 1 | page.uffd_wp << 2 | page.guard << 3 |
		       page.file << 4 | (w->word >> 62 & 1) << 5 | (w->word >> 63) << 6),
	      "classify() agrees with decode()");
}

static void check_diagram(const struct word *w, size_t cut)
{
	size_t len;
	char *text = fuzz_text(diagram, w, cut, &len);

	CHECK(len < 16384, "16 KiB holds any diagram");
	for (char *line = text, *end; !w->flags && (end = strchr(line, '\n')); line = end + 1)
		CHECK(end - line <= 100, "a line has at most 100 columns");
	free(text);
}

static void check_json(const struct word *w, size_t cut)
{
	size_t len;
	char *text = fuzz_text(json, w, cut, &len);

	CHECK(text[0] == '{' && text[len - 1] == '}' && !strchr(text, '\n'), "JSON is an object");
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct word w;
	uint8_t kernel = fuzz_byte(&in), config = fuzz_byte(&in), what = fuzz_byte(&in);
	size_t cut = fuzz_u16(&in);

	pmk_layout_init(&w.layout, kernels[kernel % (sizeof(kernels) / sizeof(*kernels))],
			config ? config : PMK_CONFIG_ALL);
	w.flags = what & (PMK_DIAGRAM_COLOUR | PMK_DIAGRAM_UNICODE);
	w.word = fuzz_u64(&in);
	check_parts(&w);
	if (what & 4)
		check_diagram(&w, cut);
	if (what & 8)
		check_json(&w, cut);
	return 0;
}
