/* maps.c: one line of /proc/PID/maps to its fields and back (MAPS-FMT, MAPS-ESC). */
#include <string.h>

#include "internal.h"

/* What is left of a line. */
struct cursor {
	const char *at;
	const char *end;
};

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Nothing where a field should be: one blank too many, or no field. */
static int no_field(const struct cursor *in)
{
	return in->at < in->end && *in->at == ' ' ? PMK_ERR_SPACE : PMK_ERR_FIELD;
}

/* A number without sign or prefix, as the kernel writes them: lower case. */
static int take_number(struct cursor *in, unsigned base, uint64_t max, uint64_t *ret)
{
	const char *first = in->at;
	uint64_t value = 0;

	for (; in->at < in->end; in->at++) {
		unsigned digit = (unsigned)digit_value(*in->at);

		if (digit >= base)
			break;
		if (value > (max - digit) / base)
			return PMK_ERR_RANGE;
		value = value * base + digit;
	}
	if (in->at == first)
		return no_field(in);
	*ret = value;
	return 0;
}

static int take_char(struct cursor *in, char c, int error)
{
	if (in->at == in->end || *in->at != c)
		return error;
	in->at++;
	return 0;
}

/* A number and the character after it. */
static int take_field(struct cursor *in, unsigned base, uint64_t max, char after, uint64_t *ret)
{
	int error = take_number(in, base, max, ret);

	if (error)
		return error;
	return take_char(in, after, after == ' ' ? PMK_ERR_SPACE : PMK_ERR_FIELD);
}

static int take_perms(struct cursor *in, unsigned *ret)
{
	static const char set[] = "rwxs", clear[] = "---p";
	unsigned perms = 0;

	if (in->end - in->at < 4 || *in->at == ' ')
		return no_field(in);
	for (unsigned i = 0; i < 4; i++) {
		char c = *in->at++;

		if (c == set[i])
			perms |= 1u << i;
		else if (c != clear[i])
			return PMK_ERR_FIELD;
	}
	*ret = perms;
	return take_char(in, ' ', PMK_ERR_SPACE);
}

/* The name: all after the blanks behind the inode. */
static int take_name(struct cursor *in, struct pmk_maps_line *line)
{
	if (in->at < in->end && *in->at != ' ')
		return PMK_ERR_FIELD;
	while (in->at < in->end && *in->at == ' ')
		in->at++;
	line->name_len = (size_t)(in->end - in->at);
	line->name = line->name_len ? in->at : NULL;
	line->kind = pmk_maps_classify(line->name, line->name_len, &line->deleted);
	return 0;
}

int pmk_maps_parse(const char *line, size_t len, struct pmk_maps_line *ret)
{
	const char *newline = len ? memchr(line, '\n', len) : NULL;
	struct cursor in = { line, newline ? newline : line + len };
	struct pmk_maps_line out = { 0 };
	uint64_t major, minor;
	int error;

	if ((error = take_field(&in, 16, UINT64_MAX, '-', &out.start)) ||
	    (error = take_field(&in, 16, UINT64_MAX, ' ', &out.end)) ||
	    (error = take_perms(&in, &out.perms)) ||
	    (error = take_field(&in, 16, UINT64_MAX, ' ', &out.offset)) ||
	    (error = take_field(&in, 16, UINT32_MAX, ':', &major)) ||
	    (error = take_field(&in, 16, UINT32_MAX, ' ', &minor)) ||
	    (error = take_number(&in, 10, UINT64_MAX, &out.inode)) ||
	    (error = take_name(&in, &out)))
		return error;
	if (out.start > out.end)
		return PMK_ERR_RANGE;
	out.major = (uint32_t)major;
	out.minor = (uint32_t)minor;
	*ret = out;
	return 0;
}

/* How names begin (or what they are, if exact), in the order of the search. */
static const struct {
	const char *text;
	bool exact;
	enum pmk_maps_kind kind;
} kinds[] = {
	{ "[heap]", true, PMK_MAPS_HEAP },
	{ "[stack]", true, PMK_MAPS_STACK },
	{ "[stack:", false, PMK_MAPS_STACK },
	{ "[vdso]", true, PMK_MAPS_VDSO },
	{ "[vvar]", true, PMK_MAPS_VVAR },
	{ "[vvar_vclock]", true, PMK_MAPS_VVAR },
	{ "[vsyscall]", true, PMK_MAPS_VSYSCALL },
	{ "[anon:", false, PMK_MAPS_ANON },
	{ "[anon_shmem:", false, PMK_MAPS_ANON_SHMEM },
	{ "[", false, PMK_MAPS_SPECIAL },
	{ "/dev/zero (deleted)", true, PMK_MAPS_SHARED_ANON },
	{ "/memfd:", false, PMK_MAPS_MEMFD },
	{ "/anon_hugepage", false, PMK_MAPS_ANON_HUGEPAGE },
	{ "/SYSV", false, PMK_MAPS_SYSV },
};

enum pmk_maps_kind pmk_maps_classify(const char *name, size_t len, bool *deleted)
{
	static const char suffix[] = " (deleted)";
	size_t suffix_len = sizeof(suffix) - 1;
	bool is_deleted = len > suffix_len && name[0] != '[' &&
			  !memcmp(name + len - suffix_len, suffix, suffix_len);

	if (deleted)
		*deleted = is_deleted;
	if (len == 0)
		return PMK_MAPS_NAMELESS;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t n = strlen(kinds[i].text);

		if (len < n || memcmp(name, kinds[i].text, n) || (kinds[i].exact && len != n))
			continue;
		/* Pseudo files were never linked; a real /SYSV... file is deleted only by chance. */
		if (kinds[i].kind > PMK_MAPS_SPECIAL && !is_deleted)
			continue;
		return kinds[i].kind;
	}
	return PMK_MAPS_FILE;
}

const char *pmk_maps_kind_name(enum pmk_maps_kind kind)
{
	static const char *const names[PMK_MAPS_KINDS] = {
		[PMK_MAPS_NAMELESS] = "nameless",
		[PMK_MAPS_FILE] = "file",
		[PMK_MAPS_HEAP] = "heap",
		[PMK_MAPS_STACK] = "stack",
		[PMK_MAPS_VDSO] = "vdso",
		[PMK_MAPS_VVAR] = "vvar",
		[PMK_MAPS_VSYSCALL] = "vsyscall",
		[PMK_MAPS_ANON] = "anon",
		[PMK_MAPS_ANON_SHMEM] = "anon-shmem",
		[PMK_MAPS_SPECIAL] = "special",
		[PMK_MAPS_SHARED_ANON] = "shared-anon",
		[PMK_MAPS_MEMFD] = "memfd",
		[PMK_MAPS_ANON_HUGEPAGE] = "anon-hugepage",
		[PMK_MAPS_SYSV] = "sysv",
	};

	return (unsigned)kind < ARRAY_SIZE(names) ? names[kind] : "?";
}

static void put_name(struct pmk_out *out, const struct pmk_maps_line *line, unsigned long_bytes)
{
	/* seq_pad() fills up to one before the column and then always adds one blank. */
	size_t pad_until = 25 + 6 * (size_t)long_bytes - 1;

	while (out->len < pad_until)
		pmk_out_char(out, ' ');
	pmk_out_char(out, ' ');
	for (size_t i = 0; i < line->name_len; i++) {
		if (line->name[i] == '\n')
			pmk_out_text(out, "\\012");
		else
			pmk_out_char(out, line->name[i]);
	}
}

size_t pmk_maps_format(const struct pmk_maps_line *line, unsigned long_bytes, char *buf,
		       size_t size)
{
	struct pmk_out out = { buf, size, 0 };

	pmk_out_hex(&out, line->start, 8);
	pmk_out_char(&out, '-');
	pmk_out_hex(&out, line->end, 8);
	pmk_out_char(&out, ' ');
	for (unsigned i = 0; i < 4; i++)
		pmk_out_char(&out, line->perms >> i & 1 ? "rwxs"[i] : "---p"[i]);
	pmk_out_char(&out, ' ');
	pmk_out_hex(&out, line->offset, 8);
	pmk_out_char(&out, ' ');
	pmk_out_hex(&out, line->major, 2);
	pmk_out_char(&out, ':');
	pmk_out_hex(&out, line->minor, 2);
	pmk_out_char(&out, ' ');
	pmk_out_dec(&out, line->inode);
	pmk_out_char(&out, ' ');
	if (line->name_len)
		put_name(&out, line, long_bytes);
	pmk_out_char(&out, '\n');
	return pmk_out_end(&out);
}
