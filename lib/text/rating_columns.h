/*
 * rating_columns: the shape of a rating text: its delimiter, whether it has a header line, and what
 * each column holds. Given by a named format or by the user, or guessed from the first lines.
 */
#ifndef RATING_COLUMNS_H
#define RATING_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

enum rating_format { FORMAT_AUTO, FORMAT_ML_100K, FORMAT_ML_1M, FORMAT_TEXT };
extern const char *const rating_format_names[]; /* NULL-terminated */

enum column { COLUMN_SKIP, COLUMN_USER, COLUMN_ITEM, COLUMN_RATING, COLUMN_TIME };

enum { RATING_MAX_COLUMNS = 16, RATING_MAX_DELIMITER = 8, RATING_SAMPLE_LINES = 32 };

struct rating_columns {
	char delimiter[RATING_MAX_DELIMITER + 1]; /* "": not known yet */
	unsigned num_columns;			  /* up to the last one used; 0: not known yet */
	enum column column[RATING_MAX_COLUMNS];
	bool guess;  /* fill in what is not known from the first lines, and look for a header */
	bool header; /* the first line is one */
	bool exact;  /* more columns than num_columns are an error */
	float min_rating, max_rating; /* any other rating is an error */
};

/*
 * The columns of a format. `delimiter` ("\t", "tab", "::" ...) and `columns` ("user,item,-,time")
 * come from the user and may be NULL; wrong usage exits 2. Where they are not given, FORMAT_TEXT
 * has a tab, user,item,rating,time and no header; FORMAT_AUTO leaves them to rating_columns_guess.
 */
void rating_columns_init(struct rating_columns *cols, enum rating_format format,
	const char *delimiter, const char *columns);

/*
 * Fill in what is not known from the first lines of a text: `size` bytes of whole lines, each with
 * its LF, of which at most RATING_SAMPLE_LINES are looked at. `name` stands for the text in
 * messages. Dies when nothing fits.
 */
void rating_columns_guess(
	struct rating_columns *cols, const char *text, size_t size, const char *name);

/* "'name': delimiter tab, no header line, columns user,item,rating,time" in a new string. */
char *rating_columns_describe(const struct rating_columns *cols, const char *name);

#endif
