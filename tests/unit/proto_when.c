/*
 * when: the calendar against the C library's for every day of four centuries, and every
 * form of text.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "proto/when.h"

#define LENGTH(a)	(sizeof(a) / sizeof((a)[0]))

static void
every_day_is_the_c_librarys(void **state)
{
	struct tm last = { .tm_year = 2401 - 1900, .tm_mday = 1 };
	time_t end = timegm(&last);

	(void)state;
	for (time_t day = 0; day < end; day += 86400) {
		time_t t = day + (day / 86400 * 7919) % 86400;
		instant i = { t * USEC_SEC + day % 999983 }, back = { 0 };
		char expected[WHEN_TEXT_MAX], text[WHEN_TEXT_MAX];
		struct tm tm;
		size_t n;

		gmtime_r(&t, &tm);
		n = strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(expected + n, sizeof(expected) - n, ".%06dZ", (int)(day % 999983));
		assert_string_equal(instant_print(i, text), expected);
		assert_int_equal(instant_parse(text, &back), 0);
		assert_int_equal(back.usec, i.usec);
	}
}

static void
month_ends_are_kept_in_all_years(void **state)
{
	char text[WHEN_TEXT_MAX];

	(void)state;
	for (int year = 1970; year <= 9999; year++) {
		for (int month = 1; month <= 12; month++) {
			struct tm tm = { .tm_year = year - 1900, .tm_mon = month, .tm_mday = 0 };
			instant i = { -1 };
			time_t t = timegm(&tm);	/* the last day of the month */

			for (int day = 28; day <= 32; day++) {
				int r;

				snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00Z", year, month,
				    day);
				r = instant_parse(text, &i);
				assert_int_equal(r, day <= tm.tm_mday ? 0 : -EINVAL);
			}
			assert_int_equal(i.usec, t * USEC_SEC);
		}
	}
}

static void
rfc3339_is_read_in_all_its_forms(void **state)
{
	static const struct {
		const char	*text;
		int64_t		 usec;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T00:00Z", 0 },
		{ "1970-01-01 00:00:00.000001Z", 1 },
		{ "1970-01-01t00:00:01.5z", 1500000 },
		{ "1970-01-01T00:00:01.123456789Z", 1123456 },
		{ "1970-01-01T01:00:00+01:00", 0 },
		{ "1970-01-02T00:00:00+23:59", 60 * USEC_SEC },
		{ "1970-01-01T00:00:00-00:30", 1800 * USEC_SEC },
		{ "1970-01-01T00:00:00-00:00", 0 },
		{ "2026-11-22T10:00Z", 1795341600 * USEC_SEC },
		{ "2026-11-22 10:00:00.5+01:00", 1795338000 * USEC_SEC + 500000 },
		{ "2000-02-29T23:59:59.999999Z", 951868799 * USEC_SEC + 999999 },
		{ "9999-12-31T23:59:59.999999Z", 253402300799 * USEC_SEC + 999999 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		instant at = { -1 };

		assert_int_equal(instant_parse(rows[i].text, &at), 0);
		assert_int_equal(at.usec, rows[i].usec);
	}
}

static void
bad_instants_are_refused_and_touch_nothing(void **state)
{
	static const char *const rows[] = {
		"", "Z", "2026", "2026-11-22", "2026-11-22T", "2026-11-22T10Z", "2026-11-22T10:00",
		"2026-11-22T10:00:00", "2026-11-22T10:00:00X", "2026-11-22T10:00:00Zz",
		"2026-11-22T10:00:00Z ", " 2026-11-22T10:00:00Z", "2026-11-22_10:00:00Z",
		"2026-11-22T24:00:00Z", "2026-11-22T23:60:00Z", "2026-11-22T23:59:60Z",
		"2016-12-31T23:59:60Z", "2026-11-22T23:59:5Z", "2026-11-22T23:59:.5Z",
		"2026-11-22T23:59:59.Z", "2026-11-22T23:59.5Z", "2026-00-22T10:00:00Z",
		"2026-13-22T10:00:00Z", "2026-11-00T10:00:00Z", "2026-11-31T10:00:00Z",
		"2026-02-29T10:00:00Z", "2100-02-29T10:00:00Z", "1900-02-29T00:00:00Z",
		"1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z", "2026-11-22T10:00:00+1:00",
		"2026-11-22T10:00:00+0100", "2026-11-22T10:00:00+01", "2026-11-22T10:00:00+24:00",
		"2026-11-22T10:00:00+01:60", "2026-11-22T10:00:00+01:00Z", "+026-11-22T10:00:00Z",
		"2026-1-22T10:00:00Z", "2026-11-22T10:00:00 +01:00",
		"\xd9\xa2\xd9\xa0-01-01T00:00Z",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		instant at = { 77 };

		if (instant_parse(rows[i], &at) != -EINVAL)
			fail_msg("accepted: %s", rows[i]);
		assert_int_equal(at.usec, 77);
	}
}

static void
instants_before_1970_and_far_ahead_are_printed(void **state)
{
	char text[WHEN_TEXT_MAX];

	(void)state;
	assert_string_equal(instant_print((instant){ -1 }, text), "1969-12-31T23:59:59.999999Z");
	assert_string_equal(instant_print((instant){ -USEC_DAY }, text),
	    "1969-12-31T00:00:00.000000Z");
	assert_true(strlen(instant_print((instant){ INT64_MAX }, text)) < WHEN_TEXT_MAX);
	assert_true(strlen(instant_print((instant){ INT64_MIN }, text)) < WHEN_TEXT_MAX);
}

/* 2026-11-22T10:00:30.25Z is 05:00:30.25 in a zone five hours west. */
static const instant now = { 1795341630 * USEC_SEC + 250000 };

static void
people_write_instants_in_their_own_zone(void **state)
{
	static const struct {
		const char	*text;
		const char	*utc;
	} rows[] = {
		{ "now", "2026-11-22T10:00:30.250000Z" },
		{ "+90", "2026-11-22T10:02:00.250000Z" },
		{ "+1h30m", "2026-11-22T11:30:30.250000Z" },
		{ "@1795341630", "2026-11-22T10:00:30.000000Z" },
		{ "@1795341630.5", "2026-11-22T10:00:30.500000Z" },
		{ "05:01", "2026-11-22T10:01:00.000000Z" },
		{ "05:00:30.25", "2026-11-22T10:00:30.250000Z" },
		{ "05:00:30", "2026-11-23T10:00:30.000000Z" },
		{ "05:00", "2026-11-23T10:00:00.000000Z" },
		{ "23:59:59", "2026-11-23T04:59:59.000000Z" },
		{ "00:00", "2026-11-23T05:00:00.000000Z" },
		{ "tomorrow 00:00", "2026-11-23T05:00:00.000000Z" },
		{ "tomorrow 23:30:15", "2026-11-24T04:30:15.000000Z" },
		{ "tomorrow", "2026-11-23T05:00:00.000000Z" },
		{ "today", "2026-11-22T05:00:00.000000Z" },
		{ "today 00:10", "2026-11-22T05:10:00.000000Z" },
		{ "yesterday 06:00", "2026-11-21T11:00:00.000000Z" },
		{ "2026-11-30", "2026-11-30T05:00:00.000000Z" },
		{ "-1h", "2026-11-22T09:00:30.250000Z" },
		{ "2026-11-22T10:00", "2026-11-22T15:00:00.000000Z" },
		{ "2026-11-22 10:00:00.5", "2026-11-22T15:00:00.500000Z" },
		{ "2026-11-22 10:00:00Z", "2026-11-22T10:00:00.000000Z" },
		{ "2026-11-22T10:00:00+01:00", "2026-11-22T09:00:00.000000Z" },
	};
	char text[WHEN_TEXT_MAX];

	(void)state;
	setenv("TZ", "XYZ5", 1);
	tzset();
	for (size_t i = 0; i < LENGTH(rows); i++) {
		instant at = { 0 };

		if (instant_parse_human(rows[i].text, now, &at) != 0)
			fail_msg("refused: %s", rows[i].text);
		assert_string_equal(instant_print(at, text), rows[i].utc);
	}
}

static void
what_people_mistype_is_refused(void **state)
{
	static const char *const rows[] = {
		"", "soon", "todays", "tomorrow ", "2026-11", "2026-11-31", "-", "-1y", "tomorrow 25:00", "tomorrow10:00",
		"5:00",
		"05:60", "24:00", "05:00:60", "05:00x", "+", "+-5", "+5x", "+200y", "@", "@-1",
		"@x",
		"@1.", "@1795341630x", "@99999999999999999999", "2026-02-30 10:00",
		"2026-11-22 10:00 ", "2026-11-22 10:00 UTC", "now ",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		instant at = { 77 };

		if (instant_parse_human(rows[i], now, &at) != -EINVAL)
			fail_msg("accepted: %s", rows[i]);
		assert_int_equal(at.usec, 77);
	}
}

static void
durations_are_read_as_people_write_them(void **state)
{
	static const struct {
		const char	*text;
		usec_t		 usec;
	} rows[] = {
		{ "0", 0 }, { "90", 90 * USEC_SEC }, { "90s", 90 * USEC_SEC }, { "1.5", 1500000 },
		{ "1h30m", 90 * USEC_MINUTE }, { "1.5h", 90 * USEC_MINUTE }, { "250ms", 250000 },
		{ "2d 4h", 52 * USEC_HOUR }, { "1w", 7 * USEC_DAY }, { "7us", 7 },
		{ "5min", 5 * USEC_MINUTE },
		{ "5m", 5 * USEC_MINUTE }, { " 5 m ", 5 * USEC_MINUTE },
		{ "1m 1m", 2 * USEC_MINUTE },
		{ "0.000001", 1 }, { "0.0000019s", 1 }, { "0.3333333333333333333h", 1199999999 },
		{ "1.7us", 1 }, { "36525d", DURATION_MAX }, { "3155760000", DURATION_MAX },
		{ "00000000000000000000000000001s", USEC_SEC },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		usec_t d = -1;

		if (duration_parse(rows[i].text, &d) != 0)
			fail_msg("refused: %s", rows[i].text);
		assert_int_equal(d, rows[i].usec);
	}
}

static void
bad_durations_are_refused(void **state)
{
	static const struct {
		const char	*text;
		int		 r;
	} rows[] = {
		{ "", -EINVAL }, { " ", -EINVAL }, { "-1", -EINVAL }, { "+1", -EINVAL },
		{ "s", -EINVAL },
		{ "1x", -EINVAL }, { "1S", -EINVAL }, { "1h30", -EINVAL }, { "30 1h", -EINVAL },
		{ "1.h", -EINVAL }, { ".5h", -EINVAL }, { "1..5h", -EINVAL }, { "1,5h", -EINVAL },
		{ "1 2", -EINVAL }, { "1mi", -EINVAL }, { "1e3", -EINVAL }, { "1h\n", -EINVAL },
		{ "0x10", -EINVAL }, { "inf", -EINVAL }, { "36525d 1us", -ERANGE },
		{ "36526d", -ERANGE },
		{ "99999999999999999999999999999w", -ERANGE },
		{ "99999999999999999999999x", -EINVAL },
		{ "36525d 36525d 36525d 36525d", -ERANGE },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		usec_t d = 77;

		if (duration_parse(rows[i].text, &d) != rows[i].r)
			fail_msg("wrong answer: %s", rows[i].text);
		assert_int_equal(d, 77);
	}
}

static void
durations_are_printed_short(void **state)
{
	static const struct {
		usec_t		 usec;
		const char	*text;
	} rows[] = {
		{ 0, "0s" }, { 1, "1us" }, { 999, "999us" }, { 1000, "1ms" }, { 250000, "250ms" },
		{ 250500, "250.5ms" }, { 999999, "999.999ms" }, { USEC_SEC, "1s" },
		{ 2500000, "2.5s" },
		{ 59999999, "59.999999s" }, { 10000010, "10.00001s" }, { USEC_MINUTE, "1m" },
		{ 90 * USEC_SEC + 7, "1m30s" }, { 90 * USEC_MINUTE, "1h30m" },
		{ USEC_HOUR + 59, "1h" },
		{ USEC_DAY + USEC_MINUTE, "1d" }, { 9 * USEC_DAY + 3 * USEC_HOUR, "9d3h" },
		{ DURATION_MAX, "36525d" }, { -90 * USEC_SEC, "-1m30s" }, { USEC_NEVER, "never" },
	};
	char text[WHEN_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++)
		assert_string_equal(duration_print(rows[i].usec, text), rows[i].text);
	assert_true(strlen(duration_print(INT64_MIN, text)) < WHEN_TEXT_MAX);
}

/* What is printed is read back: exactly below a minute, else never as more. */
static void
printed_durations_are_read_back(void **state)
{
	char text[WHEN_TEXT_MAX];

	(void)state;
	for (usec_t d = 0; d < DURATION_MAX; d += d / 1000 + 1) {
		usec_t back = -1;

		assert_int_equal(duration_parse(duration_print(d, text), &back), 0);
		assert_true(back <= d && (d >= USEC_MINUTE || back == d));
		assert_true(d - back <= d / 24);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_is_the_c_librarys),
		cmocka_unit_test(month_ends_are_kept_in_all_years),
		cmocka_unit_test(rfc3339_is_read_in_all_its_forms),
		cmocka_unit_test(bad_instants_are_refused_and_touch_nothing),
		cmocka_unit_test(instants_before_1970_and_far_ahead_are_printed),
		cmocka_unit_test(people_write_instants_in_their_own_zone),
		cmocka_unit_test(what_people_mistype_is_refused),
		cmocka_unit_test(durations_are_read_as_people_write_them),
		cmocka_unit_test(bad_durations_are_refused),
		cmocka_unit_test(durations_are_printed_short),
		cmocka_unit_test(printed_durations_are_read_back),
	};

	return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
