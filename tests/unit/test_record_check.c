/* record_check: one bad field anywhere in a block of any kind is found, and nothing else. */
#include "base/bytes.h"
#include "stream/record_format.h"

#include "check.h"

#include <stdbool.h>
#include <string.h>

enum { ROWS = 170, MAX_ROW = 4 * (GROUP_NEGATIVES + 11) };

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
		for (unsigned v = 0; v < rec_num_values(info); v++) {
			const struct rec_field *field = rec_value_field(info, v);

			put32(packed, value(field, false));
			if (field->type == REC_I64)
				put32(packed + 4, UINT32_MAX);
			packed += rec_field_size(field);
		}
}

static void test_kind(enum rec_kind kind, uint32_t negatives)
{
	struct rec_header h = bounds;
	struct rec_info info;
	unsigned char packed[ROWS * MAX_ROW];
	char why[128];
	unsigned wrong = 0, tried = 0;

	h.kind = kind;
	h.negatives = negatives;
	info = rec_row_info(&h);
	fill(&info, packed);
	for (size_t n = 0; n <= ROWS; n++)
		wrong += rec_check(&h, packed, n, why, sizeof(why)) != n;
	CHECK(wrong == 0, "%s of %u bytes: good rows, any number", info.name, info.row_size);
	for (unsigned k = 0; k < ROWS; k++) {
		unsigned char *at = packed + k * info.row_size;

		for (unsigned v = 0; v < rec_num_values(&info); v++) {
			const struct rec_field *field = rec_value_field(&info, v);

			if (field->meaning != REC_PLAIN || field->type == REC_F32) {
				put32(at, value(field, true));
				tried++;
				wrong += rec_check(&h, packed, ROWS, why, sizeof(why)) != k ||
					 strncmp(why, field->name, strlen(field->name)) != 0;
				put32(at, value(field, false));
			}
			at += rec_field_size(field);
		}
	}
	CHECK(tried >= 2 * ROWS && wrong == 0, "%s: %u bad values, %u missed", info.name, tried,
		wrong);
}

static void test_scores(void)
{
	const struct rec_info *info = &rec_info[REC_SCORE];
	struct rec_header h = bounds;
	unsigned char packed[ROWS * MAX_ROW];
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
		test_kind(kind, 1);
	for (uint32_t negatives = 2; negatives <= 11; negatives++)
		test_kind(REC_GROUP, negatives);
	test_scores();
	return CHECK_EXIT;
}
