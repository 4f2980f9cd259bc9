/*
 * when: see when.h.  Local time (instant_parse_human) is the C library's, since it is the
 * caller's zone.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proto/buf.h"
#include "proto/civil.h"
#include "proto/mem.h"
#include "proto/when.h"

/* The last microsecond of the year 9999. */
#define INSTANT_MAX	(2932897 * USEC_DAY - 1)

const char *
instant_print(instant i, char out[WHEN_TEXT_MAX])
{
	int64_t days = i.usec / USEC_DAY, rest = i.usec % USEC_DAY;
	int64_t seconds;
	struct civil c;

	if (rest < 0) {
		rest += USEC_DAY;
		days--;
	}
	civil_from_days(days, &c);
	seconds = rest / USEC_SEC;
	(void)snprintf(out, WHEN_TEXT_MAX, "%04lld-%02d-%02dT%02d:%02d:%02d.%06dZ",
	    (long long)c.year, c.month, c.day, (int)(seconds / 3600), (int)(seconds / 60 % 60),
	    (int)(seconds % 60), (int)(rest % USEC_SEC));
	return out;
}

/* Exactly n digits at *p as a number, *p after them; or -1. */
static int
digits_take(const char **p, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if ((*p)[i] < '0' || (*p)[i] > '9')
			return -1;
		value = value * 10 + ((*p)[i] - '0');
	}
	*p += n;
	return value;
}

/* The character c at *p; *p after it. */
static bool
char_take(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* After the point: at least one digit; what is below a microsecond is cut off. */
static int
fraction_take(const char **p)
{
	int value = 0, n = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++, n++) {
		if (n < 6)
			value = value * 10 + (**p - '0');
	}
	if (n == 0)
		return -1;
	for (; n < 6; n++)
		value *= 10;
	return value;
}

/* HH:MM[:SS[.fraction]].  A leap second is refused: it has no instant of its own. */
static int
clock_take(const char **p, struct civil *c)
{
	c->second = c->usec = 0;
	c->hour = digits_take(p, 2);
	if (c->hour < 0 || c->hour > 23 || !char_take(p, ':'))
		return -EINVAL;
	c->minute = digits_take(p, 2);
	if (c->minute < 0 || c->minute > 59)
		return -EINVAL;
	if (!char_take(p, ':'))
		return 0;
	c->second = digits_take(p, 2);
	if (c->second < 0 || c->second > 59)
		return -EINVAL;
	if (char_take(p, '.'))
		c->usec = fraction_take(p);
	return c->usec < 0 ? -EINVAL : 0;
}

/* YYYY-MM-DD, then T, t or a space, then the time of day. */
static int
civil_take(const char **p, struct civil *c)
{
	c->year = digits_take(p, 4);
	if (c->year < 0 || !char_take(p, '-'))
		return -EINVAL;
	c->month = digits_take(p, 2);
	if (c->month < 1 || c->month > 12 || !char_take(p, '-'))
		return -EINVAL;
	c->day = digits_take(p, 2);
	if (c->day < 1 || c->day > civil_month_days(c->year, c->month))
		return -EINVAL;
	if (!char_take(p, 'T') && !char_take(p, 't') && !char_take(p, ' '))
		return -EINVAL;
	return clock_take(p, c);
}

/* Z, or +HH:MM. */
static int
offset_take(const char **p, usec_t *ret)
{
	int sign, hours, minutes;

	*ret = 0;
	if (char_take(p, 'Z') || char_take(p, 'z'))
		return 0;
	if (char_take(p, '+'))
		sign = 1;
	else if (char_take(p, '-'))
		sign = -1;
	else
		return -EINVAL;
	hours = digits_take(p, 2);
	if (hours < 0 || hours > 23 || !char_take(p, ':'))
		return -EINVAL;
	minutes = digits_take(p, 2);
	if (minutes < 0 || minutes > 59)
		return -EINVAL;
	*ret = sign * (hours * USEC_HOUR + minutes * USEC_MINUTE);
	return 0;
}

static int
instant_check(int64_t usec, instant *ret)
{
	if (usec < 0 || usec > INSTANT_MAX)
		return -EINVAL;
	ret->usec = usec;
	return 0;
}

int
instant_parse(const char *text, instant *ret)
{
	const char *p = text;
	struct civil c;
	usec_t offset;

	if (civil_take(&p, &c) < 0 || offset_take(&p, &offset) < 0 || *p != '\0')
		return -EINVAL;
	return instant_check(civil_days(c.year, c.month, c.day) * USEC_DAY + c.hour * USEC_HOUR +
	    c.minute * USEC_MINUTE + c.second * USEC_SEC + c.usec - offset, ret);
}

/*
 * The instant of a wall-clock time in the local zone; day may be beyond the month's
 * end.  In a gap or a fold the C library decides.
 */
static int
instant_local(const struct civil *c, instant *ret)
{
	struct tm tm = {
		.tm_year = (int)c->year - 1900, .tm_mon = c->month - 1, .tm_mday = c->day,
		.tm_hour = c->hour, .tm_min = c->minute, .tm_sec = c->second, .tm_isdst = -1,
	};
	time_t seconds;

	seconds = mktime(&tm);
	if (seconds < 0 || seconds > INSTANT_MAX / USEC_SEC)
		return -EINVAL;
	return instant_check(seconds * USEC_SEC + c->usec, ret);
}

/* Days from today that a word says; the time of day follows it, or nothing: midnight. */
static const struct day_word {
	const char	*word;
	int		 days;
} day_words[] = {
	{ "yesterday", -1 }, { "today", 0 }, { "tomorrow", 1 },
};

/* The local time of day at text, so many days from now. */
static int
instant_of_day(const char *text, instant now, int days, instant *ret)
{
	time_t seconds = (time_t)(now.usec / USEC_SEC);
	struct civil c = { 0 };
	const char *p = text;
	struct tm tm;

	if (*p != '\0' && clock_take(&p, &c) < 0)
		return -EINVAL;
	if (*p != '\0' || localtime_r(&seconds, &tm) == NULL)
		return -EINVAL;
	c.year = tm.tm_year + 1900;
	c.month = tm.tm_mon + 1;
	c.day = tm.tm_mday + days;
	return instant_local(&c, ret);
}

/* A time of day without a day: today, or tomorrow when that is past. */
static int
instant_of_clock(const char *text, instant now, instant *ret)
{
	int r = instant_of_day(text, now, 0, ret);

	return r == 0 && ret->usec < now.usec ? instant_of_day(text, now, 1, ret) : r;
}

/* 1: text begins with no such word. */
static int
instant_of_word(const char *text, instant now, instant *ret)
{
	for (size_t i = 0; i < sizeof(day_words) / sizeof(day_words[0]); i++) {
		size_t n = strlen(day_words[i].word);

		if (strncmp(text, day_words[i].word, n) != 0)
			continue;
		if (text[n] == '\0' || (text[n] == ' ' && text[n + 1] != '\0'))
			return instant_of_day(text + n + (text[n] == ' '), now, day_words[i].days, ret);
	}
	return 1;
}

/* @SECONDS[.fraction] */
static int
instant_of_epoch(const char *p, instant *ret)
{
	int64_t seconds = 0;
	int usec = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		seconds = seconds * 10 + (*p - '0');
		if (seconds > INSTANT_MAX / USEC_SEC)
			return -EINVAL;
	}
	if (char_take(&p, '.'))
		usec = fraction_take(&p);
	if (usec < 0 || *p != '\0')
		return -EINVAL;
	return instant_check(seconds * USEC_SEC + usec, ret);
}

/* A date without a time of day is its midnight. */
static int
instant_of_date(const char *text, instant *ret)
{
	char with_time[32];
	const char *p = with_time;
	struct civil c;

	(void)snprintf(with_time, sizeof(with_time), "%.20sT00:00", text);
	if (strlen(text) != strlen("2026-11-22") || civil_take(&p, &c) < 0)
		return -EINVAL;
	return instant_local(&c, ret);
}

int
instant_parse_human(const char *text, instant now, instant *ret)
{
	const char *p = text;
	struct civil c;
	usec_t d;
	int r;

	if (strcmp(text, "now") == 0) {
		*ret = now;
		return 0;
	}
	if (text[0] == '@')
		return instant_of_epoch(text + 1, ret);
	if (text[0] == '+' || text[0] == '-') {
		if (duration_parse(text + 1, &d) < 0)
			return -EINVAL;
		return instant_check(now.usec + (text[0] == '+' ? d : -d), ret);
	}
	r = instant_of_word(text, now, ret);
	if (r <= 0)
		return r;
	if (strlen(text) > 2 && text[2] == ':')
		return instant_of_clock(text, now, ret);
	if (civil_take(&p, &c) < 0)
		return instant_of_date(text, ret);
	return *p == '\0' ? instant_local(&c, ret) : instant_parse(text, ret);
}

static const struct unit {
	const char	*name;
	usec_t		 usec;
} units[] = {
	{ "us", 1 },
	{ "ms", USEC_MSEC },
	{ "min", USEC_MINUTE },
	{ "s", USEC_SEC },
	{ "m", USEC_MINUTE },
	{ "h", USEC_HOUR },
	{ "d", USEC_DAY },
	{ "w", 7 * USEC_DAY },
};

/* The unit at *p, as long as its letters go; 0 when there is none, -1 when it is no unit. */
static usec_t
unit_take(const char **p)
{
	size_t n = 0;

	while (((*p)[n] >= 'a' && (*p)[n] <= 'z') || ((*p)[n] >= 'A' && (*p)[n] <= 'Z'))
		n++;
	if (n == 0)
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) == n && strncmp(units[i].name, *p, n) == 0) {
			*p += n;
			return units[i].usec;
		}
	}
	return -1;
}

static void
spaces_take(const char **p)
{
	while (**p == ' ')
		(*p)++;
}

/*
 * One number with its unit at *p, added to *sum, which stays at DURATION_MAX + 1 when
 * it is too much.  A number without a unit is seconds when it stands alone.
 */
static int
duration_part_take(const char **p, bool first, usec_t *sum)
{
	const char *whole = *p, *end, *fraction, *fraction_end;
	usec_t unit, part = 0, below = 0;

	while (**p >= '0' && **p <= '9')
		(*p)++;
	end = fraction = fraction_end = *p;
	if (char_take(p, '.')) {
		fraction = *p;
		while (**p >= '0' && **p <= '9')
			(*p)++;
		fraction_end = *p;
		if (fraction == fraction_end)
			return -EINVAL;
	}
	if (whole == end)
		return -EINVAL;
	spaces_take(p);
	unit = unit_take(p);
	if (unit < 0 || (unit == 0 && (!first || **p != '\0')))
		return -EINVAL;
	if (unit == 0)
		unit = USEC_SEC;

	for (const char *q = whole; q < end; q++) {
		part = part * 10 + (*q - '0') * unit;
		if (part > DURATION_MAX)
			part = DURATION_MAX + 1;
	}
	/* From the last digit on: each division cuts off no more than one at the end would. */
	for (const char *q = fraction_end; q > fraction; q--)
		below = (below + (q[-1] - '0') * unit) / 10;
	*sum += part + below;
	if (*sum > DURATION_MAX)
		*sum = DURATION_MAX + 1;
	return 0;
}

int
duration_parse(const char *text, usec_t *ret)
{
	const char *p = text;
	usec_t sum = 0;
	bool first = true;

	spaces_take(&p);
	do {
		if (duration_part_take(&p, first, &sum) < 0)
			return -EINVAL;
		first = false;
		spaces_take(&p);
	} while (*p != '\0');
	if (sum > DURATION_MAX)
		return -ERANGE;
	*ret = sum;
	return 0;
}

/* value / per with the decimals it needs, at most as many as per has zeroes. */
static void
decimal_print(char *out, size_t size, usec_t value, usec_t per, const char *unit)
{
	char decimals[8];
	int n = 0;

	for (usec_t rest = value % per, scale = per / 10; rest > 0; scale /= 10) {
		decimals[n++] = (char)('0' + rest / scale);
		rest %= scale;
	}
	decimals[n] = '\0';
	(void)snprintf(out, size, "%lld%s%s%s", (long long)(value / per), n > 0 ? "." : "",
	    decimals, unit);
}

const char *
duration_print(usec_t d, char out[WHEN_TEXT_MAX])
{
	static const struct unit big[] = {
		{ "d", USEC_DAY }, { "h", USEC_HOUR }, { "m", USEC_MINUTE }, { "s", USEC_SEC },
	};
	size_t size = WHEN_TEXT_MAX, i = 0;
	char *to = out;

	if (d == USEC_NEVER) {
		(void)snprintf(out, size, "never");
		return out;
	}
	if (d < 0) {
		*to++ = '-';
		size--;
		d = d == INT64_MIN ? INT64_MAX : -d;
	}
	if (d == 0 || (d >= USEC_SEC && d < USEC_MINUTE)) {
		decimal_print(to, size, d, USEC_SEC, "s");
	} else if (d < USEC_MSEC) {
		decimal_print(to, size, d, 1, "us");
	} else if (d < USEC_SEC) {
		decimal_print(to, size, d, USEC_MSEC, "ms");
	} else {
		while (d < big[i].usec)
			i++;
		int n = snprintf(to, size, "%lld%s", (long long)(d / big[i].usec), big[i].name);
		d %= big[i].usec;
		if (d >= big[i + 1].usec)
			(void)snprintf(to + n, size - (size_t)n, "%lld%s",
			    (long long)(d / big[i + 1].usec), big[i + 1].name);
	}
	return out;
}

const char *
duration_print_about(usec_t d, char out[WHEN_TEXT_MAX])
{
	usec_t unit = 1;

	if (d >= USEC_DAY)
		unit = USEC_HOUR;
	else if (d >= USEC_HOUR)
		unit = USEC_MINUTE;
	else if (d >= USEC_MINUTE)
		unit = USEC_SEC;
	else if (d >= 10 * USEC_SEC)
		unit = 100 * USEC_MSEC;
	else if (d >= USEC_SEC)
		unit = 10 * USEC_MSEC;
	else if (d >= 10 * USEC_MSEC)
		unit = USEC_MSEC;
	else if (d >= USEC_MSEC)
		unit = 10;
	if (d <= INT64_MAX - unit)
		d += unit / 2;
	return duration_print(d - d % unit, out);
}

char *
duration_whole(usec_t d)
{
	static const struct {
		usec_t		 usec;
		const char	*unit;
	} steps[] = {
		{ USEC_DAY, "d" }, { USEC_HOUR, "h" }, { USEC_MINUTE, "m" }, { USEC_SEC, "s" },
		{ USEC_MSEC, "ms" }, { 1, "us" },
	};
	struct buf text = { 0 };
	size_t i;

	if (d <= 0)
		return xstrdup("0");
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (d >= steps[i].usec)
			buf_printf(&text, "%lld%s", (long long)(d / steps[i].usec), steps[i].unit);
		d %= steps[i].usec;
	}
	return buf_steal(&text);
}
