#include "linear/kernels.h"

#include "base/processor.h"

extern const struct linear_kernels linear_kernels_base, linear_kernels_v3, linear_kernels_v4;

unsigned linear_kernels_available(const struct linear_kernels *list[3])
{
	unsigned n = 0;

#ifdef __x86_64__
	if (processor_level() >= 4)
		list[n++] = &linear_kernels_v4;
	if (processor_level() >= 3)
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
