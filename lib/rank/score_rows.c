#include "rank/score_rows.h"

#include "base/processor.h"

#include <math.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

typedef uint32_t v4 __attribute__((vector_size(16)));
typedef float f4 __attribute__((vector_size(16)));
typedef uint64_t v2 __attribute__((vector_size(16)));

enum { LOW, HIGH };

/* The words of a and b in turn, of their lower or upper halves. */
#define MIX(a, b, half) \
	__builtin_shufflevector(a, b, 2 * (half), 4 + 2 * (half), 2 * (half) + 1, 5 + 2 * (half))

static inline v4 load4(const void *p)
{
	v4 x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static inline void store4(void *p, v4 x)
{
	memcpy(p, &x, sizeof(x));
}

#ifdef __x86_64__
/* A column of four vectors of four rows each; `places`: of its words in two of them. */
PROCESSOR_LEVEL_4 static inline __m512i column(const __m512i row[4], __m512i places)
{
	return _mm512_inserti64x4(_mm512_permutex2var_epi32(row[0], places, row[1]),
		_mm512_castsi512_si256(_mm512_permutex2var_epi32(row[2], places, row[3])), 1);
}

/* score_rows_split of 16 rows at a time; returns how many that are. */
PROCESSOR_LEVEL_4 static size_t split_wide(
	const struct score *rows, size_t n, uint32_t *item, float *label, float *score)
{
	const __m512i first = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 28, 24, 20, 16, 12, 8, 4, 0);
	const __m512i one = _mm512_set1_epi32(1), items = _mm512_add_epi32(first, one);
	const __m512i labels = _mm512_add_epi32(items, one), scores = _mm512_add_epi32(labels, one);
	size_t k = 0;

	for (; k + 16 <= n; k += 16) {
		__m512i row[4];

		for (unsigned j = 0; j < 4; j++)
			row[j] = _mm512_loadu_si512(rows + k + 4 * j);
		_mm512_storeu_si512(item + k, column(row, items));
		_mm512_storeu_si512(label + k, column(row, labels));
		_mm512_storeu_si512(score + k, column(row, scores));
	}
	return k;
}

/* score_rows_make of 16 rows at a time; returns how many there are of n / 16 x 16 scores. */
PROCESSOR_LEVEL_4 static size_t make_wide(
	uint32_t user, uint32_t item, const float *score, size_t n, struct score *rows)
{
	static const unsigned char halves[16] = { 0x00, 0x03, 0x0c, 0x0f, 0x30, 0x33, 0x3c, 0x3f,
		0xc0, 0xc3, 0xcc, 0xcf, 0xf0, 0xf3, 0xfc, 0xff }; /* of four rows */
	const __m512i next = _mm512_set1_epi32(16);
	__m512i items = _mm512_add_epi32(_mm512_set1_epi32((int)item),
		_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
	struct score *to = rows;
	__m512i from[4]; /* user, place of the item, label, place of the score */

	for (int j = 0; j < 16; j += 4)
		from[j / 4] = _mm512_set_epi32(j + 19, 0, j + 3, (int)user, j + 18, 0, j + 2,
			(int)user, j + 17, 0, j + 1, (int)user, j + 16, 0, j, (int)user);
	for (size_t k = 0; k + 16 <= n; k += 16, items = _mm512_add_epi32(items, next)) {
		const __m512 scores = _mm512_loadu_ps(score + k);
		unsigned some = _mm512_cmp_ps_mask(scores, _mm512_set1_ps(-INFINITY), _CMP_GT_OQ);

		for (unsigned j = 0; j < 4; j++, some >>= 4) {
			const __m512i four = _mm512_mask2_permutex2var_epi32(
				items, from[j], 0xaaaa, _mm512_castps_si512(scores));

			_mm512_storeu_si512(
				to, _mm512_maskz_compress_epi64(halves[some & 15], four));
			to += (unsigned)__builtin_popcount(some & 15);
		}
	}
	return (size_t)(to - rows);
}
#endif

void score_rows_split(
	const struct score *rows, size_t n, uint32_t *item, float *label, float *score)
{
	size_t k = 0;

#ifdef __x86_64__
	if (processor_level() == 4)
		k = split_wide(rows, n, item, label, score);
#endif
	for (; k + 4 <= n; k += 4) {
		const v4 r0 = load4(rows + k), r1 = load4(rows + k + 1);
		const v4 r2 = load4(rows + k + 2), r3 = load4(rows + k + 3);
		const v4 ui02 = MIX(r0, r2, LOW), ui13 = MIX(r1, r3, LOW); /* u0 u2 i0 i2 */
		const v4 ls02 = MIX(r0, r2, HIGH), ls13 = MIX(r1, r3, HIGH);

		store4(item + k, MIX(ui02, ui13, HIGH));
		store4(label + k, MIX(ls02, ls13, LOW));
		store4(score + k, MIX(ls02, ls13, HIGH));
	}
	for (; k < n; k++) {
		item[k] = rows[k].item;
		label[k] = rows[k].label;
		score[k] = rows[k].score;
	}
}

/* Is one of 16 scores -inf? */
static bool has_none(const float *score)
{
	v4 some = { ~0u, ~0u, ~0u, ~0u };
	v2 halves;

	for (unsigned k = 0; k < 16; k += 4)
		some &= (v4)((f4)load4(score + k) > (f4){ 0 } - INFINITY);
	halves = (v2)some;
	return (halves[0] & halves[1]) != ~(uint64_t)0;
}

static size_t make_some(
	uint32_t user, uint32_t item, const float *score, size_t n, struct score *rows)
{
	size_t num = 0;

	for (size_t k = 0; k < n; k++) {
		rows[num] = (struct score){ user, item + (uint32_t)k, 0, score[k] };
		num += score[k] > -INFINITY; /* else the next row overwrites it */
	}
	return num;
}

/* score_rows_make of 16 rows at a time by vectors of four words; returns as make_wide. */
static size_t make_narrow(
	uint32_t user, uint32_t item, const float *score, size_t n, struct score *rows)
{
	const v4 both = { user, 0, user, 0 }; /* user, label */
	struct score *to = rows;

	for (size_t k = 0; k + 16 <= n; k += 16) {
		const uint32_t i = item + (uint32_t)k;
		v4 items = { i, i + 1, i + 2, i + 3 };

		if (has_none(score + k)) {
			to += make_some(user, i, score + k, 16, to);
			continue;
		}
		for (unsigned j = 0; j < 16; j += 4, items += 4, to += 4) {
			const v4 scores = load4(score + k + j);
			const v4 low = MIX(items, scores, LOW), high = MIX(items, scores, HIGH);

			store4(to, MIX(both, low, LOW));
			store4(to + 1, MIX(both, low, HIGH));
			store4(to + 2, MIX(both, high, LOW));
			store4(to + 3, MIX(both, high, HIGH));
		}
	}
	return (size_t)(to - rows);
}

size_t score_rows_make(
	uint32_t user, uint32_t item, const float *score, size_t n, struct score *rows)
{
	const size_t whole = n / 16 * 16;
	size_t num;

#ifdef __x86_64__
	if (processor_level() == 4)
		num = make_wide(user, item, score, n, rows);
	else
#endif
		num = make_narrow(user, item, score, n, rows);
	return num + make_some(user, item + (uint32_t)whole, score + whole, n - whole, rows + num);
}
