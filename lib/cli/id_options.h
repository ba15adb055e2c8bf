/*
 * id_options: the options of stages that number the users and items of a text, and their two maps.
 *   --user-ids, --item-ids      where to write the maps
 *   --known-users, --known-items, --unknown   the maps to continue, and what to do beyond them
 *   --missing                   what to do with ids that may stand for a missing value
 */
#ifndef ID_OPTIONS_H
#define ID_OPTIONS_H

#include "cli/opt.h"
#include "text/id_map.h"

#include <stdbool.h>

/* The table for opt_program. */
const struct opt *id_options(void);

/* Where --user-ids and --item-ids say to write the maps; NULL: not asked for. */
const char *id_options_user_ids(void);
const char *id_options_item_ids(void);

/* With --missing drop an id may be empty, too. */
bool id_options_take_empty(void);

/* The maps of users and items, with all that --known-users, --known-items and --unknown say. Wrong
   usage: --unknown drop or error without a map to know. */
void id_options_open(struct id_map *users, struct id_map *items);

/*
 * Does the user or the item of a row look like a missing value (NA, null, nan ..., or nothing), and
 * is the row to be dropped for it? Counted here. With --missing error, the default, *why is the
 * reason to die with, in a new string: all such rows would become one user.
 */
bool id_options_drops_missing(const struct raw_id *user, const struct raw_id *item, char **why);

/*
 * What id_map_number refused, ID_MAP_UNKNOWN or ID_MAP_FULL, for the user or the item of a row: NULL
 * where --unknown drop lets the row go, which is counted here; else the reason to die with, in a new
 * string: "user 'x' is not in 'users.tsv' (--unknown error)".
 */
char *id_options_refused(const struct raw_id *user, uint32_t user_number, const struct raw_id *item,
	uint32_t item_number);

/* Notes of a run that succeeds: rows dropped, and ids that were added to known ones. */
void id_options_report(const struct id_map *users, const struct id_map *items);

#endif
