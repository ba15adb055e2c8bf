#include "base/ahead.h"
#include "base/bytes.h"
#include "base/die.h"
#include "base/mem.h"
#include "stream/crc.h"
#include "stream/record.h"
#include "stream/record_format.h"
#include "stream/stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rec_reader {
	struct stream_in *in; /* NULL: of a source */
	struct rec_source source;
	struct pool *pool;
	struct ahead *ahead;	    /* slices of the source; NULL: before the first row */
	const unsigned char *slice; /* `block_rows` and `next` are of it */
	char *name;		    /* of the source */

	struct rec_header header;
	struct rec_info info;
	uint32_t block_rows, next; /* rows of the block held; the next to hand out */
	uint64_t rows;		   /* handed out */
	uint64_t block_at;	   /* byte of the block's first row */
	bool ended;
	const unsigned char *packed; /* the block's rows, in the stream's buffer */
	void *decoded; /* REC_BLOCK_BYTES / row_size rows; NULL till they are needed */
};

static _Noreturn void truncated(const struct rec_reader *r)
{
	die("'%s' ends after %llu rows without a trailer: truncated", rec_name(r),
		(unsigned long long)r->rows);
}

/* The next `size` bytes, till the stream is read from again. */
static const unsigned char *look_at(struct rec_reader *r, size_t size)
{
	size_t got;
	const char *bytes = stream_peek(r->in, size, &got);

	if (got < size)
		truncated(r);
	return (const unsigned char *)bytes;
}

static void check_magic(const struct rec_reader *r, const unsigned char *prefix, size_t n)
{
	if (!n)
		die("'%s' is empty, a record stream expected", rec_name(r));
	if (n >= REC_MAGIC_SIZE && !memcmp(prefix, rec_magic, REC_MAGIC_SIZE))
		return;
	if (n >= 4 && !memcmp(prefix, rec_magic, 4))
		die("'%s' is a record stream damaged in its first %d bytes: cut, or line ends were converted",
			rec_name(r), REC_MAGIC_SIZE);
	die("'%s' is not a record stream", rec_name(r));
}

static void check_version(const struct rec_reader *r, uint32_t version)
{
	if (version != REC_VERSION)
		die("'%s' has format version %u, this program reads %d%s", rec_name(r), version,
			REC_VERSION,
			version < REC_VERSION ? ": make it again with this release" : "");
}

static void read_header(struct rec_reader *r)
{
	unsigned char prefix[REC_PREFIX_SIZE], crc[REC_CRC_SIZE];
	size_t n = stream_read(r->in, prefix, sizeof(prefix));
	uint32_t length, sum;
	char why[256];
	char *text;

	check_magic(r, prefix, n);
	if (n < sizeof(prefix))
		die("'%s' ends inside its header: truncated", rec_name(r));
	check_version(r, get32(prefix + REC_MAGIC_SIZE));
	length = get32(prefix + REC_MAGIC_SIZE + 4);
	if (length > REC_MAX_HEADER)
		die("'%s' claims a header of %u bytes: damaged", rec_name(r), length);
	text = xmalloc(length, 1);
	if (stream_read(r->in, text, length) < length ||
		stream_read(r->in, crc, sizeof(crc)) < sizeof(crc))
		die("'%s' ends inside its header: truncated", rec_name(r));
	sum = crc_add(crc_add(0, prefix, sizeof(prefix)), text, length);
	if (sum != get32(crc))
		die("the header of '%s' is damaged: its checksum is wrong", rec_name(r));
	if (!rec_header_parse(&r->header, text, length, why, sizeof(why)))
		die("the header of '%s' is invalid: %s", rec_name(r), why);
	free(text);
}

static void check_kind(const struct rec_reader *r, unsigned kinds)
{
	char expected[128] = "";
	size_t n = 0;

	if (kinds >> r->header.kind & 1)
		return;
	for (unsigned k = 0; k < REC_NUM_KINDS; k++)
		if (kinds >> k & 1)
			n += (size_t)snprintf(expected + n, sizeof(expected) - n, "%s%s",
				n ? " or " : "", rec_info[k].name);
	die("'%s' holds %s records, %s expected", rec_name(r), r->info.name, expected);
}

struct rec_reader *rec_open_source(
	const char *name, struct rec_header *header, const struct rec_source *source)
{
	struct rec_reader *r = xcalloc(1, sizeof(*r));

	r->name = xstrdup(name);
	r->header = *header;
	r->info = rec_row_info(header);
	r->source = *source;
	return r;
}

struct rec_reader *rec_open(const char *path, unsigned kinds)
{
	return rec_open_stream(stream_open(path), kinds);
}

struct rec_reader *rec_open_stream(struct stream_in *in, unsigned kinds)
{
	struct rec_reader *r = xcalloc(1, sizeof(*r));

	r->in = in;
	read_header(r);
	r->info = rec_row_info(&r->header);
	check_kind(r, kinds);
	return r;
}

const struct rec_header *rec_header(const struct rec_reader *r)
{
	return &r->header;
}

const char *rec_name(const struct rec_reader *r)
{
	return r->in ? stream_name(r->in) : r->name;
}

bool rec_is_made(const struct rec_reader *r)
{
	return !r->in;
}

void rec_prepare(struct rec_reader *r, struct pool *pool)
{
	if (r->in)
		return;
	r->source.prepare(r->source.arg, &r->header, pool);
	r->pool = pool;
}

bool rec_begin_at(struct rec_reader *r, uint64_t row)
{
	if (r->in)
		return false;
	if (r->ahead)
		BUG("rows of a source were read before its beginning was said");
	r->header.first_row = row;
	return true;
}

const struct row_draws *rec_draws(const struct rec_reader *r)
{
	return r->in || !r->source.draws ? NULL : r->source.draws(r->source.arg);
}

void rec_pass_to(struct rec_reader *r, uint64_t row)
{
	ahead_free(r->ahead); /* a resumed training has read the rows before these */
	r->ahead = NULL;
	r->rows = row - r->header.first_row;
}

void rec_before_read(struct rec_reader *r, void (*look)(void *arg, int descriptor), void *arg)
{
	if (r->in)
		stream_before_read(r->in, look, arg);
}

uint64_t rec_rows(const struct rec_reader *r)
{
	return r->rows;
}

uint64_t rec_most_rows(const struct rec_reader *r)
{
	return r->in ? stream_size(r->in) / r->info.row_size : 0;
}

static void read_trailer(struct rec_reader *r)
{
	enum { SIZE = REC_COUNT_SIZE + REC_TOTAL_SIZE };
	const unsigned char *trailer = look_at(r, SIZE + REC_CRC_SIZE);
	const uint64_t rows = get64(trailer + REC_COUNT_SIZE);
	size_t more;

	if (crc_add(0, trailer, SIZE) != get32(trailer + SIZE))
		die("the trailer of '%s' after row %llu is damaged: its checksum is wrong",
			rec_name(r), (unsigned long long)r->rows);
	if (rows != r->rows)
		die("'%s' holds %llu rows but its trailer says %llu", rec_name(r),
			(unsigned long long)r->rows, (unsigned long long)rows);
	stream_skip(r->in, SIZE + REC_CRC_SIZE);
	stream_peek(r->in, 1, &more);
	if (more > 0)
		die("'%s' goes on after its trailer, at byte %llu: join streams with cof-cat A B",
			rec_name(r), (unsigned long long)stream_offset(r->in));
	r->ended = true;
}

/* Read, verify and check the next block; false at the verified end. */
static bool next_block(struct rec_reader *r)
{
	const uint32_t count = get32(look_at(r, REC_COUNT_SIZE));
	const size_t size = REC_COUNT_SIZE + (size_t)count * r->info.row_size;
	const uint64_t at = stream_offset(r->in);
	const unsigned char *block;
	char why[128];
	size_t bad;

	if (count == 0) {
		read_trailer(r);
		return false;
	}
	r->block_at = at + REC_COUNT_SIZE;
	if (count > REC_BLOCK_BYTES / r->info.row_size)
		die("'%s' claims a block of %u rows at byte %llu: damaged", rec_name(r), count,
			(unsigned long long)at);
	block = look_at(r, size + REC_CRC_SIZE);
	if (crc_add(0, block, size) != get32(block + size))
		die("'%s' is damaged between byte %llu and %llu (rows %llu to %llu): the checksum is wrong",
			rec_name(r), (unsigned long long)at,
			(unsigned long long)(at + size + REC_CRC_SIZE),
			(unsigned long long)r->rows + 1, (unsigned long long)r->rows + count);
	stream_skip(r->in, size + REC_CRC_SIZE);
	r->packed = block + REC_COUNT_SIZE;
	bad = rec_check(&r->header, r->packed, count, why, sizeof(why));
	if (bad < count)
		die("row %llu of '%s' (byte %llu): %s", (unsigned long long)(r->rows + bad + 1),
			rec_name(r), (unsigned long long)(r->block_at + bad * r->info.row_size),
			why);
	r->block_rows = count;
	r->next = 0;
	return true;
}

/* The rows that a source has from the header's first row on. */
static uint64_t source_rows(const struct rec_reader *r)
{
	return r->header.epochs * r->header.rows_per_epoch - r->header.first_row;
}

static size_t slice_rows(const struct rec_reader *r, uint64_t slice)
{
	const uint64_t left = source_rows(r) - slice * r->source.slice;

	return left < r->source.slice ? (size_t)left : r->source.slice;
}

/* A piece of `ahead`. */
static void make_slice(void *arg, uint64_t slice, void *rows)
{
	const struct rec_reader *r = arg;

	r->source.make(r->source.arg, r->header.first_row + slice * r->source.slice,
		slice_rows(r, slice), rows);
}

static void start_source(struct rec_reader *r)
{
	enum { SLOTS = 64 };
	const uint64_t rows = source_rows(r), size = r->source.slice;
	const struct ahead_config config = { .pool = r->pool,
		.slots = SLOTS,
		.slot_size = size * r->info.struct_size,
		.end = rows / size + (rows % size > 0),
		.make = make_slice,
		.arg = r };

	r->ahead = ahead_new(&config);
}

static bool next_slice(struct rec_reader *r)
{
	if (!r->ahead)
		start_source(r);
	r->slice = ahead_next(r->ahead);
	r->ended = r->slice == NULL;
	if (r->ended)
		return false;
	r->block_rows = (uint32_t)slice_rows(r, r->rows / r->source.slice);
	r->next = 0;
	return true;
}

/* The next rows, up to `max`, as they stand in the block, or as structs where they are made; *n: how
   many, 0 at the verified end. */
static const unsigned char *take_rows(struct rec_reader *r, size_t max, size_t *n)
{
	const unsigned char *rows;

	*n = 0;
	if (r->next == r->block_rows && (r->ended || !(r->in ? next_block(r) : next_slice(r))))
		return NULL;
	rows = r->in ? r->packed + (size_t)r->next * r->info.row_size
		     : r->slice + (size_t)r->next * r->info.struct_size;
	*n = r->block_rows - r->next;
	*n = *n < max ? *n : max;
	r->next += (uint32_t)*n;
	r->rows += *n;
	return rows;
}

size_t rec_read_rows(struct rec_reader *r, void *rows, size_t max)
{
	size_t n;
	const unsigned char *from = take_rows(r, max, &n);

	if (n > 0 && r->in)
		rec_decode(&r->info, from, n, rows);
	else if (n > 0)
		memcpy(rows, from, n * r->info.struct_size);
	return n;
}

const void *rec_look_rows(struct rec_reader *r, size_t max, size_t *n)
{
	const unsigned char *from = take_rows(r, max, n);

	if (*n == 0 || !r->in ||
		(rec_is_packed(&r->info) && (uintptr_t)from % _Alignof(int64_t) == 0))
		return from;
	if (r->decoded == NULL)
		r->decoded = xmalloc(REC_BLOCK_BYTES / r->info.row_size, r->info.struct_size);
	rec_decode(&r->info, from, *n, r->decoded);
	return r->decoded;
}

bool rec_read(struct rec_reader *r, void *row)
{
	return rec_read_rows(r, row, 1) == 1;
}

void rec_die(const struct rec_reader *r, uint64_t back, const char *format, ...)
{
	uint64_t byte = r->block_at + ((uint64_t)r->next - back) * r->info.row_size;
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (back > r->next)
		die("row %llu of '%s': %s", (unsigned long long)(r->rows - back + 1), rec_name(r),
			text);
	die("row %llu of '%s' (byte %llu): %s", (unsigned long long)(r->rows - back + 1),
		rec_name(r), (unsigned long long)byte, text);
}

void rec_skip(struct rec_reader *r)
{
	while (r->in && !r->ended) {
		r->rows += r->block_rows - r->next;
		r->next = r->block_rows;
		next_block(r);
	}
}

void rec_close(struct rec_reader *r, bool finish)
{
	if (finish)
		rec_skip(r);
	ahead_free(r->ahead); /* before what it makes rows of */
	if (r->in)
		stream_close(r->in);
	else
		r->source.release(r->source.arg);
	free(r->name);
	rec_header_release(&r->header);
	free(r->decoded);
	free(r);
}
