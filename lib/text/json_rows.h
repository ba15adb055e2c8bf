/*
 * json_rows: ratings from JSON lines, an object per line.
 *
 * A column is a key, or keys with dots between: user.id is "id" of the object "user"; a key that
 * holds the dots itself comes first. Ids are strings or whole numbers; ratings numbers, or strings
 * that hold one; times numbers, or strings as --time-format has them. A number is a double, as in
 * most programs that write JSON.
 */
#ifndef JSON_ROWS_H
#define JSON_ROWS_H

#include "text/rating_columns.h"
#include "text/text_source.h"

/* Settle the keys from the first object: known names, where --columns does not say. Dies where
   it cannot tell. */
void json_rows_detect(struct rating_columns *columns, const struct text_source *text);

#endif
