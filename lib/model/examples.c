#include "model/examples.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct examples {
	struct rec_reader *in;
	enum rec_kind kind;
	enum example_form form;
	uint32_t per_row, negatives; /* examples; negatives of an example */
	size_t words;		     /* of a row: all three kinds have 32-bit fields only */
	const uint32_t *rows;	     /* of the reader, till it is read from again */
	size_t next, end;	     /* rows next .. end - 1 are still to be given out, */
	uint32_t given;		     /* but for these examples of the first */
	uint64_t most;		     /* rows, as the header says; UINT64_MAX: it does not */
};

struct examples *examples_new(struct rec_reader *in, enum example_form form)
{
	const struct rec_header *h = rec_header(in);
	struct examples *e = xcalloc(1, sizeof(*e));

	e->in = in;
	e->kind = h->kind;
	e->form = form;
	e->per_row = 1;
	if (h->kind == REC_GROUP && form != EXAMPLE_GROUP)
		e->per_row = h->negatives + (form == EXAMPLE_SAMPLE);
	e->negatives = form == EXAMPLE_GROUP ? h->negatives : form == EXAMPLE_TRIPLE;
	e->words = rec_row_info(h).struct_size / sizeof(*e->rows);
	if (!rec_header_rows(h, &e->most))
		e->most = UINT64_MAX;
	return e;
}

void examples_free(struct examples *e)
{
	free(e);
}

uint32_t examples_per_row(const struct examples *e)
{
	return e->per_row;
}

uint32_t examples_negatives(const struct examples *e)
{
	return e->negatives;
}

static void copy_triples(
	const struct examples *e, const struct example_columns *to, size_t at, size_t n)
{
	const struct triple *row = (const struct triple *)e->rows + e->next;

	for (size_t k = 0; k < n; k++) {
		to->user[at + k] = row[k].user;
		to->item[at + k] = row[k].positive;
		to->negative[at + k] = row[k].negative;
	}
}

static void copy_samples(
	const struct examples *e, const struct example_columns *to, size_t at, size_t n)
{
	const struct sample *row = (const struct sample *)e->rows + e->next;

	for (size_t k = 0; k < n; k++) {
		if (!(row[k].label >= 0 && row[k].label <= 1))
			rec_die(e->in, e->end - e->next - k, "label %g is outside 0..1",
				(double)row[k].label);
		to->user[at + k] = row[k].user;
		to->item[at + k] = row[k].item;
		to->label[at + k] = row[k].label;
	}
}

static void copy_groups(
	const struct examples *e, const struct example_columns *to, size_t at, size_t n)
{
	const uint32_t *row = e->rows + e->next * e->words;

	for (size_t k = at; k < at + n; k++, row += e->words) {
		to->user[k] = row[GROUP_USER];
		to->item[k] = row[GROUP_POSITIVE];
		memcpy(to->negative + k * e->negatives, row + GROUP_NEGATIVES,
			e->negatives * sizeof(*row));
	}
}

/* n triples or samples of one group, behind those given. */
static void copy_group(
	const struct examples *e, const struct example_columns *to, size_t at, size_t n)
{
	const uint32_t *row = e->rows + e->next * e->words;
	const bool pairwise = e->form == EXAMPLE_TRIPLE;

	for (size_t k = 0, j = e->given; k < n; k++, j++) {
		to->user[at + k] = row[GROUP_USER];
		to->item[at + k] = row[GROUP_POSITIVE + (pairwise ? 0 : j)];
		if (pairwise)
			to->negative[at + k] = row[GROUP_NEGATIVES + j];
		else
			to->label[at + k] = j == 0;
	}
}

/* Copy up to n examples of the rows held into the columns from place `at` on; returns how many. */
static size_t copy(struct examples *e, const struct example_columns *to, size_t at, size_t n)
{
	const size_t rows = e->end - e->next, left = e->per_row - e->given;

	if (e->kind == REC_GROUP && e->form != EXAMPLE_GROUP) {
		n = n < left ? n : left;
		copy_group(e, to, at, n);
		e->given += (uint32_t)n;
		if (n == left) {
			e->next++;
			e->given = 0;
		}
		return n;
	}
	n = n < rows ? n : rows;
	if (e->kind == REC_GROUP)
		copy_groups(e, to, at, n);
	else if (e->kind == REC_TRIPLE)
		copy_triples(e, to, at, n);
	else
		copy_samples(e, to, at, n);
	e->next += n;
	return n;
}

/* Read the next rows; false at the verified end. */
static bool read_rows(struct examples *e)
{
	const struct rec_header *h = rec_header(e->in);

	e->next = 0;
	e->rows = rec_look_rows(e->in, SIZE_MAX, &e->end);
	if (rec_rows(e->in) > e->most)
		rec_die(e->in, rec_rows(e->in) - e->most,
			"the header says %" PRIu64 " epochs of %" PRIu64 " rows", h->epochs,
			h->rows_per_epoch);
	return e->end > 0;
}

size_t examples_read(struct examples *e, const struct example_columns *to, size_t max)
{
	size_t done = 0;

	while (done < max) {
		if (e->next == e->end && !read_rows(e))
			break;
		done += copy(e, to, done, max - done);
	}
	return done;
}
