/*
 * What store.h promises of batches: shared commits, a refused op by itself, order, limits, the end.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/harness/storehouse.h"

static struct storehouse house;

static int
setup_inline(void **state)
{
	(void)state;
	storehouse_init(&house, STORE_INLINE);
	return 0;
}

static int
setup_thread(void **state)
{
	(void)state;
	storehouse_init(&house, STORE_THREAD);
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

/* Adds of one job each, all of the same owner. */
struct adds {
	struct timer_spec timer;
	struct job_spec	 *specs;
	struct job_new	 *jobs;
	struct op_add	 *ops;
	struct store_op	**pointers;
	size_t		  n;
};

static void
adds_init(struct adds *a, size_t n)
{
	*a = (struct adds){ .timer = { 1 }, .n = n };
	a->specs = calloc(n, sizeof(*a->specs));
	a->jobs = calloc(n, sizeof(*a->jobs));
	a->ops = calloc(n, sizeof(*a->ops));
	a->pointers = calloc(n, sizeof(*a->pointers));
	for (size_t i = 0; i < n; i++) {
		a->specs[i].timer = &a->timer;
		a->jobs[i] = (struct job_new){ .spec = &a->specs[i], .spec_json = "{}",
		    .due = { 5 } };
		a->ops[i] = (struct op_add){ .op.kind = OP_ADD, .jobs = &a->jobs[i], .n = 1,
		    .uid = 1, .now = { 1 } };
		a->pointers[i] = &a->ops[i].op;
	}
}

static void
adds_done(struct adds *a)
{
	free(a->specs);
	free(a->jobs);
	free(a->ops);
	free(a->pointers);
}

static void
ops_asked_together_share_commits(void **state)
{
	struct store_stats stats;
	struct adds a;

	(void)state;
	adds_init(&a, 5000);
	storehouse_run(&house, a.pointers, a.n);
	for (size_t i = 0; i < a.n; i++) {
		assert_int_equal(a.ops[i].op.result, 0);
		assert_int_equal(a.jobs[i].id, i + 1);	/* in the order asked */
	}
	store_stats(house.store, &stats);
	assert_int_equal(stats.ops, 5000);
	assert_int_equal(stats.failures, 0);
	assert_int_equal(stats.waiting, 0);
	assert_int_equal(stats.commit.count, stats.commits);
	assert_true(stats.commits < 500);
	adds_done(&a);
}

static void
refused_op_leaves_the_others_of_its_batch(void **state)
{
	static char names[4][2] = { "a", "b", "c", "d" };
	struct store_stats stats;
	struct adds a;

	(void)state;
	adds_init(&a, 100);
	for (size_t i = 0; i < a.n; i += 2)
		a.specs[i].name = names[i / 2 % 4];
	storehouse_run(&house, a.pointers, a.n);
	for (size_t i = 0; i < a.n; i++)
		assert_int_equal(a.ops[i].op.result, i % 2 == 1 || i < 8 ? 0 : -EEXIST);
	store_stats(house.store, &stats);
	assert_int_equal(stats.failures, 0);
	storehouse_close(&house);
	assert_int_equal(storehouse_sql(&house, "SELECT count(*) FROM job"), 54);
	assert_int_equal(storehouse_open(&house), 0);
	adds_done(&a);
}

/* Submits claim and add in one go: the claim is to be first, though asked last. */
static void
what_jobs_wait_for_goes_first(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0);
	struct op_claim claim = { .op.kind = OP_CLAIM, .job = job, .due = { 100 } };
	struct op_pause pause = { .op.kind = OP_PAUSE, .job = job, .paused = true, .uid = -1 };
	struct op_get get = { .op.kind = OP_GET, .id = job };
	struct store_op *ops[] = { &get.op, &pause.op, &claim.op };

	(void)state;
	storehouse_run(&house, ops, 3);
	assert_int_equal(claim.op.result, 0);
	assert_int_equal(pause.op.result, 0);
	assert_int_equal(pause.job_state, JOB_RUNNING);
	assert_int_equal(get.job.state, JOB_RUNNING);	/* reads see what was written */
	op_claim_done(&claim);
	op_pause_done(&pause);
	op_get_done(&get);
}

static void
beyond_the_limit_optional_ops_are_refused_and_others_not(void **state)
{
	struct op_counts *counts = calloc(STORE_OPS_MAX + 10, sizeof(*counts));
	struct store_op **ops = calloc(STORE_OPS_MAX + 11, sizeof(*ops));
	struct adds a;

	(void)state;
	adds_init(&a, 1);
	for (size_t i = 0; i < STORE_OPS_MAX + 10; i++) {
		counts[i].op.kind = OP_COUNTS;
		ops[i] = &counts[i].op;
	}
	ops[STORE_OPS_MAX + 10] = a.pointers[0];
	storehouse_run(&house, ops, STORE_OPS_MAX + 11);
	for (size_t i = 0; i < STORE_OPS_MAX + 10; i++)
		assert_int_equal(counts[i].op.result, 0);
	assert_int_equal(a.ops[0].op.result, -EBUSY);
	storehouse_run(&house, a.pointers, 1);
	assert_int_equal(a.ops[0].op.result, 0);
	adds_done(&a);
	free(counts);
	free(ops);
}

/* Nobody waits for it; the store is closed with the ops still in it. */
static enum task_status
leaver_step(struct task *t)
{
	TASK_BEGIN(t);
	TASK_END(t, 0);
}

static const struct task_kind leaver_kind = { .name = "leaver", .step = leaver_step };

static void
close_finishes_what_was_asked(void **state)
{
	struct task root;
	struct adds a;

	(void)state;
	adds_init(&a, 300);
	task_start_root(&root, &leaver_kind, house.l);
	assert_int_equal(loop_run(house.l), 0);
	for (size_t i = 0; i < a.n; i++)
		store_submit(house.store, a.pointers[i], NULL);
	storehouse_close(&house);
	for (size_t i = 0; i < a.n; i++) {
		assert_true(a.ops[i].op.done);
		assert_false(a.ops[i].op.lent);
		assert_int_equal(a.ops[i].op.result, 0);
	}
	assert_int_equal(storehouse_sql(&house, "SELECT count(*) FROM job"), 300);
	assert_int_equal(storehouse_open(&house), 0);
	house.l->root = NULL;
	adds_done(&a);
}

/* So many that their ends gather. */
#define RUNS 100

struct ends {
	struct run_info	 info[RUNS];
	struct op_finish ops[RUNS];
};

static void
runs_begin(struct ends *e)
{
	for (int i = 0; i < RUNS; i++) {
		int64_t job = storehouse_add(&house, NULL, 100, 0);
		struct op_claim claim = { .job = job, .due = { 100 } };

		assert_int_equal(storehouse_do(&house, &claim.op, OP_CLAIM), 0);
		op_claim_done(&claim);
		e->info[i] = (struct run_info){ .job = job, .run = 1, .attempt = 1,
		    .state = RUN_SUCCEEDED, .ended = { 200 + i } };
		e->ops[i] = (struct op_finish){ .op.kind = OP_FINISH, .run = &e->info[i],
		    .from = RUN_RUNNING };
	}
}

static void
ends_of_many_runs_are_answered_alone_with_others_and_at_the_close(void **state)
{
	struct op_get get = { .op.kind = OP_GET, .id = 1 };
	struct store_op *both[2];
	struct task root;
	struct ends e;

	(void)state;
	runs_begin(&e);
	for (int i = 0; i < 5; i++)
		assert_int_equal(storehouse_do(&house, &e.ops[i].op, OP_FINISH), 0);
	both[0] = &e.ops[5].op;
	both[1] = &get.op;
	storehouse_run(&house, both, 2);
	assert_int_equal(e.ops[5].op.result, 0);
	assert_int_equal(get.job.state, JOB_FINISHED);
	op_get_done(&get);
	task_start_root(&root, &leaver_kind, house.l);
	assert_int_equal(loop_run(house.l), 0);
	for (int i = 6; i < RUNS; i++)
		store_submit(house.store, &e.ops[i].op, NULL);
	storehouse_close(&house);
	for (int i = 0; i < RUNS; i++) {
		assert_true(e.ops[i].op.done);
		assert_int_equal(e.ops[i].op.result, 0);
		op_finish_done(&e.ops[i]);
	}
	assert_int_equal(storehouse_sql(&house, "SELECT count(*) FROM run WHERE state = 3"), RUNS);
	assert_int_equal(storehouse_open(&house), 0);
	house.l->root = NULL;
}

/* Its last wish is written when it is cancelled, as a run's end is at a shutdown. */
struct mourner {
	struct task	 root, mourner;
	struct adds	 a;
};

static enum task_status
mourner_step(struct task *t)
{
	struct mourner *f = container_of(t, struct mourner, mourner);

	TASK_BEGIN(t);

	AWAIT(t, false);
	AWAIT_SHIELDED(t, loop_now(t->loop) + USEC_SEC, false);
	store_submit(house.store, f->a.pointers[0], t);
	assert_false(f->a.ops[0].op.done);
	AWAIT_SHIELDED(t, USEC_NEVER, f->a.ops[0].op.done);
	TASK_END(t, f->a.ops[0].op.result);
}

static const struct task_kind mourner_kind = { .name = "mourner", .step = mourner_step };

static enum task_status
shutdown_step(struct task *t)
{
	struct mourner *f = container_of(t, struct mourner, root);

	TASK_BEGIN(t);

	store_start_task(house.store, t);
	task_start(&f->mourner, &mourner_kind, t);
	SLEEP_UNTIL(t, loop_now(t->loop) + 1);
	TASK_END(t, 0);	/* cancels both */
}

static const struct task_kind shutdown_kind = { .name = "shutdown", .step = shutdown_step };

static void
task_of_a_simulation_ends_and_late_ops_are_done_all_the_same(void **state)
{
	struct mourner f;

	(void)state;
	adds_init(&f.a, 1);
	task_start_root(&f.root, &shutdown_kind, house.l);
	assert_int_equal(loop_run(house.l), 0);
	assert_int_equal(f.a.ops[0].op.result, 0);
	assert_int_equal(f.a.jobs[0].id, 1);
	house.l->root = NULL;
	adds_done(&f.a);
}

static void
log_does_not_grow_without_end(void **state)
{
	struct adds a;
	struct stat st;

	(void)state;
	adds_init(&a, 2000);
	for (int i = 0; i < 10; i++)
		storehouse_run(&house, a.pointers, a.n);
	assert_int_equal(stat(storehouse_path(&house, "jobd.db-wal"), &st), 0);
	assert_true(st.st_size < 80 << 20);
	storehouse_close(&house);
	assert_int_equal(storehouse_sql(&house, "SELECT count(*) FROM job"), 20000);
	assert_int_equal(storehouse_open(&house), 0);
	adds_done(&a);
}

#define BOTH(f) \
	{ #f " (inline)", f, setup_inline, teardown, NULL }, \
	{ #f " (thread)", f, setup_thread, teardown, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(ops_asked_together_share_commits),
		BOTH(refused_op_leaves_the_others_of_its_batch),
		cmocka_unit_test_setup_teardown(what_jobs_wait_for_goes_first, setup_inline,
		    teardown),
		BOTH(beyond_the_limit_optional_ops_are_refused_and_others_not),
		BOTH(close_finishes_what_was_asked),
		BOTH(ends_of_many_runs_are_answered_alone_with_others_and_at_the_close),
		cmocka_unit_test_setup_teardown(
		    task_of_a_simulation_ends_and_late_ops_are_done_all_the_same,
		    setup_inline, teardown),
		BOTH(log_does_not_grow_without_end),
	};

	return cmocka_run_group_tests_name("store_batch", tests, NULL, NULL);
}
