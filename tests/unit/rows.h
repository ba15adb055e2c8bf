/* rows: rows of any kind for tests, each different and within bounds, from plain arithmetic. */
#ifndef ROWS_H
#define ROWS_H

#include "stream/record.h"

#include <math.h>
#include <string.h>

enum { ROWS_USERS = 1000, ROWS_ITEMS = 70000, ROWS_NEGATIVES = 3, ROWS_MAX_STRUCT = 24 };

/* The header of these rows, without provenance. */
static inline struct rec_header rows_header(enum rec_kind kind)
{
	struct rec_header h;

	rec_header_init(&h, kind, NULL, NULL);
	h.num_users = ROWS_USERS;
	h.num_items = ROWS_ITEMS;
	h.negatives = kind == REC_GROUP ? ROWS_NEGATIVES : 0;
	return h;
}

static inline struct rec_info rows_info(enum rec_kind kind)
{
	return rec_row_info(&(struct rec_header){ .kind = kind, .negatives = ROWS_NEGATIVES });
}

/* Row number k of a kind into a zeroed struct of it. */
static inline void rows_make(enum rec_kind kind, uint64_t k, void *row)
{
	uint32_t user = (uint32_t)(k * 7 % ROWS_USERS), item = (uint32_t)(k * 31 % ROWS_ITEMS);
	float f = (float)k / 3 - 5;
	int64_t time = (int64_t)(k * 0x9E3779B97F4A7C15u);

	memset(row, 0, rows_info(kind).struct_size);
	switch (kind) {
	case REC_RATING:
		*(struct rating *)row = (struct rating){ user, item, f, time };
		break;
	case REC_INTERACTION:
		*(struct interaction *)row = (struct interaction){ user, item, time };
		break;
	case REC_TRIPLE:
		*(struct triple *)row = (struct triple){ user, item, ROWS_ITEMS - 1 - item };
		break;
	case REC_SAMPLE:
		*(struct sample *)row = (struct sample){ user, item, f };
		break;
	case REC_SCORE:
		*(struct score *)row = (struct score){ user, item, 1, k % 5 ? f : -INFINITY };
		break;
	case REC_RANK:
		*(struct rank *)row = (struct rank){ user, item, UINT32_MAX, (uint32_t)k, 2, 3 };
		break;
	case REC_TOP:
		*(struct top *)row = (struct top){ user, item, (uint32_t)k, f };
		break;
	case REC_GROUP:
		memcpy(row,
			(uint32_t[2 + ROWS_NEGATIVES]){ user, item, ROWS_ITEMS - 1, item, user },
			sizeof(uint32_t[2 + ROWS_NEGATIVES]));
		break;
	default:
		break;
	}
}

/* Are the two the same, field by field? A struct may have padding. */
static inline bool rows_equal(enum rec_kind kind, const void *a, const void *b)
{
	const struct rec_info info = rows_info(kind);

	for (unsigned k = 0; k < rec_num_values(&info); k++) {
		const unsigned at = rec_value_offset(&info, k);

		if (memcmp((const char *)a + at, (const char *)b + at,
			    rec_value_field(&info, k)->type == REC_I64 ? 8 : 4))
			return false;
	}
	return true;
}

#endif
