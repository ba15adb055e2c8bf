#include "model/exchange.h"

#include "base/die.h"
#include "base/library.h"
#include "base/mem.h"
#include "base/number.h"

#include <stdint.h>
#include <stdlib.h>

#define PLUGIN_VARIABLE "COFILTER_MPI_PLUGIN"
#define PLUGIN_FILE	"cofilter-mpi.so"

const char *const exchange_choice_names[] = { "auto", "mpi", "none", NULL };

/* What launchers say to the processes that they start: how many there are, and the number of this
   one. A launcher that starts others by way of another one comes first. */
static const struct {
	const char *size, *rank;
} launchers[] = {
	{ "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK" }, /* Open MPI */
	{ "PMI_SIZE", "PMI_RANK" },			    /* MPICH and its kin */
	{ "SLURM_STEP_NUM_TASKS", "SLURM_PROCID" },	    /* srun */
};
enum { DELAY = 3 }; /* seconds, in which a launcher ends what is left of a job */
enum { NUM_LAUNCHERS = sizeof(launchers) / sizeof(*launchers) };

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);
	uint64_t number;

	return text && number_parse_uint(text, 0, UINT32_MAX, &number) ? number : otherwise;
}

/* Processes that a launcher started, 0: there is no launcher; and which of them this one is. */
static unsigned launched(unsigned *rank)
{
	for (unsigned k = 0; k < NUM_LAUNCHERS; k++) {
		const uint64_t size = number_of(launchers[k].size, 0);

		if (size > 0) {
			*rank = (unsigned)number_of(launchers[k].rank, 0);
			return (unsigned)size;
		}
	}
	*rank = 0;
	return 0;
}

bool exchange_wanted(enum exchange_choice choice)
{
	unsigned rank;

	return choice == EXCHANGE_MPI || (choice == EXCHANGE_AUTO && launched(&rank) > 1);
}

void exchange_hush_followers(void)
{
	unsigned rank;

	launched(&rank);
	die_delay = rank > 0 ? DELAY : 0;
}

struct exchange *exchange_start(enum exchange_choice choice)
{
	unsigned rank, size = launched(&rank);
	exchange_plugin *plugin;
	char why[4608] = "";

	if (!exchange_wanted(choice)) {
		die_delay = 0;
		return NULL;
	}
	if (!library_plugin(PLUGIN_VARIABLE, PLUGIN_FILE, EXCHANGE_PLUGIN_SYMBOL, &plugin, why,
		    sizeof(why)))
		die("%u processes cannot train together: %s", size > 0 ? size : 1, why);
	struct exchange *x = plugin(EXCHANGE_ABI, why, sizeof(why));
	if (!x)
		die("%u processes cannot train together: %s", size > 0 ? size : 1, why);
	if (size > 0 && x->size != size)
		die("the launcher started %u processes, the plug-in's MPI knows of %u: they are of two MPIs",
			size, x->size);
	for (unsigned k = 0; k < NUM_LAUNCHERS; k++) {
		unsetenv(launchers[k].size);
		unsetenv(launchers[k].rank);
	}
	die_delay = 0;
	if (x->rank > 0)
		die_set_name(xasprintf("%s[%u]", die_name(), x->rank));
	return x;
}
