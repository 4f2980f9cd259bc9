/*
 * What follows a failure, and after how long: pure functions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/scheduler/queue.h"
#include "daemon/scheduler/retry.h"
#include "daemon/scheduler/retrying.h"

static struct run_info
ended(int state, int64_t code)
{
	struct run_info run = RUN_INFO_NONE;

	run.state = state;
	run.exit_code = code;
	run.spawned = (instant){ 1 };
	return run;
}

static enum again
again(const struct job_spec *spec, int state, int64_t code, int64_t retried)
{
	struct run_info run = ended(state, code);

	return retry_again(spec, &run, retried);
}

static void
failures_are_retried_as_often_as_was_asked(void **state)
{
	const struct job_spec spec = { .retries = 2 }, none = { .retries = 0 };

	(void)state;
	assert_int_equal(again(&spec, RUN_FAILED, 1, 0), AGAIN_RETRY);
	assert_int_equal(again(&spec, RUN_FAILED, 1, 1), AGAIN_RETRY);
	assert_int_equal(again(&spec, RUN_FAILED, 1, 2), AGAIN_NO);
	assert_int_equal(again(&spec, RUN_TIMED_OUT, -1, 0), AGAIN_RETRY);
	assert_int_equal(again(&spec, RUN_SUCCEEDED, 0, 0), AGAIN_NO);
	assert_int_equal(again(&spec, RUN_CANCELED, -1, 0), AGAIN_NO);
	assert_int_equal(again(&none, RUN_FAILED, 1, 0), AGAIN_NO);
}

static void
check_that_comes_again_is_retried_quickly_while_there_is_time_for_it(void **state)
{
	struct http_spec http = { .quick_retries = -1 };
	struct job_spec spec = { .http = &http, .every = 10 * USEC_SEC };
	struct run_info run = ended(RUN_FAILED, -1);
	struct rand random;

	(void)state;
	rand_seed(&random, 1);
	run.verdict = VERDICT_DOWN;
	run.due = run.spawned = (instant){ USEC_SEC };
	run.ended = (instant){ 2 * USEC_SEC };
	assert_int_equal(retry_again(&spec, &run, 1), AGAIN_RETRY);
	assert_int_equal(retry_again(&spec, &run, 2), AGAIN_NO);
	assert_int_equal(retry_delay(&spec, 2, &random), USEC_SEC);
	/* Another one of five seconds would meet the next occurrence. */
	run.ended = (instant){ 6 * USEC_SEC };
	assert_int_equal(retry_again(&spec, &run, 0), AGAIN_NO);
	/* The next occurrence finds out. */
	run.ended = (instant){ 2 * USEC_SEC };
	run.verdict = VERDICT_INCONCLUSIVE;
	assert_int_equal(retry_again(&spec, &run, 0), AGAIN_NO);
	/* Not of one that comes once; and its own retries are what they are. */
	run.verdict = VERDICT_DOWN;
	spec.every = 0;
	assert_int_equal(retry_again(&spec, &run, 0), AGAIN_NO);
	spec.retries = 5;
	assert_int_equal(retry_again(&spec, &run, 4), AGAIN_RETRY);
	run.verdict = VERDICT_INCONCLUSIVE;
	assert_int_equal(retry_again(&spec, &run, 4), AGAIN_RETRY);
	spec.retries = 0;
	spec.every = USEC_MINUTE;
	http.quick_retries = 0;
	run.verdict = VERDICT_DOWN;
	assert_int_equal(retry_again(&spec, &run, 0), AGAIN_NO);
}

static void
lost_run_is_what_on_crash_says(void **state)
{
	struct job_spec adopt = { .retries = 1 }, fail = { .retries = 1, .on_crash = ON_CRASH_FAIL };
	struct job_spec rerun = { .on_crash = ON_CRASH_RERUN };
	char lost[] = "lost", code[] = "75";

	(void)state;
	assert_int_equal(again(&adopt, RUN_LOST, -1, 0), AGAIN_NO);
	assert_int_equal(again(&fail, RUN_LOST, -1, 0), AGAIN_RETRY);
	assert_int_equal(again(&fail, RUN_LOST, -1, 1), AGAIN_NO);
	assert_int_equal(again(&rerun, RUN_LOST, -1, 0), AGAIN_RERUN);
	assert_int_equal(again(&rerun, RUN_FAILED, 1, 0), AGAIN_NO);
	adopt.retry_on = lost;
	assert_int_equal(again(&adopt, RUN_LOST, -1, 0), AGAIN_RETRY);
	/* What is asked for by its words is meant so. */
	fail.retry_on = code;
	assert_int_equal(again(&fail, RUN_LOST, -1, 0), AGAIN_NO);
	assert_int_equal(again(&fail, RUN_FAILED, 75, 0), AGAIN_RETRY);
	assert_int_equal(again(&fail, RUN_FAILED, 74, 0), AGAIN_NO);
}

static void
fixed_backoff_is_always_the_same(void **state)
{
	const struct job_spec spec = { .backoff = BACKOFF_FIXED, .backoff_first = 30 * USEC_SEC };
	struct rand r;

	(void)state;
	rand_seed(&r, 1);
	for (int64_t n = 1; n <= RETRIES_MAX; n++)
		assert_int_equal(retry_delay(&spec, n, &r), 30 * USEC_SEC);
}

/* The greatest and least of many draws of the n-th delay. */
static void
draw(const struct job_spec *spec, int64_t n, usec_t *least, usec_t *most)
{
	struct rand r;

	rand_seed(&r, 7);
	*least = USEC_NEVER;
	*most = 0;
	for (int i = 0; i < 2000; i++) {
		usec_t d = retry_delay(spec, n, &r);

		*least = d < *least ? d : *least;
		*most = d > *most ? d : *most;
	}
}

static void
exponential_backoff_doubles_up_to_its_longest_with_full_jitter(void **state)
{
	const struct job_spec spec = { .backoff_first = 8 * USEC_SEC,
	    .backoff_most = USEC_MINUTE };
	static const usec_t caps[] = { 8 * USEC_SEC, 16 * USEC_SEC, 32 * USEC_SEC, USEC_MINUTE,
	    USEC_MINUTE };
	usec_t least, most;

	(void)state;
	for (int64_t n = 1; n <= 5; n++) {
		draw(&spec, n, &least, &most);
		assert_in_range(most, caps[n - 1] - caps[n - 1] / 50, caps[n - 1]);
		assert_in_range(least, 0, caps[n - 1] / 50);
	}
	draw(&spec, RETRIES_MAX, &least, &most);
	assert_in_range(most, 58 * USEC_SEC, USEC_MINUTE);
}

static void
backoff_has_defaults_and_does_not_overflow(void **state)
{
	const struct job_spec none = { .retries = 1 };
	const struct job_spec long_first = { .backoff_first = 5 * USEC_HOUR };
	const struct job_spec longest = { .backoff_first = DURATION_MAX, .backoff_most = DURATION_MAX };
	usec_t least, most;

	(void)state;
	draw(&none, 1, &least, &most);
	assert_in_range(most, USEC_SEC * 9 / 10, USEC_SEC);
	draw(&none, 60, &least, &most);
	assert_in_range(most, USEC_HOUR * 9 / 10, USEC_HOUR);
	draw(&long_first, 3, &least, &most);
	assert_in_range(most, USEC_HOUR * 9 / 2, 5 * USEC_HOUR);
	draw(&longest, 1000, &least, &most);
	assert_in_range(most, DURATION_MAX / 10 * 9, DURATION_MAX);
}

static void
same_seed_gives_the_same_delays(void **state)
{
	const struct job_spec spec = { .retries = 9 };
	struct rand a, b;

	(void)state;
	rand_seed(&a, 42);
	rand_seed(&b, 42);
	for (int64_t n = 1; n < 20; n++)
		assert_int_equal(retry_delay(&spec, n, &a), retry_delay(&spec, n, &b));
}

/* ---- those that wait ---- */

static struct lines lines;

static void
begin(struct retrying *r, usec_t ahead)
{
	lines_init(&lines, &(struct lines_config){ .held_max = 100 });
	retrying_init(r, ahead, &lines);
}

/* A timer's first run, which stands in no queue. */
static void
add(struct retrying *r, int64_t job, instant at)
{
	const struct retry x = { .job = job, .run = 1, .kind = KIND_TIMER, .at = at };

	retrying_add(r, &x, (instant){ 0 });
}

static void
end(struct retrying *r)
{
	retrying_done(r);
	lines_done(&lines);
}

static void
waiting_runs_come_in_the_order_of_their_times(void **state)
{
	struct retrying r;
	struct retry *x;

	(void)state;
	begin(&r, USEC_HOUR);
	(void)retrying_load_begin(&r);
	retrying_load_end(&r, (instant){ USEC_NEVER });
	add(&r, 1, (instant){ 30 });
	add(&r, 2, (instant){ 10 });
	add(&r, 3, (instant){ 20 });
	/* Told anew: the later word counts. */
	add(&r, 2, (instant){ 25 });
	assert_int_equal(retrying_next(&r).usec, 20);
	assert_null(retrying_take(&r, (instant){ 19 }));
	x = retrying_take(&r, (instant){ 20 });
	assert_int_equal(x->job, 3);
	free(x);
	retrying_remove(&r, 2, 1);
	assert_int_equal(retrying_next(&r).usec, 30);
	end(&r);
}

static void
too_many_waiting_runs_are_left_to_the_store_the_latest_first(void **state)
{
	struct retrying r;

	(void)state;
	begin(&r, USEC_HOUR);
	(void)retrying_load_begin(&r);
	retrying_load_end(&r, (instant){ USEC_NEVER });
	for (int64_t i = 1; i <= 3 * RETRYING_MAX; i++)
		add(&r, i, (instant){ 1000000 - i });
	assert_true(r.heap.n <= RETRYING_MAX);
	/* The soonest is here, and all up to the first that may not be. */
	assert_int_equal(retrying_next(&r).usec, 1000000 - 3 * RETRYING_MAX);
	assert_int_equal(r.beyond.usec - retrying_next(&r).usec, r.heap.n);
	assert_int_equal(retrying_load_at(&r).usec, 0);
	retrying_remove(&r, 3 * RETRYING_MAX, 0);
	while (r.heap.n > RETRYING_MAX / 2)
		free(retrying_take(&r, (instant){ INT64_MAX - 1 }));
	assert_int_equal(retrying_load_at(&r).usec, 1);
	end(&r);
}

static void
what_is_told_during_a_load_is_not_overlooked(void **state)
{
	struct retrying r;

	(void)state;
	begin(&r, USEC_SEC);
	assert_int_equal(retrying_load_at(&r).usec, 1);
	assert_int_equal(retrying_load_begin(&r).usec, 0);
	add(&r, 1, (instant){ 5 * USEC_SEC });
	assert_int_equal(r.heap.n, 0);
	retrying_load_end(&r, (instant){ USEC_NEVER });
	assert_int_equal(r.beyond.usec, 5 * USEC_SEC);
	end(&r);
}

/* A timer's queued run. */
static struct stand
stand(struct queue *q)
{
	return stand_open(&q->lines, 0, KIND_TIMER, &(struct queue_terms){ .queue = NULL }, false);
}

static void
next_attempt_is_not_behind_a_run_that_waits_for_it(void **state)
{
	struct stand st;
	struct queue q;

	(void)state;
	queue_init(&q, &(struct lines_config){ .held_max = 100 });
	st = stand(&q);
	assert_true(queue_add(&q, 1, 15, KIND_TIMER, false, &st));
	assert_int_equal(queue_find(&q, 1, 15)->state, PENDING_READY);
	lane_retrying_set(&q, 1, true);
	assert_int_equal(queue_find(&q, 1, 15)->state, PENDING_PARKED);
	/* It was begun before the other one was known. */
	st = stand(&q);
	queue_add_retry(&q, 1, 16, KIND_TIMER, false, &st);
	assert_int_equal(queue_find(&q, 1, 16)->state, PENDING_READY);
	assert_int_equal(queue_find(&q, 1, 15)->state, PENDING_PARKED);
	queue_done(&q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_are_retried_as_often_as_was_asked),
		cmocka_unit_test(check_that_comes_again_is_retried_quickly_while_there_is_time_for_it),
		cmocka_unit_test(lost_run_is_what_on_crash_says),
		cmocka_unit_test(fixed_backoff_is_always_the_same),
		cmocka_unit_test(exponential_backoff_doubles_up_to_its_longest_with_full_jitter),
		cmocka_unit_test(backoff_has_defaults_and_does_not_overflow),
		cmocka_unit_test(same_seed_gives_the_same_delays),
		cmocka_unit_test(waiting_runs_come_in_the_order_of_their_times),
		cmocka_unit_test(too_many_waiting_runs_are_left_to_the_store_the_latest_first),
		cmocka_unit_test(what_is_told_during_a_load_is_not_overlooked),
		cmocka_unit_test(next_attempt_is_not_behind_a_run_that_waits_for_it),
	};

	return cmocka_run_group_tests_name("scheduler_retry", tests, NULL, NULL);
}
