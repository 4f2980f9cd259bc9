/*
 * Zones: every one of tzdata against the C library's reading of it; themselves; the days on
 * which zones did odd things; and bytes that are no zone's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/rand.h"
#include "daemon/scheduler/zone.h"
#include "proto/civil.h"
#include "proto/mem.h"

#define TZDATA		"/usr/share/zoneinfo"
#define DAY		((int64_t)86400)
#define YEAR_9999	((int64_t)253402300799)
#define ZONES_MAX	2000

static struct rand rng;
static bool everything;

static char *names[ZONES_MAX];
static size_t names_n;

/* ---- the installed zones ---- */

static int
name_collect(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *name = path + strlen(TZDATA) + 1;
	char magic[5] = "";
	FILE *file;

	(void)st;
	(void)ftw;
	/* Links are other names of the same. */
	if ((type != FTW_F && (type != FTW_SL || !everything)) ||
	    strncmp(name, "right/", 6) == 0 || strncmp(name, "posix", 5) == 0 ||
	    strcmp(name, "localtime") == 0)
		return 0;
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fread(magic, 1, 4, file) == 4 && strcmp(magic, "TZif") == 0 && names_n < ZONES_MAX)
		names[names_n++] = xstrdup(name);
	(void)fclose(file);
	return 0;
}

static void
tzdata_needed(void)
{
	if (names_n > 0)
		return;
	printf("SKIP: tzdata is not installed: no zones in " TZDATA "\n");
	skip();
}

static struct zone *
load(const char *name)
{
	char error[ZONE_ERROR_MAX] = "";
	struct zone *z = zone_load(NULL, name, error);

	if (z == NULL)
		fail_msg("%s", error);
	return z;
}

/* ---- against the C library ---- */

static void
library_set(const char *tz)
{
	assert_int_equal(setenv("TZ", tz, 1), 0);
	tzset();
}

/* Returns what they agree on. */
static struct tm
agree_at(const struct zone *z, int64_t utc)
{
	struct zone_offset o = zone_offset_at(z, utc);
	time_t t = (time_t)utc;
	struct tm tm;

	assert_non_null(localtime_r(&t, &tm));
	if (o.east != tm.tm_gmtoff || o.dst != (tm.tm_isdst == 1) ||
	    strcmp(o.abbreviation, tm.tm_zone) != 0)
		fail_msg("%s at %lld: %d %d %s, and the C library %ld %d %s", zone_name(z),
		    (long long)utc, o.east, o.dst, o.abbreviation, tm.tm_gmtoff, tm.tm_isdst,
		    tm.tm_zone);
	return tm;
}

static bool
tm_same(const struct tm *a, const struct tm *b)
{
	return a->tm_gmtoff == b->tm_gmtoff && a->tm_isdst == b->tm_isdst &&
	    strcmp(a->tm_zone, b->tm_zone) == 0;
}

static int64_t
library_wall(int64_t utc)
{
	time_t t = (time_t)utc;
	struct tm tm;

	assert_non_null(localtime_r(&t, &tm));
	return utc + tm.tm_gmtoff;
}

/* What the wall second is, by the C library's offsets alone, and by its own guess. */
static void
agree_on_wall(const struct zone *z, int64_t wall)
{
	struct civil c = civil_of_wall(wall);
	struct tm tm = { .tm_year = (int)c.year - 1900, .tm_mon = c.month - 1,
		.tm_mday = c.day, .tm_hour = c.hour, .tm_min = c.minute, .tm_sec = c.second,
		.tm_isdst = -1 };
	int64_t first, last, guess = (int64_t)mktime(&tm);
	enum zone_wall what = zone_of_wall(z, wall, &first, &last);

	if (what == ZONE_GAP) {
		assert_int_equal(first, last);
		if (library_wall(first) <= wall || library_wall(first - 1) >= wall)
			fail_msg("%s: wall %lld is no gap", zone_name(z), (long long)wall);
		return;
	}
	assert_true((what == ZONE_FOLD) == (first < last));
	if (library_wall(first) != wall || library_wall(last) != wall ||
	    (guess != first && guess != last))
		fail_msg("%s: wall %lld is not %lld or %lld but %lld", zone_name(z),
		    (long long)wall, (long long)first, (long long)last, (long long)guess);
}

static void
agree_around(const struct zone *z, int64_t utc)
{
	for (int64_t t = utc - 1; t <= utc + 1; t++) {
		agree_at(z, t);
		if (everything || rand_below(&rng, 8) == 0) {
			agree_on_wall(z, t + zone_offset_at(z, t).east);
			agree_on_wall(z, t + zone_offset_at(z, t - 2).east);
		}
	}
}

/* Finds the C library's changes, so that one that the zone lacks is found as well. */
static void
agree_from_to(const struct zone *z, int64_t from, int64_t to, int64_t step)
{
	struct tm before = agree_at(z, from), after, tm;
	int64_t low, high, middle;

	for (int64_t t = from; t < to; t += step, before = after) {
		after = agree_at(z, t + step);
		if (tm_same(&before, &after))
			continue;
		low = t;
		high = t + step;
		while (high - low > 1) {
			middle = low + (high - low) / 2;
			tm = agree_at(z, middle);
			if (tm_same(&before, &tm))
				low = middle;
			else
				high = middle;
		}
		agree_around(z, high);
	}
}

static void
every_zone_is_as_the_c_library_reads_it(void **state)
{
	const int64_t to = 131 * 365 * DAY;
	struct zone_change change;
	struct zone *z;
	int64_t t;

	(void)state;
	tzdata_needed();
	for (size_t i = 0; i < names_n; i++) {
		z = load(names[i]);
		library_set(names[i]);
		/* Ramadan is shorter than a month: nothing hides between two looks for long. */
		agree_from_to(z, 0, to, everything ? DAY / 8 : 14 * DAY);
		for (t = 0; zone_next_change(z, t, &change) && change.at < to; t = change.at)
			agree_around(z, change.at);
		for (int j = 0; j < (everything ? 20000 : 100); j++) {
			t = (int64_t)rand_below(&rng, (uint64_t)to);
			agree_at(z, t);
			if (j < 10)
				agree_on_wall(z, t);
			t = (int64_t)rand_below(&rng, (uint64_t)YEAR_9999);
			agree_at(z, t);
		}
		zone_free(z);
	}
}

/* ---- of itself ---- */

static void
wall_comes_back(const struct zone *z, int64_t utc)
{
	int64_t wall = utc + zone_offset_at(z, utc).east, first, last;
	enum zone_wall what = zone_of_wall(z, wall, &first, &last);

	assert_int_not_equal(what, ZONE_GAP);
	assert_true(first <= utc && utc <= last);
	assert_true(what != ZONE_ONCE || (first == utc && last == utc));
	assert_int_equal(first + zone_offset_at(z, first).east, wall);
	assert_int_equal(last + zone_offset_at(z, last).east, wall);
}

/* The row of changes from an instant on is the row back from its end. */
static void
changes_hold(const struct zone *z, int64_t utc, int n)
{
	struct zone_change c, d;
	int64_t t = utc, first, last;

	for (int i = 0; i < n && zone_next_change(z, t, &c); i++) {
		assert_true(c.at > t && c.before != c.after);
		assert_int_equal(zone_offset_at(z, t).east, c.before);
		assert_int_equal(zone_offset_at(z, c.at - 1).east, c.before);
		assert_int_equal(zone_offset_at(z, c.at).east, c.after);
		assert_true(zone_last_change(z, c.at, &d));
		assert_true(d.at == c.at && d.before == c.before && d.after == c.after);
		assert_true(!zone_last_change(z, c.at - 1, &d) || d.at <= t);
		wall_comes_back(z, c.at);
		wall_comes_back(z, c.at - 1);
		if (c.after > c.before) {
			assert_int_equal(zone_of_wall(z, c.at + c.before, &first, &last), ZONE_GAP);
			assert_true(first == c.at && last == c.at);
		}
		t = c.at;
	}
}

static void
wall_seconds_and_changes_fit_the_offsets(void **state)
{
	struct zone *z;
	int64_t t;

	(void)state;
	tzdata_needed();
	for (size_t i = 0; i < names_n; i++) {
		z = load(names[i]);
		changes_hold(z, INT64_MIN, 1000);
		for (int j = 0; j < (everything ? 2000 : 20); j++) {
			t = (int64_t)rand_below(&rng, 2 * (uint64_t)YEAR_9999) - YEAR_9999;
			wall_comes_back(z, t);
			changes_hold(z, t, 2);
		}
		zone_free(z);
	}
}

/* ---- days on which the clocks did odd things ---- */

/* "2026-03-29 01:00:00" as a wall second; also an instant, where it is said in UTC. */
static int64_t
at(const char *text)
{
	struct civil c = { 0 };
	int year;

	assert_int_equal(sscanf(text, "%d-%d-%d %d:%d:%d", &year, &c.month, &c.day, &c.hour,
	    &c.minute, &c.second), 6);
	c.year = year;
	return civil_to_wall(&c);
}

static void
change_is(const struct zone *z, const char *utc, int before, int after)
{
	struct zone_change c;

	assert_true(zone_next_change(z, at(utc) - 1, &c));
	assert_int_equal(c.at, at(utc));
	assert_int_equal(c.before, before);
	assert_int_equal(c.after, after);
}

static void
wall_is(const struct zone *z, const char *wall, enum zone_wall what, const char *const utc[2])
{
	int64_t first, last;

	assert_int_equal(zone_of_wall(z, at(wall), &first, &last), what);
	assert_int_equal(first, at(utc[0]));
	assert_int_equal(last, at(utc[1]));
}

#define WALL_IS(z, wall, what, first, last) \
	wall_is(z, wall, what, (const char *const[2]){ first, last })

static void
in_force(const struct zone *z, const char *utc, struct zone_offset want)
{
	struct zone_offset o = zone_offset_at(z, at(utc));

	assert_int_equal(o.east, want.east);
	assert_int_equal(o.dst, want.dst);
	assert_string_equal(o.abbreviation, want.abbreviation);
}

#define IN_FORCE(z, utc, ...)	in_force(z, utc, (struct zone_offset){ __VA_ARGS__ })

static void
lord_howe_shifts_by_half_an_hour(void **state)
{
	struct zone *z;

	(void)state;
	tzdata_needed();
	z = load("Australia/Lord_Howe");
	change_is(z, "2026-10-03 15:30:00", 37800, 39600);
	WALL_IS(z, "2026-10-04 02:15:00", ZONE_GAP, "2026-10-03 15:30:00", "2026-10-03 15:30:00");
	WALL_IS(z, "2026-10-04 02:30:00", ZONE_ONCE, "2026-10-03 15:30:00", "2026-10-03 15:30:00");
	change_is(z, "2026-04-04 15:00:00", 39600, 37800);
	WALL_IS(z, "2026-04-05 01:45:00", ZONE_FOLD, "2026-04-04 14:45:00", "2026-04-04 15:15:00");
	WALL_IS(z, "2026-04-05 02:00:00", ZONE_ONCE, "2026-04-04 15:30:00", "2026-04-04 15:30:00");
	/* Beyond any table. */
	change_is(z, "2126-10-05 15:30:00", 37800, 39600);
	zone_free(z);
}

static void
midnight_may_be_skipped(void **state)
{
	struct zone_change c;
	struct zone *z;

	(void)state;
	tzdata_needed();
	z = load("Asia/Beirut");
	WALL_IS(z, "2026-03-29 00:00:00", ZONE_GAP, "2026-03-28 22:00:00", "2026-03-28 22:00:00");
	WALL_IS(z, "2026-03-29 01:00:00", ZONE_ONCE, "2026-03-28 22:00:00", "2026-03-28 22:00:00");
	zone_free(z);
	z = load("America/Santiago");
	WALL_IS(z, "2026-09-06 00:30:00", ZONE_GAP, "2026-09-06 04:00:00", "2026-09-06 04:00:00");
	WALL_IS(z, "2026-04-04 23:30:00", ZONE_FOLD, "2026-04-05 02:30:00", "2026-04-05 03:30:00");
	zone_free(z);
	z = load("America/Sao_Paulo");
	WALL_IS(z, "2018-11-04 00:00:00", ZONE_GAP, "2018-11-04 03:00:00", "2018-11-04 03:00:00");
	change_is(z, "2019-02-17 02:00:00", -7200, -10800);
	assert_false(zone_next_change(z, at("2019-02-17 02:00:00"), &c));
	assert_true(zone_last_change(z, YEAR_9999, &c));
	assert_int_equal(c.at, at("2019-02-17 02:00:00"));
	zone_free(z);
}

static void
a_whole_day_may_be_skipped(void **state)
{
	struct zone *z;

	(void)state;
	tzdata_needed();
	z = load("Pacific/Apia");
	change_is(z, "2011-12-30 10:00:00", -36000, 50400);
	WALL_IS(z, "2011-12-29 23:59:59", ZONE_ONCE, "2011-12-30 09:59:59", "2011-12-30 09:59:59");
	WALL_IS(z, "2011-12-30 00:00:00", ZONE_GAP, "2011-12-30 10:00:00", "2011-12-30 10:00:00");
	WALL_IS(z, "2011-12-30 23:59:59", ZONE_GAP, "2011-12-30 10:00:00", "2011-12-30 10:00:00");
	WALL_IS(z, "2011-12-31 00:00:00", ZONE_ONCE, "2011-12-30 10:00:00", "2011-12-30 10:00:00");
	zone_free(z);
	z = load("Pacific/Kwajalein");
	change_is(z, "1993-08-21 12:00:00", -43200, 43200);
	WALL_IS(z, "1993-08-21 12:00:00", ZONE_GAP, "1993-08-21 12:00:00", "1993-08-21 12:00:00");
	zone_free(z);
	/* And one may come twice. */
	z = load("America/Juneau");
	change_is(z, "1867-10-19 00:31:13", 54139, -32261);
	WALL_IS(z, "1867-10-19 00:00:00", ZONE_FOLD, "1867-10-18 08:57:41", "1867-10-19 08:57:41");
	zone_free(z);
}

static void
changes_may_follow_each_other_closely(void **state)
{
	struct zone *z;

	(void)state;
	tzdata_needed();
	z = load("Africa/Casablanca");
	change_is(z, "2025-02-23 02:00:00", 3600, 0);
	change_is(z, "2025-04-06 02:00:00", 0, 3600);
	/* That month is called summer time, and moves the clock back. */
	IN_FORCE(z, "2025-03-01 00:00:00", 0, true, "+00");
	zone_free(z);
	z = load("Africa/Cairo");
	change_is(z, "2010-04-29 22:00:00", 7200, 10800);
	change_is(z, "2010-08-10 21:00:00", 10800, 7200);
	change_is(z, "2010-09-09 22:00:00", 7200, 10800);
	change_is(z, "2010-09-30 21:00:00", 10800, 7200);
	zone_free(z);
	z = load("Europe/Moscow");
	change_is(z, "2010-10-30 23:00:00", 14400, 10800);
	change_is(z, "2011-03-26 23:00:00", 10800, 14400);
	change_is(z, "2014-10-25 22:00:00", 14400, 10800);
	IN_FORCE(z, "2012-01-01 00:00:00", 14400, false, "MSK");
	zone_free(z);
}

static void
troll_shifts_by_two_hours(void **state)
{
	struct zone *z;

	(void)state;
	tzdata_needed();
	z = load("Antarctica/Troll");
	change_is(z, "2026-03-29 01:00:00", 0, 7200);
	WALL_IS(z, "2026-03-29 02:59:59", ZONE_GAP, "2026-03-29 01:00:00", "2026-03-29 01:00:00");
	WALL_IS(z, "2026-10-25 01:30:00", ZONE_FOLD, "2026-10-24 23:30:00", "2026-10-25 01:30:00");
	zone_free(z);
}

static void
summer_time_may_be_in_winter(void **state)
{
	struct zone *z;

	(void)state;
	tzdata_needed();
	z = load("Europe/Dublin");
	IN_FORCE(z, "2026-01-15 00:00:00", 0, true, "GMT");
	IN_FORCE(z, "2026-07-15 00:00:00", 3600, false, "IST");
	IN_FORCE(z, "2226-01-15 00:00:00", 0, true, "GMT");
	IN_FORCE(z, "2226-07-15 00:00:00", 3600, false, "IST");
	zone_free(z);
}

static void
time_begins_with_local_mean_time_and_goes_on_to_9999(void **state)
{
	struct zone_change c;
	struct zone *z;

	(void)state;
	tzdata_needed();
	z = load("Europe/Berlin");
	IN_FORCE(z, "1800-01-01 00:00:00", 3208, false, "LMT");
	assert_false(zone_last_change(z, at("1893-03-31 23:06:31"), &c));
	assert_true(zone_next_change(z, INT64_MIN, &c));
	assert_int_equal(c.at, at("1893-03-31 23:06:32"));
	IN_FORCE(z, "9999-07-01 00:00:00", 7200, true, "CEST");
	change_is(z, "9999-10-31 01:00:00", 7200, 3600);
	WALL_IS(z, "9999-10-31 02:30:00", ZONE_FOLD, "9999-10-31 00:30:00", "9999-10-31 01:30:00");
	zone_free(z);
}

/* ---- files made here ---- */

struct image {
	uint8_t	bytes[4096];
	size_t	n;
};

static void
put(struct image *m, uint64_t value, size_t size)
{
	for (size_t i = size; i-- > 0;)
		m->bytes[m->n++] = (uint8_t)(value >> (8 * i));
}

static void
put_text(struct image *m, const char *text)
{
	memcpy(m->bytes + m->n, text, strlen(text));
	m->n += strlen(text);
}

/* A block with the types UTC, and ABC an hour east of it, and the times in turns of them. */
static void
put_block(struct image *m, char version, const int64_t *times, size_t n)
{
	size_t size = version != '\0' && m->n > 0 ? 8 : 4;

	put_text(m, "TZif");
	put(m, (uint8_t)version, 1);
	for (int i = 0; i < 15 + 12; i++)
		put(m, 0, 1);
	put(m, n, 4);
	put(m, 2, 4);
	put(m, 8, 4);
	for (size_t i = 0; i < n; i++)
		put(m, (uint64_t)times[i], size);
	for (size_t i = 0; i < n; i++)
		put(m, i % 2 == 0, 1);
	put(m, 0, 4);
	put(m, 0, 2);
	put(m, 3600, 4);
	put(m, 0x0104, 2);
	put_text(m, "UTC");
	put(m, 0, 1);
	put_text(m, "ABC");
	put(m, 0, 1);
}

static struct image
image_of(const int64_t *times, size_t n, const char *rule)
{
	struct image m = { .n = 0 };

	put_block(&m, '3', NULL, 0);
	put_block(&m, '3', times, n);
	put_text(&m, "\n");
	put_text(&m, rule);
	put_text(&m, "\n");
	return m;
}

static struct zone *
zone_of_rule(const char *rule)
{
	struct image m = image_of(NULL, 0, rule);
	char error[ZONE_ERROR_MAX] = "";
	struct zone *z = zone_parse(rule, m.bytes, m.n, error);

	if (z == NULL)
		fail_msg("%s: %s", rule, error);
	return z;
}

static void
rules_are_as_the_c_library_reads_them(void **state)
{
	static const char *const rules[] = {
		"UTC0", "<+03>-3", "<-0330>3:30", "CET-1CEST,M3.5.0,M10.5.0/3",
		"IST-1GMT0,M10.5.0,M3.5.0/1", "EET-2EEST,M3.4.4/50,M10.4.4/50",
		"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
		"AAA3BBB,J60/0,J300/23:59:59", "AAA-9:30BBB-9:45,59,300/-100", "AAA0BBB0,J90,J270",
		"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "AAA24BBB23,M4.1.0/167,M9.5.6/-167",
	};
	char text[128];
	struct zone *z;

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		z = zone_of_rule(rules[i]);
		library_set(rules[i]);
		agree_from_to(z, 0, 450 * 366 * DAY, 20 * DAY);
		changes_hold(z, -1000 * DAY, 2000);
		zone_free(z);
	}
	for (int i = 0; i < (everything ? 2000 : 50); i++) {
		(void)snprintf(text, sizeof(text), "AAA%dBBB%d,M%d.%d.%d/%d,M%d.%d.%d/%d",
		    (int)rand_below(&rng, 25) - 12, (int)rand_below(&rng, 25) - 12,
		    (int)rand_below(&rng, 4) + 2, (int)rand_below(&rng, 5) + 1,
		    (int)rand_below(&rng, 7), (int)rand_below(&rng, 335) - 167,
		    (int)rand_below(&rng, 4) + 8, (int)rand_below(&rng, 5) + 1,
		    (int)rand_below(&rng, 7), (int)rand_below(&rng, 335) - 167);
		z = zone_of_rule(text);
		library_set(text);
		for (int j = 0; j < 200; j++)
			agree_at(z, (int64_t)rand_below(&rng, (uint64_t)YEAR_9999));
		zone_free(z);
	}
}

static void
summer_time_may_last_all_year(void **state)
{
	/* What RFC 9636 and zic write; and one whose end comes late. */
	static const char *const rules[] = {
		"EST5EDT,0/0,J365/25", "XXX3EDT4,0/0,J365/23", "EST5EDT,0/0,J365/40",
		"EST5EDT4,J1/0,J1/1",
	};
	struct zone_change c;
	struct zone *z;

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		z = zone_of_rule(rules[i]);
		for (int64_t t = -400 * 366 * DAY; t < 1000 * 366 * DAY; t += 7200 * 17)
			assert_string_equal(zone_offset_at(z, t).abbreviation, "EDT");
		IN_FORCE(z, "2027-01-01 00:00:00", -14400, true, "EDT");
		assert_false(zone_next_change(z, 0, &c));
		assert_false(zone_last_change(z, 0, &c));
		zone_free(z);
	}
}

static void
summer_time_may_cross_the_new_year(void **state)
{
	struct zone *z = zone_of_rule("AAA0BBB,J364/100,J2/-100");

	(void)state;
	/* From January 3 on, which is the year after; to December 28, the year before. */
	change_is(z, "2026-01-03 04:00:00", 0, 3600);
	change_is(z, "2026-12-28 19:00:00", 3600, 0);
	zone_free(z);
	z = zone_of_rule("AAA0BBB,J364/100,J20");
	change_is(z, "2026-01-03 04:00:00", 0, 3600);
	change_is(z, "2026-01-20 01:00:00", 3600, 0);
	changes_hold(z, at("1899-01-01 00:00:00"), 2000);
	zone_free(z);
}

static void
the_rule_begins_where_the_table_ends(void **state)
{
	static const int64_t times[] = { 1000, 2000 };
	struct image m = image_of(times, 2, "ABC-1");
	char error[ZONE_ERROR_MAX];
	struct zone_change c;
	struct zone *z = zone_parse("t", m.bytes, m.n, error);

	(void)state;
	assert_non_null(z);
	assert_int_equal(zone_offset_at(z, 999).east, 0);
	assert_int_equal(zone_offset_at(z, 1000).east, 3600);
	/* The table says UTC from 2000 on, and the rule has the last word. */
	assert_int_equal(zone_offset_at(z, 2000).east, 3600);
	assert_false(zone_offset_at(z, 2000).dst);
	assert_true(zone_next_change(z, 0, &c) && c.at == 1000);
	assert_false(zone_next_change(z, 1000, &c));
	assert_true(zone_last_change(z, INT64_MAX, &c) && c.at == 1000);
	changes_hold(z, INT64_MIN, 9);
	zone_free(z);
}

static void
without_a_rule_the_last_type_stays(void **state)
{
	static const int64_t times[] = { -5000, 1000, 2000 };
	struct image m = image_of(times, 3, "");
	char error[ZONE_ERROR_MAX];
	struct zone_change c;
	struct zone *z = zone_parse("t", m.bytes, m.n, error);

	(void)state;
	assert_non_null(z);
	assert_string_equal(zone_offset_at(z, INT64_MAX).abbreviation, "ABC");
	assert_string_equal(zone_offset_at(z, INT64_MIN).abbreviation, "UTC");
	assert_false(zone_next_change(z, 2000, &c));
	zone_free(z);
	/* The same of version 1. */
	m.n = 0;
	put_block(&m, '\0', times, 3);
	z = zone_parse("t", m.bytes, m.n, error);
	assert_non_null(z);
	assert_string_equal(zone_offset_at(z, -5001).abbreviation, "UTC");
	assert_string_equal(zone_offset_at(z, -5000).abbreviation, "ABC");
	assert_string_equal(zone_offset_at(z, 2000).abbreviation, "ABC");
	zone_free(z);
}

static void
changes_may_be_a_second_apart(void **state)
{
	static const int64_t times[] = { 1000, 1001, 1002, 1003 };
	struct image m = image_of(times, 4, "");
	char error[ZONE_ERROR_MAX];
	struct zone_change c;
	int64_t first, last, t;
	struct zone *z = zone_parse("t", m.bytes, m.n, error);

	(void)state;
	assert_non_null(z);
	assert_int_equal(zone_of_wall(z, 999, &first, &last), ZONE_ONCE);
	assert_int_equal(zone_of_wall(z, 1000, &first, &last), ZONE_GAP);
	assert_int_equal(first, 1000);
	assert_int_equal(zone_of_wall(z, 1001, &first, &last), ZONE_ONCE);
	assert_int_equal(zone_of_wall(z, 1003, &first, &last), ZONE_ONCE);
	assert_int_equal(first, 1003);
	/* Two changes skip it: at the first the clock is past it. */
	assert_int_equal(zone_of_wall(z, 1002, &first, &last), ZONE_GAP);
	assert_true(first == 1000 && last == 1000);
	assert_int_equal(zone_of_wall(z, 4601, &first, &last), ZONE_ONCE);
	assert_int_equal(zone_of_wall(z, 4602, &first, &last), ZONE_FOLD);
	assert_true(first == 1002 && last == 4602);
	for (t = 0; zone_next_change(z, t, &c); t = c.at)
		assert_true(c.at == (t == 0 ? 1000 : t + 1) && zone_last_change(z, c.at, &c));
	assert_int_equal(t, 1003);
	zone_free(z);
}

static void
the_ends_of_time_are_no_danger(void **state)
{
	static const int64_t ends[] = { INT64_MIN, INT64_MIN + 1, -ZONE_REACH, ZONE_REACH - 1,
		ZONE_REACH, INT64_MAX - 1, INT64_MAX };
	static const char *const rules[] = { "", "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3",
		"AAA0BBB0,J90,J270" };
	static const int64_t times[] = { -((int64_t)1 << 59), 0, (int64_t)1 << 59 };
	char error[ZONE_ERROR_MAX];
	struct zone_change c;
	int64_t first, last;

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct image m = image_of(times, i % 2 == 0 ? 3 : 0, rules[i]);
		struct zone *z = zone_parse("t", m.bytes, m.n, error);

		assert_non_null(z);
		for (size_t j = 0; j < sizeof(ends) / sizeof(ends[0]); j++) {
			assert_non_null(zone_offset_at(z, ends[j]).abbreviation);
			(void)zone_next_change(z, ends[j], &c);
			(void)zone_last_change(z, ends[j], &c);
			(void)zone_of_wall(z, ends[j], &first, &last);
		}
		zone_free(z);
	}
}

/* ---- files that are none ---- */

/* A copy of exactly these bytes shows a read beyond them; what is taken must answer. */
static bool
survives(const uint8_t *bytes, size_t n)
{
	char error[ZONE_ERROR_MAX] = "";
	uint8_t *exact = xmalloc(n + 1);
	struct zone_change c;
	struct zone *z;
	bool taken;

	memcpy(exact + 1, bytes, n);
	z = zone_parse("t", exact + 1, n, error);
	free(exact);
	taken = z != NULL;
	assert_true(taken == (error[0] == '\0'));
	for (int i = 0; taken && i < 4; i++) {
		int64_t t = (int64_t)rand_below(&rng, (uint64_t)8 << 30) - ((int64_t)2 << 30);

		wall_comes_back(z, t);
		(void)zone_next_change(z, t, &c);
		(void)zone_last_change(z, t, &c);
	}
	zone_free(z);
	return taken;
}

/* The bytes of a file, or those of one made here. */
static struct image
good_image(int which)
{
	static const char *const files[] = { TZDATA "/Europe/Dublin", TZDATA "/Africa/Casablanca" };
	static const int64_t times[] = { -5000, 1000, 2000, 100000 };
	struct image m;
	FILE *file;

	if (which < 2 && (file = fopen(files[which], "re")) != NULL) {
		m.n = fread(m.bytes, 1, sizeof(m.bytes), file);
		(void)fclose(file);
		return m;
	}
	return image_of(times, 4, "<-0330>3:30<+02>,M3.5.0/-1,J300/100");
}

static void
a_file_cut_off_anywhere_is_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct image m = good_image(i);

		assert_true(survives(m.bytes, m.n));
		for (size_t n = 0; n < m.n; n++)
			assert_false(survives(m.bytes, n));
		m.bytes[m.n] = 'x';
		assert_false(survives(m.bytes, m.n + 1));
	}
}

static void
damaged_bytes_are_refused_or_answer(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct image m = good_image(i);

		for (size_t n = 0; n < m.n; n++) {
			uint8_t was = m.bytes[n];

			m.bytes[n] = (uint8_t)(was ^ (1 + rand_below(&rng, 255)));
			(void)survives(m.bytes, m.n);
			m.bytes[n] = was;
		}
		for (int j = 0; j < (everything ? 200000 : 2000); j++) {
			struct image d = m;

			for (uint64_t k = rand_below(&rng, 8) + 1; k > 0; k--)
				d.bytes[rand_below(&rng, d.n)] = (uint8_t)rand_next(&rng);
			(void)survives(d.bytes, d.n);
		}
	}
}

static void
refused(const struct image *m, const char *why)
{
	char error[ZONE_ERROR_MAX] = "";

	assert_null(zone_parse("t", m->bytes, m->n, error));
	if (strstr(error, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", error, why);
}

static void
an_error_says_what_is_wrong(void **state)
{
	static const int64_t back[] = { 5, 5 };
	static const char *const rules[] = { "C-1", "CET", "CET-25", "CET-1CEST", "CET-1CEST,M3.5.0",
		"CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,J0,M10.5.0", "CET-1CEST,366,M10.5.0", "CET-1CEST,M3.5.0/168,M10.5.0",
		"CET-1CEST,M3.5.0,M10.5.0x", "<+01-1", "CET-1:60", "CET0001", "UTC0\nUTC0", "UTC0 ",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH0" };
	struct image m;
	/* The second block: header, then no times, then two types. */
	const size_t second = 44 + 12 + 8, types = second + 44;

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		m = image_of(NULL, 0, rules[i]);
		refused(&m, "its footer's rule is wrong at byte");
	}
	m = image_of(back, 2, "");
	refused(&m, "its time 1 is not after the one before");
	m = image_of(NULL, 0, "");
	m.bytes[4] = '5';
	refused(&m, "its version 0x35 is not known");
	m = image_of(NULL, 0, "");
	memset(m.bytes + 20, 0xff, 24);
	refused(&m, "it is cut off");
	m = image_of(NULL, 0, "");
	memset(m.bytes + second + 32, 0xff, 4);
	refused(&m, "it is cut off");
	m = image_of(NULL, 0, "");
	memset(m.bytes + second + 36, 0, 4);
	refused(&m, "it has 0 types");
	m = image_of(NULL, 0, "");
	m.bytes[second + 31] = 1;
	refused(&m, "it counts leap seconds");
	m = image_of(NULL, 0, "");
	m.bytes[types] = 0x80;
	refused(&m, "its type 0 is -2147483648 s from UTC");
	m = image_of(NULL, 0, "");
	m.bytes[types + 5] = 8;
	refused(&m, "its type 0 is damaged");
	m = image_of(NULL, 0, "");
	m.bytes[types + 12] = '\033';
	refused(&m, "its type 0 has no proper abbreviation");
}

static void
leap_second_files_are_refused(void **state)
{
	char error[ZONE_ERROR_MAX] = "";
	struct image m;
	FILE *file = fopen(TZDATA "/right/Europe/Berlin", "re");

	(void)state;
	if (file == NULL)
		skip();
	m.n = fread(m.bytes, 1, sizeof(m.bytes), file);
	(void)fclose(file);
	assert_null(zone_parse("t", m.bytes, m.n, error));
	assert_non_null(strstr(error, "it counts leap seconds"));
}

/* ---- names and files ---- */

struct place {
	char	path[200];
};

static void
file_write(const struct place *p, const char *name, const struct image *m)
{
	char path[300];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", p->path, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(m->bytes, 1, m->n, file), m->n);
	assert_int_equal(fclose(file), 0);
}

static int
place_make(void **state)
{
	static const char *const made[] = { "Europe", "America", "America/Argentina", "posix",
		"right" };
	static const char *const files[] = { "Europe/Paris", "Europe/Berlin", "Europe/Dublin",
		"America/New_York", "America/Argentina/Buenos_Aires", "America/Port_of_Spain",
		"Europe/Kiev", "Europe/Kyiv", "EST", "MST", "posix/Paris", "right/Paris",
		"localtime", "posixrules" };
	const char *directory = getenv("JOBD_TEST_DIR");
	struct place *p = xcalloc(1, sizeof(*p));
	struct image m = image_of(NULL, 0, "CET-1CEST,M3.5.0,M10.5.0/3");
	char path[300];

	(void)snprintf(p->path, sizeof(p->path), "%s/zone.XXXXXX",
	    directory != NULL ? directory : "/tmp");
	assert_non_null(mkdtemp(p->path));
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", p->path, made[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		file_write(p, files[i], &m);
	*state = p;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
place_remove(void **state)
{
	struct place *p = *state;
	int r = nftw(p->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);

	free(p);
	return r;
}

static void
load_fails(const struct place *p, const char *name, int number, const char *text)
{
	char error[ZONE_ERROR_MAX] = "";

	errno = 0;
	assert_null(zone_load(p->path, name, error));
	assert_int_equal(errno, number);
	assert_string_equal(error, text);
}

static void
a_near_name_is_offered(void **state)
{
	struct place *p = *state;

	load_fails(p, "Europe/Pariss", ENOENT,
	    "unknown zone \"Europe/Pariss\": did you mean Europe/Paris?");
	load_fails(p, "europe/paris", ENOENT,
	    "unknown zone \"europe/paris\": did you mean Europe/Paris?");
	load_fails(p, "Paris", ENOENT, "unknown zone \"Paris\": did you mean Europe/Paris?");
	load_fails(p, "New York", EINVAL,
	    "unknown zone \"New York\": did you mean America/New_York?");
	load_fails(p, "America/Buenos_Aires", ENOENT,
	    "unknown zone \"America/Buenos_Aires\": did you mean America/Argentina/Buenos_Aires?");
	load_fails(p, "Europe/Kyev", ENOENT,
	    "unknown zone \"Europe/Kyev\": did you mean Europe/Kiev or Europe/Kyiv?");
	load_fails(p, "est", ENOENT, "unknown zone \"est\": did you mean EST?");
	load_fails(p, "PST", ENOENT, "unknown zone \"PST\"");
	load_fails(p, "Mars/Olympus_Mons", ENOENT, "unknown zone \"Mars/Olympus_Mons\"");
	load_fails(p, "", EINVAL, "unknown zone \"\"");
	/* A directory is no zone. */
	load_fails(p, "America/Argentina", ENOENT, "unknown zone \"America/Argentina\"");
}

static void
a_name_never_leads_out_of_the_directory(void **state)
{
	static const char *const hostile[] = { "../Paris", "Europe/../Europe/Paris", "./EST", ".",
		"..", "/EST", "Europe/", "Europe//Paris", "//", "/", "Europe/Paris ",
		"Europe/Paris\n", "Europe\\Paris", "EST.", "localtime", "posixrules", "posix/Paris",
		"right/Paris", "right", "posix", "\xc3\xa9", "$HOME", "\033[2J",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	struct place *p = *state;
	char error[ZONE_ERROR_MAX], below[300];

	/* From here ../EST would be one. */
	(void)snprintf(below, sizeof(below), "%s/Europe", p->path);
	assert_null(zone_load(below, "../EST", error));
	assert_int_equal(errno, EINVAL);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		assert_null(zone_load(p->path, hostile[i], error));
		assert_int_equal(errno, EINVAL);
		assert_int_equal(strncmp(error, "unknown zone \"", 14), 0);
		for (const char *c = error; *c != '\0'; c++)
			assert_true(*c >= ' ' && *c <= '~');
	}
}

static void
what_is_not_a_zone_file_is_told(void **state)
{
	struct place *p = *state;
	struct image m = { .n = 0 };
	char error[ZONE_ERROR_MAX], path[300];

	put_text(&m, "not a zone");
	file_write(p, "Text", &m);
	load_fails(p, "Text", EBADMSG,
	    "zone \"Text\" cannot be read: it is not a TZif file, or cut off");
	(void)snprintf(path, sizeof(path), "%s/Text", p->path);
	assert_int_equal(truncate(path, (off_t)ZONE_FILE_MAX + 1), 0);
	load_fails(p, "Text", EFBIG, "zone \"Text\" cannot be read: File too large");
	(void)snprintf(path, sizeof(path), "%s/Pipe", p->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(zone_load(p->path, "Pipe", error));
	assert_int_equal(errno, ENOENT);
	(void)snprintf(path, sizeof(path), "%s/nowhere", p->path);
	assert_null(zone_load(path, "EST", error));
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(error, "no zones are installed (tzdata)"));
}

static void
utc_needs_no_file(void **state)
{
	char error[ZONE_ERROR_MAX];
	struct zone *z = zone_load("/nonexistent", "UTC", error);
	struct zone_change c;
	int64_t first, last;

	(void)state;
	assert_non_null(z);
	assert_string_equal(zone_name(z), "UTC");
	IN_FORCE(z, "2026-07-01 00:00:00", 0, false, "UTC");
	assert_false(zone_next_change(z, INT64_MIN, &c) || zone_last_change(z, INT64_MAX, &c));
	assert_int_equal(zone_of_wall(z, 5, &first, &last), ZONE_ONCE);
	assert_true(first == 5 && last == 5);
	assert_int_equal(zone_stale(z), 0);
	zone_free(z);
}

static void
another_file_of_the_name_is_noticed(void **state)
{
	struct place *p = *state;
	struct image m = image_of(NULL, 0, "CET-1CEST,M3.5.0,M10.5.0/3");
	char from[300], to[300], error[ZONE_ERROR_MAX];
	struct zone *z;
	struct stat st;

	z = zone_load(p->path, "Europe/Paris", error);
	assert_non_null(z);
	assert_int_equal(zone_stale(z), 0);
	/* As a package manager does it: the same size, and even the same time. */
	file_write(p, "new", &m);
	(void)snprintf(from, sizeof(from), "%s/new", p->path);
	(void)snprintf(to, sizeof(to), "%s/Europe/Paris", p->path);
	assert_int_equal(stat(to, &st), 0);
	assert_int_equal(utimensat(AT_FDCWD, from,
	    (const struct timespec[2]){ st.st_atim, st.st_mtim }, 0), 0);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(zone_stale(z), 1);
	zone_free(z);
	z = zone_load(p->path, "Europe/Paris", error);
	assert_non_null(z);
	assert_int_equal(zone_stale(z), 0);
	/* Written over in place. */
	m = image_of(NULL, 0, "UTC0");
	file_write(p, "Europe/Paris", &m);
	assert_int_equal(zone_stale(z), 1);
	assert_int_equal(unlink(to), 0);
	assert_int_equal(zone_stale(z), -ENOENT);
	zone_free(z);
}

static void
the_directory_may_come_from_the_environment(void **state)
{
	struct place *p = *state;
	char error[ZONE_ERROR_MAX];
	struct zone *z;

	assert_int_equal(setenv("TZDIR", p->path, 1), 0);
	z = zone_load(NULL, "Europe/Berlin", error);
	assert_int_equal(unsetenv("TZDIR"), 0);
	assert_non_null(z);
	IN_FORCE(z, "1900-07-01 00:00:00", 7200, true, "CEST");
	zone_free(z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_zone_is_as_the_c_library_reads_it),
		cmocka_unit_test(wall_seconds_and_changes_fit_the_offsets),
		cmocka_unit_test(lord_howe_shifts_by_half_an_hour),
		cmocka_unit_test(midnight_may_be_skipped),
		cmocka_unit_test(a_whole_day_may_be_skipped),
		cmocka_unit_test(changes_may_follow_each_other_closely),
		cmocka_unit_test(troll_shifts_by_two_hours),
		cmocka_unit_test(summer_time_may_be_in_winter),
		cmocka_unit_test(time_begins_with_local_mean_time_and_goes_on_to_9999),
		cmocka_unit_test(rules_are_as_the_c_library_reads_them),
		cmocka_unit_test(summer_time_may_last_all_year),
		cmocka_unit_test(summer_time_may_cross_the_new_year),
		cmocka_unit_test(the_rule_begins_where_the_table_ends),
		cmocka_unit_test(without_a_rule_the_last_type_stays),
		cmocka_unit_test(changes_may_be_a_second_apart),
		cmocka_unit_test(the_ends_of_time_are_no_danger),
		cmocka_unit_test(a_file_cut_off_anywhere_is_refused),
		cmocka_unit_test(damaged_bytes_are_refused_or_answer),
		cmocka_unit_test(an_error_says_what_is_wrong),
		cmocka_unit_test(leap_second_files_are_refused),
		cmocka_unit_test_setup_teardown(a_near_name_is_offered, place_make, place_remove),
		cmocka_unit_test_setup_teardown(a_name_never_leads_out_of_the_directory, place_make,
		    place_remove),
		cmocka_unit_test_setup_teardown(what_is_not_a_zone_file_is_told, place_make,
		    place_remove),
		cmocka_unit_test(utc_needs_no_file),
		cmocka_unit_test_setup_teardown(another_file_of_the_name_is_noticed, place_make,
		    place_remove),
		cmocka_unit_test_setup_teardown(the_directory_may_come_from_the_environment,
		    place_make, place_remove),
	};
	uint64_t seed = 20261127;
	int r;

	everything = getenv("JOBD_LONG") != NULL;
	if (everything)
		seed = (uint64_t)time(NULL);
	if (getenv("JOBD_SEED") != NULL)
		seed = strtoull(getenv("JOBD_SEED"), NULL, 10);
	rand_seed(&rng, seed);
	(void)unsetenv("TZDIR");
	(void)nftw(TZDATA, name_collect, 16, FTW_PHYS);
	printf("%zu zones, %s, seed=%llu\n", names_n,
	    everything ? "looked at every three hours" : "a sample (JOBD_LONG looks at all)",
	    (unsigned long long)seed);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < names_n; i++)
		free(names[i]);
	return r;
}
