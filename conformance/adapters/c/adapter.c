/* SPDX-License-Identifier: MIT */
/* adapter.c - libpagemapkit as a consumer, which scores 100 %.  Copy it, and put your reader in its place. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pagemapkit.h"

#define TEXT(b) ((b) ? "true" : "false")

static char q[1024]; /* the question */

static uint64_t arg(const char *key)
{
	return strstr(q, key) ? strtoull(strstr(q, key) + strlen(key), NULL, 0) : 0;
}

/* A word of a file, or why there is none.  Opened anew: /proc changes between questions. */
static const char *word(const char *format, int pid, uint64_t index, uint64_t *ret)
{
	char path[64];
	int fd = (snprintf(path, sizeof(path), format, pid), open(path, O_RDONLY));
	ssize_t n = fd < 0 ? -1 : pread(fd, ret, 8, (off_t)(index * 8));

	if (fd >= 0)
		close(fd);
	return n == 8 ? NULL : n ? strerrorname_np(errno) : "EOF";
}

static void page(uint64_t address, uint64_t entry, uint64_t page_size)
{
	unsigned major = 0, minor = 0, shift = (unsigned)__builtin_ctzll(page_size);
	struct pmk_layout layout;
	struct pmk_pagemap p;

	sscanf(strstr(q, "\"kernel\""), "\"kernel\":\"%u.%u", &major, &minor);
	pmk_layout_init(&layout, PMK_KERNEL(major, minor, 0xffff), PMK_CONFIG_ALL);
	pmk_pagemap_decode(&layout, entry, &p);
	printf("\"state\":\"%s\",\"soft-dirty\":%s,\"exclusive\":%s,\"uffd-wp\":%s,\"guard\":%s,"
	       "\"file\":%s",
	       pmk_page_state_name(p.state), TEXT(p.soft_dirty), TEXT(p.exclusive), TEXT(p.uffd_wp),
	       TEXT(p.guard), TEXT(p.file));
	if (p.frame)
		printf(",\"pfn\":%" PRIu64 ",\"phys\":\"%#" PRIx64 "\"", p.frame,
		       pmk_phys(p.frame, address, shift));
	if (p.kind)
		printf(",\"swap-kind\":\"%s\"", pmk_swap_kind_name(p.kind));
	if (p.kind > PMK_SWAP_HIDDEN)
		printf(",\"swap-type\":%u,\"swap-offset\":%" PRIu64, p.swap_type, p.swap_offset);
}

int main(void)
{
	puts("{\"adapter\":\"reference\",\"page\":[\"state\",\"soft-dirty\",\"exclusive\",\"uffd-"
	     "wp\",\"guard\",\"file\","
	     "\"pfn\",\"phys\",\"swap-kind\",\"swap-type\",\"swap-offset\"],\"frame\":[\"flags\","
	     "\"count\"]}");
	while (fflush(stdout), fgets(q, sizeof(q), stdin)) {
		uint64_t address = arg("\"address\":\""), size = arg("\"page_size\":"), w,
			 count = 0;
		uint64_t pfn = arg("\"pfn\":\"");
		const char *error, *frame = strstr(q, "\"frame\""), *comma = "";

		putchar('{');
		error = frame ? word("/proc/kpageflags", 0, pfn, &w)
			      : word("/proc/%d/pagemap", (int)arg("\"pid\":"), address / size, &w);
		if (error)
			printf("\"error\":\"%s\"", error);
		else if (!frame)
			page(address, w, size);
		else if (!word("/proc/kpagecount", 0, pfn, &count))
			printf("\"count\":%" PRIu64 ",\"flags\":[", count);
		for (unsigned b = 0; frame && !error && b < 64; b++)
			if (w >> b & 1 && (printf("%s\"BIT%u\"", comma, b), 1))
				comma = ",";
		puts(frame && !error ? "]}" : "}");
	}
	return 0;
}
