/* host_bf16: cuda_bf16.h. Rounded to nearest even; a NaN becomes 0x7fff, as on the device. */
#ifndef HOST_BF16_H
#define HOST_BF16_H

#include "cuda_host.h"

struct __nv_bfloat16 {
	uint16_t bits;
};

static inline float __bfloat162float(__nv_bfloat16 v)
{
	return cu_unbits<float>((uint64_t)v.bits << 16);
}

static inline __nv_bfloat16 __float2bfloat16_rn(float v)
{
	uint32_t u = (uint32_t)cu_bits(v);

	return { (uint16_t)(v != v ? 0x7fff : (u + 0x7fff + (u >> 16 & 1)) >> 16) };
}

#endif
