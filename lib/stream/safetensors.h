/*
 * safetensors: the file format of models (huggingface/safetensors, README "Format"): a u64 length
 * N, N bytes of JSON padded with spaces to a multiple of 8, then the tensors' bytes without gaps.
 * The JSON maps a tensor's name to {"dtype", "shape", "data_offsets": [begin, end]}, offsets from
 * the end of the JSON, and "__metadata__" to an object of strings.
 *
 * Tensors here have one or two dimensions and are little-endian, stored in name order. Those of a
 * model are float32 (F32); others hold whole numbers (U32, U64) too.
 *
 * Two keys of the metadata, the last two, let a reader find any flipped bit. Both are XXH3-128 in
 * hex (digest.h):
 *   checksum         of the tensors' bytes
 *   header_checksum  of all bytes before them, length and padding included, with the 32 digits of
 *                    this value taken as zeros
 * A file has both or neither.
 */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include "base/js.h"
#include "stream/stream.h"

#include <stdint.h>

enum safetensors_type { SAFETENSORS_F32, SAFETENSORS_U32, SAFETENSORS_U64 };

struct safetensors_tensor {
	const char *name;
	enum safetensors_type type;
	unsigned num_dims; /* 1 or 2 */
	uint64_t dims[2];
};

/* Bytes of a value, and of a tensor. */
size_t safetensors_size(enum safetensors_type type);
uint64_t safetensors_bytes(const struct safetensors_tensor *t);

/* n values from memory to how a file has them, and back; `to` may be `from`. */
void safetensors_encode(enum safetensors_type type, size_t n, const void *from, void *to);
void safetensors_decode(enum safetensors_type type, size_t n, const void *from, void *to);

/* Copy `num` values of tensor number `tensor` of the list, from number `first` on, to `out`. Of a
   tensor of two dimensions whole rows are asked for. */
typedef void safetensors_values(
	void *arg, unsigned tensor, uint64_t first, uint64_t num, float *out);

/*
 * Write a file of n tensors in name order; `metadata` has neither checksum. `values` gives each
 * tensor twice, once for the checksum, and must give the same both times. Dies, with nothing
 * written, when a value is not finite. Memory: 1 MiB, or the longest row. The caller commits.
 */
void safetensors_save(struct stream_out *out, const struct js *metadata,
	const struct safetensors_tensor *tensors, unsigned n, safetensors_values *values,
	void *arg);

/*
 * The same of tensors that lie in memory, of any type: of tensor k the rows (all of it, where it has
 * one dimension) begin at data[k].values and are data[k].stride values apart. Memory: a row.
 */
struct safetensors_data {
	const void *values;
	size_t stride;
};
void safetensors_save_data(struct stream_out *out, const struct js *metadata,
	const struct safetensors_tensor *tensors, unsigned n, const struct safetensors_data *data);

struct safetensors_in;

/*
 * Open a file (plain or gzip; a pipe will do) and read its header. Dies with one line that names
 * the file and what is wrong unless the header is one JSON object with an object of strings as
 * "__metadata__" and its checksum is right. A file without checksums is noted on stderr.
 */
struct safetensors_in *safetensors_open(const char *path);
const char *safetensors_name(const struct safetensors_in *s);
const struct js *safetensors_metadata(const struct safetensors_in *s);

/*
 * Dies unless the header has exactly these tensors, of these types and shapes, and, taken in the
 * order given, packed from offset 0 on without gaps. Returns the number of bytes in all.
 */
uint64_t safetensors_check(
	struct safetensors_in *s, const struct safetensors_tensor *tensors, unsigned n);

/* The next n floats, of one tensor or several. Dies when the file ends before, or when a value is
   not finite. */
void safetensors_next(struct safetensors_in *s, size_t n, float *out);

/* The same of `count` floats, in a new array (free()) that grows with what is there, not with
   `count`. */
float *safetensors_read(struct safetensors_in *s, uint64_t count);

/* Is there a tensor of that name? */
bool safetensors_has(const struct safetensors_in *s, const char *name);

/* The length of the first dimension of a tensor, as the header says; dies where there is none. */
uint64_t safetensors_length(const struct safetensors_in *s, const char *name);

/*
 * For a file of which not all is read: nothing more comes in order, and safetensors_read_at takes
 * bytes from `offset` of the tensors on. Nobody checks these: whoever reads parts has checksums of
 * the parts. Dies unless the file is a regular one, not packed, and as long as its header says.
 */
void safetensors_parts(struct safetensors_in *s, uint64_t bytes);
void safetensors_read_at(struct safetensors_in *s, uint64_t offset, void *to, size_t size);
void safetensors_close_parts(struct safetensors_in *s);

/* To be called when all tensors are read: dies when the file goes on, or when the checksum of the
   tensors is wrong. No value may be relied on before. */
void safetensors_close(struct safetensors_in *s);

#endif
