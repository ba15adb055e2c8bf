/*
 * pop-score: score items by their number of interactions, the same for every user.
 * Reads interaction or sample records, writes score, rank or top records; memory: 4 bytes an item and
 * what every scorer needs (pop-score.1).
 *   pop-score --train train.cof --all-items --seen train.cof --ranks test.cof | rank-eval
 */
#include "base/mem.h"
#include "cli/score_options.h"
#include "stream/record.h"

#include <stdlib.h>
#include <string.h>

static struct {
	const char *train;
} cfg;

static const struct opt options[] = {
	OPT_PATH(0, "train", &cfg.train, "FILE", "interactions to count (needed)"), OPT_END
};

static void score_pairs(
	void *arg, size_t n, const uint32_t *user, const uint32_t *item, float *score)
{
	const float *count = arg;

	(void)user;
	for (size_t k = 0; k < n; k++)
		score[k] = count[item[k]];
}

static void score_block(
	void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score)
{
	const float *count = arg;
	uint32_t width = end - first;

	(void)user;
	for (size_t k = 0; k < n; k++)
		memcpy(score + k * width, count + first, width * sizeof(*score));
}

/* Count in integers: adding 1 to a float ends at 2^24. */
static float *count_items(struct rec_reader *r, uint32_t num_items)
{
	uint32_t *count = xcalloc(num_items, sizeof(*count));
	float *score = xmalloc(num_items, sizeof(*score));
	struct interaction row;

	while (rec_read(r, &row))
		count[row.item]++;
	for (uint32_t i = 0; i < num_items; i++)
		score[i] = (float)count[i];
	free(count);
	return score;
}

static void open_train(struct scorer *s, struct pool *pool)
{
	struct rec_reader *r = rec_open(cfg.train, 1u << REC_INTERACTION);
	const struct rec_header *h = rec_header(r);

	(void)pool;
	*s = (struct scorer){ .num_users = h->num_users,
		.num_items = h->num_items,
		.score_pairs = score_pairs,
		.score_block = score_block,
		.close = free };
	s->arg = count_items(r, s->num_items);
	rec_close(r, true);
}

int main(int argc, char **argv)
{
	const struct scorer_stage stage = {
		.name = "pop-score",
		.summary = "Scores items by their number of interactions.",
		.example =
			"pop-score --train train.cof --all-items --seen train.cof --ranks test.cof | rank-eval",
		.options = options,
		.source_option = "train",
		.source = &cfg.train,
		.open = open_train,
	};

	return scoring_main(argc, argv, &stage);
}
