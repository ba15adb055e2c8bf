#include "cli/side_rows.h"

#include "stream/record.h"
#include "stream/split_id.h"

uint64_t side_rows_read(struct user_items *m, const struct rec_reader *in, const char *path,
	unsigned kinds, const char *whole)
{
	const struct rec_header *h = rec_header(in);
	struct rec_reader *side = rec_open(path, kinds);

	rec_check_families(rec_name(side), rec_header(side), rec_name(in), h);
	split_id_check(rec_name(side), rec_header(side), rec_name(in), h);
	if (whole)
		rec_check_whole(rec_name(side), rec_header(side), whole);
	else
		rec_check_covers(rec_name(in), h, rec_name(side), rec_header(side));
	rec_check_covers(rec_name(side), rec_header(side), rec_name(in), h);
	user_items_init(m, h->num_users, h->num_items);
	user_items_add_stream(m, side, NULL);
	rec_close(side, true);
	return user_items_finish(m);
}
