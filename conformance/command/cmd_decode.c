/* SPDX-License-Identifier: MIT */
/* cmd_decode.c - `pmkit decode`: words explained, bit by bit. */
#include <ctype.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "json.h"
#include "number.h"
#include "pagemapkit.h"
#include "profile.h"

#define TEXT_SIZE 16384 /* holds any diagram (pagemapkit.h) */

/* What the words are, and how they are shown. */
struct decode {
	void (*show)(struct decode *d, uint64_t word);
	struct pmk_layout layout;
	unsigned diagram; /* PMK_DIAGRAM_* */
	bool json;
	struct pmk_json j;
	char text[TEXT_SIZE];
};

static void show_pagemap(struct decode *d, uint64_t word)
{
	if (d->json)
		pmk_pagemap_json(&d->layout, word, d->text, TEXT_SIZE);
	else
		pmk_pagemap_diagram(&d->layout, word, d->diagram, d->text, TEXT_SIZE);
}

static void show_kpageflags(struct decode *d, uint64_t word)
{
	if (d->json)
		pmk_kpageflags_json(d->layout.kernel, word, d->text, TEXT_SIZE);
	else
		pmk_kpageflags_diagram(d->layout.kernel, word, d->diagram, d->text, TEXT_SIZE);
}

static void show_kpagecount(struct decode *d, uint64_t word)
{
	if (d->json)
		snprintf(d->text, TEXT_SIZE, "{\"word\":\"0x%llx\",\"valid\":%s,\"mappings\":%u}",
			 (unsigned long long)word, pmk_kpagecount_valid(word) ? "true" : "false",
			 pmk_kpagecount_mappings(word));
	else if (pmk_kpagecount_valid(word))
		snprintf(d->text, TEXT_SIZE, "0x%llx  mapped by %u page table entries\n",
			 (unsigned long long)word, pmk_kpagecount_mappings(word));
	else
		snprintf(d->text, TEXT_SIZE,
			 "0x%llx  no count: the page is of a kind that is not mapped\n",
			 (unsigned long long)word);
}

static int decode_word(struct decode *d, const char *text)
{
	uint64_t word;

	if (!pmk_number_parse(text, &word))
		return pmk_usage("decode",
				 "bad word '%s': expected a 64-bit number, decimal or "
				 "0x hexadecimal",
				 text);
	d->show(d, word);
	if (d->json)
		pmk_json_raw(&d->j, NULL, d->text);
	else
		fputs(d->text, stdout);
	return 0;
}

/* Words of standard input, separated by white space. */
static int decode_input(struct decode *d)
{
	char word[64];
	int status = 0;

	while (!status && scanf("%63s", word) == 1)
		status = decode_word(d, word);
	return status;
}

static unsigned diagram_flags(void)
{
	const char *no_colour = getenv("NO_COLOR");
	unsigned flags = 0;

	setlocale(LC_CTYPE, "");
	if (!strcmp(nl_langinfo(CODESET), "UTF-8"))
		flags |= PMK_DIAGRAM_UNICODE;
	if (isatty(STDOUT_FILENO) && !(no_colour && *no_colour))
		flags |= PMK_DIAGRAM_COLOUR;
	return flags;
}

int pmk_cmd_decode(int argc, char **argv)
{
	bool kpageflags = false, kpagecount = false, json = false;
	const char *as = NULL;
	const struct pmk_option options[] = {
		{ "--kpageflags", &kpageflags, NULL },
		{ "--kpagecount", &kpagecount, NULL },
		{ "--as", NULL, &as },
		{ "--json", &json, NULL },
	};
	struct decode d = { .show = show_pagemap, .j = { .out = stdout } };
	struct pmk_profile profile = { .kernel = 0 };
	struct pmk_error err;
	int n = pmk_options(options, 4, argc, argv), status = 0;

	if (n < 0)
		return PMK_EXIT_USAGE;
	if (kpageflags && kpagecount)
		return pmk_usage("decode", "--kpageflags and --kpagecount exclude each other");
	if (as && pmk_profile_parse(as, &profile, &err) < 0)
		return pmk_usage("decode", "--as %s: %s", as, err.text);
	if (kpageflags || kpagecount)
		d.show = kpageflags ? show_kpageflags : show_kpagecount;
	pmk_layout_init(&d.layout, profile.kernel, PMK_CONFIG_ALL);
	d.diagram = diagram_flags();
	d.json = json;
	if (json)
		pmk_json_open(&d.j, NULL, '[');
	for (int i = 1; i <= n && !status; i++)
		status = decode_word(&d, argv[i]);
	if (!n)
		status = decode_input(&d);
	if (json)
		pmk_json_close(&d.j, ']');
	return status;
}
