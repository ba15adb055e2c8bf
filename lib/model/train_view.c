#include "model/train_view.h"

#include "base/clock.h"
#include "base/die.h"
#include "base/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void tell(void *arg, char *text, size_t size)
{
	const struct train_view *v = arg;
	const struct trainer_view at = trainer_view(v->trainer);
	char epochs[32] = "", loss[32] = "", metric[32] = "";

	if (at.epochs)
		snprintf(epochs, sizeof(epochs), "/%" PRIu64, at.epochs);
	if (!isnan(at.loss))
		snprintf(loss, sizeof(loss), ", loss %#.4g", at.loss);
	if (v->best && v->best->epoch > 0)
		snprintf(metric, sizeof(metric), ", metric %#.4g", v->best->last);
	snprintf(text, size, "epoch %" PRIu64 "%s%s%s", at.epoch, epochs, loss, metric);
}

void train_view_start(
	struct train_view *v, const struct trainer *trainer, const struct best_epoch *best)
{
	*v = (struct train_view){ trainer, best, now() };
	progress_tell(tell, v);
}

void train_view_end(const struct train_view *v, const struct trainer_epoch *last,
	const char *stopped, const char *output)
{
	const struct best_epoch *best = v->best;
	char time[PROGRESS_NUMBER], loss[48] = "";

	if (stopped)
		note("option --%s ended the training in epoch %" PRIu64, stopped, last->epoch);
	if (best)
		note("the model is that of epoch %" PRIu64 ", metric %.6g",
			best->keep ? best->epoch : last->epoch,
			best->keep ? best->value : best->last);
	if (!isnan(last->loss))
		snprintf(loss, sizeof(loss), ", last loss %.6g", last->loss);
	note("%" PRIu64 " %s in %s%s: '%s'", last->epoch, last->epoch == 1 ? "epoch" : "epochs",
		progress_time(now() - v->started, time), loss,
		strcmp(output, "-") == 0 ? "standard output" : output);
}
