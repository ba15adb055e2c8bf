/* Warm starts: what comes from the models, what stays as drawn, and what is refused. */
#include "check.h"
#include "child.h"

#include "base/die.h"
#include "base/mem.h"
#include "model/model_file.h"
#include "model/warm_start.h"

#include <math.h>

enum { PATH_SIZE = 64 };

static char folder[] = "/tmp/test_warm_start.XXXXXX";
static int errors; /* what children say */

/* U users, I items, F = 2, E = 3, hidden 5, 4. */
static struct neumf_shape shape_of(
	enum neumf_model model, enum neumf_loss loss, uint32_t users, uint32_t items)
{
	struct neumf_shape s = {
		.model = model, .loss = loss, .num_users = users, .num_items = items
	};

	s.factors = neumf_has_gmf(&s) ? 2 : 0;
	if (neumf_has_mlp(&s)) {
		s.mlp_factors = 3;
		s.num_hidden = 2;
		s.hidden[0] = 5;
		s.hidden[1] = 4;
	}
	return s;
}

/* Parameters that differ from tensor to tensor and from model to model, biases too. */
static float *trained(const struct neumf_shape *s, float first)
{
	struct neumf_layout l;

	neumf_layout(s, &l);
	float *params = xmalloc(l.num_params, sizeof(float));
	for (uint64_t k = 0; k < l.num_params; k++)
		params[k] = first + (float)k / 8;
	return params;
}

struct saved {
	const struct neumf_layout *layout;
	const float *params;
};

static void give(void *arg, struct neumf_rows rows, float *out)
{
	const struct saved *s = arg;
	const struct neumf_tensor *t = &s->layout->tensor[rows.tensor];

	memcpy(out, s->params + t->offset + (size_t)rows.first * t->cols,
		neumf_floats(s->layout, rows) * sizeof(*out));
}

static const char *path_of(const char *name)
{
	static char path[4][PATH_SIZE];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, PATH_SIZE, "%s/%s", folder, name);
	return p;
}

static void save(const char *name, const struct neumf_shape *s, const float *params,
	const struct id_family *users)
{
	struct model_info info = { .user_ids = users };
	struct js *provenance = js_array();
	struct neumf_layout l;
	struct saved saved = { &l, params };

	info.provenance = provenance;
	neumf_layout(s, &l);
	model_file_save(stream_create(path_of(name), true), s, &info, give, &saved);
	js_free(provenance);
}

static float *fresh(const struct neumf_shape *s)
{
	struct neumf_layout l;

	neumf_layout(s, &l);
	float *params = xmalloc(l.num_params, sizeof(float));
	neumf_init(s, 0.01, DENSE_NORMAL, 5, params);
	return params;
}

/* The start of a model of shape `s` from files, `second` NULL: from one. */
static float *start(const struct neumf_shape *s, const char *first, const char *second,
	double alpha, const struct id_family *users)
{
	const struct id_family unknown = { 0 };
	const char *const paths[] = { path_of(first), second ? path_of(second) : NULL };
	struct warm_start *w = warm_start_open(paths, second ? 2 : 1);
	struct warm_start_target target = { s, users ? users : &unknown, &unknown };
	const struct backend_config config = { .shape = *s, .params = fresh(s) };
	struct backend *b = backend_reference.create(&config);
	struct neumf_layout l;

	neumf_layout(s, &l);
	warm_start_apply(w, &target, alpha, &backend_reference, b);
	warm_start_free(w);
	float *params = xmalloc(l.num_params, sizeof(*params));
	for (unsigned k = 0; k < l.num_tensors; k++)
		backend_reference.read(
			b, neumf_whole(&l, k), BACKEND_VALUE, params + l.tensor[k].offset);
	backend_reference.destroy(b);
	return params;
}

static void check_grown(enum neumf_model model, bool bias, enum neumf_loss loss)
{
	struct neumf_shape old = shape_of(model, loss, 7, 11), new = shape_of(model, loss, 9, 12);
	struct neumf_layout from, to;
	bool taken = true, kept = true;

	old.bias = new.bias = bias;
	float *params = trained(&old, 1), *drawn = fresh(&new);
	neumf_layout(&old, &from);
	neumf_layout(&new, &to);
	save("old", &old, params, NULL);
	float *result = start(&new, "old", NULL, 0.5, NULL);
	for (unsigned k = 0; k < to.num_tensors; k++) {
		const struct neumf_tensor *a = &from.tensor[k], *b = &to.tensor[k];
		size_t old_size = (size_t)a->rows * a->cols, size = (size_t)b->rows * b->cols;

		taken &= !memcmp(result + b->offset, params + a->offset, old_size * sizeof(float));
		kept &= !memcmp(result + b->offset + old_size, drawn + b->offset + old_size,
			(size - old_size) * sizeof(float));
	}
	CHECK(taken, "%s %s: tensors are those of the model", neumf_model_names[model],
		neumf_loss_names[loss]);
	CHECK(kept, "%s %s: new rows are those of a fresh start", neumf_model_names[model],
		neumf_loss_names[loss]);
	free(params);
	free(drawn);
	free(result);
}

/* Of shape_of's neumf with 7 users and 11 items, from gmf and mlp; the second file may come first. */
static void check_joined(enum neumf_loss loss, double alpha, bool swapped)
{
	struct neumf_shape g = shape_of(MODEL_GMF, loss, 7, 11),
			   m = shape_of(MODEL_MLP, loss, 7, 11),
			   n = shape_of(MODEL_NEUMF, loss, 7, 11);
	struct neumf_layout gl, ml, nl;
	float *gmf = trained(&g, 1), *mlp = trained(&m, -40);

	neumf_layout(&g, &gl);
	neumf_layout(&m, &ml);
	neumf_layout(&n, &nl);
	save("gmf", &g, gmf, NULL);
	save("mlp", &m, mlp, NULL);
	float *result = start(&n, swapped ? "mlp" : "gmf", swapped ? "gmf" : "mlp", alpha, NULL);
	const float *head = neumf_param(&nl, result, TENSOR_HEAD),
		    *a = neumf_param(&gl, gmf, TENSOR_HEAD),
		    *b = neumf_param(&ml, mlp, TENSOR_HEAD);
	bool same = true;

	for (unsigned k = 0; k < 6; k++)
		same &= head[k] ==
			(float)(k < 2 ? alpha * (double)a[k] : (1 - alpha) * (double)b[k - 2]);
	CHECK(same, "alpha %g: the head's weights side by side", alpha);
	if (loss == LOSS_BCE) {
		const float *bias = neumf_param(&nl, result, TENSOR_HEAD_BIAS);
		double sum = alpha * (double)*neumf_param(&gl, gmf, TENSOR_HEAD_BIAS) +
			     (1 - alpha) * (double)*neumf_param(&ml, mlp, TENSOR_HEAD_BIAS);

		CHECK(*bias == (float)sum, "alpha %g: the head's bias %g", alpha, (double)*bias);
	}
	same = true;
	for (int which = TENSOR_GMF_USER; which < TENSOR_MLP + 4; which++) {
		bool in_gmf = which == TENSOR_GMF_USER || which == TENSOR_GMF_ITEM;

		if (which == TENSOR_HEAD || which == TENSOR_HEAD_BIAS)
			continue;
		const struct neumf_tensor *t = &nl.tensor[nl.at[which]];
		const float *from =
			in_gmf ? neumf_param(&gl, gmf, which) : neumf_param(&ml, mlp, which);

		same &= !memcmp(
			result + t->offset, from, (size_t)t->rows * t->cols * sizeof(float));
	}
	CHECK(same, "embeddings and hidden layers as they are");
	free(gmf);
	free(mlp);
	free(result);
}

struct attempt {
	struct neumf_shape shape;
	const char *first, *second;
	const struct id_family *users;
};

static void try_start(void *arg)
{
	const struct attempt *a = arg;

	free(start(&a->shape, a->first, a->second, 0.5, a->users));
}

static void check_refused(struct attempt a, const char *what)
{
	struct child c = child_run(try_start, &a, errors);
	const char *text = strstr(c.text, what);

	CHECK(c.status == EXIT_DATA && text && child_one_line(c.text, "test"), "%s", c.text);
}

static void test_refused(void)
{
	struct attempt a = { shape_of(MODEL_GMF, LOSS_BCE, 7, 11), "gmf", NULL, NULL };

	a.shape.factors = 3;
	check_refused(a, "tensor 'gmf_item.weight' is of shape (11, 2), not (11, 3)");
	a.shape = shape_of(MODEL_MLP, LOSS_BCE, 7, 11);
	a.first = "mlp";
	a.shape.hidden[1] = 6;
	check_refused(a, "tensor 'head.weight' is of shape (1, 4), not (1, 6)");
	a.shape.num_hidden = 1;
	check_refused(a, "the new model has no tensor 'mlp.1.bias'");
	a.shape = shape_of(MODEL_MLP, LOSS_BCE, 7, 11);
	a.shape.num_hidden = 3;
	a.shape.hidden[2] = 4;
	check_refused(a, "it has no tensor 'mlp.2.bias'");
	a.shape = shape_of(MODEL_MLP, LOSS_BCE, 6, 11);
	check_refused(a, "it has 7 users, the input only 6");
	a.shape = shape_of(MODEL_MLP, LOSS_BCE, 7, 10);
	check_refused(a, "it has 11 items, the input only 10");
	a.shape = shape_of(MODEL_NEUMF, LOSS_BCE, 7, 11);
	check_refused(a, "it has no tensor 'gmf_item.weight'");
	a.first = "gmf";
	check_refused(a, "tensor 'head.weight' is of shape (1, 2), not (1, 6)");
	a.second = "gmf";
	check_refused(a, "two models make a neumf, and are a gmf and an mlp");
	a.shape = shape_of(MODEL_GMF, LOSS_BCE, 7, 11);
	a.second = "mlp";
	check_refused(a, "two models make a neumf, and are a gmf and an mlp");
	a.shape = shape_of(MODEL_MF, LOSS_BCE, 7, 11);
	a.second = NULL;
	check_refused(a, "the new model has no tensor 'head.bias'");
}

/* Models of a pairwise loss have no bias to give. */
static void test_losses(void)
{
	struct neumf_shape pairwise = shape_of(MODEL_GMF, LOSS_BPR, 7, 11);
	struct attempt a = { shape_of(MODEL_GMF, LOSS_BCE, 7, 11), "bpr", NULL, NULL };
	float *params = trained(&pairwise, 1);

	save("bpr", &pairwise, params, NULL);
	struct child c = child_run(try_start, &a, errors);
	CHECK(c.status == EXIT_DATA && strstr(c.text, "it has no tensor 'head.bias'"), "%s",
		c.text);
	a.shape = shape_of(MODEL_NEUMF, LOSS_BCE, 7, 11);
	a.second = "mlp";
	c = child_run(try_start, &a, errors);
	CHECK(c.status == EXIT_DATA && strstr(c.text, "/bpr': it has no tensor 'head.bias'"), "%s",
		c.text);
	a.shape = shape_of(MODEL_GMF, LOSS_HINGE, 7, 11);
	a.second = NULL;
	c = child_run(try_start, &a, errors);
	CHECK(c.status == 0 && strstr(c.text, "was trained with another loss: bpr, now hinge"),
		"%s", c.text);
	a.shape.loss = LOSS_BPR;
	a.shape.sigmoid_output = true;
	c = child_run(try_start, &a, errors);
	CHECK(c.status == 0 && strstr(c.text, "loss: bpr, now bpr of sigmoid outputs"), "%s",
		c.text);
	free(params);
}

/* Maps: 5 ids; these and 2 more; these 2 others. */
static void test_families(void)
{
	static struct id_pair first[] = { { 5, 1 } }, more[] = { { 5, 1 }, { 7, 2 } },
			      most[] = { { 5, 1 }, { 7, 2 }, { 9, 4 } },
			      others[] = { { 5, 1 }, { 7, 3 } }, skipped[] = { { 9, 4 } };
	const struct id_family five = { 1, first }, seven = { 2, more }, nine = { 3, most },
			       other = { 2, others }, only_nine = { 1, skipped };
	struct attempt a = { shape_of(MODEL_MF, LOSS_BPR, 9, 11), "seven", NULL, &seven };
	struct neumf_shape s = shape_of(MODEL_MF, LOSS_BPR, 7, 11);
	static const char *const refused =
		"its user ids are not the beginning of the input's (--ids-unchecked to go on)";
	float *params = trained(&s, 1);

	save("seven", &s, params, &seven);
	CHECK(child_run(try_start, &a, errors).status == 0, "the same map");
	a.users = &nine;
	CHECK(child_run(try_start, &a, errors).status == 0, "a map that has grown since");
	a.users = NULL;
	CHECK(child_run(try_start, &a, errors).status == 0, "a map that is not known");
	a.users = &other;
	check_refused(a, refused);
	a.users = &five;
	check_refused(a, refused);
	a.users = &only_nine;
	check_refused(a, refused);
	ids_unchecked = true;
	CHECK(child_run(try_start, &a, errors).status == 0, "unchecked");
	ids_unchecked = false;
	free(params);
}

/* The checksums of a file are the 32 digits in its header. */
static void test_checksums(void)
{
	const char *const paths[] = { path_of("gmf"), path_of("mlp") };
	struct warm_start *w = warm_start_open(paths, 2);
	char *text = warm_start_checksums(w);
	FILE *f = fopen(paths[1], "rb");
	char header[4096] = "";

	CHECK(f && fread(header, 1, 8, f) == 8 && fread(header, 1, sizeof(header) - 1, f) > 0,
		"a file is read");
	if (f)
		fclose(f);
	CHECK(strlen(text) == 65 && text[32] == ',' && strncmp(text, text + 33, 32) != 0 &&
			strstr(header, text + 33),
		"checksums: %s", text);
	free(text);
	warm_start_free(w);
}

int main(void)
{
	static const char *const names[] = { "old", "gmf", "mlp", "bpr", "seven" };

	if (!mkdtemp(folder))
		return 1;
	errors = child_file();
	die_set_name("test");
	die_quiet = true;
	for (enum neumf_model model = MODEL_NEUMF; model <= MODEL_MF; model++) {
		check_grown(model, false, LOSS_BPR);
		check_grown(model, false, LOSS_BCE);
	}
	check_grown(MODEL_MF, true, LOSS_BCE);
	check_joined(LOSS_BPR, 0.5, false);
	check_joined(LOSS_BCE, 0.5, true);
	check_joined(LOSS_BCE, 0.3, false);
	check_joined(LOSS_BCE, 1, false);
	test_checksums();
	test_refused();
	test_losses();
	test_families();
	for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
		unlink(path_of(names[k]));
	rmdir(folder);
	return CHECK_EXIT;
}
