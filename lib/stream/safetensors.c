#include "stream/safetensors.h"

#include "base/bytes.h"
#include "base/die.h"
#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100000000 }; /* the limit of the format's own library */
enum { CHUNK = 1 << 20 };	 /* floats read at a time */

static uint64_t count_of(const struct safetensors_tensor *t)
{
	return t->num_dims == 1 ? t->dims[0] : t->dims[0] * t->dims[1];
}

void safetensors_write_header(struct stream_out *out, const struct js *metadata,
	const struct safetensors_tensor *tensors, unsigned n)
{
	struct js *header = js_object();
	unsigned char length[8];
	uint64_t offset = 0;

	js_put(header, "__metadata__", js_copy(metadata));
	for (unsigned k = 0; k < n; k++) {
		struct js *tensor = js_object(), *shape = js_array(), *offsets = js_array();

		for (unsigned d = 0; d < tensors[k].num_dims; d++)
			js_append(shape, js_int((int64_t)tensors[k].dims[d]));
		js_append(offsets, js_int((int64_t)offset));
		offset += sizeof(float) * count_of(&tensors[k]);
		js_append(offsets, js_int((int64_t)offset));
		js_put(tensor, "dtype", js_string("F32"));
		js_put(tensor, "shape", shape);
		js_put(tensor, "data_offsets", offsets);
		js_put(header, tensors[k].name, tensor);
	}

	char *text = js_dump(header, false);
	size_t size = strlen(text), padding = -size & 7;
	put64(length, size + padding);
	stream_write(out, length, sizeof(length));
	stream_write(out, text, size);
	stream_write(out, "       ", padding);
	free(text);
	js_free(header);
}

void safetensors_write(struct stream_out *out, const char *name, float *values, uint64_t count)
{
	unsigned char *bytes = (unsigned char *)values;

	for (uint64_t k = 0; k < count; k++) {
		if (!isfinite(values[k]))
			die("cannot write '%s': a value of tensor '%s' is not finite",
				stream_out_name(out), name);
		put_f32(bytes + k * sizeof(float), values[k]);
	}
	stream_write(out, bytes, count * sizeof(float));
}

struct js *safetensors_read_header(struct stream_in *in)
{
	const char *name = stream_name(in);
	unsigned char length[8];
	size_t capacity = 0, size = 0;
	char *text = NULL, why[160];

	if (stream_read(in, length, sizeof(length)) < sizeof(length))
		die("'%s' is no safetensors file: it has less than 8 bytes", name);
	uint64_t want = get64(length);
	if (want < 2 || want > MAX_HEADER)
		die("'%s' is no safetensors file: a header of %" PRIu64 " bytes", name, want);
	while (size < want) { /* grows with what is there, not with what the length says */
		text = xgrow(text, &capacity, size + 4096, 1);
		size_t got = stream_read(in, text + size, want - size < 4096 ? want - size : 4096);
		if (got == 0)
			die("'%s' ends at byte %" PRIu64 ", in a header of %" PRIu64 " bytes", name,
				stream_offset(in), want);
		size += got;
	}
	struct js *header = js_parse(text, size, why, sizeof(why));
	free(text);
	if (!header)
		die("header of '%s': %s", name, why);
	const struct js *metadata = js_get(header, "__metadata__");
	if (!js_is_object(header) || !js_is_object(metadata))
		die("header of '%s' has no \"__metadata__\"", name);
	for (void *it = js_first(metadata); it; it = js_next(metadata, it))
		if (!js_text(js_value(it)))
			die("header of '%s': \"%s\" of the metadata is no string", name,
				js_key(it));
	return header;
}

static void check_tensor(const char *file, const struct js *tensor,
	const struct safetensors_tensor *t, uint64_t begin)
{
	const struct js *shape = js_get(tensor, "shape"), *offsets = js_get(tensor, "data_offsets");
	const char *type = js_get_string(tensor, "dtype");
	uint64_t v = 0, end = begin + sizeof(float) * count_of(t);

	if (!type || strcmp(type, "F32") != 0)
		die("tensor '%s' of '%s' has type '%s', F32 expected", t->name, file,
			type ? type : "");
	bool same = js_is_array(shape) && js_length(shape) == t->num_dims;
	for (unsigned d = 0; same && d < t->num_dims; d++)
		same = js_uint(js_at(shape, d), &v) && v == t->dims[d];
	if (!same && t->num_dims == 1)
		die("tensor '%s' of '%s' is not of shape (%" PRIu64 ")", t->name, file, t->dims[0]);
	if (!same)
		die("tensor '%s' of '%s' is not of shape (%" PRIu64 ", %" PRIu64 ")", t->name, file,
			t->dims[0], t->dims[1]);
	if (!js_is_array(offsets) || js_length(offsets) != 2 || !js_uint(js_at(offsets, 0), &v) ||
		v != begin || !js_uint(js_at(offsets, 1), &v) || v != end)
		die("tensor '%s' of '%s' is not at bytes %" PRIu64 " to %" PRIu64, t->name, file,
			begin, end);
}

uint64_t safetensors_check(const struct stream_in *in, const struct js *header,
	const struct safetensors_tensor *tensors, unsigned n)
{
	const char *file = stream_name(in);
	uint64_t floats = 0;

	for (unsigned k = 0; k < n; k++) {
		const struct js *tensor = js_get(header, tensors[k].name);

		if (!js_is_object(tensor))
			die("'%s' has no tensor '%s'", file, tensors[k].name);
		check_tensor(file, tensor, &tensors[k], sizeof(float) * floats);
		floats += count_of(&tensors[k]);
	}
	for (void *it = js_first(header); it; it = js_next(header, it)) {
		bool known = strcmp(js_key(it), "__metadata__") == 0;

		for (unsigned k = 0; k < n && !known; k++)
			known = strcmp(js_key(it), tensors[k].name) == 0;
		if (!known)
			die("'%s' has a tensor '%s' that its model has not", file, js_key(it));
	}
	return floats;
}

float *safetensors_read(struct stream_in *in, uint64_t count)
{
	uint64_t begin = stream_offset(in), done = 0;
	size_t capacity = 0;
	float *values = NULL;
	unsigned char extra;

	while (done < count) {
		size_t n = count - done < CHUNK ? (size_t)(count - done) : CHUNK;

		values = xgrow(values, &capacity, done + n, sizeof(float));
		unsigned char *bytes = (unsigned char *)(values + done);
		if (stream_read(in, bytes, n * sizeof(float)) < n * sizeof(float))
			die("'%s' ends at byte %" PRIu64 ", its header says %" PRIu64,
				stream_name(in), stream_offset(in), begin + sizeof(float) * count);
		for (size_t k = 0; k < n; k++) {
			values[done + k] = get_f32(bytes + k * sizeof(float));
			if (!isfinite(values[done + k]))
				die("'%s': the value at byte %" PRIu64 " is not finite",
					stream_name(in), begin + sizeof(float) * (done + k));
		}
		done += n;
	}
	if (stream_read(in, &extra, 1) > 0)
		die("'%s' goes on after byte %" PRIu64 ", where its header ends it",
			stream_name(in), begin + sizeof(float) * count);
	return xrealloc(values, count, sizeof(float));
}
