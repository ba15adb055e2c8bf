/*
 * safetensors: the file format of models (huggingface/safetensors, README "Format"): a u64 length
 * N, N bytes of JSON padded with spaces to a multiple of 8, then the tensors' bytes without gaps.
 * The JSON maps a tensor's name to {"dtype", "shape", "data_offsets": [begin, end]}, offsets from
 * the end of the JSON, and "__metadata__" to an object of strings.
 *
 * All tensors here are float32 (F32) of one or two dimensions, little-endian, stored in name order.
 */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include "base/js.h"
#include "stream/stream.h"

#include <stdint.h>

struct safetensors_tensor {
	const char *name;
	unsigned num_dims; /* 1 or 2 */
	uint64_t dims[2];
};

/* Write length and JSON for n tensors in name order; the
   caller writes their bytes in that order. */
void safetensors_write_header(struct stream_out *out, const struct js *metadata,
	const struct safetensors_tensor *tensors, unsigned n);

/* Write `count` floats as the file has them; dies when one is not finite (`name`: their tensor). */
void safetensors_write(struct stream_out *out, const char *name, float *values, uint64_t count);

/*
 * Read length and JSON. Dies with one line that names the file and what is wrong unless it is one
 * JSON object with an object of strings as "__metadata__". Free with js_free.
 */
struct js *safetensors_read_header(struct stream_in *in);

/*
 * Dies unless the header has exactly these tensors, in float32, of these shapes, and, taken in the
 * order given, packed from offset 0 on without gaps. Returns the number of floats in all.
 */
uint64_t safetensors_check(const struct stream_in *in, const struct js *header,
	const struct safetensors_tensor *tensors, unsigned n);

/*
 * Read the `count` floats after the header and then the end of the file into a new array (free()).
 * Dies when the file is shorter or longer, or when a value is not finite.
 */
float *safetensors_read(struct stream_in *in, uint64_t count);

#endif
