#include "rank/sampled.h"

#include "base/mem.h"
#include "rank/hypergeometric.h"
#include "rank/placement.h"

#include <stdlib.h>
#include <string.h>

/* Of a position: the positives expected there, the sum of their ranks among the positives, and of
   the first positive alone. */
struct place {
	double hits, ranks, first;
};

/* Where a group's share of positions begins (added) and ends (subtracted): of the positives of a
   position, what their rank grows by from one to the next, and that times where the group begins. */
struct edge {
	double share, slope, slope_begin;
};

struct sampled {
	uint32_t negatives; /* S */
	struct hypergeometric above, tied;
	double *gain; /* per position */
	size_t num_gains, gains_capacity;

	/* of the user */
	uint32_t num_negatives, drawn; /* N, n */
	uint32_t end;		       /* of the positions that can count */
	struct place *place;	       /* per position */
	struct edge *edge;	       /* end + 1, zero between groups */
};

struct sampled *sampled_new(uint32_t negatives)
{
	struct sampled *s = xcalloc(1, sizeof(*s));

	s->negatives = negatives;
	return s;
}

void sampled_free(struct sampled *s)
{
	hypergeometric_free(&s->above);
	hypergeometric_free(&s->tied);
	free(s->gain);
	free(s);
}

/* Have the gains of the positions before `end`. */
static void need_gains(struct sampled *s, uint32_t end)
{
	if (s->num_gains >= end)
		return;
	s->gain = xgrow(s->gain, &s->gains_capacity, end, sizeof(*s->gain));
	for (; s->num_gains < end; s->num_gains++)
		s->gain[s->num_gains] = placement_gain((uint32_t)s->num_gains);
}

/* Positives at fixed places: of positive j, position[j] - j negatives are above it. */
static void add_fixed(struct sampled *s, const uint32_t *position, size_t num)
{
	const struct hypergeometric *h = &s->above;

	for (uint32_t j = 0; j < num && j < s->end; j++) {
		if (j == 0 || position[j] != position[j - 1] + 1)
			hypergeometric_set(&s->above, s->num_negatives, position[j] - j, s->drawn);
		for (uint32_t i = 0; i < h->num && (uint64_t)h->first + i + j < s->end; i++) {
			struct place *to = &s->place[h->first + i + j];

			to->hits += h->p[i];
			to->ranks += h->p[i] * (j + 1);
			if (j == 0)
				to->first += h->p[i];
		}
	}
}

/*
 * Of the drawn, `above` are above the group, with probability p; T = tied + m candidates of it are
 * in the list, each at each of its positions with the same probability. Add the edges of these.
 */
static void add_edges(struct sampled *s, const struct tied_group *g, uint32_t above, double p)
{
	const uint32_t begin = g->before + above, negatives = g->t - g->m;
	const uint32_t beyond = s->num_negatives - (g->a - g->before);
	const struct hypergeometric *h = &s->tied;
	struct edge sum = { 0 };

	hypergeometric_set(&s->tied, beyond, negatives, s->drawn - above);
	for (uint32_t i = 0; i < h->num; i++) {
		const uint32_t listed = h->first + i + g->m;
		const double share = p * h->p[i] * g->m / listed;
		const double slope = listed > 1 ? share * (g->m - 1) / (listed - 1) : 0;
		const uint64_t end = (uint64_t)begin + listed;
		struct edge *e = &s->edge[end < s->end ? end : s->end];

		e->share -= share;
		e->slope -= slope;
		e->slope_begin -= slope * above;
		sum.share += share;
		sum.slope += slope;
	}
	s->edge[begin].share += sum.share;
	s->edge[begin].slope += sum.slope;
	s->edge[begin].slope_begin += sum.slope * above;
}

/* A group's positives, over all orders of the tied; those of the first group come before others. */
static void add_group(struct sampled *s, const struct tied_group *g)
{
	struct hypergeometric *h = &s->above;
	struct edge at = { 0 };

	hypergeometric_set(h, s->num_negatives, g->a - g->before, s->drawn);
	for (uint32_t i = 0; i < h->num && (uint64_t)g->before + h->first + i < s->end; i++)
		add_edges(s, g, h->first + i, h->p[i]);
	for (uint64_t r = (uint64_t)g->before + h->first; r < s->end; r++) {
		struct place *to = &s->place[r];

		at.share += s->edge[r].share;
		at.slope += s->edge[r].slope;
		at.slope_begin += s->edge[r].slope_begin;
		to->hits += at.share;
		to->ranks += at.share * (g->before + 1) + at.slope * (double)(r - g->before) -
			     at.slope_begin;
		if (g->before == 0 && g->m == 1)
			to->first += at.share;
		s->edge[r] = (struct edge){ 0 };
	}
	s->edge[s->end] = (struct edge){ 0 };
}

/* How much less probable t + 1 is than t, below; 0 behind the last. */
static double next_first(const struct tied_group *g, uint32_t t)
{
	return t < g->t - g->m ? (double)(g->t - g->m - t) / (g->t - 1 - t) : 0;
}

/*
 * The first positive of the first group, of m: t of the group's s negatives are before it with
 * probability C(s - t + m - 1, m - 1) / C(s + m, m), and then a + t of all.
 */
static void add_first(struct sampled *s, const struct tied_group *g)
{
	const uint32_t negatives = g->t - g->m;
	const struct hypergeometric *h = &s->above;
	double weight = 1, sum = 0;

	for (uint32_t t = 0; t <= negatives && weight > 1e-20; t++) {
		sum += weight;
		weight *= next_first(g, t);
	}
	weight = 1 / sum; /* m / T, without the errors of so many products */
	for (uint32_t t = 0; t <= negatives && weight > 1e-20; t++) {
		hypergeometric_set(&s->above, s->num_negatives, g->a + t, s->drawn);
		if (h->first >= s->end)
			break;
		for (uint32_t i = 0; i < h->num && h->first + i < s->end; i++)
			s->place[h->first + i].first += weight * h->p[i];
		weight *= next_first(g, t);
	}
}

/* The metrics at all cutoffs, from the places; P positives. */
static void finish(const struct sampled *s, const struct metrics_cutoffs *k, uint32_t positives,
	struct metrics_values *out)
{
	for (unsigned c = 0; c < k->num; c++) {
		const uint32_t cutoff = k->value[c], end = cutoff < s->end ? cutoff : s->end;
		const uint32_t most = positives < cutoff ? positives : cutoff;
		double *at = out->at[c], hits = 0;

		memset(at, 0, sizeof(out->at[c]));
		for (uint32_t r = 0; r < end; r++) {
			const struct place *p = &s->place[r];

			hits += p->hits;
			at[METRIC_NDCG] += p->hits * s->gain[r];
			at[METRIC_MAP] += p->ranks / (r + 1.0);
			at[METRIC_HR] += p->first;
			at[METRIC_MRR] += p->first / (r + 1.0);
		}
		at[METRIC_PRECISION] = hits / cutoff;
		at[METRIC_RECALL] = hits / positives;
		at[METRIC_NDCG] /= placement_ideal_gain(most);
		at[METRIC_MAP] /= most;
	}
}

/* N, n and the positions, none of them beyond the last cutoff. */
static void begin_user(struct sampled *s, const struct metrics_cutoffs *k, size_t positives,
	size_t inside, uint32_t negatives)
{
	uint32_t last = 0;

	for (unsigned c = 0; c < k->num; c++)
		last = k->value[c] > last ? k->value[c] : last;
	s->num_negatives = negatives;
	s->drawn = (uint64_t)s->negatives * positives < negatives
			   ? s->negatives * (uint32_t)positives
			   : negatives;
	s->end = s->drawn + inside < last ? s->drawn + (uint32_t)inside : last;
	need_gains(s, s->end);
	s->place = xmalloc(s->end, sizeof(*s->place));
	s->edge = xcalloc((size_t)s->end + 1, sizeof(*s->edge));
}

void sampled_user(struct sampled *s, const struct metrics_cutoffs *k, const struct rank *rows,
	size_t n, struct metrics_user *out)
{
	const size_t inside = placement_inside(rows, n);
	struct tied_group *group = xmalloc(n, sizeof(*group));
	uint32_t *position = xmalloc(n, sizeof(*position));
	const size_t num_groups = placement_groups(rows, inside, group);

	metrics_user(&(struct metrics_cutoffs){ .num = 0 }, rows, n, out); /* all but the metrics */
	begin_user(s, k, n, inside, out->negatives);
	for (unsigned p = 0; p < NUM_TIE_POLICIES; p++) {
		if (p != TIES_MEAN && out->tied == 0) {
			memcpy(out->by[p].at, out->by[TIES_MEAN].at, sizeof(out->by[p].at));
			continue;
		}
		memset(s->place, 0, s->end * sizeof(*s->place));
		if (p == TIES_MEAN) {
			for (size_t g = 0; g < num_groups && group[g].before < s->end; g++)
				add_group(s, &group[g]);
			if (num_groups > 0 && group[0].m > 1)
				add_first(s, &group[0]);
		} else {
			placement_fix(p, rows, group, inside, position);
			add_fixed(s, position, inside);
		}
		finish(s, k, out->positives, &out->by[p]);
	}
	free(s->place);
	free(s->edge);
	free(group);
	free(position);
}
