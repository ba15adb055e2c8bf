/*
 * census: what a stream holds: rows of each user and item, times, and the values of its other
 * fields. For rows of any kind, in any order; in one pass.
 *
 * A triple's or group's positive is its item; its negatives are counted apart. A list of a user is
 * rows of one user that follow each other.
 *
 * Memory: 8 bytes per user and item of the header (16 per item where there are negatives), 512 KiB
 * for times, and, where rows have a score, 4 bytes per row of the longest list.
 */
#ifndef CENSUS_H
#define CENSUS_H

#include "stream/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CENSUS_BINS = 40,   /* of time */
	CENSUS_VALUES = 20, /* of a field, each counted for itself */
	CENSUS_CURVE = 21,  /* points: 0 %, 5 % ... 100 % of the items */
	CENSUS_FIELDS = 4   /* of a kind, at most, that are neither ids nor times */
};

/* A field that is neither an id nor a time: rating, label, score, rank, above, ties, candidates. */
struct census_field {
	const char *name;
	uint64_t num, infinite; /* finite values, and those of -inf: candidates that are masked */
	double min, max, sum;	/* of the finite; +inf, -inf and 0 without one */

	/* ascending after census_read; none where there are more than CENSUS_VALUES */
	struct {
		double value;
		uint64_t num;
	} value[CENSUS_VALUES];
	unsigned num_values;
	bool many;
};

struct census {
	struct rec_header header;
	uint64_t rows;
	uint64_t *user_rows, *item_rows; /* num_users, num_items of the header */
	uint64_t *negative_rows;	 /* the same of negatives; NULL: the kind has none */

	struct census_field field[CENSUS_FIELDS];
	unsigned num_fields;
	uint64_t positives; /* rows with a label above 0 */

	/* Rows whose item shares its score with another candidate of its user: of rank records by
	   their ties, of score and top records by the others of the list, -inf left out. */
	bool has_ties;
	uint64_t tied;

	/* Times; has_times is false where all are 0, which is what a stream without times has. */
	bool has_times;
	int64_t first, last;
	/*
	 * Rows in CENSUS_BINS equal parts of first..last. A row counts at its time rounded down to
	 * a multiple of 2^k seconds, with the least k for which first..last are at most 65536 such
	 * steps: exactly, that is, where they are less than 18 hours apart, else with edges moved
	 * by 1/800 of a bin at most.
	 */
	uint64_t bin[CENSUS_BINS];
};

/* Count all rows of a stream up to its verified end. */
void census_read(struct census *c, struct rec_reader *in);
void census_release(struct census *c);

/* Of the counts that are not 0. NaN where there are none, but for `num` and `curve` (0). */
struct census_counts {
	uint64_t num;
	double min, p25, median, p75, max, mean; /* quantiles by linear interpolation (NumPy's) */
	/*
	 * Gini coefficient: with counts ascending x_1..x_n, 2 sum_i i x_i / (n sum_i x_i) - (n + 1)/n:
	 * 0 where all have the same, towards 1 where one has all (Gini 1912).
	 */
	double gini;
	/* Share of all rows that the most popular k / (CENSUS_CURVE - 1) of them have; between two
	   counts by linear interpolation. */
	double curve[CENSUS_CURVE];
};

void census_summarize(struct census_counts *s, const uint64_t *count, uint32_t num);

#endif
