/* SPDX-License-Identifier: MIT */
/* cmd_translate.c - `pmkit translate`: virtual to physical, with what is known of the frame. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "json.h"
#include "number.h"
#include "pagemapkit.h"
#include "profile.h"
#include "text.h"
#include "translate.h"

/* ---- for people ----------------------------------------------------------------------------------- */

static void print_kword(const char *name, const struct pmk_kword *k, bool flags)
{
	char names[512];

	if (!k->known) {
		printf("    %-11s %s\n", name,
		       k->error == 0		   ? "no such frame"
		       : pmk_errno_name(-k->error) ? pmk_errno_name(-k->error)
						   : "unreadable");
		return;
	}
	if (flags) {
		pmk_kpageflags_to_names(k->word, names, sizeof(names));
		printf("    %-11s %#llx %s\n", name, (unsigned long long)k->word, names);
	} else {
		printf("    %-11s %lld\n", name, (long long)k->word);
	}
}

static void print_swap(const struct pmk_pagemap *page)
{
	if (page->kind == PMK_SWAP_REAL)
		printf("in swap, type %u offset %#llx\n", page->swap_type,
		       (unsigned long long)page->swap_offset);
	else
		printf("swap-like: %s, type %u offset %#llx\n", pmk_swap_kind_name(page->kind),
		       page->swap_type, (unsigned long long)page->swap_offset);
}

static void print_translation(const struct pmk_layout *layout, const struct pmk_translation *t)
{
	struct pmk_pagemap page;

	pmk_pagemap_decode(layout, t->word, &page);
	printf("%#llx  ", (unsigned long long)t->address);
	if (t->beyond)
		puts("not a user address: pagemap ends before it");
	else if (page.state == PMK_PAGE_ABSENT)
		puts("absent: no page is mapped here");
	else if (page.state == PMK_PAGE_SWAPPED)
		print_swap(&page);
	else if (!t->frame)
		puts("present, frame hidden: opening pagemap takes CAP_SYS_ADMIN in the initial "
		     "user namespace");
	else
		printf("physical %#llx  pfn %#llx\n", (unsigned long long)t->phys,
		       (unsigned long long)t->pfn);
	if (!t->frame)
		return;
	print_kword("kpageflags", &t->flags, true);
	print_kword("kpagecount", &t->count, false);
	print_kword("kpagecgroup", &t->cgroup, false);
}

/* ---- for programs --------------------------------------------------------------------------------- */

static void json_kword(struct pmk_json *j, const char *name, const struct pmk_kword *k, bool hex)
{
	if (!k->known)
		pmk_json_string(j, name, NULL);
	else if (hex)
		pmk_json_hex(j, name, k->word);
	else
		pmk_json_number(j, name, k->word);
}

static void json_translation(struct pmk_json *j, const struct pmk_layout *layout,
			     const struct pmk_translation *t)
{
	char page[1024];

	pmk_json_open(j, NULL, '{');
	pmk_json_hex(j, "address", t->address);
	if (t->frame)
		pmk_json_hex(j, "physical", t->phys);
	else
		pmk_json_string(j, "physical", NULL);
	pmk_pagemap_json(layout, t->word, page, sizeof(page));
	pmk_json_raw(j, "page", t->beyond ? "null" : page);
	json_kword(j, "kpageflags", &t->flags, true);
	json_kword(j, "kpagecount", &t->count, false);
	json_kword(j, "kpagecgroup", &t->cgroup, false);
	pmk_json_close(j, '}');
}

/* ---- the command ---------------------------------------------------------------------------------- */

static int translate_all(const struct pmk_translator *t, const struct pmk_layout *layout,
			 char **words, int n, bool json)
{
	struct pmk_json j = { .out = stdout };
	int status = 0;

	if (json)
		pmk_json_open(&j, NULL, '[');
	for (int i = 0; i < n; i++) {
		struct pmk_translation r;
		uint64_t address = 0;
		int error;

		pmk_number_parse(words[i], &address);
		error = pmk_translate(t, address, &r);
		if (error < 0) {
			fprintf(stderr, "pmkit translate: %s: %s\n", words[i], strerror(-error));
			status = PMK_EXIT_FAILED;
		} else if (json) {
			json_translation(&j, layout, &r);
		} else {
			print_translation(layout, &r);
		}
	}
	if (json)
		pmk_json_close(&j, ']');
	return status;
}

int pmk_cmd_translate(int argc, char **argv)
{
	const char *root = "/proc", *as = NULL;
	bool json = false;
	const struct pmk_option options[] = {
		{ "--proc-root", NULL, &root },
		{ "--as", NULL, &as },
		{ "--json", &json, NULL },
	};
	int n = pmk_options(options, 3, argc, argv), status;
	struct pmk_profile profile;
	struct pmk_layout layout;
	struct pmk_translator t;
	struct pmk_error err;
	uint64_t pid, address;

	if (n < 0)
		return PMK_EXIT_USAGE;
	if (n < 2)
		return pmk_usage("translate", "expected PID ADDR...");
	if (!pmk_number_parse(argv[1], &pid) || !pid || pid > INT32_MAX)
		return pmk_usage("translate", "PID '%s': expected a number", argv[1]);
	for (int i = 2; i <= n; i++)
		if (!pmk_number_parse(argv[i], &address))
			return pmk_usage("translate",
					 "address '%s': expected a number, decimal or 0x "
					 "hexadecimal",
					 argv[i]);
	pmk_profile_host(&profile);
	if (as && pmk_profile_parse(as, &profile, &err) < 0)
		return pmk_usage("translate", "--as %s: %s", as, err.text);
	pmk_layout_init(&layout, profile.kernel, PMK_CONFIG_ALL);
	status = pmk_translator_init(&t, root, (pid_t)pid);
	if (status < 0) {
		fprintf(stderr, "pmkit translate: %s/%s/pagemap: %s\n", root, argv[1],
			strerror(-status));
		return PMK_EXIT_FAILED;
	}
	status = translate_all(&t, &layout, argv + 2, n - 1, json);
	pmk_translator_deinit(&t);
	return status;
}
