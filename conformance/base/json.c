/* SPDX-License-Identifier: MIT */
/* json.c - writes JSON. */
#include "json.h"

#include <string.h>

/* The length of the UTF-8 sequence at s, 0: none is valid there. */
static unsigned utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char mask, lead, length;
	} forms[] = { { 0x80, 0x00, 1 }, { 0xe0, 0xc0, 2 }, { 0xf0, 0xe0, 3 }, { 0xf8, 0xf0, 4 } };
	unsigned i, k;

	for (i = 0; i < 4 && (s[0] & forms[i].mask) != forms[i].lead; i++)
		;
	if (i == 4 || s[0] == 0xc0 || s[0] == 0xc1 || s[0] > 0xf4)
		return 0;
	for (k = 1; k < forms[i].length; k++)
		if ((s[k] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return forms[i].length;
}

static void put_string(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	while (*s) {
		unsigned n = utf8_length(s);

		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s == '\n')
			fputs("\\n", out);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else if (!n)
			fputs("\\ufffd", out);
		else
			fwrite(s, 1, n, out);
		s += n ? n : 1;
	}
	fputc('"', out);
}

/* The comma, the new line and the key of the next member. */
static void begin(struct pmk_json *j, const char *key)
{
	if (j->more)
		fputc(',', j->out);
	if (j->depth)
		fprintf(j->out, "\n%*s", (int)j->depth * 2, "");
	if (key) {
		put_string(j->out, key);
		fputs(": ", j->out);
	}
	j->more = true;
}

void pmk_json_open(struct pmk_json *j, const char *key, char bracket)
{
	begin(j, key);
	fputc(bracket, j->out);
	j->depth++;
	j->more = false;
}

void pmk_json_close(struct pmk_json *j, char bracket)
{
	j->depth--;
	if (j->more)
		fprintf(j->out, "\n%*s", (int)j->depth * 2, "");
	fputc(bracket, j->out);
	if (!j->depth)
		fputc('\n', j->out);
	j->more = true;
}

void pmk_json_string(struct pmk_json *j, const char *key, const char *value)
{
	begin(j, key);
	if (value)
		put_string(j->out, value);
	else
		fputs("null", j->out);
}

void pmk_json_number(struct pmk_json *j, const char *key, uint64_t value)
{
	begin(j, key);
	fprintf(j->out, "%llu", (unsigned long long)value);
}

void pmk_json_hex(struct pmk_json *j, const char *key, uint64_t value)
{
	begin(j, key);
	fprintf(j->out, "\"0x%llx\"", (unsigned long long)value);
}

void pmk_json_seconds(struct pmk_json *j, const char *key, double value)
{
	begin(j, key);
	fprintf(j->out, "%.6f", value);
}

void pmk_json_bool(struct pmk_json *j, const char *key, bool value)
{
	begin(j, key);
	fputs(value ? "true" : "false", j->out);
}

void pmk_json_raw(struct pmk_json *j, const char *key, const char *value)
{
	begin(j, key);
	fputs(value, j->out);
}
