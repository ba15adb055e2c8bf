/* Sorting beyond memory: any number of records, in one run and in many, comes back sorted. */
#include "base/mem.h"
#include "base/rng.h"
#include "base/sorted_runs.h"
#include "check.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct record {
	uint32_t key[3];
};

static int compare(const void *left, const void *right)
{
	const struct record *a = left, *b = right;

	for (int k = 0; k < 3; k++)
		if (a->key[k] != b->key[k])
			return a->key[k] < b->key[k] ? -1 : 1;
	return 0;
}

/* n records, whose last key is their number: are they what qsort makes of them? */
static bool check(uint32_t n, uint32_t keys, size_t memory)
{
	struct sorted_runs *runs = sorted_runs_new(sizeof(struct record), compare, memory);
	struct record *all = xmalloc(n, sizeof(*all));
	const struct record *next;
	bool same = true;
	struct rng rng;
	uint32_t at = 0;

	rng_start(&rng, n, RNG_TEST, 2, keys);
	for (uint32_t k = 0; k < n; k++) {
		all[k] = (struct record){ { rng_below(&rng, keys), rng_below(&rng, 7), k } };
		sorted_runs_add(runs, &all[k]);
	}
	qsort(all, n, sizeof(*all), compare);
	for (; (next = sorted_runs_next(runs)); at++)
		same = same && at < n && compare(next, &all[at]) == 0;
	same = same && !sorted_runs_next(runs);
	sorted_runs_free(runs);
	free(all);
	return same && at == n;
}

int main(void)
{
	/* 4096 records are the least that a run has */
	const uint32_t nums[] = { 1, 2, 4095, 4096, 4097, 8192, 8193, 40961, 300000 };
	const size_t memories[] = { 0, 200000, 1000000, 100000000 };

	CHECK(check(0, 1, 0), "no record");
	for (unsigned n = 0; n < sizeof(nums) / sizeof(*nums); n++)
		for (unsigned m = 0; m < sizeof(memories) / sizeof(*memories); m++)
			CHECK(check(nums[n], 1 + nums[n] / 3, memories[m]),
				"%u records in %zu bytes", nums[n], memories[m]);
	return CHECK_EXIT;
}
