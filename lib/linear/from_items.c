#include "linear/from_items.h"

#include "base/mem.h"
#include "base/pool.h"
#include "linear/packed_items.h"

#include <stdlib.h>

void from_items_init(struct from_items *f, const struct from_items_model *ops, void *model,
	uint32_t num_items, const struct packed_items *users, struct pool *pool)
{
	*f = (struct from_items){
		.ops = ops, .model = model, .num_items = num_items, .users = users, .pool = pool
	};
	f->sum = xmalloc(pool_threads(pool), sizeof(*f->sum));
	f->own = xmalloc(pool_threads(pool), sizeof(*f->own));
	for (unsigned t = 0; t < pool_threads(pool); t++) {
		f->sum[t] = xmalloc(num_items, sizeof(**f->sum));
		f->own[t] = xmalloc(users ? users->longest : 0, sizeof(**f->own));
	}
}

void from_items_release(struct from_items *f)
{
	for (unsigned t = 0; t < pool_threads(f->pool); t++) {
		free(f->sum[t]);
		free(f->own[t]);
	}
	free(f->sum);
	free(f->own);
}

/* A row of scores for each user or, where there are lists, for each of them. */
struct block_job {
	const struct from_items *f;
	const uint32_t *user;
	const struct item_lists *lists;
	uint32_t first, end;
	float *score;
};

static void score_row(void *arg, size_t k, unsigned thread)
{
	const struct block_job *job = arg;
	const struct from_items *f = job->f;
	const uint32_t *own = f->own[thread];
	size_t n;

	if (job->lists) {
		own = job->lists->item + job->lists->start[k];
		n = job->lists->start[k + 1] - job->lists->start[k];
	} else {
		n = packed_items_get(f->users, job->user[k], f->own[thread]);
	}
	f->ops->score_row(f->model, own, n, job->first, job->end, f->sum[thread],
		job->score + k * (job->end - job->first));
}

static void score_block(
	void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score)
{
	const struct from_items *f = arg;
	struct block_job job = { f, user, NULL, first, end, score };

	pool_run(f->pool, n, score_row, &job);
}

static void score_from_items(
	void *arg, const struct item_lists *lists, uint32_t first, uint32_t end, float *score)
{
	const struct from_items *f = arg;
	struct block_job job = { f, NULL, lists, first, end, score };

	if (f->ops->need)
		f->ops->need(f->model, lists->item, lists->start[lists->num]);
	pool_run(f->pool, lists->num, score_row, &job);
}

/* Pairs first[k] .. first[k + 1] - 1 have one user. */
struct pairs_job {
	const struct from_items *f;
	const uint32_t *user, *item;
	size_t *first;
	float *score;
};

static void score_user_pairs(void *arg, size_t k, unsigned thread)
{
	const struct pairs_job *job = arg;
	const struct from_items *f = job->f;
	const size_t first = job->first[k];
	const uint32_t n = packed_items_get(f->users, job->user[first], f->own[thread]);

	f->ops->score_some(f->model, f->own[thread], n, job->item + first,
		job->first[k + 1] - first, f->sum[thread], job->score + first);
}

static void score_pairs(
	void *arg, size_t n, const uint32_t *user, const uint32_t *item, float *score)
{
	const struct from_items *f = arg;
	struct pairs_job job = { f, user, item, xmalloc(n + 1, sizeof(*job.first)), score };
	size_t runs = 0;

	for (size_t p = 0; p < n; p++)
		if (p == 0 || user[p] != user[p - 1])
			job.first[runs++] = p;
	job.first[runs] = n;
	pool_run(f->pool, runs, score_user_pairs, &job);
	free(job.first);
}

struct scorer from_items_scorer(struct from_items *f)
{
	return (struct scorer){
		.num_users = f->users ? f->users->num_users : 0,
		.num_items = f->num_items,
		.arg = f,
		.score_pairs = f->users ? score_pairs : NULL,
		.score_block = f->users ? score_block : NULL,
		.score_from_items = score_from_items,
	};
}
