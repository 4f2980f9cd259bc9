/*
 * remark: see remark.h.
 */
#include "daemon/scheduler/remark.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/civil.h"
#include "proto/mem.h"

#define CLOCK_TEXT_MAX	12
#define DATE_TEXT_MAX	16

const char *
local_print(const struct zone *z, instant i, char out[WHEN_TEXT_MAX])
{
	int64_t second = i.usec / USEC_SEC, east = z != NULL ? zone_offset_at(z, second).east : 0;
	int64_t minutes = (east < 0 ? -east : east) / 60;
	struct civil c = civil_of_wall(second + east);
	char fraction[12] = "", offset[8] = "Z";

	if (i.usec % USEC_SEC != 0)
		(void)snprintf(fraction, sizeof(fraction), ".%06d", (int)(i.usec % USEC_SEC));
	if (z != NULL)
		(void)snprintf(offset, sizeof(offset), "%c%02d:%02d", east < 0 ? '-' : '+',
		    (int)(minutes / 60 % 100), (int)(minutes % 60));
	(void)snprintf(out, WHEN_TEXT_MAX, "%04lld-%02d-%02dT%02d:%02d:%02d%s%s",
	    (long long)(c.year % 10000), c.month, c.day, c.hour, c.minute, c.second, fraction, offset);
	return out;
}

/* HH:MM, with seconds if there are any. */
static const char *
clock_text(int64_t wall, char out[CLOCK_TEXT_MAX])
{
	struct civil c = civil_of_wall(wall);
	int n = snprintf(out, CLOCK_TEXT_MAX, "%02d:%02d", c.hour % 100, c.minute % 100);

	if (c.second != 0)
		(void)snprintf(out + n, CLOCK_TEXT_MAX - (size_t)n, ":%02d", c.second % 100);
	return out;
}

static const char *
date_text(int64_t wall, char out[DATE_TEXT_MAX])
{
	struct civil c = civil_of_wall(wall);

	(void)snprintf(out, DATE_TEXT_MAX, "%04lld-%02d-%02d", (long long)(c.year % 10000), c.month % 100,
	    c.day % 100);
	return out;
}

/* The clock is set forward to the due: what it leaves out. */
static char *
remark_gap(const struct schedule *s, const struct occurrence *o)
{
	char missing[CLOCK_TEXT_MAX], at[CLOCK_TEXT_MAX], date[DATE_TEXT_MAX];
	struct zone_change c;
	int64_t wall;

	if (!zone_last_change(schedule_zone(s), o->due.usec / USEC_SEC, &c) ||
	    !schedule_first_in_gap(s, o->due, &wall))
		return xstrdup("the clock is set forward over it");
	(void)date_text(wall, date);
	(void)clock_text(wall, missing);
	if (o->cause == SKIP_NONEXISTENT)
		return xasprintf("%s does not exist on %s, the clock is set forward: skipped", missing,
		    date);
	return xasprintf("%s does not exist on %s, the clock is set forward: due at %s", missing, date,
	    clock_text(c.at + c.after, at));
}

/* The wall clock shows the due twice. */
static char *
remark_fold(const struct schedule *s, const struct occurrence *o)
{
	int64_t second = o->due.usec / USEC_SEC;
	int64_t wall = second + zone_offset_at(schedule_zone(s), second).east;
	char at[CLOCK_TEXT_MAX], date[DATE_TEXT_MAX];
	const char *what = "due the first time";

	if (o->cause == SKIP_REPEATED)
		what = "skipped the second time";
	else if (schedule_dst(s) == DST_BOTH)
		what = "due both times";
	return xasprintf("%s comes twice on %s, the clock is set back: %s", clock_text(wall, at),
	    date_text(wall, date), what);
}

char *
remark_occurrence(const struct schedule *s, const struct occurrence *o)
{
	if (o->cause == SKIP_EXCLUDED)
		return xstrdup("excluded: skipped");
	if (o->mark == MARK_DST_GAP)
		return remark_gap(s, o);
	if (o->mark == MARK_DST_FOLD)
		return remark_fold(s, o);
	return NULL;
}

/*
 * What the change does: the first occurrence that it marks.  A gap's is due at the change itself;
 * what comes twice is shown for the first time within as much before it as the clock is set back.
 */
static char *
remark_change(const struct schedule *s, const struct zone_change *c)
{
	int64_t back = c->before > c->after ? c->before - c->after : 0;
	instant t = { (c->at - back) * USEC_SEC - 1 };
	struct occurrence o;

	if (!schedule_next(s, t, &o) || o.due.usec > c->at * USEC_SEC || o.mark == MARK_NONE ||
	    o.cause == SKIP_EXCLUDED)
		return NULL;
	return remark_occurrence(s, &o);
}

/* What each change does that is to come, if it does something. */
static void
remark_each(const struct schedule *s, instant from, size_t n,
    char *(*remark)(const struct schedule *s, const struct zone_change *c), struct strings *out)
{
	int64_t end = (from.usec + REMARK_AHEAD) / USEC_SEC;
	struct zone_change c = { .at = from.usec / USEC_SEC };
	char *text;

	while (out->n < n && zone_next_change(schedule_zone(s), c.at, &c) && c.at < end) {
		text = remark(s, &c);
		if (text != NULL)
			strings_add(out, text);
		free(text);
	}
}

void
remark_changes(const struct schedule *s, instant from, size_t n, struct strings *out)
{
	if (schedule_fixed(s))
		remark_each(s, from, n, remark_change, out);
}

/* Does the pattern have a time between two on the wall, in seconds, the end left out? */
static bool
has_between(const struct pattern *p, int64_t begin, int64_t end)
{
	struct civil c = civil_of_wall(begin - 1);

	c.usec = (int)USEC_SEC - 1;
	return pattern_next(p, &c, &c) && civil_to_wall(&c) < end;
}

/* Is anything run from an instant until before another? */
static bool
runs_between(const struct schedule *s, instant begin, instant end)
{
	struct occurrence o = { .due = instant_add(begin, -1) };

	for (int i = 0; i < SCHEDULE_LOOK_MAX; i++) {
		if (!schedule_next(s, o.due, &o) || o.due.usec >= end.usec)
			return false;
		if (o.cause < 0)
			return true;
	}
	return false;
}

static char *
remark_rhythm_change(const struct schedule *s, const struct zone_change *c)
{
	char date[DATE_TEXT_MAX], from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	int64_t before = c->at + c->before, after = c->at + c->after;
	instant end = { c->at * USEC_SEC };

	(void)date_text(before, date);
	(void)clock_text(before, from);
	(void)clock_text(after, to);
	if (after > before && schedule_bounds(s, end) && has_between(schedule_pattern(s), before, after))
		return xasprintf("on %s the clock is set forward from %s to %s: what would be between them "
		    "does not come", date, from, to);
	if (after < before && runs_between(s, instant_add(end, (after - before) * USEC_SEC), end))
		return xasprintf("on %s the clock is set back from %s to %s: what is between them comes "
		    "twice", date, from, to);
	return NULL;
}

void
remark_rhythm_changes(const struct schedule *s, instant from, size_t n, struct strings *out)
{
	if (schedule_pattern(s) != NULL && !schedule_fixed(s))
		remark_each(s, from, n, remark_rhythm_change, out);
}
