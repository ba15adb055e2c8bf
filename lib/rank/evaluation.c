#include "rank/evaluation.h"

#include "base/number.h"

#include <math.h>
#include <string.h>

bool evaluation_add_cutoff(struct metrics_cutoffs *k, uint32_t value, unsigned *index)
{
	for (*index = 0; *index < k->num; ++*index)
		if (k->value[*index] == value)
			return true;
	if (k->num == METRICS_MAX_CUTOFFS)
		return false;
	k->value[k->num++] = value;
	return true;
}

bool evaluation_parse_at(const char *text, const char *const *names,
	struct metrics_cutoffs *cutoffs, unsigned *which, unsigned *cutoff)
{
	const size_t length = strcspn(text, "@");
	uint64_t value;

	for (*which = 0; names[*which]; ++*which)
		if (strlen(names[*which]) == length && strncmp(text, names[*which], length) == 0)
			break;
	return names[*which] && text[length] == '@' &&
	       number_parse_uint(text + length + 1, 1, UINT32_MAX, &value) &&
	       evaluation_add_cutoff(cutoffs, (uint32_t)value, cutoff);
}

bool evaluation_parse_name(
	const char *text, struct metrics_cutoffs *cutoffs, struct evaluation_name *name)
{
	unsigned metric, cutoff;

	if (strcmp(text, metric_names[METRIC_AUC]) == 0) {
		*name = (struct evaluation_name){ METRIC_AUC, 0 };
		return true;
	}
	if (strncmp(text, "AUC@", 4) == 0 ||
		!evaluation_parse_at(text, metric_names, cutoffs, &metric, &cutoff))
		return false;
	*name = (struct evaluation_name){ metric, cutoff };
	return true;
}

void evaluation_add(struct evaluation *e, const struct metrics_user *u)
{
	e->users++;
	e->positives += u->positives;
	e->outside += u->outside;
	e->candidates += u->candidates;
	e->ranked_users += u->outside < u->positives;
	e->negative_users += u->negatives > 0;
	e->tied += u->tied;
	for (unsigned p = 0; p < NUM_TIE_POLICIES; p++) {
		for (unsigned c = 0; c < e->cutoffs.num; c++)
			for (unsigned m = 0; m < NUM_CUTOFF_METRICS; m++)
				e->sum[p].at[c][m] += u->by[p].at[c][m];
		e->sum[p].auc += u->by[p].auc;
	}
}

double evaluation_mean(
	const struct evaluation *e, enum tie_policy policy, struct evaluation_name name)
{
	const struct metrics_values *sum = &e->sum[policy];

	if (name.metric == METRIC_AUC)
		return e->negative_users ? sum->auc / (double)e->negative_users : NAN;
	return sum->at[name.cutoff][name.metric] / (double)e->users;
}

double evaluation_tied(const struct evaluation *e)
{
	return e->ranked_users ? e->tied / (double)e->ranked_users : 0;
}
