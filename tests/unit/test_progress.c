/* How numbers and times of the progress line are written. The line itself: tests/progress.bats. */
#include "base/progress.h"
#include "check.h"

#include <string.h>

static void counts(void)
{
	static const struct {
		double count;
		const char *text;
	} cases[] = { { 0, "0" }, { 0.25, "0.25" }, { 2.7182, "2.72" }, { 99, "99" },
		{ 990, "990" }, { 9999, "9999" }, { 9999.6, "10.0 k" }, { 12345, "12.3 k" },
		{ 99940, "99.9 k" }, { 99960, "100 k" }, { 999400, "999 k" }, { 999600, "1.00 M" },
		{ 4564999, "4.56 M" }, { 2.5e9, "2.50 G" }, { 1e12, "1.00 T" },
		{ 5e15, "5000 T" } };
	char text[PROGRESS_NUMBER];

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++)
		CHECK(strcmp(progress_count(cases[k].count, text), cases[k].text) == 0,
			"%.10g is %s, expected %s", cases[k].count, text, cases[k].text);
}

static void times(void)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = { { 0, "0.0 s" }, { 4.24, "4.2 s" }, { 9.96, "10 s" }, { 42, "42 s" },
		{ 99.4, "99 s" }, { 99.6, "2 min" }, { 1020, "17 min" }, { 5960, "99 min" },
		{ 5980, "1.66 h" }, { 360000, "100 h" } };
	char text[PROGRESS_NUMBER];

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++)
		CHECK(strcmp(progress_time(cases[k].seconds, text), cases[k].text) == 0,
			"%g seconds are %s, expected %s", cases[k].seconds, text, cases[k].text);
}

int main(void)
{
	counts();
	times();
	return CHECK_EXIT;
}
