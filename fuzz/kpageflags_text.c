/*
 * Words of kpageflags become names and come back; names in any writing are stable once normal; diagram and
 * JSON keep the contract of text calls.
 *
 * Input: kernel's minor version (7 and less: of 7, else of 6), what to write (bits 0 and 1 flags of the
 * diagram, 4 the diagram, 8 JSON), size of the cut text, word, then text that may be names.
 */
#include "fuzz.h"
#include "pagemapkit.h"

struct word {
	uint64_t word;
	uint32_t kernel;
	unsigned flags;
};

static size_t diagram(const void *what, char *buf, size_t size)
{
	const struct word *w = what;

	return pmk_kpageflags_diagram(w->kernel, w->word, w->flags, buf, size);
}

static size_t json(const void *what, char *buf, size_t size)
{
	const struct word *w = what;

	return pmk_kpageflags_json(w->kernel, w->word, buf, size);
}

static size_t names(const void *what, char *buf, size_t size)
{
	return pmk_kpageflags_to_names(((const struct word *)what)->word, buf, size);
}

/* Whatever text is taken for names, its normal form means the same. */
static void check_text(const char *text, size_t len)
{
	struct word w = { 0 };
	uint64_t again = 0;
	size_t n;
	char *normal;

	if (pmk_kpageflags_from_names(text, len, &w.word))
		return;
	normal = fuzz_text(names, &w, len, &n);
	CHECK(!pmk_kpageflags_from_names(normal, n, &again) && again == w.word,
	      "normal names mean the same");
}

static void check_texts(const struct word *w, unsigned what, size_t cut)
{
	size_t len;
	char *text;

	if (what & 4) {
		text = fuzz_text(diagram, w, cut, &len);
		CHECK(len < 16384, "16 KiB holds any diagram");
	}
	if (what & 8) {
		text = fuzz_text(json, w, cut, &len);
		CHECK(text[0] == '{' && text[len - 1] == '}' && !strchr(text, '\n'),
		      "JSON is an object");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	uint8_t minor = fuzz_byte(&in), what = fuzz_byte(&in);
	struct word w = { .kernel = PMK_KERNEL(minor < 8 ? 7 : 6, minor & 31, 0) };
	uint64_t back = 0;
	size_t cut = fuzz_u16(&in), len;
	char *text;

	w.flags = what & (PMK_DIAGRAM_COLOUR | PMK_DIAGRAM_UNICODE);
	w.word = fuzz_u64(&in);
	text = fuzz_text(names, &w, cut, &len);
	CHECK(!pmk_kpageflags_from_names(text, len, &back) && back == w.word, "names round trip");
	check_texts(&w, what, cut);
	check_text((const char *)in.data, in.size);
	return 0;
}
