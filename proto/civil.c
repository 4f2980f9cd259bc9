/*
 * civil: see civil.h.  The calendar is counted here and not asked of the C library, because
 * timegm() follows no limits and knows no zone but the process's.
 */
#include "proto/civil.h"

#include <stdbool.h>

/* 0000-03-01 to 1970-01-01, and an era of 400 years, in days. */
#define DAYS_TO_EPOCH	719468
#define ERA_DAYS	146097

#define DAY_SECONDS	86400

/* Years are counted from March on, so that the leap day comes last. */
int64_t
civil_days(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_EPOCH;
}

void
civil_from_days(int64_t days, struct civil *c)
{
	int64_t z = days + DAYS_TO_EPOCH;
	int64_t era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
	int64_t of_era = z - era * ERA_DAYS;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	c->day = (int)(of_year - (153 * m + 2) / 5 + 1);
	c->month = (int)(m < 10 ? m + 3 : m - 9);
	c->year = y + era * 400 + (c->month <= 2);
}

int
civil_month_days(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

int
civil_weekday(int64_t days)
{
	/* 1970-01-01 was a Thursday. */
	int64_t w = (days + 4) % 7;

	return (int)(w < 0 ? w + 7 : w);
}

int64_t
civil_to_wall(const struct civil *c)
{
	return civil_days(c->year, c->month, c->day) * DAY_SECONDS + c->hour * 3600 +
	    c->minute * 60 + c->second;
}

struct civil
civil_of_wall(int64_t wall)
{
	int64_t days = wall / DAY_SECONDS, rest = wall % DAY_SECONDS;
	struct civil c = { 0 };

	if (rest < 0) {
		rest += DAY_SECONDS;
		days--;
	}
	civil_from_days(days, &c);
	c.hour = (int)(rest / 3600);
	c.minute = (int)(rest / 60 % 60);
	c.second = (int)(rest % 60);
	return c;
}
