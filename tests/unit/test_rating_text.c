/* The text reader on random lines of every shape, over several buffers, against what was written. */
#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "stream/stream.h"
#include "text/rating_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUM_LINES = 120000, MAX_FIELD = 48, BATCH = 77 };

struct line {
	char user[MAX_FIELD], item[MAX_FIELD], rating[MAX_FIELD], time[MAX_FIELD];
};

/* 1 to 21 digits, with a first 0 now and then; or digits and one byte that is none, at any place. */
static void make_raw_id(struct rng *rng, char *text)
{
	static const char others[] = "/;<Az~-._ \x80\xb0\xb9\xff";
	uint32_t length = 1 + rng_below(rng, 21);

	for (uint32_t k = 0; k < length; k++)
		text[k] = (char)('0' + rng_below(rng, 10));
	text[length] = '\0';
	if (rng_below(rng, 3) == 0)
		text[rng_below(rng, length)] = others[rng_below(rng, sizeof(others) - 1)];
}

static void make_rating(struct rng *rng, char *text)
{
	uint32_t digits = 1 + rng_below(rng, 10), point = rng_below(rng, digits + 1), n = 0;

	if (rng_below(rng, 8) == 0) {
		snprintf(text, MAX_FIELD, "%.9g", rng_normal(rng) * 1e9);
		return;
	}
	for (uint32_t k = 0; k < digits; k++) {
		if (k == point)
			text[n++] = '.';
		text[n++] = (char)('0' + rng_below(rng, 10));
	}
	text[n] = '\0';
}

static void make_time(struct rng *rng, char *text)
{
	int64_t time = (int64_t)(rng_u64(rng) >> rng_below(rng, 64));

	snprintf(text, MAX_FIELD, "%" PRId64 "%s", time, rng_below(rng, 20) ? "" : ".000");
}

static void make_line(struct rng *rng, struct line *line)
{
	make_raw_id(rng, line->user);
	make_raw_id(rng, line->item);
	make_rating(rng, line->rating);
	make_time(rng, line->time);
}

/* With `quotes`, three of four fields in them. */
static void write_lines(
	const char *path, const struct line *lines, const char *delimiter, bool quotes)
{
	struct stream_out *out = stream_create(path, false);

	for (int k = 0; k < NUM_LINES; k++) {
		const struct line *l = &lines[k];
		const char *quote[4];

		for (int f = 0; f < 4; f++)
			quote[f] = quotes && (k >> f) % 4 ? "\"" : "";
		stream_printf(out, "%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s", quote[0], l->user, quote[0],
			delimiter, quote[1], l->item, quote[1], delimiter, quote[2], l->rating,
			quote[2], delimiter, quote[3], l->time, quote[3],
			k == NUM_LINES - 1 ? ""
			: k % 3 == 0	   ? "\r\n"
			: k % 100 == 1	   ? "\n\n"
					   : "\n");
	}
	stream_commit(out);
}

static bool raw_id_is(const struct raw_id *id, const char *text)
{
	struct raw_id expected = raw_id_of(text, strlen(text));

	return id->length == expected.length && id->number == expected.number &&
	       memcmp(id->text, text, id->length) == 0;
}

/* Rounded once. */
static bool rating_is(float rating, const char *text)
{
	return rating == strtof(text, NULL);
}

static void check_lines(
	const char *path, const struct line *lines, const char *delimiter, bool quotes)
{
	unsigned users = 0, items = 0, ratings = 0, times = 0;
	struct rating_text_row rows[BATCH];
	struct rating_options options = { .format = quotes ? FORMAT_CSV : FORMAT_TSV,
		.header = HEADER_NO,
		.delimiter = delimiter,
		.columns = "user,item,rating,time" };
	struct rating_text *t = rating_text_open(stream_open(path), &options);
	int done = 0;
	size_t n;

	while ((n = rating_text_read(t, rows, BATCH)) > 0)
		for (size_t k = 0; k < n && done < NUM_LINES; k++, done++) {
			users += raw_id_is(&rows[k].user, lines[done].user);
			items += raw_id_is(&rows[k].item, lines[done].item);
			ratings += rating_is(rows[k].rating, lines[done].rating);
			times += rows[k].time == strtoll(lines[done].time, NULL, 10);
		}
	CHECK(done == NUM_LINES && rating_text_offset(t) >= rating_text_size(t),
		"%d lines of %" PRIu64 " bytes, delimiter '%s'%s", done, rating_text_size(t),
		delimiter, quotes ? ", quotes" : "");
	CHECK(users == NUM_LINES && items == NUM_LINES, "their ids (%u, %u)", users, items);
	CHECK(ratings == NUM_LINES && times == NUM_LINES, "their ratings and times (%u, %u)",
		ratings, times);
	rating_text_close(t);
}

int main(void)
{
	static const char *const delimiters[] = { "\t", ",", "::", "=/=" };
	struct line *lines = xmalloc(NUM_LINES, sizeof(*lines));
	char path[] = "/tmp/cofilter-text-XXXXXX";
	struct rng rng;
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	rng_start(&rng, 1, RNG_TEST, 2, 0);
	for (int k = 0; k < NUM_LINES; k++)
		make_line(&rng, &lines[k]);
	for (size_t d = 0; d < sizeof(delimiters) / sizeof(*delimiters); d++)
		for (int quotes = 0; quotes < 2; quotes++) {
			write_lines(path, lines, delimiters[d], quotes);
			check_lines(path, lines, delimiters[d], quotes);
		}
	unlink(path);
	free(lines);
	return CHECK_EXIT;
}
