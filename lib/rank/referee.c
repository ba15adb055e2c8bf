#include "rank/referee.h"

#include "base/mem.h"
#include "base/number.h"
#include "rank/placement.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum tie_policy order_policy[] = {
	[REFEREE_WORST] = TIES_WORST, [REFEREE_ID] = TIES_ID, [REFEREE_NAME] = TIES_ID
};

void referee_init(struct referee *r, const struct referee_tool *tool,
	const struct metrics_cutoffs *k, enum tie_policy ties, bool lists, uint32_t num_items)
{
	*r = (struct referee){
		.tool = tool, .cutoffs = *k, .lists = lists, .num_items = num_items
	};
	r->ties = tool->order == REFEREE_OPEN ? ties : order_policy[tool->order];
	r->cutoffs.value[r->cutoffs.num++] = UINT32_MAX;
}

/* Where the positives of a group stand, over all orders of the tied. */
static size_t tied_spots(const struct tied_group *g, struct referee_spot *spot)
{
	const double more = g->t > 1 ? (g->m - 1.0) / (g->t - 1.0) : 0;

	for (uint32_t t = 0; t < g->t; t++)
		spot[t] = (struct referee_spot){ (double)g->m / g->t, g->a + t,
			g->before + t * more };
	return g->t;
}

/* The spots of n rows, in a new array. */
static struct referee_spot *make_spots(
	enum tie_policy ties, const struct rank *rows, size_t n, size_t *num)
{
	struct tied_group *group = xmalloc(n, sizeof(*group));
	uint32_t *position = xmalloc(n, sizeof(*position));
	const size_t groups = placement_groups(rows, n, group);
	struct referee_spot *spot;
	size_t all = 0;

	*num = 0;
	for (size_t g = 0; g < groups; g++)
		all += group[g].t;
	spot = xmalloc(all, sizeof(*spot));
	for (size_t g = 0; ties == TIES_MEAN && g < groups; g++)
		*num += tied_spots(&group[g], spot + *num);
	if (ties != TIES_MEAN) {
		placement_fix(ties, rows, group, n, position);
		for (size_t k = 0; k < n; k++)
			spot[k] = (struct referee_spot){ 1, position[k], (double)k };
		*num = n;
	}
	free(group);
	free(position);
	return spot;
}

static double weight_of(enum referee_weight weight, uint32_t positives, uint32_t k)
{
	switch (weight) {
	case REFEREE_POSITIVES:
		return positives;
	case REFEREE_CAPPED:
		return positives < k ? positives : k;
	default:
		return 1;
	}
}

static void add_metric(struct referee *r, unsigned m, const struct referee_user *u, bool listless)
{
	const struct referee_metric *metric = &r->tool->metric[m];

	if (metric->full && (r->lists || u->negatives == 0))
		return;
	if (listless && r->tool->leaves_listless && !metric->without_list)
		return;
	for (unsigned c = 0; c < r->cutoffs.num; c++) {
		const uint32_t k = r->cutoffs.value[c];
		const double weight = weight_of(metric->weight, u->positives, k);

		if (metric->at_cutoff == (k == UINT32_MAX))
			continue;
		r->at[c][m].sum += weight * metric->value(u, c, k);
		r->at[c][m].weight += weight;
	}
}

void referee_add(struct referee *r, const struct rank *rows, size_t n)
{
	const size_t inside = placement_inside(rows, n);
	const bool listless = r->lists && rows[0].candidates == 0;
	struct metrics_user metrics;
	struct referee_user u = { .num_items = r->num_items, .rows = rows, .num_rows = inside };
	struct referee_spot *spot;

	if (r->tool->inside_only && !r->lists)
		n = inside;
	if (n == 0)
		return;
	metrics_user(&r->cutoffs, rows, n, &metrics);
	spot = make_spots(r->ties, rows, inside, &u.num_spots);
	u.positives = metrics.positives;
	u.candidates = metrics.candidates;
	u.negatives = metrics.negatives;
	u.metrics = &metrics;
	u.v = &metrics.by[r->ties];
	u.spot = spot;
	r->users += !(listless && r->tool->leaves_listless);
	for (unsigned m = 0; r->tool->metric[m].name; m++)
		add_metric(r, m, &u, listless);
	free(spot);
}

void referee_name(
	const struct referee *r, unsigned metric, unsigned cutoff, char *name, size_t size)
{
	const struct referee_metric *m = &r->tool->metric[metric];

	if (m->at_cutoff)
		snprintf(name, size, "%s%u", m->name, (unsigned)r->cutoffs.value[cutoff]);
	else
		snprintf(name, size, "%s", m->name);
}

bool referee_parse(const struct referee_tool *tool, const char *name, struct metrics_cutoffs *k,
	unsigned *metric, unsigned *cutoff)
{
	uint64_t value;

	for (*metric = 0; tool->metric[*metric].name; ++*metric) {
		const struct referee_metric *m = &tool->metric[*metric];
		const size_t length = strlen(m->name);

		*cutoff = 0;
		if (strncmp(name, m->name, length) != 0)
			continue;
		if (m->at_cutoff ? number_parse_uint(name + length, 1, UINT32_MAX - 1, &value) &&
					   evaluation_add_cutoff(k, (uint32_t)value, cutoff)
				 : name[length] == '\0')
			return true;
	}
	return false;
}

double referee_value(const struct referee *r, unsigned metric, unsigned cutoff)
{
	const unsigned c = r->tool->metric[metric].at_cutoff ? cutoff : r->cutoffs.num - 1;
	const double weight = r->at[c][metric].weight;

	return weight > 0 ? r->at[c][metric].sum / weight : (double)NAN;
}
