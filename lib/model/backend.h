/*
 * backend: what a compute device does for the trainer and the scorers.
 *
 * lib/reference defines what is correct, lib/cpu is fast, lib/cuda (a plug-in) is fast on a GPU.
 * Formulas and dimensions: neumf.h. A backend dies (die.h) on a device error; numbers that are not
 * finite are left to the caller to judge.
 */
#ifndef BACKEND_H
#define BACKEND_H

#include "model/neumf.h"
#include "rank/scorer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BACKEND_ABI = 7 };

/* TF32: inputs rounded to 10 bits of mantissa. BF16: inputs, outputs and gradients of layers rounded
   to 7, from weights that stay floats. */
enum backend_precision { PRECISION_FP32, PRECISION_TF32, PRECISION_BF16 };
extern const char *const backend_precision_names[];

struct exchange;
struct pool;
struct row_draws;
struct backend; /* each backend defines its own */

struct backend_config {
	struct neumf_shape shape;
	/* The values of all tensors, malloc'ed, in neumf_layout order; the backend owns them from
	   here on. NULL: it makes them itself, as `fresh` draws them, or, where that is NULL too,
	   all 0, for who writes them. */
	float *params;
	const struct neumf_fresh *fresh;	 /* used during create() */
	const struct neumf_optimizer *optimizer; /* copied; NULL: only scoring */
	uint32_t batch_size;			 /* most rows of a batch */
	struct pool *pool; /* borrowed; its threads never change a bit of any result */
	enum backend_precision precision; /* of matrix products; others than cuda ignore it */
	struct exchange *exchange;	  /* borrowed; backend_cpu_processes alone has one */
};

/*
 * B rows. Pairwise losses use user, item (the positive) and negative; bce uses user, item and
 * label; ccl user, item (the positive) and negative, N for each row side by side.
 */
struct batch {
	uint32_t size;
	const uint32_t *user, *item, *negative;
	const float *label;
};

/*
 * Columns of a backend for the rows of a batch, batch_size of them, as struct batch has them. Of
 * `negative` and `label` the loss uses one, the other is NULL.
 */
struct batch_room {
	uint32_t *user, *item, *negative;
	float *label;
};

/*
 * For backends that hold all values in one array: config.params, or what it stands for, with
 * `slack` floats of 0 behind it.
 */
float *backend_params(const struct backend_config *config, size_t slack);

/* Data loss (without l2 and weight decay) over the batches since the last call. */
struct backend_loss {
	double sum; /* over rows */
	uint64_t rows;
	uint64_t batches;
	uint64_t bad_batch; /* first batch, from 0, whose sum is not finite; == batches: none */
};

/*
 * For backends that know the loss of a batch as soon as it is computed: add one batch; return the
 * totals and start again from zero.
 */
void backend_loss_add(struct backend_loss *l, double sum, uint32_t rows);
struct backend_loss backend_loss_take(struct backend_loss *l);

enum backend_what { BACKEND_VALUE, BACKEND_GRADIENT, BACKEND_MOMENT1, BACKEND_MOMENT2 };

/*
 * A gradient as processes exchange it: g of neumf.h (l2 included, weight decay not), embedding
 * tables as the rows that the batch holds, dense tensors whole.
 */
struct backend_gradient {
	uint32_t num[2];		  /* rows of each side, SIDE_USER and SIDE_ITEM */
	uint32_t *id[2];		  /* (num) ascending, each once */
	float *tensor[NEUMF_MAX_TENSORS]; /* by index of neumf_layout: embedding tables
					     (num of their side, cols), dense tensors whole */
};

/* Allocate arrays that hold any gradient of a batch of `batch_size` rows; num becomes 0. */
void backend_gradient_init(
	struct backend_gradient *g, const struct neumf_shape *s, uint32_t batch_size);
void backend_gradient_release(struct backend_gradient *g);

/*
 * For backends' write_gradient: a BUG unless a batch of `batch_size` rows could have given the ids
 * of `g`: not too many, ascending, each once and below the bound of its side.
 */
void backend_gradient_check(
	const struct backend_gradient *g, const struct neumf_shape *s, uint32_t batch_size);

/*
 * State. Values, moments and the step number are all of it: read from one backend, written into a
 * new one of the same kind and configuration, they give the same bits from there on. So does the
 * loss that was taken, for the sums of losses.
 *
 * Functions that train, and moments, the step and gradients as a whole, exist only where
 * backend_config had an optimizer.
 */
struct backend_ops {
	uint32_t abi; /* BACKEND_ABI */
	const char *name;

	/* What the last bits of a result depend on beside `name`, for the model's metadata: "16
	   lanes". NULL: on what describe() says. */
	const char *arithmetic;

	struct backend *(*create)(const struct backend_config *config);

	/*
	 * Optional: room for the next batch in memory of the backend, where gradient() needs no
	 * copy of it. Who fills it gives all columns of it to gradient(), or none; they keep what
	 * is in them till lend() is called again after that. Blocks while work that is queued
	 * reads from there.
	 */
	struct batch_room (*lend)(struct backend *b);

	/*
	 * Compute g of neumf.h for a batch of 1..batch_size rows; it replaces the gradient held
	 * before. The arrays may be reused once the call returns. It is held until an update, or
	 * until a value is written.
	 */
	void (*gradient)(struct backend *b, const struct batch *batch);

	/*
	 * Optional, all three or none: the rows of batches are drawn where they are trained.
	 * draw_from() copies what row_draws.h draws from, triples for a pairwise loss, samples for
	 * bce; it answers NULL, or in one line why rows cannot be drawn here. Then gradient_drawn()
	 * is gradient() of rows first .. first + n - 1 of the run, all epochs counted through, and
	 * drawn() gives the columns of the last such batch, till the next one: for who needs them,
	 * it blocks till they are there.
	 */
	const char *(*draw_from)(struct backend *b, const struct row_draws *draws);
	void (*gradient_drawn)(struct backend *b, uint64_t first, uint32_t n);
	struct batch_room (*drawn)(struct backend *b);

	/* One optimizer step with the gradient held, which it uses up. */
	void (*update)(struct backend *b);

	/* Blocks until queued work finishes: call it once in a while, not at every step. */
	struct backend_loss (*loss)(struct backend *b);

	/* Put back what loss() gave, no batch of it bad: sums go on from it, to the bit. */
	void (*set_loss)(struct backend *b, const struct backend_loss *loss);

	/*
	 * Scores as neumf.h defines s, in float32, by the functions of scorer.h, whose arg is the
	 * backend: score[k] of (user[k], item[k]), k < n.
	 */
	void (*score_pairs)(
		void *backend, size_t n, const uint32_t *user, const uint32_t *item, float *score);

	/*
	 * The same for a block: score[k * (end - first) + i - first] of (user[k], item i),
	 * first <= i < end.
	 */
	void (*score_block)(void *backend, size_t n, const uint32_t *user, uint32_t first,
		uint32_t end, float *score);

	/*
	 * Copy rows of a tensor to `out`, (num, cols): a table is read and written by pieces, so
	 * that nobody needs memory for another one. BACKEND_GRADIENT is g of neumf.h (without
	 * weight decay), dense: 0 for rows that are not in the batch. Moments are 0 for sgd.
	 * Without an optimizer, BACKEND_VALUE only.
	 */
	void (*read)(struct backend *b, struct neumf_rows rows, enum backend_what what, float *out);

	/*
	 * Copy `in` into rows of a tensor: values or a moment. A moment that the optimizer does not
	 * have is a BUG, and so is BACKEND_GRADIENT: see write_gradient.
	 */
	void (*write)(
		struct backend *b, struct neumf_rows rows, enum backend_what what, const float *in);

	/* Optimizer steps taken: t of neumf.h. */
	uint64_t (*step)(struct backend *b);
	void (*set_step)(struct backend *b, uint64_t step);

	/*
	 * Copy the gradient held into `g` (backend_gradient_init with this backend's shape and
	 * batch size): the floats that update() would use.
	 */
	void (*read_gradient)(struct backend *b, struct backend_gradient *g);

	/*
	 * Hold `g` instead, as if a batch of these rows had given it; update() moves by it, and
	 * lazy-adam moves these rows. Nothing is added to it: a gradient that was read and written
	 * back changes no bit of the next update. (The reference holds its gradient in double:
	 * there the update differs as far as rounding the gradient to float makes it.) At most
	 * batch_size users and batch_size x neumf_items_per_row items, as backend_gradient_check
	 * has it.
	 */
	void (*write_gradient)(struct backend *b, const struct backend_gradient *g);

	/* What computes, for a note to the user: "plain", "avx512", "NVIDIA H100, fp32". */
	const char *(*describe)(struct backend *b);

	void (*destroy)(struct backend *b);

	/* Optional, both or neither: as in scorer.h. */
	void (*rank_block)(void *backend, size_t n, const uint32_t *user, uint32_t first,
		uint32_t end, const struct rank_lists *lists, uint32_t *bad,
		struct rank_place *place);
	void (*top_block)(void *backend, size_t n, const uint32_t *user, uint32_t first,
		uint32_t end, const struct rank_lists *lists, uint32_t *bad, uint32_t k,
		uint32_t *top, float *score, uint32_t *num);
};

extern const struct backend_ops backend_reference, backend_cpu;

/*
 * The cpu backend over the processes of an exchange, as process 0 has it: what it writes has the
 * bits of backend_cpu. It trains only: there are no scores, and no gradients as a whole. The other
 * processes follow until it is destroyed; they use `pool`.
 */
extern const struct backend_ops backend_cpu_processes;
void backend_follow(struct exchange *x, struct pool *pool);

/* A backend as a scorer of the users and items of `shape`. The backend stays the caller's. */
struct scorer backend_scorer(
	const struct backend_ops *ops, struct backend *b, const struct neumf_shape *shape);

/*
 * The one symbol of the plug-in, BACKEND_PLUGIN_SYMBOL, is a function of this type. Returns its
 * ops, or NULL with a one-line reason in `why`.
 */
#define BACKEND_PLUGIN_SYMBOL "cofilter_cuda_backend"
typedef const struct backend_ops *backend_plugin(char *why, size_t why_size);

enum backend_device { DEVICE_AUTO, DEVICE_CPU, DEVICE_REFERENCE, DEVICE_CUDA };
extern const char *const backend_device_names[];

/*
 * The ops of a device. DEVICE_AUTO takes cuda when a device answers, else cpu, and says on stderr
 * which and why (unless quiet); DEVICE_CUDA dies with the reason where there is none.
 */
const struct backend_ops *backend_select(enum backend_device device, bool quiet);

#endif
