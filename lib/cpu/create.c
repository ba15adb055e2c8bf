/* create: the memory of the fast backend: views of the parameters, arrays of a batch, scratch. */
#include "cpu/cpu.h"

#include "base/die.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The tables of a side, without what a batch has of them: TENSOR_* `first` and `second`. */
static void side_init(
	struct backend *b, struct cpu_side *s, uint32_t num_rows, int first, int second)
{
	s->num_rows = num_rows;
	s->tensor[0] = b->layout.at[first];
	s->tensor[1] = b->layout.at[second];
	for (unsigned branch = 0; branch < 2; branch++)
		if (s->tensor[branch] >= 0) {
			const struct neumf_tensor *t = &b->layout.tensor[s->tensor[branch]];

			s->table[branch] = b->params + t->offset;
			s->cols[branch] = t->cols;
		}
}

/* Views of the parameters; the array grows so that whole vectors of its last row can be read. */
static void network_views(struct backend *b, const struct backend_config *config)
{
	const struct neumf_shape *s = &b->shape;

	b->params = backend_params(config, CPU_SLACK);
	b->factors = neumf_has_gmf(s) ? s->factors : 0;
	b->mlp_factors = neumf_has_mlp(s) ? s->mlp_factors : 0;
	b->num_hidden = neumf_has_mlp(s) ? s->num_hidden : 0;
	b->biases = s->bias;
	for (uint32_t l = 0; l < b->num_hidden; l++) {
		b->hidden[l] = s->hidden[l];
		b->weight[l] = neumf_param(&b->layout, b->params, TENSOR_MLP + 2 * (int)l);
		b->bias[l] = neumf_param(&b->layout, b->params, TENSOR_MLP + 2 * (int)l + 1);
	}
	b->head = neumf_param(&b->layout, b->params, TENSOR_HEAD);
	if (b->head == NULL) {
		b->ones = xmalloc(b->factors + 1, sizeof(float));
		for (uint32_t k = 0; k < b->factors + 1; k++)
			b->ones[k] = 1;
		b->head = b->ones;
	}
	b->head_bias =
		neumf_param(&b->layout, b->params, s->bias ? TENSOR_GLOBAL_BIAS : TENSOR_HEAD_BIAS);
	if (b->head_bias == NULL)
		b->head_bias = &b->zero;
	side_init(b, &b->user, s->num_users, TENSOR_GMF_USER,
		s->bias ? TENSOR_USER_BIAS : TENSOR_MLP_USER);
	side_init(b, &b->item, s->num_items, TENSOR_GMF_ITEM,
		s->bias ? TENSOR_ITEM_BIAS : TENSOR_MLP_ITEM);
}

static void add_span(struct backend *b, struct cpu_span span)
{
	span.rows_per_job = cpu_rows_per_job(span.side != NULL ? cpu_sum_stride(span.side) : 1);
	b->span[b->num_spans++] = span;
}

static void add_side(struct backend *b, const struct cpu_side *side)
{
	struct cpu_span span = { .side = side, .rows = side->num_rows };

	for (unsigned branch = 0; branch < 2; branch++)
		if (side->table[branch] != NULL)
			span.offset[branch] = (uint64_t)(side->table[branch] - b->params);
	add_span(b, span);
}

/* The dense tensors lie together between the embedding tables, since neumf_layout sorts by name. */
static void spans_init(struct backend *b)
{
	for (unsigned k = 0; k < b->layout.num_tensors; k++) {
		const struct neumf_tensor *t = &b->layout.tensor[k];

		if (t->side != SIDE_NONE)
			continue;
		if (b->dense_size == 0)
			b->dense_offset = t->offset;
		if (t->offset != b->dense_offset + b->dense_size)
			BUG("dense tensors do not lie together");
		b->dense_size += (uint64_t)t->rows * t->cols;
	}
	if (b->dense_size > 0)
		add_span(b,
			(struct cpu_span){ .offset = { b->dense_offset }, .rows = b->dense_size });
	add_side(b, &b->item);
	add_side(b, &b->user);
}

void cpu_reserve(struct cpu_side *s, size_t n)
{
	if (n <= s->capacity)
		return;
	free(s->gradient);
	s->capacity = n;
	s->gradient = xcalloc_table(n * s->stride + CPU_SLACK, sizeof(*s->gradient));
}

/* Arrays for a batch, with `per_row` occurrences in a row of it, but for contributions. */
static void side_batch(struct cpu_side *s, uint32_t batch_size, uint32_t per_row)
{
	size_t n = (size_t)batch_size * per_row;

	s->stride = (s->cols[0] + s->cols[1] + 3) / 4 * 4;
	s->id = xmalloc(n, sizeof(*s->id));
	s->order = xmalloc(n, sizeof(*s->order));
	s->spare = xmalloc(n, sizeof(*s->spare));
	s->unique = xmalloc(n, sizeof(*s->unique));
	s->start = xmalloc(n + 1, sizeof(*s->start));
	s->slot = xmalloc(n, sizeof(*s->slot));
}

/* Room for the contributions of all occurrences; the kernels may store a vector of rows past the
   last one. */
static void reserve_all(struct backend *b, struct cpu_side *s, uint32_t per_row)
{
	cpu_reserve(s, (b->batch_size + (size_t)64) * per_row);
}

static void coefficients_init(struct backend *b)
{
	b->user.stride = cpu_sum_stride(&b->user);
	for (uint32_t s = 0; s < b->items_per_row; s++)
		b->coefficient[s] = xmalloc(b->batch_size, sizeof(*b->coefficient[s]));
	b->row_loss = xmalloc(b->batch_size, sizeof(*b->row_loss));
}

void cpu_store_contributions(struct backend *b)
{
	for (unsigned s = 0; s < 2; s++) {
		free(b->coefficient[s]);
		b->coefficient[s] = NULL;
	}
	reserve_all(b, &b->item, b->items_per_row);
}

static void side_release(struct cpu_side *s)
{
	free(s->id);
	free(s->order);
	free(s->spare);
	free(s->unique);
	free(s->start);
	free(s->slot);
	free(s->gradient);
}

static void training_init(struct backend *b, const struct backend_config *config)
{
	const bool groups = b->shape.loss == LOSS_CCL;
	uint64_t n = b->layout.num_params;

	b->optimizer = *config->optimizer;
	b->batch_size = config->batch_size;
	b->max_jobs = CPU_MAX_JOBS;
	b->items_per_row = neumf_items_per_row(&b->shape);
	side_batch(&b->user, b->batch_size, 1);
	side_batch(&b->item, b->batch_size, b->items_per_row);
	if (!groups && b->shape.model == MODEL_MF)
		coefficients_init(b);
	else if (!groups)
		reserve_all(b, &b->item, b->items_per_row);
	reserve_all(b, &b->user, 1);
	if (groups) {
		/* most items have no gradient: room for those that have one is made when they are
		   known */
		b->kept = xmalloc((size_t)b->batch_size * b->items_per_row, sizeof(*b->kept));
		b->num_kept = xmalloc(b->batch_size, sizeof(*b->num_kept));
		b->first_kept = xmalloc(b->batch_size, sizeof(*b->first_kept));
		b->row_loss = xmalloc(b->batch_size, sizeof(*b->row_loss));
	}
	spans_init(b);
	while (b->max_jobs > 4 && b->max_jobs * b->dense_size > CPU_MAX_SUMS)
		b->max_jobs /= 2;
	b->dense_gradient = xcalloc_aligned(b->max_jobs * b->dense_size, sizeof(float));
	if (b->optimizer.kind != OPTIMIZER_SGD) {
		b->moment1 = xcalloc_table(n, sizeof(float));
		b->moment2 = xcalloc_table(n, sizeof(float));
	}
}

static size_t largest(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Bytes of the largest job of scoring or training. */
static size_t scratch_size(const struct backend *b)
{
	size_t size = b->kernels->score_scratch(b);

	if (b->items_per_row > 0) {
		size = largest(size, b->shape.loss == LOSS_CCL ? b->kernels->ccl_scratch(b)
							       : b->kernels->gradient_scratch(b));
		size = largest(size, cpu_update_scratch(b));
	}
	return (size + 63) / 64 * 64;
}

struct backend *cpu_create(const struct backend_config *config, const struct cpu_kernels *kernels)
{
	struct backend *b = xcalloc(1, sizeof(*b));

	b->shape = config->shape;
	b->kernels = kernels;
	neumf_layout(&b->shape, &b->layout);
	network_views(b, config);
	if (config->optimizer != NULL)
		training_init(b, config);
	b->pool = config->pool;
	b->scratch_size = scratch_size(b);
	b->scratch = xcalloc_aligned(pool_threads(b->pool), b->scratch_size);
	return b;
}

void cpu_destroy(struct backend *b)
{
	side_release(&b->user);
	side_release(&b->item);
	free(b->params);
	free(b->moment1);
	free(b->moment2);
	free(b->ones);
	free(b->dense_gradient);
	free(b->item_half);
	free(b->kept);
	free(b->num_kept);
	free(b->first_kept);
	free(b->row_loss);
	free(b->coefficient[0]);
	free(b->coefficient[1]);
	free(b->scratch);
	free(b);
}
