/* names.c: the bits of bits.def, and words to names and back. */
#include "internal.h"

#define BIT(id, number, text, first, last, meant, said) \
	[number] = { .name = text,                      \
		     .bit = number,                     \
		     .since = first,                    \
		     .until = last,                     \
		     .meaning = meant,                  \
		     .clause = said },

static const struct pmk_bit pagemap_bits[64] = {
#define PMK_PAGEMAP_BIT BIT
#include "bits.def"
};

static const struct pmk_bit kpf_bits[64] = {
#define PMK_KPF_BIT BIT
#include "bits.def"
};

static const struct pmk_bit scan_categories[64] = {
#define PMK_SCAN_CATEGORY BIT
#include "bits.def"
};

static const struct pmk_bit scan_flags[64] = {
#define PMK_SCAN_FLAG BIT
#include "bits.def"
};

static const struct {
	const char *name;
	unsigned bit;
} kpf_aliases[] = {
#define PMK_KPF_ALIAS(alias, id) { alias, PMK_KPF_##id##_BIT },
#include "bits.def"
};

static const struct pmk_bit *bit_of(const struct pmk_bit *table, unsigned bit)
{
	return bit < 64 && table[bit].name ? &table[bit] : NULL;
}

const struct pmk_bit *pmk_pagemap_bit(unsigned bit)
{
	return bit_of(pagemap_bits, bit);
}

const struct pmk_bit *pmk_kpageflags_bit(unsigned bit)
{
	return bit_of(kpf_bits, bit);
}

const struct pmk_bit *pmk_scan_category(unsigned bit)
{
	return bit_of(scan_categories, bit);
}

const struct pmk_bit *pmk_scan_flag(unsigned bit)
{
	return bit_of(scan_flags, bit);
}

/* One case and one kind of dash, without the help of a locale. */
static char fold(char c)
{
	if (c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	return c == '-' ? '_' : c;
}

static bool same_name(const char *name, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '\0' || fold(name[i]) != fold(text[i]))
			return false;
	}
	return name[len] == '\0';
}

/* BIT0 to BIT63: a bit by its number. */
static int bit_by_number(const char *text, size_t len)
{
	int bit = 0;

	if (len < 4 || len > 5 || !same_name("BIT", text, 3) || (len == 5 && text[3] == '0'))
		return -1;
	for (size_t i = 3; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		bit = bit * 10 + (text[i] - '0');
	}
	return bit < 64 ? bit : -1;
}

static int bit_by_name(const struct pmk_bit *table, const char *text, size_t len)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		if (table[bit].name && same_name(table[bit].name, text, len))
			return (int)bit;
	}
	if (table == kpf_bits) {
		for (size_t i = 0; i < ARRAY_SIZE(kpf_aliases); i++) {
			if (same_name(kpf_aliases[i].name, text, len))
				return (int)kpf_aliases[i].bit;
		}
	}
	return bit_by_number(text, len);
}

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == ',' || c == '|';
}

static int from_names(const struct pmk_bit *table, const char *text, size_t len, uint64_t *ret)
{
	uint64_t word = 0;
	size_t i = 0;

	while (i < len) {
		size_t start = i;
		int bit;

		if (is_separator(text[i])) {
			i++;
			continue;
		}
		while (i < len && !is_separator(text[i]))
			i++;
		bit = bit_by_name(table, text + start, i - start);
		if (bit < 0)
			return PMK_ERR_NAME;
		word |= UINT64_C(1) << bit;
	}
	*ret = word;
	return 0;
}

int pmk_pagemap_from_names(const char *text, size_t len, uint64_t *ret)
{
	return from_names(pagemap_bits, text, len, ret);
}

int pmk_kpageflags_from_names(const char *text, size_t len, uint64_t *ret)
{
	return from_names(kpf_bits, text, len, ret);
}

int pmk_scan_from_names(const char *text, size_t len, uint64_t *ret)
{
	return from_names(scan_categories, text, len, ret);
}

void pmk_out_bit_name(struct pmk_out *out, pmk_bit_fn *describe, unsigned bit)
{
	const struct pmk_bit *known = describe(bit);

	if (known) {
		pmk_out_text(out, known->name);
		return;
	}
	pmk_out_text(out, "BIT");
	pmk_out_dec(out, bit);
}

static size_t to_names(pmk_bit_fn *describe, uint64_t word, char *buf, size_t size)
{
	struct pmk_out out = { buf, size, 0 };

	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(word >> bit & 1))
			continue;
		if (out.len > 0)
			pmk_out_char(&out, ' ');
		pmk_out_bit_name(&out, describe, bit);
	}
	return pmk_out_end(&out);
}

size_t pmk_pagemap_to_names(uint64_t word, char *buf, size_t size)
{
	return to_names(pmk_pagemap_bit, word & PMK_PAGEMAP_FLAGS_MASK, buf, size);
}

size_t pmk_kpageflags_to_names(uint64_t word, char *buf, size_t size)
{
	return to_names(pmk_kpageflags_bit, word, buf, size);
}

size_t pmk_scan_to_names(uint64_t categories, char *buf, size_t size)
{
	return to_names(pmk_scan_category, categories, buf, size);
}
