/* Records: round trips of every kind around the ends of blocks, the bytes on disk, headers, and
   errors. */
#include "base/bytes.h"
#include "base/die.h"
#include "base/mem.h"
#include "check.h"
#include "child.h"
#include "rows.h"
#include "stream/record.h"

#include <inttypes.h>
#include <zlib.h>

static char path[] = "/tmp/test_record.XXXXXX";
static int messages;

/* Write `num` rows, `step` at a call. */
static void write_rows(enum rec_kind kind, uint64_t num, size_t step)
{
	struct rec_header h = rows_header(kind);
	struct rec_writer *w = rec_create(path, &h);
	size_t size = rows_info(kind).struct_size;
	unsigned char *rows = xmalloc(step, size);

	for (uint64_t k = 0; k < num;) {
		size_t n = num - k < step ? (size_t)(num - k) : step;

		for (size_t j = 0; j < n; j++)
			rows_make(kind, k + j, rows + j * size);
		rec_write_rows(w, rows, n);
		k += n;
	}
	CHECK(rec_written(w) == num, "%s: %" PRIu64 " rows written", rec_info[kind].name, num);
	rec_finish(w);
	rec_header_release(&h);
	free(rows);
}

/* Are they read back, `step` at a call? */
static bool read_back(enum rec_kind kind, uint64_t num, size_t step)
{
	struct rec_reader *r = rec_open(path, 1u << kind);
	size_t size = rows_info(kind).struct_size, n;
	unsigned char *rows = xmalloc(step, size), want[ROWS_MAX_STRUCT];
	uint64_t k = 0;
	bool same = true;

	while ((n = rec_read_rows(r, rows, step)) > 0)
		for (size_t j = 0; j < n; j++) {
			rows_make(kind, k++, want);
			same = same && rows_equal(kind, rows + j * size, want);
		}
	same = same && k == num && rec_rows(r) == num && rec_read_rows(r, rows, step) == 0;
	rec_close(r, true);
	r = rec_open(path, 1u << kind);
	rec_skip(r);
	same = same && rec_rows(r) == num;
	rec_close(r, false);
	free(rows);
	return same;
}

static void test_round_trips(enum rec_kind kind)
{
	uint64_t full = REC_BLOCK_BYTES / rows_info(kind).row_size; /* rows of a full block */
	const uint64_t nums[] = { 0, 1, full - 1, full, full + 1, 2 * full, 5 * full + 7 };

	for (size_t k = 0; k < sizeof(nums) / sizeof(*nums); k++) {
		write_rows(kind, nums[k], k % 2 ? 1 : 977);
		CHECK(read_back(kind, nums[k], 1) && read_back(kind, nums[k], 613) &&
				read_back(kind, nums[k], 100000),
			"%s: %" PRIu64 " rows read back, 1, 613 and 100000 at a call",
			rec_info[kind].name, nums[k]);
	}
}

static size_t file_bytes(unsigned char *bytes, size_t most)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, bytes, most);

	close(fd);
	return n < 0 ? 0 : (size_t)n;
}

/* The bytes as record.5 has them, put together by hand. */
/* Rows made in the writer's room, `step` at a time, the first 50 times as a block of their own. */
static void write_in_place(enum rec_kind kind, uint64_t num, size_t step)
{
	struct rec_header h = rows_header(kind);
	struct rec_writer *w = rec_create(path, &h);
	size_t size = rows_info(kind).struct_size, n;

	for (uint64_t k = 0; k < num; k += n) {
		n = num - k < step ? (size_t)(num - k) : step;
		unsigned char *room = rec_room(w, &n);
		for (size_t j = 0; j < n; j++)
			rows_make(kind, k + j, room + j * size);
		rec_put_rows(w, n);
		if (k < 50 * step)
			rec_flush(w);
	}
	rec_finish(w);
	rec_header_release(&h);
}

/* Are they those that the reader shows where they lie, every fourth call but a copy of one? */
static bool look_back(enum rec_kind kind, uint64_t num, size_t max)
{
	struct rec_reader *r = rec_open(path, 1u << kind);
	size_t size = rows_info(kind).struct_size, n = 1;
	_Alignas(8) unsigned char want[ROWS_MAX_STRUCT], copy[ROWS_MAX_STRUCT];
	uint64_t k = 0;
	bool same = true;

	for (unsigned call = 1; n > 0; call++) {
		const unsigned char *rows = copy;

		if (call % 4 == 0)
			n = rec_read(r, copy);
		else
			rows = rec_look_rows(r, max, &n);
		same = same && n <= max && (uintptr_t)rows % sizeof(uint32_t) == 0;
		for (size_t j = 0; j < n; j++) {
			rows_make(kind, k++, want);
			same = same && rows_equal(kind, rows + j * size, want);
		}
		same = same && rec_rows(r) == k;
	}
	rec_close(r, true);
	return same && k == num;
}

static void test_in_place(enum rec_kind kind)
{
	const uint64_t num = 12345;

	for (size_t step = 1; step < 5000; step = 5 * step + 2) {
		write_in_place(kind, num, step);
		CHECK(read_back(kind, num, 100) && look_back(kind, num, 1) &&
				look_back(kind, num, 7) && look_back(kind, num, SIZE_MAX),
			"%s: rows put %zu at a time into the block, and looked at in it",
			rec_info[kind].name, step);
	}
}

static void test_bytes(void)
{
	static const unsigned char magic[] = { 0x89, 0x43, 0x4F, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 2, 0,
		0, 0 };
	static const unsigned char row[] = { 3, 0, 0, 0, 0x64, 1, 1, 0, 0, 0, 0x60, 0x40, 0xFE,
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF };
	const struct rating r = { 3, 65892, 3.5f, -2 };
	struct rec_header h = rows_header(REC_RATING);
	struct rec_writer *w = rec_create(path, &h);
	unsigned char bytes[4096], *block;
	size_t size, text;

	rec_write(w, &r);
	rec_flush(w);
	rec_flush(w); /* nothing to flush: no block */
	rec_write(w, &r);
	rec_finish(w);
	rec_header_release(&h);
	size = file_bytes(bytes, sizeof(bytes));
	text = get32(bytes + 12);
	CHECK(!memcmp(bytes, magic, sizeof(magic)), "magic and version");
	CHECK(size == 16 + text + 4 + 2 * (4 + 20 + 4) + 16, "size of the whole");
	CHECK(get32(bytes + 16 + text) == crc32(0, bytes, (uInt)(16 + text)), "CRC of the header");
	for (int k = 0; k < 2; k++) {
		block = bytes + 16 + text + 4 + k * 28;
		CHECK(get32(block) == 1 && !memcmp(block + 4, row, sizeof(row)) &&
				get32(block + 24) == crc32(0, block, 24),
			"block %d", k);
	}
	block = bytes + size - 16;
	CHECK(get32(block) == 0 && get64(block + 4) == 2 &&
			get32(block + 12) == crc32(0, block, 12),
		"trailer");
}

static void test_header(void)
{
	struct js *entry = js_object(), *json;
	struct rec_header h, second;
	struct rec_reader *r;
	char *before, *after;

	js_put(entry, "program", js_string("one"));
	rec_header_init(&h, REC_TRIPLE, NULL, entry);
	h.num_users = UINT32_MAX;
	h.num_items = 1;
	h.epochs = 1ull << 40;
	h.rows_per_epoch = 3;
	rec_finish(rec_create(path, &h));
	r = rec_open(path, 1u << REC_TRIPLE | 1u << REC_TOP);
	json = rec_header_json(&h);
	before = js_dump(json, false);
	js_free(json);
	json = rec_header_json(rec_header(r));
	after = js_dump(json, false);
	js_free(json);
	CHECK(!strcmp(before, after) && strstr(after, "1099511627776"), "header: %s", after);

	rec_header_init(&second, REC_SAMPLE, rec_header(r), js_object());
	CHECK(second.kind == REC_SAMPLE && second.num_users == UINT32_MAX &&
			second.num_items == 1 && second.epochs == 0 &&
			js_length(second.provenance) == 2 &&
			js_length(rec_header(r)->provenance) == 1,
		"a header after another: its bounds, its provenance and one entry");
	rec_close(r, true);
	rec_header_release(&second);
	rec_header_release(&h);
	free(before);
	free(after);
}

static void other_kind(void *arg)
{
	(void)arg;
	rec_open(path, 1u << REC_TRIPLE | 1u << REC_SAMPLE);
}

/* Byte 0 of row `*arg` from 1: said after reading 4 rows beyond it. */
static void blame(void *arg)
{
	struct rec_reader *r = rec_open(path, 1u << REC_TOP);
	struct top t;

	for (unsigned k = 0; k < *(unsigned *)arg + 4; k++)
		rec_read(r, &t);
	rec_die(r, 5, "rank %u", 7u);
}

static void unfinished(void *arg)
{
	struct rec_header h = rows_header(REC_TOP);
	struct top t = { 1, 2, 3, 4 };
	struct rec_writer *w = rec_create(path, &h);

	(void)arg;
	rec_write(w, &t);
	rec_flush(w);
	die("on purpose");
}

static void test_errors(void)
{
	char want[128];
	unsigned char before[4096], after[4096];
	unsigned char prefix[16];
	struct child c;
	size_t size;

	write_rows(REC_TOP, 9000, 1000);
	c = child_run(other_kind, NULL, messages);
	snprintf(want, sizeof(want),
		"test_record: '%s' holds top records, triple or sample expected\n", path);
	CHECK(c.status == EXIT_DATA && !strcmp(c.text, want), "another kind: %s",
		strtok(c.text, "\n"));

	/* rows of 16 bytes, 4096 a block: row 5000 begins 4 + 65536 + 4 + 4 + 903 x 16 bytes behind
	   the header */
	file_bytes(prefix, sizeof(prefix));
	c = child_run(blame, &(unsigned){ 5000 }, messages);
	snprintf(want, sizeof(want), "test_record: row 5000 of '%s' (byte %u): rank 7\n", path,
		16 + get32(prefix + 12) + 4 + 4 + 65536 + 4 + 4 + 903 * 16);
	CHECK(c.status == EXIT_DATA && !strcmp(c.text, want), "a row by number and byte: %s",
		strtok(c.text, "\n"));

	size = file_bytes(before, sizeof(before));
	c = child_run(unfinished, NULL, messages);
	CHECK(c.status == EXIT_DATA && file_bytes(after, sizeof(after)) == size &&
			!memcmp(before, after, size),
		"a writer that dies leaves the old file as it was");
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		abort();
	close(fd);
	die_set_name("test_record");
	messages = child_file();
	for (enum rec_kind kind = 0; kind < REC_NUM_KINDS; kind++)
		test_round_trips(kind);
	for (enum rec_kind kind = 0; kind < REC_NUM_KINDS; kind++)
		test_in_place(kind);
	test_bytes();
	test_header();
	test_errors();
	unlink(path);
	return CHECK_EXIT;
}
