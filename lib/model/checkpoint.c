#include "model/checkpoint.h"

#include "base/die.h"
#include "base/mem.h"
#include "model/checkpoint_match.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tensor of the file. */
struct entry {
	char name[40];
	unsigned tensor; /* of neumf_layout */
	bool best;
	enum backend_what what; /* unless it is of the best model */
};

struct file {
	const struct checkpoint_run *run;
	struct neumf_layout layout;
	struct scratch *best;
	unsigned num;
	struct entry entry[4 * NEUMF_MAX_TENSORS];
	struct safetensors_tensor tensor[4 * NEUMF_MAX_TENSORS];
};

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void add_entries(struct file *f, const char *prefix, bool best, enum backend_what what)
{
	for (unsigned k = 0; k < f->layout.num_tensors; k++) {
		struct entry e = { .tensor = k, .best = best, .what = what };

		snprintf(e.name, sizeof(e.name), "%s%s", prefix, f->layout.tensor[k].name);
		f->entry[f->num++] = e;
	}
}

static void list_tensors(struct file *f, const struct checkpoint_run *run, bool has_best)
{
	f->run = run;
	f->num = 0;
	neumf_layout(run->shape, &f->layout);
	add_entries(f, "", false, BACKEND_VALUE);
	if (run->optimizer != OPTIMIZER_SGD) {
		add_entries(f, "moment1.", false, BACKEND_MOMENT1);
		add_entries(f, "moment2.", false, BACKEND_MOMENT2);
	}
	if (has_best)
		add_entries(f, "best.", true, BACKEND_VALUE);
	qsort(f->entry, f->num, sizeof(*f->entry), by_name);
	for (unsigned k = 0; k < f->num; k++) {
		f->tensor[k] = model_file_tensor(&f->layout.tensor[f->entry[k].tensor]);
		f->tensor[k].name = f->entry[k].name;
	}
}

static void get_values(void *arg, unsigned k, uint64_t first, uint64_t num, float *out)
{
	const struct file *f = arg;
	const struct entry *e = &f->entry[k];
	const struct neumf_rows rows = model_file_rows(&f->layout, e->tensor, first, num);

	if (e->best)
		scratch_read(f->best, neumf_offset(&f->layout, rows) * sizeof(*out), out,
			num * sizeof(*out));
	else
		f->run->ops->read(f->run->backend, rows, e->what, out);
}

/* The tensor comes next in the file. Those of the best model do so in the order of neumf_layout. */
static void put_values(
	const struct file *f, const struct entry *e, struct safetensors_in *in, float *piece)
{
	for (struct neumf_rows r = { .tensor = e->tensor }; neumf_next_piece(&f->layout, &r);) {
		const uint64_t n = neumf_floats(&f->layout, r);

		safetensors_next(in, n, piece);
		if (e->best)
			scratch_append(f->best, piece, n * sizeof(*piece));
		else
			f->run->ops->write(f->run->backend, r, e->what, piece);
	}
}

static struct js *sum_json(double v)
{
	char text[40];

	snprintf(text, sizeof(text), "%a", v);
	return js_string(text);
}

/* The stream as every part of it says, from whatever row it begins. */
static struct js *stream_json(const struct rec_header *h)
{
	struct rec_header whole = *h;

	whole.first_row = 0;
	return rec_header_json(&whole);
}

/* This program's own entry of the provenance. */
static const struct js *own_entry(const struct checkpoint_run *run)
{
	const struct js *provenance = run->info->provenance;

	return js_at(provenance, js_length(provenance) - 1);
}

static void put_uint(struct js *v, const char *key, uint64_t number)
{
	js_put(v, key, js_int((int64_t)number));
}

static struct js *checkpoint_json(const struct checkpoint_run *run, const struct checkpoint *c)
{
	const struct trainer_position *p = &c->position;
	const struct js *entry = own_entry(run);
	struct js *v = js_object(), *digest = js_array();

	put_uint(v, "version", CHECKPOINT_VERSION);
	put_uint(v, "step", run->ops->step(run->backend));
	put_uint(v, "rows", p->rows);
	put_uint(v, "epoch", p->epoch);
	put_uint(v, "epoch_batches", p->batches);
	put_uint(v, "epoch_rows", p->epoch_rows);
	js_put(v, "epoch_loss", sum_json(p->sum));
	put_uint(v, "unchecked_batches", p->unchecked.batches);
	put_uint(v, "unchecked_rows", p->unchecked.rows);
	js_put(v, "unchecked_loss", sum_json(p->unchecked.sum));
	js_append(digest, js_string(p->digest.epochs));
	js_append(digest, js_string(p->digest.epoch));
	js_put(v, "rows_digest", digest);
	js_put(v, "stream", stream_json(run->stream));
	js_put(v, "program", js_copy(js_get(entry, "version")));
	js_put(v, "options", js_copy(js_get(entry, "options")));
	put_uint(v, "best", c->best != NULL);
	if (c->chooser)
		js_put(v, "chooser", js_copy(c->chooser));
	return v;
}

void checkpoint_save(
	struct stream_out *out, const struct checkpoint_run *run, const struct checkpoint *c)
{
	struct js *metadata = model_file_metadata(run->shape, run->info);
	struct js *v = checkpoint_json(run, c);
	char *text = js_dump(v, false);
	struct file f = { .best = c->best };

	js_put(metadata, "checkpoint", js_string(text));
	list_tensors(&f, run, c->best);
	safetensors_save(out, metadata, f.tensor, f.num, get_values, &f);
	stream_commit(out);
	free(text);
	js_free(v);
	js_free(metadata);
}

static uint64_t get_uint(const char *file, const struct js *v, const char *key)
{
	uint64_t number;

	if (!js_get_uint(v, key, &number))
		die("checkpoint '%s': \"%s\" is no whole number", file, key);
	return number;
}

static double get_sum(const char *file, const struct js *v, const char *key)
{
	const char *text = js_get_string(v, key);
	char *end = NULL;
	double sum = text ? strtod(text, &end) : NAN;

	if (!isfinite(sum) || end == text || *end)
		die("checkpoint '%s': \"%s\" is no finite number", file, key);
	return sum;
}

static void get_digest(const char *file, const struct js *v, size_t k, char to[DIGEST_HEX + 1])
{
	const char *text = js_text(js_at(js_get(v, "rows_digest"), k));

	if (text && strlen(text) == DIGEST_HEX)
		memcpy(to, text, DIGEST_HEX + 1);
	else
		die("checkpoint '%s': \"rows_digest\" is no pair of hashes", file);
}

static void get_position(struct trainer_position *p, const char *file, const struct js *v)
{
	p->rows = get_uint(file, v, "rows");
	p->epoch = get_uint(file, v, "epoch");
	p->batches = get_uint(file, v, "epoch_batches");
	p->epoch_rows = get_uint(file, v, "epoch_rows");
	p->sum = get_sum(file, v, "epoch_loss");
	p->unchecked.batches = p->unchecked.bad_batch = get_uint(file, v, "unchecked_batches");
	p->unchecked.rows = get_uint(file, v, "unchecked_rows");
	p->unchecked.sum = get_sum(file, v, "unchecked_loss");
	get_digest(file, v, 0, p->digest.epochs);
	get_digest(file, v, 1, p->digest.epoch);
	if (p->unchecked.batches > p->batches || p->epoch_rows > p->rows)
		die("checkpoint '%s' contradicts itself: more in a part than in the whole", file);
}

/* The checkpoint's JSON; dies where there is none, or one of another version. */
static struct js *parse(const char *file, const struct js *metadata)
{
	const char *text = js_get_string(metadata, "checkpoint");
	char why[160];

	struct js *v = text ? js_parse(text, strlen(text), why, sizeof(why)) : NULL;
	if (!text)
		die("'%s' is a model, not a checkpoint", file);
	if (!v)
		die("checkpoint '%s': %s", file, why);
	const uint64_t version = get_uint(file, v, "version");
	if (version != CHECKPOINT_VERSION)
		die("checkpoint '%s' has version %" PRIu64 ", this program reads %d", file, version,
			CHECKPOINT_VERSION);
	return v;
}

/* Dies unless it is of this run. */
static void match(const char *file, const struct js *metadata, const struct js *v,
	const struct checkpoint_run *run)
{
	const char *device = js_get_string(metadata, "device");
	const char *compute = js_get_string(metadata, "compute");
	const struct js *entry = own_entry(run);
	const char *program = js_get_string(v, "program"), *ours = js_get_string(entry, "version");
	struct js *stream = stream_json(run->stream);

	if (!program || strcmp(program, ours) != 0)
		die("'%s' was written by release %s of this program, this is %s", file,
			program ? program : "?", ours);
	checkpoint_match_streams(file, js_get(v, "stream"), run->input, stream);
	checkpoint_match_options(file, js_get(v, "options"), js_get(entry, "options"));
	if (!device || strcmp(device, run->info->device) != 0)
		die("'%s' was computed by device %s, this run computes by %s: go on with --device %s",
			file, device ? device : "?", run->info->device, device ? device : "?");
	if (!compute || strcmp(compute, run->info->compute) != 0)
		warn("'%s' was computed by %s, this run computes by %s: the last bits will differ from a run that was not interrupted",
			file, compute ? compute : "?", run->info->compute);
	js_free(stream);
}

void checkpoint_load(struct checkpoint *c, const struct checkpoint_run *run, const char *path)
{
	struct safetensors_in *in = safetensors_open(path);
	const struct js *metadata = safetensors_metadata(in);
	const char *name = safetensors_name(in);
	struct js *v = parse(name, metadata);
	struct file f = { 0 };

	match(name, metadata, v, run);
	*c = (struct checkpoint){ 0 };
	get_position(&c->position, name, v);
	list_tensors(&f, run, get_uint(name, v, "best"));
	safetensors_check(in, f.tensor, f.num);
	if (get_uint(name, v, "best"))
		c->best = f.best = scratch_new();
	float *piece = xmalloc(NEUMF_PIECE, sizeof(*piece));
	for (unsigned k = 0; k < f.num; k++)
		put_values(&f, &f.entry[k], in, piece);
	free(piece);
	run->ops->set_step(run->backend, get_uint(name, v, "step"));
	if (js_get(v, "chooser"))
		c->chooser = js_copy(js_get(v, "chooser"));
	js_free(v);
	safetensors_close(in);
}

void checkpoint_release(struct checkpoint *c)
{
	js_free(c->chooser);
	scratch_free(c->best);
}
