/*
 * neumf: the models, their tensors, formulas and initial values.
 *
 * Dimensions, used in every comment of the backends:
 *   U users, I items, F factors, E mlp factors, H1..Hn hidden widths, B rows of a batch
 *
 * Score of user u and item i (He et al. 2017, eq. 8-12; Rendle et al. 2009 for mf):
 *   g    = gmf_user[u] * gmf_item[i]              elementwise, (F)
 *   x_0  = concat(mlp_user[u], mlp_item[i])       (2E)
 *   x_l  = relu(mlp.(l-1).weight x_(l-1) + mlp.(l-1).bias)     l = 1..n
 *   logit = head.weight . c + head.bias, where c is
 *           neumf: concat(g, x_n)   gmf: g   mlp: x_n
 *   mf:     logit = sum of g, no head
 *           with bias: + user_bias[u] + item_bias[i] + global_bias        Rendle et al. 2020, eq. 2
 *           trained by ccl: sum of p^ * q^, the cosine of gmf_user[u] and gmf_item[i], in
 *           training and in ranking, as in the program of Mao et al. (reczoo, SimpleX,
 *           similarity_score: cosine); x^ = x / sqrt(|x|^2 + NEUMF_COSINE_FLOOR), so that a row
 *           of zeros scores 0. Of s = p^ . q^
 *           d s / d p = (q^ - s p^) / sqrt(|p|^2 + NEUMF_COSINE_FLOOR), and likewise for q
 *   s    = logit, or 1 / (1 + exp(-logit)) with sigmoid_output (neumf_sigmoid)
 *
 * Loss of one row:
 *   bpr    log(1 + exp(-(s_pos - s_neg)))         Rendle et al. 2009, eq. 4
 *   hinge  max(0, 1 - (s_pos - s_neg)); the gradient is 0 at the kink
 *   bce    log(1 + exp(logit)) - label x logit    He et al. 2017, eq. 7
 *   ccl    (1 - s_pos) + W / N x sum over the group's N negatives of max(0, s_neg - M)
 *          cosine contrastive loss, Mao et al. 2021 (SimpleX), W its negative weight and M its
 *          margin; of mf alone, whose score is a cosine then. A negative that is not above the
 *          margin has no part in it and is no occurrence of its item, here and below.
 *   With sigmoid_output it is NaN where a logit reaches NEUMF_SIGMOID_LIMIT: no sigmoid would show
 *   that the model has diverged.
 *
 * Gradient of the batch, for a weight w:
 *   g = mean over the B rows of d loss / d w
 *       + l2 x w x (occurrences of w's row in the batch) / B       embedding rows and biases of mf
 * A row of the batch is one occurrence of its user, one of each of its items, and one of the global
 * bias. So l2 penalizes the biases of mf as it does the embeddings, as in the program of Rendle et
 * al. (google-research, dot_vs_learned_similarity/mf_simple.py); those of layers and head it leaves
 * alone.
 * With bpr and hinge, user_bias and global_bias cancel in s_pos - s_neg, unless sigmoid_output
 * comes between: their gradient is exactly 0, and they stay as they start.
 *
 * Update at step t = 1, 2, ... (h = g + weight_decay x w):
 *   sgd        w -= lr h
 *   adam       m = b1 m + (1 - b1) h;  v = b2 v + (1 - b2) h^2       Kingma & Ba 2015, as PyTorch:
 *              w -= lr / (1 - b1^t) x m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 *              every weight moves at every step
 *   lazy-adam  the same, but an embedding row moves, decays and ages its moments only at the steps
 *              whose batch holds it; t counts all steps; other tensors as adam. PyTorch's
 *              SparseAdam is the same but for eps, which it adds before the bias correction:
 *              m / ((sqrt(v) + eps) / sqrt(1 - b2^t)), so that small gradients move a row less
 *              in the first steps than adam's formula, which is Kingma & Ba's, lets them
 */
#ifndef NEUMF_H
#define NEUMF_H

#include "base/real.h"

#include <stdbool.h>
#include <stdint.h>

enum { NEUMF_MAX_HIDDEN = 8, NEUMF_MAX_TENSORS = 9 + 2 * NEUMF_MAX_HIDDEN };
enum { NEUMF_MAX_WIDTH = 65536 }; /* of factors, mlp factors and hidden layers: sizes fit 64 bits */

/* Here a float has steps of 128, and a sigmoid goes from its first float to its last within 122. */
#define NEUMF_SIGMOID_LIMIT 0x1p30f

/* Where a row's norm is not far above its root, 1e-12, cosines are less. */
#define NEUMF_COSINE_FLOOR 0x1p-80f

enum neumf_model { MODEL_NEUMF, MODEL_GMF, MODEL_MLP, MODEL_MF };
enum neumf_loss { LOSS_BPR, LOSS_HINGE, LOSS_BCE, LOSS_CCL };
enum neumf_optimizer_kind { OPTIMIZER_ADAM, OPTIMIZER_LAZY_ADAM, OPTIMIZER_SGD };
enum neumf_dense_init { DENSE_NORMAL, DENSE_GLOROT };

/* Names of the enums above in their order, NULL-terminated: option values and metadata use them. */
extern const char *const neumf_model_names[],
	*const neumf_loss_names[], *const neumf_optimizer_names[], *const neumf_dense_init_names[];

/* What training by ccl needs to know; no part of a model. */
struct neumf_ccl {
	uint32_t negatives; /* N, of each group */
	double margin, weight;
};

struct neumf_shape {
	enum neumf_model model;
	enum neumf_loss loss; /* head.bias exists exactly for bce */
	bool sigmoid_output;
	uint32_t num_users, num_items;
	uint32_t factors;     /* 0 for mlp */
	uint32_t mlp_factors; /* 0 for gmf and mf */
	uint32_t num_hidden;  /* 1..NEUMF_MAX_HIDDEN for neumf and mlp, else 0 */
	uint32_t hidden[NEUMF_MAX_HIDDEN];
	bool bias; /* mf only: has user, item and global bias */
	struct neumf_ccl ccl;
};

struct neumf_optimizer {
	enum neumf_optimizer_kind kind;
	double lr, weight_decay, l2;
	double beta1, beta2, eps; /* 0.9, 0.999, 1e-8 */
};

/* Whose rows an embedding table holds. */
enum neumf_side { SIDE_USER, SIDE_ITEM, SIDE_NONE };

/*
 * One tensor of a model: row-major (rows, cols) floats at `offset` in the flat parameter array. A
 * bias is (1, n) here, those of users and items (n, 1), and one-dimensional, (n), in a file.
 */
struct neumf_tensor {
	char name[24];
	uint32_t rows, cols;
	uint64_t offset;      /* in floats */
	enum neumf_side side; /* SIDE_NONE: a dense tensor, part of every batch */
	bool bias;
};

/*
 * The role of a tensor, an index into neumf_layout.at. mlp.N.weight is TENSOR_MLP + 2N, its bias
 * the next. First weights depend on the number of a role: it stays.
 */
enum {
	TENSOR_GMF_USER,
	TENSOR_GMF_ITEM,
	TENSOR_MLP_USER,
	TENSOR_MLP_ITEM,
	TENSOR_HEAD,
	TENSOR_HEAD_BIAS,
	TENSOR_MLP,
	TENSOR_USER_BIAS = TENSOR_MLP + 2 * NEUMF_MAX_HIDDEN,
	TENSOR_ITEM_BIAS,
	TENSOR_GLOBAL_BIAS
};

struct neumf_layout {
	unsigned num_tensors;
	struct neumf_tensor tensor[NEUMF_MAX_TENSORS]; /* in name order, as in the file */
	int at[NEUMF_MAX_TENSORS]; /* TENSOR_* to index above, -1: the model has none */
	uint64_t num_params;	   /* floats in all */
};

/* Rows first .. first + num - 1 of tensor number `tensor` of a layout. */
struct neumf_rows {
	unsigned tensor;
	uint32_t first, num;
};

/* Floats of a piece of a tensor, 1 MiB of them: more than any row has. */
enum { NEUMF_PIECE = 1 << 18 };

bool neumf_has_gmf(const struct neumf_shape *s); /* neumf, gmf, mf */
bool neumf_has_mlp(const struct neumf_shape *s); /* neumf, mlp */

/* NULL when every field is in its range and fits the others, else what is wrong, in words. */
const char *neumf_check(const struct neumf_shape *s);

/* Is the score a cosine? */
bool neumf_cosine(const struct neumf_shape *s);

/*
 * Normalize the rows of both tables (x^ above) where the score is a cosine: a product of rows gives
 * it then, to whoever only scores. Sums in double.
 */
void neumf_normalize(const struct neumf_shape *s, float *params);

/* Items of a row of the batch: 1 for bce, 2 (positive and negative) for pairwise losses, 1 + N for
   ccl. */
uint32_t neumf_items_per_row(const struct neumf_shape *s);

/* Width of x_l: 2E for l = 0, H_l above. */
uint32_t neumf_width(const struct neumf_shape *s, uint32_t l);

/* The widest hidden layer, 0 where the model has none. */
uint32_t neumf_widest_hidden(const struct neumf_shape *s);

/* Width of the head's input: F for gmf and mf, Hn for mlp, F + Hn for neumf. */
uint32_t neumf_head_width(const struct neumf_shape *s);

/* Tensors of a model, sorted by name and packed without gaps. */
void neumf_layout(const struct neumf_shape *s, struct neumf_layout *out);

/* All rows of a tensor; how many floats some rows have, and where they begin among all floats of the
   model. */
struct neumf_rows neumf_whole(const struct neumf_layout *l, unsigned tensor);
uint64_t neumf_floats(const struct neumf_layout *l, struct neumf_rows rows);
uint64_t neumf_offset(const struct neumf_layout *l, struct neumf_rows rows);

/*
 * The next rows of their tensor, as many as NEUMF_PIECE floats can hold; false: there are no more.
 * A tensor by pieces: for (struct neumf_rows r = { .tensor = k }; neumf_next_piece(&l, &r);)
 */
bool neumf_next_piece(const struct neumf_layout *l, struct neumf_rows *rows);

/* The tensor `which` (TENSOR_*) within `params`, or NULL where the model has none. */
float *neumf_param(const struct neumf_layout *l, float *params, int which);

/* The score of a float32 logit with sigmoid_output, in float32 but for exp: one definition for
   every machine and, to the bit, for the reference and cpu backends. */
static inline float neumf_sigmoid(float logit)
{
	return 1 / (1 + (float)real_exp(-logit));
}

/* How first weights are drawn. */
struct neumf_fresh {
	double init_std;
	enum neumf_dense_init dense_init;
	uint64_t seed;
};

/*
 * First weights of some rows, (num, cols) floats: weights N(0, init_std), biases 0. With
 * DENSE_GLOROT the mlp layers are uniform in +-sqrt(6 / (in + out)) (Glorot & Bengio 2010) and the
 * head is uniform in +-sqrt(3 / in) (LeCun et al. 1998), as in He et al.'s program. A weight
 * depends on (seed, tensor, index) only: whoever holds some rows draws those alone.
 */
void neumf_init_rows(const struct neumf_layout *l, const struct neumf_fresh *fresh,
	struct neumf_rows rows, float *out);

/* All first weights: params has layout.num_params floats. */
void neumf_init(const struct neumf_shape *s, double init_std, enum neumf_dense_init dense_init,
	uint64_t seed, float *params);

#endif
