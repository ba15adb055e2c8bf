/*
 * exchange: what processes that train one model together tell each other.
 *
 * A launcher (mpirun) starts `size` processes with the same command line, numbered from 0. Process
 * 0 leads: it reads the input, writes the outputs and says what is to be done. The others follow. A
 * plug-in fills this struct in with MPI (lib/mpi), a test with threads.
 *
 * Functions return when the arrays of the caller may be used again, and die on any error. Bytes
 * arrive in the order in which one process sent them to another. Who is told nothing for a while
 * sleeps.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXCHANGE_ABI = 1 };

struct exchange {
	unsigned rank, size; /* number of this process, and how many there are */
	uint64_t received;   /* bytes that others have told this process; its user counts those of
				training, not of state that is read and written */

	/* Called by all with the same `root` and size: those of `root` reach the others. */
	void (*broadcast)(struct exchange *x, unsigned root, void *data, size_t bytes);

	/* Called by all: out has out_bytes[q] for process q, one after the other, in gets
	   in_bytes[q] from it, which is what q has for this one. It has nothing for itself. */
	void (*all_to_all)(struct exchange *x, const void *out, const size_t *out_bytes, void *in,
		const size_t *in_bytes);

	/* From one to one: each send meets a receive of the same size. */
	void (*send)(struct exchange *x, unsigned to, const void *data, size_t bytes);
	void (*receive)(struct exchange *x, unsigned from, void *data, size_t bytes);

	/* Called by all when all is done. A process that ends before, in whatever way, ends all. */
	void (*end)(struct exchange *x);
};

/*
 * The one symbol of the plug-in, EXCHANGE_PLUGIN_SYMBOL, is a function of this type. Returns the
 * exchange of this process, or NULL with a one-line reason in `why`, which is also the answer to
 * another EXCHANGE_ABI.
 */
#define EXCHANGE_PLUGIN_SYMBOL "cofilter_mpi_exchange"
typedef struct exchange *exchange_plugin(unsigned abi, char *why, size_t why_size);

enum exchange_choice { EXCHANGE_AUTO, EXCHANGE_MPI, EXCHANGE_NONE };
extern const char *const exchange_choice_names[]; /* of --processes */

/*
 * Does this process train with others? EXCHANGE_AUTO: if a launcher started it as one of several,
 * as the environment says (OMPI_COMM_WORLD_SIZE, PMI_SIZE, SLURM_STEP_NUM_TASKS). EXCHANGE_MPI:
 * yes, if only with itself. EXCHANGE_NONE: no.
 */
bool exchange_wanted(enum exchange_choice choice);

/*
 * The exchange with the others; NULL: it trains by itself. Dies where the plug-in cannot be loaded,
 * or sees other processes than the launcher started: nobody trains N models by accident. What the
 * launcher set is removed from the environment: commands that this program starts are alone.
 */
struct exchange *exchange_start(enum exchange_choice choice);

/* To be called first: what is wrong with the command line, or on every host, is said by process 0,
   and the others keep quiet until exchange_start has returned, unless nobody ends them (die.h). */
void exchange_hush_followers(void);

#endif
