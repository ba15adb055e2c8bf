#include "cli/replay_run.h"

#include "base/die.h"
#include "base/mem.h"
#include "stream/digest.h"
#include "stream/id_family.h"
#include "stream/record.h"
#include "stream/replay.h"
#include "stream/safetensors.h"
#include "stream/stream.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 1 << 16 };

/* An open file and what it says of its making. */
struct subject {
	struct replay_source source;
	struct rec_reader *reader; /* of a stream; else */
	struct safetensors_in *model;
	struct js *provenance; /* of a model */
};

static void open_stream(struct subject *s, struct stream_in *in)
{
	s->reader = rec_open_stream(in, (1u << REC_NUM_KINDS) - 1);
	const struct rec_header *h = rec_header(s->reader);

	s->source.provenance = h->provenance;
	if (!h->first_row)
		return;
	if (h->first_row % h->rows_per_epoch != 0)
		die("'%s' cannot be made again: it begins in the middle of an epoch",
			rec_name(s->reader));
	s->source.from_epoch = h->first_row / h->rows_per_epoch + 1;
}

static void open_model(struct subject *s, const char *path)
{
	const struct js *metadata;
	const char *text;
	char why[200];

	s->model = safetensors_open(path);
	metadata = safetensors_metadata(s->model);
	if (js_get(metadata, "checkpoint"))
		die("'%s' cannot be made again: it is a checkpoint", path);
	text = js_get_string(metadata, "provenance");
	s->source.is_model = true;
	s->source.device = js_get_string(metadata, "device");
	s->source.provenance = s->provenance =
		text ? js_parse(text, strlen(text), why, sizeof(why)) : NULL;
}

static void open_subject(struct subject *s, const char *path)
{
	struct stream_in *in = stream_open(path);

	*s = (struct subject){ .source.name = stream_name(in) };
	if (rec_is_stream(in)) {
		open_stream(s, in);
		return;
	}
	if (strcmp(path, "-") == 0)
		die("standard input holds no records: a model is to be named");
	stream_close(in);
	s->source.name = path;
	open_model(s, path);
}

void replay_print(const char *path)
{
	struct subject s;
	struct replay r;
	struct stream_out *out;

	open_subject(&s, path);
	replay_make(&r, &s.source, false);
	out = stream_create("-", false);
	stream_printf(out, "%s", r.script);
	stream_commit(out);
	replay_release(&r);
	js_free(s.provenance);
	if (s.reader)
		rec_close(s.reader, false);
}

/* The digest of a file's bytes, unpacked. */
static struct js *digest_of(const char *path)
{
	static char buffer[CHUNK];
	struct stream_in *in = stream_open(path);
	struct digest *digest = digest_new();
	struct js *json;
	size_t n;

	while ((n = stream_read(in, buffer, sizeof(buffer))) > 0)
		digest_add(digest, buffer, n);
	stream_close(in);
	json = digest_json(digest);
	digest_free(digest);
	return json;
}

/* Is it the id file of this fingerprint: the raw ids, the second column, in so many lines? */
static bool is_id_file(const char *path, const struct js *fingerprint)
{
	struct stream_in *in = stream_open(path);
	struct id_hash *hash = id_hash_new();
	struct id_family family;
	uint64_t lines = 0;
	size_t length;
	bool same;
	char *line;

	while ((line = stream_line(in, &length)) && strchr(line, '\t')) {
		char *raw = strchr(line, '\t') + 1;

		id_hash_add(hash, raw, strcspn(raw, "\t"));
		lines++;
	}
	stream_close(in);
	if (!id_family_parse(&family, fingerprint))
		BUG("a fingerprint that was checked");
	same = family.pair[family.num - 1].count == lines &&
	       family.pair[family.num - 1].hash == id_hash_value(hash);
	id_family_release(&family);
	id_hash_free(hash);
	return same;
}

static bool is_text(const char *path, const struct js *digest)
{
	struct js *found;
	char *a, *b;
	bool same;

	if (js_get(digest, "ids"))
		return is_id_file(path, js_get(digest, "ids"));
	found = digest_of(path);
	a = js_dump(found, false);
	b = js_dump(digest, false);
	same = strcmp(a, b) == 0;
	free(a);
	free(b);
	js_free(found);
	return same;
}

/* Which of the inputs is text k? Of one of which nothing is known, the first that is no other. */
static const char *find_input(
	const struct replay *r, unsigned k, const struct opt_paths *inputs, bool *used)
{
	const struct js *digest = r->input[k].digest;
	char *text;

	for (unsigned j = 0; j < inputs->num; j++)
		if (digest ? is_text(inputs->path[j], digest) : !used[j]) {
			used[j] = true;
			return inputs->path[j];
		}
	text = digest ? js_dump(digest, false) : xstrdup("a text more");
	die("no --input is what the commands read: %s", text);
}

static char *absolute(const char *path)
{
	char *real = realpath(path, NULL);

	if (!real)
		die("cannot find '%s':", path);
	return real;
}

/* The arguments of the script, in order, with absolute names. Texts that are known come first. */
static char **find_inputs(const struct replay *r, const struct opt_paths *inputs)
{
	char **argument = xcalloc(r->num_inputs + 4, sizeof(*argument));
	bool *used = xcalloc(inputs->num + 1, sizeof(*used));

	for (int known = 1; known >= 0; known--)
		for (unsigned k = 0; k < r->num_inputs; k++)
			if ((r->input[k].digest != NULL) == (known == 1))
				argument[k + 2] = absolute(find_input(r, k, inputs, used));
	for (unsigned j = 0; j < inputs->num; j++)
		if (!used[j])
			die("'%s' is nothing that the commands read", inputs->path[j]);
	free(used);
	return argument;
}

/* Programs are those of this one's folder, if they are there. */
static void set_path(void)
{
	char own[PATH_MAX];
	const ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	const char *path = getenv("PATH");
	char *all;

	if (n <= 0)
		return;
	own[n] = '\0';
	*strrchr(own, '/') = '\0';
	all = xasprintf("%s:%s", own, path ? path : "/usr/bin:/bin");
	setenv("PATH", all, 1);
	free(all);
}

static _Noreturn void run_in(const char *folder, char **argument)
{
	const int null = open("/dev/null", O_RDONLY);

	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
		chdir(folder) < 0)
		_exit(126);
	set_path();
	execvp("sh", argument);
	_exit(127);
}

/* Returns the status of waitpid. An interrupt is the commands', so that the folder is removed. */
static int run_script(const char *folder, char **argument)
{
	int status = 0;
	pid_t child;

	argument[0] = "sh";
	argument[1] = "replay.sh";
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	if ((child = fork()) == 0)
		run_in(folder, argument);
	if (child < 0)
		die("cannot start a process:");
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* The folder and the files in it: the commands make no others. */
static void remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *file;

	while (dir && (file = readdir(dir))) {
		char *path = xasprintf("%s/%s", folder, file->d_name);

		if (strcmp(file->d_name, ".") != 0 && strcmp(file->d_name, "..") != 0)
			unlink(path);
		free(path);
	}
	if (dir)
		closedir(dir);
	rmdir(folder);
}

static char *make_folder(const char *script)
{
	const char *temporary = getenv("TMPDIR");
	char *folder = xasprintf("%s/cofilter-replay-XXXXXX", temporary ? temporary : "/tmp");
	char *file;
	FILE *out;

	if (!mkdtemp(folder))
		die("cannot make a folder '%s':", folder);
	file = xasprintf("%s/replay.sh", folder);
	out = fopen(file, "w");
	if (!out || fputs(script, out) < 0 || fclose(out) != 0) {
		const int error = errno;

		remove_folder(folder);
		errno = error;
		die("cannot write '%s':", file);
	}
	free(file);
	return folder;
}

/* Bytes that two files, unpacked, have in common; *same: they have no others. */
static uint64_t compare_files(const char *path_a, const char *path_b, bool *same)
{
	static char a[CHUNK], b[CHUNK];
	struct stream_in *in_a = stream_open(path_a), *in_b = stream_open(path_b);
	uint64_t common = 0;
	size_t n, m, k = 0;

	do {
		n = stream_read(in_a, a, CHUNK);
		m = stream_read(in_b, b, CHUNK);
		for (k = 0; k < n && k < m && a[k] == b[k]; k++)
			;
		common += k;
	} while (n > 0 && k == n && k == m);
	*same = n == 0 && m == 0;
	stream_close(in_a);
	stream_close(in_b);
	return common;
}

/* Have two models the same tensors, by their checksums? */
static bool same_tensors(const char *path_a, const char *path_b)
{
	const char *const path[] = { path_a, path_b };
	const char *sum[2];

	for (unsigned k = 0; k < 2; k++)
		sum[k] = js_get_string(safetensors_metadata(safetensors_open(path[k])), "checksum");
	return sum[0] && sum[1] && strcmp(sum[0], sum[1]) == 0;
}

static void say_result(const char *path, const char *made, const char *folder, bool is_model)
{
	struct stream_out *out;
	bool same, tensors = false;
	const uint64_t common = compare_files(path, made, &same);

	if (!same && is_model)
		tensors = same_tensors(path, made);
	remove_folder(folder);
	if (!same)
		die("'%s' is not what its commands make: byte %" PRIu64
		    " is the first that differs%s",
			path, common + 1, tensors ? "; the tensors are the same" : "");
	out = stream_create("-", false);
	stream_printf(out, "identical: %" PRIu64 " bytes\n", common);
	stream_commit(out);
}

void replay_compare(const char *path, const struct opt_paths *inputs)
{
	char **argument, *folder, *made;
	struct subject s;
	struct replay r;
	int status;

	if (strcmp(path, "-") == 0)
		die_usage("option --input needs the name of a file to compare with");
	open_subject(&s, path);
	replay_make(&r, &s.source, true);
	argument = find_inputs(&r, inputs);
	folder = make_folder(r.script);
	status = run_script(folder, argument);
	made = xasprintf("%s/%s", folder, r.output);
	if (status != 0 || access(made, R_OK) != 0) {
		remove_folder(folder);
		die("'%s': its commands failed, see above; --replay alone prints them", path);
	}
	say_result(path, made, folder, s.source.is_model);
	for (unsigned k = 0; k < r.num_inputs; k++)
		free(argument[k + 2]);
	free(argument);
	free(made);
	free(folder);
	replay_release(&r);
	js_free(s.provenance);
	if (s.reader)
		rec_close(s.reader, false);
}
