/*
 * What is stored of queues, and the claims that queue a run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <unistd.h>

#include "daemon/store/migrate.h"
#include "daemon/store/sqlite.h"
#include "tests/harness/storehouse.h"

static struct storehouse house;

static int
setup(void **state)
{
	(void)state;
	storehouse_init(&house, STORE_INLINE);
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

static struct timer_spec timer = { 1 };
static struct strings argv = { (char *[]){ (char *)(uintptr_t)"true" }, 1 };

/* The add's result; *ret_id and *ret_new of the job. */
static int
add(struct job_spec spec, int64_t *ret_id, bool *ret_new)
{
	struct command_spec command = { .argv = argv };
	struct job_new job = { .spec = &spec, .spec_json = "{}", .summary = "", .due = { 100 } };
	struct op_add op = { .jobs = &job, .n = 1, .uid = 7, .now = { 1 } };
	int r;

	if (spec.timer == NULL)
		spec.command = &command;
	r = storehouse_do(&house, &op.op, OP_ADD);
	*ret_id = job.id;
	*ret_new = job.new_queue;
	return r;
}

static int64_t
added(struct job_spec spec)
{
	int64_t id;
	bool new;

	assert_int_equal(add(spec, &id, &new), 0);
	return id;
}

static int
set(const char *name, bool create, int64_t slots, int64_t paused)
{
	struct op_queue_set op = { .name = name, .create = create, .slots = slots, .rate = -1,
	    .paused = paused, .by = "uid 7", .now = { 50 } };
	int r = storehouse_do(&house, &op.op, OP_QUEUE_SET);

	op_queue_set_done(&op);
	return r;
}

static int
drop(const char *name)
{
	struct op_queue_remove op = { .name = name };

	return storehouse_do(&house, &op.op, OP_QUEUE_REMOVE);
}

static int
claim(struct op_claim *c, int64_t job, int64_t due)
{
	c->job = job;
	c->due.usec = due;
	c->next_due.usec = due + 10;
	c->noticed.usec = due + 1;
	c->started.usec = due + 2;
	return storehouse_do(&house, &c->op, OP_CLAIM);
}

static struct run_info
run_of(int64_t job, int64_t run)
{
	struct op_runs o = { .job = job, .run = run };
	struct run_info info;

	assert_int_equal(storehouse_do(&house, &o.op, OP_RUNS), 0);
	info = o.runs[0];
	o.runs[0] = (struct run_info){ .run = 0 };
	op_runs_done(&o);
	return info;
}

static void
a_queue_is_there_when_it_is_made_or_named(void **state)
{
	struct op_queues all = { .n = 0 };
	int64_t id;
	bool new;

	(void)state;
	assert_int_equal(set("made", false, 2, -1), -ENOENT);
	assert_int_equal(set("made", true, 2, -1), 0);
	assert_int_equal(set("made", true, 2, -1), -EEXIST);
	assert_int_equal(set("default", true, 2, -1), -EEXIST);
	assert_int_equal(set("default", false, 9, -1), 0);
	assert_int_equal(add((struct job_spec){ .timer = &timer, .queue = (char *)(uintptr_t)"named" },
	    &id, &new), 0);
	assert_true(new);
	assert_int_equal(add((struct job_spec){ .timer = &timer, .queue = (char *)(uintptr_t)"named" },
	    &id, &new), 0);
	assert_false(new);
	assert_int_equal(set("made", false, -1, 1), 0);
	reopen();
	assert_int_equal(storehouse_do(&house, &all.op, OP_QUEUES), 0);
	assert_int_equal(all.n, 3);
	assert_string_equal(all.rows[0].name, "default");
	assert_int_equal(all.rows[0].slots, 9);
	assert_string_equal(all.rows[1].name, "made");
	assert_int_equal(all.rows[1].slots, 2);
	assert_int_equal(all.rows[1].paused.usec, 50);
	assert_string_equal(all.rows[1].paused_by, "uid 7");
	assert_string_equal(all.rows[2].name, "named");
	assert_int_equal(all.rows[2].slots, 0);
	op_queues_done(&all);
}

static void
a_queue_that_jobs_name_stays(void **state)
{
	struct op_remove remove = { .uid = -1 };

	(void)state;
	remove.job = added((struct job_spec){ .timer = &timer, .queue = (char *)(uintptr_t)"q" });
	assert_int_equal(drop("q"), -EBUSY);
	assert_int_equal(drop("schedule"), -EBUSY);
	assert_int_equal(drop("none"), -ENOENT);
	assert_int_equal(storehouse_do(&house, &remove.op, OP_REMOVE), 0);
	op_remove_done(&remove);
	assert_int_equal(drop("q"), 0);
	assert_int_equal(drop("q"), -ENOENT);
}

static void
queues_have_a_limit_and_a_refused_add_makes_none(void **state)
{
	struct op_queues all = { .n = 0 };
	char name[16];
	int64_t id;
	bool new;

	(void)state;
	for (int i = 0; i < QUEUES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "q%04d", i);
		assert_int_equal(set(name, true, 1, -1), 0);
	}
	assert_int_equal(set("more", true, 1, -1), -EUSERS);
	assert_int_equal(add((struct job_spec){ .timer = &timer, .queue = (char *)(uintptr_t)"more" },
	    &id, &new), -EUSERS);
	assert_int_equal(drop("q0000"), 0);
	assert_int_equal(add((struct job_spec){ .timer = &timer, .name = (char *)(uintptr_t)"n" },
	    &id, &new), 0);
	assert_int_equal(add((struct job_spec){ .timer = &timer, .name = (char *)(uintptr_t)"n",
	    .queue = (char *)(uintptr_t)"more" }, &id, &new), -EEXIST);
	assert_int_equal(storehouse_do(&house, &all.op, OP_QUEUES), 0);
	assert_int_equal(all.n, QUEUES_MAX - 1);
	op_queues_done(&all);
}

/* What a plain add leaves in the row is nothing: the index of queues is not touched by it. */
static void
jobs_are_told_with_the_queue_they_are_in(void **state)
{
	struct op_due due = { .until = { 1000 } };
	struct op_list list = { .kind = -1, .uid = -1, .queue = "schedule" };

	(void)state;
	(void)added((struct job_spec){ .name = NULL });
	(void)added((struct job_spec){ .every = USEC_SEC });
	(void)added((struct job_spec){ .timer = &timer });
	(void)added((struct job_spec){ .timer = &timer, .queue = (char *)(uintptr_t)"q", .priority = 3,
	    .slots = 2, .mutex = (char *)(uintptr_t)"m", .overlap = OVERLAP_QUEUE,
	    .overlap_limit = 5 });
	assert_int_equal(storehouse_do(&house, &due.op, OP_DUE), 0);
	assert_int_equal(due.n, 4);
	assert_null(due.rows[0].terms.queue);
	assert_string_equal(terms_queue(&due.rows[0].terms, due.rows[0].kind), "default");
	assert_string_equal(due.rows[1].terms.queue, "schedule");
	assert_null(terms_queue(&due.rows[2].terms, due.rows[2].kind));
	assert_string_equal(due.rows[3].terms.queue, "q");
	assert_string_equal(due.rows[3].terms.mutex, "m");
	assert_int_equal(due.rows[3].terms.priority, 3);
	assert_int_equal(due.rows[3].terms.slots, 2);
	assert_int_equal(due.rows[3].terms.overlap, OVERLAP_QUEUE);
	assert_int_equal(due.rows[3].terms.overlap_limit, 5);
	assert_int_equal(due.rows[3].uid, 7);
	op_due_done(&due);
	assert_int_equal(storehouse_do(&house, &list.op, OP_LIST), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.jobs[0].id, 2);
	assert_string_equal(list.jobs[0].queue, "schedule");
	op_list_done(&list);
}

static void
dues_of_one_queue_and_user_are_found_behind_any_number_of_others(void **state)
{
	struct op_due due = { .until = { 1000 }, .some = true, .uid = 7, .queue = "q" };
	int64_t seen = 0, looks = 0;

	(void)state;
	for (int i = 0; i < SCAN_ROWS_MAX + 500; i++)
		(void)added((struct job_spec){ .timer = &timer });
	(void)added((struct job_spec){ .timer = &timer, .queue = (char *)(uintptr_t)"q" });
	do {
		assert_int_equal(storehouse_do(&house, &due.op, OP_DUE), 0);
		due.after_due = due.last_due;
		due.after_id = due.last_id;
		seen += (int64_t)due.n;
		looks++;
		for (size_t i = 0; i < due.n; i++)
			assert_string_equal(due.rows[i].terms.queue, "q");
		if (!due.more)
			break;
		op_due_done(&due);
	} while (looks < 10);
	op_due_done(&due);
	assert_int_equal(seen, 1);
	assert_int_equal(looks, 2);
}

static void
an_occurrence_waits_as_a_queued_run_until_as_many_do_as_may(void **state)
{
	int64_t job = added((struct job_spec){ .timer = &timer, .every = USEC_SEC });
	struct op_claim c = { .queue = false };
	struct run_info run;

	(void)state;
	assert_int_equal(claim(&c, job, 100), 0);
	op_claim_done(&c);
	c = (struct op_claim){ .queue = true, .queue_max = 1, .mark = MARK_DST_GAP };
	assert_int_equal(claim(&c, job, 110), 0);
	assert_true(c.born && !c.full);
	assert_int_equal(c.run, 2);
	assert_int_equal(c.job_state, JOB_RUNNING);
	op_claim_done(&c);
	c = (struct op_claim){ .queue = true, .queue_max = 1 };
	assert_int_equal(claim(&c, job, 120), 0);
	assert_true(c.full);
	op_claim_done(&c);
	reopen();
	run = run_of(job, 2);
	assert_int_equal(run.state, RUN_QUEUED);
	assert_int_equal(run.due.usec, 110);
	assert_false(run.manual);
	run_info_done(&run);
	/* Its own claim later knows what the occurrence was. */
	c = (struct op_claim){ .run = 2 };
	assert_int_equal(claim(&c, job, 0), 0);
	assert_int_equal(c.run_due.usec, 110);
	assert_int_equal(c.previous.usec, 100);
	assert_int_equal(c.noticed.usec, 111);
	assert_int_equal(c.mark, MARK_DST_GAP);
	assert_false(c.manual);
	op_claim_done(&c);
}

static void
a_run_that_replaces_marks_and_cancels_in_its_own_transaction(void **state)
{
	int64_t job = added((struct job_spec){ .timer = &timer, .every = USEC_SEC });
	struct op_trigger t = { .job = job, .now = { 105 }, .uid = -1 };
	struct op_claim c = { .queue = false };
	struct run_info run;

	(void)state;
	assert_int_equal(claim(&c, job, 100), 0);
	op_claim_done(&c);
	assert_int_equal(storehouse_do(&house, &t.op, OP_TRIGGER), 0);
	op_trigger_done(&t);
	c = (struct op_claim){ .queue = true, .replace = true };
	assert_int_equal(claim(&c, job, 110), 0);
	assert_int_equal(c.replaced, 0);
	op_claim_done(&c);
	c = (struct op_claim){ .queue = true, .replace = true };
	assert_int_equal(claim(&c, job, 120), 0);
	assert_int_equal(c.replaced, 3);
	op_claim_done(&c);
	reopen();
	run = run_of(job, 1);
	assert_int_equal(run.state, RUN_RUNNING);
	assert_string_equal(run.canceled_by, "run 1.3, which replaces it");
	run_info_done(&run);
	run = run_of(job, 2);
	assert_int_equal(run.state, RUN_QUEUED);	/* by hand: it keeps its place */
	run_info_done(&run);
	run = run_of(job, 3);
	assert_int_equal(run.state, RUN_CANCELED);
	assert_string_equal(run.canceled_by, "run 1.4, which replaces it");
	run_info_done(&run);
	run = run_of(job, 4);
	assert_int_equal(run.state, RUN_QUEUED);
	run_info_done(&run);
}

/* A job of form 2, as the columns stand there: id, kind, every, on boot, schedule. */
#define FORM_2 "INSERT INTO job (uid, kind, state, paused, due, overlap, misfire, generation, created, runs, " \
	"skips, queued, running, summary, spec, id, every_usec, on_boot, schedule) VALUES (7, %d, 0, 0, 100, " \
	"0, 0, 1, 1, 0, 0, 0, 0, '', '{}', %d, %d, %d, %s);"

static void
jobs_of_form_2_go_where_they_would_go_now(void **state)
{
	static const struct {
		int		 kind, every, on_boot;
		const char	*schedule, *queue;
	} jobs[] = {
		{ KIND_COMMAND, 0, 0, "NULL", QUEUE_DEFAULT },
		{ KIND_COMMAND, 1000000, 0, "NULL", QUEUE_SCHEDULE },
		{ KIND_COMMAND, 0, 1, "'{\"onBoot\":true}'", QUEUE_SCHEDULE },
		{ KIND_COMMAND, 0, 0, "'{\"cron\":\"@daily\"}'", QUEUE_SCHEDULE },
		{ KIND_COMMAND, 0, 0, "'{\"calendar\":\"daily\"}'", QUEUE_SCHEDULE },
		{ KIND_COMMAND, 0, 0, "'{\"jitterUSec\":5}'", QUEUE_DEFAULT },
		{ KIND_TIMER, 1000000, 0, "NULL", NULL },
	};
	char error[STORE_ERROR_MAX], text[600];
	sqlite3 *db;

	(void)state;
	storehouse_close(&house);
	unlink(storehouse_path(&house, "jobd.db-wal"));
	unlink(storehouse_path(&house, "jobd.db-shm"));
	unlink(storehouse_path(&house, "jobd.db"));
	assert_int_equal(sqlite3_open(storehouse_path(&house, "jobd.db"), &db), SQLITE_OK);
	assert_int_equal(migrate(db, migrate_steps, 2, 0, error), 0);
	for (int i = 0; i < (int)(sizeof(jobs) / sizeof(jobs[0])); i++) {
		(void)snprintf(text, sizeof(text), FORM_2, jobs[i].kind, i + 1, jobs[i].every,
		    jobs[i].on_boot, jobs[i].schedule);
		assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	}
	sqlite3_close(db);
	assert_int_equal(storehouse_open(&house), 0);
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		struct op_get get = { .id = (int64_t)i + 1 };

		assert_int_equal(storehouse_do(&house, &get.op, OP_GET), 0);
		if (jobs[i].queue == NULL)
			assert_null(get.job.queue);
		else
			assert_string_equal(get.job.queue, jobs[i].queue);
		op_get_done(&get);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_queue_is_there_when_it_is_made_or_named),
		T(a_queue_that_jobs_name_stays),
		T(queues_have_a_limit_and_a_refused_add_makes_none),
		T(jobs_are_told_with_the_queue_they_are_in),
		T(dues_of_one_queue_and_user_are_found_behind_any_number_of_others),
		T(jobs_of_form_2_go_where_they_would_go_now),
		T(an_occurrence_waits_as_a_queued_run_until_as_many_do_as_may),
		T(a_run_that_replaces_marks_and_cancels_in_its_own_transaction),
	};

	return cmocka_run_group_tests_name("store_queues", tests, NULL, NULL);
}
