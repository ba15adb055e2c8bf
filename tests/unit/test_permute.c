/* permute: a bijection for every n, keyed, and without visible structure. */
#include "base/permute.h"
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void init(struct permute *p, uint64_t n, uint64_t seed, uint32_t epoch)
{
	struct rng keys;

	rng_start(&keys, seed, RNG_TEST, epoch, 0);
	permute_init(p, n, &keys);
}

static int is_bijection(uint64_t n, uint64_t seed)
{
	unsigned char *seen = calloc(n, 1);
	uint64_t *run = malloc(n * sizeof(*run));
	struct permute p;
	int good = 1;

	init(&p, n, seed, 0);
	permute_run(&p, 0, n, run);
	for (uint64_t k = 0; k < n && good; k++) {
		const uint64_t image = permute_at(&p, k);

		good = image < n && !seen[image] && run[k] == image;
		if (good)
			seen[image] = 1;
	}
	for (uint64_t first = 1; first < n && good;
		first += n / 3 + 1) { // a run may start anywhere
		const size_t count = n - first < 70 ? n - first : 70;
		uint64_t part[70];

		permute_run(&p, first, count, part);
		good = !memcmp(part, run + first, count * sizeof(*part));
	}
	free(seen);
	free(run);
	return good;
}

static void check_bijection(void)
{
	const uint64_t large[] = { 4095, 4096, 4097, 65521, 99057, 1u << 20, 1000003 };
	uint64_t bad = 0;

	for (uint64_t n = 1; n <= 300 && !bad; n++)
		for (uint64_t seed = 0; seed < 5 && !bad; seed++)
			bad = is_bijection(n, seed) ? 0 : n;
	CHECK(!bad, "a bijection for every n of 1..300, 5 keys each (first bad: %d)", (int)bad);
	for (unsigned k = 0; k < sizeof(large) / sizeof(large[0]); k++)
		CHECK(is_bijection(large[k], 7), "a bijection of %lu", (unsigned long)large[k]);
}

/* Beyond what can be stored: images of a sample are in range and differ. */
static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void check_huge(uint64_t n)
{
	enum { SAMPLE = 100000 };
	static uint64_t image[SAMPLE];
	struct permute p;
	int good = 1;

	init(&p, n, 1, 0);
	permute_run(&p, n - SAMPLE, SAMPLE, image);
	qsort(image, SAMPLE, sizeof(*image), compare);
	for (int k = 1; k < SAMPLE; k++)
		good &= image[k - 1] < image[k];
	CHECK(good && image[SAMPLE - 1] < n, "%d images of n = %.3g differ and are below n", SAMPLE,
		(double)n);
	CHECK(image[SAMPLE / 2] > n / 100 * 49 && image[SAMPLE / 2] < n / 100 * 51,
		"their median is near n / 2");
}

/* All 24 permutations of 4 things must be equally frequent over the epochs of a seed. */
static void check_all_permutations(void)
{
	enum { EPOCHS = 24000 };
	int count[256] = { 0 };
	double chi2 = 0;
	int kinds = 0;

	for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
		struct permute p;
		unsigned code = 0;

		init(&p, 4, 1, epoch);
		for (uint64_t k = 0; k < 4; k++)
			code = code << 2 | (unsigned)permute_at(&p, k);
		count[code]++;
	}
	for (int code = 0; code < 256; code++)
		if (count[code]) {
			kinds++;
			chi2 += (count[code] - 1000.0) * (count[code] - 1000.0) / 1000.0;
		}
	CHECK(kinds == 24 && chi2 < 49.73,
		"all 24 permutations of 4: chi-square %.1f < 49.73 (23 df, p = 0.001)", chi2);
}

/* Position frequencies: over many keys each k lands on each position equally often. */
static void check_positions(uint64_t n, uint32_t epochs, double critical)
{
	int *count = calloc(n * n, sizeof(*count));
	const double expected = epochs / (double)n;
	double chi2 = 0;

	for (uint32_t epoch = 0; epoch < epochs; epoch++) {
		struct permute p;

		init(&p, n, 2, epoch);
		for (uint64_t k = 0; k < n; k++)
			count[k * n + permute_at(&p, k)]++;
	}
	for (uint64_t k = 0; k < n * n; k++)
		chi2 += (count[k] - expected) * (count[k] - expected) / expected;
	CHECK(chi2 < critical,
		"positions for n = %d: chi-square %.1f < %.1f ((n - 1)^2 df, p = 0.001)", (int)n,
		chi2, critical);
	free(count);
}

/*
 * Structure within one permutation: the step from the image of k to that of k + 1, modulo n, must
 * be uniform: 64 classes of steps, 63 df. The steps of a random permutation are nearly independent.
 */
static void check_steps(uint64_t n, uint64_t lag)
{
	double chi2 = 0, expected = (double)(n - lag) / 64;
	uint64_t *image = malloc(n * sizeof(*image));
	int count[64] = { 0 };
	struct permute p;

	init(&p, n, 3, 0);
	permute_run(&p, 0, n, image);
	for (uint64_t k = 0; k + lag < n; k++)
		count[(image[k + lag] + n - image[k]) % n * 64 / n]++;
	for (int k = 0; k < 64; k++)
		chi2 += (count[k] - expected) * (count[k] - expected) / expected;
	CHECK(chi2 < 103.4,
		"steps at lag %d for n = %d: chi-square %.1f < 103.4 (63 df, p = 0.001)", (int)lag,
		(int)n, chi2);
	free(image);
}

int main(void)
{
	struct permute p, q;
	int same = 0;

	check_bijection();
	check_huge(UINT64_C(20000000000));
	check_huge(UINT64_C(1) << 61);
	check_all_permutations();
	check_positions(5, 20000, 39.25); // 16 df
	check_positions(6, 20000, 52.62); // 25 df
	check_positions(
		37, 37000, 1458.0); // 1296 df: 1296 + 3.09 sqrt(2 x 1296) + 3.09^2 x 2 / 3 - 2 / 3
	check_steps(1000000, 1);
	check_steps(1000000, 2);
	check_steps(1000000, 1000); // a is 1000: the same y in the next row of the square
	check_steps(99057, 1);

	init(&p, 1000, 1, 0);
	init(&q, 1000, 1, 1);
	for (uint64_t k = 0; k < 1000; k++)
		same += permute_at(&p, k) == permute_at(&q, k);
	CHECK(same < 10, "two epochs agree in %d of 1000 places", same); // Poisson of mean 1
	return CHECK_EXIT;
}
