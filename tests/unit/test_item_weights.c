/*
 * item_weights: files whose checksums are right and whose content is not end in one line, whatever a
 * reader would do with it; and a row that is damaged, when it is read, not before.
 */
#include "check.h"
#include "child.h"

#include "base/die.h"
#include "base/pool.h"
#include "linear/ease.h"
#include "linear/item_knn.h"
#include "linear/item_weights.h"
#include "stream/digest.h"
#include "stream/metadata.h"

#include <string.h>

enum { ITEMS = 4, ROWS = 2 };

static char path[] = "/tmp/test_item_weights.XXXXXX";
static int errors;

/* A file as item_weights_save makes it, but of anything. */
struct file {
	const char *method;
	uint32_t num_items;
	struct safetensors_tensor tensor[4];
	struct safetensors_data data[4];
	bool of_rows[4];
};

static void write_file(const struct file *f)
{
	struct stream_out *out = stream_create(path, true);
	struct digest *index = digest_new();
	struct js *m = js_object(), *provenance = js_array();
	char hex[DIGEST_HEX + 1];

	for (unsigned k = 0; k < 4; k++) {
		unsigned char bytes[256];
		const struct safetensors_tensor *t = &f->tensor[k];

		if (f->of_rows[k])
			continue;
		safetensors_encode(t->type, t->dims[0], f->data[k].values, bytes);
		digest_add(index, bytes, safetensors_bytes(t));
	}
	digest_hex(index, hex);
	digest_free(index);
	js_put(m, "model", js_string("item-weights"));
	js_put(m, "method", js_string(f->method));
	metadata_put_uint(m, "users", 3);
	metadata_put_uint(m, "items", f->num_items);
	metadata_put_json(m, "provenance", provenance);
	js_put(m, "index_checksum", js_string(hex));
	safetensors_save_data(out, m, f->tensor, 4, f->data);
	stream_commit(out);
	js_free(provenance);
	js_free(m);
}

/* Open the file, and score a user who has items 0 and 3. */
static void score(void *arg)
{
	const struct file *f = arg;
	struct pool *pool = pool_new(1);
	const uint64_t start[] = { 0, 2 };
	const uint32_t own[] = { 0, 3 };
	const struct item_lists lists = { 1, start, own };
	struct item_weights *w = item_weights_open(path, f->method);
	const bool ease = strcmp(f->method, EASE_METHOD) == 0;
	struct ease *e = ease ? ease_load(w, pool) : NULL;
	struct item_knn *k = ease ? NULL : item_knn_load(w, pool);
	const struct scorer s = ease ? ease_scorer(e) : item_knn_scorer(k);
	float scores[ITEMS];

	s.score_from_items(s.arg, &lists, 0, ITEMS, scores);
	printf("%g %g %g %g\n", (double)scores[0], (double)scores[1], (double)scores[2],
		(double)scores[3]);
	if (ease)
		ease_free(e);
	else
		item_knn_free(k);
	item_weights_close(w);
	pool_free(pool);
}

static void check(struct file *f, const char *text)
{
	write_file(f);
	struct child c = child_run(score, f, errors);
	if (!text)
		CHECK(c.status == 0, "%s: a good file: %s", f->method, c.text);
	else
		CHECK(c.status == 1 && child_one_line(c.text, "cofilter") && strstr(c.text, text) &&
				strstr(c.text, path),
			"%s: %s: status %d, %.*s", f->method, text, c.status,
			(int)strcspn(c.text, "\n"), c.text);
}

static struct file ease_file(
	const float *diagonal, const uint32_t *items, const float *weights, uint64_t *sums)
{
	for (int r = 0; r < ROWS; r++) {
		unsigned char bytes[4 * ROWS];

		safetensors_encode(SAFETENSORS_F32, ROWS, weights + r * ROWS, bytes);
		sums[r] = digest_of_bytes(bytes, sizeof(bytes));
	}
	return (struct file){ .method = EASE_METHOD,
		.num_items = ITEMS,
		.tensor = { { "diagonal", SAFETENSORS_F32, 1, { ROWS, 0 } },
			{ "items", SAFETENSORS_U32, 1, { ROWS, 0 } },
			{ "row_checksums", SAFETENSORS_U64, 1, { ROWS, 0 } },
			{ "weights", SAFETENSORS_F32, 2, { ROWS, ROWS } } },
		.data = { { diagonal, 0 }, { items, 0 }, { sums, 0 }, { weights, ROWS } },
		.of_rows = { [3] = true } };
}

static void test_ease(void)
{
	const float diagonal[] = { 2, 4 }, weights[] = { 0, -1, -1, 0 };
	const uint32_t items[] = { 0, 3 };
	uint64_t sums[ROWS];
	struct file f = ease_file(diagonal, items, weights, sums);

	check(&f, NULL);
	f.data[1].values = (const uint32_t[]){ 3, 0 };
	check(&f, "its items do not ascend within its bounds");
	f.data[1].values = (const uint32_t[]){ 0, 0 };
	check(&f, "its items do not ascend within its bounds");
	f.data[1].values = (const uint32_t[]){ 0, 4 };
	check(&f, "its items do not ascend within its bounds");
	f.data[1].values = items;
	f.data[0].values = (const float[]){ 2, 0 };
	check(&f, "its diagonal is not above 0");
	f.data[0].values = (const float[]){ 2, -1 };
	check(&f, "its diagonal is not above 0");
	f.data[0].values = diagonal;
	f.num_items = 1;
	check(&f, "it has more rows than items");
	f.num_items = ITEMS;
	f.tensor[3].dims[1] = 1;
	check(&f, "tensor 'weights'");
	f.tensor[3].dims[1] = ROWS;
	f.tensor[1].type = SAFETENSORS_F32;
	check(&f, "tensor 'items'");
	f.tensor[1].type = SAFETENSORS_U32;
	sums[1] ^= 1;
	check(&f, "row 1 of '");
}

static struct file knn_file(
	const uint32_t *items, const uint64_t *offsets, const float *weights, uint64_t *sums)
{
	for (int r = 0; r < ITEMS; r++) {
		const uint64_t first = offsets[r], n = offsets[r + 1] - offsets[r];
		unsigned char bytes[64];

		safetensors_encode(SAFETENSORS_U32, n, items + first, bytes);
		safetensors_encode(SAFETENSORS_F32, n, weights + first, bytes + 4 * n);
		sums[r] = digest_of_bytes(bytes, 8 * n);
	}
	return (struct file){ .method = ITEM_KNN_METHOD,
		.num_items = ITEMS,
		.tensor = { { "items", SAFETENSORS_U32, 1, { 3, 0 } },
			{ "offsets", SAFETENSORS_U64, 1, { ITEMS + 1, 0 } },
			{ "row_checksums", SAFETENSORS_U64, 1, { ITEMS, 0 } },
			{ "weights", SAFETENSORS_F32, 1, { 3, 0 } } },
		.data = { { items, 0 }, { offsets, 0 }, { sums, 0 }, { weights, 0 } },
		.of_rows = { [0] = true, [3] = true } };
}

static void test_knn(void)
{
	const float weights[] = { 0.5f, 0.25f, 1 };
	const uint32_t items[] = { 1, 2, 0 }, beyond[] = { 1, 4, 0 };
	const uint64_t offsets[] = { 0, 2, 2, 2, 3 };
	uint64_t sums[ITEMS];
	struct file f = knn_file(items, offsets, weights, sums);

	check(&f, NULL);
	f.data[1].values = (const uint64_t[]){ 0, 2, 1, 2, 3 };
	check(&f, "its offsets do not ascend");
	f.data[1].values = (const uint64_t[]){ 1, 2, 2, 2, 3 };
	check(&f, "its offsets do not end with its items");
	f.data[1].values = (const uint64_t[]){ 0, 2, 2, 2, 2 };
	check(&f, "its offsets do not end with its items");
	f.data[1].values = (const uint64_t[]){ 0, 2, 2, 2, UINT64_MAX };
	check(&f, "its offsets do not end with its items");
	f.data[1].values = offsets;
	f.num_items = 5;
	check(&f, "tensor 'offsets'");
	f.num_items = ITEMS;
	sums[1] ^= 1; /* of a row that nobody needs */
	check(&f, NULL);
	sums[0] ^= 1;
	check(&f, "row 0 of '");
	f = knn_file(beyond, offsets, weights, sums);
	check(&f, "an item is not within its bounds");
}

int main(void)
{
	errors = child_file();
	die_quiet = true;
	if (mkstemp(path) < 0)
		abort();
	test_ease();
	test_knn();
	unlink(path);
	return CHECK_EXIT;
}
