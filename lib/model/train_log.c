#include "model/train_log.h"

#include "base/die.h"
#include "base/js.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct train_log {
	FILE *file;
	char *path;
};

struct train_log *train_log_open(const char *path)
{
	struct train_log *log = xcalloc(1, sizeof(*log));

	log->path = xstrdup(path);
	log->file = strcmp(path, "-") ? fopen(path, "w") : stdout;
	if (!log->file)
		die("cannot open '%s':", path);
	return log;
}

void train_log_epoch(struct train_log *log, const struct trainer_epoch *e)
{
	struct js *line = js_object();

	js_put(line, "epoch", js_int((int64_t)e->epoch));
	js_put(line, "batches", js_int((int64_t)e->batches));
	js_put(line, "rows", js_int((int64_t)e->rows));
	js_put(line, "loss", js_real(e->loss));
	js_put(line, "seconds", js_real(e->seconds));
	char *text = js_dump(line, false);
	js_free(line);
	bool written = fprintf(log->file, "%s\n", text) >= 0 && fflush(log->file) == 0;
	free(text);
	if (!written)
		die("cannot write '%s':", log->path);
}

void train_log_close(struct train_log *log)
{
	if (fclose(log->file) != 0)
		die("cannot write '%s':", log->path);
	free(log->path);
	free(log);
}
