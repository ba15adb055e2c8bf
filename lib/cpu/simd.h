/*
 * cpu_lanes: vectors of the cpu backend's kernels, in GCC's and clang's vector extensions.
 *
 * A kernel file is compiled once for each instruction set (lib.mk: CPU_LEVELS); CPU_ISA names it, LEVEL()
 * makes its function names distinct, LANES is what a vector register holds. cpu.c picks one at run time.
 * Lane l of a vector is example l of a group of LANES examples.
 */
#ifndef SIMD_H
#define SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#define ISA_NAME "avx512"
#elif defined(__AVX2__)
enum { LANES = 8 };
#define ISA_NAME "avx2"
#elif defined(__x86_64__)
enum { LANES = 4 };
#define ISA_NAME "sse2"
#else
enum { LANES = 4 };
#define ISA_NAME "128-bit"
#endif

/* Vector registers: how many outputs times groups a tile of a product may hold. */
#if defined(__AVX512F__) || defined(__aarch64__)
enum { REGISTERS = 32 };
#else
enum { REGISTERS = 16 };
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef float vf4 __attribute__((vector_size(16)));
typedef float vf8 __attribute__((vector_size(32)));

INLINE vf splat(float x)
{
	return (vf){} + x;
}

/* yes where the mask (all ones or zeros in a lane) is set, else no */
INLINE vf choose(vi mask, vf yes, vf no)
{
	return (vf)((mask & (vi)yes) | (~mask & (vi)no));
}

INLINE vf keep(vi mask, vf x)
{
	return (vf)(mask & (vi)x);
}

/* max(0, x); NaN stays NaN, so that a diverged model is seen in its loss. */
INLINE vf relu(vf x)
{
	return (vf)((vi)x & ~(x < 0.f));
}

INLINE vf absolute(vf x)
{
	return (vf)((vi)x & 0x7fffffff);
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

/* Sum over the lanes, by halves. */
INLINE float lanes_sum(vf x)
{
	vf4 a;
#if defined(__AVX512F__)
	vf8 b = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
		__builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
	a = __builtin_shufflevector(b, b, 0, 1, 2, 3) + __builtin_shufflevector(b, b, 4, 5, 6, 7);
#elif defined(__AVX2__)
	a = __builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7);
#else
	a = x;
#endif
	a += __builtin_shufflevector(a, a, 2, 3, 0, 1);
	return a[0] + a[1];
}

/* t[j] holds rows j, 4 + j, 8 + j ... of four floats each: the 4 x 4 transposition within each 128 bits. */
#if defined(__AVX512F__)
#define PAIR(a, b, i, j)                                                                         \
	__builtin_shufflevector(a, b, i, 16 + i, j, 16 + j, 4 + i, 20 + i, 4 + j, 20 + j, 8 + i, \
		24 + i, 8 + j, 24 + j, 12 + i, 28 + i, 12 + j, 28 + j)
#define HALF(a, b, i)                                                                         \
	__builtin_shufflevector(a, b, i, i + 1, 16 + i, 17 + i, 4 + i, 5 + i, 20 + i, 21 + i, \
		8 + i, 9 + i, 24 + i, 25 + i, 12 + i, 13 + i, 28 + i, 29 + i)
#elif defined(__AVX2__)
#define PAIR(a, b, i, j) \
	__builtin_shufflevector(a, b, i, 8 + i, j, 8 + j, 4 + i, 12 + i, 4 + j, 12 + j)
#define HALF(a, b, i) \
	__builtin_shufflevector(a, b, i, i + 1, 8 + i, 9 + i, 4 + i, 5 + i, 12 + i, 13 + i)
#else
#define PAIR(a, b, i, j) __builtin_shufflevector(a, b, i, 4 + i, j, 4 + j)
#define HALF(a, b, i)	 __builtin_shufflevector(a, b, i, i + 1, 4 + i, 5 + i)
#endif

INLINE void transpose4(vf t[4])
{
	vf a = PAIR(t[0], t[1], 0, 1), b = PAIR(t[2], t[3], 0, 1);
	vf c = PAIR(t[0], t[1], 2, 3), d = PAIR(t[2], t[3], 2, 3);

	t[0] = HALF(a, b, 0);
	t[1] = HALF(a, b, 2);
	t[2] = HALF(c, d, 0);
	t[3] = HALF(c, d, 2);
}

/* The sums over the lanes of four vectors. */
INLINE vf4 lanes_sum4(vf t[4])
{
	transpose4(t);
	vf x = (t[0] + t[1]) + (t[2] + t[3]); // of each 128 bits
#if defined(__AVX512F__)
	vf8 b = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
		__builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
	return __builtin_shufflevector(b, b, 0, 1, 2, 3) +
	       __builtin_shufflevector(b, b, 4, 5, 6, 7);
#elif defined(__AVX2__)
	return __builtin_shufflevector(x, x, 0, 1, 2, 3) +
	       __builtin_shufflevector(x, x, 4, 5, 6, 7);
#else
	return x;
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

/* Four floats at `column` of rows j, 4 + j, 8 + j ... side by side. */
INLINE vf rows_load(const float *const row[], unsigned j, unsigned column)
{
	vf4 a = load4(row[j] + column);
#if defined(__AVX2__)
	vf8 ab = __builtin_shufflevector(a, load4(row[j + 4] + column), 0, 1, 2, 3, 4, 5, 6, 7);
#if defined(__AVX512F__)
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

/* The way back: x to `column` of rows j, 4 + j, 8 + j ... of a matrix with rows of `stride` floats. */
INLINE void rows_store(float *matrix, size_t stride, unsigned j, unsigned column, vf x)
{
	float *p = matrix + j * stride + column;

	store4(p, __builtin_shufflevector(x, x, 0, 1, 2, 3));
#if defined(__AVX2__)
	store4(p + 4 * stride, __builtin_shufflevector(x, x, 4, 5, 6, 7));
#endif
#if defined(__AVX512F__)
	store4(p + 8 * stride, __builtin_shufflevector(x, x, 8, 9, 10, 11));
	store4(p + 12 * stride, __builtin_shufflevector(x, x, 12, 13, 14, 15));
#endif
}

/*
 * exp(x) within 2 units in the last place; 0 and infinity where float has them; NaN stays NaN; exactly 1
 * for |x| < 2^-25. x = n ln 2 + r, exp(x) = 2^n exp(r), with Cephes' polynomial of degree 7 on
 * |r| <= ln 2 / 2; 2^n is applied in two halves to reach the subnormal numbers and infinity.
 */
INLINE vf exp_lanes(vf x)
{
	const float magic = 12582912; // 1.5 x 2^23: adding it rounds to an integer in the low bits
	vf clamped = choose(x > 128.f, splat(128), choose(x < -128.f, splat(-128), x));
	vf shifted = clamped * 1.44269504088896341f + magic;
	vf n = shifted - magic;
	vi exponent = (vi)shifted - (vi)splat(magic);
	vi low = exponent >> 1, high = exponent - low;
	vf r = clamped - n * 0.693359375f + n * 2.12194440e-4f;
	vf p = splat(1.9875691500e-4f);

	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * (r * r) + r + 1.f;
	return p * (vf)((low + 127) << 23) * (vf)((high + 127) << 23);
}

/* log(1 + t) for 0 <= t <= 1, within 3 units in the last place: 2 atanh(t / (2 + t)) by its series. */
INLINE vf log1p_lanes(vf t)
{
	vf s = t / (t + 2.f), z = s * s;
	vf p = splat(1.f / 15);

	p = p * z + 1.f / 13;
	p = p * z + 1.f / 11;
	p = p * z + 1.f / 9;
	p = p * z + 1.f / 7;
	p = p * z + 1.f / 5;
	p = p * z + 1.f / 3;
	return 2.f * (p * z * s + s);
}

/* 1 / (1 + expf(-x)): the C library's function, so that a sigmoid score is the reference's to the bit. */
INLINE vf sigmoid_lanes(vf x)
{
	for (int l = 0; l < LANES; l++)
		x[l] = 1 / (1 + expf(-x[l]));
	return x;
}

/* log(1 + exp(x)) and its derivative, without overflow */
INLINE vf softplus_lanes(vf x, vf *derivative)
{
	vf e = exp_lanes(-absolute(x)), d = 1.f / (e + 1.f);

	*derivative = choose(x < 0.f, e * d, d);
	return choose(x < 0.f, splat(0), x) + log1p_lanes(e);
}

#endif
