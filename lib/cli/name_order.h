/*
 * name_order: tied items in the order of trec_eval (form_res_rels.c, comp_sim_docno): by name, as
 * bytes, the greater first. A name is the raw id of an id file, or the digits of the dense id.
 */
#ifndef NAME_ORDER_H
#define NAME_ORDER_H

#include "rank/candidates.h"

struct rec_header;

/* For the items of a stream with header `h`; `item_ids` is NULL for dense ids. Stays until the end
   of the program. Dies where id_names_load does. */
const struct tie_order *name_order(const char *item_ids, const struct rec_header *h);

#endif
