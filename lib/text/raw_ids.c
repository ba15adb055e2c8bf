/*
 * raw_ids: one key per id, found by open addressing with linear probing at a load of at most one
 * half. Small numbers have a table of their own: one memory access instead of two or more.
 *
 * The hash is keyed by random numbers, so that no text can be made whose ids all collide. Ids are
 * numbered by first appearance, so that the keys change no result.
 */
#define _DEFAULT_SOURCE // getentropy
#include "text/raw_ids.h"

#include "base/die.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A key is the number that a canonical raw id stands for, or this bit and where its text is in
   `arena`. */
#define KEY_TEXT (UINT64_C(1) << 63)

/* Numbers below this are looked up in `direct`: 16 MiB at most. */
enum { DIRECT_NUMBERS = 1 << 22 };

struct raw_ids {
	uint32_t size, max;
	uint64_t *key; /* one per id */
	size_t key_capacity;
	uint32_t *slot; /* 0: empty, else id + 1 */
	unsigned slot_bits;
	size_t num_used;  /* slots */
	uint32_t *direct; /* for each number below direct_size: 0 or id + 1 */
	uint32_t direct_size;
	uint64_t hash_key[2];
	char *arena; /* the text of other raw ids, each with its NUL */
	size_t arena_size, arena_capacity;
	char digits[RAW_ID_MAX_DIGITS + 2];
};

struct raw_id raw_id_of(const char *text, size_t length)
{
	struct raw_id raw = { text, length, RAW_ID_TEXT };
	uint64_t number = 0;

	if (length == 0 || length > RAW_ID_MAX_DIGITS || (text[0] == '0' && length > 1))
		return raw;
	for (size_t k = 0; k < length; k++) {
		if (text[k] < '0' || text[k] > '9')
			return raw;
		number = 10 * number + (uint64_t)(text[k] - '0');
	}
	raw.number = number;
	return raw;
}

struct raw_ids *raw_ids_new(uint32_t max)
{
	struct raw_ids *m = xcalloc(1, sizeof(*m));

	m->max = max;
	m->slot_bits = 8;
	m->slot = xcalloc((size_t)1 << m->slot_bits, sizeof(*m->slot));
	if (getentropy(m->hash_key, sizeof(m->hash_key)))
		die("cannot get random numbers:");
	m->hash_key[0] |= 1;
	return m;
}

void raw_ids_free(struct raw_ids *m)
{
	if (!m)
		return;
	free(m->key);
	free(m->slot);
	free(m->direct);
	free(m->arena);
	free(m);
}

uint32_t raw_ids_size(const struct raw_ids *m)
{
	return m->size;
}

/*
 * Multiply-shift by a random odd number (Dietzfelbinger et al. 1997): two keys that were chosen
 * without knowing it collide as rarely as two random ones. The multiplication by a constant before
 * it (Fibonacci hashing; Knuth, TAOCP 6.4) keeps runs of consecutive numbers apart, whatever the
 * random one is.
 */
static size_t slot_of(const struct raw_ids *m, uint64_t hash)
{
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	hash = (hash ^ hash >> 32) * m->hash_key[0];
	return (size_t)(hash >> (64 - m->slot_bits));
}

static uint64_t hash_text(uint64_t hash, const char *text, size_t length)
{
	for (size_t k = 0; k < length; k++)
		hash = (hash ^ (unsigned char)text[k]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

uint64_t raw_id_hash(const char *text, size_t length)
{
	return hash_text(UINT64_C(0xcbf29ce484222325), text, length);
}

static size_t slot_of_raw_id(const struct raw_ids *m, const struct raw_id *raw)
{
	if (raw->number != RAW_ID_TEXT)
		return slot_of(m, raw->number);
	return slot_of(m, hash_text(m->hash_key[1], raw->text, raw->length));
}

static size_t slot_of_key(const struct raw_ids *m, uint64_t key)
{
	const char *text = m->arena + (key & ~KEY_TEXT);

	if (!(key & KEY_TEXT))
		return slot_of(m, key);
	return slot_of(m, hash_text(m->hash_key[1], text, strlen(text)));
}

static bool key_is(const struct raw_ids *m, uint64_t key, const struct raw_id *raw)
{
	const char *text;

	if (raw->number != RAW_ID_TEXT || !(key & KEY_TEXT))
		return key == raw->number;
	text = m->arena + (key & ~KEY_TEXT);
	return strncmp(text, raw->text, raw->length) == 0 && text[raw->length] == '\0';
}

static void grow_slots(struct raw_ids *m)
{
	size_t mask = ((size_t)2 << m->slot_bits) - 1;

	free(m->slot);
	m->slot = xcalloc(mask + 1, sizeof(*m->slot));
	m->slot_bits++;
	for (uint32_t id = 0; id < m->size; id++) {
		size_t at;

		if (m->key[id] < DIRECT_NUMBERS)
			continue;
		at = slot_of_key(m, m->key[id]);
		while (m->slot[at])
			at = (at + 1) & mask;
		m->slot[at] = id + 1;
	}
}

/* The slot that holds the raw id, or the empty one where it belongs. */
static size_t probe(const struct raw_ids *m, const struct raw_id *raw)
{
	size_t mask = ((size_t)1 << m->slot_bits) - 1;
	size_t at = slot_of_raw_id(m, raw);

	while (m->slot[at] && !key_is(m, m->key[m->slot[at] - 1], raw))
		at = (at + 1) & mask;
	return at;
}

static uint64_t new_key(struct raw_ids *m, const struct raw_id *raw)
{
	uint64_t key = KEY_TEXT | m->arena_size;

	if (raw->number != RAW_ID_TEXT)
		return raw->number;
	m->arena = xgrow(m->arena, &m->arena_capacity, m->arena_size + raw->length + 1, 1);
	memcpy(m->arena + m->arena_size, raw->text, raw->length);
	m->arena[m->arena_size + raw->length] = '\0';
	m->arena_size += raw->length + 1;
	return key;
}

/* Make `direct` reach `number`; returns its place there. */
static uint32_t *grow_direct(struct raw_ids *m, uint32_t number)
{
	uint32_t size = m->direct_size ? m->direct_size : 1024;

	while (size <= number)
		size *= 2;
	m->direct = xrealloc(m->direct, size, sizeof(*m->direct));
	memset(m->direct + m->direct_size, 0, (size - m->direct_size) * sizeof(*m->direct));
	m->direct_size = size;
	return &m->direct[number];
}

/* Add a raw id that is not there yet; `at` is its place in `slot` or `direct`. */
static uint32_t add_new(struct raw_ids *m, const struct raw_id *raw, uint32_t *at)
{
	if (m->size == m->max)
		return UINT32_MAX;
	m->key = xgrow(m->key, &m->key_capacity, (size_t)m->size + 1, sizeof(*m->key));
	m->key[m->size] = new_key(m, raw);
	*at = ++m->size;
	return m->size - 1;
}

uint32_t raw_ids_add(struct raw_ids *m, const struct raw_id *raw)
{
	uint32_t *at, id;

	if (raw->number < m->direct_size) {
		at = &m->direct[raw->number];
		return *at ? *at - 1 : add_new(m, raw, at);
	}
	if (raw->number < DIRECT_NUMBERS)
		return add_new(m, raw, grow_direct(m, (uint32_t)raw->number));
	at = &m->slot[probe(m, raw)];
	if (*at)
		return *at - 1;
	id = add_new(m, raw, at);
	if (id != UINT32_MAX && ++m->num_used > (size_t)1 << (m->slot_bits - 1))
		grow_slots(m);
	return id;
}

uint32_t raw_ids_find(const struct raw_ids *m, const struct raw_id *raw)
{
	if (raw->number < m->direct_size)
		return m->direct[raw->number] - 1; /* 0 - 1 is UINT32_MAX */
	return raw->number < DIRECT_NUMBERS ? UINT32_MAX : m->slot[probe(m, raw)] - 1;
}

const char *raw_ids_get(struct raw_ids *m, uint32_t id)
{
	uint64_t key = m->key[id];

	if (key & KEY_TEXT)
		return m->arena + (key & ~KEY_TEXT);
	snprintf(m->digits, sizeof(m->digits), "%" PRIu64, key);
	return m->digits;
}

/* A decimal raw id, for sorting. */
struct decimal {
	uint64_t value;	  /* UINT64_MAX: more significant digits than RAW_ID_MAX_DIGITS */
	const char *text; /* without leading zeros; only where value is UINT64_MAX */
	uint32_t significant, zeros; /* digits in `text`; leading zeros before it */
	uint32_t id;
};

/* False when the raw id holds anything but digits. */
static bool decimal_of(const struct raw_ids *m, uint32_t id, struct decimal *d)
{
	const char *text;
	size_t length, zeros;

	*d = (struct decimal){ .value = m->key[id], .id = id };
	if (!(m->key[id] & KEY_TEXT))
		return true;
	text = m->arena + (m->key[id] & ~KEY_TEXT);
	length = strlen(text);
	if (length == 0 || length > UINT32_MAX || strspn(text, "0123456789") != length)
		return false;
	zeros = strspn(text, "0");
	if (zeros == length)
		zeros--; /* '00' is the value 0 after one leading zero */
	d->zeros = (uint32_t)zeros;
	d->significant = (uint32_t)(length - zeros);
	d->text = text + zeros;
	d->value = raw_id_of(d->text, d->significant).number;
	return true;
}

static int compare_decimals(const void *a, const void *b)
{
	const struct decimal *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	if (x->value == UINT64_MAX) {
		int order = x->significant != y->significant
				    ? (x->significant < y->significant ? -1 : 1)
				    : memcmp(x->text, y->text, x->significant);
		if (order != 0)
			return order;
	}
	return (x->zeros > y->zeros) - (x->zeros < y->zeros);
}

uint32_t *raw_ids_order(
	const struct raw_ids *m, uint32_t num_known, const uint32_t *count, uint32_t *n)
{
	uint32_t *order = xmalloc(m->size, sizeof(*order));
	struct decimal *decimal = xmalloc(m->size - num_known, sizeof(*decimal));
	bool all_decimal = true, sorted = true;
	uint32_t num = 0; /* new ids */

	for (uint32_t id = 0; id < num_known; id++)
		order[id] = id;
	for (uint32_t id = num_known; id < m->size; id++) {
		if (count[id] == 0)
			continue;
		all_decimal = all_decimal && decimal_of(m, id, &decimal[num]);
		sorted = sorted && all_decimal &&
			 (num == 0 || compare_decimals(&decimal[num - 1], &decimal[num]) < 0);
		order[num_known + num++] = id;
	}
	if (all_decimal && !sorted) {
		qsort(decimal, num, sizeof(*decimal), compare_decimals);
		for (uint32_t k = 0; k < num; k++)
			order[num_known + k] = decimal[k].id;
	}
	free(decimal);
	*n = num_known + num;
	return order;
}
