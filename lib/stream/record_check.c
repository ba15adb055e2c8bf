#include "base/bytes.h"
#include "base/processor.h"
#include "stream/record.h"
#include "stream/record_format.h"

#include <math.h>
#include <stdio.h>

/*
 * The quick check of a block holds each 32-bit word of a row against a limit, (word & mask) <
 * limit: an id against its bound, a float without its sign against infinity, anything else against
 * nothing. PATTERN words are whole rows of every kind (3 to 6 words; of groups, where their size
 * divides it) and whole vectors, so that compilers compare many at once.
 */
enum { PATTERN = 240 };

struct pattern {
	uint32_t mask[PATTERN], limit[PATTERN];
};

static void make_pattern(const struct rec_header *h, const struct rec_info *info, struct pattern *p)
{
	const unsigned words = info->row_size / 4;

	for (unsigned v = 0, at = 0; v < rec_num_values(info); v++) {
		const struct rec_field *field = rec_value_field(info, v);

		for (unsigned k = at; k < PATTERN; k += words) {
			p->mask[k] = 0;
			p->limit[k] = 1;
			if (field->meaning == REC_USER || field->meaning == REC_ITEM) {
				p->mask[k] = UINT32_MAX;
				p->limit[k] =
					field->meaning == REC_USER ? h->num_users : h->num_items;
			} else if (field->type == REC_F32) {
				p->mask[k] = 0x7fffffff;
				p->limit[k] = 0x7f800000;
			} else if (field->type == REC_I64) { /* two words */
				p->mask[k + 1] = 0;
				p->limit[k + 1] = 1;
			}
		}
		at += rec_field_size(field) / 4;
	}
}

/* Words of whole patterns that pass, from the first of `words`. */
static inline __attribute__((always_inline)) size_t good_words(
	const struct pattern *p, const unsigned char *packed, size_t words)
{
	size_t k = 0;

	for (; k + PATTERN <= words; k += PATTERN) {
		uint32_t bad = 0;

		for (unsigned j = 0; j < PATTERN; j++)
			bad |= (get32(packed + 4 * (k + j)) & p->mask[j]) >= p->limit[j];
		if (bad)
			break;
	}
	return k;
}

/* The same loop for wider vectors (processor.h). */
#ifdef __x86_64__
__attribute__((target("avx2"))) static size_t good_words_3(
	const struct pattern *p, const unsigned char *packed, size_t words)
{
	return good_words(p, packed, words);
}

__attribute__((target("avx512f,avx512bw,avx512vl"))) static size_t good_words_4(
	const struct pattern *p, const unsigned char *packed, size_t words)
{
	return good_words(p, packed, words);
}
#endif

static size_t good_words_here(const struct pattern *p, const unsigned char *packed, size_t words)
{
#ifdef __x86_64__
	if (processor_level() >= 4)
		return good_words_4(p, packed, words);
	if (processor_level() == 3)
		return good_words_3(p, packed, words);
#endif
	return good_words(p, packed, words);
}

/* How many of n rows, from the first, the quick check has passed: the others are to be looked at
   one by one. */
static size_t check_quickly(const struct rec_header *h, const struct rec_info *info,
	const unsigned char *packed, size_t n)
{
	const size_t words = n * info->row_size / 4;
	struct pattern p;

	if (PATTERN % (info->row_size / 4) != 0)
		return 0;
	make_pattern(h, info, &p);
	return good_words_here(&p, packed, words) * 4 / info->row_size;
}

static size_t check_bound(const unsigned char *p, size_t n, unsigned stride, uint32_t bound)
{
	size_t k;

	for (k = 0; k < n && get32(p) < bound; k++)
		p += stride;
	return k;
}

static size_t check_float(const unsigned char *p, size_t n, unsigned stride, bool is_score)
{
	size_t k;

	for (k = 0; k < n; k++, p += stride) {
		float v = get_f32(p);

		if (!isfinite(v) && !(is_score && v == -INFINITY))
			break;
	}
	return k;
}

/* How many of n rows, from the first, are of the users of a shard. */
static size_t check_ranges(const struct rec_header *h, const struct rec_info *info,
	const unsigned char *packed, size_t n, char *why, size_t size)
{
	for (size_t k = 0; h->user_ranges.num && k < n; k++) {
		const uint32_t user = get32(packed + k * info->row_size); // the first of all fields

		if (user_ranges_has(&h->user_ranges, user))
			continue;
		snprintf(why, size, "user %u is not one of the shard", user);
		return k;
	}
	return n;
}

size_t rec_check(
	const struct rec_header *h, const unsigned char *packed, size_t n, char *why, size_t size)
{
	const struct rec_info info = rec_row_info(h);
	const size_t passed = check_quickly(h, &info, packed, n);
	const unsigned char *rows = packed;
	size_t first = n - passed;

	packed += passed * info.row_size;
	for (unsigned v = 0; v < rec_num_values(&info); v++) {
		const struct rec_field *field = rec_value_field(&info, v);
		bool is_user = field->meaning == REC_USER, is_item = field->meaning == REC_ITEM;
		uint32_t bound = is_user ? h->num_users : h->num_items;
		size_t k = first;

		if (is_user || is_item)
			k = check_bound(packed, first, info.row_size, bound);
		else if (field->type == REC_F32)
			k = check_float(
				packed, first, info.row_size, field->meaning == REC_SCORE_VALUE);
		if (k < first && (is_user || is_item))
			snprintf(why, size, "%s %u is not below the bound %u", field->name,
				get32(packed + k * info.row_size), bound);
		else if (k < first)
			snprintf(why, size, "%s is not a finite number", field->name);
		first = k;
		packed += rec_field_size(field); /* the next value of the first row */
	}
	return check_ranges(h, &info, rows, passed + first, why, size);
}
