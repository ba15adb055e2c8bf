/*
 * replay: stands in for libFuzzer where there is no clang: runs a target once with each file named,
 * and each file of each folder named. Prints how many; options of libFuzzer are passed over.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static unsigned long runs;

static void run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	unsigned char *data;
	size_t size;

	if (!f || fstat(fileno(f), &st)) {
		perror(path);
		exit(1);
	}
	data = malloc((size_t)st.st_size + 1);
	size = fread(data, 1, (size_t)st.st_size, f);
	fclose(f);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	runs++;
}

static void run_folder(const char *path, DIR *folder)
{
	const struct dirent *entry;
	char name[4096];

	while ((entry = readdir(folder)) != NULL)
		if (*entry->d_name != '.') {
			snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
			run_file(name);
		}
}

int main(int argc, char **argv)
{
	for (int k = 1; k < argc; k++) {
		DIR *folder = *argv[k] == '-' ? NULL : opendir(argv[k]);

		if (folder)
			run_folder(argv[k], folder);
		else if (*argv[k] != '-')
			run_file(argv[k]);
		if (folder)
			closedir(folder);
	}
	fprintf(stderr, "stat::number_of_executed_units: %lu\n", runs);
	return 0;
}
