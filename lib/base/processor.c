#include "base/processor.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>

/* Of level 3 too, and __builtin_cpu_supports of older compilers does not know them. A processor without
   them hardly exists, a virtual machine does, and there LZCNT is not refused: it counts wrongly. */
static bool has_lzcnt_movbe_f16c(void)
{
	unsigned a, b, c1, c2, d;

	return __get_cpuid(1, &a, &b, &c1, &d) && (c1 & bit_MOVBE) && (c1 & bit_F16C) &&
	       __get_cpuid(0x80000001, &a, &b, &c2, &d) && (c2 & bit_LZCNT);
}

static unsigned find_level(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
		!__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") ||
		!has_lzcnt_movbe_f16c())
		return 1;
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
		!__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
		!__builtin_cpu_supports("avx512vl"))
		return 3;
	return 4;
}
#else
static unsigned find_level(void)
{
	return 1;
}
#endif

/* The highest that COFILTER_CPU allows. */
static unsigned level_allowed(void)
{
	const char *name = getenv("COFILTER_CPU");

	if (name && strcmp(name, "sse2") == 0)
		return 1;
	return name && strcmp(name, "avx2") == 0 ? 3 : 4;
}

unsigned processor_level(void)
{
	static atomic_uint known; /* 0: not yet; asked for by short loops */
	unsigned level = atomic_load_explicit(&known, memory_order_relaxed);

	if (level == 0) {
		const unsigned allowed = level_allowed();

		level = find_level();
		level = level < allowed ? level : allowed;
		atomic_store_explicit(&known, level, memory_order_relaxed);
	}
	return level;
}

bool processor_multiplies_carryless(void)
{
#ifdef __x86_64__
	return processor_level() == 4 && __builtin_cpu_supports("vpclmulqdq") &&
	       __builtin_cpu_supports("pclmul");
#else
	return false;
#endif
}

bool processor_counts_bits(void)
{
#ifdef __x86_64__
	return processor_level() == 4 && __builtin_cpu_supports("avx512vpopcntdq");
#else
	return false;
#endif
}
