/* SPDX-License-Identifier: MIT */
/* answer.c - lines of JSON to answers: see answer.h. */
#include "answer.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "alloc.h"
#include "number.h"

const char *const pmk_ask_name[PMK_ASK_COUNT] = { "page", "range", "frame", "scan" };

#define NUMBER	PMK_FIELD_NUMBER
#define BOOL	PMK_FIELD_BOOL
#define STATE	PMK_FIELD_IS_STATE
#define KIND	PMK_FIELD_KIND
#define MARKERS PMK_FIELD_MARKERS
#define KPF	PMK_FIELD_KPF
#define PAGE	false
#define FRAME	true
const struct pmk_field_info pmk_field_info[PMK_FIELDS] = {
#define FIELD(id, name, type, of, text) [PMK_FIELD_##id] = { name, type, of, text },
#include "fields.def"
};

/* ---- words ----------------------------------------------------------------------------------------- */

static const char *state_name(uint64_t i)
{
	return i <= PMK_PAGE_PRESENT ? pmk_page_state_name((enum pmk_page_state)i) : NULL;
}

static const char *kind_name(uint64_t i)
{
	return i < PMK_SWAP_KINDS ? pmk_swap_kind_name((enum pmk_swap_kind)i) : NULL;
}

static const char *marker_name(uint64_t i)
{
	return i < 3 ? pmk_marker_name(1u << i) : NULL;
}

/* The words of a type, by number. */
typedef const char *word_fn(uint64_t i);
static word_fn *const words[] = {
	[STATE] = state_name,
	[KIND] = kind_name,
	[MARKERS] = marker_name,
	[KPF] = NULL,
};

static bool word_find(word_fn *name, const char *text, uint64_t *ret)
{
	for (uint64_t i = 0; name(i); i++)
		if (!strcmp(name(i), text)) {
			*ret = i;
			return true;
		}
	return false;
}

const char *pmk_error_name(int error)
{
	const char *name = error == PMK_ERROR_EOF ? "EOF" : error ? pmk_errno_name(error) : "none";

	return name ? name : "an unknown errno";
}

static int error_find(const char *text)
{
	return !strcmp(text, "EOF") ? PMK_ERROR_EOF : pmk_errno_value(text, strlen(text));
}

/* ---- sheets ---------------------------------------------------------------------------------------- */

void pmk_sheet_print(const struct pmk_sheet *sheet, enum pmk_field field, struct pmk_text *out)
{
	uint64_t n = sheet->value[field];
	char names[640];

	if (!(sheet->known >> field & 1)) {
		pmk_text_add(out, "null");
		return;
	}
	switch (pmk_field_info[field].type) {
	case NUMBER:
		pmk_text_add(out, "%#" PRIx64, n);
		return;
	case BOOL:
		pmk_text_add(out, "%s", n ? "true" : "false");
		return;
	case STATE:
	case KIND:
		pmk_text_add(out, "%s", words[pmk_field_info[field].type](n));
		return;
	case KPF:
		pmk_kpageflags_to_names(n, names, sizeof(names));
		pmk_text_add(out, "[%s]", names);
		return;
	case MARKERS:
		pmk_text_add(out, "[");
		for (uint64_t i = 0; marker_name(i); i++)
			if (n >> i & 1)
				pmk_text_add(out, "%s%s", n & ((1u << i) - 1) ? " " : "",
					     marker_name(i));
		pmk_text_add(out, "]");
	}
}

void pmk_answer_deinit(struct pmk_answer *answer)
{
	free(answer->sheet);
	free(answer->region);
	*answer = (struct pmk_answer){ .error = 0 };
}

void pmk_answer_add_region(struct pmk_answer *answer, struct pmk_scan_region r)
{
	struct pmk_scan_region *last =
		answer->nregions ? &answer->region[answer->nregions - 1] : NULL;

	if (last && last->end == r.start && last->categories == r.categories) {
		last->end = r.end;
		return;
	}
	answer->region = pmk_realloc(answer->region, answer->nregions + 1, sizeof(r));
	answer->region[answer->nregions++] = r;
}

/* ---- JSON values ----------------------------------------------------------------------------------- */

static int fail(struct pmk_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int fail(struct pmk_error *err, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return pmk_error_set(err, NULL, 0, 0, "%s", text);
}

static int unknown_field(struct pmk_error *err, const char *name)
{
	const char *near = pmk_text_nearest(name, &pmk_field_info[0].name, PMK_FIELDS,
					    sizeof(*pmk_field_info));

	return fail(err, "unknown field '%.60s'%s%s%s", name, near ? "; did you mean '" : "",
		    near ? near : "", near ? "'?" : "");
}

/* A number, or text with one: JSON's own numbers lose bits in many languages. */
static bool take_number(const json_t *value, uint64_t *ret)
{
	if (json_is_string(value))
		return pmk_number_parse(json_string_value(value), ret);
	*ret = (uint64_t)json_integer_value(value);
	return json_is_integer(value) && json_integer_value(value) >= 0;
}

static bool take_mask(const json_t *value, enum pmk_field_type type, uint64_t *ret)
{
	const json_t *item;
	uint64_t mask, n;
	size_t i;

	*ret = 0;
	json_array_foreach((json_t *)(uintptr_t)value, i, item)
	{
		const char *text = json_string_value(item);

		if (!text)
			return false;
		if (type == KPF ? pmk_kpageflags_from_names(text, strlen(text), &mask) < 0
				: !word_find(words[type], text, &n))
			return false;
		*ret |= type == KPF ? mask : UINT64_C(1) << n;
	}
	return json_is_array(value);
}

static bool take_value(const json_t *value, enum pmk_field_type type, uint64_t *ret)
{
	switch (type) {
	case NUMBER:
		return take_number(value, ret);
	case BOOL:
		*ret = json_is_true(value);
		return json_is_boolean(value);
	case STATE:
	case KIND:
		return json_is_string(value) &&
		       word_find(words[type], json_string_value(value), ret);
	case KPF:
		return take_number(value, ret) || take_mask(value, type, ret);
	default:
		return take_mask(value, type, ret);
	}
}

static const char *const type_expected[] = {
	[NUMBER] = "a number or text like \"0x12\"",
	[BOOL] = "true or false",
	[STATE] = "\"absent\", \"swapped\" or \"present\"",
	[KIND] = "the name of a kind of swap entry",
	[MARKERS] = "an array of names of markers",
	[KPF] = "an array of names of kpageflags bits, or the word",
};

static int field_find(const char *name)
{
	for (int f = 0; f < PMK_FIELDS; f++)
		if (!strcmp(pmk_field_info[f].name, name))
			return f;
	return -1;
}

static int take_sheet(json_t *object, struct pmk_sheet *ret, struct pmk_error *err)
{
	const char *key;
	json_t *value;

	*ret = (struct pmk_sheet){ 0 };
	json_object_foreach(object, key, value)
	{
		int field = field_find(key);
		uint64_t n;

		if (field < 0)
			return unknown_field(err, key);
		if (json_is_null(value))
			continue;
		if (!take_value(value, pmk_field_info[field].type, &n))
			return fail(err, "%s: expected %s, or null", key,
				    type_expected[pmk_field_info[field].type]);
		pmk_sheet_set(ret, (enum pmk_field)field, n);
	}
	return 0;
}

/* ---- answers --------------------------------------------------------------------------------------- */

/* Takes a member out of the object; NULL: it has none such. */
static json_t *take_member(json_t *object, const char *key)
{
	json_t *value = json_incref(json_object_get(object, key));

	json_object_del(object, key);
	return value;
}

static int take_text(json_t *object, const char *key, char *ret, size_t size, struct pmk_error *err)
{
	json_t *value = take_member(object, key);
	int rc = 0;

	if (value && !json_is_string(value))
		rc = fail(err, "%s: expected a text", key);
	else
		snprintf(ret, size, "%s", value ? json_string_value(value) : "");
	json_decref(value);
	return rc;
}

static int take_error(json_t *object, struct pmk_answer *ret, struct pmk_error *err)
{
	char name[32];

	if (take_text(object, "error", name, sizeof(name), err))
		return -1;
	ret->error = *name ? error_find(name) : 0;
	return ret->error < 0
		       ? fail(err, "error: '%s' is neither EOF nor the name of an errno", name)
		       : 0;
}

static int take_pages(json_t *pages, struct pmk_answer *ret, struct pmk_error *err)
{
	size_t n = json_array_size(pages);

	if (!json_is_array(pages) || n > PMK_SHEETS_MAX)
		return fail(err, "pages: expected an array of at most %d objects", PMK_SHEETS_MAX);
	ret->sheet = pmk_calloc(n + 1, sizeof(*ret->sheet));
	for (; ret->nsheets < n; ret->nsheets++) {
		json_t *page = json_array_get(pages, ret->nsheets);

		if (!json_is_object(page))
			return fail(err, "pages[%zu]: expected an object", ret->nsheets);
		if (take_sheet(page, &ret->sheet[ret->nsheets], err))
			return -1;
	}
	return 0;
}

static bool take_categories(const json_t *value, uint64_t *ret)
{
	const json_t *item;
	uint64_t mask;
	size_t i;

	if (!json_is_array(value))
		return take_number(value, ret);
	*ret = 0;
	json_array_foreach((json_t *)(uintptr_t)value, i, item)
	{
		const char *text = json_string_value(item);

		if (!text || pmk_scan_from_names(text, strlen(text), &mask) < 0)
			return false;
		*ret |= mask;
	}
	return true;
}

static int take_regions(json_t *regions, struct pmk_answer *ret, struct pmk_error *err)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(regions))
		return fail(err, "regions: expected an array");
	json_array_foreach(regions, i, item)
	{
		struct pmk_scan_region r;

		if (!take_number(json_object_get(item, "start"), &r.start) ||
		    !take_number(json_object_get(item, "end"), &r.end) ||
		    !take_categories(json_object_get(item, "categories"), &r.categories))
			return fail(err, "regions[%zu]: expected start, end and categories", i);
		pmk_answer_add_region(ret, r);
	}
	return 0;
}

/* The array that an answer of this kind has, alone or beside an error. */
static int take_array(json_t *object, const char *key,
		      int take(json_t *, struct pmk_answer *, struct pmk_error *),
		      struct pmk_answer *ret, struct pmk_error *err)
{
	json_t *array = take_member(object, key);
	int rc = 0;

	if (array)
		rc = take(array, ret, err);
	else if (!ret->error)
		rc = fail(err, "expected \"%s\", \"error\" or \"skip\"", key);
	json_decref(array);
	if (!rc && json_object_size(object))
		rc = unknown_field(err, json_object_iter_key(json_object_iter(object)));
	return rc;
}

static int take_answer(enum pmk_ask ask, json_t *object, struct pmk_answer *ret,
		       struct pmk_error *err)
{
	if (take_text(object, "skip", ret->skip, sizeof(ret->skip), err) ||
	    take_error(object, ret, err))
		return -1;
	if (*ret->skip)
		return 0;
	if (ask == PMK_ASK_RANGE)
		return take_array(object, "pages", take_pages, ret, err);
	if (ask == PMK_ASK_SCAN)
		return take_array(object, "regions", take_regions, ret, err);
	ret->sheet = pmk_calloc(1, sizeof(*ret->sheet));
	ret->nsheets = !ret->error;
	return take_sheet(object, ret->sheet, err);
}

/* ---- lines ----------------------------------------------------------------------------------------- */

static json_t *load(const char *line, size_t len, struct pmk_error *err)
{
	json_error_t why;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);

	if (object && json_is_object(object))
		return object;
	if (object)
		fail(err, "expected an object");
	else
		pmk_error_set(err, NULL, 0, 0, "not JSON at byte %d: %s", why.position, why.text);
	json_decref(object);
	return NULL;
}

int pmk_answer_parse(enum pmk_ask ask, const char *line, size_t len, struct pmk_answer *ret,
		     struct pmk_error *err)
{
	json_t *object;
	int rc;

	*ret = (struct pmk_answer){ .error = 0 };
	object = load(line, len, err);
	rc = object ? take_answer(ask, object, ret, err) : -1;
	json_decref(object);
	return rc;
}

static int take_fields(json_t *array, enum pmk_ask ask, struct pmk_declaration *ret,
		       struct pmk_error *err)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(array))
		return fail(err, "%s: expected an array of fields", pmk_ask_name[ask]);
	ret->asks[ask] = true;
	json_array_foreach(array, i, item)
	{
		const char *name = json_string_value(item);
		int field = name ? field_find(name) : -1;

		if (!name)
			return fail(err, "%s[%zu]: expected the name of a field", pmk_ask_name[ask],
				    i);
		if (ask == PMK_ASK_SCAN && !strcmp(name, "regions"))
			continue;
		if (field < 0 || ask == PMK_ASK_SCAN)
			return unknown_field(err, name);
		if (ask == PMK_ASK_FRAME && !pmk_field_info[field].of_frame)
			return fail(err, "frame: '%s' is no field of a frame", name);
		ret->fields[ask] |= 1u << field;
	}
	return 0;
}

static int take_declaration(json_t *object, struct pmk_declaration *ret, struct pmk_error *err)
{
	bool any = false;

	if (take_text(object, "adapter", ret->name, sizeof(ret->name), err))
		return -1;
	if (!*ret->name)
		return fail(err, "expected \"adapter\": its name");
	for (int ask = 0; ask < PMK_ASK_COUNT; ask++) {
		json_t *array = take_member(object, pmk_ask_name[ask]);
		int rc = array ? take_fields(array, (enum pmk_ask)ask, ret, err) : 0;

		any |= array != NULL;
		json_decref(array);
		if (rc)
			return rc;
	}
	if (json_object_size(object))
		return fail(err, "unknown member '%.60s': expected page, range, frame or scan",
			    json_object_iter_key(json_object_iter(object)));
	return any ? 0 : fail(err, "expected at least one of page, range, frame and scan");
}

int pmk_declaration_parse(const char *line, size_t len, struct pmk_declaration *ret,
			  struct pmk_error *err)
{
	json_t *object;
	int rc;

	*ret = (struct pmk_declaration){ .name = "" };
	object = load(line, len, err);
	rc = object ? take_declaration(object, ret, err) : -1;
	json_decref(object);
	return rc;
}
