/* diagram.c: a word drawn bit by bit, with lines from set bits and fields to what they mean.
 *
 * A picture is made of rows: under the bits hang "leads", each a bit or a field. Leads of the left
 * run to a label on their right, the lowest first; those of the right (the frame) run to a label on
 * their left, the highest first; so no two lines cross. */
#include <string.h>

#include "internal.h"

enum {
	COLUMNS = 100,
	MARGIN = 2,
	MAX_LEADS = 64,
};

enum style { PLAIN, FAINT, SET, NAME, VALUE, WRONG, STYLES };

static const char *const escapes[STYLES] = {
	[PLAIN] = "",	    [FAINT] = "\033[2m",  [SET] = "\033[1;32m",
	[NAME] = "\033[1m", [VALUE] = "\033[36m", [WRONG] = "\033[1;31m",
};

enum glyph { DOWN, RIGHTWARD, LEFTWARD, DASH, FIELD_START, FIELD_DROP, FIELD_END, GLYPHS };

static const char *const glyphs[2][GLYPHS] = {
	{ "|", "'", "'", "-", "'", "+", "'" },
	{ "│", "╰", "╯", "─", "└", "┬", "┘" },
};

/* One line of the picture: a column is a glyph or a character of ASCII. */
struct row {
	const char *text[COLUMNS];
	uint8_t style[COLUMNS];
};

struct lead {
	unsigned high, low; /* the bits of a field, the same for a flag */
	bool leftward; /* the label is on the left */
	enum style style;
	const char *name;
	char number[8]; /* "BIT59", the name of a bit that has none */
	char value[48];
	const char *meaning;
};

/* A picture of bits top to bottom, and where it goes. */
struct picture {
	struct pmk_out *out;
	unsigned flags;
	uint64_t word;
	unsigned top, bottom;
	unsigned label, name, meaning; /* columns of a label: numbers of bits, name, meaning */
	struct lead leads[MAX_LEADS];
	unsigned n;
};

static void put(struct row *row, unsigned column, const char *text, enum style style)
{
	if (column >= COLUMNS)
		return;
	row->text[column] = text;
	row->style[column] = (uint8_t)style;
}

static unsigned put_text(struct row *row, unsigned column, const char *text, enum style style)
{
	for (; *text; text++)
		put(row, column++, text, style);
	return column;
}

static void put_glyph(const struct picture *p, struct row *row, unsigned column, enum glyph glyph,
		      enum style style)
{
	put(row, column, glyphs[!!(p->flags & PMK_DIAGRAM_UNICODE)][glyph], style);
}

/* ASCII comes from the middle of a string, glyphs are strings of their own. */
static void write_cell(struct pmk_out *out, const char *text)
{
	size_t len = (unsigned char)*text < 0x80 ? 1 : strlen(text);

	pmk_out_bytes(out, text, len);
}

static void set_style(const struct picture *p, enum style *now, enum style style)
{
	if (*now == style || !(p->flags & PMK_DIAGRAM_COLOUR))
		return;
	if (*now != PLAIN)
		pmk_out_text(p->out, "\033[0m");
	pmk_out_text(p->out, escapes[style]);
	*now = style;
}

static void write_row(const struct picture *p, const struct row *row)
{
	enum style now = PLAIN;
	unsigned end = COLUMNS;

	while (end > 0 && !row->text[end - 1])
		end--;
	for (unsigned column = 0; column < end; column++) {
		set_style(p, &now, row->text[column] ? (enum style)row->style[column] : PLAIN);
		write_cell(p->out, row->text[column] ? row->text[column] : " ");
	}
	set_style(p, &now, PLAIN);
	pmk_out_char(p->out, '\n');
}

/* Bits stand in groups of four. */
static unsigned column_of(const struct picture *p, unsigned bit)
{
	unsigned index = p->top - bit;

	return MARGIN + index + index / 4;
}

/* Where a lead leaves the bits: under a flag; in the right part of a field with its label on the
 * left, to leave room for that. */
static unsigned drop_of(const struct picture *p, const struct lead *lead)
{
	unsigned first = column_of(p, lead->high), last = column_of(p, lead->low);

	return lead->leftward ? first + (last - first) * 7 / 8 : (first + last) / 2;
}

static void put_number(struct row *row, unsigned column, char digits[2], unsigned number)
{
	digits[0] = (char)('0' + number / 10);
	digits[1] = (char)('0' + number % 10);
	if (number >= 10)
		put(row, column++, &digits[0], FAINT);
	put(row, column, &digits[1], FAINT);
}

static void draw_bits(const struct picture *p)
{
	struct row ruler = { 0 }, bits = { 0 };
	char digits[16][2];

	for (unsigned bit = p->top + 1; bit-- > p->bottom;) {
		unsigned column = column_of(p, bit);
		bool set = p->word >> bit & 1;

		if (bit % 4 == 3)
			put_number(&ruler, column, digits[bit / 4], bit);
		put(&bits, column, set ? "1" : "0", set ? SET : FAINT);
	}
	write_row(p, &ruler);
	write_row(p, &bits);
}

static void draw_brackets(const struct picture *p)
{
	struct row row = { 0 };

	for (unsigned i = 0; i < p->n; i++) {
		const struct lead *lead = &p->leads[i];
		unsigned first = column_of(p, lead->high), last = column_of(p, lead->low);

		if (first == last) {
			put_glyph(p, &row, first, DOWN, FAINT);
			continue;
		}
		for (unsigned column = first; column <= last; column++)
			put_glyph(p, &row, column, DASH, FAINT);
		put_glyph(p, &row, first, FIELD_START, FAINT);
		put_glyph(p, &row, last, FIELD_END, FAINT);
		put_glyph(p, &row, drop_of(p, lead), FIELD_DROP, FAINT);
	}
	write_row(p, &row);
}

/* "58    guard       " or "0-54  PFN         0x12345"; digits must live as long as the row. */
static unsigned put_label(const struct picture *p, struct row *row, const struct lead *lead,
			  char digits[2][2])
{
	unsigned column = p->label;

	put_number(row, column, digits[0], lead->low);
	if (lead->high != lead->low) {
		column += lead->low >= 10 ? 2 : 1;
		put(row, column++, "-", FAINT);
		put_number(row, column, digits[1], lead->high);
	}
	column = p->name;
	column = put_text(row, column, lead->name, lead->style);
	if (lead->value[0])
		column = put_text(row, column + 1, lead->value, VALUE);
	return column;
}

static void draw_lead(const struct picture *p, const struct lead *lead, struct row *row)
{
	unsigned drop = drop_of(p, lead), column;
	char digits[2][2];

	put_glyph(p, row, drop, lead->leftward ? LEFTWARD : RIGHTWARD, FAINT);
	column = put_label(p, row, lead, digits);
	if (lead->leftward) {
		while (++column < drop)
			put_glyph(p, row, column, DASH, FAINT);
	} else {
		for (unsigned dash = drop + 1; dash + 1 < p->label; dash++)
			put_glyph(p, row, dash, DASH, FAINT);
		put_text(row, p->meaning, lead->meaning, lead->style == WRONG ? WRONG : PLAIN);
	}
	write_row(p, row);
}

/* Leads are in the order of their rows: those still to come are seen passing by. */
static void draw_leads(const struct picture *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct row row = { 0 };

		for (unsigned later = i + 1; later < p->n; later++)
			put_glyph(p, &row, drop_of(p, &p->leads[later]), DOWN, FAINT);
		draw_lead(p, &p->leads[i], &row);
	}
}

static void draw(const struct picture *p)
{
	draw_bits(p);
	if (p->n > 0) {
		draw_brackets(p);
		draw_leads(p);
	}
}

static void write_text(const struct picture *p, const char *text, enum style style)
{
	enum style now = PLAIN;

	set_style(p, &now, style);
	pmk_out_text(p->out, text);
	set_style(p, &now, PLAIN);
}

static void write_headline(const struct picture *p, const char *text)
{
	enum style now = PLAIN;

	set_style(p, &now, NAME);
	pmk_out_text(p->out, "0x");
	pmk_out_hex(p->out, p->word, 16);
	set_style(p, &now, PLAIN);
	pmk_out_text(p->out, "  ");
	pmk_out_text(p->out, text);
	pmk_out_text(p->out, "\n\n");
}

static void write_broken(const struct picture *p, enum pmk_invariant broken)
{
	if (!broken)
		return;
	pmk_out_text(p->out, "\n");
	write_text(p, "impossible: ", WRONG);
	pmk_out_text(p->out, pmk_invariant_text(broken));
	pmk_out_text(p->out, " (");
	pmk_out_text(p->out, pmk_invariant_clause(broken));
	pmk_out_text(p->out, ")\n");
}

static struct lead *add_lead(struct picture *p, unsigned high, unsigned low, const char *name)
{
	struct lead *lead = &p->leads[p->n++];

	*lead = (struct lead){ .high = high, .low = low, .style = NAME, .name = name };
	lead->meaning = "";
	return lead;
}

static void add_flag(struct picture *p, unsigned bit, bool known, const struct pmk_bit *described)
{
	struct lead *lead = add_lead(p, bit, bit, NULL);
	struct pmk_out out = { lead->number, sizeof(lead->number), 0 };

	pmk_out_text(&out, "BIT");
	pmk_out_dec(&out, bit);
	pmk_out_end(&out);
	lead->name = described ? described->name : lead->number;
	lead->meaning = known ? described->meaning : "no meaning here";
	lead->style = known ? NAME : WRONG;
}

/* A field on the right of the word: its label is on the left, with a value. */
static void add_field(struct picture *p, unsigned high, unsigned low, const char *name,
		      uint64_t value, const char *remark)
{
	struct lead *lead = add_lead(p, high, low, name);
	struct pmk_out out = { lead->value, sizeof(lead->value), 0 };

	lead->leftward = true;
	if (high < PMK_SWAP_TYPE_BITS) {
		pmk_out_dec(&out, value); /* a swap type is a small number */
	} else {
		pmk_out_text(&out, "0x");
		pmk_out_hex(&out, value, 1);
	}
	pmk_out_text(&out, remark);
	pmk_out_end(&out);
}

static void add_page_shift(struct picture *p, unsigned page_shift)
{
	struct lead *lead = add_lead(p, 60, 55, "shift");
	struct pmk_out out = { lead->value, sizeof(lead->value), 0 };

	pmk_out_dec(&out, page_shift);
	pmk_out_end(&out);
	lead->meaning = "log2 of the page size, up to 4.2";
}

static void add_swap_fields(struct picture *p, const struct pmk_pagemap *page)
{
	static const char *const type_remarks[PMK_SWAP_KINDS] = {
		[PMK_SWAP_REAL] = ", a swap area",    [PMK_SWAP_HWPOISON] = ", bad memory",
		[PMK_SWAP_MIGRATION] = ", migration", [PMK_SWAP_DEVICE] = ", device memory",
		[PMK_SWAP_MARKER] = ", a marker",     [PMK_SWAP_SWAPIN_ERROR] = ", swap-in error",
	};
	static const char *const marker_remarks[] = {
		"",
		", uffd-wp",
		", poison",
		", uffd-wp and poison",
		", guard",
		", guard and uffd-wp",
		", guard and poison",
		", guard, uffd-wp and poison",
	};
	const char *remark = "";

	if (page->kind == PMK_SWAP_REAL)
		remark = ", a page of it";
	else if (page->kind == PMK_SWAP_MARKER)
		remark = marker_remarks[page->marker & 7];
	else if (page->kind != PMK_SWAP_SWAPIN_ERROR)
		remark = ", a PFN";
	add_field(p, 54, PMK_SWAP_TYPE_BITS, "swap offset", page->swap_offset, remark);
	add_field(p, PMK_SWAP_TYPE_BITS - 1, 0, "swap type  ", page->swap_type,
		  type_remarks[page->kind]);
}

static void add_frame(struct picture *p, const struct pmk_pagemap *page)
{
	uint64_t frame = p->word & PMK_PAGEMAP_FRAME_MASK;

	if (page->state == PMK_PAGE_SWAPPED && frame != 0)
		add_swap_fields(p, page);
	else if (page->state == PMK_PAGE_PRESENT)
		add_field(p, 54, 0, "PFN", frame, frame ? "" : ", hidden from this reader");
	else if (page->state == PMK_PAGE_SWAPPED)
		add_field(p, 54, 0, "swap", frame, ", hidden from this reader");
	else if (frame != 0)
		add_field(p, 54, 0, "frame", frame, ", of an absent page");
}

static void add_pagemap_leads(struct picture *p, const struct pmk_pagemap *page)
{
	uint64_t known = pmk_pagemap_known_bits(page);

	add_frame(p, page);
	if (page->page_shift)
		add_page_shift(p, page->page_shift);
	for (unsigned bit = PMK_PAGEMAP_FRAME_BITS; bit < 64; bit++) {
		if ((known | page->unknown) >> bit & 1)
			add_flag(p, bit, known >> bit & 1, pmk_pagemap_bit(bit));
	}
}

static const char *pagemap_headline(const struct pmk_pagemap *page)
{
	static const char *const kinds[PMK_SWAP_KINDS] = {
		[PMK_SWAP_NONE] = "swap-like",
		[PMK_SWAP_HIDDEN] = "swap-like; of which kind, this reader may not know",
		[PMK_SWAP_REAL] = "in swap",
		[PMK_SWAP_HWPOISON] = "swap-like: the memory is bad",
		[PMK_SWAP_MIGRATION] = "swap-like: on its way to another frame",
		[PMK_SWAP_DEVICE] = "swap-like: in device memory",
		[PMK_SWAP_MARKER] = "swap-like: no page, only a marker",
		[PMK_SWAP_SWAPIN_ERROR] = "swap-like: lost, it could not be read from swap",
	};

	if (page->state == PMK_PAGE_PRESENT)
		return "present";
	if (page->kind == PMK_SWAP_MARKER && page->marker & PMK_MARKER_GUARD)
		return "guard page: swap-like, no page, only a marker";
	if (page->kind == PMK_SWAP_MARKER && page->marker & PMK_MARKER_POISON)
		return "poisoned: swap-like, no page, only a marker";
	return page->state == PMK_PAGE_ABSENT ? "absent" : kinds[page->kind];
}

size_t pmk_pagemap_diagram(const struct pmk_layout *layout, uint64_t word, unsigned flags,
			   char *buf, size_t size)
{
	struct pmk_out out = { buf, size, 0 };
	struct picture p = { .out = &out, .flags = flags, .word = word, .top = 63 };
	struct pmk_pagemap page;

	pmk_pagemap_decode(layout, word, &page);
	p.label = 18;
	p.name = 24;
	p.meaning = 36;
	add_pagemap_leads(&p, &page);
	write_headline(&p, pagemap_headline(&page));
	draw(&p);
	write_broken(&p, pmk_pagemap_check(layout, word));
	return pmk_out_end(&out);
}

/* What a page mainly is: the first that fits. */
static const struct {
	uint64_t mask;
	const char *text;
} page_types[] = {
	{ PMK_KPF_NOPAGE_MASK, "no page frame" },
	{ PMK_KPF_BUDDY_MASK, "free" },
	{ PMK_KPF_OFFLINE_MASK, "logically offline" },
	{ PMK_KPF_PGTABLE_MASK, "page table" },
	{ PMK_KPF_SLAB_MASK, "slab" },
	{ PMK_KPF_ZERO_PAGE_MASK, "zero page" },
	{ PMK_KPF_HUGE_MASK, "hugetlb page" },
	{ PMK_KPF_KSM_MASK, "KSM page" },
	{ PMK_KPF_ANON_MASK, "anonymous memory" },
	{ PMK_KPF_SWAPBACKED_MASK, "shared memory" },
	{ PMK_KPF_LRU_MASK | PMK_KPF_MMAP_MASK, "page of a file" },
	{ PMK_KPF_RESERVED_MASK, "reserved" },
	{ ~UINT64_C(0), "kernel memory" },
};

static const char *kpageflags_headline(uint64_t word)
{
	for (size_t i = 0; i < ARRAY_SIZE(page_types); i++) {
		if (word & page_types[i].mask)
			return page_types[i].text;
	}
	return "no flag: kernel memory, or since 6.16 a hole";
}

/* Bits top to bottom, 32 of them, with the labels on the right. */
static void draw_half(struct picture *p, uint64_t known, unsigned top)
{
	p->top = top;
	p->bottom = top - 31;
	p->n = 0;
	for (unsigned bit = p->bottom; bit <= top; bit++) {
		if (p->word >> bit & 1)
			add_flag(p, bit, known >> bit & 1, pmk_kpageflags_bit(bit));
	}
	draw(p);
}

size_t pmk_kpageflags_diagram(uint32_t kernel, uint64_t word, unsigned flags, char *buf,
			      size_t size)
{
	struct pmk_out out = { buf, size, 0 };
	struct picture p = { .out = &out, .flags = flags, .word = word };
	uint64_t known = pmk_kpageflags_known(kernel);

	p.label = 43;
	p.name = 46;
	p.meaning = 60;
	write_headline(&p, kpageflags_headline(word));
	if (word >> 32) {
		draw_half(&p, known, 63);
		pmk_out_char(&out, '\n');
	}
	draw_half(&p, known, 31);
	write_broken(&p, pmk_kpageflags_check(kernel, word));
	return pmk_out_end(&out);
}
