/*
 * Whatever an adapter says in the grade protocol is an answer that keeps to fields.def, or an error in one
 * line; a newline at its end changes nothing; what is taken prints.
 *
 * Input: what was asked (of 5: the fourth and on is the declaration), then the line.
 */
#include "answer.h"
#include "fuzz.h"

static void check_error(const struct pmk_error *err)
{
	CHECK(err->text[0], "an error says what");
}

static void check_sheet(const struct pmk_sheet *sheet)
{
	CHECK(!(sheet->known >> PMK_FIELDS), "only fields that there are");
	for (int f = 0; f < PMK_FIELDS; f++) {
		char buf[4096];
		struct pmk_text text = PMK_TEXT(buf);

		if (pmk_field_info[f].type == PMK_FIELD_BOOL && sheet->known >> f & 1)
			CHECK(sheet->value[f] <= 1, "a truth value is one");
		pmk_sheet_print(sheet, (enum pmk_field)f, &text);
		CHECK(text.len, "a field prints");
	}
}

static void check_answer(enum pmk_ask ask, const struct pmk_answer *a)
{
	if (*a->skip)
		return;
	CHECK(ask == PMK_ASK_SCAN || !a->nregions, "regions are of scans");
	CHECK(ask != PMK_ASK_SCAN || !a->nsheets, "a scan has no pages");
	CHECK(a->nsheets <= (ask == PMK_ASK_RANGE ? PMK_SHEETS_MAX : 1), "pages have a limit");
	for (size_t i = 0; i < a->nsheets; i++)
		check_sheet(&a->sheet[i]);
	for (size_t i = 0; i < a->nregions; i++) {
		const struct pmk_scan_region *r = &a->region[i];

		CHECK(r->start < r->end, "a region is not empty");
		CHECK(!i || r[-1].end <= r->start, "regions ascend");
		CHECK(!i || r[-1].end < r->start || r[-1].categories != r->categories,
		      "regions are merged");
	}
}

static void check_declaration(const char *line, size_t len)
{
	struct pmk_declaration says = { .name = "" };
	struct pmk_error err = { .line = 0 };

	if (pmk_declaration_parse(line, len, &says, &err)) {
		check_error(&err);
		return;
	}
	CHECK(memchr(says.name, '\0', sizeof(says.name)), "a name ends");
	for (int a = 0; a < PMK_ASK_COUNT; a++)
		CHECK(!(says.fields[a] >> PMK_FIELDS), "only fields that there are");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum pmk_ask ask = size ? data[0] % (PMK_ASK_COUNT + 1) : PMK_ASK_PAGE;
	const char *line = (const char *)data + (size > 0);
	size_t len = size ? size - 1 : 0;
	struct pmk_answer a, b;
	struct pmk_error err = { .line = 0 };
	char *longer;
	int rc;

	if (ask == PMK_ASK_COUNT) {
		check_declaration(line, len);
		return 0;
	}
	rc = pmk_answer_parse(ask, line, len, &a, &err);
	if (rc)
		check_error(&err);
	else
		check_answer(ask, &a);
	longer = malloc(len + 1);
	if (!longer)
		abort();
	memcpy(longer, line, len);
	longer[len] = '\n';
	CHECK(pmk_answer_parse(ask, longer, len + 1, &b, &err) == rc, "a newline changes nothing");
	CHECK(rc || (a.error == b.error && a.nsheets == b.nsheets && a.nregions == b.nregions &&
		     !strcmp(a.skip, b.skip)),
	      "a newline changes nothing");
	free(longer);
	pmk_answer_deinit(&a);
	pmk_answer_deinit(&b);
	return 0;
}
