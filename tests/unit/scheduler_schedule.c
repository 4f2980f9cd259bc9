/*
 * Schedules: an oracle that walks through time minute by minute, beside the search; what must
 * hold of any schedule; and the dates on which clocks did odd things.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/scheduler/calendar.h"
#include "daemon/scheduler/cron.h"
#include "daemon/scheduler/pattern.h"
#include "daemon/scheduler/remark.h"
#include "daemon/scheduler/schedule.h"
#include "proto/mem.h"
#include "tests/harness/patterns.h"

#define SEED		20271031
#define DAY		((int64_t)86400)
#define HOUR		((int64_t)3600)
#define YEARS		5

static struct zones *zones;

static int
group_setup(void **state)
{
	(void)state;
	zones = zones_new(NULL);
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	zones_free(zones);
	return 0;
}

static const struct zone *
zone_of(const char *name)
{
	char why[ZONE_ERROR_MAX];
	const struct zone *z = zones_find(zones, name, why);

	if (z == NULL)
		fail_msg("%s", why);
	return z;
}

static char *
text_of(const char *text)
{
	return (char *)(uintptr_t)text;	/* the spec only looks at it */
}

static struct schedule
must_open(const struct job_spec *spec)
{
	struct field_error error = { 0 };
	struct schedule s;

	if (schedule_open(spec, zones, 7, &s, &error) != JOBD_OK)
		fail_msg("%s %s: %s: %s", spec->cron != NULL ? spec->cron : "",
		    spec->calendar != NULL ? spec->calendar : "", error.path, error.reason);
	return s;
}

static instant
at(const char *text)
{
	instant i = { 0 };

	if (instant_parse(text, &i) != 0)
		fail_msg("%s is no instant", text);
	return i;
}

/* ---- the oracle ---- */

/* Zones and the years that are walked through. */
static const struct place {
	const char	*name;
	int		 year;
} places[] = {
	{ "Europe/Berlin", 2026 }, { "America/New_York", 2026 }, { "Australia/Lord_Howe", 2026 },
	{ "Asia/Beirut", 2026 }, { "America/Santiago", 2026 }, { "Pacific/Apia", 2009 },
	{ "Africa/Casablanca", 2026 }, { "Antarctica/Troll", 2026 }, { "America/Sao_Paulo", 2014 },
	{ "Asia/Tehran", 2018 }, { "UTC", 2026 }, { "Asia/Kolkata", 2026 },
	{ "Europe/Dublin", 2026 }, { "Pacific/Chatham", 2026 },
};
#define PLACES_N (sizeof(places) / sizeof(places[0]))

/* What is to be judged, read by the parsers and nothing else. */
struct subject {
	char			 text[300];
	bool			 is_cron;
	struct pattern		*pattern;
	const struct zone	*zone;
	int			 dst;
	struct schedule		 schedule;
};

/* A stretch of time, in steps that hit every match and every change. */
struct range {
	int64_t	from, to, step;
};

/* Which instants show each wall time: as far from the range as no two clocks are apart. */
struct shown {
	int64_t	 base, step;
	size_t	 n;
	int64_t	*first, *last;
};

#define NOT_SHOWN INT64_MIN

static void
shown_make(struct shown *w, const struct zone *z, const struct range *range)
{
	int64_t around = 2 * DAY + 4 * HOUR;

	w->step = range->step;
	w->base = range->from - around - DAY;
	w->n = (size_t)((range->to - range->from + 2 * around + 2 * DAY) / range->step);
	w->first = xmalloc(w->n * sizeof(int64_t));
	w->last = xmalloc(w->n * sizeof(int64_t));
	for (size_t i = 0; i < w->n; i++)
		w->first[i] = w->last[i] = NOT_SHOWN;
	for (int64_t t = range->from - around; t < range->to + around; t += range->step) {
		size_t i = (size_t)((t + zone_offset_at(z, t).east - w->base) / w->step);

		assert_true(i < w->n);
		if (w->first[i] == NOT_SHOWN)
			w->first[i] = t;
		w->last[i] = t;
	}
}

static void
shown_done(struct shown *w)
{
	free(w->first);
	free(w->last);
}

static bool
wall_matches(const struct subject *s, int64_t wall)
{
	struct civil c = civil_of_wall(wall);

	return pattern_matches(s->pattern, &c);
}

/* What the clock shows at t, having been set forward just then: does it leave something out? */
static bool
gap_has_match(const struct subject *s, int64_t t, int64_t step)
{
	int64_t begin = t + zone_offset_at(s->zone, t - step).east;
	int64_t end = t + zone_offset_at(s->zone, t).east;

	for (int64_t wall = begin; wall < end; wall += step) {
		if (wall_matches(s, wall))
			return true;
	}
	return false;
}

/* The rule of DESIGN 9, for one instant.  False: nothing is due. */
static bool
oracle_at(const struct subject *s, const struct shown *w, int64_t t, struct occurrence *ret)
{
	int64_t wall = t + zone_offset_at(s->zone, t).east;
	size_t i = (size_t)((wall - w->base) / w->step);
	bool matches = wall_matches(s, wall);

	*ret = (struct occurrence){ { t * USEC_SEC }, MARK_NONE, -1 };
	if (!pattern_fixed(s->pattern))
		return matches;
	if (gap_has_match(s, t, w->step) && !(s->dst == DST_SKIP && matches)) {
		ret->mark = MARK_DST_GAP;
		ret->cause = s->dst == DST_SKIP ? SKIP_NONEXISTENT : -1;
		return true;
	}
	if (w->first[i] != w->last[i]) {
		ret->mark = MARK_DST_FOLD;
		if (t != w->first[i] && s->dst != DST_BOTH)
			ret->cause = SKIP_REPEATED;
	}
	return matches;
}

static void
differ(const struct subject *s, int64_t t, const struct occurrence *want,
    const struct occurrence *got)
{
	char a[WHEN_TEXT_MAX] = "none", b[WHEN_TEXT_MAX] = "none", c[WHEN_TEXT_MAX];

	if (want != NULL)
		(void)local_print(s->zone, want->due, a);
	if (got != NULL)
		(void)local_print(s->zone, got->due, b);
	fail_msg("%s in %s, dst %s, at %s: %s mark %d cause %d, not %s mark %d cause %d", s->text,
	    zone_name(s->zone), dst_names[s->dst],
	    local_print(s->zone, (instant){ t * USEC_SEC }, c), b,
	    got != NULL ? got->mark : -1, got != NULL ? got->cause : -1, a,
	    want != NULL ? want->mark : -1, want != NULL ? want->cause : -1);
}

/* Every occurrence of the range, and none else. */
static uint64_t
oracle_walk(const struct subject *s, const struct range *range)
{
	instant after = { range->from * USEC_SEC - 1 };
	struct occurrence want, got;
	struct shown w;
	uint64_t n = 0;
	bool more;

	shown_make(&w, s->zone, range);
	more = schedule_next(&s->schedule, after, &got);
	for (int64_t t = range->from; t < range->to; t += range->step) {
		bool due = more && got.due.usec == t * USEC_SEC;

		if (more && got.due.usec < t * USEC_SEC)
			differ(s, t, NULL, &got);
		if (!oracle_at(s, &w, t, &want)) {
			if (due)
				differ(s, t, NULL, &got);
			continue;
		}
		if (!due || got.mark != want.mark || got.cause != want.cause)
			differ(s, t, &want, more ? &got : NULL);
		more = schedule_next(&s->schedule, got.due, &got);
		n++;
	}
	shown_done(&w);
	return n;
}

/* ---- random expressions: around midnight and the hours in which clocks are set ---- */

static void
hour_or_minute(struct rand *r, struct expression *e, bool hour, bool cron)
{
	static const int hours[] = { 0, 1, 2, 3, 23 }, minutes[] = { 0, 15, 29, 30, 59 };
	const int *likely = hour ? hours : minutes;
	int max = hour ? 23 : 59, a = rand_between(r, 0, max), b = rand_between(r, a, max);

	switch (rand_below(r, hour ? 10 : 8)) {
	case 0:
		expression_add(e, "*");
		break;
	case 1:
		expression_add(e, cron ? "*/%d" : "0/%d", rand_between(r, 1, hour ? 6 : 30));
		break;
	case 2:
		expression_add(e, cron ? "%d-%d" : "%d..%d", a, b);
		break;
	case 3:
		expression_add(e, "%d,%d", a, likely[rand_below(r, 5)]);
		break;
	case 4:
		expression_add(e, cron ? "0-%d/%d" : "0..%d/%d", rand_between(r, 2, max),
		    rand_between(r, 1, 3));
		break;
	default:
		expression_add(e, "%d", likely[rand_below(r, 5)]);
		break;
	}
}

static void
cron_draw(struct rand *r, struct expression *e, bool seconds)
{
	if (seconds)
		expression_add(e, "%d,%d ", rand_between(r, 0, 59), rand_between(r, 0, 59));
	hour_or_minute(r, e, false, true);
	expression_add(e, " ");
	hour_or_minute(r, e, true, true);
	switch (rand_below(r, 8)) {
	case 0:
		expression_add(e, " %d-31 * *", rand_between(r, 1, 31));
		break;
	case 1:
		expression_add(e, " * * 0,6");
		break;
	case 2:
		expression_add(e, " %d,30 3-4,9-12 SUN", rand_between(r, 1, 29));
		break;
	case 3:
		expression_add(e, " L * *");
		break;
	default:
		expression_add(e, " * * *");
		break;
	}
}

static void
calendar_draw(struct rand *r, struct expression *e, int year, bool seconds)
{
	switch (rand_below(r, 8)) {
	case 0:
		expression_add(e, "Sat,Sun ");
		break;
	case 1:
		expression_add(e, "*-3,10~%d/1 ", rand_between(r, 2, 8));
		break;
	case 2:
		expression_add(e, "%d-*-* ", year + rand_between(r, 0, YEARS - 1));
		break;
	case 3:
		expression_add(e, "*-*-%d..31 ", rand_between(r, 1, 28));
		break;
	default:
		break;
	}
	hour_or_minute(r, e, true, false);
	expression_add(e, ":");
	hour_or_minute(r, e, false, false);
	if (seconds)
		expression_add(e, ":%d,%d", rand_between(r, 0, 59), rand_between(r, 0, 59));
}

/* An expression that is accepted, opened. */
static void
subject_open(struct subject *s, const struct place *place)
{
	struct job_spec spec = { .time_zone = text_of(place->name), .dst = s->dst };
	struct pattern_error error;
	char suffix[CALENDAR_ZONE_SIZE];
	int r;

	if (s->is_cron)
		r = cron_parse(s->text, &s->pattern, &error);
	else
		r = calendar_parse(s->text, &s->pattern, suffix, &error);
	if (r < 0)
		fail_msg("%s: %s", s->text, error.text);
	*(s->is_cron ? &spec.cron : &spec.calendar) = s->text;
	s->zone = zone_of(place->name);
	s->schedule = must_open(&spec);
	assert_int_equal(schedule_fixed(&s->schedule), pattern_fixed(s->pattern));
}

static void
subject_draw(struct rand *r, const struct place *place, bool seconds, struct subject *s)
{
	struct expression e = { .n = 0 };

	*s = (struct subject){ .is_cron = rand_below(r, 2) == 0,
	    .dst = (int)rand_below(r, DST_COUNT) };
	if (s->is_cron)
		cron_draw(r, &e, seconds);
	else
		calendar_draw(r, &e, place->year, seconds);
	memcpy(s->text, e.s, e.n + 1);
	subject_open(s, place);
}

static void
subject_done(struct subject *s)
{
	schedule_done(&s->schedule);
	pattern_free(s->pattern);
}

static int64_t
year_begin(int64_t year)
{
	return civil_days(year, 1, 1) * DAY;
}

/* Around each change of the years, and in the midst of one. */
static uint64_t
walk_changes(const struct subject *s, const struct place *place, int64_t around, int64_t step)
{
	struct zone_change c = { .at = year_begin(place->year) };
	struct range range = { c.at + 40 * DAY, c.at + 42 * DAY, step };
	uint64_t n = oracle_walk(s, &range);

	while (zone_next_change(s->zone, c.at, &c) && c.at < year_begin(place->year + YEARS)) {
		range = (struct range){ c.at - around, c.at + around, step };
		n += oracle_walk(s, &range);
	}
	return n;
}

static void
search_agrees_with_the_oracle_around_every_change(void **state)
{
	int rounds = patterns_long() ? 400 : 12;
	struct subject s;
	uint64_t n = 0;
	struct rand r;

	(void)state;
	rand_seed(&r, SEED);
	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < PLACES_N; i++) {
			subject_draw(&r, &places[i], false, &s);
			n += walk_changes(&s, &places[i], 28 * HOUR, 60);
			subject_done(&s);
		}
	}
	assert_true(n > 10000);
}

static void
search_agrees_with_the_oracle_second_by_second(void **state)
{
	int rounds = patterns_long() ? 20 : 1;
	struct subject s;
	struct rand r;

	(void)state;
	rand_seed(&r, SEED + 1);
	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < PLACES_N; i += patterns_long() ? 1 : 2) {
			subject_draw(&r, &places[i], true, &s);
			(void)walk_changes(&s, &places[i], 3 * HOUR, 1);
			subject_done(&s);
		}
	}
}

static void
search_agrees_with_the_oracle_over_five_years(void **state)
{
	int rounds = patterns_long() ? 10 : 1;
	struct subject s;
	struct rand r;

	(void)state;
	rand_seed(&r, SEED + 2);
	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < PLACES_N; i += patterns_long() ? 1 : 5) {
			struct range range = { year_begin(places[i].year),
				year_begin(places[i].year + YEARS), 60 };

			subject_draw(&r, &places[i], false, &s);
			(void)oracle_walk(&s, &range);
			subject_done(&s);
		}
	}
}

/* One date alone: nothing else of it is to be found before or after the change. */
static void
a_single_date_is_found_through_gap_and_fold(void **state)
{
	static const char *const times[] = { "%04d-%02d-%02d 02:30", "%04d-%02d-%02d *:30",
		"%04d-%02d-%02d 0..2/2:15", "%04d-%02d-%02d 23:30", "%04d-%02d-%02d 00:00",
		"%04d-%02d-%02d 23:*" };
	struct zone_change c;
	struct subject s;

	(void)state;
	for (size_t i = 0; i < PLACES_N * 6 * DST_COUNT; i++) {
		const struct place *place = &places[i / (6 * DST_COUNT)];

		c.at = year_begin(place->year);
		while (zone_next_change(zone_of(place->name), c.at, &c) &&
		    c.at < year_begin(place->year + YEARS)) {
			for (int side = 0; side < 2; side++) {
				struct civil d = civil_of_wall(c.at - side +
				    (side == 1 ? c.before : c.after));
				struct range range = { c.at - 27 * HOUR, c.at + 27 * HOUR, 60 };

				s = (struct subject){ .dst = (int)(i % DST_COUNT) };
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
				(void)snprintf(s.text, sizeof(s.text), times[i / DST_COUNT % 6],
				    (int)d.year, d.month, d.day);
#pragma GCC diagnostic pop
				subject_open(&s, place);
				(void)oracle_walk(&s, &range);
				subject_done(&s);
			}
		}
	}
}

/* ---- what must hold of any ---- */

static void
next_is_greater_and_monotone_and_schedule_at_agrees(void **state)
{
	int rounds = patterns_long() ? 2000 : 100;
	struct occurrence o, again, p;
	struct subject s;
	struct rand r;

	(void)state;
	rand_seed(&r, SEED + 3);
	for (int i = 0; i < rounds; i++) {
		const struct place *place = &places[rand_below(&r, PLACES_N)];
		instant t = { (year_begin(place->year) + rand_between(&r, 0, 1500 * 86400)) *
		    USEC_SEC + rand_between(&r, 0, 999999) };

		subject_draw(&r, place, i % 4 == 0, &s);
		for (int k = 0; k < 200 && schedule_next(&s.schedule, t, &o); k++) {
			assert_true(o.due.usec > t.usec);
			again = schedule_at(&s.schedule, o.due);
			assert_int_equal(again.due.usec, o.due.usec);
			assert_int_equal(again.mark, o.mark);
			assert_int_equal(again.cause, o.cause);
			/* From anywhere between it is the same. */
			p.due.usec = t.usec + (usec_t)rand_below(&r, (uint64_t)(o.due.usec - t.usec));
			assert_true(schedule_next(&s.schedule, p.due, &p));
			assert_int_equal(p.due.usec, o.due.usec);
			assert_int_equal(p.mark, o.mark);
			t = o.due;
		}
		subject_done(&s);
	}
}

static void
past_agrees_with_walking(void **state)
{
	int rounds = patterns_long() ? 3000 : 200;
	struct rand r;

	(void)state;
	rand_seed(&r, SEED + 4);
	for (int i = 0; i < rounds; i++) {
		const struct place *place = &places[rand_below(&r, PLACES_N)];
		struct expression e = { .n = 0 };
		struct job_spec spec = { .time_zone = text_of(place->name),
			.dst = (int)rand_below(&r, DST_COUNT) };
		instant until = { 0 }, last = { 0 }, before = { 0 };
		char *except[] = { text_of("Sun") };
		struct occurrence first, o;
		struct schedule_past past;
		struct schedule s;
		int64_t count = 0;
		bool more = true;

		cron_draw(&r, &e, false);
		spec.cron = e.s;
		if (rand_below(&r, 2) == 0)
			spec.except = (struct strings){ except, 1 };
		if (rand_below(&r, 3) == 0)
			spec.jitter = (usec_t)rand_below(&r, (uint64_t)(2 * USEC_HOUR));
		s = must_open(&spec);
		first.due.usec = (year_begin(place->year) + rand_between(&r, 0, 1400 * 86400)) * USEC_SEC;
		assert_true(schedule_next(&s, first.due, &first));
		until.usec = first.due.usec + (usec_t)rand_below(&r, (uint64_t)(9 * USEC_DAY)) - USEC_HOUR;
		past = schedule_past(&s, &first, until);

		o = first;
		while (more && count < SCHEDULE_LOOK_MAX && o.cause == first.cause &&
		    schedule_begin(&s, o.due).usec <= until.usec) {
			before = last;
			last = o.due;
			count++;
			more = schedule_next(&s, o.due, &o);
		}
		assert_int_equal(past.count, count);
		if (count > 0)
			assert_int_equal(past.last.usec, last.usec);
		if (count > 1)
			assert_int_equal(past.before.usec, before.usec);
		assert_int_equal(past.next.usec, more ? o.due.usec : 0);
		assert_int_equal(past.more, more && count > 0 &&
		    schedule_begin(&s, o.due).usec <= until.usec);
		schedule_done(&s);
	}
}

static void
past_is_bounded(void **state)
{
	struct job_spec spec = { .cron = text_of("* * * * *"), .time_zone = text_of("UTC") };
	struct schedule s = must_open(&spec);
	struct occurrence first = { at("2027-01-01T00:00Z"), MARK_NONE, -1 };
	struct schedule_past p = schedule_past(&s, &first, at("2028-01-01T00:00Z"));

	(void)state;
	assert_int_equal(p.count, SCHEDULE_LOOK_MAX);
	assert_true(p.more);
	assert_int_equal(p.next.usec, first.due.usec + SCHEDULE_LOOK_MAX * USEC_MINUTE);
	schedule_done(&s);

	/* Elapsed time is divided, however long. */
	s = (struct schedule){ .every = USEC_SEC };
	p = schedule_past(&s, &first, at("2028-01-01T00:00Z"));
	assert_int_equal(p.count, 365 * DAY + 1);
	assert_false(p.more);
}

static void
jitter_is_stable_and_within_its_bounds_and_spread(void **state)
{
	struct job_spec spec = { .cron = text_of("* * * * *"), .time_zone = text_of("UTC"),
		.jitter = 10 * USEC_SEC };
	struct field_error error;
	int tenths[10] = { 0 }, same = 0;
	struct schedule a, b;

	(void)state;
	assert_int_equal(schedule_open(&spec, zones, 1, &a, &error), JOBD_OK);
	assert_int_equal(schedule_open(&spec, zones, 2, &b, &error), JOBD_OK);
	for (int i = 0; i < 10000; i++) {
		instant due = { (1800000000 + (int64_t)i * 60) * USEC_SEC };
		usec_t off = instant_since(schedule_begin(&a, due), due);

		assert_true(off >= 0 && off <= 10 * USEC_SEC);
		assert_int_equal(schedule_begin(&a, due).usec, due.usec + off);
		same += off == instant_since(schedule_begin(&b, due), due);
		tenths[off == 10 * USEC_SEC ? 9 : off / USEC_SEC]++;
	}
	assert_true(same < 5);
	for (int i = 0; i < 10; i++)
		assert_in_range(tenths[i], 850, 1150);
	schedule_done(&a);
	schedule_done(&b);
}

/* ---- from, until, except ---- */

/* Dues that follow, with what is to be said of each: "2027-03-28T01:00Z gap", "... skip excluded". */
struct expected {
	const char	*cron, *calendar, *zone;
	int		 dst;
	const char	*from, *until, *except[2];
	const char	*after;
	const char	*dues[6];	/* "end": there is none */
};

static const char *const marks[] = { [MARK_NONE] = "", [MARK_DST_GAP] = " gap",
	[MARK_DST_FOLD] = " fold" };

static void
expected_holds(const struct expected *e)
{
	struct job_spec spec = { .cron = text_of(e->cron), .calendar = text_of(e->calendar),
		.time_zone = text_of(e->zone), .dst = e->dst };
	char *items[2] = { text_of(e->except[0]), text_of(e->except[1]) };
	char text[WHEN_TEXT_MAX + 40], when[WHEN_TEXT_MAX];
	instant t = at(e->after);
	struct occurrence o;
	struct schedule s;

	spec.from = e->from != NULL ? at(e->from) : (instant){ 0 };
	spec.until = e->until != NULL ? at(e->until) : (instant){ 0 };
	spec.except = (struct strings){ items, (size_t)((items[0] != NULL) + (items[1] != NULL)) };
	s = must_open(&spec);
	for (size_t i = 0; i < 6 && e->dues[i] != NULL; i++) {
		if (schedule_next(&s, t, &o))
			(void)snprintf(text, sizeof(text), "%s%s%s%s",
			    local_print(schedule_zone(&s), o.due, when), marks[o.mark],
			    o.cause < 0 ? "" : " ", o.cause < 0 ? "" : skip_cause_names[o.cause]);
		else
			(void)snprintf(text, sizeof(text), "end");
		if (strcmp(text, e->dues[i]) != 0)
			fail_msg("%s%s in %s after %s: %s, not %s", e->cron != NULL ? e->cron : "",
			    e->calendar != NULL ? e->calendar : "", e->zone, e->after, text,
			    e->dues[i]);
		t = o.due;
	}
	schedule_done(&s);
}

static const struct expected table[] = {
	/* Berlin: 02:30 does not exist, and comes twice. */
	{ .cron = "30 2 * * *", .zone = "Europe/Berlin", .after = "2027-03-27T12:00Z",
	  .dues = { "2027-03-28T03:00:00+02:00 gap", "2027-03-29T02:30:00+02:00" } },
	{ .cron = "30 2 * * *", .zone = "Europe/Berlin", .dst = DST_SKIP, .after = "2027-03-27T12:00Z",
	  .dues = { "2027-03-28T03:00:00+02:00 gap nonexistent", "2027-03-29T02:30:00+02:00" } },
	{ .cron = "30 2 * * *", .zone = "Europe/Berlin", .dst = DST_BOTH, .after = "2027-03-27T12:00Z",
	  .dues = { "2027-03-28T03:00:00+02:00 gap", "2027-03-29T02:30:00+02:00" } },
	{ .cron = "30 2 * * *", .zone = "Europe/Berlin", .after = "2027-10-30T12:00Z",
	  .dues = { "2027-10-31T02:30:00+02:00 fold", "2027-10-31T02:30:00+01:00 fold repeated",
	    "2027-11-01T02:30:00+01:00" } },
	{ .cron = "30 2 * * *", .zone = "Europe/Berlin", .dst = DST_SKIP, .after = "2027-10-30T12:00Z",
	  .dues = { "2027-10-31T02:30:00+02:00 fold", "2027-10-31T02:30:00+01:00 fold repeated" } },
	{ .cron = "30 2 * * *", .zone = "Europe/Berlin", .dst = DST_BOTH, .after = "2027-10-30T12:00Z",
	  .dues = { "2027-10-31T02:30:00+02:00 fold", "2027-10-31T02:30:00+01:00 fold",
	    "2027-11-01T02:30:00+01:00" } },
	/* Nothing of the schedule is left on that day but what comes twice. */
	{ .calendar = "2027-10-31 02:30", .zone = "Europe/Berlin", .dst = DST_BOTH,
	  .after = "2027-10-30T12:00Z",
	  .dues = { "2027-10-31T02:30:00+02:00 fold", "2027-10-31T02:30:00+01:00 fold", "end" } },
	{ .calendar = "2027-10-31 02:30", .zone = "Europe/Berlin", .after = "2027-10-30T12:00Z",
	  .dues = { "2027-10-31T02:30:00+02:00 fold", "2027-10-31T02:30:00+01:00 fold repeated",
	    "end" } },
	{ .calendar = "2027-03-28 02:30", .zone = "Europe/Berlin", .after = "2027-03-27T12:00Z",
	  .dues = { "2027-03-28T03:00:00+02:00 gap", "end" } },
	/* A rhythm goes on through both. */
	{ .cron = "30 * * * *", .zone = "Europe/Berlin", .after = "2027-03-28T00:00Z",
	  .dues = { "2027-03-28T01:30:00+01:00", "2027-03-28T03:30:00+02:00" } },
	{ .cron = "*/30 * * * *", .zone = "Europe/Berlin", .after = "2027-10-31T00:29Z",
	  .dues = { "2027-10-31T02:30:00+02:00", "2027-10-31T02:00:00+01:00",
	    "2027-10-31T02:30:00+01:00", "2027-10-31T03:00:00+01:00" } },
	/* Several in one gap are one; one at the very end of it too; one at its first instant. */
	{ .cron = "0,15,30,45,59 2 * * *", .zone = "Europe/Berlin", .after = "2027-03-27T12:00Z",
	  .dues = { "2027-03-28T03:00:00+02:00 gap", "2027-03-29T02:00:00+02:00" } },
	{ .cron = "59 59 2 * * *", .zone = "Europe/Berlin", .after = "2027-03-27T12:00Z",
	  .dues = { "2027-03-28T03:00:00+02:00 gap", "2027-03-29T02:59:59+02:00" } },
	{ .calendar = "02:59:59.999999", .zone = "Europe/Berlin", .after = "2027-03-27T12:00Z",
	  .dues = { "2027-03-28T03:00:00+02:00 gap", "2027-03-29T02:59:59.999999+02:00" } },
	{ .cron = "0 2 * * *", .zone = "Europe/Berlin", .after = "2027-03-27T12:00Z",
	  .dues = { "2027-03-28T03:00:00+02:00 gap", "2027-03-29T02:00:00+02:00" } },
	/* 03:00 is itself of the schedule: one run for both; with skip it is no victim of the gap. */
	{ .cron = "0 2,3 * * *", .zone = "Europe/Berlin", .after = "2027-03-27T12:00Z",
	  .dues = { "2027-03-28T03:00:00+02:00 gap", "2027-03-29T02:00:00+02:00" } },
	{ .cron = "0 2,3 * * *", .zone = "Europe/Berlin", .dst = DST_SKIP, .after = "2027-03-27T12:00Z",
	  .dues = { "2027-03-28T03:00:00+02:00", "2027-03-29T02:00:00+02:00" } },
	{ .cron = "0 3 * * *", .zone = "Europe/Berlin", .after = "2027-03-27T12:00Z",
	  .dues = { "2027-03-28T03:00:00+02:00", "2027-03-29T03:00:00+02:00" } },
	/* The fold's edges: 02:00 comes twice, 03:00 once. */
	{ .cron = "0 2,3 * * *", .zone = "Europe/Berlin", .after = "2027-10-30T12:00Z",
	  .dues = { "2027-10-31T02:00:00+02:00 fold", "2027-10-31T02:00:00+01:00 fold repeated",
	    "2027-10-31T03:00:00+01:00", "2027-11-01T02:00:00+01:00" } },
	/* Lord Howe: half an hour. */
	{ .cron = "15 2 * * *", .zone = "Australia/Lord_Howe", .after = "2026-10-03T00:00Z",
	  .dues = { "2026-10-04T02:30:00+11:00 gap", "2026-10-05T02:15:00+11:00" } },
	{ .cron = "45 1 * * *", .zone = "Australia/Lord_Howe", .after = "2027-04-03T00:00Z",
	  .dues = { "2027-04-04T01:45:00+11:00 fold", "2027-04-04T01:45:00+10:30 fold repeated",
	    "2027-04-05T01:45:00+10:30" } },
	{ .cron = "*/30 * * * *", .zone = "Australia/Lord_Howe", .after = "2026-10-03T15:00Z",
	  .dues = { "2026-10-04T02:30:00+11:00", "2026-10-04T03:00:00+11:00" } },
	/* Beirut and Santiago: midnight does not exist. */
	{ .cron = "@daily", .zone = "Asia/Beirut", .after = "2026-03-28T00:00Z",
	  .dues = { "2026-03-29T01:00:00+03:00 gap", "2026-03-30T00:00:00+03:00" } },
	{ .calendar = "daily", .zone = "America/Santiago", .after = "2026-09-05T12:00Z",
	  .dues = { "2026-09-06T01:00:00-03:00 gap", "2026-09-07T00:00:00-03:00" } },
	{ .calendar = "daily", .zone = "America/Santiago", .dst = DST_SKIP,
	  .after = "2026-09-05T12:00Z",
	  .dues = { "2026-09-06T01:00:00-03:00 gap nonexistent", "2026-09-07T00:00:00-03:00" } },
	/* Apia went from the 29th to the 31st: a day's times are one. */
	{ .cron = "0 3,15 * * *", .zone = "Pacific/Apia", .after = "2011-12-29T12:00Z",
	  .dues = { "2011-12-29T03:00:00-10:00", "2011-12-29T15:00:00-10:00",
	    "2011-12-31T00:00:00+14:00 gap", "2011-12-31T03:00:00+14:00" } },
	{ .calendar = "2011-12-30", .zone = "Pacific/Apia", .after = "2011-12-01T00:00Z",
	  .dues = { "2011-12-31T00:00:00+14:00 gap", "end" } },
	{ .calendar = "2011-12-30", .zone = "Pacific/Apia", .dst = DST_SKIP,
	  .after = "2011-12-01T00:00Z",
	  .dues = { "2011-12-31T00:00:00+14:00 gap nonexistent", "end" } },
	/* Dublin's winter time is the one that is set back: the same all the same. */
	{ .cron = "30 1 * * *", .zone = "Europe/Dublin", .after = "2027-10-30T12:00Z",
	  .dues = { "2027-10-31T01:30:00+01:00 fold", "2027-10-31T01:30:00+00:00 fold repeated" } },
	/* Rare ones. */
	{ .cron = "0 0 29 2 *", .zone = "Europe/Berlin", .after = "2096-03-01T00:00Z",
	  .dues = { "2104-02-29T00:00:00+01:00", "2108-02-29T00:00:00+01:00" } },
	{ .calendar = "2199-12-31 23:59", .zone = "Europe/Berlin", .after = "2027-01-01T00:00Z",
	  .dues = { "2199-12-31T23:59:00+01:00", "end" } },
	/* A zone of its own in the calendar's text. */
	{ .calendar = "02:30 Europe/Berlin", .after = "2027-03-27T12:00Z",
	  .dues = { "2027-03-28T03:00:00+02:00 gap" } },
	/* from and until are within. */
	{ .cron = "0 3 * * *", .zone = "UTC", .from = "2027-01-05T03:00Z",
	  .until = "2027-01-07T03:00Z", .after = "2026-01-01T00:00Z",
	  .dues = { "2027-01-05T03:00:00+00:00", "2027-01-06T03:00:00+00:00",
	    "2027-01-07T03:00:00+00:00", "end" } },
	{ .cron = "0 3 * * *", .zone = "UTC", .from = "2027-01-05T03:00:00.000001Z",
	  .until = "2027-01-07T02:59:59.999999Z", .after = "2026-01-01T00:00Z",
	  .dues = { "2027-01-06T03:00:00+00:00", "end" } },
	{ .cron = "0 3 * * *", .zone = "UTC", .from = "2027-01-05T03:00Z",
	  .after = "2027-01-05T03:00Z", .dues = { "2027-01-06T03:00:00+00:00" } },
	/* Without a time a whole day is left out, by the zone's days; else that very time. */
	{ .cron = "0 3,23 * * *", .zone = "Europe/Berlin", .except = { "*-12-25" },
	  .after = "2027-12-24T12:00Z",
	  .dues = { "2027-12-24T23:00:00+01:00", "2027-12-25T03:00:00+01:00 excluded",
	    "2027-12-25T23:00:00+01:00 excluded", "2027-12-26T03:00:00+01:00" } },
	{ .cron = "0 3,23 * * *", .zone = "Europe/Berlin", .except = { "*-12-25 23:00", "Sun" },
	  .after = "2027-12-24T22:30Z",
	  .dues = { "2027-12-25T03:00:00+01:00", "2027-12-25T23:00:00+01:00 excluded",
	    "2027-12-26T03:00:00+01:00 excluded", "2027-12-26T23:00:00+01:00 excluded",
	    "2027-12-27T03:00:00+01:00" } },
	/* Christmas in Auckland begins before Berlin's. */
	{ .cron = "0 3,13 * * *", .zone = "Europe/Berlin", .except = { "*-12-25 Pacific/Auckland" },
	  .after = "2027-12-24T00:00Z",
	  .dues = { "2027-12-24T03:00:00+01:00", "2027-12-24T13:00:00+01:00 excluded",
	    "2027-12-25T03:00:00+01:00 excluded", "2027-12-25T13:00:00+01:00" } },
	/* The schedule's own cause comes first. */
	{ .cron = "30 2 * * *", .zone = "Europe/Berlin", .except = { "*-10-31" },
	  .after = "2027-10-30T12:00Z",
	  .dues = { "2027-10-31T02:30:00+02:00 fold excluded",
	    "2027-10-31T02:30:00+01:00 fold repeated", "2027-11-01T02:30:00+01:00" } },
};

static void
dates_are_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		expected_holds(&table[i]);
}

static void
elapsed_time_has_until_and_except_and_no_changes(void **state)
{
	char *items[] = { text_of("Sun Europe/Berlin") };
	struct job_spec spec = { .every = 12 * USEC_HOUR, .until = at("2027-03-30T00:00Z"),
		.except = { items, 1 }, .time_zone = text_of("Europe/Berlin") };
	struct schedule s = must_open(&spec);
	instant t = at("2027-03-27T10:00Z");
	struct occurrence o;

	(void)state;
	assert_true(schedule_repeats(&s) && !schedule_fixed(&s) && schedule_zone(&s) == NULL);
	assert_true(schedule_next(&s, t, &o));
	assert_int_equal(o.due.usec, at("2027-03-27T22:00Z").usec);
	assert_int_equal(o.cause, -1);
	/* 23:00 of Saturday is over in Berlin; then two on Sunday. */
	assert_true(schedule_next(&s, o.due, &o));
	assert_int_equal(o.cause, SKIP_EXCLUDED);
	assert_true(schedule_next(&s, o.due, &o));
	assert_int_equal(o.due.usec, at("2027-03-28T22:00Z").usec);
	assert_int_equal(o.cause, -1);
	assert_true(schedule_next(&s, o.due, &o));
	assert_true(schedule_next(&s, o.due, &o));
	assert_false(schedule_next(&s, o.due, &o));
	schedule_done(&s);
}

static void
a_single_occurrence_has_no_next_and_is_excluded_by_nothing(void **state)
{
	struct job_spec spec = { .jitter = USEC_SEC };
	struct schedule s = must_open(&spec);
	struct occurrence o;

	(void)state;
	assert_false(schedule_repeats(&s));
	assert_false(schedule_next(&s, at("2027-01-01T00:00Z"), &o));
	o = schedule_at(&s, at("2027-01-01T00:00Z"));
	assert_int_equal(o.cause, -1);
	schedule_done(&s);
}

/* The rules were others when it was found: it is run as it is. */
static void
a_due_of_other_rules_is_an_occurrence_all_the_same(void **state)
{
	struct job_spec spec = { .cron = text_of("0 3 * * *"), .time_zone = text_of("UTC"),
		.until = at("2027-06-01T00:00Z") };
	struct schedule s = must_open(&spec);

	(void)state;
	assert_int_equal(schedule_at(&s, at("2027-01-01T04:00Z")).due.usec,
	    at("2027-01-01T04:00Z").usec);
	assert_int_equal(schedule_at(&s, at("2027-01-01T04:00Z")).cause, -1);
	assert_int_equal(schedule_at(&s, at("2028-01-01T04:00Z")).due.usec,
	    at("2028-01-01T04:00Z").usec);
	schedule_done(&s);
}

static void
what_the_store_keeps_is_read_again(void **state)
{
	struct schedule a, b;
	struct occurrence o, p;

	(void)state;
	assert_int_equal(schedule_read(NULL, USEC_MINUTE, zones, 3, &a), 0);
	assert_true(a.rule == NULL && a.every == USEC_MINUTE);
	assert_int_equal(schedule_read("{\"cron\":\"30 2 * * *\",\"timeZone\":\"Europe/Berlin\","
	    "\"dst\":\"both\",\"jitterUSec\":5,\"misfireLimit\":7,\"misfireWindowUSec\":9,"
	    "\"until\":\"2027-11-05T00:00:00.000000Z\",\"laterField\":1}", 0, zones, 3, &b), 0);
	assert_int_equal(schedule_dst(&b), DST_BOTH);
	assert_int_equal(schedule_misfire_limit(&b), 7);
	assert_int_equal(schedule_misfire_window(&b), 9);
	assert_true(schedule_next(&b, at("2027-11-04T00:00Z"), &o));
	assert_false(schedule_next(&b, o.due, &p));
	schedule_done(&a);
	schedule_done(&b);
	assert_int_equal(schedule_read("{\"cron\":\"0 3 * * *\",\"timeZone\":\"No/Such\"}", 0, zones,
	    3, &a), -EINVAL);
	assert_int_equal(schedule_read("{\"cron\":", 0, zones, 3, &a), -EINVAL);
	assert_int_equal(schedule_misfire_limit(&(struct schedule){ 0 }), MISFIRE_LIMIT_DEFAULT);
	assert_int_equal(schedule_misfire_window(&(struct schedule){ 0 }), USEC_NEVER);
}

static void
the_default_for_misfires_goes_by_the_distance_of_wall_times(void **state)
{
	static const struct { const char *cron; int kind; enum misfire want; } rows[] = {
		{ "0 3 * * *", KIND_COMMAND, MISFIRE_ONCE }, { "0 * * * *", KIND_COMMAND, MISFIRE_ONCE },
		{ "*/30 * * * *", KIND_COMMAND, MISFIRE_SKIP }, { "0 3 * * *", KIND_HTTP, MISFIRE_SKIP },
		{ "0 3 * * *", KIND_TIMER, MISFIRE_ONCE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct job_spec spec = { .cron = text_of(rows[i].cron), .time_zone = text_of("UTC") };
		struct schedule s = must_open(&spec);

		assert_int_equal(schedule_misfire(&s, MISFIRE_DEFAULT, rows[i].kind,
		    at("2027-01-01T03:00Z")), rows[i].want);
		assert_int_equal(schedule_misfire(&s, MISFIRE_ALL, rows[i].kind,
		    at("2027-01-01T03:00Z")), MISFIRE_ALL);
		schedule_done(&s);
	}
}

/* ---- errors ---- */

static const struct {
	const char	*cron, *calendar, *zone, *except;
	const char	*field, *reason;
} errors[] = {
	{ .cron = "0 24 * * *", .field = "cron", .reason = "at \"24 * * *\": hour 24: 0 to 23" },
	{ .cron = "0 0 30 2 *", .field = "cron",
	  .reason = "at \"0 0 30 2 *\": it never comes: February has no 30th" },
	{ .cron = "0 0 * *", .field = "cron",
	  .reason = "at its end: 4 fields: 5 (minute hour day month weekday), or 6 with seconds first" },
	{ .cron = "@reboot", .field = "cron", .reason = "at \"@reboot\": @reboot: use --on-boot" },
	{ .cron = "", .field = "cron", .reason = "at its end: 0 fields: 5 (minute hour day month weekday),"
	  " or 6 with seconds first" },
	{ .cron = "61 0 123456789012345678901234567890123456789012345678901 * *", .field = "cron",
	  .reason = "at \"61 0 12345678901234567890123456789012345\": minute 61: 0 to 59" },
	/* Nothing but printable ASCII is repeated, so that no letter is cut in two. */
	{ .cron = "61 0 * * \"34567890123456789012345678901\xC3\xA4\n", .field = "cron",
	  .reason = "at \"61 0 * * ?34567890123456789012345678901?\": minute 61: 0 to 59" },
	{ .calendar = "12", .field = "calendar",
	  .reason = "at \"12\": \"12\": a date has a -, as in *-*-12, and a time a :, as in 12:00" },
	{ .calendar = "2027-02-29", .field = "calendar",
	  .reason = "at \"2027-02-29\": it never comes: February 2027 has no 29th" },
	{ .calendar = "Mon..Fri 25:00", .field = "calendar", .reason = "at \"25:00\": hour 25: 0 to 23" },
	{ .calendar = "12:00 Europe/Berlni", .field = "calendar",
	  .reason = "unknown zone \"Europe/Berlni\": did you mean Europe/Berlin?" },
	{ .calendar = "12:00 Europe/Berlin", .zone = "Europe/Paris", .field = "timeZone",
	  .reason = "the calendar expression names another zone" },
	{ .cron = "0 3 * * *", .zone = "Europe/Berlni", .field = "timeZone",
	  .reason = "unknown zone \"Europe/Berlni\": did you mean Europe/Berlin?" },
	{ .cron = "0 3 * * *", .zone = "../../etc/passwd", .field = "timeZone",
	  .reason = "unknown zone" },
	{ .cron = "0 3 * * *", .zone = "UTC", .except = "*-02-30", .field = "except[0]",
	  .reason = "at \"*-02-30\": it never comes: February has no 30th" },
	{ .cron = "0 3 * * *", .zone = "UTC", .except = "Mo", .field = "except[0]",
	  .reason = "at \"Mo\": weekday \"Mo\": Mon, Tue" },
	{ .cron = "0 3 * * *", .zone = "UTC", .except = "Mon No/Such", .field = "except[0]",
	  .reason = "unknown zone \"No/Such\"" },
	{ .cron = "0 3 * * *", .zone = "No/Such", .except = "Mon", .field = "timeZone",
	  .reason = "unknown zone \"No/Such\"" },
};

static void
errors_name_the_field_the_place_and_what_would_be_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		char *items[] = { text_of(errors[i].except) };
		struct job_spec spec = { .cron = text_of(errors[i].cron),
			.calendar = text_of(errors[i].calendar),
			.time_zone = text_of(errors[i].zone),
			.except = { items, errors[i].except != NULL } };
		struct field_error error = { 0 };
		struct schedule s = { 0 };

		assert_int_equal(schedule_open(&spec, zones, 1, &s, &error), JOBD_INVALID_FIELD);
		if (strcmp(error.path, errors[i].field) != 0 ||
		    strncmp(error.reason, errors[i].reason, strlen(errors[i].reason)) != 0)
			fail_msg("%zu: %s: %s", i, error.path, error.reason);
		assert_null(s.rule);
	}
}

static void
the_zone_may_be_named_twice_alike(void **state)
{
	struct job_spec spec = { .calendar = text_of("12:00 Europe/Berlin"),
		.time_zone = text_of("Europe/Berlin") };
	struct schedule s = must_open(&spec);

	(void)state;
	assert_string_equal(zone_name(schedule_zone(&s)), "Europe/Berlin");
	schedule_done(&s);
}

/* ---- words ---- */

static const struct {
	const char	*cron, *zone;
	int		 dst;
	const char	*after;		/* the occurrence that follows */
	const char	*remark;	/* NULL: there is nothing to say */
} remarks[] = {
	{ "30 2 * * *", "Europe/Berlin", DST_ONCE, "2027-03-27T12:00Z",
	    "02:30 does not exist on 2027-03-28, the clock is set forward: due at 03:00" },
	{ "30 2 * * *", "Europe/Berlin", DST_SKIP, "2027-03-27T12:00Z",
	    "02:30 does not exist on 2027-03-28, the clock is set forward: skipped" },
	{ "30 2 * * *", "Europe/Berlin", DST_ONCE, "2027-10-30T12:00Z",
	    "02:30 comes twice on 2027-10-31, the clock is set back: due the first time" },
	{ "30 2 * * *", "Europe/Berlin", DST_ONCE, "2027-10-31T00:30Z",
	    "02:30 comes twice on 2027-10-31, the clock is set back: skipped the second time" },
	{ "30 2 * * *", "Europe/Berlin", DST_BOTH, "2027-10-31T00:30Z",
	    "02:30 comes twice on 2027-10-31, the clock is set back: due both times" },
	{ "30 15 2 * * *", "Australia/Lord_Howe", DST_ONCE, "2026-10-03T00:00Z",
	    "02:15:30 does not exist on 2026-10-04, the clock is set forward: due at 02:30" },
	{ "0 0 * * *", "Asia/Beirut", DST_ONCE, "2026-03-28T00:00Z",
	    "00:00 does not exist on 2026-03-29, the clock is set forward: due at 01:00" },
	{ "0 3 * * *", "Pacific/Apia", DST_ONCE, "2011-12-29T14:00Z",
	    "03:00 does not exist on 2011-12-30, the clock is set forward: due at 00:00" },
	{ "30 4 * * *", "Europe/Berlin", DST_ONCE, "2027-03-27T12:00Z", NULL },
	{ "30 * * * *", "Europe/Berlin", DST_ONCE, "2027-10-31T00:00Z", NULL },
};

static void
remarks_say_what_a_change_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(remarks) / sizeof(remarks[0]); i++) {
		struct job_spec spec = { .cron = text_of(remarks[i].cron),
			.time_zone = text_of(remarks[i].zone), .dst = remarks[i].dst };
		struct schedule s = must_open(&spec);
		struct occurrence o;
		char *text;

		assert_true(schedule_next(&s, at(remarks[i].after), &o));
		text = remark_occurrence(&s, &o);
		if (remarks[i].remark == NULL)
			assert_null(text);
		else if (text == NULL || strcmp(text, remarks[i].remark) != 0)
			fail_msg("%s, not %s", text, remarks[i].remark);
		free(text);
		schedule_done(&s);
	}
}

static void
changes_are_told_ahead_and_no_more_than_asked_for(void **state)
{
	struct job_spec spec = { .cron = text_of("30 2 * * *"), .time_zone = text_of("Europe/Berlin") };
	struct schedule s = must_open(&spec);
	struct strings out = { 0 };

	(void)state;
	remark_changes(&s, at("2027-01-01T00:00Z"), 5, &out);
	assert_int_equal(out.n, 2);
	assert_string_equal(out.items[0],
	    "02:30 does not exist on 2027-03-28, the clock is set forward: due at 03:00");
	assert_string_equal(out.items[1],
	    "02:30 comes twice on 2027-10-31, the clock is set back: due the first time");
	strings_done(&out);
	remark_changes(&s, at("2027-01-01T00:00Z"), 1, &out);
	assert_int_equal(out.n, 1);
	strings_done(&out);
	schedule_done(&s);

	/* What is left out anyway is not told. */
	spec.except = (struct strings){ (char *[]){ text_of("*-3-28") }, 1 };
	s = must_open(&spec);
	remark_changes(&s, at("2027-01-01T00:00Z"), 5, &out);
	assert_int_equal(out.n, 1);
	strings_done(&out);
	schedule_done(&s);

	spec.cron = text_of("30 * * * *");
	s = must_open(&spec);
	remark_changes(&s, at("2027-01-01T00:00Z"), 5, &out);
	assert_int_equal(out.n, 0);
	schedule_done(&s);
}

/* Fixed, and as many as there are seconds: what the change marks is found all the same. */
static void
changes_are_told_of_schedules_with_many_occurrences(void **state)
{
	struct job_spec spec = { .cron = text_of("* 0-59 0-23 * * *"),
		.time_zone = text_of("Europe/Berlin") };
	struct schedule s = must_open(&spec);
	struct strings out = { 0 };

	(void)state;
	remark_changes(&s, at("2027-01-01T00:00Z"), 5, &out);
	assert_int_equal(out.n, 2);
	strings_done(&out);
	schedule_done(&s);
}

static void
local_times_are_printed_with_their_offset(void **state)
{
	char out[WHEN_TEXT_MAX];

	(void)state;
	assert_string_equal(local_print(zone_of("Europe/Berlin"), at("2027-03-28T01:00Z"), out),
	    "2027-03-28T03:00:00+02:00");
	assert_string_equal(local_print(zone_of("America/St_Johns"), at("2027-01-01T00:00:00.5Z"), out),
	    "2026-12-31T20:30:00.500000-03:30");
	assert_string_equal(local_print(NULL, at("2027-01-01T00:00Z"), out), "2027-01-01T00:00:00Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_as_the_table_says),
		cmocka_unit_test(search_agrees_with_the_oracle_around_every_change),
		cmocka_unit_test(search_agrees_with_the_oracle_second_by_second),
		cmocka_unit_test(search_agrees_with_the_oracle_over_five_years),
		cmocka_unit_test(a_single_date_is_found_through_gap_and_fold),
		cmocka_unit_test(next_is_greater_and_monotone_and_schedule_at_agrees),
		cmocka_unit_test(past_agrees_with_walking),
		cmocka_unit_test(past_is_bounded),
		cmocka_unit_test(jitter_is_stable_and_within_its_bounds_and_spread),
		cmocka_unit_test(elapsed_time_has_until_and_except_and_no_changes),
		cmocka_unit_test(a_single_occurrence_has_no_next_and_is_excluded_by_nothing),
		cmocka_unit_test(a_due_of_other_rules_is_an_occurrence_all_the_same),
		cmocka_unit_test(what_the_store_keeps_is_read_again),
		cmocka_unit_test(the_default_for_misfires_goes_by_the_distance_of_wall_times),
		cmocka_unit_test(errors_name_the_field_the_place_and_what_would_be_right),
		cmocka_unit_test(the_zone_may_be_named_twice_alike),
		cmocka_unit_test(remarks_say_what_a_change_does),
		cmocka_unit_test(changes_are_told_ahead_and_no_more_than_asked_for),
		cmocka_unit_test(changes_are_told_of_schedules_with_many_occurrences),
		cmocka_unit_test(local_times_are_printed_with_their_offset),
	};

	return cmocka_run_group_tests_name("scheduler_schedule", tests, group_setup, group_teardown);
}
