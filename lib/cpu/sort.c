/*
 * sort: the occurrences of a batch by embedding row, so that the gradient of a row is one sum in a
 * fixed order.
 */
#include "cpu/cpu.h"

#include <string.h>

enum { MAX_DIGIT = 11 };

/* One stable counting pass over `digits` bits of the ids, from bit `shift` on: `order` to `out`. */
static void pass(const uint32_t *id, const uint32_t *order, uint32_t *out, uint32_t n,
	unsigned shift, unsigned digits)
{
	uint32_t at[1 << MAX_DIGIT], sum = 0;
	const uint32_t mask = (1u << digits) - 1;

	memset(at, 0, (mask + 1) * sizeof(*at));
	for (uint32_t k = 0; k < n; k++)
		at[id[k] >> shift & mask]++;
	for (uint32_t d = 0; d <= mask; d++) {
		uint32_t count = at[d];

		at[d] = sum;
		sum += count;
	}
	for (uint32_t k = 0; k < n; k++)
		out[at[id[order[k]] >> shift & mask]++] = order[k];
}

static unsigned bits_of(uint32_t x)
{
	unsigned bits = 0;

	for (; x > 0; x >>= 1)
		bits++;
	return bits;
}

/* Radix sort from the lowest digit; the digits share the bits of the largest id evenly. */
void cpu_sort(struct cpu_side *s)
{
	const unsigned bits = bits_of(s->num_rows - 1);
	const unsigned passes = (bits + MAX_DIGIT - 1) / MAX_DIGIT;
	const unsigned digits = passes > 0 ? (bits + passes - 1) / passes : 0;
	uint32_t *from = s->order, *to = s->spare;

	for (uint32_t k = 0; k < s->count; k++)
		from[k] = k;
	for (unsigned p = 0; p < passes; p++) {
		uint32_t *t = from;

		pass(s->id, from, to, s->count, p * digits, digits);
		from = to;
		to = t;
	}
	s->order = from;
	s->spare = to;

	/* no branches: where one id ends and the next begins cannot be predicted */
	uint32_t unique = 0, previous = s->id[from[0]];

	s->unique[0] = previous;
	s->start[0] = 0;
	for (uint32_t k = 0; k < s->count; k++) {
		uint32_t id = s->id[from[k]];

		unique += id != previous;
		s->unique[unique] = id;
		s->start[unique + 1] = k + 1;
		s->slot[k] = unique;
		previous = id;
	}
	s->num_unique = unique + 1;
}
