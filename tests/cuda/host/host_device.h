/* host_device: what a kernel may call: barriers, warp collectives, atomics, arithmetic. */
#ifndef HOST_DEVICE_H
#define HOST_DEVICE_H

#include "cuda_host.h"

#define __syncthreads()	       ((void)cu_sync(CU_SYNC, 0, __FILE__, __LINE__))
#define __syncthreads_count(p) cu_sync(CU_COUNT, (p) != 0, __FILE__, __LINE__)
#define __syncthreads_and(p)   cu_sync(CU_AND, (p) != 0, __FILE__, __LINE__)
#define __syncthreads_or(p)    cu_sync(CU_OR, (p) != 0, __FILE__, __LINE__)

template <class T> static inline uint64_t cu_bits(T v)
{
	uint64_t bits = 0;

	static_assert(sizeof(T) <= 8, "type of a shuffle or an atomic");
	memcpy(&bits, &v, sizeof(v));
	return bits;
}

template <class T> static inline T cu_unbits(uint64_t bits)
{
	T v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

enum cu_shuffle { CU_INDEX, CU_UP, CU_DOWN, CU_XOR };

template <class T>
static inline T cu_shfl(
	cu_shuffle kind, unsigned mask, T v, int by, int width, const char *file, int line)
{
	int me = cu_lane(), first = me & ~(width - 1), from = me;

	if (width < 1 || width > 32 || (width & (width - 1)))
		cu_die("%s:%d: shuffle of width %d", file, line, width);
	switch (kind) {
	case CU_INDEX:
		from = first + (by & (width - 1));
		break;
	case CU_UP:
		from = me - by < first ? me : me - by;
		break;
	case CU_DOWN:
		from = me + by >= first + width ? me : me + by;
		break;
	case CU_XOR:
		from = (me ^ by) >= first + width ? me : me ^ by;
		break;
	}
	return cu_unbits<T>(cu_warp(CU_SHUFFLE, mask, cu_bits(v), from, file, line));
}

/* The last argument, the width, is 32 if it is not given. */
#define CU_SHFL(kind, m, v, by, width, ...) cu_shfl(kind, m, v, by, width, __FILE__, __LINE__)
#define __shfl_sync(m, ...)		    CU_SHFL(CU_INDEX, m, __VA_ARGS__, 32, 0)
#define __shfl_up_sync(m, ...)		    CU_SHFL(CU_UP, m, __VA_ARGS__, 32, 0)
#define __shfl_down_sync(m, ...)	    CU_SHFL(CU_DOWN, m, __VA_ARGS__, 32, 0)
#define __shfl_xor_sync(m, ...)		    CU_SHFL(CU_XOR, m, __VA_ARGS__, 32, 0)

#define CU_FIRST(m, ...)       (m)
#define CU_MASK(...)	       CU_FIRST(__VA_ARGS__ __VA_OPT__(, ) 0xffffffffu, 0)
#define CU_VOTE(op, m, v)      ((unsigned)cu_warp(op, (m), (v), 0, __FILE__, __LINE__))
#define __syncwarp(...)	       ((void)CU_VOTE(CU_WARP_SYNC, CU_MASK(__VA_ARGS__), 0))
#define __ballot_sync(m, p)    CU_VOTE(CU_BALLOT, m, (p) != 0)
#define __any_sync(m, p)       (__ballot_sync(m, p) != 0)
#define __all_sync(m, p)       (__ballot_sync(m, !(p)) == 0)
#define __match_any_sync(m, v) CU_VOTE(CU_MATCH, m, cu_bits(v))

/* Read, modify, write: plain, since threads take turns; a real atomic under ThreadSanitizer. */
template <class T, class F> static inline T cu_update(T *p, F f)
{
#if CU_TSAN
	using U = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
	U old = __atomic_load_n((U *)p, __ATOMIC_RELAXED), next;

	do
		next = (U)cu_bits<T>(f(cu_unbits<T>(old)));
	while (!__atomic_compare_exchange_n(
		(U *)p, &old, next, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return cu_unbits<T>(old);
#else
	T old = *p;

	*p = f(old);
	return old;
#endif
}

#define CU_ATOMIC(T, name, expression)                                              \
	static inline T name(T *p, T v)                                             \
	{                                                                           \
		return cu_update(p, [=](T o) { return (void)o, (T)(expression); }); \
	}
#define CU_ATOMICS(T)                                                            \
	CU_ATOMIC(T, atomicAdd, o + v)                                           \
	CU_ATOMIC(T, atomicExch, v)                                              \
	CU_ATOMIC(T, atomicMax, o > v ? o : v)                                   \
	CU_ATOMIC(T, atomicMin, o < v ? o : v)                                   \
	CU_ATOMIC(T, atomicAnd, o &v)                                            \
	CU_ATOMIC(T, atomicOr, o | v)                                            \
	static inline T atomicCAS(T *p, T expected, T v)                         \
	{                                                                        \
		return cu_update(p, [=](T o) { return o == expected ? v : o; }); \
	}
CU_ATOMICS(int)
CU_ATOMICS(unsigned)
CU_ATOMICS(unsigned long long)
CU_ATOMIC(float, atomicAdd, o + v)
CU_ATOMIC(float, atomicExch, v)
CU_ATOMIC(double, atomicAdd, o + v)
#undef CU_ATOMICS
#undef CU_ATOMIC

static inline void __threadfence(void)
{
}

static inline void __threadfence_block(void)
{
}

template <class T> static inline T __ldg(const T *p)
{
	return *p;
}

template <class T> static inline T min(T a, T b)
{
	return b < a ? b : a;
}

template <class T> static inline T max(T a, T b)
{
	return a < b ? b : a;
}

/* Operations that nvcc does not contract; g++ compiles with -ffp-contract=off. These are macros
   since glibc has functions named __expf and __logf. */
#define __expf(x)	   expf(x)
#define __logf(x)	   logf(x)
#define __fdividef(a, b)   ((float)(a) / (float)(b))
#define __fmul_rn(a, b)	   ((float)(a) * (float)(b))
#define __fadd_rn(a, b)	   ((float)(a) + (float)(b))
#define __fsub_rn(a, b)	   ((float)(a) - (float)(b))
#define __fdiv_rn(a, b)	   ((float)(a) / (float)(b))
#define __fsqrt_rn(a)	   sqrtf(a)
#define __fmaf_rn(a, b, c) fmaf(a, b, c)
#define rsqrtf(x)	   (1.0f / sqrtf(x))
#define __float_as_uint(x) cu_unbits<unsigned>(cu_bits<float>(x))
#define __float_as_int(x)  cu_unbits<int>(cu_bits<float>(x))
#define __uint_as_float(x) cu_unbits<float>(cu_bits<unsigned>(x))
#define __int_as_float(x)  cu_unbits<float>(cu_bits<int>(x))
#define __popc(x)	   __builtin_popcount(x)
#define __popcll(x)	   __builtin_popcountll(x)
#define __ffs(x)	   __builtin_ffs(x)
#define __clz(x)	   ((x) ? __builtin_clz((unsigned)(x)) : 32)
#define __umulhi(a, b)	   ((unsigned)((uint64_t)(unsigned)(a) * (unsigned)(b) >> 32))
#define __saturatef(x)	   fminf(fmaxf((x), 0.0f), 1.0f)

#endif
