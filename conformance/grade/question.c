/* SPDX-License-Identifier: MIT */
/* question.c - questions as text, and whether an answer is right: see question.h. */
#include "question.h"

#include <inttypes.h>

void pmk_question_json(const struct pmk_question *q, const struct pmk_profile *profile,
		       struct pmk_text *out)
{
	pmk_text_add(out, "{\"ask\":\"%s\",\"proc\":\"/proc\"", pmk_ask_name[q->ask]);
	if (q->ask != PMK_ASK_FRAME)
		pmk_text_add(out, ",\"pid\":%d", q->pid);
	if (q->ask == PMK_ASK_PAGE)
		pmk_text_add(out, ",\"address\":\"%#" PRIx64 "\"", q->start);
	else if (q->ask == PMK_ASK_FRAME)
		pmk_text_add(out, ",\"pfn\":\"%#" PRIx64 "\"", q->start);
	else
		pmk_text_add(out, ",\"start\":\"%#" PRIx64 "\",\"end\":\"%#" PRIx64 "\"", q->start,
			     q->end);
	if (q->ask == PMK_ASK_SCAN)
		pmk_text_add(out,
			     ",\"category_inverted\":\"%#" PRIx64 "\",\"category_mask\":\"%#" PRIx64
			     "\",\"category_anyof_mask\":\"%#" PRIx64
			     "\",\"return_mask\":\"%#" PRIx64 "\"",
			     q->scan.category_inverted, q->scan.category_mask,
			     q->scan.category_anyof_mask, q->scan.return_mask);
	pmk_text_add(out, ",\"page_size\":%" PRIu64 ",\"kernel\":\"%s\"}\n",
		     pmk_profile_page_size(profile), profile->name);
}

void pmk_question_print(const struct pmk_question *q, struct pmk_text *out)
{
	if (q->ask == PMK_ASK_FRAME)
		pmk_text_add(out, "frame %#" PRIx64, q->start);
	else if (q->ask == PMK_ASK_PAGE)
		pmk_text_add(out, "page %#" PRIx64 " of PID %d", q->start, q->pid);
	else
		pmk_text_add(out, "%s %#" PRIx64 "-%#" PRIx64 " of PID %d", pmk_ask_name[q->ask],
			     q->start, q->end, q->pid);
	if (q->as_process)
		pmk_text_add(out, ", as uid %u%s", (unsigned)q->opener.uid,
			     q->opener.caps & PMK_CAP_SYS_ADMIN ? "" : " without CAP_SYS_ADMIN");
}

/* ---- right or wrong ------------------------------------------------------------------------------- */

/* false and null are the same: not set. */
static bool field_matches(const struct pmk_sheet *want, const struct pmk_sheet *got,
			  enum pmk_field field)
{
	bool wanted = want->known >> field & 1, given = got->known >> field & 1;

	if (pmk_field_info[field].type == PMK_FIELD_BOOL)
		return (wanted && want->value[field]) == (given && got->value[field]);
	return wanted == given && (!wanted || want->value[field] == got->value[field]);
}

static bool sheet_matches(const struct pmk_sheet *want, const struct pmk_sheet *got,
			  uint32_t fields, struct pmk_text *why)
{
	for (int f = 0; f < PMK_FIELDS; f++) {
		if (!(fields >> f & 1) || field_matches(want, got, (enum pmk_field)f))
			continue;
		pmk_text_add(why, "%s: expected ", pmk_field_info[f].name);
		pmk_sheet_print(want, (enum pmk_field)f, why);
		pmk_text_add(why, ", answered ");
		pmk_sheet_print(got, (enum pmk_field)f, why);
		return false;
	}
	return true;
}

static bool sheets_match(const struct pmk_key *key, uint32_t fields, const struct pmk_answer *got,
			 struct pmk_text *why, struct pmk_text *shown)
{
	const struct pmk_answer *want = &key->answer;
	char text[256] = "";
	struct pmk_text first = PMK_TEXT(text);

	for (size_t i = 0; i < want->nsheets && i < got->nsheets; i++) {
		pmk_text_clear(shown);
		pmk_text_add(shown, "%#" PRIx64, key->word[i]);
		if (sheet_matches(&want->sheet[i], &got->sheet[i], fields, &first))
			continue;
		if (want->nsheets > 1)
			pmk_text_add(why, "page %zu: ", i);
		pmk_text_add(why, "%s", text);
		return false;
	}
	if (want->nsheets == got->nsheets)
		return true;
	pmk_text_clear(shown);
	pmk_text_add(why, "expected %zu pages, answered %zu", want->nsheets, got->nsheets);
	return false;
}

static void add_regions(struct pmk_text *out, const struct pmk_answer *a)
{
	char names[256];

	pmk_text_add(out, "%zu regions", a->nregions);
	for (size_t i = 0; i < a->nregions && i < 3; i++) {
		pmk_scan_to_names(a->region[i].categories, names, sizeof(names));
		pmk_text_add(out, " %#" PRIx64 "-%#" PRIx64 " [%s]", a->region[i].start,
			     a->region[i].end, names);
	}
	if (a->nregions > 3)
		pmk_text_add(out, " ...");
}

static bool regions_match(const struct pmk_answer *want, const struct pmk_answer *got)
{
	if (want->error != got->error || want->nregions != got->nregions)
		return false;
	for (size_t i = 0; i < want->nregions; i++)
		if (want->region[i].start != got->region[i].start ||
		    want->region[i].end != got->region[i].end ||
		    want->region[i].categories != got->region[i].categories)
			return false;
	return true;
}

static void add_outcome(struct pmk_text *out, const struct pmk_answer *a)
{
	if (a->error)
		pmk_text_add(out, "error %s", pmk_error_name(a->error));
	else
		add_regions(out, a);
}

static bool scan_matches(const struct pmk_key *key, const struct pmk_answer *got,
			 struct pmk_text *why)
{
	if (regions_match(&key->answer, got) || (key->has_other && regions_match(&key->other, got)))
		return true;
	pmk_text_add(why, "expected ");
	add_outcome(why, &key->answer);
	if (key->has_other) {
		pmk_text_add(why, ", or from pagemap ");
		add_outcome(why, &key->other);
	}
	pmk_text_add(why, "; answered ");
	add_outcome(why, got);
	return false;
}

bool pmk_key_matches(const struct pmk_key *key, const struct pmk_question *q, uint32_t fields,
		     const struct pmk_answer *answer, struct pmk_text *why, struct pmk_text *shown)
{
	if (q->ask == PMK_ASK_SCAN)
		return scan_matches(key, answer, why);
	if (key->answer.error != answer->error) {
		pmk_text_add(why, "error: expected %s, answered %s",
			     pmk_error_name(key->answer.error), pmk_error_name(answer->error));
		return false;
	}
	return sheets_match(key, fields, answer, why, shown);
}
