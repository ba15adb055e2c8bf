/*
 * id_map: the users, or the items, of a text, and the dense ids they get.
 *
 * A map only grows (record.5, "Id maps"): ids that an id file knows keep
 * their places, with rows or without; behind them stand the new ones that have a row, by value if
 * all of these are decimal digits, else by first appearance. The way of a map:
 *
 *   id_map_new, id_map_know for each file of --known-users, id_map_close for --unknown drop|error,
 *   id_map_number for each row of the text, id_map_settle, and then what is dense.
 *
 * Memory: that of raw_ids, the names of known ids, and 4 bytes per id once it is settled; see also
 * raw_ids_order.
 */
#ifndef ID_MAP_H
#define ID_MAP_H

#include "stream/id_family.h"
#include "text/raw_ids.h"

#include <stdbool.h>
#include <stdint.h>

struct stream_out;

/* What id_map_number says in place of a number. */
#define ID_MAP_FULL    UINT32_MAX	/* RAW_IDS_MAX ids are there */
#define ID_MAP_UNKNOWN (UINT32_MAX - 1) /* the map is closed and does not know the raw id */

struct id_map {
	struct raw_ids *ids; /* known ones first, then others as they appear */
	uint32_t num_known;
	bool closed; /* takes no other ids than those known */

	/* once settled: the dense ids, 0..num-1 */
	uint32_t num;
	uint32_t *order; /* of each its number in `ids`; 0..num_known-1 come first */

	struct id_family known; /* the map after each file */
	char *names;		/* of known ids, each with its NUL; NULL: none has one */
	size_t names_size, names_capacity;
	uint64_t *name_at; /* of each known id, 0: it has none */
};

void id_map_init(struct id_map *m);
void id_map_release(struct id_map *m);

/*
 * Know the ids of an id file, before any other id is added. The file must be a whole map: dense ids
 * 0, 1, 2 ... line by line, no raw id twice or empty, a line end after the last. A second file must
 * continue the first: begin with its ids and be no shorter. Dies naming file and line.
 */
void id_map_know(struct id_map *m, const char *path);

/* The number of a raw id of the text, not dense yet; ID_MAP_FULL or ID_MAP_UNKNOWN. */
static inline uint32_t id_map_number(struct id_map *m, const struct raw_id *raw)
{
	uint32_t id;

	if (!m->closed)
		return raw_ids_add(m->ids, raw);
	id = raw_ids_find(m->ids, raw);
	return id == UINT32_MAX ? ID_MAP_UNKNOWN : id;
}

/* Is the map that was known of this family? */
bool id_map_related(const struct id_map *m, const struct id_family *f);

/* The name of a known id in the last file; NULL: it has none. */
const char *id_map_name(const struct id_map *m, uint32_t id);

/* How many numbers there are: a bound of those that id_map_number gave. */
uint32_t id_map_size(const struct id_map *m);

/* Settle the dense ids: all known ones, and those with count[number] > 0. */
void id_map_settle(struct id_map *m, const uint32_t *count);

/* Of each number its dense id, in a new array of id_map_size; one without a row has none. */
uint32_t *id_map_dense(const struct id_map *m);

/* The raw id of a dense one, valid until the next call on this map. */
const char *id_map_raw(struct id_map *m, uint32_t dense);

/* The fingerprint of the settled map: a pair for each file it knows, and one of its own where it
   grew. `f` is overwritten, not released. */
void id_map_family(struct id_map *m, struct id_family *f);

/* Write the id file of the settled map, with the names that known ids had. */
void id_map_write(struct id_map *m, struct stream_out *out);

#endif
