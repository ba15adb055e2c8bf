/* processor: for which instruction sets kernels that are compiled once for each can be chosen. */
#ifndef PROCESSOR_H
#define PROCESSOR_H

#include <stdbool.h>

/*
 * The highest level of x86-64 (System V psABI, 3.1.1) that this processor runs and kernels are
 * compiled for: 4 (AVX-512), 3 (AVX2, FMA), else 1. 1 on every other machine. For tests, which must
 * see what other machines do, COFILTER_CPU sets a limit: avx2 is 3, sse2 is 1.
 */
unsigned processor_level(void);

/* Of functions that are written in AVX-512, for processors of level 4. */
#define PROCESSOR_LEVEL_4 __attribute__((target("avx512f")))

/* Has it products without carries of whole vectors of AVX-512 (VPCLMULQDQ)? */
bool processor_multiplies_carryless(void);

/* Can it count the bits of the words of a vector of AVX-512 (VPOPCNTDQ)? */
bool processor_counts_bits(void);

/*
 * Define the static function NAME, which is NAME_inline compiled for the level of this processor:
 * loops get the widest vectors it has, and the same results (-ffp-contract=off). NAME_inline is
 * `static inline __attribute__((always_inline))`.
 */
#ifdef __x86_64__
#define PROCESSOR_LEVELS(type, name, parameters, arguments)                       \
	__attribute__((target("arch=x86-64-v3"))) static type name##_3 parameters \
	{                                                                         \
		return name##_inline arguments;                                   \
	}                                                                         \
	__attribute__((target("arch=x86-64-v4"))) static type name##_4 parameters \
	{                                                                         \
		return name##_inline arguments;                                   \
	}                                                                         \
	static type name parameters                                               \
	{                                                                         \
		const unsigned level = processor_level();                         \
                                                                                  \
		return level == 4   ? name##_4 arguments                          \
		       : level == 3 ? name##_3 arguments                          \
				    : name##_inline arguments;                    \
	}
#else
#define PROCESSOR_LEVELS(type, name, parameters, arguments) \
	static type name parameters                         \
	{                                                   \
		return name##_inline arguments;             \
	}
#endif

#endif
