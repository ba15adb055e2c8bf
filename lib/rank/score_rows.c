#include "rank/score_rows.h"

#include <math.h>
#include <string.h>

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

void score_rows_split(
	const struct score *rows, size_t n, uint32_t *item, float *label, float *score)
{
	size_t k = 0;

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

size_t score_rows_make(
	uint32_t user, uint32_t item, const float *score, size_t n, struct score *rows)
{
	const v4 both = { user, 0, user, 0 }; /* user, label */
	struct score *to = rows;
	size_t k = 0;

	for (; k + 16 <= n; k += 16) {
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
	to += make_some(user, item + (uint32_t)k, score + k, n - k, to);
	return (size_t)(to - rows);
}
