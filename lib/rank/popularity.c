#include "rank/popularity.h"

#include "base/mem.h"
#include "data/user_items.h"
#include "rank/placement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void add_group(struct popularity *p, uint32_t from, uint32_t to)
{
	if (from <= to)
		p->group[p->num++] = (struct popularity_group){ .from = from, .to = to };
}

void popularity_init(struct popularity *p, const struct metrics_cutoffs *k, enum tie_policy ties,
	const struct user_items *train)
{
	const uint64_t rows = user_items_size(train);
	uint32_t *order = xmalloc(train->num_items, sizeof(*order)), from = 1;
	uint64_t sum = 0;

	*p = (struct popularity){ .cutoffs = *k, .ties = ties };
	p->users = xcalloc(train->num_items, sizeof(*p->users));
	for (uint64_t j = 0; j < rows; j++)
		p->users[train->item[j]]++;
	memcpy(order, p->users, train->num_items * sizeof(*order));
	qsort(order, train->num_items, sizeof(*order), by_value);
	add_group(p, 0, 0);
	for (uint32_t i = 0, quarter = 1; i < train->num_items; i++) {
		sum += order[i];
		if (sum * POPULARITY_QUARTERS < rows * quarter)
			continue;
		while (sum * POPULARITY_QUARTERS >= rows * quarter)
			quarter++;
		add_group(p, from, order[i]);
		from = order[i] + 1;
	}
	free(order);
}

static struct popularity_group *group_of(struct popularity *p, uint32_t item)
{
	unsigned g = 0;

	while (p->group[g].to < p->users[item])
		g++;
	return &p->group[g];
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
