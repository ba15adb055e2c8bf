/*
 * ops: the launchers of the kernels, one .cu file per section. All arrays are in device memory.
 * Dimensions as in neumf.h: U users, I items, F factors, E mlp factors, H hidden widths, B rows of
 * the batch; and
 *   P  items per row: 2 with a pairwise loss (positive, negative), 1 with bce
 *   S  = P B samples; sample s is user[s % B] with item[s], so the positives come first
 * No kernel adds floats by atomics: sums over rows are taken in an order that depends on the sizes
 * alone, so that two runs give the same bits.
 */
#ifndef OPS_H
#define OPS_H

#include "cuda/bf16.h"

/* ---- draws.cu ---- */

struct drawn_columns {
	uint32_t *user, *item, *third; /* (n); third: negatives, or labels, which are floats */
};

/* Rows first .. first + n - 1 of the run; the arrays of `draws` are on the device. */
void draw_rows_cuda(cudaStream_t stream, const struct row_draws *draws, uint64_t first, uint32_t n,
	struct drawn_columns to);

/* ---- gather.cu ---- */

/* NULL tables: the model lacks that branch. */
struct gather {
	const float *gmf_user, *gmf_item; /* (U, F), (I, F) */
	const float *mlp_user, *mlp_item; /* (U, E), (I, E) */
	const uint32_t *user, *item;	  /* (B), (S) */
	uint32_t batch, items_per_row;	  /* B, P */
	uint32_t factors, mlp_factors;	  /* F, E; 0 for a branch that the model lacks */
	float *g;			  /* (S, F) */
	float *rows;			  /* (S, 2E); NULL: */
	bf16 *rows_bf16;		  /* the same, rounded */
};

/* g = gmf_user[user] * gmf_item[item]; rows = concat(mlp_user[user], mlp_item[item]). */
void gather_forward_cuda(cudaStream_t stream, const struct gather *a);
/* out (n, cols) = table[id[r]] */
void rows_forward_cuda(cudaStream_t stream, const float *table, const uint32_t *id, uint32_t n,
	uint32_t cols, float *out);

/* ---- dense.cu: layers of any width, products by cuBLAS on the handle's stream ---- */

/* y (rows, out) = x (rows, in) w^T, w (out, in); ldx, ldw: floats from row to row. */
void dense_forward_cuda(cublasHandle_t blas, const float *x, uint32_t ldx, const float *w,
	uint32_t ldw, uint32_t rows, uint32_t in, uint32_t out, float *y);
/* dx (rows, in) = dy (rows, out) w */
void dense_dx_cuda(cublasHandle_t blas, const float *dy, const float *w, uint32_t ldw,
	uint32_t rows, uint32_t in, uint32_t out, float *dx);
/* dw (out, in) = dy^T x. partial, from DENSE_SLICED rows on: DENSE_SLICES x out x in floats. */
void dense_dw_cuda(cublasHandle_t blas, const float *dy, const float *x, uint32_t rows, uint32_t in,
	uint32_t out, float *dw, uint32_t lddw, float *partial);
enum { DENSE_SLICES = 64, DENSE_SLICED = 8192 };
/* dw (out, in; lddw) = the sum of the slices of such a partial, in order */
void sum_slices_cuda(cudaStream_t stream, const float *partial, uint32_t in, uint32_t out,
	float *dw, uint32_t lddw);
/* y = relu(y + bias), y (rows, out), bias (out) */
void bias_relu_forward_cuda(
	cudaStream_t stream, float *y, const float *bias, uint32_t rows, uint32_t out);

/* ---- narrow.cu: a whole layer in one kernel ---- */

/* Do in x out weights and their tiles fit the kernel? */
bool narrow_fits(uint32_t in, uint32_t out);
/* y (rows, out) = relu(x w^T + bias), x (rows, ldx); bias NULL: y = x w^T, neither bias nor relu */
void narrow_forward_cuda(cudaStream_t stream, const float *x, uint32_t ldx, const float *w,
	uint32_t ldw, const float *bias, uint32_t rows, uint32_t in, uint32_t out, float *y);
/*
 * With dz = dy (y > 0), y what forward gave: dx (rows, in) = dz w; dw (out, in) = dz^T x; db (out)
 * = sum over rows of dz. partial: NARROW_PARTIALS x out x (in + 1) floats.
 */
void narrow_backward_cuda(cudaStream_t stream, const float *dy, const float *y, const float *x,
	const float *w, uint32_t rows, uint32_t in, uint32_t out, float *dx, float *dw, float *db,
	float *partial);
enum { NARROW_PARTIALS = 256 };

/* ---- reductions.cu ---- */

/* `partial` of the next four: COLUMN_PARTIALS x columns floats */
enum { COLUMN_PARTIALS = 256 };

/* dy (rows, cols) *= (y > 0); db (cols) = column sums of that */
void relu_backward_cuda(cudaStream_t stream, float *dy, const float *y, uint32_t rows,
	uint32_t cols, float *db, float *partial);
/* The same, but dy stays and what it would have become is rounded to dz; db is the sum of what was
   not rounded. */
void relu_round_backward_cuda(cudaStream_t stream, const float *dy, const float *y, uint32_t rows,
	uint32_t cols, bf16 *dz, float *db, float *partial);
/* db (cols) = column sums of dy (rows, cols), T float or bf16 */
template <class T>
void column_sum_cuda(
	cudaStream_t stream, const T *dy, uint32_t rows, uint32_t cols, float *db, float *partial);
/* dhead (F + H, + 1 for the bias if `bias`) = sum over rows of dlogit[r] x concat(g, x, 1)[r] */
void head_backward_cuda(cudaStream_t stream, const float *dlogit, const float *g, const float *x,
	uint32_t rows, uint32_t F, uint32_t H, bool bias, float *dhead, float *partial);
/* sum (B) = the sum over the P samples of a row of v (S) */
void sample_sum_cuda(
	cudaStream_t stream, const float *v, uint32_t batch, uint32_t items_per_row, float *sum);
/*
 * The sums (n) over p < num_partials of partial[p][0..n), added in the order of p: the first
 * `out_size` of them go to `out`, the others to `rest`.
 */
void reduce_partial_cuda(cudaStream_t stream, const float *partial, uint32_t num_partials,
	uint32_t n, float *out, uint32_t out_size, float *rest);

/* out (n) = v (n) rounded */
void round_cuda(cudaStream_t stream, const float *v, uint32_t n, bf16 *out);

/* ---- loss.cu ---- */

/* What backend_loss is made from; in device memory. */
struct loss_total {
	double sum;
	unsigned long long rows, batches, bad_batch; /* bad_batch: ~0 none */
};

struct loss {
	enum neumf_loss kind;
	bool sigmoid_output;
	const float *g, *x;		    /* (S, F), (S, H): input of the head */
	const float *head;		    /* (F + H); NULL: all ones (mf) */
	const float *bias;		    /* (1) or NULL */
	const float *user_bias, *item_bias; /* (U), (I); NULL: the model lacks them */
	const uint32_t *user, *item;	    /* (B), (S), for these */
	const float *label;		    /* (B), bce */
	uint32_t batch, F, H;		    /* B */
	float *dlogit;			    /* (S): of the mean loss */
	float *dx;			    /* (S, H): dlogit x head; NULL: no mlp */
	double *partial;		    /* LOSS_PARTIALS */
};
enum { LOSS_PARTIALS = 1024 };

/* Score, loss and their gradients for each row; the losses are in `partial`. */
void loss_backward_cuda(cudaStream_t stream, const struct loss *a);
/* After it: the batch's sum is added to *total. */
void loss_total_cuda(cudaStream_t stream, const struct loss *a, struct loss_total *total);

/* ---- sort.cu ---- */

enum { SORT_ID_BITS = 31 }; /* ids are below 2^31: keys of both sides together need a bit more */
enum { SORT_COUNTED = 32 * GPU_BLOCK };

/* Are so many ids of the sides, SORT_COUNTED at most of each, sorted without a sorter? */
bool sort_is_counted(uint32_t users, uint32_t items);

/* For up to n ids of both sides together, each below the bound of its side; all zeros where no
   batch needs it. */
struct sorter {
	uint32_t bound[2];	   /* SIDE_USER, SIDE_ITEM */
	uint32_t *marked, *sorted; /* (n), scratch */
	const uint32_t *place;	   /* (n) 0, 1, 2, ...: sort_places_cuda */
	void *scratch;
	size_t scratch_size; /* sort_scratch */
};
size_t sort_scratch(uint32_t n, const uint32_t *bound);
void sort_places_cuda(cudaStream_t stream, uint32_t *place, uint32_t n);

/* The ids of a side of the batch, sorted. */
struct sorted {
	uint32_t n;
	uint32_t *key, *position; /* (n): ascending, and where each stood */
	uint32_t *slot;		  /* (bound) as sort_slots_cuda leaves it; NULL: not wanted */
};
/* A stable sort of id: users (users->n), then items (items->n). The positions of the items begin
   where those of the users end: items->position == users->position + users->n. */
void sort_ids_cuda(cudaStream_t stream, const struct sorter *a, const uint32_t *id,
	const struct sorted *users, const struct sorted *items);
/*
 * slot[id] = the first place of id in key (n, ascending), for every id there; entries of other ids
 * keep what they held (find_row of parts.h tells them apart).
 */
void sort_slots_cuda(cudaStream_t stream, const uint32_t *key, uint32_t n, uint32_t *slot);

/* ---- segment.cu: gradients of embedding rows, and their updates ---- */

/*
 * A table and the sorted ids of its side of the batch. An occurrence is one place of an id in the
 * batch; its gradient is the sum over t < terms, s = o + t B, of
 *   dx given:  dx[s][0..cols), rows `stride` floats apart
 *   dx NULL:   dlogit[s] x head x other[other_id[s % other_mod]]
 */
struct segment {
	const uint32_t *key, *position; /* (n), from sort_ids_cuda */
	uint32_t n;			/* occurrences: B of users, S of items */
	uint32_t cols;
	uint32_t terms, batch; /* 1, or P where each sample has a term of its own; B */
	const float *dx;
	uint32_t stride;
	const float *dlogit, *head, *other; /* (S), (cols) or NULL: all ones, (rows, cols) */
	const uint32_t *other_id;	    /* (other_mod) */
	uint32_t other_mod;
	const float *value; /* the table; with l2: + l2 x value x occurrences */
	float l2;	    /* over B */
	float *chunk;	    /* (n / SEGMENT_CHUNK, cols), scratch */
	float *drow;	    /* (n, cols) */
};
enum { SEGMENT_CHUNK = 8, MAX_TABLES = 4 };
/* The gradient of row id goes to drow[j], j the first place of id in `key`; nothing is written to
   other rows of drow. */
void segment_sum_cuda(cudaStream_t stream, const struct segment *a, unsigned num);

/* ---- optimizer.cu ---- */

/* In device memory, so that a captured graph advances it. */
struct step_state {
	float lr;
	uint64_t step;	 /* t: updates so far */
	float step_size; /* sgd: lr; adam: lr / (1 - b1^t) */
	float root;	 /* 1 / sqrt(1 - b2^t) */
};

struct update_rule {
	enum neumf_optimizer_kind kind;
	double beta1, beta2;  /* for the powers: 0.9f is not 0.9 */
	float decay1, decay2; /* the betas rounded, and 1 - beta rounded */
	float rest1, rest2;
	float weight_decay, eps;
};

/* A dense parameter array, its moments and its gradient, (n) each. */
struct update_flat {
	float *value, *moment1, *moment2;
	float *gradient;
	uint32_t n;
};

/* An embedding table, its moments, and its gradient as struct segment leaves it. */
struct update_table {
	float *value, *moment1, *moment2; /* (rows, cols) */
	uint32_t rows, cols;
	const float *drow;	    /* (n, cols) */
	const uint32_t *key, *slot; /* (n), (rows) */
	uint32_t n;
};

/* Step t + 1 begins: compute its scalars. */
void step_begin_cuda(cudaStream_t stream, struct step_state *state, const struct update_rule *rule);
/* gradient (n) += l2 x value (n) */
void flat_l2_cuda(cudaStream_t stream, const float *value, float l2, uint32_t n, float *gradient);
void flat_update_cuda(cudaStream_t stream, const struct update_flat *a,
	const struct update_rule *rule, const struct step_state *state);
/* Every row of the tables; rows outside the batch have gradient 0. */
void table_update_cuda(cudaStream_t stream, const struct update_table *a, unsigned num,
	const struct update_rule *rule, const struct step_state *state);
/* Only the rows of the batch. */
void row_update_cuda(cudaStream_t stream, const struct update_table *a, unsigned num,
	const struct update_rule *rule, const struct step_state *state);

/*
 * segment.cu: the same gradients as segment_sum_cuda computes, but each moves its row at once and is
 * not kept: drow is not used. all_rows: as table_update_cuda, else as row_update_cuda. The tables
 * must not be those that `other` of another table reads.
 */
void segment_update_cuda(cudaStream_t stream, const struct segment *a,
	const struct update_table *to, unsigned num, bool all_rows, const struct update_rule *rule,
	const struct step_state *state);

/* ---- network.cu: a narrow network in one kernel ---- */

/* Sizes and places are in floats; weight and bias count from the first dense parameter, shared and
   shared_bias from the first weight in shared memory, x, y and dz are numbers of columns there. */
struct network_layer {
	uint32_t in, out, weight, bias;
	uint32_t shared, row, shared_bias; /* rows of `row` floats */
	uint32_t x, y, dz;		   /* input, output and its derivative */
};

/* A batch and the network that it goes through. */
struct network {
	enum neumf_loss kind;
	bool sigmoid_output, has_bias;
	const float *gmf_user, *gmf_item, *mlp_user, *mlp_item; /* as struct gather */
	const float *user_bias, *item_bias;			/* as struct loss */
	const uint32_t *user, *item;				/* (B), (S) */
	const float *label;					/* (B), bce */
	uint32_t batch, items_per_row, F, E, H, num_layers;
	struct network_layer layer[NEUMF_MAX_HIDDEN];
	uint32_t head, head_size; /* among the dense parameters; size 0: all ones (mf) */
	uint32_t bias;		  /* likewise: head.bias or global_bias, if has_bias */
	struct update_flat dense;
	float *dgmf_user, *dmlp_user, *duser_bias; /* (B, F), (B, E), (B): of the mean loss */
	float *dgmf_item, *dmlp_item, *ditem_bias; /* the same of S samples */
	float *partial;				   /* (network_partials, dense.n) */
	double *loss_partial;			   /* LOSS_PARTIALS */
	/* network_plan, and network_backward_cuda */
	uint32_t weights_at, columns_at, shared_head;
	uint32_t columns, q, g, dlogit; /* how many, and which */
	uint32_t x, tiles, blocks;
};
/* Blocks that leave partial sums, at most; shared memory of a block, in bytes, beside that of
   write_loss. */
enum { NETWORK_BLOCKS = 512, NETWORK_SHARED = (48 << 10) - GPU_BLOCK * 8 };

/* From shape and places, fill in the plan; false: the network does not fit. */
bool network_plan(struct network *a);
/* Partial sums that batches of up to a->batch rows leave. */
uint32_t network_partials(const struct network *a);
/*
 * Gather, forward, loss and backward: gradients of the rows of the batch and of its samples, and
 * partial sums of those of dense parameters. With `state`, step t + 1 begins.
 */
void network_backward_cuda(cudaStream_t stream, struct network *a, const struct update_rule *rule,
	struct step_state *state);
/* After it: dense.gradient, where l2 is of the bias; with `state`, the dense parameters move. The
   batch's loss is added to *total. */
void network_dense_cuda(cudaStream_t stream, const struct network *a, float l2,
	struct loss_total *total, const struct update_rule *rule, const struct step_state *state);

/* ---- score_kernels.cu ---- */

/* items > 0: row r is user[r / items] with item first + r % items; 0: user[r] with item[r] */
struct score_output {
	const float *gmf_user, *gmf_item; /* (U, F), (I, F); NULL: the model lacks them */
	const uint32_t *user, *item;
	uint32_t first, items;
	const float *x;					  /* (rows, H) */
	const float *head, *bias, *user_bias, *item_bias; /* as struct loss */
	uint32_t rows, F, H;
	bool sigmoid_output;
	uint32_t width; /* of a row of `score`, of which `items` are written (pairs: 1) */
	float *score;
};
void score_output_cuda(cudaStream_t stream, const struct score_output *a);

/* y (rows, H) = relu(user_half[r / items] + item_half[r % items] + bias); items 0: [r] of both */
void pair_forward_cuda(cudaStream_t stream, const float *user_half, const float *item_half,
	const float *bias, uint32_t rows, uint32_t items, uint32_t H, float *y);

/* ---- score_narrow.cu: what pair_forward, layers and score_output do, in one kernel ---- */

/* A hidden layer: weight (out, in), bias (out); the weights of the first are not read. Sizes, and
   places in shared memory, are in floats; x and y are columns there. */
struct narrow_layer {
	const float *weight, *bias;
	uint32_t out;
	/* score_narrow_plan */
	uint32_t in, shared, row, shared_bias, x, y;
};

struct narrow_scores {
	struct score_output to;		    /* but x, user_bias and item_bias; with a head */
	const float *user_half, *item_half; /* as pair_forward_cuda */
	uint32_t num_layers;		    /* 1 and more; the last has to.H units */
	struct narrow_layer layer[NEUMF_MAX_HIDDEN];
	/* score_narrow_plan */
	uint32_t shared_head, columns_at, columns;
};

/* From the widths, fill in the plan; false: the network does not fit. */
bool score_narrow_plan(struct narrow_scores *a);
/* The bits of a score are those of its pair, whether among pairs or in a block. */
void score_narrow_cuda(cudaStream_t stream, const struct narrow_scores *a);

/* ---- rank_kernels.cu: the candidates of each user, one row of scores per user ---- */

struct rank_rows {
	float *score; /* (rows, width) */
	uint32_t rows, width;
	/* Row r: places removed[removed_start[r]..removed_start[r + 1]) are not candidates. */
	const uint32_t *removed_start, *removed;
	uint32_t *bad; /* (rows) */
};

/* bad[r] = first place of row r whose score is not finite, or width; the removed become -inf. */
void rank_mask_cuda(cudaStream_t stream, const struct rank_rows *a);
/* out[p] of place[p], start[r] <= p < start[r + 1] for row r; as rank_place of ranking.h */
void rank_count_cuda(cudaStream_t stream, const struct rank_rows *a, const uint32_t *start,
	const uint32_t *place, struct rank_place *out);
/*
 * The k >= 1 best places of each row, of equal ones the smaller, in ascending order of places: top
 * and best (their scores) (rows, k), of which num[r] are there.
 */
void rank_top_cuda(cudaStream_t stream, const struct rank_rows *a, uint32_t k, uint32_t *top,
	float *best, uint32_t *num);

#endif
