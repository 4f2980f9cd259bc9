/*
 * The evaluator that imports of crontabs are proved against, itself against what crontab(5) and cron(8) say.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "client/croneval.h"
#include "proto/when.h"

#define MAX 20

/* The firings in a zone after an instant, as texts of UTC. */
static void
fires(const char *zone, const char *fields, const char *after, size_t n, const char *const *wanted)
{
	int64_t got[MAX];
	instant from, want;

	setenv("TZ", zone, 1);
	tzset();
	assert_int_equal(instant_parse(after, &from), 0);
	assert_int_equal(croneval(fields, from.usec / USEC_SEC, from.usec / USEC_SEC + 400 * 86400, got, n), n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(instant_parse(wanted[i], &want), 0);
		assert_int_equal(got[i], want.usec / USEC_SEC);
	}
}

#define FIRES(zone, fields, after, ...) do { \
	const char *const wanted[] = { __VA_ARGS__ }; \
	fires(zone, fields, after, sizeof(wanted) / sizeof(wanted[0]), wanted); \
} while (0)

static void
fields_are_lists_ranges_steps_and_names(void **state)
{
	(void)state;
	FIRES("UTC", "5,35 3-4 * * *", "2027-01-01T00:00Z", "2027-01-01T03:05Z", "2027-01-01T03:35Z",
	    "2027-01-01T04:05Z");
	FIRES("UTC", "*/25 0 1 feb *", "2027-01-01T00:00Z", "2027-02-01T00:00Z", "2027-02-01T00:25Z",
	    "2027-02-01T00:50Z");
	FIRES("UTC", "0 0 * * FRI", "2027-01-01T00:00Z", "2027-01-08T00:00Z");
	FIRES("UTC", "0 0 * * 7", "2027-01-01T00:00Z", "2027-01-03T00:00Z");
}

static void
two_restricted_days_are_either_and_a_star_is_both(void **state)
{
	(void)state;
	FIRES("UTC", "0 0 10 * 1", "2027-01-01T00:00Z", "2027-01-04T00:00Z", "2027-01-10T00:00Z",
	    "2027-01-11T00:00Z");
	FIRES("UTC", "0 0 */2 * 1", "2027-01-01T00:00Z", "2027-01-11T00:00Z", "2027-01-25T00:00Z");
}

static void
a_clock_that_jumps_runs_fixed_times_at_once_and_never_twice(void **state)
{
	(void)state;
	FIRES("Europe/Berlin", "30 2 * * *", "2027-03-27T12:00Z", "2027-03-28T01:00Z", "2027-03-29T00:30Z");
	FIRES("Europe/Berlin", "30 2 * * *", "2027-10-30T12:00Z", "2027-10-31T00:30Z", "2027-11-01T01:30Z");
	FIRES("Europe/Berlin", "*/30 2 * * *", "2027-03-27T12:00Z", "2027-03-29T00:00Z");
	FIRES("Europe/Berlin", "*/30 2 * * *", "2027-10-30T12:00Z", "2027-10-31T00:00Z", "2027-10-31T00:30Z",
	    "2027-10-31T01:00Z", "2027-10-31T01:30Z");
}

static void
what_cron_would_not_take_is_refused(void **state)
{
	static const char *const bad[] = { "", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
	    "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *", "* * * * * *", "1, * * * *" };
	int64_t got[1];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(croneval(bad[i], 0, 1, got, 1), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_lists_ranges_steps_and_names),
		cmocka_unit_test(two_restricted_days_are_either_and_a_star_is_both),
		cmocka_unit_test(a_clock_that_jumps_runs_fixed_times_at_once_and_never_twice),
		cmocka_unit_test(what_cron_would_not_take_is_refused),
	};

	return cmocka_run_group_tests_name("client_croneval", tests, NULL, NULL);
}
