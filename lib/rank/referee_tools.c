/* Metrics of other tools: formulas, and a table per tool. */
#include "rank/referee.h"

#include "rank/placement.h"

#include <math.h>

static uint32_t capped(const struct referee_user *u, uint32_t k)
{
	return u->positives < k ? u->positives : k;
}

/* Our own definitions. */
static double hr(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)k;
	return u->v->at[c][METRIC_HR];
}

static double ndcg(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)k;
	return u->v->at[c][METRIC_NDCG];
}

static double mrr(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)k;
	return u->v->at[c][METRIC_MRR];
}

static double map(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)k;
	return u->v->at[c][METRIC_MAP];
}

static double precision(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)k;
	return u->v->at[c][METRIC_PRECISION];
}

static double recall(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)k;
	return u->v->at[c][METRIC_RECALL];
}

/* With other denominators. */
static double hits(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)k;
	return u->v->at[c][METRIC_RECALL] * u->positives;
}

static double hits_of_capped(const struct referee_user *u, unsigned c, uint32_t k)
{
	return hits(u, c, k) / capped(u, k);
}

static double map_of_positives(const struct referee_user *u, unsigned c, uint32_t k)
{
	return map(u, c, k) * capped(u, k) / u->positives;
}

static double mean_auc(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)c, (void)k;
	return u->metrics->by[TIES_MEAN].auc;
}

static double worst_auc(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)c, (void)k;
	return u->metrics->by[TIES_WORST].auc;
}

/* Each positive alone with the negatives, n of which are above it: it is the n-th from 0. */
static double alone(const struct referee_user *u, uint32_t k, bool gain)
{
	double sum = 0;

	for (size_t s = 0; s < u->num_spots; s++) {
		const uint32_t above = u->spot[s].position - (uint32_t)u->spot[s].before;

		if (above < k)
			sum += gain ? placement_gain(above) : 1;
	}
	return sum / u->positives;
}

static double hr_alone(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)c;
	return alone(u, k, false);
}

static double ndcg_alone(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)c;
	return alone(u, k, true);
}

/* The share of the others below the first positive. */
static double auc_of_first(const struct referee_user *u, unsigned c, uint32_t k)
{
	const double others = u->candidates - 1.0;

	(void)c, (void)k;
	return u->num_spots && others > 0 ? (others - u->spot[0].position) / others : 0;
}

/* H_n; from 64 on by its asymptotic series (Knuth, TAOCP 1.2.7), whose next term is below 1e-17. */
static double harmonic(uint32_t n)
{
	const double euler = 0.57721566490153286061, square = n ? 1.0 / n / n : 0;
	double sum = 0;

	if (n >= 64)
		return log(n) + euler + 0.5 / n -
		       square * (1 / 12.0 - square * (1 / 120.0 - square / 252.0));
	for (uint32_t k = 1; k <= n; k++)
		sum += 1.0 / k;
	return sum;
}

/* Mean over n = 1 ... K of precision@n: a hit at r counts 1/n for each n > r. */
static double mean_precision(const struct referee_user *u, unsigned c, uint32_t k)
{
	const double all = harmonic(k);
	double sum = 0;

	(void)c;
	for (size_t s = 0; s < u->num_spots && u->spot[s].position < k; s++)
		sum += u->spot[s].p * (all - harmonic(u->spot[s].position));
	return sum / k;
}

/* Mean over n = 1 ... K of recall@n. */
static double mean_recall(const struct referee_user *u, unsigned c, uint32_t k)
{
	double sum = 0;

	(void)c;
	for (size_t s = 0; s < u->num_spots && u->spot[s].position < k; s++)
		sum += u->spot[s].p * (k - u->spot[s].position);
	return sum / k / u->positives;
}

/* Elliot's share of negatives below each positive of the first K, of one more than there are. */
static double share_below(const struct referee_user *u, uint32_t k, uint32_t divisor)
{
	const double negatives = u->negatives + 1.0;
	double sum = 0;

	for (size_t s = 0; s < u->num_spots && u->spot[s].position < k; s++)
		sum += u->spot[s].p * (negatives - u->spot[s].position + u->spot[s].before);
	return sum / negatives / divisor;
}

static double lauc(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)c;
	return share_below(u, k, capped(u, k));
}

static double gauc(const struct referee_user *u, unsigned c, uint32_t k)
{
	(void)c;
	return share_below(u, k, u->positives);
}

/* Sum of the reciprocal ranks of the first K, of the greatest there can be. */
static double ncrr(const struct referee_user *u, unsigned c, uint32_t k)
{
	double sum = 0;

	(void)c;
	for (size_t s = 0; s < u->num_spots && u->spot[s].position < k; s++)
		sum += u->spot[s].p / (u->spot[s].position + 1.0);
	return sum / harmonic(capped(u, k));
}

/* Every positive as if all that tie with it, positives too, were before it. */
static double map_of_ends(const struct referee_user *u, unsigned c, uint32_t k)
{
	double sum = 0;

	(void)c, (void)k;
	for (size_t j = 0, end = 0; j < u->num_rows; j++) {
		while (end < u->num_rows && u->rows[end].above == u->rows[j].above)
			end++;
		sum += (double)end / ((double)u->rows[j].above + u->rows[j].ties + 1);
	}
	return sum / u->positives;
}

/*
 * implicit's: of the N' = items - P negatives those in the first K are placed, h hits among them;
 * the other positives are thought in the middle of the other negatives:
 *   (sum over misses below K of the hits before + (h + P) / 2 x (N' - (K - h))) / (P N')
 * A hit at r is before K - 1 - r places, of which the later hits are none: h (h - 1) / 2 in all. The
 * mean of h^2 over the orders of the tied is that of a hypergeometric h in the group that K cuts.
 */
static double limited_auc(const struct referee_user *u, unsigned c, uint32_t k)
{
	const double negatives = (double)u->num_items - u->positives;
	double before = 0, h = 0, square, variance = 0;

	(void)c;
	for (size_t s = 0; s < u->num_spots && u->spot[s].position < k; s++) {
		before += u->spot[s].p * (k - 1.0 - u->spot[s].position);
		h += u->spot[s].p;
	}
	for (size_t j = 0; j < u->num_rows && u->num_spots != u->num_rows; j++) {
		const struct rank *row = &u->rows[j];
		const double t = row->ties + 1.0, n = k - (double)row->above;
		double m = 0;

		if (row->above >= k || n >= t)
			continue;
		for (size_t i = 0; i < u->num_rows; i++)
			m += u->rows[i].above == row->above;
		variance = n * (m / t) * (1 - m / t) * (t - n) / (t - 1);
	}
	square = h * h + variance;
	return (before - (square - h) / 2 +
		       ((h + u->positives) * (negatives - k) + square + h * u->positives) / 2) /
	       (u->positives * negatives);
}

/* clang-format off */
#define AT .at_cutoff = true
#define END { .name = NULL }

static const struct referee_metric he2017[] = {
	{ "HR@", AT, .weight = REFEREE_POSITIVES, .own = METRIC_HR, .value = hr_alone, .definition = "each positive alone is a case" },
	{ "NDCG@", AT, .weight = REFEREE_POSITIVES, .own = METRIC_NDCG, .value = ndcg_alone, .definition = "the same; the ideal gain is 1" },
	END };

static const struct referee_metric d2l[] = {
	{ "hit@", AT, .own = METRIC_HR, .value = hits, .definition = "number of hits, not at most 1" },
	{ "auc", .full = true, .own = METRIC_AUC, .value = auc_of_first, .definition = "first positive, of C - 1 others" },
	END };

static const struct referee_metric elliot[] = {
	{ "HR@", AT, .own = METRIC_HR, .value = hr },
	{ "nDCG@", AT, .own = METRIC_NDCG, .value = ndcg },
	{ "MRR@", AT, .own = METRIC_MRR, .value = mrr },
	{ "MAP@", AT, .own = METRIC_MAP, .value = mean_precision, .definition = "mean precision@n, n = 1..K" },
	{ "MAR@", AT, .own = -1, .value = mean_recall, .definition = "mean recall@n, n = 1..K" },
	{ "Precision@", AT, .own = METRIC_PRECISION, .value = precision },
	{ "Recall@", AT, .own = METRIC_RECALL, .value = recall },
	{ "LAUC@", AT, .full = true, .own = -1, .value = lauc, .definition = "AUC of the first K, over min(P, K)" },
	{ "GAUC", .full = true, .own = METRIC_AUC, .value = gauc, .definition = "negatives above, of N + 1" },
	END };

static const struct referee_metric recbole[] = {
	{ "hit@", AT, .own = METRIC_HR, .value = hr },
	{ "ndcg@", AT, .own = METRIC_NDCG, .value = ndcg },
	{ "mrr@", AT, .own = METRIC_MRR, .value = mrr },
	{ "map@", AT, .own = METRIC_MAP, .value = map },
	{ "precision@", AT, .own = METRIC_PRECISION, .value = precision },
	{ "recall@", AT, .own = METRIC_RECALL, .value = recall },
	{ "gauc", .full = true, .weight = REFEREE_POSITIVES, .own = METRIC_AUC, .value = mean_auc, .definition = "users weighed by their positives" },
	END };

static const struct referee_metric implicit[] = {
	{ "precision@", AT, .weight = REFEREE_CAPPED, .own = METRIC_PRECISION, .value = hits_of_capped, .definition = "hits of all users / sum of min(P, K)" },
	{ "map@", AT, .own = METRIC_MAP, .value = map },
	{ "ndcg@", AT, .own = METRIC_NDCG, .value = ndcg },
	{ "auc@", AT, .own = METRIC_AUC, .value = limited_auc, .definition = "rest of all items in the middle" },
	END };

static const struct referee_metric recommenders[] = {
	{ "precision_at_", AT, .own = METRIC_PRECISION, .value = precision },
	{ "recall_at_", AT, .own = METRIC_RECALL, .value = recall },
	{ "ndcg_at_", AT, .without_list = true, .own = METRIC_NDCG, .value = ndcg, .definition = "users without a list count" },
	{ "map_at_", AT, .own = METRIC_MAP, .value = map },
	{ "map@", AT, .own = METRIC_MAP, .value = map_of_positives, .definition = "over P, not min(P, K)" },
	END };

static const struct referee_metric cornac[] = {
	{ "HitRatio@", AT, .own = METRIC_HR, .value = hr },
	{ "NDCG@", AT, .own = METRIC_NDCG, .value = ndcg },
	{ "NCRR@", AT, .own = -1, .value = ncrr, .definition = "sum of 1 / rank, of H_min(P, K)" },
	{ "Precision@", AT, .own = METRIC_PRECISION, .value = precision },
	{ "Recall@", AT, .own = METRIC_RECALL, .value = recall },
	{ "MRR", .full = true, .own = -1, .value = mrr, .definition = "no cutoff" },
	{ "MAP", .full = true, .own = -1, .value = map_of_ends, .definition = "no cutoff, over P; the tied last" },
	{ "AUC", .full = true, .own = METRIC_AUC, .value = worst_auc, .definition = "a tied negative counts 0, not 1/2" },
	END };

static const struct referee_metric vae[] = {
	{ "Recall@", AT, .own = METRIC_RECALL, .value = hits_of_capped, .definition = "over min(P, K), not P" },
	{ "NDCG@", AT, .own = METRIC_NDCG, .value = ndcg },
	END };

static const struct referee_metric trec[] = {
	{ "success_", AT, .own = METRIC_HR, .value = hr },
	{ "ndcg_cut_", AT, .own = METRIC_NDCG, .value = ndcg },
	{ "map_cut_", AT, .own = METRIC_MAP, .value = map_of_positives, .definition = "over P, not min(P, K)" },
	{ "P_", AT, .own = METRIC_PRECISION, .value = precision },
	{ "recall_", AT, .own = METRIC_RECALL, .value = recall },
	{ "map", .own = -1, .value = map, .definition = "no cutoff" },
	{ "ndcg", .own = -1, .value = ndcg, .definition = "no cutoff" },
	{ "recip_rank", .own = -1, .value = mrr, .definition = "no cutoff" },
	END };

const struct referee_tool referee_tools[REFEREE_TOOLS] = {
	{ "he2017", "hexiangnan/neural_collaborative_filtering, evaluate.py", REFEREE_WORST, "the positive, last of its list, stays last", .metric = he2017 },
	{ "mlperf", "mlcommons/training, recommendation/pytorch/ncf.py, val_epoch", REFEREE_WORST, "the positive, last of its list, stays last", .metric = he2017 },
	{ "d2l", "Dive into Deep Learning 21.6, hit_and_auc, evaluate_ranking", REFEREE_ID, "a stable sort of ascending ids", .metric = d2l },
	{ "elliot", "sisinflab/elliot, elliot/evaluation/metrics/accuracy", REFEREE_OPEN, "left to the model's sort", .leaves_listless = true, .metric = elliot },
	{ "recbole", "RecBole 1.2.1, recbole/evaluator/metrics.py", REFEREE_OPEN, "left to torch.topk", .metric = recbole },
	{ "implicit", "implicit 0.7.3, evaluation.pyx, ranking_metrics_at_k", REFEREE_OPEN, "left to a heap", .metric = implicit },
	{ "recommenders", "recommenders 1.2.1, evaluation/python_evaluation.py", REFEREE_ID, "a stable sort of the rows, here by ascending id", .leaves_listless = true, .metric = recommenders },
	{ "cornac", "cornac 3.0.1, cornac/metrics/ranking.py", REFEREE_OPEN, "left to numpy.argpartition", .inside_only = true, .metric = cornac },
	{ "vae", "Liang et al. 2018, dawenl/vae_cf, VAE_ML20M_WWW2018.ipynb", REFEREE_OPEN, "left to bottleneck.argpartition", .metric = vae },
	{ "trec", "trec_eval 9, m_*.c and form_res_rels.c, comp_sim_docno", REFEREE_NAME, "by item name, descending bytes", .leaves_listless = true, .metric = trec },
};
/* clang-format on */

const char *const referee_names[] = { "he2017", "mlperf", "d2l", "elliot", "recbole", "implicit",
	"recommenders", "cornac", "vae", "trec", NULL };
