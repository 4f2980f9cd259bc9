/*
 * Jobs that wait for others, in the store: when they become due, what is told of it, that it is cut into
 * slices, and that nothing of it is lost or done twice when the store is closed in between.
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

#define NOW ((instant){ 1000 })

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

static void
reopen(void)
{
	storehouse_close(&house);
	assert_int_equal(storehouse_open(&house), 0);
}

/* ---- shorthands ---- */

struct asked {
	struct job_spec	spec;
	char		name[16], after[2][24], *afters[2];
};

static struct timer_spec a_second = { .duration = USEC_SEC };

/* One job of an Add that waits for up to two others. */
static struct job_new
ask(struct asked *a, const char *name, const char *first, const char *second)
{
	a->spec = (struct job_spec){ .timer = &a_second };
	(void)snprintf(a->name, sizeof(a->name), "%s", name);
	a->spec.name = a->name;
	(void)snprintf(a->after[0], sizeof(a->after[0]), "%s", first != NULL ? first : "");
	(void)snprintf(a->after[1], sizeof(a->after[1]), "%s", second != NULL ? second : "");
	a->afters[0] = a->after[0];
	a->afters[1] = a->after[1];
	a->spec.after = (struct strings){ a->afters, (first != NULL) + (size_t)(second != NULL) };
	return (struct job_new){ .spec = &a->spec, .summary = "1s",
	    .spec_json = "{\"timer\":{\"durationUSec\":1000000}}" };
}

/* Its id, or why not. */
static int64_t
add(const char *name, const char *first, const char *second)
{
	struct asked a;
	struct job_new job = ask(&a, name, first, second);
	struct op_add o = { .jobs = &job, .n = 1, .uid = 1000, .now = NOW };
	int r = storehouse_do(&house, &o.op, OP_ADD);

	op_add_done(&o);
	return r < 0 ? r : job.id;
}

/* n jobs, the i-th called PREFIXi, that wait for `after`, or each for the one before it. */
static void
add_many(const char *prefix, int from, int n, const char *after)
{
	struct asked *asked = xcalloc((size_t)n, sizeof(*asked));
	struct job_new *jobs = xcalloc((size_t)n, sizeof(*jobs));
	struct op_add o = { .jobs = jobs, .n = (size_t)n, .uid = 1000, .now = NOW };
	char name[16], before[16];

	for (int i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%s%d", prefix, from + i);
		(void)snprintf(before, sizeof(before), "%s%d", prefix, from + i - 1);
		jobs[i] = ask(&asked[i], name, after != NULL ? after : before, NULL);
	}
	assert_int_equal(storehouse_do(&house, &o.op, OP_ADD), 0);
	op_add_done(&o);
	free(asked);
	free(jobs);
}

static struct job_info
get(int64_t id)
{
	struct op_get o = { .id = id };
	struct job_info job;

	assert_int_equal(storehouse_do(&house, &o.op, OP_GET), 0);
	job = o.job;
	job.name = job.summary = job.waits_for = NULL;
	job.spec = NULL;
	job.last = NULL;
	op_get_done(&o);
	return job;
}

static int64_t
trigger(int64_t job)
{
	struct op_trigger t = { .job = job, .now = NOW, .uid = -1 };
	struct op_claim c = { .job = job, .node = 1, .started = NOW };

	assert_int_equal(storehouse_do(&house, &t.op, OP_TRIGGER), 0);
	c.run = t.run;
	assert_int_equal(storehouse_do(&house, &c.op, OP_CLAIM), 0);
	op_claim_done(&c);
	op_trigger_done(&t);
	return c.run;
}

/* The run is over; what that told. */
static struct dependents
end(int64_t job, int64_t run, int outcome, int64_t at)
{
	struct run_info info = RUN_INFO_NONE;
	struct op_finish o = { .run = &info, .from = RUN_RUNNING };

	info.job = job;
	info.run = run;
	info.state = outcome;
	info.ended = (instant){ at };
	assert_int_equal(storehouse_do(&house, &o.op, OP_FINISH), 0);
	return o.dependents;
}

/* The job runs by hand and ends so.  How many were told in the same op; *more. */
static size_t
run(int64_t job, int outcome, int64_t at, bool *more)
{
	struct dependents d = end(job, trigger(job), outcome, at);
	size_t n = d.n;

	if (more != NULL)
		*more = d.more;
	dependents_done(&d);
	return n;
}

/* The occurrence that the job has. */
static int
claim(int64_t job, struct dependents *told)
{
	struct op_claim c = { .job = job, .due = get(job).due, .node = 1, .started = { 5000 } };
	int r = storehouse_do(&house, &c.op, OP_CLAIM);

	if (told != NULL) {
		*told = c.dependents;
		c.dependents = (struct dependents){ .n = 0 };
	}
	op_claim_done(&c);
	return r;
}

/* One slice.  How many were told; *more. */
static size_t
spread(bool *more)
{
	struct op_spread o = { .op.kind = OP_SPREAD };
	size_t n;

	assert_int_equal(storehouse_do(&house, &o.op, OP_SPREAD), 0);
	n = o.dependents.n;
	*more = o.dependents.more;
	op_spread_done(&o);
	return n;
}

static size_t
spread_all(size_t *most)
{
	size_t told = 0, n;
	bool more = true;

	while (more) {
		n = spread(&more);
		told += n;
		if (most != NULL && n > *most)
			*most = n;
	}
	return told;
}

static long long
count(const char *where)
{
	char text[200];
	long long n;

	(void)snprintf(text, sizeof(text), "SELECT count(*) FROM job WHERE %s", where);
	storehouse_close(&house);
	n = storehouse_sql(&house, text);
	assert_int_equal(storehouse_open(&house), 0);
	return n;
}

/* ---- one child ---- */

static void
a_child_is_due_when_its_parent_has_ended_as_asked(void **state)
{
	int64_t parent = storehouse_add(&house, "p", 10, 0), child = add("c", "p", NULL);
	struct dependents d;

	(void)state;
	assert_int_equal(get(child).state, JOB_BLOCKED);
	assert_int_equal(get(parent).dependents, 1);
	d = end(parent, trigger(parent), RUN_SUCCEEDED, 2000);

	assert_int_equal(d.n, 1);
	assert_false(d.more);
	assert_int_equal(d.items[0].row.id, child);
	assert_int_equal(d.items[0].row.due.usec, 2000);
	assert_string_equal(d.items[0].name, "c");
	assert_int_equal(d.items[0].was, JOB_BLOCKED);
	assert_int_equal(d.items[0].job_state, JOB_SCHEDULED);
	dependents_done(&d);
	reopen();
	assert_int_equal(get(child).due.usec, 2000);
}

static void
an_end_that_was_not_asked_for_leaves_it_blocked(void **state)
{
	int64_t parent = storehouse_add(&house, "p", 10, 0);
	int64_t ok = add("ok", "p", NULL), fail = add("fail", "p:fail", NULL);
	int64_t any = add("any", "p:any", NULL);

	(void)state;
	(void)run(parent, RUN_CANCELED, 2000, NULL);

	assert_int_equal(get(ok).state, JOB_BLOCKED);
	assert_int_equal(get(fail).state, JOB_BLOCKED);
	assert_int_equal(get(any).due.usec, 2000);
	(void)run(parent, RUN_TIMED_OUT, 3000, NULL);
	assert_int_equal(get(fail).due.usec, 3000);
	assert_int_equal(get(ok).state, JOB_BLOCKED);
}

static void
all_parents_must_have_ended_and_each_end_counts_once(void **state)
{
	int64_t a = storehouse_add(&house, "a", 10, 0), b = storehouse_add(&house, "b", 10, 0);
	int64_t child = add("c", "a", "b:any");
	struct dependents told;

	(void)state;
	assert_int_equal(run(a, RUN_SUCCEEDED, 2000, NULL), 0);
	assert_int_equal(run(a, RUN_SUCCEEDED, 2001, NULL), 0);
	assert_int_equal(run(b, RUN_FAILED, 2002, NULL), 1);
	assert_int_equal(claim(child, &told), 0);
	assert_int_equal(told.n, 0);
	assert_int_equal(run(b, RUN_FAILED, 2003, NULL), 0);
	assert_false(instant_is_set(get(child).due));
	assert_int_equal(run(a, RUN_SUCCEEDED, 2004, NULL), 1);
	assert_int_equal(get(child).due.usec, 2004);
}

static void
ends_while_it_is_due_are_kept_for_the_next_time(void **state)
{
	int64_t parent = storehouse_add(&house, "p", 10, 0), child = add("c", "p", NULL);
	struct dependents told;

	(void)state;
	assert_int_equal(run(parent, RUN_SUCCEEDED, 2000, NULL), 1);
	assert_int_equal(run(parent, RUN_SUCCEEDED, 2001, NULL), 0);
	assert_int_equal(claim(child, &told), 0);

	assert_int_equal(told.n, 1);
	assert_int_equal(told.items[0].row.id, child);
	assert_int_equal(told.items[0].row.due.usec, 5000);
	dependents_done(&told);
	assert_int_equal(claim(child, &told), 0);
	assert_int_equal(told.n, 0);
	assert_int_equal(claim(child, NULL), -ESTALE);
}

/* The clock was set back, say: no two occurrences are due at the same instant. */
static void
a_due_comes_after_the_one_before(void **state)
{
	int64_t parent = storehouse_add(&house, "p", 10, 0), child = add("c", "p", NULL);

	(void)state;
	(void)run(parent, RUN_SUCCEEDED, 2000, NULL);
	assert_int_equal(claim(child, NULL), 0);
	(void)run(parent, RUN_SUCCEEDED, 1500, NULL);
	assert_int_equal(get(child).due.usec, 2001);
}

static void
a_finished_parent_counts_by_its_latest_run(void **state)
{
	int64_t good = storehouse_add(&house, "good", 10, 0), bad = storehouse_add(&house, "bad", 10, 0);
	int64_t child;

	(void)state;
	assert_int_equal(claim(good, NULL), 0);
	assert_int_equal(claim(bad, NULL), 0);
	dependents_done(&(struct dependents){ .n = 0 });
	(void)end(good, 1, RUN_SUCCEEDED, 2000);
	(void)end(bad, 1, RUN_FAILED, 2000);
	assert_int_equal(get(good).state, JOB_FINISHED);

	assert_int_equal(get(add("c1", "good", NULL)).due.usec, NOW.usec);
	child = add("c2", "bad", "good");
	assert_int_equal(get(child).state, JOB_FINISHED);
	assert_int_equal(run(bad, RUN_SUCCEEDED, 3000, NULL), 1);
	assert_int_equal(get(child).due.usec, 3000);
}

static void
what_waits_in_vain_is_finished_down_the_chain_and_revived(void **state)
{
	int64_t parent = storehouse_add(&house, "p", 10, 0);
	int64_t child = add("c", "p", NULL), grandchild = add("g", "c:any", NULL);
	struct dependents d;

	(void)state;
	assert_int_equal(claim(parent, NULL), 0);
	d = end(parent, 1, RUN_FAILED, 2000);
	assert_int_equal(d.n, 2);
	dependents_done(&d);
	assert_int_equal(get(child).state, JOB_FINISHED);
	assert_int_equal(get(grandchild).state, JOB_FINISHED);
	(void)trigger(parent);
	assert_int_equal(get(child).state, JOB_BLOCKED);
	assert_int_equal(get(grandchild).state, JOB_BLOCKED);
	d = end(parent, 2, RUN_SUCCEEDED, 3000);
	dependents_done(&d);
	assert_int_equal(get(child).due.usec, 3000);
}

static void
removing_a_parent_says_how_many_waited_and_holds_them_for_good(void **state)
{
	int64_t parent = storehouse_add(&house, "p", 10, 0);
	int64_t child = add("c", "p", NULL), other = add("o", "p:fail", NULL);
	struct op_remove o = { .job = parent, .uid = -1, .now = { 2000 } };

	(void)state;
	assert_int_equal(storehouse_do(&house, &o.op, OP_REMOVE), 0);
	assert_int_equal(o.waited, 2);
	assert_int_equal(o.dependents.n, 2);
	op_remove_done(&o);
	assert_int_equal(get(child).state, JOB_FINISHED);
	o = (struct op_remove){ .job = other, .uid = -1, .now = { 2000 } };
	assert_int_equal(storehouse_do(&house, &o.op, OP_REMOVE), 0);
	assert_int_equal(o.waited, 0);
	op_remove_done(&o);
}

/* ---- what is refused ---- */

static void
parents_that_are_not_there_are_refused_and_nothing_is_added(void **state)
{
	struct asked asked[2];
	struct job_new jobs[2];
	struct op_add o = { .jobs = jobs, .n = 2, .uid = 1000, .now = NOW };

	(void)state;
	assert_int_equal(add("c", "nobody", NULL), -ENOENT);
	/* The id that it is about to get. */
	assert_int_equal(add("c", "1", NULL), -ENOENT);
	jobs[0] = ask(&asked[0], "a", NULL, NULL);
	jobs[1] = ask(&asked[1], "b", "a", "zzz");
	assert_int_equal(storehouse_do(&house, &o.op, OP_ADD), -ENOENT);
	assert_int_equal(o.failed, 1);
	assert_int_equal(o.failed_after, 1);
	assert_int_equal(count("1"), 0);
}

static void
one_parent_by_id_and_by_name_is_the_same(void **state)
{
	(void)state;
	assert_int_equal(storehouse_add(&house, "p", 10, 0), 1);
	assert_int_equal(add("c", "p", "1:any"), -ENOTUNIQ);
}

static void
jobs_of_one_add_name_one_another_in_any_order(void **state)
{
	struct asked asked[3];
	struct job_new jobs[3];
	struct op_add o = { .jobs = jobs, .n = 3, .uid = 1000, .now = NOW };

	(void)state;
	jobs[0] = ask(&asked[0], "last", "middle", NULL);
	jobs[1] = ask(&asked[1], "middle", "first", NULL);
	jobs[2] = ask(&asked[2], "first", NULL, NULL);
	jobs[2].due = (instant){ 10 };
	assert_int_equal(storehouse_do(&house, &o.op, OP_ADD), 0);
	op_add_done(&o);
	assert_int_equal(get(jobs[0].id).state, JOB_BLOCKED);
	assert_int_equal(get(jobs[1].id).state, JOB_BLOCKED);
	(void)run(jobs[2].id, RUN_SUCCEEDED, 2000, NULL);
	assert_int_equal(get(jobs[1].id).due.usec, 2000);
}

/* ---- many ---- */

static void
ten_thousand_children_are_told_in_slices_and_one_more_is_refused(void **state)
{
	int64_t parent = storehouse_add(&house, "p", 10, 0);
	size_t told, most = 0;
	bool more;

	(void)state;
	for (int i = 0; i < DEPENDENTS_MAX; i += ADD_JOBS_MAX)
		add_many("c", i, ADD_JOBS_MAX, "p");
	assert_int_equal(add("over", "p", NULL), -EMLINK);
	told = run(parent, RUN_SUCCEEDED, 2000, &more);
	assert_in_range(told, 1, 100);
	assert_true(more);
	/* Killed in the midst of it: what was told is durable, and so is what was not. */
	told += spread(&more);
	assert_true(more);
	assert_int_equal(count("due = 2000"), told);
	told += spread_all(&most);

	assert_int_equal(told, DEPENDENTS_MAX);
	assert_in_range(most, 1, 1000);
	assert_int_equal(count("due = 2000"), DEPENDENTS_MAX);
}

/* Whoever has written it: the parent ends all the same, and the other children hear of it. */
static void
a_damaged_row_holds_up_nobody_else(void **state)
{
	int64_t parent = storehouse_add(&house, "p", 10, 0);
	int64_t broken = add("broken", "p", NULL), child = add("c", "p", NULL);

	(void)state;
	storehouse_close(&house);
	(void)storehouse_sql(&house, "UPDATE dependency SET condition = 9 WHERE child = 2");
	assert_int_equal(storehouse_open(&house), 0);
	assert_int_equal(run(parent, RUN_SUCCEEDED, 2000, NULL), 1);
	assert_int_equal(get(child).due.usec, 2000);
	assert_int_equal(broken, 2);
	storehouse_close(&house);
	(void)storehouse_sql(&house, "UPDATE dependency SET condition = 0 WHERE child = 2");
	assert_int_equal(storehouse_open(&house), 0);
}

static void
ends_are_told_in_their_order_however_many_wait(void **state)
{
	int64_t parent = storehouse_add(&house, "p", 10, 0);

	(void)state;
	add_many("ok", 0, 500, "p");
	add_many("fail", 0, 500, "p:fail");
	(void)run(parent, RUN_FAILED, 2000, NULL);
	(void)run(parent, RUN_SUCCEEDED, 2001, NULL);
	(void)run(parent, RUN_FAILED, 2002, NULL);
	(void)spread_all(NULL);
	assert_int_equal(count("due = 2000"), 500);
	assert_int_equal(count("due = 2001"), 500);
	/* The second failure is kept for those that are due. */
	assert_int_equal(count("unmet = 0 AND parents = 1"), 500);
}

static void
a_chain_of_thousands_falls_and_is_revived_in_slices(void **state)
{
	int64_t parent = storehouse_add(&house, "c0", 10, 0);
	struct dependents d;
	size_t most = 0;

	(void)state;
	for (int i = 1; i < 5000; i += ADD_JOBS_MAX)
		add_many("c", i, ADD_JOBS_MAX, NULL);
	assert_int_equal(claim(parent, NULL), 0);
	d = end(parent, 1, RUN_FAILED, 2000);
	assert_true(d.more);
	assert_in_range(d.n, 1, 100);
	dependents_done(&d);
	reopen();
	(void)spread_all(&most);
	assert_in_range(most, 1, 1000);
	assert_int_equal(count("state = 7"), 5001);
	(void)trigger(parent);
	(void)spread_all(NULL);
	assert_int_equal(count("state = 1"), 5000);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_child_is_due_when_its_parent_has_ended_as_asked),
		T(an_end_that_was_not_asked_for_leaves_it_blocked),
		T(all_parents_must_have_ended_and_each_end_counts_once),
		T(ends_while_it_is_due_are_kept_for_the_next_time),
		T(a_due_comes_after_the_one_before),
		T(a_finished_parent_counts_by_its_latest_run),
		T(what_waits_in_vain_is_finished_down_the_chain_and_revived),
		T(removing_a_parent_says_how_many_waited_and_holds_them_for_good),
		T(parents_that_are_not_there_are_refused_and_nothing_is_added),
		T(one_parent_by_id_and_by_name_is_the_same),
		T(jobs_of_one_add_name_one_another_in_any_order),
		T(ten_thousand_children_are_told_in_slices_and_one_more_is_refused),
		T(a_damaged_row_holds_up_nobody_else),
		T(ends_are_told_in_their_order_however_many_wait),
		T(a_chain_of_thousands_falls_and_is_revived_in_slices),
	};

	return cmocka_run_group_tests_name("store_after", tests, NULL, NULL);
}
