#include "data/lint.h"

#include "stream/split_id.h"

#include <stdlib.h>
#include <string.h>

/* What all streams, and the model, say of themselves. */
struct headers {
	const struct rec_header *header[5];
	unsigned num;
};

static void collect(struct headers *all, const struct lint_input *in)
{
	const struct lint_part *const parts[] = { in->train, in->valid, in->test };

	for (unsigned k = 0; k < 3; k++)
		if (parts[k])
			all->header[all->num++] = &parts[k]->header;
	if (in->candidates)
		all->header[all->num++] = &in->candidates->header;
	if (in->model)
		all->header[all->num++] = in->model;
}

static void check_pairs(struct lint *l, const struct lint_input *in)
{
	struct headers all = { .num = 0 };
	uint64_t families = 0, splits = 0, pairs = 0;

	collect(&all, in);
	for (unsigned a = 0; a < all.num; a++)
		for (unsigned b = 0; b < a; b++) {
			const struct rec_header *x = all.header[a], *y = all.header[b];

			families += !id_family_related(&x->user_ids, &y->user_ids) ||
				    !id_family_related(&x->item_ids, &y->item_ids);
			splits += x != in->model && !split_id_fits(x->provenance, y->provenance);
			pairs++;
		}
	if (pairs == 0)
		return;
	lint_add(l,
		(struct lint_check){ "id-maps", LINT_ERROR, families, pairs,
			"pairs of files number users or items differently",
			"make all from one run, or continue its id files: --known-users, -items" });
	lint_add(l, (struct lint_check){ "splits", LINT_ERROR, splits, pairs,
			    "pairs of files are of different runs of ml-split",
			    "take all parts from one run" });
}

static void check_bounds(struct lint *l, const struct lint_input *in)
{
	uint64_t beyond, rows;

	beyond = (in->valid ? in->valid->beyond : 0) + (in->test ? in->test->beyond : 0) +
		 (in->candidates ? in->candidates->beyond : 0);
	rows = (in->valid ? in->valid->rows : 0) + (in->test ? in->test->rows : 0) +
	       (in->candidates ? in->candidates->rows : 0);
	if (rows)
		lint_add(l,
			(struct lint_check){ "beyond-bounds", LINT_ERROR, beyond, rows,
				"rows have a user or item beyond the bounds of train",
				"no model of train knows them: make all parts with one run of ml-split" });
	if (in->model)
		lint_add(l, (struct lint_check){ "model-bounds", LINT_ERROR,
				    (uint64_t)(in->model->num_users < in->train->header.num_users) +
					    (in->model->num_items < in->train->header.num_items),
				    2, "bounds of the model are below those of train",
				    "it was trained on another stream: train it anew" });
}

/* Does some entry of `a` have this member, of the same value as one of `b`? With `part`, only
   entries that say so count on either side. */
static bool shares(const struct js *a, const struct js *b, const char *key, const char *part)
{
	for (size_t j = 0; j < js_length(a); j++)
		for (size_t k = 0; k < js_length(b); k++) {
			const struct js *x = js_get(js_at(a, j), key),
					*y = js_get(js_at(b, k), key);
			const char *of = js_get_string(js_at(a, j), "part");
			char *s, *t;
			bool same;

			if (!x || !y || (part && (!of || strcmp(of, part) != 0)))
				continue;
			s = js_dump(x, false);
			t = js_dump(y, false);
			same = strcmp(s, t) == 0;
			free(s);
			free(t);
			if (same)
				return true;
		}
	return false;
}

static bool has_split(const struct js *provenance)
{
	for (size_t k = 0; k < js_length(provenance); k++)
		if (js_get(js_at(provenance, k), "split"))
			return true;
	return false;
}

/* The model's rows, held against the split of test. */
static void check_model(struct lint *l, const struct rec_header *model, const struct js *test)
{
	const struct js *seen = model->provenance;
	struct lint_check check = { "model-saw-test", LINT_ERROR, 1, 1,
		"model was trained on rows of test", "train it on the train part of this split" };

	if (!seen || js_length(seen) == 0 || !has_split(test)) {
		check.verdict = LINT_NOTE;
		check.what = "model: what it was trained on cannot be told";
		check.mend = "neumf-train and ml-split say it; train and test came another way";
	} else if (shares(seen, test, "split", "test")) {
		check.what = "model was trained on the test part itself";
	} else if (shares(seen, test, "split", NULL)) {
		check.count = 0;
	} else if (has_split(seen)) {
		check.what =
			"model is of another run of ml-split: rows of test may be in its train";
	} else if (shares(seen, test, "input", NULL)) {
		check.what = "model was trained on the whole log that test is a part of";
	} else {
		check.verdict = LINT_WARNING;
		check.what = "model was trained on rows of no split, or of another log";
	}
	lint_add(l, check);
}

void lint_headers(struct lint *l, const struct lint_input *in)
{
	check_pairs(l, in);
	check_bounds(l, in);
	if (in->model && in->test)
		check_model(l, in->model, in->test->header.provenance);
}
