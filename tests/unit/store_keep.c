/*
 * Retention, slice by slice: what goes, what stays whatever the limits, and that the numbers agree
 * with the rows afterwards (storehouse_check).
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

static int
teardown(void **state)
{
	(void)state;
	storehouse_close(&house);
	storehouse_check(&house);
	storehouse_done(&house);
	return 0;
}

/* ---- shorthands ---- */

/* A job with limits of its own; every 0: one occurrence. */
static int64_t
add(usec_t every, int64_t keep_runs, usec_t keep, int64_t keep_output)
{
	char word[] = "true", *argv[] = { word };
	struct command_spec command = { .argv = { argv, 1 } };
	struct job_spec spec = { .every = every, .command = &command, .keep_runs = keep_runs,
	    .keep = keep, .keep_output = keep_output };
	struct job_new job = { .spec = &spec, .spec_json = "{\"command\":{\"argv\":[\"true\"]}}",
		.summary = "true", .due = { 1000 } };
	struct op_add o = { .jobs = &job, .n = 1, .uid = 1000, .now = { 1 } };

	assert_int_equal(storehouse_do(&house, &o.op, OP_ADD), 0);
	return job.id;
}

static void
claim(int64_t job, int64_t due, int64_t next)
{
	struct op_claim c = { .job = job, .due = { due }, .next_due = { next }, .noticed = { due },
	    .started = { due }, .node = 1 };

	assert_int_equal(storehouse_do(&house, &c.op, OP_CLAIM), 0);
	op_claim_done(&c);
}

static void
finish(int64_t job, int64_t run, int state, int64_t ended, int64_t output)
{
	struct run_info info = { .job = job, .run = run, .state = state, .attempt = 1,
	    .exit_code = -1, .ended = { ended }, .output_bytes = output };
	struct op_finish f = { .run = &info, .from = RUN_RUNNING };

	assert_int_equal(storehouse_do(&house, &f.op, OP_FINISH), 0);
}

/* n runs of a job that repeats, due at 1000, 2000, ...; of each ten the last one fails. */
static void
runs(int64_t job, int n, int64_t output)
{
	for (int i = 1; i <= n; i++) {
		claim(job, 1000 * i, 1000 * (i + 1));
		finish(job, i, i % 10 == 0 ? RUN_FAILED : RUN_SUCCEEDED, 1000 * i + 10, output);
	}
}

/* A whole round; the slices it took. */
static int
keep(const struct keep_policy *policy, int64_t now, bool dry, struct keep_tally *sum)
{
	struct op_keep o = { .policy = policy, .now = { now }, .dry = dry };
	int slices = 0;

	*sum = (struct keep_tally){ 0 };
	do {
		assert_int_equal(storehouse_do(&house, &o.op, OP_KEEP), 0);
		/* Bounded: what was changed is no more than a slice of a job, or one whole job more. */
		assert_true(o.tally.runs + o.tally.outputs <= 400);
		sum->jobs += o.tally.jobs;
		sum->runs += o.tally.runs;
		sum->skips += o.tally.skips;
		sum->spans += o.tally.spans;
		sum->notices += o.tally.notices;
		sum->outputs += o.tally.outputs;
		sum->output_bytes += o.tally.output_bytes;
		o.from = o.place;
		op_keep_done(&o);
		assert_true(++slices < 1000);
	} while (o.from.phase != KEEP_OVER);
	return slices;
}

/* A dry round tells what the real one then does, and changes nothing. */
static void
keep_both(const struct keep_policy *policy, int64_t now, struct keep_tally *sum)
{
	struct keep_tally dry, again;

	keep(policy, now, true, &dry);
	keep(policy, now, true, &again);
	assert_memory_equal(&dry, &again, sizeof(dry));
	keep(policy, now, false, sum);
	assert_memory_equal(&dry, sum, sizeof(dry));
	/* What is done is done. */
	keep(policy, now, false, &again);
	assert_int_equal(again.jobs + again.runs + again.skips + again.spans + again.notices + again.outputs, 0);
}

static long long
ask(const char *text)
{
	long long n;

	storehouse_close(&house);
	n = storehouse_sql(&house, text);
	assert_int_equal(storehouse_open(&house), 0);
	return n;
}

static void
get(int64_t job, struct op_get *g)
{
	*g = (struct op_get){ .id = job, .runs_max = PAGE_MAX };
	assert_int_equal(storehouse_do(&house, &g->op, OP_GET), 0);
}

static size_t
trash(struct op_output_trash *o)
{
	*o = (struct op_output_trash){ .n = 0 };
	assert_int_equal(storehouse_do(&house, &o->op, OP_OUTPUT_TRASH), 0);
	return o->n;
}

/* ---- the tests ---- */

static void
nothing_goes_without_limits(void **state)
{
	const struct keep_policy all = { 0 };
	int64_t job = add(1000, 0, 0, 0);
	struct keep_tally sum;

	(void)state;
	runs(job, 50, 100);
	keep_both(&all, INT64_MAX / 2, &sum);
	assert_int_equal(sum.jobs + sum.runs + sum.outputs + sum.skips, 0);
	assert_int_equal(ask("SELECT count(*) FROM run"), 50);
}

static void
latest_runs_and_latest_failed_ones_are_kept(void **state)
{
	const struct keep_policy policy = { .runs = 20, .failed = 4 };
	int64_t job = add(1000, 0, 0, 0);
	struct keep_tally sum;
	struct op_get g;

	(void)state;
	runs(job, 100, 0);
	keep_both(&policy, 200000, &sum);
	/* 81..100 by number, 90 and 100 among them failed; and the failed ones 70 and 80. */
	assert_int_equal(sum.runs, 78);
	get(job, &g);
	assert_int_equal(g.runs_n, 22);
	assert_int_equal(g.runs[19].run, 81);
	assert_int_equal(g.runs[20].run, 80);
	assert_int_equal(g.runs[21].run, 70);
	assert_int_equal(g.job.runs, 100);
	/* Up to the due of the last one deleted nothing is said of what happened. */
	assert_int_equal(g.job.pruned.usec, 79000);
	op_get_done(&g);
}

static void
active_runs_and_the_latest_stay_whatever_the_limits(void **state)
{
	const struct keep_policy policy = { .runs = 1, .age = 1 };
	int64_t job = add(1000, 0, 0, 0);
	struct keep_tally sum;
	struct op_get g;

	(void)state;
	claim(job, 1000, 2000);		/* goes on */
	for (int i = 2; i <= 10; i++) {
		claim(job, 1000 * i, 1000 * (i + 1));
		finish(job, i, RUN_SUCCEEDED, 1000 * i, 0);
	}
	keep_both(&policy, INT64_MAX / 2, &sum);
	assert_int_equal(sum.runs, 8);
	get(job, &g);
	assert_int_equal(g.runs_n, 2);
	assert_int_equal(g.runs[0].run, 10);
	assert_int_equal(g.runs[1].run, 1);
	op_get_done(&g);
	finish(job, 1, RUN_FAILED, 20000, 0);
	keep_both(&policy, INT64_MAX / 2, &sum);
	assert_int_equal(sum.runs, 1);
}

static void
age_goes_before_the_number(void **state)
{
	const struct keep_policy policy = { .runs = 90, .failed = 100, .age = 50000 };
	int64_t job = add(1000, 0, 0, 0);
	struct keep_tally sum;
	struct op_get g;

	(void)state;
	runs(job, 100, 0);
	keep_both(&policy, 100010, &sum);
	get(job, &g);
	assert_int_equal(g.runs_n, 51);
	assert_int_equal(g.runs[50].run, 50);
	op_get_done(&g);
}

static void
limits_of_the_job_go_before_those_configured(void **state)
{
	const struct keep_policy policy = { .runs = 10, .age = 20000, .output_per_job = 500 };
	int64_t fewer = add(1000, 3, -1, -1), all = add(1000, -1, -1, 300), as_configured = add(1000,
	    0, 0, 0);
	struct keep_tally sum;
	struct op_get g;

	(void)state;
	runs(fewer, 40, 100);
	runs(all, 40, 100);
	runs(as_configured, 40, 100);
	keep_both(&policy, 41000, &sum);
	get(fewer, &g);
	assert_int_equal(g.runs_n, 3);
	assert_int_equal(g.job.output_bytes, 300);
	op_get_done(&g);
	get(all, &g);
	assert_int_equal(g.runs_n, 40);
	assert_int_equal(g.job.output_bytes, 300);
	assert_false(instant_is_set(g.job.pruned));
	assert_true(instant_is_set(g.runs[3].output_removed));
	assert_false(instant_is_set(g.runs[2].output_removed));
	op_get_done(&g);
	get(as_configured, &g);
	assert_int_equal(g.runs_n, 10);
	assert_int_equal(g.job.output_bytes, 500);
	op_get_done(&g);
}

static void
finished_jobs_go_after_a_while_and_failed_ones_later(void **state)
{
	const struct keep_policy policy = { .finished_jobs = 1000, .failed_jobs = 5000 };
	int64_t good = add(0, 0, 0, 0), bad = add(0, 0, 0, 0), own = add(0, 0, 100, 0), kept = add(0, 0,
	    -1, 0), active = add(0, 0, 0, 0), waiting = add(0, 0, 0, 0);
	struct keep_tally sum;

	(void)state;
	claim(good, 1000, 0);
	finish(good, 1, RUN_SUCCEEDED, 2000, 7);
	claim(bad, 1000, 0);
	finish(bad, 1, RUN_FAILED, 2000, 0);
	claim(own, 1000, 0);
	finish(own, 1, RUN_SUCCEEDED, 2000, 0);
	claim(kept, 1000, 0);
	finish(kept, 1, RUN_SUCCEEDED, 2000, 0);
	claim(active, 1000, 0);
	(void)waiting;

	keep_both(&policy, 2100, &sum);
	assert_int_equal(sum.jobs, 0);
	keep_both(&policy, 2101, &sum);
	assert_int_equal(sum.jobs, 1);
	keep_both(&policy, 3001, &sum);
	assert_int_equal(sum.jobs, 1);
	assert_int_equal(sum.output_bytes, 7);
	keep_both(&policy, 7000, &sum);
	assert_int_equal(sum.jobs, 0);
	keep_both(&policy, 7001, &sum);
	assert_int_equal(sum.jobs, 1);
	assert_int_equal(ask("SELECT count(*) FROM job"), 3);
	assert_int_equal(ask("SELECT count(*) FROM run"), 2);
}

static void
finished_jobs_without_a_run_go_too(void **state)
{
	const struct keep_policy policy = { .finished_jobs = 1000 };
	struct keep_tally sum;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct op_skip s = { .job = add(0, 0, 0, 0), .first = { 1000 }, .last = { 1000 },
		    .count = 1, .cause = SKIP_ASKED };

		assert_int_equal(storehouse_do(&house, &s.op, OP_SKIP), 0);
		op_skip_done(&s);
		if (i % 2 == 0)
			continue;
		/* As if nothing had been said of its occurrence. */
		storehouse_close(&house);
		(void)storehouse_sql(&house, "DELETE FROM skip WHERE job % 2 = 0;"
		    "UPDATE job SET skips = 0 WHERE id % 2 = 0");
		assert_int_equal(storehouse_open(&house), 0);
	}
	keep_both(&policy, 2000, &sum);
	assert_int_equal(sum.jobs, 0);
	keep_both(&policy, 2001, &sum);
	assert_int_equal(sum.jobs, 200);
	assert_int_equal(ask("SELECT count(*) FROM job"), 0);
	assert_int_equal(ask("SELECT count(*) FROM skip"), 0);
}

static void
output_of_the_oldest_goes_first_and_the_run_says_so(void **state)
{
	const struct keep_policy policy = { .output_total = 1000 };
	int64_t a = add(1000, 0, 0, 0), b = add(1000, 0, 0, 0);
	struct op_output_trash t;
	struct op_output_removed removed = { .rows = t.rows };
	struct keep_tally sum;
	struct op_get g;

	(void)state;
	runs(a, 10, 100);
	runs(b, 10, 100);
	keep_both(&policy, 50000, &sum);
	assert_int_equal(sum.outputs, 10);
	assert_int_equal(sum.output_bytes, 1000);
	assert_int_equal(sum.runs, 0);
	get(a, &g);
	assert_int_equal(g.job.output_bytes, 0);
	assert_int_equal(g.runs[0].output_bytes, 100);
	assert_int_equal(g.runs[0].output_removed.usec, 50000);
	op_get_done(&g);
	get(b, &g);
	assert_int_equal(g.job.output_bytes, 1000);
	assert_false(instant_is_set(g.runs[9].output_removed));
	op_get_done(&g);

	/* The runner is told until it has done it. */
	assert_int_equal(trash(&t), 10);
	assert_int_equal(t.rows[0].job, a);
	assert_int_equal(t.rows[0].run, 1);
	removed.n = 4;
	assert_int_equal(storehouse_do(&house, &removed.op, OP_OUTPUT_REMOVED), 0);
	assert_int_equal(trash(&t), 6);
	assert_int_equal(t.rows[0].run, 5);
}

static void
output_of_a_run_that_ends_late_is_found(void **state)
{
	const struct keep_policy policy = { .output_total = 100 };
	int64_t slow = add(0, 0, 0, 0), job = add(1000, 0, 0, 0);
	struct keep_tally sum;

	(void)state;
	claim(slow, 1000, 0);
	runs(job, 10, 50);
	keep_both(&policy, 50000, &sum);
	assert_int_equal(sum.outputs, 8);
	finish(slow, 1, RUN_SUCCEEDED, 60000, 1000);
	keep_both(&policy, 70000, &sum);
	assert_int_equal(sum.outputs, 1);
	assert_int_equal(sum.output_bytes, 1000);
}

static void
too_many_runs_of_all_together_the_oldest_go(void **state)
{
	const struct keep_policy policy = { .runs_total = 50 };
	int64_t once = add(0, 0, 0, 0), job = add(1000, 0, 0, 0), active = add(0, 0, 0, 0);
	struct keep_tally sum;
	struct op_get g;

	(void)state;
	claim(once, 1000, 0);
	finish(once, 1, RUN_SUCCEEDED, 1000, 10);
	claim(active, 1000, 0);
	runs(job, 100, 10);
	keep_both(&policy, 200000, &sum);
	/* The only run of a job is its latest: it stays. */
	assert_int_equal(sum.runs, 52);
	get(job, &g);
	assert_int_equal(g.runs_n, 48);
	assert_int_equal(g.job.pruned.usec, 52000);
	op_get_done(&g);
	assert_int_equal(ask("SELECT count(*) FROM run"), 50);
}

static void
skips_go_with_the_runs_around_them(void **state)
{
	const struct keep_policy policy = { .runs = 2 };
	int64_t job = add(1000, 0, 0, 0);
	struct keep_tally sum;
	struct op_get g;

	(void)state;
	for (int i = 1; i <= 20; i++) {
		struct op_skip s = { .job = job, .first = { 2000 * i }, .last = { 2000 * i },
		    .count = 1, .cause = SKIP_OVERLAP, .next_due = { 2000 * i + 1000 } };

		claim(job, 2000 * i - 1000, 2000 * i);
		finish(job, i, RUN_SUCCEEDED, 2000 * i, 0);
		assert_int_equal(storehouse_do(&house, &s.op, OP_SKIP), 0);
		op_skip_done(&s);
	}
	keep_both(&policy, 200000, &sum);
	assert_int_equal(sum.runs, 18);
	/* The run due at 35000 is gone; the skip at 36000 belongs to the one after it. */
	assert_int_equal(sum.skips, 17);
	get(job, &g);
	assert_int_equal(g.job.pruned.usec, 35000);
	assert_int_equal(g.job.skips, 20);
	op_get_done(&g);
	assert_int_equal(ask("SELECT min(first) FROM skip"), 36000);
}

static void
latest_skip_stays_and_older_ones_go_by_age(void **state)
{
	const struct keep_policy policy = { .age = 10000 };
	int64_t job = add(1000, 0, 0, 0);
	struct keep_tally sum;

	(void)state;
	for (int i = 1; i <= 20; i++) {
		struct op_skip s = { .job = job, .first = { 1000 * i }, .last = { 1000 * i },
		    .count = 1, .cause = i % 2 ? SKIP_ASKED : SKIP_MISSED, .next_due = { 1000 * i + 1000 } };

		assert_int_equal(storehouse_do(&house, &s.op, OP_SKIP), 0);
		op_skip_done(&s);
	}
	keep_both(&policy, 20000, &sum);
	assert_int_equal(sum.skips, 9);
	keep_both(&policy, 1000000, &sum);
	assert_int_equal(sum.skips, 10);
	assert_int_equal(ask("SELECT first FROM skip"), 20000);
}

static void
pauses_and_absences_go_by_age_but_not_how_the_clock_was_set(void **state)
{
	const struct keep_policy policy = { .spans = 1000 };
	int64_t job = add(1000, 0, 0, 0);
	static const int kinds[] = { SPAN_DOWN, SPAN_ASLEEP, SPAN_CLOCK };
	struct keep_tally sum;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct op_span s = { .span = { .kind = kinds[i], .first = { 100 }, .last = { 200 } } };

		assert_int_equal(storehouse_do(&house, &s.op, OP_SPAN), 0);
	}
	for (int i = 0; i < 3; i++) {
		struct op_pause p = { .job = job, .paused = i % 2 == 0, .uid = -1, .now = { 200 } };

		assert_int_equal(storehouse_do(&house, &p.op, OP_PAUSE), 0);
		op_pause_done(&p);
	}
	keep_both(&policy, 1200, &sum);
	assert_int_equal(sum.spans, 0);
	keep_both(&policy, 1201, &sum);
	assert_int_equal(sum.spans, 3);
	/* The pause that lasts is one more that stays. */
	assert_int_equal(ask("SELECT count(*) FROM span"), 2);
}

/* One that waits since then; the last attempt has failed so late, and the next is due soon after that (0: none). */
static void
notice(const char *target, int64_t at, int64_t tried, int64_t next)
{
	struct op_notice_test put = { .target = target, .now = { at } };
	struct op_notice_settle settle = { .ids = &put.id, .n = 1, .now = { tried }, .error = "so", .next = { next } };

	assert_int_equal(storehouse_do(&house, &put.op, OP_NOTICE_TEST), 0);
	if (tried > 0)
		assert_int_equal(storehouse_do(&house, &settle.op, OP_NOTICE_SETTLE), 0);
}

static void
notices_that_nobody_takes_go_by_age(void **state)
{
	const struct keep_policy policy = { .age = 1000 };
	struct keep_tally sum;

	(void)state;
	for (int i = 0; i < 300; i++)
		notice("gone", 100, 0, 0);
	notice("tried", 100, 1900, 1950);
	notice("failed", 100, 150, 0);
	notice("new", 1500, 0, 0);
	keep_both(&policy, 1100, &sum);
	assert_int_equal(sum.notices, 0);
	keep_both(&policy, 2000, &sum);
	assert_int_equal(sum.notices, 301);
	assert_int_equal(ask("SELECT count(*) FROM notice WHERE target IN ('tried', 'new')"), 2);
	assert_int_equal(ask("SELECT count(*) FROM notice"), 2);
}

static void
much_goes_in_many_small_slices(void **state)
{
	const struct keep_policy policy = { .runs = 10 };
	int64_t job = add(1000, 0, 0, 0);
	struct keep_tally sum;

	(void)state;
	runs(job, 3000, 0);
	assert_true(keep(&policy, INT64_MAX / 2, false, &sum) >= 2990 / 200);
	assert_int_equal(sum.runs, 2990);
}

static void
what_is_counted_outlives_the_store(void **state)
{
	const struct keep_policy none = { .output_total = 1, .runs_total = 1 };
	int64_t job = add(1000, 0, 0, 0);
	struct keep_tally sum;

	(void)state;
	runs(job, 30, 100);
	storehouse_close(&house);
	assert_int_equal(storehouse_open(&house), 0);
	keep(&none, 100000, true, &sum);
	assert_int_equal(sum.outputs, 30);
	assert_int_equal(sum.runs, 29);
}

static void
removed_job_leaves_its_output_to_the_runner(void **state)
{
	int64_t job = add(0, 0, 0, 0), silent = add(0, 0, 0, 0);
	struct op_remove r = { .job = job, .uid = -1 };
	struct op_output_trash t;

	(void)state;
	claim(job, 1000, 0);
	finish(job, 1, RUN_SUCCEEDED, 1000, 10);
	assert_int_equal(storehouse_do(&house, &r.op, OP_REMOVE), 0);
	op_remove_done(&r);
	r.job = silent;		/* it never ran */
	assert_int_equal(storehouse_do(&house, &r.op, OP_REMOVE), 0);
	op_remove_done(&r);
	assert_int_equal(trash(&t), 1);
	assert_int_equal(t.rows[0].job, job);
	assert_int_equal(t.rows[0].run, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(nothing_goes_without_limits),
		T(latest_runs_and_latest_failed_ones_are_kept),
		T(active_runs_and_the_latest_stay_whatever_the_limits),
		T(age_goes_before_the_number),
		T(limits_of_the_job_go_before_those_configured),
		T(finished_jobs_go_after_a_while_and_failed_ones_later),
		T(finished_jobs_without_a_run_go_too),
		T(output_of_the_oldest_goes_first_and_the_run_says_so),
		T(output_of_a_run_that_ends_late_is_found),
		T(too_many_runs_of_all_together_the_oldest_go),
		T(skips_go_with_the_runs_around_them),
		T(latest_skip_stays_and_older_ones_go_by_age),
		T(pauses_and_absences_go_by_age_but_not_how_the_clock_was_set),
		T(notices_that_nobody_takes_go_by_age),
		T(much_goes_in_many_small_slices),
		T(what_is_counted_outlives_the_store),
		T(removed_job_leaves_its_output_to_the_runner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
