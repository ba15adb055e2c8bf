/*
 * test_damage: a small stream of each kind, cut at every byte and with every bit flipped, plain and
 * as gzip. A reader must exit with 1 and one line; of damaged gzip it may also give the undamaged
 * rows, where the bit means nothing. Never a crash, a hang, a wrong row, or a row too few.
 */
#include "base/die.h"
#include "check.h"
#include "child.h"
#include "rows.h"
#include "stream/record.h"

#include <zlib.h>

/* Every bit; with a slow fork under AddressSanitizer every fifth. */
#ifdef __SANITIZE_ADDRESS__
enum { BIT_STEP = 5 };
#else
enum { BIT_STEP = 1 };
#endif

enum { NUM_ROWS = 3, MAX_SIZE = 4096, WRONG_ROW = 101, WRONG_COUNT = 102 };

static char path[] = "/tmp/test_damage.XXXXXX";
static int file, messages;

/* What a child does: read all rows and compare them with those written. */
static void read_all(void *arg)
{
	enum rec_kind kind = *(enum rec_kind *)arg;
	struct rec_reader *r = rec_open(path, 1u << kind);
	unsigned char row[ROWS_MAX_STRUCT], want[ROWS_MAX_STRUCT];
	uint64_t n = 0;

	while (rec_read(r, row)) {
		if (n == NUM_ROWS)
			_exit(WRONG_COUNT);
		rows_make(kind, n++, want);
		if (!rows_equal(kind, row, want))
			_exit(WRONG_ROW);
	}
	if (n != NUM_ROWS)
		_exit(WRONG_COUNT);
	rec_close(r, true);
}

/* The bytes of a stream: two blocks, of two rows and of one. */
static size_t make_stream(enum rec_kind kind, unsigned char *bytes)
{
	unsigned char row[ROWS_MAX_STRUCT];
	struct rec_header h = rows_header(kind);
	struct rec_writer *w;
	ssize_t size;
	int fd;

	id_family_add(&h.user_ids, ROWS_USERS, 0x0123456789abcdef);
	h.epochs = 2;
	h.rows_per_epoch = h.first_row = NUM_ROWS;
	w = rec_create(path, &h);
	for (unsigned k = 0; k < NUM_ROWS; k++) {
		rows_make(kind, k, row);
		rec_write(w, row);
		if (k == 1)
			rec_flush(w);
	}
	rec_finish(w);
	rec_header_release(&h);
	fd = open(path, O_RDONLY);
	size = read(fd, bytes, MAX_SIZE);
	close(fd);
	if (size <= 0 || size == MAX_SIZE)
		abort();
	return (size_t)size;
}

static size_t compress_gzip(const unsigned char *from, size_t size, unsigned char *to)
{
	z_stream z = { 0 };

	deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (unsigned char *)from;
	z.avail_in = (uInt)size;
	z.next_out = to;
	z.avail_out = MAX_SIZE / 2;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	deflateEnd(&z);
	return z.total_out;
}

static void write_file(const unsigned char *bytes, size_t size)
{
	if (ftruncate(file, 0) || pwrite(file, bytes, size, 0) != (ssize_t)size)
		abort();
}

/* Read the damaged file; false, and a line that says why, when the reader did not do as it must. */
static bool refused(enum rec_kind kind, bool may_succeed, const char *damage, size_t at)
{
	struct child c = child_run(read_all, &kind, messages);

	if (c.status == 0 && may_succeed)
		return true;
	if (c.status == EXIT_DATA && child_one_line(c.text, "test_damage") && strstr(c.text, path))
		return true;
	printf("# %s %s %zu: status %d, %s\n", rec_info[kind].name, damage, at, c.status, c.text);
	return false;
}

/* `form` names what the bytes are: "plain", where every bit has a meaning, or gzip. */
static void damage(enum rec_kind kind, const char *form, const unsigned char *bytes, size_t size)
{
	bool gzip = strcmp(form, "plain") != 0;
	unsigned char copy[MAX_SIZE];
	size_t bad = 0;

	write_file(bytes, size);
	CHECK(child_run(read_all, &kind, messages).status == 0, "%s, %s: undamaged",
		rec_info[kind].name, form);
	for (size_t n = 0; n < size; n++) {
		write_file(bytes, n);
		bad += !refused(kind, false, "cut to", n);
	}
	CHECK(bad == 0, "%s, %s: cut at each of %zu bytes", rec_info[kind].name, form, size);
	bad = 0;
	for (size_t bit = 0; bit < 8 * size; bit += BIT_STEP) {
		memcpy(copy, bytes, size);
		copy[bit / 8] ^= (unsigned char)(1 << bit % 8);
		write_file(copy, size);
		bad += !refused(kind, gzip, "with flipped bit", bit);
	}
	CHECK(bad == 0, "%s, %s: %zu bits flipped", rec_info[kind].name, form, 8 * size / BIT_STEP);
}

int main(void)
{
	unsigned char plain[MAX_SIZE], gzip[MAX_SIZE];

	die_set_name("test_damage");
	messages = child_file();
	file = mkstemp(path);
	if (file < 0)
		abort();
	for (enum rec_kind kind = 0; kind < REC_NUM_KINDS; kind++) {
		size_t size = make_stream(kind, plain), first;

		close(file); /* the stream was renamed into its place */
		file = open(path, O_RDWR);
		damage(kind, "plain", plain, size);
		damage(kind, "gzip", gzip, compress_gzip(plain, size, gzip));
		if (kind != REC_INTERACTION)
			continue;
		first = compress_gzip(plain, size / 2, gzip);
		damage(kind, "gzip of two members", gzip,
			first + compress_gzip(plain + size / 2, size - size / 2, gzip + first));
	}
	unlink(path);
	return CHECK_EXIT;
}
