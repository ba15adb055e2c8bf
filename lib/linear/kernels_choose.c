#include "linear/kernels.h"

extern const struct linear_kernels linear_kernels_base, linear_kernels_v3, linear_kernels_v4;

unsigned linear_kernels_available(const struct linear_kernels *list[3])
{
	unsigned n = 0;

#ifdef __x86_64__
	__builtin_cpu_init();
	const int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
		       __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
	const int v4 = v3 && __builtin_cpu_supports("avx512f") &&
		       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
		       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
	if (v4)
		list[n++] = &linear_kernels_v4;
	if (v3)
		list[n++] = &linear_kernels_v3;
#endif
	list[n++] = &linear_kernels_base;
	return n;
}

const struct linear_kernels *linear_kernels(void)
{
	const struct linear_kernels *list[3];

	linear_kernels_available(list);
	return list[0];
}
