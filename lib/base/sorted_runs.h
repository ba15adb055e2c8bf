/*
 * sorted_runs: sort more records than memory holds. What fits is sorted and written to a scratch
 * file, run after run; then all runs are merged (external merge sort: Knuth, volume 3, 5.4).
 *
 * sorted_runs_new, sorted_runs_add for each record, then sorted_runs_next until NULL. What fits
 * memory as a whole never sees the disk.
 */
#ifndef SORTED_RUNS_H
#define SORTED_RUNS_H

#include <stddef.h>

struct sorted_runs;

/*
 * Records of `size` bytes in the order of `compare`, as for qsort; no two may compare equal, or
 * their order is not defined. `memory` bytes are used for records, those of qsort included; at least
 * room for a few thousand is taken whatever it says.
 */
struct sorted_runs *sorted_runs_new(
	size_t size, int (*compare)(const void *, const void *), size_t memory);
void sorted_runs_free(struct sorted_runs *r);

/* Before the first sorted_runs_next. */
void sorted_runs_add(struct sorted_runs *r, const void *record);

/* The next record, valid until the next call; NULL after the last. */
const void *sorted_runs_next(struct sorted_runs *r);

#endif
