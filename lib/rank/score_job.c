#include "rank/score_job.h"

#include "base/bitset.h"
#include "base/die.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/*
 * Scores of a block, in floats: few enough to stay in the last caches between scoring and ranking,
 * enough to keep threads and matrix products busy.
 */
enum { BLOCK_SCORES = 1 << 20, MAX_BLOCK_USERS = 4096 };

void score_job_decode(const struct score_job *job, const void *rows, size_t n, struct score *out)
{
	const struct interaction *interactions = rows;
	const struct rating *ratings = rows;
	const struct sample *samples = rows;
	enum rec_kind kind = rec_header(job->in)->kind;

	for (size_t k = 0; k < n; k++) {
		if (kind == REC_SAMPLE)
			out[k] = (struct score){ samples[k].user, samples[k].item, samples[k].label,
				0 };
		else if (kind == REC_RATING)
			out[k] = (struct score){ ratings[k].user, ratings[k].item, 1, 0 };
		else
			out[k] = (struct score){ interactions[k].user, interactions[k].item, 1, 0 };
	}
}

bool score_job_ranks(const struct score_job *job, uint32_t item)
{
	return item >= job->first && item < job->end &&
	       (job->candidates == NULL || bitset_has(job->candidates, item));
}

size_t score_job_block_users(uint32_t width)
{
	const size_t users = BLOCK_SCORES / width;

	return users < 1 ? 1 : users > MAX_BLOCK_USERS ? MAX_BLOCK_USERS : users;
}

void score_job_block(const struct score_job *job, size_t n, const uint32_t *user, uint32_t first,
	uint32_t end, float *score)
{
	const struct scorer *s = job->scorer;
	uint64_t *start;
	uint32_t *item, num;

	if (job->user_items == NULL) {
		s->score_block(s->arg, n, user, first, end, score);
		return;
	}
	start = xcalloc(n + 1, sizeof(*start));
	for (size_t k = 0; k < n; k++) {
		user_items_get(job->user_items, user[k], &num);
		start[k + 1] = start[k] + num;
	}
	item = xmalloc(start[n], sizeof(*item));
	for (size_t k = 0; k < n; k++) {
		const uint32_t *from = user_items_get(job->user_items, user[k], &num);

		memcpy(item + start[k], from, num * sizeof(*item));
	}
	s->score_from_items(s->arg, &(struct item_lists){ n, start, item }, first, end, score);
	free(start);
	free(item);
}

void score_job_count_user(struct score_job *job, uint32_t user)
{
	uint32_t num = 1;

	if (job->given)
		user_items_get(job->given, user, &num);
	job->without_items += num == 0;
}

void score_job_bad_score(uint32_t user, uint32_t item)
{
	die("the score of user %u and item %u is not finite", user, item);
}
