/*
 * bf16: numbers of 16 bits, with the exponent of a float and 8 bits of mantissa. With --precision
 * bf16 the layers' inputs, outputs and gradients, and copies of their weights, are stored so; every
 * sum is a float, and so are the weights that the optimizer moves.
 */
#ifndef BF16_H
#define BF16_H

#include "cuda/gpu.h"

typedef __nv_bfloat16 bf16;

template <int V> struct alignas(V * sizeof(bf16)) bf16s_of {
	bf16 at[V];
};

template <int V> static __device__ __forceinline__ floats_of<V> vector_at(const bf16 *p)
{
	const bf16s_of<V> v = *(const bf16s_of<V> *)p;
	floats_of<V> out;

	for (int i = 0; i < V; i++)
		out.at[i] = __bfloat162float(v.at[i]);
	return out;
}

/* Rounded to nearest even. */
template <int V> static __device__ __forceinline__ void vector_put(bf16 *p, floats_of<V> v)
{
	bf16s_of<V> out;

	for (int i = 0; i < V; i++)
		out.at[i] = __float2bfloat16_rn(v.at[i]);
	*(bf16s_of<V> *)p = out;
}

/* As LAUNCH_VECTOR, of kernel<V, T>. */
#define LAUNCH_VECTOR_OF(T, vector, kernel, grid, block, smem, stream, ...)             \
	do {                                                                            \
		if ((vector) == 4)                                                      \
			LAUNCH((kernel<4, T>), grid, block, smem, stream, __VA_ARGS__); \
		else if ((vector) == 2)                                                 \
			LAUNCH((kernel<2, T>), grid, block, smem, stream, __VA_ARGS__); \
		else                                                                    \
			LAUNCH((kernel<1, T>), grid, block, smem, stream, __VA_ARGS__); \
		CHECK_LAUNCH();                                                         \
	} while (0)

#endif
