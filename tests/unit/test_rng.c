/*
 * rng: Philox against Random123's published known answers (its kat_vectors file, philox4x32 with 10
 * rounds), and what lib/base/rng.h promises of the numbers made from it.
 */
#include "base/rng.h"
#include "check.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const struct {
	uint32_t counter[4], key[2], out[4];
} known[] = {
	{ { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
	{ { ~0u, ~0u, ~0u, ~0u }, { ~0u, ~0u },
		{ 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
	{ { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 },
		{ 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
};

static void check_known_answers(void)
{
	for (unsigned k = 0; k < 3; k++) {
		uint32_t out[4];

		rng_philox(known[k].counter, known[k].key, out);
		CHECK(!memcmp(out, known[k].out, sizeof(out)), "philox4x32-10 known answer %u",
			k + 1);
	}
}

/* Which bits of the counter and key an argument of rng_start takes is part of the output for a
 * seed. */
static void check_counter_layout(void)
{
	const uint32_t counter[4] = { 0x89abcdef, 0x01234567, 7, RNG_TEST << 24 | 1 };
	const uint32_t key[2] = { 0x76543210, 0xfedcba98 };
	uint32_t out[4], got[8];
	struct rng r;

	rng_philox(counter, key, out);
	rng_start(&r, 0xfedcba9876543210, RNG_TEST, 7, 0x0123456789abcdef);
	for (int i = 0; i < 8; i++)
		got[i] = rng_u32(&r);
	CHECK(!memcmp(got + 4, out, sizeof(out)),
		"second block of a record is philox(index, epoch, "
		"purpose and block; seed)");
	rng_start(&r, 0xfedcba9876543210, RNG_TEST, 7, 0x0123456789abcdef);
	CHECK(rng_u64(&r) == (got[0] | (uint64_t)got[1] << 32),
		"rng_u64 is two numbers, low first");
}

/* Any number of blocks at any place, also where the index passes 2^32. */
static void check_first_blocks(void)
{
	enum { MOST = 37 };
	const uint64_t seed = 0xfedcba9876543210, around = (UINT64_C(7) << 32) - MOST / 2;
	size_t wrong = 0;

	for (size_t n = 0; n <= MOST; n++) {
		uint32_t got[4 * MOST + 1], want[4];

		got[4 * n] = 99;
		rng_first_blocks(seed, RNG_TEST, 5, around, n, got);
		for (size_t k = 0; k < n; k++) {
			struct rng r;

			rng_start(&r, seed, RNG_TEST, 5, around + k);
			rng_block(&r, want);
			wrong += memcmp(got + 4 * k, want, sizeof(want)) != 0;
		}
		wrong += got[4 * n] != 99;
	}
	CHECK(wrong == 0, "first blocks of 0 to %d records: %zu wrong", MOST, wrong);
}

static void check_extend(void)
{
	struct rng r, other;
	uint32_t wrong = 0, same = 0;

	rng_start(&r, 3, RNG_TEST, 7, 5);
	rng_start(&other, 3, RNG_TEST, 7, 5);
	for (int k = 0; k < 1000; k++) {
		rng_extend(&r);
		wrong += rng_u32(&r) != rng_u32(&other);
	}
	CHECK(!wrong, "a record with numbers left stays as it is");
	r.block = (1u << 24) - 5;
	rng_extend(&r);
	rng_start(&other, 3, RNG_TEST, 7 + (1u << 16), 5);
	for (int k = 0; k < 1000; k++)
		wrong += rng_u32(&r) != rng_u32(&other);
	CHECK(!wrong, "one at its end goes on in epoch + 2^16");
	r.block = (1u << 24) - 5;
	rng_extend(&r);
	rng_start(&other, 3, RNG_TEST, 7 + (1u << 16), 5);
	for (int k = 0; k < 1000; k++)
		same += rng_u32(&r) == rng_u32(&other);
	CHECK(same < 10, "and then in the next, with other numbers");
}

/* Draws n x 1000 numbers below n: the count of each is binomial; chi-square with n - 1 degrees. */
static void check_below(uint32_t n, double critical)
{
	uint32_t count[7] = { 0 };
	double chi2 = 0;
	struct rng r;

	for (uint32_t k = 0; k < 1000 * n; k++) {
		rng_start(&r, 1, RNG_TEST, 0, k);
		count[rng_below(&r, n)]++;
	}
	for (uint32_t k = 0; k < n; k++)
		chi2 += (count[k] - 1000.0) * (count[k] - 1000.0) / 1000.0;
	CHECK(chi2 < critical, "rng_below(%u) is uniform: chi-square %.2f < %.2f (p = 0.001)", n,
		chi2, critical);
}

/* With n = 3 x 2^30 a plain product makes every third value twice as likely: Lemire must not. */
static void check_below_unbiased(void)
{
	const uint32_t n = 3u << 30;
	uint32_t third = 0, draws = 30000;
	struct rng r;

	for (uint32_t k = 0; k < draws; k++) {
		rng_start(&r, 2, RNG_TEST, 0, k);
		third += rng_below(&r, n) % 3 == 0;
	}
	/* expectation 10000, sd sqrt(30000 x 1/3 x 2/3) = 81.6; biased it would be 15000 */
	CHECK(fabs(third - 10000.0) < 4 * 81.65, "rng_below(3 x 2^30) has no bias: %u of 10000",
		third);
}

static void check_normal(void)
{
	const int n = 100000;
	double sum = 0, sum2 = 0, sum4 = 0;
	struct rng r;

	for (int k = 0; k < n; k++) {
		rng_start(&r, 3, RNG_TEST, 0, (uint64_t)k);
		double x = rng_normal(&r);

		sum += x;
		sum2 += x * x;
		sum4 += x * x * x * x;
	}
	/* sd of the mean of x, x^2, x^4: sqrt of 1, 2, 96 over n */
	CHECK(fabs(sum / n) < 4 * sqrt(1.0 / n), "normal: mean %.5f", sum / n);
	CHECK(fabs(sum2 / n - 1) < 4 * sqrt(2.0 / n), "normal: second moment %.5f", sum2 / n);
	CHECK(fabs(sum4 / n - 3) < 4 * sqrt(96.0 / n), "normal: fourth moment %.5f", sum4 / n);
}

/* Many records at once give the numbers of each alone, from any index and in any number. */
static void check_normals(void)
{
	const size_t num[] = { 1, 63, 64, 65, 300 };
	double out[301];
	struct rng r;
	bool same = true;

	for (unsigned k = 0; k < sizeof(num) / sizeof(*num); k++) {
		const uint64_t seed = 0x123456789abcdef + k, index = 0xffffff80 + k;

		out[num[k]] = 7;
		rng_normals(seed, RNG_TEST, k, index, num[k], out);
		for (size_t j = 0; j < num[k]; j++) {
			rng_start(&r, seed, RNG_TEST, k, index + j);
			same &= rng_normal(&r) == out[j];
		}
		same &= out[num[k]] == 7;
	}
	CHECK(same, "rng_normals: those of rng_normal, to the bit");
}

int main(void)
{
	struct rng r;
	double low = 1, high = 0;

	check_known_answers();
	check_counter_layout();
	check_first_blocks();
	check_extend();
	check_below(2, 10.83);
	check_below(7, 22.46);
	check_below_unbiased();
	rng_start(&r, 1, RNG_TEST, 0, 0);
	CHECK(rng_below(&r, 1) == 0, "rng_below(1) is 0");
	for (int k = 0; k < 100000; k++) {
		double x = rng_real(&r);

		low = x < low ? x : low;
		high = x > high ? x : high;
	}
	CHECK(low >= 0 && low < 1e-4 && high < 1 && high > 1 - 1e-4, "rng_real: %g .. %.6f", low,
		high);
	check_normal();
	check_normals();
	return CHECK_EXIT;
}
