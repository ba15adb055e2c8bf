/* Record streams. The checksums are set right first: no mutation would find them. */
#include "base/bytes.h"
#include "fuzz.h"
#include "stream/record.h"
#include "stream/record_format.h"

#include <libdeflate.h>
#include <stdlib.h>

static void read_all(const char *path)
{
	static unsigned char row[REC_BLOCK_BYTES]; /* a group's is as long as a block */
	struct rec_reader *r = rec_open(path, (1u << REC_NUM_KINDS) - 1);

	while (rec_read(r, row))
		;
	rec_close(r, true);
}

/* Make right the checksum behind `size` bytes at `from`; returns what lies behind it, NULL beyond
   `end`. */
static unsigned char *set_crc(unsigned char *from, size_t size, const unsigned char *end)
{
	if ((size_t)(end - from) < size + REC_CRC_SIZE)
		return NULL;
	put32(from + size, libdeflate_crc32(0, from, size));
	return from + size + REC_CRC_SIZE;
}

static void set_checksums(unsigned char *bytes, const unsigned char *end)
{
	struct rec_header h;
	unsigned char *at;
	size_t length, count;
	char why[256];

	if (end - bytes < REC_PREFIX_SIZE)
		return;
	length = get32(bytes + REC_MAGIC_SIZE + 4);
	at = set_crc(bytes, REC_PREFIX_SIZE + length, end);
	if (!at || !rec_header_parse(&h, (char *)bytes + REC_PREFIX_SIZE, length, why, sizeof(why)))
		return;
	do {
		count = at && end - at >= REC_COUNT_SIZE ? get32(at) : 0;
		if (at)
			at = set_crc(at,
				REC_COUNT_SIZE + (count ? count * rec_row_info(&h).row_size
							: REC_TOTAL_SIZE),
				end);
	} while (at && count);
	rec_header_release(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *bytes = malloc(size + 1);

	memcpy(bytes, data, size);
	set_checksums(bytes, bytes + size);
	fuzz_run(bytes, size, read_all);
	free(bytes);
	return fuzz_run(data, size, read_all);
}
