/*
 * cpu: what the files of the fast backend share. Formulas and dimensions: neumf.h; contract:
 * backend.h.
 *
 * LANES examples lie in the lanes of a vector and weights are broadcast (simd.h, panel.h). So
 * layers of any size need no padding and no packing, and nothing is written between a product and
 * its relu: at every width measured this is faster than the matrix products of a BLAS. The first
 * layer is computed in two halves, W1 [p; q] + b = (W1u p + b) + W1i q: the user half once for the
 * positive and the negative of a row, and in scoring once per user; the item half, in scoring, once
 * per model.
 *
 * A batch is cut into blocks of CPU_BLOCK rows and the blocks into at most CPU_MAX_JOBS contiguous
 * jobs, both determined by its size alone. Each job has its own sums of dense gradients and loss,
 * which are added in job order; the gradient of an embedding row is added in batch order, after
 * sorting the batch by row. So no bit of a result depends on the number of threads: they only share
 * out the jobs. Nor does it depend on the instruction set: sums over examples have 16 lanes however
 * wide a vector is, and all arithmetic is what IEEE 754 defines (simd.h).
 *
 * A score depends on its user and item alone: score_pairs and score_block agree to the bit, and
 * items with equal rows tie.
 */
#ifndef CPU_H
#define CPU_H

#include "base/pool.h"
#include "model/backend.h"

#include <stddef.h>

#define CPU_ARITHMETIC "16 lanes" /* what the last bits depend on (backend.h) */

enum {
	/* rows of a full block */
	CPU_BLOCK = 128,
	/* most jobs of a batch */
	CPU_MAX_JOBS = 32,
	/* most floats in the dense gradients of all jobs, where there are more than 4 jobs */
	CPU_MAX_SUMS = 1 << 24,
	/* floats in a job of the optimizer, about */
	CPU_RANGE = 4096,
	/* users of a scoring job: they share the items' columns in the first-level cache */
	CPU_SCORE_USERS = 16,
	/* operations done by the time another thread has woken up, about 25 microseconds; and those
	   of a step, gradient and update, that are worth the way of what it changes from one core to
	   the other */
	CPU_SMALL = 1 << 20,
	CPU_SMALL_STEP = 3 * CPU_SMALL,
	/* floats that may be read or written past the end of a row: kernels take whole vectors */
	CPU_SLACK = 16
};

/*
 * The two tables of a side, users or items, and the rows of them that the batch holds: gmf
 * (num_rows, F) and mlp (num_rows, E), or the biases of mf (num_rows, 1).
 */
struct cpu_side {
	float *table[2];  /* NULL: the model has none */
	int tensor[2];	  /* of the layout; -1 */
	uint32_t cols[2]; /* F; E, or 1 for a bias; or 0 */
	uint32_t num_rows;

	/*
	 * Occurrences: one user per row of the batch, or `items_per_row` items, the positive first;
	 * with ccl, of these the items kept. After write_gradient, one for each id.
	 */
	uint32_t count;
	uint32_t *id;	 /* (count) the row of each */
	size_t capacity; /* of `gradient`, in occurrences */
	float *gradient; /* (count, stride) d loss / d row: both tables', padding; of users, with
			    HELD_COEFFICIENTS: (num_unique, stride), summed */
	size_t stride;

	uint32_t *order;  /* (count) occurrences sorted by id, those of one id in batch order */
	uint32_t *spare;  /* (count) for sorting */
	uint32_t *unique; /* (num_unique) ids, ascending */
	uint32_t *start;  /* (num_unique + 1) where in `order` an id's occurrences begin */
	uint32_t *slot;	  /* (count) index in `unique` of each place in `order` */
	uint32_t num_unique;
};

/* An item of a group that has a part in its loss. */
struct cpu_kept {
	uint32_t item;
	float cosine, inverse; /* of the item's norm */
};

/* What the optimizer goes through in jobs of rows: the dense tensors, or both tables of a side. */
struct cpu_span {
	const struct cpu_side *side; /* NULL: the dense tensors, as rows of one float */
	uint64_t offset[2];	     /* of the tables or of the dense tensors in params */
	uint64_t rows;
	uint32_t rows_per_job;
};

/* What of the last gradient is in memory. */
enum cpu_held {
	HELD_NOTHING,	    /* none: the parameters have changed since */
	HELD_CONTRIBUTIONS, /* of each occurrence */
	HELD_COEFFICIENTS   /* sums of users; a coefficient for each occurrence of an item */
};

struct backend {
	struct cpu_processes *processes; /* of which this is a part; NULL: it is alone */
	struct neumf_shape shape;
	struct neumf_layout layout;
	struct neumf_optimizer optimizer;
	const struct cpu_kernels *kernels;
	struct pool *pool;	  /* the caller's */
	float *params;		  /* flat, layout order, CPU_SLACK floats longer */
	float *moment1, *moment2; /* flat, layout order; NULL for sgd */

	/* the network: views into params */
	uint32_t factors, mlp_factors; /* F and E, 0 where the model has no such branch */
	uint32_t biases;	       /* 1 where users and items have one, else 0 */
	uint32_t num_hidden, hidden[NEUMF_MAX_HIDDEN];
	const float *weight[NEUMF_MAX_HIDDEN], *bias[NEUMF_MAX_HIDDEN];
	const float *head;	/* `ones` for mf */
	const float *head_bias; /* or the global bias; else `zero` */
	float *ones, zero;

	/* the batch */
	uint32_t batch_size, rows, items_per_row; /* neumf_items_per_row */
	struct cpu_side user, item;
	const float *label; /* the caller's, during gradient() */
	float batch_scale;  /* 1 / B */
	double l2;	    /* yet to be added to sums of rows: 0 after write_gradient */
	size_t jobs, max_jobs;
	uint64_t dense_offset, dense_size; /* dense tensors within params */
	float *dense_gradient;		   /* (max_jobs, dense_size) */
	double job_loss[CPU_MAX_JOBS];
	enum cpu_held held;

	/* mf.h: d loss / d logit of the first and of the second item of each row (batch_size); NULL
	   where contributions are stored instead */
	float *coefficient[2];
	struct backend_loss loss;
	struct backend_gradient *exchanged; /* the caller's, during read_gradient() */

	/* ccl; NULL for other losses */
	const uint32_t *positive, *negative; /* the caller's, during gradient() */
	struct cpu_kept *kept;		     /* (batch_size, items_per_row) */
	uint32_t *num_kept;		     /* (batch_size) of each group */
	size_t *first_kept;		     /* (batch_size) among the occurrences */
	uint32_t first_group, end_group;     /* those that are computed */

	/* ccl and mf.h */
	double *row_loss; /* (batch_size) */

	/* the optimizer */
	struct cpu_span span[3];	/* users last */
	unsigned num_spans, first_span; /* the first of a run of the pool */
	uint64_t step;
	uint64_t gradient_operations, update_operations; /* of the last ones */
	float step_size, second_scale;			 /* lr / (1 - b1^t), 1 / sqrt(1 - b2^t) */

	/*
	 * scoring: item halves of the first layer and premultiplied gmf rows, computed at the first
	 * score after the parameters changed
	 */
	float *item_half;
	bool item_half_valid;

	char *scratch; /* threads x scratch_size bytes, 64-byte aligned */
	size_t scratch_size;
};

/*
 * The kernels of one instruction set (kernels.c). scratch is memory of the calling thread, of the
 * size in bytes that gradient_scratch or score_scratch returns. Ranges are [first, end).
 */
struct cpu_kernels {
	const char *name; /* "avx512" */

	/* Goes through the blocks of a job; stores its rows' contributions, dense sums and loss. */
	size_t (*gradient_scratch)(const struct backend *b);
	void (*gradient)(struct backend *b, size_t job, void *scratch);

	/* For mf but ccl, once users are sorted: a job of users stores their sums, coefficients of
	   items and losses of rows. Then a job of rows adds up dense sums and loss. */
	void (*mf_gradient)(struct backend *b, size_t job);
	void (*mf_sums)(struct backend *b, size_t job);

	/* Of a group, with ccl: finds the items kept; stores its contributions, those of items from
	   occurrence `first` on, and its loss. */
	size_t (*ccl_scratch)(const struct backend *b);
	void (*ccl_keep)(struct backend *b, uint32_t row, void *scratch);
	void (*ccl_gradient)(struct backend *b, uint32_t row, size_t first, void *scratch);

	/* Adds up the contributions to unique ids, with l2: sums (end - first, cpu_sum_stride). */
	void (*row_sums)(const struct backend *b, const struct cpu_side *side, uint32_t first,
		uint32_t end, float *sums);

	/* Copies the columns of one branch from the sums of unique ids to their rows of g, a
	   stretch of that table from row number `row` on. g is 0 before and CPU_SLACK floats
	   longer. */
	void (*spread)(const struct cpu_side *side, unsigned branch, uint32_t first, uint32_t end,
		const float *sums, uint64_t row, float *g);

	/* Adds up the dense gradients of all jobs: n weights from the dense tensors' `first` on. */
	void (*dense_sums)(const struct backend *b, uint64_t first, size_t n, float *g);

	/* One optimizer step on the n weights from params + offset on, with gradient g (n). */
	void (*update)(struct backend *b, uint64_t offset, size_t n, const float *g);

	/* One optimizer step on rows id[0] .. id[rows - 1] of the table (., cols) at params +
	   offset, with gradients g: one row each, `stride` floats apart. */
	void (*update_rows)(struct backend *b, uint64_t offset, uint32_t cols, const uint32_t *id,
		uint32_t rows, const float *g, size_t stride);

	/* Fills item_half, item_half_size floats long, for a range of items. */
	size_t (*item_half_size)(const struct backend *b);
	void (*item_halves)(struct backend *b, void *scratch, uint32_t first, uint32_t end);

	/* Scores of at most CPU_SCORE_USERS users: (user[k], item i) at k * ld + i - first. */
	size_t (*score_scratch)(const struct backend *b);
	void (*score_block)(const struct backend *b, void *scratch, const uint32_t *user,
		uint32_t users, uint32_t first, uint32_t end, float *score, size_t ld);

	/* Scores of n pairs: score[k] of (user[k], item[k]). */
	void (*score_pairs)(const struct backend *b, void *scratch, size_t n, const uint32_t *user,
		const uint32_t *item, float *score);
};

/* What the compiler takes for granted, and levels 3 and 4 of x86-64, compiled only for that. */
extern const struct cpu_kernels cpu_kernels_base, cpu_kernels_v3, cpu_kernels_v4;
enum { CPU_MAX_KERNELS = 3 };

/* Lists the kernels that this processor can run, best first; returns how many, at most max. */
unsigned cpu_kernels_available(const struct cpu_kernels *list[], unsigned max);

/*
 * The best kernels of this processor, or those that COFILTER_CPU names (processor.h). They differ in
 * speed alone; tests compare them.
 */
const struct cpu_kernels *cpu_best_kernels(void);

/* backend_cpu.create and destroy (create.c); tests choose the kernels. */
struct backend *cpu_create(const struct backend_config *config, const struct cpu_kernels *kernels);
void cpu_destroy(struct backend *b);

/* Store contributions of items too, as other models do; before the first gradient (create.c). */
void cpu_store_contributions(struct backend *b);

/* Make `gradient` hold n occurrences; growing loses what it held (create.c). */
void cpu_reserve(struct cpu_side *side, size_t n);

/* gradient() of backend_cpu with ccl, and what groups first .. end - 1 contribute to it, once the
   batch is held (groups.c). */
void cpu_group_gradient(struct backend *b, const struct batch *batch);
void cpu_group_rows(struct backend *b, uint32_t first, uint32_t end);

/* Jobs of a batch of b->rows, and operations a row (backend.c). */
size_t cpu_num_jobs(const struct backend *b);
uint64_t cpu_row_operations(const struct backend *b);

/* Sort the occurrences of a batch by id and find the segments (sort.c). */
void cpu_sort(struct cpu_side *side);

/* Bytes of scratch of an update job; the sums of cpu_rows_per_job rows come first. */
size_t cpu_update_scratch(const struct backend *b);

/* Functions of backend_cpu in backend.c, update.c, state.c and score.c. */
void cpu_update(struct backend *b);
void cpu_read(struct backend *b, struct neumf_rows rows, enum backend_what what, float *out);
void cpu_write(struct backend *b, struct neumf_rows rows, enum backend_what what, const float *in);
/* The first k with unique[k] >= id; num_unique: none. */
uint32_t cpu_first_from(const struct cpu_side *s, uint64_t id);
uint64_t cpu_step(struct backend *b);
void cpu_set_step(struct backend *b, uint64_t step);
void cpu_read_gradient(struct backend *b, struct backend_gradient *g);
void cpu_write_gradient(struct backend *b, const struct backend_gradient *g);
struct backend_loss cpu_loss(struct backend *b);
void cpu_set_loss(struct backend *b, const struct backend_loss *loss);
void cpu_score_pairs(
	void *backend, size_t n, const uint32_t *user, const uint32_t *item, float *score);
void cpu_score_block(
	void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score);

/*
 * Take `size` bytes of scratch at *top, aligned to a cache line, and move *top past them. Starting
 * from NULL, *top ends up as the number of bytes needed.
 */
static inline void *cpu_take(char **top, size_t size)
{
	uintptr_t at = (uintptr_t)*top;

	*top = (char *)(at + (size + 63) / 64 * 64);
	return (void *)at;
}

/* Floats from the sums of one id to those of the next: whole vectors, of 16 lanes at most. */
static inline size_t cpu_sum_stride(const struct cpu_side *side)
{
	return (side->cols[0] + (size_t)side->cols[1] + 15) / 16 * 16;
}

/* Rows of `width` floats in a job of the optimizer, at least one. */
static inline uint32_t cpu_rows_per_job(size_t width)
{
	return width < CPU_RANGE ? (uint32_t)(CPU_RANGE / width) : 1;
}

/* Prefetch n floats from p. */
static inline void cpu_fetch(const float *p, uint32_t n)
{
	for (uint32_t k = 0; k < n; k += 16)
		__builtin_prefetch(p + k);
	__builtin_prefetch(p + n - 1);
}

/* Rows of job k: blocks k n / jobs up to (k + 1) n / jobs, excluded, of the n blocks. */
static inline void cpu_job_rows(const struct backend *b, size_t k, uint32_t *first, uint32_t *end)
{
	uint64_t blocks = (b->rows + (uint64_t)CPU_BLOCK - 1) / CPU_BLOCK;
	uint64_t last = (k + 1) * blocks / b->jobs * CPU_BLOCK;

	*first = (uint32_t)(k * blocks / b->jobs * CPU_BLOCK);
	*end = last < b->rows ? (uint32_t)last : b->rows;
}

/* The tensor `which` (TENSOR_*) within sums of dense gradients; NULL where the model has none. */
static inline float *cpu_dense(const struct backend *b, float *sums, int which)
{
	int k = b->layout.at[which];

	return k < 0 ? NULL : sums + (b->layout.tensor[k].offset - b->dense_offset);
}

/*
 * Run `jobs` jobs that take so many operations in all; the caller does a small amount of work by
 * itself. The choice changes no result.
 */
static inline void cpu_run(struct backend *b, uint64_t operations, size_t jobs,
	void (*job)(void *arg, size_t k, unsigned thread))
{
	if (operations >= CPU_SMALL &&
		b->gradient_operations + b->update_operations >= CPU_SMALL_STEP)
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
