/* internal.h: what the files of the decoder share and do not export. */
#ifndef PMK_INTERNAL_H
#define PMK_INTERNAL_H

#include "pagemapkit.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Text going into a caller's buffer of a bounded size: len counts what would have been written. */
struct pmk_out {
	char *buf;
	size_t size;
	size_t len;
};

void pmk_out_char(struct pmk_out *out, char c);
void pmk_out_bytes(struct pmk_out *out, const char *text, size_t len);
void pmk_out_text(struct pmk_out *out, const char *text);
void pmk_out_repeat(struct pmk_out *out, const char *text, unsigned times);
void pmk_out_hex(struct pmk_out *out, uint64_t value, unsigned min_digits);
void pmk_out_dec(struct pmk_out *out, uint64_t value);
size_t pmk_out_end(struct pmk_out *out);

/* Where the description of a bit comes from. */
typedef const struct pmk_bit *pmk_bit_fn(unsigned bit);

void pmk_out_bit_name(struct pmk_out *out, pmk_bit_fn *describe, unsigned bit);

uint64_t pmk_pagemap_known_bits(const struct pmk_pagemap *page);

static inline const struct pmk_layout *pmk_layout_or_current(const struct pmk_layout *layout)
{
	return layout ? layout : &pmk_layout_current;
}

static inline uint32_t pmk_kernel_or_newest(uint32_t kernel)
{
	return kernel ? kernel : PMK_KERNEL_NEWEST;
}

static inline bool pmk_kernel_within(uint32_t kernel, uint32_t since, uint32_t until)
{
	return kernel >= since && (until == 0 || kernel < until);
}

#endif
