#include "linear/gram.h"

#include "base/mem.h"
#include "base/pool.h"
#include "base/processor.h"
#include "linear/spd_inverse.h"

#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Lists whose beginnings are called for: so many ahead, so many cache lines of each. */
enum { AHEAD = 2, LINES = 3, LINE = 16 };

enum { WORD = 64, TILE = 4, LANES = 8 };

struct counting {
	const struct gram *g;
	double l2;
	float *triangle;
	uint32_t **count; /* per thread, per row; 0 between jobs */
};

/* Are there more pairs in the lists of users than words of 8 pairs of rows? They take the same time,
   nearly. And the bits must leave room beside half of G. */
static bool is_dense(const struct user_items *users, uint32_t rows)
{
	const double words = users->num_users / WORD + 1;
	double pairs = 0;

	for (uint32_t u = 0; u < users->num_users; u++) {
		uint32_t n;

		user_items_get(users, u, &n);
		pairs += 0.5 * n * n;
	}
	return 0.5 * rows * rows / LANES * words < pairs && 4 * words < rows;
}

void gram_init(struct gram *g, const struct user_items *users, const uint32_t *row_of,
	const uint32_t *item_of, uint32_t rows)
{
	*g = (struct gram){ .rows = rows, .row_of = row_of, .item_of = item_of };
	g->words = users->num_users / WORD + 1;
	g->dense = processor_counts_bits() && is_dense(users, rows);
}

static void set_bits(struct gram *g, const struct user_items *users)
{
	const size_t panels = g->rows / GRAM_PANEL + 1;

	g->bits = xcalloc_aligned(panels * g->words * GRAM_PANEL, sizeof(*g->bits));
	g->number = xcalloc(g->rows, sizeof(*g->number));
	for (uint32_t u = 0; u < users->num_users; u++) {
		uint32_t n;
		const uint32_t *item = user_items_get(users, u, &n);
		uint64_t *word = g->bits + u / WORD * GRAM_PANEL;

		for (uint32_t a = 0; a < n; a++) {
			const uint32_t row = g->row_of[item[a]];

			word[row / GRAM_PANEL * g->words * GRAM_PANEL + row % GRAM_PANEL] |=
				UINT64_C(1) << u % WORD;
			g->number[row]++;
		}
	}
}

void gram_take_items(struct gram *g, const struct user_items *users)
{
	if (g->dense)
		set_bits(g, users);
	else
		user_items_transpose(&g->items, users);
}

void gram_take_users(struct gram *g, const struct user_items *users)
{
	uint32_t *to;

	if (g->dense)
		return;
	g->start = xmalloc(users->num_users, sizeof(*g->start));
	g->list = to = xmalloc(user_items_size(users) + users->num_users, sizeof(*to));
	for (uint32_t u = 0; u < users->num_users; u++) {
		uint32_t n;
		const uint32_t *item = user_items_get(users, u, &n);

		g->start[u] = (uint64_t)(to - g->list);
		for (uint32_t a = 0; a < n; a++)
			*to++ = g->row_of[item[a]];
		*to++ = NO_ROW;
	}
}

void gram_release(struct gram *g)
{
	user_items_release(&g->items);
	free(g->start);
	free(g->list);
	free(g->bits);
	free(g->number);
}

static void call_for(const uint32_t *list)
{
	for (unsigned k = 0; k < LINES; k++)
		__builtin_prefetch(list + k * LINE);
}

/* count[j] of j <= row: what list by list of the users of an item holds up to it. */
static void count_row(void *arg, size_t row, unsigned thread)
{
	const struct counting *c = arg;
	const struct gram *g = c->g;
	float *to = c->triangle + spd_row(row);
	uint32_t *count = c->count[thread], n;
	const uint32_t *user = user_items_get(&g->items, g->item_of[row], &n);

	for (uint32_t a = 0; a < n; a++) {
		if (a + AHEAD < n)
			call_for(g->list + g->start[user[a + AHEAD]]);
		for (const uint32_t *other = g->list + g->start[user[a]]; *other <= row; other++)
			count[*other]++;
	}
	for (size_t j = 0; j < row; j++)
		to[j] = (float)count[j];
	memset(count, 0, (row + 1) * sizeof(*count));
	to[row] = (float)(n + c->l2);
}

#ifdef __x86_64__
/* to[r * length + j] of TILE rows and a panel of columns j: bits that row r and column j share. */
__attribute__((target("arch=x86-64-v4,avx512vpopcntdq"))) static void count_tile(
	size_t words, const uint64_t *rows, const uint64_t *columns, float *to, size_t length)
{
	__m512i sum[TILE][GRAM_PANEL / LANES];

	memset(sum, 0, sizeof(sum));
	for (size_t k = 0; k < words * GRAM_PANEL; k += GRAM_PANEL)
		for (size_t v = 0; v < GRAM_PANEL / LANES; v++) {
			const __m512i column = _mm512_loadu_si512(columns + k + v * LANES);

			for (size_t r = 0; r < TILE; r++) {
				const __m512i row = _mm512_set1_epi64((long long)rows[k + r]);
				const __m512i both = _mm512_and_si512(row, column);

				sum[r][v] = _mm512_add_epi64(sum[r][v], _mm512_popcnt_epi64(both));
			}
		}
	for (size_t r = 0; r < TILE; r++)
		for (size_t v = 0; v < GRAM_PANEL / LANES; v++)
			_mm256_storeu_ps(
				to + r * length + v * LANES, _mm512_cvtepi64_ps(sum[r][v]));
}

/* The rows of a panel; some behind the last are zeros. */
static void count_panel(void *arg, size_t panel, unsigned thread)
{
	const struct counting *c = arg;
	const struct gram *g = c->g;
	const size_t size = g->words * GRAM_PANEL, first = panel * GRAM_PANEL;
	const size_t length = spd_row(first + 1) - spd_row(first);

	(void)thread;
	for (size_t p = 0; p <= panel; p++)
		for (size_t r = 0; r < GRAM_PANEL; r += TILE)
			count_tile(g->words, g->bits + panel * size + r, g->bits + p * size,
				c->triangle + spd_row(first + r) + p * GRAM_PANEL, length);
	for (size_t i = first; i < first + GRAM_PANEL && i < g->rows; i++)
		c->triangle[spd_row(i) + i] = (float)(g->number[i] + c->l2);
}
#endif

static void count_lists(struct counting *c, struct pool *pool)
{
	const unsigned threads = pool_threads(pool);

	c->count = xmalloc(threads, sizeof(*c->count));
	for (unsigned t = 0; t < threads; t++)
		c->count[t] = xcalloc(c->g->rows, sizeof(**c->count));
	pool_run(pool, c->g->rows, count_row, c);
	for (unsigned t = 0; t < threads; t++)
		free(c->count[t]);
	free(c->count);
}

void gram_make(const struct gram *g, double l2, float *triangle, size_t n, struct pool *pool)
{
	struct counting c = { .g = g, .l2 = l2, .triangle = triangle };

	if (!g->dense)
		count_lists(&c, pool);
#ifdef __x86_64__
	else
		pool_run(pool, (g->rows + GRAM_PANEL - 1) / GRAM_PANEL, count_panel, &c);
#endif
	for (size_t i = g->rows; i < n; i++) {
		memset(triangle + spd_row(i), 0, i * sizeof(*triangle));
		triangle[spd_row(i) + i] = 1;
	}
}
