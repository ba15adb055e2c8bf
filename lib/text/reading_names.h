/* reading_names: the part of rating_reading that finds columns by name. */
#ifndef READING_NAMES_H
#define READING_NAMES_H

#include "text/rating_reading.h"

/* Does a name that is not known sound like the rating, or the time: "user_rating", "created_date"? */
bool reading_sounds_like(enum column column, const char *name);

/* Leave the reading open, with the first reason found; both strings are handed over. */
void reading_leave_open(struct reading *r, char *why, char *advice);

/* The text of the header above column c, in a new string; "" where there is none. */
char *reading_header_name(const struct sample *s, unsigned c);

/* All names of the header, "a, b, c", in a new string. */
char *reading_list_names(const struct sample *s);

/* Take the columns that the first line names by known names; false unless user and item are
   among them. */
bool reading_known_names(struct reading *r, const struct sample *s);

/* Take the columns that --columns names, with or without a header; false where one is not there. */
bool reading_use_names(struct reading *r, const struct sample *s, bool header);

/* Does --columns use anything but numbers? */
bool reading_has_real_name(const struct rating_columns *c);

#endif
