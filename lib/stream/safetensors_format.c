#include "stream/safetensors_format.h"

#include "base/bytes.h"

#include <string.h>

static const struct {
	const char *name;
	size_t size;
} types[] = {
	[SAFETENSORS_F32] = { "F32", 4 },
	[SAFETENSORS_U32] = { "U32", 4 },
	[SAFETENSORS_U64] = { "U64", 8 },
};

size_t safetensors_size(enum safetensors_type type)
{
	return types[type].size;
}

const char *safetensors_type_name(enum safetensors_type type)
{
	return types[type].name;
}

void safetensors_encode(enum safetensors_type type, size_t n, const void *from, void *to)
{
	const unsigned char *values = from;
	unsigned char *bytes = to;
	uint64_t wide;
	uint32_t narrow;

	for (size_t k = 0; types[type].size == 8 && k < n; k++) {
		memcpy(&wide, values + 8 * k, sizeof(wide));
		put64(bytes + 8 * k, wide);
	}
	for (size_t k = 0; types[type].size == 4 && k < n; k++) {
		memcpy(&narrow, values + 4 * k, sizeof(narrow));
		put32(bytes + 4 * k, narrow);
	}
}

void safetensors_decode(enum safetensors_type type, size_t n, const void *from, void *to)
{
	const unsigned char *bytes = from;
	unsigned char *values = to;

	for (size_t k = 0; types[type].size == 8 && k < n; k++) {
		const uint64_t wide = get64(bytes + 8 * k);

		memcpy(values + 8 * k, &wide, sizeof(wide));
	}
	for (size_t k = 0; types[type].size == 4 && k < n; k++) {
		const uint32_t narrow = get32(bytes + 4 * k);

		memcpy(values + 4 * k, &narrow, sizeof(narrow));
	}
}

uint64_t safetensors_count(const struct safetensors_tensor *t)
{
	return t->num_dims == 1 ? t->dims[0] : t->dims[0] * t->dims[1];
}

uint64_t safetensors_bytes(const struct safetensors_tensor *t)
{
	return safetensors_size(t->type) * safetensors_count(t);
}

char *safetensors_own_checksum(char *text, size_t size)
{
	static const char key[] = "\"header_checksum\": \"";
	const size_t length = sizeof(key) - 1;

	for (size_t k = 0; k + length + DIGEST_HEX <= size; k++)
		if (!memcmp(text + k, key, length))
			return text + k + length;
	return NULL;
}

void safetensors_header_checksum(const unsigned char length[8], const char *text, size_t size,
	const char *own, char hex[DIGEST_HEX + 1])
{
	const size_t before = (size_t)(own - text), after = before + DIGEST_HEX;
	struct digest *d = digest_new();

	digest_add(d, length, 8);
	digest_add(d, text, before);
	digest_add(d, SAFETENSORS_ZEROS, DIGEST_HEX);
	digest_add(d, text + after, size - after);
	digest_hex(d, hex);
	digest_free(d);
}
