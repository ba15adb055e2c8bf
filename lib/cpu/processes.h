/*
 * processes: the fast backend over several processes (exchange.h), each with a part of the model.
 * The bits are those of one process, whatever their number. That rests on four rules.
 *
 * Owners. Row `id` of an embedding table, its moments and its gradient live in process id mod N, as
 * row id / N there. Dense tensors and their moments live in every process; each moves its copy by
 * the same gradient.
 *
 * Shares. All know the whole batch. Its jobs (cpu.h), with ccl its groups, are shared out in
 * contiguous ranges by its size alone; a process computes those of its share, on rows that their
 * owners have sent. So each job has the sums that it has anywhere.
 *
 * Contributions. Each occurrence of a row in a share goes to the row's owner by itself. Shares are
 * contiguous, so what arrives, by process, is in batch order; and the owner adds it up as one
 * process does: no sums of sums.
 *
 * Dense gradients are added job by job in a chain over the processes, in pieces: who has added his
 * jobs to what came from before hands it on; the last one tells all. This is the order of one
 * process, ((1 + 2) + 3) + ..., at the cost of a tree's bytes.
 *
 * A batch takes three rounds, beside the two broadcasts (what is to be done; the batch): rows to
 * who needs them, contributions to the owners, the chain. Nobody is told which rows to send: all
 * have the batch. Only of ccl an owner cannot know which negatives count; there each process first
 * says how many contributions come, and these bring their ids.
 *
 * In a process there are two of the fast backend: `own`, the part that it owns, with rows numbered
 * id / N, which sums and updates; and `work`, which computes the share on a cache of the rows
 * needed, its dense tensors being those of `own`.
 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include "cpu/cpu.h"
#include "model/exchange.h"

/* The way of the rows of one side, users or items, in a batch. */
struct cpu_route {
	struct cpu_side *own, *work;
	uint32_t num_rows; /* of the whole model */
	uint32_t per_row;  /* occurrences in a row of the batch */
	size_t width;	   /* floats of a row of both tables */
	uint32_t *ids;	   /* (rows x per_row) of the whole batch */

	/* The rows that this process needs, in the order of owners and then of ids: those of
	   process q are need[q] .. need[q + 1] - 1. */
	uint32_t *need;	  /* (size + 1) */
	uint32_t *cached; /* (need[size]) the id of each */
	size_t capacity;  /* of cached and cache, in rows */
	float *cache[2];  /* (need[size], cols) */

	/* Of the rows owned, those that process q needs: wanted[wanted_start[q]] and on. */
	uint32_t *wanted_start; /* (size + 1) */
	uint32_t *wanted;	/* row numbers in `own`, ascending for each q */
	uint32_t *from;		/* (own->count) in whose share an occurrence is */

	/* Occurrences: of rows owned those in the share of q are arrive[q] .. arrive[q + 1] - 1; in
	   the own share leave[q] are of rows that q owns. */
	uint32_t *arrive, *leave; /* (size + 1), (size) */
};

struct cpu_processes {
	struct exchange *exchange;
	struct neumf_layout layout; /* of the whole model */
	struct backend *own, *work;
	struct cpu_route route[2]; /* SIDE_USER, SIDE_ITEM */

	/* The share of process q: rows row_start[q] .. row_start[q + 1] - 1 of the batch, and the
	   jobs likewise; with ccl there are none. */
	uint32_t *row_start, *job_start; /* (size + 1) */
	uint32_t *next;			 /* (size) to list things by process */

	/* Messages to and from each process, one after the other, and their bytes. */
	char *out, *in, **message; /* (size) where a message goes on, while it is made */
	size_t out_capacity, in_capacity, *out_bytes, *in_bytes;

	double *losses;			 /* process 0: of all jobs, or with ccl of all rows */
	uint32_t *positives, *negatives; /* ccl: a batch as places in the cache */
	/* Who follows: a batch as it was told; (batch_size) each, of negatives with ccl N times. */
	uint32_t *user, *item, *negative;
	float *label;
	uint64_t rows;	   /* of all batches */
	char describe[48]; /* "avx512, 4 processes" */
};

/* What every process is told first. */
struct cpu_setup {
	uint32_t abi, batch_size;
	struct neumf_shape shape;
	struct neumf_optimizer optimizer;
	bool draws;
	struct neumf_fresh fresh; /* how, where they are drawn */
};

/* What this process needs and holds, all told (part.c). */
struct cpu_processes *cpu_processes_new(
	struct exchange *x, const struct cpu_setup *s, struct pool *pool);
void cpu_processes_free(struct cpu_processes *p);

/* Of some rows of a table those of process `rank`, by their numbers there. */
struct neumf_rows cpu_own_rows(const struct exchange *x, struct neumf_rows rows, unsigned rank);

/* Called by all: rows of a table to process 0, or from there. `all` has them, (num, cols), in
   process 0 (rows.c). */
void cpu_read_rows(
	struct cpu_processes *p, struct neumf_rows rows, enum backend_what what, float *all);
void cpu_write_rows(
	struct cpu_processes *p, struct neumf_rows rows, enum backend_what what, float *all);

/* Make, release and use what routes need: who has which rows of a batch, and whose rows each
   process needs (routes.c). `shape` is that of the whole model. */
void cpu_routes_init(struct cpu_processes *p, const struct neumf_shape *shape);
void cpu_routes_release(struct cpu_processes *p);
void cpu_routes_find(struct cpu_processes *p, const struct batch *batch);

/* cpu_sort, where there may be no occurrences. */
void cpu_sort_any(struct cpu_side *s);

/* gradient() of all processes together, each with the whole batch; the loss is process 0's
   (share.c). */
void cpu_share_gradient(struct cpu_processes *p, const struct batch *batch);

/* broadcast() of the exchange, counting what is received (share.c). */
void cpu_broadcast(struct cpu_processes *p, unsigned root, void *data, size_t bytes);

#endif
