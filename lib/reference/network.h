/*
 * network: the score of one (user, item) and its gradient, in double, for the reference backend.
 * Shapes and formulas are those of neumf.h.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include "model/neumf.h"

/* What a forward pass leaves for the backward pass. */
struct activation {
	double *x[NEUMF_MAX_HIDDEN + 1]; /* x_0 (2E), x_l (H_l) */
	double logit, score;
};

struct network {
	struct neumf_shape shape;
	struct neumf_layout layout;
	float *params;	       /* layout order */
	double *gradient;      /* layout order; NULL: only scoring */
	double *dx, *dx_below; /* scratch: d loss / d x_l and d loss / d x_(l-1) */
};

/* Takes `params` over; allocates a gradient for `training`. */
void network_init(struct network *n, const struct neumf_shape *s, float *params, bool training);
void network_release(struct network *n);

void activation_init(struct activation *a, const struct neumf_shape *s);
void activation_release(struct activation *a);

/* Compute activations, logit and score of (user, item). */
void network_forward(const struct network *n, uint32_t user, uint32_t item, struct activation *a);

/* Add dlogit x d logit / d w to the gradient of every weight w, after network_forward. */
void network_backward(
	struct network *n, uint32_t user, uint32_t item, const struct activation *a, double dlogit);

double network_sigmoid(double x);

#endif
