#include "linear/item_knn.h"

#include "base/bitset.h"
#include "base/mem.h"
#include "linear/item_knn_model.h"
#include "linear/item_weights.h"
#include "stream/record.h"

#include <stdlib.h>
#include <string.h>

enum { BASE, ITEMS, OFFSETS, ROW_CHECKSUMS, WEIGHTS }; /* tensors of a file, in name order */

const char *const item_similarity_names[] = { "cosine", "jaccard", "rp3beta", NULL };

/* The scores of all items for a user who has the n items own[], ascending. */
static void sum_up(const struct item_knn *m, const uint32_t *own, size_t n, double *sum)
{
	for (uint32_t i = 0; i < m->num_items; i++)
		sum[i] = m->base ? (double)m->base[i] : 0;
	for (size_t a = 0; a < n; a++) {
		for (uint64_t b = m->start[own[a]]; b < m->start[own[a] + 1]; b++)
			sum[m->item[b]] += m->sim[b];
	}
}

static void score_row(const void *arg, const uint32_t *own, size_t n, uint32_t first, uint32_t end,
	double *sum, float *score)
{
	sum_up(arg, own, n, sum);
	for (uint32_t i = first; i < end; i++)
		score[i - first] = (float)sum[i];
}

static void score_some(const void *arg, const uint32_t *own, size_t n, const uint32_t *item,
	size_t num, double *sum, float *score)
{
	sum_up(arg, own, n, sum);
	for (size_t k = 0; k < num; k++)
		score[k] = (float)sum[item[k]];
}

/* Where the file has the lists of these items. */
static void need(void *arg, const uint32_t *own, size_t n)
{
	struct item_knn *m = arg;

	for (size_t a = 0; a < n && m->weights; a++) {
		uint32_t *item = m->item + m->start[own[a]];
		const uint64_t num = m->start[own[a] + 1] - m->start[own[a]];

		if (!bitset_insert(m->read, own[a]))
			continue;
		void *const row[] = { NULL, item, NULL, NULL, m->sim + m->start[own[a]] };
		item_weights_row(m->weights, own[a], m->base ? row : row + ITEMS);
		for (uint64_t k = 0; k < num; k++)
			if (item[k] >= m->num_items)
				item_weights_die(m->weights, "an item is not within its bounds");
	}
}

static const struct from_items_model ops = { need, score_row, score_some };

struct item_knn *item_knn_new(
	struct rec_reader *train, const struct item_knn_config *config, struct pool *pool)
{
	struct item_knn *m = xcalloc(1, sizeof(*m));

	m->pool = pool;
	m->num_items = rec_header(train)->num_items;
	user_items_init(&m->users, rec_header(train)->num_users, m->num_items);
	user_items_add_stream(&m->users, train, pool);
	user_items_finish_all(&m->users, pool);
	user_items_finish(&m->users);
	item_knn_search(m, config);
	packed_items_init(&m->packed, &m->users);
	user_items_release(&m->users);
	from_items_init(&m->from_items, &ops, m, m->num_items, &m->packed, pool);
	return m;
}

/* The tensors of a model with so many lists and items in them: item_weights.h. Without its first,
   where it is not centered. */
static struct item_weights_layout layout_of(
	bool centered, uint64_t rows, uint64_t size, const uint64_t *offsets)
{
	static const char *const names[] = { "base", "items", "offsets", "row_checksums",
		"weights" };
	static const enum safetensors_type types[] = { SAFETENSORS_F32, SAFETENSORS_U32,
		SAFETENSORS_U64, SAFETENSORS_U64, SAFETENSORS_F32 };
	const uint64_t lengths[] = { rows, size, rows + 1, rows, size };
	struct item_weights_layout l = { .num_rows = rows, .offsets = offsets };

	for (unsigned k = centered ? BASE : ITEMS; k <= WEIGHTS; k++) {
		l.of_rows[l.num] = k == ITEMS || k == WEIGHTS;
		l.tensor[l.num++] =
			(struct safetensors_tensor){ names[k], types[k], 1, { lengths[k], 0 } };
	}
	return l;
}

void item_knn_save(const struct item_knn *m, struct stream_out *out, const struct rec_header *train,
	const struct js *provenance)
{
	const uint32_t rows = m->num_items;
	const struct item_weights_layout layout =
		layout_of(m->base != NULL, rows, m->start[rows], m->start);
	const struct safetensors_data data[] = { { m->base, 0 }, { m->item, 0 }, { m->start, 0 },
		{ NULL, 0 }, { m->sim, 0 } };

	item_weights_save(
		out, ITEM_KNN_METHOD, train, provenance, &layout, m->base ? data : data + ITEMS);
}

struct item_knn *item_knn_load(struct item_weights *w, struct pool *pool)
{
	const uint32_t num_items = item_weights_header(w)->num_items;
	const uint64_t size = item_weights_length(w, "items");
	struct item_knn *m = xcalloc(1, sizeof(*m));

	m->weights = w;
	m->num_items = num_items;
	m->start = xmalloc((size_t)num_items + 1, sizeof(*m->start));
	if (item_weights_has(w, "base"))
		m->base = xmalloc(num_items, sizeof(*m->base));
	const struct item_weights_layout layout =
		layout_of(m->base != NULL, num_items, size, m->start);
	void *const index[] = { m->base, NULL, m->start, NULL, NULL };
	item_weights_index(w, &layout, m->base ? index : index + ITEMS);
	for (uint32_t j = 0; j < num_items; j++)
		if (m->start[j] > m->start[j + 1])
			item_weights_die(w, "its offsets do not ascend");
	if (m->start[0] != 0 || m->start[num_items] != size)
		item_weights_die(w, "its offsets do not end with its items");
	m->item = xmalloc(size, sizeof(*m->item));
	m->sim = xmalloc(size, sizeof(*m->sim));
	m->read = bitset_new(num_items);
	from_items_init(&m->from_items, &ops, m, num_items, NULL, pool);
	return m;
}

void item_knn_free(struct item_knn *m)
{
	from_items_release(&m->from_items);
	packed_items_release(&m->packed);
	free(m->start);
	free(m->item);
	free(m->sim);
	free(m->base);
	free(m->read);
	free(m);
}

struct scorer item_knn_scorer(struct item_knn *m)
{
	return from_items_scorer(&m->from_items);
}
