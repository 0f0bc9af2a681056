/* invariant.c: the words for what is wrong with a word, and for errors. */
#include "internal.h"

#define STRING(x)  #x
#define VERSION(x) STRING(x)

static const struct {
	const char *text;
	const char *clause;
} invariants[PMK_INV_COUNT] = {
	[PMK_INV_OK] = { "nothing is wrong", "" },
#define PMK_INVARIANT(id, clause, text) [PMK_INV_##id] = { text, clause },
#include "invariants.def"
};

const char *pmk_invariant_text(enum pmk_invariant invariant)
{
	return (unsigned)invariant < PMK_INV_COUNT ? invariants[invariant].text : "?";
}

const char *pmk_invariant_clause(enum pmk_invariant invariant)
{
	return (unsigned)invariant < PMK_INV_COUNT ? invariants[invariant].clause : "?";
}

const char *pmk_error_text(int error)
{
	switch (error) {
	case PMK_OK:
		return "no error";
	case PMK_ERR_NAME:
		return "no bit has this name";
	case PMK_ERR_FIELD:
		return "a field is missing or malformed";
	case PMK_ERR_RANGE:
		return "a number is too large or a range is backwards";
	case PMK_ERR_SPACE:
		return "a field is not followed by one blank";
	}
	return "unknown error";
}

const char *pmk_version(void)
{
	return VERSION(PMK_VERSION_MAJOR) "." VERSION(PMK_VERSION_MINOR) "." VERSION(
		PMK_VERSION_PATCH);
}
