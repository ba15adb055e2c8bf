#include "cuda/gpu.h"

/* Messages name the function without its arguments: "CUDA: cudaMalloc failed: out of memory". */
static int name_length(const char *call)
{
	return (int)strcspn(call, "(");
}

void gpu_check(cudaError_t error, const char *call)
{
	if (error != cudaSuccess)
		die("CUDA: %.*s failed: %s (%s)", name_length(call), call,
			cudaGetErrorString(error), cudaGetErrorName(error));
}
