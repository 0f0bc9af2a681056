/*
 * Any bytes are parsed as a line of maps or refused; what was parsed, formatted and parsed again is the
 * same, and formatted again the same bytes.
 *
 * Input: sizeof(long) (odd: 4), size of the cut text, the line.
 */
#include "fuzz.h"
#include "pagemapkit.h"

struct line {
	struct pmk_maps_line line;
	unsigned long_bytes;
};

static size_t format(const void *what, char *buf, size_t size)
{
	const struct line *l = what;

	return pmk_maps_format(&l->line, l->long_bytes, buf, size);
}

static bool same(const struct pmk_maps_line *a, const struct pmk_maps_line *b)
{
	return a->start == b->start && a->end == b->end && a->perms == b->perms &&
	       a->offset == b->offset && a->major == b->major && a->minor == b->minor &&
	       a->inode == b->inode && a->kind == b->kind && a->deleted == b->deleted &&
	       a->name_len == b->name_len && (!a->name) == (!b->name) &&
	       (!a->name || !memcmp(a->name, b->name, a->name_len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct line l = { .long_bytes = fuzz_byte(&in) & 1 ? 4 : 8 }, again = l;
	size_t cut = fuzz_u16(&in), len, len2;
	struct pmk_maps_line before;
	char *text, *text2;
	int err;

	memset(&l.line, 0xa5, sizeof(l.line));
	before = l.line;
	err = pmk_maps_parse((const char *)in.data, in.size, &l.line);
	if (err) {
		CHECK(err <= PMK_ERR_FIELD && err >= PMK_ERR_SPACE, "an error of maps lines");
		CHECK(!memcmp(&before, &l.line, sizeof(before)), "on failure *ret is untouched");
		return 0;
	}
	CHECK(l.line.start <= l.line.end, "a range is not backwards");
	CHECK(!l.line.name || (l.line.name >= (const char *)in.data &&
			       l.line.name + l.line.name_len <= (const char *)in.data + in.size),
	      "the name is in the line");
	text = fuzz_text(format, &l, cut, &len);
	CHECK(len && text[len - 1] == '\n', "a line ends in a newline");
	CHECK(!pmk_maps_parse(text, len, &again.line), "what was formatted is parsed");
	CHECK(same(&l.line, &again.line), "parse, format, parse is the same");
	text2 = fuzz_text(format, &again, cut, &len2);
	CHECK(len == len2 && !memcmp(text, text2, len), "format, parse, format is the same");
	return 0;
}
