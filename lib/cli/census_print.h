/* census_print: a census as a table of 80 columns, and as JSON; cof-stat.1 has the keys. */
#ifndef CENSUS_PRINT_H
#define CENSUS_PRINT_H

#include "data/census.h"
#include "stream/stream.h"

/* Bars are drawn with Unicode's block characters where the locale's encoding is UTF-8. */
void census_table(const struct census *c, struct stream_out *out);
void census_json(const struct census *c, struct stream_out *out);

#endif
