/*
 * Who is told of what, and when: the scheduler with a real store, on the virtual clock.  Jobs are timers that
 * end as the test says; targets are webhooks, whose requests are written down instead of sent.  All
 * of it again on the store in memory.
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
#include "tests/harness/scheduled.h"

#define TOLD_MAX 400

struct fixture {
	struct scheduled	 d;
	int			 outcome;	/* of runs: enum run_state */
	usec_t			 takes;		/* they do; 0: as their spec says */
	bool			 shut;		/* no run begins */
	bool			 deaf, hangs;	/* target one: fails, or never ends */
	struct cJSON		*told[TOLD_MAX];
	size_t			 n, tries;
};

static struct fixture *fix;
static bool on_memory;		/* of the next test */

static struct notify_target two[] = {
	{ .name = (char *)(uintptr_t)"one", .url = (char *)(uintptr_t)"http://one/", .timeout = USEC_MINUTE,
	    .deadline = USEC_HOUR, .fold = USEC_MINUTE },
	{ .name = (char *)(uintptr_t)"two", .url = (char *)(uintptr_t)"http://two/", .timeout = USEC_MINUTE,
	    .deadline = USEC_HOUR },
};
static const struct notify_targets targets = { .items = two, .n = 2, .sendmail = "/bin/true" };

/* ---- executors: of jobs, and of deliveries ---- */

static enum task_status
job_step(struct task *t)
{
	struct exec *e = container_of(t, struct exec, task);

	TASK_BEGIN(t);

	SLEEP_UNTIL(t, loop_now(t->loop) + (fix->takes > 0 ? fix->takes : e->spec->timer->duration));
	e->run->state = t->err == -ECANCELED ? RUN_RUNNING : fix->outcome;

	TASK_END(t, 0);
}

static bool
is_one(const struct exec *e)
{
	return strcmp(e->spec->http->url, "http://one/") == 0;
}

static void
note(const struct exec *e)
{
	const char *why;

	assert_true(fix->n < TOLD_MAX);
	fix->told[fix->n] = json_parse(e->spec->http->body, strlen(e->spec->http->body), &why);
	assert_non_null(fix->told[fix->n]);
	fix->n++;
}

static enum task_status
post_step(struct task *t)
{
	struct exec *e = container_of(t, struct exec, task);

	TASK_BEGIN(t);

	fix->tries++;
	SLEEP_UNTIL(t, fix->hangs && is_one(e) ? USEC_NEVER : loop_now(t->loop) + USEC_MSEC);
	if (t->err == -ECANCELED) {
		e->run->state = RUN_RUNNING;
	} else if (fix->deaf && is_one(e)) {
		e->run->state = RUN_FAILED;
		e->run->reason = xstrdup("deaf");
	} else {
		e->run->state = RUN_SUCCEEDED;
		note(e);
	}

	TASK_END(t, 0);
}

static const struct task_kind job_task = { .name = "job", .step = job_step };
static const struct task_kind post_task = { .name = "post", .step = post_step };
static const struct executor job_executor = { .frame_size = sizeof(struct exec), .kind = &job_task };
static const struct executor post_executor = { .frame_size = sizeof(struct exec),
    .kind = &post_task };
static const struct executor *const executors[KIND_COUNT] = { &job_executor, &post_executor,
	&job_executor };

/* ---- one daemon ---- */

static void
daemon_start(instant wall)
{
	scheduled_start(&fix->d, (struct scheduled_start){
		.wall = wall, .executors = executors,
		.config = { .running_max = { 1000, 1000, fix->shut ? 0 : 1000 }, .targets = &targets },
	});
}

static instant
daemon_stop(void)
{
	return scheduled_stop(&fix->d);
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
	for (size_t i = 0; i < fix->n; i++)
		json_free(fix->told[i]);
	scheduled_done(&fix->d);
	on_memory = false;
	free(fix);
	return 0;
}

/* ---- what people do ---- */

static int
ask(struct store_op *op, enum op_kind kind)
{
	return scheduled_do(&fix->d, op, kind);
}

/* n timers of a second, due so long ago, and every so often. */
static int64_t
add_spec(const char *rule, struct job_spec spec, size_t n, usec_t ago)
{
	instant now = instant_add(loop_wall(fix->d.loop), -ago);
	struct timer_spec timer = { USEC_SEC };
	usec_t every = spec.every;
	struct job_new *jobs = xcalloc(n, sizeof(*jobs));
	struct op_add op = { .jobs = jobs, .n = n, .now = now };
	struct cJSON *object;
	char *json;
	int64_t id;

	spec.timer = &timer;
	spec.misfire = MISFIRE_SKIP;
	strings_add(&spec.notify, rule);
	object = fields_write(job_spec_fields, &spec);
	json = json_print(object);
	json_free(object);
	for (size_t i = 0; i < n; i++)
		jobs[i] = (struct job_new){ .spec = &spec, .spec_json = json, .summary = "", .due = now };
	assert_int_equal(ask(&op.op, OP_ADD), 0);
	for (size_t i = 0; i < n; i++) {
		struct due_row row = { .due = now, .id = jobs[i].id, .every = every,
		    .misfire = MISFIRE_SKIP, .kind = KIND_TIMER, .terms = terms_of(&spec) };

		scheduler_job_added(fix->d.scheduler, &row, NULL, JOB_SCHEDULED);
	}
	op_add_done(&op);
	id = jobs[0].id;
	strings_done(&spec.notify);
	free(json);
	free(jobs);
	return id;
}

static int64_t
add_due(const char *rule, usec_t every, size_t n, usec_t ago, usec_t late_after)
{
	return add_spec(rule, (struct job_spec){ .every = every, .late_after = late_after }, n, ago);
}

static int64_t
add(const char *rule, usec_t every, size_t n)
{
	return add_due(rule, every, n, 0, 0);
}

static void
told(size_t i, const char *event, int64_t run)
{
	assert_true(i < fix->n);
	assert_string_equal(json_get_string(fix->told[i], "event"), event);
	assert_int_equal(json_get_int(fix->told[i], "run", 0), run);
}

/* What waits for a target, and what was given up. */
static void
left(const char *name, int64_t pending, int64_t failed)
{
	struct op_targets op = { .n = 0 };
	int64_t waiting = 0, given_up = 0;

	assert_int_equal(ask(&op.op, OP_TARGETS), 0);
	for (size_t i = 0; i < op.n; i++) {
		if (strcmp(op.rows[i].name, name) == 0) {
			waiting = op.rows[i].pending;
			given_up = op.rows[i].failed;
		}
	}
	op_targets_done(&op);
	assert_int_equal(waiting, pending);
	assert_int_equal(given_up, failed);
}

/* ---- the tests ---- */

static void
a_recovery_names_the_first_run_that_failed(void **state)
{
	(void)state;
	fix->outcome = RUN_FAILED;
	add("fail,recover:two", USEC_MINUTE, 1);
	run_for(150 * USEC_SEC);
	fix->outcome = RUN_SUCCEEDED;
	run_for(3 * USEC_MINUTE);

	assert_int_equal(fix->n, 4);
	told(0, "fail", 1);
	told(2, "fail", 3);
	assert_int_equal(json_get_int(fix->told[2], "failures", 0), 3);
	told(3, "recover", 4);
	assert_int_equal(json_get_int(fix->told[3], "firstRun", 0), 1);
	assert_int_equal(json_get_int(fix->told[3], "failures", 0), 3);
	assert_int_equal(json_get_int(fix->told[3], "lastedUSec", 0), 3 * USEC_MINUTE);
	left("two", 0, 0);
}

static void
what_begins_long_after_its_due_is_late(void **state)
{
	(void)state;
	fix->outcome = RUN_SUCCEEDED;
	(void)add_due("late:two", 0, 1, 4 * USEC_SEC, 3 * USEC_SEC);
	(void)add_due("any:two", 0, 1, 2 * USEC_SEC, 3 * USEC_SEC);
	(void)add_due("any:two", 0, 1, 4 * USEC_SEC, 0);
	run_for(USEC_MINUTE);

	assert_int_equal(fix->n, 1);
	told(0, "late", 1);
	assert_int_equal(json_get_int(fix->told[0], "job", 0), 1);
	assert_true(json_get_int(fix->told[0], "lastedUSec", 0) >= 4 * USEC_SEC);
	assert_non_null(strstr(json_get_string(fix->told[0], "summary"), "is late: it began 4"));
}

static void
shut(bool is)
{
	fix->shut = is;
	scheduler_set_limits(fix->d.scheduler,
	    &(struct scheduler_config){ .running_max = { 1000, 1000, is ? 0 : 1000, 1000 } });
}

static void
what_waits_is_late_while_it_waits_and_once(void **state)
{
	(void)state;
	fix->outcome = RUN_SUCCEEDED;
	shut(true);
	(void)add_due("late:two", 0, 1, 0, 3 * USEC_SEC);
	(void)add_due("any:two", 0, 1, 0, 0);
	run_for(3 * USEC_SEC);
	assert_int_equal(fix->n, 0);
	run_for(2 * USEC_SEC);
	assert_int_equal(fix->n, 1);
	told(0, "late", 0);
	assert_string_equal(json_get_string(fix->told[0], "state"), "queued");
	assert_non_null(strstr(json_get_string(fix->told[0], "summary"), "job 1 is late: it has waited for 3s"));

	/* Another daemon knows that, and so does the run when it begins. */
	daemon_start(daemon_stop());
	run_for(USEC_HOUR);
	shut(false);
	run_for(USEC_MINUTE);
	assert_int_equal(fix->n, 1);
}

static void
each_queued_run_is_late_once(void **state)
{
	(void)state;
	fix->outcome = RUN_SUCCEEDED;
	fix->takes = USEC_MINUTE;
	(void)add_spec("late:two", (struct job_spec){ .every = 10 * USEC_SEC, .late_after = 5 * USEC_SEC,
	    .overlap = OVERLAP_QUEUE, .overlap_limit = 3 }, 1, 0);
	run_for(39 * USEC_SEC);
	assert_int_equal(fix->n, 3);
	told(0, "late", 2);
	told(1, "late", 3);
	told(2, "late", 4);

	run_for(22 * USEC_SEC);
	assert_int_equal(fix->n, 3);
}

static void
what_comes_late_one_after_another_is_told_of_each(void **state)
{
	(void)state;
	fix->outcome = RUN_SUCCEEDED;
	(void)add_due("late:two", USEC_HOUR, 1, 0, 3 * USEC_SEC);
	for (int i = 0; i < 3; i++) {
		run_for(i == 0 ? USEC_HOUR - 30 * USEC_SEC : USEC_HOUR - USEC_MINUTE);
		shut(true);
		run_for(USEC_MINUTE);
		shut(false);
	}

	assert_int_equal(fix->n, 3);
}

static void
what_was_missed_is_not_late(void **state)
{
	(void)state;
	fix->outcome = RUN_SUCCEEDED;
	(void)add_due("any:two", USEC_MINUTE, 1, 0, USEC_SEC);
	run_for(90 * USEC_SEC);
	daemon_start(instant_add(daemon_stop(), USEC_HOUR));
	run_for(USEC_MINUTE);

	assert_int_equal(fix->n, 1);
	told(0, "missed", 0);
}

static void
only_what_was_asked_for_is_told_and_once(void **state)
{
	(void)state;
	fix->outcome = RUN_TIMED_OUT;
	add("any:two", 0, 1);
	add("recover,lost:two", 0, 1);
	run_for(USEC_MINUTE);

	assert_int_equal(fix->n, 1);
	told(0, "timed_out", 1);
}

static void
a_delivery_that_fails_is_tried_again(void **state)
{
	(void)state;
	fix->outcome = RUN_FAILED;
	fix->deaf = true;
	add("fail:one", 0, 1);
	run_for(USEC_MINUTE);
	assert_int_equal(fix->n, 0);
	assert_true(fix->tries >= 3);
	left("one", 1, 0);
	fix->deaf = false;
	run_for(2 * USEC_MINUTE);

	assert_int_equal(fix->n, 1);
	told(0, "fail", 1);
	left("one", 0, 0);
}

static void
no_news_overtakes_an_older_one(void **state)
{
	struct notifier_wait wait = { .target = "one" };
	struct op_notice_test test = { .target = "one" };

	(void)state;
	fix->outcome = RUN_FAILED;
	fix->deaf = true;
	add("fail,recover:one", 20 * USEC_MINUTE, 1);
	run_for(16 * USEC_MINUTE);
	fix->outcome = RUN_SUCCEEDED;
	run_for(5 * USEC_MINUTE);
	left("one", 2, 0);
	assert_int_equal(fix->n, 0);
	fix->deaf = false;
	/* A test waits for none of them, and lets them go. */
	test.now = loop_wall(fix->d.loop);
	assert_int_equal(ask(&test.op, OP_NOTICE_TEST), 0);
	wait.id = test.id;
	notifier_wait(scheduler_notifier(fix->d.scheduler), &wait);
	run_for(USEC_SEC);
	notifier_unwait(scheduler_notifier(fix->d.scheduler), &wait);

	assert_true(wait.done && wait.delivered);
	assert_int_equal(fix->n, 3);
	told(0, "test", 0);
	told(1, "fail", 1);
	told(2, "recover", 2);
}

static void
after_the_deadline_it_is_given_up(void **state)
{
	size_t tries;

	(void)state;
	fix->outcome = RUN_FAILED;
	fix->deaf = true;
	add("fail:one", 0, 1);
	run_for(2 * USEC_HOUR);
	tries = fix->tries;
	left("one", 0, 1);
	run_for(2 * USEC_HOUR);

	assert_int_equal(fix->tries, tries);
}

/* What the newest notice of a target was given up for. */
static void
given_up_for(const char *name, const char *words, int64_t attempts)
{
	struct op_notices op = { .target = name, .limit = 1 };

	assert_int_equal(ask(&op.op, OP_NOTICES), 0);
	assert_int_equal(op.n, 1);
	assert_non_null(op.rows[0].error);
	assert_int_equal(strncmp(op.rows[0].error, words, strlen(words)), 0);
	assert_int_equal(op.rows[0].attempts, attempts);
	op_notices_done(&op);
}

static void
what_nobody_cared_for_within_the_deadline_is_given_up_untold(void **state)
{
	size_t tries;
	instant wall;

	(void)state;
	fix->outcome = RUN_FAILED;
	fix->hangs = true;
	add("fail:one", 0, 1);
	add("fail:two", 0, 1);
	run_for(USEC_MINUTE);
	left("one", 1, 0);
	wall = daemon_stop();
	tries = fix->tries;
	fix->hangs = false;
	daemon_start(instant_add(wall, 30 * USEC_DAY));
	run_for(USEC_MINUTE);

	assert_int_equal(fix->tries, tries);
	left("one", 0, 1);
	given_up_for("one", "too old: it has waited for longer than the deadline of 1h", 0);
}

static void
what_has_waited_for_its_own_courier_is_told(void **state)
{
	const usec_t deadline = two[0].deadline;

	(void)state;
	two[0].deadline = USEC_SEC;
	fix->outcome = RUN_FAILED;
	add("fail:one", 5 * USEC_SEC, 1);
	run_for(USEC_HOUR);
	two[0].deadline = deadline;

	/* Most of them have waited for the end of a fold, as these do. */
	left("one", 8, 0);
}

/* Of what was missed long ago the notice is a new one. */
static void
what_was_missed_long_before_the_deadline_is_told(void **state)
{
	instant wall;

	(void)state;
	add("missed:two", 30 * USEC_DAY, 1);
	run_for(USEC_MINUTE);
	wall = daemon_stop();
	daemon_start(instant_add(wall, 45 * USEC_DAY));
	run_for(USEC_MINUTE);

	assert_int_equal(fix->n, 1);
	told(0, "missed", 0);
	left("two", 0, 0);
}

static void
a_burst_is_folded(void **state)
{
	int64_t folded = 0;

	(void)state;
	fix->outcome = RUN_FAILED;
	add("fail:one", 0, 200);
	run_for(10 * USEC_MINUTE);

	/* Each is told, alone or by its number. */
	assert_true(fix->n <= 2 * FOLD_BURST);
	for (size_t i = 0; i < fix->n; i++)
		folded += 1 + json_get_int(fix->told[i], "folded", 0);
	assert_int_equal(folded, 200);
	left("one", 0, 0);
}

static void
what_is_beyond_the_limit_is_counted(void **state)
{
	int64_t folded = 0;

	(void)state;
	fix->outcome = RUN_FAILED;
	fix->hangs = true;
	add("fail:one", 0, 600);
	add("fail:one", 0, 600);
	run_for(USEC_MINUTE);
	left("one", NOTICES_MAX, 0);
	(void)daemon_stop();
	fix->hangs = false;
	daemon_start((instant){ 0 });
	run_for(USEC_HOUR);

	for (size_t i = 0; i < fix->n; i++)
		folded += 1 + json_get_int(fix->told[i], "folded", 0);
	assert_int_equal(folded, 1200);
}

static void
the_next_daemon_tells_what_the_last_did_not(void **state)
{
	instant wall;

	(void)state;
	fix->outcome = RUN_FAILED;
	fix->hangs = true;
	add("fail:one", 0, 1);
	run_for(USEC_MINUTE);
	wall = daemon_stop();
	assert_int_equal(fix->n, 0);
	fix->hangs = false;
	daemon_start(instant_add(wall, USEC_HOUR - 5 * USEC_MINUTE));
	run_for(USEC_MINUTE);

	assert_int_equal(fix->n, 1);
	told(0, "fail", 1);
	left("one", 0, 0);
}

static void
a_target_that_hangs_is_in_nobodys_way(void **state)
{
	struct scheduler_stats stats;

	(void)state;
	fix->outcome = RUN_FAILED;
	fix->hangs = true;
	add("fail:one", USEC_MINUTE, 1);
	add("fail:two", USEC_MINUTE, 1);
	run_for(USEC_HOUR - USEC_SEC);

	scheduler_stats(fix->d.scheduler, &stats);
	assert_int_equal(stats.failed, 120);
	assert_int_equal(fix->n, 60);
	left("one", 60, 0);
}

static void
what_was_missed_is_told(void **state)
{
	(void)state;
	fix->outcome = RUN_SUCCEEDED;
	add("missed:two", USEC_MINUTE, 1);
	run_for(90 * USEC_SEC);
	daemon_start(instant_add(daemon_stop(), USEC_HOUR));
	run_for(USEC_MINUTE);

	assert_int_equal(fix->n, 1);
	told(0, "missed", 0);
	assert_true(json_get_int(fix->told[0], "count", 0) >= 59);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define IN_MEMORY(name) { #name " (in memory)", name, setup_memory, teardown, NULL }
#define BOTH(name) TEST(name), IN_MEMORY(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_recovery_names_the_first_run_that_failed),
		BOTH(what_begins_long_after_its_due_is_late),
		BOTH(what_waits_is_late_while_it_waits_and_once),
		BOTH(each_queued_run_is_late_once),
		BOTH(what_comes_late_one_after_another_is_told_of_each),
		BOTH(what_was_missed_is_not_late),
		BOTH(only_what_was_asked_for_is_told_and_once),
		BOTH(a_delivery_that_fails_is_tried_again),
		BOTH(no_news_overtakes_an_older_one),
		BOTH(after_the_deadline_it_is_given_up),
		BOTH(what_nobody_cared_for_within_the_deadline_is_given_up_untold),
		BOTH(what_has_waited_for_its_own_courier_is_told),
		BOTH(what_was_missed_long_before_the_deadline_is_told),
		BOTH(a_burst_is_folded),
		BOTH(what_is_beyond_the_limit_is_counted),
		BOTH(the_next_daemon_tells_what_the_last_did_not),
		BOTH(a_target_that_hangs_is_in_nobodys_way),
		BOTH(what_was_missed_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
