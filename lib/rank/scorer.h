/*
 * scorer: what can score items for users, whatever it computes from. Scorers are made by a model or a
 * baseline (backend_scorer, item_knn_scorer, ...) and asked by score_all.c and score_lists.c.
 */
#ifndef SCORER_H
#define SCORER_H

#include "rank/ranking.h"

#include <stddef.h>
#include <stdint.h>

struct scorer {
	uint32_t num_users, num_items; /* bounds of what it can score */
	void *arg;		       /* handed to the functions */

	/* score[k] of (user[k], item[k]), k < n. */
	void (*score_pairs)(
		void *arg, size_t n, const uint32_t *user, const uint32_t *item, float *score);

	/* score[k * (end - first) + i - first] of (user[k], item i), first <= i < end, k < n. */
	void (*score_block)(void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
		float *score);

	/*
	 * Optional, both or neither: score_block whose scores stay where they are and are ranked there, as ranking.h
	 * does it; places are items less `first`. bad[k] is the place of the first score of row k that is not finite,
	 * end - first where all are; what else row k gives means nothing then. rank_block: place[p] of wanted[p].
	 * top_block: the k >= 1 best, best first: top and score are (n, k), of which num[k] are there.
	 */
	void (*rank_block)(void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
		const struct rank_lists *lists, uint32_t *bad, struct rank_place *place);
	void (*top_block)(void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
		const struct rank_lists *lists, uint32_t *bad, uint32_t k, uint32_t *top,
		float *score, uint32_t *num);

	void (*close)(void *arg);
};

#endif
