#include "stream/split_id.h"

#include "base/die.h"
#include "stream/id_family.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool splits_unchecked;

static void hash_json(struct id_hash *hash, const struct js *v)
{
	char *text = js_dump(v, false);

	id_hash_add(hash, text, strlen(text));
	free(text);
}

void split_id_put(struct js *entry, const struct js *input_provenance)
{
	struct id_hash *hash = id_hash_new();
	char digits[17];

	if (input_provenance)
		hash_json(hash, input_provenance);
	hash_json(hash, entry);
	snprintf(digits, sizeof(digits), "%016" PRIx64, id_hash_value(hash));
	js_put(entry, "split", js_string(digits));
	id_hash_free(hash);
}

static bool has_split(const struct js *provenance, const char *id)
{
	for (size_t k = 0; k < js_length(provenance); k++) {
		const char *other = js_get_string(js_at(provenance, k), "split");

		if (other && strcmp(other, id) == 0)
			return true;
	}
	return false;
}

/* Are all splits of a among those of b? */
static bool is_among(const struct js *a, const struct js *b)
{
	for (size_t k = 0; k < js_length(a); k++) {
		const char *id = js_get_string(js_at(a, k), "split");

		if (id && !has_split(b, id))
			return false;
	}
	return true;
}

bool split_id_fits(const struct js *a, const struct js *b)
{
	return is_among(a, b) || is_among(b, a);
}

void split_id_check(const char *name_a, const struct rec_header *a, const char *name_b,
	const struct rec_header *b)
{
	if (!splits_unchecked && !split_id_fits(a->provenance, b->provenance))
		die("'%s' and '%s' are parts of different splits: rows of test may be in train (--splits-unchecked to go on)",
			name_a, name_b);
}
