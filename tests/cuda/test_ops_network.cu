/*
 * test_ops_network: a narrow network in one kernel against the formulas of neumf.h in double.
 */
#include "op_test.h"

enum { USERS = 37, ITEMS = 53 };

struct net_case {
	enum neumf_loss kind;
	bool sigmoid, bias;
	uint32_t batch, F, E, num_layers, hidden[NEUMF_MAX_HIDDEN];
	float l2; /* of the bias */
};

/* The operands, and what the kernels write. Without layers and a bias (mf): biases of rows, too. */
struct net_test {
	const struct net_case *c;
	struct network a;
	struct floats gmf[2], mlp[2], bias[2]; /* tables of users and items */
	struct floats dgmf[2], dmlp[2], dbias[2];
	struct floats dense, moment1, moment2, gradient, partial, label;
	struct ids id;
	double *loss_partial;
};

/* What plain loops make of it: in double, as the arrays above. */
struct plain {
	double *dgmf[2], *dmlp[2], *dbias[2], *gradient, loss;
};

/* Places of the dense parameters: head, bias, and each layer on a boundary of 16. */
static void place_dense(struct network *a, const struct net_case *c, bool mf)
{
	uint32_t at = 0;

	a->head_size = mf ? 0 : a->F + a->H;
	a->bias = a->head_size;
	at = a->head_size + (a->has_bias ? 1 : 0);
	for (uint32_t l = 0; l < c->num_layers; l++) {
		a->layer[l].in = l ? c->hidden[l - 1] : 2 * c->E;
		a->layer[l].out = c->hidden[l];
		a->layer[l].weight = at = (at + 15) / 16 * 16;
		at += a->layer[l].in * a->layer[l].out;
		a->layer[l].bias = at = (at + 15) / 16 * 16;
		at += a->layer[l].out;
	}
	a->dense.n = (at + 3) / 4 * 4;
}

static void new_side(struct net_test *t, int side, uint32_t rows, uint32_t n)
{
	const struct net_case *c = t->c;

	t->gmf[side] = floats_random(rows * c->F, 1);
	t->mlp[side] = floats_random(rows * c->E, 1);
	t->bias[side] = floats_random(rows, 1);
	t->dgmf[side] = floats_empty((size_t)n * c->F);
	t->dmlp[side] = floats_empty((size_t)n * c->E);
	t->dbias[side] = floats_empty(n);
}

static struct net_test net_new(const struct net_case *c)
{
	struct net_test t;
	struct network *a = &t.a;
	bool mf = !c->num_layers && c->bias;

	memset(&t, 0, sizeof(t));
	t.c = c;
	a->kind = c->kind;
	a->sigmoid_output = c->sigmoid;
	a->batch = c->batch;
	a->items_per_row = c->kind == LOSS_BCE ? 1 : 2;
	a->F = c->F;
	a->E = c->E;
	a->H = c->num_layers ? c->hidden[c->num_layers - 1] : 0;
	a->num_layers = c->num_layers;
	a->has_bias = c->bias;
	place_dense(a, c, mf);
	uint32_t S = c->batch * a->items_per_row;
	new_side(&t, 0, USERS, c->batch);
	new_side(&t, 1, ITEMS, S);
	t.id = ids_random(c->batch + S, USERS);
	t.label = floats_empty(c->batch);
	for (uint32_t r = 0; r < c->batch; r++)
		t.label.host[r] = r % 3 == 0;
	floats_put(&t.label);
	t.dense = floats_random(a->dense.n, 0.5);
	t.moment1 = floats_random(a->dense.n, 0);
	t.moment2 = floats_random(a->dense.n, 0);
	t.gradient = floats_empty(a->dense.n);
	a->dense = { t.dense.dev, t.moment1.dev, t.moment2.dev, t.gradient.dev, a->dense.n };
	CHECK(network_plan(a), "network: B %u, F %u, E %u fits", c->batch, c->F, c->E);
	t.partial = floats_empty((size_t)network_partials(a) * a->dense.n);
	t.loss_partial = (double *)dev_bytes(LOSS_PARTIALS * sizeof(double));
	return t;
}

/* The arrays that the kernels are given. */
static void net_point(struct net_test *t)
{
	struct network *a = &t->a;
	bool mf = !a->head_size;

	a->gmf_user = t->gmf[0].dev;
	a->gmf_item = t->gmf[1].dev;
	a->mlp_user = t->mlp[0].dev;
	a->mlp_item = t->mlp[1].dev;
	a->user_bias = mf ? t->bias[0].dev : NULL;
	a->item_bias = mf ? t->bias[1].dev : NULL;
	a->user = t->id.dev;
	a->item = t->id.dev + a->batch;
	a->label = t->label.dev;
	a->dgmf_user = t->dgmf[0].dev;
	a->dgmf_item = t->dgmf[1].dev;
	a->dmlp_user = t->dmlp[0].dev;
	a->dmlp_item = t->dmlp[1].dev;
	a->duser_bias = t->dbias[0].dev;
	a->ditem_bias = t->dbias[1].dev;
	a->partial = t->partial.dev;
	a->loss_partial = t->loss_partial;
}

/* One sample: x of each layer, from 0. */
struct sample {
	const float *p[2], *q[2]; /* rows of both tables, of the user and of the item */
	double x[NEUMF_MAX_HIDDEN + 1][64];
	double logit;
};

static struct sample forward(const struct net_test *t, uint32_t user, uint32_t item)
{
	const struct network *a = &t->a;
	const float *w = t->dense.host;
	struct sample s = { { t->gmf[0].host + user * a->F, t->mlp[0].host + user * a->E },
		{ t->gmf[1].host + item * a->F, t->mlp[1].host + item * a->E }, { { 0 } }, 0 };

	for (uint32_t k = 0; k < 2 * a->E; k++)
		s.x[0][k] = k < a->E ? s.p[1][k] : s.q[1][k - a->E];
	for (uint32_t l = 0; l < a->num_layers; l++)
		for (uint32_t j = 0; j < a->layer[l].out; j++) {
			const struct network_layer *layer = &a->layer[l];
			double sum = w[layer->bias + j];

			for (uint32_t k = 0; k < layer->in; k++)
				sum += w[layer->weight + j * layer->in + k] * s.x[l][k];
			s.x[l + 1][j] = sum > 0 ? sum : 0;
		}
	s.logit = a->has_bias ? w[a->bias] : 0;
	for (uint32_t k = 0; k < a->F; k++)
		s.logit += (a->head_size ? w[a->head + k] : 1.0) * s.p[0][k] * s.q[0][k];
	for (uint32_t k = 0; k < a->H; k++)
		s.logit += w[a->head + a->F + k] * s.x[a->num_layers][k];
	if (!a->head_size)
		s.logit += (double)t->bias[0].host[user] + t->bias[1].host[item];
	return s;
}

/* Add the gradients of a sample, number `s` of row r, given d of its logit. */
static void backward(const struct net_test *t, struct plain *p, const struct sample *x, uint32_t r,
	uint32_t s, double d)
{
	const struct network *a = &t->a;
	const float *w = t->dense.host;
	double dz[64] = { 0 };

	for (uint32_t k = 0; k < a->F; k++) {
		double head = a->head_size ? w[a->head + k] : 1;

		p->dgmf[0][r * a->F + k] += d * head * x->q[0][k];
		p->dgmf[1][s * a->F + k] += d * head * x->p[0][k];
		if (a->head_size)
			p->gradient[a->head + k] += d * x->p[0][k] * x->q[0][k];
	}
	p->dbias[0][r] += d;
	p->dbias[1][s] += d;
	if (a->has_bias)
		p->gradient[a->bias] += d;
	for (uint32_t k = 0; k < a->H; k++) {
		p->gradient[a->head + a->F + k] += d * x->x[a->num_layers][k];
		dz[k] = d * w[a->head + a->F + k];
	}
	for (uint32_t l = a->num_layers; l-- > 0;) {
		const struct network_layer *layer = &a->layer[l];
		double dx[64] = { 0 };

		for (uint32_t j = 0; j < layer->out; j++) {
			dz[j] = x->x[l + 1][j] > 0 ? dz[j] : 0;
			p->gradient[layer->bias + j] += dz[j];
			for (uint32_t k = 0; k < layer->in; k++) {
				p->gradient[layer->weight + j * layer->in + k] +=
					dz[j] * x->x[l][k];
				dx[k] += dz[j] * w[layer->weight + j * layer->in + k];
			}
		}
		memcpy(dz, dx, sizeof(dz));
	}
	for (uint32_t k = 0; k < a->E; k++) {
		p->dmlp[0][r * a->E + k] += dz[k];
		p->dmlp[1][s * a->E + k] += dz[a->E + k];
	}
}

static double sigmoid(double v)
{
	return 1 / (1 + exp(-v));
}

static void plain_row(const struct net_test *t, struct plain *p, uint32_t r)
{
	const struct net_case *c = t->c;
	const uint32_t *item = t->id.host + c->batch, B = c->batch;
	struct sample x = forward(t, t->id.host[r], item[r]);

	if (c->kind == LOSS_BCE) {
		double label = t->label.host[r];

		p->loss += log(1 + exp(x.logit)) - label * x.logit;
		backward(t, p, &x, r, r, (sigmoid(x.logit) - label) / B);
		return;
	}
	struct sample y = forward(t, t->id.host[r], item[r + B]);
	double sx = c->sigmoid ? sigmoid(x.logit) : x.logit,
	       sy = c->sigmoid ? sigmoid(y.logit) : y.logit;
	double d = sx - sy, dd = c->kind == LOSS_BPR ? -sigmoid(-d) : d < 1 ? -1 : 0;

	p->loss += c->kind == LOSS_BPR ? log(1 + exp(-d)) : fmax(0, 1 - d);
	backward(t, p, &x, r, r, dd * (c->sigmoid ? sx * (1 - sx) : 1) / B);
	backward(t, p, &y, r, r + B, -dd * (c->sigmoid ? sy * (1 - sy) : 1) / B);
}

static struct plain plain_network(const struct net_test *t)
{
	const struct network *a = &t->a;
	uint32_t n[2] = { a->batch, a->batch * a->items_per_row };
	struct plain p;

	for (int side = 0; side < 2; side++) {
		p.dgmf[side] = doubles((size_t)n[side] * a->F);
		p.dmlp[side] = doubles((size_t)n[side] * a->E);
		p.dbias[side] = doubles(n[side]);
	}
	p.gradient = doubles(a->dense.n);
	p.loss = 0;
	for (uint32_t r = 0; r < a->batch; r++)
		plain_row(t, &p, r);
	p.gradient[a->bias] += t->c->l2 * t->dense.host[a->bias];
	return p;
}

/* By the same gradient, adam's first step from moments of 0. */
static double *plain_update(const struct net_test *t, const double *gradient)
{
	double *w = doubles(t->a.dense.n);

	for (uint32_t i = 0; i < t->a.dense.n; i++) {
		double h = gradient[i];

		w[i] = t->dense.host[i] - 0.05f * h / (fabs(h) + 1e-3);
	}
	return w;
}

static void net_free(struct net_test *t)
{
	struct floats *all[] = { &t->gmf[0], &t->gmf[1], &t->mlp[0], &t->mlp[1], &t->bias[0],
		&t->bias[1], &t->dgmf[0], &t->dgmf[1], &t->dmlp[0], &t->dmlp[1], &t->dbias[0],
		&t->dbias[1], &t->dense, &t->moment1, &t->moment2, &t->gradient, &t->partial,
		&t->label };

	for (struct floats *f : all)
		floats_free(f);
	ids_free(&t->id);
	CUDA(cudaFree(t->loss_partial));
}

static void test_network(const struct net_case *c)
{
	const struct update_rule rule = { OPTIMIZER_ADAM, 0.9, 0.999, 0.9f, 0.999f,
		(float)(1 - 0.9), (float)(1 - 0.999), 0, 1e-3f };
	const struct loss_total none = { 10, 3, 5, ~0ull };
	const struct step_state start = { 0.05f, 0, 0, 0 };
	struct net_test t = net_new(c);
	struct loss_total total, *at = (struct loss_total *)dev_bytes(sizeof(none));
	struct step_state *state = (struct step_state *)dev_bytes(sizeof(start));
	bool mf = !t.a.head_size;
	double e[7];

	put_bytes(at, &none, sizeof(none));
	put_bytes(state, &start, sizeof(start));
	net_point(&t);
	struct plain p = plain_network(&t);
	double *moved = plain_update(&t, p.gradient);
	network_backward_cuda(stream, &t.a, &rule, state);
	network_dense_cuda(stream, &t.a, c->l2, at, &rule, state);
	for (int side = 0; side < 2; side++) {
		e[2 * side] = compare(&t.dgmf[side], p.dgmf[side]);
		e[2 * side + 1] = compare(&t.dmlp[side], p.dmlp[side]);
		e[4 + side] = mf ? compare(&t.dbias[side], p.dbias[side]) : 0;
	}
	bool cancels = c->bias && c->kind != LOSS_BCE && !c->sigmoid && c->l2 == 0;
	floats_get(&t.gradient);
	if (cancels)
		CHECK(t.gradient.host[t.a.bias] == 0,
			"network: the gradient of the bias cancels to the bit");
	p.gradient[t.a.bias] = cancels ? 0 : p.gradient[t.a.bias];
	e[6] = compare(&t.gradient, p.gradient);
	CHECK(e[0] <= 1e-5 && e[1] <= 1e-5 && e[2] <= 1e-5 && e[3] <= 1e-5 && e[4] <= 1e-5 &&
			e[5] <= 1e-5 && e[6] <= 1e-5,
		"network: loss %d, B %u, F %u, E %u, %u layers: errors %.2g %.2g %.2g %.2g, biases "
		"%.2g %.2g, dense %.2g",
		(int)c->kind, c->batch, c->F, c->E, c->num_layers, e[0], e[1], e[2], e[3], e[4],
		e[5], e[6]);
	double moves = compare(&t.dense, moved);
	CHECK(moves <= 1e-5, "network: dense parameters move: error %.2g", moves);
	get_bytes(&total, at, sizeof(total));
	CHECK(total.rows == 3 + c->batch && total.batches == 6 && total.bad_batch == ~0ull &&
			fabs(total.sum - 10 - p.loss) <= 1e-6 * p.loss,
		"network: loss %.9g, %.9g expected", total.sum, 10 + p.loss);
	net_free(&t);
	CUDA(cudaFree(at));
	CUDA(cudaFree(state));
}

int main(void)
{
	static const struct net_case cases[] = {
		{ LOSS_BPR, false, false, 300, 10, 10, 3, { 10, 10, 10 }, 0 },
		{ LOSS_BCE, false, true, 1, 1, 1, 1, { 1 }, 0 },
		{ LOSS_BCE, false, true, 77, 5, 9, 2, { 33, 7 }, 0 },
		{ LOSS_HINGE, true, false, 130, 3, 31, 1, { 40 }, 0 },
		{ LOSS_BPR, true, false, 31, 0, 8, 3, { 32, 16, 8 }, 0 },
		{ LOSS_HINGE, false, false, 64, 33, 0, 0, { 0 }, 0 }, /* gmf */
		{ LOSS_BPR, false, true, 500, 17, 0, 0, { 0 }, 0 },   /* mf with biases */
		{ LOSS_BPR, true, true, 65, 64, 0, 0, { 0 }, 0.25f },
		{ LOSS_BCE, false, true, 2000, 2, 0, 0, { 0 }, 0.5f },
		{ LOSS_BPR, false, false, 9001, 3, 20, 1, { 17 }, 0 }, /* several tiles a block */
		{ LOSS_BCE, false, true, 257, 64, 24, 2, { 20, 20 },
			0 }, /* tiles that must be small */
	};
	struct network wide;

	op_test_start("test_ops_network");
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		test_network(&cases[i]);
	memset(&wide, 0, sizeof(wide));
	wide.items_per_row = 2;
	wide.num_layers = 1;
	wide.E = 64;
	wide.layer[0].in = 128;
	wide.layer[0].out = 64;
	wide.head_size = wide.H = 64;
	wide.dense.n = 128 * 64 + 128;
	CHECK(!network_plan(&wide), "network: 128 x 64 weights do not fit");
	return op_test_end();
}
