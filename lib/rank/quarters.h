/*
 * quarters: numbers in up to five groups, each a range, by quarters of how many they are or of their
 * sum, ascending.
 *
 * Equal numbers stay together: a group ends at the number that stands at a quarter of the order, and
 * groups that end at one number are one, so that groups may differ in size, or be fewer. Zeros count
 * for no quarter; they are a group of their own, 0 to 0, the first.
 */
#ifndef QUARTERS_H
#define QUARTERS_H

#include <stddef.h>
#include <stdint.h>

enum { QUARTERS = 4, QUARTERS_MAX_GROUPS = QUARTERS + 1 };

struct quarters {
	unsigned num;
	struct quarters_group {
		uint32_t from, to;
	} group[QUARTERS_MAX_GROUPS]; /* ascending, without a gap up to the greatest number */
};

enum quarters_of { QUARTERS_OF_NUMBERS, QUARTERS_OF_SUM };

/* Of n numbers, which are sorted by it. */
void quarters_init(struct quarters *q, enum quarters_of of, uint32_t *number, size_t n);

/* The group of one of the numbers. */
unsigned quarters_group(const struct quarters *q, uint32_t number);

#endif
