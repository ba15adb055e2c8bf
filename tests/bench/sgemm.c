/*
 * sgemm: the matrix products of the wide network (layer 1 split), as fast as BLAS does them on this
 * machine: the floor that training and scoring are held against.
 *   sgemm train|score [SECONDS]
 * prints "rate N": millions of triples (pairs) a second if nothing but these products had to be done.
 */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { E = 64, H1 = 256, H2 = 128, H3 = 64, ROWS = 2 * 8192 };

static float *a, *b, *c;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void product(int m, int n, int k)
{
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a, k, b, k, 0, c, n);
}

/* dX of a layer is (m, k) = (m, n) (n, k), dW is (n, k) = (n, m) (m, k). */
static void backward(int m, int n, int k)
{
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, k, n, 1, a, n, b, k, 0, c, k);
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, k, m, 1, a, n, b, k, 0, c, k);
}

/* ROWS / 2 triples: the user half of layer 1 once a triple, the rest once a sample. */
static void train(void)
{
	product(ROWS / 2, H1, E);
	product(ROWS, H1, E);
	product(ROWS, H2, H1);
	product(ROWS, H3, H2);
	backward(ROWS, H3, H2);
	backward(ROWS, H2, H1);
	backward(ROWS, H1, E);
	backward(ROWS / 2, H1, E);
}

/* ROWS pairs: both halves of layer 1 are shared by many pairs and cost nothing. */
static void score(void)
{
	product(ROWS, H2, H1);
	product(ROWS, H3, H2);
}

static float *array(size_t n)
{
	float *p = malloc(n * sizeof(*p));

	for (size_t k = 0; p && k < n; k++)
		p[k] = (float)(k % 7) - 3;
	return p;
}

int main(int argc, char **argv)
{
	int training = argc > 1 && !strcmp(argv[1], "train");
	double seconds = argc > 2 ? atof(argv[2]) : 1, start, done = 0;

	a = array((size_t)ROWS * H1);
	b = array((size_t)ROWS * H1);
	c = array((size_t)ROWS * H1);
	if (!a || !b || !c)
		return 1;
	training ? train() : score();
	start = now();
	do {
		training ? train() : score();
		done += training ? ROWS / 2 : ROWS;
	} while (now() - start < seconds);
	printf("rate %.4f\n", done / (now() - start) / 1e6);
	free(a);
	free(b);
	free(c);
	return 0;
}
