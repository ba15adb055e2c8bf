/* safetensors_write: the writer of safetensors.h. */
#include "stream/safetensors.h"

#include "base/bytes.h"
#include "base/die.h"
#include "base/mem.h"
#include "stream/safetensors_format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct js *tensor_json(const struct safetensors_tensor *t, uint64_t offset)
{
	struct js *tensor = js_object(), *shape = js_array(), *offsets = js_array();

	for (unsigned d = 0; d < t->num_dims; d++)
		js_append(shape, js_int((int64_t)t->dims[d]));
	js_append(offsets, js_int((int64_t)offset));
	js_append(offsets, js_int((int64_t)(offset + safetensors_bytes(t))));
	js_put(tensor, "dtype", js_string(safetensors_type_name(t->type)));
	js_put(tensor, "shape", shape);
	js_put(tensor, "data_offsets", offsets);
	return tensor;
}

static void write_header(struct stream_out *out, const struct js *metadata,
	const struct safetensors_tensor *tensors, unsigned n, const char *checksum)
{
	struct js *header = js_object(), *m = js_copy(metadata);
	char hex[DIGEST_HEX + 1], *text, *own;
	unsigned char length[8];
	uint64_t offset = 0;
	size_t size, padded;

	js_put(m, "checksum", js_string(checksum));
	js_put(m, "header_checksum", js_string(SAFETENSORS_ZEROS));
	js_put(header, "__metadata__", m);
	for (unsigned k = 0; k < n; k++) {
		js_put(header, tensors[k].name, tensor_json(&tensors[k], offset));
		offset += safetensors_bytes(&tensors[k]);
	}
	text = js_dump(header, false);
	size = strlen(text);
	padded = (size + 7) / 8 * 8;
	text = xrealloc(text, padded, 1);
	memset(text + size, ' ', padded - size);
	put64(length, padded);
	own = safetensors_own_checksum(text, padded);
	safetensors_header_checksum(length, text, padded, own, hex);
	memcpy(own, hex, DIGEST_HEX);
	stream_write(out, length, sizeof(length));
	stream_write(out, text, padded);
	free(text);
	js_free(header);
}

/* n values of a tensor as the file has them: little-endian, and finite. Returns their bytes. */
static size_t to_bytes(const struct stream_out *out, const struct safetensors_tensor *t, uint64_t n,
	const void *from, void *to)
{
	const float *value = from;

	for (uint64_t j = 0; j < n && t->type == SAFETENSORS_F32; j++)
		if (!isfinite(value[j]))
			die("cannot write '%s': a value of tensor '%s' is not finite",
				stream_out_name(out), t->name);
	safetensors_encode(t->type, n, from, to);
	return n * safetensors_size(t->type);
}

/* Fetch a tensor of floats. */
static size_t get_bytes(const struct stream_out *out, const struct safetensors_tensor *t,
	unsigned k, safetensors_values *values, void *arg, float *to)
{
	values(arg, k, to);
	return to_bytes(out, t, safetensors_count(t), to, to);
}

void safetensors_save(struct stream_out *out, const struct js *metadata,
	const struct safetensors_tensor *tensors, unsigned n, safetensors_values *values, void *arg)
{
	struct digest *d = digest_new();
	char checksum[DIGEST_HEX + 1];
	uint64_t largest = 0;

	for (unsigned k = 0; k < n; k++)
		largest = safetensors_count(&tensors[k]) > largest ? safetensors_count(&tensors[k])
								   : largest;
	float *tensor = xmalloc(largest, sizeof(*tensor));
	for (unsigned k = 0; k < n; k++)
		digest_add(d, tensor, get_bytes(out, &tensors[k], k, values, arg, tensor));
	digest_hex(d, checksum);
	digest_free(d);
	write_header(out, metadata, tensors, n, checksum);
	for (unsigned k = 0; k < n; k++)
		stream_write(out, tensor, get_bytes(out, &tensors[k], k, values, arg, tensor));
	free(tensor);
}

/* Hand the bytes of a tensor to `digest`, or, where that is NULL, to `out`. */
static void put_rows(struct stream_out *out, const struct safetensors_tensor *t,
	const struct safetensors_data *data, struct digest *digest)
{
	const uint64_t rows = t->num_dims == 1 ? 1 : t->dims[0], n = t->dims[t->num_dims - 1];
	void *bytes = xmalloc(n, safetensors_size(t->type));

	for (uint64_t r = 0; r < rows; r++) {
		const char *row =
			(const char *)data->values + r * data->stride * safetensors_size(t->type);
		const size_t size = to_bytes(out, t, n, row, bytes);

		if (digest)
			digest_add(digest, bytes, size);
		else
			stream_write(out, bytes, size);
	}
	free(bytes);
}

void safetensors_save_data(struct stream_out *out, const struct js *metadata,
	const struct safetensors_tensor *tensors, unsigned n, const struct safetensors_data *data)
{
	struct digest *d = digest_new();
	char checksum[DIGEST_HEX + 1];

	for (unsigned k = 0; k < n; k++)
		put_rows(out, &tensors[k], &data[k], d);
	digest_hex(d, checksum);
	digest_free(d);
	write_header(out, metadata, tensors, n, checksum);
	for (unsigned k = 0; k < n; k++)
		put_rows(out, &tensors[k], &data[k], NULL);
}
