#include "rank/placement.h"

#include <math.h>

size_t placement_inside(const struct rank *rows, size_t n)
{
	while (n > 0 && rows[n - 1].above == rows[n - 1].candidates)
		n--;
	return n;
}

size_t placement_groups(const struct rank *rows, size_t n, struct tied_group *group)
{
	size_t num = 0;

	for (size_t k = 0; k < n; k++) {
		if (k > 0 && rows[k].above == rows[k - 1].above)
			group[num - 1].m++;
		else
			group[num++] = (struct tied_group){ rows[k].above, rows[k].ties + 1, 1,
				(uint32_t)k };
	}
	return num;
}

void placement_fix(enum tie_policy policy, const struct rank *rows, const struct tied_group *group,
	size_t n, uint32_t *position)
{
	for (size_t k = 0; k < n; group++) {
		for (uint32_t j = 0; j < group->m; j++, k++) {
			position[k] = group->a;
			position[k] += policy == TIES_ID      ? rows[k].ties_before
				       : policy == TIES_WORST ? group->t - group->m + j
							      : j;
		}
	}
}

double placement_gain(uint32_t position)
{
	return 1 / log2(position + 2.0);
}

double placement_ideal_gain(uint32_t n)
{
	double sum = 0;

	for (uint32_t r = 0; r < n; r++)
		sum += placement_gain(r);
	return sum;
}
