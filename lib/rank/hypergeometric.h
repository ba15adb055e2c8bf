/*
 * hypergeometric: how many of the marked are among the drawn. Of N, x are marked; n are drawn
 * uniformly and without replacement:
 *
 *     P(X = k) = C(x, k) C(N - x, n - k) / C(N, n)
 *
 * Starting from the most probable k, each P follows from its neighbour's by
 *
 *     P(k + 1) / P(k) = (x - k) (n - k) / ((k + 1) (N - x - n + k + 1)),
 *
 * and they are divided by their sum, so that no logarithm of a factorial is needed and no error
 * grows with N. Values less probable than 1e-20 times the most probable one are left out: what is
 * kept are some ten standard deviations to either side, each at most sqrt(n) / 2.
 */
#ifndef HYPERGEOMETRIC_H
#define HYPERGEOMETRIC_H

#include <stddef.h>
#include <stdint.h>

/* P(X = first + i) = p[i], i < num. All zero: empty, before the first hypergeometric_set. */
struct hypergeometric {
	uint32_t first, num;
	double *p;
	size_t capacity;
};

/* x and n are at most N. Memory: 8 bytes for each of the values kept. */
void hypergeometric_set(struct hypergeometric *h, uint32_t population, uint32_t marked, uint32_t n);
void hypergeometric_free(struct hypergeometric *h);

#endif
