#include "base/bytes.h"
#include "base/processor.h"
#include "stream/record.h"
#include "stream/record_format.h"

#include <math.h>
#include <stdio.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

/*
 * The quick check of a block holds each 32-bit word of a row against a limit, (word & mask) <
 * limit: an id against its bound, a float without its sign against infinity, anything else against
 * nothing. LANES rows are a pattern: whole vectors, whatever the row's size.
 */
enum { LANES = 16, MOST_WORDS = 16 }; /* of a row; only rows of groups have more */

struct pattern {
	unsigned words; /* LANES rows */
	uint32_t mask[LANES * MOST_WORDS], limit[LANES * MOST_WORDS];
};

static void make_pattern(const struct rec_header *h, const struct rec_info *info, struct pattern *p)
{
	const unsigned words = info->row_size / 4;

	p->words = LANES * words;
	for (unsigned v = 0, at = 0; v < rec_num_values(info); v++) {
		const struct rec_field *field = rec_value_field(info, v);
		const bool is_id = field->meaning == REC_USER || field->meaning == REC_ITEM;
		uint32_t mask = 0, limit = 1;

		if (is_id) {
			mask = UINT32_MAX;
			limit = field->meaning == REC_USER ? h->num_users : h->num_items;
		} else if (field->type == REC_F32) {
			mask = 0x7fffffff;
			limit = 0x7f800000;
		}
		for (unsigned end = at + rec_field_size(field) / 4; at < end; at++)
			for (unsigned k = at; k < p->words; k += words) {
				p->mask[k] = mask;
				p->limit[k] = limit;
			}
	}
}

/* Words of whole patterns that pass, from the first of `words`. */
static inline __attribute__((always_inline)) size_t good_words_inline(
	const struct pattern *p, const unsigned char *packed, size_t words)
{
	size_t k = 0;

	for (; k + p->words <= words; k += p->words) {
		uint32_t bad = 0;

		for (unsigned j = 0; j < p->words; j += LANES)
			for (unsigned lane = j; lane < j + LANES; lane++)
				bad |= (get32(packed + 4 * (k + lane)) & p->mask[lane]) >=
				       p->limit[lane];
		if (bad)
			break;
	}
	return k;
}

PROCESSOR_LEVELS(size_t, good_words,
	(const struct pattern *p, const unsigned char *packed, size_t words), (p, packed, words))

#ifdef __x86_64__
/* The same for some patterns at a time, in vectors of LANES words, `num` of them a pattern: the
   greatest word at each place of some patterns is enough to know. */
PROCESSOR_LEVEL_4 static inline __attribute__((always_inline)) size_t good_vectors(
	const struct pattern *p, const unsigned char *packed, size_t words, const unsigned num)
{
	enum { PATTERNS = 8, MOST = 6 };
	const size_t step = PATTERNS * num * LANES;
	__m512i mask[MOST], most[MOST];
	size_t k = 0;

#pragma GCC unroll 6
	for (unsigned v = 0; v < num; v++)
		mask[v] = _mm512_loadu_si512(p->mask + v * LANES);
	for (; k + step <= words; k += step) {
		const unsigned char *at = packed + 4 * k;
		__mmask16 bad = 0;

#pragma GCC unroll 6
		for (unsigned v = 0; v < num; v++)
			most[v] = _mm512_setzero_si512();
		for (unsigned j = 0; j < PATTERNS; j++)
#pragma GCC unroll 6
			for (unsigned v = 0; v < num; v++, at += 4 * LANES)
				most[v] = _mm512_max_epu32(
					most[v], _mm512_and_si512(mask[v], _mm512_loadu_si512(at)));
#pragma GCC unroll 6
		for (unsigned v = 0; v < num; v++)
			bad |= _mm512_cmpge_epu32_mask(
				most[v], _mm512_loadu_si512(p->limit + v * LANES));
		if (bad)
			break;
	}
	return k;
}

PROCESSOR_LEVEL_4 static size_t good_wide(
	const struct pattern *p, const unsigned char *packed, size_t words)
{
	switch (p->words / LANES) {
	case 3:
		return good_vectors(p, packed, words, 3);
	case 4:
		return good_vectors(p, packed, words, 4);
	case 5:
		return good_vectors(p, packed, words, 5);
	case 6:
		return good_vectors(p, packed, words, 6);
	default:
		return 0;
	}
}
#endif

/* How many of n rows, from the first, the quick check has passed: the others are to be looked at
   one by one. */
static size_t check_quickly(const struct rec_header *h, const struct rec_info *info,
	const unsigned char *packed, size_t n)
{
	const size_t words = n * info->row_size / 4;
	struct pattern p;
	size_t good = 0;

	if (info->row_size / 4 > MOST_WORDS)
		return 0;
	make_pattern(h, info, &p);
#ifdef __x86_64__
	if (processor_level() == 4)
		good = good_wide(&p, packed, words);
#endif
	good += good_words(&p, packed + 4 * good, words - good);
	return good * 4 / info->row_size;
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
