/*
 * Edit in the store: what stays of a job whose spec is replaced, and what the new schedule makes of its due.
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

#include "proto/mem.h"
#include "tests/harness/storehouse.h"

#define MINUTE	USEC_MINUTE

static struct storehouse house;
static struct timer_spec timer = { .duration = USEC_SEC };

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

static int64_t
add(const struct job_spec *spec, int64_t due)
{
	struct job_new job = { .spec = spec, .spec_json = "{}", .summary = "1s", .due = { due } };
	struct op_add a = { .jobs = &job, .n = 1, .uid = 7, .now = { 1 } };

	assert_int_equal(storehouse_do(&house, &a.op, OP_ADD), 0);
	op_add_done(&a);
	return job.id;
}

/* An edit that is to be filled in further. */
static struct op_edit
edit_of(int64_t job, const struct job_spec *spec)
{
	return (struct op_edit){ .job = job, .uid = -1, .spec = spec, .spec_json = "{\"a\":1}",
	    .summary = "2s", .hold = -1, .by = 7, .now = { 10 * MINUTE } };
}

static int
edit(struct op_edit *e)
{
	int r = storehouse_do(&house, &e->op, OP_EDIT);

	op_edit_done(e);
	return r;
}

static struct job_info
get(int64_t id)
{
	struct op_get g = { .id = id };
	struct job_info job;

	assert_int_equal(storehouse_do(&house, &g.op, OP_GET), 0);
	job = (struct job_info){ .id = g.job.id, .due = g.job.due, .generation = g.job.generation,
	    .skips = g.job.skips, .runs = g.job.runs, .state = g.job.state, .every = g.job.every,
	    .rescheduled = g.job.rescheduled, .paused = g.job.paused, .depends_on = g.job.depends_on };
	op_get_done(&g);
	return job;
}

static void
an_edit_keeps_id_runs_and_due(void **state)
{
	struct job_spec spec = { .name = (char *)(uintptr_t)"a", .every = MINUTE, .timer = &timer };
	int64_t id = add(&spec, 20 * MINUTE);
	struct op_edit e = edit_of(id, &spec);
	struct job_info job;

	(void)state;
	spec.name = (char *)(uintptr_t)"b";
	assert_int_equal(edit(&e), 0);
	job = get(id);
	assert_int_equal(job.due.usec, 20 * MINUTE);
	assert_int_equal(job.generation, 2);
	assert_int_equal(job.rescheduled.usec, 0);
	assert_int_equal(job.skips, 0);
}

static void
of_two_editors_the_second_is_refused(void **state)
{
	struct job_spec spec = { .every = MINUTE, .timer = &timer };
	int64_t id = add(&spec, 20 * MINUTE);
	struct op_edit first = edit_of(id, &spec), second = edit_of(id, &spec);

	(void)state;
	first.generation = second.generation = 1;
	assert_int_equal(edit(&first), 0);
	assert_int_equal(edit(&second), -ESTALE);
	assert_int_equal(second.now_generation, 2);
	assert_int_equal(get(id).generation, 2);
}

static void
what_was_due_by_the_old_schedule_is_skipped(void **state)
{
	struct job_spec spec = { .every = MINUTE, .timer = &timer };
	int64_t id = add(&spec, 5 * MINUTE);
	struct op_edit e = edit_of(id, &spec);
	struct job_info job;

	(void)state;
	spec.every = 7 * MINUTE;
	e.rescheduled = true;
	e.due.usec = 12 * MINUTE;
	assert_int_equal(edit(&e), 0);
	job = get(id);
	assert_int_equal(job.due.usec, 12 * MINUTE);
	assert_int_equal(job.every, 7 * MINUTE);
	assert_int_equal(job.skips, 1);
	assert_int_equal(job.rescheduled.usec, 10 * MINUTE);
}

static void
a_due_that_may_be_claimed_just_now_is_asked_for_again(void **state)
{
	struct job_spec spec = { .every = MINUTE, .timer = &timer };
	int64_t id = add(&spec, 10 * MINUTE + 5);
	struct op_edit e = edit_of(id, &spec);

	(void)state;
	e.rescheduled = true;
	e.due.usec = 10 * MINUTE + 5;
	assert_int_equal(edit(&e), -EAGAIN);
	assert_int_equal(get(id).generation, 1);
	/* Behind all that may be: it counts from there. */
	e.since.usec = 10 * MINUTE + EDIT_NEAR;
	e.due.usec = 10 * MINUTE + EDIT_NEAR + 5;
	assert_int_equal(edit(&e), 0);
	assert_int_equal(get(id).rescheduled.usec, 10 * MINUTE + EDIT_NEAR);
}

static void
a_due_that_was_counted_from_another_one_is_refused(void **state)
{
	struct job_spec spec = { .every = 20 * MINUTE, .heartbeat = true };
	int64_t id = add(&spec, 20 * MINUTE);
	struct op_ping ping = { .job = id, .uid = -1, .ping = { .what = PING_OK, .at = { 9 * MINUTE } },
	    .take = true, .claim = { .due = { 20 * MINUTE }, .next_due = { 29 * MINUTE },
	    .noticed = { 9 * MINUTE }, .started = { 9 * MINUTE } } };
	struct op_edit e = edit_of(id, &spec);

	(void)state;
	assert_int_equal(storehouse_do(&house, &ping.op, OP_PING), 0);
	op_ping_done(&ping);
	spec.every = 30 * MINUTE;
	e.rescheduled = true;
	e.counted.usec = 20 * MINUTE;
	e.due.usec = 30 * MINUTE;
	assert_int_equal(edit(&e), -ESTALE);
	assert_int_equal(get(id).due.usec, 29 * MINUTE);
	e.counted.usec = 29 * MINUTE;
	e.due.usec = 39 * MINUTE;
	assert_int_equal(edit(&e), 0);
	assert_int_equal(get(id).due.usec, 39 * MINUTE);
}

static void
a_due_that_was_run_is_not_given_again(void **state)
{
	struct job_spec spec = { .every = MINUTE, .timer = &timer };
	int64_t id = add(&spec, 9 * MINUTE);
	struct op_claim c = { .job = id, .due = { 9 * MINUTE }, .next_due = { 15 * MINUTE },
	    .noticed = { 9 * MINUTE }, .started = { 9 * MINUTE }, .node = 1 };
	struct op_edit e = edit_of(id, &spec);

	(void)state;
	assert_int_equal(storehouse_do(&house, &c.op, OP_CLAIM), 0);
	op_claim_done(&c);
	e.rescheduled = true;
	e.due.usec = 9 * MINUTE;
	assert_int_equal(edit(&e), -EAGAIN);
	e.due.usec = 11 * MINUTE;
	assert_int_equal(edit(&e), 0);
	assert_int_equal(get(id).runs, 1);
	assert_int_equal(get(id).due.usec, 11 * MINUTE);
}

static void
a_pause_stays_unless_the_edit_says_otherwise(void **state)
{
	struct job_spec spec = { .every = MINUTE, .timer = &timer, .paused = true };
	int64_t id = add(&spec, 20 * MINUTE);
	struct op_edit e = edit_of(id, &spec);

	(void)state;
	assert_int_equal(edit(&e), 0);
	assert_int_equal(get(id).state, JOB_PAUSED);
	e = edit_of(id, &spec);
	e.hold = 0;
	assert_int_equal(edit(&e), 0);
	assert_true(e.let_go);
	assert_int_equal(edit(&e), 0);
	assert_false(e.let_go);
	assert_int_equal(get(id).state, JOB_SCHEDULED);
}

static void
a_job_cannot_come_to_wait_for_itself(void **state)
{
	char *of_a[] = { (char *)(uintptr_t)"a" }, *of_b[] = { (char *)(uintptr_t)"b" };
	char *none[] = { (char *)(uintptr_t)"nobody" };
	struct job_spec a = { .name = of_a[0], .timer = &timer };
	struct job_spec b = { .name = of_b[0], .timer = &timer, .after = { of_a, 1 } };
	int64_t first = add(&a, 20 * MINUTE);
	struct op_edit e;

	(void)state;
	(void)add(&b, 0);
	a.after = (struct strings){ of_b, 1 };
	e = edit_of(first, &a);
	e.rescheduled = e.parents = true;
	assert_int_equal(edit(&e), -ELOOP);
	a.after = (struct strings){ none, 1 };
	assert_int_equal(edit(&e), -ENXIO);
	a.after = (struct strings){ of_a, 1 };
	assert_int_equal(edit(&e), -ELOOP);
	assert_int_equal(get(first).generation, 1);
	assert_int_equal(get(first).due.usec, 20 * MINUTE);
}

static void
a_job_that_waits_for_another_from_now_on_is_blocked(void **state)
{
	char *of_a[] = { (char *)(uintptr_t)"a" };
	struct job_spec a = { .name = of_a[0], .timer = &timer }, b = { .timer = &timer };
	int64_t parent = add(&a, 20 * MINUTE), child = add(&b, 30 * MINUTE);
	struct op_edit e = edit_of(child, &b);

	(void)state;
	(void)parent;
	b.after = (struct strings){ of_a, 1 };
	e.rescheduled = e.parents = true;
	assert_int_equal(edit(&e), 0);
	assert_int_equal(get(child).state, JOB_BLOCKED);
	assert_int_equal(get(child).due.usec, 0);
	b.after.n = 0;
	e = edit_of(child, &b);
	e.rescheduled = e.parents = true;
	e.due.usec = 40 * MINUTE;
	assert_int_equal(edit(&e), 0);
	assert_int_equal(get(child).state, JOB_SCHEDULED);
}

static void
a_check_depends_on_the_same_job_whatever_that_is_called_now(void **state)
{
	char old[] = "old", url[] = "http://127.0.0.1/";
	struct http_spec http = { .url = url, .quick_retries = -1 }, on = { .url = url, .depends_on = old };
	struct job_spec parent = { .name = old, .every = MINUTE, .http = &http };
	struct job_spec child = { .every = MINUTE, .http = &on };
	int64_t first = add(&parent, 20 * MINUTE), id = add(&child, 20 * MINUTE), second;
	struct op_edit e;

	(void)state;
	parent.name = (char *)(uintptr_t)"new";
	e = edit_of(first, &parent);
	assert_int_equal(edit(&e), 0);
	e = edit_of(id, &child);
	assert_int_equal(edit(&e), 0);
	assert_int_equal(get(id).depends_on, first);
	/* Another one has the name now. */
	parent.name = old;
	second = add(&parent, 20 * MINUTE);
	assert_int_equal(edit(&e), 0);
	assert_int_equal(get(id).depends_on, first);
	/* But if it is said anew. */
	e.depends = true;
	assert_int_equal(edit(&e), 0);
	assert_int_equal(get(id).depends_on, second);
	on.depends_on = (char *)(uintptr_t)"nobody";
	assert_int_equal(edit(&e), -ECHILD);
	on.depends_on = NULL;
	assert_int_equal(edit(&e), 0);
	assert_int_equal(get(id).depends_on, 0);
}

static void
only_the_owner_may(void **state)
{
	struct job_spec spec = { .every = MINUTE, .timer = &timer };
	int64_t id = add(&spec, 20 * MINUTE);
	struct op_edit e = edit_of(id, &spec);

	(void)state;
	e.uid = 8;
	assert_int_equal(edit(&e), -EACCES);
	e.uid = 7;
	assert_int_equal(edit(&e), 0);
	e = edit_of(id + 1, &spec);
	assert_int_equal(edit(&e), -ENOENT);
}

/* ---- several at once ---- */

/* Job N of an apply: one that waits for what after says. */
struct together {
	struct job_spec	 spec;
	struct job_new	 job;
	struct op_add	 add;
};

static void
together_init(struct together *t, const char *name, const char *after)
{
	*t = (struct together){ .spec = { .name = (char *)(uintptr_t)name, .timer = &timer } };
	if (after)
		strings_add(&t->spec.after, after);
	t->job = (struct job_new){ .spec = &t->spec, .spec_json = "{}", .summary = "1s" };
	t->add = (struct op_add){ .jobs = &t->job, .n = 1, .uid = 7, .now = { 10 * MINUTE } };
}

static bool
is_there(const char *name)
{
	struct op_get g = { .name = name };
	int r = storehouse_do(&house, &g.op, OP_GET);

	op_get_done(&g);
	assert_true(r == 0 || r == -ENOENT);
	return r == 0;
}

static int
apply(struct op_apply *a)
{
	int r = storehouse_do(&house, &a->op, OP_APPLY);

	op_apply_done(a);
	return r;
}

static void
adds_and_edits_are_done_together_or_not_at_all(void **state)
{
	struct job_spec first = { .every = MINUTE, .timer = &timer }, second = first;
	int64_t a = add(&first, 20 * MINUTE), b = add(&second, 20 * MINUTE), last;
	struct op_edit x = edit_of(a, &first), y = edit_of(b, &second), *edits[] = { &x, &y };
	struct together new;
	struct op_apply both = { .add = &new.add, .edits = edits, .n = 2 };

	(void)state;
	together_init(&new, "new", NULL);
	new.job.due.usec = 30 * MINUTE;
	/* The last one is refused, so that nothing is there of those before it. */
	y.generation = 9;
	assert_int_equal(apply(&both), -ESTALE);
	assert_true(both.of_edit);
	assert_int_equal(both.failed, 1);
	assert_int_equal(y.now_generation, 1);
	assert_int_equal(get(a).generation, 1);
	assert_false(is_there("new"));
	/* A new one is: so is the edit. */
	y.generation = 1;
	strings_add(&new.spec.after, "nobody");
	assert_int_equal(apply(&both), -ENOENT);
	assert_false(both.of_edit);
	assert_int_equal(new.add.failed, 0);
	assert_int_equal(get(b).generation, 1);
	/* And now all of it; what was undone has taken no id. */
	strings_done(&new.spec.after);
	assert_int_equal(apply(&both), 0);
	last = new.job.id;
	assert_int_equal(last, b + 1);
	assert_int_equal(get(last).due.usec, 30 * MINUTE);
	assert_int_equal(get(a).generation, 2);
	assert_int_equal(get(b).generation, 2);
}

static void
what_is_edited_may_wait_for_what_is_new_but_not_in_a_circle(void **state)
{
	struct job_spec spec = { .name = (char *)(uintptr_t)"old", .timer = &timer };
	int64_t id = add(&spec, 20 * MINUTE);
	struct op_edit e = edit_of(id, &spec), *edits[] = { &e };
	struct together new;
	struct op_apply both = { .add = &new.add, .edits = edits, .n = 1 };

	(void)state;
	together_init(&new, "new", "old");
	strings_add(&spec.after, "new");
	e.parents = e.rescheduled = true;
	assert_int_equal(apply(&both), -ELOOP);
	assert_true(both.of_edit);
	assert_int_equal(e.failed_after, 0);
	assert_false(is_there("new"));
	strings_done(&new.spec.after);
	new.job.due.usec = 30 * MINUTE;
	assert_int_equal(apply(&both), 0);
	assert_int_equal(get(id).state, JOB_BLOCKED);
	strings_done(&spec.after);
}

static void
a_dry_one_tells_what_would_be_refused_and_keeps_nothing(void **state)
{
	struct job_spec spec = { .every = MINUTE, .timer = &timer };
	int64_t id = add(&spec, 20 * MINUTE);
	struct op_edit e = edit_of(id, &spec), *edits[] = { &e };
	struct together new;
	struct op_apply both = { .add = &new.add, .edits = edits, .n = 1, .dry = true };

	(void)state;
	together_init(&new, "new", NULL);
	new.job.due.usec = 30 * MINUTE;
	assert_int_equal(apply(&both), -ECANCELED);
	assert_false(new.job.existed);
	assert_int_equal(get(id).generation, 1);
	assert_false(is_there("new"));
	strings_add(&spec.after, "nobody");
	e.parents = e.rescheduled = true;
	assert_int_equal(apply(&both), -ENXIO);
	assert_true(both.of_edit);
	strings_done(&spec.after);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_edit_keeps_id_runs_and_due),
		TEST(of_two_editors_the_second_is_refused),
		TEST(what_was_due_by_the_old_schedule_is_skipped),
		TEST(a_due_that_may_be_claimed_just_now_is_asked_for_again),
		TEST(a_due_that_was_counted_from_another_one_is_refused),
		TEST(a_due_that_was_run_is_not_given_again),
		TEST(a_pause_stays_unless_the_edit_says_otherwise),
		TEST(a_job_cannot_come_to_wait_for_itself),
		TEST(a_job_that_waits_for_another_from_now_on_is_blocked),
		TEST(a_check_depends_on_the_same_job_whatever_that_is_called_now),
		TEST(only_the_owner_may),
		TEST(adds_and_edits_are_done_together_or_not_at_all),
		TEST(what_is_edited_may_wait_for_what_is_new_but_not_in_a_circle),
		TEST(a_dry_one_tells_what_would_be_refused_and_keeps_nothing),
	};

	return cmocka_run_group_tests_name("store_edit", tests, NULL, NULL);
}
