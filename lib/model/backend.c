#include "model/backend.h"

#include <math.h>

void backend_loss_add(struct backend_loss *l, double sum, uint32_t rows)
{
	if (l->bad_batch == l->batches && isfinite(sum))
		l->bad_batch++;
	l->batches++;
	l->rows += rows;
	l->sum += sum;
}

struct backend_loss backend_loss_take(struct backend_loss *l)
{
	struct backend_loss taken = *l;

	*l = (struct backend_loss){ 0 };
	return taken;
}
