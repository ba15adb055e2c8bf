/*
 * backend: what a compute device does for the trainer and the scorer. backend.c defines what is
 * correct, cpu.c is fast, lib/cuda (a plug-in) is the same on a GPU. Formulas: neumf.h.
 *
 * A backend dies (die.h) on a device error; its numbers are the caller's to judge.
 */
#ifndef BACKEND_H
#define BACKEND_H

#include "model/neumf.h"
#include "rank/scorer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BACKEND_ABI = 3 };

struct pool;
struct backend; /* each backend defines its own */

struct backend_config {
	struct neumf_shape shape;
	float *params; /* malloc'ed, neumf_layout order; the backend owns it from here on */
	const struct neumf_optimizer *optimizer; /* copied; NULL: only scoring */
	uint32_t batch_size;			 /* most rows of a batch */
	struct pool *pool; /* borrowed; its threads never change a bit of any result */
	bool tf32;	   /* cuda: TF32 matrix products; others ignore it */
};

/* B rows. Pairwise losses use user, item (the positive) and
   negative; bce uses user, item and label. */
struct batch {
	uint32_t size;
	const uint32_t *user, *item, *negative;
	const float *label;
};

/* Data loss (without l2 and weight decay) over the batches since the last call. */
struct backend_loss {
	double sum; /* over rows */
	uint64_t rows;
	uint64_t batches;
	uint64_t bad_batch; /* first batch, from 0, whose sum is not finite; == batches: none */
};

/* For backends that know a batch's loss at once: count a batch in; hand the counts over and begin anew. */
void backend_loss_add(struct backend_loss *l, double sum, uint32_t rows);
struct backend_loss backend_loss_take(struct backend_loss *l);

/* A gradient as processes exchange it: rows of the embedding tables by id, dense tensors whole. */
struct backend_gradient {
	uint32_t num[2];		  /* rows of each side, SIDE_USER and SIDE_ITEM */
	uint32_t *id[2];		  /* (num) ascending, each once */
	float *tensor[NEUMF_MAX_TENSORS]; /* by index of neumf_layout: embedding tables (num of
					     their side, cols), dense tensors whole */
};

/* Capacity for any gradient of a batch of `batch_size` rows. */
void backend_gradient_init(
	struct backend_gradient *g, const struct neumf_shape *s, uint32_t batch_size);
void backend_gradient_release(struct backend_gradient *g);

enum backend_what { BACKEND_VALUE, BACKEND_GRADIENT, BACKEND_MOMENT1, BACKEND_MOMENT2 };

struct backend_ops {
	uint32_t abi; /* BACKEND_ABI */
	const char *name;

	struct backend *(*create)(const struct backend_config *config);

	/* Compute g of neumf.h for a batch of 1..batch_size rows; it replaces the last one. The
	   arrays may be reused after the return. */
	void (*gradient)(struct backend *b, const struct batch *batch);

	/* One optimizer step with the gradient held. */
	void (*update)(struct backend *b);

	/* Waits for what was asked for; a trainer calls it once in a while, not at every step. */
	struct backend_loss (*loss)(struct backend *b);

	/* Scores as neumf.h defines s, in float32, by the functions of scorer.h, whose arg is the
	   backend: score[k] of (user[k], item[k]), k < n. */
	void (*score_pairs)(
		void *backend, size_t n, const uint32_t *user, const uint32_t *item, float *score);

	/* The same for a block: score[k * (end - first) + i - first]
	   of (user[k], item i), first <= i < end. */
	void (*score_block)(void *backend, size_t n, const uint32_t *user, uint32_t first,
		uint32_t end, float *score);

	/*
	 * Copy tensor number `tensor` of neumf_layout to `out`. The gradient is g of neumf.h
	 * (without weight decay), dense: 0 for rows not in the batch. Moments are 0 for sgd. Only
	 * BACKEND_VALUE without an optimizer.
	 */
	void (*read)(struct backend *b, unsigned tensor, enum backend_what what, float *out);

	/*
	 * Copy `in` into tensor number `tensor`: its value or a moment (moments: only where the
	 * optimizer has them). BACKEND_GRADIENT is a BUG: see write_gradient.
	 */
	void (*write)(struct backend *b, unsigned tensor, enum backend_what what, const float *in);

	/* Optimizer steps taken: t of neumf.h; part of the state beside values and moments. */
	uint64_t (*step)(struct backend *b);
	void (*set_step)(struct backend *b, uint64_t step);

	/* The gradient held, l2 included, weight decay not, as processes exchange it. */
	void (*read_gradient)(struct backend *b, struct backend_gradient *g);

	/*
	 * Hold this gradient instead, as if a batch of these rows had given it: update() moves by
	 * it. At most batch_size users and batch_size x items per row items.
	 */
	void (*write_gradient)(struct backend *b, const struct backend_gradient *g);

	/* What computed, for the model's metadata: "plain", "avx512", "NVIDIA H100, fp32". */
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

/* The one symbol of the plug-in, BACKEND_PLUGIN_SYMBOL: its
   ops, or NULL with a one-line reason in `why`. */
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
