#include "cli/part_files.h"

#include "stream/stream.h"

#include <stddef.h>
#include <sys/stat.h>

static bool is_pipe(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
}

void part_files_open(struct part_file *files, unsigned num)
{
	for (unsigned k = 0; k < num; k++)
		if (files[k].path && !is_pipe(files[k].path))
			files[k].out = stream_create(files[k].path, files[k].binary);
}

void part_files_write(struct part_file *files, unsigned num,
	void (*write)(const struct part_file *file, void *arg), void *arg)
{
	for (unsigned k = 0; k < num; k++)
		if (files[k].out) {
			write(&files[k], arg);
			stream_settle(files[k].out);
		}
	for (unsigned k = 0; k < num; k++) {
		if (!files[k].path)
			continue;
		if (!files[k].out) {
			files[k].out = stream_create(files[k].path, files[k].binary);
			write(&files[k], arg);
		}
		stream_commit(files[k].out);
	}
}
