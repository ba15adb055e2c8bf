/* rows: rows of a table on their way between process 0 and their owners. */
#include "cpu/processes.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A part of the rows of a table from who owns it, or to him: all of `rows` are in `all`. */
static void copy_part(const struct cpu_processes *p, struct neumf_rows rows, unsigned q, float *all,
	float *part, bool out)
{
	const struct neumf_rows own = cpu_own_rows(p->exchange, rows, q);
	const size_t cols = p->layout.tensor[rows.tensor].cols, size = p->exchange->size;

	for (size_t k = 0; k < own.num; k++) {
		float *row = all + ((own.first + k) * size + q - rows.first) * cols;

		memcpy(out ? part + k * cols : row, out ? row : part + k * cols,
			cols * sizeof(*part));
	}
}

void cpu_read_rows(
	struct cpu_processes *p, struct neumf_rows rows, enum backend_what what, float *all)
{
	const size_t cols = p->layout.tensor[rows.tensor].cols;
	const unsigned rank = p->exchange->rank;
	float *part = xmalloc((rows.num / p->exchange->size + 1) * cols, sizeof(*part));

	for (unsigned q = rank; q < (rank == 0 ? p->exchange->size : rank + 1); q++) {
		const struct neumf_rows own = cpu_own_rows(p->exchange, rows, q);
		const size_t bytes = own.num * cols * sizeof(*part);

		if (q == rank)
			cpu_read(p->own, own, what, part);
		else
			p->exchange->receive(p->exchange, q, part, bytes);
		if (rank == 0)
			copy_part(p, rows, q, all, part, false);
		else
			p->exchange->send(p->exchange, 0, part, bytes);
	}
	free(part);
}

void cpu_write_rows(
	struct cpu_processes *p, struct neumf_rows rows, enum backend_what what, float *all)
{
	const size_t cols = p->layout.tensor[rows.tensor].cols;
	const unsigned rank = p->exchange->rank;
	float *part = xmalloc((rows.num / p->exchange->size + 1) * cols, sizeof(*part));

	for (unsigned q = rank; q < (rank == 0 ? p->exchange->size : rank + 1); q++) {
		const struct neumf_rows own = cpu_own_rows(p->exchange, rows, q);
		const size_t bytes = own.num * cols * sizeof(*part);

		if (rank == 0)
			copy_part(p, rows, q, all, part, true);
		else
			p->exchange->receive(p->exchange, 0, part, bytes);
		if (q == rank)
			cpu_write(p->own, own, what, part);
		else
			p->exchange->send(p->exchange, q, part, bytes);
	}
	free(part);
}
