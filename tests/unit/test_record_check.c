/* record_check: one bad field anywhere in a block of any kind is found, and nothing else. */
#include "base/bytes.h"
#include "stream/record_format.h"

#include "check.h"

#include <stdbool.h>
#include <string.h>

enum { ROWS = 170 };

static const struct rec_header bounds = { .num_users = 3000000000u, .num_items = 70 };

/* A good value for a field, near its limit; `bad` gives one just beyond. */
static uint32_t value(const struct rec_field *f, bool bad)
{
	if (f->meaning == REC_USER)
		return bounds.num_users - !bad;
	if (f->meaning == REC_ITEM)
		return bounds.num_items - !bad;
	if (f->type == REC_F32)
		return bad ? 0x7f800000 : 0xff7fffff; /* infinity; the least float */
	return UINT32_MAX;
}

static void fill(const struct rec_info *info, unsigned char *packed)
{
	for (unsigned k = 0; k < ROWS; k++)
		for (unsigned f = 0; f < info->num_fields; f++) {
			put32(packed, value(&info->fields[f], false));
			if (info->fields[f].type == REC_I64)
				put32(packed + 4, UINT32_MAX);
			packed += rec_field_size(&info->fields[f]);
		}
}

static void test_kind(enum rec_kind kind)
{
	const struct rec_info *info = &rec_info[kind];
	struct rec_header h = bounds;
	unsigned char packed[ROWS * REC_MAX_ROW];
	char why[128];
	unsigned wrong = 0, tried = 0;

	h.kind = kind;
	fill(info, packed);
	for (size_t n = 0; n <= ROWS; n++)
		wrong += rec_check(&h, packed, n, why, sizeof(why)) != n;
	CHECK(wrong == 0, "%s: good rows, any number", info->name);
	for (unsigned k = 0; k < ROWS; k++) {
		for (unsigned f = 0, at = 0; f < info->num_fields;
			at += rec_field_size(&info->fields[f]), f++) {
			const struct rec_field *field = &info->fields[f];

			if (field->meaning == REC_PLAIN && field->type != REC_F32)
				continue;
			put32(packed + k * info->row_size + at, value(field, true));
			tried++;
			wrong += rec_check(&h, packed, ROWS, why, sizeof(why)) != k ||
				 strncmp(why, field->name, strlen(field->name)) != 0;
			put32(packed + k * info->row_size + at, value(field, false));
		}
	}
	CHECK(tried >= 2 * ROWS && wrong == 0, "%s: %u bad fields, %u missed", info->name, tried,
		wrong);
}

static void test_scores(void)
{
	const struct rec_info *info = &rec_info[REC_SCORE];
	struct rec_header h = bounds;
	unsigned char packed[ROWS * REC_MAX_ROW];
	char why[128];
	unsigned last = 12; /* the score's place in a row */

	h.kind = REC_SCORE;
	fill(info, packed);
	put32(packed + last, 0xff800000);
	CHECK(rec_check(&h, packed, ROWS, why, sizeof(why)) == ROWS, "a score may be -inf");
	put32(packed + 150 * info->row_size + last, 0xffc00000);
	CHECK(rec_check(&h, packed, ROWS, why, sizeof(why)) == 150, "a NaN behind it is found: %s",
		why);
	put32(packed + 150 * info->row_size + last, 0);
	put32(packed + 8, 0xff800000);
	CHECK(rec_check(&h, packed, ROWS, why, sizeof(why)) == 0, "a label may not be -inf: %s",
		why);
}

int main(void)
{
	for (unsigned kind = 0; kind < REC_NUM_KINDS; kind++)
		test_kind(kind);
	test_scores();
	return CHECK_EXIT;
}
