/*
 * ops: the launchers of the kernels, one .cu file each. All arrays are on the device. Dimensions as
 * in neumf.h: U users, I items, F factors, E mlp factors, H widths, B rows of the batch; and
 *   P  items of a row: 2 with a pairwise loss (positive, negative), 1 with bce
 *   S  = P B samples; sample s is user[s % B] with item[s], so the positives come first
 * No kernel adds floats by atomics: a sum over rows is taken in an order that the sizes alone
 * decide, so that two runs give the same bits.
 */
#ifndef OPS_H
#define OPS_H

#include "cuda/gpu.h"

/* ---- gather.cu ---- */

/* NULL tables: the model has no such half. */
struct gather {
	const float *gmf_user, *gmf_item; /* (U, F), (I, F) */
	const float *mlp_user, *mlp_item; /* (U, E), (I, E) */
	const uint32_t *user, *item;	  /* (B), (S) */
	uint32_t batch, samples;	  /* B, S */
	uint32_t factors, mlp_factors;	  /* F, E; 0 for a half that the model lacks */
	float *g;			  /* (S, F) */
	float *user_rows,
		*item_rows; /* (user_samples, stride), (S, stride), of which E are written */
	uint32_t user_samples, stride; /* B or S */
};

/* g = gmf_user[user] * gmf_item[item]; user_rows = mlp_user[user]; item_rows = mlp_item[item]. */
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
/* dw (out, in) = dy^T x */
void dense_dw_cuda(cublasHandle_t blas, const float *dy, const float *x, uint32_t rows, uint32_t in,
	uint32_t out, float *dw, uint32_t lddw);
/* y = relu(y + bias), y (rows, out), bias (out) */
void bias_relu_forward_cuda(
	cudaStream_t stream, float *y, const float *bias, uint32_t rows, uint32_t out);

/* ---- narrow.cu: a whole layer in one kernel ---- */

/* Do in x out and their tiles fit the kernel? */
bool narrow_fits(uint32_t in, uint32_t out);
/* y (rows, out) = relu(x w^T + bias), x (rows, ldx); bias NULL: y = x w^T, neither bias nor relu */
void narrow_forward_cuda(cudaStream_t stream, const float *x, uint32_t ldx, const float *w,
	uint32_t ldw, const float *bias, uint32_t rows, uint32_t in, uint32_t out, float *y);
/*
 * With dz = dy (y > 0), y what forward gave: dx (rows, in) = dz w; dw (out, in) = dz^T x; db (out)
 * = sum over rows of dz. partial: NARROW_PARTS x out x (in + 1) floats.
 */
void narrow_backward_cuda(cudaStream_t stream, const float *dy, const float *y, const float *x,
	const float *w, uint32_t rows, uint32_t in, uint32_t out, float *dx, float *dw, float *db,
	float *partial);
enum { NARROW_PARTS = 256 };

/* ---- split.cu: layer 1 in two halves, W [p; q] = Wu p + Wi q ---- */

/* y (S, H) = relu(user_half[s % B] + y + bias), user_half (B, H) = Wu p; y comes in as Wi q */
void split_forward_cuda(cudaStream_t stream, float *y, const float *user_half, const float *bias,
	uint32_t batch, uint32_t samples, uint32_t out);
/* duser (B, H) = sum over the samples of a row of dy (S, H) */
void split_backward_cuda(cudaStream_t stream, const float *dy, uint32_t batch, uint32_t samples,
	uint32_t out, float *duser);

/* ---- column_sum.cu ---- */

enum { COLUMN_PARTS = 256 }; /* `partial` of the next two: COLUMN_PARTS x columns floats */

/* dy (rows, cols) *= (y > 0); db (cols) = column sums of that */
void relu_backward_cuda(cudaStream_t stream, float *dy, const float *y, uint32_t rows,
	uint32_t cols, float *db, float *partial);
/* dhead (F + H, and one for the bias if `bias`) = sum over
   rows of dlogit[r] x concat(g, x, 1)[r] */
void head_backward_cuda(cudaStream_t stream, const float *dlogit, const float *g, const float *x,
	uint32_t rows, uint32_t F, uint32_t H, bool bias, float *dhead, float *partial);
/* out (n) = sum over p < parts of partial[p][0..n), in the order
   of p; out takes [0, split), out2 the rest */
void reduce_partial_cuda(cudaStream_t stream, const float *partial, uint32_t parts, uint32_t n,
	float *out, uint32_t split, float *out2);

/* ---- loss.cu ---- */

/* What backend_loss is made of; on the device. */
struct loss_total {
	double sum;
	unsigned long long rows, batches, bad_batch; /* bad_batch: ~0 none */
};

struct loss {
	enum neumf_loss kind;
	bool sigmoid_output;
	const float *g, *x;   /* (S, F), (S, H): input of the head */
	const float *head;    /* (F + H); NULL: all ones (mf) */
	const float *bias;    /* (1) or NULL */
	const float *label;   /* (B), bce */
	uint32_t batch, F, H; /* B */
	float *dlogit;	      /* (S): of the mean loss */
	float *dx;	      /* (S, H): dlogit x head; NULL: no mlp */
	double *partial;      /* LOSS_PARTS */
};
enum { LOSS_PARTS = 1024 };

/* Score, loss and their gradients of each row; the batch's sum is added to *total. */
void loss_backward_cuda(cudaStream_t stream, const struct loss *a, struct loss_total *total);

/* ---- sort.cu ---- */

struct sorter {
	uint32_t *key[2], *position[2]; /* (n) each, scratch; [result] is the outcome */
	uint32_t *count;		/* sort_counts(n) */
};
size_t sort_counts(uint32_t n);
/*
 * Stable radix sort of id (n), each below `bound`: key[result] ascending, position[result] where
 * each stood. Then slot[id] = its first place among the keys, for every id of the batch; entries of
 * other ids keep what they had (find_row of optimizer.cu tells them apart).
 */
void sort_ids_cuda(cudaStream_t stream, const struct sorter *a, const uint32_t *id, uint32_t n,
	uint32_t bound, uint32_t *slot);
unsigned sort_result(uint32_t bound); /* `result`, which depends on the bound alone */

/* ---- segment.cu: gradients of embedding rows ---- */

/*
 * A table and the sorted ids of its side of the batch. The gradient of row id is at drow[j], j the
 * first place of id in `key`; other rows of drow hold nothing.
 */
struct segment {
	const uint32_t *key, *position; /* (n), from sort_ids_cuda */
	uint32_t n;			/* occurrences: B of users, S of items */
	uint32_t cols;
	/* the gradient of an occurrence o is the sum over p < parts, s = o + p B, of either */
	uint32_t parts, batch;
	const float *dx; /* dx[s][0..cols), rows `stride` apart, or, where NULL, */
	uint32_t stride; /* dlogit[s] x head x other[other_id[s % other_mod]] */
	const float *dlogit, *head, *other;
	const uint32_t *other_id;
	uint32_t other_mod;
	const float *value;	     /* the table; with l2: + l2 x value x occurrences */
	float l2;		     /* over B */
	float *drow;		     /* (n, cols) */
	float *carry_in, *carry_out; /* segment_chunks(n) x cols, scratch */
};
enum { SEGMENT_CHUNK = 16, MAX_TABLES = 4 };
static inline uint32_t segment_chunks(uint32_t n)
{
	return (n + SEGMENT_CHUNK - 1) / SEGMENT_CHUNK;
}
void segment_sum_cuda(cudaStream_t stream, const struct segment *a, unsigned num);

/* ---- optimizer.cu ---- */

/* On the device, so that a captured graph advances it. */
struct step_state {
	float lr;
	unsigned step;	 /* t: updates so far */
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

/* A parameter array and its moments; gradient: dense (n), or that of an embedding table. */
struct update_flat {
	float *value, *moment1, *moment2;
	const float *gradient;
	uint32_t n;
};
struct update_table {
	float *value, *moment1, *moment2; /* (rows, cols) */
	uint32_t rows, cols;
	const float *drow; /* as struct segment */
	const uint32_t *key, *slot;
	uint32_t n;
};

/* Step t + 1 begins: its scalars. */
void step_begin_cuda(cudaStream_t stream, struct step_state *state, const struct update_rule *rule);
void flat_update_cuda(cudaStream_t stream, const struct update_flat *a,
	const struct update_rule *rule, const struct step_state *state);
/* Every row of the tables; rows out of the batch have gradient 0. */
void table_update_cuda(cudaStream_t stream, const struct update_table *a, unsigned num,
	const struct update_rule *rule, const struct step_state *state);
/* The rows of the batch only. */
void row_update_cuda(cudaStream_t stream, const struct update_table *a, unsigned num,
	const struct update_rule *rule, const struct step_state *state);

/* ---- score.cu ---- */

struct score_output {
	const float *gmf_user, *gmf_item; /* (U, F), (I, F); NULL: no such half */
	const uint32_t *user, *item;	  /* items 0: row r is user[r] with item[r]; */
	uint32_t first, items;		  /* else user[r / items] with first + r % items */
	const float *x;			  /* (rows, H) */
	const float *head, *bias;	  /* as struct loss */
	uint32_t rows, F, H;
	bool sigmoid_output;
	uint32_t width; /* of a row of `score`, of which `items` are written (pairs: 1) */
	float *score;
};
void score_output_cuda(cudaStream_t stream, const struct score_output *a);

/* y (rows, H) = relu(user_half[r / items] + item_half[r % items] + bias); items 0: of r and r */
void pair_forward_cuda(cudaStream_t stream, const float *user_half, const float *item_half,
	const float *bias, uint32_t rows, uint32_t items, uint32_t H, float *y);

/* ---- rank.cu: the candidates of each user, rows of scores ---- */

struct rank_rows {
	float *score; /* (rows, width) */
	uint32_t rows, width;
	const uint32_t *removed_start, *removed; /* places of row r that are no candidates: */
	/* removed[removed_start[r]..removed_start[r + 1]) */
	uint32_t *bad; /* (rows) */
};

/* bad[r] = first place of row r whose score is not finite, width:
   none; then the removed become -inf. */
void rank_mask_cuda(cudaStream_t stream, const struct rank_rows *a);
/* out[p] of place[p], p in start[r]..start[r + 1] for row r; as rank_place of ranking.h */
void rank_count_cuda(cudaStream_t stream, const struct rank_rows *a, const uint32_t *start,
	const uint32_t *place, struct rank_place *out);
/*
 * The k >= 1 best places of each row, of equal ones the smaller, in ascending order of places: top
 * and best (their scores) (rows, k), num (rows) of which there are.
 */
void rank_top_cuda(cudaStream_t stream, const struct rank_rows *a, uint32_t k, uint32_t *top,
	float *best, uint32_t *num);

#endif
