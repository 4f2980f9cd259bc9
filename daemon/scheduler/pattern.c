/*
 * pattern: see pattern.h.  The search goes from the large to the small: the first month that
 * has a matching day, its days being the bits of a word; then the first hour, minute and
 * second of that day.  Since every day has the same matching times, and at least one, a day
 * found is a match found; at most one more has to be looked for.  So the price is a word's
 * work for each month passed over, 2760 of them at the most.
 */
#include "daemon/scheduler/pattern-internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "proto/mem.h"

_Static_assert(sizeof(struct pattern) <= 128, "a job in memory may hold one");

const char *const pattern_months[] = {
	"January", "February", "March", "April", "May", "June", "July", "August", "September",
	"October", "November", "December",
};

const char *const pattern_weekdays[] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

struct pattern *
pattern_new(void)
{
	struct pattern *p = xcalloc(1, sizeof(*p));

	p->days = (uint32_t)PATTERN_DAYS;
	p->months = (uint16_t)PATTERN_MONTHS;
	p->weekdays = (uint8_t)PATTERN_WEEKDAYS;
	for (int64_t y = PATTERN_YEAR_MIN; y <= PATTERN_YEAR_MAX; y++)
		pattern_year_set(p, y);
	return p;
}

void
pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	free(p->fractions);
	free(p);
}

void
pattern_year_set(struct pattern *p, int64_t year)
{
	uint64_t i = (uint64_t)(year - PATTERN_YEAR_MIN);

	MUST(i < PATTERN_YEARS);
	p->years[i / 64] |= UINT64_C(1) << i % 64;
}

void
pattern_fraction_add(struct pattern *p, const struct pattern_fraction *f)
{
	MUST(p->fractions_n < PATTERN_FRACTIONS_MAX);
	MUST(f->first >= 0 && f->last >= f->first && f->last < MINUTE_USEC && f->step > 0);
	p->fractions = xrealloc(p->fractions, (p->fractions_n + 1u) * sizeof(*f));
	p->fractions[p->fractions_n++] = *f;
}

bool
pattern_fixed(const struct pattern *p)
{
	return p->fixed;
}

/* ---- the search ---- */

/* The lowest bit that is set, of those from `from` on; 64 if there is none. */
static int
bit_from(uint64_t bits, int from)
{
	bits &= from < 64 ? UINT64_MAX << from : 0;
	return bits != 0 ? __builtin_ctzll(bits) : 64;
}

/* The first year that is set, from y on; one beyond PATTERN_YEAR_MAX if there is none. */
static int64_t
year_from(const struct pattern *p, int64_t y)
{
	int64_t i = y - PATTERN_YEAR_MIN;

	for (; i < PATTERN_YEARS; i = (i / 64 + 1) * 64) {
		int bit = bit_from(p->years[i / 64], (int)(i % 64));

		if (bit < 64)
			return PATTERN_YEAR_MIN + i / 64 * 64 + bit;
	}
	return PATTERN_YEAR_MAX + 1;
}

/* The weekday of a day of a month whose first day's weekday is known. */
static int
weekday_of(int day, int first)
{
	return (first + day - 1) % 7;
}

/* The Monday-to-Friday nearest to a day, within its month of n days. */
static int
day_near(int day, int n, int first)
{
	switch (weekday_of(day, first)) {
	case 6:
		return day > 1 ? day - 1 : day + 2;
	case 0:
		return day < n ? day + 1 : day - 2;
	default:
		return day;
	}
}

/* The days of a month of n days (bit 1 is its first) that match the rules for days of the month. */
static uint64_t
days_of_month(const struct pattern *p, int n, int first)
{
	uint64_t days = p->days;

	for (uint32_t last = p->days_last; last != 0; last &= last - 1) {
		int day = n + 1 - __builtin_ctz(last);

		days |= day > 0 ? UINT64_C(1) << day : 0;
	}
	for (uint32_t near = p->days_near; near != 0; near &= near - 1) {
		int day = __builtin_ctz(near);

		if (day <= n)
			days |= UINT64_C(1) << day_near(day > 0 ? day : n, n, first);
	}
	return days;
}

/* The same for the weekdays. */
static uint64_t
days_of_week(const struct pattern *p, int n, int first)
{
	uint64_t turned = (uint64_t)p->weekdays | (uint64_t)p->weekdays << 7, days;

	/* Bit 1 is the weekday of the first; then the week repeats. */
	turned = (turned >> first & PATTERN_WEEKDAYS) << 1;
	days = turned | turned << 7 | turned << 14 | turned << 21 | turned << 28;
	for (int w = 0; p->nth && w < 7; w++) {
		int day = 1 + (w - first + 7) % 7;

		for (int nth = 1; day <= n; day += 7, nth++) {
			if ((p->weekdays_nth[w] >> nth & 1) != 0 ||
			    ((p->weekdays_nth[w] & 1) != 0 && day + 7 > n))
				days |= UINT64_C(1) << day;
		}
	}
	return days;
}

/* The matching days of a month, as bits from 1 on. */
static uint64_t
month_days(const struct pattern *p, int64_t year, int month)
{
	int n = civil_month_days(year, month);
	int first = civil_weekday(civil_days(year, month, 1));
	uint64_t of_month = days_of_month(p, n, first), of_week = days_of_week(p, n, first);

	return (p->either ? of_month | of_week : of_month & of_week) & ((UINT64_C(2) << n) - 2);
}

/*
 * The first matching date from that of c on, whose day may lie one beyond the month's end.  When
 * it is another one, c becomes its midnight.
 */
static bool
date_find(const struct pattern *p, struct civil *c)
{
	for (int64_t y = year_from(p, c->year); y <= PATTERN_YEAR_MAX; y = year_from(p, y + 1)) {
		int from = y == c->year ? c->month : 1;

		for (int m = bit_from(p->months, from); m < 64; m = bit_from(p->months, m + 1)) {
			bool same = y == c->year && m == c->month;
			int day = bit_from(month_days(p, y, m), same ? c->day : 1);

			if (day < 64 && same && day == c->day)
				return true;
			if (day < 64) {
				*c = (struct civil){ .year = y, .month = m, .day = day };
				return true;
			}
		}
	}
	return false;
}

/* The first matching microsecond of the minute, from that of c on. */
static bool
second_find(const struct pattern *p, struct civil *c)
{
	int second = bit_from(p->seconds, c->usec > 0 ? c->second + 1 : c->second);
	int32_t from = c->second * SECOND_USEC + c->usec;
	int32_t found = second < 60 ? second * SECOND_USEC : MINUTE_USEC;

	for (size_t i = 0; i < p->fractions_n; i++) {
		const struct pattern_fraction *f = &p->fractions[i];
		int32_t at = f->first;

		if (at < from)
			at += (from - at + f->step - 1) / f->step * f->step;
		if (at <= f->last && at < found)
			found = at;
	}
	if (found == MINUTE_USEC)
		return false;
	c->second = found / SECOND_USEC;
	c->usec = found % SECOND_USEC;
	return true;
}

/* The first matching time of day, from that of c on. */
static bool
time_find(const struct pattern *p, struct civil *c)
{
	int hour = bit_from(p->hours, c->hour), minute = 0;

	if (hour == c->hour) {
		minute = bit_from(p->minutes, c->minute);
		if (minute == c->minute) {
			if (second_find(p, c))
				return true;
			minute = bit_from(p->minutes, c->minute + 1);
		}
		if (minute == 64)
			hour = bit_from(p->hours, c->hour + 1);
	}
	if (hour == 64)
		return false;
	c->minute = hour == c->hour ? minute : bit_from(p->minutes, 0);
	c->hour = hour;
	c->second = c->usec = 0;
	return second_find(p, c);
}

/* One microsecond on; the day may come to lie one beyond the month's end. */
static void
civil_step(struct civil *c)
{
	if (++c->usec < SECOND_USEC)
		return;
	c->usec = 0;
	if (++c->second < 60)
		return;
	c->second = 0;
	if (++c->minute < 60)
		return;
	c->minute = 0;
	if (++c->hour < 24)
		return;
	c->hour = 0;
	c->day++;
}

bool
pattern_next(const struct pattern *p, const struct civil *after, struct civil *ret)
{
	struct civil c = *after;

	civil_step(&c);
	if (c.year < PATTERN_YEAR_MIN)
		c = (struct civil){ .year = PATTERN_YEAR_MIN, .month = 1, .day = 1 };
	if (!date_find(p, &c))
		return false;
	if (!time_find(p, &c)) {
		/* The day's last match is past: the next day's first it is. */
		c.day++;
		c.hour = c.minute = c.second = c.usec = 0;
		if (!date_find(p, &c) || !time_find(p, &c))
			return false;
	}
	*ret = c;
	return true;
}

/* ---- matching, written from the meaning of the rules and not from the search ---- */

static bool
is_set(uint64_t bits, int n)
{
	return (bits & UINT64_C(1) << n) != 0;
}

static bool
matches_second(const struct pattern *p, const struct civil *c)
{
	int at = c->second * SECOND_USEC + c->usec;

	if (c->usec == 0 && is_set(p->seconds, c->second))
		return true;
	for (size_t i = 0; i < p->fractions_n; i++) {
		const struct pattern_fraction *f = &p->fractions[i];

		if (at >= f->first && at <= f->last && (at - f->first) % f->step == 0)
			return true;
	}
	return false;
}

/* Is c's day, a Monday to Friday, at most two days from that day and none nearer? */
static bool
is_nearest(const struct civil *c, int64_t days, int day)
{
	int n = civil_month_days(c->year, c->month), distance = abs(c->day - day);

	if (day > n || distance > 2 || civil_weekday(days) % 6 == 0)
		return false;
	for (int other = 1; other <= n; other++) {
		if (abs(other - day) < distance &&
		    civil_weekday(civil_days(c->year, c->month, other)) % 6 != 0)
			return false;
	}
	return true;
}

static bool
matches_day_of_month(const struct pattern *p, const struct civil *c, int64_t days)
{
	int n = civil_month_days(c->year, c->month);

	if (is_set(p->days, c->day) || is_set(p->days_last, n - c->day + 1))
		return true;
	for (int day = 0; p->days_near != 0 && day <= 31; day++) {
		if (is_set(p->days_near, day) && is_nearest(c, days, day == 0 ? n : day))
			return true;
	}
	return false;
}

static bool
matches_weekday(const struct pattern *p, const struct civil *c, int64_t days)
{
	int weekday = civil_weekday(days), nth = (c->day + 6) / 7;
	bool last = c->day > civil_month_days(c->year, c->month) - 7;

	return is_set(p->weekdays, weekday) || is_set(p->weekdays_nth[weekday], nth) ||
	    (last && is_set(p->weekdays_nth[weekday], 0));
}

bool
pattern_matches(const struct pattern *p, const struct civil *c)
{
	bool month, week;
	int64_t days;

	if (!is_set(p->minutes, c->minute) || !is_set(p->hours, c->hour) ||
	    !is_set(p->months, c->month) || !matches_second(p, c))
		return false;
	if (c->year < PATTERN_YEAR_MIN || c->year > PATTERN_YEAR_MAX)
		return false;
	if (!is_set(p->years[(c->year - PATTERN_YEAR_MIN) / 64],
	    (int)((c->year - PATTERN_YEAR_MIN) % 64)))
		return false;
	days = civil_days(c->year, c->month, c->day);
	month = matches_day_of_month(p, c, days);
	week = matches_weekday(p, c, days);
	return p->either ? month || week : month && week;
}

/* ---- what parsers share ---- */

int
pattern_fail(struct pattern_error *error, size_t at, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, ap);
	va_end(ap);
	error->at = at;
	return -EINVAL;
}

const char *
pattern_quote(const char *text, size_t length, char out[PATTERN_QUOTE_MAX])
{
	bool cut = length > PATTERN_QUOTE_MAX - 1;
	size_t n = cut ? PATTERN_QUOTE_MAX - 4 : length;

	for (size_t i = 0; i < n; i++)
		out[i] = text[i] >= ' ' && text[i] <= '~' && text[i] != '"' ? text[i] : '?';
	(void)strcpy(out + n, cut ? "..." : "");
	return out;
}

int
pattern_number_take(const char **text)
{
	int value = 0;

	MUST(**text >= '0' && **text <= '9');
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		value = value * 10 + (**text - '0');
		if (value > PATTERN_NUMBER_MAX)
			value = PATTERN_NUMBER_MAX + 1;
	}
	return value;
}

const char *
pattern_ordinal(int n)
{
	if (n / 10 == 1)
		return "th";
	return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
}

/* Why no day of a month matches, for a pattern that takes every weekday. */
static int
fail_day(const struct pattern *p, struct pattern_error *error)
{
	int64_t year = year_from(p, PATTERN_YEAR_MIN);
	int day = bit_from(p->days, 1), month = bit_from(p->months, 1);
	bool one_year = year_from(p, year + 1) > PATTERN_YEAR_MAX;

	if (day < 64 && p->days_last == 0 && p->days_near == 0) {
		if ((p->months & (p->months - 1)) != 0)
			return pattern_fail(error, 0, "it never comes: none of its months has a "
			    "%d%s", day, pattern_ordinal(day));
		if (day < 30 && one_year)
			return pattern_fail(error, 0, "it never comes: %s %lld has no %d%s",
			    pattern_months[month - 1], (long long)year, day, pattern_ordinal(day));
		if (day < 30)
			return pattern_fail(error, 0, "it never comes: none of its years has a "
			    "%d%s of %s", day, pattern_ordinal(day), pattern_months[month - 1]);
		return pattern_fail(error, 0, "it never comes: %s has no %d%s",
		    pattern_months[month - 1], day, pattern_ordinal(day));
	}
	return pattern_fail(error, 0, "it never comes: its months are shorter than its days ask");
}

int
pattern_check_comes(const struct pattern *p, struct pattern_error *error)
{
	static const struct civil before = {
		.year = PATTERN_YEAR_MIN - 1, .month = 12, .day = 31,
		.hour = 23, .minute = 59, .second = 59, .usec = SECOND_USEC - 1,
	};
	struct pattern any = *p;
	struct civil c, d;

	if (pattern_next(p, &before, &c))
		return 0;
	/* Which of the two is it: the day itself, or the weekday it falls on? */
	any.weekdays = (uint8_t)PATTERN_WEEKDAYS;
	if (!pattern_next(&any, &before, &c))
		return fail_day(p, error);
	d = c;
	d.hour = 23;
	d.minute = d.second = 59;
	d.usec = SECOND_USEC - 1;
	if (pattern_next(&any, &d, &d))
		return pattern_fail(error, 0,
		    "it never comes: its days never fall on its weekdays");
	return pattern_fail(error, 0, "it never comes: %04lld-%02d-%02d is a %s", (long long)c.year,
	    c.month, c.day, pattern_weekdays[civil_weekday(civil_days(c.year, c.month, c.day))]);
}
