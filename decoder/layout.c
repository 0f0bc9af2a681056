/* layout.c: what pagemap words mean on which kernel. */
#include "internal.h"

/* The swap types that are no swap area (SWAP-TYPE): they fill the types from 31 downwards, in the
 * order of this table from its end. A kind's rows of different kernels stand together. */
static const struct {
	enum pmk_swap_kind kind;
	unsigned types;
	uint32_t since;
	uint32_t until;
	unsigned config; /* all of these must be set */
} specials[] = {
#define PMK_SWAP_SPECIAL(kind, types, since, until, config) { kind, types, since, until, config },
#include "swap.def"
};

/* What a flag bit needs besides its kernel. */
static const struct {
	uint64_t mask;
	unsigned config;
} flag_configs[] = {
	{ PMK_PAGEMAP_SOFT_DIRTY_MASK, PMK_CONFIG_SOFT_DIRTY },
	{ PMK_PAGEMAP_UFFD_WP_MASK, PMK_CONFIG_UFFD_WP },
};

static const struct {
	unsigned mask;
	uint32_t since;
} markers[] = {
	{ PMK_MARKER_UFFD_WP, PMK_KERNEL(5, 19, 0) },
	{ PMK_MARKER_POISON, PMK_KERNEL(6, 3, 0) },
	{ PMK_MARKER_GUARD, PMK_KERNEL(6, 13, 0) },
};

/* pmk_layout_init(PMK_KERNEL_NEWEST, PMK_CONFIG_ALL), as the tests make sure. */
const struct pmk_layout pmk_layout_current = {
	.kernel = PMK_KERNEL_NEWEST,
	.config = PMK_CONFIG_ALL,
	.era = PMK_ERA_FLAGS,
	.markers = PMK_MARKER_UFFD_WP | PMK_MARKER_POISON | PMK_MARKER_GUARD,
	.flags = PMK_PAGEMAP_SOFT_DIRTY_MASK | PMK_PAGEMAP_EXCLUSIVE_MASK |
		 PMK_PAGEMAP_UFFD_WP_MASK | PMK_PAGEMAP_GUARD_MASK | PMK_PAGEMAP_FILE_MASK |
		 PMK_PAGEMAP_SWAP_MASK | PMK_PAGEMAP_PRESENT_MASK,
	.swap_kind = { PMK_SWAP_REAL,	   PMK_SWAP_REAL,      PMK_SWAP_REAL,
		       PMK_SWAP_REAL,	   PMK_SWAP_REAL,      PMK_SWAP_REAL,
		       PMK_SWAP_REAL,	   PMK_SWAP_REAL,      PMK_SWAP_REAL,
		       PMK_SWAP_REAL,	   PMK_SWAP_REAL,      PMK_SWAP_REAL,
		       PMK_SWAP_REAL,	   PMK_SWAP_REAL,      PMK_SWAP_REAL,
		       PMK_SWAP_REAL,	   PMK_SWAP_REAL,      PMK_SWAP_REAL,
		       PMK_SWAP_REAL,	   PMK_SWAP_REAL,      PMK_SWAP_REAL,
		       PMK_SWAP_REAL,	   PMK_SWAP_REAL,      PMK_SWAP_REAL,
		       PMK_SWAP_HWPOISON,  PMK_SWAP_MIGRATION, PMK_SWAP_MIGRATION,
		       PMK_SWAP_MIGRATION, PMK_SWAP_DEVICE,    PMK_SWAP_DEVICE,
		       PMK_SWAP_DEVICE,	   PMK_SWAP_MARKER },
};

static enum pmk_layout_era era_of(uint32_t kernel)
{
	if (kernel < PMK_KERNEL(3, 11, 0))
		return PMK_ERA_SHIFT;
	return kernel < PMK_KERNEL(4, 3, 0) ? PMK_ERA_SWITCH : PMK_ERA_FLAGS;
}

static uint64_t flags_of(uint32_t kernel, unsigned config)
{
	uint64_t flags = 0;

	for (unsigned bit = 0; bit < 64; bit++) {
		const struct pmk_bit *known = pmk_pagemap_bit(bit);

		if (known && pmk_kernel_within(kernel, known->since, known->until))
			flags |= UINT64_C(1) << bit;
	}
	for (size_t i = 0; i < ARRAY_SIZE(flag_configs); i++) {
		if (!(config & flag_configs[i].config))
			flags &= ~flag_configs[i].mask;
	}
	return flags;
}

static void fill_swap_kinds(struct pmk_layout *layout)
{
	unsigned top = PMK_SWAP_TYPES;

	for (size_t i = ARRAY_SIZE(specials); i-- > 0;) {
		if (!pmk_kernel_within(layout->kernel, specials[i].since, specials[i].until) ||
		    (layout->config & specials[i].config) != specials[i].config)
			continue;
		for (unsigned n = 0; n < specials[i].types; n++)
			layout->swap_kind[--top] = (uint8_t)specials[i].kind;
	}
	while (top > 0)
		layout->swap_kind[--top] = PMK_SWAP_REAL;
}

static unsigned markers_of(const struct pmk_layout *layout)
{
	unsigned known = 0;

	if (pmk_layout_swap_type(layout, PMK_SWAP_MARKER) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(markers); i++) {
		if (layout->kernel >= markers[i].since)
			known |= markers[i].mask;
	}
	return known;
}

void pmk_layout_init(struct pmk_layout *ret, uint32_t kernel, unsigned config)
{
	kernel = pmk_kernel_or_newest(kernel);
	if (kernel < PMK_KERNEL(2, 6, 25))
		kernel = PMK_KERNEL(2, 6, 25);
	ret->kernel = kernel;
	ret->config = config;
	ret->era = era_of(kernel);
	ret->flags = flags_of(kernel, config);
	fill_swap_kinds(ret);
	ret->markers = markers_of(ret);
}

int pmk_layout_swap_type(const struct pmk_layout *layout, enum pmk_swap_kind kind)
{
	layout = pmk_layout_or_current(layout);
	for (unsigned type = 0; type < PMK_SWAP_TYPES; type++) {
		if (layout->swap_kind[type] == kind)
			return (int)type;
	}
	return -1;
}
