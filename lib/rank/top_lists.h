/*
 * top_lists: the list of each user from a stream of top records, and where the positives stand in it.
 *
 * The order of a list is that of its ranks, 1 to the length of the list. What is not in a list lies
 * beyond its end, nobody knows where: for metrics it is outside the candidates.
 */
#ifndef TOP_LISTS_H
#define TOP_LISTS_H

#include "rank/user_ranks.h"
#include "stream/record.h"

#include <stddef.h>
#include <stdint.h>

struct user_items;

struct top_lists_report {
	uint64_t lists, items;
	uint32_t longest;
	uint64_t without_list;	   /* users of the truth, all of whose positives are missed */
	uint64_t without_positive; /* lists of users whom the truth does not have */
};

/* Both calls get `arg`, for one user the list first; see top_lists_read. */
struct top_lists_use {
	user_list_each *each_list;
	user_ranks_each *each_user;
	void *arg;

	/* NULL, or: then the same with items of equal score in another order than that of ranks */
	const struct tie_order *order;
	user_ranks_each *each_reordered;
};

/*
 * Call `each_list` for every list of `in`, and `each_user` for every user with a positive in
 * `truth`, which is finished and has the bounds of `in`: in the stream's order, then, ascending,
 * those without a list. A rank row has the length of the list as its candidates.
 *
 * Dies naming the row for a user who returns after another, an item or a rank that stands twice in
 * a list, a rank that is missing, and an item whose score is greater than that of a better rank.
 * Memory: the longest list, 2 bits per user, 4 bytes per item.
 */
void top_lists_read(struct rec_reader *in, const struct user_items *truth,
	const struct top_lists_use *use, struct top_lists_report *report);

#endif
