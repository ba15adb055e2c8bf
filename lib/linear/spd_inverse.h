/*
 * spd_inverse: the inverse of a symmetric positive definite matrix, in place, on many threads.
 *
 * The matrix is cut into blocks of rows and columns, whose width depends on n alone, and swept
 * (Bientinesi, Gunter & van de Geijn 2008, "Families of Algorithms Related to the Inversion of a
 * Symmetric Positive Definite Matrix"): when the blocks 0 are done, the blocks 2 are not, and block
 * 1, the pivot, is next, then
 *
 *   L L' = A11                       Cholesky factor
 *   U    = L^-1 [ A10  A21' ]
 *   A00 += U0' U0    A20 -= U2' U0    A22 -= U2' U2
 *   A11  = L'^-1 L^-1    A10 = -L'^-1 U0    A21 = (L'^-1 U2)'
 *
 * This takes n^3 operations, as LAPACK's spotrf and spotri together, and nearly all of them in the
 * third line, as products of independent tiles. No sum is shared by threads, so the bits are the
 * same for any number of threads, and on any processor with fused multiply-add (kernels.h).
 *
 * Why no BLAS: OpenBLAS gives other bits on other processors and with other numbers of threads, and
 * Debian's 0.3.21 runs on kernels of 2004 where it does not know the processor.
 */
#ifndef SPD_INVERSE_H
#define SPD_INVERSE_H

#include <stdbool.h>
#include <stddef.h>

struct pool;

enum { SPD_MULTIPLE = 32 };

/*
 * Where row i of the lower triangle begins. Rows lie one behind the other, each with all columns of
 * its blocks of SPD_MULTIPLE up to the diagonal, so that they take half of the matrix.
 */
static inline size_t spd_row(size_t i)
{
	const size_t block = i / SPD_MULTIPLE;

	return (block + 1) * (block * SPD_MULTIPLE / 2 + i % SPD_MULTIPLE) * SPD_MULTIPLE;
}

/*
 * a: n x n floats, where n is a multiple of SPD_MULTIPLE: whoever has less rows adds some of a unit
 * matrix. Given is a[spd_row(i) + j], j <= i; on return a[i * n + j] is the inverse, all of it,
 * symmetric to the bit. False, and a is spoilt, where a pivot is not above 0: the matrix is not
 * positive definite, or not within the precision of a float.
 * Memory: n times the width of a block, which is at most n / 16 and at most 512, and six times the
 * width squared; for each thread 32 times the width. Only after all of it has been given back the
 * second half of a is written.
 */
bool spd_inverse(float *a, size_t n, struct pool *pool);

#endif
