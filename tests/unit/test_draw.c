/*
 * draw: draw_one() gives each draw of sampler_draw() by itself, and a row of row_draws is that of
 * epoch_rows. Of 3e9 items a third of the picks is biased.
 */
#include "base/draw.h"
#include "base/mem.h"
#include "base/pool.h"
#include "check.h"
#include "data/epoch_rows.h"
#include "data/sampler.h"

#include <stdlib.h>
#include <string.h>

static void check_one_by_one(struct pool *pool)
{
	enum { N = 4000, ITEMS_OF_FEW = 60 };
	const uint32_t sizes[] = { ITEMS_OF_FEW, 3000000000, ITEMS_OF_FEW };
	static uint32_t user[N], item[N];

	for (int c = 0; c < 3; c++) {
		double *weight = c == 2 ? xmalloc(ITEMS_OF_FEW, sizeof(*weight)) : NULL;
		uint32_t same = 0;
		struct user_items h;

		user_items_init(&h, 5, sizes[c]);
		for (uint32_t u = 0; u < 5; u++)
			for (uint32_t i = 0; i < ITEMS_OF_FEW * u / 5 + (u == 4) * 11; i++)
				user_items_add(&h, u, i);
		user_items_finish(&h);
		for (int i = 0; weight && i < ITEMS_OF_FEW; i++)
			weight[i] = 1 + i % 7;
		struct sampler *s = sampler_new(&h, weight, 24, 7, pool);
		const struct draw_from from = sampler_from(s);

		for (uint32_t k = 0; k < N; k++)
			user[k] = k % 5;
		sampler_draw(s, 3, 1001, N, user, item);
		for (uint32_t k = 0; k < N; k++) {
			struct draw_list excluded;

			excluded.item = user_items_get(&h, user[k], &excluded.num);
			same += draw_one(&from, 3, 1001 + k, excluded) == item[k];
		}
		CHECK(same == N, "%s draws one by one: %u of %d", c == 2 ? "weighted" : "uniform",
			same, N);
		sampler_free(s);
		user_items_release(&h);
	}
}

/* Rows of three epochs, one by one; 70 positives, so that the order takes more rounds, or 4000. */
static void check_rows(struct pool *pool, enum rec_kind kind, uint32_t users)
{
	struct sampling s;
	struct epoch_rows e;
	uint64_t wrong = 0;

	memset(&s, 0, sizeof(s));
	user_items_init(&s.excluded, users, 50);
	for (uint32_t u = 0; u < users; u++)
		for (uint32_t i = 0; i < 10; i++)
			user_items_add(&s.excluded, u, (u * 7 + i * i) % 50);
	user_items_finish_all(&s.excluded, pool);
	positive_index_init(&s.positives, &s.excluded, pool);
	user_items_finish(&s.excluded);
	s.sampler = sampler_new(&s.excluded, NULL, 24, 5, pool);
	epoch_rows_init(&e, &s, kind, 3, 5);
	const struct row_draws draws = epoch_rows_draws(&e);
	for (uint32_t epoch = 0; epoch < 3; epoch++) {
		struct permute order;

		row_draws_order(5, e.rows_per_epoch, epoch, &order);
		for (uint64_t k = 0; k < e.rows_per_epoch; k++) {
			const struct drawn_row row =
				row_draws_at(&draws, &order, permute_place(&order, k), epoch, k);
			struct triple t;
			struct sample p;

			epoch_rows_make(&e, epoch * e.rows_per_epoch + k, 1,
				kind == REC_SAMPLE ? (void *)&p : &t);
			if (kind == REC_SAMPLE)
				wrong += p.user != row.user || p.item != row.item ||
					 (p.label != 0) != row.label;
			else
				wrong += t.user != row.user || t.positive != row.item ||
					 t.negative != row.negative;
		}
	}
	CHECK(wrong == 0, "%s of %u users, one by one: %llu differ", rec_info[kind].name, users,
		(unsigned long long)wrong);
	sampling_release(&s);
}

/* Places of a permutation, and n after them. */
static void check_places(void)
{
	const uint64_t sizes[] = { 1, 2, 5, 1000, 123457, UINT64_C(1) << 40 };
	bool good = true;

	for (int c = 0; c < 6; c++) {
		const uint64_t n = sizes[c];
		struct permute p;

		row_draws_order(1, n, 0, &p);
		for (uint32_t step = 1; step < 1 << 24 && step < n; step = step * 3 + 1) {
			const uint64_t k = (n - step) / 2;
			const struct permute_place at =
				permute_place_after(&p, permute_place(&p, k), step);

			good = good && permute_from(&p, at) == permute_at(&p, k + step);
		}
	}
	CHECK(good, "a place and so many after it");
}

int main(void)
{
	struct pool *pool = pool_new(2);

	check_one_by_one(pool);
	check_rows(pool, REC_TRIPLE, 7);
	check_rows(pool, REC_TRIPLE, 400);
	check_rows(pool, REC_SAMPLE, 7);
	check_rows(pool, REC_SAMPLE, 400);
	check_places();
	pool_free(pool);
	return CHECK_EXIT;
}
