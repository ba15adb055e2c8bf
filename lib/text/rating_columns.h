/*
 * layout: what the columns of a rating text are: delimiter, header line, which column is what.
 * Given by a named format or by the user, or guessed from the first lines.
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
	bool guess;  /* fill in from the first lines what is not known, and look for a header */
	bool header; /* the first line is one */
	bool exact;  /* more columns than num_columns are an error */
	float min_rating, max_rating;
};

/*
 * The layout of a format. `delimiter` ("\t", "tab", "::" ...) and `columns` ("user,item,-,time")
 * are the user's and may be NULL; wrong ones exit 2. FORMAT_TEXT takes a tab and
 * user,item,rating,time where they are not given, and no header; FORMAT_AUTO leaves the rest to
 * rating_columns_guess.
 */
void rating_columns_init(struct rating_columns *l, enum rating_format format, const char *delimiter,
	const char *columns);

/*
 * Fill in what is not known from the first lines of a text: `size` bytes of whole lines, each with
 * its LF; looks at up to RATING_SAMPLE_LINES of them. `name` is the text's for messages. Dies when
 * no layout fits.
 */
void rating_columns_guess(
	struct rating_columns *l, const char *text, size_t size, const char *name);

/* "'name': delimiter tab, no header line, columns user,item,rating,time" in a new string. */
char *rating_columns_describe(const struct rating_columns *l, const char *name);

#endif
