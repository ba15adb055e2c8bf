/* item_knn_search: the neighbours of item_knn.h, item by item. */
#include "linear/item_knn_model.h"

#include "base/mem.h"
#include "base/pool.h"
#include "base/real.h"
#include "rank/ranking.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	GROUP = 64, /* items whose sums are read together, or not at all */
	FEW = 8	    /* groups in whose time an item of a list is sorted */
};

struct neighbour {
	uint32_t item;
	float sim;
};

/* What a thread needs to find the neighbours of an item; sums and groups are 0 between jobs. */
struct scratch {
	double *sum;	      /* per item: of the weights of the users it shares */
	unsigned char *group; /* per GROUP of items: is a sum in it above 0? */
	uint32_t *item;	      /* those with a sum, ascending; allocated for all */
	float *sim;	      /* of these items */
	uint32_t *best;	      /* k indices of them */
};

struct search {
	struct item_knn *m;
	struct user_items items; /* users of each item */
	struct item_knn_config config;
	uint32_t k;

	/* rp3beta, else NULL: n_u^-alpha per user; n^-alpha and n^-beta per item */
	double *weight, *leave, *arrive;

	struct scratch *scratch;       /* per thread */
	struct neighbour **neighbours; /* a list per item, NULL for an item without users */
	uint32_t *num_neighbours;
	uint32_t num_users; /* centered: with items */
};

static uint32_t popularity(const struct search *s, uint32_t i)
{
	return (uint32_t)(s->items.start[i + 1] - s->items.start[i]);
}

/* The items of the users of i, in one number after the other. */
static uint64_t count_rows(const struct search *s, uint32_t i)
{
	uint32_t num_users, num_items;
	const uint32_t *user = user_items_get(&s->items, i, &num_users);
	uint64_t rows = 0;

	for (uint32_t a = 0; a < num_users; a++) {
		user_items_get(&s->m->users, user[a], &num_items);
		rows += num_items;
	}
	return rows;
}

static double weight_of(const struct search *s, uint32_t user)
{
	return s->weight ? s->weight[user] : 1;
}

/* n_ij, or the sum of the weights of these users, for all j, and the groups they are in: all of them
   where the rows are as many as there are items. */
static void add_rows(const struct search *s, uint32_t i, bool all, const struct scratch *scratch)
{
	uint32_t num_users, num_items;
	const uint32_t *user = user_items_get(&s->items, i, &num_users);

	if (all)
		memset(scratch->group, 1, (s->m->users.num_items - 1) / GROUP + 1);
	for (uint32_t a = 0; a < num_users; a++) {
		const uint32_t *item = user_items_get(&s->m->users, user[a], &num_items);
		const double weight = weight_of(s, user[a]);

		for (uint32_t b = 0; b < num_items; b++)
			scratch->sum[item[b]] += weight;
		for (uint32_t b = 0; b < num_items && !all; b++)
			scratch->group[item[b] / GROUP] = 1;
	}
}

/* List the items with a sum, ascending, and return how many. Takes time for each group of items. */
static size_t find_many(
	const struct search *s, uint32_t i, uint64_t rows, const struct scratch *scratch)
{
	const uint32_t bound = s->m->users.num_items;
	size_t num = 0;

	add_rows(s, i, rows >= bound, scratch);
	for (uint32_t g = 0; g <= (bound - 1) / GROUP; g++) {
		const uint32_t first = g * GROUP;
		const uint32_t n = bound - first < GROUP ? bound - first : GROUP;

		if (!scratch->group[g])
			continue;
		scratch->group[g] = 0;
		for (uint32_t j = first; j < first + n; j++)
			if (scratch->sum[j] > 0)
				scratch->item[num++] = j;
	}
	return num;
}

static int compare_items(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The same in time for the rows alone: many items are not in any. */
static size_t find_few(const struct search *s, uint32_t i, const struct scratch *scratch)
{
	uint32_t num_users, num_items;
	const uint32_t *user = user_items_get(&s->items, i, &num_users);
	size_t num = 0;

	for (uint32_t a = 0; a < num_users; a++) {
		const uint32_t *item = user_items_get(&s->m->users, user[a], &num_items);
		const double weight = weight_of(s, user[a]);

		for (uint32_t b = 0; b < num_items; b++) {
			if (scratch->sum[item[b]] == 0)
				scratch->item[num++] = item[b];
			scratch->sum[item[b]] += weight;
		}
	}
	qsort(scratch->item, num, sizeof(*scratch->item), compare_items);
	return num;
}

/* sim(i, j), and with rp3beta sim(j, i). */
static float similarity(const struct search *s, uint32_t i, uint32_t j, double sum)
{
	const double n_i = popularity(s, i), n_j = popularity(s, j);

	switch (s->config.similarity) {
	case SIMILARITY_JACCARD:
		return (float)(sum / (n_i + n_j - sum + s->config.shrink));
	case SIMILARITY_RP3BETA:
		return (float)(sum * s->leave[i] * s->arrive[j]);
	default:
		return (float)(sum / (sqrt(n_i * n_j) + s->config.shrink));
	}
}

/* List the items that share users with i, ascending, and how similar they are; returns how many. */
static size_t similarities(const struct search *s, uint32_t i, const struct scratch *scratch)
{
	const uint64_t rows = count_rows(s, i);
	const bool few = rows < s->m->users.num_items / GROUP / FEW;
	const size_t found = few ? find_few(s, i, scratch) : find_many(s, i, rows, scratch);
	size_t num = 0;

	for (size_t k = 0; k < found; k++) {
		const uint32_t j = scratch->item[k];
		const double sum = scratch->sum[j];

		scratch->sum[j] = 0;
		if (j == i) /* no neighbour of itself */
			continue;
		scratch->item[num] = j;
		scratch->sim[num] = similarity(s, i, j, sum);
		num += scratch->sim[num] > 0; /* it may be too small for a float */
	}
	return num;
}

/* From sim(i, j) to w(i, j), and b_i. */
static void center(const struct search *s, uint32_t i)
{
	struct neighbour *n = s->neighbours[i];
	double total = 0, mean = 0;

	for (uint32_t a = 0; a < s->num_neighbours[i]; a++)
		total += (double)n[a].sim;
	for (uint32_t a = 0; a < s->num_neighbours[i]; a++) {
		n[a].sim = (float)((double)n[a].sim / total);
		mean += (double)n[a].sim * popularity(s, n[a].item);
	}
	s->m->base[i] = (float)((popularity(s, i) - mean) / s->num_users);
}

static void find_neighbours(void *arg, size_t i, unsigned thread)
{
	struct search *s = arg;
	const struct scratch *scratch = &s->scratch[thread];
	const uint32_t *best = scratch->best;
	size_t num;

	if (popularity(s, (uint32_t)i) == 0)
		return;
	num = similarities(s, (uint32_t)i, scratch);
	num = rank_top(scratch->sim, num, s->k, scratch->best);
	s->num_neighbours[i] = (uint32_t)num;
	s->neighbours[i] = xmalloc(num, sizeof(**s->neighbours));
	for (size_t a = 0; a < num; a++)
		s->neighbours[i][a] =
			(struct neighbour){ scratch->item[best[a]], scratch->sim[best[a]] };
	if (s->config.center)
		center(s, (uint32_t)i);
}

/*
 * From lists per item to "the items whose neighbour j is": the lists of rp3beta are that, those of
 * the others are turned round.
 */
static void collect(const struct search *s)
{
	const bool turn = s->config.similarity != SIMILARITY_RP3BETA;
	struct item_knn *m = s->m;
	uint32_t num_items = m->users.num_items;
	uint64_t *at;

	m->start = xcalloc((size_t)num_items + 1, sizeof(*m->start));
	for (uint32_t i = 0; i < num_items; i++)
		for (uint32_t a = 0; a < s->num_neighbours[i]; a++)
			m->start[(turn ? s->neighbours[i][a].item : i) + 1]++;
	for (uint32_t j = 0; j < num_items; j++)
		m->start[j + 1] += m->start[j];
	m->item = xmalloc(m->start[num_items], sizeof(*m->item));
	m->sim = xmalloc(m->start[num_items], sizeof(*m->sim));
	at = xmalloc(num_items, sizeof(*at));
	memcpy(at, m->start, num_items * sizeof(*at));
	for (uint32_t i = 0; i < num_items; i++) {
		for (uint32_t a = 0; a < s->num_neighbours[i]; a++) {
			const struct neighbour *n = &s->neighbours[i][a];
			uint64_t to = at[turn ? n->item : i]++;

			m->item[to] = turn ? i : n->item;
			m->sim[to] = n->sim;
		}
	}
	free(at);
}

/* n^-exponent for the length n of each list, 0 for an empty one. */
static double *weigh(const struct user_items *lists, double exponent)
{
	double *weight = xmalloc(lists->num_users, sizeof(*weight));

	for (uint32_t u = 0; u < lists->num_users; u++) {
		uint32_t n;

		user_items_get(lists, u, &n);
		weight[u] = n ? real_exp(-exponent * real_log(n)) : 0;
	}
	return weight;
}

void item_knn_search(struct item_knn *m, const struct item_knn_config *config)
{
	uint32_t num_items = m->users.num_items;
	unsigned threads = pool_threads(m->pool);
	const uint32_t k = config->neighbours < num_items ? config->neighbours : num_items;
	struct search s = { .m = m, .config = *config, .k = k };

	user_items_transpose(&s.items, &m->users);
	if (config->similarity == SIMILARITY_RP3BETA) {
		s.weight = weigh(&m->users, config->alpha);
		s.leave = weigh(&s.items, config->alpha);
		s.arrive = weigh(&s.items, config->beta);
	}
	if (config->center) {
		m->base = xcalloc(num_items, sizeof(*m->base));
		s.num_users = user_items_active_users(&m->users);
	}
	s.neighbours = xcalloc(num_items, sizeof(*s.neighbours));
	s.num_neighbours = xcalloc(num_items, sizeof(*s.num_neighbours));
	s.scratch = xmalloc(threads, sizeof(*s.scratch));
	for (unsigned t = 0; t < threads; t++) {
		s.scratch[t].sum = xcalloc(num_items, sizeof(*s.scratch->sum));
		s.scratch[t].group = xcalloc(num_items / GROUP + 1, 1);
		s.scratch[t].item = xmalloc(num_items, sizeof(*s.scratch->item));
		s.scratch[t].sim = xmalloc(num_items, sizeof(*s.scratch->sim));
		s.scratch[t].best = xmalloc(s.k, sizeof(*s.scratch->best));
	}
	pool_run(m->pool, num_items, find_neighbours, &s);
	for (unsigned t = 0; t < threads; t++) {
		free(s.scratch[t].sum);
		free(s.scratch[t].group);
		free(s.scratch[t].item);
		free(s.scratch[t].sim);
		free(s.scratch[t].best);
	}
	user_items_release(&s.items);
	free(s.weight);
	free(s.leave);
	free(s.arrive);
	collect(&s);
	for (uint32_t i = 0; i < num_items; i++)
		free(s.neighbours[i]);
	free(s.scratch);
	free(s.neighbours);
	free(s.num_neighbours);
}
