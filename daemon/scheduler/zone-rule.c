/*
 * zone-rule: the POSIX TZ string at a TZif file's end, as "CET-1CEST,M3.5.0,M10.5.0/3", which
 * says what holds for ever after the table.
 *
 * Summer time (whichever way it moves the clock: Dublin's is in winter) lasts from each year's
 * start to the same year's end or, where that is not after the start, to the first one that
 * is.  Stretches that touch or overlap are one, so that a start on January 1 and an end at
 * the same instant are summer time all year.  Hours of -167 to 167 may move either beyond its
 * year.
 *
 * The Gregorian calendar repeats every 400 years, 146097 days, which are whole weeks.  So the
 * rule is unrolled once over such a cycle, and a question is a division and a binary search,
 * with neither a calendar nor a special case at a year's end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/must.h"
#include "daemon/scheduler/zone-internal.h"
#include "proto/civil.h"
#include "proto/mem.h"

#define DAY_SECONDS	86400
#define CYCLE_YEARS	400
#define CYCLE_SECONDS	((int64_t)146097 * DAY_SECONDS)

/* The cycle begins at 2000-01-01 00:00:00 UTC. */
#define CYCLE_YEAR	2000
#define CYCLE_START	((int64_t)946684800)

/* Years whose summer may reach into the cycle: two before it (extended hours), one after. */
#define YEAR_FIRST	(CYCLE_YEAR - 2)
#define YEAR_LAST	(CYCLE_YEAR + CYCLE_YEARS)
#define FLIPS_MAX	(2 * (YEAR_LAST - YEAR_FIRST + 1))

/* RFC 9636, 3.3.2: hours of a change of rule; POSIX: hours of an offset. */
#define CHANGE_HOURS_MAX	167
#define OFFSET_HOURS_MAX	24

enum rule_form {
	RULE_JULIAN,		/* Jn: 1 to 365, February 29 is not counted */
	RULE_YEAR_DAY,		/* n: 0 to 365, it is counted */
	RULE_WEEKDAY,		/* Mm.w.d: the w-th weekday d of month m, 5 the last */
};

struct rule_change {
	enum rule_form	form;
	int		month, week, day;
	int32_t		time;		/* of the clock before the change */
};

struct rule_text {
	const char	*at, *end;
};

static char
text_peek(const struct rule_text *t)
{
	return t->at < t->end ? *t->at : '\0';
}

static bool
text_take(struct rule_text *t, char c)
{
	if (t->at == t->end || *t->at != c)
		return false;
	t->at++;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Without the locale, which isalpha() asks. */
static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A number of at most three digits, from min to max. */
static bool
read_number(struct rule_text *t, int min, int max, int *ret)
{
	int n = 0, digits = 0;

	while (is_digit(text_peek(t)) && digits < 3) {
		n = n * 10 + (*t->at++ - '0');
		digits++;
	}
	if (digits == 0 || n < min || n > max)
		return false;
	*ret = n;
	return true;
}

/* [+-]hours[:minutes[:seconds]] */
static bool
read_time(struct rule_text *t, int hours_max, int32_t *ret)
{
	bool minus = text_take(t, '-');
	int hours, minutes = 0, seconds = 0;

	if (!minus)
		(void)text_take(t, '+');
	if (!read_number(t, 0, hours_max, &hours))
		return false;
	if (text_take(t, ':')) {
		if (!read_number(t, 0, 59, &minutes))
			return false;
		if (text_take(t, ':') && !read_number(t, 0, 59, &seconds))
			return false;
	}
	*ret = hours * 3600 + minutes * 60 + seconds;
	if (minus)
		*ret = -*ret;
	return true;
}

/* Three or more letters; or, in <>, letters, digits, + and -. */
static bool
read_name(struct rule_text *t, char out[ZONE_ABBREVIATION_MAX + 1])
{
	bool quoted = text_take(t, '<');
	size_t n = 0;
	char c;

	while (c = text_peek(t), is_letter(c) ||
	    (quoted && (is_digit(c) || c == '+' || c == '-'))) {
		if (n == ZONE_ABBREVIATION_MAX)
			return false;
		out[n++] = c;
		t->at++;
	}
	out[n] = '\0';
	return n >= 3 && (!quoted || text_take(t, '>'));
}

static bool
read_change(struct rule_text *t, struct rule_change *ret)
{
	struct rule_change c = { .form = RULE_YEAR_DAY, .time = 2 * 3600 };

	if (!text_take(t, ','))
		return false;
	if (text_take(t, 'M')) {
		c.form = RULE_WEEKDAY;
		if (!read_number(t, 1, 12, &c.month) || !text_take(t, '.') ||
		    !read_number(t, 1, 5, &c.week) || !text_take(t, '.') ||
		    !read_number(t, 0, 6, &c.day))
			return false;
	} else if (text_take(t, 'J')) {
		c.form = RULE_JULIAN;
		if (!read_number(t, 1, 365, &c.day))
			return false;
	} else if (!read_number(t, 0, 365, &c.day)) {
		return false;
	}
	if (text_take(t, '/') && !read_time(t, CHANGE_HOURS_MAX, &c.time))
		return false;
	*ret = c;
	return true;
}

static int64_t
change_day(const struct rule_change *c, int64_t year)
{
	int64_t first;
	int day;

	switch (c->form) {
	case RULE_JULIAN:
		return civil_days(year, 1, c->day) +
		    (c->day >= 60 && civil_month_days(year, 2) == 29);
	case RULE_YEAR_DAY:
		return civil_days(year, 1, 1) + c->day;
	case RULE_WEEKDAY:
		break;
	}
	first = civil_days(year, c->month, 1);
	day = (c->day - civil_weekday(first) + 7) % 7 + (c->week - 1) * 7;
	if (day >= civil_month_days(year, c->month))
		day -= 7;
	return first + day;
}

/* The instant of a change in a year, seen from the cycle; east is in force before it. */
static int64_t
change_at(const struct rule_change *c, int64_t year, int32_t east)
{
	return change_day(c, year) * DAY_SECONDS + c->time - east - CYCLE_START;
}

static void
flip_add(struct zone_rule *rule, int64_t at)
{
	MUST(rule->flips_n < FLIPS_MAX);
	if (at >= 0 && at < CYCLE_SECONDS)
		rule->flips[rule->flips_n++] = at;
}

/* One summer, from start to end, that touches no other. */
static void
summer_add(struct zone_rule *rule, int64_t start, int64_t end)
{
	if (start >= end)
		return;
	if (start < 0 && end >= 0)
		rule->summer_first = true;
	flip_add(rule, start);
	flip_add(rule, end);
}

static void
rule_unroll(struct zone_rule *rule, const struct rule_change *start, const struct rule_change *end)
{
	int32_t standard = rule->standard.east, summer = rule->summer.east;
	int64_t from = 0, to = 0, s, e;

	rule->flips = xmalloc(FLIPS_MAX * sizeof(*rule->flips));
	for (int64_t year = YEAR_FIRST; year <= YEAR_LAST; year++) {
		s = change_at(start, year, standard);
		/* Two years on any end is after it. */
		e = change_at(end, year, summer);
		for (int later = 1; e <= s; later++)
			e = change_at(end, year + later, summer);
		if (from < to && s <= to) {
			to = e > to ? e : to;
			continue;
		}
		summer_add(rule, from, to);
		from = s;
		to = e;
	}
	summer_add(rule, from, to);
	/* What flips comes back within a cycle. */
	MUST(rule->flips_n % 2 == 0);
	rule->flips = xrealloc(rule->flips, (rule->flips_n + 1) * sizeof(*rule->flips));
}

static bool
rule_read(struct zone_rule *rule, struct rule_text *t)
{
	struct rule_change start, end;
	int32_t west;

	if (!read_name(t, rule->names[0]) || !read_time(t, OFFSET_HOURS_MAX, &west))
		return false;
	rule->standard = (struct zone_offset){ -west, false, rule->names[0] };
	if (t->at == t->end)
		return true;
	west -= 3600;
	if (!read_name(t, rule->names[1]))
		return false;
	if (text_peek(t) != ',' && !read_time(t, OFFSET_HOURS_MAX, &west))
		return false;
	rule->summer = (struct zone_offset){ -west, true, rule->names[1] };
	/* POSIX leaves it to the system when summer is, if no rule says; a file's may not. */
	if (!read_change(t, &start) || !read_change(t, &end) || t->at != t->end)
		return false;
	rule_unroll(rule, &start, &end);
	return true;
}

int
zone_rule_parse(struct zone_rule *ret, const char *text, size_t n, size_t *ret_wrong)
{
	struct rule_text t = { text, text + n };

	*ret = (struct zone_rule){ 0 };
	if (rule_read(ret, &t))
		return 0;
	*ret_wrong = (size_t)(t.at - text);
	return -EINVAL;
}

void
zone_rule_done(struct zone_rule *rule)
{
	free(rule->flips);
	*rule = (struct zone_rule){ 0 };
}

struct zone_segment
zone_rule_at(const struct zone_rule *rule, int64_t utc)
{
	struct zone_segment s = { ZONE_EVER, ZONE_NEVER, &rule->standard, true };
	int64_t within, cycle;
	size_t low = 0, high = rule->flips_n, middle;

	if (rule->flips_n == 0) {
		s.offset = rule->summer_first ? &rule->summer : &rule->standard;
		return s;
	}
	within = (utc - CYCLE_START) % CYCLE_SECONDS;
	if (within < 0)
		within += CYCLE_SECONDS;
	cycle = utc - within;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (rule->flips[middle] <= within)
			low = middle + 1;
		else
			high = middle;
	}
	s.start = cycle + (low > 0 ? rule->flips[low - 1] :
	    rule->flips[rule->flips_n - 1] - CYCLE_SECONDS);
	s.end = cycle + (low < rule->flips_n ? rule->flips[low] : rule->flips[0] + CYCLE_SECONDS);
	s.steady = rule->standard.east == rule->summer.east;
	if (rule->summer_first != (low % 2 == 1))
		s.offset = &rule->summer;
	return s;
}
