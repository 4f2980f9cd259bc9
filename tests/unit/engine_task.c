/*
 * What task.h promises, on the virtual clock.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/engine/loop.h"
#include "daemon/engine/task.h"
#include "proto/mem.h"

/* The virtual clock's first moment. */
#define START USEC_SEC

/* Run the task as the root of a loop of its own to its end. */
static void
run_root(struct task *t, const struct task_kind *kind)
{
	struct loop *l = loop_new(LOOP_VIRTUAL);

	task_start_root(t, kind, l);
	assert_int_equal(loop_run(l), 0);
	assert_true(task_done(t));
	assert_int_equal(l->stats.tasks, 0);
	loop_free(l);
}

/* ---- a child for many uses: waits for a flag, with a deadline, shielded or not, and writes down how it ended ---- */

struct waiter {
	struct task	 task;
	bool		 flag;
	bool		 shielded;
	usec_t		 limit;		/* 0: none */
	unsigned	 looks;		/* how often the condition was looked at */
	bool		 begun;
	int		 err;
	usec_t		 ended;
	unsigned	*released;
};

static bool
waiter_looks(struct waiter *f)
{
	f->looks++;
	return f->flag;
}

static usec_t
waiter_deadline(const struct waiter *f)
{
	return f->limit == 0 ? USEC_NEVER : loop_now(f->task.loop) + f->limit;
}

static enum task_status
waiter_step(struct task *t)
{
	struct waiter *f = container_of(t, struct waiter, task);

	TASK_BEGIN(t);

	f->begun = true;
	if (f->shielded)
		AWAIT_SHIELDED(t, waiter_deadline(f), waiter_looks(f));
	else
		AWAIT_UNTIL(t, waiter_deadline(f), waiter_looks(f));
	f->err = t->err;
	f->ended = loop_now(t->loop);
	TASK_END(t, f->err);
}

static void
waiter_release(struct task *t)
{
	struct waiter *f = container_of(t, struct waiter, task);

	(*f->released)++;
	free(f);
}

static const struct task_kind waiter_kind = { .name = "waiter", .step = waiter_step };
static const struct task_kind waiter_kind_freed = {
	.name = "waiter", .step = waiter_step, .release = waiter_release,
};

/* ---- waiting ---- */

struct three {
	struct task	task;
	struct waiter	waiters[3];
};

static enum task_status
three_step(struct task *t)
{
	struct three *f = container_of(t, struct three, task);

	TASK_BEGIN(t);

	for (unsigned i = 0; i < 3; i++) {
		f->waiters[i].limit = (i + 1) * USEC_SEC;
		task_start(&f->waiters[i].task, &waiter_kind, t);
	}
	AWAIT(t, task_done(&f->waiters[0].task) && task_done(&f->waiters[1].task) && task_done(&f->waiters[2].task));
	assert_int_equal(t->err, 0);
	assert_int_equal(loop_now(t->loop), START + 3 * USEC_SEC);
	TASK_END(t, 7);
}

static void
three_waits_of_1_2_and_3_seconds_take_3(void **state)
{
	static const struct task_kind kind = { .name = "three", .step = three_step };
	struct three f = { .task.result = 0 };

	(void)state;
	run_root(&f.task, &kind);

	assert_int_equal(f.task.result, 7);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(f.waiters[i].err, -ETIMEDOUT);
		assert_int_equal(f.waiters[i].ended, START + (i + 1) * USEC_SEC);
		assert_int_equal(f.waiters[i].task.result, -ETIMEDOUT);
	}
}

struct wins {
	struct task	task;
	struct waiter	cancelled, late, both, already;
	int		err;
};

static enum task_status
wins_step(struct task *t)
{
	struct wins *f = container_of(t, struct wins, task);

	TASK_BEGIN(t);

	f->already.flag = true;
	task_start(&f->already.task, &waiter_kind, t);
	task_cancel(&f->already.task);
	task_start(&f->cancelled.task, &waiter_kind, t);
	f->late.limit = f->both.limit = USEC_SEC;
	task_start(&f->late.task, &waiter_kind, t);
	task_start(&f->both.task, &waiter_kind, t);
	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_SEC / 2);
	/* Cancelled and true in one step; nobody says that the flag of `late` has changed. */
	f->cancelled.flag = f->late.flag = true;
	task_cancel(&f->cancelled.task);
	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_SEC / 4);
	assert_false(task_done(&f->late.task));
	/* Cancelled just when it would be out of time. */
	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_SEC / 4);
	task_cancel(&f->both.task);
	AWAIT(t, task_done(&f->late.task) && task_done(&f->both.task));
	/* A condition that holds does not wait, not even for a time that has passed. */
	AWAIT_UNTIL(t, 0, true);
	f->err = t->err;
	TASK_END(t, 0);
}

static void
condition_that_holds_wins_over_cancel_and_deadline(void **state)
{
	static const struct task_kind kind = { .name = "wins", .step = wins_step };
	struct wins f = { .err = 1 };

	(void)state;
	run_root(&f.task, &kind);

	assert_int_equal(f.err, 0);
	assert_int_equal(f.already.err, 0);
	assert_int_equal(f.cancelled.err, 0);
	assert_int_equal(f.cancelled.ended, START + USEC_SEC / 2);
	assert_int_equal(f.late.err, 0);
	assert_int_equal(f.late.ended, START + USEC_SEC);
	assert_true(f.both.err == -ECANCELED || f.both.err == -ETIMEDOUT);
}

struct past {
	struct task	task;
	unsigned	evaluated;
	struct waiter	other;
};

static usec_t
past_deadline(struct past *f)
{
	f->evaluated++;
	return loop_now(f->task.loop) + USEC_SEC;
}

static enum task_status
past_step(struct task *t)
{
	struct past *f = container_of(t, struct past, task);

	TASK_BEGIN(t);

	SLEEP_UNTIL(t, loop_now(t->loop));
	assert_int_equal(t->err, -ETIMEDOUT);
	AWAIT_UNTIL(t, loop_now(t->loop) - 1, false);
	assert_int_equal(t->err, -ETIMEDOUT);
	AWAIT_SHIELDED(t, INT64_MIN, false);
	assert_int_equal(t->err, -ETIMEDOUT);
	assert_int_equal(t->loop->stats.steps, 0);	/* still the first */
	assert_null(t->place);
	assert_false(t->shielded);
	assert_int_equal(t->deadline, USEC_NEVER);
	assert_int_equal(t->since, 0);

	/* Woken in between, it keeps its deadline. */
	task_start(&f->other.task, &waiter_kind, t);
	f->other.flag = true;
	AWAIT_UNTIL(t, past_deadline(f), false);
	assert_int_equal(t->err, -ETIMEDOUT);
	assert_int_equal(f->evaluated, 1);
	assert_int_equal(loop_now(t->loop), START + USEC_SEC);
	AWAIT_UNTIL(t, past_deadline(f), true);
	assert_int_equal(f->evaluated, 1);
	TASK_END(t, 0);
}

static void
deadline_in_the_past_ends_at_once_and_is_evaluated_once(void **state)
{
	static const struct task_kind kind = { .name = "past", .step = past_step };
	struct past f = { .evaluated = 0 };

	(void)state;
	run_root(&f.task, &kind);
}

/* ---- cancelling ---- */

struct level {
	struct task	task;
	int		errs[5];
	usec_t		ended;
	unsigned	turns;
	bool		noticed;
};

static enum task_status
level_step(struct task *t)
{
	struct level *f = container_of(t, struct level, task);

	TASK_BEGIN(t);

	AWAIT(t, false);
	f->errs[0] = t->err;
	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_HOUR);
	f->errs[1] = t->err;
	/* A time that has come loses to it. */
	SLEEP_UNTIL(t, 0);
	f->errs[2] = t->err;
	for (; f->turns < 3; f->turns++)
		TASK_YIELD(t);
	f->noticed = task_cancelled(t);
	/* Cleanup is not disturbed ... */
	AWAIT_SHIELDED(t, loop_now(t->loop) + USEC_SEC, false);
	f->errs[3] = t->err;
	/* ... and what follows is cancelled again. */
	AWAIT(t, false);
	f->errs[4] = t->err;
	f->ended = loop_now(t->loop);
	TASK_END(t, -ECANCELED);
}

struct canceller {
	struct task	task;
	struct level	level;
};

static enum task_status
canceller_step(struct task *t)
{
	static const struct task_kind level_kind = { .name = "level", .step = level_step };
	struct canceller *f = container_of(t, struct canceller, task);

	TASK_BEGIN(t);

	task_start(&f->level.task, &level_kind, t);
	TASK_YIELD(t);
	task_cancel(&f->level.task);
	task_cancel(&f->level.task);
	AWAIT(t, task_done(&f->level.task));
	assert_int_equal(f->level.task.result, -ECANCELED);
	assert_false(task_cancelled(t));
	TASK_END(t, 0);
}

static void
cancelling_is_a_level_and_a_shield_holds_it_off(void **state)
{
	static const struct task_kind kind = { .name = "canceller", .step = canceller_step };
	static const int want[5] = { -ECANCELED, -ECANCELED, -ECANCELED, -ETIMEDOUT, -ECANCELED };
	struct canceller f = { .level.turns = 0 };

	(void)state;
	run_root(&f.task, &kind);

	assert_memory_equal(f.level.errs, want, sizeof(want));
	assert_true(f.level.noticed);
	assert_int_equal(f.level.ended, START + USEC_SEC);
}

struct stale {
	struct task	task;
	struct task	child;
};

/* A shielded wait that ends at once, by its condition or its time, shields nothing after it. */
static enum task_status
stale_child_step(struct task *t)
{
	TASK_BEGIN(t);

	AWAIT_SHIELDED(t, USEC_NEVER, true);
	assert_false(t->shielded);
	AWAIT_SHIELDED(t, 0, false);
	assert_false(t->shielded);
	TASK_YIELD(t);
	AWAIT(t, false);
	TASK_END(t, t->err);
}

static enum task_status
stale_step(struct task *t)
{
	static const struct task_kind child_kind = { .name = "child", .step = stale_child_step };
	struct stale *f = container_of(t, struct stale, task);

	TASK_BEGIN(t);

	task_start(&f->child, &child_kind, t);
	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_SEC);
	task_cancel(&f->child);
	AWAIT(t, task_done(&f->child));
	assert_int_equal(f->child.result, -ECANCELED);
	TASK_END(t, 0);
}

static void
shield_ends_with_its_wait(void **state)
{
	static const struct task_kind kind = { .name = "stale", .step = stale_step };
	struct stale f = { .task.result = 0 };

	(void)state;
	run_root(&f.task, &kind);
}

struct early {
	struct task	task;
	struct waiter	before, heir;
};

static enum task_status
early_step(struct task *t)
{
	struct early *f = container_of(t, struct early, task);

	TASK_BEGIN(t);

	task_start(&f->before.task, &waiter_kind, t);
	task_cancel(&f->before.task);
	assert_false(f->before.begun);
	AWAIT(t, task_done(&f->before.task));
	/* The child of one who is cancelled is so from the start. */
	task_cancel(t);
	f->heir.limit = USEC_SEC;
	task_start(&f->heir.task, &waiter_kind, t);
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->heir.task));
	TASK_END(t, 0);
}

static void
cancelled_before_it_began_a_task_begins_and_learns_at_its_first_wait(void **state)
{
	static const struct task_kind kind = { .name = "early", .step = early_step };
	struct early f = { .before.err = 0 };

	(void)state;
	run_root(&f.task, &kind);

	assert_true(f.before.begun);
	assert_int_equal(f.before.err, -ECANCELED);
	assert_true(f.heir.begun);
	assert_int_equal(f.heir.err, -ECANCELED);
	assert_int_equal(f.heir.ended, START);
}

/* ---- nursery ---- */

struct leaver {
	struct task	task;		/* the parent: returns at once */
	struct waiter	slow;		/* shielded: takes a second more */
	struct waiter	plain;
	struct waiter	late;		/* started by a sibling after the return */
	struct task	sibling;
};

static enum task_status
sibling_step(struct task *t)
{
	struct leaver *f = container_of(t, struct leaver, sibling);

	TASK_BEGIN(t);

	AWAIT(t, false);
	assert_int_equal(t->err, -ECANCELED);
	task_start(&f->late.task, &waiter_kind, t->parent);
	TASK_END(t, 0);
}

static enum task_status
leaver_step(struct task *t)
{
	static const struct task_kind sibling_kind = { .name = "sibling", .step = sibling_step };
	struct leaver *f = container_of(t, struct leaver, task);

	TASK_BEGIN(t);

	f->slow.shielded = true;
	f->slow.limit = USEC_SEC;
	task_start(&f->slow.task, &waiter_kind, t);
	task_start(&f->plain.task, &waiter_kind, t);
	task_start(&f->sibling, &sibling_kind, t);
	TASK_YIELD(t);
	TASK_END(t, 42);
}

struct leaver_parent {
	struct task	task;
	struct leaver	leaver;
};

static enum task_status
leaver_parent_step(struct task *t)
{
	static const struct task_kind leaver_kind = { .name = "leaver", .step = leaver_step };
	struct leaver_parent *f = container_of(t, struct leaver_parent, task);

	TASK_BEGIN(t);

	task_start(&f->leaver.task, &leaver_kind, t);
	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_SEC / 2);
	/* Returned, but not done: one child lives. */
	assert_true(f->leaver.task.returned);
	assert_false(task_done(&f->leaver.task));
	assert_int_equal(f->leaver.task.since, START);
	assert_true(task_done(&f->leaver.plain.task));
	assert_true(task_done(&f->leaver.late.task));
	task_wake(&f->leaver.task);
	task_cancel(&f->leaver.task);
	TASK_YIELD(t);
	assert_false(task_done(&f->leaver.task));
	AWAIT(t, task_done(&f->leaver.task));
	assert_int_equal(loop_now(t->loop), START + USEC_SEC);
	assert_int_equal(f->leaver.task.result, 42);
	TASK_END(t, 0);
}

static void
returning_cancels_the_children_and_waits_for_them(void **state)
{
	static const struct task_kind kind = { .name = "parent", .step = leaver_parent_step };
	struct leaver_parent f = { .leaver.plain.err = 0 };

	(void)state;
	run_root(&f.task, &kind);

	assert_int_equal(f.leaver.plain.err, -ECANCELED);
	assert_int_equal(f.leaver.late.err, -ECANCELED);
	assert_int_equal(f.leaver.slow.err, -ETIMEDOUT);
}

/* A chain: each starts the next, then waits for ever; released at the end. */
struct link {
	struct task	 task;
	unsigned	 below;		/* how many more */
	unsigned	*deepest, *released, *unwound;
};

static enum task_status link_step(struct task *t);

static void
link_release(struct task *t)
{
	struct link *f = container_of(t, struct link, task);

	(*f->released)++;
	free(f);
}

static const struct task_kind link_kind = { .name = "link", .step = link_step, .release = link_release };

static struct link *
link_new(const struct link *like, unsigned below)
{
	struct link *f = xmalloc(sizeof(*f));

	*f = *like;
	f->below = below;
	return f;
}

static enum task_status
link_step(struct task *t)
{
	struct link *f = container_of(t, struct link, task);

	TASK_BEGIN(t);

	if (f->below > 0)
		task_start(&link_new(f, f->below - 1)->task, &link_kind, t);
	else
		(*f->deepest)++;
	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_HOUR + f->below);
	assert_int_equal(t->err, -ECANCELED);
	(*f->unwound)++;
	TASK_END(t, 0);
}

struct forest {
	struct task	task;
	unsigned	chains, length;
	unsigned	deepest, released, unwound;
};

static enum task_status
forest_step(struct task *t)
{
	struct forest *f = container_of(t, struct forest, task);
	struct link like = { .deepest = &f->deepest, .released = &f->released, .unwound = &f->unwound };

	TASK_BEGIN(t);

	for (unsigned i = 0; i < f->chains; i++)
		task_start(&link_new(&like, f->length - 1)->task, &link_kind, t);
	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_SEC);
	assert_int_equal(f->deepest, f->chains);
	assert_int_equal(t->loop->stats.tasks, (uint64_t)f->chains * f->length + 1);
	TASK_END(t, 0);
}

/* 100,000 levels would not fit on the stack, were there a recursion; nor end soon, were it quadratic. */
static void
cancel_forest(unsigned chains, unsigned length)
{
	static const struct task_kind kind = { .name = "forest", .step = forest_step };
	struct forest f = { .chains = chains, .length = length };

	run_root(&f.task, &kind);

	assert_int_equal(f.unwound, chains * length);
	assert_int_equal(f.released, chains * length);
}

static void
deep_tree_is_cancelled_level_by_level(void **state)
{
	(void)state;
	cancel_forest(1, 100000);
}

static void
wide_tree_is_cancelled(void **state)
{
	(void)state;
	cancel_forest(100000, 1);
}

static void
tree_that_is_both_wide_and_deep_is_cancelled(void **state)
{
	(void)state;
	cancel_forest(300, 300);
}

/* ---- waking ---- */

struct waker {
	struct task	 task;
	struct waiter	*freed;
	unsigned	 released;
	struct waiter	 plain, never;
};

static enum task_status
waker_step(struct task *t)
{
	struct waker *f = container_of(t, struct waker, task);

	TASK_BEGIN(t);

	task_wake(NULL);
	task_cancel(NULL);
	task_wake(&f->never.task);
	task_cancel(&f->never.task);
	assert_false(task_alive(&f->never.task));
	task_start(&f->plain.task, &waiter_kind, t);
	f->freed = xcalloc(1, sizeof(*f->freed));
	f->freed->released = &f->released;
	task_start(&f->freed->task, &waiter_kind_freed, t);
	assert_true(task_alive(&f->plain.task));
	for (unsigned i = 0; i < 5; i++) {
		task_wake(&f->plain.task);
		task_wake(&f->freed->task);
	}
	TASK_YIELD(t);
	assert_int_equal(f->plain.looks, 1);
	for (unsigned i = 0; i < 5; i++)
		task_wake(&f->plain.task);
	TASK_YIELD(t);
	assert_int_equal(f->plain.looks, 2);

	f->plain.flag = f->freed->flag = true;
	for (unsigned i = 0; i < 5; i++) {
		task_wake(&f->plain.task);
		task_wake(&f->freed->task);
	}
	AWAIT(t, task_done(&f->plain.task) && f->released == 1);
	task_wake(&f->plain.task);
	task_cancel(&f->plain.task);
	assert_false(f->plain.task.queued);
	assert_false(task_alive(&f->plain.task));

	/* A frame that is done may be used again. */
	f->plain = (struct waiter){ .limit = USEC_SEC };
	task_start(&f->plain.task, &waiter_kind, t);
	AWAIT(t, task_done(&f->plain.task));
	assert_int_equal(f->plain.err, -ETIMEDOUT);
	assert_null(t->child);
	TASK_END(t, 0);
}

static void
waking_too_often_is_harmless_and_a_frame_is_released_once(void **state)
{
	static const struct task_kind kind = { .name = "waker", .step = waker_step };
	struct waker f = { .released = 0 };

	(void)state;
	run_root(&f.task, &kind);

	assert_int_equal(f.released, 1);
	assert_int_equal(f.plain.looks, 2);
}

struct selfish {
	struct task	task;
	unsigned	looks, turns;
	bool		flag;
};

static bool
selfish_looks(struct selfish *f)
{
	return ++f->looks >= 2;
}

static enum task_status
selfish_step(struct task *t)
{
	struct selfish *f = container_of(t, struct selfish, task);

	TASK_BEGIN(t);

	/* Woken while it runs: the wake-up is not lost. */
	task_wake(t);
	AWAIT(t, selfish_looks(f));
	assert_int_equal(f->looks, 2);
	/* Woken and yielding: one turn, not two. */
	for (; f->turns < 10; f->turns++) {
		task_wake(t);
		TASK_YIELD(t);
		assert_false(t->queued);
	}
	/* Woken and returning: done all the same, once. */
	task_wake(t);
	TASK_END(t, 0);
}

static void
task_may_wake_itself(void **state)
{
	static const struct task_kind kind = { .name = "selfish", .step = selfish_step };
	struct selfish f = { .looks = 0 };

	(void)state;
	run_root(&f.task, &kind);

	assert_int_equal(f.turns, 10);
}

#define YIELDERS 7
#define TURNS 1000

struct yielder {
	struct task	 task;
	struct yielders	*all;
	unsigned	 turns;
};

struct yielders {
	struct task	task;
	struct yielder	each[YIELDERS];
	unsigned	turn;
};

static enum task_status
yielder_step(struct task *t)
{
	struct yielder *f = container_of(t, struct yielder, task);

	TASK_BEGIN(t);

	for (; f->turns < TURNS; f->turns++) {
		/* Everybody's turn comes before anybody's next. */
		assert_ptr_equal(f, &f->all->each[f->all->turn++ % YIELDERS]);
		TASK_YIELD(t);
	}
	TASK_END(t, 0);
}

static enum task_status
yielders_step(struct task *t)
{
	static const struct task_kind yielder_kind = { .name = "yielder", .step = yielder_step };
	struct yielders *f = container_of(t, struct yielders, task);

	TASK_BEGIN(t);

	for (unsigned i = 0; i < YIELDERS; i++) {
		f->each[i].all = f;
		task_start(&f->each[i].task, &yielder_kind, t);
	}
	AWAIT(t, t->child == NULL);
	assert_int_equal(loop_now(t->loop), START);
	TASK_END(t, 0);
}

static void
yielding_tasks_take_turns(void **state)
{
	static const struct task_kind kind = { .name = "yielders", .step = yielders_step };
	struct yielders f = { .turn = 0 };

	(void)state;
	run_root(&f.task, &kind);

	assert_int_equal(f.turn, YIELDERS * TURNS);
}

/* ---- a storm: random trees, waits, wakes and cancels, checked against plain counts ---- */

#define STORM_TASKS 3000

struct storm {
	struct task	 task;
	uint64_t	 random;
	unsigned	 started, released;
	struct leaf	*all[STORM_TASKS];
};

struct leaf {
	struct task	 task;
	struct storm	*storm;
	unsigned	 index, rounds, children;
	struct leaf	*parent;	/* NULL: the storm itself */
	bool		 flag;
};

static uint64_t
storm_random(struct storm *s, uint64_t n)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random % n;
}

static enum task_status leaf_step(struct task *t);

static void
leaf_release(struct task *t)
{
	struct leaf *f = container_of(t, struct leaf, task);

	/* All that is below has gone before. */
	assert_int_equal(f->children, 0);
	assert_ptr_equal(f->storm->all[f->index], f);
	f->storm->all[f->index] = NULL;
	f->storm->released++;
	if (f->parent != NULL)
		f->parent->children--;
	free(f);
}

static const struct task_kind leaf_kind = { .name = "leaf", .step = leaf_step, .release = leaf_release };

static void
leaf_start(struct storm *s, struct leaf *parent)
{
	struct leaf *f;

	if (s->started == STORM_TASKS)
		return;
	f = xcalloc(1, sizeof(*f));
	f->storm = s;
	f->parent = parent;
	f->index = s->started++;
	f->rounds = (unsigned)storm_random(s, 20);
	s->all[f->index] = f;
	if (parent != NULL)
		parent->children++;
	task_start(&f->task, &leaf_kind, parent != NULL ? &parent->task : &s->task);
}

/* Something happens to anybody. */
static void
storm_strikes(struct storm *s)
{
	struct leaf *f = s->all[storm_random(s, s->started)];

	if (f == NULL)
		return;
	if (storm_random(s, 40) == 0)
		task_cancel(&f->task);
	f->flag = storm_random(s, 2);
	task_wake(&f->task);
}

static void
leaf_acts(struct leaf *f)
{
	struct storm *s = f->storm;

	for (uint64_t i = storm_random(s, 3); i > 0; i--)
		leaf_start(s, f);
	storm_strikes(s);
	f->flag = false;
}

static enum task_status
leaf_step(struct task *t)
{
	struct leaf *f = container_of(t, struct leaf, task);
	struct storm *s = f->storm;

	TASK_BEGIN(t);

	for (; f->rounds > 0; f->rounds--) {
		leaf_acts(f);
		AWAIT_UNTIL(t, loop_now(t->loop) + (usec_t)storm_random(s, 1000), f->flag);
		assert_int_equal(t->err, f->flag ? 0 : task_cancelled(t) ? -ECANCELED : -ETIMEDOUT);
		if (storm_random(s, 4) == 0)
			TASK_YIELD(t);
		AWAIT_SHIELDED(t, loop_now(t->loop) + (usec_t)storm_random(s, 1000), f->flag);
		assert_int_equal(t->err, f->flag ? 0 : -ETIMEDOUT);
	}
	TASK_END(t, 0);
}

static enum task_status
storm_step(struct task *t)
{
	struct storm *f = container_of(t, struct storm, task);

	TASK_BEGIN(t);

	for (unsigned i = 0; i < 50; i++)
		leaf_start(f, NULL);
	while (f->released < f->started) {
		storm_strikes(f);
		SLEEP_UNTIL(t, loop_now(t->loop) + 50);
	}
	TASK_END(t, 0);
}

static void
any_tree_unwinds_children_first(void **state)
{
	static const struct task_kind kind = { .name = "storm", .step = storm_step };
	uint64_t seed = (uint64_t)getpid() * 2654435761u + 1;

	(void)state;
	if (getenv("SEED") != NULL)
		seed = strtoull(getenv("SEED"), NULL, 10);
	print_message("SEED=%llu\n", (unsigned long long)seed);
	for (unsigned i = 0; i < 20; i++) {
		struct storm *s = xcalloc(1, sizeof(*s));

		s->random = seed + i * 0x9E3779B97F4A7C15u;
		run_root(&s->task, &kind);
		assert_int_equal(s->released, s->started);
		free(s);
	}
}

/* ---- what is shown ---- */

static void
describe_runner(const struct task *t, char *out, size_t n)
{
	(void)t;
	snprintf(out, n, "the runner's answer");
}

static void
describe_nothing(const struct task *t, char *out, size_t n)
{
	(void)t;
	(void)out;
	(void)n;
}

static void
serves_run(const struct task *t, char *out, size_t n)
{
	(void)t;
	snprintf(out, n, "12.3");
}

struct shown {
	struct task	task;
	struct waiter	waits;		/* in a family that serves a run */
	struct task	family;
	struct waiter	told;		/* its kind says what it waits for */
	struct waiter	untold;
	struct task	sleeper;
	struct task	leaver;
	struct waiter	left;
	struct waiter	fresh;
	int		line;
};

static enum task_status
family_step(struct task *t)
{
	struct shown *f = container_of(t, struct shown, family);

	TASK_BEGIN(t);

	task_start(&f->waits.task, &waiter_kind, t);
	AWAIT(t, task_done(&f->waits.task));
	TASK_END(t, 0);
}

static enum task_status
sleeper_step(struct task *t)
{
	TASK_BEGIN(t);

	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_HOUR);
	TASK_END(t, 0);
}

static enum task_status
left_step(struct task *t)
{
	struct shown *f = container_of(t, struct shown, leaver);

	TASK_BEGIN(t);

	f->left.shielded = true;
	f->left.limit = USEC_HOUR;
	task_start(&f->left.task, &waiter_kind, t);
	TASK_YIELD(t);
	TASK_END(t, 0);
}

static void
assert_shown(const struct task *t, const char *waits_for, const char *place, const char *serves)
{
	struct task_info info;

	task_describe(t, 3, &info);
	assert_ptr_equal(info.task, t);
	assert_int_equal(info.depth, 3);
	assert_string_equal(info.waits_for, waits_for);
	assert_string_equal(info.serves, serves);
	if (strchr(place, ':') != NULL)
		assert_int_equal(strncmp(info.place, place, strlen(place)), 0);
	else
		assert_string_equal(info.place, place);
}

static void
assert_all_shown(struct shown *f)
{
	assert_shown(&f->task, "nothing: it runs", "running", "");
	assert_shown(&f->family, "task_done(&f->waits.task)", "engine_task.c:", "12.3");
	assert_shown(&f->waits.task, "waiter_looks(f)", "engine_task.c:", "12.3");
	assert_shown(&f->told.task, "the runner's answer", "engine_task.c:", "");
	assert_shown(&f->untold.task, "waiter_looks(f)", "engine_task.c:", "");
	assert_shown(&f->sleeper, "its time", "engine_task.c:", "");
	assert_shown(&f->leaver, "the end of its children", "end", "");
	assert_int_equal(f->sleeper.since, START);
	assert_int_equal(f->sleeper.deadline, START + USEC_HOUR);
}

/* The whole of what task_dump() writes. */
static void
dump_text(const struct task *root, unsigned max, char *out, size_t n)
{
	FILE *file = tmpfile();

	task_dump(root, fileno(file), max);
	rewind(file);
	out[fread(out, 1, n - 1, file)] = '\0';
	fclose(file);
}

static enum task_status
shown_step(struct task *t)
{
	static const struct task_kind family_kind = { .name = "family", .step = family_step, .serves = serves_run };
	static const struct task_kind told_kind = { .name = "told", .step = waiter_step, .describe = describe_runner };
	static const struct task_kind untold_kind = { .name = "untold", .step = waiter_step, .describe = describe_nothing };
	static const struct task_kind sleeper_kind = { .name = "sleeper", .step = sleeper_step };
	static const struct task_kind leaver_kind = { .name = "leaver", .step = left_step };
	struct shown *f = container_of(t, struct shown, task);
	char text[4096], want[256];

	TASK_BEGIN(t);

	task_start(&f->family, &family_kind, t);
	task_start(&f->told.task, &told_kind, t);
	task_start(&f->untold.task, &untold_kind, t);
	task_start(&f->sleeper, &sleeper_kind, t);
	task_start(&f->leaver, &leaver_kind, t);
	for (f->line = 0; f->line < 3; f->line++)
		TASK_YIELD(t);
	assert_all_shown(f);
	/* Woken, it keeps its place and waits for its turn only. */
	task_wake(&f->waits.task);
	assert_shown(&f->waits.task, "its turn", "engine_task.c:", "12.3");
	task_start(&f->fresh.task, &waiter_kind, t);
	assert_shown(&f->fresh.task, "its turn", "start", "");

	task_cancel(&f->fresh.task);
	dump_text(&f->task, 2, text, sizeof(text));
	assert_string_equal(text,
	    "shown running waits for nothing: it runs\n"
	    "  waiter start waits for its turn (cancelled)\n"
	    "...\n");
	dump_text(&f->task, 100, text, sizeof(text));
	assert_null(strstr(text, "..."));
	snprintf(want, sizeof(want), "\n    waiter engine_task.c:%d waits for waiter_looks(f) (cancelled) (shielded)\n",
	    f->left.task.place->line);
	assert_non_null(strstr(text, want));
	snprintf(want, sizeof(want), "\n  family engine_task.c:%d waits for task_done(&f->waits.task), serves 12.3\n",
	    f->family.place->line);
	assert_non_null(strstr(text, want));
	TASK_END(t, 0);
}

static void
tree_is_shown_in_words(void **state)
{
	static const struct task_kind kind = { .name = "shown", .step = shown_step };
	struct shown f = { .line = 0 };

	(void)state;
	run_root(&f.task, &kind);
}

static enum task_status
written_step(struct task *t)
{
	TASK_BEGIN(t);

	AWAIT_UNTIL(t, loop_now(t->loop) + 1, t->err == EAGAIN || USEC_HOUR == 1);
	TASK_END(t, 0);
}

static void
condition_is_shown_as_written_not_as_expanded(void **state)
{
	static const struct task_kind kind = { .name = "written", .step = written_step };
	struct loop *l = loop_new(LOOP_VIRTUAL);
	struct task t;

	(void)state;
	task_start_root(&t, &kind, l);
	assert_int_equal(loop_run_until(l, START), 0);
	assert_shown(&t, "t->err == EAGAIN || USEC_HOUR == 1", "engine_task.c:", "");
	assert_int_equal(loop_run(l), 0);
	loop_free(l);
}

struct deep_dump {
	struct task	task;
	unsigned	deepest, released, unwound;
	char		*text;
};

static enum task_status
deep_dump_step(struct task *t)
{
	struct deep_dump *f = container_of(t, struct deep_dump, task);
	struct link like = { .deepest = &f->deepest, .released = &f->released, .unwound = &f->unwound };
	unsigned depth = 0, n = 0, deepest = 0;

	TASK_BEGIN(t);

	task_start(&link_new(&like, 499)->task, &link_kind, t);
	SLEEP_UNTIL(t, loop_now(t->loop) + 1);
	dump_text(t, 1000, f->text, 256 * 1024);
	for (const char *p = f->text; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	assert_int_equal(n, 501);
	for (const struct task *w = t; w != NULL; w = task_next(t, w, &depth))
		deepest = depth > deepest ? depth : deepest;
	assert_int_equal(deepest, 500);
	assert_int_equal(depth, 0);
	TASK_END(t, 0);
}

static void
deep_tree_is_dumped_line_by_line(void **state)
{
	static const struct task_kind kind = { .name = "deep", .step = deep_dump_step };
	struct deep_dump f = { .deepest = 0 };

	(void)state;
	f.text = xmalloc(256 * 1024);
	run_root(&f.task, &kind);
	free(f.text);
}

/* ---- what ends the program ---- */

struct fails {
	struct task	task;
	struct waiter	other;
	int		one;
};

static enum task_status
must_step(struct task *t)
{
	struct fails *f = container_of(t, struct fails, task);

	TASK_BEGIN(t);

	task_start(&f->other.task, &waiter_kind, t);
	TASK_YIELD(t);
	MUST(f->one == 2);
	TASK_END(t, 0);
}

static enum task_status
nested_step(struct task *t)
{
	struct fails *f = container_of(t, struct fails, task);

	TASK_BEGIN(t);

	f->other.limit = USEC_SEC;
	task_start(&f->other.task, &waiter_kind, t);
	switch (f->one) {
	case 1:
		AWAIT(t, task_done(&f->other.task));	/* lint: on purpose */
		break;
	default:
		break;
	}
	TASK_END(t, 0);
}

/* A parent that is done takes no child. */
static enum task_status
orphan_step(struct task *t)
{
	struct fails *f = container_of(t, struct fails, task);

	TASK_BEGIN(t);

	f->other.flag = true;
	task_start(&f->other.task, &waiter_kind, t);
	AWAIT(t, task_done(&f->other.task));
	task_start(&f->other.task, &waiter_kind, &f->other.task);
	TASK_END(t, 0);
}

/* Somebody else's task is not waited with. */
static enum task_status
stranger_step(struct task *t)
{
	struct fails *f = container_of(t, struct fails, task);

	TASK_BEGIN(t);

	task_start(&f->other.task, &waiter_kind, t);
	AWAIT(&f->other.task, f->one == 2);
	TASK_END(t, 0);
}

static enum task_status
alive_step(struct task *t)
{
	TASK_BEGIN(t);

	SLEEP_UNTIL(t, loop_now(t->loop) + USEC_SEC);
	TASK_END(t, 0);
}

static void __attribute__((noreturn))
fail_in_child(const struct task_kind *kind, int fd)
{
	static const struct rlimit no_core = { 0, 0 };
	struct loop *l = loop_new(LOOP_VIRTUAL);
	struct fails f = { .one = 1 };

	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGABRT, SIG_DFL);	/* cmocka has one of its own */
	dup2(fd, STDERR_FILENO);
	task_start_root(&f.task, kind, l);
	loop_run_until(l, START + USEC_SEC / 2);
	loop_run_until(l, kind->step == alive_step ? START : START + USEC_MINUTE);
	loop_free(l);
	_exit(0);
}

/* Run it as root in a process of its own, which must abort; what it said goes to out. */
static void
assert_aborts(const char *name, enum task_status (*step)(struct task *), char *out, size_t n)
{
	const struct task_kind kind = { .name = name, .step = step };
	FILE *file = tmpfile();
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		fail_in_child(&kind, fileno(file));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	rewind(file);
	out[fread(out, 1, n - 1, file)] = '\0';
	fclose(file);
}

static void
must_prints_the_tree(void **state)
{
	char text[4096], *tree;

	(void)state;
	assert_aborts("judge", must_step, text, sizeof(text));

	assert_non_null(strstr(text, "MUST failed: f->one == 2, tests/unit/engine_task.c:"));
	assert_non_null(strstr(text, ", in must_step\n"));
	tree = strstr(text, "\njudge running waits for nothing: it runs\n  waiter engine_task.c:");
	assert_non_null(tree);
	assert_non_null(strstr(tree, "waits for waiter_looks(f)\n"));
}

static void
await_in_a_nested_switch_aborts_with_task_and_line(void **state)
{
	char text[4096];

	(void)state;
	assert_aborts("nested", nested_step, text, sizeof(text));

	assert_non_null(strstr(text, "the task resumes where it never waited"));
	assert_non_null(strstr(text, ", in nested_step\n"));
	assert_non_null(strstr(text, "\nnested engine_task.c:"));
}

static void
misuse_aborts(void **state)
{
	char text[4096];

	(void)state;
	assert_aborts("orphan", orphan_step, text, sizeof(text));
	assert_non_null(strstr(text, "task_alive(parent)"));
	assert_aborts("stranger", stranger_step, text, sizeof(text));
	assert_non_null(strstr(text, "t == l->running"));
	/* A loop is not freed under a living task. */
	assert_aborts("alive", alive_step, text, sizeof(text));
	assert_non_null(strstr(text, "loop_free"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_waits_of_1_2_and_3_seconds_take_3),
		cmocka_unit_test(condition_that_holds_wins_over_cancel_and_deadline),
		cmocka_unit_test(deadline_in_the_past_ends_at_once_and_is_evaluated_once),
		cmocka_unit_test(cancelling_is_a_level_and_a_shield_holds_it_off),
		cmocka_unit_test(shield_ends_with_its_wait),
		cmocka_unit_test(cancelled_before_it_began_a_task_begins_and_learns_at_its_first_wait),
		cmocka_unit_test(returning_cancels_the_children_and_waits_for_them),
		cmocka_unit_test(deep_tree_is_cancelled_level_by_level),
		cmocka_unit_test(wide_tree_is_cancelled),
		cmocka_unit_test(tree_that_is_both_wide_and_deep_is_cancelled),
		cmocka_unit_test(waking_too_often_is_harmless_and_a_frame_is_released_once),
		cmocka_unit_test(task_may_wake_itself),
		cmocka_unit_test(yielding_tasks_take_turns),
		cmocka_unit_test(any_tree_unwinds_children_first),
		cmocka_unit_test(tree_is_shown_in_words),
		cmocka_unit_test(condition_is_shown_as_written_not_as_expanded),
		cmocka_unit_test(deep_tree_is_dumped_line_by_line),
		cmocka_unit_test(must_prints_the_tree),
		cmocka_unit_test(await_in_a_nested_switch_aborts_with_task_and_line),
		cmocka_unit_test(misuse_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
