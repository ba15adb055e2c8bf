/*
 * cpu: what the files of the fast backend share. Formulas and dimensions: neumf.h; contract: backend.h.
 *
 * LANES examples lie in the lanes of a vector and weights are broadcast (simd.h, panel.h): no padding to
 * layer sizes, no packing, and at every width measured faster than matrix products of a BLAS, also because
 * nothing is written between a product and its relu. Layer 1 is split, W1 [p; q] + b = (W1u p + b) + W1i q: the
 * user half is computed once for the positive and the negative of a row, and in scoring once a user, the item
 * half once a model.
 *
 * A batch is cut into blocks of `block` rows and the blocks into at most CPU_MAX_JOBS contiguous jobs, both by
 * its size alone. A job has its own sums of dense gradients and loss, added in job order; an embedding row's
 * gradient is added in batch order after sorting the batch by row. So no bit of a result depends on the
 * threads, which only take jobs. The instruction set does change last bits.
 *
 * A score depends on its user and item alone: score_pairs and score_block agree to the bit, and equal rows tie.
 */
#ifndef CPU_H
#define CPU_H

#include "base/pool.h"
#include "model/backend.h"

#include <stddef.h>

enum {
	/* jobs of a batch; with more than 4, their sums of dense gradients take at most so many floats */
	CPU_MAX_JOBS = 32,
	CPU_MAX_SUMS = 1 << 24,
	/* floats that a job of the optimizer takes, about */
	CPU_RANGE = 4096,
	/* users of a scoring job: they share the items' columns in the first cache */
	CPU_SCORE_USERS = 16,
	/* operations that are done before another thread has woken up, about 25 microseconds */
	CPU_SMALL = 1 << 20,
	/* floats that may be read or written past a row's end: kernels take whole vectors */
	CPU_SLACK = 16
};

/* The two embedding tables of one end of the rows, users or items, and what the batch has of them. */
struct cpu_side {
	float *table[2];  /* gmf (num_rows, F) and mlp (num_rows, E); NULL: the model has none */
	uint32_t cols[2]; /* F and E, or 0 */
	uint32_t num_rows;

	uint32_t
		count; /* occurrences: one user a row, `items_per_row` items a row, the positive first */
	uint32_t *id;	 /* (count) the row of each */
	float *gradient; /* (count, stride) d loss / d row: gmf, mlp, padding */
	size_t stride;

	uint32_t *order;  /* (count) occurrences sorted by id, those of one id in batch order */
	uint32_t *spare;  /* (count) for sorting */
	uint32_t *unique; /* (num_unique) ids, ascending */
	uint32_t *start;  /* (num_unique + 1) where in `order` an id's occurrences begin */
	uint32_t *slot;	  /* (count) index in `unique` of each place in `order` */
	uint32_t num_unique;
};

/* What the optimizer walks in jobs of rows: the dense tensors, or both tables of a side. */
struct cpu_span {
	const struct cpu_side *side; /* NULL: the dense tensors, as rows of one float */
	uint64_t offset[2];	     /* in params, of the tables or of the dense tensors */
	uint64_t rows;
	uint32_t rows_per_job;
};

struct backend {
	struct neumf_shape shape;
	struct neumf_layout layout;
	struct neumf_optimizer optimizer;
	const struct cpu_kernels *kernels;
	struct pool *pool;	  /* the caller's */
	float *params;		  /* flat, layout order, CPU_SLACK floats longer */
	float *moment1, *moment2; /* flat, layout order; NULL for sgd */

	/* the network: views into params */
	uint32_t factors, mlp_factors; /* F and E, 0 where the model has no such branch */
	uint32_t num_hidden, hidden[NEUMF_MAX_HIDDEN];
	const float *weight[NEUMF_MAX_HIDDEN], *bias[NEUMF_MAX_HIDDEN];
	const float *head, *head_bias; /* head is `ones` for mf; head_bias is `zero` but for bce */
	float *ones, zero;

	/* the batch */
	uint32_t batch_size, rows, items_per_row; /* items_per_row: 1 for bce, else 2 */
	struct cpu_side user, item;
	const float *label; /* the caller's, during gradient() */
	float batch_scale;  /* 1 / B */
	size_t jobs, max_jobs;
	uint64_t dense_offset, dense_size; /* dense tensors within params */
	float *dense_gradient;		   /* (max_jobs, dense_size) */
	double job_loss[CPU_MAX_JOBS];
	struct backend_loss loss;

	/* the optimizer */
	struct cpu_span span[3];
	unsigned num_spans;
	uint64_t step;
	float step_size, second_scale; /* lr / (1 - b1^t), 1 / sqrt(1 - b2^t) */

	/* scoring: halves of the first layer and premultiplied gmf rows, made at the first score after a change */
	float *item_half;
	bool item_half_valid;

	char *scratch; /* threads x scratch_size bytes, 64-byte aligned */
	size_t scratch_size;
};

/*
 * Kernels of one instruction set. Scratch is a thread's own memory, of the size in bytes that *_scratch says.
 * first and end count rows of a batch, unique ids or items.
 */
struct cpu_kernels {
	const char *name; /* "avx512" */
	uint32_t block;	  /* rows of a full block */

	/* gradient() of the blocks of a job: contributions of its rows, its dense sums and its loss */
	size_t (*gradient_scratch)(const struct backend *b);
	void (*gradient)(struct backend *b, size_t job, void *scratch);

	/* sums of the contributions to unique ids, with l2: (end - first, cpu_sum_stride) */
	void (*row_sums)(const struct backend *b, const struct cpu_side *side, uint32_t first,
		uint32_t end, float *sums);

	/* the same sums of one branch as rows of a table whose row 0 is `row`: g is 0 before, has CPU_SLACK more */
	void (*spread)(const struct cpu_side *side, unsigned branch, uint32_t first, uint32_t end,
		const float *sums, uint64_t row, float *g);

	/* sum over the jobs of dense gradients first .. first + n - 1 */
	void (*dense_sums)(const struct backend *b, uint64_t first, size_t n, float *g);

	/* one optimizer step on n weights from params + offset with gradient g */
	void (*update)(struct backend *b, uint64_t offset, size_t n, const float *g);

	/* the same on rows id[k] of a table (., cols) at params + offset, gradients g (rows, stride) */
	void (*update_rows)(struct backend *b, uint64_t offset, uint32_t cols, const uint32_t *id,
		uint32_t rows, const float *g, size_t stride);

	/* the item half of items first .. end - 1 in item_half, and how many floats all take */
	size_t (*item_half_size)(const struct backend *b);
	void (*item_halves)(struct backend *b, void *scratch, uint32_t first, uint32_t end);

	/* scores of up to CPU_SCORE_USERS users: score[k x ld + i - first] of (user[k], item i) */
	size_t (*score_scratch)(const struct backend *b);
	void (*score_block)(const struct backend *b, void *scratch, const uint32_t *user,
		uint32_t users, uint32_t first, uint32_t end, float *score, size_t ld);
	void (*score_pairs)(const struct backend *b, void *scratch, size_t n, const uint32_t *user,
		const uint32_t *item, float *score);
};

/* The tables: of what the compiler takes for granted, and of levels 3 and 4 of x86-64, there only. */
extern const struct cpu_kernels cpu_kernels_base, cpu_kernels_v3, cpu_kernels_v4;

/* Tables for instruction sets this processor has into list, the best first; returns how many, at most max. */
unsigned cpu_kernels_available(const struct cpu_kernels *list[], unsigned max);

/* backend_cpu.create with given kernels, for tests. */
struct backend *cpu_create(const struct backend_config *config, const struct cpu_kernels *kernels);

/* Sort the occurrences of a batch by id and find the segments (sort.c). */
void cpu_sort(struct cpu_side *side);

size_t cpu_update_scratch(const struct backend *b);

/* Functions of backend_cpu in update.c and score.c. */
void cpu_update(struct backend *b);
void cpu_read(struct backend *b, unsigned tensor, enum backend_what what, float *out);
void cpu_score_pairs(
	void *backend, size_t n, const uint32_t *user, const uint32_t *item, float *score);
void cpu_score_block(
	void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score);

/* The next `size` bytes of scratch memory, from a cache line's boundary; *top moves behind them. With a top that
   began at NULL this counts what is needed. */
static inline void *cpu_take(char **top, size_t size)
{
	uintptr_t at = (uintptr_t)*top;

	*top = (char *)(at + (size + 63) / 64 * 64);
	return (void *)at;
}

/* Floats from one id's sums to the next: whole vectors, of 16 lanes at most. */
static inline size_t cpu_sum_stride(const struct cpu_side *side)
{
	return (side->cols[0] + (size_t)side->cols[1] + 15) / 16 * 16;
}

/* Call for n floats from p on, to be used soon. */
static inline void cpu_fetch(const float *p, uint32_t n)
{
	for (uint32_t k = 0; k < n; k += 16)
		__builtin_prefetch(p + k);
	__builtin_prefetch(p + n - 1);
}

/* Rows of job k: blocks [k n / jobs, (k + 1) n / jobs) of the n blocks. */
static inline void cpu_job_rows(const struct backend *b, size_t k, uint32_t *first, uint32_t *end)
{
	uint64_t blocks = (b->rows + (uint64_t)b->kernels->block - 1) / b->kernels->block;
	uint64_t last = (k + 1) * blocks / b->jobs * b->kernels->block;

	*first = (uint32_t)(k * blocks / b->jobs * b->kernels->block);
	*end = last < b->rows ? (uint32_t)last : b->rows;
}

/* The tensor `which` (TENSOR_*) within sums of dense gradients, or NULL where the model has none. */
static inline float *cpu_dense(const struct backend *b, float *sums, int which)
{
	int k = b->layout.at[which];

	return k < 0 ? NULL : sums + (b->layout.tensor[k].offset - b->dense_offset);
}

/* Jobs of so many operations in all: a small run is the caller's alone. The choice changes no result. */
static inline void cpu_run(struct backend *b, uint64_t operations, size_t jobs,
	void (*job)(void *arg, size_t k, unsigned thread))
{
	if (operations >= CPU_SMALL)
		pool_run(b->pool, jobs, job, b);
	else
		for (size_t k = 0; k < jobs; k++)
			job(b, k, 0);
}

static inline void *cpu_thread_scratch(struct backend *b, unsigned thread)
{
	return b->scratch + thread * b->scratch_size;
}

#endif
