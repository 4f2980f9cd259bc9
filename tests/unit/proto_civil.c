/* The civil calendar: against the C library's, and against itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <time.h>

#include "proto/civil.h"

/* 9999-12-31, and 0000-03-01. */
#define LAST_DAY	2932896
#define FIRST_DAY	(-719468)

static void
every_day_of_ten_thousand_years_comes_back(void **state)
{
	struct civil c = { 0 };

	(void)state;
	for (int64_t d = FIRST_DAY; d <= LAST_DAY; d++) {
		civil_from_days(d, &c);
		if (civil_days(c.year, c.month, c.day) != d || c.day < 1 ||
		    c.day > civil_month_days(c.year, c.month))
			fail_msg("day %lld", (long long)d);
	}
}

static void
days_and_weekdays_are_those_of_the_c_library(void **state)
{
	struct civil c = { 0 };
	struct tm tm;

	(void)state;
	for (int64_t d = -30000; d <= LAST_DAY; d += 11) {
		time_t seconds = (time_t)(d * 86400);

		assert_non_null(gmtime_r(&seconds, &tm));
		civil_from_days(d, &c);
		assert_int_equal(c.year, tm.tm_year + 1900);
		assert_int_equal(c.month, tm.tm_mon + 1);
		assert_int_equal(c.day, tm.tm_mday);
		assert_int_equal(civil_weekday(d), tm.tm_wday);
	}
}

static void
a_day_beyond_the_months_end_is_in_the_next(void **state)
{
	(void)state;
	assert_int_equal(civil_days(2026, 1, 32), civil_days(2026, 2, 1));
	assert_int_equal(civil_days(2028, 2, 30), civil_days(2028, 3, 1));
}

static void
wall_seconds_come_back_before_and_after_the_epoch(void **state)
{
	(void)state;
	for (int64_t w = -90000; w <= 90000; w += 7) {
		struct civil c = civil_of_wall(w);

		assert_int_equal(civil_to_wall(&c), w);
		assert_in_range(c.second, 0, 59);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_of_ten_thousand_years_comes_back),
		cmocka_unit_test(days_and_weekdays_are_those_of_the_c_library),
		cmocka_unit_test(a_day_beyond_the_months_end_is_in_the_next),
		cmocka_unit_test(wall_seconds_come_back_before_and_after_the_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
