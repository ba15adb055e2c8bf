/*
 * test_ops_loss: score, loss and the gradients of the head's input against the formulas in double.
 */
#include "op_test.h"

struct loss_case {
	enum neumf_loss kind;
	bool sigmoid, head, bias;
	uint32_t batch, F, H;
	double scale; /* of the head's input: large logits too */
};

static double sigmoid(double v)
{
	return 1 / (1 + exp(-v));
}

static double logit_of(const struct loss *a, const float *g, const float *x, const float *head,
	float bias, uint32_t s)
{
	double sum = bias;

	for (uint32_t k = 0; k < a->F; k++)
		sum += (head ? head[k] : 1.0) * g[(size_t)s * a->F + k];
	for (uint32_t k = 0; k < a->H; k++)
		sum += (double)head[a->F + k] * x[(size_t)s * a->H + k];
	return sum;
}

/* Loss of a row by the formulas of neumf.h; dlogit[0], dlogit[1]: of its samples, before the
   division by B. */
static double row_loss(
	const struct loss_case *c, double positive, double negative, double label, double *dlogit)
{
	if (c->kind == LOSS_BCE) {
		dlogit[0] = sigmoid(positive) - label;
		return log(1 + exp(positive)) - label * positive;
	}
	double sp = c->sigmoid ? sigmoid(positive) : positive,
	       sn = c->sigmoid ? sigmoid(negative) : negative;
	double d = sp - sn, dd = c->kind == LOSS_BPR ? -1 / (1 + exp(d)) : d < 1 ? -1 : 0;

	dlogit[0] = dd * (c->sigmoid ? sp * (1 - sp) : 1);
	dlogit[1] = -dd * (c->sigmoid ? sn * (1 - sn) : 1);
	return c->kind == LOSS_BPR ? log(1 + exp(-d)) : fmax(0, 1 - d);
}

static struct loss_total get_total(struct loss_total *dev)
{
	struct loss_total total;

	get_bytes(&total, dev, sizeof(total));
	return total;
}

/* What the host knows of a case's operands; head and bias count only where the case has them. */
struct plain {
	const float *g, *x, *head, *label;
	float bias;
};

/* The sum of the rows' losses; the mean's derivatives go to dlogit and dx. */
static double plain_loss(const struct loss_case *c, const struct loss *a, const struct plain *plain,
	double *dlogit, double *dx)
{
	const uint32_t items_per_row = c->kind == LOSS_BCE ? 1 : 2, B = a->batch, H = a->H;
	double sum = 0;

	for (uint32_t r = 0; r < B; r++) {
		double logit[2] = { 0, 0 }, d[2];

		for (uint32_t p = 0; p < items_per_row; p++)
			logit[p] = logit_of(a, plain->g, plain->x, c->head ? plain->head : NULL,
				c->bias ? plain->bias : 0, r + p * B);
		sum += row_loss(c, logit[0], logit[1], plain->label[r], d);
		for (uint32_t p = 0; p < items_per_row; p++) {
			dlogit[r + p * B] = d[p] / B;
			for (uint32_t k = 0; k < H; k++)
				dx[(size_t)(r + p * B) * H + k] = d[p] / B * plain->head[a->F + k];
		}
	}
	return sum;
}

static void add_loss(const struct loss *a, struct loss_total *total)
{
	loss_backward_cuda(stream, a);
	loss_total_cuda(stream, a, total);
}

static void test_loss(const struct loss_case *c)
{
	uint32_t B = c->batch, items_per_row = c->kind == LOSS_BCE ? 1 : 2, S = B * items_per_row,
		 F = c->F, H = c->H;
	struct floats g = floats_random((size_t)S * F, c->scale),
		      x = floats_random((size_t)S * H, c->scale);
	struct floats head = floats_random(F + H, 1), bias = floats_random(1, 1),
		      label = floats_empty(B);
	struct floats dlogit = floats_empty(S), dx = floats_empty((size_t)S * H);
	double *partial = (double *)dev_bytes(LOSS_PARTIALS * sizeof(double)), sum;
	struct loss_total start = { 10, 3, 5, ~0ull },
			  *total = (struct loss_total *)dev_bytes(sizeof(start));
	double *want = doubles(S), *dwant = doubles((size_t)S * H);
	struct plain plain = { g.host, x.host, head.host, label.host, bias.host[0] };
	struct loss a;

	for (uint32_t r = 0; r < B; r++)
		label.host[r] = r % 3 == 0;
	floats_put(&label);
	put_bytes(total, &start, sizeof(start));
	memset(&a, 0, sizeof(a));
	a.kind = c->kind;
	a.sigmoid_output = c->sigmoid;
	a.g = g.dev;
	a.x = x.dev;
	a.head = c->head ? head.dev : NULL;
	a.bias = c->bias ? bias.dev : NULL;
	a.label = label.dev;
	a.batch = B;
	a.F = F;
	a.H = H;
	a.dlogit = dlogit.dev;
	a.dx = dx.dev;
	a.partial = partial;
	sum = plain_loss(c, &a, &plain, want, dwant);
	add_loss(&a, total);
	double e = compare(&dlogit, want), ex = compare(&dx, dwant);
	CHECK(e <= 1e-5 && ex <= 1e-5, "loss %d%s, B %u, F %u, H %u: gradients: error %.2g, %.2g",
		(int)c->kind, c->sigmoid ? " sigmoid" : "", B, F, H, e, ex);
	struct loss_total t = get_total(total);
	CHECK(t.rows == 3 + B && t.batches == 6 && t.bad_batch == ~0ull &&
			fabs(t.sum - 10 - sum) <= 1e-6 * sum,
		"loss %d: sum %.9g, %.9g expected", (int)c->kind, t.sum, 10 + sum);
	/* a row that is not finite makes its batch the bad one, and a second one does not change
	   that */
	if (F) {
		g.host[(size_t)(B - 1) * F] = NAN;
		floats_put(&g);
		add_loss(&a, total);
		add_loss(&a, total);
		t = get_total(total);
		CHECK(t.bad_batch == 6 && t.batches == 8, "loss %d: bad batch %llu", (int)c->kind,
			t.bad_batch);
	}
	struct floats *all[] = { &g, &x, &head, &bias, &label, &dlogit, &dx };
	for (unsigned i = 0; i < 7; i++)
		floats_free(all[i]);
	CUDA(cudaFree(partial));
	CUDA(cudaFree(total));
}

int main(void)
{
	static const struct loss_case losses[] = {
		{ LOSS_BPR, false, true, false, 1, 1, 1, 1 },
		{ LOSS_BPR, false, false, false, 31, 10, 0, 1 },
		{ LOSS_BPR, true, true, false, 257, 33, 10, 1 },
		{ LOSS_HINGE, false, true, false, 100, 0, 65, 1 },
		{ LOSS_HINGE, true, true, false, 9000, 8, 3, 2 },
		{ LOSS_BCE, false, true, true, 31, 10, 10, 1 },
		{ LOSS_BCE, false, false, false, 257, 64, 0, 3 },
		{ LOSS_BPR, false, true, true, 300, 64, 64, 1 },
		{ LOSS_BCE, false, true, true, 70, 8, 140, 1 },
	};

	op_test_start("test_ops_loss");
	for (unsigned i = 0; i < sizeof(losses) / sizeof(*losses); i++)
		test_loss(&losses[i]);
	return op_test_end();
}
