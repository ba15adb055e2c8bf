/*
 * trec: reads the two texts of trec_eval, fields between blanks, empty lines passed over:
 *
 *   run    qid Q0 docid rank score tag     as top records: the qid is a user, the docid an item
 *   qrels  qid 0 docid rel                 as interactions (rel above 0; other lines are no rows)
 *
 * trec_eval orders a query's lines by score and looks at no rank; a top record has a rank. So both
 * must say the same: in the order of ranks scores never rise, and of equal scores the ranks differ.
 * Ranks may begin anywhere and have gaps; they become 1, 2, 3 ... A query's lines stand together: one
 * that returns is an error, and so is a docid that a query has twice, as in trec_eval. A score may be
 * -inf, as in a top record.
 */
#ifndef TREC_H
#define TREC_H

#include "stream/record.h"
#include "text/import_ids.h"

#include <stddef.h>

struct trec;

/* A reader of `lines`, which stays the caller's. The kind is REC_TOP or REC_INTERACTION. */
struct trec *trec_open(struct text_lines *lines, enum rec_kind kind);

/* Read up to `max` rows into structs of the kind; 0 at the end. Dies naming line and byte. Memory:
   the lines of one query, 1 bit per user and item. */
size_t trec_rows(struct trec *t, const struct import_ids *ids, void *rows, size_t max);

/* Lines of qrels that were no rows. */
uint64_t trec_not_relevant(const struct trec *t);
void trec_close(struct trec *t);

#endif
