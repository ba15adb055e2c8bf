/*
 * item_weights: a file of what ease-score and knn-score learn from interactions: for each item a row
 * of weights, what it adds to the scores of other items. A safetensors file (stream/safetensors.h)
 * of which a reader takes the rows that it needs, and touches no others.
 *
 * "__metadata__" maps these keys to strings:
 *   model            "item-weights"
 *   method           the stage that wrote it, which alone can read it: "ease-score", "knn-score"
 *   users, items     bounds of the interactions that it was learned from
 *   user_ids, item_ids, provenance   as in model/model_file.h; the last stage of provenance has the
 *                    settings
 *   index_checksum   XXH3-128 of the tensors that are no rows, in name order, in hex
 *   checksum, header_checksum   of the whole file, as in stream/safetensors.h
 *
 * Tensors, in name order; R rows. Of ease-score, for the R items with users, ascending:
 *   diagonal       F32 (R)      P_jj of linear/ease.h
 *   items          U32 (R)      item of each row
 *   row_checksums  U64 (R)      XXH3-64 of the bytes of a row
 *   weights        F32 (R, R)   P, with 0 on its diagonal: B_ij = -weights_ij / diagonal_j
 * Of knn-score, for all R items j, of N values in all:
 *   items          U32 (N)      the i with j in N(i) of linear/item_knn.h
 *   offsets        U64 (R + 1)  row j is items[offsets_j] .. items[offsets_(j+1) - 1], with weights
 *   row_checksums  U64 (R)      of the bytes of a row of items, and then of weights
 *   weights        F32 (N)      sim(i, j)
 * and, centered, whose weights are w(i, j):
 *   base           F32 (R)      b_i
 *
 * A flipped bit is found before a value is relied on: the header, with the sizes, by its checksum;
 * the index, which all tensors but rows are, when the file is opened; a row when it is read.
 */
#ifndef ITEM_WEIGHTS_H
#define ITEM_WEIGHTS_H

#include "base/js.h"
#include "stream/record.h"
#include "stream/safetensors.h"
#include "stream/stream.h"

#include <stdbool.h>
#include <stdint.h>

enum { ITEM_WEIGHTS_MAX_TENSORS = 5 };

/* The tensors of a file, in name order; "row_checksums" (num_rows) is one of them. */
struct item_weights_layout {
	unsigned num;
	struct safetensors_tensor tensor[ITEM_WEIGHTS_MAX_TENSORS];
	bool of_rows[ITEM_WEIGHTS_MAX_TENSORS]; /* else it is of the index */
	uint64_t num_rows;
	/* A row's values in tensors of one dimension (num_rows + 1); NULL: these have two. */
	const uint64_t *offsets;
};

/*
 * Write a file to `out` (stream_create(path, true)) and commit it. data[k] is of layout->tensor[k],
 * that of row_checksums is not looked at. `train` has bounds and id maps, `provenance` the array for
 * the file. Dies, as on any error without a file, when a value is not finite.
 */
void item_weights_save(struct stream_out *out, const char *method, const struct rec_header *train,
	const struct js *provenance, const struct item_weights_layout *layout,
	const struct safetensors_data *data);

struct item_weights;

/*
 * Open a file that `method` wrote. Dies with one line where it is none: that of another stage, or a
 * model, with the stage that reads it.
 */
struct item_weights *item_weights_open(const char *path, const char *method);
void item_weights_close(struct item_weights *w);
const char *item_weights_name(const struct item_weights *w);

/* Bounds, id maps and provenance, borrowed. */
const struct rec_header *item_weights_header(const struct item_weights *w);

bool item_weights_has(const struct item_weights *w, const char *tensor);

/* The length of a tensor's first dimension. */
uint64_t item_weights_length(const struct item_weights *w, const char *tensor);

/*
 * Read the index: the values of tensor k to index[k], but for row_checksums and the tensors of rows.
 * Dies where the tensors are not those of the layout, the file has another size or an index checksum
 * that is wrong. The layout is copied; its offsets, needed from here on, may be one of index[].
 */
void item_weights_index(
	struct item_weights *w, const struct item_weights_layout *layout, void *const *index);

/*
 * Read row r: its values in tensor k of rows to row[k]. Dies where its checksum is wrong or a float
 * is not finite. Not from two threads at a time.
 */
void item_weights_row(struct item_weights *w, uint64_t r, void *const *row);

/* Die because a value of the file cannot be: "'w.safetensors': item 12 of row 3 ...". */
_Noreturn void item_weights_die(const struct item_weights *w, const char *what);

#endif
