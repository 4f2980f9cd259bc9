/*
 * What ops.h promises, op by op, on both kinds of store.
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

#include "daemon/store/state.h"
#include "proto/json.h"
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

/* Whatever a test did, what is on disk agrees with itself. */
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
	assert_int_equal(storehouse_open(&house), 0);
}

/* ---- shorthands ---- */

static int
claim(struct op_claim *c, int64_t job, int64_t run, int64_t due, int64_t next)
{
	memset(c, 0, sizeof(*c));
	c->job = job;
	c->run = run;
	c->due.usec = due;
	c->next_due.usec = next;
	c->noticed.usec = due + 1;
	c->started.usec = due + 2;
	c->node = 1;
	return storehouse_do(&house, &c->op, OP_CLAIM);
}

static int
finish(int64_t job, int64_t run, int from, int to, int64_t ended)
{
	struct run_info info = { .job = job, .run = run, .state = to, .attempt = 1, .exit_code = -1,
	    .ended = { ended } };
	struct op_finish f = { .run = &info, .from = from };

	return storehouse_do(&house, &f.op, OP_FINISH);
}

static int64_t
trigger(int64_t job, int64_t now)
{
	struct op_trigger t = { .job = job, .now = { now }, .uid = -1 };

	assert_int_equal(storehouse_do(&house, &t.op, OP_TRIGGER), 0);
	op_trigger_done(&t);
	return t.run;
}

static int
job_pause(int64_t job, bool paused)
{
	struct op_pause p = { .job = job, .paused = paused, .uid = -1, .now = { 50 } };
	int r = storehouse_do(&house, &p.op, OP_PAUSE);

	op_pause_done(&p);
	return r < 0 ? r : p.job_state;
}

static int
job_state(int64_t id)
{
	struct op_get g = { .id = id };
	int state;

	if (storehouse_do(&house, &g.op, OP_GET) < 0)
		return -1;
	state = g.job.state;
	op_get_done(&g);
	return state;
}

static int
run_state(int64_t job, int64_t run)
{
	struct op_runs o = { .job = job, .run = run };
	int r = storehouse_do(&house, &o.op, OP_RUNS);

	if (r == 0)
		r = o.runs[0].state;
	op_runs_done(&o);
	return r;
}

static void
check_counts(int64_t queued, int64_t running)
{
	struct op_counts c = { .queued = -1 };

	assert_int_equal(storehouse_do(&house, &c.op, OP_COUNTS), 0);
	assert_int_equal(c.queued, queued);
	assert_int_equal(c.running, running);
}

/* ---- add, get ---- */

static void
added_job_is_read_back_whole(void **state)
{
	char *labels[] = { (char[]){ "env=prod" }, (char[]){ "a=\"b\"\n\xc3\xa9" } };
	char *argv[] = { (char[]){ "true" } };
	struct command_spec command = { .argv = { argv, 1 } };
	struct job_spec spec = { .name = (char[]){ "nightly" },
	    .description = (char[]){ "what it is for" },
		.labels = { labels, 2 }, .every = USEC_HOUR, .command = &command };
	struct job_new job = { .spec = &spec,
	    .spec_json = "{\"command\":{\"argv\":[\"true\"]},\"name\":\"nightly\"}",
		.summary = "true", .due = { 5000000 } };
	struct op_add add = { .jobs = &job, .n = 1, .uid = 1000, .now = { 4000000 } };
	struct op_get get = { .name = "nightly", .runs_max = 5 };
	char *printed;

	(void)state;
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
	reopen();
	assert_int_equal(storehouse_do(&house, &get.op, OP_GET), 0);

	assert_int_equal(get.job.id, job.id);
	assert_string_equal(get.job.name, "nightly");
	assert_string_equal(get.job.description, "what it is for");
	assert_int_equal(get.job.labels.n, 2);
	assert_string_equal(get.job.labels.items[1], labels[1]);
	assert_int_equal(get.job.kind, KIND_COMMAND);
	assert_int_equal(get.job.state, JOB_SCHEDULED);
	assert_int_equal(get.job.uid, 1000);
	assert_int_equal(get.job.generation, 1);
	assert_int_equal(get.job.created.usec, 4000000);
	assert_int_equal(get.job.due.usec, 5000000);
	assert_int_equal(get.job.every, USEC_HOUR);
	assert_int_equal(get.job.runs + get.job.skips, 0);
	assert_string_equal(get.job.summary, "true");
	assert_null(get.job.last);
	assert_int_equal(get.runs_n, 0);
	printed = json_print(get.job.spec);
	assert_string_equal(printed, job.spec_json);
	free(printed);
	op_get_done(&get);
}

static void
taken_name_fails_the_whole_add_and_names_the_job(void **state)
{
	struct timer_spec timer = { .duration = 1 };
	struct job_spec specs[3] = { { .timer = &timer }, { .name = (char[]){ "b" },
	    .timer = &timer },
		{ .timer = &timer } };
	struct job_new jobs[3];
	struct op_add add = { .jobs = jobs, .n = 3, .uid = 1, .now = { 1 } };
	int64_t b = storehouse_add(&house, "b", 10, 0);

	(void)state;
	for (int i = 0; i < 3; i++)
		jobs[i] = (struct job_new){ .spec = &specs[i], .spec_json = "{}", .due = { 10 } };
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), -EEXIST);
	assert_int_equal(add.failed, 1);
	assert_int_equal(jobs[0].id, 0);
	assert_int_equal(job_state(b + 1), -1);

	specs[1].name = NULL;
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
	assert_int_equal(jobs[2].id, b + 3);
}

static void
known_key_gives_the_first_id(void **state)
{
	struct timer_spec timer = { .duration = 1 };
	struct job_spec spec = { .key = (char[]){ "k" }, .name = (char[]){ "n" }, .timer = &timer };
	struct job_new jobs[2] = { { .spec = &spec, .spec_json = "{}" }, { .spec = &spec,
	    .spec_json = "{}" } };
	struct op_add add = { .jobs = jobs, .n = 2, .uid = 1, .now = { 1 } };
	int64_t id;

	(void)state;
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
	id = jobs[0].id;
	assert_false(jobs[0].existed);
	assert_true(jobs[1].existed);
	assert_int_equal(jobs[1].id, id);
	reopen();
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
	assert_true(jobs[0].existed);
	assert_int_equal(jobs[0].id, id);
	/* The key is its owner's alone; the name is everybody's. */
	add.uid = 2;
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), -EEXIST);
	spec.name = NULL;
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
	assert_false(jobs[0].existed);
	assert_int_not_equal(jobs[0].id, id);
}

static void
jobs_of_an_owner_are_limited_and_counted_over_restarts(void **state)
{
	struct timer_spec timer = { .duration = 1 };
	struct job_spec spec = { .timer = &timer };
	struct job_new jobs[3];
	struct op_add add = { .jobs = jobs, .n = 3, .uid = 7, .now = { 1 }, .jobs_max_uid = 5 };
	struct op_remove remove = { .uid = -1 };

	(void)state;
	for (int i = 0; i < 3; i++)
		jobs[i] = (struct job_new){ .spec = &spec, .spec_json = "{}", .due = { 10 } };
	storehouse_add(&house, NULL, 10, 0);	/* another owner's */
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
	remove.job = jobs[2].id;
	reopen();
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), -EDQUOT);
	assert_int_equal(add.failed, 2);
	assert_int_equal(storehouse_do(&house, &remove.op, OP_REMOVE), 0);
	reopen();
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), -EDQUOT);
	assert_int_equal(add.failed, 0);
}

static void
an_id_is_never_used_again(void **state)
{
	struct op_remove remove = { .uid = -1 };
	int64_t id = storehouse_add(&house, NULL, 10, 0);

	(void)state;
	for (int i = 0; i < 3; i++) {
		remove.job = id;
		assert_int_equal(storehouse_do(&house, &remove.op, OP_REMOVE), 0);
		if (i > 0)
			reopen();
		assert_int_equal(storehouse_add(&house, NULL, 10, 0), id + 1);
		id++;
	}
}

static void
many_adds_are_counted_right(void **state)
{
	struct timer_spec timer = { .duration = 1 };
	struct job_spec spec = { .timer = &timer };
	struct job_new *jobs = calloc(ADD_JOBS_MAX, sizeof(*jobs));
	struct op_add add = { .jobs = jobs, .n = ADD_JOBS_MAX, .uid = 7, .now = { 1 } };

	(void)state;
	for (int i = 0; i < ADD_JOBS_MAX; i++)
		jobs[i] = (struct job_new){ .spec = &spec, .spec_json = "{}", .due = { 10 } };
	for (int i = 0; i < 3; i++) {
		assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
		storehouse_add(&house, NULL, 10, 0);
	}
	add.jobs_max_uid = 3 * ADD_JOBS_MAX;
	add.n = 1;
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), -EDQUOT);
	reopen();
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), -EDQUOT);
	add.jobs_max_uid++;
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
	free(jobs);
}

/* ---- claim, finish ---- */

static void
claim_makes_a_run_and_moves_the_due(void **state)
{
	int64_t job = storehouse_add(&house, "tick", 100, 50);
	struct op_claim c;
	struct op_get get = { .id = job, .runs_max = 1 };

	(void)state;
	assert_int_equal(claim(&c, job, 0, 100, 150), 0);
	assert_int_equal(c.run, 1);
	assert_true(c.born);
	assert_false(c.manual);
	assert_int_equal(c.run_due.usec, 100);
	assert_int_equal(c.row.uid, 1000);
	assert_string_equal(c.row.name, "tick");
	assert_int_equal(c.row.kind, KIND_TIMER);
	assert_non_null(strstr(c.row.spec_json, "durationUSec"));
	assert_int_equal(c.row.every, 50);
	assert_int_equal(c.row.generation, 1);
	op_claim_done(&c);
	check_counts(0, 1);

	assert_int_equal(storehouse_do(&house, &get.op, OP_GET), 0);
	assert_int_equal(get.job.state, JOB_RUNNING);
	assert_int_equal(get.job.due.usec, 150);
	assert_int_equal(get.runs_n, 1);
	assert_int_equal(get.runs[0].state, RUN_RUNNING);
	assert_int_equal(get.runs[0].attempt, 1);
	assert_int_equal(get.runs[0].due.usec, 100);
	assert_int_equal(get.runs[0].noticed.usec, 101);
	assert_int_equal(get.runs[0].started.usec, 102);
	assert_string_equal(get.runs[0].name, "tick");
	assert_int_equal(get.job.last->run, 1);
	op_get_done(&get);

	assert_int_equal(finish(job, 1, RUN_RUNNING, RUN_SUCCEEDED, 110), 0);
	assert_int_equal(job_state(job), JOB_SCHEDULED);
	check_counts(0, 0);
	assert_int_equal(claim(&c, job, 0, 150, 0), 0);
	assert_int_equal(c.run, 2);
	op_claim_done(&c);
	assert_int_equal(finish(job, 2, RUN_RUNNING, RUN_FAILED, 160), 0);
	assert_int_equal(job_state(job), JOB_FINISHED);
}

static void
claim_of_a_changed_world_is_stale(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 50);
	struct op_claim c;

	(void)state;
	assert_int_equal(claim(&c, job + 1, 0, 100, 150), -ESTALE);
	assert_int_equal(claim(&c, job, 0, 99, 150), -ESTALE);
	assert_int_equal(claim(&c, job, 7, 0, 0), -ESTALE);
	assert_int_equal(job_pause(job, true), JOB_PAUSED);
	assert_int_equal(claim(&c, job, 0, 100, 150), -ESTALE);
	assert_int_equal(c.run, 0);
	assert_null(c.row.name);
	assert_int_equal(job_pause(job, false), JOB_SCHEDULED);
	assert_int_equal(claim(&c, job, 0, 100, 0), 0);
	op_claim_done(&c);
	assert_int_equal(claim(&c, job, 0, 100, 0), -ESTALE);
	assert_int_equal(claim(&c, job, 1, 0, 0), -ESTALE);	/* it runs already */
}

static void
finish_keeps_all_that_is_known(void **state)
{
	int64_t job = storehouse_add(&house, "h", 100, 0);
	struct phases phases = { 1, 2, 3, 4, 5, 6, 7, 28 };
	struct run_info info = { .job = job, .run = 1, .state = RUN_FAILED, .attempt = 1,
	    .spawned = { 201 },
		.first_output = { 202 }, .exited = { 203 }, .ended = { 204 }, .exit_code = 0,
		    .signal = 9, .oom = true,
		.pid = 4711, .http_status = 503, .verdict = VERDICT_DOWN,
		    .reason = (char[]){ "it did not" },
		.canceled_by = (char[]){ "uid 5" }, .cpu = 99, .memory_peak = 1 << 20,
		    .output_bytes = 17, .ended_by = (char[]){ "KILL" }, .leftovers = 3,
		.phases = &phases, .redirects = { (char *[]){ (char[]){ "302 http://b/" } }, 1 },
		.body = (char[]){ "sick" } };
	struct op_finish f = { .run = &info, .from = RUN_RUNNING };
	struct op_runs runs = { .job = job, .limit = 10 };
	struct op_claim c;
	struct run_info *r;

	(void)state;
	assert_int_equal(claim(&c, job, 0, 100, 0), 0);
	op_claim_done(&c);
	assert_int_equal(storehouse_do(&house, &f.op, OP_FINISH), 0);
	assert_int_equal(f.job_state, JOB_FINISHED);
	reopen();
	assert_int_equal(storehouse_do(&house, &runs.op, OP_RUNS), 0);
	assert_int_equal(runs.n, 1);
	r = &runs.runs[0];
	assert_int_equal(r->state, RUN_FAILED);
	assert_int_equal(r->redirects.n, 1);
	assert_string_equal(r->redirects.items[0], "302 http://b/");
	assert_string_equal(r->body, "sick");
	assert_int_equal(r->spawned.usec, 201);
	assert_int_equal(r->first_output.usec, 202);
	assert_int_equal(r->exited.usec, 203);
	assert_int_equal(r->ended.usec, 204);
	assert_int_equal(r->exit_code, 0);
	assert_int_equal(r->signal, 9);
	assert_true(r->oom);
	assert_int_equal(r->pid, 4711);
	assert_int_equal(r->http_status, 503);
	assert_int_equal(r->verdict, VERDICT_DOWN);
	assert_string_equal(r->reason, "it did not");
	assert_string_equal(r->canceled_by, "uid 5");
	assert_int_equal(r->cpu, 99);
	assert_int_equal(r->memory_peak, 1 << 20);
	assert_int_equal(r->output_bytes, 17);
	assert_string_equal(r->ended_by, "KILL");
	assert_int_equal(r->leftovers, 3);
	assert_memory_equal(r->phases, &phases, sizeof(phases));
	assert_string_equal(r->name, "h");
	assert_int_equal(runs.uid, 1000);
	op_runs_done(&runs);
}

static void
absent_exit_code_stays_absent(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0);
	struct op_runs runs = { .job = job, .run = 1 };
	struct op_claim c;

	(void)state;
	assert_int_equal(claim(&c, job, 0, 100, 0), 0);
	op_claim_done(&c);
	assert_int_equal(finish(job, 1, RUN_RUNNING, RUN_LOST, 200), 0);
	assert_int_equal(storehouse_do(&house, &runs.op, OP_RUNS), 0);
	assert_int_equal(runs.runs[0].exit_code, -1);
	assert_null(runs.runs[0].phases);
	assert_null(runs.runs[0].reason);
	op_runs_done(&runs);
}

static void
a_claim_says_how_long_runs_take_that_succeed(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0);
	struct run_info info = { .job = job, .run = 1, .state = RUN_SUCCEEDED, .attempt = 1,
	    .spawned = { 1000 }, .exited = { 1400 }, .ended = { 1500 } };
	struct op_finish f = { .run = &info, .from = RUN_RUNNING };
	struct op_claim c;

	(void)state;
	assert_int_equal(claim(&c, job, 0, 100, 0), 0);
	assert_int_equal(c.row.took, 0);
	op_claim_done(&c);
	assert_int_equal(storehouse_do(&house, &f.op, OP_FINISH), 0);
	/* One that fails says nothing; the next that succeeds counts a quarter. */
	assert_int_equal(trigger(job, 2000), 2);
	assert_int_equal(claim(&c, job, 2, 0, 0), 0);
	assert_int_equal(c.row.took, 400);
	op_claim_done(&c);
	assert_int_equal(finish(job, 2, RUN_RUNNING, RUN_FAILED, 90000), 0);
	info.run = 3;
	info.exited = (instant){ 1800 };
	assert_int_equal(trigger(job, 3000), 3);
	assert_int_equal(claim(&c, job, 3, 0, 0), 0);
	assert_int_equal(c.row.took, 400);
	op_claim_done(&c);
	assert_int_equal(storehouse_do(&house, &f.op, OP_FINISH), 0);
	reopen();
	assert_int_equal(trigger(job, 4000), 4);
	assert_int_equal(claim(&c, job, 4, 0, 0), 0);
	assert_int_equal(c.row.took, 500);
	op_claim_done(&c);
}

static void
finish_of_another_state_is_stale(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0);

	(void)state;
	assert_int_equal(finish(job, 1, RUN_RUNNING, RUN_FAILED, 1), -ESTALE);
	assert_int_equal(finish(job + 1, 1, RUN_RUNNING, RUN_FAILED, 1), -ESTALE);
	assert_int_equal(trigger(job, 5), 1);
	assert_int_equal(finish(job, 1, RUN_RUNNING, RUN_FAILED, 6), -ESTALE);
	assert_int_equal(finish(job, 1, RUN_QUEUED, RUN_CANCELED, 6), 0);
	assert_int_equal(finish(job, 1, RUN_QUEUED, RUN_CANCELED, 6), -ESTALE);
	check_counts(0, 0);
}

/* ---- by hand ---- */

static void
triggered_run_waits_and_is_claimed_even_while_paused(void **state)
{
	int64_t job = storehouse_add(&house, "t", 1000, 0);
	struct op_trigger t = { .job = job, .now = { 5 }, .uid = 1001 };
	struct op_claim c;

	(void)state;
	assert_int_equal(storehouse_do(&house, &t.op, OP_TRIGGER), -EACCES);
	assert_null(t.name);
	t.uid = 1000;
	assert_int_equal(storehouse_do(&house, &t.op, OP_TRIGGER), 0);
	assert_int_equal(t.run, 1);
	assert_string_equal(t.name, "t");
	assert_int_equal(t.kind, KIND_TIMER);
	op_trigger_done(&t);
	t.job++;
	assert_int_equal(storehouse_do(&house, &t.op, OP_TRIGGER), -ENOENT);
	assert_int_equal(job_state(job), JOB_QUEUED);
	check_counts(1, 0);
	assert_int_equal(job_pause(job, true), JOB_QUEUED);

	assert_int_equal(claim(&c, job, 1, 0, 0), 0);
	assert_true(c.manual);
	assert_false(c.born);
	assert_int_equal(c.run_due.usec, 5);
	op_claim_done(&c);
	assert_int_equal(job_state(job), JOB_RUNNING);
	check_counts(0, 1);
	assert_int_equal(finish(job, 1, RUN_RUNNING, RUN_SUCCEEDED, 30), 0);
	assert_int_equal(job_state(job), JOB_PAUSED);
}

static void
finished_job_runs_again_by_hand_and_finishes_again(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 100, 0);
	struct op_claim c;

	(void)state;
	assert_int_equal(claim(&c, job, 0, 100, 0), 0);
	op_claim_done(&c);
	assert_int_equal(finish(job, 1, RUN_RUNNING, RUN_SUCCEEDED, 110), 0);
	assert_int_equal(trigger(job, 120), 2);
	assert_int_equal(job_state(job), JOB_QUEUED);
	assert_int_equal(claim(&c, job, 2, 0, 0), 0);
	op_claim_done(&c);
	assert_int_equal(finish(job, 2, RUN_RUNNING, RUN_SUCCEEDED, 130), 0);
	assert_int_equal(job_state(job), JOB_FINISHED);
}

static void
cancel_ends_a_queued_run_and_marks_a_running_one(void **state)
{
	int64_t job = storehouse_add(&house, "c", 100, 50);
	struct op_cancel x = { .job = job, .run = 1, .now = { 7 }, .uid = 1000, .by = "uid 1000" };
	struct op_active active = { .state = RUN_RUNNING };
	struct op_claim c;

	(void)state;
	assert_int_equal(storehouse_do(&house, &x.op, OP_CANCEL), -ENOENT);
	trigger(job, 5);
	x.uid = 1;
	assert_int_equal(storehouse_do(&house, &x.op, OP_CANCEL), -EACCES);
	x.uid = 1000;
	assert_int_equal(storehouse_do(&house, &x.op, OP_CANCEL), 0);
	assert_int_equal(x.was, RUN_QUEUED);
	assert_string_equal(x.name, "c");
	assert_int_equal(x.job_state, JOB_SCHEDULED);
	op_cancel_done(&x);
	assert_int_equal(run_state(job, 1), RUN_CANCELED);
	assert_int_equal(storehouse_do(&house, &x.op, OP_CANCEL), -EALREADY);
	assert_int_equal(x.was, RUN_CANCELED);
	assert_null(x.name);

	assert_int_equal(claim(&c, job, 0, 100, 150), 0);
	op_claim_done(&c);
	x.run = 2;
	assert_int_equal(storehouse_do(&house, &x.op, OP_CANCEL), 0);
	assert_int_equal(x.was, RUN_RUNNING);
	assert_int_equal(x.job_state, JOB_RUNNING);
	op_cancel_done(&x);
	x.by = "uid 0";
	/* the first one's word stays */
	assert_int_equal(storehouse_do(&house, &x.op, OP_CANCEL), 0);
	op_cancel_done(&x);
	assert_int_equal(storehouse_do(&house, &active.op, OP_ACTIVE), 0);
	assert_int_equal(active.n, 1);
	assert_true(active.rows[0].cancel_asked);
	assert_string_equal(active.rows[0].canceled_by, "uid 1000");
	assert_non_null(active.rows[0].spec_json);
	op_active_done(&active);
	assert_int_equal(finish(job, 2, RUN_RUNNING, RUN_CANCELED, 200), 0);
}

static void
pause_keeps_the_due_and_counts_changes(void **state)
{
	int64_t job = storehouse_add(&house, "p", 100, 50);
	struct op_pause p = { .job = job, .paused = true, .uid = 1, .now = { 7 } };
	struct op_due due = { .until = { 1000 } };

	(void)state;
	assert_int_equal(storehouse_do(&house, &p.op, OP_PAUSE), -EACCES);
	p.uid = 1000;
	assert_int_equal(storehouse_do(&house, &p.op, OP_PAUSE), 0);
	assert_true(p.changed);
	assert_int_equal(p.row.due.usec, 100);
	assert_int_equal(p.row.every, 50);
	assert_int_equal(p.job_state, JOB_PAUSED);
	assert_string_equal(p.name, "p");
	op_pause_done(&p);
	assert_int_equal(storehouse_do(&house, &p.op, OP_PAUSE), 0);
	assert_false(p.changed);
	op_pause_done(&p);
	assert_int_equal(storehouse_do(&house, &due.op, OP_DUE), 0);
	assert_int_equal(due.n, 0);
	assert_int_equal(job_pause(job, false), JOB_SCHEDULED);
	assert_int_equal(storehouse_do(&house, &due.op, OP_DUE), 0);
	assert_int_equal(due.n, 1);
	p.job = 99;
	assert_int_equal(storehouse_do(&house, &p.op, OP_PAUSE), -ENOENT);
}

static void
remove_takes_everything_but_refuses_what_runs(void **state)
{
	int64_t job = storehouse_add(&house, "r", 100, 50);
	struct op_remove x = { .job = job, .uid = 1 };
	struct op_runs runs = { .limit = 10 };
	struct op_claim c;

	(void)state;
	assert_int_equal(storehouse_do(&house, &x.op, OP_REMOVE), -EACCES);
	x.uid = -1;
	assert_int_equal(claim(&c, job, 0, 100, 150), 0);
	op_claim_done(&c);
	assert_int_equal(storehouse_do(&house, &x.op, OP_REMOVE), -EBUSY);
	assert_int_equal(finish(job, 1, RUN_RUNNING, RUN_SUCCEEDED, 120), 0);
	assert_int_equal(storehouse_do(&house, &x.op, OP_REMOVE), 0);
	assert_int_equal(x.runs, 1);
	assert_string_equal(x.name, "r");
	op_remove_done(&x);
	assert_int_equal(storehouse_do(&house, &x.op, OP_REMOVE), -ENOENT);
	assert_int_equal(storehouse_do(&house, &runs.op, OP_RUNS), 0);
	assert_int_equal(runs.n, 0);
	op_runs_done(&runs);
	storehouse_add(&house, "r", 100, 50);
}

static void
runs_of_a_removed_job_go_in_slices_and_are_not_seen(void **state)
{
	int64_t job = storehouse_add(&house, "big", 1000, 0);
	struct op_remove x = { .job = job, .uid = -1 };
	struct op_runs runs = { .limit = 10 };

	(void)state;
	for (int i = 1; i <= 1200; i++) {
		struct op_trigger t = { .job = job, .now = { i }, .uid = -1 };
		struct op_cancel c = { .job = job, .run = i, .now = { i }, .uid = -1, .by = "x" };
		struct store_op *ops[] = { &t.op, &c.op };

		t.op.kind = OP_TRIGGER;
		c.op.kind = OP_CANCEL;
		storehouse_run(&house, ops, 2);
		assert_int_equal(c.op.result, 0);
		op_trigger_done(&t);
		op_cancel_done(&c);
	}
	assert_int_equal(storehouse_do(&house, &x.op, OP_REMOVE), 0);
	op_remove_done(&x);
	assert_int_equal(storehouse_do(&house, &runs.op, OP_RUNS), 0);
	assert_int_equal(runs.n, 0);
	op_runs_done(&runs);
	reopen();
	storehouse_add(&house, NULL, 10, 0);
	if (house.mode == STORE_INLINE) {
		storehouse_close(&house);
		assert_int_equal(storehouse_sql(&house, "SELECT count(*) FROM run"), 0);
		assert_int_equal(storehouse_sql(&house, "SELECT count(*) FROM trash"), 0);
		assert_int_equal(storehouse_open(&house), 0);
	}
}

/* ---- skips ---- */

static int
skip_range(int64_t job, int64_t first, int64_t last, int cause, int64_t next)
{
	struct op_skip s = { .job = job, .first = { first }, .last = { last },
	    .count = (last - first) / 10 + 1,
		.cause = cause, .next_due = { next } };
	int r = storehouse_do(&house, &s.op, OP_SKIP);

	if (r == 0)
		assert_string_equal(s.name, "s");
	else
		assert_null(s.name);
	op_skip_done(&s);
	return r;
}

static void
skips_are_joined_while_nothing_else_comes_between(void **state)
{
	int64_t job = storehouse_add(&house, "s", 10, 10);
	struct op_get get = { .id = job };
	struct op_claim c;

	(void)state;
	assert_int_equal(skip_range(job, 10, 30, SKIP_MISSED, 40), 0);
	assert_int_equal(skip_range(job, 40, 40, SKIP_MISSED, 50), 0);
	assert_int_equal(skip_range(job, 50, 60, SKIP_OVERLAP, 70), 0);
	assert_int_equal(claim(&c, job, 0, 70, 80), 0);
	op_claim_done(&c);
	assert_int_equal(skip_range(job, 80, 80, SKIP_OVERLAP, 90), 0);
	trigger(job, 85);	/* no occurrence of the schedule */
	assert_int_equal(skip_range(job, 90, 90, SKIP_OVERLAP, 100), 0);
	assert_int_equal(skip_range(job, 90, 90, SKIP_OVERLAP, 100), -ESTALE);
	assert_int_equal(skip_range(job + 1, 90, 90, SKIP_OVERLAP, 100), -ESTALE);
	assert_int_equal(storehouse_do(&house, &get.op, OP_GET), 0);
	assert_int_equal(get.job.skips, 8);
	assert_int_equal(get.job.due.usec, 100);
	op_get_done(&get);
	storehouse_close(&house);
	assert_int_equal(storehouse_sql(&house, "SELECT count(*) FROM skip"), 3);
	assert_int_equal(storehouse_sql(&house, "SELECT count FROM skip WHERE first = 10 AND last ="
	    " 40"), 4);
	assert_int_equal(storehouse_sql(&house, "SELECT count FROM skip WHERE first = 80 AND last ="
	    " 90"), 2);
	assert_int_equal(storehouse_open(&house), 0);
}

static void
skip_of_a_paused_job_must_say_so_and_the_last_one_finishes_it(void **state)
{
	int64_t job = storehouse_add(&house, "s", 10, 10);

	(void)state;
	job_pause(job, true);
	assert_int_equal(skip_range(job, 10, 10, SKIP_MISSED, 20), -ESTALE);
	assert_int_equal(skip_range(job, 10, 10, SKIP_PAUSED, 20), 0);
	job_pause(job, false);
	assert_int_equal(skip_range(job, 20, 20, SKIP_MISSED, 0), 0);
	assert_int_equal(job_state(job), JOB_FINISHED);
}

/* The clock was set: the job is due at another instant. */
static void
redue(int64_t job, int64_t from, int64_t to)
{
	struct op_redue r = { .job = job, .from = { from }, .to = { to } };

	assert_int_equal(storehouse_do(&house, &r.op, OP_REDUE), 0);
}

static void
ledger_page(struct op_ledger *l, int64_t job, int64_t from, int64_t to, size_t limit, bool backward)
{
	*l = (struct op_ledger){ .job = job, .from = { from }, .to = { to }, .limit = limit,
	    .backward = backward };
	assert_int_equal(storehouse_do(&house, &l->op, OP_LEDGER), 0);
}

static void
no_skip_is_joined_over_what_a_clock_set_back_put_between(void **state)
{
	int64_t job = storehouse_add(&house, "s", 10, 10);
	struct op_ledger l;
	struct op_claim c;

	(void)state;
	assert_int_equal(skip_range(job, 10, 40, SKIP_MISSED, 50), 0);
	redue(job, 50, 15);
	/* It begins before the latest one, so it does not continue that. */
	assert_int_equal(skip_range(job, 15, 15, SKIP_MISSED, 25), 0);
	assert_int_equal(claim(&c, job, 0, 25, 35), 0);
	op_claim_done(&c);
	assert_int_equal(skip_range(job, 35, 35, SKIP_MISSED, 45), 0);
	assert_int_equal(claim(&c, job, 0, 45, 55), 0);
	op_claim_done(&c);
	redue(job, 55, 38);
	assert_int_equal(skip_range(job, 38, 38, SKIP_MISSED, 48), 0);
	/* A run at 45 is between. */
	assert_int_equal(skip_range(job, 48, 48, SKIP_MISSED, 58), 0);
	assert_int_equal(skip_range(job, 58, 58, SKIP_MISSED, 68), 0);
	ledger_page(&l, job, 0, 100, 0, false);
	assert_int_equal(l.n, 7);
	for (size_t i = 0; i < l.n; i++)
		assert_true(l.rows[i].first.usec <= l.rows[i].last.usec);
	assert_int_equal(l.rows[0].count, 4);
	assert_int_equal(l.rows[6].first.usec, 48);
	assert_int_equal(l.rows[6].count, 2);
	op_ledger_done(&l);
}

static void
ledger_is_read_from_either_end_in_pages(void **state)
{
	int64_t job = storehouse_add(&house, "s", 10, 10);
	struct op_ledger l;
	struct op_claim c;

	(void)state;
	assert_int_equal(skip_range(job, 10, 30, SKIP_MISSED, 40), 0);
	assert_int_equal(claim(&c, job, 0, 40, 50), 0);
	op_claim_done(&c);
	assert_int_equal(skip_range(job, 50, 60, SKIP_OVERLAP, 70), 0);
	trigger(job, 65);	/* no occurrence of the schedule */
	assert_int_equal(claim(&c, job, 0, 70, 80), 0);
	op_claim_done(&c);
	ledger_page(&l, job, 20, 100, 2, false);
	assert_int_equal(l.n, 2);
	assert_true(l.more);
	assert_int_equal(l.rows[0].first.usec, 10);
	assert_int_equal(l.rows[1].run, 1);
	op_ledger_done(&l);
	ledger_page(&l, job, 41, 100, 2, false);
	assert_int_equal(l.n, 2);
	assert_false(l.more);
	assert_int_equal(l.rows[0].cause, SKIP_OVERLAP);
	assert_int_equal(l.rows[1].first.usec, 70);
	op_ledger_done(&l);
	ledger_page(&l, job, 0, 55, 2, true);
	assert_int_equal(l.n, 2);
	assert_true(l.more);
	assert_int_equal(l.rows[0].first.usec, 50);
	assert_int_equal(l.rows[1].first.usec, 40);
	op_ledger_done(&l);
	ledger_page(&l, job, 0, 39, 2, true);
	assert_int_equal(l.n, 1);
	assert_false(l.more);
	op_ledger_done(&l);
	ledger_page(&l, job, 31, 39, 2, false);
	assert_int_equal(l.n, 0);
	op_ledger_done(&l);
}

/* ---- pages ---- */

static void
dues_come_in_order_in_pages_and_equal_ones_by_id(void **state)
{
	struct op_due *o = calloc(1, sizeof(*o));
	int64_t last_due = 0, last_id = 0;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 700; i++)
		storehouse_add(&house, NULL, i < 600 ? 500 : 1000 - i, 0);
	storehouse_add(&house, NULL, 5000, 0);
	storehouse_add(&house, NULL, 0, 0);	/* never */
	o->until.usec = 4999;
	do {
		assert_int_equal(storehouse_do(&house, &o->op, OP_DUE), 0);
		assert_true(o->n <= DUE_PAGE);
		assert_true(!o->more || o->n > 0);
		for (size_t i = 0; i < o->n; i++) {
			assert_true(o->rows[i].due.usec > last_due ||
			    (o->rows[i].due.usec == last_due && o->rows[i].id > last_id));
			last_due = o->rows[i].due.usec;
			last_id = o->rows[i].id;
			assert_int_equal(o->rows[i].kind, KIND_TIMER);
		}
		n += o->n;
		o->after_due.usec = last_due;
		o->after_id = last_id;
	} while (o->more);
	assert_int_equal(n, 700);
	free(o);
}

static void
active_runs_come_in_pages(void **state)
{
	int64_t job = storehouse_add(&house, "a", 100, 0);
	struct op_active *o = calloc(1, sizeof(*o));
	size_t n = 0;

	(void)state;
	for (int i = 1; i <= 2 * ACTIVE_PAGE; i++)
		trigger(job, i);
	o->state = RUN_QUEUED;
	do {
		assert_int_equal(storehouse_do(&house, &o->op, OP_ACTIVE), 0);
		for (size_t i = 0; i < o->n; i++) {
			assert_int_equal(o->rows[i].run, ++n);
			assert_int_equal(o->rows[i].job, job);
			assert_true(o->rows[i].manual);
			assert_null(o->rows[i].spec_json);
			assert_string_equal(o->rows[i].name, "a");
			o->after = o->rows[i].cursor;
		}
		assert_int_equal(o->more, n < 2 * ACTIVE_PAGE);
		op_active_done(o);
	} while (n < 2 * ACTIVE_PAGE);
	check_counts(2 * ACTIVE_PAGE, 0);
	reopen();
	check_counts(2 * ACTIVE_PAGE, 0);
	free(o);
}

static int
resolve(const char *selector, size_t *n, int64_t *first, int64_t *run)
{
	struct op_resolve o = { .selector = selector };
	int r;

	*n = 0;
	*first = 0;
	do {
		r = storehouse_do(&house, &o.op, OP_RESOLVE);
		if (*n == 0 && o.n > 0)
			*first = o.ids[0];
		*n += o.n;
		*run = o.run;
		o.after = o.next_after;
		op_resolve_done(&o);
	} while (r == 0 && o.more);
	return r;
}

/* How many jobs a selector finds among those with a label (NULL: any) and in some states (0: any). */
static int
resolve_where(const char *selector, const char *label, unsigned states, int64_t now)
{
	char *items[] = { (char *)(uintptr_t)label };
	struct strings labels = { items, label != NULL };
	struct op_resolve o = { .selector = selector, .labels = &labels, .states = states,
	    .now = { now } };
	int r, n = 0;

	do {
		r = storehouse_do(&house, &o.op, OP_RESOLVE);
		n += (int)o.n;
		o.after = o.next_after;
		op_resolve_done(&o);
	} while (r == 0 && o.more);
	return r < 0 ? r : n;
}

static void
selectors_are_restricted_by_labels_and_states(void **state)
{
	char *items[] = { (char *)(uintptr_t)"team=dba", (char *)(uintptr_t)"n=1" };
	struct timer_spec timer = { .duration = 1 };
	struct job_spec spec = { .name = (char *)(uintptr_t)"labeled", .timer = &timer,
	    .labels = { items, 2 } };
	struct job_new job = { .spec = &spec, .spec_json = "{}", .summary = "", .due = { 1000 } };
	struct op_add o = { .jobs = &job, .n = 1, .uid = 1, .now = { 1 } };
	int64_t paused = storehouse_add(&house, "paused", 1000, 0);

	(void)state;
	assert_int_equal(storehouse_do(&house, &o.op, OP_ADD), 0);
	job_pause(paused, true);
	storehouse_add(&house, NULL, 50, 0);
	assert_int_equal(resolve_where("*", NULL, 0, 100), 3);
	assert_int_equal(resolve_where("*", "team=dba", 0, 100), 1);
	assert_int_equal(resolve_where("*", "n=1", 1u << JOB_SCHEDULED, 100), 1);
	assert_int_equal(resolve_where("*", "n=1", 1u << JOB_PAUSED, 100), 0);
	assert_int_equal(resolve_where("*", "team", 0, 100), 0);
	assert_int_equal(resolve_where("*", NULL, 1u << JOB_PAUSED | 1u << JOB_SCHEDULED, 100), 2);
	/* As List tells it: due and not taken up yet is queued. */
	assert_int_equal(resolve_where("*", NULL, 1u << JOB_QUEUED, 100), 1);
	assert_int_equal(resolve_where("*", NULL, 1u << JOB_QUEUED, 2000), 2);
	assert_int_equal(resolve_where("paused", NULL, 1u << JOB_PAUSED, 100), 1);
	assert_int_equal(resolve_where("paused", "team=dba", 0, 100), 0);
	assert_int_equal(resolve_where("labeled", "team=dba", 0, 100), 1);
	assert_int_equal(resolve_where("nobody", "team=dba", 0, 100), -ENOENT);
}

static void
selectors_find_what_they_name(void **state)
{
	int64_t a = storehouse_add(&house, "alpha", 100, 0), b = storehouse_add(&house, "beta", 100,
	    0), first, run;
	char text[32];
	size_t n;

	(void)state;
	for (int i = 0; i < SCAN_ROWS_MAX + 10; i++)
		storehouse_add(&house, NULL, 100, 0);
	assert_int_equal(storehouse_add(&house, "alps", 100, 0), b + SCAN_ROWS_MAX + 11);
	trigger(a, 5);
	assert_int_equal(resolve("alpha", &n, &first, &run), 0);
	assert_int_equal(first, a);
	assert_int_equal(run, 0);
	snprintf(text, sizeof(text), "%lld", (long long)b);
	assert_int_equal(resolve(text, &n, &first, &run), 0);
	assert_int_equal(first, b);
	snprintf(text, sizeof(text), "%lld.1", (long long)a);
	assert_int_equal(resolve(text, &n, &first, &run), 0);
	assert_int_equal(first, a);
	assert_int_equal(run, 1);
	snprintf(text, sizeof(text), "%lld.2", (long long)a);
	assert_int_equal(resolve(text, &n, &first, &run), -ENOENT);
	assert_int_equal(resolve("alp*", &n, &first, &run), 0);
	assert_int_equal(n, 2);
	assert_int_equal(first, a);
	assert_int_equal(resolve("x*", &n, &first, &run), 0);
	assert_int_equal(n, 0);
	assert_int_equal(resolve("gamma", &n, &first, &run), -ENOENT);
	assert_int_equal(resolve("99999999", &n, &first, &run), -ENOENT);
	assert_int_equal(resolve("99999999999999999999999", &n, &first, &run), -ENOENT);
	assert_int_equal(resolve("", &n, &first, &run), -ENOENT);
	assert_int_equal(resolve("1.", &n, &first, &run), -ENOENT);
}

static size_t
list_all(struct op_list *o)
{
	size_t n = 0;

	o->after = 0;
	do {
		assert_int_equal(storehouse_do(&house, &o->op, OP_LIST), 0);
		assert_true(o->next == 0 || o->next > o->after);
		n += o->n;
		o->after = o->next;
		op_list_done(o);
	} while (o->next != 0);
	return n;
}

static void
list_filters_and_pages(void **state)
{
	char *texts[] = { (char[]){ "env=prod" }, (char[]){ "team=a" } };
	struct strings labels = { texts, 2 };
	struct timer_spec timer = { .duration = 1 };
	struct job_spec spec = { .labels = labels, .timer = &timer, .paused = true };
	struct job_new job = { .spec = &spec, .spec_json = "{}", .due = { 100 } };
	struct op_add add = { .jobs = &job, .n = 1, .uid = 5, .now = { 1 } };
	struct op_list all = { .kind = -1, .uid = -1, .limit = 7 };
	struct op_list o;

	(void)state;
	for (int i = 0; i < 30; i++) {
		char name[16];

		snprintf(name, sizeof(name), "job-%d", i);
		storehouse_add(&house, name, i < 10 ? 50 : 100, 0);
	}
	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
	assert_int_equal(list_all(&all), 31);
	o = all;
	o.name = "job-1*";
	assert_int_equal(list_all(&o), 11);
	o.name = "job-1";
	assert_int_equal(list_all(&o), 1);
	o.name = "nobody";
	assert_int_equal(list_all(&o), 0);
	o = all;
	o.states = 1u << JOB_PAUSED;
	assert_int_equal(list_all(&o), 1);
	o.states = 1u << JOB_QUEUED;
	assert_int_equal(list_all(&o), 0);
	o.now.usec = 60;
	assert_int_equal(list_all(&o), 10);	/* due, but not taken up yet */
	o.states = 1u << JOB_SCHEDULED;
	assert_int_equal(list_all(&o), 20);
	o = all;
	o.labels = &labels;
	assert_int_equal(list_all(&o), 1);
	o.kind = KIND_COMMAND;
	assert_int_equal(list_all(&o), 0);
	o = all;
	o.uid = 5;
	assert_int_equal(list_all(&o), 1);
	o.limit = 0;
	o.uid = 1000;
	assert_int_equal(list_all(&o), 30);
}

static void
list_that_matches_nothing_looks_at_few_rows(void **state)
{
	struct op_list o = { .kind = -1, .uid = 4242, .limit = 10 };
	struct timer_spec timer = { .duration = 1 };
	struct job_spec spec = { .timer = &timer };
	struct job_new *jobs = calloc(ADD_JOBS_MAX, sizeof(*jobs));
	struct op_add add = { .jobs = jobs, .n = ADD_JOBS_MAX, .uid = 7, .now = { 1 } };

	(void)state;
	for (int i = 0; i < ADD_JOBS_MAX; i++)
		jobs[i] = (struct job_new){ .spec = &spec, .spec_json = "{}", .due = { 10 } };
	for (int i = 0; i < 5; i++)
		assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
	assert_int_equal(storehouse_do(&house, &o.op, OP_LIST), 0);
	assert_int_equal(o.n, 0);
	assert_int_equal(o.next, SCAN_ROWS_MAX);
	op_list_done(&o);
	assert_int_equal(list_all(&o), 0);
	free(jobs);
}

static void
runs_page_backwards(void **state)
{
	int64_t a = storehouse_add(&house, "a", 100, 0), b = storehouse_add(&house, "b", 100, 0);
	struct op_runs o = { .job = a, .limit = 4 };
	size_t n = 0;
	int64_t expected = 10;

	(void)state;
	for (int i = 0; i < 10; i++) {
		trigger(a, 5 + i);
		trigger(b, 5 + i);
	}
	do {
		assert_int_equal(storehouse_do(&house, &o.op, OP_RUNS), 0);
		for (size_t i = 0; i < o.n; i++)
			assert_int_equal(o.runs[i].run, expected--);
		n += o.n;
		o.before = o.next;
		op_runs_done(&o);
	} while (o.next != 0);
	assert_int_equal(n, 10);

	assert_int_equal(finish(b, 10, RUN_QUEUED, RUN_CANCELED, 100), 0);
	o = (struct op_runs){ .limit = 100, .states = 1u << RUN_QUEUED };
	assert_int_equal(storehouse_do(&house, &o.op, OP_RUNS), 0);
	assert_int_equal(o.n, 19);
	assert_string_equal(o.runs[0].name, "a");
	assert_string_equal(o.runs[1].name, "b");
	assert_int_equal(o.runs[1].run, 9);
	assert_int_equal(o.next, 0);
	op_runs_done(&o);
	o = (struct op_runs){ .job = a, .run = 11 };
	assert_int_equal(storehouse_do(&house, &o.op, OP_RUNS), -ENOENT);
	o = (struct op_runs){ .job = 99 };
	assert_int_equal(storehouse_do(&house, &o.op, OP_RUNS), -ENOENT);
}

/* ---- damage ---- */

static void
damaged_row_is_an_error_and_no_crash(void **state)
{
	int64_t job = storehouse_add(&house, "d", 100, 0), other = storehouse_add(&house, "ok", 100,
	    0);
	struct op_list list = { .kind = -1, .uid = -1 };
	struct op_get get = { .id = job };
	struct op_due due = { .until = { 1000 } };
	struct op_runs runs = { .job = job };
	struct op_active active = { .state = RUN_RUNNING };
	struct op_claim c;

	(void)state;
	assert_int_equal(claim(&c, job, 0, 100, 0), 0);
	op_claim_done(&c);
	storehouse_close(&house);
	storehouse_sql(&house, "UPDATE run SET verdict = 77, phases = '{'");
	assert_int_equal(storehouse_open(&house), 0);
	assert_int_equal(storehouse_do(&house, &runs.op, OP_RUNS), -EIO);
	assert_int_equal(storehouse_do(&house, &get.op, OP_GET), -EIO);
	storehouse_close(&house);
	storehouse_sql(&house, "UPDATE job SET kind = -4, due = 100, labels = 'x', spec = '[' WHERE"
	    " name = 'd'");
	assert_int_equal(storehouse_open(&house), 0);
	assert_int_equal(storehouse_do(&house, &get.op, OP_GET), -EIO);
	assert_int_equal(storehouse_do(&house, &list.op, OP_LIST), -EIO);
	assert_int_equal(storehouse_do(&house, &runs.op, OP_RUNS), -EIO);
	assert_int_equal(claim(&c, job, 0, 100, 0), -EIO);
	assert_int_equal(finish(job, 1, RUN_RUNNING, RUN_FAILED, 1), -EIO);
	assert_int_equal(storehouse_do(&house, &due.op, OP_DUE), 0);	/* the others are to run */
	assert_int_equal(due.n, 1);
	assert_int_equal(due.rows[0].id, other);
	assert_int_equal(storehouse_do(&house, &active.op, OP_ACTIVE), 0);
	assert_int_equal(active.n, 0);
	storehouse_close(&house);
	storehouse_sql(&house, "DELETE FROM run; UPDATE job SET kind = 2, runs = 0, running = 0,"
	    " state = 0 WHERE name = 'd'");
	storehouse_sql(&house, "UPDATE run SET state = 99");
	assert_int_equal(storehouse_open(&house), 0);
	assert_int_equal(storehouse_do(&house, &get.op, OP_GET), -EIO);	/* its spec */
}

/* ---- moves ---- */

static void
runs_move_only_as_the_table_says(void **state)
{
	static const char *const allowed[RUN_STATE_COUNT] = {
		/*                 qrRsftcl */
		[RUN_QUEUED] =	  ".x....x.",
		[RUN_RUNNING] =	  "..xxxxxx",
		[RUN_RETRYING] =  "xx....x.",
		[RUN_SUCCEEDED] = "........",
		[RUN_FAILED] =	  "x.......",
		[RUN_TIMED_OUT] = "x.......",
		[RUN_CANCELED] =  "x.......",
		[RUN_LOST] =	  "x.......",
	};

	(void)state;
	for (int from = 0; from < RUN_STATE_COUNT; from++) {
		for (int to = 0; to < RUN_STATE_COUNT; to++)
			assert_int_equal(run_state_allows(from, to), allowed[from][to] == 'x');
		assert_int_equal(run_state_born(from), from == RUN_QUEUED || from == RUN_RUNNING);
	}
}

static void
state_of_a_job_follows_from_its_parts(void **state)
{
	static const struct {
		struct job_facts facts;
		enum job_state	 state;
	} rows[] = {
		{ { .has_more = true }, JOB_SCHEDULED },
		{ { .paused = true, .has_more = true }, JOB_PAUSED },
		{ { .queued = 1, .paused = true, .has_more = true }, JOB_QUEUED },
		{ { .queued = 1, .running = 1, .paused = true }, JOB_RUNNING },
		{ { .retrying = 1, .paused = true, .has_more = true }, JOB_RETRYING },
		{ { .queued = 1, .retrying = 1 }, JOB_QUEUED },
		{ { .running = 1, .retrying = 1 }, JOB_RUNNING },
		{ { .paused = false }, JOB_FINISHED },
		{ { .paused = true }, JOB_FINISHED },
		{ { .quarantined = true }, JOB_QUARANTINED },
		{ { .quarantined = true, .paused = true, .has_more = true }, JOB_QUARANTINED },
		{ { .quarantined = true, .queued = 1 }, JOB_QUEUED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(job_state_of(&rows[i].facts), rows[i].state);
}

#define BOTH(f) \
	{ #f " (inline)", f, setup_inline, teardown, NULL }, \
	{ #f " (thread)", f, setup_thread, teardown, NULL }

static void
every_op_has_a_name(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < OP_COUNT; kind++)
		assert_non_null(op_name(kind));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_op_has_a_name),
		BOTH(added_job_is_read_back_whole),
		BOTH(taken_name_fails_the_whole_add_and_names_the_job),
		BOTH(known_key_gives_the_first_id),
		BOTH(jobs_of_an_owner_are_limited_and_counted_over_restarts),
		BOTH(an_id_is_never_used_again),
		BOTH(many_adds_are_counted_right),
		BOTH(claim_makes_a_run_and_moves_the_due),
		BOTH(claim_of_a_changed_world_is_stale),
		BOTH(finish_keeps_all_that_is_known),
		BOTH(absent_exit_code_stays_absent),
		BOTH(a_claim_says_how_long_runs_take_that_succeed),
		BOTH(finish_of_another_state_is_stale),
		BOTH(triggered_run_waits_and_is_claimed_even_while_paused),
		BOTH(finished_job_runs_again_by_hand_and_finishes_again),
		BOTH(cancel_ends_a_queued_run_and_marks_a_running_one),
		BOTH(pause_keeps_the_due_and_counts_changes),
		BOTH(remove_takes_everything_but_refuses_what_runs),
		BOTH(runs_of_a_removed_job_go_in_slices_and_are_not_seen),
		BOTH(skips_are_joined_while_nothing_else_comes_between),
		BOTH(skip_of_a_paused_job_must_say_so_and_the_last_one_finishes_it),
		BOTH(no_skip_is_joined_over_what_a_clock_set_back_put_between),
		BOTH(ledger_is_read_from_either_end_in_pages),
		BOTH(dues_come_in_order_in_pages_and_equal_ones_by_id),
		BOTH(active_runs_come_in_pages),
		BOTH(selectors_find_what_they_name),
		BOTH(selectors_are_restricted_by_labels_and_states),
		BOTH(list_filters_and_pages),
		BOTH(list_that_matches_nothing_looks_at_few_rows),
		BOTH(runs_page_backwards),
		BOTH(damaged_row_is_an_error_and_no_crash),
		cmocka_unit_test(runs_move_only_as_the_table_says),
		cmocka_unit_test(state_of_a_job_follows_from_its_parts),
	};

	return cmocka_run_group_tests_name("store_ops", tests, NULL, NULL);
}
