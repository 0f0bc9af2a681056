/* SPDX-License-Identifier: MIT */
/* cmd_sweep.c - `pmkit sweep`: the invariants over everything that can be read, and what there is. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "json.h"
#include "profile.h"
#include "sweep.h"

#define BREACHES_SHOWN 20

struct show {
	struct pmk_json *j; /* NULL: for people */
	time_t start, last;
	unsigned shown;
};

static void show_breach(void *data, const struct pmk_breach *b)
{
	struct show *show = data;
	const char *text = pmk_invariant_text(b->invariant);

	if (show->shown++ >= BREACHES_SHOWN)
		return;
	if (!show->j) {
		printf("breach: %s %ld %s %#llx: 0x%016llx: %s (%s)\n",
		       b->pid ? "process" : "frame", (long)b->pid, b->pid ? "address" : "pfn",
		       (unsigned long long)b->at, (unsigned long long)b->word, text,
		       pmk_invariant_clause(b->invariant));
		return;
	}
	pmk_json_open(show->j, NULL, '{');
	pmk_json_number(show->j, "pid", (uint64_t)b->pid);
	pmk_json_hex(show->j, b->pid ? "address" : "pfn", b->at);
	pmk_json_hex(show->j, "word", b->word);
	pmk_json_string(show->j, "invariant", text);
	pmk_json_string(show->j, "clause", pmk_invariant_clause(b->invariant));
	pmk_json_close(show->j, '}');
}

static void show_progress(void *data, const struct pmk_sweep *s)
{
	struct show *show = data;
	time_t t = time(NULL);

	if (t == show->last || t - show->start < 2 || !isatty(STDERR_FILENO))
		return;
	show->last = t;
	fprintf(stderr, "\r\033[Ksweep: %llu frames, %llu processes, %llu pages",
		(unsigned long long)s->frames, (unsigned long long)s->processes,
		(unsigned long long)s->pages.pages);
}

/* ---- what was seen -------------------------------------------------------------------------------- */

struct number {
	const char *name;
	uint64_t value;
};

#define NUMBERS 14
static void numbers(const struct pmk_sweep *s, struct number ret[NUMBERS])
{
	const struct number all[NUMBERS] = {
		{ "frames", s->frames },
		{ "mapped", s->mapped },
		{ "no-count", s->invalid },
		{ "processes", s->processes },
		{ "unreadable", s->unreadable },
		{ "pages", s->pages.pages },
		{ "absent", s->pages.absent },
		{ "swapped", s->pages.swapped },
		{ "present", s->pages.present },
		{ "file", s->pages.file },
		{ "exclusive", s->pages.exclusive },
		{ "soft-dirty", s->pages.soft_dirty },
		{ "uffd-wp", s->pages.uffd_wp },
		{ "guard", s->pages.guard },
	};

	memcpy(ret, all, sizeof(all));
}

static void flag_name(unsigned bit, char buf[24])
{
	const struct pmk_bit *known = pmk_kpageflags_bit(bit);

	if (known)
		snprintf(buf, 24, "%s", known->name);
	else
		snprintf(buf, 24, "BIT%u", bit);
}

static void print_sweep(const struct pmk_sweep *s)
{
	struct number n[NUMBERS];
	char name[24];

	numbers(s, n);
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!s->flag[bit])
			continue;
		flag_name(bit, name);
		printf("  %-16s %12llu frames\n", name, (unsigned long long)s->flag[bit]);
	}
	for (size_t i = 0; i < NUMBERS; i++)
		printf("  %-16s %12llu\n", n[i].name, (unsigned long long)n[i].value);
	if (s->cut)
		printf("  %llu pages of very large mappings were not read\n",
		       (unsigned long long)s->cut);
	if (s->kpageflags_error)
		printf("  kpageflags: %s\n", strerror(-s->kpageflags_error));
	printf("sweep: %llu frames (%.1f M words/s), %llu pages of %llu processes (%.1f M "
	       "words/s), "
	       "%llu breaches\n",
	       (unsigned long long)s->frames,
	       (double)(s->frames + s->counted) / (s->kpage_seconds + 1e-9) / 1e6,
	       (unsigned long long)s->pages.pages, (unsigned long long)s->processes,
	       (double)s->pages.pages / (s->pagemap_seconds + 1e-9) / 1e6,
	       (unsigned long long)s->breaches);
}

static void json_sweep(struct pmk_json *j, const struct pmk_sweep *s)
{
	struct number n[NUMBERS];
	char name[24];

	numbers(s, n);
	for (size_t i = 0; i < NUMBERS; i++)
		pmk_json_number(j, n[i].name, n[i].value);
	pmk_json_number(j, "not-read", s->cut);
	pmk_json_number(j, "breach-count", s->breaches);
	pmk_json_seconds(j, "kpage-seconds", s->kpage_seconds);
	pmk_json_seconds(j, "pagemap-seconds", s->pagemap_seconds);
	pmk_json_open(j, "flags", '{');
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!s->flag[bit])
			continue;
		flag_name(bit, name);
		pmk_json_number(j, name, s->flag[bit]);
	}
	pmk_json_close(j, '}');
	pmk_json_close(j, '}');
}

int pmk_cmd_sweep(int argc, char **argv)
{
	const char *root = "/proc", *as = NULL;
	bool json = false;
	const struct pmk_option options[] = {
		{ "--proc-root", NULL, &root },
		{ "--as", NULL, &as },
		{ "--json", &json, NULL },
	};
	int n = pmk_options(options, 3, argc, argv), error;
	struct pmk_json j = { .out = stdout };
	struct show show = { .j = json ? &j : NULL, .start = time(NULL) };
	struct pmk_sweep s = { .breach = show_breach, .progress = show_progress, .data = &show };
	struct pmk_profile profile;
	struct pmk_error err;

	if (n < 0)
		return PMK_EXIT_USAGE;
	if (n)
		return pmk_usage("sweep", "unexpected '%s'", argv[1]);
	pmk_profile_host(&profile);
	s.page_shift = profile.arch->page_shift; /* of maps and pagemap here, whatever --as says */
	if (as && pmk_profile_parse(as, &profile, &err) < 0)
		return pmk_usage("sweep", "--as %s: %s", as, err.text);
	pmk_layout_init(&s.layout, profile.kernel, PMK_CONFIG_ALL);
	if (json) {
		pmk_json_open(&j, NULL, '{');
		pmk_json_open(&j, "breaches", '[');
	}
	error = pmk_sweep_run(&s, root);
	if (json)
		pmk_json_close(&j, ']');
	if (show.last)
		fputs("\r\033[K", stderr);
	if (error < 0)
		fprintf(stderr, "pmkit sweep: %s: %s\n", root, strerror(-error));
	if (json)
		json_sweep(&j, &s);
	else if (!error)
		print_sweep(&s);
	if (error < 0 || s.breaches)
		return PMK_EXIT_FAILED;
	return s.frames || s.processes ? 0 : PMK_EXIT_CANNOT;
}
