/*
 * ials_fold_in: the rows it gives to users of the training data are those that the next half-step of
 * training gives them. The two have other coordinates (ials.h): products of rows are compared.
 */
#include "check.h"

#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"
#include "data/user_items.h"
#include "linear/ials.h"
#include "linear/ials_fold_in.h"
#include "rank/scorer.h"
#include "stream/record.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { USERS = 60, ITEMS = 90, ROWS = 700 };

static char path[] = "/tmp/test_ials_fold_in.XXXXXX";

static void write_train(void)
{
	struct rec_header h;
	struct rec_writer *w;
	struct rng r;

	rec_header_init(&h, REC_INTERACTION, NULL, NULL);
	h.num_users = USERS;
	h.num_items = ITEMS;
	w = rec_create(path, &h);
	rng_start(&r, 5, RNG_TEST, 0, 0);
	for (int k = 0; k < ROWS; k++) {
		const uint32_t item = rng_below(&r, ITEMS);
		const uint32_t user = rng_below(&r, USERS - 1); /* the last has nothing */

		rec_write(w, &(struct interaction){ user, item * item / ITEMS, k });
	}
	rec_finish(w);
	rec_header_release(&h);
}

static float *values_of(struct ials *m, unsigned which, size_t rows, size_t factors)
{
	const struct neumf_shape shape = ials_shape(m);
	struct neumf_layout layout;
	float *out = xmalloc(rows * factors, sizeof(*out));

	neumf_layout(&shape, &layout);
	ials_values(m, neumf_whole(&layout, (unsigned)layout.at[which]), out);
	return out;
}

/* The greatest difference of products of two rows, over the greatest product. */
static double compare(const float *a, const float *b, size_t n)
{
	double off = 0, largest = 0;

	for (size_t u = 0; u < USERS; u++)
		for (size_t v = 0; v <= u; v++) {
			double x = 0, y = 0;

			for (size_t k = 0; k < n; k++) {
				x += (double)a[u * n + k] * a[v * n + k];
				y += (double)b[u * n + k] * b[v * n + k];
			}
			off = fmax(off, fabs(x - y));
			largest = fmax(largest, fabs(x));
		}
	return off / largest;
}

static void test_half_step(uint32_t factors, unsigned threads)
{
	const struct ials_config config = { .factors = factors,
		.l2 = 0.01,
		.l2_exponent = 0.8,
		.unobserved_weight = 0.15,
		.seed = 2 };
	struct pool *pool = pool_new(threads);
	struct rec_reader *in = rec_open(path, 1u << REC_INTERACTION);
	struct ials *m = ials_new(in, &config, pool);
	struct user_items users;

	rec_close(in, true);
	in = rec_open(path, 1u << REC_INTERACTION);
	user_items_init(&users, USERS, ITEMS);
	user_items_add_stream(&users, in, NULL);
	rec_close(in, true);
	user_items_finish(&users);
	const struct item_lists lists = { USERS, users.start, users.item };
	for (int e = 0; e < 3; e++)
		ials_epoch(m);
	float *items = values_of(m, TENSOR_GMF_ITEM, ITEMS, factors);
	float *rows = xcalloc((size_t)USERS * factors, sizeof(*rows));
	ials_fold_in(&config, ITEMS, factors, items, &lists, pool, rows);
	ials_epoch(m); /* the users first, from these items */
	float *next = values_of(m, TENSOR_GMF_USER, USERS, factors);
	const double off = compare(next, rows, factors);
	CHECK(off < 1e-5, "%u factors: off by %.1e", factors, off);
	free(next);
	free(rows);
	free(items);
	user_items_release(&users);
	ials_free(m);
	pool_free(pool);
}

int main(void)
{
	if (mkstemp(path) < 0)
		abort();
	write_train();
	test_half_step(1, 1);
	test_half_step(7, 1);
	test_half_step(32, 3);
	test_half_step(64, 2);
	unlink(path);
	return CHECK_EXIT;
}
