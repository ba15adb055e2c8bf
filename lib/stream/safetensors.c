#include "stream/safetensors.h"

#include "base/bytes.h"
#include "base/die.h"
#include "base/mem.h"
#include "stream/safetensors_format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100000000 }; /* the limit of the format's own library */
enum { CHUNK = 1 << 20 };	 /* floats read at a time */

struct safetensors_in {
	struct stream_in *in;
	struct js *header;
	char checksum[DIGEST_HEX + 1]; /* that the header has; "": none */
	struct digest *digest;	       /* of the tensors' bytes read so far */
	uint64_t begin, end;	       /* of the tensors, in the file */
};

/* Read the text of the header, of `want` bytes; it grows with what is there. */
static char *read_text(struct stream_in *in, uint64_t want)
{
	size_t capacity = 0, size = 0;
	char *text = NULL;

	while (size < want) {
		text = xgrow(text, &capacity, size + 4096, 1);
		size_t got = stream_read(in, text + size, want - size < 4096 ? want - size : 4096);
		if (got == 0)
			die("'%s' ends at byte %" PRIu64 ", in a header of %" PRIu64 " bytes",
				stream_name(in), stream_offset(in), want);
		size += got;
	}
	return text;
}

static void check_metadata(const char *name, const struct js *header)
{
	const struct js *metadata = js_get(header, "__metadata__");

	if (!js_is_object(header) || !js_is_object(metadata))
		die("header of '%s' has no \"__metadata__\"", name);
	for (void *it = js_first(metadata); it; it = js_next(metadata, it))
		if (!js_text(js_value(it)))
			die("header of '%s': \"%s\" of the metadata is no string", name,
				js_key(it));
}

/* Check the header's own checksum, and keep that of the tensors for later. */
static void check_header(
	struct safetensors_in *s, const unsigned char length[8], char *text, size_t size)
{
	const struct js *m = safetensors_metadata(s);
	const char *tensors = js_get_string(m, "checksum");
	const char *header = js_get_string(m, "header_checksum");
	const char *name = stream_name(s->in), *own = safetensors_own_checksum(text, size);
	char hex[DIGEST_HEX + 1];

	if (!tensors && !header) {
		note("'%s' has no checksum: damage in it would not be seen", name);
		return;
	}
	if (!tensors || !header)
		die("metadata of '%s' has \"%s\" without \"%s\"", name,
			tensors ? "checksum" : "header_checksum",
			tensors ? "header_checksum" : "checksum");
	if (own)
		safetensors_header_checksum(length, text, size, own, hex);
	if (!own || strcmp(header, hex) != 0)
		die("the header of '%s' is damaged: its checksum is wrong", name);
	snprintf(s->checksum, sizeof(s->checksum), "%s", tensors);
}

struct safetensors_in *safetensors_open(const char *path)
{
	struct safetensors_in *s = xcalloc(1, sizeof(*s));
	unsigned char length[8];
	char *text, why[160];

	s->in = stream_open(path);
	const char *name = stream_name(s->in);
	if (stream_read(s->in, length, sizeof(length)) < sizeof(length))
		die("'%s' is no safetensors file: it has less than 8 bytes", name);
	uint64_t size = get64(length);
	if (size < 2 || size > MAX_HEADER)
		die("'%s' is no safetensors file: a header of %" PRIu64 " bytes", name, size);
	text = read_text(s->in, size);
	if (!(s->header = js_parse(text, size, why, sizeof(why))))
		die("header of '%s': %s", name, why);
	check_metadata(name, s->header);
	check_header(s, length, text, size);
	free(text);
	s->digest = digest_new();
	s->begin = stream_offset(s->in);
	return s;
}

const char *safetensors_name(const struct safetensors_in *s)
{
	return stream_name(s->in);
}

const struct js *safetensors_metadata(const struct safetensors_in *s)
{
	return js_get(s->header, "__metadata__");
}

static void check_tensor(const char *file, const struct js *tensor,
	const struct safetensors_tensor *t, uint64_t begin)
{
	const struct js *shape = js_get(tensor, "shape"), *offsets = js_get(tensor, "data_offsets");
	const char *type = js_get_string(tensor, "dtype");
	uint64_t v = 0, end = begin + safetensors_bytes(t);

	if (!type || strcmp(type, safetensors_type_name(t->type)) != 0)
		die("tensor '%s' of '%s' has type '%s', %s expected", t->name, file,
			type ? type : "", safetensors_type_name(t->type));
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

uint64_t safetensors_check(
	struct safetensors_in *s, const struct safetensors_tensor *tensors, unsigned n)
{
	const char *file = stream_name(s->in);
	uint64_t bytes = 0;

	for (unsigned k = 0; k < n; k++) {
		const struct js *tensor = js_get(s->header, tensors[k].name);

		if (!js_is_object(tensor))
			die("'%s' has no tensor '%s'", file, tensors[k].name);
		check_tensor(file, tensor, &tensors[k], bytes);
		bytes += safetensors_bytes(&tensors[k]);
	}
	for (void *it = js_first(s->header); it; it = js_next(s->header, it)) {
		bool known = strcmp(js_key(it), "__metadata__") == 0;

		for (unsigned k = 0; k < n && !known; k++)
			known = strcmp(js_key(it), tensors[k].name) == 0;
		if (!known)
			die("'%s' has a tensor '%s' that its model has not", file, js_key(it));
	}
	s->end = s->begin + bytes;
	return bytes;
}

void safetensors_next(struct safetensors_in *s, size_t n, float *out)
{
	const uint64_t begin = stream_offset(s->in);
	unsigned char *bytes = (unsigned char *)out;

	if (stream_read(s->in, bytes, n * sizeof(float)) < n * sizeof(float))
		die("'%s' ends at byte %" PRIu64 ", its header says %" PRIu64, stream_name(s->in),
			stream_offset(s->in), s->end);
	digest_add(s->digest, bytes, n * sizeof(float));
	for (size_t k = 0; k < n; k++) {
		out[k] = get_f32(bytes + k * sizeof(float));
		if (!isfinite(out[k]))
			die("'%s': the value at byte %" PRIu64 " is not finite", stream_name(s->in),
				begin + sizeof(float) * k);
	}
}

float *safetensors_read(struct safetensors_in *s, uint64_t count)
{
	uint64_t done = 0;
	size_t capacity = 0;
	float *values = NULL;

	while (done < count) {
		size_t n = count - done < CHUNK ? (size_t)(count - done) : CHUNK;

		values = xgrow(values, &capacity, done + n, sizeof(float));
		safetensors_next(s, n, values + done);
		done += n;
	}
	return xrealloc(values, count, sizeof(float));
}

bool safetensors_has(const struct safetensors_in *s, const char *name)
{
	return js_get(s->header, name) != NULL;
}

uint64_t safetensors_length(const struct safetensors_in *s, const char *name)
{
	const struct js *shape = js_get(js_get(s->header, name), "shape");
	uint64_t length;

	if (!js_is_array(shape) || js_length(shape) == 0 || !js_uint(js_at(shape, 0), &length))
		die("'%s' has no tensor '%s'", stream_name(s->in), name);
	return length;
}

void safetensors_parts(struct safetensors_in *s, uint64_t bytes)
{
	const uint64_t size = stream_size(s->in);

	if (size == 0)
		die("'%s' is packed, or no regular file: its rows are read where they are",
			stream_name(s->in));
	if (size < s->begin + bytes)
		die("'%s' ends at byte %" PRIu64 ", its header says %" PRIu64, stream_name(s->in),
			size, s->begin + bytes);
	if (size > s->begin + bytes)
		die("'%s' goes on after byte %" PRIu64 ", where its header ends it",
			stream_name(s->in), s->begin + bytes);
}

void safetensors_read_at(struct safetensors_in *s, uint64_t offset, void *to, size_t size)
{
	stream_read_at(s->in, s->begin + offset, to, size);
}

void safetensors_close_parts(struct safetensors_in *s)
{
	digest_free(s->digest);
	js_free(s->header);
	stream_close(s->in);
	free(s);
}

void safetensors_close(struct safetensors_in *s)
{
	const char *name = stream_name(s->in);
	uint64_t end = stream_offset(s->in);
	char hex[DIGEST_HEX + 1];
	unsigned char extra;

	if (stream_read(s->in, &extra, 1) > 0)
		die("'%s' goes on after byte %" PRIu64 ", where its header ends it", name, end);
	digest_hex(s->digest, hex);
	if (s->checksum[0] && strcmp(s->checksum, hex) != 0)
		die("the tensors of '%s' are damaged: their checksum is wrong", name);
	safetensors_close_parts(s);
}
