/*
 * What kinds.h promises: who uses the loop is known by his kind, and who starves the others is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/engine/finding.h"
#include "daemon/engine/kinds.h"
#include "daemon/engine/loop-internal.h"
#include "daemon/engine/loop.h"

#define SPAN	(50 * USEC_MSEC)
#define WHILE	(8 * SPAN)

static void
spin(usec_t d)
{
	struct timespec ts;
	int64_t end, now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	end = ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000 + d;
	do {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		now = ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000;
	} while (now < end);
}

struct world {
	struct task	 root, greedy, modest, circling;
	bool		 over;
	usec_t		 until, burst_until;
	double		 steps;		/* of modest */
};

/* It yields, but each of its steps is dear. */
static enum task_status
greedy_step(struct task *t)
{
	struct world *w = container_of(t, struct world, greedy);

	TASK_BEGIN(t);
	while (!w->over) {
		spin(3 * USEC_MSEC);
		TASK_YIELD(t);
	}
	TASK_END(t, 0);
}

static const struct task_kind greedy_kind = { .name = "greedy", .step = greedy_step };

static enum task_status
modest_step(struct task *t)
{
	struct world *w = container_of(t, struct world, modest);

	TASK_BEGIN(t);
	for (; !w->over; w->steps++)
		TASK_YIELD(t);
	TASK_END(t, 0);
}

static const struct task_kind modest_kind = { .name = "modest", .step = modest_step };

/* Its condition wakes itself, and does not hold. */
static enum task_status
circling_step(struct task *t)
{
	struct world *w = container_of(t, struct world, circling);

	TASK_BEGIN(t);
	AWAIT(t, (task_wake(t), w->over));
	TASK_END(t, 0);
}

static const struct task_kind circling_kind = { .name = "circling", .step = circling_step };

static enum task_status
naps_step(struct task *t)
{
	struct world *w = container_of(t, struct world, root);

	TASK_BEGIN(t);
	w->until = loop_now(t->loop) + WHILE;
	while (loop_now(t->loop) < w->until)
		SLEEP_UNTIL(t, loop_now(t->loop) + SPAN / 20);
	w->over = true;
	TASK_END(t, 0);
}

static const struct task_kind naps_kind = { .name = "naps", .step = naps_step };

static const struct kind_stats *
kind_find(const struct loop *l, const char *name)
{
	const struct kind_stats *k;

	for (unsigned n = 0; (k = kinds_get(l, n)) != NULL; n++) {
		if (k->kind != NULL && strcmp(k->kind->name, name) == 0)
			return k;
	}
	return NULL;
}

static struct loop *
world_run(struct world *w, bool greedy, bool modest, bool circling)
{
	struct loop *l = loop_new(LOOP_REAL);

	assert_non_null(l);
	kinds_set_span(l, SPAN);
	task_start_root(&w->root, &naps_kind, l);
	if (greedy)
		task_start(&w->greedy, &greedy_kind, &w->root);
	if (modest)
		task_start(&w->modest, &modest_kind, &w->root);
	if (circling)
		task_start(&w->circling, &circling_kind, &w->root);
	assert_int_equal(loop_run(l), 0);
	return l;
}

static void
who_uses_most_of_the_loop_is_told_and_the_others_are_not(void **state)
{
	struct world w = { .over = false };
	struct loop *l = world_run(&w, true, true, false);
	const struct kind_stats *greedy = kind_find(l, "greedy"), *modest = kind_find(l, "modest");
	const struct finding *f = finding_get(l, 0);

	(void)state;
	assert_non_null(greedy);
	assert_non_null(modest);
	assert_true(greedy->nsec > 3 * modest->nsec);
	/* It spins until a microsecond that has begun: a little less than 3 ms. */
	assert_true(greedy->step_max >= 2500000);
	/* Its victim waited for a whole step of it. */
	assert_true(modest->wait_max >= 2500);
	assert_true(kind_wait_p99(modest) >= 2000);
	assert_non_null(f);
	assert_null(finding_get(l, 1));
	assert_int_equal(f->what, FINDING_GREEDY);
	assert_string_equal(f->task, "greedy");
	assert_non_null(strstr(f->text, "% of the loop's time"));
	loop_free(l);
}

static void
who_wakes_himself_again_and_again_is_told(void **state)
{
	struct world w = { .over = false };
	struct loop *l = world_run(&w, false, false, true);
	const struct finding *f = finding_get(l, 0);

	(void)state;
	assert_non_null(f);
	assert_int_equal(f->what, FINDING_SELF_WAKING);
	assert_string_equal(f->task, "circling");
	assert_true(kind_find(l, "circling")->self_woken > 1000);
	loop_free(l);
}

static void
a_loop_that_is_mostly_idle_has_nobody_to_tell_of(void **state)
{
	struct world w = { .over = false };
	struct loop *l = world_run(&w, false, false, false);
	const struct kind_stats *naps = kind_find(l, "naps");

	(void)state;
	assert_null(finding_get(l, 0));
	assert_non_null(naps);
	assert_true(naps->steps > 0);
	loop_free(l);
}

static void
the_estimate_of_steps_comes_near_their_number(void **state)
{
	struct world w = { .over = false };
	struct loop *l = world_run(&w, false, true, false);
	const struct kind_stats *modest = kind_find(l, "modest");

	(void)state;
	assert_true(modest->steps > 0.8 * w.steps);
	assert_true(modest->steps < 1.2 * w.steps);
	assert_true(w.modest.steps > 0.8 * w.steps);
	assert_true(w.modest.steps < 1.2 * w.steps);
	assert_true(w.modest.used > 0);
	loop_free(l);
}

/* It yields a million times or so, then the others are alone. */
static enum task_status
burst_step(struct task *t)
{
	struct world *w = container_of(t, struct world, circling);

	TASK_BEGIN(t);
	w->burst_until = loop_now(t->loop) + WHILE / 2;
	while (loop_now(t->loop) < w->burst_until)
		TASK_YIELD(t);
	TASK_END(t, 0);
}

static const struct task_kind burst_kind = { .name = "burst", .step = burst_step };

static void
who_comes_seldom_is_not_blamed_for_what_others_did_before(void **state)
{
	struct world w = { .over = false };
	struct loop *l = loop_new(LOOP_REAL);
	const struct kind_stats *naps;

	(void)state;
	kinds_set_span(l, SPAN);
	task_start_root(&w.root, &naps_kind, l);
	task_start(&w.circling, &burst_kind, &w.root);
	assert_int_equal(loop_run(l), 0);
	naps = kind_find(l, "naps");
	assert_non_null(naps);
	/* There were less than two hundred of its, and a hundred thousand others at least. */
	assert_true(l->stats.steps > 100000);
	assert_true(naps->steps < 2000);
	loop_free(l);
}

static void
more_kinds_than_there_is_room_for_count_as_one(void **state)
{
	static struct task_kind kinds[2 * KINDS_MAX];
	struct loop *l = loop_new(LOOP_REAL);
	const struct kind_stats *k, *last = NULL;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * KINDS_MAX; i++) {
		kinds[i].name = "some";
		kinds_step(l, &kinds[i], 1000, false, 1);
		kinds_wait(l, &kinds[i], i);
	}
	for (; (k = kinds_get(l, n)) != NULL; n++)
		last = k;
	assert_int_equal(n, KINDS_MAX);
	assert_null(last->kind);
	assert_int_equal(last->sampled, KINDS_MAX + 1);
	loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_uses_most_of_the_loop_is_told_and_the_others_are_not),
		cmocka_unit_test(who_wakes_himself_again_and_again_is_told),
		cmocka_unit_test(a_loop_that_is_mostly_idle_has_nobody_to_tell_of),
		cmocka_unit_test(the_estimate_of_steps_comes_near_their_number),
		cmocka_unit_test(who_comes_seldom_is_not_blamed_for_what_others_did_before),
		cmocka_unit_test(more_kinds_than_there_is_room_for_count_as_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
