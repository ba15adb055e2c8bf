/*
 * scorer: anything that scores items for users, whatever it computes from. Models and baselines
 * make one (backend_scorer, item_knn_scorer, ...); score_all and score_lists call it.
 */
#ifndef SCORER_H
#define SCORER_H

#include "rank/ranking.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Users given by their items instead of an id: user k has item[start[k]] .. item[start[k + 1] - 1],
 * ascending, each once.
 */
struct item_lists {
	size_t num;
	const uint64_t *start; /* num + 1 */
	const uint32_t *item;
};

struct scorer {
	uint32_t num_users, num_items; /* bounds of the ids it can score */
	void *arg;		       /* first argument of every function */

	/* score[k] of (user[k], item[k]), k < n. */
	void (*score_pairs)(
		void *arg, size_t n, const uint32_t *user, const uint32_t *item, float *score);

	/* score[k * (end - first) + i - first] of (user[k], item i), first <= i < end, k < n. */
	void (*score_block)(void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
		float *score);

	/*
	 * Optional (NULL: the scorer knows only its own users):
	 * score[k * (end - first) + i - first] of (list k, item i), first <= i < end, k < num.
	 */
	void (*score_from_items)(void *arg, const struct item_lists *lists, uint32_t first,
		uint32_t end, float *score);

	/*
	 * Optional, both or neither: score_block for scores that stay on the device and are ranked
	 * there, by the rules of ranking.h. Places are item ids minus `first`. bad[k] is the place
	 * of the first score of row k that is not finite, or end - first if all are finite; if one
	 * is not, row k has no other result. rank_block: place[p] is that of wanted[p]. top_block:
	 * the k >= 1 best, best first; top and score are (n, k), and row j has num[j] of them.
	 */
	void (*rank_block)(void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
		const struct rank_lists *lists, uint32_t *bad, struct rank_place *place);
	void (*top_block)(void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
		const struct rank_lists *lists, uint32_t *bad, uint32_t k, uint32_t *top,
		float *score, uint32_t *num);
};

#endif
