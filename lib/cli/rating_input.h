/*
 * rating_input: what the stages that read ratings share: the options that say what a text looks
 * like and what becomes of duplicates, and reading it, or a stream of rating records, into a table.
 * The main of such a stage:
 *
 * 	rating_input_read(&in, operands[0], kinds);      after opt_parse with rating_options()
 * 	rating_input_merge(&in);
 * 	... rows may be dropped
 * 	rating_input_number(&in);
 * 	rating_input_header(&in, &header);
 * 	... write; rating_input_write_ids
 * 	rating_input_report(&in);
 * 	rating_input_release(&in);
 */
#ifndef RATING_INPUT_H
#define RATING_INPUT_H

#include "cli/opt.h"
#include "data/disk_ratings.h"
#include "data/ratings.h"
#include "stream/record.h"
#include "text/id_map.h"

#include <stdbool.h>

/* For struct opt_program. */
#define RATING_INPUT_READS \
	"text, a rating per line (CSV, TSV, JSON lines and others), or rating records; may be gzip"

/* The table of shared options. */
const struct opt *rating_options(void);

/* What a stage takes beside texts of ratings. */
enum { TAKES_RECORDS = 1, TAKES_LISTS = 2 };

struct rating_input {
	enum rec_kind kind;	/* REC_SAMPLE: of lists with negatives, the rating is the label */
	struct ratings ratings; /* without rows where `disk` holds them */
	struct disk_ratings *disk;  /* NULL: in memory */
	bool has_times;		    /* else the order of the input stands in for them */
	bool from_stream;	    /* of records: their ids are dense, and stay */
	struct rec_header source;   /* of the stream */
	struct id_map users, items; /* of the text */
	struct js *digest;	    /* of the text */

	/* for the report */
	char *name, *described;
	uint64_t rows, times_cut;
	bool unfinished;
	uint32_t merged;
};

/*
 * Read all of `path` (NULL: standard input). With TAKES_RECORDS in `takes` that may be rating
 * records, with which --format and its like do not go; with TAKES_LISTS a text may be lists with
 * given negatives. Dies, too, on an input without rows, on other than --expect-rows, and on a text
 * that seems to be cut off. With `memory` > 0 the rows go to the disk, sorted within so many bytes.
 */
void rating_input_read(struct rating_input *in, const char *path, unsigned takes, uint64_t memory);

/* The rows there are now. */
uint32_t rating_input_num(const struct rating_input *in);

/* One row of each user and item, as --duplicates says; nothing for lists of samples. */
void rating_input_merge(struct rating_input *in);

/* Number users and items of a text 0, 1, 2 ...: those that still have a row. */
void rating_input_number(struct rating_input *in);

/* What random draws are keyed by: a hash of each user's, or item's, raw id; of the digits of a
   stream's dense ids. In a new array. */
uint64_t *rating_input_hashes(const struct rating_input *in, struct id_map *ids, uint32_t num);

/* This stage's entry for `provenance`: opt_provenance, and what text was read. */
struct js *rating_input_entry(struct rating_input *in);

/* The header of what is made of it: kind, bounds, id maps and provenance, of which `entry`, handed
   over, is the last. */
void rating_input_header(struct rating_input *in, struct rec_header *h, struct js *entry);

/* Row k as it is written: the order of the input stands in for times that are not there, in the
   table only. */
static inline struct rating rating_input_row(const struct rating_input *in, uint32_t k)
{
	struct rating row = ratings_row(&in->ratings, k);

	if (!in->has_times)
		row.time = 0;
	return row;
}

/* What there is to say once all succeeded, so that an error is one line. */
void rating_input_report(const struct rating_input *in);
void rating_input_release(struct rating_input *in);

#endif
