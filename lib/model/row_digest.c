#include "model/row_digest.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { NUM_COLUMNS = 3 };

struct row_digest {
	char epochs[DIGEST_HEX + 1];
	struct digest *column[NUM_COLUMNS];
};

static void start_epoch(struct row_digest *d)
{
	for (int k = 0; k < NUM_COLUMNS; k++) {
		digest_free(d->column[k]);
		d->column[k] = digest_new();
	}
}

struct row_digest *row_digest_new(void)
{
	struct row_digest *d = xcalloc(1, sizeof(*d));

	memset(d->epochs, '0', DIGEST_HEX);
	start_epoch(d);
	return d;
}

void row_digest_free(struct row_digest *d)
{
	for (int k = 0; d && k < NUM_COLUMNS; k++)
		digest_free(d->column[k]);
	free(d);
}

void row_digest_add(struct row_digest *d, const struct example_columns *c, size_t first, size_t n)
{
	digest_add(d->column[0], c->user + first, n * sizeof(*c->user));
	digest_add(d->column[1], c->item + first, n * sizeof(*c->item));
	if (c->negative)
		digest_add(d->column[2], c->negative + first * c->negatives,
			n * c->negatives * sizeof(*c->negative));
	else
		digest_add(d->column[2], c->label + first, n * sizeof(*c->label));
}

void row_digest_get(const struct row_digest *d, struct row_digest_text *text)
{
	struct digest *all = digest_new();

	memcpy(text->epochs, d->epochs, sizeof(text->epochs));
	for (int k = 0; k < NUM_COLUMNS; k++) {
		digest_hex(d->column[k], text->epoch);
		digest_add(all, text->epoch, DIGEST_HEX);
	}
	digest_hex(all, text->epoch);
	digest_free(all);
}

void row_digest_end_epoch(struct row_digest *d)
{
	struct digest *all = digest_new();
	struct row_digest_text text;

	row_digest_get(d, &text);
	digest_add(all, text.epochs, DIGEST_HEX);
	digest_add(all, text.epoch, DIGEST_HEX);
	digest_hex(all, d->epochs);
	digest_free(all);
	start_epoch(d);
}

void row_digest_set_epochs(struct row_digest *d, const char epochs[DIGEST_HEX + 1])
{
	memcpy(d->epochs, epochs, sizeof(d->epochs));
}
