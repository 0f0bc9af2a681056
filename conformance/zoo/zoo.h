/* SPDX-License-Identifier: MIT */
/*
 * zoo.h - a consumer of pagemap and kpage* in small parts, so that each can be wrong by itself.
 *
 * An animal is a struct zoo_habits with one habit of its own; what is NULL is done right.
 */
#ifndef PMK_ZOO_H
#define PMK_ZOO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "pagemapkit.h"

#define ZOO_EOF 100000 /* for an errno: the file ended */

struct zoo_page {
	uint64_t word;
	struct pmk_pagemap right; /* what it means on the kernel that is asked about */
};

struct zoo_regions {
	struct pmk_scan_region *region;
	size_t n;
};
void zoo_add_region(struct zoo_regions *regions, const struct pmk_scan_region *region);

struct zoo_habits {
	const char *page, *frame; /* the fields it knows, as JSON writes them; NULL: all */
	bool no_range, no_scan; /* it cannot be asked so */
#define HABIT(returns, name, arguments, right) returns(*name) arguments;
#include "habits.def"
};
extern const struct zoo_habits zoo_right;

/* The animals and the founders: each struct zoo_habits zoo_NAME. */
#define ANIMAL(row, name, clause, who, mistake) extern const struct zoo_habits zoo_##name;
#define FOUNDER(name, what)			extern const struct zoo_habits zoo_##name;
#include "zoo.def"

/* Completes the habits of an animal by the right ones. */
struct zoo_habits zoo_complete(const struct zoo_habits *animal);
/* The line that says what a zoo animal can be asked, and its answer to a question: lines, newline included. */
void zoo_introduce(const char *name, const struct zoo_habits *habits, FILE *out);
void zoo_answer(const struct zoo_habits *habits, const char *question, FILE *out);

#endif
