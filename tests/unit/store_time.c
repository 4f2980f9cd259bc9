/*
 * What the store knows of time: the daemon's life, shifts of the clock, other rules, the ledger of
 * a job, spans; and databases from before all that.
 */
#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/store/migrate.h"
#include "tests/harness/storehouse.h"

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

static long long
sql_of(const char *text)
{
	long long value;

	storehouse_close(&house);
	value = storehouse_sql(&house, text);
	assert_int_equal(storehouse_open(&house), 0);
	return value;
}

/* ---- shorthands ---- */

static struct op_life
life(const char *boot, usec_t offset, int64_t now)
{
	struct op_life l = { .boot = boot, .offset = offset, .now = { now } };

	assert_int_equal(storehouse_do(&house, &l.op, OP_LIFE), 0);
	return l;
}

static void
life_end(int64_t now)
{
	struct op_life l = { .end = true, .now = { now } };

	assert_int_equal(storehouse_do(&house, &l.op, OP_LIFE), 0);
}

/* One slice. */
static bool
shift(usec_t step, int64_t epoch)
{
	struct op_shift o = { .step = step, .epoch = epoch };

	assert_int_equal(storehouse_do(&house, &o.op, OP_SHIFT), 0);
	return o.more;
}

static int
skip_range(int64_t job, int64_t first, int64_t last, int64_t count, int cause, int64_t run,
    int64_t next)
{
	struct op_skip o = { .job = job, .first = { first }, .last = { last }, .count = count,
		.cause = cause, .run = run, .next_due = { next } };
	int r = storehouse_do(&house, &o.op, OP_SKIP);

	op_skip_done(&o);
	return r;
}

static int
claim(int64_t job, int64_t due, int64_t next, struct op_claim *ret)
{
	struct op_claim c = { .job = job, .due = { due }, .next_due = { next }, .node = 1,
		.mark = MARK_DST_GAP, .missed = 3, .noticed = { due + 1 }, .started = { due + 2 } };
	int r = storehouse_do(&house, &c.op, OP_CLAIM);

	op_claim_done(&c);
	if (ret != NULL)
		*ret = c;
	return r;
}

static struct op_get
get(int64_t job)
{
	struct op_get g = { .id = job, .runs_max = 10 };

	assert_int_equal(storehouse_do(&house, &g.op, OP_GET), 0);
	return g;
}

static int64_t
due_of(int64_t job)
{
	struct op_get g = get(job);
	int64_t due = g.job.due.usec;

	op_get_done(&g);
	return due;
}

/* One with more than every: its schedule as the store keeps it. */
static int64_t
add_scheduled(const char *schedule, int64_t due, bool on_boot, int64_t epoch)
{
	struct timer_spec timer = { .duration = USEC_SEC };
	struct job_spec spec = { .timer = &timer, .on_boot = on_boot };
	struct job_new job = { .spec = &spec, .spec_json = "{}", .summary = "1s",
		.schedule = schedule, .due = { due } };
	struct op_add add = { .jobs = &job, .n = 1, .uid = 1000, .now = { 1 }, .epoch = epoch };

	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
	return job.id;
}

static int64_t
add_every(int64_t due, usec_t every, int64_t epoch)
{
	struct timer_spec timer = { .duration = USEC_SEC };
	struct job_spec spec = { .timer = &timer, .every = every };
	struct job_new job = { .spec = &spec, .spec_json = "{}", .summary = "1s", .due = { due } };
	struct op_add add = { .jobs = &job, .n = 1, .uid = 1000, .now = { 1 }, .epoch = epoch };

	assert_int_equal(storehouse_do(&house, &add.op, OP_ADD), 0);
	return job.id;
}

/* ---- the daemon's life ---- */

static struct op_spans
spans(int64_t job, int64_t from, int64_t to)
{
	struct op_spans o = { .job = job, .from = { from }, .to = { to } };

	assert_int_equal(storehouse_do(&house, &o.op, OP_SPANS), 0);
	return o;
}

static void
the_time_between_two_daemons_is_a_span(void **state)
{
	struct op_spans o;

	(void)state;
	life("a", 0, 1000);
	assert_int_equal(spans(0, 0, 10000).n, 0);
	life_end(2000);
	reopen();
	life("a", 0, 5000);
	o = spans(0, 0, 10000);
	assert_int_equal(o.n, 1);
	assert_int_equal(o.rows[0].kind, SPAN_DOWN);
	assert_int_equal(o.rows[0].first.usec, 2000);
	assert_int_equal(o.rows[0].last.usec, 5000);
	/* It touches what it touches. */
	assert_int_equal(spans(0, 5001, 10000).n, 0);
	assert_int_equal(spans(0, 0, 1999).n, 0);
	assert_int_equal(spans(0, 3000, 3000).n, 1);
}

static void
on_boot_is_due_once_in_a_boot(void **state)
{
	int64_t job;

	(void)state;
	assert_int_equal(life("a", 0, 1000).booted, 0);
	job = add_scheduled("{\"onBoot\":true}", 0, true, 0);
	life_end(1500);
	reopen();
	/* The same boot: only the daemon was started anew. */
	assert_int_equal(life("a", 0, 2000).booted, 0);
	assert_int_equal(due_of(job), 0);
	reopen();
	assert_int_equal(life("b", 0, 3000).booted, 1);
	assert_int_equal(due_of(job), 3000);
	reopen();
	assert_int_equal(life("b", 0, 4000).booted, 0);
	assert_int_equal(claim(job, 3000, 0, NULL), 0);
	{
		struct run_info run = { .job = job, .run = 1, .state = RUN_SUCCEEDED, .attempt = 1,
			.exit_code = 0, .ended = { 3500 } };
		struct op_finish f = { .run = &run, .from = RUN_RUNNING };

		assert_int_equal(storehouse_do(&house, &f.op, OP_FINISH), 0);
		/* It waits for the next boot: it is not over. */
		assert_int_equal(f.job_state, JOB_SCHEDULED);
	}
	reopen();
	assert_int_equal(life("c", 0, 9000).booted, 1);
	assert_int_equal(due_of(job), 9000);
	assert_int_equal(skip_range(job, 9000, 9000, 1, SKIP_MISSED, 0, 0), 0);
	assert_int_equal(due_of(job), 0);
}

static void
offset_is_what_dues_are_in_line_with(void **state)
{
	struct op_life l;

	(void)state;
	l = life("a", 500, 1000);
	assert_int_equal(l.known, 500);
	assert_int_equal(l.epoch, 0);
	assert_int_equal(l.step, 0);
	/* Set while nobody was there: known is as before. */
	reopen();
	assert_int_equal(life("a", 700, 2000).known, 500);
	/* After a boot only the wall clock knows. */
	reopen();
	assert_int_equal(life("b", 900, 3000).known, 900);
}

/* ---- shifts ---- */

static void
a_shift_moves_dues_of_elapsed_time_alone_and_each_once(void **state)
{
	int64_t every = add_every(100000, USEC_MINUTE, 0), late = add_every(100000, USEC_MINUTE, 1);
	int64_t single = storehouse_add(&house, NULL, 100000, 0);
	int64_t cron = add_scheduled("{\"cron\":\"0 3 * * *\",\"timeZone\":\"UTC\"}", 100000, false, 0);
	int slices = 0;

	(void)state;
	life("a", 0, 1000);
	while (shift(5000, 1))
		slices++;
	assert_int_equal(slices, 1);
	assert_int_equal(due_of(every), 105000);
	/* Added by the new clock already. */
	assert_int_equal(due_of(late), 100000);
	assert_int_equal(due_of(single), 100000);
	assert_int_equal(due_of(cron), 100000);
	/* The next moves both. */
	while (shift(-2000, 2))
		;
	assert_int_equal(due_of(every), 103000);
	assert_int_equal(due_of(late), 98000);
	/* No due is before the beginning of time. */
	while (shift(-9000000, 3))
		;
	assert_int_equal(due_of(every), 1);
	assert_int_equal(sql_of("SELECT offset FROM clock"), 5000 - 2000 - 9000000);
	assert_int_equal(sql_of("SELECT epoch FROM clock"), 3);
}

static void
a_shift_that_was_cut_short_goes_on_where_it_was(void **state)
{
	enum { JOBS = 1200 };
	struct op_life l;

	(void)state;
	life("a", 100, 1000);
	for (int i = 0; i < JOBS; i++)
		add_every(1000000, USEC_MINUTE, 0);
	assert_true(shift(7, 1));
	reopen();
	l = life("a", 107, 2000);
	assert_int_equal(l.step, 7);
	assert_int_equal(l.known, 107);
	assert_int_equal(l.epoch, 1);
	while (shift(l.step, l.epoch))
		;
	assert_int_equal(sql_of("SELECT count(*) FROM job WHERE due = 1000007"), JOBS);
	reopen();
	l = life("a", 107, 3000);
	assert_int_equal(l.step, 0);
	assert_int_equal(l.known, 107);
	assert_int_equal(l.epoch, 1);
}

static void
a_shift_that_a_boot_cut_short_is_finished_and_the_next_one_moves_all(void **state)
{
	enum { JOBS = 600 };
	struct op_life l;

	(void)state;
	life("a", 100, 1000);
	for (int i = 0; i < JOBS; i++)
		add_every(1000000, USEC_MINUTE, 0);
	assert_true(shift(7, 1));
	reopen();
	l = life("b", 5000, 2000);
	assert_int_equal(l.known, 5000);
	while (l.step != 0 && shift(l.step, l.epoch))
		;
	assert_int_equal(sql_of("SELECT count(*) FROM job WHERE due = 1000007"), JOBS);
	while (shift(1000, l.epoch + 1))
		;
	assert_int_equal(sql_of("SELECT count(*) FROM job WHERE due = 1001007"), JOBS);
	assert_int_equal(sql_of("SELECT offset FROM clock"), 6000);
}

static void
a_shift_ends_also_without_jobs(void **state)
{
	(void)state;
	life("a", 0, 1000);
	assert_false(shift(5, 1));
	assert_int_equal(sql_of("SELECT offset FROM clock"), 5);
}

/* ---- other rules ---- */

static void
redue_moves_a_due_that_is_still_the_same(void **state)
{
	int64_t job = add_scheduled("{\"cron\":\"0 3 * * *\",\"timeZone\":\"UTC\"}", 1000, false, 0);
	struct op_redue o = { .job = job, .from = { 1000 }, .to = { 2000 } };
	struct op_get g;

	(void)state;
	assert_int_equal(storehouse_do(&house, &o.op, OP_REDUE), 0);
	assert_int_equal(due_of(job), 2000);
	o = (struct op_redue){ .job = job, .from = { 1000 }, .to = { 3000 } };
	assert_int_equal(storehouse_do(&house, &o.op, OP_REDUE), -ESTALE);
	o = (struct op_redue){ .job = 999, .from = { 1000 }, .to = { 3000 } };
	assert_int_equal(storehouse_do(&house, &o.op, OP_REDUE), -ESTALE);
	/* It comes no more. */
	o = (struct op_redue){ .job = job, .from = { 2000 } };
	assert_int_equal(storehouse_do(&house, &o.op, OP_REDUE), 0);
	g = get(job);
	assert_int_equal(g.job.state, JOB_FINISHED);
	op_get_done(&g);
}

static void
scheduled_jobs_come_in_pages_with_what_is_decided(void **state)
{
	const char *schedule = "{\"cron\":\"0 3 * * *\",\"timeZone\":\"UTC\"}";
	struct op_scheduled *o = calloc(1, sizeof(*o));
	int64_t first = add_scheduled(schedule, 1000, false, 0), last = first, n = 0, plain = 0;
	bool more;

	(void)state;
	for (int i = 1; i < DUE_PAGE + 50; i++) {
		plain = add_every(1000, USEC_MINUTE, 0);
		last = add_scheduled(schedule, 1000 + i, false, 0);
	}
	assert_int_equal(claim(first, 1000, 2000, NULL), 0);
	assert_int_equal(claim(last, 1000 + DUE_PAGE + 49, 5000, NULL), 0);
	assert_int_equal(skip_range(last, 5000, 7000, 3, SKIP_ASKED, 0, 8000), 0);
	do {
		o->op = (struct store_op){ 0 };
		o->after = o->next;
		assert_int_equal(storehouse_do(&house, &o->op, OP_SCHEDULED), 0);
		for (size_t i = 0; i < o->n; i++) {
			const struct due_row *row = &o->rows[i];

			assert_string_equal(row->schedule, schedule);
			assert_true(row->id != plain);
			assert_int_equal(row->decided.usec, row->id == first ? 1000 :
			    row->id == last ? 7000 : 0);
			n++;
		}
		more = o->more;
		op_scheduled_done(o);
	} while (more);
	assert_int_equal(n, DUE_PAGE + 50);
	free(o);
}

/* ---- the ledger ---- */

static struct op_ledger
ledger(int64_t job, int64_t from, int64_t to)
{
	struct op_ledger o = { .job = job, .from = { from }, .to = { to } };

	assert_int_equal(storehouse_do(&house, &o.op, OP_LEDGER), 0);
	return o;
}

static void
ledger_has_runs_and_skips_in_their_order(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 1000, 1000);
	struct op_trigger t = { .job = job, .now = { 1500 }, .uid = -1 };
	struct op_claim c;
	struct op_ledger o;

	(void)state;
	assert_int_equal(claim(job, 1000, 2000, &c), 0);
	assert_int_equal(c.previous.usec, 0);
	assert_int_equal(storehouse_do(&house, &t.op, OP_TRIGGER), 0);
	op_trigger_done(&t);
	assert_int_equal(skip_range(job, 2000, 4000, 3, SKIP_OVERLAP, 1, 5000), 0);
	assert_int_equal(skip_range(job, 5000, 6000, 2, SKIP_OVERLAP, 1, 7000), 0);
	assert_int_equal(skip_range(job, 7000, 7000, 1, SKIP_MISSED, 0, 8000), 0);
	assert_int_equal(claim(job, 8000, 9000, &c), 0);
	assert_int_equal(c.previous.usec, 1000);
	o = ledger(job, 0, 100000);
	assert_int_equal(o.n, 4);
	assert_false(o.more);
	/* What was done by hand is none of the schedule's. */
	assert_true(o.rows[0].cause == -1 && o.rows[0].run == 1 && o.rows[0].mark == MARK_DST_GAP);
	assert_true(o.rows[1].cause == SKIP_OVERLAP && o.rows[1].first.usec == 2000 &&
	    o.rows[1].last.usec == 6000 && o.rows[1].count == 5 && o.rows[1].run == 1);
	assert_true(o.rows[2].cause == SKIP_MISSED && o.rows[2].count == 1 && o.rows[2].run == 0);
	assert_true(o.rows[3].cause == -1 && o.rows[3].run == 3 && o.rows[3].first.usec == 8000);
	op_ledger_done(&o);
	/* What touches the range. */
	o = ledger(job, 3000, 7000);
	assert_int_equal(o.n, 2);
	op_ledger_done(&o);
	o = ledger(job, 6001, 6999);
	assert_int_equal(o.n, 0);
	op_ledger_done(&o);
}

static void
long_ledgers_come_in_pages(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 1000, 1000), from = 0, last = 0, rows = 0;
	struct op_ledger o;
	bool more = true;

	(void)state;
	for (int64_t i = 1; i <= 2 * LEDGER_PAGE + 3; i++) {
		if (i % 2 == 1)
			assert_int_equal(claim(job, i * 1000, (i + 1) * 1000, NULL), 0);
		else
			assert_int_equal(skip_range(job, i * 1000, i * 1000, 1, SKIP_OVERLAP, 1,
			    (i + 1) * 1000), 0);
	}
	while (more) {
		o = ledger(job, from, INT64_MAX);
		for (size_t i = 0; i < o.n; i++) {
			assert_int_equal(o.rows[i].first.usec, last + 1000);
			last = o.rows[i].last.usec;
			rows++;
		}
		from = last + 1;
		more = o.more;
		op_ledger_done(&o);
	}
	assert_int_equal(rows, 2 * LEDGER_PAGE + 3);
}

/* When the clock was set back, dues of elapsed time go back with it: each range stays a range. */
static void
skips_after_a_step_back_are_rows_of_their_own(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 10000, 1000);
	struct op_ledger o;

	(void)state;
	life("a", 0, 1000);
	assert_int_equal(skip_range(job, 10000, 12000, 3, SKIP_OVERLAP, 0, 13000), 0);
	while (shift(-5500, 1))
		;
	assert_int_equal(due_of(job), 7500);
	assert_int_equal(skip_range(job, 7500, 8500, 2, SKIP_OVERLAP, 0, 9500), 0);
	o = ledger(job, 0, 100000);
	assert_int_equal(o.n, 2);
	for (size_t i = 0; i < o.n; i++)
		assert_true(o.rows[i].first.usec <= o.rows[i].last.usec);
	assert_int_equal(o.rows[0].count, 2);
	assert_int_equal(o.rows[1].count, 3);
	op_ledger_done(&o);
}

/* ---- spans ---- */

static void
spans_of_a_job_and_of_all_come_latest_first(void **state)
{
	int64_t job = storehouse_add(&house, NULL, 1000, 1000);
	int64_t other = storehouse_add(&house, NULL, 1000, 1000);
	struct op_pause p = { .job = job, .paused = true, .uid = -1, .by = 42, .now = { 100 } };
	struct op_span s = { .span = { .kind = SPAN_CLOCK, .first = { 200 }, .last = { 200 },
	    .step = -77 } };
	struct op_spans o;

	(void)state;
	assert_int_equal(storehouse_do(&house, &p.op, OP_PAUSE), 0);
	op_pause_done(&p);
	assert_int_equal(storehouse_do(&house, &s.op, OP_SPAN), 0);
	o = spans(job, 0, 1000);
	assert_int_equal(o.n, 2);
	assert_true(o.rows[0].kind == SPAN_CLOCK && o.rows[0].step == -77);
	/* It lasts. */
	assert_true(o.rows[1].kind == SPAN_PAUSED && o.rows[1].uid == 42 && o.rows[1].last.usec == 0);
	assert_int_equal(spans(other, 0, 1000).n, 1);
	p = (struct op_pause){ .job = job, .paused = false, .uid = -1, .now = { 300 } };
	assert_int_equal(storehouse_do(&house, &p.op, OP_PAUSE), 0);
	op_pause_done(&p);
	assert_int_equal(spans(job, 301, 1000).n, 0);
	assert_int_equal(spans(job, 300, 1000).n, 1);
	for (int i = 0; i < SPANS_MAX + 5; i++) {
		s = (struct op_span){ .span = { .kind = SPAN_ASLEEP, .first = { 1000 + i },
		    .last = { 1000 + i } } };
		assert_int_equal(storehouse_do(&house, &s.op, OP_SPAN), 0);
	}
	o = spans(job, 0, 5000);
	assert_int_equal(o.n, SPANS_MAX);
	assert_true(o.more);
	assert_int_equal(o.rows[0].first.usec, 1000 + SPANS_MAX + 4);
}

/* ---- from before ---- */

/* A database of form 1 with rows, as it was released. */
static void
make_form_1(void)
{
	char error[STORE_ERROR_MAX];
	sqlite3 *db;

	storehouse_close(&house);
	unlink(storehouse_path(&house, "jobd.db-wal"));
	unlink(storehouse_path(&house, "jobd.db-shm"));
	unlink(storehouse_path(&house, "jobd.db"));
	assert_int_equal(sqlite3_open(storehouse_path(&house, "jobd.db"), &db), SQLITE_OK);
	assert_int_equal(migrate(db, migrate_steps, 1, 0, error), 0);
	assert_int_equal(sqlite3_exec(db,
	    "INSERT INTO job VALUES (1, 1000, 2, 0, 0, 5000, 60000000, 0, 0, 1, 10, 1, 2, 0, 0, NULL,"
	    " 'old', NULL, NULL, NULL, '1s', '{\"timer\":{\"durationUSec\":1}}');"
	    "INSERT INTO job VALUES (2, 1000, 2, 3, 0, NULL, 0, 0, 0, 1, 10, 1, 0, 0, 1, NULL,"
	    " NULL, NULL, NULL, NULL, '1s', '{\"timer\":{\"durationUSec\":1}}');"
	    "INSERT INTO run (job, run, state, attempt, manual, due, ended) VALUES (1, 1, 3, 1, 0, 1000,"
	    " 1500);"
	    "INSERT INTO run (job, run, state, attempt, manual, due) VALUES (2, 1, 1, 1, 0, 1000);"
	    "INSERT INTO skip VALUES (1, 2000, 4000, 2, 0);"
	    "INSERT INTO owner VALUES (1000, 2); UPDATE counted SET job = 2;", NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(storehouse_open(&house), 0);
}

static void
a_database_of_form_1_goes_on_in_form_2(void **state)
{
	struct op_active *a = calloc(1, sizeof(*a));
	struct op_due *due = calloc(1, sizeof(*due));
	struct op_ledger o;
	struct op_claim c;
	struct op_life l;
	struct op_get g;

	(void)state;
	make_form_1();
	l = life("a", 300, 2000);
	assert_int_equal(l.booted, 0);
	assert_int_equal(l.known, 300);
	assert_int_equal(spans(0, 0, INT64_MAX).n, 0);
	g = get(1);
	assert_true(g.job.runs == 1 && g.job.skips == 2 && g.job.due.usec == 5000);
	assert_true(g.runs_n == 1 && g.runs[0].mark == MARK_NONE && g.runs[0].missed == 0);
	op_get_done(&g);
	due->until.usec = INT64_MAX;
	assert_int_equal(storehouse_do(&house, &due->op, OP_DUE), 0);
	assert_int_equal(due->n, 1);
	assert_null(due->rows[0].schedule);
	op_due_done(due);
	a->state = RUN_RUNNING;
	assert_int_equal(storehouse_do(&house, &a->op, OP_ACTIVE), 0);
	assert_int_equal(a->n, 1);
	op_active_done(a);
	while (shift(100, 1))
		;
	assert_int_equal(claim(1, 5100, 65100, &c), 0);
	assert_int_equal(c.run, 2);
	o = ledger(1, 0, 100000);
	assert_int_equal(o.n, 3);
	assert_true(o.rows[0].run == 1 && o.rows[1].count == 2 && o.rows[2].run == 2);
	op_ledger_done(&o);
	assert_int_equal(sql_of("PRAGMA user_version"), (long long)migrate_steps_n);
	free(a);
	free(due);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_time_between_two_daemons_is_a_span),
		T(on_boot_is_due_once_in_a_boot),
		T(offset_is_what_dues_are_in_line_with),
		T(a_shift_moves_dues_of_elapsed_time_alone_and_each_once),
		T(a_shift_that_was_cut_short_goes_on_where_it_was),
		T(a_shift_that_a_boot_cut_short_is_finished_and_the_next_one_moves_all),
		T(a_shift_ends_also_without_jobs),
		T(redue_moves_a_due_that_is_still_the_same),
		T(scheduled_jobs_come_in_pages_with_what_is_decided),
		T(ledger_has_runs_and_skips_in_their_order),
		T(long_ledgers_come_in_pages),
		T(skips_after_a_step_back_are_rows_of_their_own),
		T(spans_of_a_job_and_of_all_come_latest_first),
		T(a_database_of_form_1_goes_on_in_form_2),
	};

	/* Thousands of commits, and none of them has to outlive a power cut. */
	if (access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 0);
	return cmocka_run_group_tests_name("store_time", tests, NULL, NULL);
}
