#include "data/sampling.h"

#include "base/bitset.h"
#include "base/mem.h"
#include "base/real.h"

#include <stdlib.h>

enum { FILTER_BITS = 12 };

/* count^alpha of every item of the input; items that do not occur weigh 0, whatever alpha is. NULL:
   all weigh the same. */
static double *item_weights(const struct sampling_config *c, const struct user_items *seen)
{
	double *weight;

	if (!c->popularity || user_items_size(seen) == 0)
		return NULL;
	weight = xcalloc(seen->num_items, sizeof(*weight));
	for (uint64_t k = 0; k < user_items_size(seen); k++)
		weight[seen->item[k]]++;
	for (uint32_t i = 0; i < seen->num_items; i++)
		if (weight[i] > 0)
			weight[i] = real_exp(c->alpha * real_log(weight[i]));
	return weight;
}

/* The input, with duplicates; the weights of its items. */
static double *read_input(struct sampling *s, const struct sampling_config *c,
	struct sampling_inputs *inputs, struct pool *pool)
{
	const struct rec_header *h = rec_header(inputs->in);

	*s = (struct sampling){ 0 };
	user_items_init(&s->excluded, h->num_users, h->num_items);
	s->interactions = user_items_add_stream(&s->excluded, inputs->in, pool);
	rec_close(inputs->in, true);
	user_items_finish_all(&s->excluded, pool);
	return item_weights(c, &s->excluded);
}

static void read_excluded(struct sampling *s, struct sampling_inputs *inputs, struct pool *pool)
{
	for (unsigned k = 0; k < inputs->num_exclude; k++) {
		user_items_add_stream(&s->excluded, inputs->exclude[k], pool);
		rec_close(inputs->exclude[k], true);
	}
	if (inputs->num_exclude > 0)
		user_items_finish(&s->excluded);
	free(inputs->exclude);
	*inputs = (struct sampling_inputs){ 0 };
}

/* FILTER_BITS per excluded item, or per positive if those are fewer. */
static unsigned filter_bits(const struct sampling *s)
{
	const uint64_t size = user_items_size(&s->excluded), num = s->positives.num;

	if (num >= size)
		return num ? FILTER_BITS : 0;
	return (unsigned)(FILTER_BITS * num / size);
}

static void drop_exhausted(struct sampling *s)
{
	struct positive_index *p = &s->positives;
	unsigned char *skip = bitset_new(s->excluded.num_users);

	for (uint32_t k = 0; k < p->num_users; k++)
		if (!sampler_can_draw(s->sampler, p->user[k])) {
			bitset_add(skip, p->user[k]);
			s->exhausted++;
		}
	if (s->exhausted)
		positive_index_drop(p, skip);
	free(skip);
}

void sampling_epochs(struct sampling *s, const struct sampling_config *c,
	struct sampling_inputs *inputs, struct pool *pool)
{
	double *weight = read_input(s, c, inputs, pool);

	positive_index_init(&s->positives, &s->excluded, pool);
	user_items_finish(&s->excluded);
	read_excluded(s, inputs, pool);
	s->sampler = sampler_new(&s->excluded, weight, filter_bits(s), c->seed, pool);
	drop_exhausted(s);
}

void sampling_candidates(struct sampling *s, const struct sampling_config *c,
	struct sampling_inputs *inputs, struct pool *pool)
{
	double *weight = read_input(s, c, inputs, pool);

	user_items_finish(&s->excluded);
	user_items_copy(&s->seen, &s->excluded);
	read_excluded(s, inputs, pool);
	s->sampler = sampler_new(&s->excluded, weight, 0, c->seed, pool);
}

void sampling_release(struct sampling *s)
{
	sampler_free(s->sampler);
	positive_index_release(&s->positives);
	user_items_release(&s->seen);
	user_items_release(&s->excluded);
}
