#include "stream/record.h"

#include "base/bytes.h"
#include "stream/record_format.h"
#include "stream/stream.h"

#include <stdio.h>
#include <string.h>

const unsigned char rec_magic[REC_MAGIC_SIZE] = { 0x89, 'C', 'O', 'F', '\r', '\n', 0x1a, '\n' };

/* clang-format off */
#define FIELD(kind, name, type, meaning) { #name, type, meaning, offsetof(struct kind, name), false }
static const struct rec_field rating_fields[] = {
	FIELD(rating, user, REC_U32, REC_USER), FIELD(rating, item, REC_U32, REC_ITEM),
	FIELD(rating, rating, REC_F32, REC_PLAIN), FIELD(rating, time, REC_I64, REC_PLAIN),
};
static const struct rec_field interaction_fields[] = {
	FIELD(interaction, user, REC_U32, REC_USER), FIELD(interaction, item, REC_U32, REC_ITEM),
	FIELD(interaction, time, REC_I64, REC_PLAIN),
};
static const struct rec_field triple_fields[] = {
	FIELD(triple, user, REC_U32, REC_USER), FIELD(triple, positive, REC_U32, REC_ITEM),
	FIELD(triple, negative, REC_U32, REC_ITEM),
};
static const struct rec_field sample_fields[] = {
	FIELD(sample, user, REC_U32, REC_USER), FIELD(sample, item, REC_U32, REC_ITEM),
	FIELD(sample, label, REC_F32, REC_PLAIN),
};
static const struct rec_field score_fields[] = {
	FIELD(score, user, REC_U32, REC_USER), FIELD(score, item, REC_U32, REC_ITEM),
	FIELD(score, label, REC_F32, REC_PLAIN), FIELD(score, score, REC_F32, REC_SCORE_VALUE),
};
static const struct rec_field rank_fields[] = {
	FIELD(rank, user, REC_U32, REC_USER), FIELD(rank, item, REC_U32, REC_ITEM),
	FIELD(rank, above, REC_U32, REC_PLAIN), FIELD(rank, ties, REC_U32, REC_PLAIN),
	FIELD(rank, ties_before, REC_U32, REC_PLAIN), FIELD(rank, candidates, REC_U32, REC_PLAIN),
};
static const struct rec_field top_fields[] = {
	FIELD(top, user, REC_U32, REC_USER), FIELD(top, item, REC_U32, REC_ITEM),
	FIELD(top, rank, REC_U32, REC_PLAIN), FIELD(top, score, REC_F32, REC_SCORE_VALUE),
};

static const struct rec_field group_fields[] = {
	{ "user", REC_U32, REC_USER, 4 * GROUP_USER, false }, { "positive", REC_U32, REC_ITEM, 4 * GROUP_POSITIVE, false },
	{ "negative", REC_U32, REC_ITEM, 4 * GROUP_NEGATIVES, true },
};

#define KIND(kind, row_size) { #kind, sizeof(kind##_fields) / sizeof(*kind##_fields), row_size, \
	sizeof(struct kind), 1, kind##_fields }
const struct rec_info rec_info[REC_NUM_KINDS] = {
	[REC_RATING] = KIND(rating, 20), [REC_INTERACTION] = KIND(interaction, 16), [REC_TRIPLE] = KIND(triple, 12),
	[REC_SAMPLE] = KIND(sample, 12), [REC_SCORE] = KIND(score, 16), [REC_RANK] = KIND(rank, 24), [REC_TOP] = KIND(top, 16),
	[REC_GROUP] = { "group", 3, 12, 12, 1, group_fields },
};
/* clang-format on */

struct rec_info rec_row_info(const struct rec_header *h)
{
	struct rec_info info = rec_info[h->kind];

	if (h->kind == REC_GROUP) {
		info.list = h->negatives;
		info.row_size = info.struct_size = 4 * (GROUP_NEGATIVES + h->negatives);
	}
	return info;
}

unsigned rec_num_values(const struct rec_info *info)
{
	return info->num_fields - 1 + info->list;
}

const struct rec_field *rec_value_field(const struct rec_info *info, unsigned k)
{
	return &info->fields[k < info->num_fields ? k : info->num_fields - 1];
}

/* Which value of its field value k is; a list comes last, so that only it has others than 0. */
static unsigned place_in_list(const struct rec_info *info, unsigned k)
{
	return k < info->num_fields ? 0 : k - info->num_fields + 1;
}

unsigned rec_value_offset(const struct rec_info *info, unsigned k)
{
	return rec_value_field(info, k)->offset + 4 * place_in_list(info, k);
}

void rec_value_name(const struct rec_info *info, unsigned k, char *name, size_t size)
{
	const struct rec_field *field = rec_value_field(info, k);

	if (field->is_list)
		snprintf(name, size, "%s_%u", field->name, place_in_list(info, k) + 1);
	else
		snprintf(name, size, "%s", field->name);
}

unsigned rec_field_size(const struct rec_field *f)
{
	return f->type == REC_I64 ? 8 : 4;
}

bool rec_is_packed(const struct rec_info *info)
{
	const uint16_t one = 1;

	return *(const unsigned char *)&one == 1 && info->struct_size == info->row_size;
}

void rec_encode(const struct rec_info *info, const void *rows, size_t n, unsigned char *packed)
{
	if (rec_is_packed(info)) {
		memcpy(packed, rows, n * info->row_size);
		return;
	}
	for (unsigned v = 0, at = 0; v < rec_num_values(info); v++) {
		const struct rec_field *field = rec_value_field(info, v);
		const char *from = (const char *)rows + rec_value_offset(info, v);
		unsigned char *to = packed + at;
		uint32_t v32;
		uint64_t v64;

		for (size_t k = 0; k < n; k++, from += info->struct_size, to += info->row_size)
			if (field->type == REC_I64) {
				memcpy(&v64, from, sizeof(v64));
				put64(to, v64);
			} else {
				memcpy(&v32, from, sizeof(v32));
				put32(to, v32);
			}
		at += rec_field_size(field);
	}
}

void rec_decode(const struct rec_info *info, const unsigned char *packed, size_t n, void *rows)
{
	if (rec_is_packed(info)) {
		memcpy(rows, packed, n * info->row_size);
		return;
	}
	for (unsigned v = 0, at = 0; v < rec_num_values(info); v++) {
		const struct rec_field *field = rec_value_field(info, v);
		const unsigned char *from = packed + at;
		char *to = (char *)rows + rec_value_offset(info, v);
		uint32_t v32;
		uint64_t v64;

		for (size_t k = 0; k < n; k++, from += info->row_size, to += info->struct_size)
			if (field->type == REC_I64) {
				v64 = get64(from);
				memcpy(to, &v64, sizeof(v64));
			} else {
				v32 = get32(from);
				memcpy(to, &v32, sizeof(v32));
			}
		at += rec_field_size(field);
	}
}

bool rec_is_stream(struct stream_in *in)
{
	enum { ENOUGH = 4 }; /* no text begins with these; what is behind them, the reader checks */
	size_t got;
	const char *magic = stream_peek(in, ENOUGH, &got);

	return got == ENOUGH && !memcmp(magic, rec_magic, ENOUGH);
}
