/* loss: the losses of neumf.h and their derivatives, for LANES rows at a time. */
#ifndef LOSS_H
#define LOSS_H

#include "cpu/simd.h"
#include "model/neumf.h"

/* The score of a logit and d score / d logit, exact also where the score rounds to 1. A score is
   NaN where the loss has to be. */
INLINE vf loss_score(const struct neumf_shape *s, vf logit, vf *derivative)
{
	if (!s->sigmoid_output) {
		*derivative = splat(1);
		return logit;
	}
	vf e = exp_lanes(-absolute(logit)), d = 1.f / (e + 1.f);

	*derivative = e * d * d;
	return choose(
		absolute(logit) >= NEUMF_SIGMOID_LIMIT, splat(NAN), choose(logit < 0.f, e * d, d));
}

/* The bpr or hinge loss of two logits, and its derivatives with respect to them. */
INLINE vf loss_of_pair(
	const struct neumf_shape *s, vf positive, vf negative, vf *dpositive, vf *dnegative)
{
	vf margin = loss_score(s, positive, dpositive) - loss_score(s, negative, dnegative);
	vf loss, dmargin;

	if (s->loss == LOSS_BPR) {
		loss = softplus_lanes(-margin, &dmargin);
		dmargin = -dmargin;
	} else {
		vi below = ~(margin >= 1.f); // NaN too: the loss has to show it

		loss = keep(below, 1.f - margin);
		dmargin = keep(below, splat(-1));
	}
	*dpositive *= dmargin;
	*dnegative *= -dmargin;
	return loss;
}

/* The bce loss of a logit, and its derivative with respect to it. */
INLINE vf loss_of_label(vf logit, vf label, vf *dlogit)
{
	vf loss = fused(-label, logit, softplus_lanes(logit, dlogit));

	*dlogit -= label;
	return loss;
}

#endif
