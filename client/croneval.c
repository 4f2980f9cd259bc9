/*
 * croneval: see croneval.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "client/croneval.h"

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

struct times {
	uint64_t	bits[FIELDS];
	bool		star[FIELDS];	/* it begins with * */
};

static const int low[] = { 0, 0, 1, 1, 0 }, high[] = { 59, 23, 31, 12, 7 };

/* A number or a name; *s moves behind it.  -1: it is none. */
static int
value_read(const char **s, int field)
{
	static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec", days[] = "sunmontuewedthufrisat";
	const char *names = field == MONTH ? months : field == WEEKDAY ? days : "";
	char *end;
	long n;

	for (int i = 0; names[i]; i += 3) {
		if (strncasecmp(names + i, *s, 3) == 0) {
			*s += 3;
			return i / 3 + low[field];
		}
	}
	if (**s < '0' || **s > '9')
		return -1;
	n = strtol(*s, &end, 10);
	*s = end;
	return n > high[field] ? -1 : (int)n;
}

/* One element of a list. */
static int
range_read(const char **s, int field, uint64_t *bits)
{
	int from = low[field], to = high[field], step = 1;
	char *end;

	if (**s == '*') {
		++*s;
		/* 7 is Sunday again, and in no range of all. */
		to -= field == WEEKDAY;
	} else {
		from = to = value_read(s, field);
		if (from >= 0 && **s == '-') {
			++*s;
			to = value_read(s, field);
		}
	}
	if (from < low[field] || to < from)
		return -EINVAL;
	if (**s == '/') {
		step = (int)strtol(*s + 1, &end, 10);
		*s = end;
		if (step < 1)
			return -EINVAL;
	}
	for (int i = from; i <= to; i += step)
		*bits |= (uint64_t)1 << (field == WEEKDAY ? i % 7 : i);
	return 0;
}

static int
times_read(const char *s, struct times *t)
{
	memset(t, 0, sizeof(*t));
	for (int field = 0; field < FIELDS; field++) {
		s += strspn(s, " \t");
		t->star[field] = *s == '*';
		for (;;) {
			if (range_read(&s, field, &t->bits[field]) < 0)
				return -EINVAL;
			if (*s != ',')
				break;
			s++;
		}
		if (*s != ' ' && *s != '\t' && *s != '\0')
			return -EINVAL;
	}
	return s[strspn(s, " \t")] == '\0' ? 0 : -EINVAL;
}

static bool
day_matches(const struct times *t, const struct tm *tm)
{
	bool day = (t->bits[DAY] >> tm->tm_mday & 1) != 0;
	bool weekday = (t->bits[WEEKDAY] >> tm->tm_wday & 1) != 0;

	if (!(t->bits[MONTH] >> (tm->tm_mon + 1) & 1))
		return false;
	return t->star[DAY] || t->star[WEEKDAY] ? day && weekday : day || weekday;
}

static bool
matches(const struct times *t, const struct tm *tm)
{
	return (t->bits[MINUTE] >> tm->tm_min & 1) && (t->bits[HOUR] >> tm->tm_hour & 1) &&
	    day_matches(t, tm);
}

/* What the clock shows, as if it were UTC: for differences. */
static int64_t
shown(int64_t at, struct tm *tm)
{
	time_t seconds = (time_t)at;

	localtime_r(&seconds, tm);
	return at + tm->tm_gmtoff;
}

/* Did the clock show this minute before? */
static bool
comes_again(int64_t at, int64_t wall)
{
	struct tm tm;
	int64_t before = shown(at - 3 * 3600, &tm) - (at - 3 * 3600), now = wall - at;

	return now < before && shown(at - (before - now), &tm) == wall;
}

/* Has the clock just jumped over a minute that matches? */
static bool
jumped_over(const struct times *t, int64_t at, int64_t wall)
{
	struct tm tm;
	int64_t w = shown(at - 60, &tm) + 60;

	if (wall - w > 3 * 3600)
		return false;
	for (; w < wall; w += 60) {
		time_t seconds = (time_t)w;

		gmtime_r(&seconds, &tm);
		if (matches(t, &tm))
			return true;
	}
	return false;
}

int
croneval(const char *fields, int64_t after, int64_t until, int64_t *ret, size_t max)
{
	struct times t;
	bool fixed;
	size_t n = 0;

	if (times_read(fields, &t) < 0)
		return -EINVAL;
	fixed = !t.star[MINUTE] && !t.star[HOUR];
	for (int64_t at = (after / 60 + 1) * 60; at <= until && n < max; at += 60) {
		struct tm tm;
		int64_t wall = shown(at, &tm);

		/* A day that does not match is passed over, but for its end: no clock jumps further. */
		if (!day_matches(&t, &tm) && tm.tm_hour > 3 && tm.tm_hour < 20) {
			at += (20 - tm.tm_hour) * 3600 - tm.tm_min * 60 - 60;
			continue;
		}
		if ((matches(&t, &tm) && !(fixed && comes_again(at, wall))) ||
		    (fixed && jumped_over(&t, at, wall)))
			ret[n++] = at;
	}
	return (int)n;
}
