/* product: matrix products in plain loops, for cuBLAS and cublasLt. Matrices are column-major. */
#ifndef PRODUCT_H
#define PRODUCT_H

#include "host.h"

/* op(x) (rows, cols); ld: from column to column of x. */
struct cu_matrix {
	cudaDataType_t type;
	cublasOperation_t op;
	int rows, cols;
	const void *at;
	int ld;
};

/* d = alpha a b + beta d */
struct cu_product {
	const char *name; /* of the call, for messages */
	cu_matrix a, b, d;
	float alpha, beta;
	bool tf32;						 /* round a and b to TF32 */
	std::function<void(int column, float *values)> epilogue; /* before d is written; or null */
};

bool cu_product_fits(const cu_product &p); /* do sizes and leading dimensions? */
void cu_product_run(const cu_product &p);

float cu_load(cudaDataType_t type, const void *x, size_t at);
void cu_store(cudaDataType_t type, void *x, size_t at, float v);

#endif
