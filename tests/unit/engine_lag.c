/*
 * When the loop was away: what is noted, and what is told of a time since.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/engine/loop.h"

static struct loop *l;

static int
setup(void **state)
{
	(void)state;
	l = loop_new(LOOP_VIRTUAL);
	return l == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	loop_free(l);
	return 0;
}

static usec_t
since_msec(usec_t since, enum lag_cause *cause)
{
	return lag_since(l, since * USEC_MSEC, cause) / USEC_MSEC;
}

static void
note_msec(usec_t from, usec_t to, enum lag_cause cause)
{
	lag_note(l, from * USEC_MSEC, to * USEC_MSEC, cause);
}

static void
short_ones_are_not_worth_a_note(void **state)
{
	enum lag_cause cause;

	(void)state;
	note_msec(1000, 1049, LAG_BLOCKED);
	assert_int_equal(since_msec(0, &cause), 0);
	note_msec(1000, 1050, LAG_BLOCKED);
	assert_int_equal(since_msec(0, &cause), 50);
}

static void
only_what_lies_in_the_time_counts(void **state)
{
	enum lag_cause cause;

	(void)state;
	note_msec(1000, 1200, LAG_BLOCKED);
	note_msec(2000, 2100, LAG_STARVED);
	assert_int_equal(since_msec(0, &cause), 300);
	assert_int_equal(cause, LAG_BLOCKED);
	assert_int_equal(since_msec(1150, &cause), 150);
	assert_int_equal(cause, LAG_STARVED);
	assert_int_equal(since_msec(2050, &cause), 50);
	assert_int_equal(since_msec(2100, &cause), 0);
}

static void
what_is_seen_twice_counts_once_and_the_watchdog_knows_why(void **state)
{
	enum lag_cause cause;

	(void)state;
	/* A timer that fired late, and then the step that was the cause. */
	note_msec(1100, 1300, LAG_LATE);
	note_msec(1000, 1290, LAG_BLOCKED);
	assert_int_equal(since_msec(0, &cause), 300);
	assert_int_equal(cause, LAG_BLOCKED);
	note_msec(1250, 1350, LAG_LATE);
	assert_int_equal(since_msec(0, &cause), 350);
	assert_int_equal(cause, LAG_BLOCKED);
}

static void
oldest_are_forgotten(void **state)
{
	enum lag_cause cause;

	(void)state;
	for (int i = 1; i <= LAGS_KEPT + 4; i++)
		note_msec(1000 * i, 1000 * i + 100, LAG_STOPPED);
	assert_int_equal(since_msec(0, &cause), 100 * LAGS_KEPT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(short_ones_are_not_worth_a_note),
		T(only_what_lies_in_the_time_counts),
		T(what_is_seen_twice_counts_once_and_the_watchdog_knows_why),
		T(oldest_are_forgotten),
	};

	return cmocka_run_group_tests_name("engine_lag", tests, NULL, NULL);
}
