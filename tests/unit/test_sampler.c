/*
 * sampler, alias, positives: distributions by chi-square with a fixed seed (critical values at p = 0.001),
 * users with nearly everything excluded, and draws that depend on the record only.
 */
#include "base/alias.h"
#include "base/mem.h"
#include "base/pool.h"
#include "check.h"
#include "data/positive_index.h"
#include "data/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS = 40, DRAWS = 400000 };

static struct pool *pool;

/* Upper 0.1 % point of chi-square (Wilson & Hilferty 1931). */
static double critical(int df)
{
	const double a = 2 / (9.0 * df), z = 1 - a + 3.0902 * sqrt(a);

	return df * z * z * z;
}

/* Chi-square of counts against probabilities proportional to weight (0: excluded or never). */
static double chi_square(const uint32_t *count, const double *weight, int n, int *df)
{
	double total = 0, sum = 0, chi2 = 0;

	*df = -1;
	for (int i = 0; i < n; i++) {
		total += weight[i];
		sum += count[i];
	}
	for (int i = 0; i < n; i++) {
		const double expected = sum * weight[i] / total;

		if (weight[i] > 0) {
			chi2 += (count[i] - expected) * (count[i] - expected) / expected;
			++*df;
		} else if (count[i])
			return INFINITY;
	}
	return chi2;
}

/* User u of U has items with i % U < u excluded: from none to all but every U-th. */
static void close_some(struct user_items *h, uint32_t num_users, uint32_t num_items)
{
	user_items_init(h, num_users, num_items);
	for (uint32_t u = 0; u < num_users; u++)
		for (uint32_t i = 0; i < num_items; i++)
			if (i % num_users < u)
				user_items_add(h, u, i);
	user_items_finish(h);
}

static double *make_weights(double exponent)
{
	double *weight = xmalloc(ITEMS, sizeof(*weight));

	for (int i = 0; i < ITEMS; i++) // item 7 is never drawn
		weight[i] = i == 7 ? 0 : pow(i + 1, exponent);
	return weight;
}

/*
 * `exponent` < 0: no weights. Draws for every user of close_some must follow the weights of what is open to him. filter_bits 1 makes
 * the filter say "maybe" nearly always, 64 makes it a bitmap.
 */
static void check_distribution(const char *what, double exponent, unsigned filter_bits)
{
	enum { USERS = 5 };
	static uint32_t count[USERS][ITEMS], user[DRAWS], item[DRAWS];
	double *given = exponent < 0 ? NULL : make_weights(exponent), weight[ITEMS];
	struct sampler *s;
	struct user_items h;

	close_some(&h, USERS, ITEMS);
	for (int i = 0; i < ITEMS; i++)
		weight[i] = given ? given[i] : 1;
	s = sampler_new(&h, given, filter_bits, 1, pool);
	for (uint32_t k = 0; k < DRAWS; k++)
		user[k] = k % USERS;
	sampler_draw(s, 3, 0, DRAWS, user, item);
	memset(count, 0, sizeof(count));
	for (uint32_t k = 0; k < DRAWS; k++)
		count[user[k]][item[k]]++;
	for (uint32_t u = 0; u < USERS; u++) {
		double open[ITEMS], chi2;
		int df;

		for (uint32_t i = 0; i < ITEMS; i++)
			open[i] = user_items_has(&h, u, i) ? 0 : weight[i];
		chi2 = chi_square(count[u], open, ITEMS, &df);
		CHECK(chi2 < critical(df),
			"%s, %u filter bits, %u of 5 excluded: chi-square %.1f < %.1f (%d df)",
			what, filter_bits, u, chi2, critical(df), df);
	}
	sampler_free(s);
	user_items_release(&h);
}

/* So much is excluded that only the exact draw ends: 3 items of 100000 open, or a millionth of the weight. */
static void check_nearly_excluded(int weighted)
{
	enum { N = 100000, OPEN = 3 };
	const uint32_t open[OPEN] = { 0, 54321, N - 1 };
	const double weight[OPEN] = { 1, 2, 3 };
	static uint32_t user[3000], item[3000];
	double *given = weighted ? xmalloc(N, sizeof(*given)) : NULL, chi2;
	uint32_t count[OPEN + 1] = { 0 };
	double expected[OPEN + 1] = { 1, 1, 1, 0 };
	struct sampler *s;
	struct user_items h;
	int df;

	user_items_init(&h, 1, N);
	for (uint32_t i = 0; i < N; i++) {
		int k = 0;

		while (k < OPEN && open[k] != i)
			k++;
		if (k == OPEN)
			user_items_add(&h, 0, i);
		if (given)
			given[i] = k == OPEN ? 20 : weight[k];
		if (given && k < OPEN)
			expected[k] = weight[k];
	}
	user_items_finish(&h);
	s = sampler_new(&h, given, 24, 2, pool);
	sampler_draw(s, 0, 0, 3000, user, item);
	for (int d = 0; d < 3000; d++) {
		int k = 0;

		while (k < OPEN && open[k] != item[d])
			k++;
		count[k]++;
	}
	chi2 = chi_square(count, expected, OPEN + 1, &df);
	CHECK(chi2 < critical(df), "3 of 100000 items open%s: chi-square %.1f < %.1f",
		weighted ? ", weighted" : "", chi2, critical(df));
	sampler_free(s);
	user_items_release(&h);
}

static void check_can_draw(void)
{
	double *weight = xcalloc(4, sizeof(*weight));
	struct sampler *uniform, *weighted;
	struct user_items h;

	weight[1] = 5;
	user_items_init(&h, 3, 4);
	for (uint32_t i = 0; i < 4; i++)
		user_items_add(&h, 0, i);
	user_items_add(&h, 1, 1);
	user_items_finish(&h);
	uniform = sampler_new(&h, NULL, 24, 1, pool);
	weighted = sampler_new(&h, weight, 24, 1, pool);
	CHECK(!sampler_can_draw(uniform, 0) && sampler_can_draw(uniform, 1) &&
			sampler_can_draw(uniform, 2),
		"uniform: nothing to draw where all is excluded, something where one is");
	CHECK(!sampler_can_draw(weighted, 0) && !sampler_can_draw(weighted, 1) &&
			sampler_can_draw(weighted, 2),
		"weighted: nothing to draw where the only item of any weight is excluded");
	sampler_free(uniform);
	sampler_free(weighted);
	user_items_release(&h);
}

/* A record's draw is the same however the records are cut into calls, and differs by seed and epoch. */
static void check_records(void)
{
	enum { N = 5000 };
	static uint32_t user[N], whole[N], part[N], other[N];
	uint32_t same_epoch = 0, same_seed = 0;
	struct user_items h;

	close_some(&h, 5, 1000);
	for (uint32_t k = 0; k < N; k++)
		user[k] = k % 5;
	for (int weighted = 0; weighted < 2; weighted++) {
		double *weight = weighted ? xmalloc(1000, sizeof(*weight)) : NULL;
		struct sampler *s, *t = sampler_new(&h, NULL, 24, 8, pool);

		for (int i = 0; weighted && i < 1000; i++)
			weight[i] = i + 1;
		s = sampler_new(&h, weight, 24, 7, pool);
		sampler_draw(s, 0, 0, N, user, whole);
		for (size_t done = 0, n = 1; done < N; done += n, n = n % 700 + 13)
			sampler_draw(
				s, 0, done, n < N - done ? n : N - done, user + done, part + done);
		CHECK(!memcmp(whole, part, sizeof(whole)), "%s draws depend on the record only",
			weighted ? "weighted" : "uniform");
		sampler_draw(s, 1, 0, N, user, other);
		for (int k = 0; k < N; k++)
			same_epoch += whole[k] == other[k];
		sampler_draw(t, 0, 0, N, user, other);
		for (int k = 0; k < N; k++)
			same_seed += whole[k] == other[k];
		sampler_free(s);
		sampler_free(t);
	}
	/* expected about 1 / 1000 to 1 / 200 of 10000 each */
	CHECK(same_epoch < 100 && same_seed < 100,
		"other epochs and seeds draw otherwise (%u, %u the same)", same_epoch, same_seed);
	user_items_release(&h);
}

/*
 * Two different items of three open ones with weights 1, 2, 3 (b, c, d; a is excluded): in order, the
 * probability of x then y is w_x / 6 x w_y / (6 - w_x).
 */
static void check_distinct(void)
{
	enum { USERS = 60000 };
	const double w[4] = { 9, 1, 2, 3 };
	double *weight = xmalloc(4, sizeof(*weight)), expected[16] = { 0 }, chi2;
	uint32_t count[16] = { 0 }, out[4], n;
	struct sampler *s;
	struct user_items h;
	int df;

	memcpy(weight, w, sizeof(w));
	user_items_init(&h, USERS, 4);
	for (uint32_t u = 0; u < USERS; u++)
		user_items_add(&h, u, 0);
	user_items_finish(&h);
	s = sampler_new(&h, weight, 24, 5, pool);
	for (uint32_t u = 0; u < USERS; u++) {
		n = sampler_distinct(s, u, 2, out);
		count[n == 2 ? out[0] * 4 + out[1] : 0]++;
	}
	for (int x = 1; x < 4; x++)
		for (int y = 1; y < 4; y++)
			expected[x * 4 + y] = x == y ? 0 : w[x] / 6 * w[y] / (6 - w[x]);
	chi2 = chi_square(count, expected, 16, &df);
	CHECK(df == 5 && chi2 < critical(df),
		"two different of three: chi-square %.1f < %.1f (5 df)", chi2, critical(df));
	n = sampler_distinct(s, 0, 9, out);
	CHECK(n == 3 && out[0] == 1 && out[1] == 2 && out[2] == 3, "nine of three: all of them");
	sampler_free(s);
	user_items_release(&h);
}

/* The table's own probabilities, summed up over its buckets, against the weights. */
static void check_alias_table(void)
{
	enum { N = 1000 };
	double *weight = xmalloc(N, sizeof(*weight)), given[N], got[N] = { 0 }, sum = 0, worst = 0;
	struct alias a;

	for (int i = 0; i < N; i++) {
		given[i] = weight[i] = i % 3 == 0 ? 0 : pow(i, 3);
		sum += weight[i];
	}
	alias_init(&a, N, weight);
	for (int i = 0; i < N; i++) {
		got[i] += a.bucket[i].threshold * 0x1p-32 / N;
		got[a.bucket[i].other] += (1 - a.bucket[i].threshold * 0x1p-32) / N;
	}
	for (int i = 0; i < N; i++)
		worst = fmax(worst, fabs(got[i] - given[i] / sum));
	CHECK(worst < N * 0x1p-32 / N, "alias table: probabilities within 2^-32 (worst %.2g)",
		worst);
	alias_release(&a);
}

/* Positives N - 1, N - 2 ... 0 must be these rows, in that order. */
static int positives_are(
	const struct positive_index *p, uint32_t n, const uint32_t *user, const uint32_t *item)
{
	uint64_t number[400];
	uint32_t got_user[400], got_item[400];
	int good = p->num == n;

	for (uint32_t k = 0; k < n; k++)
		number[k] = n - 1 - k;
	positive_index_get(p, number, n, got_user, got_item);
	for (uint32_t k = 0; k < n; k++)
		good &= got_user[n - 1 - k] == user[k] && got_item[n - 1 - k] == item[k];
	return good;
}

enum { POSITIVE_USERS = 8 };

/* Users of so many rows, 262 together, then without each set of users. A row given five times is five
   positives. */
static void check_positives(const uint32_t rows[POSITIVE_USERS])
{
	enum { USERS = POSITIVE_USERS };
	int good = 1;

	for (unsigned skip = 0; skip < 1 << USERS; skip++) {
		const unsigned char bits = (unsigned char)skip;
		uint32_t user[400], item[400], n = 0;
		struct positive_index p;
		struct user_items h;

		user_items_init(&h, USERS, 1000);
		for (uint32_t u = 0; u < USERS; u++)
			for (uint32_t k = 0; k < rows[u]; k++) {
				const uint32_t i =
					rows[u] == 5 ? 7 : 900 - 3 * k; // added in descending order

				user_items_add(&h, u, i);
				if (skip >> u & 1)
					continue;
				user[n] = u;
				item[n++] = rows[u] == 5 ? 7 : 900 - 3 * (rows[u] - 1 - k);
			}
		user_items_finish_all(&h, pool);
		positive_index_init(&p, &h, pool);
		good &= p.num == 262;
		positive_index_drop(&p, &bits);
		good &= positives_are(&p, n, user, item);
		positive_index_release(&p);
		user_items_release(&h);
	}
	CHECK(good, "positives: users and items, with each set of users dropped");
}

/* Several jobs make filter and positives: no draw depends on threads or filter, none is excluded. */
static void check_jobs(void)
{
	enum { USERS = 4000, WIDE = 3000, RECORDS = 200000 };
	struct pool *three = pool_new(3);
	struct user_items h;
	struct positive_index p;
	uint32_t *user = xmalloc(RECORDS, sizeof(*user)), *item[3], wrong = 0, n = 0;
	uint64_t *number;

	user_items_init(&h, USERS, WIDE);
	for (uint32_t u = 0; u < USERS; u++)
		for (uint32_t k = 0; k < (u % 7 == 3 ? 0 : u % 300); k++)
			user_items_add(&h, u, (u * 977 + k * 31) % WIDE);
	user_items_finish_all(&h, three);
	for (uint32_t k = 0; k < RECORDS; k++)
		user[k] = k % 3 == 0 ? k % USERS : (k * 7919) % USERS;
	for (unsigned t = 0; t < 3; t++) {
		struct sampler *s =
			sampler_new(&h, NULL, t == 0 ? 0 : 24, 5, t == 1 ? pool : three);

		item[t] = xmalloc(RECORDS, sizeof(*item[t]));
		sampler_draw(s, 3, 0, RECORDS, user, item[t]);
		sampler_free(s);
	}
	for (uint32_t k = 0; k < RECORDS; k++)
		wrong += user_items_has(&h, user[k], item[0][k]);
	CHECK(wrong == 0, "%u of many draws are excluded", wrong);
	CHECK(!memcmp(item[0], item[1], RECORDS * sizeof(**item)) &&
			!memcmp(item[0], item[2], RECORDS * sizeof(**item)),
		"the filter, of one thread or three, changes no draw");
	positive_index_init(&p, &h, three);
	number = xmalloc(p.num, sizeof(*number));
	user = xrealloc(user, p.num, sizeof(*user));
	item[0] = xrealloc(item[0], p.num, sizeof(**item));
	for (uint64_t k = 0; k < p.num; k++)
		number[k] = k;
	positive_index_get(&p, number, p.num, user, item[0]);
	for (uint32_t u = 0; u < USERS; u++)
		for (uint64_t k = h.start[u]; k < h.start[u + 1]; k++, n++)
			wrong += user[n] != u || item[0][n] != h.item[k];
	CHECK(p.num == user_items_size(&h) && p.num > 500000 && wrong == 0,
		"%u of many positives are wrong", wrong);
	positive_index_release(&p);
	user_items_release(&h);
	pool_free(three);
	for (unsigned t = 0; t < 3; t++)
		free(item[t]);
	free(user);
	free(number);
}

int main(void)
{
	pool = pool_new(1);
	check_jobs();
	check_alias_table();
	check_distribution("uniform", -1, 24);
	check_distribution("uniform", -1, 1);
	check_distribution("uniform", -1, 0);
	check_distribution("popularity", 1, 24);
	check_distribution("popularity ^ 0.5", 0.5, 1);
	check_distribution("popularity ^ 0", 0, 64);
	check_nearly_excluded(0);
	check_nearly_excluded(1);
	check_can_draw();
	check_records();
	check_distinct();
	check_positives((const uint32_t[]){ 0, 1, 100, 5, 0, 14, 13, 129 });
	check_positives((const uint32_t[]){ 100, 1, 5, 14, 13, 129, 0, 0 }); // no gaps
	pool_free(pool);
	return CHECK_EXIT;
}
