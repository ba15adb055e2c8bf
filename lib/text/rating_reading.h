/*
 * rating_reading: one way to read the first records of a rating text, by one delimiter: is the
 * first line a header, and what are the columns? What cannot be told stays open, with the reason
 * and the option that settles it.
 *
 * A first line is a header when it names user and item by names that are known (user, userId,
 * user_id, uid, item, itemId, item_id, iid, movieId, movie_id, rating, timestamp, time, in any
 * case), or has the names of --columns. It is data when it holds a number, a date or a missing
 * value, or when one of its words comes back below it, but for a word above nothing but numbers or
 * dates. Else it is open. Without a header columns go by place (user, item, rating, time), where
 * what they hold does not speak against it.
 */
#ifndef RATING_READING_H
#define RATING_READING_H

#include "text/rating_sample.h"

struct reading {
	struct rating_columns columns; /* with what is settled; `name` and `pattern` are borrowed */
	bool named;	    /* the header names user and item: no other reading is as good */
	char *why, *advice; /* NULL: settled; else "line 1 may be ...", "--header yes ..." */
};

/* Read the sample as `columns` has it: its delimiter, quoting and what the user said. */
void reading_settle(
	struct reading *r, const struct sample *s, const struct rating_columns *columns);
void reading_release(struct reading *r);

/* "user 'a', item 'b', rating '3'": how a reading takes the last record of the sample, in a new
   string. */
char *reading_example(const struct reading *r, const struct sample *s);

/* The column that a header name stands for; COLUMN_SKIP: none. `typed`: RecBole's name:type. */
enum column column_of_name(const char *name, bool typed);

#endif
