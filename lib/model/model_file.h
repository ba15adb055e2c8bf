/*
 * model: a trained model as a safetensors file. Tensors are those of neumf_layout. "__metadata__"
 * has model, loss, sigmoid_output ("true" or "false"), users, items, factors, mlp_factors, hidden
 * ("32,16,8") what neumf_shape has; a loader needs them all. 0 and "" for what a model has not
 *   seed, device ("cpu"), compute ("avx2"), provenance (one JSON text)
 *                      how it came about; a loader ignores them, and any other key
 */
#ifndef MODEL_FILE_H
#define MODEL_FILE_H

#include "base/js.h"
#include "model/backend.h"
#include "model/neumf.h"
#include "stream/stream.h"

#include <stdint.h>

/* What a model file says of itself beside its shape and device. */
struct model_info {
	uint64_t seed;
	const struct js *provenance; /* array, one object a stage */
};

/*
 * Read a model (plain or gzip; a pipe will do). Returns its parameters in neumf_layout order,
 * malloc'ed, as backend_config.params wants them. Dies with one line naming the file for anything
 * wrong with it: a header that does not parse or lies about sizes, metadata missing or out of
 * range, tensors missing, extra, of another shape, type or place, values that are not finite, a
 * file too short or too long.
 */
float *model_file_load(const char *path, struct neumf_shape *shape);

/*
 * Write the parameters `b` holds to `out` (stream_create(path, true)), tensor by tensor, with
 * fsync, and commit it. Dies when a value is not finite; then, as on any error, no file appears.
 * Memory: the largest tensor.
 */
void model_file_save(struct stream_out *out, const struct backend_ops *ops, struct backend *b,
	const struct neumf_shape *shape, const struct model_info *info);

#endif
