/*
 * Time itself changes: the clock is set, the host sleeps and boots, tzdata is replaced; the
 * scheduler with a real store on the virtual clock.  One test, one directory, several daemons.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/engine/loop.h"
#include "daemon/scheduler/schedule.h"
#include "daemon/scheduler/scheduler.h"
#include "daemon/store/backend.h"
#include "proto/json.h"
#include "proto/mem.h"

#define GATE		3
#define STARTS_MAX	4000

struct start {
	int64_t	job;
	instant	at, due;
	usec_t	now;		/* monotonic, of this daemon */
	int64_t	missed;
};

struct fixture {
	struct task		 root;
	char			 directory[64], tzdata[80];
	bool			 own_tzdata;
	struct loop		*loop;
	struct store		*store;
	struct event_hub	*events;
	struct zones		*zones;
	char			 boot[16];
	int			 boots;
	usec_t			 booted;	/* time since then, as of the last daemon's end */
	struct scheduler	*scheduler;
	struct exec_world	 world;
	bool			 stop, dead;
	int64_t			 die_in;	/* commits; 0: not at all */
	struct start		 starts[STARTS_MAX];
	size_t			 starts_n;
};

static struct fixture *fix;
static struct backend backend;

/* ---- an executor: a timer lasts its duration ---- */

struct scripted {
	struct exec	exec;
	usec_t		ends;
};

static void
scripted_begin(struct scripted *f)
{
	const struct run_info *run = f->exec.run;

	f->ends = loop_now(fix->loop) + f->exec.spec->timer->duration;
	if (f->exec.adopt)
		return;
	assert_true(fix->starts_n < STARTS_MAX);
	fix->starts[fix->starts_n++] = (struct start){ run->job, loop_wall(fix->loop), run->due,
	    loop_now(fix->loop), run->missed };
}

static enum task_status
scripted_step(struct task *t)
{
	struct scripted *f = container_of(t, struct scripted, exec.task);

	TASK_BEGIN(t);

	scripted_begin(f);
	AWAIT_UNTIL(t, f->ends, f->exec.cancel);
	f->exec.run->state = t->err == -ECANCELED ? RUN_RUNNING : t->err == 0 ? RUN_CANCELED :
	    RUN_SUCCEEDED;

	TASK_END(t, 0);
}

static const struct task_kind scripted_kind = { .name = "scripted", .step = scripted_step };
static const struct executor scripted = { .frame_size = sizeof(struct scripted),
    .kind = &scripted_kind };
static const struct executor *const executors[KIND_COUNT] = { &scripted, &scripted, &scripted };

/* ---- one daemon; it may die at a commit, which is still written ---- */

static int
mortal_begin(void *db)
{
	return fix->dead ? -EIO : backend_sqlite.begin(db);
}

static int
mortal_apply(void *db, struct store_op *op)
{
	return fix->dead ? -EIO : backend_sqlite.apply[op->kind](db, op);
}

static int
mortal_commit(void *db)
{
	int r;

	if (fix->dead) {
		backend_sqlite.rollback(db);
		return -EIO;
	}
	r = backend_sqlite.commit(db);
	if (fix->die_in > 0 && --fix->die_in == 0) {
		fix->dead = true;
		task_wake(&fix->root);
		return -EIO;
	}
	return r;
}

static enum task_status
root_step(struct task *t)
{
	TASK_BEGIN(t);

	AWAIT(t, fix->stop || fix->dead);

	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

static void
store_start(void)
{
	char error[STORE_ERROR_MAX];

	backend = backend_sqlite;
	backend.begin = mortal_begin;
	backend.commit = mortal_commit;
	for (int i = 0; i < OP_COUNT; i++)
		backend.apply[i] = mortal_apply;
	fix->store = store_open(&(struct store_config){ .directory = fix->directory,
	    .mode = STORE_INLINE, .backend = &backend }, fix->loop, error);
	assert_non_null(fix->store);
}

/* Its loop's boot time is `booted`, in the boot of that number. */
static void
daemon_start(instant wall, usec_t booted)
{
	fix->loop = loop_new(LOOP_VIRTUAL);
	loop_suspend(fix->loop, booted);
	loop_set_wall(fix->loop, wall);
	fix->stop = fix->dead = false;
	fix->die_in = 0;
	store_start();
	fix->world = (struct exec_world){ .loop = fix->loop, .executors = executors };
	fix->events = event_hub_new();
	fix->zones = zones_new(fix->own_tzdata ? fix->tzdata : NULL);
	(void)snprintf(fix->boot, sizeof(fix->boot), "boot %d", fix->boots);
	fix->scheduler = scheduler_new(&(struct scheduler_config){
		.zones = fix->zones, .boot = fix->boot,
		.loop = fix->loop, .store = fix->store, .world = &fix->world, .events = fix->events,
		.running_max = { GATE, GATE, GATE }, .window_jobs_max = 5000, .catch_ups = 20,
	});
	task_start_root(&fix->root, &root_kind, fix->loop);
	store_start_task(fix->store, &fix->root);
	scheduler_start(fix->scheduler, &fix->root);
}

static instant
daemon_stop(void)
{
	instant wall;

	fix->stop = true;
	task_wake(&fix->root);
	assert_int_equal(loop_run(fix->loop), 0);
	wall = loop_wall(fix->loop);
	fix->booted = loop_boot(fix->loop);
	scheduler_free(fix->scheduler);
	event_hub_free(fix->events);
	zones_free(fix->zones);
	store_close(fix->store);
	loop_free(fix->loop);
	return wall;
}

/* Stop, be down for a while, start, in the same boot. */
static void
daemon_restart(usec_t down)
{
	instant wall = daemon_stop();

	/* A loop begins a second after its own beginning. */
	daemon_start(instant_add(wall, down), fix->booted + down - USEC_SEC);
}

static void
host_reboot(usec_t down)
{
	instant wall = daemon_stop();

	fix->boots++;
	daemon_start(instant_add(wall, down), 0);
}

static void
run_for(usec_t time)
{
	assert_int_equal(loop_run_until(fix->loop, loop_now(fix->loop) + time), 0);
}

static void
step_clock(usec_t by)
{
	loop_set_wall(fix->loop, instant_add(loop_wall(fix->loop), by));
}

static instant
at(const char *text)
{
	instant i = { 0 };

	assert_int_equal(instant_parse(text, &i), 0);
	return i;
}

static int
setup(void **state)
{
	(void)state;
	fix = xcalloc(1, sizeof(*fix));
	(void)snprintf(fix->directory, sizeof(fix->directory), "%s/jobd-unit.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(fix->directory));
	(void)snprintf(fix->tzdata, sizeof(fix->tzdata), "%s/tz", fix->directory);
	daemon_start(at("2027-01-04T12:00:30Z"), USEC_HOUR);
	run_for(USEC_SEC);
	return 0;
}

static void
directory_remove(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	(void)rmdir(path);
}

static int
teardown(void **state)
{
	(void)state;
	(void)daemon_stop();
	directory_remove(fix->tzdata);
	directory_remove(fix->directory);
	free(fix);
	return 0;
}

/* ---- what the server would do ---- */

static int
ask(struct store_op *op, enum op_kind kind)
{
	op->kind = kind;
	store_submit(fix->store, op, NULL);
	while (!op->done)
		run_for(0);
	return op->result;
}

struct want {
	const char	*cron, *zone;
	usec_t		 in, every, lasts;
	bool		 on_boot;
	int		 misfire;
};

/* Add n jobs alike, without a look of the scheduler in between; the first one's id. */
static int64_t
add_many(struct want w, size_t n)
{
	struct timer_spec timer = { w.lasts };
	struct job_spec spec = { .every = w.every, .misfire = w.misfire, .on_boot = w.on_boot,
		.cron = (char *)(uintptr_t)w.cron, .time_zone = (char *)(uintptr_t)w.zone,
		.timer = &timer };
	instant now = loop_wall(fix->loop), due = w.on_boot ? (instant){ 0 } : instant_add(now, w.in);
	struct job_new *jobs = xcalloc(n, sizeof(*jobs));
	struct op_add add = { .jobs = jobs, .n = n, .now = now,
		.epoch = scheduler_epoch(fix->scheduler) };
	struct cJSON *object = fields_write(job_spec_fields, &spec);
	char *json = json_print(object), *schedule = NULL;
	struct field_error error;
	struct occurrence o;
	struct schedule s;
	int64_t id;

	json_free(object);
	if (job_spec_has_schedule(&spec)) {
		object = fields_write(schedule_fields, &spec);
		schedule = json_print(object);
		json_free(object);
		assert_int_equal(schedule_open(&spec, fix->zones, 0, &s, &error), JOBD_OK);
		if (w.cron != NULL) {
			assert_true(schedule_next(&s, now, &o));
			due = o.due;
		}
		schedule_done(&s);
	}
	for (size_t i = 0; i < n; i++)
		jobs[i] = (struct job_new){ .spec = &spec, .spec_json = json, .summary = "",
		    .schedule = schedule, .due = due };
	assert_int_equal(ask(&add.op, OP_ADD), 0);
	for (size_t i = 0; i < n; i++) {
		struct due_row row = { .due = due, .id = jobs[i].id, .every = w.every,
		    .misfire = w.misfire, .kind = KIND_TIMER, .schedule = schedule };

		scheduler_job_added(fix->scheduler, &row, NULL, JOB_SCHEDULED);
	}
	id = jobs[0].id;
	free(schedule);
	free(json);
	free(jobs);
	return id;
}

static int64_t
add(struct want w)
{
	return add_many(w, 1);
}

static instant
due_of(int64_t job)
{
	struct op_get op = { .id = job };
	instant due;

	assert_int_equal(ask(&op.op, OP_GET), 0);
	due = op.job.due;
	op_get_done(&op);
	return due;
}

static int64_t
starts_of(int64_t job)
{
	int64_t n = 0;

	for (size_t i = 0; i < fix->starts_n; i++)
		n += fix->starts[i].job == job;
	return n;
}

static const struct start *
start_of(int64_t job, int64_t nth)
{
	for (size_t i = 0; i < fix->starts_n; i++) {
		if (fix->starts[i].job == job && nth-- == 0)
			return &fix->starts[i];
	}
	fail_msg("job %lld has not so many starts", (long long)job);
	return NULL;
}

/* Occurrences of a job that were skipped for a cause, by its ledger. */
static int64_t
skipped(int64_t job, int cause)
{
	struct op_ledger o = { .job = job, .to = { INT64_MAX } };
	int64_t n = 0;

	assert_int_equal(ask(&o.op, OP_LEDGER), 0);
	for (size_t i = 0; i < o.n; i++)
		n += o.rows[i].cause == cause ? o.rows[i].count : 0;
	op_ledger_done(&o);
	return n;
}

/* ---- the clock is set ---- */

static void
a_step_back_repeats_nothing(void **state)
{
	int64_t job = add((struct want){ .cron = "* * * * *", .zone = "UTC" });
	usec_t began;

	(void)state;
	run_for(5 * USEC_MINUTE);
	assert_int_equal(starts_of(job), 5);
	step_clock(-USEC_HOUR);
	began = loop_now(fix->loop);
	run_for(USEC_HOUR + 20 * USEC_SEC);
	assert_int_equal(starts_of(job), 5);
	run_for(2 * USEC_MINUTE);
	assert_int_equal(starts_of(job), 7);
	assert_true(start_of(job, 5)->now - began >= USEC_HOUR);
	for (int i = 1; i < 7; i++)
		assert_int_equal(start_of(job, i)->due.usec, start_of(job, i - 1)->due.usec +
		    USEC_MINUTE);
	assert_int_equal(skipped(job, SKIP_MISSED), 0);
}

static void
a_step_forward_is_as_if_nobody_had_been_there(void **state)
{
	int64_t hourly = add((struct want){ .cron = "0 * * * *", .zone = "UTC" });
	int64_t often = add((struct want){ .cron = "*/5 * * * *", .zone = "UTC" });
	int64_t all = add((struct want){ .cron = "0 * * * *", .zone = "UTC", .misfire = MISFIRE_ALL,
		.lasts = USEC_SEC });

	(void)state;
	run_for(USEC_SEC);
	step_clock(3 * USEC_HOUR + USEC_MINUTE);
	run_for(30 * USEC_SEC);
	assert_int_equal(starts_of(hourly), 1);
	assert_int_equal(start_of(hourly, 0)->missed, 2);
	assert_int_equal(skipped(hourly, SKIP_MISSED), 2);
	assert_int_equal(starts_of(often), 0);
	assert_int_equal(skipped(often, SKIP_MISSED), 36);
	assert_int_equal(starts_of(all), 3);
	run_for(5 * USEC_MINUTE);
	assert_int_equal(starts_of(often), 1);
}

static void
elapsed_time_is_elapsed_time_whatever_the_clock_shows(void **state)
{
	static const usec_t steps[] = { 3 * USEC_HOUR, -USEC_HOUR, -USEC_HOUR, USEC_HOUR,
		-26 * USEC_HOUR, 400 * USEC_DAY, 1500 * USEC_MSEC, -10 * USEC_MINUTE };
	int64_t job = add((struct want){ .every = 10 * USEC_MINUTE });
	usec_t began = loop_now(fix->loop);

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		run_for(37 * USEC_MINUTE);
		step_clock(steps[i]);
	}
	run_for(USEC_MINUTE);
	assert_int_equal(starts_of(job), (8 * 37 + 1) / 10 + 1);
	for (int64_t k = 0; k < starts_of(job); k++)
		assert_in_range(start_of(job, k)->now - began, k * 10 * USEC_MINUTE,
		    k * 10 * USEC_MINUTE + 10);
	assert_int_equal(skipped(job, SKIP_MISSED), 0);
}

static void
a_short_step_is_made_up_for_with_the_next(void **state)
{
	int64_t job = add((struct want){ .every = USEC_HOUR, .in = USEC_HOUR });
	instant due = due_of(job);

	(void)state;
	step_clock(600 * USEC_MSEC);
	run_for(USEC_MINUTE);
	assert_int_equal(due_of(job).usec, due.usec);
	step_clock(600 * USEC_MSEC);
	run_for(USEC_MINUTE);
	assert_int_equal(due_of(job).usec, due.usec + 1200 * USEC_MSEC);
}

static void
a_clock_set_while_nobody_is_there_moves_dues_as_well(void **state)
{
	int64_t job = add((struct want){ .every = USEC_DAY, .in = USEC_DAY });
	instant due = due_of(job), wall;

	(void)state;
	wall = daemon_stop();
	daemon_start(instant_add(wall, 2 * USEC_HOUR), fix->booted - USEC_SEC);
	run_for(USEC_MINUTE);
	assert_int_equal(due_of(job).usec, due.usec + 2 * USEC_HOUR);
	assert_int_equal(starts_of(job), 0);
	/* After a boot the clock is believed. */
	fix->boots++;
	wall = daemon_stop();
	daemon_start(instant_add(wall, USEC_HOUR), 0);
	run_for(USEC_MINUTE);
	assert_int_equal(due_of(job).usec, due.usec + 2 * USEC_HOUR);
}

static void
what_is_added_by_the_new_clock_stays(void **state)
{
	int64_t before = add((struct want){ .every = USEC_HOUR, .in = USEC_HOUR }), after;
	instant due = due_of(before), now;

	(void)state;
	step_clock(5 * USEC_HOUR);
	/* Added before anybody has looked at the clock. */
	now = loop_wall(fix->loop);
	after = add((struct want){ .every = USEC_HOUR, .in = USEC_HOUR });
	run_for(USEC_MINUTE);
	assert_int_equal(due_of(before).usec, due.usec + 5 * USEC_HOUR);
	assert_int_equal(due_of(after).usec, now.usec + USEC_HOUR);
	step_clock(-5 * USEC_HOUR);
	run_for(USEC_MINUTE);
	assert_in_range(due_of(after).usec, now.usec - 4 * USEC_HOUR, now.usec - 4 * USEC_HOUR + 5);
}

/* Behind full slots, and parked behind its own run: what is due waits in memory; its due moves as well. */
static void
what_stands_in_line_is_not_lost_when_the_clock_is_set_back(void **state)
{
	int64_t job, parked;

	(void)state;
	add_many((struct want){ .lasts = 5 * USEC_MINUTE }, GATE);
	run_for(USEC_SEC);
	job = add((struct want){ .every = 20 * USEC_MINUTE });
	parked = add((struct want){ .cron = "* * * * *", .zone = "UTC" });
	run_for(USEC_MINUTE);
	assert_int_equal(starts_of(job), 0);
	step_clock(-USEC_HOUR);
	run_for(6 * USEC_MINUTE);
	assert_int_equal(starts_of(job), 1);
	run_for(USEC_HOUR + 20 * USEC_MINUTE);
	assert_int_equal(starts_of(job), 5);
	assert_true(starts_of(parked) > 10);
}

static void
catching_up_does_not_wait_for_a_time_that_was_set_back(void **state)
{
	int64_t job;

	(void)state;
	add_many((struct want){ .cron = "0 * * * *", .zone = "UTC" }, 100);
	run_for(USEC_SEC);
	step_clock(3 * USEC_HOUR);
	run_for(10 * USEC_SEC);
	step_clock(-3 * USEC_HOUR);
	run_for(USEC_SEC);
	job = add((struct want){ .cron = "0 * * * *", .zone = "UTC" });
	step_clock(USEC_HOUR);
	run_for(10 * USEC_SEC);
	assert_int_equal(starts_of(job), 1);
}

/* It had its place in time, by the clock as it was, when a run of its job got in between. */
static void
what_is_parked_in_catching_up_does_not_wait_for_that_time_either(void **state)
{
	struct op_trigger op = { .uid = -1 };
	int64_t job;

	(void)state;
	add_many((struct want){ .cron = "0 * * * *", .zone = "UTC" }, 100);
	job = add((struct want){ .cron = "0 * * * *", .zone = "UTC", .misfire = MISFIRE_ALL,
	    .lasts = 5 * USEC_MINUTE });
	run_for(USEC_SEC);
	step_clock(3 * USEC_HOUR);
	run_for(USEC_SEC);
	assert_int_equal(starts_of(job), 0);
	op.job = job;
	op.now = loop_wall(fix->loop);
	assert_int_equal(ask(&op.op, OP_TRIGGER), 0);
	scheduler_run_queued(fix->scheduler, &op);
	op_trigger_done(&op);
	run_for(10 * USEC_SEC);
	assert_int_equal(starts_of(job), 1);
	step_clock(-USEC_HOUR);
	run_for(6 * USEC_MINUTE);
	assert_int_equal(starts_of(job), 2);
}

/* ---- a sweep that is cut short ---- */

static void
a_sweep_cut_short_shifts_each_exactly_once(void **state)
{
	enum { JOBS = 2000 };

	(void)state;
	/* The span, four slices and the last, empty one; death at each of these commits, and later. */
	for (int64_t die = 1; die <= 7; die++) {
		int64_t first = 0, late;
		instant due, now;

		for (int i = 0; i < JOBS / 1000 && die == 1; i++)
			(void)add_many((struct want){ .every = 300 * USEC_DAY, .in = 300 * USEC_DAY },
			    JOBS / 2);
		first = 1;
		due = due_of(first);
		assert_int_equal(due_of(first + JOBS - 1).usec, due.usec);
		fix->die_in = die;
		step_clock(USEC_HOUR);
		for (int i = 0; i < 20 && !fix->root.done; i++)
			run_for(USEC_SEC);
		assert_true(fix->root.done || die > 6);
		daemon_restart(USEC_SEC);
		/* Added while the rest of the sweep is under way. */
		run_for(0);
		now = loop_wall(fix->loop);
		late = add((struct want){ .every = USEC_DAY, .in = USEC_DAY });
		run_for(USEC_MINUTE);
		for (int64_t job = first; job < first + JOBS; job += 37)
			assert_int_equal(due_of(job).usec, due.usec + USEC_HOUR);
		assert_int_equal(due_of(first + JOBS - 1).usec, due.usec + USEC_HOUR);
		assert_int_equal(due_of(late).usec, now.usec + USEC_DAY);
	}
}

/* ---- sleep and boots ---- */

static void
elapsed_time_counts_the_sleep_of_the_host(void **state)
{
	int64_t job = add((struct want){ .every = USEC_HOUR, .in = USEC_HOUR });
	instant first = due_of(job);
	struct op_spans *spans = xcalloc(1, sizeof(*spans));

	(void)state;
	run_for(30 * USEC_MINUTE);
	loop_suspend(fix->loop, 2 * USEC_HOUR);
	run_for(2 * USEC_SEC);
	/* Two were missed, the latest of them is run; the grid stays. */
	assert_int_equal(starts_of(job), 1);
	assert_int_equal(start_of(job, 0)->due.usec, first.usec + USEC_HOUR);
	assert_int_equal(skipped(job, SKIP_MISSED), 1);
	run_for(31 * USEC_MINUTE);
	assert_int_equal(starts_of(job), 2);
	assert_int_equal(start_of(job, 1)->at.usec, first.usec + 2 * USEC_HOUR);
	spans->to.usec = INT64_MAX;
	assert_int_equal(ask(&spans->op, OP_SPANS), 0);
	assert_int_equal(spans->n, 1);
	assert_int_equal(spans->rows[0].kind, SPAN_ASLEEP);
	assert_int_equal(instant_since(spans->rows[0].last, spans->rows[0].first), 2 * USEC_HOUR);
	free(spans);
}

static void
jobs_on_boot_run_once_in_a_boot(void **state)
{
	int64_t job = add((struct want){ .on_boot = true });

	(void)state;
	run_for(USEC_MINUTE);
	daemon_restart(USEC_MINUTE);
	run_for(USEC_MINUTE);
	assert_int_equal(starts_of(job), 0);
	host_reboot(USEC_MINUTE);
	run_for(USEC_MINUTE);
	assert_int_equal(starts_of(job), 1);
	daemon_restart(USEC_MINUTE);
	run_for(USEC_MINUTE);
	assert_int_equal(starts_of(job), 1);
	host_reboot(USEC_MINUTE);
	run_for(USEC_MINUTE);
	assert_int_equal(starts_of(job), 2);
}

static void
catch_ups_are_spread(void **state)
{
	enum { JOBS = 100 };
	int64_t first = add_many((struct want){ .cron = "0 * * * *", .zone = "UTC" }, JOBS);
	usec_t began;

	(void)state;
	daemon_restart(5 * USEC_HOUR);
	began = loop_now(fix->loop);
	run_for(20 * USEC_SEC);
	assert_int_equal(fix->starts_n, JOBS);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(starts_of(first + i), 1);
	for (int i = 0; i + 21 < JOBS; i++)
		assert_true(fix->starts[i + 21].now - fix->starts[i].now >= USEC_SEC);
	assert_true(fix->starts[JOBS - 1].now - began <= 6 * USEC_SEC);
}

/* ---- other rules ---- */

/* tzdata has these rules for our zone from now on. */
static void
tzdata_put(const char *rules)
{
	char from[128], to[160], fresh[160], bytes[8192];
	FILE *in, *out;
	size_t n;

	(void)mkdir(fix->tzdata, 0700);
	(void)snprintf(from, sizeof(from), "/usr/share/zoneinfo/%s", rules);
	(void)snprintf(to, sizeof(to), "%s/Here", fix->tzdata);
	(void)snprintf(fresh, sizeof(fresh), "%s/Here.new", fix->tzdata);
	in = fopen(from, "re");
	out = fopen(fresh, "we");
	assert_true(in != NULL && out != NULL);
	n = fread(bytes, 1, sizeof(bytes), in);
	assert_int_equal(fwrite(bytes, 1, n, out), n);
	(void)fclose(in);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(rename(fresh, to), 0);
}

static void
own_tzdata(void)
{
	tzdata_put("Europe/Berlin");
	fix->own_tzdata = true;
	daemon_restart(0);
	run_for(USEC_SEC);
}

static void
other_rules_find_dues_anew(void **state)
{
	int64_t job, every;
	instant due;

	(void)state;
	own_tzdata();
	job = add_many((struct want){ .cron = "0 3 * * *", .zone = "Here" }, DUE_PAGE + 10);
	every = add((struct want){ .every = USEC_DAY, .in = USEC_DAY });
	due = due_of(every);
	assert_int_equal(due_of(job).usec, at("2027-01-05T02:00Z").usec);
	run_for(2 * USEC_MINUTE);
	assert_int_equal(due_of(job).usec, at("2027-01-05T02:00Z").usec);
	tzdata_put("America/New_York");
	run_for(2 * USEC_MINUTE);
	for (int i = 0; i < DUE_PAGE + 10; i++)
		assert_int_equal(due_of(job + i).usec, at("2027-01-05T08:00Z").usec);
	assert_int_equal(due_of(every).usec, due.usec);
	run_for(USEC_DAY);
	assert_int_equal(start_of(job, 0)->at.usec, at("2027-01-05T08:00Z").usec);
	assert_int_equal(due_of(job).usec, at("2027-01-06T08:00Z").usec);
}

/* What has a disposition already gets no other. */
static void
other_rules_repeat_nothing_that_is_decided(void **state)
{
	int64_t job;
	struct op_skip skip;

	(void)state;
	own_tzdata();
	job = add((struct want){ .cron = "0 3 * * *", .zone = "Here" });
	/* The next two are skipped by hand. */
	skip = (struct op_skip){ .job = job, .first = at("2027-01-05T02:00Z"),
		.last = at("2027-01-06T02:00Z"), .count = 2, .cause = SKIP_ASKED,
		.next_due = at("2027-01-07T02:00Z") };
	assert_int_equal(ask(&skip.op, OP_SKIP), 0);
	op_skip_done(&skip);
	tzdata_put("America/New_York");
	run_for(2 * USEC_MINUTE);
	/* The first after what was skipped, by the new rules. */
	assert_int_equal(due_of(job).usec, at("2027-01-06T08:00Z").usec);
}

/* It stands in line while the rules change: its next due is by the new ones. */
static void
what_stands_in_line_follows_the_new_rules(void **state)
{
	int64_t job;

	(void)state;
	own_tzdata();
	add_many((struct want){ .lasts = 5 * USEC_MINUTE }, GATE);
	run_for(USEC_SEC);
	job = add((struct want){ .cron = "1 13 * * *", .zone = "Here" });
	run_for(USEC_MINUTE);
	assert_int_equal(starts_of(job), 0);
	tzdata_put("America/New_York");
	run_for(10 * USEC_MINUTE);
	assert_int_equal(starts_of(job), 1);
	assert_int_equal(start_of(job, 0)->due.usec, at("2027-01-04T12:01Z").usec);
	assert_int_equal(due_of(job).usec, at("2027-01-04T18:01Z").usec);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_step_back_repeats_nothing),
		T(a_step_forward_is_as_if_nobody_had_been_there),
		T(elapsed_time_is_elapsed_time_whatever_the_clock_shows),
		T(a_short_step_is_made_up_for_with_the_next),
		T(a_clock_set_while_nobody_is_there_moves_dues_as_well),
		T(what_is_added_by_the_new_clock_stays),
		T(what_stands_in_line_is_not_lost_when_the_clock_is_set_back),
		T(catching_up_does_not_wait_for_a_time_that_was_set_back),
		T(what_is_parked_in_catching_up_does_not_wait_for_that_time_either),
		T(a_sweep_cut_short_shifts_each_exactly_once),
		T(elapsed_time_counts_the_sleep_of_the_host),
		T(jobs_on_boot_run_once_in_a_boot),
		T(catch_ups_are_spread),
		T(other_rules_find_dues_anew),
		T(other_rules_repeat_nothing_that_is_decided),
		T(what_stands_in_line_follows_the_new_rules),
	};

	log_set_level(0);	/* what is told of clocks is looked for in the store */
	return cmocka_run_group_tests_name("scheduler_clock", tests, NULL, NULL);
}
