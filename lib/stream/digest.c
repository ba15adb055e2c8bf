#include "stream/digest.h"

#include "base/die.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

struct digest {
	XXH3_state_t *state;
	uint64_t bytes;
};

struct digest *digest_new(void)
{
	struct digest *d = xcalloc(1, sizeof(*d));

	d->state = XXH3_createState(); /* aligned for vectors */
	if (!d->state)
		die("cannot allocate the state of a hash:");
	XXH3_128bits_reset(d->state);
	return d;
}

void digest_add(struct digest *d, const void *data, size_t size)
{
	XXH3_128bits_update(d->state, data, size);
	d->bytes += size;
}

void digest_hex(const struct digest *d, char text[DIGEST_HEX + 1])
{
	const XXH128_hash_t hash = XXH3_128bits_digest(d->state);

	snprintf(text, DIGEST_HEX + 1, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
		(uint64_t)hash.low64);
}

struct js *digest_json(const struct digest *d)
{
	struct js *v = js_object();
	char text[DIGEST_HEX + 1];

	digest_hex(d, text);
	js_put(v, "bytes", js_int((int64_t)d->bytes));
	js_put(v, "xxh3_128", js_string(text));
	return v;
}

uint64_t digest_of_bytes(const void *data, size_t size)
{
	return XXH3_64bits(data, size);
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	XXH3_freeState(d->state);
	free(d);
}
