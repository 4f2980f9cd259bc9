/*
 * pattern: a set of wall-clock times, and the search for the first of them after another.  It
 * is what both syntaxes, cron.h and calendar.h, are read into.
 *
 * Wall clock means civil time: no zone is known here.  Somebody else maps wall times to
 * instants and applies the rules of daylight saving, for which pattern_fixed() is the hint.
 * Pure functions: no clock, no file, nothing global; a pattern does not change once it is read.
 */
#ifndef SCHEDULER_PATTERN_H
#define SCHEDULER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/civil.h"

/* No pattern matches outside these years; systemd's bounds, too. */
#define PATTERN_YEAR_MIN	1970
#define PATTERN_YEAR_MAX	2199

/* Bytes of an expression in either syntax, without the NUL. */
#define PATTERN_TEXT_MAX	1024

/*
 * Elements of the seconds of a calendar expression that are not whole: they are searched one
 * by one.  All other fields are bits, however long their lists.
 */
#define PATTERN_FRACTIONS_MAX	240

struct pattern;

/* Why an expression was refused; valid after an error only. */
struct pattern_error {
	size_t	 at;			/* the byte of the text that it begins at */
	char	 text[160];		/* "hour 24: 0 to 23"; printable ASCII */
};

/*
 * The first match strictly after a civil time (microseconds count), or false when there is none
 * up to PATTERN_YEAR_MAX.  after is a valid civil time of any year; ret may be after, and is
 * untouched on false.  Field by field: the work is bounded by the months up to the bound.
 */
bool pattern_next(const struct pattern *p, const struct civil *after, struct civil *ret);

/* Is this very microsecond in the set?  Shares nothing with the search, so as to check it. */
bool pattern_matches(const struct pattern *p, const struct civil *c);

/*
 * Does it name times of day, as opposed to a rhythm?  True when both the minute and the hour
 * are restricted.  A field is not restricted when it begins with `*`, or with a repeat from 0
 * without an end (`0/n`, the same as cron's `*` with a step); what else its list has does not
 * matter.  Seconds and days do not matter either.
 *
 *	fixed		30 2 * * *	0 2,14 * * *	0 0-23/2 * * *	daily	*-*-* 02:30
 *	a rhythm	0 * * * *	0 0/2 * * *	minutely, hourly	*-*-* 00/2:00
 *
 * A fixed pattern is meant to fire once for each wall time; a rhythm at every real minute that
 * matches, be it shown twice or never by the clock on the wall.
 */
bool pattern_fixed(const struct pattern *p);

void pattern_free(struct pattern *p);		/* NULL is fine */

#endif
