#include "cli/census_print.h"

#include "base/js.h"
#include "text/text_time.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_PER_LINE = 4, CURVE_POINTS = 4 };

static double percent(double part, double all)
{
	return all > 0 ? 100 * part / all : 0;
}

/* Of the curve: 5, 10, 20, 50 %. */
static const unsigned curve_points[CURVE_POINTS] = { 1, 2, 4, 10 };

static double density(const struct census *c, uint64_t users, uint64_t items)
{
	return (double)c->rows / ((double)users * (double)items);
}

/* A bar per number, as high as it is beside the greatest; none for 0. */
static void print_sparkline(struct stream_out *out, const uint64_t *number, unsigned num)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const plain[] = { " ", ".", ":", "-", "=", "+", "*", "#", "@" };
	const char *const *bar = plain;
	uint64_t most = 1;

	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
		bar = blocks;
	for (unsigned k = 0; k < num; k++)
		most = number[k] > most ? number[k] : most;
	stream_printf(out, "              |");
	for (unsigned k = 0; k < num; k++) {
		const unsigned height = (unsigned)(7 * (double)number[k] / (double)most);

		stream_printf(out, "%s", bar[number[k] ? 1 + height : 0]);
	}
	stream_printf(out, "|\n");
}

static void print_counts(struct stream_out *out, const char *what, const struct census_counts *s)
{
	stream_printf(out, "%-10s %8.8g %8.8g %8.8g %8.8g %10.10g %10.6g %7.3f\n", what, s->min,
		s->p25, s->median, s->p75, s->max, s->mean, s->gini);
}

static void print_popularity(struct stream_out *out, const struct census_counts *items)
{
	stream_printf(out, "popularity    top");
	for (unsigned k = 0; k < CURVE_POINTS; k++)
		stream_printf(
			out, "%s %u", k ? "," : "", curve_points[k] * 100 / (CENSUS_CURVE - 1));
	stream_printf(out, " %% of items:");
	for (unsigned k = 0; k < CURVE_POINTS; k++)
		stream_printf(out, "%s %.1f", k ? "," : "", 100 * items->curve[curve_points[k]]);
	stream_printf(out, " %% of rows\n");
}

static void print_users_and_items(const struct census *c, struct stream_out *out)
{
	struct census_counts users, items, negatives;

	census_summarize(&users, c->user_rows, c->header.num_users);
	census_summarize(&items, c->item_rows, c->header.num_items);
	stream_printf(out, "users         %" PRIu64 " of %" PRIu32 " have a row\n", users.num,
		c->header.num_users);
	stream_printf(out, "items         %" PRIu64 " of %" PRIu32 " have a row\n", items.num,
		c->header.num_items);
	if (c->rows == 0)
		return;
	stream_printf(out, "density       %.4g %% of the pairs of these users and items\n",
		100 * density(c, users.num, items.num));
	print_popularity(out, &items);
	stream_printf(out, "\n%-10s %8s %8s %8s %8s %10s %10s %7s\n", "rows per", "min", "25 %",
		"median", "75 %", "max", "mean", "Gini");
	print_counts(out, "user", &users);
	print_counts(out, "item", &items);
	if (c->negative_rows) {
		census_summarize(&negatives, c->negative_rows, c->header.num_items);
		print_counts(out, "negative", &negatives);
		if (negatives.num < c->header.num_items)
			stream_printf(out, "%" PRIu64 " items are no row's negative\n",
				c->header.num_items - negatives.num);
	}
}

static void print_times(const struct census *c, struct stream_out *out)
{
	char first[TEXT_TIME_SIZE], last[TEXT_TIME_SIZE];

	text_time_print(c->first, first);
	text_time_print(c->last, last);
	stream_printf(out, "\ntime          %s to %s\n", first, last);
	print_sparkline(out, c->bin, CENSUS_BINS);
}

static void print_field(
	const struct census *c, const struct census_field *f, struct stream_out *out)
{
	if (f->num)
		stream_printf(out, "\n%-13s %.6g to %.6g, mean %.6g\n", f->name, f->min, f->max,
			f->sum / (double)f->num);
	if (f->infinite)
		stream_printf(out, "%-13s -inf in %" PRIu64 " rows\n", f->num ? "" : f->name,
			f->infinite);
	for (unsigned k = 0; k < f->num_values; k++) {
		const bool first = k % VALUES_PER_LINE == 0;
		const bool last =
			k % VALUES_PER_LINE == VALUES_PER_LINE - 1 || k + 1 == f->num_values;

		stream_printf(out, "%*s%.6g: %" PRIu64 "%s", first ? 14 : 3, "", f->value[k].value,
			f->value[k].num, last ? "\n" : "");
	}
	if (strcmp(f->name, "label") == 0 && c->rows)
		stream_printf(out, "              positives %" PRIu64 " (%.4g %%)\n", c->positives,
			percent((double)c->positives, (double)c->rows));
}

void census_table(const struct census *c, struct stream_out *out)
{
	stream_printf(
		out, "records       %s, %" PRIu64 "\n", rec_info[c->header.kind].name, c->rows);
	if (c->header.epochs)
		stream_printf(out, "epochs        %" PRIu64 " of %" PRIu64 " rows\n",
			c->header.epochs, c->header.rows_per_epoch);
	print_users_and_items(c, out);
	if (c->has_times)
		print_times(c, out);
	for (unsigned k = 0; k < c->num_fields; k++)
		print_field(c, &c->field[k], out);
	if (c->has_ties && c->rows)
		stream_printf(out, "\ntied          %" PRIu64 " rows (%.4g %%)\n", c->tied,
			percent((double)c->tied, (double)c->rows));
}

static struct js *counts_json(const struct census_counts *s)
{
	struct js *v = js_object();

	js_put(v, "min", js_real(s->min));
	js_put(v, "p25", js_real(s->p25));
	js_put(v, "median", js_real(s->median));
	js_put(v, "p75", js_real(s->p75));
	js_put(v, "max", js_real(s->max));
	js_put(v, "mean", js_real(s->mean));
	return v;
}

static struct js *field_json(const struct census_field *f)
{
	struct js *v = js_object(), *values = js_array();

	js_put(v, "min", js_real(f->min));
	js_put(v, "max", js_real(f->max));
	js_put(v, "mean", js_real(f->sum / (double)f->num));
	if (f->infinite)
		js_put(v, "infinite", js_int((int64_t)f->infinite));
	for (unsigned k = 0; k < f->num_values; k++) {
		struct js *pair = js_array();

		js_append(pair, js_real(f->value[k].value));
		js_append(pair, js_int((int64_t)f->value[k].num));
		js_append(values, pair);
	}
	js_put(v, "values", values);
	return v;
}

static struct js *times_json(const struct census *c)
{
	struct js *v = js_object(), *rows = js_array();
	char text[TEXT_TIME_SIZE];

	text_time_print(c->first, text);
	js_put(v, "first", js_string(text));
	text_time_print(c->last, text);
	js_put(v, "last", js_string(text));
	for (unsigned k = 0; k < CENSUS_BINS; k++)
		js_append(rows, js_int((int64_t)c->bin[k]));
	js_put(v, "rows", rows);
	return v;
}

static struct js *negatives_json(const struct census *c)
{
	struct js *v = js_object();
	struct census_counts s;

	census_summarize(&s, c->negative_rows, c->header.num_items);
	js_put(v, "items_seen", js_int((int64_t)s.num));
	js_put(v, "gini_items", js_real(s.gini));
	js_put(v, "rows_per_item", counts_json(&s));
	return v;
}

static void put_users_and_items(struct js *v, const struct census *c)
{
	struct census_counts users, items;
	struct js *curve = js_array();

	census_summarize(&users, c->user_rows, c->header.num_users);
	census_summarize(&items, c->item_rows, c->header.num_items);
	js_put(v, "users_seen", js_int((int64_t)users.num));
	js_put(v, "items_seen", js_int((int64_t)items.num));
	js_put(v, "density", js_real(density(c, users.num, items.num)));
	js_put(v, "gini_users", js_real(users.gini));
	js_put(v, "gini_items", js_real(items.gini));
	js_put(v, "rows_per_user", counts_json(&users));
	js_put(v, "rows_per_item", counts_json(&items));
	for (unsigned k = 0; k < CENSUS_CURVE; k++)
		js_append(curve, js_real(items.curve[k]));
	js_put(v, "popularity_curve", curve);
}

void census_json(const struct census *c, struct stream_out *out)
{
	struct js *v = js_object();
	char *text;

	js_put(v, "kind", js_string(rec_info[c->header.kind].name));
	js_put(v, "rows", js_int((int64_t)c->rows));
	if (c->header.epochs) {
		js_put(v, "epochs", js_int((int64_t)c->header.epochs));
		js_put(v, "rows_per_epoch", js_int((int64_t)c->header.rows_per_epoch));
	}
	js_put(v, "users", js_int(c->header.num_users));
	js_put(v, "items", js_int(c->header.num_items));
	put_users_and_items(v, c);
	if (c->negative_rows)
		js_put(v, "negatives", negatives_json(c));
	if (c->has_times)
		js_put(v, "time", times_json(c));
	for (unsigned k = 0; k < c->num_fields; k++)
		js_put(v, c->field[k].name, field_json(&c->field[k]));
	if (c->header.kind == REC_SAMPLE || c->header.kind == REC_SCORE)
		js_put(v, "positives", js_int((int64_t)c->positives));
	if (c->has_ties)
		js_put(v, "tied", js_int((int64_t)c->tied));
	text = js_dump(v, true);
	stream_printf(out, "%s\n", text);
	free(text);
	js_free(v);
}
