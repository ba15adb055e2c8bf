#include "base/processor.h"

unsigned processor_level(void)
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

bool processor_multiplies_carryless(void)
{
#ifdef __x86_64__
	return processor_level() == 4 && __builtin_cpu_supports("vpclmulqdq") &&
	       __builtin_cpu_supports("pclmul");
#else
	return false;
#endif
}
