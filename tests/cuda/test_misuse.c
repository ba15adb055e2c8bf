/*
 * test_misuse: calls that the interface forbids end the program with BUG, each in a process of its
 * own, which opens the device itself (a device does not survive a fork).
 *   COFILTER_CUDA_PLUGIN=FILE test_misuse
 */
#include "../unit/child.h"
#include "train_test.h"

static const struct test_case adam_case = { "adam",
	{ MODEL_MF, LOSS_BPR, false, 30, 40, 5, 0, 0, { 0 }, false, { 0, 0, 0 } }, ADAM(0.01, 0, 0),
	7, PRECISION_FP32, true };
static const struct test_case sgd_case = { "sgd",
	{ MODEL_MF, LOSS_BPR, false, 30, 40, 5, 0, 0, { 0 }, false, { 0, 0, 0 } }, SGD(0.01, 0, 0),
	7, PRECISION_FP32, true };

enum wrong {
	GRADIENT_IN,
	MOMENT_OF_SGD,
	BATCH_TOO_LARGE,
	BATCH_EMPTY,
	TOO_MANY_ROWS,
	ID_TWICE,
	ID_TOO_LARGE,
	STEP_OF_SCORER
};

static void do_wrong(void *arg)
{
	enum wrong wrong = *(const enum wrong *)arg;
	const struct test_case *c = wrong == MOMENT_OF_SGD ? &sgd_case : &adam_case;
	struct backend_config config = make_config(c);
	struct arrays arrays = make_arrays(2 * c->batch_size);
	const struct neumf_rows one_row = { 0, 0, 1 };
	struct backend_gradient g;

	const struct backend_ops *ops = backend_select(DEVICE_CUDA, false);
	if (wrong == STEP_OF_SCORER)
		config.optimizer = NULL;
	struct backend *b = ops->create(&config);
	struct batch batch = make_batch(c, &arrays, 0);
	backend_gradient_init(&g, &c->shape, 2 * c->batch_size);
	switch (wrong) {
	case GRADIENT_IN:
		ops->write(b, one_row, BACKEND_GRADIENT, g.tensor[0]);
		break;
	case MOMENT_OF_SGD:
		ops->write(b, one_row, BACKEND_MOMENT1, g.tensor[0]);
		break;
	case BATCH_TOO_LARGE:
		batch.size++;
		ops->gradient(b, &batch);
		break;
	case BATCH_EMPTY:
		batch.size = 0;
		ops->gradient(b, &batch);
		break;
	case TOO_MANY_ROWS:
		g.num[SIDE_USER] = c->batch_size + 1;
		ops->write_gradient(b, &g);
		break;
	case ID_TWICE:
		g.num[SIDE_ITEM] = 2;
		g.id[SIDE_ITEM][0] = g.id[SIDE_ITEM][1] = 5;
		ops->write_gradient(b, &g);
		break;
	case ID_TOO_LARGE:
		g.num[SIDE_ITEM] = 1;
		g.id[SIDE_ITEM][0] = c->shape.num_items;
		ops->write_gradient(b, &g);
		break;
	case STEP_OF_SCORER:
		ops->step(b);
		break;
	}
}

int main(void)
{
	static const char *const says[] = { "no array", "no array", "a batch of 8 rows",
		"a batch of 0 rows", "a gradient of 8 rows", "are not ascending",
		"id 40 of a gradient", "no optimizer" };
	int fd = child_file();

	die_set_name("test_misuse");
	for (enum wrong wrong = GRADIENT_IN; wrong <= STEP_OF_SCORER; wrong++) {
		struct child child = child_run(do_wrong, &wrong, fd);

		CHECK(child.status == -SIGABRT && strstr(child.text, says[wrong]),
			"aborts with '%s'", says[wrong]);
	}
	return CHECK_EXIT;
}
