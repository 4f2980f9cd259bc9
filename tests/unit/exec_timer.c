/*
 * exec_timer: timers, on the virtual clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/loop.h"
#include "daemon/exec/executors.h"
#include "proto/mem.h"

struct world {
	struct task	 root;
	struct loop	*l;
	struct exec	*exec;
	struct job_spec	 spec;
	struct timer_spec timer;
	struct run_info	 run;
	usec_t		 cancel_after;	/* 0: not at all */
	usec_t		 stop_after;
	usec_t		 begun, ended;
};

static enum task_status
root_step(struct task *t)
{
	struct world *w = container_of(t, struct world, root);

	TASK_BEGIN(t);
	w->begun = loop_now(t->loop);
	task_start(&w->exec->task, executor_timer.kind, t);
	if (w->cancel_after > 0) {
		AWAIT_UNTIL(t, w->begun + w->cancel_after, task_done(&w->exec->task));
		w->exec->cancel = true;
		task_wake(&w->exec->task);
	}
	AWAIT_UNTIL(t, w->stop_after > 0 ? w->begun + w->stop_after : USEC_NEVER,
	    task_done(&w->exec->task));
	if (!task_done(&w->exec->task))
		task_cancel(&w->exec->task);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&w->exec->task));
	w->ended = loop_now(t->loop);
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

static void
begin(struct world *w, usec_t duration)
{
	*w = (struct world){ .run = RUN_INFO_NONE };
	w->l = loop_new(LOOP_VIRTUAL);
	assert_non_null(w->l);
	w->timer.duration = duration;
	w->spec.timer = &w->timer;
	w->run.state = RUN_RUNNING;
	w->run.started = loop_wall(w->l);
	w->exec = xcalloc(1, executor_timer.frame_size);
	w->exec->spec = &w->spec;
	w->exec->run = &w->run;
}

static void
run(struct world *w)
{
	task_start_root(&w->root, &root_kind, w->l);
	assert_int_equal(loop_run(w->l), 0);
	free(w->exec);
	loop_free(w->l);
}

static void
it_succeeds_when_its_time_has_passed(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 90 * USEC_SEC);
	run(&w);

	assert_int_equal(w.run.state, RUN_SUCCEEDED);
	assert_int_equal(w.ended - w.begun, 90 * USEC_SEC);
	assert_int_equal(instant_since(w.run.exited, w.run.spawned), 90 * USEC_SEC);
	assert_null(w.run.reason);
	run_info_done(&w.run);
}

static void
the_time_counts_from_the_claim(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 3 * USEC_SEC);
	w.run.started = instant_add(w.run.started, -5 * USEC_MSEC);
	run(&w);

	assert_int_equal(w.ended - w.begun, 3 * USEC_SEC - 5 * USEC_MSEC);
	assert_int_equal(instant_since(w.run.exited, w.run.spawned), 3 * USEC_SEC);
	run_info_done(&w.run);
}

static void
an_adopted_one_waits_for_what_is_left(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 90 * USEC_SEC);
	w.run.started = instant_add(w.run.started, -60 * USEC_SEC);
	w.run.spawned = w.run.started;
	w.exec->adopt = true;
	run(&w);

	assert_int_equal(w.run.state, RUN_SUCCEEDED);
	assert_int_equal(w.ended - w.begun, 30 * USEC_SEC);
	assert_int_equal(instant_since(w.run.exited, w.run.spawned), 90 * USEC_SEC);
	run_info_done(&w.run);
}

static void
an_adopted_one_that_is_over_ends_at_once(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 90 * USEC_SEC);
	w.run.started = instant_add(w.run.started, -USEC_DAY);
	w.exec->adopt = true;
	run(&w);

	assert_int_equal(w.run.state, RUN_SUCCEEDED);
	assert_int_equal(w.ended - w.begun, 0);
	run_info_done(&w.run);
}

static void
a_clock_that_was_set_back_makes_it_no_longer(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 90 * USEC_SEC);
	w.run.started = instant_add(w.run.started, USEC_DAY);
	run(&w);

	assert_int_equal(w.ended - w.begun, 90 * USEC_SEC);
	run_info_done(&w.run);
}

static void
its_limit_comes_first(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 90 * USEC_SEC);
	w.spec.timeout = 5 * USEC_SEC;
	run(&w);

	assert_int_equal(w.run.state, RUN_TIMED_OUT);
	assert_int_equal(w.ended - w.begun, 5 * USEC_SEC);
	assert_string_equal(w.run.reason, "its limit of 5s passed");
	run_info_done(&w.run);
}

static void
it_can_be_canceled(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 90 * USEC_SEC);
	w.cancel_after = 7 * USEC_SEC;
	run(&w);

	assert_int_equal(w.run.state, RUN_CANCELED);
	assert_int_equal(w.ended - w.begun, 7 * USEC_SEC);
	run_info_done(&w.run);
}

static void
a_daemon_that_stops_lets_it_go(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 90 * USEC_SEC);
	w.stop_after = 7 * USEC_SEC;
	run(&w);

	assert_int_equal(w.run.state, RUN_RUNNING);
	assert_false(instant_is_set(w.run.exited));
	run_info_done(&w.run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_succeeds_when_its_time_has_passed),
		cmocka_unit_test(the_time_counts_from_the_claim),
		cmocka_unit_test(an_adopted_one_waits_for_what_is_left),
		cmocka_unit_test(an_adopted_one_that_is_over_ends_at_once),
		cmocka_unit_test(a_clock_that_was_set_back_makes_it_no_longer),
		cmocka_unit_test(its_limit_comes_first),
		cmocka_unit_test(it_can_be_canceled),
		cmocka_unit_test(a_daemon_that_stops_lets_it_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
