/* The best epoch: which is kept, when patience runs out, and what the command is told. */
#include "check.h"

#include "model/best_epoch.h"

#include <stdlib.h>
#include <string.h>

static const struct neumf_shape shape = {
	.model = MODEL_MF, .loss = LOSS_BPR, .num_users = 2, .num_items = 3, .factors = 2
};

/* Every parameter of a tensor is the epoch plus a tenth of its number. */
static void give(void *arg, unsigned tensor, float *out)
{
	const unsigned *epoch = arg;

	for (unsigned k = 0; k < (tensor ? 4 : 6); k++)
		out[k] = (float)*epoch + (float)tensor / 10;
}

static void test_choice(void)
{
	static const struct {
		double value;
		uint64_t best, over; /* over: the patience of 3 has run out */
	} steps[] = { { -5, 1, false }, { -4, 2, false }, { -4, 2, false }, { -4.5, 2, false },
		{ -3, 5, false }, { -6, 5, false }, { -6, 5, false }, { -6, 5, true } };
	struct best_epoch best = { .patience = 3, .keep = true }, all = { .command = "x" };
	struct neumf_layout l;
	struct best_epoch_copy copy = { &best, &l };
	float out[6];

	neumf_layout(&shape, &l);
	for (unsigned k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
		unsigned epoch = k + 1;
		bool better = best_epoch_add(&best, epoch, steps[k].value, &shape, give, &epoch);

		best_epoch_add(&all, epoch, steps[k].value, &shape, give, &epoch);
		CHECK(better == (steps[k].best == epoch) && best.epoch == steps[k].best,
			"epoch %u, value %g: the best is %d", epoch, steps[k].value,
			(int)best.epoch);
		CHECK(best_epoch_over(&best, epoch) == steps[k].over, "patience of 3 after it");
		best_epoch_values(&copy, 1, out);
		CHECK(out[0] == (float)steps[k].best + 0.1f && out[3] == out[0],
			"parameters of epoch %g", (double)out[0]);
		best_epoch_values(&copy, 0, out);
		CHECK(out[0] == (float)steps[k].best && out[5] == out[0], "all tensors");
	}
	CHECK(all.epoch == 5 && all.value == -3 && !all.params && !best_epoch_over(&all, 1000),
		"without keep and patience: no parameters, no end");
	best_epoch_release(&best);
	CHECK(!best.params, "released");
}

static void test_command(void)
{
	struct best_epoch best = { .command = "test \"$COFILTER_MODEL\" = 'a model' && "
					      "echo $((10 * COFILTER_EPOCH))" };
	char why[160];
	double value = 0;

	CHECK(best_epoch_measure(&best, "a model", 12, &value, why, sizeof(why)) && value == 120,
		"the command knows model and epoch: %g", value);
	CHECK(!best_epoch_measure(&best, "another", 12, &value, why, sizeof(why)) &&
			strcmp(why, "exit status 1") == 0,
		"its fault: %s", why);
}

int main(void)
{
	test_choice();
	test_command();
	return CHECK_EXIT;
}
