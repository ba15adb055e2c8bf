/*
 * text_time: seconds since 1970-01-01 UTC from text. Never the local zone: a time without a zone is
 * UTC.
 *
 *   unix     a decimal number of seconds, or of any unit: 881250949, -1.5
 *   iso      ISO 8601, the extended form: a date, or date and time with 'T' or a blank between;
 *            seconds and their fraction may be left out, so may the zone (Z, +hh, +hhmm, +hh:mm)
 *   pattern  as strptime: %Y %y %m %d %e %j %H %I %M %S %p %b %B %h %a %A %z %Z %s %f %F %T %D %R
 *            %n %t %%
 *
 * Fractions of a second are cut. Days follow the Gregorian calendar (days_from_civil, H. Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms"); a second 60 is the next minute's 0.
 */
#ifndef TEXT_TIME_H
#define TEXT_TIME_H

#include <stdbool.h>
#include <stdint.h>

enum time_form { TIME_UNIX, TIME_ISO, TIME_PATTERN };

/* A moment, and whether a fraction other than 0 was cut. */
struct text_time {
	int64_t seconds;
	bool cut;
};

/* Read all of the text from `at` to `end`; NULL, or why it is no time: "is not a date". */
const char *text_time_unix(const char *at, const char *end, struct text_time *time);
const char *text_time_iso(const char *at, const char *end, struct text_time *time);
const char *text_time_pattern(
	const char *pattern, const char *at, const char *end, struct text_time *time);

/* NULL, or what is wrong with a pattern. */
const char *text_time_check_pattern(const char *pattern);

/* Write a moment in ISO 8601, "1998-04-22T23:10:38Z"; years beyond 0..9999 have a sign. */
enum { TEXT_TIME_SIZE = 40 };
void text_time_print(int64_t seconds, char text[TEXT_TIME_SIZE]);

#endif
