#include "model/train_log.h"

#include "base/js.h"

#include <stdlib.h>

void train_log_epoch(struct stream_log *log, const struct trainer_epoch *e)
{
	struct js *line = js_object();

	js_put(line, "epoch", js_int((int64_t)e->epoch));
	js_put(line, "batches", js_int((int64_t)e->batches));
	js_put(line, "rows", js_int((int64_t)e->rows));
	js_put(line, "loss", js_real(e->loss));
	js_put(line, "seconds", js_real(e->seconds));
	char *text = js_dump(line, false);
	js_free(line);
	stream_log_line(log, text);
	free(text);
}
