/*
 * rating_detect: settles what the options leave open about a rating text, from its first records.
 * Nothing is taken that could be something else: where a text can be read in two ways this dies,
 * with the first lines, the ways to read them and the option that says which.
 *
 * FORMAT_AUTO knows JSON lines by their '{', RecBole's header by its types, He et al.'s lists by
 * their '(user,item)', LightGCN's by whole numbers of uneven count with a new first one on each
 * line. Else there is a delimiter: "::", tab, comma, semicolon, bar or space; the one whose header
 * names user and item, else the only one that splits all records into equally many fields, else the
 * only one that splits the first. A blank behind each may be part of it; a first line that begins
 * with "#" or "%" may be a comment.
 */
#ifndef RATING_DETECT_H
#define RATING_DETECT_H

#include "text/rating_columns.h"
#include "text/text_source.h"

void rating_detect(struct rating_columns *columns, const struct text_source *text);

#endif
