/* pagemap.c: a word of /proc/PID/pagemap to its parts and back. */
#include "internal.h"

#define STATE_FLAGS (PMK_PAGEMAP_SWAP_MASK | PMK_PAGEMAP_PRESENT_MASK)

/* Are bits 55 to 60 of this word the page size (E-PSHIFT)? */
static bool has_page_shift(const struct pmk_layout *layout, uint64_t word)
{
	switch (layout->era) {
	case PMK_ERA_SHIFT:
		return true;
	case PMK_ERA_SWITCH:
		/* No page is of one or two bytes; bit 55 was the only flag. */
		return (word & PMK_PAGEMAP_SHIFT_MASK) >> PMK_PAGEMAP_SHIFT_BIT > 1;
	case PMK_ERA_FLAGS:
		break;
	}
	return false;
}

/* The flags that mean something in this word, apart from the two that make the state. */
static uint64_t known_flags(const struct pmk_layout *layout, bool shift)
{
	uint64_t flags = layout->flags & PMK_PAGEMAP_FLAGS_MASK & ~STATE_FLAGS;

	return shift ? flags & ~PMK_PAGEMAP_SHIFT_MASK : flags;
}

static enum pmk_page_state state_of(uint64_t word)
{
	if (word & PMK_PAGEMAP_PRESENT_MASK)
		return PMK_PAGE_PRESENT;
	return word & PMK_PAGEMAP_SWAP_MASK ? PMK_PAGE_SWAPPED : PMK_PAGE_ABSENT;
}

static void decode_swap(const struct pmk_layout *layout, uint64_t word, struct pmk_pagemap *page)
{
	uint64_t frame = word & PMK_PAGEMAP_FRAME_MASK;

	page->swap_type = pmk_swap_type(frame);
	page->swap_offset = pmk_swap_offset(frame);
	if (frame == 0) {
		/* Type 0, offset 0 is the header of a swap area, never a page: the reader may not
		 * know (PM-CRED-WHAT). Bit 58 still tells a guard page. */
		page->kind = page->guard ? PMK_SWAP_MARKER : PMK_SWAP_HIDDEN;
		page->marker = page->guard ? PMK_MARKER_GUARD : 0;
		return;
	}
	page->kind = (enum pmk_swap_kind)layout->swap_kind[page->swap_type];
	if (page->kind == PMK_SWAP_MARKER)
		page->marker = (unsigned)(page->swap_offset & layout->markers);
}

void pmk_pagemap_decode(const struct pmk_layout *layout, uint64_t word, struct pmk_pagemap *ret)
{
	bool shift;
	uint64_t known;

	layout = pmk_layout_or_current(layout);
	shift = has_page_shift(layout, word);
	known = known_flags(layout, shift);
	*ret = (struct pmk_pagemap){
		.state = state_of(word),
		.soft_dirty = word & known & PMK_PAGEMAP_SOFT_DIRTY_MASK,
		.exclusive = word & known & PMK_PAGEMAP_EXCLUSIVE_MASK,
		.uffd_wp = word & known & PMK_PAGEMAP_UFFD_WP_MASK,
		.guard = word & known & PMK_PAGEMAP_GUARD_MASK,
		.file = word & known & PMK_PAGEMAP_FILE_MASK,
		.unknown = word & PMK_PAGEMAP_FLAGS_MASK & ~known & ~STATE_FLAGS,
	};
	if (shift) {
		ret->page_shift =
			(uint8_t)((word & PMK_PAGEMAP_SHIFT_MASK) >> PMK_PAGEMAP_SHIFT_BIT);
		ret->unknown &= ~PMK_PAGEMAP_SHIFT_MASK;
	}
	switch (ret->state) {
	case PMK_PAGE_ABSENT:
		ret->unknown |= word & PMK_PAGEMAP_FRAME_MASK;
		break;
	case PMK_PAGE_SWAPPED:
		decode_swap(layout, word, ret);
		break;
	case PMK_PAGE_PRESENT:
		ret->frame = word & PMK_PAGEMAP_FRAME_MASK;
		ret->unknown |= word & PMK_PAGEMAP_SWAP_MASK;
		break;
	}
}

static uint64_t encode_flags(const struct pmk_pagemap *page)
{
	return (page->soft_dirty ? PMK_PAGEMAP_SOFT_DIRTY_MASK : 0) |
	       (page->exclusive ? PMK_PAGEMAP_EXCLUSIVE_MASK : 0) |
	       (page->uffd_wp ? PMK_PAGEMAP_UFFD_WP_MASK : 0) |
	       (page->guard ? PMK_PAGEMAP_GUARD_MASK : 0) |
	       (page->file ? PMK_PAGEMAP_FILE_MASK : 0);
}

static uint64_t encode_state(const struct pmk_pagemap *page)
{
	switch (page->state) {
	case PMK_PAGE_PRESENT:
		return PMK_PAGEMAP_PRESENT_MASK | (page->frame & PMK_PAGEMAP_FRAME_MASK);
	case PMK_PAGE_SWAPPED:
		return PMK_PAGEMAP_SWAP_MASK | pmk_swap_frame(page->swap_type, page->swap_offset);
	case PMK_PAGE_ABSENT:
		break;
	}
	return 0;
}

uint64_t pmk_pagemap_encode(const struct pmk_layout *layout, const struct pmk_pagemap *page)
{
	uint64_t field =
		((uint64_t)page->page_shift << PMK_PAGEMAP_SHIFT_BIT) & PMK_PAGEMAP_SHIFT_MASK;
	bool shift;

	layout = pmk_layout_or_current(layout);
	shift = has_page_shift(layout, field);
	return page->unknown | (shift ? field : 0) |
	       (encode_flags(page) & known_flags(layout, shift)) | encode_state(page);
}

/* The flags that a decoded page has, as bits, those of its state included. */
uint64_t pmk_pagemap_known_bits(const struct pmk_pagemap *page)
{
	return encode_flags(page) | (encode_state(page) & PMK_PAGEMAP_FLAGS_MASK);
}

const char *pmk_page_state_name(enum pmk_page_state state)
{
	static const char *const names[] = { "absent", "swapped", "present" };

	return (unsigned)state < ARRAY_SIZE(names) ? names[state] : "?";
}

const char *pmk_swap_kind_name(enum pmk_swap_kind kind)
{
	static const char *const names[PMK_SWAP_KINDS] = {
		[PMK_SWAP_NONE] = "none",	    [PMK_SWAP_HIDDEN] = "hidden",
		[PMK_SWAP_REAL] = "real",	    [PMK_SWAP_HWPOISON] = "hwpoison",
		[PMK_SWAP_MIGRATION] = "migration", [PMK_SWAP_DEVICE] = "device",
		[PMK_SWAP_MARKER] = "marker",	    [PMK_SWAP_SWAPIN_ERROR] = "swapin-error",
	};

	return (unsigned)kind < ARRAY_SIZE(names) ? names[kind] : "?";
}

/* The name of one PMK_MARKER_* bit. */
const char *pmk_marker_name(unsigned mask)
{
	switch (mask) {
	case PMK_MARKER_UFFD_WP:
		return "uffd-wp";
	case PMK_MARKER_POISON:
		return "poison";
	case PMK_MARKER_GUARD:
		return "guard";
	}
	return "?";
}

enum pmk_invariant pmk_pagemap_check(const struct pmk_layout *layout, uint64_t word)
{
	bool shift, swap = word & PMK_PAGEMAP_SWAP_MASK, present = word & PMK_PAGEMAP_PRESENT_MASK;
	uint64_t known;

	layout = pmk_layout_or_current(layout);
	shift = has_page_shift(layout, word);
	known = known_flags(layout, shift) | STATE_FLAGS;
	if (shift)
		word &= ~PMK_PAGEMAP_SHIFT_MASK;
	if (swap && present)
		return PMK_INV_SWAP_PRESENT;
	if (word & PMK_PAGEMAP_FLAGS_MASK & ~known)
		return PMK_INV_RESERVED;
	if (word & PMK_PAGEMAP_GUARD_MASK && !swap)
		return PMK_INV_GUARD_NOT_SWAP;
	if (word & PMK_PAGEMAP_EXCLUSIVE_MASK && !swap && !present)
		return PMK_INV_EXCLUSIVE_ABSENT;
	/* Before 6.11 a device-private page could be exclusive (E-B56). */
	if (word & PMK_PAGEMAP_EXCLUSIVE_MASK && swap && layout->kernel >= PMK_KERNEL(6, 11, 0))
		return PMK_INV_EXCLUSIVE_SWAPPED;
	if (word & PMK_PAGEMAP_FILE_MASK && !swap && !present)
		return PMK_INV_FILE_ABSENT;
	if (word & PMK_PAGEMAP_FRAME_MASK && !swap && !present)
		return PMK_INV_FRAME_ABSENT;
	return PMK_INV_OK;
}
