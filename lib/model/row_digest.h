/*
 * row_digest: which examples a model was trained on, in 64 hex digits, so that training does not go
 * on with others. Depends on the examples and on where epochs of rows end, not on batches.
 *
 * A digest (digest.h) runs over each column of the epoch's examples: users, items, negatives or
 * labels. At the end of an epoch these are hashed together with those of the epochs before.
 */
#ifndef ROW_DIGEST_H
#define ROW_DIGEST_H

#include "model/examples.h"
#include "stream/digest.h"

#include <stddef.h>

struct row_digest;

struct row_digest_text {
	char epochs[DIGEST_HEX + 1]; /* of all epochs that have ended */
	char epoch[DIGEST_HEX + 1];  /* of the examples since */
};

struct row_digest *row_digest_new(void);
void row_digest_free(struct row_digest *d);

/* Examples first .. first + n - 1 of the columns. */
void row_digest_add(
	struct row_digest *d, const struct example_columns *columns, size_t first, size_t n);
void row_digest_end_epoch(struct row_digest *d);

void row_digest_get(const struct row_digest *d, struct row_digest_text *text);

/* Take over the digest of epochs whose examples were not seen. */
void row_digest_set_epochs(struct row_digest *d, const char epochs[DIGEST_HEX + 1]);

#endif
