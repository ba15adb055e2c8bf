/*
 * disk_ratings: a table of ratings larger than memory, cleaned as `ratings` is, row for row.
 *
 * Rows are added; disk_ratings_merge sorts them by user and item and merges those of each pair; all
 * that follows are passes over a file without a name ($TMPDIR, 24 bytes per row, and twice that
 * while it is rewritten). In memory there are what was granted for sorting, and 4 bytes per user and
 * item.
 */
#ifndef DISK_RATINGS_H
#define DISK_RATINGS_H

#include "data/ratings.h"
#include "data/split.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk_ratings;

/* A table whose rows are sorted within `memory` bytes. */
struct disk_ratings *disk_ratings_new(size_t memory);
void disk_ratings_free(struct disk_ratings *d);

/* Append a row; at most RATINGS_MAX. Rows are numbered from 0. */
void disk_ratings_add(struct disk_ratings *d, const struct rating *row);

uint32_t disk_ratings_num(const struct disk_ratings *d);

/*
 * All rows are added, their ids are below these bounds: merge the rows of each pair, as
 * ratings_merge does, with the same result and the same report. Without `has_times` the number of a
 * row takes the place of its time, in every comparison; as a time it stays what it was.
 */
struct merged disk_ratings_merge(struct disk_ratings *d, enum duplicates how, bool has_times,
	uint32_t num_users, uint32_t num_items);

/* As ratings_core. */
uint32_t disk_ratings_core(struct disk_ratings *d, uint32_t min_user, uint32_t min_item);

/* The number of rows of each user or item, in a new array. */
uint32_t *disk_ratings_count_users(const struct disk_ratings *d);
uint32_t *disk_ratings_count_items(const struct disk_ratings *d);

/* As ratings_number_users and ratings_number_items; new_id is copied. */
void disk_ratings_number_users(struct disk_ratings *d, const uint32_t *new_id, uint32_t num);
void disk_ratings_number_items(struct disk_ratings *d, const uint32_t *new_id, uint32_t num);

/* A row in a pass. */
struct disk_row {
	uint32_t user, item;
	uint32_t number; /* of the rows that were added */
	float rating;
	int64_t time;
};

/* A pass over all rows, in any order: disk_ratings_rewind, then disk_ratings_next until false. */
void disk_ratings_rewind(struct disk_ratings *d);
bool disk_ratings_next(struct disk_ratings *d, struct disk_row *row);

/* What a row's time is in comparisons. */
int64_t disk_ratings_order(const struct disk_ratings *d, const struct disk_row *row);

/* The bounds, and the bytes that were granted for sorting. */
uint32_t disk_ratings_users(const struct disk_ratings *d);
size_t disk_ratings_memory(const struct disk_ratings *d);

#endif
