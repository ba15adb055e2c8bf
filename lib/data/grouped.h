/*
 * grouped: a stream whose rows of one user stand together, read user by user.
 *
 *	grouped_init(&g, in);
 *	while (grouped_next_user(&g)) {
 *		while ((rows = grouped_rows(&g, &n)) != NULL)
 *			... n rows of g.user, in an array of the kind's struct
 *		... the user is complete
 *	}
 *	grouped_release(&g);
 *
 * A user who returns after another ends the program. Memory: some rows, and one bit per user.
 */
#ifndef GROUPED_H
#define GROUPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rec_reader;

/* handed out at a time: of most kinds less than the first-level cache holds */
enum { GROUPED_MAX_ROWS = 1024 };

struct grouped {
	uint32_t user; /* whose rows are handed out */

	/* the walk's own */
	struct rec_reader *in;
	unsigned char *done;	   /* bitset of the users who had their turn */
	const unsigned char *rows; /* read; those from `next` on are still to be handed out */
	size_t row_size, num, next;
};

/* Walk `in`, which stays the caller's and has handed out no row yet. */
void grouped_init(struct grouped *g, struct rec_reader *in);
void grouped_release(struct grouped *g);

/* Go on to the next user when all rows of the last are handed out; false at the verified end. */
bool grouped_next_user(struct grouped *g);

/* Up to GROUPED_MAX_ROWS more rows of the user, valid till the next call; *n is their number. NULL:
   there are no more. */
const void *grouped_rows(struct grouped *g, size_t *n);

/*
 * How many rows ago the reader, which is ahead of the walk, handed out the last row of the last
 * grouped_rows: the `back` of rec_die.
 */
uint64_t grouped_last_row(const struct grouped *g);

#endif
