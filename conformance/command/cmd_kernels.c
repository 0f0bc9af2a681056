/* SPDX-License-Identifier: MIT */
/* cmd_kernels.c - `pmkit kernels`: the table of quirks, and what changed between two kernels. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "json.h"
#include "pagemapkit.h"
#include "profile.h"

/* "6.11", or "" for an open end. */
static const char *version(uint32_t kernel, char buf[16])
{
	buf[0] = '\0';
	if (kernel)
		snprintf(buf, 16, "%u.%u", kernel >> 24, kernel >> 16 & 255);
	return buf;
}

static void json_quirk(struct pmk_json *j, const struct pmk_quirk *q)
{
	char buf[16];

	pmk_json_string(j, "name", q->name);
	pmk_json_string(j, "since", q->since ? version(q->since, buf) : NULL);
	pmk_json_string(j, "until", q->until ? version(q->until, buf) : NULL);
	pmk_json_string(j, "stable", *q->stable ? q->stable : NULL);
	pmk_json_string(j, "text", q->text);
	pmk_json_string(j, "clauses", q->clauses);
}

/* ---- the table ------------------------------------------------------------------------------------ */

static void print_table(void)
{
	struct pmk_profile host;
	char since[16], until[16];

	pmk_profile_host(&host);
	printf("this kernel: %s\narchitectures:", host.name);
	for (int i = 0; i < PMK_ARCH_COUNT; i++)
		printf(" %s", pmk_arch[i].name);
	printf("\n\n  %-26s %-6s %-6s %s\n", "quirk", "since", "until", "when it holds");
	for (int i = 0; i < PMK_QUIRK_COUNT; i++) {
		const struct pmk_quirk *q = &pmk_quirk[i];

		printf("%c %-26s %-6s %-6s %s%s%s\n", pmk_profile_has(&host, i) ? '*' : ' ',
		       q->name, version(q->since, since), version(q->until, until), q->text,
		       *q->stable ? "; stable: " : "", q->stable);
	}
	puts("\n* holds for this kernel");
}

static void json_table(void)
{
	struct pmk_json j = { .out = stdout };
	struct pmk_profile host;

	pmk_profile_host(&host);
	pmk_json_open(&j, NULL, '{');
	pmk_json_string(&j, "host", host.name);
	pmk_json_open(&j, "architectures", '[');
	for (int i = 0; i < PMK_ARCH_COUNT; i++)
		pmk_json_string(&j, NULL, pmk_arch[i].name);
	pmk_json_close(&j, ']');
	pmk_json_open(&j, "quirks", '[');
	for (int i = 0; i < PMK_QUIRK_COUNT; i++) {
		pmk_json_open(&j, NULL, '{');
		json_quirk(&j, &pmk_quirk[i]);
		pmk_json_bool(&j, "host", pmk_profile_has(&host, i));
		pmk_json_close(&j, '}');
	}
	pmk_json_close(&j, ']');
	pmk_json_close(&j, '}');
}

/* ---- the difference ------------------------------------------------------------------------------- */

static void print_diff(const struct pmk_profile *a, const struct pmk_profile *b)
{
	unsigned n = 0;

	printf("from %s to %s:\n", a->name, b->name);
	for (int i = 0; i < PMK_QUIRK_COUNT; i++) {
		const struct pmk_quirk *q = &pmk_quirk[i];

		if (pmk_profile_has(a, i) == pmk_profile_has(b, i))
			continue;
		printf("%c %-26s %s%s%s%s\n", pmk_profile_has(b, i) ? '+' : '-', q->name, q->text,
		       *q->clauses ? " (" : "", q->clauses, *q->clauses ? ")" : "");
		n++;
	}
	puts(n ? "+ is so on the second only, - on the first only; ~ from which release on is "
		 "deduced, not seen"
	       : "  nothing that a reader of these files could notice");
}

static void json_diff(const struct pmk_profile *a, const struct pmk_profile *b)
{
	struct pmk_json j = { .out = stdout };

	pmk_json_open(&j, NULL, '{');
	pmk_json_string(&j, "from", a->name);
	pmk_json_string(&j, "to", b->name);
	pmk_json_open(&j, "changes", '[');
	for (int i = 0; i < PMK_QUIRK_COUNT; i++) {
		if (pmk_profile_has(a, i) == pmk_profile_has(b, i))
			continue;
		pmk_json_open(&j, NULL, '{');
		pmk_json_string(&j, "change", pmk_profile_has(b, i) ? "added" : "removed");
		json_quirk(&j, &pmk_quirk[i]);
		pmk_json_close(&j, '}');
	}
	pmk_json_close(&j, ']');
	pmk_json_close(&j, '}');
}

int pmk_cmd_kernels(int argc, char **argv)
{
	bool json = false, diff = false;
	const struct pmk_option options[] = {
		{ "--json", &json, NULL },
		{ "--diff", &diff, NULL },
	};
	int n = pmk_options(options, 2, argc, argv);
	struct pmk_profile profile[2];
	struct pmk_error err;

	if (n < 0)
		return PMK_EXIT_USAGE;
	if (n != (diff ? 2 : 0))
		return pmk_usage("kernels", diff ? "--diff takes two kernels: --diff 6.1 6.12"
						 : "two kernels are compared with --diff A B");
	for (int i = 0; i < n; i++)
		if (pmk_profile_parse(argv[i + 1], &profile[i], &err) < 0)
			return pmk_usage("kernels", "%s", err.text);
	if (diff)
		(json ? json_diff : print_diff)(&profile[0], &profile[1]);
	else
		(json ? json_table : print_table)();
	return 0;
}
