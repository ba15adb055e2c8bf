/*
 * device: what the CUDA backend holds on the device, and the work of a step put on its streams.
 *   backend.cu  the ops of backend.h   device.cu  memory   step.cu  gradient and update
 *   scoring.cu  scores                 ranked.cu  ranks and top lists
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "cuda/ops.h"

/* A tensor of the layout on the device. Embedding gradients are rows, see struct segment. */
struct param {
	float *value, *moment1, *moment2;
	float *gradient; /* dense tensors; for embeddings drow, one row an occurrence, and */
	float *carry;	 /* carry_in and carry_out of struct segment */
};

/* The two sides of a batch: users (B occurrences) and items (S). */
struct side {
	uint32_t bound; /* ids of this side */
	uint32_t parts; /* occurrences a row of the batch */
	struct sorter sorter;
	uint32_t *slot;
};

/* One of two input buffers: ids of users, items, negatives (or labels), packed. */
struct input {
	uint32_t *host, *device; /* pinned */
	cudaEvent_t copied, used;
};

struct graph {
	cudaGraphExec_t exec;
	uint32_t n; /* rows it is for; NULL exec: launched once, kernel by kernel */
};
enum { GRAPH_GRADIENT = 1, GRAPH_UPDATE = 2 };

/* Scratch of scoring, made at the first use. */
struct scores {
	uint32_t rows; /* room: pairs at a time, */
	size_t block;  /* scores of a block */
	uint32_t *user, *item;
	float *user_rows, *item_rows, *user_half, *item_half, *act[2], *score;
	uint32_t first, items; /* what item_half holds (items 0: nothing), for */
	uint64_t version;      /* this version of the parameters */
	unsigned mark;	       /* the arrays begin here in backend.allocation */
};

/* Arrays of ranked.cu, of 4-byte numbers, grown on demand. */
enum {
	LIST_REMOVED_START,
	LIST_REMOVED,
	LIST_WANTED_START,
	LIST_WANTED,
	LIST_BAD,
	LIST_PLACE,
	LIST_TOP,
	LIST_BEST,
	LIST_NUM,
	NUM_LISTS
};
struct list {
	uint32_t *at;
	size_t room;
};

enum { MAX_ALLOCATIONS = 96 };

struct backend {
	struct neumf_shape shape;
	struct neumf_layout layout;
	struct update_rule rule;
	float l2;
	bool train, tf32;
	bool rows_only;		    /* an update moves only the embedding rows of the batch */
	uint32_t batch_size, parts; /* most B; P */
	uint32_t F, E, H; /* factors, mlp factors, last hidden; 0: the model lacks that half */
	char description[320];

	cudaStream_t stream, side_stream, copy_stream;
	cudaEvent_t forked, joined;
	cublasHandle_t blas; /* NULL: every layer is narrow */

	void *allocation[MAX_ALLOCATIONS];
	unsigned num_allocations;
	size_t planned; /* bytes; `planning`: claims only add to it */
	bool planning;

	struct param param[NEUMF_MAX_TENSORS]; /* by index of the layout */
	struct update_flat flat;	       /* dense tensors side by side */
	struct side side[2];
	struct input input[2];
	struct graph graph[2][4];
	unsigned current; /* input in use */
	uint32_t n;	  /* rows of the batch in it, 0: none yet */
	bool pending;	  /* its gradient is asked for, not launched */
	uint64_t version; /* updates so far */

	float *g, *user_rows, *item_rows; /* as struct gather */
	float *duser_rows, *ditem_rows;
	uint32_t row_stride,
		user_parts; /* 2E and P: rows are concat(p, q); E and 1: layer 1 is split */
	float *user_half, *duser_half;			       /* (B, H1), split */
	float *act[NEUMF_MAX_HIDDEN], *dact[NEUMF_MAX_HIDDEN]; /* (S, H) of each layer */
	float *dlogit, *partial;
	double *loss_partial;
	struct loss_total *loss;
	struct step_state *state;
	struct scores scores;
	struct list list[NUM_LISTS];
};

/* The tensor's index in the layout and its arrays; TENSOR_*
   of neumf.h. NULL: the model has none. */
const struct param *device_param(const struct backend *b, int which);

/* Inputs of layer l (from 0), its outputs, and whether one narrow kernel does it. */
uint32_t device_in(const struct backend *b, uint32_t l);
bool device_narrow(const struct backend *b, uint32_t l);

/* All device memory of the model and its training, after a check that it fits; dies when not. */
void device_allocate(struct backend *b);
/* n objects on the device, freed with the backend. */
void *device_claim(struct backend *b, size_t n, size_t size);
/* Free the arrays from number `from` on, the last claimed ones. */
void device_free(struct backend *b, unsigned from);

/* step.cu: put the gradient of the current input, or the update, on the stream. */
void step_gradient(struct backend *b);
void step_update(struct backend *b);

/* scoring.cu; scoring_device leaves the block's scores in scores.score (n, end - first) */
void scoring_pairs(void *backend, size_t n, const uint32_t *user, const uint32_t *item, float *score);
void scoring_block(void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
	float *score);
void scoring_device(
	struct backend *b, size_t n, const uint32_t *user, uint32_t first, uint32_t end);

/* ranked.cu: rank_block and top_block of backend.h */
void ranked_places(void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
	const struct rank_lists *lists, uint32_t *bad, struct rank_place *place);
void ranked_top(void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
	const struct rank_lists *lists, uint32_t *bad, uint32_t k, uint32_t *top, float *score,
	uint32_t *num);
void ranked_free(struct backend *b);

#endif
