/*
 * Attempts in the store: what is kept of them, which runs wait for the next, and which have failed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/harness/storehouse.h"

static struct storehouse house;

static int
setup(void **state)
{
	(void)state;
	storehouse_init(&house, STORE_INLINE);
	return 0;
}

/* Whatever a test has done, the numbers must agree with the rows. */
static int
teardown(void **state)
{
	(void)state;
	storehouse_close(&house);
	storehouse_check(&house);
	storehouse_done(&house);
	return 0;
}

static void
reopen(void)
{
	storehouse_close(&house);
	storehouse_check(&house);
	assert_int_equal(storehouse_open(&house), 0);
}

/* Claim an occurrence (run 0), or a waiting run, at an instant. */
static int
claim(int64_t job, int64_t run, int64_t at, struct op_claim *ret)
{
	struct op_claim c = { .job = job, .run = run, .due = { 100 }, .noticed = { at },
	    .started = { at }, .node = 1 };
	int r = storehouse_do(&house, &c.op, OP_CLAIM);

	op_claim_done(&c);
	if (ret != NULL)
		*ret = c;
	return r;
}

/* How an attempt ends. */
static struct op_finish
finish(int64_t job, int64_t run, int64_t attempt, int state, enum again again, int64_t at)
{
	struct run_info info = RUN_INFO_NONE;
	struct op_finish f = { .run = &info, .from = RUN_RUNNING, .again = (int)again,
	    .again_at = { again == AGAIN_NO ? 0 : at } };

	info.job = job;
	info.run = run;
	info.attempt = attempt;
	info.state = state;
	info.exit_code = attempt;
	info.spawned = (instant){ 1000 + attempt };
	info.ended = (instant){ 2000 + attempt };
	info.reason = (char[]){ "it did not" };
	assert_int_equal(storehouse_do(&house, &f.op, OP_FINISH), 0);
	f.run = NULL;
	return f;
}

static struct run_info *
look(int64_t job, int64_t run, struct op_runs *op)
{
	*op = (struct op_runs){ .job = job, .run = run };
	assert_int_equal(storehouse_do(&house, &op->op, OP_RUNS), 0);
	assert_int_equal(op->n, 1);
	return &op->runs[0];
}

static int64_t
waiting(int64_t *ret, size_t max)
{
	static struct op_active op;
	int64_t n = 0;

	op = (struct op_active){ .state = RUN_RETRYING };
	assert_int_equal(storehouse_do(&house, &op.op, OP_ACTIVE), 0);
	for (size_t i = 0; i < op.n && i < max; i++)
		ret[i] = op.rows[i].job;
	n = (int64_t)op.n;
	op_active_done(&op);
	return n;
}

static void
hold(int64_t job, bool paused, struct op_pause *ret)
{
	*ret = (struct op_pause){ .job = job, .paused = paused, .uid = -1, .now = { 5000 } };
	assert_int_equal(storehouse_do(&house, &ret->op, OP_PAUSE), 0);
	op_pause_done(ret);
}

static int
retry(int64_t job, int64_t run, int64_t uid, struct op_retry *ret)
{
	int r;

	*ret = (struct op_retry){ .job = job, .run = run, .uid = uid, .now = { 6000 } };
	r = storehouse_do(&house, &ret->op, OP_RETRY);
	op_retry_done(ret);
	return r;
}

static void
every_attempt_is_kept_with_how_it_ended(void **state)
{
	int64_t job = storehouse_add(&house, "a", 100, 0);
	const struct attempt_info *a;
	struct run_info *r;
	struct op_runs op;
	struct op_claim c;
	struct op_finish f;

	(void)state;
	assert_int_equal(claim(job, 0, 100, &c), 0);
	assert_int_equal(c.attempt, 1);
	f = finish(job, 1, 1, RUN_FAILED, AGAIN_RETRY, 3000);
	assert_int_equal(f.state, RUN_RETRYING);
	assert_int_equal(f.job_state, JOB_RETRYING);
	assert_int_equal(f.retrying, 1);
	reopen();
	r = look(job, 1, &op);
	/* The row tells of the attempt that failed, and when the next comes. */
	assert_int_equal(r->state, RUN_RETRYING);
	assert_int_equal(r->exit_code, 1);
	assert_int_equal(r->retry_at.usec, 3000);
	assert_int_equal(r->ended.usec, 0);
	assert_int_equal(r->attempts.n, 1);
	op_runs_done(&op);
	assert_int_equal(claim(job, 1, 3000, &c), 0);
	assert_int_equal(c.attempt, 2);
	assert_int_equal(c.retried, 1);
	assert_int_equal(c.was, RUN_RETRYING);
	r = look(job, 1, &op);
	assert_int_equal(r->exit_code, -1);
	assert_null(r->reason);
	assert_int_equal(r->spawned.usec, 0);
	assert_int_equal(r->retry_at.usec, 0);
	assert_int_equal(r->noticed.usec, 100);
	assert_int_equal(r->started.usec, 3000);
	op_runs_done(&op);
	f = finish(job, 1, 2, RUN_TIMED_OUT, AGAIN_NO, 0);
	assert_int_equal(f.job_state, JOB_FINISHED);
	r = look(job, 1, &op);
	assert_int_equal(r->state, RUN_TIMED_OUT);
	assert_int_equal(r->attempt, 2);
	assert_int_equal(r->attempts.n, 1);
	a = r->attempts.items[0];
	assert_int_equal(a->attempt, 1);
	assert_int_equal(a->state, RUN_FAILED);
	assert_int_equal(a->started.usec, 100);
	assert_int_equal(a->spawned.usec, 1001);
	assert_int_equal(a->ended.usec, 2001);
	assert_int_equal(a->exit_code, 1);
	assert_string_equal(a->reason, "it did not");
	op_runs_done(&op);
}

static void
run_with_one_attempt_costs_no_second_row(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0);

	(void)state;
	assert_int_equal(claim(job, 0, 100, NULL), 0);
	(void)finish(job, 1, 1, RUN_SUCCEEDED, AGAIN_NO, 0);
	storehouse_close(&house);
	assert_int_equal(storehouse_sql(&house, "SELECT count(*) FROM attempt"), 0);
	assert_int_equal(storehouse_open(&house), 0);
}

static void
next_attempt_is_not_claimed_before_its_time(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0);

	(void)state;
	assert_int_equal(claim(job, 0, 100, NULL), 0);
	(void)finish(job, 1, 1, RUN_FAILED, AGAIN_RETRY, 3000);
	assert_int_equal(claim(job, 1, 2999, NULL), -ESTALE);
	assert_int_equal(claim(job, 1, 3000, NULL), 0);
	assert_int_equal(claim(job, 1, 3001, NULL), -ESTALE);
}

static void
waiting_runs_are_told_in_the_order_of_their_times(void **state)
{
	static struct op_active op;
	int64_t found[4], after = 0;
	instant at = { 0 };
	size_t n = 0;

	(void)state;
	for (int64_t i = 0; i < 150; i++) {
		int64_t job = storehouse_add(&house, NULL, 100, 0);

		assert_int_equal(claim(job, 0, 100, NULL), 0);
		/* Many at one instant, so that a page ends among them. */
		(void)finish(job, 1, 1, RUN_FAILED, AGAIN_RETRY, 3000 + (i % 2 == 0 ? 0 : 500 - i));
	}
	assert_int_equal(waiting(found, 4), ACTIVE_PAGE);
	do {
		op = (struct op_active){ .state = RUN_RETRYING, .after = after, .after_at = at };
		assert_int_equal(storehouse_do(&house, &op.op, OP_ACTIVE), 0);
		for (size_t i = 0; i < op.n; i++, n++) {
			assert_true(op.rows[i].retry_at.usec > at.usec ||
			    op.rows[i].cursor > after);
			at = op.rows[i].retry_at;
			after = op.rows[i].cursor;
		}
		op_active_done(&op);
	} while (op.op.result == 0 && n < 150);
	assert_int_equal(n, 150);
}

static void
pause_holds_back_what_waits_and_resume_lets_it_go(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0), found[2];
	struct op_pause p;
	struct op_runs op;

	(void)state;
	assert_int_equal(claim(job, 0, 100, NULL), 0);
	(void)finish(job, 1, 1, RUN_FAILED, AGAIN_RETRY, 3000);
	hold(job, true, &p);
	assert_int_equal(p.job_state, JOB_RETRYING);
	assert_int_equal(waiting(found, 2), 0);
	assert_int_equal(claim(job, 1, 9000, NULL), -ESTALE);
	assert_int_equal(look(job, 1, &op)->retry_at.usec, 0);
	op_runs_done(&op);
	reopen();
	hold(job, false, &p);
	assert_int_equal(p.row.retrying, 1);
	assert_int_equal(waiting(found, 2), 1);
	assert_int_equal(look(job, 1, &op)->retry_at.usec, 3000);
	op_runs_done(&op);
	/* One that fails while the job is paused is held from the beginning. */
	assert_int_equal(claim(job, 1, 9000, NULL), 0);
	hold(job, true, &p);
	assert_true(finish(job, 1, 2, RUN_FAILED, AGAIN_RETRY, 9500).held);
	assert_int_equal(waiting(found, 2), 0);
}

static void
who_was_told_to_end_is_not_tried_again(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0);
	struct op_cancel c = { .job = job, .run = 1, .now = { 150 }, .uid = -1, .by = "uid 7" };
	struct op_finish f;

	(void)state;
	assert_int_equal(claim(job, 0, 100, NULL), 0);
	assert_int_equal(storehouse_do(&house, &c.op, OP_CANCEL), 0);
	op_cancel_done(&c);
	f = finish(job, 1, 1, RUN_FAILED, AGAIN_RETRY, 3000);
	assert_int_equal(f.state, RUN_FAILED);
	assert_int_equal(f.job_state, JOB_FINISHED);
}

static void
canceled_while_it_waits_it_is_over(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0);
	struct op_cancel c = { .job = job, .run = 1, .now = { 150 }, .uid = -1, .by = "uid 7" };
	struct op_runs op;
	struct run_info *r;

	(void)state;
	assert_int_equal(claim(job, 0, 100, NULL), 0);
	(void)finish(job, 1, 1, RUN_FAILED, AGAIN_RETRY, 3000);
	assert_int_equal(storehouse_do(&house, &c.op, OP_CANCEL), 0);
	assert_int_equal(c.was, RUN_RETRYING);
	assert_int_equal(c.job_state, JOB_FINISHED);
	op_cancel_done(&c);
	r = look(job, 1, &op);
	assert_int_equal(r->state, RUN_CANCELED);
	assert_int_equal(r->exit_code, -1);
	assert_string_equal(r->canceled_by, "uid 7");
	assert_int_equal(r->attempts.n, 1);
	op_runs_done(&op);
}

static void
third_loss_in_a_row_is_quarantine_and_another_end_is_none(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0);
	struct op_finish f;
	struct op_pause p;
	struct op_get get = { .id = job };
	struct op_trigger t = { .now = { 250 }, .uid = -1 };

	(void)state;
	assert_int_equal(claim(job, 0, 100, NULL), 0);
	for (int64_t i = 1; i < CRASHES_MAX; i++) {
		assert_int_equal(finish(job, 1, i, RUN_LOST, AGAIN_RERUN, 200).state, RUN_RETRYING);
		assert_int_equal(claim(job, 1, 300, NULL), 0);
	}
	assert_int_equal(finish(job, 1, CRASHES_MAX, RUN_FAILED, AGAIN_RETRY, 200).state,
	    RUN_RETRYING);
	assert_int_equal(claim(job, 1, 300, NULL), 0);
	for (int64_t i = 1; i < CRASHES_MAX; i++) {
		assert_false(finish(job, 1, CRASHES_MAX + i, RUN_LOST, AGAIN_RERUN, 200).quarantined);
		assert_int_equal(claim(job, 1, 300, NULL), 0);
	}
	f = finish(job, 1, 2 * CRASHES_MAX, RUN_LOST, AGAIN_RERUN, 200);
	assert_true(f.quarantined);
	assert_int_equal(f.state, RUN_LOST);
	assert_int_equal(f.job_state, JOB_QUARANTINED);
	reopen();
	assert_int_equal(storehouse_do(&house, &get.op, OP_GET), 0);
	assert_int_equal(get.job.state, JOB_QUARANTINED);
	assert_int_equal(get.job.crashes, CRASHES_MAX);
	op_get_done(&get);
	/* What is run by hand meanwhile does not change why it is there. */
	t.job = job;
	assert_int_equal(storehouse_do(&house, &t.op, OP_TRIGGER), 0);
	op_trigger_done(&t);
	assert_int_equal(claim(job, 2, 300, NULL), 0);
	f = finish(job, 2, 1, RUN_SUCCEEDED, AGAIN_NO, 0);
	assert_int_equal(f.job_state, JOB_QUARANTINED);
	assert_int_equal(storehouse_do(&house, &get.op, OP_GET), 0);
	assert_int_equal(get.job.crashes, CRASHES_MAX);
	op_get_done(&get);
	hold(job, false, &p);
	assert_true(p.changed && p.released);
	assert_int_equal(p.job_state, JOB_FINISHED);
	assert_int_equal(storehouse_do(&house, &get.op, OP_GET), 0);
	assert_int_equal(get.job.crashes, 0);
	op_get_done(&get);
}

static void
retry_by_hand_queues_the_same_run_with_all_its_retries(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0);
	struct op_retry o;
	struct op_claim c;
	struct op_runs op;
	struct run_info *r;

	(void)state;
	assert_int_equal(retry(job, 0, -1, &o), -EALREADY);
	assert_int_equal(o.was, -1);
	assert_int_equal(claim(job, 0, 100, NULL), 0);
	assert_int_equal(retry(job, 1, -1, &o), -EALREADY);
	assert_int_equal(o.was, RUN_RUNNING);
	(void)finish(job, 1, 1, RUN_FAILED, AGAIN_RETRY, 300);
	assert_int_equal(claim(job, 1, 300, NULL), 0);
	(void)finish(job, 1, 2, RUN_FAILED, AGAIN_NO, 0);
	assert_int_equal(retry(job, 1, 999, &o), -EACCES);
	assert_int_equal(retry(job, 9, -1, &o), -ENOENT);
	assert_int_equal(retry(job, 0, 1000, &o), 0);
	assert_int_equal(o.run, 1);
	assert_int_equal(o.job_state, JOB_QUEUED);
	r = look(job, 1, &op);
	assert_int_equal(r->state, RUN_QUEUED);
	assert_int_equal(r->attempts.n, 2);
	assert_int_equal(((struct attempt_info *)r->attempts.items[1])->exit_code, 2);
	assert_int_equal(r->exit_code, -1);
	op_runs_done(&op);
	assert_int_equal(claim(job, 1, 7000, &c), 0);
	assert_int_equal(c.attempt, 3);
	assert_int_equal(c.retried, 0);
	(void)finish(job, 1, 3, RUN_SUCCEEDED, AGAIN_NO, 0);
	assert_int_equal(retry(job, 1, -1, &o), -EALREADY);
	assert_int_equal(o.was, RUN_SUCCEEDED);
}

static void
failed_runs_are_found_by_when_they_failed_in_pages(void **state)
{
	static struct op_failed o;
	int64_t n = 0, jobs = 300, first;

	(void)state;
	first = storehouse_add(&house, NULL, 100, 0);
	assert_int_equal(claim(first, 0, 100, NULL), 0);
	(void)finish(first, 1, 1, RUN_SUCCEEDED, AGAIN_NO, 0);
	for (int64_t i = 0; i < jobs; i++) {
		int64_t job = storehouse_add(&house, NULL, 100, 0);

		assert_int_equal(claim(job, 0, 100, NULL), 0);
		(void)finish(job, 1, i % 2, i % 3 == 0 ? RUN_LOST : RUN_FAILED, AGAIN_NO, 0);
	}
	o = (struct op_failed){ .since = { 1 }, .until = { INT64_MAX }, .uid = -1 };
	do {
		assert_int_equal(storehouse_do(&house, &o.op, OP_FAILED), 0);
		n += (int64_t)o.n;
		o.since = o.next;
		o.after = o.next_after;
	} while (o.more);
	assert_int_equal(n, jobs);
	o = (struct op_failed){ .since = { 2001 }, .until = { INT64_MAX }, .uid = -1 };
	assert_int_equal(storehouse_do(&house, &o.op, OP_FAILED), 0);
	assert_int_equal(o.n, jobs / 2);
	o = (struct op_failed){ .since = { 1 }, .until = { 2000 }, .uid = -1 };
	assert_int_equal(storehouse_do(&house, &o.op, OP_FAILED), 0);
	assert_int_equal(o.n, jobs / 2);
	o = (struct op_failed){ .since = { 2002 }, .until = { INT64_MAX }, .uid = -1 };
	assert_int_equal(storehouse_do(&house, &o.op, OP_FAILED), 0);
	assert_int_equal(o.n, 0);
	o = (struct op_failed){ .since = { 1 }, .until = { INT64_MAX }, .uid = 7 };
	assert_int_equal(storehouse_do(&house, &o.op, OP_FAILED), 0);
	assert_int_equal(o.n, 0);
	o = (struct op_failed){ .since = { 1 }, .until = { INT64_MAX }, .uid = 1000,
	    .job = first + 7 };
	assert_int_equal(storehouse_do(&house, &o.op, OP_FAILED), 0);
	assert_int_equal(o.n, 1);
}

static void
removed_job_leaves_no_attempts(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0);
	struct op_remove o = { .job = job, .uid = -1 };

	(void)state;
	assert_int_equal(claim(job, 0, 100, NULL), 0);
	for (int64_t i = 1; i < 20; i++) {
		(void)finish(job, 1, i, RUN_FAILED, AGAIN_RETRY, 300);
		assert_int_equal(storehouse_do(&house, &o.op, OP_REMOVE), -EBUSY);
		assert_int_equal(claim(job, 1, 300, NULL), 0);
	}
	(void)finish(job, 1, 20, RUN_FAILED, AGAIN_NO, 0);
	assert_int_equal(storehouse_do(&house, &o.op, OP_REMOVE), 0);
	op_remove_done(&o);
	storehouse_close(&house);
	assert_int_equal(storehouse_sql(&house, "SELECT count(*) FROM attempt"), 0);
	assert_int_equal(storehouse_open(&house), 0);
}

/* A page must not walk over what it does not tell, however many runs there are. */
static void
reads_of_waiting_and_failed_runs_use_their_indexes(void **state)
{
	static const struct { const char *text, *index; } rows[] = {
		{ "SELECT r.id FROM run r CROSS JOIN job j ON j.id = r.job WHERE r.state = 2 AND"
		    " r.retry_at > 5 ORDER BY r.retry_at, r.id LIMIT 65", "run_retry" },
		{ "SELECT run FROM run WHERE job = 5 AND state = 2 LIMIT 1", "run_retry_job" },
		{ "UPDATE run SET retry_at = -abs(retry_at) WHERE job = 5 AND state = 2",
		    "run_retry_job" },
		{ "SELECT r.id FROM run r LEFT JOIN job j ON j.id = r.job WHERE (r.state = 4 OR"
		    " r.state = 5 OR r.state = 7) AND r.ended > 5 AND r.ended <= 9 ORDER BY r.ended, r.id LIMIT 9", "run_failed" },
	};
	char text[512];

	(void)state;
	storehouse_close(&house);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", rows[i].text);
		storehouse_plan(&house, text, rows[i].index);
	}
	assert_int_equal(storehouse_open(&house), 0);
}

/* SQLite builds a table of each such list at each write of a row. */
static void
no_index_has_a_list_in_its_condition(void **state)
{
	(void)state;
	storehouse_close(&house);
	assert_int_equal(storehouse_sql(&house,
	    "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% IN (%'"), 0);
	assert_int_equal(storehouse_open(&house), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_attempt_is_kept_with_how_it_ended),
		T(run_with_one_attempt_costs_no_second_row),
		T(next_attempt_is_not_claimed_before_its_time),
		T(waiting_runs_are_told_in_the_order_of_their_times),
		T(pause_holds_back_what_waits_and_resume_lets_it_go),
		T(who_was_told_to_end_is_not_tried_again),
		T(canceled_while_it_waits_it_is_over),
		T(third_loss_in_a_row_is_quarantine_and_another_end_is_none),
		T(retry_by_hand_queues_the_same_run_with_all_its_retries),
		T(failed_runs_are_found_by_when_they_failed_in_pages),
		T(removed_job_leaves_no_attempts),
		T(reads_of_waiting_and_failed_runs_use_their_indexes),
		T(no_index_has_a_list_in_its_condition),
	};

	return cmocka_run_group_tests_name("store_retry", tests, NULL, NULL);
}
