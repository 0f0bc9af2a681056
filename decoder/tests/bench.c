/* bench.c: how fast the batches are, as a share of a plain sum over the same memory.
 * decoder_bench [MIB], 1024 by default. Not a test: prints, and always succeeds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pagemapkit.h"

enum { ROUNDS = 9 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct arrays {
	uint64_t *words, *copy;
	uint8_t *classes;
	size_t n;
};

static uint64_t plain_sum(const struct arrays *a)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < a->n; i++)
		sum += a->words[i];
	return sum;
}

static uint64_t histogram(const struct arrays *a)
{
	struct pmk_histogram h = { 0 };

	pmk_batch_histogram(a->words, a->n, &h);
	return h.present;
}

static uint64_t classify(const struct arrays *a)
{
	pmk_batch_classify(a->words, a->n, a->classes);
	return a->classes[0];
}

static uint64_t run(const struct arrays *a)
{
	return pmk_batch_run_mask(a->words, a->n, 0);
}

static uint64_t pfns(const struct arrays *a)
{
	return pmk_batch_pfns(a->words, a->n, a->copy);
}

static uint64_t decode(const struct arrays *a)
{
	uint64_t present = 0;

	for (size_t i = 0; i < a->n; i++) {
		struct pmk_pagemap page;

		pmk_pagemap_decode(NULL, a->words[i], &page);
		present += page.state == PMK_PAGE_PRESENT;
	}
	return present;
}

static const struct {
	const char *name;
	uint64_t (*fn)(const struct arrays *a);
} benches[] = {
	{ "sum", plain_sum }, { "histogram", histogram }, { "classify", classify },
	{ "run", run },	      { "pfns", pfns },		  { "decode, one by one", decode },
};

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 0) : 1024;
	struct arrays a = { .n = (mib << 20) / sizeof(uint64_t) };
	uint64_t random = 88172645463325252u, keep = 0;
	double sum = 0;

	a.words = malloc(a.n * sizeof(*a.words));
	a.copy = calloc(a.n, sizeof(*a.copy));
	a.classes = calloc(a.n, 1);
	if (!a.words || !a.copy || !a.classes)
		return 77;
	for (size_t i = 0; i < a.n; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		a.words[i] = random;
	}
	for (size_t b = 0; b < sizeof(benches) / sizeof(benches[0]); b++) {
		double best = 1e9;

		for (int round = 0; round < ROUNDS; round++) {
			double start = now(), took;

			keep += benches[b].fn(&a);
			took = now() - start;
			best = took < best ? took : best;
		}
		if (b == 0)
			sum = best;
		printf("%-20s %6.2f GB/s  %.2f of the sum\n", benches[b].name,
		       (double)a.n * 8e-9 / best, sum / best);
	}
	return keep == 1 ? 77 : 0;
}
