/* SPDX-License-Identifier: MIT */
/* adapter.c - libpagemapkit as a consumer, which scores 100 %.  Put your own reader in its place. */
#define _GNU_SOURCE 1 /* strerrorname_np() */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "pagemapkit.h"

static uint64_t number(const char *question, const char *key) /* that stands behind the key */
{
	const char *at = strstr(question, key);

	return at ? strtoull(at + strlen(key), NULL, 0) : 0;
}

/* A word of a file, or the name of an error.  Opened anew: /proc changes between questions. */
static const char *word(const char *path, uint64_t index, uint64_t *ret)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : pread(fd, ret, 8, (off_t)(index * 8));

	if (fd >= 0)
		close(fd);
	return n == 8 ? NULL : n ? strerrorname_np(errno) : "EOF";
}

int main(void)
{
	char q[1024], path[64];

	puts("{\"adapter\":\"c\",\"page\":[\"state\",\"pfn\",\"soft-dirty\",\"swap-kind\"],"
	     "\"frame\":[\"flags\"]}");
	while (fflush(stdout), fgets(q, sizeof(q), stdin)) {
		uint64_t address = number(q, "\"address\":\""), pfn = number(q, "\"pfn\":\""), w;
		uint64_t major = number(q, "\"kernel\":\""), minor = number(q, ".");
		struct pmk_layout layout;
		struct pmk_pagemap p;

		snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)number(q, "\"pid\":"));
		const char *error = address ? word(path, address / number(q, "\"page_size\":"), &w)
					    : word("/proc/kpageflags", pfn, &w);
		if (error && printf("{\"error\":\"%s\"}\n", error))
			continue;
		if (!address && printf("{\"flags\":\"%#" PRIx64 "\"}\n", w))
			continue;
		pmk_layout_init(&layout, PMK_KERNEL(major, minor, 0xffff), ~0u);
		pmk_pagemap_decode(&layout, w, &p);
		printf("{\"state\":\"%s\",\"soft-dirty\":%s", pmk_page_state_name(p.state),
		       p.soft_dirty ? "true" : "false");
		if (p.kind)
			printf(",\"swap-kind\":\"%s\"", pmk_swap_kind_name(p.kind));
		printf(p.frame ? ",\"pfn\":%" PRIu64 "}\n" : "}\n", p.frame);
	}
	return 0;
}
