/*
 * pattern-say: see pattern-say.h.  First the times of day, as hours and minutes times seconds, then
 * the days: those of the month, those of the week, or what the two rules make together.
 */
#include "daemon/scheduler/pattern-say.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/pattern-internal.h"
#include "proto/buf.h"
#include "proto/fields.h"
#include "proto/mem.h"

#define DAY_MINUTES	(24 * 60)

/* So many times of day, or less, are listed. */
#define LISTED_MAX	12

/* So many values, or more, that are equally far apart are said as steps. */
#define STEPS_MIN	4

/* Whole numbers, ascending: minutes of a day at the most. */
struct values {
	size_t	 n;
	int	 v[DAY_MINUTES];
};

/* Room for one of them, as a text. */
#define VALUE_TEXT_MAX 32

typedef const char *value_print(int value, char out[VALUE_TEXT_MAX]);

static void
values_add_bits(struct values *s, uint64_t bits, int base)
{
	for (; bits != 0; bits &= bits - 1)
		s->v[s->n++] = base + __builtin_ctzll(bits);
}

/* How far each is from the one before, if all are as far; else 0. */
static int
values_step(const struct values *s)
{
	int step = s->n > 1 ? s->v[1] - s->v[0] : 0;

	for (size_t i = 2; i < s->n; i++)
		if (s->v[i] - s->v[i - 1] != step)
			return 0;
	return step;
}

/* "a", "a and b", "a, b and c": takes the items. */
static void
say_items(struct buf *out, struct strings *items, const char *and)
{
	for (size_t i = 0; i < items->n; i++) {
		if (i > 0 && i + 1 < items->n)
			buf_puts(out, ", ");
		else if (i > 0)
			buf_printf(out, " %s ", and);
		buf_puts(out, items->items[i]);
	}
	strings_done(items);
}

/* The items of a list of values: three and more in a row are "a to c". */
static void
values_items(const struct values *s, value_print *print, struct strings *items)
{
	char first[VALUE_TEXT_MAX], last[VALUE_TEXT_MAX], *range;

	for (size_t i = 0, end; i < s->n; i = end) {
		for (end = i + 1; end < s->n && s->v[end] == s->v[end - 1] + 1;)
			end++;
		if (end - i < 3) {
			end = i + 1;
			strings_add(items, print(s->v[i], first));
			continue;
		}
		range = xasprintf("%s to %s", print(s->v[i], first), print(s->v[end - 1], last));
		strings_add(items, range);
		free(range);
	}
}

static void
say_values(struct buf *out, const struct values *s, value_print *print, const char *and)
{
	struct strings items = { .n = 0 };

	values_items(s, print, &items);
	say_items(out, &items, and);
}

static const char *
number_print(int value, char out[VALUE_TEXT_MAX])
{
	(void)snprintf(out, VALUE_TEXT_MAX, "%d", value);
	return out;
}

static const char *
ordinal_print(int value, char out[VALUE_TEXT_MAX])
{
	(void)snprintf(out, VALUE_TEXT_MAX, "%d%s", value, pattern_ordinal(value));
	return out;
}

/* ---- times of day ---- */

/* Microseconds of a minute as seconds: "5", "0.25". */
static const char *
seconds_print(int usec, char out[VALUE_TEXT_MAX])
{
	int n = snprintf(out, VALUE_TEXT_MAX, "%d", usec / SECOND_USEC);

	if (usec % SECOND_USEC == 0)
		return out;
	n += snprintf(out + n, VALUE_TEXT_MAX - (size_t)n, ".%06d", usec % SECOND_USEC);
	while (out[n - 1] == '0')
		out[--n] = '\0';
	return out;
}

/* A minute of the day. */
static const char *
minute_print(int minute, char out[VALUE_TEXT_MAX])
{
	(void)snprintf(out, VALUE_TEXT_MAX, "%02d:%02d", minute / 60, minute % 60);
	return out;
}

/* The same with what comes after the minute, if anything does. */
static const char *
clock_print(int minute, int usec, char out[VALUE_TEXT_MAX])
{
	char seconds[VALUE_TEXT_MAX];
	int n = snprintf(out, VALUE_TEXT_MAX, "%02d:%02d", minute / 60, minute % 60);

	if (usec > 0)
		(void)snprintf(out + n, VALUE_TEXT_MAX - (size_t)n, ":%s%.18s",
		    usec < 10 * SECOND_USEC ? "0" : "", seconds_print(usec, seconds));
	return out;
}

static void
minutes_of_day(const struct pattern *p, struct values *ret)
{
	ret->n = 0;
	for (int hour = 0; hour < 24; hour++)
		if ((p->hours >> hour & 1) != 0)
			values_add_bits(ret, p->minutes, hour * 60);
}

/* "every minute of the hours 9 to 17", "the minutes 0 and 7 of every hour". */
static void
say_minutes_of_hours(const struct pattern *p, struct buf *out)
{
	struct values minutes = { .n = 0 }, hours = { .n = 0 };

	values_add_bits(&minutes, p->minutes, 0);
	values_add_bits(&hours, p->hours, 0);
	if (p->minutes == PATTERN_MINUTES) {
		buf_puts(out, "every minute");
	} else {
		buf_puts(out, minutes.n == 1 ? "minute " : "the minutes ");
		say_values(out, &minutes, number_print, "and");
	}
	if (p->hours == PATTERN_HOURS) {
		buf_puts(out, " of every hour");
	} else {
		buf_puts(out, hours.n == 1 ? " of the hour " : " of the hours ");
		say_values(out, &hours, number_print, "and");
	}
}

static void
say_step(struct buf *out, int step, const char *unit)
{
	if (step == 1)
		buf_printf(out, "every %s", unit);
	else
		buf_printf(out, "every %d %ss", step, unit);
}

/* Each of these minutes, at one place within it.  True: it is said that it goes on day and night. */
static bool
say_one_second(const struct pattern *p, const struct values *t, int usec, struct buf *out)
{
	int step = values_step(t);
	bool all_day = step > 0 && (int)t->n * step == DAY_MINUTES;
	char clock[VALUE_TEXT_MAX];
	struct strings items = { .n = 0 };

	if (all_day && step <= 60 && t->v[0] == 0 && usec == 0) {
		say_step(out, step == 60 ? 1 : step, step == 60 ? "hour" : "minute");
		return true;
	}
	if (all_day && step == 60 && usec == 0) {
		buf_printf(out, "at minute %d of every hour", t->v[0]);
		return true;
	}
	if (step > 0 && t->n >= STEPS_MIN) {
		say_step(out, step % 60 == 0 ? step / 60 : step, step % 60 == 0 ? "hour" : "minute");
		buf_printf(out, " from %s", clock_print(t->v[0], usec, clock));
		buf_printf(out, " to %s", clock_print(t->v[t->n - 1], usec, clock));
	} else if (t->n <= LISTED_MAX) {
		for (size_t i = 0; i < t->n; i++)
			strings_add(&items, clock_print(t->v[i], usec, clock));
		buf_puts(out, "at ");
		say_items(out, &items, "and");
	} else {
		if (usec > 0)
			buf_printf(out, "at second %s of ", seconds_print(usec, clock));
		else if (p->minutes != PATTERN_MINUTES)
			buf_puts(out, "at ");
		say_minutes_of_hours(p, out);
	}
	return false;
}

/* "0.5", or "0.5 to 59.5 in steps of 1". */
static void
fraction_item(const struct pattern_fraction *f, struct strings *items)
{
	char first[VALUE_TEXT_MAX], last[VALUE_TEXT_MAX], step[VALUE_TEXT_MAX], *text;

	if (f->last - f->first < f->step) {
		strings_add(items, seconds_print(f->first, first));
		return;
	}
	text = xasprintf("%s to %s in steps of %s", seconds_print(f->first, first),
	    seconds_print(f->last - (f->last - f->first) % f->step, last),
	    seconds_print(f->step, step));
	strings_add(items, text);
	free(text);
}

/* The seconds within a minute: "every 15 seconds", "at the seconds 5, 10 and 20". */
static void
say_seconds(const struct pattern *p, struct buf *out)
{
	const struct pattern_fraction *f = p->fractions;
	struct values seconds = { .n = 0 };
	struct strings items = { .n = 0 };
	char text[VALUE_TEXT_MAX];
	int step;

	values_add_bits(&seconds, p->seconds, 0);
	step = values_step(&seconds);
	if (p->fractions_n == 0 && seconds.v[0] == 0 && (int)seconds.n * step == 60) {
		say_step(out, step, "second");
		return;
	}
	if (p->fractions_n == 1 && seconds.n == 0 && f->first == 0 && f->last + f->step == MINUTE_USEC) {
		buf_printf(out, "every %s seconds", seconds_print(f->step, text));
		return;
	}
	values_items(&seconds, number_print, &items);
	for (size_t i = 0; i < p->fractions_n; i++)
		fraction_item(&f[i], &items);
	buf_puts(out, "at the seconds ");
	say_items(out, &items, "and");
}

/* These minutes, several times within each.  True: as above. */
static bool
say_many_seconds(const struct pattern *p, const struct values *t, struct buf *out)
{
	struct values seconds = { .n = 0 };
	struct strings items = { .n = 0 };
	char text[VALUE_TEXT_MAX];

	values_add_bits(&seconds, p->seconds, 0);
	if (p->fractions_n == 0 && t->n * seconds.n <= LISTED_MAX) {
		for (size_t i = 0; i < t->n; i++)
			for (size_t k = 0; k < seconds.n; k++) {
				char *clock = xasprintf("%s:%02d", minute_print(t->v[i], text),
				    seconds.v[k]);

				strings_add(&items, clock);
				free(clock);
			}
		buf_puts(out, "at ");
		say_items(out, &items, "and");
		return false;
	}
	say_seconds(p, out);
	if (t->n == DAY_MINUTES) {
		if (strncmp(buf_string(out), "every", 5) != 0)
			buf_puts(out, " of every minute");
		return true;
	}
	buf_puts(out, " of ");
	if (t->n > LISTED_MAX && values_step(t) != 1) {
		say_minutes_of_hours(p, out);
	} else {
		buf_puts(out, t->n == 1 ? "the minute " : "the minutes ");
		say_values(out, t, minute_print, "and");
	}
	return false;
}

/* The one place within each minute, in microseconds; -1: there are more. */
static int
only_second(const struct pattern *p)
{
	const struct pattern_fraction *f = p->fractions;

	if (p->fractions_n == 0 && (p->seconds & (p->seconds - 1)) == 0)
		return __builtin_ctzll(p->seconds) * SECOND_USEC;
	if (p->seconds == 0 && p->fractions_n == 1 && f->last - f->first < f->step)
		return f->first;
	return -1;
}

static bool
say_times(const struct pattern *p, struct buf *out)
{
	struct values t;
	int usec = only_second(p);

	minutes_of_day(p, &t);
	return usec >= 0 ? say_one_second(p, &t, usec, out) : say_many_seconds(p, &t, out);
}

/* ---- days ---- */

static const char *
month_print(int month, char out[VALUE_TEXT_MAX])
{
	(void)snprintf(out, VALUE_TEXT_MAX, "%s", pattern_months[month - 1]);
	return out;
}

/* People's weeks begin on Monday: 0 is that. */
static const char *
weekday_print(int weekday, char out[VALUE_TEXT_MAX])
{
	(void)snprintf(out, VALUE_TEXT_MAX, "%s", pattern_weekdays[(weekday + 1) % 7]);
	return out;
}

/* Days counted from the end, 1 is the last. */
static const char *
last_print(int n, char out[VALUE_TEXT_MAX])
{
	if (n == 1)
		(void)snprintf(out, VALUE_TEXT_MAX, "last");
	else
		(void)snprintf(out, VALUE_TEXT_MAX, "%d%s last", n, pattern_ordinal(n));
	return out;
}

/* What Monday-to-Fridays are near to; 0 is the last day. */
static const char *
near_print(int day, char out[VALUE_TEXT_MAX])
{
	if (day == 0)
		(void)snprintf(out, VALUE_TEXT_MAX, "the last day");
	else
		(void)snprintf(out, VALUE_TEXT_MAX, "the %d%s", day, pattern_ordinal(day));
	return out;
}

/* Which weekdays of the month; the last is not in a row with the 5th. */
#define NTH_LAST 8

static const char *
nth_print(int n, char out[VALUE_TEXT_MAX])
{
	return n == NTH_LAST ? last_print(1, out) : ordinal_print(n, out);
}

static bool
has_months(const struct pattern *p)
{
	return p->months != PATTERN_MONTHS;
}

/* " of March and July", or " of the month"; " in March and July", or nothing. */
static void
say_months(const struct pattern *p, const char *preposition, struct buf *out)
{
	struct values months = { .n = 0 };

	if (!has_months(p)) {
		buf_puts(out, *preposition == 'o' ? " of the month" : "");
		return;
	}
	values_add_bits(&months, p->months, 0);
	buf_printf(out, " %s ", preposition);
	say_values(out, &months, month_print, "and");
}

/* A rule for days is done: it becomes one of the items. */
static void
group_add(struct strings *groups, struct buf *group)
{
	char *text = buf_steal(group);

	strings_add(groups, text);
	free(text);
}

/* "on the 1st and 15th of the month", "on the last day of March". */
static void
say_days_of_month(const struct pattern *p, struct buf *out)
{
	struct values days = { .n = 0 }, last = { .n = 0 }, near = { .n = 0 };
	struct strings groups = { .n = 0 };
	struct buf group = { 0 };

	values_add_bits(&days, p->days, 0);
	values_add_bits(&last, p->days_last, 0);
	values_add_bits(&near, p->days_near, 0);
	if (days.n > 0) {
		buf_puts(&group, "on the ");
		say_values(&group, &days, ordinal_print, "and");
		say_months(p, "of", &group);
		group_add(&groups, &group);
	}
	if (last.n > 0) {
		buf_puts(&group, "on the ");
		say_values(&group, &last, last_print, "and");
		buf_puts(&group, last.n > 1 ? " days" : " day");
		say_months(p, "of", &group);
		group_add(&groups, &group);
	}
	if (near.n > 0) {
		buf_puts(&group, near.n > 1 ? "on the days from Monday to Friday nearest to " :
		    "on the day from Monday to Friday nearest to ");
		say_values(&group, &near, near_print, "and");
		say_months(p, "of", &group);
		buf_puts(&group, " within the same month");
		group_add(&groups, &group);
	}
	say_items(out, &groups, "and");
}

/* "on Monday to Friday", "on the 2nd and last Friday of the month". */
static void
say_days_of_week(const struct pattern *p, struct buf *out, const char *and)
{
	struct values plain = { .n = 0 };
	struct strings groups = { .n = 0 };
	struct buf group = { 0 };
	char name[VALUE_TEXT_MAX];

	/* Monday is the first. */
	values_add_bits(&plain, p->weekdays >> 1 | (p->weekdays & 1u) << 6, 0);
	if (plain.n > 0) {
		buf_puts(&group, "on ");
		say_values(&group, &plain, weekday_print, and);
		say_months(p, "in", &group);
		group_add(&groups, &group);
	}
	for (int w = 0; p->nth && w < 7; w++) {
		unsigned bits = p->weekdays_nth[(w + 1) % 7];
		struct values nth = { .n = 0 };

		values_add_bits(&nth, (bits & ~1u) | (bits & 1u) << NTH_LAST, 0);
		if (nth.n == 0)
			continue;
		buf_puts(&group, "on the ");
		say_values(&group, &nth, nth_print, and);
		buf_printf(&group, " %s", weekday_print(w, name));
		say_months(p, "of", &group);
		group_add(&groups, &group);
	}
	say_items(out, &groups, and);
}

static void
say_years(const struct pattern *p, struct buf *out)
{
	struct values years = { .n = 0 };
	int step;

	for (int i = 0; i < PATTERN_YEARS; i++)
		if ((p->years[i / 64] >> i % 64 & 1) != 0)
			years.v[years.n++] = PATTERN_YEAR_MIN + i;
	if (years.n == PATTERN_YEARS)
		return;
	step = values_step(&years);
	if (step > 1 && years.n >= STEPS_MIN) {
		buf_printf(out, ", every %d years from %d to %d", step, years.v[0],
		    years.v[years.n - 1]);
		return;
	}
	buf_puts(out, ", in ");
	say_values(out, &years, number_print, "and");
}

/* Does the day neither of the month nor of the week matter? */
static bool
is_every_day(const struct pattern *p)
{
	bool month = p->days == PATTERN_DAYS, week = p->weekdays == PATTERN_WEEKDAYS;

	return p->either ? month || week : month && week;
}

static void
say_days(const struct pattern *p, struct buf *out)
{
	struct pattern any = *p;

	if (is_every_day(p)) {
		buf_puts(out, "every day");
		if (has_months(p))
			say_months(p, "of", out);
	} else if (p->either) {
		say_days_of_month(p, out);
		buf_puts(out, ", and also ");
		say_days_of_week(p, out, "and");
	} else if (p->days == PATTERN_DAYS) {
		say_days_of_week(p, out, "and");
	} else if (p->weekdays == PATTERN_WEEKDAYS) {
		say_days_of_month(p, out);
	} else {
		say_days_of_month(p, out);
		buf_puts(out, ", if it falls ");
		any.months = (uint16_t)PATTERN_MONTHS;	/* they have been told */
		say_days_of_week(&any, out, "or");
	}
	say_years(p, out);
}

char *
pattern_say(const struct pattern *p)
{
	struct buf out = { 0 };
	bool all_day = say_times(p, &out);

	if (!all_day || !is_every_day(p) || has_months(p)) {
		buf_puts(&out, ", ");
		say_days(p, &out);
	} else {
		say_years(p, &out);
	}
	return buf_steal(&out);
}

char *
pattern_say_days(const struct pattern *p)
{
	struct buf out = { 0 };

	say_days(p, &out);
	return buf_steal(&out);
}
