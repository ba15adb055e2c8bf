/*
 * raw_ids: numbers the raw ids of a text 0..n-1 in order of first appearance, and gives the dense
 * order in which a stream numbers them.
 *
 * A raw id is its bytes and nothing else: '1' and '01' are two. Memory: 8 bytes for a number of at
 * most 18 digits, 9 and its length for any other raw id; and 8 to 16 bytes of hash slots each.
 * Numbers below 2^22 need no slots: they share a table of 4 bytes for every number up to the next
 * power of two, at most 16 MiB.
 */
#ifndef RAW_IDS_H
#define RAW_IDS_H

#include <stddef.h>
#include <stdint.h>

/* The most ids a map can hold: dense ids are u32, and so is their bound. */
#define RAW_IDS_MAX (UINT32_MAX - 1)

/* A raw id as it stands in the text, without NUL bytes. */
struct raw_id {
	const char *text;
	size_t length;
	uint64_t number; /* its value where it is canonical decimal, else RAW_ID_TEXT */
};

/* Canonical decimal: 1 to 18 digits, no leading zero but '0' itself. */
#define RAW_ID_TEXT UINT64_MAX
enum { RAW_ID_MAX_DIGITS = 18 };

/* A raw id from its bytes; decides what is canonical. */
struct raw_id raw_id_of(const char *text, size_t length);

/* FNV-1a (Fowler, Noll, Vo), 64 bits, the high half folded into the low: depends on the bytes only.
   */
uint64_t raw_id_hash(const char *text, size_t length);

struct raw_ids;

/* A map of at most `max` <= RAW_IDS_MAX ids. */
struct raw_ids *raw_ids_new(uint32_t max);
void raw_ids_free(struct raw_ids *m);
uint32_t raw_ids_size(const struct raw_ids *m);

/* The id of `raw`, a new one if it was not seen before; UINT32_MAX when the map is full. */
uint32_t raw_ids_add(struct raw_ids *m, const struct raw_id *raw);

/* The id of `raw`; UINT32_MAX when it is not in the map. */
uint32_t raw_ids_find(const struct raw_ids *m, const struct raw_id *raw);

/* The raw id numbered `id`, valid until the next call on this map. */
const char *raw_ids_get(struct raw_ids *m, uint32_t id);

/*
 * The dense order, in a new array of *n: ids 0..num_known-1, and then those with count[id] > 0 by
 * value if all of these raw ids consist of decimal digits (of equal values the shorter first), else
 * by first appearance. Takes 32 bytes per id, and qsort as many again where the numbers are out of
 * order.
 */
uint32_t *raw_ids_order(
	const struct raw_ids *m, uint32_t num_known, const uint32_t *count, uint32_t *n);

#endif
