/*
 * simd: vectors of the cpu backend's kernels, in the vector extensions of GCC and clang.
 *
 * A vector is as wide as a register of the instruction set compiled for (cpu.mk): LANES floats.
 * Lane l of a vector is example l of a group of LANES examples.
 *
 * Results have the same bits for every instruction set. Most arithmetic stays in its lane, where
 * the width cannot matter. A sum over examples has SUM_LANES lanes on every machine, as one vector
 * or as PARTS narrower ones, and lanes are added in one order (piece_sums,
 * pieces_sum). A product that is added
 * to something is fused: rounded once, by the instruction where there is one, else in software. The
 * compiler fuses and reorders nothing by itself (cpu.mk).
 */
#ifndef SIMD_H
#define SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES	 16
#define ISA_NAME "avx512"
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define LANES	 8
#define ISA_NAME "avx2"
#elif defined(__aarch64__)
#include <arm_neon.h>
#define LANES	 4
#define ISA_NAME "neon"
#elif defined(__x86_64__)
#define LANES	 4
#define ISA_NAME "sse2"
#else
#define LANES	 4
#define ISA_NAME "128-bit"
#endif

/* Lanes of a sum over examples, and the vectors that hold them. */
enum { SUM_LANES = 16, PARTS = SUM_LANES / LANES };

/* How many vector registers there are: the sums and inputs of a tile (panel.h) have to fit. */
#if defined(__AVX512F__) || defined(__aarch64__)
enum { REGISTERS = 32 };
#else
enum { REGISTERS = 16 };
#endif

#define INLINE static inline __attribute__((always_inline))

/* A vector of floats, one of integers or masks, and pieces of 4 and 8 floats. */
typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef float vf4 __attribute__((vector_size(16)));
typedef float vf8 __attribute__((vector_size(32)));

/* x in every lane; x - 0 is x, -0 too. */
INLINE vf splat(float x)
{
	return x - (vf){ 0 };
}

/*
 * a b + c, rounded once. Without the instruction: the product of two floats is exact as a double;
 * its sum with c is rounded to odd, that is to the neighbour with an odd last bit unless it is
 * exact, and such a double rounds to float as the exact sum does (Boldo & Melquiond 2008).
 */
#if defined(__AVX512F__)
INLINE vf fused(vf a, vf b, vf c)
{
	return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
#elif defined(__AVX2__) && defined(__FMA__)
INLINE vf fused(vf a, vf b, vf c)
{
	return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
#elif defined(__aarch64__)
INLINE vf fused(vf a, vf b, vf c)
{
	return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
#else
#define SOFTWARE_FMA
typedef double vd __attribute__((vector_size(16)));
typedef int64_t vl __attribute__((vector_size(16)));
typedef float vf2 __attribute__((vector_size(8)));

INLINE vf2 fused2(vf2 a, vf2 b, vf2 c)
{
	const vd addend = __builtin_convertvector(c, vd);
	const vd product = __builtin_convertvector(a, vd) * __builtin_convertvector(b, vd);
	const vd sum = product + addend, back = sum - product;
	const vd error = (product - (sum - back)) + (addend - back); // exact (Knuth)
	const vd direction = error * sum; // NaN where the sum is not finite
	const vl toward_zero = direction<0, away = direction> 0;

	return __builtin_convertvector(
		(vd)(((vl)sum + toward_zero) | ((toward_zero | away) & 1)), vf2);
}

static __attribute__((noinline)) vf fused(vf a, vf b, vf c)
{
	const vf2 low = fused2(__builtin_shufflevector(a, a, 0, 1),
		__builtin_shufflevector(b, b, 0, 1), __builtin_shufflevector(c, c, 0, 1));
	const vf2 high = fused2(__builtin_shufflevector(a, a, 2, 3),
		__builtin_shufflevector(b, b, 2, 3), __builtin_shufflevector(c, c, 2, 3));

	return __builtin_shufflevector(low, high, 0, 1, 2, 3);
}
#endif

/* The same for single floats, in loops that the compiler vectorizes. */
INLINE float fused1(float a, float b, float c)
{
#ifdef SOFTWARE_FMA
	return fused2((vf2){ a }, (vf2){ b }, (vf2){ c })[0];
#else
	return __builtin_fmaf(a, b, c);
#endif
}

/* A mask is all ones or all zeros in each lane. `yes` in the lanes of ones, else `no`. */
INLINE vf choose(vi mask, vf yes, vf no)
{
	return (vf)((mask & (vi)yes) | (~mask & (vi)no));
}

/* x in the lanes of ones, else 0. */
INLINE vf keep(vi mask, vf x)
{
	return (vf)(mask & (vi)x);
}

/* max(0, x); NaN stays NaN, so that the loss of a diverged model shows it. */
INLINE vf relu(vf x)
{
	return (vf)((vi)x & ~(x < 0.f));
}

INLINE vf absolute(vf x)
{
	return (vf)((vi)x & 0x7fffffff);
}

/* All ones in the lanes below n. */
INLINE vi lanes_below(uint32_t n)
{
	vi lane = { 0 };

	for (int l = 0; l < LANES; l++)
		lane[l] = l;
	return lane < (int32_t)n;
}

INLINE vf load(const float *p)
{
	vf x;

	memcpy(&x, p, sizeof(x));
	return x;
}

INLINE void store(float *p, vf x)
{
	memcpy(p, &x, sizeof(x));
}

/* Within each 128-bit piece of a and b: their floats i and j in turn; their floats i, i + 1. */
#if LANES == 16
#define PAIR(a, b, i, j)                                                                         \
	__builtin_shufflevector(a, b, i, 16 + i, j, 16 + j, 4 + i, 20 + i, 4 + j, 20 + j, 8 + i, \
		24 + i, 8 + j, 24 + j, 12 + i, 28 + i, 12 + j, 28 + j)
#define HALF(a, b, i)                                                                         \
	__builtin_shufflevector(a, b, i, i + 1, 16 + i, 17 + i, 4 + i, 5 + i, 20 + i, 21 + i, \
		8 + i, 9 + i, 24 + i, 25 + i, 12 + i, 13 + i, 28 + i, 29 + i)
#elif LANES == 8
#define PAIR(a, b, i, j) \
	__builtin_shufflevector(a, b, i, 8 + i, j, 8 + j, 4 + i, 12 + i, 4 + j, 12 + j)
#define HALF(a, b, i) \
	__builtin_shufflevector(a, b, i, i + 1, 8 + i, 9 + i, 4 + i, 5 + i, 12 + i, 13 + i)
#else
#define PAIR(a, b, i, j) __builtin_shufflevector(a, b, i, 4 + i, j, 4 + j)
#define HALF(a, b, i)	 __builtin_shufflevector(a, b, i, i + 1, 4 + i, 5 + i)
#endif

/* Transpose the 4 x 4 floats that t[0] .. t[3] hold in each of their 128-bit pieces. */
INLINE void transpose4(vf t[4])
{
	vf a = PAIR(t[0], t[1], 0, 1), b = PAIR(t[2], t[3], 0, 1);
	vf c = PAIR(t[0], t[1], 2, 3), d = PAIR(t[2], t[3], 2, 3);

	t[0] = HALF(a, b, 0);
	t[1] = HALF(a, b, 2);
	t[2] = HALF(c, d, 0);
	t[3] = HALF(c, d, 2);
}

/* The sums over the lanes of each piece of four vectors, (x0 + x1) + (x2 + x3): piece p of the
   result holds those of piece p of t[0] .. t[3]. */
INLINE vf piece_sums(vf t[4])
{
	transpose4(t);
	return (t[0] + t[1]) + (t[2] + t[3]);
}

/* The sum of the SUM_LANES / 4 pieces in x, (p0 + p2) + (p1 + p3). */
INLINE vf4 pieces_sum(const vf x[PARTS])
{
#if LANES == 4
	return (x[0] + x[2]) + (x[1] + x[3]);
#else
#if LANES == 8
	const vf8 b = x[0] + x[1];
#else
	const vf8 b = __builtin_shufflevector(x[0], x[0], 0, 1, 2, 3, 4, 5, 6, 7) +
		      __builtin_shufflevector(x[0], x[0], 8, 9, 10, 11, 12, 13, 14, 15);
#endif
	return __builtin_shufflevector(b, b, 0, 1, 2, 3) +
	       __builtin_shufflevector(b, b, 4, 5, 6, 7);
#endif
}

#undef PAIR
#undef HALF

INLINE vf4 load4(const float *p)
{
	vf4 x;

	memcpy(&x, p, sizeof(x));
	return x;
}

INLINE void store4(float *p, vf4 x)
{
	memcpy(p, &x, sizeof(x));
}

/* Four floats from `column` on of each of the rows j, j + 4, j + 8 ..., side by side. */
INLINE vf rows_load(const float *const row[], unsigned j, unsigned column)
{
	vf4 a = load4(row[j] + column);
#if LANES >= 8
	vf8 ab = __builtin_shufflevector(a, load4(row[j + 4] + column), 0, 1, 2, 3, 4, 5, 6, 7);
#if LANES == 16
	vf8 cd = __builtin_shufflevector(
		load4(row[j + 8] + column), load4(row[j + 12] + column), 0, 1, 2, 3, 4, 5, 6, 7);

	return __builtin_shufflevector(
		ab, cd, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
	return ab;
#endif
#else
	return a;
#endif
}

/* The inverse: x into rows j, j + 4, j + 8 ... of a matrix, `stride` floats from row to row. */
INLINE void rows_store(float *matrix, size_t stride, unsigned j, unsigned column, vf x)
{
	float *p = matrix + j * stride + column;

	store4(p, __builtin_shufflevector(x, x, 0, 1, 2, 3));
#if LANES >= 8
	store4(p + 4 * stride, __builtin_shufflevector(x, x, 4, 5, 6, 7));
#endif
#if LANES == 16
	store4(p + 8 * stride, __builtin_shufflevector(x, x, 8, 9, 10, 11));
	store4(p + 12 * stride, __builtin_shufflevector(x, x, 12, 13, 14, 15));
#endif
}

/*
 * exp(x) within 2 units in the last place; 0 and infinity only where rounding to float gives them;
 * NaN stays NaN; |x| < 2^-25 gives exactly 1. With x = n ln 2 + r, exp(x) = 2^n exp(r), where
 * Cephes' polynomial of degree 7 serves |r| <= ln 2 / 2. 2^n is applied in two halves, to reach
 * subnormals and infinity.
 */
INLINE vf exp_lanes(vf x)
{
	const float magic = 12582912; // 1.5 x 2^23: adding it rounds to an integer in the low bits
	vf clamped = choose(x > 128.f, splat(128), choose(x < -128.f, splat(-128), x));
	vf shifted = fused(clamped, splat(1.44269504088896341f), splat(magic));
	vf n = shifted - magic;
	vi exponent = (vi)shifted - (vi)splat(magic);
	vi low = exponent >> 1, high = exponent - low;
	vf r = fused(n, splat(-0.693359375f), clamped);
	vf p = splat(1.9875691500e-4f);

	r = fused(n, splat(2.12194440e-4f), r);
	p = fused(p, r, splat(1.3981999507e-3f));
	p = fused(p, r, splat(8.3334519073e-3f));
	p = fused(p, r, splat(4.1665795894e-2f));
	p = fused(p, r, splat(1.6666665459e-1f));
	p = fused(p, r, splat(5.0000001201e-1f));
	p = fused(p, r * r, r) + 1.f;
	return p * (vf)((low + 127) << 23) * (vf)((high + 127) << 23);
}

/* log(1 + t) for 0 <= t <= 1 by the series of 2 atanh(t / (2 + t)), within 3 units in the last
   place. */
INLINE vf log1p_lanes(vf t)
{
	vf s = t / (t + 2.f), z = s * s;
	vf p = splat(1.f / 15);

	p = fused(p, z, splat(1.f / 13));
	p = fused(p, z, splat(1.f / 11));
	p = fused(p, z, splat(1.f / 9));
	p = fused(p, z, splat(1.f / 7));
	p = fused(p, z, splat(1.f / 5));
	p = fused(p, z, splat(1.f / 3));
	return 2.f * fused(p * z, s, s);
}

/* log(1 + exp(x)) and its derivative, without overflow. */
INLINE vf softplus_lanes(vf x, vf *derivative)
{
	vf e = exp_lanes(-absolute(x)), d = 1.f / (e + 1.f);

	*derivative = choose(x < 0.f, e * d, d);
	return choose(x < 0.f, splat(0), x) + log1p_lanes(e);
}

#endif
