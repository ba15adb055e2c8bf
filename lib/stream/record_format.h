/* record_format: constants and helpers that the reader and the
   writer share; users include record.h. */
#ifndef RECORD_FORMAT_H
#define RECORD_FORMAT_H

#include "stream/record.h"

enum {
	REC_MAGIC_SIZE = 8,
	REC_VERSION = 2,
	REC_PREFIX_SIZE = REC_MAGIC_SIZE + 8, /* magic, version, JSON length */
	REC_COUNT_SIZE = 4,
	REC_CRC_SIZE = 4,
	REC_TOTAL_SIZE = 8,
	REC_MAX_HEADER = 1 << 20
};

/* Not text; a CR LF that became LF, a lone LF that became CR
   LF and a stop at ^Z all show, as in PNG. */
extern const unsigned char rec_magic[REC_MAGIC_SIZE];

/* Bytes of a field on disk: 4, or 8 for REC_I64. */
unsigned rec_field_size(const struct rec_field *f);

/* Is a packed row what the C struct is in memory? So for most kinds, on little-endian machines. */
bool rec_is_packed(const struct rec_info *info);

/* n rows between an array of the kind's struct and packed little-endian rows. */
void rec_encode(const struct rec_info *info, const void *rows, size_t n, unsigned char *packed);
void rec_decode(const struct rec_info *info, const unsigned char *packed, size_t n, void *rows);

/*
 * The first of n packed rows that breaks a bound or holds a float that is not finite (a `score` may
 * be -inf), with the reason in `why`; n when all are good.
 */
size_t rec_check(
	const struct rec_header *h, const unsigned char *packed, size_t n, char *why, size_t size);

/* The provenance of the whole of which the `num` streams are the shards, in order, in a new array;
   NULL: they are not (rec_header_join). */
struct js *rec_shards_provenance(const struct rec_header *const *from, size_t num);

/* Fill h from JSON text; false with the reason in `why`. */
bool rec_header_parse(
	struct rec_header *h, const char *text, size_t length, char *why, size_t size);

#endif
