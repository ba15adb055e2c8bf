/* Times against the C library: every day of 800 years, random moments in every form, and what is
   no time. */
#include "base/rng.h"
#include "check.h"
#include "text/text_time.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { DAYS = 800 * 366, MOMENTS = 100000, MAX_TEXT = 64 };

static bool is(const char *why, const struct text_time *time, int64_t seconds)
{
	return !why && time->seconds == seconds && !time->cut;
}

static void check_days(void)
{
	const int64_t first = -400 * INT64_C(366) * 86400;
	struct text_time time;
	char text[MAX_TEXT];
	int right = 0;

	for (int64_t k = 0; k < DAYS; k++) {
		time_t seconds = (time_t)(first + k * 86400);
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
		right += is(text_time_iso(text, text + strlen(text), &time), &time, seconds);
	}
	CHECK(right == DAYS, "%d days from 1569 on", right);
}

/* What text_time_print writes is what strftime does; where that ends, what is known. */
static void check_printed(void)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} far[] = { { -62167219200, "0000-01-01T00:00:00Z" },
		{ -62167219201, "-0001-12-31T23:59:59Z" }, { 253402300799, "9999-12-31T23:59:59Z" },
		{ 253402300800, "+10000-01-01T00:00:00Z" },
		{ INT64_MAX, "+292277026596-12-04T15:30:07Z" },
		{ INT64_MIN, "-292277022657-01-27T08:29:52Z" } };
	char text[TEXT_TIME_SIZE], want[MAX_TEXT];
	int right = 0;

	for (int64_t k = 0; k < DAYS; k++) {
		time_t seconds = (time_t)((k - DAYS / 2) * 86400 + k * 7919 % 86400);
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		text_time_print(seconds, text);
		right += strcmp(text, want) == 0;
	}
	CHECK(right == DAYS, "%d days printed", right);
	for (size_t k = 0; k < sizeof(far) / sizeof(*far); k++) {
		text_time_print(far[k].seconds, text);
		CHECK(strcmp(text, far[k].text) == 0, "'%s' is '%s'", text, far[k].text);
	}
}

/* How strftime writes them, and what reads that. NULL: text_time_iso. */
static const struct {
	const char *written, *pattern;
} forms[] = {
	{ "%Y-%m-%dT%H:%M:%SZ", NULL },
	{ "%Y-%m-%d %H:%M:%S", NULL },
	{ "%Y-%m-%dT%H:%M:%S+00:00", NULL },
	{ "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S" },
	{ "%a %b %e %T %Y", "%a %b %e %T %Y" },
	{ "%A, %d %B %Y %I:%M:%S %p", "%A, %d %B %Y %I:%M:%S %p" },
	{ "%Y %j %R:%S", "%Y %j %R:%S" },
	{ "%Y%m%d%H%M%S", "%Y%m%d%H%M%S" },
	{ "%F %T +0000", "%F %T %z" },
};

static void check_moments(void)
{
	struct rng rng;

	rng_start(&rng, 1, RNG_TEST, 3, 0);
	for (size_t f = 0; f < sizeof(forms) / sizeof(*forms); f++) {
		int right = 0;

		for (int k = 0; k < MOMENTS; k++) {
			time_t seconds = (time_t)rng_below(&rng, UINT32_MAX) - INT32_MAX;
			const char *pattern = forms[f].pattern, *why;
			struct text_time time;
			char text[MAX_TEXT];
			struct tm tm;
			size_t n;

			gmtime_r(&seconds, &tm);
			n = strftime(text, sizeof(text), forms[f].written, &tm);
			why = pattern ? text_time_pattern(pattern, text, text + n, &time)
				      : text_time_iso(text, text + n, &time);
			right += is(why, &time, seconds);
		}
		CHECK(right == MOMENTS, "%d moments as %s", right, forms[f].written);
	}
}

static void check_years_of_two_digits(void)
{
	static const char text[] = "6968";
	struct text_time a, b;

	CHECK(!text_time_pattern("%y", text, text + 2, &a) &&
			!text_time_pattern("%y", text + 2, text + 4, &b) &&
			a.seconds == -31536000 && b.seconds == INT64_C(3092601600),
		"69 is 1969, 68 is 2068 (POSIX)");
}

/* Every beginning of a time that is none itself, and one byte too many. */
static void check_cuts(void)
{
	static const char whole[] = "2014-04-07T10:51:09.25+02:00";
	const size_t good[] = { 10, 16, 19, 21, 22, 25, 28 };
	struct text_time time;
	unsigned right = 0;

	for (size_t n = 0; n < sizeof(whole); n++) {
		bool expected = false;

		for (size_t k = 0; k < sizeof(good) / sizeof(*good); k++)
			expected = expected || good[k] == n;
		right += !text_time_iso(whole, whole + n, &time) == expected;
	}
	CHECK(right == sizeof(whole), "cuts of '%s'", whole);
	CHECK(!text_time_iso(whole, whole + 22, &time) && time.cut, "its fraction is cut");
}

static void check_unix(void)
{
	static const struct {
		const char *text;
		bool good, cut;
		int64_t seconds;
	} cases[] = {
		{ "0", true, false, 0 },
		{ "-9223372036854775808", true, false, INT64_MIN },
		{ "9223372036854775807.000", true, false, INT64_MAX },
		{ "1.50", true, true, 1 },
		{ "-0.1", true, true, 0 },
		{ "9223372036854775808", false, false, 0 },
		{ "-9223372036854775809", false, false, 0 },
		{ "", false, false, 0 },
		{ "-", false, false, 0 },
		{ ".5", false, false, 0 },
		{ "1.", false, false, 0 },
		{ "+1", false, false, 0 },
		{ "1e9", false, false, 0 },
		{ " 1", false, false, 0 },
	};

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		const char *text = cases[k].text;
		struct text_time time = { 0 };
		bool good = !text_time_unix(text, text + strlen(text), &time);

		CHECK(good == cases[k].good && time.seconds == cases[k].seconds &&
				time.cut == cases[k].cut,
			"'%s' as seconds", text);
	}
}

int main(void)
{
	check_days();
	check_moments();
	check_years_of_two_digits();
	check_cuts();
	check_unix();
	check_printed();
	return CHECK_EXIT;
}
