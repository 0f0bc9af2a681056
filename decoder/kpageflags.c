/* kpageflags.c: what holds for every word of /proc/kpageflags. */
#include "internal.h"

#define COMPOUND (PMK_KPF_COMPOUND_HEAD_MASK | PMK_KPF_COMPOUND_TAIL_MASK)
#define TYPES                                                                                   \
	(PMK_KPF_BUDDY_MASK | PMK_KPF_OFFLINE_MASK | PMK_KPF_PGTABLE_MASK | PMK_KPF_SLAB_MASK | \
	 PMK_KPF_HUGE_MASK)
#define UNMAPPABLE (PMK_KPF_BUDDY_MASK | PMK_KPF_PGTABLE_MASK | PMK_KPF_OFFLINE_MASK)

/* What a rule forbids. */
enum rule {
	ALL_OF, /* all bits of "these" together */
	WITHOUT, /* all bits of "these", and none of "those" */
	ALONG, /* a bit of "these", and a bit of "those" */
	MORE_THAN_ONE /* two bits of "these" */
};

static const struct {
	enum pmk_invariant broken;
	enum rule rule;
	uint64_t these;
	uint64_t those;
	uint32_t since;
} rules[] = {
	{ PMK_INV_KPF_NOPAGE, ALONG, PMK_KPF_NOPAGE_MASK, ~PMK_KPF_NOPAGE_MASK, 0 },
	{ PMK_INV_KPF_HEAD_TAIL, ALL_OF, COMPOUND, 0, 0 },
	{ PMK_INV_KPF_HUGE_THP, ALL_OF, PMK_KPF_HUGE_MASK | PMK_KPF_THP_MASK, 0, 0 },
	{ PMK_INV_KPF_HUGE_COMPOUND, WITHOUT, PMK_KPF_HUGE_MASK, COMPOUND, 0 },
	{ PMK_INV_KPF_THP_COMPOUND, WITHOUT, PMK_KPF_THP_MASK, COMPOUND, 0 },
	{ PMK_INV_KPF_KSM_ANON, WITHOUT, PMK_KPF_KSM_MASK, PMK_KPF_ANON_MASK, 0 },
	{ PMK_INV_KPF_SWAPCACHE, WITHOUT, PMK_KPF_SWAPCACHE_MASK, PMK_KPF_SWAPBACKED_MASK,
	  PMK_KERNEL(4, 10, 0) },
	{ PMK_INV_KPF_TYPES, MORE_THAN_ONE, TYPES, 0, 0 },
	{ PMK_INV_KPF_MAPPED, ALONG, UNMAPPABLE, PMK_KPF_MMAP_MASK, 0 },
	{ PMK_INV_KPF_ZERO, ALONG, PMK_KPF_ZERO_PAGE_MASK, PMK_KPF_LRU_MASK | PMK_KPF_ANON_MASK,
	  0 },
};

/* The bits that bits.def describes, of whatever kernel. */
static const uint64_t described = 0
#define PMK_KPF_BIT(id, bit, name, since, until, meaning, clause) | UINT64_C(1) << (bit)
#include "bits.def"
	;

static bool breaks(size_t i, uint64_t word)
{
	uint64_t these = word & rules[i].these, those = word & rules[i].those;

	switch (rules[i].rule) {
	case ALL_OF:
		return these == rules[i].these;
	case WITHOUT:
		return these == rules[i].these && !those;
	case ALONG:
		return these && those;
	case MORE_THAN_ONE:
		return these & (these - 1);
	}
	return false;
}

/* Those of the bits that the kernel can set; all of them are described. */
static uint64_t settable(uint32_t kernel, uint64_t bits)
{
	uint64_t ret = 0;

	for (; bits; bits &= bits - 1) {
		const struct pmk_bit *b = pmk_kpageflags_bit((unsigned)__builtin_ctzll(bits));

		if (pmk_kernel_within(kernel, b->since, b->until))
			ret |= bits & -bits;
	}
	return ret;
}

uint64_t pmk_kpageflags_known(uint32_t kernel)
{
	return settable(pmk_kernel_or_newest(kernel), described);
}

enum pmk_invariant pmk_kpageflags_check(uint32_t kernel, uint64_t word)
{
	kernel = pmk_kernel_or_newest(kernel);
	if (word & ~described)
		return PMK_INV_KPF_REST;
	if (settable(kernel, word) != word)
		return PMK_INV_KPF_KERNEL;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (kernel >= rules[i].since && breaks(i, word))
			return rules[i].broken;
	}
	return PMK_INV_OK;
}
