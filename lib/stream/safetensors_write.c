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

static void put_bytes(struct stream_out *out, const void *bytes, size_t size, struct digest *digest)
{
	if (digest)
		digest_add(digest, bytes, size);
	else
		stream_write(out, bytes, size);
}

/* Values are fetched as whole rows, as many as fit. */
enum { PIECE = 1 << 18 };

static uint64_t piece_of(const struct safetensors_tensor *t)
{
	const uint64_t row = t->num_dims == 1 ? 1 : t->dims[1];

	return row < PIECE ? PIECE / row * row : row;
}

/* Hand the bytes of tensor k to `digest`, or, where that is NULL, to `out`. */
static void put_values(struct stream_out *out, const struct safetensors_tensor *t, unsigned k,
	safetensors_values *values, void *arg, struct digest *digest)
{
	const uint64_t count = safetensors_count(t), most = piece_of(t);
	float *piece = xmalloc(most < count ? most : count, sizeof(*piece));

	for (uint64_t first = 0; first < count; first += most) {
		const uint64_t n = count - first < most ? count - first : most;

		values(arg, k, first, n, piece);
		put_bytes(out, piece, to_bytes(out, t, n, piece, piece), digest);
	}
	free(piece);
}

void safetensors_save(struct stream_out *out, const struct js *metadata,
	const struct safetensors_tensor *tensors, unsigned n, safetensors_values *values, void *arg)
{
	struct digest *d = digest_new();
	char checksum[DIGEST_HEX + 1];

	for (unsigned k = 0; k < n; k++)
		put_values(out, &tensors[k], k, values, arg, d);
	digest_hex(d, checksum);
	digest_free(d);
	write_header(out, metadata, tensors, n, checksum);
	for (unsigned k = 0; k < n; k++)
		put_values(out, &tensors[k], k, values, arg, NULL);
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

		put_bytes(out, bytes, to_bytes(out, t, n, row, bytes), digest);
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
