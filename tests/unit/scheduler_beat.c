/*
 * Which occurrence a ping is for: by elapsed time and by the clock on the wall, before and after the due.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/scheduler/beat.h"

static struct zones *zones;
static struct schedule schedule;
static struct run_info last;
static struct job_info job;
static struct op_ping op;

static instant
at(const char *text)
{
	instant i;

	assert_int_equal(instant_parse(text, &i), 0);
	return i;
}

static void
expected(const struct job_spec *spec, const char *due)
{
	struct field_error error;

	if (schedule_open(spec, zones, 1, &schedule, &error) != JOBD_OK)
		fail_msg("%s: %s", error.path, error.reason);
	job = (struct job_info){ .id = 1, .kind = KIND_HEARTBEAT, .due = at(due) };
}

/* By the clock on the wall in Berlin, which is set on 2026-03-29 at 01:00 and on 2026-10-25 at 01:00. */
static void
expected_at(const char *cron, const char *due)
{
	expected(&(struct job_spec){ .cron = (char *)(uintptr_t)cron,
	    .time_zone = (char *)(uintptr_t)"Europe/Berlin" }, due);
}

static void
pinged(int what, const char *when)
{
	op = (struct op_ping){ .ping = { .what = what, .at = at(when) } };
	beat_decide(&op, &job, &schedule, op.ping.at);
}

static int
setup(void **state)
{
	(void)state;
	zones = zones_new(NULL);
	last = RUN_INFO_NONE;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	schedule_done(&schedule);
	zones_free(zones);
	return 0;
}

static void
by_elapsed_time_any_ping_is_for_the_next_due_and_moves_it(void **state)
{
	(void)state;
	expected(&(struct job_spec){ .every = USEC_HOUR }, "2026-06-01T12:00:00Z");
	pinged(PING_OK, "2026-06-01T11:20:00Z");

	assert_true(op.take && op.move);
	assert_int_equal(op.claim.due.usec, at("2026-06-01T12:00:00Z").usec);
	assert_int_equal(op.claim.next_due.usec, at("2026-06-01T12:20:00Z").usec);

	pinged(PING_START, "2026-06-01T11:20:00Z");
	assert_true(op.take && !op.move);
}

static void
by_the_clock_a_ping_is_for_the_time_that_comes_next(void **state)
{
	(void)state;
	expected_at("0 3 * * *", "2026-06-02T01:00:00Z");
	pinged(PING_OK, "2026-06-01T20:00:00Z");
	assert_true(op.take && !op.move);
	assert_int_equal(op.claim.next_due.usec, at("2026-06-03T01:00:00Z").usec);

	pinged(PING_FAIL, "2026-06-01T20:00:00Z");
	assert_false(op.take);		/* the time is expected all the same */

	job.last = &last;
	last.state = RUN_FAILED;
	pinged(PING_OK, "2026-06-01T20:00:00Z");
	assert_false(op.take);		/* it makes up for the one that failed */
}

static void
an_occurrence_that_a_time_change_has_moved_is_marked_so(void **state)
{
	(void)state;
	expected_at("30 2 * * *", "2026-03-29T01:00:00Z");
	pinged(PING_OK, "2026-03-28T20:00:00Z");
	assert_true(op.take);
	assert_int_equal(op.claim.mark, MARK_DST_GAP);

	schedule_done(&schedule);
	expected_at("30 2 * * *", "2026-03-30T00:30:00Z");
	pinged(PING_OK, "2026-03-29T20:00:00Z");
	assert_int_equal(op.claim.mark, MARK_NONE);
}

static void
while_nothing_is_expected_it_is_beside_the_schedule(void **state)
{
	(void)state;
	expected(&(struct job_spec){ .every = USEC_HOUR }, "2026-06-01T12:00:00Z");
	job.paused = true;
	pinged(PING_OK, "2026-06-01T11:20:00Z");
	assert_false(op.take || op.move);

	job.paused = false;
	job.due = (instant){ 0 };
	pinged(PING_OK, "2026-06-01T11:20:00Z");
	assert_false(op.take || op.move);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_elapsed_time_any_ping_is_for_the_next_due_and_moves_it, setup, teardown),
		cmocka_unit_test_setup_teardown(by_the_clock_a_ping_is_for_the_time_that_comes_next, setup, teardown),
		cmocka_unit_test_setup_teardown(an_occurrence_that_a_time_change_has_moved_is_marked_so, setup, teardown),
		cmocka_unit_test_setup_teardown(while_nothing_is_expected_it_is_beside_the_schedule, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
