#include "model/best_epoch.h"

#include "base/command.h"
#include "base/die.h"
#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The model in a file without a name, of which nothing is left whatever ends the program. Who has no
   room for it is told which folder is full, not the number of a descriptor. */
static struct scratch *make_file(const struct best_epoch *b, const struct best_epoch_model *m)
{
	struct scratch *file = scratch_new();
	char *path = xasprintf("/dev/fd/%d", scratch_fd(file));

	scratch_reserve(file, b->layout.num_params * sizeof(float));
	model_file_save(stream_create(path, true), m->shape, m->info, m->values, m->arg);
	free(path);
	return file;
}

bool best_epoch_measure(const struct best_epoch *b, const struct best_epoch_model *m,
	const char *path, uint64_t epoch, double *value, char *why, size_t size)
{
	struct scratch *file = path ? NULL : make_file(b, m);
	char *model = path ? xasprintf("COFILTER_MODEL=%s", path)
			   : xasprintf("COFILTER_MODEL=/proc/%ld/fd/%d", (long)getpid(),
				     scratch_fd(file));
	char *number = xasprintf("COFILTER_EPOCH=%" PRIu64, epoch);
	const char *const set[] = { model, number, NULL };
	bool ok = command_number(b->command, set, value, why, size);
	free(model);
	free(number);
	scratch_free(file);
	return ok;
}

void best_epoch_reserve(struct best_epoch *b)
{
	if (!b->keep || b->file)
		return;
	b->file = scratch_new();
	scratch_reserve(b->file, b->layout.num_params * sizeof(float));
}

/* Keep the parameters as they are now, in place of others. */
static void keep(struct best_epoch *b, const struct best_epoch_model *m)
{
	const struct neumf_layout *l = &b->layout;
	float *piece = xmalloc(NEUMF_PIECE, sizeof(*piece));

	best_epoch_reserve(b);
	scratch_rewind(b->file);
	for (unsigned k = 0; k < l->num_tensors; k++)
		for (struct neumf_rows r = { .tensor = k }; neumf_next_piece(l, &r);) {
			m->values(m->arg, r, piece);
			scratch_append(b->file, piece, neumf_floats(l, r) * sizeof(*piece));
		}
	free(piece);
}

bool best_epoch_add(
	struct best_epoch *b, const struct best_epoch_model *m, uint64_t epoch, double value)
{
	b->last = value;
	if (b->epoch > 0 && value <= b->value)
		return false;
	b->epoch = epoch;
	b->value = value;
	if (b->keep)
		keep(b, m);
	return true;
}

bool best_epoch_over(const struct best_epoch *b, uint64_t epoch)
{
	return b->patience > 0 && epoch - b->epoch >= b->patience;
}

struct scratch *best_epoch_kept(const struct best_epoch *b)
{
	return b->epoch > 0 ? b->file : NULL;
}

void best_epoch_values(void *arg, struct neumf_rows rows, float *out)
{
	const struct best_epoch *b = arg;

	scratch_read(b->file, neumf_offset(&b->layout, rows) * sizeof(*out), out,
		neumf_floats(&b->layout, rows) * sizeof(*out));
}

static const char *keeps(const struct best_epoch *b)
{
	return b->keep ? "best" : "last";
}

struct js *best_epoch_chosen(const struct best_epoch *b, uint64_t last)
{
	struct js *v = js_object();

	js_put(v, "command", js_string(b->command));
	js_put(v, "keep", js_string(keeps(b)));
	js_put(v, "epoch", js_int((int64_t)(b->keep ? b->epoch : last)));
	js_put(v, "metric", js_real(b->keep ? b->value : b->last));
	return v;
}

/* A double to the bit. */
static struct js *hex(double v)
{
	char text[40];

	snprintf(text, sizeof(text), "%a", v);
	return js_string(text);
}

/* "": there is none. */
static const char *get_text(const struct js *v, const char *key)
{
	const char *text = js_get_string(v, key);

	return text ? text : "";
}

static bool get_hex(const struct js *v, const char *key, double *value)
{
	const char *text = get_text(v, key);
	char *end;

	*value = strtod(text, &end);
	return isfinite(*value) && end != text && !*end;
}

struct js *best_epoch_json(const struct best_epoch *b, const struct trainer_epoch *pending)
{
	struct js *v = js_object(), *p;

	js_put(v, "command", js_string(b->command));
	js_put(v, "keep", js_string(keeps(b)));
	js_put(v, "epoch", js_int((int64_t)b->epoch));
	js_put(v, "metric", hex(b->value));
	js_put(v, "last", hex(b->last));
	if (!pending)
		return v;
	js_put(v, "pending", p = js_object());
	js_put(p, "batches", js_int((int64_t)pending->batches));
	js_put(p, "rows", js_int((int64_t)pending->rows));
	js_put(p, "loss", pending->rows ? hex(pending->loss) : js_string(""));
	js_put(p, "seconds", hex(pending->seconds));
	return v;
}

static bool get_pending(const struct js *v, struct trainer_epoch *e)
{
	if (!js_get_uint(v, "batches", &e->batches) || !js_get_uint(v, "rows", &e->rows) ||
		!get_hex(v, "seconds", &e->seconds))
		return false;
	if (get_hex(v, "loss", &e->loss))
		return true;
	e->loss = NAN;
	return e->rows == 0;
}

bool best_epoch_restore(struct best_epoch *b, const struct js *v, struct scratch *kept,
	struct trainer_epoch *pending, const char *file)
{
	const char *command = get_text(v, "command"), *keep = get_text(v, "keep");
	const struct js *p = js_get(v, "pending");

	if (!*command || !*keep || !js_get_uint(v, "epoch", &b->epoch) ||
		!get_hex(v, "metric", &b->value) || !get_hex(v, "last", &b->last) ||
		(p && !get_pending(p, pending)))
		die("checkpoint '%s': what it says of --on-epoch is incomplete", file);
	if (strcmp(keep, keeps(b)) != 0)
		die("'%s' is of a training with --keep %s, not %s", file, keep, keeps(b));
	if (b->keep && b->epoch > 0 && !kept)
		die("checkpoint '%s' lacks the tensors of the best epoch", file);
	if (strcmp(command, b->command) != 0 && b->epoch > 0)
		warn("'%s': the best epoch so far, %" PRIu64
		     ", was found by another command of --on-epoch: %s",
			file, b->epoch, command);
	scratch_free(b->file);
	b->file = kept;
	return p != NULL;
}

void best_epoch_release(struct best_epoch *b)
{
	scratch_free(b->file);
	b->file = NULL;
}
