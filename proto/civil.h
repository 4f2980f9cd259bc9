/*
 * civil: the proleptic Gregorian calendar, in whole days and without a zone.  A civil time is
 * what a clock on the wall shows; a wall second counts the seconds of such a clock since
 * 1970-01-01 00:00:00 on that clock.  Pure functions; no limits but those of int64_t for
 * years from 0 on.
 */
#ifndef PROTO_CIVIL_H
#define PROTO_CIVIL_H

#include <stdint.h>

struct civil {
	int64_t	 year;
	int	 month, day;		/* from 1 */
	int	 hour, minute, second;
	int	 usec;
};

/* Days since 1970-01-01 of a day; month is 1 to 12, day may lie beyond the month's end. */
int64_t civil_days(int64_t year, int month, int day);

/* The other way round: year, month and day are set, the rest is left. */
void civil_from_days(int64_t days, struct civil *c);

/* How many days a month has: 28 to 31. */
int civil_month_days(int64_t year, int month);

/* 0 is Sunday, 6 is Saturday. */
int civil_weekday(int64_t days);

/* The wall second of a civil time (usec is left out), and the civil time of one (usec 0). */
int64_t civil_to_wall(const struct civil *c);
struct civil civil_of_wall(int64_t wall);

#endif
