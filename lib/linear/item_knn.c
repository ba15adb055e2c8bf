#include "linear/item_knn.h"

#include "base/mem.h"
#include "base/pool.h"
#include "data/user_items.h"
#include "rank/ranking.h"
#include "stream/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	GROUP = 64, /* items whose counts are read together, or not at all */
	FEW = 8	    /* groups in whose time an item of a list is sorted */
};

struct item_knn {
	struct user_items users; /* items of each user */
	struct pool *pool;

	/* For each j, the i with j in N(i), ascending: items that score more if the user has j */
	uint64_t *start; /* num_items + 1 */
	uint32_t *item;
	float *sim;

	double **sums; /* per thread, one number per item */
};

struct neighbour {
	uint32_t item;
	float sim;
};

/* What a thread needs to find the neighbours of an item; counts and groups are 0 between jobs. */
struct scratch {
	uint32_t *count;      /* per item */
	unsigned char *group; /* per GROUP of items: is a count in it above 0? */
	uint32_t *item;	      /* those with a count, ascending; allocated for all */
	float *sim;	      /* of these items */
	uint32_t *best;	      /* k indices of them */
};

struct search {
	struct item_knn *m;
	struct user_items items; /* users of each item */
	uint32_t k;
	double shrink;
	struct scratch *scratch;       /* per thread */
	struct neighbour **neighbours; /* a list per item, NULL for an item without users */
	uint32_t *num_neighbours;
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

/* Count n_ij for all j, and list those with a count, ascending; returns how many. Takes time for each
   group of items. */
static size_t find_many(const struct search *s, uint32_t i, const struct scratch *scratch)
{
	const uint32_t bound = s->m->users.num_items;
	uint32_t num_users, num_items;
	const uint32_t *user = user_items_get(&s->items, i, &num_users);
	size_t num = 0;

	for (uint32_t a = 0; a < num_users; a++) {
		const uint32_t *item = user_items_get(&s->m->users, user[a], &num_items);

		for (uint32_t b = 0; b < num_items; b++) {
			scratch->count[item[b]]++;
			scratch->group[item[b] / GROUP] = 1;
		}
	}
	for (uint32_t g = 0; g <= (bound - 1) / GROUP; g++) {
		const uint32_t first = g * GROUP;
		const uint32_t n = bound - first < GROUP ? bound - first : GROUP;

		if (!scratch->group[g])
			continue;
		scratch->group[g] = 0;
		for (uint32_t j = first; j < first + n; j++)
			if (scratch->count[j])
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

		for (uint32_t b = 0; b < num_items; b++)
			if (scratch->count[item[b]]++ == 0)
				scratch->item[num++] = item[b];
	}
	qsort(scratch->item, num, sizeof(*scratch->item), compare_items);
	return num;
}

/* List the items that share users with i, ascending, and how similar they are; returns how many. */
static size_t similarities(const struct search *s, uint32_t i, const struct scratch *scratch)
{
	const bool few = count_rows(s, i) < s->m->users.num_items / GROUP / FEW;
	const size_t found = few ? find_few(s, i, scratch) : find_many(s, i, scratch);
	const double n_i = popularity(s, i);
	size_t num = 0;

	for (size_t k = 0; k < found; k++) {
		const uint32_t j = scratch->item[k], n_ij = scratch->count[j];

		scratch->count[j] = 0;
		if (j == i) /* no neighbour of itself */
			continue;
		scratch->item[num] = j;
		scratch->sim[num++] = (float)(n_ij / (sqrt(n_i * popularity(s, j)) + s->shrink));
	}
	return num;
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
}

/* From "the neighbours of i" to "the items whose neighbour j is". */
static void turn_round(const struct search *s)
{
	struct item_knn *m = s->m;
	uint32_t num_items = m->users.num_items;
	uint64_t *at;

	m->start = xcalloc((size_t)num_items + 1, sizeof(*m->start));
	for (uint32_t i = 0; i < num_items; i++)
		for (uint32_t a = 0; a < s->num_neighbours[i]; a++)
			m->start[s->neighbours[i][a].item + 1]++;
	for (uint32_t j = 0; j < num_items; j++)
		m->start[j + 1] += m->start[j];
	m->item = xmalloc(m->start[num_items], sizeof(*m->item));
	m->sim = xmalloc(m->start[num_items], sizeof(*m->sim));
	at = xmalloc(num_items, sizeof(*at));
	memcpy(at, m->start, num_items * sizeof(*at));
	for (uint32_t i = 0; i < num_items; i++) {
		for (uint32_t a = 0; a < s->num_neighbours[i]; a++) {
			const struct neighbour *n = &s->neighbours[i][a];
			uint64_t to = at[n->item]++;

			m->item[to] = i;
			m->sim[to] = n->sim;
		}
	}
	free(at);
}

/* The users of each item from the items of each user. */
static void transpose(const struct user_items *users, struct user_items *items)
{
	user_items_init(items, users->num_items, users->num_users);
	for (uint32_t u = 0; u < users->num_users; u++) {
		uint32_t n;
		const uint32_t *item = user_items_get(users, u, &n);

		for (uint32_t a = 0; a < n; a++)
			user_items_add(items, item[a], u);
	}
	user_items_finish(items);
}

static void search_neighbours(struct item_knn *m, uint32_t k, double shrink)
{
	uint32_t num_items = m->users.num_items;
	unsigned threads = pool_threads(m->pool);
	struct search s = { .m = m, .k = k < num_items ? k : num_items, .shrink = shrink };

	transpose(&m->users, &s.items);
	s.neighbours = xcalloc(num_items, sizeof(*s.neighbours));
	s.num_neighbours = xcalloc(num_items, sizeof(*s.num_neighbours));
	s.scratch = xmalloc(threads, sizeof(*s.scratch));
	for (unsigned t = 0; t < threads; t++) {
		s.scratch[t].count = xcalloc(num_items, sizeof(*s.scratch->count));
		s.scratch[t].group = xcalloc(num_items / GROUP + 1, 1);
		s.scratch[t].item = xmalloc(num_items, sizeof(*s.scratch->item));
		s.scratch[t].sim = xmalloc(num_items, sizeof(*s.scratch->sim));
		s.scratch[t].best = xmalloc(s.k, sizeof(*s.scratch->best));
	}
	pool_run(m->pool, num_items, find_neighbours, &s);
	for (unsigned t = 0; t < threads; t++) {
		free(s.scratch[t].count);
		free(s.scratch[t].group);
		free(s.scratch[t].item);
		free(s.scratch[t].sim);
		free(s.scratch[t].best);
	}
	user_items_release(&s.items);
	turn_round(&s);
	for (uint32_t i = 0; i < num_items; i++)
		free(s.neighbours[i]);
	free(s.scratch);
	free(s.neighbours);
	free(s.num_neighbours);
}

struct item_knn *item_knn_new(
	struct rec_reader *train, uint32_t neighbours, double shrink, struct pool *pool)
{
	struct item_knn *m = xcalloc(1, sizeof(*m));

	m->pool = pool;
	user_items_init(&m->users, rec_header(train)->num_users, rec_header(train)->num_items);
	user_items_add_stream(&m->users, train);
	user_items_finish(&m->users);
	search_neighbours(m, neighbours, shrink);
	m->sums = xmalloc(pool_threads(pool), sizeof(*m->sums));
	for (unsigned t = 0; t < pool_threads(pool); t++)
		m->sums[t] = xmalloc(m->users.num_items, sizeof(**m->sums));
	return m;
}

void item_knn_free(struct item_knn *m)
{
	for (unsigned t = 0; t < pool_threads(m->pool); t++)
		free(m->sums[t]);
	free(m->sums);
	user_items_release(&m->users);
	free(m->start);
	free(m->item);
	free(m->sim);
	free(m);
}

/* The scores of all items for a user who has the n items own[], ascending. */
static void sum_up(const struct item_knn *m, const uint32_t *own, size_t n, double *sum)
{
	memset(sum, 0, m->users.num_items * sizeof(*sum));
	for (size_t a = 0; a < n; a++) {
		for (uint64_t b = m->start[own[a]]; b < m->start[own[a] + 1]; b++)
			sum[m->item[b]] += m->sim[b];
	}
}

static void sum_up_user(const struct item_knn *m, uint32_t user, double *sum)
{
	uint32_t n;
	const uint32_t *own = user_items_get(&m->users, user, &n);

	sum_up(m, own, n, sum);
}

/* A row of scores for each user or, where there are lists, for each of them. */
struct block_job {
	const struct item_knn *m;
	const uint32_t *user;
	const struct item_lists *lists;
	uint32_t first, end;
	float *score;
};

static void score_row(void *arg, size_t k, unsigned thread)
{
	const struct block_job *job = arg;
	const struct item_lists *lists = job->lists;
	double *sum = job->m->sums[thread];
	const uint32_t width = job->end - job->first;

	if (lists)
		sum_up(job->m, lists->item + lists->start[k], lists->start[k + 1] - lists->start[k],
			sum);
	else
		sum_up_user(job->m, job->user[k], sum);
	for (uint32_t i = 0; i < width; i++)
		job->score[k * width + i] = (float)sum[job->first + i];
}

static void score_block(
	void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score)
{
	const struct item_knn *m = arg;
	struct block_job job = { m, user, NULL, first, end, score };

	pool_run(m->pool, n, score_row, &job);
}

static void score_from_items(
	void *arg, const struct item_lists *lists, uint32_t first, uint32_t end, float *score)
{
	const struct item_knn *m = arg;
	struct block_job job = { m, NULL, lists, first, end, score };

	pool_run(m->pool, lists->num, score_row, &job);
}

/* Pairs first[k] .. first[k + 1] - 1 have one user. */
struct pairs_job {
	const struct item_knn *m;
	const uint32_t *user, *item;
	size_t *first;
	float *score;
};

static void score_user_pairs(void *arg, size_t k, unsigned thread)
{
	const struct pairs_job *job = arg;
	double *sum = job->m->sums[thread];

	sum_up_user(job->m, job->user[job->first[k]], sum);
	for (size_t p = job->first[k]; p < job->first[k + 1]; p++)
		job->score[p] = (float)sum[job->item[p]];
}

static void score_pairs(
	void *arg, size_t n, const uint32_t *user, const uint32_t *item, float *score)
{
	const struct item_knn *m = arg;
	struct pairs_job job = { m, user, item, xmalloc(n + 1, sizeof(*job.first)), score };
	size_t runs = 0;

	for (size_t p = 0; p < n; p++)
		if (p == 0 || user[p] != user[p - 1])
			job.first[runs++] = p;
	job.first[runs] = n;
	pool_run(m->pool, runs, score_user_pairs, &job);
	free(job.first);
}

struct scorer item_knn_scorer(struct item_knn *m)
{
	return (struct scorer){
		.num_users = m->users.num_users,
		.num_items = m->users.num_items,
		.arg = m,
		.score_pairs = score_pairs,
		.score_block = score_block,
		.score_from_items = score_from_items,
	};
}
