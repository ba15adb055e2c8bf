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

/* The part that process q owns, on its way to process 0. */
static void read_part(struct cpu_processes *p, struct neumf_rows rows, unsigned q,
	enum backend_what what, float *all, float *part)
{
	const struct neumf_rows own = cpu_own_rows(p->exchange, rows, q);
	const size_t bytes = neumf_floats(&p->layout, own) * sizeof(*part);

	if (q == p->exchange->rank)
		cpu_read(p->own, own, what, part);
	else
		p->exchange->receive(p->exchange, q, part, bytes);
	if (p->exchange->rank == 0)
		copy_part(p, rows, q, all, part, false);
	else
		p->exchange->send(p->exchange, 0, part, bytes);
}

/* And from there. */
static void write_part(struct cpu_processes *p, struct neumf_rows rows, unsigned q,
	enum backend_what what, float *all, float *part)
{
	const struct neumf_rows own = cpu_own_rows(p->exchange, rows, q);
	const size_t bytes = neumf_floats(&p->layout, own) * sizeof(*part);

	if (p->exchange->rank == 0)
		copy_part(p, rows, q, all, part, true);
	else
		p->exchange->receive(p->exchange, 0, part, bytes);
	if (q == p->exchange->rank)
		cpu_write(p->own, own, what, part);
	else
		p->exchange->send(p->exchange, q, part, bytes);
}

/* Process 0 moves the parts of all, the others their own. */
static void move_parts(struct cpu_processes *p, struct neumf_rows rows, enum backend_what what,
	float *all, bool out)
{
	const unsigned rank = p->exchange->rank, size = p->exchange->size;
	float *part = xmalloc(
		(rows.num / size + 1) * (size_t)p->layout.tensor[rows.tensor].cols, sizeof(*part));

	for (unsigned q = rank; q < (rank == 0 ? size : rank + 1); q++)
		(out ? write_part : read_part)(p, rows, q, what, all, part);
	free(part);
}

void cpu_read_rows(
	struct cpu_processes *p, struct neumf_rows rows, enum backend_what what, float *all)
{
	move_parts(p, rows, what, all, false);
}

void cpu_write_rows(
	struct cpu_processes *p, struct neumf_rows rows, enum backend_what what, float *all)
{
	move_parts(p, rows, what, all, true);
}
