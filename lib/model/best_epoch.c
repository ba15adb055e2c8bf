#include "model/best_epoch.h"

#include "base/command.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool best_epoch_measure(const struct best_epoch *b, const char *path, uint64_t epoch, double *value,
	char *why, size_t size)
{
	char *model = xasprintf("COFILTER_MODEL=%s", path);
	char *number = xasprintf("COFILTER_EPOCH=%" PRIu64, epoch);
	const char *const set[] = { model, number, NULL };
	bool ok = command_number(b->command, set, value, why, size);

	free(model);
	free(number);
	return ok;
}

bool best_epoch_add(struct best_epoch *b, uint64_t epoch, double value,
	const struct neumf_shape *shape, safetensors_values *values, void *arg)
{
	struct neumf_layout l;

	if (b->epoch > 0 && value <= b->value)
		return false;
	b->epoch = epoch;
	b->value = value;
	if (!b->keep)
		return true;
	neumf_layout(shape, &l);
	if (!b->params)
		b->params = xmalloc(l.num_params, sizeof(*b->params));
	for (unsigned k = 0; k < l.num_tensors; k++)
		values(arg, k, b->params + l.tensor[k].offset);
	return true;
}

bool best_epoch_over(const struct best_epoch *b, uint64_t epoch)
{
	return b->patience > 0 && epoch - b->epoch >= b->patience;
}

void best_epoch_values(void *arg, unsigned tensor, float *out)
{
	const struct best_epoch_copy *copy = arg;
	const struct neumf_tensor *t = &copy->layout->tensor[tensor];

	memcpy(out, copy->best->params + t->offset, (size_t)t->rows * t->cols * sizeof(*out));
}

void best_epoch_release(struct best_epoch *b)
{
	free(b->params);
	b->params = NULL;
}
