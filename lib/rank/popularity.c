#include "rank/popularity.h"

#include "base/mem.h"
#include "data/user_items.h"
#include "rank/placement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void popularity_init(struct popularity *p, const struct metrics_cutoffs *k, enum tie_policy ties,
	const struct user_items *train)
{
	uint32_t *order = xmalloc(train->num_items, sizeof(*order));

	*p = (struct popularity){ .cutoffs = *k, .ties = ties };
	p->users = user_items_count_users(train);
	memcpy(order, p->users, train->num_items * sizeof(*order));
	quarters_init(&p->quarters, QUARTERS_OF_SUM, order, train->num_items);
	free(order);
}

static struct popularity_group *group_of(struct popularity *p, uint32_t item)
{
	return &p->group[quarters_group(&p->quarters, p->users[item])];
}

/* How much of a positive, a row of the group, stands in the first `cutoff` places. */
static double found(
	enum tie_policy ties, const struct tied_group *g, const struct rank *row, uint32_t cutoff)
{
	const uint32_t beyond = cutoff > g->a ? cutoff - g->a : 0,
		       h = beyond < g->t ? beyond : g->t;

	switch (ties) {
	case TIES_WORST:
		return h > g->t - g->m ? (double)(h - (g->t - g->m)) / g->m : 0;
	case TIES_BEST:
		return h < g->m ? (double)h / g->m : 1;
	case TIES_ID:
		return row->ties_before < h;
	default:
		return (double)h / g->t;
	}
}

void popularity_add(struct popularity *p, const struct rank *rows, size_t n)
{
	const size_t inside = placement_inside(rows, n);
	const struct tied_group *g;

	if (n > p->capacity) {
		free(p->tied);
		p->tied = xmalloc(n, sizeof(*p->tied));
		p->capacity = n;
	}
	placement_groups(rows, inside, p->tied);
	g = p->tied;
	for (size_t k = 0; k < n; k++) {
		struct popularity_group *to = group_of(p, rows[k].item);

		to->positives++;
		if (k >= inside)
			continue;
		if (k == (size_t)g->before + g->m)
			g++;
		for (unsigned c = 0; c < p->cutoffs.num; c++)
			to->found[c] += found(p->ties, g, &rows[k], p->cutoffs.value[c]);
	}
}

double popularity_recall(const struct popularity_group *g, unsigned cutoff)
{
	return g->positives ? g->found[cutoff] / (double)g->positives : (double)NAN;
}
