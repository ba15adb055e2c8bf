#include "base/processor.h"

#include <stdatomic.h>

static unsigned find_level(void)
{
#ifdef __x86_64__
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
		!__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2"))
		return 1;
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
		!__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
		!__builtin_cpu_supports("avx512vl"))
		return 3;
	return 4;
#else
	return 1;
#endif
}

unsigned processor_level(void)
{
	static atomic_uint known; /* 0: not yet; asked for by short loops */
	unsigned level = atomic_load_explicit(&known, memory_order_relaxed);

	if (level == 0) {
		level = find_level();
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
