/*
 * check() of any word of kpageflags agrees with the ledger (KPF-INV-OK).
 *
 * Input: kernel's minor version (7 and less: of 7, else of 6), word.
 */
#include "fuzz.h"
#include "pagemapkit.h"

struct word {
	uint64_t word, known; /* known: the bits of this kernel */
	uint32_t kernel;
};

/* KPF-INV-OK, as it stands in the ledger. */
static bool allowed(const struct word *w)
{
	uint64_t e = w->word, types = e & (1u << 10 | 1u << 23 | 1u << 26 | 1u << 7 | 1u << 17);
#define HAS(bit) (e >> (bit)&1)
	bool compound = HAS(15) || HAS(16);

	return !(HAS(15) && HAS(16)) && (!HAS(20) || e == 1u << 20) && !(HAS(17) && HAS(22)) &&
	       (!(HAS(17) || HAS(22)) || compound) && (!HAS(21) || HAS(12)) &&
	       (!HAS(13) || HAS(14)) && !(types & (types - 1)) &&
	       !(e & (1u << 10 | 1u << 23 | 1u << 26) && HAS(11)) &&
	       (!HAS(24) || (!HAS(5) && !HAS(12))) && !(e & ~w->known);
#undef HAS
}

/* The kernel of a byte; what its bits are was asked once. */
static struct word of_kernel(uint8_t minor)
{
	static struct word made[256];
	struct word *w = &made[minor];

	if (!w->kernel) {
		w->kernel = PMK_KERNEL(minor < 8 ? 7 : 6, minor & 31, 0);
		w->known = pmk_kpageflags_known(w->kernel);
	}
	return *w;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct word w = of_kernel(fuzz_byte(&in));
	enum pmk_invariant broken;

	w.word = fuzz_u64(&in);
	broken = pmk_kpageflags_check(w.kernel, w.word);
	CHECK(broken < PMK_INV_COUNT, "check() gives an invariant");
	CHECK((broken == PMK_INV_OK) == allowed(&w), "check() agrees with KPF-INV-OK");
	return 0;
}
