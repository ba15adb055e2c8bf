/* rng_normals: the numbers of many records side by side, in the lanes of the widest vectors. */
#include "base/processor.h"
#include "base/real.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

enum { LANES = 64 };

static inline double unit(uint64_t word)
{
	return (double)(int64_t)(word >> 11) * 0x1p-53;
}

/* rng_normal of LANES records, from the first block of each. Words are first put side by side: the
   compiler takes vectors only of what lies so. */
static inline __attribute__((always_inline)) void normals_inline(
	const uint32_t *restrict block, double *restrict out)
{
	uint64_t word[2][LANES];
	double squares[LANES];

	for (int k = 0; k < LANES; k++, block += 4) {
		word[0][k] = block[0] | (uint64_t)block[1] << 32;
		word[1][k] = block[2] | (uint64_t)block[3] << 32;
	}
	for (int k = 0; k < LANES; k++)
		squares[k] = -2 * real_log(1 - unit(word[0][k]));
	for (int k = 0; k < LANES; k++)
		out[k] = real_cos_turns(unit(word[1][k]));
	for (int k = 0; k < LANES; k++)
		out[k] *= sqrt(squares[k]);
}

PROCESSOR_LEVELS(void, normals, (const uint32_t *block, double *out), (block, out))

void rng_normals(uint64_t seed, enum rng_purpose purpose, uint32_t epoch, uint64_t index, size_t n,
	double *out)
{
	for (size_t done = 0; done < n; done += LANES) {
		const size_t lanes = n - done < LANES ? n - done : LANES;
		uint32_t blocks[4 * LANES] = { 0 };
		double all[LANES];

		rng_first_blocks(seed, purpose, epoch, index + done, lanes, blocks);
		normals(blocks, all);
		memcpy(out + done, all, lanes * sizeof(*out));
	}
}
