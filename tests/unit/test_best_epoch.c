/* The best epoch: which is kept, when patience runs out, and what the command is told. */
#include "check.h"
#include "child.h"

#include "model/best_epoch.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static const struct neumf_shape shape = {
	.model = MODEL_MF, .loss = LOSS_BPR, .num_users = 2, .num_items = 3, .factors = 2
};

/* Every parameter of a tensor is the epoch plus a tenth of its number. */
static void give(void *arg, struct neumf_rows rows, float *out)
{
	const unsigned *epoch = arg;

	for (unsigned k = 0; k < 2 * rows.num; k++)
		out[k] = (float)*epoch + (float)rows.tensor / 10;
}

static void test_choice(void)
{
	static const struct {
		double value;
		uint64_t best;
		bool over; /* the patience of 3 has run out */
	} steps[] = { { -5, 1, false }, { -4, 2, false }, { -4, 2, false }, { -4.5, 2, false },
		{ -3, 5, false }, { -6, 5, false }, { -6, 5, false }, { -6, 5, true } };
	struct best_epoch best = { .patience = 3, .keep = true }, all = { 0 };
	unsigned epoch = 0;
	const struct best_epoch_model model = { &shape, NULL, give, &epoch };
	float out[6];

	neumf_layout(&shape, &best.layout);
	all.layout = best.layout;

	for (unsigned k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
		epoch = k + 1;
		bool better = best_epoch_add(&best, &model, epoch, steps[k].value);

		best_epoch_add(&all, &model, epoch, steps[k].value);
		CHECK(better == (steps[k].best == epoch) && best.epoch == steps[k].best,
			"epoch %u, value %g: the best is %d", epoch, steps[k].value,
			(int)best.epoch);

		CHECK(best_epoch_over(&best, epoch) == steps[k].over, "is it over?");
		best_epoch_values(&best, neumf_whole(&best.layout, 1), out);
		CHECK(out[0] == (float)steps[k].best + 0.1f && out[3] == out[0],
			"parameters of epoch %g", (double)out[0]);
		best_epoch_values(&best, neumf_whole(&best.layout, 0), out);
		CHECK(out[0] == (float)steps[k].best && out[5] == out[0], "all tensors");
	}
	CHECK(all.epoch == 5 && all.value == -3 && !best_epoch_kept(&all) &&
			!best_epoch_over(&all, 1000),
		"without keep and patience: no parameters, no end");
	best_epoch_release(&best);
	CHECK(!best_epoch_kept(&best), "released");
}

/* The number that a command prints, or NAN; its fault is in `why`. */
static double measure(const char *command, const char *path, char why[160])
{
	struct js *provenance = js_array();
	struct model_info info = { .provenance = provenance };
	unsigned first = 7;
	struct best_epoch best = { .command = command };
	const struct best_epoch_model model = { &shape, &info, give, &first };
	double value = NAN;
	bool ok = best_epoch_measure(&best, &model, path, 12, &value, why, 160);

	js_free(provenance);
	return ok ? value : NAN;
}

static void test_command(void)
{
	char why[160] = "";

	CHECK(measure("test \"$COFILTER_MODEL\" = 'a model' && echo $((10 * COFILTER_EPOCH))",
		      "a model", why) == 120,
		"the command knows model and epoch");
	CHECK(isnan(measure("test \"$COFILTER_MODEL\" = 'a model'", "another", why)) &&
			strcmp(why, "exit status 1") == 0,
		"its fault: %s", why);
	/* 10 floats behind the header; the first is 7 = 0x40e00000 */
	CHECK(measure("tail -c 40 \"$COFILTER_MODEL\" | od -An -td4 -N4", NULL, why) == 0x40e00000,
		"a file without a name: %s", why);
	CHECK(measure("cat <\"$COFILTER_MODEL\" >/dev/null; wc -c <\"$COFILTER_MODEL\"", NULL,
		      why) > 40,
		"which can be read again: %s", why);
	int first = dup(0), next;
	close(first);
	measure("echo 1", NULL, why);
	measure("exit 1", NULL, why);
	next = dup(0);
	close(next);
	CHECK(first == next, "nothing is left open");
}

/* Through JSON and back, to the bit, with and without a pending epoch. */
static void test_json(void)
{
	struct best_epoch a = { .command = "c", .epoch = 3, .value = 0.1, .last = -1e-300 },
			  b = { .command = "c" };
	struct trainer_epoch e = { .batches = 7, .rows = 70, .loss = 1.0 / 3, .seconds = 0.7 },
			     f = { 0 };
	struct js *v = best_epoch_json(&a, NULL);

	CHECK(!best_epoch_restore(&b, v, NULL, &f, "file") && b.epoch == 3 && b.value == 0.1 &&
			b.last == -1e-300,
		"the best epoch and the last value come back");
	js_free(v);
	v = best_epoch_json(&a, &e);
	CHECK(best_epoch_restore(&b, v, NULL, &f, "file") && f.batches == 7 && f.rows == 70 &&
			f.loss == e.loss && f.seconds == e.seconds,
		"a pending epoch comes back");
	js_free(v);
	e = (struct trainer_epoch){ .loss = NAN };
	v = best_epoch_json(&a, &e);
	CHECK(best_epoch_restore(&b, v, NULL, &f, "file") && f.rows == 0 && isnan(f.loss),
		"and one without a batch");
	js_free(v);
}

static void restore(void *arg)
{
	const char *text = arg;
	struct best_epoch b = { .command = "c", .keep = true };
	struct trainer_epoch pending;
	char why[160];
	struct js *v = js_parse(text, strlen(text), why, sizeof(why));

	best_epoch_restore(&b, v, NULL, &pending, "file");
}

static void check_restore(char *text, int status, const char *message)
{
	static int fd;
	struct child c;

	fd = fd ? fd : child_file();
	c = child_run(restore, text, fd);
	CHECK(c.status == status && strstr(c.text, message), "%s: %s", text, c.text);
}

static void test_faults(void)
{
	static char other[] = "{\"command\": \"d\", \"keep\": \"best\", \"epoch\": 0, "
			      "\"metric\": \"0x0p+0\", \"last\": \"0x0p+0\"}",
		    last[] = "{\"command\": \"c\", \"keep\": \"last\", \"epoch\": 0, "
			     "\"metric\": \"0x0p+0\", \"last\": \"0x0p+0\"}",
		    lacking[] = "{\"command\": \"c\", \"keep\": \"best\", \"epoch\": 2, "
				"\"metric\": \"0x0p+0\", \"last\": \"0x0p+0\"}",
		    nan[] = "{\"command\": \"c\", \"keep\": \"best\", \"epoch\": 2, "
			    "\"metric\": \"nan\", \"last\": \"0x0p+0\"}",
		    none[] = "{}";

	check_restore(other, 0, "");
	check_restore(last, 1, "'file' is of a training with --keep last, not best");
	check_restore(lacking, 1, "checkpoint 'file' lacks the tensors of the best epoch");
	check_restore(nan, 1, "what it says of --on-epoch is incomplete");
	check_restore(none, 1, "what it says of --on-epoch is incomplete");
}

int main(void)
{
	test_choice();
	test_json();
	test_faults();
	test_command();
	return CHECK_EXIT;
}
