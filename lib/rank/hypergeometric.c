#include "rank/hypergeometric.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define LEAST 1e-20

static uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The most probable number. */
static uint32_t mode_of(uint32_t population, uint32_t marked, uint32_t n)
{
	const double mode = (n + 1.0) * (marked + 1.0) / (population + 2.0);

	return min32((uint32_t)mode, min32(marked, n));
}

static void push(struct hypergeometric *h, double p)
{
	if (h->num == h->capacity)
		h->p = xgrow(h->p, &h->capacity, (size_t)h->num + 1, sizeof(*h->p));
	h->p[h->num++] = p;
}

/* Relative to the mode's: from it downwards. */
static void descend(struct hypergeometric *h, uint32_t least, double rest, double x, double n)
{
	double p = 1;

	for (uint32_t k = h->first; p > LEAST; k--) {
		push(h, p);
		h->first = k;
		if (k == least)
			break;
		p *= k * (rest - n + k) / ((x - k + 1) * (n - k + 1));
	}
}

/* From above it upwards. */
static void ascend(
	struct hypergeometric *h, uint32_t mode, uint32_t most, double rest, double x, double n)
{
	double p = 1;

	for (uint32_t k = mode; k < most; k++) {
		p *= (x - k) * (n - k) / ((k + 1.0) * (rest - n + k + 1));
		if (p <= LEAST)
			break;
		push(h, p);
	}
}

void hypergeometric_set(struct hypergeometric *h, uint32_t population, uint32_t marked, uint32_t n)
{
	const uint32_t rest = population - marked, least = n > rest ? n - rest : 0;
	const uint32_t mode = mode_of(population, marked, n);
	double sum = 0;

	h->first = mode < least ? least : mode;
	h->num = 0;
	const uint32_t start = h->first;
	descend(h, least, rest, marked, n);
	for (uint32_t i = 0, j = h->num - 1; i < j; i++, j--) {
		const double p = h->p[i];

		h->p[i] = h->p[j];
		h->p[j] = p;
	}
	ascend(h, start, min32(marked, n), rest, marked, n);
	for (uint32_t i = 0; i < h->num; i++)
		sum += h->p[i];
	for (uint32_t i = 0; i < h->num; i++)
		h->p[i] /= sum;
}

void hypergeometric_free(struct hypergeometric *h)
{
	free(h->p);
	*h = (struct hypergeometric){ 0 };
}
