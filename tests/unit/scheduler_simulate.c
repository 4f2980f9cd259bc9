/*
 * simulate: that it decides as the daemon does, says the same twice, counts right, and lets the loop go on.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/base/log.h"
#include "daemon/base/rand.h"
#include "daemon/engine/loop.h"
#include "daemon/scheduler/simulate.h"
#include "proto/buf.h"
#include "proto/json.h"
#include "proto/mem.h"

#define BEGIN	((instant){ (int64_t)1767225600 * USEC_SEC })	/* 2026-01-01T00:00Z */
#define JOBS	16

/* ---- a simulation in a loop of its own ---- */

struct fixture {
	struct task		 root;
	struct loop		*loop;
	struct zones		*zones;
	struct simulate_config	 config;
	struct job_spec		 specs[JOBS];
	struct timer_spec	 timers[JOBS];
	struct http_spec	 https[JOBS];
	struct simulated	 jobs[JOBS];
	size_t			 n;
	struct simulate		 simulate;
};

static enum task_status
root_step(struct task *t)
{
	struct fixture *f = container_of(t, struct fixture, root);

	TASK_BEGIN(t);

	simulate_start(&f->simulate, &f->config, f->jobs, f->n, t);
	AWAIT(t, task_done(&f->simulate.task));
	AWAIT_SHIELDED(t, USEC_NEVER, task_done(&f->simulate.task));
	TASK_END(t, 0);
}

static const struct task_kind root_kind = { .name = "root", .step = root_step };

static void
open_fixture(struct fixture *f, usec_t span)
{
	memset(f, 0, sizeof(*f));
	f->zones = zones_new(NULL);
	f->config = (struct simulate_config){ .from = BEGIN, .to = instant_add(BEGIN, span),
	    .zones = f->zones, .running_max = { 10, 10, 10 }, .runs_max = SIMULATE_RUNS_MAX,
	    .columns = 40 };
}

static void
close_fixture(struct fixture *f)
{
	for (size_t i = 0; i < f->n; i++)
		simulated_done(&f->jobs[i]);
	simulate_done(&f->simulate);
	zones_free(f->zones);
}

/* A timer job, not opened: its spec can still be changed. */
static struct simulated *
add(struct fixture *f, struct job_spec spec, usec_t lasts)
{
	size_t i = f->n++;

	f->timers[i] = (struct timer_spec){ lasts };
	spec.timer = &f->timers[i];
	f->specs[i] = spec;
	f->jobs[i] = (struct simulated){ .id = (int64_t)i + 1, .spec = &f->specs[i], .lasts = lasts,
	    .shown = true };
	return &f->jobs[i];
}

static void
run(struct fixture *f)
{
	struct field_error error;

	for (size_t i = 0; i < f->n; i++) {
		if (simulated_open(&f->jobs[i], f->zones, &error) != JOBD_OK)
			fail_msg("%s: %s", error.path, error.reason);
		if (!instant_is_set(f->jobs[i].due))
			simulated_added(&f->jobs[i], f->config.from);
	}
	f->loop = loop_new(LOOP_REAL);
	task_start_root(&f->root, &root_kind, f->loop);
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(f->simulate.result, 0);
	loop_free(f->loop);
}

#define TEXT(s) ((char *)(uintptr_t)(s))

/* ---- counting ---- */

static void
queues_and_overlap_modes_are_simulated_as_they_are(void **state)
{
	static const struct queue_info queues[] = {
		{ .name = TEXT("two"), .slots = 2 },
		{ .name = TEXT("shut"), .slots = 2, .paused = { 1 } },
	};
	struct simulated *wide, *waits, *beside, *replaces, *shut;
	struct fixture f;

	(void)state;
	open_fixture(&f, USEC_MINUTE);
	f.config.queues = queues;
	f.config.queues_n = 2;
	wide = add(&f, (struct job_spec){ .queue = TEXT("two"), .slots = 2 }, 20 * USEC_SEC);
	add(&f, (struct job_spec){ .queue = TEXT("two"), .in = USEC_SEC }, USEC_SEC);
	/* 0 runs, then 10, then 30; 50 waits; 20 and 40 are skipped. */
	waits = add(&f, (struct job_spec){ .every = 10 * USEC_SEC, .overlap = OVERLAP_QUEUE }, 24 * USEC_SEC);
	beside = add(&f, (struct job_spec){ .every = 10 * USEC_SEC, .overlap = OVERLAP_PARALLEL,
	    .overlap_limit = 2 }, 24 * USEC_SEC);
	replaces = add(&f, (struct job_spec){ .every = 10 * USEC_SEC, .overlap = OVERLAP_REPLACE },
	    24 * USEC_SEC);
	shut = add(&f, (struct job_spec){ .queue = TEXT("shut") }, USEC_SEC);
	run(&f);
	assert_int_equal(wide->began, 1);
	assert_int_equal(f.jobs[1].waited, 19 * USEC_SEC);
	assert_int_equal(waits->began, 3);
	assert_int_equal(waits->skips[SKIP_OVERLAP], 2);
	/* 0 and 10; 20 is skipped; 30 and 40; 50 is skipped. */
	assert_int_equal(beside->began, 4);
	assert_int_equal(beside->skips[SKIP_OVERLAP], 2);
	assert_int_equal(replaces->began, 6);
	assert_int_equal(replaces->canceled, 5);
	assert_int_equal(shut->began, 0);
	assert_int_equal(shut->waiting.usec, BEGIN.usec);
	close_fixture(&f);
}

static void
overlaps_waits_and_peaks_are_counted(void **state)
{
	struct fixture f;
	struct simulated *a, *b, *c;

	(void)state;
	open_fixture(&f, USEC_MINUTE);
	f.config.running_max[KIND_TIMER] = 2;
	/* Runs at 0, 30; skipped at 10, 20, 40, 50. */
	a = add(&f, (struct job_spec){ .every = 10 * USEC_SEC }, 25 * USEC_SEC);
	/* Both slots are taken from 5 to 25: by a and b. */
	b = add(&f, (struct job_spec){ .in = 5 * USEC_SEC }, 21 * USEC_SEC);
	c = add(&f, (struct job_spec){ .in = 7 * USEC_SEC }, USEC_SEC);
	run(&f);
	assert_int_equal(a->began, 2);
	assert_int_equal(a->skips[SKIP_OVERLAP], 4);
	assert_int_equal(a->overlaps, 4);
	assert_int_equal(b->began, 1);
	assert_int_equal(b->waited, 0);
	assert_int_equal(c->began, 1);
	assert_int_equal(c->waited, 18 * USEC_SEC);
	assert_int_equal(c->longest, 18 * USEC_SEC);
	assert_int_equal(f.simulate.waited, 18 * USEC_SEC);
	assert_int_equal(f.simulate.began, 4);
	assert_int_equal(f.simulate.skipped, 4);
	assert_int_equal(f.simulate.peaks[KIND_TIMER].runs, 2);
	assert_int_equal(instant_since(f.simulate.peaks[KIND_TIMER].at, BEGIN), 5 * USEC_SEC);
	assert_int_equal(f.simulate.peaks[KIND_COMMAND].runs, 0);
	assert_int_equal(f.simulate.overlaps, 4);
	assert_int_equal(f.simulate.runs_n, 4);
	assert_int_equal(f.simulate.runs[2].job, 2);
	assert_int_equal(f.simulate.runs[2].wait, 18 * USEC_SEC);
	assert_int_equal(f.simulate.runs[2].state, RUN_SUCCEEDED);
	assert_int_equal(instant_since(f.simulate.runs[2].ended, BEGIN), 26 * USEC_SEC);
	assert_false(f.simulate.truncated);
	/* A column is a second and a half. */
	assert_string_equal(a->timeline, "######x######x###...######x######x###...");
	assert_string_equal(c->timeline, "....~~~~~~~~~~~~~#......................");
	close_fixture(&f);
}

static void
what_goes_on_at_the_beginning_takes_its_slot_and_its_turn(void **state)
{
	struct fixture f;
	struct simulated *a, *b;

	(void)state;
	open_fixture(&f, USEC_HOUR);
	f.config.running_max[KIND_TIMER] = 1;
	a = add(&f, (struct job_spec){ .every = 20 * USEC_MINUTE, .in = 5 * USEC_MINUTE },
	    30 * USEC_MINUTE);
	a->runs = 7;
	a->active = (struct active_row){ .run = 7, .due = instant_add(BEGIN, -15 * USEC_MINUTE),
	    .started = instant_add(BEGIN, -15 * USEC_MINUTE), .attempt = 1 };
	b = add(&f, (struct job_spec){ .in = USEC_MINUTE }, USEC_SEC);
	run(&f);
	/* The old run ends at 15; of a 5 is skipped, 25 is run till 55, 45 is skipped. */
	assert_int_equal(a->began, 1);
	assert_int_equal(a->skips[SKIP_OVERLAP], 2);
	assert_int_equal(b->waited, 14 * USEC_MINUTE);
	assert_int_equal(f.simulate.runs[0].run, 7);
	assert_int_equal(f.simulate.runs[0].ended.usec, instant_add(BEGIN, 15 * USEC_MINUTE).usec);
	assert_int_equal(f.simulate.runs[2].run, 8);
	assert_int_equal(f.simulate.peaks[KIND_TIMER].runs, 1);
	close_fixture(&f);
}

static void
limits_of_a_run_end_it_and_the_end_of_all_cuts_it_off(void **state)
{
	struct fixture f;
	struct simulated *a, *b, *c, *d;

	(void)state;
	open_fixture(&f, USEC_HOUR);
	f.config.running_max[KIND_TIMER] = 2;
	a = add(&f, (struct job_spec){ .timeout = USEC_MINUTE }, 5 * USEC_MINUTE);
	b = add(&f, (struct job_spec){ .in = 50 * USEC_MINUTE }, USEC_HOUR);
	c = add(&f, (struct job_spec){ .in = 51 * USEC_MINUTE }, USEC_HOUR);
	d = add(&f, (struct job_spec){ .in = 52 * USEC_MINUTE }, USEC_HOUR);
	(void)add(&f, (struct job_spec){ .in = 55 * USEC_MINUTE }, USEC_HOUR);
	run(&f);
	assert_int_equal(a->timed_out, 1);
	assert_int_equal(instant_since(f.simulate.runs[0].ended, BEGIN), USEC_MINUTE);
	assert_int_equal(b->began + c->began, 2);
	assert_int_equal(f.simulate.runs[1].state, RUN_RUNNING);
	assert_false(instant_is_set(f.simulate.runs[1].ended));
	assert_int_equal(d->began, 0);
	assert_int_equal(instant_since(d->waiting, BEGIN), 52 * USEC_MINUTE);
	assert_int_equal(d->longest, 8 * USEC_MINUTE);
	/* Of all together: what they wait is added, but the longest wait is one run's. */
	assert_int_equal(f.simulate.waited, 13 * USEC_MINUTE);
	assert_int_equal(f.simulate.longest, 8 * USEC_MINUTE);
	assert_int_equal(f.simulate.waiting, 2);
	close_fixture(&f);
}

/* What is due at the end is not in it, what is due at the beginning is. */
static void
beginning_is_in_and_end_is_out(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, USEC_DAY);
	add(&f, (struct job_spec){ .every = USEC_HOUR }, USEC_SEC);
	run(&f);
	assert_int_equal(f.jobs[0].began, 24);
	assert_int_equal(f.simulate.runs[0].due.usec, BEGIN.usec);
	close_fixture(&f);
}

static void
lists_are_cut_and_counts_are_not(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 100 * USEC_HOUR);
	f.config.runs_max = 5;
	add(&f, (struct job_spec){ .every = USEC_HOUR }, USEC_SEC);
	add(&f, (struct job_spec){ .every = USEC_HOUR }, USEC_SEC)->shown = false;
	run(&f);
	assert_int_equal(f.simulate.began, 200);
	assert_int_equal(f.simulate.runs_n, 5);
	assert_true(f.simulate.truncated);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(f.simulate.runs[i].job, 0);
	close_fixture(&f);
}

static void
too_much_stops_and_says_how_far_it_came(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, 365 * USEC_DAY);
	f.config.decisions_max = 20000;
	add(&f, (struct job_spec){ .every = USEC_SEC }, 100 * USEC_MSEC);
	run(&f);
	assert_true(f.simulate.stopped);
	assert_in_range(f.jobs[0].began, 10000, 10100);
	assert_in_range(instant_since(f.simulate.until, BEGIN), 9998 * USEC_SEC, 10100 * USEC_SEC);
	close_fixture(&f);
}

/* ---- nights of time changes ---- */

static void
nights_of_time_changes_are_marked(void **state)
{
	struct job_spec spec = { .cron = TEXT("30 2 * * *"), .time_zone = TEXT("Europe/Berlin") };
	struct fixture f;

	(void)state;
	open_fixture(&f, 365 * USEC_DAY);
	add(&f, spec, USEC_SEC);
	spec.dst = DST_SKIP;
	add(&f, spec, USEC_SEC);
	spec.dst = DST_BOTH;
	add(&f, spec, USEC_SEC);
	add(&f, (struct job_spec){ .cron = TEXT("0 * * * *"), .time_zone = spec.time_zone }, USEC_SEC);
	run(&f);
	assert_int_equal(f.jobs[0].began, 365);
	assert_int_equal(f.jobs[0].marks[MARK_DST_GAP], 1);
	assert_int_equal(f.jobs[0].marks[MARK_DST_FOLD], 1);
	assert_int_equal(f.jobs[0].skips[SKIP_REPEATED], 1);
	assert_int_equal(f.jobs[1].began, 364);
	assert_int_equal(f.jobs[1].skips[SKIP_NONEXISTENT], 1);
	assert_int_equal(f.jobs[1].marks[MARK_DST_GAP], 0);
	assert_int_equal(f.jobs[2].began, 366);
	assert_int_equal(f.jobs[2].marks[MARK_DST_FOLD], 2);
	/* A rhythm runs at every real hour; the first one is after the beginning. */
	assert_int_equal(f.jobs[3].began, 365 * 24 - 1);
	assert_int_equal(f.jobs[3].marks[MARK_DST_GAP] + f.jobs[3].marks[MARK_DST_FOLD], 0);
	for (size_t i = 0; i < f.simulate.runs_n; i++) {
		const struct simulated_run *r = &f.simulate.runs[i];

		if (r->job == 0 && r->mark == MARK_DST_GAP)
			assert_int_equal(r->due.usec, (int64_t)1774746000 * USEC_SEC);
	}
	close_fixture(&f);
}

/* ---- where a stored job begins ---- */

static usec_t
first_of(struct job_spec spec, usec_t due, usec_t from)
{
	struct fixture f;
	struct simulated *j;
	struct field_error error;
	usec_t first;

	open_fixture(&f, USEC_DAY);
	j = add(&f, spec, USEC_SEC);
	assert_int_equal(simulated_open(j, f.zones, &error), JOBD_OK);
	simulated_stored(j, instant_add(BEGIN, due), instant_add(BEGIN, from));
	first = instant_is_set(j->due) ? instant_since(j->due, BEGIN) : -1;
	close_fixture(&f);
	return first;
}

static void
stored_jobs_begin_with_what_is_due_then(void **state)
{
	struct job_spec often = { .every = 10 }, once = { .every = 0 };
	struct job_spec daily = { .cron = TEXT("0 3 * * *"), .time_zone = TEXT("UTC") };
	struct job_spec ends = { .every = 10, .until = instant_add(BEGIN, 25) };

	(void)state;
	assert_int_equal(first_of(often, 3, 0), 3);
	assert_int_equal(first_of(often, 3, 3), 3);
	assert_int_equal(first_of(often, 3, 4), 13);
	assert_int_equal(first_of(often, 33, 4), 13);
	assert_int_equal(first_of(often, 33, 3), 3);
	assert_int_equal(first_of(ends, 3, 14), 23);
	assert_int_equal(first_of(ends, 3, 24), -1);
	assert_int_equal(first_of(once, 5, 5), 5);
	assert_int_equal(first_of(once, 5, 6), -1);
	assert_int_equal(first_of(daily, 27 * USEC_HOUR, 3 * USEC_HOUR), 3 * USEC_HOUR);
	assert_int_equal(first_of(daily, 3 * USEC_HOUR, 3 * USEC_HOUR + 1), 27 * USEC_HOUR);
}

/* ---- random jobs ---- */

static void
draw(struct fixture *f, struct rand *rand)
{
	static const char *const crons[] = { "*/7 * * * *", "5 * * * *", "30 2 * * *", "0 */2 * * *" };

	f->config.running_max[KIND_TIMER] = 1 + (int64_t)rand_below(rand, 4);
	for (uint64_t n = 3 + rand_below(rand, JOBS - 3); n > 0; n--) {
		struct job_spec spec = { .misfire = (int)rand_below(rand, MISFIRE_COUNT) };
		uint64_t how = rand_below(rand, 10);

		if (how < 4) {
			spec.every = (usec_t)(1 + rand_below(rand, 90)) * USEC_MINUTE;
			spec.in = (usec_t)rand_below(rand, 60) * USEC_MINUTE;
		} else if (how < 8) {
			spec.cron = TEXT(crons[rand_below(rand, 4)]);
			spec.time_zone = TEXT("Europe/Berlin");
			spec.dst = (int)rand_below(rand, DST_COUNT);
			spec.jitter = rand_below(rand, 3) == 0 ? 2 * USEC_MINUTE : 0;
		} else {
			spec.in = (usec_t)rand_below(rand, 600) * USEC_MINUTE;
		}
		add(f, spec, (usec_t)rand_below(rand, 40) * USEC_MINUTE / (1 + (usec_t)rand_below(rand, 8)));
	}
}

static char *
print(const struct fixture *f)
{
	const struct simulate *s = &f->simulate;
	struct buf b = { 0 };

	for (size_t i = 0; i < f->n; i++) {
		const struct simulated *j = &f->jobs[i];

		buf_printf(&b, "job %" PRId64 " began=%" PRId64 " overlaps=%" PRId64 " waited=%" PRId64
		    " longest=%" PRId64 " waiting=%" PRId64 " %s", j->id, j->began, j->overlaps, j->waited,
		    j->longest, j->waiting.usec, j->timeline);
		for (int k = 0; k < SKIP_COUNT; k++)
			buf_printf(&b, " %" PRId64, j->skips[k]);
		buf_puts(&b, "\n");
	}
	for (size_t i = 0; i < s->runs_n; i++) {
		const struct simulated_run *r = &s->runs[i];

		buf_printf(&b, "%zu.%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %d %d %" PRId64 "\n", r->job,
		    r->run, r->due.usec, r->started.usec, r->ended.usec, r->state, r->mark, r->wait);
	}
	for (int k = 0; k < KIND_COUNT; k++)
		buf_printf(&b, "peak %" PRId64 " %" PRId64 "\n", s->peaks[k].runs, s->peaks[k].at.usec);
	return buf_steal(&b);
}

static char *
simulate_seed(struct fixture *f, uint64_t seed)
{
	struct rand rand;

	rand_seed(&rand, seed);
	/* Over a night with a gap. */
	open_fixture(f, 30 * USEC_HOUR);
	f->config.from = (instant){ (int64_t)1774720800 * USEC_SEC };
	f->config.to = instant_add(f->config.from, 30 * USEC_HOUR);
	draw(f, &rand);
	run(f);
	return print(f);
}

static void
same_input_gives_the_same_answer(void **state)
{
	struct fixture *f = xmalloc(sizeof(*f));

	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		char *first, *second;

		first = simulate_seed(f, seed);
		close_fixture(f);
		second = simulate_seed(f, seed);
		close_fixture(f);
		assert_string_equal(first, second);
		free(first);
		free(second);
	}
	free(f);
}

/* ---- the daemon, on the same jobs: its scheduler, SQLite, executors that last as long ---- */

struct real {
	struct task		 root;
	struct loop		*loop;
	struct store		*store;
	struct event_hub	*events;
	struct exec_world	 world;
	struct scheduler	*scheduler;
	char			 directory[64];
	bool			 stop;
};

struct lasting {
	struct exec	exec;
};

static enum task_status
lasting_step(struct task *t)
{
	struct lasting *f = container_of(t, struct lasting, exec.task);

	TASK_BEGIN(t);

	SLEEP_UNTIL(t, loop_now(t->loop) + f->exec.spec->timer->duration);
	f->exec.run->state = t->err == -ECANCELED ? RUN_RUNNING : RUN_SUCCEEDED;
	TASK_END(t, 0);
}

static enum task_status
real_step(struct task *t)
{
	struct real *r = container_of(t, struct real, root);

	TASK_BEGIN(t);

	AWAIT(t, r->stop);
	TASK_END(t, 0);
}

static const struct task_kind lasting_kind = { .name = "lasting", .step = lasting_step };
static const struct executor lasting = { .frame_size = sizeof(struct lasting),
    .kind = &lasting_kind };
static const struct executor *const lasting_all[KIND_COUNT] = { &lasting, &lasting, &lasting };
static const struct task_kind real_kind = { .name = "real", .step = real_step };

static int
ask(struct real *r, struct store_op *op, enum op_kind kind)
{
	op->kind = kind;
	store_submit(r->store, op, NULL);
	while (!op->done)
		assert_int_equal(loop_run_until(r->loop, loop_now(r->loop)), 0);
	return op->result;
}

static void
real_add(struct real *r, const struct simulated *j)
{
	struct cJSON *spec = fields_write(job_spec_fields, j->spec), *schedule;
	struct job_new job = { .spec = j->spec, .spec_json = json_print(spec), .summary = "",
	    .due = j->due };
	struct op_add add_op = { .jobs = &job, .n = 1, .now = loop_wall(r->loop) };
	struct due_row row = { .due = j->due, .every = j->spec->every, .misfire = j->spec->misfire,
	    .kind = KIND_TIMER };

	if (job_spec_has_schedule(j->spec)) {
		schedule = fields_write(schedule_fields, j->spec);
		row.schedule = json_print(schedule);
		json_free(schedule);
	}
	job.schedule = row.schedule;
	assert_int_equal(ask(r, &add_op.op, OP_ADD), 0);
	assert_int_equal(job.id, j->id);
	row.id = job.id;
	scheduler_job_added(r->scheduler, &row, NULL, JOB_SCHEDULED);
	free(row.schedule);
	free((char *)(uintptr_t)job.spec_json);
	json_free(spec);
}

static void
real_start(struct real *r, const struct fixture *f)
{
	char error[STORE_ERROR_MAX];

	*r = (struct real){ .directory = "/tmp/jobd-unit.XXXXXX" };
	assert_non_null(mkdtemp(r->directory));
	r->loop = loop_new(LOOP_VIRTUAL);
	loop_set_wall(r->loop, f->config.from);
	r->store = store_open(&(struct store_config){ .directory = r->directory,
	    .mode = STORE_INLINE }, r->loop, error);
	r->events = event_hub_new();
	r->world = (struct exec_world){ .loop = r->loop, .executors = lasting_all };
	r->scheduler = scheduler_new(&(struct scheduler_config){ .loop = r->loop, .store = r->store,
	    .world = &r->world, .events = r->events, .zones = f->zones, .boot = "this",
	    .running_max = { 10, 10, f->config.running_max[KIND_TIMER] } });
	task_start_root(&r->root, &real_kind, r->loop);
	store_start_task(r->store, &r->root);
	scheduler_start(r->scheduler, &r->root);
	for (size_t i = 0; i < f->n; i++)
		real_add(r, &f->jobs[i]);
}

static void
real_close(struct real *r)
{
	struct dirent *e;
	DIR *d;

	r->stop = true;
	task_wake(&r->root);
	assert_int_equal(loop_run(r->loop), 0);
	scheduler_free(r->scheduler);
	event_hub_free(r->events);
	store_close(r->store);
	loop_free(r->loop);
	d = opendir(r->directory);
	while ((e = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	assert_int_equal(rmdir(r->directory), 0);
}

/* The runs and the skips of one job, here and there. */
static void
compare_job(struct real *r, const struct fixture *f, size_t i, uint64_t seed)
{
	const struct simulated *j = &f->jobs[i];
	struct op_get get = { .id = j->id, .runs_max = PAGE_MAX };
	int64_t skips = 0, run_n = 0;

	assert_int_equal(ask(r, &get.op, OP_GET), 0);
	for (int k = 0; k < SKIP_COUNT; k++)
		skips += j->skips[k];
	if (get.job.runs != j->began || get.job.skips != skips)
		fail_msg("seed %" PRIu64 " job %" PRId64 ": %" PRId64 " runs and %" PRId64 " skips, simulated %"
		    PRId64 " and %" PRId64, seed, j->id, get.job.runs, get.job.skips, j->began, skips);
	for (size_t k = 0; k < f->simulate.runs_n; k++) {
		const struct simulated_run *s = &f->simulate.runs[k];
		const struct run_info *run_info;

		if (s->job != i)
			continue;
		run_info = &get.runs[get.runs_n - 1 - (size_t)run_n++];
		assert_int_equal(s->run, run_info->run);
		assert_int_equal(s->due.usec, run_info->due.usec);
		assert_int_equal(s->started.usec, run_info->started.usec);
		assert_int_equal(s->mark, run_info->mark);
		assert_int_equal(s->state, run_info->state);
		assert_int_equal(s->ended.usec, run_info->ended.usec);
	}
	assert_int_equal(run_n, j->began);
	op_get_done(&get);
}

static void
it_decides_as_the_daemon_does(void **state)
{
	struct fixture *f = xmalloc(sizeof(*f));
	struct real r;

	(void)state;
	log_mute(true);		/* of jobs blocked by their own runs there are many */
	for (uint64_t seed = 1; seed <= 12; seed++) {
		free(simulate_seed(f, seed));
		assert_false(f->simulate.truncated);
		real_start(&r, f);
		assert_int_equal(loop_run_until(r.loop, loop_now(r.loop) +
		    instant_since(f->config.to, f->config.from) - 1), 0);
		for (size_t i = 0; i < f->n; i++)
			compare_job(&r, f, i, seed);
		real_close(&r);
		close_fixture(f);
	}
	free(f);
}

/* ---- the loop goes on ---- */

struct neighbour {
	struct task	task;
	unsigned	steps;
	struct fixture	*f;
	bool		hang_up;
};

static enum task_status
neighbour_step(struct task *t)
{
	struct neighbour *n = container_of(t, struct neighbour, task);

	TASK_BEGIN(t);

	while (!t->cancelled) {
		n->steps++;
		if (n->hang_up && n->f->simulate.decisions > 1000)
			task_cancel(&n->f->simulate.task);
		TASK_YIELD(t);
	}
	TASK_END(t, 0);
}

static const struct task_kind neighbour_kind = { .name = "neighbour", .step = neighbour_step };

struct beside {
	struct task		 root;
	struct fixture		*f;
	struct neighbour	 neighbour;
};

static enum task_status
beside_step(struct task *t)
{
	struct beside *b = container_of(t, struct beside, root);

	TASK_BEGIN(t);

	task_start(&b->neighbour.task, &neighbour_kind, t);
	simulate_start(&b->f->simulate, &b->f->config, b->f->jobs, b->f->n, t);
	AWAIT(t, task_done(&b->f->simulate.task));
	TASK_END(t, 0);
}

static const struct task_kind beside_kind = { .name = "beside", .step = beside_step };

static int
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
run_beside(struct fixture *f, struct beside *b, bool hang_up)
{
	struct field_error error;
	struct loop *l = loop_new(LOOP_REAL);

	for (size_t i = 0; i < JOBS; i++) {
		struct simulated *j = add(f, (struct job_spec){ .every = USEC_HOUR,
		    .in = (usec_t)i * USEC_MINUTE }, USEC_MINUTE);

		assert_int_equal(simulated_open(j, f->zones, &error), JOBD_OK);
		simulated_added(j, f->config.from);
	}
	*b = (struct beside){ .f = f, .neighbour = { .f = f, .hang_up = hang_up } };
	task_start_root(&b->root, &beside_kind, l);
	assert_int_equal(loop_run(l), 0);
	loop_free(l);
}

static void
slices_let_the_loop_go_on(void **state)
{
	struct fixture f;
	struct beside b;

	(void)state;
	open_fixture(&f, 365 * USEC_DAY);
	run_beside(&f, &b, false);
	assert_int_equal(f.simulate.began, JOBS * 365 * 24);
	/* 140,000 runs are some 40 slices at the very least. */
	assert_true(b.neighbour.steps > 20);
	close_fixture(&f);
}

static void
hang_up_ends_it_and_leaves_nothing(void **state)
{
	int before = descriptors();
	struct fixture f;
	struct beside b;

	(void)state;
	open_fixture(&f, 3650 * USEC_DAY);
	run_beside(&f, &b, true);
	assert_true(f.simulate.decisions < JOBS * 3650 * 24);
	assert_null(f.simulate.world);
	assert_int_equal(descriptors(), before);
	close_fixture(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues_and_overlap_modes_are_simulated_as_they_are),
		cmocka_unit_test(overlaps_waits_and_peaks_are_counted),
		cmocka_unit_test(what_goes_on_at_the_beginning_takes_its_slot_and_its_turn),
		cmocka_unit_test(limits_of_a_run_end_it_and_the_end_of_all_cuts_it_off),
		cmocka_unit_test(beginning_is_in_and_end_is_out),
		cmocka_unit_test(lists_are_cut_and_counts_are_not),
		cmocka_unit_test(too_much_stops_and_says_how_far_it_came),
		cmocka_unit_test(nights_of_time_changes_are_marked),
		cmocka_unit_test(stored_jobs_begin_with_what_is_due_then),
		cmocka_unit_test(same_input_gives_the_same_answer),
		cmocka_unit_test(it_decides_as_the_daemon_does),
		cmocka_unit_test(slices_let_the_loop_go_on),
		cmocka_unit_test(hang_up_ends_it_and_leaves_nothing),
	};

	return cmocka_run_group_tests_name("scheduler_simulate", tests, NULL, NULL);
}
