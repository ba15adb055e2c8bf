#include "base/bytes.h"
#include "base/die.h"
#include "base/mem.h"
#include "stream/crc.h"
#include "stream/record.h"
#include "stream/record_format.h"
#include "stream/stream.h"

#include <stdlib.h>
#include <string.h>

struct rec_writer {
	struct stream_out *out;
	bool is_mine;		  /* to commit */
	struct rec_header header; /* kind, bounds and sizes only */
	struct rec_info info;
	uint32_t used, capacity; /* rows in the block, and the most it takes */
	uint64_t rows;
	void *room; /* rows to be packed, where a packed row is not the kind's struct */
	_Alignas(16) unsigned char before[16 - REC_COUNT_SIZE]; /* so that rows are aligned */
	unsigned char block[REC_COUNT_SIZE + REC_BLOCK_BYTES + REC_CRC_SIZE];
};

static void write_header(struct rec_writer *w, const struct rec_header *h)
{
	unsigned char prefix[REC_PREFIX_SIZE], crc[REC_CRC_SIZE];
	struct js *json = rec_header_json(h);
	char *text = js_dump(json, false);
	size_t length = strlen(text);

	if (js_length(h->provenance) > REC_MAX_PROVENANCE)
		die("the header of '%s' would have %zu entries of provenance, more than %d",
			stream_out_name(w->out), js_length(h->provenance), REC_MAX_PROVENANCE);
	if (length > REC_MAX_HEADER)
		die("the header of '%s' grew to %zu bytes: its provenance is too long",
			stream_out_name(w->out), length);
	memcpy(prefix, rec_magic, REC_MAGIC_SIZE);
	put32(prefix + REC_MAGIC_SIZE, REC_VERSION);
	put32(prefix + REC_MAGIC_SIZE + 4, (uint32_t)length);
	put32(crc, crc_add(crc_add(0, prefix, sizeof(prefix)), text, length));
	stream_write(w->out, prefix, sizeof(prefix));
	stream_write(w->out, text, length);
	stream_write(w->out, crc, sizeof(crc));
	stream_flush(w->out);
	free(text);
	js_free(json);
}

struct rec_writer *rec_create_on(struct stream_out *out, const struct rec_header *h)
{
	struct rec_writer *w = xcalloc(1, sizeof(*w));

	w->info = rec_row_info(h);
	w->capacity = REC_BLOCK_BYTES / w->info.row_size;
	w->header = (struct rec_header){ .kind = h->kind,
		.num_users = h->num_users,
		.num_items = h->num_items,
		.negatives = h->negatives };
	w->out = out;
	write_header(w, h);
	return w;
}

struct rec_writer *rec_create(const char *path, const struct rec_header *h)
{
	struct rec_writer *w = rec_create_on(stream_create(path, true), h);

	w->is_mine = true;
	return w;
}

void rec_flush(struct rec_writer *w)
{
	size_t size = REC_COUNT_SIZE + (size_t)w->used * w->info.row_size;
	char why[128];

	if (!w->used)
		return;
	if (rec_check(&w->header, w->block + REC_COUNT_SIZE, w->used, why, sizeof(why)) < w->used)
		BUG("a row for '%s': %s", stream_out_name(w->out), why);
	put32(w->block, w->used);
	put32(w->block + size, crc_add(0, w->block, size));
	stream_write(w->out, w->block, size + REC_CRC_SIZE);
	stream_flush(w->out);
	w->used = 0;
}

static unsigned char *block_end(struct rec_writer *w)
{
	return w->block + REC_COUNT_SIZE + (size_t)w->used * w->info.row_size;
}

static void count_rows(struct rec_writer *w, size_t n)
{
	w->used += (uint32_t)n;
	w->rows += n;
	if (w->used == w->capacity)
		rec_flush(w);
}

void rec_write_rows(struct rec_writer *w, const void *rows, size_t n)
{
	const char *from = rows;

	while (n) {
		size_t take = w->capacity - w->used < n ? w->capacity - w->used : n;

		rec_encode(&w->info, from, take, block_end(w));
		from += take * w->info.struct_size;
		n -= take;
		count_rows(w, take);
	}
}

void rec_write(struct rec_writer *w, const void *row)
{
	rec_write_rows(w, row, 1);
}

void *rec_room(struct rec_writer *w, size_t *n)
{
	const size_t free_rows = w->capacity - w->used;

	*n = *n < free_rows ? *n : free_rows;
	if (rec_is_packed(&w->info))
		return block_end(w);
	if (w->room == NULL)
		w->room = xmalloc(w->capacity, w->info.struct_size);
	return w->room;
}

void rec_put_rows(struct rec_writer *w, size_t n)
{
	if (!rec_is_packed(&w->info))
		rec_encode(&w->info, w->room, n, block_end(w));
	count_rows(w, n);
}

uint64_t rec_written(const struct rec_writer *w)
{
	return w->rows;
}

void rec_finish(struct rec_writer *w)
{
	unsigned char trailer[REC_COUNT_SIZE + REC_TOTAL_SIZE + REC_CRC_SIZE] = { 0 };

	rec_flush(w);
	put64(trailer + REC_COUNT_SIZE, w->rows);
	put32(trailer + REC_COUNT_SIZE + REC_TOTAL_SIZE,
		crc_add(0, trailer, REC_COUNT_SIZE + REC_TOTAL_SIZE));
	stream_write(w->out, trailer, sizeof(trailer));
	if (w->is_mine)
		stream_commit(w->out);
	free(w->room);
	free(w);
}
