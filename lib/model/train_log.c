#include "model/train_log.h"

#include "base/die.h"
#include "base/js.h"
#include "stream/path.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The epoch that a whole line of a log is of; 0: it is no such line. */
static uint64_t epoch_of(const char *line, size_t length)
{
	struct js *v = js_parse(line, length, NULL, 0);
	uint64_t epoch = 0;

	if (!v || line[length - 1] != '\n' || !js_get_uint(v, "epoch", &epoch))
		epoch = 0;
	js_free(v);
	return epoch;
}

uint64_t train_log_kept(const char *path, uint64_t done)
{
	struct stat st;
	char *line = NULL;
	size_t capacity = 0;
	uint64_t bytes = 0, lines = 0, next = 0; /* epoch of the next line; 0: of any */
	ssize_t n;

	if (path_descriptor(path, STDOUT_FILENO) >= 0 || stat(path, &st) || !S_ISREG(st.st_mode))
		return 0;
	FILE *file = fopen(path, "r");
	while (file && next <= done && (n = getline(&line, &capacity, file)) > 0) {
		const uint64_t epoch = epoch_of(line, (size_t)n);

		lines++;
		if (epoch == 0 || epoch > done + 1 || (next && epoch != next))
			die("'%s' is not the log of this training: line %" PRIu64
			    " is not of epoch %" PRIu64,
				path, lines, next ? next : 1);
		if (epoch <= done)
			bytes += (uint64_t)n;
		next = epoch + 1;
	}
	if (!file || ferror(file))
		die("cannot read '%s':", path);
	if (lines > 0 && next <= done)
		die("'%s' is not the log of this training: it has %" PRIu64 " epochs, %" PRIu64
		    " have ended",
			path, next - 1, done);
	free(line);
	fclose(file);
	return bytes;
}

void train_log_epoch(struct stream_log *log, const struct trainer_epoch *e, const double *metric)
{
	struct js *line = js_object();

	js_put(line, "epoch", js_int((int64_t)e->epoch));
	js_put(line, "batches", js_int((int64_t)e->batches));
	js_put(line, "rows", js_int((int64_t)e->rows));
	js_put(line, "loss", js_real(e->loss));
	if (metric)
		js_put(line, "metric", js_real(*metric));
	js_put(line, "seconds", js_real(e->seconds));
	char *text = js_dump(line, false);
	js_free(line);
	stream_log_line(log, text);
	free(text);
}
