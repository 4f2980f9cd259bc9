/*
 * The scheduler with a real store, on the virtual clock, with an executor of our own.  One test, one daemon,
 * one directory.  And all of it again on the store in memory, but what is about a disk that fails: the
 * scheduler must not be able to tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/mem.h"
#include "tests/harness/replayed.h"
#include "tests/harness/scheduled.h"

#define GATE		3
#define WINDOW_MAX	32
#define SEEN_MAX	20000
#define ATTEMPTS	8
#define CHECKS		8

struct fixture {
	struct scheduled	 d;
	struct watcher		 watcher;
	instant			 began;
	/* seen */
	struct event_info	 seen[SEEN_MAX];	/* without strings */
	size_t			 seen_n;
	int			 live, live_max;
	int			 adopted;
	int			 outcomes[ATTEMPTS];	/* of timers, by attempt; 0: success */
	int			 verdicts[CHECKS];	/* of checks, by job; none: up */
};

static struct fixture *fix;
static int64_t commits_to_fail;
static int64_t gate = GATE, window_max = WINDOW_MAX;	/* of the next daemon */
static struct backend backend;
static bool on_memory;		/* of the next test */

/* ---- an executor: a timer lasts its duration, a command until it is canceled ---- */

struct scripted {
	struct exec	exec;
	usec_t		ends;
};

/* As the test says; 0: nothing is said. */
static int
scripted_outcome(const struct run_info *run)
{
	return run->attempt < ATTEMPTS ? fix->outcomes[run->attempt] : 0;
}

static void
scripted_begin(struct scripted *f)
{
	const struct run_info *run = f->exec.run;

	if (++fix->live > fix->live_max)
		fix->live_max = fix->live;
	fix->adopted += f->exec.adopt;
	f->ends = USEC_NEVER;
	if (f->exec.spec->timer != NULL)
		f->ends = loop_now(fix->d.loop) + f->exec.spec->timer->duration -
		    (f->exec.adopt ? instant_since(loop_wall(fix->d.loop), run->started) : 0);
	else if (scripted_outcome(run) != 0 || f->exec.spec->http != NULL)
		f->ends = loop_now(fix->d.loop) + USEC_SEC;
}

static void
scripted_check(struct run_info *run)
{
	run->verdict = fix->verdicts[run->job] != VERDICT_NONE ? fix->verdicts[run->job] : VERDICT_UP;
	run->state = run->verdict == VERDICT_UP ? RUN_SUCCEEDED : RUN_FAILED;
	if (run->state == RUN_FAILED)
		run->reason = xstrdup("so it is");
}

static enum task_status
scripted_step(struct task *t)
{
	struct scripted *f = container_of(t, struct scripted, exec.task);

	TASK_BEGIN(t);

	scripted_begin(f);
	AWAIT_UNTIL(t, f->ends, f->exec.cancel);
	if (t->err == -ECANCELED)
		f->exec.run->state = RUN_RUNNING;
	else if (t->err == 0)
		f->exec.run->state = RUN_CANCELED;
	else if (f->exec.spec->http != NULL)
		scripted_check(f->exec.run);
	else
		f->exec.run->state = scripted_outcome(f->exec.run) != 0 ?
		    scripted_outcome(f->exec.run) : RUN_SUCCEEDED;
	fix->live--;

	TASK_END(t, 0);
}

static const struct task_kind scripted_kind = { .name = "scripted", .step = scripted_step };
static const struct executor scripted = { .frame_size = sizeof(struct scripted),
    .kind = &scripted_kind };
static const struct executor *const executors[KIND_COUNT] = { &scripted, &scripted, &scripted };

/* ---- one daemon ---- */

static int
failing_commit(void *db)
{
	if (commits_to_fail > 0) {
		commits_to_fail--;
		backend_sqlite.rollback(db);
		return -ENOSPC;
	}
	return backend_sqlite.commit(db);
}

/* Remember it; nothing is kept for the watcher. */
static bool
see(struct watcher *w, const struct event_info *e)
{
	(void)w;
	assert_true(fix->seen_n < SEEN_MAX);
	fix->seen[fix->seen_n] = *e;
	fix->seen[fix->seen_n].name = fix->seen[fix->seen_n].reason = NULL;
	fix->seen_n++;
	return false;
}

static void
daemon_start(instant wall)
{
	backend = backend_sqlite;
	backend.commit = failing_commit;
	fix->watcher.wants = see;
	scheduled_start(&fix->d, (struct scheduled_start){
		.wall = wall, .recorded = true, .backend = &backend, .executors = executors,
		.watcher = &fix->watcher,
		.config = { .running_max = { gate, gate, gate }, .window_jobs_max = window_max },
	});
	fix->began = loop_wall(fix->d.loop);
}

static instant
daemon_stop(void)
{
	replayed_is_the_same(fix->d.loop, fix->d.zones);
	return scheduled_stop(&fix->d);
}

/* Stop, be down for a while, start. */
static void
daemon_restart(usec_t down)
{
	daemon_start(instant_add(daemon_stop(), down));
}

static void
run_for(usec_t time)
{
	scheduled_run_for(&fix->d, time);
}

static int
setup(void **state)
{
	(void)state;
	fix = xcalloc(1, sizeof(*fix));
	scheduled_init(&fix->d, on_memory);
	daemon_start((instant){ 0 });
	return 0;
}

static int
setup_memory(void **state)
{
	on_memory = true;
	return setup(state);
}

static int
teardown(void **state)
{
	(void)state;
	(void)daemon_stop();
	scheduled_done(&fix->d);
	on_memory = false;
	free(fix);
	return 0;
}

/* ---- what the server would do ---- */

static int
ask(struct store_op *op, enum op_kind kind)
{
	return scheduled_do(&fix->d, op, kind);
}

struct want {
	const char	*name;
	int		 kind;
	usec_t		 in, every, lasts;
	int		 misfire, overlap;
	int64_t		 retries;
	usec_t		 delay;		/* before each of them */
	int		 on_crash;
	const struct http_spec *http;
};

/* Add n jobs alike in one transaction; the first one's id. */
static int64_t
add_many(struct want want, size_t n)
{
	instant now = loop_wall(fix->d.loop);
	struct timer_spec timer = { want.lasts };
	struct strings argv = { 0 };
	struct command_spec command = { 0 };
	struct job_spec spec = { .name = (char *)(uintptr_t)want.name, .every = want.every,
	    .misfire = want.misfire, .retries = want.retries, .on_crash = want.on_crash,
	    .backoff = want.delay > 0 ? BACKOFF_FIXED : BACKOFF_EXPONENTIAL,
	    .backoff_first = want.delay, .overlap = want.overlap };
	struct job_new *jobs = xcalloc(n, sizeof(*jobs));
	struct op_add add = { .jobs = jobs, .n = n, .now = now };
	struct cJSON *object;
	char *json;
	int64_t id;

	strings_add(&argv, "true");
	command.argv = argv;
	if (want.kind == KIND_TIMER)
		spec.timer = &timer;
	else if (want.http != NULL)
		spec.http = (struct http_spec *)(uintptr_t)want.http;
	else
		spec.command = &command;
	object = fields_write(job_spec_fields, &spec);
	json = json_print(object);
	json_free(object);
	for (size_t i = 0; i < n; i++)
		jobs[i] = (struct job_new){ .spec = &spec, .spec_json = json, .summary = "",
		    .due = instant_add(now, want.in) };
	assert_int_equal(ask(&add.op, OP_ADD), 0);
	for (size_t i = 0; i < n; i++) {
		struct due_row row = { .due = jobs[i].due, .id = jobs[i].id, .every = want.every,
		    .misfire = want.misfire, .kind = want.kind, .terms = terms_of(&spec) };

		scheduler_job_added(fix->d.scheduler, &row, want.name, JOB_SCHEDULED);
	}
	id = jobs[0].id;
	strings_done(&argv);
	free(json);
	free(jobs);
	return id;
}

static int64_t
add(struct want want)
{
	return add_many(want, 1);
}

static int64_t
trigger(int64_t job)
{
	struct op_trigger op = { .job = job, .now = loop_wall(fix->d.loop), .uid = -1 };
	int64_t run;

	assert_int_equal(ask(&op.op, OP_TRIGGER), 0);
	run = op.run;
	scheduler_run_queued(fix->d.scheduler, &op);
	op_trigger_done(&op);
	return run;
}

static void
cancel(int64_t job, int64_t run)
{
	struct op_cancel op = { .job = job, .run = run, .now = loop_wall(fix->d.loop), .uid = -1,
	    .by = "uid 7: enough" };

	assert_int_equal(ask(&op.op, OP_CANCEL), 0);
	scheduler_run_canceled(fix->d.scheduler, &op);
	op_cancel_done(&op);
}

static void
set_paused(int64_t job, bool paused, usec_t every)
{
	struct op_pause op = { .job = job, .paused = paused, .uid = -1,
	    .now = loop_wall(fix->d.loop) };
	struct due_row row;

	assert_int_equal(ask(&op.op, OP_PAUSE), 0);
	row = (struct due_row){ .due = op.row.due, .id = job, .every = every, .kind = KIND_TIMER,
	    .retrying = op.row.retrying };
	if (paused)
		scheduler_job_paused(fix->d.scheduler, job, op.name, op.job_state);
	else
		scheduler_job_resumed(fix->d.scheduler, &row, op.name, op.job_state, op.released);
	op_pause_done(&op);
}

/* ---- what came of it ---- */

static int64_t
seen(enum event_type type, int64_t job)
{
	int64_t n = 0;

	for (size_t i = 0; i < fix->seen_n; i++)
		n += fix->seen[i].type == (int)type && (job == 0 || fix->seen[i].job == job);
	return n;
}

/* The instant of an event, since the start. */
static usec_t
seen_at(enum event_type type, int64_t job, int64_t run)
{
	for (size_t i = 0; i < fix->seen_n; i++) {
		if (fix->seen[i].type == (int)type && fix->seen[i].job == job && (run == 0 ||
		    fix->seen[i].run == run))
			return instant_since(fix->seen[i].at, fix->began);
	}
	return -1;
}

static void
get(int64_t job, struct op_get *op)
{
	*op = (struct op_get){ .id = job, .runs_max = PAGE_MAX };
	assert_int_equal(ask(&op->op, OP_GET), 0);
}

static int
run_state_of(int64_t job, int64_t run)
{
	struct op_get op;
	int state = -1;

	get(job, &op);
	for (size_t i = 0; i < op.runs_n; i++) {
		if (op.runs[i].run == run)
			state = op.runs[i].state;
	}
	op_get_done(&op);
	return state;
}

static int64_t
skips_of(int64_t job)
{
	struct op_get op;
	int64_t n;

	get(job, &op);
	n = op.job.skips;
	op_get_done(&op);
	return n;
}

/* ---- the tests ---- */

static void
run_starts_at_its_due_and_not_before(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .in = 90 * USEC_SEC,
	    .lasts = USEC_SEC });

	(void)state;
	run_for(90 * USEC_SEC - 1);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 0);
	run_for(2 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 1), 90 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_ENDED, job, 1), 91 * USEC_SEC);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
}

static void
every_repeats_on_its_grid(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .every = 7 * USEC_SEC,
	    .lasts = USEC_SEC });

	(void)state;
	run_for(10 * USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 600 / 7 + 1);
	for (int64_t run = 1; run <= 600 / 7; run++)
		assert_int_equal(seen_at(EVENT_RUN_STARTED, job, run), (run - 1) * 7 * USEC_SEC);
	assert_int_equal(skips_of(job), 0);
}

static void
overlap_is_skipped_and_recorded(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .every = 10 * USEC_SEC,
	    .lasts = 25 * USEC_SEC });

	(void)state;
	run_for(60 * USEC_SEC - 1);
	/* At 0 and 30; skipped at 10, 20, 40, 50. */
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 2);
	assert_int_equal(fix->live_max, 1);
	assert_int_equal(skips_of(job), 4);
}

static void
single_occurrence_waits_for_the_run_of_its_job(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .in = 10 * USEC_SEC,
	    .lasts = 30 * USEC_SEC });

	(void)state;
	trigger(job);
	run_for(2 * USEC_MINUTE);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 1), 0);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 2), 30 * USEC_SEC);
	assert_int_equal(skips_of(job), 0);
}

static void
gates_hold_and_jobs_of_one_add_start_in_their_order(void **state)
{
	int64_t first = add_many((struct want){ .kind = KIND_TIMER, .in = USEC_SEC,
	    .lasts = USEC_SEC }, 20);
	int64_t last = 0;

	(void)state;
	run_for(30 * USEC_SEC);
	assert_int_equal(fix->live_max, GATE);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 20);
	for (size_t i = 0; i < fix->seen_n; i++) {
		if (fix->seen[i].type != EVENT_RUN_STARTED)
			continue;
		assert_int_equal(fix->seen[i].job, last == 0 ? first : last + 1);
		last = fix->seen[i].job;
	}
}

static void
jobs_behind_a_full_gate_cost_nothing_while_they_wait(void **state)
{
	uint64_t steps;

	(void)state;
	add_many((struct want){ .kind = KIND_TIMER, .lasts = USEC_HOUR }, 30);
	run_for(USEC_MINUTE);
	steps = fix->d.loop->stats.steps;
	run_for(10 * USEC_MINUTE);
	assert_true(fix->d.loop->stats.steps - steps < 20);
}

static void
idle_scheduler_has_no_timer(void **state)
{
	int64_t job;

	(void)state;
	run_for(0);
	assert_int_equal(fix->d.loop->timers.n, 0);
	job = add((struct want){ .kind = KIND_TIMER, .in = USEC_SEC });
	run_for(10 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_ENDED, job), 1);
	assert_int_equal(fix->d.loop->timers.n, 0);
}

static void
due_beyond_the_horizon_is_found_in_time(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .in = 5 * USEC_HOUR });

	(void)state;
	run_for(6 * USEC_HOUR);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 1), 5 * USEC_HOUR);
}

static void
more_jobs_than_the_window_holds_run_once_each(void **state)
{
	struct scheduler_stats stats;

	(void)state;
	for (int i = 0; i < 5; i++)
		add_many((struct want){ .kind = KIND_TIMER, .in = USEC_SEC }, 200);
	scheduler_stats(fix->d.scheduler, &stats);
	assert_true(stats.window_jobs <= WINDOW_MAX);
	run_for(10 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, 0), 1000);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 1000);
	assert_int_equal(fix->d.loop->timers.n, 0);
}

static void
triggered_runs_of_a_job_run_one_after_another(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .in = USEC_DAY,
	    .lasts = 10 * USEC_SEC });

	(void)state;
	for (int i = 1; i <= 3; i++)
		assert_int_equal(trigger(job), i);
	run_for(USEC_MINUTE);
	assert_int_equal(fix->live_max, 1);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(seen_at(EVENT_RUN_STARTED, job, i), (i - 1) * 10 * USEC_SEC);
}

static void
more_queued_runs_than_memory_holds_all_run(void **state)
{
	struct scheduler_stats stats;
	int64_t job = add_many((struct want){ .kind = KIND_TIMER, .in = USEC_DAY,
	    .lasts = USEC_SEC }, 4);

	(void)state;
	for (int i = 0; i < 1600; i++)
		trigger(job + i % 4);
	scheduler_stats(fix->d.scheduler, &stats);
	assert_true(stats.queued >= 1600 - GATE);
	run_for(USEC_HOUR);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 1600);
	scheduler_stats(fix->d.scheduler, &stats);
	assert_int_equal(stats.queued, 0);
}

static void
cancel_ends_the_live_run_and_says_who(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_COMMAND });
	struct op_get op;

	(void)state;
	run_for(USEC_SEC);
	assert_non_null(scheduler_run_live(fix->d.scheduler, job, 1));
	cancel(job, 1);
	run_for(USEC_SEC);
	assert_null(scheduler_run_live(fix->d.scheduler, job, 1));
	get(job, &op);
	assert_int_equal(op.runs[0].state, RUN_CANCELED);
	assert_string_equal(op.runs[0].canceled_by, "uid 7: enough");
	op_get_done(&op);
}

static void
canceled_queued_run_never_starts(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .lasts = 10 * USEC_SEC });

	(void)state;
	run_for(USEC_SEC);
	trigger(job);
	trigger(job);
	cancel(job, 2);
	run_for(USEC_MINUTE);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 2), -1);
	assert_int_equal(run_state_of(job, 2), RUN_CANCELED);
	assert_int_equal(run_state_of(job, 3), RUN_SUCCEEDED);
}

static void
what_a_pause_swallowed_is_skipped_as_one_range(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .every = 10 * USEC_SEC });

	(void)state;
	run_for(15 * USEC_SEC);
	set_paused(job, true, 10 * USEC_SEC);
	run_for(60 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 2);
	set_paused(job, false, 10 * USEC_SEC);
	run_for(10 * USEC_SEC);
	/* 20 to 70 are skipped, 80 runs. */
	assert_int_equal(skips_of(job), 6);
	assert_int_equal(seen(EVENT_JOB_SKIPPED, job), 1);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 3), 80 * USEC_SEC);
}

/* The job is asked to be this; hold: as in the op. */
static void
edit(int64_t job, const struct job_spec *spec, int hold)
{
	struct cJSON *object = fields_write(job_spec_fields, spec);
	char *json = json_print(object);
	struct op_edit op = { .job = job, .spec = spec, .spec_json = json, .summary = "",
	    .uid = -1, .hold = hold, .now = loop_wall(fix->d.loop) };

	assert_int_equal(ask(&op.op, OP_EDIT), 0);
	scheduler_job_edited(fix->d.scheduler, &op);
	op_edit_done(&op);
	json_free(object);
	free(json);
}

static void
job_that_an_edit_lets_go_goes_on_as_after_a_resume(void **state)
{
	struct timer_spec timer = { USEC_SEC };
	struct job_spec spec = { .every = 10 * USEC_SEC, .timer = &timer };
	int64_t job = add((struct want){ .kind = KIND_TIMER, .every = 10 * USEC_SEC });

	(void)state;
	run_for(15 * USEC_SEC);
	set_paused(job, true, 10 * USEC_SEC);
	run_for(60 * USEC_SEC);
	edit(job, &spec, 0);
	run_for(10 * USEC_SEC);
	/* 20 to 70 are skipped, 80 runs. */
	assert_int_equal(skips_of(job), 6);
	assert_int_equal(seen(EVENT_JOB_SKIPPED, job), 1);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 3), 80 * USEC_SEC);
	/* One that was let go by hand before it is not for a second time. */
	edit(job, &spec, 0);
	run_for(10 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 4), 90 * USEC_SEC);
	assert_int_equal(skips_of(job), 6);
}

static void
single_occurrence_runs_at_once_after_a_pause(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .in = 10 * USEC_SEC });

	(void)state;
	set_paused(job, true, 0);
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 0);
	set_paused(job, false, 0);
	run_for(USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 1), USEC_MINUTE);
}

static void
stop_lets_go_and_the_next_start_adopts(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .lasts = 60 * USEC_SEC });

	(void)state;
	run_for(10 * USEC_SEC);
	daemon_restart(5 * USEC_SEC);
	run_for(0);
	assert_true(scheduler_recovered(fix->d.scheduler));
	assert_int_equal(run_state_of(job, 1), RUN_RUNNING);
	run_for(60 * USEC_SEC);
	assert_int_equal(fix->adopted, 1);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
	/* 60 s after its start, of which 15 were before this daemon. */
	assert_int_equal(seen_at(EVENT_RUN_ENDED, job, 1), 45 * USEC_SEC);
}

static void
adopted_runs_count_but_no_gate_refuses_them(void **state)
{
	struct scheduler_stats stats;

	(void)state;
	add_many((struct want){ .kind = KIND_TIMER, .lasts = 100 * USEC_SEC }, GATE);
	run_for(10 * USEC_SEC);
	daemon_restart(0);
	add((struct want){ .kind = KIND_TIMER, .lasts = USEC_SEC });
	run_for(10 * USEC_SEC);
	scheduler_stats(fix->d.scheduler, &stats);
	assert_int_equal(stats.running, GATE);
	run_for(100 * USEC_SEC);
	assert_int_equal(fix->live_max, GATE);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), GATE + 1);
}

static void
all_runs_are_adopted_however_many_pages(void **state)
{
	const size_t n = 3 * ACTIVE_PAGE + 1;

	(void)state;
	gate = (int64_t)n;
	daemon_restart(0);
	gate = GATE;
	add_many((struct want){ .kind = KIND_TIMER, .lasts = 100 * USEC_SEC }, n);
	run_for(10 * USEC_SEC);
	daemon_restart(0);
	run_for(USEC_SEC);
	assert_true(scheduler_recovered(fix->d.scheduler));
	assert_int_equal(fix->adopted, n);
	run_for(100 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), n);
}

static void
all_dues_are_loaded_however_many_pages(void **state)
{
	(void)state;
	window_max = 0;
	add_many((struct want){ .kind = KIND_TIMER, .in = USEC_MINUTE }, 3 * DUE_PAGE + 1);
	daemon_restart(0);
	window_max = WINDOW_MAX;
	run_for(2 * USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 3 * DUE_PAGE + 1);
}

static void
queued_runs_survive_a_restart(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .lasts = 20 * USEC_SEC });

	(void)state;
	run_for(USEC_SEC);
	trigger(job);
	daemon_restart(0);
	run_for(60 * USEC_SEC);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
	assert_int_equal(run_state_of(job, 2), RUN_SUCCEEDED);
}

static void
misfires_run_once_or_are_skipped(void **state)
{
	int64_t hourly = add((struct want){ .kind = KIND_TIMER, .in = USEC_HOUR,
	    .every = USEC_HOUR });
	int64_t often = add((struct want){ .kind = KIND_TIMER, .in = USEC_MINUTE,
	    .every = USEC_MINUTE });
	int64_t single = add((struct want){ .kind = KIND_TIMER, .in = USEC_HOUR });
	int64_t never = add((struct want){ .kind = KIND_TIMER, .in = USEC_HOUR,
	    .misfire = MISFIRE_SKIP });

	(void)state;
	run_for(USEC_SEC);
	daemon_restart(3 * USEC_HOUR + 10 * USEC_SEC);
	run_for(USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, hourly), 1);
	assert_int_equal(skips_of(hourly), 2);
	assert_int_equal(seen(EVENT_RUN_STARTED, often), 0);
	assert_int_equal(skips_of(often), 180);
	assert_int_equal(seen(EVENT_RUN_STARTED, single), 1);
	assert_int_equal(seen(EVENT_RUN_STARTED, never), 0);
	assert_int_equal(skips_of(never), 1);
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, often), 1);
}

static void
clock_set_forward_is_noticed_within_a_minute(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .in = 2 * USEC_HOUR });
	usec_t before = loop_now(fix->d.loop);

	(void)state;
	run_for(USEC_SEC);
	loop_set_wall(fix->d.loop, instant_add(loop_wall(fix->d.loop), 3 * USEC_HOUR));
	while (seen(EVENT_RUN_STARTED, job) == 0)
		run_for(USEC_SEC);
	assert_true(loop_now(fix->d.loop) - before <= 62 * USEC_SEC);
}

static void
nothing_runs_early_when_the_clock_is_set_back(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .in = 10 * USEC_SEC });

	(void)state;
	run_for(5 * USEC_SEC);
	loop_set_wall(fix->d.loop, instant_add(loop_wall(fix->d.loop), -USEC_HOUR));
	run_for(USEC_HOUR);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 0);
	run_for(10 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 1);
}

static void
failed_store_is_asked_again_and_nothing_is_lost(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .in = 10 * USEC_SEC,
	    .every = 60 * USEC_SEC,
	    .lasts = 30 * USEC_SEC });

	(void)state;
	run_for(9 * USEC_SEC);
	commits_to_fail = 5;
	run_for(2 * USEC_SEC);
	/* Not durable: not started, not told. */
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 0);
	assert_int_equal(fix->live_max, 0);
	run_for(20 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 1);
	commits_to_fail = 4;
	run_for(40 * USEC_SEC);
	assert_int_equal(commits_to_fail, 0);
	assert_int_equal(seen(EVENT_RUN_ENDED, job), 1);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
}

static void
stop_with_a_failing_store_ends_and_loses_only_time(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .lasts = 10 * USEC_SEC });

	(void)state;
	run_for(9 * USEC_SEC);
	commits_to_fail = INT64_MAX;
	run_for(10 * USEC_SEC);
	(void)daemon_stop();
	commits_to_fail = 0;
	daemon_start((instant){ 0 });
	run_for(20 * USEC_SEC);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
}

static void
removed_job_is_forgotten(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .in = 10 * USEC_SEC,
	    .every = 10 * USEC_SEC });
	struct op_remove op = { .job = job, .uid = -1 };

	(void)state;
	run_for(USEC_SEC);
	assert_int_equal(ask(&op.op, OP_REMOVE), 0);
	scheduler_job_removed(fix->d.scheduler, job, op.name, op.runs);
	op_remove_done(&op);
	run_for(USEC_HOUR);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 0);
	assert_int_equal(fix->d.loop->timers.n, 0);
}

static void
year_of_hourly_runs_takes_no_time(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_TIMER, .every = USEC_HOUR,
	    .lasts = USEC_MINUTE });

	(void)state;
	run_for(90 * USEC_DAY - 1);
	assert_int_equal(seen(EVENT_RUN_ENDED, job), 90 * 24);
	assert_int_equal(skips_of(job), 0);
}

/* ---- attempts ---- */

static int64_t
retry(int64_t job, int64_t run)
{
	struct op_retry op = { .job = job, .run = run, .uid = -1, .now = loop_wall(fix->d.loop) };

	if (ask(&op.op, OP_RETRY) < 0)
		return op.op.result;
	scheduler_run_retried(fix->d.scheduler, &op);
	op_retry_done(&op);
	return op.run;
}

static void
fail_first(int n)
{
	for (int i = 1; i <= n; i++)
		fix->outcomes[i] = RUN_FAILED;
}

static int
job_state(int64_t job)
{
	struct op_get op;
	int s;

	get(job, &op);
	s = op.job.state;
	op_get_done(&op);
	return s;
}

/* A retry of a job that was edited while its first attempt went on, or waited for the second. */
static void
retry_of_an_edited_job(usec_t edited)
{
	struct timer_spec timer = { USEC_MINUTE };
	struct strings argv = { 0 };
	struct command_spec command = { 0 };
	struct job_spec spec = { .retries = 1, .backoff = BACKOFF_FIXED, .backoff_first = 10 * USEC_SEC,
	    .mutex = (char *)(uintptr_t)"m", .command = &command };
	struct job_spec other = { .mutex = spec.mutex, .timer = &timer };
	int64_t job, holder;

	fail_first(1);
	job = add((struct want){ .kind = KIND_COMMAND, .retries = 1, .delay = 10 * USEC_SEC });
	holder = add((struct want){ .kind = KIND_TIMER, .in = USEC_SEC, .lasts = USEC_MINUTE });
	strings_add(&argv, "true");
	command.argv = argv;
	edit(holder, &other, -1);
	run_for(edited);
	edit(job, &spec, -1);
	run_for(USEC_MINUTE - edited);
	assert_int_equal(seen(EVENT_RUN_STARTED, holder), 1);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 1);
	run_for(2 * USEC_SEC);
	assert_int_equal(seen_at(EVENT_RUN_ENDED, holder, 1), USEC_MINUTE + USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 2);
	strings_done(&argv);
}

static void
retries_stand_where_the_edited_job_says(void **state)
{
	(void)state;
	retry_of_an_edited_job(5 * USEC_SEC);
}

static void
retries_of_what_went_on_while_its_job_was_edited_stand_there_too(void **state)
{
	(void)state;
	retry_of_an_edited_job(USEC_SEC / 2);
}

static void
failed_attempt_is_followed_by_another_after_its_delay(void **state)
{
	int64_t job;

	(void)state;
	fail_first(2);
	job = add((struct want){ .kind = KIND_TIMER, .lasts = USEC_SEC, .retries = 3,
	    .delay = 10 * USEC_SEC });
	run_for(11 * USEC_SEC - 1);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 1);
	assert_int_equal(job_state(job), JOB_RETRYING);
	run_for(2);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 2);
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 3);
	assert_int_equal(seen(EVENT_RUN_RETRYING, job), 2);
	assert_int_equal(seen_at(EVENT_RUN_ENDED, job, 1), 23 * USEC_SEC);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
	assert_int_equal(job_state(job), JOB_FINISHED);
	assert_int_equal(fix->d.loop->timers.n, 0);
}

static void
run_has_failed_when_its_retries_are_used_up(void **state)
{
	int64_t job;

	(void)state;
	fail_first(ATTEMPTS - 1);
	job = add((struct want){ .kind = KIND_TIMER, .lasts = USEC_SEC, .retries = 2,
	    .delay = USEC_SEC });
	run_for(USEC_HOUR);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 3);
	assert_int_equal(seen(EVENT_RUN_ENDED, job), 1);
	assert_int_equal(run_state_of(job, 1), RUN_FAILED);
}

static void
run_that_waits_for_its_next_attempt_is_active(void **state)
{
	int64_t job, other;

	(void)state;
	fail_first(1);
	job = add((struct want){ .kind = KIND_TIMER, .lasts = USEC_SEC, .every = 10 * USEC_SEC,
	    .retries = 1, .delay = USEC_MINUTE });
	run_for(55 * USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 1);
	assert_int_equal(skips_of(job), 5);
	/* What a person asks for goes in between, and the retry is not lost of sight by it. */
	other = trigger(job);
	fix->outcomes[1] = 0;
	run_for(3 * USEC_SEC);
	assert_int_equal(run_state_of(job, other), RUN_SUCCEEDED);
	assert_int_equal(run_state_of(job, 1), RUN_RETRYING);
	run_for(5 * USEC_SEC);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
	assert_int_equal(skips_of(job), 6);
	run_for(10 * USEC_SEC);
	assert_int_equal(run_state_of(job, other + 1), RUN_SUCCEEDED);
}

static void
retry_comes_at_its_time_whatever_becomes_of_the_daemon(void **state)
{
	int64_t soon, late;

	(void)state;
	fail_first(1);
	soon = add((struct want){ .kind = KIND_TIMER, .lasts = USEC_SEC, .retries = 1,
	    .delay = USEC_MINUTE });
	late = add((struct want){ .kind = KIND_TIMER, .lasts = USEC_SEC, .retries = 1,
	    .delay = USEC_HOUR });
	run_for(2 * USEC_SEC);
	daemon_restart(5 * USEC_MINUTE);
	run_for(USEC_SEC / 2);
	/* Due while nobody was there: at once. */
	assert_int_equal(seen(EVENT_RUN_STARTED, soon), 2);
	run_for(54 * USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, late), 1);
	daemon_restart(0);
	run_for(2 * USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, late), 2);
	assert_int_equal(seen(EVENT_RUN_STARTED, soon), 2);
	assert_int_equal(run_state_of(late, 1), RUN_SUCCEEDED);
}

/* They fail together and wait for one instant: far off, so that the store alone has them. */
static void
more_retries_than_memory_holds_all_come(void **state)
{
	struct want want = { .kind = KIND_TIMER, .lasts = 1, .retries = 1, .delay = USEC_HOUR };
	struct scheduler_stats stats;

	(void)state;
	fail_first(1);
	for (int i = 0; i < 3; i++)
		(void)add_many(want, 900);
	run_for(10 * USEC_MINUTE);
	scheduler_stats(fix->d.scheduler, &stats);
	assert_int_equal(stats.retrying, 2700);
	assert_int_equal(seen(EVENT_RUN_STARTED, 0), 2700);
	run_for(40 * USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, 0), 2700);
	run_for(30 * USEC_MINUTE);
	scheduler_stats(fix->d.scheduler, &stats);
	assert_int_equal(stats.retrying, 0);
	assert_int_equal(seen(EVENT_RUN_STARTED, 0), 5400);
	assert_int_equal(seen(EVENT_RUN_ENDED, 0), 2700);
}

/* An outage is over: all that has waited for it comes, but not all at once. */
static void
retries_due_while_down_are_spread(void **state)
{
	struct want want = { .kind = KIND_TIMER, .lasts = 1, .retries = 1, .delay = USEC_MINUTE };

	(void)state;
	fail_first(1);
	(void)add_many(want, 200);
	run_for(USEC_SEC);
	assert_int_equal(seen(EVENT_RUN_RETRYING, 0), 200);
	daemon_restart(USEC_HOUR);
	run_for(USEC_SEC);
	assert_in_range(seen(EVENT_RUN_STARTED, 0), 210, 230);
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, 0), 400);
}

static void
pause_holds_the_next_attempt_back(void **state)
{
	int64_t job;

	(void)state;
	fail_first(1);
	job = add((struct want){ .kind = KIND_TIMER, .lasts = USEC_SEC, .retries = 1,
	    .delay = USEC_MINUTE });
	run_for(2 * USEC_SEC);
	set_paused(job, true, 0);
	run_for(USEC_HOUR);
	daemon_restart(USEC_SEC);
	run_for(USEC_HOUR);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 1);
	assert_int_equal(run_state_of(job, 1), RUN_RETRYING);
	set_paused(job, false, 0);
	run_for(2 * USEC_SEC);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
}

static void
cancel_ends_a_run_that_waits_for_its_next_attempt(void **state)
{
	int64_t job;

	(void)state;
	fail_first(1);
	job = add((struct want){ .kind = KIND_TIMER, .lasts = USEC_SEC, .every = USEC_HOUR,
	    .retries = 1, .delay = 10 * USEC_HOUR });
	run_for(2 * USEC_SEC);
	cancel(job, 1);
	assert_int_equal(run_state_of(job, 1), RUN_CANCELED);
	assert_int_equal(seen(EVENT_RUN_ENDED, job), 1);
	fix->outcomes[1] = 0;
	run_for(USEC_HOUR);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 2);
	assert_int_equal(skips_of(job), 0);
}

static void
job_that_crashes_again_and_again_is_quarantined(void **state)
{
	struct op_get op;
	int64_t job;

	(void)state;
	for (int i = 1; i < ATTEMPTS; i++)
		fix->outcomes[i] = RUN_LOST;
	job = add((struct want){ .kind = KIND_COMMAND, .every = USEC_HOUR,
	    .on_crash = ON_CRASH_RERUN });
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), CRASHES_MAX);
	assert_int_equal(run_state_of(job, 1), RUN_LOST);
	assert_int_equal(job_state(job), JOB_QUARANTINED);
	run_for(3 * USEC_HOUR);
	daemon_restart(USEC_SEC);
	run_for(3 * USEC_HOUR);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), CRASHES_MAX);
	memset(fix->outcomes, 0, sizeof(fix->outcomes));
	fix->outcomes[1] = RUN_FAILED;
	set_paused(job, false, USEC_HOUR);
	run_for(USEC_MINUTE);
	/* What came meanwhile is told to be skipped for it, and the next is run. */
	assert_int_equal(skips_of(job), 6);
	assert_int_equal(seen(EVENT_JOB_SKIPPED, job), 1);
	run_for(USEC_HOUR);
	get(job, &op);
	assert_int_equal(op.job.runs, 2);
	assert_int_equal(op.job.crashes, 0);
	op_get_done(&op);
}

static void
crash_in_between_is_run_again_and_uses_up_no_retry(void **state)
{
	static const int outcomes[] = { 0, RUN_LOST, RUN_FAILED, RUN_LOST, RUN_LOST, RUN_FAILED,
	    RUN_LOST, RUN_SUCCEEDED };
	int64_t job;

	(void)state;
	memcpy(fix->outcomes, outcomes, sizeof(outcomes));
	job = add((struct want){ .kind = KIND_COMMAND, .retries = 2, .delay = USEC_SEC,
	    .on_crash = ON_CRASH_RERUN });
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 7);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
	assert_int_equal(job_state(job), JOB_FINISHED);
}

static void
lost_run_is_over_unless_something_else_was_asked(void **state)
{
	int64_t adopt, fail;

	(void)state;
	fix->outcomes[1] = RUN_LOST;
	adopt = add((struct want){ .kind = KIND_COMMAND, .retries = 2, .delay = USEC_SEC });
	fix->outcomes[2] = RUN_SUCCEEDED;
	fail = add((struct want){ .kind = KIND_COMMAND, .retries = 2, .delay = USEC_SEC,
	    .on_crash = ON_CRASH_FAIL });
	run_for(USEC_MINUTE);
	assert_int_equal(run_state_of(adopt, 1), RUN_LOST);
	assert_int_equal(run_state_of(fail, 1), RUN_SUCCEEDED);
	assert_int_equal(seen(EVENT_RUN_STARTED, fail), 2);
}

static void
retry_by_hand_is_another_attempt_of_the_same_run(void **state)
{
	int64_t job;

	(void)state;
	fail_first(3);
	job = add((struct want){ .kind = KIND_TIMER, .lasts = USEC_SEC, .retries = 1,
	    .delay = USEC_SEC });
	run_for(USEC_MINUTE);
	assert_int_equal(run_state_of(job, 1), RUN_FAILED);
	assert_int_equal(retry(job, 0), 1);
	assert_int_equal(retry(job, 0), -EALREADY);
	run_for(USEC_MINUTE);
	/* With all its retries: the third failed, too. */
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 4);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
	assert_int_equal(retry(job, 1), -EALREADY);
}

static void
retry_by_hand_does_not_wait_any_longer(void **state)
{
	int64_t job;

	(void)state;
	fail_first(1);
	job = add((struct want){ .kind = KIND_TIMER, .lasts = USEC_SEC, .retries = 1,
	    .delay = USEC_HOUR });
	run_for(2 * USEC_SEC);
	assert_int_equal(retry(job, 1), 1);
	run_for(2 * USEC_SEC);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
	run_for(2 * USEC_HOUR);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 2);
}

static void
replacement_waits_for_the_retry_of_a_run_by_hand(void **state)
{
	int64_t job;

	(void)state;
	fail_first(1);
	job = add((struct want){ .kind = KIND_TIMER, .every = USEC_MINUTE, .lasts = USEC_SEC,
	    .retries = 1, .delay = 5 * USEC_MINUTE, .overlap = OVERLAP_REPLACE });
	run_for(10 * USEC_SEC);
	assert_int_equal(trigger(job), 2);
	/* The first makes room for the third; the second was asked for, and is still to be tried again. */
	run_for(USEC_MINUTE);
	assert_int_equal(run_state_of(job, 1), RUN_CANCELED);
	assert_int_equal(run_state_of(job, 2), RUN_RETRYING);
	assert_int_equal(run_state_of(job, 3), RUN_QUEUED);
	run_for(5 * USEC_MINUTE - 20 * USEC_SEC);
	assert_int_equal(run_state_of(job, 2), RUN_SUCCEEDED);
	assert_int_equal(seen_at(EVENT_RUN_STARTED, job, 7), seen_at(EVENT_RUN_ENDED, job, 2));
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 4);
}

static void
retry_by_hand_ends_a_quarantine(void **state)
{
	int64_t job;

	(void)state;
	for (int i = 1; i <= CRASHES_MAX; i++)
		fix->outcomes[i] = RUN_LOST;
	fix->outcomes[CRASHES_MAX + 1] = RUN_SUCCEEDED;
	job = add((struct want){ .kind = KIND_COMMAND, .on_crash = ON_CRASH_RERUN });
	run_for(USEC_MINUTE);
	assert_int_equal(job_state(job), JOB_QUARANTINED);
	assert_int_equal(retry(job, 0), 1);
	run_for(USEC_MINUTE);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
	assert_int_equal(job_state(job), JOB_FINISHED);
}

static void
canceled_run_gets_no_other_attempt(void **state)
{
	int64_t job = add((struct want){ .kind = KIND_COMMAND, .retries = 5, .delay = USEC_SEC,
	    .on_crash = ON_CRASH_RERUN });

	(void)state;
	run_for(USEC_SEC);
	cancel(job, 1);
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 1);
	assert_int_equal(run_state_of(job, 1), RUN_CANCELED);
}

static void
failed_commit_of_a_retry_is_asked_again(void **state)
{
	int64_t job;

	(void)state;
	fail_first(1);
	job = add((struct want){ .kind = KIND_TIMER, .lasts = USEC_SEC, .retries = 1,
	    .delay = USEC_SEC });
	run_for(USEC_SEC / 2);
	commits_to_fail = 3;
	run_for(USEC_MINUTE);
	assert_int_equal(seen(EVENT_RUN_STARTED, job), 2);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
}

/* ---- checks: what verdicts make of a job's health ---- */

/* One a minute; a plain one when spec is NULL. */
static int64_t
add_check(const char *name, struct http_spec spec)
{
	spec.url = (char *)(uintptr_t)"http://there/";
	return add((struct want){ .name = name, .kind = KIND_HTTP, .every = USEC_MINUTE,
	    .http = &spec });
}

/* Attempts that were begun since this was asked last. */
static int64_t
attempts_since(int64_t job, int64_t *before)
{
	int64_t n = seen(EVENT_RUN_STARTED, job) - *before;

	*before += n;
	return n;
}

static int
health_of(int64_t job)
{
	struct op_get op;
	int health;

	get(job, &op);
	health = op.job.health;
	op_get_done(&op);
	return health;
}

/* The verdict of the latest run, and whether its reason has these words. */
static int
verdict_of(int64_t job, const char *words)
{
	struct op_get op;
	int verdict;

	get(job, &op);
	assert_true(op.runs_n > 0);
	verdict = op.runs[0].verdict;
	if (words != NULL && (op.runs[0].reason == NULL || strstr(op.runs[0].reason, words) == NULL))
		fail_msg("the reason is: %s", op.runs[0].reason != NULL ? op.runs[0].reason : "-");
	op_get_done(&op);
	return verdict;
}

static void
first_failure_of_a_check_is_made_sure_of_by_two_quick_retries(void **state)
{
	int64_t job = add_check("web", (struct http_spec){ .quick_retries = -1 }), n = 0;

	(void)state;
	run_for(USEC_MINUTE / 2);
	assert_int_equal(health_of(job), VERDICT_UP);
	assert_int_equal(attempts_since(job, &n), 1);
	fix->verdicts[job] = VERDICT_DOWN;
	run_for(USEC_MINUTE);
	assert_int_equal(attempts_since(job, &n), 3);
	assert_int_equal(run_state_of(job, 2), RUN_FAILED);
	assert_int_equal(health_of(job), VERDICT_DOWN);
	/* It is known by now. */
	run_for(USEC_MINUTE);
	assert_int_equal(attempts_since(job, &n), 1);
	fix->verdicts[job] = VERDICT_UP;
	run_for(USEC_MINUTE);
	assert_int_equal(attempts_since(job, &n), 1);
	assert_int_equal(health_of(job), VERDICT_UP);
}

static void
degraded_check_is_made_sure_of_once(void **state)
{
	int64_t job = add_check("web", (struct http_spec){ .quick_retries = -1 }), n = 0;

	(void)state;
	fix->verdicts[job] = VERDICT_DEGRADED;
	run_for(USEC_MINUTE / 2);
	assert_int_equal(attempts_since(job, &n), 3);
	run_for(USEC_MINUTE);
	assert_int_equal(attempts_since(job, &n), 1);
	assert_int_equal(health_of(job), VERDICT_DEGRADED);
}

static void
quick_retry_that_succeeds_makes_the_run_a_success(void **state)
{
	int64_t job = add_check("web", (struct http_spec){ .quick_retries = -1 });

	(void)state;
	fix->verdicts[job] = VERDICT_DOWN;
	run_for(USEC_SEC + USEC_SEC / 2);
	assert_int_equal(run_state_of(job, 1), RUN_RETRYING);
	assert_int_equal(health_of(job), VERDICT_NONE);
	fix->verdicts[job] = VERDICT_UP;
	run_for(USEC_MINUTE / 2);
	assert_int_equal(run_state_of(job, 1), RUN_SUCCEEDED);
	assert_int_equal(health_of(job), VERDICT_UP);
}

static void
health_changes_after_as_many_checks_as_was_asked_restart_or_not(void **state)
{
	int64_t job = add_check("web", (struct http_spec){ .fail_after = 3, .ok_after = 2 });

	(void)state;
	run_for(USEC_MINUTE / 2);
	fix->verdicts[job] = VERDICT_DOWN;
	run_for(2 * USEC_MINUTE);
	assert_int_equal(health_of(job), VERDICT_UP);
	daemon_restart(0);
	run_for(USEC_MINUTE);
	assert_int_equal(health_of(job), VERDICT_DOWN);
	fix->verdicts[job] = VERDICT_DEGRADED;
	run_for(USEC_MINUTE);
	assert_int_equal(health_of(job), VERDICT_DOWN);
	daemon_restart(0);
	run_for(USEC_MINUTE);
	assert_int_equal(health_of(job), VERDICT_DEGRADED);
	fix->verdicts[job] = VERDICT_UP;
	run_for(USEC_MINUTE);
	assert_int_equal(health_of(job), VERDICT_UP);
}

static void
inconclusive_check_counts_neither_way_and_is_not_retried(void **state)
{
	int64_t job = add_check("web", (struct http_spec){ .fail_after = 2, .quick_retries = -1 });
	int64_t n = 0;

	(void)state;
	run_for(USEC_MINUTE / 2);
	fix->verdicts[job] = VERDICT_DOWN;
	run_for(USEC_MINUTE);
	assert_int_equal(attempts_since(job, &n), 4);
	fix->verdicts[job] = VERDICT_INCONCLUSIVE;
	run_for(5 * USEC_MINUTE);
	assert_int_equal(attempts_since(job, &n), 5);
	assert_int_equal(verdict_of(job, "so it is"), VERDICT_INCONCLUSIVE);
	assert_int_equal(health_of(job), VERDICT_UP);
	/* The row of failures goes on behind it. */
	fix->verdicts[job] = VERDICT_DOWN;
	run_for(USEC_MINUTE);
	assert_int_equal(health_of(job), VERDICT_DOWN);
}

static void
check_is_unreachable_while_the_one_it_depends_on_is_down(void **state)
{
	int64_t router = add_check("router", (struct http_spec){ .url = NULL });
	int64_t web = add_check("web", (struct http_spec){ .depends_on = (char *)(uintptr_t)"router" });
	int64_t page = add_check("page", (struct http_spec){ .depends_on = (char *)(uintptr_t)"2" });

	(void)state;
	run_for(USEC_MINUTE / 2);
	fix->verdicts[router] = fix->verdicts[web] = fix->verdicts[page] = VERDICT_DOWN;
	run_for(2 * USEC_MINUTE);
	assert_int_equal(health_of(router), VERDICT_DOWN);
	assert_int_equal(verdict_of(web, "so it is; the check that it depends on, 1 (router), is down"),
	    VERDICT_UNREACHABLE);
	assert_int_equal(health_of(web), VERDICT_UNREACHABLE);
	assert_int_equal(verdict_of(page, "2 (web), is unreachable itself"), VERDICT_UNREACHABLE);
	/* What is reached in another way is up all the same. */
	fix->verdicts[page] = VERDICT_UP;
	run_for(USEC_MINUTE);
	assert_int_equal(health_of(page), VERDICT_UP);
	/* And when it was not the router alone, that is told. */
	fix->verdicts[router] = VERDICT_UP;
	run_for(2 * USEC_MINUTE);
	assert_int_equal(verdict_of(web, "so it is"), VERDICT_DOWN);
	assert_int_equal(health_of(web), VERDICT_DOWN);
}

static void
check_waits_for_the_one_it_depends_on_to_be_sure(void **state)
{
	int64_t router = add_check("router", (struct http_spec){ .fail_after = 3 });
	int64_t web = add_check("web", (struct http_spec){ .depends_on = (char *)(uintptr_t)"router" });

	(void)state;
	run_for(USEC_MINUTE / 2);
	fix->verdicts[router] = VERDICT_DOWN;
	run_for(USEC_MINUTE);
	fix->verdicts[web] = VERDICT_DOWN;
	run_for(USEC_MINUTE);
	assert_int_equal(health_of(router), VERDICT_UP);
	assert_int_equal(verdict_of(web, "1 (router), has failed its last check"), VERDICT_UNREACHABLE);
	assert_int_equal(health_of(web), VERDICT_UP);
	/* Without it it stands for itself again. */
	fix->verdicts[router] = VERDICT_UP;
	run_for(2 * USEC_MINUTE);
	assert_int_equal(health_of(web), VERDICT_DOWN);
}

static void
change_of_health_is_told_to_watchers_once(void **state)
{
	int64_t job = add_check("web", (struct http_spec){ .url = NULL });
	int n = 0;

	(void)state;
	run_for(USEC_MINUTE / 2);
	fix->verdicts[job] = VERDICT_DOWN;
	run_for(3 * USEC_MINUTE);
	for (size_t i = 0; i < fix->seen_n; i++) {
		const struct event_info *e = &fix->seen[i];

		if (e->type != EVENT_RUN_ENDED)
			continue;
		assert_int_equal(e->health, e->verdict);
		assert_int_equal(e->health_was, n == 0 ? VERDICT_NONE : n == 1 ? VERDICT_UP : -1);
		n++;
	}
	assert_int_equal(n, 4);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define M(f) { #f "_in_memory", f, setup_memory, teardown, NULL }
#define B(f) T(f), M(f)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		B(run_starts_at_its_due_and_not_before),
		B(every_repeats_on_its_grid),
		B(overlap_is_skipped_and_recorded),
		B(single_occurrence_waits_for_the_run_of_its_job),
		B(gates_hold_and_jobs_of_one_add_start_in_their_order),
		B(jobs_behind_a_full_gate_cost_nothing_while_they_wait),
		B(idle_scheduler_has_no_timer),
		B(due_beyond_the_horizon_is_found_in_time),
		B(more_jobs_than_the_window_holds_run_once_each),
		B(triggered_runs_of_a_job_run_one_after_another),
		B(more_queued_runs_than_memory_holds_all_run),
		B(cancel_ends_the_live_run_and_says_who),
		B(canceled_queued_run_never_starts),
		B(what_a_pause_swallowed_is_skipped_as_one_range),
		B(job_that_an_edit_lets_go_goes_on_as_after_a_resume),
		B(single_occurrence_runs_at_once_after_a_pause),
		B(stop_lets_go_and_the_next_start_adopts),
		B(adopted_runs_count_but_no_gate_refuses_them),
		B(all_runs_are_adopted_however_many_pages),
		B(all_dues_are_loaded_however_many_pages),
		B(queued_runs_survive_a_restart),
		B(misfires_run_once_or_are_skipped),
		B(clock_set_forward_is_noticed_within_a_minute),
		B(nothing_runs_early_when_the_clock_is_set_back),
		T(failed_store_is_asked_again_and_nothing_is_lost),
		T(stop_with_a_failing_store_ends_and_loses_only_time),
		B(removed_job_is_forgotten),
		B(retries_stand_where_the_edited_job_says),
		B(retries_of_what_went_on_while_its_job_was_edited_stand_there_too),
		B(failed_attempt_is_followed_by_another_after_its_delay),
		B(run_has_failed_when_its_retries_are_used_up),
		B(run_that_waits_for_its_next_attempt_is_active),
		B(retry_comes_at_its_time_whatever_becomes_of_the_daemon),
		B(more_retries_than_memory_holds_all_come),
		B(retries_due_while_down_are_spread),
		B(pause_holds_the_next_attempt_back),
		B(cancel_ends_a_run_that_waits_for_its_next_attempt),
		B(job_that_crashes_again_and_again_is_quarantined),
		B(crash_in_between_is_run_again_and_uses_up_no_retry),
		B(lost_run_is_over_unless_something_else_was_asked),
		B(retry_by_hand_is_another_attempt_of_the_same_run),
		B(retry_by_hand_does_not_wait_any_longer),
		B(replacement_waits_for_the_retry_of_a_run_by_hand),
		B(retry_by_hand_ends_a_quarantine),
		B(canceled_run_gets_no_other_attempt),
		T(failed_commit_of_a_retry_is_asked_again),
		B(first_failure_of_a_check_is_made_sure_of_by_two_quick_retries),
		B(degraded_check_is_made_sure_of_once),
		B(quick_retry_that_succeeds_makes_the_run_a_success),
		B(health_changes_after_as_many_checks_as_was_asked_restart_or_not),
		B(inconclusive_check_counts_neither_way_and_is_not_retried),
		B(check_is_unreachable_while_the_one_it_depends_on_is_down),
		B(check_waits_for_the_one_it_depends_on_to_be_sure),
		B(change_of_health_is_told_to_watchers_once),
		B(year_of_hourly_runs_takes_no_time),
	};

	return cmocka_run_group_tests_name("scheduler_runs", tests, NULL, NULL);
}
