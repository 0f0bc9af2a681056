/* SPDX-License-Identifier: MIT */
/*
 * answer.h - what an adapter says, from its lines of JSON (README.md has the protocol).
 *
 * Parsing is a pure function of the bytes: no I/O, any bytes will do, and what comes back is either
 * an answer that keeps to fields.def or an error for people.
 */
#ifndef PMK_ANSWER_H
#define PMK_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pagemapkit.h"
#include "script.h"
#include "text.h"

enum pmk_ask { PMK_ASK_PAGE, PMK_ASK_RANGE, PMK_ASK_FRAME, PMK_ASK_SCAN, PMK_ASK_COUNT };
extern const char *const pmk_ask_name[PMK_ASK_COUNT];

enum pmk_field {
#define FIELD(id, name, type, of, text) PMK_FIELD_##id,
#include "fields.def"
	PMK_FIELDS
};

enum pmk_field_type {
	PMK_FIELD_NUMBER,
	PMK_FIELD_BOOL,
	PMK_FIELD_IS_STATE,
	PMK_FIELD_KIND,
	PMK_FIELD_MARKERS,
	PMK_FIELD_KPF,
};

struct pmk_field_info {
	const char *name;
	enum pmk_field_type type;
	bool of_frame;
	const char *text;
};
extern const struct pmk_field_info pmk_field_info[PMK_FIELDS];

/* One page or frame.  A field that is not known is null; a value is a number, an enum or a mask. */
struct pmk_sheet {
	uint32_t known; /* 1 << enum pmk_field */
	uint64_t value[PMK_FIELDS];
};
static inline void pmk_sheet_set(struct pmk_sheet *sheet, enum pmk_field field, uint64_t value)
{
	sheet->known |= 1u << field;
	sheet->value[field] = value;
}
/* "0x12", "true", "marker", "[ANON LRU]", "null". */
void pmk_sheet_print(const struct pmk_sheet *sheet, enum pmk_field field, struct pmk_text *out);

/* The file ended before the word: no errno, for read(2) has none for it either. */
#define PMK_ERROR_EOF 100000

struct pmk_answer {
	char skip[120]; /* why the adapter does not answer this one; "": it does */
	int error; /* 0, an errno of this machine, or PMK_ERROR_EOF */
	struct pmk_sheet *sheet; /* PAGE, FRAME: one unless there is an error; RANGE: one a page */
	size_t nsheets;
	struct pmk_scan_region *region; /* SCAN: ascending, merged where they touch and agree */
	size_t nregions;
};
void pmk_answer_deinit(struct pmk_answer *answer);
void pmk_answer_add_region(struct pmk_answer *answer, struct pmk_scan_region region);
/* "EOF", "EPERM", "none". */
const char *pmk_error_name(int error);

#define PMK_ANSWER_MAX (1u << 20) /* bytes of a line */
#define PMK_SHEETS_MAX 4096 /* pages of a range */

/* What an adapter says of itself in its first line. */
struct pmk_declaration {
	char name[64];
	bool asks[PMK_ASK_COUNT]; /* it can be asked so */
	uint32_t fields[PMK_ASK_COUNT]; /* and knows these: 1 << enum pmk_field */
};
/*
 * The line, with or without its newline.  0, or -1 and *err, with the column where there is one, e.g.
 * "unknown field 'pfm'; did you mean 'pfn'?", "expected '}' near end of file".
 */
int pmk_declaration_parse(const char *line, size_t len, struct pmk_declaration *ret,
			  struct pmk_error *err);
/* Likewise; pmk_answer_deinit() in either case. */
int pmk_answer_parse(enum pmk_ask ask, const char *line, size_t len, struct pmk_answer *ret,
		     struct pmk_error *err);

#endif
