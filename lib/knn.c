#include "knn.h"

#include "history.h"
#include "mem.h"
#include "pool.h"
#include "ranking.h"
#include "record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct knn {
	struct history users; /* items of each user */
	struct pool *pool;

	/* For each j, the items i with j in N(i), ascending: those that a user who has j lends score to. */
	uint64_t *start; /* num_items + 1 */
	uint32_t *item;
	float *sim;

	double **sums; /* one a thread, one number an item */
};

/* The search for neighbours; every array beside the counters has `k` places an item. */
struct search {
	struct knn *m;
	struct history items; /* users of each item */
	uint32_t k;
	double shrink;
	uint32_t *neighbour, *num_neighbours;
	float *sim;
	uint32_t **counts; /* one a thread, one number an item; 0 between jobs */
	float **sims;	   /* the same; -inf */
};

/* Count n_ij for all j. Returns how often i stands in users' lists. */
static void count_pairs(const struct search *s, uint32_t i, uint32_t *count)
{
	uint32_t num_users, num_items;
	const uint32_t *user = history_items(&s->items, i, &num_users);

	for (uint32_t a = 0; a < num_users; a++) {
		const uint32_t *item = history_items(&s->m->users, user[a], &num_items);

		for (uint32_t b = 0; b < num_items; b++)
			count[item[b]]++;
	}
}

static uint32_t popularity(const struct search *s, uint32_t i)
{
	return (uint32_t)(s->items.start[i + 1] - s->items.start[i]);
}

static void find_neighbours(void *arg, size_t i, unsigned thread)
{
	struct search *s = arg;
	uint32_t num_items = s->m->users.num_items, *count = s->counts[thread],
		 *neighbour = s->neighbour + i * s->k;
	float *sim = s->sims[thread];
	double n_i = popularity(s, (uint32_t)i);

	count_pairs(s, (uint32_t)i, count);
	count[i] = 0; /* no neighbour of itself */
	for (uint32_t j = 0; j < num_items; j++)
		sim[j] = count[j] == 0
				 ? -INFINITY
				 : (float)(count[j] / (sqrt(n_i * popularity(s, j)) + s->shrink));
	s->num_neighbours[i] = (uint32_t)rank_top(sim, num_items, s->k, neighbour);
	for (uint32_t a = 0; a < s->num_neighbours[i]; a++)
		s->sim[i * s->k + a] = sim[neighbour[a]];
	memset(count, 0, num_items * sizeof(*count));
}

/* From "the neighbours of i" to "the items whose neighbour j is". */
static void turn_round(const struct search *s)
{
	struct knn *m = s->m;
	uint32_t num_items = m->users.num_items;
	uint64_t *at;

	m->start = xcalloc((size_t)num_items + 1, sizeof(*m->start));
	for (uint32_t i = 0; i < num_items; i++)
		for (uint32_t a = 0; a < s->num_neighbours[i]; a++)
			m->start[s->neighbour[(size_t)i * s->k + a] + 1]++;
	for (uint32_t j = 0; j < num_items; j++)
		m->start[j + 1] += m->start[j];
	m->item = xmalloc(m->start[num_items], sizeof(*m->item));
	m->sim = xmalloc(m->start[num_items], sizeof(*m->sim));
	at = xmalloc(num_items, sizeof(*at));
	memcpy(at, m->start, num_items * sizeof(*at));
	for (uint32_t i = 0; i < num_items; i++) {
		for (uint32_t a = 0; a < s->num_neighbours[i]; a++) {
			size_t from = (size_t)i * s->k + a;
			uint64_t to = at[s->neighbour[from]]++;

			m->item[to] = i;
			m->sim[to] = s->sim[from];
		}
	}
	free(at);
}

static void search_neighbours(struct knn *m, uint32_t k, double shrink)
{
	uint32_t num_users = m->users.num_users, num_items = m->users.num_items, n;
	unsigned threads = pool_threads(m->pool);
	struct search s = { .m = m, .k = k < num_items ? k : num_items, .shrink = shrink };

	history_init(&s.items, num_items, num_users);
	for (uint32_t u = 0; u < num_users; u++) {
		const uint32_t *item = history_items(&m->users, u, &n);

		for (uint32_t a = 0; a < n; a++)
			history_add(&s.items, item[a], u);
	}
	history_finish(&s.items);
	s.neighbour = xmalloc((size_t)num_items * s.k, sizeof(*s.neighbour));
	s.sim = xmalloc((size_t)num_items * s.k, sizeof(*s.sim));
	s.num_neighbours = xmalloc(num_items, sizeof(*s.num_neighbours));
	s.counts = xmalloc(threads, sizeof(*s.counts));
	s.sims = xmalloc(threads, sizeof(*s.sims));
	for (unsigned t = 0; t < threads; t++) {
		s.counts[t] = xcalloc(num_items, sizeof(**s.counts));
		s.sims[t] = xmalloc(num_items, sizeof(**s.sims));
	}
	pool_run(m->pool, num_items, find_neighbours, &s);
	for (unsigned t = 0; t < threads; t++) {
		free(s.counts[t]);
		free(s.sims[t]);
	}
	free(s.counts);
	free(s.sims);
	history_release(&s.items);
	turn_round(&s);
	free(s.neighbour);
	free(s.sim);
	free(s.num_neighbours);
}

struct knn *knn_new(const char *path, uint32_t neighbours, double shrink, struct pool *pool)
{
	struct knn *m = xcalloc(1, sizeof(*m));
	struct rec_reader *r = rec_open(path, 1u << REC_INTERACTION);

	m->pool = pool;
	history_init(&m->users, rec_header(r)->num_users, rec_header(r)->num_items);
	history_add_stream(&m->users, r);
	rec_close(r, true);
	history_finish(&m->users);
	search_neighbours(m, neighbours, shrink);
	m->sums = xmalloc(pool_threads(pool), sizeof(*m->sums));
	for (unsigned t = 0; t < pool_threads(pool); t++)
		m->sums[t] = xmalloc(m->users.num_items, sizeof(**m->sums));
	return m;
}

void knn_free(struct knn *m)
{
	for (unsigned t = 0; t < pool_threads(m->pool); t++)
		free(m->sums[t]);
	free(m->sums);
	history_release(&m->users);
	free(m->start);
	free(m->item);
	free(m->sim);
	free(m);
}

uint32_t knn_num_users(const struct knn *m)
{
	return m->users.num_users;
}

uint32_t knn_num_items(const struct knn *m)
{
	return m->users.num_items;
}

size_t knn_listing(const struct knn *m, uint32_t j, const uint32_t **i, const float **sim)
{
	*i = m->item + m->start[j];
	*sim = m->sim + m->start[j];
	return m->start[j + 1] - m->start[j];
}

/* The scores of all items for a user. */
static void sum_up(const struct knn *m, uint32_t user, double *sum)
{
	uint32_t n;
	const uint32_t *own = history_items(&m->users, user, &n);

	memset(sum, 0, m->users.num_items * sizeof(*sum));
	for (uint32_t a = 0; a < n; a++) {
		const uint32_t *item;
		const float *sim;
		size_t length = knn_listing(m, own[a], &item, &sim);

		for (size_t b = 0; b < length; b++)
			sum[item[b]] += sim[b];
	}
}

struct block_job {
	struct knn *m;
	const uint32_t *user;
	uint32_t first, end;
	float *score;
};

static void score_user(void *arg, size_t k, unsigned thread)
{
	const struct block_job *job = arg;
	const double *sum = job->m->sums[thread];
	uint32_t width = job->end - job->first;

	sum_up(job->m, job->user[k], job->m->sums[thread]);
	for (uint32_t i = 0; i < width; i++)
		job->score[k * width + i] = (float)sum[job->first + i];
}

void knn_score_block(
	struct knn *m, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score)
{
	struct block_job job = { m, user, first, end, score };

	pool_run(m->pool, n, score_user, &job);
}

/* Pairs first[k] .. first[k + 1] - 1 have one user. */
struct pairs_job {
	struct knn *m;
	const uint32_t *user, *item;
	size_t *first;
	float *score;
};

static void score_run(void *arg, size_t k, unsigned thread)
{
	const struct pairs_job *job = arg;
	double *sum = job->m->sums[thread];

	sum_up(job->m, job->user[job->first[k]], sum);
	for (size_t p = job->first[k]; p < job->first[k + 1]; p++)
		job->score[p] = (float)sum[job->item[p]];
}

void knn_score_pairs(
	struct knn *m, size_t n, const uint32_t *user, const uint32_t *item, float *score)
{
	struct pairs_job job = { m, user, item, xmalloc(n + 1, sizeof(*job.first)), score };
	size_t runs = 0;

	for (size_t p = 0; p < n; p++)
		if (p == 0 || user[p] != user[p - 1])
			job.first[runs++] = p;
	job.first[runs] = n;
	pool_run(m->pool, runs, score_run, &job);
	free(job.first);
}
