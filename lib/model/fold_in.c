#include "model/fold_in.h"

#include "base/mem.h"
#include "base/progress.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	USERS = 64,	/* fitted together: a batch holds the examples of all of them */
	EXAMPLES = 256, /* of a user in a step; a power of 2 */
	BCE_SHARE = 5,	/* one example of so many is an item of the user */
	STEPS = 60,
	SEED = 1
};

static const double RATE = 0.1, BETA1 = 0.9, BETA2 = 0.99, EPS = 1e-8;
static const double PRIOR_WEIGHT = 0.1;

/* The tensors of a layout that have a row per user; side by side these are d values. */
struct user_tensors {
	unsigned num;
	unsigned index[NEUMF_MAX_TENSORS]; /* in the layout */
	const struct neumf_tensor *tensor[NEUMF_MAX_TENSORS];
	size_t width; /* d */
};

static struct user_tensors user_tensors(const struct neumf_layout *l)
{
	struct user_tensors u = { 0 };

	for (unsigned k = 0; k < l->num_tensors; k++)
		if (l->tensor[k].side == SIDE_USER) {
			u.index[u.num] = k;
			u.tensor[u.num++] = &l->tensor[k];
			u.width += l->tensor[k].cols;
		}
	return u;
}

/* m_k, and sqrt(v_k). */
struct prior {
	double *mean, *deviation;
};

/* Of column c of a tensor. */
static void column_moments(const struct neumf_tensor *t, const float *params, uint32_t c,
	double *mean, double *deviation)
{
	const float *first = params + t->offset + c;
	double sum = 0, squares = 0;

	for (uint32_t u = 0; u < t->rows; u++)
		sum += first[(size_t)u * t->cols];
	*mean = sum / t->rows;
	for (uint32_t u = 0; u < t->rows; u++) {
		const double off = first[(size_t)u * t->cols] - *mean;

		squares += off * off;
	}
	*deviation = sqrt(squares / t->rows);
}

static void prior_init(struct prior *p, const struct user_tensors *u, const float *params)
{
	size_t i = 0;

	p->mean = xmalloc(u->width, sizeof(*p->mean));
	p->deviation = xmalloc(u->width, sizeof(*p->deviation));
	for (unsigned k = 0; k < u->num; k++)
		for (uint32_t c = 0; c < u->tensor[k]->cols; c++, i++)
			column_moments(u->tensor[k], params, c, &p->mean[i], &p->deviation[i]);
}

static void prior_release(struct prior *p)
{
	free(p->mean);
	free(p->deviation);
}

/* Parameters of a model of `shape`, which has other users than `old`: all but these. */
static float *copy_others(
	const struct neumf_shape *old, const float *params, const struct neumf_shape *shape)
{
	struct neumf_layout from, to;
	float *copy;

	neumf_layout(old, &from);
	neumf_layout(shape, &to);
	mem_need((double)to.num_params * sizeof(*copy), "a model of %u users", shape->num_users);
	copy = xcalloc(to.num_params, sizeof(*copy));
	for (unsigned k = 0; k < from.num_tensors; k++)
		if (from.tensor[k].side != SIDE_USER)
			memcpy(copy + to.tensor[k].offset, params + from.tensor[k].offset,
				(size_t)from.tensor[k].rows * from.tensor[k].cols * sizeof(*copy));
	return copy;
}

void fold_in_means(struct model *m, const struct item_lists *users)
{
	struct neumf_shape shape = m->shape;
	struct neumf_layout old, layout;
	struct prior prior;
	float *params;
	size_t i = 0;

	neumf_layout(&m->shape, &old);
	shape.num_users = (uint32_t)users->num;
	neumf_layout(&shape, &layout);
	const struct user_tensors from = user_tensors(&old), to = user_tensors(&layout);
	prior_init(&prior, &from, m->params);
	params = copy_others(&m->shape, m->params, &shape);
	for (unsigned k = 0; k < to.num; i += to.tensor[k++]->cols) {
		const struct neumf_tensor *t = to.tensor[k];

		for (size_t v = 0; v < (size_t)t->rows * t->cols; v++)
			params[t->offset + v] = (float)prior.mean[i + v % t->cols];
	}
	prior_release(&prior);
	free(m->params);
	m->params = params;
	m->shape = shape;
}

/* A user who is fitted, and Adam's two moments of z; width values each. */
struct fit {
	uint32_t user, num;
	const uint32_t *item;
	double *z, *moment1, *moment2;
};

struct run {
	const struct backend_ops *ops;
	struct backend *backend;
	struct neumf_shape shape; /* with USERS + 1 users: the last fills up batches */
	struct neumf_layout layout;
	struct user_tensors tensors;
	struct prior prior;
	struct fit fit[USERS];
	uint32_t num; /* of them */

	float *table[NEUMF_MAX_TENSORS]; /* of each tensor: values for the backend, or gradients */
	double *gradient;		 /* of z, of one user */
	uint32_t *user, *item, *negative;
	float *label;
};

static bool has_item(const struct fit *f, uint32_t item)
{
	uint32_t low = 0, high = f->num;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (f->item[middle] == item)
			return true;
		if (f->item[middle] < item)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static uint32_t draw(const struct fit *f, uint32_t num_items, uint32_t step, uint32_t example)
{
	uint32_t item;
	struct rng r;

	rng_start(&r, SEED, RNG_FOLD_IN, step, example);
	do {
		if (r.block % (1 << 16) == (1 << 16) - 1)
			rng_extend(&r);
		item = rng_below(&r, num_items);
	} while (has_item(f, item));
	return item;
}

/* Example k of a step: the user's items in turn, from where the step before ended. */
static void make_example(struct run *r, const struct fit *f, uint32_t step, uint32_t k, size_t at)
{
	const bool bce = r->shape.loss == LOSS_BCE, positive = !bce || k % BCE_SHARE == 0;
	const uint64_t each = bce ? (EXAMPLES + BCE_SHARE - 1) / BCE_SHARE : EXAMPLES;
	const uint64_t turn = step * each + (bce ? k / BCE_SHARE : k);

	r->label[at] = positive;
	r->negative[at] = bce ? 0 : draw(f, r->shape.num_items, step, k);
	r->item[at] = positive ? f->item[turn % f->num] : draw(f, r->shape.num_items, step, k);
}

/* The examples of all users, filled up to 2^k with those of the first for a user who is nobody. */
static struct batch make_batch(struct run *r, uint32_t step)
{
	uint32_t size = EXAMPLES;

	while (size < r->num * EXAMPLES)
		size *= 2;
	for (uint32_t at = 0; at < size; at++) {
		const uint32_t who = at / EXAMPLES < r->num ? at / EXAMPLES : USERS;

		r->user[at] = who;
		if (who < USERS) {
			make_example(r, &r->fit[who], step, at % EXAMPLES, at);
			continue;
		}
		r->item[at] = r->item[at % EXAMPLES];
		r->negative[at] = r->negative[at % EXAMPLES];
		r->label[at] = r->label[at % EXAMPLES];
	}
	return (struct batch){ .size = size,
		.user = r->user,
		.item = r->item,
		.negative = r->negative,
		.label = r->label };
}

/* The values of a user for the backend: m + sqrt(v) z. */
static void place(struct run *r, uint32_t who)
{
	size_t i = 0;

	for (unsigned k = 0; k < r->tensors.num; k++) {
		const uint32_t cols = r->tensors.tensor[k]->cols;
		float *row = r->table[k] + (size_t)who * cols;

		for (uint32_t c = 0; c < cols; c++, i++)
			row[c] = (float)(r->prior.mean[i] +
					 r->prior.deviation[i] * r->fit[who].z[i]);
	}
}

/* One step of Adam; power[]: BETA1 and BETA2 to the number of steps. */
static void move(struct run *r, uint32_t who, double scale, double rate, const double *power)
{
	struct fit *f = &r->fit[who];
	size_t i = 0;

	for (unsigned k = 0; k < r->tensors.num; k++) {
		const uint32_t cols = r->tensors.tensor[k]->cols;
		const float *row = r->table[k] + (size_t)who * cols;

		for (uint32_t c = 0; c < cols; c++, i++)
			r->gradient[i] =
				r->prior.deviation[i] * scale * row[c] + PRIOR_WEIGHT * f->z[i];
	}
	for (i = 0; i < r->tensors.width; i++) {
		const double g = r->gradient[i];

		f->moment1[i] = BETA1 * f->moment1[i] + (1 - BETA1) * g;
		f->moment2[i] = BETA2 * f->moment2[i] + (1 - BETA2) * g * g;
		f->z[i] -= rate / (1 - power[0]) * f->moment1[i] /
			   (sqrt(f->moment2[i] / (1 - power[1])) + EPS);
	}
}

static void take_step(struct run *r, uint32_t step, const double *power)
{
	const struct user_tensors *u = &r->tensors;
	const double share = r->shape.loss == LOSS_BCE ? BCE_SHARE : 1;
	const struct batch batch = make_batch(r, step);

	for (unsigned k = 0; k < u->num; k++)
		r->ops->write(r->backend, neumf_whole(&r->layout, u->index[k]), BACKEND_VALUE,
			r->table[k]);
	r->ops->gradient(r->backend, &batch);
	for (unsigned k = 0; k < u->num; k++) {
		r->ops->read(r->backend, neumf_whole(&r->layout, u->index[k]), BACKEND_GRADIENT,
			r->table[k]);
		memset(r->table[k] + (size_t)USERS * u->tensor[k]->cols, 0,
			u->tensor[k]->cols * sizeof(float));
	}
	for (uint32_t who = 0; who < r->num; who++) {
		/* from the mean over the batch to n x that over the user's examples */
		const double scale = share * r->fit[who].num * (batch.size / EXAMPLES);

		move(r, who, scale, RATE * (STEPS - step) / STEPS, power);
		place(r, who);
	}
}

/* Fit the users of the run, and put their rows into the model. */
static void fit_users(struct run *r, struct model *m, const struct user_tensors *to)
{
	double power[2] = { 1, 1 };

	for (uint32_t who = 0; who < r->num; who++) {
		memset(r->fit[who].z, 0, 3 * r->tensors.width * sizeof(double));
		place(r, who);
	}
	for (uint32_t step = 0; step < STEPS; step++) {
		power[0] *= BETA1;
		power[1] *= BETA2;
		take_step(r, step, power);
	}
	for (uint32_t who = 0; who < r->num; who++)
		for (unsigned k = 0; k < to->num; k++) {
			const size_t cols = to->tensor[k]->cols;

			memcpy(m->params + to->tensor[k]->offset + r->fit[who].user * cols,
				r->table[k] + who * cols, cols * sizeof(float));
		}
	r->num = 0;
}

static void run_init(
	struct run *r, const struct model *m, const struct backend_ops *ops, struct pool *pool)
{
	static const struct neumf_optimizer none = { .kind = OPTIMIZER_SGD };
	const size_t examples = USERS * EXAMPLES;
	struct neumf_layout trained;

	*r = (struct run){ .ops = ops, .shape = m->shape };
	r->shape.num_users = USERS + 1;
	neumf_layout(&r->shape, &r->layout);
	r->tensors = user_tensors(&r->layout);
	neumf_layout(&m->shape, &trained);
	const struct user_tensors from = user_tensors(&trained);
	prior_init(&r->prior, &from, m->params);
	for (unsigned k = 0; k < r->tensors.num; k++)
		r->table[k] = xcalloc(
			(USERS + 1) * (size_t)r->tensors.tensor[k]->cols, sizeof(**r->table));
	r->gradient = xmalloc(r->tensors.width, sizeof(*r->gradient));
	r->user = xmalloc(examples, sizeof(*r->user));
	r->item = xmalloc(examples, sizeof(*r->item));
	r->negative = xmalloc(examples, sizeof(*r->negative));
	r->label = xmalloc(examples, sizeof(*r->label));
	for (uint32_t who = 0; who < USERS; who++) {
		struct fit *f = &r->fit[who];

		f->z = xmalloc(3 * r->tensors.width, sizeof(*f->z));
		f->moment1 = f->z + r->tensors.width;
		f->moment2 = f->moment1 + r->tensors.width;
	}
	r->backend = ops->create(&(struct backend_config){ .shape = r->shape,
		.params = copy_others(&m->shape, m->params, &r->shape),
		.optimizer = &none,
		.batch_size = (uint32_t)examples,
		.pool = pool });
}

static void run_release(struct run *r)
{
	r->ops->destroy(r->backend);
	prior_release(&r->prior);
	for (unsigned k = 0; k < r->tensors.num; k++)
		free(r->table[k]);
	for (uint32_t who = 0; who < USERS; who++)
		free(r->fit[who].z);
	free(r->gradient);
	free(r->user);
	free(r->item);
	free(r->negative);
	free(r->label);
}

void fold_in(struct model *m, const struct item_lists *users, const struct backend_ops *ops,
	struct pool *pool)
{
	struct neumf_layout layout;
	struct run r;

	run_init(&r, m, ops, pool);
	fold_in_means(m, users);
	neumf_layout(&m->shape, &layout);
	const struct user_tensors to = user_tensors(&layout);
	progress_start("new users", users->num);
	for (uint32_t u = 0; u < users->num; u++) {
		const uint64_t num = users->start[u + 1] - users->start[u];

		if (num > 0 && num < m->shape.num_items) {
			r.fit[r.num].user = u;
			r.fit[r.num].num = (uint32_t)num;
			r.fit[r.num++].item = users->item + users->start[u];
		}
		if (r.num == USERS) {
			fit_users(&r, m, &to);
			progress_at(u);
		}
	}
	if (r.num > 0)
		fit_users(&r, m, &to);
	progress_end();
	run_release(&r);
}
