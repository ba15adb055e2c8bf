#include "rank/quarters.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t weight(enum quarters_of of, uint32_t number)
{
	return of == QUARTERS_OF_SUM ? number : number > 0;
}

void quarters_init(struct quarters *q, enum quarters_of of, uint32_t *number, size_t n)
{
	uint64_t total = 0, sum = 0;
	uint32_t from = 1, quarter = 1;

	*q = (struct quarters){ .num = 1 };
	qsort(number, n, sizeof(*number), by_value);
	for (size_t k = 0; k < n; k++)
		total += weight(of, number[k]);
	for (size_t k = 0; k < n; k++) {
		sum += weight(of, number[k]);
		if (sum == 0 || sum * QUARTERS < total * quarter)
			continue;
		while (sum * QUARTERS >= total * quarter)
			quarter++;
		if (from <= number[k])
			q->group[q->num++] = (struct quarters_group){ from, number[k] };
		from = number[k] + 1;
	}
}

unsigned quarters_group(const struct quarters *q, uint32_t number)
{
	unsigned g = 0;

	while (q->group[g].to < number)
		g++;
	return g;
}
