#include "linear/ials_fold_in.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fold_in {
	const struct ials_config *config;
	uint32_t num_items;
	size_t factors;
	const float *item;
	const struct item_lists *users;
	double *gram;	  /* of all items, weighted; the lower triangle */
	double **scratch; /* per thread: factors^2, and factors */
	float *user;
};

bool ials_settings(const char *file, const struct js *provenance, struct ials_config *config)
{
	const size_t num = js_length(provenance);
	const struct js *entry = num > 0 ? js_at(provenance, num - 1) : NULL;
	const struct js *options = js_get(entry, "options");
	const char *program = js_get_string(entry, "program");

	if (!program || strcmp(program, "ials-train") != 0)
		return false;
	if (!js_number(js_get(options, "l2"), &config->l2) ||
		!js_number(js_get(options, "l2-exponent"), &config->l2_exponent) ||
		!js_number(js_get(options, "unobserved-weight"), &config->unobserved_weight) ||
		!(config->l2 > 0) || !(config->unobserved_weight > 0))
		die("the provenance of '%s' does not say how ials-train made it: no users can be "
		    "added to it",
			file);
	return true;
}

/* Row i of the gram matrix, up to the diagonal. */
static void gram_row(void *arg, size_t i, unsigned thread)
{
	const struct fold_in *f = arg;
	double *row = f->gram + i * f->factors;

	(void)thread;
	for (uint32_t k = 0; k < f->num_items; k++) {
		const float *h = f->item + k * f->factors;
		const double factor = f->config->unobserved_weight * h[i];

		for (size_t j = 0; j <= i; j++)
			row[j] += factor * h[j];
	}
}

/* a x = b, n x n, by a = L L', of which the lower triangle is given; b becomes x. False where a is
   not positive definite. */
static bool solve(size_t n, double *a, double *b)
{
	for (size_t i = 0; i < n; i++) {
		double *row = a + i * n;

		for (size_t j = 0; j <= i; j++) {
			const double *other = a + j * n;
			double sum = row[j];

			for (size_t k = 0; k < j; k++)
				sum -= row[k] * other[k];
			if (i == j && !(sum > 0))
				return false;
			row[j] = i == j ? sqrt(sum) : sum / other[j];
		}
		for (size_t k = 0; k < i; k++)
			b[i] -= row[k] * b[k];
		b[i] /= row[i];
	}
	for (size_t i = n; i-- > 0;) {
		b[i] /= a[i * n + i];
		for (size_t k = 0; k < i; k++)
			b[k] -= a[i * n + k] * b[i];
	}
	return true;
}

static void solve_user(void *arg, size_t u, unsigned thread)
{
	const struct fold_in *f = arg;
	const size_t n = f->factors, first = f->users->start[u], end = f->users->start[u + 1];
	double *a = f->scratch[thread], *b = a + n * n;

	if (first == end)
		return;
	const double l2 = ials_l2(f->config, (uint32_t)(end - first), f->num_items);
	memcpy(a, f->gram, n * n * sizeof(*a));
	memset(b, 0, n * sizeof(*b));
	for (size_t k = first; k < end; k++) {
		const float *h = f->item + f->users->item[k] * n;

		for (size_t i = 0; i < n; i++) {
			b[i] += h[i];
			for (size_t j = 0; j <= i; j++)
				a[i * n + j] += (double)h[i] * h[j];
		}
	}
	for (size_t i = 0; i < n; i++)
		a[i * n + i] += l2;
	if (!solve(n, a, b))
		die("the row of user %zu cannot be solved for: the model's l2 is too small", u);
	for (size_t i = 0; i < n; i++)
		f->user[u * n + i] = (float)b[i];
}

void ials_fold_in(const struct ials_config *config, uint32_t num_items, uint32_t factors,
	const float *item, const struct item_lists *users, struct pool *pool, float *user)
{
	const size_t n = factors;
	const unsigned threads = pool_threads(pool);
	struct fold_in f = { .config = config,
		.num_items = num_items,
		.factors = n,
		.item = item,
		.users = users,
		.user = user };

	mem_need(8.0 * (double)n * (double)n * (threads + 1.0), "new users with %u factors",
		factors);
	f.gram = xcalloc(n * n, sizeof(*f.gram));
	f.scratch = xmalloc(threads, sizeof(*f.scratch));
	for (unsigned t = 0; t < threads; t++)
		f.scratch[t] = xmalloc(n * n + n, sizeof(**f.scratch));
	pool_run(pool, n, gram_row, &f);
	pool_run(pool, users->num, solve_user, &f);
	for (unsigned t = 0; t < threads; t++)
		free(f.scratch[t]);
	free(f.scratch);
	free(f.gram);
}
