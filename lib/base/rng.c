#include "base/rng.h"

#include "base/processor.h"
#include "base/real.h"

#include <math.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Philox4x32-10 of LANES counters side by side, each number in the low half of its lane. */
enum { LANES = 8, ROUNDS = 10 };
typedef uint64_t lanes __attribute__((vector_size(8 * LANES)));

struct counters {
	uint64_t index;
	uint32_t epoch, purpose, key[2];
};

static inline __attribute__((always_inline)) void philox_lanes_inline(
	const struct counters *c, uint32_t *out)
{
	const lanes low = (lanes){ 0 } + UINT32_MAX;
	const lanes index = (lanes){ 0, 1, 2, 3, 4, 5, 6, 7 } + c->index;
	lanes x[4] = { index & low, index >> 32, (lanes){ 0 } + c->epoch,
		(lanes){ 0 } + c->purpose };
	uint32_t key[2] = { c->key[0], c->key[1] };

	for (unsigned r = 0; r < ROUNDS; r++) {
		const lanes a = x[0] * PHILOX_M4x32_0, b = x[2] * PHILOX_M4x32_1;

		x[0] = (b >> 32) ^ x[1] ^ key[0];
		x[1] = b & low;
		x[2] = (a >> 32) ^ x[3] ^ key[1];
		x[3] = a & low;
		key[0] += PHILOX_W32_0;
		key[1] += PHILOX_W32_1;
	}
	for (unsigned k = 0; k < LANES; k++)
		for (unsigned j = 0; j < 4; j++)
			out[4 * k + j] = (uint32_t)x[j][k];
}

PROCESSOR_LEVELS(void, philox_lanes, (const struct counters *c, uint32_t *out), (c, out))

#ifdef __x86_64__
/* The same: the compiler does not see that factors have 32 bits, for which there is an instruction,
   and stores numbers one by one. */
PROCESSOR_LEVEL_4 static void philox_512(const struct counters *c, uint32_t *out)
{
	const __m512i low = _mm512_set1_epi64(UINT32_MAX);
	const __m512i index = _mm512_add_epi64(
		_mm512_set1_epi64((long long)c->index), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
	__m512i x[4] = { index, _mm512_srli_epi64(index, 32), _mm512_set1_epi64(c->epoch),
		_mm512_set1_epi64(c->purpose) };
	uint32_t key[2] = { c->key[0], c->key[1] };

	for (unsigned r = 0; r < ROUNDS; r++) {
		const __m512i a = _mm512_mul_epu32(x[0], _mm512_set1_epi64(PHILOX_M4x32_0));
		const __m512i b = _mm512_mul_epu32(x[2], _mm512_set1_epi64(PHILOX_M4x32_1));

		/* what is above 32 bits no multiplication reads */
		x[0] = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(b, 32), x[1]),
			_mm512_set1_epi64(key[0]));
		x[1] = b;
		x[2] = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(a, 32), x[3]),
			_mm512_set1_epi64(key[1]));
		x[3] = a;
		key[0] += PHILOX_W32_0;
		key[1] += PHILOX_W32_1;
	}
	/* pairs of numbers, then records in turn */
	const __m512i even =
		_mm512_or_si512(_mm512_and_si512(x[0], low), _mm512_slli_epi64(x[1], 32));
	const __m512i odd =
		_mm512_or_si512(_mm512_and_si512(x[2], low), _mm512_slli_epi64(x[3], 32));
	const __m512i first = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
	const __m512i last = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);

	_mm512_storeu_si512(out, _mm512_permutex2var_epi64(even, first, odd));
	_mm512_storeu_si512(out + 4 * LANES / 2, _mm512_permutex2var_epi64(even, last, odd));
}
#endif

void rng_first_blocks(uint64_t seed, enum rng_purpose purpose, uint32_t epoch, uint64_t index,
	size_t n, uint32_t *out)
{
	struct counters c = { index, epoch, (uint32_t)purpose << 24,
		{ (uint32_t)seed, (uint32_t)(seed >> 32) } };
	size_t k = 0;

#ifdef __x86_64__
	if (processor_level() == 4)
		for (; k + LANES <= n; k += LANES, c.index += LANES)
			philox_512(&c, out + 4 * k);
#endif
	for (; k + LANES <= n; k += LANES, c.index += LANES)
		philox_lanes(&c, out + 4 * k);
	for (; k < n; k++) {
		struct rng r;

		rng_start(&r, seed, purpose, epoch, index + k);
		rng_block(&r, out + 4 * k);
	}
}

void rng_extend(struct rng *r)
{
	if (r->block > (1u << 24) - (1u << 16))
		rng_start(r, r->seed, r->purpose, r->epoch + (1u << 16), r->index);
}

double rng_real(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

double rng_normal(struct rng *r)
{
	double radius = sqrt(-2 * real_log(1 - rng_real(r))); // 1 - [0, 1) is never 0

	return radius * real_cos_turns(rng_real(r));
}
