/*
 * id_family: which map from raw ids to dense ones the ids of a stream or a model come from.
 *
 * A map grows at its end only. Its fingerprint is a list of pairs (count, hash): the hash of the
 * first `count` raw ids. Whoever extends a map appends a pair, so that two maps are of one family
 * when they share a pair: then the ids below its count mean the same in both.
 */
#ifndef ID_FAMILY_H
#define ID_FAMILY_H

#include "base/js.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_pair {
	uint32_t count;
	uint64_t hash;
};

struct id_family {
	unsigned num;	      /* 0: not known */
	struct id_pair *pair; /* counts ascending */
};

/* --ids-unchecked: rec_check_families lets everything pass. */
extern bool ids_unchecked;

/*
 * From [[count, "16 hex digits"], ...], counts from 1 on and ascending; NULL gives num 0. False
 * where v is anything else; then f has num 0.
 */
bool id_family_parse(struct id_family *f, const struct js *v);
struct js *id_family_json(const struct id_family *f);

/* `to` is overwritten, not released. */
void id_family_copy(struct id_family *to, const struct id_family *from);
void id_family_release(struct id_family *f);

/* Do they share a pair, or is one of them not known? */
bool id_family_related(const struct id_family *a, const struct id_family *b);

/* Keep the pairs that `other` has too: what is known of ids that come from either. */
void id_family_intersect(struct id_family *f, const struct id_family *other);

/* Append the pair of a map that grew to `count` ids, more than those of the pairs before. */
void id_family_add(struct id_family *f, uint32_t count, uint64_t hash);

/*
 * XXH3-64 (Y. Collet, xxHash 0.8) over the raw ids in dense order, a line end after each: the hash
 * of `cut -f 2` of an id file.
 */
struct id_hash;
struct id_hash *id_hash_new(void);
void id_hash_add(struct id_hash *h, const char *raw, size_t length);
uint64_t id_hash_value(const struct id_hash *h); /* of the ids added so far */
void id_hash_free(struct id_hash *h);

/* Is a map, whose raw ids come one by one, of the family f? So once a pair of f was met. */
struct id_match {
	const struct id_family *family;
	struct id_hash *hash;
	uint32_t count; /* raw ids so far */
	unsigned at;	/* the pair to meet next */
	bool met;
};
void id_match_init(struct id_match *m, const struct id_family *f);
void id_match_add(struct id_match *m, const char *raw, size_t length);
void id_match_release(struct id_match *m);

#endif
