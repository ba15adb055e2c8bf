/*
 * device: what the CUDA backend holds in device memory, and the modules that work on it:
 *   backend.cu       the ops of backend.h     graph.cu        when a step is launched, and how
 *   device.cu        memory                   state.cu        reading and writing of state
 *   step.cu          gradient and update      network_step.cu the same of a narrow network
 *   wide.cu          its wide layers          score_driver.cu scores
 *   rank_driver.cu   ranks and top lists      input.cu        batches on their way to the device
 *   draw_driver.cu   batches drawn on the device
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "cuda/fused.h"
#include "cuda/ops.h"

/* A tensor of the layout. */
struct param {
	float *value;		  /* (rows, cols) */
	float *moment1, *moment2; /* (rows, cols); NULL: the optimizer has none */
	float *gradient; /* dense tensors (rows, cols); embedding tables: drow of struct segment */
	float *chunk;	 /* embedding tables: of struct segment */
	float *occurrence; /* tables of a narrow network: (n, cols) gradients of the occurrences */
	uint32_t at;	   /* dense tensors: where they begin in backend.flat */
};

/* Users or items in the gradient that is held: their ids, sorted, and where each begins. */
struct side {
	uint32_t bound;	      /* ids are below this */
	uint32_t per_row;     /* occurrences per row of a batch: 1 user, P items */
	struct sorted sorted; /* n: occurrences in the gradient held */
};

/* One of two input buffers: columns of users, items, negatives (or labels). */
struct input {
	uint32_t *host;	    /* pinned, a column every batch_size rows */
	uint32_t *device;   /* the same side by side, as long as the batch */
	uint32_t *key[2];   /* of each side, sorted */
	uint32_t *position; /* of users, then items */
	uint32_t *slot[2];  /* NULL: rows_only */
	cudaEvent_t copied, sorted, used;
};

/* What rows are drawn from, where the device draws them. */
struct draws {
	struct row_draws from; /* its arrays are on the device */
	void *array[6];
	unsigned num_arrays; /* 0: it does not */
	char why[160];	     /* it does not */
};

struct graph {
	cudaGraphExec_t exec; /* NULL: launched once, kernel by kernel */
	uint32_t n;	      /* rows of the batches that it is for; 0: none */
};
enum { GRAPH_GRADIENT = 1, GRAPH_UPDATE = 2, GRAPH_SORT = 4, GRAPHS };

/* An array that grows on demand, losing what it held; all zeros: empty. */
template <class T> struct device_array {
	T *at;
	size_t capacity;
};

/* Make it hold n objects; never NULL. */
template <class T> static inline T *device_reserve(device_array<T> *a, size_t n)
{
	if (a->capacity <= n) {
		CUDA(cudaFree(a->at));
		CUDA(cudaMalloc((void **)&a->at, (n + 1) * sizeof(T)));
		a->capacity = n + 1;
	}
	return a->at;
}

template <class T> static inline void device_release(device_array<T> *a)
{
	CUDA(cudaFree(a->at));
}

/*
 * How many pairs of a block are scored at a time where a layer has up to `widest` numbers: enough
 * that a launch is long, and no more than 1 GiB of activations (two layers) or 2^31 numbers, since
 * the kernels count in 32 bits. It depends on the shape alone: products of cuBLAS may.
 */
static inline uint32_t device_pairs_at_a_time(uint32_t widest)
{
	const uint32_t most = 1 << 20, fit = widest ? (1u << 27) / widest : most;

	return fit == 0 ? 1 : fit < most ? fit : most;
}

/* Scratch of score_driver.cu, made at the first use. */
struct score_scratch {
	bool planned, fits;	     /* has `narrow` been looked at; does it take the network? */
	struct narrow_scores narrow; /* what does not depend on the pairs */
	size_t pairs, users, items, scores; /* how many the arrays hold */
	uint32_t *user, *item;
	float *user_rows, *user_half; /* (users, E), (users, H1) */
	float *item_rows, *item_half; /* (items, ...); rows: of pairs only */
	float *act[2];		      /* (pairs, widest layer); not where `fits` */
	float *score;
	uint32_t first, held; /* what item_half holds; held 0: nothing */
	uint64_t version;     /* the parameters that item_half was computed from */
	unsigned mark;	      /* the arrays begin here in backend.allocation */
};

/* Scratch of rank_driver.cu. */
struct rank_scratch {
	device_array<uint32_t> removed_start, removed, wanted_start, wanted; /* struct rank_lists */
	device_array<uint32_t> bad;					     /* (users) */
	device_array<struct rank_place> place;				     /* as wanted */
	device_array<uint32_t> top, num; /* (users, k), (users) */
	device_array<float> best;	 /* (users, k) */
};

/* The layers with --precision bf16, see wide_bf16.cu. */
struct wide_bf16 {
	bf16 *weights;					      /* of flat.value, rounded */
	bf16 *rows;					      /* as struct gather */
	bf16 *act[NEUMF_MAX_HIDDEN], *dact[NEUMF_MAX_HIDDEN]; /* act: but of the last layer */
};

/* Layers whose products are cuBLAS's, see wide.cu. */
struct wide {
	struct fused fused;
	/* By layer; NULL: nothing above it can use it. What it held for the batch before is gone
	   once has_mask, which the forward pass sets for the backward pass, is false. */
	uint32_t *mask[NEUMF_MAX_HIDDEN];
	bool has_mask[NEUMF_MAX_HIDDEN];
	bool masked[NEUMF_MAX_HIDDEN]; /* dact is 0 where act is, from the layer above */
	struct wide_bf16 bf16;
};

enum { MAX_ALLOCATIONS = 96 };

struct backend {
	struct neumf_shape shape;
	struct neumf_layout layout;
	struct update_rule rule;
	float l2;
	bool train;
	enum backend_precision precision;
	bool rows_only; /* an update moves no embedding rows but those of the batch */
	uint32_t batch_size, items_per_row; /* most B; P */
	uint32_t F, E, H; /* factors, mlp factors, last hidden; 0: the model lacks that branch */
	char description[320];

	cudaStream_t stream, copy_stream;
	cudaStream_t side_stream; /* for what the next kernel need not wait for */
	cudaEvent_t forked, joined;
	cublasHandle_t blas; /* NULL: every layer is narrow, and there is no `wide` */

	void *allocation[MAX_ALLOCATIONS];
	unsigned num_allocations;
	size_t planned; /* bytes claimed so far */
	bool planning;	/* claims only add to `planned` */

	struct param param[NEUMF_MAX_TENSORS]; /* by index of the layout */
	struct update_flat flat;	       /* the dense tensors, side by side */
	struct side side[2];
	struct sorter sorter;
	struct input input[2];
	struct draws draws;
	struct graph graph[2][GRAPHS]; /* by input buffer and GRAPH_* together */
	unsigned current;	       /* input buffer in use */
	uint32_t n;		       /* rows of the batch in it, 0: none yet */
	bool pending;	  /* the gradient of that batch is asked for, but not yet launched */
	bool written;	  /* the gradient held is not of that batch: write_gradient put it there */
	uint64_t version; /* of the parameters; changes whenever they do */

	bool narrow; /* network.cu takes the whole network, */
	struct network
		network; /* with this plan; what follows is then not there, but for partials */

	float *g, *rows; /* as struct gather */
	float *drows;	 /* (S, 2E) */
	struct wide wide;
	float *act[NEUMF_MAX_HIDDEN], *dact[NEUMF_MAX_HIDDEN]; /* (S, H) of each layer */
	float *dlogit, *partial;
	float *duser_bias; /* (B) dlogit summed over the samples of a row; NULL: no biases */
	double *loss_partial;
	struct loss_total *loss;
	struct step_state *state;

	struct score_scratch scores;
	struct rank_scratch ranks;
	device_array<float> packed;	       /* rows on their way to the host, see state.cu */
	device_array<uint32_t> first_place[2]; /* and where their runs begin, by side */
};

/* The arrays of a tensor, TENSOR_* of neumf.h. NULL: the model lacks it. */
const struct param *device_param(const struct backend *b, int which);
const float *device_value(const struct backend *b, int which);

/* Of layer l (from 0): weights (out, in) and biases (out). */
const struct param *device_weight(const struct backend *b, uint32_t l);
const struct param *device_bias(const struct backend *b, uint32_t l);
/* The number of its inputs, and whether one narrow kernel computes it. */
uint32_t device_in(const struct backend *b, uint32_t l);
bool device_narrow(const struct backend *b, uint32_t l);

/* The sides are those of the current input, b->n rows. */
void device_take_input(struct backend *b);

/* Claim all device memory of the model and its training; dies if it does not fit. */
void device_allocate(struct backend *b);
/* What an allocation of so many bytes takes. */
size_t device_rounded(size_t bytes);
/* n objects in device memory, freed with the backend. */
void *device_claim(struct backend *b, size_t n, size_t size);
/* Free the arrays claimed last, from number `from` on. */
void device_free(struct backend *b, unsigned from);

/*
 * step.cu: put the gradient of the current input on the stream, or the update. then_update: the
 * update follows at once, and `begun` tells it that its scalars are on their way.
 */
void step_gradient(struct backend *b, bool then_update);
void step_update(struct backend *b, bool begun);
/* Sort the ids of the current input, whose sides are those of the backend, on the copy stream. */
void step_sort(struct backend *b);
/* Embedding table `tensor`: its part in segmented sums, but for the gradients of its occurrences, and
   in the update. */
struct segment step_segment(const struct backend *b, unsigned tensor);
struct update_table step_table(const struct backend *b, unsigned tensor);

/* wide.cu: layer l, which is not narrow, of so many samples; its handle */
void wide_open(struct backend *b);
void wide_close(struct backend *b);
void wide_claim(struct backend *b);
/* Before the first layer: copies of the weights, if there are to be any. */
void wide_begin(struct backend *b);
void wide_forward(struct backend *b, uint32_t l, uint32_t samples);
void wide_backward(struct backend *b, uint32_t l, uint32_t samples);
/* After the backward pass and the sum of the losses: the batch is bad if its gradient is. */
void wide_check(struct backend *b);

/* wide_bf16.cu: the same, called by wide.cu */
void wide_bf16_claim(struct backend *b);
void wide_bf16_begin(struct backend *b);
void wide_bf16_forward(struct backend *b, uint32_t l, uint32_t samples);
void wide_bf16_backward(struct backend *b, uint32_t l, uint32_t samples);

/*
 * input.cu: lend() of backend.h, and a batch from there, or from wherever it is, to the device: it
 * becomes the current one. The copy overlaps the step in flight.
 */
void input_open(struct backend *b);
void input_close(struct backend *b);
struct batch_room input_lend(struct backend *b);
void input_put(struct backend *b, const struct batch *batch);

/* draw_driver.cu: draw_from() and drawn() of backend.h, and rows of the run as the current batch. */
const char *draws_from(struct backend *b, const struct row_draws *draws);
void draws_put(struct backend *b, uint64_t first, uint32_t n);
struct batch_room draws_read(struct backend *b);
void draws_free(struct backend *b);

/* network_step.cu: shape and places of b->network, from the dense tensors on; the gradient, and the
   update with it, of a narrow network. */
bool network_prepare(struct backend *b);
void network_step(struct backend *b, bool then_update);

/* graph.cu: sort the ids of the current input, on the stream that copied them. */
void graph_sort(struct backend *b);
/* What the stream has so far is what must be done before the current input is replaced. */
void graph_used(struct backend *b);
/* Launch `what` (GRAPH_GRADIENT, GRAPH_UPDATE or both) for the current input. */
void graph_launch(struct backend *b, unsigned what);
/* Launch the gradient if it is pending; whatever reads or replaces what it reads calls this. */
void graph_flush(struct backend *b);
void graph_destroy(struct backend *b);

/* state.cu: the ops of the same names */
void state_read(struct backend *b, struct neumf_rows rows, enum backend_what what, float *out);
void state_write(
	struct backend *b, struct neumf_rows rows, enum backend_what what, const float *in);
uint64_t state_step(struct backend *b);
void state_set_step(struct backend *b, uint64_t step);
void state_read_gradient(struct backend *b, struct backend_gradient *g);
void state_write_gradient(struct backend *b, const struct backend_gradient *g);

/* score_driver.cu: score_pairs and score_block of backend.h */
void score_pairs(void *backend, size_t n, const uint32_t *user, const uint32_t *item, float *score);
void score_block(
	void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score);
/* As score_block, but leaves the scores (n, end - first) on the device, in scores.score. */
void score_on_device(
	struct backend *b, size_t n, const uint32_t *user, uint32_t first, uint32_t end);

/* rank_driver.cu: rank_block and top_block of backend.h */
void rank_block(void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
	const struct rank_lists *lists, uint32_t *bad, struct rank_place *place);
void top_block(void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
	const struct rank_lists *lists, uint32_t *bad, uint32_t k, uint32_t *top, float *score,
	uint32_t *num);
void rank_free(struct backend *b);

#endif
