#include "stream/id_family.h"

#include "base/die.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { HEX_DIGITS = 16 };

bool ids_unchecked;

/* The hash in exactly 16 lower-case hexadecimal digits. */
static bool parse_hash(const char *text, uint64_t *hash)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit;

	if (!text || strlen(text) != HEX_DIGITS)
		return false;
	*hash = 0;
	for (; *text; text++) {
		if (!(digit = strchr(digits, *text)))
			return false;
		*hash = *hash << 4 | (uint64_t)(digit - digits);
	}
	return true;
}

static bool parse_pair(struct id_pair *pair, const struct js *v)
{
	uint64_t count;

	if (js_length(v) != 2 || !js_uint(js_at(v, 0), &count) || count < 1 || count > UINT32_MAX)
		return false;
	pair->count = (uint32_t)count;
	return parse_hash(js_text(js_at(v, 1)), &pair->hash);
}

bool id_family_parse(struct id_family *f, const struct js *v)
{
	const size_t num = js_length(v);

	*f = (struct id_family){ 0 };
	if (!v)
		return true;
	if (!js_is_array(v))
		return false;
	f->pair = xmalloc(num, sizeof(*f->pair));
	for (; f->num < num; f->num++) {
		const uint32_t before = f->num ? f->pair[f->num - 1].count : 0;
		struct id_pair *pair = &f->pair[f->num];

		if (!parse_pair(pair, js_at(v, f->num)) || pair->count <= before) {
			id_family_release(f);
			return false;
		}
	}
	return true;
}

struct js *id_family_json(const struct id_family *f)
{
	struct js *v = js_array();

	for (unsigned k = 0; k < f->num; k++) {
		struct js *pair = js_array();
		char text[HEX_DIGITS + 1];

		snprintf(text, sizeof(text), "%016" PRIx64, f->pair[k].hash);
		js_append(pair, js_int(f->pair[k].count));
		js_append(pair, js_string(text));
		js_append(v, pair);
	}
	return v;
}

void id_family_copy(struct id_family *to, const struct id_family *from)
{
	*to = (struct id_family){ .num = from->num };
	if (from->num == 0)
		return;
	to->pair = xmalloc(from->num, sizeof(*to->pair));
	memcpy(to->pair, from->pair, from->num * sizeof(*to->pair));
}

void id_family_release(struct id_family *f)
{
	free(f->pair);
	*f = (struct id_family){ 0 };
}

/* Is the pair among those of f from *at on? Moves *at on to the first count that is not less. */
static bool has_pair(const struct id_family *f, unsigned *at, const struct id_pair *pair)
{
	while (*at < f->num && f->pair[*at].count < pair->count)
		++*at;
	return *at < f->num && f->pair[*at].count == pair->count && f->pair[*at].hash == pair->hash;
}

bool id_family_related(const struct id_family *a, const struct id_family *b)
{
	unsigned at = 0;

	if (a->num == 0 || b->num == 0)
		return true;
	for (unsigned k = 0; k < a->num; k++)
		if (has_pair(b, &at, &a->pair[k]))
			return true;
	return false;
}

void id_family_intersect(struct id_family *f, const struct id_family *other)
{
	unsigned at = 0, kept = 0;

	for (unsigned k = 0; k < f->num; k++)
		if (has_pair(other, &at, &f->pair[k]))
			f->pair[kept++] = f->pair[k];
	f->num = kept;
}

void id_family_add(struct id_family *f, uint32_t count, uint64_t hash)
{
	f->pair = xrealloc(f->pair, (size_t)f->num + 1, sizeof(*f->pair));
	f->pair[f->num++] = (struct id_pair){ count, hash };
}

struct id_hash {
	XXH3_state_t *state;
};

struct id_hash *id_hash_new(void)
{
	struct id_hash *h = xmalloc(1, sizeof(*h));

	h->state = XXH3_createState(); /* aligned for vectors */
	if (!h->state)
		die("cannot allocate the state of a hash:");
	XXH3_64bits_reset(h->state);
	return h;
}

void id_hash_add(struct id_hash *h, const char *raw, size_t length)
{
	XXH3_64bits_update(h->state, raw, length);
	XXH3_64bits_update(h->state, "\n", 1);
}

uint64_t id_hash_value(const struct id_hash *h)
{
	return XXH3_64bits_digest(h->state);
}

void id_hash_free(struct id_hash *h)
{
	if (!h)
		return;
	XXH3_freeState(h->state);
	free(h);
}

void id_match_init(struct id_match *m, const struct id_family *f)
{
	*m = (struct id_match){ .family = f, .hash = id_hash_new() };
}

void id_match_add(struct id_match *m, const char *raw, size_t length)
{
	if (m->at == m->family->num)
		return;
	id_hash_add(m->hash, raw, length);
	if (++m->count < m->family->pair[m->at].count)
		return;
	m->met = m->met || id_hash_value(m->hash) == m->family->pair[m->at].hash;
	m->at++;
}

void id_match_release(struct id_match *m)
{
	id_hash_free(m->hash);
}
