/*
 * ials: matrix factorization of implicit feedback by alternating least squares (Hu, Koren & Volinsky
 * 2008), with the regularization of Rendle et al. 2022 ("Revisiting the Performance of iALS on Item
 * Recommendation Benchmarks"). Over the factors w_u and h_i it makes
 *
 *   loss = sum over interactions of (1 - w_u h_i)^2
 *        + unobserved_weight x sum over all users and items of (w_u h_i)^2
 *        + l2 x (sum of |w_u|^2 (n_u + unobserved_weight I)^l2_exponent
 *              + sum of |h_i|^2 (n_i + unobserved_weight U)^l2_exponent)
 *
 * small; n_u items of user u, n_i users of item i, U users, I items. An epoch solves for each w_u
 * with all h_i fixed, then for each h_i with all w_u fixed. With up to 128 factors that is exact;
 * with more, the factors are cut into blocks of up to 128, and each is solved for with the others
 * fixed, one after the other (iALS++, Rendle et al. 2021).
 *
 * Per user and block: with G the sum of h_i h_i' over all items (in the rows and columns of the
 * block), and its eigenvectors as coordinates, unobserved_weight G and l2 are one diagonal matrix
 * D. (They stay the coordinates of both sides: w_u h_i does not depend on them.) A user of n items
 * then takes D + sum of n products h h'; where n is below the width b of a block, its inverse comes
 * from that of a matrix of n x n (Woodbury 1950):
 *
 *   (D + H' H)^-1 = D^-1 - D^-1 H' (I + H D^-1 H')^-1 H D^-1
 *
 * which is O(n^2 b) in place of O(n b^2 + b^3): most users have few items.
 *
 * The same bytes for any number of threads: a user is one job, and each sum has one order.
 *
 * Memory: 4 bytes per factor for each user and item; 8 bytes per interaction and 8 per user and
 * item; factors^2 x 16 floats; for each thread some 400 kB.
 */
#ifndef IALS_H
#define IALS_H

#include "model/model_file.h"

#include <stdint.h>

struct ials;
struct pool;
struct rec_reader;

struct ials_config {
	uint32_t factors;
	double l2, l2_exponent;	  /* l2 above 0 */
	double unobserved_weight; /* above 0 */
	uint64_t seed;
};

/* What the squares of a row are weighted by that has n interactions, of `others` it could have. */
double ials_l2(const struct ials_config *c, uint32_t n, uint32_t others);

/*
 * Read `train`, interactions, to its verified end. h starts N(0, 0.1 / sqrt(factors)), by seed, item
 * and factor; w starts at 0. Dies, with the number, where the machine has too little memory. The
 * pool is used until ials_free.
 */
struct ials *ials_new(
	struct rec_reader *train, const struct ials_config *config, struct pool *pool);
void ials_free(struct ials *m);

/* One epoch: the users, then the items. */
void ials_epoch(struct ials *m);

/* The loss above, as it is now. */
double ials_loss(const struct ials *m);

/* For model_file_save: the shape of the model, and its values (`arg` is a struct ials *). */
struct neumf_shape ials_shape(const struct ials *m);
void ials_values(void *arg, struct neumf_rows rows, float *out);

#endif
