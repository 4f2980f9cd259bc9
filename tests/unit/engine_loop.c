/*
 * What loop.h promises, on the virtual clock and on the real one.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "daemon/engine/loop-internal.h"
#include "daemon/engine/loop.h"
#include "daemon/engine/task.h"
#include "proto/mem.h"

#define START USEC_SEC

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static uint64_t
new_seed(void)
{
	uint64_t seed = (uint64_t)getpid() * 2654435761u + 1;

	if (getenv("SEED") != NULL)
		seed = strtoull(getenv("SEED"), NULL, 10);
	print_message("SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

static int
run_root(struct loop *l, struct task *t, enum task_status (*step)(struct task *))
{
	struct task_kind *kind = xcalloc(1, sizeof(*kind));
	int r;

	kind->name = "root";
	kind->step = step;
	task_start_root(t, kind, l);
	r = loop_run(l);
	assert_true(task_done(t));
	free(kind);
	return r;
}

/* ---- sleepers: wait once until a time, and say when they woke ---- */

struct sleeper {
	struct task	 task;
	usec_t		 due;
	usec_t		 woke;		/* by the loop's clock, exact */
	unsigned	*order, place;
};

static enum task_status
sleeper_step(struct task *t)
{
	struct sleeper *f = container_of(t, struct sleeper, task);

	TASK_BEGIN(t);

	SLEEP_UNTIL(t, f->due);
	f->woke = loop_clock(t->loop);
	if (f->order != NULL)
		f->place = (*f->order)++;
	TASK_END(t, t->err);
}

static const struct task_kind sleeper_kind = { .name = "sleeper", .step = sleeper_step };

#define SLEEPERS 10000

struct sleepers {
	struct task	task;
	uint64_t	random;
	unsigned	order, n;
	usec_t		longest;
	struct sleeper	each[SLEEPERS];
};

static enum task_status
sleepers_step(struct task *t)
{
	struct sleepers *f = container_of(t, struct sleepers, task);

	TASK_BEGIN(t);

	for (unsigned i = 0; i < f->n; i++) {
		f->each[i].due = loop_clock(t->loop) + 1 + (usec_t)(next_random(&f->random) % (uint64_t)f->longest);
		f->each[i].order = &f->order;
		task_start(&f->each[i].task, &sleeper_kind, t);
	}
	AWAIT(t, t->child == NULL);
	TASK_END(t, 0);
}

static void
timers_end_in_the_order_of_their_times(void **state)
{
	struct loop *l = loop_new(LOOP_VIRTUAL);
	struct sleepers *f = xcalloc(1, sizeof(*f));
	usec_t *by_place = xcalloc(SLEEPERS, sizeof(*by_place));

	(void)state;
	f->random = new_seed();
	f->n = SLEEPERS;
	f->longest = USEC_SEC / 10;
	assert_int_equal(run_root(l, &f->task, sleepers_step), 0);

	for (unsigned i = 0; i < SLEEPERS; i++) {
		assert_int_equal(f->each[i].woke, f->each[i].due);
		assert_int_equal(f->each[i].task.result, -ETIMEDOUT);
		by_place[f->each[i].place] = f->each[i].due;
	}
	for (unsigned i = 1; i < SLEEPERS; i++)
		assert_true(by_place[i - 1] <= by_place[i]);
	assert_int_equal(l->stats.timers_fired, SLEEPERS);
	assert_int_equal(l->stats.lag.count, SLEEPERS);
	assert_int_equal(l->stats.lag.max, 0);
	loop_free(l);
	free(by_place);
	free(f);
}

static void
sleep_is_never_early_by_the_real_clock(void **state)
{
	static const usec_t slacks[] = { 0, 100, USEC_MSEC };
	uint64_t seed = new_seed();

	(void)state;
	for (unsigned s = 0; s < 3; s++) {
		struct loop *l = loop_new(LOOP_REAL);
		struct sleepers *f = xcalloc(1, sizeof(*f));

		loop_set_slack(l, slacks[s]);
		f->random = seed;
		f->n = 2000;
		f->longest = 30 * USEC_MSEC;
		assert_int_equal(run_root(l, &f->task, sleepers_step), 0);
		for (unsigned i = 0; i < f->n; i++)
			assert_true(f->each[i].woke >= f->each[i].due);
		loop_free(l);
		free(f);
	}
}

static void
slack_puts_armed_times_on_a_grid_and_never_before_the_due(void **state)
{
	struct loop *l = loop_new(LOOP_VIRTUAL);
	struct sleepers *f = xcalloc(1, sizeof(*f));

	(void)state;
	loop_set_slack(l, 1000);
	f->random = new_seed();
	f->n = 1000;
	f->longest = USEC_SEC;
	assert_int_equal(run_root(l, &f->task, sleepers_step), 0);

	for (unsigned i = 0; i < f->n; i++) {
		assert_true(f->each[i].woke >= f->each[i].due);
		assert_true(f->each[i].woke < f->each[i].due + 1000);
		assert_int_equal(f->each[i].woke % 1000, 0);
	}
	/* Next to the end of time there is no grid. */
	assert_int_equal(loop_round_up(l, USEC_NEVER), USEC_NEVER);
	assert_int_equal(loop_round_up(l, USEC_NEVER - 1), USEC_NEVER - 1);
	assert_int_equal(loop_round_up(l, 0), 0);
	assert_int_equal(loop_round_up(l, 2000), 2000);
	assert_int_equal(loop_round_up(l, 2001), 3000);
	loop_free(l);
	free(f);
}

/* ---- the virtual clock ---- */

static enum task_status
deadlock_step(struct task *t)
{
	TASK_BEGIN(t);

	AWAIT(t, t->result == 99);
	assert_int_equal(t->err, -ECANCELED);
	TASK_END(t, 0);
}

/* Run with stderr in a file; its text goes to out. */
static int
run_heard(struct loop *l, char *out, size_t n)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO), r;

	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	r = loop_run(l);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	out[fread(out, 1, n - 1, file)] = '\0';
	fclose(file);
	return r;
}

static void
nobody_ready_and_no_deadline_is_a_deadlock_with_the_tree_printed(void **state)
{
	static const struct task_kind kind = { .name = "stuck", .step = deadlock_step };
	struct loop *l = loop_new(LOOP_VIRTUAL);
	struct task t = { .result = 0 };
	char text[512];

	(void)state;
	task_start_root(&t, &kind, l);
	assert_int_equal(run_heard(l, text, sizeof(text)), -EDEADLK);
	assert_int_equal(strncmp(text, "stuck engine_loop.c:", 20), 0);
	assert_non_null(strstr(text, " waits for t->result == 99\n"));

	/* The loop is whole: it goes on. */
	task_cancel(&t);
	assert_int_equal(loop_run(l), 0);
	assert_true(task_done(&t));
	loop_free(l);
}

static void
run_until_runs_what_is_due_then_and_nothing_later(void **state)
{
	struct loop *l = loop_new(LOOP_VIRTUAL);
	struct sleeper f = { .due = START + 3 * USEC_SEC };

	(void)state;
	task_start_root(&f.task, &sleeper_kind, l);
	assert_int_equal(loop_now(l), START);
	assert_int_equal(loop_run_until(l, START + 3 * USEC_SEC - 1), 0);
	assert_int_equal(loop_now(l), START + 3 * USEC_SEC - 1);
	assert_false(task_done(&f.task));
	/* Not backwards. */
	assert_int_equal(loop_run_until(l, START), 0);
	assert_int_equal(loop_now(l), START + 3 * USEC_SEC - 1);
	assert_int_equal(loop_run_until(l, START + 3 * USEC_SEC), 0);
	assert_true(task_done(&f.task));
	/* The root is done: time stands still. */
	assert_int_equal(loop_run_until(l, START + USEC_HOUR), 0);
	assert_int_equal(loop_now(l), START + 3 * USEC_SEC);

	/* And without any deadline, it is no deadlock: the caller has plans. */
	struct task t;
	static const struct task_kind kind = { .name = "stuck", .step = deadlock_step };

	task_start_root(&t, &kind, l);
	assert_int_equal(loop_run_until(l, START + USEC_MINUTE), 0);
	assert_int_equal(loop_now(l), START + USEC_MINUTE);
	task_cancel(&t);
	assert_int_equal(loop_run(l), 0);
	loop_free(l);
}

static void
wall_clock_runs_with_the_virtual_clock_and_can_be_set(void **state)
{
	struct loop *l = loop_new(LOOP_VIRTUAL);
	struct sleeper f = { .due = START + USEC_HOUR };
	instant begin;

	(void)state;
	begin = loop_wall(l);
	assert_int_equal(begin.usec, (int64_t)1767225600 * USEC_SEC);
	task_start_root(&f.task, &sleeper_kind, l);
	assert_int_equal(loop_run_until(l, START + USEC_MINUTE), 0);
	assert_int_equal(instant_since(loop_wall(l), begin), USEC_MINUTE);

	/* An hour back: waits are monotonic and do not care. */
	loop_set_wall(l, instant_add(loop_wall(l), -USEC_HOUR));
	assert_int_equal(instant_since(loop_wall(l), begin), USEC_MINUTE - USEC_HOUR);
	assert_int_equal(loop_now(l), START + USEC_MINUTE);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(f.woke, START + USEC_HOUR);
	assert_int_equal(loop_wall(l).usec, begin.usec);
	loop_free(l);
}

struct still {
	struct task	task;
	struct sleeper	sleeper;
	unsigned	turns;
};

static enum task_status
still_step(struct task *t)
{
	struct still *f = container_of(t, struct still, task);

	TASK_BEGIN(t);

	f->sleeper.due = loop_now(t->loop) + 1;
	task_start(&f->sleeper.task, &sleeper_kind, t);
	for (; f->turns < 10000; f->turns++) {
		assert_int_equal(loop_now(t->loop), START);
		TASK_YIELD(t);
	}
	AWAIT(t, task_done(&f->sleeper.task));
	assert_int_equal(loop_now(t->loop), START + 1);
	TASK_END(t, 0);
}

static void
virtual_clock_stands_still_while_anybody_is_ready(void **state)
{
	struct loop *l = loop_new(LOOP_VIRTUAL);
	struct still f = { .turns = 0 };

	(void)state;
	assert_int_equal(run_root(l, &f.task, still_step), 0);
	loop_free(l);
}

/* ---- what happens outside: a thread writes to a pipe ---- */

struct outside {
	struct task	 task;
	struct sleeper	 sleeper;	/* its time must not come while we hold */
	struct event	*event;
	int		 pipe[2];
	bool		 came;
	bool		 sleeper_was_done;
	usec_t		 seen, real;
};

static void *
write_late(void *arg)
{
	struct outside *f = arg;
	struct timespec a_while = { 0, 20 * 1000 * 1000 };

	nanosleep(&a_while, NULL);
	assert_int_equal(write(f->pipe[1], "x", 1), 1);
	return NULL;
}

static void
outside_ready(evutil_socket_t fd, short what, void *arg)
{
	struct outside *f = arg;
	struct loop *l = f->task.loop;
	char c;

	(void)what;
	loop_woken(l);
	f->seen = loop_now(l);
	f->real = loop_clock(l);
	if (read(fd, &c, 1) != 1)
		return;
	f->came = true;
	f->sleeper_was_done = task_done(&f->sleeper.task);
	if (l->is_virtual)
		loop_unhold(l);
	task_wake(&f->task);
}

static void
outside_open(struct outside *f, struct loop *l)
{
	assert_int_equal(pipe(f->pipe), 0);
	f->event = event_new(l->base, f->pipe[0], EV_READ | EV_PERSIST, outside_ready, f);
	event_add(f->event, NULL);
	l->watches++;
}

static void
outside_close(struct outside *f, struct loop *l)
{
	event_free(f->event);
	l->watches--;
	close(f->pipe[0]);
	close(f->pipe[1]);
}

static enum task_status
outside_step(struct task *t)
{
	struct outside *f = container_of(t, struct outside, task);

	TASK_BEGIN(t);

	f->sleeper.due = loop_now(t->loop) + USEC_HOUR;
	if (t->loop->is_virtual) {
		task_start(&f->sleeper.task, &sleeper_kind, t);
		loop_hold(t->loop);
	}
	AWAIT(t, f->came);
	TASK_END(t, 0);
}

static void
run_outside(enum loop_clock clock, struct outside *f)
{
	struct loop *l = loop_new(clock);
	pthread_t thread;

	outside_open(f, l);
	assert_int_equal(pthread_create(&thread, NULL, write_late, f), 0);
	assert_int_equal(run_root(l, &f->task, outside_step), 0);
	pthread_join(thread, NULL);
	/* Being ready began with the callback, not before the sleep. */
	assert_int_equal(l->stats.ready_wait.count, clock == LOOP_REAL ? 1 : l->stats.ready_wait.count);
	assert_true(l->stats.ready_wait.max <= (uint64_t)(loop_clock(l) - f->seen));
	outside_close(f, l);
	loop_free(l);
}

static void
virtual_clock_does_not_jump_while_held(void **state)
{
	struct outside f = { .came = false };

	(void)state;
	run_outside(LOOP_VIRTUAL, &f);

	assert_true(f.came);
	assert_false(f.sleeper_was_done);
	assert_int_equal(f.seen, START);
	assert_int_equal(f.sleeper.task.result, -ECANCELED);
}

static void
callback_after_a_sleep_sees_the_time_after_it(void **state)
{
	struct outside f = { .came = false };
	usec_t before;
	struct timespec ts;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	before = (usec_t)ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000;
	run_outside(LOOP_REAL, &f);

	assert_true(f.seen >= before + 20 * USEC_MSEC);
	assert_true(f.seen <= f.real);
}

/* ---- fairness by the real clock ---- */

/* More steps than fit into a tenth of a millisecond, by far; fewer than a starved one would see. */
#define STEPS_MAX 1000000

struct busy {
	struct task	task;
	struct outside	reader;
	struct sleeper	sleeper;
	usec_t		step;		/* each step burns so long */
	unsigned	turns;		/* since the timer was due, and the descriptor ready */
	uint64_t	polls;
};

static enum task_status
busy_reader_step(struct task *t)
{
	struct outside *f = container_of(t, struct outside, task);

	TASK_BEGIN(t);

	AWAIT(t, f->came);
	TASK_END(t, 0);
}

static bool
busy_goes_on(struct busy *f)
{
	usec_t now = loop_clock(f->task.loop), end = now + f->step;

	while (now < end)
		now = loop_clock(f->task.loop);
	if (now < f->sleeper.due)
		return true;
	if (f->turns++ == 0)
		assert_int_equal(write(f->reader.pipe[1], "x", 1), 1);
	assert_true(f->turns < STEPS_MAX);
	return !task_done(&f->sleeper.task) || !task_done(&f->reader.task);
}

static enum task_status
busy_step(struct task *t)
{
	static const struct task_kind reader_kind = { .name = "reader", .step = busy_reader_step };
	struct busy *f = container_of(t, struct busy, task);

	TASK_BEGIN(t);

	task_start(&f->reader.task, &reader_kind, t);
	f->sleeper.due = loop_clock(t->loop) + 5 * USEC_MSEC;
	task_start(&f->sleeper.task, &sleeper_kind, t);
	while (busy_goes_on(f))
		TASK_YIELD(t);
	TASK_END(t, 0);
}

static void
run_busy(struct busy *f, struct loop *l)
{
	outside_open(&f->reader, l);
	assert_int_equal(run_root(l, &f->task, busy_step), 0);
	outside_close(&f->reader, l);
}

static void
timers_and_descriptors_are_served_while_a_task_only_yields(void **state)
{
	struct loop *l = loop_new(LOOP_REAL);
	struct busy f = { .step = 0 };

	(void)state;
	run_busy(&f, l);

	assert_true(f.sleeper.woke >= f.sleeper.due);
	assert_true(l->stats.step.count > 0);
	/* It never had a reason to sleep. */
	assert_int_equal(l->stats.waits, 0);
	loop_free(l);
}

static void
dear_step_ends_the_tick(void **state)
{
	struct loop *l = loop_new(LOOP_REAL);
	struct busy f = { .step = 200 };

	(void)state;
	run_busy(&f, l);

	/* A look at the timers, one at the descriptors, then the last of its own. */
	assert_true(f.turns <= 5);
	assert_true(l->stats.polls + 5 >= l->stats.steps);
	loop_free(l);
}

#define CROWD 5000

struct crowd {
	struct task	task;
	struct sleeper	each[CROWD];
	uint64_t	ticks;
};

static enum task_status
crowd_step(struct task *t)
{
	struct crowd *f = container_of(t, struct crowd, task);

	TASK_BEGIN(t);

	for (unsigned i = 0; i < CROWD; i++) {
		f->each[i].due = START + USEC_SEC;
		task_start(&f->each[i].task, &sleeper_kind, t);
	}
	SLEEP_UNTIL(t, START + USEC_SEC / 2);
	f->ticks = t->loop->stats.ticks;
	AWAIT(t, t->child == NULL);
	f->ticks = t->loop->stats.ticks - f->ticks;
	assert_int_equal(loop_now(t->loop), START + USEC_SEC);
	TASK_END(t, 0);
}

static void
many_timers_of_one_time_are_fired_in_portions(void **state)
{
	struct loop *l = loop_new(LOOP_VIRTUAL);
	struct crowd *f = xcalloc(1, sizeof(*f));

	(void)state;
	assert_int_equal(run_root(l, &f->task, crowd_step), 0);
	assert_true(f->ticks >= CROWD / 256);
	loop_free(l);
	free(f);
}

/* ---- idle ---- */

struct idle {
	struct task	task;
	struct sleeper	longer, shorter;
	struct outside	kick;
	unsigned	kicks;
	pthread_t	threads[2];
	struct itimerspec set, cleared;
	uint64_t	waits;
};

static enum task_status
idle_step(struct task *t)
{
	struct idle *f = container_of(t, struct idle, task);

	TASK_BEGIN(t);

	f->longer.due = loop_now(t->loop) + USEC_HOUR;
	f->shorter.due = loop_now(t->loop) + USEC_MINUTE;
	task_start(&f->longer.task, &sleeper_kind, t);
	task_start(&f->shorter.task, &sleeper_kind, t);
	assert_int_equal(pthread_create(&f->threads[0], NULL, write_late, &f->kick), 0);
	AWAIT(t, f->kicks == 1);
	timerfd_gettime(t->loop->timer_fd, &f->set);

	task_cancel(&f->longer.task);
	task_cancel(&f->shorter.task);
	AWAIT(t, t->child == NULL);
	assert_int_equal(pthread_create(&f->threads[1], NULL, write_late, &f->kick), 0);
	f->waits = t->loop->stats.waits;
	AWAIT(t, f->kicks == 2);
	f->waits = t->loop->stats.waits - f->waits;
	timerfd_gettime(t->loop->timer_fd, &f->cleared);
	TASK_END(t, 0);
}

/* The pipe's callback wakes its own task; that one is our parent here. */
static enum task_status
idle_parent_step(struct task *t)
{
	struct idle *f = container_of(t, struct idle, kick.task);
	static const struct task_kind kind = { .name = "idle", .step = idle_step };

	TASK_BEGIN(t);

	task_start(&f->task, &kind, t);
	while (f->kicks < 2) {
		AWAIT(t, f->kick.came);
		f->kick.came = false;
		f->kicks++;
		task_wake(&f->task);
	}
	AWAIT(t, task_done(&f->task));
	TASK_END(t, 0);
}

static void
idle_loop_sleeps_once_and_has_no_timer_set(void **state)
{
	struct loop *l = loop_new(LOOP_REAL);
	struct idle f = { .waits = 0 };

	(void)state;
	outside_open(&f.kick, l);
	assert_int_equal(run_root(l, &f.kick.task, idle_parent_step), 0);
	pthread_join(f.threads[0], NULL);
	pthread_join(f.threads[1], NULL);
	outside_close(&f.kick, l);

	assert_int_equal(f.waits, 1);
	assert_true(f.set.it_value.tv_sec > 0);
	assert_int_equal(f.cleared.it_value.tv_sec, 0);
	assert_int_equal(f.cleared.it_value.tv_nsec, 0);
	loop_free(l);
}

/* ---- several ---- */

static void *
loop_thread(void *arg)
{
	struct sleepers *f = xcalloc(1, sizeof(*f));
	struct loop *l = loop_new(LOOP_REAL);
	long *wrong = arg;
	static const struct task_kind kind = { .name = "root", .step = sleepers_step };

	f->random = 42;
	f->n = 200;
	f->longest = 5 * USEC_MSEC;
	task_start_root(&f->task, &kind, l);
	*wrong = loop_run(l);
	for (unsigned i = 0; i < f->n; i++)
		*wrong += f->each[i].woke < f->each[i].due;
	loop_free(l);
	free(f);
	return NULL;
}

static void
loops_of_two_threads_know_nothing_of_each_other(void **state)
{
	pthread_t threads[2];
	long wrong[2] = { 1, 1 };

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, loop_thread, &wrong[i]), 0);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(wrong[i], 0);
	}
}

/* ---- a loop in a step of another ---- */

struct ticker {
	struct task	task;
	unsigned	n;
};

static enum task_status
ticker_step(struct task *t)
{
	struct ticker *f = container_of(t, struct ticker, task);

	TASK_BEGIN(t);

	for (; f->n < 1000; f->n++)
		SLEEP_UNTIL(t, loop_now(t->loop) + USEC_HOUR);
	TASK_END(t, 0);
}

struct outer {
	struct task	 task;
	struct loop	*inner;
	struct ticker	 virtual, neighbour;
	int		 slices, r;
	unsigned	 seen;		/* how far the neighbour was when the inner loop was over */
};

static enum task_status
neighbour_step(struct task *t)
{
	struct ticker *f = container_of(t, struct ticker, task);

	TASK_BEGIN(t);

	while (!t->cancelled) {
		f->n++;
		TASK_YIELD(t);
	}
	TASK_END(t, 0);
}

static const struct task_kind ticker_kind = { .name = "ticker", .step = ticker_step };
static const struct task_kind neighbour_kind = { .name = "neighbour", .step = neighbour_step };

static enum task_status
outer_step(struct task *t)
{
	struct outer *f = container_of(t, struct outer, task);

	TASK_BEGIN(t);

	f->inner = loop_new(LOOP_VIRTUAL);
	task_start_root(&f->virtual.task, &ticker_kind, f->inner);
	task_start(&f->neighbour.task, &neighbour_kind, t);
	while ((f->r = loop_run_some(f->inner, USEC_NEVER, 10)) == 0) {
		f->slices++;
		TASK_YIELD(t);
	}
	f->seen = f->neighbour.n;
	TASK_END(t, 0);
}

static void
virtual_loop_runs_in_slices_inside_a_step_of_a_real_one(void **state)
{
	struct loop *l = loop_new(LOOP_REAL);
	struct outer f = { .slices = 0 };

	(void)state;
	assert_int_equal(run_root(l, &f.task, outer_step), 0);
	assert_int_equal(f.r, 1);
	assert_int_equal(f.virtual.n, 1000);
	assert_true(loop_now(f.inner) == START + 1000 * USEC_HOUR);
	assert_in_range(f.slices, 1000, 2010);
	assert_true(f.seen >= (unsigned)f.slices - 1);
	/* It does nothing more, and says so at once. */
	assert_int_equal(loop_run_some(f.inner, USEC_NEVER, 10), 1);
	loop_free(f.inner);
	loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_end_in_the_order_of_their_times),
		cmocka_unit_test(sleep_is_never_early_by_the_real_clock),
		cmocka_unit_test(slack_puts_armed_times_on_a_grid_and_never_before_the_due),
		cmocka_unit_test(nobody_ready_and_no_deadline_is_a_deadlock_with_the_tree_printed),
		cmocka_unit_test(run_until_runs_what_is_due_then_and_nothing_later),
		cmocka_unit_test(wall_clock_runs_with_the_virtual_clock_and_can_be_set),
		cmocka_unit_test(virtual_clock_stands_still_while_anybody_is_ready),
		cmocka_unit_test(virtual_clock_does_not_jump_while_held),
		cmocka_unit_test(callback_after_a_sleep_sees_the_time_after_it),
		cmocka_unit_test(timers_and_descriptors_are_served_while_a_task_only_yields),
		cmocka_unit_test(dear_step_ends_the_tick),
		cmocka_unit_test(many_timers_of_one_time_are_fired_in_portions),
		cmocka_unit_test(idle_loop_sleeps_once_and_has_no_timer_set),
		cmocka_unit_test(virtual_loop_runs_in_slices_inside_a_step_of_a_real_one),
		cmocka_unit_test(loops_of_two_threads_know_nothing_of_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
