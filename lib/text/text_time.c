#include "text/text_time.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What is being read, and how far. */
struct scan {
	const char *at, *end;
};

/* A moment in parts. */
struct civil {
	int64_t year, month, day, hour, minute, second;
	int64_t offset;			     /* of the zone, in seconds east */
	int64_t day_of_year;		     /* 0: not given */
	int64_t epoch;			     /* %s */
	bool has_epoch, has_half, afternoon; /* %s; %p */
	bool cut;
};

static const char *const month_names[] = { "january", "february", "march", "april", "may", "june",
	"july", "august", "september", "october", "november", "december" };
static const char *const day_names[] = { "monday", "tuesday", "wednesday", "thursday", "friday",
	"saturday", "sunday" };

static const char no_date[] = "is not a date that exists";

/* Days since 1970-01-01 (Hinnant): years begin in March, so that the leap day is their last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_in(int64_t year, int64_t month)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

static const char *finish(const struct civil *c, struct text_time *time)
{
	int64_t day = c->day, month = c->month, hour = c->hour;

	if (c->has_epoch) {
		*time = (struct text_time){ c->epoch, c->cut };
		return NULL;
	}
	if (c->has_half) {
		if (hour < 1 || hour > 12)
			return "has no hour from 1 to 12";
		hour = hour % 12 + 12 * c->afternoon;
	}
	if (c->day_of_year) {
		if (c->day_of_year > 365 + is_leap(c->year))
			return no_date;
		month = 1;
		day = c->day_of_year;
	} else if (month < 1 || month > 12 || day < 1 || day > days_in(c->year, month)) {
		return no_date;
	}
	if (hour > 23 || c->minute > 59 || c->second > 60)
		return "is not a time of day";
	*time = (struct text_time){ days_of(c->year, month, 1) * 86400 + (day - 1) * 86400 +
					    hour * 3600 + c->minute * 60 + c->second - c->offset,
		c->cut };
	return NULL;
}

/* A number of `least` to `most` digits. */
static bool number(struct scan *s, unsigned least, unsigned most, int64_t *value)
{
	unsigned n = 0;

	for (*value = 0; n < most && s->at < s->end && isdigit((unsigned char)*s->at); n++)
		*value = 10 * *value + (*s->at++ - '0');
	return n >= least;
}

static bool literal(struct scan *s, char c)
{
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static bool one_of(struct scan *s, const char *chars)
{
	if (s->at == s->end || !*s->at || !strchr(chars, *s->at))
		return false;
	s->at++;
	return true;
}

static bool blanks(struct scan *s)
{
	while (one_of(s, " \t"))
		;
	return true;
}

/* The digits of a fraction, of which `cut` says whether one is not 0. */
static bool fraction(struct scan *s, bool *cut)
{
	const char *start = s->at;

	for (; s->at < s->end && isdigit((unsigned char)*s->at); s->at++)
		*cut |= *s->at != '0';
	return s->at > start;
}

/* Z, +hh, +hhmm or +hh:mm. */
static bool zone(struct scan *s, int64_t *offset)
{
	int64_t hours, minutes = 0;
	bool west;

	*offset = 0;
	if (one_of(s, "Zz"))
		return true;
	west = s->at < s->end && *s->at == '-';
	if (!one_of(s, "+-") || !number(s, 2, 2, &hours))
		return false;
	if (s->at < s->end && (*s->at == ':' || isdigit((unsigned char)*s->at))) {
		literal(s, ':');
		if (!number(s, 2, 2, &minutes))
			return false;
	}
	*offset = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return hours <= 23 && minutes <= 59;
}

/* A name, or its first three letters, in any case; its place in the list. */
static bool name(struct scan *s, const char *const *names, unsigned num, int64_t *place)
{
	size_t left = (size_t)(s->end - s->at);

	for (unsigned k = 0; k < num; k++) {
		size_t length = strlen(names[k]);

		if (left < length || strncasecmp(s->at, names[k], length) != 0)
			length = 3;
		if (left < length || strncasecmp(s->at, names[k], length) != 0)
			continue;
		s->at += length;
		*place = k;
		return true;
	}
	return false;
}

const char *text_time_unix(const char *at, const char *end, struct text_time *time)
{
	bool negative = at < end && *at == '-';
	uint64_t value = 0, most = (uint64_t)INT64_MAX + negative;
	struct scan s = { at + negative, end };
	const char *digits = s.at;
	bool cut = false;

	for (; s.at < end && isdigit((unsigned char)*s.at); s.at++) {
		unsigned digit = (unsigned)(*s.at - '0');

		if (value > (most - digit) / 10)
			return "is out of range";
		value = 10 * value + digit;
	}
	if (s.at == digits || (literal(&s, '.') && !fraction(&s, &cut)) || s.at != end)
		return "is not a number of seconds";
	*time = (struct text_time){ (int64_t)(negative ? 0 - value : value), cut };
	return NULL;
}

/* hh:mm[:ss[.fraction]][zone] */
static bool iso_time_of_day(struct scan *s, struct civil *c)
{
	if (!number(s, 2, 2, &c->hour) || !literal(s, ':') || !number(s, 2, 2, &c->minute))
		return false;
	if (literal(s, ':')) {
		if (!number(s, 2, 2, &c->second))
			return false;
		if (one_of(s, ".,") && !fraction(s, &c->cut))
			return false;
	}
	return s->at == s->end || zone(s, &c->offset);
}

const char *text_time_iso(const char *at, const char *end, struct text_time *time)
{
	struct scan s = { at, end };
	struct civil c = { 0 };

	if (!number(&s, 4, 4, &c.year) || !literal(&s, '-') || !number(&s, 2, 2, &c.month) ||
		!literal(&s, '-') || !number(&s, 2, 2, &c.day) ||
		(one_of(&s, "Tt ") && !iso_time_of_day(&s, &c)) || s.at != end)
		return "is not a date of ISO 8601";
	return finish(&c, time);
}

/* What stands for a longer pattern; NULL: nothing. */
static const char *expansion(char conversion)
{
	switch (conversion) {
	case 'F':
		return "%Y-%m-%d";
	case 'T':
		return "%H:%M:%S";
	case 'D':
		return "%m/%d/%y";
	case 'R':
		return "%H:%M";
	default:
		return NULL;
	}
}

static bool epoch(struct scan *s, struct civil *c)
{
	const char *start = s->at;
	struct text_time time;

	literal(s, '-');
	while (s->at < s->end && isdigit((unsigned char)*s->at))
		s->at++;
	c->has_epoch = !text_time_unix(start, s->at, &time);
	if (c->has_epoch)
		c->epoch = time.seconds;
	return c->has_epoch;
}

static bool convert_date(struct scan *s, char conversion, struct civil *c)
{
	int64_t weekday;

	switch (conversion) {
	case 'Y':
		return number(s, 4, 4, &c->year);
	case 'y': /* POSIX: 69 is 1969, 68 is 2068 */
		if (!number(s, 2, 2, &c->year))
			return false;
		c->year += c->year < 69 ? 2000 : 1900;
		return true;
	case 'm':
		return number(s, 1, 2, &c->month);
	case 'b':
	case 'B':
	case 'h':
		if (!name(s, month_names, 12, &c->month))
			return false;
		c->month++;
		return true;
	case 'a':
	case 'A':
		return name(s, day_names, 7, &weekday);
	case 'j':
		return number(s, 1, 3, &c->day_of_year) && c->day_of_year > 0;
	default: /* d, e */
		literal(s, ' ');
		return number(s, 1, 2, &c->day);
	}
}

static bool convert_time(struct scan *s, char conversion, struct civil *c)
{
	switch (conversion) {
	case 'H':
	case 'I':
		return number(s, 1, 2, &c->hour);
	case 'M':
		return number(s, 1, 2, &c->minute);
	case 'S':
		return number(s, 1, 2, &c->second);
	case 'f':
		return fraction(s, &c->cut);
	case 'p':
		c->has_half = true;
		c->afternoon = s->at < s->end && (*s->at == 'P' || *s->at == 'p');
		return one_of(s, "AaPp") && one_of(s, "Mm");
	case 'z':
		return zone(s, &c->offset);
	case 'Z': /* the names that mean one thing everywhere */
		if (s->end - s->at < 3 ||
			(strncasecmp(s->at, "UTC", 3) && strncasecmp(s->at, "GMT", 3)))
			return one_of(s, "Zz");
		s->at += 3;
		return true;
	default: /* s */
		return epoch(s, c);
	}
}

/* Read by a pattern, as far as the pattern goes. */
static bool by_pattern(const char *pattern, struct scan *s, struct civil *c)
{
	for (const char *p = pattern; *p; p++) {
		if (*p == '%' && *++p != '%') {
			const char *longer = expansion(*p);
			bool fits = longer			? by_pattern(longer, s, c)
				    : strchr("nt", *p)		? blanks(s)
				    : strchr("YymbBhaAjde", *p) ? convert_date(s, *p, c)
								: convert_time(s, *p, c);
			if (!fits)
				return false;
		} else if (!literal(s, *p)) {
			return false;
		}
	}
	return true;
}

const char *text_time_pattern(
	const char *pattern, const char *at, const char *end, struct text_time *time)
{
	struct scan s = { at, end };
	struct civil c = { .year = 1970, .month = 1, .day = 1 };

	if (!by_pattern(pattern, &s, &c) || s.at != end)
		return "does not fit --time-format";
	return finish(&c, time);
}

const char *text_time_check_pattern(const char *pattern)
{
	bool year = false;

	for (const char *p = pattern; *p; p++) {
		if (*p != '%')
			continue;
		if (!*++p || !strchr("YymbBhaAjdeHIMSfpzZsFTDRnt%", *p))
			return "has a conversion other than %Y %y %m %d %e %j %H %I %M %S %p %b %B %h %a %A %z %Z "
			       "%s %f %F %T %D %R %n %t %%";
		year |= strchr("YysFD", *p) != NULL;
	}
	return year ? NULL : "has no year (%Y, %y, %F, %D) and no %s";
}

/* The inverse of days_of: in eras of 400 years, each of which begins with a March (Hinnant). */
void text_time_print(int64_t seconds, char text[TEXT_TIME_SIZE])
{
	const int64_t day = seconds / 86400 - (seconds % 86400 < 0), in_day = seconds - day * 86400;
	const int64_t shifted = day + 719468,
		      era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	const int64_t of_era = shifted - era * 146097;
	const int64_t year =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365; /* of the era */
	const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	const int64_t march = (5 * of_year + 2) / 153, month = march + (march < 10 ? 3 : -9);
	const int64_t y = year + era * 400 + (month <= 2);

	snprintf(text, TEXT_TIME_SIZE,
		y < 0 || y > 9999 ? "%+05" PRId64 "-%02d-%02dT%02d:%02d:%02dZ"
				  : "%04" PRId64 "-%02d-%02dT%02d:%02d:%02dZ",
		y, (int)month, (int)(of_year - (153 * march + 2) / 5 + 1), (int)(in_day / 3600),
		(int)(in_day / 60 % 60), (int)(in_day % 60));
}
