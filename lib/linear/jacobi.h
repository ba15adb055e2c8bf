/* jacobi: eigenvalues and eigenvectors of a small symmetric matrix (Jacobi 1846; Rutishauser 1966). */
#ifndef JACOBI_H
#define JACOBI_H

#include <stddef.h>

/*
 * a: n x n, symmetric, row-major; spoilt. On return a = v' diag(value) v: row k of v (n x n) is the
 * eigenvector of value[k], of length 1. In double and in one order, so the same on every machine.
 * Takes some 10 n^3 operations.
 */
void jacobi(size_t n, double *a, double *v, double *value);

#endif
