/* score_rows: rows of scores against plain loops, with -inf at every place and any number of rows. */
#include "rank/score_rows.h"

#include "base/mem.h"
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 70, USER = 4000000000u, ITEM = 3000000001u };

static void fill(float *score, size_t n)
{
	for (size_t k = 0; k < n; k++)
		score[k] = (float)k - 20.5f;
}

/* Rows made of n scores: how many are not as they should be? */
static size_t wrong_rows(const float *score, size_t n)
{
	struct score rows[MOST];
	size_t num = 0, wrong = 0, got = score_rows_make(USER, ITEM, score, n, rows);

	for (size_t k = 0; k < n; k++) {
		const struct score row = { USER, (uint32_t)(ITEM + k), 0, score[k] };

		if (score[k] > -INFINITY)
			wrong += num >= got || memcmp(&rows[num++], &row, sizeof(row)) != 0;
	}
	return wrong + (got != num);
}

static void test_make(void)
{
	float score[MOST] = { 0 };
	size_t wrong = 0;

	for (size_t n = 0; n <= MOST; n++) {
		fill(score, n);
		wrong += wrong_rows(score, n);
		for (size_t k = 0; k < n; k++) {
			fill(score, n);
			score[k] = -INFINITY;
			wrong += wrong_rows(score, n);
			score[n - 1 - k] = -INFINITY;
			wrong += wrong_rows(score, n);
		}
		for (size_t k = 0; k < n; k++)
			score[k] = -INFINITY;
		wrong += wrong_rows(score, n);
	}
	CHECK(wrong == 0, "rows of 0 to %d scores, any of them -inf: %zu wrong", MOST, wrong);
}

/* Also from rows that are aligned to 4 bytes only, and to columns that are. */
static void test_split(void)
{
	char *room = xcalloc(MOST + 1, sizeof(struct score));
	struct score *rows = (struct score *)(room + 4);
	uint32_t item[MOST + 1];
	float label[MOST + 1], score[MOST + 1];
	size_t wrong = 0;

	for (size_t n = 0; n < MOST; n++) {
		for (size_t k = 0; k < n; k++) {
			const struct score row = { USER, (uint32_t)(7 * k), (float)(k % 3),
				-(float)k };

			memcpy(&rows[k], &row, sizeof(row));
		}
		item[n + 1] = 99;
		label[n + 1] = score[n + 1] = 99;
		score_rows_split(rows, n, item + 1, label + 1, score + 1);
		for (size_t k = 0; k < n; k++)
			wrong += item[k + 1] != 7 * k || label[k + 1] != (float)(k % 3) ||
				 score[k + 1] != -(float)k;
		wrong += item[n + 1] != 99 || label[n + 1] != 99 || score[n + 1] != 99;
	}
	CHECK(wrong == 0, "columns of 0 to %d rows: %zu wrong", MOST - 1, wrong);
	free(room);
}

int main(void)
{
	test_make();
	test_split();
	return CHECK_EXIT;
}
