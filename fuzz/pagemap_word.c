/*
 * Any word decodes under any layout and encodes to itself; check() agrees with the ledger (E-INV) and with
 * what decode() calls unknown.
 *
 * Input: kernel (index), configuration, word.
 */
#include "fuzz.h"
#include "layouts.h"

struct word {
	const struct pmk_layout *layout;
	uint64_t word;
};

/* E-INV, as it stands in the ledger; for kernels since 4.3. */
static bool allowed(const struct word *w)
{
	uint64_t word = w->word;
	bool swap = word >> 62 & 1, present = word >> 63, exclusive = word >> 56 & 1;

	return !(swap && present) && !(word >> 59 & 3) && (!(word >> 58 & 1) || swap) &&
	       (!exclusive || present || (swap && w->layout->kernel < PMK_KERNEL(6, 11, 0))) &&
	       (!(word >> 61 & 1) || swap || present) &&
	       (!(word & PMK_PAGEMAP_FRAME_MASK) || swap || present) &&
	       !(word & PMK_PAGEMAP_FLAGS_MASK & ~w->layout->flags);
}

static void check_parts(const struct word *w)
{
	enum pmk_invariant broken = pmk_pagemap_check(w->layout, w->word);
	struct pmk_pagemap page;
	uint8_t class;

	memset(&page, 0xa5, sizeof(page));
	pmk_pagemap_decode(w->layout, w->word, &page);
	CHECK(pmk_pagemap_encode(w->layout, &page) == w->word, "encode(decode(w)) == w");
	CHECK(!page.unknown || broken, "what is unknown breaks an invariant");
	CHECK(page.state == PMK_PAGE_PRESENT || !page.frame, "only a present page has a frame");
	CHECK((page.state == PMK_PAGE_SWAPPED) == (page.kind != PMK_SWAP_NONE),
	      "a swap-like page has a kind");
	CHECK(broken < PMK_INV_COUNT, "check() gives an invariant");
	if (w->layout->era == PMK_ERA_FLAGS)
		CHECK((broken == PMK_INV_OK) == allowed(w), "check() agrees with E-INV");
	pmk_pagemap_decode(NULL, w->word, &page);
	pmk_batch_classify(&w->word, 1, &class);
	CHECK(class ==
		      (page.soft_dirty | page.exclusive << 1 | page.uffd_wp << 2 | page.guard << 3 |
		       page.file << 4 | (w->word >> 62 & 1) << 5 | (w->word >> 63) << 6),
	      "classify() agrees with decode()");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct word w;

	w.layout = fuzz_layout(&in);
	w.word = fuzz_u64(&in);
	check_parts(&w);
	return 0;
}
