/*
 * idmap: raw ids of a text (labels) to numbers 0..n-1 in order of first appearance, and the dense
 * order in which a stream numbers them.
 *
 * A label is its bytes and nothing else: '1' and '01' are two ids. Memory: a number of at most 18
 * digits takes 8 bytes, any other label 8 and its length + 1; 8 to 16 bytes of hash slots an id,
 * but for numbers below 2^22, which share one table of 4 bytes for each up to the largest, doubled:
 * 16 MiB at most.
 */
#ifndef RAW_IDS_H
#define RAW_IDS_H

#include <stddef.h>
#include <stdint.h>

/* Most ids of a map: dense ids are u32, and so is their bound. */
#define RAW_IDS_MAX (UINT32_MAX - 1)

/* A label as it lies in the text. Without NUL bytes. */
struct raw_id {
	const char *text;
	size_t length;
	uint64_t number; /* its value where it is canonical decimal, else RAW_ID_TEXT */
};

/* Canonical decimal: 1 to 18 digits, no leading zero but '0' itself. */
#define RAW_ID_TEXT UINT64_MAX
enum { RAW_ID_MAX_DIGITS = 18 };

/* A label from its bytes; decides what is canonical. */
struct raw_id raw_id_of(const char *text, size_t length);

/* FNV-1a (Fowler, Noll, Vo), 64 bits, its halves folded
   together: depends on the label's bytes only. */
uint64_t raw_id_hash(const char *text, size_t length);

struct raw_ids;

/* A map of at most `max` <= RAW_IDS_MAX ids. */
struct raw_ids *raw_ids_new(uint32_t max);
void raw_ids_free(struct raw_ids *m);
uint32_t raw_ids_size(const struct raw_ids *m);

/* The number of a label, a new one when it was not seen before; UINT32_MAX when the map is full. */
uint32_t raw_ids_add(struct raw_ids *m, const struct raw_id *label);

/* The label of number `id`, valid until the next call on this map. */
const char *raw_ids_get(struct raw_ids *m, uint32_t id);

/*
 * The ids with count[id] > 0 in their dense order, in a new array of *n: by value when all of these
 * labels are decimal digits only (of equal values the shorter label first), else by first
 * appearance. Takes 32 bytes an id, and qsort as many again where the numbers are out of order.
 */
uint32_t *raw_ids_order(const struct raw_ids *m, const uint32_t *count, uint32_t *n);

#endif
