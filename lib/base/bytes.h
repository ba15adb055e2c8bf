/* bytes: little-endian loads and stores; compilers turn each into one instruction. */
#ifndef BYTES_H
#define BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint32_t get32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t get64(const unsigned char *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static inline void put32(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)v;
	p[1] = (unsigned char)(v >> 8);
	p[2] = (unsigned char)(v >> 16);
	p[3] = (unsigned char)(v >> 24);
}

static inline void put64(unsigned char *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

static inline float get_f32(const unsigned char *p)
{
	uint32_t bits = get32(p);
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline void put_f32(unsigned char *p, float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	put32(p, bits);
}

#endif
