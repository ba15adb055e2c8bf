/*
 * model_file: a trained model as a safetensors file. Tensors are those of neumf_layout, in float32.
 * "__metadata__" maps these keys to strings:
 *
 *   model, loss, users, items, factors, mlp_factors, hidden, sigmoid_output
 *       the shape: names of neumf.h, numbers in decimal, hidden as "32,16,8" ("" for none),
 *       sigmoid_output "true" or "false". A loader needs them all.
 *   bias
 *       "true" where an mf has biases; else missing
 *   score
 *       "cosine" where the loss is ccl, for other readers; else missing
 *   user_ids, item_ids
 *       which id maps its rows are numbered by (id_family.h), as JSON text; only where known
 *   provenance (a JSON array as text), seed, device ("cpu"), compute ("16 lanes")
 *       how the model came about. A loader takes the first where it is one, and ignores the others,
 *       and any other key.
 *   checksum, header_checksum
 *       of the file's bytes (safetensors.h); checked where they are there
 */
#ifndef MODEL_FILE_H
#define MODEL_FILE_H

/* "model" of a file that holds no model of these but linear/item_weights.h. */
#define MODEL_ITEM_WEIGHTS "item-weights"

#include "base/js.h"
#include "model/neumf.h"
#include "stream/id_family.h"
#include "stream/safetensors.h"
#include "stream/stream.h"

#include <stdint.h>

/* What a model file says of itself beside its shape. */
struct model_info {
	uint64_t seed;
	const char *device, *compute; /* what computed; NULL: the file does not say */
	const struct js *provenance;  /* array, one object per stage */
	const struct id_family *user_ids, *item_ids; /* NULL: not known */
};

/* Copy rows of a tensor of neumf_layout to `out`, (num, cols). */
typedef void model_values(void *arg, struct neumf_rows rows, float *out);

/*
 * Write a model to `out` (stream_create(path, true)), as `values` gives the tensors of neumf_layout,
 * each twice and by pieces, with fsync, and commit it. Dies when a value is not finite; then, as on
 * any error, no file appears. Memory: 1 MiB.
 */
void model_file_save(struct stream_out *out, const struct neumf_shape *shape,
	const struct model_info *info, model_values *values, void *arg);

/* The parts of it, for a file that holds more than a model: its metadata, a tensor as the file has
   it, and the rows of tensor `tensor` that values of it are, as safetensors_values asks for them. */
struct js *model_file_metadata(const struct neumf_shape *shape, const struct model_info *info);
struct safetensors_tensor model_file_tensor(const struct neumf_tensor *t);
struct neumf_rows model_file_rows(
	const struct neumf_layout *l, unsigned tensor, uint64_t first, uint64_t num);

struct model {
	struct neumf_shape shape;
	float *params;			     /* malloc'ed, neumf_layout order */
	struct id_family user_ids, item_ids; /* num 0: not known */
	struct js *provenance;		     /* array; NULL: the file does not say */
	char *checksum;			     /* of the tensors; NULL: the file has none */
};

/*
 * Read a model (plain or gzip; a pipe will do). Dies with one line naming the file for anything
 * wrong with it: a header that does not parse or lies about sizes, metadata missing or out of
 * range, tensors missing, extra, of another shape, type or place, values that are not finite, a
 * file too short or too long, a wrong checksum; for a checkpoint, and for item weights, with the
 * stage that reads them. A file without checksums is noted on stderr.
 */
void model_file_load(struct model *m, const char *path);

/*
 * The same but for `params`, for who has no room for them all: they come next, in the order of
 * neumf_layout (safetensors_next), and safetensors_close says whether they may be relied on.
 */
struct safetensors_in *model_file_open(struct model *m, const char *path);

/* Whoever takes `params` over (backend_config does) sets it to NULL before. */
void model_release(struct model *m);

#endif
